"""Section `tagging` of a configuration: what a run of taggers has, and what is refused."""

import pytest
from dry_runs import samples

from calovision.core.errors import InputError
from calovision.workflow import Configuration, parameters, report_content, tagging
from calovision.workflow.analysis import Analysis

CLASSES = {"quark": {}, "gluon": {"title": "Gluon jets"}, "top": {"color": "C3"}}
TOP = {"signal": "top", "background": {"quark": 1, "gluon": 3}}


def of_classes():
    simulate = samples()["samples"]["background"]["simulate"]
    return {name: {"label": name, "simulate": simulate} for name in CLASSES}


def read(**changes):
    """A configuration of three classes of jets."""
    jets = {"variables": ["tau21"]}
    given = {
        "classes": CLASSES,
        "samples": of_classes(),
        "images": {"kind": "jet", "jets": jets},
        "train": {"network": "jet_cnn"},
    }
    return Configuration.of_layers([given | changes])


def test_a_run_of_taggers_has_their_figures_and_numbers():
    analysis = Analysis(read(tagging={"discriminants": {"top_vs_qcd": TOP}}))
    assert parameters.compared_taggers(analysis)["discriminants"]["top_vs_qcd"] == TOP
    assert tagging.class_titles(analysis.configuration) == {
        "quark": "quark",
        "gluon": "Gluon jets",
        "top": "top",
    }
    assert list(tagging.class_colors(analysis.configuration).values()) == [None, None, "C3"]
    assert tagging.binned_variables(analysis.configuration) == ["pt", "mass"]
    sections = [one["name"] for one in report_content.report_sections(analysis)]
    assert sections[:4] == ["answer", "taggers", "variables", "data"]
    assert sections[4:] == ["selection", "images", "training", "accounting", "run"]
    assert report_content.report_numbers(analysis) == [
        *("samples", "tagging", "taggers", "tagger_baselines"),
        *("tagging_bins", "tagging_diagnostics", "accounting"),
    ]
    assert report_content.figure_names(analysis, "plot_cut_flow") == []
    assert "pair_roc" in report_content.figure_names(analysis, "plot_taggers")
    assert "hepdata" not in str(report_content.report_files(analysis)).lower()
    explorer = report_content.explorer_parameters(analysis)
    assert explorer["class_titles"] == tagging.class_titles(analysis.configuration)
    assert (explorer["is_search"], explorer["class_colors"]["top"]) == (False, "C3")
    assert report_content.EXPLORER in report_content.report_files(analysis)
    assert report_content.report_facts(analysis)["Classes"] == "quark, Gluon jets, top"
    titles = parameters.titles_of_row_variables(analysis)
    assert titles["tau21"] == r"$\tau_{21}$"
    assert "fit_tagger_baselines" in analysis.single_rules
    without = Analysis(read(tagging={"boosting": False}))
    assert without.tagger_baselines == []
    assert "fit_tagger_baselines" not in without.single_rules
    assert "tagger_baselines" not in report_content.report_numbers(without)


def test_two_classes_of_jets_have_no_pairs():
    given = {name: one for name, one in of_classes().items() if name != "top"}
    classes = {name: CLASSES[name] for name in given}
    names = report_content.figure_names(
        Analysis(read(classes=classes, samples=given)), "plot_taggers"
    )
    assert "pair_roc" not in names
    assert "tagger_roc" in names


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"tagging": {"discriminants": {"a": {"signal": "topp", "background": "quark"}}}},
            "'tagging.discriminants.a.signal': there is no class 'topp'; did you mean 'top'",
        ),
        (
            {
                "tagging": {
                    "discriminants": {"a": {"signal": "top", "background": ["quark", "top"]}}
                }
            },
            "'tagging.discriminants.a': class 'top' is signal and background",
        ),
        (
            {"tagging": {"discriminants": {"a": TOP | {"signal": {"top": -1}}}}},
            "'tagging.discriminants.a.signal.top': the share is -1",
        ),
        (
            {"tagging": {"discriminants": {"a": TOP | {"signal": 3}}}},
            "3 is neither a class, a list of classes, nor shares by class",
        ),
        ({"tagging": {"bins": {"pt": [500, 500]}}}, "'tagging.bins.pt': .* two or more, ascending"),
        ({"tagging": {"signal_efficiencies": [0.3, 1.2]}}, "tagging.signal_efficiencies"),
        (
            {"compare": {"regions": {"a": "ht > 1"}}},
            "'compare': curves and regions of a search, but the results are",
        ),
        ({"models": {"boosting": {}}}, "'models.boosting': in the results this name"),
        ({"models": {"tau21": {}}}, "'models.tau21': in the results this name"),
    ],
)
def test_wrong_keys_are_one_sentence(changes, message):
    with pytest.raises(InputError, match=message) as caught:
        read(**changes)
    assert "\n" not in str(caught.value)


def test_class_that_means_all_others_is_refused():
    given = of_classes() | {"rest": of_classes()["top"] | {"label": "rest"}}
    with pytest.raises(InputError, match="'rest' means all other classes"):
        read(classes=CLASSES | {"rest": {}}, samples=given)


def test_section_needs_a_tagger():
    with pytest.raises(InputError, match="'tagging': the rows are events of signal and background"):
        Configuration.of_layers([samples() | {"tagging": {"boosting": False}}])
