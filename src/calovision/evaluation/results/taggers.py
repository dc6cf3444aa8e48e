"""Models as taggers, their networks and training (``taggers.json``); boosted trees that were fitted
(``tagger_baselines.json``); samples and classes (``tagging_rows.json``).
"""

from dataclasses import dataclass
from typing import Any

from calovision.core.digits import in_digits
from calovision.core.markdown import escape, markdown_table
from calovision.core.result import Result
from calovision.evaluation.results.models import ModelNumbers, TrainingRecord, run_row
from calovision.evaluation.results.samples import CutStep


@dataclass(frozen=True)
class TaggerPerformance:
    """Macro AUC, and mean accuracy of the classes."""

    macro_auc: float
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class TaggerModel(ModelNumbers):
    """Networks of a model by their seeds, and their ensemble, whose probabilities are the mean of
    theirs; the standard deviation of the macro AUC divides by n - 1.
    """

    seeds: dict[str, TaggerPerformance]
    trainings: dict[str, TrainingRecord]
    ensemble: TaggerPerformance
    standard_deviation: float | None


@dataclass(frozen=True)
class TaggerModels(Result):
    """Model -> its networks."""

    models: dict[str, TaggerModel]

    def to_markdown(self) -> str:
        """Tables of the performance, and of the networks and their training."""
        header = ["model", "networks", "macro AUC of one", "of their mean", "mean accuracy"]
        rows = [
            [
                name,
                str(len(one.seeds)),
                _mean(one),
                f"{one.ensemble.macro_auc:.4f}",
                f"{one.ensemble.accuracy:.4f}",
            ]
            for name, one in self.models.items()
        ]
        text = "Models: networks that differ in their seed, and the mean of their probabilities."
        runs = ["model", "network", "networks", "parameters", "multiply-adds"]
        runs += ["epochs", "images/s", "training"]
        return "\n".join(
            [
                text,
                "",
                *markdown_table(header, rows),
                "",
                *markdown_table(
                    runs,
                    [
                        run_row(name, one, list(one.trainings.values()))
                        for name, one in self.models.items()
                    ],
                ),
                "",
            ]
        )


def _mean(model: TaggerModel) -> str:
    values = [one.macro_auc for one in model.seeds.values()]
    spread = model.standard_deviation
    mean = f"{sum(values) / len(values):.4f}"
    return mean if spread is None else f"{mean} ± {spread:.4f}"


@dataclass(frozen=True)
class TaggerBaseline(Result):
    """Trees with the lowest validation loss, of each fold by itself, the mean loss, and the
    variables that they see.
    """

    chosen: dict[str, list[Any]]
    validation_loss: float
    variables: tuple[str, ...]


@dataclass(frozen=True)
class SampleRows:
    """Cut flow of the events of a sample, and of the jets; class -> split -> number of rows."""

    n_generated: int
    cut_flow: tuple[CutStep, ...]
    jet_cut_flow: tuple[CutStep, ...]
    rows: dict[str, dict[str, int]]


@dataclass(frozen=True)
class TaggingRows(Result):
    """Sample -> its rows; warnings of its images."""

    samples: dict[str, SampleRows]
    warnings: tuple[str, ...]

    def to_markdown(self) -> str:
        """Rows of each sample and class in each split, and the warnings."""
        splits = list(next(iter(next(iter(self.samples.values())).rows.values())))
        rows = [
            [name, label, *(f"{of_class[split]:,}" for split in splits)]
            for name, one in self.samples.items()
            for label, of_class in one.rows.items()
            if any(of_class.values())
        ]
        total = [
            "all",
            "",
            *(
                f"{sum(c[s] for one in self.samples.values() for c in one.rows.values()):,}"
                for s in splits
            ),
        ]
        lines = markdown_table(["sample", "class", *splits], [*rows, total])
        for text in self.warnings:
            lines += ["", f"**Warning**: {escape(text)}."]
        return "\n".join(lines) + "\n"

    def cut_flow_to_markdown(self) -> str:
        """Table of the cut flows, of events and then of jets."""
        header = ["sample", "of", "cut", "number", "sum of weights", "of the first"]
        header.append("of the cut before")
        rows = [
            [
                name,
                kind,
                step.cut,
                f"{step.events:,}",
                in_digits(step.sum_of_weights, 5),
                in_digits(step.efficiency),
                in_digits(step.relative),
            ]
            for name, one in self.samples.items()
            for kind, flow in (("events", one.cut_flow), ("jets", one.jet_cut_flow))
            for step in flow
        ]
        return "\n".join(markdown_table(header, rows)) + "\n"
