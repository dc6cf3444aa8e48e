"""Common look of all figures: colors, fonts, saving."""

import functools
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import ParamSpec

import matplotlib.style
import mplhep
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from calovision.core.styles import COLORS, PlotStyle
from calovision.core.titles import FALLBACK
from calovision.evaluation.baselines import BASELINES
from calovision.jets.variables import VARIABLES
from calovision.jobs.atomic import replaced

CLASS_COLORS = {1: "#bd1f01", 0: "#3f90da"}  # signal, background: the same in every figure
CLASS_NAMES = {1: "Signal", 0: "Background"}
_REGISTERED = [*VARIABLES.values(), *BASELINES.values()]
CLASSIFIER_STYLES = {
    "cnn": PlotStyle(COLORS[0], "-"),
    "cnn+jets": PlotStyle(COLORS[1], "--"),
    "signal_region": PlotStyle("black", "-"),
} | {one.name: one.style for one in _REGISTERED if one.style is not None}
CLASSIFIER_NAMES = {
    "cnn": "CNN",
    "cnn+jets": "CNN + jet variables",
    "signal_region": "Signal region",
    "deep_sets": "Deep sets",
    "particle_transformer": "Particle transformer",
    "image_and_points": "Image and points",
    "fusion": "Fusion network",
} | {one.name: one.title for one in _REGISTERED}
LINES = ("-", "--", "-.", ":")
FONT_SIZE = 12
CHARACTERS_PER_INCH = 12.5  # of a legend
MARK_CHARACTERS = 6  # as wide as its line or mark
FADED = "0.55"  # gray of what rests on few events
STYLE = [
    mplhep.style.ROOT,
    {
        "font.family": ["sans-serif", FALLBACK],
        "font.size": FONT_SIZE,
        "axes.labelsize": FONT_SIZE,
        "axes.titlesize": FONT_SIZE,
        "xtick.labelsize": FONT_SIZE - 2,
        "ytick.labelsize": FONT_SIZE - 2,
        "legend.fontsize": FONT_SIZE - 2,
        "figure.titlesize": FONT_SIZE + 1,
        "xtick.major.size": 6,
        "xtick.minor.size": 3,
        "ytick.major.size": 6,
        "ytick.minor.size": 3,
        "xtick.major.pad": 4,
        "axes.linewidth": 1,
        "lines.linewidth": 1.8,
        "lines.markersize": 5,
        "errorbar.capsize": 2,
    },
]

Parameters = ParamSpec("Parameters")


def styled(plot: Callable[Parameters, Figure]) -> Callable[Parameters, Figure]:
    """Draw with the style of this package, and leave the global one as it was."""

    @functools.wraps(plot)
    def draw(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Figure:
        with matplotlib.style.context(STYLE):
            figure = plot(*args, **kwargs)
            for text in (text for legend in _legends(figure) for text in legend.get_texts()):
                text.set_text(text.get_text().removeprefix(" "))  # of `titles.entry`
            return figure

    return draw


def _legends(figure: Figure) -> Iterator[Legend]:
    """Legends of a figure and of its panels."""
    for artist in (figure, *figure.axes):
        yield from (child for child in artist.get_children() if isinstance(child, Legend))


def legend_columns(labels: Collection[str], width: float, most: int = 4) -> int:
    """Number of columns of a legend over a figure of a width in inches: as many as have room, at
    least one.
    """
    longest = max(map(len, map(_without_commands, labels)), default=1)
    return max(
        1, min(most, len(labels), int(width * CHARACTERS_PER_INCH / (longest + MARK_CHARACTERS)))
    )


def _without_commands(label: str) -> str:
    """Label with each command of mathtext as one character, about as long as it is drawn."""
    return re.sub(r"\\[A-Za-z]+|[{}$^_]", lambda found: "x" if found[0][0] == "\\" else "", label)


def plane_size(width: float, height: float, area: float = 6.3) -> tuple[float, float]:
    """Size in inches of a panel with one scale for both axes, and an area that does not depend on
    their ratio.
    """
    ratio = np.sqrt(np.clip(width / height, 0.2, 5.0))
    return np.sqrt(area) * ratio, np.sqrt(area) / ratio


def mark_cut_bars(
    axes: Axes,
    at: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    *,
    color: str,
    along: str = "x",
) -> None:
    """Draw a triangle on the frame for each end of an error bar outside the limits of the panel.

    Parameters
    ----------
    at, low, high
        Position of each bar across the axis, and its ends along it; nan has none.
    along
        Axis that the bars run along, ``x`` or ``y``.
    """
    at, low, high = (
        np.atleast_1d(np.asarray(values, dtype=np.float64)) for values in (at, low, high)
    )
    first, last = axes.get_xlim() if along == "x" else axes.get_ylim()
    markers = ("<", ">") if along == "x" else ("v", "^")
    for edge, marker, is_cut in zip(
        (first, last), markers, (low < first, high > last), strict=True
    ):
        across = at[is_cut]
        ends = np.full(np.sum(is_cut), edge)
        x, y = (ends, across) if along == "x" else (across, ends)
        if len(ends):
            axes.plot(
                x, y, marker, color=color, markersize=5, clip_on=False, zorder=4, in_layout=False
            )


def number_axis(axis: Axis, most: int = 6) -> None:
    """Set ticks with complete numbers: matplotlib would put a common power of ten over the title of
    the axis.
    """
    axis.set_major_locator(MaxNLocator(most))
    axis.set_major_formatter(StrMethodFormatter("{x:.6g}"))


def classifier_style(name: str, position: int) -> PlotStyle:
    """Color and line style of a classifier; one that is not known gets the next free color."""
    free = PlotStyle(COLORS[4 + position % (len(COLORS) - 4)], "-")
    return CLASSIFIER_STYLES.get(name, free)


def classifier_styles(names: Collection[str]) -> dict[str, PlotStyle]:
    """Colors and line styles of the classifiers of one figure, no two alike; those that are not
    known get free ones, of colors that others do not have as long as there are some.
    """
    styles = {name: CLASSIFIER_STYLES[name] for name in names if name in CLASSIFIER_STYLES}
    others = [name for name in names if name not in styles]
    taken = [style.color for style in styles.values()]
    every = (PlotStyle(c, line) for line in LINES for c in (*COLORS[4:], *COLORS[:4]))
    free = [style for style in every if style not in styles.values()]
    free.sort(key=lambda style: (LINES.index(style.line), style.color in taken))
    styles |= {name: free[place % len(free)] for place, name in enumerate(others)}
    return {name: styles[name] for name in names}


def save_png(figure: Figure, path: Path) -> Path:
    """Write a figure as ``path`` (150 dpi), complete or not at all, where no PDF is needed."""
    path = Path(path)
    return _save(figure, path.with_name(path.name.removesuffix(".png")), "png", dpi=150)


def save_figure(figure: Figure, stem: Path) -> tuple[Path, Path]:
    """Write ``<stem>.pdf`` and ``<stem>.png`` (150 dpi), each complete or not at all; return both
    paths.
    """
    stem = Path(stem)
    # A date in the file would change it at every run.
    return (
        _save(figure, stem, "pdf", metadata={"CreationDate": None}),
        _save(figure, stem, "png", dpi=150),
    )


def _save(figure: Figure, stem: Path, suffix: str, **options: object) -> Path:
    path = stem.with_name(f"{stem.name}.{suffix}")  # with_suffix would cut a stem that holds a dot
    with replaced(path) as temporary, matplotlib.style.context(STYLE):
        figure.savefig(temporary, format=suffix, **options)
    return path
