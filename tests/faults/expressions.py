"""Drill of expressions and schemas that are made to run code, or to take all memory or time."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from calovision.core.errors import InputError
from calovision.ntuples.schemas import find_schemas
from calovision.selection import evaluate_cut
from faults.cases import Case, Drill, Judgement, Outcome, judge_sentence

RAN = "code-ran"
_CODE = f"open('{RAN}', 'w')"
EXPRESSIONS = (
    f"{_CODE} > 0",
    f"__import__('os').system('touch {RAN}')",
    f'eval("{_CODE}")',
    f'exec("{_CODE}") > 0',
    "().__class__.__mro__[1].__subclasses__() > 0",
    "ht.__class__ > 0",
    "ht.tofile('code-ran') > 0",
    f"[x for x in [{_CODE}]]",
    f"(lambda: {_CODE})() > 0",
    f"f'{{{_CODE}}}' > 0",
    "ht if ht else ht",
    "(ht := 5) > 0",
    "ht > 0; import os",
    "where.__globals__['os'] > 0",
    "numpy.load('x.npy', allow_pickle=True) > 0",
    "np.fromfile('/etc/passwd') > 0",
    "2 ** 2 ** 2 ** 2 ** 2 ** 2 ** 2 > ht",
    "9 ** 999999999 > ht",
    "1" * 100_000 + " > ht",
    "(" * 5000 + "ht" + ")" * 5000 + " > 0",
    "-" * 50_000 + "ht > 0",
    " & ".join(["(ht > 0)"] * 5000),
    "ht[0:10**12] > 0",
    "ht[__import__('os')] > 0",
    "ht > 0 # \\\n__import__('os')",
    "ht\x00 > 0",
    "\u202eht > 0",
    "ℎt > 0",
    "ht > 0 if True else 1",
    "*ht > 0",
    "await ht",
    "yield ht",
    "ht @ ht > 0",
    "ht > '0'",
    "'ht' > 0",
    "True",
    "",
    " ",
    "ht >",
    "> 0",
    "ht == ht == ht",
    "print(ht) > 0",
    "breakpoint() > 0",
    "getattr(ht, 'shape') > 0",
    "sum(ht, __import__) > 0",
    "where(ht > 0, open('x'), 1) > 0",
)
SCHEMAS = (
    f"!!python/object/apply:os.system ['touch {RAN}']",
    f"tree: !!python/object/apply:os.system ['touch {RAN}']",
    f"tree: !!python/object/new:os.system ['touch {RAN}']",
    "tree: !!python/name:os.system",
    "tree: !!python/module:os",
    "!!python/object/apply:subprocess.Popen [[touch, code-ran]]",
    "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n" + "tree: [" + "*c, " * 50 + "x]",
    "&a [" * 50 + "]" * 50,
    "tree: &t {x: *t}",
    "[" * 20_000,
    "tree: events\ntowers: {eta: \"__import__('os')\", phi: p, e: e}",
    f'tree: events\ntowers: {{eta: "{_CODE}", phi: p, e: e}}',
    "tree: events\ntowers: {eta: e.__class__, phi: p, e: e}",
    "tree: events\nextends: /etc/passwd",
    "extends: ../../../../etc/passwd",
    "extends: schema.yaml",
    "tree: /etc/passwd\ntowers: {eta: a, phi: p, e: 9**9**9}",
    "tree: 5",
    "- a\n- b",
    "tree: events\ntowers: [1, 2]",
    "\x00\x01",
    'tree: "\\ud800"',
    "tree: events\ntree: other",
    "tree: 2026-11-29",
    "tree: events\ntowers: {eta: [a], phi: p, e: " + "9" * 5000 + "}",
    "? {a: b}\n: c",
    "%YAML 9.9\n---\ntree: x",
    "--- a\n--- b",
)
VARIABLES = {"ht": np.arange(5.0)}


def _judge_expression(text: str, folder: Path) -> Judgement:
    return _judge(lambda: evaluate_cut("mine", text, VARIABLES), folder, "cut")


def _judge_schema(text: str, folder: Path) -> Judgement:
    path = folder / "schema.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return _judge(lambda: find_schemas(path), folder, "schema.yaml", "passwd")


def _judge(call: object, folder: Path, *names: str) -> Judgement:
    """Judge an attack: nothing runs, and what cannot be read is a sentence."""
    try:
        found = call()
    except InputError as error:
        judgement = judge_sentence(str(error), *names)
    else:  # it is one that can be read
        judgement = Judgement(Outcome.RIGHT, repr(found)[:80])
    left = [path.name for path in folder.iterdir() if path.name != "schema.yaml"]
    return Judgement(Outcome.WRONG, f"code ran: {left}") if left else judgement


def _cases(seed: int, n_cases: int | None) -> Iterator[Case]:
    every = [*((_judge_expression, text) for text in EXPRESSIONS)]
    every += [(_judge_schema, text) for text in SCHEMAS]
    order = np.random.default_rng(seed).permutation(len(every))
    for position in order[:n_cases]:
        judge_text, text = every[position]
        yield Case(f"{judge_text.__name__[7:]} {text[:60]!a}", partial(judge_text, text))


EXPRESSIONS_AND_SCHEMAS = Drill(
    "expressions", "Expressions and schemas made to run code", _cases, seconds=20
)
