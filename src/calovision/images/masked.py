"""Images with masked cells, emptied or filled from the neighbours, sparse or dense."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from calovision.core.errors import InputError
from calovision.images.fills import FILLS
from calovision.images.sparse import SparseImages, cell_type


@dataclass(frozen=True)
class MaskCounts:
    """Content of masked cells, by channel: what was taken out of them and put into them.

    Attributes
    ----------
    removed, filled
        Sums over all images, float64 ``(n_channels,)``, in the unit of each channel.
    """

    removed: np.ndarray
    filled: np.ndarray

    def __add__(self, other: "MaskCounts") -> "MaskCounts":
        return MaskCounts(self.removed + other.removed, self.filled + other.filled)


@dataclass(frozen=True)
class CellMask:
    """Dead cells of images, ready to be applied to many.

    Attributes
    ----------
    dead
        Booleans ``(n_channels, n_eta, n_phi)``.
    fill
        One of `FILLS`. A cell gets the mean content per area of those of its eight neighbours that
        live, around the circle in phi, times its own area; one without a live neighbour that of
        those that were filled before it, from the rim of a dead region to its middle.
    eta_widths
        Widths of the cells in eta, ``(n_eta,)``; None for equal ones.

    Raises
    ------
    InputError
        If the fill is unknown, or the cells of a channel are all dead.
    """

    dead: np.ndarray
    fill: str = "zero"
    eta_widths: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.fill not in FILLS:
            raise InputError(f"mask_fill '{self.fill}' is unknown: choose from {', '.join(FILLS)}")
        dead = np.asarray(self.dead, dtype=bool)
        if dead.ndim != 3:
            raise InputError(f"mask of shape {dead.shape}; give (n_channels, n_eta, n_phi)")
        if dead.size and dead.all(axis=(1, 2)).any():
            raise InputError("mask: all cells of a channel are dead; leave the channel out")
        object.__setattr__(self, "dead", dead)

    @cached_property
    def weights(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Filled cell, live cell that it is filled from, and the factor, flat in (channel, eta,
        phi), in the order of the live cells, ``(n,)`` each.
        """
        rows = [
            (channel * plane.size + target, channel * plane.size + source, factor)
            for channel, plane in enumerate(self.dead)
            for target, sources in _filled_from(plane, self._widths).items()
            for source, factor in sources.items()
        ]
        table = np.array(rows, dtype=np.float64).reshape(-1, 3)
        table = table[np.argsort(table[:, 1], kind="stable")]
        return table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2]

    @property
    def _widths(self) -> np.ndarray:
        return np.ones(self.dead.shape[1]) if self.eta_widths is None else self.eta_widths

    def apply(self, images: SparseImages) -> tuple[SparseImages, MaskCounts]:
        """Sparse images with the cells masked, and the sums of what that changed.

        Raises
        ------
        InputError
            If the images are of another shape.
        """
        self._check(images.shape)
        offsets, cells, values = images.arrays()
        rows = np.repeat(np.arange(len(images)), np.diff(offsets))
        cells = cells.astype(np.int64)
        is_dead = self.dead.ravel()[cells]
        removed = self._sums(cells[is_dead], values[is_dead])
        keys, contents = (rows * self.dead.size + cells)[~is_dead], values[~is_dead]
        filled = np.zeros(len(self.dead))
        if self.fill == "neighbours":
            more, added = self._filled(keys, contents)
            filled = self._sums(more % self.dead.size, added)
            keys, contents = np.concatenate([keys, more]), np.concatenate([contents, added])
            order = np.argsort(keys, kind="stable")
            keys, contents = keys[order], contents[order]
        lengths = np.bincount(keys // self.dead.size, minlength=len(images))
        of_file = (keys % self.dead.size).astype(cell_type(images.shape))
        masked = SparseImages.from_lengths(lengths, of_file, contents, images.shape)
        return masked, MaskCounts(removed, filled)

    def _filled(self, keys: np.ndarray, contents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cells that get something, as row x n_cells + cell, ascending, and what they get,
        float32.
        """
        targets, sources, factors = self.weights
        cells = keys % self.dead.size
        first, end = (np.searchsorted(sources, cells, side=side) for side in ("left", "right"))
        counts = end - first
        entries = np.repeat(np.arange(len(keys)), counts)
        within = np.arange(len(entries)) - np.repeat(np.cumsum(counts) - counts, counts)
        place = first[entries] + within
        found = keys[entries] - cells[entries] + targets[place]
        more, inverse = np.unique(found, return_inverse=True)
        sums = np.bincount(inverse, contents[entries] * factors[place], minlength=len(more))
        sums = sums.astype(np.float32)
        return more[sums != 0], sums[sums != 0]

    def _sums(self, cells: np.ndarray, values: np.ndarray) -> np.ndarray:
        channel = cells // self.dead[0].size
        return np.bincount(channel, values.astype(np.float64), minlength=len(self.dead))

    def apply_dense(self, images: np.ndarray) -> np.ndarray:
        """Copy of dense images ``(n, n_channels, n_eta, n_phi)`` with the cells masked, in their
        type.
        """
        self._check(images.shape[1:])
        masked = np.array(images)
        flat = masked.reshape(len(images), -1)
        flat[:, self.dead.ravel()] = 0
        if self.fill == "neighbours":
            targets, sources, factors = self.weights
            for cell in np.unique(targets):
                mine = targets == cell
                flat[:, cell] = flat[:, sources[mine]].astype(np.float64) @ factors[mine]
        return masked

    def _check(self, shape: tuple[int, ...]) -> None:
        if tuple(shape) != self.dead.shape:
            raise InputError(
                f"images of shape {tuple(shape)}, but the mask is of {self.dead.shape}: channels, "
                "eta, phi; take the mask on their grid (Mask.cells)"
            )


def apply_mask(
    images: SparseImages | np.ndarray,
    dead: np.ndarray,
    *,
    fill: str = "zero",
    eta_widths: np.ndarray | None = None,
) -> SparseImages | np.ndarray:
    """Images with dead cells emptied, or filled from their live neighbours; the given ones stay.

    Parameters
    ----------
    images
        Sparse, or dense ``(n, n_channels, n_eta, n_phi)``.
    dead
        Booleans ``(n_channels, n_eta, n_phi)``, as `calovision.images.masks.Mask.cells` gives them.
    fill, eta_widths
        As of `CellMask`.

    Raises
    ------
    InputError
        If shapes do not fit, the fill is unknown, or the cells of a channel are all dead.
    """
    mask = CellMask(dead, fill, eta_widths)
    if isinstance(images, SparseImages):
        return mask.apply(images)[0]
    return mask.apply_dense(np.asarray(images))


def _filled_from(dead: np.ndarray, widths: np.ndarray) -> dict[int, dict[int, float]]:
    """Dead cell -> live cell -> factor, by flat numbers of a plane ``(n_eta, n_phi)``."""
    n_phi = dead.shape[1]
    known = {cell: {cell: 1.0} for cell in np.flatnonzero(~dead).tolist()}
    waiting = np.flatnonzero(dead).tolist()
    found: dict[int, dict[int, float]] = {}
    while waiting and known:
        now = {}
        for cell in waiting:
            near = [one for one in _neighbours(cell, dead.shape) if one in known]
            sources: dict[int, float] = {}
            for one in near:
                scale = widths[cell // n_phi] / widths[one // n_phi] / len(near)
                for source, factor in known[one].items():
                    sources[source] = sources.get(source, 0.0) + scale * factor
            if sources:
                now[cell] = sources
        known |= now
        found |= now
        waiting = [cell for cell in waiting if cell not in now]
    return found


def _neighbours(cell: int, shape: tuple[int, int]) -> Iterator[int]:
    """The cells around one, each once: eight, or fewer at the ends in eta."""
    n_eta, n_phi = shape
    row, column = divmod(cell, n_phi)
    around = {
        (row + up) * n_phi + (column + right) % n_phi
        for up, right in product((-1, 0, 1), repeat=2)
        if 0 <= row + up < n_eta
    }
    yield from sorted(around - {cell})
