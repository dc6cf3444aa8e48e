"""Compiled loops that put the constituents of jets around the middle of their image, and rotate
them.

`reference.positions` is the same in plain numpy; see `kernels` for the order of the sums.
"""

import math

import numpy as np

from calovision.core.compiled import njit
from calovision.images.jet_images.steps import ISOTROPIC, FlatJets, Steps

PI, TURN = math.pi, 2 * math.pi
BELOW_PI = math.nextafter(PI, 0)
MOST = 9.0  # radians of which one turn makes what `_wrap` gives


@njit(cache=True, nogil=True)
def place(jets: FlatJets, steps: Steps, x: np.ndarray, y: np.ndarray) -> None:
    """Give the coordinates of all constituents relative to the middle of their jet's image,
    rotated.

    Parameters
    ----------
    jets, steps
        See `FlatJets` and `Steps`.
    x, y
        ``(n_constituents,)``, out: along eta and phi; NaN where a coordinate is not finite or there
        is no middle.
    """
    for jet in range(len(jets.offsets) - 1):
        start, stop = jets.offsets[jet], jets.offsets[jet + 1]
        pt, eta, phi = jets.pt[start:stop], jets.eta[start:stop], jets.phi[start:stop]
        center_eta, center_phi = jets.centers[jet, 0], jets.centers[jet, 1]
        if steps.centroid:
            center_eta, center_phi = _centroid(pt, eta, phi)
        _shift(eta, phi, center_eta, center_phi, x[start:stop], y[start:stop])
        if steps.rotate:
            up_x, up_y = center_eta - jets.below[jet, 0], _wrap(center_phi - jets.below[jet, 1])
            if math.isnan(up_x):
                up_x, up_y = _principal_axis(pt, x[start:stop], y[start:stop])
            _rotate_up(up_x, up_y, x[start:stop], y[start:stop])


@njit(cache=True, nogil=True)
def _shift(
    eta: np.ndarray,
    phi: np.ndarray,
    center_eta: float,
    center_phi: float,
    x: np.ndarray,
    y: np.ndarray,
) -> None:
    """Coordinates relative to a middle; both are NaN where one is not finite."""
    n_usual = 0
    for i in range(len(eta)):  # no branch, for vector instructions
        along, around = eta[i] - center_eta, phi[i] - center_phi
        n_usual += (abs(along) < math.inf) & (abs(around) < MOST)
        around -= TURN if around >= PI else 0.0
        around += TURN if around < -PI else 0.0
        x[i], y[i] = along, around
    if n_usual == len(eta):
        return
    for i in range(len(eta)):
        x[i], y[i] = eta[i] - center_eta, _wrap(phi[i] - center_phi)
        if not math.isfinite(x[i] + y[i]):
            x[i] = y[i] = math.nan


@njit(cache=True, nogil=True)
def _wrap(phi: float) -> float:
    """Shift an angle by whole turns into [-pi, pi), as ``kinematics.wrap_phi`` does."""
    if -PI <= phi < PI:
        return phi
    wrapped = phi - TURN * np.floor(
        (phi + PI) / TURN
    )  # math.floor would give an integer, which may overflow
    wrapped = wrapped + TURN if wrapped < -PI else wrapped
    if wrapped < -PI or wrapped >= PI:  # so many turns away that rounding exceeds one
        return min((phi + PI) % TURN - PI, BELOW_PI)
    return wrapped


@njit(cache=True, nogil=True)
def _centroid(pt: np.ndarray, eta: np.ndarray, phi: np.ndarray) -> tuple[float, float]:
    """Mean of eta and phi weighted with pT; NaN if no constituent has positive pT."""
    hardest = -1
    for i in range(len(pt)):
        usable = pt[i] > 0 and math.isfinite(eta[i]) and math.isfinite(phi[i])
        if usable and (hardest < 0 or pt[i] > pt[hardest]):
            hardest = i
    if hardest < 0:
        return math.nan, math.nan
    # Relative to the hardest one: phi is averaged without a jump, and a lone constituent stays
    # where it is.
    total = sum_eta = sum_phi = 0.0
    for i in range(len(pt)):
        if pt[i] > 0 and math.isfinite(eta[i]) and math.isfinite(phi[i]):
            total += pt[i]
            sum_eta += pt[i] * (eta[i] - eta[hardest])
            sum_phi += pt[i] * _wrap(phi[i] - phi[hardest])
    return eta[hardest] + sum_eta / total, phi[hardest] + sum_phi / total


@njit(cache=True, nogil=True)
def _principal_axis(pt: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Unit vector of the principal axis, towards the half with more pT; (0, 1) if no direction is
    preferred.
    """
    xx = xy = yy = 0.0
    for i in range(len(pt)):
        if pt[i] > 0 and not math.isnan(x[i]):
            xx += pt[i] * x[i] * x[i]
            xy += pt[i] * x[i] * y[i]
            yy += pt[i] * y[i] * y[i]
    # Cosine and sine of twice the angle, over the difference of the eigenvalues.
    difference = math.sqrt((xx - yy) ** 2 + 4 * xy**2)
    if not difference > ISOTROPIC * (xx + yy):
        return 0.0, 1.0
    # The larger component first, which has no cancellation.
    larger = math.sqrt((1 + abs(xx - yy) / difference) / 2)
    smaller = xy / (difference * larger)
    up_x, up_y = (larger, smaller) if xx > yy else (smaller, larger)
    balance = 0.0
    for i in range(len(pt)):
        if pt[i] > 0 and not math.isnan(x[i]):
            projection = x[i] * up_x + y[i] * up_y
            balance += pt[i] if projection > 0 else (-pt[i] if projection < 0 else 0.0)
    return (up_x, up_y) if balance >= 0 else (-up_x, -up_y)


@njit(cache=True, nogil=True)
def _rotate_up(up_x: float, up_y: float, x: np.ndarray, y: np.ndarray) -> None:
    """Rotate the points so that the direction (up_x, up_y) is +y; a zero vector rotates nothing."""
    length = math.sqrt(up_x**2 + up_y**2)
    if length == 0.0:
        return
    sine, cosine = up_x / length, up_y / length
    for i in range(len(x)):
        x[i], y[i] = cosine * x[i] - sine * y[i], sine * x[i] + cosine * y[i]
