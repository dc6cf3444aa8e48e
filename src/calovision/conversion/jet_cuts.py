"""Cuts on the jets of jet images: expressions on the columns of a jet and of its event."""

from collections.abc import Iterable, Mapping

import numpy as np

from calovision.selection import apply_selection, variables_of

LEADING = "leading jets"
"""First step of the cut flow of jets: those that are looked at."""


def select_jets(
    cuts: Mapping[str, str],
    jets: Mapping[str, np.ndarray],
    event: np.ndarray,
    columns: Mapping[str, np.ndarray],
    of_each: Iterable[str] = (),
) -> tuple[np.ndarray, list[tuple[str, int, float]]]:
    """Apply cuts on jets one after the other.

    Parameters
    ----------
    cuts
        Name -> expression, in order.
    jets
        Columns of the jets, ``(n_jets,)`` each.
    event
        Event of each jet, int64 ``(n_jets,)``.
    columns
        Columns of the events, among them ``weight``, ``(n_events, ...)`` each; a cut may name those
        of numbers.
    of_each
        Those of ``columns`` that have a number for each of the leading jets, ``(n_events, n)``: a
        cut sees that of the jet, NaN beyond the n.

    Returns
    -------
    passed
        Booleans ``(n_jets,)``.
    cut_flow
        `LEADING` and each cut: name, number of jets, sum of the weights of their events.

    Raises
    ------
    InputError
        As `calovision.selection.evaluate_cut`.
    """
    weights = columns["weight"][event]
    steps = [(LEADING, len(event), float(weights.sum()))]
    if not cuts:
        return np.ones(len(event), dtype=bool), steps
    named = variables_of(cuts) & set(columns)
    known = {name: columns[name][event] for name in named} | dict(jets)
    for name in named & set(of_each):
        known[name] = _of_jet(columns[name], event, jets["jet_index"])
    passed, further = apply_selection(cuts, known, weights)
    return passed, steps + further


def _of_jet(values: np.ndarray, event: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The value of each jet, of those of the leading jets of its event; NaN beyond these."""
    is_there = place < values.shape[1]
    found = np.full(len(event), np.nan)
    found[is_there] = values[event[is_there], place[is_there]]
    return found
