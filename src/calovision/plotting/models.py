"""Comparison of models: the networks of each, which differ in their seed, and their ensemble."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from calovision.core.errors import InputError
from calovision.core.titles import entry, shown
from calovision.metrics import Efficiency, RocCurve
from calovision.plotting.curves import (
    EXTRAPOLATED,
    BackgroundAxis,
    at_grid,
    limit_ratio,
    lowest_meaningful,
    mark_of_point,
    say_nothing_left,
    working_point_title,
)
from calovision.plotting.style import COLORS, legend_columns, mark_cut_bars, styled

LINES = ("-", "--", "-.", ":")
LANES = {"networks": 0.24, "mean": 0.0, "ensemble": -0.24}  # heights within the row of a model
PANELS_IN_A_ROW = 3
MARKS = {
    "networks": {"marker": "o", "markersize": 5, "fillstyle": "none", "linestyle": "none"},
    "mean": {"marker": "s", "markersize": 5, "linestyle": "none"},
    "ensemble": {"marker": "D", "markersize": 5, "linestyle": "none"},
}
MARK_NAMES = {
    "networks": "Network (one per seed)",
    "mean": "Mean, standard deviation",
    "ensemble": "Ensemble, 68 %",
}


@styled
def plot_model_comparison(
    networks: Mapping[str, np.ndarray],
    ensembles: Mapping[str, Sequence[Efficiency]],
    points: Sequence[str],
) -> Figure:
    """Signal efficiency of every network, their mean and spread, and of the ensemble: a panel per
    working point.

    Parameters
    ----------
    networks
        Model -> signal efficiencies ``(n_networks, n_points)``. Bars of the mean are the standard
        deviation over the networks (of the population); a single network has neither.
    ensembles
        Model -> signal efficiency at each point, ``n_points``, with its 68.3 % interval. A panel
        shows long intervals in part, or nobody would see how the values differ; a triangle on the
        frame says so. The title of a panel is marked where less than one effective background event
        is behind an ensemble.
    points
        Background efficiencies such as ``"0.01"``, or names.

    Raises
    ------
    InputError
        If there is no model or no point, or the numbers of points differ.
    """
    _check_points(networks, ensembles, points)
    n_columns = min(len(points), PANELS_IN_A_ROW)
    n_rows = -(-len(points) // n_columns)
    height = n_rows * (1.1 + 0.62 * len(networks)) + 0.5
    figure = Figure(figsize=(2.0 + 2.7 * n_columns, max(height, 2.6)), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12)  # or the numbers below neighboring panels touch
    panels = figure.subplots(n_rows, n_columns, sharey=True, squeeze=False).ravel()
    for axes in panels[len(points) :]:
        axes.remove()
    for position, (axes, point) in enumerate(zip(panels, points, strict=False)):
        drawn = []
        for row, (model, values) in enumerate(networks.items()):
            of_networks, ensemble = (
                np.asarray(values, dtype=np.float64)[:, position],
                ensembles[model][position],
            )
            drawn += _draw_model(axes, row, of_networks, ensemble, color=_look(row)[0])
        of_ensembles = [ensembles[model][position] for model in networks]
        title = f"Background {working_point_title(point)}{mark_of_point(of_ensembles)}"
        _dress_panel(axes, list(networks), _limits(np.array(drawn), of_ensembles), title)
        for row, one in enumerate(of_ensembles):
            mark_cut_bars(axes, row - LANES["ensemble"], one.low, one.high, color=_look(row)[0])
    several = max(len(values) for values in networks.values()) > 1
    shown = [name for name in MARKS if several or name != "mean"]
    handles = [
        Line2D([], [], color="black", label=MARK_NAMES[name], **MARKS[name]) for name in shown
    ]
    if any(mark_of_point([ensembles[model][k] for model in networks]) for k in range(len(points))):
        handles.append(Line2D([], [], linestyle="none", label=EXTRAPOLATED))
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=3 if n_columns > 1 else 1,
        handletextpad=0.1,
    )
    return figure


@styled
def plot_model_roc(
    ensembles: Mapping[str, RocCurve],
    networks: Mapping[str, Sequence[RocCurve]],
    *,
    axis: str = "efficiency",
) -> Figure:
    """ROC of every model's ensemble with a band from its lowest to its highest network, and the
    ratio to the first.

    The band is drawn where all networks of a model have background left; one network alone has no
    band, and where there is nothing else no ratio.

    Parameters
    ----------
    ensembles
        Model -> curve of its ensemble.
    networks
        Model -> curves of its networks.
    axis
        As of `calovision.plotting.performance.plot_roc`.

    Raises
    ------
    InputError
        If there is no model, or one without networks.
    """
    if not ensembles or not all(networks.get(model) for model in ensembles):
        raise InputError(
            "a model without networks cannot be drawn; give at least one curve of every model"
        )
    with_ratio = sum(len(curves) for curves in networks.values()) > 1
    figure = Figure(figsize=(6.4, 6.8 if with_ratio else 5.0), layout="constrained")
    panels = figure.subplots(
        1 + with_ratio, sharex=True, squeeze=False, height_ratios=(3, 1.2)[: 1 + with_ratio]
    )[:, 0]
    everything = [curve for curves in networks.values() for curve in curves] + list(
        ensembles.values()
    )
    starts = [_first_background(curve) for curve in ensembles.values()]
    starts += [
        max(map(_first_background, networks[model])) for model in ensembles
    ]  # where the bands begin
    grid = _signal_grid(min(starts))
    background = BackgroundAxis(axis)
    first = next(iter(ensembles.values()))
    divisors = (np.ones(len(grid)), at_grid(first, first.background_efficiency, grid))
    drawn = [
        np.concatenate(
            [
                _draw_with_band(
                    axes,
                    grid,
                    curve,
                    networks[model],
                    divisor,
                    row,
                    label=entry(model),
                    background=background,
                )
                for row, (model, curve) in enumerate(ensembles.items())
            ]
        )
        for axes, divisor in zip(panels, divisors, strict=False)
    ]
    if not np.isfinite(drawn[0]).any():
        say_nothing_left(panels[0])
    lowest = min(lowest_meaningful(curve) for curve in everything)
    panels[0].set(yscale="log", ylim=background.limits(lowest), ylabel=background.title)
    panels[0].legend(
        loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=legend_columns(ensembles, 6.4)
    )
    panels[-1].set(xlabel="Signal efficiency", xlim=(grid[0], 1.0 + 0.02 * (1.0 - grid[0])))
    if with_ratio:
        panels[1].set(yscale="log", ylabel=f"Ratio to\n{shown(next(iter(ensembles)))}")
        limit_ratio(panels[1], drawn[1])
    return figure


def _check_points(
    networks: Mapping[str, np.ndarray],
    ensembles: Mapping[str, Sequence[Efficiency]],
    points: Sequence[str],
) -> None:
    if not networks or not points:
        raise InputError("nothing to compare; give at least one model and one working point")
    for model, values in networks.items():
        shape = np.shape(values)
        if (
            len(shape) != 2
            or shape[0] == 0
            or shape[1] != len(points)
            or len(ensembles.get(model, ())) != len(points)
        ):
            raise InputError(
                f"model {model!r}: efficiencies of its networks have shape {shape}, of its "
                "ensemble "
                f"{len(ensembles.get(model, ()))} points; (n_networks, {len(points)}) and "
                f"{len(points)} are expected"
            )
        numbers = [
            *np.ravel(values),
            *(number for one in ensembles[model] for number in (one.value, one.low, one.high)),
        ]
        if not np.isfinite(np.asarray(numbers, dtype=np.float64)).all():
            raise InputError(
                f"model {model!r}: an efficiency is not a finite number; leave the model out"
            )


def _draw_model(
    axes: Axes, row: int, values: np.ndarray, ensemble: Efficiency, *, color: str
) -> list[float]:
    """One model at one working point: networks above, their mean in the middle, the ensemble below.

    Returns what the panel has to show in full.
    """
    drawn = [*values, ensemble.value]
    height = {name: row - lane for name, lane in LANES.items()}  # rows count downwards
    axes.plot(values, np.full(len(values), height["networks"]), color=color, **MARKS["networks"])
    if len(values) > 1:
        mean, deviation = np.mean(values), np.std(values, ddof=1)
        axes.errorbar(mean, height["mean"], xerr=deviation, color=color, **MARKS["mean"])
        drawn += [max(mean - deviation, 0.0), min(mean + deviation, 1.0)]
    bar = np.maximum([[ensemble.value - ensemble.low], [ensemble.high - ensemble.value]], 0.0)
    axes.errorbar(
        ensemble.value, height["ensemble"], xerr=bar, color=color, elinewidth=1, **MARKS["ensemble"]
    )
    return drawn


def _limits(values: np.ndarray, ensembles: Sequence[Efficiency]) -> tuple[float, float]:
    """Limits that show all values, and the intervals unless they would hide how the values
    differ.
    """
    reach = max(0.05, 2 * np.ptp(values))
    low = min(values.min(), *(max(one.low, one.value - reach) for one in ensembles))
    high = max(values.max(), *(min(one.high, one.value + reach) for one in ensembles))
    margin = max(0.1 * (high - low), 0.005)
    return max(low - margin, -0.5 * margin), min(
        high + margin, 1.0 + 0.5 * margin
    )  # an efficiency is in [0, 1]


def _dress_panel(
    axes: Axes, models: Sequence[str], limits: tuple[float, float], title: str
) -> None:
    """Title, names of the models, and limits."""
    axes.set(xlim=limits, ylim=(len(models) - 0.5, -0.5))
    axes.set(xlabel="Signal efficiency", title=title)
    axes.set_yticks(range(len(models)), map(shown, models))
    ticks = MaxNLocator(nbins=4).tick_values(*limits)
    axes.set_xticks(
        ticks[(ticks >= limits[0]) & (ticks <= min(limits[1], 1.0))]
    )  # an efficiency is at most 1
    axes.tick_params(axis="y", which="both", left=False, right=False)
    axes.tick_params(axis="y", which="minor", length=0)
    axes.ticklabel_format(axis="x", useOffset=False)
    for row in range(1, len(models)):
        axes.axhline(row - 0.5, color="gray", linewidth=0.5)


def _draw_with_band(
    axes: Axes,
    grid: np.ndarray,
    curve: RocCurve,
    networks: Sequence[RocCurve],
    divisor: np.ndarray,
    row: int,
    *,
    label: str,
    background: BackgroundAxis,
) -> np.ndarray:
    """Curve and band, divided; returns all values drawn."""
    color, line = _look(row)
    middle = background.of(at_grid(curve, curve.background_efficiency, grid) / divisor)
    axes.plot(grid, middle, color=color, linestyle=line, label=label)
    if len(networks) == 1:
        return middle
    several = (
        np.array([at_grid(one, one.background_efficiency, grid) for one in networks]) / divisor
    )
    several = background.of(several)
    low, high = several.min(axis=0), several.max(axis=0)  # nan where a network has none left
    axes.fill_between(
        grid, low, high, color=color, alpha=0.2, linewidth=0.7
    )  # an edge: low and high may be the same
    return np.concatenate([middle, low, high])


def _first_background(curve: RocCurve) -> float:
    """Signal efficiency above the hardest background event."""
    return float(curve.signal_efficiency[np.argmax(curve.background_efficiency > 0)])


def _signal_grid(start: float) -> np.ndarray:
    """Signal efficiencies from a little before a start up to 1: good networks fill the last percent
    only.
    """
    return np.linspace(np.clip(start - 0.1 * (1.0 - start), 0.001, 0.95), 1.0, 1000)


def _look(row: int) -> tuple[str, str]:
    """Color and line style of a model: told apart in gray too."""
    return COLORS[row % len(COLORS)], LINES[row % len(LINES)]
