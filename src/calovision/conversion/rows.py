"""Rows of the image file of one chunk of events: of whole events, or of their leading jets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import awkward as ak
import numpy as np

from calovision.conversion.fields import jet_variables, no_own_jets
from calovision.conversion.jet_constituents import constituent_column
from calovision.conversion.jet_cuts import select_jets
from calovision.conversion.recipe import ImageRecipe
from calovision.conversion.sample import Sample
from calovision.conversion.varied_towers import apply_variation
from calovision.core.errors import EntryError, InputError
from calovision.core.splits import assign_split
from calovision.images import SparseImages, build_sparse_images
from calovision.images.jet_images import build_jet_images
from calovision.jets import (
    VARIABLES,
    event_content,
    event_variables,
    find_fat_jets,
    find_fat_jets_with_constituents,
    jet_columns,
    leading,
)
from calovision.jets.columns import padded
from calovision.jets.substructure import substructure_columns
from calovision.jets.variables import ENTRY_COLUMN, N_LEADING_JETS
from calovision.ntuples import Events, pt_ratios
from calovision.selection import apply_selection, variables_of
from calovision.selection.formulas import all_names, compute_formulas


class ImageRows(NamedTuple):
    """Rows of the image file, and the cut flow (cut, events, sum of weights) of their events.

    ``pt_ratios`` are those of what is in the images to the jets, ``(n_jets,)``, where the jets are
    the file's own and made of towers or trimmed; else None. ``passed`` are the events that pass,
    booleans ``(n_events,)``, and ``event`` is that of each row, int64 ``(n_rows,)``.
    ``jet_cut_flow`` (cut, jets, sum of weights) begins with the leading jets of these events; it is
    empty for images of events.
    """

    images: SparseImages
    columns: dict[str, np.ndarray]
    cut_flow: list[tuple[str, int, float]]
    passed: np.ndarray
    event: np.ndarray
    pt_ratios: np.ndarray | None = None
    jet_cut_flow: Sequence[tuple[str, int, float]] = ()


def image_rows(events: Events, recipe: ImageRecipe, sample: Sample) -> ImageRows:
    """Images, columns and cut flow of the events that pass.

    Raises
    ------
    InputError
        If a cut needs jets and there are none, or something that an image needs is missing or not
        finite.
    """
    events = _varied(events, recipe)
    jets, constituents = _fat_jets(events, recipe)
    ratios = None
    is_own = constituents is not None and events.fat_jets is not None
    if is_own and (events.constituents is None or recipe.fat_jets.groomed):
        ratios = pt_ratios(jets, constituents)
    variables = {} if jets is None else event_variables(jets)
    own = recipe.own_variables
    variables |= _of_branches(events, jets, recipe)
    if recipe.preselection and jets is None:
        raise InputError(
            "the ntuple has no fat jets, so that no cut can be applied: cluster them or select "
            "nothing"
        )
    # small-R jets of all events only if a cut needs them: most events do not pass
    cut_on_content = recipe.content is not None and any(
        name in VARIABLES and VARIABLES[name].needs_content
        for name in all_names(variables_of(recipe.preselection), own)
    )
    if cut_on_content:
        variables |= event_content(events.towers, events.tracks, recipe.content)
    columns = _event_columns(events, sample, recipe)
    variables |= compute_formulas(variables_of(recipe.preselection), own, columns | variables)
    passed, steps = apply_selection(recipe.preselection, variables, events.weight)
    jet_steps: Sequence[tuple[str, int, float]] = ()
    columns |= variables
    columns = {name: _chosen(values, passed) for name, values in columns.items()}
    event = np.flatnonzero(passed)
    try:
        if recipe.content is not None and not cut_on_content:
            columns |= event_content(
                _chosen(events.towers, passed), _chosen(events.tracks, passed), recipe.content
            )
        columns |= compute_formulas(own, own, columns)
        if constituents is None:
            collections = (
                _chosen(collection, passed)
                for collection in (events.towers, events.tracks, events.candidates)
            )
            images, more = _event_images(*collections, recipe)
        else:
            images, columns, more, of_row, jet_steps = _jet_rows(
                _chosen(jets, passed), _chosen(constituents, passed), columns, recipe
            )
            event = event[of_row]
    except EntryError as error:
        raise error.at_row(int(np.flatnonzero(passed)[error.row])) from error
    return ImageRows(images, columns | more, steps, passed, event, ratios, jet_steps)


def _varied(events: Events, recipe: ImageRecipe) -> Events:
    """Events in another detector; the file's own jets are those of the detector that it was."""
    if recipe.variation is None:
        return events
    towers = apply_variation(
        events.towers,
        recipe.variation,
        event_number=events.event_number,
        seed=recipe.split_seed,
    )
    return replace(events, towers=towers, fat_jets=None, constituents=None)


def _fat_jets(events: Events, recipe: ImageRecipe) -> tuple[ak.Array | None, ak.Array | None]:
    """Selected fat jets, None where the file has none and none are clustered; constituents if these
    are imaged.
    """
    if recipe.jets is not None:
        return find_fat_jets_with_constituents(
            events.towers, events.fat_jets, events.constituents, recipe.fat_jets
        )
    if events.fat_jets is None and not recipe.cluster_jets:
        return None, None
    return find_fat_jets(events.towers, events.fat_jets, recipe.fat_jets), None


def _of_branches(
    events: Events, jets: ak.Array | None, recipe: ImageRecipe
) -> dict[str, np.ndarray]:
    """Variables of branches, of the events and of their leading fat jets."""
    of_jets = jet_variables(recipe)
    if jets is None or not set(of_jets) <= set(jets.fields):
        if len(events.event_number) and of_jets:
            raise InputError(no_own_jets(next(iter(of_jets.values()))))
        nothing = np.zeros((0, N_LEADING_JETS))
        return dict(events.variables) | dict.fromkeys(of_jets.values(), nothing)
    return dict(events.variables) | {name: padded(jets[field]) for field, name in of_jets.items()}


def _event_columns(events: Events, sample: Sample, recipe: ImageRecipe) -> dict[str, np.ndarray]:
    """Columns that every event has."""
    number = events.event_number
    columns = {
        "event_number": number,
        ENTRY_COLUMN: events.first_entry + np.arange(len(number), dtype=np.int64),
        "label": np.full(len(number), sample.label, dtype=np.int8),
        "weight": events.weight,
        "split": assign_split(
            recipe.split_group or sample.name,
            number,
            seed=recipe.split_seed,
            fractions=recipe.split_fractions,
        ),
    }
    if events.weight_variations is not None:
        columns["weight_variations"] = events.weight_variations
    for name in ("row_label", "process_id"):
        if (values := getattr(events, name)) is not None:
            columns[name] = values
    return columns


def _event_images(
    towers: ak.Array | None,
    tracks: ak.Array | None,
    candidates: ak.Array | None,
    recipe: ImageRecipe,
) -> tuple[SparseImages, dict[str, np.ndarray]]:
    """Images of whole events, and the column that tells what lies outside."""
    images, overflow = build_sparse_images(
        towers, tracks, recipe.grid, recipe.channels, candidates=candidates
    )
    return images, {"overflow": overflow}


def _jet_rows(
    jets: ak.Array, constituents: ak.Array, columns: Mapping[str, np.ndarray], recipe: ImageRecipe
) -> tuple[
    SparseImages,
    dict[str, np.ndarray],
    dict[str, np.ndarray],
    np.ndarray,
    list[tuple[str, int, float]],
]:
    """Images of the leading jets that pass the cuts, one row a jet; the columns of its event
    repeated; the columns of jets; the event of each row; the cut flow of jets.
    """
    of_jet = jet_columns(jets, recipe.jets_per_event)
    event = of_jet.pop("event_index")
    jets, chosen = (
        ak.flatten(leading(of_event, recipe.jets_per_event), axis=1)
        for of_event in (jets, constituents)
    )
    named = variables_of(recipe.jet_selection)
    for_cuts = [name for name in recipe.jet_variables if name in named]
    further = [name for name in recipe.jet_variables if name not in named]
    try:
        of_jet |= _jet_variables(jets, chosen, for_cuts, recipe)
    except EntryError as error:
        raise error.at_row(int(event[error.row])) from error
    passed, cut_flow = select_jets(recipe.jet_selection, of_jet, event, columns)
    jets, chosen, event = (_chosen(values, passed) for values in (jets, chosen, event))
    of_jet = {name: _chosen(values, passed) for name, values in of_jet.items()}
    axes = np.stack([of_jet["eta"], of_jet["phi"]], axis=-1)
    try:
        images, overflow = build_jet_images(chosen, recipe.jets, axes=axes)
        of_jet |= _jet_variables(jets, chosen, further, recipe)
    except EntryError as error:
        raise error.at_row(int(event[error.row])) from error
    if recipe.jet_constituents:
        of_jet["constituents"] = constituent_column(chosen, axes, recipe.jet_constituents)
    return (
        images,
        {name: values[event] for name, values in columns.items()},
        of_jet | {"overflow": overflow},
        event,
        cut_flow,
    )


def _jet_variables(
    jets: ak.Array, constituents: ak.Array, names: Iterable[str], recipe: ImageRecipe
) -> dict[str, np.ndarray]:
    """The named variables of jets, ``(n_jets,)`` each, of records ``n_jets`` and their
    constituents ``n_jets * var``.
    """
    definition = recipe.fat_jets
    return substructure_columns(
        jets,
        constituents,
        names,
        radius=definition.radius,
        trimming=(definition.r_sub, definition.f_cut),
    )


def _chosen(
    values: np.ndarray | ak.Array | None, passed: np.ndarray
) -> np.ndarray | ak.Array | None:
    """The events that passed; the very array if all did."""
    return values if values is None or passed.all() else values[passed]
