"""One event or jet: on the terminal, or as a picture."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from calovision.cli.summary import show
from calovision.cli.terminal import draw_plane
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.jobs.atomic import replaced

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TOTALS = ("energy", "et")  # channels that hold what others hold in parts


def brightest_channels(channels: Sequence[str], units: Sequence[str]) -> list[int]:
    """Channels to sum for a display of the energy: a total if there is one, else all in GeV, else
    the first.
    """
    for name in TOTALS:
        if name in channels:
            return [list(channels).index(name)]
    return [number for number, unit in enumerate(units) if unit == "GeV"] or [0]


def print_plane(cells: np.ndarray, grid: EtaPhiGrid | JetGrid, *, title: str, unit: str) -> None:
    """Print the cells ``(n_eta, n_phi)`` on standard output, in color where it is a terminal with
    colors.
    """
    console = Console()
    color = console.is_terminal and console.color_system is not None and not console.no_color
    show(
        "",
        title,
        draw_plane(
            cells, eta_edges=grid.edges_in_eta, phi_edges=grid.edges_in_phi, unit=unit, color=color
        ),
    )


def write_png(figure: "Figure", path: Path) -> None:
    """Write a picture, complete or not at all, and say so."""
    import matplotlib.style

    from calovision.plotting.style import STYLE

    # The style names fonts of which one is enough; matplotlib would list those that are not
    # installed.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    with replaced(path) as temporary, matplotlib.style.context(STYLE):
        figure.savefig(
            temporary, format="png", dpi=150, bbox_inches="tight"
        )  # else a label may be cut
    show(f"\n{path}")
