"""Counters that hold a list an entry, one value of which counts the generated events."""

from collections.abc import Mapping

import awkward as ak

from calovision.ntuples.schemas.schema import CounterRow


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
