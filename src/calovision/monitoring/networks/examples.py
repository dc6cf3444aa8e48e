"""Examples that the networks learn from: good runs with fewer events, turned, and with faults."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from calovision.monitoring.faults import FAULTS
from calovision.monitoring.injection import inject
from calovision.monitoring.reference import Reference
from calovision.monitoring.run_maps import RunMaps

ROWS_OF_A_FAULT = 6
"""Runs that get a fault of one kind and strength, and over which a module fades."""
SHARE_WITHOUT = 1 / 6
LARGEST_BOARD = 6
"""Cells in eta and in phi of the largest region that is at fault in training."""


def thinned(
    maps: RunMaps, n_events: np.ndarray, widths: np.ndarray, rng: np.random.Generator
) -> RunMaps:
    """Maps of as many of the events of each run, drawn without putting back.

    Parameters
    ----------
    maps
        Good runs.
    n_events
        Events to keep, int ``(n_runs,)``; where a run has less it stays as it is.
    widths
        Relative width of the values of a hit, ``(n_channels, n_eta)``
        (`calovision.monitoring.networks.planes.relative_widths`).
    rng
        Random numbers.

    Returns
    -------
    Hits are hypergeometric, which is exact; the sum of their values is normal around their number
    times the mean of the run.
    """
    kept = np.minimum(maps.n_events, n_events)
    n = maps.n_events[:, None, None, None]
    before = np.clip(np.rint(maps.occupancy), 0, n).astype(np.int64)
    sample = np.broadcast_to(kept[:, None, None, None], before.shape)
    hits = rng.hypergeometric(before, n - before, sample).astype(np.float64)
    share = np.divide(hits, before, out=np.zeros_like(hits), where=before > 0)
    variance = np.divide(1 - share, hits, out=np.zeros_like(hits), where=hits > 0)
    noise = widths[:, :, None] * np.sqrt(variance) * rng.standard_normal(hits.shape)
    less = n > kept[:, None, None, None]
    return replace(
        maps,
        n_events=kept,
        occupancy=np.where(less, hits, maps.occupancy),
        total=np.where(less, maps.total * share * (1 + noise), maps.total),
    )


def random_events(maps: RunMaps, fewest: int, rng: np.random.Generator) -> np.ndarray:
    """Numbers of events between ``fewest`` and those of each run, flat in the logarithm; int64."""
    high = np.log(np.maximum(maps.n_events, 1))
    low = np.minimum(np.log(fewest), high)
    drawn = np.exp(low + rng.random(len(maps)) * (high - low))
    return np.maximum(np.rint(drawn).astype(np.int64), 1)


def turned(arrays: Sequence[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Arrays ``(n, ..., eta, phi)`` turned in phi by any number of cells, and mirrored in eta and
    in phi, all alike, row by row.
    """
    results = [np.empty_like(one) for one in arrays]
    for row in range(len(arrays[0])):
        step = int(rng.integers(arrays[0].shape[-1]))
        mirror = [slice(None, None, int(one)) for one in rng.choice([-1, 1], size=2)]
        for one, result in zip(arrays, results, strict=True):
            result[row] = np.roll(one[row], step, axis=-1)[..., mirror[0], mirror[1]]
    return results


def joined(parts: Sequence[RunMaps]) -> RunMaps:
    """Maps of several parts behind each other, of the same cells and channels."""
    names = ("run", "lumi_block", "n_events", "occupancy", "total")
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in names
    }
    return replace(parts[0], **arrays)


def with_faults(
    maps: RunMaps,
    reference: Reference,
    kinds: Sequence[str],
    faults_a_run: int,
    rng: np.random.Generator,
) -> tuple[RunMaps, np.ndarray]:
    """Maps with random faults, and the kinds of these.

    Some rows after each other get a fault of one kind and strength, in places of their own; a sixth
    of them none. Strengths are flat in the logarithm between those of `FAULTS`, and boards of any
    size up to `LARGEST_BOARD`.

    Parameters
    ----------
    maps
        Good runs, in any order.
    reference
        Of the same cells and channels.
    kinds
        Names of kinds of faults.
    faults_a_run
        How often all rows are gone through.
    rng
        Random numbers.

    Returns
    -------
    The maps and labels, uint8 ``(n_runs, n_channels, n_eta, n_phi)``: 0 of a good cell, or 1 + the
    position of the kind; of faults on top of each other that of the later.
    """
    live = reference.rate > 0
    labels = np.zeros(maps.occupancy.shape, dtype=np.uint8)
    parts = [
        maps[first : first + ROWS_OF_A_FAULT] for first in range(0, len(maps), ROWS_OF_A_FAULT)
    ]
    for _ in range(faults_a_run):
        for place, part in enumerate(parts):
            kind = int(rng.integers(len(kinds)))
            if rng.random() < SHARE_WITHOUT:
                continue
            board = (
                int(rng.integers(1, LARGEST_BOARD + 1)),
                int(rng.integers(2, LARGEST_BOARD + 1)),
            )
            strength = _random_strength(kinds[kind], rng)
            parts[place], mask = inject(
                part, kinds[kind], strength, rng, rates=reference.rate, live=live, board=board
            )
            first = place * ROWS_OF_A_FAULT
            labels[first : first + len(part)][mask] = kind + 1
    return joined(parts), labels


def possible_kinds(maps: RunMaps) -> tuple[str, ...]:
    """Kinds of faults that maps of these channels can have."""
    return tuple(name for name in FAULTS if name != "swapped_channels" or len(maps.channels) > 1)


def _random_strength(kind: str, rng: np.random.Generator) -> float:
    low, high = np.log([min(FAULTS[kind].strengths), max(FAULTS[kind].strengths)])
    return float(np.exp(rng.uniform(low, high)))
