"""Which schema a file has."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import uproot

from calovision.core.errors import InputError
from calovision.ntuples.columns import missing_branches
from calovision.ntuples.expressions import branches_in
from calovision.ntuples.layouts import candidate_layouts
from calovision.ntuples.root_file import (
    branch_names,
    find_tree,
    has_tree,
    locate,
    opened,
    tree_kinds,
)
from calovision.ntuples.schemas import COLLECTIONS, Presence, Schema
from calovision.ntuples.weights import event_number_branches


@dataclass(frozen=True)
class TreeDescription:
    """One tree of a file; ``kind`` is TTree or RNTuple."""

    name: str
    kind: str
    n_entries: int
    n_branches: int


@dataclass(frozen=True)
class FileDescription:
    """What a file holds.

    Attributes
    ----------
    path, uuid
        The file, and the identifier that ROOT gave it.
    trees
        All trees, in folders too.
    missing
        Schema -> what the file lacks for it: branches, or the tree; empty for a schema that fits.
    schema
        The one schema that fits; None if none or several do.
    """

    path: Path | str
    uuid: str
    trees: tuple[TreeDescription, ...]
    missing: Mapping[str, tuple[str, ...]]
    schema: str | None


def describe_file(path: Path | str, *, tree: str | None = None) -> FileDescription:
    """Say which trees a file holds and which schema fits.

    Parameters
    ----------
    path
        A ROOT file, or the address of one.
    tree
        Name of the tree with the events, in place of the schemas' own.

    Raises
    ------
    InputError
        If the file is missing, no ROOT file, truncated or damaged.
    """
    path, tree = locate(path, tree)
    with opened(path) as file:
        candidates = candidate_layouts(None, tree=tree)
        missing = {
            name: _missing_of_best(file, layouts, path) for name, layouts in candidates.items()
        }
        fitting = [name for name, lacks in missing.items() if not lacks]
        trees = []
        for name, kind in tree_kinds(file).items():
            found = find_tree(file, name, path)
            trees.append(
                TreeDescription(name, kind, int(found.num_entries), len(branch_names(found)))
            )
        schema = fitting[0] if len(fitting) == 1 else None
        return FileDescription(path, str(file.file.uuid), tuple(trees), missing, schema)


def count_entries(
    path: Path | str, *, schema: str | Path | None = None, tree: str | None = None
) -> int:
    """Entries of a file, without a look at its branches where the tree is clear; `InputError` as in
    `open_ntuple`.
    """
    path, tree = locate(path, tree)
    with opened(path) as file:
        layouts = [
            layout for found in candidate_layouts(schema, tree=tree).values() for layout in found
        ]
        kinds = tree_kinds(file)
        present = {layout.tree for layout in layouts} & set(kinds)
        if len(present) == 1 and kinds[name := present.pop()] == "TTree":
            return _count_entries(path, name)
        _, layout = choose_layout(file, schema, tree, path)
        return int(find_tree(file, layout.tree, path).num_entries)


def _count_entries(path: Path | str, tree: str) -> int:
    """The number at the head of a tree, for which none of its branches is read."""
    try:
        ((_, _, number),) = uproot.num_entries({str(path): tree})
    except Exception as error:
        raise InputError(
            f"{path}: the tree {tree!r} is damaged and cannot be read; write it again"
        ) from error
    return int(number)


def choose_layout(
    file: uproot.ReadOnlyDirectory, schema: str | Path | None, tree: str | None, path: Path | str
) -> tuple[str, Schema]:
    """Name and layout of a schema, or of the one that fits if it is None."""
    return fitting_layout(file, candidate_layouts(schema, tree=tree), path)


def fitting_layout(
    file: uproot.ReadOnlyDirectory, candidates: Mapping[str, tuple[Schema, ...]], path: Path | str
) -> tuple[str, Schema]:
    """Name and layout of the one schema of `candidate_layouts` that fits a file.

    Raises
    ------
    InputError
        If none or several fit. (What a file lacks for a schema without alternative is the reader's
        to say.)
    """
    missing = {}
    if len(candidates) > 1:
        missing = {
            name: _missing_of_best(file, layouts, path) for name, layouts in candidates.items()
        }
    fitting = [name for name in candidates if not missing.get(name)]
    if len(fitting) > 1:
        raise InputError(f"{path} fits several schemas ({', '.join(fitting)}); name one of them")
    if not fitting:
        reasons = "; ".join(f"{name} lacks {_shortened(lacks)}" for name, lacks in missing.items())
        raise InputError(
            f"{path} fits no schema ({reasons}); name a tree, or describe the file in a YAML file"
        )
    (name,) = fitting
    layouts = candidates[name]
    if len(layouts) == 1:
        return name, layouts[0]
    possible = _possible(file, layouts, path)
    if len(possible) == 1:
        return name, possible[0]
    return name, min(possible, key=lambda layout: len(_missing(file, layout, path)))


def _shortened(names: tuple[str, ...]) -> str:
    """The first three names."""
    rest = len(names) - 3
    return ", ".join(names[:3]) + (f" and {rest} more" if rest > 0 else "")


def _missing_of_best(
    file: uproot.ReadOnlyDirectory, layouts: tuple[Schema, ...], path: Path | str
) -> tuple[str, ...]:
    """What the file lacks for that one of several layouts for which it lacks least."""
    return min((_missing(file, layout, path) for layout in _possible(file, layouts, path)), key=len)


def _possible(
    file: uproot.ReadOnlyDirectory, layouts: tuple[Schema, ...], path: Path | str
) -> list[Schema]:
    """Layouts that the file does not rule out by branches of another one."""
    if not any(layout.without and has_tree(file, layout.tree) for layout in layouts):
        return list(layouts)
    names = {layout.tree for layout in layouts if has_tree(file, layout.tree)}
    present = {name: branch_names(find_tree(file, name, path)) for name in names}
    return [
        layout for layout in layouts if not present.get(layout.tree, set()) & set(layout.without)
    ]


def _missing(file: uproot.ReadOnlyDirectory, layout: Schema, path: Path | str) -> tuple[str, ...]:
    """Trees and branches of a layout that the file lacks."""
    if not has_tree(file, layout.tree):
        return (f"the tree {layout.tree!r}",)
    present = branch_names(find_tree(file, layout.tree, path))
    names = event_number_branches(layout, present)
    if layout.weight is not None and not layout.weight_may_miss:
        names += branches_in([layout.weight], present)
    missing = [name for name in names if name not in present]
    for collection in COLLECTIONS:
        parts = layout.parts(collection)
        if parts and parts[0].presence is Presence.REQUIRED:
            missing += missing_branches(parts, present)
    if (
        layout.counters is not None
        and not layout.counters.may_miss
        and not has_tree(file, layout.counters.tree)
    ):
        missing.append(f"the tree {layout.counters.tree!r}")
    return tuple(dict.fromkeys(missing))
