"""The workflow end to end: simulated (config/test.yaml), from genuine Delphes files, and on bad files."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import awkward as ak
import h5py
import nbclient
import nbformat
import numpy as np
import pytest
import torch
import uproot
import yaml
from conftest import REPOSITORY
from sklearn.metrics import roc_auc_score

from calovision import ImageCollection
from calovision.models import load_model
from calovision.splits import SPLITS
from calovision.storage import read_table

PLOTS = [
    "roc",
    "cnn_vs_n_fat_jets",
    "cnn_vs_mj_sum",
    "combination_gain",
    "scores",
    "mean_images",
    "model_comparison",
    "model_comparison_unweighted",
    "model_roc",
    "model_roc_unweighted",
    "learning_curves",
    "cut_flow",
    *(f"event_display_{kind}_{number}" for kind in ("signal", "background") for number in (1, 2, 3)),
]


def snakemake(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "snakemake", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)


def run(config: Path, results: Path) -> Path:
    result = snakemake("--configfile", str(config), "--config", f"results_dir={results}")
    assert result.returncode == 0, result.stdout + result.stderr
    return results


def check_outputs(results: Path, seeds: dict[str, list[int]], luminosity_fb: float = 36.1) -> dict:
    """Recompute the summary from the files behind it; every plot and the report hold something.

    ``seeds`` are those of the networks of each model; the first model is the CNN.
    """
    summary = json.loads((results / "metrics/summary.json").read_text())
    collection = ImageCollection(sorted(results.glob("images/*/*.h5")))
    test = read_table(results / "metrics/test_events.h5")
    in_test = collection.column("split") == SPLITS.index("test")
    assert len(test["cnn"]) == in_test.sum()
    np.testing.assert_allclose(test["weight"].sum(), collection.event_weights(luminosity_fb)[in_test].sum())
    for sample in collection.samples:
        rows = collection.cut_flow(sample)
        preselection = summary["preselection"][sample]
        n_passed = sum(len(file) for file in collection.of_sample(sample))
        assert (preselection["n_generated"], preselection["n_passed"]) == (rows[0][1], n_passed)
        passed = sum(file.events["weight"].sum() for file in collection.of_sample(sample))
        assert preselection["efficiency"] == pytest.approx(passed / rows[0][2])
    region = (np.abs(test["delta_eta_12"]) < 1.4) & (
        ((test["n_fat_jets"] >= 4) & (test["mj_sum"] > 800)) | ((test["n_fat_jets"] >= 5) & (test["mj_sum"] > 600))
    )
    for name, label in (("signal_efficiency", 1), ("background_efficiency", 0)):
        weights = test["weight"][test["label"] == label]
        expected = weights[region[test["label"] == label]].sum() / weights.sum()
        assert summary["signal_region"][name]["value"] == pytest.approx(expected)
    assert list(summary["classifiers"]) == ["cnn", "n_fat_jets", "mj_sum", "cnn+jets", *list(seeds)[1:]]
    check_models(results, seeds, test)
    for name, numbers in summary["classifiers"].items():
        expected = roc_auc_score(test["label"], test[name], sample_weight=test["weight"])
        assert numbers["auc"] == pytest.approx(expected)
        assert list(numbers["signal_efficiency"]) == ["0.1", "0.01", "0.001", "signal_region"]
        for value in numbers["signal_efficiency"].values():
            assert 0 <= value["low"] <= value["value"] <= value["high"] <= 1
    for plot in PLOTS:
        assert (results / f"plots/{plot}.png").read_bytes().startswith(b"\x89PNG")
        assert (results / f"plots/{plot}.pdf").read_bytes().startswith(b"%PDF")
    report = (results / "report.html").read_text()
    for plot in PLOTS:
        assert f"{plot}.png" in report
    assert {path.name for path in results.rglob(".*")} == {".snakemake_timestamp"}  # no temporary file left
    return summary


def check_models(results: Path, seeds: dict[str, list[int]], test: dict[str, np.ndarray]) -> None:
    """Recompute ensembles and comparison from the score files, one per network."""
    models = json.loads((results / "metrics/models.json").read_text())
    networks = read_table(results / "metrics/network_scores.h5")
    assert {model: [int(seed) for seed in numbers["seeds"]] for model, numbers in models.items()} == seeds
    assert set(networks) == set(seeds)
    for position, (model, numbers) in enumerate(models.items()):
        tables = [read_table(results / f"scores/{model}/seed{seed}.h5") for seed in seeds[model]]
        scores = np.array([table["score"][table["split"] == SPLITS.index("test")] for table in tables])
        np.testing.assert_array_equal(networks[model].T, scores)
        np.testing.assert_allclose(test[model if position else "cnn"], sum(scores) / len(scores))
        for score, (seed, one) in zip(scores, numbers["seeds"].items(), strict=True):
            expected = roc_auc_score(test["label"], score, sample_weight=test["weight"])
            assert one["weighted"]["auc"] == pytest.approx(expected)
            assert one["unweighted"]["auc"] == pytest.approx(roc_auc_score(test["label"], score))
            epochs = (results / f"models/{model}/seed{seed}/history.csv").read_text().splitlines()[1:]
            assert one["training"]["epochs"] == len(epochs)
            assert one["training"]["images_per_s"] > 0
        folder = results / f"models/{model}/seed{seeds[model][0]}"
        assert numbers["parameters"] == sum(weight.numel() for weight in load_model(folder).parameters())
        assert not (folder / "resume").exists()
        row = f"| {model} | {numbers['network']} | {len(seeds[model])} |"
        assert row in (results / "metrics/summary.md").read_text()


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(REPOSITORY / "config/test.yaml", tmp_path_factory.mktemp("example"))


def test_simulated_chain(example: Path) -> None:
    summary = check_outputs(example, {"cnn": [1, 2], "plain": [1]})
    # 150 RPV events at an efficiency of 0.96: 0.90 is four standard deviations away
    assert 0.90 < summary["preselection"]["rpv_1400_850"]["efficiency"] <= 1
    assert 0.03 < summary["preselection"]["qcd"]["efficiency"] < 0.2
    assert 0.25 < summary["signal_region"]["signal_efficiency"]["value"] < 0.75
    assert summary["classifiers"]["mj_sum"]["auc"] > 0.8
    with uproot.open(example / "ntuples/qcd/0001.root") as file:
        numbers = file["events/event_number"].array(library="np")
    np.testing.assert_array_equal(numbers, np.arange(250, 500))  # chunks of a sample continue its numbers


def test_scores_are_those_of_the_stored_networks(example: Path) -> None:
    """The network on dense images, averaged over two rotations and all reflections of the images by hand."""
    # the order of the configuration, which is that of the tables
    files = [path for sample in ("rpv_1400_850", "qcd") for path in sorted(example.glob(f"images/{sample}/*.h5"))]
    collection = ImageCollection(files)
    indices = np.flatnonzero(collection.column("split") == SPLITS.index("test"))
    images = torch.from_numpy(collection.dense(indices))
    columns = [collection.column("ht")[:, None], collection.column("fat_jets").reshape(-1, 20)]
    variables = torch.from_numpy(np.hstack(columns)[indices].astype(np.float32))
    mirrored = torch.roll(images.flip(3), 1, dims=3)  # column j to -j: 0 stays
    reflections = (images, mirrored, images.flip(2), mirrored.flip(2))
    seen = [torch.roll(one, shift, dims=3) for one in reflections for shift in (0, 32)]
    scores = read_table(example / "metrics/network_scores.h5")
    with torch.inference_mode():
        for position, seed in enumerate((1, 2)):
            logits = load_model(example / f"models/cnn/seed{seed}")(images)
            np.testing.assert_allclose(scores["cnn"][:, position], torch.sigmoid(logits), rtol=1e-4)
        plain = load_model(example / "models/plain/seed1")
        logits = sum(plain(one, variables) for one in seen) / 8
    np.testing.assert_allclose(scores["plain"][:, 0], torch.sigmoid(logits), rtol=1e-4)


def test_no_model_may_have_the_name_of_a_column(example: Path) -> None:
    """The names that the configuration refuses are those of the table of test events."""
    text = (REPOSITORY / "workflow/rules/common.smk").read_text()
    refused = eval(text.partition("TAKEN_NAMES = ")[2].partition("\n}")[0] + "}")
    assert set(read_table(example / "metrics/test_events.h5")) - {"cnn", "cnn+jets", "plain"} <= refused


def test_images_of_the_chain_agree_with_histogram2d(example: Path) -> None:
    with uproot.open(example / "ntuples/rpv_1400_850/0000.root") as file:
        events = file["events"].arrays()
    with h5py.File(example / "images/rpv_1400_850/0000.h5") as file:
        number, offsets = file["events/event_number"][()], file["images/offsets"][()]
        cells, values = file["images/cells"][()], file["images/values"][()]
    assert len(number) > 130
    for row, event in enumerate(events[number]):
        image = np.zeros(3 * 64 * 64)
        image[cells[offsets[row] : offsets[row + 1]]] = values[offsets[row] : offsets[row + 1]]
        transverse = 1 / np.cosh(event.towers_eta.to_numpy().astype(float))
        contents = [event.towers_e_em * transverse, event.towers_e_had * transverse, None]
        for channel, (collection, content) in enumerate(zip(("towers", "towers", "tracks"), contents, strict=True)):
            eta, phi = (event[f"{collection}_{axis}"].to_numpy().astype(float) for axis in ("eta", "phi"))
            phi = np.where(phi >= np.pi, phi - 2 * np.pi, np.where(phi < -np.pi, phi + 2 * np.pi, phi))
            eta = np.where(eta == 2.5, 9, eta)  # histogram2d closes the last bin
            weights = None if content is None else np.asarray(content)
            expected, _, _ = np.histogram2d(eta, phi, bins=64, range=[(-2.5, 2.5), (-np.pi, np.pi)], weights=weights)
            np.testing.assert_allclose(image.reshape(3, 64, 64)[channel], expected, rtol=1e-6, atol=1e-9)


def test_second_run_does_nothing(example: Path) -> None:
    arguments = ("--configfile", str(REPOSITORY / "config/test.yaml"), "--config", f"results_dir={example}")
    result = snakemake(*arguments)
    assert result.returncode == 0
    assert "Nothing to be done" in result.stdout + result.stderr


def test_notebook_remakes_the_plots(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALOVISION_RESULTS", str(example))
    path = REPOSITORY / "notebooks/inspect_results.ipynb"
    notebook = nbformat.read(path, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)  # stored without outputs
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": path.parent}}).execute()
    images = [
        output for cell in notebook.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})
    ]
    assert len(images) == 3


def test_chain_from_delphes_files(delphes_dir: Path, tmp_path: Path) -> None:
    config = yaml.safe_load((REPOSITORY / "config/delphes.yaml").read_text())
    for sample in config["samples"].values():
        sample["files"] = [str(delphes_dir / Path(file).name) for file in sample["files"]]
    (tmp_path / "delphes.yaml").write_text(yaml.safe_dump(config))
    summary = check_outputs(run(tmp_path / "delphes.yaml", tmp_path / "results"), {"cnn": [1]})
    assert summary["preselection"]["rpv_1400_850"]["n_generated"] == 100
    assert summary["preselection"]["qcd_300"]["n_generated"] == 100
    # two fat jets above 200 GeV, counted from FatJet.PT and FatJet.Eta of the files
    for name, sample in config["samples"].items():
        with uproot.open(sample["files"][0]) as file:
            pt, eta = (file[f"Delphes/FatJet.{leaf}"].array() for leaf in ("PT", "Eta"))
        n_fat_jets = ak.sum((pt > 200) & (abs(eta) < 2.0), axis=1)
        assert summary["preselection"][name]["n_passed"] == np.sum(n_fat_jets >= 2)


# -- bad files ----------------------------------------------------------------------------------


def write_truncated(path: Path, source: Path) -> None:
    content = source.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def write_other_tree(path: Path, _: Path) -> None:
    with uproot.recreate(path) as file:
        file.mktree("other", {"x": "float32"}).extend({"x": np.zeros(3, dtype=np.float32)})


def write_no_tracks(path: Path, source: Path) -> None:
    with uproot.open(source) as old, uproot.recreate(path) as new:
        events = old["events"].arrays()
        kept = [name for name in events.fields if not name.startswith(("tracks", "ntracks", "ntowers"))]
        new.mktree("events", {name: events[name].type.content for name in kept}).extend(
            {name: events[name] for name in kept}
        )
        generation = old["generation"].arrays(library="np")
        new.mktree("generation", {name: values.dtype for name, values in generation.items()}).extend(generation)


def write_no_root(path: Path, _: Path) -> None:
    path.write_text("not a ROOT file")


BAD_FILES = {
    "truncated": (write_truncated, ""),
    "missing tree": (write_other_tree, "events"),
    "missing branch": (write_no_tracks, "tracks_"),
    "unreadable": (write_no_root, ""),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_file_stops_with_one_sentence(example: Path, tmp_path: Path, case: str) -> None:
    write, named = BAD_FILES[case]
    write(tmp_path / "bad.root", example / "ntuples/qcd/0000.root")
    good = str(example / "ntuples/rpv_1400_850/0000.root")
    output = fail(tmp_path, {"a": sample(1, good), "b": sample(0, str(tmp_path / "bad.root"))})
    assert "bad.root" in output
    assert named in output
    assert not (tmp_path / "results/images/b").exists() or not list((tmp_path / "results/images/b").iterdir())


def test_sample_without_a_passing_event_is_named(example: Path, tmp_path: Path) -> None:
    samples = {"a": sample(1, str(example / "ntuples/rpv_1400_850/0000.root"))}
    samples["b"] = sample(0, str(example / "ntuples/qcd/0000.root"))
    output = fail(tmp_path, samples, {"preselection": {"hard": "leading_pt > 99999"}})
    assert "none of its 150 events passes the preselection" in output
    assert not list((tmp_path / "results").glob("models/cnn/*/model.*"))


def test_unknown_variable_in_a_cut_is_named(example: Path, tmp_path: Path) -> None:
    samples = {"a": sample(1, str(example / "ntuples/rpv_1400_850/0000.root"))}
    samples["b"] = sample(0, str(example / "ntuples/qcd/0000.root"))
    output = fail(tmp_path, samples, {"preselection": {"jets": "n_jets >= 3"}})
    assert "unknown variable 'n_jets'" in output
    assert not list((tmp_path / "results").rglob("*.h5"))


def sample(label: int, file: str) -> dict:
    return {"label": label, "schema": "calovision", "cross_section_pb": 1.0, "files": [file]}


def fail(tmp_path: Path, samples: dict, selection: dict | None = None) -> str:
    """Run up to the training; return the output of the run, which must fail with a sentence and no traceback."""
    config = {"samples": samples, **({"selection": selection} if selection else {})}
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(config))
    arguments = ("--configfile", str(tmp_path / "my.yaml"), "--config", f"results_dir={tmp_path}/results")
    result = snakemake(*arguments, "--until", "train_network")
    output = result.stdout + result.stderr
    assert result.returncode == 1
    assert "calovision: " in output
    assert "Traceback" not in output
    shutil.rmtree(tmp_path / "results/logs", ignore_errors=True)
    return output
