"""ROOT files against the image files that were made of them: each entry was read once.

The numbers of entries are those at the head of the trees, counted apart from the conversion; no
branch is read.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from calovision.core.account import Count
from calovision.core.errors import InputError
from calovision.ntuples.detection import identify
from calovision.ntuples.retries import with_retries
from calovision.ntuples.schemas.schema import Schema
from calovision.storage import ImageMetadata

THREADS = 8  # most of the time goes by with waiting for disks and servers
BUILD_AGAIN = "remove the image files of the sample and build them again"


@dataclass(frozen=True)
class SampleSources:
    """ROOT files of a sample.

    Attributes
    ----------
    files
        Paths and addresses, with ``:tree`` where one was named, as image files have them in
        ``source_files``; None for those of the image files, so that a file that no job read does
        not show.
    schema
        Schema of the files; None finds the one that fits.
    retries
        How often an address that does not answer is tried again.
    """

    files: Sequence[str] | None = None
    schema: str | Schema | tuple[Schema, ...] | None = None
    retries: int = 0


class _Part(NamedTuple):
    """Entries of a ROOT file in an image file, before the clip to what the file has."""

    source: str
    uuid: str
    entries: tuple[int, int] | None
    read: Count | None
    image: Path


class Tree(NamedTuple):
    """Entries of a ROOT file, and its UUID; None where it cannot be read."""

    entries: int | None
    uuid: str


def account_entries(
    sample: str, infos: Iterable[tuple[Path, ImageMetadata]], sources: SampleSources
) -> Count:
    """Entries of ROOT files that no image file has since the files were skipped; all others are in
    one image file each.

    Parameters
    ----------
    sample
        Name, for messages.
    infos
        Path and metadata of each image file of the sample, all of ROOT files.
    sources
        ROOT files of the sample.

    Raises
    ------
    InputError
        If a ROOT file cannot be read and was not skipped, or is another one by now; if entries are
        in no image file, or in two; if an image file read another number of entries than it has, or
        is of a file that is none of the sample's.
    """
    infos = list(infos)
    parts = [part for path, info in infos for part in _parts(path, info)]
    skipped = {path for _, info in infos for path, _ in info.skipped_files}
    named = dict.fromkeys(part.source for part in parts)
    files = list(named if sources.files is None else sources.files)
    trees = look_at(files, sources, skipped)
    parts = [_named_as(part, sample, trees) for part in parts]
    of_source = {
        source: list(group)
        for source, group in groupby(sorted(parts, key=_order), lambda part: part.source)
    }
    n_skipped = 0
    for source in files:
        of_file = of_source.get(source, [])
        may_lack = source in skipped or source.rpartition(":")[0] in skipped
        n_skipped += _check_file(sample, source, trees[source], of_file, may_lack=may_lack)
    return Count(n_skipped, 0.0, 0.0)


def _named_as(part: _Part, sample: str, trees: Mapping[str, Tree]) -> _Part:
    """Part of a source by its name among the ROOT files of the sample; one that has moved since is
    known by its UUID.
    """
    if part.source in trees:
        return part
    names = [name for name, tree in trees.items() if part.uuid and tree.uuid == part.uuid]
    if len(names) != 1:
        raise InputError(
            f"sample '{sample}', images: {part.image} has events of {part.source}, which is none "
            f"of the {len(trees)} ROOT files of the sample; {BUILD_AGAIN}"
        )
    return part._replace(source=names[0])


def _order(part: _Part) -> tuple[str, int, int]:
    """Source, then entries."""
    return (part.source, *(part.entries or (0, 0)))


def _parts(path: Path, info: ImageMetadata) -> list[_Part]:
    """Entries of each source file of an image file."""
    nothing = [None] * len(info.source_files)
    read = [None if one is None else Count(*one) for one in info.source_events or nothing]
    ranges = info.source_ranges or nothing
    sources = zip(info.source_files, ranges, read, strict=True)
    return [_Part(source, uuid, entries, n, path) for (source, uuid), entries, n in sources]


def look_at(
    files: Sequence[str], sources: SampleSources, skipped: Collection[str] = ()
) -> dict[str, Tree]:
    """Entries and UUID of each ROOT file; one that was skipped need not be readable.

    Raises
    ------
    InputError
        If another cannot be read.
    """
    look = partial(_identify, skipped=skipped, sources=sources)
    with ThreadPoolExecutor(THREADS) as threads:
        return dict(zip(files, threads.map(look, files), strict=True))


def _identify(path: str, *, skipped: Collection[str], sources: SampleSources) -> Tree:
    where = path if "://" in path else Path(path)
    look = partial(identify, path, schema=sources.schema)
    try:
        return Tree(*with_retries(look, where, sources.retries))
    except InputError:
        if path in skipped or path.rpartition(":")[0] in skipped:
            return Tree(None, "")
        raise


def _check_file(
    sample: str, source: str, tree: Tree, parts: Sequence[_Part], *, may_lack: bool
) -> int:
    """Compare the entries of a ROOT file with those that image files have of it.

    Returns
    -------
    Number of entries that are in none since the file was skipped, 0 where it cannot be read.
    """
    title = f"sample '{sample}', images"
    if tree.entries is None:
        return 0
    if not parts and not may_lack:
        raise InputError(
            f"{title}: no image file has the {tree.entries:,} entries of {source}: they are lost; "
            f"{BUILD_AGAIN}"
        )
    missing = end = 0
    for number, part in enumerate(parts):
        first, stop = (0, tree.entries) if part.entries is None else part.entries
        _check_part(title, part, tree, stop - first)
        if number and first < end:
            raise InputError(
                f"{title}: {parts[number - 1].image} and {part.image} both have "
                f"{min(end, stop) - first:,} of the {tree.entries:,} entries of {source}, from "
                f"entry {first}: they count twice; {BUILD_AGAIN}"
            )
        missing += _gap(title, source, tree.entries, (end, first), may_lack=may_lack)
        end = max(end, stop)
    if end > tree.entries:
        raise InputError(
            f"{title}: {parts[-1].image} has entries of {source} up to {end:,}, but that has "
            f"{tree.entries:,} now; {BUILD_AGAIN}"
        )
    return missing + _gap(title, source, tree.entries, (end, tree.entries), may_lack=may_lack)


def _check_part(title: str, part: _Part, tree: Tree, n_entries: int) -> None:
    """Raise InputError unless an image file read all its entries, of this very ROOT file."""
    if part.read is not None and part.read.n != n_entries:
        raise InputError(
            f"{title}: {part.image} was made of {part.read.n:,} entries of {part.source}, which "
            f"has {n_entries:,} there; {BUILD_AGAIN}"
        )
    if part.uuid and tree.uuid and part.uuid != tree.uuid:
        raise InputError(
            f"{title}: {part.source} was replaced after {part.image} was made of it: it has the "
            f"UUID {tree.uuid} and {tree.entries:,} entries, but had {part.uuid}; {BUILD_AGAIN}"
        )


def _gap(
    title: str, source: str, n_entries: int, entries: tuple[int, int], *, may_lack: bool
) -> int:
    """Number of entries between two parts; InputError if there are any and none may lack."""
    first, end = entries
    if end > first and not may_lack:
        raise InputError(
            f"{title}: no image file has the {end - first:,} entries {first:,} to {end - 1:,} of "
            f"the {n_entries:,} of {source}: they are lost; {BUILD_AGAIN}"
        )
    return max(end - first, 0)
