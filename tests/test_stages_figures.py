"""Stages of the figures on fake files: inputs that they choose and compute for the figures."""

import json

import numpy as np
import pytest
from conftest import REPOSITORY
from fakes import make_columns, make_images, write_image_file, write_two_samples
from scipy.special import logit

from calovision.evaluation import CLASSIFIERS, bootstrap_roc, diagnose, ensemble_scores
from calovision.metrics import roc
from calovision.plotting import SIGNAL_GRID
from calovision.stages import report
from calovision.stages.figures import (
    attributions,
    drawing,
    events,
    images,
    models,
    performance,
    search,
)
from calovision.storage import ImageCollection, write_file_list, write_score_table

RESULTS = REPOSITORY / "tests/data/results"
TITLES = {"rpv": "RPV gluinos", "qcd": "QCD multijets"}
CLASS_NAMES = {1: "Signal", 0: "Background"}


@pytest.fixture
def collection(tmp_path):
    """60 events of each class, of which 12 test; the list of their files is images.tsv."""
    paths = write_two_samples(tmp_path)
    write_file_list(tmp_path / "images.tsv", paths)
    return ImageCollection(paths)


@pytest.fixture
def drawn(monkeypatch):
    """Figures that the stages draw: the rule, its output, its inputs and single events."""
    calls = []

    def draw_figures(rule, output, inputs=None, *, events=None):
        calls.append((rule, output, inputs, events))

    for stage in (performance, models, images, attributions, search):
        monkeypatch.setattr(stage, "draw_figures", draw_figures)
    return calls


@pytest.fixture(scope="module")
def table():
    """Test events with scores of all classifiers, logits."""
    rng = np.random.default_rng(3)
    labels = np.repeat([1, 0], [150, 250])
    names = (*CLASSIFIERS, "mlp", "referee")
    columns = {name: rng.normal(size=400) + 2 * labels for name in names}
    fat_jets = np.zeros((400, 5, 4))
    fat_jets[:, :3] = rng.uniform(0.1, 1, (400, 3, 4)) * [800, 1, 3, 150]
    return columns | {
        "label": labels,
        "weight": rng.exponential(size=400),
        "n_fat_jets": rng.integers(3, 6, 400),
        "mj_sum": fat_jets[:, :, 3].sum(axis=1),
        "ht": fat_jets[:, :, 0].sum(axis=1),
        "delta_eta_12": np.abs(fat_jets[:, 0, 1] - fat_jets[:, 1, 1]),
        "fat_jets": fat_jets,
    }


def write_tables(folder, table, n_networks=2):
    """Tables of test events and of scores of the networks of two models."""
    rng = np.random.default_rng(5)
    shift = 2.0 * table["label"][:, None]
    networks = {
        "cnn": rng.normal(size=(400, n_networks)) + shift,
        "one": rng.normal(size=(400, 1)) + shift,
    }
    write_score_table(folder / "test_events.h5", table)
    write_score_table(folder / "network_scores.h5", networks)
    return networks


def curve(one):
    return one.thresholds, one.signal_efficiency, one.background_efficiency


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(curve(one), curve(other), strict=True))


def test_curves_and_efficiencies_of_the_performance(tmp_path, table, drawn):
    networks = write_tables(tmp_path, table)
    summary = json.loads((RESULTS / "summary.json").read_text())
    files = performance.PerformanceFiles(
        tmp_path / "test_events.h5", tmp_path / "network_scores.h5", RESULTS / "summary.json"
    )
    options = performance.PerformanceOptions(CLASS_NAMES, "cnn")
    counted = []
    performance.plot_performance(files, {}, options, count=counted.append)
    ((rule, _, inputs, _),) = drawn
    assert (rule, counted) == ("plot_performance", [400])
    assert list(inputs.curves) == [*CLASSIFIERS, "referee"]
    expected = roc(table["cnn"], table["label"], table["weight"])
    assert same(inputs.curves["cnn"], expected)
    band = bootstrap_roc(networks["cnn"], table["label"], table["weight"], SIGNAL_GRID)
    assert all(
        np.array_equal(a, b, equal_nan=True)
        for a, b in zip(inputs.bootstrap["cnn"], band, strict=True)
    )
    assert inputs.signal_region[0].value == 1.0
    assert inputs.signal_region[1].high == summary["region_point"]["background_efficiency"]
    assert {name: list(found) for name, found in inputs.efficiencies.items()} == {
        name: list(summary["classifiers"][name]["signal_efficiency"]) for name in CLASSIFIERS
    }
    assert np.array_equal(inputs.scores, table["cnn"])
    assert np.array_equal(inputs.events["ht"], table["ht"])


def test_diagnostics_are_written_and_drawn(tmp_path, table, drawn):
    write_tables(tmp_path, table)
    output = {"numbers": tmp_path / "diagnostics.json"}
    performance.plot_diagnostics(tmp_path / "test_events.h5", output, ["cnn", "mlp"])
    expected = diagnose(table, ["cnn", "mlp"])
    assert json.loads(output["numbers"].read_text()) == json.loads(json.dumps(expected.to_json()))
    ((rule, _, inputs, _),) = drawn
    assert rule == "plot_diagnostics"
    assert list(inputs.calibration) == ["cnn", "mlp"]
    assert inputs.mass_sculpting == expected.mass_sculpting
    assert inputs.correlations == expected.correlations


def test_networks_and_ensembles_of_the_models(tmp_path, table, drawn):
    networks = write_tables(tmp_path, table)
    files = models.ModelsFiles(
        RESULTS / "models.json", tmp_path / "test_events.h5", tmp_path / "network_scores.h5"
    )
    models.plot_models(files, {})
    ((_, _, inputs, _),) = drawn
    numbers = json.loads((RESULTS / "models.json").read_text())
    for weighting, weights in (("weighted", table["weight"]), ("unweighted", np.ones(400))):
        found = getattr(inputs, weighting)
        assert found.networks["cnn"].shape == (3, len(inputs.points))
        for row, seed in enumerate(numbers["cnn"]["seeds"].values()):
            values = [seed[weighting]["signal_efficiency"][point] for point in inputs.points]
            assert list(found.networks["cnn"][row]) == [one["value"] for one in values]
        ensemble = numbers["one"]["ensemble"][weighting]["signal_efficiency"]
        assert [one.low for one in found.ensembles["one"]] == [
            one["low"] for one in ensemble.values()
        ]
        classes = (table["label"], weights)
        assert len(found.network_curves["cnn"]) == 2
        assert same(found.network_curves["cnn"][1], roc(networks["cnn"][:, 1], *classes))
        assert same(found.ensemble_curves["cnn"], roc(ensemble_scores(networks["cnn"]), *classes))


def test_histories_of_the_networks_in_the_order_of_the_files(tmp_path, drawn):
    files = []
    for number in range(3):
        files.append(tmp_path / f"{number}.csv")
        files[-1].write_text(f"epoch,train_loss\n0,{number}.5\n")
    networks = {"resnet": [4, 5], "jet_cnn": [4]}
    titles = {"q": "Quark", "g": "Gluon"}
    options = models.TrainingOptions(networks, titles, {"q": None, "g": "#3f90da"})
    models.plot_training(files, {}, options)
    ((_, _, inputs, _),) = drawn
    assert inputs.titles == titles
    assert inputs.colors == {"q": "#ffa90e", "g": "#3f90da"}  # the next that none has taken
    losses = {
        model: {seed: list(one["train_loss"]) for seed, one in seeds.items()}
        for model, seeds in inputs.histories.items()
    }
    assert losses == {"resnet": {4: [0.5], 5: [1.5]}, "jet_cnn": {4: [2.5]}}


def test_mean_images_and_first_events_of_each_class(tmp_path, collection, drawn):
    options = images.ImagesOptions(CLASS_NAMES, TITLES, luminosity_fb=10.0, n_displays=2)
    counted = []
    images.plot_images(tmp_path / "images.tsv", {}, options, count=counted.append)
    ((rule, _, inputs, shown),) = drawn
    assert (rule, counted) == ("plot_images", [120])
    dense = collection.dense(range(120)).astype(np.float64)
    for name, members in (("Signal", slice(60)), ("Background", slice(60, 120))):
        weights = collection.event_weights(10.0)[members]
        expected = np.average(dense[members], axis=0, weights=weights)
        assert inputs.mean_images[name] == pytest.approx(expected, rel=1e-5)
    assert inputs.channels[1] == "number of tracks"
    assert [one.title for one in shown["event_display_signal"]] == [
        "RPV gluinos, event 0",
        "RPV gluinos, event 1",
    ]
    background = shown["event_display_background"][1]
    assert background.title == "QCD multijets, event 1"
    assert np.array_equal(background.image, dense[61].astype(np.float32))
    assert np.array_equal(background.fat_jets, collection.column("fat_jets")[61])


def test_displays_begin_again_where_there_are_too_few_events(tmp_path, collection, drawn):
    options = images.ImagesOptions(CLASS_NAMES, TITLES, luminosity_fb=10.0, n_displays=62)
    images.plot_images(tmp_path / "images.tsv", {}, options)
    titles = [one.title for one in drawn[0][3]["event_display_signal"]]
    assert titles[60:] == ["RPV gluinos, event 0", "RPV gluinos, event 1"]


def test_rows_of_the_smallest_keys_in_their_order():
    keys = np.array([3.0, 1.0, -5.0, 1.0, 0.0])
    members = np.array([True, True, False, True, True])
    assert list(images.extreme_rows(members, keys, 3)) == [4, 1, 3]
    assert list(images.extreme_rows(members, keys, 6)) == [4, 1, 3, 0, 4, 1]
    assert list(images.extreme_rows(members, -keys, 2)) == [0, 1]


def test_events_that_the_network_is_most_wrong_about(tmp_path, collection, drawn):
    """The table has its rows in another order than the files, and fat jets of its own."""
    rows = np.array([110, 3, 57, 65, 61])
    outputs = np.array([0.25, 0.5, 0.125, 0.75, 0.9])
    fat_jets = collection.column("fat_jets")[rows]
    test = {
        "label": collection.column("label")[rows],
        "sample": collection.sample_names()[rows],
        "event_number": collection.column("event_number")[rows],
        "cnn": logit(outputs),
        "fat_jets": fat_jets,
    }
    write_score_table(tmp_path / "test_events.h5", test)
    files = images.ExtremesFiles(tmp_path / "images.tsv", tmp_path / "test_events.h5")
    images.plot_extreme_events(files, {}, images.ExtremesOptions(TITLES, 2))
    ((rule, _, inputs, shown),) = drawn
    assert (rule, inputs) == ("plot_extreme_events", None)
    assert {name: [one.title for one in found] for name, found in shown.items()} == {
        "signal_like_background": [
            "QCD multijets, event 1: output 0.9",
            "QCD multijets, event 5: output 0.75",
        ],
        "background_like_signal": [
            "RPV gluinos, event 57: output 0.125",
            "RPV gluinos, event 3: output 0.5",
        ],
    }
    first = shown["signal_like_background"][0]
    assert np.array_equal(first.image, collection.dense([61])[0])
    assert np.array_equal(first.fat_jets, fat_jets[4])
    assert first.radius == collection.metadata.fat_jet_radius


def test_events_with_one_number_are_told_apart(tmp_path, drawn):
    """Each of three files of the sample has events 0 to 9."""
    paths = [
        write_image_file(
            tmp_path / f"{name}{k}.h5",
            sample=name,
            label=label,
            images=make_images(10, seed=10 * label + k),
            columns=make_columns(10, label=label),
            source_files=[(f"{name}{k}.root", "")],
        )
        for label, name in enumerate(("qcd", "rpv"))
        for k in range(3)
    ]
    write_file_list(tmp_path / "images.tsv", paths)
    collection = ImageCollection(paths)
    rows = np.flatnonzero(np.isin(collection.column("event_number"), (2, 7)))
    test = {
        "label": collection.column("label")[rows],
        "sample": collection.sample_names()[rows],
        "event_number": collection.column("event_number")[rows],
        "cnn": np.linspace(-1.0, 1.0, len(rows)),
        "fat_jets": collection.column("fat_jets")[rows],
    }
    write_score_table(tmp_path / "test_events.h5", test)
    files = images.ExtremesFiles(tmp_path / "images.tsv", tmp_path / "test_events.h5")
    images.plot_extreme_events(files, {}, images.ExtremesOptions(TITLES, 3))
    ((_, _, _, shown),) = drawn
    found = [one.image for one in shown["signal_like_background"]]
    assert np.array_equal(found, collection.dense([27, 22, 17]))


def test_cut_flows_of_the_samples(tmp_path, collection, drawn):
    images.plot_cut_flow(tmp_path / "images.tsv", {}, TITLES)
    ((_, _, inputs, _),) = drawn
    assert list(inputs.cut_flows) == ["rpv", "qcd"]
    assert inputs.cut_flows["qcd"] == collection.cut_flow("qcd")
    assert inputs.titles == TITLES


def test_attributions_are_those_of_random_test_events(collection):
    options = attributions.AttributionsOptions(CLASS_NAMES, 5, luminosity_fb=10.0, seed=1)
    chosen = attributions.choose_events(collection, options)
    assert list(chosen) == ["Signal", "Background"]
    for label, found in zip((1, 0), chosen.values(), strict=True):
        assert len(set(found)) == 5
        assert set(collection.column("label")[found]) == {label}
        assert set(collection.column("split")[found]) == {2}
    again = attributions.choose_events(collection, options)
    assert all(np.array_equal(again[name], chosen[name]) for name in chosen)
    every = attributions.AttributionsOptions(CLASS_NAMES, 500, luminosity_fb=10.0, seed=2)
    found = attributions.choose_events(collection, every)["Signal"]
    assert sorted(found) == list(range(4, 60, 5))


def test_robustness_goes_by_classifier(drawn):
    search.plot_robustness(RESULTS / "robustness.json", {})
    ((_, _, inputs, _),) = drawn
    numbers = json.loads((RESULTS / "robustness.json").read_text())["variations"]
    assert list(inputs.signal) == ["signal_region", "cnn", "other"]
    assert list(inputs.background["cnn"]) == list(numbers)
    shifted = numbers["shifted"]["cnn"]
    assert inputs.signal["cnn"]["shifted"].value == shifted["signal"]["value"]
    assert inputs.background["cnn"]["shifted"].low == shifted["background"]["low"]


def test_reach_with_and_without_other_masses(tmp_path, drawn):
    numbers = json.loads((RESULTS / "reach.json").read_text())
    search.plot_reach(RESULTS / "reach.json", {})
    del numbers["against_mass"]
    (tmp_path / "reach.json").write_text(json.dumps(numbers))
    search.plot_reach(tmp_path / "reach.json", {})
    (_, _, with_masses, _), (_, _, without, _) = drawn
    assert without.reach.to_json() == numbers
    assert without.limits_against_mass is None
    assert with_masses.limits_against_mass is with_masses.reach.against_mass
    assert with_masses.classifiers == ("cnn",)


def test_only_figures_among_the_outputs_are_drawn(tmp_path):
    names = ("image", "eta_edges", "channels", "fat_jets", "radius", "title")
    image = np.ones((1, 4, 4))
    values = (image, np.linspace(-1, 1, 5), ["Tracks"], None, None, "One")
    event = events.EventInputs(**dict(zip(names, values, strict=True)))
    output = {"event_display_signal_2": tmp_path / "event_display_signal_2.png", "numbers": ""}
    of_kinds = {"event_display_signal": [event, event], "event_display_background": [event]}
    drawing.draw_figures("plot_images", output, events=of_kinds)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "event_display_signal_2.pdf",
        "event_display_signal_2.png",
    ]


def test_submission_has_a_table_of_each_classifier(tmp_path, table):
    names = json.loads((RESULTS / "summary.json").read_text())["classifiers"]
    scores = {name: table.get(name, table["cnn"]) for name in names}
    write_score_table(tmp_path / "test_events.h5", table | scores)
    files = report.SubmissionFiles(
        tmp_path / "test_events.h5", RESULTS / "summary.json", RESULTS / "reach.json"
    )
    counted = []
    report.write_hepdata(files, tmp_path / "hepdata", "Abstract.", count=counted.append)
    assert counted == [400]
    tables = {path.stem for path in (tmp_path / "hepdata").glob("roc_of_*.yaml")}
    assert len(tables) == len(names)
    assert "comment: Abstract." in (tmp_path / "hepdata/submission.yaml").read_text()
