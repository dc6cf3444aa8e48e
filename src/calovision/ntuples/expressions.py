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

_INDEX = re.compile(r"(?P<name>.+)\[(?P<index>\d+)\]", re.DOTALL)
_SUM = re.compile(r"sum\((?P<name>.+?)(\[(?P<first>\d*):(?P<last>\d*)\])?\)", re.DOTALL)

Indices = tuple[int | slice, ...]


def names_in(expression: str) -> tuple[str, ...]:
    """Names of an expression, each once, in their order."""
    return parse(expression, "schema", composed=True, sums=True).names


def find_branch(name: str, present: Collection[str]) -> tuple[str, Indices]:
    """Split ``FatJet.Tau[5][0]`` into the branch and the indices behind it.

    The last one is a slice for the sum over it, ``sum(e_sampl[1:4])``. Where there is no such
    branch, it is the name without its last index.
    """
    if name not in present and (match := _SUM.fullmatch(name)):
        branch, indices = find_branch(match["name"], present)
        summed = slice(
            *(int(match[bound]) if match[bound] else None for bound in ("first", "last"))
        )
        return (branch, (*indices, summed)) if branch in present else (match["name"], (summed,))
    branch = name
    indices = ()
    while branch not in present and (match := _INDEX.fullmatch(branch)):
        branch, indices = match["name"], (int(match["index"]), *indices)
    if branch in present or not indices:
        return branch, indices
    return _INDEX.fullmatch(name)["name"], indices[-1:]


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
    """Paths that stand in an expression without quotes, so that they are divisions: ``a/b/b.c``."""
    tree = parse(expression, "schema", composed=True).tree
    return [path for node in walk(tree) if (path := _divided(node))]


def _divided(node: Node) -> str | None:
    """Names that are divided by each other, with slashes between them; None for anything else."""
    if not (isinstance(node, Call) and node.function == "/"):
        return None
    left, right = node.arguments
    outer = left.text if isinstance(left, Name) else _divided(left)
    return f"{outer}/{right.text}" if outer and isinstance(right, Name) else None


def evaluate(expression: str, values: Mapping[str, np.ndarray], where: str) -> np.ndarray:
    """Evaluate an expression of arrays ``(m,)``, or of what broadcasts to it
    (`Expression.evaluate`).
    """
    return parse(expression, where, composed=True, sums=True).evaluate(values, where)
