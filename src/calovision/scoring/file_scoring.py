"""Scores of the entries of one ROOT file: images are made and scored chunk by chunk."""

import pickle
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.special import expit

from calovision.conversion import ImageStream
from calovision.conversion.parallel import made_apart, read_ahead
from calovision.conversion.rows import ImageRows
from calovision.core.errors import InputError
from calovision.images import SparseImages
from calovision.models import ImageModel
from calovision.scoring.evaluation import choose_device, ensemble
from calovision.scoring.network_threads import Logits, Start, network_threads
from calovision.scoring.score_files import Contents, ScoredEntries, new_score_file
from calovision.scoring.scores import SCORING_BATCH

ROWS_AT_A_TIME = 4 * SCORING_BATCH  # that wait for the network, if few events of a chunk pass
ENTRIES_AT_A_TIME = 2**15  # that wait at most, if nearly none pass

Networks = tuple[ImageModel, ...]
Chunks = list[tuple[int, ImageRows]]


@dataclass(frozen=True)
class ScoredFile:
    """Scores of a ROOT file.

    Attributes
    ----------
    path, output
        The file, and where its scores are.
    n_entries, n_passed
        Entries, and those that pass the preselection.
    n_scored, totals
        Scores, of events or of their leading jets, and the sums of these probabilities, or
        predictions, by their column.
    """

    path: Path | str
    output: Path
    n_entries: int
    n_passed: int
    n_scored: int
    totals: Mapping[str, float]


@dataclass(frozen=True)
class FileScoring:
    """Scoring of one file, which may be sent to another process.

    Attributes
    ----------
    stream
        The images of the file.
    models, scoring
        As in `score_ntuples`.
    output, format, contents
        The file to write.
    n_processes
        Processes that share the cores of this machine.
    apart
        Make the images in a process of their own.
    """

    stream: ImageStream
    models: Networks
    output: Path
    format: str
    contents: Contents
    scoring: Mapping[str, Any] = field(default_factory=dict)
    n_processes: int = 1
    apart: bool = False

    def __getstate__(self) -> dict[str, Any]:
        # by value: torch would share the memory of the weights with the other process
        return self.__dict__ | {"models": pickle.dumps(self.models)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state | {"models": pickle.loads(state["models"])})

    def __call__(self, *, progress: Callable[[int], None] | None = None) -> ScoredFile:
        """Write the scores of the file; a damaged file leaves none."""
        found = ScoredFile(self.stream.path, self.output, 0, 0, 0, {})
        with (
            new_score_file(self.output, self.format, self.contents) as append,
            _on_device(self.models, self.scoring.get("device", "auto")),
            network_threads(self.models, self.scoring, self.n_processes) as start,
        ):
            for entries in self._scored_entries(start):
                append(entries)
                found = _added(found, entries)
                if progress is not None:
                    progress(len(entries))
        return found

    def _scored_entries(self, start: Start) -> Iterator[ScoredEntries]:
        """Scores chunk by chunk, while the images of the next ones are made."""
        at_work: deque[tuple[Chunks, Logits]] = deque()
        stream = made_apart(self.stream) if self.apart else iter(self.stream)
        for chunks in read_ahead(_joined(stream, ROWS_AT_A_TIME, ENTRIES_AT_A_TIME)):
            rows = [one for _, one in chunks]
            images = SparseImages.concatenate([one.images for one in rows])
            variables = self._model_variables(rows, len(images)) if len(images) else None
            at_work.append((chunks, start(images, variables)))
            if len(at_work) > 1:  # so that no thread of the networks waits for this one
                yield from self._finished(*at_work.popleft())
        for chunks, logits in at_work:
            yield from self._finished(chunks, logits)

    def _finished(self, chunks: Chunks, logits: Logits) -> Iterator[ScoredEntries]:
        combined = ensemble(logits(), self.models[0].specification)
        ends = np.cumsum([len(rows.event) for _, rows in chunks])[:-1]
        for (n, rows), part in zip(chunks, np.split(combined, ends), strict=True):
            yield self._entries(n, rows, part)

    def _model_variables(self, rows: Sequence[ImageRows], n: int) -> np.ndarray | None:
        """Variables that the models take beside the images, ``(n, n_variables)``; None for none."""
        names = self.models[0].specification.variables
        if not names:
            return None
        columns = []
        for name in names:
            if name not in rows[0].columns:
                raise InputError(
                    f"{self.stream.path}: the model takes the variable '{name}', which its recipe "
                    f"does not give, only {', '.join(rows[0].columns)}; score image files instead"
                )
            column = np.concatenate([one.columns[name] for one in rows])
            columns.append(column.reshape(n, -1).astype(np.float32))
            if not np.isfinite(columns[-1]).all():
                raise InputError(
                    f"{self.stream.path}: the variable '{name}', which the model takes, is not "
                    "finite for an event that passes the preselection; train a model without it"
                )
        return np.concatenate(columns, axis=1)

    def _entries(self, n: int, rows: ImageRows, scores: np.ndarray) -> ScoredEntries:
        """Scores of the n entries of a chunk."""
        numbers = (expit(scores), scores) if scores.ndim == 1 else np.exp(scores).T
        if self.models[0].specification.target:
            numbers = (scores,)
        of_all = {
            name: values.astype(np.float32)
            for name, values in zip(self.contents.columns, numbers, strict=True)
        }
        counts, place, n_scores = None, rows.event, n
        if self.contents.n_jets is not None:
            # leading jets that fail the cuts on jets have a place, too
            counts, n_scores = rows.n_leading, int(rows.n_leading.sum())
            place = (np.cumsum(counts) - counts)[rows.event] + rows.columns["jet_index"]
        for name, values in of_all.items():
            of_all[name] = np.full(n_scores, np.nan, dtype=np.float32)
            of_all[name][place] = values
        return ScoredEntries(rows.passed, of_all, counts)


def _joined(
    chunks: Iterator[tuple[int, ImageRows]], least_rows: int, most_entries: int
) -> Iterator[Chunks]:
    """Chunks together until they have so many rows, since small batches take a network longer; or
    so many entries, so that the memory does not grow where none pass.
    """
    together: Chunks = []
    n_rows = n_entries = 0
    for n, rows in chunks:
        together.append((n, rows))
        n_rows, n_entries = n_rows + len(rows.event), n_entries + n
        if n_rows >= least_rows or n_entries >= most_entries:
            yield together
            together, n_rows, n_entries = [], 0, 0
    if together:
        yield together


def _added(found: ScoredFile, entries: ScoredEntries) -> ScoredFile:
    probabilities = {name: one for name, one in entries.scores.items() if name != "logit"}
    is_scored = np.isfinite(next(iter(probabilities.values())))
    totals = {
        name: found.totals.get(name, 0.0) + float(values[is_scored].sum(dtype=np.float64))
        for name, values in probabilities.items()
    }
    return replace(
        found,
        n_entries=found.n_entries + len(entries),
        n_passed=found.n_passed + int(np.count_nonzero(entries.passed)),
        n_scored=found.n_scored + int(np.count_nonzero(is_scored)),
        totals=totals,
    )


@contextmanager
def _on_device(models: Networks, device: str) -> Iterator[None]:
    """Models on the device from chunk to chunk; afterwards they are where they were."""
    before = [
        next((tensor.device for tensor in model.state_dict().values()), torch.device("cpu"))
        for model in models
    ]
    chosen = choose_device(device)
    try:
        for model in models:
            model.to(chosen)
        yield
    finally:
        for model, old in zip(models, before, strict=True):
            model.to(old)
