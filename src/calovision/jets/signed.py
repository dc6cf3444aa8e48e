"""Variables with a sign, as a comparison names them: ``mj_sum``, ``-delta_eta_12``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.jets.variables import Variable

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class SignedVariable:
    """One number an event that is cut on in place of a classifier's output.

    Attributes
    ----------
    name
        Variable: a column of the table of events.
    index
        Of the number among several of an event; None for a variable with one.
    is_falling
        Whether small values are like signal.
    """

    FORM: ClassVar[re.Pattern] = re.compile(
        r"\s*(?P<sign>-?)\s*(?P<name>[A-Za-z_]\w*)\s*(?:\[\s*(?P<index>\d+)\s*\])?\s*", re.ASCII
    )
    """Text of the configuration."""

    name: str
    index: int | None = None
    is_falling: bool = False

    @classmethod
    def read(cls, text: str) -> SignedVariable:
        """Read ``[-]name`` or ``[-]name[index]``; InputError for anything else."""
        found = cls.FORM.fullmatch(text)
        if found is None:
            raise InputError(
                f"'{text}' is no variable: give its name, with a minus in front where small "
                "values are like signal, and an index where it has several numbers an event: "
                "mj_sum, -delta_eta_12, jet_pt[0]"
            )
        index = None if found["index"] is None else int(found["index"])
        return cls(found["name"], index, bool(found["sign"]))

    def __str__(self) -> str:
        """Text of the configuration, without blanks."""
        return self._with_sign(self.name, "-")

    def title(self, variables: Mapping[str, Variable]) -> str:
        """Title for legends, without the unit; the name of a variable that is not known."""
        known = variables.get(self.name)
        return self._with_sign(self.name if known is None else known.title, "\N{MINUS SIGN}")

    def check(self, variables: Mapping[str, Variable]) -> None:
        """Raise InputError unless there is one number an event of this name."""
        if self.name not in variables:
            hint = nearest(self.name, variables)
            known = ", ".join(variables) or "none"
            raise InputError(f"there is no variable '{self.name}'{hint}; choose from {known}")
        shape = variables[self.name].shape
        if not shape and self.index is not None:
            raise InputError(f"'{self}': {self.name} is one number an event; leave the index out")
        if shape and not (self.index is not None and self.index < shape[0]):
            raise InputError(
                f"'{self}': {self.name} has {shape[0]} numbers an event: choose one, "
                f"{self.name}[0] to {self.name}[{shape[0] - 1}]"
            )

    def scores(self, events: Mapping[str, Any]) -> np.ndarray:
        """Finite numbers ``(n_events,)`` that grow with the likeness to signal.

        What is infinite lies beyond all others; NaN, which passes no cut, is the least like signal.

        Parameters
        ----------
        events
            Columns of the events, ``(n_events,)`` or ``(n_events, n)``.

        Raises
        ------
        InputError
            If there is no such column.
        """
        import numpy as np

        if self.name not in events:
            raise InputError(
                f"the table of events has no variable '{self.name}'{nearest(self.name, events)}"
            )
        values = np.asarray(events[self.name])
        values = values if self.index is None else values[:, self.index]
        signed = values.astype(np.float64) * (-1.0 if self.is_falling else 1.0)
        last = np.finfo(np.float64).max
        return np.nan_to_num(signed, nan=-last, posinf=last, neginf=-last)

    def _with_sign(self, name: str, sign: str = "-") -> str:
        index = "" if self.index is None else f"[{self.index}]"
        return f"{sign if self.is_falling else ''}{name}{index}"
