"""A list of image files as one data set; nothing is merged on disk."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from calovision.errors import InputError
from calovision.storage.layout import ImageMetadata
from calovision.storage.reader import ImageFile


class ImageCollection:
    """Image files of several samples, addressed by one event index over all of them.

    Parameters
    ----------
    paths
        The files, in any order; those of one sample may be many.

    Raises
    ------
    InputError
        If there is no file, or their grid or channels differ, or the label or preselection of a sample.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self.files = [ImageFile(path) for path in paths]
        if not self.files:
            raise InputError("no image file given: name at least one")
        first = self.files[0]
        labels: dict[str, int] = {}
        for file in self.files:
            same = (file.metadata.grid, file.metadata.channels) == (
                first.metadata.grid,
                first.metadata.channels,
            )
            if not same:
                raise InputError(f"{file.path}: its grid or channels differ from those of {first.path}")
            one = self.of_sample(file.metadata.sample)[0]
            if list(file.metadata.selection.items()) != list(one.metadata.selection.items()):
                raise InputError(f"{file.path}: its preselection differs from that of {one.path}: build both again")
            if labels.setdefault(file.metadata.sample, file.metadata.label) != file.metadata.label:
                raise InputError(f"{file.path}: sample '{file.metadata.sample}' has another label in another file")
        self.samples: dict[str, int] = labels
        self._starts = np.concatenate([[0], np.cumsum([len(file) for file in self.files])])

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def metadata(self) -> ImageMetadata:
        """Attributes of the first file; its grid, channels and units hold for all."""
        return self.files[0].metadata

    def of_sample(self, sample: str) -> list[ImageFile]:
        """Files of one sample."""
        return [file for file in self.files if file.metadata.sample == sample]

    def column(self, name: str) -> np.ndarray:
        """One event column over all files, ``(n_events, ...)``."""
        return np.concatenate([file.events[name] for file in self.files])

    def sample_names(self) -> np.ndarray:
        """Name of the sample of every event, ``(n_events,)``."""
        return np.concatenate([np.full(len(file), file.metadata.sample, dtype=object) for file in self.files])

    def event_weights(self, luminosity_fb: float) -> np.ndarray:
        """Expected number of events that each event stands for, ``(n_events,)``.

        cross-section * luminosity * generator weight / sum of the generator weights of all generated
        events of the sample, over all its files; 1 pb = 1000 fb. Where the files of a sample carry
        the generator's own estimates of the cross-section, their mean weighted by ``n_generated`` counts.
        """
        scale = {}
        for sample in self.samples:
            infos = [file.metadata for file in self.of_sample(sample)]
            cross_section_pb = np.average(
                [info.cross_section_pb for info in infos],
                weights=[max(info.n_generated, 1) for info in infos],
            )
            scale[sample] = 1000 * luminosity_fb * cross_section_pb / sum(info.sum_of_weights for info in infos)
        return np.concatenate([file.events["weight"] * scale[file.metadata.sample] for file in self.files])

    def cut_flow(self, sample: str) -> list[tuple[str, int, float]]:
        """(cut, number of events, sum of generator weights) of a sample, summed over its files."""
        flows = [file.metadata.cut_flow for file in self.of_sample(sample)]
        return [
            (rows[0][0], sum(row[1] for row in rows), sum(row[2] for row in rows)) for rows in zip(*flows, strict=True)
        ]

    def require_events(self) -> None:
        """Raise InputError if a sample has no event that passed, or there is one class only."""
        for sample, label in self.samples.items():
            files = self.of_sample(sample)
            if not any(len(file) for file in files):
                generated = sum(file.metadata.n_generated for file in files)
                raise InputError(
                    f"sample '{sample}': none of its {generated} events passes the preselection; give more events or "
                    "loosen selection.preselection in the configuration"
                )
            if set(self.samples.values()) == {label}:
                raise InputError(
                    f"all samples have the label {label}: give at least one sample with label 1 (signal) and one with 0"
                )

    def dense(self, indices: np.ndarray) -> np.ndarray:
        """Images of the given events in the order given, float32 ``(n, n_channels, n_eta, n_phi)``."""
        indices = np.asarray(indices, dtype=np.int64)
        images = np.empty((len(indices), *self.metadata.image_shape), dtype=np.float32)
        owner = np.searchsorted(self._starts, indices, side="right") - 1
        for number in np.unique(owner):
            mine = owner == number
            images[mine] = self.files[number].dense(indices[mine] - self._starts[number])
        return images

    def mean_image(self, chosen: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Weighted mean of the images of the chosen events, float64 ``(n_channels, n_eta, n_phi)``.

        ``chosen`` is boolean and ``weights`` float, ``(n_events,)`` each; a thousand images are in memory at a time.
        """
        total = np.zeros(self.metadata.image_shape)
        indices = np.flatnonzero(chosen)
        for start in range(0, len(indices), 1000):
            block = indices[start : start + 1000]
            total += np.tensordot(weights[block], self.dense(block), axes=1)
        return total / weights[indices].sum()
