"""Subject of a page to explore: the test rows, the questions, and the results beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from calovision.evaluation.compared import classifier_scores
from calovision.evaluation.explore.question import Question
from calovision.evaluation.reach.search import ExpectedEvents
from calovision.evaluation.results import Summary, TaggingSummary
from calovision.evaluation.results.numbers import REGION
from calovision.evaluation.results.tagging import Confusion
from calovision.evaluation.results.tagging_tables import main_discriminants
from calovision.evaluation.tagging.details import mass_of
from calovision.evaluation.tagging.discriminants import Discriminant
from calovision.evaluation.tagging.rows import TaggedRows, log_probabilities
from calovision.metrics import Efficiency, Rejection

Columns = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Answer:
    """AUC of one classifier for one question, and its numbers at working points by name."""

    auc: float
    points: Mapping[str, Efficiency | Rejection]


@dataclass(frozen=True)
class Subject:
    """Test rows and results.

    Attributes
    ----------
    table
        Columns of the test rows.
    questions
        What classifiers are asked for.
    answers
        Question -> classifier -> results.
    backgrounds, signals
        Working points by name: background efficiencies, and signal efficiencies.
    scores
        Column of the gallery -> numbers of the rows, ``(n,)``; by a classifier, or a classifier and
        a class.
    mass, mass_title
        Mass of the rows, GeV, ``(n,)``, None without one; its title.
    cuts
        Name of a cut region -> efficiency of signal and of background.
    confusion
        Classifier -> shares of the most probable classes; none where there are two classes.
    expected
        Expected events of signal and background; None where rows have no expected number.
    n_folds
        Number of folds; None without.
    """

    table: Columns
    questions: Sequence[Question]
    answers: Mapping[str, Mapping[str, Answer]]
    backgrounds: Mapping[str, float]
    signals: Mapping[str, float]
    scores: Mapping[tuple[str, str | None], np.ndarray]
    mass: np.ndarray | None
    mass_title: str
    cuts: Mapping[str, tuple[Efficiency, Efficiency]] = field(default_factory=dict)
    confusion: Mapping[str, Confusion] = field(default_factory=dict)
    expected: ExpectedEvents | None = None
    n_folds: int | None = None

    @property
    def labels(self) -> np.ndarray:
        """Class of each row, ``(n,)``."""
        return self.questions[0].labels


def subject_of_search(table: Columns, summary: Summary, expected: ExpectedEvents) -> Subject:
    """Signal against background of the test events.

    Weights of each class are scaled to its expected events, of which a test split is a part.

    Parameters
    ----------
    table
        Test events.
    summary
        ``summary.json`` of the same events.
    expected
        Events that the samples stand for.
    """
    labels = np.asarray(table["label"]).astype(np.int64)
    weights = np.asarray(table["weight"], dtype=np.float64).copy()
    for label, total in ((1, expected.signal), (0, expected.background)):
        weights[labels == label] *= total / weights[labels == label].sum()
    scores = {name: classifier_scores(table, name) for name in summary.classifiers}
    question = Question(
        *("signal", "Signal against background", labels, 2, labels == 1),
        *(weights, np.ones(len(labels), dtype=bool), weights, scores),
    )
    every = next(iter(summary.classifiers.values())).signal_efficiency
    regions = {REGION: summary.signal_region, **(summary.regions or {})}
    return Subject(
        table,
        [question],
        {
            question.name: {
                name: Answer(one.auc, one.signal_efficiency)
                for name, one in summary.classifiers.items()
            }
        },
        {point: summary.background_at(point) for point in every},
        {},
        {(name, None): one for name, one in scores.items()},
        np.asarray(table["mj_sum"], dtype=np.float64),
        "Summed jet mass [GeV]",
        {name: (one.signal_efficiency, one.background_efficiency) for name, one in regions.items()},
        {},
        expected,
        summary.folds,
    )


def subject_of_taggers(
    table: Columns, summary: TaggingSummary, titles: Mapping[str, str]
) -> Subject:
    """Classes of the test rows against each other; ``titles`` are those of the classes.

    Rows of a class count by their weights, of which each class has the sum 1.
    """
    classes = tuple(summary.classes)
    rows = TaggedRows.of(classes, table["label"], table["weight"])
    outputs = {
        name: log_probabilities(table[name], name, rows.n_classes) for name in summary.taggers
    }
    questions, answers = [], {}
    for name in main_discriminants(summary):
        sides = summary.discriminants[name]
        one = Discriminant(name, sides.signal, sides.background)
        questions.append(_question(one, rows, outputs, titles))
        answers[name] = {
            each: Answer(
                found.discriminants[name].auc.value or float("nan"),
                found.discriminants[name].rejection,
            )
            for each, found in summary.taggers.items()
        }
    mass, _ = mass_of(table)
    return Subject(
        table,
        questions,
        answers,
        {},
        dict(summary.signal_efficiencies),
        {
            (name, each): np.exp(one[:, label])
            for name, one in outputs.items()
            for label, each in enumerate(classes)
        },
        mass,
        "Jet mass [GeV]" if "mass" in table else "Summed jet mass [GeV]",
        confusion={name: one.confusion for name, one in summary.taggers.items()}
        if len(classes) > 2
        else {},
        n_folds=summary.n_folds,
    )


def _question(
    discriminant: Discriminant,
    rows: TaggedRows,
    outputs: Mapping[str, np.ndarray],
    titles: Mapping[str, str],
) -> Question:
    shares = discriminant.shares(rows.labels, rows.classes)
    return Question(
        discriminant.name,
        discriminant.title(titles),
        rows.labels,
        rows.n_classes,
        discriminant.is_signal(rows.labels, rows.classes),
        rows.weights * shares,
        shares > 0,
        rows.weights,
        {name: discriminant.values(one, rows.classes) for name, one in outputs.items()},
    )
