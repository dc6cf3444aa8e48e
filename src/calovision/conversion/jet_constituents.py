"""Column ``constituents`` of files of jets: the hardest constituents of each, as networks of points
take them.
"""

from collections.abc import Mapping

import awkward as ak
import numpy as np

from calovision.core.kinematics import delta_phi
from calovision.core.records import LARGEST, FlatRecords, flat_records
from calovision.images.jet_images.constituents import LARGEST_ETA

CONSTITUENT_FIELDS = ("pt", "delta_eta", "delta_phi", "energy", "charge", "em_share")
"""Numbers of a constituent, in the order of the column."""
OPTIONAL_FIELDS = frozenset(("e", "e_em", "charge"))
"""Of constituents: what the column needs beyond pt, eta and phi, if there is such a field."""


def constituent_column(constituents: ak.Array, axes: np.ndarray, n: int) -> np.ndarray:
    """Hardest constituents of each jet, around its axis.

    Parameters
    ----------
    constituents
        Records pt, eta, phi and what there is of e, e_em and charge, ``n_jets * var``, GeV and rad.
        Those without positive pT, or with an eta or phi that is none, are left out.
    axes
        eta and phi of each jet, ``(n_jets, 2)``.
    n
        How many are kept.

    Returns
    -------
    `CONSTITUENT_FIELDS` of each, float32 ``(n_jets, n, 6)``, in falling pT, padded with zeros. The
    energy is that of a massless particle where there is no field e or it is not finite; charge and
    share are 0 where they are not known, and the share is between 0 and 1.

    Raises
    ------
    InputError
        If a field has no numbers, or a constituent lacks some of them.
    """
    names = ["pt", "eta", "phi", *sorted(OPTIONAL_FIELDS & set(ak.fields(constituents)))]
    flat = flat_records(constituents, names, "constituents", of="jet").packed()
    of_all = {name: column.astype(np.float64) for name, column in flat.columns.items()}
    usable = (of_all["pt"] > 0) & (np.abs(of_all["eta"]) < LARGEST_ETA) & np.isfinite(of_all["phi"])
    flat = FlatRecords(flat.offsets, of_all).keep(usable)
    jet, place, rows = _hardest(flat.columns["pt"], flat.offsets[0], n)
    chosen = {name: column[rows] for name, column in flat.columns.items()}
    column = np.zeros((len(flat), n, len(CONSTITUENT_FIELDS)), dtype=np.float32)
    column[jet, place] = np.stack(_numbers(chosen, axes[jet]), axis=-1)
    return column


def _hardest(pt: np.ndarray, offsets: np.ndarray, n: int) -> tuple[np.ndarray, ...]:
    """Jet of each of the hardest constituents, its place in the jet, and its row in ``pt``; of
    equal ones the first is harder.
    """
    jet = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    order = np.lexsort((-pt, jet))
    place = np.arange(len(pt)) - offsets[jet]
    kept = place < n
    return jet[kept], place[kept], order[kept]


def _numbers(constituents: Mapping[str, np.ndarray], axes: np.ndarray) -> list[np.ndarray]:
    """`CONSTITUENT_FIELDS` of constituents, ``(n,)`` each, with the axis of each, ``(n, 2)``."""
    pt, eta, phi = (constituents[name] for name in ("pt", "eta", "phi"))
    massless = pt * np.cosh(eta)
    energy = constituents.get("e", massless)
    energy = np.where(np.isfinite(energy), energy, massless)
    unknown = np.zeros(len(pt))
    share = np.divide(
        constituents.get("e_em", unknown), energy, out=np.zeros(len(pt)), where=energy > 0
    )
    return [
        pt,
        eta - axes[:, 0],
        delta_phi(phi, axes[:, 1]),
        np.clip(energy, 0, LARGEST),
        _known(constituents.get("charge", unknown), -LARGEST, LARGEST),
        _known(share, 0, 1),
    ]


def _known(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Values inside the bounds, 0 for what is not finite."""
    return np.clip(np.where(np.isfinite(values), values, 0), low, high)
