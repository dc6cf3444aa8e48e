"""Links of constituents to their jets, against plain loops."""

import math
from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
import uproot
from fakes_ntuples import floats, write_file
from hypothesis import given, settings
from hypothesis import strategies as st

from calovision.core.errors import InputError
from calovision.ntuples import iterate_events, open_ntuple
from calovision.ntuples.branch_arrays import BranchArrays
from calovision.ntuples.collections import read_collection
from calovision.ntuples.constituents import read_constituents
from calovision.ntuples.fat_jets import jet_fields
from calovision.ntuples.schemas.links import Counts, IndexTable, NestedIndices, Ranges, Subset
from calovision.ntuples.schemas.schema import Collection, Constituents, TreeSchema

JETS = Collection({"pt": "jet"})
ITEMS = {"pt": "c"}


def chunk_of(branches, start=0):
    """Branches given as lists of Python; all-empty ones keep their kind of number."""
    arrays = {
        name: values if isinstance(values, ak.Array) else ak.Array(values)
        for name, values in branches.items()
    }
    n_events = len(next(iter(arrays.values())))
    return BranchArrays(arrays, "a.root", start, n_events)


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


def typed(rows, kind=np.int32):
    """Lists, also without any number in them, of a type."""
    counts = [len(row) for row in rows]
    flat = np.array([value for row in rows for value in row], dtype=kind)
    return ak.unflatten(flat, np.array(counts, dtype=np.int64))


def typed_nested(rows, kind=np.int32):
    inner = [len(jet) for row in rows for jet in row]
    flat = np.array([value for row in rows for jet in row for value in jet], dtype=kind)
    jets = ak.unflatten(flat, np.array(inner, dtype=np.int64))
    return ak.unflatten(jets, np.array([len(row) for row in rows], dtype=np.int64))


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


def test_jets_that_lack_a_part_of_their_momentum():
    """There is nothing to compute it from, or no telling the constituents of which part."""
    part = Constituents({"pt": "c"}, link=Counts("n"))
    whole = Collection(dict.fromkeys(MOMENTA, "jet"))
    for jets, parts, sentence in (
        ((JETS,), (), "have no eta, phi, mass; give them, or constituents to compute them from"),
        ((whole, JETS), (part,), "have no eta, phi, mass; give them for each part of the jets"),
    ):
        schema = TreeSchema("t", fat_jets=jets, constituents=parts)
        with pytest.raises(InputError, match=f"^a.root: the fat jets {sentence}"):
            jet_fields(schema, {"jet", "c", "n"}, "a.root")
    schema = TreeSchema("t", fat_jets=(JETS,), constituents=(part,))
    assert jet_fields(schema, {"jet", "c", "n"}, "a.root") == MOMENTA
    assert jet_fields(schema, {"jet", "c"}, "a.root") == ()


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


MOMENTA = ("pt", "eta", "phi", "mass")


def vector_sums(pt, eta, phi, e=None):
    """E-scheme in a loop: pt, eta, phi and mass of lists of constituents."""
    jets = []
    for i in range(len(pt)):
        px = math.fsum(p * math.cos(a) for p, a in zip(pt[i], phi[i], strict=True))
        py = math.fsum(p * math.sin(a) for p, a in zip(pt[i], phi[i], strict=True))
        pz = math.fsum(p * math.sinh(y) for p, y in zip(pt[i], eta[i], strict=True))
        massless = [p * math.cosh(y) for p, y in zip(pt[i], eta[i], strict=True)]
        energy = math.fsum(massless if e is None else e[i])
        square = max(energy**2 - px**2 - py**2 - pz**2, 0.0)
        at = math.hypot(px, py)
        jets.append((at, math.asinh(pz / at) if at else 0.0, math.atan2(py, px), math.sqrt(square)))
    return jets


def particles(n_events=8):
    """Two collections of constituents in ranges, and a mass that is the jets' own."""
    rng = np.random.default_rng(4)
    n_jets = rng.integers(0, 4, n_events)
    columns = {"groomed": typed([rng.uniform(1, 80, n) for n in n_jets])}
    for name in ("a", "b"):
        counts = [rng.integers(0, 5, n) for n in n_jets]
        ends = [np.cumsum(of_event) for of_event in counts]
        n_items = [of_event.sum() for of_event in counts]
        columns |= {
            f"{name}_pt": floats(rng, n_items, 0.1, 90),
            f"{name}_eta": floats(rng, n_items, -2, 2),
            f"{name}_phi": floats(rng, n_items, -3.1, 3.1),
            f"{name}_w": floats(rng, n_items, 0.1, 1),
            f"{name}_end": typed(ends),
            f"{name}_n": typed(counts),
            f"{name}_begin": typed([e - n for e, n in zip(ends, counts, strict=True)]),
        }
    columns["a_e"] = ak.values_astype(columns["a_pt"] * np.cosh(columns["a_eta"]) * 1.1, np.float32)
    in_double = {
        name: ak.values_astype(columns[name], np.float64) for name in ("b_pt", "b_eta", "b_phi")
    }
    return columns | in_double  # formulas of float32 are rounded to that


SUMMED = """\
tree: t
jets: {%s}
constituents:
  - {pt: a_pt, eta: a_eta, phi: a_phi, e: a_e, begin: a_begin, end: a_end}
  - {pt: b_pt, eta: b_eta, phi: b_phi, e: pt * cosh(eta), counts: b_n, cut: b_pt > 20}
"""


@pytest.fixture(scope="module")
def particle_file(tmp_path_factory):
    return write_file(tmp_path_factory.mktemp("particles") / "a.root", parts=3, t=particles())


def expected_jets(columns, weighted=False):
    """Jets of each event, from the constituents of both collections."""
    jets = []
    for event in range(len(columns["a_n"])):
        of_event = []
        for j in range(len(columns["a_n"][event])):
            fields = {name: [] for name in ("pt", "eta", "phi", "e")}
            for name in ("a", "b"):
                first, last = (columns[f"{name}_{end}"][event][j] for end in ("begin", "end"))
                values = {
                    key: np.array(columns[f"{name}_{key}"][event][first:last], dtype=float)
                    for key in ("pt", "eta", "phi", "w")
                }
                weight = values["w"] if weighted else np.ones(last - first)
                energy = weight * (
                    np.array(columns["a_e"][event][first:last], dtype=float)
                    if name == "a"
                    else values["pt"] * np.cosh(values["eta"])
                )
                kept = values["pt"] > (20 if name == "b" else 0)
                fields["pt"] += (weight * values["pt"])[kept].tolist()
                fields["eta"] += values["eta"][kept].tolist()
                fields["phi"] += values["phi"][kept].tolist()
                fields["e"] += energy[kept].tolist()
            of_event += vector_sums(*([fields[name]] for name in ("pt", "eta", "phi", "e")))
        jets.append(of_event)
    return jets


def assert_jets(found, expected, rtol=1e-12):
    """Compare pt, eta, phi and mass; a mass is a difference of large numbers."""
    assert ak.num(found).tolist() == [len(jets) for jets in expected]
    flat = np.array([jet for jets in expected for jet in jets]).reshape(-1, 4)
    for i, name in enumerate(MOMENTA):
        values = ak.to_numpy(ak.flatten(found[name]))
        assert values.dtype == np.float64
        np.testing.assert_allclose(values, flat[:, i], rtol=rtol, atol=1e-4 if i == 3 else 1e-12)


@pytest.mark.parametrize("chunk_size", [None, 3])
def test_jets_that_are_the_sum_of_their_constituents(particle_file, tmp_path, chunk_size):
    schema = tmp_path / "a.yaml"
    schema.write_text(SUMMED % "")
    columns = particles()
    chunks = list(iterate_events(particle_file, schema=schema, chunk_size=chunk_size))
    jets = ak.concatenate([events.fat_jets for events in chunks])
    expected = expected_jets(columns)
    assert_jets(jets, expected)
    empty = ak.num(ak.concatenate([events.constituents for events in chunks]), axis=2) == 0
    assert ak.sum(empty) > 0
    assert all(ak.all(jets[name][empty] == 0) for name in MOMENTA)
    (alone,) = iterate_events(particle_file, schema=schema, fields={"fat_jets": ["mass"]})
    assert alone.fat_jets.fields == ["mass"]
    assert alone.fat_jets["mass"].tolist() == jets["mass"].tolist()


def test_jets_with_some_branches_of_their_own(particle_file, tmp_path):
    schema = tmp_path / "a.yaml"
    schema.write_text(SUMMED % "mass: groomed, cut: groomed > 30, tau1: groomed / 2")
    columns = particles()
    (events,) = iterate_events(particle_file, schema=schema)
    kept = [
        [(*jet[:3], mass) for jet, mass in zip(jets, masses, strict=True) if mass > 30]
        for jets, masses in zip(expected_jets(columns), columns["groomed"].tolist(), strict=True)
    ]
    assert_jets(events.fat_jets, kept)
    assert events.fat_jets["tau1"].tolist() == [[jet[3] / 2 for jet in jets] for jets in kept]
    assert ak.num(events.constituents, axis=1).tolist() == [len(jets) for jets in kept]
    info = open_ntuple(particle_file, schema=str(schema))
    assert info.read_from["fat_jets"]["mass"] == ("groomed",)
    assert info.notes == ("pt, eta, phi of the fat jets: vector sum of their constituents",)
    assert set(info.read_from["fat_jets"]["pt"]) > {"groomed", "a_e", "b_n", "a_begin"}


def test_candidate_weight_acts_on_jets_of_constituents(tmp_path):
    columns = particles()
    path = write_file(tmp_path / "a.root", t=columns)
    schema = tmp_path / "a.yaml"
    text = "".join(line for line in SUMMED.splitlines(keepends=True) if "b_pt" not in line)
    schema.write_text(text % "" + "candidate_weight: a_w\n")
    (events,) = iterate_events(path, schema=schema)
    for name in ("pt", "eta", "phi"):
        columns[f"b_{name}"] = columns[f"b_{name}"][:, :0]
    columns["b_end"], columns["b_begin"] = columns["b_end"] * 0, columns["b_end"] * 0
    columns["b_w"] = columns["b_w"][:, :0]
    assert_jets(events.fat_jets, expected_jets(columns, weighted=True), rtol=1e-5)


def test_jets_of_lists_in_lists_and_of_nested_indices():
    branches = {
        "deep": ak.Array([[[3.0, 4.0], []], [], [[5.0]]]),
        "phi": ak.Array([[[0.0, np.pi / 2], []], [], [[np.pi]]]),
        "flat": ak.Array([[7.0, 8.0], [9.0], [6.0]]),
        "lists": ak.Array([[[1], [0, 0]], [], [[0]]]),
    }
    deep = Constituents({"pt": "deep", "eta": "deep * 0", "phi": "phi"})
    nested = Constituents(
        {"pt": "flat", "eta": "flat * 0", "phi": "flat * 0"}, link=NestedIndices("lists")
    )
    for part, expected in ((deep, [[5.0, 0.0], [], [5.0]]), (nested, [[8.0, 14.0], [], [6.0]])):
        schema = TreeSchema("t", fat_jets=(Collection({}),), constituents=(part,))
        jets = read_collection(chunk_of(branches), schema, "fat_jets", ["pt"])
        np.testing.assert_allclose(ak.flatten(jets["pt"]), ak.flatten(expected), rtol=1e-14)
        assert ak.num(jets).tolist() == [2, 0, 1]


@pytest.mark.parametrize("chunk_size", [None, 2])
def test_jets_and_layers_of_an_rntuple(tmp_path, chunk_size):
    """Lists in lists in a file: jets that are their constituents, layers of towers."""
    columns = {
        "pt": typed_nested([[[3.0, 4.0], []], [], [[5.0]]], np.float32),
        "zero": typed_nested([[[0.0, 0.0], []], [], [[0.0]]], np.float32),
        "phi": typed_nested([[[0.0, np.pi / 2], []], [], [[1.0]]], np.float32),
        "layers": typed_nested([[[1.0, 2.0, 4.0]], [], [[8.0], []]], np.float32),
        "eta": typed([[0.5], [], [1.5, 2.5]], np.float32),
    }
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file.mkrntuple("t", ak.zip(columns, depth_limit=1))
    schema = tmp_path / "a.yaml"
    schema.write_text(
        "tree: t\njets: {}\nconstituents: {pt: pt, eta: zero, phi: phi}\n"
        "towers: {eta: eta, phi: eta, e: sum(layers), e_em: 'sum(layers[:2])'}\n"
    )
    options = {"schema": schema, "chunk_size": chunk_size}
    chunks = list(iterate_events(path, **options))
    events = [event for one in chunks for event in ak.to_list(one.towers[["e", "e_em"]])]
    whole, first, nothing = ({"e": e, "e_em": em} for e, em in ((7.0, 3.0), (8.0, 8.0), (0.0, 0.0)))
    assert events == [[whole], [], [first, nothing]]
    found = [jets for one in chunks for jets in one.fat_jets["pt"].tolist()]
    assert [len(jets) for jets in found] == [2, 0, 1]
    np.testing.assert_allclose([*found[0], *found[2]], [5.0, 0.0, 5.0], rtol=1e-7)
    alone = iterate_events(path, fields={"constituents": ["phi"]}, **options)
    assert [jets for one in alone for jets in one.constituents.phi.tolist()] == columns[
        "phi"
    ].tolist()


def test_constituents_without_energy_are_massless():
    lists = {
        "c": ak.Array([[1.0, 2.0, 5.0], [4.0]]),
        "y": ak.Array([[0.5, -1.0, 2.0], [3.0]]),
        "f": ak.Array([[0.1, 3.0, -2.0], [1.0]]),
    }
    part = Constituents({"pt": "c", "eta": "y", "phi": "f"}, link=Counts("n"))
    schema = TreeSchema("t", fat_jets=(Collection({}),), constituents=(part,))
    jets = read_collection(chunk_of(TWO | lists), schema, "fat_jets", MOMENTA)
    pt, eta, phi = (
        [values[0][:2], values[0][2:], values[1]] for values in map(ak.to_list, lists.values())
    )
    expected = vector_sums(pt, eta, phi)
    assert_jets(jets, [expected[:2], expected[2:]])


BEAM = {"pt": "c", "eta": "y", "phi": "y * 0", "e": "e"}


def test_constituents_along_the_beam_and_without_momentum():
    """Delphes gives a track without momentum the pseudorapidity 999.9, formulas give it NaN."""
    branches = {
        "c": ak.Array([[3.0, 0.0, 0.0, 0.0]]),
        "y": ak.Array([[0.0, 999.9, np.nan, -np.inf]]),
        "e": ak.Array([[3.0, 0.0, 0.0, 4.0]]),
        "n": ak.Array([[4]]),
    }
    part = Constituents(BEAM, link=Counts("n"))
    schema = TreeSchema("t", fat_jets=(Collection({}),), constituents=(part,))
    for changes, expected in (({}, (3.0, -4.0, 7.0)), ({"e": None}, (3.0, 0.0, 3.0))):
        fields = {name: text for name, text in BEAM.items() if name not in changes}
        parts = (replace(part, fields={**fields, "phi": "c * 0"}),)
        jets = read_collection(
            chunk_of(branches), replace(schema, constituents=parts), "fat_jets", MOMENTA
        )
        pt, pz, e = expected
        mass = math.sqrt(e**2 - pt**2 - pz**2)
        np.testing.assert_allclose(jets.pt, [[pt]])
        np.testing.assert_allclose(jets.eta, [[math.asinh(pz / pt)]])
        np.testing.assert_allclose(jets["mass"], [[mass]], atol=1e-7)
    branches["c"] = ak.Array([[3.0, 0.0, 1.0, 0.0]])
    with pytest.raises(
        InputError,
        match="of a jet in entry 7 add up to px, py, pz and e of nan, nan, nan, 7; all of them",
    ):
        read_collection(chunk_of(branches, 7), schema, "fat_jets", ["pt"])


def test_sum_over_the_entry_in_a_cut_of_linked_objects():
    with pytest.raises(InputError, match=r"sum\(jet\) adds up all of an entry, as jet holds"):
        linked(TWO, Counts("n"), cut="c < sum(jet)")


def test_number_of_jets_that_cannot_be_told(tmp_path):
    one_list = Constituents({"pt": "c", "eta": "c", "phi": "c"})
    schema = TreeSchema("t", fat_jets=(Collection({}),), constituents=(one_list,))
    with pytest.raises(InputError, match="the number of fat jets cannot be told, as they have no"):
        read_collection(chunk_of(TWO), schema, "fat_jets", ["pt"])
    schema = replace(schema, constituents=(replace(one_list, link=Counts("scalar")),))
    with pytest.raises(InputError, match=r"scalar holds 2 .*; it must hold one list of whole num"):
        read_collection(chunk_of(TWO), schema, "fat_jets", ["pt"])
    one = TreeSchema("t", fat_jets=(Collection({}, one_per_entry=True),), constituents=(one_list,))
    jets = read_collection(chunk_of(TWO | {"c": ak.Array([[3.0], []])}), one, "fat_jets", MOMENTA)
    np.testing.assert_allclose(ak.flatten(jets["pt"]), [3.0, 0.0])


def test_own_branches_of_other_jets_than_the_constituents(tmp_path):
    columns = {name: TWO[name] for name in ("jet", "c", "n")}
    path = write_file(tmp_path / "a.root", t=columns)
    schema = tmp_path / "a.yaml"
    text = "tree: t\njets: {%s}\nconstituents: {pt: c, eta: c, phi: c, counts: n}\n"
    for fields, message in {
        "tau1: 'jet[0] * c'": "entry 0 has constituents of 2 jets, but 3 jets; n and the jets must",
        "tau1: c, mass: jet": "c and jet differ in length at entry 0",
    }.items():
        schema.write_text(text % fields)
        with pytest.raises(InputError, match=message):
            list(iterate_events(path, schema=schema))
    with pytest.raises(
        InputError, match="tau1 of the fat jets is there for 3 jets in entry 0, but"
    ):
        list(iterate_events(path, schema=schema, fields={"fat_jets": ["pt", "tau1"]}))


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


def test_published_treemaker_jets_are_the_sum_of_their_subjets(real_dir, tmp_path):
    """The soft-drop mass of CMS is the mass of the two subjets."""
    schema = tmp_path / "a.yaml"
    schema.write_text(
        "tree: PreSelection\njets: {tau1: JetsAK8_NsubjettinessTau1}\n"
        "constituents: {p4: JetsAK8_subjets, counts: JetsAK8_subjetsCounts}\n"
    )
    path = real_dir / "treemaker.root"
    (events,) = iterate_events(path, schema=schema)
    with uproot.open(path) as file:
        mass = file["PreSelection/JetsAK8_softDropMass"].array()
        counts = file["PreSelection/JetsAK8_subjetsCounts"].array()
        pt = file["PreSelection/JetsAK8_subjets/JetsAK8_subjets.fCoordinates.fPt"].array()
    subjets = [ak.unflatten(of_event, n) for of_event, n in zip(pt, counts, strict=True)]
    assert events.constituents.pt.tolist() == [of_event.tolist() for of_event in subjets]
    # with one subjet, or none, CMS gives the mass 0 whatever that of the subjet is
    found, expected = (ak.flatten(values[counts == 2]) for values in (events.fat_jets.mass, mass))
    assert len(found) > 10
    np.testing.assert_allclose(found, expected, rtol=1e-9)


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
