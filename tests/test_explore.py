"""Numbers of the page to explore: steps of the threshold, histograms, rows of the gallery."""

import json
from base64 import b64decode
from dataclasses import replace

import numpy as np
import pytest
from fakes import make_images, to_sparse, write_image_file
from fakes_explore import content_of, options_of_search, write_search

from calovision.core.errors import InputError
from calovision.evaluation.explore import gallery, spectra
from calovision.evaluation.explore.question import Question
from calovision.evaluation.explore.steps import steps_of
from calovision.evaluation.reach.significance import asimov_significance
from calovision.evaluation.results import SamplesSummary
from calovision.evaluation.signal_points import expected_events
from calovision.images.grid import JetGrid
from calovision.metrics import auc, efficiency, n_effective, roc
from calovision.report.explore.page import json_in_page, numbers, own_script
from calovision.stages import explore
from calovision.stages.explore_images import pack_images
from calovision.storage import ImageCollection, read_score_table

N = 500


def make_question(*, n_classes=3, seed=1):
    """Rows with weights of both signs; the last class is signal, 0 background, others neither."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_classes, N)
    weights = np.where(rng.random(N) < 0.15, -1.0, 1.0) * rng.exponential(size=N)
    scores = rng.normal(size=N) + labels
    members = np.isin(labels, (0, n_classes - 1))
    is_signal = labels == n_classes - 1
    of_all = {"name": "q", "title": "Q", "labels": labels, "n_classes": n_classes}
    return Question(
        **of_all,
        is_signal=is_signal,
        weights=weights,
        members=members,
        class_weights=weights,
        scores={"cnn": scores},
    )


@pytest.mark.parametrize("n_steps", [40, 10_000])
def test_steps_have_the_numbers_of_the_metrics(n_steps):
    question = make_question()
    scores, members = question.scores["cnn"], question.members
    steps = steps_of(scores, question, n_steps, backgrounds={"a": 0.1}, signals={"b": 0.5})
    n = len(steps.thresholds)
    assert n == members.sum() if n_steps > N else 20 < n <= n_steps + 4
    assert np.all(np.diff(steps.thresholds) < 0)
    for step in range(0, n, max(n // 7, 1)):
        passed = scores >= steps.thresholds[step]
        for side, mine in (
            (steps.signal, question.is_signal),
            (steps.background, question.labels == 0),
        ):
            expected = efficiency(passed[mine], question.weights[mine])
            assert np.clip(side.efficiency[step], 0, 1) == pytest.approx(expected.value, abs=1e-12)
            assert side.low[step] == pytest.approx(expected.low, abs=1e-9)
            assert side.high[step] == pytest.approx(expected.high, abs=1e-9)
            assert side.n_eff[step] == pytest.approx(expected.n_eff, rel=1e-9)
        for label in range(3):
            mine = question.labels == label
            assert steps.passed[label, step] == np.sum(passed[mine])
            part = question.weights[mine & passed].sum() / question.weights[mine].sum()
            assert steps.efficiency[label, step] == pytest.approx(part, abs=1e-12)
    assert (
        steps.passed[:, -1].tolist() == [np.sum(question.labels == k) for k in range(3)]
        or (question.labels[scores < steps.thresholds[-1]] == 1).all()
    )


def test_working_points_are_the_last_step_that_does_not_exceed_them():
    question = replace(make_question(n_classes=2), weights=np.ones(N), class_weights=np.ones(N))
    steps = steps_of(question.scores["cnn"], question, 10_000, backgrounds={"x": 0.1, "all": 1.0})
    at = steps.points["x"]
    assert steps.background.efficiency[at] <= 0.1 < steps.background.efficiency[at + 1]
    assert steps.points["all"] == len(steps.thresholds) - 1
    few = steps_of(question.scores["cnn"], question, 20, backgrounds={"x": 0.1})
    assert few.thresholds[few.points["x"]] == steps.thresholds[at]
    assert len(few.thresholds) <= 24


def test_scores_of_one_value_have_one_step():
    question = replace(make_question(n_classes=2), scores={"cnn": np.ones(N)})
    steps = steps_of(question.scores["cnn"], question, 100, backgrounds={"x": 0.1})
    assert steps.thresholds.tolist() == [1.0]
    assert steps.points == {"x": 0}
    assert steps.signal.efficiency == pytest.approx(1.0)
    assert spectra.score_edges(question.scores["cnn"]).tolist() == [0.5, 1.5]


def test_spectra_at_steps_are_histograms_of_what_passes():
    question = make_question()
    rng = np.random.default_rng(2)
    mass = rng.exponential(100.0, N)
    mass[::50] = np.nan
    scores, weights = question.scores["cnn"], question.class_weights
    steps = steps_of(scores, question, 30)
    edges = spectra.mass_edges(mass)
    assert 0 < edges[1] - edges[0] == pytest.approx(np.diff(edges)[-1])
    sums, errors = spectra.spectra_at_steps(mass, scores, steps, question.labels, weights, edges)
    before = spectra.histogram(mass, question.labels, weights, 3, edges)
    for step in (0, 11, len(steps.thresholds) - 1):
        for label in range(3):
            mine = (question.labels == label) & (scores >= steps.thresholds[step]) & (mass >= 0)
            inside = np.minimum(mass[mine], edges[-1] - 1e-9)  # overflow is in the last bin
            for found, each in ((sums, weights[mine]), (errors**2, weights[mine] ** 2)):
                expected = np.histogram(inside, edges, weights=each)[0]
                assert found[label, step] == pytest.approx(expected, abs=1e-9)
    every = scores >= steps.thresholds[-1]
    assert before.sums.sum() - sums[:, -1].sum() == pytest.approx(
        weights[~every & np.isfinite(mass)].sum(), abs=1e-9
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3, 4, 4, 6], [2.5, 3.5, 4.5, 5.5, 6.5]),
        ([0.0, 0.25], None),
        ([2.5] * 3, None),
    ],
)
def test_edges_of_scores(values, expected):
    edges = spectra.score_edges(np.array(values, dtype=float))
    assert np.all(np.diff(edges) > 0)
    assert edges[0] <= min(values) + 1e-3
    assert edges[-1] >= max(values) - 1e-3
    if expected:
        assert edges.tolist() == expected


def test_scores_that_are_no_numbers_make_no_bins():
    last = np.finfo(np.float64).max
    edges = spectra.score_edges(np.array([-last, 0.5, 1.5, last, last]))
    assert 0.4 < edges[0] < edges[-1] < 1.6
    assert spectra.score_edges(np.array([last, -last])).tolist() == [-0.5, 0.5]
    found = spectra.histogram(np.array([-last, last]), np.zeros(2, int), np.ones(2), 1, edges)
    assert (found.sums[0, 0], found.sums[0, -1], found.sums.sum()) == (1, 1, 2)


def test_rows_of_a_gallery_are_drawn_with_a_seed():
    labels = np.repeat([0, 1], [900, 100])
    scores = np.random.default_rng(1).normal(size=1000)
    chosen = gallery.choose_rows(labels, scores, 100, seed=3)
    again, other = (gallery.choose_rows(labels, scores, 100, seed=seed) for seed in (3, 4))
    assert np.array_equal(chosen.rows, again.rows)
    assert not np.array_equal(chosen.rows, other.rows)
    assert len(np.unique(chosen.rows)) == len(chosen.rows) == 100
    assert np.bincount(labels[chosen.rows]).tolist() == [50, 50]
    for label in (0, 1):
        mine = np.flatnonzero(labels == label)
        order = mine[np.argsort(scores[mine])]
        ends = {*order[:12].tolist(), *order[-12:].tolist()}
        assert set(chosen.rows[chosen.is_extreme & (labels[chosen.rows] == label)].tolist()) == ends
    assert np.array_equal(gallery.choose_rows(labels, scores, 5000, seed=1).rows, np.arange(1000))
    few = gallery.choose_rows(labels, scores, 3, seed=1)
    assert (len(few.rows), few.is_extreme.sum()) == (3, 0)
    lengths = np.where(chosen.is_extreme, 10, 30)
    kept = gallery.within_cells(lengths, chosen, 48 * 10 + 7 * 30 + 29)
    assert (len(kept.rows), kept.is_extreme.sum()) == (48 + 7, 48)


def test_rows_of_a_table_are_found_in_the_files(tmp_path):
    """Jets of one event, and events of one number, in another order than that of the files."""
    rng = np.random.default_rng(1)
    paths = []
    for label, sample in enumerate(("b", "a")):
        columns = {"event_number": rng.integers(0, 4, 20), "jet_index": rng.integers(0, 2, 20)}
        columns |= {name: np.zeros(20) for name in ("pt", "eta", "phi", "mass")}
        images = make_images(20, seed=label)
        common = {"kind": "jet", "grid": JetGrid(8, 8, 1.6), "sample": sample, "label": label}
        paths.append(
            write_image_file(tmp_path / f"{sample}.h5", images=images, columns=columns, **common)
        )
    collection = ImageCollection(paths)
    keys = list(
        zip(
            collection.sample_names(),
            collection.column("event_number"),
            collection.column("jet_index"),
            strict=True,
        )
    )
    tested = [k for k, key in enumerate(keys) if key[1] != 2]
    order = sorted(tested, key=lambda k: keys[k][1])  # stable: the same keys stay in their order
    table = {
        "sample": np.array([keys[k][0] for k in order], dtype=object),
        "event_number": np.array([keys[k][1] for k in order]),
        "jet_index": np.array([keys[k][2] for k in order]),
        "label": np.zeros(len(order)),
    }
    assert gallery.find_rows(collection, table).tolist() == order
    for name, other in (("sample", "c"), ("event_number", 77), ("jet_index", 5)):
        values = table[name].copy()
        values[3] = other
        with pytest.raises(InputError, match="rows that the image files lack"):
            gallery.find_rows(collection, table | {name: values})


def test_packed_images_are_those_of_the_files():
    dense = make_images(5, (2, 8, 8), scale=300.0)
    dense[:, 1] *= 1e-6
    dense[2] = 0.0
    dense[3, 0, 0, 0] = -7.0
    packed = pack_images(to_sparse(dense))
    for row, image in enumerate(dense):
        cells = np.frombuffer(b64decode(packed.cells[row]), dtype="<u2")
        values = np.frombuffer(b64decode(packed.values[row]), dtype="<f2").astype(np.float64)
        found = np.zeros(128)
        found[cells] = values * packed.scales[cells // 64]
        assert found == pytest.approx(image.ravel(), rel=6e-4)
    wide = to_sparse(make_images(1, (2, 300, 300)))
    assert pack_images(wide).cell_bytes == 4


def test_content_has_the_numbers_of_the_results(tmp_path):
    files = write_search(tmp_path)
    page = tmp_path / "explore.html"
    counted = []
    explore.write_explorer(files, page, options_of_search(), count=counted.append)
    content = content_of(page)
    test = read_score_table(files.tested)
    assert counted == [len(test["label"])]
    assert [one["title"] for one in content["classifiers"]][:2] == ["CNN", "Number of fat jets"]
    assert [one["is_logit"] for one in content["classifiers"]] == [True, False, False, True, True]
    summary = json.loads(files.summary.read_text())
    curves = dict(zip(summary["classifiers"], content["questions"][0]["curves"], strict=True))
    for name, curve in curves.items():
        assert curve["auc"] == pytest.approx(summary["classifiers"][name]["auc"], rel=1e-6)
        points = summary["classifiers"][name]["signal_efficiency"]
        values = [one["value"] for one in points.values()]
        assert [one["value"] for one in curve["points"]] == pytest.approx(values, rel=1e-6)
    expected = roc(test["cnn"], test["label"], test["weight"])
    assert content["questions"][0]["curves"][0]["auc"] == pytest.approx(auc(expected), rel=1e-6)
    of_class = [n_effective(test["weight"][test["label"] == label]) for label in (0, 1)]
    assert [one["n_eff"] for one in content["classes"]] == pytest.approx(of_class, rel=1e-6)
    _check_significance(curves["cnn"], files)
    rows = content["gallery"]
    cnn = rows["scores"][0]["values"]
    assert rows["decisions"][0][0] == cnn
    places = [int(np.argmin(np.abs(test["cnn"] - one))) for one in cnn]
    assert [str(one) for one in test["event_number"][places]] == rows["number"]
    assert test["label"][places].tolist() == rows["class"]
    assert test["ht"][places] == pytest.approx(rows["variables"][1]["values"], rel=1e-6)


def _check_significance(curve, files):
    found = curve["significance"]
    total = expected_events(SamplesSummary.read(files.samples).samples)
    for step in (10, 40, -1):
        s = curve["signal"]["efficiency"][step] * total.signal
        b = curve["background"]["efficiency"][step] * total.background
        assert (found["signal"][step], found["background"][step]) == pytest.approx((s, b), rel=1e-6)
        if b > 0:
            pair = float(asimov_significance(s, b)), float(asimov_significance(s, b, 0.2))
            assert (found["plain"][step], found["systematic"][step]) == pytest.approx(
                pair, rel=1e-5
            )
    nothing = [b <= 0 for b in found["background"]]
    assert [one is None for one in found["plain"]] == nothing
    assert any(nothing)


def test_page_without_gallery_and_with_one_classifier(tmp_path):
    files = write_search(tmp_path, models=())
    summary = json.loads(files.summary.read_text())
    summary["classifiers"] = {"cnn": summary["classifiers"]["cnn"]}
    files.summary.write_text(json.dumps(summary))
    page = tmp_path / "explore.html"
    explore.write_explorer(files, page, options_of_search(n_gallery=0))
    content = content_of(page)
    assert content["gallery"] is None
    assert [one["name"] for one in content["classifiers"]] == ["cnn"]
    first = page.read_bytes()
    explore.write_explorer(files, page, options_of_search(n_gallery=0))
    assert page.read_bytes() == first
    files.summary.write_text("{}")
    with pytest.raises(InputError, match=r"summary\.json"):
        explore.write_explorer(files, page, options_of_search())
    assert page.read_bytes() == first


def test_json_cannot_end_its_element():
    hostile = {"</script><!--": ["<script>", "\u2028", "&amp;", "\udce4", "]]>"]}
    text = json_in_page(hostile)
    assert json.loads(text) == hostile
    assert not set("<>&") & set(text)
    assert text.isascii()
    assert numbers([1, 2]) == [1, 2]
    assert numbers(np.array([[1.23456789, np.nan], [-np.inf, 2.0]])) == [
        [1.234568, None],
        [None, 2.0],
    ]
    assert numbers([None, 0.5]) == [None, 0.5]
    assert numbers(np.float64(3.0)) == 3.0
    assert own_script().count("'use strict'") == 1
