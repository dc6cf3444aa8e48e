"""Particle flow, fat jets with constituents, and the partons that they come from."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from calovision.core.errors import InputError
from calovision.ntuples import iterate_events, open_ntuple
from calovision.simulation import PROCESSES, ntuple, pythia, write_ntuple
from calovision.simulation.detector import simulate_detector, simulate_with_particle_flow
from calovision.simulation.fat_jets import find_fat_jets, jet_flavors
from calovision.simulation.particle_flow import FlowInput, find_candidates
from calovision.simulation.pythia import GeneratedBatch, generate
from calovision.workflow.samples import PROCESS_NAMES

PHOTON, ELECTRON, MUON, PION, K0_LONG = 22, 11, 13, 211, 130
PARTONS_ONLY = (*pythia.COMMON_SETTINGS, "PartonLevel:MPI = off", "HadronLevel:all = off")


def particles_of(events: list[list[tuple[int, float, float, float]]]) -> ak.Array:
    """Massless particles from lists of (PDG id, pt, eta, phi)."""
    flat = np.array([p for event in events for p in event], dtype=np.float64).reshape(-1, 4)
    pdg_id, pt, eta, phi = flat.T
    columns = {"id": pdg_id.astype(np.int32), "px": pt * np.cos(phi), "py": pt * np.sin(phi)}
    columns |= {"pz": pt * np.sinh(eta), "e": pt * np.cosh(eta)}
    return ak.unflatten(ak.zip(columns), np.array([len(event) for event in events]))


def collimated(n_events: int, seed: int = 1) -> ak.Array:
    """Two jets an event, back to back, one of them around phi = pi."""
    rng = np.random.default_rng(seed)
    kinds = [PHOTON, PION, -PION, K0_LONG, MUON, ELECTRON]

    def one(phi: float) -> tuple[int, float, float, float]:
        return (
            int(rng.choice(kinds)),
            rng.exponential(20) + 1,
            rng.normal(0.2, 0.2),
            phi + rng.normal(0, 0.2),
        )

    return particles_of(
        [[one(phi) for phi in (0.0, np.pi) for _ in range(30)] for _ in range(n_events)]
    )


# Particle flow


def cell(event: int, number: int, e: float, sigma: float) -> dict[str, np.ndarray]:
    numbers = {"event": event, "cell": number}
    values = {"eta": 0.05, "phi": 0.05, "e": e, "sigma": sigma}
    return {name: np.array([value]) for name, value in (numbers | values).items()}


NO_CELLS = {name: values[:0] for name, values in cell(0, 0, 0.0, 0.0).items()}


def flow_of(pdg_id: int, energy: float, resolution: float, e: float, sigma: float) -> FlowInput:
    """A track and the one cell that it points at, hadronic unless it is an electron's."""
    from calovision.simulation.calorimeter import EM, HAD, cell_numbers

    tracks = {"event": 3, "id": pdg_id, "eta": 0.0, "phi": 0.0, "resolution": resolution}
    tracks = {name: np.array([value]) for name, value in tracks.items()}
    tracks |= {"pt": np.array([energy]), "charge": np.array([1], np.int8)}
    at = np.array([0.05]), np.array([0.05])
    layer = EM if abs(pdg_id) == ELECTRON else HAD
    hit = cell(3, int(cell_numbers(layer, np.array([3]), *at)[0]), e, sigma)
    return FlowInput(tracks, at, *((hit, NO_CELLS) if layer is EM else (NO_CELLS, hit)))


@pytest.mark.parametrize(
    ("pdg_id", "share"), [(PION, "e_had"), (-ELECTRON, "e_em")], ids=["pion", "electron"]
)
def test_track_and_cell_that_agree_give_their_weighted_mean(pdg_id: int, share: str) -> None:
    # 50 +- 10 and 60 +- 5: weights 1/100 and 1/25
    found = find_candidates(flow_of(pdg_id, 50.0, 0.2, 60.0, 5.0))
    assert found["e"] == pytest.approx([58.0])
    assert found[share] == pytest.approx([58.0])
    assert found["charge"].tolist() == [1]
    assert found["event"].tolist() == [3]


def test_energy_beyond_twice_the_resolution_is_a_neutral_candidate() -> None:
    found = find_candidates(flow_of(PION, 50.0, 0.2, 50.0 + 2.01 * np.hypot(10, 5), 5.0))
    assert found["charge"].tolist() == [1, 0]
    assert found["e"] == pytest.approx([50.0, 2.01 * np.hypot(10, 5)])
    assert found["e_had"] == pytest.approx(found["e"])
    assert found["pt"] == pytest.approx(found["e"] / np.cosh([0.0, 0.05]))
    found = find_candidates(flow_of(PION, 50.0, 0.2, 50.0 + 1.99 * np.hypot(10, 5), 5.0))
    assert found["charge"].tolist() == [1]


def test_a_muon_keeps_its_momentum_and_is_of_neither_calorimeter() -> None:
    found = find_candidates(flow_of(MUON, 50.0, 0.02, 7.0, 1.0))
    assert found["charge"].tolist() == [1, 0]
    assert found["e"].tolist() == [50.0, 7.0]
    assert (found["e_em"] + found["e_had"]).tolist() == [0.0, 7.0]


def test_towers_and_tracks_are_those_without_particle_flow_and_energies_agree() -> None:
    particles = collimated(20)
    towers, tracks = simulate_detector(particles, np.random.default_rng(5))
    more = simulate_with_particle_flow(particles, np.random.default_rng(5))
    assert ak.array_equal(towers, more[0])
    assert ak.array_equal(tracks, more[1])
    candidates = more[2]
    assert ak.array_equal(ak.sum(candidates.charge != 0, axis=1), ak.num(tracks))
    visible = ak.sum(particles.e, axis=None)
    assert ak.sum(candidates.e, axis=None) == pytest.approx(visible, rel=0.03)
    assert ak.sum(candidates.e_em, axis=None) == pytest.approx(ak.sum(towers.e_em), rel=0.1)


# Jets


def test_jets_hold_their_constituents_one_after_the_other() -> None:
    particles = collimated(30)
    candidates = simulate_with_particle_flow(particles, np.random.default_rng(2))[2]
    found = find_fat_jets(candidates, particles[:, :1], radius=0.8)
    jets = found["fat_jets"]
    assert ak.all(jets.radius == np.float32(0.8))
    counts = ak.flatten(jets.n_constituents)
    members = ak.unflatten(ak.flatten(found["constituents"]), counts)
    momentum = [ak.sum(members.pt * f(members.phi), axis=1) for f in (np.cos, np.sin)]
    np.testing.assert_allclose(np.hypot(*momentum), ak.flatten(jets.pt), rtol=1e-5)
    assert ak.all(members.pt[:, 1:] <= members.pt[:, :-1])
    assert ak.all(jets.pt[:, 1:] <= jets.pt[:, :-1])
    assert len(counts) == 60
    assert {-1, 0, 1} == set(ak.to_numpy(ak.flatten(found["constituents"].charge)))


UP, BOTTOM, GLUON = 2, -5, 21


@pytest.mark.parametrize(
    ("partons", "flavor"),
    [
        ([], 0),
        ([GLUON], 21),
        ([BOTTOM], 5),
        ([UP, -1], 24),
        ([UP, BOTTOM], 0),
        ([UP, GLUON], 0),
        ([UP, -1, BOTTOM], 6),
        ([UP, -1, 3], 0),
        ([5, 5, BOTTOM], 0),
        ([UP, -1, GLUON], 0),
        ([UP, -1, 3, BOTTOM], 0),
    ],
)
def test_flavor_by_the_partons_inside(partons: list[int], flavor: int) -> None:
    # beside phi = pi, and one just outside the radius
    inside = [(number, 99.0, 0.3, -3.1 + 0.1 * n) for n, number in enumerate(partons)]
    event = particles_of([[*inside, (UP, 99.0, 0.5 + 0.81, 3.1)]])
    jets = ak.Array([[{"pt": 500.0, "eta": 0.5, "phi": 3.1}, {"pt": 9.0, "eta": 3.0, "phi": 0.0}]])
    assert jet_flavors(jets, event, radius=0.8).tolist() == [[flavor, 0]]


# Processes


@pytest.mark.parametrize(
    ("process", "kinds", "flavor"),
    [
        ("z_quark", ({1, 2, 3, 4, 5}, 1), {1, 2, 3, 4, 5}),
        ("z_gluon", ({21}, 1), {21}),
        ("wz", ({1, 2, 3, 4}, 2), {24}),
        ("top_pairs", ({1, 2, 3, 4, 5}, 6), {6}),
    ],
)
def test_partons_and_jets_of_a_process(
    process: str,
    kinds: tuple[set[int], int],
    flavor: set[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pythia, "COMMON_SETTINGS", PARTONS_ONLY)
    window = {"pt_hat_min": 500, "pt_hat_max": 600}
    (batch,) = generate(process, n_events=40, seed=4, batch_size=40, **window)
    numbers = abs(batch.partons.id)
    assert set(ak.to_numpy(ak.flatten(numbers))) <= kinds[0]
    assert set(ak.to_numpy(ak.num(numbers))) == {kinds[1]}
    pt = np.hypot(ak.sum(batch.partons.px, axis=1), ak.sum(batch.partons.py, axis=1))
    if kinds[1] == 1:  # decays come after the recoil against other emissions
        assert ak.all((pt > 495) & (pt < 605))
    candidates = simulate_with_particle_flow(batch.particles, np.random.default_rng(1))[2]
    leading = find_fat_jets(candidates, batch.partons, radius=0.8)["fat_jets"][:, 0]
    assert np.mean(np.isin(ak.to_numpy(leading.flavor), list(flavor))) > 0.5


def test_a_window_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="pt_hat_max: must be above pt_hat_min = 500 GeV"):
        write_ntuple(tmp_path / "a.root", "wz", n_events=1, seed=1, pt_hat_min=500, pt_hat_max=400)
    with pytest.raises(InputError, match="bias_power: not an option of the process 'wz'"):
        write_ntuple(tmp_path / "a.root", "wz", n_events=1, seed=1, bias_power=4)
    with pytest.raises(InputError, match="fat_jet_radius: must be positive"):
        write_ntuple(tmp_path / "a.root", "wz", n_events=1, seed=1, fat_jet_radius=0)


def test_configuration_knows_the_processes() -> None:
    assert {*PROCESS_NAMES, "minimum_bias"} == set(PROCESSES) | {"shower"}  # the pile-up


# The file


@pytest.mark.parametrize("radius", [None, 0.8])
def test_file_with_and_without_jets_as_the_package_reads_it(
    radius: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    particles = collimated(6)
    batch = GeneratedBatch(particles, np.ones(6), 6, 6.0, 1.0, 9, 6, particles[:, :1])
    monkeypatch.setattr(ntuple, "generate", lambda *_, **__: iter([batch]))
    path = tmp_path / "a.root"
    write_ntuple(path, "qcd", n_events=6, seed=1, fat_jet_radius=radius)
    info = open_ntuple(path)
    assert info.schema == "calovision"
    has_jets = {"fat_jets", "constituents"} <= set(info.collections)
    assert has_jets == (radius is not None)
    if radius is None:
        with uproot.open(path) as file:
            assert not [name for name in file["events"] if "jets" in name]
        return
    (events,) = iterate_events(path)
    assert ak.num(events.fat_jets).tolist() == [2] * 6
    members = events.constituents
    px, py = (ak.sum(members.pt * f(members.phi), axis=2) for f in (np.cos, np.sin))
    np.testing.assert_allclose(
        ak.flatten(np.hypot(px, py)), ak.flatten(events.fat_jets.pt), rtol=1e-5
    )
    is_muon = (members.e_em == 0) & (members.e_had == 0)
    shares = (members.e_em + members.e_had)[~is_muon]
    np.testing.assert_allclose(
        ak.flatten(shares, None), ak.flatten(members.e[~is_muon], None), rtol=1e-5
    )
    assert {-1, 0, 1} == set(ak.to_numpy(ak.flatten(members.charge, None)))
