"""Names in a schema, held against those of the tree: each must stand for one branch; the lines of a
schema's file that have them.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from calovision.core.errors import InputError
from calovision.ntuples.expressions import branches_in, divided_names, is_unquoted_branch
from calovision.ntuples.schemas.schema import COLLECTIONS, TreeSchema
from calovision.ntuples.trees.event_tree import EventTree

_COMMENT = re.compile(r"(^|\s)#.*")


def check_names(tree: EventTree, schema: TreeSchema, schema_name: str, path: Path | str) -> None:
    """Check every name of a schema, also those that a file may lack.

    Raises
    ------
    InputError
        If several branches have a name; if the name of a branch is read as a formula of others, as
        ``cl-e`` or ``Jets/Jets.fE`` without quotes; if a formula has a branch of records.
    """
    texts = list(dict.fromkeys(_texts(schema)))
    for text in texts:
        unquoted = [text] if is_unquoted_branch(text, tree.names) else []
        unquoted += [name for name in divided_names(text) if name in tree.names]
        for name in unquoted:
            raise InputError(
                f"{path}: {name} is the name of a branch, but is read as a formula; write it in "
                "quotes inside of those "
                f"of YAML, \"'{name}'\""
            )
    names = branches_in(texts, tree.names)
    further = (*_links(schema), *schema.weight_factors, *schema.puppi_weights)
    require_clear(tree, [*names, *further], schema_name, path)
    _check_numbers(tree, names, schema_name, path)


def _check_numbers(
    tree: EventTree, names: Collection[str], schema_name: str, path: Path | str
) -> None:
    """Raise InputError for a branch that holds records, with names of their members."""
    for name in names:
        if members := tree.members(name) if name in tree.names else []:
            raise InputError(
                f"{path}: {name} holds records, not numbers, and stands in the schema "
                f"{schema_name!r}{lines_that_name(schema_name, [name])}; name one of their members "
                f"({_few(members)})"
            )


def require_branches(
    tree: EventTree, names: Collection[str], schema_name: str, path: Path | str
) -> None:
    """Raise InputError that names the branches which the tree lacks."""
    require_clear(tree, names, schema_name, path)
    if missing := sorted(name for name in set(names) if name not in tree.names):
        near = dict.fromkeys(match for name in missing[:3] for match in tree.names.near(name))
        question = f" (did you mean {', '.join(near)}?)" if near else ""
        raise InputError(
            f"{path}: the tree {tree.name!r} lacks {', '.join(missing)}, which the schema "
            f"{schema_name!r} demands{lines_that_name(schema_name, missing)}{question}; write "
            "these branches or choose another schema"
        )


def require_clear(
    tree: EventTree, names: Collection[str], schema_name: str, path: Path | str
) -> None:
    """Raise InputError for a name that several branches have, with their paths."""
    for name in sorted(names):
        if paths := tree.names.several(name):
            raise InputError(
                f"{path}: the tree {tree.name!r} has several branches of the name {name} "
                f"({_few(paths)}), and the schema {schema_name!r} does not say"
                f"{lines_that_name(schema_name, [name])} which; write the path of one of them in "
                "quotes"
            )


def _few(paths: Sequence[str]) -> str:
    """The first three paths."""
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")


def _texts(schema: TreeSchema) -> Iterator[str]:
    """Formulas of a schema."""
    of_events = (
        *(schema.event_number, schema.label, schema.process_id, schema.weight),
        *(schema.cross_section_pb, schema.uncalibrated_pt, schema.candidate_weight),
    )
    yield from (text for text in of_events if isinstance(text, str))
    yield from schema.variables.values()
    for part in (part for name in COLLECTIONS for part in schema.parts(name)):
        yield from part.fields.values()
        yield from part.extra.values()
        if part.cut is not None:
            yield part.cut


def _links(schema: TreeSchema) -> Iterator[str]:
    """Branches that link constituents to jets."""
    for part in schema.constituents:
        if part.link is not None:
            yield from part.link.branches


def lines_that_name(schema: str, names: Iterable[str]) -> str:
    """Return ``" in line 4"``, or ``""``: of a schema that is no file, or names that are computed.

    Parameters
    ----------
    schema
        Name of a schema, or the path of its file.
    names
        Branches.
    """
    try:
        lines = Path(schema).read_text().splitlines()
    except (OSError, ValueError):
        return ""
    names = list(names)
    vectors = [name.rpartition(".")[0] for name in names if "." in name]  # p4: their members
    found = _lines(lines, names) or _lines(lines, vectors)
    if not found:
        return ""
    *first, last = map(str, found[:3])
    return f" in line {last}" if not first else f" in lines {', '.join(first)} and {last}"


def _lines(lines: list[str], names: list[str]) -> list[int]:
    """Numbers of the lines, from 1, that hold one of the names as a whole."""
    if not names:
        return []
    pattern = re.compile(rf"(?<![\w./])(?:{'|'.join(map(re.escape, names))})(?![\w/])")
    return [n for n, line in enumerate(lines, 1) if pattern.search(_COMMENT.sub("", line))]
