"""Compiled loops over sparse rows: of builders, image files and batches.

Each checks what it reads before it writes: a damaged file must end in a sentence, not in foreign
memory. Cells must be of an unsigned type. Functions that can meet a damaged row return the first
one, or -1. ``checked`` marks, ``(n_rows,)``, the rows whose content was checked before, and is
added to: the check costs a quarter of the reading, and each row needs it once; without ``checked``
only what reaches memory is checked.
"""

import numpy as np

from calovision.core.compiled import njit

LARGEST = np.finfo(np.float32).max
# cells of an image, 8 KB, that are zeroed and filled before the next: less than the innermost cache
# holds
BLOCK = 2048
CACHED = {"cache": True, "nogil": True, "error_model": "numpy"}
# all numbers are whole and small, so that nothing is rounded
CONTRACTED = {**CACHED, "fastmath": {"contract"}}


@njit(**CACHED)
def _is_sound(cells, values, n_cells):
    """Tell whether the cells of a row ascend inside the image, and its values are finite.

    Without branches and by position, so that the compiler turns the loops into vector instructions.
    """
    if len(cells) == 0:
        return True
    is_wrong = False
    for position in range(1, len(cells)):
        is_wrong |= cells[position] <= cells[position - 1]
    for position in range(len(values)):
        is_wrong |= not abs(values[position]) <= LARGEST
    return not is_wrong and cells[len(cells) - 1] < n_cells


@njit(**CACHED)
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


@njit(**CACHED)
def densify(offsets, cells, values, rows, targets, images, checked=None):
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
        if checked is not None and not checked[rows[i]]:
            if not _is_sound(row_cells, row_values, n_cells):
                return rows[i]
            checked[rows[i]] = True
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


@njit(**CONTRACTED)
def _turn(cells, element, grid, turned):
    """Move the cells of one image to where the element of the symmetry group puts them.

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

    As `densify`, which does not turn. ``grid`` is ``(n_eta, n_phi)``:
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
        for position in range(len(turned)):
            largest = max(largest, turned[position])
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
def divide(starts, indices):
    """Divide rows among files, of which file k has those from ``starts[k]`` to ``starts[k + 1]``.

    Returns the files that have some, where each begins and the last one ends among the rows, and of
    these, file after file in their order, the number in the file and the position in ``indices``.
    """
    n_files = len(starts) - 1
    owner = np.empty(len(indices), np.int64)
    ends = np.zeros(n_files + 1, np.int64)
    for i in range(len(indices)):
        owner[i] = np.searchsorted(starts, indices[i], side="right") - 1
        ends[owner[i] + 1] += 1
    n_owners = np.count_nonzero(ends)
    owners, bounds = np.empty(n_owners, np.int64), np.zeros(n_owners + 1, np.int64)
    found = 0
    for file in range(n_files):
        if ends[file + 1] > 0:
            owners[found], bounds[found + 1] = file, bounds[found] + ends[file + 1]
            found += 1
        ends[file + 1] += ends[file]
    rows, targets = np.empty_like(owner), np.empty_like(owner)
    for i in range(len(indices)):
        place = ends[owner[i]]
        rows[place], targets[place] = indices[i] - starts[owner[i]], i
        ends[owner[i]] += 1
    return owners, bounds, rows, targets


@njit(**CACHED)
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


@njit(**CACHED)
def copy_rows(
    offsets, cells, values, rows, targets, n_cells, new_offsets, new_cells, new_values, checked=None
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
        if checked is not None and not checked[rows[i]]:
            if not _is_sound(to_cells, to_values, n_cells):
                return rows[i]
            checked[rows[i]] = True
    return -1


@njit(**CACHED)
def add_moments(offsets, cells, values, rows, sums):
    """Add the values of the given rows, and their squares, to the sums of their cells, float64
    ``(4 * n_cells,)``: sum, sum of squares, and what rounding took of each, beside each other.

    The error of each sum is exact (Knuth, The Art of Computer Programming 2, 4.2.2, theorem B).
    Returns the first damaged row, or -1.
    """
    # unsigned: numba need not look for negative ones
    one, two, three, four = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
    n_cells = np.uint64(len(sums)) // four
    for row in rows:
        start, stop = offsets[row], offsets[row + 1]
        if start < 0 or stop < start or stop > len(cells) or stop > len(values):
            return row
        for position in range(np.uint64(start), np.uint64(stop)):
            cell = np.uint64(cells[position])
            if cell >= n_cells:
                return row
            place = four * cell
            value = np.float64(values[position])
            square = value * value
            total, of_squares = sums[place], sums[place + one]
            after, after_squares = total + value, of_squares + square
            added, added_square = after - total, after_squares - of_squares
            sums[place] = after
            sums[place + one] = after_squares
            sums[place + two] += (total - (after - added)) + (value - added)
            sums[place + three] += (of_squares - (after_squares - added_square)) + (
                square - added_square
            )
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
