"""Particle-flow candidates of the parametrised detector: tracks, and what the cells have beyond
them.

Units: GeV, radians. [DEL] Delphes 3, arXiv:1307.6346, section 2.5, which keeps all tracks and makes
a neutral candidate of the energy of a cell beyond that of the tracks that point at it. As later
versions of its calorimeter do, a surplus that is no more than the resolution is none; then the
tracks take the mean of both measurements, weighted with their accuracy.
"""

from typing import NamedTuple

import numpy as np

from calovision.simulation import calorimeter
from calovision.simulation.calorimeter import EM, HAD, Calorimeter

Columns = dict[str, np.ndarray]


class FlowInput(NamedTuple):
    """Measured tracks and cells of some events, flat.

    Attributes
    ----------
    tracks
        event, id (PDG number of the particle), pt, eta, phi, charge, resolution (of pT, relative).
    at_calorimeter
        Eta and phi at which the particle of each track meets the calorimeter.
    em, had
        Cells, as `calorimeter.read_out` gives them.
    """

    tracks: Columns
    at_calorimeter: tuple[np.ndarray, np.ndarray]
    em: Columns
    had: Columns


def find_candidates(flow: FlowInput) -> Columns:
    """Charged candidates at the angles of the vertex, photons and neutral hadrons at those of their
    cell.

    Returns
    -------
    event (ascending), pt, eta, phi, e, e_em, e_had, charge (int8) of each candidate, taken as
    massless. The energy of a muon is neither electromagnetic nor hadronic.
    """
    tracks = flow.tracks
    share_em, share_had = calorimeter.energy_shares(tracks["id"])
    energy = tracks["pt"] * np.cosh(tracks["eta"])
    charged_em, photons = _compare(EM, flow.em, flow, np.where(share_em > 0, energy, 0.0))
    charged_had, hadrons = _compare(HAD, flow.had, flow, np.where(share_had > 0, energy, 0.0))
    is_muon = (share_em == 0) & (share_had == 0)
    charged = {name: tracks[name] for name in ("event", "eta", "phi", "charge")} | {
        "e": charged_em + charged_had + np.where(is_muon, energy, 0.0),
        "e_em": charged_em,
        "e_had": charged_had,
    }
    return _join(charged, _neutral(photons, "e_em"), _neutral(hadrons, "e_had"))


def _compare(
    layer: Calorimeter, cells: Columns, flow: FlowInput, energy: np.ndarray
) -> tuple[np.ndarray, Columns]:
    """Energies of the tracks, ``energy`` where it is 0 or their cell shows nothing, and the cells
    with the energy that is left for neutral particles.
    """
    of_track, tracks = _cells_of_tracks(layer, cells["cell"], flow, energy)
    n_cells = len(cells["cell"])
    spread = (flow.tracks["resolution"] * energy)[tracks]
    sum_tracks = np.bincount(of_track, weights=energy[tracks], minlength=n_cells)
    variance = np.bincount(of_track, weights=spread**2, minlength=n_cells)
    surplus = cells["e"] - sum_tracks
    least = calorimeter.MIN_SIGNIFICANCE * np.hypot(cells["sigma"], np.sqrt(variance))
    is_neutral = surplus >= np.maximum(layer.min_energy, least)
    mean = (sum_tracks * cells["sigma"] ** 2 + cells["e"] * variance) / np.maximum(
        cells["sigma"] ** 2 + variance, calorimeter.TINY
    )
    factor = np.where(is_neutral, 1.0, mean / np.maximum(sum_tracks, calorimeter.TINY))
    measured = energy.copy()
    measured[tracks] *= factor[of_track]
    left = {name: values[is_neutral] for name, values in (cells | {"e": surplus}).items()}
    return measured, left


def _cells_of_tracks(
    layer: Calorimeter, cells: np.ndarray, flow: FlowInput, energy: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Positions among ``cells``, and those of the tracks with energy that point at them."""
    eta, phi = flow.at_calorimeter
    edges = layer.eta_edges
    tracks = np.flatnonzero((energy > 0) & (eta >= edges[0]) & (eta < edges[-1]))
    numbers = calorimeter.cell_numbers(
        layer, flow.tracks["event"][tracks], eta[tracks], phi[tracks]
    )
    position = np.searchsorted(cells, numbers)
    shows = np.append(cells, -1)[position] == numbers
    return position[shows], tracks[shows]


def _neutral(cells: Columns, share: str) -> Columns:
    """Candidates without charge whose energy is all in one share."""
    nothing = np.zeros(len(cells["e"]))
    found = {name: cells[name] for name in ("event", "eta", "phi", "e")}
    found |= {"charge": nothing.astype(np.int8), "e_em": nothing, "e_had": nothing}
    return found | {share: cells["e"]}


def _join(*parts: Columns) -> Columns:
    """Candidates of all kinds with their pT, by event."""
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(joined["event"], kind="stable")
    joined = {name: values[order] for name, values in joined.items()}
    return joined | {"pt": joined["e"] / np.cosh(joined["eta"])}
