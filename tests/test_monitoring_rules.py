"""Rules that look for faults in maps of runs: exact tails, what a run is compared with, scores."""

from dataclasses import replace

import numpy as np
import pytest
from fakes_monitoring import maps_of, true_reference
from scipy import stats

from calovision.core.errors import InputError
from calovision.monitoring import compared_runs
from calovision.monitoring.compared_runs import ComparedRuns
from calovision.monitoring.expectation import SCALES, Expectation, run_scales, weighted_median
from calovision.monitoring.injection import inject
from calovision.monitoring.methods import METHODS, scores_of_each
from calovision.monitoring.reference import Reference
from calovision.monitoring.rules import (
    combined,
    energy,
    neighbours,
    poisson,
    ring_mean,
    ring_median,
    shape,
)
from calovision.monitoring.tails import deviation, log_probability
from calovision.monitoring.toys import ToyDetector, toy_detector

HITS = np.array([0, 1, 3, 9, 10, 11, 25, 60, 0, 2])
MEANS = np.array([10.0, 0.3, 9.5, 9.0, 10.0, 10.0, 10.0, 10.0, 0.1, 30.0])


@pytest.fixture
def rng():
    """Random numbers that do not depend on the order of the tests."""
    return np.random.default_rng(4)


def two_sided(distribution):
    """The same by scipy.stats, one value at a time."""
    tails = np.where(HITS >= MEANS, distribution.sf(HITS - 1), distribution.cdf(HITS))
    return -np.log10(np.minimum(2 * tails, 1))


@pytest.mark.parametrize(
    ("dispersion", "distribution"),
    [
        (0.0, stats.poisson(MEANS)),
        (-1 / 100, stats.binom(100, MEANS / 100)),
        (0.04, stats.nbinom(25, 25 / (25 + MEANS))),
    ],
    ids=["poisson", "binomial", "negative binomial"],
)
def test_tails_are_those_of_scipy(dispersion, distribution):
    np.testing.assert_allclose(
        deviation(HITS, MEANS, dispersion), two_sided(distribution), rtol=1e-10, atol=1e-12
    )
    np.testing.assert_allclose(
        log_probability(HITS, MEANS, np.full(10, dispersion)), distribution.logpmf(HITS), rtol=1e-10
    )


@pytest.mark.parametrize("dispersion", [0.0, -1e-4, 2e-3])
def test_tails_too_small_for_a_number_go_on(dispersion):
    hits = np.array([0.0, 5.0, 5000.0, 9000.0])
    mean = np.array([1200.0, 3000.0, 700.0, 700.0])
    found = deviation(hits, mean, dispersion)
    if dispersion == 0:  # the sum of the logarithms of the terms
        k = np.arange(5000, 9000)
        upper = np.logaddexp.reduce(stats.poisson(700).logpmf(k)) + np.log(2)
        assert found[2] == pytest.approx(-upper / np.log(10), rel=1e-4)
        assert found[0] == pytest.approx((1200 - np.log(2)) / np.log(10), rel=1e-12)
    near = deviation(np.array([0.0]), np.array([640.0]), dispersion)  # just above the change
    assert np.isfinite(found).all()
    assert (found > 250).all()
    assert found[3] > found[2]
    assert found[0] > near[0]


def test_tails_of_small_dispersions_join_those_of_poisson():
    for sign in (-1, 1):
        np.testing.assert_allclose(
            deviation(HITS, MEANS, sign * 1e-8), deviation(HITS, MEANS, 0.0), rtol=1e-5, atol=1e-9
        )


def test_no_hits_expected():
    np.testing.assert_array_equal(
        deviation(np.array([0.0, 1.0, 2.0]), np.array([0.0, 0.0, np.nan]), 0.0), [0, np.inf, np.nan]
    )


@pytest.fixture(scope="module")
def good():
    """Runs of 2000 events, and a reference that knows their spread."""
    detector = toy_detector(16, 32, 2, seed=1)
    maps = detector.runs(40, 2000, np.random.default_rng(4))
    return maps, true_reference(detector, of_cells=detector.of_cells)


def test_chances_of_good_runs_are_those_of_chance(good):
    """The spread between runs and the overall rate do not make them small."""
    maps, reference = good
    found = METHODS["poisson"].scores(maps, reference)
    for k in (1, 2, 3):  # 40960 cells; the steps of the counts are on the safe side
        share = (found > k).mean()
        assert 0.6 * 10**-k < share < 1.2 * 10**-k
    no_spread = replace(reference, rate_spread=0 * reference.rate)
    assert (METHODS["poisson"].scores(maps, no_spread) > 3).mean() > (found > 3).mean()
    assert (METHODS["combined"].scores(maps, reference) > 3).mean() < 1.5e-3


def test_the_scale_of_a_run_is_found_whatever_is_broken(rng):
    detector = toy_detector(16, 32, 1, seed=1)
    maps = replace(detector, of_runs=0.0, of_cells=0.0).runs(2, 10**6, rng)
    more = ToyDetector(detector.grid, 1 - (1 - detector.rates) ** 1.7, detector.energies)
    doubled = replace(more, of_runs=0.0, of_cells=0.0).runs(1, 10**6, rng)
    broken = maps.occupancy.copy()
    broken[1, :, :6] = 0  # six rings of sixteen
    for found, expected in (
        (maps, [1, 1]),
        (doubled, [1.7]),
        (replace(maps, occupancy=broken), [1, 1]),
    ):
        scale = Expectation.of(found, true_reference(detector)).scale
        np.testing.assert_allclose(scale[:, 0], expected, rtol=3e-3)


@pytest.mark.parametrize("hits_in_run", [1, 5, 30, 200, 2000])
def test_the_scale_of_few_hits_is_that_of_the_run(hits_in_run):
    """Sectors with 0 or 1 hits have a median of 0; a hot cell does not move the scale either."""
    rate = np.full((1, 16, 16), 1e-3)
    events = np.full((200, 1, 1, 1), hits_in_run / rate.sum())
    rng = np.random.default_rng(3)
    for level in (1.0, 2.0):
        hits = rng.poisson(events * level * rate).astype(float)
        for n_hot in (0, 500):
            hits[:, :, 3, 5] += n_hot
            scale, error = run_scales(hits, -np.log1p(-rate), events)
            usual = (hits_in_run * level + 1) / (hits_in_run + 1)
            assert scale.mean() == pytest.approx(usual, rel=0.15 if hits_in_run > 5 else 0.35)
            assert (error <= 1).all()


def test_a_dead_run_is_dead_everywhere():
    detector = toy_detector(8, 16, 1)
    maps = maps_of(np.zeros((1, 1, 8, 16)), 5000)
    expected = Expectation.of(maps, true_reference(detector))
    assert expected.scale == SCALES[0]
    assert poisson.scores(maps, true_reference(detector)).min() > 10


def test_weighted_median():
    values = np.array([[3.0, 1.0, 2.0], [1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(
        weighted_median(values, np.array([[1.0, 1.0, 1.0], [1.0, 1.0, 5.0]])), [2, 3]
    )
    assert weighted_median(np.array([4.0, 5.0]), np.zeros(2)) == 1


def test_an_uncertain_reference_makes_deviations_smaller(rng):
    detector = toy_detector(8, 16, 1)
    maps = replace(detector, of_runs=0.0).runs(1, 500, rng)
    hits = maps.occupancy.copy()
    hits[0, 0, 3, 3] *= 2
    broken = replace(maps, occupancy=hits)
    certain, uncertain, few = (
        poisson.scores(broken, true_reference(detector, **kwargs))[0, 0, 3, 3]
        for kwargs in ({}, {"of_cells": 0.2}, {"n_events": 200})
    )
    assert uncertain < certain - 5
    assert few < certain - 5
    share = detector.rates[0, 3, 3]
    assert certain == pytest.approx(
        -np.log10(2 * stats.binom(500, share).sf(hits[0, 0, 3, 3] - 1)), rel=0.2
    )  # but for the scale of the run


def test_standard_deviations_of_chances():
    z = np.array([0.5, 3.0, 8.0])
    np.testing.assert_allclose(
        poisson.standard_deviations(-np.log10(2 * stats.norm.sf(z))), z, rtol=1e-12
    )
    assert poisson.standard_deviations(1000.0) == pytest.approx(67.77, abs=0.05)


# Ring mean


def test_ring_mean_is_the_published_rule():
    hits = np.full((1, 1, 3, 5), 1.0)
    hits[0, 0, 0, 2], hits[0, 0, 1, 2], hits[0, 0, 2, 2] = 101, 100, 0
    maps = maps_of(hits, 1000)
    np.testing.assert_array_equal(np.argwhere(ring_mean.is_hot(maps)), [[0, 0, 0, 2]])
    found = ring_mean.scores(maps, None)
    assert found[0, 0, 0, 2] == pytest.approx(np.log(101.5 / 1.5))
    assert found[0, 0, 2, 2] == pytest.approx(np.log(1.5 / 0.5))
    fewer = replace(maps, occupancy=hits * np.where(hits == 101, 19 / 101, 1))
    assert ring_mean.scores(fewer, None)[0, 0, 0, 2] == 0  # fewer than 20 hits are never hot


def test_ring_median_and_neighbours():
    hits = np.full((1, 1, 4, 6), 10.0)
    hits[0, 0, 1, 0] = 1000
    maps = maps_of(hits, 10**4)
    found = ring_median.scores(maps, None)[0, 0]
    assert found[1, 0] == pytest.approx(np.log(1000.5 / 10.5))
    assert np.count_nonzero(found) == 1
    mean = neighbours.mean_of_neighbours(hits)[0, 0]
    assert mean[1, 0] == 10
    assert mean[1, 5] == mean[1, 1] == mean[2, 5] == (1000 + 7 * 10) / 8  # around the circle
    assert mean[0, 5] == (1000 + 4 * 10) / 5  # fewer at the edge
    assert mean[3, 0] == mean[1, 3] == 10
    for shape_of in ((1, 1), (1, 2), (3, 1), (2, 2)):  # each neighbour once
        grid = np.arange(1.0, 1 + np.prod(shape_of)).reshape(1, 1, *shape_of)
        others = (grid.sum() - grid) / max(grid.size - 1, 1)
        if shape_of != (3, 1):
            np.testing.assert_allclose(neighbours.mean_of_neighbours(grid), others)


# Energies


def test_energies_of_rings_have_the_chances_of_student(good):
    maps, reference = good
    found = METHODS["energy"].scores(maps, reference)
    assert (found == found[..., :1]).all()  # of whole rings
    for k in (1, 2):  # 1280 rings; the ring is in the run's median, too
        assert 0.1 * 10**-k < (found[..., 0] > k).mean() < 1.3 * 10**-k


def test_scatter_of_neighbours_costs_degrees_of_freedom(good):
    """32 cells of a ring, with the weight of a half for those next to each other."""
    maps, reference = good
    ratio, error, cells = energy.ring_ratios(maps, reference)
    of_run, of_run_error = energy.run_ratio(reference, ratio, error)
    pull = np.abs(ratio - of_run) / np.hypot(error, of_run_error)
    expected = -np.log10(2 * stats.t(31 / 1.5).sf(pull))
    assert (cells == 32).all()
    np.testing.assert_allclose(METHODS["energy"].scores(maps, reference)[..., 0], expected)


def test_student_tail_is_that_of_scipy():
    pull, freedom = np.array([0.0, 1.0, 4.0, 30.0]), np.array([7.0, 20.0, 31.0, 63.0])
    np.testing.assert_allclose(
        energy.log_student_tail(pull, freedom),
        np.log(2) + stats.t(freedom).logsf(pull),
        rtol=1e-10,
        atol=1e-12,
    )
    far = energy.log_student_tail(np.array([1e3, 1e5, 1e6]), np.array([63.0] * 3))
    np.testing.assert_allclose(-np.diff(far), 63 * np.log([100, 10]), rtol=1e-4)  # a power


def test_a_ring_miscalibrated_by_a_tenth_is_found(good):
    """With 2000 events, and no other ring: the run is normalised by the median ring."""
    maps, reference = good
    broken, mask = inject(maps, "miscalibrated_ring", 0.1, 3)
    found = METHODS["energy"].scores(broken, reference)
    assert (np.where(mask, found, 0).max(axis=(1, 2, 3)) > 3.5).mean() > 0.95
    assert (found[~mask] > 4.5).sum() == 0


def test_a_hot_cell_is_no_miscalibrated_ring(good):
    maps, reference = good
    total = maps.total.copy()
    total[:, 0, 4, 7] *= 20
    found = METHODS["energy"].scores(replace(maps, total=total), reference)
    assert found[:, 0, 4].max() < 2


def test_rare_large_energies_make_no_alarms():
    """Jets: a ring without one seems to be known very well, and to be far too low."""
    rng = np.random.default_rng(8)
    shape_of = (160, 1, 16, 32)
    jets = rng.lognormal(2, 0.7, shape_of) * (rng.random(shape_of) < 0.05)
    maps = maps_of(np.full(shape_of, 50), 1000, rng.gamma(50, 0.02, shape_of) + jets)
    plain = true_reference(toy_detector(16, 32), n_events=10**5, n_runs=100)
    of_ring = {"axis": (0, 3), "keepdims": True}
    mean, spread = (
        np.broadcast_to(one(maps.mean[:100], **of_ring)[0], plain.mean.shape)
        for one in (np.mean, np.std)
    )
    knows_nothing, knows = (
        METHODS["energy"].scores(maps[100:], replace(plain, mean=mean, mean_spread=one))
        for one in (0 * spread, spread)
    )
    assert (knows_nothing > 2).mean() > 0.03
    assert (knows > 2).mean() < 0.005


@pytest.mark.parametrize("shape_of", [(1, 1, 1), (2, 3, 9), (1, 9, 17)])
def test_maps_of_any_size_and_rate_have_scores(shape_of):
    """Cells that are never hit, and always; a run without a hit; a reference of one run."""
    rates = np.linspace(1, 0, np.prod(shape_of)).reshape(shape_of)
    for n_events in (1, 1000):
        hits = np.random.default_rng(1).binomial(n_events, np.stack([rates, rates, 0 * rates]))
        maps = maps_of(hits, n_events)
        certain = Reference.of(maps_of(np.round(1000 * rates)[None], 1000))
        for name, method in METHODS.items():
            if not method.is_trained:
                found = method.scores(maps, certain)
                assert not np.isinf(found).any()
                assert np.isnan(found).any() <= (name in ("energy", "shape"))


def test_rings_of_few_cells_say_nothing(rng):
    detector = toy_detector(8, 6)
    maps = detector.runs(2, 500, rng)
    assert np.isnan(METHODS["energy"].scores(maps, true_reference(detector))).all()


# Regions and channels


def test_likelihood_ratios_are_those_of_scipy():
    for factor in (0.02, 0.5, 1.6):
        m = MEANS
        for dispersion, of in (
            (0.0, lambda mean: stats.poisson(mean)),
            (-1 / 100, lambda mean: stats.binom(100, mean / 100)),
            (0.04, lambda mean: stats.nbinom(25, 25 / (25 + mean))),
        ):
            np.testing.assert_allclose(
                combined.log_ratio(HITS, m, np.full(10, dispersion), factor),
                of(factor * m).logpmf(HITS) - of(m).logpmf(HITS),
                rtol=1e-6,
            )
    full = combined.log_ratio(np.array([90.0]), np.array([90.0]), np.array([-0.01]), 3.0)
    assert np.isfinite(full)  # never more hits than events


def test_support_of_a_region_is_that_of_all_windows(rng):
    """Against a loop over windows."""
    values = rng.normal(size=(2, 5, 7))
    for width in (1, 2, 3, 4, 6):
        height = min(width, 5)
        expected = np.full(values.shape, -np.inf)
        for first in range(5 - height + 1):
            for column in range(7):
                rows = np.arange(first, first + height)[:, None]
                columns = (np.arange(column, column + width) % 7)[None, :]
                total = values[:, rows, columns].sum(axis=(1, 2))[:, None, None]
                expected[:, rows, columns] = np.maximum(expected[:, rows, columns], total)
        np.testing.assert_allclose(combined.region_support(values, width), expected - values)


def test_a_board_too_rarely_hit_for_its_cells_is_found(rng):
    detector = toy_detector(16, 32, largest_rate=0.006, smallest_rate=0.005)
    reference = true_reference(detector, of_cells=0.01)
    maps = detector.runs(40, 1000, rng)  # 5 hits a cell
    broken, mask = inject(maps, "dead_board", rng=1, live=detector.rates > 0)
    single, together = (METHODS[name].scores(broken, reference) for name in ("poisson", "combined"))
    assert single[mask].max() < 4.5
    assert (together[mask] > 4.5).mean() > 0.95
    assert (together[~mask] > 4.5).mean() < 1e-4
    assert METHODS["combined"].scores(maps, reference).max() < 5.5


def test_a_hot_cell_does_not_make_its_neighbours_hot(good):
    maps, reference = good
    hits = maps.occupancy.copy()
    hits[:, 0, 4, 7] = 2000
    found = METHODS["combined"].scores(replace(maps, occupancy=hits), reference)
    assert found[:, 0, 4, 7].min() > 100
    around = (slice(None), 0, slice(2, 7), slice(5, 10))
    found[:, 0, 4, 7] = 0
    assert found[around].max() < METHODS["combined"].scores(maps, reference)[around].max() + 0.5


def test_a_hot_cell_does_not_make_a_region_of_few_hits_hot(monkeypatch):
    """Neighbours that have one expected hit say little themselves."""
    detector = toy_detector(8, 16, largest_rate=0.0012, smallest_rate=0.001)
    maps = detector.runs(10, 1000, np.random.default_rng(9))
    maps.occupancy[:, 0, 4, 7] = 60
    reference = true_reference(detector)
    found = METHODS["combined"].scores(maps, reference)
    assert found[:, 0, 4, 7].min() > 50
    found[:, 0, 4, 7] = 0
    assert found.max() < 4
    monkeypatch.setattr(combined, "MOST_OF_OTHERS", 100.0)
    assert np.sort(METHODS["combined"].scores(maps, reference).ravel())[-20] > 10


def test_wrong_mappings_are_seen_in_the_channel(good):
    maps, reference = good
    for kind in ("rotated_phi", "swapped_channels"):
        broken, mask = inject(maps, kind, rng=3)
        found = METHODS["shape"].scores(broken, reference)
        assert found[mask].min() > 10
        assert found[~mask].max(initial=0) < 1
        assert METHODS["combined"].scores(broken, reference)[mask].min() > 9
    boards, _ = inject(maps, "dead_board", rng=3, board=(8, 12))  # a fifth of the channel
    assert METHODS["shape"].scores(boards, reference).max() < 3
    deviations = np.zeros((1, 1, 8, 8))
    deviations[0, 0, :5] = 1
    expected = -np.log10(stats.binom(64, 0.2 + 0.8 * 0.317311).sf(39))
    assert shape.of_deviations(deviations)[0, 0, 0, 0] == pytest.approx(expected)


# All


@pytest.mark.parametrize("name", [name for name, one in METHODS.items() if not one.is_trained])
def test_every_rule_finds_a_dead_and_a_hot_tower(name, rng):
    detector = toy_detector(8, 16, 2)
    reference = true_reference(detector)
    maps = detector.runs(4, 5000, rng)
    hits, total = maps.occupancy.copy(), maps.total.copy()
    hits[0, 0, 2, 3] = total[0, 0, 2, 3] = 0
    hits[1, 1, 5, 0] = np.minimum(20 * hits[1, 1, 5, 0], 5000)
    total[1, 1, 5, 0] *= 20
    events = maps.n_events.copy()
    events[3] = hits[3] = total[3] = 0
    broken = replace(maps, occupancy=hits, total=total, n_events=events)
    before = [array.copy() for array in (hits, total)]
    found = METHODS[name].scores(broken, reference)
    assert found.dtype == np.float64
    assert found.shape == hits.shape
    assert np.isnan(found[3]).all()
    assert not np.isnan(found[:3]).any()
    if name not in ("energy", "shape"):  # of rings and channels
        assert np.unravel_index(found[0].argmax(), found[0].shape) == (0, 2, 3)
        assert np.unravel_index(found[1].argmax(), found[1].shape) == (1, 5, 0)
    for array, same in zip((hits, total), before, strict=True):
        np.testing.assert_array_equal(array, same)
    assert METHODS[name].scores(broken[:0], reference).shape == (0, 2, 8, 16)


def test_other_cells_and_channels_are_refused(rng):
    reference = true_reference(toy_detector(8, 16, 1))
    with pytest.raises(InputError, match=r"the maps: the cells are 8x8 in eta -2\.5 to 2\.5, but"):
        METHODS["poisson"].scores(toy_detector(8, 8).runs(1, 5, rng), reference)
    maps = replace(toy_detector(8, 16).runs(1, 5, rng), channels=("other",))
    with pytest.raises(InputError, match=r"the maps: the channels are other, but those of the ref"):
        METHODS["ring_mean"].scores(maps, reference)


def test_rules_take_no_file(tmp_path):
    assert METHODS["poisson"].load() is METHODS["poisson"]
    with pytest.raises(InputError, match="method 'poisson' is not trained and takes no file"):
        METHODS["poisson"].load(tmp_path / "x.h5")


def test_methods_share_the_tails_of_a_block_and_score_as_they_do_alone(monkeypatch, rng):
    detector = toy_detector(8, 32, 2)
    maps, reference = detector.runs(4, 2000, rng), true_reference(detector)
    maps = replace(maps, n_events=np.array([0, 2000, 2000, 2000]))  # NaN of the first
    rules = [one for one in METHODS.values() if not one.is_trained]
    alone = {one.name: one.scores(maps, reference) for one in rules}
    shapes = []

    def counted(hits, *others):
        shapes.append(hits.shape)
        return deviation(hits, *others)

    monkeypatch.setattr(compared_runs, "deviation", counted)
    together = scores_of_each(rules, ComparedRuns(maps, reference))
    assert shapes == [maps.occupancy.shape]  # once for poisson, shape and combined
    assert list(together) == list(alone)
    for name, found in together.items():
        assert found.tobytes() == alone[name].tobytes(), name
        assert found.flags.writeable, name
    independent = Expectation.of(maps, reference)
    expected = deviation(maps.occupancy, independent.hits, independent.dispersion)
    assert together["poisson"].tobytes() == expected.tobytes()


def test_shared_numbers_are_of_maps_of_the_reference(rng):
    detector = toy_detector(4, 8)
    maps, reference = detector.runs(2, 100, rng), true_reference(detector)
    other = replace(reference, channels=tuple(f"{name}_" for name in reference.channels))
    with pytest.raises(InputError, match="channels"):
        scores_of_each([METHODS["shape"]], ComparedRuns(maps, other))
