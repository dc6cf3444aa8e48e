"""Flagged towers joined to objects: a dead board of 25 towers is one, and what kind it is."""

from collections.abc import Iterator

import numpy as np

KINDS = {
    "dead": "no hits, or hardly any",
    "low": "fewer hits than expected",
    "hot": "many more hits than expected",
    "high": "more hits than expected",
    "low_energy": "as many hits as expected, with less energy",
    "high_energy": "as many hits as expected, with more energy",
}
"""Kinds of deviations of a tower; objects have them with `SHAPES` behind."""

SHAPES = {
    "tower": "one tower",
    "region": "neighbouring towers",
    "ring": "most of a ring in eta",
    "channel": "most of a channel",
}

OF_ENERGY = (4, 5)
"""Numbers of the kinds whose hits are as expected."""

DEAD = 0.1
"""Share of the expected hits up to which a tower is dead."""
HOT = 1.5
"""Share of the expected hits from which it is hot."""
MOST = 0.75
"""Share of the towers of a ring, or of a channel, that makes an object one of these."""
CERTAIN = 3.0
"""Standard deviations of the hits, by the expected number, from which they are what deviates."""


def connected(flagged: np.ndarray) -> Iterator[np.ndarray]:
    """Groups of neighbouring flagged cells of a plane, across corners and across phi = pi.

    Parameters
    ----------
    flagged
        Mask ``(n_eta, n_phi)``.

    Yields
    ------
    Eta and phi indices of the cells of a group, int64 ``(n, 2)``, ascending.
    """
    n_eta, n_phi = flagged.shape
    left = set(zip(*(index.tolist() for index in np.nonzero(flagged)), strict=True))
    for first in sorted(left):
        if first not in left:
            continue
        left.remove(first)
        group = [first]
        for eta, phi in group:  # grows while it is gone through
            for e in range(max(eta - 1, 0), min(eta + 2, n_eta)):
                for p in range(phi - 1, phi + 2):
                    cell = e, p % n_phi
                    if cell in left:
                        left.remove(cell)
                        group.append(cell)
        yield np.array(sorted(group), dtype=np.int64)


def deviations(
    expected_hits: np.ndarray,
    found_hits: np.ndarray,
    expected_mean: np.ndarray,
    found_mean: np.ndarray,
) -> np.ndarray:
    """Kind of deviation of each tower, numbers of `KINDS` in their order.

    Hits decide where they are certainly others than expected, or where the energies say nothing.
    """
    is_certain = np.abs(found_hits - expected_hits) >= CERTAIN * np.sqrt(
        np.maximum(expected_hits, 1.0)
    )
    ratio = found_hits / np.where(expected_hits > 0, expected_hits, np.nan)
    of_hits = np.select(
        [ratio <= DEAD, found_hits < expected_hits, ratio < HOT, ratio >= HOT],
        [0, 1, 3, 2],
        2,  # hits where none is expected
    )
    of_energy = np.where(found_mean < expected_mean, 4, 5)
    says_energy = np.isfinite(found_mean) & np.isfinite(expected_mean) & (expected_mean > 0)
    return np.where(is_certain | ~says_energy, of_hits, of_energy)


def kind_of(deviation: np.ndarray, cells: np.ndarray, live: np.ndarray, total: int) -> str:
    """Kind of an object: the deviation that most of its towers have, and the shape.

    Where that is one of energies, it is the deviation of the sum of the towers: hits that no single
    tower misses with certainty may be missed by a ring.

    Parameters
    ----------
    deviation
        Of each tower of the object, as of `deviations`.
    cells
        Its eta and phi indices, ``(n, 2)``.
    live
        Cells of the plane that have hits in good runs, ``(n_eta, n_phi)``.
    total
        Deviation of the sum of the towers, as of `deviations`.
    """
    of_most = int(np.bincount(deviation).argmax())
    name = list(KINDS)[total if of_most in OF_ENERGY else of_most]
    if len(cells) == 1:
        return f"{name}_tower"
    if len(cells) >= MOST * live.sum():
        return f"{name}_channel"
    rings, counts = np.unique(cells[:, 0], return_counts=True)
    n_live = np.maximum(live[rings].sum(axis=1), 1)
    return f"{name}_ring" if np.mean(counts / n_live) >= MOST else f"{name}_region"


def title_of(kind: str) -> str:
    """Kind of an object for people."""
    return kind.replace("_", " ").capitalize()
