"""``calovision inspect``: the numbers of a file, and one event of it."""

import re

import awkward as ak
import numpy as np
import pytest
from fakes import make_events, write_image_file, write_ntuple
from fakes_cli import fail, fail_usage, succeed
from fakes_ntuples import jetclass_columns, write_file
from matplotlib.image import imread

from calovision.cli.display import brightest_channels
from calovision.cli.event_display import read_event
from calovision.cli.inspect_ntuple import count_weights, describe_weights
from calovision.cli.summary import overflow_shares
from calovision.images.grid import JetGrid
from calovision.ntuples import Ntuple
from calovision.storage import ImageFile

DELPHES = "delphes_ATLASfat_rpv_go1400_n850_pythia8_100ev_slim.root"


def rows(text):
    """Lines of the tables with single spaces."""
    return [" ".join(line.split()) for line in text.splitlines()]


def inside(text):
    """Lines of the display, between the frame's sides."""
    return [line.split("│")[1] for line in text.splitlines() if line.count("│") == 2]


def write_hot_towers(path, towers, **options):
    """Events of one tower each: (eta, phi, e_em)."""
    fields = np.array(towers, dtype=np.float64)[:, None, :]
    names = ("eta", "phi", "e_em")
    events = ak.zip({name: ak.from_regular(fields[:, :, n]) for n, name in enumerate(names)})
    events["e_had"] = ak.zeros_like(events.e_em)
    tracks = ak.zip({"pt": events.e_em, "eta": events.eta, "phi": events.phi})
    return write_ntuple(path, events, tracks, **options)


def test_numbers_of_a_delphes_file(delphes_dir):
    text = succeed("inspect", delphes_dir / DELPHES)
    lines = rows(text)
    info = Ntuple(delphes_dir / DELPHES, schema="delphes").info
    assert "Delphes TTree 100 330" in lines
    assert "delphes yes" in lines
    assert "calovision no the tree 'events'" in lines
    assert f"UUID {info.uuid}" in lines
    assert "generated 100 events" in lines
    assert "sum of weights 100" in lines
    assert "negative 0.00% of the entries" in lines
    assert "cross-section unknown" in lines
    assert "entry 0, event 0: em_et + had_et" in lines
    jet = next(line for line in lines if re.fullmatch(r"[\d.e+]+ -?[\d.]+ -?[\d.]+ [\d.]+", line))
    assert float(jet.split()[0]) > 200


def test_weights_of_a_file(tmp_path):
    towers, tracks = make_events(8)
    weight = [2.0, -1.0, 2.0, 2.0, -1.0, 2.0, 2.0, 2.0]
    path = write_ntuple(
        tmp_path / "a.root", towers, tracks, weight=weight, n_generated=50, total=62.5
    )
    lines = rows(succeed("inspect", path))
    assert {"generated 50 events", "sum of weights 62.5", "cross-section 10 pb"} <= set(lines)
    assert "negative 25.00% of the entries" in lines
    assert "schema calovision" in lines
    assert "events TTree 8 " in " ".join(lines)
    with Ntuple(path) as ntuple:
        assert (count_weights(ntuple), describe_weights(ntuple)) == ((2, 0), "1 an event")


@pytest.mark.parametrize(("weight", "doubtful"), [([0.0, 0.0], True), ([0.0, -1.0], False)])
def test_weights_that_are_all_zero(tmp_path, weight, doubtful):
    path = write_ntuple(tmp_path / "a.root", *make_events(2), weight=weight, total=1.0)
    assert ("doubtful weights: all of them are 0" in rows(succeed("inspect", path))) == doubtful
    with Ntuple(path) as ntuple:
        assert count_weights(ntuple) == (weight.count(-1.0), weight.count(0.0))


@pytest.mark.parametrize(("event", "line", "column"), [(0, 31, 0), (1, 5, 46), (2, 0, 63)])
def test_the_hot_cell_of_the_event_is_where_the_energy_is(tmp_path, event, line, column):
    towers = [(-2.49, -3.1, 7.0), (1.1, 2.0, 300.0), (2.49, 3.1, 40.0)]
    path = write_hot_towers(tmp_path / "a.root", towers, first=10)
    text = succeed("inspect", path, "--event", event)
    found = [(row, text.index("@")) for row, text in enumerate(inside(text)) if "@" in text]
    assert found == [(line, column)]
    assert f"entry {event}, event {10 + event}: em_et + had_et" in text
    eta, _, energy = towers[event]
    assert text.rstrip().endswith(f"{energy / np.cosh(np.float32(eta)):.4g} GeV")


def test_an_event_of_a_later_basket(tmp_path):
    towers, tracks = make_events(30)
    path = write_ntuple(tmp_path / "a.root", towers, tracks, first=100, parts=3)
    ntuple = Ntuple(path)
    for number in (0, 6, 7, 29):
        event = read_event(ntuple, number, {"towers": {"e_em"}})
        assert event.event_number.tolist() == [100 + number]
        assert ak.to_list(event.towers.e_em) == ak.to_list(
            ak.values_astype(towers.e_em[number : number + 1], "f4")
        )
        assert event.tracks is None
    assert fail("inspect", path, "--event", 30, stdout=True) == (
        f"calovision: {path} has 30 entries: --event must be below that, not 30\n"
    )


def test_a_file_that_fits_no_schema(tmp_path):
    import uproot

    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("ntuple", {"x": "float32"}).extend({"x": np.zeros(3, dtype=np.float32)})
    lines = rows(succeed("inspect", tmp_path / "a.root"))
    assert "ntuple TTree 3 1" in lines
    assert "delphes no the tree 'Delphes'" in lines
    reason = (
        "No schema fits: the tree ntuple has no branch with a list of objects, and no numbered "
        "ones (jet1_pt, jet2_pt)."
    )
    assert reason in lines
    command = f"calovision inspect {tmp_path / 'a.root'} --suggest my.yaml"
    assert f"{command} writes a starter schema" in lines


def test_a_known_file_whose_tree_has_another_name(tmp_path):
    path = write_file(tmp_path / "a.root", mine=jetclass_columns(), other={"x": [1.0]})
    output = succeed("inspect", path)
    assert re.findall(r"--tree (\w+) +reads it as (\w+)", output) == [("mine", "jetclass")]


def test_a_file_without_entries(tmp_path):
    towers, tracks = make_events(3)
    path = write_ntuple(tmp_path / "a.root", towers[:0], tracks[:0], n_generated=5, total=5.0)
    lines = rows(succeed("inspect", path))
    assert "negative no entries" in lines
    assert "generated 5 events" in lines


def is_drawn(path):
    """Whether a picture has content: many pixels that are not white, in more than one color."""
    pixels = imread(path)[:, :, :3].reshape(-1, 3)
    dark = pixels[pixels.min(axis=1) < 0.9]
    return len(dark) > 1000 and len(np.unique(dark, axis=0)) > 20


def test_pictures(tmp_path, delphes_dir):
    text = succeed("inspect", delphes_dir / DELPHES, "--event", 3, "--png", tmp_path / "event.png")
    assert inside(text) == []
    assert text.splitlines()[-1] == str(tmp_path / "event.png")
    assert is_drawn(tmp_path / "event.png")
    path = write_image_file(tmp_path / "a.h5")
    succeed("inspect", path, "--png", tmp_path / "image.png")
    assert is_drawn(tmp_path / "image.png")
    assert "must end in .png" in fail("inspect", path, "--png", tmp_path / "image.pdf")
    assert sorted(tmp_path.glob("*.p*")) == [tmp_path / "event.png", tmp_path / "image.png"]


def test_numbers_of_an_image_file(tmp_path):
    skipped = [("b.root", "b.root is a truncated ROOT file")]
    path = write_image_file(tmp_path / "a.h5", 20, sample="rpv", label=1, skipped_files=skipped)
    lines = rows(succeed("inspect", path))
    size = path.stat().st_size
    assert {"events 20", f"size {size / 1e6:.2f} MB, {size / 20000:.2f} KB each"} <= set(lines)
    assert {
        "kind event images",
        "sample rpv, label 1",
        "cross-section 2 pb",
        "selection n_fat_jets >= 3",
    } <= set(lines)
    assert "grid 8x8 cells, eta -2.5 to 2.5, all phi" in lines
    assert {"generated 100 100", "three fat jets 40 40"} <= set(lines)
    assert {"train 12", "validation 4", "test 4"} <= set(lines)
    assert {"fat_jets float64 20x5x4", "split uint8 20"} <= set(lines)
    assert "rpv.root 0f0f-rpv" in lines
    assert "b.root b.root is a truncated ROOT file" in lines


def test_display_of_an_image_file(tmp_path):
    images = np.zeros((3, 2, 8, 8), dtype=np.float32)
    images[1, 0, 6, 2] = 5.0
    images[1, 1, 0, 0] = 90.0  # a count, which is no energy
    path = write_image_file(tmp_path / "a.h5", images=images)
    text = succeed("inspect", path, "--event", 1)
    hot = {
        (row, column)
        for row, line in enumerate(inside(text))
        for column, c in enumerate(line)
        if c == "@"
    }
    # 8 characters a cell, 4 lines: column 6 from the left, row 5 from the top
    assert hot == {(row, column) for row in range(20, 24) for column in range(48, 56)}
    assert "row 1, event 1: em_et\n" in text
    assert "no content" in succeed("inspect", path, "--event", 0)
    assert "has 3 images" in fail("inspect", path, "--event", 3, stdout=True)


def test_an_image_file_of_jets(tmp_path):
    columns = {
        "jet_index": np.arange(4) % 2,
        "pt": np.full(4, 300.0),
        "eta": np.zeros(4),
        "phi": np.zeros(4),
        "mass": np.full(4, 80.0),
    }
    path = write_image_file(
        *(tmp_path / "jets.h5", 4),
        columns=columns,
        kind="jet",
        grid=JetGrid(8, 8, 1.6),
        jet_recipe={"rotate": "x"},
    )
    text = succeed("inspect", path, "--event", 3)
    assert {"kind jet images", "jets 4", "jet recipe rotate x"} <= set(rows(text))
    assert "grid 8x8 cells, 1.6 wide around the jet axis" in rows(text)
    assert "row 3, event 3, jet 1: em_et" in text
    assert text.splitlines()[-2].split() == ["-0.8", "0", "η", "0.8"]


def test_channels_to_display():
    assert brightest_channels(("energy", "em", "tracks"), ("GeV", "GeV", "")) == [0]
    assert brightest_channels(("em", "et"), ("GeV", "GeV")) == [1]
    assert brightest_channels(("em_et", "tracks", "had_et"), ("GeV", "", "GeV")) == [0, 2]
    assert brightest_channels(("towers", "tracks"), ("", "")) == [0]


def test_overflow_shares_are_those_of_the_training_split(tmp_path):
    images = np.zeros((5, 2, 8, 8), dtype=np.float32)
    images[:, 0, 1, 1] = [1.0, 2.0, 3.0, 50.0, 60.0]  # of every five events three train
    overflow = np.zeros((5, 2))
    overflow[:, 0] = [1.0, 0.0, 1.0, 70.0, 80.0]
    path = write_image_file(tmp_path / "a.h5", images=images, columns={"overflow": overflow})
    shares = overflow_shares(ImageFile(path))
    assert shares[0] == pytest.approx(2 / 8)
    assert np.isnan(shares[1])
    lines = rows(succeed("inspect", path))
    assert {"em_et GeV 25.00%", "tracks -"} <= set(lines)
    assert overflow_shares(ImageFile(write_image_file(tmp_path / "b.h5"))) is None


def test_bad_input(tmp_path):
    assert "no such file" in fail("inspect", tmp_path / "none.root")
    assert "no such HDF5 file" in fail("inspect", tmp_path / "none.h5")
    (tmp_path / "text.root").write_text("nothing")
    assert "is not a ROOT file" in fail("inspect", tmp_path / "text.root")
    assert "--event" in fail_usage("inspect", tmp_path / "none.h5", "--event", "-1")


TOWERS_ALONE = "tree: t\ntowers:\n  eta: cl_eta\n  phi: cl_phi\n  e: cl_e\n"


def write_towers_alone(folder, eta):
    """Events of one tower of 10 GeV each, with energy alone, and their schema."""
    columns = {"cl_eta": ak.Array([[one] for one in eta])}
    columns |= {"cl_phi": columns["cl_eta"] * 0 + 0.3, "cl_e": columns["cl_eta"] * 0 + 10.0}
    (folder / "my.yaml").write_text(TOWERS_ALONE)
    return write_file(folder / "a.root", t=columns), ("--schema", folder / "my.yaml")


def test_the_first_event_with_content_is_shown(tmp_path):
    path, schema = write_towers_alone(tmp_path, [3.0, -4.0, 1.0, 0.5])
    text = succeed("inspect", path, *schema)
    assert "Entry 2 is the first with content inside of the image.\n" in text
    assert "entry 2, event 2: et\n" in text
    assert text.rstrip().endswith(f"{10 / np.cosh(1.0):.4g} GeV")
    energies = 10 / np.cosh([3.0, -4.0, 1.0, 0.5])
    share = energies[:2].sum() / energies.sum()
    line = f"outside {share:.2%} of et is outside eta -2.5 to 2.5, in the first 4 entries"
    assert line in rows(text)
    assert "towers 1 eta, phi, e" in rows(text)
    text = succeed("inspect", path, *schema, "--event", 1)
    assert "Entry 1 has nothing inside eta -2.5 to 2.5; entry 2 has (--event 2).\n" in text
    assert text.rstrip().endswith("no content")
    succeed("inspect", path, *schema, "--png", tmp_path / "event.png")
    assert is_drawn(tmp_path / "event.png")


def test_events_that_are_all_empty(tmp_path):
    path, schema = write_towers_alone(tmp_path, [3.0, -4.0])
    text = succeed("inspect", path, *schema)
    assert text.endswith(
        "The first 2 entries have nothing inside eta -2.5 to 2.5: their 2 towers lie outside, or "
        "have no energy.\n"
    )


def test_constituents_alone(tmp_path):
    values = {"pt": [40.0, 60.0], "eta": [1.1, 1.1], "phi": [2.0, 2.0]}
    columns = {f"c_{name}": ak.Array([of, []]) for name, of in values.items()}
    columns |= {"c_jet": ak.Array([[0, 0], []]), "j_pt": ak.Array([[100.0], []])}
    columns |= dict.fromkeys(("j_eta", "j_phi", "j_m"), columns["j_pt"] * 0)
    path = write_file(tmp_path / "a.root", t=columns)
    (tmp_path / "my.yaml").write_text(
        "tree: t\njets: {pt: j_pt, eta: j_eta, phi: j_phi, mass: j_m}\n"
        "constituents: {pt: c_pt, eta: c_eta, phi: c_phi, jet_index: c_jet}\n"
    )
    text = succeed("inspect", path, "--schema", tmp_path / "my.yaml")
    assert "entry 0, event 0: pT of the constituents of jets\n" in text
    found = [(row, line.index("@")) for row, line in enumerate(inside(text)) if "@" in line]
    assert found == [(5, 46)]  # as that of the tower of the same direction above
    assert " 100 GeV" in text


def test_the_nearest_name_of_what_a_schema_lacks(tmp_path):
    columns = {"event_numbr": np.arange(3), "weight": np.ones(3)}
    text = succeed("inspect", write_file(tmp_path / "a.root", events=columns))
    assert any(
        row.startswith("calovision no event_number (nearest name: event_numbr) and ")
        for row in rows(text)
    )
