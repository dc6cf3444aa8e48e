"""Scores: closed forms, brute force over the symmetry group, and what does not fit the model."""

import logging
from itertools import product

import numpy as np
import pytest
import torch
from fakes import make_columns, make_images, to_sparse, write_image_file, write_two_samples
from fakes_models import WeightedSum, make_specification, make_trained
from hypothesis import given
from hypothesis import strategies as st

from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.scoring import (
    choose_device,
    evaluation,
    is_out_of_memory,
    score_collection,
    score_images,
    symmetry_elements,
)
from calovision.storage import ImageCollection

JET_GRID = JetGrid(8, 8, 1.6)


@pytest.fixture(scope="module")
def trained():
    return make_trained()


# images in memory


@pytest.mark.parametrize("batch_size", [1, 3, 4, 100])
def test_scores_are_the_logits(trained, batch_size):
    images = make_images(11, scale=20.0)
    scores = score_images(trained, images, batch_size=batch_size)
    with torch.no_grad():
        logits = [float(trained(torch.from_numpy(image[None]))[0]) for image in images]
    assert scores.dtype == np.float64
    assert len(np.unique(scores)) == 11
    assert scores == pytest.approx(logits, rel=1e-5, abs=1e-6)


def test_scores_of_events_that_are_nearly_certain_differ():
    images, contents = (
        np.zeros((6, 2, 8, 8), dtype=np.float32),
        [20.0, 20.5, 40.0, 1e4, -1e4, -800.0],
    )
    images[:, 1, 2, 3] = contents
    assert score_images(WeightedSum(), images).tolist() == contents


def as_wide(images):
    """Every second cell of a larger array."""
    wide = np.full((*images.shape[:3], 2 * images.shape[3]), np.nan)
    wide[..., ::2] = images
    return wide[..., ::2]


@pytest.mark.parametrize(
    "given_as",
    [
        lambda images: images.astype(np.float16),
        lambda images: images.astype(">f8"),
        lambda images: np.asfortranarray(images),
        lambda images: images.tolist(),
        lambda images: torch.from_numpy(images).double(),
        lambda images: torch.from_numpy(images).to(torch.bfloat16),
        as_wide,
        to_sparse,
    ],
    ids=["float16", "big-endian", "fortran", "lists", "tensor", "bfloat16", "strided", "sparse"],
)
def test_dense_images_of_any_type_and_sparse_ones_score_alike(trained, given_as):
    images = make_images(7, scale=20.0)
    images = (
        torch.from_numpy(images).to(torch.bfloat16).float().numpy()
    )  # what the narrowest type can hold
    expected = score_images(trained, images, batch_size=3)
    assert score_images(trained, given_as(images), batch_size=3) == pytest.approx(
        expected, rel=1e-5, abs=1e-6
    )


def test_model_and_images_stay_as_they_are(trained):
    images = make_images(3)
    before = images.copy(), {name: value.clone() for name, value in trained.state_dict().items()}
    trained.train()
    submodule = next(trained.children()).eval()  # as someone who froze a part
    try:
        scores = score_images(trained, images)
        assert trained.training
        assert not submodule.training
    finally:
        trained.eval()
    assert np.array_equal(images, before[0])
    assert all(torch.equal(value, before[1][name]) for name, value in trained.state_dict().items())
    assert scores == pytest.approx(score_images(trained, images), rel=1e-5, abs=1e-6)


def test_no_images(trained):
    for images in (make_images(0), to_sparse(make_images(0))):
        assert score_images(trained, images).shape == (0,)


def test_variables_go_beside_the_image():
    images, variables = make_images(5), np.arange(10.0).reshape(5, 2) / 10
    model = WeightedSum(variables=("ht", "mj_sum"), n_variables=2)
    expected = images.sum(axis=(1, 2, 3), dtype=np.float64) + variables.sum(axis=1)
    for given_as in (variables, torch.from_numpy(variables), variables.astype(np.float32)):
        assert score_images(model, images, given_as, batch_size=2) == pytest.approx(
            expected, rel=1e-5
        )
        assert score_images(model, to_sparse(images), given_as) == pytest.approx(expected, rel=1e-5)
    for wrong in (None, variables[:4], variables[:, :1]):
        with pytest.raises(
            InputError, match=r"but the model takes \(5, 2\) beside these images: ht, mj_sum"
        ):
            score_images(model, images, wrong)
    with pytest.raises(
        InputError, match=r"variables of shape \(5, 2\), but the model takes \(5, 0\)"
    ):
        score_images(WeightedSum(), images, variables)


def test_images_that_do_not_fit():
    model = WeightedSum()
    for images in (
        make_images(2, (3, 8, 8)),
        make_images(1)[0],
        to_sparse(make_images(2, (2, 8, 16))),
    ):
        with pytest.raises(
            InputError, match=r"images of shape \(.*\), but the model takes \(n, 2, 8, 8\)"
        ):
            score_images(model, images)
    damaged = to_sparse(make_images(2))
    damaged.cells[3] = 128
    with pytest.raises(
        InputError, match=r"sparse images with cells outside their shape \(2, 8, 8\)"
    ):
        score_images(model, damaged)


@pytest.mark.parametrize("content", [np.nan, np.inf])
def test_a_score_that_is_not_finite_names_its_image(content):
    images = make_images(5)
    images[3, 0, 0, 0] = content
    with pytest.raises(InputError, match="image 3 of 5: its score is not finite"):
        score_images(WeightedSum(), images, batch_size=2)


# precision


def test_bfloat16_is_close_and_hardly_two_events_share_a_score(trained):
    """Three digits of the features, but the logit in full precision."""
    images = make_images(400, scale=20.0)
    full, half = (
        score_images(trained, images, precision=precision) for precision in ("fp32", "bf16")
    )
    assert 0 < np.abs(half - full).max() < 0.2 * full.std()
    assert np.std(half - full) < 0.03 * full.std()
    assert len(np.unique(half)) > 390
    assert score_images(trained, images) == pytest.approx(
        full, rel=1e-5, abs=1e-6
    )  # which is the default


@pytest.mark.parametrize("is_quick", [True, False])
def test_automatic_precision_is_what_the_device_is_quick_in(trained, monkeypatch, is_quick):
    asked = []
    monkeypatch.setattr(
        evaluation, "has_native_bf16", lambda *, on_gpu: asked.append(on_gpu) or is_quick
    )
    images = make_images(5, scale=20.0)
    automatic, full, half = (
        score_images(trained, images, precision=name) for name in ("auto", "fp32", "bf16")
    )
    assert automatic == pytest.approx(half if is_quick else full, rel=1e-5, abs=1e-6)
    assert np.abs(half - full).max() > 1e-4
    assert asked == [False]


def test_precision_of_a_collection(trained, tmp_path):
    collection = ImageCollection(write_two_samples(tmp_path, n_events=10))
    found = score_collection(trained, collection, np.arange(20), precision="bf16")
    expected = score_images(trained, collection.dense(np.arange(20)), precision="bf16")
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("precision", ["fp16", "", "BF16", None])
def test_precision_that_is_unknown(precision):
    with pytest.raises(
        InputError,
        match=f"precision '{precision}' is unknown for scores: choose from fp32, bf16, auto",
    ):
        score_images(WeightedSum(), make_images(1), precision=precision)


def test_autocast_ends_with_the_scoring(trained):
    score_images(trained, make_images(2), precision="bf16")
    assert not torch.is_autocast_enabled("cpu")
    broken = make_images(2)
    broken[0] = np.nan
    with pytest.raises(InputError, match="not finite"):
        score_images(trained, broken, precision="bf16")
    assert not torch.is_autocast_enabled("cpu")


# the average over rotations and reflections


def bent(n_phi=8):
    """A model that no symmetry leaves alone."""
    model = WeightedSum(
        (2, 4, n_phi),
        weights=torch.randn((2, 4, n_phi), generator=torch.Generator().manual_seed(1)),
    )
    forward = model.forward
    model.forward = lambda images, variables=None: 3 * torch.tanh(forward(images, variables)) + 0.5
    return model


def brute_force(model, image, n_rotations):
    """Mean of the logits over all the images that one can be turned and mirrored to, by numpy."""
    n_phi = image.shape[-1]
    mirrored_in_phi = image[:, :, [0, *range(n_phi - 1, 0, -1)]]
    starts = (image, image[:, ::-1], mirrored_in_phi, mirrored_in_phi[:, ::-1])
    shifts = [turn * n_phi // n_rotations for turn in range(n_rotations)]
    views = [np.roll(start, shift, axis=2) for start, shift in product(starts, shifts)]
    logits = [float(model(torch.from_numpy(view.copy())[None])[0]) for view in views]
    return np.mean(logits)


@pytest.mark.parametrize("n_rotations", [1, 2, 4, 8])
def test_average_over_the_group_against_brute_force(n_rotations):
    model, images = bent(), make_images(5, (2, 4, 8), scale=0.5)
    expected = [brute_force(model, image, n_rotations) for image in images]
    plain = score_images(model, images)
    for given_as in (images, to_sparse(images)):
        scores = score_images(model, given_as, batch_size=3, n_rotations=n_rotations)
        assert scores == pytest.approx(expected, rel=1e-6)
        assert np.abs(scores - plain).max() > 0.1


@pytest.mark.parametrize("n_rotations", [2, 4, 8])
def test_an_image_and_its_rotations_have_the_same_averaged_score(n_rotations):
    model, image = bent(), make_images(1, (2, 4, 8), seed=3)[0]
    spacing = 8 // n_rotations
    turned = np.stack([np.roll(image, turn * spacing, axis=2) for turn in range(n_rotations)])
    for images in (turned, turned[:, :, ::-1]):
        scores = score_images(model, images, n_rotations=n_rotations)
        assert scores == pytest.approx(np.full(n_rotations, scores[0]), rel=1e-6)
    assert score_images(model, turned[:, :, ::-1], n_rotations=n_rotations)[0] == pytest.approx(
        scores[0], rel=1e-6
    )
    assert np.ptp(score_images(model, turned)) > 0.01
    if n_rotations < 8:  # between the rotations the score does change
        between = np.roll(turned, 1, axis=3)
        assert abs(score_images(model, between, n_rotations=n_rotations)[0] - scores[0]) > 1e-4


def test_average_with_variables():
    images, variables = make_images(4), np.array([[0.1], [0.2], [0.3], [-5.0]])
    model = WeightedSum(variables=("ht",), n_variables=1)
    expected = score_images(model, images, variables)
    assert score_images(model, images, variables, n_rotations=4) == pytest.approx(
        expected, rel=1e-6
    )


def test_what_is_no_symmetry_is_not_averaged_over():
    images = make_images(2)
    jets = WeightedSum(kind="jet", grid={"n_eta": 8, "n_phi": 8, "width": 1.6})
    with pytest.raises(InputError, match="jet images do not wrap around in phi"):
        score_images(jets, images, n_rotations=2)
    with pytest.raises(InputError, match="9 rotations: images of 8 columns"):
        score_images(WeightedSum(), images, n_rotations=9)
    cells = {"n_eta": 8, "n_phi": 8}
    for grid in (
        {"eta_range": (0.0, 2.5)},
        {"eta_range": (-4.0, 5.0), "eta_edges": [*range(-4, 4), 5]},
    ):
        assert sorted(symmetry_elements(make_specification(grid=cells | grid), 2)) == [0, 1, 16, 17]
    assert sorted(symmetry_elements(make_specification(), 2)) == [0, 1, 2, 3, 16, 17, 18, 19]
    assert sorted(symmetry_elements(make_specification(grid={}), 1)) == [0, 1, 2, 3]


# memory


LACK = torch.cuda.OutOfMemoryError("CUDA out of memory")


class Hungry(WeightedSum):
    """Runs out of memory with more than ``limit`` images, once ``easy`` of them were scored."""

    def __init__(self, limit, *, easy=0, error=LACK):
        super().__init__()
        self.limit, self.easy, self.error = limit, easy, error
        self.batches, self.n_failures = [], 0

    def forward(self, images, variables=None):
        if len(images) > self.limit and sum(self.batches) >= self.easy:
            self.n_failures += 1
            raise self.error
        self.batches.append(len(images))
        return super().forward(images, variables)


@given(
    n=st.integers(0, 30),
    batch_size=st.integers(1, 40),
    limit=st.integers(1, 40),
    easy=st.integers(0, 20),
)
def test_lack_of_memory_halves_the_batches_and_loses_nothing(n, batch_size, limit, easy):
    images = make_images(n)
    model = Hungry(limit, easy=easy)
    expected = score_images(WeightedSum(), images)
    assert score_images(model, images, batch_size=batch_size) == pytest.approx(expected, rel=1e-5)
    assert sum(model.batches) == n
    assert model.n_failures <= max(0, np.ceil(np.log2(max(1, min(n, batch_size)) / limit)))


def test_lack_of_memory_is_told(caplog, tmp_path):
    collection = ImageCollection(write_two_samples(tmp_path, n_events=10))
    model = Hungry(3, easy=9)
    with caplog.at_level(logging.WARNING):
        scores = score_collection(model, collection, np.arange(20), batch_size=8)
    assert [record.getMessage() for record in caplog.records] == [
        "out of memory: scoring goes on with batches of 2 images"
    ]
    assert model.batches == [8, 8, 2, 2]
    assert scores == pytest.approx(
        score_collection(WeightedSum(), collection, np.arange(20)), rel=1e-5
    )
    with pytest.raises(InputError, match="out of memory for a single image"):
        score_images(Hungry(0), make_images(3))


def test_what_counts_as_lack_of_memory():
    with pytest.raises(RuntimeError) as genuine:
        torch.empty(10**15)
    assert is_out_of_memory(genuine.value)
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("CUDA error: out of memory"))
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        score_images(Hungry(0, error=RuntimeError("shapes do not fit")), make_images(3))


# image files


def test_collection_as_images_in_memory(tmp_path, trained):
    collection = ImageCollection(write_two_samples(tmp_path, n_events=20))
    indices = np.random.default_rng(1).permutation(40)[:33]
    indices[4] = indices[9]
    expected = score_images(trained, collection.dense(indices))
    seen = []
    for batch_size in (1, 7, 33, 50):
        scores = score_collection(
            trained, collection, indices, batch_size=batch_size, progress=seen.append
        )
        assert scores == pytest.approx(expected, rel=1e-5)
    assert scores.dtype == np.float64
    assert sum(seen) == 4 * 33
    assert score_collection(trained, collection, []).shape == (0,)
    averaged = score_collection(trained, collection, indices, n_rotations=2)
    assert averaged == pytest.approx(
        score_images(trained, collection.dense(indices), n_rotations=2), rel=1e-5
    )


def test_collection_gives_its_event_variables(tmp_path):
    columns = make_columns(10) | {"ht": np.linspace(-1, 1, 10)}
    path = write_image_file(tmp_path / "a.h5", 10, columns=columns)
    collection, model = ImageCollection([path]), WeightedSum(variables=("ht",), n_variables=1)
    indices = np.array([7, 2, 5])
    expected = (
        collection.dense(indices).sum(axis=(1, 2, 3), dtype=np.float64) + columns["ht"][indices]
    )
    assert score_collection(model, collection, indices) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(InputError, match="no column 'leading_pt'"):
        score_collection(WeightedSum(variables=("leading_pt",), n_variables=1), collection, indices)


EDGES = (-2.5, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.5)
MOVED = (-2.5, -1.5, -1.0, -0.5, 1e-6, 0.5, 1.0, 1.5, 2.5)


@pytest.mark.parametrize(
    ("file", "model", "sentence"),
    [
        (
            {"channels": ("tracks", "em_et")},
            {},
            "list of channels is tracks, em_et, but that of the model is em_et, tracks",
        ),
        ({"units": ("MeV", "")}, {}, "list of units is MeV, 1, but that of the model is GeV, 1"),
        (
            {"grid": EtaPhiGrid(8, 8, (-3.0, 3.0))},
            {},
            "grid is 8x8 cells, eta -3.0 to 3.0, but that of the model is 8x8 cells, eta -2.5 to "
            "2.5",
        ),
        (
            {"grid": EtaPhiGrid(8, 8, eta_edges=MOVED)},
            {"grid": {"n_eta": 8, "n_phi": 8, "eta_range": [-2.5, 2.5], "eta_edges": list(EDGES)}},
            "grid is .* 1e-06 .*, but that of the model is .* 0.0 ",
        ),
        (
            {"grid": EtaPhiGrid(8, 8, eta_edges=EDGES)},
            {},
            "grid is .*edges in eta -2.5 .*, but that of the model is .*eta -2.5 to 2.5",
        ),
        (
            {},
            {"image_shape": (2, 8, 16), "grid": {}},
            r"image shape is \(2, 8, 8\), but that of the model is \(2, 8, 16\)",
        ),
        (
            {},
            {"kind": "jet", "grid": {"n_eta": 8, "n_phi": 8, "width": 1.6}},
            "kind is event, but that of the model is jet",
        ),
    ],
)
def test_files_of_other_images_than_the_model(tmp_path, file, model, sentence):
    path = write_image_file(tmp_path / "a.h5", **file)
    with pytest.raises(
        InputError, match=rf"a.h5: its {sentence}.*; build the images as for the training$"
    ):
        score_collection(WeightedSum(**model), ImageCollection([path]), [0])


def test_files_like_those_of_the_model(tmp_path):
    edges = {
        "n_eta": 8,
        "n_phi": 8,
        "eta_range": [-2.5, 2.5],
        "eta_edges": list(EDGES),
    }  # as JSON gives them back
    files = [write_image_file(tmp_path / "edges.h5", grid=EtaPhiGrid(8, 8, eta_edges=EDGES))]
    models = [WeightedSum(grid=edges)]
    files.append(write_image_file(tmp_path / "plain.h5"))
    models.append(WeightedSum(grid={"n_eta": 8, "n_phi": 8, "eta_range": [-2.5, 2.5]}))
    columns = {name: np.zeros(20) for name in ("pt", "eta", "phi", "mass")} | {
        "jet_index": np.zeros(20, dtype=np.int64)
    }
    files.append(write_image_file(tmp_path / "jets.h5", columns=columns, kind="jet", grid=JET_GRID))
    models.append(WeightedSum(kind="jet", grid={"n_eta": 8, "n_phi": 8, "width": 1.6}))
    files.append(files[-1])
    models.append(
        WeightedSum(kind="jet", grid={}, channels=(), units=())
    )  # a model that does not say
    for file, model in zip(files, models, strict=True):
        collection = ImageCollection([file])
        scores = score_collection(model, collection, [3, 1])
        assert scores == pytest.approx(collection.dense([3, 1]).sum(axis=(1, 2, 3)), rel=1e-5)


# the device


def test_devices(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device() == choose_device("cpu") == torch.device("cpu")
    with pytest.raises(InputError, match="device 'gpu': there is no GPU on this machine"):
        score_images(WeightedSum(), make_images(1), device="gpu")
    for name in ("cuda:0", "tpu", ""):
        with pytest.raises(
            InputError,
            match=f"device '{name}' does not exist on this machine: choose auto, cpu or gpu",
        ):
            choose_device(name)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device() == choose_device("gpu") == torch.device("cuda")


def test_public_names():
    import calovision

    assert calovision.score_images is score_images
    assert calovision.load_model.__module__.startswith("calovision.models")
    assert make_specification().image_shape == (2, 8, 8)


@pytest.mark.parametrize(
    ("indices", "sentence"),
    [
        (np.arange(20) < 3, "indices are booleans"),
        ([0.0, 1.0], "type float64"),
        ([[0, 1]], r"shape \(1, 2\)"),
        ([0, 20], "from 0 to 20, but the files have 20 events"),
        ([-1], "from -1 to -1"),
    ],
)
def test_indices_that_are_none_of_an_event(tmp_path, trained, indices, sentence):
    collection = ImageCollection([write_image_file(tmp_path / "a.h5", 20)])
    with pytest.raises(InputError, match=sentence):
        score_collection(trained, collection, indices)


@pytest.mark.parametrize(
    "images",
    [
        None,
        "text",
        [[1], [2, 3]],
        np.ma.masked_array(np.ones((1, 2, 8, 8)), True),
        np.ones((1, 2, 8, 8)) + 0j,
    ],
)
def test_images_that_are_no_numbers(trained, images):
    with pytest.raises(InputError):
        score_images(trained, images)
