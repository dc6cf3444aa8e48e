"""The network on points: what it must not see, what it counts, what it refuses, and that it
learns."""

import numpy as np
import pytest
import torch
from fakes_models import make_specification
from torch import nn

from calovision.core.errors import InputError
from calovision.models import (
    NETWORKS,
    ScalingStatistics,
    count_parameters,
    load_model,
    make_model,
    network_table,
    save_model,
)
from calovision.scoring import score_images

TOWERS, TRACKS, WIDTH = 12, 7, 16
OPTIONS = {"towers": TOWERS, "tracks": TRACKS, "width": WIDTH}
N_VARIABLES = 4 * TOWERS + 3 * TRACKS
POINTS = {"variables": ("leading_towers", "leading_tracks"), "n_variables": N_VARIABLES}


def specification(**changes):
    return make_specification(**({"network": "deep_sets", "options": OPTIONS} | POINTS | changes))


@pytest.fixture(scope="module")
def model():
    """Its weights are large enough for logits that depend on the points, as those of a trained
    one."""
    torch.manual_seed(1)
    model = make_model(specification()).eval()
    for layer in (part for part in model.modules() if isinstance(part, nn.Linear)):
        nn.init.kaiming_normal_(layer.weight)
    return model


def make_points(n=8, *, seed=1, filled=(9, 5), scale=50.0):
    """Towers ``(n, 12, 4)`` and tracks ``(n, 7, 3)`` as `event_content` gives them: hardest first,
    zero padded."""
    rng = np.random.default_rng(seed)
    points = []
    for slots, there, n_fields in ((TOWERS, filled[0], 4), (TRACKS, filled[1], 3)):
        fields = [
            -np.sort(-rng.exponential(scale, (n, slots)), axis=1),
            rng.normal(0, 1, (n, slots)),
        ]
        fields += [rng.uniform(-np.pi, np.pi, (n, slots)), rng.random((n, slots))]
        points.append(np.stack(fields[:n_fields], axis=-1) * (np.arange(slots) < there)[:, None])
    return points


def wrapped(phi):
    return (phi + np.pi) % (2 * np.pi) - np.pi


def logits_of(model, towers, tracks, dtype=torch.float32):
    """Logits of points; the images are empty."""
    n = len(towers)
    variables = np.concatenate([towers.reshape(n, -1), tracks.reshape(n, -1)], axis=1)
    with torch.no_grad():
        return model(
            torch.zeros(n, *model.specification.image_shape), torch.from_numpy(variables).to(dtype)
        ).numpy()


# what it must not see


def test_logits_of_different_events_differ(model):
    logits = logits_of(model, *make_points(50))
    assert len(np.unique(logits)) == 50
    assert logits.std() > 0.1


def test_order_of_the_points(model):
    """Of all tracks, and of all towers but the hardest, from which the azimuths are taken."""
    towers, tracks = make_points()
    rng = np.random.default_rng(2)
    order = np.concatenate([[0], 1 + rng.permutation(TOWERS - 1)])
    shuffled = logits_of(
        model, towers[:, order], tracks[:, rng.permutation(TRACKS)]
    )  # the padding moves along
    np.testing.assert_allclose(shuffled, logits_of(model, towers, tracks), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("angle", [0.3, 2.0, np.pi, -3.0])
def test_rotation_in_phi(model, angle):
    towers, tracks = make_points()
    expected = logits_of(model, towers, tracks)
    crossed = 0
    for points in (towers, tracks):
        there = points[..., 0] > 0
        turned = wrapped(points[..., 2] + angle)
        crossed += np.sum((np.abs(turned - points[..., 2] - angle) > 1) & there)
        points[..., 2] = turned * there
    assert crossed > 3  # some points went across pi
    np.testing.assert_allclose(logits_of(model, towers, tracks), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("axis", ["eta", "phi", "both"])
def test_reflections(model, axis):
    towers, tracks = make_points()
    expected = logits_of(model, towers, tracks)
    for points in (towers, tracks):
        if axis in ("eta", "both"):
            points[..., 1] *= -1
        if axis in ("phi", "both"):
            points[..., 2] = wrapped(0.4 - points[..., 2]) * (points[..., 0] > 0)  # about any axis
    np.testing.assert_allclose(logits_of(model, towers, tracks), expected, rtol=1e-4, atol=1e-5)


def test_reflection_of_the_tracks_alone_is_seen(model):
    towers, tracks = make_points()
    expected = logits_of(model, towers, tracks)
    tracks[..., 1] *= -1
    assert np.abs(logits_of(model, towers, tracks) - expected).min() > 1e-3


@pytest.mark.parametrize("field", range(4))
def test_every_field_is_seen(model, field):
    towers, tracks = make_points()
    expected = logits_of(model, towers, tracks)
    for kind in range(2 if field < 3 else 1):
        changed = [towers.copy(), tracks.copy()]
        changed[kind][:, 3, field] += 5.0 if field == 0 else 0.2
        assert np.abs(logits_of(model, *changed) - expected).min() > 1e-4


def test_padding_is_not_seen_whatever_stands_there(model):
    towers, tracks = make_points()
    expected = logits_of(model, towers, tracks)
    for points, there in ((towers, 9), (tracks, 5)):
        points[:, there:, 1:] = np.random.default_rng(3).normal(size=points[:, there:, 1:].shape)
    np.testing.assert_allclose(logits_of(model, towers, tracks), expected, rtol=1e-5, atol=1e-6)
    without_last = [
        points * (np.arange(points.shape[1]) < points.shape[1] - 4)[:, None]
        for points in make_points()
    ]
    assert np.abs(logits_of(model, *without_last) - expected).min() > 1e-3


def test_impossible_points_are_padding(model):
    """Below 0 the logarithm has no value, and what is multiplied by 0 would have none either."""
    towers, tracks = make_points()
    expected = logits_of(model, towers, tracks)
    towers[:, 9:, 0], tracks[:, 5:, 0] = -5.0, -1.0
    np.testing.assert_allclose(logits_of(model, towers, tracks), expected, rtol=1e-5, atol=1e-6)


def test_events_without_points(model):
    empty = [np.zeros((2, TOWERS, 4)), np.zeros((2, TRACKS, 3))]
    logits = logits_of(model, *empty)
    assert np.isfinite(logits).all()
    assert logits[0] == pytest.approx(logits[1], rel=1e-5, abs=1e-6)


def test_features_by_hand():
    """One tower, one track: two dense networks, their outputs over the number of slots, and the
    numbers of points."""
    torch.manual_seed(2)
    network = make_model(specification()).eval().network
    towers, tracks = np.zeros((1, TOWERS, 4)), np.zeros((1, TRACKS, 3))
    towers[0, 0], tracks[0, 0] = (np.e**3 - 1, -0.5, 3.0, 0.25), (np.e**6 - 1, 1.5, -3.0)
    tower = torch.tensor(
        [1.0, 0.5, 0.0, 0.25]
    )  # mirrored in eta, since its energy is at negative eta
    track = torch.tensor([2.0, -1.5, (2 * np.pi - 6.0) / 2, 0.0])  # the shorter way round
    with torch.no_grad():
        found = network.features(
            None, torch.from_numpy(np.concatenate([towers, tracks], axis=None)).float()[None]
        )
        parts = [network.of_tower(tower), torch.ones(1), network.of_track(track), torch.ones(1)]
        expected = network.of_event(torch.cat(parts)[None] / TOWERS)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_images_are_not_looked_at(model):
    variables = torch.from_numpy(
        np.concatenate([points.reshape(8, -1) for points in make_points()], axis=1)
    ).float()
    images = torch.rand(8, 2, 8, 8)
    with torch.no_grad():
        expected = model(images, variables)
        for found in (model(100 * images, variables), model(images, variables, is_scaled=True)):
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_average_over_rotations_of_the_images_changes_nothing(model):
    variables = np.concatenate([points.reshape(8, -1) for points in make_points()], axis=1)
    images = np.zeros((8, 2, 8, 8), dtype=np.float32)
    plain = score_images(model, images, variables)
    np.testing.assert_allclose(
        score_images(model, images, variables, n_rotations=4), plain, rtol=1e-5, atol=1e-6
    )


# numbers


def test_table_counts_every_use():
    """Dense layers act on every tower and track; two networks of the same form, then one on the
    sums."""
    table = network_table(specification())
    inputs, w = 4, WIDTH
    of_point = (inputs * w + w) + 2 * (w * w + w)
    of_event = ((2 * w + 2) * 2 * w + 2 * w) + (2 * w * w + w)
    assert table.parameters == 2 * of_point + of_event + (w + 1)
    assert (
        table.multiply_adds
        == (TOWERS + TRACKS) * (inputs * w + 2 * w * w) + (2 * w + 2) * 2 * w + 2 * w * w + w
    )
    assert table.parameters == count_parameters(make_model(specification()))
    assert [row.type for row in table.rows].count("Linear") == 3 + 3 + 2 + 1
    assert table.rows[-1].name == "head"


def test_defaults_take_a_hundred_towers_and_fifty_tracks():
    columns = make_model(specification(options={}, n_variables=550)).network.columns
    assert columns.sizes == {"leading_towers": 100, "leading_tracks": 50}


# what it refuses


@pytest.mark.parametrize("n_variables", [0, N_VARIABLES - 1, 23])
def test_wrong_number_of_variables(n_variables):
    sentence = (
        f"network 'deep_sets' takes {N_VARIABLES} variables, of 12 towers and 7 tracks, not "
        f"{n_variables}: give it "
        "the variables leading_towers and leading_tracks"
    )
    with pytest.raises(InputError, match=sentence):
        make_model(specification(n_variables=n_variables))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"towers": 0}, "option towers is 0, but must be whole and at least 1"),
        ({"tracks": 2.5}, "option tracks is 2.5"),
        ({"width": "wide"}, "option width is 'wide'"),
        ({"points": 3}, "'deep_sets' has no option points: it has towers, tracks, constituents, w"),
        ({"dropout": 2.0}, "option dropout is 2.0, but must be a number from 0 to 1"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(InputError, match=message):
        make_model(specification(options=options))


def test_variables_that_do_not_fit_at_use(model):
    with pytest.raises(
        InputError,
        match=rf"the model takes {N_VARIABLES} of each event \(leading_towers, leading_tra",
    ):
        model(torch.zeros(2, 2, 8, 8), None)


def test_it_is_none_of_the_networks_on_images():
    assert [name for name, entry in NETWORKS.items() if not entry.is_of_images] == [
        "deep_sets",
        "particle_transformer",
    ]
    with pytest.raises(InputError, match=r"choose from small, .*, or give your own"):
        make_model(make_specification(network="deep_set"))


# use


def test_statistics_of_the_variables_are_not_used():
    """The points go in as they are: azimuths that were standardized would not wrap around."""
    torch.manual_seed(1)
    statistics = ScalingStatistics(
        variable_mean=np.ones(N_VARIABLES), variable_std=np.full(N_VARIABLES, 3.0)
    )
    first = make_model(specification(), statistics).eval()
    second = make_model(specification()).eval()
    second.load_state_dict(first.state_dict())
    assert first.takes_points
    both = [logits_of(one, *make_points()) for one in (first, second)]
    np.testing.assert_allclose(*both, rtol=1e-5, atol=1e-6)
    assert not make_model(make_specification()).takes_points


def test_stored_and_loaded(model, tmp_path):
    save_model(tmp_path, model)
    again = load_model(tmp_path)
    assert again.specification == model.specification
    both = [logits_of(one.eval(), *make_points()) for one in (again, model)]
    np.testing.assert_allclose(*both, rtol=1e-5, atol=1e-6)


def test_bfloat16_gives_nearly_the_same_and_a_logit_of_full_precision(model):
    expected = logits_of(model, *make_points(200))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = logits_of(model, *make_points(200))
    assert half.dtype == np.float32
    np.testing.assert_allclose(half, expected, rtol=0.05, atol=0.02)
    assert len(np.unique(half)) > 150


@pytest.mark.parametrize("what", ["soft", "wide"])
def test_it_learns_points_that_tell_apart(what):
    """Signal has softer points, or the same at larger |eta|."""
    torch.manual_seed(3)
    labels = np.arange(200) % 2
    towers, tracks = make_points(200)
    towers[..., 0 if what == "soft" else 1] *= np.where(
        labels, 0.3 if what == "soft" else 2.5, 1.0
    )[:, None]
    model = make_model(specification(options=OPTIONS | {"dropout": 0.0}))
    variables = torch.from_numpy(
        np.concatenate([towers.reshape(200, -1), tracks.reshape(200, -1)], axis=1)
    ).float()
    images, truth, losses = torch.zeros(200, 2, 8, 8), torch.from_numpy(labels).float(), []
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(80):
        loss = nn.functional.binary_cross_entropy_with_logits(model(images, variables), truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(np.log(2), abs=0.1)
    assert losses[-1] < 0.3
    for name, parameter in model.named_parameters():
        assert parameter.grad.any(), name
