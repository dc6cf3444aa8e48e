"""Flags as text, Markdown and CSV, for people."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from calovision.core.markdown import markdown_table
from calovision.core.text import printable
from calovision.jobs.atomic import replaced
from calovision.monitoring.faults import FAULTS
from calovision.monitoring.flags import Alarm, RunFlags, RunState, alarm_rows
from calovision.monitoring.grouping import title_of

HEADER = (
    *("run", "fault", "channel", "eta", "phi", "towers", "score", "hits", "expected", "since"),
    "known",
)
STATES_IN_WORDS = {
    "good": "without an alarm",
    "alarm": "with an alarm",
    "known": "with known faults only",
    "few_events": "with too few events for a statement",
    "no_statement": "of which nothing can be said",
}
COLUMNS = (
    *("object", "run", "lumi_block", "method", "kind", "is_known", "channel"),
    *("eta_index", "phi_index", "eta", "phi", "score"),
    *("expected_hits", "found_hits", "expected_mean", "found_mean", "since"),
)
"""Columns of the CSV, one tower a row."""


def write_flag_csv(path: Path, alarms: Sequence[Alarm]) -> None:
    """Write a row for each flagged tower, complete or not at all."""
    rows = ({**row, "channel": printable(row["channel"])} for row in alarm_rows(alarms))
    with (
        replaced(Path(path)) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def alarm_table(alarms: Sequence[Alarm]) -> tuple[tuple[str, ...], list[list[str]]]:
    """Header and rows of a table of flagged objects."""
    return HEADER, [_row(one) for one in alarms]


def _row(alarm: Alarm) -> list[str]:
    block = "" if alarm.lumi_block is None else f", block {alarm.lumi_block}"
    return [
        f"{alarm.run}{block}",
        title_of(alarm.kind) + ("" if alarm.fault is None else f" ({_told(alarm.fault)})"),
        printable(alarm.channel),
        _ends(alarm.eta),
        _ends(alarm.phi),
        str(len(alarm.towers)),
        f"{alarm.score:.3g}",
        f"{alarm.found_hits:.0f}",
        f"{alarm.expected_hits:.1f}",
        str(alarm.since),
        "yes" if alarm.is_known else "",
    ]


def _told(fault: str) -> str:
    """Kind of fault by the classifier, for people."""
    return FAULTS[fault].title.lower() if fault in FAULTS else fault


def _ends(ends: tuple[float, float]) -> str:
    return f"{ends[0]:.2f} to {ends[1]:.2f}"


def flag_sentences(flags: RunFlags) -> list[str]:
    """Sentences on what was found, and on what limits the statements."""
    return [*_counts(flags), *flags.notes]


def _counts(flags: RunFlags) -> Iterator[str]:
    found = [(state, flags.runs_in(state)) for state in STATES_IN_WORDS]
    counts = [f"{len(runs)} {STATES_IN_WORDS[state]}" for state, runs in found if runs]
    yield f"{len(flags.runs)} runs: {', '.join(counts)}."
    for state, runs in found:
        if state not in ("good", "alarm") and runs:
            yield f"Runs {STATES_IN_WORDS[state]}: {listed_runs(runs)}."
    if runs := flags.runs_in("few_events"):
        yield f"Of fewer than {flags.min_events} events nothing is said, good or bad."


def listed_runs(runs: Sequence[int], most: int = 20) -> str:
    """Numbers of runs, those that follow each other as a range."""
    ranges: list[list[int]] = []
    for run in sorted(set(runs)):
        if ranges and run == ranges[-1][1] + 1:
            ranges[-1][1] = run
        else:
            ranges.append([run, run])
    texts = [f"{low}" if low == high else f"{low}-{high}" for low, high in ranges]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def flag_text(flags: RunFlags) -> str:
    """Table of the flagged objects as plain text, with what was found before it."""
    header, rows = alarm_table(flags.alarms)
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in ([header, *rows] if rows else [])
    ]
    return "\n".join([*flag_sentences(flags), "", *lines]).rstrip() + "\n"


def flag_markdown(flags: RunFlags) -> str:
    """Table of the flagged objects for the report."""
    lines = [*flag_sentences(flags)]
    header, rows = alarm_table(newest_of_each(flags.alarms))
    table = markdown_table(header, rows) if rows else []
    return "\n".join([*("\n".join([one, ""]) for one in lines), *table]) + "\n"


def newest_of_each(alarms: Sequence[Alarm]) -> list[Alarm]:
    """The last flag of each object that came back, the newest first.

    Objects are one where they have the method, the channel and a tower in common.
    """
    found: list[Alarm] = []
    seen: set[tuple[str, str, int, int]] = set()
    for alarm in reversed(alarms):
        keys = {(alarm.method, alarm.channel, one.eta_index, one.phi_index) for one in alarm.towers}
        if not keys & seen:
            found.append(alarm)
        seen |= keys
    return found


def states_of(runs: Sequence[RunState]) -> list[list[str]]:
    """Rows of a table of runs: run, events, state, alarms, known ones, flagged towers."""
    return [
        [
            str(one.run) if one.lumi_block is None else f"{one.run}, block {one.lumi_block}",
            str(one.n_events),
            STATES_IN_WORDS[one.state],
            str(one.n_alarms),
            str(one.n_known),
            ", ".join(f"{name} {n}" for name, n in one.n_towers.items() if n),
        ]
        for one in runs
    ]
