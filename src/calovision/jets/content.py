"""Content of an event beside its fat jets: small-R jets, shapes, counts, and its hardest towers and
tracks.

A search that does without images would use these: the number of small-R jets alone is strong. GeV,
radians. Arrays have one row an event.
"""

from dataclasses import asdict, dataclass
from functools import cached_property

import awkward as ak
import numpy as np

from calovision.core.errors import InputError
from calovision.core.kinematics import wrap_phi
from calovision.core.numeric import finite_number, whole_number
from calovision.core.records import flat_records, plain_records, require_finite
from calovision.jets.clustering import cluster_fat_jets
from calovision.jets.variables import VARIABLES


@dataclass(frozen=True)
class EventContent:
    """Small-R jets that count, and how many towers and tracks are kept.

    Attributes
    ----------
    radius, pt_min, eta_max
        Of the anti-kt jets: rad, GeV, |eta|.
    acceptance
        Largest |eta| of the towers and tracks that are counted and kept.
    leading_towers, leading_tracks
        Numbers of the hardest ones that are kept, for networks on point clouds.
    """

    radius: float = 0.4
    pt_min: float = 50.0
    eta_max: float = 2.8
    acceptance: float = 2.5
    leading_towers: int = 0
    leading_tracks: int = 0

    def __post_init__(self) -> None:
        for name in ("radius", "pt_min", "eta_max", "acceptance"):
            finite_number(getattr(self, name), f"small jets: {name}")
        for name in ("leading_towers", "leading_tracks"):
            whole_number(getattr(self, name), f"small jets: {name}", at_least=0)


def event_content(
    towers: ak.Array, tracks: ak.Array, content: EventContent
) -> dict[str, np.ndarray]:
    """Variables of small-R jets, shapes and counts, and the hardest towers and tracks.

    Parameters
    ----------
    towers
        Records e, e_em, eta, phi, ``n_events * var``.
    tracks
        Records pt, eta, phi, ``n_events * var``.
    content
        Which jets count, and how many towers and tracks are kept.

    Returns
    -------
    The `VARIABLES` that need these, by name; ``leading_towers`` and ``leading_tracks``, float32,
    only where some are to be kept.

    Raises
    ------
    InputError
        If towers and tracks are not of the same events, a field is missing, or an energy or a pT is
        missing or not finite. Missing towers and tracks are left out.
    """
    event = EventParticles(towers, tracks, content)
    kept = asdict(content)
    return {
        name: variable.compute(event)
        for name, variable in VARIABLES.items()
        if variable.needs_content and kept.get(variable.asks_for, 1) != 0
    }


class EventParticles:
    """Small-R jets, towers and tracks of the events, as the functions of `VARIABLES` take them.

    Parameters and errors are those of `event_content`.

    Attributes
    ----------
    jets
        Small-R jets in descending pT, ``n_events * var``.
    towers, tracks
        Those inside the acceptance.
    """

    def __init__(self, towers: ak.Array, tracks: ak.Array, content: EventContent) -> None:
        towers = _checked(towers, ("e", "e_em"), "towers")
        tracks = _checked(tracks, ("pt",), "tracks")
        if len(towers) != len(tracks):
            raise InputError(
                f"towers have {len(towers)} events but tracks {len(tracks)}: both must have the "
                "same"
            )
        jets = cluster_fat_jets(towers, radius=content.radius, pt_min=content.pt_min)
        self.jets = jets[np.abs(jets.eta) < content.eta_max]
        self.towers = towers[(np.abs(towers.eta) < content.acceptance) & (towers.e > 0)]
        self.tracks = tracks[np.abs(tracks.eta) < content.acceptance]
        self._content = content

    @property
    def n_jets(self) -> np.ndarray:
        """Number of small-R jets, int64 ``(n_events,)``; likewise `n_towers` and `n_tracks`."""
        return _numbers(self.jets)

    @property
    def n_towers(self) -> np.ndarray:
        """Inside the acceptance, int64 ``(n_events,)``."""
        return _numbers(self.towers)

    @property
    def n_tracks(self) -> np.ndarray:
        """Inside the acceptance, int64 ``(n_events,)``."""
        return _numbers(self.tracks)

    @property
    def jets_scalar_sum(self) -> np.ndarray:
        """Sum of the pT of the small-R jets, ``(n_events,)``, GeV."""
        return ak.to_numpy(ak.sum(self.jets.pt, axis=1)).astype(np.float64)

    def jet_pt(self, n: int) -> np.ndarray:
        """Largest pT of small-R jets, ``(n_events, n)``, GeV, padded with zeros."""
        return _padded(self.jets.pt, n)

    @cached_property
    def shapes(self) -> tuple[np.ndarray, np.ndarray]:
        """Sphericity and aplanarity of the small-R jets, ``(n_events,)`` each."""
        return shapes(self.jets)

    def leading_towers(self) -> np.ndarray:
        """ET, eta, phi, electromagnetic share of the hardest towers, float32 ``(n_events,
        leading_towers, 4)``.
        """
        towers = self.towers
        n = self._content.leading_towers
        et = towers.e / np.cosh(towers.eta)
        return _leading(n, et, et, towers.eta, wrapped(towers.phi), towers.e_em / towers.e)

    def leading_tracks(self) -> np.ndarray:
        """pT, eta, phi of the hardest tracks, float32 ``(n_events, leading_tracks, 3)``."""
        tracks = self.tracks
        n = self._content.leading_tracks
        return _leading(n, tracks.pt, tracks.pt, tracks.eta, wrapped(tracks.phi))


def _numbers(collection: ak.Array) -> np.ndarray:
    return ak.to_numpy(ak.num(collection, axis=1)).astype(np.int64)


def _checked(collection: ak.Array, momenta: tuple[str, ...], name: str) -> ak.Array:
    """Collection without missing entries, whose energies or momenta are finite."""
    fields = (*momenta, "eta", "phi")
    collection = plain_records(collection, fields, name)
    require_finite(flat_records(collection, fields, name), momenta, name)
    return collection


def shapes(jets: ak.Array) -> tuple[np.ndarray, np.ndarray]:
    """Sphericity and aplanarity of records pt, eta, phi, ``n_events * var``; ``(n,)`` each, 0
    without momentum.
    """
    momenta = [jets.pt * np.cos(jets.phi), jets.pt * np.sin(jets.phi), jets.pt * np.sinh(jets.eta)]
    tensor = np.array(
        [[ak.to_numpy(ak.sum(a * b, axis=1)) for a in momenta] for b in momenta], dtype=np.float64
    )
    trace = np.trace(tensor)
    tensor = np.moveaxis(tensor, 2, 0) / np.where(trace > 0, trace, 1.0)[:, None, None]  # (n, 3, 3)
    smallest, middle, _ = np.maximum(
        np.linalg.eigvalsh(tensor), 0.0
    ).T  # rounding makes planar events negative
    return 1.5 * (smallest + middle), 1.5 * smallest


def wrapped(phi: ak.Array) -> ak.Array:
    """Azimuths ``n * var`` in [-pi, pi): a file may hold float32(pi), which exceeds pi."""
    return ak.unflatten(wrap_phi(ak.to_numpy(ak.flatten(phi))), ak.num(phi))


def _leading(n: int, size: ak.Array, *fields: ak.Array) -> np.ndarray:
    """Fields of the n largest entries of each event in descending order, float32 ``(n_events, n,
    n_fields)``.
    """
    order = ak.argsort(size, axis=1, ascending=False, stable=True)[:, :n]
    return np.stack([_padded(values[order], n) for values in fields], axis=-1).astype(np.float32)


def _padded(values: ak.Array, n: int) -> np.ndarray:
    """First n values of each event, float64 ``(n_events, n)``, padded with zeros."""
    padded = ak.fill_none(ak.pad_none(values, n, axis=1, clip=True), 0.0)
    return ak.to_numpy(padded, allow_missing=False).astype(np.float64)
