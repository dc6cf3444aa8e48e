"""Content of the page to explore, as plain values: curves, histograms, numbers, a gallery."""

from typing import Any

import numpy as np
from matplotlib.colors import to_hex

from calovision.core.text import printable
from calovision.core.titles import in_words
from calovision.evaluation.explore.question import Question
from calovision.evaluation.explore.spectra import (
    N_MASS_BINS,
    histogram,
    mass_edges,
    score_edges,
    spectra_at_steps,
)
from calovision.evaluation.explore.steps import Side, Steps, steps_of
from calovision.evaluation.explore.subject import Answer, Subject
from calovision.evaluation.reach.significance import asimov_significance
from calovision.metrics import Rejection, is_extrapolated, n_effective
from calovision.plotting.style import CLASS_COLORS, classifier_styles
from calovision.plotting.tagging.panels import class_colors
from calovision.report.explore.page import base64_of, numbers
from calovision.stages.explore_gallery import gallery_of
from calovision.stages.explore_options import ExploreOptions
from calovision.storage import ImageCollection

MOST_STEPS, FEWEST_STEPS = 160, 40
MOST_SPECTRA = 900_000
"""Numbers in the spectra of all steps: about 5 MB of the page. More classifiers, fewer steps."""


def content_of(
    subject: Subject, collection: ImageCollection, options: ExploreOptions
) -> dict[str, Any]:
    """Everything that the scripts of the page draw."""
    return {
        **_about(subject, collection, options),
        "questions": [_question(one, subject, options) for one in subject.questions],
        "gallery": gallery_of(subject, collection, options),
    }


# -- what holds for all --------------------------------------------------------------------------


def _about(
    subject: Subject, collection: ImageCollection, options: ExploreOptions
) -> dict[str, Any]:
    """Classes, classifiers, working points and words."""
    is_of_jets = collection.metadata.kind == "jet"
    names = list(subject.questions[0].scores)
    styles = classifier_styles(names)
    return {
        "noun": "jet" if is_of_jets else "event",
        "is_search": options.is_search,
        "axis": options.axis if options.is_search else "rejection",
        "n_folds": subject.n_folds,
        "classes": _classes(subject, options),
        "classifiers": [
            {
                "name": printable(name),
                "title": options.classifier_title(name),
                "color": styles[name].color,
                "line": styles[name].line,
                "is_logit": not options.is_variable(name),
            }
            for name in names
        ],
        "cuts": [
            {
                "title": _point_title(name),
                "signal": numbers(list(vars(signal).values())),
                "background": numbers(list(vars(background).values())),
            }
            for name, (signal, background) in subject.cuts.items()
        ],
        "confusion": [
            [
                [numbers(list(shares.values())) for shares in matrix.values()]
                for matrix in (found.of_truth, found.of_prediction)
            ]
            for found in (subject.confusion[name] for name in names if subject.confusion)
        ],
        "mass": None if subject.mass is None else {"title": subject.mass_title},
        "search": None
        if subject.expected is None
        else {
            "luminosity_fb": options.luminosity_fb,
            "uncertainty": options.background_uncertainty,
            "least_n_eff": options.least_n_eff,
            "expected": numbers([subject.expected.background, subject.expected.signal]),
        },
    }


def _classes(subject: Subject, options: ExploreOptions) -> list[dict[str, Any]]:
    labels, weights = subject.labels, subject.questions[0].class_weights
    colors = [CLASS_COLORS[label] for label in (0, 1)]
    if not options.is_search:
        colors = [to_hex(one) for one in class_colors(options.class_colors).values()]
    return [
        {
            "title": in_words(title),
            "color": colors[label],
            "n": int(np.sum(labels == label)),
            "n_eff": numbers(n_effective(weights[labels == label])),
        }
        for label, title in enumerate(options.class_titles.values())
    ]


def _point_title(name: str) -> str:
    return "Signal region" if name == "signal_region" else printable(name)


# -- questions -----------------------------------------------------------------------------------


def _question(question: Question, subject: Subject, options: ExploreOptions) -> dict[str, Any]:
    signal, background = question.sides
    n_curves = len(subject.questions) * len(question.scores)
    per_step = n_curves * question.n_classes * N_MASS_BINS * 2
    n_steps = min(max(MOST_SPECTRA // per_step, FEWEST_STEPS), MOST_STEPS)
    mass = None if subject.mass is None else (subject.mass, mass_edges(subject.mass))
    return {
        "name": printable(question.name),
        "title": printable(question.title),
        "signal": signal,
        "background": background,
        "mass": None if mass is None else _mass(question, *mass),
        "curves": [
            _curve(name, question, subject, options, mass=mass, n_steps=n_steps)
            for name in question.scores
        ],
    }


def _mass(question: Question, values: np.ndarray, edges: np.ndarray) -> dict[str, Any]:
    """Spectrum before a cut."""
    found = histogram(values, question.labels, question.class_weights, question.n_classes, edges)
    return {
        "edges": numbers(edges),
        "sums": numbers(found.sums),
        "errors": numbers(found.errors),
    }


def _curve(
    name: str,
    question: Question,
    subject: Subject,
    options: ExploreOptions,
    *,
    mass: tuple[np.ndarray, np.ndarray] | None,
    n_steps: int,
) -> dict[str, Any]:
    """Everything of one classifier and one question."""
    scores = question.scores[name]
    points = {"backgrounds": dict(subject.backgrounds), "signals": dict(subject.signals)}
    steps = steps_of(scores, question, n_steps, **points)
    edges = score_edges(scores)
    of_score = histogram(scores, question.labels, question.class_weights, question.n_classes, edges)
    answer = subject.answers[question.name][name]
    found = {
        "auc": numbers(answer.auc),
        "points": _points(answer, steps),
        "threshold": numbers(steps.thresholds),
        "signal": _side(steps.signal),
        "background": _side(steps.background),
        "passed": steps.passed.tolist(),
        "efficiency": numbers(steps.efficiency),
        "score": {
            "edges": numbers(edges),
            "sums": numbers(of_score.sums),
            "errors": numbers(of_score.errors),
        },
        "significance": _significance(steps, subject, options),
    }
    if mass is not None:
        labels, weights = question.labels, question.class_weights
        of_mass = spectra_at_steps(mass[0], scores, steps, labels, weights, mass[1])
        found["mass"] = [base64_of(one.astype("<f4")) for one in of_mass]
    return found


def _points(answer: Answer, steps: Steps) -> list[dict[str, Any]]:
    """Working points, as the results have them, and their steps."""
    found = []
    for name, one in answer.points.items():
        is_rejection = isinstance(one, Rejection)
        found.append(
            {
                "title": _point_title(name),
                "kind": "rejection" if is_rejection else "signal",
                "value": numbers(one.value),
                "low": numbers(one.low),
                "high": None if one.high is None else numbers(one.high),
                "is_limit": is_rejection and one.is_limit,
                "is_extrapolated": bool(is_extrapolated(one.n_eff)),
                "step": steps.points[name],
            }
        )
    return found


def _side(side: Side) -> dict[str, Any]:
    return {name: numbers(values) for name, values in vars(side).items()}


def _significance(steps: Steps, subject: Subject, options: ExploreOptions) -> dict[str, Any] | None:
    """Expected events of both sides, and the significance without and with the uncertainty of the
    background; None where no background is left.
    """
    if subject.expected is None:
        return None
    signal = steps.signal.efficiency * subject.expected.signal
    background = steps.background.efficiency * subject.expected.background
    has_some = (steps.background.n_eff > 0) & (background > 1e-12 * subject.expected.background)
    found = {}
    for name, uncertainty in (("plain", 0.0), ("systematic", options.background_uncertainty)):
        values = np.full(len(signal), np.nan)
        values[has_some] = asimov_significance(signal[has_some], background[has_some], uncertainty)
        found[name] = numbers(values)
    return {"signal": numbers(signal), "background": numbers(background), **found}
