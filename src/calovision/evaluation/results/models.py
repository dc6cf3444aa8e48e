"""Models against each other: ``models.json``.

Every number comes twice: ``weighted`` by the event weights, as in an analysis, and ``unweighted``,
every event counting 1, which rests on many more events where a few heavy ones carry the background.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from calovision.core.digits import spread_in_digits
from calovision.core.markdown import code, markdown_table
from calovision.core.result import Result, from_json, to_json
from calovision.evaluation.results.numbers import (
    Performance,
    mark_of,
    marked_efficiency,
    with_meaning,
)

WEIGHTINGS = {"weighted": "events weighted", "unweighted": "every event counts 1"}
"""Name in the results -> words in the table."""


@dataclass(frozen=True)
class TrainingRecord:
    """Training of a network in numbers; None for what was not measured.

    ``best_epoch`` is that of the lowest validation loss, ``images_per_s`` the median over the
    epochs, ``training_time_s`` what all passes over the training split took. With folds these are
    the epochs of the longest training, the median and the sum over the networks of the folds, which
    are in ``folds``; ``best_epoch`` is None.
    """

    epochs: int
    best_epoch: int | None = None
    images_per_s: float | None = None
    training_time_s: float | None = None
    folds: "dict[str, TrainingRecord] | None" = None

    @property
    def trainings(self) -> "list[TrainingRecord]":
        """Records of single trainings: of each fold, or this one."""
        return [self] if self.folds is None else list(self.folds.values())


@dataclass(frozen=True, kw_only=True)
class ModelNumbers:
    """Network of a model in numbers; None for what is not known.

    ``multiply_adds`` are those of one image, ``n_training`` is the number of events in the training
    split.
    """

    parameters: float | None = None
    multiply_adds: float | None = None
    network: str | None = None
    n_training: float | None = None


@dataclass(frozen=True, kw_only=True)
class Performances:
    """Performance of one classifier, with and without weights."""

    weighted: Performance
    unweighted: Performance


@dataclass(frozen=True, kw_only=True)
class NetworkResult(Performances):
    """One network of a model: its performance and its training."""

    training: TrainingRecord


@dataclass(frozen=True)
class NetworkStatistic:
    """Mean or standard deviation over the networks of a model; None for that of a single one."""

    auc: float | None
    signal_efficiency: dict[str, float | None]


@dataclass(frozen=True, kw_only=True)
class NetworkStatistics:
    """Statistics with and without weights."""

    weighted: NetworkStatistic
    unweighted: NetworkStatistic


@dataclass(frozen=True, kw_only=True)
class ModelResult(ModelNumbers):
    """Networks of a model by their seeds, their mean and spread, and their ensemble.

    The standard deviation divides by n - 1. With folds a seed has a network for each: its
    performance is that of all events, each scored by the network of its fold, and ``n_training`` is
    the mean of the folds.
    """

    seeds: dict[str, NetworkResult]
    mean: NetworkStatistics
    standard_deviation: NetworkStatistics
    ensemble: Performances


@dataclass(frozen=True)
class ModelComparison(Result):
    """Model -> its networks and their ensemble; the JSON is this mapping."""

    models: dict[str, ModelResult]

    def to_json(self) -> dict[str, Any]:
        """Model -> its numbers."""
        return to_json(self.models)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Object of what `to_json` gave; InputError if something is missing in it."""
        return cls(from_json(dict[str, ModelResult], content))

    def to_markdown(self) -> str:
        """Tables of the performance, and of the networks and their training."""
        text = (
            "Models: mean and standard deviation over the networks, which differ in their seed, "
            "and the ensemble, whose output is the mean of theirs."
        )
        first = next(iter(self.models))
        if first != "cnn":
            text += f" `cnn` above is the ensemble of {code(first)}."
        lines = [text, "", *with_meaning(self._performance_lines()), "", *self._run_lines()]
        return "\n".join(lines) + "\n"

    def _performance_lines(self) -> list[str]:
        first = next(iter(self.models.values()))
        points = list(first.ensemble.weighted.signal_efficiency)
        header = ["model", "", "AUC", *(f"signal at background {point}" for point in points)]
        rows = [
            row
            for model, one in self.models.items()
            for weighting in WEIGHTINGS
            for row in _performance_rows(model, one, weighting, points)
        ]
        return markdown_table(header, rows)

    def _run_lines(self) -> list[str]:
        header = ["model", "network", "networks", "parameters", "multiply-adds"]
        header += ["epochs", "images/s", "training"]
        rows = []
        for model, one in self.models.items():
            trainings = [seed.training for seed in one.seeds.values()]
            rows.append(run_row(model, one, trainings))
        return markdown_table(header, rows)


def _performance_rows(
    model: str, found: ModelResult, weighting: str, points: Sequence[str]
) -> list[list[str]]:
    """Mean and spread of several networks, and the ensemble, with one of the weightings."""
    mean, deviation, ensemble = (
        getattr(one, weighting) for one in (found.mean, found.standard_deviation, found.ensemble)
    )
    words = WEIGHTINGS[weighting]
    rows = []
    several = deviation.auc is not None
    if several:
        cells = [f"{mean.auc:.4f} ± {deviation.auc:.4f}"]
        cells += [_mean_cell(found, weighting, point) for point in points]
        rows.append([model, f"{len(found.seeds)} networks, {words}", *cells])
    cells = [marked_efficiency(ensemble.signal_efficiency[point]) for point in points]
    kind = "ensemble" if several else "one network"
    rows.append([model, f"{kind}, {words}", f"{ensemble.auc:.4f}", *cells])
    return rows


def _mean_cell(found: ModelResult, weighting: str, point: str) -> str:
    """Mean and standard deviation over the networks, marked if one of these has too few background
    events.
    """
    value, spread = (
        getattr(one, weighting).signal_efficiency[point]
        for one in (found.mean, found.standard_deviation)
    )
    n_eff = [
        getattr(one, weighting).signal_efficiency[point].n_eff for one in found.seeds.values()
    ]
    return f"{spread_in_digits(value, spread)}{mark_of(min(n_eff))}"


def run_row(model: str, found: ModelNumbers, trainings: Sequence[TrainingRecord]) -> list[str]:
    """Networks of a model and their training; a dash for what is not known."""
    records = [one for seed in trainings for one in seed.trainings]
    speeds = [one.images_per_s for one in records if one.images_per_s is not None]
    times = [one.training_time_s for one in records if one.training_time_s is not None]
    return [
        model,
        "-" if found.network is None else str(found.network),
        str(len(records)),
        _shortened(found.parameters),
        _shortened(found.multiply_adds),
        _range([one.epochs for one in records]),
        f"{np.mean(speeds):.0f}" if speeds else "-",
        f"{np.sum(times) / 60:.1f} min" if times else "-",
    ]


def _shortened(number: float | None) -> str:
    """``34.5 M``: three digits of a number."""
    if number is None:
        return "-"
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {letter}"
    return str(number)


def _range(values: Sequence[int]) -> str:
    """``8``, or ``6-8`` if they differ."""
    if not values:
        return "-"
    return f"{min(values)}" if min(values) == max(values) else f"{min(values)}-{max(values)}"
