"""What the reach of a search is computed from, and its table."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from calovision.errors import InputError
from calovision.evaluation.comparison import format_interval
from calovision.evaluation.summary import column_names
from calovision.markdown import markdown_table
from calovision.selection import evaluate_cut
from calovision.storage import ImageCollection


class SignalPoint(NamedTuple):
    """Signal of one mass: columns of its preselected events, cross-section in pb, events expected at the luminosity."""

    events: dict[str, np.ndarray]
    cross_section_pb: float
    expected: float


def expected_events(samples: Mapping[str, Mapping]) -> dict[str, float]:
    """``expected_signal`` and ``expected_background`` after the preselection, and the signal's ``cross_section_pb``.

    ``samples`` as in ``samples.json``. The cross-section of several signal samples is their sum.
    """
    sums = {
        label: sum(one["preselected"]["expected"] for one in samples.values() if one["label"] == label)
        for label in (0, 1)
    }
    cross_section = sum(one["cross_section_pb"] for one in samples.values() if one["label"] == 1)
    return {"expected_signal": sums[1], "expected_background": sums[0], "cross_section_pb": cross_section}


def signal_point(
    collection: ImageCollection, scores: np.ndarray, *, signal_region: str, luminosity_fb: float
) -> SignalPoint:
    """Events of one sample with the scores of the first model, ``(n,)``.

    Raises
    ------
    InputError
        If the collection holds several samples, or no event.
    """
    if len(collection.samples) != 1 or len(collection) == 0:
        raise InputError("a signal of the reach is one sample with preselected events: give each a name of its own")
    columns = {name: collection.column(name) for name in column_names(collection)}
    weights = collection.event_weights(luminosity_fb)
    events = {
        "label": np.ones(len(weights), dtype=np.int8),
        "weight": weights,
        "signal_region": evaluate_cut("signal_region", signal_region, columns),
        "cnn": np.asarray(scores),
    }
    return SignalPoint(events, collection.cross_section_pb(next(iter(collection.samples))), float(weights.sum()))


def nominal_point(test: Mapping[str, np.ndarray], sample: Mapping[str, Any]) -> SignalPoint:
    """The signal of the training, from the test events and its entry in ``samples.json``."""
    events = {name: test[name] for name in ("label", "weight", "signal_region", "cnn")}
    return SignalPoint(events, sample["cross_section_pb"], sample["preselected"]["expected"])


def only_cnn(found: Mapping[str, Any]) -> dict[str, Any]:
    """The reach of cuts and of the first model alone, which other masses have scores of."""
    return dict(found) | {"classifiers": {"cnn": found["classifiers"]["cnn"]}}


def reach_table(found: Mapping[str, Any]) -> str:
    """Reach as Markdown."""
    header = ["selection", "signal", "background", "effective background events", "significance", "limit [fb]"]
    header += ["significance over the cuts", "limit of the cuts over it"]
    rows = [_row("cuts", found["cuts"])]
    for name, methods in found["classifiers"].items():
        rows += [_row(f"{name}, {method.replace('_', ' ')}", record) for method, record in methods.items()]
    text = (
        f"Expected at a background uncertainty of {found['background_uncertainty']:.0%}: significance of the signal, "
        "and upper limit on its cross-section at 95 % CL. Intervals hold 68 % of a bootstrap over the test events; the "
        "gains are paired. Cuts and bins of the scores were chosen on the validation split; events of bins are summed."
    )
    if any(found["cuts"]["background_is_limit"]):
        text += (
            " **No simulated background event passes the cuts**: one event stands for them, so that there is no gain "
            "over them to be read off."
        )
        header, rows = header[:-2], [row[:-2] for row in rows]
    lines = [text, "", *markdown_table(header, rows)]
    if "against_mass" in found:
        lines += ["", *_mass_lines(found["against_mass"])]
    return "\n".join(lines) + "\n"


def _row(name: str, record: Mapping[str, Any]) -> list[str]:
    limit = {key: _times(value, 1e3) for key, value in record["limit"]["cross_section_pb"].items()}
    gain = record.get("gain", {})
    return [
        name,
        f"{sum(record['signal']):.3g}",
        f"{sum(record['background']):.3g}",
        f"{sum(record['n_eff']):.1f}",
        format_interval(record["significance"]),
        format_interval(limit),
        *(format_interval(gain[kind]) if kind in gain else "" for kind in ("significance", "limit")),
    ]


def _mass_lines(against_mass: Mapping[str, Any]) -> list[str]:
    """Limits against the mass, cuts and the first model."""
    cnn = against_mass["classifiers"]["cnn"]["binned"]
    rows = [
        [f"{mass:g}", *(_fb(value) for value in values)]
        for mass, *values in zip(
            against_mass["masses"],
            against_mass["theory_pb"],
            against_mass["cuts"]["value"],
            cnn["value"],
            strict=True,
        )
    ]
    header = ["mass [GeV]", "theory [fb]", "limit of the cuts [fb]", "limit of the binned CNN [fb]"]
    words = [_excluded(title, record) for title, record in (("cuts", against_mass["cuts"]), ("binned CNN", cnn))]
    return [*markdown_table(header, rows), "", " ".join(words)]


def _excluded(title: str, record: Mapping[str, Any]) -> str:
    mass = record["excluded_mass"]["value"]
    if mass is None:
        return f"The {title} exclude{'s' * (title != 'cuts')} {record['excludes']} of these masses."
    return f"Expected excluded mass, {title}: {mass:.0f} GeV."


def _fb(value: float | None) -> str:
    return "none" if value is None else f"{1e3 * value:.3g}"


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else factor * value
