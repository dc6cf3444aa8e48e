"""Features of pairs of particles: how hard, how shared, how far apart, how heavy.

None of them changes if all particles are turned in phi, moved along eta or mirrored.
"""

import torch
from torch import Tensor

SMALLEST = 1e-8
"""Of what a logarithm is taken of (GeV, GeV^2 or pure): equal points have no distance."""
MIDDLE = (0.0, -2.5, -1.0, 1.0)
SPREAD = (2.0, 1.5, 1.0, 3.0)
"""About the mean and the standard deviation of the features of jets at 500 GeV and of events."""


def pair_features(pt: Tensor, eta: Tensor, phi: Tensor) -> Tensor:
    """Logarithms of kT, z, Delta and m^2 of every pair, ``(n, points, points, 4)``.

    Parameters
    ----------
    pt, eta, phi
        GeV and rad, ``(n, points)``; pT not negative, phi from any axis.

    Notes
    -----
    Qu, Li, Qian, arXiv:2202.03772, equation 3: Delta is the distance in eta and phi, kT the smaller
    pT times Delta, z the smaller pT over the sum of both. Particles count as massless, so that
    m^2 = 2 pT pT' (cosh(eta - eta') - cos(phi - phi')), which is written with squares of halves:
    the difference of two numbers near 1 would leave no digits in float32.
    """
    d_eta = eta[:, :, None] - eta[:, None, :]
    d_phi = _wrapped(phi[:, :, None] - phi[:, None, :])
    distance = torch.sqrt((d_eta**2 + d_phi**2).clamp(min=SMALLEST**2))
    one, other = pt[:, :, None], pt[:, None, :]
    softer = torch.minimum(one, other)
    mass2 = 4 * one * other * (torch.sinh(d_eta / 2) ** 2 + torch.sin(d_phi / 2) ** 2)
    share = softer / (one + other).clamp(min=SMALLEST)
    return torch.stack([softer * distance, share, distance, mass2], dim=3).clamp(min=SMALLEST).log()


def scaled_pair_features(pt: Tensor, eta: Tensor, phi: Tensor) -> Tensor:
    """Features of `pair_features`, of the order of 1."""
    features = pair_features(pt, eta, phi)
    return (features - features.new_tensor(MIDDLE)) / features.new_tensor(SPREAD)


def _wrapped(angle: Tensor) -> Tensor:
    return torch.remainder(angle + torch.pi, 2 * torch.pi) - torch.pi
