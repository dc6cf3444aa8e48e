"""Groups of branches that describe the same objects, by their names and shapes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from calovision.ntuples.shapes import Shape
from calovision.ntuples.suggestions.quantities import named_quantities, words_of
from calovision.ntuples.suggestions.roles import Role, role_of

ANGLES = ("eta", "phi")
POLAR = ("theta", "phi")
MOMENTUM = ("px", "py", "pz")
POSITION = ("x", "y", "z")
SHORTEST_ARRAY = 5  # of fixed size that holds objects; shorter ones are vectors
_Key = tuple[tuple[str, ...], int, bool, tuple[int, ...]]
_WHOLE = ("charge", "pdg")  # quantities that may be whole numbers
_ATTACHED_LETTERS = {"e": "e", "m": "mass"}  # behind a name without a separator: jete, jetm


@dataclass(frozen=True)
class Group:
    """Objects, and the branches of their quantities.

    Attributes
    ----------
    label
        Name of the objects: what the names of the branches have in common.
    role
        What they are, by their name.
    lists
        Lists in each other: 0 for one object an entry, 1 for a list, 2 for lists of lists.
    branches
        Quantity -> branch; ``p4`` for a branch of four-momenta; for numbered scalars (``jet1_pt``,
        ``jet2_pt``) the branches of all objects.
    is_guessed
        The role follows from the quantities, as the name says nothing.
    is_padded
        The branches are arrays of one size in every event, of which a part may be filling.
    """

    label: str
    role: Role
    lists: int
    branches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_guessed: bool = False
    is_padded: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All branches."""
        return tuple(name for names in self.branches.values() for name in names)

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """Quantity -> what is read for it: branches, or members of four-momenta."""
        if not self.has("p4"):
            return dict(self.branches)
        vectors = self.branches["p4"]
        return {of: tuple(f"{name}.{of}" for name in vectors) for of in ("pt", *ANGLES)}

    @property
    def read_names(self) -> tuple[str, ...]:
        """All that is read."""
        return tuple(name for names in self.columns.values() for name in names)

    @property
    def n_objects(self) -> int:
        """Objects that the scalars are numbered by; 1 without numbers."""
        return len(next(iter(self.branches.values())))

    def has(self, *quantities: str) -> bool:
        """Return True if it has all of some quantities."""
        return all(quantity in self.branches for quantity in quantities)

    @property
    def has_direction(self) -> bool:
        """Return True if eta and phi are there, or can be computed."""
        return any(self.has(*of) for of in (ANGLES, POLAR, MOMENTUM, POSITION, ("p4",)))

    @property
    def has_momentum(self) -> bool:
        """Return True if pT, eta and phi are there, or can be computed."""
        of_tracks = (("pt", *POLAR), ("qoverp", *POLAR))
        return any(self.has(*of) for of in (("pt", *ANGLES), *of_tracks, MOMENTUM, ("p4",)))

    @property
    def has_energy(self) -> bool:
        """Return True if the energy is there, or can be computed."""
        return self.has_momentum or any(map(self.has, ("e", "et", "e_em", "e_had")))

    def guessed(self) -> "Group":
        """Group with the role that its quantities speak for, if its name says nothing."""
        if self.role is not Role.UNKNOWN or not self.has_energy:
            return self
        role = Role.TOWER
        if self.has_momentum and any(map(self.has, ("charge", "pdg"))):
            role = Role.CANDIDATE
        elif self.has("pt") and not self.has("e"):
            role = Role.TRACK
        return replace(self, role=role, is_guessed=True)

    def without(self, names: Iterable[str]) -> "Group":
        """Group without some branches, such as those that cannot be read."""
        lost = set(names)
        if self.has("p4") and lost:
            return replace(self, branches={})
        kept = {key: of for key, of in self.branches.items() if not lost & set(of)}
        return replace(self, branches=kept)


def find_groups(shapes: Mapping[str, Shape]) -> list[Group]:
    """Groups of a tree that have a direction, in the order of the file.

    Parameters
    ----------
    shapes
        Branch -> its shape.
    """
    found: dict[_Key, dict[str, dict[int, str]]] = {}
    for name, shape in shapes.items():
        lists = _lists_of(shape)
        if lists is None:
            continue
        for one in named_quantities(name):
            if shape.is_whole and one.quantity not in _WHOLE:
                continue  # nJet_pt counts
            is_numbered = one.number is not None and lists == 0
            if one.number is not None and not is_numbered:
                continue
            key = (one.stem, lists, is_numbered, shape.array)
            objects = found.setdefault(key, {}).setdefault(one.quantity, {})
            objects.setdefault(one.number or 0, name)
    groups = [
        replace(_group(stem, lists, of, shapes), is_padded=bool(array))
        for (stem, lists, _, array), of in found.items()
    ]
    groups += _vectors(shapes)
    return [group for group in _without_members(groups) if group.has_direction]


def _lists_of(shape: Shape) -> int | None:
    """Lists in each other of numbers, of which a long array of fixed size is one; None for other
    branches.
    """
    if not shape.is_number or shape.element == "bool" or shape.lists > 2:
        return None
    if not shape.array:
        return shape.lists
    is_list = shape.lists == 0 and len(shape.array) == 1 and shape.array[0] >= SHORTEST_ARRAY
    return 1 if is_list else None


def _group(
    stem: tuple[str, ...],
    lists: int,
    quantities: Mapping[str, Mapping[int, str]],
    shapes: Mapping[str, Shape],
) -> Group:
    """Group of a stem; of numbered scalars those objects that have a direction and energy."""
    numbers = set.union(*(set(of) for of in quantities.values()))
    complete = [
        {quantity: of[number] for quantity, of in quantities.items() if number in of}
        for number in sorted(numbers)
    ]
    shared = set.intersection(*map(set, complete)) or set(complete[0])
    objects = [one for one in complete if shared <= set(one)]
    branches = {
        quantity: tuple(one[quantity] for one in objects)
        for quantity in quantities
        if quantity in shared
    }
    label = _label([name for of in branches.values() for name in of], branches)
    if lists and len(objects) == 1:
        branches |= _attached(branches, shapes)
    return Group(label, role_of(stem), lists, branches)


def _label(names: list[str], branches: Mapping[str, tuple[str, ...]]) -> str:
    """Common beginning of names, without what separates the quantity."""
    first = min(names, key=len)
    length = next(
        (i for i in range(len(first)) if len({name[: i + 1] for name in names}) > 1), len(first)
    )
    if len(branches) == 1:
        return first
    return first[:length].rstrip("._:/ ") or ", ".join(sorted(names))


def _attached(
    branches: Mapping[str, tuple[str, ...]], shapes: Mapping[str, Shape]
) -> dict[str, tuple[str, ...]]:
    """Branches of a single letter behind the stem: ``jete`` beside ``jetpt`` and ``jeteta``."""
    if "eta" not in branches or not branches["eta"][0].lower().endswith("eta"):
        return {}
    name = branches["eta"][0]
    stem, shape = name[:-3], shapes[name]
    return {
        quantity: (stem + letter,)
        for ending, quantity in _ATTACHED_LETTERS.items()
        for letter in (ending, ending.upper())
        if quantity not in branches
        and stem + letter in shapes
        and shapes[stem + letter].lists == shape.lists
        and shapes[stem + letter].is_number
    }


def _vectors(shapes: Mapping[str, Shape]) -> list[Group]:
    """Branches of four-momenta."""
    return [
        Group(name, role_of(words_of(name)), shape.lists, {"p4": (name,)})
        for name, shape in shapes.items()
        if shape.is_vector
    ]


def _without_members(groups: list[Group]) -> list[Group]:
    """Groups without those that are the members of a branch of four-momenta."""
    vectors = [group.label for group in groups if group.has("p4")]
    return [
        group
        for group in groups
        if group.has("p4")
        or not any(
            name.startswith((f"{vector}.", f"{vector}/"))
            for vector in vectors
            for name in group.names
        )
    ]
