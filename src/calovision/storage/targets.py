"""Target of a regression: a column of the rows in place of their class."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.jets.substructure.variables import JET_MOMENTUM, JET_VARIABLES
from calovision.jets.variables import EVENT_COLUMNS, VARIABLES, Variable
from calovision.storage.collection import ImageCollection


@dataclass(frozen=True)
class Target:
    """Column that networks learn, for titles and files.

    Attributes
    ----------
    name
        Of the column.
    title
        For axes, without the unit.
    unit
        Of it; "" for pure numbers.
    """

    name: str
    title: str
    unit: str

    @classmethod
    def of(
        cls, name: str, own: Mapping[str, Variable] | None = None, unit: str | None = None
    ) -> "Target":
        """Title and unit of a variable of the package, or of the user's ``own``; of any other
        column the name. A ``unit`` takes the place of that of the variable.
        """
        variable = {**VARIABLES, **JET_MOMENTUM, **JET_VARIABLES, **(own or {})}.get(name)
        title, known = (name, "") if variable is None else (variable.title, variable.unit)
        return cls(name, title, known if unit is None else unit)

    @property
    def axis_title(self) -> str:
        """Title with the unit."""
        return f"{self.title} [{self.unit}]" if self.unit else self.title


def target_values(collection: ImageCollection, name: str) -> np.ndarray:
    """True values of all rows, float64 ``(n,)``; NaN where a row has no finite one.

    A variable of the user's own with a number for each of the leading fat jets gives a jet its own,
    NaN beyond them.

    Raises
    ------
    InputError
        If there is no such column, it is no property of a row, or it is not one number a row.
    """
    if name in EVENT_COLUMNS:
        raise InputError(
            f"train.target: '{name}' is no property of a row that a network could learn; give a "
            "variable"
        )
    known = [*collection.files[0].events, *collection.variables]
    if name not in known:
        raise InputError(
            f"train.target: the image files have no column '{name}'{nearest(name, known)}; choose "
            f"from {', '.join(one for one in known if one not in EVENT_COLUMNS)}"
        )
    values = np.asarray(collection.column(name))
    own = collection.variables.get(name)
    if own is not None and own.is_per_jet and collection.metadata.kind == "jet":
        values = _of_jets(values, collection.column("jet_index"))
    if values.ndim != 1 or values.dtype.kind not in "fiub":
        raise InputError(
            f"train.target: '{name}' is {values.dtype} of shape {values.shape[1:]} a row, not one "
            "number; give a column of one number"
        )
    values = values.astype(np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def _of_jets(values: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Value of each jet, of those of the leading jets of its event; NaN beyond these."""
    found = np.full(len(values), np.nan)
    is_there = place < values.shape[1]
    found[is_there] = values[is_there, place[is_there]]
    return found
