"""Networks by name. Input ``(n, channels, eta, phi)``, output one logit per image ``(n,)``."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import nn

from calovision.errors import InputError


class PhiCircularConv2d(nn.Conv2d):
    """Convolution of the same size that wraps around in phi and pads zeros in eta.

    phi = -pi and phi = pi are neighbours, so that a jet astride them looks like any other.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int = 3, **options) -> None:
        pad = kernel_size // 2
        super().__init__(in_channels, out_channels, kernel_size, padding=(pad, 0), **options)
        self._pad_phi = (pad, pad, 0, 0)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """``(n, in, eta, phi)`` to ``(n, out, eta, phi)``."""
        return super().forward(nn.functional.pad(images, self._pad_phi, mode="circular"))


class SmallCNN(nn.Module):
    """Three blocks of convolution 16-32-64, max pooling and batch normalization, then a dense layer.

    The logarithm of the cell contents comes first: they span five decades. Averaging over phi before the dense
    layer makes the output nearly independent of a rotation of the event.

    Parameters
    ----------
    image_shape
        ``(n_channels, n_eta, n_phi)``; eta and phi at least 8 cells.
    width
        Channels of the first block; the next two double.
    dropout
        Probability before the dense layer.
    """

    def __init__(self, image_shape: tuple[int, int, int], *, width: int = 16, dropout: float = 0.3) -> None:
        super().__init__()
        n_channels, n_eta, n_phi = image_shape
        if min(n_eta, n_phi) < 8:
            raise InputError(
                f"network 'small' needs images of at least 8x8 cells, not {n_eta}x{n_phi}: change images.grid"
            )
        widths = [n_channels, width, 2 * width, 4 * width]
        self.blocks = nn.Sequential(*(self._block(before, after) for before, after in pairwise(widths)))
        self.head = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(widths[-1] * (n_eta // 8), 64), nn.ReLU(), nn.Linear(64, 1)
        )

    @staticmethod
    def _block(before: int, after: int) -> nn.Sequential:
        return nn.Sequential(
            # pooling first leaves a quarter of the cells for the two that follow
            PhiCircularConv2d(before, after, bias=False),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """``(n, c, eta, phi)`` to logits ``(n,)``."""
        features = self.blocks(torch.log1p(images))  # (n, 4 width, eta / 8, phi / 8)
        return self.head(features.mean(dim=3).flatten(1)).squeeze(1)


NETWORKS: dict[str, Callable[..., nn.Module]] = {"small": SmallCNN}
"""Network name -> constructor taking the image shape."""


def make_network(name: str, image_shape: tuple[int, int, int]) -> nn.Module:
    """A new network for images of a shape; InputError if the name is unknown."""
    if name not in NETWORKS:
        raise InputError(f"unknown network '{name}': choose from {', '.join(NETWORKS)}")
    return NETWORKS[name](image_shape)
