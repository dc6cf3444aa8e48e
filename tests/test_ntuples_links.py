"""Links of constituents to their jets, against plain loops."""

import awkward as ak
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from calovision.ntuples.branch_arrays import BranchArrays
from calovision.ntuples.constituents import read_constituents
from calovision.ntuples.schemas.links import Counts, IndexTable, NestedIndices, Ranges
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
