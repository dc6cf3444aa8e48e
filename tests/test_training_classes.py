"""Training of several classes: a toy with a known optimum, its loss and history, its scores in
files, and what it refuses."""

import json
from dataclasses import replace

import fakes_training
import numpy as np
import pytest
import torch
from fakes import make_images, write_image_file
from fakes_cli import stored, succeed
from scipy.special import log_softmax, logsumexp
from sklearn.metrics import roc_auc_score

from calovision.core.errors import InputError
from calovision.core.splits import Folds
from calovision.datasets import FlatWeights, training_weights
from calovision.evaluation import read_history
from calovision.metrics import ensemble_scores, macro_auc, pairwise_aucs, rejection_at
from calovision.models import average_models, load_model, save_model
from calovision.scoring import score_collection, score_images, score_out_of_fold
from calovision.storage import ImageCollection, read_scores, write_scores
from calovision.training import TrainingOptions, train_network
from calovision.training.data import check_fold
from calovision.training.epoch_numbers import history_columns
from calovision.training.loss import right_answers, weighted_loss
from calovision.training.weights import loss_weights

CLASSES, MEANS = ("quark", "gluon", "w"), np.array([-1.0, 0.0, 1.5])
N_OF_CLASS = 1500
FOLDS = Folds(number=2, seed=1, validation_share=0.25)
OPTIONS = TrainingOptions(
    network="fakes_networks:LinearInTheSum",
    scaling="none",
    epochs=4,
    batch_size=50,
    learning_rate=0.1,
    augmentation=False,
    device="cpu",
    precision="fp32",
)


def write_toy(folder, *, n=N_OF_CLASS, shape=(1, 8, 8), classes=CLASSES, means=MEANS):
    """A file whose rows are of all classes: one cell holds a number that is normal about the mean
    of its class.
    """
    rng = np.random.default_rng(5)
    labels = rng.permutation(np.repeat(np.arange(len(means)), n))
    images = np.zeros((len(labels), *shape), dtype=np.float32)
    images[np.arange(len(labels)), 0, rng.integers(shape[1], size=len(labels)), 3] = rng.normal(
        means[labels]
    )
    return write_image_file(
        folder / "jets.h5",
        images=images,
        columns={"label": labels.astype(np.int8)},
        sample="jets",
        label=-1,
        classes=classes,
    )


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """Collection of the toy, and the folder of a network that was trained on it."""
    folder = tmp_path_factory.mktemp("toy")
    collection = ImageCollection([write_toy(folder)])
    fakes_training.train(collection, folder / "model", OPTIONS)
    return collection, folder / "model"


def test_the_learned_logarithms_are_those_of_the_optimum(toy):
    model = load_model(toy[1], allow_imports=True)
    assert model.specification.classes == CLASSES
    x = np.linspace(-2, 2.5, 7)
    images = np.zeros((7, 1, 8, 8), dtype=np.float32)
    images[:, 0, 2, 2] = x
    found = score_images(model, images, device="cpu")
    assert found.dtype == np.float64
    np.testing.assert_allclose(logsumexp(found, axis=1), 0, atol=1e-12)
    # classes weigh the same, so that P is proportional to the density exp(-(x - mean)^2 / 2)
    expected = log_softmax(-((x[:, None] - MEANS) ** 2) / 2, axis=1)
    ratios, optimal = (one[:, 1:] - one[:, :1] for one in (found, expected))
    np.testing.assert_allclose(ratios, optimal, rtol=0.08, atol=0.15)


def test_history_and_record_hold_the_numbers_of_the_best_epoch(toy):
    collection, folder = toy
    history = read_history(folder / "history.csv")
    assert tuple(history) == history_columns(CLASSES)
    assert tuple(history)[5:9] == (
        "validation_macro_auc",
        *(f"validation_rejection_{name}" for name in CLASSES),
    )
    best = int(np.argmin(history["validation_loss"]))
    training = json.loads((folder / "model.json").read_text())["training"]
    assert training["best_epoch"] == best
    assert training["validation_macro_auc"] == pytest.approx(history["validation_macro_auc"][best])
    assert "validation_auc" not in training

    indices = np.flatnonzero(collection.column("split") == 1)
    labels = collection.column("label")[indices]
    model = load_model(folder, allow_imports=True)
    scores = score_collection(model, collection, indices, device="cpu")
    weights = training_weights(labels, np.ones(len(labels)), "balanced", CLASSES)
    loss = -np.mean(weights * scores[np.arange(len(labels)), labels])
    expected = [loss, np.mean(scores.argmax(axis=1) == labels), macro_auc(scores, labels, weights)]
    expected += [rejection_at(scores[:, n], labels == n, weights, 0.5).value for n in range(3)]
    names = ["validation_loss", "validation_accuracy", *history_columns(CLASSES)[5:9]]
    np.testing.assert_allclose([history[name][best] for name in names], expected, rtol=1e-5)
    assert 0.6 < expected[1] < 0.75 < expected[2] < 0.9


def test_loss_and_answers_against_numpy():
    rng = np.random.default_rng(1)
    logits, labels, weights = rng.normal(size=(9, 4)), rng.integers(4, size=9), rng.random(9)
    tensors = [torch.from_numpy(one) for one in (logits, labels.astype(np.float32), weights)]
    expected = np.mean(-weights * log_softmax(logits, axis=1)[np.arange(9), labels])
    assert float(weighted_loss(*tensors)) == pytest.approx(expected, rel=1e-12)
    assert right_answers(*tensors[:2]).tolist() == (logits.argmax(axis=1) == labels).tolist()
    # two classes by two logits are two classes by the difference of these
    pair = tensors[0][:, :2]
    of_two = torch.from_numpy((labels % 2).astype(np.float64))
    assert float(weighted_loss(pair, of_two, tensors[2])) == pytest.approx(
        float(weighted_loss(pair[:, 1] - pair[:, 0], of_two, tensors[2])), rel=1e-12
    )


def test_macro_auc_against_scikit_learn():
    rng = np.random.default_rng(2)
    labels = np.repeat([0, 1, 2, 3], [30, 40, 20, 10])
    logits = np.round(rng.normal(size=(100, 4)) + 1.5 * np.eye(4)[labels], 1)
    scores = np.exp(log_softmax(logits, axis=1))
    ones = np.ones(100)
    expected = roc_auc_score(labels, scores, multi_class="ovo", average="macro")
    assert macro_auc(scores, labels, ones) == pytest.approx(expected, rel=1e-12)
    assert macro_auc(np.log(scores), labels, ones) == pytest.approx(expected, rel=1e-12)
    weights = rng.random(100)
    areas = pairwise_aucs(scores, labels, weights)
    pair = np.isin(labels, (1, 3))
    one = roc_auc_score(labels[pair] == 1, scores[pair, 1], sample_weight=weights[pair])
    assert areas[1, 3] == pytest.approx(one, rel=1e-12)
    assert np.isnan(np.diag(areas)).all()
    with pytest.raises(InputError, match="class 3 has no event"):
        macro_auc(scores[:90], labels[:90], ones[:90])


def test_scores_in_files_are_those_of_the_classes(toy, tmp_path):
    collection, folder = toy
    model = load_model(folder, allow_imports=True)
    indices = np.arange(0, 300, 3)
    scores = score_collection(model, collection, indices, device="cpu")
    path = tmp_path / "scores.h5"
    write_scores(path, collection, indices, scores, classes=CLASSES)
    assert np.array_equal(read_scores(path, collection, indices), scores)
    other = ImageCollection([write_toy(tmp_path, n=100, classes=CLASSES[::-1])])
    sentence = "its scores are those of quark, gluon, w, but the classes of the image files are w, "
    with pytest.raises(InputError, match=sentence):
        read_scores(path, other, indices)
    write_scores(path, other, indices, scores[:, 0])
    with pytest.raises(InputError, match="its scores are those of signal and background, but"):
        read_scores(path, other, indices)


def test_means_of_networks(toy, tmp_path):
    """Of log-probabilities, of models, and of the networks of folds."""
    collection, folder = toy
    models = [load_model(folder, allow_imports=True) for _ in range(2)]
    with torch.no_grad():
        models[1].network.layer.bias += torch.tensor([0.0, 1.0, -1.0])
    indices = np.arange(50)
    each = [score_collection(model, collection, indices, device="cpu") for model in models]
    expected = np.log(np.mean(np.exp(each), axis=0))
    np.testing.assert_allclose(ensemble_scores(np.stack(each, axis=1)), expected, atol=1e-12)
    save_model(tmp_path / "mean", average_models(models))
    mean = load_model(tmp_path / "mean", allow_imports=True)
    found = score_collection(mean, collection, indices, device="cpu")
    np.testing.assert_allclose(found, expected, atol=1e-5)

    found = score_out_of_fold(models, collection, FOLDS, device="cpu")
    of_event = collection.folds(FOLDS)[indices]
    np.testing.assert_array_equal(found[indices], np.where(of_event[:, None] == 0, *each))


def test_weights_of_all_classes_are_the_same_in_total():
    labels = np.array([0, 0, 1, 2, 2, 2])
    weights = training_weights(labels, np.ones(6), "balanced", CLASSES)
    np.testing.assert_allclose(weights, [1, 1, 2, 2 / 3, 2 / 3, 2 / 3])
    with pytest.raises(
        InputError, match=r"no event with the class 'w' has a positive weight: .*all"
    ):
        training_weights(labels[:3], np.ones(3), "balanced", CLASSES)


def test_a_class_without_rows_is_one_sentence(tmp_path):
    rng = np.random.default_rng(3)
    labels = rng.integers(2, size=60)
    labels[4] = 2  # the fifth of five rows tests
    file = write_image_file(
        tmp_path / "a.h5",
        images=make_images(60),
        columns={"label": labels.astype(np.int8)},
        label=-1,
        classes=CLASSES,
    )
    sentence = r"the train split has no row of the class 'w' \(label 2\): give more"
    with pytest.raises(InputError, match=sentence):
        train_network(ImageCollection([file]), tmp_path / "m", OPTIONS, luminosity_fb=1.0)
    with pytest.raises(InputError, match=r"only 1 rows of the class 'w' \(label 2\): give"):
        check_fold(FOLDS, 0, labels, CLASSES)


def test_a_network_of_the_users_must_give_all_logits(toy, tmp_path):
    collection, _ = toy
    sentence = "must give a logit for each of the 3 classes, .n, 3.: their number is what"
    with pytest.raises(InputError, match=sentence):
        fakes_training.train(
            collection, tmp_path, OPTIONS, network="fakes_training:NetworkWithoutState"
        )


def test_the_command_line(toy, tmp_path):
    """Training with all its weights, scores of image files, and what both print."""
    collection, _ = toy
    (file,) = [one.path for one in collection.files]
    choices = ("--network", OPTIONS.network, "--scaling", "none", "--no-augmentation")
    weights = ("--flat-in", "ht", "--flat-bins", 3, "--class-weight", "w=2")
    folder = tmp_path / "model"
    speed = ("--epochs", 1, "--learning-rate", 0.2, "--batch-size", 200, "--device", "cpu")
    text = succeed("train", file, "-o", folder, *choices, *weights, *speed)
    run = json.loads((folder / "model.json").read_text())["training"]
    assert run["options"]["class_weights"] == {"w": 2}
    assert stored(text, "validation macro AUC") == f"{run['validation_macro_auc']:.4f}"
    test = np.flatnonzero(collection.column("split") == 2)
    model = load_model(folder, allow_imports=True)
    scores = score_collection(model, collection, test, device="cpu")
    options = TrainingOptions(**{name: run["options"][name] for name in ("weights", "flat_in")})
    options = replace(options, class_weights={"w": 2})
    flat = FlatWeights.from_dict(run["flat"])
    of_events = collection.column("weight")
    area = macro_auc(
        scores,
        collection.column("label")[test],
        loss_weights(collection, test, of_events, options, flat),
    )
    assert stored(text, "test macro AUC").startswith(f"{area:.4f} ({len(test)} rows")

    output = tmp_path / "scores.h5"
    text = succeed(
        "score", folder, file, "-o", output, "--split", "test", "--allow-imports", "--device", "cpu"
    )
    np.testing.assert_allclose(read_scores(output, collection, test), scores, atol=1e-6)
    means = np.exp(scores).mean(axis=0)
    assert " ".join(f"{mean:.4f}" for mean in means) in " ".join(text.split())
    assert "mean P(gluon)" in text
