"""Learning curves of the networks."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from calovision.core.errors import InputError
from calovision.core.titles import entry, shown
from calovision.plotting.style import COLORS, FONT_SIZE, styled
from calovision.plotting.tagging.panels import class_colors, class_line

History = Mapping[str, np.ndarray]
Panels = Mapping[str, Mapping[str, str]]
Looks = Mapping[str, tuple[str, str]]
PANELS = {  # title of a panel -> columns of the history and their lines
    "Loss": {"train_loss": "Training", "validation_loss": "Validation"},
    "Validation\nAUC": {"validation_auc": "Validation"},
    "Validation signal\nefficiency": {
        "validation_signal_efficiency_1e-2": "At background $10^{-2}$",
        "validation_signal_efficiency_1e-3": "At background $10^{-3}$",
    },
}
PANELS_OF_TARGET = {  # of networks that learn a number
    "Loss": PANELS["Loss"],
    "Validation\nresolution": {"validation_resolution": "Validation"},
    "Validation bias\n(median)": {"validation_bias": "Validation"},
}
PANELS_OF_CLASSES = {  # of networks of more than two classes
    "Accuracy": {"train_accuracy": "Training", "validation_accuracy": "Validation"},
    "Validation\nmacro AUC": {"validation_macro_auc": "Validation"},
}
REJECTION = "validation_rejection_"  # begins the name of a column, the class ends it
REJECTION_TITLE = "Validation rejection\nat half of the class"
LOOKS = {  # color and line style: told apart in gray too
    "Training": (COLORS[2], "--"),
    "Validation": (COLORS[0], "-"),
    "At background $10^{-2}$": (COLORS[1], "-"),
    "At background $10^{-3}$": (COLORS[3], "-."),
}
OF_CLASSES = {"Training": ("0.55", "--"), "Validation": ("black", "-")}
"""Beside classes, whose colors these have not."""
BEST = {"marker": "*", "markersize": 7, "color": "black", "linestyle": "none"}
MODELS_IN_A_ROW = 4
# of the title of a column; that of a longer one is smaller, or its panels would not be level
LETTERS = 30

WIDE = 20  # highest over lowest loss
LOGARITHMIC = ("Loss", REJECTION_TITLE, "Validation\nresolution")


@styled
def plot_learning_curves(
    histories: Mapping[str, Mapping[str, History]],
    *,
    titles: Mapping[str, str] = MappingProxyType({}),
    colors: Mapping[str, str] = MappingProxyType({}),
) -> Figure:
    """Loss, AUC and signal efficiency after every epoch: a column of panels per model, a line per
    network.

    Parameters
    ----------
    histories
        Model -> network -> columns of its history, ``(n_epochs,)`` each: ``epoch`` and any of
        ``train_loss``, ``validation_loss``, ``validation_auc``,
        ``validation_signal_efficiency_1e-2`` and ``_1e-3``; of more than two classes
        ``validation_macro_auc``, the accuracies, and ``validation_rejection_`` with the name of
        each class; of a target ``validation_resolution`` and ``validation_bias``; nan where not
        measured. What no network has gets no panel. A star marks the
        epoch of the lowest validation loss.
    titles, colors
        Of the classes by name; their names and the colors of all figures of taggers where there are
        none.

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
    panels = {
        title: columns
        for title, columns in _panels(everything, titles).items()
        if any(_measured(one, columns) for one in everything)
    }
    if not panels:
        raise InputError(
            f"no training history has anything to draw; give one of {', '.join(_all_columns())}"
        )
    n_columns = min(len(histories), MODELS_IN_A_ROW)
    n_rows = -(-len(histories) // n_columns)
    width = max(6.4, 0.6 + 3.2 * n_columns)
    height = n_rows * (1.0 + 1.7 * len(panels)) + 0.4
    figure = Figure(figsize=(width, height), layout="constrained")
    looks = _looks(panels, everything, colors)
    limits = [_limits(title, columns, everything) for title, columns in panels.items()]
    cells = figure.subfigures(n_rows, n_columns, squeeze=False).ravel()
    for cell, (model, networks) in zip(cells, histories.items(), strict=False):
        _draw_model(cell, model, networks, panels, limits, looks)
    figure.legend(
        handles=_legend(panels, everything, looks),
        loc="outside upper center",
        ncols=3 if n_columns < 3 else 5,
    )
    return figure


def _draw_model(
    cell: SubFigure,
    model: str,
    networks: Mapping[str, History],
    panels: Panels,
    limits: Sequence[tuple[float, float, str]],
    looks: Looks,
) -> None:
    """Panels of one model, one above the other."""
    every = cell.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
    for axes, (title, columns), limit in zip(every, panels.items(), limits, strict=True):
        for history in networks.values():
            _draw_history(axes, history, columns, looks)
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


def _panels(
    histories: Sequence[History], titles: Mapping[str, str]
) -> dict[str, Mapping[str, str]]:
    """Title of a panel -> columns and their lines, of all that the histories may have."""
    if any("validation_resolution" in one for one in histories):
        return dict(PANELS_OF_TARGET)
    of_classes = [one for one in histories if "validation_macro_auc" in one]
    if not of_classes:
        return dict(PANELS)
    rejections = {f"{REJECTION}{name}": titles.get(name, name) for name in _classes(of_classes)}
    return {**PANELS, **PANELS_OF_CLASSES, REJECTION_TITLE: rejections}


def _classes(histories: Sequence[History]) -> list[str]:
    """Names of the classes whose rejection the histories have."""
    columns = dict.fromkeys(name for one in histories for name in one)
    return [name.removeprefix(REJECTION) for name in columns if name.startswith(REJECTION)]


def _looks(panels: Panels, histories: Sequence[History], colors: Mapping[str, str]) -> Looks:
    """Color and line style of every line."""
    if REJECTION_TITLE not in panels:
        return LOOKS
    classes = _classes(histories)
    chosen = class_colors({name: colors.get(name) for name in classes})
    return (
        LOOKS
        | OF_CLASSES
        | {
            panels[REJECTION_TITLE][f"{REJECTION}{name}"]: (chosen[name], class_line(place))
            for place, name in enumerate(classes)
        }
    )


def _draw_history(axes: Axes, history: History, columns: Mapping[str, str], looks: Looks) -> None:
    """Lines of one network, the best epoch marked on those of the validation split."""
    best = _best_row(history)
    for column in _measured(history, columns):
        epochs, values = (np.asarray(history[name], dtype=np.float64) for name in ("epoch", column))
        color, line = looks[columns[column]]
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
        if best is not None and not column.startswith("train_"):
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


def _limits(
    title: str, columns: Mapping[str, str], histories: Sequence[History]
) -> tuple[float, float, str]:
    """Limits of a panel, the same for all models, with a margin, and its scale.

    A loss, rejection or resolution that spans much has a logarithmic axis, which alone shows its
    end.
    """
    values = [history[name] for history in histories for name in _measured(history, columns)]
    values = np.concatenate([np.asarray(one, dtype=np.float64) for one in values])
    values = values[np.isfinite(values)]
    low, high = values.min(), values.max()
    if title in LOGARITHMIC and 0 < WIDE * low < high:
        return low / 1.2, high * 1.2, "log"
    margin = max(0.08 * (high - low), 1e-4) if high > low else 0.02
    return low - margin, high + margin, "linear"


def _legend(panels: Panels, histories: Sequence[History], looks: Looks) -> list[Line2D]:
    """A line for everything drawn in some panel, and the star."""
    found = [
        columns[name]
        for columns in panels.values()
        for one in histories
        for name in _measured(one, columns)
    ]
    lines = [
        Line2D([], [], color=color, linestyle=line, label=entry(name))
        for name, (color, line) in looks.items()
        if name in found
    ]
    if any(_best_row(one) is not None for one in histories):
        lines.append(Line2D([], [], label="Lowest validation loss", **BEST))
    return lines


def _all_columns() -> list[str]:
    every = (PANELS, PANELS_OF_CLASSES, PANELS_OF_TARGET)
    return list(
        dict.fromkeys(n for panels in every for columns in panels.values() for n in columns)
    )
