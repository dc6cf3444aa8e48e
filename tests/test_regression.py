"""Networks that learn a number: a toy with a known optimum, what its files and scores hold, numbers
of residuals against closed forms, and what is refused."""

import json
import logging
from dataclasses import replace

import fakes_training
import numpy as np
import onnxruntime
import pytest
import torch
import uproot
from fakes import make_events, make_images, write_image_file, write_ntuple
from fakes_cli import fail, succeed
from fakes_models import make_trained

from calovision.conversion import ImageRecipe, StoredRecipe
from calovision.core.errors import InputError
from calovision.core.splits import Folds
from calovision.datasets.flat_target import LARGEST_FACTOR, fit_flat_target
from calovision.evaluation import read_history
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.jets.variables import own_variable
from calovision.metrics import residual_numbers, residuals_of
from calovision.metrics.residuals import CENTRAL, OrderedResiduals
from calovision.models import (
    ModelSpecification,
    ScalingStatistics,
    average_models,
    load_model,
    save_model,
)
from calovision.models.target import TargetScaling
from calovision.scoring import score_collection, score_images, score_ntuples, score_out_of_fold
from calovision.scoring.onnx_export import export_onnx
from calovision.storage import ImageCollection, read_scores
from calovision.storage.predictions import read_predictions, write_predictions
from calovision.storage.targets import Target, target_values
from calovision.training import TrainingOptions
from calovision.training.objective import LOSSES
from calovision.training.targets import target_statistics

N = 1000
TARGET = {"name": "energy", "unit": "GeV", "scale": "log"}
OPTIONS = TrainingOptions(
    network="fakes_networks:LinearInTheSum",
    target="energy",
    target_loss="mse",
    target_unit="GeV",
    scaling="none",
    epochs=8,
    batch_size=50,
    learning_rate=0.3,
    augmentation=False,
    device="cpu",
    precision="fp32",
)


def write_toy(folder, *, columns=None, n=N):
    """A file whose images have the energy, smeared by 10 %, in one cell; nothing else does."""
    rng = np.random.default_rng(3)
    energy = rng.uniform(1.0, 3.0, n)
    images = np.zeros((n, 2, 8, 8), dtype=np.float32)
    images[np.arange(n), 0, rng.integers(8, size=n), 3] = energy * rng.normal(1, 0.1, n)
    return write_image_file(
        folder / "showers.h5", images=images, columns={"energy": energy} | (columns or {})
    )


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """Collection of the toy, and the folder of a network that was trained on it."""
    folder = tmp_path_factory.mktemp("toy")
    collection = ImageCollection([write_toy(folder)])
    fakes_training.train(collection, folder / "model", OPTIONS)
    return collection, folder / "model"


def test_the_learned_line_is_that_of_least_squares(toy):
    collection, folder = toy
    model = load_model(folder, allow_imports=True)
    split, truth = collection.column("split"), collection.column("energy")
    sums = collection.dense(np.arange(N)).sum(axis=(1, 2, 3))
    slope, offset = np.polyfit(sums[split == 0], truth[split == 0], 1)
    tested = np.flatnonzero(split == 2)
    found = score_collection(model, collection, tested, device="cpu")
    np.testing.assert_allclose(found, offset + slope * sums[tested], atol=0.06)
    assert model.specification.target == {"name": "energy", "unit": "GeV", "scale": "linear"}
    assert model.specification.n_outputs == 1
    stored = [float(one) for one in (model.target.mean, model.target.spread)]
    assert stored == pytest.approx([truth[split == 0].mean(), truth[split == 0].std()], rel=1e-6)


def test_history_and_record_have_bias_and_resolution(toy):
    collection, folder = toy
    history = read_history(folder / "history.csv")
    assert list(history) == [
        *("epoch", "train_loss", "validation_loss", "validation_bias", "validation_resolution"),
        *("learning_rate", "images_per_s"),
    ]
    best = int(np.argmin(history["validation_loss"]))
    training = json.loads((folder / "model.json").read_text())["training"]
    chosen = np.flatnonzero(collection.column("split") == 1)
    model = load_model(folder, allow_imports=True)
    truth = collection.column("energy")[chosen]
    found = score_collection(model, collection, chosen, device="cpu")
    low, middle, high = np.quantile(
        found / truth - 1, [CENTRAL[0], 0.5, CENTRAL[1]], method="hazen"
    )
    for numbers in (training, {name: one[best] for name, one in history.items()}):
        assert numbers["validation_resolution"] == pytest.approx((high - low) / 2, rel=1e-4)
        assert numbers["validation_bias"] == pytest.approx(middle, rel=1e-3, abs=1e-5)
    spread = collection.column("energy")[collection.column("split") == 0].std()
    loss = np.mean(((found - truth) / spread) ** 2) / 2
    assert training["validation_loss"] == pytest.approx(loss, rel=1e-4)
    assert "validation_auc" not in training


def test_residuals_and_units_are_inverse_to_each_other():
    truth, outputs = torch.tensor([2.0, 5.0, 20.0]), torch.tensor([0.3, -1.0, 2.0])
    statistics = ScalingStatistics(target_mean=1.2, target_spread=0.5)
    expected = {
        "linear": 1.2 + 0.5 * outputs,
        "relative": 1.2 + 0.5 * outputs,
        "log": torch.exp(1.2 + 0.5 * outputs),
    }
    for scale, unit in expected.items():
        layer = TargetScaling(scale)
        layer.set_statistics(statistics)
        torch.testing.assert_close(layer(outputs), unit)
        residuals = layer.residuals(outputs, truth)
        own = {
            "linear": outputs - (truth - 1.2) / 0.5,
            "relative": unit / truth - 1,
            "log": torch.log(unit / truth) / 0.5,
        }[scale]
        torch.testing.assert_close(residuals, own)
    x = torch.tensor([-30.0, -0.5, 0.0, 1e-3, 2.0], dtype=torch.float64)
    torch.testing.assert_close(LOSSES["mse"](x), x**2 / 2)
    torch.testing.assert_close(LOSSES["log_cosh"](x), torch.log(torch.cosh(x)))
    torch.testing.assert_close(
        LOSSES["huber"](x), torch.where(x.abs() < 1, x**2 / 2, x.abs() - 0.5)
    )


def make_model(*, seed=1, mean=1.0, scale="log"):
    statistics = ScalingStatistics(target_mean=mean, target_spread=0.5)
    given = {"target": TARGET | {"scale": scale}, "options": {"width": 2}}
    return make_trained(seed=seed, statistics=statistics, **given)


def test_networks_are_averaged_in_the_unit_of_the_target(tmp_path):
    """Folds have means and spreads of their own, so that their outputs are no numbers to add."""
    models = [make_model(seed=1), make_model(seed=2, mean=2.0)]
    images = make_images(7)
    each = [score_images(one, images, device="cpu") for one in models]
    save_model(tmp_path / "mean", average_models(models))
    mean = load_model(tmp_path / "mean")
    np.testing.assert_allclose(
        score_images(mean, images, device="cpu"), np.mean(each, 0), rtol=1e-6
    )
    assert mean.specification.target == TARGET

    collection = ImageCollection([write_image_file(tmp_path / "a.h5", 40)])
    folds = Folds(number=2, seed=1, validation_share=0.25)
    four = [*models, make_model(seed=3), make_model(seed=4)]
    found = score_out_of_fold(four, collection, folds, device="cpu")
    of_each = np.array([score_collection(one, collection, np.arange(40)) for one in four])
    fold = collection.folds(folds)
    expected = np.where(fold == 0, of_each[[0, 2]].mean(0), of_each[[1, 3]].mean(0))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_models_of_classes_are_described_as_before():
    assert "target" not in make_trained().specification.to_dict()
    for target in ({"name": "energy"}, TARGET | {"scale": "cubic"}):
        with pytest.raises(
            InputError, match=r"target is .*a name, a unit and a scale, one of linear"
        ):
            ModelSpecification("small", (2, 8, 8), target=target)


def test_onnx_gives_the_prediction(tmp_path):
    model = make_model()
    export_onnx(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert [one.name for one in session.get_outputs()] == ["prediction"]
    images = make_images(3)
    (found,) = session.run(None, {"images": images})
    np.testing.assert_allclose(found, score_images(model, images, device="cpu"), rtol=1e-5)


def test_scores_of_ntuples_are_in_the_unit(tmp_path):
    """A column ``prediction``, the mean of two networks."""
    models = [make_model(seed=1), make_model(seed=2)]
    recipe = ImageRecipe(EtaPhiGrid(8, 8), ("em_et", "tracks"))
    models[0].recipe = StoredRecipe(recipe).to_dict()
    ntuple = write_ntuple(tmp_path / "a.root", *make_events(9))
    (found,) = score_ntuples(models, [ntuple], tmp_path / "out")
    with uproot.open(found.output) as file:
        tree = file["calovision_scores"].arrays(library="np")
    assert set(tree) == {"prediction", "passed"}
    assert found.totals == {"prediction": pytest.approx(tree["prediction"].sum(), rel=1e-5)}
    assert np.all(tree["prediction"] > 0)
    (alone,) = score_ntuples(models[:1], [ntuple], tmp_path / "one")
    assert found.totals["prediction"] != pytest.approx(alone.totals["prediction"], rel=1e-3)


def test_command_line_trains_and_scores(tmp_path):
    write_toy(tmp_path, n=60)
    images, model = tmp_path / "showers.h5", tmp_path / "model"
    options = ("--network", "small", "--option", "width=2", "--epochs", 1, "--device", "cpu")
    output = ("-o", model, "--target", "energy", "--target-unit", "TeV", *options)
    assert "test resolution" in succeed("train", images, *output)
    text = succeed("score", model, images, "-o", tmp_path / "scores.h5", "--split", "test")
    assert "mean energy [TeV]" in text
    collection = ImageCollection([images])
    tested = np.flatnonzero(collection.column("split") == 2)
    found = read_predictions(tmp_path / "scores.h5", collection, tested, "energy")
    expected = score_collection(load_model(model), collection, tested, device="cpu")
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    with pytest.raises(InputError, match=r"predictions of 'energy', not predictions of 'mass'"):
        read_predictions(tmp_path / "scores.h5", collection, tested, "mass")
    with pytest.raises(InputError, match="scores of other events"):
        read_predictions(tmp_path / "scores.h5", collection, tested[::-1], "energy")
    with pytest.raises(InputError, match="lacks the column 'logit'"):
        read_scores(tmp_path / "scores.h5", collection, tested)
    write_predictions(tmp_path / "nan.h5", collection, tested, np.nan * found, target="energy")
    with pytest.raises(InputError, match="not one finite number a row"):
        read_predictions(tmp_path / "nan.h5", collection, tested, "energy")
    sentence = fail("train", images, "-o", tmp_path / "b", "--target", "enrgy")
    assert "no column 'enrgy'; did you mean 'energy'" in sentence


def test_rows_without_a_target_are_counted_and_left_out(tmp_path, caplog):
    energy = np.linspace(1, 2, 60)
    energy[:6] = np.nan  # of which the split has 0, 0, 0, 1, 2, 0
    collection = ImageCollection([write_toy(tmp_path, n=60, columns={"energy": energy})])
    with caplog.at_level(logging.WARNING, "calovision"):
        fakes_training.train(collection, tmp_path / "model", OPTIONS, epochs=1)
    assert "'energy' is not a number in 4 of the 36 rows of the train split" in caplog.text
    assert "in 1 of the 12 rows of the validation split" in caplog.text
    training = json.loads((tmp_path / "model/model.json").read_text())["training"]
    assert (training["n_training"], training["n_validation"]) == (32, 11)


@pytest.mark.parametrize(
    ("column", "changes", "message"),
    [
        (np.full(60, 7.0), {}, "'energy' is 7 in all 36 training rows"),
        (np.full(60, np.nan), {}, "a number in none of the 36 rows of the train split"),
        (
            np.arange(60) - 20.0,
            {"target_scale": "log"},
            "above 0, but 'energy' is not in 13 of the",
        ),
        (np.ones((60, 2)), {}, r"'energy' is float64 of shape \(2,\) a row, not one number"),
        (np.arange(60.0), {"target": "weight"}, "'weight' is no property of a row"),
        (np.arange(60.0), {"variables": ("energy",)}, "'energy' is the target, which the network"),
        (np.arange(60.0), {"class_weights": {"signal": 2}}, "class_weights: it is of classes"),
        (np.arange(60.0), {"flat_in": ("ht", "energy")}, "flat_in: ht, energy; give one variable"),
        (np.arange(60.0), {"target_loss": "l1"}, "target_loss 'l1' is unknown"),
    ],
)
def test_refused(tmp_path, column, changes, message):
    collection = ImageCollection([write_toy(tmp_path, n=60, columns={"energy": column})])
    with pytest.raises(InputError, match=message):
        fakes_training.train(collection, tmp_path / "model", OPTIONS, **changes)
    assert not (tmp_path / "model/model.json").exists()


def test_jets_have_their_own_value_of_a_variable_of_fat_jets(tmp_path):
    truth = np.arange(20.0).reshape(10, 2).repeat(2, axis=0)
    every = np.zeros((20, 5))
    every[:, :2] = truth
    columns = {"jet_index": np.arange(20) % 2, "btag": every}
    columns |= {name: np.ones(20) for name in ("pt", "eta", "phi", "mass")}
    grid = {"grid": JetGrid(8, 8, 1.6), "kind": "jet"}
    path = write_image_file(tmp_path / "a.h5", 20, columns=columns, **grid)
    own = own_variable("btag", "b", per="fat_jet", unit="GeV", title="$b$")
    collection = ImageCollection([path], variables={"btag": own})
    np.testing.assert_array_equal(target_values(collection, "btag"), np.arange(20.0))
    assert Target.of("btag", collection.variables).axis_title == "$b$ [GeV]"
    assert Target.of("mass").unit == "GeV"
    assert Target.of("mass", unit="TeV").unit == "TeV"


def test_flat_weights_make_a_falling_spectrum_flat():
    rng = np.random.default_rng(1)
    energy = np.exp(rng.uniform(0, 3, 4000))
    for is_log, scaled in ((True, np.log(energy)), (False, energy)):
        flat = fit_flat_target(energy, np.ones(4000), "energy", n_bins=10, log=is_log)
        weights = flat.of(energy[:, None], np.zeros(4000, dtype=int))
        low, high = np.quantile(scaled, [0.005, 0.995])
        edges = [-np.inf, *np.linspace(low, high, 11)[1:-1], np.inf]
        sums = np.histogram(scaled, edges, weights=weights)[0]
        np.testing.assert_allclose(sums, 400, rtol=1e-9)
        assert weights.max() < LARGEST_FACTOR
    with pytest.raises(InputError, match="'energy' is not above 0 for 2 of 4 rows"):
        fit_flat_target(np.arange(4.0) - 1, np.ones(4), "energy", log=True)


def test_statistics_are_those_of_the_scale():
    values = np.array([1.0, np.e, np.e**2])
    options = replace(OPTIONS, target_scale="log")
    assert target_statistics(values, options) == pytest.approx((1, np.sqrt(2 / 3)))
    assert target_statistics(values, OPTIONS) == pytest.approx((values.mean(), values.std()))


def test_numbers_of_residuals():
    rng = np.random.default_rng(2)
    values = rng.normal(0.1, 0.3, 501)
    found = residual_numbers(values)
    low, middle, high = np.quantile(values, [CENTRAL[0], 0.5, CENTRAL[1]], method="hazen")
    assert found == pytest.approx((middle, values.mean(), (high - low) / 2, values.std()))
    # a row of weight 3 is three rows, and one of weight -1 takes one away
    weights = np.array([3.0, 1, 2, 1])
    several = np.repeat([0.0, 1, 2, 3], [3, 1, 2, 1])
    assert residual_numbers(np.arange(4.0), weights).rms == pytest.approx(several.std())
    both = residual_numbers(np.array([0.0, 1, 1, 2]), np.array([1.0, 2, -1, 1]))
    assert both[1:2] + both[3:] == pytest.approx((1, np.sqrt(2 / 3)))
    assert np.isnan(residual_numbers(values, np.zeros(501))).all()
    assert np.isnan(OrderedResiduals(np.zeros(0)).quantiles(np.zeros(0), (0.5,))).all()
    truth = np.array([2.0, 0.0, -1.0])
    np.testing.assert_equal(residuals_of(np.ones(3), truth), [-0.5, np.nan, np.nan])
    np.testing.assert_equal(residuals_of(np.ones(3), truth, relative=False), [-1, 1, 2])
