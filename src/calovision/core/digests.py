"""Hashes by which a change of a description or of a file is noticed."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from calovision.core.errors import InputError

SEAL = "sha256"
"""Key of a sealed description."""


def sha256_of(content: bytes | memoryview) -> str:
    """SHA-256 of bytes, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def sealed(description: Mapping[str, Any]) -> dict[str, Any]:
    """A description with the hash of all the rest of it under `SEAL`.

    Where it holds the hash of another file, the seal ties the two together. What JSON turns into
    something else, as tuples into lists, is so afterwards.
    """
    plain = json.loads(json.dumps({**description, SEAL: None}))
    del plain[SEAL]
    return {**plain, SEAL: _of_json(plain)}


def is_sealed(description: Mapping[str, Any]) -> bool:
    """Tell whether a description is as `sealed` made it."""
    rest = {name: value for name, value in description.items() if name != SEAL}
    return description.get(SEAL) == _of_json(rest)


def require_seal(
    path: Path, description: Mapping[str, Any], *, beside: str = "", must_be: bool = False
) -> None:
    """Refuse a description that is not as `sealed` made it.

    Parameters
    ----------
    path
        Its file.
    description
        What was read.
    beside
        Name of the file whose hash the description holds; "" if that is its own.
    must_be
        Whether a description without a seal, as those of before, is refused, too.

    Raises
    ------
    InputError
        If it was changed.
    """
    if (must_be or SEAL in description) and not is_sealed(description):
        written, again = (
            (f"written with {beside} beside it", "both files") if beside else ("written", "it")
        )
        raise InputError(f"{path}: damaged, or changed since it was {written}: copy {again} again")


def _of_json(content: Mapping[str, Any]) -> str:
    """Hash of values, not of a text: neither spaces nor the order of the keys matter."""
    return sha256_of(json.dumps(content, sort_keys=True).encode())
