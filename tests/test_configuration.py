"""The configuration: files and schema agree, and bad input stops with one sentence that names the key."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import jsonschema
import pytest
import yaml
from conftest import REPOSITORY

CONFIG = REPOSITORY / "config"
SCHEMA = yaml.safe_load((REPOSITORY / "workflow/schemas/config.schema.yaml").read_text())


def load(name: str) -> dict:
    return yaml.safe_load((CONFIG / name).read_text())


def merged(name: str) -> dict:
    """The example with the overrides of another file, merged key by key as Snakemake does."""
    config = load("config.yaml")
    for key, value in load(name).items():
        replace = not isinstance(value, dict) or key in ("samples", "models")
        config[key] = value if replace else {**config[key], **value}
    return config


def resolved(schema: dict) -> dict:
    """The schema with its reference replaced by what it stands for."""
    return {**SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], **schema} if "$ref" in schema else schema


def keys(schema: dict, prefix: str = "") -> set[str]:
    """Dotted names of all keys in a schema; user-chosen names appear as *, those of a model are those of train."""
    found = set()
    for name, sub in resolved(schema).get("properties", {}).items():
        found |= {prefix + name} | keys(sub, f"{prefix}{name}.")
    named = schema.get("additionalProperties")
    if isinstance(named, dict):
        found |= {f"{prefix}*"} if "$ref" in named else keys(named, f"{prefix}*.")
    return found


@pytest.mark.parametrize("name", ["config.yaml", "test.yaml", "delphes.yaml", "paper.yaml", "symmetry.yaml"])
def test_every_configuration_fits_the_schema(name: str) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(merged(name))


def test_schema_refuses_unknown_keys_and_describes_every_key() -> None:
    def walk(schema: dict) -> None:
        schema = resolved(schema)
        if schema.get("type") == "object":
            assert "additionalProperties" in schema
        for name, sub in schema.get("properties", {}).items():
            assert resolved(sub).get("description"), name
            walk(sub)
        if isinstance(schema.get("additionalProperties"), dict):
            walk(schema["additionalProperties"])

    walk(SCHEMA)


def test_example_sets_every_key_outside_samples() -> None:
    config = load("config.yaml")
    for name in keys(SCHEMA):
        section, _, rest = name.partition(".")
        assert section in config
        if rest and section != "samples" and "*" not in rest:
            assert rest in config[section], name


def test_readme_of_the_configuration_explains_exactly_the_keys_of_the_schema() -> None:
    section = (CONFIG / "README.md").read_text().partition("\n## Keys\n")[2].partition("\n## ")[0]
    lines = section.splitlines()
    explained = {line.split("`")[1] for line in lines if line.startswith("| `")}
    expected = {name.replace("*", "<name>") for name in keys(SCHEMA)}
    leaves = {name for name in expected if not any(other.startswith(name + ".") for other in expected)}
    assert explained == leaves


def test_schema_of_the_training_knows_what_the_package_knows() -> None:
    """Fields of TrainingOptions, and the choices of those that have some."""
    from calovision.datasets import WEIGHT_SCHEMES
    from calovision.models import NETWORKS, SCALINGS
    from calovision.training import TrainingOptions
    from calovision.training.options import DEVICES, PRECISIONS, SCHEDULES

    properties = SCHEMA["$defs"]["training"]["properties"]
    assert set(properties) - {"seeds", "test_rotations"} <= {field.name for field in fields(TrainingOptions)}
    assert set(SCHEMA["properties"]["train"]["required"]) == set(properties)
    *names, import_path = properties["network"]["pattern"].removeprefix("^(").removesuffix(")$").split("|")
    assert set(names) == set(NETWORKS)
    assert re.fullmatch(import_path, "my_package.networks:Net")
    choices = {name: set(sub["enum"]) for name, sub in properties.items() if "enum" in sub}
    assert choices == {
        "weights": set(WEIGHT_SCHEMES),
        "scaling": set(SCALINGS),
        "schedule": set(SCHEDULES),
        "precision": {"auto", *PRECISIONS},
        "device": set(DEVICES),
    }


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"models": {}}, "should be non-empty"),
        ({"models": {"a b": {}}}, "'a b' does not match"),
        ({"models": {"a": {"weights": "physical"}}}, "'physical' is not one of"),
        ({"train": {"seeds": 0}}, "less than the minimum of 1"),
        ({"train": {"variables": ["label"]}}, "'label' is not one of"),
        ({"train": {"network": "net"}}, "'net' does not match"),
        ({"train": {"gradient_clip": 0}}, "less than or equal to the minimum of 0"),
    ],
)
def test_schema_refuses(config: dict, message: str) -> None:
    example = load("config.yaml")
    train = {"train": {**example["train"], **config.get("train", {})}}
    with pytest.raises(jsonschema.ValidationError, match=message):
        jsonschema.Draft202012Validator(SCHEMA).validate(example | config | train)


def test_paper_trains_as_the_paper_does() -> None:
    """Physics facts of arXiv:1711.03573: Adam 1e-3, batches of 256, up to 50 epochs, patience 20, log(w + 1)."""
    train = merged("paper.yaml")["train"]
    assert (train["learning_rate"], train["schedule"]) == (1e-3, "constant")
    assert (train["batch_size"], train["epochs"], train["patience"]) == (256, 50, 20)
    assert (train["network"], train["weights"], train["scaling"]) == ("hep_cnn", "log1p", "maximum")
    assert not train["augmentation"]
    assert not train["circular"]


# -- what a user sees ---------------------------------------------------------------------------


def dry_run(tmp_path: Path, config: dict) -> subprocess.CompletedProcess:
    path = tmp_path / "my.yaml"
    path.write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "snakemake", "-n", "--configfile", str(path), "--directory", str(REPOSITORY)]
    return subprocess.run(
        [*command, "--config", f"results_dir={tmp_path}/results"], cwd=REPOSITORY, capture_output=True, text=True
    )


def samples(**changes: dict) -> dict:
    simulate = {"process": "qcd", "n_events": 5}
    signal = {"label": 1, "simulate": {"process": "rpv_gluinos", "n_events": 5}}
    return {"samples": {"signal": signal, "background": {"label": 0, "simulate": simulate, **changes}}}


def test_rules_of_a_simulated_analysis(tmp_path: Path) -> None:
    config = samples(simulate={"process": "qcd", "n_events": 5001})
    config["simulation"] = {"events_per_job": 2500}
    result = dry_run(tmp_path, config)
    assert result.returncode == 0, result.stdout + result.stderr
    assert jobs(result) == {
        "simulate_ntuples": 4,
        "build_images": 4,
        "train_network": 1,
        "score_events": 1,
        "evaluate": 1,
        "plot_performance": 1,
        "plot_images": 1,
        "plot_models": 1,
        "plot_training": 1,
        "plot_cut_flow": 1,
        "write_overview": 1,
        "make_report": 1,
        "all": 1,
        "total": 19,
    }


def test_a_job_per_model_and_seed(tmp_path: Path) -> None:
    """Models of a later configuration replace those of the example; a model may have its own number of seeds."""
    models = {"wide": {"options": {"width": 32}}, "deep": {"network": "resnet", "seeds": 1, "device": "cpu"}}
    result = dry_run(tmp_path, samples() | {"seed": 7, "train": {"seeds": 3}, "models": models})
    assert result.returncode == 0, result.stdout + result.stderr
    counts = jobs(result)
    assert (counts["train_network"], counts["score_events"]) == (4, 4)
    assert counts["total"] == 2 + 2 + 4 + 4 + 9  # ntuples, images, networks, scores, and what there is once
    trained = sorted(set(re.findall(r"models/(\w+/seed\d+)/model.json", result.stdout + result.stderr)))
    assert trained == ["deep/seed7", "wide/seed7", "wide/seed8", "wide/seed9"]
    gpu = re.findall(r"model=(\w+), seed=\d+\n(?:.*\n)*?.*resources: .*gpu=(\d)", result.stdout + result.stderr)
    assert sorted(gpu) == [("deep", "0"), *[("wide", "1")] * 3]


def test_study_of_the_symmetry_trains_ten_networks(tmp_path: Path) -> None:
    counts = jobs(dry_run(tmp_path, load("symmetry.yaml")))
    assert (counts["train_network"], counts["score_events"], counts["evaluate"]) == (10, 10, 1)
    assert counts["build_images"] == 5 + 36  # 2,000 events a job


def test_own_files_replace_the_example_and_need_no_simulation(tmp_path: Path) -> None:
    for name in ("a1.root", "a2.root", "b.root"):
        (tmp_path / name).touch()
    config = {
        "samples": {
            "a": {"label": 1, "schema": "delphes", "files": [f"{tmp_path}/a*.root", f"{tmp_path}/a1.root"]},
            "b": {"label": 0, "schema": "calovision", "files": [f"{tmp_path}/b.root"]},
        }
    }
    result = dry_run(tmp_path, config)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "simulate_ntuples" not in jobs(result)
    assert jobs(result)["build_images"] == 3


def jobs(result: subprocess.CompletedProcess) -> dict[str, int]:
    """Job counts of Snakemake's first table."""
    lines = (result.stdout + result.stderr).splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("Job stats:")) + 3
    rows = [line.split() for line in lines[start:]]
    return {row[0]: int(row[1]) for row in rows[: rows.index([])]}


BAD = {
    "mistyped key": ({"luminosity": 3}, "'luminosity' was unexpected", "luminosity_fb"),
    "mistyped key below": ({"train": {"epoch": 3}}, "configuration key 'train'", "'epoch' was unexpected"),
    "mistyped key of a sample": (samples(lable=0), "configuration key 'samples.background'", "'lable' was unexpected"),
    "wrong type": ({"seed": "one"}, "configuration key 'seed'", "is not of type 'integer'"),
    "unknown channel": ({"images": {"channels": ["em_et", "ecal"]}}, "images.channels.1", "'ecal' is not one of"),
    "cross-section": (samples(cross_section_pb=0), "samples.background.cross_section_pb", "minimum of 0"),
    "schema": (samples(schema="root"), "samples.background.schema", "delphes|calovision|nanoaod|jetclass"),
    "one class": (samples(label=1), "configuration key 'samples'", "label 1 (signal) and one with 0"),
    "files and simulate": (samples(files=["x.root"], schema="delphes"), "samples.background", "either"),
    "missing file": (
        {"samples": {"a": {"label": 1, "schema": "delphes", "files": ["nowhere/a.root"]}, **samples()["samples"]}},
        "samples.a.files",
        "nowhere/a.root: no such file; give files that exist",
    ),
    "glob without a match": (
        {"samples": {"a": {"label": 1, "schema": "delphes", "files": ["none*.root"]}, **samples()["samples"]}},
        "samples.a.files",
        "none*.root stands for no file; give a wildcard that matches some",
    ),
    "schema of a simulated sample": (
        samples(schema="delphes"),
        "configuration key 'samples.background.schema': it belongs to 'files', not to 'simulate'",
    ),
    "mistyped key of a model": ({"models": {"a": {"epoch": 3}}}, "key 'models.a'", "'epoch' was unexpected", "network"),
    "model named as a variable": ({"models": {"cnn": {}, "ht": {}}}, "'models.ht'", "an event variable or column"),
    "second model named cnn": ({"models": {"a": {}, "cnn": {}}}, "'models.cnn'", "that of the first model"),
    "unknown network": ({"models": {"a": {"network": "resnt"}}}, "models.a.network", "small|resnet|jet_cnn"),
    "weights": (
        samples(weights={"n_generated": 0}),
        "configuration key 'samples.background.weights.n_generated'",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_configuration_is_named_in_one_sentence(tmp_path: Path, case: str) -> None:
    config, *expected = BAD[case]
    result = dry_run(tmp_path, config)
    output = result.stdout + result.stderr
    assert result.returncode == 1
    assert "Traceback" not in output
    for text in expected:
        assert text in output
    assert not (tmp_path / "results").exists()
