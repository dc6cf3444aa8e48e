"""The network ``jet_cnn`` for jet images."""

import torch
from torch import nn

from calovision.models.layers import (
    EtaPhiConv2d,
    FeatureNetwork,
    glorot_initialized,
)
from calovision.models.option_checks import check_options


class JetCNN(FeatureNetwork):
    """Top tagger of Macaluso and Shih, arXiv:1803.00107: four 4x4 convolutions and three dense
    layers.

    Convolutions of 128 and 64 channels, 2x2 max pooling, two of 64, pooling again, dense layers of
    64, 256, 256, all with ReLU. The numbers are those of public code that follows the paper
    (github.com/knash/FirstML). Here every convolution keeps the size of the image; there the last
    three lose a cell, which a square of any size need not.

    Parameters
    ----------
    image_shape
        ``(n_channels, n_eta, n_phi)``; eta and phi at least 8 cells: 25x25, 33x33 and 37x37 of the
        literature fit.
    circular
        Let the convolutions wrap around in phi: False for a window around a jet.
    widths
        Channels of the four convolutions.
    dense
        Sizes of the dense layers.
    dropout
        Probability after each dense layer; the paper has none.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        circular: bool = True,
        *,
        widths: tuple[int, int, int, int] = (128, 64, 64, 64),
        dense: tuple[int, ...] = (64, 256, 256),
        dropout: float = 0.0,
    ) -> None:
        options = {"widths": widths, "dense": dense, "dropout": dropout}
        check_options("jet_cnn", image_shape, options)
        super().__init__(n_features=dense[-1])
        n_channels, n_eta, n_phi = image_shape
        first, second, third, fourth = widths
        self.convolutions = nn.Sequential(
            *_convolution(n_channels, first, circular),
            *_convolution(first, second, circular),
            nn.MaxPool2d(2),
            *_convolution(second, third, circular),
            *_convolution(third, fourth, circular),
            nn.MaxPool2d(2),
        )
        layers = []
        before = fourth * (n_eta // 4) * (n_phi // 4)
        for after in dense:
            layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
            before = after
        self.dense = nn.Sequential(*layers)
        glorot_initialized(self)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """``(n, c, eta, phi)`` to ``(n, dense[-1])``."""
        return self.dense(self.convolutions(images).flatten(1))


def _convolution(before: int, after: int, circular: bool) -> tuple[nn.Module, nn.Module]:
    return EtaPhiConv2d(before, after, kernel_size=4, circular=circular), nn.ReLU()
