"""``calovision status``: how far a run of the workflow is."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer


def status_command(
    results: Annotated[
        Path,
        typer.Argument(
            metavar="[RESULTS_DIR]", help="Folder of results, the results_dir of the configuration."
        ),
    ] = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="Print all numbers as JSON.")] = False,
) -> None:
    """Show how far a run of the workflow is, and what failed; it may be running or over."""
    from calovision.jobs.run_summary import run_status

    found = run_status(results)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    print_status(found)


def print_status(found: Mapping[str, Any]) -> None:
    """Print tables: the run, its stages, what runs, what failed."""
    from rich.text import Text

    from calovision.cli.summary import columns, pairs, show

    parts = [
        pairs(_run_rows(found)),
        columns(("stage", *_STAGE_HEADER), _stage_rows(found["stages"]), title="stages"),
    ]
    if found["running"]:
        header = ("stage", "job", "machine", "for", "epochs", "images/s")
        parts.append(
            columns(header, [_running_row(one) for one in found["running"]], title="running")
        )
    show(*parts)
    for one in found["failed"]:
        show(
            Text(
                f"\nfailed: {one['rule']} {one['name']} on {one['host']}: {one['message']}\n  log: "
                f"{one['log']}"
            )
        )


_STAGE_HEADER = ("jobs", "done", "running", "failed", "missing", "s/job", "events/s")


def _run_rows(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    from calovision.jobs.run_summary.tables import date_of, duration

    run = found["run"]
    total = {
        name: sum(stage[name] for stage in found["stages"].values())
        for name in ("done", "missing", "failed")
    }
    n_jobs = sum(total.values()) + len(found["running"])
    rows = [
        (
            "run",
            f"{_STATES[run['active']] if run['ended'] is None else _ending(run)}, on {run['host']}",
        ),
        ("started", date_of(run["started"])),
        (
            "jobs",
            f"{total['done']} of {n_jobs} done, {len(found['running'])} running, {total['failed']} "
            "failed",
        ),
    ]
    if run["remaining_s"] is not None:
        limit = "at least " if run["remaining_is_lower_limit"] else "about "
        rows.append(("time left", limit + duration(run["remaining_s"])))
    rows.append(("log", run["log"]))
    if run["copied_from"] is not None:
        rows.append(("copied", f"the run was in {run['copied_from']}"))
    if run["n_outdated"]:
        rows.append(("outdated", f"{_jobs(run['n_outdated'])} would run again, {_OUTDATED}"))
    return rows


_OUTDATED = (
    "since their inputs are newer than what was made of them: if they are the same, as after a "
    "copy, give the "
    "snakemake command once with --touch"
)
_STATES = {
    True: "running",
    False: "stopped without an end: give the same snakemake command again, if it asks for it with "
    "--unlock before",
    None: "running, or stopped without an end, on another machine",
}


def _jobs(number: int) -> str:
    return f"{number} job{'s' if number != 1 else ''}"


def _ending(run: Mapping[str, Any]) -> str:
    from calovision.jobs.run_summary.tables import date_of

    return f"{'done' if run['succeeded'] else 'failed'} {date_of(run['ended'])}"


def _stage_rows(stages: Mapping[str, Mapping[str, Any]]) -> list[list[object]]:
    names = ("done", "running", "failed", "missing")
    return [
        [
            rule,
            sum(stage[name] for name in names),
            *(stage[name] for name in names),
            *(_rounded(stage[name]) for name in ("seconds_per_job", "events_per_s")),
        ]
        for rule, stage in stages.items()
    ]


def _running_row(one: Mapping[str, Any]) -> list[object]:
    from calovision.jobs.run_summary.tables import duration

    epochs = f"{one['epoch']} of {one['epochs']}" if "epoch" in one else "-"
    speed = _rounded(one.get("images_per_s"))
    return [one["rule"], one["name"] or "-", one["host"], duration(one["seconds"]), epochs, speed]


def _rounded(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if value < 100 else f"{value:.0f}"
