"""``calovision score``, ``calovision models`` and ``calovision onnx``."""

import re

import h5py
import numpy as np
import onnxruntime
import pytest
import torch
from fakes import (
    make_columns,
    make_images,
    make_metadata,
    to_sparse,
    write_image_file,
    write_two_samples,
)
from fakes_cli import fail, fail_usage, stored, succeed
from fakes_models import IMAGE_NETWORKS, make_trained
from scipy.special import expit

from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.models import NETWORKS, load_model, save_model
from calovision.scoring import score_images
from calovision.storage import ImageCollection, ImageFileWriter, read_scores, read_table


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Of a trained model."""
    folder = tmp_path_factory.mktemp("model")
    save_model(folder, make_trained())
    return folder


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_two_samples(tmp_path_factory.mktemp("images"), n_events=20)


def test_scores_of_all_events(tmp_path, folder, files):
    output = tmp_path / "scores.h5"
    text = succeed("score", folder, *files, "-o", output, "--batch-size", 7)
    collection = ImageCollection(files)
    expected = score_images(make_trained(), collection.dense(np.arange(40)))
    scores = read_scores(output, collection, np.arange(40))
    assert scores == pytest.approx(expected, rel=1e-5)
    assert scores.dtype == np.float64
    assert stored(text, "events") == "40"
    assert stored(text, "output") == str(output)
    assert re.search(
        r"^speed +[\d,]+ events/s, [\d.]+ s, device (cpu|cuda) *$", text, flags=re.MULTILINE
    )
    for sample, label, part in (("rpv", 1, scores[:20]), ("qcd", 0, scores[20:])):
        assert re.search(
            rf"^{sample} +{label} +20 +{expit(part).mean():.4f} *$", text, flags=re.MULTILINE
        )
    with h5py.File(output) as file:
        assert (
            file.attrs["model"].decode(),
            file.attrs["network"].decode(),
            file.attrs["n_rotations"],
        ) == (
            str(folder),
            "small",
            0,
        )
        assert file.attrs["scores"] == b"logit"
    assert [path.name for path in tmp_path.iterdir()] == ["scores.h5"]


@pytest.mark.parametrize(("split", "n"), [("train", 24), ("validation", 8), ("test", 8)])
def test_scores_of_one_split(tmp_path, folder, files, split, n):
    output = tmp_path / "scores.h5"
    text = succeed(
        "score", folder / "model.json", *files, "-o", output, "--split", split, "--rotations", 2
    )
    collection = ImageCollection(files)
    indices = np.flatnonzero(
        collection.column("split") == ["train", "validation", "test"].index(split)
    )
    expected = score_images(load_model(folder), collection.dense(indices), n_rotations=2)
    assert len(indices) == n
    assert stored(text, "events") == str(n)
    assert read_scores(output, collection, indices) == pytest.approx(expected, rel=1e-5)
    with h5py.File(output) as file:
        assert file.attrs["n_rotations"] == 2


def test_files_without_jets(tmp_path, folder):
    """Columns that every file has, and no more."""
    columns = {name: make_columns(5)[name] for name in ("event_number", "label", "weight", "split")}
    path, images = tmp_path / "a.h5", make_images(5)
    with ImageFileWriter(path, images.shape[1:]) as writer:
        writer.append(to_sparse(images), columns)
        writer.close(make_metadata())
    succeed("score", folder, path, "-o", tmp_path / "scores.h5")
    assert read_table(tmp_path / "scores.h5")["logit"] == pytest.approx(
        score_images(load_model(folder), images), rel=1e-5
    )


def test_scores_of_jets_are_keyed_by_the_jet(tmp_path):
    save_model(
        tmp_path,
        make_trained(kind="jet", grid={"n_eta": 8, "n_phi": 8, "width": 1.6}, circular=False),
    )
    columns = {name: np.zeros(6) for name in ("pt", "eta", "phi", "mass")}
    columns |= {"event_number": np.arange(6) // 2, "jet_index": np.arange(6) % 2}
    images = write_image_file(
        tmp_path / "jets.h5", 6, columns=columns, kind="jet", grid=JetGrid(8, 8, 1.6)
    )
    text = succeed("score", tmp_path, images, "-o", tmp_path / "scores.h5")
    assert stored(text, "jets") == "6"
    table = read_table(tmp_path / "scores.h5")
    assert table["event_number"].tolist() == [0, 0, 1, 1, 2, 2]
    assert table["jet_index"].tolist() == [0, 1] * 3
    assert "jet images do not wrap around" in fail(
        "score", tmp_path, images, "-o", tmp_path / "scores.h5", "--force", "--rotations", 2
    )
    assert len(read_table(tmp_path / "scores.h5")["logit"]) == 6


def test_a_file_without_events(tmp_path, folder):
    path = write_image_file(tmp_path / "a.h5", images=make_images(0))
    text = succeed("score", folder, path, "-o", tmp_path / "scores.h5")
    assert stored(text, "events") == "0"
    assert re.search(r"^qcd +0 +0 +- *$", text, flags=re.MULTILINE)
    assert read_table(tmp_path / "scores.h5")["logit"].shape == (0,)


def test_bad_input_of_score_is_one_sentence(tmp_path, folder, files, monkeypatch):
    output = tmp_path / "scores.h5"
    output.write_text("precious")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    force = ("-o", output, "--force")
    assert "scores.h5 exists already" in fail("score", folder, *files, "-o", output)
    assert "device 'gpu': there is no GPU" in fail(
        "score", folder, *files, *force, "--device", "gpu"
    )
    assert "device 'tpu' does not exist" in fail("score", folder, *files, *force, "--device", "tpu")
    assert str(tmp_path / "none") in fail("score", tmp_path / "none", *files, *force)
    assert "no such image file" in fail("score", folder, tmp_path / "none.h5", *force)
    other = write_image_file(tmp_path / "other.h5", grid=EtaPhiGrid(8, 8, (-3.0, 3.0)))
    assert "eta -3.0 to 3.0, but that of the model is 8x8 cells, eta -2.5 to 2.5" in fail(
        "score", folder, other, *force
    )
    columns = {"split": np.zeros(20, dtype=np.uint8)}
    train = write_image_file(tmp_path / "train.h5", columns=columns)
    assert "none of the 20 images is of the split 'test'" in fail(
        "score", folder, train, *force, "--split", "test"
    )
    assert output.read_text() == "precious"
    assert "--batch-size" in fail_usage("score", folder, *files, *force, "--batch-size", 0)


def write_own_network(folder, monkeypatch):
    """Module ``mine`` with a network ``Mean``, found by Python."""
    (folder / "mine.py").write_text(
        "from torch import nn\n"
        "class Mean(nn.Module):\n"
        "    def __init__(self, image_shape, *, bias=0.0):\n"
        "        super().__init__()\n"
        "        self.layer, self.bias = nn.Linear(image_shape[0], 1), bias\n"
        "    def forward(self, images):\n"
        "        return self.layer(images.mean(dim=(2, 3))).squeeze(1) + self.bias\n"
    )
    monkeypatch.syspath_prepend(folder)


def test_the_model_may_name_a_class_of_the_user(tmp_path, files, monkeypatch):
    write_own_network(tmp_path, monkeypatch)
    model = make_trained(network="mine:Mean", options={"bias": 0.5})
    save_model(tmp_path / "model", model)
    output = tmp_path / "scores.h5"
    assert "allow" in fail("score", tmp_path / "model", *files, "-o", output)
    succeed("score", tmp_path / "model", *files, "-o", output, "--allow-imports")
    collection = ImageCollection(files)
    expected = score_images(model, collection.dense(np.arange(40)))
    assert read_scores(output, collection, np.arange(40)) == pytest.approx(expected, rel=1e-5)


def test_onnx(tmp_path, folder, files):
    output = tmp_path / "model.onnx"
    text = succeed("onnx", folder, "-o", output)
    assert text.startswith(f"{output}: takes images (n, 2, 8, 8), gives logit and probability, ")
    assert float(re.search(r"differs from torch by (\S+) at most", text).group(1)) < 1e-5
    succeed("score", folder, *files, "-o", tmp_path / "scores.h5")
    images = ImageCollection(files).dense(np.arange(40))
    (logit,) = onnxruntime.InferenceSession(output).run(["logit"], {"images": images})
    assert logit == pytest.approx(read_table(tmp_path / "scores.h5")["logit"], abs=1e-5)
    assert "exists already" in fail("onnx", folder, "-o", output)
    assert str(tmp_path / "none") in fail("onnx", tmp_path / "none", "-o", tmp_path / "b.onnx")
    assert not (tmp_path / "b.onnx").exists()


def rows(text, n_columns):
    """First columns of the lines of a table."""
    return [line.split()[:n_columns] for line in text.splitlines()[1:] if line]


def test_networks_are_listed():
    listed = {name: numbers for name, *numbers in rows(succeed("models"), 3)[1:]}
    assert set(listed) == {"network", *NETWORKS}
    # the sizes that the papers give, images 64x64 with three channels
    parameters = {
        name: int(numbers[0].replace(",", ""))
        for name, numbers in listed.items()
        if name in IMAGE_NETWORKS
    }
    model = make_trained((3, 64, 64))
    assert parameters["small"] == sum(parameter.numel() for parameter in model.parameters())
    assert parameters["hep_cnn"] == pytest.approx(34.5e6, rel=0.01)
    assert listed["deep_sets"][1] == "1,292,096"  # of 100 towers and 50 tracks


def test_networks_that_are_too_large_for_the_images_say_so():
    text = succeed("models", "--grid", "4x4")
    assert re.search(r"^small +- +- ", text, flags=re.MULTILINE)
    assert "network 'small' needs images of at least 8x8 cells, not 4x4" in text
    assert "unknown network 'nope'; choose from small" in fail("models", "nope")
    assert "at least 8x8 cells" in fail("models", "small", "--grid", "4x4")
    assert "must look like 64x64" in fail_usage("models", "--grid", "4")


def test_layers_of_a_network():
    text = succeed("models", "small", "--grid", "16x8", "--channels", 2)
    assert "images of 2 channels, 16x8 cells" in text
    # 3x3 kernels from 2 to 16 channels, at every cell, and the last dense layer
    assert re.search(r" 16 x 16 x 8 +288 +36,864 *$", text, flags=re.MULTILINE)
    assert re.search(r"^head +Linear +1 +65 +64 *$", text, flags=re.MULTILINE)
    numbers = [re.search(r"([\d,]+) +([\d,]+) *$", line).groups() for line in text.splitlines()[3:]]
    numbers = np.array([[int(number.replace(",", "")) for number in pair] for pair in numbers])
    assert numbers[-1].tolist() == numbers[:-1].sum(axis=0).tolist()


def test_layers_of_a_network_of_the_user(tmp_path, monkeypatch):
    write_own_network(tmp_path, monkeypatch)
    text = succeed("models", "mine:Mean", "--channels", 5)
    assert re.search(r"^network.layer +Linear +1 +6 +5 *$", text, flags=re.MULTILINE)
    assert "cannot be imported" in fail("models", "mine:Median")
