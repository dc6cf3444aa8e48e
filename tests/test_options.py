"""Options of a run: their checks, and what the docstring says of them."""

from dataclasses import FrozenInstanceError, dataclass
from math import inf, nan

import pytest

from calovision.core.errors import InputError
from calovision.core.options import check_options, option, with_options_in_docstring


@with_options_in_docstring
@dataclass(frozen=True)
class Tea:
    """How tea is made."""

    kind: str = option("green", "Kind of the leaves", choices=("green", "black"))
    cups: int = option(1, "Number of cups", ge=1)
    share: float = option(1.0, "Filled part of a cup", gt=0, le=1)
    degrees: float | None = option(None, "Temperature of the water", unit="C", gt=0)
    further: dict = option(dict, "Milk, sugar ...")
    maker: str = "me"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "red"}, "tea.kind 'red' is unknown: choose from green, black"),
        ({"cups": 0}, "tea.cups is 0: give a whole number from 1 on"),
        ({"cups": 1.5}, "tea.cups is 1.5: give a whole number from 1 on"),
        ({"cups": True}, "tea.cups is True: give a whole number from 1 on"),
        ({"cups": None}, "tea.cups is None: give a whole number from 1 on"),
        ({"share": 0}, "tea.share is 0: give a part above 0, at most 1"),
        ({"share": 1.1}, "tea.share is 1.1: give a part above 0, at most 1"),
        ({"share": nan}, "tea.share is nan: give a part above 0, at most 1"),
        ({"degrees": 0}, "tea.degrees is 0: give a number above 0"),
        ({"degrees": inf}, "tea.degrees is inf: give a number above 0"),
        ({"degrees": "hot"}, "tea.degrees is hot: give a number above 0"),
    ],
)
def test_impossible_options_are_named(changes: dict, message: str) -> None:
    with pytest.raises(InputError) as caught:
        check_options(Tea(**changes), "tea")
    assert str(caught.value) == message


def test_possible_options_pass() -> None:
    for changes in ({}, {"cups": 3, "share": 1}, {"degrees": 80}, {"further": {"milk": 1}}):
        check_options(Tea(**changes), "tea")
    assert Tea().further is not Tea().further
    with pytest.raises(FrozenInstanceError):
        Tea().cups = 2


def test_docstring_lists_the_options() -> None:
    lines = Tea.__doc__.splitlines()
    assert lines[0] == "How tea is made."
    assert lines[lines.index("    cups") + 1] == "        Number of cups."
    assert "    maker" not in lines
