"""Event images as awkward arrays: for dask-awkward, coffea, and whoever keeps all columns in one
array.

A typetracer, an array of awkward that has a form and no data, gives one of the right form: so
dask-awkward learns what a step returns and which columns it reads.
"""

from collections.abc import Iterable, Mapping, Sequence

import awkward as ak
import numpy as np

from calovision.core.depth import expanded
from calovision.core.errors import InputError
from calovision.core.record_layouts import field_of
from calovision.images.areas import SIZES, have_sizes
from calovision.images.builder import build_images
from calovision.images.channels import check_channels, needed_fields
from calovision.images.grid import EtaPhiGrid


def build_awkward_images(
    towers: ak.Array | None,
    tracks: ak.Array | None,
    grid: EtaPhiGrid,
    channels: Sequence[str],
    *,
    candidates: ak.Array | None = None,
    threads: int = 1,
) -> ak.Array:
    """Sum towers, tracks and candidates like `build_images`, for ``dak.map_partitions``.

    Parameters
    ----------
    towers, tracks, grid, channels, candidates, threads
        As in `build_images`. Typetracers are touched where the channels need them, so that
        dask-awkward reads no other column.

    Returns
    -------
    Records, one an event: ``image`` float32 ``(n_channels, n_eta, n_phi)``, regular, and
    ``overflow`` float64 ``(n_channels,)``: what lies outside the grid.

    Raises
    ------
    InputError
        As `build_images`.

    Examples
    --------
    >>> lazy = dak.map_partitions(build_awkward_images, events.towers, None, grid, ("energy",))
    >>> images = lazy.image.compute()
    """
    collections = {"towers": towers, "tracks": tracks, "candidates": candidates}
    channels = expanded(channels)
    check_channels(channels)
    if any(is_typetracer(one) for one in collections.values()):
        needed = needed_fields(channels)
        if "towers" in needed and have_sizes(getattr(towers, "fields", ()), "towers"):
            needed["towers"] |= {*SIZES}
        touch_fields(collections, needed)
        return image_records_without_data((len(channels), grid.n_eta, grid.n_phi))
    return image_records(
        *build_images(towers, tracks, grid, channels, candidates=candidates, threads=threads)
    )


def is_typetracer(array: object) -> bool:
    """Tell whether it is an awkward array without data."""
    return isinstance(array, ak.Array) and ak.backend(array) == "typetracer"


def touch_fields(
    collections: Mapping[str, ak.Array | None],
    needed: Mapping[str, Iterable[str]],
    of: str = "event",
) -> None:
    """Mark the fields of typetracers as read.

    Raises
    ------
    InputError
        If a collection or a field that is needed is missing.
    """
    for name, fields in needed.items():
        if (collection := collections.get(name)) is None:
            raise InputError(f"the channels need {name}, of which there are none: give them")
        for field in sorted(fields):
            ak.typetracer.touch_data(field_of(collection, field, name, 1, of))


def image_records(images: np.ndarray, overflow: np.ndarray) -> ak.Array:
    """Records ``image`` and ``overflow`` of dense images and what lies outside; nothing is
    copied.
    """
    contents = [ak.contents.NumpyArray(array).to_RegularArray() for array in (images, overflow)]
    return ak.Array(ak.contents.RecordArray(contents, ["image", "overflow"]))


def image_records_without_data(shape: tuple[int, int, int]) -> ak.Array:
    """Typetracer of records like those of `image_records`, of images ``(n_channels, n_eta,
    n_phi)``.
    """
    nothing = np.zeros((0, *shape), dtype=np.float32), np.zeros((0, shape[0]))
    layout = image_records(*nothing).layout
    return ak.Array(layout.to_typetracer(forget_length=True))
