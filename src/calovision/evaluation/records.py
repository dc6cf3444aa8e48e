"""What a training run left about itself: the history of its epochs and the description of its
network.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from calovision.core.errors import InputError


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


def read_model_numbers(path: Path) -> dict[str, float | str]:
    """What a ``model.json`` tells of its network in numbers.

    Returns
    -------
    ``network``, and where known ``parameters``, ``multiply_adds`` (of one image) and
    ``n_training``, the number of events in the training split.

    Raises
    ------
    InputError
        If it is not the description of a model.
    """
    try:
        description = json.loads(Path(path).read_text())
        training = description["training"]
        numbers = {name: description.get(name) for name in ("parameters", "multiply_adds")}
        numbers |= {
            "network": description["specification"]["network"],
            "n_training": training.get("n_training"),
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: no description of a trained model; train again") from error
    return {name: value for name, value in numbers.items() if value is not None}


def training_record(
    history: Mapping[str, np.ndarray], n_training: int | None = None
) -> dict[str, float]:
    """What the history of a run says about it in numbers.

    Parameters
    ----------
    history
        As `read_history` gives it.
    n_training
        Events in the training split.

    Returns
    -------
    ``epochs``; where measured ``best_epoch``, that of the lowest validation loss, ``images_per_s``,
    the median over the epochs, and, if the number of events is known, ``training_time_s``: what all
    passes over the training split took.
    """
    record = {"epochs": len(history["epoch"])}
    loss = history.get("validation_loss", np.zeros(0))
    if np.isfinite(loss).any():
        record["best_epoch"] = int(history["epoch"][np.nanargmin(loss)])
    speed = history.get("images_per_s", np.zeros(0))
    speed = speed[speed > 0]  # drops nan, too
    if len(speed):
        record["images_per_s"] = float(np.median(speed))
        if n_training is not None:
            record["training_time_s"] = float(np.sum(n_training / speed))
    return record


def read_runs(
    seeds: Sequence[int], descriptions: Sequence[Path], histories: Sequence[Path]
) -> tuple[dict[str, float | str], dict[int, dict[str, float]]]:
    """Numbers of a model and of the training of each of its networks, which differ in their seed
    only.

    ``descriptions`` and ``histories`` are the ``model.json`` and ``history.csv`` of the network of
    each seed; results are those of `read_model_numbers` for the first, and seed ->
    `training_record`.
    """
    numbers = read_model_numbers(descriptions[0])
    records = [training_record(read_history(path), numbers.get("n_training")) for path in histories]
    return numbers, dict(zip(seeds, records, strict=True))
