import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import LogNorm, to_rgba
from scipy.special import expit

from calovision.core.errors import InputError
from calovision.metrics import Efficiency, efficiency, roc
from calovision.plotting import (
    plot_attributions,
    plot_combination_gain,
    plot_cut_flow,
    plot_event_display,
    plot_jet_image,
    plot_mean_images,
    plot_roc,
    plot_score_vs_mj_sum,
    plot_score_vs_n_fat_jets,
    plot_scores,
    save_figure,
)
from calovision.plotting.style import CLASS_COLORS

CHANNELS = ("EM [GeV]", "Hadronic [GeV]", "Tracks")


@pytest.fixture
def sample():
    rng = np.random.default_rng(0)
    labels = np.arange(2000) % 2
    scores = 3 * (rng.normal(size=2000) + 2 * labels - 1)
    n_fat_jets = 3 + rng.poisson(0.3 + labels)
    return (
        scores,
        n_fat_jets,
        300 * n_fat_jets * rng.uniform(0.5, 1, 2000),
        labels,
        rng.exponential(size=2000),
    )


@pytest.fixture
def curves(sample):
    scores, n_fat_jets, mj_sum, labels, weights = sample
    named = {"cnn": scores, "n_fat_jets": n_fat_jets, "mj_sum": mj_sum}
    return {name: roc(values, labels, weights) for name, values in named.items()}


def lines_of(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_roc_draws_the_curves_on_a_logarithmic_axis(curves):
    top, bottom = plot_roc(curves).axes
    assert (top.get_yscale(), top.get_xscale(), bottom.get_yscale()) == ("log", "linear", "log")
    lines = lines_of(top)
    assert list(lines) == ["CNN", "Number of fat jets", r"$M_J^\Sigma$"]
    passing = curves["cnn"].background_efficiency > 0
    np.testing.assert_array_equal(
        lines["CNN"].get_xdata(), curves["cnn"].signal_efficiency[passing]
    )
    np.testing.assert_array_equal(
        lines["CNN"].get_ydata(), curves["cnn"].background_efficiency[passing]
    )
    assert lines["Number of fat jets"].get_marker() == "o"
    assert lines["CNN"].get_marker() == ""
    assert top.get_xlabel() == ""
    assert (bottom.get_xlabel(), top.get_ylabel()) == ("Signal efficiency", "Background efficiency")
    # From half the smallest background that one effective event supports.
    smallest = min(
        c.background_efficiency[c.background_efficiency > 0].min() for c in curves.values()
    )
    assert smallest / 2.01 < top.get_ylim()[0] < 0.01


def test_roc_ratio_is_that_at_equal_signal_efficiency(curves):
    _, bottom = plot_roc(curves, reference="n_fat_jets").axes
    cnn, discrete, _ = bottom.get_lines()[:3]
    ratio = discrete.get_ydata()
    np.testing.assert_allclose(ratio[np.isfinite(ratio)], 1)
    k = np.searchsorted(cnn.get_xdata(), 0.95)
    at = np.searchsorted(curves["cnn"].signal_efficiency, cnn.get_xdata()[k])
    below = np.interp(
        cnn.get_xdata()[k],
        curves["n_fat_jets"].signal_efficiency,
        curves["n_fat_jets"].background_efficiency,
    )
    assert cnn.get_ydata()[k] == pytest.approx(
        curves["cnn"].background_efficiency[at] / below, rel=0.05
    )


def test_roc_shows_the_signal_region_or_its_upper_limit(curves):
    signal, background = Efficiency(0.4, 0.38, 0.42, 100.0), Efficiency(0.01, 0.008, 0.013, 20.0)
    container = plot_roc(curves, signal_region=(signal, background)).axes[0].containers[0]
    assert (container[0].get_xdata()[0], container[0].get_ydata()[0]) == (0.4, 0.01)
    x_bar, y_bar = (collection.get_segments()[0] for collection in container[2])
    np.testing.assert_allclose(x_bar[:, 0], [0.38, 0.42])
    np.testing.assert_allclose(y_bar[:, 1], [0.008, 0.013])

    none = efficiency(np.zeros(500, dtype=bool), np.ones(500))
    top = plot_roc(curves, signal_region=(signal, none)).axes[0]
    assert top.containers[0][0].get_ydata()[0] == pytest.approx(1 / 501)
    assert top.get_ylim()[0] > 1e-5


def test_roc_band_is_the_interval_of_the_background(curves):
    (band,) = plot_roc(curves).axes[0].collections
    vertices = band.get_paths()[0].vertices
    curve = curves["cnn"]
    k = np.searchsorted(curve.signal_efficiency, 0.9)
    near = np.abs(vertices[:, 0] - curve.signal_efficiency[k]) < 2e-3
    assert vertices[near, 1].min() == pytest.approx(curve.background_low[k], rel=0.1)
    assert vertices[near, 1].max() == pytest.approx(curve.background_high[k], rel=0.1)


def test_roc_of_a_perfect_classifier_draws_no_ratio_but_no_warning(curves, sample):
    labels, weights = sample[3], sample[4]
    _, bottom = plot_roc(curves | {"cnn": roc(labels, labels, weights)}).axes
    assert np.isnan(bottom.get_lines()[0].get_ydata()[:-1]).all()
    assert not bottom.texts  # the others have ratios to show
    perfect = roc(labels, labels, weights)
    _, bottom = plot_roc({"cnn": perfect, "mj_sum": perfect}).axes
    assert [text.get_text() for text in bottom.texts] == ["no background left to compare"]
    with pytest.raises(InputError, match="reference 'ht'"):
        plot_roc(curves, reference="ht")


def test_combination_gain_divides_combined_by_reference():
    points = {"0.1": 0.8, "0.001": 0.4, "signal_region": 0.5}
    cnn = {point: Efficiency(v, v - 0.04, v + 0.02, 5.0) for point, v in points.items()}
    both = {
        point: Efficiency(1.1 * v, 1.1 * v - 0.03, 1.1 * v + 0.01, 5.0)
        for point, v in points.items()
    }
    top, bottom = plot_combination_gain({"cnn": cnn, "cnn+jets": both}).axes
    np.testing.assert_allclose(bottom.containers[0][0].get_ydata(), 1.1)
    np.testing.assert_allclose(top.containers[1][0].get_ydata(), [0.88, 0.44, 0.55])
    segment = bottom.containers[0][2][0].get_segments()[0]
    np.testing.assert_allclose(segment[1, 1], 1.1 + 1.1 * np.hypot(0.01 / 0.88, 0.04 / 0.8))
    assert [tick.get_text() for tick in bottom.get_xticklabels()] == [
        "$10^{-1}$",
        "$10^{-3}$",
        "signal region",
    ]
    assert bottom.get_ylim()[0] < 1 < 1.1 < bottom.get_ylim()[1]
    with pytest.raises(InputError, match=r"cnn\+jets"):
        plot_combination_gain({"cnn": cnn})


def test_roc_without_a_reference_divides_by_mj_sum_or_by_the_first_curve(curves):
    for named, title in (
        (curves, r"$M_J^\Sigma$"),
        ({"mine": curves["cnn"], "other": curves["mj_sum"]}, "mine"),
    ):
        figure = plot_roc(named)
        bottom = figure.axes[1]
        assert bottom.get_ylabel() == f"Ratio to\n{title}"
        reference = bottom.get_lines()[
            list(named).index("mj_sum" if "mj_sum" in named else "mine")
        ].get_ydata()
        np.testing.assert_allclose(reference[np.isfinite(reference)], 1)
    with pytest.raises(InputError, match="reference 'mj_sum' is no classifier; choose one of mine"):
        plot_roc({"mine": curves["cnn"]}, reference="mj_sum")
    with pytest.raises(InputError, match="there is no ROC curve to draw"):
        plot_roc({})


def test_combination_gain_survives_an_efficiency_of_zero():
    zero = {"0.1": Efficiency(0.0, 0.0, 0.1, 0.5)}
    _, bottom = plot_combination_gain({"cnn": zero, "cnn+jets": zero}).axes
    assert np.isnan(bottom.containers[0][0].get_ydata()).all()


def test_scores_are_fractions_of_each_class(sample):
    scores, _, _, labels, weights = sample
    (axes,) = plot_scores(scores, labels, weights, n_bins=20).axes
    assert (axes.get_yscale(), axes.get_xscale(), axes.get_xlabel()) == (
        "log",
        "linear",
        "CNN output",
    )
    for patch, label in zip(axes.patches, (0, 1), strict=True):
        values, edges, _ = patch.get_data()
        assert values.sum() == pytest.approx(1)
        members = (labels == label) & (scores >= edges[5]) & (scores < edges[6])
        assert values[5] == pytest.approx(weights[members].sum() / weights[labels == label].sum())
        drawn = patch.get_edgecolor() if label == 1 else patch.get_facecolor()
        assert drawn[:3] == to_rgba(CLASS_COLORS[label])[:3]


@pytest.mark.parametrize(
    ("largest", "n_ticks"), [(3.0, 3), (8.0, 7), (14.0, 7), (60.0, 7), (800.0, 5)]
)
def test_logits_of_any_size_are_drawn_and_ticks_are_probabilities(largest, n_ticks):
    scores, labels = np.linspace(-largest, largest, 1001), np.arange(1001) > 500
    (axes,) = plot_scores(scores, labels, np.ones(1001), n_bins=50).axes
    background, signal = (patch.get_data().values for patch in axes.patches)
    assert (background[1:25] > 0.03).all()  # where probabilities of float64 are all 0 or 1 as well
    assert (signal[25:-1] > 0.03).all()
    titles = [title.get_text() for title in axes.get_xticklabels()]
    assert len(titles) == n_ticks
    for place, title in zip(axes.get_xticks(), titles, strict=True):
        text = title.strip("$").replace("1 - ", "")
        value = 10.0 ** float(text[4:-1]) if text.startswith("10^") else float(text)
        assert expit(-place if title.startswith("$1 - ") else place) == pytest.approx(value)


def test_score_against_n_fat_jets_normalizes_each_column(sample):
    scores, n_fat_jets, _, labels, weights = sample
    figure = plot_score_vs_n_fat_jets(scores, n_fat_jets, labels, weights)
    panels = figure.axes[:2]
    assert len(figure.axes) == 3  # and one color bar
    assert [axes.get_title() for axes in panels] == ["Signal", "Background"]
    for axes, label in zip(panels, (1, 0), strict=True):
        mesh = axes.collections[0]
        assert isinstance(mesh.norm, LogNorm)
        columns = np.ma.filled(mesh.get_array(), 0).sum(axis=0)
        present = np.unique(n_fat_jets[labels == label]) - n_fat_jets.min()
        np.testing.assert_allclose(columns[present], 1)
        column = (labels == label) & (n_fat_jets == 4)
        order = np.argsort(scores[column])
        cumulative = np.cumsum(weights[column][order])
        median = scores[column][order][np.searchsorted(cumulative, cumulative[-1] / 2)]
        drawn = axes.containers[0][0]
        assert drawn.get_ydata()[list(drawn.get_xdata()).index(4.0)] == pytest.approx(median)


def test_score_against_mj_sum_has_gev_and_keeps_the_tail(sample):
    scores, _, mj_sum, labels, weights = sample
    figure = plot_score_vs_mj_sum(
        scores, np.where(np.arange(2000) == 1, 1e5, mj_sum), labels, weights, n_bins=10
    )
    signal, background, bar = figure.axes
    assert signal.get_xlabel() == background.get_xlabel() == r"$M_J^\Sigma$ [GeV]"
    assert signal.get_xlim()[1] < 5000
    assert np.ma.filled(signal.collections[0].get_array(), 0).shape == (30, 10)
    assert signal.containers[0][0].get_xdata()[-1] == pytest.approx(signal.get_xlim()[1] * 0.95)
    assert bar.get_ylabel() == "Fraction of the column's events"


def test_score_maps_take_one_event_of_a_class():
    scores, labels = np.array([-0.2, 0.9, 3.2]), np.array([0, 1, 1])
    figure = plot_score_vs_n_fat_jets(scores, np.array([3, 3, 5]), labels, np.ones(3))
    assert figure.axes[1].containers[0][0].get_ydata() == pytest.approx([-0.2])


def test_cut_flow_is_relative_to_the_first_cut():
    flows = {
        "rpv": [("generated", 10, 200.0), ("three jets", 8, 150.0), ("signal region", 4, 50.0)],
        "qcd": [("generated", 10, 4e6), ("three jets", 1, 4e3), ("signal region", 0, 0.0)],
    }
    (axes,) = plot_cut_flow(flows, names={"rpv": "RPV"}).axes
    heights = [[bar.get_height() for bar in container] for container in axes.containers]
    np.testing.assert_allclose(heights, [[1, 0.75, 0.25], [1, 1e-3, 0]])
    assert [text.get_text() for text in axes.texts] == [
        "100 %",
        "75 %",
        "25 %",
        "100 %",
        "0.1 %",
        "0",
    ]
    assert axes.get_yscale() == "log"
    assert axes.get_ylim()[0] == pytest.approx(1e-4)
    assert axes.texts[-1].xy[1] == axes.get_ylim()[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["RPV", "qcd"]


def test_cut_flow_that_does_not_fit_is_refused():
    flows = {"rpv": [("generated", 1, 1.0)], "qcd": [("all", 1, 1.0)]}
    with pytest.raises(InputError, match="cut flow of qcd"):
        plot_cut_flow(flows)
    with pytest.raises(InputError, match="must be positive"):
        plot_cut_flow({"rpv": [("generated", 0, 0.0)]})


def test_mean_images_share_one_scale_per_channel():
    signal, background = np.zeros((3, 4, 6)), np.zeros((3, 4, 6))
    signal[0, 3, 0], background[0, 1, 2], signal[1, 2, 2] = 50.0, 0.5, 7.0
    figure = plot_mean_images(
        {"Signal": signal, "Background": background},
        eta_edges=np.array([-2.5, -1, 0, 2, 2.5]),
        channels=CHANNELS,
    )
    assert len(figure.axes) == 6 + 3
    meshes = np.array([axes.collections[0] for axes in figure.axes[:6]]).reshape(2, 3)
    assert (meshes[0, 0].norm.vmin, meshes[0, 0].norm.vmax) == (0.5, 50.0)
    assert meshes[0, 0].norm is meshes[1, 0].norm
    # Row of the mesh: phi; column: eta.
    assert np.argwhere(~np.ma.getmaskarray(meshes[0, 0].get_array())).tolist() == [[0, 3]]
    assert np.argwhere(~np.ma.getmaskarray(meshes[1, 0].get_array())).tolist() == [[2, 1]]
    assert figure.axes[0].get_xlim() == (-2.5, 2.5)
    assert figure.axes[0].get_ylim() == (-np.pi, np.pi)
    assert meshes[0, 0].get_coordinates()[0, :, 0].tolist() == [
        -2.5,
        -1,
        0,
        2,
        2.5,
    ]  # cells of unequal size
    assert [axes.get_xlabel() for axes in figure.axes[6:]] == list(CHANNELS)


def test_event_display_wraps_the_circles_and_leaves_out_padding():
    image = np.zeros((3, 8, 8))
    image[2, 1, 6] = 3
    fat_jets = np.array([[800, 0.5, 3.0, 100], [300, -1.0, 0.0, 50], [0, 0, 0, 0]])
    figure = plot_event_display(
        image,
        eta_edges=np.linspace(-2, 2, 9),
        channels=CHANNELS,
        fat_jets=fat_jets,
        radius=1.0,
        title="event 7",
    )
    assert figure.get_suptitle() == "event 7"
    assert len(figure.axes) == 3 + 3
    wrapped, plain = figure.axes[2].get_lines()
    assert not np.isnan(plain.get_ydata()).any()
    eta, phi = wrapped.get_xdata(), wrapped.get_ydata()
    assert np.isnan(phi).sum() == 2  # leaves at pi and comes back
    inside = ~np.isnan(phi)
    assert (np.abs(phi[inside]) <= np.pi).all()
    distance = np.hypot(eta - 0.5, np.mod(phi - 3.0 + np.pi, 2 * np.pi) - np.pi)
    np.testing.assert_allclose(distance[inside], 1.0)
    assert np.nanmax(np.abs(np.diff(phi))) < 0.1  # no line across the panel
    cells = figure.axes[2].collections[0].get_array()
    assert np.argwhere(~np.ma.getmaskarray(cells)).tolist() == [[6, 1]]


@pytest.mark.parametrize("eta_max", [1.0, 2.5, 4.9, 8.0])
@pytest.mark.parametrize("plot", [plot_mean_images, plot_attributions])
def test_images_fill_the_figure_for_any_range_in_eta(plot, eta_max):
    images = {"Signal": np.ones((3, 8, 8)), "Background": np.ones((3, 8, 8))}
    figure = plot(images, eta_edges=np.linspace(-eta_max, eta_max, 9), channels=CHANNELS)
    figure.draw_without_rendering()
    sizes = [axes.get_window_extent() for axes in figure.axes[:6]]
    assert sizes[0].width / sizes[0].height == pytest.approx(2 * eta_max / (2 * np.pi), rel=1e-3)
    assert (
        sum(box.width * box.height for box in sizes) > 0.5 * figure.bbox.width * figure.bbox.height
    )


def test_event_display_marks_jets_of_unknown_radius_with_crosses():
    fat_jets = np.array([[800, 0.5, 3.0, 100], [0, 0, 0, 0]])
    figure = plot_event_display(
        np.zeros((1, 8, 8)), eta_edges=np.linspace(-2, 2, 9), channels=["EM"], fat_jets=fat_jets
    )
    (cross,) = figure.axes[0].get_lines()
    assert (cross.get_marker(), cross.get_xdata(), cross.get_ydata()) == ("x", [0.5], [3.0])


def test_images_of_other_channels_are_refused():
    with pytest.raises(InputError, match="3 channels"):
        plot_event_display(np.zeros((2, 8, 8)), eta_edges=np.linspace(-2, 2, 9), channels=CHANNELS)


def test_jet_image_has_a_scale_of_its_own_per_channel():
    image = np.zeros((2, 4, 3))
    image[0, 1, 2] = 8.0
    image[0, 0, 0] = 6.0
    edges = {"eta_edges": np.linspace(-1.0, 1.0, 5), "phi_edges": np.linspace(-0.6, 0.6, 4)}
    figure = plot_jet_image(image, **edges, channels=CHANNELS[:2], title="qcd, event 1, jet 0")
    meshes = [axes.collections[0] for axes in figure.axes[:2]]
    assert [(mesh.norm.vmin, mesh.norm.vmax) for mesh in meshes] == [(4.0, 8.0), (0.1, 1.0)]
    assert np.array_equal(meshes[0].get_array().filled(0), image[0].T)
    assert not meshes[1].get_array().count()
    assert figure.get_suptitle() == "qcd, event 1, jet 0"
    with pytest.raises(InputError, match="does not have the 1 channels"):
        plot_jet_image(image, **edges, channels=CHANNELS[:1])


@pytest.mark.parametrize("stem", ["roc", "rpv_1.4"])
def test_save_figure_writes_both_formats_and_nothing_else(tmp_path, stem):
    figure, again = (
        plot_event_display(
            np.zeros((1, 8, 8)), eta_edges=np.linspace(-2, 2, 9), channels=CHANNELS[:1]
        )
        for _ in range(2)
    )
    before = dict(mpl.rcParams)
    paths = save_figure(figure, tmp_path / "plots" / stem)
    assert [path.name for path in paths] == [f"{stem}.pdf", f"{stem}.png"]
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == [
        f"{stem}.pdf",
        f"{stem}.png",
    ]
    assert paths[0].read_bytes().startswith(b"%PDF")
    assert paths[1].read_bytes().startswith(b"\x89PNG")
    for path, repeated in zip(paths, save_figure(again, tmp_path / "again" / stem), strict=True):
        assert path.read_bytes() == repeated.read_bytes()  # no date inside
    assert dict(mpl.rcParams) == before


def test_save_figure_leaves_nothing_half_written(tmp_path, monkeypatch):
    figure = plot_event_display(
        np.zeros((3, 8, 8)), eta_edges=np.linspace(-2, 2, 9), channels=CHANNELS
    )

    def fail(path, **_):
        path.write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        save_figure(figure, tmp_path / "roc")
    assert list(tmp_path.iterdir()) == []


def test_figures_leave_the_global_style_and_pyplot_alone(curves):
    before = dict(mpl.rcParams)
    plot_roc(curves)
    assert dict(mpl.rcParams) == before
    assert mpl.pyplot.get_fignums() == []


def test_metrics_import_no_matplotlib():
    code = "import sys, calovision.metrics; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
