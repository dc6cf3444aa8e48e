"""Hostile texts in every place that takes an expression: an InputError or an array, and nothing
runs."""

import builtins
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from calovision.core.errors import InputError
from calovision.ntuples.schemas import find_schema
from calovision.selection import check_configured_cut, evaluate_cut
from calovision.selection.expressions import evaluation, parse  # noqa: F401 (loaded before the imports are watched)
from calovision.selection.expressions.nodes import written

VARIABLES = {
    "ht": np.array([100.0, 900.0, np.nan]),
    "n_fat_jets": np.array([1, 5, 2**62]),
    "passed": np.array([True, False, True]),
    "event_number": np.array([2**53 + 1, 7, 8], dtype=np.uint64),
    "jet_pt": np.ones((3, 10)),
}
RUN = "WITNESS.append(1)"
# What would run if any of it did, in all the ways that texts of Python, numexpr, numpy, uproot and
# formats offer.
PAYLOADS = (
    f"exec('{RUN}')",
    f"eval('{RUN}')",
    f"(lambda: {RUN})()",
    f"[{RUN} for x in (1,)]",
    f"*(exec('{RUN}') for x in (1,))",
    f"**{{'x': {RUN}}}",
    f"f'{{{RUN}}}'",
    f"(x := {RUN})",
    RUN,
    "__import__('os').system('touch witness')",
    "().__class__.__base__.__subclasses__()",
    "ht.__class__.__init__.__globals__['np']",
    "ht.tofile('witness')",
    "ht.dump",
    "'{0.__class__}'.format(ht)",
    "'%s' % ht",
    "np.load('witness', allow_pickle=True)",
    "getattr(ht, 'tofile')('witness')",
    "open('witness', 'w')",
    "globals()['WITNESS']",
    "vars()",
    "breakpoint()",
    "input()",
    "exit()",
    "\uff45xec('x')",  # a wide letter, which Python takes for the e of exec
    "𝐞𝐱𝐞𝐜('x')",
    "9**9**9**9",
    "2**(2**62)",
    "1 << (1 << 62)",
    "(1).__class__",
    "b'x'",
    "''.join",
    "'a' * 10**9",
    "await ht",
    "yield ht",
    "ht if exec('x') else ht",
    "print(ht)",
    "sum(ht)",
    "sum(ht[1:3])",
    "sum(ht[exec('x'):])",
    "sum((exec('x') for x in ht))",
    "where(ht > 0, exec('x'), ht)",
    "sqrt(ht, out=WITNESS)",
    "max(*WITNESS)",
    "ht[exec('x')]",
    "ht[::WITNESS]",
    "ht[...]",
    "~ht",
    "{}",
    "{ht}",
    "...",
    "None",
    "1j",
    "1e999",
    "0x" + "f" * 40,
    "import os",
    "ht; import os",
    "ht\nimport os",
    "\x00",
    "#",
    "\\",
    "\\x41",
    "\u202e",
    "\ud800",
)
FILLERS = ("ht", "n_fat_jets", "passed", "event_number", "jet_pt[0]", "3", "0.5", "'ht'", "True")
OPERATORS = (
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "**",
    "<<",
    ">>",
    "&",
    "|",
    "^",
    "@",
    "<",
    ">=",
    "==",
    "!=",
    "and",
    "or",
    ",",
)
OPERATORS += ("is", "in", "not in", "if", "=", ":=", ".", ";", "->", "!", "")
SHAPES = (
    "({})",
    "-{}",
    "~{}",
    "not {}",
    "sqrt({})",
    "abs({})",
    "max({}, 1)",
    "where({}, 1, 0)",
    "{}[0]",
    "{}.real",
    "sum({})",
    "sum({}[1:])",
    "{}[0:2]",
    "{}()",
)
SHAPES += (
    "lambda: {}",
    "[{}]",
    "{{{}}}",
    "f'{{{}}}'",
    "'{}'",
    '"{}"',
    "({}",
    "{})",
    "{}(*ht)",
    "{}(x=1)",
    "(x := {})",
    "{} > 0",
)
NESTED = (
    "({})",
    "-{}",
    "sqrt({})",
    "~{}",
    "not {}",
    "{}[0]",
    "{}()",
    "[{}]",
    "{}+1",
    "{}**2",
    "max({}, 1)",
    "lambda:{}",
)


def nested(parts):
    """One, two or many of the parts, put together."""
    shaped = st.builds(lambda shape, part: shape.format(part), st.sampled_from(SHAPES), parts)
    joined = st.builds(
        lambda a, operator, b: f"{a} {operator} {b}", parts, st.sampled_from(OPERATORS), parts
    )
    deep = st.builds(
        deepened, st.sampled_from(NESTED), parts, st.sampled_from([2, 30, 90, 110, 400, 2500])
    )
    return shaped | joined | deep


def deepened(shape, part, times):
    before, _, behind = shape.partition("{}")
    return before * times + part + behind * times


TEXTS = st.recursive(
    st.sampled_from(PAYLOADS) | st.sampled_from(FILLERS) | st.text(max_size=20),
    nested,
    max_leaves=6,
) | st.text(alphabet="ht()[]{}'\"*<>=&|~!.,:;#\\ \n\t\x000123456789eE_+-/%^@$?`", max_size=60)


@pytest.fixture(scope="module")
def witness():
    """What an expression that runs would change: a name that it could reach, and events that Python
    reports."""
    seen = []
    watched = {"active": False}

    def report(event, arguments):
        if watched["active"] and event.split(".")[0] in (
            "open",
            "import",
            "os",
            "subprocess",
            "socket",
            "pickle",
            "ctypes",
        ):
            seen.append((event, str(arguments)[:200]))

    sys.addaudithook(report)  # cannot be taken away again
    builtins.WITNESS = seen
    for text in (
        "where(ht > 0, sqrt(ht), 1)",
        "max(ht, 1) > 3",
        "ht > 0",
    ):  # loads what is loaded at the first use
        parse(text, "").evaluate(VARIABLES, "")
    check_configured_cut("ht", "ht > 0", with_content=True)  # looks for entry points of others
    find_schema("delphes")
    yield watched
    del builtins.WITNESS


def harmless(function, *arguments, **options):
    """Call a function that may raise an InputError of one line, and no other error."""
    try:
        return function(*arguments, **options)
    except InputError as error:
        message = str(error)
    assert len(message) < 2000
    return None


@given(text=TEXTS)
@example("sum(ht[1:3]) + sum('a b'[0][:2]) * sum(ht)")
@example("sum(sum(ht))")
def test_sums_of_schemas_are_read_again_as_they_are_written(text):
    formula = harmless(parse, text, "here", sums=True)
    if formula is not None:
        again = parse(written(formula.tree), "here", composed=True, sums=True)
        assert (again.tree, again.names) == (formula.tree, formula.names)


@given(text=TEXTS)
@example("sqrt(*(exec('WITNESS.append(1)') for x in (1,))) > 0")
@example("(ht > 3) & (sqrt(*(exec('WITNESS.append(1)') for x in (1,))) > 0)")
@example("(" * 3990 + "ht")
@example("-" * 3990 + "ht")
@example("ht" + "<ht" * 1300)
@example("max(" + "ht," * 1300 + "ht)")
@example("ht" + " and ht > 1" * 350)
@example("lambda:" * 500 + "ht")
def test_hostile_expressions_do_nothing(witness, text):
    watched, seen = witness, builtins.WITNESS
    watched["active"] = True
    try:
        expression = harmless(parse, text, "here")
        if expression is not None and set(expression.names) <= {
            "ht",
            "n_fat_jets",
            "passed",
            "event_number",
        }:
            result = harmless(expression.evaluate, VARIABLES, "here")
            assert result is None or (result.dtype.kind in "biuf" and result.shape in ((), (3,)))
        passed = harmless(evaluate_cut, "cut", text, VARIABLES)
        assert passed is None or (passed.dtype == bool and passed.shape == (3,))
        harmless(check_configured_cut, text, text, with_content=True)
    finally:
        watched["active"] = False
    assert seen == []


@given(texts=st.lists(TEXTS, min_size=3, max_size=3))
def test_hostile_schemas_do_nothing(witness, texts, tmp_path_factory):
    import json

    path = tmp_path_factory.getbasetemp() / "hostile.yaml"
    cut, energy, weight = (text.encode("utf-8", "replace").decode() for text in texts)
    towers = {"eta": "ht", "phi": "ht", "e": energy, "cut": cut}
    path.write_text(json.dumps({"tree": "t", "towers": towers, "weight": weight}), encoding="utf-8")
    schema = harmless(find_schema, path)
    assert builtins.WITNESS == []
    assert schema is None or schema.versions[0].towers[0].fields["e"] == energy


def test_code_in_a_cut_of_the_command_line_does_not_run(tmp_path):
    """The whole way, in a process of its own."""
    witness = tmp_path / "witness"
    cut = f"sqrt(*(exec('open({str(witness)!r}, chr(119))') for x in (1,))) > 0".replace(
        f"'{witness}'", f'"{witness}"'
    )
    program = "import sys; from calovision.selection import evaluate_cut; import numpy as np\n"
    program += "evaluate_cut('a', sys.argv[1], {'ht': np.ones(3)})"
    run = subprocess.run(
        [sys.executable, "-c", program, cut],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert "InputError: cut 'a': the expression" in run.stderr
    assert not witness.exists()
    assert list(Path(tmp_path).iterdir()) == []
