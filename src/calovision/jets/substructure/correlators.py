"""Energy correlation functions e2 and e3 with beta = 1, compiled.

Larkoski, Salam, Thaler, arXiv:1305.0007, normalized to the sum of pT as in Larkoski, Moult, Neill,
arXiv:1409.6298: e2 is the sum of z_i z_j R_ij over pairs, e3 that of z_i z_j z_k R_ij R_ik R_jk
over triples, where z are shares of pT and R distances in rapidity and phi.
"""

import numpy as np

from calovision.core.compiled import njit
from calovision.jets.substructure.clustering import CACHED

SUMMED = {**CACHED, "fastmath": {"reassoc"}}  # sums of four at a time, rounded in another order


def energy_correlations(
    offsets: np.ndarray, pt: np.ndarray, y: np.ndarray, phi: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """e2 and e3 of all jets, ``(n_jets,)`` each: 0 for one, for two constituents or fewer; NaN
    without any.

    Parameters
    ----------
    offsets
        ``(n_jets + 1,)``, of the constituents of each jet.
    pt, y, phi
        Of the constituents, ``(n,)``.
    """
    counts = np.diff(offsets)
    jet = np.repeat(np.arange(len(counts)), counts)
    root = np.sqrt(pt / np.bincount(jet, pt, len(counts))[jet])
    weights = np.empty((counts.max(initial=0),) * 2)
    found = np.full((len(counts), 2), np.nan)
    _fill(offsets, root, y, phi, weights, found)
    return found[:, 0], found[:, 1]


@njit(**CACHED)
def _fill(offsets, root, y, phi, weights, found):
    """Write e2 and e3 of each jet that has constituents, ``(n_jets, 2)``, of the roots of their
    shares of pT; ``weights`` has a row and a column for each constituent of the longest jet.
    """
    for jet in range(len(offsets) - 1):
        first, n = offsets[jet], offsets[jet + 1] - offsets[jet]
        if n > 0:
            found[jet, 0] = _weigh(root, y, phi, first, n, weights)
            found[jet, 1] = _triples(weights, n)


@njit(**CACHED)
def _weigh(root, y, phi, first, n, weights):
    """e2; and sqrt(z_i z_j) R_ij of the pairs j < i in ``weights[i, j]``, of which three make a
    term of e3.
    """
    e2 = 0.0
    for i in range(n):
        for j in range(i):
            d_phi = abs(phi[first + i] - phi[first + j])
            d_phi = min(d_phi, abs(2 * np.pi - d_phi))
            d_y = y[first + i] - y[first + j]
            share = root[first + i] * root[first + j]
            weights[i, j] = share * np.sqrt(d_y * d_y + d_phi * d_phi)
            e2 += share * weights[i, j]
    return e2


@njit(**SUMMED)
def _triples(weights, n):
    """Sum of the products of three weights over all triples."""
    e3 = 0.0
    for i in range(n):
        for j in range(i):
            inner = 0.0
            for k in range(j):
                inner += weights[i, k] * weights[j, k]
            e3 += weights[i, j] * inner
    return e3
