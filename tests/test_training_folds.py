"""Networks of folds: none is asked about an event that it saw; their mean as one model."""

import hashlib

import numpy as np
import pytest
import torch
from fakes import make_columns, make_images, write_image_file, write_two_samples
from fakes_models import make_trained
from scipy.special import expit, logit

from calovision.core.errors import InputError
from calovision.core.splits import SPLITS, Folds
from calovision.models import average_models, load_model, save_model
from calovision.scoring import score_collection, score_out_of_fold
from calovision.stages.mean_model import average_networks
from calovision.stages.scores import ScoringOptions, score_ensemble, score_events
from calovision.storage import ImageCollection, read_table, write_file_list
from calovision.training import TrainingOptions, train_network
from calovision.training.data import ImageData, measure_statistics

FOLDS = Folds(number=3, seed=1, validation_share=0.25)
OPTIONS = TrainingOptions(
    epochs=1, batch_size=16, device="cpu", precision="fp32", seed=3, scaling="standardize"
)
MASK = 2**64 - 1


def mixed(state):
    """Finalizer of splitmix64 in Python's integers (Steele, Lea, Flood, OOPSLA 2014)."""
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & MASK
    return state ^ (state >> 31)


def uniform(key, number):
    start = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little")
    return (mixed((start + int(number)) & MASK) >> 11) / 2**53


def fold_by_hand(sample, number):
    return int(3 * uniform(f"{sample}/1/fold", number))


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    return ImageCollection(write_two_samples(tmp_path_factory.mktemp("images"), n_events=120))


def test_no_network_sees_an_event_of_its_fold(collection):
    samples, numbers = collection.sample_names(), collection.column("event_number")
    expected = [fold_by_hand(*pair) for pair in zip(samples, numbers, strict=True)]
    assert np.array_equal(collection.folds(FOLDS), expected)
    assert np.bincount(expected).min() > 10
    for fold in range(3):
        data = ImageData(collection, OPTIONS, 1.0, folds=FOLDS, fold=fold)
        seen = np.concatenate([data.indices["train"], data.indices["validation"]])
        assert np.array_equal(np.sort(seen), np.flatnonzero(np.array(expected) != fold))


def test_scaling_is_of_the_training_events_of_the_fold(collection):
    """The files hold statistics of their own split."""
    data = ImageData(collection, OPTIONS, 1.0, folds=FOLDS, fold=1)
    images = collection.dense(data.indices["train"]).astype(np.float64)
    found = measure_statistics(data)
    assert found.mean == pytest.approx(images.mean(axis=0), rel=1e-9, abs=1e-12)
    assert found.std == pytest.approx(images.std(axis=0) + 1e-5, rel=1e-9)


def test_record_of_a_fold_and_files_of_its_scores(tmp_path, collection):
    model = train_network(
        collection,
        tmp_path / "fold2",
        OPTIONS,
        luminosity_fb=1.0,
        folds=FOLDS,
        fold=2,
        progress_bar=False,
    )
    run = load_model(model).training_run
    split = collection.splits(FOLDS, 2)
    assert run["fold"] == 2
    assert run["folds"] == {"number": 3, "seed": 1, "validation_share": 0.25}
    assert run["n_training"] == np.sum(split == SPLITS.index("train"))
    write_file_list(tmp_path / "images.tsv", [file.path for file in collection.files])
    output = tmp_path / "scores.h5"
    folds = {"folds": run["folds"], "fold": "/fold2"}
    score_events(tmp_path / "images.tsv", model, output, ScoringOptions("cpu"), **folds)
    chosen = np.flatnonzero(split != SPLITS.index("train"))
    assert np.array_equal(
        read_table(output)["event_number"], collection.column("event_number")[chosen]
    )
    assert np.array_equal(read_table(output)["split"], split[chosen])
    assert set(read_table(output)["fold"]) == {2}


def test_split_of_the_score_command_is_that_of_the_fold(tmp_path, collection):
    """The test events of the files trained two thirds of the networks."""
    from calovision.cli.score import NetworkOptions, ScoredSplit, ScoringOptions, score_image_files

    training = {"folds": vars(FOLDS), "fold": 1}
    save_model(tmp_path / "fold1", make_trained(), training=training)
    files = [file.path for file in collection.files]
    options = ScoringOptions(split=ScoredSplit.TEST, device="cpu")
    output = tmp_path / "scores.h5"
    score_image_files(tmp_path / "fold1", files, output, options, NetworkOptions(), force=False)
    numbers = collection.column("event_number")[collection.folds(FOLDS) == 1]
    assert np.array_equal(read_table(output)["event_number"], numbers)


@pytest.fixture
def networks(tmp_path):
    """Three folds of two seeds: paths and models."""
    found = []
    for number in range(6):
        model = make_trained(seed=number + 1)
        save_model(tmp_path / str(number), model, training={"fold": number % 3})
        found.append((tmp_path / str(number) / "model.json", model))
    return found


def test_events_are_scored_by_the_networks_of_their_fold(tmp_path, collection, networks):
    paths, models = zip(*networks, strict=True)
    of_all = np.stack(
        [score_collection(one, collection, np.arange(len(collection))) for one in models]
    )
    of_event = collection.folds(FOLDS)
    expected = logit(
        [
            (expit(of_all[fold, event]) + expit(of_all[fold + 3, event])) / 2
            for event, fold in enumerate(of_event)
        ]
    )
    found = score_out_of_fold(models, collection, FOLDS)
    assert found == pytest.approx(expected, rel=1e-6)
    files = [file.path for file in collection.files]
    output = tmp_path / "varied.h5"
    folds = {"number": 3, "seed": 1, "validation_share": 0.25}
    score_ensemble(files, paths, output, ScoringOptions("cpu"), folds=folds)
    assert read_table(output)["logit"] == pytest.approx(found, rel=1e-6)
    with pytest.raises(InputError, match="4 networks for 3 folds"):
        score_out_of_fold(models[:4], collection, FOLDS)


def test_mean_of_all_is_one_model(tmp_path, collection, networks):
    paths, models = zip(*networks, strict=True)
    output = tmp_path / "final/model.json"
    average_networks(paths, output, folds={"number": 3, "seed": 1, "validation_share": 0.25})
    mean = load_model(output.parent)
    images = torch.from_numpy(collection.dense(np.arange(20)))
    with torch.inference_mode():
        expected = sum(model(images).double().sigmoid() for model in models).div(6).logit()
        assert mean(images).double() == pytest.approx(expected, abs=1e-5)
    assert [run["fold"] for run in mean.training_run["members"]] == [0, 1, 2, 0, 1, 2]
    assert mean.training_run["folds"]["number"] == 3
    indices = np.arange(20)
    scores = score_collection(mean, collection, indices)
    assert scores == pytest.approx(expected.numpy(), abs=1e-5)


def test_mean_as_onnx(tmp_path, networks):
    from calovision.scoring.onnx_export import export_onnx

    assert export_onnx(average_models([model for _, model in networks]), tmp_path / "a.onnx") < 1e-5


def test_mean_of_other_networks_is_refused():
    with pytest.raises(InputError, match="no mean"):
        average_models([make_trained(seed=1), make_trained((3, 8, 8), seed=1)])
    with pytest.raises(InputError, match="at least one"):
        average_models([])


def test_more_folds_than_events_of_a_class(tmp_path, collection):
    columns = make_columns(4, label=1, first=1000)
    few = write_image_file(
        tmp_path / "few.h5", images=make_images(4), columns=columns, sample="few", label=1
    )
    background = [file.path for file in collection.files if file.metadata.label == 0]
    both = ImageCollection([few, *background])
    folds = Folds(number=5, seed=1, validation_share=0.25)
    with pytest.raises(
        InputError, match=r"split\.folds is 5, .* only 4 signal events .*fewer folds"
    ):
        ImageData(both, OPTIONS, 1.0, folds=folds, fold=0)
    with pytest.raises(InputError, match="fold 3 of 3: choose one from 0"):
        ImageData(collection, OPTIONS, 1.0, folds=FOLDS, fold=3)
    with pytest.raises(InputError, match="both folds and fold"):
        ImageData(collection, OPTIONS, 1.0, folds=FOLDS)


def test_score_command_with_the_mean_of_folds(tmp_path, collection, networks, caplog):
    """On samples that trained it says that most networks saw the events, unless each is scored out
    of its fold."""
    from calovision.cli.score import NetworkOptions, ScoringOptions, score_image_files

    paths, models = zip(*networks, strict=True)
    training = {"folds": vars(FOLDS), "samples": {"rpv": 1, "qcd": 0}}
    save_model(tmp_path / "final", average_models(models), training=training)
    files = [file.path for file in collection.files]
    arguments = (tmp_path / "final", files, tmp_path / "scores.h5", ScoringOptions(device="cpu"))
    score_image_files(*arguments, NetworkOptions(out_of_fold=True), force=False)
    assert not caplog.records
    expected = score_out_of_fold(models, collection, FOLDS)
    assert read_table(arguments[2])["logit"] == pytest.approx(expected, rel=1e-5, abs=1e-6)
    score_image_files(*arguments, NetworkOptions(), force=True)
    assert "qcd, rpv trained this model" in caplog.text
    with pytest.raises(InputError, match=r"mean of the networks of folds: .* models/NAME/final"):
        score_image_files(
            paths[0].parent, *arguments[1:], NetworkOptions(out_of_fold=True), force=True
        )
