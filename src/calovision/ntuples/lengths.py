"""Lengths of branches, which must all be that of their tree.

A file whose writer was killed, or whose branches were filled by different loops, has some that are
shorter or longer.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

import awkward as ak

from calovision.core.errors import InputError
from calovision.ntuples.root_file import Tree, is_rntuple


def check_lengths(tree: Tree, branches: Collection[str], path: Path | str) -> None:
    """Raise InputError that names the first branch with more or fewer entries than its tree."""
    lengths = (
        _field_lengths(tree, branches)
        if is_rntuple(tree)
        else _branch_lengths(tree, branches, path)
    )
    for name, length in lengths.items():
        if length != tree.num_entries:
            raise InputError(
                f"{path}: the branch {name} has {length} entries, but the tree {tree.name!r} "
                f"{int(tree.num_entries)}; "
                "the file is incomplete or damaged, copy or write it again"
            )


def check_arrays(arrays: Mapping[str, ak.Array], first: int, last: int, path: Path | str) -> None:
    """Raise InputError unless what was read of each branch are the entries from ``first`` to before
    ``last``.
    """
    for name, values in arrays.items():
        if len(values) != last - first:
            raise InputError(
                f"{path}: entries {first} to {last - 1} of the branch {name} were read as "
                f"{len(values)} instead of "
                f"{last - first}; the file is incomplete or damaged, copy or write it again"
            )


def _branch_lengths(tree: Tree, branches: Collection[str], path: Path | str) -> dict[str, int]:
    """Entries of each branch; every name must be found here, as uproot takes others for Python that
    it runs.
    """
    lengths = {}
    for name in branches:
        try:
            lengths[name] = int(tree[name].num_entries)
        except KeyError as error:
            raise InputError(
                f"{path}: the branch {name!r} in the tree {tree.name!r} cannot be reached by this "
                "name; give it one "
                "that does not begin with a slash"
            ) from error
    return lengths


def _field_lengths(tree: Tree, names: Collection[str]) -> dict[str, int]:
    """Entries of the fields of an RNTuple that have columns of their own (records have none) in all
    clusters.
    """
    ntuple = tree.ntuple
    outer = {name.split(".")[0] for name in names}
    fields = {
        record.field_name: number
        for number, record in enumerate(ntuple.field_records)
        if record.parent_field_id == number and record.field_name in outer
    }
    lengths = {name: _elements(ntuple, number) for name, number in fields.items()}
    return {name: length for name, length in lengths.items() if length is not None}


def _elements(ntuple: object, field: int) -> int | None:
    """Elements of the first column of a field, an array of fixed size counted once; None if it
    cannot be told.
    """
    columns = ntuple.column_records
    own = [number for number, column in enumerate(columns) if column.field_id == field]
    if (
        not own or columns[own[0]].first_element_index != 0
    ):  # a field that was added later begins later
        return None
    total = 0
    for column_lists in ntuple.page_link_list:
        stored = [column_lists[number] for number in own if number < len(column_lists)]
        pages = next((column.pages for column in stored if not column.suppressed), [])
        total += sum(page.num_elements for page in pages)
    return total // max(ntuple.field_records[field].repetition, 1)
