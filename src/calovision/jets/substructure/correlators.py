"""Energy correlation functions e2 and e3 with beta = 1, compiled.

Larkoski, Salam, Thaler, arXiv:1305.0007, normalized to the sum of pT as in Larkoski, Moult, Neill,
arXiv:1409.6298: e2 is the sum of z_i z_j R_ij over pairs, e3 that of z_i z_j z_k R_ij R_ik R_jk
over triples, where z are shares of pT and R distances in rapidity and phi.
"""

import numpy as np
from numba import njit

from calovision.jets.substructure.clustering import CACHED

SUMMED = {**CACHED, "fastmath": {"reassoc"}}  # sums of four at a time, rounded in another order


@njit(**CACHED)
def energy_correlations(offsets, pt, y, phi):
    """e2 and e3 of all jets, ``(n_jets,)`` each: 0 for one, for two constituents or fewer; NaN
    without any.

    Parameters
    ----------
    offsets
        ``(n_jets + 1,)``, of the constituents of each jet.
    pt, y, phi
        Of the constituents, ``(n,)``.
    """
    n_jets = len(offsets) - 1
    e2, e3 = np.full(n_jets, np.nan), np.full(n_jets, np.nan)
    longest = 0
    for jet in range(n_jets):
        longest = max(longest, offsets[jet + 1] - offsets[jet])
    weights = np.empty((longest, longest))
    for jet in range(n_jets):
        part = slice(offsets[jet], offsets[jet + 1])
        n = offsets[jet + 1] - offsets[jet]
        if n > 0:
            e2[jet] = _weigh(pt[part], y[part], phi[part], weights)
            e3[jet] = _triples(weights, n)
    return e2, e3


@njit(**CACHED)
def _weigh(pt, y, phi, weights):
    """e2; and sqrt(z_i z_j) R_ij of the pairs j < i in ``weights[i, j]``, of which three make a
    term of e3.
    """
    root = np.sqrt(pt / pt.sum())
    e2 = 0.0
    for i in range(len(pt)):
        for j in range(i):
            d_phi = abs(phi[i] - phi[j])
            d_phi = min(d_phi, abs(2 * np.pi - d_phi))
            distance = np.sqrt((y[i] - y[j]) ** 2 + d_phi * d_phi)
            weights[i, j] = root[i] * root[j] * distance
            e2 += root[i] * root[j] * weights[i, j]
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
