"""Maps of runs: how often each cell was hit, and with how much energy, for each run and channel."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid

WHOLE_RUN = -1
"""Lumi block of maps that are those of a whole run."""


@dataclass(frozen=True)
class RunMaps:
    """Maps of n runs, or of lumi blocks of runs, ascending in run and block.

    Attributes
    ----------
    grid
        Cells.
    channels, units
        Names and units of the channels.
    thresholds
        Least value of a cell, by channel in the unit of it, that counts as a hit.
    run, lumi_block
        int64 ``(n,)``; the lumi block is `WHOLE_RUN` where the row is a whole run.
    n_events
        int64 ``(n,)``: events that were looked at.
    occupancy
        float64 ``(n, n_channels, n_eta, n_phi)``: number of events with a hit in the cell.
    total
        float64, the same shape: sum of the values of the cell over all events, in the unit of the
        channel.

    Raises
    ------
    InputError
        If the shapes do not fit each other.
    """

    grid: EtaPhiGrid
    channels: tuple[str, ...]
    units: tuple[str, ...]
    thresholds: tuple[float, ...]
    run: np.ndarray
    lumi_block: np.ndarray
    n_events: np.ndarray
    occupancy: np.ndarray
    total: np.ndarray

    def __post_init__(self) -> None:
        n = len(self.run)
        shape = (n, len(self.channels), self.grid.n_eta, self.grid.n_phi)
        for name in ("lumi_block", "n_events"):
            if np.shape(getattr(self, name)) != (n,):
                raise InputError(f"maps of runs: {name} is not one number for each of {n} runs")
        for name in ("occupancy", "total"):
            found = np.shape(getattr(self, name))
            if found != shape:
                raise InputError(f"maps of runs: {name} has the shape {found}, not {shape}")

    def __len__(self) -> int:
        return len(self.run)

    def __getitem__(self, rows: slice | np.ndarray) -> "RunMaps":
        """Maps of some runs: of a slice, row numbers, or a mask."""
        names = ("run", "lumi_block", "n_events", "occupancy", "total")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    @property
    def rate(self) -> np.ndarray:
        """Share of the events with a hit in the cell, float64 ``(n, n_channels, n_eta, n_phi)``;
        NaN of a run without events.
        """
        return self._per_event(self.occupancy)

    @property
    def mean(self) -> np.ndarray:
        """Mean value of the cell over the events, in the unit of the channel; NaN of a run without
        events.
        """
        return self._per_event(self.total)

    def _per_event(self, sums: np.ndarray) -> np.ndarray:
        events = np.where(self.n_events > 0, self.n_events, np.nan)
        return sums / events[:, None, None, None]

    def blocks(self, size: int = 64) -> Iterator["RunMaps"]:
        """Maps of at most ``size`` runs at a time, in their order."""
        for first in range(0, len(self), size):
            yield self[first : first + size]
