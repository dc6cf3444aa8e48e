"""Drills of image files: what they hold is another thing, a bit is another one, they end early."""

from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import damage
import h5py
import numpy as np
from conftest import REPOSITORY

from calovision.storage import ImageCollection, ImageFile
from faults.cases import Case, Drill, Judgement, Outcome, judge
from faults.changed_bytes import Change, flips, truncations

VERSION_1 = "version1_jets.h5"
NEW = "images.h5"
NO_CHECKSUM = "a file of version 1 has no checksum"


@cache
def original(name: str) -> bytes:
    """A good file: of version 1, as it is in the repository, or as it is written now."""
    if name == VERSION_1:
        return (REPOSITORY / "tests" / "data" / VERSION_1).read_bytes()
    with TemporaryDirectory() as folder:
        return damage.write_good(Path(folder) / name).read_bytes()


@cache
def _good(name: str) -> tuple[dict[str, bytes], bool]:
    """What is read of a good file, and whether it has checksums."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(original(name))
        with h5py.File(path) as file:
            return read_images(path), int(file.attrs["version"]) > 1


def read_images(path: Path, *, attributes: bool = True) -> dict[str, bytes]:
    """All of a file: name -> bytes that two equal ones share."""
    file, collection = ImageFile(path), ImageCollection([path])
    rows = np.arange(len(file))
    images = file.dense(rows)
    if not np.array_equal(images[::-1], collection.load(rows[::-1]).dense()):
        raise AssertionError("two ways to read differ")
    found = {name: np.float64(file.events[name]).tobytes() for name in file.events}
    found |= {"images": images.tobytes()}
    statistics = collection.statistics()
    sums = (statistics.n, statistics.total, statistics.total_of_squares)
    found["statistics"] = b"".join(np.float64(one).tobytes() for one in sums)
    if attributes:
        found |= {f"@{name}": repr(value).encode() for name, value in vars(file.metadata).items()}
    return found


def _judge_bytes(name: str, change: Change, folder: Path) -> Judgement:
    good, has_checksums = _good(name)
    path = folder / name
    path.write_bytes(change.of(original(name)))
    judgement = judge(lambda: read_images(path), good.__eq__, name)
    return judgement if has_checksums else _unavoidable(judgement)


def _unavoidable(judgement: Judgement) -> Judgement:
    if judgement.outcome is Outcome.WRONG:
        return Judgement(Outcome.UNAVOIDABLE, NO_CHECKSUM)
    return judgement


def _judge_structure(case: str, folder: Path) -> Judgement:
    """A damaged file gives the good numbers, or a sentence.

    Where only an attribute is another one, the numbers are the good ones, of which it may say
    another thing.
    """
    good, has_checksums = _good(NEW)
    path = folder / NEW
    path.write_bytes(original(NEW))
    with h5py.File(path, "r+") as file:
        damage.cases()[case](file)
    of_numbers = {name: value for name, value in good.items() if name in _NUMBERS}

    def is_right(found: dict[str, bytes]) -> bool:
        return all(found.get(name) == value for name, value in of_numbers.items())

    judgement = judge(lambda: read_images(path, attributes=False), is_right, NEW, "sample '")
    return judgement if has_checksums else _unavoidable(judgement)


_NUMBERS = {name.removeprefix("events/") for name in damage.COLUMNS} | {"images"}


def _structured(seed: int, n_cases: int | None) -> Iterator[Case]:
    names = list(damage.cases())
    if n_cases is not None:
        names = list(np.random.default_rng(seed).choice(names, n_cases, replace=False))
    _good(NEW)
    for name in names:
        yield Case(name, partial(_judge_structure, name))


def _bytes(make: str, name: str, share: int, seed: int, n_cases: int | None) -> Iterator[Case]:
    rng = np.random.default_rng([seed, len(make), len(name)])
    n, size = n_cases or share, len(original(name))
    _good(name)
    changes = truncations(rng, size, n) if make == "truncated" else flips(rng, np.arange(size), n)
    for change in changes:
        yield Case(f"{name}: {change}", partial(_judge_bytes, name, change))


IMAGES_STRUCTURED = Drill("images_structured", "Image files, other content", _structured)
IMAGES_FLIPS = Drill(
    "images_flips", "Image files, a bit flipped", partial(_bytes, "flip", NEW, 300)
)
IMAGES_FLIPS_1 = Drill(
    "images_flips_1",
    "Image files of version 1, a bit flipped",
    partial(_bytes, "flip", VERSION_1, 300),
    note=f"{NO_CHECKSUM}: a number that is possible is taken",
)
IMAGES_TRUNCATED = Drill(
    "images_truncated", "Image files truncated", partial(_bytes, "truncated", NEW, 50)
)
IMAGES_TRUNCATED_1 = Drill(
    "images_truncated_1",
    "Image files of version 1 truncated",
    partial(_bytes, "truncated", VERSION_1, 50),
)
IMAGE_DRILLS = (
    IMAGES_STRUCTURED,
    IMAGES_FLIPS,
    IMAGES_TRUNCATED,
    IMAGES_FLIPS_1,
    IMAGES_TRUNCATED_1,
)
