"""The example's generator and detector: closed forms, conservation, reproducibility, and the file
that they write."""

from pathlib import Path
from types import SimpleNamespace

import awkward as ak
import numpy as np
import pytest
import uproot

from calovision.core.errors import InputError
from calovision.simulation import (
    PROCESSES,
    NtupleSummary,
    calorimeter,
    derive_seed,
    detector,
    ntuple,
    pile_up,
    pythia,
    slha,
    write_ntuple,
)
from calovision.simulation.pythia import GeneratedBatch, generate

PION, K0_SHORT, K0_LONG, LAMBDA = 211, 310, 130, 3122
BELOW_PI = float(np.nextafter(np.pi, 0.0))


def particles_of(events: list[list[tuple[int, float, float, float, float]]]) -> ak.Array:
    """Final states from lists of (PDG id, pt, eta, phi, mass)."""
    flat = np.array([p for event in events for p in event], dtype=np.float64).reshape(-1, 5)
    pdg_id, pt, eta, phi, mass = flat.T
    pz = pt * np.sinh(eta)
    columns = {
        "id": pdg_id.astype(np.int32),
        "px": pt * np.cos(phi),
        "py": pt * np.sin(phi),
        "pz": pz,
    }
    columns["e"] = np.sqrt(pt**2 + pz**2 + mass**2)
    return ak.unflatten(ak.zip(columns), np.array([len(event) for event in events], dtype=np.int64))


def many(n: int, pdg_id: int, pt: float, eta: float = 0.3) -> ak.Array:
    """One event a particle, at random azimuth."""
    phi = np.random.default_rng(7).uniform(-np.pi, np.pi, n)
    return particles_of([[(pdg_id, pt, eta, float(x), 0.0)] for x in phi])


def random_particles(n_events: int = 40, n_particles: int = 60) -> ak.Array:
    rng = np.random.default_rng(3)
    ids = [22, 11, -11, 13, PION, -PION, K0_SHORT, K0_LONG, LAMBDA, 12, 1000022]
    return particles_of(
        [
            [
                (
                    int(rng.choice(ids)),
                    rng.exponential(8.0) + 0.05,
                    rng.uniform(-5.5, 5.5),
                    phi,
                    0.0,
                )
                for phi in rng.uniform(-np.pi, np.pi, n_particles)
            ]
            for _ in range(n_events)
        ]
    )


def random_batch(n_events: int) -> GeneratedBatch:
    return GeneratedBatch(
        random_particles(n_events), np.ones(n_events), n_events, float(n_events), 1.0, 9, n_events
    )


@pytest.fixture
def ideal(monkeypatch: pytest.MonkeyPatch) -> None:
    """No resolution and no thresholds."""
    perfect = {"min_energy": 0.0, "resolution": ((4.9, 0.0, 0.0, 0.0),)}
    for name in ("EM", "HAD"):
        original = getattr(calorimeter, name)
        monkeypatch.setattr(
            calorimeter,
            name,
            calorimeter.Calorimeter(original.eta_edges, original.n_phi, **perfect),
        )


# Solenoid


@pytest.mark.parametrize("charge", [-2.0, -1.0, 1.0, 2.0])
@pytest.mark.parametrize("pt", [1.0, 5.0, 200.0])
def test_barrel_azimuth_is_the_closed_form(pt: float, charge: float) -> None:
    eta, phi = detector.propagate(
        np.array([pt]), np.array([0.0]), np.array([0.5]), np.array([charge])
    )
    radius = pt / (0.299792458 * 2.0 * abs(charge))
    assert phi[0] == pytest.approx(
        0.5 - np.sign(charge) * np.arcsin(1.15 / (2 * radius)), abs=1e-12
    )
    assert eta[0] == 0.0


def test_positive_charge_turns_clockwise_by_its_number_at_ten_gev() -> None:
    # 0.15 B R / pT = 0.15 * 2 * 1.15 / 10 rad, for small angles and 0.3 instead of 0.2998
    _, phi = detector.propagate(np.array([10.0]), np.array([0.0]), np.array([0.0]), np.array([1.0]))
    assert phi[0] == pytest.approx(-0.0345, abs=1e-4)


def test_neutral_particles_go_straight() -> None:
    eta, phi = np.array([-4.0, 0.2, 2.0]), np.array([-3.0, 0.0, 3.1])
    out = detector.propagate(np.array([0.3, 5.0, 90.0]), eta, phi, np.zeros(3))
    np.testing.assert_array_equal(out[0], eta)
    np.testing.assert_allclose(out[1], phi, atol=1e-12)


def test_barrel_eta_follows_the_longer_path() -> None:
    radius = 1.0 / (0.299792458 * 2.0)
    eta, _ = detector.propagate(np.array([1.0]), np.array([0.7]), np.array([0.0]), np.array([-1.0]))
    path = 2 * radius * np.arcsin(1.15 / (2 * radius))
    assert eta[0] == pytest.approx(np.arcsinh(np.sinh(0.7) * path / 1.15), rel=1e-12)
    assert eta[0] > 0.7


@pytest.mark.parametrize("eta0", [-2.4, -1.0, 0.4, 2.4])
@pytest.mark.parametrize("pt", [0.15, 0.3, 2.0])
def test_helix_ends_where_small_steps_end(pt: float, eta0: float) -> None:
    turn = np.linspace(0.0, 60.0, 2_000_001)
    radius = pt / (0.299792458 * 2.0)
    x, y = radius * np.sin(turn), -radius * (1 - np.cos(turn))  # positive charge, starting along x
    rho, z = np.hypot(x, y), radius * turn * np.sinh(eta0)
    last = np.argmax((rho >= 1.15) | (np.abs(z) >= 3.51))
    assert last > 0
    eta, phi = detector.propagate(
        np.array([pt]), np.array([eta0]), np.array([0.0]), np.array([1.0])
    )
    assert eta[0] == pytest.approx(np.arcsinh(z[last] / rho[last]), abs=2e-3)
    difference = phi[0] - np.arctan2(y[last], x[last])
    assert (difference + np.pi) % (2 * np.pi) - np.pi == pytest.approx(0.0, abs=2e-3)


def test_looper_leaves_through_the_end_cap_and_one_without_pz_nowhere() -> None:
    pt = np.array([0.2, 0.2])  # 2 r = 0.667 m < 1.15 m
    eta, _ = detector.propagate(pt, np.array([0.5, 0.0]), np.zeros(2), np.ones(2))
    assert eta[0] > np.arcsinh(3.51 / 0.667)
    assert np.isnan(eta[1])
    towers, _ = detector.simulate_detector(
        particles_of([[(PION, 0.2, 0.0, 1.0, 0.14)]]), np.random.default_rng(0)
    )
    assert ak.num(towers.e).tolist() == [0]


# Calorimeter


def test_cells_cover_the_acceptance_with_the_documented_sizes() -> None:
    em, had = calorimeter.EM, calorimeter.HAD
    for layer in (em, had):
        assert layer.eta_edges[0] == -4.9
        assert layer.eta_edges[-1] == 4.9
        np.testing.assert_array_equal(layer.eta_edges, -layer.eta_edges[::-1])
        np.testing.assert_array_equal(layer.n_phi, layer.n_phi[::-1])
        assert len(layer.eta_edges) == len(layer.n_phi) + 1
    for layer, eta, width, n_phi in [
        (em, 0.01, 0.025, 256),
        (em, 2.6, 0.1, 64),
        (em, 4.0, 0.2, 32),
        (had, 1.0, 0.1, 64),
        (had, -3.0, 0.2, 32),
    ]:
        ring = np.searchsorted(layer.eta_edges, eta, side="right") - 1
        assert np.diff(layer.eta_edges)[ring] == pytest.approx(width)
        assert layer.n_phi[ring] == n_phi


@pytest.mark.usefixtures("ideal")
def test_energy_is_conserved_without_resolution_and_threshold() -> None:
    p = random_particles()
    towers, _ = detector.simulate_detector(p, np.random.default_rng(1))
    pt = np.hypot(p.px, p.py)
    charge = ak.unflatten(detector.particle_charges(ak.to_numpy(ak.flatten(p.id))), ak.num(p.id))
    flat = [
        ak.to_numpy(ak.flatten(x))
        for x in (pt, np.arcsinh(p.pz / pt), np.arctan2(p.py, p.px), charge)
    ]
    eta = ak.unflatten(detector.propagate(*flat)[0], ak.num(p.id))
    visible = np.abs(eta) < 4.9
    for blind in (12, 13, 1000022):
        visible = visible & (abs(p.id) != blind)
    np.testing.assert_allclose(ak.sum(towers.e, axis=1), ak.sum(p.e[visible], axis=1), rtol=1e-12)
    np.testing.assert_array_equal(ak.flatten(towers.e), ak.flatten(towers.e_em + towers.e_had))
    assert ak.all((towers.e_em == 0) != (towers.e_had == 0))
    assert 0 < ak.sum(visible) < ak.count(p.id)


@pytest.mark.usefixtures("ideal")
@pytest.mark.parametrize(
    ("pdg_id", "em", "had"),
    [
        (11, 1.0, 0.0),
        (22, 1.0, 0.0),
        (111, 1.0, 0.0),
        (K0_SHORT, 0.3, 0.7),
        (-LAMBDA, 0.3, 0.7),
        (-PION, 0.0, 1.0),
        (K0_LONG, 0.0, 1.0),
        (2112, 0.0, 1.0),
        (13, 0.0, 0.0),
        (-14, 0.0, 0.0),
        (1000022, 0.0, 0.0),
    ],
)
def test_energy_shares_by_particle(pdg_id: int, em: float, had: float) -> None:
    towers, _ = detector.simulate_detector(
        particles_of([[(pdg_id, 50.0, 0.3, 1.0, 0.0)]]), np.random.default_rng(0)
    )
    energy = 50.0 * np.cosh(0.3)
    assert ak.sum(towers.e_em) == pytest.approx(em * energy)
    assert ak.sum(towers.e_had) == pytest.approx(had * energy)
    assert ak.num(towers.e)[0] == (em > 0) + (had > 0)


@pytest.mark.parametrize("energy", [30.0, 100.0])
@pytest.mark.parametrize(
    ("pdg_id", "eta", "sampling", "constant", "noise"),
    [
        (22, 0.3, 0.101, 0.0017, 0.0),
        (22, -3.15, 0.101, 0.0017, 0.0),
        (22, 3.9, 0.285, 0.035, 0.0),
        (K0_LONG, 0.3, 0.5205, 0.0302, 1.59),
        (K0_LONG, -1.65, 0.5205, 0.0302, 1.59),
        (K0_LONG, 1.75, 0.706, 0.05, 0.0),
        (K0_LONG, 3.9, 1.0, 0.0942, 0.0),
    ],
)
def test_resolution_is_that_of_the_calorimeter(
    pdg_id: int, eta: float, sampling: float, constant: float, noise: float, energy: float
) -> None:
    n = 20_000
    particles = many(n, pdg_id, energy / np.cosh(eta), eta)
    towers, _ = detector.simulate_detector(particles, np.random.default_rng(2))
    measured = ak.to_numpy(ak.flatten(towers.e))
    width = np.sqrt(sampling**2 * energy + (constant * energy) ** 2 + noise**2)
    assert len(measured) == n
    assert measured.mean() == pytest.approx(energy, abs=4 * width / np.sqrt(n))
    assert measured.std() == pytest.approx(width, rel=0.04)
    assert measured.min() > 0


def test_rows_of_the_resolution_hold_up_to_their_end() -> None:
    eta = np.array([0.0, 1.7, np.nextafter(1.7, 2), -3.2, -3.3, 4.9])
    layer = calorimeter.Calorimeter(
        np.array([-4.9, 4.9]),
        np.array([1]),
        0.0,
        ((1.7, 0.0, 0.0, 2.0), (3.2, 3.0, 0.0, 0.0), (4.9, 0.0, 0.5, 0.0)),
    )
    np.testing.assert_allclose(layer.sigma(np.full(6, 16.0), eta), [2, 2, 12, 12, 8, 8])


def least_significant(sampling: float, constant: float, noise: float) -> float:
    """Energy of two standard deviations, E^2 = 4 (a^2 E + c^2 E^2 + n^2)."""
    return max(np.roots([1 - 4 * constant**2, -4 * sampling**2, -4 * noise**2]))


def test_thresholds() -> None:
    rng = np.random.default_rng(4)
    barrel, forward = least_significant(0.5205, 0.0302, 1.59), least_significant(1.0, 0.0942, 0.0)
    assert barrel == pytest.approx(3.77, abs=0.01)  # the noise decides, 1 GeV would be the least
    for pdg_id, eta, threshold, pt in (
        (22, 0.0, 0.5, 0.6),
        (K0_LONG, 0.0, barrel, 4.5),
        (K0_LONG, 1.9, least_significant(0.706, 0.05, 0.0), 0.8),
        (K0_LONG, 3.9, forward, 0.2),
    ):
        towers, _ = detector.simulate_detector(many(4000, pdg_id, pt, eta), rng)
        assert threshold <= ak.min(towers.e) < 1.02 * threshold
        assert 0.4 < ak.count(towers.e) / 4000 < 0.95


def test_towers_lie_at_random_places_inside_the_cell_hit() -> None:
    eta, phi = 0.0125, 0.5 * 2 * np.pi / 256  # the center of an electromagnetic cell
    towers, _ = detector.simulate_detector(
        particles_of([[(22, 50.0, eta, phi, 0.0)]] * 2000), np.random.default_rng(5)
    )
    x, y = (
        ak.to_numpy(ak.flatten(towers.eta)) / 0.025,
        ak.to_numpy(ak.flatten(towers.phi)) * 256 / (2 * np.pi),
    )
    for values in (x, y):
        assert 0 <= values.min() < 0.01
        assert 0.99 < values.max() < 1
        assert values.mean() == pytest.approx(0.5, abs=0.03)
        assert values.std() == pytest.approx(1 / np.sqrt(12), rel=0.05)


@pytest.mark.usefixtures("ideal")
def test_two_particles_in_a_cell_make_one_tower_an_event() -> None:
    events = [
        [(22, 5.0, 0.01, 0.01, 0.0), (22, 7.0, 0.012, 0.012, 0.0)],
        [(22, 9.0, 0.01, 0.01, 0.0)],
    ]
    towers, _ = detector.simulate_detector(particles_of(events), np.random.default_rng(0))
    expected = [5.0 * np.cosh(0.01) + 7.0 * np.cosh(0.012), 9.0 * np.cosh(0.01)]
    np.testing.assert_allclose(ak.to_numpy(towers.e).ravel(), expected)


def test_azimuth_stays_in_range_in_float32() -> None:
    for phi in (-np.pi, np.pi, BELOW_PI, float(np.float32(np.pi)), 7 * np.pi, -BELOW_PI):
        wrapped = float(np.float32(calorimeter.wrap(np.array([phi]))[0]))
        assert -np.pi <= wrapped < np.pi
        assert abs(abs(wrapped) - np.pi) < 1e-6
    events = [[(22, 50.0, 0.3, np.pi - 1e-9, 0.0)], [(22, 50.0, 0.3, -np.pi + 1e-9, 0.0)]] * 500
    towers, _ = detector.simulate_detector(particles_of(events), np.random.default_rng(0))
    phi = ak.to_numpy(ak.flatten(ak.values_astype(towers.phi, np.float32))).astype(np.float64)
    assert len(phi) == 1000
    assert np.all((phi >= -np.pi) & (phi < np.pi))
    assert np.all(phi[::2] > np.pi - 2 * np.pi / 256 - 1e-6)  # the last cell, and the first one
    assert np.all(phi[1::2] < -np.pi + 2 * np.pi / 256 + 1e-6)


def test_azimuth_of_float32_pi_falls_into_the_first_cell() -> None:
    one = np.ones(1)
    event, ring, column, energy = calorimeter.sum_cells(
        calorimeter.EM, np.array([0]), 0.31 * one, float(np.float32(np.pi)) * one, one
    )
    assert (event.tolist(), ring.tolist(), column.tolist()) == (
        [0],
        [len(calorimeter.EM.n_phi) // 2 + 12],
        [0],
    )
    assert energy.tolist() == [1.0]


# Tracks


@pytest.mark.parametrize(
    ("pdg_id", "pt", "eta", "efficiency"),
    [
        (PION, 0.5, 0.5, 0.70),
        (-PION, 20.0, -0.5, 0.95),
        (2212, 20.0, 2.2, 0.85),
        (11, 20.0, 2.2, 0.83),
        (-11, 200.0, 0.0, 0.99),
        (13, 0.5, -2.2, 0.70),
        (13, 20.0, 0.5, 0.99),
        (PION, 0.09, 0.5, 0.0),
        (PION, 20.0, 2.6, 0.0),
        (22, 20.0, 0.5, 0.0),
        (K0_SHORT, 20.0, 0.5, 0.0),
    ],
)
def test_track_efficiency(pdg_id: int, pt: float, eta: float, efficiency: float) -> None:
    n = 10_000
    _, tracks = detector.simulate_detector(many(n, pdg_id, pt, eta), np.random.default_rng(6))
    error = np.sqrt(efficiency * (1 - efficiency) / n)
    assert ak.count(tracks.pt) / n == pytest.approx(efficiency, abs=4 * error)
    assert ak.all(abs(tracks.eta) <= 2.5)


@pytest.mark.parametrize(
    ("pdg_id", "eta", "a", "b"),
    [
        (PION, 0.2, 0.06, 1.3e-3),
        (PION, 2.0, 0.25, 3.1e-3),
        (11, 1.0, 0.05, 1.7e-3),
        (13, 0.2, 0.01, 1e-4),
    ],
)
def test_track_momentum_resolution(pdg_id: int, eta: float, a: float, b: float) -> None:
    _, tracks = detector.simulate_detector(
        many(20_000, pdg_id, 50.0, eta), np.random.default_rng(8)
    )
    pt = ak.to_numpy(ak.flatten(tracks.pt))
    assert pt.std() / 50.0 == pytest.approx(np.hypot(a, 50.0 * b), rel=0.04)
    assert pt.mean() == pytest.approx(50.0, rel=0.01)


def test_tracks_have_angles_and_charge_of_the_vertex() -> None:
    events = [[(pdg_id, 5.0, 0.4, 1.0, 0.0)] for pdg_id in (PION, -PION, 11, -13)] * 20
    _, tracks = detector.simulate_detector(particles_of(events), np.random.default_rng(9))
    found = ak.num(tracks.pt) > 0
    assert ak.sum(found) > 60
    np.testing.assert_allclose(ak.flatten(tracks.eta), 0.4, rtol=1e-12)
    np.testing.assert_allclose(ak.flatten(tracks.phi), 1.0, rtol=1e-12)
    expected = np.array([1, -1, -1, 1] * 20)[ak.to_numpy(found)]
    np.testing.assert_array_equal(ak.flatten(tracks.charge), expected)
    assert tracks.charge.type.content.content.primitive == "int8"


def test_charges_of_known_and_unknown_particles() -> None:
    ids = np.array([11, -11, 211, -2212, 22, 310, 3222, 1000010020, 99999999, -3334, 11])
    np.testing.assert_array_equal(
        detector.particle_charges(ids), [-1, 1, 1, -1, 0, 0, 1, 1, 0, 1, -1]
    )


# Events


def test_empty_events_and_a_single_event() -> None:
    rng = np.random.default_rng(0)
    for events in ([[]], [[], [(22, 50.0, 0.1, 0.0, 0.0)], []], [[(PION, 50.0, 0.1, 0.0, 0.0)]]):
        towers, tracks = detector.simulate_detector(particles_of(events), rng)
        assert len(towers) == len(tracks) == len(events)
        assert towers.fields == ["eta", "phi", "e", "e_em", "e_had"]
        assert tracks.fields == ["pt", "eta", "phi", "charge"]
        assert [n > 0 for n in ak.num(towers.e)] == [len(event) > 0 for event in events]


def test_events_do_not_mix() -> None:
    events = [[(22, 10.0 * (i + 1), 0.1, 0.0, 0.0), (PION, 30.0, 1.0, 2.0, 0.0)] for i in range(20)]
    towers, _ = detector.simulate_detector(particles_of(events), np.random.default_rng(0))
    photon = ak.max(towers.e_em, axis=1) / np.cosh(0.1)
    np.testing.assert_allclose(photon, 10.0 * np.arange(1, 21), rtol=0.2)
    assert ak.all(ak.num(towers.e) == 2)


def test_the_particles_are_not_modified() -> None:
    particles = random_particles(5)
    before = ak.to_list(particles)
    detector.simulate_detector(particles, np.random.default_rng(0))
    assert ak.to_list(particles) == before


# Generator


def test_seeds_are_stable_distinct_and_in_pythias_range() -> None:
    assert derive_seed(1, "qcd", 0) == 627567090
    seeds = {
        derive_seed(seed, sample, chunk)
        for seed in range(5)
        for sample in "ab"
        for chunk in range(20)
    }
    assert len(seeds) == 200
    assert 1 <= min(seeds) < max(seeds) <= 900_000_000
    assert derive_seed("a", "b,c") != derive_seed("a,b", "c")
    assert derive_seed(1, 23) != derive_seed(12, 3)


def test_exactly_the_wanted_events_come_out() -> None:
    batches = list(
        generate("qcd", n_events=7, seed=5, batch_size=3, pt_hat_min=400.0, pt_hat_max=420.0)
    )
    assert [len(b.weights) for b in batches] == [3, 3, 1]
    assert [len(b.particles) for b in batches] == [3, 3, 1]
    assert batches[-1].n_accepted == 7
    assert batches[-1].n_tried > batches[0].n_tried >= 3
    for batch in batches:
        np.testing.assert_array_equal(batch.weights, 1.0)
        assert (batch.n_generated, batch.sum_of_weights) == (len(batch.weights), len(batch.weights))
        energy = ak.to_numpy(ak.sum(batch.particles.e, axis=1))
        np.testing.assert_allclose(
            energy, 13000.0, rtol=1e-4
        )  # every final-state particle, and nothing else
        np.testing.assert_allclose(ak.sum(batch.particles.pz, axis=1), 0.0, atol=1.0)
    # About pT-hat^-5.5: a quarter of the 2040 pb above 400 GeV (paper's code); the estimate has
    # seven events.
    assert batches[-1].cross_section_pb == pytest.approx(480.0, rel=0.5)


def test_bias_gives_weights_that_undo_it() -> None:
    (batch,) = generate(
        "qcd", n_events=40, seed=5, pt_hat_min=400.0, pt_hat_max=2500.0, bias_power=4
    )
    assert 0.6 < batch.weights.max() <= 1.0  # (pt_hat_min / pT-hat)^4
    assert batch.weights.min() < 0.3
    assert (batch.n_generated, batch.sum_of_weights) == (40, pytest.approx(batch.weights.sum()))
    assert batch.cross_section_pb == pytest.approx(2040.0, rel=0.4)


def test_failed_events_are_replaced() -> None:
    module = pythia._import_pythia()

    class EveryThirdFails(module.UserHooks):
        n_calls = 0

        def canVetoAfterHadronization(self) -> bool:
            return True

        def doVetoAfterHadronization(self, event: object) -> bool:
            self.n_calls += 1
            return self.n_calls % 3 == 1

    hook = EveryThirdFails()
    generator = module.Pythia("", False)
    generator.addUserHooksPtr(hook)
    for line in (
        *pythia.COMMON_SETTINGS,
        "HardQCD:all = on",
        "PhaseSpace:pTHatMin = 400",
        "PartonLevel:MPI = off",
    ):
        assert generator.readString(line)
    assert generator.init()
    batches = list(pythia._batches(pythia._Generator(generator), 5, range(20), 12))
    assert [len(batch.weights) for batch in batches] == [12, 8]
    assert hook.n_calls == 30
    for batch in batches:
        np.testing.assert_allclose(ak.sum(batch.particles.e, axis=1), 13000.0, rtol=1e-4)


class FakePythia:
    """Returns fewer events than asked for."""

    def __init__(self) -> None:
        self.rndm = SimpleNamespace(init=lambda seed: None)

    def nextBatch(self, n: int, error_mode: float) -> list:
        assert error_mode > 1
        return [None] * (n - 1)


def test_a_short_batch_is_an_error_not_a_shift() -> None:
    with pytest.raises(RuntimeError, match="4 of 5 events"):
        next(pythia._batches(pythia._Generator(FakePythia()), 5, range(5), 10))


def test_gluino_pairs_decay_into_ten_quarks_without_top() -> None:
    settings = PROCESSES["rpv_gluinos"].settings_of({})
    record = pythia._initialize(5, settings, "rpv_gluinos").pythia.nextBatch(30).prt
    mother = record.id[record.mother1]
    from_decay = (abs(record.status) == 23) & (
        (mother == slha.GLUINO) | (mother == slha.NEUTRALINO)
    )
    quarks = record.id[from_decay]
    assert ak.all(ak.num(quarks) == 10)
    assert set(np.abs(ak.to_numpy(ak.flatten(quarks)))) == {1, 2, 3, 4, 5}
    from_neutralino = record.id[from_decay & (mother == slha.NEUTRALINO)]
    assert ak.all(ak.num(from_neutralino) == 6)
    assert ak.all(ak.sum((abs(from_neutralino) % 2) == 0, axis=1) == 2)  # one up-type quark each
    masses = record.m[(record.id == slha.GLUINO) & (abs(record.status) == 22)]
    np.testing.assert_allclose(ak.to_numpy(ak.flatten(masses)), 1400.0, atol=1.0)
    final = record.id[record.status > 0]
    assert not ak.any(abs(final) > 1_000_000)  # no R-hadron, no stable neutralino


def test_branching_ratios_add_up() -> None:
    text = slha.rpv_spectrum(1400.0, 850.0)
    for number, n_channels in ((slha.GLUINO, 4), (slha.NEUTRALINO, 12)):
        lines = text.split(f"DECAY {number}")[1].split("DECAY")[0].splitlines()[1:]
        ratios = [float(line.split()[0]) for line in lines]
        assert len(ratios) == n_channels
        assert sum(ratios) == pytest.approx(1.0, abs=1e-9)
    for line in text.split(f"DECAY {slha.NEUTRALINO}")[1].splitlines()[1:]:
        charges = {1: -1 / 3, 2: 2 / 3, 3: -1 / 3, 4: 2 / 3, 5: -1 / 3}
        assert sum(
            np.sign(int(q)) * charges[abs(int(q))] for q in line.split()[2:]
        ) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("process", "arguments", "match"),
    [
        ("higgs", {}, "process: 'higgs' is unknown; use one of minimum_bias, qcd, rpv_gluinos"),
        ("qcd", {"pt_hat": 400.0}, "pt_hat: not an option of the process 'qcd'"),
        ("qcd", {"mass_gluino": 1400.0}, "mass_gluino: not an option"),
        ("qcd", {"pt_hat_min": None}, "pt_hat_min: must be positive"),
        ("qcd", {"pt_hat_min": -1.0}, "pt_hat_min: must be positive"),
        ("qcd", {"pt_hat_min": 7000.0}, "pt_hat_min: must be positive, below 6500"),
        ("qcd", {"pt_hat_max": 300.0}, "pt_hat_max: must be above pt_hat_min"),
        ("qcd", {"bias_power": -2}, "bias_power: must be zero, positive"),
        ("qcd", {"bias_power": "4"}, "bias_power: must be a number"),
        ("qcd", {"pt_hat_max": float("nan")}, "pt_hat_max: must be a number"),
        ("qcd", {"filter_jets": 0}, "filter_jets: must be 1 to 10 or null, not 0"),
        ("qcd", {"filter_jets": 2.5}, "filter_jets: must be 1 to 10"),
        ("qcd", {"filter_jets": 11}, "filter_jets: must be 1 to 10"),
        (
            "minimum_bias",
            {"filter_jets": 3},
            "filter_jets: not an option of the process 'minimum_bias'",
        ),
        (
            "rpv_gluinos",
            {"filter_jets": 3},
            "filter_jets: not an option of the process 'rpv_gluinos'",
        ),
        ("rpv_gluinos", {"mass_gluino": 3000.0}, "mass_gluino: must be positive, below 2500"),
        ("rpv_gluinos", {"mass_neutralino": 1400.0}, "mass_neutralino: must be 50 to 1390"),
        ("rpv_gluinos", {"mass_gluino": True}, "mass_gluino: must be a number"),
        ("qcd", {"n_events": 0}, "n_events: must be an integer of at least 1"),
        ("qcd", {"seed": 0}, "seed: must be an integer"),
        ("qcd", {"seed": 900_000_001}, "seed: .* at most 900000000"),
        ("qcd", {"batch_size": 2.5}, "batch_size: must be an integer"),
        ("qcd", {"first_event_number": -1}, "first_event_number: must be an integer"),
        ("qcd", {"pile_up": -1.0}, "pile_up: must be a number of at least 0, not -1.0"),
        ("qcd", {"pile_up": float("inf")}, "pile_up: must be a number"),
        ("qcd", {"pile_up": True}, "pile_up: must be a number"),
    ],
)
def test_what_does_not_fit_is_named_and_no_file_is_begun(
    tmp_path: Path, process: str, arguments: dict, match: str
) -> None:
    with pytest.raises(InputError, match=match):
        write_ntuple(tmp_path / "a.root", process, **{"n_events": 2, "seed": 1, **arguments})
    assert list(tmp_path.iterdir()) == []


def test_missing_pythia_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(pythia.importlib, "import_module", absent)
    with pytest.raises(InputError, match=r"pip install calovision\[example\]"):
        generate("qcd", n_events=1, seed=1)


# File


def read_back(path: Path) -> dict[str, ak.Array]:
    with uproot.open(path) as file:
        arrays = file["events"].arrays()
    return {name: arrays[name] for name in arrays.fields}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, NtupleSummary]:
    path = tmp_path_factory.mktemp("ntuple") / "0.root"
    options = {"n_events": 12, "batch_size": 5, "first_event_number": 100}
    return path, write_ntuple(path, "qcd", seed=3, bias_power=4, **options)


def test_file_has_the_documented_layout(written: tuple[Path, NtupleSummary]) -> None:
    path, summary = written
    with uproot.open(path) as file:
        types = {name: branch.typename for name, branch in file["events"].items()}
        generation = file["generation"].arrays(library="np")
    jagged = {f"towers_{x}": "float[]" for x in ("eta", "phi", "e_em", "e_had")}
    jagged |= {f"tracks_{x}": "float[]" for x in ("pt", "eta", "phi")} | {
        "tracks_charge": "int8_t[]"
    }
    counters = {"ntowers": "int32_t", "ntracks": "int32_t"}
    assert types == jagged | counters | {"event_number": "int64_t", "weight": "double"}
    assert generation["n_generated"].tolist() == [12] == [summary.n_generated]
    assert generation["sum_of_weights"].tolist() == [summary.sum_of_weights]
    assert generation["cross_section_pb"].tolist() == [summary.cross_section_pb]
    assert generation["n_generated"].dtype == np.int64


def test_file_holds_every_event_once(written: tuple[Path, NtupleSummary]) -> None:
    path, summary = written
    events = read_back(path)
    assert events["event_number"].tolist() == list(range(100, 112))
    assert ak.sum(events["weight"]) == pytest.approx(summary.sum_of_weights)
    assert len(set(events["weight"].tolist())) == 12
    phi = ak.to_numpy(ak.flatten(events["towers_phi"])).astype(np.float64)
    assert np.all((phi >= -np.pi) & (phi < np.pi))
    assert ak.all((events["towers_e_em"] == 0) != (events["towers_e_had"] == 0))
    assert set(ak.to_numpy(ak.flatten(events["tracks_charge"]))) == {-1, 1}
    transverse = (events["towers_e_em"] + events["towers_e_had"]) / np.cosh(events["towers_eta"])
    assert ak.min(ak.sum(transverse, axis=1)) > 400.0  # two partons of at least 400 GeV
    balance = abs(ak.sum(transverse * np.exp(1j * events["towers_phi"]), axis=1)) / ak.sum(
        transverse, axis=1
    )
    assert ak.mean(balance) < 0.2


def test_same_seed_same_content_and_other_seeds_differ(
    written: tuple[Path, NtupleSummary], tmp_path: Path
) -> None:
    options = {"n_events": 12, "batch_size": 5, "first_event_number": 100, "bias_power": 4}
    write_ntuple(tmp_path / "again.root", "qcd", seed=3, **options)
    write_ntuple(tmp_path / "other.root", "qcd", seed=4, **options)
    first, again, other = (
        read_back(p) for p in (written[0], tmp_path / "again.root", tmp_path / "other.root")
    )
    for name, column in first.items():
        assert ak.array_equal(column, again[name]), name
        if name != "event_number":
            assert not ak.array_equal(column, other[name]), name


@pytest.mark.parametrize("more", [{}, {"filter_jets": 2}, {"pile_up": 2.0}])
def test_a_sample_does_not_depend_on_its_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict
) -> None:
    monkeypatch.setattr(ntuple, "BATCHES_PER_POOL", 1)
    # Pythia takes long to begin with soft collisions, less long without further ones of partons
    monkeypatch.setattr(pile_up, "generate", lambda _, **more: generate("qcd", **more))
    monkeypatch.setattr(ntuple, "generate_pool", lambda seed: pile_up.generate_pool(seed, 3))
    settings = (*pythia.COMMON_SETTINGS, "PartonLevel:MPI = off")
    monkeypatch.setattr(pythia, "COMMON_SETTINGS", settings)
    cuts = {"whole": [(0, 10)], "parts": [(0, 4), (4, 6)]}  # batches of 4: two parts, one of two
    totals = {}
    for name, parts in cuts.items():
        files = [tmp_path / f"{name}{first}.root" for first, _ in parts]
        options = {"pt_hat_min": 400.0, "bias_power": 4, "seed": 3, "batch_size": 4} | more
        for path, (first, n) in zip(files, parts, strict=True):
            write_ntuple(path, "qcd", n_events=n, first_event_number=first, **options)
        columns = [read_back(path) for path in files]
        totals[name] = {field: ak.concatenate([c[field] for c in columns]) for field in columns[0]}
    assert len(totals["whole"]["weight"]) >= 5
    for field, values in totals["whole"].items():
        assert ak.array_equal(values, totals["parts"][field]), field


def test_a_cut_inside_a_batch_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="first_event: must be a multiple of batch_size = 250, not 300"
    ):
        write_ntuple(tmp_path / "a.root", "qcd", n_events=10, seed=1, first_event_number=300)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_failure_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    calls = []

    def fail(particles: ak.Array, rng: np.random.Generator) -> tuple[ak.Array, ak.Array]:
        calls.append(particles)
        if len(calls) == 2:
            raise error("stopped")
        return detector.simulate_detector(particles, rng)

    monkeypatch.setattr(
        ntuple, "generate", lambda *_, **__: iter([random_batch(3), random_batch(3)])
    )
    monkeypatch.setattr(ntuple, "simulate_detector", fail)
    with pytest.raises(error):
        write_ntuple(tmp_path / "a.root", "qcd", n_events=6, seed=1)
    assert len(calls) == 2
    assert list(tmp_path.iterdir()) == []


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent/a\.root: its folder does not exist"):
        write_ntuple(tmp_path / "absent" / "a.root", "qcd", n_events=1, seed=1)
