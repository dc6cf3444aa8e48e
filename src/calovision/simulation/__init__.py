"""Ntuples of the example: Pythia 8 events through a parametrised ATLAS-like detector into ROOT
files.

Units: GeV, radians, mm, pb. The detector is a parametrisation for teaching and testing, not a
replacement of a collaboration's simulation; every constant names its source. Pythia itself is
imported when events are generated.
"""

from calovision.simulation.faults import DetectorFault
from calovision.simulation.ntuple import NtupleSummary, RunPeriod, write_ntuple
from calovision.simulation.processes import PROCESSES
from calovision.simulation.pythia import derive_seed

__all__ = [
    "PROCESSES",
    "DetectorFault",
    "NtupleSummary",
    "RunPeriod",
    "derive_seed",
    "write_ntuple",
]
