"""Counters of generated events as productions wrote them, and what looks like one but is not
read."""

import logging

import awkward as ak
import hist
import numpy as np
import pytest
import uproot
from fakes_cli import succeed
from fakes_ntuples import nanoaod_columns, runs_columns, write_nanoaod, write_tree

from calovision.conversion import ImageRecipe, Sample, convert_ntuple
from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid
from calovision.ntuples import open_ntuple
from calovision.ntuples.counter_trees import counters_in_row
from calovision.ntuples.schemas.schema import CounterRow


def runs(counts, sums, *, suffix=""):
    return {
        f"genEventCount{suffix}": np.array(counts, dtype=np.int64),
        f"genEventSumw{suffix}": np.array(sums, dtype=np.float64),
        f"genEventSumw2{suffix}": np.ones(len(counts)),
    }


def generated(path):
    info = open_ntuple(path, schema="nanoaod")
    return info.n_generated, info.sum_of_weights


@pytest.mark.parametrize("suffix", ["", "_"])
def test_counters_of_older_and_newer_productions(tmp_path, suffix):
    """600 + 400 events of which 30 are in the file."""
    path = write_nanoaod(tmp_path / "a.root", runs=runs([600, 400], [650.0, 350.0], suffix=suffix))
    info = open_ntuple(path)
    assert (info.n_generated, info.sum_of_weights, info.n_entries) == (1000, 1000.0, 30)
    assert info.counted_from == f"Runs/genEventCount{suffix}"
    assert info.count_doubts == ()


def test_files_of_two_productions_merged(tmp_path):
    """Merging fills what one of the files lacks with zeros; an entry that has both names counts
    once."""
    both = runs([600, 0, 50], [650.0, 0.0, 25.0]) | runs(
        [0, 400, 50], [0.0, 350.0, 25.0], suffix="_"
    )
    assert generated(write_nanoaod(tmp_path / "a.root", runs=both)) == (1050, 1025.0)


def test_only_the_number_is_counted(tmp_path):
    path = write_nanoaod(tmp_path / "a.root", runs={"genEventCount_": np.array([1000])})
    with pytest.raises(
        InputError, match="1000 events were generated, of which the file holds 30 with weights that"
    ):
        open_ntuple(path)
    info = open_ntuple(path, sum_of_weights=12.5)
    assert (info.n_generated, info.sum_of_weights) == (1000, 12.5)
    ones = nanoaod_columns() | {"genWeight": np.ones(30, dtype=np.float32)}
    path = write_nanoaod(
        tmp_path / "b.root", columns=ones, runs={"genEventCount_": np.array([1000])}
    )
    assert generated(path) == (1000, 1000.0)


def test_only_the_sum_of_weights_is_counted(tmp_path):
    path = write_nanoaod(tmp_path / "a.root", runs={"genEventSumw": np.array([650.0, 350.0])})
    with pytest.raises(
        InputError, match=r"a.root: Runs/genEventSumw is the sum of weights of .* give n_generated"
    ):
        open_ntuple(path)
    info = open_ntuple(path, n_generated=1000)
    assert (info.n_generated, info.sum_of_weights) == (1000, 1000.0)


def test_fewer_generated_than_there_are(tmp_path):
    path = write_nanoaod(tmp_path / "a.root", runs=runs([20], [20.0]))
    message = (
        r"a.root: Runs/genEventCount says that 20 events were generated, but the file has "
        r"30; give n_generated"
    )
    with pytest.raises(InputError, match=message):
        open_ntuple(path)
    assert open_ntuple(path, n_generated=300, sum_of_weights=299.0).n_generated == 300


def test_a_tree_of_runs_with_unknown_counters_is_named(tmp_path, caplog):
    path = write_nanoaod(
        tmp_path / "a.root", runs={"run": np.array([1]), "nEventsOfGenerator": np.array([1000])}
    )
    with caplog.at_level(logging.WARNING):
        info = open_ntuple(path)
    assert info.n_generated == info.n_entries == 30
    assert info.counted_from == "entries of Events"
    assert info.count_doubts == ("the tree Runs (nEventsOfGenerator, run) may count them",)
    assert (
        "a.root: its 30 entries are taken for all generated events, although the tree Runs (nEvents"
        in caplog.text
    )
    text = " ".join(succeed("inspect", path).split())
    assert "generated 30 events counted from entries of Events" in text
    assert "generated events: the tree Runs (nEventsOfGenerator, run) may count them" in text


def test_weighted_events_without_a_tree_of_runs_are_doubted(tmp_path, caplog):
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        write_tree(file, "Events", nanoaod_columns())
    with caplog.at_level(logging.WARNING):
        assert open_ntuple(path).count_doubts == ("the tree Runs, which counts them, is not there",)
    assert "give n_generated and sum_of_weights if events were dropped" in caplog.text


def test_collisions_are_counted_without_a_doubt(tmp_path, caplog):
    columns = nanoaod_columns()
    del columns["genWeight"]
    path = write_nanoaod(
        tmp_path / "a.root", columns=columns, runs={"run": np.array([1], dtype=np.uint32)}
    )
    with caplog.at_level(logging.WARNING):
        assert open_ntuple(path).count_doubts == ()
    assert caplog.text == ""


SCHEMA = "tree: analysis\nweight: w\ntowers: {eta: x, phi: x, e: x}\n"


@pytest.mark.parametrize(
    "name", ["CutBookkeeper_410470_1_NOSYS", "cutflow/total", "sumOfWeights", "h_nEvents", "Count"]
)
def test_histograms_that_look_like_counters_are_named(tmp_path, caplog, name):
    """As frameworks of ATLAS and CMS write them, whose schema is the user's own."""
    path, schema = tmp_path / "a.root", tmp_path / "s.yaml"
    schema.write_text(SCHEMA)
    with uproot.recreate(path) as file:
        write_tree(file, "analysis", {"x": ak.Array([[1.0], [2.0]]), "w": np.array([0.5, 0.5])})
        file[name] = (np.array([1000.0, 650.0]), np.arange(3.0))
        file["jet_pt"] = (np.array([1000.0, 650.0]), np.arange(3.0))
    with caplog.at_level(logging.WARNING):
        info = open_ntuple(path, schema=schema)
    assert (info.n_generated, info.count_doubts) == (2, (f"the histogram {name} may count them",))
    caplog.clear()
    info = open_ntuple(path, schema=schema, n_generated=f"{name}[1]", sum_of_weights=f"{name}[2]")
    assert (info.n_generated, info.sum_of_weights, info.counted_from) == (1000, 650.0, f"{name}[1]")
    assert (info.count_doubts, caplog.text) == ((), "")


@pytest.mark.parametrize(
    ("contents", "flow", "warned"),
    [
        ([1000.0, 0.0, 0.0], (0, 0), None),
        ([400.0, 600.0, 0.0], (0, 0), None),
        ([1000.0, 60.0, 5.0], (0, 0), "looks like a cut flow; h[1] is its first bin, 1000"),
        (
            [1000.0, 0.0, 0.0],
            (0, 7),
            "has 7 in underflow and overflow, which n_generated leaves out",
        ),
        (
            [1000.0, 0.0, 0.0],
            (3, 0),
            "has 3 in underflow and overflow, which n_generated leaves out",
        ),
    ],
)
def test_bins_that_are_left_out_or_count_twice_are_warned_of(
    tmp_path, caplog, contents, flow, warned
):
    path, schema = tmp_path / "a.root", tmp_path / "s.yaml"
    schema.write_text(SCHEMA)
    counter = hist.Hist.new.Reg(3, 0, 3).Double()
    counter.view(flow=True)[...] = [flow[0], *contents, flow[1]]
    with uproot.recreate(path) as file:
        write_tree(file, "analysis", {"x": ak.Array([[1.0], [2.0]]), "w": np.array([1.0, 1.0])})
        file["h"] = counter
    with caplog.at_level(logging.WARNING):
        assert open_ntuple(path, schema=schema, n_generated="h").n_generated == sum(contents)
    assert (caplog.text == "") if warned is None else (warned in caplog.text)


def test_a_counter_that_is_named_and_counts_too_few(tmp_path):
    path, schema = tmp_path / "a.root", tmp_path / "s.yaml"
    schema.write_text(SCHEMA)
    with uproot.recreate(path) as file:
        write_tree(file, "analysis", {"x": ak.Array([[1.0], [2.0]]), "w": np.array([1.0, 1.0])})
        file["h"] = (np.array([5.0, 1.0]), np.arange(3.0))
    with pytest.raises(
        InputError,
        match=r"a.root: h\[2\] says that 1 events were generated, but the file has 2; give",
    ):
        open_ntuple(path, schema=schema, n_generated="h[2]")


def test_the_images_of_a_skim_are_normalized_to_what_was_generated(tmp_path):
    path = write_nanoaod(tmp_path / "a.root", runs=runs([600, 400], [650.0, 350.0], suffix="_"))
    recipe = ImageRecipe(grid=EtaPhiGrid(8, 8), channels=("et",), cluster_jets=False)
    metadata = convert_ntuple(
        path, tmp_path / "a.h5", recipe, sample=Sample("a", 0, cross_section_pb=2.0)
    )
    assert (metadata.n_generated, metadata.sum_of_weights) == (1000, 1000.0)
    assert metadata.cut_flow == [("generated", 1000, 1000.0)]


def test_runs_of_the_tests_are_those_of_a_newer_production():
    assert set(runs_columns()) < set(runs([1], [1.0]))


BOOKKEEPERS = CounterRow({"name": "All", "stream": "AOD"}, "cycle")


def bookkeepers(*entries):
    """Counters of some files; of each row the name, the stream, the cycle and the number."""
    columns = zip(*(zip(*entry, strict=True) for entry in entries), strict=True)
    names = ("name", "stream", "cycle", "number")
    return {name: ak.Array(map(list, of)) for name, of in zip(names, columns, strict=True)}


def test_the_row_of_all_events_and_of_the_last_cycle_counts():
    """Rows of other streams are of a later job, which saw what a selection left."""
    first = [("Kernel", "AOD", 9, 5), ("All", "AOD", 0, 700), ("All", "DAOD", 9, 30)]
    second = [("All", "AOD", 0, 40), ("All", "AOD", 2, 900), ("All", "AOD", 1, 50)]
    found = counters_in_row(bookkeepers(first, second), BOOKKEEPERS)
    assert found["number"].tolist() == [700, 900]


@pytest.mark.parametrize("entry", [[("Kernel", "AOD", 0, 7)], [("All", "DAOD", 0, 7)]])
def test_an_entry_without_the_row_leaves_the_events_uncounted(entry):
    assert counters_in_row(bookkeepers([("All", "AOD", 0, 700)], entry), BOOKKEEPERS) is None
