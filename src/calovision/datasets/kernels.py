"""Compiled loops over the sparse rows of a batch."""

import numpy as np
from numba import njit

CACHED = {"cache": True, "nogil": True, "error_model": "numpy"}
CONTRACTED = {
    **CACHED,
    "fastmath": {"contract"},
}  # all numbers are whole and small, so that nothing is rounded


@njit(**CONTRACTED)
def _turn(cells, element, grid, turned):
    """Where the element of the symmetry group puts the cells of one image.

    In floating point, since that is what the compiler turns into vector instructions: a row is a
    product rounded down, and half a cell keeps it away from the next. ``grid`` is ``(n_eta,
    n_phi)`` in the type to compute in.
    """
    kind = grid.dtype.type
    rows, columns = grid[0], grid[1]
    per_eta, per_phi = kind(1) / rows, kind(1) / columns
    zero, half, one, two = kind(0), kind(0.5), kind(1), kind(2)
    mirrored = element & 1
    sign = kind(1 - 2 * mirrored)
    # at least 0 and below two turns, so that one subtraction brings it back
    shift = kind((element >> 2) % np.int64(columns)) + (columns if mirrored else zero)
    if element & 2:
        for k in range(len(cells)):
            cell = kind(cells[k])
            row = np.floor((cell + half) * per_phi)
            column = (cell - row * columns) * sign + shift
            column -= columns if column >= columns else zero
            channel = np.floor((row + half) * per_eta)
            turned[k] = np.int32(((two * channel + one) * rows - one - row) * columns + column)
    else:
        for k in range(len(cells)):
            cell = kind(cells[k])
            row = np.floor((cell + half) * per_phi)
            column = (cell - row * columns) * sign + shift
            column -= columns if column >= columns else zero
            turned[k] = np.int32(row * columns + column)


@njit(**CONTRACTED)
def _interleave(cells, grid, n_channels):
    """From positions in (channel, eta, phi) to those in (eta, phi, channel), as `_turn`
    computes.
    """
    kind = grid.dtype.type
    plane, step, half = grid[0] * grid[1], kind(n_channels), kind(0.5)
    per_plane = kind(1) / plane
    for k in range(len(cells)):
        cell = kind(cells[k])
        channel = np.floor((cell + half) * per_plane)
        cells[k] = np.int32((cell - channel * plane) * step + channel)


@njit(**CACHED)
def _longest(offsets):
    longest = 0
    for i in range(len(offsets) - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    return longest


@njit(**CACHED)
def densify_turned(offsets, cells, values, elements, grid, images, channels_last):
    """Write every row into its image, ``(n, n_cells)`` float32, turned by its element of the
    symmetry group.

    As `calovision.storage.kernels.densify`, which does not turn. ``grid`` is ``(n_eta, n_phi)``:
    float32 where an image has at most 2^16 cells, float64 otherwise. The images are (channel, eta,
    phi), or (eta, phi, channel) if ``channels_last``. Returns the first damaged row, or -1.
    """
    n_cells, work = images.shape[1], np.empty(_longest(offsets), cells.dtype)
    n_channels = n_cells // np.int64(grid[0] * grid[1])
    for i in range(len(images)):
        start, stop = offsets[i], offsets[i + 1]
        if start < 0 or stop < start or stop > len(cells) or stop > len(values):
            return i
        row_values, turned = values[start:stop], work[: stop - start]
        _turn(cells[start:stop], elements[i], grid, turned)
        largest = cells.dtype.type(0)
        for cell in turned:
            largest = max(largest, cell)
        if largest >= n_cells:
            return i
        if channels_last:
            _interleave(turned, grid, n_channels)
        image = images[i]
        image[:] = 0
        for position in range(
            np.uint64(0), np.uint64(stop - start)
        ):  # unsigned: numba need not look for negative ones
            image[np.uint64(turned[position])] = row_values[position]
    return -1


@njit(**CACHED)
def add_maxima(offsets, cells, values, plane, maxima, n_filled):
    """Raise ``maxima`` ``(n_channels,)`` to the largest value of each channel, and count the cells
    that are stored.

    ``plane`` is the number of cells of a channel.
    """
    for position in range(offsets[0], offsets[-1]):
        channel = cells[position] // plane
        n_filled[channel] += 1
        maxima[channel] = max(maxima[channel], np.float64(values[position]))
