"""ROOT files, local or at an address, and their trees; what is wrong with one is one sentence."""

import logging
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from threading import Lock
from weakref import finalize

import uproot
from isal import isal_zlib  # noqa: F401  uproot takes it from its package, which does not load it by itself

from calovision.core.errors import InputError

logger = logging.getLogger(__name__)

# uproot raises whatever the bytes of a damaged file lead to (KeyError, ValueError, zlib.error,
# OSError, ...), hence the broad "except Exception" around each of its calls here and in chunks.py.

Tree = uproot.TTree | uproot.behaviors.RNTuple.RNTuple
_NAMES: dict[
    int, tuple[str, ...]
] = {}  # by the identity of the trees that are open, which have no hash
_TREE_CLASSES = {
    "TTree": "TTree",
    "TNtuple": "TTree",
    "TNtupleD": "TTree",
    "ROOT::RNTuple": "RNTuple",
}


@contextmanager
def opened(path: Path | str) -> Iterator[uproot.ReadOnlyDirectory]:
    """Open a ROOT file; InputError if it is missing, of another kind, truncated or damaged."""
    options = {}
    if isinstance(path, Path):
        _check_is_root_file(path)
        options["handler"] = (
            uproot.MultithreadedFileSource
        )  # plain reads, not by way of fsspec and its event loop
    try:
        file = uproot.open(path, **options)
    except Exception as error:
        raise InputError(_why_not_opened(path, error)) from error
    with file, fast_zlib():
        if isinstance(path, Path):
            _check_is_complete(path, file.file.fEND)
        yield file


def _why_not_opened(path: Path | str, error: Exception) -> str:
    """Sentence for a file that uproot cannot open."""
    if isinstance(path, Path):
        return f"{path} is a truncated or damaged ROOT file; copy or write it again"
    protocol = path.split("://")[0]
    if isinstance(error, ImportError):
        extra = (
            "calovision[xrootd]"
            if protocol in ("root", "roots", "xroot", "xroots")
            else f"fsspec[{protocol}]"
        )
        return (
            f"{path}: addresses with {protocol}:// need a further package; run pip install "
            f'"{extra}"'
        )
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return (
        f"{path} cannot be opened ({reason}); give the address of a ROOT file that exists and "
        "may be read"
    )


def _check_is_complete(path: Path, expected: int) -> None:
    """Compare with the size in the header, as without its last bytes a file would be read all the
    same.
    """
    size = path.stat().st_size
    if size < expected:
        raise InputError(
            f"{path} is a truncated ROOT file: it has {size} of {expected} bytes; copy or write it "
            "again"
        )


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
        raise InputError(
            f"{path} cannot be opened ({error.strerror}); give a readable ROOT file"
        ) from error
    if magic != b"root":
        raise InputError(
            f"{path} is not a ROOT file, as it does not begin with 'root'; give a ROOT ntuple"
        )


def tree_kinds(file: uproot.ReadOnlyDirectory) -> dict[str, str]:
    """Names of all trees, in folders too -> TTree or RNTuple."""
    classes = file.classnames(cycle=False)
    return {name: _TREE_CLASSES[kind] for name, kind in classes.items() if kind in _TREE_CLASSES}


def has_tree(file: uproot.ReadOnlyDirectory, name: str) -> bool:
    """Return True for the name of a tree, given with or without its cycle (``events;1``)."""
    return file.classnames(cycle=";" in name).get(name) in _TREE_CLASSES


def find_tree(file: uproot.ReadOnlyDirectory, name: str, path: Path | str) -> Tree:
    """Find a TTree or RNTuple by its name; InputError lists those that exist."""
    if not has_tree(file, name):
        trees = ", ".join(map(repr, tree_kinds(file))) or "none"
        raise InputError(
            f"{path} has no TTree {name!r} (it has: {trees}); choose the schema that wrote the file"
        )
    try:
        return file[name]
    except Exception as error:
        raise InputError(
            f"{path}: the tree {name!r} is damaged and cannot be read; write it again"
        ) from error


def is_rntuple(tree: Tree) -> bool:
    """Return True for an RNTuple, False for a TTree."""
    return isinstance(tree, uproot.behaviors.RNTuple.RNTuple)


def branch_names(tree: Tree) -> set[str]:
    """Names of all branches, those inside others without the outer name; fields of an RNTuple with
    it.
    """
    return set(_every_name(tree))


def _every_name(tree: Tree) -> tuple[str, ...]:
    """Names of all branches, some perhaps several times; of a large tree they take long to
    collect.
    """
    if id(tree) not in _NAMES:
        _NAMES[id(tree)] = tuple(tree.keys() if is_rntuple(tree) else tree.keys(full_paths=False))
        finalize(tree, _NAMES.pop, id(tree), None)
    return _NAMES[id(tree)]


def warn_of_repeated(tree: Tree, names: Collection[str], path: Path | str) -> None:
    """Warn of names that several branches have, of which one is read."""
    if is_rntuple(tree):
        return
    counts = Counter(_every_name(tree))
    for name in sorted(names):
        if counts[name] > 1:
            same = [(key, branch) for key, branch in tree.iteritems() if branch.name == name]
            read = next((key for key, branch in same if branch is tree[name]), name)
            keys = [key for key, _ in same]
            shown = ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")
            which = f"{read} is read" if len(set(keys)) > 1 else "the first one is read"
            logger.warning(
                "%s: the tree %r has several branches of the name %s (%s), of which %s",
                *(path, tree.name, name, shown, which),
            )


def require_branches(
    tree: Tree, names: Collection[str], schema_name: str, path: Path | str
) -> None:
    """Raise InputError that names the branches which the tree lacks."""
    present = branch_names(tree)
    if missing := sorted(set(names) - present):
        near = [
            *dict.fromkeys(
                match for name in missing[:3] for match in get_close_matches(name, present, n=1)
            )
        ]
        question = f" (did you mean {', '.join(near)}?)" if near else ""
        raise InputError(
            f"{path}: the tree {tree.name!r} lacks {', '.join(missing)}, which the schema "
            f"{schema_name!r} "
            f"demands{question}; write these branches or choose another schema"
        )


_zlib_lock = Lock()
_zlib_users = 0
_zlib_before = "zlib"


@contextmanager
def fast_zlib() -> Iterator[None]:
    """Decompress zlib baskets, as those of Delphes, with ISA-L, which is faster.

    The choice is that of uproot for the whole process; the last user takes it back.
    """
    global _zlib_users, _zlib_before
    # private: uproot.ZLIB.library is for writing alone; an uproot without this name reads as ever
    decompressor = getattr(uproot.compression, "_decompress_ZLIB", None)
    if decompressor is None:
        yield
        return
    with _zlib_lock:
        if _zlib_users == 0:
            _zlib_before = decompressor.library
            decompressor.library = "isal"
        _zlib_users += 1
    try:
        yield
    finally:
        with _zlib_lock:
            _zlib_users -= 1
            if _zlib_users == 0:
                decompressor.library = _zlib_before
