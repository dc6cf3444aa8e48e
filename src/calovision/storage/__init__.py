"""The HDF5 image file ``calovision-images``: writer, reader, and lists of files as one data set."""

from calovision.storage.collection import ImageCollection
from calovision.storage.layout import FORMAT, VERSION, ImageMetadata
from calovision.storage.reader import ImageFile
from calovision.storage.scores import read_scores, write_scores
from calovision.storage.tables import read_table, write_table
from calovision.storage.writer import ImageFileWriter

__all__ = [
    "FORMAT",
    "VERSION",
    "ImageCollection",
    "ImageFile",
    "ImageFileWriter",
    "ImageMetadata",
    "read_scores",
    "read_table",
    "write_scores",
    "write_table",
]
