"""Faults of the simulated calorimeter: what a window of it does wrong during some runs.

Towers are changed after they were read out, so that a fault has no part in thresholds. GeV,
radians.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np

from calovision.core.run_lists import RunList
from calovision.simulation.calorimeter import wrap
from calovision.simulation.processes import check_number, require

FAULT_KINDS = ("dead", "hot", "fading", "scaled")
"""No towers; noise in some of the events; fewer and fewer towers; energies times a factor."""

LAYERS = ("em", "had", "both")
ENERGIES = {"e", "e_em", "e_had"}
NOISE_ENERGY = 2.0  # GeV, mean of the noise of a hot window above its least energy
NOISE_MIN_ENERGY = 1.0  # GeV, above the thresholds of both calorimeters (`calorimeter`)


@dataclass(frozen=True)
class DetectorFault:
    """Fault of a window of the calorimeter.

    Attributes
    ----------
    kind
        One of `FAULT_KINDS`.
    runs
        Runs that have it.
    eta, phi
        Ends of the window, the lower ones in it; phi in [-pi, pi].
    layer
        One of `LAYERS`.
    strength
        Of ``hot`` the mean number of noise towers in an event, of ``fading`` the share of the
        towers that are lost in the last run, of ``scaled`` the factor; ``dead`` has none.
    """

    kind: str
    runs: RunList
    eta: tuple[float, float]
    phi: tuple[float, float]
    layer: str = "both"
    strength: float = 1.0

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "DetectorFault":
        """Fault of plain values, as a configuration has them.

        Raises
        ------
        InputError
            For an unknown kind or layer, an empty window, or a strength that does not fit.
        """
        values = {name: tuple(given[name]) for name in ("eta", "phi")}
        runs = RunList.read(given["runs"], "runs of a fault of the detector")
        kept = {name: given[name] for name in ("layer", "strength") if given.get(name) is not None}
        fault = cls(given["kind"], runs, **values, **kept)
        require(fault.kind in FAULT_KINDS, "kind", fault.kind, f"one of {', '.join(FAULT_KINDS)}")
        require(fault.layer in LAYERS, "layer", fault.layer, f"one of {', '.join(LAYERS)}")
        for name in ("eta", "phi"):
            low, high = values[name]
            require(low < high, name, [low, high], "two ends, the lower one first")
        check_number("strength", fault.strength, 0)
        is_share = fault.kind != "fading" or fault.strength <= 1
        require(is_share, "strength", fault.strength, "a share, at most 1, of a fading window")
        return fault

    def share_of(self, run: np.ndarray, last_run: int) -> np.ndarray:
        """Share of the towers that a fading window has lost in each run: none before its first
        run, then more in each, `strength` in the last.
        """
        first = min(low for low, _ in self.runs.ranges)
        last = max(last_run if high is None else high for _, high in self.runs.ranges)
        grown = (run - first + 1) / max(last - first + 1, 1)
        return self.strength * np.clip(grown, 0.0, 1.0)

    def has(self, towers: Mapping[str, np.ndarray]) -> np.ndarray:
        """Truth of each tower: it lies in the window, in the layer."""
        inside = np.ones(len(towers["eta"]), dtype=bool)
        for name, (low, high) in (("eta", self.eta), ("phi", self.phi)):
            inside &= (towers[name] >= low) & (towers[name] < high)
        return inside if self.layer == "both" else inside & (towers[f"e_{self.layer}"] > 0)


def apply_faults(
    towers: ak.Array,
    run: np.ndarray,
    faults: Sequence[DetectorFault],
    *,
    last_run: int,
    rng: np.random.Generator,
) -> ak.Array:
    """Towers of events as a faulty calorimeter has them.

    Parameters
    ----------
    towers
        ``n_events * var * {eta, phi, e_em, e_had}``, and e if there is one.
    run
        Run of each event, ``(n_events,)``.
    faults
        Applied one after the other.
    last_run
        Last run of the sample, where the list of a fault is open.
    rng
        Random numbers.
    """
    for fault in faults:
        has_fault = fault.runs.mask(run)
        if has_fault.any():
            towers = _apply(towers, run, has_fault, fault, last_run, rng)
    return towers


def _apply(
    towers: ak.Array,
    run: np.ndarray,
    has_fault: np.ndarray,
    fault: DetectorFault,
    last_run: int,
    rng: np.random.Generator,
) -> ak.Array:
    counts = ak.to_numpy(ak.num(towers.eta))
    event = np.repeat(np.arange(len(counts)), counts)
    flat = {name: ak.to_numpy(ak.flatten(towers[name])) for name in towers.fields}
    acts = fault.has(flat) & has_fault[event]
    if fault.kind == "scaled":
        for name in ENERGIES & flat.keys():
            flat[name] = flat[name] * np.where(acts, fault.strength, 1).astype(flat[name].dtype)
    elif fault.kind == "hot":
        event, flat = _with_noise(event, flat, np.flatnonzero(has_fault), fault, rng)
    else:
        lost = acts & (rng.random(len(acts)) < fault.share_of(run, last_run)[event])
        kept = ~(acts if fault.kind == "dead" else lost)
        event, flat = event[kept], {name: values[kept] for name, values in flat.items()}
    return ak.unflatten(ak.zip(flat), np.bincount(event, minlength=len(counts)))


def _with_noise(
    event: np.ndarray,
    flat: Mapping[str, np.ndarray],
    noisy: np.ndarray,
    fault: DetectorFault,
    rng: np.random.Generator,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Events and columns of the towers with a Poisson number of noise towers in each noisy one."""
    added = np.repeat(noisy, rng.poisson(fault.strength, len(noisy)))
    energy = NOISE_MIN_ENERGY + rng.exponential(NOISE_ENERGY, len(added))
    is_em = rng.random(len(added)) < {"em": 1.0, "had": 0.0, "both": 0.5}[fault.layer]
    noise = {
        "eta": rng.uniform(*fault.eta, len(added)),
        "phi": wrap(rng.uniform(*fault.phi, len(added))),
        "e": energy,
        "e_em": np.where(is_em, energy, 0.0),
        "e_had": np.where(is_em, 0.0, energy),
    }
    every = np.concatenate([event, added])
    order = np.argsort(every, kind="stable")
    return every[order], {
        name: np.concatenate([values, noise[name].astype(values.dtype)])[order]
        for name, values in flat.items()
    }
