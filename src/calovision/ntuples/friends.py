"""Friends of a tree: further trees, whose entries belong to its own one by one, as in ROOT."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from calovision.core.errors import InputError
from calovision.ntuples.paths import split_tree

STEM = "{stem}"  # stands for the name of the ntuple, without its folder and suffix
_WITH_NAME = re.compile(r"(?P<name>\w+)\s*=\s*(?P<place>.+)", re.DOTALL)


@dataclass(frozen=True)
class Friend:
    """Place of a friend.

    Attributes
    ----------
    tree
        Name of the tree, with its folders.
    file
        Its file; None if it is that of the ntuple.
    prefixes
        Names of the friend, of which one may stand in front of the names of its branches.
    """

    tree: str
    file: Path | str | None
    prefixes: tuple[str, ...]


def find_friend(text: str, path: Path | str) -> Friend:
    """Find the place of a friend.

    Parameters
    ----------
    text
        A tree of the ntuple, or ``file.root:tree``, where the file is relative to the folder of the
        ntuple and may have ``{stem}`` in its name; with ``name =`` in front if it is to have
        another name than that of its tree.
    path
        The ntuple.

    Raises
    ------
    InputError
        If a file is given without a tree.
    """
    named = _WITH_NAME.fullmatch(text.strip())
    name, place = (named["name"], named["place"]) if named else (None, text.strip())
    file, tree = split_tree(place)
    if tree is None:
        if file.endswith(".root"):
            raise InputError(
                f"{path}: the friend {text!r} is a file without a tree; write {place}:tree with "
                "the name of one"
            )
        return Friend(place, None, _prefixes(name, place))
    return Friend(tree, _beside(file.replace(STEM, _stem(path)), path), _prefixes(name, tree))


def tree_prefixes(tree: str) -> tuple[str, ...]:
    """Names of a tree that may stand in front of those of its branches: with folders, and
    without.
    """
    tree = tree.partition(";")[0]
    return tuple(dict.fromkeys((tree.rpartition("/")[2], tree)))


def _prefixes(name: str | None, tree: str) -> tuple[str, ...]:
    return tree_prefixes(tree) if name is None else (name,)


def _stem(path: Path | str) -> str:
    return PurePosixPath(str(path).split("?")[0]).stem


def _beside(file: str, path: Path | str) -> Path | str:
    """A file that is given relative to the folder of the ntuple, on a disk or at an address."""
    if "://" in file:
        return file
    if isinstance(path, Path):
        return path.parent / Path(file).expanduser()
    return f"{path.rpartition('/')[0]}/{file}"
