"""Variables of one's own: each a formula of branches of the ntuples, or of other variables."""

from collections.abc import Collection, Mapping
from keyword import iskeyword
from typing import Annotated, Any

from pydantic import Field

from calovision.conversion.variations import acting_on
from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.jets.variables import PER, Variable, branches_of_jets, own_variable
from calovision.models.networks import POINTS_OF_EVENTS
from calovision.workflow.keys import Choices, Entry, Text, key
from calovision.workflow.sections import EventContent

VariableName = Annotated[str, Field(strict=True, pattern="^[A-Za-z_][A-Za-z0-9_]*$")]


class OwnVariable(Entry):
    """A number of each event, or of each of its leading fat jets, for cuts, curves and inputs."""

    branch: Text | None = key(
        None,
        "Branch of the ntuples, or formula of branches",
        details="In the language of schemas (docs/schemas.md), as `MissingET.MET[0]`.",
        example="MissingET.MET[0]",
    )
    formula: Text | None = key(
        None,
        "Formula of other variables, in place of a branch",
        example="mj_sum / ht",
    )
    title: Text | None = key(None, "Name in plots; that of the variable if absent", example="MET")
    unit: Annotated[str, Field(strict=True)] = key("", "Unit in plots", example="GeV")
    per: Annotated[str, Field(strict=True), Choices(*PER)] = key(
        "event",
        "What has one value: event, fat_jet",
        details="Of fat jets the five leading ones are kept, padded with zeros; a cut takes one, "
        "as `btag[0]`.",
    )

    def to_variable(self, name: str) -> Variable:
        """The variable, as it stands beside those of the package."""
        return own_variable(name, **self.to_dict())

    def check(self, name: str, taken: Collection[str]) -> None:
        """Raise InputError unless there is either a branch or a formula, and the name is free."""
        if (self.branch is None) == (self.formula is None):
            raise InputError(
                f"configuration key 'variables.{name}': give either 'branch' or 'formula'"
            )
        if name in taken or iskeyword(name):
            raise InputError(
                f"configuration key 'variables.{name}': this name is taken by a variable of the "
                "package, a column, a model, a baseline or the language; choose another"
            )


def check_own_variables(own: Mapping[str, Variable], content: EventContent | None) -> None:
    """Read the branches and formulas of variables, and look up what the formulas use.

    Raises
    ------
    InputError
        One sentence that names the key, and the nearest known name.
    """
    if not own:
        return
    from calovision.selection import cut_variables
    from calovision.selection.expressions import parse
    from calovision.selection.formulas import check_formula

    known = cut_variables(with_content=content is not None, own=own)
    for name, variable in own.items():
        try:
            if variable.branch is not None:
                parse(variable.branch, f"variable '{name}'", sums=True)
            check_formula(variable, known)
        except InputError as error:
            raise InputError(f"configuration key 'variables.{name}': {error}") from error


def check_varied(
    variables: Mapping[str, Variable], variations: Mapping[str, Mapping[str, Any]]
) -> None:
    """Raise InputError for a variable of the fat jets of the file that another detector, whose jets
    are clustered, would need.

    Parameters
    ----------
    variables
        Those of varied images.
    variations
        Detectors by name, with what differs.
    """
    of_jets = branches_of_jets(variables)
    for variation, changes in variations.items():
        if of_jets and acting_on(changes, "towers"):
            name = next(iter(of_jets))
            raise InputError(
                f"configuration key 'robustness.variations.{variation}': the variable '{name}' is "
                "one of each fat jet of the file (per: fat_jet), but jets of other towers are "
                f"clustered; leave the variation out, or '{name}' out of the signal region, the "
                "preselection and the networks of the robustness"
            )


def check_inputs(
    where: str,
    names: Collection[str],
    known: Mapping[str, Variable],
    kept: Mapping[str, int],
) -> None:
    """Raise InputError for inputs of a network or of the baselines that have no column.

    Parameters
    ----------
    where
        Their key.
    names
        The inputs.
    known
        All variables.
    kept
        Numbers of points of a row by their columns (`Configuration.numbers_kept`).
    """
    where = f"configuration key '{where}'"
    for name in names:
        if name not in known:
            raise InputError(
                f"{where}: there is no variable '{name}'{nearest(name, known)}; choose from "
                f"{', '.join(known)}, or define it under variables"
            )
        variable = known[name]
        if variable.needs_content and next(iter(POINTS_OF_EVENTS)) not in kept:
            raise InputError(
                f"{where}: '{name}' needs event_content, which is null; set it, or leave the "
                "variable out"
            )
        if variable.asks_for is not None and kept[variable.asks_for] == 0:
            section = "event_content" if variable.needs_content else "images.jets"
            raise InputError(
                f"{where}: '{name}' needs {section}.{variable.asks_for}, which is 0; set how many "
                "are kept"
            )
