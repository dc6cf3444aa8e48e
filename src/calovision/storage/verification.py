"""Whole files compared with their checksums."""

from pathlib import Path

from calovision.storage.hdf5 import opened, read_attribute, read_content
from calovision.storage.metadata import FORMAT
from calovision.storage.reader import ImageFile


def verify_file(path: Path) -> str:
    """Read all of an image file, or of another HDF5 file that calovision writes, and compare it
    with its checksums; what was found, in words.

    Of a file without checksums, as of an older version, an image file is checked as far as the
    specification says something of its content; any other is read.

    Parameters
    ----------
    path
        HDF5 file.

    Raises
    ------
    InputError
        If it is damaged, or none of these.
    """
    path = Path(path)
    kind = format_of(path)
    if kind != FORMAT:
        found = read_content(path, compare=True)
        has_checksums = found.has_checksums
        content = f"{len(found.attributes)} attributes and {len(found.arrays)} data sets"
        without = "without checksums"
    else:
        file = ImageFile(path)
        file.check()
        has_checksums = file.has_checksums
        content = f"{len(file)} images and {len(file.events)} columns"
        without = "without checksums (version 1)"
    if has_checksums:
        return f"good, {content} fit their checksums"
    return f"{content} {without}, nothing is wrong that shows without them"


def format_of(path: Path) -> str | None:
    """The attribute ``format`` of an HDF5 file; None if it has none.

    Raises
    ------
    InputError
        If it is no HDF5 file, or the attribute is not one text.
    """
    with opened(Path(path), "HDF5 file") as file:
        found = read_attribute(path, file.attrs, "format") if "format" in file.attrs else None
        return None if found is None else str(found)
