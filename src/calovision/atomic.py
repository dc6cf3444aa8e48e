"""Files that are complete or not there, and one sentence where the disk does not take them."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from calovision.errors import InputError

_REFUSALS = {
    errno.ENOSPC: "the disk is full: make room, or choose a folder on another disk",
    errno.EDQUOT: "your quota is exceeded: remove files, or choose a folder on another disk",
    errno.EFBIG: "it is larger than files may be here: raise the limit (ulimit -f), or choose a folder on another disk",
    errno.EROFS: "the disk is read-only: choose a folder on another disk",
    errno.EACCES: "that is not permitted: choose a folder that you may write to",
    errno.EPERM: "that is not permitted: choose a folder that you may write to",
    errno.ENOTDIR: "a file is where a folder must be: choose another path",
    errno.EEXIST: "a file is where a folder must be: choose another path",
    errno.EISDIR: "it is a folder: choose another path",
}
_ERRNO_IN_TEXT = re.compile(r"errno = (\d+)")  # HDF5 tells it so


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` to write to; rename it at the end, remove it after an exception.

    The folder is created. The temporary name is always the same, so that what a killed job left is overwritten, and
    keeps the suffix, by which some writers choose the format.

    Raises
    ------
    InputError
        If the disk is full or read-only, the quota exceeded, or the folder may not be written to.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.part{path.suffix}")
    with refused_by_disk(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            temporary.replace(path)
        finally:
            with suppress(OSError):  # the first error counts
                temporary.unlink(missing_ok=True)


@contextmanager
def refused_by_disk(path: Path) -> Iterator[None]:
    """Raise InputError, one sentence that names ``path``, where a disk, a quota or permissions refuse to write it.

    What goes wrong with files elsewhere, which are read meanwhile, stays as it is.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:  # HDF5 raises either
        reason = why_refused(error)
        if reason is None or not _is_about(error, Path(path)):
            raise
        raise InputError(f"{path} cannot be written, as {reason}") from error


def why_refused(error: BaseException) -> str | None:
    """Reason and way out if a disk refuses to write; None for every other error."""
    number = getattr(error, "errno", None)
    in_text = _ERRNO_IN_TEXT.search(str(error))
    return _REFUSALS.get(number) or (_REFUSALS.get(int(in_text[1])) if in_text else None)


def _is_about(error: BaseException, path: Path) -> bool:
    """Whether an error names no file, one beside ``path``, or a folder above it."""
    named = getattr(error, "filename", None)
    if not isinstance(named, str | bytes | os.PathLike):
        return True
    folder, named = Path(os.path.abspath(path.parent)), Path(os.path.abspath(os.fsdecode(named)))  # noqa: PTH100
    return named.is_relative_to(folder) or folder.is_relative_to(named)
