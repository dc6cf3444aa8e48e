"""Flags of all runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calovision.jobs.atomic import write_json, write_text
from calovision.monitoring.flag_tables import flag_markdown, flag_text, write_flag_csv
from calovision.monitoring.flagging import FlagRules
from calovision.monitoring.flags import STATES, RunFlags
from calovision.monitoring.judging import judge_file, load_scorers
from calovision.monitoring.known import read_known
from calovision.monitoring.reference import Reference
from calovision.monitoring.run_map_file import RunMapFile
from calovision.stages.arguments import Count, Files, Options, not_counted
from calovision.stages.run_reference import GoodRuns


@dataclass(frozen=True)
class MonitorFiles(Files):
    """Files that `monitor_runs` reads.

    Attributes
    ----------
    maps, reference, good_runs
        Of all runs, and of the good ones.
    networks
        Files of the methods that are trained, in their order.
    known
        Flags of an earlier run; none or one.
    """

    maps: Path
    reference: Path
    good_runs: Path
    networks: tuple[Path, ...]
    known: tuple[Path, ...]


@dataclass(frozen=True)
class MonitorResults(Files):
    """Files that `monitor_runs` writes: flags as JSON, CSV and text, numbers and a table for the
    report.
    """

    flags: Path
    table: Path
    text: Path
    numbers: Path
    summary: Path


@dataclass(frozen=True)
class MonitorOptions(Options):
    """Choices of `monitor_runs`.

    Attributes
    ----------
    options
        ``methods``, ``alarm``, ``false_alarms``, ``consecutive_runs``, ``min_events`` of the
        configuration.
    trained
        Methods that are trained, in the order of their files.
    """

    options: Mapping[str, Any]
    trained: Sequence[str]


def monitor_runs(
    files: MonitorFiles,
    results: MonitorResults,
    options: MonitorOptions,
    *,
    count: Count = not_counted,
) -> None:
    """Score all runs, and write the flags."""
    maps = RunMapFile(files.maps)
    count(int(maps.n_events.sum()))
    chosen = options.options
    held_out = GoodRuns.read(files.good_runs).held_out
    networks = dict(zip(options.trained, files.networks, strict=True))
    reference = Reference.load(files.reference)
    known = read_known(files.known, reference)
    flags = judge_file(
        maps,
        reference,
        load_scorers(chosen["methods"], networks),
        FlagRules(chosen["min_events"], chosen["consecutive_runs"], known),
        alarm=chosen["alarm"],
        false_alarms=chosen["false_alarms"],
        good=maps.select(np.isin(maps.run, held_out)),
    )
    write_json(results.flags, flags.to_json())
    write_flag_csv(results.table, flags.alarms)
    write_text(results.text, flag_text(flags))
    write_json(results.numbers, numbers_of(flags))
    write_text(results.summary, flag_markdown(flags))


def numbers_of(flags: RunFlags) -> dict[str, Any]:
    """Numbers of runs by state, of alarms, and the thresholds."""
    return {
        "n_runs": len(flags.runs),
        "n_alarms": flags.n_alarms,
        "runs": {state: len(flags.runs_in(state)) for state in STATES},
        "thresholds": {name: one.threshold for name, one in flags.methods.items()},
    }
