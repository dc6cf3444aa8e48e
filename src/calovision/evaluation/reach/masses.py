"""Limits against the mass of the gluino, with the bins and the background of the nominal signal."""

from collections.abc import Mapping

import numpy as np

from calovision.core.errors import InputError
from calovision.evaluation.reach.bins import SearchBins, fill_bins
from calovision.evaluation.reach.search import METHODS, limit_record
from calovision.evaluation.reach.selections import Selection, scaled_weights
from calovision.evaluation.reach.significance import is_number
from calovision.metrics.events import column_of, event_labels

LIMITS = ("value", "band_low", "band_high")


def reach_against_mass(
    reach: Mapping,
    tables: Mapping[float, Mapping[str, np.ndarray]],
    *,
    cross_sections_pb: Mapping[float, float],
    expected_signal: Mapping[float, float],
) -> dict:
    """Expected upper limits on the cross-section for other signals, and the masses that can be
    excluded.

    Parameters
    ----------
    reach
        Result of `search_reach`: selections, background and uncertainties are its own.
    tables
        Mass (GeV) -> test events with the same columns; background in them is ignored.
    cross_sections_pb, expected_signal
        Mass -> theory cross-section, and events after the preselection that all signal events of
        the table stand for.

    Returns
    -------
    ``masses`` and ``theory_pb``, ascending in mass; ``cuts``, and ``classifiers``: name ->
    ``best_cut`` and ``binned``. Each of these has lists of limits in pb, ``value``, ``band_low``,
    ``band_high`` (None without limit), ``method`` (how each was found, as in `search_reach`),
    ``background_is_limit`` (whether no background is left in a bin), and ``excluded_mass`` with the
    same three: the largest mass up to which the limit stays below theory, None where it is below at
    no mass, or at all (``excludes`` tells: ``none``, ``up to the mass`` or ``all``). The band of
    the mass belongs to that of the limit: ``band_high`` is the mass of ``band_low``.

    Raises
    ------
    InputError
        If there is no mass, a column is missing, or a mass has no cross-section, events or signal.
    """
    for mass in tables:
        if not is_number(mass):
            raise InputError(
                f"gluino mass {mass} is no number; give the mass of every signal in GeV"
            )
    masses = sorted(tables)
    if not masses:
        raise InputError("no gluino mass is given; give the test events of at least one")
    for name, values in (
        ("cross_sections_pb", cross_sections_pb),
        ("expected_signal", expected_signal),
    ):
        for mass in masses:
            if not (mass in values and is_number(values[mass]) and values[mass] > 0):
                raise InputError(f"gluino mass {mass:g}: {name} has no positive number for it")
    theory = [float(cross_sections_pb[mass]) for mass in masses]
    signals = {mass: _signal_only(tables[mass], expected_signal[mass]) for mass in masses}

    def limits(record: Mapping) -> dict:
        found = [_limit(record, reach, signals[mass], cross_sections_pb[mass]) for mass in masses]
        result = {name: [one[name] for one in found] for name in (*LIMITS, "method")}
        result["background_is_limit"] = any(record["background_is_limit"])
        result["excludes"], mass = excluded_mass(masses, theory, result["value"])
        low, high = (
            excluded_mass(masses, theory, result[name])[1] for name in ("band_high", "band_low")
        )
        result["excluded_mass"] = {"value": mass, "band_low": low, "band_high": high}
        return result

    return {
        "masses": [float(mass) for mass in masses],
        "theory_pb": theory,
        "cuts": limits(reach["cuts"]),
        "classifiers": {
            name: {method: limits(records[method]) for method in METHODS}
            for name, records in reach["classifiers"].items()
        },
    }


def excluded_mass(
    masses: list[float], theory: list[float], limits: list[float | None]
) -> tuple[str, float | None]:
    """What is excluded (`reach_against_mass`), and the mass where the limit first rises above
    theory.

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


def _limit(
    record: Mapping, reach: Mapping, events: Mapping[str, np.ndarray], cross_section_pb: float
) -> dict:
    """Limit of one selection on the cross-section of one signal."""
    edges = None if record["edges"] is None else tuple(record["edges"])
    selection = Selection(record["column"], edges)
    indices = selection.indices(events)
    signal, *_ = fill_bins(indices, events["label"], events["weight"], selection.n_bins, empty=0.0)
    error, uncertainty = record["background_error"], reach["background_uncertainty"]
    bins = SearchBins(signal, record["background"], error, uncertainty, reach["correlated"])
    limit, method = limit_record(bins, cross_section_pb)
    return limit["cross_section_pb"] | {"method": method}
