"""Images of the same jets with other recipes, and models that look at them."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
from dry_runs import dry_run, jobs, samples
from fakes_ntuples import jetclass_columns, write_file

from calovision.conversion import Sample, convert_ntuple
from calovision.core.errors import InputError
from calovision.jobs.planning.costs import CostModel
from calovision.jobs.planning.plan import _plan_samples, network_specification
from calovision.stages.images import image_recipe
from calovision.workflow import Configuration, parameters
from calovision.workflow.analysis import Analysis
from calovision.workflow.listing import PlannedJob, list_jobs
from calovision.workflow.rules import RULES

ALTERNATIVES = {"none": None, "turned": {"center": "centroid", "rotate": "principal_axis"}}
MODELS = {"cnn": {}, "plain": {"recipe": "none"}, "top": {"recipe": "published"}}


def tagging(**jets: Any) -> dict[str, Any]:
    found = samples()["samples"]
    alternatives = {**ALTERNATIVES, "published": "top"}
    jets = {"recipe": "w", "alternatives": alternatives, "variables": ["tau21"], **jets}
    return {
        "classes": {"qcd": {}, "top": {}},
        "samples": {
            "qcd": found["background"] | {"label": "qcd"},
            "top": found["signal"] | {"label": "top"},
        },
        "fat_jets": {"radius": 0.8, "pt_min": 100},
        "images": {"kind": "jet", "jets": jets},
        "train": {"network": "jet_cnn"},
        "models": MODELS,
    }


def analysis_of(**jets: Any) -> Analysis:
    return Analysis(Configuration.of_layers([tagging(**jets)]))


def test_images_of_another_recipe_are_of_the_same_jets_in_the_same_order(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.root", tree=jetclass_columns(40, seed=1))
    analysis = analysis_of(per_event=1, selection={"hard": "pt > 300"})
    split = {"fractions": [0.5, 0.2, 0.3]}
    plain = {"nominal": parameters.image_recipe(analysis)} | {
        name: parameters.alternative_image_recipe(analysis, name) for name in ("none", "turned")
    }
    columns, images = {}, {}
    for name, one in plain.items():
        sample = Sample("top", 1, cross_section_required=False)
        convert_ntuple(path, tmp_path / f"{name}.h5", image_recipe(one, split), sample=sample)
        with h5py.File(tmp_path / f"{name}.h5") as file:
            columns[name] = {key: values[:] for key, values in file["events"].items()}
            images[name] = file["images/cells"][:]
    assert 0 < len(columns["nominal"]["pt"]) < 40
    for name in ("none", "turned"):
        assert set(columns[name]) == set(columns["nominal"])
        for key in set(columns[name]) - {"overflow"}:
            np.testing.assert_array_equal(columns[name][key], columns["nominal"][key])
        assert not np.array_equal(images[name], images["nominal"])
    assert plain["none"]["images"]["jets"]["recipe"] is None
    assert image_recipe(plain["none"], split).image_shape == (1, 64, 64)


def test_another_alternative_makes_no_image_of_the_others_again() -> None:
    few, more = (
        analysis_of(),
        analysis_of(alternatives={**ALTERNATIVES, "published": "quark_gluon"}),
    )
    assert parameters.image_recipe(few) == parameters.image_recipe(more)
    for name, is_same in (("none", True), ("turned", True), ("published", False)):
        found = [parameters.alternative_image_recipe(one, name) for one in (few, more)]
        assert (found[0] == found[1]) == is_same


def test_models_take_the_images_of_their_recipe() -> None:
    analysis = analysis_of()
    assert analysis.alternatives == ["none", "published"]  # no model looks at the other
    lists = {name: str(analysis.image_list(name)) for name in MODELS}
    assert lists == {
        "cnn": "results/images.tsv",
        "plain": "results/images/recipes/none.tsv",
        "top": "results/images/recipes/published.tsv",
    }
    cells = {name: analysis.cells_and_channels_of(name)[0] for name in MODELS}
    assert cells == {"cnn": (25, 25), "plain": (64, 64), "top": (37, 37)}
    assert "recipe" not in parameters.training_options(analysis, "plain")
    assert analysis.memory("train_network")({"model": "cnn"}, 1) == 4000


def test_plan_and_list_of_jobs_know_them() -> None:
    analysis = analysis_of()
    sample = SimpleNamespace(name="top", label=1, is_simulated=True, is_applied=False)
    sample.is_trained, sample.n_jobs, sample.events = True, 3, 500.0
    sample.ntuple_bytes, sample.image_bytes = 1.0, 7.0
    stages = {one.rule: one for one in _plan_samples(analysis, [sample], CostModel([]))}
    assert stages["build_images"].n_jobs == 3
    assert stages["build_alternative_images"].n_jobs == 2 * 3
    assert stages["build_alternative_images"].disk_bytes == 2 * 7.0
    model = SimpleNamespace(
        name="top", network="jet_cnn", n_channels=1, variables=(), n_variables=0, options={}
    )
    assert network_specification(model, analysis)["image_shape"] == (1, 37, 37)
    listed = str(analysis.image_list("plain"))
    job = PlannedJob(
        "score_events", {"model": "plain", "seed": "1", "fold": ""}, "", "", [listed], [], True
    )
    (found,) = list_jobs(analysis, [job], Path("workflow"))
    files = [f"results/images/recipes/none/{sample}/0000.h5" for sample in ("qcd", "top")]
    assert found["inputs"] == [listed, *files]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"models": {"cnn": {"recipe": "turnd"}}},
            "key 'models.cnn.recipe': images.jets.alternatives has no recipe 'turnd'; did you mean "
            "'turned'?; choose from none, turned, published",
        ),
        (
            {"images": {"kind": "jet"}},
            "key 'models.plain.recipe': there is no recipe 'none', since images.jets.alternatives "
            "has none",
        ),
        (
            {"images": {"kind": "jet", "jets": {"alternatives": {"turned": {"rotat": "x"}}}}},
            "key 'images.jets.alternatives.turned': there is no step 'rotat'; did you mean "
            "'rotate'?",
        ),
        (
            {"images": {"kind": "jet", "jets": {"alternatives": {"turned": {"flip": "up"}}}}},
            "key 'images.jets.alternatives.turned': jet recipe: flip 'up' is unknown",
        ),
        (
            {"images": {"kind": "jet", "jets": {"alternatives": {"turned": "topp"}}}},
            "key 'images.jets.alternatives.turned': there is no recipe 'topp'; did you mean 'top'?",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    configuration = Configuration.of_layers([tagging() | changes])
    with pytest.raises(InputError) as error:
        configuration.check_names()
    assert sentence in str(error.value)


def test_dry_run_builds_the_images_of_the_recipes_that_models_look_at(tmp_path: Path) -> None:
    result = dry_run(tmp_path, tagging())
    assert result.returncode == 0, result.stdout
    found = jobs(result)
    assert found["build_images"] == 2
    assert found["build_alternative_images"] == 2 * 2
    assert found["list_alternative_images"] == 2
    asked = re.findall(
        r"rule build_alternative_images:\n(?:.+\n)*?.*resources: (.+)", result.stdout
    )
    rule = RULES["build_alternative_images"]
    assert len(asked) == 4
    assert all(f"mem_mb={rule.memory(1, (64, 64))}" in one for one in asked)
    assert found["train_network"] == found["score_events"] == 3
