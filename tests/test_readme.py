"""What the README shows works as it stands."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from fakes import make_events, write_ntuple, write_two_samples
from fakes_models import make_trained

from calovision.conversion import ImageRecipe, StoredRecipe
from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid
from calovision.models import save_model
from calovision.ntuples import iterate_events
from calovision.workflow import Configuration
from calovision.workflow.tagging import binned_variables

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_ten_lines_of_the_library():
    (code,) = (block for block in blocks("python") if "build_images" in block)
    assert len([line for line in code.splitlines() if line and not line.startswith("#")]) <= 10
    names = {}
    exec(code, names)
    images, overflow = names["images"], names["overflow"]
    assert images.shape == (3, 3, 64, 64)
    assert images[:, 0].sum(axis=(1, 2)).tolist() == [70.0, 0.0, 80.0]
    assert images[:, 2].sum(axis=(1, 2)).tolist() == [1.0, 1.0, 0.0]
    assert not overflow.any()
    np.testing.assert_allclose(images[2, 1].sum(), 80 / np.cosh(2.0), rtol=1e-6)


def test_training_and_loop_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path, name in zip(write_two_samples(tmp_path), ("signal.h5", "background.h5"), strict=True):
        path.rename(name)
    (training,) = (block for block in blocks("python") if "train_network(" in block)
    exec(training, {})
    assert sorted(path.name for path in Path("my_model").iterdir()) == [
        "history.csv", "model.json", "model.safetensors", "tensorboard",
    ]  # fmt: skip
    (loop,) = (block for block in blocks("python") if "DataLoader" in block)
    names = {}
    exec(loop, names)
    assert [
        values.shape[1:] for values in (names["images"], names["labels"], names["weights"])
    ] == [(2, 8, 8), (), ()]


def test_schema_in_yaml_is_read(tmp_path):
    """The file of the README, with the branches of a ntuple that exists."""
    (text,) = (block for block in blocks("yaml") if "towers:" in block)
    assert set(yaml.safe_load(text)) == {"tree", "towers", "tracks", "event_number", "weight"}
    names = {
        "analysis/events": "events",
        "cl_eta": "towers_eta",
        "cl_phi": "towers_phi",
        "cl_em_fraction": "towers_e_em",
        "cl_e": "towers_e_had",
        **dict.fromkeys(("trk_px", "trk_py", "trk_pz"), "tracks_pt"),
        "eventNumber": "event_number",
        **dict.fromkeys(("mcWeight", "pileupWeight"), "weight"),
    }
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"\b{name}\b", names[name], text)
    (tmp_path / "my_schema.yaml").write_text(text)
    path = write_ntuple(tmp_path / "a.root", *make_events(5))
    (mine,) = iterate_events(path, schema=tmp_path / "my_schema.yaml")
    (own,) = iterate_events(path)
    chosen = own.towers[own.towers.e_had > 200]
    assert mine.towers.eta.tolist() == chosen.eta.tolist()
    np.testing.assert_allclose(mine.weight, own.weight**2)
    e_em = np.concatenate(chosen.e_had / 1000 * chosen.e_em)
    np.testing.assert_allclose(np.concatenate(mine.towers.e_em), e_em, rtol=1e-6)
    np.testing.assert_allclose(np.concatenate(mine.tracks.eta), np.arcsinh(np.sqrt(0.5)), rtol=1e-6)
    np.testing.assert_allclose(
        np.concatenate(mine.tracks.pt), np.sqrt(2) * np.concatenate(own.tracks.pt) / 1000
    )


def test_data_in_yaml_need_no_label():
    (text,) = (block for block in blocks("yaml") if "role: application" in block)
    data = yaml.safe_load(text)["samples"]
    example = Configuration().to_dict()["samples"]
    assert Configuration.of_module({"samples": example | data}).samples["data"].is_applied


def test_a_target_in_yaml():
    (text,) = (block for block in blocks("yaml") if "target:" in block)
    found = Configuration.of_layers([yaml.safe_load(text)])
    found.check_names()
    assert (found.task, found.train.target_scale, found.regression.n_bins) == (
        "regression",
        "log",
        8,
    )


def test_variables_of_ones_own_in_yaml():
    (text,) = (block for block in blocks("yaml") if "variables:\n  met:" in block)
    found = Configuration.of_layers([yaml.safe_load(text)])
    found.check_names()
    assert found.own_variables["met"].axis_title == "MET [GeV]"
    with pytest.raises(InputError, match="unknown variable 'met'"):
        Configuration.of_layers([{**yaml.safe_load(text), "variables": {}}]).check_names()


def test_scores_of_ntuples_in_python(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = (block for block in blocks("python") if "score_ntuples(" in block)
    recipe = ImageRecipe(grid=EtaPhiGrid(8, 8), channels=("em_et", "tracks"))
    stored = StoredRecipe(recipe).to_dict()
    save_model(Path("results/models/cnn/final"), make_trained(), recipe=stored)
    for name in "ab":
        write_ntuple(Path(f"{name}.root"), *make_events(5))
    exec(code, {})
    assert sorted(map(str, Path("scores").iterdir())) == ["scores/a.root", "scores/b.root"]


def test_models_in_yaml_are_allowed():
    (text,) = (block for block in blocks("yaml") if "models:" in block)
    config = yaml.safe_load(text)
    found = Configuration.of_module(config)
    assert list(found.models) == list(config["models"])


def test_taggers_in_yaml_are_allowed():
    (text,) = (block for block in blocks("yaml") if "tagging:" in block)
    names = ("quark", "gluon", "top")
    simulate = {"process": "qcd", "n_events": 5}
    run = {
        "classes": {name: {} for name in names},
        "samples": {name: {"label": name, "simulate": simulate} for name in names},
        "images": {"kind": "jet"},
        "train": {"network": "jet_cnn"},
    }
    found = Configuration.of_layers([run | yaml.safe_load(text)])
    assert list(found.tagging.discriminants) == ["top_vs_qcd"]
    assert binned_variables(found) == ["pt"]


def test_command_lines_name_commands_that_exist():
    from typer.testing import CliRunner

    from calovision.cli import app

    lines = [line for text in blocks("bash") for line in text.splitlines()]
    for command in {line.split()[1] for line in lines if line.startswith("calovision ")}:
        result = CliRunner().invoke(app, [command, "--help"])
        assert result.exit_code == 0, command
