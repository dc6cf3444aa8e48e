"""Calibration of each class, and sculpting of the mass of the background by each discriminant."""

from collections.abc import Mapping, Sequence

import numpy as np

from calovision.evaluation.diagnostics import reliability
from calovision.evaluation.results.diagnostics import Calibration
from calovision.evaluation.results.tagging_details import TaggingDiagnostics
from calovision.evaluation.sculpting import mass_sculpting
from calovision.evaluation.tagging.discriminants import Discriminant
from calovision.evaluation.tagging.rows import TaggedRows
from calovision.evaluation.tagging.variables import varies
from calovision.metrics.events import has_positive_sum

BACKGROUND_EFFICIENCIES = (0.1, 0.01)
JET_MASS_BIN = 10.0  # GeV


def diagnose_taggers(
    rows: TaggedRows,
    scores: Mapping[str, np.ndarray],
    discriminants: Sequence[Discriminant],
    *,
    mass: np.ndarray | None,
    bin_width: float = JET_MASS_BIN,
) -> TaggingDiagnostics:
    """Calibration and mass sculpting.

    Parameters
    ----------
    rows
        Test rows.
    scores
        Classifier -> log-probabilities, ``(n, n_classes)``.
    discriminants
        Whose cuts are looked at.
    mass
        Of the rows, GeV, ``(n,)``; None without one. A discriminant whose background has one mass
        in all rows, as the 0 of massless clusters, sculpts nothing and is left out.
    bin_width
        Of the mass, GeV.
    """
    sculpted = {}
    for one in discriminants if mass is not None else ():
        shares = one.shares(rows.labels, rows.classes)
        chosen = (shares > 0) & ~one.is_signal(rows.labels, rows.classes) & np.isfinite(mass)
        weights = (rows.weights * shares)[chosen]
        if not has_positive_sum(weights) or not varies(mass[chosen]):
            continue
        sculpted[one.name] = {
            name: mass_sculpting(
                one.values(each[chosen], rows.classes),
                mass[chosen],
                weights,
                background_efficiencies=BACKGROUND_EFFICIENCIES,
                bin_width=bin_width,
            )
            for name, each in scores.items()
        }
    return TaggingDiagnostics(
        {name: class_calibration(each, rows) for name, each in scores.items()}, sculpted
    )


def class_calibration(log_probabilities: np.ndarray, rows: TaggedRows) -> dict[str, Calibration]:
    """Reliability diagram of the probability of each class, for classes of equal shares (Guo et
    al., arXiv:1706.04599).
    """
    weights = rows.weights / rows.n_classes
    probabilities = np.clip(np.exp(log_probabilities), 0.0, 1.0)
    return {
        name: reliability(probabilities[:, label], rows.of_class(label), weights)
        for label, name in enumerate(rows.classes)
    }


def mass_of(columns: Mapping[str, np.ndarray]) -> tuple[np.ndarray | None, float]:
    """Mass that may be sculpted, and the width of its bins: that of jets, or the summed one of
    events; GeV.
    """
    for name, width in (("mass", JET_MASS_BIN), ("mj_sum", 10 * JET_MASS_BIN)):
        if name in columns:
            return np.asarray(columns[name], dtype=np.float64), width
    return None, JET_MASS_BIN
