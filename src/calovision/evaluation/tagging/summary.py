"""All numbers of ``tagging.json`` from the tables of the validation and the test rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from calovision.evaluation.results.tagging import (
    ClassRows,
    CutPoint,
    DiscriminantSides,
    TaggingSummary,
    VariableNumbers,
)
from calovision.evaluation.tagging.comparison import N_REPLICAS, compare_taggers
from calovision.evaluation.tagging.cuts import MassCuts, best_cuts, cut_point
from calovision.evaluation.tagging.discriminants import Discriminant, main_discriminants
from calovision.evaluation.tagging.rows import TaggedRows, event_groups
from calovision.evaluation.tagging.variables import variable_numbers

Columns = Mapping[str, np.ndarray]

FEW_ROWS = 10.0
"""Effective rows of a class: below, its numbers are no measurement."""


@dataclass(frozen=True)
class TaggingTables:
    """Validation and test rows: columns by name, and as rows of classes.

    Attributes
    ----------
    validation, test
        Columns ``(n,)``: sample, event_number, label, weight, variables; with folds ``fold``.
    classes
        Names of the classes.
    """

    validation: Columns
    test: Columns
    classes: tuple[str, ...]

    def rows(self, columns: Columns, where: str) -> TaggedRows:
        """Rows of a table; ``where`` names it in messages."""
        return TaggedRows.of(
            self.classes,
            columns["label"],
            columns["weight"],
            groups=event_groups(columns),
            where=where,
        )

    def learning(self) -> list[tuple[TaggedRows, Columns, np.ndarray]]:
        """Rows on which cuts are chosen, their columns, and positions of the test rows that the
        cuts are for: the validation rows or, with folds, for each fold the rows of all others,
        since its own validation rows are few.
        """
        if "fold" not in self.test:
            places = np.arange(len(self.test["label"]))
            return [(self.rows(self.validation, "the validation split"), self.validation, places)]
        found = []
        for fold in np.unique(self.test["fold"]):
            is_own = self.test["fold"] == fold
            others = {name: values[~is_own] for name, values in self.test.items()}
            rows = self.rows(others, f"the folds other than {fold}")
            found.append((rows, others, np.flatnonzero(is_own)))
        return found


def summarize_taggers(
    tables: TaggingTables,
    scores: Mapping[str, np.ndarray],
    discriminants: Mapping[str, Discriminant],
    signal_efficiencies: Mapping[str, float],
    *,
    variables: Sequence[str] = (),
    reference: str | None = None,
    n_folds: int | None = None,
    n_replicas: int = N_REPLICAS,
    seed: int = 0,
) -> TaggingSummary:
    """Numbers of all classifiers, cuts and variables.

    Parameters
    ----------
    tables
        The rows.
    scores
        Classifier -> log-probabilities of its networks for the test rows, ``(n, n_networks,
        n_classes)``.
    discriminants, signal_efficiencies, reference, n_replicas, seed
        As of `compare_taggers`.
    variables
        Columns that are discriminants by themselves, in place of the main ones.
    n_folds
        Number of folds; None without.

    Raises
    ------
    InputError
        If a class has no row, or no positive sum of weights, in one of the splits.
    """
    test = tables.rows(tables.test, "the test split")
    learning = tables.learning()
    cuts, passed = _cuts(learning, tables.test, test, discriminants, signal_efficiencies)
    return TaggingSummary(
        classes={
            name: ClassRows(int(test.of_class(label).sum()), test.n_eff(label))
            for label, name in enumerate(test.classes)
        },
        discriminants={
            name: DiscriminantSides(one.signal, one.background)
            for name, one in discriminants.items()
        },
        signal_efficiencies=dict(signal_efficiencies),
        reference=reference,
        taggers=compare_taggers(
            test,
            scores,
            discriminants,
            signal_efficiencies,
            passed=passed,
            reference=reference,
            n_replicas=n_replicas,
            seed=seed,
        ),
        cuts=cuts,
        variables=_variables(
            tables, test, main_discriminants(discriminants, test.classes), variables
        ),
        warnings=tuple(_warnings(test)),
        n_folds=n_folds,
    )


def _cuts(
    learning: Sequence[tuple[TaggedRows, Columns, np.ndarray]],
    columns: Columns,
    test: TaggedRows,
    discriminants: Mapping[str, Discriminant],
    points: Mapping[str, float],
) -> tuple[dict[str, dict[str, CutPoint]], dict[str, dict[str, np.ndarray]]]:
    """Numbers of the cuts, and the test rows that pass them, both by discriminant and point."""
    numbers: dict[str, dict[str, CutPoint]] = {}
    passed: dict[str, dict[str, np.ndarray]] = {}
    for name, one in discriminants.items():
        chosen = [best_cuts(rows, learned, one, points) for rows, learned, _ in learning]
        for point in points:
            if not all(point in found for found in chosen):
                continue
            flags = np.zeros(len(test.labels), dtype=bool)
            for found, (_, _, places) in zip(chosen, learning, strict=True):
                flags[places] = _passed(found[point], columns, places)
            passed.setdefault(name, {})[point] = flags
            used = [found[point] for found in chosen]
            numbers.setdefault(name, {})[point] = cut_point(used, flags, one, test)
    return numbers, passed


def _passed(cuts: MassCuts, columns: Columns, places: np.ndarray) -> np.ndarray:
    return cuts.passed({name: columns[name][places] for name in ("mass", cuts.variable)})


def _variables(
    tables: TaggingTables,
    test: TaggedRows,
    discriminants: Mapping[str, Discriminant],
    names: Sequence[str],
) -> dict[str, dict[str, VariableNumbers]]:
    if not names:
        return {}
    validation = tables.rows(tables.validation, "the validation split")
    return {
        name: {
            variable: variable_numbers(
                validation, tables.validation[variable], test, tables.test[variable], one
            )
            for variable in names
        }
        for name, one in discriminants.items()
    }


def _warnings(rows: TaggedRows) -> list[str]:
    """Classes with too few rows."""
    found = []
    for label, name in enumerate(rows.classes):
        n_rows, n_eff = int(rows.of_class(label).sum()), rows.n_eff(label)
        if n_eff < FEW_ROWS:
            found.append(
                f"class {name} has {n_rows} test row{'s' * (n_rows > 1)} ({n_eff:.1f} effective): "
                "its numbers are no measurement; give more rows of it"
            )
    return found
