"""``calovision import-particles`` and ``import-toptag``: jets as arrays of their particles."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calovision.cli.options import (
    DEFAULT_SHARES,
    JET_RECIPE,
    JET_WIDTH,
    ImageCompression,
    JetRecipeName,
    grouped_options,
    parse_fractions,
    parse_names,
    require_new,
)

if TYPE_CHECKING:
    from calovision.conversion.jet_blocks import JetFileOptions
    from calovision.storage import ImageMetadata

_images = partial(typer.Option, rich_help_panel="Images")
_arrays = partial(typer.Option, rich_help_panel="Arrays")
_sample = partial(typer.Option, rich_help_panel="Sample and split")

Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="OUT.h5", help="The image file to write.")
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the output.")]


@dataclass(frozen=True, kw_only=True)
class JetImageOptions:
    """Cells and channels of the images."""

    grid: Annotated[
        str | None, _images(metavar="ETAxPHI", help="Cells (64x64, or the recipe's).")
    ] = None
    channels: Annotated[
        str | None, _images(metavar="A,B,C", help="Of {channels} (the recipe's, or et).")
    ] = None
    jet_recipe: Annotated[
        JetRecipeName | None,
        _images(help=JET_RECIPE),
    ] = None
    jet_width: Annotated[
        float | None,
        _images(metavar="RAD", help=JET_WIDTH),
    ] = None
    radius: Annotated[float, _images(metavar="RAD", help="Of the jets.")] = 0.8
    jet_variables: Annotated[
        str | None, _images(metavar="A,B,C", help="Further columns, of {jet_variables}.")
    ] = None
    jet_constituents: Annotated[
        int | None,
        _images(min=1, metavar="N", help="Keep the hardest constituents, for networks of points."),
    ] = None
    select_jets: Annotated[
        list[str] | None,
        _images(metavar="EXPR", help='Cut on the jets, as "pt > 500"; may be repeated.'),
    ] = None
    compression: Annotated[ImageCompression, _images(help="Of the output.")] = ImageCompression.NONE


@dataclass(frozen=True, kw_only=True)
class ArrayOptions:
    """Names of the arrays and what they mean."""

    layout: Annotated[
        str,
        _arrays(
            metavar="NAME|A,B,C",
            help="Features of a particle: energyflow (pt, y, phi, pdgid), jetnet (eta_rel, "
            "phi_rel, pt_rel, mask), momenta (e, px, py, pz), or a list of {features}.",
        ),
    ]
    particles: Annotated[
        str | None, _arrays(metavar="NAME", help="Array of particles (jet, particle, feature).")
    ] = None
    jets: Annotated[
        str | None,
        _arrays(
            metavar="NAME",
            help="Array of jets (jet, feature); without it they are the sums of their particles.",
        ),
    ] = None
    jet_features: Annotated[
        str | None,
        _arrays(
            metavar="A,B,C",
            help="Its features: pt, eta, phi, mass, and - for what is not read (pt,eta,mass,-).",
        ),
    ] = None
    labels: Annotated[str | None, _arrays(metavar="NAME", help="Array of labels.")] = None
    weights: Annotated[
        str | None, _arrays(metavar="NAME", help="Array of weights (else all are 1).")
    ] = None
    event_numbers: Annotated[
        str | None,
        _arrays(metavar="NAME", help="Array of event numbers (else each jet is an event)."),
    ] = None
    splits: Annotated[
        str | None,
        _arrays(
            metavar="NAME",
            help="Array of splits: 0, 1, 2 for {splits} (else drawn from the event number).",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """Sample, classes and split."""

    classes: Annotated[
        str | None,
        _sample(metavar="A,B,C", help="Names of the labels 0, 1, 2 ... (background, signal)."),
    ] = None
    label: Annotated[
        str | None,
        _sample(metavar="CLASS", help="Of all jets, without an array: a class, or 0 or 1."),
    ] = None
    sample: Annotated[
        str | None, _sample(metavar="NAME", help="Of the sample (name of the output without .h5).")
    ] = None
    cross_section: Annotated[
        float | None, _sample(min=0, metavar="PB", help="Of the sample, pb.")
    ] = None
    split_seed: Annotated[int, _sample(metavar="N", help="Of the split into {splits}.")] = 1
    split_fractions: Annotated[str, _sample(metavar="A,B,C", help="Shares of {splits}.")] = (
        DEFAULT_SHARES
    )


@grouped_options
def import_particles_command(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES", help="npz or HDF5 files, of one layout.")
    ],
    output: Output,
    arrays: ArrayOptions,
    images: JetImageOptions,
    sample: SampleOptions,
    force: Force = False,
) -> None:
    """Turn padded arrays of particles, (jet, particle, feature), as those of EnergyFlow and JetNet,
    into one image file of jets.
    """
    from calovision.conversion.particle_arrays import ParticleOptions
    from calovision.conversion.particle_import import import_particles
    from calovision.jets.padded import LAYOUTS

    require_new(output, force=force)
    layout = arrays.layout if arrays.layout in LAYOUTS else parse_names(arrays.layout)
    particles = ParticleOptions(
        layout=layout,
        particles=arrays.particles,
        jets=arrays.jets,
        jet_features=arrays.jet_features and parse_names(arrays.jet_features),
        labels=arrays.labels,
        weights=arrays.weights,
        event_numbers=arrays.event_numbers,
        splits=arrays.splits,
        label=sample.label,
    )
    _write(partial(import_particles, files, output, particles, _options(images, sample)))


@grouped_options
def import_toptag_command(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES", help="As train.h5, val.h5 and test.h5.")
    ],
    output: Output,
    images: JetImageOptions,
    key: Annotated[str, typer.Option(metavar="NAME", help="Of the table in the files.")] = "table",
    sample: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of the sample (name of the output without .h5)."),
    ] = None,
    force: Force = False,
) -> None:
    """Turn the top-tagging reference data (doi:10.5281/zenodo.2603256) into one image file of jets,
    with its split and the classes qcd and top.
    """
    from calovision.conversion.top_tagging import import_top_tagging

    require_new(output, force=force)
    options = _options(images, SampleOptions(sample=sample))
    _write(partial(import_top_tagging, files, output, options, key=key))


def _options(images: JetImageOptions, sample: SampleOptions) -> "JetFileOptions":
    """Recipe, sample and classes of the image file."""
    from calovision.cli.recipe import jet_image_recipe
    from calovision.conversion import ImageRecipe
    from calovision.conversion.jet_blocks import JetFileOptions
    from calovision.jets import FatJetDefinition

    recipe = ImageRecipe(
        fat_jets=FatJetDefinition(radius=images.radius),
        jets=jet_image_recipe(images, images),
        jet_variables=_jet_variables(images.jet_variables),
        jet_constituents=images.jet_constituents or 0,
        jet_selection={cut: cut for cut in images.select_jets or ()},
        split_seed=sample.split_seed,
        split_fractions=parse_fractions(sample.split_fractions),
    )
    is_compressed = images.compression != ImageCompression.NONE
    return JetFileOptions(
        recipe=recipe,
        sample=sample.sample,
        classes=parse_names(sample.classes) if sample.classes else (),
        cross_section_pb=float("nan") if sample.cross_section is None else sample.cross_section,
        compression=str(images.compression) if is_compressed else None,
    )


def _jet_variables(text: str | None) -> tuple[str, ...]:
    """Names of variables of jets, each one that there is."""
    from calovision.jets.substructure.variables import JET_VARIABLES

    names = parse_names(text) if text else ()
    for name in names:
        JET_VARIABLES.find(name, "--jet-variables")
    return names


def _write(convert: "Callable[..., ImageMetadata]") -> None:
    """Convert, and say what came out."""
    import time

    from calovision.cli.progress import event_progress
    from calovision.cli.summary import print_summary
    from calovision.jobs.compilation import skip_numba_extensions

    skip_numba_extensions()
    start = time.perf_counter()
    with event_progress(None) as progress:
        convert(progress=progress)
    print_summary(convert.args[1], seconds=time.perf_counter() - start, n_read=progress.done)
