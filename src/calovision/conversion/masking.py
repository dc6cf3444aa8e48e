"""Masks of dead cells in the conversion to images of events: what of them a recipe holds, and what
a file says of them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from calovision.core.errors import InputError
from calovision.images import SparseImages
from calovision.images.fills import FILLS
from calovision.images.grid import EtaPhiGrid
from calovision.images.masked import CellMask, MaskCounts
from calovision.images.masks import Mask

RUN = "run"
"""Column with the number of the run, which a mask of some runs needs."""


@dataclass(frozen=True)
class ImageMask:
    """Dead regions, and what becomes of their cells.

    Attributes
    ----------
    mask
        The regions.
    fill
        One of `calovision.images.masked.FILLS`.
    """

    mask: Mask
    fill: str = "zero"

    def __post_init__(self) -> None:
        if self.fill not in FILLS:
            raise InputError(f"mask_fill '{self.fill}' is unknown: choose from {', '.join(FILLS)}")

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""
        return {"mask": self.mask.to_dict(), "fill": self.fill}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Inverse of `to_dict`; InputError for what is no mask."""
        return cls(Mask.from_dict(values["mask"]), str(values["fill"]))

    @property
    def digest(self) -> str:
        """Hash of the regions, by which masks are compared."""
        text = json.dumps(self.mask.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def attribute(
        self, grid: EtaPhiGrid, channels: Sequence[str], counts: MaskCounts | None
    ) -> dict[str, Any]:
        """Attribute ``mask`` of an image file; without counts nothing was removed."""
        everywhere = Mask(tuple(one.of_all_runs() for one in self.mask.regions))
        dead = everywhere.cells(grid, channels)
        nothing = np.zeros(len(channels))
        counts = MaskCounts(nothing, nothing) if counts is None else counts
        return {
            "digest": self.digest,
            "fill": self.fill,
            "cells": dead.sum(axis=(1, 2)).tolist(),
            "removed": counts.removed.tolist(),
            "filled": counts.filled.tolist(),
        }

    def apply(
        self,
        images: SparseImages,
        grid: EtaPhiGrid,
        channels: Sequence[str],
        runs: np.ndarray | None,
    ) -> tuple[SparseImages, MaskCounts]:
        """Images with the cells masked, and the sums of what that changed.

        Parameters
        ----------
        images
            Of events.
        grid, channels
            Of the images.
        runs
            Run of each event, ``(n,)``; needed where regions are those of some runs.

        Raises
        ------
        InputError
            If the runs are needed and not given, or no whole numbers; or as `Mask.check`.
        """
        self.mask.check(grid, channels)
        widths = np.diff(grid.edges_in_eta)
        if not self.mask.has_runs:
            return CellMask(self.mask.cells(grid, channels), self.fill, widths).apply(images)
        if runs is None:
            raise InputError(
                f"the mask has regions of some runs only, but the events have no column '{RUN}': "
                f"give it as a variable (variables: {{{RUN}: {{branch: ...}}}}, --variable "
                f"{RUN}=...)"
            )
        with np.errstate(invalid="ignore"):
            is_wrong = np.asarray(runs) != np.floor(runs)  # also NaN
        if is_wrong.any():
            raise InputError(
                f"the column '{RUN}' is {runs[is_wrong][0]:g} in an event: the mask has regions of "
                "some runs, so that it must be a whole number"
            )
        total = MaskCounts(np.zeros(len(channels)), np.zeros(len(channels)))
        parts, order = [], []
        for run in np.unique(runs):
            mine = np.flatnonzero(runs == run)
            dead = self.mask.cells(grid, channels, int(run))
            part, counts = CellMask(dead, self.fill, widths).apply(images.take(mine))
            parts.append(part)
            order.append(mine)
            total = total + counts
        if not parts:
            return images, total
        back = np.argsort(np.concatenate(order), kind="stable")
        return SparseImages.concatenate(parts).take(back), total
