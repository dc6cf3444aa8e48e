"""Plots of the reach: what is drawn, for one classifier and for many, and that nothing overlaps."""

from dataclasses import replace

import fakes_results
import matplotlib as mpl
import numpy as np
import pytest
from fakes_results import NO_LIMIT, scaled_selection
from matplotlib.backends.backend_agg import FigureCanvasAgg
from test_plotting_models import texts_of

from calovision.core.errors import InputError
from calovision.evaluation.results import Band, FoundBy, LimitUnits, MassLimits, MassReach
from calovision.plotting import plot_limits_against_mass, plot_reach
from calovision.plotting.style import STYLE


def make_reach(n_classifiers):
    values = np.linspace(1.5, 6.0, n_classifiers)
    classifiers = {
        f"classifier_{k}": {"best_cut": scaled_selection(v), "binned": scaled_selection(1.2 * v)}
        for k, v in enumerate(values)
    }
    return fakes_results.make_reach(scaled_selection(1.0), classifiers)


def make_limits(masses):
    theory = tuple(10.0 ** (-0.5 - (mass - 1000) / 400) for mass in masses)

    def record(scale):
        value = [scale * 0.05 * (1000 / mass) ** 2 for mass in masses]
        return MassLimits(
            value=tuple(value),
            band_low=tuple(0.7 * v for v in value),
            band_high=tuple(1.4 * v for v in value),
            method=("asymptotic",) * len(value),
            background_is_limit=False,
            excludes="up to the mass",
            excluded_mass=Band(1300.0, 1250.0, 1350.0),
        )

    classifiers = {
        name: {"best_cut": record(0.6), "binned": record(0.5)} for name in ("cnn", "resnet")
    }
    return MassReach(tuple(masses), theory, record(1.0), classifiers)


def test_tiny_significance_is_written_at_its_ticks():
    figure = plot_reach(fakes_results.make_reach(scaled_selection(2e-6), {}))
    FigureCanvasAgg(figure).draw()
    axis = figure.axes[0].xaxis
    assert axis.get_offset_text().get_text() == ""
    ticks = {tick.get_text(): tick.get_position()[0] for tick in axis.get_ticklabels()}
    assert all(
        float(text.replace("−", "-")) == pytest.approx(value) for text, value in ticks.items()
    )


MASSES = (1000, 1200, 1400, 1600, 1800)


def with_bounds(reach):
    """Bounds and counted numbers of the cuts and of all classifiers."""

    def bound(one):
        method = FoundBy("counting", "toys")
        return replace(one, background_is_limit=(True,), method=method)

    classifiers = {
        name: {method: bound(one) for method, one in records.items()}
        for name, records in reach.classifiers.items()
    }
    return replace(reach, cuts=bound(reach.cuts), classifiers=classifiers)


FIGURES = {
    "bounds": lambda: plot_reach(with_bounds(make_reach(3))),
    "one classifier": lambda: plot_reach(make_reach(1)),
    "ten classifiers": lambda: plot_reach(make_reach(10)),
    "no classifier": lambda: plot_reach(make_reach(0)),
    "masses": lambda: plot_limits_against_mass(make_limits(MASSES), classifiers=["cnn", "resnet"]),
    "one mass": lambda: plot_limits_against_mass(
        make_limits([1400]), classifiers=["cnn"], method="best_cut"
    ),
}


@pytest.mark.parametrize("kind", FIGURES)
def test_no_text_overlaps_and_all_of_it_is_inside(kind):
    figure = FIGURES[kind]()
    canvas = FigureCanvasAgg(figure)
    with mpl.style.context(STYLE):
        canvas.draw()
    texts = texts_of(figure, canvas.get_renderer())
    assert len(texts) > 5
    frame = figure.bbox.padded(1.0)
    for position, (text, box) in enumerate(texts):
        assert frame.x0 <= box.x0 <= box.x1 <= frame.x1, text
        assert frame.y0 <= box.y0 <= box.y1 <= frame.y1, text
        for other, other_box in texts[:position]:
            assert not box.padded(-1.0).overlaps(other_box), f"{text!r} and {other!r}"


def points_of(axes):
    """Centers of the error bars."""
    return sorted(
        (float(c.lines[0].get_ydata()[0]), float(c.lines[0].get_xdata()[0]))
        for c in axes.containers
        if hasattr(c, "has_xerr")
    )


def test_reach_draws_every_number_once():
    figure = plot_reach(make_reach(2), names={"classifier_0": "First"})
    left, right = figure.axes
    heights = [0, 0.83, 1.17, 1.83, 2.17]
    values = [1.0, 1.5, 1.8, 6.0, 7.2]
    assert np.array(points_of(left)) == pytest.approx(
        np.array([*zip(heights, values, strict=True)])
    )
    limits = [0.05 / value for value in values]
    assert np.array(points_of(right)) == pytest.approx(
        np.array([*zip(heights, limits, strict=True)])
    )
    assert [label.get_text() for label in left.get_yticklabels()] == [
        "Cuts",
        "First",
        "classifier_1",
    ]
    low, high = right.get_xlim()
    assert low < 0.036 / 7.2 < 0.07 < high
    assert low < 0.0253 < high


def test_reach_leaves_out_what_does_not_exist():
    reach = make_reach(1)
    none = LimitUnits(NO_LIMIT, NO_LIMIT)
    reach.classifiers["classifier_0"]["binned"] = replace(scaled_selection(2.0), limit=none)
    left, right = plot_reach(reach).axes
    assert len(points_of(left)) == 3
    assert len(points_of(right)) == 2


def test_limits_are_drawn_with_theory_and_a_gap_where_there_is_none():
    limits = make_limits(MASSES)
    first, _, *others = limits.cuts.value
    limits = replace(limits, cuts=replace(limits.cuts, value=(first, None, *others)))
    (axes,) = plot_limits_against_mass(
        limits, classifiers=["resnet"], names={"resnet": "ResNet"}
    ).axes
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert lines["Theory"].get_ydata() == pytest.approx(np.array(limits.theory_pb))
    assert np.isnan(lines["Cuts"].get_ydata()).tolist() == [False, True, False, False, False]
    drawn = lines["ResNet, score in bins"].get_ydata()
    assert drawn == pytest.approx(np.array(limits.classifiers["resnet"]["binned"].value))
    assert axes.get_yscale() == "log"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"classifiers": ["cnnn"]}, "'cnnn' has no limits; choose one of cnn, resnet"),
        ({"classifiers": [], "method": "best"}, "method 'best' is unknown"),
    ],
)
def test_unknown_names_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        plot_limits_against_mass(make_limits(MASSES), **options)


def arrows_of(axes):
    """Start of each arrow, in data."""
    return [text.xyann for text in axes.texts if text.arrow_patch is not None]


def legend_of(figure):
    return [
        text.get_text()
        for legend in (*figure.legends, figure.axes[0].get_legend())
        if legend
        for text in legend.get_texts()
    ]


def test_a_bound_has_an_arrow_and_is_nothing_to_compare_with():
    reach = make_reach(2)
    cuts = replace(reach.cuts, background_is_limit=(True,))
    figure = plot_reach(replace(reach, cuts=cuts))
    for axes, value in zip(figure.axes, (1.0, 0.05), strict=True):
        assert arrows_of(axes) == [(value, 0.0)]
        dashed = [line for line in axes.get_lines() if line.get_linestyle() == "--"]
        assert dashed == []  # the line at the cuts
    assert "Bound: no background is left" in legend_of(figure)
    plain = plot_reach(make_reach(2))
    assert arrows_of(plain.axes[0]) == []
    assert [line.get_linestyle() for line in plain.axes[0].get_lines()].count("--") == 1
    assert not {"Bound: no background is left", "Few events, counted"} & set(legend_of(plain))


def test_counted_numbers_are_hollow():
    reach = make_reach(1)
    records = reach.classifiers["classifier_0"]
    records["binned"] = replace(records["binned"], method=FoundBy("asymptotic", "toys"))
    figure = plot_reach(reach)
    hollow = [
        [
            c.lines[0].get_markerfacecolor() == "white"
            for c in axes.containers
            if hasattr(c, "has_xerr")
        ]
        for axes in figure.axes
    ]
    assert hollow == [[False, False, False], [False, False, True]]
    assert "Few events, counted" in legend_of(figure)


def test_bounds_and_counted_limits_against_the_mass():
    limits = make_limits(MASSES)
    methods = ("counting", *["asymptotic"] * 4)
    cuts = replace(limits.cuts, background_is_limit=True, method=methods)
    limits = replace(limits, cuts=cuts)
    figure = plot_limits_against_mass(limits, classifiers=["cnn"])
    (axes,) = figure.axes
    assert arrows_of(axes) == [
        (mass, value) for mass, value in zip(MASSES, limits.cuts.value, strict=True)
    ]
    hollow = [
        line
        for line in axes.get_lines()
        if line.get_markerfacecolor() == "white" and len(line.get_xdata())
    ]
    assert [line.get_xdata().tolist() for line in hollow] == [[1000.0]]
    assert {"Bound: no background is left", "Few events, counted"} <= set(legend_of(figure))
