"""Figures of nothing, of little, and of what does not fit: a picture without a warning, or one
sentence."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from calovision import plotting
from calovision.core.errors import InputError
from calovision.evaluation.diagnostics import correlations
from calovision.metrics import Efficiency
from calovision.plotting.style import STYLE

NONE, ONE, LABELS = np.zeros(0), np.ones(2), np.array([0, 1])
SCORES, ZERO, EDGES = np.array([-1.0, 1.0]), Efficiency(0.0, 0.0, 0.5, 0.0), np.linspace(-1, 1, 5)
NAN = Efficiency(np.nan, np.nan, np.nan, 0.0)
HISTORY = {
    "epoch": np.arange(2),
    "train_loss": np.array([1e30, 1e-30]),
    "validation_loss": np.array([np.inf, 1.0]),
}
STAGE = {"jobs": 10**6, "wall_s": 1e9, "cpu_s": 1e-3, "max_memory_mb": 3e7}


def jets(n_fat_jets, labels=LABELS, weights=ONE, scores=SCORES):
    return plotting.plot_score_vs_n_fat_jets(scores, n_fat_jets, labels, weights)


def images(plot, shape=(1, 4, 4), value=1.0, channels=("x",), edges=EDGES):
    return plot({"a": np.full(shape, value)}, eta_edges=edges, channels=channels)


DRAWN = {
    "scores of one class": lambda: plotting.plot_scores(SCORES, ONE, ONE),
    "scores of a negative sum": lambda: plotting.plot_scores(SCORES, LABELS, np.array([-1.0, 1.0])),
    "scores far apart": lambda: plotting.plot_scores(np.array([-800.0, 900.0]), LABELS, ONE),
    "scores all the same": lambda: plotting.plot_scores(np.zeros(2), LABELS, ONE),
    "columns for scores": lambda: plotting.plot_scores(
        SCORES[:, None], LABELS[:, None], ONE[:, None]
    ),
    "map of one class": lambda: jets(np.array([3, 40]), labels=ONE),
    "map without weights": lambda: jets(np.array([3, 4]), weights=np.zeros(2)),
    "cut flow down to nothing": lambda: plotting.plot_cut_flow(
        {"a": [("all", 10, 1.0), ("x", 0, 0.0)]}
    ),
    "cut flow of a negative sum": lambda: plotting.plot_cut_flow(
        {"a": [("all", 10, 1.0), ("x", 1, -0.1)]}
    ),
    "images of nan": lambda: images(plotting.plot_mean_images, value=np.nan),
    "image of one cell": lambda: images(
        plotting.plot_mean_images, shape=(1, 1, 1), edges=np.array([-1, 1])
    ),
    "attributions of nothing": lambda: images(plotting.plot_attributions, value=0.0),
    "losses beyond float32": lambda: plotting.plot_learning_curves({"a": {1: HISTORY}}),
    "a large run": lambda: plotting.plot_run_summary({"a": STAGE}),
    "efficiencies of zero": lambda: plotting.plot_robustness({"cnn": {"nominal": ZERO, "x": ZERO}}),
}
REFUSED = {
    "no score": (lambda: plotting.plot_scores(NONE, NONE, NONE), "no event to draw"),
    "a score that is nan": (
        lambda: plotting.plot_scores(np.array([np.nan, 1]), LABELS, ONE),
        "1 of 2 scores are not",
    ),
    "other lengths": (
        lambda: plotting.plot_scores(SCORES, LABELS, np.ones(3)),
        "2 events but 3 weights",
    ),
    "no event in a map": (lambda: jets(NONE, NONE, NONE, NONE), "no event to draw"),
    "masses that are nan": (
        lambda: plotting.plot_score_vs_mj_sum(SCORES, np.array([np.nan, 1]), LABELS, ONE),
        "1 of 2 summed jet masses are not finite",
    ),
    "no working point": (
        lambda: plotting.plot_combination_gain({"cnn": {}, "cnn+jets": {}}),
        "at least one",
    ),
    "other working points": (
        lambda: plotting.plot_combination_gain({"cnn": {"0.1": ZERO}, "cnn+jets": {"0.2": ZERO}}),
        "at every working point of 'cnn'",
    ),
    "background of another classifier": (
        lambda: plotting.plot_robustness({"cnn": {"nominal": ZERO}}, {"mlp": {"nominal": ZERO}}),
        "classifier 'mlp': no signal efficiency",
    ),
    "no cut flow": (lambda: plotting.plot_cut_flow({}), "no cut flow to draw"),
    "empty cut flow": (lambda: plotting.plot_cut_flow({"a": []}), "no cut flow to draw"),
    "no class": (
        lambda: plotting.plot_mean_images({}, eta_edges=EDGES, channels=["x"]),
        "at least one class",
    ),
    "no channel": (
        lambda: images(plotting.plot_mean_images, shape=(0, 4, 4), channels=[]),
        "no channel to draw",
    ),
    "other edges": (
        lambda: images(plotting.plot_mean_images, shape=(1, 5, 4)),
        "5 edges in eta for 5 cells",
    ),
    "edges of attributions": (
        lambda: images(plotting.plot_attributions, shape=(1, 5, 4)),
        "4 cells in eta",
    ),
    "no variable": (
        lambda: plotting.plot_correlations({"cnn": correlations(SCORES, {}, LABELS, ONE)}),
        "no variable to correlate with",
    ),
    "a model without networks": (
        lambda: plotting.plot_learning_curves({"a": {1: HISTORY}, "b": {}}),
        "model 'b' has",
    ),
    "an efficiency that is nan": (
        lambda: plotting.plot_model_comparison({"a": np.array([[0.5]])}, {"a": [NAN]}, ["0.1"]),
        "model 'a': an efficiency is not a finite number",
    ),
}


@pytest.mark.parametrize("case", DRAWN)
def test_little_is_drawn_without_a_warning(case):
    figure = DRAWN[case]()
    with mpl.style.context(STYLE):
        FigureCanvasAgg(figure).draw()
    assert figure.axes


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_drawn_is_named(case):
    make, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        make()
