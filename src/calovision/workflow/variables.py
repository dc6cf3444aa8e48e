"""Variables of one's own: each a formula of branches of the ntuples, or of other variables."""

from typing import Annotated

from pydantic import Field

from calovision.core.errors import InputError
from calovision.jets.variables import PER, Variable, own_variable
from calovision.workflow.keys import Choices, Entry, Text, key

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

    def check(self, name: str) -> None:
        """Raise InputError unless there is either a branch or a formula."""
        if (self.branch is None) == (self.formula is None):
            raise InputError(
                f"configuration key 'variables.{name}': give either 'branch' or 'formula'"
            )
