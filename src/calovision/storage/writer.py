"""Writing the image file: bounded memory, complete or not there at all."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import h5py
import numpy as np

from calovision.errors import InputError
from calovision.images import SparseImages
from calovision.storage.layout import EVENT_COLUMNS, ImageMetadata


class ImageFileWriter:
    """Collects chunks of images and writes them as one file on ``close``.

    The sparse rows wait in temporary files beside the output, since contiguous HDF5 data sets need
    their final size when they are created. Use it as a context manager: after an exception nothing
    of the file stays.

    Parameters
    ----------
    path
        The file to write; its folder is created.
    image_shape
        ``(n_channels, n_eta, n_phi)``.
    """

    def __init__(self, path: Path, image_shape: tuple[int, int, int]) -> None:
        self.path = Path(path)
        self.image_shape = tuple(image_shape)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._folder = self.path.with_name(f".{self.path.name}.part")
        shutil.rmtree(self._folder, ignore_errors=True)  # what a killed job left
        self._folder.mkdir()
        self._cells: IO[bytes] = (self._folder / "cells").open("wb")
        self._values: IO[bytes] = (self._folder / "values").open("wb")
        small = np.prod(image_shape) <= np.iinfo(np.uint16).max + 1
        self._cell_type = np.dtype(np.uint16 if small else np.uint32)
        self._lengths: list[np.ndarray] = []
        self._columns: list[dict[str, np.ndarray]] = []

    def __enter__(self) -> "ImageFileWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._discard()

    def append(self, images: SparseImages, events: Mapping[str, np.ndarray]) -> None:
        """Add the images and the event columns of one chunk.

        Raises
        ------
        InputError
            If the images have another shape than the file, a column that version 1 needs is missing,
            a column has another length than the images, or the columns differ from those of the first chunk.
        """
        if images.shape != self.image_shape:
            raise InputError(f"{self.path}: images of shape {images.shape} do not fit {self.image_shape}")
        missing = [name for name in EVENT_COLUMNS if name not in events]
        if missing:
            raise InputError(f"{self.path}: the event column '{missing[0]}' is missing")
        for name in sorted(set(events) ^ set(self._columns[0] if self._columns else events)):
            raise InputError(f"{self.path}: event column '{name}' is not in every chunk")
        for name, column in events.items():
            if len(column) != len(images):
                raise InputError(
                    f"{self.path}: event column '{name}' has {len(column)} entries for {len(images)} images"
                )
        self._cells.write(np.ascontiguousarray(images.cells, dtype=self._cell_type).data)
        self._values.write(np.ascontiguousarray(images.values, dtype=np.float32).data)
        self._lengths.append(np.diff(images.offsets))
        self._columns.append({name: np.asarray(column) for name, column in events.items()})

    def close(self, metadata: ImageMetadata) -> None:
        """Write the file under a temporary name and rename it; needs at least one chunk, empty or not."""
        temporary = self._folder / "complete.h5"
        self._cells.close()
        self._values.close()
        offsets = np.concatenate([[0], np.cumsum(np.concatenate(self._lengths))]).astype(np.int64)
        with h5py.File(temporary, "w") as file:
            file.attrs.update(metadata.to_attributes())
            images, events = file.create_group("images"), file.create_group("events")
            images["offsets"] = offsets
            self._copy_rows(images, "cells", self._cell_type, offsets[-1])
            self._copy_rows(images, "values", np.dtype(np.float32), offsets[-1])
            for name in self._columns[0]:
                events[name] = np.concatenate([columns[name] for columns in self._columns])
        temporary.replace(self.path)
        self._discard()

    def _copy_rows(self, group: h5py.Group, name: str, dtype: np.dtype, length: int) -> None:
        """Copy a temporary file of raw numbers into a contiguous data set, 64 MB at a time."""
        dataset = group.create_dataset(name, shape=(length,), dtype=dtype)
        step = 2**24
        with (self._folder / name).open("rb") as file:
            for start in range(0, length, step):
                dataset[start : start + step] = np.fromfile(file, dtype=dtype, count=step)

    def _discard(self) -> None:
        self._cells.close()
        self._values.close()
        shutil.rmtree(self._folder, ignore_errors=True)
