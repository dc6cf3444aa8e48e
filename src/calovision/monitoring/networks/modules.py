"""The two networks themselves, circular in phi. Planes are ``(n, planes, eta, phi)``."""

from itertools import pairwise

import torch
from torch import nn

from calovision.models.layers import EtaPhiConv2d
from calovision.models.option_checks import require_cells, require_counts

SMALLEST = 8
"""Least number of cells in eta and in phi."""
LARGEST_INPUT = 4.0
"""Residuals that the autoencoder looks at are cut here, in sigma, so that a fault does not change
what is expected of its neighbours."""


class Autoencoder(nn.Module):
    """Residuals of a run through a narrow place: what is left is what many cells have in common.

    Three convolutions of stride 2, a convolution to few channels, and back.

    Parameters
    ----------
    n_channels
        Channels of the maps; the network takes four planes of each and gives two: hits and energy
        of a hit.
    shape
        Cells in eta and phi, at least `SMALLEST`.
    width
        Channels of the first convolution; the others have twice as many.
    latent
        Channels of the narrow place, of one cell for 8x8 of the maps.
    """

    def __init__(
        self, n_channels: int, shape: tuple[int, int], *, width: int = 16, latent: int = 8
    ) -> None:
        for name, value in (("width", width), ("latent", latent)):
            require_counts("autoencoder", name, value)
        require_cells("autoencoder", (n_channels, *shape), SMALLEST)
        super().__init__()
        self.n_residuals = 3 * n_channels
        sizes = [4 * n_channels, width, 2 * width, 2 * width]
        pairs = list(pairwise(sizes))
        self.down = nn.ModuleList([EtaPhiConv2d(a, b, stride=2) for a, b in pairs])
        self.narrow = nn.Conv2d(2 * width, latent, 1)
        widths = [latent, 2 * width, 2 * width, width]
        pairs = list(pairwise(widths))
        self.up = nn.ModuleList([EtaPhiConv2d(a, b) for a, b in pairs])
        self.last = nn.Conv2d(width, 2 * n_channels, 1)

    def forward(self, planes: torch.Tensor) -> torch.Tensor:
        """``(n, 4 c, eta, phi)`` to the residuals expected of good cells, ``(n, 2 c, eta, phi)``,
        in sigma.
        """
        residuals = planes[:, : self.n_residuals].clamp(-LARGEST_INPUT, LARGEST_INPUT)
        x = torch.cat([residuals, planes[:, self.n_residuals :]], dim=1)
        sizes = []
        for layer in self.down:
            sizes.append(x.shape[2:])
            x = layer(x).relu()
        x = self.narrow(x)
        for layer, size in zip(self.up, reversed(sizes), strict=True):
            x = layer(nn.functional.interpolate(x, size=tuple(size), mode="nearest")).relu()
        return self.last(x)


class FaultNetwork(nn.Module):
    """Kind of fault of each cell and channel, from the cell, its surroundings and its ring.

    All channels go through the same layers, each with the mean of the others beside it. Two
    convolutions at full resolution, two on 4x4 cells together and the means over phi of both are
    what a cell's surroundings say; two layers look at it together with them. The log likelihood
    ratio of the cell alone is added to the result with a weight for each kind.

    Parameters
    ----------
    n_channels
        Channels of the maps; the network takes four planes of each.
    shape
        Cells in eta and phi, at least `SMALLEST`.
    n_kinds
        Kinds of faults.
    width
        Channels of the convolutions.
    """

    def __init__(
        self, n_channels: int, shape: tuple[int, int], n_kinds: int, *, width: int = 12
    ) -> None:
        require_counts("fault classifier", "width", width)
        require_cells("fault classifier", (n_channels, *shape), SMALLEST)
        super().__init__()
        self.n_channels = n_channels
        wide = 2 * width
        self.near = nn.ModuleList([EtaPhiConv2d(OWN + OTHERS, width), EtaPhiConv2d(width, width)])
        self.far = nn.ModuleList([EtaPhiConv2d(width, wide), EtaPhiConv2d(wide, wide)])
        self.ring = nn.Conv2d(2 * (OWN + OTHERS) + width + wide, wide, (3, 1), padding=(1, 0))
        self.whole = nn.Conv2d(wide, wide, 1)
        self.of_cell = nn.Conv2d(OWN + OTHERS + EVIDENCE + width, wide, 1)
        self.of_far = nn.Conv2d(wide, wide, 1, bias=False)
        self.of_ring = nn.Conv2d(wide, wide, 1, bias=False)
        self.hidden = nn.Conv2d(wide, wide, 1)
        self.last = nn.Conv2d(wide, 1 + n_kinds, 1)
        self.evidence = nn.Conv2d(EVIDENCE, 1 + n_kinds, 1, bias=False)
        # begun with what a rule would do: hits above or below those expected are a fault
        nn.init.zeros_(self.evidence.weight)
        nn.init.constant_(self.evidence.weight[1:, ::3], 0.7)

    def forward(self, planes: torch.Tensor) -> torch.Tensor:
        """``(n, 4 c, eta, phi)`` to logits ``(n, 1 + kinds, c, eta, phi)``, of good cells first."""
        own = planes.unflatten(1, (-1, self.n_channels)).transpose(1, 2)  # (n, c, 4, eta, phi)
        evidence = _evidence(own[:, :, :3]).flatten(0, 1)
        x = _with_others(own).flatten(0, 1)  # (n c, planes, eta, phi)
        near = self.near[1](self.near[0](x).relu()).relu()
        # the mean over cells of a part, and the mean over phi, see what no single cell shows
        far = nn.functional.avg_pool2d(near, 4, ceil_mode=True, count_include_pad=False)
        for layer in self.far:
            far = layer(far).relu()
        ring = self._rings(x, near, far)
        cell = self.of_cell(torch.cat([x, evidence / 10, near], dim=1))
        cell = (cell + _as_large(self.of_far(far), x) + self.of_ring(ring)).relu()
        logits = self.last(self.hidden(cell).relu()) + self.evidence(evidence)
        return logits.unflatten(0, (-1, self.n_channels)).transpose(1, 2)

    def _rings(self, x: torch.Tensor, near: torch.Tensor, far: torch.Tensor) -> torch.Tensor:
        """Features that rings and the whole channel have in common, ``(n c, features, eta, 1)``."""
        means = [one.mean(dim=3, keepdim=True) for one in (x, x**2, near, far)]
        means[-1] = _as_large(means[-1], means[0])
        ring = self.ring(torch.cat(means, dim=1)).relu()
        return ring + self.whole(ring.mean(dim=2, keepdim=True)).relu()


OWN, OTHERS, EVIDENCE = 4, 3, 6
"""Planes of a channel, of the mean of the others, and of log likelihood ratios."""
LARGEST_DEVIATION = 6.0
"""Sigma from which on a log likelihood ratio grows as the logarithm, not as the square."""


def _evidence(residuals: torch.Tensor) -> torch.Tensor:
    """Log likelihood ratios of residuals ``(n, c, 3, eta, phi)`` in sigma, apart for those above
    and below 0: ``(n, c, 6, eta, phi)``.
    """
    both = torch.cat([residuals, -residuals], dim=2).clamp(min=0)
    below = both.clamp(max=LARGEST_DEVIATION) ** 2 / 2
    beyond = (both / LARGEST_DEVIATION).clamp(min=1).log()
    return below + LARGEST_DEVIATION**2 * beyond


def _with_others(own: torch.Tensor) -> torch.Tensor:
    """Squashed planes ``(n, c, 4, eta, phi)``, and the mean size of those of the other channels."""
    squashed = torch.asinh(own[:, :, :3] / 3)
    size = squashed.abs()
    others = (size.sum(dim=1, keepdim=True) - size) / max(own.shape[1] - 1, 1)
    return torch.cat([squashed, own[:, :, 3:], others], dim=2)


def _as_large(images: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return nn.functional.interpolate(images, size=tuple(like.shape[2:]), mode="nearest")
