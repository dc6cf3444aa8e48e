"""ROOT files to events, in chunks of bounded memory."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from calovision.errors import InputError
from calovision.kinematics import pt_eta_phi_mass
from calovision.ntuples.root_file import branch_names, find_tree, opened, read_chunks, require_branches
from calovision.ntuples.schemas import Schema, find_schema

ENTRIES_PER_COUNT = 100_000  # entries held in memory while the weights of a file are added up


@dataclass(frozen=True)
class Events:
    """One chunk of n events.

    Attributes
    ----------
    event_number
        int64 ``(n,)``; not unique over the files of a sample (Delphes starts each file at 0).
    weight
        Generator weight, float64 ``(n,)``; 1 if the file has none.
    towers
        Records eta, phi, e, e_em, e_had (GeV), ``n * var``. Muon towers of Delphes have e > 0 and e_em = e_had = 0.
    tracks
        Records pt (GeV), eta, phi, ``n * var``.
    fat_jets
        The file's own jets, Momentum4D records pt, eta, phi, mass (GeV), ``n * var``; None if it has none.
    """

    event_number: np.ndarray
    weight: np.ndarray
    towers: ak.Array
    tracks: ak.Array
    fat_jets: ak.Array | None


@dataclass(frozen=True)
class NtupleInfo:
    """What a file says about all its events.

    Attributes
    ----------
    path, schema, tree
        Where the events are.
    uuid
        The identifier that ROOT gave the file.
    n_entries
        Events in the file.
    n_generated
        The file's own counter of generated events, else the number of entries.
    sum_of_weights
        Sum of the generator weights of all generated events.
    cross_section_pb
        The generator's; None if there is none or it is not positive (DelphesPythia8 writes -1.6e-23).
    """

    path: Path
    uuid: str
    schema: str
    tree: str
    n_entries: int
    n_generated: int
    sum_of_weights: float
    cross_section_pb: float | None


def open_ntuple(path: Path | str, *, schema: str) -> NtupleInfo:
    """Read what a file says about all its events.

    Parameters
    ----------
    path
        A ROOT file; it may be without entries.
    schema
        One of `SCHEMAS`.

    Raises
    ------
    InputError
        If the schema is unknown; if the file is missing, no ROOT file, truncated or damaged; if it lacks a tree or
        a branch of the schema.

    Notes
    -----
    Delphes files: n_generated is the number of entries, and the cross-section is the last entry's (a running estimate
    where Delphes read HepMC). The counters of calovision files that were merged with hadd are added up.
    """
    path, layout = Path(path), find_schema(schema)
    with opened(path) as file:
        tree = find_tree(file, layout.tree, path)
        _branches_to_read(tree, layout, schema, path, trimmed=False)
        if layout.generation_tree is None:
            counters = _count_events(tree, layout, path)
        else:
            counters = _read_counters(find_tree(file, layout.generation_tree, path), schema, path)
        n_generated, sum_of_weights, cross_section = counters
        return NtupleInfo(
            path=path,
            uuid=str(file.file.uuid),
            schema=schema,
            tree=layout.tree,
            n_entries=int(tree.num_entries),
            n_generated=n_generated,
            sum_of_weights=sum_of_weights,
            cross_section_pb=cross_section if math.isfinite(cross_section) and cross_section > 0 else None,
        )


def iterate_events(path: Path | str, *, schema: str, chunk_size: int = 1000, trimmed: bool = False) -> Iterator[Events]:
    """Read a file in chunks of ``chunk_size`` events; the last one may be shorter, none is empty.

    Parameters
    ----------
    path
        A ROOT file.
    schema
        One of `SCHEMAS`.
    chunk_size
        Number of events in memory at a time.
    trimmed
        Give the file's trimmed fat jets, in the order of the ungroomed ones. If it holds none, ``fat_jets`` is None,
        so that the caller clusters.

    Raises
    ------
    InputError
        As `open_ntuple`; if a branch cannot be read; if the branches of a collection differ in length.
    """
    path, layout = Path(path), find_schema(schema)
    with opened(path) as file:
        tree = find_tree(file, layout.tree, path)
        branches = _branches_to_read(tree, layout, schema, path, trimmed=trimmed)
        for start, arrays in read_chunks(tree, branches, path, chunk_size):
            yield _events(arrays, layout, f"{path}, chunk from entry {start}", trimmed=trimmed)


def _branches_to_read(tree: uproot.TTree, layout: Schema, schema: str, path: Path, *, trimmed: bool) -> set[str]:
    """Choose all branches that the schema demands, and those optional ones that exist."""
    present = branch_names(tree)
    branches = {*layout.towers.values(), *layout.tracks.values(), layout.event_number}
    if layout.weight in present or not layout.weight_may_miss:
        branches.add(layout.weight)
    jets = {layout.trimmed_p4} if trimmed else set(layout.fat_jets.values())
    if jets & present:  # a file with one of the jets' branches must have them all
        branches |= jets
    require_branches(tree, branches, schema, path)
    return branches


def _events(arrays: Mapping[str, ak.Array], layout: Schema, where: str, *, trimmed: bool) -> Events:
    """Give the branches of one chunk our names."""
    event_number = _first_of_event(arrays[layout.event_number], layout.event_number, where)
    if layout.weight in arrays:
        weight = _first_of_event(arrays[layout.weight], layout.weight, where)
    else:
        weight = np.ones(len(event_number))
    towers = _collection(arrays, layout.towers, where)
    if "e" not in towers:
        towers["e"] = towers["e_em"] + towers["e_had"]
    return Events(
        event_number=event_number.astype(np.int64),
        weight=weight.astype(np.float64),
        towers=ak.zip(towers),
        tracks=ak.zip(_collection(arrays, layout.tracks, where)),
        fat_jets=_trimmed_jets(arrays, layout) if trimmed else _fat_jets(arrays, layout, where),
    )


def _first_of_event(values: ak.Array, branch: str, where: str) -> np.ndarray:
    """Return the first value of each event of a branch that may hold lists (in Delphes, weight variations follow)."""
    if values.ndim > 1:
        if ak.any(ak.num(values, axis=1) == 0):
            raise InputError(f"{where}: {branch} has no value for some event; each event must have one")
        values = values[:, 0]
    return ak.to_numpy(values)


def _collection(arrays: Mapping[str, ak.Array], branches: Mapping[str, str], where: str) -> dict[str, ak.Array]:
    """Return float64 lists under our names, after a check that they belong together."""
    for branch in branches.values():
        if arrays[branch].ndim != 2:
            raise InputError(
                f"{where}: {branch} holds {arrays[branch].type}; it must hold one list of numbers an event"
            )
    reference, *others = branches.values()
    for branch in others:
        if not ak.array_equal(ak.num(arrays[branch]), ak.num(arrays[reference])):
            raise InputError(f"{where}: {branch} and {reference} differ in length; they must agree in every event")
    return {name: ak.values_astype(arrays[branch], np.float64) for name, branch in branches.items()}


def _fat_jets(arrays: Mapping[str, ak.Array], layout: Schema, where: str) -> ak.Array | None:
    """Return the file's ungroomed jets, if it has any."""
    if not set(layout.fat_jets.values()) & set(arrays):
        return None
    return ak.zip(_collection(arrays, layout.fat_jets, where), with_name="Momentum4D")


def _trimmed_jets(arrays: Mapping[str, ak.Array], layout: Schema) -> ak.Array | None:
    """Return the file's trimmed jets, unless the branch is absent or was never filled."""
    if layout.trimmed_p4 not in arrays:
        return None
    momenta = arrays[layout.trimmed_p4]
    trimmed = ak.flatten(momenta, axis=1)[:, 0]
    if len(trimmed) and not ak.any(trimmed.fE > 0):  # a card without ComputeTrimming leaves zeros
        return None
    components = (ak.to_numpy(component) for component in (*ak.unzip(trimmed.fP), trimmed.fE))
    jets = ak.zip(pt_eta_phi_mass(*components), with_name="Momentum4D")
    return ak.unflatten(jets, ak.num(momenta, axis=1))


def _count_events(tree: uproot.TTree, layout: Schema, path: Path) -> tuple[int, float, float]:
    """Count the entries, add up their weights and take the last cross-section (NaN without one)."""
    branches = {layout.weight, layout.cross_section_pb} & branch_names(tree)
    sum_of_weights, cross_section = 0.0, math.nan
    for start, arrays in read_chunks(tree, branches, path, ENTRIES_PER_COUNT) if branches else ():
        where = f"{path}, chunk from entry {start}"
        first = {branch: _first_of_event(arrays[branch], branch, where) for branch in branches}
        sum_of_weights += float(first.get(layout.weight, np.zeros(0)).sum(dtype=np.float64))
        if layout.cross_section_pb in first:
            cross_section = float(first[layout.cross_section_pb][-1])
    n_entries = int(tree.num_entries)
    return n_entries, sum_of_weights if layout.weight in branches else float(n_entries), cross_section


def _read_counters(tree: uproot.TTree, schema: str, path: Path) -> tuple[int, float, float]:
    """Read the generator's counters; of several entries (files merged with hadd) all count."""
    names = ("n_generated", "sum_of_weights", "cross_section_pb")
    require_branches(tree, names, schema, path)
    if tree.num_entries == 0:
        raise InputError(f"{path}: the tree {tree.name!r} is empty; it must have one entry")
    _, arrays = next(read_chunks(tree, names, path, int(tree.num_entries)))
    n_generated, sum_of_weights, cross_section = (ak.to_numpy(arrays[name]) for name in names)
    total = int(n_generated.sum())
    mean = float((cross_section * n_generated).sum() / total) if total > 0 else math.nan
    return total, float(sum_of_weights.sum()), mean
