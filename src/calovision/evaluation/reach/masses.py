"""Limits against the mass of the gluino, with the bins and the background of the nominal signal."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from calovision.core.errors import InputError
from calovision.evaluation.reach.bins import SearchBins, fill_bins
from calovision.evaluation.reach.intervals import limit_band
from calovision.evaluation.reach.selections import Selection, scaled_weights
from calovision.evaluation.reach.significance import is_number
from calovision.evaluation.reach.statistics import Limit, expected_limit
from calovision.evaluation.results.numbers import Band
from calovision.evaluation.results.reach import (
    METHODS,
    MassLimits,
    MassReach,
    Reach,
    SelectionReach,
)
from calovision.metrics.events import column_of, event_labels


class SignalPoint(NamedTuple):
    """Signal of one mass.

    ``events`` are columns of preselected events, as those of the test events; background in them is
    ignored, and with folds they have the column ``fold``. ``expected`` is the number that all its
    signal events stand for, at the luminosity.
    """

    events: Mapping[str, np.ndarray]
    cross_section_pb: float
    expected: float


def reach_against_mass(
    reach: Reach,
    points: Mapping[float, SignalPoint],
    *,
    classifiers: Sequence[str] | None = None,
) -> MassReach:
    """Expected upper limits on the cross-section for other signals, and the masses that can be
    excluded.

    Parameters
    ----------
    reach
        Reach for the nominal signal: selections, background and uncertainties are its own.
    points
        Mass (GeV) -> signal.
    classifiers
        Those of the reach whose scores the points have; None takes all.

    Raises
    ------
    InputError
        If there is no mass, a column is missing, or a mass has no cross-section, events or signal.
    """
    for mass in points:
        if not is_number(mass):
            raise InputError(
                f"gluino mass {mass} is no number; give the mass of every signal in GeV"
            )
    masses = sorted(points)
    if not masses:
        raise InputError("no gluino mass is given; give the test events of at least one")
    for mass in masses:
        _check_point(mass, points[mass])
    theory = [float(points[mass].cross_section_pb) for mass in masses]
    signals = [_signal_only(points[mass].events, points[mass].expected) for mass in masses]

    def limits(record: SelectionReach) -> MassLimits:
        found = [_limit(record, reach, events) for events in signals]
        bands = [
            limit_band(one, points[mass].cross_section_pb)
            for mass, one in zip(masses, found, strict=True)
        ]
        return _mass_limits(record, masses, theory, bands, [one.method for one in found])

    return MassReach(
        masses=tuple(float(mass) for mass in masses),
        theory_pb=tuple(theory),
        cuts=limits(reach.cuts),
        classifiers={
            name: {method: limits(reach.classifiers[name][method]) for method in METHODS}
            for name in (reach.classifiers if classifiers is None else classifiers)
        },
    )


def _check_point(mass: float, point: SignalPoint) -> None:
    numbers = {"cross_section_pb": point.cross_section_pb, "expected_signal": point.expected}
    for name, value in numbers.items():
        if not (is_number(value) and value > 0):
            raise InputError(f"gluino mass {mass:g}: {name} has no positive number for it")


def _mass_limits(
    record: SelectionReach,
    masses: list[float],
    theory: list[float],
    bands: Sequence[Band],
    methods: Sequence[str],
) -> MassLimits:
    """Limits of one selection at all masses, and the mass that they exclude."""
    value, low, high = (
        [getattr(one, name) for one in bands] for name in ("value", "band_low", "band_high")
    )
    excludes, mass = excluded_mass(masses, theory, value)
    mass_low, mass_high = (excluded_mass(masses, theory, edge)[1] for edge in (high, low))
    return MassLimits(
        value=tuple(value),
        band_low=tuple(low),
        band_high=tuple(high),
        method=tuple(methods),
        background_is_limit=record.is_bound,
        excludes=excludes,
        excluded_mass=Band(mass, mass_low, mass_high),
    )


def excluded_mass(
    masses: list[float], theory: list[float], limits: list[float | None]
) -> tuple[str, float | None]:
    """Words for the excluded masses (`MassLimits.excludes`), and the mass where the limit first
    rises above theory.

    Between two masses, ln(theory / limit) is linear in the mass. A missing limit excludes nothing.
    """
    ratio = np.log(
        [
            1e-9 if limit is None else value / limit
            for value, limit in zip(theory, limits, strict=True)
        ]
    )
    if ratio[0] < 0:
        return "none", None
    beyond = np.flatnonzero(ratio < 0)
    if not len(beyond):
        return "all", None
    after = int(beyond[0])
    share = ratio[after - 1] / (ratio[after - 1] - ratio[after])
    return "up to the mass", float(masses[after - 1] + share * (masses[after] - masses[after - 1]))


def _signal_only(table: Mapping[str, np.ndarray], expected: float) -> dict[str, np.ndarray]:
    """Signal events, with weights that add up to those expected."""
    is_signal = event_labels(column_of(table, "label"))
    events = {name: np.asarray(values)[is_signal] for name, values in table.items()}
    labels = np.ones(int(is_signal.sum()), dtype=np.int8)
    return events | {
        "label": labels,
        "weight": scaled_weights(labels, column_of(events, "weight"), {1: float(expected)}),
    }


def _limit(record: SelectionReach, reach: Reach, events: Mapping[str, np.ndarray]) -> Limit:
    """Limit of one selection on the strength of one signal."""
    selection = Selection(record.column, record.edges, record.fold_edges)
    indices = selection.indices(events)
    signal, *_ = fill_bins(indices, events["label"], events["weight"], selection.n_bins, empty=0.0)
    bins = SearchBins(
        signal,
        record.background,
        record.background_error,
        reach.background_uncertainty,
        reach.correlated,
    )
    return expected_limit(bins)
