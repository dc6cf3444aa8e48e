"""Objective of a training: its loss, and the numbers of an epoch that say how near it is."""

from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor, nn

from calovision.metrics import residual_numbers, residuals_of
from calovision.models import ImageModel
from calovision.models.target import TargetScaling
from calovision.training.epoch_numbers import (
    BIAS,
    RESOLUTION,
    history_columns,
    separation,
    target_columns,
)
from calovision.training.loss import right_answers, weighted_loss


class ClassObjective:
    """Cross-entropy of classes.

    Parameters
    ----------
    classes
        Their names; none for background and signal.

    Attributes
    ----------
    columns
        Of history.csv.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = classes
        self.columns = history_columns(classes)

    def loss(self, outputs: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        """Weighted mean loss of the rows (`weighted_loss`)."""
        return weighted_loss(outputs, labels, weights)

    def count(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Number of right answers."""
        return right_answers(outputs, labels).sum()

    def training_numbers(self, counted: float, n: float) -> dict[str, float]:
        """Numbers of the training split by what was counted in n rows."""
        return {"train_accuracy": counted / n}

    def scores(self, outputs: Tensor) -> Tensor:
        """Scores of outputs: logits ``(n,)``, or log-probabilities ``(n, n_classes)``."""
        return outputs if outputs.ndim == 1 else outputs.log_softmax(dim=1)

    def validation_numbers(
        self, scores: np.ndarray, labels: np.ndarray, weights: np.ndarray
    ) -> dict[str, float]:
        """Accuracy and separation of the validation split."""
        if scores.ndim == 1:
            right = (scores > 0) == (labels > 0.5)
        else:
            right = scores.argmax(axis=1) == labels
        return {
            "validation_accuracy": float(np.mean(right)),
            **separation(scores, labels, weights, self._classes),
        }


class TargetObjective:
    """Loss of the residuals of a target.

    Parameters
    ----------
    scaling
        Of the model.
    loss
        One of `calovision.training.options.TARGET_LOSSES`.

    Attributes
    ----------
    columns
        Of history.csv.
    """

    columns = target_columns()

    def __init__(self, scaling: TargetScaling, loss: str) -> None:
        self._scaling = scaling
        self._loss = LOSSES[loss]

    def loss(self, outputs: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
        """Mean of the weighted losses of the rows, divided by their number."""
        residuals = self._scaling.residuals(outputs, truth)
        return (self._loss(residuals) * weights).mean()

    def count(self, outputs: Tensor, truth: Tensor) -> Tensor:
        """Nothing."""
        return outputs.new_zeros(())

    def training_numbers(self, counted: float, n: float) -> dict[str, float]:
        """None beside the loss."""
        return {}

    def scores(self, outputs: Tensor) -> Tensor:
        """Predictions in the unit of the target, ``(n,)``."""
        return self._scaling(outputs)

    def validation_numbers(
        self, predictions: np.ndarray, truth: np.ndarray, weights: np.ndarray
    ) -> dict[str, float]:
        """Median and resolution of prediction / truth - 1, or of the difference where a true value
        is not above 0.
        """
        residuals = residuals_of(predictions, truth, relative=bool(np.all(truth > 0)))
        numbers = residual_numbers(residuals, weights)
        return {BIAS: numbers.bias_median, RESOLUTION: numbers.resolution}


Objective = ClassObjective | TargetObjective


def objective_of(model: ImageModel, target_loss: str) -> Objective:
    """Objective of a model: that of its target, if it has one, else of its classes."""
    if model.target is not None:
        return TargetObjective(model.target, target_loss)
    return ClassObjective(model.specification.classes)


def _half_square(residuals: Tensor) -> Tensor:
    return residuals.square() / 2


def _huber(residuals: Tensor) -> Tensor:
    return nn.functional.huber_loss(
        residuals, residuals.new_zeros(residuals.shape), reduction="none"
    )


def _log_cosh(residuals: Tensor) -> Tensor:
    """log(cosh(x)) = |x| + log(1 + exp(-2 |x|)) - log(2), which overflows nowhere."""
    size = residuals.abs()
    return (
        size + nn.functional.softplus(-2 * size) - nn.functional.softplus(residuals.new_zeros(()))
    )


LOSSES: dict[str, Callable[[Tensor], Tensor]] = {
    "huber": _huber,
    "mse": _half_square,
    "log_cosh": _log_cosh,
}
"""Loss of residuals by name, ``(n,)`` to ``(n,)``; all are x^2 / 2 of small ones."""
