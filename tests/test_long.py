"""The long runs with a few steps each, and what they would say of something that grows."""

import numpy as np
import pytest
from long.files import run_files
from long.monitoring import run_monitoring
from long.outcome import COLUMNS, LongRun
from long.readings import PROC, Readings, Trend

needs_proc = pytest.mark.skipif(not PROC.exists(), reason="no /proc on this system")


def test_growth_is_told_from_noise():
    rng = np.random.default_rng(1)
    flat = 500 + rng.normal(0, 1, 200)
    assert not Trend.of(flat, 20).grows
    found = Trend.of(flat + 0.1 * np.arange(200), 20)
    assert found.grows
    assert found.slope == pytest.approx(0.1, abs=4 * found.error)
    warming = np.concatenate([np.linspace(100, 500, 20), flat])
    assert not Trend.of(warming, 20).grows


def test_what_grows_is_a_problem():
    steps = np.arange(50.0)
    readings = Readings(list(300 + 5 * steps), [4] * 50, list(10 + steps), [0.1] * 50)
    problems = LongRun("a run", readings, 5, "", ["it is wrong"]).problems()
    assert [one.split(" grow")[0] for one in problems] == [
        "a run: memory",
        "a run: open files",
        "a run: it is wrong",
    ]


@needs_proc
def test_few_steps_of_monitoring(tmp_path):
    found = run_monitoring(tmp_path, 1, n=2, warm_up=0)
    assert not found.faults
    assert len(found.row()) == len(COLUMNS)
    assert "26 runs in the maps" in found.seen


@needs_proc
def test_few_files(tmp_path, monkeypatch):
    monkeypatch.setattr("long.files._times", lambda collection, *_: {"read": 1.0})
    found = run_files(tmp_path, 1, n=170, steps=3, warm_up=0)
    assert not found.faults
    assert found.readings.most_files > 0
