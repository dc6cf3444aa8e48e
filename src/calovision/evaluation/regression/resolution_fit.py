"""Resolution of a calorimeter against the energy: a / sqrt(E), b and c / E in quadrature."""

import numpy as np
from scipy.optimize import nnls

FEWEST_BINS = 4
"""Bins for three parameters and a look at how well they do."""


def fit_resolution(
    energies: np.ndarray, resolutions: np.ndarray, errors: np.ndarray
) -> tuple[np.ndarray, float]:
    """Parameters ``(a, b, c)``, none below 0, and chi^2 of the squares of the resolutions.

    resolution^2 = a^2 / E + b^2 + c^2 / E^2 is linear in the squares of the parameters, so that
    there is one minimum (Review of Particle Physics, section on calorimeters, for the terms:
    stochastic, constant, noise).

    Parameters
    ----------
    energies, resolutions
        Mean energy and relative resolution of each bin, ``(n_bins,)``.
    errors
        Standard error of each resolution; those that are 0 are taken as the smallest of the others.
    """
    errors = 2 * resolutions * errors  # of the squares
    positive = errors[errors > 0]
    errors = np.where(errors > 0, errors, positive.min() if len(positive) else 1.0)
    terms = np.stack([1 / energies, np.ones(len(energies)), 1 / energies**2], axis=1)
    scale = np.abs(terms).max(axis=0)
    squares, rest = nnls(terms / scale / errors[:, None], resolutions**2 / errors)
    return np.sqrt(squares / scale), float(rest**2)
