"""Branches with more or fewer entries than their tree: a bad file, named with the branch and both
lengths."""

import logging

import awkward as ak
import numpy as np
import pytest
import uproot
from fakes_ntuples import write_uneven
from packaging.version import Version

from calovision.conversion import ImageRecipe, convert_ntuples
from calovision.core.errors import BadFileError, InputError
from calovision.images.grid import EtaPhiGrid
from calovision.ntuples import iterate_events, open_ntuple
from calovision.ntuples.chunks import check_arrays, check_lengths
from calovision.ntuples.root_file import find_tree, opened

N = 6  # in three baskets
TOWERS = [f"towers_{name}" for name in ("eta", "phi", "e_em", "e_had")]
RECIPE = ImageRecipe(grid=EtaPhiGrid(8, 8), channels=("em", "had"), cluster_jets=False)


def columns():
    lists = ak.Array([[0.5, 1.5]] * N)
    found = dict.fromkeys([*TOWERS, "tracks_pt", "tracks_eta", "tracks_phi"], lists)
    return found | {"event_number": np.arange(N), "weight": np.ones(N)}


def counters():
    return {
        "n_generated": np.array([N]),
        "sum_of_weights": np.array([6.0]),
        "cross_section_pb": np.array([2.0]),
    }


def write(path, lengths, *, tree="events"):
    return write_uneven(
        path,
        lengths,
        parts=3 if tree == "events" else 1,
        tree=tree,
        events=columns(),
        generation=counters(),
    )


@pytest.mark.parametrize("chunk_size", [None, 2, 100])
@pytest.mark.parametrize(
    "short",
    [TOWERS, ["towers_e_had"], ["weight"], ["event_number"]],
    ids=["towers", "energy", "weight", "number"],
)
@pytest.mark.parametrize("n_baskets", [1, 2])
def test_short_branches_are_refused(tmp_path, short, chunk_size, n_baskets):
    path = write(tmp_path / "a.root", dict.fromkeys(short, n_baskets))
    named = sorted(short)[0]
    message = (
        rf"a.root: the branch {named} has {2 * n_baskets} entries, but the tree 'events' 6; "
        r"the file is incomplete"
    )
    with pytest.raises(InputError, match=message):
        list(iterate_events(path, chunk_size=chunk_size))


@pytest.mark.skipif(
    Version(uproot.__version__) < Version("5.7.7"), reason="this uproot shows no tree that it wrote"
)
def test_a_tree_that_knows_fewer_entries_than_its_branches(tmp_path):
    """A branch may be longer, too: here the tree was saved before its last baskets."""
    path = write(tmp_path / "a.root", {})
    with uproot.update(path) as file:
        cascade = file["events"]._cascading
        start = cascade._key.seek_location + cascade._key.num_bytes + cascade._metadata_start
        file._file.sink.write(start, (4).to_bytes(8, "big"))
    with pytest.raises(
        InputError, match=r"the branch event_number has 6 entries, but the tree 'events' 4"
    ):
        list(iterate_events(path))


def test_short_counters_are_refused(tmp_path):
    path = write(tmp_path / "a.root", {"sum_of_weights": 0}, tree="generation")
    with pytest.raises(
        InputError, match=r"the branch sum_of_weights has 0 entries, but the tree 'generation' 1"
    ):
        open_ntuple(path)
    with pytest.raises(InputError, match="the branch sum_of_weights has 0 entries"):
        open_ntuple(
            write(tmp_path / "b.root", {"sum_of_weights": 0}, tree="generation"),
            sum_of_weights="generation/sum_of_weights",
        )


def test_a_short_branch_that_nobody_needs_is_no_matter(tmp_path):
    path = write(tmp_path / "a.root", {"tracks_pt": 1})
    (events,) = iterate_events(path, fields={"towers": {"eta", "phi"}})
    assert ak.num(events.towers).tolist() == [2] * N


def test_a_file_with_short_branches_is_skipped_as_bad(tmp_path, caplog):
    paths = [
        write(tmp_path / f"{name}.root", lengths)
        for name, lengths in (("good", {}), ("bad", {"towers_e_em": 2}))
    ]
    with pytest.raises(BadFileError, match=r"bad.root: the branch towers_e_em has 4 entries"):
        convert_ntuples(paths, tmp_path / "all.h5", RECIPE, sample="a", label=0)
    assert not (tmp_path / "all.h5").exists()
    with caplog.at_level(logging.WARNING):
        metadata = convert_ntuples(
            paths, tmp_path / "all.h5", RECIPE, sample="a", label=0, on_bad_file="skip"
        )
    assert (metadata.n_generated, metadata.sum_of_weights) == (6, 6.0)
    assert [reason.split(": ")[1] for _, reason in metadata.skipped_files] == [
        "the branch towers_e_em has 4 entries, but the tree 'events' 6; the file is incomplete or "
        "damaged, copy or "
        "write it again"
    ]


def test_short_columns_of_an_rntuple(tmp_path):
    with uproot.recreate(tmp_path / "n.root") as file:
        file.mkrntuple(
            "events", {"x": ak.Array([1.0, 2.0, 3.0]), "lists": ak.Array([[1.0], [], [2.0, 3.0]])}
        )
    with opened(tmp_path / "n.root") as file:
        ntuple = file["events"].ntuple
        tree = find_tree(file, "events", "n.root")
        check_lengths(tree, ["x", "lists"], "n.root")
        for name in ("x", "lists"):
            field = [record.field_name for record in ntuple.field_records].index(name)
            column = next(
                i for i, column in enumerate(ntuple.column_records) if column.field_id == field
            )
            page = ntuple.page_link_list[0][column].pages[0]
            page.num_elements -= 1
            with pytest.raises(
                InputError,
                match=f"n.root: the branch {name} has 2 entries, but the tree 'events' 3",
            ):
                check_lengths(tree, [name], "n.root")
            page.num_elements += 1


def test_fields_of_the_records_of_an_rntuple_are_looked_at_with_their_list(tmp_path):
    records = ak.zip({"eta": ak.Array([[1.0, 2.0], [], [3.0]])})
    with uproot.recreate(tmp_path / "n.root") as file:
        file.mkrntuple("events", {"cl": records, "fixed": ak.to_regular(ak.Array([[1, 2]] * 3))})
    with opened(tmp_path / "n.root") as file:
        tree = find_tree(file, "events", "n.root")
        check_lengths(tree, ["cl.eta", "fixed"], "n.root")
        ntuple = file["events"].ntuple
        ntuple.page_link_list[0][0].pages[0].num_elements -= 1
        with pytest.raises(InputError, match=r"the branch cl.eta has 2 entries, but the tree"):
            check_lengths(tree, ["cl.eta"], "n.root")


def test_arrays_of_another_length_than_was_asked_for():
    with pytest.raises(
        InputError, match=r"a.root: entries 5 to 9 of the branch x were read as 3 instead of 5"
    ):
        check_arrays({"y": ak.Array([1] * 5), "x": ak.Array([1, 2, 3])}, 5, 10, "a.root")


def test_genuine_files_have_branches_of_one_length(delphes_dir):
    for path in sorted(delphes_dir.glob("*10ev*.root")):
        with opened(path) as file:
            tree = find_tree(file, "Delphes", path)
            check_lengths(tree, [name for name in tree.names if not name.endswith("fBits")], path)
