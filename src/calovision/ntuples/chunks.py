"""Branches of a tree in chunks of bounded memory, each basket decompressed once.

A chunk whose size is not prescribed holds about `CHUNK_BYTES` and ends where the baskets of all its
branches end, if they do so often enough. A file whose writer was killed, or whose branches were
filled by different loops, has some that are shorter or longer than the tree, which is an error.
"""

from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import awkward as ak
import numpy as np

from calovision.core.errors import InputError
from calovision.jobs.failures import require_memory
from calovision.ntuples.trees.event_tree import EventTree

CHUNK_BYTES = 25_000_000  # uncompressed; uproot holds about three times as much while it reads
_MOST_CHUNKS_AT_ONCE = (
    3  # baskets that are larger are decompressed at once, but interpreted chunk by chunk
)
Arrays = tuple[int, dict[str, ak.Array]]


def clipped(first: int, end: int | None, n_entries: int) -> tuple[int, int]:
    """Range of entries of a file, without what lies beyond its ``n_entries``; an end of None is
    that of the file.

    Parameters
    ----------
    first, end
        First entry, and the one behind the last; None is the end of the file.
    n_entries
        Entries of the file.
    """
    return min(first, n_entries), n_entries if end is None else min(end, n_entries)


def read_chunks(
    tree: EventTree,
    branches: Collection[str],
    path: object,
    chunk_size: int | None = None,
    entry_range: tuple[int, int] | None = None,
) -> Iterator[Arrays]:
    """Yield the number of the first entry and the arrays, ``(chunk_size, ...)``, of each chunk.

    Parameters
    ----------
    tree, branches
        What to read.
    path
        For the sentences of errors.
    chunk_size
        Entries of a chunk; chosen by their size if None.
    entry_range
        First entry, and the one behind the last, both inside the tree; None for all.

    Raises
    ------
    InputError
        If a basket is damaged, or a branch has not as many entries as the tree.
    """
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"chunk_size must be positive, not {chunk_size}")
    names = sorted(branches)
    check_lengths(tree, names, path)
    begin, end = entry_range or (0, tree.num_entries)
    if chunk_size is not None or not names:
        yield from _read_steps(tree, names, path, begin, end, chunk_size or end - begin or 1)
        return
    target = _entries_of_a_chunk(tree, names)
    boundaries = tree.boundaries(names)
    inside = boundaries[(boundaries > begin) & (boundaries < end)]
    for start, stop in _aligned_ranges(np.unique([begin, *inside, end]), target):
        if stop - start > _MOST_CHUNKS_AT_ONCE * target:
            yield from _read_steps(tree, names, path, start, stop, target)
        else:
            yield from _read_at_once(tree, names, path, start, stop, target)


def _read_at_once(
    tree: EventTree, names: list[str], path: object, start: int, stop: int, target: int
) -> Iterator[Arrays]:
    """Read a range and hand it on in chunks of at most about ``target`` entries."""
    ((_, arrays),) = _read_steps(tree, names, path, start, stop, stop - start)
    n_chunks = max(1, round((stop - start) / target))
    edges = np.linspace(0, stop - start, n_chunks + 1).astype(int)
    for first, last in pairwise(edges):
        yield start + int(first), {name: values[first:last] for name, values in arrays.items()}


def _read_steps(
    tree: EventTree, names: list[str], path: object, start: int, stop: int, step: int
) -> Iterator[Arrays]:
    """Read a range in steps; ``iterate`` keeps what it has decompressed of a basket for the next
    step.
    """
    chunks = tree.iterate(names, start, stop, step) if names else None
    for first in range(start, stop, step):
        last = min(first + step, stop)
        try:
            arrays = {} if chunks is None else next(chunks)
        except InputError:
            raise
        except Exception as error:
            require_memory(error)
            raise InputError(
                f"{path}: entries {first} to {last - 1} of "
                f"{_unreadable_branch(tree, names, first, last)} in the tree "
                f"{tree.name!r} cannot be read; the file is damaged, copy or write it again"
            ) from error
        check_arrays(arrays, first, last, path)
        yield first, arrays


def _entries_of_a_chunk(tree: EventTree, names: list[str]) -> int:
    """Number of entries that have about `CHUNK_BYTES`."""
    return max(1, int(CHUNK_BYTES / max(tree.bytes_per_entry(names), 1)))


def _aligned_ranges(boundaries: np.ndarray, target: int) -> Iterator[tuple[int, int]]:
    """Join neighboring ranges while they hold at most ``target`` entries."""
    start, position = int(boundaries[0]), 0
    while start < boundaries[-1]:
        position = max(
            position + 1, int(np.searchsorted(boundaries, start + target, side="right")) - 1
        )
        yield start, int(boundaries[position])
        start = int(boundaries[position])


def _unreadable_branch(tree: EventTree, names: list[str], start: int, stop: int) -> str:
    """Name the first branch that fails by itself (all of them if none does)."""
    for name in names:
        try:
            tree.arrays([name], start, stop)
        except Exception:
            return name
    return ", ".join(names)


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
