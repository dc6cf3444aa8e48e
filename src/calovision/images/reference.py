"""The plain numpy implementation, one ``bincount`` a channel over all events: for tests, and where
numba is missing.
"""

import numpy as np

from calovision.core.records import LARGEST
from calovision.images.collections import FlatCollections, inverse_cosh
from calovision.images.grid import OUTSIDE, EtaPhiGrid


def fill(
    collections: FlatCollections, grid: EtaPhiGrid, images: np.ndarray, overflow: np.ndarray
) -> tuple[int, int]:
    """Fill ``images`` ``(n, n_channels, n_cells)`` and ``overflow`` ``(n, n_channels)``.

    Returns event and channel of the first content that is not finite or too large, or (-1, -1).
    """
    n_events = len(images)
    located = []
    for eta, phi, offsets in zip(
        collections.etas, collections.phis, collections.offsets, strict=True
    ):
        event = np.repeat(np.arange(n_events), np.diff(offsets))
        part = slice(offsets[0], offsets[-1])
        located.append(
            (event, grid.cell_index(eta[part], phi[part]), inverse_cosh(eta[part]), part)
        )
    for c, content in enumerate(collections.contents):
        event, cell, factor, part = located[collections.collection_of[c]]
        content = content[part].astype(np.float64)
        with np.errstate(over="ignore"):
            sums = np.bincount(event, np.abs(content), minlength=n_events)
        if not np.all(sums <= LARGEST):
            return int(np.argmin(sums <= LARGEST)), c
        if collections.transverse[c]:
            content = content * factor
        inside = cell != OUTSIDE
        flat = event[inside] * grid.n_cells + cell[inside]
        images[:, c] = np.bincount(
            flat, content[inside], minlength=n_events * grid.n_cells
        ).reshape(n_events, grid.n_cells)
        overflow[:, c] = np.bincount(event[~inside], content[~inside], minlength=n_events)
    return -1, -1
