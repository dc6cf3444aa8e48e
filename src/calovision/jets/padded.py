"""Constituents of jets from padded arrays of particles, as EnergyFlow, JetNet and others keep them.

GeV, radians; arrays are ``(n_jets, n_particles, n_features)``. Rapidities become pseudorapidities,
as everywhere here: by the mass of the particle where there is one or a PDG number, else the
particles are massless and both are the same.
"""

from collections.abc import Mapping, Sequence

import awkward as ak
import numpy as np

from calovision.core.errors import EntryError, InputError
from calovision.core.kinematics import pt_eta_phi_mass, wrap_phi
from calovision.core.registry import nearest
from calovision.jets.particle_ids import seen_particles

LAYOUTS = {
    "energyflow": ("pt", "y", "phi", "pdgid"),
    "jetnet": ("eta_rel", "phi_rel", "pt_rel", "mask"),
    "momenta": ("e", "px", "py", "pz"),
}
"""Known orders of the features. The last one of the first two may be missing (EnergyFlow's data
sets of quark and gluon jets: doi:10.5281/zenodo.3164691; JetNet: arXiv:2106.11535)."""
MAY_BE_MISSING = ("pdgid", "mask")
FEATURES = {
    "pt": "transverse momentum",
    "eta": "pseudorapidity",
    "y": "rapidity",
    "phi": "azimuth",
    "mass": "mass",
    "e": "energy",
    "px": "momentum along x",
    "py": "momentum along y",
    "pz": "momentum along z",
    "pt_rel": "share of the jet's pT",
    "eta_rel": "pseudorapidity relative to the jet's",
    "phi_rel": "azimuth relative to the jet's",
    "charge": "charge",
    "pdgid": "PDG number, which gives charge, mass and the kind of shower",
    "mask": "1 for a particle, 0 for padding",
    "-": "anything else, which is not read",
}
"""Features that a particle may have."""
RELATIVE = {"pt_rel": "pt", "eta_rel": "eta", "phi_rel": "phi"}
"""Features that are relative to those of the jet."""


def features_of(layout: str | Sequence[str], n_features: int) -> tuple[str, ...]:
    """Names of the features of padded particles.

    Parameters
    ----------
    layout
        A name of `LAYOUTS`, or names of `FEATURES`.
    n_features
        Length of the last axis of the array.

    Raises
    ------
    InputError
        If a name is unknown, there are more or fewer names than features, or no momentum.
    """
    names = LAYOUTS.get(layout, (layout,)) if isinstance(layout, str) else tuple(layout)
    for name in names:
        if name not in FEATURES:
            known = {**LAYOUTS, **FEATURES}
            raise InputError(
                f"layout: there is no feature '{name}'{nearest(name, known)}; choose from "
                f"{', '.join(LAYOUTS)}, or list features out of {', '.join(FEATURES)}"
            )
    if layout in LAYOUTS and names[-1] in MAY_BE_MISSING and n_features == len(names) - 1:
        names = names[:-1]
    if len(names) != n_features:
        raise InputError(
            f"layout: particles with {n_features} features for {len(names)} names "
            f"({', '.join(names)}): give one name for each"
        )
    _check_features(names)
    return names


def _check_features(names: Sequence[str]) -> None:
    own = [name for name in names if name != "-"]
    if len(set(own)) < len(own):
        raise InputError(f"layout: a feature is named twice in {', '.join(names)}")
    if not any(all(len(one & set(own)) == 1 for one in wanted) for wanted in _MOMENTA):
        raise InputError(
            f"layout: {', '.join(names)} is no momentum: give px, py, pz; or pt, one of eta and y, "
            "and phi, each as such or relative to the jet"
        )


_MOMENTA = (
    ({"pt", "pt_rel"}, {"eta", "eta_rel", "y"}, {"phi", "phi_rel"}),
    ({"px"}, {"py"}, {"pz"}),
)
"""Sets of features, one of each of which make a momentum."""


def padded_constituents(
    particles: np.ndarray,
    layout: str | Sequence[str],
    *,
    jets: Mapping[str, np.ndarray] | None = None,
) -> ak.Array:
    """Constituents of jets, as `build_jet_images` takes them, from a padded array.

    Parameters
    ----------
    particles
        ``(n_jets, n_particles, n_features)`` numbers. Without a mask, particles without pT are
        padding.
    layout
        A name of `LAYOUTS`, or the names of the features (`FEATURES`).
    jets
        pt, eta and phi of the jets, ``(n_jets,)`` each, for features that are relative to them;
        phi is 0 where it is not there.

    Returns
    -------
    Records pt, eta, phi, e, float64, ``n_jets * var``; with charge if there are charges or PDG
    numbers, and with e_em and e_had, electromagnetic and hadronic energy, if there are PDG numbers.
    Neutrinos are left out.

    Raises
    ------
    InputError
        If the layout does not fit the array, or jets are needed and not there.
    EntryError
        If a number of a particle is not finite or not possible; its row is the jet.
    """
    particles = np.asarray(particles)
    if particles.ndim != 3 or particles.dtype.kind not in "biuf":
        raise InputError(
            f"particles of shape {particles.shape} and type {particles.dtype}: they must be "
            "numbers, (jet, particle, feature)"
        )
    names = features_of(layout, particles.shape[2])
    kept = _are_particles(particles, names)
    row = np.nonzero(kept)[0]
    flat = {
        name: particles[:, :, number][kept].astype(np.float64)
        for number, name in enumerate(names)
        if name not in ("-", "mask")
    }
    _check_finite(flat, row)
    _make_absolute(flat, row, jets, len(particles))
    seen = seen_particles(flat["pdgid"], row) if "pdgid" in flat else None
    if seen is not None:
        flat.setdefault("mass", seen.mass)
        flat.setdefault("charge", seen.charge)
    fields = _momenta(flat)
    if "charge" in flat:
        fields["charge"] = flat["charge"]
    if seen is not None:
        fields |= {"e_em": fields["e"] * seen.is_em, "e_had": fields["e"] * seen.is_had}
        fields = {name: values[seen.is_seen] for name, values in fields.items()}
        row = row[seen.is_seen]
    counts = np.bincount(row, minlength=len(particles))
    return ak.unflatten(ak.zip(fields), counts)


def sums_of_constituents(constituents: ak.Array) -> dict[str, np.ndarray]:
    """Momenta of jets, the sums of those of their constituents.

    Parameters
    ----------
    constituents
        As `padded_constituents` gives them.

    Returns
    -------
    ``pt``, ``eta``, ``phi``, ``mass``, float64 ``(n_jets,)``, GeV and rad.
    """
    row = np.repeat(np.arange(len(constituents)), ak.to_numpy(ak.num(constituents)))
    flat = ak.flatten(constituents)
    pt, eta, phi, e = (ak.to_numpy(flat[name]) for name in ("pt", "eta", "phi", "e"))
    parts = (pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), e)
    return pt_eta_phi_mass(*(np.bincount(row, part, len(constituents)) for part in parts))


def _are_particles(particles: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Tell particles from padding, bool ``(n_jets, n_particles)``."""
    transverse = [particles[:, :, names.index(one)] for one in _TRANSVERSE if one in names]
    has_pt = np.any([one != 0 for one in transverse], axis=0)  # NaN is no padding either
    if "mask" not in names:
        return has_pt
    mask = particles[:, :, names.index("mask")]
    known = (mask == 0) | (mask == 1)
    if not known.all():
        jet, particle = np.argwhere(~known)[0].tolist()
        raise EntryError(
            jet,
            "mask",
            f"is {mask[jet, particle]:g} for particle {particle}; it must be 1 for a particle and "
            "0 for padding",
            of="jet",
        )
    return has_pt & (mask == 1)


_TRANSVERSE = ("pt", "pt_rel", "px", "py")


def _check_finite(flat: Mapping[str, np.ndarray], row: np.ndarray) -> None:
    for name, values in flat.items():
        possible = np.isfinite(values)
        if not possible.all():
            wrong = int(np.argmin(possible))
            problem = "is not finite; give finite numbers, and zeros where there is no particle"
            raise EntryError(int(row[wrong]), name, problem, of="jet")
        if name in ("pt", "pt_rel", "mass", "e") and (values < 0).any():
            wrong = int(np.argmax(values < 0))
            raise EntryError(
                int(row[wrong]), name, f"is {values[wrong]:g}; it must not be negative", of="jet"
            )


def _make_absolute(
    flat: dict[str, np.ndarray],
    row: np.ndarray,
    jets: Mapping[str, np.ndarray] | None,
    n_jets: int,
) -> None:
    """Replace what is relative to the jets."""
    relative = [name for name in RELATIVE if name in flat]
    if not relative:
        return
    jets = {"phi": np.zeros(n_jets)} | dict(jets or {})
    for name in relative:
        of_jet = RELATIVE[name]
        if of_jet not in jets:
            raise InputError(f"layout: {name} is relative to the jets: give their {of_jet}")
        reference = np.asarray(jets[of_jet], dtype=np.float64)
        if reference.shape != (n_jets,):
            raise InputError(
                f"{of_jet} of jets of shape {reference.shape} for particles of {n_jets} jets: "
                "there must be one for each"
            )
        own = flat.pop(name)
        flat[of_jet] = own * reference[row] if name == "pt_rel" else own + reference[row]


def _momenta(flat: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Fields pt, eta, phi, e of particles, from whatever features there are."""
    if "px" in flat:
        px, py, pz = (flat[name] for name in ("px", "py", "pz"))
        mass = flat.get("mass", np.zeros(len(px)))
        e = flat.get("e", np.sqrt(px**2 + py**2 + pz**2 + mass**2))
        found = pt_eta_phi_mass(px, py, pz, e)
        return {name: found[name] for name in ("pt", "eta", "phi")} | {"e": e}
    pt, phi = flat["pt"], wrap_phi(flat["phi"])
    mass = flat.get("mass", np.zeros(len(pt)))
    with np.errstate(over="ignore", invalid="ignore"):
        if "eta" in flat:
            eta = flat["eta"]
        elif "mass" in flat:
            eta = np.arcsinh(np.hypot(pt, mass) * np.sinh(flat["y"]) / pt)
        else:
            eta = flat["y"]
        e = flat.get("e", np.hypot(pt * np.cosh(eta), mass))
    return {"pt": pt, "eta": eta, "phi": phi, "e": e}
