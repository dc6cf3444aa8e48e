"""Calorimeter images from ROOT ntuples; this is the image builder, which needs neither torch nor matplotlib."""

from calovision.conversion import ImageRecipe, convert_ntuple
from calovision.errors import InputError
from calovision.grid import EtaPhiGrid
from calovision.images import CHANNELS, SparseImages, build_images
from calovision.storage import ImageCollection, ImageFile

__all__ = [
    "CHANNELS",
    "EtaPhiGrid",
    "ImageCollection",
    "ImageFile",
    "ImageRecipe",
    "InputError",
    "SparseImages",
    "build_images",
    "convert_ntuple",
]
