"""HDF5 below the image file: opening what others wrote, arrays by map, new files, tables.

Nothing here knows what an image file holds.
"""

from calovision.storage.hdf5.arrays import StoredArrays
from calovision.storage.hdf5.checksums import Checksums
from calovision.storage.hdf5.new_file import CHECKED, NewFile, created, write_checked
from calovision.storage.hdf5.opening import (
    check_names,
    find_dataset,
    find_group,
    opened,
    read_attribute,
    register_filters,
)
from calovision.storage.hdf5.spill import COMPRESSIONS, SpilledArray
from calovision.storage.hdf5.tables import read_table, write_table

__all__ = [
    "CHECKED",
    "COMPRESSIONS",
    "Checksums",
    "NewFile",
    "SpilledArray",
    "StoredArrays",
    "check_names",
    "created",
    "find_dataset",
    "find_group",
    "opened",
    "read_attribute",
    "read_table",
    "register_filters",
    "write_checked",
    "write_table",
]
