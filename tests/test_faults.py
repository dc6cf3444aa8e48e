"""The drills of `make faults` judge as they say; a few cases of each drill run here."""

import pytest
from faults.cases import Outcome, judge_sentence
from faults.registry import DRILLS
from faults.run import run_drill
from faults.self_test import SELF_TEST
from faults.table import bad_cases, to_markdown

PARTS = {
    "root_truncated": 4,
    "root_flips_read": 6,
    "absurd_numbers": 6,
    "images_structured": 8,
    "images_flips": 8,
    "images_flips_1": 4,
    "images_truncated": 4,
    "expressions": 8,
    "models": 4,
    "checkpoints": 3,
    "hdf5_files": 12,
    "older_files": 9,
}
"""Cases of drills that run here."""


def test_each_outcome_is_told_from_the_others():
    tally = run_drill(SELF_TEST, 1, None, 2)
    found = {name: judgement.outcome.value for name, judgement in tally.judged}
    assert found == {name: name for name in found}
    assert len(found) == len(Outcome) - 1  # nothing is unavoidable by itself


def test_table():
    text = to_markdown([run_drill(SELF_TEST, 1, None, 1)], [1], "2026-11-29")
    assert "| Drills themselves | 5 | 1 | 1 |  | 1 | 1 | 1 |" in text.splitlines()


def test_sentence_must_be_one_and_name_the_file():
    assert judge_sentence("a.h5: damaged; build it again", "a.h5").outcome is Outcome.CLEAR
    for text in ("damaged", "a.h5: damaged\nagain", "a.h5: <numpy.x object at 0x7f>"):
        assert judge_sentence(text, "a.h5").outcome is Outcome.UNCLEAR


@pytest.mark.parametrize("name", PARTS)
def test_part_of_a_drill(name, delphes_dir, real_dir):
    tally = run_drill(DRILLS[name], 4, PARTS[name], 1)
    assert bad_cases([tally]) == []
    assert 0 < len(tally.judged) <= PARTS[name]
