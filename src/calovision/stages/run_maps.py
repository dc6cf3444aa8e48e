"""Maps of the runs of ROOT files, and of all of them together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calovision.images.grid import EtaPhiGrid
from calovision.jobs.compilation import skip_numba_extensions
from calovision.monitoring.accumulation import RunSource, accumulate_files
from calovision.monitoring.layout import MapLayout
from calovision.monitoring.run_map_merge import merge_run_maps as merge_files
from calovision.stages.arguments import Count, not_counted


@dataclass(frozen=True)
class ReadOptions:
    """Choices of the reading that decide no event.

    Attributes
    ----------
    chunk_size
        Events in memory at a time; None takes as many as fit a bounded memory.
    retries
        How often an address that does not answer is tried again.
    """

    chunk_size: int | None = None
    retries: int = 0


def map_layout(layout: Mapping[str, Any]) -> MapLayout:
    """Cells, channels and thresholds of the parameter ``layout`` of the rule."""
    edges = layout["eta_edges"]
    edges = None if edges is None else tuple(edges)
    grid = EtaPhiGrid(*layout["grid"], tuple(layout["eta_range"]), edges)
    return MapLayout.of_channels(grid, tuple(layout["channels"]), layout["thresholds"])


def build_run_maps(
    output: Path,
    job: Mapping[str, Any],
    layout: Mapping[str, Any],
    options: ReadOptions,
    *,
    count: Count = not_counted,
) -> None:
    """Write the maps of the runs of ROOT files.

    ``job`` has the fields of `RunSource` that the configuration gives, ``layout`` those of
    `map_layout`.
    """
    skip_numba_extensions()
    source = RunSource(**job, chunk_size=options.chunk_size, retries=options.retries)
    accumulate_files(source, Path(output), map_layout(layout), may_be_empty=True, progress=count)


def merge_run_maps(paths: Sequence[Path], output: Path, *, count: Count = not_counted) -> None:
    """Write the maps of all runs into one file."""
    count(int(merge_files([Path(path) for path in paths], Path(output)).n_events.sum()))
