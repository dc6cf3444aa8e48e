"""Masses of groomed jets, compiled."""

import numpy as np
from numba import njit

from calovision.jets.substructure.clustering import (
    BEAM,
    CACHED,
    CAMBRIDGE,
    KT,
    PT,
    PX,
    PY,
    PZ,
    E,
    first_clusters,
    recombine,
    squared_mass,
)


@njit(**CACHED)
def soft_drop_masses(offsets, pt, y, phi, mass, z_cut):
    """Masses after soft drop with beta = 0, which is the modified mass drop, ``(n_jets,)``.

    The jet is clustered anew by Cambridge/Aachen and taken apart again: the softer branch is
    dropped until its share of pT exceeds ``z_cut`` (Larkoski, Marzani, Soyez, Thaler,
    arXiv:1402.2657; Dasgupta et al., arXiv:1307.0007). A jet of which one constituent is left has
    its mass; one without constituents 0. ``offsets`` are those of the constituents, GeV.
    """
    masses = np.zeros(len(offsets) - 1)
    for jet in range(len(masses)):
        part = slice(offsets[jet], offsets[jet + 1])
        n = offsets[jet + 1] - offsets[jet]
        if n == 0:
            continue
        clusters = first_clusters(pt[part], y[part], phi[part], mass[part])
        pairs = recombine(clusters, n, CAMBRIDGE, np.inf, False)
        here = 2 * n - 2
        while here >= n:
            i, j = pairs[here - n, 0], pairs[here - n, 1]
            harder, softer = (i, j) if clusters[i, PT] >= clusters[j, PT] else (j, i)
            if clusters[softer, PT] > z_cut * (clusters[i, PT] + clusters[j, PT]):
                break
            here = harder
        if here < n:
            masses[jet] = mass[offsets[jet] + here]
        else:
            masses[jet] = np.sqrt(squared_mass(*_momentum(clusters, here)))
    return masses


@njit(**CACHED)
def trimmed_masses(offsets, pt, y, phi, mass, r_sub, f_cut):
    """Masses of the jets without kt subjets of radius ``r_sub`` that have less than the fraction
    ``f_cut`` of the jet's pT (Krohn, Thaler, Wang, arXiv:0912.1342), ``(n_jets,)``, GeV; 0 where
    none is left.
    """
    masses = np.zeros(len(offsets) - 1)
    for jet in range(len(masses)):
        part = slice(offsets[jet], offsets[jet + 1])
        n = offsets[jet + 1] - offsets[jet]
        if n == 0:
            continue
        clusters = first_clusters(pt[part], y[part], phi[part], mass[part])
        all_px, all_py = clusters[:n, PX].sum(), clusters[:n, PY].sum()
        pairs = recombine(clusters, n, KT, r_sub, False)
        cut = f_cut * np.hypot(all_px, all_py)
        px = py = pz = e = 0.0
        n_kept = last = 0
        for step in range(n):
            row = pairs[step, 0]
            if pairs[step, 1] == BEAM and clusters[row, PT] >= cut:
                n_kept, last = n_kept + 1, row
                px, py = px + clusters[row, PX], py + clusters[row, PY]
                pz, e = pz + clusters[row, PZ], e + clusters[row, E]
        if n_kept == 1 and last < n:
            masses[jet] = mass[offsets[jet] + last]  # of one constituent, without rounding
        else:
            masses[jet] = np.sqrt(squared_mass(px, py, pz, e))
    return masses


@njit(**CACHED)
def _momentum(clusters, row):
    return clusters[row, PX], clusters[row, PY], clusters[row, PZ], clusters[row, E]
