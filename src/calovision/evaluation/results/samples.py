"""Samples one by one: ``samples.json``."""

from dataclasses import dataclass

from calovision.core.digits import events_in_digits, in_digits
from calovision.core.markdown import escape, markdown_table
from calovision.core.result import Result
from calovision.evaluation.results.numbers import format_efficiency
from calovision.metrics import Efficiency


@dataclass(frozen=True)
class CutStep:
    """Events after a cut; the efficiency is relative to what was generated, ``relative`` to the cut
    before, both weighted.
    """

    cut: str
    events: int
    sum_of_weights: float
    efficiency: float
    relative: float


@dataclass(frozen=True)
class PreselectedEvents:
    """Number of events, effective number, and number expected at the luminosity."""

    n: int
    n_eff: float
    expected: float


@dataclass(frozen=True)
class SampleNumbers:
    """One sample: what was generated, what each cut leaves, and the signal region.

    ``signal_region`` is the efficiency of the preselected events; None where no event is left, or
    their weights cancel.
    """

    label: int
    cross_section_pb: float
    n_generated: int
    cut_flow: tuple[CutStep, ...]
    preselected: PreselectedEvents
    signal_region: Efficiency | None


@dataclass(frozen=True)
class SamplesSummary(Result):
    """Samples, the signal region of all samples of a label together, and warnings of samples with
    few effective events, or of what is odd about their images.
    """

    samples: dict[str, SampleNumbers]
    signal: Efficiency | None
    background: Efficiency | None
    warnings: tuple[str, ...]

    def to_markdown(self) -> str:
        """Table of the samples, the signal region of both labels, and the warnings."""
        lines = self._lines()
        for title, region in (("signal", self.signal), ("background", self.background)):
            if region is not None:
                words = f"Signal region, all {title} together: {format_efficiency(region)}"
                lines += ["", f"{words}, {events_in_digits(region.n_eff)} effective events."]
        for text in self.warnings:
            lines += ["", f"**Warning**: {escape(text)}."]
        return "\n".join(lines) + "\n"

    def _lines(self) -> list[str]:
        header = ["sample", "cross-section [pb]", "generated", "preselected", "efficiency"]
        header += ["effective events", "expected events", "signal region, of the preselected"]
        rows = [
            [
                name,
                in_digits(one.cross_section_pb, 4),
                f"{one.n_generated:,}",
                f"{one.preselected.n:,}",
                in_digits(one.cut_flow[-1].efficiency),
                events_in_digits(one.preselected.n_eff),
                events_in_digits(one.preselected.expected),
                "no event" if one.signal_region is None else format_efficiency(one.signal_region),
            ]
            for name, one in self.samples.items()
        ]
        return markdown_table(header, rows)

    def cut_flow_to_markdown(self) -> str:
        """Table of the cut flows: events, sum of weights, efficiency, and relative to the cut
        before.
        """
        header = ["sample", "cut", "events", "sum of weights", "of generated", "of the cut before"]
        rows = [
            [
                name,
                step.cut,
                f"{step.events:,}",
                in_digits(step.sum_of_weights, 5),
                in_digits(step.efficiency),
                in_digits(step.relative),
            ]
            for name, one in self.samples.items()
            for step in one.cut_flow
        ]
        return "\n".join(markdown_table(header, rows)) + "\n"
