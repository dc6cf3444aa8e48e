"""Jet images as awkward arrays, for dask-awkward and coffea."""

import awkward as ak
import numpy as np

from calovision.core.errors import InputError
from calovision.images.areas import SIZES, have_sizes
from calovision.images.awkward_images import (
    image_records,
    image_records_without_data,
    is_typetracer,
    touch_fields,
)
from calovision.images.jet_images.builder import build_dense_jet_images
from calovision.images.jet_images.constituents import needed_fields
from calovision.images.jet_images.recipe import JetImageRecipe


def build_awkward_jet_images(
    constituents: ak.Array,
    recipe: JetImageRecipe,
    *,
    axes: np.ndarray | ak.Array | None = None,
    threads: int = 1,
) -> ak.Array:
    """Make an image of each jet like `build_jet_images`, for ``dak.map_partitions``.

    Parameters
    ----------
    constituents, recipe, axes, threads
        As in `build_jet_images`; the axes as records eta, phi where they are lazy too.

    Returns
    -------
    Records, one a jet: ``image`` float32 ``(n_channels, n_eta, n_phi)``, regular, and ``overflow``
    float64 ``(n_channels,)``.

    Raises
    ------
    InputError, EntryError
        As `build_jet_images`.
    """
    if not is_typetracer(constituents):
        return image_records(
            *build_dense_jet_images(constituents, recipe, axes=axes, threads=threads)
        )
    needed = {"constituents": needed_fields(recipe)}
    if have_sizes(getattr(constituents, "fields", ()), "constituents"):
        needed["constituents"] |= dict.fromkeys(SIZES, "the division among the cells")
    if recipe.center == "axis":
        if axes is None:
            raise InputError("the recipe centers images on the axes of the jets: give axes")
        needed |= {"axes": ("eta", "phi")} if is_typetracer(axes) else {}
    touch_fields({"constituents": constituents, "axes": axes}, needed, of="jet")
    grid = recipe.grid
    return image_records_without_data((len(recipe.channels), grid.n_eta, grid.n_phi))
