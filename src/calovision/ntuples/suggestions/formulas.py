"""Keys and formulas of a collection, made of the branches of a group."""

from collections.abc import Sequence
from dataclasses import dataclass

from calovision.ntuples.branch_listing import as_in_schema
from calovision.ntuples.schemas.custom.keys import COLLECTIONS
from calovision.ntuples.schemas.schema import SUBJETTINESS
from calovision.ntuples.suggestions.groups import ANGLES, MOMENTUM, POLAR, POSITION
from calovision.ntuples.suggestions.measurements import (
    FULL_CIRCLE,
    LARGEST_ETA,
    Measured,
    Unit,
)

ENERGIES = ("pt", "e", "et", "e_em", "e_had", "mass", *MOMENTUM)
_KEYS = {key for one in COLLECTIONS.values() for key in one.quantities}
# Pions, kaons and protons; the charge of a lepton is opposite to the sign of its number (PDG, Monte
# Carlo particle numbering scheme).
_HADRONS = "((abs({0}) == 211) | (abs({0}) == 321) | (abs({0}) == 2212))"
_LEPTONS = "((abs({0}) == 11) | (abs({0}) == 13))"
_CHARGE = f"sign({{0}}) * ({_HADRONS} - {_LEPTONS})"
_ELECTROMAGNETIC = "(abs({0}) == 11) | (abs({0}) == 22)"

_PLACEHOLDERS = (-1, -9, -10, -99, -100, -999, -9999, -99999)


@dataclass(frozen=True)
class Line:
    """A key, its value as in Python, and a comment."""

    key: str
    value: str | Sequence[str]
    comment: str = ""


def branch(name: str) -> str:
    """Name in a formula; in quotes if it could be the name of a field, too."""
    return f"'{name}'" if name in _KEYS else as_in_schema(name)


@dataclass(frozen=True)
class Formulas:
    """Formulas of a group in GeV and radians.

    Attributes
    ----------
    measured, unit
        The group, and the unit of its momenta and energies.
    """

    measured: Measured
    unit: Unit

    def of(self, quantity: str) -> str | list[str]:
        """Formula of a quantity; of numbered scalars one for each object."""
        texts = [
            self._scaled(quantity, branch(name)) for name in self.measured.group.branches[quantity]
        ]
        return texts if self.is_numbered else texts[0]

    def combined(self, template: str, *quantities: str) -> str | list[str]:
        """Formula of several quantities, which stand in it as ``{pt}``."""
        columns = [self.measured.group.branches[quantity] for quantity in quantities]
        texts = [
            template.format(
                **{
                    quantity: f"({scaled})" if "/" in scaled else scaled
                    for quantity, name in zip(quantities, names, strict=True)
                    for scaled in [self._scaled(quantity, branch(name))]
                }
            )
            for names in zip(*columns, strict=True)
        ]
        return texts if self.is_numbered else texts[0]

    @property
    def is_numbered(self) -> bool:
        """Return True for numbered scalars, of which there are several."""
        return self.measured.group.n_objects > 1

    def _scaled(self, quantity: str, name: str) -> str:
        if quantity in ENERGIES and self.unit.divisor != 1:
            return f"{name} / {self.unit.divisor}"
        if quantity == "phi" and self.is_in_degrees:
            return f"{name} * 0.017453292519943295"
        return name

    @property
    def is_in_degrees(self) -> bool:
        """Return True if phi has values that are many turns in radians."""
        low, high, _ = self.measured.ranges.get("phi", (0.0, 0.0, 0.0))
        return 10 < max(abs(low), abs(high)) < FULL_CIRCLE

    def direction(self) -> list[Line]:
        """Lines of eta and phi, or of what stands in place of them."""
        group = self.measured.group
        if group.has("p4"):
            return [Line("p4", self.of("p4"))]
        for names in (ANGLES, POSITION, MOMENTUM):
            if group.has(*names):
                return [Line(name, self.of(name), self._range(name)) for name in names]
        if group.has(*POLAR):
            eta = self.combined("-log(tan({theta} / 2))", "theta")
            return [Line("eta", eta), Line("phi", self.of("phi"), self._range("phi"))]
        raise ValueError("the group has no direction")

    def four_momenta(self, *members: str) -> list[Line]:
        """Line of four-momenta, and of those of their members that are not in GeV."""
        lines = [Line("p4", self.of("p4"), self.unit.reason)]
        if self.unit.divisor == 1:
            return lines
        names = self.measured.group.branches["p4"]
        for key in members:
            texts = [self._scaled(key, branch(f"{name}.{key}")) for name in names]
            lines.append(Line(key, texts if self.is_numbered else texts[0]))
        return lines

    def momentum(self, energy: str | None = None) -> list[Line]:
        """Lines of pT, eta and phi, or of what stands in place of them; those of four-momenta give
        the ``energy``, too, which is ``e`` or ``mass``.
        """
        group = self.measured.group
        if group.has("p4"):
            return self.four_momenta("pt", *([] if energy is None else [energy]))
        if group.has("pt") and (group.has(*ANGLES) or group.has(*POLAR)):
            return [Line("pt", self.of("pt"), self.unit.reason), *self.direction()]
        if group.has("qoverp", *POLAR):
            pt = "abs(sin({theta}) / {qoverp})" + (" / 1000" if self.unit.divisor != 1 else "")
            momentum = self.combined(pt, "theta", "qoverp")
            return [Line("pt", momentum, self.unit.reason), *self.direction()]
        lines = [Line(name, self.of(name)) for name in MOMENTUM]
        return [Line(lines[0].key, lines[0].value, self.unit.reason), *lines[1:]]

    def _range(self, quantity: str) -> str:
        """Comment on the range of an angle, if it is an unusual one."""
        if quantity not in ANGLES or quantity not in self.measured.ranges:
            return ""
        low, high, _ = self.measured.ranges[quantity]
        if quantity == "eta" and max(abs(low), abs(high)) > LARGEST_ETA:
            return f"from {low:.4g} to {high:.4g}: some are no pseudorapidity"
        if self.is_in_degrees and quantity == "phi":
            return f"from {low:.4g} to {high:.4g}: degrees"
        if quantity == "phi" and high > 3.15:
            return f"from {low:.3g} to {high:.3g}: any turn is allowed"
        return ""


def tower_lines(formulas: Formulas, *, part: str | None = None) -> list[Line]:
    """Lines of towers.

    Parameters
    ----------
    formulas
        The group.
    part
        ``em`` or ``had`` if all of its energy is that.
    """
    group, reason = formulas.measured.group, formulas.unit.reason
    if group.has("p4"):
        return formulas.four_momenta("e")
    lines = formulas.direction()
    if group.has("e_em", "e_had") and part is None:
        energies = [
            Line("e_em", formulas.of("e_em"), reason),
            Line("e_had", formulas.of("e_had")),
        ]
        return [*lines, *energies]
    energy = _energy(formulas)
    lines.append(Line("e", energy, reason))
    if part is not None:
        lines.append(Line("e_em", "e" if part == "em" else "0"))
        lines.append(Line("e_had", "e" if part == "had" else "0"))
    elif group.has("pdg") and not formulas.is_numbered:
        pdg = branch(group.branches["pdg"][0])
        is_em, is_muon = _ELECTROMAGNETIC.format(pdg), f"abs({pdg}) == 13"
        lines.append(Line("e_em", f"where({is_em}, e, 0)", "photons and electrons"))
        lines.append(Line("e_had", f"where({is_em} | ({is_muon}), 0, e)", "the others but muons"))
    return lines


def _energy(formulas: Formulas) -> str | list[str]:
    group = formulas.measured.group
    if group.has("e"):
        return formulas.of("e")
    if group.has("mass", "pt", "eta"):
        return formulas.combined("sqrt({mass}**2 + ({pt} * cosh({eta}))**2)", "mass", "pt", "eta")
    if group.has("et", "eta"):
        return formulas.combined("{et} * cosh({eta})", "et", "eta")
    if group.has("pt", "eta"):
        return formulas.combined("{pt} * cosh({eta})", "pt", "eta")
    if group.has("pt", "theta"):
        return formulas.combined("{pt} / sin({theta})", "pt", "theta")
    if group.has("qoverp"):
        return formulas.combined("abs(1 / {qoverp})", "qoverp")
    return formulas.combined("sqrt({px}**2 + {py}**2 + {pz}**2)", *MOMENTUM)


def track_lines(formulas: Formulas, *, charged: bool = False) -> list[Line]:
    """Lines of tracks; ``charged``: of candidates, those that have a charge."""
    lines = formulas.momentum()
    if charged:
        charge = charge_of(formulas)
        lines.append(Line("cut", f"({charge}) != 0" if " " in charge else f"{charge} != 0"))
    return lines


def charge_of(formulas: Formulas) -> str:
    """Formula of the charge."""
    branches = formulas.measured.group.branches
    if "charge" in branches:
        return branch(branches["charge"][0])
    return _CHARGE.format(branch(branches["pdg"][0]))


def candidate_lines(formulas: Formulas) -> list[Line]:
    """Lines of candidates, which have a charge or the number of the particle."""
    return [
        *formulas.momentum("e"),
        Line("charge", charge_of(formulas)),
        *_mass_or_energy(formulas),
    ]


def constituent_lines(formulas: Formulas) -> list[Line]:
    """Lines of constituents, without their link."""
    lines = formulas.momentum("e")
    if "charge" in formulas.measured.group.branches:
        lines.append(Line("charge", charge_of(formulas)))
    return [*lines, *_mass_or_energy(formulas)]


def jet_lines(formulas: Formulas, *, has_constituents: bool) -> list[Line]:
    """Lines of jets; their mass is computed from the constituents if they have none."""
    group = formulas.measured.group
    lines = formulas.momentum("mass")
    mass = _mass_or_energy(formulas, first="mass")
    if not mass and not group.has("p4") and not has_constituents:
        mass = [
            Line(
                "mass", ["0"] * group.n_objects if formulas.is_numbered else "0", "not in the file"
            )
        ]
    taus = [name for name in SUBJETTINESS if group.has(name)]
    return [*lines, *mass, *(Line(name, formulas.of(name)) for name in taus)]


def _mass_or_energy(formulas: Formulas, first: str = "e") -> list[Line]:
    group = formulas.measured.group
    for name in (first, "mass", "e"):
        if group.has(name) and not group.has("p4"):
            return [Line(name, formulas.of(name))]
    return []


def cut_of(measured: Measured, lines: Sequence[Line]) -> list[Line]:
    """Cut that drops placeholders such as pT = -999, and what fills up arrays of fixed size."""
    keys = {line.key for line in lines}
    for quantity in ("pt", "e", "et", "px"):
        if quantity not in measured.ranges:
            continue
        low, high, _ = measured.ranges[quantity]
        field = "pt" if keys & {"pt", "p4", "px"} else "e"
        if measured.group.is_padded:
            return [Line("cut", f"{field} > 0", "arrays of fixed size: the rest is filled up")]
        if low in _PLACEHOLDERS and high > 0:
            return [Line("cut", f"{field} > 0", f"{quantity} {low:g} stands for none")]
    return []
