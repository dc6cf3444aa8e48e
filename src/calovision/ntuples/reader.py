"""ROOT files to events, in chunks of bounded memory."""

import math
from collections.abc import Collection as Names
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import awkward as ak

from calovision.ntuples.candidate_weights import choose_candidate_weight
from calovision.ntuples.chunks import read_chunks
from calovision.ntuples.collections import read_collection, read_trimmed_jets
from calovision.ntuples.columns import Chunk
from calovision.ntuples.detection import fitting_layout
from calovision.ntuples.events import Events, NtupleInfo
from calovision.ntuples.generation import count_generated
from calovision.ntuples.layouts import candidate_layouts
from calovision.ntuples.plan import Plan, make_plan
from calovision.ntuples.retries import Attempts, with_retries
from calovision.ntuples.root_file import Tree, branch_names, find_tree, locate, opened
from calovision.ntuples.schemas import COLLECTIONS, Schema
from calovision.ntuples.weights import event_numbers, read_weights, weight_branches


def open_ntuple(
    path: Path | str,
    *,
    schema: str | Path | None = None,
    tree: str | None = None,
    weight_index: int = 0,
    n_generated: float | str | None = None,
    sum_of_weights: float | str | None = None,
    trimmed: bool = False,
    retries: int = 0,
) -> NtupleInfo:
    """Read what a file says about all its events.

    Parameters
    ----------
    path
        A ROOT file, or the address of one (``root://host//path``); it may be without entries.
    schema
        One of `SCHEMAS`, or the path of a YAML file; None finds the one that fits.
    tree
        Name of the tree, with its folders, in place of the schema's.
    weight_index
        Which of several generator weights.
    n_generated, sum_of_weights
        In place of what the file says: numbers, or objects of the file that hold them
        (`read_counter`).
    trimmed
        Say of which collections `iterate_events` with ``trimmed`` gives something.
    retries
        How often an address that does not answer is tried again (`calovision.ntuples.retries`).

    Raises
    ------
    InputError
        If the schema is unknown, or none or several fit; if the file is missing, no ROOT file,
        truncated or damaged; if it lacks a tree or a branch of the schema; if a weight is not
        finite; if the sum of weights does not follow from the number of generated events.

    Notes
    -----
    Delphes files: n_generated is the number of entries, and the cross-section is the last entry's
    (a running estimate where Delphes read HepMC). The counters of calovision and NanoAOD files that
    were merged with hadd are added up.
    """
    path, tree = locate(path, tree)
    candidates = candidate_layouts(schema, tree=tree)
    given = {"n_generated": n_generated, "sum_of_weights": sum_of_weights}
    return with_retries(
        partial(_read_info, path, candidates, weight_index, given, trimmed), path, retries
    )


def _read_info(
    path: Path | str,
    candidates: Mapping[str, tuple[Schema, ...]],
    weight_index: int,
    given: Mapping[str, float | str | None],
    trimmed: bool,
) -> NtupleInfo:
    """Open a file once and say what it holds."""
    with opened(path) as file:
        name, layout = fitting_layout(file, candidates, path)
        events = find_tree(file, layout.tree, path)
        layout, candidate_weight = choose_candidate_weight(events, layout, path)
        plan = make_plan(events, layout, name, path, trimmed=trimmed)
        generation = count_generated(
            file, events, layout, schema=name, path=path, weight_index=weight_index, given=given
        )
        section = generation.cross_section_pb
        return NtupleInfo(
            path=path,
            uuid=str(file.file.uuid),
            schema=name,
            tree=layout.tree,
            n_entries=int(events.num_entries),
            n_generated=generation.n_generated,
            sum_of_weights=generation.sum_of_weights,
            cross_section_pb=section if math.isfinite(section) and section > 0 else None,
            counted_from=generation.source,
            count_doubts=generation.doubts,
            n_weights=generation.n_weights,
            candidate_weight=candidate_weight.branch,
            candidate_weight_reason=candidate_weight.reason,
            collections=plan.collections,
            read_from=plan.read_from,
            weights=tuple(
                sorted(weight_branches(layout, branch_names(events), factors=weight_index > 0))
            ),
            undecided=plan.undecided,
            missing=plan.missing,
        )


def iterate_events(
    path: Path | str,
    *,
    schema: str | Path | None = None,
    tree: str | None = None,
    chunk_size: int | None = None,
    fields: Mapping[str, Names[str]] | None = None,
    trimmed: bool = False,
    weight_index: int = 0,
    entry_range: tuple[int, int | None] | None = None,
    retries: int = 0,
) -> Iterator[Events]:
    """Read a file in chunks; none is empty.

    Parameters
    ----------
    path, schema, tree, weight_index
        As in `open_ntuple`.
    chunk_size
        Number of events in memory at a time (the last chunk may be shorter); None: about 25 MB, up
        to the end of a basket.
    fields
        Collections -> fields that are wanted; only these are read, and a collection that is not
        named is None. None: everything that the file has. The key ``weight_variations`` (its value
        does not matter) asks for all weights, also those that stand in branches of their own;
        without it events may differ in their number.
    trimmed
        Give the file's trimmed fat jets, in the order of the ungroomed ones. If it holds none, as
        other files than those of Delphes, ``fat_jets`` is None, so that the caller clusters.
        ``constituents`` is None, since those of the file are of the ungroomed jets.
    entry_range
        First entry, and the one behind the last (None: up to the end); what lies beyond the end is
        not there. None reads all. Events without a number of their own have that of their entry in
        the whole file.
    retries
        As in `open_ntuple`; an address that fails in the middle is opened again, and read on where
        it failed.

    Raises
    ------
    InputError
        As `open_ntuple`; if a branch cannot be read; if the branches of a collection differ in
        length.
    ValueError
        If ``fields`` names an unknown collection; if ``chunk_size`` is not positive.
    """
    path, tree = locate(path, tree)
    candidates = candidate_layouts(schema, tree=tree)
    first, end = entry_range or (0, None)
    attempts = Attempts(path, retries)
    while True:
        try:
            with opened(path) as file:
                name, layout = fitting_layout(file, candidates, path)
                events = find_tree(file, layout.tree, path)
                if fields is None or not set(fields).isdisjoint(layout.weighted_collections):
                    layout, _ = choose_candidate_weight(events, layout, path)
                plan = make_plan(
                    events,
                    layout,
                    name,
                    path,
                    fields=fields,
                    trimmed=trimmed,
                    factors=weight_index > 0,
                )
                for chunk in _chunks(
                    events, plan, path, chunk_size, clipped(first, end, int(events.num_entries))
                ):
                    yield _events(chunk, layout, plan, weight_index)
                    first = chunk.start + chunk.n_events
                    attempts.start_afresh()
            return
        except Exception as error:
            if not attempts.another(error):
                raise


def clipped(first: int, end: int | None, n_entries: int) -> tuple[int, int]:
    """Range of entries that a file of so many entries has of another range, whose end may be
    open.
    """
    return min(first, n_entries), n_entries if end is None else min(end, n_entries)


def _chunks(
    tree: Tree, plan: Plan, path: Path | str, chunk_size: int | None, entry_range: tuple[int, int]
) -> Iterator[Chunk]:
    """Arrays of the planned branches, chunk by chunk."""
    for start, arrays in read_chunks(tree, plan.branches, path, chunk_size, entry_range):
        rest = entry_range[1] - start
        yield Chunk(
            arrays,
            path,
            start,
            len(next(iter(arrays.values()))) if arrays else min(chunk_size or rest, rest),
        )


def _events(chunk: Chunk, layout: Schema, plan: Plan, weight_index: int) -> Events:
    """Give the branches of one chunk our names."""
    weight, variations = read_weights(chunk, layout, weight_index, variations=plan.variations)
    collections: dict[str, ak.Array | None] = {
        name: read_collection(chunk, layout, name, plan.fields[name])
        if name in plan.fields
        else None
        for name in COLLECTIONS
    }
    if plan.trimmed:
        collections["fat_jets"] = read_trimmed_jets(chunk.arrays[layout.trimmed_p4])
    return Events(event_numbers(chunk, layout), weight, weight_variations=variations, **collections)
