"""The network ``particle_transformer``: attention between the constituents of a jet, or between the
hardest towers and tracks of an event, that knows how each pair stands to each other.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from calovision.models.attention import UNSEEN, ClassAttention, ClassToken, ParticleAttention
from calovision.models.layers import FeatureNetwork
from calovision.models.option_checks import check_options
from calovision.models.pair_features import SMALLEST, PairNetwork
from calovision.models.points import PointColumns, are_there

N_OF_CONSTITUENT = 7
N_OF_EVENT_POINT = 5
N_SURROUNDINGS = 8
"""Numbers of a pair whose means over all partners a particle begins with."""


class ParticleTransformer(FeatureNetwork):
    """Layers of attention between particles, with features of each pair as its bias, then a class
    token that looks at all of them (Qu, Li, Qian, arXiv:2202.03772, smaller). Beyond the paper, a
    particle begins with means over its pairs, alike and by pT: with the bias alone, a few thousand
    jets teach it little of distances.

    What turning and mirroring an event, or mirroring a jet, does not change is all that it sees:
    features of a particle are without direction, and where particles stand to each other is in
    those of the pairs.

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
        Features of a particle inside of the network, a multiple of ``heads``.
    layers, class_layers
        Layers of attention between particles, and of the class token.
    heads
        Of each of them.
    pair_width
        Of the dense layers that make the bias of the pairs.
    dropout
        Probability in the layers between particles.
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
        layers: int = 4,
        class_layers: int = 1,
        heads: int = 4,
        pair_width: int = 16,
        dropout: float = 0.0,
    ) -> None:
        sizes = {"towers": towers, "tracks": tracks, "constituents": constituents}
        counts = {"width": width, "layers": layers, "class_layers": class_layers, "heads": heads}
        others = {"pair_width": pair_width, "dropout": dropout}
        check_options("particle_transformer", image_shape, {**sizes, **counts, **others})
        super().__init__(n_features=width)
        self.columns = PointColumns.of("particle_transformer", variables, sizes)
        n_inputs = N_OF_CONSTITUENT if self.columns.is_of_jet else N_OF_EVENT_POINT
        self.embedding = nn.Sequential(
            nn.Linear(n_inputs, 2 * width),
            nn.GELU(),
            nn.LayerNorm(2 * width),
            nn.Linear(2 * width, width),
        )
        self.of_pairs = PairNetwork(self.columns.n_points, pair_width, heads + N_SURROUNDINGS)
        self.of_surroundings = nn.Linear(2 * N_SURROUNDINGS, width)
        self.between_particles = nn.ModuleList(
            ParticleAttention(width, heads, 2, dropout) for _ in range(layers)
        )
        self.token = ClassToken(width)
        self.of_class = nn.ModuleList(
            ClassAttention(width, heads, 2, 0.0) for _ in range(class_layers)
        )
        self.last = nn.LayerNorm(width)

    def check_variables(self, n_variables: int) -> None:
        """Raise InputError unless the variables are the points that the network takes."""
        self.columns.check(n_variables)

    def features(self, _: Tensor, variables: Tensor) -> Tensor:
        """Unscaled columns ``(n, n_variables)`` to ``(n, width)``."""
        points = [_without_padding(part) for part in self.columns.split(variables)]
        inputs = _of_constituents(*points) if self.columns.is_of_jet else _of_event(*points)
        pt, eta, phi = (torch.cat([part[:, :, n] for part in points], dim=1) for n in range(3))
        there = pt > 0
        hidden = torch.zeros_like(pt).masked_fill(~there, UNSEEN)  # (n, points)
        pairs = self.of_pairs(pt, eta, phi)
        bias = pairs[:, :-N_SURROUNDINGS] + hidden[:, None, None, :]
        weights = torch.stack([_shares(there.to(pt.dtype)), _shares(pt)], dim=2)  # (n, points, 2)
        around = _means(pairs[:, -N_SURROUNDINGS:], weights)
        particles = self.embedding(inputs * there[:, :, None]) + self.of_surroundings(around)
        for layer in self.between_particles:
            particles = layer(particles, bias)
        token = self.token(particles)
        of_token = nn.functional.pad(hidden, (1, 0))[:, None, None, :]
        for layer in self.of_class:
            token = layer(token, particles, of_token)
        return self.last(token[:, 0])


def _without_padding(points: Tensor) -> Tensor:
    """Zeros where there is no point, whatever stands there."""
    return torch.where(are_there(points)[:, :, None], points, 0.0)


def _of_constituents(constituents: Tensor) -> Tensor:
    """Features of constituents, ``(n, points, 7)``: how hard, alone and of the whole jet, how far
    from the axis, charge and electromagnetic share.
    """
    pt, d_eta, d_phi, energy, charge, share = constituents.unbind(dim=2)
    distance = torch.sqrt((d_eta**2 + d_phi**2).clamp(min=SMALLEST**2))
    features = [*_hardness(pt), *_hardness(energy), 4 * distance - 1, charge.clamp(-1, 1), share]
    return torch.stack(features, dim=2)


def _of_event(towers: Tensor, tracks: Tensor) -> Tensor:
    """Features of towers, then tracks, ``(n, points, 5)``: how hard, alone and of all of the kind,
    distance in eta from the middle, electromagnetic share, whether it is a track.
    """
    kinds = []
    for points, is_track in ((towers, 0.0), (tracks, 1.0)):
        pt = points[:, :, 0]
        share = torch.zeros_like(pt) if is_track else points[:, :, 3]
        features = [*_hardness(pt), points[:, :, 1].abs() - 1, share, torch.full_like(pt, is_track)]
        kinds.append(torch.stack(features, dim=2))
    return torch.cat(kinds, dim=1)


def _means(of_pairs: Tensor, weights: Tensor) -> Tensor:
    """Means of ``(n, numbers, points, points)`` over the partners with weights ``(n, points, k)``,
    ``(n, points, numbers * k)``.
    """
    n_numbers, n_points = of_pairs.shape[1:3]
    means = of_pairs.reshape(-1, n_numbers * n_points, n_points) @ weights
    return means.unflatten(1, (n_numbers, n_points)).transpose(1, 2).flatten(2)


def _shares(values: Tensor) -> Tensor:
    """Of each value in the sum of its row, ``(n, points)``; 0 where that is 0."""
    return values / values.sum(dim=1, keepdim=True).clamp(min=SMALLEST)


def _hardness(pt: Tensor) -> tuple[Tensor, Tensor]:
    """Logarithms of pT or energy, and of its share in the sum of all points, of the order of 1."""
    pt = pt.clamp(min=0)
    share = _shares(pt).clamp(min=SMALLEST)
    return (pt.clamp(min=SMALLEST).log() - 2) / 2, (share.log() + 4) / 2
