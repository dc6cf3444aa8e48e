"""First values of groups of branches: numbers of objects, ranges, and the unit that follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import awkward as ak
import numpy as np

from calovision.ntuples.suggestions.groups import Group
from calovision.ntuples.suggestions.roles import Role

LARGEST_MEDIAN_OF_JETS = 3000.0  # in GeV; beam energies end at 7000
LARGEST_MEDIAN = 100.0  # of tracks, towers and candidates, in GeV; in MeV cuts begin at some 100
LARGEST_ETA = 20.0
FULL_CIRCLE = 360.5  # degrees


@dataclass(frozen=True)
class Measured:
    """A group and what its first entries hold.

    Attributes
    ----------
    group
        Without the branches that cannot be read.
    counts
        Objects of each entry, ``(n,)``; of lists of lists the outer ones.
    inner_counts
        Objects of each inner list, entry after entry; None without them.
    ranges
        Quantity -> smallest and largest finite value, and the median of the absolute values that
        are not 0.
    problems
        Branches that cannot be read, with the reason.
    """

    group: Group
    counts: np.ndarray
    inner_counts: np.ndarray | None = None
    ranges: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def n_objects(self) -> int:
        """Objects of all entries that were read; for lists of lists of the inner lists."""
        counts = self.counts if self.inner_counts is None else self.inner_counts
        return int(counts.sum())

    @property
    def is_dark(self) -> bool:
        """Return True if no object has energy."""
        found = [self.ranges[name][2] for name in ("e", "pt", "et", "px") if name in self.ranges]
        return self.n_objects > 0 and bool(found) and max(found) == 0

    @property
    def mean(self) -> float:
        """Objects an entry."""
        return self.n_objects / len(self.counts) if len(self.counts) else 0.0


def measure(group: Group, arrays: Mapping[str, ak.Array | str]) -> Measured | None:
    """Measure a group; None if what can be read has no direction, or lists of several lengths.

    Parameters
    ----------
    group
        The branches.
    arrays
        Branch -> its first entries, or the reason why it cannot be read.
    """
    names = group.read_names
    problems = {name: arrays[name] for name in names if isinstance(arrays[name], str)}
    group = group.without(problems)
    if not group.has_direction:
        return None
    names = group.read_names
    counts, inner = _counts(arrays[names[0]], group)
    for name in names[1:]:
        other, other_inner = _counts(arrays[name], group)
        if not np.array_equal(counts, other) or not _equal(inner, other_inner):
            return None
    ranges = {
        quantity: found
        for quantity, of in group.columns.items()
        if (found := _range(of, arrays)) is not None
    }
    return Measured(group, counts, inner, ranges, problems)


def _counts(values: ak.Array, group: Group) -> tuple[np.ndarray, np.ndarray | None]:
    if group.lists == 0:
        return np.full(len(values), group.n_objects), None
    counts = ak.to_numpy(ak.num(values, axis=1))
    if group.lists == 1:
        return counts, None
    return counts, ak.to_numpy(ak.ravel(ak.num(values, axis=2)))


def _equal(first: np.ndarray | None, second: np.ndarray | None) -> bool:
    return (first is None and second is None) or np.array_equal(first, second)


def _range(
    names: Sequence[str], arrays: Mapping[str, ak.Array | str]
) -> tuple[float, float, float] | None:
    """Smallest and largest value, and median; None without values."""
    flat = [ak.to_numpy(ak.ravel(arrays[name])).astype(np.float64) for name in names]
    values = np.concatenate(flat)
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    filled = np.abs(values[values != 0])
    return (
        float(values.min()),
        float(values.max()),
        float(np.median(filled)) if len(filled) else 0.0,
    )


@dataclass(frozen=True)
class Unit:
    """Unit of energies and momenta, and why.

    Attributes
    ----------
    divisor
        What makes GeV of it: 1, or 1000 for MeV.
    reason
        For a comment.
    """

    divisor: int
    reason: str


def unit_of(measured: Measured) -> Unit:
    """MeV or GeV, by the magnitude of the momenta or energies."""
    for quantity in ("pt", "e", "et", "e_em", "px", "qoverp", "mass"):
        if quantity in measured.ranges:
            median = measured.ranges[quantity][2]
            if quantity == "qoverp" and median:
                quantity, median = "p", 1 / median
            is_jet = measured.group.role is Role.JET
            limit = LARGEST_MEDIAN_OF_JETS if is_jet else LARGEST_MEDIAN
            if median > limit:
                return Unit(1000, f"median {quantity} {median:,.0f}: MeV, hence / 1000")
            return Unit(1, f"median {quantity} {median:,.3g}: GeV")
    return Unit(1, "no values in the first entries: taken for GeV")
