"""Drill of texts of others in the pages of runs with alarms: names of channels, as a file of run
maps holds them.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from calovision.core.errors import InputError
from calovision.monitoring.injection import inject
from calovision.monitoring.run_map_file import write_run_maps
from calovision.monitoring.run_maps import RunMaps
from calovision.monitoring.toys import toy_detector
from calovision.stages import monitoring, run_pages, run_reference
from faults.cases import Case, Drill, Judgement, judge_sentence
from faults.report_texts import HARMLESS, judge_html, texts

N_RUNS, N_FAULTY = 16, 2
GOOD = {"ranges": [[1, N_RUNS - N_FAULTY]], "held_out": 0.25, "min_events": 100}
OPTIONS = {
    "methods": ["poisson"],
    "alarm": ["poisson"],
    "false_alarms": 0.001,
    "consecutive_runs": 1,
    "min_events": 100,
}


@cache
def _maps() -> RunMaps:
    """Runs of which the last have a dead board."""
    maps = toy_detector(8, 16).runs(N_RUNS, 2000, np.random.default_rng(1))
    faulty, _ = inject(maps[-N_FAULTY:], "dead_board", 1.0, 3)
    maps.occupancy[-N_FAULTY:], maps.total[-N_FAULTY:] = faulty.occupancy, faulty.total
    return maps


def write_pages(folder: Path, text: str) -> str:
    """Pages of the runs whose channel has a text as its name."""
    write_run_maps(folder / "maps.h5", replace(_maps(), channels=(text,)))
    names = ("maps.h5", "reference.h5", "good.json")
    run_reference.make_reference(*(folder / name for name in names), GOOD)
    files = monitoring.MonitorFiles(*(folder / name for name in names), (), ())
    outputs = ("flags.json", "flags.csv", "flags.txt", "numbers.json", "flags.md")
    results = monitoring.MonitorResults(*(folder / name for name in outputs))
    monitoring.monitor_runs(files, results, monitoring.MonitorOptions(OPTIONS, []))
    of_pages = ("maps.h5", "reference.h5", "flags.json")
    run_pages.write_run_pages(*(folder / name for name in of_pages), folder / "runs", most=1)
    pages = sorted((folder / "runs").glob("*.html"))
    return "\n".join(page.read_text(encoding="utf-8") for page in pages)


@cache
def _harmless() -> str:
    with TemporaryDirectory() as folder:
        return write_pages(Path(folder), HARMLESS)


def _judge(text: str, folder: Path) -> Judgement:
    try:
        html = write_pages(folder, text)
    except InputError as error:
        return judge_sentence(str(error), "maps.h5", "channel")
    return judge_html(html, text, _harmless())


def _cases(seed: int, n_cases: int | None) -> Iterator[Case]:
    rng = np.random.default_rng(seed)
    _harmless()
    every = texts(rng, 40)
    for position in rng.permutation(len(every))[:n_cases]:
        text = every[position]
        yield Case(f"{text[:60]!a}", partial(_judge, text))


MONITORING_TEXTS = Drill(
    "monitoring_texts", "Texts of others in the pages of runs with alarms", _cases
)
