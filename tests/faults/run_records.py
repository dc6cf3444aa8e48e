"""Drill of the records of a run, of which `calovision status` and the summary are made: a bit is
another one, they end early, or hold another thing.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from random import Random

import numpy as np
from fakes_runs import entry, set_run, start, write_attempts, write_benchmark, write_outputs

from calovision.jobs.run_summary import run_status, summarize_run, summary_tables
from faults.cases import Case, Drill, Judgement, Outcome, judge
from faults.changed_bytes import Change, flips, truncations
from faults.material import scratch

FILES = (
    *("run/jobs.json", "run/run.json", "logs/simulate/qcd.attempts", "logs/train/cnn.attempts"),
    "benchmarks/simulate/qcd.tsv",
)
NO_CHECKSUM = "records of times and numbers, which no result depends on, have no checksum"
OTHERS = (None, True, -1, 1e308, 10**400, "", "\x1b[31m", [], {}, [[]], {"": None})
"""Values in the place of another one."""


def write_run(folder: Path) -> None:
    """Records of a run with a job that is done and one that runs."""
    folder.mkdir()
    simulate = entry("simulate", "qcd", folder=folder, outputs=["ntuples/0.root"])
    train = entry("train", "cnn", folder=folder, inputs=["ntuples/0.root"], outputs=["m"], epochs=9)
    start(folder, [simulate, train])
    set_run(folder, started=1000.0)
    numbers = {"n_events": 100, "cpu_s": 7.0, "max_memory_mb": 50.0, "bytes_read": 300}
    write_attempts(simulate, (1000.0, 1010.0, True, numbers))
    write_attempts(train, (1011.0, 1012.0, False, {"message": "disk full"}), (1013.0, None, 0, {}))
    write_benchmark(simulate, (12.0, 100.0, 0.0, 2.0, 6.5))
    write_outputs(simulate)


def _read(folder: Path) -> object:
    status, summary = run_status(folder), summarize_run(folder)
    return json.dumps([status, summary, str(summary_tables(summary))])


def _judge(name: str, change: Change | None, seed: int, folder: Path) -> Judgement:
    run = folder / "results"
    write_run(run)
    path = run / name
    content = path.read_bytes()
    path.write_bytes(_with_another(content, seed) if change is None else _of(change, content))
    judgement = judge(lambda: _read(run), lambda _: path.read_bytes() == content, path.name)
    if judgement.outcome is Outcome.WRONG:
        return Judgement(Outcome.UNAVOIDABLE, NO_CHECKSUM)
    return judgement


def _of(change: Change, content: bytes) -> bytes:
    """The content after a change; it has other lengths in other folders."""
    flips = tuple((position % len(content), mask) for position, mask in change.flips)
    return replace(change, flips=flips).of(content)


def _with_another(content: bytes, seed: int) -> bytes:
    """Text in which one value of the JSON, or one word of a table, is another one."""
    random, text = Random(seed), content.decode()
    other = random.choice(OTHERS)
    if not text.startswith("{"):
        words = text.split("\t")
        words[random.randrange(len(words))] = json.dumps(other)
        return "\t".join(words).encode()
    lines = text.splitlines()
    number = random.randrange(len(lines))
    lines[number] = json.dumps(_replaced(json.loads(lines[number]), other, random))
    return ("\n".join(lines) + "\n").encode()


def _replaced(value: object, other: object, random: Random) -> object:
    """The value with another one in a place of it."""
    if not value or not isinstance(value, dict | list) or random.random() < 0.1:
        return other
    if isinstance(value, list):
        at = random.randrange(len(value))
        return [*value[:at], _replaced(value[at], other, random), *value[at + 1 :]]
    key = random.choice(list(value))
    return value | {key: _replaced(value[key], other, random)}


@cache
def _sizes(folder: Path) -> dict[str, int]:
    write_run(folder / "sizes")
    return {name: (folder / "sizes" / name).stat().st_size for name in FILES}


def _cases(seed: int, n_cases: int | None) -> Iterator[Case]:
    rng = np.random.default_rng(seed)
    found = []
    for name, size in _sizes(scratch()).items():
        changes = [*flips(rng, np.arange(size), 15), *truncations(rng, size, 5), *[None] * 40]
        for number, change in enumerate(changes):
            what = f"another value ({number})" if change is None else str(change)
            case = partial(_judge, name, change, seed * 1000 + number)
            found.append(Case(f"{name}: {what}", case))
    for position in rng.permutation(len(found))[:n_cases]:
        yield found[position]


RUN_RECORDS = Drill(
    "run_records",
    "Records of runs, other values, flips and truncations",
    _cases,
    note=NO_CHECKSUM,
)
