"""Images on the terminal: where the energy is, and how bright."""

import io

import numpy as np
import pytest
from rich.console import Console

from calovision.cli import summary
from calovision.cli.summary import columns, pairs
from calovision.cli.terminal import (
    COLORS,
    DENSITIES,
    MARGIN,
    density_levels,
    draw_plane,
    fit_to_columns,
)
from calovision.images.grid import EtaPhiGrid, JetGrid


def draw(cells, grid=None, **options):
    """Lines of the drawing."""
    grid = EtaPhiGrid(*cells.shape) if grid is None else grid
    text = draw_plane(cells, eta_edges=grid.edges_in_eta, phi_edges=grid.edges_in_phi, **options)
    return text.plain.splitlines()


def inside(lines):
    """What is between the frame's sides, top line first."""
    return [line.split("│")[1] for line in lines if "│" in line]


def place(lines, character="@"):
    """Line and column of a character that is there once, inside the frame."""
    found = [
        (row, line.index(character)) for row, line in enumerate(inside(lines)) if character in line
    ]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("eta", "phi", "line", "column"),
    [
        (-2.49, -3.1, 31, 0),  # lower left
        (-2.49, 3.1, 0, 0),  # upper left
        (2.49, -3.1, 31, 63),
        (2.49, 3.1, 0, 63),
        (1.1, 2.0, 5, 46),  # floor(64 * 3.6 / 5) = 46; floor(32 * (pi - 2) / (2 pi)) = 5
    ],
)
def test_the_hot_cell_is_where_the_energy_is(eta, phi, line, column):
    grid = EtaPhiGrid(64, 64)
    cells = np.zeros(grid.n_cells)
    cells[grid.cell_index(eta, phi)] = 50.0
    assert place(draw(cells.reshape(64, 64), grid)) == (line, column)


def test_half_blocks_have_the_color_of_their_two_cells():
    cells = np.zeros((64, 64))
    cells[1, 63] = 100.0  # top row: the upper half of the first line
    cells[2, 62] = 100.0  # the lower half
    text = draw_plane(cells, eta_edges=[-2, 0, 2], phi_edges=[-1, 0, 1], color=True)
    first, second = text.plain.splitlines()[:2]
    assert second[MARGIN : MARGIN + 64] == "▀" * 64
    start = len(first) + 1 + MARGIN
    styles = [text.get_style_at_offset(Console(), start + column) for column in range(64)]
    dark, bright = COLORS[0], COLORS[-1]
    expected = [(dark, dark), (bright, dark), (dark, bright)] + 61 * [(dark, dark)]
    assert [(style.color.name, style.bgcolor.name) for style in styles] == expected


def test_brightness_is_logarithmic():
    # 3 decades over 9 steps: a third of a decade each; what is faint is not lost
    values = np.array([1000.0, 999.0, 400.0, 2.2, 2.1, 1.0, 1e-30, 0.0, -5.0])
    assert density_levels(values).tolist() == [9, 9, 8, 2, 1, 1, 1, 0, 0]
    assert density_levels(np.zeros(3)).tolist() == [0, 0, 0]


def test_cells_are_summed_and_repeated_to_fit():
    rng = np.random.default_rng(1)
    large = rng.exponential(1.0, (224, 100))
    small = fit_to_columns(large)
    assert small.shape == (64, 64)
    assert small.sum() == pytest.approx(large.sum())
    # 224/64 = 3.5: cells 0-2 and 3-6 of eta, 100/64: cells 0 and 1-2 of phi
    assert small[0, 0] == pytest.approx(large[:3, 0].sum())
    assert small[1, 1] == pytest.approx(large[3:7, 1:3].sum())
    tiny = np.arange(6.0).reshape(2, 3)
    assert fit_to_columns(tiny).shape == (42, 63)
    assert np.array_equal(fit_to_columns(tiny)[::21, ::21], tiny)


def test_density_sums_two_cells_in_phi():
    cells = np.zeros((64, 64))
    cells[5, 62] = cells[5, 63] = 500.0
    cells[9, 0] = 1000.0
    lines = inside(draw(cells))
    assert lines[0][5] == lines[31][9] == "@"
    assert sum(character != " " for line in lines for character in line) == 2


def test_labels_of_the_axes():
    lines = draw(np.ones((64, 64)))
    assert [lines[n][:MARGIN].split("│")[0].strip() for n in (1, 8, 16, 32)] == [
        "π",
        "φ",
        "0",
        "-π",
    ]
    assert lines[34].split() == ["-2.5", "0", "η", "2.5"]
    assert lines[34].index("-2.5") == MARGIN
    assert lines[35].split() == [
        "≤",
        "0.0043",
        DENSITIES[1:].strip(),
        "2",
        "GeV",
    ]  # 2 * 10^(-3 + 1/3)
    lines = draw(np.ones((25, 25)), JetGrid(25, 25, 1.6), unit="")
    assert lines[-2].split() == ["-0.8", "0", "η", "0.8"]
    assert lines[-1].endswith(" 1")  # without a unit
    assert max(map(len, lines)) <= 64 + MARGIN + 2


def test_unequal_edges_and_odd_numbers_of_cells():
    grid = EtaPhiGrid(3, 5, eta_edges=(-3.0, -1.0, 1.0, 2.0))
    cells = np.zeros((3, 5))
    cells[2, 0] = 1.0
    lines = draw(cells, grid)
    assert lines[-2].split() == ["-3", "0", "η", "2"]
    hot = [
        (row, line.index("@"), line.rindex("@"))
        for row, line in enumerate(inside(lines))
        if "@" in line
    ]
    # 64 // 5 = 12 characters a cell: columns 24 to 35, the lowest 12 of 60 rows in 6 lines
    assert {pair[1:] for pair in hot} == {(24, 35)}
    assert [row for row, *_ in hot] == list(range(24, 30))


def test_an_empty_image():
    lines = draw(np.zeros((8, 8)))
    assert set("".join(inside(lines))) == {" "}
    assert lines[-1].strip() == "no content"


def test_a_repeated_cell_counts_once():
    cells = np.zeros((25, 25))
    cells[3, 4] = 400.0
    assert draw(cells)[-1].endswith(" 400 GeV")
    cells = np.zeros((64, 64))
    cells[3, 4:6] = 200.0
    assert draw(cells)[-1].endswith(" 400 GeV")
    text = draw_plane(cells, eta_edges=[-2, 0, 2], phi_edges=[-1, 0, 1], color=True).plain
    assert text.endswith(" 200 GeV")


def test_a_narrow_terminal_cuts_instead_of_wrapping(monkeypatch):
    console = Console(file=io.StringIO(), width=40, force_terminal=True, no_color=True)
    monkeypatch.setattr(summary, "Console", lambda **_: console)
    text = draw_plane(np.ones((64, 64)), eta_edges=[-2, 0, 2], phi_edges=[-1, 0, 1])
    summary.show(text)
    lines = console.file.getvalue().splitlines()
    assert len(lines) == len(text.plain.splitlines())
    assert max(map(len, lines)) == 40


def test_names_in_tables_are_not_cut():
    name = "AnalysisJetsAuxDyn.JetConstitScaleMomentum_pt"
    console = Console(width=40, file=io.StringIO())
    console.print(columns(("a", "b"), [("towers", name)], title="t"), pairs([("towers", name)]))
    text = "".join(console.file.getvalue().split())
    assert text.count(name) == 2
    assert "…" not in text
