"""Predictions of a target compared: bias and resolution against closed forms, opponents against
scikit-learn and least squares, the stage on image files, its figures, and the configuration."""

import json

import numpy as np
import pytest
from dry_runs import samples
from fakes import make_images, write_image_file

from calovision.core.errors import InputError
from calovision.core.splits import Folds
from calovision.evaluation import scored_events
from calovision.evaluation.regression import (
    RegressionRows,
    compare_regressors,
    fit_opponents,
    fit_resolution,
    opponents,
)
from calovision.evaluation.regression.comparison import bin_of, equal_edges
from calovision.evaluation.results.regression import Regression
from calovision.report.answer import answer
from calovision.report.figures import FIGURES
from calovision.report.numbers import numbers_csv
from calovision.stages import regression as stage
from calovision.stages.figures import regression as figures
from calovision.storage import ImageCollection, read_table
from calovision.storage.predictions import write_predictions
from calovision.training.epoch_numbers import target_columns
from calovision.workflow import Configuration, parameters, report_content
from calovision.workflow.analysis import Analysis

SECTION = {"residual": "relative", "n_bins": 3, "edges": [], "fit": True, "boosting": True}
FOLDS = {"number": 2, "seed": 1, "validation_share": 0.25}
N = 300


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    monkeypatch.setattr(opponents, "CHOICES", {"learning_rate": (0.2,), "max_leaf_nodes": (6,)})
    monkeypatch.setattr(opponents, "MOST_TREES", 25)


def rows_of(n, *, seed=1):
    rng = np.random.default_rng(seed)
    return RegressionRows(rng.uniform(10, 100, n), np.ones(n), np.arange(n)), rng


def test_gaussian_residuals_have_the_numbers_of_the_closed_form():
    """Two networks of width 0.2 that share no fluctuation: their mean has 0.2 / sqrt 2."""
    rows, rng = rows_of(4000)
    noise = rng.normal(0.05, 0.2, (4000, 2))
    predictions = {"cnn": rows.truth[:, None] * (1 + noise)}
    predictions |= {
        name: rows.truth * (1 + factor * noise[:, 0]) for name, factor in (("sum", 1), ("twice", 2))
    }
    edges = np.array([10.0, 40.0, 100.0])
    found = compare_regressors(
        rows, predictions, edges, seeds={"cnn": [4, 7]}, references=["sum"], n_replicas=40
    )
    cnn, total = found["cnn"], found["sum"]
    assert (cnn.n_networks, total.n_networks) == (2, 0)
    for one, width in ((cnn, 0.2 / np.sqrt(2)), (total, 0.2)):
        numbers = one.overall
        error = width / np.sqrt(4000)
        assert numbers.bias_mean.value == pytest.approx(0.05, abs=4 * error)
        assert numbers.bias_median.value == pytest.approx(0.05, abs=5 * error)
        assert numbers.resolution.value == pytest.approx(width, rel=0.05)
        assert numbers.rms.value == pytest.approx(width, rel=0.05)
        of_mean = (numbers.bias_mean.high - numbers.bias_mean.low) / 2
        assert of_mean == pytest.approx(error, rel=0.35)
        assert [b.n_rows for b in one.truth_bins] == [
            np.count_nonzero(rows.truth < 40),
            np.count_nonzero(rows.truth >= 40),
        ]
        for one_bin in one.truth_bins:
            assert one_bin.residuals.resolution.value == pytest.approx(width, rel=0.12)
    assert list(cnn.seeds) == ["4", "7"]
    assert cnn.seeds["4"].rms == pytest.approx(total.overall.rms.value)
    assert cnn.over["sum"].value == pytest.approx(np.sqrt(0.5), rel=0.05)
    # paired: of residuals that are twice as large the ratio is 2 in every replica
    assert vars(found["twice"].over["sum"]) == pytest.approx({"value": 2, "low": 2, "high": 2})
    assert total.over == {}
    assert cnn.closure.in_truth == pytest.approx(0.05, abs=0.02)


def test_bins_of_few_rows_say_so_and_edges_take_their_values():
    assert bin_of(np.array([0.0, 1, 2, 3, 4, -1]), np.array([1.0, 2, 4])).tolist() == [
        *(-1, 0, 1, 1, 1, -1)
    ]
    np.testing.assert_array_equal(equal_edges(np.array([2.0, 2, 2]), 4), [1.0, 3.0])
    np.testing.assert_array_equal(equal_edges(np.arange(5.0), 2), [0, 2, 4])
    rows, _ = rows_of(25)
    found = compare_regressors(
        rows, {"sum": rows.truth}, np.array([10.0, 20, 100, 200]), seeds={}, n_replicas=3
    )["sum"]
    assert [one.residuals is None for one in found.truth_bins] == [True, False, True]
    assert found.truth_bins[2].mean is None
    for empty in (np.zeros(0), np.ones(3)):
        with pytest.raises(InputError, match=r"no test row has a true value|must be positive"):
            RegressionRows(empty, np.zeros(len(empty)), np.arange(len(empty)))


def test_terms_of_the_resolution_are_found_again():
    energies = np.geomspace(2, 200, 8)
    for terms in ((0.5, 0.03, 0.4), (0.1, 0.0, 0.0)):
        a, b, c = terms
        resolutions = np.sqrt(a**2 / energies + b**2 + c**2 / energies**2)
        found, chi2 = fit_resolution(energies, resolutions, 0.01 * resolutions)
        np.testing.assert_allclose(found, terms, atol=1e-5)
        assert chi2 == pytest.approx(0, abs=1e-12)


def write_rows(folder, *, missing=()):
    """Two samples without labels, whose energy is that of the first channel, smeared, and half of
    that of the second."""
    paths = []
    for number, name in enumerate(("electrons", "pions")):
        rng = np.random.default_rng(number)
        images = make_images(N, seed=number) + np.float32(0.01)
        sums = images.sum(axis=(2, 3))
        energy = (3 + 2 * sums[:, 0] + 0.5 * sums[:, 1]) * rng.normal(1, 0.1, N)
        energy[list(missing)] = np.nan
        columns = {"energy": energy, "event_number": np.arange(N)}
        columns["split"] = np.array([0, 0, 0, 1, 2], dtype=np.uint8)[np.arange(N) % 5]
        path = folder / f"{name}.h5"
        paths.append(write_image_file(path, images=images, columns=columns, sample=name))
    listed = folder / "images.tsv"
    listed.write_text("".join(f"{path}\n" for path in paths))
    return listed, ImageCollection(paths)


def test_a_bin_without_a_row_is_left_out_of_the_fit():
    """Warnings, as of the spread of no numbers, are errors here."""
    rows, rng = rows_of(400)
    predictions = {"sum": rows.truth * rng.normal(1, 0.1, 400)}
    found = {
        first: compare_regressors(
            *(rows, predictions, np.array([*first, 20, 40, 60, 80, 100.0])),
            seeds={}, with_fit=True, n_replicas=10,
        )["sum"].fit
        for first in ((), (0, 5))
    }  # fmt: skip
    assert found[()].n_bins == 4
    assert found[0, 5].n_bins == 5


def test_opponents_are_least_squares_and_trees_of_each_fold(tmp_path):
    _, collection = write_rows(tmp_path)
    truth, folds = collection.column("energy"), Folds(**FOLDS)
    sums = opponents.channel_sums(collection)
    dense = collection.dense(np.arange(2 * N)).astype(np.float64)
    np.testing.assert_allclose(sums, dense.sum(axis=(2, 3)), rtol=1e-6)
    scored = scored_events(collection, folds)
    for is_relative in (True, False):
        found = fit_opponents(collection, truth, scored, folds=folds, is_relative=is_relative)
        for fold, members in enumerate(scored.members()):
            training = collection.splits(folds, fold) == 0
            table = np.column_stack([np.ones(2 * N), sums])
            roots = 1 / truth[training] if is_relative else np.ones(training.sum())
            expected = np.linalg.lstsq(
                table[training] * roots[:, None], truth[training] * roots, rcond=None
            )[0]
            rows = scored.indices[members]
            np.testing.assert_allclose(found["sum"][members], table[rows] @ expected, rtol=1e-6)
        assert np.corrcoef(found["boosting"], truth[scored.indices])[0, 1] > 0.8
    assert "boosting" not in fit_opponents(collection, truth, scored, folds=folds, boosting=False)
    with pytest.raises(InputError, match="no training row has a true value"):
        fit_opponents(collection, np.full(2 * N, np.nan), scored, folds=folds, boosting=False)


def write_network(folder, collection, folds):
    """Predictions that are 5 % too high, the description of the model and its history."""
    files = {"scores": [], "models": [], "histories": []}
    truth = np.nan_to_num(collection.column("energy"), nan=1.0)
    for fold in range(1 if folds is None else folds.number):
        scored = scored_events(collection, folds)
        chosen = scored.members()[fold]
        indices = scored.indices[chosen]
        further = {}
        if folds is not None:
            split = np.where(scored.is_test[chosen], 2, 1).astype(np.uint8)
            further = {"folds": np.full(len(indices), fold), "split": split}
        own = folder / f"net{fold}"
        own.mkdir()
        predictions = 1.05 * truth[indices]
        write_predictions(
            own / "scores.h5", collection, indices, predictions, target="energy", **further
        )
        description = {"training": {"n_training": 9}, "specification": {"network": "small"}}
        (own / "model.json").write_text(json.dumps(description))
        names = target_columns()
        rows = [",".join(names), ",".join("1" for _ in names)]
        (own / "history.csv").write_text("\n".join(rows) + "\n")
        for key, name in zip(files, ("scores.h5", "model.json", "history.csv"), strict=True):
            files[key].append(own / name)
    return {key: tuple(paths) for key, paths in files.items()}


def evaluate(folder, *, folds=None, missing=()):
    listed, collection = write_rows(folder, missing=missing)
    network = write_network(folder, collection, None if folds is None else Folds(**folds))
    files = stage.RegressionFiles(listed, **network)
    results = stage.RegressionResults(
        **{name: folder / name for name in stage.RegressionResults.__dataclass_fields__}
    )
    target = {"name": "energy", "title": "$E$", "unit": "GeV"}
    options = stage.RegressionOptions(target, SECTION, (), {"cnn": [1]}, 1, folds)
    stage.evaluate_regression(files, results, options)
    return results, collection


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opponents, "CHOICES", {"learning_rate": (0.2,), "max_leaf_nodes": (6,)})
        patch.setattr(opponents, "MOST_TREES", 25)
        folder = tmp_path_factory.mktemp("run")
        return *evaluate(folder, folds=FOLDS, missing=range(7)), folder


def test_numbers_of_the_stage_are_those_of_its_rows(run):
    results, collection, _ = run
    summary = Regression.read(results.summary)
    assert (summary.n_rows, summary.n_missing, summary.n_not_positive) == (2 * N - 14, 14, 0)
    assert (list(summary.regressors), summary.opponents) == (
        ["cnn", "sum", "boosting"],
        ("sum", "boosting"),
    )
    rows = read_table(results.test_rows)
    known = np.isfinite(collection.column("energy"))
    np.testing.assert_array_equal(rows["truth"], collection.column("energy")[known])
    cnn = summary.regressors["cnn"]
    assert cnn.overall.bias_median.value == pytest.approx(0.05)
    assert cnn.overall.resolution.value == pytest.approx(0, abs=1e-9)
    assert [one.n_rows for one in cnn.truth_bins] == [195, 195, 196]
    assert cnn.over["sum"].value == pytest.approx(0, abs=1e-6)
    residuals = rows["sum"] / rows["truth"] - 1
    assert summary.regressors["sum"].overall.rms.value == pytest.approx(residuals.std())
    assert answer({"regression": summary.to_json()}).startswith("**cnn predicts ")
    text = results.table.read_text()
    assert "14 rows without a true value are left out" in text
    assert "| cnn | 1 | 0.0500 (0.0500 to 0.0500) |" in text
    assert "| pions | all | 300 |" in results.rows_table.read_text()
    csv = numbers_csv({"regression": json.loads(results.summary.read_text())})
    assert "regression/regressors/cnn/overall/bias_median/value,0.05" in csv


def test_figures_of_the_stage_are_drawn(run):
    results, *_ = run
    files = figures.RegressionPlotFiles(results.test_rows, results.summary)
    inputs = figures.RegressionInputs.read(files)
    drawn = {
        name: one.draw_from(inputs)
        for name, one in FIGURES.items()
        if one.rule == "plot_regression"
    }
    assert list(drawn) == [
        *("prediction_against_truth", "target_calibration", "target_resolution"),
        "target_residuals",
    ]
    panels = drawn["prediction_against_truth"].axes
    assert [axes.get_xlabel() for axes in panels[:3]] == ["True $E$ [GeV]"] * 3
    for figure in drawn.values():
        figure.draw_without_rendering()


def read(**changes):
    """A configuration of jets whose mass is learned; no sample has a label."""
    simulate = samples()["samples"]["background"]["simulate"]
    given = {
        "samples": {"a": {"simulate": simulate}, "b": {"simulate": simulate, "title": "B"}},
        "images": {"kind": "jet", "jets": {"variables": ["tau21"]}},
        "train": {"target": "mass"},
    }
    for name, value in changes.items():
        given[name] = given.get(name, {}) | value if isinstance(value, dict) else value
    return Configuration.of_layers([given])


def test_a_run_of_a_regression_has_its_rules_and_numbers():
    analysis = Analysis(read(models={"log": {"target_scale": "log"}}))
    assert analysis.task == "regression"
    assert analysis.labels == {"a": 0, "b": 0}
    assert {"evaluate_regression", "plot_regression"} < set(analysis.single_rules)
    assert not {"evaluate", "evaluate_taggers", "fit_baselines"} & set(analysis.single_rules)
    assert parameters.target(analysis) == {"name": "mass", "title": "Jet mass", "unit": "GeV"}
    options = parameters.training_options(analysis, "log")
    assert (options["target"], options["target_scale"], options["target_unit"]) == (
        *("mass", "log", "GeV"),
    )
    sections = [one["name"] for one in report_content.report_sections(analysis)]
    assert sections == [
        "answer",
        "regression",
        "data",
        "selection",
        "images",
        "training",
        "accounting",
        "run",
    ]
    assert report_content.report_numbers(analysis) == ["samples", "regression", "accounting"]
    assert report_content.report_facts(analysis)["Rows"] == "jets of a, B"
    names = [path.name for path in analysis.final_files()]
    assert names[-2:] == ["regression.json", "regression.md"]


def test_a_target_of_ones_own_is_tabulated_for_its_networks():
    own = {"true": {"branch": "e_true", "unit": "GeV"}, "half": {"formula": "true / 2"}}
    analysis = Analysis(read(variables=own, train={"target": "true"}))
    assert list(analysis.variables_for("input_of_cnn")) == ["true"]
    assert "input_of_cnn" in analysis.purposes
    analysis.configuration.check_names()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": {"target": "mas"}}, "'train.target': there is no variable 'mas'; did you mean"),
        ({"train": {"target": "fat_jets"}}, "'fat_jets' is several numbers a row"),
        (
            {"models": {"cnn": {"variables": ["tau21", "mass"]}}},
            "'models.cnn.variables': 'mass' is the target, which would be copied",
        ),
        (
            {
                "variables": {"x": {"branch": "x"}, "double": {"formula": "2 * x"}},
                "train": {"target": "x", "variables": ["double"]},
            },
            "'models.cnn.variables': 'double' is computed from the target 'x'",
        ),
        (
            {
                "variables": {"x": {"branch": "x"}, "double": {"formula": "2 * x"}},
                "train": {"target": "x"},
                "baseline_variables": ["double"],
            },
            "'baseline_variables': 'double' is computed from the target 'x'",
        ),
        (
            {"models": {"cnn": {"target": "pt"}}},
            "'models.cnn.target': it is 'pt', but train.target",
        ),
        ({"train": {"flat_like": "signal", "flat_in": ["pt"]}}, "flat_like': it is of classes"),
        ({"train": {"flat_in": ["pt", "mass"]}}, "flat_in': give one variable"),
        ({"regression": {"edges": [1, 1]}}, r"'regression.edges': \[1, 1\] are no edges"),
        ({"regression": {"fit": True, "residual": "absolute"}}, "'regression.fit': the terms are"),
        ({"models": {"cnn": {}, "sum": {}}}, "'models.sum': in the results this name"),
        ({"tagging": {"boosting": False}}, "'tagging': the rows"),
        ({"compare": {"axis": "rejection"}}, "'compare': curves .* those of a regression"),
        ({"samples": {"c": {"role": "reach", "images": ["a.h5"]}}}, "'samples.c"),
        ({"train": {"target": None}, "classes": {"a": {}, "b": {}}}, "'label' is a required"),
        (
            {"train": {"target": None}, "models": {"cnn": {"target": "mass"}}},
            "give it as train.target: mass",
        ),
    ],
)
def test_refused(changes, message):
    with pytest.raises(InputError, match=message):
        read(**changes).check_names()


def test_a_section_without_a_target_is_refused():
    with pytest.raises(InputError, match="'regression': the networks learn classes"):
        Configuration.of_layers([{"regression": {"n_bins": 3}}])
