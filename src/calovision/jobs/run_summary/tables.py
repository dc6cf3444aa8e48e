"""The summary of a run as Markdown."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from calovision.core.markdown import markdown_table

TRAFFIC_TITLES = {
    "input_bytes": "input files",
    "bytes_read": "read",
    "disk_read": "from disk",
    "output_bytes": "output files",
    "bytes_written": "written",
    "disk_written": "to disk",
}


def summary_tables(summary: Mapping[str, Any]) -> str:
    """Tables of `summarize_run`: the run, its stages, bytes per event, the slowest jobs and the
    failures.
    """
    parts = [
        [_sentence(summary)],
        _stages(summary["stages"]),
        ["**Slowest jobs**", "", *_slowest(summary["slowest"])],
    ]
    if any(stage["events"] for stage in summary["stages"].values()):
        parts.insert(2, ["**Bytes per event**", "", *_traffic(summary["stages"])])
    if summary["failures"]:
        parts.append(["**Failed attempts**", "", *_failures(summary["failures"])])
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def duration(seconds: float | None) -> str:
    """Seconds as people say them; a dash for None."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def date_of(seconds: float) -> str:
    """Local date and time to the minute."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _sentence(summary: Mapping[str, Any]) -> str:
    run = summary["run"]
    where = f", on {_counted(len(run['hosts']), 'machine')}" if run["hosts"] else ""
    words = [
        f"{run['jobs']} jobs took {duration(run['cpu_s'])} of CPU time in "
        f"{duration(run['wall_s'])} in which at least "
        f"one ran{where}, with {_counted(run['failures'], 'failed attempt')} and "
        f"{_counted(run['retries'], 'retry', 'retries')}."
    ]
    if run["jobs_of_earlier_runs"]:
        words.append(
            f"{run['jobs_of_earlier_runs']} of them did not have to be done again and count as "
            "measured then, "
            f"the first on {date_of(run['first'])}."
        )
    if run["without_measurement"]:
        words.append(
            f"{_counted(run['without_measurement'], 'job')} left neither benchmark nor record."
        )
    return " ".join(words)


def _stages(stages: Mapping[str, Mapping[str, Any]]) -> list[str]:
    header = (
        *("stage", "jobs", "failed attempts", "retries", "wall time, all jobs", "CPU time"),
        *("largest memory [MB]", "events", "events/s of a job"),
    )
    rows = [
        [
            rule,
            *(str(stage[name]) for name in ("jobs", "failures", "retries")),
            *(duration(stage[name]) for name in ("wall_s", "cpu_s")),
            *(_number(stage[name]) for name in ("max_memory_mb", "events", "events_per_s")),
        ]
        for rule, stage in stages.items()
    ]
    return markdown_table(header, rows)


def _traffic(stages: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Stages whose jobs say how many events they went through."""
    rows = [
        [rule, *(_number(stage["bytes_per_event"][name]) for name in TRAFFIC_TITLES)]
        for rule, stage in stages.items()
        if stage["events"]
    ]
    return markdown_table(["stage", *TRAFFIC_TITLES.values()], rows)


def _slowest(jobs: Iterable[Mapping[str, Any]]) -> list[str]:
    header = ("stage", "job", "wall time", "CPU time", "memory [MB]", "machine", "ended")
    rows = [
        [
            job["rule"],
            job["name"] or "-",
            *(duration(job[name]) for name in ("wall_s", "cpu_s")),
            _number(job["max_memory_mb"]),
            job["host"] or "-",
            "-" if job["ended"] is None else date_of(job["ended"]),
        ]
        for job in jobs
    ]
    return markdown_table(header, rows)


def _failures(failures: Iterable[Mapping[str, Any]]) -> list[str]:
    rows = [
        [one["rule"], one["name"] or "-", one["host"], date_of(one["started"]), one["message"]]
        for one in failures
    ]
    return markdown_table(("stage", "job", "machine", "started", "why"), rows)


def _counted(number: int, one: str, several: str | None = None) -> str:
    return f"{number or 'no'} {one if number == 1 else several or one + 's'}"


def _number(value: float | None) -> str:
    """Three digits at least, all of those before the point."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
