"""``calovision inspect --branches``: names, types, shapes and first values."""

import awkward as ak
import numpy as np
import pytest
import uproot
from fakes_cli import fail, succeed
from fakes_ntuples import write_file

from calovision.cli.inspect_branches import table_lines
from calovision.ntuples.branch_listing import as_in_schema, matching, nearest, shown_values
from calovision.ntuples.shapes import Shape, shape_of_type, shapes_of
from calovision.ntuples.trees.rntuple import RNTupleFields


def lines_of(text):
    """Lines with two spaces between cells."""
    return ["  ".join(line.split("  ")).strip() for line in text.splitlines()]


def cells(text, name):
    """Cells of the line of a branch."""
    (line,) = [line for line in text.splitlines() if line.split("  ")[0] == name]
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Two trees, with a name that needs quotes."""
    folder = tmp_path_factory.mktemp("branches")
    return write_file(
        folder / "a.root",
        nominal__events={
            "run": np.array([7, 8, 9], dtype=np.int32),
            "cl-e": ak.Array([[1.5, 2.25], [], [3.0, 4.0, 5.0, 6.0]]),
            "cl_eta": ak.Array([[0.1, -0.2], [], [0.3, 0.4, 0.5, 0.6]]),
        },
        counts={"n_generated": np.array([12], dtype=np.int64)},
    )


def test_every_branch_of_every_tree(path):
    text = succeed("inspect", path, "--branches")
    assert "tree nominal/events (TTree): 3 entries, 5 branches" in text
    assert "tree counts (TTree): 1 entries, 1 branches" in text
    assert cells(text, "run") == ["run", "int32_t", "number", "7"]
    assert cells(text, "'cl-e'") == ["'cl-e'", "double", "list, mean 2, up to 4", "1.5, 2.25"]
    assert cells(text, "n_generated") == ["n_generated", "int64_t", "number", "12"]
    assert succeed("inspect", "--branches", path) == text


def test_branches_of_a_pattern_and_an_entry(path):
    text = succeed("inspect", path, "--branches", "CL", "--event", 2)
    assert "3 entries, 2 of 5 branches" not in text  # the counters of lists match as well
    assert "3 entries, 4 of 5 branches" in text
    assert "tree counts" not in text
    assert cells(text, "cl_eta")[2:] == ["list, mean 2, up to 4", "0.3, 0.4, 0.5, ..."]
    text = succeed("inspect", path, "--branches=cl_*", "--event", 1)
    assert cells(text, "cl_eta")[2:] == ["list, mean 2, up to 4", "(empty)"]
    assert "'cl-e'" not in text
    text = succeed("inspect", path, "--branches", "--tree", "counts")
    assert "nominal" not in text


def test_no_branch_matches(path):
    assert succeed("inspect", path, "--branches", "cl_etta") == (
        "No branch of 6 matches 'cl_etta'. Nearest names: cl_eta, ncl_eta, 'cl-e', 'ncl-e'.\n"
    )
    assert "has no TTree 'none'" in fail("inspect", path, "--branches", "--tree", "none")


FIELDS = ("towers", "towers.e", "n")


def test_members_of_an_rntuple_are_lists(tmp_path):
    towers = ak.Array([[{"eta": 1.0, "e": 5.0}], [{"eta": 0.5, "e": 2.5}] * 3])
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mkrntuple("events", {"towers": towers, "n": np.arange(2)})
    text = succeed("inspect", tmp_path / "a.root", "--branches")
    assert cells(text, "towers.e") == ["towers.e", "double", "list, mean 2, up to 3", "5"]
    assert cells(text, "n") == ["n", "int64_t", "number", "0"]


def test_bytes_of_an_entry_of_an_rntuple(tmp_path):
    """Of a field, what is inside it, and the offsets of the list around it, 8 bytes each."""
    towers = ak.values_astype(
        ak.Array([[{"eta": 1.0, "e": 5.0}], [{"eta": 0.5, "e": 2.5}] * 3]), "f4"
    )
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mkrntuple("events", {"towers": towers, "n": np.arange(2)})
    with uproot.open(tmp_path / "a.root") as file:
        fields = RNTupleFields(file["events"])
        found = [fields.bytes_per_entry([fields.paths.index(name)]) for name in FIELDS]
        assert found == [(2 * 8 + 4 * 8) / 2, (2 * 8 + 4 * 4) / 2, 8]
        every = [fields.paths.index(name) for name in FIELDS]
        assert fields.bytes_per_entry(every) == 24 + 8


@pytest.mark.parametrize(
    ("typename", "shape", "words"),
    [
        ("std::vector<float>", Shape(1, (), "float"), "list"),
        ("float[]", Shape(1, (), "float"), "list"),
        ("float[][10]", Shape(1, (10,), "float"), "list of array of 10"),
        ("double[2][3]", Shape(0, (2, 3), "double"), "array of 2 x 3"),
        ("std::array<std::array<float, 3>, 2>", Shape(0, (2, 3), "float"), "array of 2 x 3"),
        ("ROOT::VecOps::RVec<std::uint8_t>", Shape(1, (), "uint8_t"), "list"),
        ("vector<vector<std::set<int> > >", Shape(3, (), "int"), "list of lists of lists"),
        ("ROOT::RNTupleCardinality<std::uint32_t>", Shape(0, (), "uint32_t"), "number"),
        ("vector<TLorentzVector>", Shape(1, (), "TLorentzVector"), "list of records"),
        ("std::vector<std::string>", Shape(1, (), "string"), "list of texts"),
        ("char*", Shape(0, (), "char*"), "text"),
        ("unsigned int", Shape(0, (), "unsigned int"), "number"),
    ],
)
def test_shapes(typename, shape, words):
    assert shape_of_type(typename) == shape
    assert shape.describe() == words
    assert shape.is_whole == (shape.element in ("uint8_t", "int", "uint32_t", "unsigned int"))


def test_lists_around_members_count_in_an_rntuple_alone():
    types = {"a": "std::vector<X>", "a.b": "std::vector<Y>", "a.b.c": "float"}
    assert shapes_of(types, is_rntuple=True)["a.b.c"] == Shape(2, (), "float")
    assert shapes_of(types, is_rntuple=False)["a.b.c"] == Shape(0, (), "float")


def test_names_as_a_schema_writes_them():
    assert as_in_schema("Jet.PT") == "Jet.PT"
    assert as_in_schema("Jet.Tau[5]") == "Jet.Tau[5]"
    assert as_in_schema("a:pt") == "'a:pt'"
    assert as_in_schema("lambda") == "'lambda'"
    assert as_in_schema("1st") == "'1st'"
    assert as_in_schema("it's") == '"it\'s"'


def test_patterns_and_nearest_names():
    names = ["Jet_pt", "Jet_eta", "FatJet_pt", "MET"]
    assert matching(names, "jet_PT") == ["Jet_pt", "FatJet_pt"]
    assert matching(names, "jet_*") == ["Jet_pt", "Jet_eta"]
    assert matching(names, "*") == names
    assert nearest(names, "jet_tp")[0] == "Jet_pt"
    assert nearest(names, "zzz") == []


def test_values_are_short():
    assert shown_values(ak.Array([True, False])) == "true, false"
    assert shown_values(ak.Array([[1, 2, 3], [], [4]])) == "[1, 2, ...], [(empty)], [4]"
    assert shown_values("a" * 30) == f"'{'a' * 17}...'"


def test_names_are_never_cut():
    rows = [("branch", "type", "values"), ("a" * 70, "float", "1.25, 2.5"), ("b", "int", "3" * 90)]
    wide = table_lines(rows)
    assert wide[1].startswith("a" * 70 + "  float  1.25")
    narrow = table_lines(rows, 80)
    assert narrow[2:4] == ["a" * 70, "    float  1.25, 2.5"]
    assert max(map(len, narrow)) == 80
