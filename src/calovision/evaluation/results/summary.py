"""Summary of an evaluation: ``summary.json``."""

from dataclasses import dataclass

from calovision.core.digits import events_in_digits, in_digits
from calovision.core.markdown import code, escape, markdown_table
from calovision.core.result import Result
from calovision.evaluation.results.numbers import (
    REGION,
    Performance,
    events_in_words,
    format_efficiency,
    marked_efficiency,
    with_meaning,
)
from calovision.evaluation.results.tables import (
    further_region_parts,
    rejection_parts,
    sample_parts,
)
from calovision.metrics import Efficiency


LOST_AUC = 0.02
"""AUC that a ranking of all folds together may lose before it is said."""


@dataclass(frozen=True)
class SkippedFile:
    """ROOT file that was skipped, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Preselection:
    """Numbers of events of a sample before and after the preselection; the efficiency is weighted."""

    n_generated: int
    n_passed: int
    efficiency: float


@dataclass(frozen=True)
class EventCount:
    """Number of events, and their effective number."""

    n: int
    n_eff: float


@dataclass(frozen=True)
class EventCounts:
    """Test events of each class."""

    signal: EventCount
    background: EventCount


@dataclass(frozen=True)
class RegionEfficiencies:
    """Efficiencies of the signal region, of the preselected test events."""

    signal_efficiency: Efficiency
    background_efficiency: Efficiency


@dataclass(frozen=True)
class RegionWorkingPoint:
    """Background efficiency of the working point ``signal_region``.

    It is a limit, the 68.3 % upper limit of the region's, if no background survives in that
    (`calovision.metrics.region_point`).
    """

    background_efficiency: float
    is_limit: bool


@dataclass(frozen=True)
class CutRegion(RegionEfficiencies):
    """Further cut region: its efficiencies, and the working point that it gives to classifiers."""

    point: RegionWorkingPoint


@dataclass(frozen=True)
class SampleEfficiencies:
    """Numbers of one sample against the sum of the other class.

    ``regions`` has the signal region and the further ones. Both mappings are empty for a sample
    whose weights do not add up to a positive number.
    """

    label: int
    events: EventCount
    regions: dict[str, RegionEfficiencies]
    classifiers: dict[str, Performance]


@dataclass(frozen=True)
class Summary(Result):
    """Preselection, signal region and classifiers on the test split.

    Attributes
    ----------
    preselection
        Sample -> what the preselection leaves.
    signal_region, region_point
        Efficiencies of the region, and the working point that classifiers are compared at.
    classifiers
        Classifier -> performance at each background efficiency, at ``"signal_region"``, and at each
        of ``regions``.
    regions
        Further cut regions by name, if there are any.
    samples
        Numbers of every sample that shares its class with others, if they are asked for.
    folds
        Number of folds; with some the test events are all events. None without.
    auc_of_folds
        Classifier -> mean AUC of its folds, each ranked by itself; None without folds.
    """

    calovision_version: str
    skipped_files: tuple[SkippedFile, ...]
    preselection: dict[str, Preselection]
    test_events: EventCounts
    signal_region: RegionEfficiencies
    region_point: RegionWorkingPoint
    classifiers: dict[str, Performance]
    regions: dict[str, CutRegion] | None = None
    samples: dict[str, SampleEfficiencies] | None = None
    folds: int | None = None
    auc_of_folds: dict[str, float] | None = None

    def to_markdown(self) -> str:
        """Tables of the preselection, the signal region and the classifiers."""
        parts = [
            self._preselection_lines(),
            self._region_lines(),
            with_meaning(self._classifier_lines()),
            *self._scale_parts(),
        ]
        if self.regions:
            parts += further_region_parts(self.regions, self.classifiers, self._events)
        parts += rejection_parts(self.classifiers)
        if self.samples:
            parts += sample_parts(self.samples)
        return "\n\n".join("\n".join(lines) for lines in parts) + "\n"

    def background_at(self, point: str) -> float:
        """Background efficiency of a working point: a number, or that of a region."""
        if point == REGION:
            return self.region_point.background_efficiency
        if self.regions and point in self.regions:
            return self.regions[point].point.background_efficiency
        return float(point)

    def _preselection_lines(self) -> list[str]:
        rows = [
            [sample, f"{one.n_generated:,}", f"{one.n_passed:,}", in_digits(one.efficiency)]
            for sample, one in self.preselection.items()
        ]
        lines = markdown_table(["sample", "generated", "pass the preselection", "efficiency"], rows)
        if not self.skipped_files:
            return lines
        words = "ROOT files that were skipped; the weights of the others are corrected for them:"
        skipped = [f"- {escape(one.path)}: {escape(one.reason)}" for one in self.skipped_files]
        return [*lines, "", words, "", *skipped]

    def _scale_parts(self) -> list[list[str]]:
        """Classifiers whose folds have scores on different scales, which one ranking mixes."""
        lost = [
            f"{code(name)} {self.classifiers[name].auc:.3f} instead of {alone:.3f}"
            for name, alone in (self.auc_of_folds or {}).items()
            if alone - self.classifiers[name].auc > LOST_AUC
        ]
        if not lost:
            return []
        words = (
            "**Scores of different folds lie on different scales**, so that one ranking of all "
            "events has a lower AUC than the mean of the folds, each by itself: "
        )
        return [[f"{words}{', '.join(lost)}. Trainings that ended too early do so: train longer."]]

    @property
    def _events(self) -> str:
        """Words for the events that efficiencies count."""
        return events_in_words(self.folds, "preselected ")

    def _region_lines(self) -> list[str]:
        signal, background = (
            self.signal_region.signal_efficiency,
            self.signal_region.background_efficiency,
        )
        return [
            f"Signal region, of {self._events}: signal {format_efficiency(signal)}, "
            f"background {format_efficiency(background)} "
            f"({events_in_digits(background.n_eff)} effective events)."
        ]

    def _classifier_lines(self) -> list[str]:
        every = next(iter(self.classifiers.values())).signal_efficiency
        points = [point for point in every if point not in (self.regions or {})]
        header = ["classifier", "AUC"]
        header += [f"signal at background {self._point_title(point)}" for point in points]
        rows = [
            [name, f"{one.auc:.4f}"]
            + [marked_efficiency(one.signal_efficiency[point]) for point in points]
            for name, one in self.classifiers.items()
        ]
        return markdown_table(header, rows)

    def _point_title(self, point: str) -> str:
        if point != REGION:
            return point
        if not self.region_point.is_limit:
            return "signal region's"
        return (
            f"signal region's (none left: below "
            f"{in_digits(self.region_point.background_efficiency, 2)})"
        )
