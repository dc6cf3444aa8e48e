"""Scalings of the contents of the cells before the network, as its first layer, so that it is
stored with it.

- ``log1p``: log(1 + content), with the sign of the content: contents span five decades;
- ``maximum``: divided by the largest value of the channel over the training images, as
  arXiv:1711.03573 does;
- ``image``: divided by the largest value of the channel in the same image: the pattern alone;
- ``standardize``: minus mean, divided by standard deviation, of each cell over the training images
  (jet images);
- ``none``: as they are.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from calovision.core.errors import InputError


@dataclass
class ScalingStatistics:
    """Statistics of the training split that scalings of cells and of variables need; None: not
    measured.

    Attributes
    ----------
    maxima
        Largest value of each channel, ``(n_channels,)``.
    mean, std
        Of each cell, ``(n_channels, n_eta, n_phi)``. Whatever is to be added to the standard
        deviation is in it.
    variable_mean, variable_std
        ``(n_variables,)``.
    target_mean, target_spread
        Of the target, or of its logarithm (`calovision.models.target`).
    """

    maxima: np.ndarray | None = None
    mean: np.ndarray | None = None
    std: np.ndarray | None = None
    variable_mean: np.ndarray | None = None
    variable_std: np.ndarray | None = None
    target_mean: float | None = None
    target_spread: float | None = None


class Scaling(nn.Module):
    """``none``, and what the others have in common: images ``(n, c, eta, phi)`` to images of the
    same shape.

    Attributes
    ----------
    of_cells
        Every cell is scaled by its content alone, and an empty one stays empty: the contents of
        sparse images can be scaled before these are made dense.
    """

    of_cells = True

    def set_statistics(self, statistics: ScalingStatistics) -> None:
        """Take what the scaling needs of the training split; InputError if it lacks that."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images as they are."""
        return images


class LogScaling(Scaling):
    """log(1 + content); negative contents, which noise makes, keep their sign."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """sign(x) log(1 + |x|)."""
        return torch.copysign(torch.log1p(images.abs()), images)


class MaximumScaling(Scaling):
    """Divided by the largest value of each channel over the training images."""

    of_cells = False

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.register_buffer("factor", torch.ones(n_channels, 1, 1))

    def set_statistics(self, statistics: ScalingStatistics) -> None:
        """Take ``maxima``; a channel that is empty everywhere stays as it is."""
        maxima = measured(statistics, "maxima", self.factor.shape[:1], "scaling 'maximum'")
        self.factor.copy_((1 / torch.where(maxima > 0, maxima, 1.0))[:, None, None])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """``(n, c, eta, phi)`` times ``(c, 1, 1)``."""
        return images * self.factor


class ImageScaling(Scaling):
    """Divided by the largest value of the channel in the same image; empty channels stay empty."""

    of_cells = False

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Each image on its own."""
        largest = images.abs().amax(dim=(2, 3), keepdim=True)  # (n, c, 1, 1)
        return images / torch.where(largest > 0, largest, 1.0)


class StandardScaling(Scaling):
    """Minus mean, divided by standard deviation, of each cell over the training images."""

    of_cells = False

    def __init__(self, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(image_shape))
        self.register_buffer("factor", torch.ones(image_shape))

    def set_statistics(self, statistics: ScalingStatistics) -> None:
        """Take ``mean`` and ``std``; a cell that never changed says nothing and becomes 0."""
        user = "scaling 'standardize'"
        shape = self.mean.shape
        self.mean.copy_(measured(statistics, "mean", shape, user))
        self.factor.copy_(_inverse(measured(statistics, "std", shape, user)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """``(n, c, eta, phi)`` with ``(c, eta, phi)``."""
        return (images - self.mean) * self.factor


class VariableScaling(nn.Module):
    """Minus mean, divided by standard deviation, of each variable over the training events."""

    def __init__(self, n_variables: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_variables))
        self.register_buffer("factor", torch.ones(n_variables))

    def set_statistics(self, statistics: ScalingStatistics) -> None:
        """Take ``variable_mean`` and ``variable_std``; a variable that never changed becomes 0."""
        user = "a model with variables"
        shape = self.mean.shape
        self.mean.copy_(measured(statistics, "variable_mean", shape, user))
        self.factor.copy_(_inverse(measured(statistics, "variable_std", shape, user)))

    def forward(self, variables: torch.Tensor) -> torch.Tensor:
        """``(n, n_variables)``, standardized."""
        return (variables - self.mean) * self.factor


def make_scaling(name: str, image_shape: tuple[int, int, int]) -> Scaling:
    """A scaling of `SCALINGS`; those that need statistics leave images as they are until they get
    them.
    """
    return {
        "log1p": LogScaling,
        "maximum": lambda: MaximumScaling(image_shape[0]),
        "image": ImageScaling,
        "standardize": lambda: StandardScaling(image_shape),
        "none": Scaling,
    }[name]()


def _inverse(std: torch.Tensor) -> torch.Tensor:
    return torch.where(std > 0, 1 / std, 0.0)


def measured(
    statistics: ScalingStatistics, name: str, shape: torch.Size, user: str
) -> torch.Tensor:
    """A statistic as float64; InputError if it is missing, not finite or of another shape."""
    values = getattr(statistics, name)
    if values is None:
        raise InputError(
            f"{user} needs the {name} of the training split: give a ScalingStatistics with it"
        )
    values = np.asarray(values, dtype=np.float64)
    if values.shape != tuple(shape):
        raise InputError(f"{user} needs the {name} of shape {tuple(shape)}, not {values.shape}")
    if not np.isfinite(values).all():
        raise InputError(
            f"{user}: the {name} of the training split is not finite; look for NaN in what was "
            "measured"
        )
    return torch.from_numpy(values)
