"""JetClass (doi:10.5281/zenodo.6619768): one anti-kt jet of radius 0.8 an entry.

part_deta is mirrored for jets at negative eta, therefore the coordinates are computed from the
momenta.
"""

from calovision.ntuples.schemas.kinematics import momentum
from calovision.ntuples.schemas.particles import particle_flow
from calovision.ntuples.schemas.schema import (
    SUBJETTINESS,
    Collection,
    Schema,
    TreeSchema,
)

_JETS = TreeSchema(
    tree="tree",
    **particle_flow(
        {
            **momentum("part_px", "part_py", "part_pz"),
            "charge": "part_charge",
            "e": "part_energy",
        },
        "(part_isPhoton != 0) | (part_isElectron != 0)",
        "part_isMuon != 0",
        {},
    ),
    fat_jets=(
        Collection(
            {
                "pt": "jet_pt",
                "eta": "jet_eta",
                "phi": "jet_phi",
                # Rounding may take the square of a light jet's mass below zero; an energy that is
                # no number gives no mass.
                "mass": "sqrt(where(({0} <= {1}) & isfinite({0}), 0, {0}**2 - ({1})**2))".format(
                    "jet_energy", "jet_pt * cosh(jet_eta)"
                ),
            },
            extra={tau: f"jet_{tau}" for tau in SUBJETTINESS},
            one_per_entry=True,
        ),
    ),
)

JETCLASS = Schema(name="jetclass", title="JetClass", versions=(_JETS,), fat_jet_radius=0.8)
