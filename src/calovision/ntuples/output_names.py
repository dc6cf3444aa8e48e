"""Names of the outputs of several ROOT files in one folder, each by the name of its file."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from calovision.core.errors import InputError
from calovision.ntuples.paths import split_tree


def output_names(files: Sequence[Path | str], suffix: str) -> list[Path]:
    """Relative path of the output of each file: its name, with as many of its folders in front as
    tell files of one name apart.

    The name of an output depends on its own file, so that a further file never makes it that of
    another.

    Raises
    ------
    InputError
        If a file is given twice, be it with two trees.
    """
    parts = [(*own[:-1], own[-1].removesuffix(".root") + suffix) for own in map(_parts, files)]
    if len(set(parts)) < len(parts):
        twice = next(file for file, own in zip(files, parts, strict=True) if parts.count(own) > 1)
        raise InputError(
            f"{twice} is given twice; give each file once, and each tree of a file another folder"
        )
    depths = [1] * len(parts)
    while True:
        names = [own[-depth:] for own, depth in zip(parts, depths, strict=True)]
        n_of_name = Counter(names)
        if max(n_of_name.values(), default=1) == 1:
            return [Path(*name) for name in names]
        depths = [depth + (n_of_name[name] > 1) for name, depth in zip(names, depths, strict=True)]


def _parts(file: Path | str) -> tuple[str, ...]:
    """Folders and name of a file; of an address the server, too."""
    path = split_tree(file)[0]
    if "://" in path:
        path = path.split("://", 1)[1].partition("?")[0]
        return tuple(part for part in PurePosixPath(path).parts if part not in ("/", ".."))
    return tuple(part for part in Path(path).absolute().parts if part not in ("/", ".."))
