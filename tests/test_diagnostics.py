import json

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.special import expit
from scipy.stats import pearsonr, spearmanr
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from calovision.core.errors import InputError
from calovision.evaluation.diagnostics import (
    calibration,
    correlations,
    diagnose,
    jet_variables,
    mass_sculpting,
    weighted_correlation,
    weighted_ranks,
)
from calovision.evaluation.results import Correlation, Diagnostics
from calovision.evaluation.sculpting import jensen_shannon, kept_part
from calovision.metrics import signal_efficiency_at


@pytest.fixture
def rng():
    return np.random.default_rng(4)


def make_table(rng, n=4000):
    labels = np.arange(n) % 2
    logit = rng.normal(size=n) * 1.5 + 2 * labels - 1
    fat_jets = np.zeros((n, 5, 4))
    n_fat_jets = rng.integers(3, 6, n)
    for jet in range(5):
        has = n_fat_jets > jet
        fat_jets[has, jet] = rng.uniform(0.1, 1, (has.sum(), 4)) * [800, -2, 3, 200]
    return {
        "label": labels,
        "weight": rng.exponential(size=n) * np.where(labels == 1, 0.01, 3.0),
        "n_fat_jets": n_fat_jets,
        "mj_sum": 300 + 100 * logit + rng.normal(size=n) * 100,
        "ht": rng.exponential(1000, n),
        "delta_eta_12": rng.exponential(size=n),
        "fat_jets": fat_jets,
        "cnn": logit,
    }


def test_perfect_calibration_and_its_opposite(rng):
    # Scores are drawn uniformly and labels by them: of equal classes, the fraction of signal is the
    # score.
    scores = rng.random(200_000)
    labels = (rng.random(200_000) < scores).astype(int)
    # Unbalanced weights, which the calibration undoes: half of the weights is signal already.
    weights = np.where(labels == 1, 1e-3, 7.0)
    found = calibration(scores, labels, weights)
    for one in found.bins:
        assert one.predicted == pytest.approx((one.low + one.high) / 2, abs=0.01)
        assert one.observed == pytest.approx(one.predicted, abs=0.02)
        assert one.observed_low < one.observed < one.observed_high
        assert one.share == pytest.approx(0.1, abs=0.01)
    assert found.expected_calibration_error < 0.01
    assert found.brier_score == pytest.approx(1 / 6, abs=0.003)  # mean of s (1 - s)
    wrong = calibration(1 - scores, labels, weights)
    assert wrong.expected_calibration_error == pytest.approx(0.5, abs=0.01)  # mean of |1 - 2 s|
    assert wrong.brier_score == pytest.approx(1 / 2, abs=0.003)  # mean of s^3 + (1 - s)^3


def test_calibration_agrees_with_scikit_learn(rng):
    scores, labels = rng.beta(0.5, 0.5, 2000), np.arange(2000) % 2
    found = calibration(scores, labels, np.ones(2000), n_bins=7)
    observed, predicted = calibration_curve(labels, scores, n_bins=7)
    np.testing.assert_allclose([one.observed for one in found.bins], observed)
    np.testing.assert_allclose([one.predicted for one in found.bins], predicted)
    assert found.brier_score == pytest.approx(brier_score_loss(labels, scores))
    assert (found.n_eff.signal, found.n_eff.background) == pytest.approx((1000, 1000))
    weights = rng.exponential(size=2000)
    balanced = weights / np.where(
        labels == 1, weights[labels == 1].sum(), weights[labels == 0].sum()
    )
    expected = brier_score_loss(labels, scores, sample_weight=balanced)
    assert calibration(scores, labels, weights).brier_score == pytest.approx(expected)


def test_calibration_by_hand_with_empty_and_negative_bins():
    scores, labels = np.array([0.05, 0.95, 1.0, 0.55, 0.55]), np.array([0, 1, 1, 0, 0])
    found = calibration(scores, labels, np.array([2.0, 1.0, 3.0, 1.0, -1.5]), n_bins=10)
    bins = found.bins
    assert [one.share for one in bins] == pytest.approx([2 / 3, 0, 0, 0, 0, -1 / 6, 0, 0, 0, 0.5])
    assert bins[0].observed == 0
    assert bins[9].observed == 1
    assert bins[9].predicted == pytest.approx((0.95 + 3 * 1.0) / 4)
    for number in (1, 5):  # empty; with a negative sum
        one = bins[number]
        numbers = (one.predicted, one.observed, one.observed_low, one.observed_high)
        assert numbers == (None,) * 4
    assert bins[5].n_eff == pytest.approx(0.5**2 / (1 + 1.5**2))
    gaps = (2 / 3 * 0.05 + 0.5 * 0.0125) / (2 / 3 + 0.5)
    assert found.expected_calibration_error == pytest.approx(gaps)


def test_calibration_refuses_what_is_no_probability():
    with pytest.raises(InputError, match=r"scores outside \[0, 1\]"):
        calibration(np.array([0.5, 1.5]), np.array([0, 1]), np.ones(2))
    with pytest.raises(InputError, match=r"signal \(label 1\) has no event"):
        calibration(np.array([0.5]), np.array([0]), np.ones(1))


def test_correlations_of_equal_weights_agree_with_scipy(rng):
    x = rng.normal(size=500)
    y = np.round(np.exp(x + rng.normal(size=500)), 1)  # with ties
    weights = np.full(500, 0.3)
    assert weighted_correlation(x, y, weights) == pytest.approx(pearsonr(x, y).statistic)
    ranks = [weighted_ranks(values, weights) for values in (x, y)]
    assert weighted_correlation(*ranks, weights) == pytest.approx(spearmanr(x, y).statistic)


def test_integer_weights_count_events_several_times(rng):
    x, y, times = rng.normal(size=60), rng.normal(size=60), rng.integers(1, 5, 60)
    y += x
    many = np.repeat(x, times), np.repeat(y, times)
    assert weighted_correlation(x, y, times) == pytest.approx(pearsonr(*many).statistic)
    ranks = [weighted_ranks(values, times) for values in (x, y)]
    assert weighted_correlation(*ranks, times) == pytest.approx(spearmanr(*many).statistic)


def test_correlation_of_two_gaussians(rng):
    # Spearman's of a bivariate Gaussian is 6 / pi arcsin(rho / 2)
    x, noise, weights = (
        rng.normal(size=100_000),
        rng.normal(size=100_000),
        rng.exponential(size=100_000),
    )
    y = 0.6 * x + 0.8 * noise
    found = correlations(x, {"y": np.exp(y)}, np.zeros(100_000), weights)["background"]["y"]
    assert found.spearman == pytest.approx(6 / np.pi * np.arcsin(0.3), abs=0.01)
    assert found.n_eff == pytest.approx(50_000, rel=0.02)
    assert weighted_correlation(x, y, weights) == pytest.approx(0.6, abs=0.01)


def test_correlation_of_a_constant_or_of_nothing_is_none_and_negative_weights_stay_in_range(rng):
    x = rng.normal(size=50)
    assert weighted_correlation(x, np.full(50, 0.1), np.ones(50)) is None
    assert weighted_correlation(x[:0], x[:0], np.ones(0)) is None
    assert weighted_correlation(x, x, -np.ones(50)) is None
    for seed in range(200):
        few = np.random.default_rng(seed)
        a, b, w = few.normal(size=(3, 6))
        found = weighted_correlation(a, b, w)
        assert found is None or -1 <= found <= 1
    np.testing.assert_allclose(
        weighted_ranks(np.array([3.0, 1.0, 3.0]), np.array([1.0, -2.0, 1.0])), [3, 1, 3]
    )


def test_correlations_are_those_of_each_class_and_leave_absent_jets_out():
    labels = np.array([1, 1, 1, 0, 0, 0, 0])
    score = np.array([1.0, 2, 3, 1, 2, 3, 4])
    variable = np.array([3.0, 2, 1, 1, 2, 3, np.nan])
    found = correlations(score, {"x": variable}, labels, np.ones(7))
    assert found["signal"]["x"] == Correlation(pytest.approx(-1), pytest.approx(-1), 3)
    assert found["background"]["x"] == Correlation(pytest.approx(1), pytest.approx(1), 3)


def test_jet_variables(rng):
    table = make_table(rng, 50)
    found = jet_variables(table)
    assert list(found)[:5] == ["n_fat_jets", "mj_sum", "ht", "delta_eta_12", "pt_1"]
    assert len(found) == 4 + 15
    np.testing.assert_array_equal(np.isnan(found["pt_4"]), table["n_fat_jets"] < 4)
    np.testing.assert_array_equal(found["abs_eta_2"], -table["fat_jets"][:, 1, 1])
    np.testing.assert_array_equal(found["mass_3"], table["fat_jets"][:, 2, 3])
    assert list(jet_variables({"ht": np.ones(2)})) == ["ht"]


def test_divergence_agrees_with_scipy_and_has_its_bounds(rng):
    p, q = rng.random((2, 12))
    assert jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q, base=2) ** 2)
    assert jensen_shannon(p, 5 * p) == pytest.approx(0, abs=1e-12)
    assert jensen_shannon([1, 0, 0], [0, 1, 0]) == 1
    assert jensen_shannon([1, -0.2, 0], [1, 0, 0]) == 0


def test_kept_part_reaches_the_efficiency_and_shares_ties(rng):
    scores, weights = rng.permutation(np.arange(10.0)), np.ones(10)
    np.testing.assert_array_equal(kept_part(scores, weights, 0.3), scores >= 7)
    np.testing.assert_allclose(
        kept_part(scores, weights, 0.35), np.where(scores == 6, 0.5, scores >= 7)
    )
    np.testing.assert_allclose(
        kept_part(np.array([1, 1, 1, 2]), np.ones(4), 0.5), [1 / 3, 1 / 3, 1 / 3, 1]
    )
    np.testing.assert_array_equal(kept_part(scores, weights, 1.0), np.ones(10))
    scores, weights = rng.integers(0, 5, 300), rng.exponential(size=300)
    for target in (0.5, 0.02):
        keeps = kept_part(scores, weights, target)
        assert weights @ keeps / weights.sum() == pytest.approx(target)
    # n_eff is that of the working point, of the background that passes
    both = (
        np.append(scores, [4, 0]),
        np.append(np.zeros(300, dtype=int), [1, 1]),
        np.append(weights, [1, 1]),
    )
    expected = signal_efficiency_at(*both, 0.02).n_eff
    found = mass_sculpting(scores, np.ones(300), weights, background_efficiencies=[0.02])
    n_eff = found.cuts["0.02"].n_eff if found.cuts else found.dropped["0.02"]
    assert n_eff == pytest.approx(expected)


def test_score_without_relation_sculpts_no_more_than_chance(rng):
    n = 60_000
    mass, weights = rng.exponential(200, n), rng.exponential(size=n)
    found = mass_sculpting(rng.random(n), mass, weights)
    assert list(found.cuts) == ["0.1", "0.01", "0.001"]
    for after in found.cuts.values():
        assert abs(after.mean_shift) < 3 * after.mean_shift_error
        assert 0.2 < after.divergence / after.divergence_by_chance < 3
    assert found.before.mean == pytest.approx(200, rel=0.02)
    assert found.cuts["0.01"].n_eff == pytest.approx(300, rel=0.15)
    # n_eff events in the exponential: the deviation of the mean is 200 / sqrt(n_eff)
    assert found.cuts["0.01"].mean_shift_error == pytest.approx(200 / np.sqrt(300), rel=0.2)


def test_cut_on_the_mass_itself_sculpts_in_closed_form(rng):
    mass = rng.exponential(200, 100_000)
    found = mass_sculpting(mass, mass, np.ones(100_000), background_efficiencies=[0.1])
    after = found.cuts["0.1"]
    assert after.mean_shift == pytest.approx(
        200 * np.log(10), rel=0.02
    )  # no memory: mean 200 beyond the threshold
    assert after.n_eff == pytest.approx(10_000)
    assert after.fraction[:4] == (0, 0, 0, 0)  # threshold 460 GeV
    assert sum(after.fraction) == pytest.approx(1)
    assert sum(found.before.fraction) == pytest.approx(1)  # the last bin holds what is beyond
    assert np.diff(found.edges) == pytest.approx(100)
    # q = 10 p above the threshold and 0 below, up to one bin: p below, 0.1, 11 p above, 10 / 5.5
    expected = 0.5 * (0.9 * np.log2(2) + 0.1 * np.log2(1 / 5.5)) + 0.5 * np.log2(10 / 5.5)
    assert after.divergence == pytest.approx(expected, abs=0.05)


def test_mean_shift_error_covers_the_shift(rng, monkeypatch):
    monkeypatch.setattr("calovision.evaluation.sculpting.N_TOYS", 1)  # of the divergence
    pulls = []
    for _ in range(200):
        mass, weights = rng.exponential(200, 800), rng.exponential(size=800)
        after = mass_sculpting(rng.random(800), mass, weights, background_efficiencies=[0.3]).cuts[
            "0.3"
        ]
        pulls.append(after.mean_shift / after.mean_shift_error)
    assert np.std(pulls) == pytest.approx(1, abs=0.15)
    assert abs(np.mean(pulls)) < 0.2


def test_cuts_with_too_few_events_are_dropped_with_their_number(rng):
    found = mass_sculpting(rng.random(500), rng.exponential(200, 500), np.ones(500))
    assert list(found.cuts) == ["0.1"]
    assert found.dropped == {"0.01": pytest.approx(5), "0.001": pytest.approx(0.5)}


def test_classifiers_are_diagnosed_by_probability_and_order(rng):
    """Calibration and Pearson's correlation of the sigmoid; ranks of the logit, which has no ties
    at 40."""
    table = make_table(rng)
    expected = diagnose(table, ["cnn"])
    probability, is_signal = expit(table["cnn"]), table["label"] == 1
    direct = weighted_correlation(
        probability[is_signal], table["mj_sum"][is_signal], table["weight"][is_signal]
    )
    found = expected.correlations["cnn"]["signal"]["mj_sum"]
    assert found.pearson == pytest.approx(direct)
    sure = diagnose(table | {"cnn": table["cnn"] + 60}, ["cnn"])
    assert sure.correlations["cnn"]["signal"]["mj_sum"].spearman == pytest.approx(found.spearman)
    assert sure.mass_sculpting == expected.mass_sculpting
    assert sure.calibration["cnn"].bins[-1].predicted == pytest.approx(1)


def test_diagnose_is_finite_json_also_with_negative_weights(rng):
    table = make_table(rng)
    table["weight"] = np.where(rng.random(4000) < 0.15, -1, 1) * table["weight"]
    table["delta_eta_12"][:5] = np.nan
    before = {name: values.copy() for name, values in table.items()}
    found = diagnose(table, ["cnn", "mj_sum", "n_fat_jets"])
    content = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert Diagnostics.from_json(content) == found
    assert found.calibration == {
        "cnn": calibration(expit(table["cnn"]), table["label"], table["weight"])
    }
    assert list(found.correlations) == list(found.mass_sculpting) == ["cnn", "mj_sum", "n_fat_jets"]
    assert found.correlations["mj_sum"]["signal"]["mj_sum"].spearman == pytest.approx(1)
    for name, values in table.items():
        np.testing.assert_array_equal(values, before[name])
    is_background = table["label"] == 0
    direct = mass_sculpting(*(table[name][is_background] for name in ("cnn", "mj_sum", "weight")))
    assert found.mass_sculpting["cnn"] == direct


def test_bad_tables_are_named(rng):
    table = make_table(rng, 100)
    with pytest.raises(InputError, match="no column 'resnet'"):
        diagnose(table, ["resnet"])
    with pytest.raises(InputError, match="1 of 100 values of column 'cnn' are not finite"):
        diagnose(table | {"cnn": np.append(table["cnn"][1:], np.nan)}, ["cnn"])
    with pytest.raises(InputError, match=r"the background \(label 0\) has no event"):
        diagnose({name: values[table["label"] == 1] for name, values in table.items()}, ["cnn"])


def test_kept_part_with_negative_weights_is_the_share_of_all_not_of_the_largest_running_sum(rng):
    """Background 4 passes first, then -1 and 2 of 5: half of all is 2.5 of the 4."""
    scores, weights = np.array([3.0, 2.0, 1.0]), np.array([4.0, -1.0, 2.0])
    assert kept_part(scores, weights, 0.5).tolist() == [pytest.approx(2.5 / 4), 0, 0]
    # 0.7 of all is 3.5, on the way down from 4 to 3 as on the way up to 4, which comes first
    assert kept_part(scores, weights, 0.7) @ weights == pytest.approx(3.5)
    for _ in range(20):
        scores, weights = rng.integers(0, 9, 50).astype(float), rng.normal(0.6, 1.0, 50)
        if weights.sum() > 5:
            for target in (0.05, 0.3, 0.9, 1.0):
                assert kept_part(scores, weights, target) @ weights == pytest.approx(
                    target * weights.sum()
                )


def test_bins_and_classes_that_cancel_have_no_number():
    """The sums are 5.6e-17, which is rounding."""
    scores, labels = np.array([0.55, 0.55, 0.55, 0.15, 0.15]), np.array([1, 1, 1, 0, 1])
    weights = np.array([0.1, 0.2, -0.3, 1.0, 1.0])
    found = calibration(scores, labels, weights)
    assert found.bins[5].predicted is None
    assert found.bins[1].observed == pytest.approx(0.5)
    correlated = correlations(scores, {"x": scores}, np.array([1, 1, 1, 0, 0]), weights)
    assert correlated["signal"]["x"].pearson is None


@pytest.mark.parametrize(
    "wrong", [None, "text", [[1, 2]], np.ones((4, 2)), np.ones(5), [np.nan] * 4]
)
def test_columns_that_do_not_fit_are_refused(wrong):
    scores, labels, weights = np.array([0.1, 0.4, 0.6, 0.9]), np.array([0, 1, 0, 1]), np.ones(4)
    for place in range(3):
        events = [scores, labels, weights]
        events[place] = wrong
        for call in (
            lambda s, y, w: calibration(s, y, w),
            lambda s, y, w: correlations(s, {"x": scores}, y, w),
            lambda s, y, w: mass_sculpting(s, y, w),
            lambda s, y, w: kept_part(s, w, 0.5),
        ):
            if (
                place == 1
                and call(scores, labels, weights) is not None
                and "kept_part" in call.__code__.co_names
            ):
                continue
            with pytest.raises(InputError):
                call(*events)
    column = np.array([[0.1], [0.4], [0.6], [0.9]])
    assert calibration(column, labels[:, None], weights.tolist()) == calibration(
        scores, labels, weights
    )
