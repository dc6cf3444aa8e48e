"""Energies in layers to measured cells: spots around the axis, sampling, noise, zero suppression.

A layer measures a shower in a Poisson number of spots of one energy, the square of its stochastic
term s: the sum of an energy E then fluctuates by s sqrt(E), however the cells share it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from calovision.core.kinematics import wrap_phi
from calovision.simulation.showers.geometry import Calorimeter, Layer
from calovision.simulation.showers.gun import Truth
from calovision.simulation.showers.lateral import Deposits

HALF_WINDOW = 0.2  # cells are read out this far around the particle, in eta and in phi
ZERO_SUPPRESSION = 3.0  # noises that a cell must have
SPOTS_AT_A_TIME = 1_000_000


@dataclass(frozen=True)
class Cells:
    """Measured cells of some events, flat, event after event and layer after layer.

    Attributes
    ----------
    event, layer
        Positions; that of the layer counts those with cells.
    eta, phi, eta_size, phi_size
        Center and widths.
    e
        GeV.
    """

    event: np.ndarray
    layer: np.ndarray
    eta: np.ndarray
    phi: np.ndarray
    eta_size: np.ndarray
    phi_size: np.ndarray
    e: np.ndarray


@dataclass(frozen=True)
class Window:
    """Cells of a layer around the particles of some events.

    Attributes
    ----------
    layer
        The layer.
    first_eta, first_phi
        Number of the first cell of each event, ``(n,)``; in phi it may be outside of the circle.
    n_eta, n_phi
        Cells of an event.
    """

    layer: Layer
    first_eta: np.ndarray
    first_phi: np.ndarray
    n_eta: int
    n_phi: int

    @classmethod
    def around(cls, layer: Layer, eta: np.ndarray, phi: np.ndarray) -> "Window":
        """Window of `HALF_WINDOW` on each side of a direction."""
        numbers = [int(np.ceil(2 * HALF_WINDOW / w)) + 1 for w in (layer.eta_size, layer.phi_size)]
        first_eta = np.floor((eta - HALF_WINDOW) / layer.eta_size).astype(int)
        first_phi = np.floor((phi + np.pi - HALF_WINDOW) / layer.phi_size).astype(int)
        return cls(layer, first_eta, first_phi, *numbers)

    @property
    def n_cells(self) -> int:
        """Cells of all events."""
        return len(self.first_eta) * self.n_eta * self.n_phi

    def numbers(
        self, event: np.ndarray, eta: np.ndarray, phi: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of the cells that are hit, and which of the places are inside the window."""
        row = np.floor(eta / self.layer.eta_size).astype(int) - self.first_eta[event]
        column = np.floor((phi + np.pi) / self.layer.phi_size).astype(int) - self.first_phi[event]
        inside = (row >= 0) & (row < self.n_eta) & (column >= 0) & (column < self.n_phi)
        number = (event * self.n_eta + row) * self.n_phi + column
        return number[inside], inside

    def places(self, number: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Event, eta and phi of the centers of cells."""
        event, rest = np.divmod(number, self.n_eta * self.n_phi)
        row, column = np.divmod(rest, self.n_phi)
        eta = (row + self.first_eta[event] + 0.5) * self.layer.eta_size
        phi = (column + self.first_phi[event] + 0.5) * self.layer.phi_size - np.pi
        return event, eta, wrap_phi(phi)


def measure(
    truth: Truth,
    deposits: Sequence[Deposits],
    calorimeter: Calorimeter,
    rng: np.random.Generator,
) -> Cells:
    """Cells above `ZERO_SUPPRESSION` around the particles; phi of the deposits is near theirs."""
    found: dict[str, list[np.ndarray]] = {name: [] for name in Cells.__dataclass_fields__}
    for number, position in enumerate(calorimeter.active):
        layer = calorimeter.layers[position]
        window = Window.around(layer, truth.eta, truth.phi)
        energies = layer.weight * sum(sum_spots(window, deposits, position, rng))
        energies += layer.noise * rng.standard_normal(window.n_cells)
        hit = np.flatnonzero(energies > ZERO_SUPPRESSION * layer.noise)
        event, eta, phi = window.places(hit)
        same = {"layer": number, "eta_size": layer.eta_size, "phi_size": layer.phi_size}
        columns = {"event": event, "eta": eta, "phi": phi, "e": energies[hit]}
        columns |= {name: np.full(len(hit), value) for name, value in same.items()}
        for name, column in columns.items():
            found[name].append(column)
    joined = {name: np.concatenate(columns) for name, columns in found.items()}
    order = np.argsort(joined["event"], kind="stable")
    return Cells(**{name: column[order] for name, column in joined.items()})


def sum_spots(
    window: Window, deposits: Iterable[Deposits], position: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Energies in the cells of a window, ``(n_cells,)``, part after part of the deposits."""
    yield np.zeros(window.n_cells)
    layer = window.layer
    for one in deposits:
        sampling = layer.had_sampling if one.is_hadronic else layer.em_sampling
        response = 1 / layer.e_over_h if one.is_hadronic else 1.0
        counts = rng.poisson(one.energy[:, position] * response / sampling**2)
        for rows in _blocks(counts):
            row = np.repeat(rows, counts[rows])
            radius = one.spread.draw(row, position, rng) / layer.radius
            angle = 2 * np.pi * rng.random(len(row))
            eta = one.eta[row] + radius * np.cos(angle)
            phi = one.phi[row] + radius * np.sin(angle)
            hit, _ = window.numbers(one.event[row], eta, phi)
            yield sampling**2 * np.bincount(hit, minlength=window.n_cells)


def _blocks(counts: np.ndarray) -> Iterator[np.ndarray]:
    """Rows with about `SPOTS_AT_A_TIME` spots together, so that the memory is bounded."""
    number = np.cumsum(counts) // SPOTS_AT_A_TIME
    yield from np.split(np.arange(len(counts)), np.flatnonzero(np.diff(number)) + 1)
