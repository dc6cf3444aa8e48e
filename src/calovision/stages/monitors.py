"""Networks that watch runs, and a study of what all methods find of injected faults."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calovision.jobs.atomic import write_json, write_text
from calovision.monitoring.drawn_runs import good_runs_like
from calovision.monitoring.judging import load_scorers
from calovision.monitoring.performance import measure_performance
from calovision.monitoring.reference import Reference
from calovision.monitoring.run_map_file import RunMapFile
from calovision.stages.arguments import Count, Files, Options, not_counted


def train_monitor(
    maps: Path,
    reference: Path,
    output: Path,
    *,
    method: str,
    seed: int,
    count: Count = not_counted,
) -> None:
    """Train the network of a method on the good runs of the reference, and write it."""
    from calovision.monitoring.networks import training

    good = Reference.load(reference)
    file = RunMapFile(maps)
    runs = file[np.isin(file.run, good.run)]
    count(int(runs.n_events.sum()))
    options, train = {
        "autoencoder": (training.AutoencoderOptions, training.train_autoencoder),
        "fault_classifier": (training.FaultClassifierOptions, training.train_fault_classifier),
    }[method]
    train(runs, good, options(seed=seed)).save(Path(output))


@dataclass(frozen=True)
class StudyFiles(Files):
    """Files that `study_faults` reads: the reference, and the networks."""

    reference: Path
    networks: tuple[Path, ...]


@dataclass(frozen=True)
class StudyResults(Files):
    """Files that `study_faults` writes: all figures of merit, those without curves, and tables."""

    figures: Path
    numbers: Path
    table: Path


@dataclass(frozen=True)
class StudyOptions(Options):
    """Choices of `study_faults`.

    Attributes
    ----------
    options
        ``faults``, ``n_events``, ``runs`` of the configuration, and ``seed``.
    methods, trained
        Methods, and those of them that have files, in the order of these.
    """

    options: Mapping[str, Any]
    methods: Sequence[str]
    trained: Sequence[str]


def study_faults(
    files: StudyFiles, results: StudyResults, options: StudyOptions, *, count: Count = not_counted
) -> None:
    """Measure what the methods find of faults in runs that are drawn from the reference."""
    chosen = options.options
    reference = Reference.load(files.reference)
    rng = np.random.default_rng(chosen["seed"])
    good = {
        n_events: good_runs_like(reference, 2 * chosen["runs"], n_events, rng)
        for n_events in chosen["n_events"]
    }
    count(sum(int(one.n_events.sum()) for one in good.values()))
    networks = dict(zip(options.trained, files.networks, strict=True))
    scorers = load_scorers(options.methods, networks)
    faults = _possible(chosen["faults"], len(reference.channels))
    found = measure_performance(scorers, good, reference, faults=faults, seed=chosen["seed"])
    content = found.to_json()
    write_json(results.figures, content)
    without_curves = [
        {name: value for name, value in one.items() if name != "roc"} for one in content["figures"]
    ]
    write_json(results.numbers, content | {"figures": without_curves})
    lines = [
        *("\n".join([one, ""]) for one in found.in_words()),
        *found.false_discovery_table(),
        "",
        f"Share of the faulty towers that are flagged where {found.false_alarms:.0%} of the good "
        "runs have a false alarm:",
        "",
        *found.detection_table(),
    ]
    write_text(results.table, "\n".join(lines) + "\n")


def _possible(faults: Sequence[str], n_channels: int) -> list[str]:
    """Faults that runs of so many channels can have."""
    return [one for one in faults if one != "swapped_channels" or n_channels > 1]
