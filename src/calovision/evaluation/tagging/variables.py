"""Single variables as discriminants, each in the direction that the validation rows show."""

import numpy as np

from calovision.evaluation.results.tagging import VariableNumbers
from calovision.evaluation.tagging.discriminants import Discriminant
from calovision.evaluation.tagging.rows import TaggedRows
from calovision.metrics import auc, roc
from calovision.metrics.roc import auc_with_error


def varies(values: np.ndarray) -> bool:
    """Tell whether values ``(n,)`` tell rows apart: at least two of the finite ones differ."""
    known = values[np.isfinite(values)]
    return bool(len(known)) and bool(known.min() < known.max())


def variable_numbers(
    validation: TaggedRows,
    of_validation: np.ndarray,
    test: TaggedRows,
    of_test: np.ndarray,
    discriminant: Discriminant,
) -> VariableNumbers:
    """Numbers of a variable with values ``(n,)`` of the validation and of the test rows."""
    area = auc(roc(*_columns(validation, of_validation, discriminant, is_larger=True)))
    is_larger = area >= 0.5
    found = auc_with_error(*_columns(test, of_test, discriminant, is_larger=is_larger))
    shares = discriminant.shares(test.labels, test.classes)
    missing = int(np.sum(~np.isfinite(of_test[shares > 0])))
    return VariableNumbers(is_larger, max(area, 1 - area), *map(float, found), missing)


def _columns(
    rows: TaggedRows, values: np.ndarray, discriminant: Discriminant, *, is_larger: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, labels and weights of the rows on either side."""
    shares = discriminant.shares(rows.labels, rows.classes)
    chosen = shares > 0
    return (
        variable_scores(values, is_larger=is_larger)[chosen],
        discriminant.is_signal(rows.labels, rows.classes)[chosen],
        (rows.weights * shares)[chosen],
    )


def variable_scores(values: np.ndarray, *, is_larger: bool) -> np.ndarray:
    """Values as scores, ``(n,)``: larger = more like signal; what is missing is least like it."""
    scores = np.asarray(values, dtype=np.float64) * (1.0 if is_larger else -1.0)
    finite = scores[np.isfinite(scores)]
    return np.where(np.isfinite(scores), scores, np.min(finite, initial=0.0) - 1.0)
