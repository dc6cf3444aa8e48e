"""Fields that are computed from other keys: components of momenta and positions, four-momenta.

In float64, also of branches in float32: what is subtracted from one another would lose its digits.
A momentum along the beam has an infinite pseudorapidity, as it lies outside of every image; one
of zeros has 0, as in ROOT (TVector3::PseudoRapidity). Rounding takes no mass below 0.
"""

from collections.abc import Container, Iterator

from calovision.ntuples.schemas.kinematics import azimuth, energy, pseudorapidity, transverse
from calovision.selection.expressions.nodes import Name, written

_MOMENTUM, _POSITION = ("px", "py", "pz"), ("x", "y", "z")


def _eta(x: str, y: str, z: str) -> str:
    is_zero = f"({x} == 0) & ({y} == 0) & ({z} == 0)"
    return f"where({is_zero}, 0, {pseudorapidity(x, y, z)})"


_MASS = "sqrt(where({square} < 0, 0, {square}))"
_P = "(pt * cosh(eta))"
# Field -> keys that it is computed from, and the formula; the first for which all keys are there.
_RULES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("pt", _MOMENTUM, transverse("px", "py")),
    ("eta", _MOMENTUM, _eta(*_MOMENTUM)),
    ("phi", _MOMENTUM, azimuth("px", "py")),
    ("eta", _POSITION, _eta(*_POSITION)),
    ("phi", _POSITION, azimuth("x", "y")),
    ("e", ("px", "py", "pz", "mass"), "sqrt(mass**2 + px**2 + py**2 + pz**2)"),
    ("e", ("pt", "eta", "mass"), energy("pt", "eta", "mass")),
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
