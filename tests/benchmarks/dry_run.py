"""dry_run: what Snakemake takes to plan the jobs of thousands of ROOT files, none of which it
opens."""

import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from benchmarks.harness import Benchmark, Settings, TimeRatio, ValueLimit, installed
from benchmarks.stages import REPOSITORY
from benchmarks.subprocesses import output_of

SNAKEFILE = REPOSITORY / "workflow" / "Snakefile"
FILES_AN_EVENT = 2  # of the other benchmarks, which have 5000
ENTRIES = 20  # of a file, as its list says
MOST_OVER_PLAIN = 3
PLAIN = """
import pathlib
LISTS = [pathlib.Path(path).read_text().splitlines() for path in config["lists"].split(",")]
FILES = [line.split()[0] for lines in LISTS for line in lines]
rule all:
    input: expand("made/{number}", number=range(len(FILES)))
rule make_one:
    input: lambda wildcards: FILES[int(wildcards.number)]
    output: "made/{number}"
    shell: "touch {output}"
"""
FILES_A_JOB = {"one_a_job": 1, "twenty_a_job": 20}
# in a small process of its own: the memory of one that starts another counts as that of the other,
# too
LARGEST_MEMORY = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def dry_run(settings: Settings) -> Benchmark:
    """A job a file, and files that are joined."""
    if not installed("snakemake"):
        return Benchmark(title="snakemake -n (it is not installed)", n_events=1)
    lists = [
        _write_list(settings.scratch / name, FILES_AN_EVENT * settings.n_events // 2)
        for name in ("rpv", "qcd")
    ]
    memory: dict[str, dict[str, float]] = {}
    return Benchmark(
        title=f"snakemake -n with {FILES_AN_EVENT * settings.n_events} ROOT files, one or twenty a "
        "job",
        n_events=FILES_AN_EVENT * settings.n_events,
        methods={name: _plan(settings.scratch, lists, name, memory) for name in FILES_A_JOB}
        | {"plain_rules": _plan_plain(settings.scratch, lists)},
        bars=(
            TimeRatio("one_a_job", "plain_rules", at_most=MOST_OVER_PLAIN),
            ValueLimit("one_a_job", "mb", at_most=500, unit="MB"),
        ),
        measure_values=lambda: memory,
    )


def _write_list(folder: Path, n_files: int) -> Path:
    """Files that are there, without content, and their list."""
    folder.mkdir()
    paths = [folder / f"{number:05d}.root" for number in range(n_files)]
    for path in paths:
        path.touch()
    listed = folder.with_suffix(".list")
    listed.write_text("".join(f"{path} {ENTRIES}\n" for path in paths))
    return listed


def _plan(
    folder: Path, lists: list[Path], name: str, memory: dict[str, dict[str, float]]
) -> Callable[[], None]:
    """Run of ``snakemake -n``; its largest memory goes to ``memory``."""
    n_files = FILES_A_JOB[name]
    configuration = {
        "results_dir": str(folder / "results"),
        "samples": {
            path.stem: {"label": label, "cross_section_pb": 1.0, "files": [str(path)]}
            for label, path in zip((1, 0), lists, strict=True)
        },
        "images": {"events_per_job": None if n_files == 1 else n_files * ENTRIES},
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(configuration))
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--directory",
        str(REPOSITORY),
        "-n",
        "--quiet",
        "--nolock",
    ]

    def run() -> None:
        (kilobytes,) = output_of(
            "-c", LARGEST_MEMORY, *command, "--snakefile", SNAKEFILE, "--configfile", path
        )
        memory[name] = {"mb": 1.024e-3 * float(kilobytes)}

    return run


def _plan_plain(folder: Path, lists: list[Path]) -> Callable[[], None]:
    """Run of ``snakemake -n`` with as many jobs of a rule of three lines: the floor."""
    path = folder / "plain.smk"
    path.write_text(PLAIN)
    command = ["-m", "snakemake", "--directory", folder, "-n", "--quiet", "--nolock"]
    listed = ",".join(map(str, lists))
    return lambda: output_of(*command, "--snakefile", path, "--config", f"lists={listed}")
