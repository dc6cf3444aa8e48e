"""Content of an image file, or of another HDF5 file of calovision, for ``calovision inspect``."""

from pathlib import Path

import numpy as np

from calovision.cli.display import brightest_channels, print_plane, write_png
from calovision.cli.summary import columns, metadata_rows, pairs, show, size_rows, tables
from calovision.core.errors import InputError
from calovision.core.splits import SPLITS
from calovision.core.text import shortened
from calovision.storage import FORMAT, ImageFile
from calovision.storage.hdf5 import Content, read_content
from calovision.storage.verification import format_of

OURS = "calovision-"
"""Beginning of the attribute ``format`` of files that calovision writes."""


def inspect_hdf5(path: Path, *, event: int | None, png: Path | None) -> None:
    """Print what an HDF5 file holds; InputError if it is none of calovision."""
    kind = format_of(path)
    if kind != FORMAT:
        content = read_content(path)
        if content.has_checksums or (kind or "").startswith(OURS):
            _print_content(path, content, event=event, png=png)
            return
    inspect_images(path, event=event or 0, png=png)


def _print_content(path: Path, content: Content, *, event: int | None, png: Path | None) -> None:
    if event is not None or png is not None:
        raise InputError(f"{path}: --event and --png display images, which this file has not")
    described = [
        (name, shortened(value.decode() if isinstance(value, bytes) else value))
        for name, value in content.attributes.items()
    ]
    arrays = [
        (name, "text" if dtype.kind in "OS" else str(dtype), "x".join(map(str, shape)))
        for name, (dtype, shape) in content.arrays.items()
    ]
    show(
        pairs(
            [
                ("file", str(path)),
                ("size", f"{path.stat().st_size / 1e6:.2f} MB"),
                ("checksums", "yes" if content.has_checksums else "no"),
            ]
        ),
        columns(("attribute", "value"), described, title="attributes"),
        columns(("data set", "type", "shape"), arrays, title="data sets"),
    )


def inspect_images(path: Path, *, event: int, png: Path | None) -> None:
    """Print attributes, columns and counts, and display one image."""
    file = ImageFile(path)
    splits = [
        (name, int(np.sum(file.events["split"] == number))) for number, name in enumerate(SPLITS)
    ]
    stored = [
        (name, str(values.dtype), "x".join(map(str, values.shape)))
        for name, values in file.events.items()
    ]
    show(
        pairs([("file", str(path)), *size_rows(file), *metadata_rows(file.metadata)]),
        *tables(file),
        columns(("split", "images"), splits, title="splits"),
        columns(("column", "type", "shape"), stored, title="columns"),
        columns(("source", "UUID"), file.metadata.source_files, title="source files"),
    )
    if len(file):
        display_image(file, event, png)


def display_image(file: ImageFile, row: int, png: Path | None) -> None:
    """Display one image of the file, on the terminal or as a picture."""
    if row >= len(file):
        raise InputError(
            f"{file.path} has {len(file)} images: --event must be below that, not {row}"
        )
    if png is not None:
        write_png(file.plot(row), png)
        return
    info = file.metadata
    chosen = brightest_channels(info.channels, info.units)
    names = " + ".join(info.channels[channel] for channel in chosen)
    number = file.events["event_number"][row]
    jet = f", jet {file.events['jet_index'][row]}" if info.kind == "jet" else ""
    print_plane(
        file[row][chosen].sum(axis=0),
        info.grid,
        title=f"row {row}, event {number}{jet}: {names}",
        unit=info.units[chosen[0]],
    )
