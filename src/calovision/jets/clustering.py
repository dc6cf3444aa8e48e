"""Jets from four-momenta: clustering, trimming, subjets, and which towers went into each jet.

All events of a chunk are clustered in one call, without a loop in Python. The arrays that go into
FastJet are records px, py, pz, E in one contiguous list, as its awkward interface wants them.
"""

from dataclasses import replace

import awkward as ak
import fastjet
import numpy as np

from calovision.core.errors import InputError
from calovision.core.kinematics import massless_momenta, pt_eta_phi_mass
from calovision.core.numeric import finite_number, float_array
from calovision.core.records import FlatRecords, flat_records, plain_records, require_finite

TOWER_FIELDS = ("e", "eta", "phi")
LARGEST_RADIUS = (
    100.0  # rad: far more than the distance of any two particles that meet in a detector
)

# FastJet prints its banner on stdout at the first clustering; a null stream silences it.
fastjet.multi_inheritor.set_fastjet_banner_stream(None)


def cluster_fat_jets(
    towers: ak.Array,
    *,
    radius: float = 1.0,
    pt_min: float = 200.0,
    trimming: tuple[float, float] | None = None,
) -> ak.Array:
    """Cluster towers into anti-kt jets.

    Parameters
    ----------
    towers
        Records with the fields e (GeV), eta, phi, ``n_events * var``; other fields are ignored.
        Towers without positive energy or with a coordinate that is not finite take no part, and
        neither do missing ones (None); an event whose towers are missing has no jets.
    radius
        Radius parameter of the jets.
    pt_min
        Smallest pT of a jet, in GeV, before trimming.
    trimming
        ``(r_sub, f_cut)`` as in `trim`; None leaves the jets as they are.

    Returns
    -------
    Jets in descending (trimmed) pT, ``n_events * var``.

    Raises
    ------
    InputError
        If a field is missing, an energy is not finite or beyond 1e12 GeV, or a parameter is out of
        range.

    Notes
    -----
    Anti-kt: Cacciari, Salam, Soyez, arXiv:0802.1189; FastJet: arXiv:1111.6097. Towers are taken as
    massless, as Delphes does; tests/test_jets.py compares with the jets, trimmed and not, that
    Delphes wrote itself.
    """
    pt_min = finite_number(pt_min, "pt_min")
    trimming = checked_trimming(trimming)
    sequence = _cluster(
        massless_particles(flat_towers(towers))[0], fastjet.antikt_algorithm, radius
    )
    if trimming is None:
        jets = _collider_coordinates(sequence.inclusive_jets(pt_min))
    else:
        jets = trim(sequence.constituents(pt_min), r_sub=trimming[0], f_cut=trimming[1])
    return jets[_descending_pt(jets)]


def cluster_with_constituents(
    towers: ak.Array,
    *,
    radius: float = 1.0,
    pt_min: float = 200.0,
    trimming: tuple[float, float] | None = None,
) -> tuple[ak.Array, ak.Array]:
    """Cluster towers into anti-kt jets, and say which towers each jet has.

    Parameters, errors and sources are those of `cluster_fat_jets`.

    Parameters
    ----------
    towers, radius, pt_min, trimming
        As in `cluster_fat_jets`.

    Returns
    -------
    jets
        In descending (trimmed) pT, ``n_events * var``.
    constituents
        The towers of each jet, ``n_events * var * var``, with all their fields and pt (GeV); of a
        trimmed jet those that trimming leaves. Where some towers are missing, fields that are not
        needed and lack a number are left out.
    """
    pt_min = finite_number(pt_min, "pt_min")
    trimming = checked_trimming(trimming)
    towers = plain_records(towers, TOWER_FIELDS, "towers")
    particles, usable = massless_particles(flat_towers(towers))
    usable = ak.unflatten(usable, ak.num(towers, axis=1))
    sequence = _cluster(particles, fastjet.antikt_algorithm, radius)
    index = sequence.constituent_index(pt_min)
    if trimming is None:
        jets = _collider_coordinates(sequence.inclusive_jets(pt_min))
    else:
        per_jet = ak.to_packed(_pick(particles, index))
        jets, kept = _trimmed(ak.flatten(per_jet, axis=1), *trimming)
        counts = ak.num(index, axis=1)
        jets = ak.unflatten(jets, counts)
        index = index[ak.unflatten(kept, counts)]
    constituents = _pick(_with_pt(towers[usable], particles), index)
    order = _descending_pt(jets)
    return jets[order], constituents[order]


def trim(constituents: ak.Array, *, r_sub: float = 0.2, f_cut: float = 0.05) -> ak.Array:
    """Drop the soft subjets of each jet.

    Parameters
    ----------
    constituents
        Records px, py, pz, E or pt, eta, phi, mass, ``n_events * var * var`` (event, jet,
        constituent), GeV.
    r_sub
        Radius of the kt subjets.
    f_cut
        Smallest fraction of the jet's pT that a subjet must carry to stay.

    Returns
    -------
    Trimmed jets, ``n_events * var``, in the order of the input; zero momentum where no subjet
    stays.

    Raises
    ------
    InputError
        If ``f_cut`` is outside [0, 1), ``r_sub`` is not positive, or a momentum is missing or not
        finite.

    Notes
    -----
    Krohn, Thaler, Wang, arXiv:0912.1342; default parameters of the ATLAS search arXiv:1804.03568.
    """
    trimming = checked_trimming((r_sub, f_cut))
    flat = _flat_momenta(constituents, "constituents", depth=2)
    jets, _ = _trimmed(
        FlatRecords(flat.offsets[1:], flat.columns).to_awkward("Momentum4D"), *trimming
    )
    return ak.unflatten(jets, np.diff(flat.offsets[0]))


def kt_subjets(particles: ak.Array, radius: float) -> ak.Array:
    """Cluster the constituents of each jet into kt subjets.

    Parameters
    ----------
    particles
        Records px, py, pz, E of the constituents, ``n_jets * var``, GeV.
    radius
        Radius parameter of the subjets.

    Returns
    -------
    Momentum4D records pt, eta, phi, mass in descending pT, ``n_jets * var``.
    """
    particles = _flat_momenta(particles, "particles", of="jet").to_awkward("Momentum4D")
    sequence = _cluster(particles, fastjet.kt_algorithm, radius)
    subjets = _collider_coordinates(sequence.inclusive_jets())
    return subjets[_descending_pt(subjets)]


def hard_subjet_constituents(particles: ak.Array, *, r_sub: float, f_cut: float) -> ak.Array:
    """Tell which constituents trimming keeps: bool, ``n_jets * var``, for records px, py, pz, E as
    in `kt_subjets`.

    Parameters
    ----------
    particles
        Constituents of each jet, ``n_jets * var``, as in `kt_subjets`.
    r_sub, f_cut
        As in `trim`.

    Raises
    ------
    InputError
        As `trim`.
    """
    trimming = checked_trimming((r_sub, f_cut))
    return _trimmed(
        _flat_momenta(particles, "particles", of="jet").to_awkward("Momentum4D"), *trimming
    )[1]


def checked_trimming(trimming: tuple[float, float] | None) -> tuple[float, float] | None:
    """``(r_sub, f_cut)`` as plain floats; InputError unless the radius is positive and the fraction
    in [0, 1).
    """
    if trimming is None:
        return None
    numbers = float_array(trimming, "trimming")
    if numbers.shape != (2,):
        raise InputError(f"trimming is {trimming!r}: give (r_sub, f_cut)")
    r_sub, f_cut = numbers.tolist()
    if not 0 <= f_cut < 1:
        raise InputError(f"f_cut must be in [0, 1), not {f_cut}")
    return _checked_radius(r_sub, "r_sub"), f_cut


def flat_towers(towers: ak.Array) -> FlatRecords:
    """Fields e, eta, phi of towers, packed; InputError where an energy is not finite."""
    flat = flat_records(towers, TOWER_FIELDS, "towers")
    require_finite(flat, ["e"], "towers")
    return flat.packed()


def massless_particles(towers: FlatRecords) -> tuple[ak.Array, np.ndarray]:
    """Momentum4D records px, py, pz, E of the towers that can be clustered, and which can, bool
    ``(n,)``.
    """
    e, eta, phi = (towers.columns[name] for name in TOWER_FIELDS)
    usable = (e > 0) & np.isfinite(eta) & np.isfinite(phi)
    selected = towers.keep(usable)
    momenta = massless_momenta(*(selected.columns[name] for name in TOWER_FIELDS))
    return replace(selected, columns=momenta).to_awkward("Momentum4D"), usable


def _cluster(particles: ak.Array, algorithm: int, radius: float) -> fastjet.ClusterSequence:
    radius = _checked_radius(radius, "radius")
    return fastjet.ClusterSequence(particles, fastjet.JetDefinition(algorithm, radius))


def _checked_radius(radius: float, name: str) -> float:
    radius = finite_number(radius, name)
    if not 0 < radius <= LARGEST_RADIUS:
        raise InputError(f"{name} must be positive and at most {LARGEST_RADIUS:g}, not {radius}")
    return radius


def _descending_pt(jets: ak.Array) -> ak.Array:
    """Indices of the jets of each event in descending pT; equal ones keep their order."""
    return ak.argsort(jets.pt, axis=1, ascending=False, stable=True)


def _trimmed(per_jet: ak.Array, r_sub: float, f_cut: float) -> tuple[ak.Array, ak.Array]:
    """Trimmed jets, ``n_jets``, of constituents ``n_jets * var``, and which constituents stay,
    ``n_jets * var``.
    """
    jet_pt = np.hypot(ak.sum(per_jet.px, axis=1), ak.sum(per_jet.py, axis=1))
    sequence = fastjet.ClusterSequence(per_jet, fastjet.JetDefinition(fastjet.kt_algorithm, r_sub))
    subjets = sequence.inclusive_jets()
    index = sequence.constituent_index(0.0)
    hard = np.hypot(subjets.px, subjets.py) >= f_cut * jet_pt
    momenta = {name: ak.sum(subjets[name][hard], axis=1) for name in ("px", "py", "pz", "E")}
    coordinates = pt_eta_phi_mass(*(ak.to_numpy(component) for component in momenta.values()))
    kept = _is_listed(ak.flatten(index[hard], axis=2), ak.num(per_jet, axis=1))
    return ak.zip(coordinates, with_name="Momentum4D"), kept


def _is_listed(index: ak.Array, counts: ak.Array) -> ak.Array:
    """Bool, ``n * var`` with the given counts: whether the position is among the row's ``index``,
    ``n * var``.
    """
    counts = ak.to_numpy(counts)
    starts = np.cumsum(counts) - counts
    listed = np.zeros(counts.sum(), dtype=bool)
    listed[
        ak.to_numpy(ak.flatten(index)) + np.repeat(starts, ak.to_numpy(ak.num(index, axis=1)))
    ] = True
    return ak.unflatten(listed, counts)


def _pick(particles: ak.Array, index: ak.Array) -> ak.Array:
    """Elements ``n * var * var`` of ``particles``, ``n * var``, by their ``index`` in the row, ``n
    * var * var``.
    """
    picked = particles[ak.flatten(index, axis=2)]
    per_jet = ak.unflatten(ak.flatten(picked, axis=1), ak.flatten(ak.num(index, axis=2), axis=1))
    return ak.unflatten(per_jet, ak.num(index, axis=1))


def _with_pt(towers: ak.Array, particles: ak.Array) -> ak.Array:
    """Towers with the field pt, as stored or else that of their massless momenta."""
    return (
        towers
        if "pt" in towers.fields
        else ak.with_field(towers, np.hypot(particles.px, particles.py), "pt")
    )


def _flat_momenta(
    particles: ak.Array, name: str, *, depth: int = 1, of: str = "event"
) -> FlatRecords:
    """Fields px, py, pz, E of particles with these or pt, eta, phi, mass, float64, packed."""
    fields = (
        ("px", "py", "pz", "E")
        if "px" in getattr(particles, "fields", ["px"])
        else ("pt", "eta", "phi", "mass")
    )
    flat = flat_records(particles, fields, name, depth=depth, of=of)
    require_finite(flat, fields, name, of=of)
    flat = flat.packed()
    columns = {field: column.astype(np.float64) for field, column in flat.columns.items()}
    if "pt" in fields:
        pt, eta, phi, mass = columns.values()
        with np.errstate(over="ignore"):
            pz = pt * np.sinh(eta)
            columns = {
                "px": pt * np.cos(phi),
                "py": pt * np.sin(phi),
                "pz": pz,
                "E": np.sqrt(pt**2 + pz**2 + mass**2),
            }
        flat = replace(flat, columns=columns)
        require_finite(flat, ["E"], name, of=of)
    return replace(flat, columns=columns)


def _collider_coordinates(jets: ak.Array) -> ak.Array:
    """Momentum4D records pt, eta, phi, mass of jets, ``n_events * var``."""
    components = (
        ak.to_numpy(ak.flatten(component)) for component in (jets.px, jets.py, jets.pz, jets.E)
    )
    coordinates = ak.zip(pt_eta_phi_mass(*components), with_name="Momentum4D")
    return ak.unflatten(coordinates, ak.num(jets, axis=1))
