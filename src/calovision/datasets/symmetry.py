"""Symmetry group of collider events: images turned in phi and mirrored in eta and phi.

Collisions of equal beams have no preferred phi and no preferred side, and neither has a detector
that is symmetric in eta. An element of the group is one integer, ``4 * shift + 2 * flip_eta +
flip_phi``: first the image is mirrored (row i of eta becomes n_eta - 1 - i, column j of phi becomes
-j mod n_phi), then its column j becomes j + shift mod n_phi.
"""

import numpy as np
import torch

from calovision.core.errors import InputError
from calovision.core.hashing import GOLDEN, mixed_bits
from calovision.storage import ImageMetadata

FLIP_PHI, FLIP_ETA, ONE_COLUMN = 1, 2, 4


def group_elements(
    n_phi: int,
    n_rotations: int | None = None,
    *,
    kind: str = "event",
    mirror_eta: bool = True,
    mirror_phi: bool = True,
) -> np.ndarray:
    """Elements of the group, int64 ``(n,)``; the first is the identity.

    Parameters
    ----------
    n_phi
        Columns of the image.
    n_rotations
        How many rotations, evenly spaced as far as there are columns; None for all.
    kind
        "event": rotations and reflections. "jet": reflections about the jet axis only, since the
        window around a jet is no circle; ``n_rotations`` does not matter then.
    mirror_eta, mirror_phi
        Whether reflections are among the symmetries.

    Raises
    ------
    InputError
        If there are fewer columns than rotations, or no rotation.
    """
    n_rotations = n_phi if n_rotations is None else n_rotations
    if not 1 <= n_rotations <= n_phi:
        raise InputError(
            f"{n_rotations} rotations: images of {n_phi} columns in phi have 1 to {n_phi}"
        )
    reflections = np.array([0, FLIP_PHI, FLIP_ETA, FLIP_ETA + FLIP_PHI])
    reflections = reflections[
        (mirror_phi | (reflections & FLIP_PHI == 0)) & (mirror_eta | (reflections & FLIP_ETA == 0))
    ]
    if kind == "jet":
        # the axis is between columns n_phi/2 - 1 and n_phi/2, so that j has to become n_phi - 1 - j
        return np.where(reflections & FLIP_PHI, reflections + ONE_COLUMN * (n_phi - 1), reflections)
    shifts = np.arange(n_rotations) * n_phi // n_rotations
    return (ONE_COLUMN * shifts[:, None] + reflections).ravel()


def is_symmetric_in_eta(edges: np.ndarray) -> bool:
    """Tell whether a grid with these edges (or first and last edge) in eta may be mirrored."""
    return bool(np.allclose(edges, -np.asarray(edges)[::-1]))


def symmetries(metadata: ImageMetadata, n_rotations: int | None = None) -> np.ndarray:
    """Elements of the group that the images of a file have, as `group_elements`.

    Not all of them: a grid whose edges in eta are not symmetric about 0 cannot be mirrored, and the
    reflections that a jet recipe decides by the jet itself (``flip``, ``rotate``) would give images
    that never occur.

    Parameters
    ----------
    metadata
        That of an image file.
    n_rotations
        As in `group_elements`.
    """
    recipe = metadata.jet_recipe or {}
    flip = recipe.get("flip")
    rotate = recipe.get("rotate")
    return group_elements(
        metadata.grid.n_phi,
        n_rotations,
        kind=metadata.kind,
        mirror_eta=is_symmetric_in_eta(metadata.grid.edges_in_eta) and flip is None,
        mirror_phi=flip in (None, "parity") and rotate is None,
    )


def draw_elements(elements: np.ndarray, indices: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """One of the elements for each event, int64 ``(n,)``, uniform.

    It depends on the seed, the epoch and the event's index alone: not on the batch that it is in,
    nor on the process.
    """
    key = mixed_bits(mixed_bits(_unsigned([seed])) + _unsigned([epoch]))
    drawn = mixed_bits(key + _unsigned(indices)) % np.uint64(len(elements))
    return elements[drawn.astype(np.intp)]


def _unsigned(numbers: list[int] | np.ndarray) -> np.ndarray:
    """Integers modulo 2^64, spread over all of them."""
    numbers = (
        numbers.astype(np.uint64)
        if isinstance(numbers, np.ndarray)
        else [number % 2**64 for number in numbers]
    )
    return (np.array(numbers, dtype=np.uint64) + np.uint64(1)) * GOLDEN


def apply_symmetry(images: torch.Tensor, elements: torch.Tensor) -> torch.Tensor:
    """Each image turned by its element, ``(n, c, eta, phi)`` and int64 ``(n,)`` on one device.

    Same shape as the input, which stays as it is.

    Parameters
    ----------
    images
        ``(n, c, eta, phi)``.
    elements
        Numbers of elements of the group (`group_elements`), int64 ``(n,)``.
    """
    n, n_channels, n_eta, n_phi = images.shape
    element = elements[:, None]
    column = torch.arange(n_phi, device=images.device)
    row = torch.arange(n_eta, device=images.device)
    # where the content of each column and row comes from
    column = (1 - 2 * (element & FLIP_PHI)) * (column - (element >> 2)) % n_phi
    row = torch.where((element & FLIP_ETA).bool(), n_eta - 1 - row, row)
    flat = (
        (row[:, :, None] * n_phi + column[:, None, :])
        .view(n, 1, n_eta * n_phi)
        .expand(-1, n_channels, -1)
    )
    return images.flatten(2).gather(2, flat).view(images.shape)


def turn_cells(cells: torch.Tensor, element: torch.Tensor, n_eta: int, n_phi: int) -> torch.Tensor:
    """Cells after the elements of the symmetry group, int64 ``(nnz,)``.

    Parameters
    ----------
    cells
        Flat cells (channel, eta, phi), int64 ``(nnz,)``.
    element
        Of the image that each cell is in, int64 ``(nnz,)``.
    n_eta, n_phi
        Cells of a channel.
    """
    row = torch.div(cells, n_phi, rounding_mode="floor")
    column = ((1 - 2 * (element & FLIP_PHI)) * (cells - row * n_phi) + (element >> 2)) % n_phi
    row = torch.where((element & FLIP_ETA).bool(), row + n_eta - 1 - 2 * (row % n_eta), row)
    return row * n_phi + column
