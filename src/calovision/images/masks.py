"""Masks of dead cells: regions in eta and phi, on any grid; images with the cells emptied or filled
from their neighbours.

A mask is a list of regions, so that images with other cells can take it: a cell is dead where
regions cover at least half of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from calovision.core.errors import InputError
from calovision.core.numeric import float_array
from calovision.core.registry import nearest
from calovision.images.grid import EtaPhiGrid

FORMAT = "calovision-mask"
VERSION = 1
HALF = 0.5 - 1e-9  # of a cell, but for rounding
KEYS = ("eta", "phi", "channels", "runs", "reason")


@dataclass(frozen=True)
class DeadRegion:
    """Part of a detector that is not to be seen.

    Attributes
    ----------
    eta
        Lower and upper end.
    phi
        From the first to the second in the sense of growing phi, radians: of one that reaches over
        pi the first is the larger.
    channels
        Names; empty for all.
    runs
        First and last run; None for all.
    reason
        For people, as the kind of fault.
    """

    eta: tuple[float, float]
    phi: tuple[float, float]
    channels: tuple[str, ...] = ()
    runs: tuple[int, int] | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        for name in ("eta", "phi"):
            ends = tuple(float_array(getattr(self, name), f"region of a mask: {name}").tolist())
            is_good = len(ends) == 2 and np.isfinite(ends).all()
            if not is_good or (name == "eta" and not ends[0] < ends[1]):
                raise InputError(
                    f"region of a mask: {name} is {list(ends)}: give its two ends, those of eta "
                    "ascending"
                )
            object.__setattr__(self, name, ends)
        if self.phi[0] == self.phi[1]:
            raise InputError(f"region of a mask: phi is {list(self.phi)}, which is no range")
        if self.runs is not None and not self.runs[0] <= self.runs[1]:
            raise InputError(f"region of a mask: runs are {list(self.runs)}: give first and last")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Region of the values of a mask file.

        Raises
        ------
        InputError
            If a key is unknown or missing, or a value is none.
        """
        if not isinstance(values, Mapping):
            raise InputError(f"region of a mask: {values!r} is no mapping")
        for name in values:
            if name not in KEYS:
                raise InputError(
                    f"region of a mask: unknown key '{name}'{nearest(name, KEYS)}; known are "
                    f"{', '.join(KEYS)}"
                )
        try:
            runs = values.get("runs")
            return cls(
                values["eta"],
                values["phi"],
                tuple(map(str, values.get("channels") or ())),
                None if runs is None else (int(runs[0]), int(runs[1])),
                str(values.get("reason", "")),
            )
        except KeyError as error:
            raise InputError(f"region of a mask: {error.args[0]} is missing; give it") from error
        except (TypeError, ValueError, IndexError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"region of a mask: {dict(values)} is none") from error

    def to_dict(self) -> dict[str, Any]:
        """Inverse of `from_dict`."""
        values: dict[str, Any] = {"eta": list(self.eta), "phi": list(self.phi)}
        if self.channels:
            values["channels"] = list(self.channels)
        if self.runs is not None:
            values["runs"] = list(self.runs)
        return values | ({"reason": self.reason} if self.reason else {})

    def of_all_runs(self) -> "DeadRegion":
        """The same region, dead in all runs."""
        return replace(self, runs=None)

    def holds(self, run: int | None) -> bool:
        """The region is dead in a run; None for those of all runs alone."""
        return self.runs is None or (run is not None and self.runs[0] <= run <= self.runs[1])


def _coverage(places: Iterable[tuple[tuple[float, float], ...]], grid: EtaPhiGrid) -> np.ndarray:
    """Share of each cell that rectangles in eta and phi cover together, ``(n_eta, n_phi)``; where
    they overlap counts once.
    """
    boxes = [
        (*eta, phi[0] + turn, phi[1] + 2 * np.pi * (phi[1] < phi[0]) + turn)
        for eta, phi in places
        for turn in (-2 * np.pi, 0.0, 2 * np.pi)
    ]
    ends = np.array(boxes).reshape(-1, 4)
    fine = [
        _with_ends(edges, of_axis)
        for edges, of_axis in zip(
            (grid.edges_in_eta, grid.edges_in_phi), (ends[:, :2], ends[:, 2:]), strict=True
        )
    ]
    is_in = np.zeros([len(edges) - 1 for edges in fine], dtype=bool)
    rows, columns = (
        np.searchsorted(edges, of_axis)
        for edges, of_axis in zip(fine, (ends[:, :2], ends[:, 2:]), strict=True)
    )
    for (low, high), (first, last) in zip(rows.tolist(), columns.tolist(), strict=True):
        is_in[low:high, first:last] = True
    areas = np.outer(*map(np.diff, fine)) * is_in
    starts = [
        np.searchsorted(edges, whole[:-1])
        for edges, whole in zip(fine, (grid.edges_in_eta, grid.edges_in_phi), strict=True)
    ]
    found = np.add.reduceat(np.add.reduceat(areas, starts[0], axis=0), starts[1], axis=1)
    return found / np.outer(np.diff(grid.edges_in_eta), np.diff(grid.edges_in_phi))


def _with_ends(edges: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Edges of the cells, and the ends of rectangles between them."""
    inside = ends[(ends > edges[0]) & (ends < edges[-1])]
    return np.union1d(edges, inside)


@dataclass(frozen=True)
class Mask:
    """Dead regions of a detector.

    Attributes
    ----------
    regions
        At least one.
    """

    regions: tuple[DeadRegion, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "regions", tuple(self.regions))
        if not self.regions:
            raise InputError("mask: it has no region; give one, or leave the mask out")

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """Mask of the content of a mask file.

        Raises
        ------
        InputError
            If it is none, or of a newer version.
        """
        if not isinstance(values, Mapping) or values.get("format") != FORMAT:
            raise InputError(f"no mask: the key 'format' of one is '{FORMAT}'")
        if not isinstance(values.get("version"), int) or values["version"] > VERSION:
            raise InputError(
                f"a mask of version {values.get('version')!r}: this calovision reads up to "
                f"{VERSION}; update it"
            )
        regions = values.get("regions")
        if not isinstance(regions, list | tuple):
            raise InputError("no mask: 'regions' is no list")
        return cls(tuple(map(DeadRegion.from_dict, regions)))

    def to_dict(self) -> dict[str, Any]:
        """Inverse of `from_dict`."""
        regions = [one.to_dict() for one in self.regions]
        return {"format": FORMAT, "version": VERSION, "regions": regions}

    @property
    def has_runs(self) -> bool:
        """Some regions are dead in some runs only."""
        return any(one.runs is not None for one in self.regions)

    def check(self, grid: EtaPhiGrid, channels: Sequence[str]) -> None:
        """Raise InputError for regions of channels that the images do not have, a mask that no cell
        of them feels, or one that leaves a channel without cells.
        """
        named = dict.fromkeys(name for one in self.regions for name in one.channels)
        if named and not set(named) & set(channels) and all(one.channels for one in self.regions):
            name = next(iter(named))
            raise InputError(
                f"mask: the images have no channel '{name}'{nearest(name, channels)}; they have "
                f"{', '.join(channels)}"
            )
        dead = self._dead(self.regions, grid, channels)
        if not dead.any():
            raise InputError(
                f"mask: its {len(self.regions)} regions cover less than half of every cell of the "
                f"{grid.n_eta}x{grid.n_phi} images, so that none would be masked; give finer "
                "images, or regions of their cells"
            )
        for name, plane in zip(channels, dead, strict=True):
            if plane.all():
                raise InputError(f"mask: all cells of the channel '{name}' are dead; leave it out")

    def cells(
        self, grid: EtaPhiGrid, channels: Sequence[str], run: int | None = None
    ) -> np.ndarray:
        """Dead cells of images, booleans ``(n_channels, n_eta, n_phi)``: those that the regions of
        a run cover by half or more together.
        """
        return self._dead([one for one in self.regions if one.holds(run)], grid, channels)

    @staticmethod
    def _dead(
        regions: Sequence[DeadRegion], grid: EtaPhiGrid, channels: Sequence[str]
    ) -> np.ndarray:
        dead = np.zeros((len(channels), grid.n_eta, grid.n_phi), dtype=bool)
        for place, name in enumerate(channels):
            # a tower that is flagged in several runs, or in all channels and in this, counts once
            mine = [one for one in regions if not one.channels or name in one.channels]
            dead[place] = _coverage({(one.eta, one.phi) for one in mine}, grid) >= HALF
        return dead
