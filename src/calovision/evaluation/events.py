"""Tables of the events that classifiers are compared on: variables, weights and scores."""

from collections.abc import Mapping, Sequence

import numpy as np

from calovision.core.errors import InputError
from calovision.core.splits import SPLITS
from calovision.evaluation.folds import ScoredEvents
from calovision.jets.variables import ENTRY_COLUMN, VARIABLES
from calovision.metrics.events import event_numbers
from calovision.selection import evaluate_cut
from calovision.storage import ImageCollection

CLASSIFIERS = ("cnn", "n_fat_jets", "mj_sum", "cnn+jets")
"""Names in the summary; each is a column of the table of test events, larger = more like signal.
``cnn`` is the first model; the others follow under their own names."""


def column_names(collection: ImageCollection) -> list[str]:
    """Event columns, and variables of the user's own, without the leading towers and tracks, which
    only networks use and which are most of an event's bytes, and without the entries of files.

    Parameters
    ----------
    collection
        Image files.
    """
    left_out = {ENTRY_COLUMN, *(name for name, one in VARIABLES.items() if one.asks_for)}
    names = dict.fromkeys([*collection.files[0].events, *collection.variables])
    return [name for name in names if name not in left_out]


def split_indices(collection: ImageCollection, *splits: str) -> np.ndarray:
    """Positions in the collection of the events of the given splits, ascending."""
    return np.flatnonzero(
        np.isin(collection.column("split"), [SPLITS.index(name) for name in splits])
    )


def tabulate_events(
    collection: ImageCollection,
    scored: ScoredEvents,
    scores: Mapping[str, np.ndarray],
    *,
    luminosity_fb: float,
    signal_region: str,
    seed: int,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Tables of the events of the validation and of the test split, with all columns that results
    and plots need.

    With folds the test table has every event once, with the scores of the classifiers of its fold,
    and the validation table stacks the validation splits of all folds. Scores of different folds
    stand in one column and are ranked together, as one analysis with one threshold would use them:
    they are all logits of the same loss on as many events. Against a threshold for each fold this
    costs less than 0.003 of the signal efficiency in the toys of `test_evaluation_folds.py`.
    Networks that were trained for too short a time lie on different scales and lose more; the
    summary says so (`Summary.auc_of_folds`).

    Parameters
    ----------
    collection
        The image files.
    scored
        Events of the validation and test splits (`scored_events`), n rows.
    scores
        Output of each model for these rows, ``(n,)`` each (`ensemble_scores`). The first model is
        the CNN.
    luminosity_fb
        Integrated luminosity, 1/fb.
    signal_region
        Expression on the event variables.
    seed
        Seed of the boosted trees that combine CNN and jet variables; these are fitted on the
        validation split, of each fold for its own test events.

    Returns
    -------
    For the validation and for the test split columns ``(n_events,)``: sample, label, weight
    (expected events), the event variables, ``signal_region``, ``cnn`` and ``cnn+jets``, the other
    models by their names; and ``fat_jets`` ``(n_events, 5, 4)``. With folds also ``fold``, and
    ``split`` is that for the networks of this fold.

    Raises
    ------
    InputError
        If the expression cannot be evaluated, a class has no event in one of the two splits, a
        model has the name of another column, or there is none, or not one finite score an event.
    """
    indices = scored.indices
    in_all = set.intersection(*(set(file.events) for file in collection.files))
    columns = {
        name: collection.column(name)[indices]
        for name in column_names(collection)
        if name in in_all or name in collection.variables
    }
    columns["weight"] = collection.event_weights(luminosity_fb)[indices]
    columns["sample"] = collection.sample_names()[indices]
    if scored.fold is not None:
        names = np.where(scored.is_test, SPLITS.index("test"), SPLITS.index("validation"))
        columns |= {"split": names.astype(columns["split"].dtype), "fold": scored.fold}
    columns["signal_region"] = evaluate_cut("signal_region", signal_region, columns)
    columns |= _columns_of_models(scores, (*columns, *CLASSIFIERS), len(columns["weight"]))
    columns["cnn+jets"] = _combined(scored, columns, seed=seed)
    validation, test = (
        {name: values[scored.rows(of_test=of_test)] for name, values in columns.items()}
        for of_test in (False, True)
    )
    return validation, test


def _combined(scored: ScoredEvents, columns: Mapping[str, np.ndarray], *, seed: int) -> np.ndarray:
    """Scores of CNN and jet variables, combined on the validation split, ``(n,)``; of each fold by
    itself.
    """
    from calovision.evaluation.baselines import (  # scikit-learn takes two seconds to load
        combined_score,
        fit_combination,
    )

    combined = np.empty(len(scored.indices))
    for members in scored.members():
        learns = members & ~scored.is_test
        validation = _take(columns, learns)
        combination = fit_combination(
            validation["cnn"], validation, validation["label"], validation["weight"], seed=seed
        )
        for chosen in (learns, members & scored.is_test):
            if chosen.any():
                events = _take(columns, chosen)
                combined[chosen] = combined_score(combination, events["cnn"], events)
    return combined


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
