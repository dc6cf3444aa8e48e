"""Fat jets of particle-flow candidates with their constituents, and the particle that each comes
from.

Units: GeV, radians.
"""

import awkward as ak
import numpy as np

from calovision.core.kinematics import wrap_phi
from calovision.jets.clustering import cluster_with_constituents

PT_MIN = 100.0
GLUON, TOP, W = 21, 6, 24
BOTTOM = 5

_FLOAT_FIELDS = {
    "fat_jets": ("pt", "eta", "phi", "mass"),
    "constituents": ("pt", "eta", "phi", "e_em", "e_had"),
}


def find_fat_jets(candidates: ak.Array, partons: ak.Array, *, radius: float) -> dict[str, ak.Array]:
    """Anti-kt jets above `PT_MIN` of some events, and their constituents.

    Parameters
    ----------
    candidates
        ``n_events * var * {pt, eta, phi, e, e_em, e_had, charge}``.
    partons
        Of the hard process, ``n_events * var * {id, px, py, pz, e}``.
    radius
        Of the jets.

    Returns
    -------
    ``fat_jets``, ``n_events * var * {pt, eta, phi, mass, radius, n_constituents, flavor}``, in
    descending pT, and ``constituents``, those of the first jet, then of the second and so on, each
    in descending pT.
    """
    jets, constituents = cluster_with_constituents(candidates, radius=radius, pt_min=PT_MIN)
    constituents = constituents[ak.argsort(constituents.pt, axis=2, ascending=False, stable=True)]
    columns = {
        name: ak.values_astype(jets[name], np.float32) for name in _FLOAT_FIELDS["fat_jets"]
    } | {
        "radius": ak.full_like(jets.pt, radius, dtype=np.float32),
        "n_constituents": ak.values_astype(ak.num(constituents, axis=2), np.int32),
        "flavor": ak.values_astype(jet_flavors(jets, partons, radius=radius), np.int32),
    }
    flat = ak.flatten(constituents, axis=2)
    of_constituents = {
        name: ak.values_astype(flat[name], np.float32) for name in _FLOAT_FIELDS["constituents"]
    } | {"charge": ak.values_astype(flat.charge, np.int8)}
    return {"fat_jets": ak.zip(columns), "constituents": ak.zip(of_constituents)}


def jet_flavors(jets: ak.Array, partons: ak.Array, *, radius: float) -> ak.Array:
    """Kind of each jet by the partons of the hard process within ``radius`` of its axis.

    Returns
    -------
    ``n_events * var``: of one parton its PDG number without sign (21 for a gluon); 24 for two
    quarks of a W, none of which is a bottom quark; 6 for three quarks of a top, one of which is; 0
    for none and for others.
    """
    eta = np.arcsinh(partons.pz / np.hypot(partons.px, partons.py))
    jet_eta, eta = ak.unzip(ak.cartesian([jets.eta, eta], nested=True))
    jet_phi, phi = ak.unzip(
        ak.cartesian([jets.phi, np.arctan2(partons.py, partons.px)], nested=True)
    )
    distance = np.hypot(jet_eta - eta, _wrapped(jet_phi - phi))
    _, kind = ak.unzip(ak.cartesian([jets.pt, np.abs(partons.id)], nested=True))
    inside = kind[distance < radius]
    n_inside = ak.num(inside, axis=2)
    n_bottom = ak.sum(inside == BOTTOM, axis=2)
    are_quarks = ~ak.any(inside == GLUON, axis=2)
    flavor = ak.where(n_inside == 1, ak.sum(inside, axis=2), 0)
    flavor = ak.where(are_quarks & (n_inside == 2) & (n_bottom == 0), W, flavor)
    return ak.where(are_quarks & (n_inside == 3) & (n_bottom == 1), TOP, flavor)


def _wrapped(angle: ak.Array) -> ak.Array:
    counts = ak.num(angle, axis=2)
    flat = wrap_phi(ak.to_numpy(ak.flatten(angle, axis=None)))
    return ak.unflatten(ak.unflatten(flat, ak.flatten(counts)), ak.num(counts, axis=1))
