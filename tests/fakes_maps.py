"""Maps of runs, small and seeded."""

import numpy as np

from calovision.images.grid import EtaPhiGrid
from calovision.monitoring.layout import MapLayout
from calovision.monitoring.run_maps import WHOLE_RUN, RunMaps

LAYOUT = MapLayout.of_channels(EtaPhiGrid(4, 16), ("em_et", "tracks"), {"em_et": 0.5})


def make_maps(n_runs=6, n_events=500, *, layout=LAYOUT, rate=0.2, first_run=1, seed=1):
    """Maps of good runs: as many hits as chance gives, each of about 2 in the unit of the
    channel."""
    rng = np.random.default_rng(seed)
    shape = (n_runs, *layout.shape)
    occupancy = rng.binomial(n_events, np.broadcast_to(rate, shape)).astype(float)
    return RunMaps(
        **vars(layout),
        run=np.arange(first_run, first_run + n_runs),
        lumi_block=np.full(n_runs, WHOLE_RUN),
        n_events=np.full(n_runs, n_events),
        occupancy=occupancy,
        total=rng.gamma(np.maximum(occupancy, 1e-9), 2.0),
    )


def sum_by_hand(images, run, thresholds):
    """Runs, events, occupancy and total of dense images, run by run."""
    runs = np.unique(run)
    of_run = [images[run == one].astype(np.float64) for one in runs]
    least = np.array(thresholds)[:, None, None]
    hits = [((one > 0) & (one >= least)).sum(axis=0) for one in of_run]
    return runs, [len(one) for one in of_run], hits, [one.sum(axis=0) for one in of_run]
