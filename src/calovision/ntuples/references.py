"""References of jets to their constituents by ROOT's unique numbers, looked up in the event.

A TRefArray holds the lower 24 bits of the number of each object (``fUniqueID``); the upper 8 bits
are those of the process that made the object, and the same for all objects of an event. Delphes
counts from 1 again in each event. Sources: TRefArray::Streamer and TProcessID of ROOT
(io/doc/TFile/trefarray.md), DelphesFactory::Clear of Delphes.
"""

import logging
from collections.abc import Sequence

import awkward as ak
import numpy as np

from calovision.core.errors import InputError
from calovision.ntuples.branch_arrays import BranchArrays, Column, flat_column
from calovision.ntuples.schemas.links import References

logger = logging.getLogger(__name__)

_NUMBER = 0xFFFFFF
# of the references of a chunk that may point to nothing: their energy is missing in the images
LARGEST_SHARE_LOST = 0.01
_WAY_OUT = (
    "constituents: none in a schema that extends delphes, for images of towers clustered again"
)


def references_of(chunk: BranchArrays, name: str) -> Column:
    """Unique numbers that each jet refers to; InputError for something else than one TRefArray a
    jet, or a list of numbers in its place.
    """
    if name not in chunk.columns:
        array = chunk.arrays[name]
        column = flat_column(array["refs"] if "refs" in ak.fields(array) else array)
        if column is None or column.inner is None:
            raise InputError(
                f"{chunk.where}: {name} holds {chunk.kind(name)}; it must hold one TRefArray a jet"
            )
        chunk.columns[name] = column
    return chunk.columns[name]


def referenced(chunk: BranchArrays, link: References) -> np.ndarray:
    """Position of the object of each reference in the whole chunk; -1 where the link's collection
    has none of this number, or one that is looked up before it.

    Raises
    ------
    InputError
        If two objects of an event have the same number.
    """
    position = _looked_up(chunk, link.references, link.ids)
    for earlier in link.after:
        position = np.where(_looked_up(chunk, link.references, earlier) < 0, position, -1)
    return position


def check_found(chunk: BranchArrays, links: Sequence[References]) -> None:
    """Count the references that point to nothing.

    Raises
    ------
    InputError
        If they are more than `LARGEST_SHARE_LOST` (a warning tells fewer ones), or jets have none.
    """
    name = links[0].references
    column = references_of(chunk, name)
    if len(column.inner) > 1 and not len(column.values):
        raise InputError(
            f"{chunk.where}: {name} is empty for all {len(column.inner) - 1} jets; {_WAY_OUT}"
        )
    is_lost = np.all([_looked_up(chunk, name, link.ids) < 0 for link in links], axis=0)
    n_lost = int(is_lost.sum())
    if n_lost == 0:
        return
    entry = chunk.entry_of_value(column, int(np.flatnonzero(is_lost)[0]))
    collections = ", ".join(link.ids.removesuffix(".fUniqueID") for link in links)
    sentence = (
        f"{chunk.where}: {n_lost} of {len(is_lost)} references in {name} point to objects that "
        f"none of {collections} has, the first in entry {entry}"
    )
    if n_lost > LARGEST_SHARE_LOST * len(is_lost):
        raise InputError(
            f"{sentence}; images of these jets would lack energy: give a file with the objects "
            f"that they are made of, or {_WAY_OUT}"
        )
    logger.warning("%s; their energy is missing in the images", sentence)


def _looked_up(chunk: BranchArrays, references: str, ids: str) -> np.ndarray:
    """Position of the object of each reference among those with these numbers, -1 for none."""
    key = (references, ids)
    if key not in chunk.looked_up:
        chunk.looked_up[key] = _look_up(chunk, references_of(chunk, references), ids)
    return chunk.looked_up[key]


def _look_up(chunk: BranchArrays, column: Column, ids: str) -> np.ndarray:
    objects = chunk.column(ids)
    known = _keys(objects.values, np.diff(objects.offsets))
    wanted = _keys(column.values, np.diff(column.inner[column.offsets]))
    used = np.flatnonzero(known & _NUMBER)  # objects that are not referenced have the number 0
    order = used[np.argsort(known[used], kind="stable")]
    known = known[order]
    if len(twice := np.flatnonzero(np.diff(known) == 0)):
        entry = chunk.entry_of_value(objects, int(order[twice[0]]))
        raise InputError(
            f"{chunk.where}: two objects of entry {entry} have the {ids} "
            f"{known[twice[0]] & _NUMBER}, so that references to it are ambiguous; each must have "
            "its own"
        )
    place = np.searchsorted(known, wanted)
    place[place == len(known)] = 0
    is_known = known[place] == wanted if len(known) else np.zeros(len(wanted), dtype=bool)
    return np.where(is_known, order[place] if len(order) else -1, -1)


def _keys(numbers: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Entry and unique number in one, int64."""
    entry = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    return (entry << 24) | (numbers.astype(np.int64) & _NUMBER)
