"""Features of pairs of particles: how hard, how shared, how far apart, how heavy.

None of them changes if all particles are turned in phi, moved along eta or mirrored, nor if the two
change places.
"""

import torch
from torch import Tensor, nn

N_FEATURES = 4
SMALLEST = 1e-8
"""Of what a logarithm is taken of (GeV, GeV^2 or pure): equal points have no distance."""
MIDDLE = (0.0, -2.5, -1.0, 1.0)
SPREAD = (2.0, 1.5, 1.0, 3.0)
"""About the mean and the standard deviation of the features of jets at 500 GeV and of events."""


def pair_features(pt: Tensor, eta: Tensor, phi: Tensor) -> Tensor:
    """Logarithms of kT, z, Delta and m^2 of pairs, ``(n, pairs, 4)``.

    Parameters
    ----------
    pt, eta, phi
        Of both particles of each pair, ``(n, 2, pairs)``, GeV and rad; pT not negative, phi from
        any axis.

    Notes
    -----
    Qu, Li, Qian, arXiv:2202.03772, equation 3: Delta is the distance in eta and phi, kT the smaller
    pT times Delta, z the smaller pT over the sum of both. Particles count as massless, so that
    m^2 = 2 pT pT' (cosh(eta - eta') - cos(phi - phi')), which is written with squares of halves:
    the difference of two numbers near 1 would leave no digits in float32.
    """
    d_eta = eta[:, 0] - eta[:, 1]
    d_phi = torch.remainder(phi[:, 0] - phi[:, 1] + torch.pi, 2 * torch.pi) - torch.pi
    distance = torch.sqrt((d_eta**2 + d_phi**2).clamp(min=SMALLEST**2))
    one, other = pt.unbind(dim=1)
    softer = torch.minimum(one, other)
    mass2 = 4 * one * other * (torch.sinh(d_eta / 2) ** 2 + torch.sin(d_phi / 2) ** 2)
    share = softer / (one + other).clamp(min=SMALLEST)
    return torch.stack([softer * distance, share, distance, mass2], dim=2).clamp(min=SMALLEST).log()


class PairNetwork(nn.Module):
    """Dense layers on the features of each pair, once for both of its orders.

    Parameters
    ----------
    n_points
        Particles.
    width
        Of the dense layers.
    n_outputs
        Numbers that they make of a pair.
    """

    def __init__(self, n_points: int, width: int, n_outputs: int) -> None:
        super().__init__()
        self.n_points = n_points
        self.both_orders = BothOrders()
        self.dense = nn.Sequential(
            nn.Linear(N_FEATURES, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, n_outputs),
        )

    def forward(self, pt: Tensor, eta: Tensor, phi: Tensor) -> Tensor:
        """``(n, points)`` each to ``(n, n_outputs, points, points)``."""
        n = self.n_points
        pairs, places = _pairs(n, pt.device)
        features = pair_features(*(values[:, pairs] for values in (pt, eta, phi)))
        scaled = (features - features.new_tensor(MIDDLE)) / features.new_tensor(SPREAD)
        return self.both_orders(self.dense(scaled).transpose(1, 2), places).unflatten(2, (n, n))


class BothOrders(nn.Module):
    """Numbers of each pair for any two particles; a module, so that `network_table` counts it."""

    def forward(self, of_pairs: Tensor, places: Tensor) -> Tensor:
        """``(n, numbers, pairs)`` to ``(n, numbers, places)``."""
        return of_pairs[:, :, places]


def _pairs(n: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Particles of each pair, ``(2, pairs)``, the second never before the first; and the pair of
    any two particles, ``(n * n,)``.
    """
    number = torch.arange(n, device=device)
    first, second = (values.flatten() for values in torch.meshgrid(number, number, indexing="ij"))
    lower, upper = torch.minimum(first, second), torch.maximum(first, second)
    places = lower * (2 * n - lower - 1) // 2 + upper  # rows of n, n - 1, n - 2, ... pairs
    return torch.triu_indices(n, n, device=device), places
