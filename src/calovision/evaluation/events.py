"""Tables of the events that classifiers are compared on: variables, weights and scores."""

from collections.abc import Mapping, Sequence

import numpy as np

from calovision.core.errors import InputError
from calovision.core.splits import SPLITS
from calovision.jets.variables import VARIABLES
from calovision.metrics.events import event_numbers
from calovision.selection import evaluate_cut
from calovision.storage import ImageCollection

CLASSIFIERS = ("cnn", "n_fat_jets", "mj_sum", "cnn+jets")
"""Names in the summary; each is a column of the table of test events, larger = more like signal.
``cnn`` is the first model; the others follow under their own names."""


def column_names(collection: ImageCollection) -> list[str]:
    """Event columns without the leading towers and tracks, which only networks use and which are
    most of an event's bytes.
    """
    points = {name for name, variable in VARIABLES.items() if variable.asks_for}
    return [name for name in collection.files[0].events if name not in points]


def split_indices(collection: ImageCollection, *splits: str) -> np.ndarray:
    """Positions in the collection of the events of the given splits, ascending."""
    return np.flatnonzero(
        np.isin(collection.column("split"), [SPLITS.index(name) for name in splits])
    )


def tabulate_events(
    collection: ImageCollection,
    indices: np.ndarray,
    scores: Mapping[str, np.ndarray],
    *,
    luminosity_fb: float,
    signal_region: str,
    seed: int,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Tables of the events of the validation and of the test split, with all columns that results
    and plots need.

    Parameters
    ----------
    collection
        The image files.
    indices
        Events of the validation and test splits in the collection, ``(n,)``.
    scores
        Output of each model for these events, ``(n,)`` each (`ensemble_scores`). The first model is
        the CNN.
    luminosity_fb
        Integrated luminosity, 1/fb.
    signal_region
        Expression on the event variables.
    seed
        Seed of the boosted trees that combine CNN and jet variables; these are fitted on the
        validation split.

    Returns
    -------
    For the validation and for the test split columns ``(n_events,)``: sample, label, weight
    (expected events), the event variables, ``signal_region``, ``cnn`` and ``cnn+jets``, the other
    models by their names; and ``fat_jets`` ``(n_events, 5, 4)``.

    Raises
    ------
    InputError
        If the expression cannot be evaluated, a class has no event in one of the two splits, a
        model has the name of another column, or there is none, or not one finite score an event.
    """
    from calovision.evaluation.baselines import (  # scikit-learn takes two seconds to load
        combined_score,
        fit_combination,
    )

    in_all = set.intersection(*(set(file.events) for file in collection.files))
    columns = {
        name: collection.column(name)[indices]
        for name in column_names(collection)
        if name in in_all
    }
    columns["weight"] = collection.event_weights(luminosity_fb)[indices]
    columns["sample"] = collection.sample_names()[indices]
    columns["signal_region"] = evaluate_cut("signal_region", signal_region, columns)
    columns |= _columns_of_models(scores, (*columns, *CLASSIFIERS), len(columns["weight"]))
    is_test = columns["split"] == SPLITS.index("test")
    validation, test = _take(columns, ~is_test), _take(columns, is_test)
    combination = fit_combination(
        validation["cnn"], validation, validation["label"], validation["weight"], seed=seed
    )
    for events in (validation, test):
        events["cnn+jets"] = combined_score(combination, events["cnn"], events)
    return validation, test


def _columns_of_models(
    scores: Mapping[str, np.ndarray], taken: Sequence[str], n_events: int
) -> dict[str, np.ndarray]:
    """Scores of the first model as ``cnn``, those of the others by their names."""
    if not scores:
        raise InputError("no model has scores; give those of at least one")
    first, *others = scores
    for name in others:
        if name in taken:
            raise InputError(
                f"model '{name}': the table of test events has another column '{name}'; rename the "
                "model"
            )
    columns = {"cnn": first} | {name: name for name in others}
    return {
        column: event_numbers(scores[name], f"scores of '{name}'", n_events=n_events)
        for column, name in columns.items()
    }


def _take(columns: Mapping[str, np.ndarray], keep: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[keep] for name, values in columns.items()}
