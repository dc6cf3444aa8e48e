"""Taggers: numbers against closed forms, scikit-learn, and the metrics of two classes."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm
from sklearn.metrics import confusion_matrix, roc_auc_score

from calovision.core.errors import InputError
from calovision.evaluation.results.tagging import TaggingSummary
from calovision.evaluation.tagging import (
    Discriminant,
    TaggedRows,
    all_discriminants,
    boosting,
    compare_taggers,
    log_probabilities,
)
from calovision.evaluation.tagging.bins import (
    bin_edges,
    binned,
    efficiency_of_bins,
    threshold_at,
)
from calovision.evaluation.tagging.cuts import best_cuts
from calovision.evaluation.tagging.details import class_calibration, diagnose_taggers
from calovision.evaluation.tagging.summary import TaggingTables, summarize_taggers
from calovision.evaluation.tagging.tables import single_variables
from calovision.evaluation.tagging.variables import variable_scores
from calovision.metrics import Rejection, auc, ensemble_scores, rejection_at, roc
from calovision.plotting.tagging import plot_tagger_models
from calovision.report.answer import answer

POINTS = {"0.3": 0.3, "0.5": 0.5, "0.7": 0.7}
CLASSES = ("quark", "w", "top")
OWN = {"top_vs_qw": {"signal": "top", "background": {"quark": 3, "w": 1}}}


def log_softmax(values):
    return values - np.logaddexp.reduce(values, axis=1, keepdims=True)


def gaussian_rows(n, *, n_classes=3, distance=2.0, seed=1):
    """Rows around the corners of a simplex with unit widths: labels, positions, and the exact
    log-probabilities for equal shares.
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(n_classes, size=n)
    corners = distance / np.sqrt(2) * np.eye(n_classes)
    places = corners[labels] + rng.normal(size=(n, n_classes))
    return labels, places, log_softmax(places @ corners.T)


@pytest.fixture(scope="module")
def gaussian():
    labels, places, exact = gaussian_rows(15_000)
    weights = np.random.default_rng(2).uniform(0.5, 1.5, len(labels))
    return TaggedRows.of(CLASSES, labels, weights), places, exact


@pytest.fixture(scope="module")
def compared(gaussian):
    rows, _, exact = gaussian
    discriminants = all_discriminants(CLASSES, OWN)
    scores = {"exact": exact[:, None], "flat": 0.5 * exact[:, None], "worse": noisy(exact)}
    found = compare_taggers(
        rows, scores, discriminants, POINTS, reference="worse", n_replicas=40, seed=3
    )
    return found, discriminants, scores


def noisy(exact):
    """Log-probabilities of two worse networks, ``(n, 2, n_classes)``."""
    rng = np.random.default_rng(5)
    return np.stack([log_softmax(exact + rng.normal(size=exact.shape)) for _ in range(2)], axis=1)


def test_two_gaussians_have_the_area_and_rejection_of_the_closed_form(compared):
    """Classes at a distance d in units of the width: AUC = Phi(d / sqrt 2), and the background of a
    signal efficiency e is Phi(Phi^-1(e) - d).
    """
    found, _, _ = compared
    numbers = found["exact"].discriminants["w_vs_quark"]
    assert numbers.auc.value == pytest.approx(norm.cdf(2 / np.sqrt(2)), abs=0.008)
    for point, efficiency in POINTS.items():
        expected = 1 / norm.cdf(norm.ppf(efficiency) - 2)
        passing = 5_000 / expected / (13 / 12)  # of uniform weights: <w>^2 / <w^2>
        rejection = numbers.rejection[point]
        assert abs(expected / rejection.value - 1) < 2.5 / np.sqrt(passing)
        assert rejection.n_eff == pytest.approx(passing * expected / rejection.value, rel=0.1)


def test_numbers_are_those_of_scikit_learn_and_of_two_classes(compared, gaussian):
    rows, _, exact = gaussian
    found, discriminants, _ = compared
    numbers = found["exact"]
    area = roc_auc_score(rows.labels, np.exp(exact), multi_class="ovr", sample_weight=rows.weights)
    assert numbers.macro_auc.value == pytest.approx(area, rel=1e-12)
    sums = confusion_matrix(rows.labels, exact.argmax(axis=1), sample_weight=rows.weights)
    of_truth, of_prediction = sums / sums.sum(axis=1)[:, None], sums / sums.sum(axis=0)
    for i, true in enumerate(CLASSES):
        for j, predicted in enumerate(CLASSES):
            assert numbers.confusion.of_truth[true][predicted] == pytest.approx(of_truth[i, j])
            share = numbers.confusion.of_prediction[true][predicted]
            assert share == pytest.approx(of_prediction[i, j])
    assert numbers.accuracy.value == pytest.approx(np.diag(of_truth).mean())
    probabilities = np.exp(exact)
    ratio = probabilities[:, 2] / (0.75 * probabilities[:, 0] + 0.25 * probabilities[:, 1])
    weights = rows.weights * np.array([0.75, 0.25, 1.0])[rows.labels]
    expected = rejection_at(ratio, rows.labels == 2, weights, 0.5)
    mine = numbers.discriminants["top_vs_qw"]
    assert mine.rejection["0.5"].value == pytest.approx(expected.value)
    assert mine.auc.value == pytest.approx(auc(roc(ratio, rows.labels == 2, weights)))
    assert discriminants["top_vs_rest"].background == {"quark": 0.5, "w": 0.5}


def test_intervals_are_those_of_the_rows(compared):
    """Those of the area and of the rejection against the formulas of one class and another."""
    found, _, _ = compared
    pair = found["exact"].discriminants["w_vs_quark"]
    n_eff = 5_000 / (13 / 12)
    background = 1 / pair.rejection["0.5"].value
    relative = np.sqrt((1 - background) / (background * n_eff))
    width = (pair.rejection["0.5"].high - pair.rejection["0.5"].low) / 2
    assert width * background == pytest.approx(relative, rel=0.6)
    q1, q2 = (pair.auc.value / (2 - pair.auc.value), 2 * pair.auc.value**2 / (1 + pair.auc.value))
    hanley = np.sqrt((q1 + q2 - 2 * pair.auc.value**2) / n_eff)  # Radiology 143 (1982) 29
    assert (pair.auc.high - pair.auc.low) / 2 == pytest.approx(hanley, rel=0.5)


def test_paired_differences_are_narrower_and_equal_orders_do_not_differ(compared):
    found, _, _ = compared
    same = found["flat"].differences["exact"]
    assert abs(same.value) < 2e-3
    one = found["exact"]
    difference = one.differences["worse"]
    assert difference.value == pytest.approx(
        one.macro_auc.value - found["worse"].macro_auc.value, abs=1e-12
    )
    assert 0 < difference.low < difference.value < difference.high
    assert found["worse"].n_networks == 2
    ratio = one.discriminants["w_vs_quark"].over_reference["0.5"]
    values = [found[name].discriminants["w_vs_quark"].rejection["0.5"].value for name in found]
    assert ratio.value == pytest.approx(values[0] / values[2])
    assert found["worse"].discriminants["w_vs_quark"].over_reference is None


def test_jets_of_an_event_are_drawn_together():
    """Four copies of each row in one event have the numbers, and the intervals, of one row each."""
    labels, _, exact = gaussian_rows(600, n_classes=2)
    discriminants = all_discriminants(["b", "s"])
    ones = np.ones(len(labels))
    single = TaggedRows.of(["b", "s"], labels, ones)
    copies = TaggedRows.of(
        ["b", "s"], np.repeat(labels, 4), np.repeat(ones, 4), groups=np.repeat(np.arange(600), 4)
    )
    apart = TaggedRows.of(["b", "s"], np.repeat(labels, 4), np.repeat(ones, 4))
    found = [
        compare_taggers(rows, {"x": np.repeat(exact, n, axis=0)[:, None]}, discriminants, POINTS)
        for rows, n in ((single, 1), (copies, 4), (apart, 4))
    ]
    one, together, separate = (each["x"].macro_auc for each in found)
    assert (together.value, together.low) == pytest.approx((one.value, one.low))
    assert separate.high - separate.low == pytest.approx((one.high - one.low) / 2, rel=0.3)


def test_two_classes_of_a_logit_have_one_discriminant():
    logits = np.array([-800.0, -1.0, 0.0, 2.0, 800.0])
    found = log_probabilities(logits, "net", 2)
    assert found[1:4, 1] == pytest.approx(np.log(expit(logits[1:4])))
    assert (found[0, 1], found[4, 0]) == (-800, -800)
    (one,) = all_discriminants(["qcd", "top"]).values()
    assert one.name == "top_vs_qcd"
    assert one.values(found, ["qcd", "top"]) == pytest.approx(logits)
    mean = ensemble_scores(np.stack([found, found[::-1]], axis=1))
    assert np.exp(mean[2, 1]) == pytest.approx(0.5)
    assert np.exp(mean[1, 1]) == pytest.approx((expit(-1) + expit(2)) / 2)


def test_a_window_of_the_mass_finds_the_signal_and_its_cut():
    """Signal of masses 80-90 GeV with tau21 below 0.4, over background uniform in both."""
    rng = np.random.default_rng(4)
    n = 4000
    labels = np.arange(n) % 2
    signal = labels == 1
    columns = {
        "mass": np.where(signal, rng.uniform(80, 90, n), rng.uniform(0, 200, n)),
        "tau21": np.where(signal, rng.uniform(0, 0.4, n), rng.uniform(0, 1, n)),
        "tau32": rng.uniform(0, 1, n),
    }
    for name in ("tau21", "tau32"):
        columns[name][:10] = np.nan
    rows = TaggedRows.of(["q", "w"], labels, np.ones(n))
    (one,) = all_discriminants(["q", "w"]).values()
    found = best_cuts(rows, columns, one, {"0.5": 0.5, "0.99": 0.99, "1": 1.0})
    assert list(found) == ["0.5", "0.99"]  # some signal has no tau21
    cuts = found["0.99"]
    assert (cuts.variable, cuts.is_below) == ("tau21", True)
    assert cuts.threshold == pytest.approx(0.4, abs=0.01)
    passed = cuts.passed(columns)
    assert passed[signal].mean() == pytest.approx(0.99, abs=1e-3)
    assert passed[~signal].mean() == pytest.approx(0.05 * 0.4, abs=0.01)
    assert not passed[:10].any()
    tight = found["0.5"].passed(columns)
    assert tight[signal].mean() == pytest.approx(0.5, abs=1e-3)
    assert tight[~signal].mean() == pytest.approx(0.05 * 0.4 * 0.5, abs=0.006)
    assert str(cuts) == f"80.01 GeV <= mass <= 89.99 GeV and tau21 <= {cuts.threshold:.3g}"
    assert best_cuts(rows, {"tau21": columns["tau21"]}, one, POINTS) == {}


def table(n, *, seed=1, n_classes=3):
    labels, places, exact = gaussian_rows(n, n_classes=n_classes, seed=seed)
    rng = np.random.default_rng(seed)
    return {
        "sample": np.array([CLASSES[label] for label in labels], dtype=object),
        "event_number": np.arange(n) // 2,
        "label": labels,
        "weight": np.ones(n),
        "pt": rng.uniform(500, 600, n),
        "mass": 60.0 * (1 + labels) + rng.normal(0, 8, n),
        "tau21": 1 - expit(places[:, 1]),
        "exact": exact,
    }


@pytest.fixture(scope="module")
def summary():
    validation, test = table(900, seed=7), table(1500, seed=8)
    tables = TaggingTables(validation, test, CLASSES)
    scores = {"exact": test["exact"][:, None], "half": log_softmax(test["exact"] * 0.5)[:, None]}
    found = summarize_taggers(
        tables,
        scores,
        all_discriminants(CLASSES, OWN),
        POINTS,
        variables=["mass", "tau21"],
        reference="half",
        n_replicas=20,
    )
    return found, tables


def test_the_answer_is_above_or_below_the_reference(summary):
    content = json.loads(json.dumps(summary[0].to_json()))
    for value, ends, words in (
        (0.0152, (0.01, 0.021), "0.015 (0.010 to 0.021) above that of half."),
        (-0.0152, (-0.021, -0.01), "0.015 (0.010 to 0.021) below that of half."),
        (-0.0152, (-0.04, 0.01), "0.015 (-0.010 to 0.040) below that of half."),
    ):
        difference = {"value": value, "low": ends[0], "high": ends[1]}
        content["taggers"]["exact"]["differences"]["half"] = difference
        assert f"Its macro AUC is {words}" in answer({"tagging": content})


def test_the_summary_goes_through_json_and_has_all_tables(summary):
    found, _ = summary
    assert TaggingSummary.from_json(found.to_json()) == found
    text = found.to_markdown()
    assert "`top_vs_qw`: top against 0.75 quark, 0.25 w" in text
    assert text.count("| cuts |  |") == 4
    assert "| mass |" in text
    assert "| signal | quark |" in text
    assert found.variables["quark_vs_rest"]["mass"].is_larger_for_signal is False
    assert found.variables["top_vs_rest"]["mass"].auc > 0.99
    cut = found.cuts["w_vs_rest"]["0.5"]
    assert cut.signal_efficiency.value == pytest.approx(0.5, abs=0.06)
    assert cut.background_efficiency.value < 0.02
    assert found.taggers["exact"].discriminants["w_vs_rest"].over_cuts is not None


def test_five_panels_of_classifiers_stand_in_rows_of_three_and_two(summary):
    found, _ = summary
    titles = dict.fromkeys(list(found.taggers["half"].discriminants)[:4], "one against others")
    figure = plot_tagger_models(found, discriminants=titles, names={"half": "Half as sharp"})
    grid = figure.axes[0].get_gridspec()
    assert (len(figure.axes), grid.nrows, grid.ncols) == (5, 2, 3)
    assert figure.axes[0].lines[0].get_xdata().tolist() == [found.taggers["exact"].macro_auc.value]


def test_limits_are_open_markers_with_an_arrow(summary):
    found, _ = summary
    limit = Rejection(3170.0, 3170.0, None, 0.0, True)
    half = found.taggers["half"]
    numbers = replace(half.discriminants["w_vs_rest"], rejection={"0.5": limit})
    of_limit = replace(half, discriminants={"w_vs_rest": numbers})
    taggers = {"exact": found.taggers["exact"], "half": of_limit}
    found = replace(found, taggers=taggers, signal_efficiencies={"0.5": 0.5})
    axes = plot_tagger_models(found, discriminants={"w_vs_rest": "W"}, names={}).axes[1]
    point, marker = axes.lines[0], axes.lines[-1]
    assert (marker.get_marker(), marker.get_markerfacecolor()) == (">", "white")
    assert marker.get_xydata().tolist() == [[3170.0, 1.0]]
    assert (point.get_marker(), point.get_markerfacecolor() == "white") == ("o", False)
    assert len(axes.texts) == 1  # the arrow
    assert axes.texts[0].xy == (3170.0, 1)


def test_with_folds_the_cuts_of_a_fold_are_those_of_the_others():
    test = table(1200, seed=9)
    test["fold"] = np.arange(1200) // 2 % 2
    test["mass"][test["fold"] == 0] += 1000.0  # the window of a fold holds nothing of the other
    found = summarize_taggers(
        TaggingTables(test, test, CLASSES),
        {"exact": test["exact"][:, None]},
        all_discriminants(CLASSES),
        {"0.5": 0.5},
        n_folds=2,
        n_replicas=5,
    )
    cuts = found.cuts["w_vs_rest"]["0.5"]
    assert cuts.cuts.count(";") == 1
    assert cuts.signal_efficiency.value < 0.05
    assert "all rows (each scored by networks that did not see it, 2 folds)" in found.to_markdown()


def test_rows_without_a_variable_are_least_like_signal():
    values = np.array([3.0, np.nan, 5.0, np.inf])
    assert np.argsort(variable_scores(values, is_larger=True))[2:].tolist() == [0, 2]
    assert np.argsort(variable_scores(values, is_larger=False))[2:].tolist() == [2, 0]


def test_bins_have_the_numbers_of_their_rows(summary):
    _, tables = summary
    rows = tables.rows(tables.test, "the test split")
    edges = (500.0, 540.0, 600.0)
    (one,) = (d for d in all_discriminants(CLASSES).values() if d.name == "w_vs_quark")
    pt = tables.test["pt"]
    scores = {"exact": tables.test["exact"]}
    numbers = binned(rows, pt, edges, scores, [one], signal_efficiency=0.5)
    chosen = (pt < 540) & (rows.labels < 2)
    values = one.values(tables.test["exact"], CLASSES)
    first = numbers.taggers["exact"]["w_vs_quark"][0]
    area = roc_auc_score(rows.labels[chosen], values[chosen])
    assert first.auc.value == pytest.approx(area)
    threshold = threshold_at(values[rows.labels == 1], np.ones((rows.labels == 1).sum()), 0.5)
    passing = values[chosen & (rows.labels == 0)] >= threshold
    assert first.background_efficiency.value == pytest.approx(passing.mean())
    expected = rejection_at(values[chosen], rows.labels[chosen], np.ones(chosen.sum()), 0.5)
    assert first.rejection.value == pytest.approx(expected.value)
    assert numbers.rows["w"][0] == pytest.approx((chosen & (rows.labels == 1)).sum())
    edges = (0.0, 90.0, 250.0)
    none = binned(rows, tables.test["mass"], edges, scores, [one], signal_efficiency=0.5)
    assert none.taggers["exact"]["w_vs_quark"][1].auc.value is None  # no quark is so heavy


@pytest.mark.parametrize(
    ("asked", "expected"), [((0.3, 0.5), 0.5), ((0.9,), 0.9), ((0.3, 0.7, 0.8), 0.7)]
)
def test_bins_are_at_a_signal_efficiency_that_is_asked_for(asked, expected):
    assert efficiency_of_bins(asked) == expected


def test_edges_of_bins_hold_all_rows():
    assert bin_edges(np.linspace(500, 600, 1001)) == (500.0, 520.0, 540.0, 560.0, 580.0, 600.0)
    assert bin_edges(np.full(5, 3.5)) == (3.0, 3.5, 4.0)
    assert bin_edges(np.array([np.nan])) == ()


def test_exact_probabilities_are_calibrated_and_sharpened_ones_are_not(gaussian):
    rows, _, exact = gaussian
    good = class_calibration(exact, rows)["top"]
    sharp = class_calibration(log_softmax(3 * exact), rows)["top"]
    assert good.expected_calibration_error < 0.015 < 0.05 < sharp.expected_calibration_error
    assert sum(one.share for one in good.bins) == pytest.approx(1.0)
    probability = np.exp(exact[:, 2])
    inside = (probability >= 0.2) & (probability < 0.3)
    expected = np.average(rows.labels[inside] == 2, weights=rows.weights[inside])
    assert good.bins[2].observed == pytest.approx(expected)


def test_a_discriminant_of_the_mass_sculpts_it(summary):
    _, tables = summary
    rows = tables.rows(tables.test, "the test split")
    mass = tables.test["mass"]
    blind = log_softmax(np.random.default_rng(1).normal(size=(len(mass), 3)))
    seeing = log_softmax(np.stack([-mass, 0 * mass, mass], axis=1) / 30)
    (one,) = (d for d in all_discriminants(CLASSES).values() if d.name == "top_vs_rest")
    found = diagnose_taggers(rows, {"blind": blind, "seeing": seeing}, [one], mass=mass)
    sculpted = found.mass_sculpting["top_vs_rest"]
    assert np.diff(sculpted["blind"].edges) == pytest.approx(10.0)
    cuts = {name: each.cuts["0.1"] for name, each in sculpted.items()}
    assert abs(cuts["blind"].mean_shift) < 4 * cuts["blind"].mean_shift_error
    assert cuts["seeing"].mean_shift > 30
    assert cuts["seeing"].divergence > 0.4 > cuts["blind"].divergence
    assert diagnose_taggers(rows, {"x": blind}, [one], mass=None).mass_sculpting == {}
    no_mass = np.where(rows.labels == 2, mass, 0.0)  # all background has the same one
    assert diagnose_taggers(rows, {"x": blind}, [one], mass=no_mass).mass_sculpting == {}


def test_variables_with_one_value_are_no_discriminants():
    columns = {"pt": np.arange(3.0), "mass": np.zeros(3), "tau21": np.full(3, np.nan)}
    columns |= {"tau32": np.array([0.5, np.nan, 0.5]), "nsj": np.array([1, 1, 2])}
    assert single_variables(columns, list(columns)) == ["pt", "nsj"]


def test_negative_weights_count_and_a_class_of_one_row_is_warned_of():
    test = table(300, seed=11)
    test["label"] = np.where(np.arange(300) == 5, 2, test["label"] % 2)
    test["weight"][::7] = -0.5
    test["weight"][5] = 1.0
    found = summarize_taggers(
        TaggingTables(table(300, seed=12), test, CLASSES),
        {"exact": test["exact"][:, None]},
        all_discriminants(CLASSES),
        POINTS,
        n_replicas=10,
    )
    (warning,) = found.warnings
    assert warning.startswith("class top has 1 test row (1.0 effective)")
    weights = test["weight"]
    chosen = test["label"] < 2
    ratio = test["exact"][:, 1] - test["exact"][:, 0]
    area = auc(roc(ratio[chosen], test["label"][chosen], weights[chosen]))
    assert found.taggers["exact"].discriminants["w_vs_quark"].auc.value == pytest.approx(area)


@pytest.mark.parametrize(
    ("labels", "weights", "message"),
    [
        ([0, 1, 0], [1, 1, 1], "class 'top' has no row in the test split: give more rows"),
        (
            [0, 1, 2],
            [1, 1, -3],
            "class 'top' in the test split add up to -3: their sum",
        ),
        ([0, 1, 3], [1, 1, 1], "the number of one of the 3 classes"),
        ([0, 1], [1, 1, 1], "2 events but 3 weights"),
    ],
)
def test_rows_without_a_class_are_refused(labels, weights, message):
    with pytest.raises(InputError, match=message):
        TaggedRows.of(CLASSES, np.array(labels), np.array(weights, dtype=float))


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ({"signal": "topp", "background": "w"}, r"no class 'topp'.*did you mean 'top'"),
        ({"signal": "top", "background": ["w", "top"]}, "'top' is signal and background"),
        ({"signal": "top", "background": {"w": 0}}, "the share of 'w' is 0"),
        ({"signal": [], "background": "w"}, "names no class"),
    ],
)
def test_wrong_discriminants_are_refused(definition, message):
    with pytest.raises(InputError, match=message):
        Discriminant.read("mine", definition, CLASSES)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (np.zeros((4, 2)), r"shape \(4, 2\); the log-probabilities of 3 classes are \(4, 3\)"),
        (np.full((4, 3), np.nan), r"are \[nan nan nan\] in row 0"),
        (np.zeros(4), r"shape \(4,\)"),
    ],
)
def test_wrong_scores_are_refused(scores, message):
    with pytest.raises(InputError, match=message):
        log_probabilities(scores, "net", 3)


def test_boosting_learns_the_classes_and_keeps_the_trees_of_the_lowest_loss(monkeypatch):
    monkeypatch.setattr(boosting, "CHOICES", {"learning_rate": (0.3,), "max_leaf_nodes": (4,)})
    monkeypatch.setattr(boosting, "MOST_TREES", 50)
    (labels, places, exact), (seen, found, _) = (gaussian_rows(1200, seed=seed) for seed in (1, 2))
    places[:20, 0] = np.inf
    weights = np.where(np.arange(1200) % 50 == 0, -1.0, 1.0)
    columns = ({"x": each[:, 0], "yz": each[:, 1:]} for each in (places, found))
    inputs, validation = (boosting.features_of_rows(one, ["x", "yz"]) for one in columns)
    assert np.isnan(inputs[:20, 0]).all()
    fitted = boosting.fit_boosting(inputs, labels, weights, validation, seen, weights, seed=1)
    mine = fitted.log_probabilities(validation)
    assert np.exp(mine).sum(axis=1) == pytest.approx(np.ones(1200))
    own = mine[np.arange(1200), seen]
    assert fitted.validation_loss == pytest.approx(-np.average(own, weights=weights > 0))
    assert fitted.chosen["n_trees"] == 25
    best = (exact.argmax(axis=1) == labels).mean()
    assert 0.7 < (mine.argmax(axis=1) == seen).mean() <= best + 0.03
    pair = labels < 2
    two = boosting.fit_boosting(
        inputs[pair], labels[pair], weights[pair], inputs[pair], labels[pair], weights[pair], seed=1
    )
    assert np.exp(two.log_probabilities(inputs)).sum(axis=1) == pytest.approx(np.ones(1200))
    few = [values[labels != 1] for values in (inputs, labels, weights)]
    with pytest.raises(InputError, match="no row of class number 1"):
        boosting.fit_boosting(*few, validation, seen, weights, seed=1)
