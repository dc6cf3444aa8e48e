"""Hash of code that decides a result: as a parameter of a rule it reruns the rule after an edit.

It is the same wherever the package lies and whenever its files were written; as inputs of a rule
the files would make everything again in another clone.
"""

import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
SUFFIXES = (".py", ".j2", ".css", ".js", ".yaml")


@cache
def package_digest(*names: str, files: tuple[str, ...] = ()) -> str:
    """Hash of modules and subpackages of calovision, and of other files.

    Parameters
    ----------
    names
        Modules (``"images.grid"``) and subpackages (``"images"``) with all inside of them.
    files
        Paths of scripts that call them, and of texts.

    Raises
    ------
    FileNotFoundError
        If there is no such module or file.
    """
    digest = hashlib.sha256()
    for file in [*_files_of(names), *map(Path, files)]:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _files_of(names: tuple[str, ...]) -> list[Path]:
    files = []
    for name in names:
        folder = PACKAGE / name.replace(".", "/")
        in_folder = sorted(path for path in folder.rglob("*.*") if path.suffix in SUFFIXES)
        files += in_folder if folder.is_dir() else [folder.with_suffix(".py")]
    return files
