"""Branches in the expressions of schemas (`calovision.selection.expressions`).

``[i]`` behind the name of a branch takes an element or a component, and ``sum(...)`` adds up the
inner list of each object, unless the whole is the name of a branch, as ``FatJet.Tau[5]`` of
Delphes.
"""

import re
from collections.abc import Collection, Iterable, Mapping

import numpy as np

from calovision.selection.expressions import parse
from calovision.selection.expressions.nodes import Call, Name, Node, walk

_INDEX = re.compile(r"(?P<name>.+)\[(?P<index>\d+)\](?P<member>)", re.DOTALL)
_INDEX_OF_MEMBER = re.compile(r"(?P<name>.+)\[(?P<index>\d+)\](?P<member>\.\w+)", re.DOTALL)
_SUM = re.compile(r"sum\((?P<name>.+?)(\[(?P<first>\d*):(?P<last>\d*)\])?\)", re.DOTALL)

Indices = tuple[int | slice, ...]


def names_in(expression: str) -> tuple[str, ...]:
    """Names of an expression, each once, in their order."""
    return parse(expression, "schema", composed=True, sums=True).names


def find_branch(name: str, present: Collection[str]) -> tuple[str, Indices]:
    """Split ``FatJet.Tau[5][0]``, or ``FatJet.TrimmedP4[5][0].pt``, into the branch (the component
    ``FatJet.TrimmedP4[5].pt``) and the indices.

    The last one is a slice for the sum over it, ``sum(e_sampl[1:4])``. Where there is no such
    branch, it is the name without its last index.
    """
    if name not in present and (match := _SUM.fullmatch(name)):
        branch, indices = find_branch(match["name"], present)
        summed = slice(
            *(int(match[bound]) if match[bound] else None for bound in ("first", "last"))
        )
        return (branch, (*indices, summed)) if branch in present else (match["name"], (summed,))
    found = _indexed(name, present)
    if found is not None:
        return found
    match = _INDEX.fullmatch(name)
    return (match["name"], (int(match["index"]),)) if match else (name, ())


def _indexed(name: str, present: Collection[str]) -> tuple[str, Indices] | None:
    """Branch without its indices, and these; None if there is no such branch."""
    if name in present:
        return name, ()
    match = _INDEX.fullmatch(name) or _INDEX_OF_MEMBER.fullmatch(name)
    found = match and _indexed(match["name"] + match["member"], present)
    return found and (found[0], (*found[1], int(match["index"])))


def branches_in(expressions: Iterable[str], present: Collection[str]) -> list[str]:
    """Branches that expressions need, each once, in their order, whether they exist or not."""
    names = (name for expression in expressions for name in names_in(expression))
    return list(dict.fromkeys(find_branch(name, present)[0] for name in names))


def is_unquoted_branch(expression: str, present: Collection[str]) -> bool:
    """Return True for the name of a branch that is read as a formula of names that are none."""
    if expression not in present or parse(expression, "schema", composed=True, sums=True).is_name:
        return False
    return not set(branches_in([expression], present)) <= set(present)


def divided_names(expression: str) -> list[str]:
    """Names of an expression with slashes between them, which are divided by each other unless the
    whole stands in quotes: ``a/b/b.c``.
    """
    tree = parse(expression, "schema", composed=True, sums=True).tree
    return [path for node in walk(tree) if (path := _divided(node))]


def _divided(node: Node) -> str | None:
    """The names of one division, from the last factor of what is divided."""
    if not (isinstance(node, Call) and node.function == "/"):
        return None
    left, right = node.arguments
    if isinstance(left, Call) and left.function == "*":
        left = left.arguments[1]
    outer = left.text if isinstance(left, Name) else _divided(left)
    return f"{outer}/{right.text}" if outer and isinstance(right, Name) else None


def evaluate(expression: str, values: Mapping[str, np.ndarray], where: str) -> np.ndarray:
    """Evaluate an expression of arrays ``(m,)``, or of what broadcasts to it
    (`Expression.evaluate`).
    """
    return parse(expression, where, composed=True, sums=True).evaluate(values, where)
