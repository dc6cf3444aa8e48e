"""Branches of a ROOT file on the terminal, for ``calovision inspect --branches``."""

from collections.abc import Mapping, Sequence

from rich.console import Console

from calovision.cli.messages import say
from calovision.core.errors import InputError
from calovision.ntuples.branch_listing import (
    ENTRIES_OF_LENGTHS,
    MOST_READ,
    BranchValues,
    as_in_schema,
    count_members,
    matching,
    nearest,
    read_values,
    shapes_in,
)
from calovision.ntuples.content import FileContent
from calovision.ntuples.paths import locate
from calovision.ntuples.root_file import find_tree, opened
from calovision.ntuples.shapes import Shape
from calovision.ntuples.trees.lorentz import COMPONENTS

EVERY = "*"
"""Pattern of all branches."""
WIDEST_NAME = 48  # of the first column; the other columns follow behind longer names
INDENT = "    "
VECTOR = f"; has .{', .'.join(COMPONENTS)}"
HEADER = ("branch", "type", "shape")


def inspect_branches(path: str, pattern: str, *, tree: str | None, event: int) -> None:
    """Print the branches that match a pattern, of all trees of a file or of one."""
    place, tree = locate(path, tree)
    with opened(place) as file:
        content = FileContent(file, place)
        readable = [name for name in content.trees if content.has_tree(name)]
        trees = [tree] if tree is not None else readable or list(content.trees)
        if not trees:
            raise InputError(f"{place} has no tree, hence no branches")
        for name in trees:
            find_tree(file, name, place)
        shapes = {name: shapes_in(content, name) for name in trees}
        chosen = {name: matching(shapes[name], pattern) for name in trees}
        n_shown = sum(map(len, chosen.values()))
        if not n_shown and pattern != EVERY:
            say(_no_match(pattern, shapes))
            return
        for name in trees:
            if chosen[name] or pattern == EVERY:
                _print_tree(content, name, chosen[name], shapes[name], event, n_shown)
        if n_shown > MOST_READ:
            say(
                f"\nValues are read of at most {MOST_READ} branches: give a pattern, as in "
                '--branches "*eta*".'
            )


def _print_tree(
    content: FileContent,
    tree: str,
    names: Sequence[str],
    shapes: Mapping[str, Shape],
    event: int,
    n_shown: int,
) -> None:
    """Table of one tree."""
    n_entries = int(find_tree(content.file, tree, content.path).num_entries)
    if event >= max(n_entries, 1) and n_shown <= MOST_READ:
        event = 0
    of_all = "" if len(names) == len(shapes) else f"{len(names)} of "
    measured = (
        f"; lengths over the first {ENTRIES_OF_LENGTHS}" if n_entries > ENTRIES_OF_LENGTHS else ""
    )
    say(
        f"\ntree {tree} ({content.trees[tree.partition(';')[0]]}): {n_entries} entries, "
        f"{of_all}{len(shapes)} branches{measured}"
    )
    values = read_values(content, tree, names, event) if n_shown <= MOST_READ else {}
    members = count_members(shapes)
    rows = [_row(name, shapes[name], members[name], values.get(name)) for name in names]
    header = (*HEADER, f"entry {event}" if values else "type of record")
    console = Console()
    for line in table_lines([header, *rows], console.width if console.is_terminal else None):
        say(line)


def _row(
    name: str, shape: Shape, n_members: int, values: BranchValues | None
) -> tuple[str, str, str, str]:
    """Cells of a branch; of a record, its type stands in place of values."""
    cell, described = as_in_schema(name), shape.describe()
    if not (shape.is_number or shape.is_text):
        if not shape.is_known:
            return (cell, "", "?", "cannot be read: uproot has no rule for its type")
        described += f" of {n_members}" if n_members else ""
        return (cell, "", described, shape.element + (VECTOR if shape.is_vector else ""))
    if values is None:
        return (cell, shape.element, described, "")
    if values.problem is not None:
        return (cell, shape.element, described, f"cannot be read: {values.problem}")
    if values.lengths is not None:
        mean, largest = values.lengths
        described += f", mean {mean:.3g}, up to {largest}"
    return (cell, shape.element, described, values.first)


def table_lines(rows: Sequence[Sequence[str]], width: int | None = None) -> list[str]:
    """Lines of a table whose first column, the names, is never cut.

    Parameters
    ----------
    rows
        The header and the rows, all of as many cells.
    width
        Of a terminal: where a line would be longer, each name has a line of its own, and of the
        last cell below it only what fits is shown. None does not limit it.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    in_one_line = [min(widths[0], WIDEST_NAME), *widths[1:-1]]
    lines = [_joined(row, in_one_line) for row in rows]
    if width is None or max(map(len, lines)) <= width:
        return lines
    return [
        line
        for name, *cells in rows
        for line in (name, _shortened(INDENT + _joined(cells, widths[1:-1]), width))
    ]


def _joined(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [f"{cell:<{width}}" for cell, width in zip(cells[:-1], widths, strict=True)]
    return "  ".join([*padded, cells[-1]]).rstrip()


def _shortened(line: str, width: int) -> str:
    return line if len(line) <= width else f"{line[: width - 3]}..."


def _no_match(pattern: str, shapes: Mapping[str, Mapping[str, Shape]]) -> str:
    """Sentence for a pattern that matches no branch."""
    near = nearest([name for of_tree in shapes.values() for name in of_tree], pattern)
    names = f" Nearest names: {', '.join(map(as_in_schema, near))}." if near else ""
    n_branches = sum(map(len, shapes.values()))
    return f"No branch of {n_branches} matches {pattern!r}.{names}"
