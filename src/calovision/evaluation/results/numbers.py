"""Numbers with their uncertainties, as results hold them and tables show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from calovision.core.digits import in_digits, interval_in_digits
from calovision.metrics import Efficiency, Rejection, is_extrapolated

REGION = "signal_region"
"""Name of the signal region among the working points and the selections, and of its column in a
table of events."""
MARK = " †"
MARK_MEANING = (
    "† rests on less than one effective background event: an extrapolation, no measurement."
)


def events_in_words(n_folds: int | None, kind: str = "") -> str:
    """Words for the events that numbers are of: the test events or, with folds, all; ``kind`` such
    as ``"preselected "``.
    """
    if not n_folds:
        return f"the {kind}test events"
    return f"all {kind}events (each scored by networks that did not see it, {n_folds} folds)"


@dataclass(frozen=True)
class Interval:
    """Number with its 68.3 % interval; None for what does not exist, as a ratio to 0."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Band:
    """Expected number, and the band that holds 68.3 % of what may be observed; None where there is
    none.
    """

    value: float | None
    band_low: float | None
    band_high: float | None


@dataclass(frozen=True)
class LimitInterval:
    """Expected upper limit, None where there is none.

    ``band_low`` and ``band_high`` hold 68.3 % of what may be observed, ``low`` and ``high`` are the
    interval from the number of simulated events.
    """

    value: float | None
    band_low: float | None
    band_high: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Performance:
    """AUC of a classifier, its signal efficiency at each working point, and its background rejection
    at each signal efficiency that is asked for.
    """

    auc: float
    signal_efficiency: dict[str, Efficiency]
    rejection: dict[str, Rejection] | None = None


class HasInterval(Protocol):
    """Anything with a value and an interval, such as `Interval` and `Efficiency`."""

    value: float | None
    low: float | None
    high: float | None


def format_efficiency(value: Efficiency) -> str:
    """``0.95 (0.93 to 0.96)``: the value and its 68.3 % interval."""
    return interval_in_digits(value.value, value.low, value.high)


def format_rejection(value: Rejection) -> str:
    """``95 (83 to 110)``, or ``above 83`` where no background is left, with the `mark_of` its
    background events.
    """
    if value.is_limit:
        return f"above {in_digits(value.low)}"
    high = "" if value.high is None else f" to {in_digits(value.high)}"
    low = in_digits(value.low) if high else f"above {in_digits(value.low)}"
    return f"{in_digits(value.value)} ({low}{high}){mark_of(value.n_eff)}"


def format_interval(number: HasInterval, scale: float = 1.0) -> str:
    """``0.853 (0.841 to 0.862)``, times a scale; words where there is no number."""
    if number.value is None:
        return "none"
    if number.low is None:
        return in_digits(scale * number.value)
    return interval_in_digits(*(scale * one for one in (number.value, number.low, number.high)))


def marked_efficiency(value: Efficiency) -> str:
    """`format_efficiency` with the `mark_of` its background events."""
    return format_efficiency(value) + mark_of(value.n_eff)


def mark_of(n_eff: float | None) -> str:
    """`MARK` where a number rests on less than one background event, else nothing."""
    return MARK if n_eff is not None and is_extrapolated(n_eff) else ""


def with_meaning(lines: Sequence[str]) -> list[str]:
    """Lines of a table, and the meaning of the mark if one of them has it."""
    return [*lines, "", MARK_MEANING] if any(MARK in line for line in lines) else list(lines)
