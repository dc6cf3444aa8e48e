"""Faults put into maps: statistics of what is left and added, and the mask of what is faulty."""

from dataclasses import replace

import numpy as np
import pytest
from fakes_monitoring import maps_of
from scipy import stats

from calovision.core.errors import InputError
from calovision.monitoring.faults import FAULTS
from calovision.monitoring.injection import BOARD, BURST_SHARE, inject
from calovision.monitoring.toys import ToyDetector, toy_detector

DETECTOR = replace(toy_detector(8, 16, 2), of_runs=0.0, of_cells=0.0)
OF_HITS = DETECTOR.means / DETECTOR.rates
N_RUNS, N_EVENTS = 400, 500


@pytest.fixture(scope="module")
def good():
    return DETECTOR.runs(N_RUNS, N_EVENTS, np.random.default_rng(7))


def injected(maps, kind, strength=None, **kwargs):
    return inject(maps, kind, strength, 11, rates=DETECTOR.rates, **kwargs)


@pytest.mark.parametrize(
    ("kind", "strength"), [(kind, one) for kind in FAULTS for one in FAULTS[kind].strengths]
)
def test_every_fault_changes_only_what_it_marks(good, kind, strength):
    before = (good.occupancy.copy(), good.total.copy())
    found, mask = injected(good, kind, strength)
    assert mask.dtype == bool
    assert mask.shape == good.occupancy.shape
    faded = 0 if kind == "fading_module" else None  # where little is lost yet, nothing is marked
    outside = ~(mask[-1:] if faded == 0 else mask)
    same = np.broadcast_to(outside, mask.shape)
    np.testing.assert_array_equal(found.occupancy[same], good.occupancy[same])
    np.testing.assert_array_equal(found.total[same], good.total[same])
    assert (found.occupancy <= N_EVENTS).all()
    assert (found.occupancy >= 0).all()
    np.testing.assert_array_equal(found.occupancy, np.floor(found.occupancy))
    for array, old in zip((good.occupancy, good.total), before, strict=True):
        np.testing.assert_array_equal(array, old)
    again, _ = injected(good, kind, strength)
    np.testing.assert_array_equal(again.occupancy, found.occupancy)


def test_a_dead_tower_has_nothing(good):
    found, mask = injected(good, "dead_tower")
    assert (mask.sum(axis=(1, 2, 3)) == 1).all()
    assert found.occupancy[mask].sum() == found.total[mask].sum() == 0
    assert len(np.unique(np.argwhere(mask)[:, 1:], axis=0)) > 150  # of 256, all over the detector


@pytest.mark.parametrize("factor", [1.5, 2.0, 5.0, 20.0])
def test_a_hot_tower_has_the_hits_of_a_higher_rate(good, factor):
    """Binomial with factor times the rate, at most all events: chances are uniform."""
    found, mask = injected(good, "hot_tower", factor)
    rates = np.minimum(factor * np.broadcast_to(DETECTOR.rates, mask.shape)[mask], 1.0)
    hits = found.occupancy[mask]
    assert hits.sum() == pytest.approx(N_EVENTS * rates.sum(), rel=0.01)
    pulls = (hits - N_EVENTS * rates) / np.sqrt(np.maximum(N_EVENTS * rates * (1 - rates), 1e-9))
    if factor == 1.5:
        assert pulls.var() == pytest.approx(1, abs=0.15)
    energies = np.broadcast_to(OF_HITS, mask.shape)[mask]
    assert found.total[mask].sum() == pytest.approx((hits * energies).sum(), rel=0.03)


def test_a_weak_tower_keeps_a_share_of_its_hits(good):
    found, mask = injected(good, "dead_tower", 0.3)
    assert found.occupancy[mask].sum() == pytest.approx(0.7 * good.occupancy[mask].sum(), rel=0.01)
    assert found.total[mask].sum() == pytest.approx(0.7 * good.total[mask].sum(), rel=0.02)
    assert (found.total[mask] < good.total[mask]).all()


def test_a_board_is_a_region_around_the_circle(good):
    found, mask = injected(good, "dead_board")
    assert (mask.sum(axis=(1, 2, 3)) == BOARD[0] * BOARD[1]).all()
    assert (mask.any(axis=(2, 3)).sum(axis=1) == 1).all()  # one channel
    assert found.occupancy[mask].sum() == 0
    crosses = mask[..., 0].any(axis=(1, 2)) & mask[..., -1].any(axis=(1, 2))
    assert crosses.mean() == pytest.approx(3 / 16, abs=0.06)


def test_energies_of_a_miscalibrated_ring_are_larger(good):
    """And its hits: as of a toy whose energies are larger before the threshold."""
    found, mask = injected(good, "miscalibrated_ring", 0.1)
    assert (mask.sum(axis=(1, 2, 3)) == 16).all()
    np.testing.assert_allclose(found.total[mask], 1.1 * good.total[mask])
    above = np.broadcast_to(OF_HITS - 0.25, mask.shape)[mask]
    rates = np.broadcast_to(DETECTOR.rates, mask.shape)[mask]
    expected = N_EVENTS * (rates * np.expm1((0.25 - 0.25 / 1.1) / above)).sum()
    added = found.occupancy[mask].sum() - good.occupancy[mask].sum()
    assert added == pytest.approx(expected, rel=0.03)  # 1 % from counting


def test_a_noise_burst_hits_its_region_in_the_same_events(good):
    found, mask = injected(good, "noise_burst")
    share = BURST_SHARE + (1 - BURST_SHARE) * np.broadcast_to(DETECTOR.rates, mask.shape)[mask]
    assert found.occupancy[mask].sum() == pytest.approx(N_EVENTS * share.sum(), rel=5e-3)
    n_hits = np.where(mask, found.occupancy, 0).sum(axis=(1, 2, 3))
    expected = np.where(mask, BURST_SHARE + 0.9 * DETECTOR.rates, 0).sum(axis=(1, 2, 3)) * N_EVENTS
    alone = np.where(mask, N_EVENTS * 0.2 * 0.8, 0).sum(axis=(1, 2, 3))  # independent cells
    assert ((n_hits - expected) ** 2).mean() > 2 * alone.mean()


def test_a_rotated_channel_and_swapped_channels_keep_their_hits(good):
    for kind, n_channels in (("rotated_phi", 1), ("swapped_channels", 2)):
        found, mask = injected(good, kind)
        assert (mask.sum(axis=(1, 2, 3)) == 128 * n_channels).all()
        np.testing.assert_allclose(found.occupancy.sum(axis=(1, 3)), good.occupancy.sum((1, 3)))
        np.testing.assert_allclose(found.total.sum(axis=(1, 2, 3)), good.total.sum((1, 2, 3)))
    np.testing.assert_array_equal(found.occupancy, good.occupancy[:, ::-1])


def test_a_module_fades_over_the_runs(good):
    found, mask = injected(good, "fading_module")
    n_faulty = mask.sum(axis=(1, 2, 3))
    assert (n_faulty[:40] == 0).all()
    assert (n_faulty[40:] == 16).all()
    assert (mask[40:] == mask[40]).all()
    left = found.occupancy[:, mask[-1]].sum(axis=1) / good.occupancy[:, mask[-1]].sum(axis=1)
    np.testing.assert_allclose(left, 1 - np.linspace(0, 1, N_RUNS), atol=0.07)


def test_added_hits_are_binomial():
    """A cell with 3 hits in 10 events and the rate of 0.3, twice as hot: 3 + Bin(7, 3/7)."""
    maps = maps_of(np.full((4000, 1, 1, 1), 3), 10)
    found, _ = inject(maps, "hot_tower", 2.0, 1, rates=np.full((1, 1, 1), 0.3))
    counts = np.bincount(found.occupancy.ravel().astype(int) - 3, minlength=8)
    assert stats.chisquare(counts, 4000 * stats.binom(7, 3 / 7).pmf(np.arange(8))).pvalue > 1e-3


def test_live_cells_only(good):
    live = np.zeros((2, 8, 16), dtype=bool)
    live[1, 2, 5] = True
    for kind in ("dead_tower", "dead_board", "miscalibrated_ring"):
        _, mask = injected(good[:5], kind, live=live)
        assert (mask == live).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("dead_towr",), "there is no fault 'dead_towr'; did you mean 'dead_tower'"),
        (("hot_tower", -2.0), "the strength -2 must be positive"),
        (("hot_tower", 0.5), "a factor above 1, not 0.5"),
        (("dead_board", 2.0), "1 or less, not 2"),
        (("fading_module", 2.0), "1 or less, not 2"),
    ],
)
def test_what_cannot_be_injected(good, arguments, message):
    with pytest.raises(InputError, match=message):
        inject(good, *arguments)


def test_maps_that_take_no_fault(good):
    with pytest.raises(InputError, match="no cell has hits"):
        inject(maps_of(np.zeros((2, 1, 3, 3)), 10), "dead_tower")
    with pytest.raises(InputError, match="have one channel; it takes two"):
        inject(
            ToyDetector.runs(toy_detector(4, 4), 2, 5, np.random.default_rng(1)), "swapped_channels"
        )
    with pytest.raises(InputError, match=r"rates has the shape \(3,\), not \(2, 8, 16\)"):
        inject(good, "dead_tower", rates=np.ones(3))
    for kind in FAULTS:
        assert len(inject(good[:0], kind, live=np.ones((2, 8, 16), dtype=bool))[0]) == 0


@pytest.mark.parametrize(
    "kind", ["dead_tower", "hot_tower", "noise_burst", "rotated_phi", "swapped_channels"]
)
def test_runs_after_each_other_may_have_the_same_fault(good, kind):
    maps = good[:7]
    faulty, mask = inject(maps, kind, None, 3, alike=3)
    assert all((mask[first] == mask[run]).all() for first in (0, 3) for run in (first, first + 1))
    assert (mask[2] == mask[0]).all()
    assert len({mask[run].tobytes() for run in (0, 3, 6)}) > (kind != "swapped_channels")
    if kind == "rotated_phi":
        channel = int(np.flatnonzero(mask[0].any(axis=(1, 2)))[0])
        steps = {
            next(
                step
                for step in range(maps.grid.n_phi)
                if (np.roll(maps.total[run, channel], step, 1) == faulty.total[run, channel]).all()
            )
            for run in range(3)
        }
        assert len(steps) == 1
    with pytest.raises(InputError, match="0 runs cannot be alike"):
        inject(maps, kind, None, 3, alike=0)


def test_runs_after_each_other_may_have_the_same_channels_swapped():
    maps = toy_detector(4, 8, 5).runs(18, 200, np.random.default_rng(3))
    _, mask = inject(maps, "swapped_channels", None, 4, alike=3)
    pairs = mask.any(axis=(2, 3)).reshape(6, 3, 5)
    assert (pairs == pairs[:, :1]).all()
    assert len({pair.tobytes() for pair in pairs[:, 0]}) > 1
