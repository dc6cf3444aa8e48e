"""Blocks of the README and of the documentation that run: Python, schemas, configurations."""

import json
import re
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import torch
import yaml
from fakes import make_events, write_ntuple, write_two_samples
from fakes_models import make_trained
from pages import REPOSITORY, block

from calovision import build_images
from calovision.conversion import ImageRecipe, StoredRecipe
from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid
from calovision.models import ModelSpecification, make_model, save_model
from calovision.monitoring import write_run_maps
from calovision.monitoring.flags import RunFlags
from calovision.monitoring.toys import toy_detector
from calovision.ntuples import iterate_events
from calovision.workflow import Configuration
from calovision.workflow.tagging import binned_variables


def test_ten_lines_of_the_library():
    code = block("python", "build_images", "README.md")
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
    training = block("python", "train_network(", "docs/networks.md")
    exec(training, {})
    assert sorted(path.name for path in Path("my_model").iterdir()) == [
        "history.csv", "model.json", "model.safetensors", "tensorboard",
    ]  # fmt: skip
    loop = block("python", "DataLoader", "docs/networks.md")
    names = {}
    exec(loop, names)
    assert [
        values.shape[1:] for values in (names["images"], names["labels"], names["weights"])
    ] == [(2, 8, 8), (), ()]


def test_schema_in_yaml_is_read(tmp_path):
    """The file of the page, with the branches of a ntuple that exists."""
    text = block("yaml", "towers:", "docs/own_files.md")
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


def test_scores_of_ntuples_in_python(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = block("python", "score_ntuples(", "docs/scoring.md")
    recipe = ImageRecipe(grid=EtaPhiGrid(8, 8), channels=("em_et", "tracks"))
    stored = StoredRecipe(recipe).to_dict()
    save_model(Path("results/models/cnn/final"), make_trained(), recipe=stored)
    for name in "ab":
        write_ntuple(Path(f"{name}.root"), *make_events(5))
    exec(code, {})
    assert sorted(map(str, Path("scores").iterdir())) == ["scores/a.root", "scores/b.root"]


def test_scores_of_arrays_in_python(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    signal, _ = write_two_samples(tmp_path)
    signal.rename("signal.h5")
    save_model(Path("results/models/cnn/final"), make_trained())
    names = {}
    exec(block("python", "score_images(", "docs/scoring.md"), names)
    assert names["scores"].shape == (4,)


def test_n_eff_in_python(capsys):
    exec(block("python", "n_effective", "docs/n_eff.md"), {})
    first, second = map(float, capsys.readouterr().out.split())
    assert (first, round(second, 2)) == (100.0, 3.92)


def test_network_of_ones_own_in_python(tmp_path, monkeypatch, capsys):
    """The module of the page, as a network of its own package: images in, one logit each."""
    text = block("python", "class Net", "docs/networks.md")
    exec(text, {})
    assert capsys.readouterr().out.strip() == "torch.Size([2])"
    (tmp_path / "package_of_page").mkdir()
    (tmp_path / "package_of_page/networks.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    specification = ModelSpecification(
        "package_of_page.networks:Net", (3, 16, 16), options={"width": 4}
    )
    model = make_model(specification)
    assert model(torch.ones(5, 3, 16, 16)).shape == (5,)


def test_layers_in_python():
    towers = ak.zip(
        {"eta": [[0.1, 0.2]], "phi": [[0.1, 0.2]], "e": [[2.0, 3.0]], "layer": [[3, 7]]}
    )
    names = {"towers": towers, "grid": EtaPhiGrid(8, 8), "build_images": build_images}
    for line in block("python", "energy_layer0-3", "docs/depth.md").splitlines():
        exec(line, names)
        assert names["images"].sum(axis=(2, 3)).tolist() == [[0.0, 0.0, 0.0, 2.0]]


def test_networks_that_watch_in_python(tmp_path, monkeypatch):
    """With fewer towers and short trainings."""
    monkeypatch.chdir(tmp_path)
    detector = toy_detector(8, 16)
    write_run_maps(Path("runs.h5"), detector.runs(206, 300, np.random.default_rng(1)))
    brief = "(seed=2, epochs=1, cells_an_epoch=4000, width=4)"
    names = {}
    exec(
        block("python", "train_autoencoder", "docs/monitoring.md").replace("(seed=2)", brief), names
    )
    assert names["scores"].shape == (6, 1, 8, 16)
    assert Path("fault_classifier.safetensors").exists()
    exec(block("python", "ConsecutiveMethod", "docs/monitoring.md"), names)
    assert names["of_three"].n_runs == 3


def test_figures_of_merit_in_python(capsys):
    """With fewer towers and runs."""
    text = block("python", "measure_performance", "docs/fault_finding.md")
    for size, less in (("(32, 32)", "(8, 8)"), ("200, 2000", "40, 500"), (", 5000: 120", "")):
        assert size in text
        text = text.replace(size, less)
    exec(text.replace("{500: 500}", "{500: 20}"), {})
    assert "| Dead tower | 1 | 500 |" in capsys.readouterr().out


def test_examples_in_yaml_mean_what_they_say():
    def read(words, page, *below):
        layers = [yaml.safe_load((REPOSITORY / path).read_text()) for path in below]
        return Configuration.of_layers([*layers, yaml.safe_load(block("yaml", words, page))])

    example = "config/delphes.yaml"
    assert read("role: application", "docs/scoring.md", example).samples["data"].is_applied
    found = read("target:", "docs/regression.md")
    task = (found.task, found.train.target_scale, found.regression.n_bins)
    assert task == ("regression", "log", 8)
    found = read("variables:\n  met:", "docs/own_files.md")
    assert found.own_variables["met"].axis_title == "MET [GeV]"
    found = read("tagging:", "docs/jets.md", "config/jets.yaml")
    assert list(found.tagging.discriminants) == ["top_vs_qcd"]
    assert binned_variables(found) == ["pt"]
    assert list(read("models:", "docs/networks.md").models) == ["plain", "strong"]
    text = block("yaml", "variables:\n  met:", "docs/own_files.md")
    with pytest.raises(InputError, match="unknown variable 'met'"):
        Configuration.of_layers([{**yaml.safe_load(text), "variables": {}}]).check_names()


def test_flags_in_python(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    grid = {"n_eta": 1, "n_phi": 1, "eta_edges": [0.0, 1.0]}
    empty = RunFlags("calovision-run-flags", 1, ("em_et",), grid, {}, 0, 1, (), (), ())
    Path("flags.json").write_text(json.dumps(empty.to_json()))
    names = {}
    exec(block("python", "RunFlags", "docs/shift_crews.md"), names)
    assert names["new"] == []
