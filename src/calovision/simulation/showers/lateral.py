"""Energies in layers, and how they spread around the axis of a shower."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Spread(Protocol):
    """Distances from the axis at which a shower leaves its energy."""

    def draw(self, row: np.ndarray, layer: int, rng: np.random.Generator) -> np.ndarray:
        """Distances of spots of the showers ``row`` in a layer, mm, ``(len(row),)``."""
        ...


@dataclass(frozen=True)
class Deposits:
    """Energy that showers leave in each layer, before it is measured.

    Attributes
    ----------
    event
        Position of the event of each, ``(n,)``.
    eta, phi
        Directions of the axes, ``(n,)``.
    energy
        ``(n, n_layers)``, GeV.
    spread
        Around the axis.
    is_hadronic
        The part of a hadron's shower that the calorimeter answers with h/e.
    """

    event: np.ndarray
    eta: np.ndarray
    phi: np.ndarray
    energy: np.ndarray
    spread: Spread
    is_hadronic: bool = False


@dataclass(frozen=True)
class CoreAndTail:
    """Two terms 2 r R^2 / (r^2 + R^2)^2, core and tail; ``(n, n_layers)`` each, mm."""

    core: np.ndarray
    tail: np.ndarray
    share: np.ndarray

    def draw(self, row: np.ndarray, layer: int, rng: np.random.Generator) -> np.ndarray:
        """Half of each term is within its R: r = R sqrt(u / (1 - u)) with u even in [0, 1)."""
        in_core = rng.random(len(row)) < self.share[row, layer]
        radius = np.where(in_core, self.core[row, layer], self.tail[row, layer])
        u = rng.random(len(row))
        return radius * np.sqrt(u / (1 - u))


@dataclass(frozen=True)
class Laplace:
    """Density of which any projection on a line falls as exp(-|x| / scale).

    ``scale`` is that of each layer, mm. The density is K0(r / scale) / (2 pi scale^2): a Gaussian
    whose variance is exponential around 2 scale^2.
    """

    scale: np.ndarray

    def draw(self, row: np.ndarray, layer: int, rng: np.random.Generator) -> np.ndarray:
        """Distances of spots, mm."""
        first, second = rng.standard_exponential((2, len(row)))
        return 2 * self.scale[layer] * np.sqrt(first * second)


class Line:
    """Energy on the axis itself."""

    def draw(self, row: np.ndarray, layer: int, rng: np.random.Generator) -> np.ndarray:
        """Return zeros."""
        return np.zeros(len(row))
