"""Layers of a schema's file that are told by edges.

``layer_edges: {of: hypot(cell_x, cell_y), edges: [1500, 1590, 1800]}``
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import isfinite

from calovision.core.errors import InputError
from calovision.ntuples.schemas.custom.formulas import Formula, read_formula
from calovision.ntuples.schemas.custom.sections import Section, shown
from calovision.selection.expressions import parse

EDGES = "layer_edges"
_KEYS = ("of", "edges")


def layer_of_edges(section: Section) -> Formula:
    """Formula of the field ``layer``: layer i is from edge i to below edge i + 1, -1 is outside.

    Raises
    ------
    InputError
        If ``layer`` is given, too, or the edges are no ascending numbers.
    """
    where = section.where(EDGES)
    if "layer" in section:
        raise InputError(f"{where} is given beside layer, which says the same; give one of the two")
    value = section[EDGES]
    if not isinstance(value, Mapping) or set(value) != set(_KEYS):
        raise InputError(
            f"{where} is {shown(value)}; it must hold the keys of, a branch or formula, and edges, "
            "a list of numbers"
        )
    edges = value["edges"]
    if not _ascend(edges):
        raise InputError(
            f"{section.where(EDGES, 'edges')} is {shown(edges)}; it must be a list of two or more "
            "ascending numbers"
        )
    of = read_formula(value["of"], section.where(EDGES, "of"))
    n_layers = len(edges) - 1
    n_below = _sum([f"(x >= {float(edge)!r})" for edge in edges[:-1]])
    text = f"{n_below} - 1 - {n_layers} * (x >= {float(edges[-1])!r})"
    formula = parse(text, where, composed=True).substitute({"x": of}, where)
    return Formula(formula.text, where, is_given=False)


def _ascend(edges: object) -> bool:
    """Tell whether it is a list of ascending finite numbers."""
    if not isinstance(edges, list) or len(edges) < 2:
        return False
    if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in edges):
        return False
    return all(map(isfinite, edges)) and all(low < high for low, high in pairwise(edges))


def _sum(terms: Sequence[str]) -> str:
    """Sum of terms in pairs of pairs, as the depth of a formula is bounded."""
    if len(terms) == 1:
        return terms[0]
    middle = len(terms) // 2
    return f"({_sum(terms[:middle])} + {_sum(terms[middle:])})"
