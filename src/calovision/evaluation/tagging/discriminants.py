"""Discriminants: the logarithm of the ratio of what signal is likely to be to what background is.

``log(sum_s g_s P_s / sum_b f_b P_b)`` with the probabilities P of the classes and their shares g in
the signal and f in the background: by the lemma of Neyman and Pearson the best order of the rows
for these shares, as far as the probabilities are right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from scipy.special import logsumexp

from calovision.core.errors import InputError
from calovision.core.registry import nearest

REST = "rest"


@dataclass(frozen=True)
class Discriminant:
    """Classes that are told apart.

    Attributes
    ----------
    name
        Of the discriminant.
    signal, background
        Class -> its share; the shares of each add up to 1.
    """

    name: str
    signal: dict[str, float]
    background: dict[str, float]

    @classmethod
    def read(
        cls, name: str, definition: Mapping[str, Any], classes: Sequence[str]
    ) -> "Discriminant":
        """Discriminant of a configuration: ``signal`` and ``background`` are each the name of a
        class, a list of names with equal shares, or class -> share.

        Raises
        ------
        InputError
            If a class does not exist, a share is not positive, or a class is on both sides.
        """
        sides = [
            _shares(definition[side], f"'tagging.discriminants.{name}.{side}'", classes)
            for side in ("signal", "background")
        ]
        for one in sides[0]:
            if one in sides[1]:
                raise InputError(
                    f"'tagging.discriminants.{name}': class '{one}' is signal and background; name "
                    "it on one side"
                )
        return cls(name, *sides)

    def values(self, log_probabilities: np.ndarray, classes: Sequence[str]) -> np.ndarray:
        """Values of rows with log-probabilities ``(n, n_classes)``, ``(n,)``."""
        signal, background = (
            _weighted_sum(log_probabilities, side, classes)
            for side in (self.signal, self.background)
        )
        return signal - background

    def shares(self, labels: np.ndarray, classes: Sequence[str]) -> np.ndarray:
        """Share of the class of each row in its side, ``(n,)``; 0 for a class on neither."""
        both = self.signal | self.background
        return np.array([both.get(name, 0.0) for name in classes])[labels]

    def is_signal(self, labels: np.ndarray, classes: Sequence[str]) -> np.ndarray:
        """Booleans of the rows of signal, ``(n,)``."""
        return np.isin(
            labels, [position for position, one in enumerate(classes) if one in self.signal]
        )

    def title(self, titles: Mapping[str, str]) -> str:
        """``top against quark, gluon``: classes by their titles, ``the rest`` where it is that of
        all others.
        """
        names = [", ".join(titles.get(one, one) for one in side) for side in self.sides]
        return f"{names[0]} against {'the rest' if self.name.endswith(_OF_REST) else names[1]}"

    @property
    def sides(self) -> tuple[dict[str, float], dict[str, float]]:
        """Signal and background."""
        return self.signal, self.background


_OF_REST = f"_vs_{REST}"


def all_discriminants(
    classes: Sequence[str], configured: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Discriminant]:
    """Those of the user's own, of each class against the rest, and of each against each other.

    Of two classes there is one only, the second against the first, beside those of the user's own.
    """
    found = [Discriminant.read(name, one, classes) for name, one in (configured or {}).items()]
    found += one_versus_rest(classes)
    found += one_versus_one(classes) if len(classes) > 2 else []
    return _by_name(found)


def main_discriminants(
    discriminants: Mapping[str, Discriminant], classes: Sequence[str]
) -> dict[str, Discriminant]:
    """Those with tables and panels of their own: all but the pairs of more than two classes."""
    pairs = one_versus_one(classes) if len(classes) > 2 else []
    return {name: one for name, one in discriminants.items() if one not in pairs}


def one_versus_rest(classes: Sequence[str]) -> list[Discriminant]:
    """Each class against all others with equal shares; of two classes the second against the
    first.
    """
    if len(classes) == 2:
        return [_pair(classes[1], classes[0])]
    return [
        Discriminant(f"{one}{_OF_REST}", {one: 1.0}, _equal([c for c in classes if c != one]))
        for one in classes
    ]


def one_versus_one(classes: Sequence[str]) -> list[Discriminant]:
    """Each class against each other, in both directions: the rejection differs."""
    return [_pair(*pair) for pair in permutations(classes, 2)]


def _pair(signal: str, background: str) -> Discriminant:
    return Discriminant(f"{signal}_vs_{background}", {signal: 1.0}, {background: 1.0})


def _by_name(found: Sequence[Discriminant]) -> dict[str, Discriminant]:
    """By name; the first of a name stays, which is the user's."""
    named: dict[str, Discriminant] = {}
    for one in found:
        named.setdefault(one.name, one)
    return named


def _equal(names: Sequence[str]) -> dict[str, float]:
    return {name: 1.0 / len(names) for name in names}


def _shares(given: Any, where: str, classes: Sequence[str]) -> dict[str, float]:
    """Class -> share, with the sum 1."""
    if isinstance(given, str):
        given = [given]
    shares = dict(given) if isinstance(given, Mapping) else _equal(list(given))
    for name, share in shares.items():
        if name not in classes:
            raise InputError(
                f"{where}: there is no class '{name}'{nearest(name, classes)}; choose from "
                f"{', '.join(classes)}"
            )
        if not (share > 0 and np.isfinite(share)):
            raise InputError(f"{where}: the share of '{name}' is {share}; give a positive number")
    if not shares:
        raise InputError(f"{where}: names no class; choose from {', '.join(classes)}")
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()}


def _weighted_sum(
    log_probabilities: np.ndarray, shares: Mapping[str, float], classes: Sequence[str]
) -> np.ndarray:
    """Logarithm of the sum of the probabilities of classes by their shares, ``(n,)``."""
    places = [list(classes).index(name) for name in shares]
    if len(places) == 1:
        return log_probabilities[:, places[0]]
    return logsumexp(log_probabilities[:, places], axis=1, b=np.array([*shares.values()]))
