"""Images with their labels for torch's own DataLoader."""

import operator
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from calovision.core.errors import InputError
from calovision.core.splits import SPLITS
from calovision.datasets.weights import event_weights, training_weights
from calovision.storage import ImageCollection, ImageFile

Item = tuple[Tensor | np.generic | np.ndarray, ...]


class ImageDataset(Dataset):
    """Items ``(image, label, *columns)`` for `torch.utils.data.DataLoader`, which reads a batch at
    once; several workers may share it.

    An `ImageFile` itself gives images alone, ``file[i]``. Whoever trains with `ImageLoader` instead
    has batches that are read faster and become dense on the device.

    Parameters
    ----------
    images
        Image file, or the files of all samples.
    split
        "train", "validation" or "test"; all events if None.
    weights
        Scheme of `training_weights` for the events of the split: the weight of the loss, float32,
        then follows the label. "balanced" gives all classes the same sum.
    luminosity_fb
        For the schemes that look at the cross-sections, 1/fb.
    columns
        Names of event columns that follow the label and the weight, such as ``("weight",)``: the
        generator weight.

    Attributes
    ----------
    collection, indices
        The files, and the positions of the events in them, ``(n,)``.

    Raises
    ------
    InputError
        If there is no such split, scheme or column, or a weighted split lacks a class.

    Examples
    --------
    >>> train = ImageDataset(ImageCollection(paths), split="train", weights="balanced")
    >>> loader = DataLoader(train, batch_size=64, shuffle=True, num_workers=2)
    >>> for images, labels, weights in loader:  # (n, channel, eta, phi), (n,), (n,)
    ...     loss = (weights * loss_of(network(images), labels)).mean()
    """

    def __init__(
        self,
        images: ImageFile | ImageCollection,
        *,
        split: str | None = None,
        weights: str | None = None,
        luminosity_fb: float = 1.0,
        columns: Sequence[str] = (),
    ) -> None:
        self.collection = (
            ImageCollection([images.path]) if isinstance(images, ImageFile) else images
        )
        if split is not None and split not in SPLITS:
            raise InputError(f"split '{split}' is unknown: choose from {', '.join(SPLITS)}")
        wanted = np.ones(len(self.collection), dtype=bool)
        if split is not None:
            wanted = self.collection.column("split") == SPLITS.index(split)
        self.indices = np.flatnonzero(wanted)
        self._columns = [self.collection.column("label").astype(np.float32)]
        if weights is not None:
            self._columns.append(self._loss_weights(weights, luminosity_fb))
        self._columns += map(self.collection.column, columns)

    def _loss_weights(self, scheme: str, luminosity_fb: float) -> np.ndarray:
        """Weights of the loss, float32 ``(n_all,)``; NaN for the events of other splits."""
        weights = np.full(len(self.collection), np.nan, dtype=np.float32)
        labels = self.collection.column("label")[self.indices]
        of_events = event_weights(self.collection, scheme, luminosity_fb)[self.indices]
        classes = self.collection.classes
        weights[self.indices] = training_weights(labels, of_events, scheme, classes)
        return weights

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Item:
        """Image float32 ``(n_channels, n_eta, n_phi)``, label float32, and the columns of one
        event.
        """
        place = operator.index(index)
        if not -len(self) <= place < len(self):
            raise IndexError(f"event {place} does not exist: there are {len(self)}, counted from 0")
        return self.__getitems__([place])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Item]:
        """Several items; DataLoader asks for those of a batch together."""
        events = self.indices[np.asarray(indices, dtype=np.int64)]
        images = torch.from_numpy(self.collection.dense(events))
        pairs = zip(images, events, strict=True)
        return [(image, *(column[event] for column in self._columns)) for image, event in pairs]
