import numpy as np
import pytest
import torch
from fakes import make_columns, make_images, write_image_file
from fakes_models import make_specification, make_trained
from torch import nn

from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid
from calovision.models import ScalingStatistics, make_model
from calovision.scoring.attribution import (
    align_images,
    completeness_gap,
    integrated_gradients,
    mean_attribution,
)
from calovision.storage import ImageCollection

SHAPE = (2, 8, 8)


class LinearNetwork(nn.Module):
    """Logit = sum over cells of weight times scaled content + 3."""

    def __init__(self, image_shape):
        super().__init__()
        self.weights = nn.Parameter(
            torch.linspace(-1, 1, int(np.prod(image_shape))).view(image_shape)
        )

    def forward(self, images):
        return (images * self.weights).sum(dim=(1, 2, 3)) + 3


class SquareNetwork(LinearNetwork):
    """Logit = square of the linear one: its gradient changes along the way."""

    def forward(self, images):
        return super().forward(images) ** 2


def make_known(network, scaling="log1p", statistics=None):
    specification = make_specification(
        SHAPE, network=f"test_attribution:{network}", scaling=scaling
    )
    return make_model(specification, statistics)


def numeric_attributions(model, images, variables=None, n_steps=200):
    """Midpoint rule along the straight way in the scaled image, by one backward pass a step."""
    model, torch_images = model.eval(), torch.as_tensor(images)
    with torch.no_grad():
        end, start = model.scaling(torch_images), model.scaling(torch.zeros_like(torch_images))
    total = torch.zeros_like(end)
    for step in range(n_steps):
        point = (start + (end - start) * (step + 0.5) / n_steps).requires_grad_()
        features = model.network(point) if model.head is None else model.network.features(point)
        if model.head is not None:
            features = (
                model.head(features) if variables is None else model.head(features, variables)
            )
        total += torch.autograd.grad(features.sum(), point)[0]
    return ((end - start) * total / n_steps).numpy()


def test_linear_model_attributes_weight_times_scaled_content():
    model, images = make_known("LinearNetwork"), make_images(5, SHAPE, scale=20.0)
    weights = model.network.weights.detach().numpy()
    found = integrated_gradients(model, images, n_steps=1)
    assert (found.shape, found.dtype) == ((5, *SHAPE), np.float32)
    np.testing.assert_allclose(found, weights * np.log1p(images), rtol=1e-5, atol=1e-7)
    assert np.abs(completeness_gap(model, images, found)).max() < 1e-4


def test_baseline_of_standardized_images_is_the_scaled_empty_one():
    rng = np.random.default_rng(0)
    statistics = ScalingStatistics(mean=rng.uniform(1, 2, SHAPE), std=rng.uniform(1, 2, SHAPE))
    model, images = (
        make_known("LinearNetwork", "standardize", statistics),
        make_images(3, SHAPE, scale=20.0),
    )
    found = integrated_gradients(model, images, n_steps=2)
    # (x - mean) / std minus (0 - mean) / std: empty cells say nothing
    np.testing.assert_allclose(
        found,
        model.network.weights.detach().numpy() * images / statistics.std,
        rtol=1e-4,
        atol=1e-6,
    )
    assert np.all(found[images == 0] == 0)


def test_quadratic_model_in_closed_form():
    # logit (a + 3)^2 with a = sum of w x: the mean of the gradient 2 (a t + 3) w over the way is (a
    # + 6) w
    model, images = make_known("SquareNetwork", "none"), make_images(4, SHAPE)
    terms = model.network.weights.detach().numpy() * images
    expected = (terms.sum(axis=(1, 2, 3)) + 6)[:, None, None, None] * terms
    np.testing.assert_allclose(
        integrated_gradients(model, images, n_steps=2), expected, rtol=1e-4, atol=1e-5
    )


def test_network_agrees_with_numeric_integration_and_is_complete():
    model, images = make_trained(SHAPE), make_images(3, SHAPE, scale=30.0)
    found = integrated_gradients(model, images, n_steps=200, batch_size=2)
    expected = numeric_attributions(model, images)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, atol=0.02 * scale)
    with torch.no_grad():
        logits, base = model(torch.from_numpy(images)), model(torch.zeros(1, *SHAPE))
    differences = (logits - base).numpy()
    np.testing.assert_allclose(
        found.sum(axis=(1, 2, 3)), differences, atol=0.02 * np.abs(differences).max()
    )
    gap = completeness_gap(model, images, found, batch_size=4)
    np.testing.assert_allclose(gap, found.sum(axis=(1, 2, 3)) - differences, atol=1e-4)


def test_variables_stay_those_of_the_event():
    statistics = ScalingStatistics(variable_mean=np.zeros(2), variable_std=np.ones(2))
    model = make_trained(SHAPE, variables=("ht", "mj_sum"), n_variables=2, statistics=statistics)
    images, variables = (
        make_images(5, SHAPE, scale=30.0),
        np.random.default_rng(1).normal(size=(5, 2)),
    )
    found = integrated_gradients(model, images, variables, n_steps=200, batch_size=2)
    expected = numeric_attributions(model, images, torch.from_numpy(variables.astype(np.float32)))
    np.testing.assert_allclose(found, expected, atol=0.05 * np.abs(expected).max())
    with torch.no_grad():
        given = torch.from_numpy(variables.astype(np.float32))
        logits, base = (
            model(torch.from_numpy(x), given).numpy() for x in (images, np.zeros_like(images))
        )
    gap = completeness_gap(model, images, found, variables, batch_size=2)
    np.testing.assert_allclose(gap, found.sum(axis=(1, 2, 3)) - (logits - base), atol=1e-6)
    with pytest.raises(InputError, match="variables of shape None"):
        integrated_gradients(model, images)


def test_batches_types_and_inputs_do_not_matter_and_the_model_stays():
    model, images = make_trained(SHAPE), make_images(7, SHAPE, scale=30.0)
    model.train()
    model.network.eval()
    modes, before = [module.training for module in model.modules()], images.copy()
    whole = integrated_gradients(model, images)
    np.testing.assert_allclose(
        integrated_gradients(model, torch.from_numpy(images).double(), batch_size=3),
        whole,
        atol=1e-6,
    )
    np.testing.assert_array_equal(images, before)
    assert [module.training for module in model.modules()] == modes
    assert all(parameter.grad is None for parameter in model.parameters())
    assert integrated_gradients(model, images[:0]).shape == (0, *SHAPE)


def test_bad_calls_are_named():
    model = make_trained(SHAPE)
    with pytest.raises(InputError, match=r"images of shape \(2, 1, 8, 8\), but the model takes"):
        integrated_gradients(model, make_images(2, (1, 8, 8)))
    with pytest.raises(InputError, match="0 steps"):
        integrated_gradients(model, make_images(2, SHAPE), n_steps=0)


def jets(*eta_phi, pt=500.0):
    """Two jets of an event, the leading one as given."""
    return np.array([[[pt, eta, phi, 100.0], [300.0, -eta, 0.1, 50.0]] for eta, phi in eta_phi])


def test_alignment_brings_the_leading_jet_to_phi_zero_and_positive_eta():
    grid = EtaPhiGrid(8, 16)
    rng = np.random.default_rng(2)
    eta_phi = np.column_stack([rng.uniform(-2.4, 2.4, 50), rng.uniform(-np.pi, np.pi, 50)])
    eta_phi[0, 1] = np.float32(np.pi)
    images = np.zeros((50, 2, 8, 16))
    images[np.arange(50), 1, grid.eta_index(eta_phi[:, 0]), grid.phi_index(eta_phi[:, 1])] = 1.0
    aligned = align_images(images, jets(*eta_phi), grid)
    rows = grid.eta_index(np.abs(eta_phi[:, 0]))
    assert np.all(aligned[np.arange(50), 1, rows, 8] == 1)
    assert aligned.sum() == 50
    assert grid.edges_in_phi[8] == pytest.approx(0)


def test_alignment_is_a_rotation_and_a_mirror():
    grid, images = EtaPhiGrid(4, 6), np.random.default_rng(0).random((3, 2, 4, 6))
    before = images.copy()
    cells = (0, 2 * np.pi / 6 * 1.5, -np.pi + 0.01)  # columns 3, 4, 0
    turned = align_images(images, jets((1.0, cells[0]), (-1.0, cells[1]), (-1.0, cells[2])), grid)
    np.testing.assert_array_equal(turned[0], images[0])
    np.testing.assert_array_equal(turned[1], np.roll(images[1], -1, axis=2)[:, ::-1])
    np.testing.assert_array_equal(turned[2], np.roll(images[2], 3, axis=2)[:, ::-1])
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(
        align_images(images, jets(*[(-1.0, 2.0)] * 3, pt=0.0), grid), images
    )
    lopsided = EtaPhiGrid(4, 6, (-2.0, 3.0))
    turned = align_images(images, jets(*[(-1.0, cells[1])] * 3), lopsided)
    np.testing.assert_array_equal(turned, np.roll(images, -1, axis=3))
    assert align_images(images[:0], jets((1, 1))[:0], grid).shape == (0, 2, 4, 6)


@pytest.fixture
def collection(tmp_path):
    columns = make_columns(30)
    columns["fat_jets"][:, :, 1] -= 0.5  # both signs of eta
    images = make_images(30, SHAPE, scale=20.0)
    return ImageCollection([write_image_file(tmp_path / "qcd.h5", images=images, columns=columns)])


def test_mean_attribution_is_the_weighted_mean(collection):
    model = make_known("LinearNetwork")
    each = model.network.weights.detach().numpy() * np.log1p(collection.dense(np.arange(30)))
    classes = {"one": np.array([3, 1, 4, 15]), "other": [9, 2]}
    plain = mean_attribution(model, collection, classes, aligned=False, n_steps=1, batch_size=3)
    assert list(plain) == ["one", "other"]
    np.testing.assert_allclose(plain["one"], each[[3, 1, 4, 15]].mean(axis=0), rtol=1e-4, atol=1e-6)
    weights = np.arange(30) - 2.0  # one of them negative
    weighted = mean_attribution(
        model, collection, classes, weights=weights, aligned=False, n_steps=1, batch_size=3
    )
    np.testing.assert_allclose(
        weighted["one"],
        np.average(each[[3, 1, 4, 15]], axis=0, weights=[1, -1, 2, 13]),
        rtol=1e-4,
        atol=1e-6,
    )


def test_mean_attribution_is_aligned_after_the_network_has_seen_the_event(collection):
    model = make_known("LinearNetwork")
    each = model.network.weights.detach().numpy() * np.log1p(collection.dense(np.arange(30)))
    aligned = align_images(each, collection.column("fat_jets"), collection.metadata.grid)
    assert not np.allclose(aligned, each)
    found = mean_attribution(model, collection, {"qcd": np.arange(30)}, n_steps=1)
    np.testing.assert_allclose(found["qcd"], aligned.mean(axis=0), rtol=1e-4, atol=1e-6)


def test_mean_attribution_takes_the_variables_of_the_files(collection):
    statistics = ScalingStatistics(variable_mean=np.zeros(1), variable_std=np.ones(1))
    model = make_trained(SHAPE, variables=("n_fat_jets",), n_variables=1, statistics=statistics)
    indices = np.array([4, 8])
    expected = integrated_gradients(
        model,
        collection.dense(indices),
        collection.column("n_fat_jets")[indices][:, None].astype(np.float32),
    )
    found = mean_attribution(model, collection, {"qcd": indices}, aligned=False)
    np.testing.assert_allclose(found["qcd"], expected.mean(axis=0), atol=1e-6)


def test_classes_without_a_mean_and_foreign_files_are_named(collection):
    model = make_known("LinearNetwork")
    with pytest.raises(InputError, match="class 'nothing': 0 events without a positive sum"):
        mean_attribution(model, collection, {"nothing": []})
    with pytest.raises(InputError, match="class 'qcd': 2 events without"):
        mean_attribution(model, collection, {"qcd": [0, 1]}, weights=-np.ones(30))
    with pytest.raises(InputError, match="grid"):
        mean_attribution(make_trained((2, 8, 16)), collection, {"qcd": [0]})


@pytest.fixture
def counted_steps(monkeypatch):
    """Numbers of steps that were tried."""
    from calovision.scoring import attribution

    tried, original = [], attribution.integrated_gradients

    def counting(*args, n_steps, **options):
        tried.append(n_steps)
        return original(*args, n_steps=n_steps, **options)

    monkeypatch.setattr(attribution, "integrated_gradients", counting)
    return tried


def test_steps_are_doubled_until_the_attributions_are_complete(
    collection, counted_steps, monkeypatch, caplog
):
    model = make_trained(SHAPE)
    indices = np.arange(20)
    exact = mean_attribution(model, collection, {"qcd": indices}, aligned=False, n_steps=64)["qcd"]
    counted_steps.clear()
    found = mean_attribution(model, collection, {"qcd": indices}, aligned=False, n_steps=None)[
        "qcd"
    ]
    assert counted_steps[0] == 4
    assert counted_steps == [4 * 2**k for k in range(len(counted_steps))]
    assert counted_steps[-1] < 64
    images = collection.dense(indices)
    size = np.mean(np.abs(completeness_gap(model, images, np.zeros_like(images))))
    assert abs(found.sum() - exact.sum()) < 0.06 * size
    counted_steps.clear()
    monkeypatch.setattr("calovision.scoring.attribution.TOLERANCE", {"mean": 0.0})
    mean_attribution(model, collection, {"qcd": indices}, aligned=False, n_steps=None)
    assert counted_steps == [4, 8, 16, 32, 64]
    assert "attributions of 20 events miss their logits" in caplog.text


def test_bfloat16_gives_the_same_map(collection):
    model = make_trained(SHAPE)
    full, half = (
        mean_attribution(
            model, collection, {"qcd": np.arange(20)}, aligned=False, n_steps=8, precision=precision
        )["qcd"]
        for precision in ("fp32", "bf16")
    )
    assert 0 < np.abs(full - half).sum() < 0.2 * np.abs(full).sum()  # of a logit close to 0
    with pytest.raises(InputError, match="precision 'fp16' is unknown"):
        mean_attribution(model, collection, {"qcd": [0]}, precision="fp16")
