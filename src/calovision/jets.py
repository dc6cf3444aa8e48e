"""Fat jets from calorimeter towers, and the jet variables of an event.

GeV, radians, phi in [-pi, pi). Jets are awkward arrays of Momentum4D records with the fields pt, eta, phi, mass,
``n_events * var``, in descending pT. All events of a chunk are clustered in one call, without a loop in Python.
"""

from dataclasses import dataclass

import awkward as ak
import fastjet
import numpy as np

from calovision.kinematics import massless_momenta, pt_eta_phi_mass, wrap_phi

N_LEADING_JETS = 5  # jets whose momenta are kept: the shallow classifiers of arXiv:1711.03573 use five
N_SUMMED_MASSES = 4  # jets in the summed jet mass of arXiv:1804.03568

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
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, radius)
    sequence = fastjet.ClusterSequence(_massless_particles(towers), definition)
    if trimming is None:
        jets = _collider_coordinates(sequence.inclusive_jets(pt_min))
    else:
        r_sub, f_cut = trimming
        jets = trim(sequence.constituents(pt_min), r_sub=r_sub, f_cut=f_cut)
    return _by_descending_pt(jets)


def trim(constituents: ak.Array, *, r_sub: float = 0.2, f_cut: float = 0.05) -> ak.Array:
    """Drop the soft subjets of each jet.

    Parameters
    ----------
    constituents
        Momentum4D records, ``n_events * var * var`` (event, jet, constituent), GeV.
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
    if not 0 <= f_cut < 1:
        raise ValueError(f"f_cut must be in [0, 1), not {f_cut}")
    if not r_sub > 0:
        raise ValueError(f"r_sub must be positive, not {r_sub}")
    per_jet = _cartesian(ak.flatten(constituents, axis=1))
    jet_pt = np.hypot(ak.sum(per_jet.px, axis=1), ak.sum(per_jet.py, axis=1))
    subjets = fastjet.ClusterSequence(per_jet, fastjet.JetDefinition(fastjet.kt_algorithm, r_sub)).inclusive_jets()
    kept = subjets[np.hypot(subjets.px, subjets.py) >= f_cut * jet_pt]
    trimmed = ak.zip({name: ak.sum(kept[name], axis=1) for name in ("px", "py", "pz", "E")}, with_name="Momentum4D")
    return _collider_coordinates(ak.unflatten(trimmed, ak.num(constituents, axis=1)))


def select_fat_jets(jets: ak.Array, *, pt_min: float = 200.0, eta_max: float = 2.0) -> ak.Array:
    """Keep the jets with pT above ``pt_min`` (GeV) and |eta| below ``eta_max``, in descending pT.

    The defaults are those of arXiv:1711.03573 and arXiv:1804.03568.
    """
    return _by_descending_pt(jets[(jets.pt > pt_min) & (np.abs(jets.eta) < eta_max)])


@dataclass(frozen=True)
class FatJetDefinition:
    """Which fat jets count: their clustering, optional trimming, and selection.

    ``radius``, ``r_sub`` in rad, ``pt_min`` in GeV; the defaults are those of arXiv:1711.03573, whose jets are not
    groomed, and ``r_sub`` and ``f_cut`` those of the trimming in arXiv:1804.03568.
    """

    radius: float = 1.0
    pt_min: float = 200.0
    eta_max: float = 2.0
    groomed: bool = False
    r_sub: float = 0.2
    f_cut: float = 0.05


def find_fat_jets(towers: ak.Array, own: ak.Array | None, definition: FatJetDefinition) -> ak.Array:
    """Selected fat jets of each event: the file's own where it has them, else clustered from the towers.

    Parameters
    ----------
    towers
        As in `cluster_fat_jets`.
    own
        The file's fat jets, groomed if the definition asks for that; None if it has none.
    definition
        Clustering, trimming and selection; the first two matter only where jets are clustered.

    Returns
    -------
    Momentum4D records in descending pT, ``n_events * var``.
    """
    if own is None:
        trimming = (definition.r_sub, definition.f_cut) if definition.groomed else None
        own = cluster_fat_jets(towers, radius=definition.radius, pt_min=definition.pt_min, trimming=trimming)
    return select_fat_jets(own, pt_min=definition.pt_min, eta_max=definition.eta_max)


def event_variables(fat_jets: ak.Array) -> dict[str, np.ndarray]:
    """Jet variables of the search and of the shallow classifiers, one row an event.

    Parameters
    ----------
    fat_jets
        Selected fat jets in descending pT, ``n_events * var``, as `select_fat_jets` gives them.

    Returns
    -------
    ``n_fat_jets``
        Number of fat jets, int64 ``(n_events,)``; all others are float64.
    ``mj_sum``
        Sum of the masses of the (up to) four leading jets, GeV.
    ``delta_eta_12``
        |eta_1 - eta_2| of the two leading jets. It is infinite for fewer than two jets, so that such an event fails
        every requirement of a small separation, however the comparison is written.
    ``ht``
        Scalar sum of the pT of all the jets, GeV.
    ``leading_pt``
        pT of the leading jet, GeV; 0 without jets.
    ``fat_jets``
        pT, eta, phi, mass of the five leading jets, ``(n_events, 5, 4)``, padded with zeros.

    Notes
    -----
    Definitions of the ATLAS search arXiv:1804.03568 and of the public code of arXiv:1711.03573.
    """
    leading = np.stack([_leading(fat_jets[name]) for name in ("pt", "eta", "phi", "mass")], axis=-1)
    leading[:, :, 2] = wrap_phi(leading[:, :, 2])  # a file may hold float32(pi), which exceeds pi
    n_fat_jets = ak.to_numpy(ak.num(fat_jets, axis=1)).astype(np.int64)
    eta = leading[:, :, 1]
    return {
        "n_fat_jets": n_fat_jets,
        "mj_sum": leading[:, :N_SUMMED_MASSES, 3].sum(axis=1),
        "delta_eta_12": np.where(n_fat_jets >= 2, np.abs(eta[:, 0] - eta[:, 1]), np.inf),
        "ht": ak.to_numpy(ak.sum(fat_jets.pt, axis=1)).astype(np.float64),
        "leading_pt": leading[:, 0, 0].copy(),
        "fat_jets": leading,
    }


def _massless_particles(towers: ak.Array) -> ak.Array:
    """Momentum4D records px, py, pz, E of the towers that can be clustered."""
    usable = (towers.e > 0) & np.isfinite(towers.e) & np.isfinite(towers.eta) & np.isfinite(towers.phi)
    e, eta, phi = (ak.to_numpy(ak.flatten(towers[name][usable])).astype(np.float64) for name in ("e", "eta", "phi"))
    particles = ak.zip(massless_momenta(e, eta, phi), with_name="Momentum4D")
    return ak.unflatten(particles, ak.to_numpy(ak.sum(usable, axis=1)))


def _cartesian(particles: ak.Array) -> ak.Array:
    """Momentum4D records px, py, pz, E, ``n * var``, in one contiguous list as FastJet's interface wants them."""
    components = {"px": particles.px, "py": particles.py, "pz": particles.pz, "E": particles.E}
    return ak.to_packed(ak.zip(components, with_name="Momentum4D"))


def _collider_coordinates(jets: ak.Array) -> ak.Array:
    """Momentum4D records pt, eta, phi, mass of jets, ``n_events * var``."""
    components = (ak.to_numpy(ak.flatten(component)) for component in (jets.px, jets.py, jets.pz, jets.E))
    coordinates = ak.zip(pt_eta_phi_mass(*components), with_name="Momentum4D")
    return ak.unflatten(coordinates, ak.num(jets, axis=1))


def _by_descending_pt(jets: ak.Array) -> ak.Array:
    """Return the jets of each event in descending pT; equal ones keep their order."""
    return jets[ak.argsort(jets.pt, axis=1, ascending=False, stable=True)]


def _leading(values: ak.Array) -> np.ndarray:
    """Return the first values of each event, float64 ``(n_events, N_LEADING_JETS)``, padded with zeros."""
    padded = ak.pad_none(values, N_LEADING_JETS, axis=1, clip=True)
    return ak.to_numpy(ak.fill_none(padded, 0.0), allow_missing=False).astype(np.float64)
