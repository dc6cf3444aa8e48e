"""Figures of runs that are watched: the reference, flagged towers, what the methods find."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calovision.evaluation.results.fault_figures import MonitoringFigures
from calovision.images.channels import CHANNELS
from calovision.monitoring.flags import RunFlags
from calovision.monitoring.reference import Reference
from calovision.stages.arguments import Files
from calovision.stages.figures.drawing import draw_figures


@dataclass(frozen=True)
class MonitoringPlotFiles(Files):
    """Files that `plot_monitoring` reads: reference, flags, and the study of faults, if any."""

    reference: Path
    flags: Path
    study: tuple[Path, ...]


@dataclass(frozen=True)
class MonitoringInputs:
    """Inputs of the figures of ``plot_monitoring``.

    Attributes
    ----------
    rate, mean
        Of the good runs, ``(n_channels, n_eta, n_phi)``.
    eta_edges, channels
        Edges of the cells; titles of the channels with their units.
    runs, states
        Number and state of each run, ``(n,)``.
    n_towers
        Method -> flagged towers, ``(n,)``.
    titles
        Of the methods.
    figures
        Of the study; None without one.
    """

    rate: np.ndarray
    mean: np.ndarray
    eta_edges: np.ndarray
    channels: Sequence[str]
    runs: np.ndarray
    states: np.ndarray
    n_towers: Mapping[str, np.ndarray]
    titles: Mapping[str, str]
    figures: MonitoringFigures | None

    @classmethod
    def read(cls, files: MonitoringPlotFiles) -> "MonitoringInputs":
        """Read the files."""
        reference, flags = Reference.load(files.reference), RunFlags.read(files.flags)
        return cls(
            rate=reference.rate,
            mean=reference.mean,
            eta_edges=reference.grid.edges_in_eta,
            channels=[CHANNELS[name].axis_title for name in reference.channels],
            runs=np.array([one.run for one in flags.runs]),
            states=np.array([one.state for one in flags.runs]),
            n_towers={
                name: np.array([one.n_towers[name] for one in flags.runs]) for name in flags.methods
            },
            titles={name: one.title for name, one in flags.methods.items()},
            figures=MonitoringFigures.read(files.study[0]) if files.study else None,
        )


def plot_monitoring(files: MonitoringPlotFiles, output: Mapping[str, Any]) -> None:
    """Draw the figures of the monitoring; ``output`` names the files, as of `draw_figures`."""
    draw_figures("plot_monitoring", output, MonitoringInputs.read(files))
