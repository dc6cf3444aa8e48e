"""Plots of several models and seeds: what is drawn, for one network and for many, and that nothing
overlaps."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from calovision.core.errors import InputError
from calovision.metrics import Efficiency, roc
from calovision.plotting import (
    plot_combination_gain,
    plot_learning_curves,
    plot_model_comparison,
    plot_model_roc,
)
from calovision.plotting.style import STYLE

POINTS = ["0.1", "0.01", "0.001"]
SIZES = [(1, 1), (1, 3), (3, 5)]


def make_efficiencies(n_models, n_seeds, n_points=3):
    """Efficiencies of the networks and the ensembles, no two the same."""
    rng = np.random.default_rng(0)
    networks = {f"model_{k}": rng.uniform(0.5, 0.9, (n_seeds, n_points)) for k in range(n_models)}
    ensembles = {
        name: [Efficiency(v, v - 0.03, v + 0.01, 9.0) for v in values.max(axis=0) + 0.02]
        for name, values in networks.items()
    }
    return networks, ensembles


def make_curves(n_models, n_seeds, n=600):
    """ROC curves of the networks and the ensembles; later models are better."""
    rng = np.random.default_rng(1)
    labels, weights = np.arange(n) % 2, rng.exponential(1.0, n)
    curves, ensembles = {}, {}
    for k in range(n_models):
        scores = rng.normal((1 + 0.5 * k) * labels, 1.0, (n_seeds, n))
        curves[f"model_{k}"] = [roc(one, labels, weights) for one in scores]
        ensembles[f"model_{k}"] = roc(scores.mean(axis=0), labels, weights)
    return ensembles, curves


def make_history(n_epochs, seed=0):
    rng = np.random.default_rng(seed)
    names = (
        "train_loss",
        "validation_loss",
        "validation_auc",
        "validation_accuracy",
        "learning_rate",
    )
    columns = {name: rng.uniform(0.1, 0.9, n_epochs) for name in names}
    columns |= {
        f"validation_signal_efficiency_1e-{k}": rng.uniform(0.1, 0.9, n_epochs) for k in (2, 3)
    }
    return {"epoch": np.arange(n_epochs), **columns}


def make_histories(n_models, n_seeds):
    return {
        f"model_{k}": {s: make_history(4 + s, seed=10 * k + s) for s in range(n_seeds)}
        for k in range(n_models)
    }


FIGURES = {
    "comparison": lambda *size: plot_model_comparison(*make_efficiencies(*size), POINTS),
    "roc": lambda *size: plot_model_roc(*make_curves(*size)),
    "learning curves": lambda *size: plot_learning_curves(make_histories(*size)),
}


def texts_of(figure, renderer):
    """Boxes of all words and numbers that are seen."""
    boxes = []
    for axes in figure.axes:
        limits = {"x": sorted(axes.get_xlim()), "y": sorted(axes.get_ylim())}
        for which, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
            low, high = limits[which]
            for tick in axis.get_major_ticks():
                if tick.label1.get_visible() and low <= tick.get_loc() <= high:
                    boxes.append(tick.label1)
            boxes.append(axis.label)
        boxes += [axes.title, *axes.texts]
        if axes.get_legend() is not None:
            boxes += axes.get_legend().get_texts()
    for legend in figure.legends:
        boxes += legend.get_texts()
    return [
        (text.get_text(), text.get_window_extent(renderer)) for text in boxes if text.get_text()
    ]


@pytest.mark.parametrize("size", [*SIZES, (6, 2)])
@pytest.mark.parametrize("kind", FIGURES)
def test_no_panel_is_empty_and_no_text_overlaps(kind, size):
    figure = FIGURES[kind](*size)
    canvas = FigureCanvasAgg(figure)
    with mpl.style.context(STYLE):
        canvas.draw()
    texts = texts_of(figure, canvas.get_renderer())
    assert len(texts) > 5
    for position, (text, box) in enumerate(texts):
        assert figure.bbox.padded(1.0).x0 <= box.x0, text
        assert box.x1 <= figure.bbox.padded(1.0).x1, text
        assert figure.bbox.padded(1.0).y0 <= box.y0, text
        assert box.y1 <= figure.bbox.padded(1.0).y1, text
        for other, its_box in texts[position + 1 :]:
            assert not box.overlaps(its_box), (text, other)
    for axes in figure.axes:
        assert axes.lines or axes.containers


def test_figures_leave_the_global_style_and_pyplot_alone():
    before = dict(mpl.rcParams)
    for make in FIGURES.values():
        make(2, 2)
    assert dict(mpl.rcParams) == before
    assert mpl.pyplot.get_fignums() == []


# -- working points ------------------------------------------------------------------------------


def test_comparison_says_where_a_bar_goes_on_and_has_no_efficiency_above_one():
    networks = {"a": np.array([[0.85, 1.0]]), "b": np.array([[0.86, 0.999]])}
    ensembles = {"a": [Efficiency(0.85, 0.0, 0.87, 2.0), Efficiency(1.0, 0.99, 1.0, 90.0)]}
    ensembles["b"] = [Efficiency(0.86, 0.85, 0.87, 50.0), Efficiency(0.999, 0.99, 1.0, 90.0)]
    figure = plot_model_comparison(networks, ensembles, ["0.001", "0.1"])
    first, second = figure.axes
    arrows = [
        [line for line in axes.lines if line.get_marker() in "<>v^"] for axes in (first, second)
    ]
    assert arrows[1] == []
    (arrow,) = arrows[0]
    assert arrow.get_marker() == "<"
    assert arrow.get_xydata().tolist() == [[first.get_xlim()[0], 0.24]]
    assert first.get_xlim()[0] > 0.5
    FigureCanvasAgg(figure).draw()
    for axes in (first, second):
        ticks = axes.get_xticks()
        assert len(ticks) > 1
        assert ticks.max() <= 1.0
        assert ticks.min() >= axes.get_xlim()[0]


def drawn_points(axes):
    """Positions ``(n, 2)`` by marker."""
    lines = [line for line in axes.lines if line.get_marker() in "osD"]
    return {
        marker: np.concatenate([line.get_xydata() for line in lines if line.get_marker() == marker])
        for marker in {line.get_marker() for line in lines}
    }


def test_comparison_draws_every_network_the_mean_and_the_ensemble():
    networks, ensembles = make_efficiencies(2, 5)
    panels = plot_model_comparison(networks, ensembles, POINTS).axes
    assert [axes.get_title() for axes in panels] == [f"Background $10^{{-{k}}}$" for k in (1, 2, 3)]
    assert [label.get_text() for label in panels[0].get_yticklabels()] == ["model_0", "model_1"]
    assert panels[0].yaxis_inverted()  # the first model on top
    for position, axes in enumerate(panels):
        drawn = drawn_points(axes)
        for row, model in enumerate(networks):
            mine = {marker: xy[np.abs(xy[:, 1] - row) < 0.5, 0] for marker, xy in drawn.items()}
            values = networks[model][:, position]
            np.testing.assert_array_equal(mine["o"], values)
            assert mine["s"] == pytest.approx([values.sum() / 5])
            assert mine["D"] == pytest.approx([ensembles[model][position].value])
            low, high = axes.get_xlim()
            assert low < values.min() <= values.max() < high
            assert (
                low < values.mean() - values.std(ddof=1) < values.mean() + values.std(ddof=1) < high
            )
        bars = [
            bar.get_segments()[0][:, 0] for container in axes.containers for bar in container[2]
        ]
        values, ensemble = networks["model_0"][:, position], ensembles["model_0"][position]
        np.testing.assert_allclose(bars[0], values.mean() + np.array([-1, 1]) * values.std(ddof=1))
        np.testing.assert_allclose(bars[1], [ensemble.low, ensemble.high])


def test_comparison_of_single_networks_has_no_mean():
    figure = plot_model_comparison(*make_efficiencies(2, 1), POINTS)
    assert set(drawn_points(figure.axes[0])) == {"o", "D"}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "Network (one per seed)",
        "Ensemble, 68 %",
    ]


def test_long_interval_does_not_hide_how_the_networks_differ():
    """At 1e-3 of few events the interval may reach down to 0, while the networks are within 2 %."""
    networks = {"a": np.array([[0.95], [0.97]])}
    (axes,) = plot_model_comparison(
        networks, {"a": [Efficiency(0.96, 0.0, 0.98, 1.0)]}, ["0.001"]
    ).axes
    low, high = axes.get_xlim()
    assert 0.85 < low < 0.95
    assert 0.98 < high <= 1.01
    perfect = plot_model_comparison(
        {"a": np.ones((3, 1))}, {"a": [Efficiency(1, 0.99, 1, 9.0)]}, ["0.1"]
    ).axes[0]
    assert 1.0 < perfect.get_xlim()[1] < 1.004  # no efficiency is above 1


def test_spread_of_two_networks_is_wider_than_they_are_apart_and_shown():
    networks = {"a": np.array([[0.3], [0.6]])}
    (axes,) = plot_model_comparison(
        networks, {"a": [Efficiency(0.5, 0.49, 0.51, 9.0)]}, ["0.1"]
    ).axes
    half = 0.15 * np.sqrt(2)
    low, high = axes.get_xlim()
    assert low < 0.45 - half < 0.3 < 0.6 < 0.45 + half < high


def test_comparison_of_more_points_goes_on_in_the_next_row():
    figure = plot_model_comparison(*make_efficiencies(1, 2, 4), [*POINTS, "0.3"])
    assert [axes.get_title() for axes in figure.axes][-1] == "Background 0.3"
    assert len(figure.axes) == 4


@pytest.mark.parametrize(
    ("networks", "n_ensemble", "message"),
    [
        ({}, 3, "at least one model"),
        ({"a": np.ones((2, 2))}, 3, r"model 'a': .* shape \(2, 2\)"),
        ({"a": np.ones((0, 3))}, 3, r"model 'a': .* shape \(0, 3\)"),
        ({"a": np.ones((2, 3))}, 2, "of its ensemble 2 points"),
    ],
)
def test_comparison_that_does_not_fit_is_refused(networks, n_ensemble, message):
    ensembles = {"a": [Efficiency(1, 1, 1, 1)] * n_ensemble}
    with pytest.raises(InputError, match=message):
        plot_model_comparison(networks, ensembles, POINTS)


# -- ROC -----------------------------------------------------------------------------------------


def background_at(curve, signal):
    """Background efficiency where a curve reaches a signal efficiency, between its points
    linear."""
    after = int(np.argmax(curve.signal_efficiency >= signal))
    x, y = (
        curve.signal_efficiency[after - 1 : after + 1],
        curve.background_efficiency[after - 1 : after + 1],
    )
    return y[0] + (y[1] - y[0]) * (signal - x[0]) / (x[1] - x[0])


def test_roc_band_reaches_from_the_lowest_to_the_highest_network():
    ensembles, curves = make_curves(2, 4, n=4000)
    top, bottom = plot_model_roc(ensembles, curves).axes
    assert top.get_yscale() == bottom.get_yscale() == "log"
    assert [text.get_text() for text in top.get_legend().get_texts()] == ["model_0", "model_1"]
    for row, model in enumerate(ensembles):
        line, vertices = top.lines[row], top.collections[row].get_paths()[0].vertices
        x, y = line.get_xdata(), line.get_ydata()
        for k in np.searchsorted(x, (0.9, 0.97)):
            assert y[k] == pytest.approx(background_at(ensembles[model], x[k]))
            expected = [background_at(curve, x[k]) for curve in curves[model]]
            edges = vertices[np.abs(vertices[:, 0] - x[k]) < 1e-9, 1]
            assert (edges.min(), edges.max()) == pytest.approx((min(expected), max(expected)))
            below = background_at(ensembles["model_0"], x[k])
            assert bottom.lines[row].get_ydata()[k] == pytest.approx(y[k] / below)
    assert bottom.get_ylabel() == "Ratio to\nmodel_0"


def test_roc_of_one_network_has_neither_band_nor_ratio():
    figure = plot_model_roc(*make_curves(1, 1))
    (axes,) = figure.axes
    assert len(axes.lines) == 1
    assert not axes.collections
    assert axes.get_xlabel() == "Signal efficiency"


def test_roc_shows_the_range_where_good_networks_differ():
    labels = np.arange(2000) % 2
    rng = np.random.default_rng(2)
    scores = rng.normal(4.5 * labels, 1.0, (2, 2000))
    curves = [roc(one, labels, np.ones(2000)) for one in scores]
    top, _ = plot_model_roc({"a": curves[0]}, {"a": curves}).axes
    starts = [curve.signal_efficiency[curve.background_efficiency > 0][0] for curve in curves]
    assert starts[0] > 0.8
    assert starts[0] - 0.2 * (1 - starts[0]) < top.get_xlim()[0] < starts[0]
    assert np.isfinite(top.lines[0].get_ydata()).sum() > 100


def test_roc_of_perfect_networks_says_so():
    labels = np.arange(100) % 2
    perfect = roc(labels, labels, np.ones(100))
    for axes in plot_model_roc({"a": perfect}, {"a": [perfect, perfect]}).axes:
        assert [text.get_text() for text in axes.texts] == ["no background left to compare"]


def test_roc_without_networks_is_refused():
    ensembles, curves = make_curves(1, 1)
    for networks in ({}, {"model_0": []}):
        with pytest.raises(InputError, match="without networks"):
            plot_model_roc(ensembles, networks)
    with pytest.raises(InputError, match="without networks"):
        plot_model_roc({}, curves)


# -- learning curves -----------------------------------------------------------------------------


def test_learning_curves_draw_a_line_per_network_and_mark_the_best_epoch():
    histories = make_histories(2, 3)
    figure = plot_learning_curves(histories)
    panels = np.array(figure.axes).reshape(2, 3)
    assert [axes.get_ylabel() for axes in panels[0]] == [
        "Loss",
        "Validation\nAUC",
        "Validation signal\nefficiency",
    ]
    assert [column[0].get_title() for column in panels] == ["model_0", "model_1"]
    for column, seeds in zip(panels, histories.values(), strict=True):
        lines = [line for line in column[0].lines if line.get_marker() == "o"]
        stars = [line for line in column[0].lines if line.get_marker() == "*"]
        for history, (train, validation), star in zip(
            seeds.values(), zip(lines[::2], lines[1::2], strict=True), stars, strict=True
        ):
            np.testing.assert_array_equal(train.get_ydata(), history["train_loss"])
            np.testing.assert_array_equal(validation.get_ydata(), history["validation_loss"])
            best = list(history["validation_loss"]).index(min(history["validation_loss"]))
            assert star.get_xydata().tolist() == [[best, history["validation_loss"][best]]]
        areas = [line.get_ydata().tolist() for line in column[1].lines if line.get_marker() == "o"]
        assert areas == [history["validation_auc"].tolist() for history in seeds.values()]
    assert panels[0][0].get_ylim() == panels[1][0].get_ylim()  # so that models can be compared


def test_history_that_has_only_some_columns():
    """No panel for what nobody measured; nan, and an epoch without a validation, leave gaps."""
    history = {"epoch": np.arange(4), "train_loss": np.array([np.nan, 0.4, 0.3, 0.2])}
    (axes,) = plot_learning_curves({"a": {1: history}}).axes
    assert axes.lines[0].get_xdata().tolist() == [1, 2, 3]
    assert len(axes.lines) == 1  # no star without a validation loss
    history |= {"validation_auc": np.full(4, np.nan)}
    assert len(plot_learning_curves({"a": {1: history}}).axes) == 1
    history |= {"validation_loss": np.array([0.5, np.nan, 0.3, 0.4])}
    (axes,) = plot_learning_curves({"a": {1: history}}).axes
    star = axes.lines[-1]
    assert (star.get_marker(), star.get_xdata().tolist()) == ("*", [2])
    both = {"a": {1: history}, "b": {1: make_history(3)}}
    panels = plot_learning_curves(both).axes
    assert len(panels) == 6
    assert [text.get_text() for text in panels[1].texts] == ["not measured"]


def test_learning_curves_of_several_classes():
    """Accuracy, macro AUC, and a line of the rejection for each class."""
    rng = np.random.default_rng(1)
    names = ["train_loss", "validation_loss", "train_accuracy", "validation_accuracy"]
    names += ["validation_macro_auc", *(f"validation_rejection_{one}" for one in ("qcd", "w", "t"))]
    history = {"epoch": np.arange(3)} | {name: rng.uniform(0.1, 0.9, 3) for name in names}
    figure = plot_learning_curves(
        {"a": {1: history}}, titles={"t": "Top"}, colors={"t": "#3f90da", "w": "#ff0000"}
    )
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "Loss",
        "Accuracy",
        "Validation\nmacro AUC",
        "Validation rejection\nat half of the class",
    ]
    drawn = [
        [line.get_ydata().tolist() for line in axes.lines if line.get_marker() == "o"]
        for axes in figure.axes
    ]
    assert drawn == [
        [history[name].tolist() for name in some]
        for some in (names[:2], names[2:4], names[4:5], names[5:])
    ]
    colors = [
        [line.get_color() for line in axes.lines if line.get_marker() == "o"]
        for axes in figure.axes[1::2]
    ]
    assert colors == [["0.55", "black"], ["#ffa90e", "#ff0000", "#3f90da"]]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        *("Training", "Validation", "qcd", "w", "Top", "Lowest validation loss")
    ]


@pytest.mark.parametrize(("first", "scale"), [(0.9, "linear"), (3.0, "log")])
def test_losses_that_span_much_have_a_logarithmic_axis(first, scale):
    losses = np.array([first, 0.2, 0.1])
    history = {"epoch": np.arange(3), "validation_loss": losses}
    (axes,) = plot_learning_curves({"a": {1: history}}).axes
    assert axes.get_yscale() == scale
    low, high = axes.get_ylim()
    assert 0 < low < 0.1 < first < high


def test_learning_curves_of_one_epoch():
    top = plot_learning_curves({"a": {1: make_history(1)}}).axes[0]
    assert top.get_xlim() == (-0.5, 0.5)
    assert [tick for tick in top.get_xticks() if -0.5 <= tick <= 0.5] == [0]


def test_history_without_anything_to_draw_is_refused():
    with pytest.raises(
        InputError, match="column epoch is missing in the training history; it has train_loss"
    ):
        plot_learning_curves({"a": {1: {"train_loss": np.ones(2)}}})
    with pytest.raises(
        InputError, match="has anything to draw; give one of train_loss, validation_loss"
    ):
        plot_learning_curves({"a": {1: {"epoch": np.arange(2), "train_loss": np.full(2, np.nan)}}})
    with pytest.raises(InputError, match="anything to draw"):
        plot_learning_curves({})


def test_a_point_below_one_background_event_is_marked():
    values = {"a": np.array([[0.9, 0.7]])}
    figure = plot_model_comparison(
        values,
        {"a": [Efficiency(0.9, 0.8, 0.95, 30.0), Efficiency(0.7, 0.0, 0.8, 0.4)]},
        ["0.1", "0.001"],
    )
    assert [axes.get_title().endswith("†") for axes in figure.axes] == [False, True]
    assert figure.legends[0].get_texts()[-1].get_text() == "†: less than one background event"
    figure = plot_model_comparison(
        values, {"a": [Efficiency(0.9, 0.8, 0.95, 30.0)] * 2}, ["0.1", "0.001"]
    )
    assert "†" not in "".join(text.get_text() for text in figure.legends[0].get_texts())
    gain = plot_combination_gain(
        {
            name: {"0.1": Efficiency(0.9, 0.8, 0.95, 30.0), "0.001": Efficiency(0.7, 0.0, 0.8, 0.4)}
            for name in ("cnn", "cnn+jets")
        }
    )
    ticks = [label.get_text().endswith("†") for label in gain.axes[1].get_xticklabels()]
    assert ticks == [False, True]
    assert "†: less than one background event" in gain.axes[1].get_xlabel()
