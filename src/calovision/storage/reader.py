"""Reading one image file, memory-mapped."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np

from calovision.core.errors import InputError
from calovision.images import SparseImages
from calovision.storage.arrays import EventColumns, StoredArrays
from calovision.storage.checks import check_statistics, check_types, describe_row
from calovision.storage.hdf5 import check_names, find_group, opened, read_attribute
from calovision.storage.layout import ATTRIBUTES, FORMAT, VERSION, ImageMetadata
from calovision.storage.maps import POOL
from calovision.storage.rows import (
    StoredRows,
    check_rows,
    fill_dense,
    gather_rows,
    prepare_output,
    rows_of_index,
)
from calovision.storage.statistics import PixelStatistics

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROWS = ("images/offsets", "images/cells", "images/values")
STATISTICS = ("statistics/n", "statistics/total", "statistics/total_of_squares")


class ImageFile:
    """One image file: ``len``, ``events``, ``metadata``, and images by index.

    ``file[i]`` is one image ``(n_channels, n_eta, n_phi)``, float32; a slice, a list of integers or
    a boolean mask gives ``(n, n_channels, n_eta, n_phi)``. The rows are memory-mapped, so that
    opening costs little and a batch reads only its own bytes; no HDF5 handle stays open, so that
    the object survives a fork, and it pickles as its path. Labels are ``file.events["label"]``;
    `calovision.datasets.LabeledImages` gives both to torch's DataLoader. Compressed rows are
    decompressed as a whole when single ones are asked for first, and kept; a range of them is not.

    What the specification says of the content is checked when it is first read. A file that
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
        Where the file is; its attributes.
    events
        The columns by name, ``(n, ...)`` each, read when asked for.

    Raises
    ------
    InputError
        If the file is missing, unreadable, foreign, incomplete, of a newer version, or not as
        FORMAT.md has it.
    """

    def __init__(self, path: Path, *, outside: bool = False) -> None:
        self.path = Path(path)
        with opened(self.path) as file:
            self.metadata = self._read_metadata(file)
            columns = [
                f"events/{name}"
                for name in check_names(self.path, find_group(self.path, file, "events"))
            ]
            statistics = STATISTICS if "statistics" in file else ()
            self._arrays = StoredArrays(
                self.path, file, [*ROWS, *columns, *statistics], outside=outside
            )
            self._check(file)
        self.events = EventColumns(self._arrays, self.metadata.label)
        self._outside, self._ascends = outside, False
        self._source = self._arrays.source
        self._is_mapped = all(self._arrays.offset(name) is not None for name in ROWS)
        self._sound = np.zeros(len(self), dtype=bool)

    def __reduce__(self) -> tuple:
        # a memory map would pickle as its bytes
        return _reopened, (
            self.path,
            self._arrays.source.identity.size,
            self._arrays.source.identity.changed_ns,
        )

    def _read_metadata(self, file: h5py.File) -> ImageMetadata:
        attributes = file.attrs
        present = [name for name in attributes if name in ATTRIBUTES]
        if "format" not in present or read_attribute(self.path, attributes, "format") != FORMAT:
            raise InputError(
                f"{self.path}: not a {FORMAT} file: the attribute 'format' says so in one"
            )
        values = {name: read_attribute(self.path, attributes, name) for name in present}
        try:
            self._check_version(values["version"])
            return ImageMetadata.from_attributes(values)
        except KeyError as error:
            raise InputError(
                f"{self.path}: incomplete image file (no {error.args[0]}); build it again"
            ) from error
        except InputError as error:
            raise InputError(f"{self.path}: {error}") from error

    def _check_version(self, version: object) -> None:
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise InputError(
                f"the attribute 'version' is {version!r}: it must be a whole number from 1 to "
                f"{VERSION}"
            )
        if version > VERSION:
            raise InputError(
                f"{FORMAT} version {version} is newer than this calovision reads (version "
                f"{VERSION}): update calovision"
            )

    def _check(self, file: h5py.File) -> None:
        """Raise InputError unless all that a file must have is there, of its type and of one
        length.
        """
        names = self._arrays.names("events")
        missing = [name for name in self.metadata.required_columns if name not in names]
        if missing:
            raise InputError(
                f"{self.path}: incomplete image file (no events/{missing[0]}); build it again"
            )
        types = {
            name: (self._arrays.dtype(name), self._arrays.shape(name)) for name in self._arrays
        }
        check_types(self.path, types, self.metadata.image_shape, self.metadata.required_columns)
        n_rows, n_cells, n_values = (self._arrays.shape(name)[0] for name in ROWS)
        lengths = {self._arrays.shape(f"events/{name}")[0] for name in names}
        if n_rows < 1 or lengths != {n_rows - 1} or n_cells != n_values:
            raise InputError(
                f"{self.path}: incomplete image file (columns of unequal length); build it again"
            )
        first, last = (int(file[ROWS[0]][row]) for row in (0, n_rows - 1))
        if first != 0:
            raise InputError(
                f"{self.path}: damaged image file ('{ROWS[0]}' begins with {first}); build it again"
            )
        if last != n_cells:
            raise InputError(
                f"{self.path}: incomplete image file (columns of unequal length: '{ROWS[0]}' ends "
                f"with {last} for "
                f"{n_cells} cells); build it again"
            )

    def __len__(self) -> int:
        return self._arrays.shape(ROWS[0])[0] - 1

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
            Among how many threads the rows are divided.

        Raises
        ------
        IndexError
            If a row does not exist; negative numbers do not.
        InputError
            If ``out`` does not fit, or the file is damaged.
        """
        rows = check_rows(indices, len(self))
        images = prepare_output(out, (len(rows), *self.metadata.image_shape))
        self.fill(images, rows, np.arange(len(rows)), threads=threads)
        return images

    def fill(
        self, images: np.ndarray, rows: np.ndarray, targets: np.ndarray, *, threads: int = 1
    ) -> None:
        """Write the images of ``rows`` (checked before) into ``images[targets]``, dense float32."""
        part = self.stored(rows, targets)
        damaged = fill_dense(
            part.arrays, part.rows, targets, images, sound=part.sound, threads=threads
        )
        self.require_unchanged()
        if damaged >= 0:
            raise part.damaged(damaged)

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
        images = gather_rows(
            [self.stored(rows, np.arange(len(rows)))], len(rows), self.metadata.image_shape
        )
        self.require_unchanged()
        return images

    def iterate(self, chunk_size: int = 1000) -> Iterator[tuple[np.ndarray, SparseImages]]:
        """Row numbers and sparse images, ``chunk_size`` rows at a time, in the memory of one
        chunk.
        """
        for start in range(0, len(self), chunk_size):
            rows = np.arange(start, min(start + chunk_size, len(self)))
            yield rows, SparseImages(*self._piece(rows), self.metadata.image_shape)

    def stored(self, rows: np.ndarray, targets: np.ndarray, *, read: bool = False) -> StoredRows:
        """Arrays that hold the rows (checked before), for the functions of
        `calovision.storage.rows`.

        Whoever has read from them calls `require_unchanged`, since the file may have been written
        to meanwhile. ``read`` reads the piece from the first to the last of the rows, which must
        ascend, instead of mapping the file.
        """
        if not read and (
            self._is_mapped or all(map(self._arrays.at_hand, ROWS)) or not _is_range(rows)
        ):
            POOL.touch(len(rows))
            self._source.require_all_of_it()
            if not self._ascends:
                self._check_offsets()
            arrays = self._arrays.kept or self._arrays.keep(ROWS)
            return StoredRows(arrays, rows, targets, self.damaged, self._sound)
        first, last = (rows[0], rows[-1]) if len(rows) else (0, -1)
        arrays = self._piece(np.arange(first, last + 1))
        return StoredRows(arrays, rows - first, targets, lambda row: self.damaged(row + first))

    def row_lengths(self, rows: np.ndarray) -> np.ndarray:
        """Number of stored cells of each row (checked before), int64 ``(n,)``; InputError if the
        file is damaged.
        """
        from calovision.storage.kernels import (
            measure,
        )  # compiled code is loaded only where it is used

        POOL.touch(len(rows))
        self._source.require_all_of_it()
        lengths = np.empty(len(rows), dtype=np.int64)
        damaged = measure(
            self.offsets, self._arrays.shape(ROWS[1])[0], rows, np.arange(len(rows)), lengths
        )
        self.require_unchanged()
        if damaged >= 0:
            raise self.damaged(damaged)
        return lengths

    def require_unchanged(self) -> None:
        """Raise InputError if what was read from the map may not be that of the file as it was
        opened.
        """
        if self._source.mapped is not None:
            self._source.require_unchanged()

    @property
    def is_mapped(self) -> bool:
        """Whether the rows are mapped into memory; compressed ones are not."""
        return all(
            self._arrays.offset(name) is not None or self._arrays.shape(name)[0] == 0
            for name in ROWS
        )

    @property
    def offsets(self) -> np.ndarray:
        """Where the rows begin in the stored cells, and where the last one ends, int64 ``(n +
        1,)``.
        """
        if not self._ascends:
            self._check_offsets()
        return self._arrays.whole(ROWS[0])

    def row_places(self) -> tuple[tuple[Path, int] | None, tuple[Path, int] | None]:
        """File and first byte of the cells and of the values; None where they are chunked or
        empty.
        """
        return self._arrays.file_and_offset(ROWS[1]), self._arrays.file_and_offset(ROWS[2])

    @property
    def statistics(self) -> PixelStatistics | None:
        """Sums over the training split as stored in the file; None if it has none."""
        if STATISTICS[0] not in self._arrays:
            return None
        n, total, total_of_squares = map(self._arrays.read, STATISTICS)
        check_statistics(self.path, int(n), (total, total_of_squares), len(self))
        return PixelStatistics(int(n), total, total_of_squares)

    def plot(self, index: int) -> "Figure":
        """Event display of one image: a panel per channel, with the fat jets where the file has
        them.
        """
        from calovision.storage.display import plot_image  # matplotlib is loaded only to plot

        return plot_image(self, rows_of_index(index, len(self)))

    def _check_offsets(self) -> None:
        """Raise InputError unless no row begins before the one above it."""
        falls = np.diff(self._arrays.whole(ROWS[0])) < 0
        if falls.any():
            raise self.damaged(int(np.argmax(falls)))
        self._ascends = True

    def require_as_it_was(self, size: int, changed_ns: int) -> None:
        """Raise InputError unless the file has this size and this time of its last change."""
        source = self._arrays.source
        if (source.identity.size, source.identity.changed_ns) != (size, changed_ns):
            raise source.changed()

    def check(self) -> None:
        """Read all images once; InputError if one is not as it must be."""
        for _ in self.iterate():
            pass

    @property
    def is_part(self) -> bool:
        """Whether its cells and values are in the temporary files of its writer."""
        return self._outside

    def _piece(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Offsets from 0, cells and values of rows that follow each other, read as one piece and
        checked.
        """
        from calovision.storage.kernels import (
            first_unsound,
        )  # compiled code is loaded only where it is used

        first, last = (rows[0], rows[-1] + 1) if len(rows) else (0, 0)
        offsets = self._arrays.part(ROWS[0], first, last + 1)
        steps = np.diff(offsets)
        if offsets[0] < 0 or offsets[-1] > self._arrays.shape(ROWS[1])[0] or np.any(steps < 0):
            raise self.damaged(first + int(np.argmax(steps < 0)))
        cells, values = (self._arrays.part(name, offsets[0], offsets[-1]) for name in ROWS[1:])
        offsets -= offsets[0]
        known = self._sound[first:last]
        row = (
            -1
            if known.all()
            else first_unsound(offsets, cells, values, math.prod(self.metadata.image_shape))
        )
        if row >= 0:
            raise self.damaged(first + row)
        known[:] = True
        return offsets, cells, values

    def damaged(self, row: int) -> InputError:
        """The error for an image that no file may have: where it is, and what is wrong with it."""
        start, stop = self._arrays.part(ROWS[0], row, row + 2)
        inside = 0 <= start <= stop <= self._arrays.shape(ROWS[1])[0]
        cells, values = (
            self._arrays.part(name, *((start, stop) if inside else (0, 0))) for name in ROWS[1:]
        )
        wrong = describe_row(cells, values, math.prod(self.metadata.image_shape))
        return InputError(
            f"{self.path}: damaged image file ({wrong.format(row=row)}); build it again"
        )


def _reopened(path: Path, size: int, changed_ns: int) -> ImageFile:
    """The file of a pickle; InputError if it is not what it was when it was pickled."""
    file = ImageFile(path)
    file.require_as_it_was(size, changed_ns)
    return file


def _is_range(rows: np.ndarray) -> bool:
    """Whether rows follow each other, so that they are one piece of the file."""
    return len(rows) == 0 or (
        rows[-1] - rows[0] == len(rows) - 1 and bool(np.all(np.diff(rows) == 1))
    )
