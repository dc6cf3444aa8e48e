"""The calorimeter of the parametrised detector: cells, energy shares, resolution and thresholds.

Units: GeV, radians. Two calorimeters, electromagnetic and hadronic, each a set of rings in eta with
equal cells in phi that start at -pi. [DET] and [DEL] as in `detector`.
"""

from dataclasses import dataclass

import numpy as np

from calovision.core.kinematics import wrap_phi

# (eta edges of one side, cells in phi). EM [DET, table 1.3]: the second layer of the liquid-argon
# calorimeter, which holds most of a shower; end-cap wheel beyond 2.5; forward calorimeter from 3.2.
EM_SEGMENTS = (
    (np.linspace(0.0, 2.5, 101), 256),
    (np.linspace(2.5, 3.2, 8), 64),
    (np.array([3.2, 3.4, 3.6, 3.8, 4.0, 4.2, 4.4, 4.6, 4.9]), 32),
)
# Hadronic [DET, table 1.3]: tile calorimeter and hadronic end cap, then end cap and forward
# calorimeter.
HAD_SEGMENTS = ((np.linspace(0.0, 2.5, 26), 64), (np.linspace(2.5, 4.9, 13), 32))

ALL_EM = (11, 22, 111)  # electrons, photons, undecayed neutral pions [DEL]
PARTLY_EM = (310, 3122)  # K0S, Lambda: 30 % [DEL]
PARTLY_EM_FRACTION = 0.3
NO_DEPOSIT = (
    12,
    13,
    14,
    16,
    1000012,
    1000014,
    1000016,
    1000022,
    1000023,
    1000025,
    1000035,
    1000039,
)

MIN_SIGNIFICANCE = 2.0  # of a cell's energy over its resolution [DEL]
TINY = 1e-12

# The largest float32 below pi, so that rounding to float32 keeps phi inside [-pi, pi).
PHI_LIMIT = float(np.nextafter(np.float32(np.pi), np.float32(0)))


@dataclass(frozen=True)
class Calorimeter:
    """Rings of cells: edges in eta, ascending, and per ring the number of cells in phi; smallest
    energy; resolution.

    ``resolution`` has one row a range of |eta|, ascending: its end, sampling term in sqrt(GeV),
    constant term and noise in GeV, added in quadrature: sigma^2 = sampling^2 E + constant^2 E^2 +
    noise^2.
    """

    eta_edges: np.ndarray
    n_phi: np.ndarray
    min_energy: float
    resolution: tuple[tuple[float, float, float, float], ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rings, and largest number of cells in one."""
        return len(self.n_phi), int(self.n_phi.max())

    def sigma(self, energy: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Energy resolution in GeV."""
        ends, *terms = np.array(self.resolution).T
        rows = np.minimum(np.searchsorted(ends, np.abs(eta)), len(ends) - 1)
        sampling, constant, noise = (term[rows] for term in terms)
        return np.sqrt(sampling**2 * energy + constant**2 * energy**2 + noise**2)


def _build(segments: tuple, **constants: object) -> Calorimeter:
    side = np.concatenate([[0.0], *(edges[1:] for edges, _ in segments)])
    n_phi = np.repeat([n for _, n in segments], [len(edges) - 1 for edges, _ in segments])
    return Calorimeter(
        np.concatenate([-side[:0:-1], side]), np.concatenate([n_phi[::-1], n_phi]), **constants
    )


# Resolutions and thresholds [DEL]. The noise of the barrel's hadronic cells, of which only those
# that are hit have any, decides with the cut on the significance what soft hadrons add to the jets.
EM = _build(
    EM_SEGMENTS, min_energy=0.5, resolution=((3.2, 0.101, 0.0017, 0.0), (4.9, 0.285, 0.035, 0.0))
)
HAD = _build(
    HAD_SEGMENTS,
    min_energy=1.0,
    resolution=((1.7, 0.5205, 0.0302, 1.59), (3.2, 0.706, 0.05, 0.0), (4.9, 1.0, 0.0942, 0.0)),
)


def measure_towers(
    event: np.ndarray,
    pdg_id: np.ndarray,
    energy: np.ndarray,
    eta: np.ndarray,
    phi: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Towers (event, eta, phi, e, e_em, e_had) of particles at the calorimeter's face; ``event``
    grows.
    """
    return join_layers(*measure_layers(event, pdg_id, energy, eta, phi, rng))


def measure_layers(
    event: np.ndarray,
    pdg_id: np.ndarray,
    energy: np.ndarray,
    eta: np.ndarray,
    phi: np.ndarray,
    rng: np.random.Generator,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Electromagnetic and hadronic cells of particles at the calorimeter's face (`read_out`)."""
    em, had = (share * energy for share in energy_shares(pdg_id))
    return (
        read_out(EM, *sum_cells(EM, event, eta, phi, em), rng),
        read_out(HAD, *sum_cells(HAD, event, eta, phi, had), rng),
    )


def join_layers(em: dict[str, np.ndarray], had: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Towers (event, eta, phi, e, e_em, e_had) of the cells of both calorimeters; ``event``
    grows.
    """
    order = np.argsort(np.concatenate([em["event"], had["event"]]), kind="stable")
    names = ("event", "eta", "phi", "e")
    towers = {name: np.concatenate([em[name], had[name]])[order] for name in names}
    is_em = order < len(em["event"])
    return towers | {
        "e_em": np.where(is_em, towers["e"], 0.0),
        "e_had": np.where(is_em, 0.0, towers["e"]),
    }


def energy_shares(pdg_id: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Electromagnetic and hadronic share of each particle's energy; ordinary hadrons are all
    hadronic [DEL].
    """
    kind = np.abs(pdg_id)
    em = np.where(
        np.isin(kind, ALL_EM), 1.0, np.where(np.isin(kind, PARTLY_EM), PARTLY_EM_FRACTION, 0.0)
    )
    return em, np.where(np.isin(kind, NO_DEPOSIT), 0.0, 1.0 - em)


def sum_cells(
    calorimeter: Calorimeter,
    event: np.ndarray,
    eta: np.ndarray,
    phi: np.ndarray,
    energy: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Event, ring, cell in phi and energy sum of the hit cells; what misses the rings (or is NaN)
    is lost.
    """
    edges = calorimeter.eta_edges
    hit = np.flatnonzero((energy > 0) & (eta >= edges[0]) & (eta < edges[-1]))
    cells, inverse = np.unique(
        cell_numbers(calorimeter, event[hit], eta[hit], phi[hit]), return_inverse=True
    )
    sums = np.bincount(inverse, weights=energy[hit], minlength=len(cells))
    n_rings, n_columns = calorimeter.shape
    return cells // (n_rings * n_columns), cells // n_columns % n_rings, cells % n_columns, sums


def cell_numbers(
    calorimeter: Calorimeter, event: np.ndarray, eta: np.ndarray, phi: np.ndarray
) -> np.ndarray:
    """Numbers of the cells that particles inside the rings hit, int64: (event, ring, cell in phi)
    in one.
    """
    n_phi = calorimeter.n_phi
    ring = np.searchsorted(calorimeter.eta_edges, eta, side="right") - 1
    column = np.floor(n_phi[ring] * (phi + np.pi) / (2 * np.pi)).astype(np.int64) % n_phi[ring]
    return _number(calorimeter, event, ring, column)


def _number(
    calorimeter: Calorimeter, event: np.ndarray, ring: np.ndarray, column: np.ndarray
) -> np.ndarray:
    n_rings, n_columns = calorimeter.shape
    return (event * n_rings + ring) * n_columns + column


def read_out(
    calorimeter: Calorimeter,
    event: np.ndarray,
    ring: np.ndarray,
    column: np.ndarray,
    energy: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Smeared energies above threshold, at a random place inside their cell: event, cell (its
    number, ascending), eta, phi, e and sigma, the resolution at this energy.

    The random place [DEL, SmearTowerCenter] keeps an image of another granularity free of stripes.
    """
    low, width = calorimeter.eta_edges[ring], np.diff(calorimeter.eta_edges)[ring]
    center = low + width / 2
    measured = smear(energy, calorimeter.sigma(energy, center), rng)
    sigma = calorimeter.sigma(measured, center)
    keep = measured >= np.maximum(calorimeter.min_energy, MIN_SIGNIFICANCE * sigma)
    eta = low + width * rng.random(len(low))
    phi = -np.pi + 2 * np.pi * (column + rng.random(len(low))) / calorimeter.n_phi[ring]
    cell = _number(calorimeter, event, ring, column)
    found = {"event": event, "cell": cell, "eta": eta, "phi": wrap(phi), "e": measured}
    return {name: values[keep] for name, values in (found | {"sigma": sigma}).items()}


def smear(mean: np.ndarray, sigma: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Log-normal numbers with the given mean and standard deviation (never negative), as in
    [DEL].
    """
    width_squared = np.log1p((sigma / mean) ** 2)
    return mean * np.exp(
        np.sqrt(width_squared) * rng.standard_normal(len(mean)) - width_squared / 2
    )


def wrap(phi: np.ndarray) -> np.ndarray:
    """Azimuth into [-pi, pi), also after rounding to float32 (float32(pi) is above pi)."""
    return np.clip(wrap_phi(phi), -PHI_LIMIT, PHI_LIMIT)
