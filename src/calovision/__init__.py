"""Calorimeter images from ROOT ntuples, which need neither torch nor matplotlib, and the scores of
trained networks.

The names are imported when they are first used, so that ``import calovision`` costs nothing and the
image builder loads no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calovision.accounting import Accounts, SampleSources, account_images
    from calovision.conversion import (
        ImageRecipe,
        Sample,
        Source,
        WeightOptions,
        convert_ntuple,
        convert_ntuples,
    )
    from calovision.core.errors import InputError
    from calovision.images import (
        CHANNELS,
        SparseImages,
        build_awkward_images,
        build_images,
        build_sparse_images,
    )
    from calovision.images.grid import EtaPhiGrid, JetGrid
    from calovision.images.jet_images import (
        JET_RECIPES,
        JetImageRecipe,
        build_awkward_jet_images,
        build_jet_images,
    )
    from calovision.jets import padded_constituents
    from calovision.models import load_model
    from calovision.scoring import score_collection, score_images, score_ntuples
    from calovision.scoring.onnx_export import export_onnx
    from calovision.storage import ImageCollection, ImageFile

_MODULES = {
    "accounting": ("Accounts", "SampleSources", "account_images"),
    "conversion": (
        "ImageRecipe",
        "Sample",
        "Source",
        "WeightOptions",
        "convert_ntuple",
        "convert_ntuples",
    ),
    "core.errors": ("InputError",),
    "images.grid": ("EtaPhiGrid", "JetGrid"),
    "images": (
        "CHANNELS",
        "SparseImages",
        "build_awkward_images",
        "build_images",
        "build_sparse_images",
    ),
    "images.jet_images": (
        "JET_RECIPES",
        "JetImageRecipe",
        "build_awkward_jet_images",
        "build_jet_images",
    ),
    "jets": ("padded_constituents",),
    "models": ("load_model",),
    "scoring.onnx_export": ("export_onnx",),
    "scoring": ("score_collection", "score_images", "score_ntuples"),
    "storage": ("ImageCollection", "ImageFile"),
}
__all__ = [
    "CHANNELS",
    "JET_RECIPES",
    "Accounts",
    "EtaPhiGrid",
    "ImageCollection",
    "ImageFile",
    "ImageRecipe",
    "InputError",
    "JetGrid",
    "JetImageRecipe",
    "Sample",
    "SampleSources",
    "Source",
    "SparseImages",
    "WeightOptions",
    "account_images",
    "build_awkward_images",
    "build_awkward_jet_images",
    "build_images",
    "build_jet_images",
    "build_sparse_images",
    "convert_ntuple",
    "convert_ntuples",
    "export_onnx",
    "load_model",
    "padded_constituents",
    "score_collection",
    "score_images",
    "score_ntuples",
]


def __getattr__(name: str) -> object:
    """Import a public name from its module (PEP 562)."""
    for module, names in _MODULES.items():
        if name in names:
            try:
                return getattr(import_module(f"calovision.{module}"), name)
            except ModuleNotFoundError as error:
                from calovision.core.extras import explain_missing

                raise explain_missing(error) from error
    raise AttributeError(f"module 'calovision' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
