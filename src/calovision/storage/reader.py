"""Reading one image file, memory-mapped."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from calovision.core.splits import TRAIN
from calovision.images import SparseImages
from calovision.images.requests import check_rows, prepare_output, rows_of_index
from calovision.images.sparse import gather
from calovision.storage.checks import BLOCKS, ROWS, STATISTICS, check_file, check_statistics
from calovision.storage.display import COLUMNS, plot_image
from calovision.storage.events import EventColumns
from calovision.storage.hdf5 import StoredArrays, check_names, find_group, opened
from calovision.storage.hdf5.source import Identity, Source
from calovision.storage.metadata import read_metadata
from calovision.storage.rows import StoredRows
from calovision.storage.statistics import PixelStatistics

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class ImageFile:
    """One image file: ``len``, ``events``, ``metadata``, and images by index.

    ``file[i]`` is one image ``(n_channels, n_eta, n_phi)``, float32; a slice, a list of integers or
    a boolean mask gives ``(n, n_channels, n_eta, n_phi)``. The rows are memory-mapped, so that
    opening costs little and a batch reads only its own bytes; no HDF5 handle stays open, so that
    the object survives a fork, and it pickles as its path. Labels are ``file.events["label"]``;
    `calovision.datasets.ImageDataset` gives both to torch's DataLoader. Compressed rows are
    decompressed as a whole when single ones are asked for first, and kept; a range of them is not.

    What the specification says of the content is checked when it is first read, and compared with
    its checksums: columns and statistics as a whole, images a block of rows at a time. A file that
    somebody writes to, or replaces, while it is open is refused from then on.

    Parameters
    ----------
    path
        The file.
    outside
        Allow that cells and values are in other files, as in the parts that `ImageFileWriter`
        leaves ``to_merge``.

    Attributes
    ----------
    path, metadata
        Path of the file; its attributes.
    events
        The columns by name, ``(n, ...)`` each, read when asked for.
    rows
        The sparse rows as they are stored, for `ImageCollection` and the writer.
    outside
        As given.

    Raises
    ------
    InputError
        If the file is missing, unreadable, foreign, incomplete, damaged, of a newer version, or
        not as FORMAT.md has it.
    """

    def __init__(self, path: Path, *, outside: bool = False) -> None:
        self.path = Path(path)
        self.outside = outside
        with opened(self.path) as file:
            self.metadata, checksums = read_metadata(self.path, file)
            columns = [
                f"events/{name}"
                for name in check_names(self.path, find_group(self.path, file, "events"))
            ]
            statistics = STATISTICS if "statistics" in file else ()
            blocks = () if checksums is None else (BLOCKS,)
            names = [*ROWS, *blocks, *columns, *statistics]
            self._arrays = StoredArrays(
                self.path, file, names, outside=outside, checksums=checksums
            )
            check_file(file, self._arrays, self.metadata)
        self.events = EventColumns(self._arrays, self.metadata.label, len(self.metadata.classes))
        self.rows = StoredRows(self._arrays, self.metadata.image_shape)

    def __reduce__(self) -> tuple:
        # a memory map would pickle as its bytes
        identity = self._arrays.source.identity
        return _reopened, (self.path, identity.size, identity.changed_ns)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int | slice | Sequence | np.ndarray) -> np.ndarray:
        rows = rows_of_index(index, len(self))
        return self.dense([rows])[0] if isinstance(rows, int) else self.dense(rows)

    def dense(
        self,
        indices: Sequence[int] | np.ndarray,
        out: np.ndarray | None = None,
        *,
        threads: int = 1,
    ) -> np.ndarray:
        """Images of the given rows, float32 ``(len(indices), n_channels, n_eta, n_phi)``.

        Parameters
        ----------
        indices
            Row numbers from 0, in any order.
        out
            Array to fill instead of a new one; whoever reads many batches of one size saves the
            fresh memory.
        threads
            Number of threads that share the rows.

        Raises
        ------
        IndexError
            If a row does not exist; negative numbers do not.
        InputError
            If ``out`` does not fit, or the file is damaged.
        """
        rows = check_rows(indices, len(self))
        images = prepare_output(out, (len(rows), *self.metadata.image_shape))
        self.rows.densify(images, rows, np.arange(len(rows)), threads=threads)
        return images if out is None else out

    def sparse(self, indices: Sequence[int] | np.ndarray) -> SparseImages:
        """Rows of the given events, in the order given.

        Raises
        ------
        IndexError
            If a row does not exist; negative numbers do not.
        InputError
            If the file is damaged.
        """
        rows = check_rows(indices, len(self))
        part = self.rows.select(rows, np.arange(len(rows)))
        images = gather([part], len(rows), self.metadata.image_shape)
        self.rows.require_unchanged()
        return images

    def iterate(self, chunk_size: int = 1000) -> Iterator[tuple[np.ndarray, SparseImages]]:
        """Row numbers and sparse images, ``chunk_size`` rows at a time, in the memory of one
        chunk.
        """
        for start in range(0, len(self), chunk_size):
            stop = min(start + chunk_size, len(self))
            yield np.arange(start, stop), self.rows.read(start, stop)

    def check(self) -> None:
        """Read all of the file once; InputError if anything is not as it must be, or not as it was
        written.
        """
        for _ in self.iterate():
            pass
        for name in self.events:
            self.events.read(name)
        _ = self.statistics

    @property
    def has_checksums(self) -> bool:
        """True unless the file is of version 1, of which flipped bits are found only where they
        give what no file may hold.
        """
        return self._arrays.checksums is not None

    @property
    def statistics(self) -> PixelStatistics | None:
        """Sums over the training split as stored in the file; None if it has none."""
        if STATISTICS[0] not in self._arrays:
            return None
        n, total, total_of_squares = map(self._arrays.read, STATISTICS)
        check_statistics(self.path, int(n), (total, total_of_squares), len(self))
        return PixelStatistics(int(n), total, total_of_squares)

    def training_statistics(self) -> PixelStatistics:
        """Sums over the training split: the stored ones, or those of the images if there are
        none.
        """
        statistics = self.statistics
        if statistics is None:
            statistics = PixelStatistics.empty(self.metadata.image_shape)
            for rows, images in self.iterate():
                statistics.add(images, self.events["split"][rows] == TRAIN)
        return statistics

    def plot(self, index: int) -> "Figure":
        """Event display of one image: a panel per channel, with the fat jets where the file has
        them.
        """
        row = rows_of_index(index, len(self))
        columns = {name: self.events[name][row] for name in COLUMNS if name in self.events}
        return plot_image(self[row], self.metadata, columns)

    def require_as_it_was(self, size: int, changed_ns: int) -> None:
        """Raise InputError unless the file has this size and this time of its last change."""
        source = self._arrays.source
        if (source.identity.size, source.identity.changed_ns) != (size, changed_ns):
            raise source.changed()


def _reopened(path: Path, size: int, changed_ns: int) -> ImageFile:
    """The file of a pickle; InputError if it is not what it was when it was pickled."""
    with suppress(OSError):  # what is not there is said by the reader
        identity = Identity.of(path)
        if (identity.size, identity.changed_ns) != (size, changed_ns):
            raise Source(path, identity).changed()
    file = ImageFile(path)
    file.require_as_it_was(size, changed_ns)
    return file
