"""What shallow classifiers see of an event.

``events`` are columns of the image file, ``(n_events,)`` each: ``n_fat_jets``, ``mj_sum`` (GeV),
``delta_eta_12``, ``ht`` (GeV), ``fat_jets`` ``(n_events, 5, 4)`` with pT, eta, phi, mass of the
leading fat jets, zero padded; and those of `calovision.jets.event_content`.
"""

from collections.abc import Mapping

import numpy as np

from calovision.core.errors import InputError
from calovision.metrics.events import event_numbers, numeric_array

REFEREE_VARIABLES = (
    "n_jets",
    "jets_ht",
    "sphericity",
    "aplanarity",
    "n_towers",
    "n_tracks",
    "jet_pt",
)
NO_PAIR = 10.0


def event_features(events: Mapping[str, np.ndarray]) -> np.ndarray:
    """The 23 jet variables of the shallow classifiers, ``(n_events, 23)``.

    ``n_fat_jets``, ``mj_sum``, ``|delta_eta_12|``, then pT, eta, phi, mass of the leading fat jet,
    of the second, to the fifth (arXiv:1711.03573 and its analysis code).

    Raises
    ------
    InputError
        If a column is missing or ``fat_jets`` is not ``(n_events, 5, 4)``.
    """
    columns = [column(events, "n_fat_jets"), column(events, "mj_sum"), _separation(events)]
    n_events = len(columns[0])
    columns = [
        event_numbers(one, "jet variables", n_events=n_events, finite=False) for one in columns
    ]
    fat_jets = column(events, "fat_jets")
    if fat_jets.shape != (len(columns[0]), 5, 4):
        raise InputError(
            f"column fat_jets has shape {fat_jets.shape}; ({len(columns[0])}, 5, 4) is expected"
        )
    return np.column_stack([*columns, fat_jets.reshape(len(fat_jets), 20)])


def _separation(events: Mapping[str, np.ndarray]) -> np.ndarray:
    """|delta eta| of the two leading fat jets; `NO_PAIR`, beyond all others, where there is no
    pair.
    """
    return np.minimum(np.abs(column(events, "delta_eta_12")), NO_PAIR)


def referee_features(events: Mapping[str, np.ndarray]) -> np.ndarray:
    """The 23 jet variables and what a referee would ask for besides, ``(n_events, 39)``.

    Number, scalar sum and the ten leading pT of small-R jets, sphericity, aplanarity, numbers of
    towers and tracks.

    Raises
    ------
    InputError
        If a column is missing.
    """
    more = [
        column(events, name).reshape(len(events["n_fat_jets"]), -1) for name in REFEREE_VARIABLES
    ]
    return np.column_stack([event_features(events), *more])


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
