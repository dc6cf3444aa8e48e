"""Stages of the monitoring: reference and held-out runs, flags, study, pages, figures."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from calovision.cli import app
from calovision.cli.monitor_check import ALARM_STATUS, NOTHING_SAID_STATUS
from calovision.core.errors import InputError
from calovision.core.text import printable
from calovision.monitoring.flag_tables import alarm_table, write_flag_csv
from calovision.monitoring.flagging import FlagRules
from calovision.monitoring.flags import RunFlags
from calovision.monitoring.injection import inject
from calovision.monitoring.judging import judge_file, load_scorers
from calovision.monitoring.reference import Reference
from calovision.monitoring.run_map_file import RunMapFile, write_run_maps
from calovision.monitoring.toys import toy_detector
from calovision.plotting.monitoring import plot_histories
from calovision.plotting.style import save_png
from calovision.report.figures import FIGURES
from calovision.stages import monitoring, monitors, run_pages, run_reference
from calovision.stages.figures import monitoring as figures

GOOD = {"ranges": [[1, 16]], "held_out": 0.25, "min_events": 100}
OPTIONS = {
    "methods": ["poisson", "ring_median"],
    "alarm": ["poisson"],
    "false_alarms": 0.001,
    "consecutive_runs": 1,
    "min_events": 100,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty runs, a dead board in the last three; reference and flags of them."""
    folder = tmp_path_factory.mktemp("monitoring")
    maps = toy_detector(8, 16).runs(20, 2000, np.random.default_rng(1))
    faulty, mask = inject(maps[17:], "dead_board", 1.0, 3)
    maps.occupancy[17:], maps.total[17:] = faulty.occupancy, faulty.total
    write_run_maps(folder / "maps.h5", maps)
    names = ("maps.h5", "reference.h5", "good.json")
    run_reference.make_reference(*(folder / name for name in names), GOOD)
    files = monitoring.MonitorFiles(*(folder / name for name in names), (), ())
    outputs = ("flags.json", "flags.csv", "flags.txt", "numbers.json", "flags.md")
    results = monitoring.MonitorResults(*(folder / name for name in outputs))
    monitoring.monitor_runs(files, results, monitoring.MonitorOptions(OPTIONS, []))
    np.save(folder / "mask.npy", mask)
    return folder


def test_every_fourth_good_run_is_held_out(folder: Path) -> None:
    good = run_reference.GoodRuns.read(folder / "good.json")
    assert good.held_out == (4, 8, 12, 16)
    assert good.reference == tuple(run for run in range(1, 17) if run % 4)
    assert Reference.load(folder / "reference.h5").run.tolist() == list(good.reference)


def test_good_runs_that_are_unknown_or_too_few() -> None:
    run, n_events = np.arange(1, 7), np.array([500, 10, 500, 500, 500, 500])
    chosen = run_reference.choose_good_runs(run, n_events, {**GOOD, "ranges": [[1, 5]]})
    assert (chosen.reference, chosen.held_out, chosen.few_events) == ((1, 3, 4), (5,), (2,))
    with pytest.raises(InputError, match=r"the files have no run 9; they have 6 runs, 1 to 6"):
        run_reference.choose_good_runs(run, n_events, {**GOOD, "ranges": [[1, 4], [9, 9]]})
    with pytest.raises(InputError, match="2 of the 3 good runs have 100 events or more"):
        run_reference.choose_good_runs(run, n_events, {**GOOD, "ranges": [[1, 3]]})


def test_dead_board_is_flagged_in_its_runs(folder: Path) -> None:
    flags, mask = RunFlags.read(folder / "flags.json"), np.load(folder / "mask.npy")
    assert flags.runs_in("alarm") == [18, 19, 20]
    for alarm, cells in zip(flags.alarms, mask, strict=True):
        found = {(one.eta_index, one.phi_index) for one in alarm.towers}
        assert found == set(zip(*map(np.ndarray.tolist, np.nonzero(cells[0])), strict=True))
        assert alarm.kind == "dead_region"
    numbers = json.loads((folder / "numbers.json").read_text())
    assert (numbers["n_runs"], numbers["n_alarms"]) == (20, 3)
    assert numbers["runs"] == {
        "good": 17, "alarm": 3, "known": 0, "few_events": 0, "no_statement": 0
    }  # fmt: skip
    assert "| 20 | Dead region | channel_0 |" in (folder / "flags.md").read_text()


def test_pages_of_runs_with_alarms(folder: Path) -> None:
    """The newest one; the index links it and has the table of all runs that are not good."""
    names = ("maps.h5", "reference.h5", "flags.json")
    run_pages.write_run_pages(*(folder / name for name in names), folder / "runs", most=1)
    pages = sorted(path.name for path in (folder / "runs").glob("*.html"))
    assert pages == ["index.html", "run_20.html"]
    index = (folder / "runs/index.html").read_text()
    assert re.findall(r'href="(run_\d+\.html)"', index) == ["run_20.html"]
    page = (folder / "runs/run_20.html").read_text()
    assert "Dead region" in page
    assert page.count("data:image/png") == 2


def test_pages_of_before_go(folder: Path, tmp_path: Path) -> None:
    """They would become more every hour, and no index leads to them."""
    names = [folder / name for name in ("maps.h5", "reference.h5", "flags.json")]
    run_pages.write_run_pages(*names, tmp_path, most=3)
    (tmp_path / "run_notes.html").write_text("mine")
    before = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")}
    run_pages.write_run_pages(*names, tmp_path, most=1)
    after = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")}
    of_run = ("run_{}.html", "plots/run_{}_maps.png", "plots/run_{}_histories.png")
    assert before - after == {name.format(run) for run in (18, 19) for name in of_run}
    assert after == {"index.html", "run_notes.html", *(name.format(20) for name in of_run)}


def test_no_page_and_histories_of_lumi_blocks(folder: Path, tmp_path: Path) -> None:
    """The blocks in which a board is dead are red, not all of their run."""
    names = ("maps.h5", "reference.h5", "flags.json")
    run_pages.write_run_pages(*(folder / name for name in names), tmp_path / "none", most=0)
    assert [path.name for path in (tmp_path / "none").glob("*.html")] == ["index.html"]
    maps = replace(RunMapFile(folder / "maps.h5")[:], run=np.full(20, 7), lumi_block=np.arange(20))
    write_run_maps(tmp_path / "blocks.h5", maps)
    file, good = RunMapFile(tmp_path / "blocks.h5"), Reference.load(folder / "reference.h5")
    rules = {"alarm": ["poisson"], "false_alarms": 0.001}
    flags = judge_file(file, good, load_scorers(["poisson"], {}), FlagRules(), **rules)
    shown = {((7, 18), 0): next(one for one in flags.alarms if one.lumi_block == 18)}
    ((_, history),) = run_pages._histories(file, good, flags, shown).values()
    cells = np.load(folder / "mask.npy")[:, 0]  # a board of its own in each of the last three
    overlap = (cells & cells[1]).any(axis=(1, 2))
    assert history.is_flagged.tolist() == [False] * 17 + overlap.tolist()
    assert overlap[1]


def test_study_and_figures(folder: Path) -> None:
    options = {"faults": ["dead_tower", "swapped_channels"], "n_events": [500], "runs": 10}
    results = monitors.StudyResults(folder / "s.json", folder / "n.json", folder / "s.md")
    files = monitors.StudyFiles(folder / "reference.h5", ())
    chosen = monitors.StudyOptions({**options, "seed": 1}, ["poisson", "ring_mean"], [])
    monitors.study_faults(files, results, chosen)
    content = json.loads((folder / "n.json").read_text())
    assert {(one["method"], one["fault"]) for one in content["figures"]} == {
        ("poisson", "dead_tower"),
        ("ring_mean", "dead_tower"),
    }  # one channel cannot be swapped
    assert "roc" not in content["figures"][0]
    plots = (folder / "reference.h5", folder / "flags.json", (folder / "s.json",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(figures.CHANNELS.own, "channel_0", figures.CHANNELS["em_et"])
        inputs = figures.MonitoringInputs.read(figures.MonitoringPlotFiles(*plots))
    assert (inputs.n_towers["poisson"] > 0).tolist() == [False] * 17 + [True] * 3
    drawn = [one.draw_from(inputs) for one in FIGURES.values() if one.rule == "plot_monitoring"]
    assert [len(figure.axes) for figure in drawn] == [1, 4, 1, 1]
    marks = drawn[2].axes[0].get_yticklabels()
    assert [one.get_text() for one in marks] == ["Dead tower"]


def test_command_tells_of_alarms_by_its_exit_status(folder: Path) -> None:
    call = ["monitor", "check", str(folder / "maps.h5"), "-r", str(folder / "reference.h5")]
    call += ["--false-alarms", "0.001"]
    first = CliRunner().invoke(app, [*call, "-o", str(folder / "check.json")])
    assert first.exit_code == ALARM_STATUS
    assert "Dead region" in first.output
    known = CliRunner().invoke(app, [*call, "--known", str(folder / "check.json")])
    assert known.exit_code == 0
    assert "3 with known faults only" in known.output
    few = CliRunner().invoke(app, [*call, "--min-events", "9999"])
    assert few.exit_code == NOTHING_SAID_STATUS
    assert "20 with too few events for a statement" in few.output
    wrong = CliRunner().invoke(app, [*call, "-o", str(folder / "check.pdf")])
    assert wrong.exit_code == 2


@pytest.mark.parametrize("channel", [r"$\frac{a}{b}$ \(x\) $$", "em\udce4", "em\x1b[31m"])
def test_name_of_a_channel_that_acts_is_shown_as_it_is(
    folder: Path, tmp_path: Path, channel: str
) -> None:
    """In tables, figures and pages: formulas that cannot be set, bytes that are no UTF-8."""
    flags = RunFlags.read(folder / "flags.json")
    alarms = [replace(one, channel=channel) for one in flags.alarms]
    write_flag_csv(tmp_path / "flags.csv", alarms)
    shown = printable(channel)
    assert f",{shown},".encode() in (tmp_path / "flags.csv").read_bytes()
    assert all(shown in row for row in alarm_table(alarms)[1])
    history = run_pages.History(*np.ones((3, 3)), np.zeros(3, dtype=bool))
    save_png(plot_histories({run_pages._history_title(alarms[0]): history}), tmp_path / "a.png")
