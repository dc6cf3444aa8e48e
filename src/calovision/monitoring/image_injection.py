"""Faults put into the images of the events of a run, before these become a map: exact.

`calovision.monitoring.injection` puts them into the maps, which is quick, and has to take the
energies of single hits as exponential: for the energies of what is added or lost, and for the hits
that a larger energy lifts above the threshold. Here every value is known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from calovision.core.errors import InputError
from calovision.images.sparse import SparseImages
from calovision.monitoring.faults import FAULTS
from calovision.monitoring.injection import BOARD, BURST_SHARE, FADED


def inject_images(
    images: SparseImages,
    kind: str,
    place: tuple[int, int, int],
    strength: float | None = None,
    rng: np.random.Generator | int = 0,
    *,
    board: tuple[int, int] = BOARD,
) -> tuple[SparseImages, np.ndarray]:
    """Images of a run with a fault.

    Parameters
    ----------
    images
        Of the events of the run, few enough to be held dense; they are not changed.
    kind, strength
        As of `calovision.monitoring.injection.inject`. A rotation is by ``strength`` columns. A
        module fades over the events, in their order.
    place
        Channel, eta and phi index of the cell, or of the middle of the region.
    rng
        Generator, or a seed.
    board
        Cells in eta and phi of a region.

    Returns
    -------
    The images, and what is faulty, bool ``(n_channels, n_eta, n_phi)``.

    Raises
    ------
    InputError
        If there is no such kind, the place is outside, or there is one channel only to swap.
    """
    fault = FAULTS.find(kind, "injected fault")
    strength = fault.strengths[0] if strength is None else float(strength)
    if not all(0 <= index < n for index, n in zip(place, images.shape, strict=True)):
        raise InputError(f"injected fault: the place {place} is outside of {images.shape} cells")
    if kind not in _KINDS:
        raise InputError(f"fault '{kind}' cannot be injected; choose from {', '.join(_KINDS)}")
    values = images.dense()
    mask = np.zeros(images.shape, dtype=bool)
    _KINDS[kind](_Run(values, mask, place, strength, np.random.default_rng(rng), board))
    return SparseImages.from_dense(values), mask


class _Run(NamedTuple):
    """Images that are changed, and what is needed for it.

    Attributes
    ----------
    values, mask
        Dense images, and what is faulty; both are changed.
    place, strength, rng, board
        As of `inject_images`.
    """

    values: np.ndarray
    mask: np.ndarray
    place: tuple[int, int, int]
    strength: float
    rng: np.random.Generator
    board: tuple[int, int]


def _region(mask: np.ndarray, place: tuple[int, int, int], board: tuple[int, int]) -> None:
    """Mark the cells around a place, around the circle in phi."""
    channel, eta, phi = place
    n_eta, n_phi = mask.shape[1:]
    height, width = min(board[0], n_eta), min(board[1], n_phi)
    first = min(max(eta - height // 2, 0), n_eta - height)
    columns = (np.arange(width) + phi - width // 2) % n_phi
    mask[channel, first : first + height, columns] = True


def _dead_tower(run: _Run) -> None:
    run.mask[run.place] = True
    _lose(run.values, run.mask, np.full(len(run.values), run.strength), run.rng)


def _dead_board(run: _Run) -> None:
    _region(run.mask, run.place, run.board)
    _lose(run.values, run.mask, np.full(len(run.values), run.strength), run.rng)


def _fading_module(run: _Run) -> None:
    _region(run.mask, run.place, run.board)
    _lose(run.values, run.mask, run.strength * np.linspace(0, 1, len(run.values)), run.rng)
    run.mask[...] &= run.strength >= FADED


def _lose(
    values: np.ndarray, mask: np.ndarray, shares: np.ndarray, rng: np.random.Generator
) -> None:
    """Lose each hit of the cells with the chance of its event."""
    cells = values[:, mask]
    values[:, mask] = np.where(rng.random(cells.shape) < shares[:, None], 0, cells)


def _hot_tower(run: _Run) -> None:
    """Hits with the cell's own energies in events without one."""
    run.mask[run.place] = True
    cell = run.values[(slice(None), *run.place)]
    own = cell[cell > 0]
    if len(own) == 0:
        raise InputError(f"fault 'hot_tower': the cell {run.place} has no hit to have more of")
    rate = len(own) / len(cell)
    chance = min((run.strength - 1) * rate / max(1 - rate, 1e-12), 1.0)
    hit = (cell <= 0) & (run.rng.random(len(cell)) < chance)
    cell[hit] = run.rng.choice(own, int(hit.sum()))


def _miscalibrated_ring(run: _Run) -> None:
    run.mask[run.place[0], run.place[1]] = True
    run.values[:, run.mask] *= 1 + run.strength


def _noise_burst(run: _Run) -> None:
    """Energies of the channel's other hits in all cells of the region, in the same events."""
    _region(run.mask, run.place, run.board)
    bursts = np.flatnonzero(run.rng.random(len(run.values)) < min(BURST_SHARE * run.strength, 1.0))
    of_channel = run.values[:, run.place[0]]
    own = of_channel[of_channel > 0]
    if len(own) == 0:
        raise InputError(
            f"fault 'noise_burst': the channel {run.place[0]} has no hit to take after"
        )
    cells = run.values[bursts][:, run.mask]
    noise = run.rng.choice(own, cells.shape)
    flat = run.values.reshape(len(run.values), -1)
    flat[np.ix_(bursts, np.flatnonzero(run.mask))] = np.where(cells > 0, cells, noise)


def _rotated_phi(run: _Run) -> None:
    run.mask[run.place[0]] = True
    run.values[:, run.place[0]] = np.roll(run.values[:, run.place[0]], round(run.strength), axis=-1)


def _swapped_channels(run: _Run) -> None:
    if run.values.shape[1] < 2:
        raise InputError("fault 'swapped_channels': the images have one channel; it takes two")
    pair = [run.place[0], (run.place[0] + 1) % run.values.shape[1]]
    run.mask[pair] = True
    run.values[:, pair] = run.values[:, pair[::-1]]


_KINDS: dict[str, Callable[[_Run], None]] = {
    "dead_tower": _dead_tower,
    "hot_tower": _hot_tower,
    "dead_board": _dead_board,
    "miscalibrated_ring": _miscalibrated_ring,
    "noise_burst": _noise_burst,
    "rotated_phi": _rotated_phi,
    "swapped_channels": _swapped_channels,
    "fading_module": _fading_module,
}
