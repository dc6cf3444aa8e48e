"""One open ntuple: its schema, what it says about its events, and the events in chunks."""

import logging
import math
from collections.abc import Collection as Names
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

import uproot

from calovision.ntuples.candidate_weights import CandidateWeight, choose_candidate_weight
from calovision.ntuples.chunk_events import read_events, read_planned
from calovision.ntuples.chunks import clipped
from calovision.ntuples.detection import FileDescription, describe, fitting_schema
from calovision.ntuples.event_variables import with_variables
from calovision.ntuples.events import Events, NtupleInfo
from calovision.ntuples.expressions import branches_in
from calovision.ntuples.generation import count_generated
from calovision.ntuples.paths import locate
from calovision.ntuples.plan import Plan, make_plan
from calovision.ntuples.retries import Attempts, with_retries
from calovision.ntuples.root_file import find_tree, opened
from calovision.ntuples.row_classes import find_class_cuts
from calovision.ntuples.schemas import find_schemas
from calovision.ntuples.schemas.schema import Schema, TreeSchema
from calovision.ntuples.trees.event_tree import EventTree

logger = logging.getLogger(__name__)


class Ntuple:
    """ROOT file whose schema is found once, and which stays open from question to question.

    The file is opened when it is first asked, and closed at the end of ``with``. After it was
    closed, sent to another process, or lost with a connection, it is opened again; its schema and
    its description are kept.

    Parameters
    ----------
    path
        A ROOT file, or the address of one (``root://host//path``); it may be without entries.
    schema
        One of `SCHEMAS`, the path of a YAML file, a `Schema` or several; None finds the one
        that fits.
    tree
        Name of the tree, with its folders, in place of the schema's.
    weight_index
        Which of several generator weights.
    n_generated, sum_of_weights
        In place of what the file says: numbers, or objects of the file that hold them
        (`read_counter`).
    trimmed
        Fat jets are the trimmed ones of the file, in the order of the ungroomed ones, and their
        constituents those before trimming. If it holds no trimmed jets, as other files than those
        of Delphes, it has neither, so that the caller clusters.
    retries
        How often an address that does not answer is tried again (`calovision.ntuples.retries`).
    variables, jet_variables
        Variables of the user's own by name, each a branch or formula: one number of every event, or
        of every fat jet of the file, whose further fields they are.
    class_cuts
        Expression of branches for each class of rows (`find_class_cuts`), which become variables of
        the events or of their fat jets.

    Raises
    ------
    InputError
        If the schema is unknown. When the file is asked: if none or several schemas fit; if it is
        missing, no ROOT file, truncated or damaged; if it lacks a tree or a branch of the schema.

    Examples
    --------
    >>> with Ntuple("events.root") as ntuple:  # doctest: +SKIP
    ...     print(ntuple.info.n_generated)
    ...     for events in ntuple.iterate({"towers": ("eta", "phi", "e")}):
    ...         print(len(events.towers))
    """

    def __init__(
        self,
        path: Path | str,
        *,
        schema: str | Path | Schema | tuple[Schema, ...] | None = None,
        tree: str | None = None,
        weight_index: int = 0,
        n_generated: float | str | None = None,
        sum_of_weights: float | str | None = None,
        trimmed: bool = False,
        retries: int = 0,
        variables: Mapping[str, str] | None = None,
        jet_variables: Mapping[str, str] | None = None,
        class_cuts: Mapping[str, str] | None = None,
    ) -> None:
        self.path, self.tree = locate(path, tree)
        self.weight_index = weight_index
        self.trimmed = trimmed
        self.retries = retries
        self.variables = dict(variables or {}), dict(jet_variables or {})
        self.class_cuts = dict(class_cuts or {})
        self._candidates = find_schemas(schema, tree=self.tree)
        self._given = {"n_generated": n_generated, "sum_of_weights": sum_of_weights}
        self._found: tuple[Schema, TreeSchema] | None = None
        self._weighted: tuple[TreeSchema, CandidateWeight] | None = None
        self._plan: Plan | None = None
        self._warned: frozenset[str] = frozenset()
        self._file: uproot.ReadOnlyDirectory | None = None
        self._closing = ExitStack()

    def __enter__(self) -> "Ntuple":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_file": None, "_closing": ExitStack()}

    def close(self) -> None:
        """Close the file; what was found out about it stays."""
        self._file = None
        self._closing.close()

    @cached_property
    def info(self) -> NtupleInfo:
        """Description of all events of the file.

        Raises
        ------
        InputError
            As the class; if a weight is not finite; if the sum of weights does not follow from the
            number of generated events.

        Notes
        -----
        Delphes files: n_generated is the number of entries, and the cross-section is the last
        entry's (a running estimate where Delphes read HepMC). The counters of calovision and
        NanoAOD files that were merged with hadd are added up.
        """
        return with_retries(self._read_info, self.path, self.retries, failed=self.close)

    @cached_property
    def description(self) -> FileDescription:
        """Trees of the file and the schemas that fit, of which there may be none or several."""
        return with_retries(
            lambda: describe(self._open(), self.path, tree=self.tree),
            self.path,
            self.retries,
            failed=self.close,
        )

    def check(self) -> None:
        """Look for the branches that the schema and the variables demand, without reading them.

        Raises
        ------
        InputError
            As the class.
        """
        self._plan_of({})

    def iterate(
        self,
        fields: Mapping[str, Names[str]] | None = None,
        *,
        chunk_size: int | None = None,
        entry_range: tuple[int, int | None] | None = None,
    ) -> Iterator[Events]:
        """Read the events in chunks; none is empty.

        Parameters
        ----------
        fields
            Collections -> fields that are wanted; only these are read, and a collection that is not
            named is None. None: everything that the file has, but constituents that are
            references. The key ``weight_variations`` (its value does not matter) asks for all
            weights, also those that stand in branches of their own; without it events may differ
            in their number.
        chunk_size
            Number of events in memory at a time (the last chunk may be shorter); None: about 25 MB,
            up to the end of a basket.
        entry_range
            First entry, and the one behind the last (None: up to the end); what lies beyond the end
            is not there. None reads all. Events without a number of their own have that of their
            entry in the whole file.

        Raises
        ------
        InputError
            As the class; if a branch cannot be read; if the branches of a collection differ in
            length.
        ValueError
            If ``fields`` names an unknown collection; if ``chunk_size`` is not positive.

        Notes
        -----
        An address that fails in the middle is opened again, and read on where it failed.
        """
        first, end = entry_range or (0, None)
        attempts = Attempts(self.path, self.retries)
        while True:
            try:
                tree, plan = self._plan_of(fields)
                entries = clipped(first, end, int(tree.num_entries))
                for chunk in read_planned(tree, plan, self.path, chunk_size, entries):
                    yield read_events(chunk, plan, self.weight_index)
                    first = chunk.start + chunk.n_events
                    attempts.start_afresh()
                return
            except Exception as error:
                self.close()
                if not attempts.another(error):
                    raise

    def _open(self) -> uproot.ReadOnlyDirectory:
        """Open the file unless it is open."""
        if self._file is None:
            self._file = self._closing.enter_context(opened(self.path))
        return self._file

    def _find_tree(self) -> tuple[Schema, TreeSchema, EventTree]:
        """Find the schema of the file, its version, and the tree of the events."""
        file = self._open()
        if self._found is None:
            schema, version = fitting_schema(file, self._candidates, self.path)
            self._found = schema, with_variables(version, *self._all_variables(version))
        schema, version = self._found
        return schema, version, find_tree(file, version.tree, self.path, version.friends)

    def _all_variables(self, version: TreeSchema) -> tuple[dict[str, str], dict[str, str]]:
        """Variables of events and of fat jets, with those that tell the class of a row."""
        of_events, of_jets = self.variables
        if not self.class_cuts:
            return of_events, of_jets
        tree = find_tree(self._open(), version.tree, self.path, version.friends)
        more_of_events, more_of_jets = find_class_cuts(tree, self.class_cuts, self.path)
        return {**of_events, **more_of_events}, {**of_jets, **more_of_jets}

    def _plan_of(self, fields: Mapping[str, Names[str]] | None) -> tuple[EventTree, Plan]:
        """Plan to read the wanted fields of the tree.

        The candidate weight, for which jets of the file are read, is chosen only where it matters.
        """
        schema, version, tree = self._find_tree()
        needs_weight = fields is None or not set(fields).isdisjoint(version.weighted_collections)
        if needs_weight or self._plan is not None:
            plan = self._whole_plan(schema, version, tree)
        else:
            plan = make_plan(tree, version, schema.name, self.path, trimmed=self.trimmed)
        if fields is None:
            plan = plan.without_references()
        else:
            plan = plan.narrowed(fields, factors=self.weight_index > 0)
        self._warn_of_repeated(tree, plan)
        return tree, plan

    def _whole_plan(self, schema: Schema, version: TreeSchema, tree: EventTree) -> Plan:
        """Plan to read everything, with the candidate weight of the file; made once."""
        if self._plan is None:
            self._weighted = choose_candidate_weight(tree, version, self.path)
            self._plan = make_plan(
                tree, self._weighted[0], schema.name, self.path, trimmed=self.trimmed
            )
        return self._plan

    def _warn_of_repeated(self, tree: EventTree, plan: Plan) -> None:
        """Warn once of each branch that the file has several times."""
        for path in tree.repeated(plan.branches - self._warned):
            logger.warning(
                "%s: the tree %r has the branch %s several times, of which the first one is read",
                *(self.path, tree.name, path),
            )
        self._warned |= plan.branches

    def _read_info(self) -> NtupleInfo:
        schema, version, tree = self._find_tree()
        plan = self._whole_plan(schema, version, tree)
        self._warn_of_repeated(tree, plan)
        generation = count_generated(
            self._open(),
            tree,
            plan.schema,
            schema_name=schema.name,
            path=self.path,
            weight_index=self.weight_index,
            given=self._given,
        )
        section = generation.cross_section_pb
        radius = schema.fat_jet_radius
        if radius is None:
            radius = version.fat_jet_radius
        weights = plan.weights | (plan.factors if self.weight_index > 0 else frozenset())
        return NtupleInfo(
            path=self.path,
            uuid=str(self._open().file.uuid),
            schema=schema.name,
            tree=version.tree,
            n_entries=int(tree.num_entries),
            n_generated=generation.n_generated,
            sum_of_weights=generation.sum_of_weights,
            cross_section_pb=section if math.isfinite(section) and section > 0 else None,
            counted_from=generation.source,
            count_doubts=generation.doubts,
            n_weights=generation.n_weights,
            candidate_weight=self._weighted[1].branch,
            candidate_weight_reason=self._weighted[1].reason,
            fat_jet_radius=radius,
            collections=plan.collections,
            read_from=plan.read_from,
            weights=tuple(sorted(weights)),
            undecided=plan.undecided,
            missing=plan.missing,
            notes=plan.notes,
            choices=plan.schema.choices,
            row_numbers=tuple(plan.schema.row_numbers),
            variables=tuple(plan.schema.variables),
            n_branches=len(plan.branches),
            without_checksums=tuple(tree.without_checksums(plan.branches)),
            run=_if_there(plan.schema.run, tree),
            lumi_block=_if_there(plan.schema.lumi_block, tree),
        )


def _if_there(text: str | None, tree: EventTree) -> str | None:
    """A branch or formula, None if the tree lacks a branch of it."""
    if text is None or not set(branches_in([text], tree.names)) <= set(tree.names):
        return None
    return text


def open_ntuple(path: Path | str, **options: object) -> NtupleInfo:
    """Return what a file says about all its events: `Ntuple.info`; ``options`` are those of
    `Ntuple`.

    Parameters
    ----------
    path, **options
        As of `Ntuple`.

    Raises
    ------
    InputError
        If the file cannot be read, or no schema fits it.
    """
    with Ntuple(path, **options) as ntuple:
        return ntuple.info


def iterate_events(
    path: Path | str,
    *,
    fields: Mapping[str, Names[str]] | None = None,
    chunk_size: int | None = None,
    entry_range: tuple[int, int | None] | None = None,
    **options: object,
) -> Iterator[Events]:
    """Read the events of a file in chunks: `Ntuple.iterate`; ``options`` are those of `Ntuple`.

    Parameters
    ----------
    path, **options
        As of `Ntuple`.
    fields, chunk_size, entry_range
        As of `Ntuple.iterate`.

    Raises
    ------
    InputError
        If the file cannot be read, or no schema fits it.
    """
    with Ntuple(path, **options) as ntuple:
        yield from ntuple.iterate(fields, chunk_size=chunk_size, entry_range=entry_range)


def describe_file(path: Path | str, *, tree: str | None = None) -> FileDescription:
    """Return the trees of a file and the schemas that fit: `Ntuple.description`.

    Parameters
    ----------
    path, tree
        As of `Ntuple`.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    with Ntuple(path, tree=tree) as ntuple:
        return ntuple.description
