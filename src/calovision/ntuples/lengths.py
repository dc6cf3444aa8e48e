"""Lengths of branches, which must all be that of their tree.

A file whose writer was killed, or whose branches were filled by different loops, has some that are
shorter or longer.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

import awkward as ak

from calovision.core.errors import InputError
from calovision.ntuples.trees.event_tree import EventTree


def check_lengths(tree: EventTree, branches: Collection[str], path: Path | str) -> None:
    """Raise InputError that names the first branch with more or fewer entries than its tree."""
    for name, length in tree.lengths(branches).items():
        if length != tree.num_entries:
            raise InputError(
                f"{path}: the branch {name} has {length} entries, but the tree {tree.name!r} "
                f"{int(tree.num_entries)}; "
                "the file is incomplete or damaged, copy or write it again"
            )


def check_arrays(arrays: Mapping[str, ak.Array], first: int, last: int, path: Path | str) -> None:
    """Raise InputError unless what was read of each branch are the entries from ``first`` to before
    ``last``.
    """
    for name, values in arrays.items():
        if len(values) != last - first:
            raise InputError(
                f"{path}: entries {first} to {last - 1} of the branch {name} were read as "
                f"{len(values)} instead of "
                f"{last - first}; the file is incomplete or damaged, copy or write it again"
            )
