"""Content of a comparison beside its networks and baselines: variables, cut regions, samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from calovision.jets.signed import SignedVariable
from calovision.jets.variables import VARIABLES
from calovision.metrics.events import column_of
from calovision.selection import evaluate_cut

VARIABLES_OF_SUMMARY = ("n_fat_jets", "mj_sum")
"""Variables of the summary where the configuration names none."""


@dataclass(frozen=True)
class Compared:
    """Choices of a comparison.

    Attributes
    ----------
    variables
        Variables that are cut on, as `SignedVariable.read` takes them; None for those of the
        example: `VARIABLES_OF_SUMMARY` and, beside the cuts, all that have a style in figures.
    regions
        Name -> expression of further cuts beside the signal region.
    per_sample
        Whether there are numbers of every sample that shares its class with others.
    signal_efficiencies
        Working points of the background rejection.
    """

    variables: Sequence[str] | None = None
    regions: Mapping[str, str] = field(default_factory=dict)
    per_sample: bool = False
    signal_efficiencies: Sequence[float] = ()

    def scores(self, test: Mapping[str, np.ndarray], names: Sequence[str]) -> dict[str, np.ndarray]:
        """Scores ``(n_events,)`` of classifiers by the names that they have in the summary.

        Raises
        ------
        InputError
            If one is neither a column nor one of the variables.
        """
        signed = () if self.variables is None else self.variables
        return {
            name: SignedVariable.read(name).scores(test)
            if name in signed
            else column_of(test, name)
            for name in names
        }

    @property
    def in_summary(self) -> list[str]:
        """Names of the variables of the summary."""
        return list(VARIABLES_OF_SUMMARY if self.variables is None else self.variables)

    def beside_cuts(self, test: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Scores ``(n_events,)`` of the variables that are compared with the cuts."""
        if self.variables is not None:
            return self.scores(test, self.variables)
        styled = [name for name, variable in VARIABLES.items() if variable.style is not None]
        return {name: test[name] for name in styled if name in test}

    def passed(self, test: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Booleans ``(n_events,)`` of each further region."""
        return {name: evaluate_cut(name, cut, test) for name, cut in self.regions.items()}


EXAMPLE = Compared()
"""Comparison where the configuration says nothing."""


def classifier_scores(events: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """Scores ``(n_events,)`` of a classifier by its name in the summary: a column of the table of
    events, or a variable of it with a sign or an index.

    Raises
    ------
    InputError
        If there is none of this name.
    """
    if SignedVariable.FORM.fullmatch(name) is None:  # cnn+jets, or a model with a hyphen
        return column_of(events, name)
    return SignedVariable.read(name).scores(events)


def compared_samples(test: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Events that each sample is compared on, booleans ``(n_events,)``: its own and all of the
    other class.

    A sample that is alone in its class is left out, since its numbers are those of the sum.
    """
    labels = np.asarray(column_of(test, "label")).ravel()
    samples = np.asarray(column_of(test, "sample")).astype(str)
    found = {}
    for label in (1, 0):
        names = list(dict.fromkeys(samples[labels == label]))
        if len(names) > 1:
            found |= {name: (samples == name) | (labels != label) for name in names}
    return found
