"""A network that knows the kinds of faults: trained on good runs into which faults were injected.

For known faults as in the drift tubes of CMS (arXiv:1808.00911), for each tower and channel.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import logsumexp, softmax

from calovision.core.errors import InputError
from calovision.monitoring.networks.files import (
    filled,
    layout_of,
    load_tensors,
    numbers_of,
    save_tensors,
)
from calovision.monitoring.networks.modules import FaultNetwork
from calovision.monitoring.networks.planes import can_be_said
from calovision.monitoring.networks.watcher import Watcher
from calovision.monitoring.reference import Reference
from calovision.monitoring.run_maps import RunMaps

KIND = "fault_classifier"
UNKNOWN = -1
"""Number of the kind where nothing can be said."""


@dataclass
class FaultClassifier(Watcher):
    """A trained classifier of faults.

    Attributes
    ----------
    kind_names
        Kinds of faults that it tells apart, of `calovision.monitoring.faults.FAULTS`.
    """

    kind_names: tuple[str, ...] = ()
    name = KIND
    title = "Fault classifier"

    def scores(self, maps: RunMaps, reference: Reference) -> np.ndarray:
        """Logarithm of the odds that the cell has a fault, of any kind.

        Returns
        -------
        float64 ``(n_runs, n_channels, n_eta, n_phi)``; NaN in a run without events and where the
        reference has no hits.

        Raises
        ------
        InputError
            If maps or reference have other cells, channels or thresholds than the network.
        """
        scores = np.full(maps.occupancy.shape, np.nan)
        for rows, _, logits in self.outputs(maps, reference):
            exact = logits.astype(np.float64)
            scores[rows] = logsumexp(exact[:, 1:], axis=1) - exact[:, 0]
        return np.where(can_be_said(maps, reference), scores, np.nan)

    def kinds(self, maps: RunMaps, reference: Reference) -> np.ndarray:
        """Most probable kind of fault of each cell, if it has one.

        Returns
        -------
        int16 ``(n_runs, n_channels, n_eta, n_phi)``, a position in ``kind_names``; `UNKNOWN` where
        nothing can be said.
        """
        kinds = np.full(maps.occupancy.shape, UNKNOWN, dtype=np.int16)
        for rows, _, logits in self.outputs(maps, reference):
            kinds[rows] = logits[:, 1:].argmax(axis=1)
        return np.where(can_be_said(maps, reference), kinds, np.int16(UNKNOWN))

    def probabilities(self, maps: RunMaps, reference: Reference) -> np.ndarray:
        """Probabilities in the mixture of the training, where each kind has the same weight.

        Returns
        -------
        float32 ``(n_runs, 1 + n_kinds, n_channels, n_eta, n_phi)``, of a good cell first; they sum
        to 1. For blocks of runs: it is large.
        """
        shape = (len(maps), 1 + len(self.kind_names), *maps.occupancy.shape[1:])
        found = np.full(shape, np.nan, dtype=np.float32)
        for rows, _, logits in self.outputs(maps, reference):
            found[rows] = softmax(logits, axis=1)
        said = can_be_said(maps, reference)[:, None]
        return np.where(said, found, np.float32(np.nan))

    def save(self, path: Path) -> None:
        """Write the network as one file, complete or not at all."""
        described = {**self.described(), "kind_names": list(self.kind_names)}
        save_tensors(path, described, self.module.state_dict())

    @classmethod
    def load(cls, path: Path) -> "FaultClassifier":
        """A stored network.

        Raises
        ------
        InputError
            If the file is missing, damaged, of another method or of a newer version.
        """
        found, tensors = load_tensors(path, KIND)
        layout, options, names = layout_of(path, found), found["options"], found.get("kind_names")
        if not isinstance(names, list) or not names:
            raise InputError(f"{path}: damaged, it names no kinds of faults: copy it again")
        n_channels, n_eta, n_phi = layout.shape

        def make() -> FaultNetwork:
            return FaultNetwork(n_channels, (n_eta, n_phi), len(names), width=options["width"])

        module = filled(path, make, tensors)
        widths = numbers_of(path, found, "widths", (n_channels, n_eta))
        return cls(module, layout, widths, options, found["history"], tuple(map(str, names)))
