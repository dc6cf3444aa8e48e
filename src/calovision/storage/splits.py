"""Which events train, validate and test: decided per event, whatever the chunking."""

import hashlib
from collections.abc import Sequence

import numpy as np

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

    Notes
    -----
    The hash is the finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014,
    doi:10.1145/2660193.2660195).
    """
    key = hashlib.sha256(f"{sample}/{seed}".encode()).digest()[:8]
    mixed = np.asarray(event_number).astype(np.uint64) + np.uint64(int.from_bytes(key, "little"))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    uniform = (mixed ^ (mixed >> np.uint64(31))).astype(np.float64) / 2.0**64
    edges = np.cumsum(fractions)[:-1] / np.sum(fractions)
    return np.searchsorted(edges, uniform, side="right").astype(np.uint8)
