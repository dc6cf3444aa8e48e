"""Formulas of pT, eta, phi and energy from Cartesian components, angles and masses.

The parts are formulas; what is no single name must stand in parentheses. On the beam axis eta is
infinite (not a number without any direction), which images count as outside.
"""


def transverse(x: str, y: str) -> str:
    """Length across the beam axis."""
    return f"sqrt({x}**2 + {y}**2)"


def pseudorapidity(x: str, y: str, z: str) -> str:
    """Pseudorapidity of a vector."""
    return f"arcsinh({z} / {transverse(x, y)})"


def azimuth(x: str, y: str) -> str:
    """Azimuthal angle of a vector."""
    return f"arctan2({y}, {x})"


def direction(x: str, y: str, z: str) -> dict[str, str]:
    """Fields eta and phi of a vector."""
    return {"eta": pseudorapidity(x, y, z), "phi": azimuth(x, y)}


def momentum(x: str, y: str, z: str) -> dict[str, str]:
    """Fields pt, eta and phi of a momentum."""
    return {"pt": transverse(x, y), **direction(x, y, z)}


def energy(pt: str, eta: str, mass: str) -> str:
    """Energy of a particle with a mass."""
    return f"sqrt({mass}**2 + ({pt} * cosh({eta}))**2)"
