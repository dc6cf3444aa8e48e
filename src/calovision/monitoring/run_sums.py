"""Sums over the events of many runs, in memory that does not grow with the number of runs."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from calovision.core.errors import InputError
from calovision.images import SparseImages
from calovision.monitoring.layout import MapLayout
from calovision.monitoring.run_maps import RunMaps

OPEN_BYTES = 2**25
"""Maps that are kept in memory at a time, 170 runs of 64x64x3 cells."""
FIRST_SLOTS = 16


class RunSums:
    """Maps of runs that images are added to, in any order of the runs.

    The maps that were added to last are in memory; others wait in a file. Use it as a context
    manager.

    Parameters
    ----------
    layout
        Cells, channels and thresholds.
    folder
        Where the maps wait that do not fit; None keeps all in memory.
    most_bytes
        Bytes of the maps in memory.
    """

    def __init__(
        self, layout: MapLayout, folder: Path | None = None, *, most_bytes: int = OPEN_BYTES
    ) -> None:
        self.layout = layout
        self._thresholds = np.array(layout.thresholds)
        self._rows: dict[tuple[int, int], int] = {}
        self._n_events: list[int] = []
        of_a_run = layout.n_cells * (4 + 8)
        self._most = None if folder is None else max(most_bytes // of_a_run, 1)
        self._slots: OrderedDict[int, int] = OrderedDict()
        self._occupancy = np.zeros((0, layout.n_cells), dtype=np.uint32)
        self._total = np.zeros((0, layout.n_cells))
        self._waiting: set[int] = set()
        self._closing = ExitStack()
        self._files = [
            self._closing.enter_context((folder / name).open("w+b"))
            for name in ("occupancy.raw", "total.raw")
            if folder is not None
        ]

    def __enter__(self) -> "RunSums":
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, images: SparseImages, run: np.ndarray, lumi_block: np.ndarray) -> None:
        """Add images to the maps of their runs and blocks, int64 ``(n,)`` each.

        Raises
        ------
        InputError
            If the images have another shape than the maps, or one is damaged.
        """
        from calovision.monitoring.kernels import add_images

        if tuple(images.shape) != self.layout.shape:
            raise InputError(
                f"images of shape {tuple(images.shape)} do not fit maps of {self.layout.shape}"
            )
        keys, of_event = np.unique(np.stack([run, lumi_block]), axis=1, return_inverse=True)
        of_event = of_event.reshape(-1)
        rows = [self._row(*key) for key in keys.T.tolist()]
        for row, n in zip(rows, np.bincount(of_event, minlength=len(rows)).tolist(), strict=True):
            self._n_events[row] += n
        for first, slots in self._in_groups(rows):
            of_key = np.full(len(rows), -1)
            of_key[first : first + len(slots)] = slots
            plane = self.layout.grid.n_cells
            sums = self._thresholds, plane, self._occupancy, self._total
            damaged = add_images(*images.arrays(), of_key[of_event], *sums)
            if damaged >= 0:
                raise InputError(
                    f"image {damaged} is damaged: its cells must ascend within {images.shape}, "
                    "and its values be finite"
                )

    def add_maps(self, maps: RunMaps) -> None:
        """Add maps of the same layout, those of a run that is there already to its own."""
        rows = [
            self._row(*key) for key in zip(maps.run.tolist(), maps.lumi_block.tolist(), strict=True)
        ]
        for row, n in zip(rows, maps.n_events.tolist(), strict=True):
            self._n_events[row] += n
        occupancy, total = (one.reshape(len(maps), -1) for one in (maps.occupancy, maps.total))
        for first, slots in self._in_groups(rows):
            for number, slot in enumerate(slots, first):
                self._occupancy[slot] += occupancy[number].astype(np.uint32)
                self._total[slot] += total[number]

    def blocks(self, size: int = 64) -> Iterator[RunMaps]:
        """Maps of at most ``size`` runs at a time, ascending in run and lumi block."""
        keys = sorted(self._rows)
        for first in range(0, len(keys), size):
            yield self._maps(keys[first : first + size])

    def maps(self) -> RunMaps:
        """All maps, ascending in run and lumi block."""
        return self._maps(sorted(self._rows))

    def _maps(self, keys: list[tuple[int, int]]) -> RunMaps:
        rows = [self._rows[key] for key in keys]
        shape = (len(rows), *self.layout.shape)
        occupancy, total = np.zeros((2, len(rows), self.layout.n_cells))
        for number, row in enumerate(rows):
            if row in self._slots:
                slot = self._slots[row]
                occupancy[number], total[number] = self._occupancy[slot], self._total[slot]
            else:
                occupancy[number], total[number] = self._from_file(row)
        run, lumi_block = np.array(keys, dtype=np.int64).reshape(-1, 2).T
        return RunMaps(
            **vars(self.layout),
            run=run,
            lumi_block=lumi_block,
            n_events=np.array([self._n_events[row] for row in rows], dtype=np.int64),
            occupancy=occupancy.reshape(shape),
            total=total.reshape(shape),
        )

    def _row(self, run: int, lumi_block: int) -> int:
        """Number of the maps of a run, in the order of their first events."""
        row = self._rows.setdefault((run, lumi_block), len(self._rows))
        if row == len(self._n_events):
            self._n_events.append(0)
        return row

    def _in_groups(self, rows: list[int]) -> Iterator[tuple[int, list[int]]]:
        """First of some rows, and the places in memory of as many as fit."""
        size = self._most or max(len(rows), 1)
        for first in range(0, len(rows), size):
            group = rows[first : first + size]
            for row in group:  # the last to make room
                if row in self._slots:
                    self._slots.move_to_end(row)
            yield first, [self._slot(row) for row in group]

    def _slot(self, row: int) -> int:
        """Place of the maps of a row in memory."""
        if row not in self._slots:
            slot = self._free_slot()
            if row in self._waiting:
                self._occupancy[slot], self._total[slot] = self._from_file(row)
            else:
                self._occupancy[slot], self._total[slot] = 0, 0
            self._slots[row] = slot
        return self._slots[row]

    def _free_slot(self) -> int:
        """Place that is free, or that of the maps that nothing was added to for longest."""
        n = len(self._slots)
        if self._most is not None and n >= self._most:
            row, slot = self._slots.popitem(last=False)
            self._to_file(row, slot)
            return slot
        if n == len(self._occupancy):
            size = max(2 * n, FIRST_SLOTS)
            size = size if self._most is None else min(size, self._most)
            self._occupancy = _grown(self._occupancy, size)
            self._total = _grown(self._total, size)
        return n

    def _to_file(self, row: int, slot: int) -> None:
        for file, sums in zip(self._files, (self._occupancy, self._total), strict=True):
            file.seek(row * sums[slot].nbytes)
            file.write(sums[slot].data)
        self._waiting.add(row)

    def _from_file(self, row: int) -> list[np.ndarray]:
        """Occupancy and total of maps that wait."""
        found = []
        for file, sums in zip(self._files, (self._occupancy, self._total), strict=True):
            array = np.empty(self.layout.n_cells, dtype=sums.dtype)
            file.seek(row * array.nbytes)
            file.readinto(array.data)
            found.append(array)
        return found


def _grown(array: np.ndarray, size: int) -> np.ndarray:
    new = np.zeros((size, *array.shape[1:]), dtype=array.dtype)
    new[: len(array)] = array
    return new
