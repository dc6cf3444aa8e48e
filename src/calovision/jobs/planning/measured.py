"""Costs of the jobs of an earlier run, and their work: from its benchmark files and the records
beside its results.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from calovision.core.errors import InputError
from calovision.core.splits import SPLITS
from calovision.jobs.planning.memory import images_of_scoring, images_of_training
from calovision.jobs.planning.networks import TrainedNetwork, read_networks
from calovision.jobs.run_summary.measurements import JobFiles
from calovision.workflow.rules import RULES

FILE_RULES = (
    "simulate_ntuples",
    "simulate_pile_up",
    "build_images",
    "build_alternative_images",
    "build_varied_images",
)
"""Rules whose jobs are measured by the generated events of a file."""

SAMPLING = 0.5, 15.5, 30.0
"""Snakemake samples the CPU time of a job every 0.5 s until about 15.5 s, then every 30 s, and
never at its end."""


@dataclass(frozen=True)
class Job:
    """One job of an earlier run.

    Attributes
    ----------
    rule, key
        The rule, and which of its rates the job measures: a sample, a network (`network_key`), or
        "" if there is one.
    work
        Generated events, or images times the number of passes of a network.
    cpu_s, wall_s
        CPU time and time.
    memory_mb
        Largest resident memory.
    device
        "cpu" or "gpu".
    images, loaded_bytes
        Of a network: images at work at a time and rows in memory, as `memory.memory_mb` takes them;
        0: not known.
    """

    rule: str
    key: str
    work: float
    cpu_s: float
    wall_s: float
    memory_mb: float
    device: str = "cpu"
    images: float = 0.0
    loaded_bytes: float = 0.0


@dataclass
class SampleYield:
    """Totals of a sample over its image files: events, images of each split, bytes of ntuples and
    of image files, ROOT files, several of whose image files may be of one.
    """

    label: int
    generated: int = 0
    splits: list[int] = field(default_factory=lambda: [0] * len(SPLITS))
    ntuple_bytes: int = 0
    image_bytes: int = 0
    n_files: int = 0

    @property
    def images(self) -> int:
        """Images of all splits."""
        return sum(self.splits)

    def __add__(self, other: "SampleYield") -> "SampleYield":
        splits = [one + more for one, more in zip(self.splits, other.splits, strict=True)]
        names = ("generated", "ntuple_bytes", "image_bytes", "n_files")
        sums = {name: getattr(self, name) + getattr(other, name) for name in names}
        return SampleYield(self.label, splits=splits, **sums)


@dataclass
class Run:
    """Measurements of one run.

    Attributes
    ----------
    source
        Origin of the figures.
    jobs, samples
        Its jobs; what came out of its samples.
    networks
        Key of each network -> multiply-adds for an image, None where they are not known.
    specifications
        Key of each network -> its specification, as `memory.network_size` takes it.
    cells
        Of an image, over all channels; 0: not known.
    """

    source: str
    jobs: list[Job]
    samples: dict[str, SampleYield]
    networks: dict[str, int | None] = field(default_factory=dict)
    specifications: dict[str, dict] = field(default_factory=dict)
    cells: int = 0

    def to_json(self) -> dict:
        """Plain values, from which `from_json` makes the same again."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping) -> "Run":
        """Inverse of `to_json`; KeyError or TypeError if something is missing."""
        samples = {name: SampleYield(**values) for name, values in content["samples"].items()}
        jobs = [Job(**values) for values in content["jobs"]]
        more = {
            name: content[name] for name in ("specifications", "cells") if name in content
        }  # newer than others
        return cls(content["source"], jobs, samples, dict(content["networks"]), **more)


def read_rates(path: Path) -> Run:
    """Read the results of a run: its folder, or the bench.json of ``make bench`` (its part
    ``stages``).

    Raises
    ------
    InputError
        If there is nothing to take rates from.
    """
    if path.is_dir():
        return measure_run(path)
    try:
        return Run.from_json(json.loads(path.read_text(encoding="utf-8"))["stages"])
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: no such file or folder; give the results of a run, or bench.json"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{path}: it holds no measured stages; give the results of a run, or run make bench"
        ) from error


def measure_run(results: Path) -> Run:
    """Read what the jobs of a run took and worked on.

    Parameters
    ----------
    results
        Folder of its results; jobs whose image or model files are gone are left out.

    Raises
    ------
    InputError
        If there is no benchmark file.
    """
    benchmarks = sorted((results / "benchmarks").rglob("*.tsv"))
    if not benchmarks:
        raise InputError(
            f"{results}: no benchmark files of a run (benchmarks/**/*.tsv); give its results folder"
        )
    chunks, samples, cells = _read_samples(results)
    networks = read_networks(results)
    run = Run(
        str(results),
        [],
        samples,
        {one.key: one.multiply_adds for one in networks.values()},
        cells=cells,
    )
    run.specifications = {one.key: one.specification for one in networks.values()}
    for path in benchmarks:
        name = path.relative_to(results / "benchmarks").with_suffix("")
        rule, *wildcards = name.parts
        found = _work(rule, wildcards, chunks, samples, networks)
        times = read_times(results, name)
        if found is not None and times is not None:
            key, work, device = found
            network = networks.get(tuple(wildcards))
            held = (0.0, 0.0) if network is None else _held(rule, network, samples)
            run.jobs.append(Job(rule, key, work, *times, device, *held))
    return run


def _held(
    rule: str, network: TrainedNetwork, samples: Mapping[str, SampleYield]
) -> tuple[float, float]:
    """Images at work at a time, and bytes of rows in memory, of a job of a network."""
    trained = [one for one in samples.values() if one.splits[0] + one.splits[1]]
    if rule != "train_network":
        return images_of_scoring(sum(one.splits[1] + one.splits[2] for one in trained)), 0.0
    n_images, n_bytes = (
        sum(getattr(one, name) for one in trained) for name in ("images", "image_bytes")
    )
    loaded = n_bytes * (network.n_training + network.n_validation) / max(n_images, 1)
    return images_of_training(network.batch_size, network.n_validation), loaded


def measured_hours(results: Path) -> dict[str, float]:
    """CPU hours of each rule of a finished run, of all its jobs."""
    hours: dict[str, float] = {}
    for path in (results / "benchmarks").rglob("*.tsv"):
        name = path.relative_to(results / "benchmarks").with_suffix("")
        rule, cpu_s = name.parts[0], (read_times(results, name) or (0.0,))[0]
        hours[rule] = hours.get(rule, 0.0) + cpu_s / 3600
    return hours


def read_times(results: Path, name: Path) -> tuple[float, float, float] | None:
    """CPU seconds, seconds and largest memory in MB of a job; None if it was too short to be
    measured.

    ``name`` is that of its benchmark and log files, in their folders and without the suffix. CPU
    time is that of its record, which counts all of it, or the sampled one of the benchmark file.
    """
    files = JobFiles.read(
        results / "benchmarks" / name.with_suffix(".tsv"),
        results / "logs" / name.with_suffix(".log"),
    )
    benchmark = files.benchmark
    record = files.attempt
    if "s" not in benchmark:
        return None
    if record is not None and record.cpu_s is not None:
        return record.cpu_s, benchmark["s"], record.max_memory_mb
    memory_mb = files.sampled_memory_mb
    if "cpu_time" not in benchmark or memory_mb is None:
        return None
    return cpu_seconds(benchmark["s"], benchmark["cpu_time"]), benchmark["s"], memory_mb


def cpu_seconds(seconds: float, sampled: float) -> float:
    """CPU time of a whole job from what Snakemake last sampled, as if it had gone on as before
    until the end.
    """
    short, change, long = SAMPLING
    if seconds <= change + short:
        return sampled
    return sampled * seconds / (change + long * math.floor((seconds - change) / long))


def _read_samples(
    results: Path,
) -> tuple[dict[tuple[str, str], SampleYield], dict[str, SampleYield], int]:
    """Yields of each chunk, (sample, chunk), and of each sample; cells of an image."""
    import numpy as np

    from calovision.storage import ImageFile

    chunks, samples, cells = {}, {}, 0
    sources: dict[str, set[str]] = {}
    for path in sorted((results / "images").glob("*/*.h5")):
        file, name = ImageFile(path), path.parent.name
        info = file.metadata
        ntuple = results / "ntuples" / name / f"{path.stem}.root"
        splits = np.bincount(file.events.read("split"), minlength=len(SPLITS)).tolist()
        ntuple_bytes = ntuple.stat().st_size if ntuple.exists() else 0
        chunk = SampleYield(info.label, info.n_generated, splits, ntuple_bytes, path.stat().st_size)
        chunks[name, path.stem] = chunk
        samples[name] = samples.get(name, SampleYield(info.label)) + chunk
        sources.setdefault(name, set()).update(source for source, _ in info.source_files)
        samples[name].n_files = len(sources[name])
        cells = math.prod(info.image_shape)
    return chunks, samples, cells


def _work(
    rule: str,
    wildcards: list[str],
    chunks: Mapping[tuple[str, str], SampleYield],
    samples: Mapping[str, SampleYield],
    networks: Mapping[tuple[str, ...], TrainedNetwork],
) -> tuple[str, float, str] | None:
    """Key, work and device of a job; None if it is not known."""
    if rule in RULES and RULES[rule].is_single and not wildcards:
        return "", float(sum(one.images for one in samples.values())), "cpu"
    if rule in FILE_RULES:
        chunk = chunks.get(tuple(wildcards[-2:]))
        return None if chunk is None else (wildcards[-2], float(chunk.generated), "cpu")
    if rule in ("train_network", "score_events") and tuple(wildcards) in networks:
        network = networks[tuple(wildcards)]
        if rule == "train_network":
            return network.key, float(network.passes), network.device
        trained = [one for one in samples.values() if one.splits[0] + one.splits[1]]
        scored = sum(one.splits[1] + one.splits[2] for one in trained)
        if len(wildcards) > 2:  # of a fold, all but the events that train
            scored = sum(sum(one.splits) for one in trained) - network.n_training
        return network.key, float(network.rotations * scored), network.device
    return None
