"""The CNN against the cuts and the jet variables of a search, on the test split."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version

import numpy as np

from calovision.core.errors import InputError
from calovision.core.markdown import escape, markdown_table
from calovision.evaluation.working_points import (
    REGION,
    format_efficiency,
    mark_of,
    named_points,
    performance,
    region_numbers,
    with_meaning,
)
from calovision.metrics import Efficiency, n_effective
from calovision.metrics.events import column_of, event_numbers
from calovision.selection import evaluate_cut
from calovision.storage import ImageCollection
from calovision.storage.splits import SPLITS

PARTICLES = ("leading_towers", "leading_tracks")
CLASSIFIERS = ("cnn", "n_fat_jets", "mj_sum", "cnn+jets")
"""Names in the summary; each is a column of the table of test events, larger = more like signal.
``cnn`` is the first model; the others follow under their own names."""


def column_names(collection: ImageCollection) -> list[str]:
    """Event columns but for the leading towers and tracks: most of an event's bytes, which only
    networks look at.
    """
    return [name for name in collection.files[0].events if name not in PARTICLES]


def split_indices(collection: ImageCollection, *splits: str) -> np.ndarray:
    """Positions in the collection of the events of the given splits, ascending."""
    return np.flatnonzero(
        np.isin(collection.column("split"), [SPLITS.index(name) for name in splits])
    )


def tabulate_events(
    collection: ImageCollection,
    indices: np.ndarray,
    scores: Mapping[str, np.ndarray],
    *,
    luminosity_fb: float,
    signal_region: str,
    seed: int,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Everything that the summary and the plots need of every event of the validation and of the
    test split.

    Parameters
    ----------
    collection
        The image files.
    indices
        Events of the validation and test splits in the collection, ``(n,)``.
    scores
        Output of each model for these events, ``(n,)`` each (`ensemble_scores`). The first model is
        the CNN.
    luminosity_fb
        Integrated luminosity, 1/fb.
    signal_region
        Expression on the event variables.
    seed
        Seed of the boosted trees that combine CNN and jet variables; these are fitted on the
        validation split.

    Returns
    -------
    For the validation and for the test split columns ``(n_events,)``: sample, label, weight
    (expected events), the event variables, ``signal_region``, ``cnn`` and ``cnn+jets``, the other
    models by their names; and ``fat_jets`` ``(n_events, 5, 4)``.

    Raises
    ------
    InputError
        If the expression cannot be evaluated, a class has no event in one of the two splits, a
        model has the name of another column, or there is none, or not one finite score an event.
    """
    from calovision.evaluation.baselines import (  # scikit-learn takes two seconds to load
        combined_score,
        fit_combination,
    )

    in_all = set.intersection(*(set(file.events) for file in collection.files))
    columns = {
        name: collection.column(name)[indices]
        for name in column_names(collection)
        if name in in_all
    }
    columns["weight"] = collection.event_weights(luminosity_fb)[indices]
    columns["sample"] = collection.sample_names()[indices]
    columns["signal_region"] = evaluate_cut("signal_region", signal_region, columns)
    columns |= _columns_of_models(scores, (*columns, *CLASSIFIERS), len(columns["weight"]))
    is_test = columns["split"] == SPLITS.index("test")
    validation, test = _take(columns, ~is_test), _take(columns, is_test)
    combination = fit_combination(
        validation["cnn"], validation, validation["label"], validation["weight"], seed=seed
    )
    for events in (validation, test):
        events["cnn+jets"] = combined_score(combination, events["cnn"], events)
    return validation, test


def _columns_of_models(
    scores: Mapping[str, np.ndarray], taken: Sequence[str], n_events: int
) -> dict[str, np.ndarray]:
    """Scores of the first model as ``cnn``, those of the others by their names."""
    if not scores:
        raise InputError("no model has scores; give those of at least one")
    first, *others = scores
    for name in others:
        if name in taken:
            raise InputError(
                f"model '{name}': the table of test events has another column '{name}'; rename the "
                "model"
            )
    columns = {"cnn": first} | {name: name for name in others}
    return {
        column: event_numbers(scores[name], f"scores of '{name}'", n_events=n_events)
        for column, name in columns.items()
    }


def summarize(
    collection: ImageCollection,
    test: Mapping[str, np.ndarray],
    background_efficiencies: Sequence[float],
    *,
    models: Sequence[str] = (),
) -> dict:
    """The numbers of ``summary.json``.

    Parameters
    ----------
    collection
        The image files, for the preselection.
    test
        The table of the test split of ``tabulate_events``.
    background_efficiencies
        Working points; the signal region's own is added as ``"signal_region"``. Where no background
        is left in the signal region, the upper end of its interval takes the place of 0
        (`calovision.metrics.region_point`).
    models
        Columns of models beside the first one.

    Returns
    -------
    ``skipped_files``, ``preselection``, ``test_events``, ``signal_region``, ``region_point`` and
    ``classifiers``; efficiencies are dictionaries of value, low, high (68.3 % interval) and n_eff
    (effective number of events that limits it). ``region_point`` has the ``background_efficiency``
    of the working point ``"signal_region"``, and ``is_limit``.

    Raises
    ------
    InputError
        If a column is missing, a working point is not in (0, 1], or a class has no positive sum of
        weights.
    """
    region = region_numbers(test)
    labels, weights = np.asarray(test["label"]).ravel(), np.asarray(test["weight"]).ravel()
    points = named_points(background_efficiencies) | {REGION: region.point}
    return {
        "calovision_version": version("calovision"),
        "skipped_files": [
            {"path": path, "reason": reason} for path, reason in collection.skipped_files
        ],
        "preselection": {
            sample: _preselection(collection, sample) for sample in collection.samples
        },
        "test_events": {
            name: {
                "n": int(np.sum(labels == label)),
                "n_eff": n_effective(weights[labels == label]),
            }
            for name, label in (("signal", 1), ("background", 0))
        },
        "signal_region": {
            "signal_efficiency": asdict(region.signal),
            "background_efficiency": asdict(region.background),
        },
        "region_point": {
            "background_efficiency": region.point.background_efficiency,
            "is_limit": region.point.is_limit,
        },
        "classifiers": {
            name: performance(column_of(test, name), labels, weights, points)
            for name in (*CLASSIFIERS, *models)
        },
    }


def _preselection(collection: ImageCollection, sample: str) -> dict[str, float]:
    """Numbers of events before and after, and the weighted efficiency."""
    cut_flow = collection.cut_flow(sample)
    generated, passed = cut_flow[0], cut_flow[-1]
    return {
        "n_generated": generated[1],
        "n_passed": passed[1],
        "efficiency": passed[2] / generated[2] if generated[2] else 0.0,
    }


def summary_table(summary: Mapping) -> str:
    """The summary as Markdown: preselection, signal region, classifiers."""
    passed = [
        [sample, numbers["n_generated"], numbers["n_passed"], f"{numbers['efficiency']:.3g}"]
        for sample, numbers in summary["preselection"].items()
    ]
    rows = markdown_table(["sample", "generated", "pass the preselection", "efficiency"], passed)
    if summary["skipped_files"]:
        rows += [
            "",
            "ROOT files that were skipped; the weights of the others are corrected for them:",
            "",
        ]
        rows += [
            f"- {escape(skipped['path'])}: {escape(skipped['reason'])}"
            for skipped in summary["skipped_files"]
        ]
    region = {name: Efficiency(**value) for name, value in summary["signal_region"].items()}
    rows += [
        "",
        "Signal region, of the preselected test events: signal "
        f"{format_efficiency(region['signal_efficiency'])}, "
        f"background {format_efficiency(region['background_efficiency'])} "
        f"({region['background_efficiency'].n_eff:.1f} effective events).",
        "",
    ]
    classifiers = summary["classifiers"]
    points = list(next(iter(classifiers.values()))["signal_efficiency"])
    of_region = summary["region_point"]
    limit = (
        f" (none left: below {of_region['background_efficiency']:.2g})"
        if of_region["is_limit"]
        else ""
    )
    titles = [f"signal region's{limit}" if point == REGION else point for point in points]
    header = ["classifier", "AUC", *(f"signal at background {title}" for title in titles)]
    found = []
    for name, numbers in classifiers.items():
        each = [Efficiency(**numbers["signal_efficiency"][point]) for point in points]
        cells = [format_efficiency(one) + mark_of(one.n_eff) for one in each]
        found.append([name, f"{numbers['auc']:.4f}", *cells])
    rows += with_meaning(markdown_table(header, found))
    return "\n".join(rows) + "\n"


def _take(columns: Mapping[str, np.ndarray], keep: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[keep] for name, values in columns.items()}
