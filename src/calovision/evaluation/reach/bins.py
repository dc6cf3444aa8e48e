"""Bins of a search: expected events, choice of thresholds and edges, filling with events."""

from dataclasses import dataclass

import numpy as np

from calovision.core.errors import InputError
from calovision.evaluation.reach.significance import (
    asimov_significance,
    check_uncertainty,
    is_number,
)
from calovision.metrics import roc
from calovision.metrics.events import CANCELLED, event_labels, event_numbers, numeric_array
from calovision.metrics.roc import scored_events

HALF_DECADE = 10.0**0.5
LOOSER, TIGHTER = 2, 6  # half decades of background efficiency around the best cut


@dataclass(frozen=True)
class SearchBins:
    """Expected events in the bins of a search.

    Attributes
    ----------
    signal, background
        Expected events, ``(n_bins,)``; the background is positive (`fill_bins` takes care of empty
        bins).
    background_error
        Statistical uncertainty of the simulated background, events, ``(n_bins,)``; independent of
        bin to bin.
    background_uncertainty
        Relative systematic uncertainty of the background.
    correlated
        Whether that is common to all bins, or of each bin for itself. Where it is common, bins with
        much background measure it for those with little, as a control region would: only bins that
        a search would trust belong here.
    """

    signal: np.ndarray
    background: np.ndarray
    background_error: np.ndarray
    background_uncertainty: float
    correlated: bool = True

    def __post_init__(self) -> None:
        check_uncertainty(self.background_uncertainty)
        for name in ("signal", "background", "background_error"):
            values = np.asarray(
                numeric_array(getattr(self, name), f"values of {name}"), dtype=np.float64
            )
            object.__setattr__(self, name, np.atleast_1d(values))
        if (
            not self.signal.shape == self.background.shape == self.background_error.shape
            or not self.signal.size
        ):
            raise InputError(
                "signal, background and background_error need one number per bin, and at least one "
                "bin"
            )
        if not (np.isfinite(self.signal) & (self.signal >= 0)).all():
            raise InputError(
                "the expected signal of a bin is negative or not finite; clip negative sums to 0"
            )
        if not (np.isfinite(self.background) & (self.background > 0)).all():
            raise InputError(
                "the expected background of a bin is not positive; put an upper limit where none "
                "is left"
            )
        if not (np.isfinite(self.background_error) & (self.background_error >= 0)).all():
            raise InputError("the background_error of a bin is negative or not finite")

    def trials(self) -> np.ndarray:
        """Events of the auxiliary measurement of each bin alone, ``(n_bins,)``: 1 / relative
        variance; inf: exact.
        """
        own = 0.0 if self.correlated else self.background_uncertainty
        return inverse((self.background_error / self.background) ** 2 + own**2)

    def common_trials(self) -> float:
        """Events of the auxiliary measurement that all bins share."""
        return float(inverse(self.background_uncertainty**2)) if self.correlated else np.inf

    def relative_variance(self) -> np.ndarray:
        """Relative variance of the background of each bin, ``(n_bins,)``: of the product of both
        factors.
        """
        own, common = 1.0 / self.trials(), 1.0 / self.common_trials()
        return own + common + own * common


def inverse(variance: np.ndarray) -> np.ndarray:
    """Reciprocal; inf below 1e-12, an uncertainty of a millionth, which changes no result but
    spoils digits.
    """
    variance = np.asarray(variance, dtype=np.float64)
    return np.divide(1.0, variance, out=np.full(variance.shape, np.inf), where=variance > 1e-12)


def choose_threshold(
    scores: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    *,
    expected_signal: float,
    expected_background: float,
    background_uncertainty: float,
    least_n_eff: float = 10.0,
) -> float:
    """Threshold of ``score >= threshold`` with the largest Asimov significance; choose on the
    validation split.

    Arrays are ``(n_events,)``; ``expected_signal`` and ``expected_background`` are the events that
    all of them stand for. The statistical uncertainty of the background is added to the systematic
    one, and at least ``least_n_eff`` effective background events must pass, or luck would choose.

    Raises
    ------
    InputError
        As `calovision.metrics.roc`; if expected events or ``least_n_eff`` are no positive numbers,
        or no threshold leaves that many background events.
    """
    curve = roc(scores, labels, weights)
    check_positive(
        expected_signal=expected_signal,
        expected_background=expected_background,
        least_n_eff=least_n_eff,
    )
    check_uncertainty(background_uncertainty)
    background = curve.background_efficiency * expected_background
    allowed = (curve.background_n_eff >= least_n_eff * (1 - 1e-9)) & (background > 0)
    if not allowed.any():
        raise InputError(
            f"no threshold leaves {least_n_eff:g} effective background events (all: "
            f"{curve.background_n_eff[-1]:.1f}); "
            "simulate more background or lower least_n_eff"
        )
    significance = asimov_significance(
        curve.signal_efficiency[allowed] * expected_signal,
        background[allowed],
        np.sqrt(background_uncertainty**2 + 1.0 / curve.background_n_eff[allowed]),
    )
    return float(curve.thresholds[allowed][np.argmax(significance)])


def choose_edges(
    scores: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    *,
    threshold: float,
    least_n_eff: float = 10.0,
) -> np.ndarray:
    """Ascending lower edges of score bins around the best cut; choose on the validation split.

    ``threshold`` (`choose_threshold`) is always an edge, so that the bins know all that the cut
    knows. The others are at half decades of background efficiency from its own: up to ten times
    looser, where a common uncertainty may still be called common, and tighter as long as every bin
    has ``least_n_eff`` effective background events. The last bin is open.

    Raises
    ------
    InputError
        As `calovision.metrics.roc`, or if the threshold or ``least_n_eff`` is no number.
    """
    if not is_number(threshold):
        raise InputError(f"threshold {threshold} is no number; give one of `choose_threshold`")
    check_positive(least_n_eff=least_n_eff)
    curve = roc(scores, labels, weights)
    background = np.maximum.accumulate(
        curve.background_efficiency
    )  # ascending, with negative weights too
    scores, is_signal, weights = scored_events(scores, labels, weights)
    scores = scores[~is_signal]
    weights = weights[~is_signal]
    passing = max(
        weights[scores >= threshold].sum() / weights.sum(), 0.0
    )  # negative weights may be all that passes

    def is_enough(low: float, high: float) -> bool:
        inside = weights[(scores >= low) & (scores < high)]
        return (
            inside.sum() > 0 and inside.sum() ** 2 >= least_n_eff * (1 - 1e-9) * (inside**2).sum()
        )

    edges: list[float] = [float(threshold)]
    for step in (*range(-1, -TIGHTER - 1, -1), *range(1, LOOSER + 1)):
        # The loosest edge that keeps no more: a discrete score may jump over decades.
        keeps = passing * HALF_DECADE**step * (1 + 1e-9)
        edge = float(curve.thresholds[np.searchsorted(background, keeps, side="right") - 1])
        lower = edges[-1] if step < 0 else edge
        upper = np.inf if step < 0 else edges[0]
        if step < 0 and edge > lower and is_enough(lower, edge) and is_enough(edge, upper):
            edges.append(edge)
        if step > 0 and edge < upper and is_enough(edge, upper):
            edges.insert(0, edge)
    return np.array(edges)


def bin_indices(scores: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Bin of each event, ``(n_events,)``: 0 below the first of the ascending edges, then 1, 2,
    ...
    """
    return np.searchsorted(edges, event_numbers(scores, "scores"), side="right")


def fill_bins(
    indices: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    n_bins: int,
    *,
    empty: float,
    counts: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Signal, background, statistical uncertainty of the background, and flags of bins whose
    background is only a limit.

    Parameters
    ----------
    indices
        Bin of each event, ``(n_events,)``: 0 for none, then 1 to ``n_bins`` (`bin_indices`).
    labels, weights
        ``(n_events,)``; weights in expected events.
    n_bins
        Number of bins.
    empty
        Background, in events, of a bin that has none, with an uncertainty of 100 %: an upper limit.
        It also takes the place of a background that negative weights make zero or less; a signal
        below 0 counts as 0.
    counts
        How often each event is there, ``(n_events,)``; once without. Two copies are two events of
        its weight, not one of twice the weight: this is what a bootstrap needs.

    Returns
    -------
    Four arrays ``(n_bins,)``.

    Raises
    ------
    InputError
        If arrays do not fit together, a weight is not finite, or a bin is none of 0 to ``n_bins``.
    """
    places = event_numbers(indices, "bins of the events")
    is_signal = event_labels(labels, n_events=len(places))
    weights = event_numbers(weights, "weights", n_events=len(places))
    if counts is not None:
        counts = event_numbers(counts, "counts", n_events=len(places))
    if not np.isin(places, np.arange(n_bins + 1)).all():
        raise InputError(
            f"bins of the events are none of 0 to {n_bins}; give those of `bin_indices`"
        )
    return filled(places.astype(np.int64), is_signal, weights, n_bins, empty=empty, counts=counts)


def filled(
    indices: np.ndarray,
    is_signal: np.ndarray,
    weights: np.ndarray,
    n_bins: int,
    *,
    empty: float,
    counts: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Fill bins as `fill_bins`, without checks, as a bootstrap fills thousands of times."""
    sums = weights if counts is None else weights * counts
    of_background = np.where(is_signal, 0.0, sums)
    contents = (
        np.where(is_signal, sums, 0.0),
        of_background,
        of_background * weights,
        np.abs(of_background),
    )
    signal, background, variance, size = (
        np.bincount(indices, one, minlength=n_bins + 1)[1:] for one in contents
    )
    is_limit = background <= CANCELLED * size
    background = np.where(is_limit, empty, background)
    error = np.where(is_limit, np.maximum(empty, 0.0), np.sqrt(variance))
    return np.maximum(signal, 0.0), background, error, is_limit


def check_positive(**numbers: float) -> None:
    """Raise InputError unless all are positive numbers; each is named by its keyword."""
    for name, value in numbers.items():
        if not (is_number(value) and value > 0):
            raise InputError(f"{name} is {value}; give a positive number")
