"""Content of an image file, for ``calovision inspect``."""

from pathlib import Path

import numpy as np

from calovision.cli.display import brightest_channels, print_plane, write_png
from calovision.cli.summary import columns, metadata_rows, pairs, show, size_rows, tables
from calovision.core.errors import InputError
from calovision.core.splits import SPLITS
from calovision.storage import ImageFile


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
