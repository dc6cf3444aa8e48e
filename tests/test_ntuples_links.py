"""Links of constituents to their jets, against plain loops."""

import math
from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
import uproot
from fakes_ntuples import chunk_of, typed, typed_nested, write_file
from hypothesis import given, settings
from hypothesis import strategies as st

from calovision.core.errors import InputError
from calovision.ntuples import iterate_events
from calovision.ntuples.chunk_events import read_collection
from calovision.ntuples.constituents import read_constituents
from calovision.ntuples.schemas.links import Counts, IndexTable, NestedIndices, Ranges, Subset
from calovision.ntuples.schemas.schema import Collection, Constituents, TreeSchema

JETS = Collection({"pt": "jet"})
ITEMS = {"pt": "c"}


def linked(branches, link, *, jets=JETS, items=ITEMS, cut=None, start=0):
    """Constituents' pT of each jet, as lists."""
    parts = (Constituents(items, cut=cut, link=link),)
    schema = TreeSchema("t", fat_jets=(jets,), constituents=parts)
    return read_constituents(chunk_of(branches, start), schema, ["pt"]).pt.tolist()


def lists(rng, counts, low, high):
    """Whole numbers from ``low`` to below ``high[i]``, ``counts[i]`` an entry."""
    rows = [
        rng.integers(low, top, count).tolist() if top > low else []
        for count, top in zip(counts, high, strict=True)
    ]
    return typed(rows)


def sizes(seed):
    """Seeded numbers of jets and of objects of some events, empty ones among them."""
    rng = np.random.default_rng(seed)
    n_events = int(rng.integers(0, 6))
    n_jets = rng.integers(0, 4, n_events) * (rng.random(n_events) > 0.2)
    n_items = rng.integers(0, 7, n_events) * (rng.random(n_events) > 0.2)
    branches = {
        "jet": typed([np.arange(n) for n in n_jets], np.float32),
        "c": typed([rng.uniform(0, 9, n) for n in n_items], np.float32),
    }
    return rng, n_jets, n_items, branches


seeds = given(seed=st.integers(0, 2**32 - 1))
few = settings(max_examples=15)


@few
@seeds
def test_index_table(seed):
    rng, n_jets, n_items, branches = sizes(seed)
    n_rows = rng.integers(0, 9, len(n_jets))
    branches["j"] = lists(rng, n_rows, -1, n_jets)
    branches["i"] = lists(rng, ak.num(branches["j"]), -1, n_items)
    expected = [[[] for _ in range(n)] for n in n_jets]
    for event, jets in enumerate(expected):
        for j, i in zip(branches["j"][event], branches["i"][event], strict=True):
            if j >= 0 and i >= 0:
                jets[j].append(branches["c"][event][i])
    assert linked(branches, IndexTable("j", "i")) == expected


@few
@seeds
def test_ranges_of_a_relation(seed):
    """Jets in any order, relations of no jet, of several jets, and to another collection."""
    rng, n_jets, n_items, branches = sizes(seed)
    n_rows = rng.integers(0, 9, len(n_jets))
    ends = [
        np.sort(rng.integers(0, rows + 1, (n, 2)), axis=1)
        for n, rows in zip(n_jets, n_rows, strict=True)
    ]
    branches["begin"] = typed([pair[:, 0] for pair in ends], np.uint32)
    branches["end"] = typed([pair[:, 1] for pair in ends], np.uint32)
    owner = [
        rng.choice([7, 4000000000], rows) if n else np.full(rows, 7)
        for rows, n in zip(n_rows, n_items, strict=True)
    ]
    index = [
        [int(rng.integers(-1, n)) if own > 7 else 99 for own in of_event]
        for of_event, n in zip(owner, n_items, strict=True)
    ]
    branches |= {"owner": typed(owner, np.uint32), "index": typed(index)}
    expected = []
    for event, pairs in enumerate(ends):
        of_event = [
            [
                int(branches["index"][event][k])
                for k in range(a, b)
                if branches["owner"][event][k] != 7
            ]
            for a, b in pairs
        ]
        expected.append([[branches["c"][event][i] for i in jet if i >= 0] for jet in of_event])
    for number in (4000000000, 4000000000 - 2**32):
        assert linked(branches, Ranges("begin", "end", "index", "owner", number)) == expected
    branches["owner"] = ak.values_astype(branches["owner"], np.int32)
    assert linked(branches, Ranges("begin", "end", "index", "owner", 4000000000)) == expected


@few
@seeds
def test_ranges_of_the_objects(seed):
    rng, n_jets, n_items, branches = sizes(seed)
    ends = [
        np.sort(rng.integers(0, rows + 1, (n, 2)), axis=1)
        for n, rows in zip(n_jets, n_items, strict=True)
    ]
    branches["begin"] = typed([pair[:, 0] for pair in ends])
    branches["end"] = typed([pair[:, 1] for pair in ends])
    expected = [
        [branches["c"][event][a:b].tolist() for a, b in pairs] for event, pairs in enumerate(ends)
    ]
    assert linked(branches, Ranges("begin", "end")) == expected


@few
@seeds
def test_counts(seed):
    rng, n_jets, n_items, branches = sizes(seed)
    counts = [rng.integers(0, 4, n).tolist() for n in n_jets]
    totals = [sum(row) if n else 0 for row, n in zip(counts, n_items, strict=True)]
    counts = [row if n else [0] * len(row) for row, n in zip(counts, n_items, strict=True)]
    branches["n"] = typed(counts)
    branches["index"] = lists(rng, totals, -1, n_items)
    expected = []
    for event, row in enumerate(counts):
        rest = branches["index"][event].tolist()
        jets = []
        for count in row:
            jets.append([branches["c"][event][i] for i in rest[:count] if i >= 0])
            rest = rest[count:]
        expected.append(jets)
    assert linked(branches, Counts("n", "index")) == expected
    branches["c"] = branches["index"]
    expected = [
        [values[stop - count : stop] for count, stop in zip(row, np.cumsum(row), strict=True)]
        for row, values in zip(counts, branches["c"].tolist(), strict=True)
    ]
    assert linked(branches, Counts("n")) == expected


@few
@seeds
def test_nested_indices(seed):
    """Rows of another container may be beyond the objects; duplicates stay."""
    rng, n_jets, n_items, branches = sizes(seed)
    keys = [[rng.choice([5, 6], rng.integers(0, 5)).tolist() for _ in range(n)] for n in n_jets]
    keys = [
        row if n else [[5] * len(jet) for jet in row] for row, n in zip(keys, n_items, strict=True)
    ]
    index = [
        [[int(rng.integers(0, n)) if key == 6 else 50 for key in jet] for jet in row]
        for row, n in zip(keys, n_items, strict=True)
    ]
    branches |= {"key": typed_nested(keys, np.uint32), "index": typed_nested(index, np.uint32)}
    expected = [
        [
            [branches["c"][event][i] for i, key in zip(*pair, strict=True) if key == 6]
            for pair in zip(index[event], keys[event], strict=True)
        ]
        for event in range(len(n_jets))
    ]
    assert linked(branches, NestedIndices("index", "key", 6)) == expected


TWO = {
    "jet": ak.Array([[9.0, 8.0], [7.0]]),
    "c": ak.Array([[1.0, 2.0, 3.0], [4.0]]),
    "i": ak.Array([[0, 2, 1], [0]]),
    "n": ak.Array([[2, 1], [1]]),
    "lists": ak.Array([[[0, 2], [1]], [[0]]]),
    "scalar": np.array([1, 1]),
}


@pytest.mark.parametrize(
    ("changed", "link", "message"),
    [
        (
            {"b": [[0, 2], [1]], "e": [[2, 1], [1]]},
            Ranges("b", "e"),
            "b and e are 2 and 1 in entry 20",
        ),
        (
            {"b": [[0, 2], [0]], "e": [[2, 3], [2]]},
            Ranges("b", "e", "i"),
            "b and e are 0 and 2 in entry 21, where i has 1 values; each jet must have a range",
        ),
        (
            {"b": [[0, 0], [-1]], "e": [[2, 3], [1]]},
            Ranges("b", "e"),
            "b and e are -1 and 1 in entry",
        ),
        (
            {"b": [[0.0, 0.0], [np.nan]], "e": [[2, 3], [1]]},
            Ranges("b", "e"),
            "b is nan in entry 21; it must hold whole numbers",
        ),
        (
            {"b": [[0], [0]], "e": [[1], [1]]},
            Ranges("b", "e"),
            "entry 20 has constituents of 1 jets, but 2 jets; b and the jets must agree in every",
        ),
        (
            {"b": [[[0]], [[0]]], "e": [[1], [1]]},
            Ranges("b", "e"),
            "b holds .* one whole number a jet",
        ),
        (
            {"b": [[0, 2], [0]], "e": [[2, 3], [1]], "o": [[1, 1], [1]]},
            Ranges("b", "e", "i", "o", 1),
            "o and i differ in length at entry 20; they must agree",
        ),
        (
            {"b": [[0, 2], [0]], "e": [[2, 3], [1]], "i": [[0, 3, 1], [0]]},
            Ranges("b", "e", "i"),
            "i is 3 in entry 20, which has only 3; the indices must be below",
        ),
        ({"n": [[2, 2], [1]]}, Counts("n"), "n adds up to 4 in entry 20, where c has 3 values"),
        (
            {"n": [[2, 1], [0]]},
            Counts("n", "i"),
            "n adds up to 0 in entry 21, where i has 1 values",
        ),
        ({"n": [[4, -1], [1]]}, Counts("n"), "n is -1 in entry 20; it must hold numbers from 0"),
        (
            {"n": [[1.5, 1.5], [1.0]]},
            Counts("n"),
            "n is 1.5 in entry 20; it must hold whole numbers",
        ),
        ({"i": [[0, 2, 1], [1]]}, Counts("n", "i"), "i is 1 in entry 21, which has only 1;"),
        ({}, Counts("lists"), "lists holds .*; it must hold one whole number a jet"),
        (
            {},
            Counts("n", "scalar"),
            "scalar holds .*; it must hold one list of whole numbers an event",
        ),
        (
            {"lists": [[[0, 2], [3]], [[0]]]},
            NestedIndices("lists"),
            "lists is 3 in entry 20, which has only 3;",
        ),
        (
            {"lists": [[[0, 2]], [[0]]]},
            NestedIndices("lists"),
            "entry 20 has constituents of 1 jets, but 2 jets; lists and the jets",
        ),
        (
            {"lists": [[0, 2], [0]]},
            NestedIndices("lists"),
            "entry 20 has constituents of 1 jets, but 2",
        ),
        (
            {"k": [[[1, 1], []], [[1]]]},
            NestedIndices("lists", "k", 1),
            "the lists of k and lists differ in length; they must agree for every jet",
        ),
        (
            {},
            NestedIndices("scalar"),
            "scalar holds .*; it must hold one list of whole numbers a jet",
        ),
        ({"j": [[0, 1, 2], [0]]}, IndexTable("j"), "j is 2 in entry 20, which has only 2"),
        ({"j": [[0, 1, np.inf], [0]]}, IndexTable("j"), "j is inf in entry 20; it must hold whole"),
        (
            {"j": [[True, True, True], [False]]},
            IndexTable("j"),
            "j holds .*bool; it must hold whole",
        ),
        (
            {"j": typed([[0, 1, 2**64 - 1], [0]], np.uint64)},
            IndexTable("j"),
            "j is 18446744073709551615 in entry 20",
        ),
        (
            {"c": [[[1.0], [2.0]], [[3.0]]]},
            Counts("n"),
            r"c holds 2 \* var \* var \* float64; it must hold one list of numbers an event, as",
        ),
    ],
)
def test_links_that_do_not_fit(changed, link, message):
    with pytest.raises(InputError, match=f"a.root, chunk from entry 20: {message}"):
        linked(TWO | changed, link, start=20)


@pytest.mark.parametrize(
    ("branches", "link", "sentence"),
    [
        (
            {
                "b": [[0, 2], [0]],
                "e": [[2, 3], [1]],
                "r.index": [[0, 2, -1], [0]],
                "r.collectionID": [[6, 6, 0], [7]],
            },
            "begin: b, end: e, index: r.index",
            "r.index points to .* of 2 collections, whose numbers in r.collectionID are 6, 7; give "
            "owner and owner_id",
        ),
        (
            {"l.m_persIndex": [[[0, 2], [1]], [[0]]], "l.m_persKey": [[[6, 6], [0]], [[6]]]},
            "index: l.m_persIndex",
            "l.m_persIndex points to .* of 2 collections, whose numbers in l.m_persKey are 0, 6; "
            "give key and key_value",
        ),
    ],
)
def test_rows_that_point_to_several_collections(tmp_path, branches, link, sentence):
    """A link that does not say which would mix them; rows without an object are in none."""
    fields = TWO | {name: ak.Array(rows) for name, rows in branches.items()}
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file.mkrntuple("t", ak.zip(fields, depth_limit=1))
    schema = tmp_path / "a.yaml"
    schema.write_text(f"tree: t\njets: {{}}\nconstituents: {{pt: c, eta: c, phi: c, {link}}}\n")
    with pytest.raises(InputError, match=f"{sentence} to say which are meant"):
        list(iterate_events(path, schema=schema))
    if "b" in branches:
        one_by_one = iterate_events(path, schema=schema, chunk_size=1)
        found = [jets for events in one_by_one for jets in events.constituents.pt.tolist()]
        assert found == [[[1.0, 3.0], []], [[4.0]]]


def test_parts_are_joined_in_each_jet():
    """Constituents of several collections, each with its cut and its link, with cut jets."""
    branches = TWO | {
        "track": ak.Array([[0.5, 6.0], [0.25]]),
        "charge": ak.Array([[1, -1], [1]]),
        "of_jet": ak.Array([[1, 0], [0]]),
        "deep": ak.Array([[[], [90.0, 91.0]], [[92.0]]]),
    }
    parts = (
        Constituents({"pt": "c", "charge": "0"}, link=NestedIndices("lists"), cut="c > 1"),
        Constituents({"pt": "track", "charge": "charge"}, link=IndexTable("of_jet")),
        Constituents({"charge": "1", "pt": "deep"}),
    )
    jets = Collection({"pt": "jet"}, cut="jet != 9")
    for cut, kept in ((None, slice(None)), ("jet != 9", slice(1, None))):
        jets = Collection({"pt": "jet"}, cut=cut)
        schema = TreeSchema("t", fat_jets=(jets,), constituents=parts)
        found = read_constituents(chunk_of(branches), schema, ["pt", "charge"])
        expected = [[[3.0, 6.0], [2.0, 0.5, 90.0, 91.0]][kept], [[4.0, 0.25, 92.0]]]
        assert found.pt.tolist() == expected
        assert found.charge.tolist() == [[[0, -1], [0, 1, 1, 1]][kept], [[0, 1, 1]]]
    more = replace(schema, constituents=(*parts, Constituents({"pt": "c"}, link=Counts("n"))))
    assert read_constituents(chunk_of(branches), more, ["pt", "charge"]).fields == ["pt"]


def test_cut_of_jets_that_are_a_subset():
    """Jets in the order of the subset; their cut looks at the collection that it points to."""
    branches = TWO | {
        "x": ak.Array([[1.0, 2.0], [7.0]]),
        "of": ak.Array([[1, 0], [0]]),
        "owner": ak.Array([[5, 5], [5]]),
    }
    jets = Collection({"pt": "x"}, cut="x > 1.5", subset=Subset("of", "owner", 5))
    assert linked(branches, Counts("n"), jets=jets) == [[[1.0, 2.0]], [[4.0]]]
    schema = TreeSchema("t", fat_jets=(jets,))
    assert read_collection(chunk_of(branches), schema, "fat_jets", ["pt"])["pt"].tolist() == [
        [2.0],
        [7.0],
    ]
    scalar = replace(jets, cut="scalar > 1")
    assert linked(branches, Counts("n"), jets=scalar) == [[], []]


def test_lists_in_lists_are_no_towers_or_jets():
    fields = dict.fromkeys(("eta", "phi", "e", "pt", "mass"), "deep")
    part = (Collection(fields),)
    schema = TreeSchema("t", towers=part, fat_jets=part, tracks=(*part, *part))
    chunk = chunk_of({"deep": ak.Array([[[1.0, 2.0], [3.0]], [[4.0]]])})
    for collection in ("towers", "tracks", "fat_jets"):
        with pytest.raises(
            InputError,
            match=r"deep holds 2 \* var \* var \* float64; it must hold one list of numbers an even"
            r"t, as deep\[0\] and sum\(deep\) do",
        ):
            read_collection(chunk, schema, collection, ["pt"])


def test_jets_of_several_parts_count_in_their_order():
    jets = (
        Collection({"pt": "jet"}, cut="jet < 9"),
        Collection({"pt": "scalar * 5"}, one_per_entry=True),
    )
    branches = TWO | {"j": ak.Array([[2, 0, 1], [1]])}
    parts = (Constituents({"pt": "c"}, link=IndexTable("j")),)
    schema = TreeSchema("t", fat_jets=jets, constituents=parts)
    found = read_constituents(chunk_of(branches), schema, ["pt"])
    assert found.pt.tolist() == [[[3.0], [1.0]], [[], [4.0]]]
    assert read_collection(chunk_of(branches), schema, "fat_jets", ["pt"])["pt"].tolist() == [
        [8.0, 5.0],
        [7.0, 5.0],
    ]


def test_sum_over_the_entry_in_a_cut_of_linked_objects():
    with pytest.raises(InputError, match=r"sum\(jet\) adds up all of an entry, as jet holds"):
        linked(TWO, Counts("n"), cut="c < sum(jet)")


def test_scalars_form_a_collection(tmp_path):
    """Parts of one object an entry, beside lists, each with its cut."""
    columns = {"x1": np.array([1.0, 2.0]), "x2": np.array([-999.0, 3.0]), "x": TWO["c"]}
    path = write_file(tmp_path / "a.root", t=columns)
    schema = tmp_path / "a.yaml"
    schema.write_text(
        "tree: t\n"
        "towers: {eta: [x1, x2], phi: [x1, x2], e: [x1 + 1, x2], cut: eta > -900}\n"
        "tracks:\n"
        "  - {pt: x1, eta: x1, phi: x1, one_per_entry: true}\n"
        "  - {pt: x, eta: x * x1, phi: x}\n"
    )
    (events,) = iterate_events(path, schema=schema)
    assert events.towers.e.tolist() == [[2.0], [3.0, 3.0]]
    assert events.tracks.eta.tolist() == [[1.0, 1.0, 2.0, 3.0], [2.0, 8.0]]


def test_published_layers_and_links_of_atlas(real_dir, tmp_path):
    """Sampling layers of clusters, and the clusters that egamma objects are made of."""
    names = {
        "e": "CaloCalTopoClustersAuxDyn.e_sampl",
        "index": "egammaClustersAuxDyn.constituentClusterLinks",
        "eta": "CaloCalTopoClustersAuxDyn.calEta",
    }
    schema = tmp_path / "a.yaml"
    eta, e = names["eta"], names["e"]
    schema.write_text(
        "tree: CollectionTree\njets: {}\n"
        f"towers: {{eta: {eta}, phi: {eta}, e: '{e}[0]', e_em: 'sum({e}[1:4])', e_had: sum({e})}}\n"
        f"constituents: {{pt: {eta}, eta: {eta}, phi: {eta}, "
        f"index: {names['index']}.m_persIndex}}\n"
    )
    path = real_dir / "uproot-issue-123a.root"
    (events,) = iterate_events(path, schema=schema)
    with uproot.open(path) as file:
        read = {key: file["CollectionTree"][name].array() for key, name in names.items()}
    layers = [cluster for event in read["e"].tolist() for cluster in event]
    for field, part in {"e": slice(1), "e_em": slice(1, 4), "e_had": slice(None)}.items():
        expected = [math.fsum(cluster[part]) for cluster in layers]
        np.testing.assert_allclose(ak.flatten(events.towers[field]), expected, rtol=1e-6, atol=1e-3)
    links, positions = read["index"]["m_persIndex"].tolist(), read["eta"].tolist()
    assert events.constituents.eta.tolist() == [
        [[eta[i] for i in one] for one in of_event]
        for of_event, eta in zip(links, positions, strict=True)
    ]
    assert ak.num(events.fat_jets).tolist() == [len(of_event) for of_event in links]
