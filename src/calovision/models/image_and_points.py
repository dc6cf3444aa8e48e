"""The network ``image_and_points``: a network of images and one of points, side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from calovision.models.layers import FeatureNetwork
from calovision.models.networks import NETWORKS
from calovision.models.option_checks import require_counts, require_part, require_share

POINT_COUNTS = ("towers", "tracks", "constituents")


class ImageAndPoints(FeatureNetwork):
    """Features of the image and of the points to those of both, through a dense layer.

    Training images may be turned and mirrored: the networks of points of the package see nothing
    of that, so that image and points stay those of one event.

    Parameters
    ----------
    image_shape
        Of the images.
    circular
        Of the network of images.
    variables
        Columns of the points, as of `ParticleTransformer`.
    channels
        Names of the channels of the images, for a network of layers.
    image, points
        Names of the two networks.
    image_options, point_options
        Their options; those of the points without the numbers of these.
    towers, tracks, constituents
        Numbers of points.
    width
        Features of both.
    dropout
        Probability before the dense layer.

    Raises
    ------
    InputError
        If one of the two is no network of its kind, or does not take an option.
    """

    takes_points = True

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        circular: bool = True,
        *,
        variables: Sequence[str] = (),
        channels: Sequence[str] = (),
        image: str = "resnet",
        image_options: Mapping[str, Any] | None = None,
        points: str = "particle_transformer",
        point_options: Mapping[str, Any] | None = None,
        towers: int = 100,
        tracks: int = 50,
        constituents: int = 40,
        width: int = 64,
        dropout: float = 0.1,
    ) -> None:
        require_counts("image_and_points", "width", width)
        require_share("image_and_points", "dropout", dropout)
        super().__init__(n_features=width)
        numbers = {"towers": towers, "tracks": tracks, "constituents": constituents}
        of_points = {**(point_options or {}), **numbers, "variables": variables}
        of_image = dict(image_options or {})
        if image in NETWORKS and NETWORKS[image].needs_layers:
            of_image["channels"] = channels
        self.of_image = _part("image", image, image_shape, circular, of_image)
        self.channels_last = self.of_image.channels_last
        self.of_points = _part("points", points, image_shape, circular, of_points)
        n_features = self.of_image.n_features + self.of_points.n_features
        self.of_both = nn.Sequential(nn.Dropout(dropout), nn.Linear(n_features, width), nn.ReLU())

    def check_variables(self, n_variables: int) -> None:
        """Raise InputError unless the variables are the points that the network takes."""
        self.of_points.check_variables(n_variables)

    def features(self, images: Tensor, variables: Tensor) -> Tensor:
        """Scaled images ``(n, c, eta, phi)`` and unscaled columns ``(n, n_variables)`` to ``(n,
        width)``.
        """
        of_image = self.of_image.features(images)
        return self.of_both(
            torch.cat([of_image, self.of_points.features(images, variables)], dim=1)
        )


def _part(
    kind: str,
    name: str,
    image_shape: tuple[int, int, int],
    circular: bool,
    options: Mapping[str, Any],
) -> FeatureNetwork:
    """A network by the name that an option gives; InputError if it is not of the kind."""
    require_part("image_and_points", kind, name, options)
    return NETWORKS[name].constructor(image_shape, circular, **options)
