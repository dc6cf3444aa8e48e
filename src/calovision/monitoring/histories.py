"""Hits of flagged objects in all runs, collected block by block."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from calovision.monitoring.expectation import Expectation
from calovision.monitoring.flags import Alarm
from calovision.monitoring.run_maps import RunMaps

if TYPE_CHECKING:
    from calovision.monitoring.reference import Reference

Index = tuple[int, np.ndarray, np.ndarray]
"""Channel, and eta and phi indices, of the towers of an object."""


def index_of(alarm: Alarm, channels: Sequence[str]) -> Index:
    """Place of the towers of an object in the maps."""
    eta, phi = np.array([(one.eta_index, one.phi_index) for one in alarm.towers]).T
    return list(channels).index(alarm.channel), eta, phi


def collect_histories(
    blocks: Iterable[RunMaps], reference: "Reference", objects: Mapping[int, Index]
) -> tuple[np.ndarray, dict[int, np.ndarray], dict[int, np.ndarray]]:
    """Hits and expected hits of objects in each run.

    Parameters
    ----------
    blocks
        Maps of all runs, of which one block is in memory.
    reference
        Of the same cells and channels.
    objects
        Places of their towers, by any numbers.

    Returns
    -------
    run
        ``(n_runs,)``.
    found, expected
        By the numbers of the objects, ``(n_runs,)`` each.
    """
    runs: list[np.ndarray] = []
    found: dict[int, list[np.ndarray]] = {number: [] for number in objects}
    expected: dict[int, list[np.ndarray]] = {number: [] for number in objects}
    for maps in blocks:
        runs.append(maps.run)
        hits = Expectation.of(maps, reference).hits
        for number, (channel, eta, phi) in objects.items():
            found[number].append(maps.occupancy[:, channel, eta, phi].sum(axis=1))
            expected[number].append(hits[:, channel, eta, phi].sum(axis=1))
    empty = np.zeros(0)
    joined = [
        {number: np.concatenate([empty, *parts]) for number, parts in one.items()}
        for one in (found, expected)
    ]
    return np.concatenate([empty.astype(np.int64), *runs]), joined[0], joined[1]
