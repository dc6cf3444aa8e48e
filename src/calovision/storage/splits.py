"""Split of the events into training, validation and test: decided per event, whatever the
chunking.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

from calovision.core.hashing import mixed_bits

SPLITS = ("train", "validation", "test")
"""Names of the splits; the ``split`` column of the image file holds the position here."""


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
        Shares of train, validation and test; only their ratios count.

    Returns
    -------
    uint8 ``(n_events,)``: positions in ``SPLITS``.
    """
    key = hashlib.sha256(f"{sample}/{seed}".encode()).digest()[:8]
    state = np.asarray(event_number).astype(np.uint64) + np.uint64(int.from_bytes(key, "little"))
    uniform = mixed_bits(state).astype(np.float64) / 2.0**64
    edges = np.cumsum(fractions)[:-1] / np.sum(fractions)
    return np.searchsorted(edges, uniform, side="right").astype(np.uint8)
