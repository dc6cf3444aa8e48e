"""Paths, addresses and lists of ROOT files as a user gives them."""

from collections.abc import Iterable, Iterator
from glob import glob, has_magic
from pathlib import Path

from calovision.core.errors import InputError
from calovision.core.user_files import expand_path, refuse_device

LIST_SUFFIXES = (".txt", ".list")


def split_tree(path: Path | str) -> tuple[str, str | None]:
    """File and tree of ``file.root:tree``, as uproot writes it; None without a tree."""
    file, separator, tree = str(path).rpartition(".root:")
    return (f"{file}.root", tree) if separator else (str(path), None)


def with_tree(path: Path | str, tree: str | None) -> str:
    """Path of a file with the tree that was named apart from it, unless it names one itself."""
    return str(path) if tree is None or split_tree(path)[1] else f"{path}:{tree}"


def locate(path: Path | str, tree: str | None) -> tuple[Path | str, str | None]:
    """Path or address of a file, and its tree: the one named with the path, else the one given.

    The path of a local file is a Path; an address such as ``root://host//path`` stays a str.
    """
    file, named = split_tree(path)
    return file if "://" in file else Path(file), named or tree


def expand_paths(arguments: Iterable[Path | str]) -> list[str]:
    """Files that the arguments stand for, each once, in their order; arguments and errors as those
    of `list_files`.
    """
    return list(list_files(arguments))


def list_files(arguments: Iterable[Path | str]) -> dict[str, int | None]:
    """Files that the arguments stand for, each once, in their order -> number of entries, where a
    list has it.

    Parameters
    ----------
    arguments
        Paths, wildcards (``run*/*.root``; their files in alphabetical order), addresses
        (``root://host//path``, taken as they are), each with ``:tree`` behind ``.root`` where it
        names a tree; and text files (.txt, .list) with one of these a line: text from a ``#`` at
        the beginning of a line or after a space is a comment, and what is relative is so to the
        list; ``~``, ``$NAME`` and ``${NAME}`` are replaced. A number behind a file of a list, after
        a space, is its number of entries.

    Raises
    ------
    InputError
        If a file does not exist, a wildcard stands for none, a variable in a list is not set, or a
        list or the arguments are empty.
    """
    # by what tells files apart, whichever way their paths are written
    found: dict[str | Path, tuple[str, int | None]] = {}
    folders: dict[Path, Path] = {}
    for argument in arguments:
        for path, n_entries in _expand(str(argument), Path(), ""):
            found.setdefault(
                path if "://" in path else _true_path(Path(path), folders), (path, n_entries)
            )
    if not found:
        raise InputError("no files given; give ROOT files, wildcards, addresses or lists of these")
    return dict(found.values())


def _true_path(path: Path, folders: dict[Path, Path]) -> Path:
    """The same for every way to write a path; ``folders`` keeps those that were looked up for the
    files beside it.
    """
    if path.is_symlink() or path.name in ("", ".."):
        return path.resolve()
    if path.parent not in folders:
        folders[path.parent] = path.parent.resolve()
    return folders[path.parent] / path.name


def _expand(argument: str, folder: Path, origin: str) -> Iterator[tuple[str, int | None]]:
    """Files of one argument and their entries, None if unknown; ``origin`` begins the sentence of
    an error.
    """
    if "://" in argument:
        yield argument, None
        return
    file, tree = split_tree(argument)
    path = folder / Path(file).expanduser()
    if path.is_file():
        yield from (
            _lines(path) if path.suffix in LIST_SUFFIXES else [(with_tree(str(path), tree), None)]
        )
    elif path.is_dir():
        raise InputError(
            f"{origin}{path} is a directory; give files, or a wildcard such as {path / '*.root'}"
        )
    elif not has_magic(str(path)):
        raise InputError(f"{origin}{path}: no such file; give files that exist")
    else:
        found = sorted(glob(str(path), recursive=True))  # noqa: PTH207 (Path.glob takes no absolute pattern)
        if not found:
            raise InputError(
                f"{origin}{path} stands for no file; give a wildcard that matches some"
            )
        for name in found:
            yield from _expand(with_tree(name, tree), Path(), origin)


def _lines(path: Path) -> Iterator[tuple[str, int | None]]:
    """Files in a list, and their entries where it has them; home folders and variables in it are
    replaced.
    """
    refuse_device(path, "list of files", pipes=True)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} cannot be read as text; give a list with one file a line"
        ) from error
    entries = [(number, _without_comment(line)) for number, line in enumerate(lines, 1)]
    if not any(entry for _, entry in entries):
        raise InputError(f"{path} lists no file; write one a line")
    for number, entry in entries:
        if entry:
            where = f"{path}, line {number}"
            line = entry if (path.parent / entry).exists() else expand_path(entry, where)
            yield from _with_entries(line, path.parent, f"{where}: ")


def _with_entries(line: str, folder: Path, origin: str) -> Iterator[tuple[str, int | None]]:
    """Files of a line of a list; a number at its end is the number of entries of the one file."""
    file, _, last = line.rpartition(" ")
    n_entries = int(last) if file and last.isdecimal() and not (folder / line).exists() else None
    files = list(_expand(line if n_entries is None else file.rstrip(), folder, origin))
    if n_entries is not None and len(files) != 1:
        raise InputError(
            f"{origin}the number of entries {n_entries} must stand behind one file, not "
            f"{len(files)}"
        )
    yield from files if n_entries is None else [(files[0][0], n_entries)]


def _without_comment(line: str) -> str:
    line = line.strip()
    return "" if line.startswith("#") else line.split(" #")[0].strip()
