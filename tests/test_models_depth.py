"""The network of layers: which channel stands where, the symmetry in phi, files, ONNX, training."""

import numpy as np
import pytest
import torch
from fakes import make_images, write_image_file
from torch import nn

from calovision.core.depth import DepthAxis
from calovision.core.errors import InputError
from calovision.models import (
    ModelSpecification,
    count_parameters,
    load_model,
    make_model,
    save_model,
)
from calovision.models.resnet3d import DepthConv3d, Volumes
from calovision.scoring import score_images
from calovision.storage import ImageCollection
from calovision.training import TrainingOptions, train_network
from calovision.workflow.configuration import Configuration

CHANNELS = ("tracks", "em_layer2", "energy_layer0", "energy_layer1", "energy_layer2", "em_layer0")
SHAPE = (6, 12, 16)
LITTLE = {"stem": 3, "widths": [4, 5], "n_blocks": [1, 2]}


def make(**changes):
    torch.manual_seed(1)
    given = {"channels": CHANNELS, "options": LITTLE} | changes
    return make_model(ModelSpecification("resnet3d", SHAPE, **given)).eval()


def images_of(n, *, seed=1):
    return torch.from_numpy(make_images(n, SHAPE, seed=seed, scale=30.0))


def test_the_axis_of_depth_is_read_from_the_names():
    axis = DepthAxis.of(CHANNELS)
    assert axis.layers == (0, 1, 2)
    assert axis.quantities == ("em", "energy")
    assert axis.positions == ((5, None, 1), (2, 3, 4))
    assert axis.others == (0,)
    assert DepthAxis.of(("em", "tracks")) is None


def test_channels_become_volumes_by_quantity_and_layer():
    images = torch.rand(SHAPE)[None]
    volumes = Volumes(6, CHANNELS, [0.0, 2.0, 20.0])
    found = volumes(images)
    assert found.shape == (1, volumes.n_quantities, volumes.n_layers, 12, 16) == (1, 4, 3, 12, 16)
    zeros = torch.zeros(12, 16)
    em, energy, tracks, depth = found[0]
    assert torch.equal(em, torch.stack([images[0, 5], zeros, images[0, 1]]))
    assert torch.equal(energy, images[0, 2:5])
    assert torch.equal(tracks, images[0, [0, 0, 0]])
    assert torch.allclose(depth, torch.tensor([-1.0, -0.8, 1.0])[:, None, None])


@pytest.mark.parametrize("circular", [True, False])
def test_convolution_against_a_direct_sum(circular):
    """Neighbours of one cell: phi wraps around, depth and eta do not."""
    convolution = DepthConv3d(1, 1, circular=circular)
    nn.init.ones_(convolution.weight)
    volumes = torch.zeros(1, 1, 3, 4, 5)
    volumes[0, 0, 2, 0, 4] = 1.0
    expected = torch.zeros(3, 4, 5)
    expected[1:, :2, [3, 4, 0] if circular else [3, 4]] = 1.0
    assert torch.equal(convolution(volumes)[0, 0], expected)


def test_rotation_by_the_total_stride_leaves_the_logit_and_depth_does_not():
    model, images = make(), images_of(3)
    logits = model(images)
    assert model.network.total_stride == 4
    torch.testing.assert_close(model(images.roll(8, dims=3)), logits, rtol=1e-5, atol=1e-5)
    assert (model(images.roll(1, dims=3)) - logits).abs().max() > 1e-4
    other_order = images[:, [0, 1, 4, 3, 2, 5]]
    assert (model(other_order) - logits).abs().max() > 1e-4
    flat = make(circular=False)
    flat.load_state_dict(model.state_dict())
    assert (flat(images.roll(8, dims=3)) - flat(images)).abs().max() > 1e-4


def test_size_in_closed_form():
    """27 weights of each kernel, batch normalization, dense layer on depth and eta, head."""
    stem = 27 * 3 * 3 + 2 * 3
    first = 27 * (3 * 4 + 4 * 4) + 2 * 2 * 4 + (3 * 4 + 2 * 4)
    second = 27 * (4 * 5 + 5 * 5) + 2 * 2 * 5 + (4 * 5 + 2 * 5)
    third = 27 * 2 * 5 * 5 + 2 * 2 * 5
    dense = 5 * 3 * 3 * 64 + 64  # features, layers, rows in eta
    assert count_parameters(make()) == stem + first + second + third + dense + 65


def test_every_weight_is_trained_and_dropout_is_one_of_the_options():
    model = make(options=LITTLE | {"dropout": 0.0}, classes=("a", "b", "c")).train()
    logits = model(images_of(8))
    assert logits.shape == (8, 3)
    logits.square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.any(), name


def test_a_model_of_layers_goes_through_files(tmp_path):
    model, images = make(options=LITTLE | {"depths": [1, 2, 5]}), images_of(5)
    save_model(tmp_path, model)
    read = load_model(tmp_path)
    assert read.specification.channels == CHANNELS
    assert torch.equal(read(images), model(images))


def test_it_trains_and_scores_and_may_stand_beside_points(tmp_path):
    about = {"channels": CHANNELS, "units": ("",) * len(CHANNELS)}
    paths = [
        write_image_file(
            tmp_path / f"{label}.h5",
            images=make_images(40, SHAPE, seed=label, scale=1.0 + 3 * label),
            **about,
            label=label,
            sample=f"sample{label}",
            source_files=[(f"{label}.root", f"uuid{label}")],
        )
        for label in (0, 1)
    ]
    collection = ImageCollection(paths)
    options = TrainingOptions(
        network="resnet3d", options=LITTLE, epochs=1, device="cpu", precision="fp32"
    )
    folder = tmp_path / "model"
    train_network(collection, folder, options, luminosity_fb=1.0, progress_bar=False)
    model = load_model(folder)
    scores = score_images(model, collection.dense([0, 1, 50]))
    assert scores.shape == (3,)
    assert np.isfinite(scores).all()
    specification = ModelSpecification(
        "image_and_points",
        SHAPE,
        channels=CHANNELS,
        variables=("leading_towers", "leading_tracks"),
        n_variables=3 * 4 + 2 * 3,
        options={"image": "resnet3d", "image_options": LITTLE, "towers": 3, "tracks": 2},
    )
    beside = make_model(specification)
    assert beside.network.of_image.volumes.n_layers == 3
    assert beside.memory_format == torch.contiguous_format
    assert beside(images_of(2), torch.rand(2, 18)).shape == (2,)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"channels": ("a", "b", "c", "d", "e", "f")},
            "needs channels by layer, as energy_layer0-11, but the images have a, b, c",
        ),
        ({"seen_channels": ("tracks",)}, "but the images have tracks"),
        ({"options": {"depths": [1, 2]}}, "one for each of the layers 0, 1, 2"),
        ({"options": {"depths": [1, 2, 2]}}, "must be a list of different numbers"),
        ({"options": {"widths": [8]}}, "1 widths and 2 n_blocks: give both as many"),
        ({"options": {"stem": 0}}, "option stem is 0"),
        ({"options": {"channels": ["a"]}}, "has no option channels"),
    ],
)
def test_what_it_cannot_be_made_of_is_told(changes, sentence):
    with pytest.raises(InputError, match=sentence):
        make(**changes)


def test_the_configuration_says_that_it_needs_layers():
    models = {"deep": {"network": "resnet3d"}}
    channels = {"channels": ["energy_layer0-3", "tracks"]}
    Configuration.from_mapping({"models": models, "images": channels}).check_names()
    for changes, key in (
        ({"models": models}, "images.channels are em_et, had_et, tracks"),
        (
            {"models": {"deep": models["deep"] | {"channels": ["tracks"]}}, "images": channels},
            "models.deep.channels are tracks",
        ),
    ):
        with pytest.raises(InputError, match=f"'resnet3d' needs channels by layer, but {key}"):
            Configuration.from_mapping(changes).check_names()
    deep = {"network": "resnet3d", "options": {"depths": [1, 2]}}
    with pytest.raises(
        InputError, match=r"'models.deep.options': .* one for each of the layers 0, 1"
    ):
        Configuration.from_mapping({"models": {"deep": deep}, "images": channels}).check_names()
