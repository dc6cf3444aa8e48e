"""Networks and ensembles compared: numbers against scikit-learn and a brute-force search, records,
table."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

from calovision.core.errors import InputError
from calovision.evaluation import (
    compare_models,
    ensemble_scores,
    read_history,
    read_model_numbers,
    read_runs,
    training_record,
)
from calovision.evaluation.results import (
    ModelComparison,
    ModelNumbers,
    NetworkStatistic,
    NetworkStatistics,
    Performance,
    Performances,
    TrainingRecord,
)
from calovision.metrics import Efficiency

POINTS = (0.25, 0.05)
RECORD = TrainingRecord(epochs=3)


@pytest.fixture
def events():
    """Scores of three and of one network for 400 events, distinct, and weights of two decades."""
    rng = np.random.default_rng(3)
    labels = np.arange(400) % 2
    weights = np.where(labels == 1, 0.01, rng.exponential(5.0, 400))
    scores = {
        name: rng.normal(2.0 * labels[:, None], 1.0, (400, n)) for name, n in (("a", 3), ("b", 1))
    }
    return scores, labels, weights


def compare(events, **options):
    scores, labels, weights = events
    runs = {"a": dict.fromkeys((4, 5, 6), RECORD), "b": {4: RECORD}}
    return compare_models(scores, labels, weights, POINTS, **({"runs": runs} | options))


def signal_above(scores, labels, weights, target):
    """Signal efficiency at a background efficiency: add events from the hardest down until the
    background is full.

    The event that would exceed the target is background: all signal above it passes.
    """
    background = 0.0
    total = {label: weights[labels == label].sum() for label in (0, 1)}
    signal = 0.0
    for event in np.argsort(-scores):
        if labels[event] == 1:
            signal += weights[event]
        else:
            background += weights[event]
            if background > target * total[0]:
                return signal / total[1]
    return 1.0


def test_ensemble_is_the_mean_of_the_networks():
    probabilities = np.array([[0.2, 0.6], [0.9, 0.5]])
    assert expit(ensemble_scores(logit(probabilities))) == pytest.approx([0.4, 0.7])
    one = np.array([[-3.0], [700.0]])
    assert ensemble_scores(one).tolist() == [-3.0, 700.0]


def test_ensemble_has_no_ties_next_to_certainty():
    """1 - p of the ensemble is the mean of 1 - p, also where p is 1 in float64."""
    networks = np.array(
        [[60.0, 50.0], [60.0, 50.5], [-60.0, -50.0], [800.0, 900.0], [-800.0, 900.0]]
    )
    lost = np.logaddexp(-networks[:2, 0], -networks[:2, 1]) - np.log(2)
    assert ensemble_scores(networks)[:3] == pytest.approx([-lost[0], -lost[1], lost[0]], rel=1e-12)
    assert ensemble_scores(networks)[3:] == pytest.approx([800 + np.log(2), 0.0], abs=1e-9)


@pytest.mark.parametrize("weighting", ["weighted", "unweighted"])
def test_numbers_of_every_network_and_of_the_ensemble(events, weighting):
    scores, labels, weights = events
    weights = weights if weighting == "weighted" else np.ones(400)
    comparison = compare(events).models
    assert list(comparison) == ["a", "b"]
    for model, networks in scores.items():
        numbers = comparison[model]
        assert list(numbers.seeds) == ["4", "5", "6"][: networks.shape[1]]
        each = (*numbers.seeds.values(), numbers.ensemble)
        found = [getattr(one, weighting) for one in each]
        for one, values in zip(found, (*networks.T, expit(networks).sum(axis=1)), strict=True):
            assert one.auc == pytest.approx(roc_auc_score(labels, values, sample_weight=weights))
            assert list(one.signal_efficiency) == ["0.25", "0.05"]
            for point, value in one.signal_efficiency.items():
                assert value.value == pytest.approx(
                    signal_above(values, labels, weights, float(point))
                )
                assert 0 <= value.low <= value.value <= value.high <= 1


@pytest.mark.parametrize("weighting", ["weighted", "unweighted"])
def test_mean_and_standard_deviation_over_the_seeds(events, weighting):
    found = compare(events).models["a"]
    seeds = [getattr(one, weighting) for one in found.seeds.values()]
    mean, spread = (getattr(one, weighting) for one in (found.mean, found.standard_deviation))
    areas = np.array([one.auc for one in seeds])
    assert mean.auc == pytest.approx(areas.sum() / 3)
    deviation = np.sqrt(np.sum((areas - areas.sum() / 3) ** 2) / 2)
    assert spread.auc == pytest.approx(deviation)
    assert deviation > 0
    for point in ("0.25", "0.05"):
        values = np.array([one.signal_efficiency[point].value for one in seeds])
        assert mean.signal_efficiency[point] == pytest.approx(values.sum() / 3)
        deviation = np.sqrt(np.sum((values - values.sum() / 3) ** 2) / 2)
        assert spread.signal_efficiency[point] == pytest.approx(deviation)


def test_single_network_has_no_spread_and_is_its_ensemble(events):
    found = compare(events).models["b"]
    none = {"0.25": None, "0.05": None}
    assert found.standard_deviation.weighted == NetworkStatistic(None, none)
    only = found.seeds["4"]
    assert found.ensemble == Performances(weighted=only.weighted, unweighted=only.unweighted)
    assert found.mean.unweighted.auc == found.ensemble.unweighted.auc


def test_comparison_keeps_what_is_known_and_is_json(events):
    runs = {"a": {4: RECORD, 5: TrainingRecord(7), 6: TrainingRecord(4, 2)}, "b": {1: RECORD}}
    numbers = {"a": ModelNumbers(network="small", parameters=12)}
    comparison = compare(events, runs=runs, numbers=numbers)
    content = json.loads(json.dumps(comparison.to_json(), allow_nan=False))
    assert ModelComparison.from_json(content) == comparison
    assert (content["a"]["network"], content["a"]["parameters"]) == ("small", 12)
    assert [one["training"] for one in content["a"]["seeds"].values()] == [
        {"epochs": 3},
        {"epochs": 7},
        {"epochs": 4, "best_epoch": 2},
    ]
    assert "network" not in content["b"]


@pytest.mark.parametrize("seeds", [{}, dict.fromkeys((1, 2), RECORD)])
def test_networks_and_seeds_that_do_not_fit(events, seeds):
    with pytest.raises(
        InputError, match=f"model 'a': scores of 3 networks, but {len(seeds)} seeds"
    ):
        compare(events, runs={"a": seeds})


def test_table_text(events):
    record = TrainingRecord(8, images_per_s=900.4, training_time_s=90.0)
    runs = {
        "a": {4: record, 5: replace(record, epochs=6), 6: replace(record, images_per_s=1100.0)},
        "b": {4: RECORD},
    }
    network = ModelNumbers(network="hep_cnn", parameters=34_512_345, multiply_adds=2_345_000_000)
    models = compare(events, runs=runs, numbers={"a": network}).models
    ensemble = Performance(0.98765, {"0.05": Efficiency(0.51234, 0.4, 0.6, 3.0)})
    mean = NetworkStatistic(0.91234, {"0.05": 0.45678})
    for name, one in models.items():
        models[name] = replace(
            one,
            ensemble=Performances(weighted=ensemble, unweighted=ensemble),
            mean=NetworkStatistics(weighted=mean, unweighted=mean),
        )
    spread = NetworkStatistic(0.01234, {"0.05": 0.03456})
    spreads = NetworkStatistics(weighted=spread, unweighted=spread)
    models["a"] = replace(models["a"], standard_deviation=spreads)
    lines = ModelComparison(models).to_markdown().splitlines()
    assert lines[0].endswith("the mean of theirs. `cnn` above is the ensemble of `a`.")
    alone = ModelComparison({"cnn": models["b"]}).to_markdown()
    assert alone.splitlines()[0].endswith("the mean of theirs.")
    assert lines[1:] == [
        "",
        "| model |  | AUC | signal at background 0.05 |",
        "| --- | --- | --- | --- |",
        "| a | 3 networks, events weighted | 0.9123 ± 0.0123 | 0.457 ± 0.035 |",
        "| a | ensemble, events weighted | 0.9877 | 0.512 (0.400 to 0.600) |",
        "| a | 3 networks, every event counts 1 | 0.9123 ± 0.0123 | 0.457 ± 0.035 |",
        "| a | ensemble, every event counts 1 | 0.9877 | 0.512 (0.400 to 0.600) |",
        "| b | one network, events weighted | 0.9877 | 0.512 (0.400 to 0.600) |",
        "| b | one network, every event counts 1 | 0.9877 | 0.512 (0.400 to 0.600) |",
        "",
        "| model | network | networks | parameters | multiply-adds | epochs | images/s | training "
        "|",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        "| a | hep_cnn | 3 | 34.5 M | 2.35 G | 6-8 | 967 | 4.5 min |",
        "| b | - | 1 | - | - | 3 | - | - |",
    ]


# -- what a run left -----------------------------------------------------------------------------


def test_history_and_its_record(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text(
        "epoch,train_loss,validation_loss,validation_signal_efficiency_1e-2,images_per_s\n"
        "0,0.7,0.5,,100\n1,0.6,0.3,0.25,400\n2,0.5,nan,0.5,200\n"
    )
    history = read_history(path)
    assert list(history)[3] == "validation_signal_efficiency_1e-2"
    np.testing.assert_array_equal(history["validation_signal_efficiency_1e-2"], [np.nan, 0.25, 0.5])
    assert training_record(history, 1000) == TrainingRecord(
        epochs=3, best_epoch=1, images_per_s=200.0, training_time_s=10.0 + 2.5 + 5.0
    )
    assert training_record(history).training_time_s is None


def test_record_of_a_history_that_has_only_epochs():
    assert training_record({"epoch": np.arange(4.0)}, 10) == TrainingRecord(4)
    nothing = {
        "epoch": np.arange(2.0),
        "validation_loss": np.full(2, np.nan),
        "images_per_s": np.array([np.nan, 0.0]),
    }
    assert training_record(nothing, 10) == TrainingRecord(2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lacks epochs"),
        ("epoch,train_loss\n", "lacks epochs"),
        ("loss\n0.5\n", "lacks epochs"),
        ("epoch,train_loss\n0,0.5\n1\n", "line of the history is damaged"),
        ("epoch,train_loss\n0,0.5\n1,0.4,0.3\n", "line of the history is damaged"),
        ("epoch,train_loss\n0,0.5,0.1\n", "line of the history is damaged"),
        ("epoch,train_loss\n0,half\n", "line of the history is damaged"),
    ],
)
def test_damaged_history_is_named(tmp_path, text, message):
    (tmp_path / "history.csv").write_text(text)
    with pytest.raises(InputError, match=rf"history\.csv: .*{message}"):
        read_history(tmp_path / "history.csv")


def write_description(path, **changes):
    description = {
        "specification": {"network": "small"},
        "parameters": 5,
        "multiply_adds": None,
        "training": {},
    }
    path.write_text(json.dumps(description | changes))
    return path


def test_numbers_of_a_model_leave_out_what_is_not_known(tmp_path):
    path = write_description(tmp_path / "model.json", training={"n_training": 7, "epochs": 3})
    found = read_model_numbers(path)
    assert found == ModelNumbers(network="small", parameters=5, n_training=7)
    assert found.multiply_adds is None


def test_runs_of_a_model(tmp_path):
    """The number of training events comes from the first description."""
    descriptions = [
        write_description(tmp_path / f"{n}.json", training={"n_training": 100}) for n in (3, 4)
    ]
    histories = [tmp_path / f"{n}.csv" for n in (3, 4)]
    for speed, path in zip((50, 25), histories, strict=True):
        path.write_text(f"epoch,images_per_s\n0,{speed}\n")
    numbers, runs = read_runs([3, 4], descriptions, histories)
    assert numbers == ModelNumbers(network="small", parameters=5, n_training=100)
    assert list(runs) == [3, 4]
    assert [run.training_time_s for run in runs.values()] == [2.0, 4.0]


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"specification": {}, "training": {}}', '{"specification": 3}']
)
def test_what_is_no_model_is_named(tmp_path, text):
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(InputError, match=r"model\.json: no description of a trained model"):
        read_model_numbers(tmp_path / "model.json")
