"""The summary's keys and numbers against those computed by hand, and the table."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from fakes import write_image_file, write_two_samples

from calovision.core.errors import InputError
from calovision.evaluation import (
    CLASSIFIERS,
    ScoredEvents,
    split_indices,
    summarize,
    tabulate_events,
)
from calovision.evaluation.baselines import combined_score, fit_combination
from calovision.evaluation.results import (
    EventCount,
    EventCounts,
    Performance,
    Preselection,
    RegionEfficiencies,
    SkippedFile,
    Summary,
)
from calovision.metrics import Efficiency
from calovision.storage import ImageCollection, read_table, write_table

SIGNAL_REGION = "(n_fat_jets >= 4) & (mj_sum > 300)"
POINTS = (0.1, 0.01, 0.001)


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    """A quick combination: what it is good for is in test_baselines.py."""
    monkeypatch.setattr("calovision.evaluation.baselines.combination.MOST_TREES", 10)


@pytest.fixture
def collection(tmp_path):
    """Two files of background and one of signal; the weights of the two are normalized together."""
    flow = [("generated", 40, 30.0), ("three fat jets", 10, 12.0)]
    paths = write_two_samples(tmp_path, n_events=60)
    paths.append(
        write_image_file(tmp_path / "more.h5", 10, seed=9, cut_flow=flow, sum_of_weights=300.0)
    )
    return ImageCollection(paths)


@pytest.fixture
def four_and_four(collection):
    """Four signal events, then four of background with weights 1 to 4; the network orders s b s b s
    b s b."""
    return {
        "label": np.array([1, 1, 1, 1, 0, 0, 0, 0]),
        "weight": np.array([5.0, 5.0, 5.0, 5.0, 1.0, 2.0, 3.0, 4.0]),
        "signal_region": np.array([True, True, True, False, True, False, False, False]),
        "cnn": np.array([0.95, 0.8, 0.4, 0.2, 0.9, 0.5, 0.3, 0.1]),
        "n_fat_jets": np.array([5, 5, 4, 3, 5, 4, 3, 3]),
        "mj_sum": np.array([900.0, 800.0, 700.0, 600.0, 500.0, 400.0, 300.0, 200.0]),
        "cnn+jets": np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]),
    }


def test_split_indices(collection):
    split = np.array([0, 0, 0, 1, 2] * 26)
    assert split_indices(collection, "test").tolist() == np.flatnonzero(split == 2).tolist()
    assert (
        split_indices(collection, "validation", "test").tolist()
        == np.flatnonzero(split > 0).tolist()
    )
    assert split_indices(collection).tolist() == []


def test_summary_by_hand(collection, four_and_four):
    summary = summarize(collection, four_and_four, POINTS)
    assert summary.preselection == {
        "rpv": Preselection(100, 40, 0.4),
        "qcd": Preselection(140, 50, 52.0 / 130.0),
    }
    assert summary.test_events == EventCounts(EventCount(4, 4.0), EventCount(4, 100 / 30))
    region = summary.signal_region
    assert region.signal_efficiency.value == 0.75
    assert region.signal_efficiency.n_eff == 3.0
    # Wilson with z = 1 and three of four: (3/4 + 1/8 -+ sqrt(3/64 + 1/64)) / (5/4)
    assert region.signal_efficiency.low == pytest.approx((0.875 - 0.25) / 1.25)
    assert region.signal_efficiency.high == pytest.approx((0.875 + 0.25) / 1.25)
    assert region.background_efficiency.value == pytest.approx(0.1)
    assert region.background_efficiency.n_eff == pytest.approx(1.0)
    classifiers = summary.classifiers
    # steps of the ROC curve: 0.1 * 0.25 + 0.2 * 0.5 + 0.3 * 0.75 + 0.4 * 1
    assert classifiers["cnn"].auc == pytest.approx(0.75)
    assert classifiers["mj_sum"].auc == 1.0
    assert classifiers["cnn+jets"].auc == 0.0
    # trapezoids over the ties at 5, 4 and 3 jets
    jets_auc = 0.1 * 0.25 + 0.2 * 0.625 + 0.7 * 0.875
    assert classifiers["n_fat_jets"].auc == pytest.approx(jets_auc)
    values = {
        name: [
            numbers.signal_efficiency[point].value
            for point in ("0.1", "0.01", "0.001", "signal_region")
        ]
        for name, numbers in classifiers.items()
    }
    assert values["cnn"] == pytest.approx([0.5, 0.25, 0.25, 0.5])
    assert values["n_fat_jets"] == pytest.approx([0.5, 0.05, 0.005, 0.5])
    assert values["mj_sum"] == pytest.approx([1, 1, 1, 1])
    assert values["cnn+jets"] == pytest.approx([0, 0, 0, 0])


def test_efficiencies_are_within_their_intervals_and_the_summary_is_json(collection, four_and_four):
    """The keys are those of the examples (test_results.py)."""
    summary = summarize(collection, four_and_four, POINTS)
    assert summary.skipped_files == ()
    assert list(summary.preselection) == ["rpv", "qcd"]
    assert set(summary.classifiers) == {"cnn", "n_fat_jets", "mj_sum", "cnn+jets"}
    assert list(summary.classifiers) == list(CLASSIFIERS)
    for found in summary.classifiers.values():
        assert list(found.signal_efficiency) == ["0.1", "0.01", "0.001", "signal_region"]
        for value in found.signal_efficiency.values():
            assert 0 <= value.low <= value.value <= value.high <= 1
    text = json.dumps(summary.to_json(), allow_nan=False)
    assert Summary.from_json(json.loads(text)) == summary


def test_signal_region_without_background_uses_the_upper_end(collection, four_and_four):
    """None of four events of equal weight passes: Wilson's interval ends at 1 / (4 + 1)."""
    test = four_and_four | {"weight": np.ones(8), "signal_region": four_and_four["label"] == 1}
    summary = summarize(collection, test, POINTS)
    region = summary.signal_region
    assert region.signal_efficiency.value == 1.0
    assert region.background_efficiency == Efficiency(0.0, 0.0, pytest.approx(0.2), 0.0)
    at_region = summary.classifiers["n_fat_jets"].signal_efficiency["signal_region"]
    # one of the four has five jets, as have two of the four signal events
    assert at_region.value == pytest.approx(0.2 / 0.25 * 0.5)


def test_table_text(collection, four_and_four):
    summary = summarize(collection, four_and_four, POINTS)
    interval = Efficiency(0.5, 0.4321, 0.6, 12.34)
    background = Efficiency(2.2e-4, 1e-4, 3.4567e-4, 7.25)
    found = Performance(0.98765, {"0.1": interval, "signal_region": background})
    summary = replace(
        summary,
        signal_region=RegionEfficiencies(interval, background),
        classifiers=dict.fromkeys(summary.classifiers, found),
    )
    row = " | 0.9877 | 0.500 (0.432 to 0.600) | 2.20 (1.00 to 3.46) × 10⁻⁴ |"
    assert summary.to_markdown().splitlines() == [
        "| sample | generated | pass the preselection | efficiency |",
        "| --- | --- | --- | --- |",
        "| rpv | 100 | 40 | 0.4 |",
        "| qcd | 140 | 50 | 0.4 |",
        "",
        "Signal region, of the preselected test events: signal 0.500 (0.432 to 0.600), "
        "background 2.20 (1.00 to 3.46) × 10⁻⁴ (7.2 effective events).",
        "",
        "| classifier | AUC | signal at background 0.1 | signal at background signal region's |",
        "| --- | --- | --- | --- |",
        *(f"| {name}{row}" for name in ("cnn", "n_fat_jets", "mj_sum", "cnn+jets")),
    ]


def test_skipped_files_are_named(tmp_path, four_and_four):
    bad = [("lost.root", "lost.root is truncated")]
    paths = [
        write_image_file(tmp_path / "a.h5", 10, skipped_files=bad),
        write_image_file(tmp_path / "b.h5", 10, sample="rpv", label=1),
    ]
    summary = summarize(ImageCollection(paths), four_and_four, POINTS)
    assert summary.skipped_files == (SkippedFile("lost.root", "lost.root is truncated"),)
    lines = summary.to_markdown().splitlines()
    assert (
        lines[5]
        == "ROOT files that were skipped; the weights of the others are corrected for them:"
    )
    assert lines[7] == "- lost.root: lost.root is truncated"


def tabulate_both(collection, indices, scores, signal_region=SIGNAL_REGION, seed=1, others=None):
    """Tables of the validation and of the test events."""
    models = {"small": scores, **(others or {})}
    scored = ScoredEvents(indices, collection.column("split")[indices] == 2)
    return tabulate_events(
        collection, scored, models, luminosity_fb=36.1, signal_region=signal_region, seed=seed
    )


def tabulate(collection, indices, scores, *args, **options):
    """The table of the test events."""
    return tabulate_both(collection, indices, scores, *args, **options)[1]


def test_test_events_are_those_of_the_test_split(collection):
    indices = split_indices(collection, "validation", "test")
    scores = np.linspace(0.1, 0.9, len(indices))
    test = tabulate(collection, indices, scores)
    is_test = collection.column("split")[indices] == 2
    chosen = indices[is_test]
    assert len(chosen) == 26
    assert np.array_equal(test["cnn"], scores[is_test])
    for name in (
        "event_number",
        "label",
        "split",
        "n_fat_jets",
        "mj_sum",
        "delta_eta_12",
        "ht",
        "fat_jets",
    ):
        assert np.array_equal(test[name], collection.column(name)[chosen])
    assert np.array_equal(test["weight"], collection.event_weights(36.1)[chosen])
    assert np.array_equal(test["sample"], collection.sample_names()[chosen])
    assert test["signal_region"].dtype == bool
    assert np.array_equal(test["signal_region"], (test["n_fat_jets"] >= 4) & (test["mj_sum"] > 300))
    assert 0 < test["signal_region"].sum() < 26


def test_validation_events_are_those_of_the_validation_split(collection):
    """The same columns as those of the test events; every event is in one of the two tables."""
    indices = split_indices(collection, "validation", "test")
    scores = np.linspace(0.1, 0.9, len(indices))
    validation, test = tabulate_both(collection, indices, scores, others={"wide": 1 - scores})
    is_test = collection.column("split")[indices] == 2
    chosen = indices[~is_test]
    assert len(chosen) == 26
    assert set(validation) == set(test)
    assert np.array_equal(validation["cnn"], scores[~is_test])
    assert np.array_equal(validation["wide"], 1 - scores[~is_test])
    for name in ("event_number", "label", "split", "mj_sum", "fat_jets"):
        assert np.array_equal(validation[name], collection.column(name)[chosen])
    assert np.array_equal(validation["weight"], collection.event_weights(36.1)[chosen])
    assert np.array_equal(validation["sample"], collection.sample_names()[chosen])
    assert np.array_equal(
        validation["signal_region"], (validation["n_fat_jets"] >= 4) & (validation["mj_sum"] > 300)
    )
    assert np.isfinite(validation["cnn+jets"]).all()


def test_combination_is_fitted_on_the_validation_split(collection):
    indices = split_indices(collection, "validation", "test")
    scores = np.random.default_rng(1).uniform(0.1, 0.9, len(indices))
    validated, test = tabulate_both(collection, indices, scores, seed=4)
    validation = split_indices(collection, "validation")
    columns = {name: collection.column(name)[validation] for name in collection.files[0].events}
    estimator = fit_combination(
        scores[np.isin(indices, validation)],
        columns,
        columns["label"],
        collection.event_weights(36.1)[validation],
        seed=4,
    )
    for events in (validated, test):
        np.testing.assert_allclose(
            events["cnn+jets"], combined_score(estimator, events["cnn"], events), rtol=1e-9
        )
    assert len(np.unique(test["cnn+jets"])) > 5


def test_other_models_have_columns_and_rows_of_their_own(collection):
    """The first model is the CNN; another one changes nothing of it, and is compared like it."""
    indices = split_indices(collection, "validation", "test")
    scores = np.random.default_rng(2).uniform(0.1, 0.9, (2, len(indices)))
    alone, test = (
        tabulate(collection, indices, scores[0]),
        tabulate(collection, indices, scores[0], others={"wide": scores[1]}),
    )
    assert set(test) == {*alone, "wide"}
    np.testing.assert_allclose(test["cnn+jets"], alone["cnn+jets"], rtol=1e-9)
    for name in set(alone) - {"cnn+jets"}:
        assert np.array_equal(test[name], alone[name])
    assert np.array_equal(test["wide"], scores[1][collection.column("split")[indices] == 2])
    summary = summarize(collection, test, POINTS, models=["wide"])
    assert list(summary.classifiers) == [*CLASSIFIERS, "wide"]
    swapped = summarize(collection, test | {"cnn": test["wide"]}, POINTS)
    assert summary.classifiers["wide"] == swapped.classifiers["cnn"]
    assert summary.classifiers["cnn"] == summarize(collection, alone, POINTS).classifiers["cnn"]


@pytest.mark.parametrize(
    "name", ["cnn", "cnn+jets", "mj_sum", "ht", "weight", "sample", "signal_region", "fat_jets"]
)
def test_model_with_the_name_of_another_column(collection, name):
    indices = split_indices(collection, "validation", "test")
    scores = np.full(len(indices), 0.5)
    with pytest.raises(
        InputError, match=f"model '{re.escape(name)}': the table of test events has another column"
    ):
        tabulate(collection, indices, scores, others={name: scores})


def test_summary_of_a_collection_and_its_table_in_a_file(collection, tmp_path):
    """The table of test events survives its file, and gives the same summary."""
    indices = split_indices(collection, "validation", "test")
    test = tabulate(collection, indices, np.linspace(0.1, 0.9, len(indices)))
    write_table(tmp_path / "test.h5", test)
    stored = read_table(tmp_path / "test.h5")
    assert set(stored) == set(test)
    assert summarize(collection, stored, POINTS) == summarize(collection, test, POINTS)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("missing_et > 3", "cut 'signal_region' .* uses the unknown variable 'missing_et'"),
        ("n_fat_jets >", "cut 'signal_region'.* cannot be read"),
    ],
)
def test_signal_region_that_cannot_be_evaluated(collection, expression, message):
    indices = split_indices(collection, "validation", "test")
    with pytest.raises(InputError, match=message):
        tabulate(collection, indices, np.full(len(indices), 0.5), expression)


def test_validation_split_without_signal(collection):
    indices = split_indices(collection, "validation", "test")
    indices = indices[
        (collection.column("split")[indices] == 2) | (collection.column("label")[indices] == 0)
    ]
    with pytest.raises(InputError, match="no signal"):
        tabulate(collection, indices, np.full(len(indices), 0.5))


def test_test_split_without_background(collection):
    indices = split_indices(collection, "validation", "test")
    indices = indices[
        (collection.column("split")[indices] == 1) | (collection.column("label")[indices] == 1)
    ]
    test = tabulate(collection, indices, np.full(len(indices), 0.5))
    with pytest.raises(InputError, match="has no event"):
        summarize(collection, test, POINTS)


def test_towers_and_tracks_of_the_networks_are_in_no_table(tmp_path):
    """They are most of an event's bytes, and no cut, classifier or plot looks at them."""
    columns = {"leading_towers": np.zeros((60, 3, 4), dtype=np.float32)}
    paths = [
        write_image_file(
            tmp_path / f"{label}.h5",
            60,
            seed=label,
            sample=f"s{label}",
            label=label,
            columns=columns,
        )
        for label in (0, 1)
    ]
    collection = ImageCollection(paths)
    indices = split_indices(collection, "validation", "test")
    for table in tabulate_both(collection, indices, np.linspace(0, 1, len(indices))):
        assert "leading_towers" not in table
        assert table["fat_jets"].shape == (len(table["label"]), 5, 4)
