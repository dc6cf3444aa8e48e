"""Networks: shapes, the symmetry in phi, sizes, and what they refuse."""

import numpy as np
import pytest
import torch
from fakes import make_images
from fakes_models import IMAGE_NETWORKS
from torch import nn

from calovision.core.errors import InputError
from calovision.models import (
    NETWORKS,
    EtaPhiConv2d,
    ModelSpecification,
    ScalingStatistics,
    count_parameters,
    make_model,
)
from calovision.models.layers import wrap_in_phi

SMALLEST = {"small": 8, "hep_cnn": 4, "nersc": 16, "resnet": 16, "jet_cnn": 8}
LITTLE = {  # as the networks, but quick
    "small": {},
    "hep_cnn": {"dense": 8},
    "nersc": {"width": 6, "n_blocks": 2},
    "resnet": {"stem": 4, "widths": [4, 6], "n_blocks": [1, 2]},
    "jet_cnn": {"widths": [4, 5, 6, 7], "dense": [8, 9]},
}


@pytest.fixture(autouse=True)
def fixed_seed():
    torch.manual_seed(1)


def make(name, shape, **changes):
    return make_model(ModelSpecification(name, shape, **changes))


def images_of(n, shape, *, seed=1, scale=30.0):
    return torch.from_numpy(make_images(n, shape, seed=seed, scale=scale))


def in_use(model, shape):
    """In evaluation, after batch normalization saw some images, so that its running statistics are
    not trivial."""
    model.train()
    model(images_of(16, shape))
    return model.eval()


@pytest.mark.parametrize("circular", [True, False])
@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4, 5])
def test_convolution_keeps_the_size(kernel_size, circular):
    images = torch.rand(2, 3, 6, 10)
    assert EtaPhiConv2d(3, 4, kernel_size, circular=circular)(images).shape == (2, 4, 6, 10)


@pytest.mark.parametrize("circular", [True, False])
def test_convolution_against_a_direct_sum(circular):
    """3x3 sum of neighbors by hand: phi wraps around, eta is padded with zeros."""
    convolution = EtaPhiConv2d(1, 1, circular=circular, bias=False)
    nn.init.ones_(convolution.weight)
    images = torch.zeros(1, 1, 4, 5)
    images[0, 0, 0, 4] = 1.0
    expected = torch.zeros(4, 5)
    expected[:2, [3, 4, 0] if circular else [3, 4]] = 1.0
    assert torch.equal(convolution(images)[0, 0], expected)


@pytest.mark.parametrize("circular", [True, False])
@pytest.mark.parametrize(("kernel_size", "stride"), [(2, 1), (3, 1), (3, 2), (4, 1), (5, 2)])
def test_convolution_by_brute_force(kernel_size, stride, circular):
    """Every output cell as the sum over the kernel, with the cell that each of its weights sees."""
    convolution = EtaPhiConv2d(2, 3, kernel_size, stride, circular=circular)
    images = torch.rand(2, 2, 5, 7)
    weight, bias, before = (
        convolution.weight.detach(),
        convolution.bias.detach(),
        (kernel_size - 1) // 2,
    )
    rows, columns = range(0, 5, stride), range(0, 7, stride)
    expected = torch.zeros(2, 3, len(rows), len(columns))
    for n, out, i, j in np.ndindex(expected.shape):
        total = bias[out].clone()
        for k, m in np.ndindex(kernel_size, kernel_size):
            row, column = rows[i] + k - before, columns[j] + m - before
            if 0 <= row < 5 and (circular or 0 <= column < 7):
                total += (weight[out, :, k, m] * images[n, :, row, column % 7]).sum()
        expected[n, out, i, j] = total
    torch.testing.assert_close(convolution(images).detach(), expected)


@pytest.mark.parametrize("kernel_size", [3, 4, 5])
@pytest.mark.parametrize("shift", [1, 5, -3])
def test_convolution_commutes_with_rotations(kernel_size, shift):
    convolution, images = EtaPhiConv2d(2, 3, kernel_size), torch.rand(2, 2, 6, 10)
    turned = convolution(images.roll(shift, dims=3))
    torch.testing.assert_close(turned, convolution(images).roll(shift, dims=3))
    assert not torch.allclose(
        convolution(images.roll(1, dims=2)), convolution(images).roll(1, dims=2)
    )


@pytest.mark.parametrize(("before", "after"), [(1, 1), (1, 2), (2, 2), (3, 1)])
def test_wrapping_equals_that_of_torch(before, after):
    """Values, gradients, and the order of the memory, which torch's own loses."""
    images = torch.rand(2, 3, 4, 6).contiguous(memory_format=torch.channels_last).requires_grad_()
    expected = nn.functional.pad(images, (before, after, 0, 0), mode="circular")
    found = wrap_in_phi(images, before, after)
    assert torch.equal(found, expected)
    assert found.is_contiguous(memory_format=torch.channels_last)
    upstream = torch.rand_like(expected)
    gradients = [torch.autograd.grad(padded, images, upstream)[0] for padded in (found, expected)]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("name", IMAGE_NETWORKS)
def test_smallest_and_odd_images(name):
    size = SMALLEST[name]
    for shape in [(1, size, size), (2, size, size + 3), (2, size + 5, size)]:
        for circular in (True, False):
            logits = make(name, shape, circular=circular).eval()(images_of(2, shape))
            assert logits.shape == (2,)
            assert torch.isfinite(logits).all()


@pytest.mark.parametrize("name", IMAGE_NETWORKS)
@pytest.mark.parametrize("along", ["eta", "phi"])
def test_image_that_is_too_small(name, along):
    size = SMALLEST[name]
    shape = (3, size - 1, 64) if along == "eta" else (3, 64, size - 1)
    message = (
        f"'{name}' needs images of at least {size}x{size} cells, not {shape[1]}x{shape[2]}: "
        "change images.grid"
    )
    with pytest.raises(InputError, match=message):
        make(name, shape)


@pytest.mark.parametrize("name", IMAGE_NETWORKS)
@pytest.mark.parametrize(
    "shape", [(3, 64, 64), (3, 224, 224), (1, 25, 25), (3, 33, 33), (4, 37, 37)]
)
def test_one_logit_an_image(name, shape):
    """On the device without memory, where a network of any size can be built and run."""
    for n in (1, 4):
        with torch.device("meta"):
            logits = make(name, shape).eval()(torch.zeros(n, *shape))
        assert (logits.shape, logits.device.type) == ((n,), "meta")


def test_sizes_of_the_networks():
    """Parameters in closed form: convolutions, batch normalization, dense layers, and the head of n
    features + 1."""
    hep_cnn = sum(9 * a * b + b for a, b in [(3, 64), (64, 128), (128, 256), (256, 256)])
    nersc = 9 * 3 * 128 + 128 + 3 * (9 * 128 * 128 + 128)
    small = 9 * (3 * 16 + 16 * 32 + 32 * 64) + 2 * (16 + 32 + 64)
    resnet = 9 * 3 * 16 + 2 * 16
    for before, after in [(16, 32), (32, 64), (64, 128)]:
        resnet += (
            9 * (before * after + 3 * after * after) + 4 * 2 * after + before * after + 2 * after
        )
    jet_cnn = sum(16 * a * b + b for a, b in [(1, 128), (128, 64), (64, 64), (64, 64)])
    dense = (64 * 9 * 9 * 64 + 64) + (64 * 256 + 256) + (256 * 256 + 256)
    expected = {
        ("hep_cnn", (3, 64, 64)): hep_cnn + (256 * 16 * 16 * 512 + 512) + 513,
        ("nersc", (3, 64, 64)): nersc + 129,
        ("small", (3, 64, 64)): small + (64 * 8 * 64 + 64) + 65,
        ("resnet", (3, 64, 64)): resnet + (128 * 8 * 64 + 64) + 65,
        ("jet_cnn", (1, 37, 37)): jet_cnn + dense + 257,
    }
    with torch.device("meta"):
        assert {key: count_parameters(make(*key)) for key in expected} == expected
    assert expected["hep_cnn", (3, 64, 64)] == 34_516_353  # 34.5 M, arXiv:1711.03573


@pytest.mark.parametrize(("name", "period"), [("small", 8), ("resnet", 8), ("nersc", 16)])
def test_rotation_by_the_total_stride_leaves_the_logit(name, period):
    """Three halvings make one column of eight cells in phi, four of sixteen."""
    shape = (2, 32, 64)
    model = in_use(make(name, shape), shape)
    images = images_of(3, shape, seed=2)
    logits = model(images)
    for shift in (period, 3 * period, -2 * period):
        torch.testing.assert_close(model(images.roll(shift, dims=3)), logits, rtol=1e-5, atol=1e-5)
    assert (model(images.roll(1, dims=3)) - logits).abs().max() > 1e-4  # not by less
    if name != "nersc":  # which averages over eta too
        assert (model(images.roll(8, dims=2)) - logits).abs().max() > 1e-4


@pytest.mark.parametrize("name", IMAGE_NETWORKS)
def test_without_circular_padding_the_edges_matter(name):
    shape = (1, 16, 32)
    models = [
        make(name, shape, circular=circular, options=LITTLE[name]).eval()
        for circular in (True, False)
    ]
    models[1].load_state_dict(models[0].state_dict())
    images = torch.zeros(1, *shape)
    images[..., 10:20] = 5.0
    edge = images.roll(-14, dims=3)  # astride phi = pi
    assert models[0](edge).item() != models[1](edge).item()
    assert not [m for m in models[1].modules() if isinstance(m, EtaPhiConv2d) and m.circular]
    if name in ("small", "resnet"):
        turned = images.roll(16, dims=3)
        difference = [(model(images) - model(turned)).abs().item() for model in models]
        assert difference[0] < 1e-5 < difference[1]


@pytest.mark.parametrize("name", IMAGE_NETWORKS)
def test_images_of_a_batch_do_not_influence_each_other_in_use(name):
    shape = (2, 16, 16)
    model = in_use(make(name, shape, options=LITTLE[name]), shape)
    images = images_of(5, shape)
    alone = torch.cat([model(images[[k]]) for k in range(5)])
    torch.testing.assert_close(model(images), alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", IMAGE_NETWORKS)
@pytest.mark.parametrize("n_variables", [0, 2])
def test_every_weight_is_trained(name, n_variables):
    shape = (2, 16, 16)
    options = LITTLE[name] | {"dropout": 0.0}
    specification = ModelSpecification(name, shape, options=options, n_variables=n_variables)
    ones = np.ones(n_variables)
    model = make_model(specification, ScalingStatistics(variable_mean=0 * ones, variable_std=ones))
    model(
        images_of(16, shape), torch.rand(16, n_variables) if n_variables else None
    ).square().sum().backward()
    for parameter_name, parameter in model.named_parameters():
        assert torch.isfinite(parameter.grad).all()
        assert parameter.grad.any(), parameter_name


@pytest.mark.parametrize("name", IMAGE_NETWORKS)
def test_bfloat16_and_channels_last_give_nearly_the_same(name):
    shape = (3, 32, 32)
    model = in_use(make(name, shape, options=LITTLE[name]), shape)
    images = images_of(4, shape)
    logits = model(images).detach()
    model = model.to(memory_format=torch.channels_last)
    last = images.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(model(last).detach(), logits, rtol=1e-4, atol=1e-4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features, half = model.network.features(model.scaling(last)), model(last).detach()
    torch.testing.assert_close(half, logits, rtol=0.1, atol=0.1)
    # the head is in full precision: in bfloat16 many events would have the same logit
    assert (features.dtype, half.dtype) == (torch.bfloat16, torch.float32)
    full = model.head(features.float()).squeeze(1).detach()
    torch.testing.assert_close(half, full, rtol=1e-5, atol=1e-6)
    assert not torch.equal(half, half.bfloat16().float())


@pytest.mark.parametrize(
    ("name", "options", "growth"),
    [
        ("small", {"width": 8}, -1),
        ("hep_cnn", {"dense": 64}, -1),
        ("nersc", {"n_blocks": 3}, -1),
        ("nersc", {"width": 130}, 1),
        ("resnet", {"stem": 32}, 1),
        ("resnet", {"widths": [32, 64], "n_blocks": [2, 2]}, -1),
        ("resnet", {"n_blocks": [1, 1, 1]}, -1),
        ("jet_cnn", {"dense": [64, 256]}, -1),
        ("jet_cnn", {"widths": [128, 64, 64, 80]}, 1),
    ],
)
def test_options_change_the_size(name, options, growth):
    with torch.device("meta"):
        before, after = (
            count_parameters(make(name, (3, 64, 64), options=chosen)) for chosen in ({}, options)
        )
    assert np.sign(after - before) == growth


@pytest.mark.parametrize("name", IMAGE_NETWORKS)
def test_dropout_acts_in_training_only(name):
    shape = (2, 16, 16)
    model = make(name, shape, options=LITTLE[name] | {"dropout": 0.5})
    images = images_of(8, shape)
    assert (model(images) - model(images)).abs().max() > 1e-3
    model.eval()
    torch.testing.assert_close(model(images), model(images), rtol=1e-5, atol=1e-6)


def test_published_networks_start_as_keras_does():
    """Uniform within sqrt(6 / (inputs + outputs)) and no bias."""
    model = make("nersc", (3, 16, 16))
    for layer in (part for part in model.network.modules() if isinstance(part, nn.Conv2d)):
        limit = (6 / (9 * (layer.in_channels + layer.out_channels))) ** 0.5
        assert 0.98 * limit < layer.weight.abs().max() <= limit
        assert not layer.bias.any()


@pytest.mark.parametrize("name", IMAGE_NETWORKS)
def test_input_is_not_modified(name):
    images = images_of(3, (2, 16, 16))
    before = images.clone()
    make(name, (2, 16, 16), options=LITTLE[name])(images).sum().backward()
    assert torch.equal(images, before)


def test_every_network_names_its_paper():
    assert IMAGE_NETWORKS == ["small", "hep_cnn", "nersc", "resnet", "jet_cnn"]
    assert all("arXiv:" in entry.paper and entry.title for entry in NETWORKS.values())


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "resent",
            {},
            "unknown network 'resent'; did you mean 'resnet'.; choose from small, .*module:Class",
        ),
        ("small", {"widht": 3}, "'small' has no option widht: it has width, dropout"),
        ("small", {"circular": False}, "'small' has no option circular"),
        ("small", {"width": 0}, "option width is 0, but must be whole and at least 1"),
        ("small", {"width": 4.5}, "option width is 4.5"),
        ("small", {"dropout": 1.5}, "option dropout is 1.5, but must be a number from 0 to 1"),
        ("small", {"dropout": "much"}, "option dropout is 'much'"),
        ("small", {"width": [16]}, r"option width is \[16\], but must be one whole number"),
        ("hep_cnn", {"dense": True}, "option dense is True"),
        ("nersc", {"n_blocks": 7}, "'nersc' needs images of at least 128x128"),
        ("resnet", {"widths": []}, r"option widths is \[\]"),
        ("resnet", {"widths": [32, 64]}, "'resnet': 2 widths and 3 n_blocks: give both as many"),
        ("resnet", {"widths": [32, -1, 2]}, r"option widths is \[32, -1, 2\]"),
        ("jet_cnn", {"widths": [3]}, "'jet_cnn': 1 widths: give 4, one for each convolution"),
    ],
)
def test_wrong_network_or_option(name, options, message):
    with pytest.raises(InputError, match=message):
        make(name, (3, 64, 64), options=options)
