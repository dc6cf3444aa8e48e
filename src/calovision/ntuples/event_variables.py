"""Variables of the user's own: formulas of branches, a number of each event or of each fat jet."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from calovision.core.errors import InputError
from calovision.ntuples.branch_arrays import BranchArrays
from calovision.ntuples.expressions import branches_in, evaluate, names_in
from calovision.ntuples.schemas.schema import TreeSchema
from calovision.ntuples.trees.event_tree import EventTree

JET_FIELD = "variable "
"""Begins the names of fields of fat jets that are variables: px would be taken for a momentum."""
LARGEST = 2**53
"""Whole numbers up to this one are exact in float64."""


def jet_field(name: str) -> str:
    """Field of the fat jets that holds a variable."""
    return JET_FIELD + name


def with_variables(
    schema: TreeSchema, of_events: Mapping[str, str], of_jets: Mapping[str, str]
) -> TreeSchema:
    """Schema that reads variables, name -> branch or formula, of events and of their fat jets."""
    if not of_events and not of_jets:
        return schema
    fields = {jet_field(name): text for name, text in of_jets.items()}
    parts = (replace(part, extra={**part.extra, **fields}) for part in schema.fat_jets)
    return replace(schema, variables=dict(of_events), fat_jets=tuple(parts))


def check_variables(tree: EventTree, schema: TreeSchema, path: object) -> None:
    """Raise InputError for a variable of a branch that the tree lacks, or that holds records."""
    for name, text in _all(schema):
        check_branches_of(tree, text, f"{path}: variable '{name}' ({text})")


def check_branches_of(tree: EventTree, text: str, where: str) -> None:
    """Raise InputError for a branch of a formula that the tree lacks, or that holds records.

    Parameters
    ----------
    tree
        The events.
    text
        The formula.
    where
        How the sentence begins.
    """
    for branch in branches_in([text], tree.names):
        if tree.names.several(branch):
            paths = ", ".join(tree.names.several(branch)[:3])
            raise InputError(
                f"{where}: several branches have the name {branch} ({paths}); write the path "
                "of one of them in quotes"
            )
        if branch not in tree.names:
            near = ", ".join(dict.fromkeys(tree.names.near(branch, 3)))
            question = f"; did you mean {near}?" if near else ""
            raise InputError(f"{where}: the tree {tree.name!r} has no branch {branch}{question}")
        if members := tree.members(branch):
            raise InputError(
                f"{where}: {branch} holds records, not numbers; name one of their members "
                f"({', '.join(members[:3])})"
            )


def _all(schema: TreeSchema) -> Iterator[tuple[str, str]]:
    yield from schema.variables.items()
    for part in schema.fat_jets[:1]:
        for name, text in part.extra.items():
            if name.startswith(JET_FIELD):
                yield name.removeprefix(JET_FIELD), text


def read_variables(chunk: BranchArrays, schema: TreeSchema) -> dict[str, np.ndarray]:
    """Variables of the events of a chunk, float64 ``(n_events,)`` each.

    Raises
    ------
    InputError
        If a branch has several values in an event, or none, or no numbers; if a whole number is
        not exact in float64.
    """
    return {name: _of_events(chunk, name, text) for name, text in schema.variables.items()}


def _of_events(chunk: BranchArrays, name: str, text: str) -> np.ndarray:
    where = f"{chunk.path}: variable '{name}'"
    values = {one: _single(chunk, one, where) for one in names_in(text)}
    found = evaluate(text, values, where)
    is_whole = found.dtype.kind in "iu"
    if is_whole and len(large := np.flatnonzero(np.abs(found.astype(np.float64)) > LARGEST)):
        raise InputError(
            f"{where}: {text} is {np.ravel(found)[large[0]]} in entry {chunk.start + large[0]}, "
            "which no floating-point number holds; take its digits apart, as with // and %"
        )
    return np.array(np.broadcast_to(found, chunk.n_events), dtype=np.float64)


def _single(chunk: BranchArrays, branch: str, where: str) -> np.ndarray:
    """The value of a branch in each event; floating-point ones in float64."""
    try:
        column = chunk.column(branch)
    except InputError as error:
        reason = str(error).removeprefix(f"{chunk.where}: ")
        raise InputError(f"{where}: {reason}") from error
    values = column.values
    if column.offsets is not None:
        counts = np.diff(column.offsets)
        if len(wrong := np.flatnonzero(counts != 1)):
            n = counts[wrong[0]]
            number = f"{n or 'no'} value{'' if n == 1 else 's'}"
            raise InputError(
                f"{where}: the branch {branch} has {number} in entry "
                f"{chunk.start + wrong[0]}, but one is needed; take one as {branch}[0], the sum as "
                f"sum({branch}), the first or 0 as sum({branch}[0:1]), or give per: fat_jet if it "
                "has one for each fat jet"
            )
        values = values[column.offsets[:-1]]
    return values.astype(np.float64, copy=False) if values.dtype.kind == "f" else values
