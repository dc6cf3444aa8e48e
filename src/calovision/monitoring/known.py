"""Known faults: towers of earlier flags, and which deviations of theirs raise no alarm."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from calovision.core.errors import InputError
from calovision.monitoring.flags import FlaggedTower, RunFlags
from calovision.monitoring.grouping import DEAD, HOT, KINDS
from calovision.monitoring.masks import grid_of

if TYPE_CHECKING:
    from calovision.monitoring.reference import Reference

Known = frozenset[tuple[str, int, int, str]]
"""Channel, eta and phi index of a tower, and a kind of deviation (`grouping.KINDS`)."""

LOWER, HIGHER = ("low", "low_energy"), ("high", "high_energy")


def known_faults(flags: RunFlags) -> Known:
    """Deviations that are known of the flagged towers.

    One that was dead may be low, one that was hot may be high, since the fault is no new one; the
    other way round it is.
    """
    return frozenset(
        (alarm.channel, tower.eta_index, tower.phi_index, kind)
        for alarm in flags.alarms
        for tower in alarm.towers
        for kind in _covered(alarm.kind, tower)
    )


def read_known(paths: Sequence[Path], reference: "Reference") -> Known:
    """Known deviations of files of flags.

    Raises
    ------
    InputError
        If one is no file of flags, or its cells are not those of the reference.
    """
    found: set[tuple[str, int, int, str]] = set()
    for path in paths:
        flags = RunFlags.read(path)
        try:
            grid = grid_of(flags)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        wanted = reference.grid
        if (grid.n_eta, grid.n_phi) != (wanted.n_eta, wanted.n_phi) or not np.allclose(
            grid.edges_in_eta, wanted.edges_in_eta
        ):
            raise InputError(
                f"{path}: the known faults are of {_in_words(grid.edges_in_eta, grid.n_phi)}, but "
                f"the cells of the reference are {_in_words(wanted.edges_in_eta, wanted.n_phi)}; "
                "give flags of these cells"
            )
        found |= known_faults(flags)
    return frozenset(found)


def are_known(
    known: Known, channel: str, cells: Iterable[tuple[int, int]], deviation: np.ndarray
) -> bool:
    """Tell whether the deviations of all cells of an object, numbers of `KINDS`, are known."""
    names = list(KINDS)
    of_cells = zip(cells, deviation.tolist(), strict=True)
    return all((channel, eta, phi, names[kind]) in known for (eta, phi), kind in of_cells)


def _covered(kind: str, tower: FlaggedTower) -> Iterator[str]:
    """Kinds of deviations that a flagged tower of an object may have again."""
    is_low = kind.startswith(("dead", "low"))
    yield from LOWER if is_low else HIGHER
    if is_low and tower.found_hits <= DEAD * tower.expected_hits:
        yield "dead"
    if not is_low and tower.found_hits >= HOT * tower.expected_hits:
        yield "hot"


def _in_words(edges: np.ndarray, n_phi: int) -> str:
    return f"{len(edges) - 1}x{n_phi} cells from {edges[0]:g} to {edges[-1]:g} in eta"
