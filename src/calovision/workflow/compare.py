"""Content of the comparison beside the example's: classifiers, variables, cut regions."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Annotated

from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.jets.signed import SignedVariable
from calovision.jets.variables import EVENT_COLUMNS, Variable
from calovision.workflow.keys import Choices, Section, Text, Truth, Unique, Word, key
from calovision.workflow.sections import Efficiency

FIRST = "cnn"
"""Name of the first model in the comparison."""
COMBINED = "cnn+jets"
"""Name of its combination with the jet variables."""
ROWS = ("signal_region", "cuts")
"""Names of the signal region in tables."""


class Compare(Section):
    """Content of the figures and tables of the comparison."""

    classifiers: Annotated[tuple[Word, ...], Unique()] | None = key(
        None,
        "Classifiers in the figures: cnn (the first model), cnn+jets, models, baselines",
        details="Null: `cnn`, `cnn+jets` and, if it is fitted, `referee`. All are in the tables.",
    )
    variables: Annotated[tuple[Word, ...], Unique()] | None = key(
        None,
        "Variables that are cut on in figures and tables",
        details="With a minus in front where small values are like signal, as `-delta_eta_12`; of "
        "several numbers an event one, as `jet_pt[0]`. Null: the number of fat jets, their summed "
        "mass and, with event_content, the number of small-R jets.",
    )
    regions: dict[Text, Word] = key(
        {},
        "Further cut regions by name, beside `selection.signal_region`",
        details="They are points in the ROC curves, rows in the tables, and working points of all "
        "classifiers.",
    )
    per_sample: Truth = key(
        False,
        "Curves and numbers of every sample beside the sum",
        details="Each signal sample against the sum of the backgrounds, and the sum of the signals "
        "against each background sample; not of one that is alone in its class.",
    )
    axis: Annotated[Word, Choices("efficiency", "rejection")] = key(
        "efficiency",
        "Background in the ROC curves",
        details="`rejection`: 1/background efficiency.",
    )
    signal_efficiencies: Annotated[tuple[Efficiency, ...], Unique()] = key(
        (), "Signal efficiencies at which the tables have the background rejection"
    )

    def check(
        self,
        models: Collection[str],
        baselines: Collection[str],
        variables: Mapping[str, Variable],
    ) -> None:
        """Look up classifiers and variables, and read the regions.

        Parameters
        ----------
        models, baselines
            Names of the configuration.
        variables
            Variables that a cut may name.

        Raises
        ------
        InputError
            One sentence that names the key, and the nearest known name.
        """
        self._check_classifiers([FIRST, COMBINED, *models, *baselines], next(iter(models)))
        self._check_variables(variables)
        names = {
            *ROWS,
            FIRST,
            COMBINED,
            *models,
            *baselines,
            *(self.variable_names or ()),
            *variables,
        }
        self._check_regions(names, variables)

    @property
    def variable_names(self) -> list[str] | None:
        """Names of the variables in the results; None for those of the example."""
        if self.variables is None:
            return None
        return [str(SignedVariable.read(name)) for name in self.variables]

    def shown(self, first_model: str) -> list[str] | None:
        """Classifiers of the figures, the first model as `FIRST`; None for those of the example."""
        if self.classifiers is None:
            return None
        return [FIRST if name == first_model else name for name in self.classifiers]

    def _check_classifiers(self, known: list[str], first_model: str) -> None:
        for name in self.classifiers or ():
            if name not in known:
                raise InputError(
                    f"configuration key 'compare.classifiers': there is no classifier '{name}'"
                    f"{nearest(name, known)}; choose from {', '.join(dict.fromkeys(known))}"
                )
        shown = self.shown(first_model)
        if shown is not None and len(set(shown)) < len(shown):
            raise InputError(
                f"configuration key 'compare.classifiers': '{FIRST}' and '{first_model}' are the "
                "same; leave one out"
            )
        if shown == [] and self.variables == ():
            raise InputError(
                "configuration key 'compare.classifiers': without classifiers and variables the "
                "figures are empty; give one"
            )

    def _check_variables(self, known: Mapping[str, Variable]) -> None:
        found: dict[SignedVariable, str] = {}
        for name in self.variables or ():
            try:
                variable = SignedVariable.read(name)
                variable.check(known)
            except InputError as error:
                raise InputError(f"configuration key 'compare.variables': {error}") from error
            if variable in found:
                raise InputError(
                    f"configuration key 'compare.variables': '{found[variable]}' and '{name}' are "
                    "the same; leave one out"
                )
            found[variable] = name

    def _check_regions(self, taken: Collection[str], variables: Mapping[str, Variable]) -> None:
        from calovision.selection import check_cut

        arrays = {name: one.shape[0] for name, one in variables.items() if one.shape}
        numbers = [name for name in (*variables, *EVENT_COLUMNS) if name not in arrays]
        for name, cut in self.regions.items():
            where = f"configuration key 'compare.regions.{name}'"
            if name in taken or _is_number(name):
                raise InputError(
                    f"{where}: in the results this name is that of a working point, a classifier "
                    "or a variable; choose another"
                )
            try:
                check_cut(name, cut, numbers, arrays)
            except InputError as error:
                raise InputError(f"{where}: {error}") from error


def _is_number(name: str) -> bool:
    with suppress(ValueError):
        float(name)
        return True
    return False
