"""The networks of the case study, arXiv:1711.03573: ``hep_cnn`` and ``nersc``."""

import torch
from torch import nn

from calovision.models.layers import (
    EtaPhiConv2d,
    FeatureNetwork,
    glorot_initialized,
)
from calovision.models.option_checks import check_options


class HepCNN(FeatureNetwork):
    """Four convolutions 64-128-256-256, two of them of stride 2, and a dense layer of 512 on all
    cells.

    34.5 M parameters at 64x64x3, nearly all of them in the dense layer. Layers and sizes are those
    of the case study's code; it pads zeros in phi (``circular=False``).

    Parameters
    ----------
    image_shape
        ``(n_channels, n_eta, n_phi)``; eta and phi at least 4 cells.
    circular
        Let the convolutions wrap around in phi.
    dense
        Size of the dense layer.
    dropout
        Probability after the dense layer; the case study has none.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        circular: bool = True,
        *,
        dense: int = 512,
        dropout: float = 0.0,
    ) -> None:
        check_options("hep_cnn", image_shape, {"dense": dense, "dropout": dropout})
        super().__init__(n_features=dense)
        n_channels, n_eta, n_phi = image_shape
        layers = []
        before = n_channels
        for after, stride in ((64, 1), (128, 2), (256, 1), (256, 2)):
            layers += [EtaPhiConv2d(before, after, stride=stride, circular=circular), nn.ReLU()]
            before = after
        self.convolutions = nn.Sequential(*layers)
        n_cells = _ceil_quarter(n_eta) * _ceil_quarter(n_phi)
        self.dense = nn.Sequential(
            nn.Linear(before * n_cells, dense), nn.ReLU(), nn.Dropout(dropout)
        )
        glorot_initialized(self)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """``(n, c, eta, phi)`` to ``(n, dense)``."""
        return self.dense(self.convolutions(images).flatten(1))


class NerscCNN(FeatureNetwork):
    """Blocks of convolution 128, ReLU, max pooling and dropout, and the average over all cells.

    NERSC's benchmark network in the case study's code: three blocks at 64x64 and four at 224x224
    cells there. The average leaves the output unchanged by rotations of 2 ** ``n_blocks`` cells.

    Parameters
    ----------
    image_shape
        ``(n_channels, n_eta, n_phi)``; eta and phi at least 2 ** ``n_blocks`` cells.
    circular
        Let the convolutions wrap around in phi.
    n_blocks
        Number of blocks; each halves the image.
    width
        Channels of every block.
    dropout
        Probability at the end of every block.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        circular: bool = True,
        *,
        n_blocks: int = 4,
        width: int = 128,
        dropout: float = 0.5,
    ) -> None:
        options = {"n_blocks": n_blocks, "width": width, "dropout": dropout}
        check_options("nersc", image_shape, options)
        super().__init__(n_features=width)
        layers = []
        before = image_shape[0]
        for _ in range(n_blocks):
            layers += [
                EtaPhiConv2d(before, width, circular=circular),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Dropout(dropout),
            ]
            before = width
        self.blocks = glorot_initialized(nn.Sequential(*layers))

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """``(n, c, eta, phi)`` to ``(n, width)``."""
        return self.blocks(images).mean(dim=(2, 3))


def _ceil_quarter(n: int) -> int:
    """Cells that two convolutions of stride 2 leave of n."""
    return -(-n // 4)
