"""Formulas of eta, phi and pT from Cartesian components.

On the beam axis eta is infinite (not a number without any direction), which images count as
outside.
"""


def direction(x: str, y: str, z: str) -> dict[str, str]:
    """Fields eta and phi of a vector."""
    return {"eta": f"arcsinh({z} / {transverse(x, y)})", "phi": f"arctan2({y}, {x})"}


def transverse(x: str, y: str) -> str:
    """Length across the beam axis."""
    return f"sqrt({x}**2 + {y}**2)"
