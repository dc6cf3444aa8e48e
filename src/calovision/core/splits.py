"""Splits of events into those that train, validate and test: decided per event, whatever the
chunking.

A further split stands in `SHARES` behind the others, whose positions are in image files. The
configuration asks for the names, so that nothing heavy is imported here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
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

    uniform = _uniform(f"{sample}/{seed}", event_number)
    edges = np.cumsum(fractions)[:-1] / np.sum(fractions)
    return np.searchsorted(edges, uniform, side="right").astype(np.uint8)


@dataclass(frozen=True)
class Folds:
    """Folds of a cross-validation: each event is tested by networks that all others trained.

    Attributes
    ----------
    number
        Of the folds, at least 2.
    seed
        Another seed gives other, independent folds.
    validation_share
        Share of the events outside a fold that validate its network; the others train it.
    """

    number: int
    seed: int
    validation_share: float

    def assign(self, sample: str, event_number: np.ndarray) -> np.ndarray:
        """Fold of every event, int64 ``(n_events,)``, from 0; arguments as of `assign_split`."""
        uniform = _uniform(f"{sample}/{self.seed}/fold", event_number)
        return (uniform * self.number).astype(int)

    def splits(self, fold: int, sample: str, event_number: np.ndarray) -> np.ndarray:
        """Split of every event for the network of a fold, uint8 ``(n_events,)``, as `assign_split`.

        The events of the fold are its test split.
        """
        import numpy as np

        uniform = _uniform(f"{sample}/{self.seed}/validation of fold {fold}", event_number)
        outside = np.where(
            uniform < self.validation_share, SPLITS.index("validation"), SPLITS.index("train")
        )
        is_tested = self.assign(sample, event_number) == fold
        return np.where(is_tested, SPLITS.index("test"), outside).astype(np.uint8)


def _uniform(key: str, event_number: np.ndarray) -> np.ndarray:
    """Numbers in [0, 1) from hashes of a key and event numbers, ``(n_events,)``."""
    import numpy as np

    from calovision.core.hashing import mixed_bits

    digest = hashlib.sha256(key.encode()).digest()[:8]
    state = np.asarray(event_number).astype(np.uint64) + np.uint64(int.from_bytes(digest, "little"))
    # the 53 bits of a double: with all 64 the largest would round to 1
    return (mixed_bits(state) >> np.uint64(11)).astype(np.float64) / 2.0**53
