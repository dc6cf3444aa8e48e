"""Faults put into maps of good runs, to train on and to measure what is found.

Each run gets one fault at a place of its own, around a cell that is drawn from the live ones. Hits
are taken away by binomial thinning and added by binomial draws among the events without one, so
that the maps are those that a detector with the fault would have given. Energies follow: those of
single hits are not in the maps, and are taken as exponentially distributed with the mean of the
cell in the run (of all runs, where it has none in this).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from calovision.core.errors import InputError
from calovision.monitoring.faults import FAULTS
from calovision.monitoring.run_maps import RunMaps

BOARD = (4, 4)
"""Cells in eta and phi of a front-end board, and of the region of a noise burst or a module."""
BURST_SHARE = 0.1
"""Share of the events with the noise burst, for strength 1."""
FADED = 0.1
"""Share of its hits that a module has lost where its cells count as faulty."""
MOST_ROTATED = 0.25
"""Largest rotation of the mapping, as a share of the turn."""


@dataclass
class _Injection:
    """Maps while they are changed, and what is needed for it.

    Attributes
    ----------
    hits, total
        As of the maps.
    n_events
        ``(n_runs, 1, 1, 1)``.
    rates
        Chance of a hit in an event, ``(n_channels, n_eta, n_phi)``.
    energies
        Mean energy of a hit, as ``hits``.
    thresholds
        ``(n_channels, 1, 1)``.
    live
        Where a fault can be, ``(n_channels, n_eta, n_phi)``.
    board
        Cells in eta and phi of a region.
    alike
        Runs after each other that have the same fault.
    """

    hits: np.ndarray
    total: np.ndarray
    n_events: np.ndarray
    rates: np.ndarray
    energies: np.ndarray
    thresholds: np.ndarray
    live: np.ndarray
    board: tuple[int, int]
    rng: np.random.Generator
    alike: int

    @property
    def n_runs(self) -> int:
        return len(self.hits)

    def places(self, n: int | None = None) -> np.ndarray:
        """Channel, eta and phi index of live cells at random, ``(n, 3)``, one for each run."""
        drawn = self.rng.choice(np.flatnonzero(self.live), self.n_drawn if n is None else n)
        chosen = self.for_runs(drawn) if n is None else drawn
        return np.stack(np.unravel_index(chosen, self.live.shape), axis=1)

    @property
    def n_drawn(self) -> int:
        """Number of different faults."""
        return -(-self.n_runs // self.alike)

    def for_runs(self, drawn: np.ndarray) -> np.ndarray:
        """Value that was drawn for each fault, for each run."""
        return np.repeat(drawn, self.alike, axis=0)[: self.n_runs]

    def cells(self) -> np.ndarray:
        """Mask of one cell a run."""
        mask = np.zeros(self.hits.shape, dtype=bool)
        mask[(np.arange(self.n_runs), *self.places().T)] = True
        return mask

    def rings(self) -> np.ndarray:
        """Mask of one ring of a channel a run."""
        channel, eta, _ = self.places().T
        mask = np.zeros(self.hits.shape, dtype=bool)
        mask[np.arange(self.n_runs), channel, eta] = True
        return mask & self.live

    def regions(self, places: np.ndarray | None = None) -> np.ndarray:
        """Mask of a region of one channel around each place, or around one of each run."""
        channel, eta, phi = (self.places() if places is None else places).T
        n_channels, n_eta, n_phi = self.live.shape
        height, width = min(self.board[0], n_eta), min(self.board[1], n_phi)
        first = np.clip(eta - height // 2, 0, n_eta - height)
        in_eta = np.arange(n_eta) - first[:, None]
        in_phi = (np.arange(n_phi) - phi[:, None] + width // 2) % n_phi
        inside = ((in_eta >= 0) & (in_eta < height))[:, :, None] & (in_phi < width)[:, None, :]
        of_channel = np.arange(n_channels) == channel[:, None]
        return of_channel[:, :, None, None] & inside[:, None] & self.live

    def thin(self, mask: np.ndarray, kept: np.ndarray | float) -> None:
        """Keep each hit of some cells with a chance; the share of the energy that stays is that of
        exponentially distributed energies.
        """
        hits = self.hits[mask]
        left = self.rng.binomial(hits.astype(np.int64), np.broadcast_to(kept, mask.shape)[mask])
        lost = hits - left
        a, b = self.rng.gamma(left), self.rng.gamma(lost)
        self.total[mask] *= np.where(lost == 0, 1.0, a / np.maximum(a + b, 1e-300))
        self.hits[mask] = left

    def add(self, mask: np.ndarray, chance: np.ndarray) -> None:
        """Hit some cells in each event without a hit with a chance, an array as the mask."""
        without = (self.n_events - self.hits)[mask].astype(np.int64)
        self.put(mask, self.rng.binomial(without, np.clip(chance[mask], 0, 1)))

    def put(self, mask: np.ndarray, added: np.ndarray) -> None:
        """Add numbers of hits to the cells of a mask, with energies above the threshold."""
        threshold = np.broadcast_to(self.thresholds, mask.shape)[mask]
        above = np.maximum(self.energies[mask] - threshold, 0.0)
        self.total[mask] += threshold * added + above * self.rng.gamma(added)
        self.hits[mask] += added


def inject(
    maps: RunMaps,
    kind: str,
    strength: float | None = None,
    rng: np.random.Generator | int = 0,
    *,
    rates: np.ndarray | None = None,
    live: np.ndarray | None = None,
    board: tuple[int, int] = BOARD,
    alike: int = 1,
) -> tuple[RunMaps, np.ndarray]:
    """Maps with a fault in every run.

    Parameters
    ----------
    maps
        Good runs; they are not changed.
    kind
        Name of one of `FAULTS`.
    strength
        Of the fault, as its kind has it; None takes the first that is studied.
    rng
        Generator, or a seed.
    rates
        Chance of a hit in an event for each cell, ``(n_channels, n_eta, n_phi)``; None takes it
        from the maps.
    live
        Cells that may be at fault, bool, the same shape; None takes those with hits.
    board
        Cells in eta and phi of a region.
    alike
        So many runs after each other have the same fault in the same place.

    Returns
    -------
    The maps, and what is faulty: bool ``(n_runs, n_channels, n_eta, n_phi)``. A module counts as
    faulty where it has lost at least `FADED` of its hits.

    Raises
    ------
    InputError
        If there is no such kind, the strength is none of it, no cell is live, or there is only one
        channel to swap.
    """
    fault = FAULTS.find(kind, "injected fault")
    strength = fault.strengths[0] if strength is None else float(strength)
    if not (np.isfinite(strength) and strength > 0):
        raise InputError(f"fault '{kind}': the strength {strength:g} must be positive and finite")
    if alike < 1:
        raise InputError(f"fault '{kind}': {alike} runs cannot be alike; give 1 or more")
    if kind not in _KINDS:
        raise InputError(f"fault '{kind}' cannot be injected; choose from {', '.join(_KINDS)}")
    state = _start(maps, rates, live, board, np.random.default_rng(rng), alike)
    mask = _KINDS[kind](state, strength)
    return replace(maps, occupancy=state.hits, total=state.total), mask


def _start(
    maps: RunMaps,
    rates: np.ndarray | None,
    live: np.ndarray | None,
    board: tuple[int, int],
    rng: np.random.Generator,
    alike: int,
) -> _Injection:
    hits = maps.occupancy.sum(axis=0)
    shape = hits.shape
    if rates is None:
        rates = hits / max(int(maps.n_events.sum()), 1)
    if live is None:
        live = rates > 0
    for name, array in (("rates", rates), ("live", live)):
        if np.shape(array) != shape:
            raise InputError(f"injected fault: {name} has the shape {np.shape(array)}, not {shape}")
    if len(maps) and not live.any():
        raise InputError("injected fault: no cell has hits, so none can be at fault")
    own, all_runs = (
        np.divide(total, number, where=number > 0, out=np.full(number.shape, np.nan))
        for total, number in ((maps.total, maps.occupancy), (maps.total.sum(axis=0), hits))
    )
    thresholds = np.asarray(maps.thresholds, dtype=np.float64)[:, None, None]
    pooled = np.where(np.isnan(all_runs), thresholds, all_runs)
    return _Injection(
        maps.occupancy.astype(np.float64),
        maps.total.astype(np.float64),
        maps.n_events[:, None, None, None],
        np.asarray(rates, dtype=np.float64),
        np.where(np.isnan(own), pooled, own),
        thresholds,
        np.asarray(live, dtype=bool),
        board,
        rng,
        alike,
    )


def _dead_tower(state: _Injection, strength: float) -> np.ndarray:
    """Lose a share of the hits of a cell, all of them for strength 1."""
    return _lose(state, state.cells(), strength)


def _dead_board(state: _Injection, strength: float) -> np.ndarray:
    return _lose(state, state.regions(), strength)


def _lose(state: _Injection, mask: np.ndarray, share: float) -> np.ndarray:
    if share > 1:
        raise InputError(f"a dead cell loses a share of its hits, 1 or less, not {share:g}")
    if share == 1:
        state.hits[mask] = 0
        state.total[mask] = 0  # also what is below the threshold
    else:
        state.thin(mask, 1 - share)
    return mask


def _hot_tower(state: _Injection, strength: float) -> np.ndarray:
    """So many times the hits in the mean: q = (f - 1) p / (1 - p) in the events without."""
    if strength < 1:
        raise InputError(f"a hot tower has more than its hits: a factor above 1, not {strength:g}")
    mask = state.cells()
    more = np.minimum((strength - 1) * state.rates, 1 - state.rates)
    chance = more / np.maximum(1 - state.rates, 1e-12)
    state.add(mask, np.broadcast_to(chance, mask.shape))
    return mask


def _miscalibrated_ring(state: _Injection, strength: float) -> np.ndarray:
    """All energies larger by a share; more of them are above the threshold, as many as an
    exponential spectrum that goes on below it has between threshold / (1 + share) and threshold.
    """
    mask = state.rings()
    state.total[mask] *= 1 + strength
    above = np.maximum(state.energies - state.thresholds, 1e-12)
    reach = state.thresholds * strength / (1 + strength) / above
    more = state.rates * np.expm1(np.minimum(reach, 1.0))
    chance = np.clip(more / np.maximum(1 - state.rates, 1e-12), 0, 1)
    without = (state.n_events - state.hits)[mask].astype(np.int64)
    state.hits[mask] += state.rng.binomial(without, chance[mask])
    return mask


def _noise_burst(state: _Injection, strength: float) -> np.ndarray:
    """All cells of a region hit in the same events, a share `BURST_SHARE` for strength 1."""
    mask = state.regions()
    n_events = state.n_events[:, 0, 0, 0]
    bursts = state.rng.binomial(n_events, min(BURST_SHARE * strength, 1.0))[:, None, None, None]
    hits = state.hits[mask].astype(np.int64)
    without = np.broadcast_to(state.n_events, mask.shape)[mask].astype(np.int64) - hits
    drawn = np.broadcast_to(bursts, mask.shape)[mask]
    state.put(mask, state.rng.hypergeometric(without, hits, drawn))
    return mask


def _rotated_phi(state: _Injection, strength: float) -> np.ndarray:
    """A channel that stands up to `MOST_ROTATED` of a turn away, in either direction."""
    n_phi = state.hits.shape[-1]
    most = max(int(MOST_ROTATED * strength * n_phi), 1)
    channel = state.places()[:, 0]
    steps = state.rng.integers(1, most + 1, state.n_drawn)
    steps = state.for_runs(steps * state.rng.choice([-1, 1], state.n_drawn))
    mask = np.zeros(state.hits.shape, dtype=bool)
    for run in range(state.n_runs):
        for array in (state.hits, state.total):
            array[run, channel[run]] = np.roll(array[run, channel[run]], steps[run], axis=-1)
        mask[run, channel[run]] = state.live[channel[run]]
    return mask


def _swapped_channels(state: _Injection, strength: float) -> np.ndarray:
    """Two channels of a run, drawn at random, in each other's place."""
    n_channels = state.hits.shape[1]
    if n_channels < 2:
        raise InputError("fault 'swapped_channels': the maps have one channel; it takes two")
    mask = np.zeros(state.hits.shape, dtype=bool)
    drawn = [state.rng.choice(n_channels, 2, replace=False) for _ in range(state.n_drawn)]
    for run in range(state.n_runs):
        pair = drawn[run // state.alike]
        for array in (state.hits, state.total):
            array[run, pair] = array[run, pair[::-1]]
        mask[run, pair] = state.live[pair].any(axis=0)
    return mask


def _fading_module(state: _Injection, strength: float) -> np.ndarray:
    """The same region in all runs, from all its hits in the first to a share ``strength`` less in
    the last.
    """
    if strength > 1:
        raise InputError(f"a module loses a share of its hits, 1 or less, not {strength:g}")
    place = state.places(1) if state.n_runs else np.zeros((0, 3), dtype=int)
    mask = state.regions(np.repeat(place, state.n_runs, axis=0) if state.n_runs else place)
    lost = (strength * np.linspace(0, 1, state.n_runs))[:, None, None, None]
    state.thin(mask, 1 - lost)
    return mask & (lost >= FADED)


_KINDS: dict[str, Callable[[_Injection, float], np.ndarray]] = {
    "dead_tower": _dead_tower,
    "hot_tower": _hot_tower,
    "dead_board": _dead_board,
    "miscalibrated_ring": _miscalibrated_ring,
    "noise_burst": _noise_burst,
    "rotated_phi": _rotated_phi,
    "swapped_channels": _swapped_channels,
    "fading_module": _fading_module,
}
