"""Angles and four-momenta as plain functions of numpy arrays.

GeV and radians, float64 throughout; phi is in [-pi, pi). Jets elsewhere are awkward records named ``Momentum4D``:
after ``vector.register_awkward()`` they behave as four-momenta.
"""

import numpy as np
from numpy.typing import ArrayLike


def wrap_phi(phi: ArrayLike) -> np.ndarray:
    """Shift angles by whole turns into [-pi, pi); angles that are already inside keep every bit."""
    phi = np.asarray(phi, dtype=np.float64)
    wrapped = phi - 2 * np.pi * np.floor((phi + np.pi) / (2 * np.pi))
    # The quotient is rounded up for angles right below an edge, which so land one turn too low.
    return np.where(wrapped < -np.pi, wrapped + 2 * np.pi, wrapped)


def delta_phi(phi: ArrayLike, reference: ArrayLike) -> np.ndarray:
    """Signed angle from ``reference`` to ``phi`` along the shorter way, in [-pi, pi)."""
    return wrap_phi(np.asarray(phi, dtype=np.float64) - np.asarray(reference, dtype=np.float64))


def massless_momenta(e: np.ndarray, eta: np.ndarray, phi: np.ndarray) -> dict[str, np.ndarray]:
    """Cartesian components of massless particles, as calorimeter towers are taken to be.

    Parameters
    ----------
    e, eta, phi
        Energy in GeV, pseudorapidity and azimuth, all of one shape.

    Returns
    -------
    ``px``, ``py``, ``pz`` and ``E`` in GeV, of the same shape.
    """
    with np.errstate(over="ignore"):  # beyond |eta| = 710 pT is zero in float64
        pt = e / np.cosh(eta)
    return {"px": pt * np.cos(phi), "py": pt * np.sin(phi), "pz": e * np.tanh(eta), "E": e}


def pt_eta_phi_mass(px: np.ndarray, py: np.ndarray, pz: np.ndarray, e: np.ndarray) -> dict[str, np.ndarray]:
    """Collider coordinates of four-momenta.

    Parameters
    ----------
    px, py, pz, e
        Cartesian components in GeV, all of one shape.

    Returns
    -------
    ``pt``, ``eta``, ``phi`` and ``mass``, of the same shape. A momentum without transverse part has eta 0, and a
    mass squared below zero (the rounding of a massless jet) gives mass 0.
    """
    pt = np.hypot(px, py)
    eta = np.arcsinh(np.divide(pz, pt, out=np.zeros_like(pt), where=pt > 0))
    # The factors lose less to cancellation than the difference of the squares.
    mass_squared = (e - pz) * (e + pz) - pt**2
    return {
        "pt": pt,
        "eta": eta,
        "phi": wrap_phi(np.arctan2(py, px)),
        "mass": np.sqrt(np.maximum(mass_squared, 0.0)),
    }
