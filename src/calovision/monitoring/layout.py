"""Layout of maps: cells, channels and thresholds, which maps must share to be compared or added."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

from calovision.core.errors import InputError
from calovision.core.finite import is_number
from calovision.core.registry import nearest
from calovision.images.channels import CHANNELS, check_channels
from calovision.images.grid import EtaPhiGrid

if TYPE_CHECKING:
    import numpy as np


class HasLayout(Protocol):
    """Maps of runs, a file of them, or a reference."""

    @property
    def grid(self) -> EtaPhiGrid:
        """Cells."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels."""

    @property
    def units(self) -> tuple[str, ...]:
        """Their units."""

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Least values that count as hits."""


@dataclass(frozen=True)
class MapLayout:
    """Cells, channels and thresholds of maps.

    Attributes
    ----------
    grid
        Cells of the whole detector.
    channels, units
        Names and units of the channels.
    thresholds
        Least value of a cell that counts as a hit, by channel in the unit of it; a value of 0 or
        below is never one.
    """

    grid: EtaPhiGrid
    channels: tuple[str, ...]
    units: tuple[str, ...]
    thresholds: tuple[float, ...]

    @classmethod
    def of_channels(
        cls,
        grid: EtaPhiGrid,
        channels: Sequence[str],
        thresholds: float | Mapping[str, float] = 0.0,
    ) -> "MapLayout":
        """Layout of channels of event images.

        Parameters
        ----------
        grid
            Cells.
        channels
            Names out of ``CHANNELS``.
        thresholds
            One for all channels, or by channel; 0 for those that are not named.

        Raises
        ------
        InputError
            If a channel is unknown, or a threshold is none.
        """
        check_channels(channels)
        units = tuple(CHANNELS[name].unit for name in channels)
        return cls.of_names(grid, channels, units, thresholds)

    @classmethod
    def of_names(
        cls,
        grid: EtaPhiGrid,
        channels: Sequence[str],
        units: Sequence[str],
        thresholds: float | Mapping[str, float] = 0.0,
    ) -> "MapLayout":
        """Layout of channels of any name, with their units; InputError if a threshold is none."""
        given = (
            thresholds if isinstance(thresholds, Mapping) else dict.fromkeys(channels, thresholds)
        )
        for name in given:
            if name not in channels:
                raise InputError(
                    f"the threshold of '{name}': the maps have no such channel"
                    f"{nearest(name, channels)}; they have {', '.join(channels)}"
                )
        least = {name: _threshold(name, given.get(name, 0.0)) for name in channels}
        return cls(grid, tuple(channels), tuple(units), tuple(least.values()))

    @classmethod
    def of(cls, maps: HasLayout) -> "MapLayout":
        """Layout of maps, of a file of them, or of a reference."""
        return cls(maps.grid, tuple(maps.channels), tuple(maps.units), tuple(maps.thresholds))

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(n_channels, n_eta, n_phi)``."""
        return len(self.channels), self.grid.n_eta, self.grid.n_phi

    @property
    def n_cells(self) -> int:
        """Number of cells of all channels together."""
        return math.prod(self.shape)

    def require(self, maps: HasLayout, what: str, of: str) -> None:
        """Raise InputError unless maps have this layout.

        Parameters
        ----------
        maps
            The maps.
        what, of
            What they are, and whose layout this is, for the sentence: ``"runs.h5"``, ``"the
            reference"``.
        """
        other = MapLayout.of(maps)
        for name, mine in self.described().items():
            found = other.described()[name]
            if found != mine:
                raise InputError(
                    f"{what}: the {name} are {found}, but those of {of} {mine}; make maps of one "
                    "grid, with the same channels and thresholds"
                )

    def described(self) -> dict[str, str]:
        """Description of the layout in words."""
        grid = self.grid
        low, high = (f"{edge:g}" for edge in grid.eta_range)
        edges = "" if grid.eta_edges is None else f" with edges {_listed(grid.eta_edges)}"
        return {
            "cells": f"{grid.n_eta}x{grid.n_phi} in eta {low} to {high}{edges}",
            "channels": ", ".join(self.channels),
            "units": ", ".join(unit or "counts" for unit in self.units),
            "thresholds": _listed(self.thresholds),
        }

    def to_dict(self) -> dict[str, Any]:
        """Values of it for JSON, by the names of the attributes of a file."""
        grid = {name: value for name, value in asdict(self.grid).items() if value is not None}
        return {
            "grid": grid,
            "channels": list(self.channels),
            "units": list(self.units),
            "thresholds": list(self.thresholds),
        }

    def place(self, channel: int, eta: int, phi: int) -> str:
        """A cell in words, by its indices, with its middle in eta and phi."""
        etas, phis = self.grid.edges_in_eta, self.grid.edges_in_phi
        return (
            f"channel {self.channels[channel]}, eta {_middle(etas, eta):.2f}, "
            f"phi {_middle(phis, phi):.2f} (row {eta}, column {phi})"
        )


def _middle(edges: "np.ndarray", index: int) -> float:
    return float(edges[index] + edges[index + 1]) / 2


def _listed(numbers: Sequence[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


def _threshold(channel: str, value: object) -> float:
    if not (is_number(value) and value >= 0):
        raise InputError(
            f"the threshold of '{channel}' is {value!r}: give a number that is 0 or larger, in the "
            "unit of the channel"
        )
    return float(value)
