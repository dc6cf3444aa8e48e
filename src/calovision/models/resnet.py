"""The network ``resnet``: the strong one for whole-detector images."""

import torch
from torch import nn

from calovision.models.layers import EtaPhiConv2d, FeatureNetwork
from calovision.models.option_checks import check_options


class ResidualBlock(nn.Module):
    """Two convolutions with batch normalization beside a shortcut (He et al., arXiv:1512.03385).

    A block that halves the image averages 2x2 cells on the shortcut instead of dropping three of
    four (He et al., arXiv:1812.01187).

    Parameters
    ----------
    before, after
        Numbers of channels.
    stride
        2 halves the image, 1 does not.
    circular
        Let the convolutions wrap around in phi.
    """

    def __init__(self, before: int, after: int, stride: int, *, circular: bool) -> None:
        super().__init__()
        self.path = nn.Sequential(
            EtaPhiConv2d(before, after, stride=stride, circular=circular, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
            EtaPhiConv2d(after, after, circular=circular, bias=False),
            nn.BatchNorm2d(after),
        )
        shortcut = [nn.AvgPool2d(stride, ceil_mode=True)] if stride > 1 else []
        if before != after:
            shortcut += [nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after)]
        self.shortcut = nn.Sequential(*shortcut) if shortcut else nn.Identity()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """``(n, before, eta, phi)`` to ``(n, after, eta / stride, phi / stride)``, rounded up."""
        return self.relu(self.path(images) + self.shortcut(images))


class ResNet(FeatureNetwork):
    """Residual network that wraps around in phi and averages over phi at its end.

    A convolution with max pooling, then stages of residual blocks of which all but the first halve
    the image, then the average over phi and a dense layer of 64 on what is left in eta: where in
    eta the energy lies is physics, where in phi is not. The output does not change in a rotation by
    `total_stride` cells if that divides their number.

    Parameters
    ----------
    image_shape
        ``(n_channels, n_eta, n_phi)``; eta and phi at least 2 `total_stride` cells (16 as it
        comes).
    circular
        Let the convolutions wrap around in phi.
    stem
        Channels of the first convolution.
    widths
        Channels of each stage.
    n_blocks
        Residual blocks of each stage.
    dropout
        Probability before the dense layer.

    Attributes
    ----------
    total_stride
        Cells of the image for one of the last stage.

    Raises
    ------
    InputError
        If ``widths`` and ``n_blocks`` differ in length, or the image is too small.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        circular: bool = True,
        *,
        stem: int = 16,
        widths: tuple[int, ...] = (32, 64, 128),
        n_blocks: tuple[int, ...] = (2, 2, 2),
        dropout: float = 0.3,
    ) -> None:
        options = {"stem": stem, "widths": widths, "n_blocks": n_blocks, "dropout": dropout}
        check_options("resnet", image_shape, options)
        total_stride = 2 ** len(widths)
        super().__init__(n_features=64)
        self.total_stride = total_stride
        self.stem = nn.Sequential(
            EtaPhiConv2d(image_shape[0], stem, circular=circular, bias=False),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(stem),
            nn.ReLU(inplace=True),
        )
        blocks = []
        before = stem
        n_rows = image_shape[1] // 2
        for stage, (width, n) in enumerate(zip(widths, n_blocks, strict=True)):
            for block in range(n):
                stride = 2 if stage > 0 and block == 0 else 1
                blocks.append(ResidualBlock(before, width, stride, circular=circular))
                before = width
                n_rows = -(-n_rows // stride)
        self.blocks = nn.Sequential(*blocks)
        self.dense = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(before * n_rows, self.n_features), nn.ReLU()
        )

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """``(n, c, eta, phi)`` to ``(n, 64)``."""
        blocks = self.blocks(
            self.stem(images)
        )  # (n, widths[-1], eta / total_stride, phi / total_stride)
        return self.dense(blocks.mean(dim=3).flatten(1))
