"""Compiled loops over the sparse rows of image files.

Each checks what it reads before it writes: a damaged file must end in a sentence, not in foreign
memory. Cells must be of an unsigned type. ``sound`` marks, ``(n_rows,)``, the rows whose content
was checked before, and is added to: the check costs a quarter of the reading, and each row needs it
once; without ``sound`` only what reaches memory is checked.
"""

import numpy as np
from numba import njit

LARGEST = np.finfo(np.float32).max
# cells of an image, 8 KB, that are zeroed and filled before the next: less than the innermost cache
# holds
BLOCK = 2048


@njit(cache=True, nogil=True)
def _is_sound(cells, values, n_cells):
    """Whether the cells of a row ascend inside the image, and its values are finite.

    Without branches, so that the compiler turns the loops into vector instructions.
    """
    if len(cells) == 0:
        return True
    n_wrong, n_infinite = np.int32(0), np.int32(0)
    for position in range(1, len(cells)):
        n_wrong |= np.int32(cells[position] <= cells[position - 1])
    for value in values:
        n_infinite |= np.int32(not np.abs(value) <= LARGEST)
    return n_wrong == 0 and n_infinite == 0 and cells[len(cells) - 1] < n_cells


@njit(cache=True, nogil=True)
def first_unsound(offsets, cells, values, n_cells):
    """First row with offsets outside the stored cells, or with a content that no image file may
    have, or -1.
    """
    for row in range(len(offsets) - 1):
        start, stop = offsets[row], offsets[row + 1]
        if start < 0 or stop < start or stop > len(cells) or stop > len(values):
            return row
        if not _is_sound(cells[start:stop], values[start:stop], n_cells):
            return row
    return -1


@njit(cache=True, nogil=True)
def densify(offsets, cells, values, rows, targets, images, sound=None):
    """Write row ``rows[i]`` into ``images[targets[i]]``, ``(n, n_cells)`` float32, which is zeroed
    before.

    The cells of a row ascend, so that an image is filled block by block right after the block was
    zeroed, while it is still in the cache. No cell is written before its block was reached, so that
    cells that do not ascend come out the same. Returns the first damaged row, or -1.
    """
    n_cells, one = images.shape[1], np.uint64(1)
    for i in range(len(rows)):
        start, stop = offsets[rows[i]], offsets[rows[i] + 1]
        if start < 0 or stop < start or stop > len(cells) or stop > len(values):
            return rows[i]
        row_cells, row_values, image = cells[start:stop], values[start:stop], images[targets[i]]
        if sound is not None and not sound[rows[i]]:
            if not _is_sound(row_cells, row_values, n_cells):
                return rows[i]
            sound[rows[i]] = True
        # unsigned: numba need not look for negative ones
        position, n_stored = np.uint64(0), np.uint64(stop - start)
        for begin in range(0, n_cells, BLOCK):
            end = min(begin + BLOCK, n_cells)
            image[begin:end] = 0
            while position < n_stored and row_cells[position] < end:
                image[np.uint64(row_cells[position])] = row_values[position]
                position += one
        if position < n_stored:
            return rows[i]
    return -1


@njit(cache=True, nogil=True)
def measure(offsets, n_stored, rows, targets, lengths):
    """Write the number of cells of row ``rows[i]`` to ``lengths[targets[i]]``; returns the first
    damaged row, or -1.
    """
    for i in range(len(rows)):
        start, stop = offsets[rows[i]], offsets[rows[i] + 1]
        if start < 0 or stop < start or stop > n_stored:
            return rows[i]
        lengths[targets[i]] = stop - start
    return -1


@njit(cache=True, nogil=True)
def gather(
    offsets, cells, values, rows, targets, n_cells, new_offsets, new_cells, new_values, sound=None
):
    """Copy row ``rows[i]`` to where ``new_offsets``, made from what `measure` gave, has row
    ``targets[i]``.

    Returns the first damaged row, or -1.
    """
    for i in range(len(rows)):
        start, stop = offsets[rows[i]], offsets[rows[i] + 1]
        begin, end = new_offsets[targets[i]], new_offsets[targets[i] + 1]
        # offsets of a file that somebody overwrites may have changed since they were measured
        if (
            start < 0
            or stop < start
            or stop > len(cells)
            or stop > len(values)
            or stop - start != end - begin
        ):
            return rows[i]
        row_cells, row_values = cells[start:stop], values[start:stop]
        to_cells, to_values = new_cells[begin:end], new_values[begin:end]
        largest = cells.dtype.type(0)
        # element by element: the compiler vectorizes it, while slices are copied twice since they
        # might overlap
        for position in range(len(to_cells)):
            largest = max(largest, row_cells[position])
            to_cells[position] = row_cells[position]
        if largest >= n_cells:
            return rows[i]
        for position in range(len(to_values)):
            to_values[position] = row_values[position]
        if sound is not None and not sound[rows[i]]:
            if not _is_sound(to_cells, to_values, n_cells):
                return rows[i]
            sound[rows[i]] = True
    return -1


@njit(cache=True, nogil=True)
def add_moments(offsets, cells, values, rows, total, total_of_squares):
    """Add the values of the given rows, and their squares, to the sums of their cells, float64
    ``(n_cells,)``.

    Returns the first damaged row, or -1.
    """
    n_cells = len(total)
    for row in rows:
        start, stop = offsets[row], offsets[row + 1]
        if start < 0 or stop < start or stop > len(cells) or stop > len(values):
            return row
        for position in range(start, stop):
            cell = cells[position]
            if cell < 0 or cell >= n_cells:
                return row
            value = np.float64(values[position])
            total[cell] += value
            total_of_squares[cell] += value * value
    return -1
