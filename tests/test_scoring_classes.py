"""Networks of several classes in use: heads, tables of layers, ONNX, attributions, ROOT files."""

import numpy as np
import onnxruntime
import pytest
import torch
from fakes import make_images
from fakes_models import IMAGE_NETWORKS, make_specification, make_trained
from scipy.special import log_softmax

from calovision.core.errors import InputError
from calovision.models import ScalingStatistics, average_models, make_model, network_table
from calovision.scoring import score_images
from calovision.scoring.attribution import completeness_gap, integrated_gradients
from calovision.scoring.onnx_export import export_onnx
from calovision.scoring.score_files import COLUMNS, ScoredEntries, score_columns

SHAPE = (2, 16, 16)
CLASSES = ("quark", "gluon", "w", "top")
FUSION = {"variables": ("ht", "mj_sum"), "n_variables": 2}
STATISTICS = ScalingStatistics(variable_mean=np.full(2, 500.0), variable_std=np.full(2, 300.0))


@pytest.mark.parametrize("name", [*IMAGE_NETWORKS, "deep_sets", "particle_transformer"])
def test_every_network_gives_a_logit_of_each_class(name):
    changes = {}
    if name not in IMAGE_NETWORKS:
        changes = {"variables": ("leading_towers", "leading_tracks"), "n_variables": 29}
        changes["options"] = {"towers": 5, "tracks": 3, "width": 8}
    two, four = (
        make_specification(SHAPE, network=name, classes=classes, **changes)
        for classes in ((), CLASSES)
    )
    assert (two.n_outputs, four.n_outputs) == (1, 4)
    rows = network_table(four).rows
    assert rows[-1].output_shape == (4,)
    before = network_table(two)
    assert before.rows[-1].output_shape == (1,)
    n_features = rows[-1].multiply_adds // 4
    assert network_table(four).parameters - before.parameters == 3 * (n_features + 1)


def test_with_variables_the_head_is_that_of_both():
    model = make_trained(SHAPE, classes=CLASSES, statistics=STATISTICS, **FUSION)
    images = make_images(5, SHAPE)
    variables = np.random.default_rng(1).normal(500, 300, (5, 2))
    found = score_images(model, images, variables, device="cpu")
    assert found.shape == (5, 4)
    with torch.inference_mode():
        logits = model(torch.from_numpy(images), torch.from_numpy(variables).float()).double()
    np.testing.assert_allclose(found, log_softmax(logits.numpy(), axis=1), atol=1e-6)
    other = score_images(model, images, variables[::-1].copy(), device="cpu")
    assert np.abs(found - other)[[0, 1, 3, 4]].max() > 1e-3


def test_one_logit_of_two_named_classes_is_that_of_before():
    torch.manual_seed(3)
    named = make_model(make_specification(SHAPE, classes=("quark", "top")))
    torch.manual_seed(3)
    unnamed = make_model(make_specification(SHAPE))
    images = make_images(5, SHAPE)
    found, expected = (score_images(one, images, device="cpu") for one in (named, unnamed))
    assert found.shape == (5,)
    np.testing.assert_array_equal(found, expected)


def test_onnx_gives_the_probabilities_of_torch(tmp_path):
    """Of the mean of two networks, averaged over rotations."""
    named = {"network": "fakes_networks:LinearInTheSum", "scaling": "none", "classes": CLASSES[:3]}
    model = average_models([make_trained(SHAPE, seed=seed, **named) for seed in (1, 2)])
    assert export_onnx(model, tmp_path / "a.onnx", n_rotations=1) <= 1e-5
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx")
    images = make_images(7, SHAPE, seed=5, scale=0.1)
    names = ["log_probability", "probability"]
    assert [output.name for output in session.get_outputs()] == names
    logarithms, probabilities = session.run(names, {"images": images})
    assert logarithms.shape == probabilities.shape == (7, 3)
    expected = score_images(model, images, device="cpu", n_rotations=1)
    np.testing.assert_allclose(logarithms, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(probabilities, np.exp(expected), atol=1e-6)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_onnx_of_a_network_of_points_takes_any_number_of_images(tmp_path):
    points = {"variables": ("leading_towers", "leading_tracks"), "n_variables": 29}
    options = {"towers": 5, "tracks": 3, "width": 8}
    model = make_trained(
        SHAPE, network="particle_transformer", classes=CLASSES[:3], options=options, **points
    )
    export_onnx(model, tmp_path / "a.onnx", n_rotations=1)
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx")
    variables = np.random.default_rng(1).random((7, 29)).astype(np.float32)
    images = make_images(7, SHAPE, seed=5)
    for n in (1, 7):
        inputs = {"images": images[:n], "variables": variables[:n]}
        (found,) = session.run(["log_probability"], inputs)
        expected = score_images(model, images[:n], variables[:n], device="cpu")
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_attributions_explain_the_class_of_each_image():
    model = make_trained(SHAPE, classes=CLASSES, options={"width": 4})
    images = make_images(6, SHAPE, seed=5, scale=20.0)
    labels = np.array([0, 1, 2, 3, 3, 0])
    found = integrated_gradients(model, images, label=labels, n_steps=64)
    gap = completeness_gap(model, images, found, label=labels)
    empty = np.zeros((1, *SHAPE), dtype=np.float32)
    scores, base = (score_images(model, one, device="cpu") for one in (images, empty))
    change = scores[np.arange(6), labels] - base[0, labels]
    np.testing.assert_allclose(found.sum(axis=(1, 2, 3)) - gap, change, atol=1e-4)
    assert np.abs(gap).max() < 0.1 * np.abs(change).max()
    of_top = integrated_gradients(model, images, label=3, n_steps=64)
    np.testing.assert_allclose(of_top[3:5], found[3:5], atol=1e-5)
    assert np.abs(of_top[0] - found[0]).max() > 1e-4
    with pytest.raises(InputError, match=r"give the number of the class .*, of 0 quark, 1 gluon"):
        integrated_gradients(model, images)
    with pytest.raises(InputError, match="label 4 to 4: the classes are 0 quark"):
        integrated_gradients(model, images, label=4)
    with pytest.raises(InputError, match="has one logit to explain: leave label out"):
        integrated_gradients(make_trained(SHAPE), images, label=0)


def test_columns_of_root_files():
    assert score_columns(()) == score_columns(("quark", "top")) == COLUMNS
    assert score_columns(("t->bW", "qcd", "h")) == (
        "probability_t__bW",
        "probability_qcd",
        "probability_h",
    )
    with pytest.raises(InputError, match="would have columns of one name, probability_a_b, "):
        score_columns(("a-b", "a_b", "c"))
    entries = ScoredEntries(
        np.array([True, False, True]), {"probability_top": np.arange(3.0)}, np.array([2, 0, 1])
    )
    padded = entries.padded(2)["probability_top"]
    np.testing.assert_array_equal(padded, [[0, 1], [np.nan, np.nan], [2, np.nan]])
