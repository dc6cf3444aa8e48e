"""Good runs that a reference is made of: in memory, or in a file that is read in parts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from calovision.core.errors import InputError
from calovision.monitoring.layout import MapLayout
from calovision.monitoring.reference_cells import RunLevels
from calovision.monitoring.run_map_file import RunMapFile
from calovision.monitoring.run_maps import RunMaps

FEWEST_EVENTS = 100
"""Events of all good runs together, below which nothing is said."""
OPEN_BYTES = 2**22
"""Hits of all runs in the cells that are looked at together."""


@dataclass(frozen=True)
class GoodRuns:
    """Good runs with events.

    Attributes
    ----------
    source
        Their maps, in memory or in a file.
    """

    source: RunMaps | RunMapFile

    @classmethod
    def of(cls, good: RunMaps | RunMapFile | Iterable[RunMaps]) -> "GoodRuns":
        """Good runs of maps, blocks of them, or a file; those without events are left out.

        Raises
        ------
        InputError
            If there are too few events, a run comes twice, or blocks are not alike.
        """
        source = good if isinstance(good, RunMaps | RunMapFile) else _joined(list(good))
        has_events = source.n_events > 0
        if not has_events.all():
            is_file = isinstance(source, RunMapFile)
            source = source.select(has_events) if is_file else source[has_events]
        n_events = int(source.n_events.sum())
        if n_events < FEWEST_EVENTS:
            raise InputError(
                f"the {len(source)} good runs have {n_events} events: too few for a reference, "
                f"which needs {FEWEST_EVENTS} at least; name more good runs"
            )
        keys = list(zip(source.run.tolist(), source.lumi_block.tolist(), strict=True))
        if len(set(keys)) < len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise InputError(f"run {twice[0]} is given twice as a good run; give each once")
        return cls(source)

    @property
    def layout(self) -> MapLayout:
        """Cells, channels and thresholds."""
        return MapLayout.of(self.source)

    @property
    def run(self) -> np.ndarray:
        """Numbers of the runs, int64 ``(n_runs,)``."""
        return self.source.run

    @property
    def lumi_block(self) -> np.ndarray:
        """Their lumi blocks, int64 ``(n_runs,)``."""
        return self.source.lumi_block

    def levels(self) -> RunLevels:
        """Levels of the runs; InputError if a channel has no hit in any of them."""
        hits, total = np.zeros((2, *self.layout.shape))
        for block in self.source.blocks():
            hits += block.occupancy.sum(axis=0)
            total += block.total.sum(axis=0)
        for channel, least, seen in zip(
            self.layout.channels, self.layout.thresholds, hits.sum(axis=(1, 2)), strict=True
        ):
            if seen == 0:
                raise InputError(
                    f"channel {channel} has no hit in any of the {len(self.source)} good runs: all "
                    f"its towers are dead, or its threshold of {least:g} is too high; leave it "
                    "out, or give other runs"
                )
        n_events = self.source.n_events.sum()
        of_all = hits / n_events, total / n_events
        return RunLevels.joined([RunLevels.of(block, *of_all) for block in self.source.blocks()])

    def parts(self) -> Iterator[tuple[int, slice]]:
        """Rings of a channel that are looked at together."""
        n_channels, n_eta, n_phi = self.layout.shape
        size = max(int(OPEN_BYTES // (8 * n_phi * len(self.source))), 1)
        for channel in range(n_channels):
            for first in range(0, n_eta, size):
                yield channel, slice(first, min(first + size, n_eta))

    def cells(self, channel: int, rings: slice) -> tuple[np.ndarray, np.ndarray]:
        """Hits and totals of all runs, ``(n_runs, n_rings, n_phi)``."""
        if isinstance(self.source, RunMapFile):
            hits, total = self.source.cells(slice(channel, channel + 1), rings)
            return hits[:, 0], total[:, 0]
        return self.source.occupancy[:, channel, rings], self.source.total[:, channel, rings]


def _joined(blocks: list[RunMaps]) -> RunMaps:
    """Blocks in memory as one; InputError if there are none, or they are not alike."""
    if not blocks:
        raise InputError("no good runs given: name at least one")
    layout = MapLayout.of(blocks[0])
    for block in blocks[1:]:
        layout.require(block, f"run {block.run[0] if len(block) else '?'}", "the first good runs")
    names = ("run", "lumi_block", "n_events", "occupancy", "total")
    arrays = {name: np.concatenate([getattr(one, name) for one in blocks]) for name in names}
    return RunMaps(**vars(layout), **arrays)
