"""Section compare: variables of either sign, further regions, samples, 1/background."""

from types import SimpleNamespace

import numpy as np
import pytest

from calovision.core.errors import InputError
from calovision.evaluation import compare_with_cuts, summarize
from calovision.evaluation.compared import Compared
from calovision.evaluation.results import CutComparison, Summary
from calovision.jets.signed import SignedVariable
from calovision.metrics import auc, efficiency, rejection_at, roc, signal_efficiency_at
from calovision.plotting import plot_roc, plot_sample_roc
from calovision.plotting.style import classifier_styles
from calovision.report.hepdata import write_hepdata
from calovision.stages.figures.performance import ShownCurves
from calovision.workflow import parameters
from calovision.workflow.analysis import Analysis
from calovision.workflow.configuration import Configuration

COLLECTION = SimpleNamespace(skipped_files=[], samples=[], cut_flow=None)
REGIONS = {"tight": "mj_sum > 2", "none": "mj_sum > 1e6"}
COMPARED = Compared(["-delta_eta_12", "jet_pt[1]"], REGIONS, True, (0.3, 0.5))


@pytest.fixture(scope="module")
def test_events():
    rng = np.random.default_rng(4)
    n = 600
    label = np.arange(n) % 2
    table = {name: rng.normal(size=n) + label for name in ("cnn", "cnn+jets", "mj_sum", "mlp")}
    delta = np.where(rng.random(n) < 0.1, np.inf, rng.exponential(size=n) * (2 - label))
    sample = np.where(label == 1, "signal", np.where(rng.random(n) < 0.4, "qcd", "ttbar"))
    return table | {
        "label": label,
        "weight": rng.uniform(0.5, 2, n),
        "delta_eta_12": delta,
        "jet_pt": rng.exponential(size=(n, 10)),
        "sample": sample.astype("S"),
        "signal_region": table["mj_sum"] > 1.5,
    }


@pytest.fixture(scope="module")
def summary(test_events):
    return summarize(COLLECTION, test_events, (0.1,), models=["mlp"], compared=COMPARED)


def test_variables_of_either_sign_are_classifiers(test_events, summary):
    names = ["cnn", "-delta_eta_12", "jet_pt[1]", "cnn+jets", "mlp"]
    assert list(summary.classifiers) == names
    classes = (test_events["label"], test_events["weight"])
    finite = np.where(np.isinf(test_events["delta_eta_12"]), 1e3, test_events["delta_eta_12"])
    found = summary.classifiers["-delta_eta_12"]
    assert found.auc == pytest.approx(auc(roc(-finite, *classes)))
    assert found.signal_efficiency["0.1"] == signal_efficiency_at(-finite, *classes, 0.1)
    assert found.rejection["0.3"] == rejection_at(-finite, *classes, 0.3)
    second = summary.classifiers["jet_pt[1]"].auc
    assert second == pytest.approx(auc(roc(test_events["jet_pt"][:, 1], *classes)))


def test_what_is_no_number_passes_no_cut():
    column = {"x": np.array([1.0, np.nan, np.inf, -np.inf])}
    rising = SignedVariable.read("x").scores(column)
    falling = SignedVariable.read(" - x ").scores(column)
    assert np.isfinite([rising, falling]).all()
    assert list(np.argsort(rising, kind="stable")) == [1, 3, 0, 2]
    assert list(np.argsort(falling, kind="stable")) == [1, 2, 0, 3]


def test_regions_are_rows_and_working_points(test_events, summary):
    is_signal, weights = test_events["label"] == 1, test_events["weight"]
    passed = test_events["mj_sum"] > 2
    tight, none = summary.regions["tight"], summary.regions["none"]
    assert tight.signal_efficiency == efficiency(passed[is_signal], weights[is_signal])
    assert tight.background_efficiency == efficiency(passed[~is_signal], weights[~is_signal])
    assert (tight.point.is_limit, none.point.is_limit) == (False, True)
    assert none.point.background_efficiency == none.background_efficiency.high
    share = weights[passed & ~is_signal].sum() / weights[~is_signal].sum()
    expected = signal_efficiency_at(test_events["mlp"], is_signal, weights, share)
    found = summary.classifiers["mlp"].signal_efficiency
    assert list(found) == ["0.1", "signal_region", "tight", "none"]
    assert found["tight"].value == pytest.approx(expected.value, abs=1e-9)
    assert summary.background_at("tight") == pytest.approx(share)


def test_samples_stand_against_the_sum_of_the_other_class(test_events, summary):
    assert set(summary.samples) == {"qcd", "ttbar"}  # the signal is alone in its class
    members = (test_events["label"] == 1) | (test_events["sample"] == b"qcd")
    events = {name: values[members] for name, values in test_events.items()}
    found = summary.samples["qcd"]
    expected = signal_efficiency_at(events["cnn"], events["label"], events["weight"], 0.1)
    assert found.classifiers["cnn"].signal_efficiency["0.1"] == expected
    assert (found.label, found.events.n) == (0, int(np.sum(test_events["sample"] == b"qcd")))
    of_signal = found.regions["signal_region"].signal_efficiency
    assert of_signal == summary.signal_region.signal_efficiency


def test_a_sample_without_positive_weights_has_no_numbers(test_events):
    weights = np.where(test_events["sample"] == b"qcd", -0.01, test_events["weight"])
    found = summarize(COLLECTION, test_events | {"weight": weights}, (0.1,), compared=COMPARED)
    assert found.samples["qcd"].classifiers == {}
    assert "no positive sum of weights" in found.to_markdown()
    assert Summary.from_json(found.to_json()) == found


def test_results_come_back_from_json_and_stand_in_tables(summary, test_events):
    assert Summary.from_json(summary.to_json()) == summary
    text = summary.to_markdown()
    assert "| none | 0 (" in text
    assert "at signal 0.5 |" in text
    assert "| ttbar | background |" in text
    compared = compare_with_cuts(
        test_events,
        {"mlp": test_events["mlp"]},
        reference=None,
        seed=1,
        n_replicas=5,
        regions=COMPARED.passed(test_events),
    )
    assert list(compared.at_regions) == ["tight", "none"]
    assert list(compared.at_regions["tight"].classifiers) == ["tight", "mlp"]
    assert CutComparison.from_json(compared.to_json()) == compared
    assert "the background of none (below " in compared.to_markdown()


def test_hepdata_has_regions_rejections_and_samples(tmp_path, summary, test_events):
    classes = (test_events["label"], test_events["weight"])
    curves = {"jet_pt[1]": roc(test_events["jet_pt"][:, 1], *classes)}
    write_hepdata(tmp_path / "h", curves=curves, summary=summary, reach=None, description="x")
    efficiencies = (tmp_path / "h/efficiencies_at_working_points.yaml").read_text()
    assert efficiencies.count("value: tight") == 1
    assert (tmp_path / "h/background_rejections.yaml").read_text().count("value: mlp") == 2
    assert "value: ttbar" in (tmp_path / "h/efficiencies_of_samples.yaml").read_text()


def test_rejection_axis_shows_the_inverse(test_events):
    classes = (test_events["label"], test_events["weight"])
    curves = {name: roc(test_events[name], *classes) for name in ("cnn", "mj_sum")}
    region = (efficiency(np.array([True, False]), np.ones(2)),) * 2
    panels = [
        plot_roc(curves, axis=axis, signal_region=region, regions={"a": region}).axes
        for axis in ("efficiency", "rejection")
    ]
    for of_efficiency, of_rejection in zip(*panels, strict=True):
        for one, other in zip(of_efficiency.lines, of_rejection.lines, strict=True):
            drawn = [np.asarray(of.get_ydata(), dtype=float) for of in (one, other)]
            product = drawn[0] * drawn[1]
            assert np.allclose(product[np.isfinite(product)], 1)
    assert panels[1][0].get_ylabel() == "Background rejection"
    figure = plot_sample_roc(curves, {1: {"s": curves}, 0: {}}, axis="rejection")
    assert [len(axes.lines) for axes in figure.axes] == [2, 2]


def test_styles_of_any_number_of_classifiers_differ():
    names = ["cnn", "mj_sum", *(f"x{k}" for k in range(20))]
    styles = classifier_styles(names)
    assert list(styles) == names
    assert len(set(styles.values())) == len(names)


def test_names_of_the_curves():
    events = {"n_jets": 0, "referee": 0}
    default = ["cnn", "n_fat_jets", "mj_sum", "cnn+jets", "n_jets", "referee"]
    assert ShownCurves().names(events) == default
    assert ShownCurves(["wide"]).names(events) == ["wide", "n_fat_jets", "mj_sum", "n_jets"]
    assert ShownCurves(None, ["-ht"]).names(events) == ["cnn", "-ht", "cnn+jets", "referee"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"classifiers": ["cnn", "refere"]}, "did you mean 'referee'"),
        ({"variables": ["-mj_sun"]}, "no variable 'mj_sun'; did you mean 'mj_sum'"),
        ({"variables": ["jet_pt"]}, r"10 numbers an event: choose one, jet_pt\[0\]"),
        ({"variables": ["mj_sum[0]"]}, "one number an event; leave the index out"),
        ({"variables": ["-ht", "- ht"]}, "'-ht' and '- ht' are the same"),
        ({"variables": ["ht > 2"]}, "'ht > 2' is no variable"),
        ({"regions": {"0.1": "ht > 2"}}, "compare.regions.0.1.*choose another"),
        ({"regions": {"a": "hht > 2"}}, "compare.regions.a.*unknown variable 'hht'"),
        ({"classifiers": [], "variables": []}, "figures are empty"),
    ],
)
def test_a_wrong_section_is_refused_before_the_run(values, message):
    with pytest.raises(InputError, match=message):
        Configuration.of_layers([{"compare": values}]).check_names()


def test_variables_of_ones_own_are_compared():
    own = {"met": {"branch": "MET[0]", "title": "MET"}}
    compare = {"variables": ["- met"], "regions": {"m": "met > 200"}}
    configuration = Configuration.of_layers([{"variables": own, "compare": compare}])
    configuration.check_names()
    found = parameters.shown_curves(Analysis(configuration))
    assert (found["variables"], found["titles"]) == (["-met"], {"-met": "\N{MINUS SIGN}MET"})
