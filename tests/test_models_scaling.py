"""Scalings, variables beside the image, specifications, and a user's own network."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
from fakes import make_images, to_sparse
from fakes_models import make_specification
from fakes_networks import MeanFeatures
from torch import nn

from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid
from calovision.models import SCALINGS, ModelSpecification, ScalingStatistics, make_model
from calovision.storage import PixelStatistics, standardize

SHAPE = (2, 8, 8)


@pytest.fixture(autouse=True)
def fixed_seed():
    torch.manual_seed(1)


def images_of(n, *, seed=1):
    return torch.from_numpy(make_images(n, SHAPE, seed=seed, scale=30.0))


def scaled(name, images, **statistics):
    """What the network gets to see."""
    model = make_model(make_specification(SHAPE, scaling=name), ScalingStatistics(**statistics))
    return model.scaling(images)


def test_log_scaling():
    contents = np.array([0.0, 1.0, np.e - 1, 1e5, -1.0, -1e5]).reshape(1, 1, 2, 3)
    found = scaled("log1p", torch.from_numpy(contents).float())
    np.testing.assert_allclose(
        found.flatten(), [0, np.log(2), 1, np.log(1e5 + 1), -np.log(2), -np.log(1e5 + 1)], 1e-6
    )
    images = images_of(3)
    assert torch.equal(scaled("log1p", images), torch.log1p(images))


def test_maximum_scaling():
    images = images_of(5)
    images[:, 1] = 0  # a channel that is empty everywhere
    maxima = images.amax(dim=(0, 2, 3)).numpy()
    found = scaled("maximum", images, maxima=maxima)
    torch.testing.assert_close(found[:, 0], images[:, 0] / float(maxima[0]))
    assert found[:, 0].max() == 1
    assert not found[:, 1].any()


def test_image_scaling():
    images = images_of(4)
    images[2] = 0
    images[3, 0] *= -1e-3
    found = scaled("image", images)
    for n, channel in np.ndindex(4, 2):
        largest = images[n, channel].abs().max()
        torch.testing.assert_close(
            found[n, channel], images[n, channel] / (largest if largest > 0 else 1)
        )


@pytest.mark.parametrize("floor", [0.0, 0.02])
def test_standard_scaling_is_that_of_the_jet_recipe(floor):
    images = images_of(30)
    images[:, 0, 3, 4] = 7.0  # a cell that never changes
    doubled = images.double().numpy()
    pixels = PixelStatistics(30, doubled.sum(axis=0), (doubled**2).sum(axis=0))
    expected = standardize(images.numpy(), pixels, floor=floor)
    found = scaled("standardize", images, mean=pixels.mean, std=pixels.std + floor)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-5)
    assert not found[:, 0, 3, 4].any()


def test_no_scaling():
    images = images_of(3)
    assert scaled("none", images) is images


OF_CELLS = {"log1p": True, "maximum": False, "image": False, "standardize": False, "none": True}


@pytest.mark.parametrize("name", SCALINGS)
def test_scalings_of_cells_commute_with_making_images_dense(name):
    """Sparse contents, some of them negative, scaled and then dense: as dense and then scaled;
    empty cells stay so."""
    ones = np.ones(SHAPE)
    statistics = ScalingStatistics(maxima=np.full(2, 3.0), mean=ones, std=2 * ones)
    scaling = make_model(make_specification(SHAPE, scaling=name), statistics).scaling
    assert scaling.of_cells is OF_CELLS[name]
    images = images_of(5)
    images[1] *= -1
    expected = scaling(images)
    if scaling.of_cells:
        rows = to_sparse(images.numpy())
        rows.values[:] = scaling(torch.from_numpy(rows.values)).numpy()
        torch.testing.assert_close(torch.from_numpy(rows.dense()), expected, rtol=1e-6, atol=0)
        assert not scaling(torch.zeros(3)).any()


@pytest.mark.parametrize("name", SCALINGS)
def test_images_that_were_scaled_already(name):
    ones = np.ones(SHAPE)
    statistics = ScalingStatistics(maxima=np.full(2, 3.0), mean=ones, std=2 * ones)
    model = make_model(make_specification(SHAPE, scaling=name), statistics).eval()
    images = images_of(4)
    with torch.no_grad():
        found = model(model.scaling(images), is_scaled=True)
        torch.testing.assert_close(found, model(images), rtol=1e-5, atol=1e-6)
        if name != "none":
            assert not torch.allclose(model(images, is_scaled=True), model(images))


@pytest.mark.parametrize("name", SCALINGS)
def test_scaling_is_applied_before_the_network(name):
    ones = np.ones(SHAPE)
    statistics = ScalingStatistics(maxima=np.full(2, 3.0), mean=ones, std=2 * ones)
    specification = make_specification(SHAPE, network="fakes_networks:MeanFeatures", scaling=name)
    model = make_model(specification, statistics)
    images = images_of(3)
    mean = model.scaling(images).mean(dim=(2, 3))  # (n, c), the features of this network
    torch.testing.assert_close(model(images), mean @ model.head.weight[0] + model.head.bias)


@pytest.mark.parametrize(
    ("changes", "statistics", "message"),
    [
        ({"scaling": "maximum"}, {}, "scaling 'maximum' needs the maxima of the training split"),
        ({"scaling": "maximum"}, {"maxima": np.ones(3)}, r"maxima of shape \(2,\), not \(3,\)"),
        (
            {"scaling": "maximum"},
            {"maxima": np.array([1, np.nan])},
            "maxima of the training split is not finite",
        ),
        (
            {"scaling": "standardize"},
            {"mean": np.ones(SHAPE)},
            "scaling 'standardize' needs the std",
        ),
        (
            {"scaling": "standardize"},
            {"std": np.ones(SHAPE)},
            "scaling 'standardize' needs the mean",
        ),
        (
            {"n_variables": 2},
            {"variable_mean": np.ones(2)},
            "a model with variables needs the variable_std",
        ),
        (
            {"n_variables": 2},
            {"variable_mean": np.ones(1)},
            r"variable_mean of shape \(2,\), not \(1,\)",
        ),
    ],
)
def test_missing_or_wrong_statistics(changes, statistics, message):
    with pytest.raises(InputError, match=message):
        make_model(make_specification(SHAPE, **changes), ScalingStatistics(**statistics))


VARIABLES = {"variables": ("ht", "mj_sum"), "n_variables": 3}


def fused(network="small", **changes):
    statistics = ScalingStatistics(
        variable_mean=np.array([1e3, -2.0, 5.0]), variable_std=np.array([200.0, 0.5, 0.0])
    )
    return make_model(
        make_specification(SHAPE, network=network, **VARIABLES, **changes), statistics
    ).eval()


@pytest.mark.parametrize(
    "network", ["small", "fakes_networks:MeanFeatures", "fakes_networks:LoneFeatures"]
)
def test_fusion_head_by_hand(network):
    """Features and standardized variables into a dense layer of 64; a variable that never changed
    counts as 0."""
    model, images = fused(network), images_of(4)
    variables = torch.tensor([[1e3, -2, 5], [1400, -2, 5], [1e3, -1, 6], [200, 0, 5]])
    standardized = torch.tensor([[0.0, 0, 0], [2, 0, 0], [0, 2, 0], [-4, 4, 0]])
    features = model.network.features(torch.log1p(images))
    first, _, last = model.head.dense
    hidden = torch.relu(torch.cat((features, standardized), dim=1) @ first.weight.T + first.bias)
    assert hidden.shape == (4, 64)
    torch.testing.assert_close(model(images, variables), hidden @ last.weight[0] + last.bias)
    assert not torch.equal(model(images, variables), model(images, variables[[0, 0, 0, 0]]))


@pytest.mark.parametrize("variables", [None, torch.zeros(2, 4)])
def test_variables_that_do_not_fit(variables):
    with pytest.raises(InputError, match=r"the model takes 3 of each event \(ht, mj_sum\)"):
        fused()(images_of(2), variables)


def test_variables_that_nobody_asked_for():
    with pytest.raises(InputError, match="1 given, but the model takes 0"):
        make_model(make_specification(SHAPE))(images_of(2), torch.zeros(2, 1))


def test_image_of_another_shape():
    """Networks that average would take it."""
    model = make_model(make_specification((2, 16, 16), network="nersc", options={"width": 4}))
    with pytest.raises(
        InputError, match=r"images of shape \(1, 2, 32, 32\), but the model takes \(n, 2, 16, 16\)"
    ):
        model(torch.zeros(1, 2, 32, 32))


@pytest.mark.parametrize("network", ["LogitNetwork", "FlatLogitNetwork"])
def test_network_of_a_user(network):
    model = make_model(make_specification(SHAPE, network=f"fakes_networks:{network}")).eval()
    images = images_of(3)
    assert model.head is None
    logits = model(images)
    assert logits.shape == (3,)
    torch.testing.assert_close(logits, model.network(torch.log1p(images)).view(3))


def test_network_of_a_user_is_told_what_it_takes():
    """`circular` if it has that argument, and every option if it takes any."""
    specification = make_specification(
        SHAPE, network="fakes_networks:FlatLogitNetwork", circular=False, options={"depth": 3}
    )
    assert make_model(specification).network.told == {"circular": False, "depth": 3}


def test_features_of_a_user_get_the_common_head():
    model = make_model(make_specification(SHAPE, network="fakes_networks:MeanFeatures"))
    assert isinstance(model.network, MeanFeatures)
    assert isinstance(model.head, nn.Linear)


@pytest.mark.parametrize(
    ("network", "changes", "message"),
    [
        (
            "no_such_package:Net",
            {},
            "cannot be imported .ModuleNotFoundError.*its folder in PYTHONPATH",
        ),
        ("fakes_networks:Absent", {}, "cannot be imported .AttributeError"),
        (":Net", {}, "':Net' cannot be imported"),
        ("fakes_networks:", {}, "cannot be imported"),
        ("fakes_networks:no_class", {}, "no class derived from torch.nn.Module"),
        ("fakes_networks:SHAPE", {}, "cannot be imported"),
        ("json:JSONDecoder", {}, "no class derived from torch.nn.Module"),
        (
            "fakes_networks:LogitNetwork",
            {"options": {"depth": 1}},
            "has no option depth: it has width",
        ),
        (
            "fakes_networks:NeedsMore",
            {},
            "cannot be built for images .2, 8, 8. with options .*'size'",
        ),
        (
            "fakes_networks:LogitNetwork",
            VARIABLES,
            "cannot take variables: it needs a method features",
        ),
    ],
)
def test_wrong_network_of_a_user(network, changes, message):
    with pytest.raises(InputError, match=message):
        make_model(make_specification(SHAPE, network=network, **changes))


def test_user_network_without_one_logit_an_image():
    model = make_model(make_specification(SHAPE, network="fakes_networks:TwoLogits"))
    with pytest.raises(InputError, match=r"gives \(3, 2\), but must give one logit an image"):
        model(images_of(3))


def test_specification_survives_json():
    """Also the tuples in the grid and the options, which JSON makes lists."""
    grid = asdict(EtaPhiGrid.with_eta_edges((-2.5, -1.0, 0.0, 2.5), 4))
    original = ModelSpecification(
        "resnet",
        (2, 3, 4),
        channels=("em_et", "tracks"),
        units=("GeV", ""),
        grid=grid,
        variables=("ht", "fat_jets"),
        n_variables=21,
        scaling="maximum",
        circular=False,
        options={"widths": (32, 64)},
    )
    again = ModelSpecification.from_dict(json.loads(json.dumps(original.to_dict())))
    assert again == original
    assert (again.image_shape, again.channels, again.variables) == (
        (2, 3, 4),
        ("em_et", "tracks"),
        ("ht", "fat_jets"),
    )
    assert (
        ModelSpecification.from_dict({"network": "small", "image_shape": [1, 8, 8]}).scaling
        == "log1p"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"scaling": "log"},
            "unknown scaling 'log': choose from log1p, maximum, image, standardize, none",
        ),
        ({"image_shape": (2, 8)}, "image_shape is .2, 8., but must be the numbers of channels"),
        ({"image_shape": (2, 8, 0)}, "image_shape"),
        ({"image_shape": (2, 8, 8.0)}, "image_shape"),
        ({"image_shape": 64}, "image_shape is 64, but must be a list"),
        ({"channels": ("energy",)}, "channels is .*one for each of the 2 channels"),
        ({"channels": "et"}, "channels is 'et', but must be a list"),
        ({"units": (1, 2)}, "units is .1, 2., but must be a list of names"),
        ({"circular": "yes"}, "circular is 'yes', but must be true or false"),
        ({"network": None}, "network is None, but must be a name"),
        ({"options": [1]}, r"options is \[1\], but must be a mapping"),
        ({"options": {"a": {1, 2}}}, "options .* cannot be written as JSON"),
        ({"n_variables": -1}, "n_variables is -1, but must be 0 or more"),
        ({"width": 3}, "unknown width; known are channels, circular"),
    ],
)
def test_wrong_specification(changes, message):
    values = {"network": "small", "image_shape": SHAPE} | changes
    with pytest.raises(InputError, match=message):
        ModelSpecification.from_dict(values)


def test_incomplete_specification():
    with pytest.raises(InputError, match="image_shape and network must be given"):
        ModelSpecification.from_dict({})
