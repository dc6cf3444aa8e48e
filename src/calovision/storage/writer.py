"""Writing the image file: bounded memory, complete or not there at all."""

import math
import shutil
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from pathlib import Path

import numpy as np

from calovision.core.classes import OF_ROWS
from calovision.core.errors import InputError
from calovision.core.splits import TRAIN
from calovision.images import SparseImages, cell_type
from calovision.jobs.atomic import (
    is_kept,
    put_in_place,
    refused_by_disk,
    remove_leftovers,
    temporary_name,
)
from calovision.jobs.durable import make_folder, synced_meanwhile
from calovision.storage.blocks import KEY, ROWS_OF_A_BLOCK, BlockWriter
from calovision.storage.checks import (
    BLOCKS,
    CELLS,
    IN_BLOCKS,
    OFFSETS,
    STATISTICS,
    VALUES,
    check_column,
    check_images,
)
from calovision.storage.hdf5 import COMPRESSIONS, SpilledArray, created
from calovision.storage.metadata import EVENT_COLUMNS, ImageMetadata
from calovision.storage.reader import ImageFile
from calovision.storage.statistics import PixelStatistics

ROWS_AT_A_TIME = 5000  # of compressed files: some 30 MB
ALIGNMENT = 64  # bytes: arrays in the memory map begin where every type may begin


class ImageFileWriter:
    """Writer that collects chunks of images and writes them as one file on ``close``.

    Rows and columns wait in temporary files beside the output, since contiguous HDF5 data sets need
    their final size when they are created: the memory needed does not grow with the number of
    events. Use it as a context manager: after an exception nothing of the file stays.

    Parameters
    ----------
    path
        The file to write; its folder is created.
    image_shape
        ``(n_channels, n_eta, n_phi)``.
    compression
        None, so that readers map the rows into memory, or "blosc2": three quarters of the size, for
        storing.
    statistics
        Whether to store the pixel statistics of the training split.
    to_merge
        Leave cells and values in the temporary files, to which the file refers: for a part that
        `append_file` copies soon, in a folder that is removed then. It must not be compressed.

    Raises
    ------
    InputError
        If the compression is unknown.
    """

    def __init__(
        self,
        path: Path,
        image_shape: tuple[int, int, int],
        *,
        compression: str | None = None,
        statistics: bool = True,
        to_merge: bool = False,
    ) -> None:
        if compression is not None and compression not in COMPRESSIONS:
            raise InputError(
                f"compression '{compression}' is unknown: choose from {', '.join(COMPRESSIONS)}, "
                "or none"
            )
        self.path = Path(path)
        self.image_shape = tuple(int(n) for n in image_shape)
        self._compression = compression
        self._to_merge = to_merge
        self._is_complete = False
        self._folder = temporary_name(self.path)
        self._arrays: dict[str, SpilledArray] = {}
        self._blocks = BlockWriter()
        with refused_by_disk(self.path):
            make_folder(self.path.parent)
            remove_leftovers(self.path)
            self._folder.mkdir()
            self._spill(OFFSETS, np.zeros(1, dtype=np.int64))
            self._spill(CELLS, np.zeros(0, dtype=cell_type(self.image_shape)))
            self._spill(VALUES, np.zeros(0, dtype=np.float32))
        self._columns: set[str] | None = None
        self._labels: set[int] = set()
        self._statistics = PixelStatistics.empty(self.image_shape) if statistics else None

    def __enter__(self) -> "ImageFileWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._discard()

    def __len__(self) -> int:
        return self._arrays[OFFSETS].length - 1

    def append(self, images: SparseImages, events: Mapping[str, np.ndarray]) -> None:
        """Add the images and the event columns of one chunk.

        Raises
        ------
        InputError
            If the images have another shape than the file, a column that every file needs is
            missing, a column has another length than the images, or the columns differ from those
            of the first chunk; if the images or columns hold what the specification forbids; if the
            disk does not take them.
        """
        self._check_shape(images.shape)
        columns = {name: np.asarray(column) for name, column in events.items()}
        self._check_columns(columns, len(images))
        check_images(self.path, images, math.prod(self.image_shape))
        stored = slice(images.offsets[0], images.offsets[-1])
        cells = images.cells[stored].astype(self._arrays[CELLS].dtype, copy=False)
        values = images.values[stored].astype(self._arrays[VALUES].dtype, copy=False)
        with refused_by_disk(self.path):
            self._append_columns(images.offsets, columns)
            self._arrays[CELLS].append(cells)
            self._arrays[VALUES].append(values)
        self._blocks.add(images.offsets - images.offsets[0], cells, values)
        if self._statistics is not None:
            self._statistics.add(images, columns["split"] == TRAIN)

    def append_file(self, file: ImageFile) -> None:
        """Add all rows of an image file of the same kind, which must stay until `close`.

        The cells and values are copied as bytes on closing, without a detour through a temporary
        file; compressed ones are read and appended.

        Raises
        ------
        InputError
            As `append`.
        """
        if len(file) == 0:
            self.append(file.sparse([]), file.events)
            return
        cells, values = file.rows.places()
        if (
            self._compression is not None
            or cells is None
            or values is None
            or file.statistics is None
        ):
            for rows, images in file.iterate(ROWS_AT_A_TIME):
                self.append(images, {name: column[rows] for name, column in file.events.items()})
            return
        self._check_shape(file.metadata.image_shape)
        columns = dict(file.events)
        self._check_columns(columns, len(file))
        offsets = file.rows.offsets
        with refused_by_disk(self.path):
            self._append_columns(offsets, columns)
        if file.outside:  # what a writer of this run checked
            file.rows.trust()
        for _, images in file.iterate(ROWS_AT_A_TIME):
            self._blocks.add(images.offsets, images.cells, images.values)
        self._arrays[CELLS].append_stored(*cells, int(offsets[-1]))
        self._arrays[VALUES].append_stored(*values, int(offsets[-1]))
        if self._statistics is not None:
            self._statistics = self._statistics + file.statistics

    def close(self, metadata: ImageMetadata) -> None:
        """Write the file under a temporary name and, when it is on the disk, rename it; needs at
        least one chunk, empty or not.

        Raises
        ------
        InputError
            If the metadata are those of images of another shape, or of a kind that needs more
            columns; if the disk does not take the file.
        """
        if metadata.image_shape != self.image_shape:
            raise InputError(
                f"{self.path}: metadata of images {metadata.image_shape} do not fit "
                f"{self.image_shape}"
            )
        missing = [name for name in metadata.required_columns if name not in (self._columns or ())]
        if missing:
            raise InputError(f"{self.path}: the event column '{missing[0]}' is missing")
        known = {metadata.label} if metadata.label != OF_ROWS else range(len(metadata.classes))
        if others := self._labels - set(known):
            raise InputError(
                f"{self.path}: events of label {min(others)} do not fit a file of label "
                f"{metadata.label}"
            )
        temporary = self._folder / "complete.h5"
        with refused_by_disk(self.path):
            for array in self._arrays.values():
                array.close()
            contiguous = self._create(temporary, metadata)
            self._fill(temporary, contiguous)
            put_in_place({temporary: self.path})
        self._is_complete = True
        self._discard()

    def _append_columns(self, offsets: np.ndarray, columns: Mapping[str, np.ndarray]) -> None:
        """Everything of some rows but their cells and values, which come next."""
        n_stored = self._arrays[CELLS].length
        self._arrays[OFFSETS].append(offsets[1:] + (n_stored - offsets[0]))
        for name, column in columns.items():
            self._spill(f"events/{name}", column)
        self._columns = set(columns)
        self._labels |= set(np.unique(columns["label"]).tolist())

    def _check_shape(self, image_shape: tuple[int, int, int]) -> None:
        if tuple(image_shape) != self.image_shape:
            raise InputError(
                f"{self.path}: images of shape {tuple(image_shape)} do not fit {self.image_shape}"
            )

    def _check_columns(self, columns: Mapping[str, np.ndarray], n_images: int) -> None:
        missing = [name for name in EVENT_COLUMNS if name not in columns]
        if missing:
            raise InputError(f"{self.path}: the event column '{missing[0]}' is missing")
        for name in sorted(
            set(columns) ^ (set(columns) if self._columns is None else self._columns)
        ):
            raise InputError(f"{self.path}: event column '{name}' is not in every chunk")
        for name, column in columns.items():
            if column.dtype.kind not in "biuf":
                raise InputError(
                    f"{self.path}: event column '{name}' must be numbers, not {column.dtype}"
                )
            if column.shape[:1] != (n_images,):
                raise InputError(
                    f"{self.path}: event column '{name}' has {len(np.atleast_1d(column))} entries "
                    f"for {n_images} images"
                )
            check_column(self.path, name, column, None)
            known = self._arrays.get(f"events/{name}")
            row = (column.dtype, column.shape[1:])
            if known and not (
                np.can_cast(row[0], known.dtype, "safe") and row[1] == known.row_shape
            ):
                before = (known.dtype, known.row_shape)
                raise InputError(
                    f"{self.path}: event column '{name}' has rows of {row}, but {before} before"
                )

    def _spill(self, name: str, rows: np.ndarray) -> None:
        """Append rows to an array, which the first ones create."""
        if name not in self._arrays:
            path = self._folder / f"{len(self._arrays)}.raw"
            self._arrays[name] = SpilledArray(
                path, rows.dtype, rows.shape[1:], with_checksum=name not in (CELLS, VALUES)
            )
        self._arrays[name].append(rows)

    def _create(self, temporary: Path, metadata: ImageMetadata) -> dict[str, int | None]:
        """Write everything but the contents of the contiguous data sets; returns the first byte of
        each, if any.
        """
        with created(temporary, alignment=ALIGNMENT) as file:
            for name, array in self._arrays.items():
                rows = name in (CELLS, VALUES)
                array.create(
                    file, name, self._compression if rows else None, outside=rows and self._to_merge
                )
                if not rows:
                    file.know(name, array.checksum())
            for name in STATISTICS if self._statistics is not None else ():
                file.create_dataset(name, data=getattr(self._statistics, name.rpartition("/")[2]))
            file[BLOCKS] = self._blocks.checksums()
            file.attrs.update(metadata.to_attributes())
            file.seal(elsewhere=IN_BLOCKS, **{KEY: ROWS_OF_A_BLOCK})
            inside = [
                name
                for name in self._arrays
                if file[name].chunks is None and file[name].external is None
            ]
            return {name: file[name].id.get_offset() for name in inside}

    def _fill(self, temporary: Path, contiguous: Mapping[str, int | None]) -> None:
        """Copy the contents as bytes, which HDF5 would do through a buffer of its own."""
        with (
            temporary.open("r+b", buffering=0) as output,
            synced_meanwhile(output, self.path) if is_kept(self.path.parent) else nullcontext(),
        ):
            for name, offset in contiguous.items():
                self._arrays[name].copy_into(output, offset)

    def _discard(self) -> None:
        for array in self._arrays.values():
            # a full disk does not take what was not written yet, and it is not wanted any more
            with suppress(OSError):
                array.close()
        if not (self._to_merge and self._is_complete):
            shutil.rmtree(self._folder, ignore_errors=True)
