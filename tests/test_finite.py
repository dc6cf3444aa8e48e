"""Numbers of a file or caller: which are some, also with more digits than a float has room for."""

from fractions import Fraction
from math import inf, nan

import numpy as np
import pytest
from fakes_cli import fail, write_small

from calovision.core.errors import InputError
from calovision.core.finite import is_number
from calovision.core.options import check_options
from calovision.ntuples.schemas.custom import parse_schema
from calovision.training import TrainingOptions

HUGE = 10**400
TREE = "tree: t\ntowers: {eta: a, phi: b, e: c}\ntracks: {p4: a}\njets: {p4: a}\n"


def test_what_is_a_number():
    ones = [0, -3, 2.5, 2**1023, np.float32(1), np.int64(3), Fraction(1, 3)]
    assert all(is_number(one) for one in ones)
    none = [True, np.True_, nan, inf, -inf, HUGE, -HUGE, "1", None, 1j, [1], np.float64("nan")]
    assert not any(is_number(one) for one in none)


@pytest.mark.parametrize("key", ["cross_section_pb", "fat_jet_radius", "sum_of_weights"])
def test_schemas_with_numbers_beyond_floats(key):
    with pytest.raises(InputError, match=f"line 5: {key} is 10{{15}}.*; it must be a"):
        parse_schema(f"{TREE}{key}: {HUGE}\n", "a.yaml", {})


def test_options_and_commands_with_numbers_beyond_floats(tmp_path):
    with pytest.raises(InputError, match=r"training\.learning_rate is 10+: give a number above 0"):
        check_options(TrainingOptions(learning_rate=HUGE), "training")
    path, *_ = write_small(tmp_path / "a.root", 5)
    line = ("monitor", "maps", path, "-o", tmp_path / "m.h5", "--run", "event_number")
    assert "threshold" in fail(*line, "--threshold", HUGE)
