"""The HDF5 image file ``calovision-images``: writer, reader, and lists of files as one data set.

The page FORMAT.md in this folder specifies the file.
"""

from calovision.storage.collection import ImageCollection
from calovision.storage.dense_import import DenseOptions, import_dense
from calovision.storage.export import export_dense
from calovision.storage.file_list import read_file_list, write_file_list
from calovision.storage.hdf5 import read_table, write_table
from calovision.storage.hep_cnn import import_hep_cnn
from calovision.storage.merge import merge_image_files
from calovision.storage.metadata import FORMAT, VERSION, ImageMetadata
from calovision.storage.reader import ImageFile
from calovision.storage.scores import (
    read_score_columns,
    read_score_table,
    read_scores,
    write_score_table,
    write_scores,
)
from calovision.storage.statistics import PixelStatistics, standardize
from calovision.storage.verification import verify_file
from calovision.storage.writer import ImageFileWriter

__all__ = [
    "FORMAT",
    "VERSION",
    "DenseOptions",
    "ImageCollection",
    "ImageFile",
    "ImageFileWriter",
    "ImageMetadata",
    "PixelStatistics",
    "export_dense",
    "import_dense",
    "import_hep_cnn",
    "merge_image_files",
    "read_file_list",
    "read_score_columns",
    "read_score_table",
    "read_scores",
    "read_table",
    "standardize",
    "verify_file",
    "write_file_list",
    "write_score_table",
    "write_scores",
    "write_table",
]
