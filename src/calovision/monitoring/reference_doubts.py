"""Doubts about a reference: cells that are dead or hot in the good runs, too, runs that differ from
the others, too few events.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from calovision.core.errors import InputError
from calovision.monitoring.layout import MapLayout
from calovision.monitoring.map_checks import named
from calovision.monitoring.reference_cells import LEAST_RUNS

ENOUGH = 20.0
"""Hits that a ring must have in a cell for the cell to be called dead, or hot."""
HOT_RATIO = 1.5
HOT_SIGMA = 6.0
MOST_OF_A_RING = 0.25
"""Share of dead cells of a ring above which cells of the grid are without a tower, not dead."""
MAD = 1.4826
FEW_HITS = 5
"""Hits of half of the cells of a channel, below which this is said."""
MOST_SENTENCES = 6


@dataclass(frozen=True)
class ReferenceFault:
    """A cell whose reference differs from its ring.

    Attributes
    ----------
    kind
        "dead" or "hot".
    channel, eta, phi
        Indices of the cell.
    sentence
        For people.
    """

    kind: str
    channel: int
    eta: int
    phi: int
    sentence: str


def find_faults(layout: MapLayout, rate: np.ndarray, n_events: int) -> list[ReferenceFault]:
    """Cells without a hit among live ones of their ring, and cells with far more hits than these.

    Parameters
    ----------
    layout
        Of the reference.
    rate
        Of it, ``(n_channels, n_eta, n_phi)``.
    n_events
        Events of the good runs.
    """
    hits = rate * n_events
    usual = np.median(hits, axis=-1, keepdims=True)
    is_live = usual >= ENOUGH
    dead = is_live & (hits < 0.5)
    dead &= dead.mean(axis=-1, keepdims=True) <= MOST_OF_A_RING
    hot = _hot(hits, usual, n_events)
    return [
        *(_fault("dead", layout, cell, usual, hits) for cell in np.argwhere(dead).tolist()),
        *(_fault("hot", layout, cell, usual, hits) for cell in np.argwhere(hot).tolist()),
    ]


def _hot(hits: np.ndarray, usual: np.ndarray, n_events: int) -> np.ndarray:
    """Cells with far more hits than the median of their ring, beyond its scatter and chance."""
    away = hits - usual
    scatter = MAD * np.median(np.abs(away), axis=-1, keepdims=True)
    expected = np.maximum(usual, 1.0)
    sigma = np.sqrt(expected + scatter**2)
    is_far = (away > HOT_SIGMA * sigma) & (hits > HOT_RATIO * usual) & (hits >= ENOUGH)
    others = (hits > 0).mean(axis=-1, keepdims=True) > 0.5  # the ring is there
    return is_far & others & (n_events > 0)


def _fault(
    kind: str, layout: MapLayout, cell: list[int], usual: np.ndarray, hits: np.ndarray
) -> ReferenceFault:
    channel, eta, phi = cell
    of_ring = f"the median of its ring has {usual[channel, eta, 0]:.0f}"
    found = "no hit" if kind == "dead" else f"{hits[channel, eta, phi]:.0f} hits"
    place = layout.place(channel, eta, phi)
    return ReferenceFault(
        kind,
        channel,
        eta,
        phi,
        f"the good runs hold a {kind} cell: {place} has {found} where {of_ring}",
    )


def require_no_faults(faults: Sequence[ReferenceFault]) -> None:
    """Raise InputError, which names the first of them, if there are faults."""
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise InputError(f"{faults[0].sentence}{more}; give other runs as good ones")


def mask_of(faults: Sequence[ReferenceFault], shape: tuple[int, int, int]) -> np.ndarray:
    """Cells with a fault, bool ``(n_channels, n_eta, n_phi)``."""
    mask = np.zeros(shape, dtype=bool)
    for one in faults:
        mask[one.channel, one.eta, one.phi] = True
    return mask


def doubts_of_cells(faults: Sequence[ReferenceFault]) -> list[str]:
    """Sentences about the faults."""
    return _shortened([one.sentence for one in faults], "cells of this kind")


def doubts_of_few(layout: MapLayout, rate: np.ndarray, n_events: int, n_runs: int) -> Iterator[str]:
    """Sentences about statistics."""
    if n_runs == 1:
        yield (
            "one good run does not tell how much runs differ, which is taken to be nothing but "
            "chance; name more good runs"
        )
    elif n_runs < LEAST_RUNS:
        yield f"of {n_runs} good runs none can be told to be faulty; name more good runs"
    for channel, of_cells in zip(layout.channels, rate * n_events, strict=True):
        if np.median(of_cells[of_cells > 0]) < FEW_HITS:
            yield (
                f"half of the cells of channel {channel} that are hit have fewer than {FEW_HITS} "
                f"hits in the {n_events} events of the good runs, so dead ones cannot be told; "
                "name more good runs, or take larger cells"
            )


def doubts_of_runs(run: np.ndarray, lumi_block: np.ndarray, n_cells: np.ndarray) -> list[str]:
    """Sentences about runs that differ from the others, those in most cells first."""
    order = np.argsort(-n_cells, kind="stable")
    sentences = [
        f"{named((run[row], lumi_block[row]))} differs from the other good runs in {n_cells[row]} "
        f"cell{'s' if n_cells[row] > 1 else ''}, for which it is left out: is it good?"
        for row in order
        if n_cells[row] > 0
    ]
    return _shortened(sentences, "runs of this kind")


def _shortened(sentences: list[str], what: str) -> list[str]:
    """The first sentences, and how many more there are."""
    left = len(sentences) - MOST_SENTENCES
    return sentences if left <= 0 else [*sentences[:MOST_SENTENCES], f"{left} more {what}"]
