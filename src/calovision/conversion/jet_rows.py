"""Rows of jets: the leading fat jets of some events that pass the cuts on jets."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import awkward as ak
import numpy as np

from calovision.conversion.jet_constituents import constituent_column
from calovision.conversion.jet_cuts import select_jets
from calovision.conversion.recipe import ImageRecipe
from calovision.conversion.row_labels import RowLabels, classes_of_jets, label_rows
from calovision.conversion.sample import Sample
from calovision.core.errors import EntryError
from calovision.images import SparseImages
from calovision.images.jet_images import build_jet_images
from calovision.jets import jet_columns, leading
from calovision.jets.substructure import substructure_columns
from calovision.selection import variables_of


class JetRows(NamedTuple):
    """Images of jets, one row a jet.

    ``columns`` are those of the jets, and of their events where these differ from those of the
    other jets of an event; ``event`` is that of each row, int64 ``(n_rows,)``; ``cut_flow`` has
    (cut, jets, sum of weights); ``misfits`` are those of `RowLabels`. ``n_leading`` is the number
    of jets of each event before the cuts, int64 ``(n_events,)``.
    """

    images: SparseImages
    columns: dict[str, np.ndarray]
    event: np.ndarray
    cut_flow: list[tuple[str, int, float]]
    misfits: Counter[tuple[str, ...]]
    n_leading: np.ndarray


def jet_rows(
    jets: ak.Array,
    constituents: ak.Array,
    columns: Mapping[str, np.ndarray],
    of_class: Mapping[str, np.ndarray],
    recipe: ImageRecipe,
    sample: Sample,
) -> JetRows:
    """Images and columns of the leading jets of events that pass the cuts on jets.

    Parameters
    ----------
    jets, constituents
        Of the events, ``n_events * var`` and ``n_events * var * var``.
    columns
        Of the events, ``(n_events, ...)`` each.
    of_class
        Which events fit a class, as of `calovision.conversion.row_labels.classes_of_events`.
    recipe, sample
        Of the images.

    Raises
    ------
    InputError
        If a cut cannot be applied, or the class of a jet cannot be told.
    EntryError
        If a jet or a constituent holds a number that is none; its row is the event.
    """
    of_jet = jet_columns(jets, recipe.jets_per_event)
    event = of_jet.pop("event_index")
    n_leading = np.bincount(event, minlength=len(jets))
    jets, constituents = (
        ak.flatten(leading(of_event, recipe.jets_per_event), axis=1)
        for of_event in (jets, constituents)
    )
    named = variables_of(recipe.jet_selection)
    for_cuts = [name for name in recipe.jet_variables if name in named]
    further = [name for name in recipe.jet_variables if name not in named]
    try:
        of_jet |= _jet_variables(jets, constituents, for_cuts, recipe)
        of_each = [name for name, one in recipe.own_variables.items() if one.is_per_jet]
        passed, cut_flow = select_jets(recipe.jet_selection, of_jet, event, columns, of_each)
        labels = None
        if sample.class_cuts:
            is_of = classes_of_jets(jets, of_class, event, sample)
            labels = label_rows(is_of, sample, columns["weight"][event], passed)
            passed = passed & labels.fits
            of_jet["label"] = labels.label
        jets, constituents, event = (_chosen(one, passed) for one in (jets, constituents, event))
        of_jet = {name: _chosen(values, passed) for name, values in of_jet.items()}
        axes = np.stack([of_jet["eta"], of_jet["phi"]], axis=-1)
        images, overflow = build_jet_images(constituents, recipe.jets, axes=axes)
        of_jet |= _jet_variables(jets, constituents, further, recipe) | {"overflow": overflow}
    except EntryError as error:
        raise error.at_row(int(event[error.row])) from error
    if recipe.jet_constituents:
        of_jet["constituents"] = constituent_column(constituents, axes, recipe.jet_constituents)
    return JetRows(images, of_jet, event, *_counts(cut_flow, labels), n_leading)


def _counts(
    cut_flow: list[tuple[str, int, float]], labels: RowLabels | None
) -> tuple[list[tuple[str, int, float]], Counter[tuple[str, ...]]]:
    """Cut flow with the steps of the labels, and the rows that fit none or several."""
    return (cut_flow, Counter()) if labels is None else (cut_flow + labels.steps, labels.misfits)


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


def _chosen(values: np.ndarray | ak.Array, passed: np.ndarray) -> np.ndarray | ak.Array:
    """The rows that passed; the very array if all did."""
    return values if passed.all() else values[passed]
