"""Shallow classifiers of image files: which events fit, which choose, which are scored."""

import numpy as np
import pytest
from fakes import make_columns, write_image_file

from calovision.core.errors import InputError
from calovision.evaluation import score_shallow, split_indices
from calovision.evaluation.baselines import fit_shallow
from calovision.evaluation.results import FittedBaselines
from calovision.storage import ImageCollection

NAME = "logistic_regression"


def write(path, *, label, seed, training=None, others=None, n_events=100):
    """A sample with 60 training events; ``training`` and ``others`` replace mj_sum there."""
    columns = make_columns(n_events, label=label, seed=seed)
    of_training = columns["split"] == 0
    for chosen, value in ((of_training, training), (~of_training, others)):
        if value is not None:
            columns["mj_sum"] = np.where(chosen, value, columns["mj_sum"])
    return write_image_file(
        path, n_events, columns=columns, sample=("qcd", "rpv")[label], label=label
    )


@pytest.fixture
def collection(tmp_path):
    return ImageCollection(
        [write(tmp_path / f"{label}.h5", label=label, seed=3 + label) for label in (1, 0)]
    )


def events(collection, *splits):
    chosen = split_indices(collection, *splits)
    return {name: collection.column(name)[chosen] for name in collection.files[0].events}, chosen


def test_fitted_on_training_chosen_on_validation_scores_of_both_others(collection):
    """As fit_shallow with the splits by hand; rows come in the order of the collection."""
    weights = np.random.default_rng(1).uniform(0.5, 1.5, 200)
    scores, chosen = score_shallow(collection, [NAME], weights, seed=7)
    (training, t), (validation, v) = events(collection, "train"), events(collection, "validation")
    fitted = fit_shallow(NAME, training, weights[t], validation, weights[v], seed=7)
    scored, indices = events(collection, "validation", "test")
    assert len(scores[NAME]) == len(indices) == 80
    np.testing.assert_allclose(scores[NAME], fitted.score(scored), rtol=1e-9)
    assert chosen.to_json() == {
        NAME: {"choices": fitted.chosen, "validation_loss": fitted.validation_loss}
    }
    for position in (0, 39, 40, 79):
        one = {name: collection.column(name)[indices[[position]]] for name in scored}
        assert scores[NAME][position] == pytest.approx(fitted.score(one)[0])


def test_the_training_split_alone_is_fitted(collection, tmp_path):
    """Events that are not of the training, changed, change the scores of no other event, and no
    fit."""
    paths = [
        write(tmp_path / f"other{label}.h5", label=label, seed=3 + label, others=250.0)
        for label in (1, 0)
    ]
    changed, weights = ImageCollection(paths), np.ones(200)
    scored, _ = events(collection, "validation", "test")
    fitted = {}
    for name, one in (("as it is", collection), ("changed", changed)):
        (training, t), (validation, v) = events(one, "train"), events(collection, "validation")
        fitted[name] = fit_shallow(
            NAME, training, weights[t], validation, weights[v], seed=7
        ).score(scored)
    np.testing.assert_allclose(fitted["as it is"], fitted["changed"], rtol=1e-9)
    # the weights of the test split are used nowhere
    heavy = weights.copy()
    heavy[split_indices(collection, "test")] = 1e6
    first, second = (
        score_shallow(collection, [NAME], one, seed=7)[0][NAME] for one in (weights, heavy)
    )
    np.testing.assert_allclose(first, second, rtol=1e-9)


def test_a_variable_that_separates_in_the_training_only(tmp_path):
    """The labels are in mj_sum there: the classifier follows it, and is wrong about the other
    events."""
    paths = [
        write(tmp_path / "1.h5", label=1, seed=1, training=900.0, others=100.0),
        write(tmp_path / "0.h5", label=0, seed=2, training=100.0, others=900.0),
    ]
    collection = ImageCollection(paths)
    scores = score_shallow(collection, ["adaboost"], np.ones(200), seed=1)[0]["adaboost"]
    labels = collection.column("label")[split_indices(collection, "validation", "test")]
    assert scores[labels == 1].max() < 0.5 < scores[labels == 0].min()


def test_several_classifiers_in_their_order_and_none(collection):
    scores, chosen = score_shallow(collection, ["adaboost", NAME], np.ones(200), seed=1)
    assert list(scores) == list(chosen.classifiers) == ["adaboost", NAME]
    assert not np.array_equal(scores["adaboost"], scores[NAME])
    assert score_shallow(collection, [], np.ones(200), seed=1) == ({}, FittedBaselines({}))


def test_what_is_missing_is_named(collection):
    with pytest.raises(InputError, match="unknown classifier 'svm'"):
        score_shallow(collection, ["svm"], np.ones(200), seed=1)
    with pytest.raises(InputError, match="n_jets"):
        score_shallow(collection, ["referee"], np.ones(200), seed=1)
