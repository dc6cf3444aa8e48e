"""Every file of a run that shows a number shows the same: the stages of the workflow on fake
scores, all JSON read."""

import csv
import json
import logging
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from fakes import make_columns, write_image_file

from calovision.evaluation import split_indices
from calovision.report.numbers import numbers_csv
from calovision.stages import comparison, reach
from calovision.storage import ImageCollection, write_scores
from calovision.storage.file_list import write_file_list

SCRIPTS = "workflow/scripts"
SEEDS = {"plain": [1], "several": [1, 2, 3]}
BASELINES = ["mlp", "referee"]
POINTS = [0.3, 0.1, 0.001]
REACH = {"background_uncertainty": 0.2, "least_n_eff": 2, "n_bootstrap": 20}
FILES = {name: f"{name}.json" for name in ("summary", "models", "samples", "comparison")}
FILES |= {f"{name}_table": f"{name}.md" for name in ("samples", "cut_flow", "comparison")}
FILES |= {f"{name}_events": f"{name}_events.h5" for name in ("validation", "test")}
FILES |= {"table": "summary.md", "network_scores": "network_scores.h5"}
OPTIONS = {"luminosity_fb": 10.0, "signal_region": "mj_sum > 500", "seed": 3}
ROOT = Path(__file__).parents[1]


class Named(dict):
    """Names as keys and as attributes, as Snakemake hands them to a script."""

    __getattr__ = dict.__getitem__


def run(script, *, log, **parts):
    """A script with what Snakemake would give it; logging stays as it was."""
    job = SimpleNamespace(**{name: Named(values) for name, values in parts.items()}, log=[str(log)])
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        runpy.run_path(str(ROOT / SCRIPTS / script), {"snakemake": job})
    finally:
        for handler in set(root.handlers) - set(handlers):
            handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.captureWarnings(False)


def write_samples(folder, kind, n=400):
    """Signal and background, whose region has events, none of the background, or such as negative
    weights cancel."""
    paths = []
    for label, name in ((1, "rpv"), (0, "qcd")):
        rng = np.random.default_rng(label)
        columns = make_columns(n, label=label, seed=label, weights=rng.exponential(1.0, n) + 0.1)
        columns["mj_sum"] = np.where(rng.random(n) < (0.5 if label else 0.1), 600.0, 400.0)
        inside = columns["mj_sum"] > 500
        if kind == "empty" and not label:
            columns["mj_sum"][:] = 400.0
        if kind == "negative":
            columns["weight"] *= np.where(rng.random(n) < 0.25, -1.0, 1.0)
        if kind == "negative outside" and not label:
            columns["weight"] = np.where(
                inside, 1.0, np.where(np.arange(n) % 10 < 4, -1.0, 1.0) * 0.3
            )
        total = float(np.abs(columns["weight"]).sum())
        flow = [
            ("generated", 10 * n, 10 * total),
            ("three fat jets", n, float(columns["weight"].sum())),
        ]
        paths.append(
            write_image_file(
                folder / f"{name}.h5",
                n,
                columns=columns,
                sample=name,
                label=label,
                cut_flow=flow,
                n_generated=10 * n,
                sum_of_weights=10 * total,
                cross_section_pb=0.5 if label else 20.0,
            )
        )
    return paths


def write_scored(folder, collection, indices):
    """Score files of two models and two baselines, model descriptions and histories."""
    rng, labels = np.random.default_rng(9), collection.column("label")[indices]

    def scores(distance):
        return 1 / (1 + np.exp(-rng.normal(distance * (2 * labels - 1.0), 1.0)))

    files = {"scores": [], "models": [], "histories": []}
    for model, seeds in SEEDS.items():
        for seed in seeds:
            stem = folder / f"{model}{seed}"
            write_scores(f"{stem}.h5", collection, indices, scores(1.0))
            description = {"specification": {"network": model}, "training": {"n_training": 5}}
            stem.with_suffix(".json").write_text(json.dumps(description))
            stem.with_suffix(".csv").write_text("epoch\n0\n")
            for kind, suffix in zip(files, (".h5", ".json", ".csv"), strict=True):
                files[kind].append(stem.with_suffix(suffix))
    files["baselines"] = folder / "baselines.h5"
    write_scores(files["baselines"], collection, indices, {name: scores(0.8) for name in BASELINES})
    return files


@pytest.fixture(scope="module")
def few_trees():
    """A quick combination of network and jet variables."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("calovision.evaluation.baselines.combination.MOST_TREES", 10)
        yield


@pytest.fixture(scope="module", params=["plain", "empty", "negative", "negative outside"])
def results(request, tmp_path_factory, few_trees):
    """Folder of a run; JSON by name."""
    tmp_path = tmp_path_factory.mktemp("run")
    paths = write_samples(tmp_path, request.param)
    write_file_list(tmp_path / "images.tsv", paths)
    collection = ImageCollection(paths)
    indices = split_indices(collection, "validation", "test")
    networks = write_scored(tmp_path, collection, indices)
    results = comparison.EvaluationResults(
        **{name: tmp_path / file for name, file in FILES.items()}
    )
    comparison.evaluate(
        comparison.EvaluationFiles(images=tmp_path / "images.tsv", **networks),
        results,
        comparison.EvaluationOptions(
            background_efficiencies=POINTS, seeds=SEEDS, baselines=BASELINES, **OPTIONS
        ),
    )
    reach.evaluate_reach(
        reach.ReachFiles(
            results.validation_events, results.test_events, results.samples, images=(), scores=()
        ),
        reach.ReachResults(tmp_path / "reach.json", tmp_path / "reach.md"),
        reach.ReachOptions(["cnn", "cnn+jets"], REACH, masses={}, **OPTIONS),
    )
    names = ["summary", "models", "samples", "comparison"]
    found = {name: tmp_path / f"{name}.json" for name in (*names, "reach")}
    found |= {"test_events": results.test_events}
    run(
        "write_hepdata.py",
        log=tmp_path / "h.log",
        input=found,
        params={"description": "a"},
        output={0: tmp_path / "hepdata"},
    )
    return tmp_path, {name: json.loads(found[name].read_text()) for name in (*names, "reach")}


def test_the_signal_region_is_one(results):
    _, found = results
    summary, comparison = found["summary"], found["comparison"]["at_signal_region"]
    cuts = comparison["classifiers"]["signal_region"]["signal_efficiency"]
    assert cuts == summary["signal_region"]["signal_efficiency"]
    assert comparison["background_efficiency"] == summary["region_point"]["background_efficiency"]
    assert comparison["background_is_limit"] == summary["region_point"]["is_limit"]
    if summary["region_point"]["is_limit"]:
        assert (
            comparison["background_efficiency"]
            == summary["signal_region"]["background_efficiency"]["high"]
        )
    for name, numbers in comparison["classifiers"].items():
        value = numbers["signal_efficiency"]["value"]
        assert numbers["over_cuts"]["value"] == pytest.approx(value / cuts["value"], rel=1e-12)
        reference = comparison["classifiers"]["referee"]["signal_efficiency"]["value"]
        assert numbers["over_reference"]["value"] == pytest.approx(value / reference, rel=1e-12), (
            name
        )


def test_a_classifier_has_one_number_at_a_point(results):
    _, found = results
    summary, models, comparison = (
        found["summary"]["classifiers"],
        found["models"],
        found["comparison"],
    )
    at_region, unweighted = (
        comparison[key]["classifiers"] for key in ("at_signal_region", "unweighted")
    )
    for name in ("n_fat_jets", "mj_sum", *BASELINES, "cnn+jets"):
        assert (
            at_region[name]["signal_efficiency"]
            == summary[name]["signal_efficiency"]["signal_region"]
        )
    # the first model has one network, which is its ensemble
    assert (
        at_region["plain"]["signal_efficiency"]
        == summary["cnn"]["signal_efficiency"]["signal_region"]
    )
    for model, column in (("plain", "cnn"), ("several", "several")):
        numbers, ensemble = models[model], models[model]["ensemble"]["weighted"]
        assert ensemble["auc"] == summary[column]["auc"]
        for point, value in ensemble["signal_efficiency"].items():
            assert value == summary[column]["signal_efficiency"][point]
        mean = numbers["mean"]["unweighted"]["signal_efficiency"]["0.001"]
        assert unweighted[model]["signal_efficiency"]["value"] == mean
    alone = models["plain"]["seeds"]["1"]["unweighted"]["signal_efficiency"]["0.001"]
    assert unweighted["plain"]["signal_efficiency"] == alone


def test_reach_has_the_events_of_the_region(results):
    _, found = results
    summary, reach = found["summary"], found["reach"]
    cuts, region = reach["cuts"], summary["signal_region"]
    samples = {
        one["label"]: one["preselected"]["expected"] for one in found["samples"]["samples"].values()
    }
    assert reach["expected_signal"] == samples[1]
    assert cuts["signal"] == [pytest.approx(samples[1] * region["signal_efficiency"]["value"])]
    assert cuts["background"] == [
        pytest.approx(samples[0] * summary["region_point"]["background_efficiency"])
    ]
    assert cuts["background_is_limit"] == [summary["region_point"]["is_limit"]]
    assert cuts["n_eff"] == [
        pytest.approx(
            0.0 if cuts["background_is_limit"][0] else region["background_efficiency"]["n_eff"]
        )
    ]


def test_limits_of_a_signal_of_another_mass(tmp_path, results):
    """100 of 400 preselected events are in the region, and 100 are expected at 0.1 pb: the limit
    on the cross-section scales with the acceptance."""
    folder, found = results
    if found["reach"]["cuts"]["background_is_limit"][0]:
        pytest.skip("no background in the region")
    n = 400
    columns = make_columns(n, label=1) | {"mj_sum": np.where(np.arange(n) < 100, 600.0, 400.0)}
    (tmp_path / "rpv_1800").mkdir()
    image_file = write_image_file(
        tmp_path / "rpv_1800/0000.h5",
        n,
        columns=columns,
        sample="rpv_1800",
        label=1,
        sum_of_weights=4000.0,
        cross_section_pb=0.1,
    )
    scores = np.random.default_rng(4).normal(1.0, 1.0, n)
    write_scores(tmp_path / "rpv_1800.h5", ImageCollection([image_file]), np.arange(n), scores)
    numbers = tmp_path / "reach.json"
    reach.evaluate_reach(
        reach.ReachFiles(
            *(folder / FILES[name] for name in ("validation_events", "test_events", "samples")),
            images=(image_file,),
            scores=(tmp_path / "rpv_1800.h5",),
        ),
        reach.ReachResults(numbers, tmp_path / "reach.md"),
        reach.ReachOptions(["cnn"], REACH, masses={"rpv": 1400, "rpv_1800": 1800}, **OPTIONS),
    )
    against_mass = json.loads(numbers.read_text())["against_mass"]
    assert against_mass["masses"] == [1400, 1800]
    assert against_mass["theory_pb"] == [0.5, 0.1]
    efficiency = found["summary"]["signal_region"]["signal_efficiency"]["value"]
    nominal = found["reach"]["expected_signal"] / 0.5 * efficiency
    other = 100.0 / 0.1 * 0.25
    limits = against_mass["cuts"]["value"]
    assert limits[0] == pytest.approx(found["reach"]["cuts"]["limit"]["cross_section_pb"]["value"])
    assert limits[1] / limits[0] == pytest.approx(nominal / other)


def test_hepdata_has_the_numbers_of_the_summary(results):
    folder, found = results
    table = yaml.safe_load((folder / "hepdata/efficiencies_at_working_points.yaml").read_text())
    values = [one["value"] for one in table["dependent_variables"][0]["values"]]
    summary = found["summary"]
    expected = [
        one["value"]
        for numbers in summary["classifiers"].values()
        for one in numbers["signal_efficiency"].values()
    ]
    expected.append(summary["signal_region"]["signal_efficiency"]["value"])
    assert values == pytest.approx(expected, rel=1e-4)
    points = [one["value"] for one in table["independent_variables"][1]["values"]]
    assert points[-1] == pytest.approx(summary["region_point"]["background_efficiency"], rel=1e-4)


def test_tables_show_the_numbers_of_the_files(results):
    folder, found = results
    point = found["summary"]["region_point"]
    words = f"{'below ' * point['is_limit']}{point['background_efficiency']:.2g}"
    assert f"background ({words})" in (folder / "comparison.md").read_text()
    assert ("none left: below" in (folder / "summary.md").read_text()) == point["is_limit"]
    cuts = next(
        line
        for line in (folder / "reach.md").read_text().splitlines()
        if line.startswith("| cuts |")
    )
    assert ("| below " in cuts) == point["is_limit"]
    value = found["summary"]["classifiers"]["mj_sum"]["signal_efficiency"]["signal_region"]["value"]
    for name in ("summary", "comparison"):
        row = next(
            line
            for line in (folder / f"{name}.md").read_text().splitlines()
            if line.startswith("| mj")
        )
        assert f"| {value:#.3g} (" in row


def test_numbers_of_the_report_are_those_of_the_files(results):
    """The CSV of all numbers, as the script of the report writes it."""
    _, found = results
    rows = dict(csv.reader(numbers_csv(found).splitlines()))
    pairs = [
        (
            "comparison/at_signal_region/background_efficiency",
            "summary/region_point/background_efficiency",
        )
    ]
    for edge in ("value", "low", "high", "n_eff"):
        of_comparison = f"comparison/at_signal_region/classifiers/mj_sum/signal_efficiency/{edge}"
        pairs.append(
            (of_comparison, f"summary/classifiers/mj_sum/signal_efficiency/signal_region/{edge}")
        )
    for one, other in pairs:
        assert rows[one] == rows[other]
