"""Text to the tree of an expression: what is not in the list of allowed nodes is refused."""

import ast
import math
import re
import unicodedata
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import get_close_matches

from calovision.core.text import shortened
from calovision.selection.expressions.functions import (
    ALIASES,
    FUNCTIONS,
    MAX_POWER,
    OTHER_NAMES,
    REDUCTIONS,
)
from calovision.selection.expressions.nodes import Call, Name, Node, Number

_REMEDY = (
    "write names, numbers, functions such as sqrt, arctan2 and where, and comparisons in "
    "parentheses joined by & and |"
)
_FORBIDDEN = re.compile(r"[^\w\s.,\[\]()+\-*/%<>=!&|~^:\"'@{}$?;`]")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_SPACE_OUTSIDE_QUOTES = re.compile(rf"({_QUOTED.pattern})|\s+")
_OPERATORS: dict[type, str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitAnd: "&",
    ast.BitOr: "|",
}
_COMPARISONS: dict[type, str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_NO_PART: dict[type, str] = {
    ast.BitXor: "has ^; write ** for a power and != for an exclusive or of conditions",
    ast.MatMult: "has @, which is no operator here; write * for a product",
    ast.IfExp: "has if and else; write where(condition, a, b)",
    ast.In: "has in; write (x == 1) | (x == 2)",
    ast.NotIn: "has not in; write (x != 1) & (x != 2)",
    ast.Is: "has is; write ==",
    ast.IsNot: "has is not; write !=",
    ast.Tuple: "has a comma outside of a function; write one quantity",
    ast.List: "has a list; write one quantity",
}


class UnreadableError(ValueError):
    """Fault of a text and what would be right; the sentence goes on behind the text."""


def read(text: str, max_length: int, max_depth: int, *, sums: bool = False) -> Node:
    """Read a text; `UnreadableError` if it is no expression, too long, or has too many operations
    in each other, or sums of inner lists where there are none.
    """
    if len(text) > max_length:
        raise UnreadableError(f"has {len(text)} characters; at most {max_length} are read")
    source = _one_line(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise UnreadableError(f"cannot be read; {_remedy_of_syntax(source)}") from error
    return _Reader(source, max_depth, sums=sums).node(tree.body, 0)


def _one_line(text: str) -> str:
    """The text without line ends, after a look at its characters."""
    bare = _QUOTED.sub("''", text)
    if forbidden := _FORBIDDEN.search(bare) or re.search(
        r"[\\\x00-\x1f\x7f]", "".join(_QUOTED.findall(text))
    ):
        raise UnreadableError(
            f"has the character {forbidden[0]!r}; names with unusual ones stand in quotes of their "
            "own ('jet#pt'), but "
            f"control characters and backslashes stand nowhere; {_REMEDY}"
        )
    return _SPACE_OUTSIDE_QUOTES.sub(lambda match: match[1] or " ", text).strip()


def _remedy_of_syntax(source: str) -> str:
    bare = _QUOTED.sub("''", source)
    if "&&" in bare or "||" in bare or re.search(r"!(?!=)", bare):
        return "write & for and, | for or, ~ for not, each comparison in parentheses"
    if re.search(r"(?<![<>=!])=(?!=)", bare):
        return "write == to compare"
    if "`" in bare or ":" in bare or re.search(r"(?<![\w.])\d+[^\W\d]", bare):
        return (
            "a name with characters other than letters, digits, _ and . stands in quotes of its "
            "own, as in "
            "'jet:pt' / 1000 (in YAML with quotes around all: \"'jet:pt' / 1000\")"
        )
    return _REMEDY


class _Reader:
    """Turns nodes of Python into ours."""

    def __init__(self, source: str, max_depth: int, *, sums: bool) -> None:
        self.max_depth = max_depth
        self.sums = sums
        self.source = source
        self.bytes = source.encode()  # Python counts columns in bytes
        self._readers: dict[type, Callable[[ast.AST, int], Node]] = {
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.Attribute: self._name,
            ast.Subscript: self._name,
            ast.UnaryOp: self._unary,
            ast.BinOp: self._binary,
            ast.BoolOp: self._joined,
            ast.Compare: self._comparison,
            ast.Call: self._call,
        }

    def node(self, node: ast.AST, depth: int) -> Node:
        """Our node for one of Python; `UnreadableError` if there is none."""
        if depth > self.max_depth:
            raise UnreadableError(
                f"has more than {self.max_depth} operations in each other; write it shorter"
            )
        reader = self._readers.get(type(node))
        if reader is None:
            other = f"has Python's {type(node).__name__}, which expressions do not have; {_REMEDY}"
            raise UnreadableError(_NO_PART.get(type(node), other))
        return reader(node, depth + 1)

    def _constant(self, node: ast.Constant, _: int) -> Node:
        if isinstance(node.value, str):
            return Name(self._quoted(node), is_quoted=True)
        return _number(node.value)

    def _quoted(self, node: ast.Constant) -> str:
        """Name in quotes, which must stand in the text as it is."""
        segment = self._segment(node)
        if segment[1:-1] != node.value or segment[0] not in "'\"":
            raise UnreadableError(f"has {shortened(segment)}; write one name in one pair of quotes")
        if not node.value.strip():
            raise UnreadableError("has an empty name; write a name between the quotes")
        return node.value

    def _name(self, node: ast.AST, _: int) -> Node:
        indices = []
        while isinstance(node, ast.Subscript):
            indices.append(self._index(node.slice))
            node = node.value
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return Name(self._quoted(node), tuple(reversed(indices)), is_quoted=True)
        whole = node
        parts = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            raise UnreadableError(
                f"has {self._shown(whole)}; dots and brackets may only follow names"
            )
        base = ".".join([node.id, *reversed(parts)])
        if not base.isascii() or not self.source.isascii():
            self._check_as_written(whole, base)
        return Name(base, tuple(reversed(indices)))

    def _check_as_written(self, node: ast.AST, base: str) -> None:
        """Python changes some letters of names, as the ligature fi; such names stand in quotes."""
        segment = "".join(self._segment(node).split())
        if segment != base or unicodedata.normalize("NFKC", segment) != segment:
            shown = shortened(segment)
            raise UnreadableError(
                f"has the name {shown}, whose letters have several forms; write it in quotes"
            )

    def _index(self, node: ast.AST) -> int:
        if isinstance(node, ast.Constant) and type(node.value) is int:
            return node.value
        ranges = ", or sum(x[0:2]) for the sum of a range" if self.sums else ""
        raise UnreadableError(
            f"has the index [{self._shown(node)}]; write a whole number that counts from 0, as in "
            f"x[0]{ranges}"
        )

    def _sum(self, node: ast.Call, depth: int) -> Name:
        """Sum over the inner list of each object, or a slice of it."""
        bounds: tuple[int | None, int | None] = (None, None)
        summed = node.args[0] if len(node.args) == 1 else node
        if isinstance(summed, ast.Subscript) and isinstance(summed.slice, ast.Slice):
            bounds = self._bounds(summed.slice)
            summed = summed.value
        is_name = isinstance(summed, ast.Constant | ast.Name | ast.Attribute | ast.Subscript)
        name = self.node(summed, depth) if is_name else None
        if not isinstance(name, Name):
            raise UnreadableError(
                f"has {self._shown(node)}; sum adds up the inner list of each object of one "
                "branch, as in sum(x) or sum(x[1:4]), and a + b adds quantities"
            )
        return replace(name, summed=bounds)

    def _bounds(self, node: ast.Slice) -> tuple[int | None, int | None]:
        """Bounds of a slice."""
        bounds = [
            part.value if isinstance(part, ast.Constant) else part
            for part in (node.lower, node.upper)
        ]
        is_plain = node.step is None and all(type(one) in (int, type(None)) for one in bounds)
        if not is_plain or (bounds[1] is not None and bounds[1] <= (bounds[0] or 0)):
            raise UnreadableError(
                f"has the range [{self._shown(node)}]; write two whole numbers that count from 0, "
                "the second one larger, as in x[1:4], or leave one out"
            )
        return bounds[0], bounds[1]

    def _unary(self, node: ast.UnaryOp, depth: int) -> Node:
        if isinstance(node.op, ast.USub):
            if isinstance(node.operand, ast.Constant) and type(node.operand.value) in (int, float):
                return _number(-node.operand.value)
            return Call("negative", (self.node(node.operand, depth),))
        operand = self.node(node.operand, depth)
        return operand if isinstance(node.op, ast.UAdd) else Call("not", (operand,))

    def _binary(self, node: ast.BinOp, depth: int) -> Node:
        if type(node.op) not in _OPERATORS:
            raise UnreadableError(_NO_PART[type(node.op)])
        operator = _OPERATORS[type(node.op)]
        left, right = self.node(node.left, depth), self.node(node.right, depth)
        if operator == "**" and isinstance(right, Number) and abs(right.value) > MAX_POWER:
            raise UnreadableError(
                f"has the power {right.value}; write one between -{MAX_POWER} and {MAX_POWER}"
            )
        if operator in ("<<", ">>") and not (
            isinstance(right, Number) and type(right.value) is int and right.value in range(64)
        ):
            raise UnreadableError(
                f"has {operator} by something else than a whole number; write one from 0 to 63"
            )
        return Call(operator, (left, right))

    def _joined(self, node: ast.BoolOp, depth: int) -> Node:
        operator = "and" if isinstance(node.op, ast.And) else "or"
        return _joined(operator, [self.node(value, depth) for value in node.values])

    def _comparison(self, node: ast.Compare, depth: int) -> Node:
        operands = [node.left, *node.comparators]
        for i, operand in enumerate(operands):
            self._check_parentheses(operand, is_left=i < len(operands) - 1)
        sides = [self.node(operand, depth) for operand in operands]
        pairs = []
        for operator, left, right in zip(node.ops, sides[:-1], sides[1:], strict=True):
            if type(operator) not in _COMPARISONS:
                raise UnreadableError(_NO_PART[type(operator)])
            pairs.append(Call(_COMPARISONS[type(operator)], (left, right)))
        ways = {pair.function.rstrip("=") for pair in pairs}
        if len(pairs) > 1 and ways not in (
            {"<"},
            {">"},
            {""},
        ):  # a > 1 == b > 1 is not (a > 1) == (b > 1)
            raise UnreadableError(
                "compares in several ways without parentheses; write each comparison in parentheses"
            )
        return _joined("and", pairs)

    def _check_parentheses(self, node: ast.AST, *, is_left: bool) -> None:
        """Refuse ``a > 3 & b > 4``, which Python takes for ``a > (3 & b) > 4``."""
        if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr)):
            return
        behind = self.bytes[node.end_col_offset :].lstrip()
        before = self.bytes[: node.col_offset].rstrip()
        if not (behind.startswith(b")") if is_left else before.endswith(b"(")):
            raise UnreadableError(
                "joins comparisons without parentheses; write (a > 3) & (b < 4), as & and | bind "
                "before > and <"
            )

    def _call(self, node: ast.Call, depth: int) -> Node:
        if not isinstance(node.func, ast.Name):
            raise UnreadableError(
                f"calls {self._shown(node.func)}; only functions can be called, as in sqrt(x)"
            )
        name = node.func.id
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise UnreadableError(
                f"calls {shortened(name)} with * or =; write the arguments one by one"
            )
        if name == "sum" and self.sums:
            return self._sum(node, depth)
        arguments = tuple(self.node(argument, depth) for argument in node.args)
        if name in ALIASES or name in ("maximum", "minimum"):
            return self._extreme(name, arguments)
        _check_function(name, len(arguments))
        return Call(name, arguments)

    def _extreme(self, name: str, arguments: tuple[Node, ...]) -> Node:
        if len(arguments) < 2:
            raise UnreadableError(
                f"has {name} of {len(arguments)} argument, which would depend on what else is in "
                "memory; write "
                f"{name}(a, b) for the {'larger' if name.startswith('max') else 'smaller'} of "
                "quantities of one "
                "event or object"
            )
        return _joined(ALIASES.get(name, name), arguments)

    def _shown(self, node: ast.AST) -> str:
        return shortened(self._segment(node))

    def _segment(self, node: ast.AST) -> str:
        return self.bytes[node.col_offset : node.end_col_offset].decode()


def _joined(function: str, nodes: Sequence[Node]) -> Node:
    """Join two or more nodes by a function of two arguments, in halves, which keeps the tree
    low.
    """
    if len(nodes) == 1:
        return nodes[0]
    half = len(nodes) // 2
    return Call(function, (_joined(function, nodes[:half]), _joined(function, nodes[half:])))


def _number(value: object) -> Number:
    if type(value) not in (bool, int, float):
        raise UnreadableError(f"has {value!r}, which is no number; {_REMEDY}")
    if type(value) is int and not -(2**63) <= value < 2**63:
        raise UnreadableError("has a whole number of more than 64 bits; write it as in 1e20")
    if not math.isfinite(value):
        raise UnreadableError("has a number beyond 1.8e308; write a finite one")
    return Number(value)


def _check_function(name: str, n_arguments: int) -> None:
    """Refuse functions that there are not, and wrong numbers of arguments."""
    if name in REDUCTIONS:
        raise UnreadableError(
            f"has {name}(...), which runs over what happens to be in memory; {REDUCTIONS[name]}"
        )
    if name not in FUNCTIONS:
        near = OTHER_NAMES.get(name) or next(
            iter(get_close_matches(name, [*FUNCTIONS, *ALIASES], n=1)), None
        )
        remedy = (
            f"did you mean {near}?"
            if near
            else f"choose from {', '.join(sorted([*FUNCTIONS, *ALIASES]))}"
        )
        raise UnreadableError(f"has the unknown function {shortened(name)}; {remedy}")
    if n_arguments != FUNCTIONS[name]:
        raise UnreadableError(f"has {name} of {n_arguments} arguments; it takes {FUNCTIONS[name]}")
