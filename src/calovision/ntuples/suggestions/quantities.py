"""Quantities in the names of branches: ``jet_pt``, ``ClusterEta``, ``Jets.fCoordinates.fPt``."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Ends of names, in lower-case words -> the quantity; longer ends come first.
_ENDS: dict[tuple[str, ...], str] = {
    ("f", "coordinates", "f", "pt"): "pt",
    ("f", "coordinates", "f", "eta"): "eta",
    ("f", "coordinates", "f", "phi"): "phi",
    ("f", "coordinates", "f", "e"): "e",
    ("f", "coordinates", "f", "t"): "e",
    ("f", "coordinates", "f", "m"): "mass",
    ("f", "coordinates", "f", "x"): "px",
    ("f", "coordinates", "f", "y"): "py",
    ("f", "coordinates", "f", "z"): "pz",
    ("f", "p", "f", "x"): "px",
    ("f", "p", "f", "y"): "py",
    ("f", "p", "f", "z"): "pz",
    **{("momentum", axis): f"p{axis}" for axis in "xyz"},
    **{("p", axis): f"p{axis}" for axis in "xyz"},
    **{("position", axis): axis for axis in "xyz"},
    **{("pos", axis): axis for axis in "xyz"},
    ("em", "energy"): "e_em",
    ("energy", "em"): "e_em",
    ("em", "e"): "e_em",
    ("e", "em"): "e_em",
    ("eem",): "e_em",
    ("had", "energy"): "e_had",
    ("energy", "had"): "e_had",
    ("had", "e"): "e_had",
    ("e", "had"): "e_had",
    ("ehad",): "e_had",
    ("p", "t"): "pt",
    ("e", "t"): "et",
    ("pdg", "id"): "pdg",
    **{("tau", number): f"tau{number}" for number in "1234"},
    ("f", "e"): "e",
    ("pt",): "pt",
    ("et",): "et",
    ("eta",): "eta",
    ("phi",): "phi",
    ("theta",): "theta",
    ("q", "over", "p"): "qoverp",
    ("qoverp",): "qoverp",
    ("e",): "e",
    ("energy",): "e",
    ("en",): "e",
    ("ene",): "e",
    ("m",): "mass",
    ("mass",): "mass",
    ("px",): "px",
    ("py",): "py",
    ("pz",): "pz",
    ("x",): "x",
    ("y",): "y",
    ("z",): "z",
    ("charge",): "charge",
    ("q",): "charge",
    ("pdgid",): "pdg",
    ("pid",): "pdg",
    ("pdg",): "pdg",
}
_LONGEST_END = max(map(len, _ENDS))
# Ends of words that are not set apart: jetpt, clphi; theta and beta are no eta.
_ATTACHED = re.compile(
    r"(?P<stem>.*[^h])(?P<end>pt|phi|energy|mass|charge|px|py|pz)|(?P<stem_of_eta>.*[^hbz])eta"
)
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


@dataclass(frozen=True)
class NamedQuantity:
    """A quantity and the objects that it belongs to, by the name of its branch.

    Attributes
    ----------
    quantity
        pt, eta, phi, theta, qoverp, e, et, mass, px, py, pz, x, y, z, charge, pdg, e_em, e_had,
        tau1 to tau4.
    stem
        Lower-case words of the rest of the name.
    number
        Number of the object, for ``jet2_pt`` and ``jet_pt2``; None without one.
    """

    quantity: str
    stem: tuple[str, ...]
    number: int | None = None


def words_of(name: str) -> tuple[str, ...]:
    """Words of a name in lower case: ``CaloCalTopoClustersAuxDyn.rawEta`` has seven."""
    return tuple(word.lower() for word in _WORD.findall(name))


def named_quantities(name: str) -> Iterator[NamedQuantity]:
    """Readings of a name, the likeliest first; none for other names."""
    words = words_of(name)
    for length in range(min(_LONGEST_END, len(words)), 0, -1):
        if quantity := _ENDS.get(words[-length:]):
            yield _numbered(quantity, words[:-length])
            break
    if len(words) > 1 and words[-1].isdigit():
        for one in named_quantities("_".join(words[:-1])):
            if one.number is None:
                yield NamedQuantity(one.quantity, one.stem, int(words[-1]))
    if words and (attached := _ATTACHED.fullmatch(words[-1])):
        stem = (*words[:-1], attached["stem"] or attached["stem_of_eta"])
        yield _numbered(_ENDS[(attached["end"] or "eta",)], stem)
    if len(words) > 1 and (quantity := _ENDS.get(words[:1])):
        yield _numbered(quantity, words[1:])


def _numbered(quantity: str, stem: tuple[str, ...]) -> NamedQuantity:
    """``jet2_pt`` is the pT of the jet 2, but ``ak8_pt`` of no eighth object."""
    if len(stem) > 1 and stem[-1].isdigit() and not stem[-2].endswith(("ak", "kt", "ca")):
        return NamedQuantity(quantity, stem[:-1], int(stem[-1]))
    return NamedQuantity(quantity, stem)
