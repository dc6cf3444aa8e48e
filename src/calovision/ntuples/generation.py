"""Generated events of a file: their number, the sum of their weights and the cross-section."""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import uproot

from calovision.core.errors import InputError
from calovision.ntuples.branch_arrays import BranchArrays
from calovision.ntuples.chunks import read_chunks
from calovision.ntuples.counter_trees import read_counters
from calovision.ntuples.counters import (
    Totals,
    choose_totals,
    read_counter,
    unread_counters,
)
from calovision.ntuples.expressions import branches_in, evaluate, names_in
from calovision.ntuples.root_file import has_tree
from calovision.ntuples.schemas.schema import TreeSchema
from calovision.ntuples.trees.event_tree import EventTree
from calovision.ntuples.weights import (
    LARGEST,
    count_weights,
    event_number_branches,
    event_numbers,
    first_of_event,
    read_weights,
    weight_branches,
)

logger = logging.getLogger(__name__)

MOST_NUMBERS_AN_ENTRY = 1.5  # of a file that no selection went over
FEWEST_NUMBERS = 20  # entries from which on gaps are looked for
MOST_EVENTS = 10**15  # in one file: more than were ever generated
ENTRIES_PER_COUNT = 100_000  # entries held in memory while the weights of a file are added up


@dataclass(frozen=True)
class Generation:
    """Generated events of a file.

    Attributes
    ----------
    n_generated, sum_of_weights
        Number of generated events, and the sum of their weights.
    cross_section_pb
        NaN without one.
    source
        Where the number is from, for people.
    doubts
        What speaks against it: objects that look like counters but were not read; empty if nothing
        does.
    n_weights
        Weights of each event, without further factors if the first one counts; None if events
        differ in it or there are none.
    """

    n_generated: int
    sum_of_weights: float
    cross_section_pb: float
    source: str
    doubts: tuple[str, ...] = ()
    n_weights: int | None = 1


def count_generated(
    file: uproot.ReadOnlyDirectory,
    tree: EventTree,
    schema: TreeSchema,
    *,
    schema_name: str,
    path: Path | str,
    weight_index: int,
    given: Mapping[str, float | str | None],
) -> Generation:
    """Count the generated events of a file.

    Parameters
    ----------
    file, tree, schema
        The open file, its events and their schema.
    schema_name, path
        For the sentences of errors.
    weight_index
        Which of several generator weights.
    given
        ``n_generated`` and ``sum_of_weights`` as the caller has them, numbers or objects of the
        file (`read_counter`), or None.

    Raises
    ------
    InputError
        If a counter cannot be read or holds what is no count, or the file has more events than its
        counters say were generated.
    """
    counted = (
        None if schema.counters is None else read_counters(file, schema.counters, schema_name, path)
    )

    @cache
    def count_entries() -> Totals:
        return _count_entries(tree, schema, path, weight_index)

    own = {"n_generated": schema.n_generated, "sum_of_weights": schema.sum_of_weights}
    counters = {name: own[name] if value is None else value for name, value in given.items()}
    values = {
        name: None if at is None else read_counter(file, at, path, name)
        for name, at in counters.items()
    }
    number, total = choose_totals(
        **values, counted=counted, count_entries=count_entries, nominal=weight_index == 0, path=path
    )
    own = counted or count_entries()
    at = counters["n_generated"]
    doubts: tuple[str, ...] = ()
    source = own.source if at is None else at if isinstance(at, str) else "given"
    if not isinstance(at, int | float) and number < tree.num_entries:
        raise InputError(
            f"{path}: {source} says that {number} events were generated, but the file has "
            f"{tree.num_entries}; give "
            "n_generated and sum_of_weights"
        )
    if number > MOST_EVENTS or not abs(total) <= LARGEST:
        raise InputError(
            f"{path}: {source} says that {number:g} events with a sum of weights of {total:g} were "
            f"generated; that is no count (at most {MOST_EVENTS:.0e} events, and a finite sum): "
            "give n_generated and sum_of_weights"
        )
    if at is None and counted is None:
        doubts = _doubts(file, tree, schema, path)
    n_weights = own.n_weights
    if weight_index > 0 or (counted is not None and tree.num_entries > 0):
        n_weights = _count_weights_of_first(tree, schema, path, factors=weight_index > 0)
    section = own.cross_section_pb
    if counted is not None and schema.cross_section_pb is not None:  # it takes the counters' place
        section = count_entries().cross_section_pb
    return Generation(number, total, section, source, doubts, n_weights)


def _count_weights_of_first(
    tree: EventTree, schema: TreeSchema, path: Path | str, *, factors: bool
) -> int | None:
    """Weights of the first event, with or without those in branches of their own; None without
    events.
    """
    branches = weight_branches(schema, tree.names, factors=factors)
    if not branches or tree.num_entries == 0:
        return None if branches else 1
    ((start, arrays),) = read_chunks(tree, branches, path, 1, (0, 1))
    _, every = read_weights(BranchArrays(arrays, path, start, 1), schema)
    return 1 if every is None else every.shape[1]


def _doubts(
    file: uproot.ReadOnlyDirectory, tree: EventTree, schema: TreeSchema, path: Path | str
) -> tuple[str, ...]:
    """Reasons why the entries of a file may not be all generated events, as a warning, too."""
    suspects = unread_counters(file, schema, path)
    has_weights = bool(weight_branches(schema, tree.names, factors=False))
    if (
        schema.counters is not None and not has_weights
    ):  # collisions, whose tree of runs counts nothing
        suspects = [name for name in suspects if name != f"the tree {schema.counters.tree} (run)"]
    doubts = tuple(f"{name} may count them" for name in suspects)
    if schema.counters is not None and has_weights and not has_tree(file, schema.counters.tree):
        doubts = (f"the tree {schema.counters.tree}, which counts them, is not there", *doubts)
    elif schema.counters is not None and has_weights and schema.counters.row is not None:
        counter = f"{schema.counters.tree}/{schema.counters.n_generated[0]}"
        doubts = (f"{counter}, which counts them, is not there or cannot be read", *doubts)
    if has_weights or schema.weight is None:  # not of collisions
        doubts += _gaps(tree, schema, path)
    if doubts:
        logger.warning(
            "%s: its %d entries are taken for all generated events, although %s; give n_generated "
            "and sum_of_weights "
            "if events were dropped",
            path,
            tree.num_entries,
            " and ".join(doubts),
        )
    return doubts


def _gaps(tree: EventTree, schema: TreeSchema, path: Path | str) -> tuple[str, ...]:
    """Sentence on event numbers with many gaps, as a skim leaves them; none if there are few, or a
    number stands twice.
    """
    branches = event_number_branches(schema, tree.names)
    if schema.event_number is None or tree.num_entries < FEWEST_NUMBERS:
        return ()
    found = []
    for start, arrays in read_chunks(tree, branches, path, ENTRIES_PER_COUNT):
        n_entries = len(next(iter(arrays.values())))
        found.append(event_numbers(BranchArrays(arrays, path, start, n_entries), schema))
    numbers = np.concatenate(found)
    first = int(numbers.min())
    last = int(numbers.max())
    has_gaps = last - first + 1 > MOST_NUMBERS_AN_ENTRY * len(numbers)
    if not has_gaps or len(np.unique(numbers)) < len(numbers):
        return ()
    return (f"their numbers run from {first} to {last} with gaps, as after a selection",)


def cross_section_branches(schema: TreeSchema, present: set[str]) -> list[str]:
    """Branches that hold the cross-section, whether they exist or not."""
    return branches_in(
        [schema.cross_section_pb] if isinstance(schema.cross_section_pb, str) else [], present
    )


def _count_entries(
    tree: EventTree, schema: TreeSchema, path: Path | str, weight_index: int
) -> Totals:
    """Count the entries, add up their weights and take the last cross-section."""
    branches = weight_branches(schema, tree.names, factors=weight_index > 0)
    section = schema.cross_section_pb
    n_entries = int(tree.num_entries)
    of_section = set(cross_section_branches(schema, tree.names))
    may_be_read = isinstance(section, str) and of_section <= tree.names
    branches |= of_section if may_be_read else set()
    total, all_one, numbers = 0.0, True, set()
    cross_section = float(section) if isinstance(section, int | float) else math.nan
    for start, arrays in (
        read_chunks(tree, branches, path, ENTRIES_PER_COUNT) if branches else [(0, {})]
    ):
        chunk = BranchArrays(
            arrays, path, start, len(next(iter(arrays.values()))) if arrays else n_entries
        )
        weight, _ = read_weights(chunk, schema, weight_index, variations=False)
        total += float(weight.sum())
        all_one = all_one and bool(np.all(weight == 1))
        numbers.add(count_weights(chunk, schema))
        if may_be_read and chunk.n_events:
            last = {name: first_of_event(chunk, name)[-1:] for name in names_in(section)}
            cross_section = float(np.ravel(evaluate(section, last, chunk.where))[-1])
    n_weights = numbers.pop() if len(numbers) == 1 else None
    return Totals(n_entries, total, f"entries of {schema.tree}", cross_section, all_one, n_weights)
