"""Titles that others chose in every figure: formulas that cannot be set, dollars, underscores, long
ones."""

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from test_plotting_diagnostics import BACKGROUND, SIGNAL
from test_plotting_models import POINTS, make_curves, make_efficiencies, make_history, texts_of
from test_plotting_reach import make_limits, make_reach

from calovision import plotting
from calovision.core.errors import InputError
from calovision.core.titles import check_titles, entry, shown, wrapped
from calovision.evaluation.diagnostics import calibration, correlations, mass_sculpting
from calovision.metrics import Efficiency, roc
from calovision.plotting.style import STYLE

TITLES = {  # as given -> as matplotlib gets it
    r"$\ttbar$": r"\$\ttbar\$",
    "$$": r"\$\$",
    "5 $ a piece": r"5 \$ a piece",
    r"\frac 100 % & <b>": r"\frac 100 % & <b>",
    "_x": "_x",
    r"$t\bar{t}$ + jets": r"$t\bar{t}$ + jets",
    "\x1b[31mred": r"\x1b[31mred",
    "three\nlines\nhere": "three lines here",
    "\u05e9\u05dc\u05d5\u05dd": "\u05e9\u05dc\u05d5\u05dd",
    "a title that is quite long, as titles of samples often are in real analyses": None,
}
NAMES = [f"c{k}" for k in range(len(TITLES))]
TITLE_OF = dict(zip(NAMES, TITLES, strict=True))
EDGES = np.linspace(-2.5, 2.5, 9)
RNG = np.random.default_rng(3)
LABELS = np.arange(400) % 2
SCORES = 1 / (1 + np.exp(-RNG.normal(2 * LABELS - 1, 2)))
MASS, WEIGHTS = RNG.exponential(300, 400), RNG.exponential(1, 400)
CURVE, EFFICIENCY = roc(SCORES, LABELS, WEIGHTS), Efficiency(0.5, 0.4, 0.6, 9.0)


def model_figures():
    """Names of models are their titles."""
    networks, ensembles = make_efficiencies(len(TITLES), 2)
    of_models, curves = make_curves(len(TITLES), 2, n=60)
    networks, ensembles, of_models, curves = (
        dict(zip(TITLES, one.values(), strict=True))
        for one in (networks, ensembles, of_models, curves)
    )
    yield "comparison", plotting.plot_model_comparison(networks, ensembles, POINTS)
    yield "model roc", plotting.plot_model_roc(of_models, curves)
    yield (
        "learning curves",
        plotting.plot_learning_curves({title: {1: make_history(3)} for title in TITLES}),
    )


def classifier_figures():
    """Classifiers have titles."""
    yield "roc", plotting.plot_roc(dict.fromkeys(NAMES, CURVE), reference="c1", names=TITLE_OF)
    gains = {name: {"0.1": EFFICIENCY, "signal_region": EFFICIENCY} for name in NAMES}
    yield (
        "gain",
        plotting.plot_combination_gain(gains, combined="c1", reference="c0", names=TITLE_OF),
    )
    found = calibration(SCORES, LABELS, WEIGHTS)
    yield "calibration", plotting.plot_calibration(dict.fromkeys(NAMES, found), names=TITLE_OF)
    found = correlations(SCORES, dict.fromkeys(TITLES, MASS), LABELS, WEIGHTS)
    yield "correlations", plotting.plot_correlations(dict.fromkeys(NAMES, found), names=TITLE_OF)
    found = mass_sculpting(SCORES[LABELS == 0], MASS[LABELS == 0], WEIGHTS[LABELS == 0])
    yield "sculpting", plotting.plot_mass_sculpting(dict.fromkeys(NAMES, found), names=TITLE_OF)
    reach = make_reach(1)
    reach = replace(reach, classifiers=dict.fromkeys(NAMES, reach.classifiers["classifier_0"]))
    yield "reach", plotting.plot_reach(reach, names=TITLE_OF)
    limits = make_limits([1000, 1400])
    limits = replace(limits, classifiers=dict.fromkeys(NAMES, limits.classifiers["cnn"]))
    yield "limits", plotting.plot_limits_against_mass(limits, classifiers=NAMES, names=TITLE_OF)
    both = (dict.fromkeys(NAMES, one["cnn"]) for one in (SIGNAL, BACKGROUND))
    yield "robustness", plotting.plot_robustness(*both, names=TITLE_OF)


def sample_figures():
    """Samples, classes and cuts have titles."""
    flow = [(title, 1, 1.0) for title in TITLES]
    yield "cut flow", plotting.plot_cut_flow(dict.fromkeys(NAMES, flow), names=TITLE_OF)
    images = {title: np.ones((2, 8, 8)) for title in TITLES}
    look = {"eta_edges": EDGES, "channels": ["EM [GeV]", "$$"]}
    yield "mean images", plotting.plot_mean_images(images, **look)
    yield "attributions", plotting.plot_attributions(images, **look)
    stages = {
        title: {"jobs": 1, "wall_s": 1.0, "cpu_s": 1.0, "max_memory_mb": 9.0} for title in TITLES
    }
    yield "run", plotting.plot_run_summary(stages)
    for title in (r"$\ttbar$", "$$"):
        names = {1: title, 0: f"{title} "}
        yield f"scores {title}", plotting.plot_scores(SCORES, LABELS, WEIGHTS, names=names)
        yield (
            f"map {title}",
            plotting.plot_score_vs_mj_sum(SCORES, MASS, LABELS, WEIGHTS, names=names),
        )
        yield f"display {title}", plotting.plot_event_display(images[title], title=title, **look)


def assert_all_titles(figure):
    """Every title is somewhere, as it should be."""
    texts = [" ".join(text.get_text().split()) for text in figure.findobj(Text)]
    for title, expected in TITLES.items():
        words = (expected or title).replace("_", " ").strip()
        assert any(words in one.replace("_", " ") for one in texts), (title, texts)


@pytest.mark.parametrize("kind", [model_figures, classifier_figures, sample_figures])
def test_every_figure_takes_every_title(kind):
    for name, figure in kind():
        with mpl.style.context(STYLE):
            figure.set_layout_engine("none")  # it would set all texts twice
            figure.draw_without_rendering()  # raised for a formula that cannot be set
        if not name.startswith(("scores", "map", "display")):
            assert_all_titles(figure)


@pytest.mark.parametrize("title", ["_x", "_hidden one"])
def test_legends_keep_an_entry_that_begins_with_an_underscore(title):
    figure = plotting.plot_cut_flow(
        {"a": [("all", 1, 1.0)], "b": [("all", 1, 1.0)]}, names={"a": title, "b": "b"}
    )
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == [title, "b"]
    figure = plotting.plot_scores(SCORES, LABELS, WEIGHTS, names={1: title, 0: "b"})
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["b", title]
    figure = plotting.plot_robustness(SIGNAL, names={"cnn": title})
    assert figure.legends[0].get_texts()[0].get_text() == title


LONG = "a title as long as titles of samples often are in real analyses"


def long_figures():
    names = {name: f"{LONG} {name}" for name in ("c0", "c1", "c2")}
    gains = {name: {"0.1": EFFICIENCY} for name in names}
    reach = make_reach(3)
    classifiers = dict(zip(names, reach.classifiers.values(), strict=True))
    reach = replace(reach, classifiers=classifiers)
    both = (dict.fromkeys(names, one["cnn"]) for one in (SIGNAL, BACKGROUND))
    flow = [("all", 1, 1.0), (LONG, 1, 0.5), ("end", 1, 0.1)]
    look = {"eta_edges": EDGES, "channels": ["EM [GeV]"]}
    images = {name: np.ones((1, 8, 8)) for name in names.values()}
    return {
        "roc": plotting.plot_roc(
            dict.fromkeys(names, CURVE), reference="c0", names=names | {"c0": "CNN"}
        ),
        "gain": plotting.plot_combination_gain(
            gains, combined="c1", reference="c0", names={"c2": LONG}
        ),
        "reach": plotting.plot_reach(reach, names=names),
        "robustness": plotting.plot_robustness(*both, names=names),
        "cut flow": plotting.plot_cut_flow(dict.fromkeys(names, flow), names=names),
        "mean images": plotting.plot_mean_images(images, **look),
        "attributions": plotting.plot_attributions(images, **look),
        "display": plotting.plot_event_display(np.ones((1, 8, 8)), title=LONG, **look),
        "map": plotting.plot_score_vs_mj_sum(
            SCORES, MASS, LABELS, WEIGHTS, names={1: LONG, 0: f"{LONG} too"}
        ),
    }


def test_long_titles_neither_overlap_nor_leave_the_figure():
    for name, figure in long_figures().items():
        canvas = FigureCanvasAgg(figure)
        with mpl.style.context(STYLE):
            canvas.draw()
        texts = texts_of(figure, canvas.get_renderer())
        for position, (text, box) in enumerate(texts):
            assert figure.bbox.padded(2.0).x0 <= box.x0, (name, text)
            assert box.x1 <= figure.bbox.padded(2.0).x1, (name, text)
            for other, its_box in texts[position + 1 :]:
                assert not box.overlaps(its_box), (name, text, other)


def test_titles_are_shown_as_they_are_unless_they_are_formulas():
    for title, expected in TITLES.items():
        assert shown(title) == (expected or title)
        assert shown(shown(title)) == shown(title)
    assert entry("_x") == " _x"
    assert wrapped("one two three", 8) == "one two\nthree"
    assert (
        wrapped("a long formula $a + b$ stays in one", 8) == "a long formula $a + b$ stays in one"
    )


def test_titles_that_cannot_be_set_are_named_by_their_key():
    check_titles({"a": r"$t\bar{t}$", "b": "5 $", "c": r"\frac", "d": "_x", "e": r"\$5 and \$6"})
    with pytest.raises(
        InputError, match=r"'samples\.tt\.title': '\$.*ttbar\$' holds a formula .*Unknown symbol"
    ):
        check_titles({"samples.qcd.title": "QCD", "samples.tt.title": r"$\ttbar$"})
    for title in ("$$", r"$\frac{a}$", "a $x_$ b", "$ $ $ $ x $\\foo$"):
        with pytest.raises(InputError, match="cannot set"):
            check_titles({"key": title})
    check_titles({"key": "Müller α→β √s p̄ \u05e9\u05dc\u05d5\u05dd"})
    with pytest.raises(
        InputError, match="'key': no font of the figures has '字', '漢' of the title '漢字 a'"
    ):
        check_titles({"key": "漢字 a"})
    with pytest.raises(InputError, match="'key': the title is empty"):
        check_titles({"key": " "})
