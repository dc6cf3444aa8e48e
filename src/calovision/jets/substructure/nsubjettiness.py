"""N-subjettiness (Thaler, Van Tilburg, arXiv:1011.2268) with beta = 1, compiled.

The axes are the N jets of exclusive kt clustering in the winner-take-all scheme (Larkoski, Neill,
Thaler, arXiv:1401.2158), as Delphes has it by default and ATLAS in ``Tau1_wta``.
"""

import numpy as np
from numba import njit

from calovision.jets.substructure.clustering import (
    CACHED,
    KT,
    PHI,
    PT,
    Y,
    recombine,
)


@njit(**CACHED)
def subjettiness(offsets, pt, y, phi, n_most, radius):
    """N-subjettiness of all jets.

    Parameters
    ----------
    offsets
        ``(n_jets + 1,)``, of the constituents of each jet.
    pt, y, phi
        Of the constituents, ``(n,)``.
    n_most
        Largest N.
    radius
        Unit of distances.

    Returns
    -------
    tau
        tau_1 to tau_n_most, ``(n_jets, n_most)``: 0 for N constituents or fewer, NaN without any.
    axis
        Rapidity and phi of the one axis for N = 1, ``(n_jets, 2)``, NaN without constituents.
    """
    n_jets = len(offsets) - 1
    tau, axis = np.full((n_jets, n_most), np.nan), np.full((n_jets, 2), np.nan)
    for jet in range(n_jets):
        first, n = offsets[jet], offsets[jet + 1] - offsets[jet]
        if n == 0:
            continue
        clusters = np.empty((2 * n, Y + 2))
        for i in range(n):
            clusters[i, PT] = pt[first + i]
            clusters[i, Y], clusters[i, PHI] = y[first + i], phi[first + i]
        pairs = recombine(clusters, n, KT, np.inf, True)
        for n_axes in range(1, n_most + 1):
            axes = _exclusive(pairs, n, n_axes)
            tau[jet, n_axes - 1] = _tau(clusters, n, axes, radius)
        axis[jet, 0], axis[jet, 1] = clusters[2 * n - 2, Y], clusters[2 * n - 2, PHI]
    return tau, axis


@njit(**CACHED)
def _exclusive(pairs, n, n_axes):
    """Rows of the clusters when ``n_axes`` are left; all constituents if there are no more."""
    n_steps = max(n - n_axes, 0)
    is_merged = np.zeros(n + n_steps, dtype=np.bool_)
    for step in range(n_steps):
        is_merged[pairs[step, 0]] = is_merged[pairs[step, 1]] = True
    return np.flatnonzero(~is_merged)


@njit(**CACHED)
def _tau(clusters, n, axes, radius):
    """Sum of pT times the distance to the nearest axis, over that of pT times the radius."""
    total = sum_pt = 0.0
    for i in range(n):
        smallest = np.inf
        for axis in axes:
            d_phi = abs(clusters[i, PHI] - clusters[axis, PHI])
            d_phi = min(d_phi, abs(2 * np.pi - d_phi))
            smallest = min(smallest, (clusters[i, Y] - clusters[axis, Y]) ** 2 + d_phi * d_phi)
        total += clusters[i, PT] * np.sqrt(smallest)
        sum_pt += clusters[i, PT]
    return total / (sum_pt * radius)
