"""Particle gun in front of a layered calorimeter: showers of electrons, photons and pions as cells
with layers, in ROOT files.

Units: GeV, radians, mm; depths in radiation or interaction lengths. A parametrisation for teaching
and testing; every constant names its source: [RPP] Review of Particle Physics (Prog. Theor. Exp.
Phys. 2022, 083C01), [GP] Grindhammer and Peters, hep-ex/0001020, [DET] the ATLAS detector paper,
JINST 3 (2008) S08003.
"""

from calovision.simulation.showers.gun import PARTICLES
from calovision.simulation.showers.ntuple import SHOWER, write_showers

__all__ = ["PARTICLES", "SHOWER", "write_showers"]
