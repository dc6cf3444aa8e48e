"""The benchmarks run, their methods agree, and their report holds; no time is looked at."""

import itertools
import json
import time
from functools import partial

import numpy as np
import pytest
import torch
from benchmarks import __main__ as command_line
from benchmarks import (
    building,
    conversions,
    data,
    harness,
    image_files,
    jet_batch_peers,
    jet_batches,
    jet_images,
    jet_variables,
    monitoring,
    others,
    registry,
    report,
    wide_files,
)
from benchmarks.harness import (
    Benchmark,
    DisagreementError,
    Result,
    TimeRatio,
    ValueLimit,
)

SETTINGS = {"n_events": 20, "memory_events": 20, "process_events": 20}


@pytest.fixture
def settings(tmp_path):
    return harness.Settings(scratch=tmp_path, **SETTINGS)


@pytest.fixture(scope="module")
def bench_folder(tmp_path_factory):
    """Output of a run of two benchmarks of 40 events; its clock ticks when it is looked at."""
    folder = tmp_path_factory.mktemp("bench")
    only = ("--only", "build_64", "--only", "file_size", "--events", "40", "--minutes", "3")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command_line, "limit_threads", lambda: None)
        patch.setattr(time, "perf_counter", partial(next, itertools.count(0.5)))
        assert command_line.main(["--quick", *only, "--output", str(folder)]) in (0, 1)
    return folder


def test_json_has_median_and_rate_of_each_method(bench_folder):
    content = json.loads((bench_folder / "bench.json").read_text())
    assert set(content) == {"build_64", "file_size", "machine", "bars", "quick", "others"}
    assert content["quick"] is True
    methods = content["build_64"]
    assert {
        "calovision_dense",
        "calovision_sparse",
        "histogram2d",
        "bincount",
        "add_at",
        "copy_floor",
    } <= set(methods)
    for method in methods.values():
        assert method["shortest_s"] <= method["median_s"] <= method["longest_s"]
        assert method["events_per_s"] * method["median_s"] == pytest.approx(40)
    assert content["file_size"]["uncompressed"]["kb_per_event"] > 0
    assert content["machine"]["cores"] >= 1
    assert content["machine"]["versions"]["numpy"] == np.__version__
    assert [len(content["bars"][name]) for name in ("build_64", "file_size")] == [1, 2]


def test_table_has_a_line_for_each_bar(bench_folder):
    table = (bench_folder / "bench.md").read_text()
    assert table.count("| build_64 | time of ") == 1
    assert "A quick run" in table
    assert "numpy " + np.__version__ in table


def test_disagreeing_method_is_refused(settings):
    blocks = building.make_blocks(20, 8)
    fills = building.calovision_fills(blocks, 8)
    out = np.empty((20, 3, 8, 8), dtype=np.float32)
    building.check_methods(fills, blocks[0], out)

    def one_tower_lost(block, out):
        fills["calovision_dense"](block, out)
        out[3, 0].flat[out[3, 0].argmax()] = 0

    with pytest.raises(DisagreementError, match="lossy: its images differ from the reference"):
        building.check_methods({**fills, "lossy": one_tower_lost}, blocks[0], out)


def test_methods_of_peers_agree(settings):
    benchmark = building.build_64(settings)
    assert {"histogram2d", "bincount", "numba_loop"} <= set(benchmark.peers)
    benchmark.check()
    for name in benchmark.peers:
        benchmark.check_peer(name)


@pytest.mark.parametrize(
    "make",
    [
        *(image_files.write, image_files.random_read, conversions.convert),
        *(jet_images.jet_images, jet_variables.jet_variables),
    ],
)
def test_methods_of_a_benchmark_agree(make, settings):
    benchmark = make(settings)
    benchmark.check()
    for peer in benchmark.peers:
        benchmark.check_peer(peer)
    names = {name for bar in benchmark.bars for name in [bar.to] if name.startswith("calovision")}
    assert names <= set(benchmark.methods)


def test_sums_of_runs_are_those_of_numpy(settings):
    benchmark = monitoring.monitoring(settings)
    benchmark.check()
    assert {bar.to for bar in benchmark.bars[:1]} <= set(benchmark.methods)


def test_batches_of_jets_have_all_of_them(settings):
    """Those of peers, as far as they are installed, have the same energies."""
    benchmark = jet_batches.jet_batches(settings)
    benchmark.check()
    usable, notes = harness._usable_peers(benchmark)
    assert set(usable) | set(notes) == set(jet_batch_peers.PEERS)
    assert {"weaver", "energyflow_first", "hml_later"} <= set(jet_batch_peers.PEERS)
    missing = "left out: ModuleNotFoundError"
    assert all(note.startswith(missing) or name.endswith("_later") for name, note in notes.items())


def test_particles_become_images_as_by_numpy():
    """Outside the window, on its edges, and padded."""
    particles = np.random.default_rng(1).uniform(-1.0, 1.0, (3, 3, 40)).astype(np.float32)
    particles[:, 2] = np.abs(particles[:, 2])
    particles[1, :, 30:] = 0.0
    particles[0, 0, :2] = -0.8001, 0.8001
    found = jet_batch_peers.pixelated(torch.from_numpy(particles)).numpy()
    for image, (eta, phi, pt) in zip(found, particles.astype(np.float64), strict=True):
        window = ((-0.8, 0.8), (-0.8, 0.8))
        expected = np.histogram2d(eta, phi, (37, 37), window, weights=pt)[0]
        assert image[0] == pytest.approx(expected, rel=1e-5)


def test_images_of_a_wide_file(settings, real_dir, monkeypatch):
    monkeypatch.setenv("CALOVISION_REAL_DATA", str(real_dir))
    benchmark = wide_files.wide_file(settings)
    benchmark.check()
    fields = benchmark.methods["uproot_fields"]()
    assert len(fields) > 5
    assert {len(values) for values in fields} == {benchmark.n_events}
    assert {name for bar in benchmark.bars for name in vars(bar).values()} >= {"inspect", "images"}


def test_wide_file_that_is_not_there(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("CALOVISION_REAL_DATA", str(tmp_path))
    benchmark = wide_files.wide_file(settings)
    assert not benchmark.methods
    assert not benchmark.bars
    assert "is not there" in benchmark.title


def test_events_have_the_size_of_the_bars():
    towers, tracks = data.make_towers(200), data.make_tracks(200)
    assert towers.counts.mean() == pytest.approx(1200, rel=0.01)
    assert tracks.counts.mean() == pytest.approx(150, rel=0.03)
    assert np.mean(np.abs(towers.fields["eta"]) < 2.5) == pytest.approx(0.5, abs=0.01)
    assert {values.dtype for values in (*towers.fields.values(), *tracks.fields.values())} == {
        np.dtype(np.float32)
    }
    assert np.array_equal(data.make_towers(200).fields["phi"], towers.fields["phi"])
    np.testing.assert_array_equal(
        towers.fields["e_em"] + towers.fields["e_had"], towers.fields["e"]
    )


def judged(bar, **seconds):
    """A bar after rounds of these seconds."""
    times = {name: np.array(values) for name, values in seconds.items()}
    return bar.judge(Result(Benchmark("", 1), times, {}))


def test_ratio_is_that_of_rounds_and_of_the_fastest():
    # 4, 3 and 5 times in the rounds; the medians alone would give 5
    times = {"slow": [9.0, 8.0, 10.0], "fast": [4.0, 6.0, 5.0], "ours": [1.0, 2.0, 1.0]}
    outcome = judged(TimeRatio(("slow", "fast"), "ours", at_least=4), **times)
    assert (outcome.reached, outcome.verdict) == (4, "holds")
    assert (outcome.low, outcome.high) == (pytest.approx(3.32), pytest.approx(4.68))


@pytest.mark.parametrize(
    ("rounds", "verdict"),
    [
        ([1.0, 1.3, 1.5], "holds"),
        ([1.0, 1.4, 1.5], "noise"),
        ([1.35, 1.4, 1.5], "missed"),
        ([1.35, 1.4], "noise"),  # of which nobody knows the spread
        ([9.0], "noise"),
        ([1.0] * 3 + [1.4] * 17, "missed"),  # a few quick rounds confirm no bar
    ],
)
def test_miss_is_told_from_noise(rounds, verdict):
    floor = [1.0] * len(rounds)
    assert judged(TimeRatio("a", "b", at_most=1.3), a=rounds, b=floor).verdict == verdict
    inverse = judged(TimeRatio("b", "a", at_least=1 / 1.3), a=rounds, b=floor)
    assert inverse.verdict == verdict


def test_miss_on_a_machine_that_others_use_is_noise():
    seconds = {"a": np.full(5, 2.0), "b": np.ones(5)}
    bar = TimeRatio("a", "b", at_most=1.3)
    assert bar.judge(Result(Benchmark("", 1), seconds, {}, others=0.1)).verdict == "missed"
    assert bar.judge(Result(Benchmark("", 1), seconds, {}, others=0.2)).verdict == "noise"
    times = others.CpuTimes(100.0, 40.0, 10.0), others.CpuTimes(120.0, 55.0, 20.0)
    assert others.share_of_others(*times) == 0.25  # 15 of 20 s at work, 10 of them ours
    assert others.share_of_others(None, None) == 0.0


def test_bar_without_its_method_is_not_measured():
    outcome = judged(TimeRatio(("fast", "absent"), "ours", at_least=0.5), ours=[1.0], fast=[1.0])
    assert (outcome.reached, outcome.verdict) == (None, "not measured")
    empty = Result(Benchmark("", 1), {}, {})
    assert ValueLimit("a", "mb", at_most=1, unit="MB").judge(empty).verdict == "not measured"


def test_limits_of_values():
    result = Result(Benchmark("", 1), {}, {"file": {"kb": 5.0}})
    assert ValueLimit("file", "kb", at_most=5, unit="KB").judge(result).verdict == "holds"
    assert ValueLimit("file", "kb", at_most=4.9, unit="KB").judge(result).verdict == "missed"


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test advances, in place of the time."""
    now = [0.0]
    monkeypatch.setattr(harness.time, "perf_counter", lambda: now[0])

    def advance(seconds):
        now[0] += seconds

    return advance


def test_rounds_rotate_until_the_time_is_over(clock):
    order = []

    def method(name):
        order.append(name)
        clock(1.0)

    methods = {name: partial(method, name) for name in "abc"}
    result = harness.measure(Benchmark("", 1, methods), deadline=13.5)
    assert "".join(order) == "abc" + "abcbcacab"  # the first three warm up; a fourth would be late
    assert {name: seconds.tolist() for name, seconds in result.seconds.items()} == {
        name: [1.0, 1.0, 1.0] for name in "abc"
    }


@pytest.mark.parametrize(("deadline", "rounds"), [(0.0, 1), (1.6, 2), (2.2, 3), (5.5, 4)])
def test_three_rounds_may_pass_the_deadline_by_as_much_again(deadline, rounds, clock):
    result = harness.measure(Benchmark("", 1, {"a": lambda: clock(1.0)}), deadline=deadline)
    assert len(result.seconds["a"]) == rounds  # after one that warms up


def test_peers_run_twice_and_those_that_fail_are_named(clock):
    def check(name):
        if name == "broken":
            raise ImportError("no wasserstein")

    peers = {"good": lambda: clock(2.0), "broken": lambda: clock(2.0)}
    benchmark = Benchmark("", 1, {"ours": lambda: clock(1.0)}, peers=peers, check_peer=check)
    result = harness.measure(benchmark, deadline=30.5)
    assert {name: len(seconds) for name, seconds in result.seconds.items()} == {
        "ours": 25,
        "good": 2,
    }
    assert result.notes == {"broken": "left out: ImportError: no wasserstein"}
    table = report.to_markdown({"x": result}, report.describe_machine(), quick=False)
    assert "broken: left out: ImportError: no wasserstein." in table


@pytest.mark.parametrize(("at_most", "status"), [(4.0, 0), (2.0, 1)])
def test_exit_status_is_that_of_real_misses(at_most, status, tmp_path, monkeypatch, capsys):
    def broken(_):
        raise OSError("no disk")

    made = Benchmark(
        "",
        1,
        bars=(ValueLimit("file", "kb", at_most=at_most, unit="KB"),),
        measure_values=lambda: {"file": {"kb": 3.0}},
    )
    monkeypatch.setattr(command_line, "limit_threads", lambda: None)
    monkeypatch.setattr(registry, "BENCHMARKS", {"size": lambda _: made, "broken": broken})
    output = ("--output", str(tmp_path))
    assert command_line.main(["--only", "size", *output]) == status
    assert command_line.main(list(output)) == 1
    table, errors = capsys.readouterr()
    assert "broken: failed: OSError: no disk" in table
    assert ("size: file: at most 2 KB" in errors) is bool(status)


def test_self_timed_method_gives_its_own_seconds():
    result = harness.measure(
        Benchmark("", 1, {"import": lambda: 0.25}, self_timed=True), deadline=0
    )
    assert result.seconds["import"].tolist() == [0.25]


def test_bar_of_a_missed_run_is_reported_in_bold():
    bar = ValueLimit("file", "kb", at_most=0.1, unit="KB")
    result = Result(Benchmark("a title", 1, bars=(bar,)), {}, {"file": {"kb": 0.2}})
    table = report.to_markdown({"size": result}, report.describe_machine(), quick=False)
    assert "| size | file: at most 0.1 KB | 0.2 KB | **missed** |" in table
