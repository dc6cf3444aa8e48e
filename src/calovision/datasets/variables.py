"""Event columns as numbers for the network, beside the image."""

from collections.abc import Sequence

import numpy as np

from calovision.core.errors import InputError
from calovision.jets.substructure.variables import JET_VARIABLES
from calovision.jets.variables import EVENT_COLUMNS, VARIABLES
from calovision.storage import ImageCollection

FAT_JET_FIELDS = ("pt", "eta", "phi", "mass")


def variable_names(collection: ImageCollection, variables: Sequence[str]) -> tuple[str, ...]:
    """Name of every number that the columns make: ``("ht", "fat_jets[0].pt", ...)``.

    Parameters
    ----------
    collection
        Image files.
    variables
        Names of columns.

    Raises
    ------
    InputError
        If a column is not there, or tells the class.
    """
    return tuple(
        name
        for column in variables
        for name in _names(column, _column(collection, column).shape[1:])
    )


def load_variables(
    collection: ImageCollection,
    indices: Sequence[int] | np.ndarray,
    variables: Sequence[str],
    *,
    key: str = "train.variables",
) -> np.ndarray:
    """Columns of the given events side by side, float32 ``(n, n_variables)``; those of several
    numbers are flattened. ``key`` is that of the configuration, for messages.

    Parameters
    ----------
    collection
        Image files.
    indices
        Positions of the events (or jets) in the collection, ``(n,)``.
    variables
        Names of columns.
    key
        Key of the configuration that names them, for messages.

    Raises
    ------
    InputError
        If a column is not there, tells the class, or is not finite for one of the events.
    """
    indices = np.asarray(indices, dtype=np.int64)
    parts = [_flat(collection, column, indices, key) for column in variables]
    return np.concatenate([np.zeros((len(indices), 0), dtype=np.float32), *parts], axis=1)


def _column(collection: ImageCollection, name: str, key: str = "train.variables") -> np.ndarray:
    if name in EVENT_COLUMNS:
        raise InputError(
            f"{key}: '{name}' is no property of an event that a network may see, take others"
        )
    return collection.column(name)


def _flat(collection: ImageCollection, name: str, indices: np.ndarray, key: str) -> np.ndarray:
    """One column of the given events, float32 ``(n, k)``."""
    column = _column(collection, name, key)[indices]
    # what is too large for float32 becomes infinite, and is refused
    with np.errstate(over="ignore"):
        values = column.reshape(len(indices), int(np.prod(column.shape[1:]))).astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        where = _not_finite_for(name)
        why = "" if where is None else f", as it is for {where}"
        raise InputError(
            f"{key}: '{name}' is not finite for {len(bad)} of {len(indices)} events (the "
            "first is number "
            f"{indices[bad[0]]}){why}: leave it out or select events that have it"
        )
    return values


def _not_finite_for(name: str) -> str | None:
    """Events or jets for which a variable is known not to be finite."""
    if name in VARIABLES:
        return VARIABLES[name].infinite_for
    return JET_VARIABLES[name].undefined_for if name in JET_VARIABLES else None


def _names(column: str, shape: tuple[int, ...]) -> list[str]:
    """Names of the numbers of one column with entries of the given shape, in the order of
    `load_variables`.
    """
    if column == "fat_jets" and shape[1:] == (len(FAT_JET_FIELDS),):
        return [f"{column}[{jet}].{field}" for jet in range(shape[0]) for field in FAT_JET_FIELDS]
    return [
        column + (f"[{', '.join(map(str, place))}]" if place else "")
        for place in np.ndindex(*shape)
    ]
