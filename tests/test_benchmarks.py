"""The benchmarks run, their methods agree, and their report holds; no time is looked at."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks import (
    building,
    conversions,
    data,
    harness,
    image_files,
    jet_images,
    report,
    wide_files,
)
from benchmarks.harness import (
    Benchmark,
    DisagreementError,
    Result,
    TimeLimit,
    TimeRatio,
    ValueLimit,
)

TESTS = Path(__file__).parent
SETTINGS = {"n_events": 20, "rounds": 2, "memory_events": 20, "process_events": 20}


@pytest.fixture
def settings(tmp_path):
    return harness.Settings(scratch=tmp_path, **SETTINGS)


@pytest.fixture(scope="module")
def bench_folder(tmp_path_factory):
    """Output of a quick run of two benchmarks."""
    folder = tmp_path_factory.mktemp("bench")
    only = ("--only", "build_64", "--only", "file_size")
    command = [sys.executable, "-m", "benchmarks", "--quick", *only, "--output", str(folder)]
    subprocess.run(command, check=True, cwd=TESTS, capture_output=True)
    return folder


def test_json_has_median_and_rate_of_each_method(bench_folder):
    content = json.loads((bench_folder / "bench.json").read_text())
    assert set(content) == {"build_64", "file_size", "machine", "bars", "quick"}
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
    assert [len(content["bars"][name]) for name in ("build_64", "file_size")] == [4, 2]


def test_table_has_a_line_for_each_bar(bench_folder):
    table = (bench_folder / "bench.md").read_text()
    assert table.count("| build_64 | time of ") == 4
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
    assert len(benchmark.methods) >= 6
    benchmark.check()


@pytest.mark.parametrize(
    "make", [image_files.write, image_files.random_read, jet_images.jet_images, conversions.convert]
)
def test_methods_of_a_benchmark_agree(make, settings):
    benchmark = make(settings)
    benchmark.check()
    names = {name for bar in benchmark.bars for name in [bar.to] if name.startswith("calovision")}
    assert names <= set(benchmark.methods)


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


def test_ratio_takes_the_fastest_peer():
    result = Result(
        Benchmark("", 1),
        {
            "slow": np.array([9.0, 8.0, 10.0]),
            "fast": np.array([4.0, 6.0, 5.0]),
            "ours": np.array([1.0, 2.0, 1.0]),
        },
        {},
    )
    outcome = TimeRatio(("slow", "fast"), "ours", at_least=5).judge(result)
    assert (outcome.reached, outcome.low, outcome.high, outcome.holds) == (5, 3, 5, True)
    assert not TimeRatio("fast", "ours", at_least=5.1).judge(result).holds
    assert TimeRatio("ours", "fast", at_most=0.2).judge(result).holds
    assert not TimeRatio("ours", "fast", at_most=0.19).judge(result).holds


def test_bar_without_its_peer_does_not_hold():
    result = Result(Benchmark("", 1), {"ours": np.ones(3), "fast": np.ones(3)}, {})
    outcome = TimeRatio(("fast", "absent"), "ours", at_least=0.5).judge(result)
    assert (outcome.reached, outcome.holds) == (None, False)
    assert not TimeLimit("absent", at_most=1).judge(result).holds
    assert not ValueLimit("absent", "mb", at_most=1, unit="MB").judge(result).holds


def test_limits():
    result = Result(Benchmark("", 1), {"import": np.array([0.6, 0.4])}, {"file": {"kb": 5.0}})
    assert TimeLimit("import", at_most=0.4).judge(result).holds
    assert not TimeLimit("import", at_most=0.39).judge(result).holds
    assert ValueLimit("file", "kb", at_most=5, unit="KB").judge(result).holds
    assert not ValueLimit("file", "kb", at_most=4.9, unit="KB").judge(result).holds


def test_methods_rotate_in_each_round():
    order = []
    methods = {name: lambda name=name: order.append(name) for name in "abc"}
    result = harness.measure(Benchmark("", 1, methods), rounds=4)
    assert "".join(order) == "abc" + "abcbcacababc"  # the first three warm up
    assert {len(seconds) for seconds in result.seconds.values()} == {4}


def test_self_timed_method_gives_its_own_seconds():
    result = harness.measure(Benchmark("", 1, {"import": lambda: 0.25}, self_timed=True), rounds=2)
    assert result.seconds["import"].tolist() == [0.25, 0.25]


def test_bar_of_a_missed_run_is_reported_in_bold():
    result = Result(
        Benchmark("a title", 1, bars=(TimeLimit("import", at_most=0.1),)),
        {"import": np.array([0.2])},
        {},
    )
    table = report.to_markdown({"import_time": result}, report.describe_machine(), quick=False)
    assert "| import_time | import: at most 0.1 s | 0.2 s | **no** |" in table
