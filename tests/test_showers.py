"""Showers of the particle gun against closed forms: depths, widths, resolutions, angles, starts."""

from dataclasses import replace
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
from scipy.stats import beta, gamma

from calovision.core.errors import InputError
from calovision.ntuples import open_ntuple
from calovision.simulation.showers import PARTICLES, hadronic, write_showers
from calovision.simulation.showers.cells import HALF_WINDOW, Cells, Window, measure, sum_spots
from calovision.simulation.showers.electromagnetic import (
    CONVERSION_LENGTH,
    SLOPE,
    Particles,
    develop,
    mean_maximum,
    radial_profile,
    shower_profiles,
)
from calovision.simulation.showers.geometry import (
    ATLAS_LIKE,
    IRON_TILES,
    LEAD_ARGON,
    Calorimeter,
    Layer,
)
from calovision.simulation.showers.gun import PION_MASS, Truth, decay, shoot
from calovision.simulation.showers.hadronic import (
    EM_SPREAD,
    FIRST_SHARE,
    bock_profiles,
    depth_at,
    develop_pions,
    draw_em_shares,
    draw_starts,
    mean_em_share,
    photons_of_pions,
)
from calovision.simulation.showers.lateral import CoreAndTail, Deposits, Laplace, Line
from calovision.simulation.showers.materials import LEAD, SCALE_ENERGY, mix
from calovision.simulation.showers.ntuple import LARGEST_ETA, simulate
from calovision.simulation.showers.profiles import Profile
from calovision.simulation.showers.shapes import SHAPES, shower_shapes
from calovision.stages.simulation import SimulationJob, simulate_ntuples
from calovision.workflow.guns import PARTICLE_NAMES, check_gun
from calovision.workflow.samples import Simulate

N = 4000
MIDDLE = next(n for n, layer in enumerate(ATLAS_LIKE.layers) if layer.name == "middle")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(21)


def beam(energy: float, n: int = N, eta: float = 0.3, phi: float = 3.1) -> Truth:
    """Particles of one energy and direction; beside phi = pi."""
    return Truth(*(np.full(n, value) for value in (energy, eta, phi)))


# Materials


def test_mixtures_follow_the_review() -> None:
    assert mix({LEAD: 3.0}) == pytest.approx(LEAD.__class__(*vars(LEAD).values()))
    assert LEAD.moliere_radius == pytest.approx(16.0, rel=0.01)  # 1.602 cm in its tables
    # measured effective values: 20.5 mm and 20.7 cm of the tiles (hep-ex/9904032)
    assert IRON_TILES.moliere_radius == pytest.approx(20.5, rel=0.03)
    assert IRON_TILES.interaction_radius == pytest.approx(207.0, rel=0.07)
    shares = {"a": 0.25, "b": 0.75}
    densities = {"a": 2.0, "b": 4.0}
    of_a = replace(LEAD, density=2.0, radiation_length=5.0, critical_energy=10.0)
    of_b = replace(LEAD, density=4.0, radiation_length=10.0, critical_energy=20.0)
    mass = sum(shares[one] * densities[one] for one in shares)
    w = 0.25 * 2.0 / mass
    found = mix({of_a: 0.25, of_b: 0.75})
    assert found.radiation_length == pytest.approx(1 / (w / 5 + (1 - w) / 10))
    in_grams = 1 / ((w * 10 / 5 + (1 - w) * 20 / 10) / SCALE_ENERGY)
    assert found.moliere_radius == pytest.approx(10 * in_grams / mass)


def test_depths_of_the_layers() -> None:
    edges = ATLAS_LIKE.edges("radiation_length", np.array([0.0, 0.7]))
    np.testing.assert_allclose(np.diff(edges[0])[[0, 2, 3, 4]], [2.0, 4.3, 16.0, 2.0])
    np.testing.assert_allclose(edges[1], edges[0] * np.cosh(0.7))
    in_lambda = np.diff(ATLAS_LIKE.edges("interaction_length", np.zeros(1))[0])
    np.testing.assert_allclose(in_lambda[-3:], [1.5, 4.1, 1.8])
    assert [ATLAS_LIKE.layers[n].name for n in ATLAS_LIKE.active][:2] == ["presampler", "strips"]


# Electrons and photons


def test_layers_share_a_profile_as_the_gamma_distribution_says() -> None:
    profile = Profile(np.array([1.0]), np.array([4.5]), np.array([0.5]))
    edges = np.array([[0.0, 2.0, 7.0, 30.0]])
    expected = gamma(4.5, loc=1.0, scale=2.0)
    np.testing.assert_allclose(profile.shares(edges)[0], np.diff(expected.cdf(edges[0])))
    depths = profile.mean_depths(edges)[0]
    inside = expected.expect(lambda t: t - 1.0, lb=2.0, ub=7.0, conditional=True)
    assert depths[1] == pytest.approx(inside)


@pytest.mark.parametrize("is_photon", [False, True], ids=["electron", "photon"])
def test_maximum_and_mean_of_the_profile_are_those_of_the_review(
    is_photon: bool, rng: np.random.Generator
) -> None:
    energy, of_kind = np.full(20 * N, 50.0), np.full(20 * N, is_photon)
    log_y = np.log(50e3 / LEAD_ARGON.critical_energy)
    maximum = log_y + (0.5 if is_photon else -0.5)
    profile = shower_profiles(energy, of_kind, rng)
    found = profile.start + (profile.a - 1) / profile.b
    assert found.mean() == pytest.approx(maximum, rel=5e-3)
    if is_photon:
        assert profile.start.mean() == pytest.approx(9 / 7, rel=0.02)
        maximum -= CONVERSION_LENGTH
    assert (profile.a - 1).mean() == pytest.approx(SLOPE * maximum, rel=5e-3)
    # ln T and ln (a - 1) have the widths and the correlation of Grindhammer and Peters
    logs = np.log([(profile.a - 1) / profile.b, profile.a - 1])
    widths = [1 / (-2.5 + 1.25 * log_y), 1 / (-0.82 + 0.79 * log_y)]
    np.testing.assert_allclose(logs.std(axis=1), widths, rtol=0.02)
    assert np.corrcoef(logs)[0, 1] == pytest.approx(0.784 - 0.023 * log_y, abs=0.02)
    # mean depth a / b = T + T / (a - 1): log-normal means in closed form
    correlation = (0.784 - 0.023 * log_y) * widths[0] * widths[1]
    mean = maximum + np.exp(widths[1] ** 2 - correlation) / SLOPE
    assert (profile.a / profile.b).mean() == pytest.approx(mean, rel=5e-3)


def test_soft_photons_have_a_profile(rng: np.random.Generator) -> None:
    energy = np.array([1e-4, 1e-2, 1.0])
    assert np.all(mean_maximum(energy, np.ones(3, bool)) > 0)
    profile = shower_profiles(energy, np.ones(3, bool), rng)
    assert np.all(np.isfinite([profile.a, profile.b])) & np.all(profile.a > 1)
    radii = np.array(radial_profile(energy, np.full((3, 2), 9.0)))
    assert np.all(np.isfinite(radii)) & np.all(radii >= 0)


def test_spots_lie_as_far_from_the_axis_as_the_radial_profiles_say(
    rng: np.random.Generator,
) -> None:
    row = np.zeros(50 * N, int)
    one = np.array([[10.0]])
    core = CoreAndTail(one, 5 * one, np.array([[1.0]])).draw(row, 0, rng)
    for radius in (5.0, 10.0, 40.0):  # the share inside r is r^2 / (r^2 + R^2)
        assert np.mean(core < radius) == pytest.approx(radius**2 / (radius**2 + 100), abs=5e-3)
    both = CoreAndTail(one, 5 * one, np.array([[0.7]])).draw(row, 0, rng)
    assert np.mean(both < 10) == pytest.approx(0.7 * 0.5 + 0.3 * 100 / 2600, abs=5e-3)
    laplace = Laplace(np.array([7.0, 20.0])).draw(row, 1, rng)
    x = laplace * np.cos(2 * np.pi * rng.random(len(row)))
    assert np.mean(np.abs(x) > 20) == pytest.approx(np.exp(-1), abs=5e-3)
    assert np.mean(np.abs(x)) == pytest.approx(20, rel=0.01)


def test_a_shower_is_contained_as_its_profile_says(rng: np.random.Generator) -> None:
    truth = beam(50.0)
    event = np.arange(N)
    particles = Particles(event, np.zeros(N, bool), truth.energy, truth.eta, truth.phi)
    deposits = develop(particles, ATLAS_LIKE, rng)
    contained = deposits.energy.sum(axis=1) / 50
    assert np.all(contained <= 1 + 1e-12)
    assert contained.mean() == pytest.approx(1.0, abs=1e-3)
    behind_argon = 1 - deposits.energy[:, :5].sum(axis=1) / 50
    shares = Profile(
        np.zeros(1), 1 + SLOPE * mean_maximum(*np.array([[50.0], [0]])), np.full(1, SLOPE)
    )
    depth = ATLAS_LIKE.edges("radiation_length", truth.eta[:1])[:, [5, -1]]
    assert behind_argon.mean() == pytest.approx(shares.shares(depth)[0, 0], abs=6e-3)


# Measurement


def test_sum_of_the_cells_has_the_mean_and_the_stochastic_resolution(
    rng: np.random.Generator,
) -> None:
    n = 1000
    layer = Layer("all", LEAD_ARGON, 1e4, 1500.0, 0.025, 256, em_sampling=0.1, e_over_h=2.0)
    window = Window.around(layer, np.zeros(n), np.full(n, 3.14))
    places = np.arange(n), np.zeros(n), np.full(n, 3.14)
    for is_hadronic, mean in ((False, 40.0), (True, 20.0)):
        deposit = Deposits(*places, np.full((n, 1), 40.0), Line(), is_hadronic)
        cells = sum(sum_spots(window, [deposit], 0, rng)).reshape(n, -1)
        total = cells.sum(axis=1)
        assert total.mean() == pytest.approx(mean, rel=2e-3)
        assert total.std() == pytest.approx(0.1 * np.sqrt(mean), rel=0.08)
    # what lies outside of the window is not measured
    far = Deposits(places[0], np.full(n, 2.5 * HALF_WINDOW), places[2], deposit.energy, Line())
    assert sum(sum_spots(window, [far], 0, rng)).sum() == 0


def test_electrons_keep_their_energy_and_resolution_in_the_whole_calorimeter(
    rng: np.random.Generator,
) -> None:
    lead = replace(ATLAS_LIKE.layers[MIDDLE], depth=60 * LEAD_ARGON.radiation_length, noise=1e-6)
    found = simulate(PARTICLES["electron"], beam(30.0, 1000), rng, Calorimeter((lead,)))
    energy = ak.to_numpy(ak.sum(found["cells"].e, axis=1))
    # the window of 0.2 loses the tail beside it
    assert energy.mean() == pytest.approx(30.0, rel=0.02)
    assert energy.std() / energy.mean() == pytest.approx(0.1 / np.sqrt(30), rel=0.1)
    np.testing.assert_allclose(
        found["clusters"].pt[:, 0] * np.cosh(found["clusters"].eta[:, 0]), energy, rtol=1e-5
    )


def test_noise_alone_is_cut_at_three_sigma(rng: np.random.Generator) -> None:
    truth = shoot(500, (20.0, 60.0), LARGEST_ETA, rng)
    silent = [Deposits(np.arange(500), truth.eta, truth.phi, np.zeros((500, 9)), Line())]
    cells = measure(truth, silent, ATLAS_LIKE, rng)
    n_cells = sum(
        Window.around(ATLAS_LIKE.layers[n], truth.eta, truth.phi).n_cells for n in ATLAS_LIKE.active
    )
    assert len(cells.e) / n_cells == pytest.approx(1.35e-3, rel=0.1)


# Pions


def test_photons_of_a_neutral_pion_open_by_twice_the_mass_over_the_energy_at_least(
    rng: np.random.Generator,
) -> None:
    truth = beam(20.0, eta=0.0)
    photons = decay(truth, rng)
    energy = photons.energy.reshape(N, 2)
    np.testing.assert_allclose(energy.sum(axis=1), 20.0)
    assert energy.min(axis=1).mean() == pytest.approx(5.0, rel=0.03)  # even from 0 to 10 GeV
    angles = [np.diff(one.reshape(N, 2), axis=1)[:, 0] for one in (photons.eta, photons.phi)]
    angle = np.hypot(*angles)
    assert angle.min() == pytest.approx(2 * PION_MASS / 20, rel=1e-3)
    expected = 2 * np.arcsin(np.minimum(PION_MASS / (2 * np.sqrt(energy.prod(axis=1))), 1))
    near = expected < 0.1  # small angles
    np.testing.assert_allclose(angle[near], expected[near], rtol=0.01)
    slanted = decay(beam(20.0, eta=0.7), np.random.default_rng(21))
    wide = np.hypot(
        *(np.diff(one.reshape(N, 2), axis=1)[:, 0] for one in (slanted.eta, slanted.phi))
    )
    assert wide.min() == pytest.approx(np.cosh(0.7) * 2 * PION_MASS / 20, rel=1e-3)


def test_pions_interact_after_an_exponential_number_of_lengths(rng: np.random.Generator) -> None:
    eta = np.full(20 * N, 0.4)
    edges = ATLAS_LIKE.edges("pion_length", eta)
    place = draw_starts(edges, rng)
    passed = place == len(ATLAS_LIKE.layers)
    assert passed.mean() == pytest.approx(np.exp(-edges[0, -1]), rel=0.5)
    depth = depth_at(edges, place)[~passed]
    assert depth.mean() == pytest.approx(1.0, rel=0.02)
    assert np.mean(depth < edges[0, 4]) == pytest.approx(1 - np.exp(-edges[0, 4]), abs=5e-3)


def test_electromagnetic_share_has_the_mean_of_the_review(rng: np.random.Generator) -> None:
    assert mean_em_share(np.array([50.0])) == pytest.approx(1 - 50**-0.18)
    first, later = draw_em_shares(np.full(20 * N, 50.0), rng)
    share = first + later
    assert share.mean() == pytest.approx(1 - 50**-0.18, abs=3e-3)
    assert share.std() == pytest.approx(EM_SPREAD, rel=0.02)
    assert first.mean() == pytest.approx(FIRST_SHARE, abs=3e-3)
    # the same part of what the first leaves stays hadronic in all showers
    np.testing.assert_allclose((1 - share) / (1 - first), 50**-0.18 / (1 - FIRST_SHARE))
    # charge exchange: a beta distribution of the mean 1/3, whose spread makes that of the share
    spread = EM_SPREAD * (1 - FIRST_SHARE) / 50**-0.18
    total = (2 / 9) / spread**2 - 1
    expected = beta(total / 3, 2 * total / 3).sf(0.9)
    assert np.mean(first > 0.9) == pytest.approx(expected, rel=0.1)
    soft = np.array(draw_em_shares(np.array([1.0, 1.5, 5.0]), rng))
    assert np.all((soft >= 0) & (soft < 1)) & np.all(soft[1] == 0)  # one interaction makes all


def test_pion_profiles_are_those_of_bock() -> None:
    start = (np.array([3.0]), np.array([0.2]))
    em, hadronic = bock_profiles(np.array([50.0]), start)
    a = 0.6165 + 0.3183 * np.log(50)
    far = np.array([[0.0, 1e4]])
    assert em.mean_depths(far)[0, 0] == pytest.approx(a / 0.2198)
    assert hadronic.mean_depths(far)[0, 0] == pytest.approx(a / (0.9099 - 0.0237 * np.log(50)))


def test_energy_of_a_pion_is_conserved_but_for_what_leaks(rng: np.random.Generator) -> None:
    truth = beam(40.0)
    thick = Calorimeter((replace(ATLAS_LIKE.layers[-1], depth=1e5),))
    deposits = develop_pions(truth.energy, truth.eta, truth.phi, thick, rng)
    total = sum(np.bincount(one.event, one.energy.sum(axis=1), N) for one in deposits)
    np.testing.assert_allclose(total, 40.0)
    track, first, em, hadronic = develop_pions(truth.energy, truth.eta, truth.phi, ATLAS_LIKE, rng)
    of_first = np.bincount(first.event, first.energy.sum(axis=1), N)
    total = of_first + sum(one.energy.sum(axis=1) for one in (track, em, hadronic))
    assert np.all(total <= 40 + 1e-9)
    # the track loses a critical energy a radiation length, up to the first interaction
    passed = (em.energy + hadronic.energy).sum(axis=1) == 0
    assert np.all(of_first[passed] == 0)
    in_x0 = np.diff(ATLAS_LIKE.edges("radiation_length", truth.eta[:1])[0])
    loss = 1e-3 * in_x0 * ATLAS_LIKE.values("material")[0].critical_energy
    assert track.energy[passed][:, 0] == pytest.approx(loss[0])
    assert [one.is_hadronic for one in (first, em, hadronic)] == [False, False, True]


def test_neutral_pion_of_charge_exchange_is_photons_from_the_first_interaction(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_of_it = (np.ones(N), np.zeros(N))
    monkeypatch.setattr(hadronic, "draw_em_shares", lambda energy, rng: all_of_it)
    monkeypatch.setattr(hadronic, "draw_starts", lambda edges, rng: np.full(N, MIDDLE + 0.25))
    truth = beam(40.0)
    track, first, em, rest = develop_pions(truth.energy, truth.eta, truth.phi, ATLAS_LIKE, rng)
    assert np.all(em.energy == 0) & np.all(rest.energy == 0)
    assert np.all(first.energy[:, :MIDDLE] == 0) & np.all(track.energy[:, MIDDLE + 1 :] == 0)
    edges = ATLAS_LIKE.edges("radiation_length", truth.eta)
    depth = edges[:, MIDDLE] + 0.25 * (edges[:, MIDDLE + 1] - edges[:, MIDDLE])
    left = 40.0 - track.energy.sum(axis=1)
    energy = np.bincount(first.event, first.energy.sum(axis=1), N)
    # two photons with an even share, in the calorimeter cut off in front of the interaction
    behind = np.maximum(edges - depth[:, np.newaxis], 0.0)
    share = rng.random(N)
    by_hand = np.zeros((N, len(ATLAS_LIKE.layers)))
    for part in (left * share, left * (1 - share)):
        profile = shower_profiles(part, np.ones(N, bool), rng)
        by_hand += part[:, np.newaxis] * profile.shares(behind)
    found = np.stack([np.bincount(first.event, one, N) for one in first.energy.T], axis=1)
    np.testing.assert_allclose(found.mean(axis=0), by_hand.mean(axis=0), atol=0.25)
    assert energy.mean() == pytest.approx(40.0, abs=0.7)


def test_photons_of_a_pion_share_its_energy_at_its_depth(rng: np.random.Generator) -> None:
    energy, depth = np.array([30.0, 0.0, 50.0]), np.array([1.0, 2.0, 3.0])
    photons = photons_of_pions(energy, np.array([0.1, 0.2, 0.3]), np.zeros(3), depth, rng)
    np.testing.assert_allclose(np.bincount(photons.event, photons.energy), energy)
    assert photons.event.tolist() == [0, 2, 0, 2]
    np.testing.assert_array_equal(photons.depth, [1.0, 3.0, 1.0, 3.0])
    np.testing.assert_array_equal(photons.eta, [0.1, 0.3, 0.1, 0.3])


# Shapes


def cells_of(rows: list[tuple[int, int, float, float]]) -> Cells:
    """Cells of (event, layer, eta, energy), with the strips' size in eta."""
    event, layer, eta, e = (np.array(column) for column in zip(*rows, strict=True))
    size = np.full(len(rows), 0.1)
    return Cells(event, layer, eta, np.zeros(len(rows)), size, size, e)


def test_shapes_are_shares_widths_and_the_second_maximum() -> None:
    first = [(0, 1, 0.05, 2.0), (0, 1, 0.15, 8.0), (0, 1, 0.25, 1.0), (0, 1, 0.45, 4.0)]
    first += [(0, 2, 0.05, 15.0), (0, 2, 0.25, 5.0), (0, 5, 0.1, 5.0)]
    single = [(2, 1, -0.05, 3.0), (2, 1, -0.05, 3.0), (2, 0, 0.1, 4.0)]  # two cells of a strip
    found = shower_shapes(cells_of(first + single), 4)
    assert tuple(found) == SHAPES
    assert found["share_strips"] == pytest.approx([15 / 40, 0, 0.6, 0])
    assert found["share_middle"] == pytest.approx([0.5, 0, 0, 0])
    assert found["share_tiles"] == pytest.approx([0.125, 0, 0, 0])
    assert found["share_presampler"] == pytest.approx([0, 0, 0.4, 0])
    assert found["width_middle"] == pytest.approx([0.2 * np.sqrt(0.75 * 0.25), 0, 0, 0])
    assert found["strip_ratio"] == pytest.approx([4 / 12, 0, 1, 0])


def test_strips_see_two_photons_of_a_soft_pion_and_one_photon(rng: np.random.Generator) -> None:
    ratios = {}
    for name in ("photon", "neutral_pion"):
        found = simulate(PARTICLES[name], beam(20.0, 250), rng)
        ratios[name] = np.mean(found["shape_strip_ratio"] < 0.8)
    assert ratios["neutral_pion"] > ratios["photon"] + 0.15


# Files


@pytest.fixture(scope="module")
def ntuple(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty neutral pions, in batches of 25."""
    path = tmp_path_factory.mktemp("showers") / "pions.root"
    options = {"particle": "neutral_pion", "energy_min": 20, "energy_max": 60, "batch_size": 25}
    simulate_ntuples(path, SimulationJob("shower", 60, 0, options), sample="pions", seed=1)
    return path


def test_showers_read_back_as_a_cluster_of_cells_with_layers(ntuple: Path) -> None:
    found = open_ntuple(ntuple)
    assert (found.n_generated, found.cross_section_pb) == (60, 1.0)
    assert {"layer", "eta_size", "phi_size"} <= set(found.collections["towers"])
    assert "layer" in found.collections["constituents"]
    with uproot.open(ntuple) as file:
        events = file["showers"].arrays()
    assert events.event_number.tolist() == list(range(60))
    assert set(events.truth_pdg_id) == {111}
    assert ak.all((events.truth_energy > 20) & (events.truth_energy < 60))
    assert ak.all(abs(events.truth_eta) < LARGEST_ETA)
    ratio = ak.sum(events.cells_e, axis=1) / events.truth_energy
    assert ak.mean(ratio) == pytest.approx(1, abs=0.04)
    assert ak.all(events.clusters_n_cells[:, 0] == ak.num(events.cells_e))
    pt = ak.sum(events.cells_e, axis=1) / np.cosh(events.clusters_eta[:, 0])
    np.testing.assert_allclose(events.clusters_pt[:, 0], pt, rtol=1e-5)
    assert ak.all(abs(events.clusters_eta[:, 0] - events.truth_eta) < 0.03)
    # the axis is the center of a cell of the middle layer, and a quarter of a strip
    place = (events.clusters_eta[:, 0] / 0.025) % 1
    assert np.allclose(place, 0.5 + 1 / 32, atol=1e-4)
    assert np.allclose(((events.clusters_phi[:, 0] + np.pi) * 128 / np.pi) % 1, 0.5, atol=1e-3)
    distance = np.abs(events.cells_eta - events.clusters_eta[:, 0])
    assert 0.08 < ak.max(distance) < 0.1125
    assert set(ak.flatten(events.cells_layer)) <= set(range(7))


def test_events_do_not_depend_on_the_cut_into_files(ntuple: Path, tmp_path: Path) -> None:
    options = {"particle": "neutral_pion", "energy_min": 20, "energy_max": 60, "batch_size": 25}
    job = SimulationJob("shower", 35, 25, options)
    simulate_ntuples(tmp_path / "second.root", job, sample="pions", seed=1)
    with uproot.open(ntuple) as whole, uproot.open(tmp_path / "second.root") as part:
        assert ak.array_equal(whole["showers"].arrays()[25:], part["showers"].arrays())


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"particle": "electrn"}, "particle: .*did you mean 'electron'"),
        ({"energy_max": 20}, "energy_max: must be above energy_min = 20"),
        ({"energy_min": 0.5}, "energy_min"),
        ({"eta_max": 2.0}, "eta_max: must be at most 0.8"),
        ({"n_events": 0}, "n_events"),
        ({"first_event_number": 3}, "first_event_number: must be a multiple of batch_size"),
    ],
)
def test_arguments_that_do_not_fit(changes: dict, name: str, tmp_path: Path) -> None:
    given = {"particle": "electron", "energy_min": 20, "energy_max": 60, "n_events": 10, "seed": 1}
    with pytest.raises(InputError, match=name):
        write_showers(tmp_path / "a.root", **(given | changes))
    assert not list(tmp_path.iterdir())


# Configuration


def simulate_section(**changes: object) -> Simulate:
    gun = {"process": "shower", "particle": "photon", "energy_min": 20, "energy_max": 60}
    given = gun | {"n_events": 10} | changes
    return Simulate(**{name: value for name, value in given.items() if value is not None})


def test_names_of_the_particles_are_those_of_the_gun() -> None:
    assert tuple(PARTICLES) == PARTICLE_NAMES


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"particle": None}, "needs 'particle'"),
        ({"energy_min": None}, "needs 'energy_min'"),
        ({"energy_max": 20}, "20 GeV is not above energy_min"),
        ({"pile_up": 20}, "pile_up': the particle gun has no such key"),
        ({"process": "qcd"}, "particle': the process qcd has no such key"),
    ],
)
def test_keys_of_a_gun_are_checked_before_any_job(changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_gun("photons", simulate_section(**changes))
    check_gun("photons", simulate_section())
