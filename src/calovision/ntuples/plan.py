"""Plan of a file: the collections that it has, and the branches to read for what is wanted."""

from collections.abc import Collection as Names
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import awkward as ak

from calovision.ntuples.chunks import read_chunks
from calovision.ntuples.event_variables import check_variables
from calovision.ntuples.expressions import branches_in
from calovision.ntuples.fat_jets import (
    MOMENTUM,
    computed_fields,
    count_branches,
    jet_branches,
    jet_fields,
)
from calovision.ntuples.parts import available_fields, branches_of, missing_branches
from calovision.ntuples.schema_names import check_names, require_branches
from calovision.ntuples.schemas.links import References
from calovision.ntuples.schemas.schema import COLLECTIONS, Presence, TreeSchema
from calovision.ntuples.trees.event_tree import EventTree
from calovision.ntuples.weights import event_number_branches, weight_branches

FURTHER_KEYS = ("weight_variations",)  # that may be wanted beside collections


@dataclass(frozen=True)
class Plan:
    """Collections and weights of a file, or those of them that are wanted, and their branches.

    Attributes
    ----------
    schema
        The version of the schema that the file has, with its candidate weight.
    fields
        Collection -> fields; without trimmed jets.
    read_from
        Collection -> its fields -> branches of each; with trimmed jets.
    weights, factors, event_number
        Branches of the weights, of further weights, and of the numbers of the events: their own,
        their label, their process.
    variables
        Branches of the variables of the user's own that events have.
    jet_counts
        Branches that tell the number of fat jets, without which constituents cannot be read.
    is_trimmed
        The fat jets are the trimmed ones that the file holds.
    with_variations
        All weights are read, ``factors`` too.
    undecided
        Collections that would come from elsewhere if the file held any: trimmed jets of a file
        without fat jets.
    missing
        Collection that the file does not have -> the branches that it lacks for it.
    """

    schema: TreeSchema
    fields: Mapping[str, tuple[str, ...]]
    read_from: Mapping[str, Mapping[str, tuple[str, ...]]]
    weights: frozenset[str]
    factors: frozenset[str]
    event_number: frozenset[str]
    variables: frozenset[str]
    jet_counts: frozenset[str]
    is_trimmed: bool
    with_variations: bool
    undecided: tuple[str, ...]
    missing: Mapping[str, tuple[str, ...]]

    @property
    def collections(self) -> dict[str, tuple[str, ...]]:
        """Collection -> fields, trimmed jets among them."""
        return dict(self.fields) | ({"fat_jets": MOMENTUM} if self.is_trimmed else {})

    @property
    def branches(self) -> frozenset[str]:
        """Branches to read."""
        branches = self.weights | self.event_number | self.variables
        if self.with_variations:
            branches |= self.factors
        if "constituents" in self.fields:
            branches |= self.jet_counts
        return branches.union(*(of for each in self.read_from.values() for of in each.values()))

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for people on what the collections are made of."""
        computed = computed_fields(self.schema, self.fields.get("fat_jets", ()))
        if not computed:
            return self.schema.notes
        of_jets = f"{', '.join(computed)} of the fat jets: vector sum of their constituents"
        return (*self.schema.notes, of_jets)

    def without_references(self) -> "Plan":
        """Return the plan without constituents that stand as references, which not every file can
        resolve.
        """
        if not any(isinstance(part.link, References) for part in self.schema.constituents):
            return self
        wanted = {name: of for name, of in self.fields.items() if name != "constituents"}
        read_from = {name: of for name, of in self.read_from.items() if name != "constituents"}
        return replace(self, fields=wanted, read_from=read_from)

    def narrowed(self, fields: Mapping[str, Names[str]], *, factors: bool) -> "Plan":
        """Return the plan of what is wanted alone.

        Parameters
        ----------
        fields
            Collections -> fields, as in `Ntuple.iterate`.
        factors
            Weights in branches of their own are wanted.

        Raises
        ------
        ValueError
            If ``fields`` names an unknown collection.
        """
        if unknown := set(fields) - {*COLLECTIONS, *FURTHER_KEYS}:
            raise ValueError(
                f"unknown collections {sorted(unknown)}: choose from {', '.join(COLLECTIONS)}"
            )
        is_trimmed = self.is_trimmed and "fat_jets" in fields
        chosen = {
            name: tuple(field for field in own if field in fields.get(name, ()))
            for name, own in self.fields.items()
        }
        read_from = {name: {of: self.read_from[name][of] for of in chosen[name]} for name in chosen}
        if is_trimmed:
            read_from["fat_jets"] = dict(self.read_from["fat_jets"])
        return replace(
            self,
            fields={name: names for name, names in chosen.items() if names},
            read_from=read_from,
            is_trimmed=is_trimmed,
            with_variations=factors or "weight_variations" in fields,
        )


def make_plan(
    tree: EventTree,
    schema: TreeSchema,
    schema_name: str,
    path: Path | str,
    *,
    trimmed: bool = False,
) -> Plan:
    """Plan to read all that a file has.

    Parameters
    ----------
    tree, schema
        The events and their schema.
    schema_name, path
        For the sentences of errors.
    trimmed
        Fat jets are wanted trimmed: only what is trimmed in the file counts as its own jets.

    Raises
    ------
    InputError
        If the tree lacks branches that the schema demands.
    """
    present = tree.names
    check_variables(tree, schema, path)
    check_names(tree, schema, schema_name, path)
    require_branches(tree, _demanded(schema, present, trimmed=trimmed), schema_name, path)
    fields = {name: _fields_of(name, schema, present, path) for name in COLLECTIONS}
    is_filled: bool | None = False
    if trimmed and schema.trimmed_p4 in present:
        is_filled = _is_filled(tree, schema.trimmed_p4, path)
    is_trimmed = is_filled is not False
    if trimmed:
        fields |= {"fat_jets": ()} if is_trimmed else {"fat_jets": (), "constituents": ()}
    fields = {name: names for name, names in fields.items() if names}
    weights = weight_branches(schema, present, factors=False)
    return Plan(
        schema=schema,
        fields=fields,
        read_from=_branches_of_fields(schema, fields, present, trimmed=is_trimmed),
        weights=frozenset(weights),
        factors=frozenset(weight_branches(schema, present, factors=True) - weights),
        event_number=frozenset(event_number_branches(schema, present)),
        variables=frozenset(branches_in(schema.variables.values(), present)),
        jet_counts=frozenset(count_branches(schema, present)),
        is_trimmed=is_trimmed,
        with_variations=True,
        undecided=("fat_jets",) if is_filled is None else (),
        missing=_missing(schema, present),
    )


def _branches_of_fields(
    schema: TreeSchema, fields: Mapping[str, tuple[str, ...]], present: set[str], *, trimmed: bool
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Collection -> its fields -> branches of each."""
    read_from = {
        name: {field: _branches_of_field(schema, name, field, present) for field in names}
        for name, names in fields.items()
    }
    if trimmed:
        read_from["fat_jets"] = dict.fromkeys(MOMENTUM, (schema.trimmed_p4,))
    return read_from


def _branches_of_field(
    schema: TreeSchema, collection: str, field: str, present: set[str]
) -> tuple[str, ...]:
    """Branches that give one field of a collection."""
    if collection == "fat_jets":
        return tuple(sorted(jet_branches(schema, field, present)))
    return tuple(sorted(branches_of(schema.parts(collection), (field,), present)))


def _missing(schema: TreeSchema, present: set[str]) -> dict[str, tuple[str, ...]]:
    """Collection that the file does not have -> the branches that it lacks for it."""
    missing = {name: tuple(missing_branches(schema.parts(name), present)) for name in COLLECTIONS}
    if schema.constituents:
        if computed_fields(schema, MOMENTUM):
            missing["fat_jets"] += missing["constituents"]
        missing["constituents"] = tuple(
            dict.fromkeys((*missing["constituents"], *missing["fat_jets"]))
        )
    return {name: branches for name, branches in missing.items() if branches}


def _demanded(schema: TreeSchema, present: set[str], *, trimmed: bool) -> set[str]:
    """Branches that a file of this schema must have."""
    demanded = weight_branches(schema, present, factors=False) | set(
        event_number_branches(schema, present)
    )
    if isinstance(schema.cross_section_pb, str) and not schema.cross_section_may_miss:
        demanded |= set(branches_in([schema.cross_section_pb], present))
    for name in COLLECTIONS:
        parts = schema.parts(name)
        if name in ("fat_jets", "constituents") and trimmed:
            continue
        rule = parts[0].presence if parts else Presence.OPTIONAL
        every = {branch for part in parts for branch in branches_of([part], part.fields, present)}
        if rule is Presence.REQUIRED or (rule is Presence.ALL_OR_NONE and every & present):
            demanded |= every
    return demanded


def _fields_of(
    name: str, schema: TreeSchema, present: set[str], path: Path | str
) -> tuple[str, ...]:
    """Fields of a collection that the file has."""
    if name == "fat_jets":
        return jet_fields(schema, present, path)
    if name == "constituents" and missing_branches(schema.fat_jets, present):
        return ()
    return available_fields(schema.parts(name), present)


def _is_filled(tree: EventTree, branch: str, path: Path | str) -> bool | None:
    """Return True if the file has trimmed jets: a card without ComputeTrimming leaves zeros.

    None for a file without any fat jet, whose jets and trimmed jets are the same.
    """
    n_jets = 0
    for _, arrays in read_chunks(tree, [branch], path):
        trimmed = ak.flatten(arrays[branch], axis=1)[:, 0]
        n_jets += len(trimmed)
        if ak.any(trimmed.fE > 0):
            return True
    return False if n_jets else None
