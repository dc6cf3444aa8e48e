"""Scores of the entries of a ROOT file in a file: a friend of its tree, HDF5, or Parquet.

Each has one entry for each of the ntuple: ``score``, the probability of signal where both classes
are as frequent, and ``logit``, float32, NaN where the event fails the preselection; ``passed``. Of
more than two classes there is the probability of each instead, ``probability_top``, ... Of jets,
the scores are those of the leading ones: lists in ROOT and Parquet, in HDF5 rows padded with NaN;
a jet that fails the cuts on jets has NaN in its place. Of a target there is ``prediction``, in its
unit, in place of ``score`` and ``logit``.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import awkward as ak
import numpy as np
import uproot

from calovision.core.errors import InputError
from calovision.core.extras import MissingExtraError
from calovision.jobs.atomic import replaced
from calovision.storage.hdf5 import created
from calovision.storage.predictions import PREDICTION

TREE = "calovision_scores"
ENTRIES_AT_A_TIME = 50_000  # that wait to be written, which makes baskets of 200 kB
COLUMNS = ("score", "logit")
"""Those of a network with one logit."""


def score_columns(classes: Sequence[str], *, of_target: bool = False) -> tuple[str, ...]:
    """Columns of the scores of a network of these classes: `COLUMNS` for two; of one that learned a
    target `PREDICTION`.

    What a branch may not be called by becomes ``_``.

    Raises
    ------
    InputError
        If two columns would have one name.
    """
    if of_target:
        return (PREDICTION,)
    if len(classes) <= 2:
        return COLUMNS
    columns = tuple("probability_" + re.sub(r"\W", "_", name) for name in classes)
    if len(set(columns)) < len(columns):
        raise InputError(
            f"the classes {', '.join(classes)} would have columns of one name, "
            f"{', '.join(columns)}: score image files instead"
        )
    return columns


@dataclass(frozen=True)
class ScoredEntries:
    """Scores of entries of a tree, one after the other.

    Attributes
    ----------
    passed
        Booleans ``(n,)``.
    scores
        Columns by name, float32 ``(n,)``, or of lists ``(sum of counts,)``.
    counts
        Scores of each entry, int64 ``(n,)``; None where each has one.
    """

    passed: np.ndarray
    scores: Mapping[str, np.ndarray]
    counts: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.passed)

    @classmethod
    def joined(cls, parts: "list[ScoredEntries]") -> "ScoredEntries":
        """Entries of several parts (at least one), one after the other."""
        scores = {
            name: np.concatenate([part.scores[name] for part in parts]) for name in parts[0].scores
        }
        passed = np.concatenate([part.passed for part in parts])
        is_list = parts[0].counts is not None
        counts = np.concatenate([part.counts for part in parts]) if is_list else None
        return cls(passed, scores, counts)

    def columns(self) -> dict[str, Any]:
        """Columns by name; of jets the scores as lists."""
        found: dict[str, Any] = dict(self.scores)
        if self.counts is not None:
            found = {name: ak.unflatten(values, self.counts) for name, values in found.items()}
        return {**found, "passed": self.passed}

    def padded(self, n: int) -> dict[str, np.ndarray]:
        """Columns by name; of jets the scores in rows of n, padded with NaN."""
        if self.counts is None:
            return self.columns()
        rows = np.repeat(np.arange(len(self)), self.counts)
        place = np.arange(len(rows)) - np.repeat(np.cumsum(self.counts) - self.counts, self.counts)
        found = {name: np.full((len(self), n), np.nan, dtype=np.float32) for name in self.scores}
        for name, values in found.items():
            values[rows, place] = self.scores[name]
        return {**found, "passed": self.passed}


Append = Callable[[ScoredEntries], None]


@dataclass(frozen=True)
class Contents:
    """Description of the scores in a file.

    Attributes
    ----------
    tree
        Name of the tree in a ROOT file.
    n_jets
        Most jets of an event; None for scores of events.
    attributes
        Where they are from, for people.
    columns
        Names of the scores (`score_columns`).
    """

    tree: str
    n_jets: int | None
    attributes: Mapping[str, str | int]
    columns: tuple[str, ...] = COLUMNS


@contextmanager
def _root(path: Path, contents: Contents) -> Iterator[Append]:
    kind = "float32" if contents.n_jets is None else "var * float32"
    title = "; ".join(f"{name}: {value}" for name, value in contents.attributes.items())
    with uproot.recreate(path) as file:
        types = {**dict.fromkeys(contents.columns, kind), "passed": "bool"}
        tree = file.mktree(contents.tree, types, title=title)
        yield lambda entries: tree.extend(entries.columns())


@contextmanager
def _hdf5(path: Path, contents: Contents) -> Iterator[Append]:
    inner = () if contents.n_jets is None else (contents.n_jets,)
    shapes = {**dict.fromkeys(contents.columns, (inner, np.float32)), "passed": ((), np.bool_)}
    with created(path, for_others=True) as file:
        file.attrs.update(contents.attributes)
        columns = {
            name: file.growing(name, shape, kind, chunks=(ENTRIES_AT_A_TIME, *shape))
            for name, (shape, kind) in shapes.items()
        }

        def append(entries: ScoredEntries) -> None:
            for name, values in entries.padded(contents.n_jets or 1).items():
                columns[name].append(values)

        yield append


@contextmanager
def _parquet(path: Path, contents: Contents) -> Iterator[Append]:
    parquet = import_parquet()
    pyarrow = import_module("pyarrow")
    number = pyarrow.float32() if contents.n_jets is None else pyarrow.list_(pyarrow.float32())
    fields = [*((name, number) for name in contents.columns), ("passed", pyarrow.bool_())]
    metadata = {name: str(value) for name, value in contents.attributes.items()}
    schema = pyarrow.schema(fields, metadata=metadata)
    with parquet.ParquetWriter(path, schema) as writer:

        def append(entries: ScoredEntries) -> None:
            arrays = [
                ak.to_arrow(values, extensionarray=False, list_to32=True).cast(
                    schema.field(name).type
                )
                for name, values in entries.columns().items()
            ]
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))

        yield append


def import_parquet() -> ModuleType:
    """Module that writes Parquet; MissingExtraError, which says what to install, without it."""
    try:
        return import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "Parquet needs the package pyarrow, which is not installed: pip install "
            '"calovision[parquet]", or choose the format root or hdf5'
        ) from error


_FORMATS: dict[str, tuple[str, Callable[[Path, Contents], AbstractContextManager[Append]]]] = {
    "root": (".root", _root),
    "hdf5": (".h5", _hdf5),
    "parquet": (".parquet", _parquet),
}
SUFFIXES = {name: suffix for name, (suffix, _) in _FORMATS.items()}
"""Format -> suffix of its files."""


@contextmanager
def new_score_file(path: Path, file_format: str, contents: Contents) -> Iterator[Append]:
    """Give a function that adds entries to a new file, which is complete or not there at all.

    Raises
    ------
    InputError
        If the disk refuses the file.
    """
    waiting: list[ScoredEntries] = []
    with replaced(path) as temporary, _FORMATS[file_format][1](temporary, contents) as write:

        def append(entries: ScoredEntries) -> None:
            waiting.append(entries)
            if sum(map(len, waiting)) >= ENTRIES_AT_A_TIME:
                write(ScoredEntries.joined(waiting))
                waiting.clear()

        yield append
        if waiting:
            write(ScoredEntries.joined(waiting))
