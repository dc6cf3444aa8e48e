"""Detection of the schema of a file, from its trees and branches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uproot

from calovision.core.errors import InputError
from calovision.core.registry import resembling
from calovision.jobs.failures import require_memory
from calovision.ntuples.content import FileContent
from calovision.ntuples.expressions import branches_in
from calovision.ntuples.parts import missing_branches
from calovision.ntuples.paths import locate
from calovision.ntuples.root_file import (
    PRE_RELEASE,
    find_tree,
    opened,
    tree_kinds,
)
from calovision.ntuples.schemas import find_schemas
from calovision.ntuples.schemas.schema import COLLECTIONS, Presence, Schema, TreeSchema
from calovision.ntuples.trees.names import Names
from calovision.ntuples.weights import event_number_branches


@dataclass(frozen=True)
class TreeDescription:
    """One tree of a file.

    Attributes
    ----------
    name
        With its folders.
    kind
        TTree, RNTuple, or pre-release RNTuple, which cannot be read.
    n_entries, n_branches
        None if it cannot be read.
    """

    name: str
    kind: str
    n_entries: int | None
    n_branches: int | None


@dataclass(frozen=True)
class FileDescription:
    """Trees of a file, and the schemas that fit.

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
    nearest
        Schema -> the name of a branch that resembles the first one that is missing.
    """

    path: Path | str
    uuid: str
    trees: tuple[TreeDescription, ...]
    missing: Mapping[str, tuple[str, ...]]
    schema: str | None
    nearest: Mapping[str, str] = field(default_factory=dict)


def describe(
    file: uproot.ReadOnlyDirectory, path: Path | str, *, tree: str | None = None
) -> FileDescription:
    """Describe the trees of an open file and the schemas that fit.

    Parameters
    ----------
    file, path
        The open file, and where it is.
    tree
        Name of the tree with the events, in place of the schemas' own.
    """
    schemas = find_schemas(None, tree=tree)
    content = FileContent(file, path)
    missing = {schema.name: _missing_of_best(content, schema) for schema in schemas}
    fitting = [name for name, lacks in missing.items() if not lacks]
    trees = tuple(_describe_tree(content, name) for name in content.trees)
    schema = fitting[0] if len(fitting) == 1 else None
    nearest = {
        one.name: name for one in schemas if (name := _nearest(content, one, missing[one.name]))
    }
    return FileDescription(path, str(file.file.uuid), trees, missing, schema, nearest)


def _describe_tree(content: FileContent, name: str) -> TreeDescription:
    kind = content.trees[name]
    if not content.has_tree(name):
        return TreeDescription(name, kind, None, None)
    tree = find_tree(content.file, name, content.path)
    return TreeDescription(name, kind, tree.num_entries, len(tree.names))


def _nearest(content: FileContent, schema: Schema, missing: tuple[str, ...]) -> str | None:
    """Name in the tree of a schema that resembles the first one that is missing."""
    if not missing:
        return None
    trees = [name for name in schema.tree_names if content.has_tree(name)]
    names = {name for tree in trees for name in content.names(tree)}
    return resembling(missing[0], names)


def count_entries(
    path: Path | str, *, schema: str | Path | None = None, tree: str | None = None
) -> int:
    """Entries of a file, without a look at its branches where the tree is clear; `InputError` as in
    `open_ntuple`.

    Parameters
    ----------
    path, schema, tree
        As of `calovision.ntuples.Ntuple`.

    Raises
    ------
    InputError
        As `open_ntuple`.
    """
    return identify(path, schema=schema, tree=tree)[0]


def identify(
    path: Path | str,
    *,
    schema: str | Path | Schema | tuple[Schema, ...] | None = None,
    tree: str | None = None,
) -> tuple[int, str]:
    """Entries of a file as `count_entries`, and its UUID."""
    path, tree = locate(path, tree)
    with opened(path) as file:
        return _entries_of(file, path, schema, tree), str(file.file.uuid)


def _entries_of(
    file: uproot.ReadOnlyDirectory,
    path: Path | str,
    schema: str | Path | Schema | tuple[Schema, ...] | None,
    tree: str | None,
) -> int:
    """Entries of an open file."""
    schemas = find_schemas(schema, tree=tree)
    kinds = tree_kinds(file)
    present = {name for one in schemas for name in one.tree_names} & set(kinds)
    if len(present) == 1 and kinds[name := present.pop()] == "TTree":
        return _count_entries(path, name)
    _, version = fitting_schema(file, schemas, path)
    return int(find_tree(file, version.tree, path).num_entries)


def _count_entries(path: Path | str, tree: str) -> int:
    """The number at the head of a tree, for which none of its branches is read."""
    try:
        ((_, _, number),) = uproot.num_entries({str(path): tree})
    except Exception as error:
        require_memory(error)
        raise InputError(
            f"{path}: the tree {tree!r} is damaged and cannot be read; write it again"
        ) from error
    return int(number)


def fitting_schema(
    file: uproot.ReadOnlyDirectory, schemas: Sequence[Schema], path: Path | str
) -> tuple[Schema, TreeSchema]:
    """Find the one schema that fits a file, and its version.

    Raises
    ------
    InputError
        If none or several fit. (What a file lacks for a schema without alternative is the reader's
        to say.)
    """
    content = FileContent(file, path)
    asked = {name for schema in schemas for name in schema.tree_names}
    if (len(schemas) == 1 or len(asked) == 1) and not any(map(content.has_tree, asked)):
        find_tree(file, schemas[0].tree_names[0], path)
    missing = {}
    if len(schemas) > 1 or not schemas[0].versions_in(content):
        missing = {schema.name: _missing_of_best(content, schema) for schema in schemas}
    fitting = [schema for schema in schemas if not missing.get(schema.name)]
    if len(fitting) > 1:
        names = ", ".join(schema.name for schema in fitting)
        raise InputError(f"{path} fits several schemas ({names}); name one of them")
    if not fitting:
        _check_trees(content)
        raise InputError(
            f"{path} fits no schema ({_reasons(content, schemas, missing)}); name a tree, or "
            "describe the file in a YAML file (calovision inspect FILE --suggest writes one to "
            "start from)"
        )
    (schema,) = fitting
    return schema, _best_version(content, schema)


def _reasons(
    content: FileContent, schemas: Sequence[Schema], missing: Mapping[str, tuple[str, ...]]
) -> str:
    """Branches that the file lacks for each schema whose tree it has, or for all if it has none."""
    present = [one for one in schemas if any(map(content.has_tree, one.tree_names))] or schemas
    return "; ".join(
        f"{one.name} lacks {_shortened(missing[one.name])}"
        + (f" (the file has {near})" if (near := _nearest(content, one, missing[one.name])) else "")
        for one in present
    )


def _check_trees(content: FileContent) -> None:
    """Raise InputError if a file has no tree, or none but pre-release RNTuples, which cannot be
    read.
    """
    if not content.trees:
        raise InputError(
            f"{content.path} fits no schema, as it has no tree; give a file with a TTree or an "
            "RNTuple of events"
        )
    if set(content.trees.values()) == {PRE_RELEASE}:
        find_tree(content.file, next(iter(content.trees)), content.path)


def _best_version(content: FileContent, schema: Schema) -> TreeSchema:
    """The version of a schema for which a file lacks least."""
    if len(schema.versions) == 1:
        return schema.versions[0]
    possible = _possible(content, schema)
    if len(possible) == 1:
        return possible[0]
    return min(possible, key=lambda version: len(_missing(content, version)))


def _shortened(names: tuple[str, ...]) -> str:
    """The first three names."""
    rest = len(names) - 3
    return ", ".join(names[:3]) + (f" and {rest} more" if rest > 0 else "")


def _missing_of_best(content: FileContent, schema: Schema) -> tuple[str, ...]:
    """Trees and branches that the file lacks for that version for which it lacks least."""
    possible = _possible(content, schema)
    if not possible:
        present = [name for name in schema.tree_names if content.has_tree(name)]
        trees = " or ".join(f"the tree {name!r}" for name in schema.tree_names)
        return (f"collections of {schema.title}",) if present else (trees,)
    return min((_missing(content, version) for version in possible), key=len)


def _possible(content: FileContent, schema: Schema) -> list[TreeSchema]:
    """Versions that the file does not rule out by branches of another one; those whose tree it has,
    if it has any.
    """
    possible = [
        version
        for version in schema.versions_in(content)
        if not (version.without and content.names(version.tree) & set(version.without))
    ]
    return [one for one in possible if content.has_tree(one.tree)] or possible


def _missing(content: FileContent, version: TreeSchema) -> tuple[str, ...]:
    """Trees and branches of a version that the file lacks."""
    if not content.has_tree(version.tree):
        reason = " (a pre-release RNTuple)" if version.tree in content.trees else ""
        return (f"the tree {version.tree!r}{reason}",)
    try:
        present = content.names(version.tree, version.friends)
    except InputError as error:
        return (str(error),)
    names = event_number_branches(version, present)
    if version.weight is not None and not version.weight_may_miss:
        names += branches_in([version.weight], present)
    missing = [name for name in names if name not in present]
    for collection in COLLECTIONS:
        parts = version.parts(collection)
        if parts and parts[0].presence is Presence.REQUIRED:
            missing += missing_branches(parts, present)
    if (
        version.counters is not None
        and not version.counters.may_miss
        and not content.has_tree(version.counters.tree)
    ):
        missing.append(f"the tree {version.counters.tree!r}")
    return tuple(dict.fromkeys(_with_candidates(name, present) for name in missing))


def _with_candidates(name: str, present: Names) -> str:
    """The name, with what it may stand for if that is not clear."""
    paths = present.several(name)
    return f"{name} (one of {_shortened(paths)})" if paths else name
