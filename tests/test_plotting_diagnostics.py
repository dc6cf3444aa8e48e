import numpy as np
import pytest

from calovision.core.errors import InputError
from calovision.evaluation.diagnostics import calibration, correlations, mass_sculpting
from calovision.metrics import Efficiency
from calovision.plotting import plot_calibration, plot_correlations, plot_mass_sculpting
from calovision.plotting.attribution import plot_attributions
from calovision.plotting.robustness import plot_robustness
from calovision.plotting.style import classifier_style, save_figure

ETA_EDGES = np.linspace(-2.5, 2.5, 9)


@pytest.fixture
def events():
    rng = np.random.default_rng(1)
    labels = np.arange(1000) % 2
    scores = rng.beta(2, 2, 1000) * 0.7 + 0.2 * labels  # nothing below 0.0 or above 0.9
    return scores, labels, rng.exponential(size=1000), rng.exponential(200, 1000) * (1 + scores)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_calibration_shows_its_bins_and_error(events, tmp_path):
    scores, labels, weights, _ = events
    found = calibration(scores, labels, weights)
    figure = plot_calibration({"cnn": found, "resnet": found}, names={"cnn": "CNN"})
    top, bottom = figure.axes
    titles = [text.get_text() for text in top.get_legend().get_texts()]
    error = f"(ECE {found.expected_calibration_error:.2g})"
    assert titles == [f"CNN {error}", f"resnet {error}"]
    filled = [one for one in found.bins if one.predicted is not None]
    assert len(filled) == 9  # none above 0.9
    points, _, (bars,) = top.containers[0]
    np.testing.assert_allclose(points.get_ydata(), [one.observed for one in filled])
    np.testing.assert_allclose(points.get_xdata(), [one.predicted for one in filled], atol=0.0121)
    low, high = np.array(bars.get_segments())[:, :, 1].T
    np.testing.assert_allclose(low, [one.observed_low for one in filled])
    np.testing.assert_allclose(high, [one.observed_high for one in filled])
    shares = bottom.patches[0].get_data().values
    np.testing.assert_allclose(shares[:9], [one.share for one in filled])
    assert np.isnan(shares[9])
    assert (top.get_ylim()[0] < 0) & (top.get_ylim()[1] > 1)
    alone = plot_calibration({"cnn": found}).axes[0].containers[0][0]
    np.testing.assert_allclose(alone.get_xdata(), [one.predicted for one in filled])
    assert all(path.stat().st_size > 1000 for path in save_figure(figure, tmp_path / "calibration"))
    with pytest.raises(InputError, match="no calibration"):
        plot_calibration({})


def test_correlations_of_few_events_have_no_color(events):
    scores, labels, weights, mass = events
    few = np.where(np.arange(1000) < 8, mass, np.nan)
    found = {"cnn": correlations(scores, {"mj_sum": mass, "mass_5": few}, labels, weights)}
    for axes in plot_correlations(found).axes[:2]:
        cells = np.ma.filled(axes.images[0].get_array(), np.nan)
        assert np.isfinite(cells[0, 0])
        assert np.isnan(cells[1, 0])
        assert axes.texts[1].get_text().startswith("(")


def test_mass_goes_as_far_as_the_background():
    rng = np.random.default_rng(5)
    mass = np.concatenate([rng.uniform(0, 700, 995), [900, 1100, 1250, 1390, 1410]])
    found = mass_sculpting(rng.uniform(size=1000), mass, np.ones(1000))
    assert found.edges[-1] == 1500  # the 99.5 % quantile is 701
    assert np.diff(found.edges).tolist() == [100.0] * 15
    far = mass_sculpting(rng.uniform(size=1000), 10 * mass, np.ones(1000))
    assert np.diff(far.edges).tolist() == [800.0] * 18
    figure = plot_mass_sculpting({"cnn": found})
    assert figure.axes[0].get_xlim() == (0, 1500)


def test_correlations_write_per_cents_and_mark_few_events(events):
    scores, labels, weights, mass = events
    few = np.where(np.arange(1000) < 8, mass, np.nan)
    variables = {"mj_sum": mass, "mass_5": few, "constant": np.ones(1000)}
    titles = {"constant": "One [mm]"}
    both = {
        name: correlations(score, variables, labels, weights)
        for name, score in (("cnn", scores), ("ht", -scores))
    }
    shown = plot_correlations(both, kind="pearson", variable_titles=titles)
    signal, background, _ = shown.axes
    assert (signal.get_title(), background.get_title()) == ("Signal", "Background")
    assert [tick.get_text() for tick in signal.get_yticklabels()] == [
        r"$M_J^\Sigma$ [GeV]",
        "Mass, jet 5 [GeV]",
        "One [mm]",
    ]
    values = signal.get_images()[0].get_array()
    assert values[0, 0] == both["cnn"]["signal"]["mj_sum"].pearson == -values[0, 1]
    expected = round(100 * values[0, 0])
    assert texts(signal)[:2] == [f"{expected}", f"{-expected}"]
    assert all(text.startswith("(") and text.endswith(")") for text in texts(signal)[2:4])
    assert texts(signal)[4:] == ["-", "-"]
    spearman = plot_correlations(both).axes[0].get_images()[0].get_array()
    assert spearman[0, 0] == both["cnn"]["signal"]["mj_sum"].spearman
    with pytest.raises(InputError, match="kind 'kendall'"):
        plot_correlations(both, kind="kendall")


@pytest.mark.parametrize("n_classifiers", [1, 2, 4, 5])
def test_mass_sculpting_draws_before_after_and_ratio(events, n_classifiers):
    scores, _, weights, mass = events
    found = mass_sculpting(scores, mass, weights)
    assert list(found.cuts) == ["0.1"]
    figure = plot_mass_sculpting({f"classifier {k}": found for k in range(n_classifiers)})
    assert len(figure.axes) == 2 * n_classifiers
    top = next(axes for axes in figure.axes if axes.get_title() == "classifier 0")
    bottom = next(axes for axes in figure.axes if not axes.get_title())
    before, after = (np.array(one.fraction) for one in (found.before, found.cuts["0.1"]))
    drawn = [patch.get_data().values for patch in top.patches]
    np.testing.assert_allclose(drawn[0][before > 0], before[before > 0])
    np.testing.assert_allclose(drawn[1][after > 0], after[after > 0])
    points = bottom.containers[0][0].get_ydata()
    np.testing.assert_allclose(points, after[after > 0] / before[after > 0])
    cut = found.cuts["0.1"]
    assert f"{cut.divergence:.2f} ({cut.divergence_by_chance:.2f})" in texts(top)[0]
    low, high = top.get_ylim()
    assert low < np.min(after[after > 0])
    assert high > before.max()
    titles = [text.get_text() for text in figure.legends[0].get_texts()]
    assert titles == ["All background events", "Background efficiency $10^{-1}$"]


def test_mass_sculpting_without_any_cut_says_so():
    found = mass_sculpting(np.arange(20.0), np.linspace(0, 500, 20), np.ones(20))
    top, _ = plot_mass_sculpting({"cnn": found}).axes
    assert texts(top) == ["too few events pass any cut"]
    with pytest.raises(InputError, match="no mass distribution"):
        plot_mass_sculpting({})


def test_attributions_have_one_scale_per_channel_with_white_at_zero(tmp_path):
    rng = np.random.default_rng(0)
    images = {"Signal": rng.normal(size=(2, 8, 6)), "Background": rng.normal(size=(2, 8, 6))}
    images["Signal"][1] *= 100
    figure = plot_attributions(images, eta_edges=ETA_EDGES, channels=("EM", "tracks"))
    panels = np.array(figure.axes[:4]).reshape(2, 2)
    norms = [[axes.collections[0].norm for axes in row] for row in panels]
    for column in (0, 1):
        sizes = np.abs([image[column] for image in images.values()])
        end = np.quantile(sizes, 0.995)
        for row in (0, 1):
            assert (norms[row][column].vmin, norms[row][column].vmax) == (-end, end)
    assert norms[0][1].vmax > 50 * norms[0][0].vmax
    mesh = panels[1, 0].collections[0]
    np.testing.assert_allclose(
        mesh.get_array(), images["Background"][0].T
    )  # eta to the right, phi upwards
    red, blue = (mesh.cmap(mesh.norm(x))[:3] for x in (3.0, -3.0))
    assert red[0] > red[2]
    assert blue[0] < blue[2]
    assert min(mesh.cmap(mesh.norm(0.0))[:3]) > 0.95
    assert "leading fat jet" in panels[0, 0].get_ylabel()
    assert (
        "leading"
        not in plot_attributions(
            images, eta_edges=ETA_EDGES, channels=("EM", "tracks"), aligned=False
        )
        .axes[0]
        .get_ylabel()
    )
    assert all(
        path.stat().st_size > 1000 for path in save_figure(figure, tmp_path / "attributions")
    )


def test_attributions_of_empty_channels_and_bad_shapes():
    nothing = plot_attributions(
        {"Signal": np.zeros((1, 8, 6))}, eta_edges=ETA_EDGES, channels=("EM",)
    )
    assert nothing.axes[0].collections[0].norm.vmax == 1
    lonely = np.zeros((1, 8, 60))
    lonely[0, 3, 4] = -0.5  # one cell of 480: beyond the quantile, which is 0
    figure = plot_attributions({"Signal": lonely}, eta_edges=ETA_EDGES, channels=("EM",))
    assert figure.axes[0].collections[0].norm.vmax == 0.5
    with pytest.raises(
        InputError, match=r"class 'Signal': attributions of shape \(1, 8, 6\) do not have the 2"
    ):
        plot_attributions(
            {"Signal": np.zeros((1, 8, 6))}, eta_edges=ETA_EDGES, channels=("EM", "tracks")
        )
    with pytest.raises(InputError, match="not finite"):
        plot_attributions(
            {"Signal": np.full((1, 8, 6), np.nan)}, eta_edges=ETA_EDGES, channels=("EM",)
        )
    with pytest.raises(InputError, match="at least one class"):
        plot_attributions({}, eta_edges=ETA_EDGES, channels=("EM",))


SIGNAL = {
    "cnn": {
        "nominal": Efficiency(0.8, 0.78, 0.82, 400),
        "scale_up": (0.88, 0.86, 0.9),
        "dead": (0.72, 0.7, 0.74),
    },
    "resnet": {"nominal": (0.5, 0.48, 0.52), "dead": (0.45, 0.43, 0.47)},
}
BACKGROUND = {
    "cnn": {
        "nominal": (1e-3, 5e-4, 2e-3),
        "scale_up": (2e-3, 1e-3, 4e-3),
        "dead": (0.0, 0.0, 1e-3),
    },
    "resnet": {"nominal": (0.0, 0.0, 1e-3), "dead": (0.0, 0.0, 1e-3)},
}


def test_robustness_is_relative_to_nominal_with_a_row_per_variation():
    figure = plot_robustness(SIGNAL, BACKGROUND)
    signal, background = figure.axes
    points = [
        (container[0].get_xdata()[0], container[0].get_ydata()[0])
        for container in signal.containers
        if len(container[0].get_xdata())
    ]
    np.testing.assert_allclose([x for x, _ in points], [1, 1.1, 0.9, 1, 0.9])
    assert [round(y) for _, y in points] == [0, 1, 2, 0, 2]
    assert len({y for _, y in points}) == 5  # lanes
    (segment,) = [c[2][0].get_segments()[0] for c in signal.containers if len(c[0].get_xdata())][
        1:2
    ]
    np.testing.assert_allclose(segment[:, 0], [0.86 / 0.8, 0.9 / 0.8])
    assert [tick.get_text() for tick in signal.get_yticklabels()] == ["nominal", "scale up", "dead"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["CNN", "resnet"]
    colors = [
        container[0].get_color() for container in signal.containers if len(container[0].get_xdata())
    ]
    assert colors == [classifier_style("cnn", 0)[0]] * 3 + [classifier_style("resnet", 1)[0]] * 2
    # Nothing passes: an arrow at the upper end; no nominal background: left out.
    points = [
        container[0].get_xdata()[0]
        for container in background.containers
        if len(container[0].get_xdata())
    ]
    np.testing.assert_allclose(points, [1, 2, 1])
    assert background.containers[2][0].get_marker() == "|"
    assert (signal.get_xlabel(), background.get_xlabel()) == (
        "Signal efficiency / nominal",
        "Background efficiency / nominal",
    )


def test_robustness_limits_hold_the_points_but_not_every_bar():
    (axes,) = plot_robustness({"cnn": {"nominal": (0.5, 0.1, 0.9), "scale": (0.51, 0.1, 0.9)}}).axes
    low, high = axes.get_xlim()
    assert 0.9 < low < 1 < 1.02 < high < 1.1
    (axes,) = plot_robustness({"cnn": {"nominal": (0.5, 0.49, 0.51)}}).axes
    assert axes.get_xlim()[0] < 0.98
    assert axes.get_xlim()[1] > 1.02


def test_robustness_says_where_a_bar_goes_on_and_what_is_left_out():
    wide = {"nominal": (0.5, 0.49, 0.51), "scale": (0.5, 0.2, 0.9), "dead": (0.49, 0.48, 0.5)}
    figure = plot_robustness(
        {"cnn": wide, "cuts": wide}, {"cnn": wide, "cuts": {"nominal": (0.0, 0.0, 0.1)}}
    )
    signal, background = figure.axes
    low, high = signal.get_xlim()
    arrows = {line.get_marker(): line for line in background.lines if line.get_marker() in "<>"}
    assert {marker: list(line.get_xdata()) for marker, line in arrows.items()} == {
        "<": [low],
        ">": [high],
    }
    assert {line.get_ydata()[0] for line in arrows.values()} == {
        1 - 0.3
    }  # the row of scale, the lane of cnn
    assert signal.get_title() == ""
    assert background.get_title() == "No event passes nominally: cuts"


def test_robustness_without_what_it_needs():
    nothing = {"cnn": {"nominal": (0.0, 0.0, 1e-3)}}
    _, background = plot_robustness({"cnn": SIGNAL["cnn"]}, nothing).axes
    assert texts(background) == ["no nominal efficiency above 0"]
    with pytest.raises(InputError, match="no signal efficiency to draw"):
        plot_robustness({})
    with pytest.raises(InputError, match="classifier 'cnn': no signal efficiency of 'central'"):
        plot_robustness(SIGNAL, nominal="central")
    with pytest.raises(InputError, match="classifier 'cnn': no background efficiency of 'nominal'"):
        plot_robustness(SIGNAL, {"cnn": {"dead": (0.1, 0.0, 0.2)}})
