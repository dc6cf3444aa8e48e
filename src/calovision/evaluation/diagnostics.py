"""Score diagnostics: calibration, correlations, mass sculpting.

Everything is weighted; negative weights are kept. A number that does not exist (of an empty bin, or
of a class whose weights do not add up to a positive number) is None, and every number has the
effective number of events that it rests on, ``n_eff``, beside it.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from scipy.special import expit

from calovision.core.errors import InputError
from calovision.evaluation.results.diagnostics import (
    Calibration,
    CalibrationBin,
    ClassEvents,
    Correlation,
    Diagnostics,
)
from calovision.evaluation.sculpting import BACKGROUND_EFFICIENCIES, mass_sculpting
from calovision.metrics import efficiency, n_effective
from calovision.metrics.events import (
    column_of,
    event_labels,
    event_numbers,
    has_positive_sum,
    scaled_to_one,
)
from calovision.metrics.roc import scored_events

CLASSES = {"signal": 1, "background": 0}
N_BINS = 10  # of the reliability diagram
EVENT_VARIABLES = ("n_fat_jets", "mj_sum", "ht", "delta_eta_12")
NO_LOGITS = (*EVENT_VARIABLES, "n_jets")  # columns of scores that are event variables


def diagnose(
    test: Mapping[str, np.ndarray],
    scores: Sequence[str],
    *,
    further: Sequence[str] = (),
    background_efficiencies: Sequence[float] = BACKGROUND_EFFICIENCIES,
) -> Diagnostics:
    """Calibration, correlations and mass sculpting of scores; variables of the event are no
    probabilities and have no calibration.

    Parameters
    ----------
    test
        Table of test events (`tabulate_events`).
    scores
        Columns of it, larger = more like signal: logits of classifiers, or variables of the event.
    further
        Columns of it with one number an event, whose correlations are looked at, too.
    background_efficiencies
        Of the cuts whose sculpting is measured.

    Raises
    ------
    InputError
        If a column is missing, scores or weights are not finite, or a class has no positive sum of
        weights.
    """
    labels = event_labels(column_of(test, "label"))
    columns = {
        name: event_numbers(
            column_of(test, name), f"values of column '{name}'", n_events=len(labels)
        )
        for name in ("weight", "mj_sum", *scores)
    }
    weights = columns["weight"]
    values = {name: columns[name] for name in scores}
    variables = jet_variables(test) | {name: column_of(test, name) for name in further}
    background = ~labels
    probabilities = {name: expit(one) for name, one in values.items() if name not in NO_LOGITS}
    return Diagnostics(
        calibration={
            name: calibration(one, labels, weights) for name, one in probabilities.items()
        },
        correlations={
            name: correlations(one, variables, labels, weights, probability=probabilities.get(name))
            for name, one in values.items()
        },
        mass_sculpting={
            name: mass_sculpting(
                one[background],
                columns["mj_sum"][background],
                weights[background],
                background_efficiencies=background_efficiencies,
            )
            for name, one in values.items()
        },
    )


def calibration(
    scores: np.ndarray, labels: np.ndarray, weights: np.ndarray, *, n_bins: int = N_BINS
) -> Calibration:
    """Reliability diagram of a score as the probability of signal, for classes of equal sums of
    weights, as in the training (Guo et al., arXiv:1706.04599).

    Parameters
    ----------
    scores, labels, weights
        ``(n_events,)``; scores in [0, 1].
    n_bins
        Equal bins of the score.

    Raises
    ------
    InputError
        If arrays do not fit together, a score is outside [0, 1] or not finite, there are no bins,
        or a class has no positive sum of weights.
    """
    scores, labels, weights = scored_events(scores, labels, weights)
    if not (isinstance(n_bins, int | np.integer) and n_bins > 0):
        raise InputError(f"calibration: n_bins is {n_bins}; give the number of bins of the score")
    if not np.all((scores >= 0) & (scores <= 1)):
        raise InputError(
            "calibration: scores outside [0, 1] are no probabilities; leave this score out"
        )
    return reliability(scores, labels, _balanced(labels, weights), n_bins=n_bins)


def reliability(
    scores: np.ndarray, labels: np.ndarray, weights: np.ndarray, *, n_bins: int = N_BINS
) -> Calibration:
    """Reliability diagram of probabilities ``(n,)`` in [0, 1] of label 1, with the weights as they
    are, of a positive sum.
    """
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    place = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, n_bins - 1)
    bins = [
        _calibration_bin(edge, *(column[place == k] for column in (scores, labels, weights)))
        for k, edge in enumerate(pairwise(edges))
    ]
    filled = [one for one in bins if one.predicted is not None]
    gaps = [abs(one.observed - one.predicted) for one in filled]
    shares = [one.share for one in filled]
    n_eff = {name: n_effective(weights[labels == label]) for name, label in CLASSES.items()}
    return Calibration(
        bins=tuple(bins),
        expected_calibration_error=float(np.average(gaps, weights=shares)),
        brier_score=float(np.average((scores - labels) ** 2, weights=weights)),
        n_eff=ClassEvents(**n_eff),
    )


def correlations(
    score: np.ndarray,
    variables: Mapping[str, np.ndarray],
    labels: np.ndarray,
    weights: np.ndarray,
    *,
    probability: np.ndarray | None = None,
) -> dict[str, dict[str, Correlation]]:
    """Weighted correlations of a score with variables: class -> variable -> correlation.

    Parameters
    ----------
    score, labels, weights
        ``(n_events,)``.
    variables
        ``(n_events,)`` each; events where one is NaN do not count for it.
    probability
        Of signal, ``(n_events,)``, where the score is its logit: takes the place of the score in
        Pearson's, which would see little but the tails of the logit. Spearman's needs the order
        alone, where probabilities have ties.

    Raises
    ------
    InputError
        If arrays do not fit together, or a score or weight is not finite.
    """
    score = event_numbers(score, "scores")
    n = len(score)
    labels = event_labels(labels, n_events=n)
    weights = scaled_to_one(event_numbers(weights, "weights", n_events=n))
    if probability is not None:
        probability = event_numbers(probability, "probabilities", n_events=n)
    variables = {
        name: event_numbers(values, f"values of '{name}'", n_events=n, finite=False)
        for name, values in variables.items()
    }
    found = {}
    for title, label in CLASSES.items():
        members = labels == label
        found[title] = {}
        for name, variable in variables.items():
            chosen = members & np.isfinite(variable)
            x, y, w = score[chosen], variable[chosen], weights[chosen]
            linear = x if probability is None else probability[chosen]
            spearman = weighted_correlation(weighted_ranks(x, w), weighted_ranks(y, w), w)
            pearson = weighted_correlation(linear, y, w)
            found[title][name] = Correlation(pearson, spearman, n_effective(w))
    return found


def jet_variables(test: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Jet variables of a table of events: those of the event, then pT, abs(eta) and mass of each
    leading fat jet.

    Float64 ``(n_events,)``; NaN where an event has not so many jets. phi is left out: nothing
    prefers one.
    """
    found = {
        name: event_numbers(test[name], f"values of '{name}'", finite=False)
        for name in EVENT_VARIABLES
        if name in test
    }
    jets = np.asarray(test["fat_jets"]) if "fat_jets" in test else np.zeros((0, 0, 4))
    if jets.ndim != 3 or jets.shape[-1] != 4:
        raise InputError(
            f"column 'fat_jets' has the shape {jets.shape}; (n_events, n_jets, 4) is expected"
        )
    jets = np.where(jets[..., :1] > 0, jets, np.nan)
    for title, values in (
        ("pt", jets[..., 0]),
        ("abs_eta", np.abs(jets[..., 1])),
        ("mass", jets[..., 3]),
    ):
        found |= {f"{title}_{k + 1}": values[:, k] for k in range(jets.shape[1])}
    return found


def weighted_correlation(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> float | None:
    """Pearson's weighted correlation; None if x or y has no positive variance. Clipped, as weights
    may be negative.
    """
    total = weights.sum()
    if not has_positive_sum(weights):
        return None
    x, y = x - weights @ x / total, y - weights @ y / total
    variances = weights @ x**2, weights @ y**2
    # a constant keeps a variance of the size of the rounding
    if min(variances) <= 0 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(np.clip(weights @ (x * y) / np.sqrt(variances[0] * variances[1]), -1.0, 1.0))


def weighted_ranks(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Rank of each value, ``(n,)``: the weights below plus half of those at it.

    For equal weights the usual ranks, ties at their middle, up to a linear map. Negative weights
    count by their size here, so that a larger value never has a lower rank.
    """
    _, places = np.unique(values, return_inverse=True)
    sums = np.bincount(places, weights=np.abs(weights))
    return (np.cumsum(sums) - sums / 2)[places]


def _balanced(labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weights of which each class has the sum 1/2."""
    for label in CLASSES.values():
        members = labels == label
        weights = np.where(members, weights / (2 * weights[members].sum()), weights)
    return weights


def _calibration_bin(
    edges: tuple[float, float], scores: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> CalibrationBin:
    """Bin of the events between two edges of the score."""
    is_filled = has_positive_sum(weights)
    observed = efficiency(labels == 1, weights) if is_filled else None
    return CalibrationBin(
        low=float(edges[0]),
        high=float(edges[1]),
        share=float(weights.sum()),
        n_eff=n_effective(weights),
        predicted=float(np.average(scores, weights=weights)) if is_filled else None,
        observed=observed.value if is_filled else None,
        observed_low=observed.low if is_filled else None,
        observed_high=observed.high if is_filled else None,
    )
