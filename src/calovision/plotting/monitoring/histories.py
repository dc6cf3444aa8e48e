"""Hits of flagged objects run after run, over those that are expected."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from scipy import special

from calovision.core.errors import InputError
from calovision.core.titles import shown
from calovision.plotting.style import number_axis, styled

ONE_SIGMA = 0.15866  # probability above one standard deviation
COLOR, FLAG_COLOR = "#3f90da", "#bd1f01"


@dataclass(frozen=True)
class History:
    """Hits of an object in each run.

    Attributes
    ----------
    run
        ``(n,)``.
    found, expected
        Hits of all its towers, ``(n,)``; expected is NaN where nothing can be said.
    is_flagged
        Runs in which it is flagged, ``(n,)``.
    """

    run: np.ndarray
    found: np.ndarray
    expected: np.ndarray
    is_flagged: np.ndarray


@styled
def plot_histories(histories: Mapping[str, History], *, shown_run: int | None = None) -> Figure:
    """Hits over the expected ones against the run, a panel for each object.

    Bars are 68 % intervals of a Poisson number (Garwood, Biometrika 28 (1936) 437); runs in which
    the object is flagged are red; a line marks ``shown_run``.

    Raises
    ------
    InputError
        If there is no object.
    """
    if not histories:
        raise InputError("no history to draw: give at least one object")
    size = (8.5, 0.7 + 1.75 * len(histories))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(histories), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (title, one) in zip(panels, histories.items(), strict=True):
        low, high = poisson_interval(one.found)
        for chosen, color in ((~one.is_flagged, COLOR), (one.is_flagged, FLAG_COLOR)):
            known = chosen & (one.expected > 0)
            ratio, below, above = (
                values[known] / one.expected[known] for values in (one.found, low, high)
            )
            bars = np.stack([ratio - below, above - ratio])
            marks = {"fmt": "o", "markersize": 3.5, "linewidth": 1, "color": color, "capsize": 0}
            axes.errorbar(one.run[known], ratio, yerr=bars, **marks)
        axes.axhline(1.0, color="0.5", linewidth=1)
        if shown_run is not None:
            axes.axvline(shown_run, color="black", linewidth=0.8, linestyle=":")
        axes.set_title(shown(title), loc="left", fontsize=10)
        axes.set_ylabel("hits / exp.")
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    panels[-1].set_xlabel("Run")
    number_axis(panels[-1].xaxis, 8)
    return figure


def poisson_interval(found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the central 68 % interval of the mean of a Poisson number."""
    counts = np.asarray(found, dtype=np.float64)
    low = np.where(counts > 0, special.gammaincinv(np.maximum(counts, 1e-9), ONE_SIGMA), 0.0)
    return low, special.gammaincinv(counts + 1, 1 - ONE_SIGMA)
