"""Pile-up: the right collisions in the right event, turned and mirrored but otherwise whole, and
whose tracks go."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from calovision.simulation import calorimeter, detector, ntuple, pile_up, write_ntuple
from calovision.simulation.pile_up import generate_pool, overlay

FIELDS = ("id", "px", "py", "pz", "e")
PION, PHOTON = 211, 22


def make_particles(counts: list[int], *, seed: int = 1, first: int = 0) -> ak.Array:
    """Particles whose ids are all different, so that each can be recognized."""
    rng, n = np.random.default_rng(seed), sum(counts)
    momenta = {name: rng.normal(0.0, 2.0, n) for name in ("px", "py", "pz")}
    columns = {"id": np.arange(first, first + n, dtype=np.int32)} | momenta
    columns["e"] = np.sqrt(sum(component**2 for component in momenta.values()))
    return ak.unflatten(ak.zip(columns), np.array(counts, dtype=np.int64))


class Scripted:
    """Random numbers of a generator, but with the given numbers of collisions."""

    def __init__(self, n_collisions: list[int], seed: int = 1) -> None:
        self.n_collisions, self.rng = (
            np.array(n_collisions, dtype=np.int64),
            np.random.default_rng(seed),
        )
        self.chosen: np.ndarray | None = None

    def poisson(self, mean: float, size: int) -> np.ndarray:
        assert size == len(self.n_collisions)
        return self.n_collisions

    def integers(self, high: int, size: int) -> np.ndarray:
        self.chosen = self.rng.integers(high, size=size)
        return self.chosen

    def __getattr__(self, name: str) -> object:
        return getattr(self.rng, name)


POOL = make_particles([3, 0, 5, 1, 4, 0, 2], first=1000)
SCRIPTS = [
    [2, 0, 3, 0, 0, 1, 0],  # events without collisions in the middle and at the end
    [0, 0, 4],
    [0, 0, 0],
    [1],
    [0],
    [5, 5],
]


@pytest.mark.parametrize("n_collisions", SCRIPTS)
@pytest.mark.parametrize("seed", range(5))
def test_every_event_gets_its_collisions(n_collisions: list[int], seed: int) -> None:
    """Against a plain loop: the particles of the events of the pool, in order, behind those of the
    hard collision."""
    hard = make_particles([4 + n % 2 for n in range(len(n_collisions))], seed=seed)
    rng = Scripted(n_collisions, seed)
    found = overlay(hard, POOL, 3.0, rng)
    assert found.fields == [*FIELDS, "z"]
    chosen = iter(rng.chosen)
    for event, n in enumerate(n_collisions):
        expected = hard[event].id.tolist()
        for _ in range(n):
            expected += POOL[int(next(chosen))].id.tolist()
        assert found[event].id.tolist() == expected
    assert next(chosen, None) is None


@pytest.mark.parametrize("n_collisions", SCRIPTS)
def test_hard_particles_come_first_and_as_they_were(n_collisions: list[int]) -> None:
    hard = make_particles(
        [3 * (n % 2) for n in range(len(n_collisions))]
    )  # every second event has none
    found = overlay(hard, POOL, 3.0, Scripted(n_collisions))
    local = ak.local_index(found.id)
    first = found[local < ak.num(hard.id)]
    for name in FIELDS:
        assert first[name].tolist() == hard[name].tolist()
    assert ak.all(first.z == 0)
    assert ak.all(found.z[local >= ak.num(hard.id)] != 0)


def test_collisions_are_turned_and_mirrored_as_a_whole() -> None:
    pool = make_particles([6, 6, 6], first=1000)
    found = overlay(make_particles([0] * 50), pool, 0.0, Scripted([1] * 50))
    angles, signs = [], []
    for event in found:
        (original,) = (ak.to_numpy(one) for one in pool if one.id[0] == event.id[0])
        turn = (event.px + 1j * event.py) / (original["px"] + 1j * original["py"])
        np.testing.assert_allclose(np.abs(turn), 1.0, rtol=1e-12)
        np.testing.assert_allclose(turn, turn[0], rtol=1e-9)  # one angle for all particles
        ratio = ak.to_numpy(event.pz) / original["pz"]
        assert np.all(ratio == ratio[0])
        np.testing.assert_array_equal(event.e, original["e"])
        assert len(set(event.z.tolist())) == 1
        angles.append(float(np.angle(turn[0])))
        signs.append(int(ratio[0]))
    assert set(signs) == {-1, 1}
    assert 15 < signs.count(1) < 35
    assert np.histogram(angles, bins=4, range=(-np.pi, np.pi))[0].min() >= 5


def test_numbers_of_collisions_and_vertices() -> None:
    """Poisson: mean and variance are equal; vertices normal with 53 mm."""
    pool = make_particles([1] * 7)
    found = overlay(make_particles([0] * 4000), pool, 6.0, np.random.default_rng(3))
    n = ak.to_numpy(ak.num(found.id))
    assert n.mean() == pytest.approx(6.0, abs=4 * np.sqrt(6 / 4000))
    assert n.var() == pytest.approx(6.0, rel=0.1)
    z = ak.to_numpy(ak.flatten(found.z))
    assert len(np.unique(z)) == len(z)
    assert z.mean() == pytest.approx(0.0, abs=4 * 53 / np.sqrt(len(z)))
    assert z.std() == pytest.approx(53.0, rel=0.02)
    members = np.bincount(ak.to_numpy(ak.flatten(found.id)), minlength=7)
    np.testing.assert_allclose(members, len(z) / 7, rtol=0.1)


def test_same_seed_same_result_and_nothing_is_modified() -> None:
    hard, pool = make_particles([3, 0, 2] * 20), make_particles([4, 2, 0], first=1000)
    before = hard.to_list(), pool.to_list()
    first, second, other = (
        overlay(hard, pool, 2.0, np.random.default_rng(seed)).to_list() for seed in (5, 5, 6)
    )
    assert first == second != other
    assert (hard.to_list(), pool.to_list()) == before


def test_no_events() -> None:
    found = overlay(make_particles([]), POOL, 3.0, np.random.default_rng(0))
    assert len(found) == 0
    assert found.fields == [*FIELDS, "z"]


# Through the detector


def one_particle_a_collision(pdg_id: int, z: np.ndarray) -> ak.Array:
    """One event: particles of 20 GeV at azimuths of their own, at the given distances."""
    phi = np.linspace(-3, 3, len(z))
    columns = {
        "id": np.full(len(z), pdg_id),
        "px": 20 * np.cos(phi),
        "py": 20 * np.sin(phi),
        "pz": np.zeros(len(z)),
    }
    return ak.unflatten(ak.zip(columns | {"e": np.full(len(z), 20.0), "z": z}), [len(z)])


def test_tracks_of_far_vertices_go_but_their_towers_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detector, "EFFICIENCY_HADRON", np.ones((2, 4)))
    z = np.array([0.0, 0.05, -0.09, 0.11, -0.2, 53.0, -53.0])
    particles = one_particle_a_collision(PION, z)
    towers, tracks = detector.simulate_detector(particles, np.random.default_rng(1))
    phi = np.linspace(-3, 3, 7)
    np.testing.assert_allclose(np.sort(tracks.phi[0]), phi[:3], atol=1e-9)
    assert ak.num(towers.e).tolist() == [7]
    np.testing.assert_allclose(
        np.sort(towers.phi[0]), phi, atol=0.15
    )  # of the solenoid and of the cell
    without = ak.zip({name: particles[name] for name in FIELDS})
    towers, tracks = detector.simulate_detector(without, np.random.default_rng(1))
    assert (ak.num(towers.e).tolist(), ak.num(tracks.pt).tolist()) == ([7], [7])


def test_towers_are_those_of_all_particles_together(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EM", "HAD"):
        layer = getattr(calorimeter, name)
        perfect = calorimeter.Calorimeter(
            layer.eta_edges, layer.n_phi, 0.0, ((4.9, 0.0, 0.0, 0.0),)
        )
        monkeypatch.setattr(calorimeter, name, perfect)
    photons = one_particle_a_collision(PHOTON, np.zeros(6))
    photons = ak.without_field(photons, "z")
    pool = ak.concatenate([photons[:, :2], photons[:, 2:]])
    found = overlay(photons, pool, 0.0, Scripted([3]))
    towers, tracks = detector.simulate_detector(found, np.random.default_rng(1))
    assert ak.sum(towers.e) == pytest.approx(ak.sum(found.e), rel=1e-12)
    assert ak.num(found.id)[0] in (12, 14, 16, 18)  # three collisions of two or four photons
    assert ak.num(tracks.pt).tolist() == [0]


# With Pythia


@pytest.fixture(scope="module")
def pool() -> ak.Array:
    return generate_pool(seed=4, n_events=30)


def test_pool_holds_whole_inelastic_collisions(pool: ak.Array) -> None:
    assert len(pool) == 30
    np.testing.assert_allclose(ak.sum(pool.e, axis=1), 13000.0, rtol=1e-4)
    for name in ("px", "py"):
        np.testing.assert_allclose(ak.sum(pool[name], axis=1), 0.0, atol=1e-2)
    transverse = ak.sum(np.hypot(pool.px, pool.py), axis=1)
    assert ak.mean(transverse) < 200.0  # GeV: soft
    assert ak.mean(ak.num(pool.id)) > 50


def test_collisions_of_pythia_conserve_momentum_after_the_overlay(pool: ak.Array) -> None:
    found = overlay(make_particles([0] * 5), pool, 4.0, np.random.default_rng(1))
    assert ak.num(found.id).tolist()[0] > 0
    for event in found:
        for z in set(event.z.tolist()):
            collision = event[event.z == z]
            assert ak.sum(collision.e) == pytest.approx(13000.0, rel=1e-4)
            momentum = [float(ak.sum(collision[name])) for name in ("px", "py", "pz")]
            np.testing.assert_allclose(momentum, 0.0, atol=1.0)


def test_file_with_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pool: ak.Array) -> None:
    """The hard events, and so their tracks and weights, are those without; towers are more."""
    seeds = []
    monkeypatch.setattr(ntuple, "generate_pool", lambda seed: [seeds.append(seed), pool][1])
    files = {}
    for name, mean in (("none", 0.0), ("some", 20.0), ("again", 20.0)):
        write_ntuple(tmp_path / name, "qcd", n_events=4, batch_size=3, seed=3, pile_up=mean)
        with uproot.open(tmp_path / name) as file:
            arrays = file["events"].arrays()
            files[name] = {field: arrays[field] for field in arrays.fields}
    assert len(seeds) == 2
    assert seeds[0] == seeds[1] != 3
    assert (
        files["some"]["event_number"].tolist()
        == files["none"]["event_number"].tolist()
        == [0, 1, 2, 3]
    )
    assert files["some"]["weight"].tolist() == files["none"]["weight"].tolist()
    n_towers = {name: ak.to_numpy(ak.num(arrays["towers_eta"])) for name, arrays in files.items()}
    assert np.all(n_towers["some"] > n_towers["none"] + 100)
    n_tracks = {name: ak.sum(ak.num(arrays["tracks_pt"])) for name, arrays in files.items()}
    assert n_tracks["some"] == pytest.approx(n_tracks["none"], rel=0.1)
    for field, values in files["some"].items():
        assert ak.array_equal(values, files["again"][field]), field


def test_pool_is_made_once_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(
        pile_up,
        "generate",
        lambda *a, **k: asked.append((a, k)) or iter([Batch(POOL), Batch(POOL)]),
    )
    assert len(generate_pool(7, n_events=14)) == 14
    assert asked == [(("minimum_bias",), {"n_events": 14, "seed": 7})]


class Batch:
    """Of particles alone."""

    def __init__(self, particles: ak.Array) -> None:
        self.particles = particles
