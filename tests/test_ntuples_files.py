"""RNTuple, trees by name, addresses, lists of files, the schema that fits, chunks at the ends of
baskets."""

import sys
import threading
import zlib
from itertools import pairwise

import awkward as ak
import numpy as np
import pytest
import uproot
from fakes_ntuples import (
    jetclass_columns,
    nanoaod_columns,
    runs_columns,
    write_file,
    write_nanoaod,
    write_treemaker,
    write_xaod,
)
from fakes_podio import podio_collections, write_podio
from isal import isal_zlib

from calovision.core.errors import InputError
from calovision.ntuples import (
    SCHEMAS,
    count_entries,
    describe_file,
    expand_paths,
    iterate_events,
    open_ntuple,
)
from calovision.ntuples import chunks as chunks_module
from calovision.ntuples.branch_arrays import BranchArrays, Column
from calovision.ntuples.parts import read_part
from calovision.ntuples.root_file import find_tree, opened
from calovision.ntuples.schemas.schema import Collection

N = 24
QCD = "delphes_ATLASfat_qcd300_pythia8_10ev_slim.root"


def calovision_columns(n=N, seed=1):
    rng = np.random.default_rng(seed)
    columns = {}
    for collection, names in {
        "towers": ("eta", "phi", "e_em", "e_had"),
        "tracks": ("pt", "eta", "phi"),
    }.items():
        counts = rng.integers(0, 9, n)
        for name in names:
            values = rng.uniform(-2, 2, counts.sum()).astype(np.float32)
            columns[f"{collection}_{name}"] = ak.unflatten(values, counts)
    return columns | {"event_number": np.arange(n), "weight": np.ones(n)}


def counters(n=N):
    return {
        name: np.array([float(n)]) for name in ("n_generated", "sum_of_weights", "cross_section_pb")
    }


def write_calovision(path, *, parts=1, columns=None):
    return write_file(path, parts, events=columns or calovision_columns(), generation=counters())


def write_rntuples(path, clusters=1, **trees):
    with uproot.recreate(path) as file:
        for name, columns in trees.items():
            ntuple = file.mkrntuple(
                name, {key: ak.Array(values)[:0] for key, values in columns.items()}
            )
            n = len(next(iter(columns.values())))
            edges = np.linspace(0, n, clusters + 1).astype(int)
            for start, stop in pairwise(edges):
                if stop > start:
                    ntuple.extend(
                        {key: ak.Array(values)[start:stop] for key, values in columns.items()}
                    )
    return path


def read_all(path, **options):
    chunks = list(iterate_events(path, **options))
    return ak.concatenate([events.towers for events in chunks]), np.concatenate(
        [e.event_number for e in chunks]
    )


def test_rntuple_is_read_as_the_ttree(tmp_path):
    columns = calovision_columns()
    path = write_rntuples(tmp_path / "n.root", clusters=3, events=columns, generation=counters())
    expected, _ = read_all(write_calovision(tmp_path / "t.root", columns=columns))
    for chunk_size in (None, 1, 5, 100):
        towers, numbers = read_all(path, chunk_size=chunk_size)
        assert ak.array_equal(towers, expected)
        assert numbers.tolist() == list(range(N))
    info = open_ntuple(path)
    assert (info.schema, info.n_entries, info.n_generated, info.cross_section_pb) == (
        "calovision",
        N,
        N,
        24.0,
    )
    assert {tree.kind for tree in describe_file(path).trees} == {"RNTuple"}


def test_rntuple_of_nanoaod(tmp_path):
    path = write_rntuples(
        tmp_path / "n.root", clusters=2, Events=nanoaod_columns(), Runs=runs_columns()
    )
    (expected,) = iterate_events(write_nanoaod(tmp_path / "t.root"))
    constituents = ak.concatenate(
        [events.constituents for events in iterate_events(path, schema="nanoaod")]
    )
    assert constituents.pt.tolist() == expected.constituents.pt.tolist()


def test_fields_of_rntuple_records(tmp_path):
    """Collections of records, as frameworks write them, have dotted names."""
    towers = ak.zip(
        {
            name: ak.Array([[1.0, 2.0], [], [3.0]]) * i
            for i, name in enumerate(("eta", "phi", "en"), 1)
        }
    )
    path = write_rntuples(tmp_path / "n.root", events={"cl": towers})
    schema = tmp_path / "s.yaml"
    schema.write_text("tree: events\ntowers: {eta: cl.eta, phi: cl.phi, e: cl.en / 1000}\n")
    found, _ = read_all(path, schema=schema)
    assert found.phi.tolist() == [[2.0, 4.0], [], [6.0]]
    assert found.e.tolist() == [[0.003, 0.006], [], [0.009]]


@pytest.mark.parametrize("clusters", [1, 4])
def test_damaged_rntuple(tmp_path, clusters):
    path = write_rntuples(
        tmp_path / "n.root", clusters=clusters, events=calovision_columns(), generation=counters()
    )
    with uproot.open(path) as file:
        link = file["events"].page_link_list[-1][0].pages[0].locator
    with path.open("r+b") as raw:
        raw.seek(link.offset)
        raw.write(b"\xff" * link.num_bytes)
    with pytest.raises(InputError, match=r"n.root: entries .* in the tree 'events' cannot be read"):
        list(iterate_events(path, schema="calovision", chunk_size=6))


@pytest.mark.parametrize("name", ["analysis/clusters", "analysis/clusters;1"])
def test_tree_of_another_name(tmp_path, name):
    trees = {
        "analysis__clusters": calovision_columns(),
        "generation": counters(),
        "events": {"x": [1]},
    }
    path = write_file(tmp_path / "a.root", **trees)
    info = open_ntuple(path, tree=name)
    assert (info.tree, info.schema, info.n_entries) == (name, "calovision", N)
    assert read_all(path, tree=name, schema="calovision")[1].tolist() == list(range(N))
    assert count_entries(path, tree=name) == N
    assert count_entries(path, schema="calovision") == 1
    with pytest.raises(
        InputError,
        match=r"has no TTree 'clusters' .it has: 'analysis/clusters', 'generation', 'events'",
    ):
        open_ntuple(path, schema="calovision", tree="clusters")


def test_the_schema_that_fits(tmp_path, delphes_dir):
    files = {
        "calovision": write_calovision(tmp_path / "c.root"),
        "nanoaod": write_nanoaod(tmp_path / "n.root"),
        "jetclass": write_file(tmp_path / "j.root", tree=jetclass_columns()),
        "delphes": delphes_dir / QCD,
        "physlite": write_xaod(tmp_path / "p.root"),
        "edm4hep": write_podio(tmp_path / "e.root", podio_collections()),
        "treemaker": write_treemaker(tmp_path / "t.root"),
    }
    assert set(files) == set(SCHEMAS)
    for schema, path in files.items():
        description = describe_file(path)
        assert description.schema == schema == open_ntuple(path).schema
        assert {name for name, missing in description.missing.items() if not missing} == {schema}
        assert next(iterate_events(path)).event_number.shape[0] == open_ntuple(path).n_entries


def test_description_of_a_file(tmp_path):
    columns = calovision_columns()
    del columns["towers_phi"], columns["weight"]
    path = write_file(tmp_path / "a.root", events=columns)
    description = describe_file(path)
    assert [(tree.name, tree.kind, tree.n_entries) for tree in description.trees] == [
        ("events", "TTree", N)
    ]
    assert description.schema is None
    assert description.missing["calovision"] == ("weight", "towers_phi", "the tree 'generation'")
    assert description.missing["delphes"] == ("the tree 'Delphes'",)


def test_no_schema_fits(tmp_path):
    columns = calovision_columns()
    del columns["towers_phi"], columns["towers_eta"], columns["tracks_pt"], columns["weight"]
    path = write_file(tmp_path / "a.root", events=columns)
    with pytest.raises(
        InputError,
        match=r"fits no schema .*calovision lacks weight, towers_eta, towers_phi and 2 more",
    ):
        open_ntuple(path)
    with pytest.raises(InputError, match=r"a.root fits no schema"):
        list(iterate_events(path))


def test_several_schemas_fit(tmp_path):
    path = write_file(
        tmp_path / "a.root",
        events=calovision_columns(),
        generation=counters(),
        tree=jetclass_columns(),
    )
    assert describe_file(path).schema is None
    with pytest.raises(
        InputError, match=r"a.root fits several schemas \(calovision, jetclass\); name one"
    ):
        open_ntuple(path)
    assert open_ntuple(path, schema="jetclass").n_entries == 20


def test_address_of_a_file(tmp_path):
    path = write_calovision(tmp_path / "a.root")
    address = f"file://{path}"
    info = open_ntuple(address)
    assert (info.path, info.n_entries) == (address, N)
    assert read_all(address)[1].tolist() == list(range(N))
    with pytest.raises(
        InputError, match=r"file:.*absent.root cannot be opened .*give the address of a ROOT file"
    ):
        open_ntuple(f"file://{tmp_path}/absent.root")


def test_xrootd_without_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec_xrootd", None)
    monkeypatch.setitem(sys.modules, "XRootD", None)
    known = sys.modules["fsspec.registry"]._registry  # uproot loads it
    monkeypatch.delitem(known, "root", raising=False)  # if a test before this one used it
    with pytest.raises(
        InputError, match=r'root://host//a.root: .* run pip install "calovision\[xrootd\]"'
    ):
        open_ntuple("root://host//a.root", schema="calovision")


def test_only_the_wanted_fields_are_read(tmp_path):
    columns = calovision_columns()
    path = write_calovision(tmp_path / "a.root", columns=columns)
    (events,) = iterate_events(path, fields={"towers": {"e_had", "eta"}, "fat_jets": {"pt"}})
    assert events.towers.fields == ["eta", "e_had"]
    assert (events.tracks, events.fat_jets, events.candidates, events.constituents) == (None,) * 4
    (events,) = iterate_events(path, fields={"towers": ["e"]})
    em, had = (ak.values_astype(columns[f"towers_e_{kind}"], np.float64) for kind in ("em", "had"))
    assert events.towers.e.tolist() == ak.values_astype(em + had, np.float32).tolist()
    with pytest.raises(ValueError, match=r"unknown collections .'tower'.: choose from towers"):
        list(iterate_events(path, fields={"tower": {"eta"}}))


def test_nothing_is_wanted(tmp_path):
    """Entries without an event number or a weight of their own are counted all the same."""
    path = write_file(tmp_path / "a.root", tree=jetclass_columns())
    for chunk_size, sizes in ((None, [20]), (8, [8, 8, 4])):
        chunks = list(iterate_events(path, fields={}, chunk_size=chunk_size))
        assert [len(events.weight) for events in chunks] == sizes
        assert np.concatenate([events.event_number for events in chunks]).tolist() == list(
            range(20)
        )


def test_arrays_are_not_copied(tmp_path):
    """Fields of one collection share their offsets, and the values are those that uproot gave."""
    columns = {name: Column(np.arange(5.0), np.array([0, 2, 5])) for name in ("a", "b")}
    chunk = BranchArrays(dict.fromkeys(columns), "a.root", 0, 2, dict(columns))
    found = read_part(chunk, Collection({"x": "a", "y": "b"}), ("x", "y"))
    assert found.fields["x"] is columns["a"].values
    assert np.shares_memory(ak.to_numpy(ak.flatten(found.array().y)), columns["b"].values)


def test_chunks_end_where_baskets_end(tmp_path, monkeypatch):
    path = write_calovision(tmp_path / "a.root", parts=8)  # three entries a basket
    with uproot.open(path) as file:
        per_entry = (
            sum(file["events"][name].uncompressed_bytes for name in calovision_columns()) / N
        )
    whole, _ = read_all(path)
    for entries, sizes in (
        (3.5, [3] * 8),
        (7, [6] * 4),
        (1000, [24]),
        (0.6, [1] * 24),
        (2, [1, 2] * 8),
    ):
        monkeypatch.setattr(chunks_module, "CHUNK_BYTES", entries * per_entry)
        assert [len(events.weight) for events in iterate_events(path)] == sizes
        towers, numbers = read_all(path)
        assert ak.array_equal(towers, whole)
        assert numbers.tolist() == list(range(N))


def test_entries_are_numbered_through_all_chunks(tmp_path, monkeypatch):
    """Also where a basket is read at once and handed on in pieces, and in what errors say."""
    columns = jetclass_columns()
    path = write_file(tmp_path / "a.root", 2, tree=columns)
    monkeypatch.setattr(chunks_module, "_entries_of_a_chunk", lambda tree, names: 4)
    chunks = list(iterate_events(path))
    assert [len(events.weight) for events in chunks] == [5] * 4
    assert np.concatenate([events.event_number for events in chunks]).tolist() == list(range(20))
    shortened = [list(row) for row in columns["part_px"]]
    shortened[13] = shortened[13][:-1]
    columns["part_px"] = ak.values_astype(ak.Array(shortened), np.float32)
    with pytest.raises(
        InputError, match=r"b.root, chunk from entry 10: part_.* differ in length at entry 13;"
    ):
        list(iterate_events(write_file(tmp_path / "b.root", 2, tree=columns)))


def test_boundaries_are_those_of_all_branches(delphes_dir):
    path = delphes_dir / "delphes_ATLASfat_qcd300_pythia8_100ev_slim.root"
    with opened(path) as file:
        assert file["Delphes"]["Tower.Eta"].entry_offsets == [0, 62, 100]
        tree = find_tree(file, "Delphes", path)
        assert tree.boundaries(["Tower.Eta", "Event.Number"]).tolist() == [0, 100]
        assert tree.boundaries(["Tower.Eta"]).tolist() == [0, 62, 100]


@pytest.mark.parametrize("target", [1, 3, 4, 9, 100])
def test_ranges_cover_the_file_once(target):
    boundaries = np.array([0, 3, 4, 10, 11, 25])
    ranges = list(chunks_module._aligned_ranges(boundaries, target))
    assert [entry for start, stop in ranges for entry in range(start, stop)] == list(range(25))
    assert all(start in boundaries and stop in boundaries for start, stop in ranges)
    singles = set(zip(boundaries[:-1].tolist(), boundaries[1:].tolist(), strict=True))
    assert all(stop - start <= target or (start, stop) in singles for start, stop in ranges)
    assert list(chunks_module._aligned_ranges(np.array([0]), target)) == []


def test_branches_whose_baskets_do_not_end_together(delphes_dir, monkeypatch):
    path = delphes_dir / "delphes_ATLASfat_qcd300_pythia8_100ev_slim.root"
    whole, _ = read_all(path)
    monkeypatch.setattr(chunks_module, "CHUNK_BYTES", 100_000)
    chunks = list(iterate_events(path))
    assert len(chunks) > 5
    assert ak.array_equal(ak.concatenate([events.towers for events in chunks]), whole)


def test_another_thread_may_read(tmp_path):
    path, sizes = write_calovision(tmp_path / "a.root", parts=4), []
    iterator = iterate_events(path, chunk_size=6)
    first = next(iterator)
    thread = threading.Thread(
        target=lambda: sizes.extend(len(events.weight) for events in iterator)
    )
    thread.start()
    thread.join()
    assert [len(first.weight), *sizes] == [6] * 4


@pytest.mark.parametrize("schema", ["calovision", "nanoaod", "jetclass"])
def test_files_without_entries(tmp_path, schema):
    columns = {
        "calovision": calovision_columns(),
        "nanoaod": nanoaod_columns(),
        "jetclass": jetclass_columns(),
    }[schema]
    tree = {"calovision": "events", "nanoaod": "Events", "jetclass": "tree"}[schema]
    more = {"generation": counters()} if schema == "calovision" else {}
    empty = {name: values[:0] for name, values in columns.items()}
    path = write_file(tmp_path / "a.root", **{tree: empty}, **more)
    assert (open_ntuple(path).schema, open_ntuple(path).n_entries) == (schema, 0)
    assert list(iterate_events(path)) == []


def test_lists_of_files(tmp_path):
    names = ["b.root", "a.root", "c[1].root", "sub/d.root", "sub/e.root"]
    (tmp_path / "sub").mkdir()
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "sub" / "good.txt").write_text(
        "# the good ones\nd.root  # checked\n\n../a.root\nroot://host//x.root\n"
    )
    (tmp_path / "all.list").write_text("sub/good.txt\n*.root\n")

    def found(*arguments):
        return [path.replace(f"{tmp_path}/", "") for path in expand_paths(arguments)]

    assert found(tmp_path / "b.root", f"{tmp_path}/*.root") == ["b.root", "a.root", "c[1].root"]
    assert found(f"{tmp_path}/c[1].root") == ["c[1].root"]
    assert found(f"{tmp_path}/**/*.root") == [
        "a.root",
        "b.root",
        "c[1].root",
        "sub/d.root",
        "sub/e.root",
    ]
    listed = ["sub/d.root", "sub/../a.root", "root://host//x.root"]
    assert found(tmp_path / "sub" / "good.txt") == listed
    assert found(tmp_path / "all.list") == [*listed, "b.root", "c[1].root"]
    assert found("root://h//b.root", "root://h//b.root") == ["root://h//b.root"]


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("absent.root", "absent.root: no such file; give files that exist"),
        ("*.txt2", r"\*.txt2 stands for no file"),
        ("", "is a directory; give files, or a wildcard such as .*/\\*.root"),
        ("bad.txt", "bad.txt, line 2: .*absent.root: no such file"),
        ("empty.txt", "empty.txt lists no file"),
    ],
)
def test_lists_with_mistakes(tmp_path, argument, message):
    (tmp_path / "bad.txt").write_text("# comment\nabsent.root\n")
    (tmp_path / "empty.txt").write_text("# comment\n")
    with pytest.raises(InputError, match=message):
        expand_paths([tmp_path / argument])
    with pytest.raises(InputError, match=r"no files given"):
        expand_paths([])


def zlib_library():
    return uproot.compression._decompress_ZLIB.library


@pytest.mark.parametrize("chosen", ["zlib", "deflate"])
def test_zlib_is_unpacked_by_isal_while_a_file_is_open(tmp_path, monkeypatch, chosen):
    path, calls = write_calovision(tmp_path / "a.root", parts=2), []
    monkeypatch.setattr(
        isal_zlib,
        "decompress",
        lambda data, bufsize: calls.append(bufsize) or zlib.decompress(data, bufsize=bufsize),
    )
    monkeypatch.setattr(uproot.compression._decompress_ZLIB, "library", chosen)
    first, second = iterate_events(path, chunk_size=N), iterate_events(path, chunk_size=N)
    next(first), next(second)
    assert len(calls) > 0
    first.close()  # the other one still reads
    assert zlib_library() == "isal"
    second.close()
    assert zlib_library() == chosen


def test_isal_gives_the_bytes_of_zlib(tmp_path):
    path, columns = tmp_path / "a.root", calovision_columns(2000)
    write_calovision(path, columns=columns)
    (events,) = iterate_events(path)
    assert zlib_library() == "zlib"
    with uproot.open(path) as file:
        assert file.file.compression == uproot.ZLIB(1)
        assert (
            file["events"]["towers_eta"].compressed_bytes
            < file["events"]["towers_eta"].uncompressed_bytes
        )
        for name in ("eta", "phi", "e_em", "e_had"):
            assert ak.all(events.towers[name] == file["events"][f"towers_{name}"].array())
            assert ak.all(events.towers[name] == columns[f"towers_{name}"])
