"""Models that look at some of the channels only."""

import pytest
import torch

from calovision.core.errors import InputError
from calovision.models import ModelSpecification, make_model

SHAPE, CHANNELS = (3, 16, 16), ("em_et", "had_et", "tracks")


def test_channels_that_are_not_seen_change_nothing() -> None:
    torch.manual_seed(1)
    specification = ModelSpecification(
        "small", SHAPE, channels=CHANNELS, seen_channels=("tracks", "em_et")
    )
    model = make_model(specification).eval()
    images = torch.rand(4, *SHAPE)
    changed = images.clone()
    changed[:, 1] += 5.0
    with torch.no_grad():
        torch.testing.assert_close(model(changed), model(images), rtol=1e-5, atol=1e-6)
        changed[:, 2] += 5.0
        assert (model(changed) - model(images)).abs().min() > 1e-3


def test_network_gets_as_many_channels_as_it_sees() -> None:
    specification = ModelSpecification("small", SHAPE, channels=CHANNELS, seen_channels=("tracks",))
    assert specification.network_shape == (1, 16, 16)
    assert specification.channel_positions == [2]
    assert ModelSpecification.from_dict(specification.to_dict()) == specification


def test_unknown_channel_is_named() -> None:
    with pytest.raises(
        InputError, match=r"train.channels: the images have no channel 'muons', but em_et, had_et"
    ):
        ModelSpecification("small", SHAPE, channels=CHANNELS, seen_channels=("muons",))
