"""Histories and descriptions that training runs wrote, as numbers for the comparison."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from calovision.core.errors import InputError
from calovision.evaluation.results.models import ModelNumbers, TrainingRecord


def read_history(path: Path) -> dict[str, np.ndarray]:
    """Columns of a ``history.csv``, ``(n_epochs,)`` each; nan where nothing was measured.

    Raises
    ------
    InputError
        If it has no column ``epoch``, no epoch, or something that is no number.
    """
    with Path(path).open(newline="") as file:
        header, *rows = [*csv.reader(file)] or [[]]
    if "epoch" not in header or not rows:
        raise InputError(f"{path}: no history of a training, it lacks epochs; train again")
    try:
        values = np.array([[float(cell or "nan") for cell in row] for row in rows])
        return dict(zip(header, values.T, strict=True))
    except ValueError as error:  # also lines of different lengths
        raise InputError(f"{path}: a line of the history is damaged; train again") from error


def read_model_numbers(path: Path) -> ModelNumbers:
    """Network of a ``model.json`` in numbers.

    Raises
    ------
    InputError
        If it is not the description of a model.
    """
    try:
        description = json.loads(Path(path).read_text())
        training = description["training"]
        return ModelNumbers(
            parameters=description.get("parameters"),
            multiply_adds=description.get("multiply_adds"),
            network=description["specification"]["network"],
            n_training=training.get("n_training"),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: no description of a trained model; train again") from error


def training_record(
    history: Mapping[str, np.ndarray], n_training: int | None = None
) -> TrainingRecord:
    """History of a run in numbers; None for what was not measured.

    Parameters
    ----------
    history
        As `read_history` gives it.
    n_training
        Events in the training split; None leaves the training time out.
    """
    loss = history.get("validation_loss", np.zeros(0))
    is_measured = np.isfinite(loss).any()
    speed = history.get("images_per_s", np.zeros(0))
    speed = speed[speed > 0]  # drops nan, too
    is_timed = len(speed) > 0
    has_time = is_timed and n_training is not None
    return TrainingRecord(
        epochs=len(history["epoch"]),
        best_epoch=int(history["epoch"][np.nanargmin(loss)]) if is_measured else None,
        images_per_s=float(np.median(speed)) if is_timed else None,
        training_time_s=float(np.sum(n_training / speed)) if has_time else None,
    )


def read_runs(
    seeds: Sequence[int], descriptions: Sequence[Path], histories: Sequence[Path]
) -> tuple[ModelNumbers, dict[int, TrainingRecord]]:
    """Numbers of a model and of the training of each of its networks, which differ in their seed
    only.

    ``descriptions`` and ``histories`` are the ``model.json`` and ``history.csv`` of the network of
    each seed; results are those of `read_model_numbers` for the first, and seed ->
    `training_record`.
    """
    numbers = read_model_numbers(descriptions[0])
    records = [training_record(read_history(path), numbers.n_training) for path in histories]
    return numbers, dict(zip(seeds, records, strict=True))
