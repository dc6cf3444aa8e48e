"""The jobs of a run: their list, their states, and what they cost."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from fakes_runs import (
    HERE,
    NOBODY,
    entry,
    set_run,
    start,
    write_attempts,
    write_benchmark,
    write_outputs,
)

from calovision.core.errors import InputError
from calovision.jobs.attempts import birth_of
from calovision.jobs.run_summary import (
    end_run,
    job_states,
    read_run,
    run_status,
    summarize_run,
    summary_tables,
)
from calovision.jobs.run_summary.measurements import read_benchmark
from calovision.jobs.run_summary.progress import remaining_time
from calovision.jobs.run_summary.summary import busy_time
from calovision.jobs.run_summary.tables import duration
from calovision.plotting import plot_run_summary

MIB = 2**20


def states(folder):
    return {state.job.name: state.state for state in job_states(read_run(folder))}


# -- the list of jobs -----------------------------------------------------------------------------


def test_list_of_jobs_survives_a_move_of_the_folder(tmp_path):
    folder, remote = tmp_path / "results", "root://host//a.root"
    one = entry(
        "build",
        "qcd/0000",
        folder=folder,
        inputs=["ntuples/a.root"],
        outputs=["images/a.h5"],
        epochs=3,
    )
    one["inputs"] += [str(tmp_path / "elsewhere.root"), remote]
    start(folder, [one])
    (job,) = read_run(folder.rename(tmp_path / "moved")).jobs
    moved = tmp_path / "moved"
    assert job.outputs == (moved / "images/a.h5",)
    assert job.inputs[:2] == (moved / "ntuples/a.root", tmp_path / "elsewhere.root")
    assert job.log == moved / "logs/build/qcd/0000.log"
    assert (job.rule, job.name, job.is_needed, job.epochs) == ("build", "qcd/0000", True, 3)


def test_relative_folder_is_that_of_the_reader(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    start(Path("results"), [entry("a", folder=Path("results"), outputs=["a.h5"])])
    assert json.loads((tmp_path / "results/run/jobs.json").read_text())["jobs"][0]["outputs"] == [
        "a.h5"
    ]
    monkeypatch.chdir("/")
    assert read_run(tmp_path / "results").jobs[0].outputs == (tmp_path / "results/a.h5",)


def test_long_list_of_inputs_is_stored_once(tmp_path):
    files = [f"images/{number:04d}.h5" for number in range(1000)]
    start(
        tmp_path,
        [entry("train", str(number), folder=tmp_path, inputs=files) for number in range(20)],
    )
    assert (tmp_path / "run/jobs.json").stat().st_size < 30_000
    run = read_run(tmp_path)
    assert {job.inputs for job in run.jobs} == {tuple(tmp_path / file for file in files)}


def test_run_of_some_targets_keeps_the_other_jobs(tmp_path):
    a, b = (
        entry("build", name, folder=tmp_path, inputs=[name], outputs=[f"{name}.h5"])
        for name in "ab"
    )
    start(tmp_path, [a, b])
    start(tmp_path, [b], is_complete=False)
    assert [(job.name, job.is_needed, job.inputs) for job in read_run(tmp_path).jobs] == [
        ("a", False, (tmp_path / "a",)),
        ("b", True, (tmp_path / "b",)),
    ]
    start(tmp_path, [a])
    assert [job.name for job in read_run(tmp_path).jobs] == ["a"]


def test_run_knows_its_process_and_its_end(tmp_path):
    start(tmp_path, [])
    run = read_run(tmp_path)
    assert (run.host, run.pid, run.born, run.is_active) == (
        HERE,
        os.getpid(),
        birth_of(os.getpid()),
        True,
    )
    set_run(tmp_path, pid=NOBODY)  # Snakemake was killed
    assert read_run(tmp_path).is_active is False
    set_run(tmp_path, host="submit-node")
    assert read_run(tmp_path).is_active is None
    end_run(tmp_path, succeeded=False)
    run = read_run(tmp_path)
    assert (run.is_active, run.succeeded) == (False, False)
    assert run.ended >= run.started


def test_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(
        InputError,
        match=rf"{tmp_path}/run/jobs.json: no such file; {tmp_path} is no folder of results",
    ):
        read_run(tmp_path)
    start(tmp_path, [entry("a", folder=tmp_path)])
    for text in ("{", '{"inputs": [], "jobs": [{}]}', "[]"):
        (tmp_path / "run/jobs.json").write_text(text)
        with pytest.raises(InputError, match=r"jobs\.json: damaged"):
            read_run(tmp_path)


# -- states ---------------------------------------------------------------------------------------

HIDDEN = {"host": "worker"}  # a machine whose processes cannot be seen
OWN = {"pid": os.getpid()}

# attempts as (started before or after the run, end, success, process), output is there, needed ->
# state
CASES = {
    "never started": ([], False, True, "missing"),
    "done before, to be done again": ([(-50, -40, True, {})], True, True, "missing"),
    "done before": ([(-50, -40, True, {})], True, False, "done"),
    "done before there were records": ([], True, False, "done"),
    "done before, removed": ([(-50, -40, True, {})], False, False, "missing"),
    "running": ([(5, None, None, OWN)], False, True, "running"),
    "still running from an earlier run": ([(-5, None, None, OWN)], False, True, "running"),
    "killed": ([(5, None, None, {})], False, True, "failed"),
    "running elsewhere": ([(5, None, None, HIDDEN)], False, True, "running"),
    "killed elsewhere before the run": ([(-5, None, None, HIDDEN)], False, True, "missing"),
    "failed": ([(5, 6, False, {})], False, True, "failed"),
    "failed, runs again": ([(5, 6, False, {}), (7, None, None, OWN)], False, True, "running"),
    "failed, then done": ([(5, 6, False, {}), (7, 8, True, {})], True, True, "done"),
    "done, output lost": ([(5, 6, True, {})], False, True, "missing"),
}


@pytest.mark.parametrize("case", CASES)
def test_state_of_a_job(tmp_path, case):
    attempts, is_there, is_needed, expected = CASES[case]
    job = entry("build", "a", folder=tmp_path, outputs=["a.h5"], is_needed=is_needed)
    start(tmp_path, [job])
    begun = read_run(tmp_path).started
    shifted = [
        (begun + one, None if end is None else begun + end, success, more)
        for one, end, success, more in attempts
    ]
    write_attempts(job, *shifted)
    if is_there:
        write_outputs(job)
    assert states(tmp_path) == {"a": expected}


def test_job_elsewhere_does_not_outlive_its_run(tmp_path):
    job = entry("build", "a", folder=tmp_path, outputs=["a.h5"])
    start(tmp_path, [job])
    write_attempts(job, (read_run(tmp_path).started + 5, None, None, HIDDEN))
    assert states(tmp_path) == {"a": "running"}
    end_run(tmp_path, succeeded=False)
    assert states(tmp_path) == {"a": "failed"}


# -- the summary ----------------------------------------------------------------------------------


def test_benchmark_file_may_lack_numbers(tmp_path):
    job = entry("a", folder=tmp_path)
    write_benchmark(job, (1.5, "NA", "-", "nan", 0.25))
    assert read_benchmark(tmp_path / "benchmarks/a.tsv") == {"s": 1.5, "cpu_time": 0.25}
    assert read_benchmark(tmp_path / "absent.tsv") == {}
    (tmp_path / "empty.tsv").write_text("")
    assert read_benchmark(tmp_path / "empty.tsv") == {}


@pytest.fixture
def folder(tmp_path):
    """Two simulations, of which the second failed twice, an older image job, and a report that is
    to come."""
    simulations = [
        entry("simulate", f"qcd/{number}", folder=tmp_path, outputs=[f"ntuples/{number}.root"])
        for number in (0, 1)
    ]
    inputs = ["ntuples/0.root", "ntuples/1.root"]
    build = entry(
        "build", "qcd", folder=tmp_path, inputs=inputs, outputs=["images/a.h5"], is_needed=False
    )
    plot = entry("plot", folder=tmp_path, inputs=["images/a.h5"], outputs=["plots"])
    report = entry("report", folder=tmp_path, outputs=["report.html"])
    start(tmp_path, [*simulations, build, plot, report])
    set_run(tmp_path, started=1000.0)
    of_first = {
        "n_events": 100,
        "cpu_s": 7.0,
        "max_memory_mb": 50.0,
        "bytes_read": 300,
        "bytes_written": 5000,
    }
    write_attempts(simulations[0], (1000.0, 1010.0, True, of_first))
    full = {"message": "disk | full", "host": "node2"}
    of_second = {
        "n_events": 50,
        "cpu_s": 4.0,
        "max_memory_mb": 60.0,
        "bytes_read": 0,
        "bytes_written": 2500,
    }
    write_attempts(
        simulations[1],
        (1000.0, 1001.0, False, full),
        (1002.0, None, None, {}),
        (1005.0, 1012.0, True, of_second | {"host": "node2"}),
    )
    write_benchmark(simulations[0], (12.0, 100.0, 0.0, 2.0, 6.5))
    write_benchmark(simulations[1], (7.5, "NA", "NA", "NA", "NA"))
    write_benchmark(build, (4.0, 200.0, 1.0, 0.5, 3.0))
    os.utime(build["benchmark"], (500.0, 500.0))
    write_attempts(plot, (1020.0, 1021.0, True, {}))
    for job, size in zip((*simulations, build), (5000, 2500, 40), strict=True):
        write_outputs(job, size)
    (tmp_path / "plots/in").mkdir(parents=True)
    (tmp_path / "plots/in/a.png").write_bytes(b"x" * 7)
    return tmp_path


def test_sums_over_the_run(folder):
    run = summarize_run(folder)["run"]
    assert (run["jobs"], run["failures"], run["retries"]) == (4, 2, 2)
    assert run["cpu_s"] == pytest.approx(7 + 4 + 3)  # the larger of benchmark and record
    # the intervals 998-1010, 1004.5-1012, 496-500 and 1020-1021
    assert run["wall_s"] == pytest.approx(14 + 4 + 1)
    assert (run["first"], run["last"], run["started"]) == (500, 1021, 1000)
    assert (run["jobs_of_earlier_runs"], run["without_measurement"]) == (1, 0)
    assert run["hosts"] == sorted({HERE, "node2"})


def test_numbers_of_a_stage(folder):
    stages = summarize_run(folder)["stages"]
    assert list(stages) == ["simulate", "build", "plot"]
    simulate = stages["simulate"]
    assert (simulate["jobs"], simulate["failures"], simulate["retries"]) == (2, 2, 2)
    assert (simulate["wall_s"], simulate["cpu_s"]) == (12 + 7.5, 11)
    assert simulate["max_memory_mb"] == pytest.approx(100 * MIB / 1e6)
    assert (simulate["events"], simulate["events_per_s"]) == (150, pytest.approx(150 / 19.5))
    traffic = simulate["bytes_per_event"]
    assert traffic["input_bytes"] is None  # it has none
    assert (traffic["output_bytes"], traffic["bytes_written"], traffic["bytes_read"]) == (50, 50, 2)
    # the second job has no such numbers: its events do not count for them
    assert (traffic["disk_read"], traffic["disk_written"]) == (0, pytest.approx(2 * MIB / 100))
    build = stages["build"]
    assert (build["events"], build["events_per_s"]) == (None, None)  # older than the records
    assert (build["wall_s"], build["cpu_s"]) == (4, 3)
    assert (stages["plot"]["wall_s"], stages["plot"]["cpu_s"], stages["plot"]["max_memory_mb"]) == (
        1,
        None,
        None,
    )


def test_slowest_jobs_failures_and_what_is_to_come(folder):
    found = summarize_run(folder)
    names = [(one["rule"], one["name"], one["wall_s"]) for one in found["slowest"]]
    assert names == [
        ("simulate", "qcd/0", 12),
        ("simulate", "qcd/1", 7.5),
        ("build", "qcd", 4),
        ("plot", "", 1),
    ]
    assert [(one["name"], one["message"]) for one in found["failures"]] == [
        ("qcd/1", "disk | full"),
        ("qcd/1", "killed: it left no end"),
    ]
    assert found["not_in_it"] == {"report": 1}
    json.dumps(found, allow_nan=False)


def test_input_that_is_gone_or_at_an_address_leaves_its_size_out(folder):
    job = entry("read", folder=folder, outputs=["read.h5"])
    job["inputs"] = ["root://host//a.root"]
    start(folder, [job])
    begun = read_run(folder).started
    write_attempts(job, (begun, begun + 2, True, {"n_events": 10}))
    write_outputs(job, 30)
    traffic = summarize_run(folder)["stages"]["read"]["bytes_per_event"]
    assert (traffic["input_bytes"], traffic["output_bytes"]) == (None, 3)


def test_sizes_of_inputs_and_of_a_folder(folder):
    text = folder / "logs/build/qcd.attempts"
    text.parent.mkdir(parents=True)
    text.write_text(
        '{"started": 496, "host": "x", "pid": 1}\n{"ended": 500, "succeeded": true, "n_events": '
        "75}\n"
    )
    (folder / "logs/plot.attempts").write_text(
        '{"started": 1020, "host": "x", "pid": 1}\n{"ended": 1021, "succeeded": true, "n_events": '
        "2}\n"
    )
    stages = summarize_run(folder)["stages"]
    assert stages["build"]["bytes_per_event"]["input_bytes"] == 7500 / 75
    assert stages["plot"]["bytes_per_event"]["input_bytes"] == 40 / 2
    assert stages["plot"]["bytes_per_event"]["output_bytes"] == 7 / 2


def test_tables_hold_the_numbers(folder):
    text = summary_tables(summarize_run(folder))
    assert "4 jobs took 14 s of CPU time in 19 s" in text
    assert "2 failed attempts and 2 retries" in text
    assert "on 2 machines" in text
    assert "1 of them did not have to be done again" in text
    assert "| simulate | 2 | 2 | 2 | 19.5 s | 11 s | 105 | 150 | 7.69 |" in text
    assert "| simulate | - | 2 | 0 | 50 | 50 | 20,972 |" in text
    assert "| build | 1 | 0 | 0 | 4 s | 3 s | 210 | - | - |" in text
    assert "disk \\| full" in text
    for table in text.split("\n\n"):
        rows = [line for line in table.splitlines() if line.startswith("|")]
        assert len({line.replace("\\|", "").count("|") for line in rows}) <= 1


def test_summary_of_a_run_without_failures_has_no_table_of_them(tmp_path):
    job = entry("a", folder=tmp_path)
    start(tmp_path, [job])
    write_attempts(job, (read_run(tmp_path).started, read_run(tmp_path).started + 1, True, {}))
    text = summary_tables(summarize_run(tmp_path))
    assert "no failed attempts and no retries" in text
    assert "Failed attempts**" not in text
    assert "Bytes per event" not in text  # its job says nothing of events


@pytest.mark.parametrize(
    ("intervals", "expected"),
    [([], 0), ([(0, 2), (1, 3), (5, 6)], 4), ([(0, 9), (1, 2), (3, 4)], 9), ([(2, 2)], 0)],
)
def test_busy_time_is_the_union(intervals, expected):
    assert busy_time(intervals) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "-"),
        (0.5, "0.5 s"),
        (59.94, "59.9 s"),
        (60, "1 min 00 s"),
        (3599.9, "1 h 00 min"),
        (7384, "2 h 03 min"),
    ],
)
def test_duration(seconds, expected):
    assert duration(seconds) == expected


def test_plot_draws_what_was_measured(folder):
    stages = summarize_run(folder)["stages"]
    times, memory = plot_run_summary(stages).axes
    widths = np.array([bar.get_width() for bar in times.patches])
    np.testing.assert_allclose(widths, [19.5, 4, 1, 11, 3, np.nan])
    np.testing.assert_allclose(
        [bar.get_width() for bar in memory.patches], [100 * MIB / 1e6, 200 * MIB / 1e6, np.nan]
    )
    assert [text.get_text() for text in times.get_yticklabels()] == [
        "simulate (2)",
        "build (1)",
        "plot (1)",
    ]
    assert times.get_ylim() == (2.5, -0.5)
    assert times.get_xlim() == (0.1, 100)
    assert memory.get_xlim() == pytest.approx((0.0, 1.05 * 200 * MIB / 1e6))
    with pytest.raises(InputError, match="no stage to draw"):
        plot_run_summary({})
    empty = {"a": {"jobs": 1, "wall_s": None, "cpu_s": None, "max_memory_mb": None}}
    assert plot_run_summary(empty).axes[0].texts[0].get_text() == "not measured"


# -- progress -------------------------------------------------------------------------------------


def stage(**values):
    return (
        dict.fromkeys(("done", "running", "failed", "missing"), 0)
        | {"seconds_per_job": None}
        | values
    )


def test_remaining_time_in_closed_form():
    stages = {"build": stage(missing=6, failed=2, seconds_per_job=10.0)}
    running = [{"rule": "build", "seconds": 4.0}, {"rule": "build", "seconds": 12.0}]
    assert remaining_time(stages, running) == ((80 + 6 + 0) / 2, True)
    # a training of which 2 of 10 epochs took 30 s is the longest
    stages["train"] = stage(running=1)
    running.append({"rule": "train", "seconds": 30.0, "epoch": 2, "epochs": 10})
    assert remaining_time(stages, running) == (120, True)
    stages["plot"] = stage(missing=1)
    assert remaining_time(stages, running) == (120, False)
    running[-1]["epoch"] = 0
    del stages["plot"]
    assert remaining_time(stages, running) == ((80 + 6) / 3, False)
    assert remaining_time(stages, []) == (None, False)


def test_status_counts_and_follows_a_training(tmp_path):
    train = entry(
        "train",
        "cnn/seed1",
        folder=tmp_path,
        outputs=["cnn/model.json", "cnn/history.csv"],
        epochs=8,
    )
    builds = [
        entry("build", str(number), folder=tmp_path, outputs=[f"{number}.h5"])
        for number in range(4)
    ]
    start(tmp_path, [*builds, train])
    begun = read_run(tmp_path).started
    write_attempts(builds[0], (begun, begun + 2, True, {"n_events": 300}))
    write_attempts(builds[1], (begun, begun + 4, True, {"n_events": 300}))
    write_attempts(builds[2], (begun, begun + 4, False, {"message": "b.root: no such file"}))
    for job in builds[:2]:
        write_outputs(job)
    write_attempts(train, (begun, None, None, OWN))
    (tmp_path / "cnn").mkdir()
    (tmp_path / "cnn/history.csv").write_text("epoch,images_per_s\n0,100\n1,120.5\n")
    found = run_status(tmp_path)
    assert found["run"]["active"] is True
    numbers = {"done": 2, "running": 0, "failed": 1, "missing": 1}
    assert found["stages"]["build"] == numbers | {"seconds_per_job": 3, "events_per_s": 100}
    (training,) = found["running"]
    assert (training["epoch"], training["epochs"], training["images_per_s"]) == (2, 8, 120.5)
    expected = 6 + training["seconds"] * 6 / 2  # two jobs of 3 s behind it
    assert found["run"]["remaining_s"] == pytest.approx(expected)
    assert found["run"]["remaining_is_lower_limit"] is False
    (failed,) = found["failed"]
    assert (failed["name"], failed["message"], failed["host"]) == (
        "2",
        "b.root: no such file",
        HERE,
    )
    assert failed["log"] == str(tmp_path / "logs/build/2.log")


def test_status_before_the_first_epoch_and_after_the_end(tmp_path):
    train = entry("train", "cnn/seed1", folder=tmp_path, outputs=["history.csv"], epochs=8)
    start(tmp_path, [train])
    write_attempts(train, (read_run(tmp_path).started, None, None, OWN))
    found = run_status(tmp_path)
    assert (found["running"][0]["epoch"], found["running"][0]["images_per_s"]) == (0, None)
    assert (found["run"]["remaining_s"], found["run"]["remaining_is_lower_limit"]) == (0, True)
    (tmp_path / "history.csv").write_text("epoch,images_per_s\n0,\n")  # nothing was measured
    assert run_status(tmp_path)["running"][0]["images_per_s"] is None
    end_run(tmp_path, succeeded=True)
    assert run_status(tmp_path)["run"]["remaining_s"] is None


def test_jobs_that_wait_take_as_long_as_the_last_time(tmp_path):
    jobs = [
        entry("build", str(number), folder=tmp_path, outputs=[f"{number}.h5"])
        for number in range(3)
    ]
    start(tmp_path, jobs)
    write_attempts(jobs[0], (read_run(tmp_path).started, None, None, OWN))
    write_benchmark(jobs[1], (20.0, 1, 0, 0, 1))
    write_benchmark(jobs[2], (30.0, 1, 0, 0, 1))
    assert run_status(tmp_path)["stages"]["build"]["seconds_per_job"] == 25


@pytest.mark.parametrize(
    ("file", "values", "sentence"),
    [
        ("run/run.json", {"started": "today"}, "run.json: damaged (started is str)"),
        ("run/run.json", {"started": 1e300}, "run.json: damaged (started is 1e+300, which nothing"),
        ("run/run.json", {"pid": True}, "run.json: damaged (pid is bool)"),
        ("run/run.json", {"hort": "x"}, "run.json: damaged (Run.__init__() got an unexpected"),
        ("run/jobs.json", {"jobs": [{"rule": []}]}, "jobs.json: damaged ('log')"),
    ],
)
def test_damaged_record_of_a_run_is_named(folder, file, values, sentence):
    path = folder / file
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
    with pytest.raises(InputError, match=re.escape(sentence)):
        run_status(folder)


@pytest.mark.parametrize("started", ["1000", None, [], 1e300, 10**400, True])
def test_damaged_record_of_an_attempt_is_passed_over(folder, started):
    """As a line that was cut off: the job was not started."""
    path = folder / "logs/simulate/qcd/0.attempts"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("\n".join(json.dumps(line | {"started": started}) for line in lines))
    assert run_status(folder)["stages"]["simulate"]["missing"] == 1
    assert summarize_run(folder)["stages"]["simulate"]["jobs"] == 1
