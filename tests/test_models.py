"""Networks: shapes, the symmetry in phi, and what they refuse."""

import pytest
import torch
from fakes import make_images
from torch import nn

from calovision.errors import InputError
from calovision.models import NETWORKS, PhiCircularConv2d, make_network


@pytest.fixture(autouse=True)
def fixed_seed():
    torch.manual_seed(1)


@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_convolution_keeps_the_size(kernel_size):
    images = torch.rand(2, 3, 6, 10)
    assert PhiCircularConv2d(3, 4, kernel_size)(images).shape == (2, 4, 6, 10)


def test_convolution_against_a_direct_sum():
    """3x3 sum of neighbors by hand: phi wraps around, eta is padded with zeros."""
    convolution = PhiCircularConv2d(1, 1, bias=False)
    nn.init.ones_(convolution.weight)
    images = torch.zeros(1, 1, 4, 5)
    images[0, 0, 0, 4] = 1.0
    expected = torch.zeros(4, 5)
    expected[:2, [3, 4, 0]] = 1.0
    assert torch.equal(convolution(images)[0, 0], expected)


@pytest.mark.parametrize("kernel_size", [3, 5])
@pytest.mark.parametrize("shift", [1, 5, -3])
def test_convolution_commutes_with_rotations(kernel_size, shift):
    convolution, images = PhiCircularConv2d(2, 3, kernel_size), torch.rand(2, 2, 6, 10)
    turned = convolution(images.roll(shift, dims=3))
    torch.testing.assert_close(turned, convolution(images).roll(shift, dims=3))
    assert not torch.allclose(convolution(images.roll(1, dims=2)), convolution(images).roll(1, dims=2))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 24), (3, 64, 64), (2, 34, 72)])
@pytest.mark.parametrize("n", [1, 4])
def test_one_logit_an_image(name, shape, n):
    network = make_network(name, shape).eval()
    logits = network(torch.from_numpy(make_images(n, shape)))
    assert logits.shape == (n,)
    assert torch.isfinite(logits).all()


def trained_statistics(network, shape):
    """Let batch normalization see some images, so that its running statistics are not trivial."""
    network.train()
    network(torch.from_numpy(make_images(16, shape, scale=30.0)))
    return network.eval()


@pytest.mark.parametrize("shift", [8, 24, -16])
def test_rotation_by_eight_cells_leaves_the_logit(shift):
    """Three poolings make one of eight cells in phi."""
    network = trained_statistics(make_network("small", (3, 64, 64)), (3, 64, 64))
    images = torch.from_numpy(make_images(4, (3, 64, 64), seed=2, scale=30.0))
    logits = network(images)
    torch.testing.assert_close(network(images.roll(shift, dims=3)), logits, rtol=0, atol=1e-5)
    assert (network(images.roll(8, dims=2)) - logits).abs().max() > 1e-4  # eta does matter


def test_images_of_a_batch_do_not_influence_each_other_in_use():
    network = trained_statistics(make_network("small", (2, 16, 16)), (2, 16, 16))
    images = torch.from_numpy(make_images(5, (2, 16, 16)))
    alone = torch.cat([network(images[[k]]) for k in range(5)])
    torch.testing.assert_close(network(images), alone)


def test_small_network_has_its_documented_size():
    """Convolutions 16-32-64 without bias, batch normalization, dense layers 64 * 8 -> 64 -> 1."""
    network = make_network("small", (3, 64, 64))
    n_weights = sum(parameter.numel() for parameter in network.parameters())
    convolutions = 9 * (3 * 16 + 16 * 32 + 32 * 64)
    assert n_weights == convolutions + 2 * (16 + 32 + 64) + (64 * 8 * 64 + 64) + (64 + 1)


def test_every_weight_is_trained():
    network = make_network("small", (2, 16, 16))
    network(torch.from_numpy(make_images(8, (2, 16, 16)))).sum().backward()
    assert all(torch.isfinite(p.grad).all() and p.grad.any() for p in network.parameters() if p.dim() > 1)


def test_input_is_not_modified():
    images = torch.from_numpy(make_images(3))
    before = images.clone()
    make_network("small", (2, 8, 8))(images)
    assert torch.equal(images, before)


def test_unknown_network():
    with pytest.raises(InputError, match="unknown network 'resnet': choose from small"):
        make_network("resnet", (3, 64, 64))


@pytest.mark.parametrize("shape", [(3, 7, 64), (3, 64, 7)])
def test_image_that_is_too_small(shape):
    with pytest.raises(InputError, match=f"at least 8x8 cells, not {shape[1]}x{shape[2]}: change images.grid"):
        make_network("small", shape)
