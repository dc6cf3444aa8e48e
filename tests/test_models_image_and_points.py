"""The network of image and points: it sees both, and the points do not mind how the image is
turned; deep_sets on constituents, which it may take, too."""

import numpy as np
import pytest
import torch
from fakes_models import make_specification
from torch import nn

from calovision.core.errors import InputError
from calovision.datasets import apply_symmetry
from calovision.models import count_parameters, load_model, make_model, network_table, save_model

SHAPE = (2, 8, 8)
N = 6
OPTIONS = {
    "image": "small",
    "image_options": {"width": 4},
    "points": "deep_sets",
    "point_options": {"width": 8},
    "towers": 5,
    "tracks": 3,
    "width": 16,
}
EVENT = {
    "network": "image_and_points",
    "options": OPTIONS,
    "variables": ("leading_towers", "leading_tracks"),
    "n_variables": 4 * 5 + 3 * 3,
}
JET = {
    "network": "deep_sets",
    "options": {"constituents": 7, "width": 16},
    "variables": ("constituents",),
    "n_variables": 42,
    "kind": "jet",
}
TRANSFORMER = {
    "points": "particle_transformer",
    "point_options": {"width": 8, "heads": 2, "layers": 1, "pair_width": 4},
}


def specification(of=EVENT, options=None, **changes):
    options = of["options"] | (options or {})
    return make_specification(SHAPE, **(of | changes | {"options": options}))


def made(spec):
    """A model in evaluation whose weights are large enough for outputs that differ."""
    torch.manual_seed(1)
    model = make_model(spec).eval()
    for layer in (part for part in model.modules() if isinstance(part, nn.Linear)):
        nn.init.normal_(layer.weight, std=0.6)
    return model


def make_images(n=N):
    rng = np.random.default_rng(1)
    images = rng.exponential(5, (n, *SHAPE)) * (rng.random((n, *SHAPE)) < 0.3)
    return torch.from_numpy(images).float()


def make_points(n=N, *, padding=1):
    """Towers and tracks, ``(n, points, fields)``."""
    rng = np.random.default_rng(2)
    found = []
    for slots, fields in ((5, 4), (3, 3)):
        points = rng.random((n, slots, fields))
        points[..., 0] = -np.sort(-rng.exponential(20, (n, slots)), axis=1)
        points[..., 1] = rng.normal(0, 1, (n, slots))
        points[..., 2] = rng.uniform(-np.pi, np.pi, (n, slots))
        found.append(torch.from_numpy(points * (np.arange(slots) < slots - padding)[:, None]))
    return [points.float() for points in found]


def flat(points):
    return torch.cat([part.flatten(1) for part in points], dim=1)


@pytest.mark.parametrize("points", [{}, TRANSFORMER])
def test_image_and_points_are_turned_together(points):
    """By an eighth of a turn times k, and mirrored: what matters to the network is the image, which
    training turns alone, since its points may stay."""
    model = made(specification(options=points))
    images, towers_and_tracks = make_images(), make_points()
    k, n_phi = 3, SHAPE[2]
    turned = [part.clone() for part in towers_and_tracks]
    for part in turned:  # eta and phi mirrored, then turned, as the columns of the image
        part[..., 1] *= -1
        phi = 2 * torch.pi * k / n_phi - part[..., 2]
        part[..., 2] = torch.remainder(phi + torch.pi, 2 * torch.pi) - torch.pi
    elements = torch.full((N,), 4 * k + 3)
    with torch.no_grad():
        of_turned_image = apply_symmetry(images, elements)
        together = model(of_turned_image, flat(turned))
        alone = model(of_turned_image, flat(towers_and_tracks))
        before = model(images, flat(towers_and_tracks))
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)
    assert (together - before).abs().max() > 1e-3  # the image network is not blind


def test_both_are_seen():
    model = made(specification())
    images, points = make_images(), flat(make_points())
    with torch.no_grad():
        before = model(images, points)
        assert (model(images.flip(0), points) - before).abs().min() > 1e-4
        assert (model(images, points.flip(0)) - before).abs().min() > 1e-4


def test_it_is_the_sum_of_its_parts():
    fusion = specification()
    image = make_specification(SHAPE, network="small", options={"width": 4})
    options = {"width": 8, "towers": 5, "tracks": 3}
    points = specification(EVENT | {"network": "deep_sets", "options": options})
    n_image, n_points = (make_model(one).network.n_features for one in (image, points))
    parts = sum(count_parameters(make_model(one)) for one in (image, points))
    heads = n_image + 1 + n_points + 1
    expected = parts - heads + (n_image + n_points) * 16 + 16 + 17
    assert count_parameters(make_model(fusion)) == network_table(fusion).parameters == expected


def test_stored_and_loaded(tmp_path):
    model = made(specification(options=TRANSFORMER))
    save_model(tmp_path, model)
    images, points = make_images(), flat(make_points())
    with torch.no_grad():
        found = load_model(tmp_path).eval()(images, points)
        torch.testing.assert_close(found, model(images, points))


@pytest.mark.parametrize("network", [EVENT, JET])
def test_logits_of_classes(network):
    spec = specification(network, classes=("q", "g", "W"))
    n_variables = network["n_variables"]
    logits = make_model(spec)(make_images(), torch.rand(N, n_variables))
    assert logits.shape == (N, 3)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"image": "smal"}, "option image is 'smal'; did you mean 'small'"),
        ({"image": "deep_sets"}, "option image is 'deep_sets'.*choose from small, hep_cnn"),
        ({"points": "resnet"}, "'resnet'.*choose from deep_sets, particle_transformer$"),
        ({"image_options": {"stem": 3}}, "network 'small' has no option 'stem'; it has width, dro"),
        ({"point_options": {"layers": 3}}, "network 'deep_sets' has no option 'layers'"),
        ({"tracks": 4}, "'deep_sets' takes 32 variables, of 5 towers and 4 tracks, not 29"),
        ({"width": 0}, "option width is 0"),
    ],
)
def test_what_it_refuses(options, sentence):
    with pytest.raises(InputError, match=sentence):
        make_model(specification(options=options))


# deep_sets on constituents


def make_constituents(n=N, *, padding=2):
    rng = np.random.default_rng(3)
    points = rng.random((n, 7, 6))
    points[..., 0] = -np.sort(-rng.exponential(20, (n, 7)), axis=1)
    points[..., 1:3] = rng.normal(0, 0.3, (n, 7, 2))
    points[..., 4] = rng.integers(-1, 2, (n, 7))
    return torch.from_numpy(points * (np.arange(7) < 7 - padding)[:, None]).float()


def logits_of(model, constituents):
    with torch.no_grad():
        return model(torch.zeros(N, *SHAPE), constituents.flatten(1))


def test_order_mirror_images_and_padding_of_constituents():
    model = made(specification(JET))
    points = make_constituents()
    before = logits_of(model, points)
    assert before.std() > 0.1
    changed = points[:, torch.randperm(7)].clone()
    changed[..., 1:3] *= torch.tensor([-1.0, -1.0])
    torch.testing.assert_close(logits_of(model, changed), before, rtol=1e-4, atol=1e-5)
    points[:, 5:, 1:] = 9.0
    torch.testing.assert_close(logits_of(model, points), before, rtol=1e-5, atol=1e-6)


def test_every_field_of_constituents_is_seen():
    model = made(specification(JET))
    points = make_constituents()
    before = logits_of(model, points)
    for field in range(6):
        changed = points.clone()
        changed[:, 0, field] += 0.3
        assert (logits_of(model, changed) - before).abs().max() > 1e-4, field


def test_features_of_a_constituent_by_hand():
    network = made(specification(JET)).network
    point = torch.tensor([np.e**3 - 1, -0.2, 0.1, np.e**6 - 1, -2.0, 0.25])
    points = torch.zeros(1, 7, 6)
    points[0, 0] = point
    seen = torch.tensor([1.0, 0.8, 0.4, 2.0, -1.0, 0.25])  # mirrored in eta
    with torch.no_grad():
        found = network.features(None, points.flatten(1))
        sums = torch.cat([network.of_constituent(seen), torch.ones(1)])[None] / 7
        torch.testing.assert_close(found, network.of_event(sums), rtol=1e-5, atol=1e-6)
