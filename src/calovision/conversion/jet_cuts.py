"""Cuts on the jets of jet images: expressions on the columns of a jet and of its event."""

from collections.abc import Mapping

import numpy as np

from calovision.selection import apply_selection, variables_of

LEADING = "leading jets"
"""First step of the cut flow of jets: those that are looked at."""


def select_jets(
    cuts: Mapping[str, str],
    jets: Mapping[str, np.ndarray],
    event: np.ndarray,
    columns: Mapping[str, np.ndarray],
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
    passed, further = apply_selection(cuts, known, weights)
    return passed, steps + further
