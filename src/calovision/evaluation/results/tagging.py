"""Taggers on the test rows: ``tagging.json``.

Every class counts the same: the weights of its rows add up to 1. Keys of dictionaries are names of
classes, discriminants, classifiers, variables and signal efficiencies.
"""

from dataclasses import dataclass

from calovision.core.result import Result
from calovision.evaluation.results.numbers import Interval
from calovision.metrics import Efficiency, Rejection


@dataclass(frozen=True)
class ClassRows:
    """Number of the rows of a class, and their effective number by their weights."""

    rows: int
    n_eff: float


@dataclass(frozen=True)
class DiscriminantSides:
    """Shares of the classes in the signal and in the background of a discriminant."""

    signal: dict[str, float]
    background: dict[str, float]


@dataclass(frozen=True)
class DiscriminantNumbers:
    """A classifier's discriminant.

    ``rejection`` is 1/background efficiency by signal efficiency, ``over_reference`` the paired
    ratio to that of the reference, ``over_cuts`` to that of the cuts at the signal efficiency of
    the cuts.
    """

    auc: Interval
    rejection: dict[str, Rejection]
    over_reference: dict[str, Interval] | None = None
    over_cuts: dict[str, Interval] | None = None


@dataclass(frozen=True)
class Confusion:
    """True class -> predicted class, the most probable one -> share.

    ``of_truth``: of the rows of a true class, which add up to 1; ``of_prediction``: of the rows of a
    predicted class, for classes of equal shares; None where none is predicted.
    """

    of_truth: dict[str, dict[str, float]]
    of_prediction: dict[str, dict[str, float | None]]


@dataclass(frozen=True)
class TaggerNumbers:
    """A classifier; of several networks the mean of their numbers.

    ``macro_auc`` is the mean over the classes of the AUC of each against the rest, ``accuracy`` the
    mean over the classes of the part of their rows for which they are the most probable one,
    ``differences`` the paired difference of the macro AUC to that of other classifiers.
    """

    n_networks: int
    macro_auc: Interval
    accuracy: Interval
    differences: dict[str, Interval]
    discriminants: dict[str, DiscriminantNumbers]
    confusion: Confusion


@dataclass(frozen=True)
class CutPoint:
    """Cuts that were found on the validation rows, and what they do to the test rows; ``rejection``
    is None where no background passes.
    """

    cuts: str
    signal_efficiency: Efficiency
    background_efficiency: Efficiency
    rejection: Interval


@dataclass(frozen=True)
class VariableNumbers:
    """A single variable as a discriminant: whether large values are like signal, as on the
    validation rows, and its AUC there; its AUC on the test rows with the standard error, and rows
    without the variable.
    """

    is_larger_for_signal: bool
    validation_auc: float
    auc: float
    auc_error: float
    missing: int


@dataclass(frozen=True)
class TaggingSummary(Result):
    """Numbers of all classifiers.

    Attributes
    ----------
    classes
        Class -> its rows.
    discriminants
        Discriminant -> shares of the classes.
    signal_efficiencies
        At which rejections are given, by name.
    reference
        Classifier in the denominator of ``over_reference``; None without one.
    taggers
        Classifier -> numbers.
    cuts
        Discriminant -> signal efficiency -> cuts.
    variables
        Discriminant -> variable -> numbers.
    warnings
        What a reader should know.
    n_folds
        Number of folds; None where the rows are those of the test split.
    """

    classes: dict[str, ClassRows]
    discriminants: dict[str, DiscriminantSides]
    signal_efficiencies: dict[str, float]
    reference: str | None
    taggers: dict[str, TaggerNumbers]
    cuts: dict[str, dict[str, CutPoint]]
    variables: dict[str, dict[str, VariableNumbers]]
    warnings: tuple[str, ...]
    n_folds: int | None = None

    def to_markdown(self) -> str:
        """Text and tables."""
        from calovision.evaluation.results.tagging_tables import summary_text

        return summary_text(self)
