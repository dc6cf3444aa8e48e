"""Variables of an event: columns of the image file, and what cuts, networks and shallow
classifiers use.

A new variable is an entry of `VARIABLES` with its function. The functions take the fat jets of the
events (`calovision.jets.columns.FatJets`) or, where ``needs_content`` is set, their small-R jets,
towers and tracks (`calovision.jets.content.EventParticles`), and give one row an event. GeV,
radians. Nothing heavy is imported here, since the configuration asks for the names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from calovision.core.errors import InputError
from calovision.core.registry import Registry
from calovision.core.styles import COLORS, PlotStyle

if TYPE_CHECKING:
    import numpy as np

    from calovision.jets.columns import FatJets

ENTRY_COLUMN = "entry"
"""Column of the entry of the ROOT file that a row is from, which is no variable."""
EVENT_COLUMNS = ("event_number", "label", "weight", "split")
"""Columns of every event that are no variables: no network may see them."""
N_LEADING_JETS = 5
"""Fat jets whose momenta are kept: the classifiers of arXiv:1711.03573 use five."""
N_SUMMED_MASSES = 4
"""Fat jets in the summed jet mass of arXiv:1804.03568."""
N_LEADING_SMALL_JETS = 10  # whose pT is in jet_pt
PER = ("event", "fat_jet")
"""Things that have a value of a variable of the user's own."""


@dataclass(frozen=True)
class Variable:
    """One number of an event, or several.

    Attributes
    ----------
    name
        Of the column.
    title
        For axes and legends, without the unit.
    doc
        Definition, in a few words.
    compute
        From `FatJets` or `EventParticles` to ``(n_events, *shape)``; None for one of the user's own
        (`own_variable`).
    unit
        "GeV", or "" for pure numbers.
    shape
        Of the numbers of an event; ``()`` for one. A name stands for the number under that key of
        ``event_content``, where 0 leaves the variable out.
    needs_content
        Computed from small-R jets, towers and tracks, which ``event_content`` asks for.
    infinite_for
        Events in which the variable is infinite, for messages.
    style
        Of its line in the comparison, where it is cut on in place of a classifier's output; None
        leaves it out of the comparison.
    branch, formula
        Of the user's own: formula of branches of the ntuples, or of other variables; else None.
    """

    name: str
    title: str
    doc: str
    compute: Callable[[Any], np.ndarray] | None = None
    unit: str = ""
    shape: tuple[int | str, ...] = ()
    needs_content: bool = False
    infinite_for: str | None = None
    style: PlotStyle | None = None
    branch: str | None = None
    formula: str | None = None

    @property
    def is_own(self) -> bool:
        """One of the user's own."""
        return self.compute is None

    @property
    def is_per_jet(self) -> bool:
        """Of the user's own, one number for each of the leading fat jets."""
        return self.is_own and self.shape == (N_LEADING_JETS,)

    def definition(self) -> dict[str, str]:
        """Give what decides the values of one of the user's own, as `own_variable` takes it."""
        of_all = {"branch": self.branch, "formula": self.formula}
        per = {"per": "fat_jet"} if self.is_per_jet else {}
        return {name: text for name, text in of_all.items() if text is not None} | per

    @property
    def axis_title(self) -> str:
        """Title with the unit."""
        return f"{self.title} [{self.unit}]" if self.unit else self.title

    @property
    def is_cut_on(self) -> bool:
        """A cut may name it: one number, or a list of which the cut takes one."""
        return len(self.shape) < 2 and all(isinstance(n, int) for n in self.shape)

    @property
    def asks_for(self) -> str | None:
        """Key of ``event_content`` that says how many are kept; None: they always are."""
        return next((n for n in self.shape if isinstance(n, str)), None)

    def n_numbers(self, content: Mapping[str, Any] | None) -> int:
        """Numbers of an event, with the section ``event_content`` of the configuration."""
        return prod((content or {}).get(n, 0) if isinstance(n, str) else n for n in self.shape)


def own_variable(
    name: str,
    branch: str | None = None,
    *,
    formula: str | None = None,
    title: str | None = None,
    unit: str = "",
    per: str = "event",
) -> Variable:
    """Variable of a user's own, as section ``variables`` of the configuration has it.

    Parameters
    ----------
    name
        Of the column.
    branch, formula
        Formula of branches of the ntuples (docs/schemas.md), or of other variables; one of the two.
    title, unit
        In figures; the name and none if they are not given.
    per
        ``"event"``; or ``"fat_jet"``, one number for each of the five leading fat jets, 0 where
        there are fewer.

    Raises
    ------
    InputError
        If there are both a branch and a formula, or neither; if ``per`` is another word.
    """
    if (branch is None) == (formula is None):
        raise InputError(f"variable '{name}': give either a branch or a formula")
    if per not in PER:
        raise InputError(f"variable '{name}': per is '{per}', choose from {', '.join(PER)}")
    return Variable(
        name,
        title or name,
        branch or formula,
        unit=unit,
        shape=(N_LEADING_JETS,) if per == "fat_jet" else (),
        branch=branch,
        formula=formula,
    )


def branches_of_events(variables: Mapping[str, Variable]) -> dict[str, str]:
    """Variables of a user's own with one number an event -> their branch."""
    return {
        name: one.branch
        for name, one in variables.items()
        if one.branch is not None and not one.is_per_jet
    }


def branches_of_jets(variables: Mapping[str, Variable]) -> dict[str, str]:
    """Variables of a user's own with a number for each fat jet -> their branch."""
    return {
        name: one.branch
        for name, one in variables.items()
        if one.branch is not None and one.is_per_jet
    }


def _delta_eta_12(jets: FatJets) -> np.ndarray:
    import numpy as np

    return np.where(jets.n >= 2, np.abs(jets.eta[:, 0] - jets.eta[:, 1]), np.inf)


VARIABLES: Registry[Variable] = Registry(
    "variable",
    Variable,
    [
        Variable(
            "n_fat_jets",
            "Number of fat jets",
            "number of fat jets",
            lambda jets: jets.n,
            style=PlotStyle(COLORS[2], ":"),
        ),
        Variable(
            "mj_sum",
            r"$M_J^\Sigma$",
            "sum of the masses of the four leading fat jets",
            lambda jets: jets.mass[:, :N_SUMMED_MASSES].sum(axis=1),
            unit="GeV",
            style=PlotStyle(COLORS[3], "-."),
        ),
        # infinite, so that an event with one jet fails every requirement of a small separation,
        # however it is written
        Variable(
            "delta_eta_12",
            r"$|\Delta\eta_{12}|$",
            "pseudorapidity difference of the two leading fat jets, absolute",
            _delta_eta_12,
            infinite_for="fewer than two fat jets",
        ),
        Variable(
            "ht",
            r"$H_\mathrm{T}$",
            "scalar sum of the pT of all fat jets",
            lambda jets: jets.scalar_sum,
            unit="GeV",
        ),
        Variable(
            "leading_pt",
            r"Leading $p_\mathrm{T}$",
            "pT of the leading fat jet, 0 without one",
            lambda jets: jets.pt[:, 0].copy(),
            unit="GeV",
        ),
        Variable(
            "fat_jets",
            "Fat jets",
            "pT, eta, phi and mass of the five leading fat jets, padded with zeros",
            lambda jets: jets.leading,
            shape=(N_LEADING_JETS, 4),
        ),
        Variable(
            "n_jets",
            "Number of small-R jets",
            "number of small-R jets",
            lambda event: event.n_jets,
            needs_content=True,
            style=PlotStyle(COLORS[6], "--"),
        ),
        Variable(
            "jets_ht",
            r"Small-R $H_\mathrm{T}$",
            "scalar sum of the pT of the small-R jets",
            lambda event: event.jets_scalar_sum,
            unit="GeV",
            needs_content=True,
        ),
        Variable(
            "jet_pt",
            r"Small-R $p_\mathrm{T}$",
            "pT of the ten leading small-R jets, padded with zeros; a cut takes one, jet_pt[0]",
            lambda event: event.jet_pt(N_LEADING_SMALL_JETS),
            unit="GeV",
            shape=(N_LEADING_SMALL_JETS,),
            needs_content=True,
        ),
        # Bjorken, Brodsky, Phys. Rev. D 1 (1970) 1416;
        # Hanson et al., Phys. Rev. Lett. 35 (1975) 1609
        Variable(
            "sphericity",
            "Sphericity",
            "3/2 of the sum of the two smaller eigenvalues of the normalized momentum tensor "
            "of the small-R jets, 0 without jets",
            lambda event: event.shapes[0],
            needs_content=True,
        ),
        Variable(
            "aplanarity",
            "Aplanarity",
            "3/2 of the smallest eigenvalue of the normalized momentum tensor of the small-R jets",
            lambda event: event.shapes[1],
            needs_content=True,
        ),
        Variable(
            "n_towers",
            "Number of towers",
            "number of towers inside the acceptance",
            lambda event: event.n_towers,
            needs_content=True,
        ),
        Variable(
            "n_tracks",
            "Number of tracks",
            "number of tracks inside the acceptance",
            lambda event: event.n_tracks,
            needs_content=True,
        ),
        Variable(
            "leading_towers",
            "Leading towers",
            "ET, eta, phi and electromagnetic share of the hardest towers, padded with zeros",
            lambda event: event.leading_towers(),
            shape=("leading_towers", 4),
            needs_content=True,
        ),
        Variable(
            "leading_tracks",
            "Leading tracks",
            "pT, eta and phi of the hardest tracks, padded with zeros",
            lambda event: event.leading_tracks(),
            shape=("leading_tracks", 3),
            needs_content=True,
        ),
    ],
)
"""Variables by name, in the order of the columns."""

TAKEN_NAMES = {
    *("sample", *EVENT_COLUMNS, ENTRY_COLUMN, "fold", "weight_variations"),
    *("overflow", "signal_region", "row_label", "process_id"),
    *VARIABLES,
}
"""Names that no variable and no model of the user's own may have: columns of image files and of
the table of test events.
"""
