"""Reach of a search: closed forms, pyhf, toys, and what a thin or odd sample may not break."""

import json
from dataclasses import replace
from decimal import Decimal, localcontext

import numpy as np
import pyhf
import pytest
from scipy.optimize import brentq, minimize
from scipy.stats import norm

from calovision.core.errors import InputError
from calovision.core.result import to_json
from calovision.evaluation.reach import (
    ExpectedEvents,
    SearchBins,
    SearchOptions,
    SignalPoint,
    asimov_significance,
    choose_edges,
    choose_threshold,
    expected_limit,
    expected_significance,
    fill_bins,
    reach_against_mass,
    search_reach,
)
from calovision.evaluation.reach.bins import bin_indices
from calovision.evaluation.reach.likelihood import asimov_limit, asimov_z, deviance
from calovision.evaluation.reach.masses import excluded_mass
from calovision.evaluation.reach.selections import FilledSelections, Selection
from calovision.evaluation.reach.statistics import (
    asymptotic_limit,
    asymptotic_significance,
    limit_roots,
    profiled_limits,
)
from calovision.evaluation.results import Interval, Reach
from calovision.metrics import region_point

EXPECTED = ExpectedEvents(signal=300.0, background=3e4, cross_section_pb=0.025)


def make_events(n, seed, *, distances=None, signal_only=False):
    """Test events with scores of Gaussian shape, weights over three decades, and cuts worse than
    the scores."""
    rng = np.random.default_rng(seed)
    n_signal, n_background = n, 0 if signal_only else n
    labels = np.repeat([1, 0], [n_signal, n_background])
    weights = np.where(labels == 1, 0.02, rng.choice([1.0, 0.1, 0.01], len(labels)))
    table = {"label": labels, "weight": weights}
    for name, distance in (distances or {"good": 2.5, "poor": 1.5}).items():
        table[name] = rng.normal(distance * labels, 1.0)
    table["signal_region"] = rng.normal(1.5 * labels, 1.0) > 2.0
    return table


def reach_of(
    scores,
    *,
    validation=None,
    test=None,
    expected=EXPECTED,
    signal_region="signal_region",
    **options,
):
    options = {"background_uncertainty": 0.2, "seed": 3, "n_bootstrap": 20} | options
    return search_reach(
        validation or make_events(1500, 1),
        test or make_events(1500, 2),
        scores,
        expected,
        SearchOptions(**options),
        signal_region=signal_region,
    )


@pytest.fixture(scope="module")
def nominal():
    return reach_of(["good"])


def published_formula(s, b, sigma):
    """Cowan (2012), eq. 20, as it stands."""
    first = (s + b) * np.log((s + b) * (b + sigma**2) / (b**2 + (s + b) * sigma**2))
    return np.sqrt(2 * (first - b**2 / sigma**2 * np.log(1 + sigma**2 * s / (b * (b + sigma**2)))))


@pytest.mark.parametrize(
    ("s", "b", "u"), [(10, 100, 0.1), (3, 0.5, 0.5), (200, 1000, 0.3), (20, 1e3, 0.02)]
)
def test_asimov_significance_is_the_published_formula(s, b, u):
    assert asimov_significance(s, b, u) == pytest.approx(published_formula(s, b, u * b), rel=1e-9)
    without = np.sqrt(2 * ((s + b) * np.log(1 + s / b) - s))
    assert asimov_significance(s, b) == pytest.approx(without, rel=1e-9)
    assert asimov_significance(s, b, 1e-9) == pytest.approx(without, rel=1e-9)
    assert asimov_significance(s, b, 1e-200) == pytest.approx(without, rel=1e-9)


def exact_formula(s, b, u):
    """The published formula in 80 digits."""
    with localcontext() as context:
        context.prec = 80
        s, b, variance = Decimal(s), Decimal(b), (Decimal(u) * Decimal(b)) ** 2
        if variance == 0:
            return float((2 * ((s + b) * (1 + s / b).ln() - s)).sqrt())
        first = (s + b) * ((s + b) * (b + variance) / (b**2 + (s + b) * variance)).ln()
        second = b**2 / variance * (1 + variance * s / (b * (b + variance))).ln()
        return float((2 * (first - second)).sqrt())


def test_asimov_significance_of_random_numbers_has_seven_digits():
    rng = np.random.default_rng(5)
    for _ in range(150):
        s, b = 10.0 ** rng.uniform([-9, -4], [4, 6])
        u = rng.choice([0.0, 10.0 ** rng.uniform(-8, 1)])
        exactly = exact_formula(float(s), float(b), float(u))
        assert asimov_significance(s, b, u) == pytest.approx(exactly, rel=1e-7)


def test_asimov_significance_keeps_the_digits_of_small_signals():
    signal = np.logspace(-14, -2, 25)
    for u in (0.0, 0.2):
        expected = signal / np.sqrt(50 + (u * 50) ** 2)
        assert asimov_significance(signal, 50.0, u) == pytest.approx(expected, rel=2e-4)
    assert asimov_significance([0.0, -1.0, 5.0], 50.0)[:2].tolist() == [0, 0]
    assert asimov_significance(np.ones((2, 1)), np.ones(3), 0.1).shape == (2, 3)


def test_asimov_significance_is_the_median_of_toys():
    rng = np.random.default_rng(0)
    n, m, tau = (
        rng.poisson(60 + 100, 20_000),
        rng.poisson(100 * 4, 20_000),
        4.0,
    )  # sigma_b = 100 / sqrt(400)
    both = (n + m) / (1 + tau)
    q0 = 2 * (n * np.log(n / both) + m * np.log(m / (tau * both)))
    z = np.where(n * tau > m, np.sqrt(q0), 0)
    assert np.median(z) == pytest.approx(asimov_significance(60, 100, 0.05), rel=0.01)


@pytest.mark.parametrize(
    ("background", "uncertainty", "words"),
    [
        (0.0, 0.1, "must be positive"),
        (1.0, -0.1, "background_uncertainty"),
        (1.0, np.nan, "background_uncertainty"),
    ],
)
def test_asimov_significance_refuses_what_has_no_meaning(background, uncertainty, words):
    with pytest.raises(InputError, match=words):
        asimov_significance(1.0, background, uncertainty)


@pytest.mark.parametrize("u", [0.0, 0.05, 0.4, 2.0])
@pytest.mark.parametrize("correlated", [True, False])
def test_one_bin_by_pyhf_is_the_closed_form(u, correlated):
    bins = SearchBins(12.0, 40.0, 0.0, u, correlated)
    assert expected_significance(bins) == pytest.approx(
        asimov_significance(12.0, 40.0, u), rel=1e-5
    )


def test_limit_of_one_bin_without_uncertainty_solves_the_poisson_likelihood():
    def root(mu):
        return np.sqrt(2 * (mu * 5 - 20 * np.log(1 + mu * 5 / 20)))

    limit = expected_limit(SearchBins(5.0, 20.0, 0.0, 0.0))
    for found, deviations in ((limit.value, 0), (limit.band_low, -1), (limit.band_high, 1)):
        wanted = norm.ppf(1 - 0.05 * norm.cdf(deviations)) + deviations
        assert limit_roots(deviations) == pytest.approx(wanted)
        assert found == pytest.approx(brentq(lambda mu, w=wanted: root(mu) - w, 0.1, 50), rel=1e-4)


def test_the_band_covers_68_percent_of_background_only_toys():
    # CLs limits of toys of one bin, in the asymptotic approximation, by the closed form of the
    # likelihood.
    s, b = 5.0, 100.0
    limit = expected_limit(SearchBins(s, b, 0.0, 0.0))
    n = np.random.default_rng(1).poisson(b, 4000)

    def cls(mu, n):
        best = np.maximum((n - b) / s, 0.0)
        q = np.where(
            best < mu, 2 * (s * (mu - best) - n * np.log((b + mu * s) / (b + best * s))), 0.0
        )
        q_asimov = 2 * (mu * s - b * np.log(1 + mu * s / b))
        inside = q <= q_asimov
        with np.errstate(invalid="ignore"):
            shift = np.where(inside, np.sqrt(q), (q + q_asimov) / (2 * np.sqrt(q_asimov)))
            other = np.where(
                inside, np.sqrt(q) - np.sqrt(q_asimov), (q - q_asimov) / (2 * np.sqrt(q_asimov))
            )
        return norm.sf(shift) / norm.sf(other)

    below = [np.mean(cls(mu, n) < 0.05) for mu in (limit.band_low, limit.value, limit.band_high)]
    assert below == pytest.approx([norm.cdf(-1), 0.5, norm.cdf(1)], abs=0.035)


def random_bins(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    background, effective = 10 ** rng.uniform(0, 4, n), 10 ** rng.uniform(0.5, 3, n)
    error = background / np.sqrt(effective) * rng.integers(0, 2)
    uncertainty = rng.choice([0.05, 0.2, 0.8])
    return SearchBins(
        10 ** rng.uniform(0, 2, n), background, error, uncertainty, bool(rng.integers(2))
    )


@pytest.mark.parametrize("seed", range(6))
def test_pyhf_and_the_profiled_likelihood_agree(seed):
    bins = random_bins(seed)
    profiled = profiled_limits(bins, [-1, 0, 1])
    limit = asymptotic_limit(bins)
    assert [limit.band_low, limit.value, limit.band_high] == pytest.approx(
        profiled.tolist(), rel=2e-3
    )
    z = asimov_z(bins.signal, bins.background, bins.trials(), bins.common_trials())
    assert asymptotic_significance(bins) == pytest.approx(float(z), rel=1e-4)


def test_a_fit_of_pyhf_that_ends_early_does_not_move_the_limit():
    # pyhf 0.7.6 reports CLs = 1e-8 at 1.005 times the limit of 16.5, and 0.02 at 1.03 times.
    bins = SearchBins(400.0, 7000.0, 7000.0, 0.2)
    limit = expected_limit(bins)
    profiled = profiled_limits(bins, [-1, 0, 1])
    assert [limit.band_low, limit.value, limit.band_high] == pytest.approx(
        profiled.tolist(), rel=5e-3
    )


def test_limit_is_where_pyhf_scans_it():
    model = pyhf.simplemodels.uncorrelated_background(
        [6.0, 4.0], [30.0, 12.0], [4.0, 3.0], validate=False
    )
    data = model.expected_data([0.0, 1.0, 1.0])
    _, scanned = pyhf.infer.intervals.upper_limits.toms748_scan(data, model, 0.2, 8.0, rtol=1e-3)
    limit = expected_limit(SearchBins([6.0, 4.0], [30.0, 12.0], [4.0, 3.0], 0.0))
    assert [limit.band_low, limit.value, limit.band_high] == pytest.approx(
        [float(v) for v in scanned[1:4]], rel=3e-3
    )


def test_the_profiled_deviance_is_the_smallest():
    bins, mu = SearchBins([10.0, 5.0], [50.0, 8.0], [10.0, 4.0], 0.3), 2.0
    trials, common = bins.trials(), bins.common_trials()

    def free(logarithms):
        norm_, factors = np.exp(logarithms[0]), np.exp(logarithms[1:])
        expected = mu * bins.signal + norm_ * factors * bins.background
        terms = expected - bins.background * (1 + np.log(expected / bins.background))
        constraints = (trials * (factors - 1 - np.log(factors))).sum() + common * (
            norm_ - 1 - np.log(norm_)
        )
        return 2 * (terms.sum() + constraints)

    smallest = minimize(
        free, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}
    ).fun
    found = deviance(np.array(mu), bins.background, bins.signal, bins.background, trials, common)
    assert float(found) == pytest.approx(smallest, rel=1e-7)


@pytest.mark.parametrize("correlated", [True, False])
def test_bins_together_are_never_worse_than_one_of_them(correlated):
    signal, background, error = (
        np.array([20.0, 15.0, 6.0]),
        np.array([900.0, 90.0, 4.0]),
        np.array([90.0, 20.0, 2.0]),
    )
    together = SearchBins(signal, background, error, 0.3, correlated)
    for k in range(3):
        alone = SearchBins(signal[k], background[k], error[k], 0.3, correlated)
        assert expected_significance(together) > expected_significance(alone)
        assert asymptotic_limit(together).value < asymptotic_limit(alone).value


def test_without_signal_there_is_no_limit_and_no_significance():
    bins = SearchBins([0.0, 0.0], [4.0, 2.0], [1.0, 1.0], 0.2)
    assert expected_significance(bins) == 0
    assert expected_limit(bins).value == np.inf
    signal = np.array([[3.0], [0.0]])
    assert np.isinf(
        asimov_limit(signal, np.ones((2, 1)), np.full((2, 1), np.inf), 25.0, root=1.96)
    ).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"signal": [-1.0, 2.0]}, "signal of a bin is negative"),
        ({"background": [0.0, 2.0]}, "background of a bin is not positive"),
        ({"background_error": [np.nan, 1.0]}, "background_error"),
        ({"background_error": [1.0]}, "one number per bin"),
        ({"background_uncertainty": -0.2}, "background_uncertainty is -0.2"),
        ({"background_uncertainty": np.inf}, "background_uncertainty is inf"),
    ],
)
def test_bins_refuse_what_has_no_meaning(change, words):
    fine = {
        "signal": [1, 2],
        "background": [3, 4],
        "background_error": [1, 1],
        "background_uncertainty": 0.1,
    }
    with pytest.raises(InputError, match=words):
        SearchBins(**fine | change)


def test_bins_are_filled_by_hand():
    scores = np.array([0.9, 0.1, 0.5, 0.7, 0.95, 0.6, 0.55])
    labels, weights = (
        np.array([1, 1, 0, 0, 1, 0, 0]),
        np.array([2.0, 1.0, 3.0, -1.0, 0.5, 2.0, 4.0]),
    )
    indices = bin_indices(scores, np.array([0.5, 0.6, 0.9]))
    assert indices.tolist() == [3, 0, 1, 2, 3, 2, 1]  # an event on an edge belongs above it
    signal, background, error, is_limit = fill_bins(indices, labels, weights, 3, empty=1.5)
    assert signal.tolist() == [0, 0, 2.5]
    assert background.tolist() == [7, 1, 1.5]  # nothing simulated in the last bin: one event
    assert error == pytest.approx([5, np.sqrt(5), 1.5])
    assert is_limit.tolist() == [False, False, True]


def test_sums_that_negative_weights_spoil_are_clipped():
    labels, weights = np.array([1, 1, 0, 0]), np.array([1.0, -3.0, 1.0, -4.0])
    contents = fill_bins(np.ones(4, dtype=int), labels, weights, 1, empty=0.7)
    assert [float(one[0]) for one in contents] == [0, 0.7, 0.7, 1]


def test_threshold_is_the_best_of_all_and_order_does_not_matter():
    events = make_events(400, 5)
    scores, labels, weights = events["good"], events["label"], events["weight"]
    options = {"expected_signal": 50.0, "expected_background": 1e3, "background_uncertainty": 0.1}
    threshold = choose_threshold(scores, labels, weights, least_n_eff=5, **options)

    def quality(cut):
        of_signal, of_background = ((labels == k) & (scores >= cut) for k in (1, 0))
        w = weights[of_background]
        if not len(w) or w.sum() ** 2 / (w**2).sum() < 5:
            return 0.0
        background = w.sum() / weights[labels == 0].sum() * 1e3
        relative = np.sqrt(0.01 + (w**2).sum() / w.sum() ** 2)
        return asimov_significance(
            weights[of_signal].sum() / weights[labels == 1].sum() * 50, background, relative
        )

    assert threshold == max(scores, key=quality)
    order = np.random.default_rng(0).permutation(len(scores))
    assert (
        choose_threshold(scores[order], labels[order], weights[order], least_n_eff=5, **options)
        == threshold
    )
    with pytest.raises(InputError, match="no threshold leaves 5000 effective background events"):
        choose_threshold(scores, labels, weights, least_n_eff=5000, **options)


def test_edges_contain_the_threshold_and_every_bin_has_events():
    events = make_events(5000, 6)
    scores, labels, weights = events["good"], events["label"], events["weight"]
    threshold = np.quantile(scores[labels == 0], 0.97)
    edges = choose_edges(scores, labels, weights, threshold=threshold, least_n_eff=20)
    assert threshold in edges
    assert edges[0] < threshold < edges[-1]
    assert (np.diff(edges) > 0).all()
    for low, high in zip(edges, [*edges[1:], np.inf], strict=True):
        inside = weights[(labels == 0) & (scores >= low) & (scores < high)]
        assert inside.sum() ** 2 / (inside**2).sum() >= 20 * (1 - 1e-6)
    background = weights * (labels == 0)
    passing = [background[scores >= edge].sum() / background.sum() for edge in edges]
    tenfold = background[scores >= threshold].sum() / background.sum() * 10
    assert passing[0] == pytest.approx(tenfold, rel=0.02)


def test_edges_of_a_discrete_score_never_keep_more_than_ten_times_the_background():
    scores = np.repeat([0.0, 1.0, 2.0], [10_000, 300, 100])  # all, 400 and 100 events
    scores, labels = np.append(scores, 2.0), np.append(np.zeros(10_400, dtype=int), 1)
    edges = choose_edges(scores, labels, np.ones(10_401), threshold=2.0)
    assert edges.tolist() == [1.0, 2.0]


def test_edges_of_few_events_are_the_threshold_alone():
    events = make_events(30, 7)
    edges = choose_edges(
        events["good"], events["label"], events["weight"], threshold=-5.0, least_n_eff=8
    )
    assert edges[0] == -5.0
    assert len(edges) == 1


def test_reach_of_identical_classifiers_gains_exactly_nothing():
    def add_copies(table):
        return table | {"as_cuts": table["signal_region"].astype(float), "copy": table["good"]}

    reach = reach_of(
        ["good", "copy", "as_cuts"],
        validation=add_copies(make_events(1500, 1)),
        test=add_copies(make_events(1500, 2)),
    )
    for method in ("best_cut", "binned"):
        records = [reach.classifiers[name][method] for name in ("good", "copy")]
        assert replace(records[0], column="copy") == records[1]
    # Cuts used as a score: the threshold 1 is the signal region itself.
    gain = reach.classifiers["as_cuts"]["best_cut"].gain
    assert reach.classifiers["as_cuts"]["best_cut"].edges == (1.0,)
    for kind in ("significance", "limit"):
        assert getattr(gain, kind) == Interval(1.0, 1.0, 1.0)


def test_reach_scales_to_the_expected_events_and_survives_json(nominal):
    test = make_events(1500, 2)
    reach = reach_of(["good", "poor"], test=test)
    region, is_signal = test["signal_region"], test["label"] == 1
    background = test["weight"][region & ~is_signal].sum() / test["weight"][~is_signal].sum() * 3e4
    assert reach.cuts.signal == pytest.approx((300 * region[is_signal].mean(),))
    assert reach.cuts.background == pytest.approx((background,))
    limit = reach.cuts.limit
    assert limit.cross_section_pb.value == pytest.approx(0.025 * limit.mu.value)
    assert Reach.from_json(json.loads(json.dumps(reach.to_json(), allow_nan=False))) == reach
    assert reach.classifiers["good"] == nominal.classifiers["good"]
    rescaled = test | {"weight": test["weight"] * np.where(is_signal, 7.0, 1e-3)}
    again = reach_of([], test=rescaled)
    significance = vars(nominal.cuts.significance)
    assert vars(again.cuts.significance) == pytest.approx(significance)
    good, poor = (reach.classifiers[name]["best_cut"] for name in ("good", "poor"))
    assert good.gain.limit.value > poor.gain.limit.value
    assert good.gain.limit.value == pytest.approx(limit.mu.value / good.limit.mu.value)
    for record in (reach.cuts, good, poor):
        for number in (record.significance, record.limit.mu):
            assert number.low < number.value < number.high


def test_bootstrap_spread_is_that_of_independent_samples():
    selections = {"cuts": Selection("signal_region"), "score": Selection("good", (0.5, 1.2))}
    samples = {(key, kind): [] for key in selections for kind in ("significance", "spread")}
    for seed in range(100, 150):
        filled = FilledSelections(
            make_events(800, seed), selections, {1: 300.0, 0: 3e4}, 0.2, False
        )
        replicas = filled.replicas(np.random.default_rng(seed), 20)
        for key in selections:
            nominal = filled._profiled(np.array([filled.fill(key)[:3]]))
            samples[key, "significance"].append(float(nominal["significance"][0]))
            samples[key, "spread"].append(np.std(np.log(replicas[key]["significance"])))
    log = {key: np.log(samples[key, "significance"]) for key in selections}
    for key in selections:
        assert np.mean(samples[key, "spread"]) == pytest.approx(np.std(log[key]), rel=0.3)


def test_bootstrap_copies_are_events_of_their_own():
    weights, ones = np.array([2.0, 3.0]), np.ones(2, dtype=int)
    twice = fill_bins(ones, 0 * ones, weights, 1, empty=1.0, counts=np.array([2.0, 0.0]))
    assert [float(one[0]) for one in twice] == pytest.approx([0, 4, np.sqrt(8), 0])


def test_no_background_above_the_threshold_is_a_limit_and_no_zero():
    test = make_events(1500, 2)
    test["good"] = np.where(test["label"] == 1, test["good"], -9.0)
    test["signal_region"] = test["signal_region"] & (test["label"] == 1)
    reach = reach_of(["good"], test=test)
    for record in (reach.cuts, reach.classifiers["good"]["best_cut"]):
        assert record.background_is_limit == (True,)
        assert record.n_eff == (0,)
        # the upper end of the interval, as of the signal region in all other tables
        limit = (
            region_point(test["signal_region"], test["label"], test["weight"]).background_efficiency
            * 3e4
        )
        assert record.background == record.background_error == pytest.approx((limit,))
        weights = test["weight"][test["label"] == 0]
        assert limit == pytest.approx(
            (weights**2).sum() / weights.sum() ** 2 * 3e4, rel=0.01
        )  # about one event
        assert np.isfinite(record.significance.value)


def test_negative_weights_give_numbers():
    tables = [make_events(1500, seed) for seed in (1, 2)]
    for table in tables:
        table["weight"] = np.where(np.arange(3000) % 7 == 0, -table["weight"], table["weight"])
    reach = reach_of(["good"], validation=tables[0], test=tables[1])
    json.dumps(reach.to_json(), allow_nan=False)
    assert reach.classifiers["good"]["binned"].significance.value > 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"background_uncertainty": -1}, "background_uncertainty is -1"),
        ({"signal_region": "absent"}, "no column 'absent'"),
        ({"expected": replace(EXPECTED, background=0.0)}, "expected_background is 0"),
        ({"n_bootstrap": 0}, "n_bootstrap is 0"),
        ({"test": make_events(50, 2, signal_only=True)}, "background .* add up to 0"),
        (
            {"test": make_events(50, 2) | {"signal_region": np.zeros(100, bool)}},
            "keeps no signal event",
        ),
        ({"least_n_eff": 1e6}, "no threshold leaves"),
    ],
)
def test_bad_input_is_one_sentence(options, words):
    with pytest.raises(InputError, match=words):
        reach_of(["good"], **options)


def test_unknown_classifier_is_named():
    with pytest.raises(InputError, match="no column 'cnnn'"):
        reach_of(["cnnn"])


def test_excluded_mass_is_where_the_logarithms_cross():
    assert excluded_mass([1000, 1200, 1400], [1.0, 0.1, 0.01], [0.1, 0.1 * 10**-0.5, 0.1]) == (
        "up to the mass",
        pytest.approx(1200 + 200 * 0.5 / 1.5),
    )
    assert excluded_mass([1000, 1200], [1.0, 0.5], [0.1, 0.1]) == ("all", None)
    assert excluded_mass([1000, 1200], [1.0, 0.5], [2.0, 0.1]) == ("none", None)
    excludes, mass = excluded_mass([1000, 1200], [1.0, 0.5], [0.1, None])
    assert (excludes, 1000 < mass < 1200) == ("up to the mass", True)


def test_limits_against_mass_use_the_nominal_selection(nominal):
    reach, test = nominal, make_events(1500, 2)
    heavier = make_events(1500, 8, distances={"good": 3.5})
    points = {1800: SignalPoint(heavier, 0.0028, 33.6), 1400: SignalPoint(test, 0.025, 300.0)}
    limits = reach_against_mass(reach, points)
    assert replace(limits, classifiers={}) == reach_against_mass(reach, points, classifiers=[])
    assert limits.masses == (1400, 1800)
    assert limits.theory_pb == (0.025, 0.0028)
    nominal = reach.classifiers["good"]["binned"].limit.cross_section_pb
    found = limits.classifiers["good"]["binned"]
    for name in ("value", "band_low", "band_high"):
        assert getattr(found, name)[0] == pytest.approx(getattr(nominal, name), rel=1e-4)
    assert found.value[1] < found.value[0]  # the same events a picobarn, better separated
    edges = found.excluded_mass
    assert found.excludes == "up to the mass"
    assert edges.band_low is None or edges.band_low < edges.value
    json.dumps(to_json(limits), allow_nan=False)


def test_limits_against_mass_refuse_masses_without_numbers(nominal):
    events = make_events(20, 1)
    for section, expected, name in ((None, 1.0, "cross_section_pb"), (1.0, 0.0, "expected_signal")):
        with pytest.raises(InputError, match=f"gluino mass 1800: {name} has no positive number"):
            reach_against_mass(nominal, {1800: SignalPoint(events, section, expected)})
    with pytest.raises(InputError, match="gluino mass None is no number"):
        reach_against_mass(nominal, {None: SignalPoint(events, 1.0, 1.0)})
    with pytest.raises(InputError, match="no gluino mass"):
        reach_against_mass(nominal, {})
    empty = events | {"label": np.zeros(40)}
    with pytest.raises(InputError, match=r"signal .* add up to 0"):
        reach_against_mass(nominal, {1.0: SignalPoint(empty, 1.0, 1.0)})


def test_significance_of_a_tiny_signal_is_no_noise_of_the_minimizer() -> None:
    bins = SearchBins(np.array([20.0]), np.array([3e5]), np.array([0.0]), 0.2)
    closed = asimov_significance(20.0, 3e5, 0.2)
    assert closed < 1e-3
    assert expected_significance(bins) == pytest.approx(closed, rel=0.02)
