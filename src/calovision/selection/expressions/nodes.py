"""The tree of an expression: numbers, names, and calls of operators and functions."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from keyword import iskeyword

from calovision.selection.expressions.functions import COMPARISONS, INFIX, PREFIX

# A name that needs no quotes, dots as in Tower.Eta included.
_PLAIN = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)


@dataclass(frozen=True)
class Number:
    """A number, or True or False."""

    value: bool | int | float


@dataclass(frozen=True)
class Name:
    """A name with the indices behind it, ``FatJet.Tau[5][0]``, or a sum over what it holds.

    Attributes
    ----------
    base, indices
        The name and the indices.
    is_quoted
        It stood in quotes of its own, so that no definition takes its place.
    summed
        First and last position, the last one not included, of what is added up of each inner list,
        ``sum(e_sampl[1:4])``; None of one of them is that of the list. None: nothing is added up.
    """

    base: str
    indices: tuple[int, ...] = ()
    is_quoted: bool = field(default=False, compare=False)
    summed: tuple[int | None, int | None] | None = None

    @property
    def text(self) -> str:
        """The whole name, without quotes."""
        return self._with_base(self.base)

    @property
    def written(self) -> str:
        """The whole name, in quotes where it needs them."""
        return self._with_base(_quoted(self.base))

    @property
    def is_bare(self) -> bool:
        """Neither an element nor a sum."""
        return not self.indices and self.summed is None

    def _with_base(self, base: str) -> str:
        name = base + "".join(f"[{index}]" for index in self.indices)
        if self.summed is None:
            return name
        if self.summed == (None, None):
            return f"sum({name})"
        first, last = ("" if bound is None else bound for bound in self.summed)
        return f"sum({name}[{first}:{last}])"


@dataclass(frozen=True)
class Call:
    """An operator or a function (`calovision.selection.expressions.functions`) with its
    arguments.
    """

    function: str
    arguments: tuple["Node", ...]


Node = Number | Name | Call


def walk(node: Node) -> Iterator[Node]:
    """All nodes of a tree, from left to right."""
    yield node
    if isinstance(node, Call):
        for argument in node.arguments:
            yield from walk(argument)


def depth(node: Node) -> int:
    """Number of calls in each other."""
    return 1 + max(map(depth, node.arguments), default=0) if isinstance(node, Call) else 0


def names_with_indices(node: Node) -> tuple[Name, ...]:
    """Names of a tree, each once, in their order."""
    return tuple(dict.fromkeys(part for part in walk(node) if isinstance(part, Name)))


def names_of(node: Node) -> tuple[str, ...]:
    """Texts of the names of a tree, each once, in their order."""
    return tuple(dict.fromkeys(name.text for name in names_with_indices(node)))


def replaced(node: Node, definitions: Mapping[str, Node]) -> Node:
    """Put definitions in place of the names that have one and stood in no quotes."""
    if isinstance(node, Call):
        return Call(
            node.function, tuple(replaced(argument, definitions) for argument in node.arguments)
        )
    if not isinstance(node, Name) or node.is_quoted:
        return node
    return definitions.get(node.text, node)


def written(node: Node) -> str:
    """Text of a tree, with all parentheses, that can be read again."""
    if isinstance(node, Number):
        text = repr(node.value)
        return f"({text})" if text.startswith("-") else text
    if isinstance(node, Name):
        return node.written
    texts = [written(argument) for argument in node.arguments]
    if node.function in PREFIX:
        return f"({PREFIX[node.function]}{texts[0]})"
    if node.function in INFIX or node.function in COMPARISONS:
        return f"({texts[0]} {node.function} {texts[1]})"
    return f"{node.function}({', '.join(texts)})"


def _quoted(name: str) -> str:
    """The name, in quotes unless it needs none."""
    if _PLAIN.fullmatch(name) and not any(iskeyword(part) for part in name.split(".")):
        return name
    return f'"{name}"' if "'" in name else f"'{name}'"
