"""The layered calorimeter: a barrel of cylinders like that of ATLAS, whose cells have layers.

[DET]: table 1.3 (cells), sections 5.2 and 5.3 (depths and radii). Numbers at eta = 0; a track at
eta crosses each cylinder on a path that is cosh(eta) times as long.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from calovision.simulation.showers.materials import (
    ALUMINIUM,
    ARGON,
    IRON,
    LEAD,
    POLYSTYRENE,
    Material,
    mix,
)

LEAD_ARGON = mix({LEAD: 1.53, IRON: 0.4, ARGON: 4.2})
"""A gap of the accordion: lead clad with steel, and twice 2.1 mm of argon [DET, section 5.2]."""

IRON_TILES = mix({IRON: 4.7, POLYSTYRENE: 1.0})
"""Steel and scintillating tiles, 4.7 to 1 by volume [DET, section 5.3]."""


@dataclass(frozen=True)
class Layer:
    """A cylinder of a calorimeter.

    Attributes
    ----------
    name, material
        What it is, and is made of.
    depth
        g/cm^2 at eta = 0.
    radius
        At which the energy is measured, mm.
    eta_size, n_phi
        Width of the cells in eta, and their number around the circle; 0 of a layer that measures
        nothing.
    em_sampling, had_sampling
        Stochastic terms of the resolution for electrons and for hadrons, sqrt(GeV).
    e_over_h
        Ratio of the responses to the electromagnetic and to the hadronic part of a shower.
    noise
        Of a cell, GeV.
    weight
        By which what is measured is multiplied.
    """

    name: str
    material: Material
    depth: float
    radius: float
    eta_size: float = 0.0
    n_phi: int = 0
    em_sampling: float = 0.1
    had_sampling: float = 0.1
    e_over_h: float = 1.0
    noise: float = 0.0
    weight: float = 1.0

    @property
    def phi_size(self) -> float:
        """Width of the cells in phi, rad."""
        return 2 * np.pi / self.n_phi


@dataclass(frozen=True)
class Calorimeter:
    """Layers from the inside to the outside, those without cells among them."""

    layers: tuple[Layer, ...]

    @cached_property
    def active(self) -> tuple[int, ...]:
        """Positions of the layers that have cells, whose order is the number of a cell's layer."""
        return tuple(n for n, layer in enumerate(self.layers) if layer.n_phi)

    def edges(self, length: str, eta: np.ndarray) -> np.ndarray:
        """Depths of the boundaries along tracks, in lengths of the material.

        Parameters
        ----------
        length
            "radiation_length", "interaction_length" or "pion_length".
        eta
            Of the tracks, ``(n,)``.

        Returns
        -------
        ``(n, n_layers + 1)``, from 0.
        """
        steps = [layer.depth / getattr(layer.material, length) for layer in self.layers]
        return np.cosh(eta)[:, np.newaxis] * np.concatenate([[0.0], np.cumsum(steps)])

    def values(self, name: str) -> np.ndarray:
        """An attribute of all layers, ``(n_layers,)``."""
        return np.array([getattr(layer, name) for layer in self.layers])


def _accordion(name: str, n_x0: float, radius: float, **cells: float) -> Layer:
    """Layer of the electromagnetic calorimeter: 10 % / sqrt(E) [DET, table 1.1], e/h = 1.74
    (hep-ex/0004009); the same sampling for hadrons, whose fluctuations e/h makes.
    """
    depth = n_x0 * LEAD_ARGON.radiation_length
    return Layer(name, LEAD_ARGON, depth, radius, e_over_h=1.74, **cells)


def _tiles(name: str, n_lambda: float, radius: float, **cells: float) -> Layer:
    """Layer of the tile calorimeter: 28 % / sqrt(E) for electrons, e/h = 1.36 (Adragna et al., NIM
    A 606 (2009) 362); 50 % / sqrt(E) for hadrons [DET, table 1.1]; noise of 30 MeV
    (arXiv:1007.5423).
    """
    depth = n_lambda * IRON_TILES.interaction_length
    resolution = {"em_sampling": 0.28, "had_sampling": 0.5, "e_over_h": 1.36, "noise": 0.03}
    return Layer(name, IRON_TILES, depth, radius, **resolution, **cells)


STRIP = 0.025 / 8  # width of the strips in eta
FRONT_X0 = 2.0  # tracker, solenoid and cryostat in front of the presampler [DET, section 5.2]
ARGON_OF_PRESAMPLER = 1.1 * ARGON.density  # 11 mm [DET, section 5.2]
LOSS_OF_A_PARTICLE = 2.1e-3 * 1.1  # GeV: 2.1 MeV/cm of a minimum-ionising particle in argon [RPP]

PRESAMPLER_WEIGHT = FRONT_X0 / (ARGON_OF_PRESAMPLER / ARGON.radiation_length)
"""It stands for the material in front, whose loss it is there to correct."""

ATLAS_LIKE = Calorimeter(
    (
        Layer("front material", ALUMINIUM, FRONT_X0 * ALUMINIUM.radiation_length, 1300.0),
        Layer(
            "presampler",
            ARGON,
            ARGON_OF_PRESAMPLER,
            1420.0,
            eta_size=0.025,
            n_phi=64,
            em_sampling=LOSS_OF_A_PARTICLE**0.5,
            had_sampling=LOSS_OF_A_PARTICLE**0.5,
            noise=0.045,
            weight=PRESAMPLER_WEIGHT,
        ),
        _accordion("strips", 4.3, 1520.0, eta_size=STRIP, n_phi=64, noise=0.015),
        _accordion("middle", 16.0, 1670.0, eta_size=0.025, n_phi=256, noise=0.03),
        _accordion("back", 2.0, 1840.0, eta_size=0.05, n_phi=256, noise=0.03),
        Layer("cryostat", ALUMINIUM, 0.3 * ALUMINIUM.interaction_length, 2100.0),
        _tiles("tiles, inner", 1.5, 2450.0, eta_size=0.1, n_phi=64),
        _tiles("tiles, middle", 4.1, 3000.0, eta_size=0.1, n_phi=64),
        _tiles("tiles, outer", 1.8, 3630.0, eta_size=0.2, n_phi=64),
    )
)
"""Seven layers with cells behind two radiation lengths of material. Noise of the argon layers:
arXiv:0912.2642, 10 to 50 MeV a cell."""
