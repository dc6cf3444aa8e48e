"""The report: what is in the page, what a browser shows of it, and the numbers as CSV."""

import csv
import io
import json
import re
import struct
import subprocess
import sys
import zlib
from base64 import b64decode
from dataclasses import replace

import pytest
from browser import CHROMIUM, DESKTOP, PHONE, dead_links, measure
from hypothesis import given, settings
from hypothesis import strategies as st

from calovision.core.errors import InputError
from calovision.core.markdown import Markdown
from calovision.report.numbers import numbers_csv, write_csv
from calovision.report.page import write_report
from calovision.report.parts import Figure, Section, Table, read_sections

NO_CHROMIUM = "no chromium, chromium-browser or google-chrome found to open the page with"
EFFICIENCIES = ["0.992 (0.987-0.994)", "0.950 (0.908-0.968)", "0.960 (0.909-0.969)", "<0.001"]


def png(width, height, color=(20, 90, 160)):
    """A PNG of one color, made by hand from the format's specification."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = zlib.compress((b"\0" + bytes(color) * width) * height)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def make_figure(
    folder, name, width=960, height=720, caption="What it shows. What to see.", with_pdf=True
):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.png").write_bytes(png(width, height))
    (folder / f"{name}.pdf").write_bytes(b"%PDF-1.4")
    pdf = folder / f"{name}.pdf" if with_pdf else None
    return Figure(folder / f"{name}.png", f"Title of {name}", caption, pdf)


def make_sections(folder):
    """Sections with everything in them, and one with a text only."""
    plots = folder / "plots"
    displays = [make_figure(plots, f"display {n}", 1400, 700, "All displays.") for n in range(4)]
    table = Table(
        "Signal efficiency",
        [
            "classifier",
            *(f"at background {b}" for b in ("0.01", "0.001", "signal region's", "none")),
        ],
        [[name, *EFFICIENCIES] for name in ("`cnn`", "n_fat_jets", "cnn + variables | cuts")],
        "Intervals hold 68 %.",
    )
    text = (
        "A search, arXiv:1711.03573.\n\n| sample | events |\n|---|---|\n| qcd | 24000 |\n| rpv "
        "| 4000 |"
    )
    return [
        Section("data", "Data", text),
        Section(
            "images", "Images", figures=[make_figure(plots, "mean", with_pdf=False), *displays]
        ),
        Section(
            "performance",
            "Performance",
            "*Weighted.*",
            [make_figure(plots, n) for n in "ab"],
            [table],
        ),
    ]


def write(folder, sections, **options):
    (folder / "tables of HEPData").mkdir(parents=True, exist_ok=True)
    (folder / "numbers.csv").write_text("quantity,value\n")
    defaults = {
        "title": "CNNs against cuts",
        "summary": {"Luminosity": "36.1 /fb", "Signal efficiency": "0.960 (0.909-0.969)"},
        "files": {"All numbers": folder / "numbers.csv", "HEPData": folder / "tables of HEPData"},
        "foot": "Made by `snakemake`.",
    }
    write_report(folder / "report.html", sections, **(defaults | options))
    return folder / "report.html"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    return write(folder, make_sections(folder))


@pytest.fixture(scope="module", params=[DESKTOP, PHONE])
def width(request):
    return request.param


@pytest.fixture(scope="module")
def seen(page, width, tmp_path_factory):
    """What a browser measured on the page (`browser.measure`)."""
    if CHROMIUM is None:
        pytest.skip(NO_CHROMIUM)
    found = measure(page, width, tmp_path_factory.mktemp("browser"))
    return found | {"text": found["text"].replace("\N{NO-BREAK SPACE}", " ")}


def text_of(folder, sections, **options):
    return write(folder, sections, **options).read_text()


def test_browser_shows_every_figure_and_no_error(seen, width):
    assert seen["console"] == []
    names = ["mean", *(f"display {n}" for n in range(4)), "a", "b"]
    assert [image["alt"] for image in seen["images"]] == [f"Title of {name}" for name in names]
    assert [image["pixels"] for image in seen["images"]] == [960, 1400, 1400, 1400, 1400, 960, 960]
    for image in seen["images"]:
        left, _, shown_width, shown_height = image["box"]
        assert image["shown"]
        assert image["on_top"]
        assert not image["clipped"]
        assert left >= 0
        assert left + shown_width <= width
        assert shown_width >= 0.3 * width
        ratio = 2.0 if "display" in image["alt"] else 4 / 3
        assert shown_width / shown_height == pytest.approx(ratio, rel=0.01)
    for words in (
        "CNNs against cuts",
        "36.1 /fb",
        "Figure 7",
        "What to see.",
        "Intervals hold 68 %.",
        "snakemake",
    ):
        assert words in seen["text"]


def test_page_fits_the_window(seen, width):
    assert seen["width"] == seen["content_width"] == width
    assert seen["smallest_font"] >= 12
    assert len(seen["frames"]) == 2
    for left, _, frame_width, _, inner_width in seen["frames"]:
        assert left + frame_width <= width
        assert inner_width <= frame_width or width == PHONE
    assert (seen["frames"][1][4] > seen["frames"][1][2]) == (
        width == PHONE
    )  # the wide table scrolls on a phone only
    contents = {name: box for name, *box in seen["links"][:4]}
    assert list(contents) == ["Data", "Images", "Performance", "Files"]
    for _, _, link_width, height in (box for name, *box in seen["links"] if name):
        assert (
            min(link_width, height) >= 15
        )  # to be hit with a finger; those of the contents and PDF more easily
    assert all(
        min(box[2:]) >= 24 for name, *box in seen["links"] if name == "PDF" or name in contents
    )


def test_click_shows_a_figure_large_and_another_closes_it(seen, width):
    (_, _, large, _), view, on_top = seen["large"]
    assert view == [0, 0, width, 844]  # the whole window
    (_, _, small, _), n_open = seen["closed"]
    assert large > 1.5 * small
    assert on_top == "close"
    assert small == seen["images"][0]["box"][2]
    assert n_open == 0


@pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)
def test_measurements_see_the_faults_of_a_page(tmp_path):
    body = """<main><p style="font-size: 8px">small</p><img src="missing.png" alt="broken"></main>
    <img alt="hidden" style="visibility: hidden" src="a.png"><img alt="covered" src="a.png">
    <div style="position: fixed; inset: 0; width: 2000px"></div><div style="width: 600px">wide</div>
    <div style="height: 5px; overflow: hidden"><img alt="clipped" src="a.png"></div>
    <script>undefined_name()</script>"""
    (tmp_path / "a.png").write_bytes(png(30, 20))
    (tmp_path / "bad.html").write_text(f"<!DOCTYPE html><html><body>{body}</body></html>")
    seen = measure(tmp_path / "bad.html", PHONE, tmp_path)
    assert seen["console"] == ["Uncaught ReferenceError: undefined_name is not defined"]
    assert [image["pixels"] for image in seen["images"]] == [0, 30, 30, 30]
    assert [image["shown"] for image in seen["images"]] == [True, False, True, True]
    assert [image["clipped"] for image in seen["images"]] == [False, False, False, True]
    assert not seen["images"][2]["on_top"]
    assert seen["content_width"] >= 600
    assert seen["smallest_font"] == 8


@pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)
def test_sections_and_details_fold(tmp_path):
    """What is folded is in the page, but not seen; paper has it all (`details-content`)."""
    plots = tmp_path / "plots"
    detail = replace(make_figure(plots, "detail"), is_detail=True)
    sections = [
        Section("answer", "Result", "Text.", [make_figure(plots, "roc"), detail]),
        Section("run", "Run", "Folded.", [make_figure(plots, "time")], is_open=False),
    ]
    page = write(tmp_path, sections)
    seen = measure(page, PHONE, tmp_path)
    shown = {image["alt"].split()[-1]: image["shown"] for image in seen["images"]}
    assert shown == {"roc": True, "detail": False, "time": False}
    assert "1 more figure" in seen["text"]
    assert "Folded." not in seen["text"]
    text = page.read_text()
    assert text.count("<details") == text.count("<summary") == 3
    assert re.search(r"@media print \{(?:.|\n)*details::details-content \{[^}]*visible", text)


def test_names_in_tables_break_behind_underscores(tmp_path):
    table = Table("T", ["rule", "n"], [["plot_extreme_events", "1"], ["_x_", "2"]])
    text = text_of(tmp_path, [Section("a", "A", tables=[table])])
    assert "<td>plot_<wbr>extreme_<wbr>events</td>" in re.sub(r"<wbr ?/?>", "<wbr>", text)


def test_every_link_is_alive(page, tmp_path):
    assert dead_links(page) == []
    copy = tmp_path / "report.html"
    copy.write_text(page.read_text().replace('id="data"', 'id="other"'))
    dead = dead_links(copy)
    assert dead[0] == "#data"
    assert set(dead[1:]) >= {
        "numbers.csv",
        "tables%20of%20HEPData/",
        "plots/a.pdf",
        "plots/display%203.pdf",
    }
    assert "plots/mean.pdf" not in page.read_text()


def test_page_loads_nothing_and_runs_nothing(page):
    text = page.read_text()
    assert "<script" not in text
    assert re.findall(r'src="(?!data:)', text) == []
    assert "url(" not in text
    assert "@import" not in text
    assert set(re.findall(r"https?://[^\"<]*", text)) == {"https://arxiv.org/abs/1711.03573"}
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
        "form-action 'none'"
    )
    assert f'"Content-Security-Policy" content="{policy}"' in text


def test_figures_are_in_the_page_byte_by_byte(page):
    figures = [
        b64decode(data) for data in re.findall(r"data:image/png;base64,([^\"]*)", page.read_text())
    ]
    names = ["mean", *(f"display {n}" for n in range(4)), "a", "b"]
    assert figures == [(page.parent / "plots" / f"{name}.png").read_bytes() for name in names]


def test_same_input_gives_the_same_page(page, tmp_path):
    assert write(tmp_path, make_sections(tmp_path)).read_bytes() == page.read_bytes()


@pytest.mark.parametrize(
    ("shapes", "layouts"),
    [
        ([(4, 3)], ["alone"]),
        ([(4, 3), (1, 1)], ["half", "half"]),
        ([(4, 3), (1, 1), (4, 3)], ["half", "half", "alone"]),
        ([(4, 3), (2, 1), (4, 3), (4, 3)], ["alone", "wide", "half", "half"]),
        ([(17, 10), (18, 10)], ["alone", "wide"]),
    ],
)
def test_figures_fill_two_columns_without_a_gap(shapes, layouts, tmp_path):
    figures = [
        make_figure(tmp_path, str(n), *shape, f"Caption {n}.") for n, shape in enumerate(shapes)
    ]
    text = text_of(tmp_path, [Section("images", "Images", figures=figures)])
    assert re.findall(r'<figure class="(.*)">', text) == layouts


def test_neighbors_with_one_caption_share_it_and_those_without_one_do_not(tmp_path):
    captions = ["One.", "Same.", "Same.", "", "", "Same."]
    figures = [make_figure(tmp_path, str(n), caption=caption) for n, caption in enumerate(captions)]
    text = text_of(tmp_path, [Section("images", "Images", figures=figures)])
    assert re.findall(r'<figure class="(.*)">', text) == [
        "alone",
        "wide group",
        "half",
        "half",
        "alone",
    ]
    assert text.count("Same.") == 2
    assert re.findall(r"<b>Figure (\d)</b> Title of (\d)", text) == [
        (str(n + 1), str(n)) for n in range(6)
    ]


def test_tables_keep_their_cells_and_align_numbers(tmp_path):
    rows = [["a|b", "-0.5", "yes"], [Markdown("**c**"), "< 1", "3"], ["`d`", "–", "−2"]]
    text = text_of(
        tmp_path, [Section("data", "Data", tables=[Table("T", ["name", "number", "mixed"], rows)])]
    )
    assert re.findall(r'<th( class="number")? scope="col">(\w*)</th>', text) == [
        ("", "name"),
        (' class="number"', "number"),
        ("", "mixed"),
    ]
    cells = re.findall(r"<td[^>]*>(.*?)</td>", text)
    assert cells == ["a|b", "-0.5", "yes", "<strong>c</strong>", "&lt; 1", "3", "`d`", "–", "−2"]
    assert 'aria-label="Table: name, number, mixed"' in text


def test_intervals_are_kept_together(tmp_path):
    rows = [["a (b)", "0.5 (0.4 to 0.6)"], ["c", "7"]]
    text = text_of(
        tmp_path, [Section("data", "Data", tables=[Table("T", ["name", "number"], rows)])]
    )
    cells = re.findall(r"<td[^>]*>(.*?)</td>", text)
    assert cells == ["a (b)", "0.5 <span>(0.4 to 0.6)</span>", "c", "7"]


def test_plain_text_is_escaped(tmp_path):
    text = text_of(
        tmp_path, [Section("data", "pT < 400 & more")], title="<b>", summary={"<i>": "<u>"}
    )
    assert "<b>&lt;" not in text
    for escaped in (
        "<h1>&lt;b&gt;</h1>",
        "<dt>&lt;i&gt;</dt>",
        "<span>&lt;u&gt;</span>",
        ">pT &lt; 400 &amp; more</h2>",
    ):
        assert escaped in text


def test_links_are_relative_to_the_page(tmp_path):
    elsewhere = tmp_path / "metrics" / "100 %.json"
    elsewhere.parent.mkdir()
    elsewhere.write_text("{}")
    page = write(tmp_path / "pages", [], files={"JSON": elsewhere})
    assert 'href="../metrics/100%20%25.json"' in page.read_text()
    assert "<span>../metrics/100 %.json</span>" in page.read_text()
    assert dead_links(page) == []


def broken_sections(folder, fault):
    """Sections with one fault."""
    figure = make_figure(folder, "roc")
    if fault == "figure":
        figure.path.unlink()
    elif fault == "png":
        figure.path.write_bytes(b"GIF89a")
    elif fault == "pdf":
        figure.pdf.unlink()
    table = Table("Efficiencies", ["a", "b"], [["1", "2"], ["1"]] if fault == "row" else [])
    names = {"twice": ["data", "data"], "taken": ["files"]}.get(fault, ["data"])
    return [Section(name, "Data", "", [figure], [table]) for name in names]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            "figure",
            r"roc\.png: figure 'Title of roc' of the report cannot be read \(No such file or "
            r"directory\)",
        ),
        ("png", r"roc\.png: figure 'Title of roc' of the report is no PNG"),
        ("pdf", r"roc\.pdf: the report links it, but it does not exist"),
        ("row", "table 'Efficiencies': row 2 has 1 cells but the header 2"),
        ("twice", "section name 'data' is taken"),
        ("taken", "section name 'files' is taken"),
    ],
)
def test_bad_input_is_named_and_the_older_page_stays(fault, message, tmp_path):
    page = write(tmp_path, [])
    before = page.read_bytes()
    with pytest.raises(InputError, match=message):
        write(tmp_path, broken_sections(tmp_path, fault))
    assert page.read_bytes() == before
    assert list(tmp_path.glob(".*")) == []


def test_missing_file_to_link_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.json: the report links it, but it does not exist"):
        write(tmp_path, [], files={"JSON": tmp_path / "gone.json"})
    assert not (tmp_path / "report.html").exists()


@pytest.fixture
def entries(tmp_path):
    make_figure(tmp_path, "roc")
    (tmp_path / "intro.md").write_text("Samples: {{ samples | join(', ') }}.\n")
    (tmp_path / "summary.md").write_text("| a |\n|---|\n| {{ no placeholder }} |\n")
    figure = {"name": "roc", "title": "ROC", "caption": "With {{ luminosity_fb }} /fb."}
    return [
        {"name": "data", "title": "Data", "text": "Here."},
        {
            "name": "performance",
            "title": "Performance",
            "text_file": str(tmp_path / "intro.md"),
            "tables": [str(tmp_path / "summary.md")],
            "figures": [figure],
        },
    ]


VALUES = {"luminosity_fb": 36.1, "samples": ["rpv", "qcd"]}


def test_sections_from_entries(entries, tmp_path):
    data, performance = read_sections(entries, plots=tmp_path, values=VALUES)
    assert data == Section("data", "Data", "Here.", [])
    assert performance.text == "Samples: rpv, qcd.\n\n| a |\n|---|\n| {{ no placeholder }} |"
    assert performance.figures == [
        Figure(tmp_path / "roc.png", "ROC", "With 36.1 /fb.", tmp_path / "roc.pdf")
    ]
    (tmp_path / "roc.pdf").unlink()
    assert read_sections(entries, plots=tmp_path, values=VALUES)[1].figures[0].pdf is None


def test_bad_entries_are_named(entries, tmp_path):
    def read(values=VALUES, **changes):
        read_sections([entries[1] | changes], plots=tmp_path, values=values)

    with pytest.raises(
        InputError, match="section 'performance' of the report has unknown key 'figure'"
    ):
        read(figure=[])
    with pytest.raises(
        InputError,
        match="figure 'roc' of the report has no 'title'; known are caption, is_detail, name",
    ):
        read(figures=[{"name": "roc"}])
    with pytest.raises(
        InputError, match=r"intro\.md: 'samples' is undefined; known values are none"
    ):
        read(values={})
    with pytest.raises(InputError, match=r"gone\.md: cannot be read as text of the report"):
        read(tables=[tmp_path / "gone.md"])
    (tmp_path / "intro.md").write_text("{{ samples")
    with pytest.raises(InputError, match=r"intro\.md: unexpected end of template"):
        read()
    (tmp_path / "intro.md").write_text("")
    figure = {"name": "roc", "title": "ROC", "caption": "{{ grid }}"}
    with pytest.raises(InputError, match="caption of figure 'roc' of the report: 'grid' is undef"):
        read(figures=[figure])


NUMBERS = {
    "cnn": {
        "efficiency": {"0.01": {"value": 0.9922178988326846, "n_eff": 14}},
        "seeds": [1, 2],
        "empty": {},
    },
    "a/b~c": [True, None, 1e-300, -0.0],
    "text": 'quoted, "x"',
}


def test_csv_has_every_number_as_in_json():
    assert numbers_csv(NUMBERS).splitlines() == [
        "quantity,value",
        "cnn/efficiency/0.01/value,0.9922178988326846",
        "cnn/efficiency/0.01/n_eff,14",
        "cnn/seeds/0,1",
        "cnn/seeds/1,2",
        "a~1b~0c/0,true",
        "a~1b~0c/1,null",
        "a~1b~0c/2,1e-300",
        "a~1b~0c/3,-0.0",
        'text,"quoted, ""x"""',
    ]


def test_csv_has_no_formulas():
    rows = list(
        csv.reader(
            io.StringIO(
                numbers_csv({"=a": "=cmd|' /C calc'!A0", "b": -1.5, "c": "x=1", "@d": "+1"})
            )
        )
    )
    assert rows[1:] == [["'=a", "'=cmd|' /C calc'!A0"], ["b", "-1.5"], ["c", "x=1"], ["'@d", "'+1"]]


KEYS = st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"]))


@settings(max_examples=100)
@given(
    st.dictionaries(
        KEYS, st.floats() | st.integers() | st.lists(st.floats(), min_size=1), min_size=1
    )
)
def test_csv_gives_every_number_back(numbers):
    rows = list(csv.reader(io.StringIO(numbers_csv(numbers), newline="")))
    expected = [
        x for value in numbers.values() for x in (value if isinstance(value, list) else [value])
    ]
    assert [repr(json.loads(value)) for _, value in rows[1:]] == [repr(x) for x in expected]
    assert len({quantity for quantity, _ in rows[1:]}) == len(expected)


def test_csv_of_what_is_no_json_names_it(tmp_path):
    with pytest.raises(
        InputError, match="number 'a/0' is a complex; give numbers, text, lists and mappings"
    ):
        write_csv(tmp_path / "numbers.csv", {"a": [1j]})
    assert list(tmp_path.iterdir()) == []
    write_csv(tmp_path / "numbers.csv", NUMBERS)
    assert (tmp_path / "numbers.csv").read_text() == numbers_csv(NUMBERS)


def test_stage_of_the_workflow(entries, tmp_path):
    (tmp_path / "summary.json").write_text(json.dumps(NUMBERS))
    job = {
        "files": {
            "numbers": [str(tmp_path / "summary.json")],
            "plots": [str(tmp_path / "roc.png"), str(tmp_path / "roc.pdf")],
        },
        "results": {
            "page": str(tmp_path / "report.html"),
            "numbers": str(tmp_path / "numbers.csv"),
            "configuration": str(tmp_path / "configuration.yaml"),
        },
        "options": {
            "title": "T",
            "facts": {"Luminosity": 36.1},
            "sections": entries,
            "placeholders": VALUES,
            "links": {"All numbers": str(tmp_path / "numbers.csv")},
            "foot": "Foot.",
        },
    }
    program = """
import json, sys
from types import SimpleNamespace
from calovision.stages import report as stage
job = {name: SimpleNamespace(**values) for name, values in json.load(sys.stdin).items()}
files, results = stage.ReportFiles.of(job["files"]), stage.ReportResults.of(job["results"])
options = stage.ReportOptions.of(job["options"])
stage.write_report(files, results, options, {"seed": 3, "plots": {"n_event_displays": 2}})
print(sorted({"matplotlib", "torch", "snakemake"} & set(sys.modules)))
"""
    command = [sys.executable, "-c", program]
    result = subprocess.run(
        command, input=json.dumps(job), capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "[]\n", "")
    assert (tmp_path / "numbers.csv").read_text() == numbers_csv({"summary": NUMBERS})
    assert dead_links(tmp_path / "report.html") == []
    text = (tmp_path / "configuration.yaml").read_text()
    assert "seed: 3                         # seed of simulation" in text
    assert "  n_event_displays: 2           # event displays per class\n" in text
    for words in ("36.1 /fb.", "Samples: rpv, qcd.", "{{ no placeholder }}", "Foot."):
        assert words in (tmp_path / "report.html").read_text()


def test_cuts_of_the_preselection_are_told_one_after_the_other(tmp_path):
    values = {
        "preselection": {"three jets": "n_fat_jets >= 3", "hard": "leading_pt > 440"},
        "signal_region": "ht > 1",
        "is_tagging": False,
        "is_regression": False,
    }
    entry = {"name": "selection", "title": "Selection", "text_file": "selection.md.j2"}
    (section,) = read_sections([entry], plots=tmp_path, values=values)
    assert "three jets (`n_fat_jets >= 3`), then hard (`leading_pt > 440`)." in section.text
    of_tagger = {"is_tagging": True, "preselection": {}, "jet_selection": {"hard": "pt > 500"}}
    (section,) = read_sections([entry], plots=tmp_path, values=of_tagger)
    assert section.text == "Cuts on jets: hard (`pt > 500`)."
