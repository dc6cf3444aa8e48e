"""Constituents of jets, which element links point to."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from calovision.core.errors import InputError
from calovision.ntuples.schemas.links import NestedIndices
from calovision.ntuples.schemas.physlite.choice import have_fields
from calovision.ntuples.schemas.physlite.containers import (
    NO_CONTAINER,
    OFTEN_LEFT_OUT,
    Container,
    names_of_keys,
)
from calovision.ntuples.schemas.physlite.quantities import ENERGIES, quantities
from calovision.ntuples.schemas.schema import Constituents

if TYPE_CHECKING:
    from calovision.ntuples.content import FileContent

ENTRIES_OF_LINKS = 1000  # that are looked at


def find_constituents(
    content: "FileContent", tree: str, containers: Mapping[str, Container], jets: tuple[str, ...]
) -> tuple[tuple[Constituents, ...], tuple[str, ...]]:
    """Parts of the constituents, and what is to be said if the file does not hold all of them."""
    if len(jets) != 1 or not containers[jets[0]].has("constituentLinks"):
        return (), ()
    links = containers[jets[0]].branch("constituentLinks")
    keys = _keys(content, tree, f"{links}.m_persKey")
    if keys is None:
        return (), (f"the constituents of {jets[0]} cannot be read from {links}",)
    names = names_of_keys(keys, (*containers, *OFTEN_LEFT_OUT))
    absent = [key for key in keys if names.get(key) not in containers]
    if absent or not keys:
        missing = ", ".join(names.get(key, f"the unknown number {key}") for key in absent)
        note = f"the constituents of {jets[0]} are in containers that the file lacks ({missing})"
        return (), (note,) if absent else ()
    if not all(have_fields(containers, (name,), "constituents") for name in names.values()):
        return (), ()
    parts = (
        _linked(containers[name], links, key, (*keys - {key}, NO_CONTAINER))
        for key, name in names.items()
    )
    return tuple(parts), ()


def _keys(content: "FileContent", tree: str, branch: str) -> set[int] | None:
    """Containers that the links of the first entries point to; None if they cannot be read."""
    if not content.has(tree, branch):
        return None
    try:
        events = content.first_values(tree, branch, ENTRIES_OF_LINKS)
    except InputError:  # of a class that cannot be read
        return None
    return {key for jets in events for of in jets for key in of} - {NO_CONTAINER}


def _linked(container: Container, links: str, key: int, others: tuple[int, ...]) -> Constituents:
    """Part of the constituents, the objects of a container that the links of jets point to; the
    other parts are of containers with other keys.
    """
    given = quantities(container)
    names = ("pt", "eta", "phi", "charge", "e", *ENERGIES)
    return Constituents(
        {name: given[name] for name in names if name in given},
        link=NestedIndices(f"{links}.m_persIndex", f"{links}.m_persKey", key, others),
    )
