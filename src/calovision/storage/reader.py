"""Reading one image file, memory-mapped."""

from pathlib import Path

import h5py
import numpy as np

from calovision.errors import InputError
from calovision.images import SparseImages
from calovision.storage.layout import EVENT_COLUMNS, FORMAT, VERSION, ImageMetadata


class ImageFile:
    """One image file: ``len``, ``events``, ``metadata``, and images by index.

    The rows are memory-mapped, so that opening costs nothing and a batch reads only its own bytes;
    no HDF5 handle stays open, so the object may be used after a fork.

    Raises
    ------
    InputError
        If the file is missing, unreadable, foreign, incomplete, or of a newer version.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        try:
            with h5py.File(self.path, "r") as file:
                self.metadata = self._read_metadata(file)
                self._offsets: np.ndarray = file["images/offsets"][()]
                self._cells = self._map(file["images/cells"])
                self._values = self._map(file["images/values"])
                self.events: dict[str, np.ndarray] = {name: file["events"][name][()] for name in file["events"]}
        except FileNotFoundError as error:
            raise InputError(f"{self.path}: no such image file") from error
        except OSError as error:
            raise InputError(f"{self.path}: not a readable HDF5 file; build the images again") from error
        except KeyError as error:
            raise InputError(f"{self.path}: incomplete image file ({error.args[0]}); build it again") from error
        self._check()

    def _read_metadata(self, file: h5py.File) -> ImageMetadata:
        if file.attrs.get("format") != FORMAT:
            raise InputError(f"{self.path}: not a {FORMAT} file: the attribute 'format' says so in one")
        if file.attrs["version"] > VERSION:
            raise InputError(
                f"{self.path}: {FORMAT} version {file.attrs['version']} is newer than this calovision reads "
                f"(version {VERSION}): update calovision"
            )
        return ImageMetadata.from_attributes(file.attrs)

    def _map(self, dataset: h5py.Dataset) -> np.ndarray:
        offset = dataset.id.get_offset()
        if offset is None:  # empty, or chunked by another writer
            return dataset[()]
        return np.memmap(self.path, dtype=dataset.dtype, mode="r", offset=offset, shape=dataset.shape)

    def _check(self) -> None:
        missing = [name for name in EVENT_COLUMNS if name not in self.events]
        if missing:
            raise InputError(f"{self.path}: incomplete image file (no events/{missing[0]}); build it again")
        lengths = {len(column) for column in self.events.values()}
        n_values = {len(self._cells), len(self._values)}
        if lengths != {len(self._offsets) - 1} or n_values != {self._offsets[-1]}:
            raise InputError(f"{self.path}: incomplete image file (columns of unequal length); build it again")

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def sparse(self, indices: np.ndarray) -> SparseImages:
        """Rows of the given events, in the order given."""
        indices = np.asarray(indices, dtype=np.int64)
        starts, lengths = self._offsets[indices], self._offsets[indices + 1] - self._offsets[indices]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        # position k of the output belongs to the row that starts there, shifted to where the file has it
        positions = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
        return SparseImages(offsets, self._cells[positions], self._values[positions], self.metadata.image_shape)

    def dense(self, indices: np.ndarray) -> np.ndarray:
        """Images of the given events, float32 ``(len(indices), n_channels, n_eta, n_phi)``."""
        return self.sparse(indices).dense()
