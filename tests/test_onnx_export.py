"""ONNX: every network gives in onnxruntime what it gives in torch, and a file is complete or not
there."""

import json
import logging
import sys
import warnings

import numpy as np
import onnxruntime
import pytest
import torch
from fakes import make_images
from fakes_models import IMAGE_NETWORKS, WeightedSum, make_trained
from scipy.special import expit

from calovision.core.errors import InputError
from calovision.models import ScalingStatistics
from calovision.scoring import score_images
from calovision.scoring.onnx_export import export_onnx

SHAPE = (2, 16, 16)


def run_file(path, **inputs):
    """Logit and probability by onnxruntime, or of more than two classes their logarithms and
    probabilities."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, inputs)


FUSION = {"variables": ("ht", "mj_sum"), "n_variables": 2}
# every scaling once, some with variables, and few blocks, since an export takes seconds
CHANGES = {
    "hep_cnn": {"scaling": "maximum", "options": {"dense": 16}},
    "nersc": {"scaling": "image", "options": {"width": 16}, **FUSION},
    "resnet": {"scaling": "none", "options": {"n_blocks": (1, 1, 1)}, "classes": tuple("abcd")},
    "jet_cnn": {"scaling": "standardize", "circular": False, **FUSION},
    "resnet3d": {
        "channels": ("energy_layer1", "energy_layer3"),
        "options": {"stem": 2, "widths": (3,), "n_blocks": (1,), "depths": (1.5, 4.0)},
    },
}
STATISTICS = ScalingStatistics(
    maxima=np.array([40.0, 60.0]),
    mean=np.full(SHAPE, 2.0),
    std=np.full(SHAPE, 5.0),
    variable_mean=np.full(2, 500.0),
    variable_std=np.full(2, 300.0),
)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Function giving model and file of a network, exported once."""
    made = {}

    def export(name):
        if name not in made:
            model = make_trained(
                SHAPE, network=name, statistics=STATISTICS, **CHANGES.get(name, {})
            )
            path = tmp_path_factory.mktemp("onnx") / f"{name}.onnx"
            assert export_onnx(model, path) <= 1e-5
            made[name] = model, path
        return made[name]

    return export


@pytest.mark.parametrize("name", [*IMAGE_NETWORKS, "resnet3d"])
def test_every_network_agrees_with_torch(exported, name):
    model, path = exported(name)
    assert [file.name for file in path.parent.iterdir()] == [path.name]  # the weights are inside
    inputs = {"images": make_images(7, SHAPE, seed=5, scale=20.0)}
    inputs["images"][:, 1] *= -1  # noise
    if model.specification.n_variables:
        inputs["variables"] = np.random.default_rng(1).normal(500, 300, (7, 2)).astype(np.float32)
    for n in (1, 3, 7):
        some = {key: values[:n] for key, values in inputs.items()}
        logit, probability = run_file(path, **some)
        of_classes = model.specification.n_outputs > 1
        assert logit.shape == probability.shape == ((n, 4) if of_classes else (n,))
        with torch.inference_mode():
            expected = model(**{key: torch.from_numpy(values) for key, values in some.items()})
        expected = expected.log_softmax(dim=1) if of_classes else expected
        assert logit == pytest.approx(expected.numpy(), rel=1e-5, abs=1e-5)
        assert probability == pytest.approx((np.exp if of_classes else expit)(logit), abs=1e-6)
        assert logit == pytest.approx(score_images(model, **some), rel=1e-5, abs=1e-5)
    assert np.ptp(logit) > 1e-3
    if model.specification.n_variables:
        other = run_file(path, images=inputs["images"], variables=inputs["variables"][::-1])[0]
        assert np.abs(logit - other).max() > 1e-3


def test_network_on_points_agrees_with_torch(tmp_path):
    points = {"variables": ("leading_towers", "leading_tracks"), "n_variables": 4 * 5 + 3 * 3}
    options = {"towers": 5, "tracks": 3, "width": 8}
    model = make_trained(SHAPE, network="deep_sets", options=options, **points)
    assert export_onnx(model, tmp_path / "a.onnx") <= 1e-5
    images, variables = (
        make_images(6, SHAPE),
        np.random.default_rng(1).normal(1, 2, (6, 29)).astype(np.float32),
    )
    logit, _ = run_file(tmp_path / "a.onnx", images=images, variables=variables)
    with torch.inference_mode():
        expected = model(torch.from_numpy(images), torch.from_numpy(variables)).numpy()
    assert logit == pytest.approx(expected, rel=1e-5, abs=1e-5)
    assert len(np.unique(logit)) == 6


def test_the_seam_in_phi_is_in_the_file(exported):
    """Turned by what the pooling takes, the output is that of torch and not that of zeros beyond
    the edge."""
    model, path = exported("small")
    image = np.zeros((1, *SHAPE), dtype=np.float32)
    image[0, 0, 8, 15], image[0, 0, 8, 0] = 50.0, 30.0
    astride, _ = run_file(path, images=image)
    inside, _ = run_file(path, images=np.roll(image, 8, axis=3))
    assert inside == pytest.approx(astride, rel=1e-5)
    with torch.inference_mode():
        assert astride == pytest.approx(model(torch.from_numpy(image)).numpy(), rel=1e-5, abs=1e-5)


def test_the_file_says_what_it_takes(exported):
    model, path = exported("small")
    session = onnxruntime.InferenceSession(path)
    stored = json.loads(session.get_modelmeta().custom_metadata_map["calovision"])
    assert stored == json.loads(json.dumps(model.specification.to_dict()))
    (images,) = session.get_inputs()
    assert (images.name, images.type, images.shape[1:]) == ("images", "tensor(float)", list(SHAPE))
    assert isinstance(images.shape[0], str)
    assert [output.name for output in session.get_outputs()] == ["logit", "probability"]


def test_the_average_over_the_group_with_variables_and_in_silence(tmp_path, capfd, caplog):
    """All at once, since an export takes seconds."""
    weights = torch.randn(SHAPE, generator=torch.Generator().manual_seed(1))
    model = WeightedSum(
        SHAPE, weights=weights / 20, variables=("ht", "mj_sum"), n_variables=2
    ).train()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        export_onnx(model, tmp_path / "a.onnx", n_rotations=4)
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert logging.getLogger("torch.onnx").level == logging.NOTSET
    assert model.training
    images = make_images(5, SHAPE)
    variables = np.random.default_rng(1).normal(size=(5, 2)).astype(np.float32)
    logit, _ = run_file(tmp_path / "a.onnx", images=images, variables=variables)
    assert logit == pytest.approx(score_images(model, images, variables, n_rotations=4), abs=1e-5)
    plain = score_images(model, images, variables)
    assert np.abs(logit - plain).max() > 1e-3
    turned = np.roll(images, 4, axis=3)[:, :, ::-1]
    assert run_file(tmp_path / "a.onnx", images=turned, variables=variables)[0] == pytest.approx(
        logit, abs=1e-5
    )


class Undefined(WeightedSum):
    """Not exportable: what it computes depends on the contents."""

    def forward(self, images, variables=None):
        return images.sum(dim=(1, 2, 3)) if float(images.sum()) > 0 else images.mean(dim=(1, 2, 3))


class Random(WeightedSum):
    """Another output every time."""

    def forward(self, images, variables=None):
        return images.sum(dim=(1, 2, 3)) + torch.rand_like(images[:, 0, 0, 0])


class FixedBatch(WeightedSum):
    """The exporter takes the number of images for a constant."""

    def forward(self, images, variables=None):
        return images.sum(dim=(1, 2, 3)) / [len(images)][0]


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (
            Undefined((1, 2, 4), network="mine:Undefined"),
            r"the network 'mine:Undefined' cannot be exported to ONNX: \S.*",
        ),
        (
            FixedBatch((1, 2, 4)),
            "the network 'small' takes batches of 2 images only once it is exported",
        ),
        (Random((1, 2, 4)), "not written, since it would differ from torch by"),
    ],
)
def test_networks_that_cannot_be_exported(tmp_path, model, sentence):
    path = tmp_path / "a.onnx"
    path.write_text("precious")
    with pytest.raises(InputError, match=sentence) as error:
        export_onnx(model, path)
    assert "\n" not in str(error.value)
    assert path.read_text() == "precious"
    assert [file.name for file in tmp_path.iterdir()] == ["a.onnx"]


@pytest.mark.parametrize("name", ["onnx", "onnxscript", "onnxruntime"])
def test_without_the_packages(tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        InputError, match=rf"needs the package {name}: pip install 'calovision\[onnx\]'"
    ):
        export_onnx(WeightedSum((1, 2, 4)), tmp_path / "a.onnx")


def test_no_average_for_jets(tmp_path):
    model = WeightedSum(kind="jet", grid={"n_eta": 8, "n_phi": 8, "width": 1.6})
    with pytest.raises(InputError, match="jet images do not wrap around"):
        export_onnx(model, tmp_path / "a.onnx", n_rotations=2)
