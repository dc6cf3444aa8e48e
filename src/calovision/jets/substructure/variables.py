"""Variables of a jet: columns of image files of jets, and what cuts, networks and baselines use.

A new variable is an entry of `JET_VARIABLES` with its function of the constituents
(`calovision.jets.substructure.particles.JetParticles`), which gives one number a jet. GeV, radians.
Nothing heavy is imported here, since the configuration asks for the names.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from calovision.core.registry import Registry
from calovision.jets.variables import Variable

if TYPE_CHECKING:
    import numpy as np


N_SUBJETTINESS = 4  # largest N of tau_N


@dataclass(frozen=True)
class JetVariable(Variable):
    """One number of a jet.

    Attributes
    ----------
    fields
        What it needs of the constituents beside pt, eta and phi.
    of_file
        Fields of the file's own jets that give it where they are all there, in place of the
        constituents: the number, or the numerator and the denominator of a ratio.
    undefined_for
        Jets for which it is NaN, for messages; None: it always is a number.
    """

    fields: tuple[str, ...] = ()
    of_file: tuple[str, ...] = ()
    undefined_for: str | None = None


NO_CONSTITUENTS = "no constituents of positive pT"
_COLLINEAR = "fewer than two directions of constituents"

JET_MOMENTUM: dict[str, Variable] = {
    "pt": Variable("pt", r"Jet $p_\mathrm{T}$", "transverse momentum of the jet", unit="GeV"),
    "eta": Variable("eta", r"Jet $\eta$", "pseudorapidity of the jet"),
    "phi": Variable("phi", r"Jet $\phi$", "azimuth of the jet", unit="rad"),
    "mass": Variable("mass", "Jet mass", "mass of the jet", unit="GeV"),
}
"""Columns that every image file of jets has."""

CONSTITUENTS = Variable(
    "constituents",
    "Constituents",
    "pT, distance in eta and in phi from the axis, energy, charge and electromagnetic share of the "
    "hardest constituents, padded with zeros",
    shape=("constituents", 6),
)
"""Column of networks of points; `images.jets` says how many are kept."""


def _tau(n: int) -> JetVariable:
    # Thaler, Van Tilburg, arXiv:1011.2268, beta = 1
    return JetVariable(
        f"tau{n}",
        rf"$\tau_{n}$",
        f"{n}-subjettiness: mean distance to the nearest axis of {n}, weighted with pT, in units "
        "of the radius",
        lambda jets: jets.subjettiness(n),
        of_file=(f"tau{n}",),
        undefined_for=NO_CONSTITUENTS,
    )


def _tau_ratio(n: int) -> JetVariable:
    return JetVariable(
        f"tau{n}{n - 1}",
        rf"$\tau_{{{n}{n - 1}}}$",
        f"tau{n} / tau{n - 1}: small for {n} prongs or more",
        lambda jets: ratio(jets.subjettiness(n), jets.subjettiness(n - 1)),
        of_file=(f"tau{n}", f"tau{n - 1}"),
        undefined_for=f"tau{n - 1} = 0, as of fewer than {n} constituents",
    )


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Quotient, NaN where the denominator is not positive or one of the two is not finite."""
    import numpy as np

    defined = np.isfinite(above) & np.isfinite(below) & (below > 0)
    return np.divide(above, below, out=np.full(len(above), np.nan), where=defined)


JET_VARIABLES: Registry[JetVariable] = Registry(
    "jet variable",
    JetVariable,
    [
        # Larkoski, Marzani, Soyez, Thaler, arXiv:1402.2657
        JetVariable(
            "soft_drop_mass",
            r"$m_\mathrm{SD}$",
            "mass after soft drop with beta = 0 and z_cut = 0.1",
            lambda jets: jets.soft_drop_mass,
            unit="GeV",
        ),
        # Krohn, Thaler, Wang, arXiv:0912.1342
        JetVariable(
            "trimmed_mass",
            r"$m_\mathrm{trim}$",
            "mass after trimming with r_sub and f_cut of the fat jets",
            lambda jets: jets.trimmed_mass,
            unit="GeV",
        ),
        *(_tau(n) for n in range(1, N_SUBJETTINESS + 1)),
        *(_tau_ratio(n) for n in range(2, N_SUBJETTINESS + 1)),
        # Larkoski, Salam, Thaler, arXiv:1305.0007
        JetVariable(
            "c2",
            "$C_2$",
            "e3 / e2^2 of the energy correlation functions with beta = 1: small for two prongs",
            lambda jets: ratio(jets.correlations[1], jets.correlations[0] ** 2),
            undefined_for=_COLLINEAR,
        ),
        # Larkoski, Moult, Neill, arXiv:1409.6298
        JetVariable(
            "d2",
            "$D_2$",
            "e3 / e2^3 of the energy correlation functions with beta = 1: small for two prongs",
            lambda jets: ratio(jets.correlations[1], jets.correlations[0] ** 3),
            undefined_for=_COLLINEAR,
        ),
        # Gallicchio, Schwartz, arXiv:1106.3076
        JetVariable(
            "width",
            "Width",
            "mean distance of the constituents to the jet axis (girth), weighted with pT",
            lambda jets: jets.width,
            unit="rad",
            undefined_for=NO_CONSTITUENTS,
        ),
        # CMS, CMS-PAS-JME-13-002; (p_T^D)^2 is the angularity kappa = 2, beta = 0
        JetVariable(
            "ptd",
            r"$p_\mathrm{T}^D$",
            "pT dispersion: root of the sum of squared pT, over the sum of pT",
            lambda jets: jets.pt_dispersion,
            undefined_for=NO_CONSTITUENTS,
        ),
        # Larkoski, Thaler, Waalewijn, arXiv:1408.3122; Gras et al., arXiv:1704.03878
        JetVariable(
            "lha",
            r"$\lambda^1_{0.5}$",
            "Les Houches angularity: mean root of the distance to the winner-take-all axis in "
            "units of the radius, weighted with pT",
            lambda jets: jets.les_houches_angularity,
            undefined_for=NO_CONSTITUENTS,
        ),
        JetVariable(
            "n_constituents",
            "Number of constituents",
            "number of constituents of positive pT",
            lambda jets: jets.n,
        ),
        JetVariable(
            "n_charged",
            "Number of charged constituents",
            "number of charged constituents of positive pT",
            lambda jets: jets.n_charged,
            fields=("charge",),
        ),
        # Krohn, Schwartz, Lin, Waalewijn, arXiv:1209.2421
        JetVariable(
            "jet_charge",
            r"$Q_{0.5}$",
            "sum of the charges weighted with the root of pT, over the root of the sum of pT",
            lambda jets: jets.jet_charge,
            fields=("charge",),
            undefined_for=NO_CONSTITUENTS,
        ),
    ],
)
"""Variables of jets by name, in the order of the columns."""


def names_of_columns() -> set[str]:
    """Names that columns of jets have, or may have, so that no other variable may have them."""
    return {"jet_index", *JET_MOMENTUM, *JET_VARIABLES, CONSTITUENTS.name}


def fields_of_constituents(names: Iterable[str]) -> set[str]:
    """Fields of the constituents that the named variables need beside pt, eta and phi."""
    return {field for name in names for field in JET_VARIABLES[name].fields}


def is_of_file(name: str, fields: Iterable[str]) -> bool:
    """Tell whether a variable is given by these fields of the file's own jets."""
    wanted = JET_VARIABLES[name].of_file
    return bool(wanted) and set(wanted) <= set(fields)
