"""Configurations that nobody should write: complete, or refused by one sentence."""

import json
import re

import pytest
import yaml
from conftest import REPOSITORY
from hostile import Witness, cases, mutated, right_or_refused
from hypothesis import given
from hypothesis import strategies as st

from calovision.core.errors import InputError
from calovision.core.user_files import parse_yaml, read_yaml
from calovision.workflow import Configuration
from calovision.workflow.analysis import Analysis
from calovision.workflow.example import HEAD, commented_yaml

FILES = {
    path.stem: read_yaml(path, "configuration")
    for path in sorted((REPOSITORY / "config").glob("*.yaml"))
}
DEFAULTS = Configuration().to_dict()


@pytest.fixture(scope="module")
def witness():
    """All that a configuration asks for when it is checked is imported already."""
    for values_of in FILES.values():
        checked(values_of)
    return Witness()


def checked(layer):
    """The configuration of a file over the defaults, as the dry run checks it before it looks for
    files of the samples.
    """
    found = Configuration.of_layers([layer])
    found.check_names()
    found.gaps_in_slices()
    analysis = Analysis(found)
    for name in analysis.simulated_samples:
        analysis.simulation_edges(name)
    return found


@st.composite
def configurations(draw):
    """One of the repository's, or all defaults, with one to three values changed."""
    content = draw(st.sampled_from([*FILES.values(), DEFAULTS]))
    for _ in range(draw(st.integers(1, 3))):
        content = mutated(draw, content, DEFAULTS)
    return content


@given(configuration=configurations())
def test_changed_configurations(witness, configuration):
    if not isinstance(configuration, dict):
        return
    with witness.watching():
        found = right_or_refused(checked, configuration)
    if isinstance(found, InputError):
        return
    plain = json.loads(json.dumps(found.to_dict()))
    assert Configuration.from_mapping(plain).to_dict() == plain
    # as the report writes it into its folder
    assert parse_yaml(commented_yaml(plain, HEAD, {}), "page", "configuration") == plain


@pytest.mark.parametrize("name", FILES)
def test_written_with_comments_and_read_again(name):
    plain = Configuration.of_layers([FILES[name]]).to_dict()
    again = parse_yaml(commented_yaml(plain, HEAD, {}), "page", "configuration")
    assert Configuration.of_layers([again]).to_dict() == again == plain


FOUND = {
    "networks that fill the memory": ("train.seeds", 2**31, "greater than the maximum of 1000"),
    "a seed that torch refuses": ("seed", 2**32 - 1, "greater than the maximum of 4"),
    "a seed of many digits": ("seed", 10**400, r"is beyond 4294967295; give a smaller number"),
    "folds of nothing": ("split.folds", 2**31, "greater than the maximum of 100"),
    "towers that fill the memory": ("event_content.leading_towers", 2**31, "the maximum of 10000"),
    "jobs that fill the memory": (
        "samples.qcd.simulate.n_events",
        2**32 - 1,
        r"'simulation.events_per_job': it cuts a sample into \d+ jobs, of which there can be",
    ),
    "a network of infinite width": ("train.options.width", 10**30, "and at most 100000"),
    "a long list": ("images.grid", list(range(300)), r"\[0, 1, 2, 3, 4, 5, \.\.\.\] is too long"),
    "a long text": ("seed", "x" * 6000, r"'x+\.\.\.x+' is not of type 'integer'"),
    "a mapping for a text": ("results_dir", {"a": 1}, r"\{'a': 1\} is no text; give one"),
}


@pytest.mark.parametrize("case", FOUND)
def test_found(case):
    key, value, sentence = FOUND[case]
    layer = value
    for name in reversed(key.split(".")):
        layer = {name: layer}
    found = right_or_refused(checked, {**layer} if "samples" not in layer else _sample(value))
    assert re.search(sentence, str(found)), found
    assert len(str(found)) < 500


def _sample(n_events):
    samples = {**FILES["test"]["samples"]}
    simulate = {**samples["qcd"]["simulate"], "n_events": n_events}
    return {"samples": {**samples, "qcd": {**samples["qcd"], "simulate": simulate}}}


TOKENS = (
    *(
        "samples",
        "images",
        "seed",
        "grid",
        "label",
        "a",
        "b",
        "ht > 0",
        "n_fat_jets >= 3",
        "-",
        "?",
    ),
    *(": ", ":", "- ", ", ", "{", "}", "[", "]", "'", '"', "|\n", ">\n", ">-\n  ", "#", "%", "@"),
    *("&a ", "*a", "<<: *a", "<<", "!!", "!!int ", "!!float x", "!!binary x", "!!set ", "!!omap "),
    *(
        "!!python/object/apply:os.system [true]",
        "!!timestamp x",
        "! ",
        "!<x> ",
        "!!null ",
        "!!map ",
    ),
    *(
        "!!seq ",
        "!!str ",
        "!!bool x",
        "!!merge ",
        "---\n",
        "...\n",
        "%YAML 9.9\n---\n",
        "%TAG ! x\n",
    ),
    *(
        "null",
        "~",
        "yes",
        "no",
        "1e-3",
        "0x",
        "0xff",
        "0b1",
        "1_0",
        "1__",
        "010",
        "1:30",
        "2016-01-01",
    ),
    *(
        ".nan",
        "-.inf",
        "1e999",
        "NaN",
        "Infinity",
        "9" * 5000,
        "0x" + "f" * 9000,
        "\n",
        "\n  ",
        "\n    ",
    ),
    *(
        "\t",
        "\r",
        "\r\n",
        "\x00",
        "\x85",
        "\u2028",
        "\ufeff",
        "\ud83d",
        "\x7f",
        "\\",
        "\\u00e9",
        "ü",
    ),
    *("[" * 900, "- " * 900, "{a: " * 500, "? " * 300, "&a [*a]", "a: " * 20),
)


def edited(draw, text):
    """Text of which one part is another, gone or there twice."""
    first = draw(st.integers(0, len(text)))
    last = min(len(text), first + draw(st.sampled_from([0, 0, 1, 1, 2, 5, 30, 300])))
    middle = draw(st.sampled_from(TOKENS) | st.text(max_size=5) | st.just(2 * text[first:last]))
    return text[:first] + middle + text[last:]


SMALL = (
    *(yaml.safe_dump(FILES["test"]), json.dumps(FILES["test"]), json.dumps({"a": [1, None, "x"]})),
    *(
        "a: 1\nb: {c: [1, 2.5, x], d: 'e'}\n",
        "a: &x {b: 1}\nc: {<<: *x, b: 2}\n",
        "'a': |\n  b\n  c\n",
    ),
)


@st.composite
def texts(draw):
    """Tokens of YAML in any order, or a right file with some of them in it."""
    if draw(st.booleans()):
        return "".join(draw(st.lists(st.sampled_from(TOKENS) | st.text(max_size=3), max_size=12)))
    text = draw(st.sampled_from(SMALL))
    for _ in range(draw(st.integers(1, 4))):
        text = edited(draw, text)
    return text


@given(text=texts())
def test_texts_that_are_no_yaml(witness, text):
    """What is read is what PyYAML reads, but for the numbers and keys that it would change."""
    with witness.watching():
        found = right_or_refused(parse_yaml, text, "my.yaml", "configuration")
    if isinstance(found, InputError):
        assert str(found).startswith("my.yaml")
        return
    assert isinstance(found, dict)
    assert all(isinstance(name, str) for name in found)


@cases(50)
@given(content=st.binary(max_size=40) | texts().map(lambda text: text.encode("utf-16", "replace")))
def test_files_that_are_no_text(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "my.yaml"
    path.write_bytes(content)
    found = right_or_refused(read_yaml, path, "configuration")
    assert isinstance(found, dict) or "my.yaml" in str(found)
