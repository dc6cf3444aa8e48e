"""Parts of collections: the branches that they need, and their fields, computed from a chunk."""

from collections.abc import Collection as Names
from collections.abc import Iterable, Mapping

import numpy as np

from calovision.core.errors import InputError
from calovision.ntuples.branch_arrays import BranchArrays, Column
from calovision.ntuples.expressions import branches_in, evaluate, find_branch, names_in
from calovision.ntuples.indices import Objects
from calovision.ntuples.links import read_subset
from calovision.ntuples.lists import Lists
from calovision.ntuples.schemas.links import References
from calovision.ntuples.schemas.schema import Collection, Constituents


def available_fields(parts: Iterable[Collection], present: set[str]) -> tuple[str, ...]:
    """Fields of a collection that a file with these branches has; none unless all branches of its
    parts are there.

    Those of all parts; of one part at least where references may point to some parts only.
    """
    parts = tuple(parts)
    if not parts or missing_branches(parts, present):
        return ()
    fields = [
        [
            *part.fields,
            *(
                name
                for name, text in part.extra.items()
                if set(branches_in([text], present)) <= present
            ),
        ]
        for part in parts
    ]
    if all(isinstance(part, Constituents) and isinstance(part.link, References) for part in parts):
        return tuple(dict.fromkeys(name for of_part in fields for name in of_part))
    return tuple(name for name in fields[0] if all(name in of_part for of_part in fields))


def given_fields(part: Collection, names: Names[str], present: Names[str]) -> tuple[str, ...]:
    """Named fields of a part whose branches are all there."""
    chosen = _chosen(part, names)
    return tuple(
        name
        for name, text in chosen.items()
        if all(b in present for b in branches_in([text], present))
    )


def missing_branches(parts: Iterable[Collection], present: set[str]) -> list[str]:
    """Branches that the parts of a collection demand and the file lacks."""
    demanded = [name for part in parts for name in _branches([part], part.fields, present)]
    return [name for name in dict.fromkeys(demanded) if name not in present]


def branches_of(parts: Iterable[Collection], names: Names[str], present: Names[str]) -> set[str]:
    """Branches that give the named fields of a collection, its cut and its index table."""
    return set(_branches(list(parts), names, present))


def _branches(parts: list[Collection], names: Names[str], present: Names[str]) -> list[str]:
    """Each once, in their order."""
    found = [
        branch
        for part in parts
        for name in _names(part, names)
        for branch in find_branch(name, present)[:1]
    ]
    linking = (name for part in parts for name in _linking(part, present))
    return list(dict.fromkeys([*found, *(find_branch(name, present)[0] for name in linking)]))


def _linking(part: Collection, present: Names[str]) -> tuple[str, ...]:
    """Branches that link constituents to their jets, or tell which objects are taken."""
    if not isinstance(part, Constituents):
        return () if part.subset is None else part.subset.branches
    if part.link is None:
        return ()
    owner = part.link.unnamed_owner
    return (*part.link.branches, *([owner] if owner in present else []))


def _names(part: Collection, names: Names[str], *, cut: bool = True) -> list[str]:
    """Names in the formulas of the named fields; at least one, since it tells the lengths of the
    lists.
    """
    texts = [*_chosen(part, names).values(), *([part.cut] if cut and part.cut else [])]
    found = list(dict.fromkeys(name for text in texts for name in names_in(text)))
    return found or [name for text in part.fields.values() for name in names_in(text)][:1]


def _chosen(part: Collection, names: Names[str]) -> dict[str, str]:
    """Definitions of the named fields, in the schema's order."""
    return {name: text for name, text in {**part.fields, **part.extra}.items() if name in names}


def has_own_lists(part: Collection) -> bool:
    """Return True if branches of a part tell the number of its objects."""
    return part.one_per_entry or any(names_in(text) for text in part.fields.values())


def read_part(
    chunk: BranchArrays,
    part: Collection,
    names: Names[str],
    *,
    cut: bool = True,
    may_be_nested: bool = False,
) -> Lists:
    """Compute the named fields of one part of a collection.

    Parameters
    ----------
    cut
        Objects that fail the cut are dropped.
    may_be_nested
        The branches may hold lists in lists: of the constituents of each jet.

    Raises
    ------
    InputError
        If a branch does not hold one list an entry, or two of them differ in length.
    """
    chosen = _chosen(part, names)
    needed = _names(part, names, cut=cut)
    if not part.one_per_entry:
        _check_lists(chunk, chosen)
        _check_sums(chunk, needed)
    offsets, inner = _common_offsets(chunk, part, needed)
    if inner is not None and not may_be_nested:
        raise InputError(f"{chunk.where}: {_nested_name(chunk, needed)}")
    values = {name: _per_object(chunk.column(name), offsets, inner) for name in needed}
    n_objects = int((offsets if inner is None else inner)[-1])
    computed = {
        name: _quantity(name, text, values, n_objects, chunk.where) for name, text in chosen.items()
    }
    if part.subset is not None:
        place, offsets = read_subset(chunk, part.subset, Objects(needed[0], offsets))
        computed = {name: column[place] for name, column in computed.items()}
        values = {name: column[place] for name, column in values.items()}
        n_objects = len(place)
    if not cut or part.cut is None:
        return Lists(computed, offsets, inner)
    kept = _passing(part.cut, values, n_objects, chunk.where)
    kept_before = np.concatenate([[0], np.cumsum(kept)])
    selected = {name: column[kept] for name, column in computed.items()}
    if inner is None:
        return Lists(selected, kept_before[offsets])
    return Lists(selected, offsets, kept_before[inner])


def passing(chunk: BranchArrays, part: Collection, offsets: np.ndarray) -> np.ndarray | None:
    """Tell which objects of a part pass its cut; None if it has none.

    Raises
    ------
    InputError
        As `read_part`; if the branches of the cut have other lists than the objects.
    """
    if part.cut is None:
        return None
    names = list(names_in(part.cut))
    if not part.one_per_entry:
        _check_sums(chunk, names)
    lists = {name: chunk.column(name) for name in names if chunk.column(name).offsets is not None}
    place: np.ndarray | slice = slice(None)
    if part.subset is not None and lists:
        first = next(iter(lists))
        place, _ = read_subset(chunk, part.subset, Objects(first, lists[first].offsets))
        offsets = lists[first].offsets
    for name, column in lists.items():
        if column.inner is not None or not np.array_equal(column.offsets, offsets):
            raise InputError(
                f"{chunk.where}: {name} of the cut {part.cut!r} holds {chunk.kind(name)}, other "
                "lists than the objects that are cut; there must be one value for each"
            )
    values = {name: _per_object(chunk.column(name), offsets, None)[place] for name in names}
    n_objects = len(next(iter(values.values()))) if values else int(offsets[-1])
    return _passing(part.cut, values, n_objects, chunk.where)


def _passing(cut: str, values: Mapping[str, np.ndarray], n_objects: int, where: str) -> np.ndarray:
    """Booleans of a cut."""
    kept = _evaluated(cut, values, n_objects, where)
    if kept.dtype != bool:
        raise InputError(
            f"{where}: the cut {cut!r} gives numbers; it must be a comparison, true or false"
        )
    return kept


def _evaluated(
    text: str, values: Mapping[str, np.ndarray], n_objects: int, where: str
) -> np.ndarray:
    result = evaluate(text, values, where)
    return result if result.ndim else np.full(n_objects, result)


def _quantity(
    field: str, text: str, values: Mapping[str, np.ndarray], n_objects: int, where: str
) -> np.ndarray:
    """Numbers of a field."""
    result = _evaluated(text, values, n_objects, where)
    if result.dtype == bool:
        raise InputError(
            f"{where}: {field}, {text!r}, is true or false; it must be a number, as where({text}, "
            "1, 0)"
        )
    return result


def _check_lists(chunk: BranchArrays, chosen: Mapping[str, str]) -> None:
    """Raise InputError if a field is made of numbers of the event alone."""
    for field_name, text in chosen.items():
        names = names_in(text)
        if not names or any(chunk.column(name).offsets is not None for name in names):
            continue
        found = (
            f"holds {chunk.arrays[text].type}" if text in chunk.arrays else "is one number an event"
        )
        raise InputError(
            f"{chunk.where}: {field_name}: {text} {found}; it must hold one list of numbers an "
            "event (for one object "
            "an entry, there is the key one_per_entry)"
        )


def _nested_name(chunk: BranchArrays, names: list[str]) -> str:
    """Sentence on the first branch that holds lists in lists."""
    name = next(name for name in names if chunk.column(name).inner is not None)
    return (
        f"{name} holds {chunk.kind(name)}; it must hold one list of numbers an event, as "
        f"{name}[0] and sum({name}) do"
    )


def _check_sums(chunk: BranchArrays, names: list[str]) -> None:
    """Raise InputError for a sum over all objects of an entry instead of over a list of each."""
    for name in names:
        branch, indices = find_branch(name, chunk.arrays)
        is_sum = bool(indices) and isinstance(indices[-1], slice)
        if is_sum and chunk.column(name).offsets is None:
            raise InputError(
                f"{chunk.where}: {name} adds up all of an entry, as {branch} holds "
                f"{chunk.kind(name)}; it must hold a list of numbers for each object"
            )


def _common_offsets(
    chunk: BranchArrays, part: Collection, names: list[str]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Offsets shared by the branches of a collection."""
    if part.one_per_entry:
        for name in names:
            if chunk.column(name).offsets is not None:
                raise InputError(
                    f"{chunk.where}: {name} holds lists; it must hold one number an event, as "
                    f"{name}[0] does"
                )
        return np.arange(chunk.n_events + 1), None
    lists = {name: chunk.column(name) for name in names if chunk.column(name).offsets is not None}
    if not lists:
        raise InputError(
            f"{chunk.where}: {', '.join(names)} hold one number an event; they must hold one list "
            "of numbers an event "
            "(for one object an entry, there is the key one_per_entry)"
        )
    reference = next(iter(lists))
    for name in lists:
        _check_equal_lengths(chunk, name, reference)
    return lists[reference].offsets, lists[reference].inner


def _check_equal_lengths(chunk: BranchArrays, name: str, reference: str) -> None:
    """Raise InputError if two branches have lists of different lengths."""
    first, second = chunk.column(name), chunk.column(reference)
    pairs = [(first.offsets, second.offsets)]
    if (first.inner is None) != (second.inner is None):
        raise InputError(
            f"{chunk.where}: only one of {name} and {reference} holds lists in lists; both must"
        )
    if first.inner is not None:
        pairs.append((first.inner[first.offsets], second.inner[second.offsets]))
    for one, other in pairs:
        if one is not other and not np.array_equal(one, other):
            raise InputError(
                f"{chunk.where}: {name} and {reference} differ in length at entry "
                f"{chunk.entry_of_difference(one, other)}; they must agree in every event"
            )
    if first.inner is not None and not np.array_equal(first.inner, second.inner):
        raise InputError(
            f"{chunk.where}: the inner lists of {name} and {reference} differ in length; they must "
            "agree"
        )


def _per_object(column: Column, offsets: np.ndarray, inner: np.ndarray | None) -> np.ndarray:
    """Values of a branch for each object; a number of the entry is repeated."""
    if column.offsets is not None:
        return column.values
    return np.repeat(column.values, np.diff(offsets if inner is None else inner[offsets]))
