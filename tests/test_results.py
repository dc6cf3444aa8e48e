"""Files of results: the objects of their JSON, the JSON of the objects, and their tables.

The examples were written before results were classes, with their tables.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calovision.core.errors import InputError
from calovision.core.numeric import finite_or_none, number_or_nan
from calovision.core.result import Result, from_json, read_json
from calovision.evaluation.results import (
    CutComparison,
    Diagnostics,
    ModelComparison,
    ModelNumbers,
    Reach,
    Robustness,
    SamplesSummary,
    Summary,
)

EXAMPLES = Path(__file__).parent / "data/results"
CLASSES = {
    "summary": Summary,
    "models": ModelComparison,
    "comparison": CutComparison,
    "samples": SamplesSummary,
    "reach": Reach,
    "robustness": Robustness,
    "diagnostics": Diagnostics,
}


@pytest.fixture(params=CLASSES)
def name(request):
    return request.param


def test_json_of_the_object_of_an_example_is_the_example(name):
    text = (EXAMPLES / f"{name}.json").read_text()
    found = CLASSES[name].read(EXAMPLES / f"{name}.json")
    assert json.dumps(found.to_json(), indent=2) + "\n" == text
    assert CLASSES[name].from_json(found.to_json()) == found


@pytest.mark.parametrize("name", sorted(set(CLASSES) - {"diagnostics"}), indirect=True)
def test_tables_stay(name):
    found = CLASSES[name].read(EXAMPLES / f"{name}.json")
    assert found.to_markdown() == (EXAMPLES / f"{name}.md").read_text()


def test_table_of_cut_flows_stays():
    found = SamplesSummary.read(EXAMPLES / "samples.json")
    assert found.cut_flow_to_markdown() == (EXAMPLES / "cut_flow.md").read_text()


def test_attributes_are_the_numbers_of_the_file():
    content = json.loads((EXAMPLES / "reach.json").read_text())
    reach = Reach.from_json(content)
    assert reach.cuts.limit.mu.band_low == content["cuts"]["limit"]["mu"]["band_low"]
    binned = reach.classifiers["cnn"]["binned"]
    assert list(binned.signal) == content["classifiers"]["cnn"]["binned"]["signal"]
    assert binned.gain.limit.value == binned_gain(content)["limit"]["value"]
    assert reach.cuts.gain is None
    assert reach.against_mass.masses == (1400.0, 1800.0)


def binned_gain(content):
    return content["classifiers"]["cnn"]["binned"]["gain"]


def test_numbers_that_do_not_exist_are_none_in_json_and_nan_in_numpy():
    assert [finite_or_none(value) for value in (1, np.float32(0.5), np.inf, -np.inf, np.nan)] == [
        1.0,
        0.5,
        None,
        None,
        None,
    ]
    assert number_or_nan(2.5) == 2.5
    assert np.isnan(number_or_nan(None))


@dataclass(frozen=True)
class Inner:
    value: float | None
    n: int = 3


@dataclass(frozen=True)
class Outer(Result):
    flags: tuple[bool, ...]
    inner: dict[str, Inner]
    title: str
    anything: Any
    absent: Inner | None = None


OUTER = {
    "flags": [True, False],
    "inner": {"a": {"value": None, "n": 1}, "b": {"value": 2, "n": 4}},
    "title": "x",
    "anything": [1, {"y": None}],
}


def test_none_is_null_but_left_out_where_it_is_the_default():
    found = Outer.from_json(OUTER)
    assert found == Outer(
        (True, False), {"a": Inner(None, 1), "b": Inner(2, 4)}, "x", [1, {"y": None}]
    )
    assert found.to_json() == OUTER
    full = OUTER | {"absent": {"value": 0.5, "n": 3}}
    assert Outer.from_json(full).absent == Inner(0.5)
    assert Outer.from_json(full).to_json() == full
    assert Outer.from_json(OUTER | {"more": 1}) == found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"title": 1}, "the value of 'title' is of the type int, not a text"),
        ({"flags": [True, 1]}, "the value of 'flags.1' is of the type int, not true or false"),
        ({"flags": True}, "the value of 'flags' is of the type bool, not a list"),
        ({"inner": []}, "the value of 'inner' is of the type list, not a mapping"),
        ({"inner": {"a": {"n": 1}}}, "the key 'inner.a.value' is missing"),
        ({"inner": {"a": {"value": "2", "n": 1}}}, "'inner.a.value' is of the type str, not a num"),
        ({"inner": {"a": {"value": 1, "n": True}}}, "'inner.a.n' is of the type bool, not a whole"),
        ({"inner": {"a": {"value": 1, "n": 1.0}}}, "'inner.a.n' is of the type float, not a whole"),
    ],
)
def test_wrong_content_is_named_by_its_path(change, words):
    with pytest.raises(InputError, match=words.replace(".", r"\.")):
        Outer.from_json(OUTER | change)


def test_content_that_is_no_mapping():
    with pytest.raises(InputError, match="the content is of the type list, not a mapping"):
        Outer.from_json([])
    assert from_json(tuple[float, ...], [1.0, 2]) == (1.0, 2)


def test_misspelt_name_of_an_optional_field_is_no_missing_one():
    content = {"network": "small", "n_training": 3, "parameters": 5, "multiply_adds": 7}
    assert from_json(ModelNumbers, content | {"another": 1}).n_training == 3
    del content["n_training"]
    with pytest.raises(InputError, match=r"'n_trainjng' is unknown; did you mean n_training\?"):
        from_json(ModelNumbers, content | {"n_trainjng": 3})


@pytest.mark.parametrize("text", ["", "{", "[]", '{"samples": {}}', "[" * 100_000])
def test_file_of_other_content_is_named(tmp_path, text):
    path = tmp_path / "samples.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"samples\.json: .*make (these results|it) again"):
        SamplesSummary.read(path)


def test_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(InputError, match=rf"^{tmp_path}: cannot be read \(Is a directory\)$"):
        read_json(tmp_path)
