"""Pages of the runs with alarms, and the page that links them."""

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from calovision.jobs.durable import make_folder
from calovision.monitoring.expectation import Expectation
from calovision.monitoring.flag_tables import (
    STATES_IN_WORDS,
    alarm_table,
    flag_sentences,
    newest_of_each,
    states_of,
)
from calovision.monitoring.flags import Alarm, RunFlags, RunState
from calovision.monitoring.grouping import title_of
from calovision.monitoring.histories import collect_histories, index_of
from calovision.monitoring.reference import Reference
from calovision.monitoring.run_map_file import RunMapFile
from calovision.monitoring.run_maps import WHOLE_RUN, RunMaps
from calovision.plotting.monitoring import plot_histories, plot_run_maps
from calovision.plotting.monitoring.histories import History
from calovision.plotting.style import save_png
from calovision.report.page import write_report
from calovision.report.parts import Figure, Section, Table
from calovision.stages.arguments import Count, not_counted

MOST_HISTORIES = 5
"""Objects of a page with a history, the largest scores first."""
RUNS_BEFORE = 60
"""Runs on each side of that of the page in its histories."""
OWN_NAME = re.compile(r"(?P<run>run_\d+(_\d+)?)(\.html|_(maps|histories)\.png)")
"""Files of one run."""
Key = tuple[int, int | None]
"""Run and lumi block."""


def write_run_pages(
    maps: Path,
    reference: Path,
    flags: Path,
    folder: Path,
    *,
    most: int,
    count: Count = not_counted,
) -> None:
    """Write a page for each run with alarms, the newest ``most`` of them, and ``index.html``; pages
    of other runs that were written before are removed.

    Parameters
    ----------
    maps, reference, flags
        Files of the run maps, of the reference, and of the flags.
    folder
        Folder of the pages.
    most
        Largest number of pages.
    count
        Of the events of the runs with pages.
    """
    file, good = RunMapFile(maps), Reference.load(reference)
    found = RunFlags.read(flags)
    states = [one for one in found.runs if one.state in ("alarm", "known")]
    states = states[max(len(states) - most, 0) :]
    of_run: dict[Key, list[Alarm]] = {(one.run, one.lumi_block): [] for one in states}
    for alarm in found.alarms:
        of_run.get((alarm.run, alarm.lumi_block), []).append(alarm)
    shown = {
        (key, number): alarm
        for key, alarms in of_run.items()
        for number, alarm in enumerate(newest_of_each(alarms[::-1])[:MOST_HISTORIES])
    }
    histories = _histories(file, good, found, shown)
    folder = Path(folder)
    make_folder(folder / "plots")
    pages = {}
    for state in states:
        key = state.run, state.lumi_block
        is_row = (file.run == state.run) & (file.lumi_block == _block(state.lumi_block))
        run = file[is_row]
        count(state.n_events)
        of_page = {i: one for (place, i), one in histories.items() if place == key}
        pages[_title(state)] = _write_page(folder, state, of_run[key], run, good, of_page)
    _write_index(folder, found, pages)
    _remove_others(folder, {_name(state) for state in states})


def _remove_others(folder: Path, names: set[str]) -> None:
    """Remove pages and figures of runs but those of these names; files of other names stay."""
    for path in (*folder.glob("run_*.html"), *folder.glob("plots/run_*.png")):
        found = OWN_NAME.fullmatch(path.name)
        if found and found["run"] not in names:
            path.unlink(missing_ok=True)


def _block(lumi_block: int | None) -> int:
    return WHOLE_RUN if lumi_block is None else lumi_block


def _name(state: RunState) -> str:
    block = "" if state.lumi_block is None else f"_{state.lumi_block}"
    return f"run_{state.run}{block}"


def _title(state: RunState) -> str:
    block = "" if state.lumi_block is None else f", lumi block {state.lumi_block}"
    n = state.n_alarms
    alarms = f"{n} alarm{'s' if n != 1 else ''}" if n else "known faults"
    return f"Run {state.run}{block}: {alarms}"


def _histories(
    file: RunMapFile,
    reference: Reference,
    flags: RunFlags,
    shown: Mapping[tuple[Key, int], Alarm],
) -> dict[tuple[Key, int], tuple[str, History]]:
    """Title and history of each object that is shown."""
    keys = list(shown)
    places = {n: index_of(shown[key], file.channels) for n, key in enumerate(keys)}
    run, found, expected = collect_histories(file.blocks(), reference, places)
    rows = {key: row for row, key in enumerate(_keys(file))}
    flagged = _flagged_rows(flags, rows)
    titled = {}
    for number, key in enumerate(keys):
        alarm = shown[key]
        is_flagged = np.zeros(len(run), dtype=bool)
        for tower in alarm.towers:
            where = (alarm.method, alarm.channel, tower.eta_index, tower.phi_index)
            is_flagged[flagged[where]] = True
        near = np.abs(np.arange(len(run)) - rows[key[0]]) <= RUNS_BEFORE
        values = (run, found[number], expected[number], is_flagged)
        titled[key] = _history_title(alarm), History(*(one[near] for one in values))
    return titled


def _keys(file: RunMapFile) -> list[Key]:
    """Run and lumi block of each row of a file."""
    pairs = zip(file.run.tolist(), file.lumi_block.tolist(), strict=True)
    return [(run, None if block == WHOLE_RUN else block) for run, block in pairs]


def _flagged_rows(
    flags: RunFlags, rows: Mapping[Key, int]
) -> dict[tuple[str, str, int, int], list[int]]:
    """Rows of the maps in which each tower is flagged by a method."""
    found: dict[tuple[str, str, int, int], list[int]] = {}
    for alarm in flags.alarms:
        for one in alarm.towers:
            key = alarm.method, alarm.channel, one.eta_index, one.phi_index
            found.setdefault(key, []).append(rows[alarm.run, alarm.lumi_block])
    return found


def _history_title(alarm: Alarm) -> str:
    n = len(alarm.towers)
    towers = "" if n == 1 else f", {n} towers"
    eta, phi = np.mean(alarm.eta), alarm.towers[n // 2].phi
    return (
        f"{title_of(alarm.kind)}, {alarm.channel}, eta {eta:.2f}, phi {phi:.2f}{towers}, since run "
        f"{alarm.since}"
    )


def _write_page(
    folder: Path,
    state: RunState,
    alarms: Sequence[Alarm],
    run: RunMaps,
    reference: Reference,
    histories: Mapping[int, tuple[str, History]],
) -> Path:
    name = _name(state)
    expected = Expectation.of(run, reference).hits[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(reference.rate > 0, run.occupancy[0] / expected, np.nan)
    cells = [_cells(alarms, is_known=is_known) for is_known in (False, True)]
    figure = plot_run_maps(
        run.rate[0],
        ratio,
        eta_edges=reference.grid.edges_in_eta,
        channels=reference.channels,
        flagged=cells[0],
        known=cells[1],
    )
    shown = plot_histories(_unlike(histories), shown_run=state.run)
    pictures = [
        Figure(save_png(one, folder / f"plots/{name}_{what.lower()}.png"), what, caption)
        for one, what, caption in (
            (figure, "Maps", CAPTION_OF_MAPS),
            (shown, "Histories", CAPTION_OF_HISTORIES),
        )
    ]
    header, rows = alarm_table(alarms)
    table = Table("Flagged objects", list(header), rows, CAPTION_OF_TABLE)
    path = folder / f"{name}.html"
    write_report(
        path,
        [
            Section("flags", "Flagged objects", tables=[table]),
            Section("maps", "Maps", figures=pictures[:1]),
            Section("history", "Since when", figures=pictures[1:]),
        ],
        title=_title(state),
        summary=_facts(state),
        files={},
        foot=f"calovision {version('calovision')}.",
    )
    return path


def _facts(state: RunState) -> dict[str, str]:
    towers = ", ".join(f"{name} {n}" for name, n in state.n_towers.items())
    return {
        "Events": str(state.n_events),
        "State": STATES_IN_WORDS[state.state],
        "Known objects": str(state.n_known),
        "Flagged towers": towers,
    }


def _cells(alarms: Sequence[Alarm], *, is_known: bool) -> dict[str, list[tuple[int, int]]]:
    """Eta and phi indices of flagged towers by channel."""
    found: dict[str, list[tuple[int, int]]] = {}
    for alarm in alarms:
        if alarm.is_known == is_known:
            cells = found.setdefault(alarm.channel, [])
            cells += [(one.eta_index, one.phi_index) for one in alarm.towers]
    return found


def _unlike(histories: Mapping[int, tuple[str, History]]) -> dict[str, History]:
    """Histories by titles, those of the same title with a number."""
    found: dict[str, History] = {}
    for title, one in histories.values():
        found[title if title not in found else f"{title} ({len(found) + 1})"] = one
    return found


def _write_index(folder: Path, flags: RunFlags, pages: Mapping[str, Path]) -> None:
    """The page of all runs, which links those with alarms."""
    runs = [one for one in flags.runs if one.state != "good"]
    header = ["run", "events", "state", "alarms", "known", "flagged towers"]
    objects = newest_of_each(flags.alarms)
    tables = [
        Table("Objects, the newest first", *map(list, alarm_table(objects)), CAPTION_OF_OBJECTS),
        Table("Runs that are not good", header, states_of(runs)),
    ]
    write_report(
        folder / "index.html",
        [
            Section("summary", "Summary", "\n\n".join(map(_sentence, flag_sentences(flags)))),
            Section("objects", "Flagged", tables=tables),
        ],
        title="Runs with alarms",
        summary={"Runs": str(len(flags.runs)), "Alarms": str(flags.n_alarms)},
        files=dict(reversed(pages.items())),
        foot=f"calovision {version('calovision')}.",
    )


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text[0].upper()}{text[1:]}."


CAPTION_OF_TABLE = (
    "Neighbouring towers of a channel that deviate in the same direction are one object. *since* "
    "is the first run from which on one of its towers was flagged in every run that was judged."
)
CAPTION_OF_OBJECTS = (
    "Of objects that came back the last flag. *since* is the first run from which "
    "on one of its towers was flagged in every run that was judged."
)
CAPTION_OF_MAPS = (
    "Share of the events with a hit in the cell, and hits over those of a good run with as many "
    "events. Red frames are flagged towers, gray ones known faults; cells without a hit in the "
    "good runs are white on the right."
)
CAPTION_OF_HISTORIES = (
    "Hits of all towers of the object over the expected ones in the runs around this one (dotted "
    "line), with 68 % intervals; red: runs in which one of them is flagged."
)
