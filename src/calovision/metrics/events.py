"""Check columns of events (scores, labels, weights, flags) before numbers are computed from them.

The public functions of `metrics`, `evaluation`, `reach` and `baselines` take their columns through
these functions: one number an event, ``(n_events,)``. Lists, tensors and columns ``(n_events, 1)``,
as networks give them, become such arrays; what has another shape, a missing entry or no number in
it is refused.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from calovision.core.errors import InputError

LARGEST_INTEGER = 2**53  # beyond, float64 makes neighbors equal
# sum over the sum of absolute values: below, a sum of weights is the rounding of what cancels
CANCELLED = 1e-12
KINDS = {
    "U": "text",
    "S": "text",
    "O": "objects, of which some may be missing",
    "c": "complex numbers",
}


def column_of(table: Mapping[str, Any], name: str) -> Any:
    """Column of a table of events, or an InputError that names those there are."""
    if name not in table:
        found = ", ".join(sorted(map(str, table))) or "none"
        raise InputError(f"the table of events has no column '{name}'; it has {found}")
    return table[name]


def event_numbers(
    values: Any, name: str, *, n_events: int | None = None, finite: bool = True, per: str = "event"
) -> np.ndarray:
    """Float64 column, ``(n_events,)``, of a list, an array, a tensor or a column ``(n_events, 1)``.

    Parameters
    ----------
    values
        Integers, booleans or floats.
    name
        Names the values in messages, in the plural: ``"scores"``.
    n_events
        Number of events that there must be; None takes any.
    finite
        Whether NaN and infinities are refused.
    per
        Names what there must be a value of each, in messages.

    Raises
    ------
    InputError
        If the values are no numbers, some are missing, they have another shape or length, or are
        not finite.
    """
    table = event_table(values, name, n_events=n_events, finite=finite, per=per)
    if table.shape[1] != 1:
        raise InputError(
            f"{name} have the shape {table.shape}; give one number an event, ({len(table)},)"
        )
    return table[:, 0]


def event_table(
    values: Any, name: str, *, n_events: int | None = None, finite: bool = True, per: str = "event"
) -> np.ndarray:
    """Float64 columns, ``(n_events, n_columns)``; ``(n_events,)`` is one of them. The rest is as in
    `event_numbers`.
    """
    array = numeric_array(values, name)
    table = array[:, None] if array.ndim == 1 else array
    if table.ndim != 2 or table.shape[1] == 0:
        raise InputError(
            f"{name} have the shape {array.shape}; give one number an event, (n_events,)"
        )
    if n_events is not None and len(table) != n_events:
        raise InputError(
            f"{n_events} {per}s but {len(table)} {name}; give one {name.removesuffix('s')} per "
            f"{per}"
        )
    if (
        table.dtype.kind in "iu"
        and table.size
        and (table.max() > LARGEST_INTEGER or table.min() < -LARGEST_INTEGER)
    ):
        raise InputError(
            f"{name} are integers beyond 2^53, where floats no longer tell them apart; give "
            "smaller ones"
        )
    with np.errstate(over="ignore"):  # longdouble: what becomes infinite is refused below
        table = table.astype(np.float64)
    if finite and not np.isfinite(table).all():
        raise InputError(
            f"{np.sum(~np.isfinite(table))} of {table.size} {name} are not finite numbers"
        )
    return table


def event_labels(values: Any, *, n_events: int | None = None, per: str = "event") -> np.ndarray:
    """Booleans, ``(n_events,)``: True for signal (label 1), False for background (0)."""
    labels = event_numbers(values, "labels", n_events=n_events, finite=False, per=per)
    if not np.isin(labels, (0, 1)).all():
        raise InputError("labels must be 1 for signal and 0 for background")
    return labels == 1


def event_flags(values: Any, name: str, *, n_events: int | None = None) -> np.ndarray:
    """Booleans, ``(n_events,)``, of booleans or of numbers that are 0 or 1."""
    flags = event_numbers(values, name, n_events=n_events, finite=False)
    if not np.isin(flags, (0, 1)).all():
        raise InputError(f"{name} must be true or false for each event; give booleans")
    return flags == 1


def check_weights(weights: np.ndarray, owner: str) -> None:
    """Raise InputError unless there are weights, all finite, with a positive sum; ``owner``: ``"the
    signal"``.

    A sum that is nothing but the rounding of weights that cancel is not positive.
    """
    if not len(weights):
        raise InputError(f"{owner} has no event; an efficiency needs at least one")
    if not np.isfinite(weights).all():
        raise InputError(
            f"{owner} has {np.sum(~np.isfinite(weights))} weights that are not finite numbers"
        )
    if not has_positive_sum(weights):
        total = weights.sum()
        raise InputError(
            f"the weights of {owner} add up to {total:.3g}; their sum must be positive"
        )


def has_positive_sum(weights: np.ndarray) -> bool:
    """True if weights add up to a positive number that is more than the rounding of cancelling
    weights.
    """
    with np.errstate(over="ignore"):
        total = weights.sum()
    if not (
        np.isfinite(total) and total > 0
    ):  # an infinite sum of finite weights is decided at their scale
        return bool(total == np.inf) and has_positive_sum(scaled_to_one(weights))
    return bool(total > CANCELLED * np.abs(weights).sum())


def scaled_to_one(weights: np.ndarray) -> np.ndarray:
    """Divide weights by the power of two above the largest: their squares stay in range, and no
    digit changes.
    """
    largest = np.max(np.abs(weights), initial=0.0)
    return np.ldexp(weights, -np.frexp(largest)[1]) if largest > 0 else weights


def numeric_array(values: Any, name: str) -> np.ndarray:
    """Array of booleans, integers or floats of any shape, or an InputError."""
    if hasattr(
        values, "detach"
    ):  # a tensor: numpy takes none with a gradient, on a GPU, or in bfloat16
        values = values.detach().cpu()
        values = values.double() if values.is_floating_point() else values
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise InputError(
            f"{np.ma.count_masked(values)} of {values.size} {name} are masked; leave these events "
            "out"
        )
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:
        raise InputError(f"{name} are no column of numbers; give one number an event") from error
    if isinstance(values, list | tuple) and not len(values):
        return np.zeros(0)
    if array.dtype.kind not in "biuf":
        found = KINDS.get(array.dtype.kind, f"of the type {array.dtype}")
        raise InputError(f"{name} are {found}; give integers, floats or booleans")
    return array
