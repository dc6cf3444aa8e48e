"""Predictions of single rows: against the truth, and their residuals."""

from collections.abc import Mapping

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from calovision.core.errors import InputError
from calovision.core.titles import shown
from calovision.plotting.style import classifier_styles, legend_columns, number_axis, styled
from calovision.plotting.tagging.panels import LEGEND_ROW, panels, set_title

N_BINS = 60
SIZE = (3.7, 3.4)
CENTRAL = 0.002  # share of the values on either side that may be beyond the panel
N_RESIDUAL_BINS = 60
RESIDUALS = 0.01  # the same of residuals


@styled
def plot_prediction_against_truth(
    predictions: Mapping[str, np.ndarray],
    truth: np.ndarray,
    weights: np.ndarray,
    *,
    title: str,
    unit: str = "",
    names: Mapping[str, str] | None = None,
) -> Figure:
    """Density of the rows in prediction and truth, a panel for each of ``predictions``.

    Values beyond the panel are in its outermost cells. Where all are positive and span more than a
    decade, both axes are logarithmic.
    """
    if not predictions or not len(truth):
        raise InputError("there is no prediction to draw: give rows with predictions")
    everything = np.concatenate([truth, *predictions.values()])
    low, high = np.quantile(everything, (CENTRAL, 1 - CENTRAL))
    if not high > low:
        low, high = low - 0.5, high + 0.5
    is_log = low > 0 and high > 10 * low
    edges = (np.geomspace if is_log else np.linspace)(low, high, N_BINS + 1)
    figure, every = panels(len(predictions), size=SIZE)
    axis = f"{shown(title)} [{unit}]" if unit else shown(title)
    inner = np.nextafter(high, low)
    found = [
        np.histogram2d(*(np.clip(one, low, inner) for one in (truth, each)), edges, weights=weights)
        for each in predictions.values()
    ]
    counts = [np.where(one[0] > 0, one[0], np.nan) for one in found]
    positive = np.concatenate([one[np.isfinite(one)] for one in counts])
    top = positive.max() if len(positive) else 1.0
    norm = LogNorm(max(positive.min(), top / 1e4), top * 1.001) if len(positive) else None
    for axes, name, one in zip(every, predictions, counts, strict=True):
        mesh = axes.pcolormesh(edges, edges, one.T, norm=norm, cmap="viridis", rasterized=True)
        axes.plot([low, high], [low, high], color="black", linestyle="--", lw=1)
        if is_log:
            axes.set(xscale="log", yscale="log")
        else:
            number_axis(axes.xaxis, 5)
            number_axis(axes.yaxis, 5)
        axes.set(xlabel=f"True {axis}", xlim=(low, high), ylim=(low, high), aspect="equal")
        set_title(axes, (names or {}).get(name, name), SIZE[0])
    every[0].set_ylabel(f"Predicted {axis}")
    figure.colorbar(mesh, ax=every, label="Rows, weighted", pad=0.02)
    return figure


@styled
def plot_target_residuals(
    residuals: Mapping[str, np.ndarray],
    weights: np.ndarray,
    *,
    is_relative: bool,
    unit: str = "",
    names: Mapping[str, str] | None = None,
) -> Figure:
    """Normalised distributions of residuals, a line for each name; values beyond the panel are in
    its outermost bins.
    """
    if not residuals or not len(weights):
        raise InputError("there is no residual to draw: give rows with predictions")
    ends = [np.quantile(one, (RESIDUALS, 1 - RESIDUALS)) for one in residuals.values()]
    low, high = np.min(ends), np.max(ends)
    edges = (
        np.linspace(low, high, N_RESIDUAL_BINS + 1) if high > low else low + np.array([-0.5, 0.5])
    )
    figure = Figure(figsize=(6.0, 4.4 + LEGEND_ROW), layout="constrained")
    axes = figure.subplots()
    styles = classifier_styles(residuals)
    labels = [shown((names or {}).get(name, name)) for name in residuals]
    for (name, values), label in zip(residuals.items(), labels, strict=True):
        inside = np.clip(values, edges[0], np.nextafter(edges[-1], edges[0]))
        counts = np.histogram(inside, edges, weights=weights)[0]
        color, line = styles[name]
        total = counts.sum()
        shares = counts / total if total > 0 else counts
        axes.stairs(shares, edges, color=color, linestyle=line, lw=1.6, label=label)
    axes.axvline(0, color="0.6", lw=1, zorder=0)
    words = "Prediction / truth - 1" if is_relative else "Prediction - truth"
    axes.set(xlabel=f"{words} [{unit}]" if unit and not is_relative else words)
    axes.set(ylabel="Share of the rows", xlim=(edges[0], edges[-1]), ylim=(0, None))
    number_axis(axes.yaxis, 5)
    columns = legend_columns(labels, figure.get_figwidth())
    figure.legend(loc="outside upper center", ncols=columns)
    return figure
