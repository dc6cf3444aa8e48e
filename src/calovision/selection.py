"""Cuts as named expressions on the event variables.

Expressions are those of numexpr: comparisons in parentheses joined by ``&``, ``|`` and ``~``.
"""

from collections.abc import Mapping
from contextlib import suppress

import numexpr
import numpy as np

from calovision.errors import InputError


def evaluate_cut(name: str, expression: str, variables: Mapping[str, np.ndarray]) -> np.ndarray:
    """Which events pass one cut.

    Parameters
    ----------
    name
        What the configuration calls the cut, for the message.
    expression
        For example ``"(n_fat_jets >= 4) & (mj_sum > 800)"``, GeV.
    variables
        Event variables, each ``(n_events,)``.

    Returns
    -------
    Booleans, ``(n_events,)``.

    Raises
    ------
    InputError
        If the expression cannot be read, uses an unknown variable, or is no cut.
    """
    scalars = {key: values for key, values in variables.items() if np.ndim(values) == 1}
    try:
        unknown = [key for key in numexpr.NumExpr(expression).input_names if key not in scalars]
        if unknown:
            raise InputError(
                f"cut '{name}' ({expression}) uses the unknown variable '{unknown[0]}': choose from "
                f"{', '.join(sorted(scalars))}"
            )
        passed = numexpr.evaluate(expression, local_dict=scalars, global_dict={})
    except (SyntaxError, TypeError, ValueError, NotImplementedError, AttributeError, RuntimeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"cut '{name}' ({expression}) cannot be read: write comparisons in parentheses joined by & and |"
        ) from error
    if passed.dtype != bool:
        raise InputError(f"cut '{name}' ({expression}) gives numbers: it must be a comparison, true or false")
    return np.broadcast_to(passed, (_n_events(scalars),))


def variables_of(selection: Mapping[str, str]) -> set[str]:
    """Names of all variables in the expressions; an expression that cannot be read has none."""
    names = set()
    for expression in selection.values():
        with suppress(SyntaxError, TypeError, ValueError, NotImplementedError, AttributeError, RuntimeError):
            names |= set(numexpr.NumExpr(expression).input_names)
    return names


def apply_selection(
    selection: Mapping[str, str], variables: Mapping[str, np.ndarray], weights: np.ndarray
) -> tuple[np.ndarray, list[tuple[str, int, float]]]:
    """Apply cuts one after the other.

    Parameters
    ----------
    selection
        Name -> expression, in order.
    variables
        Event variables, each ``(n_events,)``.
    weights
        Weights ``(n_events,)``.

    Returns
    -------
    passed
        Booleans ``(n_events,)``: passed all cuts.
    cut_flow
        After each cut: its name, number of events, sum of their weights.
    """
    passed = np.ones(len(weights), dtype=bool)
    cut_flow = []
    for name, expression in selection.items():
        passed &= evaluate_cut(name, expression, variables)
        cut_flow.append((name, int(passed.sum()), float(weights[passed].sum())))
    return passed, cut_flow


def _n_events(variables: Mapping[str, np.ndarray]) -> int:
    return len(next(iter(variables.values())))
