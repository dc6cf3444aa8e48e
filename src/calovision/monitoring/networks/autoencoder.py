"""An autoencoder that knows good runs only: what it does not give back is anomalous.

The method of the CMS collaboration for its electromagnetic calorimeter (arXiv:2309.10157,
arXiv:2308.16659): the loss of a tower is the squared difference of output and input over the mean
occupancy, normalised to its mean in the ring of eta, and multiplied over consecutive runs
(`calovision.monitoring.consecutive`). Here hits are compared in units of their fluctuations, so
that runs of any length go through one network, and the energy of a hit is watched beside their
number.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from calovision.monitoring.networks.files import (
    filled,
    layout_of,
    load_tensors,
    numbers_of,
    save_tensors,
)
from calovision.monitoring.networks.modules import Autoencoder
from calovision.monitoring.networks.planes import can_be_said
from calovision.monitoring.networks.watcher import Watcher
from calovision.monitoring.reference import Reference
from calovision.monitoring.run_maps import RunMaps

KIND = "autoencoder"


@dataclass
class AutoencoderWatcher(Watcher):
    """A trained autoencoder.

    Attributes
    ----------
    ring_loss
        Mean loss of good runs by channel and ring in eta, of hits and of the energy of a hit,
        float64 ``(2, n_channels, n_eta)``.
    """

    ring_loss: np.ndarray = field(default_factory=lambda: np.ones((2, 1, 1)))
    name = KIND
    title = "Autoencoder"

    def scores(self, maps: RunMaps, reference: Reference) -> np.ndarray:
        """Loss of each cell over that of good runs in its ring: the larger of hits and of energy.

        Returns
        -------
        float64 ``(n_runs, n_channels, n_eta, n_phi)``, about 1 in a good run; NaN in a run
        without events and where the reference has no hits.

        Raises
        ------
        InputError
            If maps or reference have other cells, channels or thresholds than the network.
        """
        scores = np.full(maps.occupancy.shape, np.nan)
        for rows, planes, expected in self.outputs(maps, reference):
            losses = cell_losses(planes, expected, len(self.layout.channels))
            scores[rows] = (losses / self.ring_loss[..., None]).max(axis=1)
        return np.where(can_be_said(maps, reference), scores, np.nan)

    def save(self, path: Path) -> None:
        """Write the network as one file, complete or not at all."""
        described = {**self.described(), "ring_loss": self.ring_loss.tolist()}
        save_tensors(path, described, self.module.state_dict())

    @classmethod
    def load(cls, path: Path) -> "AutoencoderWatcher":
        """A stored network.

        Raises
        ------
        InputError
            If the file is missing, damaged, of another method or of a newer version.
        """
        found, tensors = load_tensors(path, KIND)
        layout, options = layout_of(path, found), found["options"]
        n_channels, n_eta, n_phi = layout.shape

        def make() -> Autoencoder:
            sizes = {name: options[name] for name in ("width", "latent")}
            return Autoencoder(n_channels, (n_eta, n_phi), **sizes)

        module = filled(path, make, tensors)
        widths = numbers_of(path, found, "widths", (n_channels, n_eta))
        ring_loss = numbers_of(path, found, "ring_loss", (2, n_channels, n_eta))
        return cls(module, layout, widths, options, found["history"], ring_loss)


def cell_losses(planes: np.ndarray, expected: np.ndarray, n_channels: int) -> np.ndarray:
    """Squared difference of residuals and of what the network expects, in units of their variance.

    Parameters
    ----------
    planes
        Of `calovision.monitoring.networks.planes.planes_of`.
    expected
        Output of `Autoencoder`, ``(n, 2 n_channels, n_eta, n_phi)``.

    Returns
    -------
    float64 ``(n, 2, n_channels, n_eta, n_phi)``: of hits, and of the energy of a hit.
    """
    found = targets(torch.from_numpy(planes), n_channels).numpy().astype(np.float64)
    squares = (found - expected) ** 2
    return squares.reshape(len(planes), 2, n_channels, *planes.shape[2:])


def targets(planes: torch.Tensor, n_channels: int) -> torch.Tensor:
    """Planes to give back: residuals of hits and of energy, ``(n, 2 c, eta, phi)``."""
    return torch.cat([planes[:, :n_channels], planes[:, 2 * n_channels : 3 * n_channels]], dim=1)
