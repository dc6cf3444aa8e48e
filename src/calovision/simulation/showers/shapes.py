"""Shower shapes: a few numbers of each shower, as experiments identify particles with.

Definitions follow the electron identification of ATLAS (arXiv:1110.3174, table 1): shares of the
layers, widths in eta, and the second maximum in the strips.
"""

from collections.abc import Sequence

import numpy as np

from calovision.simulation.showers.cells import Cells

SHARES = {
    "presampler": (0,),
    "strips": (1,),
    "middle": (2,),
    "back": (3,),
    "tiles": (4, 5, 6),
}
"""Layers whose shares of the energy are shapes."""

STRIPS, MIDDLE = 1, 2
SHAPES = (*(f"share_{name}" for name in SHARES), "width_strips", "width_middle", "strip_ratio")
"""Names of the shapes."""


def shower_shapes(cells: Cells, n_events: int) -> dict[str, np.ndarray]:
    """Shapes of events by name, ``(n_events,)`` each; 0 where a layer has no energy."""
    energy = np.bincount(cells.event, cells.e, n_events)
    shares = (_ratio(_sum_of(cells, layers, n_events), energy) for layers in SHARES.values())
    widths = (_width(cells, layer, n_events) for layer in (STRIPS, MIDDLE))
    return dict(zip(SHAPES, (*shares, *widths, _strip_ratio(cells, n_events)), strict=True))


def _sum_of(cells: Cells, layers: Sequence[int], n_events: int) -> np.ndarray:
    chosen = np.isin(cells.layer, layers)
    return np.bincount(cells.event[chosen], cells.e[chosen], n_events)


def _width(cells: Cells, layer: int, n_events: int) -> np.ndarray:
    """Standard deviation of the energy of a layer in eta."""
    chosen = cells.layer == layer
    event, eta, e = cells.event[chosen], cells.eta[chosen], cells.e[chosen]
    energy = np.bincount(event, e, n_events)
    mean = _ratio(np.bincount(event, e * eta, n_events), energy)
    return np.sqrt(_ratio(np.bincount(event, e * (eta - mean[event]) ** 2, n_events), energy))


def _strip_ratio(cells: Cells, n_events: int) -> np.ndarray:
    """(E1 - E2) / (E1 + E2) of the highest strip and of the second local maximum, as far as they
    are in the window; 1 without a second one.
    """
    chosen = cells.layer == STRIPS
    event = cells.event[chosen]
    strip = np.floor(cells.eta[chosen] / cells.eta_size[chosen]).astype(int)
    first = np.full(n_events, np.iinfo(int).max)
    np.minimum.at(first, event, strip)
    column = strip - first[event] + 1  # a column of zeros on each side
    width = max(int(column.max(initial=0)), 2) + 2
    rows = np.bincount(event * width + column, cells.e[chosen], n_events * width)
    rows = rows.reshape(n_events, width)
    inner = rows[:, 1:-1]
    is_maximum = (inner > rows[:, :-2]) & (inner >= rows[:, 2:])
    second, highest = np.sort(np.where(is_maximum, inner, 0.0), axis=1)[:, -2:].T
    return _ratio(highest - second, highest + second)


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.divide(numerator, denominator, out=np.zeros(len(denominator)), where=denominator > 0)
