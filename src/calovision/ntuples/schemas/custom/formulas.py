"""Formulas of a schema's file, and the fields of a collection that they name."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from calovision.core.errors import InputError
from calovision.ntuples.schemas.custom.sections import NONE, shown
from calovision.selection.expressions import Expression, parse
from calovision.selection.expressions.kinds import CONDITION
from calovision.selection.expressions.nodes import Name, walk


@dataclass(frozen=True)
class Formula:
    """A formula of a field.

    Attributes
    ----------
    text
        Branch, formula or number.
    where
        How the sentence of an error begins.
    is_given
        It stands in the file, not in this package.
    is_final
        Its names are branches, also those that are names of fields.
    before
        Formula, in branches, that the field has in the schema that is extended.
    """

    text: str
    where: str
    is_given: bool = True
    is_final: bool = False
    before: str | None = None

    @property
    def expression(self) -> Expression:
        """The text, read."""
        return parse(self.text, self.where, composed=not self.is_given, sums=True)

    @property
    def plain_names(self) -> tuple[Name, ...]:
        """Names that stand in no quotes, with their indices."""
        nodes = walk(self.expression.tree)
        return tuple(node for node in nodes if isinstance(node, Name) and not node.is_quoted)

    @property
    def names(self) -> set[str]:
        """Names that stand in no quotes, without their indices."""
        return {node.base for node in self.plain_names}

    def uses_only(self, names: set[str]) -> bool:
        """Tell whether all names are among these, and none stands in quotes or has an index."""
        nodes = [node for node in walk(self.expression.tree) if isinstance(node, Name)]
        return all(node.is_bare and not node.is_quoted and node.base in names for node in nodes)


def read_formula(value: object, where: str) -> str:
    """Branch, formula or number, as text."""
    if value in NONE:
        raise InputError(
            f"{where} is none; leave the key out (a branch of this name is written \"'none'\")"
        )
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InputError(f"{where} is {shown(value)}; it must be a branch, a formula or a number")
    return parse(str(value), where, sums=True).text


def read_branch(value: object, where: str) -> str:
    """Name of a branch, without quotes."""
    found = parse(value, where) if isinstance(value, str) else None
    if found is None or not found.is_name:
        raise InputError(f"{where} is {shown(value)}; it must be the name of a branch")
    return found.names[0]


@dataclass
class Definitions:
    """Formulas of the fields of one collection, put in place of the names of fields.

    The name of a field in its own formula, and any name in quotes of its own, is a branch.

    Attributes
    ----------
    formulas
        Name -> formula.
    computed
        Fields that are computed when the file is read, which no formula may use.
    """

    formulas: Mapping[str, Formula]
    computed: tuple[str, ...] = ()
    _resolved: dict[str, str] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.formulas

    def resolve(self, name: str, using: tuple[str, ...] = ()) -> str:
        """Formula of a field in terms of branches.

        Parameters
        ----------
        name
            The field.
        using
            Fields whose formulas lead here.

        Raises
        ------
        InputError
            If fields are defined by each other, or a formula takes an element of a field.
        """
        if name in using:
            raise InputError(f"{self.formulas[using[-1]].where} {_circle((*using, name))}")
        if name not in self._resolved:
            formula = self.formulas[name]
            self._resolved[name] = self._in_branches(formula, name, (*using, name))
        return self._resolved[name]

    def resolve_condition(self, formula: Formula) -> str:
        """Condition in terms of branches; InputError if it is none."""
        text = self._in_branches(formula, None, ())
        read = parse(text, formula.where, composed=True, sums=True)
        if CONDITION not in read.possible_kinds(formula.where):
            raise InputError(
                f"{formula.where}: {formula.text!r} gives numbers; it must be a comparison, true "
                "or false"
            )
        return text

    def _in_branches(self, formula: Formula, own: str | None, using: tuple[str, ...]) -> str:
        if formula.is_final:
            return formula.text
        fields = {}
        for node in formula.plain_names:
            name = node.base
            if name in self.computed and name != own:
                raise InputError(
                    f"{formula.where}: {name} is computed from the constituents when the file is "
                    f"read; use branches, or give {name}, too"
                )
            if name == own and formula.before is not None:
                fields[name] = formula.before
            elif name != own and name in self.formulas:
                _check_no_index(node, formula.where)
                fields[name] = self.resolve(name, using)
        return formula.expression.substitute(fields, formula.where).text

    def doubts(self) -> tuple[str, ...]:
        """Sentences on names that are both a field and, in its own formula, a branch."""
        given = {name: one for name, one in self.formulas.items() if one.is_given}
        both = [
            name
            for name, one in given.items()
            if name in one.names and one.before is None and not one.expression.is_name
        ]
        return tuple(
            f"{one.where}: {name} is the field {name}, {given[name].text!r}; for the branch write "
            f"'{name}' in quotes of its own"
            for own, one in given.items()
            for name in both
            if name != own and name in one.names
        )


def _circle(names: tuple[str, ...]) -> str:
    """End of the sentence on fields that are defined by each other."""
    start = names.index(names[-1])
    chain = " -> ".join(names[start:])
    name = names[-1]
    return (
        f"leads in a circle ({chain}); for a branch of the name write '{name}' in quotes of its own"
    )


def _check_no_index(node: Name, where: str) -> None:
    if not node.is_bare:
        what = "an element" if node.indices else "a sum"
        raise InputError(
            f"{where}: {node.text} is {what} of the field {node.base}, which has one number an "
            f"object; write {node.base}, or '{node.base}' in quotes of its own for {what} of the "
            "branch"
        )
