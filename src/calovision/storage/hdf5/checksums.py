"""Checksums of what an HDF5 file holds, by which flipped bits of a disk or a transfer are found.

A checksum is the XXH3-64 of a content, not of its layout: of the numbers in little-endian byte
order, or of the UTF-8 texts with a zero byte behind each, followed by type and shape as JSON,
``["<f8", [20, 3]]``. A copy that is compressed, chunked or of the other byte order keeps it.

The attribute `ATTRIBUTE` of a file lists them, as hexadecimal digits: JSON of ``hash``,
``attributes`` (name -> checksum) and ``data`` (full name of a data set -> checksum).
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import xxhash

from calovision.core.errors import InputError

ATTRIBUTE = "checksums"
HASH = "xxh3_64"
Value = str | int | float | bool | bytes | np.ndarray


class ArrayChecksum:
    """Checksum of an array that comes piece by piece along its first axis."""

    def __init__(self) -> None:
        self._hash = xxhash.xxh3_64()

    def add(self, rows: np.ndarray) -> None:
        """Add the next rows, numbers or texts."""
        self._hash.update(content_bytes(rows))

    def digits(self, dtype: np.dtype, shape: tuple[int, ...]) -> str:
        """Checksum of all that was added, of this type and shape."""
        kind = "text" if dtype.kind in "OUS" else dtype.newbyteorder("<").str
        end = self._hash.copy()
        end.update(json.dumps([kind, list(shape)]).encode())
        return end.hexdigest()


def array_checksum(array: np.ndarray) -> str:
    """Checksum of a whole array of numbers or texts."""
    checksum = ArrayChecksum()
    checksum.add(array)
    return checksum.digits(array.dtype, array.shape)


def attribute_checksum(value: Value) -> str:
    """Checksum of an attribute: one number, of 64 bits if it is none of truth, or one text, which
    may be in an array of one; or an array of several.
    """
    value = value.reshape(-1)[0] if isinstance(value, np.ndarray) and value.size == 1 else value
    value = value.item() if isinstance(value, np.generic) else value
    return array_checksum(np.asarray(value, dtype=object if isinstance(value, str) else None))


def content_bytes(array: np.ndarray) -> np.ndarray | bytes:
    """Bytes of numbers in little-endian order, or of texts with a zero byte behind each."""
    if array.dtype.kind in "OUS":
        return b"".join(_text_bytes(text) + b"\0" for text in array.reshape(-1).tolist())
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return little.reshape(-1).view(np.uint8)


@dataclass
class Checksums:
    """Checksums of a file, as its attribute lists them; each array is compared once.

    Attributes
    ----------
    path
        The file, for messages.
    attributes, data
        Name of an attribute, full name of a data set -> hexadecimal digits.
    others
        What else the attribute has.
    what
        Name of the kind of file, for messages.
    """

    path: Path
    attributes: dict[str, str]
    data: dict[str, str]
    others: dict[str, object] = field(default_factory=dict)
    what: str = "image file"
    _good: set[str] = field(default_factory=set, repr=False)

    @classmethod
    def stored(cls, path: Path, text: str, what: str = "image file") -> "Checksums":
        """Checksums of a file, of the text of its attribute.

        Raises
        ------
        InputError
            If they cannot be read, or are made by another hash.
        """
        try:
            others = dict(json.loads(text))
            found = others.pop("hash"), dict(others.pop("attributes")), dict(others.pop("data"))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise InputError(
                f"{path}: damaged {what} (its attribute '{ATTRIBUTE}' is no list of checksums); "
                "build it again"
            ) from error
        if found[0] != HASH:
            raise InputError(
                f"{path}: its checksums are made by {found[0]!r}: this calovision knows {HASH}"
            )
        return cls(path, *found[1:], others, what)

    def require_attributes(self, attributes: Mapping[str, Value]) -> None:
        """Raise InputError unless these attributes of the file, all that a reader takes, are those
        that were written.
        """
        self._require_names("attribute", attributes, self.attributes)
        for name, value in attributes.items():
            if attribute_checksum(value) != self.attributes[name]:
                raise self.damaged(f"the attribute '{name}' does not fit its checksum")

    def require_data(self, names: Iterable[str]) -> None:
        """Raise InputError unless the file has these data sets, all that a reader takes."""
        self._require_names("data set", names, self.data)

    def require_array(self, name: str, array: np.ndarray) -> None:
        """Raise InputError unless a whole array is the one that was written."""
        if self.is_due(name):
            self.require_pieces(name, [array], array.dtype, array.shape)

    def require_pieces(
        self, name: str, pieces: Iterable[np.ndarray], dtype: np.dtype, shape: tuple[int, ...]
    ) -> None:
        """`require_array` of an array that comes in pieces along its first axis."""
        for _ in self.compared(name, pieces, dtype, shape):
            pass

    def compared(
        self, name: str, pieces: Iterable[np.ndarray], dtype: np.dtype, shape: tuple[int, ...]
    ) -> Iterator[np.ndarray]:
        """Hand on the pieces of an array, and raise InputError behind the last unless all are those
        that were written.
        """
        checksum = ArrayChecksum()
        for piece in pieces:
            checksum.add(piece)
            yield piece
        if checksum.digits(dtype, shape) != self.data[name]:
            raise self.damaged(f"'{name}' does not fit its checksum")
        self._good.add(name)

    def is_due(self, name: str) -> bool:
        """Tell whether an array has a checksum that was not compared yet."""
        return name in self.data and name not in self._good

    def damaged(self, wrong: str) -> InputError:
        """The error for a file that is not what was written."""
        return InputError(f"{self.path}: damaged {self.what} ({wrong}); build it again")

    def _require_names(self, what: str, found: Iterable[str], listed: Iterable[str]) -> None:
        found, listed = set(found), set(listed)
        if lost := sorted(listed - found):
            raise self.damaged(f"it has a checksum of the {what} '{lost[0]}', but not that")
        if new := sorted(found - listed):
            raise self.damaged(f"it has no checksum of the {what} '{new[0]}'")


def checksums_text(
    attributes: Mapping[str, Value], data: Mapping[str, str], **others: object
) -> str:
    """Content of the attribute for these attributes, and for data sets whose checksums are
    known.
    """
    of_attributes = {name: attribute_checksum(value) for name, value in attributes.items()}
    return json.dumps({"hash": HASH, **others, "attributes": of_attributes, "data": dict(data)})


def _text_bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else str(text).encode()
