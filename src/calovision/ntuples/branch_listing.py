"""Branches of a file for people: names as a schema writes them, types, shapes and first values."""

import keyword
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

import awkward as ak
import numpy as np

from calovision.core.errors import InputError
from calovision.ntuples.chunks import read_chunks
from calovision.ntuples.content import FileContent
from calovision.ntuples.expressions import branches_in
from calovision.ntuples.root_file import find_tree
from calovision.ntuples.shapes import Shape, shapes_of
from calovision.ntuples.trees.event_tree import EventTree

MOST_READ = 1000  # branches of which values are read
ENTRIES_OF_LENGTHS = 1000  # over which lists are measured
SHOWN_VALUES = 3
LONGEST_TEXT = 20
_COPY = re.compile(r"_collection\d+\.(?P<name>.+)")
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)


@dataclass(frozen=True)
class BranchValues:
    """Lengths and values that were read of a branch.

    Attributes
    ----------
    lengths
        Mean and largest length of its lists; None if it has none, or without entries.
    first
        The values of one entry, the first few, as text.
    problem
        Reason why it cannot be read; None if it can.
    """

    lengths: tuple[float, int] | None = None
    first: str = ""
    problem: str | None = None


def shapes_in(content: FileContent, tree: str) -> dict[str, Shape]:
    """Shapes of the branches of a tree, in the order of the file; without the copies of fields that
    an RNTuple written by uproot has below ``_collection0`` and the like.
    """
    types = content.types(tree)
    own = {
        name: kind
        for name, kind in types.items()
        if not ((copy := _COPY.fullmatch(name)) and copy["name"] in types)
    }
    return shapes_of(own, is_rntuple=content.trees.get(tree) == "RNTuple")


def count_members(names: Iterable[str]) -> Counter[str]:
    """Number of the branches below each branch."""
    found: Counter[str] = Counter()
    for name in names:
        found.update({name[: match.start()] for match in re.finditer(r"[./]", name)})
    return found


def matching(names: Iterable[str], pattern: str) -> list[str]:
    """Names that a pattern matches, a glob for the whole name or a part of it, in any case."""
    wanted = pattern.casefold()
    if any(character in wanted for character in "*?"):
        return [name for name in names if fnmatchcase(name.casefold(), wanted)]
    return [name for name in names if wanted in name.casefold()]


def nearest(names: Iterable[str], pattern: str, count: int = 5) -> list[str]:
    """Names that look most like a pattern that matches none."""
    by_lower = {name.casefold(): name for name in names}
    wanted = pattern.casefold().strip("*?")
    found = get_close_matches(wanted, by_lower, n=count, cutoff=0.5)
    ends = get_close_matches(wanted, {name[-len(wanted) :] for name in by_lower}, n=1, cutoff=0.75)
    found += [name for end in ends for name in by_lower if name.endswith(end)]
    return [by_lower[name] for name in dict.fromkeys(found)][:count]


def as_in_schema(name: str) -> str:
    """Name of a branch as a formula writes it: in quotes if it has other characters than letters,
    digits, _ and ., or would be read as a formula.
    """
    is_plain = _PLAIN_NAME.fullmatch(name) and not any(map(keyword.iskeyword, name.split(".")))
    if is_plain or _is_whole_name(name):
        return name
    return f'"{name}"' if "'" in name else f"'{name}'"


def _is_whole_name(name: str) -> bool:
    """``FatJet.Tau[5]`` is the name of a branch where there is one."""
    if not name.endswith("]"):
        return False
    try:
        return branches_in([name], {name}) == [name]
    except InputError:
        return False


def read_values(
    content: FileContent, tree: str, names: Sequence[str], entry: int
) -> dict[str, BranchValues]:
    """Read the first values of branches, and measure their lists.

    Parameters
    ----------
    content, tree, names
        Branches of a tree, of which records are left out.
    entry
        The entry whose values are shown.

    Returns
    -------
    Name -> its values; those that cannot be read have a reason.
    """
    found = find_tree(content.file, tree, content.path)
    n_entries = int(found.num_entries)
    shapes = shapes_in(content, tree)
    readable = [name for name in names if shapes[name].is_number or shapes[name].is_text]
    if not n_entries:
        return {name: BranchValues() for name in readable}
    measured = min(n_entries, ENTRIES_OF_LENGTHS)
    arrays = read_or_reason(found, readable, content.path, (0, measured))
    shown = arrays
    if entry >= measured:
        shown = read_or_reason(found, readable, content.path, (entry, entry + 1))
        entry = 0
    return {name: _values_of(arrays[name], shown[name], entry) for name in readable}


def read_or_reason(
    tree: EventTree, names: Sequence[str], path: object, entries: tuple[int, int]
) -> Mapping[str, ak.Array | str]:
    """Read branches, all at once where none of them fails; the reason in place of one that does."""
    if not names:
        return {}
    try:
        ((_, arrays),) = read_chunks(tree, names, path, entries[1] - entries[0], entries)
        return arrays
    except InputError as error:
        if len(names) == 1:
            return {names[0]: _reason(error)}
    half = len(names) // 2
    return {
        **read_or_reason(tree, names[:half], path, entries),
        **read_or_reason(tree, names[half:], path, entries),
    }


def _reason(error: InputError) -> str:
    """Reason why a branch cannot be read, in a few words."""
    cause = error.__cause__ or error
    text = " ".join(str(cause).split()) or type(cause).__name__
    return text if len(text) <= 100 else f"{text[:97]}..."


def _values_of(measured: ak.Array | str, shown: ak.Array | str, entry: int) -> BranchValues:
    for values in (measured, shown):
        if isinstance(values, str):
            return BranchValues(problem=values)
    lengths = None
    if measured.ndim > 1 and isinstance(measured.layout, ak.contents.ListOffsetArray):
        counts = ak.to_numpy(ak.num(measured, axis=1))
        lengths = (float(counts.mean()), int(counts.max()))
    return BranchValues(lengths, shown_values(shown[entry]))


def shown_values(value: object, count: int = SHOWN_VALUES) -> str:
    """The first few values of an entry: ``34.2, 28.1, 12, ...``."""
    if isinstance(value, str | bytes):
        text = value if isinstance(value, str) else value.decode(errors="replace")
        return repr(text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 3] + "...")
    if isinstance(value, ak.Array):
        first = [
            f"[{shown_values(one, 2)}]" if isinstance(one, ak.Array) else shown_values(one)
            for one in value[:count]
        ]
        return ", ".join([*first, *(["..."] if len(value) > count else [])]) or "(empty)"
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | np.integer):
        return str(int(value))
    return f"{float(value):.5g}"
