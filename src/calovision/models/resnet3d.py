"""The network ``resnet3d``: layers of the calorimeter as a third axis, ``(layer, eta, phi)``."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from calovision.core.depth import DepthAxis
from calovision.core.errors import InputError
from calovision.models.layers import FeatureNetwork, wrap_in_phi
from calovision.models.option_checks import check_options, require_depths

N_FEATURES = 64


class DepthConv3d(nn.Conv3d):
    """3x3x3 convolution that wraps around in phi and pads zeros in depth and eta.

    Parameters
    ----------
    before, after
        Numbers of channels.
    stride
        Of eta and phi; all layers stay.
    circular
        False pads zeros in phi too.
    """

    def __init__(self, before: int, after: int, stride: int = 1, *, circular: bool) -> None:
        padding = (1, 1, 0 if circular else 1)
        super().__init__(before, after, 3, (1, stride, stride), padding, bias=False)
        self.circular = circular

    def forward(self, images: Tensor) -> Tensor:
        """``(n, before, layer, eta, phi)`` to ``(n, after, layer, eta / stride, phi / stride)``."""
        return super().forward(wrap_in_phi(images, 1, 1) if self.circular else images)


class DepthBlock(nn.Module):
    """Two convolutions with batch normalization beside a shortcut, as `resnet.ResidualBlock`."""

    def __init__(self, before: int, after: int, stride: int, *, circular: bool) -> None:
        super().__init__()
        self.path = nn.Sequential(
            DepthConv3d(before, after, stride, circular=circular),
            nn.BatchNorm3d(after),
            nn.ReLU(inplace=True),
            DepthConv3d(after, after, circular=circular),
            nn.BatchNorm3d(after),
        )
        shortcut: list[nn.Module] = []
        if stride > 1:
            shortcut.append(nn.AvgPool3d((1, stride, stride), ceil_mode=True))
        if before != after:
            shortcut += [nn.Conv3d(before, after, 1, bias=False), nn.BatchNorm3d(after)]
        self.shortcut = nn.Sequential(*shortcut) if shortcut else nn.Identity()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, images: Tensor) -> Tensor:
        """``(n, before, layer, eta, phi)`` to ``(n, after, layer, eta / stride, phi / stride)``."""
        return self.relu(self.path(images) + self.shortcut(images))


class Volumes(nn.Module):
    """Images with channels by layer as volumes ``(n, quantity, layer, eta, phi)``.

    A channel without a layer is seen in each of them; where a quantity has no channel of a layer,
    there are zeros. The positions of the layers are a quantity, if they are given.

    Parameters
    ----------
    n_channels
        Of the images.
    channels
        Their names; without names each channel is a layer of one quantity.
    depths
        Position of each layer in depth, in any unit; None for none.

    Attributes
    ----------
    n_quantities, n_layers
        Of the volumes.

    Raises
    ------
    InputError
        If no channel is one of a layer, or there are other positions than layers.
    """

    def __init__(
        self, n_channels: int, channels: Sequence[str], depths: Sequence[float] | None
    ) -> None:
        super().__init__()
        axis = DepthAxis.of(channels or [f"energy_layer{layer}" for layer in range(n_channels)])
        if axis is None:
            raise InputError(
                "network 'resnet3d' needs channels by layer, as energy_layer0-11, but the images "
                f"have {', '.join(channels)}"
            )
        self.n_layers = len(axis.layers)
        # of each quantity in each layer: the channel, and one behind the last for zeros
        rows = [[n_channels if at is None else at for at in row] for row in axis.positions]
        rows += [[at] * self.n_layers for at in axis.others]
        self.has_gaps = any(at == n_channels for row in rows for at in row)
        self.n_quantities = len(rows)
        self.register_buffer("channel", torch.tensor(rows).flatten())
        self.register_buffer("depth", _standardized(depths, axis))
        self.n_quantities += self.depth is not None

    def forward(self, images: Tensor) -> Tensor:
        """``(n, channel, eta, phi)`` to ``(n, quantity, layer, eta, phi)``."""
        if self.has_gaps:
            images = torch.cat((images, torch.zeros_like(images[:, :1])), dim=1)
        volumes = images[:, self.channel].unflatten(1, (-1, self.n_layers))
        if self.depth is None:
            return volumes
        plane = self.depth.to(volumes.dtype)[:, None, None].expand_as(volumes[:, :1])
        return torch.cat((volumes, plane), dim=1)


def _standardized(depths: Sequence[float] | None, axis: DepthAxis) -> Tensor | None:
    """Positions of the layers from -1 to 1; InputError unless they are one for each layer."""
    require_depths("resnet3d", depths, axis.layers)
    if depths is None:
        return None
    low, high = min(depths), max(depths)
    return torch.tensor([2 * (one - low) / ((high - low) or 1) - 1 for one in depths])


class ResNet3D(FeatureNetwork):
    """Residual network of volumes: convolutions see neighbouring cells and neighbouring layers.

    As `resnet.ResNet`, with a third axis that no stage shortens: where in depth a shower starts
    and ends is what the layers are measured for. The end averages over phi and keeps depth and
    eta.

    Parameters
    ----------
    image_shape
        ``(n_channels, n_eta, n_phi)``; eta and phi at least 2 `total_stride` cells (8 as it comes).
    circular
        Let the convolutions wrap around in phi.
    channels
        Names of the channels, which say the layer of each (`calovision.core.depth`); without
        names each is a layer.
    stem
        Features of the first convolution.
    widths
        Features of each stage.
    n_blocks
        Residual blocks of each stage.
    depths
        Position of each layer, in ascending order of their numbers, such as radiation lengths: a
        further input, for layers of unequal thickness. None: the layers are equal.
    dropout
        Probability before the dense layer.

    Attributes
    ----------
    total_stride
        Cells of the image for one of the last stage.

    Raises
    ------
    InputError
        If ``widths`` and ``n_blocks`` differ in length, the image is too small, or there are no
        channels by layer.
    """

    channels_last = False  # which are the order of images, not of volumes

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        circular: bool = True,
        *,
        channels: Sequence[str] = (),
        stem: int = 8,
        widths: tuple[int, ...] = (16, 32),
        n_blocks: tuple[int, ...] = (1, 1),
        depths: Sequence[float] | None = None,
        dropout: float = 0.3,
    ) -> None:
        options = {"stem": stem, "widths": widths, "n_blocks": n_blocks, "dropout": dropout}
        check_options("resnet3d", image_shape, options)
        total_stride = 2 ** len(widths)
        super().__init__(n_features=N_FEATURES)
        self.total_stride = total_stride
        self.volumes = Volumes(image_shape[0], channels, depths)
        self.stem = nn.Sequential(
            DepthConv3d(self.volumes.n_quantities, stem, circular=circular),
            nn.MaxPool3d((1, 2, 2)),
            nn.BatchNorm3d(stem),
            nn.ReLU(inplace=True),
        )
        strides = [
            2 if stage > 0 and block == 0 else 1
            for stage, n in enumerate(n_blocks)
            for block in range(n)
        ]
        sizes = [
            stem,
            *(width for width, n in zip(widths, n_blocks, strict=True) for _ in range(n)),
        ]
        self.blocks = nn.Sequential(
            *(
                DepthBlock(before, after, stride, circular=circular)
                for before, after, stride in zip(sizes, sizes[1:], strides, strict=False)
            )
        )
        n_rows = image_shape[1] // 2
        for stride in strides:
            n_rows = -(-n_rows // stride)
        n_left = sizes[-1] * self.volumes.n_layers * n_rows
        self.dense = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(n_left, self.n_features), nn.ReLU()
        )

    def features(self, images: Tensor) -> Tensor:
        """``(n, c, eta, phi)`` to ``(n, 64)``."""
        blocks = self.blocks(self.stem(self.volumes(images)))  # (n, widths[-1], layer, eta, phi)
        return self.dense(blocks.mean(dim=4).flatten(1))
