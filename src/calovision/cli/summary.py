"""Tables of the content of an image file, for the terminal."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from calovision.core.classes import OF_ROWS
from calovision.core.splits import TRAIN
from calovision.core.text import printable
from calovision.storage import ImageFile, ImageMetadata

UNLIMITED = 10_000  # characters in a line


def print_summary(output: Path, *, seconds: float, n_read: int) -> None:
    """Print what was written, and how fast: the entries read per second."""
    file = ImageFile(output)
    rows = [("output", str(output)), *size_rows(file)]
    rows.append(("speed", f"{n_read / max(seconds, 1e-9):,.0f} events/s, {seconds:.1f} s"))
    show(pairs(rows), *tables(file))


def show(*parts: RenderableType) -> None:
    """Print on standard output; lines are not wrapped where that is a file or a pipe."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = UNLIMITED
    for part in map(_harmless, parts):
        if isinstance(part, Text):  # a picture, whose lines cannot be read when they are wrapped
            console.print(part, no_wrap=True, overflow="crop")
        else:
            console.print(part)


def pairs(rows: Iterable[tuple[str, str]]) -> Table:
    """Names and values without a frame."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(Text(printable(name), style="bold"), Text(printable(value)))
    return table


def columns(
    header: Sequence[str], rows: Iterable[Sequence[object]], *, title: str
) -> RenderableType:
    """Table with a title; numbers to the right."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    cells = [[_shown(value) for value in row] for row in rows]
    for number, name in enumerate(header):
        table.add_column(
            Text(printable(name)),
            justify="left" if number == 0 or not _numeric(cells, number) else "right",
            overflow="fold",  # else names are cut where the terminal is narrow
        )
    for row in cells:
        table.add_row(*map(Text, row))
    return Group(Text(""), Text(printable(title), style="bold"), table)


def size_rows(file: ImageFile) -> list[tuple[str, str]]:
    """Number of images and bytes."""
    size = file.path.stat().st_size
    n_images = len(file)
    per_image = f", {size / 1000 / n_images:.2f} KB each" if n_images else ""
    what = "jets" if file.metadata.kind == "jet" else "events"
    return [(what, str(n_images)), ("size", f"{size / 1e6:.2f} MB{per_image}")]


def tables(file: ImageFile) -> list[RenderableType]:
    """Cut flow, overflow, warnings and skipped files, those there are."""
    info = file.metadata
    flow = columns(("cut", "events", "sum of weights"), info.cut_flow, title="cut flow")
    parts = [flow]
    if info.jet_cut_flow:
        names = ("cut", "jets", "sum of weights")
        parts.append(columns(names, info.jet_cut_flow, title="cut flow of jets"))
    if info.mask is not None:
        sums = ([f"{one:.6g}" for one in info.mask[name]] for name in ("removed", "filled"))
        rows = zip(info.channels, info.mask["cells"], *sums, strict=True)
        parts.append(columns(("channel", "cells", "removed", "filled"), rows, title="dead cells"))
    if info.classes:
        labels = file.events["label"]
        rows = [(name, n, int(np.sum(labels == n))) for n, name in enumerate(info.classes)]
        parts.append(columns(("class", "label", "images"), rows, title="classes"))
    shares = overflow_shares(file)
    if shares is not None:
        rows = [
            (name, unit, "-" if np.isnan(share) else f"{share:.2%}")
            for name, unit, share in zip(info.channels, info.units, shares, strict=True)
        ]
        parts.append(
            columns(
                ("channel", "unit", "outside the image"),
                rows,
                title="channels, over the training split",
            )
        )
    if info.warnings:
        parts.append(columns(("about", "warning", "files"), info.warnings, title="warnings"))
    if info.skipped_files:
        parts.append(columns(("file", "reason"), info.skipped_files, title="skipped files"))
    return parts


def overflow_shares(file: ImageFile) -> np.ndarray | None:
    """Share of each channel's content that is outside the image, over the training split, whose
    sums the file holds.

    NaN for a channel without content; None if the file does not say.
    """
    statistics = file.statistics
    if statistics is None or "overflow" not in file.events:
        return None
    outside = file.events["overflow"][file.events["split"] == TRAIN].sum(axis=0)
    total = outside + statistics.total.sum(axis=(1, 2))
    return np.divide(outside, total, out=np.full(len(total), np.nan), where=total != 0)


def metadata_rows(info: ImageMetadata) -> list[tuple[str, str]]:
    """Attributes that are one line each."""
    grid = info.grid
    if info.kind == "jet":
        cells = f"{grid.n_eta}x{grid.n_phi} cells, {grid.width:g} wide around the jet axis"
    else:
        edges = (
            ", edges " + " ".join(f"{edge:g}" for edge in grid.eta_edges) if grid.eta_edges else ""
        )
        cells = (
            f"{grid.n_eta}x{grid.n_phi} cells, eta {grid.eta_range[0]:g} to "
            f"{grid.eta_range[1]:g}{edges}, all phi"
        )
    rows = [
        ("kind", f"{info.kind} images"),
        ("sample", f"{info.sample}, {_class_of(info)}"),
        ("grid", cells),
        ("selection", "; ".join(info.selection.values()) or "none"),
        ("generated", f"{info.n_generated} events, sum of weights {info.sum_of_weights:g}"),
        (
            "cross-section",
            "unknown" if np.isnan(info.cross_section_pb) else f"{info.cross_section_pb:g} pb",
        ),
        ("package", f"calovision {info.package_version}, configuration {info.configuration_hash}"),
    ]
    if info.jet_selection:
        rows.insert(4, ("of jets", "; ".join(info.jet_selection.values())))
    if info.jet_recipe is not None:
        steps = {
            name: value
            for name, value in info.jet_recipe.items()
            if value and name not in ("grid", "channels")
        }
        rows.insert(
            3, ("jet recipe", ", ".join(f"{name} {value}" for name, value in steps.items()))
        )
    return rows


def _class_of(info: ImageMetadata) -> str:
    """Label of all rows in words, or how each got its own."""
    if info.label != OF_ROWS:
        name = f" ({info.classes[info.label]})" if info.classes else ""
        return f"label {info.label}{name}"
    cuts = "; ".join(f"{name}: {text}" for name, text in info.class_cuts.items())
    return f"labels of the rows{f' ({cuts})' if cuts else ''}"


def _shown(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else printable(value)


def _harmless(part: RenderableType) -> RenderableType:
    """Copy of a part to print, without control characters."""
    if isinstance(part, str):
        return printable(part, lines=True)
    if isinstance(part, Text) and not part.spans:
        return Text(printable(part.plain, lines=True), style=part.style)
    return part


def _numeric(cells: Sequence[Sequence[str]], column: int) -> bool:
    """Tell whether a column holds numbers, which stand to the right."""
    return all(row[column][:1].isdigit() or row[column][:1] in ("-", "") for row in cells)
