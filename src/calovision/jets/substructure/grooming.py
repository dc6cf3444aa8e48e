"""Masses of groomed jets, compiled."""

import numpy as np

from calovision.core.compiled import njit
from calovision.jets.substructure.clustering import (
    BEAM,
    CACHED,
    CAMBRIDGE,
    KT,
    PT,
    PX,
    PY,
    E,
    histories,
    masses,
)


def soft_drop_masses(particles: tuple[np.ndarray, ...], z_cut: float) -> np.ndarray:
    """Masses after soft drop with beta = 0, which is the modified mass drop, ``(n_jets,)``, GeV.

    The jet is clustered anew by Cambridge/Aachen and taken apart again: the softer branch is
    dropped until its share of pT exceeds ``z_cut`` (Larkoski, Marzani, Soyez, Thaler,
    arXiv:1402.2657; Dasgupta et al., arXiv:1307.0007). A jet of which one constituent is left has
    the mass of this, and one without constituents 0. ``particles`` are those of `histories`.
    """
    momenta = np.zeros((len(particles[0]) - 1, 4))
    left = np.full(len(momenta), -1)
    for jets, history in histories(particles, CAMBRIDGE, np.inf):
        _drop_soft(*history, z_cut, momenta[jets], left[jets])
    return _masses_of(particles, momenta, left)


def trimmed_masses(particles: tuple[np.ndarray, ...], r_sub: float, f_cut: float) -> np.ndarray:
    """Masses of the jets without kt subjets of radius ``r_sub`` that have less than the fraction
    ``f_cut`` of the jet's pT (Krohn, Thaler, Wang, arXiv:0912.1342), ``(n_jets,)``, GeV; 0 where
    none is left. ``particles`` are those of `histories`.
    """
    momenta = np.zeros((len(particles[0]) - 1, 4))
    left = np.full(len(momenta), -1)
    for jets, history in histories(particles, KT, r_sub):
        _trim(*history, f_cut, momenta[jets], left[jets])
    return _masses_of(particles, momenta, left)


def _masses_of(
    particles: tuple[np.ndarray, ...], momenta: np.ndarray, left: np.ndarray
) -> np.ndarray:
    """Masses of the momenta, ``(n_jets, 4)``; of a jet of one constituent that of this, without
    rounding: its position in the jet in ``left``, else -1.
    """
    offsets, *_, mass = particles
    found = masses(momenta)
    single = left >= 0
    found[single] = mass[offsets[:-1][single] + left[single]]
    return found


@njit(**CACHED)
def _add(clusters, row, momenta, jet):
    for component in range(E + 1 - PX):
        momenta[jet, component] += clusters[row, PX + component]


@njit(**CACHED)
def _drop_soft(offsets, clusters, pairs, z_cut, momenta, left):
    """Write the momentum of each jet after soft drop, and the constituent if one is left."""
    for jet in range(len(offsets) - 1):
        first, n = offsets[jet], offsets[jet + 1] - offsets[jet]
        if n == 0:
            continue
        rows, here = clusters[2 * first : 2 * (first + n)], 2 * n - 2
        while here >= n:
            i, j = pairs[first + here - n, 0], pairs[first + here - n, 1]
            if min(rows[i, PT], rows[j, PT]) > z_cut * (rows[i, PT] + rows[j, PT]):
                break
            here = i if rows[i, PT] >= rows[j, PT] else j
        _add(rows, here, momenta, jet)
        if here < n:
            left[jet] = here


@njit(**CACHED)
def _trim(offsets, clusters, pairs, f_cut, momenta, left):
    """Write the momentum of each jet without its soft subjets, and the constituent if one is
    left.
    """
    for jet in range(len(offsets) - 1):
        first, n = offsets[jet], offsets[jet + 1] - offsets[jet]
        rows = clusters[2 * first : 2 * (first + n)]
        px = py = 0.0
        for i in range(n):
            px, py = px + rows[i, PX], py + rows[i, PY]
        cut, n_kept, last = f_cut * np.hypot(px, py), 0, 0
        for step in range(n):
            row = pairs[first + step, 0]
            if pairs[first + step, 1] == BEAM and rows[row, PT] >= cut:
                n_kept, last = n_kept + 1, row
                _add(rows, row, momenta, jet)
        if n_kept == 1 and last < n:
            left[jet] = last
