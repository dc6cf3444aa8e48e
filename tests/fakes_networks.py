"""Networks of a user, good and bad, given by import path as ``fakes_networks:Class``."""

import torch
from torch import nn

from calovision.models import FeatureNetwork


class LogitNetwork(nn.Module):
    """Ends in a logit of shape (n, 1), and has a tensor that is not stored."""

    def __init__(self, image_shape, *, width=3):
        super().__init__()
        self.convolution = nn.Conv2d(image_shape[0], width, 1)
        self.dense = nn.Linear(width, 1)
        self.register_buffer("two", torch.full((), 2.0), persistent=False)

    def forward(self, images):
        return self.two * self.dense(self.convolution(images).mean(dim=(2, 3)))


class FlatLogitNetwork(LogitNetwork):
    """Logits of shape (n,); takes circular and any option."""

    def __init__(self, image_shape, circular, **options):
        super().__init__(image_shape)
        self.told = {"circular": circular} | options

    def forward(self, images):
        return super().forward(images)[:, 0]


class TwoLogits(LogitNetwork):
    """Two numbers an image."""

    def forward(self, images):
        return super().forward(images).expand(-1, 2)


class MeanFeatures(FeatureNetwork):
    """The mean of every channel as features."""

    def __init__(self, image_shape):
        super().__init__(n_features=image_shape[0])

    def features(self, images):
        return images.mean(dim=(2, 3))


class LoneFeatures(LogitNetwork):
    """Features beside its own logits, of no base class of the package."""

    def __init__(self, image_shape):
        super().__init__(image_shape)
        self.n_features = image_shape[0]

    def features(self, images):
        return images.amax(dim=(2, 3))


class TiedLayers(nn.Module):
    """One layer under two names, used twice."""

    def __init__(self, image_shape):
        super().__init__()
        n_cells = image_shape[0] * image_shape[1] * image_shape[2]
        self.first = nn.Linear(n_cells, n_cells)
        self.second = self.first
        self.gain = nn.Parameter(torch.ones(()))

    def forward(self, images):
        return self.gain * self.second(self.first(images.flatten(1))).sum(dim=1)


class NormalizedNetwork(nn.Sequential):
    """Normalizes numbers over the batch, one an image."""

    def __init__(self, image_shape):
        n_cells = image_shape[0] * image_shape[1] * image_shape[2]
        super().__init__(nn.Flatten(), nn.Linear(n_cells, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))


class NeedsMore(nn.Module):
    """Wants an argument that nobody gives."""

    def __init__(self, image_shape, size):
        super().__init__()


def no_class(image_shape):
    return LogitNetwork(image_shape)


class LinearInTheSum(nn.Module):
    """Logits linear in the sum of the contents: the optimum for sums that are normal in each class,
    with one width.
    """

    def __init__(self, image_shape, *, n_outputs=1):
        super().__init__()
        self.layer = nn.Linear(1, n_outputs)

    def forward(self, images):
        return self.layer(images.sum(dim=(1, 2, 3))[:, None])
