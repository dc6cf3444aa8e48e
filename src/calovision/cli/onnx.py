"""``calovision onnx``: a trained network for programs without torch."""

from pathlib import Path
from typing import Annotated

import typer

from calovision.cli.messages import say
from calovision.cli.output import require_new
from calovision.cli.score import AllowImports, Model, Rotations


def onnx_command(
    model: Model,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT.onnx", help="The file to write.")
    ],
    rotations: Rotations = 0,
    allow_imports: AllowImports = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output.")] = False,
) -> None:
    """Write a trained network, its scaling included, as an ONNX file that was checked against
    torch.
    """
    require_new(output, force=force)
    from calovision.models import load_model
    from calovision.scoring.onnx_export import export_onnx

    network = load_model(model, allow_imports=allow_imports)
    difference = export_onnx(network, output, n_rotations=rotations)
    inputs = "images (n, " + ", ".join(map(str, network.specification.image_shape)) + ")"
    if network.specification.n_variables:
        inputs += f" and variables (n, {network.specification.n_variables})"
    say(
        f"{output}: takes {inputs}, gives logit and probability, {output.stat().st_size / 1e6:.1f} "
        "MB; differs from "
        f"torch by {difference:.1e} at most"
    )
