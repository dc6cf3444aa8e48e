"""Expressions on branches that say of which class a row is: of each event, or of each fat jet."""

from collections.abc import Mapping

from calovision.ntuples.event_variables import check_branches_of
from calovision.ntuples.expressions import find_branch, names_in
from calovision.ntuples.shapes import shapes_of
from calovision.ntuples.trees.event_tree import EventTree
from calovision.selection.expressions import parse
from calovision.selection.expressions.functions import COMPARISONS, TESTS
from calovision.selection.expressions.nodes import Call, Node, Number, written

CLASS = "class "
"""Begins the names of variables that tell rows of a class, which no variable of a user has."""


def class_variable(name: str) -> str:
    """Variable, of events or of fat jets, that is 1 for the rows of a class and 0 for others."""
    return CLASS + name


def check_class_cut(name: str, text: str) -> None:
    """Raise InputError unless the expression of a class can be read."""
    parse(text, _where(name), sums=True)


def find_class_cuts(
    tree: EventTree, cuts: Mapping[str, str], path: object
) -> tuple[dict[str, str], dict[str, str]]:
    """Formulas of the `class_variable` of events, and of fat jets.

    Parameters
    ----------
    tree
        The events.
    cuts
        Classes by name -> expressions, in which numbers that are not 0 count as true.
    path
        The file, for messages.

    Returns
    -------
    Name -> formula, of events and of fat jets: of these where a branch holds a list of which the
    expression takes no element.

    Raises
    ------
    InputError
        If an expression cannot be read, or names a branch that the tree lacks (the nearest one is
        named), or records.
    """
    found: tuple[dict[str, str], dict[str, str]] = ({}, {})
    shapes = shapes_of(tree.types, is_rntuple=tree.kind == "RNTuple") if cuts else {}
    for name, text in cuts.items():
        check_class_cut(name, text)
        check_branches_of(tree, text, f"{path}: {_where(name)} ({text})")
        branches = (find_branch(one, tree.names) for one in names_in(text))
        # components of vectors, which are no branches, are lists where their vector is one
        is_list = any(
            branch not in shapes or (shapes[branch].lists > 0 and not indices)
            for branch, indices in branches
        )
        found[is_list][class_variable(name)] = class_formula(text)
    return found


def _where(name: str) -> str:
    return f"class '{name}'"


def class_formula(text: str) -> str:
    """Formula that gives 1 where the expression of a class is true, else 0."""
    tree = parse(text, "class", sums=True).tree
    return f"where({written(_condition(tree))}, 1, 0)"


def _condition(node: Node) -> Node:
    """The node as a condition: numbers are true where they are not 0, and NaN is not."""
    if isinstance(node, Call):
        has_bits = any(isinstance(one, Number) for one in node.arguments)
        if node.function in COMPARISONS or node.function in TESTS:
            return node
        if node.function in ("and", "or", "not") or (node.function in ("&", "|") and not has_bits):
            return Call(node.function, tuple(map(_condition, node.arguments)))
    zero = Number(0)
    return Call("or", (Call(">", (node, zero)), Call("<", (node, zero))))
