"""Fields that are computed from other keys: components of momenta and positions, four-momenta.

In float64, also of branches in float32: what is subtracted from one another would lose its digits.
A momentum along the beam has an infinite pseudorapidity, as it lies outside of every image; one
of zeros has 0, as in ROOT (TVector3::PseudoRapidity). Rounding takes no mass below 0.
"""

from collections.abc import Container, Iterator

from calovision.selection.expressions.nodes import Name, written

_PT = "sqrt({x}**2 + {y}**2)"
_ETA = f"where(({{x}} == 0) & ({{y}} == 0) & ({{z}} == 0), 0, arcsinh({{z}} / {_PT}))"
_PHI = "arctan2({y}, {x})"
_MOMENTUM = {"x": "px", "y": "py", "z": "pz"}
_POSITION = {"x": "x", "y": "y", "z": "z"}
_MASS = "sqrt(where({square} < 0, 0, {square}))"
_P = "(pt * cosh(eta))"
# Field -> keys that it is computed from, and the formula; the first for which all keys are there.
_RULES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("pt", ("px", "py", "pz"), _PT.format(**_MOMENTUM)),
    ("eta", ("px", "py", "pz"), _ETA.format(**_MOMENTUM)),
    ("phi", ("px", "py", "pz"), _PHI.format(**_MOMENTUM)),
    ("eta", ("x", "y", "z"), _ETA.format(**_POSITION)),
    ("phi", ("x", "y", "z"), _PHI.format(**_POSITION)),
    ("e", ("px", "py", "pz", "mass"), "sqrt(mass**2 + px**2 + py**2 + pz**2)"),
    ("e", ("pt", "eta", "mass"), f"sqrt(mass**2 + {_P}**2)"),
    ("e", ("e_em", "e_had"), "e_em + e_had"),
    (
        "mass",
        ("px", "py", "pz", "e"),
        _MASS.format(square="((e - pz) * (e + pz) - px**2 - py**2)"),
    ),
    ("mass", ("pt", "eta", "e"), _MASS.format(square=f"((e - {_P}) * (e + {_P}))")),
)
MEMBERS = ("pt", "eta", "phi", "mass", "e")


def derived(fields: tuple[str, ...], given: Container[str]) -> dict[str, str]:
    """Formulas of fields that are not given, in terms of the keys that are."""
    found: dict[str, str] = {}
    for name, needed, text in _RULES:
        if name in fields and name not in given and all(key in given for key in needed):
            found.setdefault(name, text)
    return found


def members(branch: str) -> Iterator[tuple[str, str]]:
    """Names of the members of a branch of four-momenta."""
    for name in MEMBERS:
        yield name, written(Name(f"{branch}.{name}"))
