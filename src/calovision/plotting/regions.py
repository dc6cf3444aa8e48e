"""Points of cut regions in ROC curves."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from calovision.core.titles import entry
from calovision.metrics import Efficiency
from calovision.plotting.curves import LOWEST_BACKGROUND, SIGNAL_GRID, BackgroundAxis

Region = tuple[Efficiency, Efficiency]
"""Signal and background efficiency of a region."""
MARKERS = "PXDsv^phH8<>"


def draw_signal_region(
    panels: Sequence[Axes], region: Region, reference: np.ndarray, background: BackgroundAxis
) -> None:
    """Point of the search's selection in both panels; an arrow at the upper limit if no background
    passes.

    Parameters
    ----------
    panels
        That of the curves, and that of the ratios.
    region
        Its efficiencies.
    reference
        Background efficiency that the lower panel divides by, at `SIGNAL_GRID`.
    background
        Vertical axis.
    """
    look = {"color": "black", "marker": "*", "markersize": 11}
    _draw(panels, region, reference, background, look, "Signal region")


def draw_regions(
    panels: Sequence[Axes],
    regions: Mapping[str, Region],
    reference: np.ndarray,
    background: BackgroundAxis,
) -> None:
    """Points of further regions, each with a mark of its own; as `draw_signal_region`."""
    for place, (name, region) in enumerate(regions.items()):
        again, number = divmod(place, len(MARKERS))
        look = {"color": "0.25", "marker": MARKERS[number], "markersize": 7}
        look["markerfacecolor"] = "white" if again % 2 else "0.25"
        _draw(panels, region, reference, background, look, entry(name))


def lowest_of(regions: Sequence[Region]) -> float:
    """Half of the smallest background efficiency of regions, or of its upper limit; 1 for none."""
    return min([1.0, *((background.value or background.high) / 2 for _, background in regions)])


def with_errors(efficiencies: Sequence[Efficiency]) -> tuple[np.ndarray, np.ndarray]:
    """Values and distances to the interval, ``(n,)`` and ``(2, n)``."""
    value, low, high = np.array([(e.value, e.low, e.high) for e in efficiencies]).T
    return value, np.maximum([value - low, high - value], 0.0)


def _draw(
    panels: Sequence[Axes],
    region: Region,
    reference: np.ndarray,
    background: BackgroundAxis,
    look: Mapping[str, object],
    label: str,
) -> None:
    (x,), x_error = with_errors([region[0]])
    y, y_error = _height(region[1], background)
    is_limit = region[1].value <= 0
    options = {**look, "linestyle": "none", "zorder": 5, "capsize": 0}
    if is_limit:
        options["lolims" if background.is_rejection else "uplims"] = True
        options["marker"] = "_" if look["marker"] == "*" else look["marker"]
    panels[0].errorbar(x, y, y_error, x_error, label=label, **options)
    divisor = np.interp(x, SIGNAL_GRID, reference)
    if divisor > 0:
        scale = 1 / divisor if not background.is_rejection else divisor
        panels[1].errorbar(x, y * scale, y_error * scale, x_error, **options)


def _height(efficiency: Efficiency, background: BackgroundAxis) -> tuple[float, np.ndarray]:
    """Value on the axis, and the distances to its interval, ``(2, 1)``."""
    (y,), y_error = with_errors([efficiency])
    if y <= 0:
        y, y_error = efficiency.high, np.array([[efficiency.high / 2], [0.0]])
    if not background.is_rejection:
        return y, y_error
    ends = np.maximum([y + y_error[1], y - y_error[0]], LOWEST_BACKGROUND / 10)
    return 1 / y, np.maximum([[1.0], [-1.0]] * (1 / y - 1 / ends), 0.0)
