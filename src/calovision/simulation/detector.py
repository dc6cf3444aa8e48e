"""A parametrised ATLAS-like detector: generated particles -> calorimeter towers and tracks.

Units: GeV, radians, m. Everything is vectorised over the particles of a batch: flat arrays with an
event index. Sources: [DET] ATLAS detector paper, JINST 3 (2008) S08003; [DEL] Delphes 3,
arXiv:1307.6346, and the ATLAS card that comes with it (version 3.5). Simplifications, as in [DEL]:
particles start at the origin, keep their energy on the way, and deposit it all in the one cell that
they point at; there is no shower or dead material.
"""

from functools import lru_cache

import awkward as ak
import numpy as np
from particle.pdgid import charge as charge_of_id

from calovision.simulation import calorimeter
from calovision.simulation.particle_flow import FlowInput, find_candidates

# Solenoid: field, radius and half length of the tracking volume [DET, section 1.2; DEL].
FIELD = 2.0  # T
RADIUS = 1.15  # m
HALF_LENGTH = 3.51  # m
CURVATURE_UNIT = 0.299792458  # GeV / (T m): pT = 0.2998 |q| B r

# Tracking [DEL]: acceptance [DET, table 1.1], efficiency for pT in (0.1, 1], (1, 100], above 100
# GeV.
TRACK_MAX_ETA = 2.5
TRACK_CENTRAL_ETA = 1.5
TRACK_PT_EDGES = np.array([0.1, 1.0, 100.0])
EFFICIENCY_HADRON = np.array([[0.0, 0.70, 0.95, 0.95], [0.0, 0.60, 0.85, 0.85]])
EFFICIENCY_ELECTRON = np.array([[0.0, 0.73, 0.95, 0.99], [0.0, 0.50, 0.83, 0.90]])
EFFICIENCY_MUON = np.array([[0.0, 0.75, 0.99, 0.99], [0.0, 0.70, 0.98, 0.98]])

# Relative pT resolution a (+) b pT in quadrature [DEL], rows: |eta| up to 0.5, 1.5, 2.5; columns a,
# b (1/GeV).
RESOLUTION_ETA_EDGES = np.array([0.5, 1.5])
RESOLUTION_HADRON = np.array([[0.06, 1.3e-3], [0.10, 1.7e-3], [0.25, 3.1e-3]])
RESOLUTION_ELECTRON = np.array([[0.03, 1.3e-3], [0.05, 1.7e-3], [0.15, 3.1e-3]])
RESOLUTION_MUON = np.array([[0.01, 1.0e-4], [0.015, 1.5e-4], [0.025, 3.5e-4]])

VERTEX_RESOLUTION = 0.1  # mm [DEL, TrackPileUpSubtractor of the card with pile-up]

ELECTRON, MUON = 11, 13
TINY = 1e-12


def simulate_detector(particles: ak.Array, rng: np.random.Generator) -> tuple[ak.Array, ak.Array]:
    """Towers and tracks of generated events.

    Parameters
    ----------
    particles
        Final-state particles, ``n_events * var * {id, px, py, pz, e}``; with pile-up also ``z``,
        the distance of their collision from the hard one along the beam, mm. Tracks further away
        than `VERTEX_RESOLUTION` are told apart and left out.
    rng
        Random numbers.

    Returns
    -------
    towers
        ``n_events * var * {eta, phi, e, e_em, e_had}``; an entry is electromagnetic or hadronic,
        the other energy is 0.
    tracks
        ``n_events * var * {pt, eta, phi, charge}``, angles at the vertex.

    Notes
    -----
    float64, but phi stays inside [-pi, pi) when rounded to float32. The order of the entries means
    nothing.
    """
    return _measure(particles, rng)[:2]


def simulate_with_particle_flow(
    particles: ak.Array, rng: np.random.Generator
) -> tuple[ak.Array, ak.Array, ak.Array]:
    """Towers and tracks as `simulate_detector` gives them, to the last bit, and the candidates of
    `particle_flow.find_candidates`, ``n_events * var * {pt, eta, phi, e, e_em, e_had, charge}``.
    """
    towers, tracks, flow = _measure(particles, rng)
    candidates = find_candidates(flow)
    event = candidates.pop("event")
    return towers, tracks, _jagged(candidates, event, len(particles))


def _measure(particles: ak.Array, rng: np.random.Generator) -> tuple[ak.Array, ak.Array, FlowInput]:
    """Towers and tracks, and what particle flow is made of."""
    counts = ak.to_numpy(ak.num(particles.id))
    event = np.repeat(np.arange(len(counts)), counts)
    flat = {name: ak.to_numpy(ak.flatten(particles[name])) for name in particles.fields}
    pt = np.hypot(flat["px"], flat["py"])
    eta = np.arcsinh(flat["pz"] / np.maximum(pt, TINY))
    phi = np.arctan2(flat["py"], flat["px"])
    charge = particle_charges(flat["id"])
    of_hard_collision = np.abs(flat.get("z", np.zeros(len(pt)))) < VERTEX_RESOLUTION
    tracks = measure_tracks(flat["id"], np.where(of_hard_collision, charge, 0), pt, eta, phi, rng)
    eta_outer, phi_outer = propagate(pt, eta, phi, charge)
    em, had = calorimeter.measure_layers(event, flat["id"], flat["e"], eta_outer, phi_outer, rng)
    of_track = tracks.pop("index")
    flow = FlowInput(
        {**tracks, "event": event[of_track], "id": flat["id"][of_track]},
        (eta_outer[of_track], phi_outer[of_track]),
        em,
        had,
    )
    towers = calorimeter.join_layers(em, had)
    measured = {name: values for name, values in tracks.items() if name != "resolution"}
    return (
        _jagged({k: v for k, v in towers.items() if k != "event"}, towers["event"], len(counts)),
        _jagged(measured, event[of_track], len(counts)),
        flow,
    )


def propagate(
    pt: np.ndarray, eta: np.ndarray, phi: np.ndarray, charge: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Eta and phi where particles from the origin leave the solenoid, through the barrel or an
    end-cap disk.

    On a circle of radius r through the origin, after turning by an angle a, a particle is 2 r
    sin(a/2) away from the beam, and its azimuth has moved by a/2 (clockwise for positive charge).
    It meets the barrel at sin(a/2) = R/(2r); a looper (2r < R) spirals to the end cap. Angles
    without a value (a looper without longitudinal momentum) are NaN.
    """
    radius = np.maximum(pt, TINY) / (CURVATURE_UNIT * FIELD * np.maximum(np.abs(charge), TINY))
    z_per_path = np.abs(np.sinh(eta))
    with np.errstate(divide="ignore", invalid="ignore"):
        half_turn_barrel = np.arcsin(np.where(2 * radius >= RADIUS, RADIUS / (2 * radius), np.nan))
        half_turn_end = HALF_LENGTH / (2 * radius * z_per_path)
        half_turn = np.fmin(half_turn_barrel, half_turn_end)
        half_turn[np.isinf(half_turn)] = np.nan
        chord = 2 * radius * np.sin(half_turn)
        eta_outer = np.arcsinh(
            2 * radius * half_turn * np.sinh(eta) / np.maximum(np.abs(chord), TINY)
        )
    azimuth = phi - np.sign(charge) * half_turn + np.where(chord < 0, np.pi, 0.0)
    neutral = charge == 0
    return np.where(neutral, eta, eta_outer), calorimeter.wrap(np.where(neutral, phi, azimuth))


def measure_tracks(
    pdg_id: np.ndarray,
    charge: np.ndarray,
    pt: np.ndarray,
    eta: np.ndarray,
    phi: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Reconstructed tracks: pt, eta, phi, charge, relative resolution of pT, and the index of their
    particle; only pT is smeared.
    """
    index = np.flatnonzero(
        (charge != 0) & (np.abs(eta) <= TRACK_MAX_ETA) & (pt > TRACK_PT_EDGES[0])
    )
    efficiency, resolution = _track_response(np.abs(pdg_id[index]), pt[index], np.abs(eta[index]))
    found = rng.random(len(index)) < efficiency
    index, resolution = index[found], np.minimum(resolution[found], 1.0)
    return {
        "index": index,
        "pt": calorimeter.smear(pt[index], resolution * pt[index], rng),
        "resolution": resolution,
        "eta": eta[index],
        "phi": calorimeter.wrap(phi[index]),
        "charge": charge[index].astype(np.int8),
    }


def particle_charges(pdg_id: np.ndarray) -> np.ndarray:
    """Electric charges in units of e from the PDG numbering scheme; 0 for what is not a valid PDG
    number.
    """
    unique, inverse = np.unique(pdg_id, return_inverse=True)
    return np.array([_charge(int(number)) for number in unique], dtype=np.float64)[inverse]


@lru_cache(maxsize=4096)
def _charge(pdg_id: int) -> float:
    return charge_of_id(pdg_id) or 0.0


def _track_response(
    kind: np.ndarray, pt: np.ndarray, abs_eta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Efficiency and relative pT resolution by particle kind (|PDG id|), pT and |eta| at the
    vertex.
    """
    row = (abs_eta > TRACK_CENTRAL_ETA).astype(int)
    column = np.searchsorted(TRACK_PT_EDGES, pt)
    ring = np.searchsorted(RESOLUTION_ETA_EDGES, abs_eta)
    species = np.where(kind == ELECTRON, 1, np.where(kind == MUON, 2, 0))
    efficiency = np.stack([EFFICIENCY_HADRON, EFFICIENCY_ELECTRON, EFFICIENCY_MUON])[
        species, row, column
    ]
    constants = np.stack([RESOLUTION_HADRON, RESOLUTION_ELECTRON, RESOLUTION_MUON])[species, ring]
    return efficiency, np.hypot(constants[:, 0], constants[:, 1] * pt)


def _jagged(columns: dict[str, np.ndarray], event: np.ndarray, n_events: int) -> ak.Array:
    """Flat columns with a growing event index -> one list of records an event."""
    return ak.unflatten(ak.zip(columns), np.bincount(event, minlength=n_events))
