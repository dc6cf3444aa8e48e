"""A filter at parton level: events that will not have the fat jets of the selection end before most
of the work.

The hard process and the shower down to `SCALE` nearly fix the hard jets; below, tens of multiparton
interactions and soft emissions follow, which take most of the time of an event. A veto in between
(Pythia's user hook ``doVetoPT``, arXiv:2203.11601) costs little. What it takes away is counted,
with its weights, so that the number of generated events keeps its meaning. GeV, radians.
"""

from types import ModuleType
from typing import Any

SCALE = 60.0  # evolution scale, below which hardly an emission makes a jet of 200 GeV
RADIUS = 1.0  # of the fat jets
ETA_MAX = 3.0
LEADING_PT = 300.0  # of the selection's 440 GeV
JET_PT = 100.0  # of the selection's 200 GeV


def make_jet_filter(pythia_module: ModuleType, info: Any, n_jets: int) -> Any:
    """A Pythia user hook that vetoes events with fewer than ``n_jets`` hard jets of partons.

    Parameters
    ----------
    pythia_module
        As imported: Pythia need not be installed where nothing is generated.
    info
        Of the Pythia object that gets the hook, for the weights.
    n_jets
        Anti-kt jets of partons, R = `RADIUS`, within `ETA_MAX`, above `JET_PT`; the hardest above
        `LEADING_PT`.

    Returns
    -------
    The hook, with ``n_seen``, ``n_vetoed`` and ``vetoed_weight`` since its method ``forget`` was
    called.
    """
    anti_kt, all_particles = -1, 1

    class JetFilter(pythia_module.UserHooks):
        def __init__(self) -> None:
            super().__init__()
            self.jets = pythia_module.SlowJet(anti_kt, RADIUS, JET_PT, ETA_MAX, all_particles)
            self.forget()

        def forget(self) -> None:
            self.n_seen = 0
            self.n_vetoed = 0
            self.vetoed_weight = 0.0

        def canVetoPT(self) -> bool:  # noqa: N802 - Pythia's names
            return True

        def scaleVetoPT(self) -> float:  # noqa: N802
            return SCALE

        def doVetoPT(self, position: int, event: Any) -> bool:  # noqa: N802
            self.n_seen += 1
            self.jets.analyze(event)
            vetoed = self.jets.sizeJet() < n_jets or self.jets.pT(0) < LEADING_PT
            if vetoed:
                self.n_vetoed += 1
                self.vetoed_weight += info.weight()
            return vetoed

    return JetFilter()
