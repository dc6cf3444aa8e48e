"""Each cell against the median of its ring in eta, which a few broken cells of the ring do not
move.

The reference is not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from calovision.monitoring.rules.ring_mean import of_ratio
from calovision.monitoring.run_maps import RunMaps

if TYPE_CHECKING:
    from calovision.monitoring.reference import Reference


def scores(maps: RunMaps, reference: Reference) -> np.ndarray:
    """Absolute logarithm of the ratio of hits to the median of the ring; as that of `ring_mean`, 0
    with more hits than these and fewer than 20.
    """
    return of_ratio(maps, np.median(maps.occupancy, axis=-1, keepdims=True))
