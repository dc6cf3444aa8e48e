"""The network ``small``: a few seconds an epoch on a laptop."""

from itertools import pairwise

import torch
from torch import nn

from calovision.models.layers import EtaPhiConv2d, FeatureNetwork
from calovision.models.option_checks import check_options


class SmallCNN(FeatureNetwork):
    """Three blocks of convolution 16-32-64, max pooling and batch normalization, then a dense layer
    of 64.

    The convolutions of the tutorials of arXiv:1711.03573. Averaging over phi before the dense layer
    makes the output unchanged by a rotation of the event by eight cells, and nearly so by others.

    Parameters
    ----------
    image_shape
        ``(n_channels, n_eta, n_phi)``; eta and phi at least 8 cells.
    circular
        Let the convolutions wrap around in phi.
    width
        Channels of the first block; the next two double.
    dropout
        Probability before the dense layer.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        circular: bool = True,
        *,
        width: int = 16,
        dropout: float = 0.3,
    ) -> None:
        super().__init__(n_features=64)
        check_options("small", image_shape, {"width": width, "dropout": dropout})
        n_channels, n_eta, _ = image_shape
        widths = [n_channels, width, 2 * width, 4 * width]
        self.blocks = nn.Sequential(*(self._block(*pair, circular) for pair in pairwise(widths)))
        self.dense = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(widths[-1] * (n_eta // 8), self.n_features), nn.ReLU()
        )

    @staticmethod
    def _block(before: int, after: int, circular: bool) -> nn.Sequential:
        return nn.Sequential(
            # pooling first leaves a quarter of the cells for the two that follow
            EtaPhiConv2d(before, after, circular=circular, bias=False),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        )

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """``(n, c, eta, phi)`` to ``(n, 64)``."""
        blocks = self.blocks(images)  # (n, 4 width, eta / 8, phi / 8)
        return self.dense(blocks.mean(dim=3).flatten(1))
