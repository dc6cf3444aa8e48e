"""Splits of events into those that train, validate and test: decided per event, whatever the
chunking.

A further split stands in `SHARES` behind the others, whose positions are in image files. The
configuration asks for the names, so that nothing heavy is imported here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}
"""Splits by name, with their share of the events unless others are given."""
SPLITS = tuple(SHARES)
"""Names of the splits; the ``split`` column of the image file holds the position here."""
TRAIN = SPLITS.index("train")


def assign_split(
    sample: str, event_number: np.ndarray, *, seed: int, fractions: Sequence[float]
) -> np.ndarray:
    """Split of every event from a hash of sample, event number and seed.

    Parameters
    ----------
    sample
        Name of the sample, or that of a group of samples that share files, whose events then have
        one split in all.
    event_number
        ``(n_events,)`` integers.
    seed
        Another seed gives another, independent split.
    fractions
        Shares of `SPLITS`; only their ratios count.

    Returns
    -------
    uint8 ``(n_events,)``: positions in ``SPLITS``.
    """
    import numpy as np

    from calovision.core.hashing import mixed_bits

    key = hashlib.sha256(f"{sample}/{seed}".encode()).digest()[:8]
    state = np.asarray(event_number).astype(np.uint64) + np.uint64(int.from_bytes(key, "little"))
    uniform = mixed_bits(state).astype(np.float64) / 2.0**64
    edges = np.cumsum(fractions)[:-1] / np.sum(fractions)
    return np.searchsorted(edges, uniform, side="right").astype(np.uint8)
