"""Learning curves of the networks."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from calovision.core.errors import InputError
from calovision.core.titles import shown
from calovision.plotting.style import COLORS, FONT_SIZE, styled

History = Mapping[str, np.ndarray]
PANELS = {  # title of a panel -> columns of the history and their lines
    "Loss": {"train_loss": "Training", "validation_loss": "Validation"},
    "Validation\nAUC": {"validation_auc": "Validation"},
    "Validation signal\nefficiency": {
        "validation_signal_efficiency_1e-2": "At background $10^{-2}$",
        "validation_signal_efficiency_1e-3": "At background $10^{-3}$",
    },
}
LOOKS = {  # color and line style: told apart in gray too
    "Training": (COLORS[2], "--"),
    "Validation": (COLORS[0], "-"),
    "At background $10^{-2}$": (COLORS[1], "-"),
    "At background $10^{-3}$": (COLORS[3], "-."),
}
BEST = {"marker": "*", "markersize": 7, "color": "black", "linestyle": "none"}
MODELS_IN_A_ROW = 4
# of the title of a column; that of a longer one is smaller, or its panels would not be level
LETTERS = 30

WIDE = 20  # highest over lowest loss


@styled
def plot_learning_curves(histories: Mapping[str, Mapping[str, History]]) -> Figure:
    """Loss, AUC and signal efficiency after every epoch: a column of panels per model, a line per
    network.

    Parameters
    ----------
    histories
        Model -> network -> columns of its history, ``(n_epochs,)`` each: ``epoch`` and any of
        ``train_loss``, ``validation_loss``, ``validation_auc``,
        ``validation_signal_efficiency_1e-2`` and ``_1e-3``; nan where not measured. What no network
        has gets no panel. A star marks the epoch of the lowest validation loss.

    Raises
    ------
    InputError
        If a history has no column ``epoch``, or none has anything to draw.
    """
    if idle := [model for model, networks in histories.items() if not networks]:
        raise InputError(
            f"model '{idle[0]}' has no training history; give that of at least one network"
        )
    everything = [history for networks in histories.values() for history in networks.values()]
    panels = [
        title
        for title, columns in PANELS.items()
        if any(_measured(one, columns) for one in everything)
    ]
    if not panels:
        raise InputError(
            f"no training history has anything to draw; give one of {', '.join(_all_columns())}"
        )
    n_columns = min(len(histories), MODELS_IN_A_ROW)
    n_rows = -(-len(histories) // n_columns)
    width = max(6.4, 0.6 + 3.2 * n_columns)
    height = n_rows * (1.0 + 1.7 * len(panels)) + 0.4
    figure = Figure(figsize=(width, height), layout="constrained")
    limits = [_limits(title, everything) for title in panels]
    cells = figure.subfigures(n_rows, n_columns, squeeze=False).ravel()
    for cell, (model, networks) in zip(cells, histories.items(), strict=False):
        _draw_model(cell, model, networks, panels, limits)
    figure.legend(
        handles=_legend(panels, everything),
        loc="outside upper center",
        ncols=3 if n_columns < 3 else 5,
    )
    return figure


def _draw_model(
    cell: SubFigure,
    model: str,
    networks: Mapping[str, History],
    panels: Sequence[str],
    limits: Sequence[tuple[float, float, str]],
) -> None:
    """Panels of one model, one above the other."""
    every = cell.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
    for axes, title, limit in zip(every, panels, limits, strict=True):
        for history in networks.values():
            _draw_history(axes, history, PANELS[title])
        if not axes.lines:
            axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", va="center")
        low, high, scale = limit
        axes.set(ylabel=title, yscale=scale, ylim=(low, high))
        if scale == "linear":
            axes.ticklabel_format(axis="y", useOffset=False)
        axes.tick_params(axis="x", which="minor", bottom=False, top=False)
    every[0].set_title(shown(model), fontsize=FONT_SIZE * min(1.0, LETTERS / max(len(model), 1)))
    epochs = np.concatenate([np.asarray(history["epoch"]) for history in networks.values()])
    every[-1].set(xlabel="Epoch", xlim=(epochs.min() - 0.5, epochs.max() + 0.5))
    every[-1].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _draw_history(axes: Axes, history: History, columns: Mapping[str, str]) -> None:
    """Lines of one network, the best epoch marked on those of the validation split."""
    best = _best_row(history)
    for column in _measured(history, columns):
        epochs, values = (np.asarray(history[name], dtype=np.float64) for name in ("epoch", column))
        color, line = LOOKS[columns[column]]
        measured = np.isfinite(values)
        axes.plot(
            epochs[measured],
            values[measured],
            color=color,
            linestyle=line,
            marker="o",
            markersize=3,
            lw=1.3,
        )
        if best is not None and column != "train_loss":
            axes.plot(epochs[best], values[best], zorder=3, **BEST)


def _measured(history: History, columns: Iterable[str]) -> list[str]:
    """Select the columns that hold a number; InputError for a history without epochs."""
    if "epoch" not in history:
        raise InputError(
            f"column epoch is missing in the training history; it has {', '.join(history)}"
        )
    return [name for name in columns if name in history and np.isfinite(history[name]).any()]


def _best_row(history: History) -> int | None:
    """Row of the lowest validation loss, None where none was measured."""
    if not _measured(history, ["validation_loss"]):
        return None
    return int(np.nanargmin(history["validation_loss"]))


def _limits(title: str, histories: Sequence[History]) -> tuple[float, float, str]:
    """Limits of a panel, the same for all models, with a margin, and its scale.

    A loss that spans much has a logarithmic axis, which alone shows its end.
    """
    values = [history[name] for history in histories for name in _measured(history, PANELS[title])]
    values = np.concatenate([np.asarray(one, dtype=np.float64) for one in values])
    values = values[np.isfinite(values)]
    low, high = values.min(), values.max()
    if title == "Loss" and 0 < WIDE * low < high:
        return low / 1.2, high * 1.2, "log"
    margin = max(0.08 * (high - low), 1e-4) if high > low else 0.02
    return low - margin, high + margin, "linear"


def _legend(panels: Sequence[str], histories: Sequence[History]) -> list[Line2D]:
    """A line for everything drawn in some panel, and the star."""
    found = [
        PANELS[title][name]
        for title in panels
        for one in histories
        for name in _measured(one, PANELS[title])
    ]
    lines = [
        Line2D([], [], color=LOOKS[name][0], linestyle=LOOKS[name][1], label=name)
        for name in LOOKS
        if name in found
    ]
    if any(_best_row(one) is not None for one in histories):
        lines.append(Line2D([], [], label="Lowest validation loss", **BEST))
    return lines


def _all_columns() -> list[str]:
    return [name for columns in PANELS.values() for name in columns]
