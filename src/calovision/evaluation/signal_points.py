"""What the reach of a search is computed from, and its table."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from calovision.core.errors import InputError
from calovision.core.markdown import markdown_table
from calovision.evaluation.comparison import format_interval
from calovision.evaluation.summary import column_names
from calovision.metrics.events import event_numbers
from calovision.selection import evaluate_cut
from calovision.storage import ImageCollection

FEW_EVENTS = " ‡"
FEW_EVENTS_MEANING = (
    "‡ few events are expected: the number is that of the median of counts (an exact sum for one "
    "bin, toys for "
    "several), from which the asymptotic formula differs by more than 10 %."
)


class SignalPoint(NamedTuple):
    """Signal of one mass: columns of its preselected events, cross-section in pb, events expected
    at the luminosity.
    """

    events: dict[str, np.ndarray]
    cross_section_pb: float
    expected: float


def expected_events(samples: Mapping[str, Mapping]) -> dict[str, float]:
    """``expected_signal`` and ``expected_background`` after the preselection, and the signal's
    ``cross_section_pb``.

    ``samples`` as in ``samples.json``. The cross-section of several signal samples is their sum.
    """
    sums = {
        label: sum(
            one["preselected"]["expected"] for one in samples.values() if one["label"] == label
        )
        for label in (0, 1)
    }
    cross_section = sum(one["cross_section_pb"] for one in samples.values() if one["label"] == 1)
    return {
        "expected_signal": sums[1],
        "expected_background": sums[0],
        "cross_section_pb": cross_section,
    }


def signal_point(
    collection: ImageCollection, scores: np.ndarray, *, signal_region: str, luminosity_fb: float
) -> SignalPoint:
    """Events of one sample with the scores of the first model, ``(n,)``.

    Raises
    ------
    InputError
        If the collection holds several samples, or no event, or there is not one finite score an
        event.
    """
    if len(collection.samples) != 1 or len(collection) == 0:
        raise InputError(
            "a signal of the reach is one sample with preselected events: give each a name of its "
            "own"
        )
    columns = {name: collection.column(name) for name in column_names(collection)}
    weights = collection.event_weights(luminosity_fb)
    events = {
        "label": np.ones(len(weights), dtype=np.int8),
        "weight": weights,
        "signal_region": evaluate_cut("signal_region", signal_region, columns),
        "cnn": event_numbers(scores, "scores", n_events=len(weights)),
    }
    return SignalPoint(
        events, collection.cross_section_pb(next(iter(collection.samples))), float(weights.sum())
    )


def nominal_point(test: Mapping[str, np.ndarray], sample: Mapping[str, Any]) -> SignalPoint:
    """The signal of the training, from the test events and its entry in ``samples.json``."""
    events = {name: test[name] for name in ("label", "weight", "signal_region", "cnn")}
    return SignalPoint(events, sample["cross_section_pb"], sample["preselected"]["expected"])


def only_cnn(found: Mapping[str, Any]) -> dict[str, Any]:
    """The reach of cuts and of the first model alone, which other masses have scores of."""
    return dict(found) | {"classifiers": {"cnn": found["classifiers"]["cnn"]}}


def reach_table(found: Mapping[str, Any]) -> str:
    """Reach as Markdown."""
    header = [
        "selection",
        "signal",
        "background",
        "effective background events",
        "significance",
        "limit [fb]",
    ]
    header += ["significance over the cuts", "limit of the cuts over it"]
    rows = [_row("cuts", found["cuts"])]
    for name, methods in found["classifiers"].items():
        rows += [
            _row(f"{name}, {method.replace('_', ' ')}", record)
            for method, record in methods.items()
        ]
    text = (
        f"Expected at a background uncertainty of {found['background_uncertainty']:.0%}: "
        "significance of the signal, "
        "and upper limit on its cross-section at 95 % CL. Intervals hold 68 % of a bootstrap over "
        "the test events; the "
        "gains are paired. Cuts and bins of the scores were chosen on the validation split; events "
        "of bins are summed."
    )
    if any(found["cuts"]["background_is_limit"]):
        text += (
            " **No simulated background is left within the cuts**: the upper end of its 68 % "
            "interval stands for it, "
            "so that their significance is a lower and their limit an upper bound, and no gain "
            "over them can be read "
            "off."
        )
        header, rows = header[:-2], [row[:-2] for row in rows]
    lines = [text, "", *markdown_table(header, rows)]
    if "against_mass" in found:
        lines += ["", *_mass_lines(found["against_mass"])]
    if any(FEW_EVENTS in line for line in lines):
        lines += ["", FEW_EVENTS_MEANING]
    return "\n".join(lines) + "\n"


def _row(name: str, record: Mapping[str, Any]) -> list[str]:
    limit = {key: _times(value, 1e3) for key, value in record["limit"]["cross_section_pb"].items()}
    gain = record.get("gain", {})
    is_limit = any(
        record["background_is_limit"]
    )  # in one of the bins no simulated background is left
    at_most, at_least = ("below ", "above ") if is_limit else ("", "")
    of_counts = {
        kind: _few_events(record.get("method", {}).get(kind)) for kind in ("significance", "limit")
    }
    gains = [_gain_cell(gain.get(kind), at_least) for kind in ("significance", "limit")]
    return [
        name,
        f"{sum(record['signal']):.3g}",
        f"{at_most}{sum(record['background']):.3g}",
        f"{sum(record['n_eff']):.1f}",
        at_least + format_interval(record["significance"]) + of_counts["significance"],
        ("" if limit["value"] is None else at_most) + format_interval(limit) + of_counts["limit"],
        *gains,
    ]


def _gain_cell(gain: Mapping[str, Any] | None, at_least: str) -> str:
    if gain is None:
        return ""
    return ("" if gain["value"] is None else at_least) + format_interval(gain)


def _few_events(method: str | None) -> str:
    """Mark of a number that was counted, since few events are expected."""
    return "" if method in (None, "asymptotic") else FEW_EVENTS


def _mass_lines(against_mass: Mapping[str, Any]) -> list[str]:
    """Limits against the mass, cuts and the first model."""
    cnn = against_mass["classifiers"]["cnn"]["binned"]
    columns = [_limit_cells(record) for record in (against_mass["cuts"], cnn)]
    masses = [f"{mass:g}" for mass in against_mass["masses"]]
    rows = zip(masses, map(_fb, against_mass["theory_pb"]), *columns, strict=True)
    header = ["mass [GeV]", "theory [fb]", "limit of the cuts [fb]", "limit of the binned CNN [fb]"]
    words = [
        _excluded(title, record)
        for title, record in (("cuts", against_mass["cuts"]), ("binned CNN", cnn))
    ]
    return [*markdown_table(header, rows), "", " ".join(words)]


def _limit_cells(record: Mapping[str, Any]) -> list[str]:
    """Limits of one selection at all masses in fb, with their marks."""
    at_most = "below " if record.get("background_is_limit") else ""
    methods = record.get("method", [None] * len(record["value"]))
    return [
        ("" if value is None else at_most) + _fb(value) + _few_events(method)
        for value, method in zip(record["value"], methods, strict=True)
    ]


def _excluded(title: str, record: Mapping[str, Any]) -> str:
    mass = record["excluded_mass"]["value"]
    if mass is None:
        return f"The {title} exclude{'s' * (title != 'cuts')} {record['excludes']} of these masses."
    return f"Expected excluded mass, {title}: {mass:.0f} GeV."


def _fb(value: float | None) -> str:
    return "none" if value is None else f"{1e3 * value:.3g}"


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else factor * value
