"""Numbers of an epoch of the validation split, with the weights of the training loss."""

from collections.abc import Sequence

import numpy as np

from calovision.metrics import auc, macro_auc, rejection_at, roc, signal_efficiency_at

WORKING_POINTS = {
    "1e-2": 1e-2,
    "1e-3": 1e-3,
}  # background efficiencies that are followed during the training
SIGNAL_EFFICIENCY = 0.5
"""Of each class, at which its rejection of all others is followed."""

_BEFORE = ("epoch", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
_BEHIND = ("learning_rate", "images_per_s")
HISTORY = (
    *_BEFORE,
    "validation_auc",
    *(f"validation_signal_efficiency_{name}" for name in WORKING_POINTS),
    *_BEHIND,
)
"""Columns of history.csv; the validation's numbers have the weights of the training loss."""
REJECTION = "validation_rejection_"
"""Begins the name of a column with the rejection of all other classes at half of the class."""


BIAS, RESOLUTION = "validation_bias", "validation_resolution"
"""Columns of a target: median of the relative residuals, and half of their central 68.3 %."""


def target_columns() -> tuple[str, ...]:
    """Columns of history.csv of a network that learns a target."""
    return "epoch", "train_loss", "validation_loss", BIAS, RESOLUTION, *_BEHIND


def history_columns(classes: Sequence[str]) -> tuple[str, ...]:
    """Columns of history.csv of a network of these classes: `HISTORY` for two."""
    if len(classes) <= 2:
        return HISTORY
    rejections = (f"{REJECTION}{name}" for name in classes)
    return (*_BEFORE, "validation_macro_auc", *rejections, *_BEHIND)


def separation(
    scores: np.ndarray, labels: np.ndarray, weights: np.ndarray, classes: Sequence[str]
) -> dict[str, float]:
    """Numbers that say how well the classes are told apart, by their column of the history.

    Of logits ``(n,)`` the AUC and the signal efficiencies at `WORKING_POINTS`. Of log-probabilities
    ``(n, n_classes)`` the mean AUC of one class versus one (`calovision.metrics.macro_auc`), and
    for each class the rejection of all others together at `SIGNAL_EFFICIENCY`; where none of them
    is left, the lower end of its interval.
    """
    if scores.ndim == 1:
        return {"validation_auc": auc(roc(scores, labels, weights))} | {
            f"validation_signal_efficiency_{name}": signal_efficiency_at(
                scores, labels, weights, point
            ).value
            for name, point in WORKING_POINTS.items()
        }
    return {"validation_macro_auc": macro_auc(scores, labels, weights)} | {
        f"{REJECTION}{name}": rejection_at(
            scores[:, label], labels == label, weights, SIGNAL_EFFICIENCY
        ).value
        for label, name in enumerate(classes)
    }
