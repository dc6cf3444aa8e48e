"""The steps of the kernels in plain numpy, all jets at once: what the tests compare `kernels` with.

Slower, and the text to read first: each step is a function of flat arrays, with the jet of every
constituent beside them. ``bincount`` adds in the order of the constituents, as the kernels do.
"""

import numpy as np

from calovision.core.kinematics import wrap_phi
from calovision.images.grid import OUTSIDE, JetGrid
from calovision.images.jet_images.steps import (
    FLIP_PARITY,
    FLIP_THIRD_MAXIMUM,
    ISOTROPIC,
    L1_IMAGE,
    L1_JET,
    FlatJets,
    Steps,
)


def fill_rows_numpy(
    jets: FlatJets, steps: Steps
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sparse rows of all jets.

    Parameters
    ----------
    jets, steps
        See `FlatJets` and `Steps`.

    Returns
    -------
    row_ends
        int64 ``(n_jets,)``.
    cells, values
        int64 and float32, the entries of all rows.
    overflow
        float64 ``(n_jets, n_channels)``.
    """
    n_jets = len(jets.offsets) - 1
    (n_channels, _) = jets.contents.shape
    n_cells = steps.n_eta * steps.n_phi
    jet = np.repeat(np.arange(n_jets), np.diff(jets.offsets))
    x, y = positions(jets, steps, jet)
    cell = JetGrid(steps.n_eta, steps.n_phi, steps.width).cell_index(x, y)
    if steps.flip:
        cell = _mirrored(jets.pt, jet, cell, n_jets, steps)
    inside = cell != OUTSIDE
    images = np.empty((n_jets, n_channels, n_cells))
    overflow = np.empty((n_jets, n_channels))
    for channel, content in enumerate(jets.contents):
        flat = jet[inside] * n_cells + cell[inside]
        images[:, channel] = np.bincount(flat, content[inside], n_jets * n_cells).reshape(
            n_jets, n_cells
        )
        overflow[:, channel] = np.bincount(jet[~inside], content[~inside], n_jets)
    scales = _scales(images, jets, jet, steps)
    images = images / scales[:, :, None]
    overflow = overflow / scales
    flat_images = images.reshape(n_jets, n_channels * n_cells).astype(np.float32)
    row, column = np.nonzero(flat_images)
    return np.cumsum(np.bincount(row, minlength=n_jets)), column, flat_images[row, column], overflow


def positions(jets: FlatJets, steps: Steps, jet: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of the constituents relative to the middle, rotated; NaN where they are not
    finite.
    """
    finite = np.isfinite(jets.eta) & np.isfinite(jets.phi)
    eta, phi = np.where(finite, jets.eta, np.nan), np.where(finite, jets.phi, np.nan)
    weight = np.where(finite & (jets.pt > 0), jets.pt, 0.0)
    center = (
        _centroids(weight, eta, phi, jet, len(jets.centers)) if steps.centroid else jets.centers
    )
    x = eta - center[jet, 0]
    y = wrap_phi(phi - center[jet, 1])
    if not steps.rotate:
        return x, y
    up = np.stack(
        [center[:, 0] - jets.below[:, 0], wrap_phi(center[:, 1] - jets.below[:, 1])], axis=1
    )
    up = np.where(np.isnan(up), _principal_axes(weight, x, y, jet, len(up)), up)
    length = np.sqrt(up[:, 0] ** 2 + up[:, 1] ** 2)
    up = np.where(length[:, None] > 0, up / np.where(length > 0, length, 1.0)[:, None], [0.0, 1.0])
    sine, cosine = up[jet].T
    return cosine * x - sine * y, sine * x + cosine * y


def _centroids(
    weight: np.ndarray, eta: np.ndarray, phi: np.ndarray, jet: np.ndarray, n_jets: int
) -> np.ndarray:
    """Mean of eta and phi weighted with pT, ``(n_jets, 2)``; NaN if no constituent has positive
    pT.
    """
    hardest = _hardest(weight, jet, n_jets)
    there = np.append(eta, np.nan)[hardest], np.append(phi, np.nan)[hardest]
    total = np.bincount(jet, weight, n_jets)
    used = weight > 0
    sums = [
        np.bincount(jet[used], weight[used] * distance[used], n_jets)
        for distance in (eta - there[0][jet], wrap_phi(phi - there[1][jet]))
    ]
    with np.errstate(invalid="ignore"):
        return np.stack([there[0] + sums[0] / total, there[1] + sums[1] / total], axis=1)


def _hardest(weight: np.ndarray, jet: np.ndarray, n_jets: int) -> np.ndarray:
    """Index of the first constituent of largest weight in each jet; -1 if all weights are zero."""
    order = np.lexsort((np.arange(len(jet)), -weight, jet))
    order = order[weight[order] > 0]
    hardest = np.full(n_jets, -1)
    first = np.unique(jet[order], return_index=True)[1]
    hardest[jet[order][first]] = order[first]
    return hardest


def _principal_axes(
    weight: np.ndarray, x: np.ndarray, y: np.ndarray, jet: np.ndarray, n_jets: int
) -> np.ndarray:
    """Unit vectors of the principal axes, ``(n_jets, 2)``, towards the half with more pT; (0, 1) if
    isotropic.
    """
    used = (weight > 0) & ~np.isnan(x)
    weight, x, y, jet = weight[used], x[used], y[used], jet[used]
    xx, xy, yy = (
        np.bincount(jet, product, n_jets)
        for product in (weight * x * x, weight * x * y, weight * y * y)
    )
    difference = np.sqrt((xx - yy) ** 2 + 4 * xy**2)
    isotropic = ~(difference > ISOTROPIC * (xx + yy))
    difference = np.where(isotropic, 1.0, difference)
    larger = np.sqrt((1 + np.abs(xx - yy) / difference) / 2)
    smaller = xy / (difference * larger)
    up = np.where(
        (xx > yy)[:, None], np.stack([larger, smaller], axis=1), np.stack([smaller, larger], axis=1)
    )
    side = np.sign(x * up[jet, 0] + y * up[jet, 1])
    up = np.where((np.bincount(jet, weight * side, n_jets) >= 0)[:, None], up, -up)
    return np.where(isotropic[:, None], [0.0, 1.0], up)


def _mirrored(
    pt: np.ndarray, jet: np.ndarray, cell: np.ndarray, n_jets: int, steps: Steps
) -> np.ndarray:
    """Cells of the constituents after the recipe's flip."""
    inside = cell != OUTSIDE
    row, column = np.divmod(cell, steps.n_phi)
    right, up = np.sign(2 * row + 1 - steps.n_eta), np.sign(2 * column + 1 - steps.n_phi)
    if steps.flip == FLIP_THIRD_MAXIMUM:
        third = _third_maxima(pt[inside], jet[inside], cell[inside], n_jets, steps)
        row_of_third, column_of_third = np.divmod(third, steps.n_phi)
        to_right = np.where(third == OUTSIDE, 0, 2 * row_of_third + 1 - steps.n_eta)
        to_up = np.where(third == OUTSIDE, 0, 2 * column_of_third + 1 - steps.n_phi)
    else:
        to_right, to_up = (
            np.bincount(jet[inside], (pt * side)[inside], n_jets) for side in (right, up)
        )
    if steps.flip == FLIP_PARITY:
        to_up = np.zeros(n_jets)
    row = np.where(to_right[jet] < 0, steps.n_eta - 1 - row, row)
    column = np.where(to_up[jet] < 0, steps.n_phi - 1 - column, column)
    return np.where(inside, row * steps.n_phi + column, OUTSIDE)


def _third_maxima(
    pt: np.ndarray, jet: np.ndarray, cell: np.ndarray, n_jets: int, steps: Steps
) -> np.ndarray:
    """Cell with the third largest pT of each jet; `OUTSIDE` if fewer than three have any."""
    n_cells = steps.n_eta * steps.n_phi
    intensity = np.bincount(jet * n_cells + cell, pt, n_jets * n_cells).reshape(n_jets, n_cells)
    if n_cells < 3:
        return np.full(n_jets, OUTSIDE)
    third = np.argsort(-intensity, axis=1, kind="stable")[:, 2]
    return np.where(np.take_along_axis(intensity, third[:, None], axis=1)[:, 0] > 0, third, OUTSIDE)


def _scales(images: np.ndarray, jets: FlatJets, jet: np.ndarray, steps: Steps) -> np.ndarray:
    """Divisors of each channel of each jet, ``(n_jets, n_channels)``."""
    n_jets = len(images)
    norm = np.zeros(n_jets)
    if steps.normalize == L1_IMAGE:
        scaled = np.abs(images[:, jets.scaled])
        norm = np.bincount(
            np.repeat(np.arange(n_jets), scaled.size // max(n_jets, 1)), scaled.ravel(), n_jets
        )
    if steps.normalize == L1_JET:
        scaled = np.abs(jets.contents[jets.scaled])
        norm = np.bincount(np.tile(jet, len(scaled)), scaled.ravel(), n_jets)
    return np.where(jets.scaled & (norm > 0)[:, None], norm[:, None], 1.0)
