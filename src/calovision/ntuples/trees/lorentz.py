"""Components of Lorentz vectors of ROOT, whichever coordinates a file keeps them in.

TLorentzVector has ``fP`` (``fX``, ``fY``, ``fZ``) and ``fE``; ``ROOT::Math::LorentzVector`` has
``fCoordinates``: ``fX``, ``fY``, ``fZ``, ``fT`` (PxPyPzE4D) or ``fM`` (PxPyPzM4D), or ``fPt``,
``fEta``, ``fPhi``, ``fE`` (PtEtaPhiE4D) or ``fM`` (PtEtaPhiM4D). Units of the file, radians.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

import awkward as ak
import numpy as np

COMPONENTS = ("px", "py", "pz", "e", "pt", "eta", "phi", "mass")

Key = TypeVar("Key", bound=Hashable)
_CARTESIAN, _COLLIDER = ("px", "py", "pz"), ("pt", "eta", "phi")
_COORDINATES = {
    "fP.fX": "px",
    "fP.fY": "py",
    "fP.fZ": "pz",
    "fE": "e",
    "fCoordinates.fX": "px",
    "fCoordinates.fY": "py",
    "fCoordinates.fZ": "pz",
    "fCoordinates.fT": "e",
    "fCoordinates.fPt": "pt",
    "fCoordinates.fEta": "eta",
    "fCoordinates.fPhi": "phi",
    "fCoordinates.fE": "e",
    "fCoordinates.fM": "mass",
}
_PARTS = re.compile(r"[./]")


def coordinates(members: Iterable[tuple[str, Key]]) -> dict[str, Key]:
    """Coordinates of a Lorentz vector among its members.

    Parameters
    ----------
    members
        Path from the vector to each of its members, as ``fP.fX`` or
        ``fCoordinates/fCoordinates.fPt``, and what stands for it.

    Returns
    -------
    Component -> what stands for it; empty unless the members are those of a Lorentz vector.
    """
    parts = ((_PARTS.split(path), key) for path, key in members)
    paths = {".".join(dict.fromkeys(names)): key for names, key in parts}
    found = {_COORDINATES[path]: key for path, key in paths.items() if path in _COORDINATES}
    is_complete = any(set(three) <= set(found) for three in (_CARTESIAN, _COLLIDER))
    return found if is_complete and not {"e", "mass"}.isdisjoint(found) else {}


def needed(component: str, known: Iterable[str]) -> tuple[str, ...]:
    """Coordinates of those that are known from which a component is computed."""
    known = set(known)
    if component in known:
        return (component,)
    energy = "e" if "e" in known else "mass"
    if known >= set(_CARTESIAN):
        of = {"pt": ("px", "py"), "phi": ("px", "py"), "eta": _CARTESIAN}
        return of.get(component, (*_CARTESIAN, energy))
    of = {"px": ("pt", "phi"), "py": ("pt", "phi"), "pz": ("pt", "eta")}
    return of.get(component, ("pt", "eta", energy))


def compute(component: str, names: Sequence[str], arrays: Sequence[ak.Array]) -> ak.Array:
    """Component of each vector, from the coordinates that are `needed` for it.

    Returns
    -------
    The coordinate itself as it is in the file; what is computed in float64, in the same lists.
    Without transverse momentum eta is infinite, or 0 without any momentum; a mass squared below
    zero gives 0.
    """
    if tuple(names) == (component,):
        return arrays[0]

    def on_numbers(layouts: Sequence[ak.contents.Content], **_: object) -> object:
        if not all(layout.is_numpy for layout in layouts):
            return None
        values = [layout.data.astype(np.float64, copy=False) for layout in layouts]
        with np.errstate(all="ignore"):
            result = _FORMULAS[component](dict(zip(names, values, strict=True)))
        return ak.contents.NumpyArray(result)

    return ak.transform(on_numbers, *arrays)


Values = Mapping[str, np.ndarray]


def _pt(of: Values) -> np.ndarray:
    return of["pt"] if "pt" in of else np.hypot(of["px"], of["py"])


def _pz(of: Values) -> np.ndarray:
    if "pz" in of:
        return of["pz"]
    return np.where(of["pt"] == 0, 0.0, of["pt"] * np.sinh(of["eta"]))


def _eta(of: Values) -> np.ndarray:
    return np.where(of["pz"] == 0, 0.0, np.arcsinh(of["pz"] / _pt(of)))


def _energy(of: Values) -> np.ndarray:
    """Energy from the mass, whose sign is that of its square, as in ROOT."""
    squared = _pt(of) ** 2 + _pz(of) ** 2 + of["mass"] * np.abs(of["mass"])
    return np.sqrt(np.maximum(squared, 0.0))


def _mass(of: Values) -> np.ndarray:
    """Mass; the factors lose less to cancellation than the difference of the squares."""
    pt, pz = _pt(of), _pz(of)
    return np.sqrt(np.maximum((of["e"] - pz) * (of["e"] + pz) - pt**2, 0.0))


_FORMULAS: dict[str, Callable[[Values], np.ndarray]] = {
    "px": lambda of: of["pt"] * np.cos(of["phi"]),
    "py": lambda of: of["pt"] * np.sin(of["phi"]),
    "pz": _pz,
    "pt": _pt,
    "eta": _eta,
    "phi": lambda of: np.arctan2(of["py"], of["px"]),
    "e": _energy,
    "mass": _mass,
}
