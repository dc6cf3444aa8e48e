"""Sequential recombination of the constituents of jets, compiled, with its history.

The pair with the smallest min(p_i, p_j) dR_ij^2 / R^2 is merged, where p is pT^2 (kt) or 1
(Cambridge/Aachen), dR the distance in rapidity and phi, and a cluster i leaves if its own p_i is
smaller (Catani et al., Nucl. Phys. B406 (1993) 187; Dokshitzer et al., hep-ph/9707323). The
smallest is found among nearest neighbors (Cacciari, Salam, hep-ph/0512210), in N^2 steps.

Compiled functions call those of their own module only: numba caches what it compiled by the module
of the caller, and would not see a change in another one.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from calovision.core.compiled import njit

CACHED = {"cache": True, "nogil": True, "error_model": "numpy"}
KT, CAMBRIDGE = 1, 0  # power of pT^2 in p
BEAM = -1  # second of the pair when a cluster leaves
PT, Y, PHI, PX, PY, PZ, E = range(7)
LARGEST_RAPIDITY = 1e5  # of what has neither mass nor transverse momentum, as in FastJet
BLOCK = 20_000  # constituents whose history is in memory: 2.5 MB


class History(NamedTuple):
    """History of the constituents ``offsets[i]:offsets[i + 1]`` of each jet i.

    Attributes
    ----------
    offsets
        int64 ``(n_jets + 1,)``, from 0 on.
    clusters
        Rows pT, rapidity, phi, px, py, pz, E (no momenta where winners take all) from ``2 *
        offsets[i]`` on: the n constituents, then one for each merger, ``(2 n, 7)``.
    pairs
        From ``offsets[i]`` on: the two rows, counted from the first of the jet, that make the next
        cluster; or a row that left, and BEAM. ``(n, 2)``; with an infinite radius one less counts.
    """

    offsets: np.ndarray
    clusters: np.ndarray
    pairs: np.ndarray


def histories(
    particles: tuple[np.ndarray, ...], power: int, radius: float, *, winner_takes_all: bool = False
) -> Iterator[tuple[slice, History]]:
    """Cluster all jets, a block of them at a time.

    Parameters
    ----------
    particles
        ``offsets``, ``(n_jets + 1,)``, and pT, rapidity, phi, mass of the constituents, ``(n,)``.
        Rapidities are best relative to one of the jet, so that no digits are lost to a boost.
    power
        KT or CAMBRIDGE.
    radius
        Of the clusters; infinite: all are merged to one.
    winner_takes_all
        Merge in the direction of the harder one; else add four-momenta (E-scheme).

    Yields
    ------
    The jets, and their history.
    """
    offsets, *columns = particles
    first = 0
    while first < len(offsets) - 1:
        end = int(np.searchsorted(offsets, offsets[first] + BLOCK, side="right")) - 1
        jets = slice(first, max(end, first + 1))
        of_block = offsets[jets.start : jets.stop + 1]
        part = slice(of_block[0], of_block[-1])
        block = of_block - of_block[0]
        clusters, pairs = _recombine_jets(
            block, *(column[part] for column in columns), power, radius, winner_takes_all
        )
        yield jets, History(block, clusters, pairs)
        first = jets.stop


def masses(momenta: np.ndarray) -> np.ndarray:
    """Masses of momenta px, py, pz, E, ``(n, 4)``; 0 where rounding makes the square negative."""
    px, py, pz, e = momenta.T
    return np.sqrt(np.maximum((e - pz) * (e + pz) - px**2 - py**2, 0.0))


@njit(**CACHED)
def _recombine_jets(offsets, pt, y, phi, mass, power, radius, winner_takes_all):
    """Clusters and pairs of a `History`."""
    clusters = np.zeros((2 * len(pt), 7))
    pairs = np.empty((len(pt), 2), dtype=np.int64)
    for jet in range(len(offsets) - 1):
        first, n = offsets[jet], offsets[jet + 1] - offsets[jet]
        if n == 0:
            continue
        rows = clusters[2 * first : 2 * (first + n)]
        for i in range(n):
            k = first + i
            _start(rows[i], pt[k], y[k], phi[k], mass[k], winner_takes_all)
        _recombine(rows, pairs[first : first + n], power, radius, winner_takes_all)
    return clusters, pairs


@njit(**CACHED)
def _start(row, pt, y, phi, mass, winner_takes_all):
    """Row of a constituent."""
    row[PT], row[Y], row[PHI] = pt, y, phi
    if not winner_takes_all:
        transverse = np.hypot(pt, mass)
        row[PX], row[PY] = pt * np.cos(phi), pt * np.sin(phi)
        row[PZ], row[E] = transverse * np.sinh(y), transverse * np.cosh(y)


@njit(**CACHED)
def _add(clusters, i, j, new):
    """Sum of four-momenta (E-scheme) in row ``new``."""
    for component in range(PX, E + 1):
        clusters[new, component] = clusters[i, component] + clusters[j, component]
    px, py, pz, e = clusters[new, PX], clusters[new, PY], clusters[new, PZ], clusters[new, E]
    clusters[new, PT] = np.hypot(px, py)
    transverse = np.sqrt(max((e - pz) * (e + pz), px * px + py * py))
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
def _recombine(clusters, pairs, power, radius, winner_takes_all):
    """Merge the clusters of a jet, of which the first half is there, until none is left, or one
    with an infinite radius.
    """
    n = len(pairs)
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
