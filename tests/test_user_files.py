"""YAML files and paths of users: read as they are meant, or refused with file, line and key."""

import math
from pathlib import Path

import pytest
import yaml
from conftest import REPOSITORY
from hypothesis import given
from hypothesis import strategies as st

from calovision.core.errors import InputError
from calovision.core.user_files import MOST_VALUES, expand_path, parse_yaml, read_yaml

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n"
    for old, new in zip("abcdef", "bcdefg", strict=True)
)
REFUSED = {
    "number as a key": (
        "samples:\n  2016:\n    label: 1\n",
        "my.yaml, line 2: the key 2016 below 'samples' is read as a",
    ),
    "no as a key": (
        "samples:\n  no: {label: 1}\n",
        "my.yaml, line 2: the key no below 'samples' is read as true or false",
    ),
    "null as a key": (
        "~: 1\n",
        "my.yaml, line 1: the key ~ is read as nothing; write it in quotes, '~'",
    ),
    "float as a key": (
        "robustness: {variations: {1.5: {}}}\n",
        "the key 1.5 below 'robustness.variations' is read as a",
    ),
    "list as a key": (
        "a:\n  [x, y]: 1\n",
        "my.yaml, line 2: a list or a mapping below 'a' stands where a key",
    ),
    "key twice": (
        "seed: 1\nx: 2\nseed: 3\n",
        "my.yaml, line 3: the key 'seed' is given twice, first in line 1",
    ),
    "key twice below": (
        "a:\n  b: {c: 1, c: 2}\n",
        "my.yaml, line 2: the key 'a.b.c' is given twice, first in line 2",
    ),
    "key twice in JSON": ('{\n\t"a": {"b": 1, "b": 2}}', "my.yaml: the key 'b' is given twice"),
    "tab": ("a: 1\n\tb: 2\n", "my.yaml, line 2: no valid YAML.*indent with spaces, not tabs"),
    "open bracket": (
        "a: [1,\nb: 2\n",
        r"my.yaml, line \d: no valid YAML.*look at indentation, colons and brackets",
    ),
    "two documents": ("a: 1\n---\na: 2\n", "my.yaml, line 2: no valid YAML .*another document"),
    "unknown anchor": ("a: *b\n", "my.yaml, line 1: no valid YAML .*undefined alias 'b'"),
    "empty": ("# nothing\n", "my.yaml: the configuration is empty; write keys and values"),
    "list": ("- a\n", "my.yaml: the configuration holds no keys at its top"),
    "text": ("hello\n", "my.yaml: the configuration holds no keys at its top"),
    "code": (
        'a: !!python/object/apply:os.system ["true"]\n',
        r"my.yaml, line 1: a tag \(!\) has no meaning here",
    ),
    "anchors of anchors": (
        BOMB,
        f"my.yaml, line 6: with its anchors written out this holds over {MOST_VALUES} values",
    ),
    "circle": ("a: &a [*a]\n", "my.yaml, line 1: an anchor contains itself"),
    "deep": ("a: " + "[" * 20_000, "my.yaml: brackets or blocks are nested too deeply"),
    "long number": ("a: " + "9" * 5000, "my.yaml, line 1: a value cannot be read"),
    "long hexadecimal number": (
        "a: 0x" + "f" * 9000,
        "line 1: a value cannot be read .a number of 9002 char",
    ),
    "long number in JSON": ('{"a": ' + "9" * 5000 + "}", "my.yaml, line 1: a value cannot be read"),
    "tag of a date": ("a: !!timestamp x", r"my.yaml, line 1: a tag \(!\) has no meaning here"),
    "tag of a truth value": ("a: !!bool x", r"my.yaml, line 1: a tag \(!\) has no meaning here"),
    "tag of no number": ('a: !!int ""', r"my.yaml, line 1: a tag \(!\) has no meaning here"),
    "tag of a key": ("!!binary a: 1", r"my.yaml, line 1: a tag \(!\) has no meaning here"),
    "tag of a set": ("a: !!set {x}", r"my.yaml, line 1: a tag \(!\) has no meaning here"),
    "null character": ("a: \0", "my.yaml: no valid YAML"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    content, sentence = REFUSED[case]
    monkeypatch.chdir(tmp_path)
    Path("my.yaml").write_text(content)
    with pytest.raises(InputError, match=sentence) as caught:
        read_yaml(Path("my.yaml"), "configuration")
    assert "\n" not in str(caught.value)


def test_values_are_those_of_yaml_1_2() -> None:
    text = (
        "a: 1e-3\nb: 2016-01-01\nc: 010\nd: 1:30\ne: 10_000\nf: 0x10\ng: 2.\nh: .5e1\ni: "
        "no\nj: '7'\nk: -0\nl: -.inf\n"
    )
    assert parse_yaml(text, "text", "configuration") == {
        **{
            "a": 1e-3,
            "b": "2016-01-01",
            "c": "010",
            "d": "1:30",
            "e": 10_000,
            "f": 16,
            "g": 2.0,
            "h": 5.0,
        },
        **{"i": False, "j": "7", "k": 0, "l": -math.inf},
    }


def test_merge_keys_are_no_repetition() -> None:
    text = "base: &base {a: 1, b: 2}\nother: {<<: *base, b: 3}\n"
    assert parse_yaml(text, "text", "configuration")["other"] == {"a": 1, "b": 3}


def test_json_and_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{\n\t"seed": 3}')
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfseed: 3\n")
    for name in ("a.json", "a.yaml"):
        assert read_yaml(tmp_path / name, "configuration") == {"seed": 3}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"a: 1\nb: \xe9\n", "line 2: the schema file is no UTF-8 text"),
        (None, "no such schema file"),
    ],
)
def test_unreadable_file(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    if content is not None:
        (tmp_path / "a.yaml").write_bytes(content)
    with pytest.raises(InputError, match=rf"a\.yaml.*{sentence}"):
        read_yaml(tmp_path / "a.yaml", "schema")
    with pytest.raises(InputError, match="the schema file cannot be read"):
        read_yaml(tmp_path, "schema")


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "config").glob("*.yaml")), ids=lambda path: path.name
)
def test_our_own_files_are_read_as_by_pyyaml(path: Path) -> None:
    assert read_yaml(path, "configuration") == yaml.safe_load(path.read_text())


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
))  # fmt: skip
def test_what_pyyaml_writes_is_read_back(value: object) -> None:
    content = {"value": value}
    assert (
        parse_yaml(yaml.safe_dump(content, default_style=chr(34)), "text", "configuration")
        == content
    )


# -- paths --------------------------------------------------------------------------------------

EXPANDED = {
    "~/calo": "/home/me/calo",
    "~": "/home/me",
    "$SCRATCH/calo": "/scratch/me/calo",
    "${SCRATCH}/calo/": "/scratch/me/calo/",
    "/a/${SCRATCH}b": "/a//scratch/meb",
    "../a b/ü": "../a b/ü",
    "a/~/b": "a/~/b",
    "cost$/5$": "cost$/5$",
    "root://$SERVER//eos/x.root": "root://eos.cern.ch//eos/x.root",
}


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "HOME": "/home/me",
        "SCRATCH": "/scratch/me",
        "SERVER": "eos.cern.ch",
        "BRACE": "{x}",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.delenv("NOWHERE", raising=False)


@pytest.mark.usefixtures("variables")
@pytest.mark.parametrize("text", EXPANDED)
def test_expanded_path(text: str) -> None:
    assert expand_path(text, "key") == EXPANDED[text]


@pytest.mark.usefixtures("variables")
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "$NOWHERE/x",
            "key: the variable NOWHERE in '$NOWHERE/x' is not set; set it, or write the path out",
        ),
        ("${EMPTY}/x", "key: the variable EMPTY in '${EMPTY}/x' is not set"),  # else it would be /x
        ("a/{sample}", "key: the '{' in 'a/{sample}' belongs to no variable"),
        ("a}", "key: the '}' in 'a}' belongs to no variable"),
        ("${SCRATCH", "key: the '{' in '${SCRATCH' belongs to no variable"),
        (
            "${SCRATCH:-/tmp}/x",
            "key: ${SCRATCH:-/tmp} in '${SCRATCH:-/tmp}/x' is no variable; write ${NAME}",
        ),
        ("$(pwd)/x", "key: the '$(' in '$(pwd)/x' belongs to no variable"),
        ("$BRACE/x", "key: the '{' in '$BRACE/x', which is {x}/x, belongs to no variable"),
        (
            "~nobody.here/x",
            "key: '~nobody.here/x' names the home folder of the user 'nobody.here', who is not "
            "there",
        ),
    ],
)
def test_refused_path(text: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        expand_path(text, "key")
    assert str(caught.value).startswith(sentence)
