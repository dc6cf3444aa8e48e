"""The network ``deep_sets``: the hardest towers and tracks as a set of points, without cells.

It answers whether the image is the right form for the data: what it lacks against the images is the
soft rest of the event, what it has beyond them the exact positions.
"""

from itertools import pairwise

import torch
from torch import nn

from calovision.core.errors import InputError
from calovision.models.layers import FeatureNetwork, require_counts

TOWER_FIELDS, TRACK_FIELDS = 4, 3  # ET, eta, phi, electromagnetic share; pT, eta, phi
POINT_FEATURES = 4  # log ET, eta, distance in phi from the hardest tower, electromagnetic share


class DeepSets(FeatureNetwork):
    """One dense network for every tower, one for every track, their sums, and a dense network on
    those.

    Sums do not depend on the order of the points (Zaheer et al., arXiv:1703.06114; for jets
    Komiske, Metodiev, Thaler, arXiv:1810.05165). Azimuths are taken from the hardest tower, and eta
    and phi mirrored so that the transverse energy points to positive values: what turning and
    mirroring an event does not change.

    Parameters
    ----------
    image_shape
        Of the images, which the network does not look at.
    circular
        Means nothing here.
    towers, tracks
        Numbers of points in the variables ``leading_towers`` and ``leading_tracks``.
    width
        Of the dense layers.
    dropout
        Probability after the sums.

    Attributes
    ----------
    n_variables
        Numbers that it takes of an event.
    """

    takes_points = True

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        circular: bool = True,
        *,
        towers: int = 100,
        tracks: int = 50,
        width: int = 64,
        dropout: float = 0.1,
    ) -> None:
        require_counts("deep_sets", towers=towers, tracks=tracks, width=width)
        super().__init__(n_features=width)
        self.towers, self.tracks = towers, tracks
        self.n_variables = TOWER_FIELDS * towers + TRACK_FIELDS * tracks
        self.of_tower, self.of_track = (
            _dense(POINT_FEATURES, width, width, width) for _ in range(2)
        )
        self.of_event = nn.Sequential(nn.Dropout(dropout), _dense(2 * width + 2, 2 * width, width))

    def check_variables(self, n_variables: int) -> None:
        """Raise InputError unless the variables are the points that the network takes."""
        if n_variables != self.n_variables:
            raise InputError(
                f"network 'deep_sets' takes {self.n_variables} variables, of {self.towers} towers "
                f"and {self.tracks} tracks, not {n_variables}: give it the variables "
                "leading_towers and leading_tracks, and as many of them in event_content as in its "
                "options"
            )

    def features(self, _: torch.Tensor, variables: torch.Tensor) -> torch.Tensor:
        """Unscaled variables, ``leading_towers`` then ``leading_tracks`` ``(n, n_variables)``, to
        ``(n, width)``.
        """
        split = TOWER_FIELDS * self.towers
        towers = variables[:, :split].unflatten(1, (self.towers, TOWER_FIELDS))
        tracks = variables[:, split:].unflatten(1, (self.tracks, TRACK_FIELDS))
        axis, signs = _orientation(towers)
        sums = []
        for points, network in ((towers, self.of_tower), (tracks, self.of_track)):
            there = (points[:, :, 0] > 0).to(points.dtype)[
                :, :, None
            ]  # (n, points, 1); rows of zeros are padding
            filled = there.sum(dim=1)
            sums += [
                (network(_seen_from(points, axis, signs)) * there).sum(dim=1) / self.towers,
                filled / self.towers,
            ]
        return self.of_event(torch.cat(sums, dim=1))


def _dense(*widths: int) -> nn.Sequential:
    layers = [
        part for before, after in pairwise(widths) for part in (nn.Linear(before, after), nn.ReLU())
    ]
    return nn.Sequential(*layers)


def _orientation(towers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Azimuth of the hardest tower ``(n, 1)``, and the signs of eta and phi ``(n, 2)`` that mirror
    the event.
    """
    axis = towers[:, :1, 2]
    turned = torch.sin(towers[:, :, 2] - axis)
    sides = torch.stack(
        [(towers[:, :, 0] * towers[:, :, 1]).sum(dim=1), (towers[:, :, 0] * turned).sum(dim=1)],
        dim=1,
    )
    return axis, torch.where(sides < 0, -1.0, 1.0)


def _seen_from(points: torch.Tensor, axis: torch.Tensor, signs: torch.Tensor) -> torch.Tensor:
    """Features of each point, ``(n, points, 4)``; tracks have no electromagnetic share."""
    distance = torch.remainder(points[:, :, 2] - axis + torch.pi, 2 * torch.pi) - torch.pi
    share = points[:, :, 3] if points.shape[2] == TOWER_FIELDS else torch.zeros_like(distance)
    return torch.stack(
        [
            torch.log1p(points[:, :, 0].clamp(min=0)) / 3,
            points[:, :, 1] * signs[:, :1],
            distance * signs[:, 1:] / 2,
            share,
        ],
        dim=2,
    )
