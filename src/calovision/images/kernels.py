"""The fast kernels: the objects (towers, tracks, candidates) of a range of events into dense
images, or straight into sparse rows.

Every event goes through the same steps: a branch-free pass, which the compiler vectorizes, finds
the cell of each object in float64; a second one puts the objects inside the grid next to each
other; then each channel adds its contents into an image. The dense kernel zeroes that image right
before, so that it is still in the cache. The sparse kernel adds into one scratch image, marks
touched cells as bits, and reads the bits in ascending order, so that rows come out sorted and only
touched cells need to be cleared.

Tuples run over collections (``etas``, ``phis``, ``offsets``) or over channels (``contents``).
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from calovision.core.compiled import njit
from calovision.core.records import LARGEST

CACHED = {"cache": True, "nogil": True, "error_model": "numpy"}
REORDERED = {**CACHED, "fastmath": {"reassoc", "contract"}}  # sums may be taken in any order
LOG2_E, LN_2 = 1 / np.log(2), np.log(2)
POWERS_OF_HALF = 0.5 ** np.arange(64)
MANY = 4096
"""Objects of a collection in an event; of more, the contents of a cell are summed in float64: a
float32 sum of 10^7 equal numbers is 9 % off."""
TAYLOR = tuple(
    float((-1) ** n / np.prod(np.arange(1.0, n + 1))) for n in range(11)
)  # of exp(-r), 1e-10 at r = ln(2)/2


@intrinsic
def _trailing_zeros(context, word):
    """Position of the lowest set bit of a uint64 that is not zero."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), generate


@njit(**CACHED)
def _locate(eta, phi, eta_edges, phi_edges, cell):
    """Cell of each object between equal edges, ``n_cells`` if it is outside.

    It computes in the type of the coordinates, twice as many at a time for float32. An object so
    close to an edge, or so many turns away, that rounding could put it into the wrong cell gets the
    cell -1; False if there is none.
    """
    kind = eta.dtype.type
    n_eta, n_phi = len(eta_edges) - 1, len(phi_edges) - 1
    width = eta_edges[-1] - eta_edges[0]
    low, per_eta = kind(eta_edges[0]), kind(n_eta / width)
    pi, per_phi = kind(np.pi), kind(n_phi / (2 * np.pi))
    # roundings of the edge, the difference, the factor and the product, in cells
    rounding = 4 * np.finfo(eta.dtype).eps
    sure_eta = kind(0.5 - n_eta * rounding * (1 + abs(eta_edges[0]) / width))
    sure_phi = kind(0.5 - 2 * n_phi * rounding)
    zero, half, rows, columns = kind(0), kind(0.5), kind(n_eta), kind(n_phi)
    unsure, outside = kind(-1), kind(n_eta * n_phi)
    least = np.int32(0)
    for i in range(len(eta)):
        y = (eta[i] - low) * per_eta
        x = (phi[i] + pi) * per_phi
        row, column = np.floor(y), np.floor(x)
        near = (abs(y - row - half) > sure_eta) | (abs(x - column - half) > sure_phi)
        # one turn in both directions is common
        column += columns if column < zero else zero
        column -= columns if column >= columns else zero
        index = row * columns + column
        index = index if (column >= zero) & (column < columns) else unsure
        index = index if (row >= zero) & (row < rows) else outside
        whole = np.int32(unsure if near else index)
        cell[i] = whole
        least = min(least, whole)
    return least < 0


@njit(**CACHED)
def _locate_exactly(eta, phi, eta_edges, phi_edges, cell, every):
    """Cell of every object, or of those with cell -1, by comparison with the edges as in
    `EtaPhiGrid.cell_index`.
    """
    n_eta, n_phi = len(eta_edges) - 1, len(phi_edges) - 1
    for i in range(len(eta)):
        if not every and cell[i] >= 0:
            continue
        y = np.float64(eta[i])
        x = np.float64(phi[i])
        cell[i] = n_eta * n_phi
        if y >= eta_edges[0] and y < eta_edges[-1] and np.isfinite(x):
            turned = x - 2 * np.pi * np.floor((x + np.pi) / (2 * np.pi))  # kinematics.wrap_phi
            turned = turned + 2 * np.pi if turned < -np.pi else turned
            if not -np.pi <= turned < np.pi:  # rounding of many turns
                turned = (x + np.pi) % (2 * np.pi) - np.pi
            row = np.searchsorted(eta_edges, y, side="right") - 1
            column = min(max(np.searchsorted(phi_edges, turned, side="right") - 1, 0), n_phi - 1)
            cell[i] = row * n_phi + column


@njit(**CACHED)
def _inverse_cosh(eta, result):
    """1/cosh of each object to 1e-9, vectorized; 0 where eta is infinite or no number."""
    for i in range(len(eta)):
        x = abs(np.float64(eta[i]))
        x = x if x < 43 else 43.0  # 1/cosh(43) is 4e-19; NaN compares false
        k = np.floor(x * LOG2_E + 0.5)
        r = x - k * LN_2
        u = TAYLOR[10]
        for n in range(9, -1, -1):
            u = u * r + TAYLOR[n]
        u *= POWERS_OF_HALF[np.int64(k)]
        result[i] = 2 * u / (1 + u * u) if x < 43 else 0.0


@njit(**REORDERED)
def _outside_and_all(content, factor, transverse, cell, n_cells):
    """Sum of the content outside the grid, and of the absolute values of all of it."""
    outside, everything = 0.0, 0.0
    if transverse:
        for i in range(len(content)):
            value = np.float64(content[i])
            everything += abs(value)
            outside += value * factor[i] if cell[i] == n_cells else 0.0
    else:
        for i in range(len(content)):
            value = np.float64(content[i])
            everything += abs(value)
            outside += value if cell[i] == n_cells else 0.0
    return outside, everything


@njit(**CACHED)
def _compact(cell, n_cells, inside):
    """Positions of the objects inside the grid, without a branch; returns their number."""
    n_inside, end = np.uint32(0), np.int32(n_cells)
    for i in range(len(cell)):
        inside[n_inside] = i
        n_inside += np.uint32(cell[i] < end)
    return np.int64(n_inside)


@njit(**CACHED)
def _add(image, cell, content, factor, transverse, inside):
    """Add the contents of the objects inside to an image."""
    if transverse:
        for i in inside:
            image[np.uint32(cell[i])] += np.float32(content[i] * factor[i])
    else:
        for i in inside:
            image[np.uint32(cell[i])] += np.float32(content[i])


@njit(**CACHED)
def _add_many(image, sums, cell, content, factor, transverse, inside):
    """Add the contents of the objects inside to an empty image, by way of float64 sums, which are
    zero before and after.
    """
    for i in inside:
        value = np.float64(content[i])
        sums[np.uint32(cell[i])] += value * factor[i] if transverse else value
    for i in inside:
        image[np.uint32(cell[i])] = np.float32(sums[np.uint32(cell[i])])
    for i in inside:
        sums[np.uint32(cell[i])] = 0.0


@njit(**CACHED)
def _longest(offsets):
    longest = 0
    for k in range(len(offsets)):
        for event in range(len(offsets[k]) - 1):
            longest = max(longest, offsets[k][event + 1] - offsets[k][event])
    return longest


@njit(**CACHED)
def _mark(touched, cell, inside):
    """Set the bits of the cells that objects inside the grid touch."""
    for i in inside:
        touched[np.uint32(cell[i]) >> 6] |= np.uint64(1) << np.uint64(cell[i] & 63)


@njit(**CACHED)
def _work_space(offsets, n_cells):
    """Arrays as long as the longest event: cells, positions of what is inside, 1/cosh(eta); and
    sums of each cell, if an event has `MANY` objects.
    """
    size = _longest(offsets) + 1
    sums = np.zeros(n_cells if size > MANY else 0)
    return np.empty(size, np.int32), np.empty(size, np.uint32), np.empty(size), sums


@njit(**CACHED)
def _add_event(event, columns, channels, edges, work, image, overflow, touched):
    """Add one event to ``image`` ``(n_channels, n_cells)``; returns the first channel with content
    not finite or beyond `LARGEST`, or -1.

    ``touched`` are bits of the cells ``(n_collections, words)``, without words where nobody needs
    them.
    """
    (etas, phis, offsets), (contents, collection, transverse) = columns, channels
    eta_edges, phi_edges, equal = edges
    cells, positions, factor, sums = work
    n_cells = (len(eta_edges) - 1) * (len(phi_edges) - 1)
    for k in range(len(etas)):
        start, stop = offsets[k][event], offsets[k][event + 1]
        cell, eta, phi = cells[: stop - start], etas[k][start:stop], phis[k][start:stop]
        if not equal or _locate(eta, phi, eta_edges, phi_edges, cell):
            _locate_exactly(eta, phi, eta_edges, phi_edges, cell, not equal)
        inside = positions[: _compact(cell, n_cells, positions)]
        if touched.shape[1] > 0:
            _mark(touched[k], cell, inside)
        known = False
        for c in range(len(contents)):
            if collection[c] != k:
                continue
            if transverse[c] and not known:
                _inverse_cosh(eta, factor)
                known = True
            content = contents[c][start:stop]
            overflow[c], everything = _outside_and_all(
                content, factor, transverse[c], cell, n_cells
            )
            if not everything <= LARGEST:  # float32 holds no sum of them; NaN compares false
                return c
            if len(cell) < MANY:
                _add(image[c], cell, content, factor, transverse[c], inside)
            else:
                _add_many(image[c], sums, cell, content, factor, transverse[c], inside)
    return -1


@njit(**CACHED)
def fill_dense(columns, channels, edges, first, images, overflow):
    """Fill ``images`` ``(n, n_channels, n_cells)`` with the events from ``first`` on.

    Returns event and channel of the first content that is not finite or too large, or (-1, -1).
    """
    work, nowhere = _work_space(columns[2], images.shape[2]), np.zeros((1, 0), np.uint64)
    for event in range(len(images)):
        images[event] = 0
        bad = _add_event(
            first + event, columns, channels, edges, work, images[event], overflow[event], nowhere
        )
        if bad >= 0:
            return first + event, bad
    return -1, -1


@njit(**CACHED)
def fill_sparse(columns, channels, edges, first, lengths, cells, values, overflow):
    """Write the sparse rows of the events from ``first`` on one after the other; ``lengths`` are
    those of the rows.

    ``cells`` and ``values`` need one place more than there are objects. Returns event and channel
    of the first content that is not finite, or (-1, -1).
    """
    n_cells = (len(edges[0]) - 1) * (len(edges[1]) - 1)
    work, collection = _work_space(columns[2], n_cells), channels[1]
    scratch = np.zeros((len(collection), n_cells), np.float32)
    touched = np.zeros((len(columns[0]), n_cells // 64 + 1), np.uint64)
    end = 0
    for event in range(len(lengths)):
        bad = _add_event(
            first + event, columns, channels, edges, work, scratch, overflow[event], touched
        )
        if bad >= 0:
            return first + event, bad
        begin = end
        for c in range(len(collection)):
            end = _emit(touched[collection[c]], scratch[c], c * n_cells, cells, values, end)
        touched[:] = 0
        lengths[event] = end - begin
    return -1, -1


@njit(**CACHED)
def _emit(touched, image, first_cell, cells, values, end):
    """Append the touched cells that are not zero, ascending, and clear them; returns the new end of
    the rows.
    """
    for word in range(len(touched)):
        bits = touched[word]
        while bits:
            cell = word * 64 + np.int64(_trailing_zeros(bits))
            bits &= bits - np.uint64(1)
            cells[end] = first_cell + cell
            values[end] = image[cell]
            end += image[cell] != 0
            image[cell] = 0
    return end
