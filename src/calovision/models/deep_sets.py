"""The network ``deep_sets``: the hardest towers and tracks, or the constituents of a jet, as a set
of points, without cells.

It answers whether the image is the right form for the data: what it lacks against the images is the
soft rest of the event, what it has beyond them the exact positions.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from calovision.models.layers import FeatureNetwork
from calovision.models.option_checks import check_options
from calovision.models.points import FIELDS, PointColumns, are_there

POINT_FEATURES = 4  # log ET, eta, distance in phi from the hardest tower, electromagnetic share
CONSTITUENT_FEATURES = 6  # log pT, distance in eta and phi from the axis, log E, charge, the share


class DeepSets(FeatureNetwork):
    """One dense network for every tower and one for every track, or one for every constituent of a
    jet, their sums, and a dense network on those.

    Sums do not depend on the order of the points (Zaheer et al., arXiv:1703.06114; for jets
    Komiske, Metodiev, Thaler, arXiv:1810.05165). Azimuths of an event are taken from the hardest
    tower, and eta and phi of events and jets mirrored so that the transverse energy points to
    positive values: what turning and mirroring an event does not change.

    Parameters
    ----------
    image_shape
        Of the images, which the network does not look at.
    circular
        Means nothing here.
    variables
        Columns of the model: ``constituents``, or ``leading_towers`` and ``leading_tracks``.
    towers, tracks, constituents
        Numbers of points in these.
    width
        Of the dense layers.
    dropout
        Probability after the sums.

    Attributes
    ----------
    columns
        That it takes.
    """

    takes_points = True

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        circular: bool = True,
        *,
        variables: Sequence[str] = (),
        towers: int = 100,
        tracks: int = 50,
        constituents: int = 40,
        width: int = 64,
        dropout: float = 0.1,
    ) -> None:
        sizes = {"towers": towers, "tracks": tracks, "constituents": constituents}
        check_options("deep_sets", image_shape, {**sizes, "width": width, "dropout": dropout})
        super().__init__(n_features=width)
        self.columns = PointColumns.of("deep_sets", variables, sizes)
        if self.columns.is_of_jet:
            self.of_constituent = _dense(CONSTITUENT_FEATURES, width, width, width)
            kinds = 1
        else:
            self.of_tower, self.of_track = (
                _dense(POINT_FEATURES, width, width, width) for _ in range(2)
            )
            kinds = 2
        self.of_event = nn.Sequential(
            nn.Dropout(dropout), _dense(kinds * (width + 1), 2 * width, width)
        )

    def check_variables(self, n_variables: int) -> None:
        """Raise InputError unless the variables are the points that the network takes."""
        self.columns.check(n_variables)

    def features(self, _: torch.Tensor, variables: torch.Tensor) -> torch.Tensor:
        """Unscaled columns ``(n, n_variables)`` to ``(n, width)``."""
        points = self.columns.split(variables)
        if self.columns.is_of_jet:
            kinds = [(_about_the_axis(points[0]), self.of_constituent)]
        else:
            axis, signs = _orientation(points[0])
            kinds = [
                (_seen_from(of_kind, axis, signs), network)
                for of_kind, network in zip(points, (self.of_tower, self.of_track), strict=True)
            ]
        n_slots = points[0].shape[1]
        sums = []
        for of_kind, (seen, network) in zip(points, kinds, strict=True):
            there = are_there(of_kind).to(variables.dtype)[:, :, None]  # (n, points, 1)
            sums += [(network(seen) * there).sum(dim=1) / n_slots, there.sum(dim=1) / n_slots]
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
    return axis, _signs(towers[:, :, 0], towers[:, :, 1], turned)


def _signs(pt: torch.Tensor, *sides: torch.Tensor) -> torch.Tensor:
    """Signs ``(n, sides)`` that put more of the pT ``(n, points)`` on the positive sides."""
    sums = torch.stack([(pt * side).sum(dim=1) for side in sides], dim=1)
    return torch.where(sums < 0, -1.0, 1.0)


def _about_the_axis(points: torch.Tensor) -> torch.Tensor:
    """Features of each constituent of a jet, ``(n, points, 6)``; distances in units of about the
    radius of a subjet.
    """
    pt, d_eta, d_phi, energy, charge, share = points.unbind(dim=2)
    signs = _signs(pt.clamp(min=0), d_eta, d_phi)
    return torch.stack(
        [
            torch.log1p(pt.clamp(min=0)) / 3,
            4 * d_eta * signs[:, :1],
            4 * d_phi * signs[:, 1:],
            torch.log1p(energy.clamp(min=0)) / 3,
            charge.clamp(-1, 1),
            share,
        ],
        dim=2,
    )


def _seen_from(points: torch.Tensor, axis: torch.Tensor, signs: torch.Tensor) -> torch.Tensor:
    """Features of each point, ``(n, points, 4)``; tracks have no electromagnetic share."""
    distance = torch.remainder(points[:, :, 2] - axis + torch.pi, 2 * torch.pi) - torch.pi
    share = (
        points[:, :, 3]
        if points.shape[2] == FIELDS["leading_towers"]
        else torch.zeros_like(distance)
    )
    return torch.stack(
        [
            torch.log1p(points[:, :, 0].clamp(min=0)) / 3,
            points[:, :, 1] * signs[:, :1],
            distance * signs[:, 1:] / 2,
            share,
        ],
        dim=2,
    )
