"""Links of constituents to their jets in a schema's file."""

from calovision.core.errors import InputError
from calovision.ntuples.schemas.custom.formulas import read_branch
from calovision.ntuples.schemas.custom.sections import Section, shown
from calovision.ntuples.schemas.links import (
    Counts,
    IndexTable,
    Link,
    NestedIndices,
    Ranges,
    References,
)

# Kind of link -> keys that it must have, keys that it may have.
LINKS: dict[type[Link], tuple[tuple[str, ...], tuple[str, ...]]] = {
    IndexTable: (("jet_index",), ("item_index",)),
    Ranges: (("begin", "end"), ("index", "owner", "owner_id")),
    Counts: (("counts",), ("index",)),
    NestedIndices: (("index",), ("key", "key_value")),
    References: (("references", "ids"), ()),
}
_TOGETHER = (("owner", "owner_id"), ("key", "key_value"))
_NUMBERS = ("owner_id", "key_value")
LINK_KEYS = tuple(dict.fromkeys(key for kind in LINKS.values() for keys in kind for key in keys))


def read_link(section: Section) -> Link | None:
    """Read the keys of a link; None if there are none.

    Raises
    ------
    InputError
        If the keys are those of no link, or of several; if one is no branch or number.
    """
    given = [key for key in LINK_KEYS if key in section]
    if not given:
        return None
    kind = _kind(given, section)
    needed, _ = LINKS[kind]
    pairs = [names for names in _TOGETHER if set(names) & set(given)]
    for name in (*needed, *(name for names in pairs for name in names)):
        if name not in given:
            other = next(key for key in given if name in needed or key in _partners(name))
            raise InputError(f"{section.where(other)} needs {name}, too; give both")
    return kind(**{key: _value(key, section) for key in given})


def _kind(given: list[str], section: Section) -> type[Link]:
    """Kind of link that has all keys, one whose needed keys are there if there is one."""
    fitting = [
        kind for kind, (needed, further) in LINKS.items() if set(given) <= {*needed, *further}
    ]
    if not fitting:
        raise InputError(
            f"{section.where(given[0])} and {', '.join(given[1:])} belong to several kinds of "
            f"links; give the keys of one: {_in_words()}"
        )
    return next((kind for kind in fitting if set(LINKS[kind][0]) <= set(given)), fitting[0])


def _partners(name: str) -> tuple[str, ...]:
    return next((names for names in _TOGETHER if name in names), ())


def _in_words() -> str:
    return "; ".join(
        ", ".join(needed) + (f" (with {', '.join(further)})" if further else "")
        for needed, further in LINKS.values()
    )


def _value(key: str, section: Section) -> str | int:
    value, where = section[key], section.where(key)
    if key not in _NUMBERS:
        return read_branch(value, where)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"{where} is {shown(value)}; it must be a whole number")
    return value
