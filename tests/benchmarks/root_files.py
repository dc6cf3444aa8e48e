"""ROOT files in calovision's own layout, with the events of ``data``."""

from pathlib import Path

import numpy as np
import uproot

from benchmarks.data import SEED, make_towers, make_tracks

EVENT_BRANCHES = {
    "event_number": "int64",
    "weight": "float64",
    "towers": "var * {eta: float32, phi: float32, e_em: float32, e_had: float32}",
    "tracks": "var * {pt: float32, eta: float32, phi: float32}",
}
GENERATION_BRANCHES = {
    "n_generated": "int64",
    "sum_of_weights": "float64",
    "cross_section_pb": "float64",
}
EVENTS_PER_BASKET = 250  # as the simulation writes them
COMPRESSIONS = {"zlib": uproot.ZLIB(1), "lz4": uproot.LZ4(1)}
READ = (
    "event_number",
    "weight",
    "towers_eta",
    "towers_phi",
    "towers_e_em",
    "towers_e_had",
    "tracks_eta",
    "tracks_phi",
)
"""Branches that images of the channels energy, em and tracks need; the momenta of the tracks are
not among them."""


def write_root_file(
    path: Path,
    n_events: int,
    *,
    compression: str = "lz4",
    block: int = 5000,
    seed: int = SEED,
    first_number: int = 0,
) -> Path:
    """Write n events; beyond ``block`` they repeat with new numbers, since making them takes longer
    than writing."""
    towers = make_towers(min(block, n_events), seed=seed).records()
    tracks = make_tracks(min(block, n_events), seed=seed).records()
    towers = towers[["eta", "phi", "e_em", "e_had"]]
    with uproot.recreate(path, compression=COMPRESSIONS[compression]) as file:
        tree = file.mktree("events", EVENT_BRANCHES)
        for first in range(0, n_events, EVENTS_PER_BASKET):
            start, n = first % block, min(EVENTS_PER_BASKET, n_events - first)
            chosen = slice(start, start + n)
            number = first_number + np.arange(first, first + n)
            columns = {
                "event_number": number,
                "weight": np.ones(n),
                "towers": towers[chosen],
                "tracks": tracks[chosen],
            }
            tree.extend(columns)
        counters = {
            "n_generated": n_events,
            "sum_of_weights": float(n_events),
            "cross_section_pb": 1.0,
        }
        file.mktree("generation", GENERATION_BRANCHES).extend(
            {name: np.array([n]) for name, n in counters.items()}
        )
    return path
