"""Tables of the rows that taggers are compared on: keys, variables, weights, log-probabilities."""

from collections.abc import Mapping, Sequence

import numpy as np

from calovision.core.classes import OF_ROWS
from calovision.core.splits import SPLITS
from calovision.evaluation.folds import ScoredEvents
from calovision.evaluation.tagging.variables import varies
from calovision.jets import JET_MOMENTUM, JET_VARIABLES, VARIABLES
from calovision.storage import ImageCollection

UNKNOWN_CROSS_SECTION = (
    "cross-sections are not known: rows of a class with several samples count by their generator "
    "weights"
)
KEYS = ("event_number", "label", "split")
OF_JETS = ("jet_index", *JET_MOMENTUM)
NO_DISCRIMINANTS = ("eta", "phi")
"""Variables of jets that tell nothing by themselves."""


def row_weights(collection: ImageCollection) -> tuple[np.ndarray, list[str]]:
    """Weight of every row up to a factor, ``(n,)``, and what is to be known of them.

    Expected events where the cross-sections of all samples are known; else generator weights.
    """
    known = [np.isfinite(collection.cross_section_pb(sample)) for sample in collection.samples]
    if all(known):
        return collection.event_weights(1.0), []
    weights = np.asarray(collection.column("weight"), dtype=np.float64)
    return weights, [UNKNOWN_CROSS_SECTION] if _has_shared_class(collection) else []


def _has_shared_class(collection: ImageCollection) -> bool:
    """Tell whether rows of a class are of several samples."""
    labels = list(collection.samples.values())
    return len(set(labels)) < len(labels) or (OF_ROWS in labels and len(labels) > 1)


def variable_names(collection: ImageCollection) -> list[str]:
    """Columns with variables of the rows that all files have: of jets, or of events; then those of
    the user's own. Some have several numbers a row.
    """
    if collection.metadata.kind == "jet":
        known = ["pt", "eta", "mass", *JET_VARIABLES]
    else:
        known = [name for name, one in VARIABLES.items() if not one.asks_for]
    in_all = set.intersection(*(set(file.events) for file in collection.files))
    return [*(name for name in known if name in in_all), *collection.variables]


def single_variables(columns: Mapping[str, np.ndarray], names: Sequence[str]) -> list[str]:
    """Variables of one number a row that may tell classes apart by themselves; none with the same
    number in all rows.
    """
    chosen = [name for name in names if columns[name].ndim == 1 and name not in NO_DISCRIMINANTS]
    return [name for name in chosen if varies(columns[name])]


def tabulate_rows(
    collection: ImageCollection,
    scored: ScoredEvents,
    scores: Mapping[str, np.ndarray],
    weights: np.ndarray,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Tables of the validation and of the test rows, as `TaggingTables` takes them.

    Parameters
    ----------
    collection
        The image files.
    scored
        Rows of the validation and test splits (`scored_events`).
    scores
        Classifier -> log-probabilities of these rows, ``(n, n_classes)``.
    weights
        Of all rows of the collection (`row_weights`).
    """
    is_of_jets = collection.metadata.kind == "jet"
    names = [*KEYS, *(OF_JETS if is_of_jets else ()), *variable_names(collection)]
    columns = {"sample": collection.sample_names()[scored.indices]}
    columns |= {name: collection.column(name)[scored.indices] for name in dict.fromkeys(names)}
    columns["weight"] = weights[scored.indices]
    if scored.fold is not None:
        split = np.where(scored.is_test, SPLITS.index("test"), SPLITS.index("validation"))
        columns |= {"split": split.astype(columns["split"].dtype), "fold": scored.fold}
    columns |= scores
    validation, test = (
        {name: values[scored.rows(of_test=of_test)] for name, values in columns.items()}
        for of_test in (False, True)
    )
    return validation, test
