"""Cuts as named expressions on the event variables (`calovision.selection.expressions`)."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from difflib import get_close_matches

import numpy as np

from calovision.core.errors import InputError
from calovision.core.text import shortened
from calovision.jets.variables import VARIABLES, Variable
from calovision.selection.expressions import Expression, parse
from calovision.selection.expressions.kinds import CONDITION, NUMBER
from calovision.selection.expressions.nodes import Name, names_with_indices

UNKNOWN = "uses the unknown variable"
"""Words of a message on a variable that is not there."""


def cut_variables(
    *, with_content: bool = False, own: Mapping[str, Variable] | None = None
) -> dict[str, Variable]:
    """Variables that a cut may name; ``with_content`` those that need ``event_content``, too, and
    ``own`` ones of the user.
    """
    return {
        name: variable
        for name, variable in {**VARIABLES, **(own or {})}.items()
        if variable.is_cut_on and (with_content or not variable.needs_content)
    }


def check_configured_cut(
    name: str,
    expression: str,
    *,
    with_content: bool,
    further: Collection[str] = (),
    own: Mapping[str, Variable] | None = None,
) -> None:
    """Check a cut on the variables of the workflow; ``InputError`` as in `check_cut`.

    Parameters
    ----------
    name, expression
        As in `check_cut`.
    with_content
        There are the variables that need ``event_content``, too.
    further
        More variables with one number an event.
    own
        Variables of the user's own.
    """
    cut_on = cut_variables(with_content=with_content, own=own)
    numbers = [name for name, variable in cut_on.items() if not variable.shape]
    arrays = {name: variable.shape[0] for name, variable in cut_on.items() if variable.shape}
    try:
        check_cut(name, expression, [*numbers, *further], arrays)
    except InputError as error:
        advice = "; variables of your own are defined in the section variables"
        raise InputError(f"{error}{advice if UNKNOWN in str(error) else ''}") from error


def check_cut(
    name: str, expression: str, variables: Collection[str], arrays: Mapping[str, int] | None = None
) -> Expression:
    """Check a cut before there are events.

    Parameters
    ----------
    name
        What the configuration calls the cut, for the message.
    expression
        For example ``"(n_fat_jets >= 4) & (mj_sum > 800)"``, GeV.
    variables
        Names of the variables with one number an event.
    arrays
        Names of those with several numbers an event -> how many; the cut names one of them,
        ``jet_pt[0]``.

    Raises
    ------
    InputError
        If the expression cannot be read, uses an unknown variable (the nearest one is named), or is
        no cut.
    """
    where = f"cut '{shortened(name)}'" if name != expression else "cut"
    found = parse(expression, where)
    shown = f"{where} ({shortened(expression, 200)})"
    for part in names_with_indices(found.tree):
        _check_variable(part, shown, variables, arrays or {})
    if CONDITION not in found.possible_kinds(where, NUMBER):
        raise InputError(f"{shown} gives numbers: it must be a comparison, true or false")
    return found


def _check_variable(
    name: Name, where: str, variables: Collection[str], arrays: Mapping[str, int]
) -> None:
    """Raise InputError unless there is one number an event of this name."""
    base, indices = name.base, name.indices
    if base in arrays:
        if len(indices) == 1 and indices[0] < arrays[base]:
            return
        raise InputError(
            f"{where} uses '{shortened(name.text)}', but {base} has {arrays[base]} numbers an "
            "event: choose one, "
            f"{base}[0] to {base}[{arrays[base] - 1}]"
        )
    if base in variables and indices:
        raise InputError(
            f"{where} uses '{shortened(name.text)}', but {base} is one number an event: write "
            f"{base}"
        )
    if base in VARIABLES and VARIABLES[base].needs_content and base not in variables:
        raise InputError(
            f"{where} {UNKNOWN} '{base}', which needs event_content: set it in the "
            "configuration, or "
            f"choose from {', '.join(sorted(variables))}"
        )
    if base not in variables:
        known = sorted([*variables, *arrays])
        raise InputError(
            f"{where} {UNKNOWN} '{shortened(base)}': {_nearest(base, known)}choose "
            "from "
            f"{', '.join(known) or 'none'}"
        )


def _nearest(name: str, known: Collection[str]) -> str:
    """Question after the known name that resembles another."""
    spellings = {key.lower().replace("_", ""): key for key in known}
    near = get_close_matches(name.lower().replace("_", ""), spellings, n=1, cutoff=0.6)
    return f"did you mean {spellings[near[0]]}? Else " if near else ""


def evaluate_cut(name: str, expression: str, variables: Mapping[str, np.ndarray]) -> np.ndarray:
    """Test which events pass one cut.

    Parameters
    ----------
    name
        What the configuration calls the cut, for the message.
    expression
        For example ``"(n_fat_jets >= 4) & (mj_sum > 800)"``, GeV.
    variables
        Event variables, each ``(n_events,)``, or ``(n_events, k)`` for expressions such as
        ``jet_pt[0]``.

    Returns
    -------
    Booleans, ``(n_events,)``.

    Raises
    ------
    InputError
        If the expression cannot be read, uses an unknown variable, or is no cut.
    """
    scalars = {key: values for key, values in variables.items() if np.ndim(values) == 1}
    arrays = {key: values for key, values in variables.items() if np.ndim(values) == 2}
    found = check_cut(
        name, expression, scalars, {key: values.shape[1] for key, values in arrays.items()}
    )
    used = {
        part.text: arrays[part.base][:, part.indices[0]] if part.indices else scalars[part.base]
        for part in names_with_indices(found.tree)
    }
    passed = found.evaluate(used, f"cut '{shortened(name)}'")
    if passed.dtype != bool:
        shown = shortened(expression, 200)
        raise InputError(
            f"cut '{shortened(name)}' ({shown}) gives numbers: it must be a comparison, true or "
            "false"
        )
    return np.broadcast_to(passed, (_n_events(variables),))


def variables_of(selection: Mapping[str, str]) -> set[str]:
    """Names of all variables in the expressions, without indices; an expression that cannot be read
    has none.
    """
    names = set()
    for expression in selection.values():
        with suppress(InputError):
            names |= {part.base for part in names_with_indices(parse(expression, "cut").tree)}
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
