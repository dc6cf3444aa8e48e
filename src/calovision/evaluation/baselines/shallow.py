"""Shallow classifiers on the variables of an event, by name: the baselines of the comparison.

A new one is an entry of `BASELINES`. Nothing heavy is imported here, since the configuration asks
for the names; scikit-learn is, when a classifier is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from calovision.core.registry import Registry
from calovision.core.styles import COLORS, PlotStyle
from calovision.jets.variables import VARIABLES

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

JET_VARIABLES = ("n_fat_jets", "mj_sum", "delta_eta_12", "fat_jets")
"""The 23 numbers of arXiv:1711.03573 and its analysis code."""
ALL_VARIABLES = (
    *JET_VARIABLES,
    *("n_jets", "jets_ht", "sphericity", "aplanarity", "n_towers", "n_tracks", "jet_pt"),
)
"""Those, and the variables that a search without images would use besides: 39 numbers."""


@dataclass(frozen=True)
class Baseline:
    """A shallow classifier.

    Attributes
    ----------
    name
        In the configuration and in the results.
    title
        In the legends of figures.
    doc
        What it is, in a few words.
    features
        Event variables that it sees.
    make
        From a seed and choices to a classifier of scikit-learn with ``predict_proba``.
    choices
        Arguments of ``make`` and the values that are tried: the combination with the lowest loss of
        the validation split stays.
    style
        Of its line in figures; None takes the next free one.
    """

    name: str
    title: str
    doc: str
    features: tuple[str, ...]
    make: Callable[..., ClassifierMixin]
    choices: Mapping[str, tuple]
    style: PlotStyle | None = None

    @property
    def needs_content(self) -> bool:
        """A feature is computed from small-R jets, towers or tracks."""
        return any(VARIABLES[name].needs_content for name in self.features)


def _logistic_regression(seed: int, **choices: float) -> ClassifierMixin:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=1000, random_state=seed, **choices)


def _adaboost(seed: int, depth: int, **choices: float) -> ClassifierMixin:
    from sklearn.ensemble import AdaBoostClassifier
    from sklearn.tree import DecisionTreeClassifier

    return AdaBoostClassifier(DecisionTreeClassifier(max_depth=depth), random_state=seed, **choices)


def _gradient_boosting(seed: int, **choices: float) -> ClassifierMixin:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(early_stopping=False, random_state=seed, **choices)


def _mlp(seed: int, **choices: object) -> ClassifierMixin:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(early_stopping=True, max_iter=100, random_state=seed, **choices)


BOOSTING = {"learning_rate": (0.03, 0.1), "max_leaf_nodes": (8, 31), "max_iter": (100, 300)}
BASELINES: Registry[Baseline] = Registry(
    "baseline",
    Baseline,
    [
        Baseline(
            "logistic_regression",
            "Logistic regression",
            "logistic regression on the 23 jet variables of the case study",
            JET_VARIABLES,
            _logistic_regression,
            {"C": (0.01, 0.1, 1.0, 10.0)},
        ),
        Baseline(
            "adaboost",
            "AdaBoost",
            "AdaBoost of shallow trees on the 23 jet variables",
            JET_VARIABLES,
            _adaboost,
            {"depth": (1, 2), "n_estimators": (50, 200), "learning_rate": (0.5,)},
        ),
        Baseline(
            "gradient_boosting",
            "Boosting, 23 jet variables",
            "boosted trees on the 23 jet variables",
            JET_VARIABLES,
            _gradient_boosting,
            BOOSTING,
            style=PlotStyle(COLORS[4], "--"),
        ),
        Baseline(
            "mlp",
            "MLP, 23 jet variables",
            "multilayer perceptron on the 23 jet variables",
            JET_VARIABLES,
            _mlp,
            {"hidden_layer_sizes": ((64,), (64, 64)), "alpha": (1e-4, 1e-2)},
            style=PlotStyle(COLORS[5], ":"),
        ),
        Baseline(
            "referee",
            "Boosting, with small-R jets",
            "boosted trees on the 23 jet variables, small-R jets, event shapes, numbers of towers "
            "and tracks",
            ALL_VARIABLES,
            _gradient_boosting,
            BOOSTING,
            style=PlotStyle(COLORS[8], "-"),
        ),
    ],
)
"""Shallow classifiers by name; the first four are those of the code of arXiv:1711.03573."""
