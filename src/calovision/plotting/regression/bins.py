"""Bias and resolution in bins."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from calovision.core.numeric import number_or_nan
from calovision.core.titles import shown
from calovision.evaluation.results.numbers import HasInterval
from calovision.evaluation.results.regression import Regression, RegressorResult, ResidualBin
from calovision.plotting.style import (
    classifier_styles,
    legend_columns,
    number_axis,
    styled,
)
from calovision.plotting.tagging.panels import LEGEND_ROW

Bands = Mapping[str, Sequence[tuple[float, float]]]
WIDE = 8  # highest over lowest mean from which an axis is logarithmic


@styled
def plot_target_calibration(
    summary: Regression, *, bands: Bands, names: Mapping[str, str] | None = None
) -> Figure:
    """Median residual in bins of the true value, with bands, and in bins of the prediction.

    Parameters
    ----------
    summary
        Numbers of all predictions.
    bands
        Name -> ends of the central 68 % of the residuals in each bin of the true value; NaN of too
        few rows.
    names
        Titles of models and opponents.
    """
    figure = Figure(figsize=(9.6, 4.2 + LEGEND_ROW), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    styles = classifier_styles(summary.regressors)
    for name, one in summary.regressors.items():
        color, line = styles[name]
        x = _means(one.truth_bins)
        if name in bands:
            low, high = np.transpose(bands[name])
            left.fill_between(x, low, high, color=color, alpha=0.12, lw=0)
            for end in (low, high):
                left.plot(x, end, color=color, lw=0.6, linestyle=line)
        _errorbar(
            left, x, _of_bins(one.truth_bins, "bias_median"), color, line, _label(name, names)
        )
        medians = _of_bins(one.prediction_bins, "bias_median")
        _errorbar(right, _means(one.prediction_bins), medians, color, line, None)
    for axes, words in ((left, "True"), (right, "Predicted")):
        axes.axhline(0, color="0.6", lw=1, zorder=0)
        _energy_axis(axes, summary, words)
    left.set_ylabel(_residual_words(summary, "Median of "))
    number_axis(left.yaxis, 6)
    _legend(figure, summary, names)
    return figure


@styled
def plot_target_resolution(
    summary: Regression, *, names: Mapping[str, str] | None = None
) -> Figure:
    """Resolution in bins of the true value, with the fits that there are; below the ratio to the
    first opponent.
    """
    figure = Figure(figsize=(6.4, 5.6 + LEGEND_ROW), layout="constrained")
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=[2.2, 1])
    styles = classifier_styles(summary.regressors)
    reference = summary.opponents[0]
    of_reference = _values(_of_bins(summary.regressors[reference].truth_bins, "resolution"))
    of_reference[of_reference == 0] = np.nan
    for name, one in summary.regressors.items():
        color, line = styles[name]
        x, found = _means(one.truth_bins), _of_bins(one.truth_bins, "resolution")
        _errorbar(axes, x, found, color, "none" if one.fit else line, _label(name, names))
        if one.fit is not None:
            _draw_fit(axes, one, color, line)
        below.plot(x, _values(found) / of_reference, color=color, linestyle=line, marker="o", ms=4)
    axes.set_ylabel("Relative resolution" if summary.is_relative else _in_unit(summary))
    drawn = np.concatenate([np.asarray(one.get_ydata(), float) for one in axes.lines])
    drawn = drawn[np.isfinite(drawn) & (drawn > 0)]
    if len(drawn) and drawn.max() > WIDE * drawn.min():
        axes.set_yscale("log")
    else:
        axes.set_ylim(0, None)
        number_axis(axes.yaxis, 6)
    below.set_ylabel(f"Ratio to\n{_label(reference, names).lower()}")
    number_axis(below.yaxis, 4)
    _energy_axis(below, summary, "True")
    _legend(figure, summary, names)
    return figure


def _draw_fit(axes: Axes, one: RegressorResult, color: str, line: str) -> None:
    means = _means(one.truth_bins)
    energies = np.geomspace(*means[np.isfinite(means)][[0, -1]], 100)
    a, b, c = (
        number_or_nan(p.value) for p in (one.fit.stochastic, one.fit.constant, one.fit.noise)
    )
    curve = np.sqrt(a**2 / energies + b**2 + c**2 / energies**2)
    axes.plot(energies, curve, color=color, linestyle=line, lw=1.2)


def _means(bins: Sequence[ResidualBin]) -> np.ndarray:
    return np.array([number_or_nan(one.mean) for one in bins])


def _of_bins(bins: Sequence[ResidualBin], number: str) -> list[HasInterval | None]:
    return [None if b.residuals is None else getattr(b.residuals, number) for b in bins]


def _values(numbers: Sequence[HasInterval | None]) -> np.ndarray:
    return np.array([np.nan if one is None else number_or_nan(one.value) for one in numbers])


def _errorbar(
    axes: Axes,
    x: np.ndarray,
    numbers: Sequence[HasInterval | None],
    color: str,
    line: str,
    label: str | None,
) -> None:
    """Points with intervals, where there are any."""
    y = _values(numbers)
    ends = [
        [np.nan if one is None or one.low is None else one.low for one in numbers],
        [np.nan if one is None or one.high is None else one.high for one in numbers],
    ]
    errors = np.maximum(np.abs(np.array(ends) - y), 0)
    style = {"color": color, "linestyle": line, "marker": "o", "ms": 4, "lw": 1.3}
    axes.errorbar(x, y, yerr=np.nan_to_num(errors), label=label, **style)


def _energy_axis(axes: Axes, summary: Regression, words: str) -> None:
    """Title and scale of the axis of the target."""
    axes.set_xlabel(f"{words} {shown(summary.axis_title)}")
    means = _means(next(iter(summary.regressors.values())).truth_bins)
    means = means[np.isfinite(means)]
    if len(means) and means[0] > 0 and means[-1] > WIDE * means[0]:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        number_axis(axes.xaxis, 6)


def _residual_words(summary: Regression, before: str) -> str:
    if summary.is_relative:
        return f"{before}prediction / truth - 1"
    return f"{before}prediction - truth" + (f" [{summary.unit}]" if summary.unit else "")


def _in_unit(summary: Regression) -> str:
    return f"Resolution [{summary.unit}]" if summary.unit else "Resolution"


def _label(name: str, names: Mapping[str, str] | None) -> str:
    return shown((names or {}).get(name, name))


def _legend(figure: Figure, summary: Regression, names: Mapping[str, str] | None) -> None:
    labels = [_label(name, names) for name in summary.regressors]
    handles = [
        figure.axes[0].plot([], [], color=style.color, linestyle=style.line, marker="o", ms=4)[0]
        for style in classifier_styles(summary.regressors).values()
    ]
    columns = legend_columns(labels, figure.get_figwidth())
    figure.legend(handles, labels, loc="outside upper center", ncols=columns)
