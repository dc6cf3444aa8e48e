"""Sequential recombination of the constituents of one jet, compiled, with its history.

The pair with the smallest min(p_i, p_j) dR_ij^2 / R^2 is merged, where p is pT^2 (kt) or 1
(Cambridge/Aachen), dR the distance in rapidity and phi, and a cluster i leaves if its own p_i is
smaller (Catani et al., Nucl. Phys. B406 (1993) 187; Dokshitzer et al., hep-ph/9707323). The
smallest is found among nearest neighbors (Cacciari, Salam, hep-ph/0512210), in N^2 steps.

Clusters are rows pT, rapidity, phi, px, py, pz, E: first the constituents, then one for each
merger. Rapidities are relative to a particle of the jet, so that no digits are lost to a boost.
"""

import numpy as np
from numba import njit

CACHED = {"cache": True, "nogil": True, "error_model": "numpy"}
KT, CAMBRIDGE = 1, 0  # power of pT^2 in p
BEAM = -1  # second of the pair when a cluster leaves
PT, Y, PHI, PX, PY, PZ, E = range(7)
LARGEST_RAPIDITY = 1e5  # of what has neither mass nor transverse momentum, as in FastJet


@njit(**CACHED)
def first_clusters(pt, y, phi, mass):
    """Rows of the constituents, with room for those of all mergers, ``(2 n, 7)``."""
    clusters = np.empty((2 * len(pt), 7))
    for i in range(len(pt)):
        transverse = np.hypot(pt[i], mass[i])
        clusters[i, PT], clusters[i, Y], clusters[i, PHI] = pt[i], y[i], phi[i]
        clusters[i, PX] = pt[i] * np.cos(phi[i])
        clusters[i, PY] = pt[i] * np.sin(phi[i])
        clusters[i, PZ] = transverse * np.sinh(y[i])
        clusters[i, E] = transverse * np.cosh(y[i])
    return clusters


@njit(**CACHED)
def squared_mass(px, py, pz, e):
    """Squared mass, not below zero."""
    return max((e - pz) * (e + pz) - px * px - py * py, 0.0)


@njit(**CACHED)
def _add(clusters, i, j, new):
    """Sum of four-momenta (E-scheme) in row ``new``."""
    for component in range(PX, E + 1):
        clusters[new, component] = clusters[i, component] + clusters[j, component]
    px, py, pz, e = clusters[new, PX], clusters[new, PY], clusters[new, PZ], clusters[new, E]
    clusters[new, PT] = np.hypot(px, py)
    transverse = np.sqrt(px * px + py * py + squared_mass(px, py, pz, e))
    y = LARGEST_RAPIDITY if transverse == 0.0 else np.log((e + abs(pz)) / transverse)
    clusters[new, Y] = -y if pz < 0.0 else y
    clusters[new, PHI] = np.arctan2(py, px)


@njit(**CACHED)
def _take_harder(clusters, i, j, new):
    """Sum of pT in the direction of the harder one (winner takes all) in row ``new``."""
    winner = i if clusters[i, PT] >= clusters[j, PT] else j
    clusters[new, PT] = clusters[i, PT] + clusters[j, PT]
    clusters[new, Y], clusters[new, PHI] = clusters[winner, Y], clusters[winner, PHI]


@njit(**CACHED)
def _squared_distance(y, phi, i, j):
    d_phi = abs(phi[i] - phi[j])
    d_phi = min(d_phi, abs(2 * np.pi - d_phi))
    return (y[i] - y[j]) ** 2 + d_phi * d_phi


@njit(**CACHED)
def _find_neighbor(y, phi, i, n, most):
    """Nearest of the n clusters to i within the squared distance, or BEAM; and that distance."""
    nearest, smallest = BEAM, most
    for j in range(n):
        if j != i:
            squared = _squared_distance(y, phi, i, j)
            if squared < smallest:
                nearest, smallest = j, squared
    return nearest, smallest


@njit(**CACHED)
def _smallest(p, neighbor, squared, n):
    """The one of the n clusters with the smallest distance to its neighbor or to the beam."""
    best, smallest = 0, np.inf
    for i in range(n):
        j = neighbor[i]
        distance = squared[i] * (p[i] if j == BEAM else min(p[i], p[j]))
        if distance < smallest:
            best, smallest = i, distance
    return best


@njit(**CACHED)
def recombine(clusters, n, power, radius, winner_takes_all):
    """Merge the clusters until none is left, or one with an infinite radius.

    Parameters
    ----------
    clusters
        ``(2 n, 7)``; the first n rows are the constituents. Gets the others.
    n
        Number of constituents.
    power
        KT or CAMBRIDGE.
    radius
        Of the clusters.
    winner_takes_all
        Merge in the direction of the harder one, without momenta; else in the E-scheme.

    Returns
    -------
    Pairs of rows that were merged into the next row, or BEAM in place of the second for a row that
    left, int64 ``(n, 2)`` (the last one is not used with an infinite radius).
    """
    pairs = np.empty((n, 2), dtype=np.int64)
    row, neighbor = np.arange(n), np.empty(n, dtype=np.int64)
    p, squared = np.ones(n), np.empty(n)
    y, phi = clusters[:n, Y].copy(), clusters[:n, PHI].copy()
    most = radius * radius
    for i in range(n):
        if power == KT:
            p[i] = clusters[i, PT] ** 2
        neighbor[i], squared[i] = _find_neighbor(y, phi, i, n, most)
    new, n_steps = n, n if most < np.inf else n - 1
    for step in range(n_steps):
        left = n - step
        i = _smallest(p, neighbor, squared, left)
        j = neighbor[i]
        pairs[step, 0], pairs[step, 1] = row[i], BEAM if j == BEAM else row[j]
        gone = i
        if j != BEAM:
            if winner_takes_all:
                _take_harder(clusters, row[i], row[j], new)
            else:
                _add(clusters, row[i], row[j], new)
            i, gone = min(i, j), max(i, j)
            row[i], y[i], phi[i] = new, clusters[new, Y], clusters[new, PHI]
            p[i] = clusters[new, PT] ** 2 if power == KT else 1.0
            new += 1
        last = left - 1
        row[gone], y[gone], phi[gone], p[gone] = row[last], y[last], phi[last], p[last]
        neighbor[gone], squared[gone] = neighbor[last], squared[last]
        _update(y, phi, neighbor, squared, last, most, BEAM if j == BEAM else i, gone)
    return pairs


@njit(**CACHED)
def _update(y, phi, neighbor, squared, n, most, changed, gone):
    """Neighbors after cluster ``changed`` (BEAM: none) is another one, and the last one, n, stands
    in the place of the one that is gone.
    """
    for k in range(n):
        if neighbor[k] == gone or (changed != BEAM and (neighbor[k] == changed or k == changed)):
            neighbor[k], squared[k] = _find_neighbor(y, phi, k, n, most)
            continue
        if neighbor[k] == n:
            neighbor[k] = gone
        if changed != BEAM:
            distance = _squared_distance(y, phi, k, changed)
            if distance < squared[k]:
                neighbor[k], squared[k] = changed, distance
