"""Compiled loops that sum sparse images into maps of runs."""

import numpy as np

from calovision.core.compiled import njit
from calovision.images.kernels import CACHED


@njit(**CACHED)
def add_images(offsets, cells, values, slots, thresholds, plane, occupancy, total):
    """Add sparse images to the maps that they belong to.

    Parameters
    ----------
    offsets, cells, values
        Sparse rows, cells ascending in each.
    slots
        Map of each row, int64 ``(n,)``; below 0 for none.
    thresholds
        Least value of a hit by channel, float64 ``(n_channels,)``; values of 0 or below are none.
    plane
        Number of cells of a channel.
    occupancy, total
        Hits and sums of the values, uint32 and float64 ``(n_maps, n_channels * plane)``.

    Returns
    -------
    The first damaged row, or -1.
    """
    n_cells = occupancy.shape[1]
    for row in range(len(slots)):
        slot = slots[row]
        if slot < 0:
            continue
        start, stop = offsets[row], offsets[row + 1]
        if start < 0 or stop < start or stop > len(cells) or stop > len(values):
            return row
        position = start
        for channel in range(len(thresholds)):
            end = (channel + 1) * plane
            least = thresholds[channel]
            while position < stop and cells[position] < end:
                cell = cells[position]
                value = np.float64(values[position])
                if not abs(value) < np.inf:
                    return row
                total[slot, cell] += value
                occupancy[slot, cell] += (value > 0.0) & (value >= least)
                position += 1
        if position < stop or end != n_cells:
            return row
    return -1
