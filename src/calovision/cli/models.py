"""``calovision models``: the networks, or the layers of one."""

from typing import TYPE_CHECKING, Annotated

import typer

from calovision.cli.options import parse_grid
from calovision.core.errors import InputError

if TYPE_CHECKING:
    from calovision.models import ModelSpecification


def models_command(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="Network, or package.module:Class of your own: prints its layers."
        ),
    ] = None,
    grid: Annotated[str, typer.Option(metavar="ETAxPHI", help="Cells of the images.")] = "64x64",
    channels: Annotated[int, typer.Option(min=1, metavar="N", help="Channels of the images.")] = 3,
    classes: Annotated[int, typer.Option(min=2, metavar="N", help="Classes.")] = 2,
) -> None:
    """List the networks with their parameters and multiply-adds for an image, or the layers of
    one.
    """
    image_shape = (channels, *parse_grid(grid))
    if name is None:
        print_networks(image_shape, classes)
    else:
        print_layers(name, image_shape, classes)


def _names(n_classes: int) -> tuple[str, ...]:
    """As many names of classes, which a specification counts."""
    return tuple(map(str, range(n_classes)))


def print_networks(image_shape: tuple[int, int, int], n_classes: int) -> None:
    """Print a line for each network; what images of this shape are too small for says so."""
    from rich.text import Text

    from calovision.cli.summary import columns, show
    from calovision.models import NETWORKS, network_table

    rows = []
    reasons = []
    for name, entry in NETWORKS.items():
        try:
            layers = network_table(_specification(name, image_shape, n_classes))
        except InputError as error:
            reasons.append(Text(f"\n{error}"))
            numbers = ("-", "-")
        else:
            numbers = (f"{layers.parameters:,}", f"{layers.multiply_adds:,}")
        rows.append((name, *numbers, f"  {entry.title} ({entry.paper})"))
    header = ("network", "parameters", "multiply-adds", "  what it is")
    show(columns(header, rows, title=_title("networks", image_shape)), *reasons)


def print_layers(name: str, image_shape: tuple[int, int, int], n_classes: int) -> None:
    """Print a line for each layer of a network in the order of their use, and their sums."""
    from calovision.cli.summary import columns, show
    from calovision.models import NETWORKS, network_table

    layers = network_table(_specification(name, image_shape, n_classes))
    rows = [
        (
            row.name,
            row.type,
            " x ".join(map(str, row.output_shape)) or "1",
            f"{row.parameters:,}",
            f"{row.multiply_adds:,}",
        )
        for row in layers.rows
    ]
    rows.append(("all", "", "", f"{layers.parameters:,}", f"{layers.multiply_adds:,}"))
    header = ("layer", "type", "output of an image", "parameters", "multiply-adds")
    entry = NETWORKS.get(name)
    title = f"{name}: {entry.title} ({entry.paper})" if entry else name
    show(columns(header, rows, title=_title(title, image_shape)))


def _specification(
    name: str, image_shape: tuple[int, int, int], n_classes: int
) -> "ModelSpecification":
    """Model of a network; one of points has the columns of events, as many as its options say."""
    from calovision.models import NETWORKS, ModelSpecification

    entry = NETWORKS.get(name)
    if entry is None or not entry.points:
        return ModelSpecification(name, image_shape, classes=_names(n_classes))
    from calovision.models.points import PointColumns

    columns = PointColumns.of(name, (), entry.options)
    return ModelSpecification(
        name,
        image_shape,
        variables=tuple(columns.sizes),
        n_variables=columns.n_numbers,
        classes=_names(n_classes),
    )


def _title(text: str, image_shape: tuple[int, int, int]) -> str:
    n_channels, n_eta, n_phi = image_shape
    return f"{text}; images of {n_channels} channel{'s'[: n_channels > 1]}, {n_eta}x{n_phi} cells"
