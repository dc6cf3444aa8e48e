"""The workflow end to end: simulated (config/test.yaml), from genuine Delphes files, and on bad
files."""

import csv
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pytest
import torch
import uproot
import yaml
from browser import CHROMIUM, DESKTOP, PHONE, dead_links, measure
from conftest import REPOSITORY
from dry_runs import MODULE, SNAKEFILE
from dry_runs import snakemake as snakemake_in
from fakes_explore import content_of
from notebook_runs import count_outputs, printed, run_notebook
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from calovision import ImageCollection
from calovision.core.splits import SPLITS
from calovision.evaluation.reach import asimov_significance
from calovision.jets.variables import TAKEN_NAMES
from calovision.jobs.run_summary import run_status
from calovision.metrics import region_point, signal_efficiency_at
from calovision.models import load_model
from calovision.ntuples import open_ntuple
from calovision.storage import read_score_table, read_table, write_score_table

PLOTS = [
    *(
        "roc",
        "cnn_vs_n_fat_jets",
        "cnn_vs_mj_sum",
        "combination_gain",
        "scores",
        "mean_images",
        "learning_curves",
    ),
    *(
        "model_comparison",
        "model_comparison_unweighted",
        "model_roc",
        "model_roc_unweighted",
        "cut_flow",
    ),
    *(
        "calibration",
        "correlations",
        "mass_sculpting",
        "attributions",
        "reach",
        "run_summary",
    ),
    *("event_display_signal_1", "event_display_background_1"),
    *("signal_like_background_1", "background_like_signal_1"),
]
NUMBERS = [
    "samples",
    "summary",
    "comparison",
    "models",
    "baselines",
    "diagnostics",
    "reach",
    "accounting",
]


def snakemake(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "snakemake", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)


def run(config: Path, results: Path) -> Path:
    """Run in the folder that holds the results, which is not that of the repository."""
    arguments = (
        "-s",
        str(SNAKEFILE),
        "--configfile",
        str(config),
        "--config",
        f"results_dir={results.name}",
    )
    result = snakemake_in(results.parent, *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    return results


def run_as_module(config: Path, results: Path) -> Path:
    """Run as a module of another workflow, whose folder is another one."""
    folder = results.parent / "another workflow"
    folder.mkdir()
    (folder / "my.yaml").write_text(yaml.safe_dump({"calo": {"results_dir": str(results)}}))
    module = MODULE.format(snakefile=SNAKEFILE, config='config["calo"]')
    (folder / "Snakefile").write_text(f"configfile: '{config}'\nconfigfile: 'my.yaml'\n{module}")
    result = snakemake_in(folder, "--cores", "2")
    assert result.returncode == 0, result.stdout + result.stderr
    return results


def read_numbers(results: Path, name: str) -> dict:
    """Numbers of a JSON file, which must be one: without NaN."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{name}.json holds {constant}")

    return json.loads((results / f"metrics/{name}.json").read_text(), parse_constant=refuse)


def check_outputs(
    results: Path,
    seeds: dict[str, list[int]],
    baselines: list[str],
    plots: list[str],
    luminosity_fb: float = 36.1,
) -> dict:
    """Recompute the numbers from the files behind them; every plot and the report hold something.

    ``seeds`` are those of the networks of each model; the first model is the CNN.
    """
    summary = read_numbers(results, "summary")
    files = [
        path
        for sample in summary["preselection"]
        for path in sorted(results.glob(f"images/{sample}/*.h5"))
    ]
    collection = ImageCollection(files)
    test = read_table(results / "metrics/test_events.h5")
    in_test = collection.column("split") == SPLITS.index("test")
    assert len(test["cnn"]) == in_test.sum()
    np.testing.assert_allclose(
        test["weight"].sum(), collection.event_weights(luminosity_fb)[in_test].sum()
    )
    for sample in collection.samples:
        rows = collection.cut_flow(sample)
        preselection = summary["preselection"][sample]
        n_passed = sum(len(file) for file in collection.of_sample(sample))
        assert (preselection["n_generated"], preselection["n_passed"]) == (rows[0][1], n_passed)
        passed = sum(file.events["weight"].sum() for file in collection.of_sample(sample))
        assert preselection["efficiency"] == pytest.approx(passed / rows[0][2])
    region = (np.abs(test["delta_eta_12"]) < 1.4) & (
        ((test["n_fat_jets"] >= 4) & (test["mj_sum"] > 800))
        | ((test["n_fat_jets"] >= 5) & (test["mj_sum"] > 600))
    )
    for name, label in (("signal_efficiency", 1), ("background_efficiency", 0)):
        weights = test["weight"][test["label"] == label]
        expected = weights[region[test["label"] == label]].sum() / weights.sum()
        assert summary["signal_region"][name]["value"] == pytest.approx(expected)
    np.testing.assert_array_equal(test["signal_region"], region)
    names = ["cnn", "n_fat_jets", "mj_sum", "cnn+jets", *list(seeds)[1:], *baselines]
    assert list(summary["classifiers"]) == names
    check_models(results, seeds, test)
    check_samples(results, collection, luminosity_fb)
    check_baselines(results, baselines, test)
    check_comparison(
        results,
        ["signal_region", *("n_fat_jets", "mj_sum", "n_jets"), *baselines, "cnn+jets", *seeds],
    )
    check_reach(results, test)
    check_accounts(results, collection, seeds, test)
    check_tables_of_numbers(results, summary)
    for name, numbers in summary["classifiers"].items():
        expected = roc_auc_score(test["label"], test[name], sample_weight=test["weight"])
        assert numbers["auc"] == pytest.approx(expected)
        assert list(numbers["signal_efficiency"]) == ["0.1", "0.01", "0.001", "signal_region"]
        for value in numbers["signal_efficiency"].values():
            assert 0 <= value["low"] <= value["value"] <= value["high"] <= 1
    of_page = content_of(results / "explore.html")["questions"][0]["curves"]
    aucs = [numbers["auc"] for numbers in summary["classifiers"].values()]
    assert [curve["auc"] for curve in of_page] == pytest.approx(aucs, rel=1e-6)
    report = (results / "report.html").read_text()
    assert "explore.html" in report
    assert dead_links(results / "report.html") == []
    for plot in [*PLOTS, *plots]:
        assert (results / f"plots/{plot}.png").read_bytes().startswith(b"\x89PNG")
        assert (results / f"plots/{plot}.pdf").read_bytes().startswith(b"%PDF")
        assert f"plots/{plot}.pdf" in report
    assert {path.name for path in results.rglob(".*")} == {
        ".snakemake_timestamp"
    }  # no temporary file left
    return summary


def check_models(results: Path, seeds: dict[str, list[int]], test: dict[str, np.ndarray]) -> None:
    """Recompute ensembles and comparison from the score files, one per network."""
    models = read_numbers(results, "models")
    networks = read_table(results / "metrics/network_scores.h5")
    assert {
        model: [int(seed) for seed in numbers["seeds"]] for model, numbers in models.items()
    } == seeds
    assert set(networks) == set(seeds)
    for position, (model, numbers) in enumerate(models.items()):
        tables = [read_table(results / f"scores/{model}/seed{seed}.h5") for seed in seeds[model]]
        scores = np.array(
            [table["logit"][table["split"] == SPLITS.index("test")] for table in tables]
        )
        np.testing.assert_array_equal(networks[model].T, scores)
        np.testing.assert_allclose(
            expit(test[model if position else "cnn"]), sum(expit(scores)) / len(scores)
        )
        for score, (seed, one) in zip(scores, numbers["seeds"].items(), strict=True):
            expected = roc_auc_score(test["label"], score, sample_weight=test["weight"])
            assert one["weighted"]["auc"] == pytest.approx(expected)
            assert one["unweighted"]["auc"] == pytest.approx(roc_auc_score(test["label"], score))
            epochs = (
                (results / f"models/{model}/seed{seed}/history.csv").read_text().splitlines()[1:]
            )
            assert one["training"]["epochs"] == len(epochs)
            assert one["training"]["images_per_s"] > 0
        folder = results / f"models/{model}/seed{seeds[model][0]}"
        assert numbers["parameters"] == sum(
            weight.numel() for weight in load_model(folder).parameters()
        )
        assert not (folder / "resume").exists()
        row = f"| {model} | {numbers['network']} | {len(seeds[model])} |"
        assert row in (results / "metrics/summary.md").read_text()


def check_samples(results: Path, collection: ImageCollection, luminosity_fb: float) -> None:
    """Cut flows and weights are those of the image files."""
    samples = read_numbers(results, "samples")["samples"]
    assert list(samples) == list(collection.samples)
    for name, numbers in samples.items():
        files = collection.of_sample(name)
        flows = [file.metadata.cut_flow for file in files]
        expected = [
            (cut, sum(f[k][1] for f in flows), sum(f[k][2] for f in flows))
            for k, (cut, *_) in enumerate(flows[0])
        ]
        steps = numbers["cut_flow"]
        assert [(step["cut"], step["events"]) for step in steps] == [one[:2] for one in expected]
        totals = np.array([one[2] for one in expected])
        np.testing.assert_allclose([step["sum_of_weights"] for step in steps], totals)
        np.testing.assert_allclose([step["efficiency"] for step in steps], totals / totals[0])
        np.testing.assert_allclose(
            [step["relative"] for step in steps], totals / totals[[0, *range(len(totals) - 1)]]
        )
        weights = np.concatenate([file.events["weight"] for file in files])
        np.testing.assert_allclose(weights.sum(), totals[-1])
        after = numbers["preselected"]
        assert after["n"] == len(weights) == expected[-1][1]
        assert after["n_eff"] == pytest.approx(weights.sum() ** 2 / np.sum(weights**2))
        generated = 1000 * luminosity_fb * numbers["cross_section_pb"]
        assert after["expected"] == pytest.approx(generated * weights.sum() / totals[0])


def check_baselines(results: Path, baselines: list[str], test: dict[str, np.ndarray]) -> None:
    """Every baseline has scores that tell the classes apart, and choices."""
    table, numbers = read_table(results / "scores/baselines.h5"), read_numbers(results, "baselines")
    assert list(numbers) == baselines
    assert set(table) == {"event_number", "sample", "split", *baselines}
    in_test = np.isin(table["event_number"], test["event_number"])
    for name in baselines:
        assert 0 < numbers[name]["validation_loss"] < np.inf
        assert numbers[name]["choices"]
        if in_test.sum() == len(test[name]):  # no number occurs in two splits
            np.testing.assert_array_equal(table[name][in_test], test[name])
        assert np.isfinite(test[name]).all()
        assert roc_auc_score(test["label"], test[name]) > 0.6


def check_comparison(results: Path, names: list[str]) -> None:
    """Values of all classifiers from the tables of events and the working points of the metrics."""
    found, test = (
        read_numbers(results, "comparison"),
        read_table(results / "metrics/test_events.h5"),
    )
    networks = read_table(results / "metrics/network_scores.h5")
    labels, region = test["label"], test["signal_region"]
    weighted, unweighted = found["at_signal_region"], found["unweighted"]
    point, summary = region_point(region, labels, test["weight"]), read_numbers(results, "summary")
    assert weighted["background_efficiency"] == summary["region_point"]["background_efficiency"]
    assert weighted["background_is_limit"] == summary["region_point"]["is_limit"] == point.is_limit
    background = np.where(labels == 0, test["weight"], 0.0)
    if not point.is_limit:
        assert weighted["background_efficiency"] == pytest.approx(
            background[region].sum() / background.sum()
        )
    assert list(weighted["classifiers"]) == names
    values = {
        "signal_region": test["weight"][region & (labels == 1)].sum()
        / test["weight"][labels == 1].sum()
    }
    for name in names[1:]:
        columns = networks.get(name, test.get(name)).reshape(len(labels), -1).T
        at = [signal_efficiency_at(one, labels, test["weight"], point).value for one in columns]
        values[name] = np.mean(at)
        at = [
            signal_efficiency_at(one, labels, np.ones(len(labels)), 1e-3).value for one in columns
        ]
        assert unweighted["classifiers"][name]["signal_efficiency"]["value"] == pytest.approx(
            np.mean(at)
        )
    for name, numbers in weighted["classifiers"].items():
        assert numbers["signal_efficiency"]["value"] == pytest.approx(values[name], abs=1e-9)
        assert numbers["over_cuts"]["value"] == pytest.approx(
            values[name] / values["signal_region"]
        )
        assert numbers["over_reference"]["value"] == pytest.approx(values[name] / values["referee"])


def check_reach(results: Path, test: dict[str, np.ndarray]) -> None:
    """Events of the cuts by hand, and their significance by the closed form."""
    found, samples = read_numbers(results, "reach"), read_numbers(results, "samples")["samples"]
    cuts, label_of = found["cuts"], {"signal": 1, "background": 0}
    events = {}
    for title, label in label_of.items():
        expected = sum(
            one["preselected"]["expected"] for one in samples.values() if one["label"] == label
        )
        assert found[f"expected_{title}"] == pytest.approx(expected)
        weights = np.where(test["label"] == label, test["weight"], 0.0)
        events[title] = (weights * expected / weights.sum())[test["signal_region"]]
    assert cuts["signal"] == [pytest.approx(events["signal"].sum())]
    assert cuts["background_is_limit"] == [events["background"].sum() == 0]
    if not cuts["background_is_limit"][0]:
        assert cuts["background"] == [pytest.approx(events["background"].sum())]
        assert cuts["background_error"] == [
            pytest.approx(np.sqrt(np.sum(events["background"] ** 2)))
        ]
    # one auxiliary measurement instead of two for the systematic and the statistical uncertainty
    relative = np.hypot(
        found["background_uncertainty"], cuts["background_error"][0] / cuts["background"][0]
    )
    closed = asimov_significance(cuts["signal"][0], cuts["background"][0], relative)
    if cuts["method"]["significance"] == "asymptotic":
        assert cuts["significance"]["value"] == pytest.approx(float(closed), rel=0.05)
    for methods in found["classifiers"].values():
        for record in methods.values():
            assert record["limit"]["cross_section_pb"]["value"] == pytest.approx(
                record["limit"]["mu"]["value"] * found["cross_section_pb"]
            )
            gain = record["gain"]["significance"]["value"]
            assert gain == pytest.approx(
                record["significance"]["value"] / cuts["significance"]["value"]
            )


def check_accounts(
    results: Path,
    collection: ImageCollection,
    seeds: dict[str, list[int]],
    test: dict[str, np.ndarray],
) -> None:
    """Numbers of all stages by hand; nothing is lost between them."""
    found = read_numbers(results, "accounting")
    split, names = collection.column("split"), collection.sample_names()
    for sample in collection.samples:
        accounts = {}
        for one in found["accounts"]:
            if one["sample"] == sample:
                accounts.setdefault(one["stage"], []).append(one)
        sources = {
            path for file in collection.of_sample(sample) for path, _ in file.metadata.source_files
        }
        entries = sum(open_ntuple(results.parent / path).n_entries for path in sources)
        (of_images,) = accounts["images"]
        assert of_images["read"]["n"] == entries
        assert of_images["wrote"]["rows"]["n"] == np.sum(names == sample)
        n_test = int(np.sum((names == sample) & (split == SPLITS.index("test"))))
        n_train = int(np.sum((names == sample) & (split == SPLITS.index("train"))))
        networks = [f"{model}/seed{seed}" for model, of in seeds.items() for seed in of]
        assert [one["network"] for one in accounts["scores"]] == networks
        assert {one["wrote"]["test"]["n"] for one in accounts["scores"]} == {n_test}
        learned = accounts["train split learned by"]
        assert {one["read"]["n"] for one in learned} == {n_train}
        assert accounts["evaluation"][0]["wrote"]["rows"]["n"] == np.sum(test["sample"] == sample)
        (region,) = accounts["signal region"]
        weights = test["weight"][(test["sample"] == sample) & test["signal_region"]]
        expected = region["wrote"]["signal region"]["weight"] * found["expected"][sample]
        assert expected == pytest.approx(weights.sum())


def check_robustness(results: Path) -> None:
    """The threshold of the CNN from the table of test events; efficiencies of every variation from
    its files."""
    found = read_numbers(results, "robustness")
    test = read_table(results / "metrics/test_events.h5")
    names = read_numbers(results, "summary")["preselection"]
    threshold, target = found["thresholds"]["cnn"], found["background_efficiency"]
    background = test["label"] == 0
    scores, weights = test["cnn"][background], test["weight"][background]
    for cut, is_allowed in ((threshold, True), (scores[scores < threshold].max(), False)):
        assert (weights[scores >= cut].sum() <= target * weights.sum()) == is_allowed
    n_nominal = {}
    for variation, selections in found["variations"].items():
        folder = results / "variations" / variation
        files = [path for sample in names for path in sorted(folder.glob(f"images/{sample}/*.h5"))]
        varied = ImageCollection(files)
        in_test = varied.column("split") == SPLITS.index("test")
        table = read_table(folder / "scores/cnn.h5")
        np.testing.assert_array_equal(table["event_number"], varied.column("event_number")[in_test])
        labels, weights = varied.column("label")[in_test], varied.event_weights(36.1)[in_test]
        for kind, label in (("signal", 1), ("background", 0)):
            of_class = labels == label
            expected = (
                weights[of_class & (table["logit"] >= threshold)].sum() / weights[of_class].sum()
            )
            assert selections["cnn"][kind]["value"] == pytest.approx(expected)
        if variation == "nominal":
            score_of = dict(
                zip(
                    zip(test["sample"], test["event_number"], strict=True), test["cnn"], strict=True
                )
            )
            expected = [
                score_of[key] for key in zip(table["sample"], table["event_number"], strict=True)
            ]
            np.testing.assert_allclose(table["logit"], expected, rtol=1e-4, atol=1e-4)
            n_nominal = len(expected)
        assert len(table["logit"]) == pytest.approx(n_nominal, rel=0.3)


def flatten(value: object, keys: tuple[str, ...] = ()) -> dict[str, object]:
    """Path -> leaf of nested JSON."""
    if not isinstance(value, dict | list):
        return {"/".join(keys): value}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return {
        path: leaf
        for key, below in items
        for path, leaf in flatten(below, (*keys, str(key))).items()
    }


def check_tables_of_numbers(results: Path, summary: dict) -> None:
    """Every number of every JSON is in the CSV, and the submission has its tables."""
    with (results / "metrics/numbers.csv").open(newline="") as file:
        written = dict(list(csv.reader(file))[1:])
    with_robustness = (results / "metrics/robustness.json").exists()
    names = [*NUMBERS, "robustness"] if with_robustness else NUMBERS
    expected = flatten({name: read_numbers(results, name) for name in names})
    assert list(written) == list(expected)
    for path, value in expected.items():
        assert (
            written[path] == value if isinstance(value, str) else json.loads(written[path]) == value
        )
    tables = {
        one["name"]: yaml.safe_load((results / "hepdata" / one["data_file"]).read_text())
        for one in yaml.safe_load_all((results / "hepdata/submission.yaml").read_text())
        if "data_file" in one
    }
    rocs = [f"ROC of {name}" for name in summary["classifiers"]]
    assert list(tables) == [*rocs, "Efficiencies at working points", "Expected reach"]
    (signal, *_) = tables["Efficiencies at working points"]["dependent_variables"]
    values = [
        at["value"]
        for numbers in summary["classifiers"].values()
        for at in numbers["signal_efficiency"].values()
    ]
    values.append(summary["signal_region"]["signal_efficiency"]["value"])
    np.testing.assert_allclose(
        [one["value"] for one in signal["values"]], values, rtol=1e-3, atol=1e-5
    )


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(REPOSITORY / "config/test.yaml", tmp_path_factory.mktemp("elsewhere") / "example")


def test_simulated_chain(example: Path) -> None:
    seeds, baselines = {"cnn": [1, 2], "plain": [1]}, ["logistic_regression", "referee"]
    summary = check_outputs(example, seeds, baselines, ["limits_against_mass", "robustness"])
    check_robustness(example)
    # 150 RPV events at an efficiency of 0.96: 0.90 is four standard deviations away
    assert 0.90 < summary["preselection"]["rpv_1400_850"]["efficiency"] <= 1
    assert 0.03 < summary["preselection"]["qcd"]["efficiency"] < 0.2
    assert 0.25 < summary["signal_region"]["signal_efficiency"]["value"] < 0.75
    assert summary["classifiers"]["mj_sum"]["auc"] > 0.8
    with uproot.open(example / "ntuples/qcd/0001.root") as file:
        numbers = file["events/event_number"].array(library="np")
    np.testing.assert_array_equal(
        numbers, np.arange(250, 500)
    )  # chunks of a sample continue its numbers


def test_signal_of_another_mass(example: Path) -> None:
    """It is in no table of the comparison; its limit is that of the cuts by the share of its events
    that pass."""
    assert set(read_numbers(example, "samples")["samples"]) == {"rpv_1400_850", "qcd"}
    reach, other = (
        read_numbers(example, "reach"),
        ImageCollection(sorted(example.glob("images/rpv_1800_850/*.h5"))),
    )
    assert set(other.column("split")) == {SPLITS.index("test")}
    table = read_table(example / "reach/rpv_1800_850.h5")
    np.testing.assert_array_equal(table["event_number"], other.column("event_number"))
    against = reach["against_mass"]
    assert (against["masses"], against["theory_pb"]) == ([1400.0, 1800.0], [0.0252977, 0.0027613])
    assert list(against["classifiers"]) == ["cnn"]
    assert against["cuts"]["value"][0] == pytest.approx(
        reach["cuts"]["limit"]["cross_section_pb"]["value"], rel=1e-3
    )
    region = (other.column("delta_eta_12") < 1.4) & (
        ((other.column("n_fat_jets") >= 4) & (other.column("mj_sum") > 800))
        | ((other.column("n_fat_jets") >= 5) & (other.column("mj_sum") > 600))
    )
    # one bin: the limit on the cross-section goes as 1 / efficiency
    efficiency = {1400: reach["cuts"]["signal"][0] / (36.1e3 * 0.0252977), 1800: region.sum() / 20}
    ratio = against["cuts"]["value"][1] / against["cuts"]["value"][0]
    assert ratio == pytest.approx(efficiency[1400] / efficiency[1800], rel=0.01)


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium found to open the page with")
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_browser_shows_the_report(example: Path, tmp_path: Path, width: int) -> None:
    seen = measure(example / "report.html", width, tmp_path)
    assert seen["console"] == []
    assert seen["width"] == seen["content_width"] == width
    assert len(seen["images"]) >= len(PLOTS) + 2
    assert 8 < sum(image["shown"] for image in seen["images"]) <= 12  # the others are folded
    assert seen["images"][0]["alt"] == "ROC curves"
    for image in seen["images"]:
        assert image["pixels"] > 0
        assert not (image["shown"] and image["clipped"]), image["alt"]
    facts = ("Luminosity", "36.1 /fb", "QCD multijets")
    for words in (*facts, "the CNN keeps", "Robustness", "Expected significance"):
        assert words in seen["text"]


def test_scores_are_those_of_the_stored_networks(example: Path) -> None:
    """The network on dense images, averaged over two rotations and all reflections of the images by
    hand."""
    # the order of the configuration, which is that of the tables
    files = [
        path
        for sample in ("rpv_1400_850", "qcd")
        for path in sorted(example.glob(f"images/{sample}/*.h5"))
    ]
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
            assert_close(scores["cnn"][:, position], logits.numpy())
        plain = load_model(example / "models/plain/seed1")
        logits = sum(plain(one, variables) for one in seen) / 8
    assert_close(scores["plain"][:, 0], logits.numpy())


def assert_close(scores: np.ndarray, expected: np.ndarray) -> None:
    """Apart by little of what the scores differ from event to event: they may be in bfloat16."""
    difference, spread = scores - expected, expected.std()
    assert np.abs(difference).max() < 0.2 * spread
    assert difference.std() < 0.05 * spread


def test_no_model_may_have_the_name_of_a_column(example: Path) -> None:
    """The names that the configuration refuses are those of the table of test events."""
    assert (
        set(read_table(example / "metrics/test_events.h5"))
        - {"cnn", "cnn+jets", "plain", "referee", "logistic_regression"}
        <= TAKEN_NAMES
    )


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
        for channel, (collection, content) in enumerate(
            zip(("towers", "towers", "tracks"), contents, strict=True)
        ):
            eta, phi = (
                event[f"{collection}_{axis}"].to_numpy().astype(float) for axis in ("eta", "phi")
            )
            phi = np.where(
                phi >= np.pi, phi - 2 * np.pi, np.where(phi < -np.pi, phi + 2 * np.pi, phi)
            )
            eta = np.where(eta == 2.5, 9, eta)  # histogram2d closes the last bin
            weights = None if content is None else np.asarray(content)
            expected, _, _ = np.histogram2d(
                eta, phi, bins=64, range=[(-2.5, 2.5), (-np.pi, np.pi)], weights=weights
            )
            np.testing.assert_allclose(
                image.reshape(3, 64, 64)[channel], expected, rtol=1e-6, atol=1e-9
            )


def test_summary_of_the_run_counts_every_job(example: Path) -> None:
    found = read_numbers(example, "run_summary")
    run, stages = found["run"], found["stages"]
    last = {"write_run_summary": 1, "write_report": 1}  # what is done after it was written
    assert found["not_in_it"] == last
    benchmarks = [
        path.relative_to(example / "benchmarks") for path in example.glob("benchmarks/**/*.tsv")
    ]
    counted = Counter(path.parts[0].removesuffix(".tsv") for path in benchmarks) - Counter(last)
    assert {rule: stage["jobs"] for rule, stage in stages.items()} == counted
    assert run["jobs"] == counted.total()
    assert (run["failures"], run["retries"], run["without_measurement"], len(run["hosts"])) == (
        0,
        0,
        0,
        1,
    )
    assert run["cpu_s"] == pytest.approx(sum(stage["cpu_s"] for stage in stages.values()))
    assert (
        stages["simulate_ntuples"]["events"] == stages["build_images"]["events"] == 150 + 20 + 500
    )
    for rule, pattern, key in (
        ("simulate_ntuples", "ntuples/*/*.root", "output_bytes"),
        ("build_images", "ntuples/*/*.root", "input_bytes"),
        ("build_images", "images/*/*.h5", "output_bytes"),
    ):
        total = sum(path.stat().st_size for path in example.glob(pattern))
        assert stages[rule]["bytes_per_event"][key] == pytest.approx(total / 670)
    models = [
        json.loads(path.read_text())["training"] for path in example.glob("models/*/*/model.json")
    ]
    assert stages["train_network"]["events"] == sum(
        one["epochs"] * one["n_training"] for one in models
    )
    assert "Bytes per event" in (example / "report.html").read_text()
    status = run_status(example)
    assert (status["run"]["active"], status["run"]["succeeded"]) == (False, True)
    assert sum(stage["done"] for stage in status["stages"].values()) == run["jobs"] + 2
    assert not any(
        stage[state]
        for stage in status["stages"].values()
        for state in ("running", "failed", "missing")
    )


def test_second_run_does_nothing(example: Path) -> None:
    arguments = (
        "--configfile",
        str(REPOSITORY / "config/test.yaml"),
        "--config",
        f"results_dir={example.name}",
    )
    result = snakemake_in(example.parent, "-s", str(SNAKEFILE), *arguments)
    assert result.returncode == 0
    assert "Nothing to be done" in result.stdout + result.stderr


def test_notebook_inspects_and_compares_runs(
    example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = read_score_table(example / "metrics/test_events.h5")
    noise = np.random.default_rng(1).normal(0, 3, len(test["cnn"]))
    (tmp_path / "metrics").mkdir()  # another training: the same events with other scores
    write_score_table(tmp_path / "metrics/test_events.h5", test | {"cnn": test["cnn"] + noise})
    monkeypatch.setenv("CALOVISION_RESULTS", str(example))
    monkeypatch.setenv("CALOVISION_OTHER_RESULTS", str(tmp_path))
    notebook = run_notebook("04_inspect_results")
    assert count_outputs(notebook, "image/png") == 7
    assert "the same test events: paired" in printed(notebook)
    tables = [
        output.data["text/markdown"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "text/markdown" in output.get("data", {})
    ]
    assert tables[0] == (example / "metrics/summary.md").read_text()
    classifiers = read_numbers(example, "summary")["classifiers"]
    assert len(tables[1].splitlines()) == 2 + len(classifiers)
    row = tables[2].splitlines()[2]  # at a background efficiency of 0.1
    this, other, ratio = (float(cell.split()[0]) for cell in row.split("|")[2:5])
    assert this == pytest.approx(classifiers["cnn"]["signal_efficiency"]["0.1"]["value"], abs=6e-4)
    assert ratio == pytest.approx(other / this, abs=2e-3)


def test_chain_from_delphes_files(delphes_dir: Path, tmp_path: Path) -> None:
    config = yaml.safe_load((REPOSITORY / "config/delphes.yaml").read_text())
    for sample in config["samples"].values():
        sample["files"] = [str(delphes_dir / Path(file).name) for file in sample["files"]]
    # without other detectors, which the simulated chain has
    config["robustness"] = {"variations": {}}
    config["plots"] = {"n_event_displays": 2, "n_attributed_events": 5}
    config["train"]["epochs"] = 2
    config["models"] = {"my_network": {}}  # the comparison has it by this name
    (tmp_path / "delphes.yaml").write_text(yaml.safe_dump({"calo": config}))
    displays = [f"event_display_{kind}_2" for kind in ("signal", "background")]
    baselines = ["logistic_regression", "adaboost", "gradient_boosting", "mlp", "referee"]
    results = run_as_module(tmp_path / "delphes.yaml", tmp_path / "my résults")
    summary = check_outputs(results, {"my_network": [1]}, baselines, displays)
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
        kept = [
            name for name in events.fields if not name.startswith(("tracks", "ntracks", "ntowers"))
        ]
        new.mktree("events", {name: events[name].type.content for name in kept}).extend(
            {name: events[name] for name in kept}
        )
        generation = old["generation"].arrays(library="np")
        new.mktree(
            "generation", {name: values.dtype for name, values in generation.items()}
        ).extend(generation)


def write_no_root(path: Path, _: Path) -> None:
    path.write_text("not a ROOT file")


BAD_FILES = {
    "truncated": (write_truncated, ""),
    "missing_tree": (write_other_tree, "events"),
    "missing_branch": (write_no_tracks, "tracks_"),
    "unreadable": (write_no_root, ""),
}


def test_bad_files_stop_with_one_sentence_each(example: Path, tmp_path: Path) -> None:
    source = example / "ntuples/qcd/0000.root"
    samples = {"good": sample(1, str(example / "ntuples/rpv_1400_850/0000.root"))}
    for name, (write, _) in BAD_FILES.items():
        write(tmp_path / f"{name}.root", source)
        samples[name] = sample(0, str(tmp_path / f"{name}.root"))
    output = fail(tmp_path, samples, "--keep-going")
    for name, (_, named) in BAD_FILES.items():
        sentences = [
            line
            for line in output.splitlines()
            if line.startswith("calovision: ") and f"{name}.root" in line
        ]
        assert sentences, name
        assert all(named in sentence for sentence in sentences)
    assert [path.parent.name for path in (tmp_path / "results/images").rglob("*.h5")] == ["good"]


def test_sample_without_a_passing_event_is_named(example: Path, tmp_path: Path) -> None:
    samples = {"a": sample(1, str(example / "ntuples/rpv_1400_850/0000.root"))}
    samples["b"] = sample(0, str(example / "ntuples/qcd/0000.root"))
    selection = {"preselection": {"hard": "leading_pt > 99999"}}
    output = fail(tmp_path, samples, selection=selection)
    assert "none of its 150 events passes the preselection" in output
    assert not list((tmp_path / "results").glob("models/cnn/*/model.*"))


def sample(label: int, file: str) -> dict:
    return {"label": label, "schema": "calovision", "cross_section_pb": 1.0, "files": [file]}


def fail(tmp_path: Path, samples: dict, *options: str, selection: dict | None = None) -> str:
    """Run up to the training; return the output of the run, which must fail with a sentence and no
    traceback."""
    config = {"samples": samples, **({"selection": selection} if selection else {})}
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(config))
    arguments = (
        "--configfile",
        str(tmp_path / "my.yaml"),
        "--config",
        f"results_dir={tmp_path}/results",
    )
    result = snakemake(*arguments, "--until", "train_network", *options)
    output = result.stdout + result.stderr
    assert result.returncode == 1
    assert "calovision: " in output
    assert "Traceback" not in output
    shutil.rmtree(tmp_path / "results/logs", ignore_errors=True)
    return output
