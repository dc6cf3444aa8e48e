"""ROC, AUC, working points, confusion, discriminants and residuals of random events in exact
fractions: weights of any sign and scale, ties, one class, sums of nothing."""

from fractions import Fraction
from itertools import pairwise, permutations, product

import numpy as np
import pytest

from calovision.core.errors import InputError
from calovision.evaluation.replicas import OrderedScores
from calovision.evaluation.tagging.confusion import confusion_of, confusion_shares
from calovision.evaluation.tagging.discriminants import all_discriminants
from calovision.evaluation.tagging.replicas import OrderedNetwork
from calovision.evaluation.tagging.rows import TaggedRows
from calovision.metrics import (
    auc,
    efficiency,
    macro_auc,
    n_effective,
    pairwise_aucs,
    rejection_at,
    residual_numbers,
    roc,
)
from calovision.metrics.roc import auc_with_error

SCORES = {
    "continuous": lambda rng, n: rng.normal(size=n),
    "ties": lambda rng, n: rng.integers(0, 4, n).astype(float),
    "any scale": lambda rng, n: rng.normal(size=n) * 10.0 ** rng.integers(-300, 300),
    "last digits": lambda rng, n: 1 + rng.integers(0, 3, n) * 2.0**-52,
    "extreme": lambda rng, n: rng.choice([0.0, -0.0, 5e-324, 1e308, -1e308], n),
}
WEIGHTS = {
    "ones": lambda rng, n: np.ones(n),
    "signs": lambda rng, n: rng.choice([-1.0, 1.0, 1.0, 1.0], n),
    "decades": lambda rng, n: rng.exponential(size=n) * 10.0 ** rng.integers(-8, 8, n),
    "any sign": lambda rng, n: rng.normal(0.5, 1, n),
    "none and one": lambda rng, n: rng.choice([0.0, 1.0], n),
}


def exact(values):
    return [Fraction(float(one)) for one in values]


def exact_auc(scores, labels, weights):
    """Mean over the pairs of signal and background, ties half."""
    rows = list(zip(scores.tolist(), labels.tolist(), exact(weights), strict=True))
    total = Fraction(0)
    for (s, a, w), (t, b, v) in product(rows, rows):
        if (a, b) == (1, 0):
            total += w * v * (2 * (s > t) + (s == t))
    sums = [sum(w for _, label, w in rows if label == one) for one in (0, 1)]
    return total / (2 * sums[0] * sums[1])


def sums_over_size(labels, weights):
    """Smallest sum of the weights of a class over that of their sizes; 0 for an empty class."""
    found = []
    for one in (0, 1):
        own = exact(weights[labels == one])
        size = sum(map(abs, own))
        found.append(sum(own) / size if size else Fraction(0))
    return min(found)


@pytest.mark.parametrize("of_scores", SCORES)
@pytest.mark.parametrize("of_weights", WEIGHTS)
def test_areas(of_scores, of_weights):
    rng = np.random.default_rng(len(of_scores) * 10 + len(of_weights))
    for n in (2, 3, 5, 9, 14):
        labels = rng.integers(0, 2, n)
        scores, weights = SCORES[of_scores](rng, n), WEIGHTS[of_weights](rng, n)
        share = float(sums_over_size(labels, weights))
        if share <= 0:
            with pytest.raises(InputError):
                roc(scores, labels, weights)
            continue
        expected, error = float(exact_auc(scores, labels, weights)), 1e-14 / share**2
        assert auc(roc(scores, labels, weights)) == pytest.approx(expected, abs=error)
        assert auc_with_error(scores, labels, weights)[0] == pytest.approx(expected, abs=error)
        areas = pairwise_aucs(np.stack([-scores, scores], axis=1), labels, weights)
        assert areas[[0, 1], [1, 0]] == pytest.approx(expected, abs=error)


def exact_efficiency(passed, weights):
    own = exact(weights)
    kept = sum(w for w, one in zip(own, passed, strict=True) if one)
    squares = sum(w**2 for w, one in zip(own, passed, strict=True) if one)
    return kept / sum(own), kept**2 / squares if squares else 0


@pytest.mark.parametrize("of_weights", WEIGHTS)
def test_efficiencies(of_weights):
    rng = np.random.default_rng(len(of_weights))
    for n in (1, 2, 7, 20):
        weights, passed = WEIGHTS[of_weights](rng, n), rng.random(n) < 0.5
        if sum(exact(weights)) <= 0:
            continue
        value, n_eff = exact_efficiency(passed, weights)
        found = efficiency(passed, weights)
        assert found.value == pytest.approx(min(max(float(value), 0.0), 1.0), rel=1e-12, abs=1e-12)
        assert found.n_eff == pytest.approx(float(n_eff), rel=1e-9, abs=1e-12)
        size = sum(w**2 for w in exact(weights))
        assert n_effective(weights) == pytest.approx(float(sum(exact(weights)) ** 2 / size))


def exact_background(scores, labels, weights, target):
    """Background efficiency of the tightest cut with a signal efficiency, linear between cuts."""
    rows = list(zip(scores.tolist(), labels.tolist(), exact(weights), strict=True))
    sums = [sum(w for _, label, w in rows if label == one) for one in (0, 1)]
    points = [(Fraction(0), Fraction(0))]
    for cut in sorted(set(scores.tolist()), reverse=True):
        passed = [
            sum(w for s, label, w in rows if s >= cut and label == one) / sums[one]
            for one in (1, 0)
        ]
        points.append(tuple(passed))
    for (s, b), (after, more) in pairwise(points):
        if after >= target:
            return b + (more - b) * (target - s) / (after - s)
    raise AssertionError(target)


@pytest.mark.parametrize("of_scores", ["continuous", "ties"])
@pytest.mark.parametrize("of_weights", ["ones", "signs", "any sign"])
def test_rejections_of_tables_replicas_and_bands_are_one(of_scores, of_weights):
    """Half of the signal is often just what a cut keeps: replicas took the background up to the
    next signal event with it.
    """
    rng = np.random.default_rng(len(of_scores) * 10 + len(of_weights))
    targets = np.array([0.25, 0.5, 0.9, 1.0])
    for _ in range(8):
        labels = np.repeat([0, 1], 8)
        scores, weights = SCORES[of_scores](rng, 16) + labels, WEIGHTS[of_weights](rng, 16)
        if sums_over_size(labels, weights) < 0.1:
            continue
        exactly = [
            float(exact_background(scores, labels, weights, Fraction(one))) for one in targets
        ]
        clipped = np.clip(exactly, 0, 1)
        order = OrderedScores(scores[:, None], labels == 1, any_sign=True)
        band = order.background_efficiencies(order.draw(rng), weights, targets)
        assert band == pytest.approx(np.array(exactly), abs=1e-9)
        rows = TaggedRows.of(("other", "signal"), labels, weights)
        network = OrderedNetwork(
            np.stack([-scores, np.zeros(16)], axis=1), [*all_discriminants(rows.classes).values()],
            rows,
        )  # fmt: skip
        measured = network.measure(rows.weights, targets[None])
        assert measured.background[0] == pytest.approx(clipped, abs=1e-9)
        assert measured.auc[0] == pytest.approx(float(exact_auc(scores, labels, weights)))
        for target, expected in zip(targets, clipped, strict=True):
            found = rejection_at(scores, labels, weights, target)
            if expected > 1e-9:
                assert found.value == pytest.approx(1 / expected, rel=1e-9)
            else:
                assert found.is_limit


def test_confusion_and_areas_of_classes():
    rng = np.random.default_rng(5)
    classes = ("a", "b", "c")
    labels, weights = rng.integers(0, 3, 40), rng.normal(1, 0.5, 40)
    scores = rng.integers(0, 5, (40, 3)).astype(float)
    rows = TaggedRows.of(classes, labels, weights)
    predicted = np.argmax(scores, axis=1)
    shares = confusion_shares(confusion_of(predicted, rows), classes)
    of_class = [sum(exact(weights[labels == one])) for one in range(3)]
    cells = {
        (i, j): sum(exact(weights[(labels == i) & (predicted == j)])) / of_class[i]
        for i, j in product(range(3), range(3))
    }
    for (i, j), cell in cells.items():
        by_prediction = cell / sum(cells[k, j] for k in range(3))
        assert shares.of_truth[classes[i]][classes[j]] == pytest.approx(float(cell))
        assert shares.of_prediction[classes[i]][classes[j]] == pytest.approx(float(by_prediction))
    areas = []
    for i, j in permutations(range(3), 2):
        chosen = (labels == i) | (labels == j)
        is_first = (labels[chosen] == i).astype(int)
        areas.append(float(exact_auc(scores[chosen, i], is_first, weights[chosen])))
    assert macro_auc(scores, labels, weights) == pytest.approx(np.mean(areas))


def test_discriminants_are_ratios_of_sums():
    rng = np.random.default_rng(6)
    classes = ("a", "b", "c")
    own = {"mine": {"signal": {"a": 3, "b": 1}, "background": "c"}}
    probabilities = rng.dirichlet(np.ones(3), 20)
    found = all_discriminants(classes, own)
    assert len(found) == 1 + 3 + 6
    a, b, c = probabilities.T
    expected = {
        "mine": (0.75 * a + 0.25 * b) / c,
        "a_vs_rest": a / (0.5 * b + 0.5 * c),
        "c_vs_rest": c / (0.5 * a + 0.5 * b),
        "b_vs_a": b / a,
    }
    for name, ratio in expected.items():
        values = found[name].values(np.log(probabilities), classes)
        assert values == pytest.approx(np.log(ratio), rel=1e-12, abs=1e-12)


def exact_quantile(values, weights, share):
    """Linear between the middles of the weights of the rows, which never fall."""
    rows = sorted(zip(exact(values), exact(weights), strict=True), key=lambda row: row[0])
    total, before, points = sum(w for _, w in rows), Fraction(0), []
    for value, weight in rows:
        middle = (before + weight / 2) / total
        points.append((max([middle, *(at for at, _ in points)]), value))
        before += weight
    if share <= points[0][0]:
        return points[0][1]
    for (x, y), (after, value) in pairwise(points):
        if x <= share < after:
            return y + (value - y) * (share - x) / (after - x)
    return points[-1][1]


@pytest.mark.parametrize("of_weights", WEIGHTS)
def test_bias_and_resolution(of_weights):
    rng = np.random.default_rng(len(of_weights) + 2)
    for n in (1, 2, 6, 15):
        values, weights = rng.normal(1, 2, n), WEIGHTS[of_weights](rng, n)
        total = sum(exact(weights))
        found = residual_numbers(values, weights)
        if total <= 0:
            assert np.isnan(found).all()
            continue
        low, median, high = (
            float(exact_quantile(values, weights, Fraction(one)))
            for one in (0.15865525393145707, 0.5, 0.8413447460685429)
        )
        mean = sum(x * w for x, w in zip(exact(values), exact(weights), strict=True)) / total
        square = sum(
            w * (x - mean) ** 2 for x, w in zip(exact(values), exact(weights), strict=True)
        )
        assert found.bias_median == pytest.approx(median, abs=1e-9)
        assert found.resolution == pytest.approx((high - low) / 2, abs=1e-9)
        assert found.bias_mean == pytest.approx(float(mean), rel=1e-9)
        assert found.rms == pytest.approx(max(float(square / total), 0.0) ** 0.5, rel=1e-9)
