"""The network output: its distribution, and against the variables of the search.

The axis is linear in the output, the logit, and its ticks say the probability: that piles up at 0
and 1, where the working points are.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator
from scipy.special import expit, logit

from calovision.core.errors import InputError
from calovision.core.titles import entry, wrapped
from calovision.metrics.events import event_labels, event_numbers, has_positive_sum
from calovision.plotting.style import CLASS_COLORS, CLASS_NAMES, legend_columns, styled

LETTERS = 36  # in a line of the title of a panel
FAINTEST = 1e-3  # smallest share of a column that the heat maps resolve
MOST_TICKS = 8
NARROW = 1.0  # range of logits that gets an axis of its own
MARKER = {
    "color": "white",
    "markeredgecolor": "black",
    "ecolor": "black",
    "markersize": 5.5,
    "clip_on": False,
}


@styled
def plot_scores(
    scores: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    *,
    names: Mapping[int, str] = CLASS_NAMES,
    n_bins: int = 40,
    score_name: str = "CNN output",
) -> Figure:
    """Distribution of a score, a logit, for each class: weighted fraction per bin with statistical
    uncertainty.

    The outermost bins also hold what lies beyond. A class without events, or whose weights do not
    add up to a positive number, has no bar.

    Raises
    ------
    InputError
        If there is no event, or a column is not one finite number an event.
    """
    scores, labels, weights = _columns(scores, labels, weights)
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    axes = figure.subplots()
    edges = _score_edges(scores, n_bins)
    smallest = 1.0
    for label in (0, 1):
        members = labels == label
        fraction, error = _fractions(scores[members], weights[members], edges)
        axes.stairs(
            fraction,
            edges,
            color=CLASS_COLORS[label],
            label=entry(names[label]),
            fill=label == 0,
            alpha=0.35 if label == 0 else 1,
            linewidth=1.8,
        )
        axes.errorbar(
            (edges[1:] + edges[:-1]) / 2,
            fraction,
            error,
            fmt="none",
            ecolor=CLASS_COLORS[label],
            elinewidth=1,
        )
        smallest = np.min(fraction[fraction > 0], initial=smallest)
    axes.set(
        xlabel=score_name,
        ylabel="Fraction of events per bin",
        yscale="log",
        ylim=(min(smallest / 2, 0.03), 3.0),
    )
    _logit_axis(axes, edges, "x")
    axes.legend(
        loc="upper center", ncols=legend_columns([names[label] for label in (0, 1)], 6.0, 2)
    )
    return figure


@styled
def plot_score_vs_n_fat_jets(
    scores: np.ndarray,
    n_fat_jets: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    *,
    names: Mapping[int, str] = CLASS_NAMES,
    score_name: str = "CNN output",
) -> Figure:
    """Score against the number of fat jets, signal and background; each column adds up to 1.

    Points are the weighted median of a column, bars hold the central 68 % of its events.
    """
    scores, labels, weights = _columns(scores, labels, weights)
    n_fat_jets = event_numbers(n_fat_jets, "numbers of fat jets", n_events=len(scores))
    lowest, highest = int(np.min(n_fat_jets)), int(np.max(n_fat_jets))
    figure = _score_map(
        scores,
        n_fat_jets,
        np.arange(lowest, highest + 2) - 0.5,
        labels,
        weights,
        names=names,
        score_name=score_name,
    )
    for axes in figure.axes[:2]:
        axes.set(
            xlabel="Number of fat jets",
            xticks=np.arange(lowest, highest + 1, 1 + (highest - lowest) // 12),
        )
        axes.tick_params(axis="x", which="minor", bottom=False, top=False)
    return figure


@styled
def plot_score_vs_mj_sum(
    scores: np.ndarray,
    mj_sum: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    *,
    names: Mapping[int, str] = CLASS_NAMES,
    score_name: str = "CNN output",
    n_bins: int = 20,
) -> Figure:
    """Score against the summed jet mass (GeV), signal and background; each column adds up to 1.

    Points and bars as in `plot_score_vs_n_fat_jets`. The last column ends at the 99.5 % quantile of
    the events and also holds those beyond.
    """
    scores, labels, weights = _columns(scores, labels, weights)
    mj_sum = event_numbers(mj_sum, "summed jet masses", n_events=len(scores))
    last = max(np.quantile(mj_sum, 0.995), 1.0)
    edges = np.linspace(0.0, np.ceil(last / 100.0) * 100.0, n_bins + 1)
    inside = np.clip(mj_sum, 0.0, np.nextafter(edges[-1], 0.0))
    figure = _score_map(scores, inside, edges, labels, weights, names=names, score_name=score_name)
    for axes in figure.axes[:2]:
        axes.set_xlabel(r"$M_J^\Sigma$ [GeV]")
    return figure


def _columns(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, ...]:
    """Float64 scores, labels and weights of at least one event, or an InputError."""
    scores = event_numbers(scores, "scores")
    if not len(scores):
        raise InputError("no event to draw; give the scores of at least one")
    labels = event_labels(labels, n_events=len(scores)).astype(np.int64)
    return scores, labels, event_numbers(weights, "weights", n_events=len(scores))


def _score_map(
    scores: np.ndarray,
    variable: np.ndarray,
    edges: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    *,
    names: Mapping[int, str],
    score_name: str,
) -> Figure:
    """Two panels, signal and background, with one color bar."""
    figure = Figure(figsize=(9.6, 4.6), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    score_edges = _score_edges(scores, 30)
    for axes, label in zip(panels, (1, 0), strict=True):
        x, y, w = (values[labels == label] for values in (variable, scores, weights))
        density = _column_density(x, y, w, edges, score_edges)
        mesh = axes.pcolormesh(
            edges,
            score_edges,
            density.T,
            norm=LogNorm(FAINTEST, 1.0),
            cmap="viridis",
            rasterized=True,
        )
        _draw_profile(axes, x, _inside(y, score_edges), w, edges)
        axes.set_title(wrapped(names[label], LETTERS), color=CLASS_COLORS[label])
        _logit_axis(axes, score_edges, "y")
    panels[0].set_ylabel(score_name)
    shown = next(
        (axes for axes in panels[::-1] if axes.containers), None
    )  # a class without events has no points
    if shown is not None:
        shown.legend(loc="upper right", frameon=True, facecolor="white", framealpha=0.85)
    figure.colorbar(
        mesh, ax=list(panels), label="Fraction of the column's events", pad=0.02, extend="min"
    )
    return figure


def _draw_profile(
    axes: Axes, x: np.ndarray, y: np.ndarray, weights: np.ndarray, edges: np.ndarray
) -> None:
    """Weighted median and central 68 % of each column."""
    column = np.digitize(x, edges) - 1
    filled = [k for k in range(len(edges) - 1) if weights[column == k].sum() > 0]
    if not filled:
        return
    points = np.array([_quantiles(y[column == k], weights[column == k]) for k in filled])
    low, median, high = points.T
    centers = ((edges[1:] + edges[:-1]) / 2)[filled]
    axes.errorbar(
        centers,
        median,
        [median - low, high - median],
        fmt="o",
        label="Median, 68 %",
        elinewidth=1,
        **MARKER,
    )


def _quantiles(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted 16 %, 50 % and 84 % quantiles; negative weights count as 0."""
    order = np.argsort(values)
    cumulative = np.cumsum(np.maximum(weights[order], 0.0))
    wanted = np.array([0.16, 0.5, 0.84]) * cumulative[-1]
    return values[order][np.searchsorted(cumulative, wanted).clip(max=len(values) - 1)]


def _column_density(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, edges: np.ndarray, score_edges: np.ndarray
) -> np.ma.MaskedArray:
    """Weighted share of a column's events in each row, ``(n_columns, n_rows)``; masked where there
    is none.
    """
    counts, _, _ = np.histogram2d(
        x, _inside(y, score_edges), bins=(edges, score_edges), weights=weights
    )
    columns = counts.sum(axis=1, keepdims=True)
    density = np.divide(counts, columns, out=np.zeros_like(counts), where=columns > 0)
    return np.ma.masked_less_equal(density, 0.0)


def _fractions(
    scores: np.ndarray, weights: np.ndarray, edges: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Share of the weights per bin and its statistical uncertainty; NaN without a positive sum of
    weights.
    """
    if not has_positive_sum(weights):
        return np.full((2, len(edges) - 1), np.nan)
    inside = _inside(scores, edges)
    counts, _ = np.histogram(inside, edges, weights=weights)
    squares, _ = np.histogram(inside, edges, weights=weights**2)
    return counts / weights.sum(), np.sqrt(squares) / weights.sum()


def _score_edges(scores: np.ndarray, n_bins: int) -> np.ndarray:
    """Equal bins that hold nearly all scores, and the probabilities 0.1 and 0.9 unless that would
    hide the rest.
    """
    low, high = (
        np.quantile(np.asarray(scores, dtype=np.float64), (0.0005, 0.9995))
        if len(scores)
        else (0.0, 0.0)
    )
    if (
        0.0 < high - low < NARROW
    ):  # as of a network that has learned little: all would be in a bin or two
        margin = 0.2 * (high - low)
        return np.linspace(low - margin, high + margin, n_bins + 1)
    return np.linspace(min(low - 0.1, logit(0.05)), max(high + 0.1, logit(0.95)), n_bins + 1)


def _inside(scores: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Scores with those beyond the edges moved into the outermost bins."""
    return np.clip(np.asarray(scores, dtype=np.float64), edges[0], edges[-1])


def _logit_axis(axes: Axes, edges: np.ndarray, which: str) -> None:
    """Axis of logits with titles of probabilities."""
    ticks = _ticks(edges[0], edges[-1])
    axes.set(**{f"{which}lim": (edges[0], edges[-1])})
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_ticks(list(ticks), list(ticks.values()))
    axis.set_minor_locator(NullLocator())


def _ticks(low: float, high: float) -> dict[float, str]:
    """Logit -> title of probabilities between two logits: 0.5, and powers of ten from 0 and from 1,
    not too many.
    """
    step = 1
    while True:
        ticks = {0.0: "0.5"}
        for k in range(step, int(max(-low, high) / np.log(10)) + 1, step):
            place = k * np.log(10) + np.log1p(-(10.0**-k))
            near_zero, near_one = _TITLES.get(k, (f"$10^{{-{k}}}$", f"$1 - 10^{{-{k}}}$"))
            ticks |= {-place: near_zero, place: near_one}
        ticks = {place: ticks[place] for place in sorted(ticks) if low <= place <= high}
        if len(ticks) < 2:
            found = MaxNLocator(5).tick_values(expit(low), expit(high))
            return {float(logit(p)): f"{p:.6g}" for p in found if expit(low) <= p <= expit(high)}
        if len(ticks) <= MOST_TICKS:
            return ticks
        step *= 2


_TITLES = {1: ("0.1", "0.9"), 2: ("$10^{-2}$", "0.99")}
