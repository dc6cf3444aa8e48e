"""Checks that images, variables and files are those that a model takes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from calovision.core.errors import InputError
from calovision.images import SparseImages
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.metrics.events import numeric_array
from calovision.models import ModelSpecification
from calovision.storage import ImageCollection


class Images(Protocol):
    """Description of images: that of image files, or of a recipe."""

    kind: str
    grid: EtaPhiGrid | JetGrid
    channels: Sequence[str]
    units: Sequence[str]
    image_shape: tuple[int, int, int]


def check_files(specification: ModelSpecification, collection: ImageCollection) -> None:
    """Raise InputError if the images of a collection are not what a model takes; the sentence says
    what both have.

    Parameters
    ----------
    specification
        That of the model.
    collection
        Image files.
    """
    check_kind(specification, collection.metadata, str(collection.files[0].path))


def check_kind(specification: ModelSpecification, info: Images, where: str) -> None:
    """Raise InputError if images are not what a model takes; ``where`` they are from."""
    pairs = [("kind", info.kind, specification.kind)]
    if specification.grid:
        pairs.append(("grid", _grid_text(asdict(info.grid)), _grid_text(specification.grid)))
    for name in ("channels", "units"):
        if getattr(specification, name):
            texts = (
                ", ".join(text or "1" for text in getattr(one, name))
                for one in (info, specification)
            )
            pairs.append((f"list of {name}", *texts))
    pairs.append(("image shape", tuple(info.image_shape), tuple(specification.image_shape)))
    for name, found, expected in pairs:
        if found != expected:
            raise InputError(
                f"{where}: its {name} is {found}, but that of the model is {expected}; build the "
                "images as for the "
                "training"
            )


def _grid_text(grid: Mapping) -> str:
    """A grid in words, different for grids that differ."""
    cells = f"{grid['n_eta']}x{grid['n_phi']} cells"
    if "width" in grid:
        return f"{cells}, {float(grid['width'])} wide around the jet axis"
    if grid.get("eta_edges"):
        return f"{cells}, edges in eta {' '.join(str(float(edge)) for edge in grid['eta_edges'])}"
    return f"{cells}, eta {' to '.join(str(float(edge)) for edge in grid['eta_range'])}"


def check_images(
    images: np.ndarray | Tensor | SparseImages, specification: ModelSpecification
) -> None:
    """Raise InputError if images in memory are not of the model's shape."""
    expected = tuple(specification.image_shape)
    shape = tuple(images.shape)
    found = shape if isinstance(images, SparseImages) else shape[1:]
    if found != expected:
        raise InputError(
            f"images of shape {shape}, but the model takes (n, {', '.join(map(str, expected))}): "
            "image, channel, eta, "
            "phi"
        )
    if isinstance(images, SparseImages) and np.any(
        (images.cells < 0) | (images.cells >= np.prod(expected))
    ):
        raise InputError(f"sparse images with cells outside their shape {expected}")


def check_variables(
    variables: np.ndarray | Tensor | None, n_images: int, specification: ModelSpecification
) -> Tensor | None:
    """The variables as float32 ``(n, n_variables)``, None if the model takes none."""
    expected = (n_images, specification.n_variables)
    found = None if variables is None else tuple(np.shape(variables))
    if found != expected and not (found is None and specification.n_variables == 0):
        names = ", ".join(specification.variables) or "none"
        raise InputError(
            f"variables of shape {found}, but the model takes {expected} beside these images: "
            f"{names}"
        )
    if specification.n_variables == 0:
        return None
    return variables.to(torch.float32) if isinstance(variables, Tensor) else as_float32(variables)


def check_indices(indices: Sequence[int] | np.ndarray, n_events: int) -> np.ndarray:
    """Indices of events as int64 ``(n,)``; InputError for what is none, as a mask, which would be
    read as 0 and 1.
    """
    array = np.asarray(indices)
    if array.dtype.kind == "b":
        raise InputError(
            "indices are booleans; give numbers of events, as np.flatnonzero of a mask"
        )
    if array.ndim != 1 or (array.dtype.kind not in "iu" and array.size):
        raise InputError(
            f"indices of the type {array.dtype} and shape {array.shape}; give integers, (n,)"
        )
    if array.size and not (array.min() >= 0 and array.max() < n_events):
        raise InputError(
            f"indices from {array.min()} to {array.max()}, but the files have {n_events} events"
        )
    return array.astype(np.int64)


def as_float32(numbers: np.ndarray) -> Tensor:
    """Float32 tensor of an array of any type and strides, which torch does not take."""
    array = numeric_array(numbers, "images or variables")
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
