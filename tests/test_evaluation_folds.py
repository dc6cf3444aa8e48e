"""Evaluation with folds: every event is scored by classifiers that did not see it."""

import json

import numpy as np
import pytest
from fakes import make_columns, write_image_file

from calovision.core.splits import SPLITS, Folds
from calovision.evaluation import (
    bootstrap_roc,
    compare_paired,
    compare_with_cuts,
    ensemble_scores,
    score_shallow,
    scored_events,
    summarize,
)
from calovision.evaluation.baselines import combined_score, fit_combination, fit_shallow
from calovision.evaluation.reach import (
    ExpectedEvents,
    Limit,
    SearchOptions,
    SignalPoint,
    reach_against_mass,
    search_reach,
)
from calovision.evaluation.reach.bins import choose_threshold
from calovision.evaluation.reach.folds import SignalScale
from calovision.evaluation.reach.search import common_bins
from calovision.evaluation.reach.statistics import Significance
from calovision.evaluation.results import ModelComparison, Reach, Summary
from calovision.stages import comparison, robustness
from calovision.storage import ImageCollection, read_score_columns, read_score_table, write_scores
from calovision.storage.file_list import write_file_list

FOLDS = Folds(3, seed=7, validation_share=0.3)
VALUES = {"number": 3, "seed": 7, "validation_share": 0.3}
N = 150


@pytest.fixture(scope="module", autouse=True)
def few_trees():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("calovision.evaluation.baselines.combination.MOST_TREES", 5)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("folds")
    paths = []
    for label, name in ((1, "rpv"), (0, "qcd")):
        rng = np.random.default_rng(label)
        columns = make_columns(N, label=label, seed=label, weights=rng.exponential(1.0, N))
        columns["mj_sum"] = rng.normal(500.0 + 100 * label, 100.0, N)
        columns["split"] = np.zeros(N, dtype=np.uint8)  # what the files say does not count
        path = folder / f"{name}.h5"
        paths.append(write_image_file(path, N, columns=columns, sample=name, label=label))
    write_file_list(folder / "images.tsv", paths)
    return folder


@pytest.fixture(scope="module")
def collection(folder):
    return ImageCollection([folder / "rpv.h5", folder / "qcd.h5"])


@pytest.fixture(scope="module")
def splits(collection):
    """Split of every event for the network of each fold, ``(n_folds, n_events)``."""
    return np.array([collection.splits(FOLDS, fold) for fold in range(3)])


@pytest.fixture(scope="module")
def logits(collection):
    """Logits of the networks of every fold and of two seeds, of all events, ``(3, n, 2)``."""
    rng = np.random.default_rng(4)
    return rng.normal(collection.column("label")[:, None] * 1.5, 1.0, (3, 2 * N, 2))


@pytest.fixture(scope="module")
def evaluated(folder, collection, logits):
    """Results of the stage on score files of two seeds and three folds; ``baselines`` beside."""
    scored = scored_events(collection, FOLDS)
    files = {"scores": [], "models": [], "histories": []}
    for seed in range(2):
        for fold in range(3):
            stem = folder / f"seed{seed}_fold{fold}"
            indices = scored.indices[scored.fold == fold]
            write_scores(f"{stem}.h5", collection, indices, logits[fold, indices, seed])
            training = {"n_training": 10 + fold}
            description = {"specification": {"network": "small"}, "training": training}
            stem.with_suffix(".json").write_text(json.dumps(description))
            epochs = "".join(f"{epoch},10\n" for epoch in range(1 + fold))
            stem.with_suffix(".csv").write_text(f"epoch,images_per_s\n{epochs}")
            for kind, suffix in zip(files, (".h5", ".json", ".csv"), strict=True):
                files[kind].append(stem.with_suffix(suffix))
    mean = np.arange(len(scored.indices)) * 0.01
    write_scores(folder / "baselines.h5", collection, scored.indices, {"mlp": mean})
    names = comparison.EvaluationResults.__dataclass_fields__
    results = comparison.EvaluationResults(**{name: folder / f"out_{name}" for name in names})
    comparison.evaluate(
        comparison.EvaluationFiles(
            folder / "images.tsv", folder / "baselines.h5", *map(tuple, files.values())
        ),
        results,
        comparison.EvaluationOptions(
            luminosity_fb=10.0,
            signal_region="mj_sum > 600",
            background_efficiencies=[0.1],
            seeds={"small": [1, 2]},
            baselines=["mlp"],
            seed=3,
            folds=VALUES,
        ),
    )
    return results


# rows and tables


def test_rows_are_the_validation_and_test_events_of_each_fold(collection, splits):
    scored = scored_events(collection, FOLDS)
    for fold in range(3):
        members = scored.fold == fold
        np.testing.assert_array_equal(scored.indices[members], np.flatnonzero(splits[fold]))
        np.testing.assert_array_equal(
            scored.is_test[members], splits[fold][splits[fold] > 0] == SPLITS.index("test")
        )
    assert scored.indices[scored.rows(of_test=True)].tolist() == list(range(2 * N))
    assert len(scored.rows(of_test=False)) == (splits == SPLITS.index("validation")).sum()


def test_every_event_is_once_in_the_table_with_the_scores_of_its_fold(
    collection, logits, evaluated
):
    """The networks of an event are those whose training and validation do not have it."""
    test = read_score_table(evaluated.test_events)
    fold = collection.folds(FOLDS)
    np.testing.assert_array_equal(test["event_number"], collection.column("event_number"))
    np.testing.assert_array_equal(test["fold"], fold)
    assert set(test["split"]) == {SPLITS.index("test")}
    np.testing.assert_array_equal(test["weight"], collection.event_weights(10.0))
    own = logits[fold, np.arange(2 * N)]
    np.testing.assert_array_equal(test["cnn"], ensemble_scores(own))
    np.testing.assert_array_equal(read_score_table(evaluated.network_scores)["small"], own)


def test_validation_events_are_stacked_and_combined_within_their_fold(
    collection, splits, logits, evaluated
):
    validation = read_score_table(evaluated.validation_events)
    test = read_score_table(evaluated.test_events)
    assert set(validation["split"]) == {SPLITS.index("validation")}
    for fold in range(3):
        rows = np.flatnonzero(splits[fold] == SPLITS.index("validation"))
        of_fold = {k: v[validation["fold"] == fold] for k, v in validation.items()}
        np.testing.assert_array_equal(of_fold["cnn"], ensemble_scores(logits[fold, rows]))
        combination = fit_combination(
            of_fold["cnn"], of_fold, of_fold["label"], of_fold["weight"], seed=3
        )
        events = {k: v[test["fold"] == fold] for k, v in test.items()}
        np.testing.assert_array_equal(
            events["cnn+jets"], combined_score(combination, events["cnn"], events)
        )


def test_numbers_and_words_are_of_all_events(evaluated):
    summary = Summary.read(evaluated.summary)
    assert (summary.folds, summary.test_events.signal.n) == (3, N)
    words = "of all preselected events (each scored by networks that did not see it, 3 folds)"
    assert words in evaluated.table.read_text()
    found = ModelComparison.read(evaluated.models).models["small"]
    assert (list(found.seeds), found.n_training) == (["1", "2"], 11.0)
    training = found.seeds["2"].training
    assert (training.epochs, training.best_epoch) == (3, None)
    assert [one.epochs for one in training.trainings] == [1, 2, 3]
    assert training.training_time_s == pytest.approx(1.0 + 2 * 1.1 + 3 * 1.2)
    assert "| small | small | 6 |" in evaluated.table.read_text()


def test_folds_on_different_scales_are_said(collection, evaluated):
    """Scores of one fold moved up: each fold ranks its events as before, all together do not."""
    test = read_score_table(evaluated.test_events)
    plain = summarize(collection, test, [0.1], n_folds=3)
    assert plain.auc_of_folds["cnn"] == pytest.approx(plain.classifiers["cnn"].auc, abs=0.02)
    assert "different scales" not in plain.to_markdown()
    moved = test | {"cnn": test["cnn"] + 100 * (test["fold"] == 1)}
    found = summarize(collection, moved, [0.1], n_folds=3)
    assert found.auc_of_folds == pytest.approx(plain.auc_of_folds)
    assert f"`cnn` {found.classifiers['cnn'].auc:.3f} instead of" in found.to_markdown()
    assert summarize(collection, test, [0.1]).auc_of_folds is None


def test_files_of_a_network_and_of_a_fold_do_not_mix(folder, collection, evaluated):
    """The stage reads scores of the events of the fold, and of no other."""
    with pytest.raises(ValueError, match="scores of other events"):
        read_score_columns(
            folder / "seed0_fold0.h5",
            collection,
            scored_events(collection, FOLDS).indices[:50],
            ["logit"],
        )


# baselines


def test_baselines_are_fitted_for_each_fold(collection, splits):
    weights = np.ones(2 * N)
    name = "logistic_regression"
    scores, chosen = score_shallow(collection, [name], weights, seed=1, folds=FOLDS)
    scored = scored_events(collection, FOLDS)
    columns = {key: collection.column(key) for key in collection.files[0].events}
    losses = []
    for fold, split in enumerate(splits):
        training, validation = ({k: v[split == one] for k, v in columns.items()} for one in (0, 1))
        fitted = fit_shallow(
            name, training, weights[split == 0], validation, weights[split == 1], seed=1
        )
        unseen = {k: v[split > 0] for k, v in columns.items()}
        np.testing.assert_array_equal(scores[name][scored.fold == fold], fitted.score(unseen))
        losses.append(fitted.validation_loss)
        assert chosen.classifiers[name].choices["C"][fold] == fitted.chosen["C"]
    assert chosen.classifiers[name].validation_loss == pytest.approx(np.mean(losses))


# bootstrap


def make_scored(n=600, seeds=2):
    rng = np.random.default_rng(2)
    labels, fold = rng.integers(2, size=n), rng.integers(3, size=n)
    return (
        rng.normal(labels[:, None], 1.0, (n, seeds)).round(1),
        labels,
        rng.exponential(1, n),
        fold,
    )


def test_folds_of_one_network_change_nothing():
    scores, labels, weights, fold = make_scored(seeds=1)
    plain, of_folds = (
        compare_paired({"a": scores}, labels, weights, background_efficiency=0.1, folds=folds)
        for folds in (None, fold)
    )
    np.testing.assert_array_equal(plain.replicas["a"], of_folds.replicas["a"])


def test_networks_are_drawn_for_each_fold():
    """The replicas are those of networks that are put together event by event."""
    scores, labels, weights, fold = make_scored()
    drawn = compare_paired(
        {"a": scores}, labels, weights, background_efficiency=0.1, folds=fold, n_replicas=20
    ).replicas["a"]
    rng = np.random.default_rng(0)
    choices = set()
    for replica in drawn:
        counts = rng.poisson(1.0, len(labels))
        choice = rng.integers(2, size=3)
        choices.add(tuple(choice))
        one = scores[np.arange(len(labels)), choice[fold]]
        copies = np.repeat(np.arange(len(labels)), counts)
        expected = compare_paired(
            {"a": one[copies]},
            labels[copies],
            weights[copies],
            background_efficiency=0.1,
            n_replicas=1,
        )
        assert replica == pytest.approx(expected.nominal["a"], abs=1e-12)
    assert len(choices) > 4


def test_comparison_with_the_cuts_draws_for_each_fold():
    scores, labels, weights, fold = make_scored()
    test = {"label": labels, "weight": weights, "signal_region": labels == 1, "fold": fold}
    test["signal_region"][::7] ^= True
    found = compare_with_cuts(test, {"a": scores}, reference=None, seed=3, n_replicas=20)
    drawn = compare_paired(
        {"a": scores},
        labels,
        weights,
        signal_region=test["signal_region"],
        folds=fold,
        seed=3,
        n_replicas=20,
    )
    ratio = found.at_signal_region.classifiers["a"].over_cuts
    assert ratio == drawn.ratio("a", "signal_region")


def test_band_of_the_roc_with_folds():
    """Where both seeds score alike, the draws do not matter but for the random numbers."""
    scores, labels, weights, fold = make_scored(seeds=1)
    at = np.array([0.3, 0.6])
    alike = np.repeat(scores, 2, axis=1)
    plain = bootstrap_roc(scores, labels, weights, at, n_replicas=300)
    of_folds = bootstrap_roc(alike, labels, weights, at, folds=fold, n_replicas=300)
    np.testing.assert_allclose(plain, of_folds, rtol=0.1)


def discriminant(events, labels):
    """Linear discriminant of two Gaussians, fitted."""
    one, zero = (events[labels == label].mean(axis=0) for label in (1, 0))
    apart = events - np.where(labels[:, None] == 1, one, zero)
    weights = np.linalg.solve(apart.T @ apart / len(apart), one - zero)
    return lambda events: (events - 0.5 * (one + zero)) @ weights


def toy(seed, *, n=1500, dimensions=4, distance=0.8):
    """Value, interval and truth of the efficiency by folds, width of that of 35 %, and what one
    threshold for all folds costs."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([1, 0], n // 2)
    events = rng.normal(size=(n, dimensions)) + distance * labels[:, None]
    folds = Folds(5, seed, 0.23)
    fold = folds.assign("toy", np.arange(n))
    scores = np.empty(n)
    networks = []
    for one in range(5):
        trains = folds.splits(one, "toy", np.arange(n)) == 0
        networks.append(discriminant(events[trains], labels[trains]))
        scores[fold == one] = networks[-1](events[fold == one])
    options = {"background_efficiency": 0.05, "n_replicas": 100, "seed": seed}
    ones = np.ones(n)
    found = compare_paired({"a": scores}, labels, ones, folds=fold, **options).value("a")
    parts = rng.normal(size=(2, 5, 4000, dimensions))
    of_folds = list(zip(networks, *parts, strict=True))
    signal = [network(events + distance) for network, events, _ in of_folds]
    background = [network(events) for network, _, events in of_folds]
    truth = (np.ravel(signal) > np.quantile(background, 0.95)).mean()
    apart = np.mean(
        [(s > np.quantile(b, 0.95)).mean() for s, b in zip(signal, background, strict=True)]
    )
    test = rng.random(n) < 0.35
    part = compare_paired({"a": scores[test]}, labels[test], ones[test], **options).value("a")
    return found.value, found.low, found.high, truth, part.high - part.low, apart - truth


def test_intervals_by_folds_are_unbiased_cover_and_shrink():
    """Gaussian classes, linear discriminants for each fold, against a large independent sample."""
    n = 40
    value, low, high, truth, width, cost = np.array([toy(seed) for seed in range(n)]).T
    error = value - truth
    assert abs(error.mean()) < 3 * error.std() / np.sqrt(n)
    covers = ((low <= truth) & (truth <= high)).mean()
    assert abs(covers - 0.683) < 2.5 * np.sqrt(0.683 * 0.317 / n)
    assert 1.5 < width.mean() / (high - low).mean() < 1.9
    assert abs(cost.mean()) < 0.003


# reach


def make_search(n, seed):
    rng = np.random.default_rng(seed)
    labels = np.repeat([1, 0], n)
    table = {"label": labels, "weight": np.where(labels == 1, 0.02, 1.0)}
    return table | {
        "cnn": rng.normal(2.0 * labels, 1.0),
        "signal_region": rng.normal(1.5 * labels, 1.0) > 2.0,
    }


@pytest.fixture
def without_pyhf(monkeypatch):
    """Significance and limit from the sums of the bins, at once."""

    def limit(bins):
        value = float((np.sqrt(bins.background) / bins.signal).sum())
        return Limit(value, value / 2, value * 2)

    for module in ("search", "masses"):
        monkeypatch.setattr(f"calovision.evaluation.reach.{module}.expected_limit", limit)
    monkeypatch.setattr(
        "calovision.evaluation.reach.search.counted_significance",
        lambda bins: Significance(float(bins.signal.sum() / np.sqrt(bins.background.sum()))),
    )


def test_thresholds_of_a_fold_are_chosen_on_the_other(without_pyhf):
    """Where both folds have the same scale, by the very scores; where that of one is another, so
    are its edges, and nothing else changes."""
    validation, test = make_search(600, 1), make_search(600, 2)
    fold = np.random.default_rng(3).integers(2, size=1200)
    stacked = {name: np.concatenate([v, v]) for name, v in validation.items()}
    stacked["fold"] = np.repeat([0, 1], 1200)
    expected = ExpectedEvents(signal=3e3, background=3e5, cross_section_pb=0.25)
    options = SearchOptions(background_uncertainty=0.2, seed=3, n_bootstrap=5)
    plain = search_reach(stacked, test | {"fold": fold}, ["cnn"], expected, options)
    for one in (0, 1):
        threshold = choose_threshold(
            *(test[name][fold != one] for name in ("cnn", "label", "weight")),
            expected_signal=3e3,
            expected_background=3e5,
            background_uncertainty=0.2,
        )
        found = plain.classifiers["cnn"]["best_cut"].fold_edges[one]
        assert found == pytest.approx([threshold], rel=1e-9)
        assert threshold != pytest.approx(
            choose_threshold(
                *(test[name][fold == one] for name in ("cnn", "label", "weight")),
                expected_signal=3e3,
                expected_background=3e5,
                background_uncertainty=0.2,
            )
        )
    other_scale = {"cnn": np.where(fold == 1, 3 * test["cnn"] + 10, test["cnn"]), "fold": fold}
    stacked["cnn"][1200:] = 3 * stacked["cnn"][1200:] + 10
    scaled = search_reach(stacked, test | other_scale, ["cnn"], expected, options)
    for method in ("best_cut", "binned"):
        one, other = plain.classifiers["cnn"][method], scaled.classifiers["cnn"][method]
        np.testing.assert_allclose(other.fold_edges[0], one.fold_edges[0])
        np.testing.assert_allclose(other.fold_edges[1], 3 * np.array(one.fold_edges[1]) + 10)
        for name in ("signal", "background", "background_error", "n_eff"):
            np.testing.assert_allclose(getattr(other, name), getattr(one, name))
    assert scaled.cuts == plain.cuts
    assert Reach.from_json(json.loads(json.dumps(scaled.to_json()))) == scaled
    assert "chosen for each fold on the others" in scaled.to_markdown()
    assert "over all events (each scored by networks that did not see it, 2 folds)" in (
        scaled.to_markdown()
    )
    one, other = (
        reach_against_mass(reach, {1000.0: SignalPoint(test | more, 0.1, 1e3)})
        for reach, more in ((plain, {"fold": fold}), (scaled, other_scale))
    )
    assert one == other


def test_places_among_the_signal_of_a_fold():
    """Four signal events make three steps; a score beyond them keeps its distance."""
    table = {"s": [0.0, 1.0, 2.0, 4.0, 9.0], "label": [1, 1, 1, 1, 0], "fold": [0] * 5}
    scale = SignalScale("s", {name: np.array(values) for name, values in table.items()})
    places = scale.to_places(0, np.array([-1.0, 0.0, 0.5, 2.0, 3.0, 4.0, 6.5]))
    assert places == pytest.approx([-1.0, 0.0, 1 / 6, 2 / 3, 5 / 6, 1.0, 3.5])
    assert [scale.to_scores(0, place) for place in places] == pytest.approx(
        [-1.0, 0.0, 0.5, 2.0, 3.0, 4.0, 6.5]
    )


def test_bins_of_folds_are_as_many():
    chosen = [
        (2.0, (0.0, 1.0, 2.0, 3.0, 4.0)),
        (20.0, (10.0, 20.0, 30.0)),
        (7.0, (6.0, 7.0, 8.0, 9.0)),
    ]
    assert common_bins(chosen) == [(1.0, 2.0, 3.0), (10.0, 20.0, 30.0), (6.0, 7.0, 8.0)]
    assert common_bins([*chosen, (5.0, (5.0,))]) == [(2.0,), (20.0,), (7.0,), (5.0,)]


# robustness


def test_thresholds_in_other_detectors_take_all_events(folder, collection, evaluated):
    test = read_score_table(evaluated.test_events)
    write_scores(folder / "varied.h5", collection, np.arange(2 * N), test["cnn"])
    results = robustness.RobustnessResults(folder / "r.json", folder / "r.md")
    robustness.evaluate_robustness(
        robustness.RobustnessFiles(
            evaluated.test_events,
            (folder / "rpv.h5", folder / "qcd.h5"),
            (folder / "varied.h5",),
        ),
        results,
        robustness.RobustnessOptions(
            ["nominal"], ["small"], "small", 10.0, "mj_sum > 600", 0.2, folds=VALUES
        ),
    )
    found = json.loads(results.numbers.read_text())["variations"]["nominal"]
    summary = Summary.read(evaluated.summary)
    region = summary.signal_region.signal_efficiency.value
    assert found["signal_region"]["signal"]["value"] == pytest.approx(region, rel=1e-12)
    assert found["small"]["background"]["value"] == pytest.approx(0.2, abs=0.03)
