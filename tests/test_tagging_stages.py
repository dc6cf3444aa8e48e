"""Stages of taggers on image files of jets and events: scores of networks and trees, numbers,
inputs of the figures, and what they refuse."""

import json
from dataclasses import replace

import numpy as np
import pytest
from fakes import make_images, write_image_file
from scipy.special import log_softmax, logit

from calovision.core.errors import InputError
from calovision.core.splits import Folds
from calovision.evaluation import scored_events
from calovision.evaluation.results import TaggingSummary
from calovision.evaluation.tagging import boosting
from calovision.images.grid import JetGrid
from calovision.metrics import macro_auc
from calovision.report.answer import answer
from calovision.report.figures import FIGURES
from calovision.stages import tagging as stage
from calovision.stages.figures import tagging as figures
from calovision.storage import ImageCollection, read_table, write_scores
from calovision.training.epoch_numbers import history_columns

CLASSES = ("quark", "w", "top")
N = 300
SECTION = {
    "discriminants": {"top_vs_qw": {"signal": "top", "background": ["quark", "w"]}},
    "signal_efficiencies": [0.3, 0.5, 0.7],
    "bins": {},
    "boosting": True,
}
LOSS = {"weights": "balanced"}
FOLDS = {"number": 2, "seed": 1, "validation_share": 0.25}


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    monkeypatch.setattr(boosting, "CHOICES", {"learning_rate": (0.2,), "max_leaf_nodes": (6,)})
    monkeypatch.setattr(boosting, "MOST_TREES", 25)


def write_jets(folder, classes=CLASSES, *, kind="jet", **metadata):
    """Files of one class each, whose mass and tau21 tell them apart."""
    paths = []
    for label, name in enumerate(classes):
        rng = np.random.default_rng(label)
        columns = {
            "event_number": np.arange(N) // 2,
            "split": np.array([0, 0, 0, 1, 2], dtype=np.uint8)[np.arange(N) // 2 % 5],
            "mj_sum": 60.0 * (1 + label) + rng.normal(0, 25, N),
        }
        if kind == "jet":
            columns |= {
                "jet_index": np.arange(N) % 2,
                "pt": rng.uniform(500, 600, N),
                "eta": rng.uniform(-2, 2, N),
                "phi": rng.uniform(-3, 3, N),
                "mass": columns["mj_sum"],
                "tau21": rng.uniform(0, 1 / (1 + label), N),
            }
            metadata = {"grid": JetGrid(8, 8, 1.6), "kind": "jet"} | metadata
        of_classes = {"classes": classes} if len(classes) > 2 else {}
        paths.append(
            write_image_file(
                folder / f"{name}.h5",
                images=make_images(N, seed=label),
                columns=columns,
                sample=name,
                label=label,
                **of_classes,
                **metadata,
            )
        )
    listed = folder / "images.tsv"
    listed.write_text("".join(f"{path}\n" for path in paths))
    return listed, ImageCollection(paths)


def write_network(folder, collection, *, folds=None):
    """Scores that know the mass, the description of the model and its history."""
    files = {"scores": [], "models": [], "histories": []}
    for fold in range(1 if folds is None else folds.number):
        scored = scored_events(collection, folds)
        chosen = scored.members()[fold]
        indices = scored.indices[chosen]
        mass = collection.column("mj_sum")[indices]
        means = 60.0 * (1 + np.arange(len(collection.samples)))
        found = log_softmax(-((mass[:, None] - means) ** 2) / (2 * 25**2), axis=1)
        further = {}
        if folds is not None:
            split = np.where(scored.is_test[chosen], 2, 1).astype(np.uint8)
            further = {"folds": np.full(len(indices), fold), "split": split}
        own = folder / f"net{fold}"
        own.mkdir()
        write_scores(
            own / "scores.h5",
            collection,
            indices,
            found[:, 1] - found[:, 0] if found.shape[1] == 2 else found,
            classes=collection.classes,
            **further,
        )
        description = {"training": {"n_training": 9}, "specification": {"network": "jet_cnn"}}
        (own / "model.json").write_text(json.dumps(description))
        names = history_columns(collection.classes)
        rows = [",".join(names), ",".join("1" for _ in names)]
        (own / "history.csv").write_text("\n".join(rows) + "\n")
        for key, name in zip(files, ("scores.h5", "model.json", "history.csv"), strict=True):
            files[key].append(own / name)
    return {key: tuple(paths) for key, paths in files.items()}


def evaluate(folder, listed, collection, *, folds=None, section=SECTION, binned=("pt", "mass")):
    """Run both stages; returns the paths of their results."""
    fitted = stage.TaggerBaselineResults(folder / "trees.h5", folder / "trees.json")
    options = stage.TaggerBaselineOptions(LOSS, 1.0, 1, folds)
    stage.fit_tagger_baselines(listed, fitted, options)
    network = write_network(folder, collection, folds=None if folds is None else Folds(**folds))
    files = stage.TaggerFiles(listed, (fitted.scores,), **network)
    names = stage.TaggerResults.__dataclass_fields__
    results = stage.TaggerResults(**{name: folder / name for name in names})
    options = stage.TaggerOptions(section, binned, {"cnn": [1]}, 1, folds)
    stage.evaluate_taggers(files, results, options)
    return results


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("taggers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boosting, "CHOICES", {"learning_rate": (0.2,), "max_leaf_nodes": (6,)})
        patch.setattr(boosting, "MOST_TREES", 25)
        return evaluate(folder, *write_jets(folder))


def test_numbers_are_those_of_the_scores_in_the_table(run):
    summary = TaggingSummary.read(run.summary)
    rows = read_table(run.test_rows)
    assert len(rows["label"]) == 3 * N / 5
    assert rows["cnn"].shape == rows["boosting"].shape == (3 * N / 5, 3)
    for name in ("cnn", "boosting"):
        expected = macro_auc(rows[name], rows["label"], rows["weight"])
        assert summary.taggers[name].macro_auc.value == pytest.approx(expected, rel=1e-12)
    text = answer({"tagging": summary.to_json()})
    first = summary.taggers["cnn"]
    assert text.startswith("**cnn tells the 3 classes apart with a macro AUC of ")
    assert f"{first.macro_auc.value:.3f} ({first.macro_auc.low:.3f} to" in text
    assert f"mean accuracy of {first.accuracy.value:.3f} (" in text
    models = json.loads(run.models.read_text())["models"]
    expected = summary.taggers["cnn"].macro_auc.value
    assert models["cnn"]["ensemble"]["macro_auc"] == pytest.approx(expected, rel=1e-12)
    assert summary.reference == "boosting"
    assert list(summary.variables["top_vs_qw"]) == ["pt", "mass", "tau21"]
    counted = json.loads(run.rows.read_text())["samples"]["top"]["rows"]["top"]
    assert counted == {"train": 3 * N / 5, "validation": N / 5, "test": N / 5}
    bins = json.loads(run.bins.read_text())["variables"]
    assert list(bins) == ["pt", "mass"]
    diagnostics = json.loads(run.diagnostics.read_text())
    assert list(diagnostics["calibration"]["boosting"]) == list(CLASSES)
    assert "top_vs_qw" in diagnostics["mass_sculpting"]


def test_figures_show_the_numbers(run):
    files = figures.TaggerPlotFiles(run.test_rows, run.summary, run.bins, run.diagnostics)
    colors = {"quark": None, "w": "#ffa90e", "top": None}
    titles = {"quark": "Quark", "w": "$W$", "top": "Top"}
    options = figures.TaggerPlotOptions(titles, colors, "cnn", {"tau21": r"$\tau_{21}$"})
    inputs = figures.TaggerInputs.read(files, options)
    assert list(inputs.colors.values()) == ["#3f90da", "#ffa90e", "#bd1f01"]
    drawn = {
        one.name: one.draw_from(inputs) for one in FIGURES.values() if one.rule == "plot_taggers"
    }
    assert len(drawn) == 11
    panels = [axes.get_title() for axes in drawn["tagger_roc"].axes]
    assert panels == [
        *("Top against Quark, $W$", "Quark against the rest"),
        *("$W$ against the rest", "Top against the rest"),
    ]
    curve = inputs.curves["top_vs_rest"]["cnn"]
    line = drawn["tagger_roc"].axes[3].lines[0]
    shown = curve.background_efficiency > 0
    assert line.get_xdata() == pytest.approx(curve.signal_efficiency[shown])
    assert line.get_ydata() == pytest.approx(1 / curve.background_efficiency[shown])
    texts = [text.get_text() for text in drawn["confusion"].axes[0].texts]
    shares = inputs.confusion["cnn"].of_truth
    expected = [shares[true][other] for true in CLASSES for other in CLASSES]
    assert [float(text) for text in texts] == pytest.approx(expected, abs=0.006)
    titles = [axes.get_xlabel() for axes in drawn["class_variables"].axes]
    assert titles == ["pt", "mass", r"$\tau_{21}$"]
    without = replace(inputs, values={}, sculpting={})  # the same value in all rows
    for name, words in (("class_variables", "No variable"), ("background_mass", "no mass")):
        figure = FIGURES[name].draw_from(without)
        assert words in figure.texts[0].get_text()
        assert figure.axes == []


def test_two_classes_of_jets_without_names(tmp_path):
    listed, collection = write_jets(tmp_path, ("qcd", "top"))
    section = SECTION | {"discriminants": {}, "bins": {"pt": [500, 550, 600]}}
    section |= {"signal_efficiencies": [0.9]}
    results = evaluate(tmp_path, listed, collection, section=section)
    summary = TaggingSummary.read(results.summary)
    assert list(summary.classes) == ["background", "signal"]
    assert list(summary.discriminants) == ["signal_vs_background"]
    assert all(one.macro_auc.value > 0.8 for one in summary.taggers.values())
    rows = read_table(results.test_rows)
    mass = collection.column("mass")[collection.column("split") == 2]
    expected = log_softmax(-((mass[:, None] - [60, 120]) ** 2) / (2 * 25**2), axis=1)
    assert rows["cnn"] == pytest.approx(expected)
    assert logit(np.exp(rows["boosting"][:, 1])).std() > 0.5
    bins = json.loads(results.bins.read_text())["variables"]
    assert bins["pt"]["edges"] == [500, 550, 600]
    assert bins["pt"]["signal_efficiency"] == 0.9


def test_folds_score_each_row_by_networks_and_trees_of_other_rows(tmp_path):
    listed, collection = write_jets(tmp_path)
    results = evaluate(tmp_path, listed, collection, folds=FOLDS)
    summary = TaggingSummary.read(results.summary)
    assert summary.n_folds == 2
    rows = read_table(results.test_rows)
    assert len(rows["label"]) == 3 * N
    keys = np.stack([rows["label"], rows["event_number"], rows["jet_index"]])
    assert len(np.unique(keys, axis=1).T) == 3 * N
    events = {tuple(pair) for pair in np.stack([rows["label"], rows["event_number"]]).T.tolist()}
    of_folds = {
        (*event, fold) for *event, fold in zip(*keys[:2].tolist(), rows["fold"], strict=True)
    }
    assert len(of_folds) == len(events)  # jets of an event are in one fold
    chosen = json.loads((tmp_path / "trees.json").read_text())["chosen"]
    assert chosen["n_trees"] == [25, 25]
    assert "all folds" in results.rows_table.read_text()


def test_events_of_three_classes_have_no_cuts_on_the_mass_of_jets(tmp_path):
    listed, collection = write_jets(tmp_path, kind="event")
    results = evaluate(tmp_path, listed, collection, binned=("ht", "mj_sum"))
    summary = TaggingSummary.read(results.summary)
    assert summary.cuts == {}
    assert "mj_sum" in summary.variables["top_vs_rest"]
    bins = json.loads(results.bins.read_text())["variables"]
    assert list(bins) == ["ht", "mj_sum"]
    assert json.loads(results.diagnostics.read_text())["mass_sculpting"]


def test_class_without_rows_in_a_split_is_named(tmp_path):
    listed, collection = write_jets(tmp_path)
    top = {"split": np.zeros(N, dtype=np.uint8)}
    write_image_file(
        tmp_path / "top.h5",
        images=make_images(N),
        columns={name: values[:N] for name, values in _columns(collection).items()} | top,
        sample="top",
        label=2,
        classes=CLASSES,
        grid=JetGrid(8, 8, 1.6),
        kind="jet",
    )
    fitted = stage.TaggerBaselineResults(tmp_path / "trees.h5", tmp_path / "trees.json")
    options = stage.TaggerBaselineOptions(LOSS, 1.0, 1)
    with pytest.raises(InputError, match="class 'top' has no row in the validation split"):
        stage.fit_tagger_baselines(listed, fitted, options)
    assert not fitted.scores.exists()


def _columns(collection):
    names = ("event_number", "mj_sum", "jet_index", "pt", "eta", "phi", "mass", "tau21")
    return {name: collection.column(name) for name in names}


def test_unknown_variable_of_bins_is_named(tmp_path):
    listed, collection = write_jets(tmp_path)
    section = SECTION | {"bins": {"tau12": [0, 1]}}
    with pytest.raises(InputError, match=r"tagging.bins.tau12.*did you mean 'tau21'"):
        evaluate(tmp_path, listed, collection, section=section)


def test_images_of_classes_are_their_means_and_first_rows(tmp_path, monkeypatch):
    listed, collection = write_jets(tmp_path)
    found = []
    monkeypatch.setattr(figures, "draw_figures", lambda rule, output, inputs: found.append(inputs))
    titles = {"quark": "Quark", "w": "$W$", "top": "Top"}
    figures.plot_class_images(listed, {}, titles, n_shown=2)
    (inputs,) = found
    members = np.flatnonzero(collection.column("label") == 1)
    images = collection.dense(members)
    assert inputs.mean_images["$W$"] == pytest.approx(images.mean(axis=0), rel=1e-6)
    assert inputs.single_images["$W$"] == pytest.approx(images[:2, 0])
    assert inputs.axes_titles[0] == r"$\Delta\eta$"
    drawn = [one.draw_from(inputs) for one in FIGURES.values() if one.rule == "plot_class_images"]
    assert [axes.get_title() for axes in drawn[0].axes[:3]] == ["Quark", "$W$", "Top"]


def test_trees_have_the_weights_of_the_loss_of_the_networks(tmp_path, monkeypatch):
    listed, collection = write_jets(tmp_path)
    found = []

    def fit(training, labels, weights, *others, seed):
        found.append((labels, weights))
        raise InputError("enough")

    monkeypatch.setattr(boosting, "fit_boosting", fit)
    fitted = stage.TaggerBaselineResults(tmp_path / "trees.h5", tmp_path / "trees.json")
    loss = {"weights": "balanced", "class_weights": {"w": 2.0}, "flat_in": ("pt",), "flat_bins": 4}
    with pytest.raises(InputError, match="enough"):
        stage.fit_tagger_baselines(listed, fitted, stage.TaggerBaselineOptions(loss, 1.0, 1))
    ((labels, weights),) = found
    sums = np.bincount(labels, weights=weights)
    assert sums[1] == pytest.approx(2 * sums[0])
    pt = collection.column("pt")[collection.column("split") == 0]
    edges = np.quantile(pt, [0.25, 0.5, 0.75])
    of_bins = [
        np.bincount(np.digitize(pt[labels == k], edges), weights[labels == k]) for k in (0, 2)
    ]
    assert of_bins[0] == pytest.approx(of_bins[1], rel=0.06)
