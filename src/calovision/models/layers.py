"""Parts that several networks are made of. Images are ``(n, channels, eta, phi)``."""

import torch
from torch import nn


class EtaPhiConv2d(nn.Conv2d):
    """Convolution that wraps around in phi and pads zeros in eta, without a change of size.

    phi = -pi and phi = pi are neighbours, so that a jet astride them looks like any other.

    Parameters
    ----------
    in_channels, out_channels
        Numbers of channels.
    kernel_size
        Cells in eta and in phi. An even one reaches one cell further up than down, as the padding
        ``same`` of other libraries does. The image must have at least ``kernel_size - 1`` cells in
        phi.
    stride
        Take every so many cells of the output only; n cells become n / stride, rounded up.
    circular
        False pads zeros in phi too, as jet images need it.
    **options
        Of ``torch.nn.Conv2d``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        stride: int = 1,
        *,
        circular: bool = True,
        **options: bool,
    ) -> None:
        before = (kernel_size - 1) // 2
        after = kernel_size // 2
        # where both sides get the same number of zeros, the convolution itself can do it, without a
        # copy
        equal = before == after
        padding = (before if equal else 0, before if equal and not circular else 0)
        super().__init__(
            in_channels, out_channels, kernel_size, stride=stride, padding=padding, **options
        )
        self.circular = circular
        self._sides = (before, after)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """``(n, in, eta, phi)`` to ``(n, out, eta, phi)``."""
        before, after = self._sides
        if self.circular and after:
            images = wrap_in_phi(images, before, after)
        if before != after:
            in_phi = (0, 0) if self.circular else self._sides
            images = nn.functional.pad(images, (*in_phi, before, after))
        return super().forward(images)

    def extra_repr(self) -> str:
        """Text of ``torch.nn.Conv2d``, with the padding in phi."""
        return f"{super().extra_repr()}, circular={self.circular}"


def wrap_in_phi(images: torch.Tensor, before: int, after: int) -> torch.Tensor:
    """Continue images in phi: their last ``before`` columns in front, their first ``after`` ones
    behind.

    Equals ``torch.nn.functional.pad(mode="circular")``, which loses the channels-last order of the
    memory, and whose gradient is summed over full images: in bfloat16 on a CPU that makes the
    convolutions take two to three times as long. Here each way is one copy. ``(n, c, ..., eta,
    phi)``, phi at least ``before + after`` cells.
    """
    middle = images.shape[-1] - before - after
    left, center, right = images.split((after, middle, before), dim=-1)
    return torch.cat((right, left, center, right, left), dim=-1)


class FeatureNetwork(nn.Module):
    """A network that turns images into features, to which `ImageModel` adds the head.

    Subclasses take ``(image_shape, circular, **options)``, call ``super().__init__(n_features)``,
    and define `features`.

    Attributes
    ----------
    n_features
        Features of an image.
    takes_points
        The variables of the event go into `features` themselves, as they are, and not into the head
        beside its features; such a network has ``check_variables(n_variables)``.
    channels_last
        Convolutions are quicker where the channels are the last in memory.
    """

    takes_points = False
    channels_last = True

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.n_features = n_features

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Scaled images ``(n, c, eta, phi)`` to features ``(n, n_features)``."""
        raise NotImplementedError(f"{type(self).__name__} defines no features")


def glorot_initialized(module: nn.Module) -> nn.Module:
    """Weights as Keras draws them (Glorot, Bengio, AISTATS 2010), biases 0: networks published with
    Keras learn so.

    In place; returns the module.
    """
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(part.weight)
            nn.init.zeros_(part.bias)
    return module
