"""Image files that were damaged, or stored in unusual ways, on purpose: hundreds of cases by name.

The good file has numbers that every type of the cases can hold, so that who reads a case at all
must find the same.
"""

import json
from functools import partial

import h5py
import numpy as np
from fakes import make_columns, make_images, make_metadata, to_sparse

from calovision.images.grid import JetGrid
from calovision.storage import ImageFileWriter

N = 20
IMAGES = np.ceil(make_images(N))
ROWS = ("images/offsets", "images/cells", "images/values")
COLUMNS = (
    "events/event_number",
    "events/label",
    "events/weight",
    "events/split",
    "events/jet_index",
    "events/mass",
)
SUMS = ("statistics/n", "statistics/total", "statistics/total_of_squares")
DATA = (*ROWS, *COLUMNS, *SUMS)
N_STORED = int(np.count_nonzero(IMAGES))


def write_good(path):
    """A file of jets with everything that a file may have."""
    columns = {
        name: values
        for name, values in make_columns(N).items()
        if name in ("event_number", "label", "split")
    }
    columns |= {"weight": np.ones(N), "jet_index": np.arange(N) % 2}
    columns |= {name: np.full(N, 3.0) for name in ("pt", "eta", "phi", "mass")}
    with ImageFileWriter(path, (2, 8, 8)) as writer:
        writer.append(to_sparse(IMAGES), columns)
        info = {"kind": "jet", "grid": JetGrid(8, 8, 1.6), "jet_recipe": {"flip": "parity"}}
        info |= {"source_ranges": [(0, 100)], "skipped_files": [("b.root", "ends early")]}
        writer.close(make_metadata(**info))
    return path


def replace(name, make, file):
    """Put what ``make(file, name, values)`` makes in the place of a data set."""
    values = file[name][()]
    del file[name]
    make(file, name, values)


def stored_as(kind, file, name, values):
    file.create_dataset(name, data=np.asarray(values).astype(kind))


def string(file, name, values):
    file.create_dataset(name, data=np.asarray(values).astype("S8"))


def text(file, name, values):
    file.create_dataset(
        name, data=np.asarray(values).astype(str).astype(object), dtype=h5py.string_dtype()
    )


def enumeration(file, name, values):
    kind = h5py.enum_dtype({"a": 0, "b": 1}, basetype="i4")
    file.create_dataset(name, data=np.asarray(values).astype("i4"), dtype=kind)


def compound(file, name, values):
    file.create_dataset(name, data=np.zeros(np.shape(values), [("a", "f4"), ("b", "i8")]))


def opaque(file, name, values):
    file.create_dataset(name, data=np.zeros(np.shape(values), "V4"))


def references(file, name, values):
    data = file.create_dataset(name, np.shape(values), dtype=h5py.ref_dtype)
    data[...] = file.ref


def array_type(file, name, values):
    file.create_dataset(name, np.shape(values), dtype=np.dtype(("f4", (2,))))


def ragged(file, name, values):
    file.create_dataset(name, np.shape(values), dtype=h5py.vlen_dtype(np.dtype("i4")))


def committed(file, name, values):
    file[f"type_of_{name.replace('/', '_')}"] = np.asarray(values).dtype
    file.create_dataset(name, data=values, dtype=file[f"type_of_{name.replace('/', '_')}"])


def chunked(file, name, values, **options):
    values = np.asarray(values)
    if values.ndim:
        file.create_dataset(
            name, data=values, chunks=tuple(min(n, 7) for n in values.shape), **options
        )
    else:
        file.create_dataset(name, data=values)


def resizable(file, name, values):
    values = np.asarray(values)
    file.create_dataset(name, data=values, maxshape=(None,) * values.ndim)


def compact(file, name, values):
    values, plist = np.asarray(values), h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_layout(h5py.h5d.COMPACT)
    kind, space = h5py.h5t.py_create(values.dtype), h5py.h5s.create_simple(values.shape or (1,))
    if values.ndim:
        h5py.h5d.create(file.id, name.encode(), kind, space, dcpl=plist).write(
            h5py.h5s.ALL, h5py.h5s.ALL, values
        )
    else:
        file.create_dataset(name, data=values)


def external(file, name, values):
    values = np.atleast_1d(values)
    other = f"{file.filename}.secret"
    values.tofile(other)
    file.create_dataset(name, values.shape, values.dtype, external=[(other, 0, values.nbytes)])


def virtual(file, name, values):
    values = np.atleast_1d(values)
    layout = h5py.VirtualLayout(values.shape, values.dtype)
    layout[...] = h5py.VirtualSource(f"{file.filename}.other", name, values.shape, values.dtype)
    file.create_virtual_dataset(name, layout)


def soft_link(file, name, values):
    file["elsewhere"] = values
    file[name] = h5py.SoftLink("/elsewhere")


def external_link(file, name, values):
    with h5py.File(f"{file.filename}.other", "a") as other:
        other.require_group("x")
        other["x/y"] = values
    file[name] = h5py.ExternalLink(f"{file.filename}.other", "x/y")


def external_link_to_itself(file, name, values):
    file[name] = h5py.ExternalLink(file.filename, name)


def hard_link(file, name, values):
    file["elsewhere"] = values
    file[name] = file["elsewhere"]


def missing(file, name, values):
    """Nothing comes in its place."""


def group(file, name, values):
    file.create_group(name)


def null(file, name, values):
    file.create_dataset(name, data=h5py.Empty("f8"))


def one_number(file, name, values):
    file.create_dataset(name, data=np.asarray(values).reshape(-1)[0])


def of_shape(shape, file, name, values):
    file.create_dataset(name, data=np.resize(values, shape))


def longer(by, file, name, values):
    values = np.atleast_1d(values)
    file.create_dataset(name, data=np.resize(values, (max(len(values) + by, 0), *values.shape[1:])))


def huge(file, name, values):
    shape = (2**44, *np.shape(values)[1:])
    file.create_dataset(name, shape, np.asarray(values).dtype, chunks=(1024, *np.shape(values)[1:]))


def never_written(file, name, values):
    file.create_dataset(name, np.shape(values), np.asarray(values).dtype, fillvalue=77)


TYPES = (
    ">i8",
    ">i4",
    ">u2",
    ">f4",
    ">f8",
    "<i8",
    "<i4",
    "<i2",
    "<u4",
    "u1",
    "i1",
    "<u8",
    "<f8",
    "<f2",
    "?",
    "<c8",
    ">c16",
)
MAKERS = {f"type {kind}": partial(stored_as, kind) for kind in TYPES}
MAKERS |= {
    one.__name__: one
    for one in (
        *(
            string,
            text,
            enumeration,
            compound,
            opaque,
            references,
            array_type,
            ragged,
            committed,
            chunked,
        ),
        *(
            resizable,
            compact,
            external,
            virtual,
            soft_link,
            external_link,
            external_link_to_itself,
            hard_link,
        ),
        *(missing, group, null, one_number, huge, never_written),
    )
}
MAKERS |= {f"filter {name}": partial(chunked, compression=name) for name in ("gzip", "lzf")}
MAKERS |= {
    "shuffled": partial(chunked, shuffle=True),
    "with checksums": partial(chunked, fletcher32=True),
}
MAKERS |= {
    f"shape {shape}": partial(of_shape, shape)
    for shape in ((0,), (N, 1), (N, 0), (1, N), (2, 8, 8), ())
}
MAKERS |= {f"longer by {by}": partial(longer, by) for by in (1, -1, 1000)}


def put(name, position, value, file):
    """One number in a data set."""
    file[name][position] = value


def reverse(row, file):
    start, stop = file["images/offsets"][row : row + 2]
    file["images/cells"][start:stop] = file["images/cells"][start:stop][::-1]


def repeat(row, file):
    start = file["images/offsets"][row]
    file["images/cells"][start + 1] = file["images/cells"][start]


CONTENTS = {
    f"{name}[{position}] = {value}": partial(put, name, position, value)
    for name, position, value in (
        *(
            ("images/offsets", position, value)
            for position in (0, 1, 7, N - 1)
            for value in (-1, 1, -(2**63), 2**62)
        ),
        *(("images/offsets", N, value) for value in (0, -1, N_STORED - 1, N_STORED + 1, 2**62)),
        *(
            ("images/cells", position, value)
            for position in (0, 77, N_STORED - 1)
            for value in (128, 129, 4096, 65535)
        ),
        *(
            ("images/values", position, value)
            for position in (0, 77, N_STORED - 1)
            for value in (np.nan, np.inf, -np.inf)
        ),
        *(
            ("events/label", position, value)
            for position in (0, 11, N - 1)
            for value in (1, 5, -1, 127)
        ),
        *(
            ("events/split", position, value)
            for position in (0, 11, N - 1)
            for value in (3, 7, 255)
        ),
        *(
            ("events/weight", position, value)
            for position in (0, 11, N - 1)
            for value in (np.nan, np.inf, -np.inf)
        ),
        *(
            ("events/jet_index", position, value)
            for position in (0, N - 1)
            for value in (-1, -(2**63))
        ),
        *(("statistics/n", (), value) for value in (-1, N + 1, 2**40)),
        *((name, (1, 2, 3), value) for name in SUMS[1:] for value in (np.nan, np.inf)),
        ("statistics/total_of_squares", (0, 0, 0), -1.0),
    )
}
CONTENTS |= {f"reversed row {row}": partial(reverse, row) for row in (0, 7, N - 1)}
CONTENTS |= {f"repeated cell in row {row}": partial(repeat, row) for row in (0, 7, N - 1)}


def set_attribute(name, value, file):
    file.attrs[name] = value


def drop_attribute(name, file):
    del file.attrs[name]


ATTRIBUTES = (
    *make_metadata().to_attributes(),
    "kind",
    "jet_recipe",
    "source_ranges",
    "skipped_files",
)
VALUES = {
    "0": 0,
    "-1": -1,
    "99": 99,
    "half": 0.5,
    "nan": np.nan,
    "inf": np.inf,
    "huge": 2**63,
    "truth": True,
    "empty": "",
    "text": "foo",
    "brace": "{",
    "list": "[]",
    "object": "{}",
    "null": "null",
    "numbers": "[1, 2, 3]",
    "names": '["a", "a"]',
    "bytes": np.bytes_(b"foo"),
    "no text": np.bytes_(b"\xff\xfe"),
    "array": np.arange(3),
    "one": np.array([1]),
    "null space": h5py.Empty("f8"),
    "nested": "[" * 100_000,
    "long": "1" * 5000,
    "rows": '[["a"], [1, 2, 3, 4]]',
    "large grid": json.dumps({"n_eta": 2**31, "n_phi": 2**31, "width": 1.0, "eta_range": [-1, 1]}),
    "no grid": json.dumps({"n_eta": -3, "n_phi": "8", "width": None, "eta_range": [1, -1]}),
    "many cells": json.dumps({"n_eta": 16, "n_phi": 16, "width": 1.0}),
    "many": json.dumps([f"c{k}" for k in range(9000)]),
}


def cases():
    """Name of each case -> what makes it of an open file."""
    found = {
        f"{name}: {maker}": partial(replace, name, make)
        for name in DATA
        for maker, make in MAKERS.items()
    }
    for name in ("images", "events", "statistics"):
        for maker in ("missing", "soft_link", "external_link", "hard_link"):
            found[f"{name}: {maker}"] = partial(move_group, maker, name)
    found |= CONTENTS
    for name in ATTRIBUTES:
        found[f"{name}: none"] = partial(drop_attribute, name)
        found |= {
            f"{name}: {kind}": partial(set_attribute, name, value) for kind, value in VALUES.items()
        }
    return found


def move_group(maker, name, file):
    """A whole group elsewhere."""
    if maker == "hard_link":
        file["elsewhere"] = file[name]
    elif maker != "missing":
        file.move(name, "elsewhere")
        if maker == "external_link":
            with h5py.File(f"{file.filename}.other", "w") as other:
                file.copy("elsewhere", other, name)
            file[name] = h5py.ExternalLink(f"{file.filename}.other", name)
        else:
            file[name] = h5py.SoftLink("/elsewhere")
    else:
        del file[name]
