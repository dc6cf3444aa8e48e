"""Histories and descriptions that training runs wrote, as numbers for the comparison."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from calovision.core.digests import require_seal
from calovision.core.errors import InputError
from calovision.evaluation.results.models import ModelNumbers, TrainingRecord


def read_history(path: Path) -> dict[str, np.ndarray]:
    """Columns of a ``history.csv``, ``(n_epochs,)`` each; nan where nothing was measured.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    InputError
        If it cannot be read, has no column ``epoch``, no epoch, or something that is no number.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            header, *rows = [*csv.reader(file)] or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: no history of a training can be read; train again") from error
    if "epoch" not in header or not rows:
        raise InputError(f"{path}: no history of a training, it lacks epochs; train again")
    try:
        values = np.array([[float(cell or "nan") for cell in row] for row in rows])
        return dict(zip(header, values.T, strict=True))
    except ValueError as error:  # also lines of different lengths
        raise InputError(f"{path}: a line of the history is damaged; train again") from error


def read_model_numbers(path: Path) -> ModelNumbers:
    """Network of a ``model.json`` in numbers.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    InputError
        If it is not the description of a model, or was changed.
    """
    try:
        description = json.loads(Path(path).read_text())
        require_seal(path, description, beside="model.safetensors")
        training = description["training"]
        return ModelNumbers(
            parameters=description.get("parameters"),
            multiply_adds=description.get("multiply_adds"),
            network=description["specification"]["network"],
            n_training=training.get("n_training"),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
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
    seeds: Sequence[int],
    descriptions: Sequence[Path],
    histories: Sequence[Path],
    *,
    has_folds: bool = False,
) -> tuple[ModelNumbers, dict[int, TrainingRecord]]:
    """Numbers of a model and of the training of each of its networks, which differ in their seed
    only.

    ``descriptions`` and ``histories`` are the ``model.json`` and ``history.csv`` of the network of
    each seed, or of the networks of each seed, as many as there are folds. Results are those of
    `read_model_numbers` for the first, with the mean number of training events of the folds, and
    seed -> `training_record`, with folds `_record_of_folds`.

    Parameters
    ----------
    seeds
        Seeds of the networks.
    descriptions, histories
        Their files, see above.
    has_folds
        There are several networks of each seed.
    """
    numbers = read_model_numbers(descriptions[0])
    if not has_folds:
        records = [training_record(read_history(path), numbers.n_training) for path in histories]
        return numbers, dict(zip(seeds, records, strict=True))
    of_networks = [read_model_numbers(path).n_training for path in descriptions]
    trained = zip(histories, of_networks, strict=True)
    records = [training_record(read_history(path), n_training) for path, n_training in trained]
    n_folds = len(histories) // len(seeds)
    of_seeds = [_record_of_folds(one) for one in zip(*[iter(records)] * n_folds, strict=True)]
    known = [one for one in of_networks if one is not None]
    numbers = replace(numbers, n_training=float(np.mean(known)) if known else None)
    return numbers, dict(zip(seeds, of_seeds, strict=True))


def _record_of_folds(folds: Sequence[TrainingRecord]) -> TrainingRecord:
    """The trainings of one seed: epochs of the longest, median speed, sum of the times, and each by
    itself.
    """
    speeds = [one.images_per_s for one in folds if one.images_per_s is not None]
    times = [one.training_time_s for one in folds if one.training_time_s is not None]
    return TrainingRecord(
        epochs=max(one.epochs for one in folds),
        images_per_s=float(np.median(speeds)) if speeds else None,
        training_time_s=float(np.sum(times)) if times else None,
        folds={str(fold): one for fold, one in enumerate(folds)},
    )
