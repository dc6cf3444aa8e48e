"""Branches of indices and of numbers of objects, held against the objects of their entries."""

from dataclasses import dataclass

import numpy as np

from calovision.core.errors import InputError
from calovision.ntuples.branch_arrays import BranchArrays

LIST = "one list of whole numbers an event"


@dataclass(frozen=True)
class Objects:
    """Jets, objects or rows of a chunk: those of entry i are ``offsets[i]:offsets[i + 1]``.

    ``name`` is a branch or formula with one value for each, for the sentences of errors.
    """

    name: str
    offsets: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """Number in each entry."""
        return np.diff(self.offsets)

    @property
    def entries(self) -> np.ndarray:
        """Entry of each one, counted from the beginning of the chunk."""
        return np.repeat(np.arange(len(self.offsets) - 1), self.counts)


def rows_of(chunk: BranchArrays, name: str) -> Objects:
    """Rows of a branch with one list an event."""
    column = chunk.column(name)
    if column.offsets is None or column.inner is not None:
        raise other_kind(chunk, name, LIST)
    return Objects(name, column.offsets)


def whole_numbers(chunk: BranchArrays, name: str) -> np.ndarray:
    """Whole numbers of a branch, int64."""
    column = chunk.column(name)
    values = column.values
    if values.dtype.kind == "b":
        raise other_kind(chunk, name, "whole numbers")
    with np.errstate(invalid="ignore"):
        whole = values.astype(np.int64, copy=False)
    if values.dtype.kind == "f" or values.dtype == np.uint64:
        wrong = np.flatnonzero(whole != values)
        if len(wrong):
            raise InputError(
                f"{chunk.where}: {name} is {values[wrong[0]]} in entry "
                f"{chunk.entry_of_value(column, wrong[0])}; it must hold whole numbers"
            )
    return whole


def positions_of(
    chunk: BranchArrays, name: str, index: np.ndarray, entry: np.ndarray, objects: Objects
) -> np.ndarray:
    """Positions in the whole chunk, of indices that count from 0 in each entry; -1 for negative
    ones.
    """
    counts = objects.counts
    if len(beyond := np.flatnonzero(index >= counts[entry])):
        row = beyond[0]
        raise InputError(
            f"{chunk.where}: {name} is {index[row]} in entry {chunk.start + entry[row]}, which has "
            f"only {counts[entry[row]]}; the indices must be below the number of objects in the "
            "event"
        )
    positions = objects.offsets[entry]
    positions += index
    positions[index < 0] = -1
    return positions


def check_jets(chunk: BranchArrays, name: str, offsets: np.ndarray, jets: Objects) -> None:
    """Raise InputError unless a branch is of as many jets as there are."""
    if not np.array_equal(offsets, jets.offsets):
        entry = chunk.entry_of_difference(offsets, jets.offsets)
        i = entry - chunk.start
        raise InputError(
            f"{chunk.where}: entry {entry} has constituents of {np.diff(offsets)[i]} jets, but "
            f"{jets.counts[i]} jets; {name} and the jets must agree in every event"
        )


def check_rows(chunk: BranchArrays, rows: Objects, others: Objects) -> None:
    """Raise InputError if two branches have lists of different lengths."""
    if not np.array_equal(rows.offsets, others.offsets):
        entry = chunk.entry_of_difference(rows.offsets, others.offsets)
        raise InputError(
            f"{chunk.where}: {rows.name} and {others.name} differ in length at entry {entry}; they "
            "must agree in every event"
        )


def is_number(values: np.ndarray, number: int) -> np.ndarray:
    """Compare with an identifier of 32 bits, which may have been written with or without a sign."""
    return (values == number) | (values == number - 2**32) | (values == number + 2**32)


def other_kind(chunk: BranchArrays, name: str, demanded: str) -> InputError:
    """Error for a branch that holds something else than what is demanded."""
    return InputError(f"{chunk.where}: {name} holds {chunk.kind(name)}; it must hold {demanded}")
