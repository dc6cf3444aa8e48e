"""Selection of the fat jets of an event, with or without their constituents."""

from dataclasses import dataclass

import awkward as ak
import numpy as np

from calovision.core.errors import InputError
from calovision.core.numeric import finite_number, float_array
from calovision.core.records import AWKWARD_ERRORS, flat_records, is_plain, plain_records
from calovision.jets.checks import ascending, plain_jets, with_real_masses
from calovision.jets.clustering import (
    cluster_fat_jets,
    cluster_with_constituents,
    hard_subjet_constituents,
)

# of the definition's pt_min: the file's jets may be calibrated, those of the towers are not
RECLUSTERED_PT = 0.5
MATCHED_DISTANCE = 0.5  # of the radius: two anti-kt jets are never closer than the radius


def select_fat_jets(jets: ak.Array, *, pt_min: float = 200.0, eta_max: float = 2.0) -> ak.Array:
    """Keep the jets with pT above ``pt_min`` (GeV) and |eta| below ``eta_max``, in descending pT.

    The defaults are those of arXiv:1711.03573 and arXiv:1804.03568. Missing jets are left out, and
    so are those without positive pT. Masses that are negative by rounding (at most 1e-3 of the
    energy) become 0.

    Raises
    ------
    EntryError
        If a momentum is missing or not finite, or the mass of a jet that is kept is below zero by
        more than rounding.
    """
    jets = plain_jets(jets)
    order = _selected_by_descending_pt(jets, pt_min, eta_max)
    return _chosen_jets(jets, order)


@dataclass(frozen=True)
class FatJetDefinition:
    """Clustering, optional trimming, and selection of fat jets.

    ``radius``, ``r_sub`` in rad, ``pt_min`` in GeV; the defaults are those of arXiv:1711.03573,
    whose jets are not groomed, and ``r_sub`` and ``f_cut`` those of the trimming in
    arXiv:1804.03568.

    Attributes
    ----------
    radius
        Of anti-kt, rad.
    pt_min, eta_max
        Lowest pT (GeV) and largest absolute pseudorapidity of jets that count.
    groomed
        Whether jets are trimmed.
    r_sub, f_cut
        Radius (rad) of the subjets of the trimming, and the least share of pT of those that stay.
    """

    radius: float = 1.0
    pt_min: float = 200.0
    eta_max: float = 2.0
    groomed: bool = False
    r_sub: float = 0.2
    f_cut: float = 0.05

    def __post_init__(self) -> None:
        for name in ("radius", "pt_min", "r_sub", "f_cut"):
            finite_number(getattr(self, name), f"fat jets: {name}")
        if not self.radius > 0 or not self.r_sub > 0 or not 0 <= self.f_cut < 1:
            raise InputError(
                f"fat jets: radius {self.radius} and r_sub {self.r_sub} must be positive, f_cut "
                f"{self.f_cut} in [0, 1)"
            )


def find_fat_jets(towers: ak.Array, own: ak.Array | None, definition: FatJetDefinition) -> ak.Array:
    """Selected fat jets of each event: the file's own where it has them, else clustered from the
    towers.

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

    Raises
    ------
    EntryError
        As `select_fat_jets` and `cluster_fat_jets`.
    """
    if own is None:
        trimming = (definition.r_sub, definition.f_cut) if definition.groomed else None
        own = cluster_fat_jets(
            towers, radius=definition.radius, pt_min=definition.pt_min, trimming=trimming
        )
    return select_fat_jets(own, pt_min=definition.pt_min, eta_max=definition.eta_max)


def find_fat_jets_with_constituents(
    towers: ak.Array | None,
    own: ak.Array | None,
    own_constituents: ak.Array | None,
    definition: FatJetDefinition,
) -> tuple[ak.Array, ak.Array]:
    """Selected fat jets of each event as `find_fat_jets` gives them, and their constituents.

    Parameters
    ----------
    towers
        As in `cluster_fat_jets`; may be None if the file has jets and their constituents.
    own
        The file's fat jets; None if it has none.
    own_constituents
        Their constituents, ``n_events * var * var``, aligned with ``own``; None if the file has
        none.
    definition
        Clustering, trimming and selection.

    Returns
    -------
    jets
        In descending pT, ``n_events * var``, with all fields of the file's jets.
    constituents
        ``n_events * var * var``, aligned with the jets, whose momenta stay those of the file: the
        file's own constituents where it has them; else the towers of the jet that is clustered anew
        and found within half the radius (none if there is no such jet, so that the image is empty).
        Trimmed if the definition is groomed.

    Raises
    ------
    InputError
        If towers are needed and there are none, the constituents are not aligned with the jets, or
        as `find_fat_jets`.
    """
    if own is None or own_constituents is None:
        own_constituents = None
        jets, constituents = _from_towers(towers, own, definition)
    else:
        jets, constituents = _without_missing_jets(own, own_constituents)
    jets = plain_jets(jets)
    constituents = plain_records(constituents, ("pt", "eta", "phi"), "constituents", depth=2)
    if not ak.array_equal(ak.num(jets, axis=1), ak.num(constituents, axis=1)):
        raise InputError(
            "constituents and fat jets must be aligned: they differ in the number of jets of an "
            "event"
        )
    order = _selected_by_descending_pt(jets, definition.pt_min, definition.eta_max)
    jets = _chosen_jets(jets, order)
    constituents = constituents if order is None else constituents[order]
    if definition.groomed and own_constituents is not None:
        return jets, _trimmed(constituents, definition)
    return jets, constituents


def _trimmed(constituents: ak.Array, definition: FatJetDefinition) -> ak.Array:
    """Constituents ``n_events * var * var``, taken as massless, that trimming keeps."""
    per_jet = ak.flatten(constituents, axis=1)
    eta = ak.where(per_jet["pt"] > 0, per_jet["eta"], 0.0)
    momenta = {"pt": per_jet["pt"], "eta": eta, "phi": per_jet["phi"], "mass": 0 * eta}
    kept = hard_subjet_constituents(ak.zip(momenta), r_sub=definition.r_sub, f_cut=definition.f_cut)
    return ak.unflatten(per_jet[kept], ak.num(constituents, axis=1))


def _without_missing_jets(own: ak.Array, constituents: ak.Array) -> tuple[ak.Array, ak.Array]:
    """Jets and their constituents without the jets that are missing (None); events that are missing
    have no jets.
    """
    if is_plain(own) and is_plain(constituents, depth=2):
        return own, constituents
    try:
        jets, lists = (
            ak.fill_none(ak.from_regular(array), [], axis=0) for array in (own, constituents)
        )
        missing = ak.is_none(jets, axis=1)
        if not ak.any(missing) or not ak.array_equal(ak.num(jets, axis=1), ak.num(lists, axis=1)):
            return own, constituents
        return jets[~missing], lists[~missing]
    except AWKWARD_ERRORS:  # no jets at all: the checks to come say so
        return own, constituents


def _from_towers(
    towers: ak.Array | None, own: ak.Array | None, definition: FatJetDefinition
) -> tuple[ak.Array, ak.Array]:
    """Jets clustered from the towers and their constituents; the momenta are those of ``own`` where
    it is given.
    """
    if towers is None:
        raise InputError(
            "the constituents of fat jets need towers, or the file's own jets with constituents"
        )
    trimming = (definition.r_sub, definition.f_cut) if definition.groomed else None
    pt_min = definition.pt_min if own is None else RECLUSTERED_PT * definition.pt_min
    jets, constituents = cluster_with_constituents(
        towers, radius=definition.radius, pt_min=pt_min, trimming=trimming
    )
    if own is None:
        return jets, constituents
    return own, _of_nearest_jet(own, jets, constituents, MATCHED_DISTANCE * definition.radius)


def _of_nearest_jet(
    own: ak.Array, jets: ak.Array, constituents: ak.Array, distance: float
) -> ak.Array:
    """Constituents of the jet nearest to each of ``own``; none where it is not nearer than
    ``distance``.
    """
    (own_eta, eta), (own_phi, phi) = (
        ak.unzip(ak.cartesian([own[name], jets[name]], axis=1, nested=True))
        for name in ("eta", "phi")
    )
    turns = np.round((own_phi - phi) / (2 * np.pi))
    squared = (own_eta - eta) ** 2 + (own_phi - phi - 2 * np.pi * turns) ** 2
    nearest = ak.mask(
        ak.argmin(squared, axis=2), ak.fill_none(ak.min(squared, axis=2) < distance**2, False)
    )
    return ak.fill_none(constituents[nearest], [], axis=1)


def _selected_by_descending_pt(jets: ak.Array, pt_min: float, eta_max: float) -> ak.Array | None:
    """Indices of the selected jets of each event in descending pT; equal ones keep their order.
    None if these are all jets in the order that they have.
    """
    pt_min, eta_max = _threshold(pt_min, "pt_min"), _threshold(eta_max, "eta_max")
    flat = flat_records(jets, ("pt", "eta"), "fat_jets").packed()
    pt, eta, offsets = flat.columns["pt"], flat.columns["eta"], flat.offsets[0]
    selected = (pt > max(pt_min, 0.0)) & (np.abs(eta) < eta_max)
    descends = not ascending(flat).any()
    if descends and selected.all():
        return None
    event = np.repeat(np.arange(len(flat)), np.diff(offsets))
    chosen = np.arange(len(pt)) if descends else np.lexsort((-pt.astype(np.float64), event))
    chosen = chosen[selected[chosen]]
    counts = np.bincount(event[chosen], minlength=len(flat))
    return ak.unflatten(chosen - offsets[event[chosen]], counts)


def _chosen_jets(jets: ak.Array, order: ak.Array | None) -> ak.Array:
    """Jets of an order, side by side in memory, which is read faster than places elsewhere."""
    return with_real_masses(jets if order is None else ak.to_packed(jets[order]))


def _threshold(value: float, name: str) -> float:
    """A float, infinity included; InputError for what is none or NaN."""
    array = float_array(value, name)
    if array.ndim or np.isnan(array):
        raise InputError(f"{name}={value!r}: must be a number")
    return float(array)
