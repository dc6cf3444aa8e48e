"""Rows and statistics of a training on a target."""

import logging

import numpy as np

from calovision.core.errors import InputError
from calovision.training.options import TrainingOptions

logger = logging.getLogger(__name__)


def rows_with_target(
    values: np.ndarray, chosen: np.ndarray, title: str, options: TrainingOptions
) -> np.ndarray:
    """Those of the ``chosen`` rows whose target is a number; the others are counted in a warning.

    Parameters
    ----------
    values
        Target of every row of the collection (`calovision.storage.targets.target_values`).
    chosen
        Positions of rows.
    title
        The split in messages.
    options
        Those of the training.

    Raises
    ------
    InputError
        If no row has one, or the scale needs targets above 0 and one is not.
    """
    name = options.target
    of_rows = values[chosen]
    is_there = np.isfinite(of_rows)
    n_missing = int(np.count_nonzero(~is_there))
    if len(chosen) and n_missing == len(chosen):
        raise InputError(
            f"train.target: '{name}' is a number in none of the {len(chosen)} rows of {title}; "
            "give a column that has values, or select rows that have them"
        )
    if n_missing:
        logger.warning(
            "train.target: '%s' is not a number in %d of the %d rows of %s, which are left out",
            name,
            n_missing,
            len(chosen),
            title,
        )
    n_low = int(np.count_nonzero(of_rows[is_there] <= 0))
    if n_low and options.target_scale != "linear":
        raise InputError(
            f"train.target_scale '{options.target_scale}' needs a target above 0, but '{name}' is "
            f"not in {n_low} of the {len(chosen)} rows of {title}; take linear, or select others"
        )
    return chosen[is_there]


def target_statistics(values: np.ndarray, options: TrainingOptions) -> tuple[float, float]:
    """Mean and standard deviation of the targets ``(n,)`` of the training rows, or with the scale
    ``log`` of their logarithms.

    Raises
    ------
    InputError
        If all are the same.
    """
    scaled = np.log(values) if options.target_scale == "log" else values
    mean, spread = float(np.mean(scaled)), float(np.std(scaled))
    if not spread > 1e-9 * abs(mean):
        raise InputError(
            f"train.target: '{options.target}' is {values[0]:g} in all {len(values)} training "
            "rows, so that there is nothing to learn; give another column"
        )
    return mean, spread
