"""Collections that the user chooses in place of those found by rules."""

from dataclasses import dataclass

from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.ntuples.schemas.edm4hep.particles import jets_of
from calovision.ntuples.schemas.edm4hep.podio import (
    PARTICLE,
    TRACK,
    PodioCollection,
    PodioEvents,
)
from calovision.ntuples.schemas.edm4hep.towers import TOWER_KINDS
from calovision.ntuples.schemas.schema import Chosen

_KINDS = {
    "towers": TOWER_KINDS,
    "tracks": (TRACK, PARTICLE),
    "candidates": (PARTICLE,),
    "fat_jets": (PARTICLE,),
}
_NAMES = {"fat_jets": ("jets", "fat_jets")}  # of the key


@dataclass(frozen=True)
class Choice:
    """Choices of the user: collection -> names of collections of the file."""

    events: PodioEvents
    chosen: Chosen

    def __post_init__(self) -> None:
        allowed = [name for key in _KINDS for name in _NAMES.get(key, (key,))]
        for key in self.chosen:
            if key not in allowed:
                raise InputError(
                    f"choose: unknown collection {key!r}; choose from "
                    f"{', '.join(name for name in allowed if name != 'fat_jets')}"
                )

    @property
    def possible(self) -> dict[str, tuple[str, ...]]:
        """Key -> names of the collections that may be chosen, without keys that have none."""
        jets = tuple(one.name for one in jets_of(self.events))
        found = {
            key: tuple(name for name in self._fitting(key) if name not in jets)
            for key in _KINDS
            if key != "fat_jets"
        }
        return {key: names for key, names in {**found, "jets": jets}.items() if names}

    def of(self, key: str) -> tuple[PodioCollection, ...] | None:
        """Collections for one of ours; None if the user leaves the choice to the rules."""
        names = next(
            (self.chosen[name] for name in _NAMES.get(key, (key,)) if name in self.chosen), None
        )
        if names is None:
            return None
        return tuple(self._find(key, name) for name in names)

    def one(self, key: str) -> PodioCollection | None:
        """The only collection for one of ours; None as `of`."""
        found = self.of(key)
        if found is not None and len(found) != 1:
            raise InputError(
                f"{self.events.content.path}: choose names {len(found)} collections for {key}; "
                "name one"
            )
        return found[0] if found else None

    def _fitting(self, key: str) -> dict[str, PodioCollection]:
        """Collections and their subsets that one of ours can be made of; jets and the links of
        tracks have no subsets.
        """
        found = {one.name: one for one in self.events.of_kind(*_KINDS[key])}
        if key != "fat_jets":
            kinds = set(_KINDS[key]) - {TRACK}
            subsets = self.events.subsets.items()
            found |= {name: one for name, one in subsets if one is not None and one.kind in kinds}
        return found

    def _find(self, key: str, name: str) -> PodioCollection:
        fitting = self._fitting(key)
        if name in fitting:
            return fitting[name]
        path = self.events.content.path
        if name in self.events.subsets:
            raise InputError(
                f"{path}: {name}, chosen for {key}, is a subset whose objects cannot be found or "
                f"of which {key} cannot be made; choose from {', '.join(fitting) or 'none'}"
            )
        other = self.events.collections.get(name)
        found = "which the file has not" if other is None else f"which is of {other.kind}s"
        raise InputError(
            f"{path}: {name} is chosen for {key}, {found}; choose from "
            f"{', '.join(fitting) or 'none'}{nearest(name, fitting)}"
        )
