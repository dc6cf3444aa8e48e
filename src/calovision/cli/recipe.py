"""The arguments of ``calovision images`` as the recipe and the weight options of the package."""

from dataclasses import replace
from types import SimpleNamespace

from calovision.cli.options import (
    number_or_name,
    parse_edges,
    parse_fractions,
    parse_grid,
    parse_names,
)
from calovision.conversion import ImageRecipe, WeightOptions
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.images.jet_images import JET_RECIPES, JetImageRecipe
from calovision.jets import FatJetDefinition

DEFAULT_CELLS = (64, 64)


def image_recipe(arguments: SimpleNamespace) -> ImageRecipe:
    """Grid, channels, jets, selection and split; a cut is named by its expression."""
    definition = FatJetDefinition(
        radius=arguments.radius,
        pt_min=arguments.pt_min,
        eta_max=arguments.eta_max,
        groomed=arguments.trimmed,
    )
    recipe = ImageRecipe(
        fat_jets=definition,
        cluster_jets=bool(arguments.select) or arguments.jets or arguments.trimmed,
        preselection={cut: cut for cut in arguments.select or ()},
        split_seed=arguments.split_seed,
        split_fractions=parse_fractions(arguments.split_fractions),
        split_group=arguments.split_group,
    )
    if arguments.jets:
        return replace(
            recipe, jets=jet_image_recipe(arguments), jets_per_event=arguments.jets_per_event or 1
        )
    channels = parse_names(arguments.channels) if arguments.channels else recipe.channels
    return replace(recipe, grid=event_grid(arguments), channels=channels)


def event_grid(arguments: SimpleNamespace) -> EtaPhiGrid:
    """Cells of event images; edges in eta decide their number unless ``--grid`` names it."""
    cells = parse_grid(arguments.grid) if arguments.grid else DEFAULT_CELLS
    if arguments.eta_edges:
        edges = parse_edges(arguments.eta_edges)
        n_eta = cells[0] if arguments.grid else len(edges) - 1
        return EtaPhiGrid(n_eta, cells[1], eta_edges=edges)
    return EtaPhiGrid(
        *cells, **({"eta_range": tuple(arguments.eta_range)} if arguments.eta_range else {})
    )


def jet_image_recipe(arguments: SimpleNamespace) -> JetImageRecipe:
    """The published recipe, or plain cells around the jet axis; grid, width and channels replace
    its own.
    """
    if arguments.jet_recipe:
        recipe = JET_RECIPES[arguments.jet_recipe]
    else:
        recipe = JetImageRecipe(JetGrid(*DEFAULT_CELLS, 2 * arguments.radius))
    cells = parse_grid(arguments.grid) if arguments.grid else (recipe.grid.n_eta, recipe.grid.n_phi)
    width = recipe.grid.width if arguments.jet_width is None else arguments.jet_width
    channels = parse_names(arguments.channels) if arguments.channels else recipe.channels
    return replace(recipe, grid=JetGrid(*cells, width), channels=channels)


def weight_options(arguments: SimpleNamespace) -> WeightOptions:
    """How the weights are to be understood."""
    return WeightOptions(
        index=arguments.weight_index,
        include_cross_section=arguments.weights_include_cross_section,
        n_generated=number_or_name(arguments.n_generated, int),
        sum_of_weights=number_or_name(arguments.sum_of_weights, float),
    )
