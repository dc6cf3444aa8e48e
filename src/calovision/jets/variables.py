"""Variables of events and columns of jets.

GeV, radians, phi in [-pi, pi); jets are records pt, eta, phi, mass, ``n_events * var``, in
descending pT.
"""

import awkward as ak
import numpy as np

from calovision.core.errors import InputError
from calovision.core.kinematics import wrap_phi
from calovision.jets.checks import checked_jets, number_of_jets

N_LEADING_JETS = (
    5  # jets whose momenta are kept: the shallow classifiers of arXiv:1711.03573 use five
)
N_SUMMED_MASSES = 4  # jets in the summed jet mass of arXiv:1804.03568


def event_variables(fat_jets: ak.Array) -> dict[str, np.ndarray]:
    """Jet variables of the search and of the shallow classifiers, one row an event.

    Parameters
    ----------
    fat_jets
        Selected fat jets in descending pT, ``n_events * var``, as `select_fat_jets` gives them.

    Returns
    -------
    ``n_fat_jets``
        Number of fat jets, int64 ``(n_events,)``; all others are float64.
    ``mj_sum``
        Sum of the masses of the (up to) four leading jets, GeV.
    ``delta_eta_12``
        |eta_1 - eta_2| of the two leading jets. It is infinite for fewer than two jets, so that
        such an event fails every requirement of a small separation, however it is written.
    ``ht``
        Scalar sum of the pT of all the jets, GeV.
    ``leading_pt``
        pT of the leading jet, GeV; 0 without jets.
    ``fat_jets``
        pT, eta, phi, mass of the five leading jets, ``(n_events, 5, 4)``, padded with zeros.

    Raises
    ------
    EntryError
        If a number is missing or not finite, the jets are not in descending pT, or a mass is below
        zero by more than rounding; missing jets are left out.

    Notes
    -----
    Definitions of the ATLAS search arXiv:1804.03568 and of the public code of arXiv:1711.03573.
    """
    fat_jets = checked_jets(fat_jets)
    leading = np.stack([_padded(fat_jets[name]) for name in ("pt", "eta", "phi", "mass")], axis=-1)
    leading[:, :, 2] = wrap_phi(leading[:, :, 2])  # a file may hold float32(pi), which exceeds pi
    n_fat_jets = ak.to_numpy(ak.num(fat_jets, axis=1)).astype(np.int64)
    eta = leading[:, :, 1]
    return {
        "n_fat_jets": n_fat_jets,
        "mj_sum": leading[:, :N_SUMMED_MASSES, 3].sum(axis=1),
        "delta_eta_12": np.where(n_fat_jets >= 2, np.abs(eta[:, 0] - eta[:, 1]), np.inf),
        "ht": ak.to_numpy(ak.sum(fat_jets.pt, axis=1)).astype(np.float64),
        "leading_pt": leading[:, 0, 0].copy(),
        "fat_jets": leading,
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
    counts = ak.to_numpy(ak.num(jets, axis=1))
    columns = {name: _flat(jets, name) for name in ("pt", "eta", "phi", "mass")}
    columns["phi"] = wrap_phi(columns["phi"])  # a file may hold float32(pi), which exceeds pi
    for ratio, (above, below) in {"tau21": ("tau2", "tau1"), "tau32": ("tau3", "tau2")}.items():
        if above in jets.fields and below in jets.fields:
            columns[ratio] = _ratio(_flat(jets, above), _flat(jets, below))
    return {
        "event_index": np.repeat(np.arange(len(jets)), counts),
        "jet_index": ak.to_numpy(ak.flatten(ak.local_index(jets.pt, axis=1))).astype(np.int64),
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
    return jets[:, :n]


def _flat(jets: ak.Array, field: str) -> np.ndarray:
    return ak.to_numpy(ak.flatten(jets[field], axis=1)).astype(np.float64)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    defined = np.isfinite(above) & np.isfinite(below) & (below > 0)
    return np.divide(above, below, out=np.full(len(above), np.nan), where=defined)


def _padded(values: ak.Array) -> np.ndarray:
    """Return the first values of each event, float64 ``(n_events, N_LEADING_JETS)``, padded with
    zeros.
    """
    padded = ak.pad_none(values, N_LEADING_JETS, axis=1, clip=True)
    return ak.to_numpy(ak.fill_none(padded, 0.0), allow_missing=False).astype(np.float64)
