"""Detector variations of calorimeter towers: how far a score moves when the calorimeter is not the
one of the training.

GeV, radians. Towers are awkward records eta, phi and energies, ``n_events * var``. All functions
are pure; what is random depends on the seed and the event number (and the place of the tower in its
event) alone, so that neither the size of the chunks nor the number of processes changes a result.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

import awkward as ak
import numpy as np

from calovision.core.errors import InputError
from calovision.core.records import plain_records
from calovision.images.grid import OUTSIDE, EtaPhiGrid

ENERGIES = ("e", "e_em", "e_had", "et", "pt")
"""Fields of towers that grow with the energy."""
TOWER_MAP = EtaPhiGrid(100, 63, (-5.0, 5.0))
"""Towers that die together: 0.1 x 0.1 in eta and phi, the size of an ATLAS trigger tower (JINST 3
(2008) S08003)."""
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio


def _require_number(name: str, value: Any) -> None:
    """InputError unless it is a number that is finite and not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < np.inf:
        raise InputError(
            f"{name} {value!r} is impossible; give a finite number that is not negative"
        )


Resolution = tuple[tuple[float, float, float, float], ...]
"""One row a range of |eta|, ascending: its end, sampling term in sqrt(GeV), constant term, noise in
GeV."""
# The ATLAS card of Delphes 3.5 (arXiv:1307.6346), which is also what the simulation of this package
# smears with.
EM_RESOLUTION: Resolution = ((3.2, 0.101, 0.0017, 0.0), (4.9, 0.285, 0.035, 0.0))
HAD_RESOLUTION: Resolution = (
    (1.7, 0.5205, 0.0302, 1.59),
    (3.2, 0.706, 0.05, 0.0),
    (4.9, 1.0, 0.0942, 0.0),
)


@dataclass(frozen=True)
class Variation:
    """A detector that differs from the nominal one; the defaults are nominal. Applied in the order
    given here.

    Parameters
    ----------
    scale
        Factor on all energies.
    smear
        By which fraction the resolution is worse: 0.1 for 10 %. Each tower is smeared by sqrt((1 +
        smear)^2 - 1) of its nominal resolution, which added in quadrature to the nominal smearing
        makes 1 + smear of it.
    dead
        Fraction of the cells of `TOWER_MAP` that are dead, the same ones in all events.
    em_resolution, had_resolution
        Nominal resolution of the electromagnetic and of the hadronic calorimeter, as `resolution`
        takes it.

    Raises
    ------
    InputError
        If a number is impossible.
    """

    scale: float = 1.0
    smear: float = 0.0
    dead: float = 0.0
    em_resolution: Resolution = EM_RESOLUTION
    had_resolution: Resolution = HAD_RESOLUTION

    def __post_init__(self) -> None:
        _require_number("variation: scale", self.scale)
        if self.scale == 0:
            raise InputError(
                "variation: scale 0 leaves no energy; give a positive factor, such as 1.03"
            )
        _require_number("variation: smear", self.smear)
        _require_number("variation: dead", self.dead)
        if self.dead >= 1:
            raise InputError(
                f"variation: dead {self.dead} is no fraction below 1; give 0.01 for 1 % of the "
                "cells"
            )
        for name in ("em_resolution", "had_resolution"):
            object.__setattr__(
                self, name, _checked_resolution(f"variation: {name}", getattr(self, name))
            )

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> "Variation":
        """From the mapping of a configuration, such as ``{"scale": 1.03}``.

        Resolutions are lists of ``[end of |eta|, sampling term, constant term, noise]``.

        Raises
        ------
        InputError
            If a key is unknown or a value impossible.
        """
        if not isinstance(mapping, Mapping):
            raise InputError(f"variation {mapping!r}: give a mapping, such as {{scale: 1.03}}")
        known = [one.name for one in fields(cls)]
        unknown = [key for key in mapping if key not in known]
        if unknown:
            raise InputError(
                f"variation: unknown key '{unknown[0]}'; choose from {', '.join(known)}"
            )
        return cls(**mapping)

    def to_mapping(self) -> dict[str, Any]:
        """What differs from the nominal detector, as `from_mapping` takes it."""
        nominal, own = Variation(), {one.name: getattr(self, one.name) for one in fields(self)}
        own = {name: value for name, value in own.items() if value != getattr(nominal, name)}
        return {
            name: [list(row) for row in v] if isinstance(v, tuple) else v for name, v in own.items()
        }


def resolution(terms: Resolution, energy: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """Standard deviation of the energy in GeV, sigma^2 = sampling^2 E + (constant E)^2 + noise^2.

    Energies in GeV, those below 0 count as 0; the last row also holds beyond its end.
    """
    ends, *columns = np.array(terms).T
    rows = np.minimum(np.searchsorted(ends, np.abs(eta)), len(ends) - 1)
    sampling, constant, noise = (column[rows] for column in columns)
    energy = np.maximum(energy, 0.0)
    return np.sqrt(sampling**2 * energy + (constant * energy) ** 2 + noise**2)


def apply_variation(
    towers: ak.Array, variation: Variation, *, event_number: np.ndarray, seed: int | None = None
) -> ak.Array:
    """Towers as another detector would have measured them.

    Jets must be found in the new towers: those of the file have seen the nominal detector only.

    Parameters
    ----------
    towers
        Records eta, phi and any of `ENERGIES`, ``n_events * var``; smearing needs ``e_em`` and
        ``e_had``. Missing towers (None) are left out, and an event whose towers are missing has
        none.
    variation
        What differs.
    event_number
        Integers ``(n_events,)``.
    seed
        Of smearing and of the choice of dead cells; needed for these.

    Returns
    -------
    Records of the same fields and number types. Dead towers are gone. ``e`` changes by as much as
    ``e_em`` and ``e_had`` together, so that what is in neither (muons in Delphes) is scaled but not
    smeared.

    Raises
    ------
    InputError
        If the numbers of events differ, a field that is needed is missing, or there is no seed
        where one is needed.

    Notes
    -----
    Thresholds of the read-out are not applied again: a tower that was measured stays, and none
    appears.
    """
    needed = ("eta", "phi", *(name for name in ENERGIES if name in getattr(towers, "fields", ())))
    towers = plain_records(towers, needed, "towers")
    event_number = np.asarray(event_number)
    if event_number.shape != (len(towers),):
        raise InputError(
            f"{event_number.shape} event numbers for {len(towers)} events; give one for each"
        )
    if seed is None and (variation.smear or variation.dead):
        raise InputError("variation: smear and dead are random; give a seed")
    if variation.scale != 1:
        towers = _with_energies(
            towers, {k: variation.scale * v for k, v in _energies(towers).items()}
        )
    if variation.smear:
        towers = _with_energies(towers, _smeared(towers, variation, event_number, seed))
    if variation.dead:
        eta, phi = (ak.to_numpy(ak.flatten(towers[name])) for name in ("eta", "phi"))
        towers = towers[ak.unflatten(~in_dead_cell(eta, phi, variation.dead, seed), ak.num(towers))]
    return towers


def in_dead_cell(eta: np.ndarray, phi: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Whether points are in a dead cell of `TOWER_MAP`, boolean ``(n,)``; what is outside the map
    never is.

    The dead cells of a fraction are among those of a larger fraction with the same seed.
    """
    cells = TOWER_MAP.cell_index(eta, phi)
    order = np.random.default_rng(seed % 2**64).permutation(TOWER_MAP.n_cells)
    is_dead = np.zeros(TOWER_MAP.n_cells, dtype=bool)
    is_dead[order[: round(fraction * TOWER_MAP.n_cells)]] = True
    return (cells != OUTSIDE) & is_dead[cells]


def _smeared(
    towers: ak.Array, variation: Variation, event_number: np.ndarray, seed: int
) -> dict[str, np.ndarray]:
    """New energies after smearing the electromagnetic and hadronic part of every tower on its
    own.
    """
    old = _energies(towers)
    if not {"e_em", "e_had"} <= set(old):
        raise InputError(
            "variation: smear needs the fields e_em and e_had of the towers, which have "
            f"{towers.fields}"
        )
    counts = ak.to_numpy(ak.num(towers))
    new, eta = dict(old), ak.to_numpy(ak.flatten(towers["eta"]))
    parts = (("e_em", variation.em_resolution), ("e_had", variation.had_resolution))
    for calorimeter, (name, terms) in enumerate(parts):
        normal = _standard_normal(event_number, counts, seed, calorimeter)
        extra = np.sqrt((1.0 + variation.smear) ** 2 - 1.0) * resolution(terms, old[name], eta)
        new[name] = _log_normal(old[name], extra, normal)
    before, after = (one["e_em"] + one["e_had"] for one in (old, new))
    if "e" in old:
        before, after = old["e"], after + (old["e"] - before)
    ratio = np.divide(after, before, out=np.ones_like(after), where=before != 0)
    return new | {"e": after} | {name: ratio * old[name] for name in ("et", "pt") if name in old}


def _log_normal(mean: np.ndarray, sigma: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Log-normal numbers of a mean and standard deviation, as Delphes smears (never negative); 0
    and less stay.
    """
    is_filled = mean > 0
    relative = np.divide(sigma, mean, out=np.zeros_like(mean), where=is_filled)
    variance = np.log1p(relative**2)
    return mean * np.exp(np.sqrt(variance) * normal - variance / 2)


def _standard_normal(
    event_number: np.ndarray, counts: np.ndarray, seed: int, stream: int
) -> np.ndarray:
    """A normal number for each tower, ``(sum of counts,)``: the hash of seed, stream, event number
    and place.

    SplitMix64 (Steele, Lea, Flood, OOPSLA 2014, doi:10.1145/2660193.2660195), a sequence for each
    event that starts at a hash of the others; the upper 53 bits through the inverse of the normal
    distribution.
    """
    from scipy.special import ndtri  # loaded only where a detector is varied

    key = _mix(_mix(np.array([seed % 2**64], dtype=np.uint64) + _GOLDEN) + np.uint64(stream))
    start = _mix(key + event_number.astype(np.uint64) * _GOLDEN)
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    bits = _mix(np.repeat(start, counts) + (place.astype(np.uint64) + np.uint64(1)) * _GOLDEN)
    return ndtri(((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53)


def _mix(state: np.ndarray) -> np.ndarray:
    """Output function of SplitMix64 on uint64 numbers."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def _energies(towers: ak.Array) -> dict[str, np.ndarray]:
    """Flat float64 energies of all towers by field; InputError if there is none."""
    found = {
        name: ak.to_numpy(ak.flatten(towers[name])) for name in ENERGIES if name in towers.fields
    }
    if not found:
        raise InputError(
            f"variation: towers have no energy, only {', '.join(towers.fields)}; read e, or e_em "
            "and e_had"
        )
    return {name: values.astype(np.float64) for name, values in found.items()}


def _with_energies(towers: ak.Array, energies: Mapping[str, np.ndarray]) -> ak.Array:
    """New records with flat energies in the place of those that the towers have, in their number
    types.
    """
    counts = ak.num(towers)
    for name in towers.fields:
        if name in energies:
            dtype = ak.to_numpy(ak.flatten(towers[name])).dtype
            towers = ak.with_field(towers, ak.unflatten(energies[name].astype(dtype), counts), name)
    return towers


def _checked_resolution(name: str, terms: Any) -> Resolution:
    """As tuples; InputError if it is none."""
    if (
        not isinstance(terms, list | tuple)
        or not terms
        or not all(np.shape(row) == (4,) for row in terms)
    ):
        raise InputError(
            f"{name} {terms!r}: give rows [end of |eta|, sampling term, constant term, noise]"
        )
    for number in (number for row in terms for number in row):
        _require_number(name, number)
    if any(first[0] >= second[0] for first, second in pairwise(terms)):
        raise InputError(f"{name}: the ends of |eta| {[row[0] for row in terms]} must ascend")
    return tuple(tuple(row) for row in terms)
