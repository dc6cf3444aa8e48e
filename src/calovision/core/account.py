"""Balance of a stage of the work: what it read, what it dropped and why, what it wrote.

Weights are those of the generator, not normalized. Sums are float64.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from calovision.core.errors import InputError
from calovision.core.result import Result

if TYPE_CHECKING:
    import numpy as np

TOLERANCE = 1e-9
"""Largest difference of two sums of the same weights, in units of the sum of their absolute values.
Summed in another order or in other blocks they differ by some 1e-16 for each block, since numpy
sums pairwise inside one: a million blocks stay below. A weight that is lost or changed shows unless
it is smaller than that. Of weights of both signs the sum itself is no scale, as it may be 0."""


@dataclass(frozen=True)
class Count(Result):
    """Number of rows with the sum of their weights.

    Attributes
    ----------
    n
        Number of events, or of jets where the rows are jets.
    weight
        Sum of their generator weights.
    absolute
        Sum of the absolute values of these; None where it is not known.
    """

    n: int = 0
    weight: float = 0.0
    absolute: float | None = None

    @classmethod
    def of(cls, weights: np.ndarray) -> Self:
        """Count of rows with these weights, ``(n,)``."""
        weights = weights.astype("float64", copy=False)
        return cls(len(weights), float(weights.sum()), float(abs(weights).sum()))

    def __add__(self, other: Count) -> Count:
        sizes = (self.absolute, other.absolute)
        absolute = None if None in sizes else sum(sizes)
        return Count(self.n + other.n, self.weight + other.weight, absolute)

    def __sub__(self, other: Count) -> Count:
        """Difference of two counts; the sum of the absolute values is not known of it."""
        return Count(self.n - other.n, self.weight - other.weight)

    def has_weight_of(self, other: Count) -> bool:
        """Tell whether two sums of weights are the same to `TOLERANCE`."""
        scale = max(abs(self.weight), abs(other.weight), self.absolute or 0, other.absolute or 0)
        return abs(self.weight - other.weight) <= TOLERANCE * scale


def total(counts: Iterable[Count]) -> Count:
    """Sum of counts; of none, nothing."""
    found = Count(absolute=0.0)
    for count in counts:
        found = found + count
    return found


@dataclass(frozen=True)
class Account(Result):
    """Balance of one stage for the rows of one sample.

    Attributes
    ----------
    stage
        ``"images"``, ``"split"`` and so on.
    sample
        Name.
    read
        Rows that it was given.
    dropped
        Reason -> rows that went no further.
    wrote
        Part of the output -> rows in it; each row is in one part.
    network
        Model, seed and fold, ``"cnn/seed1/fold0"``, of what a network does; else "".
    """

    stage: str
    sample: str
    read: Count
    dropped: dict[str, Count] = field(default_factory=dict)
    wrote: dict[str, Count] = field(default_factory=dict)
    network: str = ""

    @property
    def title(self) -> str:
        """Stage, network and sample in messages."""
        network = f" of {self.network}" if self.network else ""
        return f"sample '{self.sample}', {self.stage}{network}"

    @property
    def output(self) -> Count:
        """All that was written."""
        return total(self.wrote.values())

    def __add__(self, other: Account) -> Account:
        """Account of both, as of two files of a sample."""
        return Account(
            self.stage,
            self.sample,
            self.read + other.read,
            _added(self.dropped, other.dropped),
            _added(self.wrote, other.wrote),
            self.network,
        )

    def require_balance(self, where: str, advice: str) -> None:
        """Raise InputError unless what was read is what was dropped and written.

        Parameters
        ----------
        where
            Files in the message.
        advice
            What to do, its end.
        """
        dropped, written = total(self.dropped.values()), self.output
        for reason, count in self.dropped.items():
            if count.n < 0:
                raise InputError(
                    f"{self.title}: {where}: the step '{reason}' has {-count.n:,} rows more than "
                    f"the one before it; {advice}"
                )
        accounted = dropped + written
        if accounted.n != self.read.n:
            raise InputError(
                f"{self.title}: {where}: of {self.read.n:,} rows that were read {dropped.n:,} were "
                f"dropped and {written.n:,} written, which makes {accounted.n:,}: "
                f"{in_words(accounted.n - self.read.n)}; {advice}"
            )
        if not accounted.has_weight_of(self.read):
            raise InputError(
                f"{self.title}: {where}: the sum of weights is {self.read.weight:.12g} of what was "
                f"read, but {accounted.weight:.12g} of what was dropped and written; {advice}"
            )

    def require_link(self, before: Count, what: str, where: str, advice: str) -> None:
        """Raise InputError unless it read what a stage before it wrote.

        Parameters
        ----------
        before
            What that one wrote.
        what
            Its words in the message.
        where, advice
            As of `require_balance`.
        """
        if self.read.n != before.n:
            raise InputError(
                f"{self.title}: {where}: {self.read.n:,} rows were read, but {what} has "
                f"{before.n:,}: {in_words(self.read.n - before.n)}; {advice}"
            )
        if not self.read.has_weight_of(before):
            raise InputError(
                f"{self.title}: {where}: the sum of weights of what was read is "
                f"{self.read.weight:.12g}, but that of {what} {before.weight:.12g}; {advice}"
            )


def in_words(difference: int) -> str:
    """``3 are lost`` or ``3 are there twice or of something else``."""
    verb = "is" if abs(difference) == 1 else "are"
    if difference < 0:
        return f"{-difference:,} {verb} lost"
    return f"{difference:,} {verb} there twice or from elsewhere"


def _added(one: Mapping[str, Count], other: Mapping[str, Count]) -> dict[str, Count]:
    """Counts of both by name, in the order of the first one."""
    nothing = Count(absolute=0.0)
    return {name: one.get(name, nothing) + other.get(name, nothing) for name in {**one, **other}}
