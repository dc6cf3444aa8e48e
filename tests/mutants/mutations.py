"""Mutations of a module by cosmic-ray, those that change what the code does.

Left out: annotations, decorators (`@njit`, `@dataclass`), what `raise` says, and operators that
make the same code or nonsense: `==` to `is`, a sum to a shift, `x` to `~x`. Each comparison is
tried as its negation and with its bound moved; each arithmetic operator as its inverse.
"""

import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator

_BINARY = "Add_Sub Sub_Add Mul_Div Div_Mul FloorDiv_Mul Mod_FloorDiv Pow_Mul BitOr_BitAnd "
_BINARY += "BitAnd_BitOr BitXor_BitAnd LShift_RShift RShift_LShift"
_COMPARISONS = "Eq_NotEq NotEq_Eq Lt_LtE Lt_GtE LtE_Lt LtE_Gt Gt_GtE Gt_LtE GtE_Gt GtE_Lt Is_IsNot "
_COMPARISONS += "IsNot_Is"
OPERATORS = (
    *(f"core/ReplaceBinaryOperator_{name}" for name in _BINARY.split()),
    *(f"core/ReplaceComparisonOperator_{name}" for name in _COMPARISONS.split()),
    "core/ReplaceUnaryOperator_USub_UAdd",
    "core/ReplaceUnaryOperator_Delete_Invert",
    "core/ReplaceUnaryOperator_Delete_Not",
    "core/AddNot",
    "core/ReplaceTrueWithFalse",
    "core/ReplaceFalseWithTrue",
    "core/ReplaceAndWithOr",
    "core/ReplaceOrWithAnd",
    "core/ReplaceBreakWithContinue",
    "core/ReplaceContinueWithBreak",
    "core/NumberReplacer",
    "core/ZeroIterationForLoop",
)
_OF_SUMS = {"arith_expr", "term", "expr", "power", "shift_expr", "and_expr", "xor_expr"}
_SAYS_NOTHING = {"decorator", "tfpdef", "annassign", "raise_stmt", "fstring"}


@dataclass(frozen=True)
class Mutation:
    """One change of a module, at a line (from 1)."""

    file: Path
    operator: str
    occurrence: int
    line: int

    def source(self) -> str:
        """Text of the changed module."""
        code = self.file.read_text(encoding="utf-8")
        mutated = mutate_code(code, get_operator(self.operator)(), self.occurrence)
        if mutated is None:
            raise LookupError(f"{self.file}: no {self.operator} number {self.occurrence}")
        return mutated


def mutations_of(file: Path) -> list[Mutation]:
    """All mutations of a module."""
    nodes = list(ast_nodes(get_ast(file.read_text(encoding="utf-8"))))
    return [mutation for name in OPERATORS for mutation in _of_operator(file, nodes, name)]


def _of_operator(file: Path, nodes: list, name: str) -> Iterator[Mutation]:
    operator, occurrence = get_operator(name)(), 0
    for node in nodes:
        for start, _ in operator.mutation_positions(node):
            if _changes_something(node, name):
                yield Mutation(file, name, occurrence, start[0])
            occurrence += 1


def _changes_something(node, name: str) -> bool:
    if "BinaryOperator" in name and node.parent.type not in _OF_SUMS:
        return False  # the star and the stroke among parameters
    inner = node
    while node.parent is not None:
        inner, node = node, node.parent
        if node.type in _SAYS_NOTHING and not (node.type == "annassign" and _is_value(inner)):
            return False
        if node.type == "funcdef" and inner is node.annotation:
            return False
    return True


def _is_value(node) -> bool:
    """Whether a child of `name: annotation = value` stands behind the equals sign."""
    return node is node.parent.children[-1] and len(node.parent.children) == 4


@cache
def lines_together(file: Path) -> dict[int, range]:
    """For each line of a module all lines of its statement, or of the head of a compound one."""
    together: dict[int, range] = {}
    first = None
    for token in tokenize.generate_tokens(io.StringIO(file.read_text(encoding="utf-8")).readline):
        if token.type in (tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT):
            continue
        first = token.start[0] if first is None else first
        if token.type == tokenize.NEWLINE:
            lines = range(first, token.end[0] + 1)
            together.update(dict.fromkeys(lines, lines))
            first = None
    return together
