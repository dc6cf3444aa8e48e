"""What is read of a file: the branches that are demanded and wanted, after a check that they
exist.
"""

from collections.abc import Collection as Names
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import awkward as ak

from calovision.core.errors import InputError
from calovision.ntuples.chunks import read_chunks
from calovision.ntuples.columns import available_fields, branches_of, missing_branches
from calovision.ntuples.expressions import branches_in, is_unquoted_branch
from calovision.ntuples.root_file import Tree, branch_names, require_branches, warn_of_repeated
from calovision.ntuples.schemas import COLLECTIONS, Presence, Schema
from calovision.ntuples.weights import event_number_branches, weight_branches

TRIMMED_FIELDS = ("pt", "eta", "phi", "mass")
FURTHER_KEYS = ("weight_variations",)  # that may be wanted beside collections


@dataclass(frozen=True)
class Plan:
    """What is read of a file.

    Attributes
    ----------
    branches
        To read.
    fields
        Collection -> fields, of those that are there and wanted; trimmed jets apart.
    trimmed
        The fat jets are the trimmed ones that the file holds.
    variations
        All weights are wanted.
    read_from
        Collection -> its fields -> branches of each.
    undecided
        Collections that would come from elsewhere if the file held any: trimmed jets of a file
        without fat jets.
    missing
        Collection that the file does not have -> the branches that it lacks for it.
    """

    branches: set[str]
    fields: Mapping[str, tuple[str, ...]]
    trimmed: bool
    variations: bool
    read_from: Mapping[str, Mapping[str, tuple[str, ...]]]
    undecided: tuple[str, ...]
    missing: Mapping[str, tuple[str, ...]]

    @property
    def collections(self) -> dict[str, tuple[str, ...]]:
        """Collection -> fields, of all that come out."""
        return dict(self.fields) | ({"fat_jets": TRIMMED_FIELDS} if self.trimmed else {})


def make_plan(
    tree: Tree,
    layout: Schema,
    schema: str,
    path: Path | str,
    *,
    fields: Mapping[str, Names[str]] | None = None,
    trimmed: bool = False,
    factors: bool = False,
) -> Plan:
    """Choose the branches.

    Parameters
    ----------
    tree, layout
        The events and their layout.
    schema, path
        For the sentences of errors.
    fields
        Collections -> fields that are wanted, as in `iterate_events`; None for all.
    trimmed
        Fat jets are wanted trimmed: only what is trimmed in the file counts as its own jets.
    factors
        Weights in branches of their own are wanted.

    Raises
    ------
    InputError
        If the tree lacks branches that the layout demands.
    ValueError
        If ``fields`` names an unknown collection.
    """
    present = branch_names(tree)
    _check_quotes(layout, present, path)
    require_branches(tree, _demanded(layout, present, trimmed=trimmed), schema, path)
    chosen = {name: _fields_of(name, layout, present, fields) for name in COLLECTIONS}
    is_filled: bool | None = False
    if trimmed:  # the file's constituents are those of the jets before
        chosen |= {"fat_jets": (), "constituents": ()}
        if layout.trimmed_p4 in present and (fields is None or "fat_jets" in fields):
            is_filled = _is_filled(tree, layout.trimmed_p4, path)
    with_trimmed = is_filled is not False
    variations = factors or fields is None or "weight_variations" in fields
    branches = weight_branches(layout, present, factors=variations)
    branches |= set(event_number_branches(layout, present))
    read_from = {
        name: {
            field: tuple(sorted(branches_of(layout.parts(name), (field,), present)))
            for field in names
        }
        for name, names in chosen.items()
        if names
    }
    branches = branches.union(*(of for fields in read_from.values() for of in fields.values()))
    if chosen["constituents"]:
        branches |= branches_of(layout.fat_jets, list(layout.fat_jets[0].fields)[:1], present)
    if with_trimmed:
        branches.add(layout.trimmed_p4)
        read_from["fat_jets"] = dict.fromkeys(TRIMMED_FIELDS, (layout.trimmed_p4,))
    warn_of_repeated(tree, branches, path)
    missing = {name: tuple(missing_branches(layout.parts(name), present)) for name in COLLECTIONS}
    if layout.constituents is not None:
        missing["constituents"] += missing.get("fat_jets", ())
    return Plan(
        branches=branches,
        fields={name: names for name, names in chosen.items() if names},
        trimmed=with_trimmed,
        variations=variations,
        read_from=read_from,
        undecided=("fat_jets",) if is_filled is None else (),
        missing={name: branches for name, branches in missing.items() if branches},
    )


def _demanded(layout: Schema, present: set[str], *, trimmed: bool) -> set[str]:
    """Branches that a file of this layout must have."""
    demanded = weight_branches(layout, present, factors=False) | set(
        event_number_branches(layout, present)
    )
    if isinstance(layout.cross_section_pb, str) and not layout.cross_section_may_miss:
        demanded |= set(branches_in([layout.cross_section_pb], present))
    for name in COLLECTIONS:
        parts = layout.parts(name)
        if name in ("fat_jets", "constituents") and trimmed:
            continue
        rule = parts[0].presence if parts else Presence.OPTIONAL
        every = {branch for part in parts for branch in branches_of([part], part.fields, present)}
        if rule is Presence.REQUIRED or (rule is Presence.ALL_OR_NONE and every & present):
            demanded |= every
    return demanded


def _check_quotes(layout: Schema, present: set[str], path: Path | str) -> None:
    """Raise InputError for the name of a branch that is read as a formula of others, as ``cl-e``
    without quotes.
    """
    texts = [layout.event_number, layout.weight, layout.cross_section_pb]
    for name in COLLECTIONS:
        texts += [text for part in layout.parts(name) for text in (*part.fields.values(), part.cut)]
    for text in texts:
        if isinstance(text, str) and is_unquoted_branch(text, present):
            raise InputError(
                f"{path}: {text} is the name of a branch, but is read as a formula; write it in "
                "quotes inside of those "
                f"of YAML, \"'{text}'\""
            )


def _fields_of(
    name: str, layout: Schema, present: set[str], wanted: Mapping[str, Names[str]] | None
) -> tuple[str, ...]:
    """Fields of a collection that exist and are wanted."""
    if wanted is not None and (unknown := set(wanted) - {*COLLECTIONS, *FURTHER_KEYS}):
        raise ValueError(
            f"unknown collections {sorted(unknown)}: choose from {', '.join(COLLECTIONS)}"
        )
    parts = layout.parts(name)
    if name == "constituents" and missing_branches(layout.fat_jets, present):
        return ()
    available = available_fields(parts, present)
    return (
        available
        if wanted is None
        else tuple(field for field in available if field in wanted.get(name, ()))
    )


def _is_filled(tree: Tree, branch: str, path: Path | str) -> bool | None:
    """Tell from the whole file whether trimmed jets were computed: a card without ComputeTrimming
    leaves zeros.

    None for a file without any fat jet, whose jets and trimmed jets are the same.
    """
    n_jets = 0
    for _, arrays in read_chunks(tree, [branch], path):
        trimmed = ak.flatten(arrays[branch], axis=1)[:, 0]
        n_jets += len(trimmed)
        if ak.any(trimmed.fE > 0):
            return True
    return False if n_jets else None
