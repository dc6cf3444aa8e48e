"""``calovision import``: dense images of other programs as image files."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from calovision.cli.messages import say
from calovision.cli.options import (
    DEFAULT_SHARES,
    grouped_options,
    parse_fractions,
    parse_names,
    require_new,
)
from calovision.core.errors import InputError


class Layout(StrEnum):
    """Order of the axes of dense images; H is eta, W is phi."""

    NCHW = "NCHW"
    NHWC = "NHWC"


@dataclass(frozen=True, kw_only=True)
class ArrayOptions:
    """Names of the arrays and what they mean."""

    images: Annotated[str | None, typer.Option(metavar="NAME", help="Array of images.")] = None
    labels: Annotated[str | None, typer.Option(metavar="NAME", help="Array of labels.")] = None
    weights: Annotated[
        str | None, typer.Option(metavar="NAME", help="Array of weights (else all are 1).")
    ] = None
    event_numbers: Annotated[
        str | None, typer.Option(metavar="NAME", help="Array of event numbers (else the entries).")
    ] = None
    label: Annotated[
        int | None, typer.Option(min=0, help="Of all events, without an array of labels.")
    ] = None
    classes: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,C", help="In the order of their labels (else background and signal)."
        ),
    ] = None
    layout: Annotated[
        Layout | None, typer.Option(help="Order of the axes, where the shape does not tell it.")
    ] = None
    channels: Annotated[str | None, typer.Option(metavar="A,B,C", help="Their names.")] = None
    units: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Of the channels; empty for a number.")
    ] = None
    eta_range: Annotated[
        tuple[float, float], typer.Option(metavar="LOW HIGH", help="Of the images.")
    ] = (-2.5, 2.5)
    cross_section: Annotated[
        float | None, typer.Option(min=0, metavar="PB", help="Of each class, pb.")
    ] = None
    split_seed: Annotated[int, typer.Option(metavar="N", help="Of the split.")] = 1
    split_fractions: Annotated[
        str, typer.Option(metavar="A,B,C", help="Shares of train, validation, test.")
    ] = DEFAULT_SHARES


@grouped_options
def import_command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="npz or HDF5 file with dense images.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder of the image files.")
    ],
    arrays: ArrayOptions,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what exists.")] = False,
) -> None:
    """Turn dense images, (n, channel, eta, phi) or (n, eta, phi, channel), into image files: one a
    class, as signal.h5 and background.h5, or one for each sample of a file of calovision export.
    """
    from calovision.cli.progress import event_progress
    from calovision.storage import DenseOptions, ImageFile, import_dense

    if output.is_file():
        raise InputError(f"{output} is a file: give the name of a folder for the image files")
    for path in sorted(output.glob("*.h5")) if output.is_dir() else ():
        require_new(path, force=force)
    options = DenseOptions(
        images=arrays.images,
        labels=arrays.labels,
        weights=arrays.weights,
        event_numbers=arrays.event_numbers,
        layout=arrays.layout and str(arrays.layout),
        channels=arrays.channels and parse_names(arrays.channels),
        units=None if arrays.units is None else parse_names(arrays.units),
        eta_range=arrays.eta_range,
        label=arrays.label,
        classes=parse_names(arrays.classes) if arrays.classes else (),
        cross_section_pb=float("nan") if arrays.cross_section is None else arrays.cross_section,
        split_seed=arrays.split_seed,
        split_fractions=parse_fractions(arrays.split_fractions),
    )
    with event_progress(None) as progress:
        paths = import_dense(file, output, options, progress=progress)
    for path in paths:
        images = ImageFile(path)
        say(f"{path}: {len(images)} images, label {images.metadata.label}")
