"""Descriptions of networks as JSON, beside weights or with them in one file: of one format, of no
newer version than is known, sealed (`calovision.core.digests.sealed`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calovision.core.digests import require_seal
from calovision.core.errors import InputError


@dataclass(frozen=True)
class DescriptionKind:
    """Kind of descriptions.

    Attributes
    ----------
    what
        Its name, for messages.
    format, version
        Values of its keys ``format`` and ``version`` as they are written.
    sealed_since
        First version that is sealed.
    keys
        Keys that it must have -> their types.
    beside
        Name of the file with the weights; "" if they are in the same one.
    again
        Says what to do about one that lacks a key.
    """

    what: str
    format: str
    version: int
    sealed_since: int
    keys: Mapping[str, type]
    beside: str
    again: str

    def read(self, path: Path, text: str) -> dict[str, Any]:
        """Content of a description in a file.

        Raises
        ------
        InputError
            If it is damaged, changed since it was written, of something else or of a newer version.
        """
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: no {self.what}, it is not JSON ({error})") from error
        if not isinstance(found, dict) or found.get("format") != self.format:
            raise InputError(f"{path}: no {self.what}, it lacks the format '{self.format}'")
        number = found.get("version")
        if not isinstance(number, int) or isinstance(number, bool) or number > self.version:
            raise InputError(
                f"{path}: of version {number}, this calovision reads up to {self.version}: install "
                "a newer one"
            )
        require_seal(path, found, beside=self.beside, must_be=number >= self.sealed_since)
        for name, kind in self.keys.items():
            if not isinstance(found.get(name), kind):
                raise InputError(f"{path}: damaged, it lacks '{name}': {self.again}")
        return found
