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

from calovision.planning import workload
from calovision.simulation.pythia import BATCH_SIZE

CONFIG = REPOSITORY / "config"
SCHEMA = yaml.safe_load((REPOSITORY / "workflow/schemas/config.schema.yaml").read_text())


def load(name: str) -> dict:
    return yaml.safe_load((CONFIG / name).read_text())


def merged(name: str) -> dict:
    """The example with the overrides of another file, merged key by key as Snakemake does."""
    config = load("config.yaml")
    for key, value in load(name).items():
        replace = not isinstance(config[key], dict) or value is None or key in ("samples", "models")
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


@pytest.mark.parametrize("name", sorted(path.name for path in CONFIG.glob("*.yaml")))
def test_every_configuration_fits_the_schema(name: str) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(merged(name))


def test_schema_refuses_unknown_keys_and_describes_every_key() -> None:
    def walk(schema: dict) -> None:
        schema = resolved(schema)
        if "object" in (schema.get("type"), *(schema["type"] if isinstance(schema.get("type"), list) else ())):
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


def test_schema_knows_the_classifiers_and_the_variations_of_the_package() -> None:
    from calovision.baselines import SHALLOW_CLASSIFIERS
    from calovision.jets import EventContent
    from calovision.variations import Variation

    properties = SCHEMA["properties"]
    assert properties["baselines"]["items"]["enum"] == list(SHALLOW_CLASSIFIERS)
    assert set(properties["event_content"]["properties"]) == {field.name for field in fields(EventContent)}
    changes = properties["robustness"]["properties"]["variations"]["additionalProperties"]["properties"]
    of_towers = {"scale", "smear", "dead"}
    assert of_towers <= {field.name for field in fields(Variation)}
    assert set(changes) == of_towers | {"groomed", "pile_up"}


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
    from calovision.models import NETWORKS, POINT_NETWORKS, SCALINGS
    from calovision.training import TrainingOptions
    from calovision.training.options import DEVICES, PRECISIONS, SCHEDULES

    properties = SCHEMA["$defs"]["training"]["properties"]
    assert set(properties) - {"seeds", "test_rotations", "threads"} <= {field.name for field in fields(TrainingOptions)}
    assert set(SCHEMA["properties"]["train"]["required"]) == set(properties)
    *names, import_path = properties["network"]["pattern"].removeprefix("^(").removesuffix(")$").split("|")
    assert set(names) == {*NETWORKS, *POINT_NETWORKS}
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
        ({"baselines": ["svm"]}, "'svm' is not one of"),
        ({"baselines": ["mlp", "mlp"]}, "non-unique"),
        ({"robustness": {"variations": {"a": {}}}}, "should be non-empty|non-empty"),
        ({"robustness": {"variations": {"a": {"scale": 0}}}}, "less than or equal to the minimum of 0"),
        ({"robustness": {"variations": {"a": {"dead": 1}}}}, "greater than or equal to the maximum of 1"),
        ({"reach": {"background_uncertainty": -0.1}}, "less than the minimum of 0"),
    ],
)
def test_schema_refuses(config: dict, message: str) -> None:
    example = load("config.yaml")
    sections = {name: {**example[name], **config.get(name, {})} for name in ("train", "reach", "robustness")}
    with pytest.raises(jsonschema.ValidationError, match=message):
        jsonschema.Draft202012Validator(SCHEMA).validate(example | config | sections)


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
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    command = [sys.executable, "-m", "snakemake", "-n", "--configfile", str(path), "--directory", str(REPOSITORY)]
    return subprocess.run(
        [*command, "--config", f"results_dir={tmp_path}/results"], cwd=REPOSITORY, capture_output=True, text=True
    )


def samples(**changes: dict) -> dict:
    simulate = {"process": "qcd", "n_events": 5}
    signal = {"label": 1, "simulate": {"process": "rpv_gluinos", "n_events": 5}}
    background = {"label": 0, "simulate": simulate, **changes}
    return {"samples": {"signal": signal, "background": {key: v for key, v in background.items() if v is not None}}}


ONCE = dict.fromkeys(
    [
        *("evaluate", "evaluate_reach", "evaluate_robustness", "plot_performance", "plot_images", "plot_models"),
        *("plot_training", "plot_cut_flow", "plot_diagnostics", "plot_attributions", "plot_extreme_events"),
        *("plot_reach", "plot_robustness", "write_hepdata", "write_run_summary", "write_report", "list_images", "all"),
    ],
    1,
)
"""Jobs that every run has one of."""


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
        "fit_baselines": 1,
        "build_varied_images": 12,  # the first file of two samples, nominal and in five variations
        "score_variation": 6,
        **ONCE,
        "total": 8 + 3 + 18 + len(ONCE),
    }


def test_a_job_per_model_and_seed(tmp_path: Path) -> None:
    """Models of a later configuration replace those of the example; a model may have its own number of seeds."""
    models = {"wide": {"options": {"width": 32}}, "deep": {"network": "resnet", "seeds": 1, "device": "cpu"}}
    changes = {"seed": 7, "train": {"seeds": 3, "device": "gpu"}, "models": models, "robustness": {"variations": {}}}
    result = dry_run(tmp_path, samples() | changes)
    assert result.returncode == 0, result.stdout + result.stderr
    counts = jobs(result)
    assert (counts["train_network"], counts["score_events"]) == (4, 4)
    once = {name for name in ONCE if "robustness" not in name} | {"fit_baselines"}
    assert counts["total"] == 2 + 2 + 4 + 4 + len(once)  # ntuples, images, networks, scores, and what there is once
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


def test_variations_of_a_later_configuration_replace_those_of_the_example(tmp_path: Path) -> None:
    changes = {"robustness": {"files": 2, "variations": {"worse": {"smear": 0.3}, "crowded": {"pile_up": 30}}}}
    config = samples(simulate={"process": "qcd", "n_events": 750}) | changes | {"simulation": {"events_per_job": 250}}
    result = dry_run(tmp_path, config)
    assert result.returncode == 0, result.stdout + result.stderr
    counts = jobs(result)
    files = 1 + 2  # the signal has one file, of the background's three two are built again
    assert counts["build_varied_images"] == 3 * files
    assert counts["simulate_pile_up"] == files
    assert counts["simulate_ntuples"] == 1 + 3
    assert counts["score_variation"] == 3
    output = result.stdout + result.stderr
    assert set(re.findall(r"results/variations/(\w+)/images", output)) == {"nominal", "worse", "crowded"}
    assert set(re.findall(r"variations/(\w+)/ntuples/(\w+)/(\d+)", output)) == {
        ("crowded", sample, chunk)
        for sample, chunk in (("background", "0000"), ("background", "0001"), ("signal", "0000"))
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"event_content": None, "baselines": ["mlp"]},
        {"robustness": {"variations": {}}},
        {"baselines": []},
    ],
)
def test_what_can_be_left_out(tmp_path: Path, changes: dict) -> None:
    result = dry_run(tmp_path, samples() | changes)
    assert result.returncode == 0, result.stdout + result.stderr
    left_out = {"evaluate_robustness", "plot_robustness"} if "robustness" in changes else set()
    assert {name for name in ONCE if name in jobs(result)} == set(ONCE) - left_out
    assert jobs(result).get("score_variation", 0) == (0 if left_out else 6)


def reach_samples(**changes: dict) -> dict:
    """One signal and one background of the training, and a signal of another mass for the reach."""
    found = samples()["samples"]
    simulate = {"process": "rpv_gluinos", "mass_gluino": 1800, "n_events": 5}
    other = {"label": 1, "role": "reach", "mass": 1800, "simulate": simulate, **changes}
    other = {key: value for key, value in other.items() if value is not None}
    return {"samples": {**found, "signal": found["signal"] | {"mass": 1400}, "other": other}}


def test_signals_of_the_reach_are_scored_and_train_nothing(tmp_path: Path) -> None:
    result = dry_run(tmp_path, reach_samples())
    assert result.returncode == 0, result.stdout + result.stderr
    counts = jobs(result)
    assert (counts["simulate_ntuples"], counts["build_images"], counts["score_reach_sample"]) == (3, 3, 1)
    assert counts["build_varied_images"] == 12  # of the two samples of the training
    blocks = re.split(r"\n(?=rule |localrule )", result.stdout + result.stderr)
    reading = [block.split(":")[0] for block in blocks if re.search(r"input: .*images/other/0000.h5", block)]
    assert sorted(reading) == ["rule evaluate_reach", "rule score_reach_sample"]
    assert "limits_against_mass.pdf" in result.stdout + result.stderr
    assert "limits_against_mass" not in dry_run(tmp_path, samples()).stdout


def slices(*edges: tuple) -> dict:
    """A signal, and background in slices of pT-hat by (lowest, highest or None)."""
    found = {"signal": samples()["samples"]["signal"]}
    for low, high in edges:
        options = {"process": "qcd", "pt_hat_min": low, "n_events": 5} | ({"pt_hat_max": high} if high else {})
        found[f"qcd_{low}"] = {"label": 0, "simulate": options}
    return {"samples": found}


GAPS = {
    "complete": ([(400, 800), (800, 1300), (1300, None)], []),
    "any order": ([(1300, None), (400, 800), (800, 1300)], []),
    "one is missing": (
        [(1300, None), (400, 800)],
        ["samples: no slice of qcd between pT-hat 800 GeV (qcd_400) and 1300 GeV (qcd_1300)"],
    ),
    "overlap": (
        [(400, 900), (800, 1300)],
        ["samples: qcd_400 and qcd_800 overlap in pT-hat from 800 GeV on: events count twice"],
    ),
    "inside another": (
        [(400, 2500), (500, 600), (700, 800), (2500, None)],
        [
            "samples: qcd_400 and qcd_500 overlap in pT-hat from 500 GeV on: events count twice",
            "samples: qcd_400 and qcd_700 overlap in pT-hat from 700 GeV on: events count twice",
        ],
    ),
    "no upper end": (
        [(400, None), (800, 1300)],
        ["samples: qcd_400 and qcd_800 overlap in pT-hat from 800 GeV on: events count twice"],
    ),
}


@pytest.mark.parametrize("case", GAPS)
def test_gap_and_overlap_of_slices_are_named(tmp_path: Path, case: str) -> None:
    edges, expected = GAPS[case]
    result = dry_run(tmp_path, slices(*edges))
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.findall(r"samples: .*", result.stdout + result.stderr) == expected


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
    "model named as a baseline": ({"models": {"cnn": {}, "mlp": {}}}, "'models.mlp'", "that of a baseline"),
    "unknown key of a variation": (
        {"robustness": {"variations": {"a": {"scale_up": 1.1}}}},
        "configuration key 'robustness.variations.a'",
        "'scale_up' was unexpected",
        "scale, smear, dead, groomed, pile_up",
    ),
    "variation named nominal": (
        {"robustness": {"variations": {"nominal": {"scale": 1.1}}}},
        "configuration key 'robustness.variations'",
        "'nominal' should not be valid",
    ),
    "the referee's classifier without its variables": (
        {"event_content": None},
        "configuration key 'baselines': 'referee' needs small-R jets; leave it out or set event_content",
    ),
    "unknown model of the robustness": (
        {"robustness": {"models": ["cnn", "wide"]}},
        "configuration key 'robustness.models': there is no model 'wide'; choose from cnn",
    ),
    "pile-up for events from files": (
        samples(files=[str(CONFIG / "config.yaml")], simulate=None)
        | {"robustness": {"variations": {"pu": {"pile_up": 9}}}},
        "configuration key 'robustness.variations.pu.pile_up': sample background is read from files",
    ),
    "background of the reach": (
        reach_samples(label=0),
        "configuration key 'samples.other.role': only signals (label 1) are of the reach",
    ),
    "reach without a mass": (reach_samples(mass=None), "configuration key 'samples.other.mass'"),
    "training without a mass": (
        {"samples": reach_samples()["samples"] | {"signal": samples()["samples"]["signal"]}},
        "configuration key 'samples.signal.mass': the reach against the mass needs it",
    ),
    "two signals of one mass": (reach_samples(mass=1400), "'samples.other.mass': signal has the same mass"),
    "two signals of the training": (
        {"samples": reach_samples()["samples"] | {"more": reach_samples()["samples"]["other"] | {"role": "training"}}},
        "configuration key 'samples': with signals of role reach one signal trains, here signal, more",
    ),
    "unknown role": (reach_samples(role="test"), "configuration key 'samples.other.role'", "'test' is not one of"),
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


def test_jobs_of_the_simulation_are_whole_batches() -> None:
    """The workflow cannot import the simulation for one number, which would cost every start half a second."""
    assert f"\nEVENTS_PER_BATCH = {BATCH_SIZE}\n" in (REPOSITORY / "workflow/rules/common.smk").read_text()
    assert workload.EVENTS_PER_BATCH == BATCH_SIZE
