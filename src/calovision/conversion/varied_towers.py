"""Calorimeter towers as another detector would have measured them: how far a score moves when the
calorimeter is not the one of the training.

GeV, radians. Towers are awkward records eta, phi and energies, ``n_events * var``. All functions
are pure; what is random depends on the seed and the event number (and the place of the tower in its
event) alone, so that neither the size of the chunks nor the number of processes changes a result.
"""

from collections.abc import Mapping

import awkward as ak
import numpy as np

from calovision.conversion.variations import VARIATIONS, Resolution, Variation
from calovision.core.depth import LAYER
from calovision.core.errors import InputError
from calovision.core.hashing import GOLDEN, mixed_bits
from calovision.core.records import plain_records
from calovision.images.areas import SIZES
from calovision.images.grid import OUTSIDE, EtaPhiGrid

ENERGIES = ("e", "e_em", "e_had", "et", "pt")
"""Fields of towers that grow with the energy."""
TOWER_MAP = EtaPhiGrid(100, 63, (-5.0, 5.0))
"""Towers that die together: 0.1 x 0.1 in eta and phi, the size of an ATLAS trigger tower (JINST 3
(2008) S08003)."""


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
    kept = (*ENERGIES, LAYER, *SIZES)
    needed = ("eta", "phi", *(name for name in kept if name in getattr(towers, "fields", ())))
    towers = plain_records(towers, needed, "towers")
    event_number = np.asarray(event_number)
    if event_number.shape != (len(towers),):
        raise InputError(
            f"{event_number.shape} event numbers for {len(towers)} events; give one for each"
        )
    if seed is None and any(VARIATIONS[name].is_random for name, _ in variation.changes):
        random = [name for name, entry in VARIATIONS.items() if entry.is_random]
        raise InputError(f"variation: {' and '.join(random)} are random; give a seed")
    for name, _ in variation.changes:
        towers = VARIATIONS[name].apply(towers, variation, event_number, seed)
    return towers


def without_dead(towers: ak.Array, fraction: float, seed: int) -> ak.Array:
    """Towers that are not `in_dead_cell`."""
    eta, phi = (ak.to_numpy(ak.flatten(towers[name])) for name in ("eta", "phi"))
    return towers[ak.unflatten(~in_dead_cell(eta, phi, fraction, seed), ak.num(towers))]


def in_dead_cell(eta: np.ndarray, phi: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Test whether points are in a dead cell of `TOWER_MAP`, boolean ``(n,)``; none outside the map
    is.

    The dead cells of a fraction are among those of a larger fraction with the same seed.
    """
    cells = TOWER_MAP.cell_index(eta, phi)
    order = np.random.default_rng(seed % 2**64).permutation(TOWER_MAP.n_cells)
    is_dead = np.zeros(TOWER_MAP.n_cells, dtype=bool)
    is_dead[order[: round(fraction * TOWER_MAP.n_cells)]] = True
    return (cells != OUTSIDE) & is_dead[cells]


def smeared(
    towers: ak.Array, variation: Variation, event_number: np.ndarray, seed: int
) -> dict[str, np.ndarray]:
    """New energies after smearing the electromagnetic and hadronic part of every tower on its
    own.
    """
    old = energies(towers)
    if not {"e_em", "e_had"} <= set(old):
        raise InputError(
            "variation: smear needs the fields e_em and e_had of the towers, which have "
            f"{towers.fields}"
        )
    counts = ak.to_numpy(ak.num(towers))
    new = dict(old)
    eta = ak.to_numpy(ak.flatten(towers["eta"]))
    parts = (("e_em", variation.em_resolution), ("e_had", variation.had_resolution))
    for calorimeter, (name, terms) in enumerate(parts):
        normal = _standard_normal(event_number, counts, seed, calorimeter)
        extra = np.sqrt((1.0 + variation["smear"]) ** 2 - 1.0) * resolution(terms, old[name], eta)
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

    key = mixed_bits(
        mixed_bits(np.array([seed % 2**64], dtype=np.uint64) + GOLDEN) + np.uint64(stream)
    )
    start = mixed_bits(key + event_number.astype(np.uint64) * GOLDEN)
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    bits = mixed_bits(np.repeat(start, counts) + (place.astype(np.uint64) + np.uint64(1)) * GOLDEN)
    return ndtri(((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53)


def energies(towers: ak.Array) -> dict[str, np.ndarray]:
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


def with_energies(towers: ak.Array, energies: Mapping[str, np.ndarray]) -> ak.Array:
    """New records with flat energies in the place of those that the towers have, in their number
    types.
    """
    counts = ak.num(towers)
    for name in towers.fields:
        if name in energies:
            dtype = ak.to_numpy(ak.flatten(towers[name])).dtype
            towers = ak.with_field(towers, ak.unflatten(energies[name].astype(dtype), counts), name)
    return towers
