"""Lists of ROOT files as a user gives them."""

from collections.abc import Iterable, Iterator
from glob import glob, has_magic
from pathlib import Path

from calovision.errors import InputError
from calovision.ntuples.root_file import split_tree

LIST_SUFFIXES = (".txt", ".list")


def expand_paths(arguments: Iterable[Path | str]) -> list[str]:
    """Files that the arguments stand for, each once, in their order.

    Parameters
    ----------
    arguments
        Paths, wildcards (``run*/*.root``; their files in alphabetical order), addresses (``root://host//path``, taken
        as they are), each with ``:tree`` behind ``.root`` where it names a tree; and text files (.txt, .list) with one
        of these a line: text from a ``#`` at the beginning of a line or after a space is a comment, and what is
        relative is so to the list.

    Raises
    ------
    InputError
        If a file does not exist, a wildcard stands for none, or a list or the arguments are empty.
    """
    paths: dict[str, str] = {}  # by what tells files apart, whichever way their paths are written
    for argument in arguments:
        for path in _expand(str(argument), Path(), ""):
            paths.setdefault(path if "://" in path else str(Path(path).resolve()), path)
    if not paths:
        raise InputError("no files given; give ROOT files, wildcards, addresses or lists of these")
    return list(paths.values())


def _expand(argument: str, folder: Path, origin: str) -> Iterator[str]:
    """Files of one argument; ``origin`` begins the sentence of an error."""
    if "://" in argument:
        yield argument
        return
    file, tree = split_tree(argument)
    path = folder / Path(file).expanduser()
    if path.is_file():
        yield from _lines(path) if path.suffix in LIST_SUFFIXES else [_with_tree(str(path), tree)]
    elif path.is_dir():
        raise InputError(f"{origin}{path} is a directory; give files, or a wildcard such as {path / '*.root'}")
    elif not has_magic(str(path)):
        raise InputError(f"{origin}{path}: no such file; give files that exist")
    else:
        found = sorted(glob(str(path), recursive=True))  # noqa: PTH207 (Path.glob takes no absolute pattern)
        if not found:
            raise InputError(f"{origin}{path} stands for no file; give a wildcard that matches some")
        for name in found:
            yield from _expand(_with_tree(name, tree), Path(), origin)


def _with_tree(file: str, tree: str | None) -> str:
    return file if tree is None else f"{file}:{tree}"


def _lines(path: Path) -> Iterator[str]:
    """Files in a list."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as text; give a list with one file a line") from error
    entries = [(number, _without_comment(line)) for number, line in enumerate(lines, 1)]
    if not any(entry for _, entry in entries):
        raise InputError(f"{path} lists no file; write one a line")
    for number, entry in entries:
        if entry:
            yield from _expand(entry, path.parent, f"{path}, line {number}: ")


def _without_comment(line: str) -> str:
    line = line.strip()
    return "" if line.startswith("#") else line.split(" #")[0].strip()
