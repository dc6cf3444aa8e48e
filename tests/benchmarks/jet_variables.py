"""jet_variables: C2, D2 and the soft-drop mass of fat jets, against FastJet's and EnergyFlow's.

EnergyFlow's polynomials sum over all ordered pairs and triples, ours over each once, as in the
papers: it is multiplied by 4/6 for C2, by 8/6 for D2. It has no soft drop; FastJet's wheel has all
three.
"""

import fastjet
import numpy as np

from benchmarks.harness import Benchmark, DisagreementError, Settings, installed
from benchmarks.jet_images import make_jets
from calovision.core.kinematics import massless_momenta
from calovision.core.records import FlatRecords
from calovision.jets import JET_VARIABLES, jet_substructure

RADIUS = 0.8
COMPARED = ("c2", "d2", "soft_drop_mass")


def jet_variables(settings: Settings) -> Benchmark:
    """From constituents of 50 particles a jet, in memory, to one number a jet of each."""
    jets = make_jets(settings.n_events)
    constituents, by_jet = jets.records(), jets.events("pt", "eta", "phi")
    every = [name for name, one in JET_VARIABLES.own.items() if not one.fields]
    methods = {
        "calovision": lambda: jet_substructure(constituents, COMPARED, radius=RADIUS),
        "calovision_all": lambda: jet_substructure(constituents, every, radius=RADIUS),
    }
    pt, eta, phi = (values.astype(np.float64) for values in jets.fields.values())
    momenta = massless_momenta(pt * np.cosh(eta), eta, phi)
    offsets = np.concatenate([[0], np.cumsum(jets.counts)])
    particles = FlatRecords((offsets,), momenta).to_awkward("Momentum4D")
    peers = {"fastjet": lambda: with_fastjet(particles)}
    if installed("energyflow"):
        peers["energyflow"] = lambda: with_energyflow(by_jet)
    reference = methods["calovision"]()

    def check() -> None:
        require_close("calovision_all", methods["calovision_all"](), reference)

    return Benchmark(
        title=f"C2, D2 and soft-drop mass of jets of 50 constituents (calovision_all: "
        f"{len(every)} variables)",
        n_events=settings.n_events,
        methods=methods,
        peers=peers,
        check=check,
        check_peer=lambda name: require_close(name, peers[name](), reference),
    )


def with_fastjet(particles) -> dict[str, np.ndarray]:
    definition = fastjet.JetDefinition(fastjet.cambridge_algorithm, 50.0)
    sequence = fastjet.ClusterSequence(particles, definition)
    found = {
        name: np.asarray(sequence.exclusive_jets_energy_correlator(1, beta=1, npoint=3, func=name))
        for name in ("c2", "d2")
    }
    dropped = sequence.exclusive_jets_softdrop_grooming(1, beta=0.0, symmetry_cut=0.1, R0=RADIUS)
    return found | {"soft_drop_mass": np.asarray(dropped.msoftdrop)}


def with_energyflow(by_jet: list[tuple[np.ndarray, ...]]) -> dict[str, np.ndarray]:
    import energyflow

    options = {"measure": "hadr", "beta": 1, "normed": True, "coords": "ptyphim"}
    particles = [np.stack([*jet, np.zeros(len(jet[0]))], axis=1) for jet in by_jet]
    c2, d2 = (
        np.array([one.compute(jet) for jet in particles])
        for one in (energyflow.C2(**options), energyflow.D2(**options))
    )
    return {"c2": c2 * 4 / 6, "d2": d2 * 8 / 6}


def require_close(
    method: str, found: dict[str, np.ndarray], reference: dict[str, np.ndarray]
) -> None:
    """Raise DisagreementError unless the variables that both have are the same to rounding."""
    for name in set(found) & set(reference):
        if not np.allclose(found[name], reference[name], rtol=1e-5, atol=1e-5):
            worst = int(np.argmax(np.abs(found[name] - reference[name])))
            raise DisagreementError(
                f"{method}: {name} of jet {worst} is {found[name][worst]}, not "
                f"{reference[name][worst]}"
            )
