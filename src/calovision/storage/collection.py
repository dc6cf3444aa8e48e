"""A list of image files as one data set; nothing is merged on disk."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import pairwise
from operator import add
from pathlib import Path
from typing import Any

import numpy as np

from calovision.core.classes import OF_ROWS
from calovision.core.errors import InputError
from calovision.core.splits import Folds
from calovision.images import SparseImages
from calovision.images.requests import check_rows, prepare_output
from calovision.images.sparse import Rows, gather
from calovision.jets.variables import Variable
from calovision.selection.formulas import compute_formula
from calovision.storage.compatibility import require_compatible
from calovision.storage.metadata import ImageMetadata
from calovision.storage.normalization import (
    add_cut_flows,
    add_warnings,
    expected_per_weight,
    mean_cross_section,
)
from calovision.storage.reader import ImageFile
from calovision.storage.recipes import common_recipe, with_variables
from calovision.storage.statistics import PixelStatistics, standardize
from calovision.storage.variables import read_variable

BLOCK = 1000  # images in memory at a time
FEW_FILES = 64  # whose maps may all be in use at a time


class ImageCollection:
    """Image files of several samples, addressed by one index over all of them.

    Parameters
    ----------
    paths
        The files, in any order; those of one sample may be many.
    outside
        As in `ImageFile`.
    variables
        Variables of the user's own by name, which `column` gives beside the columns of the files:
        formulas are computed, branches stand in ``tables``.
    tables
        Files with variables of branches (`calovision.storage.variables`), one for each of
        ``paths``, in their order; none if no variable needs them.

    Raises
    ------
    InputError
        If there is no file, or their kind, grid, channels or jet recipe differ, or the label or
        preselection of a sample; if versions of calovision wrote them that do not give the same
        numbers, or one has entries of a ROOT file that another has, too; if the files of a sample
        are not made of the same things, or two samples share a ROOT file without a common
        ``split_group``.
    """

    def __init__(
        self,
        paths: Iterable[Path],
        *,
        outside: bool = False,
        variables: Mapping[str, Variable] | None = None,
        tables: Sequence[Path] = (),
    ) -> None:
        self.files = [ImageFile(path, outside=outside) for path in paths]
        if not self.files:
            raise InputError("no image file given: name at least one")
        self.variables = dict(variables or {})
        self._tables = [Path(path) for path in tables]
        if self._tables and len(self._tables) != len(self.files):
            raise InputError(
                f"{len(self._tables)} files of variables for {len(self.files)} image files: give "
                "one for each"
            )
        self._of_sample: dict[str, list[ImageFile]] = {}
        for file in self.files:
            self._of_sample.setdefault(file.metadata.sample, []).append(file)
        self.samples = {name: files[0].metadata.label for name, files in self._of_sample.items()}
        require_compatible(self.files)
        self._starts = np.concatenate([[0], np.cumsum([len(file) for file in self.files])])
        self._statistics: PixelStatistics | None = None

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def metadata(self) -> ImageMetadata:
        """Attributes of the first file; its kind, grid, channels and units hold for all."""
        return self.files[0].metadata

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, whose positions are the labels; none where 0 is background and 1
        signal.
        """
        return self.metadata.classes

    @property
    def recipe(self) -> dict[str, Any] | None:
        """Recipe that the files have in common (`common_recipe`), with the variables of the user's
        own; None where it is not known.
        """
        return with_variables(common_recipe([one.metadata for one in self.files]), self.variables)

    @property
    def skipped_files(self) -> list[tuple[str, str]]:
        """(path, reason) of every ROOT file that was left out when the images were built; parts of
        one count once.
        """
        return list(
            dict.fromkeys(skipped for file in self.files for skipped in file.metadata.skipped_files)
        )

    def warnings(self, sample: str) -> list[tuple[str, str, int]]:
        """(what it is about, sentence, number of ROOT files) of the files of a sample."""
        return add_warnings([file.metadata for file in self.of_sample(sample)])

    def of_sample(self, sample: str) -> list[ImageFile]:
        """Files of one sample."""
        return list(self._of_sample.get(sample, []))

    def column(self, name: str) -> np.ndarray:
        """One event column over all files, or a variable of the user's own, ``(n_events, ...)``.

        Raises
        ------
        InputError
            If a file does not have it; only the number, label, weight and split of an event are in
            all files. If a variable cannot be computed, or its table is of other events.
        """
        own = self.variables.get(name)
        for file in self.files:
            if name not in file.events:
                if own is not None:
                    return self._own_column(own)
                raise InputError(
                    f"{file.path}: no column '{name}', only {', '.join(file.events)}: build the "
                    "images again with the "
                    "jets or variables that give it"
                )
        return np.concatenate([file.events.read(name) for file in self.files])

    def _own_column(self, variable: Variable) -> np.ndarray:
        """A variable that the files lack."""
        if variable.formula is not None:
            return compute_formula(variable, self.column)
        if not self._tables:
            raise InputError(
                f"variable '{variable.name}': neither the image files nor a table have its values; "
                "make the table, or the images with it"
            )
        tables = zip(self._tables, self.files, strict=True)
        return np.concatenate([read_variable(path, file, variable) for path, file in tables])

    def sample_names(self) -> np.ndarray:
        """Name of the sample of every event, ``(n_events,)``."""
        return np.concatenate(
            [np.full(len(file), file.metadata.sample, dtype=object) for file in self.files]
        )

    def splits(self, folds: Folds | None = None, fold: int | None = None) -> np.ndarray:
        """Split of every event, positions in `SPLITS`, uint8 ``(n_events,)``: that of the files or,
        with folds, that for the network of one of them.
        """
        if folds is None:
            return self.column("split")
        return np.concatenate(
            [folds.splits(fold, *_drawn_from(file)) for file in self.files], dtype=np.uint8
        )

    def folds(self, folds: Folds) -> np.ndarray:
        """Fold of every event, from 0, int64 ``(n_events,)``."""
        return np.concatenate([folds.assign(*_drawn_from(file)) for file in self.files])

    def event_weights(self, luminosity_fb: float) -> np.ndarray:
        """Expected number of events that each event stands for, ``(n_events,)``.

        cross-section * luminosity * generator weight / sum of the generator weights of all
        generated events of the sample, over all its files; 1 pb = 1000 fb. Where the files of a
        sample carry the generator's own estimates of the cross-section, their mean weighted by
        ``n_generated`` counts. ROOT files that were skipped are in neither sum, which corrects the
        weights of the others for them.

        Raises
        ------
        InputError
            If the generator weights of a sample that has events do not sum up to a positive number,
            or its cross-section is not known.
        """
        scale = {
            sample: expected_per_weight(sample, [file.metadata for file in files], luminosity_fb)
            for sample, files in self._of_sample.items()
            if any(map(len, files))
        }
        return np.concatenate(
            [
                file.events.read("weight") * scale.get(file.metadata.sample, 0.0)
                for file in self.files
            ]
        )

    def cut_flow(self, sample: str) -> list[tuple[str, int, float]]:
        """(cut, number of events, sum of generator weights) of a sample, summed over its files."""
        return add_cut_flows(file.metadata for file in self.of_sample(sample))

    def jet_cut_flow(self, sample: str) -> list[tuple[str, int, float]]:
        """The same of the cuts on the jets of jet images; empty for images of events."""
        return add_cut_flows((file.metadata for file in self.of_sample(sample)), "jet_cut_flow")

    def cross_section_pb(self, sample: str) -> float:
        """Cross-section of a sample, pb: the mean of its files by their generated events."""
        return mean_cross_section(file.metadata for file in self.of_sample(sample))

    def require_events(self, *, of_classes: bool = True) -> None:
        """Raise InputError if a sample has no event that passed or, where classes are told apart,
        there is one class only.
        """
        for sample, label in self.samples.items():
            files = self.of_sample(sample)
            if not any(len(file) for file in files):
                raise InputError(f"sample '{sample}': {self._why_empty(sample)}")
            if of_classes and set(self.samples.values()) == {label} != {OF_ROWS}:
                wanted = (
                    "sample of each class"
                    if self.classes
                    else "sample with label 1 (signal) and one with 0"
                )
                raise InputError(f"all samples have the label {label}: give at least one {wanted}")

    def _why_empty(self, sample: str) -> str:
        """Sentence on a sample without rows."""
        steps = [*self.cut_flow(sample), *self.jet_cut_flow(sample)]
        if self.metadata.kind == "event" and self.samples[sample] != OF_ROWS:
            generated = sum(file.metadata.n_generated for file in self.of_sample(sample))
            return (
                f"none of its {generated} events passes the preselection; give more events or "
                "loosen selection.preselection in the configuration"
            )
        for (before, n_before, _), (step, n_rows, _) in pairwise(steps):
            if n_rows == 0:
                return (
                    f"no row is left after the step '{step}', of {n_before} after '{before}'; give "
                    "more events, or loosen the cuts (selection.preselection, fat_jets, "
                    "images.jets.selection) or labels"
                )
        return "it has no row; give more events"

    def dense(
        self,
        indices: Sequence[int] | np.ndarray,
        out: np.ndarray | None = None,
        *,
        threads: int = 1,
    ) -> np.ndarray:
        """Images of the given events in the order given, float32 ``(n, n_channels, n_eta, n_phi)``.

        ``out`` and ``threads`` as in `ImageFile.dense`; IndexError if an event does not exist.
        """
        indices = check_rows(indices, len(self))
        images = prepare_output(out, (len(indices), *self.metadata.image_shape))
        for file, rows, targets in self._by_file(indices):
            file.rows.densify(images, rows, targets, threads=threads)
        return images if out is None else out

    def sparse(self, indices: Sequence[int] | np.ndarray) -> SparseImages:
        """Images of the given events as sparse rows, in the order given.

        Raises
        ------
        IndexError
            If an event does not exist.
        InputError
            If a file is damaged.
        """
        indices = check_rows(indices, len(self))
        if len(self.files) <= FEW_FILES:
            owned = list(self._by_file(indices))
            parts = [file.rows.select(rows, targets) for file, rows, targets in owned]
            images = gather(parts, len(indices), self.metadata.image_shape)
            for file, _, _ in owned:
                file.rows.require_unchanged()
            return images
        images = SparseImages.empty(self.row_lengths(indices), self.metadata.image_shape)
        # one after the other, since each map costs a descriptor
        for file, rows, targets in self._by_file(indices):
            images.put(file.rows.select(rows, targets))
            file.rows.require_unchanged()
        return images

    def iterate(
        self, indices: Sequence[int] | np.ndarray, chunk_size: int = BLOCK
    ) -> Iterator[tuple[np.ndarray, SparseImages]]:
        """Positions in ``indices`` and sparse images there, in the order of the files, read once
        and not mapped.

        At most ``chunk_size`` rows of a file are in memory at a time. Errors as those of `sparse`.
        """
        for images, rows, targets in self._pieces(check_rows(indices, len(self)), chunk_size):
            is_whole = np.array_equal(rows, np.arange(len(images)))
            yield targets, images if is_whole else images.take(rows)

    def load(self, indices: Sequence[int] | np.ndarray) -> SparseImages:
        """Images as `sparse` gives them, for many events: the files are read in their order, and
        not mapped.
        """
        indices = check_rows(indices, len(self))
        images = SparseImages.empty(self.row_lengths(indices), self.metadata.image_shape)
        for part in self._pieces(indices, BLOCK):
            images.put(part)
        return images

    def row_lengths(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Number of stored cells of each of the given events, int64 ``(n,)``; errors as those of
        `sparse`.
        """
        indices = check_rows(indices, len(self))
        lengths = np.empty(len(indices), dtype=np.int64)
        for file, rows, targets in self._by_file(indices):
            lengths[targets] = file.rows.lengths(rows)
        return lengths

    def _by_file(self, indices: np.ndarray) -> Iterator[tuple[ImageFile, np.ndarray, np.ndarray]]:
        """Each file that has some of the events, their rows in it, and their positions in
        ``indices``.
        """
        if len(self.files) == 1:
            yield self.files[0], indices, np.arange(len(indices))
            return
        from calovision.images.sparse_kernels import divide

        owners, bounds, rows, targets = divide(self._starts, indices)
        for number, (begin, end) in zip(owners.tolist(), pairwise(bounds.tolist()), strict=True):
            yield self.files[number], rows[begin:end], targets[begin:end]

    def _pieces(self, indices: np.ndarray, chunk_size: int) -> Iterator[Rows]:
        """The events sorted, at most ``chunk_size`` rows of a file at a time, which are read as one
        piece.
        """
        for file, rows, targets in self._by_file(indices):
            order = np.argsort(rows, kind="stable")
            blocks = rows[order] // chunk_size
            for chosen in np.split(order, np.flatnonzero(np.diff(blocks)) + 1):
                if len(chosen):
                    yield file.rows.select(rows[chosen], targets[chosen], read=True)

    def statistics(self) -> PixelStatistics:
        """Pixel statistics of the training split over all files: the stored ones, or from the
        images where none are.
        """
        return reduce(add, (file.training_statistics() for file in self.files))

    def statistics_of(self, indices: Sequence[int] | np.ndarray) -> PixelStatistics:
        """Pixel statistics of the given events, each counted once; a thousand images are in memory
        at a time.
        """
        found = PixelStatistics.empty(self.metadata.image_shape)
        for _, images in self.iterate(indices):
            found.add(images, np.ones(len(images), dtype=bool))
        return found

    def standardized(self, indices: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Images as `dense` gives them, zero-centered and standardized as far as the jet recipe of
        the files says so.

        Raises
        ------
        InputError
            If no image of the files is of the training split, whose statistics are taken.
        """
        images = self.dense(indices, out=out)
        recipe = self.metadata.jet_recipe or {}
        zero_center = recipe.get("zero_center", False)
        floor = recipe.get("standardize")
        if not zero_center and floor is None:
            return images
        if self._statistics is None:
            self._statistics = self.statistics()
        return standardize(
            images, self._statistics, zero_center=zero_center, floor=floor, out=images
        )

    def mean_image(self, chosen: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Weighted mean of the images of the chosen events, float64 ``(n_channels, n_eta, n_phi)``.

        ``chosen`` is boolean and ``weights`` float, ``(n_events,)`` each; a thousand images are in
        memory at a time.
        """
        total = np.zeros(self.metadata.image_shape)
        indices = np.flatnonzero(chosen)
        for start in range(0, len(indices), BLOCK):
            block = indices[start : start + BLOCK]
            total += np.tensordot(weights[block], self.dense(block), axes=1)
        return total / weights[indices].sum()


def _drawn_from(file: ImageFile) -> tuple[str, np.ndarray]:
    """Name and event numbers that the splits and folds of a file are drawn from."""
    info = file.metadata
    return info.split_group or info.sample, file.events.read("event_number")
