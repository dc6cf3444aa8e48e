"""Comparison of taggers in a configuration: discriminants, working points, bins.

It is read where rows are jets, or there are more than two classes (`Configuration.is_tagging`).
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from calovision.core.classes import TWO_CLASSES, class_names
from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.core.text import shown
from calovision.workflow.keys import NAME_PATTERN, Entry, Number, Section, Truth, Unique, key

Efficiency = Annotated[Number, Field(gt=0, le=1)]

TAKEN = ("boosting", "cuts", "fold", "pt", "eta", "phi", "mass")
"""Names in the results of taggers that no model may have."""

VARIABLES_IN_BINS = {"jet": ("pt", "mass"), "event": ("ht", "mj_sum")}
"""Variables whose bins are looked at unless others are given, by the kind of the rows."""

N_BINS = 5


def _check_side(value: Any) -> Any:
    is_names = isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
    is_shares = isinstance(value, Mapping) and all(
        isinstance(one, int | float) and not isinstance(one, bool) for one in value.values()
    )
    if value and (isinstance(value, str) or is_names or is_shares):
        return list(value) if is_names else value
    raise ValueError(f"{shown(value)} is neither a class, a list of classes, nor shares by class")


Side = Annotated[
    str | list[str] | dict[str, int | float],
    BeforeValidator(_check_side),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": NAME_PATTERN},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
                {"type": "object", "additionalProperties": {"type": "number"}, "minProperties": 1},
            ]
        }
    ),
]


class DiscriminantKeys(Entry):
    """Two sets of classes that a discriminant tells apart."""

    signal: Side = key(..., "A class, a list of classes, or shares by class", example="top")
    background: Side = key(
        ...,
        "The same; the discriminant is log(sum of share x P of the signal / same of background)",
        example={"quark": 0.5, "gluon": 0.5},
    )


class Tagging(Section):
    """Comparison of taggers, where rows are jets or there are more than two classes."""

    discriminants: dict[str, DiscriminantKeys] = key(
        {},
        "Discriminants of your own by name, beside each class against the rest and each other",
        details="`{top_vs_qcd: {signal: top, background: {quark: 0.5, gluon: 0.5}}}`; classes of a "
        "list have equal shares, shares need not add up to 1.",
    )
    signal_efficiencies: Annotated[tuple[Efficiency, ...], Unique()] = key(
        (0.3, 0.5, 0.7), "At which background rejections are given", min_length=1
    )
    bins: dict[str, tuple[Number, ...]] = key(
        {},
        "Edges of bins by variable; none: five bins of as many rows in pt and mass",
        details="Of events ht and mj_sum take the place of pt and mass. `{pt: [500, 550, 600]}`. "
        "Their signal efficiency is 0.5 if it is among `signal_efficiencies`, else the middle one.",
    )
    boosting: Truth = key(True, "Boosted trees on all variables of the rows as an opponent")

    def check(self, configuration: Any) -> None:
        """Raise InputError for a class or variable that there is not, and for names that are taken.

        Parameters
        ----------
        configuration
            The `Configuration` that this is a section of.
        """
        if not configuration.is_tagging:
            if self != type(self)():
                raise InputError(
                    "configuration key 'tagging': the rows are events of signal and background, so "
                    "that nothing reads it; give images.kind: jet or more than two classes, or "
                    "leave it out"
                )
            return
        classes = class_names(tuple(configuration.classes))
        check_class_names(classes)
        for name, one in self.discriminants.items():
            for side in ("signal", "background"):
                _check_classes(f"tagging.discriminants.{name}.{side}", getattr(one, side), classes)
            _check_both_sides(name, one)
        for name, edges in self.bins.items():
            if len(edges) < 2 or any(b <= a for a, b in pairwise(edges)):
                raise InputError(
                    f"configuration key 'tagging.bins.{name}': {list(edges)} are no edges; give "
                    "two or more, ascending"
                )
        for name in configuration.models:
            if name in TAKEN or name in configuration.images.jets.variables:
                raise InputError(
                    f"configuration key 'models.{name}': in the results this name is that of "
                    "something else, as of a variable; choose another"
                )


def class_titles(configuration: Any) -> dict[str, str]:
    """Titles of the classes by name, in the order of their labels."""
    if not configuration.classes:
        return {name: name.capitalize() for name in TWO_CLASSES}
    return {name: one.title or name for name, one in configuration.classes.items()}


def class_colors(configuration: Any) -> dict[str, str | None]:
    """Colors of the classes by name; None for one of the style."""
    return {name: one.color for name, one in configuration.classes.items()} or dict.fromkeys(
        TWO_CLASSES
    )


def binned_variables(configuration: Any) -> list[str]:
    """Variables in whose bins taggers are looked at."""
    return list(configuration.tagging.bins or VARIABLES_IN_BINS[configuration.images.kind])


def check_class_names(classes: Collection[str]) -> None:
    """Raise InputError for a class whose name means all others."""
    if "rest" in classes:
        raise InputError(
            "configuration key 'classes.rest': 'rest' means all other classes in the results; "
            "choose another name"
        )


def _check_classes(where: str, side: Any, classes: Sequence[str]) -> None:
    for name in [side] if isinstance(side, str) else side:
        if name not in classes:
            raise InputError(
                f"configuration key '{where}': there is no class '{name}'{nearest(name, classes)}; "
                f"choose from {', '.join(classes)}"
            )
        if isinstance(side, Mapping) and not side[name] > 0:
            raise InputError(
                f"configuration key '{where}.{name}': the share is {side[name]}; give a positive "
                "number"
            )


def _check_both_sides(name: str, one: DiscriminantKeys) -> None:
    sides = [
        {side} if isinstance(side, str) else set(side) for side in (one.signal, one.background)
    ]
    if both := sorted(sides[0] & sides[1]):
        raise InputError(
            f"configuration key 'tagging.discriminants.{name}': class '{both[0]}' is signal and "
            "background; name it on one side"
        )
