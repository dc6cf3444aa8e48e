"""The network of attention between particles: what it must not see, features of pairs by hand, what
it refuses, and that it learns."""

import itertools
import math

import numpy as np
import pytest
import torch
from fakes_models import make_specification
from torch import nn

from calovision.core.errors import InputError
from calovision.models import count_parameters, make_model, network_table
from calovision.models.pair_features import SMALLEST, pair_features

TOWERS, TRACKS, CONSTITUENTS = 6, 4, 7
OF_EVENT = {
    "variables": ("leading_towers", "leading_tracks"),
    "n_variables": 4 * TOWERS + 3 * TRACKS,
    "options": {"towers": TOWERS, "tracks": TRACKS},
}
OF_JET = {
    "variables": ("constituents",),
    "n_variables": 6 * CONSTITUENTS,
    "options": {"constituents": CONSTITUENTS},
}
SMALL = {"width": 16, "layers": 2, "heads": 2, "pair_width": 8}


def specification(kind, **changes):
    values = {"event": OF_EVENT, "jet": OF_JET}[kind] | changes
    values["options"] = SMALL | values["options"]
    return make_specification(network="particle_transformer", **values)


@pytest.fixture(scope="module", params=["event", "jet"])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def model(kind):
    torch.manual_seed(1)
    model = make_model(specification(kind)).double().eval()
    for layer in (part for part in model.modules() if isinstance(part, nn.Linear)):
        nn.init.normal_(layer.weight, std=0.5)
    return model


def make_points(kind, n=6, *, padding=2, seed=1):
    """Points of events, or of jets: momenta first, the last ones padding."""
    rng = np.random.default_rng(seed)
    found = []
    for slots, fields in ((TOWERS, 4), (TRACKS, 3)) if kind == "event" else ((CONSTITUENTS, 6),):
        points = rng.random((n, slots, fields))
        points[..., 0] = -np.sort(-rng.exponential(20, (n, slots)), axis=1)
        points[..., 1] = rng.normal(0, 1, (n, slots))
        points[..., 2] = rng.uniform(-np.pi, np.pi, (n, slots))
        if kind == "jet":
            points[..., 1:3] *= 0.3
            points[..., 3] = points[..., 0] * (1 + points[..., 3])
            points[..., 4] = rng.integers(-1, 2, (n, slots))
        found.append(points * (np.arange(slots) < slots - padding)[:, None])
    return found


def features_of(model, points):
    variables = np.concatenate([part.reshape(len(part), -1) for part in points], axis=1)
    with torch.no_grad():
        return model.network.features(None, torch.from_numpy(variables)).numpy()


# what it must not see


def test_order_of_the_points(kind, model):
    points = make_points(kind)
    features = features_of(model, points)
    assert np.ptp(features, axis=0).min() > 1e-3
    rng = np.random.default_rng(2)
    shuffled = [part[:, rng.permutation(part.shape[1])] for part in points]
    np.testing.assert_allclose(features_of(model, shuffled), features, rtol=1e-5, atol=1e-6)


def test_turned_and_mirrored(kind, model):
    """Events about the beam, and both in eta and phi."""
    points = make_points(kind)
    features = features_of(model, points)
    turned = [part.copy() for part in points]
    for part in turned:
        if kind == "event":
            part[..., 1] *= -1
            part[..., 2] = (2.5 - part[..., 2] + np.pi) % (2 * np.pi) - np.pi
        else:
            part[..., 1:3] *= [-1, 1]
    np.testing.assert_allclose(features_of(model, turned), features, rtol=1e-4, atol=1e-5)
    turned[0][:, 0, 1] += 0.3
    assert np.abs(features_of(model, turned) - features).max(axis=1).min() > 1e-3


def test_padding_changes_nothing(kind, model):
    """Neither what stands there, nor how much of it there is."""
    points = make_points(kind)
    features = features_of(model, points)
    for part in points:
        part[:, -2:, 1:] = 7.0
    np.testing.assert_allclose(features_of(model, points), features, rtol=1e-6)
    sizes = {"towers": TOWERS - 2, "tracks": TRACKS - 2, "constituents": CONSTITUENTS - 2}
    options = {name: n for name, n in sizes.items() if name in model.specification.options}
    shorter = [part[:, :-2] for part in points]
    n_variables = sum(part[0].size for part in shorter)
    other = make_model(specification(kind, n_variables=n_variables, options=options)).double()
    other.load_state_dict(model.state_dict())
    np.testing.assert_allclose(features_of(other.eval(), shorter), features, rtol=1e-6)


def test_nothing_but_padding(kind, model):
    nothing = [np.zeros_like(part) for part in make_points(kind)]
    features = features_of(model, nothing)
    assert np.all(np.isfinite(features))
    np.testing.assert_allclose(features, features[::-1], rtol=1e-12)


def test_every_field_is_seen(kind, model):
    points = make_points(kind)
    features = features_of(model, points)
    for part in points:
        for field in range(part.shape[2]):
            before = part[:, 0, field].copy()
            part[:, 0, field] += 0.5
            assert np.abs(features_of(model, points) - features).max() > 1e-4, field
            part[:, 0, field] = before


# features of pairs


def test_features_of_pairs_by_hand():
    """Against four-momenta in float64, one pair at a time; the two first are close together."""
    pt = np.array([[100.0, 3.0, 40.0]])
    eta = np.array([[0.5, 0.501, -1.2]])
    phi = np.array([[3.1, -3.1, 0.4]])
    pairs = list(itertools.product(range(3), repeat=2))
    of_pairs = (torch.from_numpy(of[:, np.transpose(pairs)]).float() for of in (pt, eta, phi))
    found = pair_features(*of_pairs).numpy()
    assert found.shape == (1, 9, 4)
    for pair, (i, j) in enumerate(pairs):
        expected = np.log(np.maximum(_pair(pt[0], eta[0], phi[0], i, j), SMALLEST))
        np.testing.assert_allclose(found[0, pair], expected, rtol=2e-4, atol=2e-4)


def _pair(pt, eta, phi, i, j):
    turned = math.remainder(phi[i] - phi[j], 2 * math.pi)
    distance = max(math.hypot(eta[i] - eta[j], turned), SMALLEST)
    softer = min(pt[i], pt[j])
    momenta = np.array(
        [
            pt * np.cosh(eta),
            pt * np.cos(phi),
            pt * np.sin(phi),
            pt * np.sinh(eta),
        ]
    )
    energy, *momentum = momenta[:, i] + momenta[:, j]
    mass2 = energy**2 - np.sum(np.square(momentum))
    return [softer * distance, softer / (pt[i] + pt[j]), distance, 0.0 if i == j else mass2]


def test_gradients_are_finite_where_points_coincide(kind):
    model = make_model(specification(kind))
    for points in (make_points(kind), [np.zeros_like(part) for part in make_points(kind)]):
        for part in points:
            part[:, 1] = part[:, 0]
        flat = [torch.from_numpy(part).float().flatten(1) for part in points]
        variables = torch.cat(flat, dim=1).requires_grad_()
        model(torch.zeros(6, 2, 8, 8), variables).sum().backward()
        assert torch.isfinite(variables.grad).all()
        assert all(torch.isfinite(part.grad).all() for part in model.parameters())


# its size, and what it refuses


def test_parameters_by_hand():
    """Of jets: embedding, pairs, two layers, the token and its layer, and the head."""
    w, p, heads = 16, 8, 2
    embedding = (7 * 2 * w + 2 * w) + 2 * 2 * w + (2 * w * w + w)
    pairs = (4 * p + p) + (p * p + p) + (p + 1) * (heads + 8) + (2 * 8 * w + w)
    dense = 2 * w + (w * 2 * w + 2 * w) + 2 * 2 * w + (2 * w * w + w)
    attention = 2 * w + (w * 3 * w + 3 * w) + (w * w + w) + 2 * w
    expected = embedding + pairs + 3 * (attention + dense) + w + 2 * w + (w + 1)
    assert count_parameters(make_model(specification("jet"))) == expected
    assert network_table(specification("jet")).parameters == expected


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"n_variables": 41}, "takes 42 variables, of 7 constituents, not 41: give it the variab"),
        ({"options": {"width": 15}}, "option width is 15, but must be a multiple of the 2 heads"),
        ({"options": {"layers": 0}}, "option layers is 0, but must be whole and at least 1"),
        ({"options": {"depth": 3}}, "has no option depth: it has towers, tracks, constituents, w"),
    ],
)
def test_what_it_refuses(changes, sentence):
    options = OF_JET["options"] | changes.get("options", {})
    with pytest.raises(InputError, match=sentence):
        make_model(specification("jet", **(changes | {"options": options})))


def test_it_learns_distances():
    """The points of signal are close together in phi, which no point alone tells."""
    torch.manual_seed(1)
    points = make_points("event", 64, padding=0)
    labels = np.arange(64) % 2
    for part in points:
        part[..., 2] *= np.where(labels, 0.2, 1.0)[:, None]
    variables = torch.cat([torch.from_numpy(part).float().flatten(1) for part in points], dim=1)
    model = make_model(specification("event"))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    target = torch.from_numpy(labels).float()
    for _ in range(60):
        optimizer.zero_grad()
        logits = model(torch.zeros(64, 2, 8, 8), variables)
        nn.functional.binary_cross_entropy_with_logits(logits, target).backward()
        optimizer.step()
    assert torch.mean(((logits > 0) == (target > 0.5)).double()) > 0.9
