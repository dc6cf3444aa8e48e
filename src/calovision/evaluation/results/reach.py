"""Expected significance and limits of a search: ``reach.json``.

Events are expected events at the luminosity, cross-sections are in pb, masses in GeV.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from calovision.core.digits import events_in_digits, in_digits
from calovision.core.markdown import markdown_table
from calovision.core.result import Result
from calovision.evaluation.results.numbers import (
    Band,
    Interval,
    LimitInterval,
    events_in_words,
    format_interval,
)

METHODS = ("best_cut", "binned")
"""Uses of the score of a classifier."""
ASYMPTOTIC, COUNTING, TOYS = "asymptotic", "counting", "toys"
"""Ways to find a number: by the formulas for many events, by the exact sum over the counts of a
bin, by toys."""
FEW_EVENTS = " ‡"
FEW_EVENTS_MEANING = (
    "‡ few events are expected: the number is that of the median of counts (an exact sum for one "
    "bin, toys for several), from which the asymptotic formula differs by more than 10 %."
)


@dataclass(frozen=True)
class LimitUnits:
    """One limit as signal strength and as cross-section."""

    mu: LimitInterval
    cross_section_pb: LimitInterval


@dataclass(frozen=True)
class FoundBy:
    """`ASYMPTOTIC`, `COUNTING` or `TOYS` of both numbers."""

    significance: str
    limit: str


@dataclass(frozen=True)
class Gains:
    """Gains over the cuts, larger than 1 if better: ratios of the significances and of the
    limits."""

    significance: Interval
    limit: Interval


@dataclass(frozen=True)
class SelectionReach:
    """Reach of one selection: the cuts, or a way to use the score of a classifier.

    Attributes
    ----------
    column, edges
        Column of the test events, and ascending lower edges of its bins; None for cuts. With folds
        the means of ``fold_edges``.
    signal, background, background_error, n_eff
        Of each bin: expected events, statistical uncertainty of the background, effective number of
        its events.
    background_is_limit
        Whether no simulated background survives in a bin: the 68.3 % upper limit on it is used, as in
        `calovision.metrics.region_point`.
    significance, limit
        Numbers with the 68.3 % interval from the number of test events.
    method
        How both were found.
    gain
        Over the cuts; None for these.
    fold_edges
        Edges of each fold, which bin its events; None without folds.
    """

    column: str
    edges: tuple[float, ...] | None
    signal: tuple[float, ...]
    background: tuple[float, ...]
    background_error: tuple[float, ...]
    background_is_limit: tuple[bool, ...]
    n_eff: tuple[float, ...]
    significance: Interval
    limit: LimitUnits
    method: FoundBy
    gain: Gains | None = None
    fold_edges: tuple[tuple[float, ...], ...] | None = None

    @property
    def is_bound(self) -> bool:
        """True if no simulated background is left in one of the bins."""
        return any(self.background_is_limit)


@dataclass(frozen=True)
class MassLimits:
    """Limits of one selection in pb against the mass; None where there is no limit.

    Attributes
    ----------
    value, band_low, band_high
        Limit of each mass, with the band of what may be observed.
    method
        How each was found.
    background_is_limit
        Whether no simulated background is left in a bin.
    excludes
        ``none`` of the masses, ``up to the mass`` or ``all``.
    excluded_mass
        Largest mass up to which the limit stays below theory. Its band belongs to that of the
        limit: ``band_high`` is the mass of ``band_low``.
    """

    value: tuple[float | None, ...]
    band_low: tuple[float | None, ...]
    band_high: tuple[float | None, ...]
    method: tuple[str, ...]
    background_is_limit: bool
    excludes: str
    excluded_mass: Band


@dataclass(frozen=True)
class MassReach:
    """Limits of cuts and classifiers (name -> method -> limits) at ascending masses, and theory."""

    masses: tuple[float, ...]
    theory_pb: tuple[float, ...]
    cuts: MassLimits
    classifiers: dict[str, dict[str, MassLimits]]


@dataclass(frozen=True)
class Reach(Result):
    """Reach of the cuts and of classifiers (name -> method -> reach), and what it was computed
    with.
    """

    expected_signal: float
    expected_background: float
    background_uncertainty: float
    least_n_eff: float
    cross_section_pb: float
    correlated: bool
    seed: int
    n_bootstrap: int
    cuts: SelectionReach
    classifiers: dict[str, dict[str, SelectionReach]]
    against_mass: MassReach | None = None

    def with_masses(self, against_mass: MassReach) -> Self:
        """Reach with limits against the mass added."""
        return replace(self, against_mass=against_mass)

    def to_markdown(self) -> str:
        """Tables of the selections and of the masses."""
        lines = [self._text(), "", *self._lines()]
        if self.against_mass is not None:
            lines += ["", *_mass_lines(self.against_mass)]
        if any(FEW_EVENTS in line for line in lines):
            lines += ["", FEW_EVENTS_MEANING]
        return "\n".join(lines) + "\n"

    @property
    def n_folds(self) -> int:
        """Number of folds, each with cuts and bins of the scores of its own; 0 without."""
        of_all = (one for methods in self.classifiers.values() for one in methods.values())
        return max((len(one.fold_edges or ()) for one in of_all), default=0)

    def _text(self) -> str:
        events = events_in_words(self.n_folds)
        chosen = "for each fold on the others" if self.n_folds else "on the validation split"
        text = (
            f"Expected at a background uncertainty of {self.background_uncertainty:.0%}: "
            "significance of the signal, and upper limit on its cross-section at 95 % CL. "
            f"Uncertainties are 68 % intervals from a bootstrap over {events}; the gains are "
            "paired. Cuts and "
            f"bins of the scores were chosen {chosen}; events of bins are summed."
        )
        if self.cuts.is_bound:
            text += (
                " **No simulated background survives the cuts**: the 68 % upper limit on it is used, "
                "so that their significance is a lower and their limit an upper bound, and no gain "
                "over them can be given."
            )
        return text

    def _lines(self) -> list[str]:
        header = ["selection", "signal", "background", "effective background events"]
        header += ["significance", "limit [fb]"]
        rows = [_row("cuts", self.cuts)]
        rows += [
            _row(f"{name}, {method.replace('_', ' ')}", found)
            for name, methods in self.classifiers.items()
            for method, found in methods.items()
        ]
        if not self.cuts.is_bound:
            header += ["significance over the cuts", "limit of the cuts over it"]
            found = [self.cuts, *(one for of in self.classifiers.values() for one in of.values())]
            rows = [[*row, *_gain_cells(one)] for row, one in zip(rows, found, strict=True)]
        return markdown_table(header, rows)


def _row(name: str, found: SelectionReach) -> list[str]:
    at_most, at_least = ("below ", "above ") if found.is_bound else ("", "")
    limit = found.limit.cross_section_pb
    below = "" if limit.value is None else at_most
    return [
        name,
        in_digits(sum(found.signal)),
        f"{at_most}{in_digits(sum(found.background))}",
        events_in_digits(sum(found.n_eff)),
        at_least + format_interval(found.significance) + _mark(found.method.significance),
        below + format_interval(limit, 1e3) + _mark(found.method.limit),
    ]


def _gain_cells(found: SelectionReach) -> list[str]:
    """Gains over the cuts; these have none."""
    if found.gain is None:
        return ["", ""]
    at_least = "above " if found.is_bound else ""
    return [
        ("" if gain.value is None else at_least) + format_interval(gain)
        for gain in (found.gain.significance, found.gain.limit)
    ]


def _mark(method: str) -> str:
    """Mark of a number that was counted, since few events are expected."""
    return "" if method == ASYMPTOTIC else FEW_EVENTS


def _mass_lines(found: MassReach) -> list[str]:
    """Limits against the mass, of the cuts and of the first model."""
    cnn = found.classifiers["cnn"]["binned"]
    header = ["mass [GeV]", "theory [fb]", "limit of the cuts [fb]", "limit of the binned CNN [fb]"]
    masses = [f"{mass:g}" for mass in found.masses]
    theory = map(_fb, found.theory_pb)
    rows = zip(masses, theory, _limit_cells(found.cuts), _limit_cells(cnn), strict=True)
    words = f"{_excluded('cuts', found.cuts)} {_excluded('binned CNN', cnn)}"
    return [*markdown_table(header, rows), "", words]


def _limit_cells(limits: MassLimits) -> Sequence[str]:
    """Limits of one selection at all masses in fb, with their marks."""
    at_most = "below " if limits.background_is_limit else ""
    return [
        ("" if value is None else at_most) + _fb(value) + _mark(method)
        for value, method in zip(limits.value, limits.method, strict=True)
    ]


def _excluded(title: str, limits: MassLimits) -> str:
    mass = limits.excluded_mass.value
    if mass is None:
        return f"The {title} exclude{'s' * (title != 'cuts')} {limits.excludes} of these masses."
    return f"Expected excluded mass, {title}: {mass:.0f} GeV."


def _fb(value: float | None) -> str:
    return "none" if value is None else in_digits(1e3 * value)
