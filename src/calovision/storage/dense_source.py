"""Arrays of others in HDF5 or npz, by name: dense images, the order of their axes, particles."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.storage.export import DENSE_FORMAT, EXPORTED
from calovision.storage.hdf5 import (
    Checksums,
    find_dataset,
    names_of_datasets,
    opened,
    read_attributes,
    register_filters,
)
from calovision.storage.npz import opened_npz

LAYOUTS = {"NCHW": (1, 2, 3), "NHWC": (3, 1, 2)}
"""Order of the axes -> those of channel, eta and phi; H is eta, W is phi."""
NAMES = {
    "images": ("images", "X", "x"),
    "particles": ("particle_features", "particles", "X", "x"),
    "jets": ("jet_features", "jets"),
    "labels": ("events/label", "labels", "label", "y"),
    "weights": ("events/weight", "weights", "weight"),
    "event_numbers": ("events/event_number", "event_numbers", "event_number"),
    "splits": (),
}
"""Quantity -> names that are looked for, the first that is there."""


@contextmanager
def dense_arrays(
    path: Path, what: str = "dense images"
) -> Iterator[tuple[Mapping[str, Any], dict[str, Any], Checksums | None]]:
    """Arrays of a file by name, which are read in slices, the attributes and the checksums of one
    of `calovision.storage.export`; messages say ``what`` they are taken for.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    path = Path(path)
    if path.suffix == ".npz":
        with opened_npz(path) as arrays:
            yield arrays, {}, None
        return
    with opened(path, f"HDF5 file of {what}") as file:
        arrays = {name: find_dataset(path, file, name) for name in names_of_datasets(file)}
        for name, array in arrays.items():
            register_filters(path, name, array)
        # all that was sealed is compared, also the format of a file that would not be ours without
        found, checksums = read_attributes(
            path, file, known=("format",), one_value_each=False, what=EXPORTED
        )
        if not (isinstance(form := found.get("format"), str) and form == DENSE_FORMAT):
            yield arrays, {}, None
            return
        if checksums is not None:
            checksums.require_data(arrays)
        attributes, _ = read_attributes(path, file, one_value_each=False, what=EXPORTED)
        yield arrays, attributes, checksums


def whole_array(array: Any, checksums: Checksums | None) -> np.ndarray:
    """All of an array, after a look at its checksum, if it has one."""
    values = array[()]
    if checksums is not None:
        checksums.require_array(array.name.lstrip("/"), values)
    return values


def blocks_of(array: Any, size: int, checksums: Checksums | None) -> Iterator[np.ndarray]:
    """Some rows of an array at a time; InputError behind the last if they do not fit the
    checksum.
    """
    blocks = (array[start : start + size] for start in range(0, len(array), size))
    if checksums is None:
        return blocks
    return checksums.compared(array.name.lstrip("/"), blocks, array.dtype, array.shape)


def find_array(
    path: Path, arrays: Mapping[str, Any], quantity: str, given: str | None
) -> Any | None:
    """Array of a quantity: by the name that is given, or by one of those of `NAMES`; None if there
    is none of these.

    Raises
    ------
    InputError
        If there is no array of the name that is given, or it does not hold numbers.
    """
    if given is not None and given not in arrays:
        raise InputError(
            f"{path}: there is no array '{given}'{nearest(given, arrays)}; it has "
            f"{', '.join(arrays) or 'none'}"
        )
    name = given or next((one for one in NAMES[quantity] if one in arrays), None)
    if name is None:
        return None
    if arrays[name].dtype.kind not in "biuf":
        raise InputError(f"{path}: '{name}' is {arrays[name].dtype}: it must be numbers")
    return arrays[name]


def find_column(
    path: Path,
    arrays: Mapping[str, Any],
    quantity: str,
    given: str | None,
    n_rows: int,
    *,
    of: str = "images",
) -> np.ndarray | None:
    """Numbers of a quantity, one a row, ``(n,)``; None if there is no array of it.

    Parameters
    ----------
    n_rows, of
        How many there must be, and of what, for messages.

    Raises
    ------
    InputError
        As `find_array`, or if there are more or fewer.
    """
    array = find_array(path, arrays, quantity, given)
    if array is None:
        return None
    if array.shape not in ((n_rows,), (n_rows, 1)):
        raise InputError(
            f"{path}: {quantity.replace('_', ' ')} of shape {array.shape} for {n_rows} {of}: "
            "there must be one for each"
        )
    return np.asarray(array[()]).reshape(-1)


def axes_of(
    path: Path, shape: Sequence[int], layout: str | None, n_channels: int | None
) -> tuple[int, int, int] | None:
    """Axes of channel, eta and phi of dense images; None for ``(n, n_eta, n_phi)``, of one channel.

    Parameters
    ----------
    shape
        Of the array.
    layout
        One of `LAYOUTS`; None to tell it by the number of channels, or as the axis that is shorter
        than the two others.

    Raises
    ------
    InputError
        If the layout is unknown, cannot be told, or does not fit the number of channels.
    """
    if layout is not None and layout not in LAYOUTS:
        raise InputError(f"layout '{layout}' is unknown: choose from {', '.join(LAYOUTS)}")
    if len(shape) == 3 and n_channels in (None, 1):
        return None
    if len(shape) != 4 or 0 in shape[1:]:
        raise InputError(
            f"{path}: images of shape {tuple(shape)}: they must be (n, channel, eta, phi), "
            "(n, eta, phi, channel), or (n, eta, phi) for one channel"
        )

    def fits(axes: tuple[int, int, int]) -> bool:
        channel, *cells = (shape[axis] for axis in axes)
        return channel < min(cells) if n_channels is None else channel == n_channels

    known = LAYOUTS if layout is None else {layout: LAYOUTS[layout]}
    possible = [axes for axes in known.values() if fits(axes)]
    if layout is not None and n_channels is None:
        possible = [LAYOUTS[layout]]
    if len(possible) == 1:
        return possible[0]
    channels = "" if n_channels is None else f" with {n_channels} channels"
    if layout is not None:
        raise InputError(f"{path}: images of shape {tuple(shape)} are not {layout}{channels}")
    raise InputError(
        f"{path}: images of shape {tuple(shape)}{channels} may be {' or '.join(LAYOUTS)}: give the "
        "layout"
        if possible
        else f"{path}: neither NCHW nor NHWC images of shape {tuple(shape)}{channels}: give layout "
        "and channels as they are"
    )
