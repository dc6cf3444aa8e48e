"""Registries: the named entries of one kind, of this package and of others that are installed.

Another package adds an entry with an entry point of the group ``calovision.<kind>s``; its object is
the entry, and its name that of the entry. Those packages are looked for when a name is not one of
ours, or when all names are asked for.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from calovision.core.errors import InputError

Entry = TypeVar("Entry")


class Registry(Mapping[str, Entry], Generic[Entry]):
    """Entries by name: ours in their order, then those of other packages by name.

    Parameters
    ----------
    kind
        What an entry is, in the singular (``"channel"``); messages and the group of entry points
        have it.
    entry_type
        Class of the entries, which have an attribute ``name``.
    own
        Entries of this package.
    """

    def __init__(self, kind: str, entry_type: type[Entry], own: Iterable[Entry]) -> None:
        self.kind = kind
        self.group = f"calovision.{kind.replace(' ', '_')}s"
        self._type = entry_type
        self.own: dict[str, Entry] = {entry.name: entry for entry in own}
        self._found: dict[tuple[str, ...], dict[str, Entry]] = {}

    def __getitem__(self, name: str) -> Entry:
        return self.own[name] if name in self.own else self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in self.own or name in self._all)

    def find(self, name: str, where: str) -> Entry:
        """Entry of a name that a user gave.

        Parameters
        ----------
        name
            The name.
        where
            Who gave it, as the message begins: ``"configuration key 'images.channels'"``.

        Raises
        ------
        InputError
            If there is no such entry: the nearest name, and all of them.
        """
        if name in self:
            return self[name]
        raise InputError(
            f"{where}: there is no {self.kind} '{name}'{nearest(name, self)}; choose from "
            f"{', '.join(self)}"
        )

    @property
    def _all(self) -> dict[str, Entry]:
        """Entries of this package and of all others, found once for the folders of ``sys.path``."""
        folders = tuple(sys.path)
        if folders not in self._found:
            self._found[folders] = self._with_others()
        return self._found[folders]

    def _with_others(self) -> dict[str, Entry]:
        found = dict(self.own)
        for point in sorted(entry_points(group=self.group), key=lambda point: point.name):
            if point.name in found:
                raise InputError(
                    f"{_package(point)}: it adds the {self.kind} '{point.name}', which there is "
                    "already; give its entry "
                    f"point of {self.group} another name"
                )
            found[point.name] = self._load(point)
        return found

    def _load(self, point: EntryPoint) -> Entry:
        """Entry of another package; InputError if it cannot be loaded or is something else."""
        try:
            entry = point.load()
        except Exception as error:  # whatever the other package does when it is imported
            raise InputError(
                f"{_package(point)}: its {self.kind} '{point.name}' cannot be loaded from "
                f"{point.value} "
                f"({type(error).__name__}: {error}); mend or remove that package"
            ) from error
        if not isinstance(entry, self._type) or entry.name != point.name:
            raise InputError(
                f"{_package(point)}: {point.value} is no "
                f"{self._type.__module__}.{self._type.__name__} with the name "
                f"'{point.name}' of its entry point in {self.group}"
            )
        return entry


def import_object(reference: str) -> object:
    """Object of a reference ``package.module:name``, which an entry has in place of what is heavy
    to import.
    """
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` with the known name that resembles ``name``, or ``""``."""
    found = resembling(name, known)
    return "" if found is None else f"; did you mean '{found}'?"


def resembling(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that resembles ``name`` most, None if none does."""
    names = list(known)
    same = [one for one in names if one.replace("_", "").lower() == name.replace("_", "").lower()]
    found = same or get_close_matches(name, names, n=1)
    return found[0] if found else None


def _package(point: EntryPoint) -> str:
    return f"package {point.dist.name}" if point.dist is not None else f"entry point {point.value}"
