"""The drills of `make faults` judge as they say; a few cases of each drill run here, in programs of
their own, as forks of a process with threads may wait for ever.
"""

import os
import subprocess
import sys

import pytest
from faults.cases import Outcome, judge_sentence
from faults.faulty_calls import environment
from faults.registry import DRILLS
from faults.results import read, tally
from faults.self_test import SELF_TEST
from faults.table import bad_cases, to_markdown

SEED = 4
OF_CONTENT = (
    *("root_truncated", "root_flips_read", "absurd_numbers", "images_structured", "images_flips"),
    *("images_flips_1", "images_truncated", "expressions", "models", "checkpoints", "run_records"),
    *("hdf5_files", "older_files"),
)
SLOWER = (
    *("killed", "full_disk", "quota", "changing", "read_errors", "short_reads", "no_locks"),
    *("clock", "monitoring_texts"),
)
PARTS = dict.fromkeys(OF_CONTENT, 10) | dict.fromkeys(SLOWER, 1)
"""Cases of drills that run here."""


@pytest.fixture(scope="module", params=[OF_CONTENT, SLOWER], ids=["content", "slower"])
def results(request, tmp_path_factory):
    """Results of some drills."""
    folder, drills = tmp_path_factory.mktemp("faults"), request.param
    line = [sys.executable, "-m", "faults", "--here", "--seed", str(SEED), "--processes", "1"]
    line += ["--cases", str(PARTS[drills[0]]), "--results", str(folder)]
    line += [word for name in drills for word in ("--only", name)]
    more = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | environment()
    done = subprocess.run(line, env=os.environ | more, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return {name: read(folder, name, SEED) for name in drills}


def test_no_case_of_some_is_bad(results):
    for name, result in results.items():
        assert bad_cases([tally(DRILLS[name], [result])]) == []
        assert result.judged or name.startswith("root")  # of files that may be missing


def test_each_outcome_is_told_from_the_others(tmp_path):
    line = [sys.executable, "-m", "faults", "--here", "--only", "self_test", "--seed", "1"]
    more = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run([*line, "--results", str(tmp_path)], env=os.environ | more, check=True)
    result = read(tmp_path, "self_test", 1)
    found = {name: judgement.outcome.value for name, judgement in result.judged}
    assert found == {name: name for name in found}
    assert len(found) == len(Outcome) - 1  # nothing is unavoidable by itself
    text = to_markdown([tally(SELF_TEST, [result])], [1], "2026-11-29")
    assert "| Drills themselves | 5 | 1 | 1 |  | 1 | 1 | 1 |" in text.splitlines()


def test_sentence_must_be_one_and_name_the_file():
    assert judge_sentence("a.h5: damaged; build it again", "a.h5").outcome is Outcome.CLEAR
    for text in ("damaged", "a.h5: damaged\nagain", "a.h5: <numpy.x object at 0x7f>"):
        assert judge_sentence(text, "a.h5").outcome is Outcome.UNCLEAR
