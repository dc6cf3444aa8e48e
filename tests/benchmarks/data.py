"""The events of all benchmarks: seeded, of the size in the bars, float32 as a ROOT file gives them.

1,200 towers an event, half of them inside |eta| < 2.5, and 150 tracks (Poisson means). As in
Delphes a tower entry has either electromagnetic or hadronic energy.
"""

from dataclasses import dataclass

import awkward as ak
import numpy as np

MEAN_TOWERS, MEAN_TRACKS = 1200, 150
ETA_TOWERS, ETA_TRACKS = 5.0, 2.5
ELECTROMAGNETIC = 0.6  # share of the tower entries
MEAN_ENERGY = 3.0  # GeV
CHANNELS = ("energy", "em", "tracks")
TRANSVERSE_CHANNELS = ("em_et", "had_et", "tracks")
SEED = 20171123


@dataclass(frozen=True)
class FlatCollection:
    """Entries of n events, one after the other: ``counts`` (n,) and float32 ``fields``."""

    counts: np.ndarray
    fields: dict[str, np.ndarray]

    @property
    def event(self) -> np.ndarray:
        """Event of each entry."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    def records(self) -> ak.Array:
        """Records, ``n * var``."""
        return ak.zip(
            {name: ak.unflatten(values, self.counts) for name, values in self.fields.items()}
        )

    def events(self, *fields: str) -> list[tuple[np.ndarray, ...]]:
        """Float64 arrays of the fields, event by event."""
        ends = np.cumsum(self.counts)[:-1]
        split = [np.split(self.fields[name].astype(np.float64), ends) for name in fields]
        return list(zip(*split, strict=True))


def make_towers(n_events: int, *, seed: int = SEED) -> FlatCollection:
    """Towers ``eta, phi, e, e_em, e_had``."""
    rng = np.random.default_rng([seed, 0])
    counts = rng.poisson(MEAN_TOWERS, n_events)
    fields = _positions(rng, counts.sum(), ETA_TOWERS)
    energy = rng.exponential(MEAN_ENERGY, counts.sum()).astype(np.float32)
    electromagnetic = rng.random(counts.sum()) < ELECTROMAGNETIC
    fields |= {"e": energy, "e_em": energy * electromagnetic, "e_had": energy * ~electromagnetic}
    return FlatCollection(counts, fields)


def make_tracks(n_events: int, *, seed: int = SEED) -> FlatCollection:
    """Tracks ``pt, eta, phi``."""
    rng = np.random.default_rng([seed, 1])
    counts = rng.poisson(MEAN_TRACKS, n_events)
    fields = _positions(rng, counts.sum(), ETA_TRACKS)
    return FlatCollection(
        counts, {"pt": rng.exponential(MEAN_ENERGY, counts.sum()).astype(np.float32), **fields}
    )


def _positions(rng: np.random.Generator, n: int, eta_max: float) -> dict[str, np.ndarray]:
    eta = rng.uniform(-eta_max, eta_max, n).astype(np.float32)
    # The peers put what lies exactly on an edge (multiples of 5/64 are float32 numbers) on
    # different sides, and beyond float32(pi) some see nothing: such entries are for the tests, here
    # all methods shall give the same image.
    on_edge = np.mod(eta.astype(np.float64) * 64 / 5, 1) == 0
    eta[on_edge] = np.nextafter(eta[on_edge], np.float32(0.03))
    phi = rng.uniform(-np.pi, np.pi, n).astype(np.float32)
    phi[np.abs(phi) >= np.float32(np.pi)] = 0.1
    return {"eta": eta, "phi": phi}
