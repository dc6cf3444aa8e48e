"""Figures of the report as entries of a registry, ours and those of another package."""

import inspect
import re
import sys
from dataclasses import fields
from pathlib import Path
from pkgutil import resolve_name
from types import SimpleNamespace

import pytest
from conftest import REPOSITORY
from matplotlib.figure import Figure

from calovision.core.errors import InputError
from calovision.core.registry import Registry
from calovision.report.figure import ReportFigure
from calovision.report.figures import FIGURES
from calovision.report.parts import read_sections
from calovision.report.sections import SECTIONS
from calovision.stages.figures import (
    attributions,
    drawing,
    events,
    images,
    models,
    monitoring,
    performance,
    regression,
    search,
    tagging,
)
from calovision.stages.run_summary import RunSummaryInputs
from calovision.workflow import Configuration, report_content
from calovision.workflow.analysis import Analysis

INPUTS = {
    "plot_performance": performance.PerformanceInputs,
    "plot_diagnostics": performance.DiagnosticsInputs,
    "plot_models": models.ModelsInputs,
    "plot_training": models.TrainingInputs,
    "plot_images": images.ImagesInputs,
    "plot_cut_flow": images.CutFlowInputs,
    "plot_attributions": attributions.AttributionsInputs,
    "plot_class_images": tagging.ClassImagesInputs,
    "plot_taggers": tagging.TaggerInputs,
    "plot_regression": regression.RegressionInputs,
    "plot_monitoring": monitoring.MonitoringInputs,
    "plot_reach": search.ReachInputs,
    "plot_robustness": search.RobustnessInputs,
    "write_run_summary": RunSummaryInputs,
}


FOLDER = Path("results")
NO_VARIATIONS = {"variations": {}}


def run(**sections):
    """A run of the example's configuration with two backgrounds, a signal of another mass, two
    models and one variation, and with other sections."""
    signal, qcd = Configuration().to_dict()["samples"].values()
    samples = {
        "rpv": signal | {"mass": 1400},
        "qcd": qcd | {"title": "QCD"},
        "top": qcd | {"title": "Top quarks"},
        "rpv_1600": signal | {"role": "reach", "mass": 1600},
    }
    models = {"resnet": {"seeds": 2}, "jet_cnn": {"seeds": 1}}
    robustness = {"variations": {"scale_up": {"scale": 1.03}}}
    own = {"samples": samples, "models": models, "robustness": robustness}
    return Analysis(Configuration.from_mapping(own | sections))


def without_reach():
    samples = run().configuration.to_dict()["samples"]
    del samples["rpv_1600"]
    return run(samples=samples)


def figure(**changes):
    values = {
        "name": "muons",
        "title": "Muons",
        "caption": "Muons.",
        "section": "images",
        "rule": "plot_images",
        "draw": "figures_of_test:draw_muons",
        "takes": "channels",
    }
    return ReportFigure(**(values | changes))


@pytest.mark.parametrize("name", list(FIGURES.own))
def test_figure_is_drawn_from_inputs_that_its_stage_has(name):
    one = FIGURES[name]
    inputs = events.EventInputs if one.is_numbered else INPUTS[one.rule]
    arguments = one.arguments
    inspect.signature(resolve_name(one.draw)).bind(**arguments)
    for source in arguments.values():
        kind = inputs
        for part in source.split("."):
            kind = {field.name: field.type for field in fields(kind)}[part]


def test_takes_names_arguments_and_inputs():
    one = figure(takes="scores names=class_names networks=weighted.networks")
    assert one.arguments == {
        "scores": "scores",
        "names": "class_names",
        "networks": "weighted.networks",
    }


def test_figures_of_a_rule():
    assert report_content.figure_names(run(), "plot_images") == [
        "mean_images",
        *(f"event_display_{kind}_{n}" for kind in ("signal", "background") for n in (1, 2, 3)),
    ]
    assert report_content.figure_names(run(), "plot_reach") == ["reach", "limits_against_mass"]
    assert report_content.figure_names(without_reach(), "plot_reach") == ["reach"]
    assert report_content.figure_calls(without_reach(), "plot_reach") == [
        "reach: calovision.plotting.reach:plot_reach(reach)"
    ]
    assert report_content.figure_names(run(robustness=NO_VARIATIONS), "plot_robustness") == []
    plots = {"n_event_displays": 1}
    few = run(plots=plots)
    assert report_content.figure_names(few, "plot_extreme_events") == [
        "signal_like_background_1",
        "background_like_signal_1",
    ]


def test_sections_have_their_figures_and_tables_in_order():
    sections = report_content.report_sections(run())
    others = ("is_tagging", "is_regression", "is_monitoring", "has_study")
    of_search = [one.name for one in SECTIONS if one.needs not in others]
    assert [section["name"] for section in sections] == of_search
    by_name = {section["name"]: section for section in sections}
    names = [one["name"] for one in by_name["performance"]["figures"]]
    assert names == [
        *("cnn_vs_n_fat_jets", "cnn_vs_mj_sum", "combination_gain", "scores"),
        *("calibration", "correlations", "mass_sculpting"),
        *("model_comparison", "model_comparison_unweighted", "model_roc", "model_roc_unweighted"),
    ]
    assert by_name["performance"]["tables"] == [
        "results/metrics/comparison.md",
        "results/metrics/summary.md",
    ]
    assert [one["name"] for one in by_name["answer"]["figures"]] == ["roc"]
    first = [one for section in sections if section["is_open"] for one in section["figures"]]
    shown = [one["name"] for one in first if not one["is_detail"]]
    assert len(shown) == 12 <= len(first)
    assert "event_display_signal_1" in shown
    assert "event_display_signal_2" not in shown
    folded = [section["name"] for section in sections if not section["is_open"]]
    assert folded == ["glossary", "accounting", "run"]
    displays = by_name["images"]["figures"]
    assert displays[2]["title"] == "Event display: signal 2"
    assert displays[2]["caption"] == displays[1]["caption"]
    extremes = [one["title"] for one in by_name["attention"]["figures"]]
    assert extremes[1] == "Background with the highest output: 1"
    sections = report_content.report_sections(run(robustness=NO_VARIATIONS))
    assert "robustness" not in [section["name"] for section in sections]


@pytest.mark.parametrize("name", ["study", "jets", "shower_energy", "dqm"])
def test_report_of_each_task_begins_with_its_question_and_a_dozen_figures(name, tmp_path):
    configuration = Configuration.read([REPOSITORY / f"config/{name}.yaml"])
    analysis = Analysis(configuration)
    entries = [one | {"tables": []} for one in report_content.report_sections(analysis)]
    values = report_content.text_values(analysis)
    sections = read_sections(entries, plots=tmp_path, values=values)
    assert sections[0].name == "answer"
    assert re.fullmatch(r"\*[A-Z][^*?]+\?\*", sections[0].text)
    assert len(sections[0].figures) == 1
    shown = [figure for one in sections if one.is_open for figure in one.figures]
    assert 4 <= sum(not figure.is_detail for figure in shown) <= 12


def test_files_of_the_report():
    inputs = report_content.report_inputs(run(), with_run=True)
    assert inputs["plots"][:2] == [FOLDER / "plots/roc.png", FOLDER / "plots/roc.pdf"]
    assert inputs["numbers"][-1] == FOLDER / "metrics/robustness.json"
    without = report_content.report_inputs(run(robustness=NO_VARIATIONS), with_run=False)
    assert set(inputs["plots"]) - set(without["plots"]) == {
        FOLDER / f"plots/{name}.{kind}"
        for name in ("robustness", "run_summary")
        for kind in ("png", "pdf")
    }
    assert set(inputs["tables"]) - set(without["tables"]) == {
        FOLDER / f"metrics/{name}.md" for name in ("robustness", "run_summary")
    }
    assert without["numbers"] == inputs["numbers"][:-1]
    links = report_content.report_files(run(robustness=NO_VARIATIONS))
    assert links[report_content.EXPLORER] == str(FOLDER / "explore.html")
    names = ["Configuration", "All numbers, CSV", "HEPData submission"]
    assert list(links)[:4] == [report_content.EXPLORER, *names]
    assert "robustness.json" not in links
    assert links["run_summary.json"] == "results/metrics/run_summary.json"


def test_facts_and_values_of_the_texts():
    sections = {
        "luminosity_fb": 139,
        "images": {"grid": [32, 64], "eta_range": [-2.5, 2.0], "channels": ["em_et"]},
    }
    assert report_content.report_facts(run(**sections)) == {
        "Signal": "RPV gluinos",
        "Background": "QCD, Top quarks",
        "Luminosity": "139 /fb",
        "Images": "32 x 64 cells; em_et",
        "Models": "resnet (2), jet_cnn (1)",
    }
    values = report_content.text_values(run(**sections))
    expected = {
        "eta_max": 2.5,
        "n_models": 2,
        "n_networks": 3,
        "models": ["resnet", "jet_cnn"],
        "background": ["QCD", "Top quarks"],
        "variations": ["scale up"],
        "fat_jet_eta_max": 2.0,
    }
    assert {name: values[name] for name in expected} == expected
    edges = {"eta_edges": [-3, 0, 1], "grid": [2, 64]}
    values = report_content.text_values(run(images=edges))
    assert values["eta_max"] == 3
    parameters = report_content.report_parameters(run(seed=7))
    assert parameters["foot"].startswith("Seed 7. ")
    assert parameters["placeholders"]["n_networks"] == 3


@pytest.mark.parametrize(("n_networks", "folds"), [(1, None), (2, 5), (3, None)])
def test_texts_and_captions_have_all_their_values(n_networks, folds, tmp_path):
    models = {
        1: {"cnn": {"seeds": 1}},
        2: {"resnet": {"seeds": 1}, "jet_cnn": {"seeds": 1}},
        3: {"resnet": {"seeds": 2}, "jet_cnn": {"seeds": 1}},
    }
    one = run(models=models[n_networks], split={"folds": folds})
    entries = [section | {"tables": []} for section in report_content.report_sections(one)]
    values = report_content.text_values(one)
    sections = {
        section.name: section for section in read_sections(entries, plots=tmp_path, values=values)
    }
    figures = [*sections["answer"].figures, *sections["performance"].figures]
    captions = {figure.title: figure.caption for figure in figures}
    text = captions["ROC curves of the models"]
    assert ("the ensemble of every model" in text) == (n_networks == 3)
    assert ("the lower panel is the ratio" in text) == (n_networks > 1)
    assert all(not set("{}\n") & set(caption) for caption in captions.values())
    assert "|eta| = 2.0 is where" in sections["images"].figures[0].caption
    assert "Signal: RPV gluinos. Background: QCD, Top quarks." in sections["data"].text
    assert sections["robustness"].text.endswith("trained on:\nscale up.")
    shown = [one.text for one in sections.values()] + list(captions.values())
    assert any("test split" in text for text in shown) == (folds is None)
    of_all = "of all events, each scored by networks that did not see it"
    assert (
        ("(5 folds)" in captions["ROC curves"]) == (of_all in captions["ROC curves"]) == bool(folds)
    )


@pytest.mark.parametrize("axis", ["efficiency", "rejection"])
def test_captions_know_the_axis(axis, tmp_path):
    one = run(compare={"axis": axis})
    entries = [section | {"tables": []} for section in report_content.report_sections(one)]
    values = report_content.text_values(one)
    sections = {
        section.name: section for section in read_sections(entries, plots=tmp_path, values=values)
    }
    captions = {figure.title: figure.caption for figure in sections["performance"].figures}
    unweighted = captions["ROC curves of the models, every event counts 1"]
    assert ("to lower background efficiencies" in unweighted) == (axis == "efficiency")
    assert ("to higher background rejection" in unweighted) == (axis == "rejection")


@pytest.fixture
def with_muons(tmp_path, monkeypatch):
    """Installs a package that adds a figure, as pip would leave it; returns its registry."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "figures_of_test", raising=False)
    info = tmp_path / "muons-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: muons\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[calovision.figures]\nmuons = figures_of_test:MUONS\n")
    (tmp_path / "figures_of_test.py").write_text(
        "from matplotlib.figure import Figure\n"
        "from test_report_figures import figure\n"
        "MUONS = figure()\n"
        "def draw_muons(channels):\n"
        "    drawn = Figure()\n"
        "    drawn.suptitle(', '.join(channels))\n"
        "    return drawn\n"
    )
    registry = Registry("figure", ReportFigure, FIGURES.own.values())
    monkeypatch.setattr(report_content, "FIGURES", registry)
    monkeypatch.setattr(drawing, "FIGURES", registry)
    return registry


def test_figure_of_another_package_is_drawn_and_in_the_report(with_muons, tmp_path):
    assert report_content.figure_names(run(), "plot_images")[-1] == "muons"
    sections = {one["name"]: one for one in report_content.report_sections(run())}
    assert sections["images"]["figures"][-1] == {
        "name": "muons",
        "title": "Muons",
        "caption": "Muons.",
        "is_detail": False,
    }
    drawn = with_muons["muons"].draw_from(SimpleNamespace(channels=["em", "had"]))
    assert isinstance(drawn, Figure)
    assert drawn.get_suptitle() == "em, had"
    output = {"muons": tmp_path / "muons.png"}
    nothing = dict.fromkeys(images.EVENT_DISPLAYS, ())
    inputs = images.ImagesInputs({}, None, ["em", "had"])
    drawing.draw_figures("plot_images", output, inputs, events=nothing)
    assert output["muons"].read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "muons.pdf").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"draw": "figures_of_nobody:draw"},
            "figure 'muons' of the report: figures_of_nobody:draw cannot be imported "
            r"\(No module named 'figures_of_nobody'\); give package.module:function",
        ),
        (
            {"draw": "calovision.plotting:plot_mean_images", "takes": "mean_image"},
            "figure 'muons' of the report: plot_images has no input 'mean_image'; choose from "
            "mean_images, eta_edges, channels",
        ),
    ],
)
def test_figure_that_cannot_be_drawn_is_named(changes, message):
    with pytest.raises(InputError, match=message):
        figure(**changes).draw_from(images.ImagesInputs({}, None, []))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"section": "image"},
            r"there is no section 'image'; did you mean 'images'\?; choose from",
        ),
        ({"rule": "plot_image"}, r"there is no rule 'plot_image'; did you mean 'plot_images'\?"),
    ],
)
def test_figure_that_no_rule_draws_or_no_section_has_is_named(changes, message, monkeypatch):
    registry = Registry("figure", ReportFigure, [figure(**changes)])
    monkeypatch.setattr(report_content, "FIGURES", registry)
    with pytest.raises(InputError, match=f"figure 'muons' of the report: {message}"):
        report_content.report_sections(run())
