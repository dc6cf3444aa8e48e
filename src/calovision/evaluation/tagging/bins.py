"""Performance of taggers in bins of a variable, such as the transverse momentum or the mass."""

from collections.abc import Mapping, Sequence

import numpy as np

from calovision.core.numeric import finite_or_none
from calovision.evaluation.results.numbers import Interval
from calovision.evaluation.results.tagging_details import BinnedVariable, TaggerBin
from calovision.evaluation.tagging.discriminants import Discriminant
from calovision.evaluation.tagging.rows import TaggedRows
from calovision.metrics import Efficiency, efficiency, n_effective, rejection_at
from calovision.metrics.events import has_positive_sum
from calovision.metrics.roc import auc_with_error

FEWEST_ROWS = 10.0  # effective ones of each side: below, a bin has no number
N_BINS = 5
PREFERRED_EFFICIENCY = 0.5  # of the signal
NOTHING = Interval(None, None, None)


def bin_edges(values: np.ndarray, n_bins: int = N_BINS) -> tuple[float, ...]:
    """Edges of bins with about as many rows, rounded to three digits, but for the outermost, which
    hold all rows.
    """
    values = values[np.isfinite(values)]
    if not len(values):
        return ()
    inner = np.quantile(values, np.linspace(0.0, 1.0, n_bins + 1))[1:-1]
    low, high = float(np.floor(values.min())), float(np.ceil(values.max()))
    rounded = {float(f"{edge:.3g}") for edge in inner}
    return (low, *sorted(edge for edge in rounded if low < edge < high), high)


def efficiency_of_bins(efficiencies: Sequence[float]) -> float:
    """Signal efficiency at which bins are looked at: `PREFERRED_EFFICIENCY` if it is among those
    asked for, else the one in their middle.
    """
    if PREFERRED_EFFICIENCY in efficiencies:
        return PREFERRED_EFFICIENCY
    return float(efficiencies[len(efficiencies) // 2])


def binned(
    rows: TaggedRows,
    values: np.ndarray,
    edges: Sequence[float],
    scores: Mapping[str, np.ndarray],
    discriminants: Sequence[Discriminant],
    *,
    signal_efficiency: float,
) -> BinnedVariable:
    """Numbers of classifiers in bins of a variable.

    In a bin a class makes as much of the mixture as of its rows, times its share, are there.

    Parameters
    ----------
    rows
        Test rows.
    values
        Of the variable, ``(n,)``; rows without it are in no bin.
    edges
        Of the bins, ascending; the last one belongs to the last bin.
    scores
        Classifier -> log-probabilities, ``(n, n_classes)``.
    discriminants
        Classes that are told apart.
    signal_efficiency
        Of the rejections, and of the threshold for all bins.
    """
    place = np.digitize(values, edges[1:-1])
    place[~(np.isfinite(values) & (values >= edges[0]) & (values <= edges[-1]))] = -1
    bins = [place == number for number in range(len(edges) - 1)]
    return BinnedVariable(
        signal_efficiency,
        tuple(map(float, edges)),
        {
            name: tuple(n_effective(rows.weights[one & rows.of_class(label)]) for one in bins)
            for label, name in enumerate(rows.classes)
        },
        {
            name: {
                one.name: _in_bins(one, each, rows, bins, signal_efficiency)
                for one in discriminants
            }
            for name, each in scores.items()
        },
    )


def _in_bins(
    discriminant: Discriminant,
    log_probabilities: np.ndarray,
    rows: TaggedRows,
    bins: Sequence[np.ndarray],
    signal_efficiency: float,
) -> tuple[TaggerBin, ...]:
    values = discriminant.values(log_probabilities, rows.classes)
    shares = discriminant.shares(rows.labels, rows.classes)
    is_signal = discriminant.is_signal(rows.labels, rows.classes)
    threshold = threshold_at(
        values[is_signal], (rows.weights * shares)[is_signal], signal_efficiency
    )
    found = []
    for one in bins:
        chosen = one & (shares > 0)
        weights = rows.weights[chosen] * shares[chosen]
        sides = (weights[is_signal[chosen]], weights[~is_signal[chosen]])
        if not all(n_effective(one) >= FEWEST_ROWS and has_positive_sum(one) for one in sides):
            found.append(TaggerBin(NOTHING, NOTHING, None, None))
            continue
        columns = values[chosen], is_signal[chosen], weights
        area, error = auc_with_error(*columns)
        rejection = rejection_at(*columns, signal_efficiency)
        value = None if rejection.is_limit else rejection.value
        found.append(
            TaggerBin(
                Interval(area, max(area - error, 0.0), min(area + error, 1.0)),
                Interval(value, finite_or_none(rejection.low), rejection.high),
                *_passing(values[chosen] >= threshold, is_signal[chosen], weights),
            )
        )
    return tuple(found)


def _passing(
    passed: np.ndarray, is_signal: np.ndarray, weights: np.ndarray
) -> tuple[Efficiency, Efficiency]:
    """Efficiencies of signal and background."""
    signal, background = (
        efficiency(passed[members], weights[members]) for members in (is_signal, ~is_signal)
    )
    return signal, background


def threshold_at(values: np.ndarray, weights: np.ndarray, signal_efficiency: float) -> float:
    """Largest threshold that at least this part of the signal reaches."""
    order = np.argsort(-values, kind="stable")
    passed = np.maximum.accumulate(np.cumsum(weights[order]) / weights.sum())
    place = np.searchsorted(passed, signal_efficiency - 1e-12)
    return float(values[order][min(place, len(values) - 1)])
