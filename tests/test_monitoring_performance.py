"""Figures of merit of methods that look for faults, against closed forms and loops."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes_monitoring import maps_of, true_reference
from scipy import stats
from sklearn.metrics import roc_auc_score

from calovision.core.errors import InputError
from calovision.evaluation.results.fault_figures import MonitoringFigures
from calovision.monitoring.methods import METHODS
from calovision.monitoring.performance import is_tested, measure_performance
from calovision.monitoring.summed_runs import SummedMethod, SummedRuns, runs_needed
from calovision.monitoring.tower_scores import (
    ROC_POINTS,
    ScoredTowers,
    _counts_above,
    false_discovery_rate,
    mean_over_runs,
    rate_at_share,
    tower_auc,
    tower_roc,
)
from calovision.monitoring.toys import toy_detector


def gaussian_towers(n_faulty=4000, n_sound=20_000, distance=3.0, n_runs=50, seed=1):
    """Scores of unit Gaussians, those of faulty towers further up."""
    rng = np.random.default_rng(seed)
    return ScoredTowers(
        rng.normal(distance, 1, n_faulty),
        rng.integers(0, n_runs, n_faulty),
        rng.normal(0, 1, n_sound),
        rng.integers(0, n_runs, n_sound),
        n_runs,
    )


def test_false_discoveries_of_two_gaussians():
    towers = gaussian_towers()
    rate, n_false, n_true, threshold = false_discovery_rate(towers)
    assert threshold == pytest.approx(3 + stats.norm.ppf(0.01), abs=0.1)
    assert n_true == 3960
    assert n_false == (towers.sound >= threshold).sum()
    false = 20_000 * stats.norm.sf(3 + stats.norm.ppf(0.01))
    assert rate.value == pytest.approx(false / (false + 3960), rel=0.06)
    assert rate.value == n_false / (n_false + n_true)
    assert rate.low < rate.value < rate.high
    # the quantile of 4000 scores, and the counts, decide the width
    values = []
    for seed in range(30):
        other = gaussian_towers(seed=seed)
        cut = np.sort(other.faulty)[40]
        n_above = (other.sound >= cut).sum()
        values.append(n_above / (n_above + 3960))
    assert (rate.high - rate.low) / 2 == pytest.approx(np.std(values), rel=0.4)
    share = 4000 / 24_000
    assert rate_at_share(n_false / 20_000, share) == pytest.approx(rate.value, rel=1e-12)
    assert rate_at_share(0.3, 0.5, 0.9) == 0.25  # 0.15 / (0.15 + 0.45)


def test_without_false_positives_there_is_an_upper_end():
    towers = gaussian_towers(100, 1000, distance=50)
    rate, n_false, n_true, _ = false_discovery_rate(towers)
    assert (rate.value, rate.low, n_false, n_true) == (0, 0, 0, 99)
    mean = -np.log(0.158655)  # no count in 15.9 % of cases
    assert rate.high == pytest.approx(mean / (mean + 99))


def test_towers_without_a_score_are_not_found():
    """Two of 100 faulty towers have none: 99 % takes all towers of the detector."""
    scores = np.zeros((100, 1, 1, 6))
    scores[..., 0] = 5
    scores[:2, ..., 0] = np.nan
    mask = np.zeros(scores.shape, dtype=bool)
    mask[..., 0] = True
    tested = np.array([True, True, True, True, True, False]).reshape(1, 1, 6)
    towers = ScoredTowers.of(scores, mask, tested)
    assert (len(towers.faulty), len(towers.sound)) == (100, 400)
    rate, _, _, threshold = false_discovery_rate(towers)
    assert (rate.value, threshold) == (0.8, -np.inf)
    assert false_discovery_rate(towers, detection=0.98)[0].value == 0
    with pytest.raises(InputError, match="none of the tested towers is faulty"):
        false_discovery_rate(ScoredTowers.of(scores, mask & False, tested))
    all_faulty = ScoredTowers.of(scores, mask | True, tested)
    assert false_discovery_rate(all_faulty)[0].value is None


def test_counts_of_replicas_are_those_of_a_loop():
    rng = np.random.default_rng(5)
    scores, runs = rng.integers(0, 6, 200).astype(float), rng.integers(0, 4, 200)
    candidates = np.array([0.5, 2.0, 5.0])
    expected = [[((scores >= c) & (runs == run)).sum() for c in candidates] for run in range(4)]
    np.testing.assert_array_equal(_counts_above(candidates, scores, runs, 4), expected)


def test_roc_and_area_are_those_of_others():
    towers = gaussian_towers(500, 5000, distance=1.5)
    scores = np.round(np.concatenate([towers.faulty, towers.sound]), 1)  # ties
    tied = replace(towers, faulty=scores[:500], sound=scores[500:])
    labels = np.arange(5500) < 500
    area = tower_auc(tied)
    assert area.value == pytest.approx(roc_auc_score(labels, scores), rel=1e-12)
    assert area.low < area.value < area.high
    assert area.value == pytest.approx(stats.norm.cdf(1.5 / np.sqrt(2)), abs=0.02)
    curve = tower_roc(towers)
    at = dict(zip(np.round(np.log10(ROC_POINTS), 6), curve.detection, strict=True))
    for power in (-1, -2):
        cut = np.sort(towers.sound)[::-1][int(5000 * 10**power)]
        assert at[power] == (towers.faulty > cut).mean()
        assert at[power] == pytest.approx(stats.norm.sf(stats.norm.isf(10**power) - 1.5), abs=0.06)
    assert at[0] == 1
    assert at[-6] == (towers.faulty > towers.sound.max()).mean()
    assert list(curve.detection) == sorted(curve.detection)


def test_intervals_hold_the_spread_of_runs():
    """Towers of a run are all found or none: the runs count, not the towers."""
    runs = np.repeat(np.arange(100), 16)
    found = mean_over_runs((runs < 80).astype(float), runs, 100)
    assert found.value == 0.8
    assert (found.high - found.low) / 2 == pytest.approx(0.04, rel=0.25)


DETECTOR = toy_detector(16, 32, 1, largest_rate=0.35, smallest_rate=0.05, seed=2)
REFERENCE = true_reference(DETECTOR, of_cells=0.01)


@pytest.fixture(scope="module")
def measured():
    rng = np.random.default_rng(6)
    good = {n: DETECTOR.runs(80, n, rng, first_run=n) for n in (100, 500)}
    return measure_performance(
        [METHODS["ring_mean"], METHODS["poisson"], METHODS["combined"]],
        good,
        REFERENCE,
        faults=["dead_tower", "hot_tower", "dead_board"],
    )


def test_dead_and_hot_towers_are_found_with_few_false_discoveries(measured):
    """At most 1e-2, and ten times below the rule of the ring mean, with 500 events."""
    for fault, strengths in (("dead_tower", (1.0,)), ("hot_tower", (2.0, 5.0, 20.0))):
        for strength in strengths:
            for method in ("poisson", "combined"):
                one = measured.find(method, fault, strength, 500)
                assert one.n_false / one.n_true <= 1e-2
                assert one.detection.value >= 0.99
    ring = measured.find("ring_mean", "hot_tower", 2.0, 500)
    assert ring.false_discovery_rate.value > 0.9
    assert measured.find("poisson", "hot_tower", 1.5, 500).false_discovery_rate.value > 0.5


def test_tested_towers_are_those_with_enough_hits(measured):
    tested = is_tested(REFERENCE, 500, 50)
    np.testing.assert_array_equal(tested, DETECTOR.rates * 500 >= 50)
    few, more = measured.tested
    assert (more.n_events, more.n_tested, more.n_towers) == (500, tested.sum(), 512)
    assert few.n_tested == 0
    assert measured.in_words()[0].startswith("Runs of 100 events: 0 of 512 live towers have 50 exp")
    assert {one.n_events for one in measured.figures} == {500}
    assert "is an extrapolation" in measured.in_words()[-1]  # 2 of 40 good runs
    one = measured.find("poisson", "dead_tower", 1.0, 500)
    assert (one.n_runs, one.n_faulty) == (80, 40)
    assert one.n_sound == 80 * tested.sum() - 40
    assert one.share == 40 / (80 * tested.sum())
    assert measured.find("poisson", "dead_board", 1.0, 500).n_faulty > 40 * 4


def test_figures_in_files_and_tables(measured):
    again = MonitoringFigures.from_json(json.loads(json.dumps(measured.to_json(), allow_nan=False)))
    assert again == measured
    table = measured.false_discovery_table()
    assert table[0] == (
        "| Fault | Strength | Events a run | Share faulty | Ring mean | Poisson significance | "
        "Cell, region, ring and channel |"
    )
    assert len(table) == 2 + 6
    dead = table[2].split(" | ")
    assert dead[:3] == ["| Dead tower", "1", "500"]
    assert "below" in dead[5]
    hot = measured.detection_table()[3].split(" | ")
    assert hot[:2] == ["| Hot tower", "1.5"]
    assert ["**" in cell for cell in hot[4:]] == [False, True, True]
    with pytest.raises(KeyError):
        measured.find("poisson", "dead_tower", 1.0, 100)


def test_what_cannot_be_measured():
    good = {10: DETECTOR.runs(40, 10, np.random.default_rng(1))}
    with pytest.raises(InputError, match="no tower has 50 expected hits in a run of 10 events"):
        measure_performance([METHODS["poisson"]], good, REFERENCE)
    with pytest.raises(InputError, match="there is no fault 'dead'"):
        measure_performance([METHODS["poisson"]], good, REFERENCE, faults=["dead"], least_hits=1)


def test_the_page_on_methods_names_them_and_its_code_runs():
    page = (Path(__file__).parents[1] / "docs" / "fault_finding.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE)
    assert rows == [name for name, one in METHODS.items() if not one.is_trained]
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    for many, few in (
        ("(32, 32)", "(8, 16)"),
        ("runs(200,", "runs(20,"),
        ("{500: 500, 5000: 120}", "{500: 20}"),
    ):
        assert many in code
        code = code.replace(many, few)
    names = {}
    exec(code, names)
    assert names["figures"].find("poisson", "dead_tower", 1.0, 500).n_false == 0


# Consecutive runs added


def test_sums_of_runs_do_not_depend_on_blocks():
    hits = np.arange(7.0).reshape(7, 1, 1, 1) + 1
    maps = replace(maps_of(hits, 10), run=np.array([1, 2, 3, 4, 6, 7, 8]))
    whole = SummedRuns(3).add(maps)
    np.testing.assert_array_equal(whole.occupancy.ravel(), [0, 0, 6, 9, 0, 0, 18])
    np.testing.assert_array_equal(whole.n_events, [0, 0, 30, 30, 0, 0, 30])
    for size in (1, 2, 4):
        summed = SummedRuns(3)
        parts = [summed.add(block) for block in maps.blocks(size)]
        for name in ("occupancy", "n_events", "total", "run"):
            found = np.concatenate([getattr(part, name) for part in parts])
            np.testing.assert_array_equal(found, getattr(whole, name))
    assert SummedRuns(1).add(maps).occupancy.sum() == hits.sum()
    assert len(SummedRuns(3).add(maps[:0])) == 0
    with pytest.raises(InputError, match="n_runs=0: give at least 1"):
        SummedRuns(0)


def test_a_dead_tower_with_few_hits_is_found_in_several_runs():
    detector = replace(toy_detector(8, 16, largest_rate=0.02, smallest_rate=0.018), of_runs=0.0)
    reference = true_reference(detector, of_cells=0.01)
    maps = detector.runs(8, 200, np.random.default_rng(3))  # 4 hits a run
    maps.occupancy[:, 0, 3, 5] = 0
    single = METHODS["poisson"].scores(maps, reference)
    several = SummedMethod(METHODS["poisson"], 8)
    assert several.name == "poisson_8_summed"
    found = several.scores(maps, reference)
    assert np.isnan(found[:7]).all()
    assert single[:, 0, 3, 5].max() < 2.5
    assert found[7, 0, 3, 5] == found[7].max() > 9
    np.testing.assert_array_equal(runs_needed(np.array([0, 4, 60]), 50), [np.inf, 13, 1])
