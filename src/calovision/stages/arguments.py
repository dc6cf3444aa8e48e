"""Files and options of a stage, as dataclasses that take them from the names of a rule."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

from calovision.core.splits import Folds

Count = Callable[[int], None]
"""Adds events to those that a job went through (`calovision.jobs.attempts.Attempt.count`)."""


def not_counted(n_events: int) -> None:
    """Count nothing: for a stage that runs outside a job."""


class Options:
    """Base of dataclasses of a stage's choices."""

    @classmethod
    def of(cls, named: Any) -> Self:
        """Take the parameters of a rule that have the names of the fields; others are left out.

        Raises
        ------
        AttributeError
            If the rule does not name a field.
        """
        return cls(**_named_values(cls, named))


class Files:
    """Base of dataclasses of the files that a stage reads or writes: paths or tuples of paths."""

    @classmethod
    def of(cls, named: Any) -> Self:
        """Take the input or output files of a rule that have the names of the fields.

        Others are left out. ``named`` has attributes, each a path or a list of paths.

        Raises
        ------
        AttributeError
            If the rule does not name a field.
        """
        values = _named_values(cls, named)
        return cls(**{name: _paths(value) for name, value in values.items()})


def _named_values(kind: Any, named: Any) -> dict[str, Any]:
    return {field.name: getattr(named, field.name) for field in fields(kind)}


def _paths(value: Any) -> Path | tuple[Path, ...]:
    return Path(value) if isinstance(value, str | Path) else tuple(map(Path, value))


def fold_of_path(folds: Mapping[str, Any] | None, part: str) -> dict[str, Any]:
    """Arguments ``folds`` and ``fold`` of a network by the end of its path ("/fold0"); both None
    without folds.
    """
    if folds is None:
        return {"folds": None, "fold": None}
    return {"folds": Folds(**folds), "fold": int(part.removeprefix("/fold"))}
