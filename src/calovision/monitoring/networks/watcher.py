"""Common parts of the trained networks of monitoring: their layout, and blocks of runs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from calovision.monitoring.layout import MapLayout
from calovision.monitoring.networks.planes import planes_of
from calovision.monitoring.reference import Reference
from calovision.monitoring.run_maps import RunMaps

BLOCK = 16
"""Runs that go through a network together: memory does not grow with the number of runs."""


@dataclass
class Watcher:
    """A trained network with what it needs beside the maps.

    Attributes
    ----------
    module
        The network.
    layout
        Cells, channels and thresholds of the maps that it was trained on, and that it takes.
    widths
        Of `calovision.monitoring.networks.planes.relative_widths`.
    options
        Options of its training.
    history
        For each epoch its number, the loss on the training runs and on the validation runs.
    """

    module: torch.nn.Module
    layout: MapLayout
    widths: np.ndarray
    options: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    name = ""
    title = ""

    def outputs(
        self, maps: RunMaps, reference: Reference
    ) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Rows, planes and output of the network for each block of runs.

        Raises
        ------
        InputError
            If maps or reference have other cells, channels or thresholds than the network.
        """
        for name, other in (("the maps", maps), ("the reference", reference)):
            self.layout.require(other, name, f"the network '{self.name}'")
        device = device_of()
        module = self.module.to(device).eval()
        for first in range(0, len(maps), BLOCK):
            rows = slice(first, first + BLOCK)
            planes = planes_of(maps[rows], reference, self.widths)
            with torch.inference_mode():
                found = module(torch.from_numpy(planes).to(device))
            yield rows, planes, found.cpu().numpy()

    def described(self) -> dict[str, Any]:
        """Description of it in its file, beside the weights, for JSON."""
        return {
            "kind": self.name,
            "layout": self.layout.to_dict(),
            "options": self.options,
            "history": self.history,
            "widths": self.widths.tolist(),
        }


def device_of() -> torch.device:
    """The GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
