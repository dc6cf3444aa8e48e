"""HDF5 below the image file: opening what others wrote, arrays by map, new files, tables.

Nothing here knows what an image file holds.
"""

from calovision.storage.hdf5.arrays import StoredArrays
from calovision.storage.hdf5.checksums import Checksums
from calovision.storage.hdf5.heaps import OpenedFile
from calovision.storage.hdf5.new_file import NewFile, NewRows, created
from calovision.storage.hdf5.opening import (
    check_names,
    find_dataset,
    find_group,
    names_of_datasets,
    opened,
    read_attribute,
    register_filters,
)
from calovision.storage.hdf5.sealed import Content, read_array, read_attributes, read_content
from calovision.storage.hdf5.spill import COMPRESSIONS, SpilledArray
from calovision.storage.hdf5.tables import read_table, table_attributes, write_table

__all__ = [
    "COMPRESSIONS",
    "Checksums",
    "Content",
    "NewFile",
    "NewRows",
    "OpenedFile",
    "SpilledArray",
    "StoredArrays",
    "check_names",
    "created",
    "find_dataset",
    "find_group",
    "names_of_datasets",
    "opened",
    "read_array",
    "read_attribute",
    "read_attributes",
    "read_content",
    "read_table",
    "register_filters",
    "table_attributes",
    "write_table",
]
