"""ROOT files to events, in chunks of bounded memory."""

import math
from collections.abc import Collection as Names
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import awkward as ak

from calovision.ntuples.chunks import read_chunks
from calovision.ntuples.collections import read_collection, read_trimmed_jets
from calovision.ntuples.columns import Chunk, available_fields, branches_of, missing_branches
from calovision.ntuples.detection import fitting_layout
from calovision.ntuples.events import Events, NtupleInfo
from calovision.ntuples.generation import count_generated
from calovision.ntuples.layouts import candidate_layouts
from calovision.ntuples.retries import Attempts, with_retries
from calovision.ntuples.root_file import Tree, branch_names, find_tree, locate, opened, require_branches
from calovision.ntuples.schemas import COLLECTIONS, Presence, Schema
from calovision.ntuples.weights import event_numbers, read_weights, weight_branches


def open_ntuple(
    path: Path | str,
    *,
    schema: str | Path | None = None,
    tree: str | None = None,
    weight_index: int = 0,
    n_generated: float | str | None = None,
    sum_of_weights: float | str | None = None,
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
        In place of what the file says: numbers, or objects of the file that hold them (`read_counter`).
    retries
        How often an address that does not answer is tried again (`calovision.ntuples.retries`).

    Raises
    ------
    InputError
        If the schema is unknown, or none or several fit; if the file is missing, no ROOT file, truncated or damaged; if
        it lacks a tree or a branch of the schema; if a weight is not finite; if the sum of weights does not follow from
        the number of generated events.

    Notes
    -----
    Delphes files: n_generated is the number of entries, and the cross-section is the last entry's (a running estimate
    where Delphes read HepMC). The counters of calovision and NanoAOD files that were merged with hadd are added up.
    """
    path, tree = locate(path, tree)
    candidates = candidate_layouts(schema, tree=tree)
    given = {"n_generated": n_generated, "sum_of_weights": sum_of_weights}
    return with_retries(partial(_read_info, path, candidates, weight_index, given), path, retries)


def _read_info(
    path: Path | str,
    candidates: Mapping[str, tuple[Schema, ...]],
    weight_index: int,
    given: Mapping[str, float | str | None],
) -> NtupleInfo:
    """Open a file once and say what it holds."""
    with opened(path) as file:
        name, layout = fitting_layout(file, candidates, path)
        events = find_tree(file, layout.tree, path)
        plan = _plan(events, layout, name, path)
        number, total, cross_section = count_generated(
            file, events, layout, schema=name, path=path, weight_index=weight_index, given=given
        )
        return NtupleInfo(
            path=path,
            uuid=str(file.file.uuid),
            schema=name,
            tree=layout.tree,
            n_entries=int(events.num_entries),
            n_generated=number,
            sum_of_weights=total,
            cross_section_pb=cross_section if math.isfinite(cross_section) and cross_section > 0 else None,
            collections=plan.fields,
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
        Number of events in memory at a time (the last chunk may be shorter); None: about 25 MB, up to the end of a
        basket.
    fields
        Collections -> fields that are wanted; only these are read, and a collection that is not named is None. None:
        everything that the file has. The key ``weight_variations`` (its value does not matter) asks for those weight
        variations that stand in branches of their own.
    trimmed
        Give the file's trimmed fat jets, in the order of the ungroomed ones. If it holds none, ``fat_jets`` is None,
        so that the caller clusters.
    entry_range
        First entry, and the one behind the last (None: up to the end); what lies beyond the end is not there. None
        reads all. Events without a number of their own have that of their entry in the whole file.
    retries
        As in `open_ntuple`; an address that fails in the middle is opened again, and read on where it failed.

    Raises
    ------
    InputError
        As `open_ntuple`; if a branch cannot be read; if the branches of a collection differ in length.
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
                plan = _plan(events, layout, name, path, fields=fields, trimmed=trimmed, factors=weight_index > 0)
                for chunk in _chunks(events, plan, path, chunk_size, clipped(first, end, int(events.num_entries))):
                    yield _events(chunk, layout, plan, weight_index)
                    first = chunk.start + chunk.n_events
                    attempts.start_afresh()
            return
        except Exception as error:
            if not attempts.another(error):
                raise


def clipped(first: int, end: int | None, n_entries: int) -> tuple[int, int]:
    """Range of entries that a file of so many entries has of another range, whose end may be open."""
    return min(first, n_entries), n_entries if end is None else min(end, n_entries)


def _chunks(
    tree: Tree, plan: "_Plan", path: Path | str, chunk_size: int | None, entry_range: tuple[int, int]
) -> Iterator[Chunk]:
    """Arrays of the planned branches, chunk by chunk."""
    for start, arrays in read_chunks(tree, plan.branches, path, chunk_size, entry_range):
        rest = entry_range[1] - start
        yield Chunk(arrays, path, start, len(next(iter(arrays.values()))) if arrays else min(chunk_size or rest, rest))


@dataclass(frozen=True)
class _Plan:
    """What is read of a file, after a check that it exists."""

    schema: str
    path: Path | str
    branches: set[str]
    fields: Mapping[str, tuple[str, ...]]  # of the collections; trimmed jets apart
    trimmed: bool


def _plan(
    tree: Tree,
    layout: Schema,
    schema: str,
    path: Path | str,
    *,
    fields: Mapping[str, Names[str]] | None = None,
    trimmed: bool = False,
    factors: bool = False,
) -> _Plan:
    """Choose the branches that are demanded and wanted; InputError names those that are missing."""
    present = branch_names(tree)
    require_branches(tree, _demanded(layout, present, trimmed=trimmed), schema, path)
    chosen = {name: _fields_of(name, layout, present, fields) for name in COLLECTIONS}
    with_trimmed = trimmed and layout.trimmed_p4 in present and (fields is None or "fat_jets" in fields)
    if trimmed and layout.trimmed_p4 is not None:
        chosen["fat_jets"] = ()
    all_weights = factors or fields is None or "weight_variations" in fields
    branches = weight_branches(layout, present, factors=all_weights)
    if layout.event_number is not None:
        branches.add(layout.event_number)
    for name, names in chosen.items():
        if names:
            branches |= branches_of(layout.parts(name), names, present)
    if chosen["constituents"]:
        branches |= branches_of(layout.fat_jets, list(layout.fat_jets[0].fields)[:1], present)
    if with_trimmed:
        branches.add(layout.trimmed_p4)
    return _Plan(schema, path, branches, {name: names for name, names in chosen.items() if names}, with_trimmed)


def _demanded(layout: Schema, present: set[str], *, trimmed: bool) -> set[str]:
    """Branches that a file of this layout must have."""
    demanded = weight_branches(layout, present, factors=False)
    if layout.event_number is not None:
        demanded.add(layout.event_number)
    if isinstance(layout.cross_section_pb, str) and not layout.cross_section_may_miss:
        demanded.add(layout.cross_section_pb)
    for name in COLLECTIONS:
        parts = layout.parts(name)
        if name == "fat_jets" and trimmed and layout.trimmed_p4 is not None:
            continue
        rule = parts[0].presence if parts else Presence.OPTIONAL
        every = {branch for part in parts for branch in branches_of([part], part.fields, present)}
        if rule is Presence.REQUIRED or (rule is Presence.ALL_OR_NONE and every & present):
            demanded |= every
    return demanded


def _fields_of(
    name: str, layout: Schema, present: set[str], wanted: Mapping[str, Names[str]] | None
) -> tuple[str, ...]:
    """Fields of a collection that exist and are wanted."""
    if wanted is not None and (unknown := set(wanted) - {*COLLECTIONS, "weight_variations"}):
        raise ValueError(f"unknown collections {sorted(unknown)}: choose from {', '.join(COLLECTIONS)}")
    parts = layout.parts(name)
    if name == "constituents" and missing_branches(layout.fat_jets, present):
        return ()
    available = available_fields(parts, present)
    return available if wanted is None else tuple(field for field in available if field in wanted.get(name, ()))


def _events(chunk: Chunk, layout: Schema, plan: _Plan, weight_index: int) -> Events:
    """Give the branches of one chunk our names."""
    weight, variations = read_weights(chunk, layout, weight_index)
    collections: dict[str, ak.Array | None] = {
        name: read_collection(chunk, layout, name, plan.fields[name]) if name in plan.fields else None
        for name in COLLECTIONS
    }
    if plan.trimmed:
        collections["fat_jets"] = read_trimmed_jets(chunk.arrays[layout.trimmed_p4])
    return Events(event_numbers(chunk, layout), weight, weight_variations=variations, **collections)
