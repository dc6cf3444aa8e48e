"""Layers of a schema's file that are told by edges, and sizes of cells by layer.

``layer_edges: {of: hypot(cell_x, cell_y), edges: [1500, 1590, 1800]}``
``eta_size: {by_layer: [0.0031, 0.025, 0.05]}``
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import isfinite

from calovision.core.errors import InputError
from calovision.ntuples.schemas.custom.formulas import Formula, read_formula
from calovision.ntuples.schemas.custom.sections import Section, shown
from calovision.selection.expressions import parse

EDGES = "layer_edges"
SIZES = ("eta_size", "phi_size")
_BY_LAYER = "by_layer"
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


def read_size(section: Section, name: str) -> str:
    """Formula of a size; of one for each layer the sum of those, as all but one are 0.

    Raises
    ------
    InputError
        If it is neither a formula nor one for each layer.
    """
    value, where = section[name], section.where(name)
    if not isinstance(value, Mapping):
        return read_formula(value, where)
    sizes = value.get(_BY_LAYER)
    if set(value) != {_BY_LAYER} or not isinstance(sizes, list) or not sizes:
        raise InputError(
            f"{where} is {shown(dict(value))}; it must be a branch, a formula or a number, or "
            f"{{{_BY_LAYER}: [...]}} with one of these for each of the layers 0, 1, 2 ..."
        )
    where = section.where(name, _BY_LAYER)
    terms = [
        f"where(layer == {layer}, {read_formula(one, where)}, 0)" for layer, one in enumerate(sizes)
    ]
    return parse(_sum(terms), where).text


def check_sizes(section: Section) -> None:
    """Raise InputError where only one of the two sizes is given."""
    given = [name for name in SIZES if name in section]
    if len(given) == 1:
        (other,) = set(SIZES) - set(given)
        raise InputError(f"{section.where()} has {given[0]} but no {other}; give both, or neither")


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
