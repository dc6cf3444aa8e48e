"""Features of shallow classifiers: event variables side by side.

``events`` are columns of the image file, ``(n_events,)`` each: ``n_fat_jets``, ``mj_sum`` (GeV),
``delta_eta_12``, ``ht`` (GeV), ``fat_jets`` ``(n_events, 5, 4)`` with pT, eta, phi, mass of the
leading fat jets, zero padded; and those of `calovision.jets.content`.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from calovision.core.errors import InputError
from calovision.evaluation.baselines.shallow import JET_VARIABLES
from calovision.jets.variables import VARIABLES
from calovision.metrics.events import event_numbers, numeric_array

NO_PAIR = 10.0
"""In place of an infinite separation of two jets, beyond all others."""


def features_of(events: Mapping[str, np.ndarray], columns: Sequence[str]) -> np.ndarray:
    """Event variables side by side, ``(n_events, n_features)``; those of several numbers are
    flattened.

    Parameters
    ----------
    events
        Columns of the image file.
    columns
        Names of `VARIABLES`. ``delta_eta_12``, infinite without a pair of jets, is at most
        `NO_PAIR`.

    Raises
    ------
    InputError
        If a column is missing or of another shape.
    """
    n_events = len(column(events, columns[0]))
    return np.column_stack([_feature(events, name, n_events) for name in columns])


def _feature(events: Mapping[str, np.ndarray], name: str, n_events: int) -> np.ndarray:
    """Numbers of one variable, ``(n_events,)`` or ``(n_events, k)``."""
    values = column(events, name)
    shape = VARIABLES[name].shape if name in VARIABLES else values.shape[1:]
    if not shape:
        values = np.minimum(np.abs(values), NO_PAIR) if name == "delta_eta_12" else values
        return event_numbers(values, "jet variables", n_events=n_events, finite=False)
    if values.shape != (n_events, *shape):
        expected = ", ".join(map(str, (n_events, *shape)))
        raise InputError(f"column {name} has shape {values.shape}; ({expected}) is expected")
    return values.reshape(n_events, -1)


def event_features(events: Mapping[str, np.ndarray]) -> np.ndarray:
    """The 23 jet variables of the shallow classifiers, ``(n_events, 23)``.

    ``n_fat_jets``, ``mj_sum``, ``|delta_eta_12|``, then pT, eta, phi, mass of the leading fat jet,
    of the second, to the fifth (arXiv:1711.03573 and its analysis code).

    Raises
    ------
    InputError
        If a column is missing or ``fat_jets`` is not ``(n_events, 5, 4)``.
    """
    return features_of(events, JET_VARIABLES)


def column(events: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """One column as float64, or an InputError that names it, as where it has no numbers or some are
    missing.
    """
    if name not in events:
        raise InputError(f"column {name} is missing; the event columns must include it")
    return np.asarray(numeric_array(events[name], f"values of column {name}"), dtype=np.float64)


def check_finite(features: np.ndarray) -> np.ndarray:
    """The features ``(n_events, n_features)``; InputError if one is not finite, which no classifier
    can take.
    """
    wrong = ~np.isfinite(features).all(axis=1)
    if wrong.any():
        raise InputError(
            f"{wrong.sum()} of {len(features)} events have a score or a jet variable that is not "
            "finite: look at the "
            "columns of the image files"
        )
    return features
