"""Label of each row by the expressions of its sample; rows that fit no class, or several."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import awkward as ak
import numpy as np

from calovision.conversion.sample import Sample
from calovision.core.errors import InputError
from calovision.ntuples import NtupleInfo
from calovision.ntuples.event_variables import jet_field
from calovision.ntuples.row_classes import class_variable

OF_CLASS, OF_ONE = "of a class", "of one class"
"""Last steps of the cut flow of rows with labels of their own."""


class RowLabels(NamedTuple):
    """Labels of rows, and which have one.

    ``label`` is int8 ``(n,)``; ``fits`` tells whether the row fits one class, booleans ``(n,)``;
    ``steps`` go on with the cut flow, and ``misfits`` counts the rows of no class, ``()``, and of
    several, by their names.
    """

    label: np.ndarray
    fits: np.ndarray
    steps: list[tuple[str, int, float]]
    misfits: Counter[tuple[str, ...]]


def label_rows(
    is_of: Mapping[str, np.ndarray], sample: Sample, weights: np.ndarray, passed: np.ndarray
) -> RowLabels:
    """Give rows the label of the one class that they fit.

    Parameters
    ----------
    is_of
        For each class of the sample's ``class_cuts``: which rows fit it, booleans ``(n,)``.
    sample
        The sample.
    weights
        Of the rows, ``(n,)``.
    passed
        Rows that passed all cuts, booleans ``(n,)``; others are not counted.
    """
    names = list(is_of)
    fits = np.stack([is_of[name] for name in names])
    n_classes = fits.sum(axis=0)
    steps = []
    for step, chosen in ((OF_CLASS, n_classes > 0), (OF_ONE, n_classes == 1)):
        chosen = chosen & passed
        steps.append((step, int(chosen.sum()), float(weights[chosen].sum())))
    misfits: Counter[tuple[str, ...]] = Counter()
    patterns, counts = np.unique(fits[:, passed & (n_classes != 1)], axis=1, return_counts=True)
    for pattern, count in zip(patterns.T, counts.tolist(), strict=True):
        misfits[tuple(np.array(names)[pattern].tolist())] += count
    numbers = np.array([sample.classes.index(name) for name in names], dtype=np.int8)
    return RowLabels(numbers[fits.argmax(axis=0)], n_classes == 1, steps, misfits)


def classes_of_events(
    variables: Mapping[str, np.ndarray], sample: Sample, n_events: int
) -> dict[str, np.ndarray]:
    """Events that fit a class, booleans ``(n_events,)`` by its name; only of those classes whose
    expression has one value an event.
    """
    found = {name: variables.get(class_variable(name)) for name in sample.class_cuts}
    if n_events == 0:
        return dict.fromkeys(found, np.zeros(0, dtype=bool))
    return {name: values != 0 for name, values in found.items() if values is not None}


def classes_of_jets(
    jets: ak.Array, of_events: Mapping[str, np.ndarray], event: np.ndarray, sample: Sample
) -> dict[str, np.ndarray]:
    """Jets that fit a class, booleans ``(n_jets,)`` by its name.

    Parameters
    ----------
    jets
        Records ``n_jets``, with the variables of classes whose expression has one value a jet.
    of_events
        Which events fit one, as of `classes_of_events`.
    event
        Event of each jet.
    sample
        The sample.
    """
    found = {}
    for name in sample.class_cuts:
        field = jet_field(class_variable(name))
        if name not in of_events and field not in jets.fields:
            raise InputError(no_jets_of_class(name, sample.class_cuts[name]))
        found[name] = of_events[name][event] if name in of_events else ak.to_numpy(jets[field]) != 0
    return found


def check_kinds(info: NtupleInfo, class_cuts: Mapping[str, str], *, of_jets: bool) -> None:
    """Raise InputError for an expression that has not one value for each row of a file.

    Parameters
    ----------
    info
        Description of the file, which was opened with the expressions.
    class_cuts
        The expressions by class.
    of_jets
        Whether the rows are jets.
    """
    own = info.collections.get("fat_jets", ())
    for name, text in class_cuts.items():
        is_of_event = class_variable(name) in info.variables
        if not is_of_event and not of_jets:
            raise InputError(f"{info.path}: {_several_values(name, text)}")
        if not is_of_event and jet_field(class_variable(name)) not in own:
            raise InputError(f"{info.path}: {no_jets_of_class(name, text)}")


def require_all(of_events: Mapping[str, np.ndarray], sample: Sample) -> None:
    """Raise InputError if an expression has several values an event, where rows are events."""
    for name, text in sample.class_cuts.items():
        if name not in of_events:
            raise InputError(_several_values(name, text))


def _several_values(name: str, text: str) -> str:
    return (
        f"class '{name}' ({text}): it has one value for each object of an event, but the rows are "
        "events; take one value, as x[0] or sum(x[0:1]), or images of jets (images.kind: jet)"
    )


def no_jets_of_class(name: str, text: str) -> str:
    """Sentence on an expression with one value a jet where the jets are not those of the file."""
    return (
        f"class '{name}' ({text}): it has one value for each fat jet of the file, but the fat jets "
        "are clustered or trimmed here, so that no branch tells their class; give one value an "
        "event, as x[0], or take files with fat jets of their own (without fat_jets.groomed)"
    )


def misfit_warning(misfits: Mapping[tuple[str, ...], int], n_rows: int, what: str) -> str:
    """Sentence on the rows that were left out for want of one class; "" if there are none.

    Parameters
    ----------
    misfits
        Of `RowLabels`.
    n_rows
        Rows that were looked at.
    what
        Rows, in the plural: ``"jets"``.
    """
    n_none = misfits.get((), 0)
    several = {names: n for names, n in misfits.items() if names}
    parts = []
    if n_none:
        parts.append(f"{n_none} of {n_rows} {what} fit no class")
    if several:
        named = ", ".join(f"{' and '.join(names)}: {n}" for names, n in sorted(several.items()))
        parts.append(
            f"{sum(several.values())} of {n_rows} {what} fit two classes or more ({named})"
        )
    return f"{' and '.join(parts)}; they are left out" if parts else ""
