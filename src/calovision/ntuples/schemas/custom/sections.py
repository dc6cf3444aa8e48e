"""Mappings of a schema's file, and where they stand, for the sentences of errors."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from calovision.core.errors import InputError
from calovision.core.registry import resembling
from calovision.core.text import shortened
from calovision.core.user_lines import KeyPath
from calovision.ntuples.schemas.custom.keys import COLLECTIONS, KEYS

OTHER_WORDS = {
    "energy": "e",
    "em": "e_em",
    "had": "e_had",
    "m": "mass",
    "q": "charge",
    "et": "e",
    "selection": "cut",
    "filter": "cut",
    "radius": "fat_jet_radius",
    "xsec": "cross_section_pb",
    "cells": "towers",
    "clusters": "towers",
    "particles": "candidates",
    "fat_jets": "jets",
    "base": "extends",
    **dict.fromkeys(("layers", "depth", "sampling", "sample"), "layer"),
}
NONE = (None, "none")  # what takes a key of an extended schema away


@dataclass(frozen=True)
class Section:
    """A mapping of the file.

    Attributes
    ----------
    content
        Keys and values.
    origin
        The file.
    lines
        Lines of the keys in the file (`calovision.core.user_lines.parse_yaml_with_lines`).
    path
        Keys that lead to the mapping.
    """

    content: Mapping[str, object]
    origin: str
    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    path: KeyPath = ()

    def __contains__(self, key: object) -> bool:
        return key in self.content

    def __getitem__(self, key: str) -> object:
        return self.content[key]

    def where(self, *keys: str) -> str:
        """Beginning of a sentence on a key, or on the mapping itself: the file, the line, the key.

        The line is that of the nearest key around it if its own is not known.
        """
        path = (*self.path, *keys)
        return f"{self._line(path)}: {shown_path(path)}" if path else self.origin

    def _line(self, path: KeyPath) -> str:
        known = next((path[:n] for n in range(len(path), 0, -1) if path[:n] in self.lines), None)
        return self.origin if known is None else f"{self.origin}, line {self.lines[known]}"

    def inside(self, *keys: str, content: Mapping[str, object]) -> "Section":
        """Return the mapping that stands at a key."""
        return replace(self, content=content, path=(*self.path, *keys))

    def with_content(self, content: Mapping[str, object]) -> "Section":
        """Return other keys and values at the same place."""
        return replace(self, content=content)

    def check_keys(self, known: Iterable[str]) -> None:
        """Raise InputError for a key that is not known."""
        known = tuple(known)
        for key in self.content:
            if key not in known:
                own = f"{shown_path(self.path)}: " if self.path else ""
                raise InputError(
                    f"{self._line((*self.path, key))}: {own}unknown key {key!r}"
                    f"{self._hint(key, known)}; choose from {', '.join(known)}"
                )

    def _hint(self, key: str, known: Iterable[str]) -> str:
        """Tell what may be meant by a key that may not stand here."""
        if self.path and self[key] is None:
            return ", which has no value: inside of { } a formula with a comma stands in quotes"
        if meant := did_you_mean(key, known):
            return meant
        if self.path and key in {one.name for one in KEYS}:
            return ", which stands at the top of the file"
        names = [name for name, one in COLLECTIONS.items() if key in {a.name for a in one.keys}]
        return f", which stands inside of {', '.join(names)}" if names and not self.path else ""


def shown_path(path: KeyPath) -> str:
    """Keys as a person writes them, ``towers[1].e``."""
    text = ""
    for key in path:
        text += f"[{key}]" if key.isdigit() else f".{key}" if text else key
    return text


def shown(value: object) -> str:
    """A value for a message, as YAML writes it."""
    if value is None:
        return "nothing"
    return str(value).lower() if isinstance(value, bool) else shortened(repr(value))


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` with the known name that is meant, or ``""``."""
    names = tuple(known)
    word = OTHER_WORDS.get(str(name).lower())
    found = word if word in names else resembling(str(name), names)
    return "" if found is None else f" (did you mean {found!r}?)"
