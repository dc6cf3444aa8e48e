"""Links of constituents: the branches that say which objects belong to which jet.

Indices count from 0 in each event. A negative index means no object, or one that was not stored.
"""

from dataclasses import dataclass

# Ends of the names that podio and ATLAS give indices, and of those of the collections that they
# are in.
_OWNERS = {".index": ".collectionID", ".m_persIndex": ".m_persKey"}


def _owner_of(index: str) -> str | None:
    """Branch of the collections that indices are in, by the name of the branch of the indices."""
    for end, owner in _OWNERS.items():
        if index.endswith(end):
            return index.removesuffix(end) + owner
    return None


@dataclass(frozen=True)
class Link:
    """Branches that give, for each row, the jet and the object."""

    @property
    def branches(self) -> tuple[str, ...]:
        """Names of the branches."""
        return tuple(value for value in vars(self).values() if isinstance(value, str))

    @property
    def per_jet(self) -> str | None:
        """Branch with one value, or one list, a jet, which tells the number of jets; None if none
        does.
        """
        return None

    @property
    def unnamed_owner(self) -> str | None:
        """Branch by which it can be seen that indices are in one collection, where the link names
        none; None if there is no such branch.
        """
        return None


@dataclass(frozen=True)
class Subset:
    """Some objects of a collection, as a subset of podio holds them.

    Attributes
    ----------
    index
        Branch of the positions of the objects in the lists of the collection, in their order.
    owner, owner_id
        Branch of the number of the collection that each position is in, and that of the collection;
        a position in another one is an error.
    """

    index: str
    owner: str
    owner_id: int

    @property
    def branches(self) -> tuple[str, ...]:
        """Names of the branches."""
        return self.index, self.owner


@dataclass(frozen=True)
class IndexTable(Link):
    """Table with one row for each pair of a jet and an object, as in NanoAOD.

    Attributes
    ----------
    jet_index
        Branch of the number of the jet in its event.
    item_index
        Branch of the position in the lists of the objects; None if the rows are the objects.
    """

    jet_index: str
    item_index: str | None = None


@dataclass(frozen=True)
class Ranges(Link):
    """Ranges of rows, as in podio: those of jet j are ``begin[j]:end[j]``.

    Attributes
    ----------
    begin, end
        Branches with one number a jet.
    index
        Branch of the position in the lists of the objects, one row a relation; None if the rows
        are the objects.
    owner
        Branch of the collection that each row points to, one number a row; None if there is one.
    owner_id
        The number of the collection of the objects; rows of others are left out.
    other_ids
        Numbers of the collections of the other parts, where the parts together are to hold all
        objects: a row of yet another collection is an error. None: there may be any.
    """

    begin: str
    end: str
    index: str | None = None
    owner: str | None = None
    owner_id: int | None = None
    other_ids: tuple[int, ...] | None = None

    @property
    def per_jet(self) -> str:
        """Branch that tells the number of jets."""
        return self.begin

    @property
    def unnamed_owner(self) -> str | None:
        """Branch of the collections that the rows point to, if ``owner`` is None."""
        return _owner_of(self.index) if self.index and self.owner is None else None


@dataclass(frozen=True)
class Counts(Link):
    """Numbers of rows of each jet, which follow one another, as in TreeMaker.

    Attributes
    ----------
    counts
        Branch with one number a jet.
    index
        Branch of the position in the lists of the objects, one number a row; None if the rows are
        the objects.
    """

    counts: str
    index: str | None = None

    @property
    def per_jet(self) -> str:
        """Branch that tells the number of jets."""
        return self.counts


@dataclass(frozen=True)
class NestedIndices(Link):
    """List of indices of each jet, as the element links of ATLAS.

    Attributes
    ----------
    index
        Branch of lists in lists: positions in the lists of the objects.
    key
        Branch of the container that each index points to, in lists of the same lengths; None if
        there is one.
    key_value
        The number of the container of the objects; indices into others are left out.
    other_values
        Numbers of the containers of the other parts, and those that mean no object, as the
        ``other_ids`` of `Ranges`.
    """

    index: str
    key: str | None = None
    key_value: int | None = None
    other_values: tuple[int, ...] | None = None

    @property
    def per_jet(self) -> str:
        """Branch that tells the number of jets."""
        return self.index

    @property
    def unnamed_owner(self) -> str | None:
        """Branch of the containers that the indices point to, if ``key`` is None."""
        return _owner_of(self.index) if self.key is None else None


@dataclass(frozen=True)
class References(Link):
    """References by ROOT's unique numbers, as the constituents of Delphes' jets.

    Attributes
    ----------
    references
        Branch of one TRefArray a jet.
    ids
        Branch of the unique number of each object.
    after
        Branches of the unique numbers of other parts that are looked up before, since an object may
        stand in several collections under one number.
    """

    references: str
    ids: str
    after: tuple[str, ...] = ()

    @property
    def branches(self) -> tuple[str, ...]:
        """Names of the branches."""
        return (self.references, self.ids, *self.after)

    @property
    def per_jet(self) -> str:
        """Branch that tells the number of jets."""
        return self.references
