"""ROOT files, local or at an address, and their trees; what is wrong with one is one sentence."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import uproot
from isal import isal_zlib  # noqa: F401  uproot takes it from its package, which does not load it by itself

from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.core.user_files import refuse_device
from calovision.jobs.failures import require_memory
from calovision.ntuples.friends import find_friend, tree_prefixes
from calovision.ntuples.trees.branches import Branches
from calovision.ntuples.trees.event_tree import EventTree
from calovision.ntuples.trees.rntuple import RNTupleFields
from calovision.ntuples.trees.ttree import TTreeBranches

# uproot raises whatever the bytes of a damaged file lead to (KeyError, ValueError, zlib.error,
# OSError, ...), hence the broad "except Exception" around each of its calls here and in chunks.py.

PRE_RELEASE = "pre-release RNTuple"
_TREE_CLASSES = {
    "TTree": "TTree",
    "TNtuple": "TTree",
    "TNtupleD": "TTree",
    "ROOT::RNTuple": "RNTuple",
    "ROOT::Experimental::RNTuple": PRE_RELEASE,
}
_XROOTD_PATIENCE = {"XRD_CONNECTIONWINDOW": "30", "XRD_CONNECTIONRETRY": "2"}
"""Seconds and attempts to reach a server, where the user has not set them: XRootD's own are five of
two minutes without a word.
"""
_BRANCHES = {"TTree": TTreeBranches, "RNTuple": RNTupleFields}


@dataclass(frozen=True)
class _Opened:
    """Trees of an open file that were asked for, and what is closed with it."""

    trees: dict[tuple[str, ...], EventTree] = field(default_factory=dict)
    closing: ExitStack = field(default_factory=ExitStack)


_OPENED: dict[int, _Opened] = {}  # by the identity of the files, which have no hash


@contextmanager
def opened(path: Path | str) -> Iterator[uproot.ReadOnlyDirectory]:
    """Open a ROOT file; InputError if it is missing, of another kind, truncated or damaged."""
    options, sources = {}, []
    if isinstance(path, Path):
        _check_is_root_file(path)
        options["handler"] = _remembered_sources(sources)
    elif path.startswith(("root", "xroot")):
        for name, value in _XROOTD_PATIENCE.items():
            os.environ.setdefault(name, value)  # uproot loads XRootD, which reads them
    try:
        file = uproot.open(path, **options)
    except Exception as error:
        for source in sources:
            source.close()
        require_memory(error)
        raise InputError(_why_not_opened(path, error)) from error
    with file, fast_zlib():
        if isinstance(path, Path):
            _check_is_complete(path, file.file.fEND)
        with _remembered(file):
            yield file


def _remembered_sources(sources: list[uproot.MultithreadedFileSource]) -> type:
    """Class by which uproot reads a local file, plainly, not by way of fsspec and its event loop;
    what it makes is added to the list, as uproot does not close it when a file cannot be opened.
    """

    class FileSource(uproot.MultithreadedFileSource):
        def _open(self) -> None:
            super()._open()
            sources.append(self)

    return FileSource


@contextmanager
def _remembered(file: uproot.ReadOnlyDirectory) -> Iterator[None]:
    """Keep the trees of a file while it is open, since their names take long to collect."""
    _OPENED[id(file)] = opened_file = _Opened()
    try:
        with opened_file.closing:
            yield
    finally:
        del _OPENED[id(file)]


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
        "may be read, on a server that can be reached"
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
    refuse_device(path, "ROOT file")
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
    """Names of all trees, in folders too -> TTree, RNTuple or pre-release RNTuple."""
    classes = file.classnames(cycle=False)
    return {name: _TREE_CLASSES[kind] for name, kind in classes.items() if kind in _TREE_CLASSES}


def has_tree(file: uproot.ReadOnlyDirectory, name: str) -> bool:
    """Return True for the name of a tree that can be read, given with or without its cycle
    (``events;1``).
    """
    return _kind(file, name) in _BRANCHES


def _kind(file: uproot.ReadOnlyDirectory, name: str) -> str | None:
    """Kind of a tree; None if there is none of this name."""
    return _TREE_CLASSES.get(file.classnames(cycle=";" in name).get(name))


def find_tree(
    file: uproot.ReadOnlyDirectory, name: str, path: Path | str, friends: Sequence[str] = ()
) -> EventTree:
    """Find a TTree or RNTuple by its name, with friends joined to it.

    Parameters
    ----------
    file, path
        The open file, and where it is.
    name
        Name of the tree, with its folders.
    friends
        Further trees (`find_friend`), each closed with the file.

    Raises
    ------
    InputError
        If there is no such tree, it cannot be read, or a friend has not as many entries.
    """
    kept = _OPENED.get(id(file), _Opened())
    key = (name, *friends)
    if key not in kept.trees:
        trees, prefixes = [_branches(file, name, path)], [tree_prefixes(name)]
        for friend in (find_friend(text, path) for text in friends):
            of_friend = file
            if friend.file is not None:
                of_friend = kept.closing.enter_context(opened(friend.file))
            trees.append(_branches(of_friend, friend.tree, friend.file or path))
            prefixes.append(friend.prefixes)
        _check_entries(trees, friends, path)
        kept.trees[key] = EventTree(trees, prefixes)
    return kept.trees[key]


def _check_entries(trees: Sequence[Branches], friends: Sequence[str], path: Path | str) -> None:
    """Raise InputError unless all friends have as many entries as the tree."""
    tree, *others = trees
    for text, friend in zip(friends, others, strict=True):
        if friend.n_entries != tree.n_entries:
            raise InputError(
                f"{path}: the friend {text!r} has {friend.n_entries} entries, but the tree "
                f"{tree.name!r} {tree.n_entries}; they are joined entry by entry, so both must "
                "have as many"
            )


def _branches(file: uproot.ReadOnlyDirectory, name: str, path: Path | str) -> Branches:
    """Branches of one tree of an open file."""
    kind = _kind(file, name)
    if kind is None:
        trees = list(tree_kinds(file))
        shown = ", ".join(map(repr, trees)) or "none"
        raise InputError(
            f"{path} has no TTree {name!r} (it has: {shown}){nearest(name, trees)}; name one of "
            "these trees, or choose the schema that wrote the file"
        )
    if kind == PRE_RELEASE:
        raise InputError(
            f"{path}: the tree {name!r} is a pre-release RNTuple (ROOT::Experimental::RNTuple), "
            "written by a ROOT before 6.34, whose format was not final and is not read here; write "
            "it again with a newer ROOT, or as a TTree"
        )
    try:
        return _BRANCHES[kind](file[name])
    except Exception as error:
        require_memory(error)
        raise InputError(
            f"{path}: the tree {name!r} is damaged and cannot be read; write it again"
        ) from error


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
