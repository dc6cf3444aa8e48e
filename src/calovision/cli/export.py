"""``calovision export``, ``import-hepcnn`` and ``onnx``: images and networks of other programs."""

from pathlib import Path
from typing import Annotated

import typer

from calovision.cli.messages import say
from calovision.cli.options import DenseCompression, Split, grouped_options, require_new
from calovision.cli.score import Force as OverwriteOutput
from calovision.cli.score import Model, NetworkOptions
from calovision.core.luminosity import LUMINOSITY_FB

Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="OUT.h5", help="The file to write.")
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite what exists.")]


def export_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILES", help="Image files of one grid.")],
    output: Output,
    compression: Annotated[
        DenseCompression, typer.Option(help="Of the dense images.")
    ] = DenseCompression.GZIP,
    force: Force = False,
) -> None:
    """Write dense images, (event, channel, eta, phi), that any HDF5 reader opens."""
    from calovision.cli.progress import event_progress
    from calovision.storage import ImageCollection, export_dense

    require_new(output, force=force)
    chosen = None if compression == DenseCompression.NONE else str(compression)
    with event_progress(len(ImageCollection(files))) as progress:
        n_images = export_dense(files, output, compression=chosen, progress=progress)
    say(f"{output}: {n_images} dense images, {output.stat().st_size / 1e6:.1f} MB")


def import_hep_cnn_command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A file of the public HEP-CNN data sets.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder of the image files.")
    ],
    luminosity: Annotated[
        float, typer.Option(metavar="FB", help="Luminosity that its weights stand for, 1/fb.")
    ] = LUMINOSITY_FB,
    split: Annotated[
        Split | None, typer.Option(help="What the file is; decided per event without it.")
    ] = None,
    force: Force = False,
) -> None:
    """Turn a public HEP-CNN file into image files, signal.h5 and background.h5."""
    from calovision.cli.progress import event_progress
    from calovision.storage import ImageFile, import_hep_cnn

    for sample in ("background", "signal"):
        require_new(output / f"{sample}{f'_{split}' if split else ''}.h5", force=force)
    with event_progress(None) as progress:
        paths = import_hep_cnn(
            file, output, luminosity_fb=luminosity, split=split and str(split), progress=progress
        )
    for path in paths:
        images = ImageFile(path)
        say(f"{path}: {len(images)} images, label {images.metadata.label}")


@grouped_options
def onnx_command(
    model: Model,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT.onnx", help="The file to write.")
    ],
    options: NetworkOptions,
    force: OverwriteOutput = False,
) -> None:
    """Write a trained network, its scaling included, as an ONNX file that was checked against
    torch.
    """
    require_new(output, force=force)
    from calovision.models import load_model
    from calovision.scoring.onnx_export import export_onnx

    network = load_model(model, allow_imports=options.allow_imports)
    difference = export_onnx(network, output, n_rotations=options.rotations)
    inputs = "images (n, " + ", ".join(map(str, network.specification.image_shape)) + ")"
    if network.specification.n_variables:
        inputs += f" and variables (n, {network.specification.n_variables})"
    say(
        f"{output}: takes {inputs}, gives logit and probability, {output.stat().st_size / 1e6:.1f} "
        "MB; differs from "
        f"torch by {difference:.1e} at most"
    )
