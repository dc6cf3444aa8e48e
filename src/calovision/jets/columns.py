"""Columns of events and of jets.

GeV, radians, phi in [-pi, pi); jets are records pt, eta, phi, mass, ``n_events * var``, in
descending pT.
"""

import awkward as ak
import numpy as np

from calovision.core.errors import InputError
from calovision.core.kinematics import wrap_phi
from calovision.core.records import flat_records
from calovision.jets.checks import JET_FIELDS, checked_jets, number_of_jets
from calovision.jets.substructure.variables import JET_VARIABLES, ratio
from calovision.jets.variables import N_LEADING_JETS, VARIABLES


class FatJets:
    """Fat jets of the events, as the functions of `VARIABLES` take them.

    Parameters
    ----------
    jets
        Selected fat jets in descending pT, ``n_events * var``.

    Attributes
    ----------
    records
        All of them, checked; missing ones are left out.
    n
        Number of fat jets, int64 ``(n_events,)``.
    leading
        pT, eta, phi, mass of the five leading jets, float64 ``(n_events, 5, 4)``, padded with
        zeros.

    Raises
    ------
    EntryError
        If a number is missing or not finite, the jets are not in descending pT, or a mass is below
        zero by more than rounding.
    """

    def __init__(self, jets: ak.Array) -> None:
        self.records = checked_jets(jets)
        flat = flat_records(self.records, JET_FIELDS, "fat_jets").packed()
        self.n = np.diff(flat.offsets[0])
        # a file may hold float32(pi), which exceeds pi
        columns = flat.columns | {"phi": wrap_phi(flat.columns["phi"].astype(np.float64))}
        self.leading = _first_of_each(np.stack(list(columns.values()), axis=-1), self.n)

    @property
    def pt(self) -> np.ndarray:
        """``(n_events, 5)``, GeV; likewise `eta`, `phi`, `mass`."""
        return self.leading[:, :, 0]

    @property
    def eta(self) -> np.ndarray:
        """``(n_events, 5)``."""
        return self.leading[:, :, 1]

    @property
    def phi(self) -> np.ndarray:
        """``(n_events, 5)``."""
        return self.leading[:, :, 2]

    @property
    def mass(self) -> np.ndarray:
        """``(n_events, 5)``, GeV."""
        return self.leading[:, :, 3]

    @property
    def scalar_sum(self) -> np.ndarray:
        """Sum of the pT of all the jets, ``(n_events,)``, GeV."""
        return ak.to_numpy(ak.sum(self.records.pt, axis=1)).astype(np.float64)


def event_variables(fat_jets: ak.Array) -> dict[str, np.ndarray]:
    """Jet variables of the search and of the shallow classifiers, one row an event.

    Parameters
    ----------
    fat_jets
        Selected fat jets in descending pT, ``n_events * var``, as `select_fat_jets` gives them.

    Returns
    -------
    The `VARIABLES` of fat jets by name, among them ``fat_jets`` ``(n_events, 5, 4)`` with pT, eta,
    phi, mass of the five leading jets, padded with zeros.

    Raises
    ------
    EntryError
        As `FatJets`.

    Notes
    -----
    Definitions of the ATLAS search arXiv:1804.03568 and of the public code of arXiv:1711.03573.
    """
    jets = FatJets(fat_jets)
    return {
        name: variable.compute(jets)
        for name, variable in VARIABLES.items()
        if not variable.needs_content
    }


def jet_columns(jets: ak.Array, n: int | None = None) -> dict[str, np.ndarray]:
    """Columns with one row a jet, event after event.

    Parameters
    ----------
    jets
        Jets in descending pT, ``n_events * var``; tau1, tau2, tau3 are used where they exist.
    n
        The leading n jets of each event; None takes all.

    Returns
    -------
    ``event_index``
        Row of the event in ``jets``, int64 ``(n_jets,)``.
    ``jet_index``
        Rank in the event, int64, from 0.
    ``pt``, ``eta``, ``phi``, ``mass``
        float64, GeV and rad.
    ``tau21``, ``tau32``
        Ratios of N-subjettiness tau2/tau1 and tau3/tau2 (arXiv:1011.2268), float64, only where the
        jets have both; NaN where the denominator is not positive or one of the two is not finite.

    Raises
    ------
    EntryError
        As `event_variables`.
    """
    jets = leading(checked_jets(jets), n)
    flat = flat_records(jets, JET_FIELDS, "fat_jets").packed()
    counts = np.diff(flat.offsets[0])
    columns = {name: column.astype(np.float64) for name, column in flat.columns.items()}
    columns["phi"] = wrap_phi(columns["phi"])  # a file may hold float32(pi), which exceeds pi
    for name in ("tau21", "tau32"):
        above, below = JET_VARIABLES[name].of_file
        if above in jets.fields and below in jets.fields:
            columns[name] = ratio(_flat(jets, above), _flat(jets, below))
    return {
        "event_index": np.repeat(np.arange(len(jets)), counts),
        "jet_index": _places(counts),
        **columns,
    }


def leading(jets: ak.Array, n: int | None) -> ak.Array:
    """Keep the first n jets of each event, of jets or of what is aligned with them; None keeps
    all.
    """
    n = number_of_jets(n)
    if not isinstance(jets, ak.Array) or jets.ndim < 2:
        raise InputError(
            f"jets are {type(jets).__name__}: they must be an awkward array of one list for each "
            "event"
        )
    if n is None or not np.any(ak.to_numpy(ak.num(jets, axis=1)) > n):
        return jets  # the very array is read faster
    return jets[:, :n]


def _flat(jets: ak.Array, field: str) -> np.ndarray:
    return ak.to_numpy(ak.flatten(jets[field], axis=1)).astype(np.float64)


def padded(values: ak.Array) -> np.ndarray:
    """Return the first values of each event, float64 ``(n_events, N_LEADING_JETS)``, padded with
    zeros.
    """
    counts = ak.to_numpy(ak.num(values, axis=1))
    flat = ak.to_numpy(ak.fill_none(ak.flatten(values, axis=1), 0.0), allow_missing=False)
    return _first_of_each(flat, counts)


def _first_of_each(flat: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """First values of lists that stand one after the other, float64 ``(n_lists, N_LEADING_JETS,
    ...)``, padded with zeros.
    """
    row, place = np.repeat(np.arange(len(counts)), counts), _places(counts)
    kept = place < N_LEADING_JETS
    found = np.zeros((len(counts), N_LEADING_JETS, *flat.shape[1:]))
    found[row[kept], place[kept]] = flat[kept]
    return found


def _places(counts: np.ndarray) -> np.ndarray:
    """Place in its list, from 0, of each entry of lists that stand one after the other, int64."""
    ends = np.cumsum(counts, dtype=np.int64)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
