import numpy as np
import pytest

from calovision.core.errors import InputError
from calovision.evaluation.baselines import combined_score, event_features, fit_combination
from calovision.metrics import auc, roc, signal_efficiency_at


def toy(n, *, seed, jets_help=True):
    """Events of two classes with an image-only and a jet variable, and a network that sees half of
    the latter."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    jets = rng.normal(size=n) + 1.2 * labels * jets_help
    logit = 3 * (rng.normal(size=n) + 2 * labels - 1) + 0.6 * jets
    mass = np.exp(6 + 0.3 * jets)
    n_fat_jets = 3 + rng.poisson(0.3 + 0.8 * labels * jets_help)
    fat_jets = np.zeros((n, 5, 4))
    fat_jets[..., 0] = -np.sort(-rng.exponential(200, (n, 5)) - 200)
    fat_jets[..., 3] = mass[:, None] * np.array([0.4, 0.25, 0.2, 0.1, 0.05])
    fat_jets[np.arange(5) >= n_fat_jets[:, None]] = 0
    events = {"n_fat_jets": n_fat_jets, "mj_sum": mass, "delta_eta_12": rng.normal(size=n)}
    events |= {"ht": rng.exponential(300, n) + 900, "fat_jets": fat_jets}
    return logit.astype(np.float32), events, labels, rng.exponential(size=n)


def test_event_features_are_the_23_in_order():
    fat_jets = np.arange(40, dtype=np.float32).reshape(2, 5, 4)
    events = {
        "n_fat_jets": np.array([3, 4]),
        "mj_sum": np.array([500.0, 900.0]),
        "fat_jets": fat_jets,
    }
    features = event_features(events | {"delta_eta_12": np.array([-1.5, 0.5])})
    assert features.shape == (2, 23)
    np.testing.assert_array_equal(features[:, :3], [[3, 500, 1.5], [4, 900, 0.5]])
    np.testing.assert_array_equal(features[1, 3:], np.arange(20, 40))


@pytest.mark.parametrize("n", [600, 2000])
def test_combination_gains_where_the_jets_know_more(n):
    scores, events, labels, weights = toy(n, seed=1)
    estimator = fit_combination(scores, events, labels, weights, seed=3)
    scores, events, labels, weights = toy(20_000, seed=2)
    combined = combined_score(estimator, scores, events)
    assert combined.shape == (20_000,)
    assert auc(roc(combined, labels, weights)) > auc(roc(scores, labels, weights)) + 0.005
    for target in (0.1, 0.01):
        alone = signal_efficiency_at(scores, labels, weights, target).value
        assert signal_efficiency_at(combined, labels, weights, target).value > alone


@pytest.mark.parametrize("seed", range(3))
def test_combination_does_not_lose_where_the_jets_are_noise(seed):
    estimator = fit_combination(*toy(600, seed=seed, jets_help=False), seed=seed)
    scores, events, labels, weights = toy(20_000, seed=99, jets_help=False)
    combined = combined_score(estimator, scores, events)
    assert auc(roc(combined, labels, weights)) > auc(roc(scores, labels, weights)) - 0.003
    alone = signal_efficiency_at(scores, labels, weights, 0.01).value
    assert signal_efficiency_at(combined, labels, weights, 0.01).value > alone - 0.03


def test_combination_keeps_the_order_beyond_the_hardest_background():
    scores, events, labels, weights = toy(600, seed=4)
    estimator = fit_combination(scores, events, labels, weights, seed=0)
    combined = combined_score(estimator, scores, events)
    assert len(np.unique(combined)) > 0.95 * len(np.unique(scores))


@pytest.mark.parametrize("seed", range(3))
def test_one_event_on_the_wrong_side_does_not_upset_a_sharp_network(seed):
    """Nearly separated classes and one background event that looks like signal: leaves must not run
    away."""

    def sharp(n, seed):
        scores, events, labels, weights = toy(n, seed=seed)
        return 1.5 * scores + 12 * labels - 6, events, labels, weights

    scores, events, labels, weights = sharp(700, seed)
    wrong = int(np.flatnonzero(labels == 0)[np.argmax(events["mj_sum"][labels == 0])])
    scores[wrong], weights[wrong] = np.max(scores), 3.0
    estimator = fit_combination(scores, events, labels, weights, seed=seed)
    scores, events, labels, weights = sharp(20_000, 50 + seed)
    combined = combined_score(estimator, scores, events)
    assert auc(roc(combined, labels, weights)) > auc(roc(scores, labels, weights)) - 1e-4


def test_combination_is_the_same_for_the_same_seed_and_ignores_the_scale_of_a_class():
    scores, events, labels, weights = toy(400, seed=5)
    first = combined_score(fit_combination(scores, events, labels, weights, seed=8), scores, events)
    scaled = weights * np.where(labels == 1, 1024.0, 2.0**-20)
    second = combined_score(fit_combination(scores, events, labels, scaled, seed=8), scores, events)
    np.testing.assert_allclose(first, second, rtol=1e-6)


def test_combination_leaves_negative_weights_out():
    scores, events, labels, weights = toy(200, seed=9)
    chosen = np.arange(200) < 60
    fits = [
        fit_combination(scores, events, labels, np.where(chosen, w, weights), seed=0)
        for w in (0.0, -0.3)
    ]
    first, second = (combined_score(fit, scores, events) for fit in fits)
    np.testing.assert_allclose(first, second, rtol=1e-9)


SURE, SURE_TEST = toy(2000, seed=1), toy(20_000, seed=2)


def numbers_of_combination(factor, shift):
    """AUC and signal efficiencies of the combination of a network whose logits are scaled."""
    scores, events, labels, weights = SURE
    seen, *test = SURE_TEST
    estimator = fit_combination(factor * scores + shift, events, labels, weights, seed=3)
    combined = combined_score(estimator, factor * seen + shift, test[0])
    points = [
        signal_efficiency_at(combined, *test[1:], target).value for target in (0.1, 0.01, 0.001)
    ]
    return [auc(roc(combined, *test[1:])), *points]


@pytest.fixture(scope="module")
def numbers_unscaled():
    return numbers_of_combination(1, 0)


@pytest.mark.parametrize(("factor", "shift"), [(1, 60), (1, -60), (8, 0), (8, 300), (100, 0)])
def test_combination_of_a_sure_network_is_that_of_one_that_is_not(numbers_unscaled, factor, shift):
    """The same order of the events at logits where probabilities are 0 or 1."""
    np.testing.assert_allclose(numbers_of_combination(factor, shift), numbers_unscaled, atol=0.01)


def test_combination_takes_sure_networks_negative_weights_and_few_events():
    scores, events, labels, weights = toy(40, seed=6)
    scores = np.where(labels == 1, 1e3, -1e3)
    weights[3] = -1
    estimator = fit_combination(scores, events, labels, weights, seed=0)
    assert np.isfinite(combined_score(estimator, scores, events)).all()
    few = {name: column[:4] for name, column in events.items()}
    estimator = fit_combination(scores[:4], few, labels[:4], np.ones(4), seed=0)
    assert np.isfinite(combined_score(estimator, scores[:4], few)).all()


def test_bad_input_is_named():
    scores, events, labels, weights = toy(50, seed=7)
    with pytest.raises(InputError, match="no signal"):
        fit_combination(scores, events, np.zeros(50, dtype=int), weights, seed=0)
    with pytest.raises(InputError, match="no background"):
        fit_combination(scores, events, labels, np.where(labels == 0, 0.0, 1.0), seed=0)
    with pytest.raises(InputError, match="49 scores but 50 events"):
        fit_combination(scores[1:], events, labels, weights, seed=0)
    with pytest.raises(InputError, match="50 scores, 50 labels and 49 weights"):
        fit_combination(scores, events, labels, weights[1:], seed=0)
    with pytest.raises(InputError, match="column ht is missing"):
        fit_combination(
            scores, {k: v for k, v in events.items() if k != "ht"}, labels, weights, seed=0
        )
    with pytest.raises(InputError, match=r"\(50, 5, 4\)"):
        event_features(events | {"fat_jets": np.zeros((50, 4, 4))})


def test_scores_and_labels_as_networks_give_them_are_taken_and_others_refused():
    """A column (n, 1), or a list; not (1, n), text, or a score or jet variable that is not
    finite."""
    scores, events, labels, weights = toy(50, seed=7)
    estimator = fit_combination(scores, events, labels, weights, seed=0)
    expected = combined_score(estimator, scores, events)
    other = fit_combination(scores[:, None], events, labels.tolist(), weights[:, None], seed=0)
    np.testing.assert_array_equal(combined_score(other, scores.tolist(), events), expected)
    with pytest.raises(InputError, match="labels must be 1"):
        fit_combination(scores, events, 2 * labels - 1, weights, seed=0)
    for wrong in (scores[None], scores.astype(str), np.append(scores[1:], np.nan), [None] * 50):
        with pytest.raises(InputError):
            fit_combination(wrong, events, labels, weights, seed=0)
        with pytest.raises(InputError):
            combined_score(estimator, wrong, events)
    with pytest.raises(
        InputError, match="1 of 50 events have a score or a jet variable that is not finite"
    ):
        combined_score(estimator, scores, events | {"ht": np.append(events["ht"][1:], np.inf)})
