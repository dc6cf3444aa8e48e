"""Methods that look for faults in maps of runs, by name: rules of experiments, and networks.

Nothing heavy is imported here, since the configuration asks for the names: an entry names its
function or class, which is imported when it is used.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from calovision.core.errors import InputError
from calovision.core.registry import Registry, import_object

if TYPE_CHECKING:
    import numpy as np

    from calovision.monitoring.compared_runs import ComparedRuns
    from calovision.monitoring.reference import Reference
    from calovision.monitoring.run_maps import RunMaps


class Scorer(Protocol):
    """Source of scores: an untrained `Method`, or a trained network."""

    name: str
    title: str

    def scores(self, maps: RunMaps, reference: Reference) -> np.ndarray:
        """Scores, float64 ``(n_runs, n_channels, n_eta, n_phi)``; see `Method.scores`."""


@dataclass(frozen=True)
class Method:
    """A method.

    Attributes
    ----------
    name
        In the configuration, of the command line and in results.
    title
        In tables and legends.
    doc
        What it looks at, in a few words.
    function
        ``package.module:function`` from maps and a reference to scores; None of a method that is
        trained.
    shared
        ``package.module:function`` to the same scores from `ComparedRuns`, whose numbers methods
        share; None of a method that shares none.
    network
        ``package.module:Class`` of a method that is trained: with ``load(path)``, which gives a
        `Scorer`; None of a rule.
    paper
        Where it comes from.
    is_probability
        The score is -log10 of the chance of such a deviation in a good run, for one tower: its
        threshold can be computed (`calovision.monitoring.thresholds.nominal_threshold`).
    """

    name: str
    title: str
    doc: str
    function: str | None = None
    shared: str | None = None
    network: str | None = None
    paper: str = ""
    is_probability: bool = False

    @property
    def is_trained(self) -> bool:
        """It needs a file of what it learned."""
        return self.network is not None

    def scores(self, maps: RunMaps, reference: Reference) -> np.ndarray:
        """Anomaly of each cell of each run.

        Returns
        -------
        float64 ``(n_runs, n_channels, n_eta, n_phi)``, larger is more anomalous; NaN where nothing
        can be said, as in a run without events.

        Raises
        ------
        InputError
            If the method is trained, or the maps have other cells, channels or thresholds than the
            reference.
        """
        if self.function is None:
            raise InputError(f"method '{self.name}' is trained: load its file before it scores")
        reference.require(maps, "the maps")
        return import_object(self.function)(maps, reference)

    def scores_of(self, runs: ComparedRuns) -> np.ndarray:
        """The same scores, with the numbers that other methods of these runs computed already."""
        if self.shared is None:
            return self.scores(runs.maps, runs.reference)
        runs.reference.require(runs.maps, "the maps")
        return import_object(self.shared)(runs)

    def load(self, path: Path | None = None) -> Scorer:
        """Source of the scores: this method, or its network from a file.

        Raises
        ------
        InputError
            If a file is needed and not given, or the other way round.
        """
        if not self.is_trained:
            if path is not None:
                raise InputError(f"{path}: method '{self.name}' is not trained and takes no file")
            return self
        if path is None:
            raise InputError(f"method '{self.name}' is trained: give its file")
        return import_object(self.network).load(path)


def scores_of_each(scorers: Iterable[Scorer], runs: ComparedRuns) -> dict[str, np.ndarray]:
    """Scores of several methods by name, those of `Scorer.scores`: what they share is computed
    once.
    """
    return {
        one.name: one.scores_of(runs)
        if isinstance(one, Method)
        else one.scores(runs.maps, runs.reference)
        for one in scorers
    }


RULES = "calovision.monitoring.rules"
NETWORKS = "calovision.monitoring.networks"

METHODS: Registry[Method] = Registry(
    "monitoring method",
    Method,
    [
        Method(
            "ring_mean",
            "Ring mean",
            "hits against the mean of the other cells of the ring in eta",
            f"{RULES}.ring_mean:scores",
            paper="arXiv:2309.10157",
        ),
        Method(
            "ring_median",
            "Ring median",
            "hits against the median of the ring in eta",
            f"{RULES}.ring_median:scores",
        ),
        Method(
            "neighbours",
            "Neighbours",
            "hits against the mean of the cells around",
            f"{RULES}.neighbours:scores",
        ),
        Method(
            "poisson",
            "Poisson significance",
            "hits against those of the reference, exact tails, normalised to the run",
            f"{RULES}.poisson:scores",
            shared=f"{RULES}.poisson:of_compared",
            is_probability=True,
        ),
        Method(
            "energy",
            "Ring energy",
            "energy of the ring in eta against that of the reference, normalised to the run",
            f"{RULES}.energy:scores",
            is_probability=True,
        ),
        Method(
            "shape",
            "Shape of the channel",
            "number of cells of the channel that deviate from the reference",
            f"{RULES}.shape:scores",
            shared=f"{RULES}.shape:of_compared",
            is_probability=True,
        ),
        Method(
            "combined",
            "Cell, region, ring and channel",
            "hits of the cell and the region around it, energy of its ring, shape of its channel",
            f"{RULES}.combined:scores",
            shared=f"{RULES}.combined:of_compared",
            is_probability=True,
        ),
        Method(
            "autoencoder",
            "Autoencoder",
            "hits and energies that a network trained on good runs does not give back",
            network=f"{NETWORKS}.autoencoder:AutoencoderWatcher",
            paper="arXiv:2309.10157",
        ),
        Method(
            "fault_classifier",
            "Fault classifier",
            "odds of a fault by a network trained on injected ones, which tells its kind",
            network=f"{NETWORKS}.faults_classifier:FaultClassifier",
            paper="arXiv:1808.00911",
        ),
    ],
)
"""Methods by name."""
