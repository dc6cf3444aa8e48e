"""Which files may be read together: written by versions of the package that agree, and with entries of their own."""

import logging
import math
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from calovision.errors import InputError
from calovision.storage.layout import ImageMetadata

logger = logging.getLogger(__name__)


def require_one_version(versions: Iterable[tuple[Path, str]]) -> None:
    """Raise InputError unless files were written by versions of the package that give the same numbers.

    Versions that differ in their third part only are compatible, with a warning; those that differ before it, or that
    cannot be compared, are not.

    Parameters
    ----------
    versions
        Path and ``package_version`` of each file; an empty version, of files that others wrote, is not compared.
    """
    first_of: dict[str, Path] = {}
    for path, version in versions:
        if version:
            first_of.setdefault(version, path)
    (one, first), *others = first_of.items() or [("", None)]
    for version, path in others:
        if _compatible(one) != _compatible(version):
            raise InputError(
                f"{path} was written by calovision {version}, but {first} by {one}, whose images may differ: build the "
                "images again with one version"
            )
        logger.warning("%s was written by calovision %s, and %s by %s", path, version, first, one)


def require_distinct_entries(files: Iterable[tuple[Path, ImageMetadata]]) -> None:
    """Raise InputError if entries of a ROOT file are in two image files of a sample, as after jobs were cut anew.

    Whole ROOT files are not compared with each other.
    """
    parts: dict[tuple[str, str], list[tuple[int, float, Path]]] = {}
    for path, info in files:
        ranges = info.source_ranges or [None] * len(info.source_files)
        for source, entries in zip(info.source_files, ranges, strict=True):
            first, end = (0, math.inf) if entries is None else entries
            parts.setdefault(source, []).append((first, end, path))
    for found in parts.values():
        found.sort()
        for (_, end, path), (first, other_end, other) in pairwise(found):
            is_part = math.isfinite(end) or math.isfinite(other_end)
            if is_part and first < min(end, other_end):
                raise InputError(
                    f"{other} has events that {path} has, too: remove both and build the images again with one cut "
                    "into jobs"
                )


def _compatible(version: str) -> tuple[str, ...]:
    """The parts of a version that must agree."""
    return tuple(version.split(".")[:2])
