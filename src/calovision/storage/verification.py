"""Whole files compared with their checksums."""

from pathlib import Path

from calovision.storage.reader import ImageFile


def verify_file(path: Path) -> str:
    """Read all of an image file and compare it with its checksums; what was found, in words.

    Of a file of version 1, which has none, what the specification says of its content is checked.

    Raises
    ------
    InputError
        If it is damaged, or no image file.
    """
    file = ImageFile(path)
    file.check()
    content = f"{len(file)} images and {len(file.events)} columns"
    if file.has_checksums:
        return f"good, {content} fit their checksums"
    return f"{content} without checksums (version 1), nothing is wrong that shows without them"
