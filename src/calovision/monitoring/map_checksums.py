"""Checksums of maps of runs, a pair for each row and channel, since maps are read in parts.

``maps/checksums``, uint64 ``(n, n_channels, 2)``, holds the XXH3-64 of the occupancy and of the
total, as numbers in little-endian byte order. HDF5's own checksum of a chunk (Fletcher-32) does not
tell bytes that are all 0 from others that are all 255.
"""

from collections.abc import Iterator

import h5py
import numpy as np
import xxhash

from calovision.storage.hdf5 import Checksums
from calovision.storage.hdf5.checksums import content_bytes

MAPS = ("occupancy", "total")
NAME = "maps/checksums"
ROWS_AT_A_TIME = 64


def map_checksums(occupancy: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Checksums of maps ``(n, n_channels, n_eta, n_phi)`` of the types that the file has, uint64
    ``(n, n_channels, 2)``.
    """
    found = np.empty((*occupancy.shape[:2], 2), dtype=np.uint64)
    for row, channel in np.ndindex(found.shape[:2]):
        for number, maps in enumerate((occupancy, total)):
            found[row, channel, number] = _digest(maps[row, channel])
    return found


class StoredMaps:
    """Maps of a file, compared with their checksums where it has them.

    Parameters
    ----------
    checksums
        Those of the file; None if it has none.
    of_maps
        Those of the maps, uint64 ``(n, n_channels, 2)``; None if it has none.
    """

    def __init__(self, checksums: Checksums | None, of_maps: np.ndarray | None) -> None:
        self._checksums = checksums
        self._of_maps = of_maps

    def parts(
        self, data: h5py.Dataset, name: str, rows: range, channel: slice, eta: slice
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Parts of the maps of this name in some rows: the number of rows before, and the part.

        Raises
        ------
        InputError
            If a map does not fit its checksum.
        """
        for first in range(0, len(rows), ROWS_AT_A_TIME):
            some = rows[first : first + ROWS_AT_A_TIME]
            part = slice(some.start, some.stop)
            if self._of_maps is None:
                yield first, data[part, channel, eta]
            else:
                planes = data[part, channel]
                self._require(planes, name, self._of_maps[part, channel, MAPS.index(name)], some)
                yield first, planes[:, :, eta]

    def _require(self, planes: np.ndarray, name: str, expected: np.ndarray, rows: range) -> None:
        for row, channel in np.ndindex(expected.shape):
            if _digest(planes[row, channel]) != expected[row, channel]:
                wrong = f"'maps/{name}' does not fit its checksum in row {rows[row]}"
                raise self._checksums.damaged(wrong)


def _digest(plane: np.ndarray) -> int:
    return xxhash.xxh3_64_intdigest(content_bytes(plane))
