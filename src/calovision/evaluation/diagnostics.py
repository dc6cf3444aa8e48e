"""What else to know of a score before a search uses it: its calibration, what it is correlated with, what it sculpts.

Everything is weighted; negative weights are kept. What cannot be said (an empty bin, a class whose weights do not add
up to a positive number) is None, and every number has the effective number of events behind it, ``n_eff``, beside it.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from scipy.special import expit

from calovision.errors import InputError
from calovision.metrics import efficiency, n_effective

CLASSES = {"signal": 1, "background": 0}
N_BINS = 10  # of the reliability diagram
BACKGROUND_EFFICIENCIES = (0.1, 0.01, 0.001)
FEWEST_EFFECTIVE = 10.0  # background events: below, a mass distribution cannot be judged
MASS_BIN = 100.0  # GeV
MOST_BINS = 20  # of the mass; a longer tail gets wider ones
N_TOYS = 400
EVENT_VARIABLES = ("n_fat_jets", "mj_sum", "ht", "delta_eta_12")
COUNTED = (*EVENT_VARIABLES, "n_jets")  # what may be cut on instead of the output of a classifier


def diagnose(
    test: Mapping[str, np.ndarray],
    scores: Sequence[str],
    *,
    background_efficiencies: Sequence[float] = BACKGROUND_EFFICIENCIES,
) -> dict:
    """Calibration, correlations and mass sculpting of scores.

    Parameters
    ----------
    test
        Table of test events (`tabulate_test_events`).
    scores
        Columns of it, larger = more like signal: logits of classifiers, or variables of the event.
    background_efficiencies
        Of the cuts whose sculpting is measured.

    Returns
    -------
    ``calibration`` (of the classifiers only, as variables are no probabilities), ``correlations`` and
    ``mass_sculpting``: score -> what `calibration`, `correlations` and `mass_sculpting` return. Only numbers, strings,
    lists and None, for JSON.

    Raises
    ------
    InputError
        If a column is missing, scores or weights are not finite, or a class has no positive sum of weights.
    """
    for name in ("label", "weight", "mj_sum", *scores):
        if name not in test:
            raise InputError(f"the table of test events has no column '{name}'; evaluate again")
    labels, weights = test["label"], np.asarray(test["weight"], dtype=np.float64)
    variables, background = jet_variables(test), labels == 0
    values = {name: np.asarray(test[name], dtype=np.float64) for name in scores}
    for name, one in (values | {"weight": weights, "mj_sum": test["mj_sum"]}).items():
        if not np.isfinite(one).all():
            raise InputError(f"{np.sum(~np.isfinite(one))} values of column '{name}' are not finite; evaluate again")
    probabilities = {name: expit(one) for name, one in values.items() if name not in COUNTED}
    return {
        "calibration": {name: calibration(one, labels, weights) for name, one in probabilities.items()},
        "correlations": {
            name: correlations(one, variables, labels, weights, probability=probabilities.get(name))
            for name, one in values.items()
        },
        "mass_sculpting": {
            name: mass_sculpting(
                one[background],
                test["mj_sum"][background],
                weights[background],
                background_efficiencies=background_efficiencies,
            )
            for name, one in values.items()
        },
    }


def calibration(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray, *, n_bins: int = N_BINS) -> dict:
    """Whether a score is the probability of signal, for classes of equal sums of weights, as in the training.

    Parameters
    ----------
    scores, labels, weights
        ``(n_events,)``; scores in [0, 1].
    n_bins
        Equal bins of the score.

    Returns
    -------
    ``bins``: of each its ``low`` and ``high`` edge, ``share`` of all weights, ``predicted`` (mean score), ``observed``
    (fraction of signal) with its 68.3 % interval ``observed_low`` and ``observed_high``, and ``n_eff``; None where the
    weights of a bin do not add up to a positive number. ``expected_calibration_error``: mean of |observed - predicted|
    over the bins by their shares (Guo et al., arXiv:1706.04599). ``brier_score``: weighted mean of (score - label)^2.
    ``n_eff``: that of each class.

    Raises
    ------
    InputError
        If a score is outside [0, 1] or not finite, or a class has no positive sum of weights.
    """
    scores, labels = np.asarray(scores, dtype=np.float64), np.asarray(labels)
    if not np.all((scores >= 0) & (scores <= 1)):
        raise InputError("calibration: scores outside [0, 1] are no probabilities; leave this score out")
    balanced = _balanced(labels, weights)
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    place = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, n_bins - 1)
    bins = [
        {"low": float(low), "high": float(high)} | _reliability(*(v[place == k] for v in (scores, labels, balanced)))
        for k, (low, high) in enumerate(pairwise(edges))
    ]
    filled = [one for one in bins if one["predicted"] is not None]
    gaps, shares = ([abs(o["observed"] - o["predicted"]) for o in filled], [one["share"] for one in filled])
    return {
        "bins": bins,
        "expected_calibration_error": float(np.average(gaps, weights=shares)),
        "brier_score": float(np.average((scores - labels) ** 2, weights=balanced)),
        "n_eff": {name: n_effective(balanced[labels == label]) for name, label in CLASSES.items()},
    }


def correlations(
    score: np.ndarray,
    variables: Mapping[str, np.ndarray],
    labels: np.ndarray,
    weights: np.ndarray,
    *,
    probability: np.ndarray | None = None,
) -> dict:
    """Weighted correlation of a score with variables, in each class.

    Parameters
    ----------
    score, labels, weights
        ``(n_events,)``.
    variables
        ``(n_events,)`` each; events where one is NaN do not count for it.
    probability
        Of signal, ``(n_events,)``, where the score is its logit: takes the place of the score in Pearson's, which
        would see little but the tails of the logit. Spearman's needs the order alone, where probabilities have ties.

    Returns
    -------
    Class -> variable -> ``pearson``, ``spearman`` (None where one of the two does not vary) and ``n_eff``.
    """
    found = {}
    for title, label in CLASSES.items():
        members = np.asarray(labels) == label
        found[title] = {}
        for name, variable in variables.items():
            chosen = members & np.isfinite(variable)
            x, y, w = np.asarray(score)[chosen], np.asarray(variable)[chosen], np.asarray(weights)[chosen]
            linear = x if probability is None else probability[chosen]
            spearman = weighted_correlation(weighted_ranks(x, w), weighted_ranks(y, w), w)
            found[title][name] = {
                "pearson": weighted_correlation(linear, y, w),
                "spearman": spearman,
                "n_eff": n_effective(w),
            }
    return found


def mass_sculpting(
    scores: np.ndarray,
    mj_sum: np.ndarray,
    weights: np.ndarray,
    *,
    background_efficiencies: Sequence[float] = BACKGROUND_EFFICIENCIES,
) -> dict:
    """How cuts on a score change the distribution of the summed jet mass of the background.

    Parameters
    ----------
    scores, mj_sum, weights
        Of background events, ``(n_events,)``; GeV.
    background_efficiencies
        Of the cuts; of events tied at a threshold the cut keeps a random part (`signal_efficiency_at`).

    Returns
    -------
    ``edges`` (GeV; the last bin also holds what is beyond), ``before`` and ``cuts``: background efficiency -> result.
    Each has ``fraction`` and ``error`` of every bin, ``mean`` (GeV) and ``n_eff``; a cut also has ``mean_shift`` and
    ``mean_shift_error``, and ``divergence``, that of Jensen and Shannon between the distributions before and after in
    bits (0 equal, 1 disjoint; Lin, IEEE Trans. Inf. Theory 37 (1991) 145), beside ``divergence_by_chance``, its mean
    for so few events without any sculpting. ``dropped``: background efficiency -> n_eff of the cuts that leave less
    than `FEWEST_EFFECTIVE` effective events.

    Raises
    ------
    InputError
        If there is no event, or the weights do not add up to a positive number.
    """
    scores, mj_sum, weights = (np.asarray(values, dtype=np.float64) for values in (scores, mj_sum, weights))
    efficiency(np.ones(len(scores)), weights, name="the background")  # refuses what has no distribution
    edges = _mass_edges(mj_sum)
    before = _distribution(mj_sum, weights, np.ones(len(mj_sum)), edges)
    cuts, dropped = {}, {}
    for target in background_efficiencies:
        keeps = kept_part(scores, weights, target)
        n_eff = _n_kept(weights, keeps)
        if n_eff < FEWEST_EFFECTIVE or weights @ keeps <= 0:
            dropped[f"{target:g}"] = n_eff
            continue
        after = _distribution(mj_sum, weights, keeps, edges)
        shift = {"mean_shift": after["mean"] - before["mean"], "mean_shift_error": _shift_error(mj_sum, weights, keeps)}
        chance = _divergence_by_chance(before["fraction"], n_eff)
        divergence = jensen_shannon(before["fraction"], after["fraction"])
        cuts[f"{target:g}"] = after | shift | {"divergence": divergence, "divergence_by_chance": chance}
    return {"edges": edges.tolist(), "before": before, "cuts": cuts, "dropped": dropped}


def _mass_edges(mj_sum: np.ndarray) -> np.ndarray:
    """Edges of bins that hold all but single events: cuts on the mass are far out in the tail of the background."""
    last = np.quantile(mj_sum, 0.9995)
    width = MASS_BIN * max(1.0, np.ceil(last / (MOST_BINS * MASS_BIN)))
    return np.arange(0.0, max(np.ceil(last / width) * width, 2 * MASS_BIN) + width / 2, width)


def jet_variables(test: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Jet variables of a table of events: those of the event, then pT, abs(eta) and mass of each leading fat jet.

    Float64 ``(n_events,)``; NaN where an event has not so many jets. phi is left out: nothing prefers one.
    """
    found = {name: np.asarray(test[name], dtype=np.float64) for name in EVENT_VARIABLES if name in test}
    jets = np.asarray(test["fat_jets"]) if "fat_jets" in test else np.zeros((0, 0, 4))
    jets = np.where(jets[..., :1] > 0, jets, np.nan)
    for title, values in (("pt", jets[..., 0]), ("abs_eta", np.abs(jets[..., 1])), ("mass", jets[..., 3])):
        found |= {f"{title}_{k + 1}": values[:, k] for k in range(jets.shape[1])}
    return found


def weighted_correlation(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> float | None:
    """Pearson's weighted correlation; None if x or y has no positive variance. Clipped, as weights may be negative."""
    total = weights.sum()
    if not total > 0:
        return None
    x, y = x - weights @ x / total, y - weights @ y / total
    variances = weights @ x**2, weights @ y**2
    # a constant keeps a variance of the size of the rounding
    if min(variances) <= 0 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(np.clip(weights @ (x * y) / np.sqrt(variances[0] * variances[1]), -1.0, 1.0))


def weighted_ranks(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Rank of each value, ``(n,)``: the weights below plus half of those at it.

    For equal weights the usual ranks, ties at their middle, up to a linear map. Negative weights count by their size
    here, so that a larger value never has a lower rank.
    """
    _, places = np.unique(values, return_inverse=True)
    sums = np.bincount(places, weights=np.abs(weights))
    return (np.cumsum(sums) - sums / 2)[places]


def kept_part(scores: np.ndarray, weights: np.ndarray, background_efficiency: float) -> np.ndarray:
    """Which part of each background event a cut on the score keeps, ``(n,)`` in [0, 1]; between only at the threshold.

    As in `signal_efficiency_at`, the cut is the tightest one that reaches the efficiency.
    """
    values, places = np.unique(-np.asarray(scores), return_inverse=True)  # the hardest first
    passed = np.append(0.0, np.cumsum(np.bincount(places, weights=weights, minlength=len(values))))
    reached = np.maximum.accumulate(passed / passed[-1])  # the first crossing, with negative weights too
    after = int(np.searchsorted(reached, background_efficiency, side="right"))
    if after == len(reached):
        return np.ones(len(scores))
    share = (background_efficiency - reached[after - 1]) / (reached[after] - reached[after - 1])
    return np.where(places < after - 1, 1.0, np.where(places == after - 1, share, 0.0))


def jensen_shannon(one: np.ndarray, other: np.ndarray) -> float:
    """Divergence of two histograms in bits; bins below 0 count as empty."""
    p, q = (np.maximum(h, 0.0) / np.maximum(h, 0.0).sum() for h in (np.asarray(one), np.asarray(other)))
    middle = (p + q) / 2
    parts = (h * np.log2(np.divide(h, middle, out=np.ones_like(h), where=h > 0)) for h in (p, q))
    return float(max(sum(part.sum() for part in parts) / 2, 0.0))


def _balanced(labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weights of which each class has the sum 1/2; InputError if a class has no positive sum."""
    weights = np.asarray(weights, dtype=np.float64)
    for title, label in CLASSES.items():
        members = labels == label
        efficiency(np.ones(members.sum()), weights[members], name=f"the {title}")
        weights = np.where(members, weights / (2 * weights[members].sum()), weights)
    return weights


def _reliability(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> dict[str, float | None]:
    """Numbers of one bin."""
    numbers = {"share": float(weights.sum()), "n_eff": n_effective(weights)}
    if not numbers["share"] > 0:
        return numbers | dict.fromkeys(("predicted", "observed", "observed_low", "observed_high"))
    observed = efficiency(labels == 1, weights)
    return numbers | {
        "predicted": float(np.average(scores, weights=weights)),
        "observed": observed.value,
        "observed_low": observed.low,
        "observed_high": observed.high,
    }


def _n_kept(weights: np.ndarray, keeps: np.ndarray) -> float:
    """Effective number of events of which a random part is kept, as in `signal_efficiency_at`; 0 for none."""
    squares = weights**2 @ keeps
    return float((weights @ keeps) ** 2 / squares) if squares > 0 else 0.0


def _distribution(values: np.ndarray, weights: np.ndarray, keeps: np.ndarray, edges: np.ndarray) -> dict:
    """Normalized histogram with errors, mean and n_eff of the part that is kept."""
    inside, total = np.clip(values, edges[0], edges[-1]), weights @ keeps
    counts, squares = (np.histogram(inside, edges, weights=w * keeps)[0] for w in (weights, weights**2))
    return {
        "fraction": (counts / total).tolist(),
        "error": (np.sqrt(squares) / total).tolist(),
        "mean": float((weights * keeps) @ values / total),
        "n_eff": _n_kept(weights, keeps),
    }


def _shift_error(values: np.ndarray, weights: np.ndarray, keeps: np.ndarray) -> float:
    """Statistical uncertainty of mean(kept) - mean(all), that is (1 - kept part) (mean(kept) - mean(rest))."""
    variance = 0.0
    for part in (keeps, 1.0 - keeps):
        total = weights @ part
        if total > 0:
            deviation = values - (weights * part) @ values / total
            variance += (weights**2 * part) @ deviation**2 / total**2
    return float(abs(1.0 - weights @ keeps / weights.sum()) * np.sqrt(variance))


def _divergence_by_chance(fractions: np.ndarray, n_eff: float) -> float:
    """Mean divergence of a histogram from samples of ``n_eff`` events of it."""
    p = np.maximum(fractions, 0.0)
    toys = np.random.default_rng(1).multinomial(round(n_eff), p / p.sum(), size=N_TOYS)
    return float(np.mean([jensen_shannon(p, toy) for toy in toys]))
