"""Weights that give all classes the same spectrum."""

import json
import logging

import fakes_training
import numpy as np
import pytest
from fakes import make_images, write_image_file

from calovision.core.errors import InputError
from calovision.datasets import FlatWeights, fit_flat_weights, training_weights
from calovision.datasets.flat import LARGEST_FACTOR, bins_of
from calovision.models import load_model
from calovision.storage import ImageCollection
from calovision.training import TrainingOptions
from calovision.training.data import ImageData
from calovision.training.weights import loss_weights
from calovision.workflow.configuration import Configuration

CLASSES = ("quark", "gluon", "w")


def spectra(flat, values, labels, weights):
    """Part of each class in each bin, ``(n_classes, n_bins)``."""
    place = bins_of(values, flat.edges)
    n_bins = flat.factors.shape[1]
    weighted = weights * flat.of(values, labels)
    sums = [
        np.bincount(place[labels == n], weighted[labels == n], n_bins)
        for n in range(len(flat.factors))
    ]
    return np.array([one / one.sum() for one in sums])


def make_rows(n=6000, *, seed=1):
    """pT falling at another rate in each class, a mass that grows with it, labels, and weights."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, n, p=[0.6, 0.3, 0.1])
    pt = 500 + rng.exponential(np.array([50.0, 100.0, 150.0])[labels])
    mass = 0.1 * pt * rng.exponential(1 + 0.5 * labels)
    return np.stack([pt, mass], axis=1), labels, rng.random(n) + 0.5


@pytest.mark.parametrize("variables", [("pt",), ("pt", "mass")])
def test_the_spectrum_of_every_class_is_flat(variables):
    values, labels, weights = make_rows()
    values = values[:, : len(variables)]
    flat = fit_flat_weights(values, labels, weights, variables, classes=CLASSES, n_bins=4)
    n_bins = 4 ** len(variables)
    assert flat.factors.shape == (3, n_bins)
    np.testing.assert_allclose(spectra(flat, values, labels, weights), 1 / n_bins, rtol=1e-12)
    weighted = weights * flat.of(values, labels)
    for label in range(3):  # the sums of the classes are as before
        mine = labels == label
        assert weighted[mine].sum() == pytest.approx(weights[mine].sum(), rel=1e-12)
    # bins hold equal parts of all classes together, each of which weighs the same
    of_class = np.array([weights[labels == n].sum() for n in range(3)])
    pooled = np.bincount(bins_of(values, flat.edges), weights / of_class[labels], n_bins)
    np.testing.assert_allclose(pooled / pooled.sum(), 1 / n_bins, rtol=0.02)


def test_the_spectrum_is_that_of_a_class():
    values, labels, weights = make_rows()
    flat = fit_flat_weights(
        values[:, :1], labels, weights, ("pt",), classes=CLASSES, like="gluon", n_bins=8
    )
    found = spectra(flat, values[:, :1], labels, weights)
    np.testing.assert_allclose(found[[0, 2]], found[[1, 1]], rtol=1e-12)
    np.testing.assert_allclose(flat.factors[1], 1, rtol=1e-12)
    assert np.ptp(found[1]) > 0.03


def test_a_class_without_rows_in_a_bin_has_its_weight_in_the_others(caplog):
    low = np.linspace(0, 0.9, 100)
    values = np.concatenate([low, low, np.linspace(1, 2, 105)])[:, None]
    labels = np.repeat([0, 1, 1], [100, 100, 105])
    with caplog.at_level(logging.WARNING):
        flat = fit_flat_weights(values, labels, np.ones(305), ("pt",), n_bins=4)
    background, signal = spectra(flat, values, labels, np.ones(305))
    assert background == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])
    assert signal == pytest.approx([0.25] * 4)
    assert "the class 'background' has no row in 25 % of the spectrum of pt" in caplog.text
    assert flat.of(np.array([[1e9]]), np.array([0])).tolist() == [0.0]
    with pytest.raises(InputError, match="'gluon' has no row where the spectrum is that"):
        fit_flat_weights(
            np.repeat([[0.0], [1.0], [2.0]], 60, axis=0),
            np.repeat([0, 1, 2], 60),
            np.ones(180),
            ("pt",),
            classes=CLASSES,
            like="quark",
        )


def test_few_rows_do_not_get_all_the_weight():
    rng = np.random.default_rng(3)
    values = np.concatenate([rng.random(30000), [1.5], 1 + rng.random(30000)])[:, None]
    labels = np.repeat([0, 1], [30001, 30000])  # one row of background where signal is
    flat = fit_flat_weights(values, labels, np.ones(60001), ("pt",), n_bins=2)
    factors = flat.of(values, labels)
    assert factors[30000] == pytest.approx(LARGEST_FACTOR, rel=0.01)
    assert factors[:30001].mean() == pytest.approx(1, rel=1e-12)


def test_bins_are_fewer_where_rows_are_few():
    values, labels, weights = make_rows(1200)
    n_smallest = np.bincount(labels).min()
    assert 75 <= n_smallest < 150
    flat = fit_flat_weights(values, labels, weights, ("pt", "mass"), classes=CLASSES)
    assert flat.factors.shape == (3, int((n_smallest / 25) ** 0.5) ** 2)
    again = FlatWeights.from_dict(json.loads(json.dumps(flat.to_dict())))
    np.testing.assert_array_equal(again.of(values, labels), flat.of(values, labels))
    constant = fit_flat_weights(np.ones((1200, 1)), labels, weights, ("pt",), classes=CLASSES)
    assert (constant.of(np.ones((1200, 1)), labels) == 1).all()


def test_training_takes_them_and_the_model_keeps_them(tmp_path):
    """Row weights of both signs, another weight of a class, and the file of the model."""
    values, labels, _ = make_rows(1500)
    weights = np.random.default_rng(2).choice([-1.0, 1.0, 2.0], 1500)
    file = write_image_file(
        tmp_path / "a.h5",
        images=make_images(1500, (1, 8, 8)),
        columns={"label": labels.astype(np.int8), "ht": values[:, 0], "weight": weights},
        label=-1,
        classes=CLASSES,
    )
    collection = ImageCollection([file])
    options = TrainingOptions(
        network="fakes_networks:LinearInTheSum",
        weights="raw",
        flat_in=("ht",),
        flat_bins=2,
        class_weights={"w": 2.0},
        epochs=1,
        device="cpu",
        precision="fp32",
    )
    data = ImageData(collection, options, 1.0)
    train, loss = data.indices["train"], data.weights["train"]
    assert loss.mean() == pytest.approx(1, rel=1e-12)
    assert (loss[weights[train] < 0] == 0).all()
    assert (loss[weights[train] > 0] > 0).all()
    place = bins_of(collection.column("ht")[train][:, None].astype(np.float32), data.flat.edges)
    sums = np.array(
        [np.bincount(place, loss * (labels[train] == label), minlength=2) for label in range(3)]
    )
    np.testing.assert_allclose(sums / len(train), np.outer([0.25, 0.25, 0.5], [0.5, 0.5]))

    fakes_training.train(collection, tmp_path / "model", options)
    stored = load_model(tmp_path / "model", allow_imports=True).training_run
    assert stored["options"]["flat_in"] == ["ht"]
    flat = FlatWeights.from_dict(stored["flat"])
    of_events = collection.event_weights(1.0)
    for name, indices in data.indices.items():
        found = loss_weights(collection, indices, of_events, options, flat)
        np.testing.assert_array_equal(found, data.weights[name])


def test_two_classes_without_choices_have_the_weights_of_before():
    rng = np.random.default_rng(1)
    labels, events = rng.integers(2, size=50), rng.random(50)
    before = events / np.take([events[labels == n].sum() for n in (0, 1)], labels) * 25
    np.testing.assert_array_equal(training_weights(labels, events, "raw"), before)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"flat_in": ("fat_jets",)}, "train.flat_in: 'fat_jets' is several numbers; give"),
        ({"flat_in": ("weight",)}, "train.flat_in: 'weight' is no property of an event"),
        ({"flat_like": "w"}, "train.flat_like: it is the spectrum of no variable; give flat_in"),
        (
            {"flat_in": ("ht",), "flat_like": "gluo"},
            "train.flat_like: there is no class 'gluo'; did you mean 'gluon'.; choose",
        ),
        ({"class_weights": {"z": 2}}, "train.class_weights: there is no class 'z'"),
        ({"class_weights": {"w": -1}}, "train.class_weights: 'w' is -1; give a number above 0"),
    ],
)
def test_what_is_refused(tmp_path, changes, sentence):
    labels = np.arange(60) // 5 % 3
    file = write_image_file(
        tmp_path / "a.h5",
        images=make_images(60),
        columns={"label": labels.astype(np.int8)},
        label=-1,
        classes=CLASSES,
    )
    with pytest.raises(InputError, match=sentence):
        fakes_training.train(ImageCollection([file]), tmp_path / "m", TrainingOptions(**changes))


@pytest.mark.parametrize(
    ("train", "sentence"),
    [
        ({"flat_in": ["pt", "tau21"], "flat_like": "gluon", "class_weights": {"w": 2}}, None),
        ({"flat_in": ["tau32"]}, "models.cnn.flat_in': there is no variable 'tau32' of one number"),
        ({"flat_in": ["constituents"]}, "there is no variable 'constituents' of one number a row"),
        ({"flat_in": ["pt"], "flat_like": "gluo"}, "flat_like': there is no class 'gluo'; did you"),
        ({"flat_like": "gluon"}, "models.cnn.flat_like': it needs flat_in, which names"),
        ({"class_weights": {"top": 2}}, "models.cnn.class_weights': there is no class 'top'"),
        ({"class_weights": {"w": 0}}, "train.class_weights.w': 0 is less than or equal to"),
    ],
)
def test_what_the_configuration_refuses(train, sentence):
    samples = {name: {"label": name, "files": [f"{name}.root"]} for name in CLASSES}
    values = {"samples": samples, "classes": {name: {} for name in CLASSES}, "train": train}
    values["images"] = {"kind": "jet", "jets": {"variables": ["tau21"]}}
    if sentence is None:
        Configuration.from_mapping(values).check_names()
        return
    with pytest.raises(InputError, match=sentence):
        Configuration.from_mapping(values).check_names()
