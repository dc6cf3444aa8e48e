"""Checksums of HDF5 files by h5py and xxhash alone, as FORMAT.md has them: of files that tests
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


@contextmanager
def edited_other(path):
    """`edited` of a file without images: a table, run maps, a reference."""
    with h5py.File(path, "r+") as file:
        yield file
        names = []
        file.visititems(lambda name, item: names.append(name) if hasattr(item, "dtype") else None)
        write_checksums(file, names)


def seal(file):
    """Write the checksums of what the open image file holds now."""
    names = set()
    for group in ("images", "events", "statistics"):
        with suppress(KeyError, AttributeError, OSError):
            names |= {f"{group}/{name}" for name in file[group]} - {CELLS, VALUES, BLOCKS}
    with suppress(
        KeyError, AttributeError, OSError, ValueError, TypeError, IndexError, MemoryError
    ):
        blocks = of_blocks(file)
        del file[BLOCKS]
        file[BLOCKS] = blocks
    write_checksums(file, names, rows_of_a_block=ROWS_OF_A_BLOCK)


def write_checksums(file, names, **others):
    """Write the attribute of the checksums of all attributes, and of data sets."""
    attributes = {name: of_attribute(file, name) for name in file.attrs if name != "checksums"}
    data = {name: digits(file, name) for name in names}
    text = {"hash": "xxh3_64", **others, "attributes": attributes, "data": data}
    file.attrs["checksums"] = json.dumps(text)


def digits(file, name):
    """Checksum of a data set; any other if it cannot be read."""
    with suppress(KeyError, AttributeError, OSError, ValueError, TypeError, RuntimeError):
        data = file[name]
        if np.prod(data.shape) < 1e7:
            is_text = data.dtype.kind in "OS"
            return of_text(data[()].reshape(-1), data.shape) if is_text else of_numbers(data[()])
    return "0" * 16


def of_numbers(values):
    values = np.asarray(values)
    little = values.dtype.newbyteorder("<")
    kind = json.dumps([little.str, list(values.shape)])
    return xxhash.xxh3_64_hexdigest(values.astype(little).tobytes() + kind.encode())


def of_text(texts, shape=()):
    content = b"".join(one + b"\0" for one in texts)
    return xxhash.xxh3_64_hexdigest(content + json.dumps(["text", list(shape)]).encode())


def of_attribute(file, name):
    """Checksum of an attribute; any other if it is not one number or one text."""
    try:
        value = np.asarray(file.attrs[name]).reshape(-1)[0]
        value = value.decode() if isinstance(value, bytes) else value
        if isinstance(value, str):
            return of_text([value.encode()])
        return of_numbers(np.asarray(value.item()))
    except (ValueError, TypeError, OSError, IndexError, AttributeError, MemoryError):
        return "0" * 16


def of_blocks(file):
    """Checksums of cells and values, block by block."""
    offsets, cells, values = (file[f"images/{name}"][()] for name in ("offsets", "cells", "values"))
    cells = cells.astype(cells.dtype.newbyteorder("<"))
    values = values.real if values.dtype.kind == "c" else values
    found = []
    for first in range(0, len(offsets) - 1, ROWS_OF_A_BLOCK):
        start, stop = offsets[first], offsets[min(first + ROWS_OF_A_BLOCK, len(offsets) - 1)]
        pair = cells[start:stop], values[start:stop].astype("<f4")
        found.append([xxhash.xxh3_64_intdigest(one.tobytes()) for one in pair])
    return np.array(found, dtype=np.uint64).reshape(-1, 2)
