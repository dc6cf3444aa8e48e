"""Trees of a file whose entries count the generated events."""

import math
from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from calovision.core.errors import InputError
from calovision.ntuples.chunks import read_chunks
from calovision.ntuples.counters import Totals
from calovision.ntuples.root_file import find_tree, has_tree
from calovision.ntuples.schema_names import require_branches
from calovision.ntuples.schemas.schema import CounterRow, Counters


def read_counters(
    file: uproot.ReadOnlyDirectory, counters: Counters, schema_name: str, path: Path | str
) -> Totals | None:
    """Read the generator's counters; of several entries (files merged with hadd) all count.

    None if the schema allows that they are missing, and they are.
    """
    if counters.may_miss and not has_tree(file, counters.tree):
        return None
    tree = find_tree(file, counters.tree, path)
    names = [name for name in counters.branches if name in tree.names]
    is_whole = len(names) == len(counters.branches) or counters.row is None
    if counters.may_miss and not (names and is_whole):
        return None
    if not counters.may_miss:
        require_branches(tree, counters.branches, schema_name, path)
    if tree.num_entries == 0:
        raise InputError(f"{path}: the tree {tree.name!r} is empty; it must have one entry")
    _, arrays = next(read_chunks(tree, names, path, int(tree.num_entries)))
    if counters.row is not None:
        arrays = counters_in_row(arrays, counters.row)
        if arrays is None and counters.may_miss:
            return None
    number, weights = (
        _counted(arrays, counters.n_generated),
        _counted(arrays, counters.sum_of_weights),
    )
    total = None if number is None else int(number.sum())
    mean = math.nan
    if counters.cross_section_pb and total:
        mean = float((ak.to_numpy(arrays[counters.cross_section_pb]) * number).sum() / total)
    source = f"{counters.tree}/{names[0]}"
    return Totals(
        total, None if weights is None else float(weights.sum(dtype=np.float64)), source, mean
    )


def _counted(arrays: Mapping[str, ak.Array], names: Sequence[str]) -> np.ndarray | None:
    """Values of each entry of a counter, by the first of its names that is not zero; None if it has
    none.
    """
    columns = [ak.to_numpy(arrays[name]) for name in names if name in arrays]
    if not columns:
        return None
    return reduce(lambda found, other: np.where(found != 0, found, other), columns)


def counters_in_row(arrays: Mapping[str, ak.Array], row: CounterRow) -> dict[str, ak.Array] | None:
    """Take the value that counts out of the lists of each entry.

    Parameters
    ----------
    arrays
        Branches of the counters, ``n * var``, those of the row among them.
    row
        What the value is found by.

    Returns
    -------
    Branch -> value of each entry, ``(n,)``; None if an entry has no such value.
    """
    fits = True
    for branch, text in row.where.items():
        fits = fits & (arrays[branch] == text)
    chosen = {name: values[fits] for name, values in arrays.items()}
    if not ak.all(ak.any(fits, axis=1)):
        return None
    last = ak.argmax(chosen[row.largest], axis=1, keepdims=True)
    return {name: values[last][:, 0] for name, values in chosen.items()}
