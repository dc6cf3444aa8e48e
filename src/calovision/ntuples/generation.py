"""How many events a file stands for, what their weights add up to, and the cross-section."""

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import uproot

from calovision.ntuples.chunks import read_chunks
from calovision.ntuples.columns import Chunk
from calovision.ntuples.counters import Totals, choose_totals, read_counter, read_counters
from calovision.ntuples.root_file import Tree, branch_names
from calovision.ntuples.schemas import Schema
from calovision.ntuples.weights import first_of_event, read_weights, weight_branches

ENTRIES_PER_COUNT = 100_000  # entries held in memory while the weights of a file are added up


def count_generated(
    file: uproot.ReadOnlyDirectory,
    tree: Tree,
    layout: Schema,
    *,
    schema: str,
    path: Path | str,
    weight_index: int,
    given: Mapping[str, float | str | None],
) -> tuple[int, float, float]:
    """Count the generated events of a file.

    Parameters
    ----------
    file, tree, layout
        The open file, its events and their layout.
    schema, path
        For the sentences of errors.
    weight_index
        Which of several generator weights.
    given
        ``n_generated`` and ``sum_of_weights`` as the caller has them, numbers or objects of the file (`read_counter`),
        or None.

    Returns
    -------
    Number of generated events, sum of their weights, cross-section in pb (NaN without one).
    """
    counted = None if layout.counters is None else read_counters(file, layout.counters, schema, path)

    @cache
    def count_entries() -> Totals:
        return _count_entries(tree, layout, path, weight_index)

    own = {"n_generated": layout.n_generated, "sum_of_weights": layout.sum_of_weights}
    counters = {name: own[name] if value is None else value for name, value in given.items()}
    values = {name: None if at is None else read_counter(file, at, path, name) for name, at in counters.items()}
    number, total = choose_totals(
        **values, counted=counted, count_entries=count_entries, nominal=weight_index == 0, path=path
    )
    return number, total, (counted or count_entries()).cross_section_pb


def _count_entries(tree: Tree, layout: Schema, path: Path | str, weight_index: int) -> Totals:
    """Count the entries, add up their weights and take the last cross-section."""
    branches = weight_branches(layout, branch_names(tree), factors=weight_index > 0)
    weighted, branch = bool(branches), layout.cross_section_pb
    if branch in branch_names(tree):
        branches.add(branch)
    total, all_one = 0.0, True
    cross_section = float(branch) if isinstance(branch, int | float) else math.nan
    for start, arrays in read_chunks(tree, branches, path, ENTRIES_PER_COUNT) if branches else ():
        chunk = Chunk(arrays, path, start, len(next(iter(arrays.values()))))
        weight, _ = read_weights(chunk, layout, weight_index)
        total += float(weight.sum())
        all_one = all_one and bool(np.all(weight == 1))
        if branch in arrays:
            cross_section = float(first_of_event(chunk, branch)[-1])
    n_entries = int(tree.num_entries)
    return Totals(n_entries, total if weighted else float(n_entries), cross_section, all_one)
