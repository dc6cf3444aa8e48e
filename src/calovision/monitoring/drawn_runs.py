"""Good runs drawn from a reference, of any number of events."""

from typing import TYPE_CHECKING

import numpy as np

from calovision.monitoring.run_maps import WHOLE_RUN, RunMaps

if TYPE_CHECKING:
    from calovision.monitoring.reference import Reference


def good_runs_like(
    reference: "Reference", n_runs: int, n_events: int, rng: np.random.Generator
) -> RunMaps:
    """Runs as the reference expects them.

    Parameters
    ----------
    reference
        Rates, energies, and the spread of the rates from run to run.
    n_runs, n_events
        Number of runs, and of the events of each.
    rng
        Random numbers.

    Returns
    -------
    Runs numbered from 1 on. Hits are binomial with rates that are spread as those of the good runs;
    the energies of hits above the threshold are exponential.
    """
    shape = (n_runs, *reference.rate.shape)
    rates = reference.rate + reference.rate_spread * rng.standard_normal(shape)
    hits = rng.binomial(n_events, np.clip(rates, 0.0, 1.0))
    least = np.array(reference.thresholds)[:, None, None]
    energy = reference.mean / np.where(reference.rate > 0, reference.rate, 1.0)
    total = least * hits + np.maximum(energy - least, 0.0) * rng.gamma(hits)
    return RunMaps(
        reference.grid,
        reference.channels,
        reference.units,
        reference.thresholds,
        np.arange(1, n_runs + 1),
        np.full(n_runs, WHOLE_RUN),
        np.full(n_runs, n_events),
        hits.astype(np.float64),
        np.where(hits > 0, total, 0.0),
    )
