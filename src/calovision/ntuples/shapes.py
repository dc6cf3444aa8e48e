"""Shapes of branches, by the names of their C++ types.

``std::vector<float>``, ``float[]`` (uproot's name of a counted array) and ``RVec<float>`` are one
list of numbers an event; ``std::vector<std::vector<float>>`` lists in lists; ``float[6]`` and
``std::array<float, 6>`` arrays of fixed size. An element that is neither a number nor text is a
record or an object of a class.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

_NUMBERS = re.compile(
    r"(u?int(8|16|32|64)|float|double|bool|char|short|int|long|size|(U?(Char|Short|Int|Long|Long64)|Float"
    r"|Double|Bool|Size|Float16|Double32))(_t)?",
)
_TEXTS = re.compile(r"string|TString|char\s*\*")
_UNKNOWN = "unknown"  # uproot's name of a type that it has no rule for
_LISTS = re.compile(r"(vector|RVec|list|deque|set)<(?P<item>.*)>", re.DOTALL)
_ARRAY = re.compile(r"array<(?P<item>.*),\s*(?P<length>\d+)(ul)?\s*>", re.DOTALL)
_CARDINALITY = re.compile(r"RNTupleCardinality<(?P<item>.*)>")
_BRACKET = re.compile(r"(?P<item>.*?)\[(?P<length>\d*)\]", re.DOTALL)
_SPACES = re.compile(r"\s*(?P<sign>[<>,])\s*")
_PREFIXES = re.compile(r"\b(std::|ROOT::VecOps::|ROOT::(?=RNTupleCardinality)|const\s+)")
_OF_NUMBERS = ("unsigned char", "unsigned short", "unsigned int", "unsigned long", "long long")


@dataclass(frozen=True)
class Shape:
    """Shape of the content of a branch in each event.

    Attributes
    ----------
    lists
        Lists in each other: 0 for one value an event, 1 for a list, 2 for lists in lists.
    array
        Lengths of arrays of fixed size, of each value.
    element
        Type of a value, without ``std::``.
    is_number, is_text
        Kind of the values; neither for records and objects.
    """

    lists: int
    array: tuple[int, ...]
    element: str

    @property
    def is_number(self) -> bool:
        """Numbers, among them truth values."""
        return self.element in _OF_NUMBERS or _NUMBERS.fullmatch(self.element) is not None

    @property
    def is_text(self) -> bool:
        """Text."""
        return _TEXTS.fullmatch(self.element) is not None

    @property
    def is_vector(self) -> bool:
        """Four-momenta, whose components are names of their own."""
        return "LorentzVector" in self.element and not self.array

    @property
    def is_known(self) -> bool:
        """False for branches that cannot be read."""
        return self.element != _UNKNOWN

    @property
    def is_whole(self) -> bool:
        """Whole numbers, no truth values."""
        kind = self.element.lower()
        return self.is_number and not re.match(r"float|double|bool", kind)

    def describe(self) -> str:
        """The shape in words, without the type."""
        value = "number" if self.is_number else "text" if self.is_text else "record"
        if self.array:
            value = f"array of {' x '.join(map(str, self.array))}"
        if not self.lists:
            return value
        lists = "list" + " of lists" * (self.lists - 1)
        if self.is_number and not self.array:
            return lists
        return f"{lists} of {value if self.array else value + 's'}"


@lru_cache(maxsize=4096)
def shape_of_type(typename: str) -> Shape:
    """Shape of a type."""
    lists, array, item = 0, (), _plain(typename)
    while True:
        if match := _LISTS.fullmatch(item):
            lists += 1
        elif match := _ARRAY.fullmatch(item):
            array = (*array, int(match["length"]))
        elif match := _CARDINALITY.fullmatch(item):
            pass
        elif (match := _BRACKET.fullmatch(item)) and match["length"]:
            array = (int(match["length"]), *array)  # the last bracket is the inner one
        elif match:
            lists += 1
        else:
            return Shape(lists, array, item)
        item = _plain(match["item"])


def shapes_of(types: Mapping[str, str], *, is_rntuple: bool) -> dict[str, Shape]:
    """Shapes of the branches of a tree.

    Parameters
    ----------
    types
        Name -> type.
    is_rntuple
        The types of members, as ``towers.eta``, do not say that there is a list of ``towers``.
    """
    shapes = {name: shape_of_type(kind) for name, kind in types.items()}
    if not is_rntuple:
        return shapes
    return {
        name: Shape(shape.lists + _lists_around(name, shapes), shape.array, shape.element)
        for name, shape in shapes.items()
    }


def _lists_around(name: str, shapes: Mapping[str, Shape]) -> int:
    """Lists of the records that a member belongs to."""
    outer = name.rpartition(".")[0]
    lists = 0
    while outer:
        if outer in shapes:
            lists += shapes[outer].lists
        outer = outer.rpartition(".")[0]
    return lists


def _plain(typename: str) -> str:
    """Type without namespaces of the standard library, const, and spaces at brackets."""
    text = _PREFIXES.sub("", typename.strip())
    return _SPACES.sub(r"\g<sign>", text).strip()
