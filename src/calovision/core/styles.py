"""Colors and line styles of named things in figures; light, since registries name them."""

from typing import NamedTuple

COLORS = (
    "#832db6",
    "#e76300",
    "#717581",
    "#a96b59",
    "#ffa90e",
    "#3f90da",
    "#b9ac70",
    "#92dadd",
    "#bd1f01",
)
"""Color-vision friendly, from Petroff, arXiv:2107.02270 (sequence of ten)."""


class PlotStyle(NamedTuple):
    """Color and line style (``-``, ``--``, ``:``, ``-.``), told apart in gray too."""

    color: str
    line: str
