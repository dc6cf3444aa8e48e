"""Training weights that make the spectrum of one variable, as of the target, flat.

Unlike those of classes (`calovision.datasets.flat`), whose bins hold equally many rows, the bins
are equally wide, or equally wide in the logarithm: a flat spectrum is one that is constant per GeV.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from calovision.core.errors import InputError
from calovision.datasets.flat import FEWEST_ROWS, FlatWeights

if TYPE_CHECKING:
    import numpy as np

TAILS = 0.005
"""Share of the rows on either side that the outermost bins take as well."""
LARGEST_FACTOR = 10.0
"""Factor of a row over the mean at most: the few rows of a tail shall not be all that counts."""


def fit_flat_target(
    values: np.ndarray, weights: np.ndarray, name: str, *, n_bins: int = 20, log: bool = False
) -> FlatWeights:
    """Factors with which all bins of a variable weigh the same, but for `LARGEST_FACTOR`.

    Parameters
    ----------
    values, weights
        Of the training rows, ``(n,)`` each; weights are not negative.
    name
        Of the variable.
    n_bins
        Number of bins at most; fewer where a bin would have less than `FEWEST_ROWS` rows on
        average.
    log
        Bins are equally wide in the logarithm.

    Raises
    ------
    InputError
        If the logarithm is asked for, and a value is not above 0.
    """
    import numpy as np

    if log and not np.all(values > 0):
        raise InputError(
            f"train.flat_in: '{name}' is not above 0 for {np.count_nonzero(~(values > 0))} of "
            f"{len(values)} rows, which have no logarithm; take target_scale: linear"
        )
    scaled = np.log(values) if log else np.asarray(values, dtype=np.float64)
    n_bins = max(min(n_bins, len(values) // FEWEST_ROWS), 1)
    low, high = np.quantile(scaled, (TAILS, 1 - TAILS))
    inner = np.linspace(low, high, n_bins + 1)[1:-1]
    inner = np.exp(inner) if log else inner
    sums = np.bincount(np.searchsorted(inner, values, side="right"), weights, minlength=n_bins)
    factors = np.divide(sums.sum() / n_bins, sums, out=np.zeros(n_bins), where=sums > 0)
    return FlatWeights((name,), (inner[None],), np.minimum(factors, LARGEST_FACTOR)[None])
