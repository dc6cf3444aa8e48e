"""Expressions of users, in one closed grammar: cuts, and the formulas of schemas.

Nothing of a text is ever run: Python's parser makes a tree of it, of which only what is listed here
is taken over, and numpy and numexpr compute what is written from that tree.

Names
    Event variables (cuts) or branches (schemas): ``mj_sum``, ``Tower.Eta``, ``FatJet.Tau[5]``. A
    name with other characters stands in quotes of its own: ``'AnalysisJetsAuxDyn:pt' / 1000`` (in
    YAML with quotes around the whole, too: ``e: "'cl-e' / 1000"``). ``x[0]`` is the first element
    of an array or vector of the event, or the component 0 of each object's array of fixed size.
Numbers
    ``3``, ``1.5e-3``, ``True``. Whole numbers stay what they are, in 64 bits: what would not fit is
    refused (of unsigned ones, bits may be taken: ``(cellID >> 19) & 511``). Floating-point numbers
    are computed in float64, as is a whole number that meets one.
Operators
    ``+ - * /``, ``**`` (by a number of at most 64, or by a quantity), ``//`` and ``%`` as in
    Python, ``<< >> & |`` of whole numbers; ``/`` is the true division.
Conditions
    ``< <= > >= == !=``, also chained in one direction (``600 < m < 800``); joined by ``and``,
    ``or``, ``not``, or by ``& | ~`` with each comparison in parentheses. A condition that is used
    as a number counts 1 or 0.
Functions
    ``sqrt exp expm1 log log10 log1p log2 sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh
    arcsinh arccosh arctanh hypot fmod copysign abs sign floor ceil round trunc isnan isfinite
    isinf``, ``where(condition, a, b)``, ``maximum`` and ``minimum`` (also ``max`` and ``min``) of
    two or more quantities, ``clip(x, low, high)``: all element by element, NaN as in numpy. There
    are no reductions (mean, max of one argument): what they would run over is what happens to be in
    memory. Formulas of schemas have one, ``sum(x)`` and ``sum(x[1:4])`` of a branch: over the inner
    list of each object, or over its elements 1, 2 and 3.

A text has at most 4000 characters and 100 operations in each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from calovision.core.errors import InputError
from calovision.core.text import shortened
from calovision.selection.expressions.kinds import ANY, KindError, Typed, typed
from calovision.selection.expressions.nodes import (
    Name,
    Node,
    depth,
    names_of,
    replaced,
    walk,
    written,
)
from calovision.selection.expressions.reading import UnreadableError, read

if TYPE_CHECKING:
    import numpy as np

MAX_LENGTH, MAX_DEPTH = 4000, 100  # characters of a text, operations in each other
COMPOSED_LENGTH, COMPOSED_DEPTH = 100_000, 150  # of a text that was put together
MAX_NODES = 2000  # after definitions were put in place of names
_SHOWN = 200  # characters of a text in a message


@dataclass(frozen=True)
class Expression:
    """An expression that was read and found to be of the grammar."""

    text: str
    tree: Node

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names, each once, in their order, without quotes."""
        return names_of(self.tree)

    @cached_property
    def _plans(self) -> dict:
        """Computations of the tree for arrays of several types, found once each."""
        return {}

    @property
    def is_name(self) -> bool:
        """A mere name."""
        return isinstance(self.tree, Name)

    def evaluate(self, values: Mapping[str, "np.ndarray"], where: str) -> "np.ndarray":
        """Evaluate for arrays.

        Parameters
        ----------
        values
            Name -> array ``(m,)``, or anything that broadcasts to it.
        where
            How the sentence of an error begins.

        Returns
        -------
        The array itself if the expression is a mere name, else a new one; ``(m,)``, or a scalar if
        no name occurs. Floating-point numbers are float64, rounded to float32 if all arrays are
        that.

        Raises
        ------
        InputError
            If an operator or function cannot take the arrays, or whole numbers leave 64 bits.
        """
        if self.is_name:
            return values[self.names[0]]
        from calovision.selection.expressions.evaluation import evaluate_tree

        try:
            return evaluate_tree(self.tree, values, self._plans)
        except KindError as error:
            raise InputError(_sentence(where, self.text, error)) from error

    def substitute(self, definitions: Mapping[str, str], where: str) -> "Expression":
        """Put definitions in place of the names that have one.

        Raises
        ------
        InputError
            If a definition is not of the grammar, or the result is too long or joins what cannot be
            joined.
        """
        used = {name: text for name, text in definitions.items() if name in self.names}
        trees = {
            name: parse(text, where, composed=True, sums=True).tree for name, text in used.items()
        }
        if not trees:
            return self
        tree = replaced(self.tree, trees)
        if sum(1 for _ in walk(tree)) > MAX_NODES or depth(tree) > MAX_DEPTH:
            long = (
                f"and what it uses have more than {MAX_NODES} parts, or {MAX_DEPTH} in each "
                "other; write it shorter"
            )
            raise InputError(_sentence(where, self.text, long))
        result = Expression(written(tree), tree)
        result.possible_kinds(where)
        return result

    def possible_kinds(self, where: str, names: frozenset[str] = ANY) -> frozenset[str]:
        """Kinds (`calovision.selection.expressions.kinds`) that the result may have if all names
        have the given ones.

        Raises
        ------
        InputError
            If there are none: an operator or function cannot take what it is given.
        """
        try:
            return _kinds(self.tree, names)
        except KindError as error:
            raise InputError(_sentence(where, self.text, error)) from error


def parse(text: object, where: str, *, composed: bool = False, sums: bool = False) -> Expression:
    """Read an expression.

    Parameters
    ----------
    text
        What the user wrote.
    where
        How the sentence of an error begins.
    composed
        The text was put together from others, and may be longer.
    sums
        There are sums of inner lists, as in schemas.

    Raises
    ------
    InputError
        If it is not of the grammar.
    """
    if not isinstance(text, str):
        raise InputError(
            f"{where}: {text!r} is no text; write an expression such as (n_fat_jets >= 4) & (ht > "
            "800)"
        )
    try:
        return _parse(text, composed, sums)
    except (UnreadableError, KindError) as error:
        raise InputError(_sentence(where, text, error)) from error


@lru_cache(maxsize=1024)
def _parse(text: str, composed: bool, sums: bool) -> Expression:
    limits = (COMPOSED_LENGTH, COMPOSED_DEPTH) if composed else (MAX_LENGTH, MAX_DEPTH)
    expression = Expression(text, read(text, *limits, sums=sums))
    _kinds(expression.tree, ANY)
    return expression


def _kinds(tree: Node, names: frozenset[str]) -> frozenset[str]:
    return typed(tree, {name: Typed(Name(name), names) for name in names_of(tree)}).kinds


def _sentence(where: str, text: str, reason: object) -> str:
    return f"{where}: the expression {shortened(text, _SHOWN)!r} {reason}"
