"""Checksums of an image file by h5py and xxhash alone, as FORMAT.md has them: of files that tests
change on purpose.
"""

import json
from contextlib import contextmanager, suppress

import h5py
import numpy as np
import xxhash

ROWS_OF_A_BLOCK = 250
CELLS, VALUES, BLOCKS = "images/cells", "images/values", "images/checksums"


@contextmanager
def edited(path):
    """Give an HDF5 image file to change, whose checksums fit again afterwards where it still has
    what they are made of."""
    with h5py.File(path, "r+") as file:
        yield file
        seal(file)


def seal(file):
    """Write the checksums of what the open file holds now."""
    data = {}
    for group in ("images", "events", "statistics"):
        with suppress(KeyError, AttributeError, OSError):
            names = {f"{group}/{name}" for name in file[group]} - {CELLS, VALUES, BLOCKS}
            data |= {name: digits(file, name) for name in names}
    attributes = {name: of_attribute(file, name) for name in file.attrs if name != "checksums"}
    with suppress(KeyError, AttributeError, OSError, ValueError, TypeError, IndexError):
        blocks = of_blocks(file)
        del file[BLOCKS]
        file[BLOCKS] = blocks
    text = {"hash": "xxh3_64", "rows_of_a_block": ROWS_OF_A_BLOCK}
    file.attrs["checksums"] = json.dumps(text | {"attributes": attributes, "data": data})


def digits(file, name):
    """Checksum of a data set; any other if it cannot be read."""
    with suppress(KeyError, AttributeError, OSError, ValueError, TypeError, RuntimeError):
        data = file[name]
        if np.prod(data.shape) < 1e7:
            return of_numbers(data[()])
    return "0" * 16


def of_numbers(values):
    values = np.asarray(values)
    little = values.dtype.newbyteorder("<")
    kind = json.dumps([little.str, list(values.shape)])
    return xxhash.xxh3_64_hexdigest(values.astype(little).tobytes() + kind.encode())


def of_text(text):
    return xxhash.xxh3_64_hexdigest(text.encode() + b"\0" + json.dumps(["text", []]).encode())


def of_attribute(file, name):
    """Checksum of an attribute; any other if it is not one number or one text."""
    try:
        value = np.asarray(file.attrs[name]).reshape(-1)[0]
        value = value.decode() if isinstance(value, bytes) else value
        if isinstance(value, str):
            return of_text(value)
        return of_numbers(np.asarray(value.item()))
    except (ValueError, TypeError, OSError, IndexError, AttributeError):
        return "0" * 16


def of_blocks(file):
    """Checksums of cells and values, block by block."""
    offsets, cells, values = (file[f"images/{name}"][()] for name in ("offsets", "cells", "values"))
    cells = cells.astype(cells.dtype.newbyteorder("<"))
    found = []
    for first in range(0, len(offsets) - 1, ROWS_OF_A_BLOCK):
        start, stop = offsets[first], offsets[min(first + ROWS_OF_A_BLOCK, len(offsets) - 1)]
        pair = cells[start:stop], values[start:stop].astype("<f4")
        found.append([xxhash.xxh3_64_intdigest(one.tobytes()) for one in pair])
    return np.array(found, dtype=np.uint64).reshape(-1, 2)
