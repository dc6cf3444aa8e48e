from statistics import NormalDist

import awkward as ak
import numpy as np
import pytest
from fakes import make_events
from scipy.stats import kstest

from calovision.conversion.variations import EM_RESOLUTION, HAD_RESOLUTION, Variation
from calovision.conversion.varied_towers import (
    TOWER_MAP,
    apply_variation,
    in_dead_cell,
    resolution,
)
from calovision.core.errors import InputError

PRECISE = ((5.0, 0.0, 1e-4, 0.0),)
NOMINAL, SMEARED, DEAD = Variation(), Variation(smear=0.1), Variation(dead=0.01)


def towers_of(e_em, e_had, *, per_event=1, dtype=np.float64, **more):
    """Towers of given energies, some in each event."""
    e_em, e_had = np.asarray(e_em, dtype=dtype), np.asarray(e_had, dtype=dtype)
    rng = np.random.default_rng(3)
    flat = {"eta": rng.uniform(-2.5, 2.5, len(e_em)), "phi": rng.uniform(-np.pi, np.pi, len(e_em))}
    flat = {name: values.astype(dtype) for name, values in flat.items()}
    flat |= {"e": e_em + e_had, "e_em": e_em, "e_had": e_had} | more
    return ak.zip(
        {
            name: ak.unflatten(values, np.full(len(e_em) // per_event, per_event))
            for name, values in flat.items()
        }
    )


def flat(towers, name):
    return ak.to_numpy(ak.flatten(towers[name]))


def vary(towers, variation, *, first=0, seed=1):
    return apply_variation(
        towers, variation, event_number=np.arange(first, first + len(towers)), seed=seed
    )


@pytest.mark.parametrize("factor", [1.03, 0.97])
def test_scale_multiplies_all_energies_and_nothing_else(factor):
    towers, _ = make_events(20)
    towers["et"] = towers.e / np.cosh(towers.eta)
    scaled = vary(towers, Variation(scale=factor))
    for name in ("e", "e_em", "e_had", "et"):
        np.testing.assert_allclose(flat(scaled, name), factor * flat(towers, name), rtol=1e-15)
    for name in ("eta", "phi"):
        np.testing.assert_array_equal(flat(scaled, name), flat(towers, name))
    assert ak.num(scaled).tolist() == ak.num(towers).tolist()
    assert scaled.fields == towers.fields


def test_nominal_changes_nothing_and_needs_no_seed():
    towers, _ = make_events(5)
    assert apply_variation(towers, NOMINAL, event_number=np.arange(5)) is towers


@pytest.mark.parametrize(
    ("name", "terms", "energy"), [("e_em", EM_RESOLUTION, 30.0), ("e_had", HAD_RESOLUTION, 30.0)]
)
def test_smeared_width_is_what_makes_the_resolution_worse(name, terms, energy):
    n = 100_000
    towers = towers_of(
        **({"e_em": np.zeros(n), "e_had": np.zeros(n)} | {name: np.full(n, energy)}), per_event=10
    )
    new, nominal = flat(vary(towers, SMEARED), name), resolution(terms, energy, flat(towers, "eta"))
    pull = (new - energy) / nominal
    assert np.sqrt(1 + pull.var()) == pytest.approx(1.1, abs=0.003)
    assert new.mean() == pytest.approx(energy, abs=5 * nominal.max() / np.sqrt(n))
    assert new.min() > 0


def test_resolution_is_the_quadratic_sum_of_the_terms_of_its_range():
    terms = ((1.7, 0.5, 0.03, 0.4), (3.2, 1.0, 0.1, 0.0))
    expected = [0.4, np.sqrt(25 + 9 + 0.16), np.sqrt(100 + 100), np.sqrt(200), 0.4]
    energy, eta = np.array([0.0, 100.0, 100.0, 100.0, -3.0]), np.array([0.0, -1.6, -1.8, 4.0, 1.0])
    np.testing.assert_allclose(resolution(terms, energy, eta), expected)


def test_defaults_are_the_resolution_of_the_simulation():
    calorimeter = pytest.importorskip("calovision.simulation.calorimeter")
    energy, eta = np.repeat([1.0, 10.0, 300.0], 50), np.tile(np.linspace(-4.8, 4.8, 50), 3)
    np.testing.assert_allclose(
        resolution(EM_RESOLUTION, energy, eta), calorimeter.EM.sigma(energy, eta)
    )
    np.testing.assert_allclose(
        resolution(HAD_RESOLUTION, energy, eta), calorimeter.HAD.sigma(energy, eta)
    )


def test_own_resolution_is_taken():
    towers = towers_of(np.full(20_000, 50.0), np.zeros(20_000))
    new = flat(vary(towers, Variation(smear=1.0, em_resolution=((5.0, 0.0, 0.1, 0.0),))), "e_em")
    assert new.std() == pytest.approx(np.sqrt(3) * 5.0, rel=0.03)


def test_total_follows_its_parts_and_keeps_what_is_in_neither():
    rng = np.random.default_rng(0)
    towers = towers_of(rng.exponential(20, 500), rng.exponential(20, 500), per_event=5)
    towers["e"] = towers.e + 3.0  # a muon
    towers["pt"] = towers.e / np.cosh(towers.eta)
    new = vary(towers, Variation(smear=0.5, scale=2.0))
    np.testing.assert_allclose(
        flat(new, "e"), flat(new, "e_em") + flat(new, "e_had") + 6.0, rtol=1e-12
    )
    np.testing.assert_allclose(
        flat(new, "pt"), flat(new, "e") / np.cosh(flat(new, "eta")), rtol=1e-12
    )
    parts = [np.log(flat(new, name) / flat(towers, name)) for name in ("e_em", "e_had")]
    assert abs(np.corrcoef(*parts)[0, 1]) < 0.15  # the two calorimeters err on their own


def test_muons_and_empty_parts_are_not_smeared():
    towers = towers_of([0.0, 0.0, 5.0], [0.0, 5.0, 0.0], per_event=3)
    towers["e"] = [[7.0, 5.0, 5.0]]
    new = vary(towers, SMEARED)
    assert (new.e[0, 0], new.e_em[0, 0], new.e_had[0, 0]) == (7.0, 0.0, 0.0)
    assert (new.e_em[0, 1], new.e_had[0, 2]) == (0.0, 0.0)
    assert (new.e[0, 1], new.e[0, 2]) == (new.e_had[0, 1], new.e_em[0, 2])
    assert new.e[0, 1] != 5.0


def test_random_numbers_are_normal_and_independent():
    n = 40_000
    towers = towers_of(np.full(n, 1e6), np.full(n, 1e6), per_event=4)
    linear = Variation(smear=1.0, em_resolution=PRECISE, had_resolution=PRECISE)
    numbers = [
        (flat(vary(towers, linear), name) / 1e6 - 1) / (np.sqrt(3) * 1e-4)
        for name in ("e_em", "e_had")
    ]
    for one in numbers:
        assert kstest(one, "norm").pvalue > 0.01
        for lag in (1, 4):  # the next tower, the same tower of the next event
            assert abs(np.corrcoef(one[:-lag], one[lag:])[0, 1]) < 4 / np.sqrt(n)
    assert abs(np.corrcoef(*numbers)[0, 1]) < 4 / np.sqrt(n)
    other = (flat(vary(towers, linear, seed=2), "e_em") / 1e6 - 1) / (np.sqrt(3) * 1e-4)
    assert abs(np.corrcoef(numbers[0], other)[0, 1]) < 4 / np.sqrt(n)


@pytest.mark.parametrize("variation", [SMEARED, DEAD, Variation(scale=0.97, smear=0.2, dead=0.1)])
def test_chunks_and_order_of_events_do_not_matter(variation):
    towers, _ = make_events(60)
    numbers = np.random.default_rng(5).permutation(1000)[:60]
    whole = apply_variation(towers, variation, event_number=numbers, seed=7)
    halves = [
        apply_variation(towers[part], variation, event_number=numbers[part], seed=7)
        for part in (slice(0, 23), slice(23, 60))
    ]
    assert ak.array_equal(ak.concatenate(halves), whole)
    order = np.random.default_rng(6).permutation(60)
    turned = apply_variation(towers[order], variation, event_number=numbers[order], seed=7)
    assert ak.array_equal(turned, whole[order])
    assert not ak.array_equal(
        apply_variation(towers, variation, event_number=numbers, seed=8), whole
    )


def mix(state):
    """SplitMix64 of one integer."""
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    state = (state ^ state >> 27) * 0x94D049BB133111EB % 2**64
    return state ^ state >> 31


@pytest.mark.parametrize(
    ("seed", "event", "name"), [(1, 42, "e_em"), (7, 2**62, "e_had"), (-1, -3, "e_had")]
)
def test_numbers_are_those_of_the_hash(seed, event, name):
    golden, towers = 0x9E3779B97F4A7C15, towers_of(np.full(3, 50.0), np.full(3, 50.0), per_event=3)
    start = mix((mix(mix((seed + golden) % 2**64) + (name == "e_had")) + event * golden) % 2**64)
    uniform = [((mix((start + place * golden) % 2**64) >> 11) + 0.5) / 2**53 for place in (1, 2, 3)]
    sigma = np.sqrt(np.log1p(3e-8))  # of the logarithm
    expected = [50 * np.exp(sigma * NormalDist().inv_cdf(u) - sigma**2 / 2) for u in uniform]
    linear = Variation(smear=1.0, em_resolution=PRECISE, had_resolution=PRECISE)
    new = apply_variation(towers, linear, event_number=np.array([event]), seed=seed)
    np.testing.assert_allclose(new[name][0], expected, rtol=1e-12)


def test_dead_towers_are_gone_in_every_event_at_the_same_place():
    eta, phi = np.meshgrid(
        np.arange(-4.95, 5, 0.1), -np.pi + 2 * np.pi * (np.arange(63) + 0.5) / 63, indexing="ij"
    )
    one = {"eta": eta.ravel(), "phi": phi.ravel(), "e": np.ones(eta.size)}
    towers = ak.zip(
        {name: ak.unflatten(np.tile(values, 3), [eta.size] * 3) for name, values in one.items()}
    )
    left = vary(towers, DEAD)
    assert ak.num(left).tolist() == [6300 - 63] * 3  # 1 % of the cells
    assert left.eta[0].tolist() == left.eta[1].tolist() == left.eta[2].tolist()
    assert left.phi[0].tolist() == left.phi[2].tolist()
    central = np.sum(in_dead_cell(one["eta"], one["phi"], 0.01, 1) & (np.abs(one["eta"]) < 2.5))
    assert 15 < central < 50  # of 3150


def test_dead_cells_have_edges_at_a_tenth_and_wrap_in_phi():
    rng = np.random.default_rng(0)
    eta, phi = rng.uniform(-5, 5, 20_000), rng.uniform(-np.pi, np.pi, 20_000)
    dead = in_dead_cell(eta, phi, 0.2, 4)
    for turns in (-2, 2):
        np.testing.assert_array_equal(in_dead_cell(eta, phi + turns * np.pi, 0.2, 4), dead)
    center = (
        np.floor(eta * 10) / 10 + 0.05,
        -np.pi + 2 * np.pi / 63 * (np.floor((phi + np.pi) * 63 / (2 * np.pi)) + 0.5),
    )
    np.testing.assert_array_equal(in_dead_cell(*center, 0.2, 4), dead)
    assert dead.mean() == pytest.approx(0.2, abs=0.02)
    more = in_dead_cell(eta, phi, 0.3, 4)
    assert np.all(more[dead])
    outside = np.array([5.0, -7.0, np.nan]), np.zeros(3)
    assert not in_dead_cell(*outside, 0.99, 4).any()
    assert TOWER_MAP.n_cells == 6300


def test_input_stays_and_types_stay():
    towers, _ = make_events(20)
    towers = ak.values_astype(towers, np.float32)
    before = ak.to_list(towers)
    new = vary(towers, Variation(scale=1.03, smear=0.1, dead=0.05))
    assert ak.to_list(towers) == before
    assert {new[name].type.content.content.primitive for name in new.fields} == {"float32"}
    assert ak.sum(ak.num(new)) < ak.sum(ak.num(towers))


def test_no_event_one_event_and_empty_events():
    towers, _ = make_events(4)
    everything = Variation(scale=1.03, smear=0.1, dead=0.05)
    assert len(vary(towers[:0], everything)) == 0
    assert len(vary(towers[1:2], everything)) == 1
    assert ak.num(vary(ak.concatenate([towers[:1], towers[1:2, :0]]), everything)).tolist()[1] == 0


def test_only_the_fields_that_are_there():
    towers, _ = make_events(4)
    assert vary(towers[["eta", "phi", "e_em"]], Variation(scale=1.1)).fields == [
        "eta",
        "phi",
        "e_em",
    ]
    parts = vary(towers[["eta", "phi", "e_em", "e_had"]], SMEARED)
    assert parts.fields == ["eta", "phi", "e_em", "e_had"]
    assert ak.array_equal(parts.e_em, vary(towers, SMEARED).e_em)
    with pytest.raises(InputError, match="smear needs the fields e_em and e_had"):
        vary(towers[["eta", "phi", "e"]], SMEARED)
    with pytest.raises(InputError, match="no energy, only eta, phi"):
        vary(towers[["eta", "phi"]], Variation(scale=1.1))


@pytest.mark.parametrize(
    "mapping",
    [
        {},
        {"scale": 0.97},
        {"smear": 0.1},
        {"dead": 0.01},
        {"smear": 0.1, "em_resolution": [[3.0, 0.2, 0.01, 0.3]]},
    ],
)
def test_mapping_round_trip(mapping):
    assert Variation.from_mapping(mapping).to_mapping() == mapping
    assert hash(Variation.from_mapping(mapping)) == hash(Variation.from_mapping(mapping))


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"scales": 1.03}, "unknown key 'scales'; choose from scale, smear, dead"),
        ({"scale": 0}, "scale 0 leaves no energy"),
        ({"scale": -1.0}, "scale -1.0 is impossible"),
        ({"scale": float("nan")}, "scale nan is impossible"),
        ({"scale": "1.03"}, "scale '1.03' is impossible"),
        ({"smear": -0.1}, "smear -0.1 is impossible"),
        ({"smear": True}, "smear True is impossible"),
        ({"dead": 1.0}, "dead 1.0 is no fraction below 1"),
        ({"em_resolution": [0.1, 0.01]}, r"em_resolution \[0.1, 0.01\]: give rows \[end of"),
        ({"em_resolution": []}, r"em_resolution \[\]: give rows"),
        ({"had_resolution": [[2.0, 0.1, -0.1, 0]]}, "had_resolution -0.1 is impossible"),
        ({"had_resolution": [[2.0, 1, 0, 0], [1.0, 1, 0, 0]]}, r"\[2.0, 1.0\] must ascend"),
        (1.03, "give a mapping"),
    ],
)
def test_bad_mapping_is_named(mapping, message):
    with pytest.raises(InputError, match=message):
        Variation.from_mapping(mapping)


def test_bad_calls_are_named():
    towers, _ = make_events(3)
    with pytest.raises(InputError, match="one for each"):
        apply_variation(towers, SMEARED, event_number=np.arange(4), seed=1)
    with pytest.raises(InputError, match="give a seed"):
        apply_variation(towers, DEAD, event_number=np.arange(3))


@pytest.mark.parametrize("variation", [NOMINAL, Variation(scale=1.1), SMEARED, Variation(dead=0.3)])
def test_missing_events_and_towers(variation):
    """An event whose towers are masked has none, and the others are varied as ever."""
    towers, _ = make_events(6)
    keep = np.array([True, True, False, True, False, True])
    expected = vary(towers, variation).tolist()
    assert vary(ak.mask(towers, keep), variation).tolist() == [
        one if k else [] for one, k in zip(expected, keep, strict=True)
    ]
    hard = vary(ak.mask(towers, towers.e > 10), variation)
    assert hard.tolist() == vary(towers[towers.e > 10], variation).tolist()
    towers["e_had"] = ak.mask(towers.e_had, towers.e > 10)
    with pytest.raises(InputError, match=r"towers\.e_had is missing \(None\)"):
        vary(towers, variation)
