"""The common look: colors, fonts, saving."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec

import matplotlib.style
import mplhep
from matplotlib.figure import Figure

from calovision.atomic import replaced

# Color-vision friendly, from Petroff, arXiv:2107.02270 (sequence of ten).
CLASS_COLORS = {1: "#bd1f01", 0: "#3f90da"}  # signal, background: the same in every figure
CLASS_NAMES = {1: "Signal", 0: "Background"}
COLORS = ("#832db6", "#e76300", "#717581", "#a96b59", "#ffa90e", "#3f90da", "#b9ac70", "#92dadd", "#bd1f01")
CLASSIFIER_STYLES = {  # color, line style: told apart in gray too
    "cnn": (COLORS[0], "-"),
    "cnn+jets": (COLORS[1], "--"),
    "n_fat_jets": (COLORS[2], ":"),
    "mj_sum": (COLORS[3], "-."),
    "n_jets": (COLORS[6], "--"),
    "referee": (COLORS[8], "-"),
    "gradient_boosting": (COLORS[4], "--"),
    "mlp": (COLORS[5], ":"),
    "signal_region": ("black", "-"),
}
CLASSIFIER_NAMES = {
    "cnn": "CNN",
    "cnn+jets": "CNN + jet variables",
    "n_fat_jets": "Number of fat jets",
    "mj_sum": r"$M_J^\Sigma$",
    "n_jets": "Number of small-R jets",
    "signal_region": "Signal region",
    "logistic_regression": "Logistic regression",
    "adaboost": "AdaBoost",
    "gradient_boosting": "Boosting, 23 jet variables",
    "mlp": "MLP, 23 jet variables",
    "referee": "Boosting, with small-R jets",
    "deep_sets": "Deep sets",
    "fusion": "Fusion network",
}
FONT_SIZE = 12
STYLE = [
    mplhep.style.ROOT,
    {
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
            return plot(*args, **kwargs)

    return draw


def classifier_style(name: str, position: int) -> tuple[str, str]:
    """Color and line style of a classifier; one that is not known gets the next free color."""
    return CLASSIFIER_STYLES.get(name, (COLORS[4 + position % (len(COLORS) - 4)], "-"))


def save_figure(figure: Figure, stem: Path) -> tuple[Path, Path]:
    """Write ``<stem>.pdf`` and ``<stem>.png`` (150 dpi), each complete or not at all; return both paths."""
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
