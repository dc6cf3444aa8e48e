"""Recipe and meaning of the weights from the options of ``calovision images``."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from keyword import iskeyword

import typer

from calovision.cli.image_options import ImageOptions, JetOptions, SampleOptions
from calovision.cli.options import (
    number_or_name,
    parse_edges,
    parse_fractions,
    parse_grid,
    parse_names,
)
from calovision.conversion import ImageRecipe, Sample, WeightOptions
from calovision.conversion.masking import ImageMask
from calovision.core.classes import OF_ROWS
from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.images.jet_images import JET_RECIPES, JetImageRecipe
from calovision.images.mask_file import read_mask
from calovision.jets import FatJetDefinition
from calovision.jets.variables import TAKEN_NAMES

DEFAULT_CELLS = (64, 64)


def image_recipe(images: ImageOptions, jets: JetOptions, sample: SampleOptions) -> ImageRecipe:
    """Grid, channels, jets, selection and split; a cut is named by its expression."""
    definition = FatJetDefinition(
        radius=jets.radius, pt_min=jets.pt_min, eta_max=jets.eta_max, groomed=jets.trimmed
    )
    recipe = ImageRecipe(
        fat_jets=definition,
        cluster_jets=bool(images.select) or jets.jets or jets.trimmed,
        preselection={cut: cut for cut in images.select or ()},
        variables=own_variables(images.variable or ()),
        split_seed=sample.split_seed,
        split_fractions=parse_fractions(sample.split_fractions),
        split_group=sample.split_group,
    )
    if jets.jets:
        of_jets = jet_image_recipe(images, jets)
        return replace(
            recipe,
            jets=of_jets,
            jets_per_event=jets.jets_per_event or 1,
            jet_variables=parse_names(jets.jet_variables) if jets.jet_variables else (),
            jet_selection={cut: cut for cut in jets.select_jets or ()},
            jet_constituents=jets.jet_constituents or 0,
        )
    channels = parse_names(images.channels) if images.channels else recipe.channels
    mask = None if images.mask is None else ImageMask(read_mask(images.mask), str(images.mask_fill))
    return replace(recipe, grid=event_grid(images), channels=channels, mask=mask)


def sample_of(options: SampleOptions, name: str) -> Sample:
    """The sample, with the label of all its rows or the expressions that give each its own.

    Parameters
    ----------
    options
        Of the command.
    name
        Of the sample.

    Raises
    ------
    typer.BadParameter
        If a label is none, or no class has its name.
    """
    classes = parse_names(options.classes) if options.classes else ()
    label, cuts = _label(options.label or ["0"], classes)
    return Sample(
        name,
        label,
        cross_section_pb=options.cross_section,
        cross_section_required=False,
        weights=weight_options(options),
        classes=classes,
        class_cuts=cuts,
    )


def _label(texts: Sequence[str], classes: Sequence[str]) -> tuple[int, dict[str, str]]:
    """Label of all rows, or expressions of classes."""
    cuts = {
        name.strip(): text.strip()
        for name, is_given, text in (one.partition("=") for one in texts)
        if is_given
    }
    if len(cuts) == len(texts):
        _require_class(cuts, classes)
        return OF_ROWS, cuts
    if len(texts) > 1:
        raise typer.BadParameter(
            f"{', '.join(texts)}: give one label of all rows, or CLASS=EXPR once for each class.",
            param_hint="--label",
        )
    (text,) = texts
    if not classes and text in ("0", "1"):
        return int(text), {}
    _require_class([text], classes)
    return list(classes).index(text), {}


def _require_class(names: Iterable[str], classes: Sequence[str]) -> None:
    """Raise typer's usage error for a name that is none of the classes."""
    for name in names:
        if name not in classes:
            known = f"one of {', '.join(classes)}" if classes else "0 or 1, or name --classes"
            raise typer.BadParameter(
                f"'{name}' is no class{nearest(name, classes)}; give {known}.",
                param_hint="--label",
            )


def own_variables(texts: Sequence[str]) -> dict[str, str]:
    """``met=MissingET.MET[0]`` -> name and branch.

    Raises
    ------
    InputError
        If one is no such text, or its name is taken or given twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, _, branch = (part.strip() for part in text.partition("="))
        if not (name.isidentifier() and name.isascii() and branch):
            raise InputError(f"--variable: '{text}' is no variable: give NAME=BRANCH")
        if name in TAKEN_NAMES or iskeyword(name) or name in found:
            raise InputError(f"--variable: the name '{name}' is taken: choose another")
        found[name] = branch
    return found


def event_grid(images: ImageOptions) -> EtaPhiGrid:
    """Cells of event images; edges in eta decide their number unless ``--grid`` names it."""
    cells = parse_grid(images.grid) if images.grid else DEFAULT_CELLS
    if images.eta_edges:
        edges = parse_edges(images.eta_edges)
        n_eta = cells[0] if images.grid else len(edges) - 1
        return EtaPhiGrid(n_eta, cells[1], eta_edges=edges)
    return EtaPhiGrid(*cells, **({"eta_range": images.eta_range} if images.eta_range else {}))


def jet_image_recipe(images: ImageOptions, jets: JetOptions) -> JetImageRecipe:
    """The published recipe, or plain cells around the jet axis; grid, width and channels replace
    its own.
    """
    if jets.jet_recipe:
        recipe = JET_RECIPES[jets.jet_recipe]
    else:
        recipe = JetImageRecipe(JetGrid(*DEFAULT_CELLS, 2 * jets.radius))
    cells = parse_grid(images.grid) if images.grid else (recipe.grid.n_eta, recipe.grid.n_phi)
    width = recipe.grid.width if jets.jet_width is None else jets.jet_width
    channels = parse_names(images.channels) if images.channels else recipe.channels
    return replace(recipe, grid=JetGrid(*cells, width), channels=channels)


def weight_options(sample: SampleOptions) -> WeightOptions:
    """Meaning of the generator weights of the files."""
    return WeightOptions(
        index=sample.weight_index,
        include_cross_section=sample.weights_include_cross_section,
        n_generated=number_or_name(sample.n_generated, int),
        sum_of_weights=number_or_name(sample.sum_of_weights, float),
    )
