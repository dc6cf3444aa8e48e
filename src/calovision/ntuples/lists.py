"""Objects of a chunk in lists: flat fields and offsets, joined, and as awkward arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import awkward as ak
import numpy as np

Content = ak.contents.Content


@dataclass(frozen=True)
class Lists:
    """A collection of a chunk: fields ``(m,)`` and the offsets of its lists, and of lists in
    them.
    """

    fields: dict[str, np.ndarray]
    offsets: np.ndarray
    inner: np.ndarray | None = None

    def records(self, name: str | None = None) -> ak.contents.RecordArray:
        """Records without their lists."""
        contents = [ak.contents.NumpyArray(values) for values in self.fields.values()]
        parameters = {} if name is None else {"__record__": name}
        return ak.contents.RecordArray(contents, list(self.fields), parameters=parameters)

    def array(self, name: str | None = None) -> ak.Array:
        """Records of the given name, ``n * var``."""
        return listed(self.offsets, self.records(name))


def listed(offsets: np.ndarray, *contents: Content | np.ndarray) -> ak.Array:
    """Lists (of lists, if further offsets are given before the content), without a copy."""
    *inner, content = contents
    for bounds in (*reversed(inner), offsets):
        content = ak.contents.ListOffsetArray(ak.index.Index64(bounds), content)
    return ak.Array(content)


def joined(parts: Sequence[Lists]) -> Lists:
    """Join the lists of several parts one after the other, with the fields that all parts have."""
    if len(parts) == 1:
        return parts[0]
    counts = [np.diff(part.offsets) for part in parts]
    offsets = np.concatenate([[0], np.cumsum(np.sum(counts, axis=0))])
    place = np.concatenate([np.repeat(np.arange(len(of_part)), of_part) for of_part in counts])
    order = np.argsort(place, kind="stable")
    names = [name for name in parts[0].fields if all(name in part.fields for part in parts)]
    fields = {name: np.concatenate([part.fields[name] for part in parts])[order] for name in names}
    return Lists(fields, offsets)
