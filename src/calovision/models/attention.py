"""Attention between the particles of an event or a jet, and of a class token to them.

Particles are ``(n, points, width)``. Layers are normalized before and behind the attention and
inside of the dense part, as NormFormer (arXiv:2110.09456) and arXiv:2202.03772 do.
"""

import torch
from torch import Tensor, nn

UNSEEN = -1e4
"""Added to what is not to be seen: nothing of it is left in float32 or bfloat16, and where nothing
else is there, no NaN comes of it."""


class ParticleAttention(nn.Module):
    """Particles look at all others, with the bias of the pairs.

    Parameters
    ----------
    width
        Features of a particle.
    heads
        Number of heads, a divisor of ``width``.
    expansion
        Width of the dense part, as a multiple of ``width``.
    dropout
        Probability behind the attention and the dense part.
    """

    def __init__(self, width: int, heads: int, expansion: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.weights = AttentionWeights()
        self.of_heads = nn.Linear(width, width)
        self.behind = nn.LayerNorm(width)
        self.dense = _Dense(width, expansion, dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, particles: Tensor, bias: Tensor) -> Tensor:
        """``(n, points, width)``, and bias ``(n, heads, points, points)``, to the same shape."""
        query, key, value = (
            _of_each_head(part, self.heads)
            for part in self.query_key_value(self.before(particles)).chunk(3, dim=2)
        )
        seen = _of_all_heads(self.weights(query, key, bias) @ value)
        particles = particles + self.dropout(self.behind(self.of_heads(seen)))
        return particles + self.dense(particles)


class ClassAttention(nn.Module):
    """The class token looks at itself and at all particles.

    Parameters are those of `ParticleAttention`.
    """

    def __init__(self, width: int, heads: int, expansion: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.weights = AttentionWeights()
        self.of_heads = nn.Linear(width, width)
        self.behind = nn.LayerNorm(width)
        self.dense = _Dense(width, expansion, dropout)

    def forward(self, token: Tensor, particles: Tensor, bias: Tensor) -> Tensor:
        """Token ``(n, 1, width)``, particles ``(n, points, width)``, bias ``(n, 1, 1, points + 1)``
        to the token.
        """
        both = self.before(torch.cat([token, particles], dim=1))
        key, value = (
            _of_each_head(part, self.heads) for part in self.key_value(both).chunk(2, dim=2)
        )
        query = _of_each_head(self.query(both[:, :1]), self.heads)
        seen = _of_all_heads(self.weights(query, key, bias) @ value)
        token = token + self.behind(self.of_heads(seen))
        return token + self.dense(token)


class AttentionWeights(nn.Module):
    """Share that each query takes of each key; a module, so that `network_table` counts it."""

    def forward(self, query: Tensor, key: Tensor, bias: Tensor) -> Tensor:
        """``(n, heads, queries, width)``, ``(n, heads, keys, width)`` and what is added, to ``(n,
        heads, queries, keys)``.
        """
        scores = (query / query.shape[3] ** 0.5) @ key.transpose(2, 3)
        return (scores + bias).softmax(dim=3)


class ClassToken(nn.Module):
    """Token that stands for the whole event before it looks at the particles: ``width`` numbers
    that are learned.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.empty(width).normal_(std=0.02))

    def forward(self, particles: Tensor) -> Tensor:
        """One for each event of ``(n, points, width)``, ``(n, 1, width)``."""
        return self.token.expand(particles.shape[0], 1, -1)  # ONNX would keep the number of len


class _Dense(nn.Sequential):
    """Two dense layers, normalized before each."""

    def __init__(self, width: int, expansion: int, dropout: float) -> None:
        super().__init__(
            nn.LayerNorm(width),
            nn.Linear(width, expansion * width),
            nn.GELU(),
            nn.LayerNorm(expansion * width),
            nn.Linear(expansion * width, width),
            nn.Dropout(dropout),
        )


def _of_each_head(features: Tensor, heads: int) -> Tensor:
    """``(n, points, width)`` to ``(n, heads, points, width / heads)``."""
    return features.unflatten(2, (heads, -1)).transpose(1, 2)


def _of_all_heads(features: Tensor) -> Tensor:
    """``(n, heads, points, width / heads)`` to ``(n, points, width)``."""
    return features.transpose(1, 2).flatten(2)
