"""The page to explore in Chromium: a reader clicks and types, and sees the results' numbers."""

from base64 import b64decode
from types import SimpleNamespace

import numpy as np
import pytest
from browser import CHROMIUM, dead_links
from browser_tab import Tab
from fakes_explore import content_of, options_of_search, write_search
from scipy.special import expit
from test_hostile_text import PAYLOADS, as_read
from test_tagging_stages import SECTION, boosting, evaluate, write_jets

from calovision.core.titles import in_words
from calovision.evaluation.reach.significance import asimov_significance
from calovision.evaluation.results import SamplesSummary, Summary, TaggingSummary
from calovision.evaluation.signal_points import expected_events
from calovision.metrics import efficiency
from calovision.stages import explore
from calovision.storage import read_score_table

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome found"
)
READY = "document.documentElement.dataset.ready"
PHONE = 400


@pytest.fixture(scope="module")
def tab():
    with Tab() as found:
        yield found


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    """The page of a search, and its results."""
    folder = tmp_path_factory.mktemp("search")
    files = write_search(folder)
    page = folder / "explore.html"
    explore.write_explorer(files, page, options_of_search())
    (folder / "report.html").touch()
    return SimpleNamespace(
        page=page,
        summary=Summary.read(files.summary),
        test=read_score_table(files.tested),
        total=expected_events(SamplesSummary.read(files.samples).samples),
        content=content_of(page),
    )


@pytest.fixture
def opened(tab, search):
    """The tab with the page of the search as it opens; nothing on the console at the end."""
    tab.console.clear()
    if tab.evaluate("location.href").split("#")[0] == search.page.as_uri():
        tab.evaluate("location.hash = '#'")  # the state of a fresh page
        tab.settle()
    else:
        tab.open(search.page, ready=READY)
    yield tab
    assert tab.console == []


def step_of(tab):
    return int(tab.evaluate("document.getElementById('step').value"))


def state_of(tab):
    """State in the address."""
    return dict(tab.evaluate("[...new URLSearchParams(location.hash.slice(1))]"))


def rows_of(tab, table):
    """Words of the cells of a table, row by row, without its header."""
    return tab.evaluate(
        f"[...document.querySelectorAll('#{table} tbody tr')].map((row) => "
        "[...row.children].map((cell) => cell.innerText.trim()))"
    )


def plain(text):
    """Text with hyphens where the page has signs and dashes."""
    return text.replace("\u2212", "-").replace("\u2013", "-")


def test_page_opens_with_the_numbers_of_the_summary(opened, search):
    cnn = search.summary.classifiers["cnn"]
    assert f"AUC {cnn.auc:.4g}" in opened.text("#now")
    points = rows_of(opened, "points")
    assert [row[0] for row in points] == ["0.5", "0.1", "Signal region"]
    for row, one in zip(points, cnn.signal_efficiency.values(), strict=True):
        expected = f"{one.value:.3g} ({one.low:.3g}-{one.high:.3g})"
        assert plain(row[1]).replace(" \u2020", "") == expected
    assert dead_links(search.page) == []
    signal = search.summary.test_events.signal
    assert f"RPV gluinos {signal.n} (n_eff {signal.n_eff:.3g})" in opened.text("#about")


def check_threshold(tab, search, classifier):
    """What the page says of its threshold is what the test events say."""
    scores, weights, labels = search.test[classifier], search.test["weight"], search.test["label"]
    curve = search.content["questions"][0]["curves"][0]
    cut = scores[np.argmin(np.abs(scores - curve["threshold"][step_of(tab)]))]
    passed = scores >= cut
    signal, background = (efficiency(passed[labels == k], weights[labels == k]) for k in (1, 0))
    words = plain(tab.text("#now"))
    assert f"threshold {cut:.4g} (output {expit(cut):.3g})" in words
    assert f"signal {signal.value:.3g} ({signal.low:.3g}-{signal.high:.3g})" in words
    assert (
        f"background {background.value:.3g} ({background.low:.3g}-{background.high:.3g})" in words
    )
    rows = rows_of(tab, "passing")
    for label, row in enumerate(rows):
        assert row[1] == f"{np.sum(passed & (labels == label))} of {np.sum(labels == label)}"
    confusion = [[float(cell) for cell in row[1:]] for row in rows_of(tab, "confusion")]
    parts = [background.value, signal.value]
    expected = [[1 - part, part] for part in parts]
    assert np.allclose(confusion, expected, atol=6e-4)
    s, b = signal.value * search.total.signal, background.value * search.total.background
    z = [float(asimov_significance(s, b, one)) for one in (0.0, 0.2)]
    assert f"Z = {z[0]:.3g}, with the uncertainty of the background {z[1]:.3g}" in tab.text(
        "#significance-words"
    )
    return passed


def test_threshold_by_mouse_and_keys(opened, search):
    first = step_of(opened)
    check_threshold(opened, search, "cnn")
    opened.click("#looser")
    assert step_of(opened) == first + 1
    opened.evaluate("document.getElementById('step').focus()")
    opened.key("ArrowLeft", 4)
    assert step_of(opened) == first - 3
    passed = check_threshold(opened, search, "cnn")
    assert "threshold" in opened.evaluate("document.getElementById('step').ariaValueText")
    outline = opened.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    # the mass after the cut, as drawn
    y, errors = opened.evaluate(
        "(({y, error_y}) => [y, error_y.array])(document.getElementById('mass').data[3])"
    )
    edges = np.array(search.content["questions"][0]["mass"]["edges"])
    mine = passed & (search.test["label"] == 1)
    mass = np.minimum(search.test["mj_sum"][mine], edges[-1] - 1e-9)
    weights = search.test["weight"][mine] * search.total.signal
    weights /= search.test["weight"][search.test["label"] == 1].sum()
    sums = np.histogram(mass, edges, weights=weights)[0]
    drawn = [one is not None for one in y]
    assert np.array_equal(drawn, sums > 0)  # of the logarithmic axis
    assert np.array(y, dtype=float)[drawn] == pytest.approx(sums[drawn], rel=1e-5)
    squares = np.histogram(mass, edges, weights=weights**2)[0]
    assert errors == pytest.approx(np.sqrt(squares), rel=1e-5)
    opened.key("End")
    assert rows_of(opened, "passing")[1][1] == "80 of 80"
    opened.click("#points tr:nth-child(2) button")
    assert step_of(opened) == search.content["questions"][0]["curves"][0]["points"][1]["step"]


def test_another_classifier_and_a_click_on_a_curve(opened, search):
    before = opened.evaluate("document.getElementById('roc').data[0].x")
    opened.choose("#classifier", 4)
    assert f"AUC {search.summary.classifiers['mlp'].auc:.4g}" in opened.text("#now")
    assert before == search.content["questions"][0]["curves"][0]["signal"]["efficiency"]
    opened.choose("#axis", "rejection")
    y = opened.evaluate("document.getElementById('roc').data[0].y")
    background = search.content["questions"][0]["curves"][0]["background"]["efficiency"]
    assert y == [1 / one if one > 0 else None for one in background]
    hover = opened.evaluate("document.getElementById('roc').data[0].hovertext")
    curve = search.content["questions"][0]["curves"][0]
    assert f"RPV gluinos: {curve['passed'][1][9]} of 80 events" in hover[9]
    assert "n_eff" in hover[9]
    x, y = opened.evaluate(
        "(() => { const p = document.querySelectorAll('#roc .scatterlayer .trace')[1];"
        "p.scrollIntoView({block: 'center'}); const d = document.getElementById('roc');"
        "const l = d._fullLayout, b = d.getBoundingClientRect(), t = d.data[1], k = 1;"
        "return [b.left + l.xaxis._offset + l.xaxis.c2p(t.x[k]),"
        "b.top + l.yaxis._offset + l.yaxis.c2p(t.y[k])]; })()"
    )
    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        opened.mouse(kind, x, y)
    opened.settle()
    assert opened.evaluate("document.getElementById('classifier').value") == "1"
    assert step_of(opened) == 1


def test_address_holds_the_state(opened, search):
    opened.choose("#classifier", 3)
    opened.click("#tighter")
    opened.choose("#sort", "v1")
    opened.choose("#of-class", 0)
    opened.click("#thumbnails li:nth-child(3) button")
    opened.choose("#zoom", 4)
    opened.choose("#centre-phi", 3.0)
    opened.click("#channels input")
    state = state_of(opened)
    assert state.keys() >= {"classifier", "step", "sort", "of", "row", "zoom", "phi", "channels"}
    seen = [opened.text("#now"), opened.text("#detail-title"), opened.text("#page-now")]
    address = opened.evaluate("document.getElementById('link').getAttribute('href')")
    assert address == opened.evaluate("location.hash")
    opened.open(search.page, address, ready=READY)
    assert [opened.text("#now"), opened.text("#detail-title"), opened.text("#page-now")] == seen
    assert state_of(opened) == state
    assert opened.evaluate("document.querySelectorAll('#panels canvas').length") == 1
    opened.evaluate("location.hash = '#step=7&classifier=0'")  # by hand
    opened.settle()
    assert (step_of(opened), opened.evaluate("document.getElementById('zoom').value")) == (7, "1")
    broken = "#classifier=99&step=-3&row=1e9&zoom=x&sort=s99&channels=88&of=7&variable=50&page=900"
    opened.evaluate(f"location.hash = '{broken}&axis=</script>'")
    opened.settle()
    assert f"AUC {search.summary.classifiers['cnn'].auc:.4g}" in opened.text("#now")
    assert rows_of(opened, "row-scores")


def listed_rows(tab):
    """Rows of the pictures of the page of the gallery."""
    return tab.evaluate(
        "[...document.querySelectorAll('#thumbnails button')].map((one) => Number(one.dataset.row))"
    )


def test_gallery_is_filtered_and_sorted(opened, search):
    of = search.content["gallery"]
    ht, label = np.array(of["variables"][1]["values"]), np.array(of["class"])
    opened.choose("#sort", "v1")
    assert listed_rows(opened) == np.argsort(-ht, kind="stable")[:12].tolist()
    opened.choose("#order", "up")
    opened.choose("#of-class", 1)
    opened.choose("#variable", 1)
    opened.choose("#at-least", 1000)
    chosen = [row for row in np.argsort(ht, kind="stable") if label[row] == 1 and ht[row] >= 1000]
    assert listed_rows(opened) == chosen[:12]
    assert plain(opened.text("#page-now")) == f"1-12 of {len(chosen)}"
    opened.click("#page-on")
    assert listed_rows(opened) == chosen[12:24]
    opened.evaluate("document.querySelector('#thumbnails button').focus()")
    opened.key("ArrowLeft")  # back to the page before
    assert listed_rows(opened) == chosen[:12]
    focused = opened.evaluate("document.activeElement.dataset.row")
    assert (int(focused), state_of(opened)["row"]) == (chosen[11], str(chosen[11]))
    opened.choose("#passes", "yes")
    cut = search.content["questions"][0]["curves"][0]["threshold"][step_of(opened)]
    passing = [row for row in chosen if of["decisions"][0][0][row] >= cut]
    assert listed_rows(opened) == passing[:12]
    opened.choose("#at-least", 1e9)
    assert "no event passes" in opened.text("#page-now")
    assert opened.evaluate("document.getElementById('detail').hidden")


def check_cells(tab, of, row):
    """Filled cells of the first channel are where they belong: in words, and one by its colour."""
    left, top, width, height = tab.evaluate(
        "(() => { const c = document.querySelector('#panels canvas');"
        "c.scrollIntoView({block: 'center'}); const b = c.getBoundingClientRect();"
        "return [b.left, b.top, b.width, b.height]; })()"
    )
    cells = np.frombuffer(b64decode(of["images"]["cells"][row]), dtype="<u2").astype(int)
    values = np.frombuffer(b64decode(of["images"]["values"][row]), dtype="<f2").astype(float)
    _, n_eta, n_phi = of["images"]["shape"]
    for k in np.flatnonzero(cells < n_eta * n_phi)[:3]:
        i, j = divmod(int(cells[k]), n_phi)
        x = 44 + (i + 0.5) / n_eta * (width - 52)  # of the frame in the canvas
        y = 6 + (1 - (j + 0.5) / n_phi) * (height - 40)
        tab.mouse("mouseMoved", left + x, top + y)
        value = float(values[k] * of["images"]["scales"][0])
        assert plain(tab.text("#cell-now")).endswith(f": EM E_T [GeV] {value:.3g}")
    colour = tab.evaluate(
        "[...document.querySelector('#panels canvas').getContext('2d')"
        f".getImageData({round(x)}, {round(y)}, 1, 1).data]"
    )
    assert sum(colour[:3]) < 740  # white is 765


def test_row_shows_its_scores_and_its_image(opened, search):
    of, row = search.content["gallery"], 5
    opened.evaluate(f"location.hash = '#row={row}&sort=n&order=up'")
    opened.settle()
    scores = dict(pair for pair in rows_of(opened, "row-scores"))
    value = of["scores"][0]["values"][row]
    assert plain(scores["CNN"]) == f"{value:.3g} (output {expit(value):.3g})"
    assert scores["true class"] == ["QCD multijets", "RPV gluinos"][of["class"][row]]
    assert f"event {of['number'][row]}" in opened.text("#detail-title")
    check_cells(opened, of, row)
    opened.click("#row-jets button")  # jets lie at phi = 3.1
    phi = opened.evaluate("document.getElementById('centre-phi').value")
    assert (float(phi), opened.evaluate("document.getElementById('zoom').value")) == (
        pytest.approx(3.1, abs=0.06),
        "2",
    )
    x, y = opened.evaluate(
        "(() => { const c = document.querySelector('#panels canvas');"
        "c.scrollIntoView({block: 'center'}); const b = c.getBoundingClientRect();"
        "return [b.left + b.width / 2, b.top + 0.25 * b.height]; })()"
    )
    opened.mouse("mouseMoved", x, y)
    words = plain(opened.text("#cell-now"))
    assert "EM E" in words
    assert -3.15 < float(words.split("\u03c6 ")[1].split(":")[0]) < -1.5  # across phi = pi
    opened.mouse("mousePressed", x, y)
    opened.mouse("mouseMoved", x, y - 40, buttons=1)
    opened.mouse("mouseReleased", x, y - 40)
    assert float(state_of(opened)["phi"]) != pytest.approx(3.1, abs=0.1)


def test_page_fits_a_phone_and_has_labels(opened):
    tab = opened
    tab.resize(PHONE, 800)
    try:
        tab.settle()
        assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE
        unnamed = tab.evaluate(
            "[...document.querySelectorAll('select, input, button, canvas[role]')].filter((one) =>"
            "one.checkVisibility() && !(one.ariaLabel || one.title || one.innerText || "
            "(one.labels && one.labels.length))).map((one) => one.outerHTML)"
        )
        assert unnamed == []
    finally:
        tab.resize(1280, 900)


# -- classes --------------------------------------------------------------------------------------


def options_of_taggers(classes, **changes):
    values = {"is_search": False, "class_titles": {name: name.title() for name in classes}}
    values |= {"class_colors": dict.fromkeys(classes), "sample_titles": {}}
    values |= {"variables": {"pt": "pT [GeV]", "mass": "Mass [GeV]", "tau21": r"$\tau_{21}$"}}
    return options_of_search(**values | changes)


@pytest.fixture(scope="module")
def taggers(tmp_path_factory):
    """Results of taggers of three classes of jets."""
    folder = tmp_path_factory.mktemp("taggers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boosting, "CHOICES", {"learning_rate": (0.2,), "max_leaf_nodes": (6,)})
        patch.setattr(boosting, "MOST_TREES", 25)
        listed, collection = write_jets(folder, fat_jet_radius=0.8)
        run = evaluate(folder, listed, collection, section=SECTION)
    return explore.ExploreFiles(listed, run.test_rows, run.summary, run.rows)


def test_classes_of_jets(tab, taggers, tmp_path):
    summary = TaggingSummary.read(taggers.summary)
    page = tmp_path / "explore.html"
    colors = {"quark": None, "w": None, "top": "C3"}
    explore.write_explorer(taggers, page, options_of_taggers(summary.classes, class_colors=colors))
    assert [one["color"] for one in content_of(page)["classes"]][2] == "#d62728"
    tab.console.clear()
    tab.open(page, ready=READY)
    questions = tab.evaluate("[...document.getElementById('question').options].map((o) => o.text)")
    assert questions == [
        "Top against Quark, W",
        *(f"{one} against the rest" for one in ("Quark", "W", "Top")),
    ]
    tab.choose("#question", 3)
    tab.choose("#classifier", 1)
    numbers = summary.taggers["boosting"].discriminants["top_vs_rest"]
    assert f"AUC {numbers.auc.value:.4g}" in tab.text("#now")
    for row, (name, one) in zip(rows_of(tab, "points"), numbers.rejection.items(), strict=True):
        assert row[0] == name
        assert row[1].startswith(f"above {one.low:.3g}" if one.is_limit else f"{one.value:.3g} (")
    for side, matrix in enumerate(summary.taggers["boosting"].confusion.__dict__.values()):
        tab.choose("#confusion-side", side)
        expected = [list(row.values()) for row in matrix.values()]
        shown = [[float(cell) for cell in row[1:]] for row in rows_of(tab, "confusion")]
        assert np.allclose(shown, expected, atol=6e-4)
    assert tab.evaluate("document.getElementById('significance-figure').hidden")
    assert [row[1].split(" of ")[1] for row in rows_of(tab, "passing")] == ["60"] * 3
    of, row = content_of(page)["gallery"], int(state_of(tab)["row"])
    shown = dict(rows_of(tab, "row-scores"))
    values = {one["title"]: one["values"][row] for one in of["scores"]}
    mine = {title: one for title, one in values.items() if title.startswith("CNN: P(")}
    assert sum(mine.values()) == pytest.approx(1.0, abs=1e-6)
    largest = max(mine, key=mine.get)
    assert float(shown[largest]) == pytest.approx(mine[largest], rel=6e-3)
    assert tab.evaluate("document.getElementById('row-jets-frame').hidden")
    assert tab.console == []


def test_hostile_names_are_shown_as_they_are(tab, taggers, tmp_path):
    """Names of classes, samples, variables and classifiers: nothing runs, nothing loads."""
    texts = list(PAYLOADS.values())
    classes = list(TaggingSummary.read(taggers.summary).classes)
    options = options_of_taggers(
        classes,
        title=" ".join(texts[:3]),
        class_titles=dict(zip(classes, (texts[1], texts[2], texts[6]), strict=True)),
        sample_titles=dict(zip(classes, (texts[5], texts[9], texts[12]), strict=True)),
        variables={"pt": texts[5], "mass": texts[6], "tau21": "${x} %{y}"},
        classifiers={"cnn": " ".join(texts), "boosting": texts[1]},
    )
    page = tmp_path / "explore.html"
    explore.write_explorer(taggers, page, options)
    tab.console.clear()
    tab.open(page, "#classifier=1", ready=READY)
    assert tab.console == []
    foreign = "img, iframe, form, script[src], link[rel~=stylesheet], a[href*=evil], [onload]"
    assert tab.evaluate(f"document.querySelectorAll('{foreign}').length") == 0
    assert tab.evaluate("document.querySelectorAll('script').length") == 3
    assert tab.evaluate("document.querySelectorAll('body > *').length") <= 7  # with those of plotly
    shown = [as_read(in_words(texts[k])) for k in (1, 2, 6)]
    assert [row[0] for row in rows_of(tab, "passing")] == shown
    legend = tab.evaluate(
        "[...document.querySelectorAll('#score .legendtext')].map((e) => e.textContent)"
    )
    assert [as_read(one) for one in legend] == shown
    names = tab.evaluate("[...document.getElementById('classifier').options].map((o) => o.text)")
    assert names[1] == as_read(texts[1])
    assert tab.evaluate("document.title").startswith("Explore: HT of 8_jets <script>")
