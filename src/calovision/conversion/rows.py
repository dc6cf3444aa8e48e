"""Rows of the image file of one chunk of events: of whole events, or of their leading jets."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import awkward as ak
import numpy as np

from calovision.conversion.fields import jet_variables, no_own_jets
from calovision.conversion.jet_rows import jet_rows
from calovision.conversion.masking import RUN
from calovision.conversion.recipe import ImageRecipe
from calovision.conversion.row_labels import classes_of_events, label_rows, require_all
from calovision.conversion.sample import Sample
from calovision.conversion.varied_towers import apply_variation
from calovision.core.errors import EntryError, InputError
from calovision.core.splits import assign_split
from calovision.images import SparseImages, build_sparse_images
from calovision.images.masked import MaskCounts
from calovision.jets import (
    VARIABLES,
    event_content,
    event_variables,
    find_fat_jets,
    find_fat_jets_with_constituents,
)
from calovision.jets.columns import padded
from calovision.jets.variables import ENTRY_COLUMN, N_LEADING_JETS, branches_of_events
from calovision.ntuples import Events, pt_ratios
from calovision.selection import apply_selection, variables_of
from calovision.selection.formulas import all_names, compute_formulas


class ImageRows(NamedTuple):
    """Rows of the image file, and the cut flow (cut, events, sum of weights) of their events.

    ``pt_ratios`` are those of what is in the images to the jets, ``(n_jets,)``, where the jets are
    the file's own and made of towers or trimmed; else None. ``passed`` are the events that pass,
    booleans ``(n_events,)``, and ``event`` is that of each row, int64 ``(n_rows,)``.
    ``jet_cut_flow`` (cut, jets, sum of weights) begins with the leading jets of these events; it is
    empty for images of events. ``misfits`` counts the rows that were left out since they fit no
    class or several (`calovision.conversion.row_labels.RowLabels`). ``n_leading`` is the number of
    jets of each event before the cuts on jets, int64 ``(n_events,)``, 0 for events that do not
    pass; None for images of events. ``masked`` is what a mask changed; None without one.
    """

    images: SparseImages
    columns: dict[str, np.ndarray]
    cut_flow: list[tuple[str, int, float]]
    passed: np.ndarray
    event: np.ndarray
    pt_ratios: np.ndarray | None = None
    jet_cut_flow: Sequence[tuple[str, int, float]] = ()
    misfits: Mapping[tuple[str, ...], int] = Counter()
    n_leading: np.ndarray | None = None
    masked: MaskCounts | None = None


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
    cut = _cut_events(events, jets, recipe, sample)
    passed = cut.passed
    columns = {name: _chosen(values, passed) for name, values in cut.columns.items()}
    try:
        if recipe.content is not None and not cut.has_content:
            columns |= event_content(
                _chosen(events.towers, passed), _chosen(events.tracks, passed), recipe.content
            )
        columns |= compute_formulas(recipe.own_variables, recipe.own_variables, columns)
        if constituents is None:
            images, more = _event_images(events, passed, recipe)
            event = np.flatnonzero(passed)
            masked = None
            if recipe.mask is not None:
                cells = recipe.grid, recipe.channels
                images, masked = recipe.mask.apply(images, *cells, columns.get(RUN))
            more = columns | more
            counts = {"misfits": cut.misfits, "masked": masked}
            return ImageRows(images, more, cut.steps, passed, event, **counts)
        of_class = {name: _chosen(values, passed) for name, values in cut.of_class.items()}
        chosen = (_chosen(collection, passed) for collection in (jets, constituents))
        rows = jet_rows(*chosen, columns, of_class, recipe, sample)
    except EntryError as error:
        raise error.at_row(int(np.flatnonzero(passed)[error.row])) from error
    of_passed = np.flatnonzero(passed)
    of_event = columns
    if not np.array_equal(rows.event, np.arange(len(of_passed))):  # unless each event has one jet
        of_event = {name: values[rows.event] for name, values in columns.items()}
    event = of_passed[rows.event]
    n_leading = np.zeros(len(passed), dtype=np.int64)
    n_leading[passed] = rows.n_leading
    counts = (cut.steps, passed, event, ratios, rows.cut_flow, rows.misfits, n_leading)
    return ImageRows(rows.images, of_event | rows.columns, *counts)


class _CutEvents(NamedTuple):
    """Events after the preselection.

    ``columns`` are those of all events, ``passed`` tells which pass, booleans ``(n_events,)``;
    ``steps`` is their cut flow; ``of_class`` and ``misfits`` are those of
    `calovision.conversion.row_labels`; ``has_content`` tells whether the small-R jets and shapes
    are among the columns.
    """

    columns: dict[str, np.ndarray]
    passed: np.ndarray
    steps: list[tuple[str, int, float]]
    of_class: Mapping[str, np.ndarray]
    misfits: Mapping[tuple[str, ...], int]
    has_content: bool


def _cut_events(
    events: Events, jets: ak.Array | None, recipe: ImageRecipe, sample: Sample
) -> _CutEvents:
    """Apply the preselection and, where rows are events, give them their label."""
    variables = {} if jets is None else event_variables(jets)
    own = recipe.own_variables
    variables |= _of_branches(events, jets, recipe)
    if recipe.preselection and jets is None:
        raise InputError(
            "the ntuple has no fat jets, so that no cut can be applied: cluster them or select "
            "nothing"
        )
    named = variables_of(recipe.preselection)
    # small-R jets of all events only if a cut needs them: most events do not pass
    has_content = recipe.content is not None and any(
        name in VARIABLES and VARIABLES[name].needs_content for name in all_names(named, own)
    )
    if has_content:
        variables |= event_content(events.towers, events.tracks, recipe.content)
    columns = _event_columns(events, sample, recipe)
    variables |= compute_formulas(named, own, columns | variables)
    passed, steps = apply_selection(recipe.preselection, variables, events.weight)
    of_class = classes_of_events(events.variables, sample, len(events.event_number))
    misfits: Mapping[tuple[str, ...], int] = Counter()
    if sample.class_cuts and recipe.jets is None:
        require_all(of_class, sample)
        labels = label_rows(of_class, sample, events.weight, passed)
        columns["label"], misfits = labels.label, labels.misfits
        passed, steps = passed & labels.fits, steps + labels.steps
    return _CutEvents(columns | variables, passed, steps, of_class, misfits, has_content)


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
    of_events = {name: events.variables[name] for name in branches_of_events(recipe.own_variables)}
    if jets is None or not set(of_jets) <= set(jets.fields):
        if len(events.event_number) and of_jets:
            raise InputError(no_own_jets(next(iter(of_jets.values()))))
        nothing = np.zeros((0, N_LEADING_JETS))
        return of_events | dict.fromkeys(of_jets.values(), nothing)
    return of_events | {name: padded(jets[field]) for field, name in of_jets.items()}


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
    events: Events, passed: np.ndarray, recipe: ImageRecipe
) -> tuple[SparseImages, dict[str, np.ndarray]]:
    """Images of whole events, and the column that tells what lies outside."""
    towers, tracks, candidates = (
        _chosen(collection, passed)
        for collection in (events.towers, events.tracks, events.candidates)
    )
    images, overflow = build_sparse_images(
        towers, tracks, recipe.grid, recipe.channels, candidates=candidates
    )
    return images, {"overflow": overflow}


def _chosen(
    values: np.ndarray | ak.Array | None, passed: np.ndarray
) -> np.ndarray | ak.Array | None:
    """The events that passed; the very array if all did."""
    return values if values is None or passed.all() else values[passed]
