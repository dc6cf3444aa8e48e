"""The configuration: files and schema agree, and bad input stops with one sentence that names the key."""

import subprocess
import sys
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
        replace = not isinstance(value, dict) or key == "samples"
        config[key] = value if replace else {**config[key], **value}
    return config


def keys(schema: dict, prefix: str = "") -> set[str]:
    """Dotted names of all keys in a schema; user-chosen names appear as *."""
    found = set()
    for name, sub in schema.get("properties", {}).items():
        found |= {prefix + name} | keys(sub, f"{prefix}{name}.")
    if isinstance(schema.get("additionalProperties"), dict):
        found |= keys(schema["additionalProperties"], f"{prefix}*.")
    return found


@pytest.mark.parametrize("name", ["config.yaml", "test.yaml", "delphes.yaml", "paper.yaml"])
def test_every_configuration_fits_the_schema(name: str) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(merged(name))


def test_schema_refuses_unknown_keys_and_describes_every_key() -> None:
    def walk(schema: dict) -> None:
        if schema.get("type") == "object":
            assert "additionalProperties" in schema
        for name, sub in schema.get("properties", {}).items():
            assert sub.get("description"), name
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
        "train_cnn": 1,
        "score_events": 1,
        "evaluate": 1,
        "plot_performance": 1,
        "plot_images": 1,
        "plot_training": 1,
        "plot_cut_flow": 1,
        "write_overview": 1,
        "make_report": 1,
        "all": 1,
        "total": 18,
    }


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
