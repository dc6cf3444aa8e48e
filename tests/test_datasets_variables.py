"""What else the training needs of its events: weights, variables, scales."""

import numpy as np
import pytest
from fakes import make_columns, make_images, write_image_file, write_two_samples

from calovision.core.errors import InputError
from calovision.datasets import (
    WEIGHT_SCHEMES,
    channel_maxima,
    load_variables,
    training_weights,
    variable_names,
    variable_statistics,
)
from calovision.storage import ImageCollection


@pytest.fixture
def collection(tmp_path):
    return ImageCollection(write_two_samples(tmp_path, n_events=20))


def test_training_weights_closed_form():
    labels, weights = np.array([1, 0, 1, 0, 0, 0]), np.array([1.0, 3.0, 3.0, 1.0, -5.0, 0.0])
    assert training_weights(labels, weights, "balanced").tolist() == [
        1.5,
        0.75,
        1.5,
        0.75,
        0.75,
        0.75,
    ]
    np.testing.assert_allclose(
        training_weights(labels, weights, "raw"), [0.75, 2.25, 2.25, 0.75, 0, 0]
    )
    logarithms = np.log([2.0, 4.0, 4.0, 2.0]) / np.log(8.0) * 3
    np.testing.assert_allclose(training_weights(labels, weights, "log1p"), [*logarithms, 0, 0])
    assert training_weights(labels, weights, "none").tolist() == [1.0] * 6


@pytest.mark.parametrize("scheme", WEIGHT_SCHEMES)
def test_training_weights_of_both_classes_have_the_same_sum(scheme):
    rng = np.random.default_rng(1)
    labels, weights = rng.integers(2, size=1000).astype(np.int8), 10 ** rng.uniform(-5, 5, 1000)
    result = training_weights(labels, weights, scheme)
    assert result.mean() == pytest.approx(1)
    if scheme != "none":
        np.testing.assert_allclose([result[labels == label].sum() for label in (0, 1)], [500, 500])
    # the scale of the event weights (the luminosity) cancels but for the logarithm
    if scheme != "log1p":
        np.testing.assert_allclose(training_weights(labels, 7 * weights, scheme), result)


@pytest.mark.parametrize(
    ("labels", "weights", "scheme", "message"),
    [
        (
            [1, 1],
            [1.0, 1.0],
            "raw",
            "no event with label 0 has a positive weight: give events of both classes",
        ),
        ([1, 1], [1.0, 1.0], "none", "no event with label 0 has a positive weight"),
        ([0, 0], [1.0, 1.0], "balanced", "no event with label 1 has a positive weight"),
        ([0, 1], [-1.0, 1.0], "raw", "no event with label 0 has a positive weight"),
        (
            [0, 1],
            [0.0, 0.0],
            "log1p",
            "no event has a positive weight, so train.weights 'log1p' is impossible",
        ),
        ([0, 1, 1], [1.0, np.nan, np.nan], "balanced", "2 of 3 event weights are not finite"),
        ([0, 1], [1.0, np.inf], "raw", "1 of 2 event weights are not finite"),
        ([], [], "raw", "no event with label 0"),
        (
            [0, 1],
            [1.0, 1.0],
            "physical",
            "train.weights 'physical' is unknown: choose from balanced, log1p, raw, none",
        ),
    ],
)
def test_weights_that_cannot_be(labels, weights, scheme, message):
    with pytest.raises(InputError, match=message):
        training_weights(np.array(labels), np.array(weights), scheme)


def test_variables_side_by_side(collection):
    indices = np.array([33, 2, 2, 0])
    values = load_variables(collection, indices, ("ht", "fat_jets", "n_fat_jets"))
    names = variable_names(collection, ("ht", "fat_jets", "n_fat_jets"))
    assert values.dtype == np.float32
    assert values.shape == (4, 22)
    assert len(names) == 22
    first = ("fat_jets[0].pt", "fat_jets[0].eta", "fat_jets[0].phi", "fat_jets[0].mass")
    assert names[:6] == ("ht", *first, "fat_jets[1].pt")
    assert names[-2:] == ("fat_jets[4].mass", "n_fat_jets")
    jets = collection.column("fat_jets")[indices]
    np.testing.assert_array_equal(
        values[:, names.index("fat_jets[1].mass")], jets[:, 1, 3].astype(np.float32)
    )
    np.testing.assert_array_equal(values[:, -1], collection.column("n_fat_jets")[indices])


def test_names_of_other_columns(tmp_path):
    columns = {"pair": np.zeros((20, 2)), "table": np.arange(120.0).reshape(20, 2, 3)}
    collection = ImageCollection([write_image_file(tmp_path / "a.h5", 20, columns=columns)])
    names = variable_names(collection, ("pair", "table"))
    assert names == (
        "pair[0]",
        "pair[1]",
        *(f"table[{i}, {j}]" for i in range(2) for j in range(3)),
    )
    assert load_variables(collection, [3], ("table",)).tolist() == [[18, 19, 20, 21, 22, 23]]


def test_no_variables(collection):
    assert load_variables(collection, [1, 2], ()).shape == (2, 0)
    assert variable_names(collection, ()) == ()
    mean, std = variable_statistics(collection, [1, 2], ())
    assert mean.shape == std.shape == (0,)
    assert load_variables(collection, [], ("ht", "fat_jets")).shape == (0, 21)


def test_variable_statistics(collection):
    indices = np.arange(3, 37)
    mean, std = variable_statistics(collection, indices, ("ht", "fat_jets"))
    expected = np.column_stack(
        [collection.column("ht"), collection.column("fat_jets").reshape(40, 20)]
    )[indices]
    np.testing.assert_allclose(mean, expected.mean(axis=0), rtol=1e-6)
    empty = expected.std(axis=0) == 0  # the jets that no event has
    assert empty.sum() == 8
    np.testing.assert_allclose(std, np.where(empty, 1, expected.std(axis=0)), rtol=1e-5)
    assert mean.dtype == std.dtype == np.float64


def test_constant_variable_has_the_deviation_one(tmp_path):
    """A rounding error left by the sum would blow the variable up."""
    path = write_image_file(tmp_path / "a.h5", 20, columns={"ht": np.full(20, 0.1)})
    mean, std = variable_statistics(ImageCollection([path]), np.arange(19), ("ht",))
    assert mean[0] == pytest.approx(0.1)
    assert std.tolist() == [1.0]


@pytest.mark.parametrize("name", ["label", "weight", "split", "event_number"])
def test_variables_that_tell_the_class(collection, name):
    for function in (load_variables, variable_statistics):
        with pytest.raises(
            InputError, match=f"train.variables: '{name}' is no property of an event"
        ):
            function(collection, [0], ("ht", name))
    with pytest.raises(InputError, match=f"train.variables: '{name}'"):
        variable_names(collection, (name,))


def test_variables_that_are_not_finite(tmp_path):
    values = make_columns(20)["delta_eta_12"]
    values[[4, 9]] = np.inf
    too_large = np.full(20, 1.0)
    too_large[3] = 1e39  # more than float32 holds
    columns = {"delta_eta_12": values, "ht": too_large, "tau21": np.full(20, np.nan)}
    collection = ImageCollection([write_image_file(tmp_path / "a.h5", 20, columns=columns)])
    message = (
        r"'delta_eta_12' is not finite for 2 of 3 events \(the first is number 9\), as it "
        r"is for fewer than two"
    )
    with pytest.raises(InputError, match=message):
        load_variables(collection, [3, 9, 4], ("delta_eta_12",))
    assert load_variables(collection, [3, 5], ("delta_eta_12",)).shape == (2, 1)
    with pytest.raises(InputError, match="as it is for tau1 = 0, as of fewer than 2 constituents"):
        load_variables(collection, [3], ("tau21",))
    with pytest.raises(InputError, match="'ht' is not finite for 1 of 20 events"):
        load_variables(collection, np.arange(20), ("ht",))


def test_absent_variable_and_no_events(collection):
    with pytest.raises(InputError, match="no column 'tau21'"):
        load_variables(collection, [0], ("tau21",))
    with pytest.raises(InputError, match="no event: none is of the training split"):
        variable_statistics(collection, [], ("ht",))


def test_largest_value_of_each_channel(tmp_path):
    images = [make_images(1500, (3, 4, 5), seed=1), make_images(30, (3, 4, 5), seed=2)]
    images[1][:, 0] *= 9
    paths = [write_image_file(tmp_path / f"{k}.h5", images=part) for k, part in enumerate(images)]
    collection, every = ImageCollection(paths), np.concatenate(images)
    for indices in (
        np.arange(1530),
        np.random.default_rng(1).permutation(1530)[:700],
        [1529],
        [3, 3],
    ):
        maxima = channel_maxima(collection, indices)
        assert maxima.dtype == np.float64
        assert maxima.tolist() == every[indices].max(axis=(0, 2, 3)).tolist()


def test_largest_value_where_all_are_negative(tmp_path):
    images = np.full((4, 2, 2, 2), -1.0, dtype=np.float32)
    images[:, 1, 0, 0] = 0  # an empty cell is zero
    images[1:, 0] = -3
    collection = ImageCollection([write_image_file(tmp_path / "a.h5", images=images)])
    assert channel_maxima(collection, np.arange(4)).tolist() == [-1, 0]
    assert channel_maxima(collection, [2]).tolist() == [-3, 0]
    with pytest.raises(InputError, match="the largest values of no image"):
        channel_maxima(collection, [])
