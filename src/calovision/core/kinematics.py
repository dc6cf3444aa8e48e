"""Angles and four-momenta as plain functions of numpy arrays.

GeV and radians, float64 throughout; phi is in [-pi, pi). Jets elsewhere are awkward records named
``Momentum4D``: after ``vector.register_awkward()`` they behave as four-momenta.
"""

import numpy as np
from numpy.typing import ArrayLike

from calovision.core.numeric import float_array, same_shape

_BELOW_PI = np.nextafter(np.pi, 0)


def wrap_phi(phi: ArrayLike) -> np.ndarray:
    """Shift angles by whole turns into [-pi, pi); angles that are already inside keep every bit.

    NaN for what is not finite.
    """
    phi = float_array(phi, "phi")
    with np.errstate(over="ignore", invalid="ignore"):  # infinity becomes NaN
        wrapped = phi - 2 * np.pi * np.floor((phi + np.pi) / (2 * np.pi))
        # The quotient is rounded up for angles right below an edge, which so land one turn too low.
        wrapped = np.where(wrapped < -np.pi, wrapped + 2 * np.pi, wrapped)
        if np.all((wrapped >= -np.pi) & (wrapped < np.pi)):
            return wrapped
        # So many turns away that the rounding of their number times 2 pi exceeds a turn.
        exact = np.minimum(np.remainder(phi + np.pi, 2 * np.pi) - np.pi, _BELOW_PI)
        return np.where((wrapped >= -np.pi) & (wrapped < np.pi), wrapped, exact)


def delta_phi(phi: ArrayLike, reference: ArrayLike) -> np.ndarray:
    """Signed angle from ``reference`` to ``phi`` along the shorter way, in [-pi, pi)."""
    phi, reference = same_shape(phi=phi, reference=reference)
    with np.errstate(over="ignore", invalid="ignore"):
        return wrap_phi(phi - reference)


def massless_momenta(e: ArrayLike, eta: ArrayLike, phi: ArrayLike) -> dict[str, np.ndarray]:
    """Cartesian components of massless particles, as calorimeter towers are taken to be.

    Parameters
    ----------
    e, eta, phi
        Energy in GeV, pseudorapidity and azimuth, all of one shape.

    Returns
    -------
    ``px``, ``py``, ``pz`` and ``E`` in GeV, of the same shape.
    """
    e, eta, phi = same_shape(e=e, eta=eta, phi=phi)
    with np.errstate(over="ignore", invalid="ignore"):  # beyond |eta| = 710 pT is zero in float64
        pt = e / np.cosh(eta)
        return {"px": pt * np.cos(phi), "py": pt * np.sin(phi), "pz": e * np.tanh(eta), "E": e}


def pt_eta_phi_mass(
    px: ArrayLike, py: ArrayLike, pz: ArrayLike, e: ArrayLike
) -> dict[str, np.ndarray]:
    """Collider coordinates of four-momenta.

    Parameters
    ----------
    px, py, pz, e
        Cartesian components in GeV, all of one shape.

    Returns
    -------
    ``pt``, ``eta``, ``phi`` and ``mass``, of the same shape. A momentum without transverse part has
    eta 0, and a mass squared below zero (the rounding of a massless jet) gives mass 0.
    """
    px, py, pz, e = same_shape(px=px, py=py, pz=pz, e=e)
    with np.errstate(over="ignore", invalid="ignore"):
        pt = np.hypot(px, py)
        eta = np.arcsinh(np.divide(pz, pt, out=np.zeros(pt.shape), where=pt != 0))
        # The factors lose less to cancellation than the difference of the squares.
        mass_squared = (e - pz) * (e + pz) - pt**2
        return {
            "pt": pt,
            "eta": eta,
            "phi": wrap_phi(np.arctan2(py, px)),
            "mass": np.sqrt(np.maximum(mass_squared, 0.0)),
        }
