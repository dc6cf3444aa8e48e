"""Batches of an image collection in order or shuffled, each process its share."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from calovision.core.errors import InputError
from calovision.datasets.batches import ImageBatch
from calovision.datasets.memory import loading_pays
from calovision.datasets.symmetry import draw_elements, symmetries
from calovision.datasets.variables import load_variables
from calovision.images import SparseImages
from calovision.images.requests import check_rows
from calovision.storage import ImageCollection


@dataclass(frozen=True)
class Process:
    """Number of a process, and of all that share the events.

    Of every ``batch_size * world_size`` events in order, process ``rank`` takes every
    ``world_size``-th from its own on. All processes get equally many: without ``shuffle`` some
    events at the beginning are read twice for that, with it some are left out.

    Raises
    ------
    InputError
        If the rank is not between 0 and ``world_size - 1``.
    """

    rank: int = 0
    world_size: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.world_size:
            raise InputError(
                f"process {self.rank} of {self.world_size}: processes are counted from 0 to one "
                "less than their number"
            )


@dataclass(frozen=True)
class Reading:
    """Source and pace of the batches.

    Parameters
    ----------
    in_memory
        True copies the images into memory once, False reads them from the files, "auto" copies
        where it pays and they fit into a quarter of the memory that is available
        (`calovision.datasets.memory.loading_pays`).
    prefetch
        Number of batches that a thread reads ahead.
    pin_memory
        Give the batches in page-locked memory.

    Raises
    ------
    InputError
        If an option is out of range.
    """

    in_memory: bool | str = "auto"
    prefetch: int = 0
    pin_memory: bool = False

    def __post_init__(self) -> None:
        if self.in_memory not in (True, False, "auto"):
            raise InputError(
                f"in_memory '{self.in_memory}' is unknown: choose from auto, True, False"
            )
        if self.prefetch < 0:
            raise InputError(
                f"prefetch {self.prefetch}: the number of batches read ahead must not be negative"
            )


class ImageLoader:
    """Iterable of `ImageBatch`, a whole epoch at a time; reading is fast enough to need no worker
    processes.

    The order and the elements of the symmetry group depend on the seed, the epoch and the event
    alone, so that a run that is resumed, or divided among processes, sees the same images. The
    object pickles without the images.

    Parameters
    ----------
    collection
        The image files.
    indices
        Numbers of the events in the collection, ``(n,)``.
    weights
        Training weight of each of them, ``(n,)``; 1 if None.
    labels
        What the network learns of each of them, ``(n,)``; None for its class.
    variables
        Names of event columns to be given beside the images.
    batch_size
        Images of a batch of one process.
    shuffle
        Another order in every epoch. A short last batch is left out unless it is the only one.
    augmentation
        Turn and mirror each image by a random element of its symmetry group.
    seed
        Of the order and of the elements.
    process
        Number of this process among those that share the events.
    reading
        Whether the images are kept in memory and read ahead.

    Attributes
    ----------
    start_batch
        First batch of the next iteration, for resuming inside an epoch; 0 again for those after it.
    epoch
        As `set_epoch` set it, 0 at first.

    Raises
    ------
    InputError
        If the batch size is not positive, or weights or variables do not fit or are not finite.
    IndexError
        If an event does not exist.
    """

    def __init__(
        self,
        collection: ImageCollection,
        indices: Sequence[int] | np.ndarray,
        *,
        weights: np.ndarray | None = None,
        labels: np.ndarray | None = None,
        variables: Sequence[str] = (),
        batch_size: int = 64,
        shuffle: bool = False,
        augmentation: bool = False,
        seed: int = 0,
        process: Process = Process(),
        reading: Reading = Reading(),
    ) -> None:
        if batch_size < 1:
            raise InputError(f"batch size {batch_size}: a batch needs at least one image")
        self.collection = collection
        self.indices = check_rows(indices, len(collection))
        labels = collection.column("label")[self.indices] if labels is None else labels
        self.labels = np.asarray(labels, dtype=np.float32)
        self.weights = _check_weights(weights, len(self.indices))
        self.variables = load_variables(collection, self.indices, variables)
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.process = process
        self.reading = reading
        self.start_batch = 0
        self.epoch = 0
        self._symmetries = symmetries(collection.metadata) if augmentation else None
        self._in_memory = reading.in_memory
        self._images: SparseImages | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_images": None}  # another process loads its own

    def set_epoch(self, epoch: int) -> None:
        """Choose the order and the elements of the next iteration."""
        self.epoch = epoch

    @property
    def n_events(self) -> int:
        """Number of images of an epoch over all processes, those that are read twice included."""
        n = len(self.indices)
        n_processes = self.process.world_size
        if self.shuffle and n >= self._together:
            return n // self._together * self._together
        if self.shuffle:
            return max(n // n_processes, min(n, 1)) * n_processes
        return -(-n // n_processes) * n_processes

    @property
    def _together(self) -> int:
        """Images of one batch of all processes."""
        return self.batch_size * self.process.world_size

    def __len__(self) -> int:
        return -(-self.n_events // self._together)

    def __iter__(self) -> Iterator[ImageBatch]:
        numbers = range(self.start_batch, len(self))
        self.start_batch = 0
        elements = None
        if self._symmetries is not None:
            elements = torch.from_numpy(
                draw_elements(self._symmetries, self.indices, self.seed, self.epoch)
            )
        read = partial(self._batch, self._order(), elements)
        if self.reading.prefetch:
            return _read_ahead(read, numbers, self.reading.prefetch)
        return map(read, numbers)

    def _order(self) -> np.ndarray:
        """Positions in ``indices`` for all processes, int64 ``(n_events,)``."""
        order = np.arange(len(self.indices))
        if self.shuffle:
            np.random.default_rng([self.seed % 2**64, self.epoch]).shuffle(order)
        return np.resize(order, self.n_events)

    def _batch(self, order: np.ndarray, elements: torch.Tensor | None, number: int) -> ImageBatch:
        """One batch of an epoch; ``elements`` are those of all events of ``indices``."""
        of_all = order[number * self._together : (number + 1) * self._together]
        chosen = of_all[self.process.rank :: self.process.world_size]
        batch = ImageBatch.from_images(
            self._read(chosen),
            torch.from_numpy(self.indices[chosen]),
            labels=torch.from_numpy(self.labels[chosen]),
            weights=torch.from_numpy(self.weights[chosen]),
            variables=torch.from_numpy(self.variables[chosen]),
            elements=None if elements is None else elements[torch.from_numpy(chosen)],
        )
        return batch.pin_memory() if self.reading.pin_memory else batch

    def _read(self, chosen: np.ndarray) -> SparseImages:
        """Sparse rows of some positions, from memory or from the files."""
        if self._in_memory == "auto":
            n_stored = int(self.collection.row_lengths(self.indices).sum())
            self._in_memory = loading_pays(
                self.collection,
                len(self.indices),
                n_stored,
                n_processes=self.process.world_size,
            )
        if not self._in_memory:
            return self.collection.sparse(self.indices[chosen])
        if self._images is None:
            self._images = self.collection.load(self.indices)
        return self._images.take(chosen)


def _read_ahead(
    read: Callable[[int], ImageBatch], numbers: range, depth: int
) -> Iterator[ImageBatch]:
    """Batches in order; a thread reads ``depth`` of them before they are asked for, and its errors
    are raised here.
    """
    reader = ThreadPoolExecutor(1, thread_name_prefix="calovision-reader")
    ahead = deque()
    try:
        for number in numbers:
            ahead.append(reader.submit(read, number))
            if len(ahead) > depth:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:  # also where the caller stops before the end
        reader.shutdown(cancel_futures=True)


def _check_weights(weights: np.ndarray | None, n_events: int) -> np.ndarray:
    if weights is None:
        return np.ones(n_events, dtype=np.float32)
    # what is too large for float32 becomes infinite, and is refused
    with np.errstate(over="ignore"):
        weights = np.asarray(weights).astype(np.float32)
    if weights.shape != (n_events,):
        raise InputError(
            f"weights of shape {weights.shape} do not fit {n_events} events: give one for each"
        )
    n_bad = np.count_nonzero(~np.isfinite(weights))
    if n_bad:
        raise InputError(f"{n_bad} of {n_events} training weights are not finite")
    return weights
