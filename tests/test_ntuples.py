"""Ntuples: files written here in both schemas, genuine Delphes files, and damaged ones."""

import shutil
from itertools import pairwise

import awkward as ak
import numpy as np
import pytest
import uproot

from calovision.core.errors import InputError
from calovision.ntuples import SCHEMAS, iterate_events, open_ntuple
from calovision.ntuples.fat_jets import read_trimmed_jets

TOWER_COUNTS = np.array([3, 0, 5, 1, 0, 4, 2])
TRACK_COUNTS = np.array([0, 2, 1, 0, 0, 3, 6])
N_EVENTS = len(TOWER_COUNTS)
QCD = "delphes_ATLASfat_qcd300_pythia8_100ev_slim.root"
RPV = "delphes_ATLASfat_rpv_go1400_n850_pythia8_100ev_slim.root"


def jagged(counts, seed, low=0.0, high=1.0):
    values = np.random.default_rng(seed).uniform(low, high, counts.sum()).astype(np.float32)
    return ak.unflatten(values, counts)


def calovision_columns():
    return {
        "towers_eta": jagged(TOWER_COUNTS, 1, -2.5, 2.5),
        "towers_phi": jagged(TOWER_COUNTS, 2, -3.1, 3.1),
        "towers_e_em": jagged(TOWER_COUNTS, 3, 0, 50),
        "towers_e_had": jagged(TOWER_COUNTS, 4, 0, 50),
        "tracks_pt": jagged(TRACK_COUNTS, 5, 0.5, 50),
        "tracks_eta": jagged(TRACK_COUNTS, 6, -2.5, 2.5),
        "tracks_phi": jagged(TRACK_COUNTS, 7, -3.1, 3.1),
        "tracks_charge": ak.values_astype(ak.zeros_like(jagged(TRACK_COUNTS, 8)), np.int8),
        "event_number": np.arange(40, 40 + N_EVENTS, dtype=np.int64),
        "weight": np.linspace(0.5, 2.0, N_EVENTS),
    }


def generation(n_generated=(9,), sum_of_weights=(12.5,), cross_section_pb=(41.4,)):
    return {
        "n_generated": np.array(n_generated, dtype=np.int64),
        "sum_of_weights": np.array(sum_of_weights, dtype=np.float64),
        "cross_section_pb": np.array(cross_section_pb, dtype=np.float64),
    }


def write_tree(file, name, columns, parts=1):
    """Write columns as separate branches, in ``parts`` baskets."""
    types = {
        key: f"var * {ak.type(value[0]).content}" if value.ndim > 1 else value.dtype
        for key, value in columns.items()
    }
    tree = file.mktree(name, types)
    n = len(next(iter(columns.values())))
    edges = np.linspace(0, n, parts + 1).astype(int)
    for start, stop in pairwise(edges):
        tree.extend({key: value[start:stop] for key, value in columns.items()})


def write_calovision(path, *, columns=None, counters=None, parts=1):
    with uproot.recreate(path) as file:
        write_tree(file, "events", columns if columns is not None else calovision_columns(), parts)
        write_tree(file, "generation", counters if counters is not None else generation())
    return path


def delphes_collections():
    """Collections as Delphes writes them, without fat jets."""
    towers = {
        "Eta": jagged(TOWER_COUNTS, 1, -2.5, 2.5),
        "Phi": jagged(TOWER_COUNTS, 2, -3.1, 3.1),
        "E": jagged(TOWER_COUNTS, 3, 1, 50),
        "Eem": jagged(TOWER_COUNTS, 4, 0, 1),
        "Ehad": jagged(TOWER_COUNTS, 5, 0, 1),
    }
    weights = [[1.0 + i, 7.0, 8.0] for i in range(N_EVENTS)]
    cross_sections = [[np.float32(100.0 - i)] for i in range(N_EVENTS)]
    return {
        "Event": {"Number": [[i] for i in range(N_EVENTS)], "CrossSection": cross_sections},
        "Weights": {"Weight": weights},
        "Tower": towers,
        "Track": {
            name: jagged(TRACK_COUNTS, seed) for seed, name in enumerate(("PT", "Eta", "Phi"), 6)
        },
    }


def write_delphes(path, collections):
    """Write each leaf under the name that Delphes gives it, e.g. Tower.Eta."""
    columns = {
        f"{'Event' if name == 'Weights' else name}.{leaf}": ak.Array(values)
        for name, leaves in collections.items()
        for leaf, values in leaves.items()
    }
    types = {key: f"var * {ak.type(ak.flatten(value)).content}" for key, value in columns.items()}
    with uproot.recreate(path) as file:
        file.mktree("Delphes", types).extend(columns)
    return path


def open_and_read(path, schema, **options):
    open_ntuple(path, schema=schema)
    return read(path, schema, **options)


def read(path, schema, **options):
    return list(iterate_events(path, schema=schema, **options))


def sentence(path, schema="delphes", **options):
    """Return the message of the InputError that reading ends with."""
    with pytest.raises(InputError) as caught:
        open_and_read(path, schema, **options)
    return str(caught.value)


def test_calovision_schema_round_trip(tmp_path):
    path, columns = write_calovision(tmp_path / "a.root"), calovision_columns()
    (events,) = read(path, "calovision")
    for name in ("eta", "phi", "e_em", "e_had"):
        assert events.towers[name].tolist() == columns[f"towers_{name}"].tolist()
    for name in ("pt", "eta", "phi"):
        assert events.tracks[name].tolist() == columns[f"tracks_{name}"].tolist()
    assert events.event_number.tolist() == list(range(40, 47))
    assert events.weight.tolist() == columns["weight"].tolist()
    assert events.fat_jets is None


def test_calovision_tower_energy_is_the_sum_in_float64_rounded_to_the_type_of_the_file(tmp_path):
    (events,) = read(write_calovision(tmp_path / "a.root"), "calovision")
    columns = calovision_columns()
    em, had = (
        ak.to_numpy(ak.flatten(columns[f"towers_e_{kind}"])).astype(np.float64)
        for kind in ("em", "had")
    )
    np.testing.assert_array_equal(ak.flatten(events.towers.e), (em + had).astype(np.float32))
    types = [str(ak.type(events.towers[name]).content.content) for name in events.towers.fields]
    assert dict(zip(events.towers.fields, types, strict=True)) == {
        "eta": "float32",
        "phi": "float32",
        "e_em": "float32",
        "e_had": "float32",
        "e": "float32",
    }
    assert str(events.tracks.type).count("float32") == 3
    assert (events.event_number.dtype, events.weight.dtype) == (np.int64, np.float64)


def test_calovision_records_as_the_simulation_writes_them(tmp_path):
    columns = calovision_columns()
    records = {
        "towers": ak.zip(
            {name: columns[f"towers_{name}"] for name in ("eta", "phi", "e_em", "e_had")}
        ),
        "tracks": ak.zip(
            {name: columns[f"tracks_{name}"] for name in ("pt", "eta", "phi", "charge")}
        ),
        "event_number": columns["event_number"],
        "weight": columns["weight"],
    }
    with uproot.recreate(tmp_path / "a.root") as file:
        types = {
            "towers": "var * {eta: float32, phi: float32, e_em: float32, e_had: float32}",
            "tracks": "var * {pt: float32, eta: float32, phi: float32, charge: int8}",
            "event_number": "int64",
            "weight": "float64",
        }
        file.mktree("events", types).extend(records)
        write_tree(file, "generation", generation())
    (events,) = read(tmp_path / "a.root", "calovision")
    assert events.towers.e_had.tolist() == columns["towers_e_had"].tolist()
    assert events.tracks.pt.tolist() == columns["tracks_pt"].tolist()


def test_calovision_info(tmp_path):
    path = write_calovision(tmp_path / "a.root")
    info = open_ntuple(path, schema="calovision")
    with uproot.open(path) as file:
        assert info.uuid == str(file.file.uuid)
    assert (info.path, info.schema, info.tree, info.n_entries) == (
        path,
        "calovision",
        "events",
        N_EVENTS,
    )
    assert (info.n_generated, info.sum_of_weights, info.cross_section_pb) == (9, 12.5, 41.4)
    assert open_ntuple(str(path), schema="calovision") == info


def test_counters_of_merged_files_are_added_up(tmp_path):
    counters = generation(
        n_generated=(100, 300), sum_of_weights=(50.0, 70.0), cross_section_pb=(10.0, 14.0)
    )
    info = open_ntuple(
        write_calovision(tmp_path / "a.root", counters=counters), schema="calovision"
    )
    assert (info.n_generated, info.sum_of_weights, info.cross_section_pb) == (400, 120.0, 13.0)


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_cross_section_that_is_not_positive_is_none(tmp_path, value):
    path = write_calovision(tmp_path / "a.root", counters=generation(cross_section_pb=(value,)))
    assert open_ntuple(path, schema="calovision").cross_section_pb is None


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("chunk_size", [1, 3, 7, 100])
def test_chunks_together_are_the_file(tmp_path, chunk_size, parts):
    path = write_calovision(tmp_path / "a.root", parts=parts)
    (whole,) = read(path, "calovision")
    chunks = read(path, "calovision", chunk_size=chunk_size)
    sizes = [len(events.weight) for events in chunks]
    assert sizes == [min(chunk_size, N_EVENTS - start) for start in range(0, N_EVENTS, chunk_size)]
    for name in ("towers", "tracks"):
        assert (
            ak.concatenate([getattr(events, name) for events in chunks]).tolist()
            == getattr(whole, name).tolist()
        )
    np.testing.assert_array_equal(
        np.concatenate([events.event_number for events in chunks]), whole.event_number
    )
    np.testing.assert_array_equal(
        np.concatenate([events.weight for events in chunks]), whole.weight
    )


def test_no_entries(tmp_path):
    empty = {name: values[:0] for name, values in calovision_columns().items()}
    full = calovision_columns()
    with uproot.recreate(tmp_path / "a.root") as file:
        types = {
            name: f"var * {ak.type(v[0]).content}" if v.ndim > 1 else v.dtype
            for name, v in full.items()
        }
        file.mktree("events", types).extend(empty)
        file.mktree("events_never_filled", types)
        write_tree(file, "generation", generation())
    assert open_ntuple(tmp_path / "a.root", schema="calovision").n_entries == 0
    assert read(tmp_path / "a.root", "calovision") == []


def test_values_that_are_not_finite_are_read_as_they_are(tmp_path):
    columns = calovision_columns()
    values = ak.to_numpy(ak.flatten(columns["towers_eta"])).copy()
    values[:4] = np.nan, np.inf, -np.inf, np.float32(np.pi)
    columns["towers_eta"] = ak.unflatten(values, TOWER_COUNTS)
    columns["towers_e_em"] = -columns["towers_e_em"]
    (events,) = read(write_calovision(tmp_path / "a.root", columns=columns), "calovision")
    np.testing.assert_array_equal(ak.flatten(events.towers.eta), values.astype(np.float64))
    assert ak.all(events.towers.e_em < 0)


def test_delphes_schema_without_fat_jets(tmp_path):
    collections = delphes_collections()
    path = write_delphes(tmp_path / "a.root", collections)
    info = open_ntuple(path, schema="delphes")
    assert (info.n_entries, info.n_generated) == (N_EVENTS, N_EVENTS)
    assert info.sum_of_weights == sum(range(1, N_EVENTS + 1))  # the first weight of each event
    assert info.cross_section_pb == 94.0  # the last entry
    for trimmed in (False, True):
        (events,) = read(path, "delphes", trimmed=trimmed)
        assert events.fat_jets is None
    assert events.event_number.tolist() == list(range(N_EVENTS))
    assert events.weight.tolist() == list(range(1, N_EVENTS + 1))
    for name, leaf in {
        "eta": "Eta",
        "phi": "Phi",
        "e": "E",
        "e_em": "Eem",
        "e_had": "Ehad",
    }.items():
        assert events.towers[name].tolist() == collections["Tower"][leaf].tolist()
    assert events.tracks.pt.tolist() == collections["Track"]["PT"].tolist()


def test_delphes_weight_and_cross_section_may_miss(tmp_path):
    collections = delphes_collections()
    del collections["Weights"], collections["Event"]["CrossSection"]
    path = write_delphes(tmp_path / "a.root", collections)
    info = open_ntuple(path, schema="delphes")
    assert (info.sum_of_weights, info.cross_section_pb) == (N_EVENTS, None)
    (events,) = read(path, "delphes")
    assert events.weight.tolist() == [1.0] * N_EVENTS


def test_delphes_collection_may_be_empty_in_the_whole_file(tmp_path):
    collections = delphes_collections()
    none = np.zeros(N_EVENTS, dtype=np.int64)
    collections["Track"] = {name: jagged(none, 1) for name in ("PT", "Eta", "Phi")}
    collections["FatJet"] = {name: jagged(none, 1) for name in ("PT", "Eta", "Phi", "Mass")}
    (events,) = read(write_delphes(tmp_path / "a.root", collections), "delphes")
    assert ak.num(events.tracks).tolist() == [0] * N_EVENTS
    assert ak.num(events.fat_jets).tolist() == [0] * N_EVENTS


def test_delphes_event_without_weight(tmp_path):
    collections = delphes_collections()
    collections["Weights"]["Weight"] = ak.Array([[1.0], *[[] for _ in range(N_EVENTS - 1)]])
    message = sentence(write_delphes(tmp_path / "a.root", collections))
    assert "a.root" in message
    assert "Event.Weight has no value" in message


def test_genuine_delphes_info(delphes_dir):
    for path in sorted(delphes_dir.glob("*.root")):
        info = open_ntuple(path, schema="delphes")
        n = 100 if "100ev" in path.name else 10
        assert (info.n_entries, info.n_generated, info.sum_of_weights) == (n, n, n)
        assert info.cross_section_pb is None  # DelphesPythia8 leaves -1.6e-23
        assert len(info.uuid) == 36


def test_genuine_delphes_events_are_what_uproot_reads(delphes_dir):
    for path in (delphes_dir / QCD, delphes_dir / QCD.replace("100ev_slim", "10ev_full")):
        chunks = read(path, "delphes", chunk_size=37)
        with uproot.open(path) as file:
            tree = file["Delphes"]
            for name, leaf in {
                "eta": "Eta",
                "phi": "Phi",
                "e": "E",
                "e_em": "Eem",
                "e_had": "Ehad",
            }.items():
                towers = ak.concatenate([events.towers[name] for events in chunks])
                assert ak.array_equal(towers, tree[f"Tower.{leaf}"].array())
            for name, leaf in {"pt": "PT", "eta": "Eta", "phi": "Phi", "mass": "Mass"}.items():
                jets = ak.concatenate([events.fat_jets[name] for events in chunks])
                assert ak.array_equal(
                    jets, ak.values_astype(tree[f"FatJet.{leaf}"].array(), np.float64)
                )
            tracks = ak.concatenate([events.tracks.pt for events in chunks])
            assert ak.array_equal(tracks, tree["Track.PT"].array())
        assert chunks[0].fat_jets.layout.content.parameter("__record__") == "Momentum4D"
        numbers = np.concatenate([events.event_number for events in chunks])
        np.testing.assert_array_equal(numbers, np.arange(len(numbers)))


def test_genuine_delphes_muon_towers_stay(delphes_dir):
    (events,) = read(delphes_dir / RPV, "delphes")
    muons = (events.towers.e_em == 0) & (events.towers.e_had == 0)
    assert ak.sum(muons) > 0
    assert ak.all(events.towers.e[muons] > 0)
    rest = events.towers[~muons]
    np.testing.assert_allclose(ak.flatten(rest.e), ak.flatten(rest.e_em + rest.e_had), rtol=1e-6)


def test_genuine_delphes_trimmed_jet_is_the_sum_of_its_subjets(delphes_dir):
    """Indices 1 to 4 of TrimmedP4 are the leading subjets: they add up to index 0 where there are
    at most four."""
    (events,) = read(delphes_dir / RPV, "delphes", trimmed=True)
    (ungroomed,) = read(delphes_dir / RPV, "delphes")
    assert ak.num(events.fat_jets).tolist() == ak.num(ungroomed.fat_jets).tolist()
    assert ak.all(events.fat_jets.mass <= ungroomed.fat_jets.mass + 0.1)
    assert ak.mean(events.fat_jets.mass < 0.9 * ungroomed.fat_jets.mass) > 0.2
    with uproot.open(delphes_dir / RPV) as file:
        tree = file["Delphes"]
        few = tree["FatJet.NSubJetsTrimmed"].array() <= 4
        p4 = ak.flatten(tree["FatJet.TrimmedP4[5]"].array()[few])
    assert len(p4) > 300
    jets = ak.flatten(events.fat_jets[few])
    subjets = p4[:, 1:]
    px, pz = jets.pt * np.cos(jets.phi), jets.pt * np.sinh(jets.eta)
    np.testing.assert_allclose(px, ak.sum(subjets.fP.fX, axis=1), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(pz, ak.sum(subjets.fP.fZ, axis=1), rtol=1e-9, atol=1e-9)
    energy = np.sqrt(jets.mass**2 + (jets.pt * np.cosh(jets.eta)) ** 2)
    np.testing.assert_allclose(energy, ak.sum(subjets.fE, axis=1), rtol=1e-9)


def test_trimmed_jets_of_events_without_jets():
    zeros = ak.zip(
        {
            "fP": ak.zip({name: np.zeros((3, 5)) for name in ("fX", "fY", "fZ")}),
            "fE": np.zeros((3, 5)),
        }
    )
    no_jets = ak.unflatten(zeros[:0], [0, 0])
    assert ak.num(read_trimmed_jets(no_jets)).tolist() == [0, 0]


def test_unknown_schema(tmp_path):
    message = sentence(tmp_path / "a.root", schema="delfes")
    assert "'delfes'" in message
    assert all(schema in message for schema in SCHEMAS)


def test_missing_file(tmp_path):
    message = sentence(tmp_path / "absent.root")
    assert "absent.root: no such file" in message


def test_directory(tmp_path):
    assert f"{tmp_path} is a directory" in sentence(tmp_path)


@pytest.mark.parametrize("content", [b"", b"roo", b"\x89HDF\r\n\x1a\n" + bytes(1000)])
def test_not_a_root_file(tmp_path, content):
    path = tmp_path / "a.root"
    path.write_bytes(content)
    assert "a.root is not a ROOT file" in sentence(path)


@pytest.mark.parametrize("kept", [4, 60, 300, 0.01, 0.2, 0.5, 0.8, 0.99, -100, -1])
def test_truncated_file(tmp_path, delphes_dir, kept):
    whole = (delphes_dir / QCD).read_bytes()
    path = tmp_path / "cut.root"
    path.write_bytes(whole[: int(kept * len(whole)) if isinstance(kept, float) else kept])
    message = sentence(path)
    assert "cut.root is a truncated" in message
    assert "\n" not in message


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_truncated_calovision_file(tmp_path, kept):
    whole = write_calovision(tmp_path / "a.root", parts=3).read_bytes()
    path = tmp_path / "cut.root"
    path.write_bytes(whole[: int(kept * len(whole))])
    assert "cut.root is a truncated" in sentence(path, "calovision")


def test_damaged_basket_names_branch_and_entries(tmp_path, delphes_dir):
    path = tmp_path / "damaged.root"
    shutil.copy(delphes_dir / RPV, path)
    with uproot.open(path) as file:
        branch = file["Delphes"]["Tower.Phi"]
        seek, first = int(branch.member("fBasketSeek")[1]), int(branch.member("fBasketEntry")[1])
    with path.open("r+b") as raw:
        raw.seek(seek + 100)
        raw.write(bytes(1000))
    start = first // 10 * 10
    chunks = iterate_events(path, schema="delphes", chunk_size=10)
    with pytest.raises(
        InputError, match=rf"damaged.root: entries {start} to {start + 9} of Tower.Phi in the tree"
    ):
        list(chunks)
    assert [len(e.weight) for e, _ in zip(read_until_error(path), range(3), strict=False)] == [
        10,
        10,
        10,
    ]


def read_until_error(path):
    try:
        yield from iterate_events(path, schema="delphes", chunk_size=10)
    except InputError:
        return


def test_damaged_tree(tmp_path, delphes_dir):
    """Overwritten in its directory a file has the right size, but cannot be understood."""
    path = tmp_path / "damaged.root"
    shutil.copy(delphes_dir / QCD, path)
    with uproot.open(path) as file:
        key = file.key("Delphes")
    with path.open("r+b") as raw:
        raw.seek(key.data_cursor.index + 50)
        raw.write(bytes(2000))
    assert "damaged.root: the tree 'Delphes' is damaged" in sentence(path)


def test_missing_tree(tmp_path, delphes_dir):
    message = sentence(write_calovision(tmp_path / "a.root"), schema="delphes")
    assert "a.root has no TTree 'Delphes'" in message
    assert "'events', 'generation'" in message
    assert "no TTree 'events' (it has: 'Delphes')" in sentence(
        delphes_dir / QCD, schema="calovision"
    )


def test_missing_generation_tree(tmp_path):
    with uproot.recreate(tmp_path / "a.root") as file:
        write_tree(file, "events", calovision_columns())
    assert "a.root has no TTree 'generation'" in sentence(tmp_path / "a.root", "calovision")


def test_empty_generation_tree(tmp_path):
    path = write_calovision(
        tmp_path / "a.root", counters={name: v[:0] for name, v in generation().items()}
    )
    assert "the tree 'generation' is empty" in sentence(path, "calovision")


@pytest.mark.parametrize(
    "branch", [name for name in calovision_columns() if name != "tracks_charge"]
)
def test_missing_calovision_branch(tmp_path, branch):
    columns = calovision_columns()
    del columns[branch]
    path = write_calovision(tmp_path / "a.root", columns=columns)
    message = sentence(path, "calovision")
    assert (
        f"a.root: the tree 'events' lacks {branch}, which the schema 'calovision' demands"
        in message
    )
    with pytest.raises(InputError, match=branch):
        read(path, "calovision")


@pytest.mark.parametrize("counter", generation())
def test_missing_counter(tmp_path, counter):
    counters = generation()
    del counters[counter]
    message = sentence(write_calovision(tmp_path / "a.root", counters=counters), "calovision")
    assert f"the tree 'generation' lacks {counter}" in message


@pytest.mark.parametrize(("collection", "leaf"), [("Tower", "Eem"), ("Track", "PT")])
def test_missing_delphes_branch(tmp_path, collection, leaf):
    collections = delphes_collections()
    del collections[collection][leaf]
    message = sentence(write_delphes(tmp_path / "a.root", collections))
    assert f"lacks {collection}.{leaf}, which the schema 'delphes' demands" in message


def test_fat_jets_with_a_missing_leaf(tmp_path):
    collections = delphes_collections()
    collections["FatJet"] = {name: jagged(TRACK_COUNTS, 9) for name in ("PT", "Eta", "Phi")}
    assert "lacks FatJet.Mass" in sentence(write_delphes(tmp_path / "a.root", collections))


@pytest.mark.parametrize("branch", ["towers_phi", "tracks_eta"])
def test_branches_of_unequal_length(tmp_path, branch):
    columns = calovision_columns()
    columns[branch] = jagged(TRACK_COUNTS + 1, 1)
    message = sentence(
        write_calovision(tmp_path / "a.root", columns=columns), "calovision", chunk_size=4
    )
    first = "towers_eta" if branch == "towers_phi" else "tracks_pt"
    assert (
        f"a.root, chunk from entry 0: {branch} and {first} differ in length at entry 0;" in message
    )


def test_branch_without_lists(tmp_path):
    columns = calovision_columns() | {"towers_phi": np.ones(N_EVENTS)}
    message = sentence(write_calovision(tmp_path / "a.root", columns=columns), "calovision")
    assert "towers_phi holds 7 * float64; it must hold one list of numbers an event" in message


@pytest.mark.parametrize("chunk_size", [0, -5])
def test_chunk_size_must_be_positive(tmp_path, chunk_size):
    path = write_calovision(tmp_path / "a.root")
    with pytest.raises(ValueError, match="chunk_size must be positive"):
        read(path, "calovision", chunk_size=chunk_size)


@pytest.mark.parametrize("name", ["with space.root", "a:b.root", "star*[1].root"])
def test_file_names_are_taken_literally(tmp_path, name):
    path = write_calovision(tmp_path / "a.root").rename(tmp_path / name)
    assert open_ntuple(path, schema="calovision").n_entries == N_EVENTS
