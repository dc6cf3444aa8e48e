"""Tables of ``docs/schemas.md``, written from the keys and functions that are read."""

import re
from collections.abc import Iterable, Iterator, Mapping

from calovision.core.markdown import rendered_table
from calovision.ntuples.schemas.custom.keys import COLLECTIONS, KEYS, CollectionKeys, Key
from calovision.ntuples.schemas.custom.links import LINKS

_BLOCK = re.compile(r"(<!-- table: (?P<name>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_LINK_WORDS = {
    "IndexTable": "a table with a row for each pair of a jet and an object (CMS NanoAOD)",
    "Ranges": "rows from `begin` to before `end` of each jet (podio)",
    "Counts": "numbers of rows of each jet, which follow one another (CMS TreeMaker)",
    "NestedIndices": "a list of indices of each jet (ATLAS)",
    "References": "a TRefArray of each jet (Delphes)",
}
FUNCTIONS = {
    "`sqrt`, `exp`, `expm1`, `log`, `log10`, `log1p`, `log2`": "roots, exponentials, logarithms "
    "(`log` is the natural one)",
    "`sin`, `cos`, `tan`, `arcsin`, `arccos`, `arctan`": "of angles in radians",
    "`arctan2(y, x)`, `hypot(x, y)`": "angle and length of a vector",
    "`sinh`, `cosh`, `tanh`, `arcsinh`, `arccosh`, `arctanh`": "hyperbolic: the momentum is "
    "`pt * cosh(eta)`",
    "`abs`, `sign`, `copysign(x, y)`": "size and sign",
    "`floor`, `ceil`, `round`, `trunc`, `fmod(x, y)`": "whole numbers and remainders",
    "`where(condition, a, b)`": "a where the condition holds, else b",
    "`maximum(a, b, ...)`, `minimum(a, b, ...)`, `max(a, b, ...)`, `min(a, b, ...)`": "largest and "
    "smallest of several quantities",
    "`clip(x, low, high)`": "x, at least low and at most high",
    "`isnan`, `isfinite`, `isinf`": "conditions on numbers that are none",
    "`sum(x)`": "sum of each object's inner list",
}


def with_tables(page: str) -> str:
    """The page with its tables, which stand between comments, written anew."""
    tables = dict(_tables())
    return _BLOCK.sub(lambda found: f"{found[1]}{tables[found['name']]}{found[3]}", page)


def _tables() -> Iterator[tuple[str, str]]:
    yield "keys", _of_keys(KEYS, {"tree": "without `extends`"})
    for name, one in COLLECTIONS.items():
        yield name, f"\n{one.meaning}\n\n{_of_keys(one.keys, _needed(one))}\n"
    yield "functions", rendered_table(("function", "meaning"), FUNCTIONS.items())
    rows = [
        (_named(needed), _named(further), _LINK_WORDS[kind.__name__])
        for kind, (needed, further) in LINKS.items()
    ]
    yield "links", rendered_table(("needed", "optional", "link"), rows)


def _needed(collection: CollectionKeys) -> dict[str, str]:
    """Keys that must be given, and when."""
    without = "without constituents" if collection.name == "jets" else "yes"
    return {key.name: without for key in collection.demanded}


def _of_keys(keys: Iterable[Key], needed: Mapping[str, str]) -> str:
    """A row for each key."""
    rows = [
        (
            f"`{key.name}`",
            key.meaning,
            key.unit,
            needed.get(key.name, ""),
            key.value.value,
            f"`{key.example}`",
        )
        for key in keys
    ]
    return rendered_table(("key", "meaning", "unit", "needed", "value", "example"), rows)


def _named(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
