"""Stored models: what is written is what is read, nothing of a file is run, and damage is named."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes import make_images
from fakes_models import IMAGE_NETWORKS, make_specification, make_trained
from safetensors.torch import load_file, save_file
from torch import nn

from calovision.core.digests import sealed, sha256_of
from calovision.core.errors import InputError
from calovision.jobs import locks
from calovision.models import (
    SCALINGS,
    ScalingStatistics,
    count_multiply_adds,
    count_parameters,
    files,
    load_model,
    make_model,
    save_model,
)
from calovision.scoring import score_images

OLD = Path(__file__).parent / "data/models"
"""Written before models knew classes by name, with the scores of then."""
SHAPE = (2, 16, 16)
VARIABLES = {"variables": ("ht",), "n_variables": 1}
STATISTICS = ScalingStatistics(
    maxima=np.array([7.0, 3.0]),
    mean=np.linspace(0, 1, 512).reshape(SHAPE),
    std=np.linspace(1, 2, 512).reshape(SHAPE),
    variable_mean=np.array([1000.0]),
    variable_std=np.array([300.0]),
)


def images_of(n):
    return torch.rand(n, *SHAPE, generator=torch.Generator().manual_seed(3))


def edit(folder, **changes):
    """Change keys of the description, and its seal with them."""
    path = folder / "model.json"
    path.write_text(json.dumps(sealed(json.loads(path.read_text()) | changes)))


def edit_specification(folder, **changes):
    specification = json.loads((folder / "model.json").read_text())["specification"]
    edit(folder, specification=specification | changes)


def replace_weights(folder, change):
    """Change the tensors, and the checksum with them."""
    path = folder / "model.safetensors"
    tensors = change(load_file(path))
    save_file(tensors, path)
    edit(folder, weights_sha256=sha256_of(path.read_bytes()))


@pytest.fixture
def stored(tmp_path):
    """Folder of a small network."""
    save_model(tmp_path, make_trained(SHAPE), training={"epochs": 3})
    return tmp_path


@pytest.mark.parametrize("network", IMAGE_NETWORKS)
def test_weights_make_the_round_trip_to_the_last_bit(tmp_path, network):
    options = {"hep_cnn": {"dense": 8}, "nersc": {"width": 4}, "jet_cnn": {"dense": [8]}}.get(
        network, {}
    )
    model = make_trained(SHAPE, network=network, options=options, circular=False)
    save_model(tmp_path / "a" / "b", model)
    again = load_model(tmp_path / "a" / "b")
    assert again.specification == model.specification
    expected, found = model.state_dict(), again.state_dict()
    assert list(found) == list(expected)
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())
    torch.testing.assert_close(again(images_of(4)), model(images_of(4)), rtol=1e-5, atol=1e-6)
    assert not again.training
    assert all(parameter.requires_grad for parameter in again.parameters())


@pytest.mark.parametrize("scaling", SCALINGS)
def test_statistics_are_stored(tmp_path, scaling):
    model = make_trained(SHAPE, statistics=STATISTICS, scaling=scaling, **VARIABLES)
    save_model(tmp_path, model)
    variables = torch.tensor([[800.0], [1500.0], [1e4]])
    again = load_model(tmp_path)
    assert all(
        torch.equal(again.state_dict()[name], tensor) for name, tensor in model.state_dict().items()
    )
    torch.testing.assert_close(
        again(images_of(3), variables), model(images_of(3), variables), rtol=1e-5, atol=1e-6
    )


def test_weights_begin_where_torch_puts_them(stored):
    """At multiples of 64 bytes, not where they are in the file: MKL's sums may depend on it."""
    assert {tensor.data_ptr() % 64 for tensor in load_model(stored).state_dict().values()} == {0}


def test_description(stored):
    """For people and for programs without torch."""
    model = load_model(stored / "model.json")
    description = json.loads((stored / "model.json").read_text())
    assert (description["format"], description["version"]) == ("calovision-model", 3)
    assert description["specification"]["channels"] == ["em_et", "tracks"]
    assert description["parameters"] == count_parameters(model)
    assert description["multiply_adds"] == count_multiply_adds(model)
    assert description["training"] == model.training_run == {"epochs": 3}
    assert sorted(path.name for path in stored.iterdir()) == ["model.json", "model.safetensors"]


def test_training_may_hold_what_numpy_and_pathlib_make(tmp_path):
    training = {"loss": np.float32(0.5), "seeds": np.arange(2), "n": np.int64(3), "path": tmp_path}
    save_model(tmp_path, make_trained(SHAPE), training=training)
    assert load_model(tmp_path).training_run == {
        "loss": 0.5,
        "seeds": [0, 1],
        "n": 3,
        "path": str(tmp_path),
    }


def test_order_of_the_memory_does_not_matter(tmp_path):
    model = make_trained(SHAPE)
    logits = model(images_of(3))
    save_model(tmp_path, model.to(memory_format=torch.channels_last))
    torch.testing.assert_close(load_model(tmp_path)(images_of(3)), logits)


@pytest.mark.parametrize("network", ["small", "fakes_networks:LogitNetwork"])
def test_reading_leaves_the_random_numbers(tmp_path, network):
    save_model(tmp_path, make_trained(SHAPE, network=network))
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_model(tmp_path, allow_imports=True)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("network", ["LogitNetwork", "MeanFeatures", "TiedLayers"])
def test_network_of_a_user_needs_permission(tmp_path, network):
    model = make_trained(SHAPE, network=f"fakes_networks:{network}")
    save_model(tmp_path, model)
    with pytest.raises(
        InputError, match=r"model.json: its network 'fakes_networks:.*allow_imports=True"
    ):
        load_model(tmp_path)
    again = load_model(tmp_path, allow_imports=True)
    torch.testing.assert_close(again(images_of(3)), model(images_of(3)))
    assert json.loads((tmp_path / "model.json").read_text())["multiply_adds"] is None


@pytest.mark.parametrize("network", ["trap:Trap", "trap", "trap:"])
def test_no_code_is_run_without_permission(stored, monkeypatch, network):
    """A module beside the model that the description names."""
    (stored / "trap.py").write_text("open(__file__ + '.sprung', 'w').close()\nclass Trap: pass\n")
    monkeypatch.syspath_prepend(stored)
    edit_specification(stored, network=network)
    with pytest.raises(InputError):
        load_model(stored)
    assert not (stored / "trap.py.sprung").exists()
    assert "trap" not in sys.modules


def test_imported_module_of_a_user_may_be_missing(stored):
    edit_specification(stored, network="no_such_package:Net")
    with pytest.raises(
        InputError, match=r"model.json: network 'no_such_package:Net' cannot be imported"
    ):
        load_model(stored, allow_imports=True)


def test_interrupted_writing_leaves_the_older_model(stored, monkeypatch):
    before = {path.name: path.read_bytes() for path in stored.iterdir()}

    def fail(*_, **__):
        raise OSError("no space left")

    for module, name in ((files, "save"), (files, "described"), (files.json, "dumps")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, fail)
            with pytest.raises(OSError, match="no space left"):
                save_model(stored, make_trained(SHAPE, seed=2))
        assert {path.name: path.read_bytes() for path in stored.iterdir()} == before


def test_description_comes_last(stored, monkeypatch):
    """Whoever sees the new description sees the new weights."""
    older, newer = ((stored / "model.json").read_bytes(), [])
    original = type(stored).replace

    def replace(path, target):
        newer.append((target.name, (stored / "model.json").read_bytes() == older))
        return original(path, target)

    monkeypatch.setattr(type(stored), "replace", replace)
    save_model(stored, make_trained(SHAPE, seed=2))
    assert newer == [("model.safetensors", True), ("model.json", True)]


def paths_in(value, path=()):
    """Ways to all that a description holds."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in items:
        yield (*path, key)
        if isinstance(one, dict | list):
            yield from paths_in(one, (*path, key))


def test_no_part_of_a_description_is_changed_unnoticed(stored):
    """Every key and every value, also of what nobody needs to load the model."""
    path = stored / "model.json"
    text = path.read_text()
    ways = list(paths_in(json.loads(text)))
    assert len(ways) > 25
    for way in ways:
        for change in ("drop", "other"):
            content = json.loads(text)
            of = content
            for key in way[:-1]:
                of = of[key]
            if change == "drop":
                of.pop(way[-1])
            else:
                of[way[-1]] = 77
            path.write_text(json.dumps(content))
            with pytest.raises(InputError, match=r"model\.json: (damaged|no model's|of version)"):
                load_model(stored)
    path.write_text(json.dumps(json.loads(text), indent=None, sort_keys=True))
    assert load_model(stored).training_run == {"epochs": 3}  # the layout of the text is free


def test_exchanged_description(stored):
    """Of another training of the same network: both files are whole."""
    save_model(stored / "other", make_trained(SHAPE, seed=2), training={"epochs": 3})
    (stored / "other/model.json").rename(stored / "model.json")
    with pytest.raises(
        InputError, match=r"model\.safetensors: .* not the weights that model\.json"
    ):
        load_model(stored)


def test_reader_between_the_two_renames(stored, monkeypatch):
    """It waits for the lock, or without one reads both again."""
    monkeypatch.setattr(locks, "MOST_WAITS", 1)
    monkeypatch.setattr(locks, "WAIT", 0)
    replace, expected = type(stored).replace, load_model(stored).state_dict()["head.bias"]
    seen = []

    def replace_and_read(path, target):
        replace(path, target)
        if target.name == "model.safetensors":
            with pytest.raises(InputError, match="not the weights that"):
                load_model(stored)
            seen.append(True)

    monkeypatch.setattr(type(stored), "replace", replace_and_read)
    save_model(stored, make_trained(SHAPE, seed=2))
    assert seen
    assert not torch.equal(load_model(stored).state_dict()["head.bias"], expected)


def test_missing_files(stored, tmp_path):
    with pytest.raises(
        InputError, match=r"nowhere: there is no such file; give the folder of a trained model"
    ):
        load_model(tmp_path / "nowhere")
    (stored / "model.safetensors").rename(stored / "other.safetensors")
    with pytest.raises(InputError, match=r"model.safetensors: there is no such file"):
        load_model(stored)
    (stored / "model.json").unlink()
    with pytest.raises(InputError, match=r"model.json: there is no such file"):
        load_model(stored)


@pytest.mark.parametrize("text", [b"", b"{", b"\x80\x81", b"[" * 100_000, b"nan{}"])
def test_description_that_is_no_json(stored, text):
    (stored / "model.json").write_bytes(text)
    with pytest.raises(InputError, match=r"model.json: no model's description, it is not JSON"):
        load_model(stored)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "calovision-images"}, "lacks the format 'calovision-model'"),
        ({"version": 4}, "of version 4, this calovision reads up to 3: install a newer one"),
        ({"version": 2, "members": 7}, "'members' is 7, but the weights are those of 0 networks"),
        ({"version": "1"}, "of version 1"),
        ({"specification": None}, "damaged, it lacks 'specification'"),
        ({"specification": {}}, "image_shape and network must be given"),
        (
            {"specification": {"network": "small", "image_shape": [2, 16, 16], "depth": 1}},
            "unknown depth",
        ),
        ({"training": 3}, "damaged, it lacks 'training'"),
        ({"weights_sha256": None}, "damaged, it lacks 'weights_sha256'"),
    ],
)
def test_foreign_newer_or_damaged_description(stored, changes, message):
    edit(stored, **changes)
    with pytest.raises(InputError, match=f"model.json: .*{message}"):
        load_model(stored)


def test_description_that_is_a_list(stored):
    (stored / "model.json").write_text("[1]")
    with pytest.raises(InputError, match="lacks the format"):
        load_model(stored)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"options": {"width": 8}},
            r"network.blocks.0.0.weight is \(\(16, 2, 3, 3\), 'float32'\), not \(\(8, 2, 3, 3",
        ),
        ({"network": "resnet"}, "only one of the two has network.blocks"),
        ({"scaling": "maximum"}, "only one of the two has scaling.factor"),
        ({"image_shape": [2, 32, 16]}, "network.dense.1.weight is"),
        ({"n_variables": 2}, "only one of the two has head"),
        (
            {"image_shape": [2, 10**7, 10**7], "network": "hep_cnn"},
            "only one of the two has",
        ),  # needs no memory
    ],
)
def test_weights_of_another_architecture(stored, changes, message):
    edit_specification(stored, **changes)
    with pytest.raises(
        InputError, match=f"model.safetensors: weights of another architecture.*{message}"
    ):
        load_model(stored)


def test_specification_that_cannot_be_built(stored):
    edit_specification(stored, image_shape=[2, 4, 4])
    with pytest.raises(
        InputError, match=r"model.json: network 'small' needs images of at least 8x8"
    ):
        load_model(stored)


@pytest.mark.parametrize("how", ["truncated", "flipped", "of another training", "empty"])
def test_damaged_weights(stored, how):
    path = stored / "model.safetensors"
    content = bytearray(path.read_bytes())
    if how == "of another training":
        save_model(stored / "other", make_trained(SHAPE, seed=2))
        content = (stored / "other" / "model.safetensors").read_bytes()
    elif how == "flipped":
        content[-10] ^= 1
    else:
        content = content[: len(content) // 2 if how == "truncated" else 0]
    path.write_bytes(content)
    with pytest.raises(
        InputError,
        match=r"model.safetensors: damaged, or not the weights that model.json beside it",
    ):
        load_model(stored)


def test_weights_that_are_no_safetensors(stored):
    """Such as a pickle, which would run code."""
    path = stored / "model.safetensors"
    torch.save({"a": torch.ones(1)}, path)
    edit(stored, weights_sha256=sha256_of(path.read_bytes()))
    with pytest.raises(InputError, match=r"model.safetensors: no safetensors file"):
        load_model(stored)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda tensors: {n: t for n, t in tensors.items() if n != "head.bias"},
            "only one of the two has head.bias",
        ),
        (lambda tensors: tensors | {"more": torch.ones(1)}, "only one of the two has more"),
        (
            lambda tensors: tensors | {"head.bias": torch.ones(2)},
            r"head.bias is \(\(2,\), 'float32'\), not \(\(1,\)",
        ),
        (
            lambda tensors: tensors | {"head.bias": torch.ones(1).half()},
            "head.bias is .*'float16'.*'float32'",
        ),
    ],
)
def test_tensors_that_do_not_fit(stored, change, message):
    replace_weights(stored, change)
    with pytest.raises(InputError, match=f"weights of another architecture.*{message}"):
        load_model(stored)


def test_model_that_is_stored_stays_as_it_is(tmp_path):
    model = make_model(make_specification(SHAPE)).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    save_model(tmp_path, model)
    assert model.training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert isinstance(model.head, nn.Linear)


@pytest.mark.parametrize("name", ["single", "mean"])
def test_models_of_before_score_as_before(name):
    model = load_model(OLD / name)
    assert (model.specification.classes, model.specification.n_outputs) == ((), 1)
    images = make_images(5, (2, 8, 8), seed=5, scale=20.0)
    variables = np.linspace(100, 900, 10).reshape(5, 2)
    expected = json.loads((OLD / "scores.json").read_text())[name]
    found = score_images(model, images, variables, device="cpu")
    np.testing.assert_allclose(found, expected, rtol=1e-5)
