"""Open ROOT files and read their branches; what is wrong with a file becomes one sentence."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import awkward as ak
import uproot

from calovision.errors import InputError

# uproot raises whatever the bytes of a damaged file lead to (KeyError, ValueError, zlib.error, OSError, ...), hence
# the broad "except Exception" around each of its calls here.


@contextmanager
def opened(path: Path) -> Iterator[uproot.ReadOnlyDirectory]:
    """Open a ROOT file; InputError if it is missing, of another kind, truncated or damaged."""
    _check_is_root_file(path)
    try:
        file = uproot.open(path)
    except Exception as error:
        raise InputError(f"{path} is a truncated or damaged ROOT file; copy or write it again") from error
    with file:
        # Without its last bytes a file would be read all the same, so compare with the size in its header.
        size, expected = path.stat().st_size, file.file.fEND
        if size < expected:
            raise InputError(
                f"{path} is a truncated ROOT file: it has {size} of {expected} bytes; copy or write it again"
            )
        yield file


def _check_is_root_file(path: Path) -> None:
    """Raise InputError unless the path can be read and begins as a ROOT file."""
    if path.is_dir():
        raise InputError(f"{path} is a directory; give the path of a ROOT file")
    try:
        with path.open("rb") as raw:
            magic = raw.read(4)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give the path of an existing ROOT file") from None
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror}); give a readable ROOT file") from error
    if magic != b"root":
        raise InputError(f"{path} is not a ROOT file, as it does not begin with 'root'; give a ROOT ntuple")


def find_tree(file: uproot.ReadOnlyDirectory, name: str, path: Path) -> uproot.TTree:
    """Find a tree by its name; InputError lists those that exist."""
    classes = file.classnames(cycle=False)
    if classes.get(name) != "TTree":
        trees = ", ".join(repr(key) for key, kind in classes.items() if kind == "TTree") or "none"
        raise InputError(f"{path} has no TTree {name!r} (it has: {trees}); choose the schema that wrote the file")
    try:
        return file[name]
    except Exception as error:
        raise InputError(f"{path}: the tree {name!r} is damaged and cannot be read; write it again") from error


def branch_names(tree: uproot.TTree) -> set[str]:
    """Names of all branches, those inside others without the outer name."""
    return set(tree.keys(full_paths=False))


def require_branches(tree: uproot.TTree, names: Collection[str], schema: str, path: Path) -> None:
    """Raise InputError that names the branches which the tree lacks."""
    if missing := sorted(set(names) - branch_names(tree)):
        raise InputError(
            f"{path}: the tree {tree.name!r} lacks {', '.join(missing)}, which the schema {schema!r} demands; "
            "write these branches or choose another schema"
        )


def read_chunks(
    tree: uproot.TTree, branches: Collection[str], path: Path, chunk_size: int
) -> Iterator[tuple[int, dict[str, ak.Array]]]:
    """Yield the number of the first entry and the arrays, ``(chunk_size, ...)``, of each chunk.

    `TTree.iterate` keeps what it has decompressed of a basket for the next chunk.
    """
    if chunk_size < 1:
        raise ValueError(f"chunk_size must be positive, not {chunk_size}")
    chunks = tree.iterate(sorted(branches), step_size=chunk_size, library="ak", how=dict)
    for start in range(0, tree.num_entries, chunk_size):
        try:
            arrays = next(chunks)
        except Exception as error:
            stop = min(start + chunk_size, tree.num_entries)
            raise InputError(
                f"{path}: entries {start} to {stop - 1} of {_unreadable_branch(tree, sorted(branches), start, stop)} "
                f"in the tree {tree.name!r} cannot be read; the file is damaged, copy or write it again"
            ) from error
        yield start, arrays


def _unreadable_branch(tree: uproot.TTree, branches: list[str], start: int, stop: int) -> str:
    """Name the first branch that fails by itself (all of them if none does)."""
    for branch in branches:
        try:
            tree[branch].array(entry_start=start, entry_stop=stop)
        except Exception:
            return branch
    return ", ".join(branches)
