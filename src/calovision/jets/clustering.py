"""Jets from four-momenta: clustering, trimming, subjets, and which towers went into each jet.

All events of a chunk are clustered in one call, without a loop in Python. The arrays that go into FastJet are records
px, py, pz, E in one contiguous list, as its awkward interface wants them.
"""

import awkward as ak
import fastjet
import numpy as np

from calovision.kinematics import massless_momenta, pt_eta_phi_mass

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
        Records with the fields e (GeV), eta, phi, ``n_events * var``; other fields are ignored. Towers without
        positive energy or with a coordinate that is not finite take no part.
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
    ValueError
        If ``trimming`` is out of range, see `trim`.

    Notes
    -----
    Anti-kt: Cacciari, Salam, Soyez, arXiv:0802.1189; FastJet: arXiv:1111.6097. Towers are taken as massless, as
    Delphes does; tests/test_jets.py compares with the jets, trimmed and not, that Delphes wrote itself.
    """
    sequence = _anti_kt(_massless_particles(towers, _usable(towers)), radius)
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

    Returns
    -------
    jets
        In descending (trimmed) pT, ``n_events * var``.
    constituents
        The towers of each jet, ``n_events * var * var``, with all their fields and pt (GeV); of a trimmed jet those
        that trimming leaves.
    """
    usable = _usable(towers)
    particles = _massless_particles(towers, usable)
    sequence = _anti_kt(particles, radius)
    index = sequence.constituent_index(pt_min)
    if trimming is None:
        jets = _collider_coordinates(sequence.inclusive_jets(pt_min))
    else:
        per_jet = ak.to_packed(_pick(particles, index))
        jets, kept = _trimmed(ak.flatten(per_jet, axis=1), *trimming)
        counts = ak.num(index, axis=1)
        jets, index = ak.unflatten(jets, counts), index[ak.unflatten(kept, counts)]
    constituents = _pick(_with_pt(towers[usable], particles), index)
    order = _descending_pt(jets)
    return jets[order], constituents[order]


def trim(constituents: ak.Array, *, r_sub: float = 0.2, f_cut: float = 0.05) -> ak.Array:
    """Drop the soft subjets of each jet.

    Parameters
    ----------
    constituents
        Records px, py, pz, E or pt, eta, phi, mass, ``n_events * var * var`` (event, jet, constituent), GeV.
    r_sub
        Radius of the kt subjets.
    f_cut
        Smallest fraction of the jet's pT that a subjet must carry to stay.

    Returns
    -------
    Trimmed jets, ``n_events * var``, in the order of the input; zero momentum where no subjet stays.

    Raises
    ------
    ValueError
        If ``f_cut`` is outside [0, 1) or ``r_sub`` is not positive.

    Notes
    -----
    Krohn, Thaler, Wang, arXiv:0912.1342; default parameters of the ATLAS search arXiv:1804.03568.
    """
    per_jet = _cartesian(ak.flatten(constituents, axis=1))
    return ak.unflatten(_trimmed(per_jet, r_sub, f_cut)[0], ak.num(constituents, axis=1))


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
    sequence = fastjet.ClusterSequence(ak.to_packed(particles), fastjet.JetDefinition(fastjet.kt_algorithm, radius))
    subjets = _collider_coordinates(sequence.inclusive_jets())
    return subjets[_descending_pt(subjets)]


def hard_subjet_constituents(particles: ak.Array, *, r_sub: float, f_cut: float) -> ak.Array:
    """Which constituents trimming keeps: bool, ``n_jets * var``, for records px, py, pz, E as in `kt_subjets`.

    Raises
    ------
    ValueError
        If a parameter is out of range, see `trim`.
    """
    return _trimmed(particles, r_sub, f_cut)[1]


def _anti_kt(particles: ak.Array, radius: float) -> fastjet.ClusterSequence:
    return fastjet.ClusterSequence(particles, fastjet.JetDefinition(fastjet.antikt_algorithm, radius))


def _descending_pt(jets: ak.Array) -> ak.Array:
    """Indices of the jets of each event in descending pT; equal ones keep their order."""
    return ak.argsort(jets.pt, axis=1, ascending=False, stable=True)


def _trimmed(per_jet: ak.Array, r_sub: float, f_cut: float) -> tuple[ak.Array, ak.Array]:
    """Trimmed jets, ``n_jets``, of constituents ``n_jets * var``, and which constituents stay, ``n_jets * var``."""
    if not 0 <= f_cut < 1:
        raise ValueError(f"f_cut must be in [0, 1), not {f_cut}")
    if not r_sub > 0:
        raise ValueError(f"r_sub must be positive, not {r_sub}")
    jet_pt = np.hypot(ak.sum(per_jet.px, axis=1), ak.sum(per_jet.py, axis=1))
    sequence = fastjet.ClusterSequence(per_jet, fastjet.JetDefinition(fastjet.kt_algorithm, r_sub))
    subjets, index = sequence.inclusive_jets(), sequence.constituent_index(0.0)
    hard = np.hypot(subjets.px, subjets.py) >= f_cut * jet_pt
    momenta = {name: ak.sum(subjets[name][hard], axis=1) for name in ("px", "py", "pz", "E")}
    coordinates = pt_eta_phi_mass(*(ak.to_numpy(component) for component in momenta.values()))
    kept = _is_listed(ak.flatten(index[hard], axis=2), ak.num(per_jet, axis=1))
    return ak.zip(coordinates, with_name="Momentum4D"), kept


def _is_listed(index: ak.Array, counts: ak.Array) -> ak.Array:
    """Bool, ``n * var`` with the given counts: whether the position is among the row's ``index``, ``n * var``."""
    counts = ak.to_numpy(counts)
    starts = np.cumsum(counts) - counts
    listed = np.zeros(counts.sum(), dtype=bool)
    listed[ak.to_numpy(ak.flatten(index)) + np.repeat(starts, ak.to_numpy(ak.num(index, axis=1)))] = True
    return ak.unflatten(listed, counts)


def _pick(particles: ak.Array, index: ak.Array) -> ak.Array:
    """Elements ``n * var * var`` of ``particles``, ``n * var``, by their ``index`` in the row, ``n * var * var``."""
    picked = particles[ak.flatten(index, axis=2)]
    per_jet = ak.unflatten(ak.flatten(picked, axis=1), ak.flatten(ak.num(index, axis=2), axis=1))
    return ak.unflatten(per_jet, ak.num(index, axis=1))


def _with_pt(towers: ak.Array, particles: ak.Array) -> ak.Array:
    """Towers with the field pt, as stored or else that of their massless momenta."""
    return towers if "pt" in towers.fields else ak.with_field(towers, np.hypot(particles.px, particles.py), "pt")


def _usable(towers: ak.Array) -> ak.Array:
    """Which towers can be clustered, bool ``n_events * var``."""
    return (towers.e > 0) & np.isfinite(towers.e) & np.isfinite(towers.eta) & np.isfinite(towers.phi)


def _massless_particles(towers: ak.Array, usable: ak.Array) -> ak.Array:
    """Momentum4D records px, py, pz, E of the towers that can be clustered."""
    e, eta, phi = (ak.to_numpy(ak.flatten(towers[name][usable])).astype(np.float64) for name in ("e", "eta", "phi"))
    particles = ak.zip(massless_momenta(e, eta, phi), with_name="Momentum4D")
    return ak.unflatten(particles, ak.to_numpy(ak.sum(usable, axis=1)))


def _cartesian(particles: ak.Array) -> ak.Array:
    """Momentum4D records px, py, pz, E, ``n * var``, in one contiguous list as FastJet's interface wants them."""
    if "px" in particles.fields:
        components = {name: particles[name] for name in ("px", "py", "pz", "E")}
    else:
        pt, pz = particles.pt, particles.pt * np.sinh(particles.eta)
        energy = np.sqrt(pt**2 + pz**2 + particles.mass**2)
        components = {"px": pt * np.cos(particles.phi), "py": pt * np.sin(particles.phi), "pz": pz, "E": energy}
    return ak.to_packed(ak.zip(components, with_name="Momentum4D"))


def _collider_coordinates(jets: ak.Array) -> ak.Array:
    """Momentum4D records pt, eta, phi, mass of jets, ``n_events * var``."""
    components = (ak.to_numpy(ak.flatten(component)) for component in (jets.px, jets.py, jets.pz, jets.E))
    coordinates = ak.zip(pt_eta_phi_mass(*components), with_name="Momentum4D")
    return ak.unflatten(coordinates, ak.num(jets, axis=1))
