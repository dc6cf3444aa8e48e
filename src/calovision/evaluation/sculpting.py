"""Mass sculpting: the summed jet mass of the background before and after cuts on a score."""

from collections.abc import Sequence

import numpy as np

from calovision.core.errors import InputError
from calovision.evaluation.results.diagnostics import (
    MassDistribution,
    MassSculpting,
    SculptedMass,
)
from calovision.evaluation.working_points import named_points
from calovision.metrics import crossing
from calovision.metrics.events import check_weights, event_numbers, scaled_to_one

BACKGROUND_EFFICIENCIES = (0.1, 0.01, 0.001)
FEWEST_EFFECTIVE = 10.0  # background events: below, a mass distribution cannot be judged
MASS_BIN = 100.0  # GeV
MOST_BINS = 20  # of the mass; a longer tail gets wider ones
N_TOYS = 400


def mass_sculpting(
    scores: np.ndarray,
    mj_sum: np.ndarray,
    weights: np.ndarray,
    *,
    background_efficiencies: Sequence[float] = BACKGROUND_EFFICIENCIES,
    bin_width: float = MASS_BIN,
) -> MassSculpting:
    """Distributions of the summed jet mass of the background before and after cuts on a score.

    Cuts that leave less than `FEWEST_EFFECTIVE` effective events are dropped. The divergence of two
    distributions is that of Jensen and Shannon in bits (0 equal, 1 disjoint; Lin, IEEE Trans. Inf.
    Theory 37 (1991) 145).

    Parameters
    ----------
    scores, mj_sum, weights
        Of background events, ``(n_events,)``; GeV.
    background_efficiencies
        Of the cuts; of events tied at a threshold the cut keeps a random part
        (`signal_efficiency_at`).
    bin_width
        Of the mass, GeV; a multiple of it where the mass reaches far.

    Raises
    ------
    InputError
        If there is no event, arrays do not fit together, or the weights do not add up to a positive
        number.
    """
    scores = event_numbers(scores, "scores")
    mj_sum = event_numbers(mj_sum, "summed jet masses", n_events=len(scores))
    weights = event_numbers(weights, "weights", n_events=len(scores), finite=False)
    check_weights(weights, "the background")
    weights = scaled_to_one(weights)
    edges = _mass_edges(mj_sum, bin_width)
    before = _distribution(mj_sum, weights, np.ones(len(mj_sum)), edges)
    cuts = {}
    dropped = {}
    for name, target in named_points(background_efficiencies).items():
        keeps = kept_part(scores, weights, target)
        n_eff = _n_kept(weights, keeps)
        if n_eff < FEWEST_EFFECTIVE or weights @ keeps <= 0:
            dropped[name] = n_eff
            continue
        after = _distribution(mj_sum, weights, keeps, edges)
        cuts[name] = SculptedMass(
            **vars(after),
            mean_shift=after.mean - before.mean,
            mean_shift_error=_shift_error(mj_sum, weights, keeps),
            divergence=jensen_shannon(before.fraction, after.fraction),
            divergence_by_chance=_divergence_by_chance(before.fraction, n_eff),
        )
    return MassSculpting(tuple(edges.tolist()), before, cuts, dropped)


def _mass_edges(mj_sum: np.ndarray, bin_width: float) -> np.ndarray:
    """Edges of mass bins up to the 99.95 % quantile, since the tail reaches far beyond all cuts."""
    last = np.quantile(mj_sum, 0.9995)
    width = bin_width * max(1.0, np.ceil(last / (MOST_BINS * bin_width)))
    return np.arange(0.0, max(np.ceil(last / width) * width, 2 * bin_width) + width / 2, width)


def kept_part(scores: np.ndarray, weights: np.ndarray, background_efficiency: float) -> np.ndarray:
    """Part of each background event that a cut on the score keeps, ``(n,)`` in [0, 1]; between only
    at the threshold.

    The cut is that of `calovision.metrics.signal_efficiency_at`.

    Raises
    ------
    InputError
        If arrays do not fit together, the weights have no positive sum, or the efficiency is not in
        (0, 1].
    """
    scores = event_numbers(scores, "scores")
    weights = event_numbers(weights, "weights", n_events=len(scores), finite=False)
    check_weights(weights, "the background")
    if not 0.0 < background_efficiency <= 1.0:
        raise InputError(
            f"background efficiency {background_efficiency} is no working point; give one in (0, 1]"
        )
    values, places = np.unique(-scores, return_inverse=True)  # the hardest first
    passed = np.append(
        0.0, np.cumsum(np.bincount(places, weights=scaled_to_one(weights), minlength=len(values)))
    )
    point, share = crossing(passed / passed[-1], background_efficiency)
    return np.where(places < point, 1.0, np.where(places == point, share, 0.0))


def jensen_shannon(one: np.ndarray, other: np.ndarray) -> float:
    """Divergence of two histograms in bits; bins below 0 count as empty, InputError if all of them
    are.
    """
    one, other = (
        event_numbers(one, "bins of a histogram"),
        event_numbers(other, "bins of a histogram"),
    )
    if len(one) != len(other) or not (one.max(initial=0.0) > 0 and other.max(initial=0.0) > 0):
        raise InputError(
            "two histograms of equal bins, each with content, are needed for a divergence"
        )
    p, q = (np.maximum(h, 0.0) / np.maximum(h, 0.0).sum() for h in (one, other))
    middle = (p + q) / 2
    parts = (h * np.log2(np.divide(h, middle, out=np.ones_like(h), where=h > 0)) for h in (p, q))
    return float(max(sum(part.sum() for part in parts) / 2, 0.0))


def _n_kept(weights: np.ndarray, keeps: np.ndarray) -> float:
    """Effective number of events of which a random part is kept, as in `signal_efficiency_at`; 0
    for none.
    """
    squares = weights**2 @ keeps
    return float((weights @ keeps) ** 2 / squares) if squares > 0 else 0.0


def _distribution(
    values: np.ndarray, weights: np.ndarray, keeps: np.ndarray, edges: np.ndarray
) -> MassDistribution:
    """Distribution of the part of the events that is kept."""
    inside = np.clip(values, edges[0], edges[-1])
    total = weights @ keeps
    counts, squares = (
        np.histogram(inside, edges, weights=w * keeps)[0] for w in (weights, weights**2)
    )
    return MassDistribution(
        fraction=tuple((counts / total).tolist()),
        error=tuple((np.sqrt(squares) / total).tolist()),
        mean=float((weights * keeps) @ values / total),
        n_eff=_n_kept(weights, keeps),
    )


def _shift_error(values: np.ndarray, weights: np.ndarray, keeps: np.ndarray) -> float:
    """Statistical uncertainty of mean(kept) - mean(all), that is (1 - kept part) (mean(kept) -
    mean(rest)).
    """
    variance = 0.0
    for part in (keeps, 1.0 - keeps):
        total = weights @ part
        if total > 0:
            deviation = values - (weights * part) @ values / total
            variance += (weights**2 * part) @ deviation**2 / total**2
    return float(abs(1.0 - weights @ keeps / weights.sum()) * np.sqrt(variance))


def _divergence_by_chance(fractions: np.ndarray, n_eff: float) -> float:
    """Mean divergence between a histogram and samples of ``n_eff`` events drawn from it."""
    p = np.maximum(fractions, 0.0)
    toys = np.random.default_rng(1).multinomial(round(n_eff), p / p.sum(), size=N_TOYS)
    return float(np.mean([jensen_shannon(p, toy) for toy in toys]))
