"""Formulas of variables: numbers computed from other variables of an event.

A formula may use variables that are formulas themselves. One of ``per: fat_jet`` is computed for
each of the leading fat jets, from variables of these and of the event, and is 0 where there is no
jet.
"""

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.core.text import shortened
from calovision.jets.variables import N_LEADING_JETS, Variable
from calovision.selection.expressions import Expression, parse
from calovision.selection.expressions.nodes import Name, names_with_indices

Column = Callable[[str], np.ndarray]


def names_in_formula(variable: Variable) -> tuple[Name, ...]:
    """Variables of a formula, with their indices; none of what is no formula.

    Raises
    ------
    InputError
        If the formula cannot be read.
    """
    return () if variable.formula is None else names_with_indices(_parsed(variable).tree)


def needed_variables(names: Iterable[str], variables: Mapping[str, Variable]) -> list[str]:
    """The named variables and those that their formulas need, each behind what it needs.

    Parameters
    ----------
    names
        Of ``variables``; others are left out.
    variables
        By name.

    Raises
    ------
    InputError
        If a formula cannot be read, or needs itself.
    """
    found: dict[str, None] = {}

    def add(name: str, before: tuple[str, ...]) -> None:
        if name in before:
            circle = " -> ".join((*before[before.index(name) :], name))
            raise InputError(f"variable '{name}' needs itself ({circle}): write it without")
        if name in found or name not in variables:
            return
        for part in names_in_formula(variables[name]):
            add(part.base, (*before, name))
        found[name] = None

    for name in names:
        add(name, ())
    return list(found)


def check_formula(variable: Variable, variables: Mapping[str, Variable]) -> None:
    """Check a formula before there are events.

    Parameters
    ----------
    variable
        Of the user's own; one that is no formula is right.
    variables
        All variables that there are.

    Raises
    ------
    InputError
        If it cannot be read, needs itself, or uses something that is no variable, or the numbers of
        all jets where one is needed.
    """
    needed_variables([variable.name], {**variables, variable.name: variable})
    for part in names_in_formula(variable):
        _check_part(variable, part, variables)


def _check_part(variable: Variable, part: Name, variables: Mapping[str, Variable]) -> None:
    where = f"variable '{variable.name}' ({shortened(variable.formula)})"
    if part.base not in variables:
        raise InputError(
            f"{where} uses the unknown variable '{shortened(part.base)}'"
            f"{nearest(part.base, variables)}; choose from {', '.join(sorted(variables))}, or give "
            "a branch of the ntuples with the key 'branch'"
        )
    used = variables[part.base]
    if not used.is_cut_on:
        raise InputError(f"{where} uses '{part.base}', which is no number and no list of numbers")
    if not used.shape and part.indices:
        raise InputError(
            f"{where} uses '{part.text}', but {part.base} is one number: leave the index"
        )
    if not used.shape or (variable.is_per_jet and used.is_per_jet and not part.indices):
        return
    if len(part.indices) != 1 or part.indices[0] >= used.shape[0]:
        raise InputError(
            f"{where} uses '{part.text}', but {part.base} has {used.shape[0]} numbers an event: "
            f"choose one, {part.base}[0] to {part.base}[{used.shape[0] - 1}]"
        )


def compute_formula(variable: Variable, column: Column) -> np.ndarray:
    """Values of a formula, float64 ``(n_events, *variable.shape)``.

    Parameters
    ----------
    variable
        A formula.
    column
        Gives the values of a variable by its name, ``(n_events, ...)``.

    Raises
    ------
    InputError
        If the formula cannot be read or computed.
    """
    expression = _parsed(variable)
    values = {
        part.text: _values(column(part.base), part) for part in names_with_indices(expression.tree)
    }
    n_events = len(next(iter(values.values()))) if values else len(column("event_number"))
    if variable.is_per_jet:
        values = {name: one[:, None] if one.ndim == 1 else one for name, one in values.items()}
    shape = (n_events, *variable.shape)
    with np.errstate(all="ignore"):
        found = expression.evaluate(_broadcast(values, shape), _where(variable))
    found = np.broadcast_to(np.reshape(found, shape) if np.ndim(found) else found, shape)
    found = np.array(found, dtype=np.float64)
    if variable.is_per_jet:
        found[np.arange(N_LEADING_JETS) >= column("n_fat_jets")[:, None]] = 0.0
    return found


def compute_formulas(
    names: Iterable[str], variables: Mapping[str, Variable], columns: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Values of the named formulas, and of those that they need, which ``columns`` lack.

    Raises
    ------
    InputError
        As `compute_formula`; if a column that one needs is missing.
    """
    found: dict[str, np.ndarray] = {}
    for name in needed_variables(names, variables):
        variable = variables[name]
        if variable.formula is None or name in columns:
            continue
        known = {**columns, **found}
        for part in names_in_formula(variable):
            _require(variable, part.base, known)
        found[name] = compute_formula(variable, known.__getitem__)
    return found


def all_names(names: Iterable[str], variables: Mapping[str, Variable]) -> set[str]:
    """The names, and those of all variables that they are computed from."""
    needed = needed_variables(names, variables)
    inner = (part.base for name in needed for part in names_in_formula(variables[name]))
    return {*names, *inner}


def _require(variable: Variable, name: str, columns: Mapping[str, np.ndarray]) -> None:
    if name not in columns:
        raise InputError(
            f"variable '{variable.name}' ({shortened(variable.formula)}) uses '{name}', which is "
            f"not there{nearest(name, columns)}; choose from {', '.join(sorted(columns))}"
        )


def _broadcast(values: Mapping[str, np.ndarray], shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Flat arrays, of one length also where a formula of jets uses numbers of the event alone."""
    return {name: np.broadcast_to(one, shape).ravel() for name, one in values.items()}


def _values(column: np.ndarray, part: Name) -> np.ndarray:
    values = column[:, part.indices[0]] if part.indices else column
    return values.astype(np.float64, copy=False) if values.dtype.kind in "fb" else values


def _parsed(variable: Variable) -> Expression:
    return parse(variable.formula, _where(variable))


def _where(variable: Variable) -> str:
    return f"variable '{variable.name}'"
