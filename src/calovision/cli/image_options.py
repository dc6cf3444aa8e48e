"""The options of ``calovision images``: a class for each panel of its help.

Help texts name the entries of registries by `calovision.cli.options.NAMES`, as ``{channels}``.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from calovision.cli.options import (
    DEFAULT_SHARES,
    JET_RECIPE,
    JET_WIDTH,
    ImageCompression,
    JetRecipeName,
    MaskFill,
    OnBadFile,
)

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILES",
        help="ROOT files: paths, globs, addresses (root://...), or .txt/.list files.",
    ),
]

_run = partial(typer.Option, rich_help_panel="Run")
_ntuples = partial(typer.Option, rich_help_panel="Ntuples")
_images = partial(typer.Option, rich_help_panel="Images")
_sample = partial(typer.Option, rich_help_panel="Sample and weights")
_jets = partial(typer.Option, rich_help_panel="Fat jets and jet images")


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Output file and processes."""

    output: Annotated[
        Path, _run("--output", "-o", metavar="OUT.h5", help="The image file to write.")
    ]
    processes: Annotated[int, _run(min=1, metavar="N", help="Processes that share the files.")] = 1
    force: Annotated[bool, _run("--force", help="Overwrite the output.")] = False


@dataclass(frozen=True, kw_only=True)
class TreeOptions:
    """Schema and tree of the ROOT files."""

    schema: Annotated[
        str | None,
        _ntuples(
            metavar="NAME|FILE.yaml",
            help="Schema of the ntuples: {schemas} or a file (found by itself).",
        ),
    ] = None
    tree: Annotated[
        str | None, _ntuples(metavar="NAME", help="Tree with the events, if not the schema's.")
    ] = None


@dataclass(frozen=True, kw_only=True)
class NtupleOptions(TreeOptions):
    """Reading of the ROOT files."""

    on_bad_file: Annotated[
        OnBadFile, _ntuples(help="What to do about a file that cannot be read.")
    ] = OnBadFile.FAIL


@dataclass(frozen=True, kw_only=True)
class ImageOptions:
    """Cells, channels and cuts of the images."""

    grid: Annotated[
        str | None, _images(metavar="ETAxPHI", help="Cells (64x64, or the jet recipe's).")
    ] = None
    eta_range: Annotated[
        tuple[float, float] | None, _images(metavar="LOW HIGH", help="Of the images (-2.5 2.5).")
    ] = None
    eta_edges: Annotated[
        str | None, _images(metavar="A,B,C...", help="Edges in eta of cells of unequal size.")
    ] = None
    channels: Annotated[
        str | None,
        _images(
            metavar="A,B,C",
            help="Of {channels}; by layer energy_layer3 or energy_layer0-11 "
            "(em_et,had_et,tracks; for jets the recipe's, or et).",
        ),
    ] = None
    select: Annotated[
        list[str] | None,
        _images(
            metavar="EXPR",
            help='Cut on {variables}, as "mj_sum > 600" or '
            '"(n_fat_jets >= 4) & (delta_eta_12 < 1.4)"; may be repeated. '
            "Fat jets are clustered where the file has none.",
        ),
    ] = None
    variable: Annotated[
        list[str] | None,
        _images(
            metavar="NAME=BRANCH",
            help="Further column, of a branch or formula of branches with one number an event, as "
            '"met=MissingET.MET[0]"; cuts may use it; may be repeated.',
        ),
    ] = None
    mask: Annotated[
        Path | None,
        _images(
            metavar="MASK.json",
            help="Dead cells of the images, as calovision monitor mask writes them.",
        ),
    ] = None
    mask_fill: Annotated[
        MaskFill, _images(help="Content of dead cells: none, or the mean of live neighbours.")
    ] = MaskFill.ZERO
    no_selection: Annotated[
        bool, _images("--no-selection", help="All events, as without --select.")
    ] = False
    compression: Annotated[ImageCompression, _images(help="Of the output.")] = ImageCompression.NONE


@dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """Sample of the events, their classes, meaning of their weights, split."""

    classes: Annotated[
        str | None,
        _sample(metavar="A,B,C", help="Names of the labels 0, 1, 2 ... (background, signal)."),
    ] = None
    label: Annotated[
        list[str] | None,
        _sample(
            metavar="LABEL|CLASS=EXPR",
            help="1 for signal, 0 for background (0), or one of --classes; or what makes a row of "
            'a class, of branches, as "top=label_Tbqq | label_Tbl"; may be repeated.',
        ),
    ] = None
    sample: Annotated[
        str | None, _sample(metavar="NAME", help="Of the sample (name of the output without .h5).")
    ] = None
    cross_section: Annotated[
        float | None, _sample(metavar="PB", help="Of the sample, pb (the file's, if it has one).")
    ] = None
    weight_index: Annotated[
        int, _sample(min=0, metavar="N", help="Which of several generator weights.")
    ] = 0
    weights_include_cross_section: Annotated[
        bool, _sample("--weights-include-cross-section", help="Weights contain the cross-section.")
    ] = False
    n_generated: Annotated[
        str | None,
        _sample(
            metavar="N|HISTOGRAM",
            help="Events generated for all files, or the counter histogram in each.",
        ),
    ] = None
    sum_of_weights: Annotated[
        str | None,
        _sample(metavar="X|HISTOGRAM", help="Sum of the weights of the generated events."),
    ] = None
    split_seed: Annotated[int, _sample(metavar="N", help="Of the split into {splits}.")] = 1
    split_fractions: Annotated[str, _sample(metavar="A,B,C", help="Shares of {splits}.")] = (
        DEFAULT_SHARES
    )
    split_group: Annotated[
        str | None,
        _sample(
            metavar="NAME",
            help="Draw the split from this name, not from the sample's: for samples that share "
            "ROOT files.",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class JetOptions:
    """Fat jets, and images of them."""

    jets: Annotated[bool, _jets("--jets", help="Images of the leading fat jets.")] = False
    jets_per_event: Annotated[
        int | None, _jets(min=1, metavar="N", help="Leading fat jets of each event (1).")
    ] = None
    jet_recipe: Annotated[
        JetRecipeName | None,
        _jets(help=JET_RECIPE),
    ] = None
    jet_width: Annotated[
        float | None,
        _jets(metavar="RAD", help=JET_WIDTH),
    ] = None
    select_jets: Annotated[
        list[str] | None,
        _jets(
            metavar="EXPR",
            help='Cut on the jets that are looked at, as "(pt > 500) & (tau21 < 0.6)"; may be '
            "repeated.",
        ),
    ] = None
    jet_variables: Annotated[
        str | None, _jets(metavar="A,B,C", help="Further columns of jets: {jet_variables}.")
    ] = None
    jet_constituents: Annotated[
        int | None,
        _jets(min=1, metavar="N", help="Keep the hardest constituents, for networks of points."),
    ] = None
    radius: Annotated[float, _jets(metavar="RAD", help="Of fat jets.")] = 1.0
    pt_min: Annotated[float, _jets(metavar="GEV", help="Of fat jets.")] = 200.0
    eta_max: Annotated[float, _jets(metavar="ETA", help="Of fat jets, |eta|.")] = 2.0
    trimmed: Annotated[bool, _jets("--trimmed", "--groomed", help="Trim the fat jets.")] = False


def check_combinations(images: ImageOptions, jets: JetOptions) -> None:
    """Raise typer's usage error if options contradict each other."""
    if images.select and images.no_selection:
        raise typer.BadParameter("cannot be used with --no-selection.", param_hint="--select")
    if images.eta_range and images.eta_edges:
        raise typer.BadParameter("cannot be used with --eta-edges.", param_hint="--eta-range")
    if images.mask is None and images.mask_fill != MaskFill.ZERO:
        raise typer.BadParameter("needs --mask.", param_hint="--mask-fill")
    if jets.jets:
        unused = {"--eta-range": images.eta_range, "--eta-edges": images.eta_edges}
        unused |= {"--mask": images.mask}
        reason = "cannot be used with --jets."
    else:
        unused = {"--jets-per-event": jets.jets_per_event, "--jet-recipe": jets.jet_recipe}
        unused |= {"--jet-width": jets.jet_width, "--select-jets": jets.select_jets}
        unused |= {"--jet-variables": jets.jet_variables}
        unused |= {"--jet-constituents": jets.jet_constituents}
        reason = "needs --jets."
    for name, value in unused.items():
        if value is not None:
            raise typer.BadParameter(reason, param_hint=name)
