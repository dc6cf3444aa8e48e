"""The layer table, against closed forms and against torch's own counter."""

import pytest
import torch
from fakes import make_images
from fakes_models import IMAGE_NETWORKS
from torch.utils.flop_counter import FlopCounterMode

from calovision.models import (
    ModelSpecification,
    count_multiply_adds,
    count_parameters,
    make_model,
    network_table,
)


def test_small_network_row_by_row():
    table = network_table(ModelSpecification("small", (3, 64, 48)))
    rows = [
        (row.name, row.type, row.output_shape, row.parameters, row.multiply_adds)
        for row in table.rows
    ]
    assert rows[:3] == [
        ("scaling", "LogScaling", (3, 64, 48), 0, 0),
        ("network.blocks.0.0", "EtaPhiConv2d", (16, 64, 48), 9 * 3 * 16, 9 * 3 * 16 * 64 * 48),
        ("network.blocks.0.1", "MaxPool2d", (16, 32, 24), 0, 0),
    ]
    assert rows[-3:] == [
        ("network.dense.1", "Linear", (64,), 64 * 8 * 64 + 64, 64 * 8 * 64),
        ("network.dense.2", "ReLU", (64,), 0, 0),
        ("head", "Linear", (1,), 65, 64),
    ]
    convolutions = 9 * (3 * 16 * 64 * 48 + 16 * 32 * 32 * 24 + 32 * 64 * 16 * 12)
    assert table.multiply_adds == convolutions + 64 * 8 * 64 + 64


def test_case_study_in_closed_form():
    """Multiply-adds of a convolution: kernel x inputs x outputs x output cells."""
    expected = 9 * (3 * 64 * 64**2 + 64 * 128 * 32**2 + 128 * 256 * 32**2 + 256 * 256 * 16**2)
    assert (
        count_multiply_adds(make_on_meta("hep_cnn", (3, 64, 64)))
        == expected + 256 * 16 * 16 * 512 + 512
    )


def make_on_meta(name, shape, **changes):
    with torch.device("meta"):
        return make_model(ModelSpecification(name, shape, **changes)).eval()


@pytest.mark.parametrize("name", IMAGE_NETWORKS)
@pytest.mark.parametrize("shape", [(3, 64, 64), (3, 224, 224), (2, 37, 33)])
def test_multiply_adds_against_the_counter_of_torch(name, shape):
    """Which counts two operations for each."""
    model = make_on_meta(name, shape)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, *shape, device="meta"))
    table = network_table(model.specification)
    assert 2 * table.multiply_adds == counter.get_total_flops()
    assert table.parameters == count_parameters(model)


def test_variables_count_too():
    plain, fused = (ModelSpecification("small", (1, 8, 8), n_variables=n) for n in (0, 5))
    difference = network_table(fused).multiply_adds - network_table(plain).multiply_adds
    assert difference == (64 + 5) * 64 + 64 - 64


def test_every_use_of_a_shared_layer_is_a_row_and_its_parameters_count_once():
    table = network_table(ModelSpecification("fakes_networks:TiedLayers", (1, 2, 3)))
    rows = [
        (row.name, row.output_shape, row.parameters, row.multiply_adds) for row in table.rows[1:]
    ]
    assert rows == [
        ("network.first", (6,), 6 * 6 + 6, 36),
        ("network.first", (6,), 0, 36),
        ("network", (), 1, 0),  # a parameter of its own beside its parts
    ]
    assert (table.parameters, table.multiply_adds) == (43, 72)


def test_frozen_parameters_do_not_count():
    model = make_model(ModelSpecification("small", (1, 8, 8)))
    before = count_parameters(model)
    for parameter in model.head.parameters():
        parameter.requires_grad_(False)
    assert count_parameters(model) == before - 65


def test_counting_changes_neither_the_model_nor_the_random_numbers():
    torch.manual_seed(1)
    model = make_model(ModelSpecification("small", (2, 8, 8)))
    images, state = torch.from_numpy(make_images(4)), torch.random.get_rng_state()
    before, weights = (
        model.eval()(images),
        {name: tensor.clone() for name, tensor in model.state_dict().items()},
    )
    count_multiply_adds(model)
    network_table(ModelSpecification("fakes_networks:LogitNetwork", (2, 8, 8)))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(weights[name], tensor) for name, tensor in model.state_dict().items())
    torch.testing.assert_close(model(images), before, rtol=1e-5, atol=1e-6)
