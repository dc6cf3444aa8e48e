"""Shallow classifiers that were fitted: ``baselines.json``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from calovision.core.result import Result, from_json, to_json


@dataclass(frozen=True)
class FittedBaseline:
    """Choices of a classifier that have the lowest validation loss, and this loss; with folds a
    list of the choices of each, and the mean loss.
    """

    choices: dict[str, Any]
    validation_loss: float


@dataclass(frozen=True)
class FittedBaselines(Result):
    """Classifier -> its fit; the JSON is this mapping."""

    classifiers: dict[str, FittedBaseline]

    def to_json(self) -> dict[str, Any]:
        """Classifier -> its fit."""
        return to_json(self.classifiers)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Object of what `to_json` gave; InputError if something is missing in it."""
        return cls(from_json(dict[str, FittedBaseline], content))
