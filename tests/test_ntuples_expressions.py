"""Formulas of schemas on branches: elements, components, names in quotes, and what does not depend
on the chunks."""

import logging

import awkward as ak
import numpy as np
import pytest
import uproot
from fakes_ntuples import write_file
from hypothesis import given
from hypothesis import strategies as st

from calovision.core.errors import InputError
from calovision.ntuples import iterate_events, open_ntuple
from calovision.ntuples.branch_arrays import BranchArrays
from calovision.ntuples.expressions import find_branch, names_in

LISTS = ak.Array([[10.0, 20.0, -3.0], [5.0, 7.0], [], [40.0, 50.0, 60.0]])
WEIGHTS = ak.Array([[1.0, 2.0, 4.0], [3.0, 5.0, 7.0], [2.0, 2.0, 2.0], [0.5, 0.25, 8.0]])
COLUMNS = {
    "cl_e": LISTS,
    "w": WEIGHTS,
    "scale": np.array([1.0, 2.0, 3.0, 4.0]),
    "evt": np.array([2**53 + 1, 5, 7, 9], dtype=np.uint64),
}


def write_schema(folder, text):
    path = folder / "schema.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def read(folder, columns=COLUMNS, *, schema="", chunk_size=None, **fields):
    """Events of all chunks with towers of the given fields."""
    towers = ", ".join(
        f'{name}: "{text}"'
        for name, text in {"eta": "cl_e", "phi": "cl_e", "e": "cl_e", **fields}.items()
    )
    path = write_file(folder / "a.root", t=columns)
    schema = write_schema(folder, f"tree: t\ntowers: {{{towers}}}\n{schema}")
    return list(iterate_events(path, schema=schema, chunk_size=chunk_size))


def energies(folder, text, **options):
    return [
        energy for events in read(folder, e=text, **options) for energy in events.towers.e.tolist()
    ]


@pytest.mark.parametrize("chunk_size", [None, 1, 3])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max(cl_e, 0)", [[10, 20, 0], [5, 7], [], [40, 50, 60]]),
        ("maximum(cl_e, 0)", [[10, 20, 0], [5, 7], [], [40, 50, 60]]),
        ("min(cl_e, 6, 45)", [[6, 6, -3], [5, 6], [], [6, 6, 6]]),
        ("clip(cl_e, 6, 45)", [[10, 20, 6], [6, 7], [], [40, 45, 45]]),
        ("where(cl_e > 0, cl_e, 0)", [[10, 20, 0], [5, 7], [], [40, 50, 60]]),
        ("abs(cl_e) * (cl_e > 5)", [[10, 20, 0], [0, 7], [], [40, 50, 60]]),
        ("cl_e * scale", [[10, 20, -3], [10, 14], [], [160, 200, 240]]),
        ("cl_e * w[1]", [[20, 40, -6], [25, 35], [], [10, 12.5, 15]]),
        ("cl_e + w[2] - w[0]", [[13, 23, 0], [9, 11], [], [47.5, 57.5, 67.5]]),
    ],
)
def test_elements_do_not_depend_on_the_chunks(tmp_path, text, expected, chunk_size):
    assert energies(tmp_path, text, chunk_size=chunk_size) == expected


@pytest.mark.parametrize("name", ["prod", "mean", "std", "any", "all"])
def test_reductions_are_refused(tmp_path, name):
    with pytest.raises(
        InputError,
        match=rf"towers.e: the expression '{name}\(cl_e\)' has {name}\(...\), which runs over",
    ):
        energies(tmp_path, f"{name}(cl_e)")


def test_extreme_of_one_argument_is_refused(tmp_path):
    with pytest.raises(
        InputError,
        match=r"towers.e: .* has max of 1 argument, which would depend on .* write max\(a, b",
    ):
        energies(tmp_path, "max(cl_e)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("w[0]", r"e: w\[0\] is one number an event; it must hold one list of numbers an event"),
        ("w[1] + w[0]", r"e: w\[1\] \+ w\[0\] is one number an event; it must hold one list"),
        (
            "cl_e * w[3]",
            r"w\[3\] is beyond the 3 values that w has in entry 0; indices count from 0",
        ),
        ("cl_e - cl_e[0]", r"cl_e\[0\] is beyond the 0 values that cl_e has in entry 2"),
        ("cl_e * scale[0]", r"scale\[0\] holds 4 \* float64; it must hold"),
        ("cl_e * w[0][1]", r"w\[0\]\[1\] holds"),
        ("cl_e * w[-1]", r"has the index \[-1\]; write a whole number that counts from 0"),
        ("cl_e * w[0:2]", r"has the index \[0:2\]; write a whole number"),
        ("cl_e > 3", "e, 'cl_e > 3', is true or false; it must be a number"),
    ],
)
def test_elements_that_are_refused(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        energies(tmp_path, text)


def test_elements_give_weights_and_event_numbers(tmp_path):
    schema = "weight: w[1] * scale\nevent_number: evt + 1000\ncross_section_pb: w[2] / 1000\n"
    (events,) = read(tmp_path, schema=schema)
    assert events.weight.tolist() == [2.0, 10.0, 6.0, 1.0]
    assert events.event_number.tolist() == [2**53 + 1001, 1005, 1007, 1009]
    info = open_ntuple(tmp_path / "a.root", schema=tmp_path / "schema.yaml")
    assert (info.sum_of_weights, info.cross_section_pb) == (19.0, 0.008)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("w", r"w has several values in entry 0, but one event number is needed; write w\[0\]"),
        ("scale / 2", "the event number scale / 2 is 0.5 in entry 0; it must be a whole number"),
        ("evt * evt", "has whole numbers beyond 64 bits"),
        ("cl_e[0]", r"cl_e\[0\] is beyond the 0 values that cl_e has in entry 2"),
        (
            "huge",
            "the event number huge is 18446744073709551615 in entry 1; it must be a whole number "
            "of at most 63 bits",
        ),
        (
            "huge + 1",
            "uses huge, which has 18446744073709551615; whole numbers must be below "
            "9223372036854775808",
        ),
        ("missing", "the event number missing is nan in entry 3"),
    ],
)
def test_event_numbers_that_are_refused(tmp_path, text, message):
    more = {
        "huge": np.array([1, 2**64 - 1, 2, 3], dtype=np.uint64),
        "missing": np.array([1.0, 2.0, 3.0, np.nan]),
    }
    with pytest.raises(InputError, match=message):
        read(tmp_path, COLUMNS | more, schema=f"event_number: {text}\n")


def test_event_numbers_of_float32_are_not_rounded_to_that(tmp_path):
    single = np.array([16777216, 16777216, 3, 4], dtype=np.float32)
    (events,) = read(tmp_path, COLUMNS | {"single": single}, schema="event_number: single + 1\n")
    assert events.event_number.tolist() == [16777217, 16777217, 4, 5]


def test_event_number_of_lists_of_one(tmp_path):
    (events,) = read(
        tmp_path, COLUMNS | {"run": ak.Array([[4], [3], [2], [1]])}, schema="event_number: run\n"
    )
    assert events.event_number.tolist() == [4, 3, 2, 1]


def test_weights_of_branches_that_differ_in_number(tmp_path):
    pairs = ak.Array([[1.0, 2.0]] * 4)
    with pytest.raises(
        InputError,
        match=r"the branches of the weight have different numbers of values \(w 3, pair 2\)",
    ):
        read(tmp_path, COLUMNS | {"pair": pairs}, schema="weight: w * pair\n")


def test_one_jet_an_entry_of_a_list(tmp_path):
    path = write_file(
        tmp_path / "a.root", t=COLUMNS | {"c": ak.Array([[1.0], [2.0, 3.0], [], [4.0]])}
    )
    text = (
        "tree: t\njets: {pt: 'w[1] + w[0]', eta: scale, phi: scale, mass: 'w[2]', "
        "one_per_entry: true}\n"
    )
    schema = write_schema(tmp_path, text + "constituents: {pt: c, eta: 'c * w[0]', phi: c}\n")
    (events,) = iterate_events(path, schema=schema)
    assert events.fat_jets.pt.tolist() == [[3.0], [8.0], [4.0], [0.75]]
    assert events.fat_jets.mass.tolist() == [[4.0], [7.0], [2.0], [8.0]]
    assert events.constituents.eta.tolist() == [[[1.0]], [[6.0, 9.0]], [[]], [[2.0]]]
    schema = write_schema(
        tmp_path, (text + "constituents: {pt: c, eta: c, phi: c}\n").replace("'w[2]'", "w")
    )
    with pytest.raises(
        InputError, match=r"w holds lists; it must hold one number an event, as w\[0\] does"
    ):
        list(iterate_events(path, schema=schema))


FIXED = np.arange(24.0).reshape(2, 3, 4)  # of each of two events three objects with four components


@pytest.mark.parametrize(
    "array",
    [ak.Array(FIXED), ak.Array(FIXED.tolist()), ak.to_regular(ak.Array(FIXED.tolist()), axis=2)],
    ids=["fixed", "lists", "components"],
)
def test_components_of_arrays_of_fixed_size(array):
    chunk = BranchArrays({"x": array, "y[2]": ak.Array(FIXED[:, 0, :])}, "a.root", 0, 2)
    if str(array.type).count("var") == 2:
        assert chunk.column("x[1]").values.tolist() == FIXED[:, :, 1].ravel().tolist()
        with pytest.raises(InputError, match=r"x\[1\]\[2\] holds 2 \* var \* var"):
            chunk.column("x[1][2]")
        return
    assert chunk.column("x[1]").values.tolist() == FIXED[:, :, 1].ravel().tolist()
    assert chunk.column("x[1]").offsets.tolist() == [0, 3, 6]
    assert chunk.column("x[2][1]").values.tolist() == FIXED[:, 2, 1].tolist()
    assert chunk.column("x[2][1]").offsets is None
    assert chunk.column("y[2][3]").values.tolist() == FIXED[:, 0, 3].tolist()
    assert chunk.column("y[2]").values.tolist() == FIXED[:, 0, :].ravel().tolist()
    for name, message in {
        "x[4]": r"x\[4\] is beyond the 4 components that x has",
        "x[3][0]": r"x\[3\]\[0\] is beyond the 3 values that x has in entry 0",
        "x": "x holds 2",
        "x[0][0][0]": r"x\[0\]\[0\]\[0\] holds",
    }.items():
        with pytest.raises(InputError, match=message):
            chunk.column(name)


LAYERS = [[[1.0, 2.0, 4.0], []], [], [[8.0]], [[16.0, 32.0, 64.0, 128.0], [3.0, 0.5]]]


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.uint8, np.int16, bool])
def test_sums_and_components_of_inner_lists(kind):
    layers = ak.values_astype(ak.Array(LAYERS), kind)
    chunk = BranchArrays({"x": layers, "sum(y)": ak.Array([1.0] * 4)}, "a.root", 10, 4)
    whole = np.dtype(kind).kind != "f"
    for text, bounds in {
        "sum(x)": (0, None),
        "sum(x[:])": (0, None),
        "sum(x[1:3])": (1, 3),
        "sum(x[2:])": (2, None),
        "sum(x[:1])": (0, 1),
        "sum(x[7:9])": (7, 9),
    }.items():
        column = chunk.column(text)
        expected = [
            sum(float(value) for value in jet[slice(*bounds)])
            for event in layers.tolist()
            for jet in event
        ]
        assert column.values.tolist() == expected
        assert column.values.dtype == (np.int64 if whole else kind)
        assert (column.offsets.tolist(), column.inner) == ([0, 2, 2, 3, 5], None)
    assert chunk.column("sum(y)").values.tolist() == [1.0] * 4
    first = ak.Array([[[5.0, 1.0]], [[2.0, 3.0, 4.0], [7.0]]])
    assert BranchArrays({"x": first}, "a", 0, 2).column("x[0]").values.tolist() == [5, 2, 7]
    with pytest.raises(
        InputError,
        match=r"from entry 10: x\[1\] is beyond the 0 values that x has for an object in entry "
        r"10; indices count from 0, and sum\(x\[1:2\]\) is 0 where there is none",
    ):
        chunk.column("x[1]")


def test_sums_of_fixed_arrays_and_of_entries():
    arrays = {"x": ak.Array(FIXED), "w": WEIGHTS[:2], "one": np.array([1.0, 2.0])}
    arrays |= {"z": ak.Array(np.zeros((2, 3, 4, 5))), "deep": ak.Array([[[[1.0]]], []])}
    chunk = BranchArrays({name: ak.Array(array) for name, array in arrays.items()}, "a", 0, 2)
    assert chunk.column("sum(x)").values.tolist() == FIXED.sum(axis=2).ravel().tolist()
    found = chunk.column("sum(x[1:9])").values
    assert found.tolist() == FIXED[:, :, 1:].sum(axis=2).ravel().tolist()
    assert chunk.column("sum(w[1:])").values.tolist() == [6.0, 12.0]
    assert chunk.column("sum(w[1:])").offsets is None
    for name, message in {
        "sum(x[4:5])": "is beyond the 4 components that x has",
        "sum(x[1])": r"sum\(x\[1\]\) adds up nothing, as x holds 2 \* 3 \* 4 \* float64; it must",
        "sum(one)": r"adds up nothing, as one holds 2 \* float64",
        "sum(z)": "adds up nothing",
        "sum(deep)": r"sum\(deep\) holds 2 \* var \* var \* var \* float64",
    }.items():
        with pytest.raises(InputError, match=message):
            chunk.column(name)


def test_sum_is_that_of_float64():
    """0.1 in float32, a million times: the sum in float32 would be off by a per mille."""
    values = ak.unflatten(np.full(1_000_000, 0.1, np.float32), [1_000_000])[np.newaxis]
    found = BranchArrays({"x": values}, "a", 0, 1).column("sum(x)").values
    assert found == np.float32(1_000_000 * float(np.float32(0.1)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sum(cl_e)", r"e: sum\(cl_e\) is one number an event"),
        (
            "cl_e / sum(cl_e[0:2])",
            r"sum\(cl_e\[0:2\]\) adds up all of an entry, as cl_e holds 4 \* ",
        ),
        (
            "sum(cl_e + w)",
            r"has sum\(cl_e \+ w\); sum adds up the inner list of each object of one",
        ),
        ("sum(cl_e, w)", "sum adds up the inner list"),
        ("sum()", "sum adds up the inner list"),
        ("sum(3)", "sum adds up the inner list"),
        ("sum(sum(w))", "sum adds up the inner list"),
        ("sum(w[3:1])", r"has the range \[3:1\]; write two whole numbers that count from 0"),
        ("sum(w[0:0])", r"has the range \[0:0\]"),
        ("sum(w[-2:])", r"has the range \[-2:\]"),
        ("sum(w[0:3:2])", r"has the range \[0:3:2\]"),
        ("sum(w[True:3])", r"has the range \[True:3\]"),
        ("sum(w[cl_e:3])", r"has the range \[cl_e:3\]"),
        ("sum(w[0:2][1])", r"has the index \[0:2\].*or sum\(x\[0:2\]\) for the sum of a range"),
        ("sum(x=w)", r"calls sum with \* or ="),
    ],
)
def test_sums_that_are_refused(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        energies(tmp_path, text)


def test_sums_where_an_entry_is_one_object(tmp_path):
    path = write_file(tmp_path / "a.root", t=COLUMNS)
    text = (
        "tree: t\nweight: 'sum(w[0:2]) / 2'\ntowers: {eta: scale, phi: scale, "
        "e: 'sum(cl_e[1:]) + scale', one_per_entry: true, cut: 'sum(cl_e) > 0'}\n"
    )
    (events,) = iterate_events(path, schema=write_schema(tmp_path, text))
    assert events.towers.e.tolist() == [[18.0], [9.0], [], [114.0]]
    assert events.weight.tolist() == [1.5, 4.0, 2.0, 0.375]


def test_texts_are_no_lists_of_numbers():
    texts = {"name": ak.Array(["abc", "de"]), "names": ak.Array([["abc"], []])}
    chunk = BranchArrays(texts, "a.root", 0, 2)
    for name in ("name", "name[0]", "names", "names[0]", "sum(names)"):
        with pytest.raises(
            InputError, match=r"name.* holds 2 \* .*string; it must hold one list of numbers"
        ):
            chunk.column(name)


def test_kinds_of_fields_of_an_rntuple(tmp_path):
    """Values that may be missing are read where none is."""
    fields = {
        "flag": ak.Array([[True, False], [True]]),
        "byte": ak.values_astype(ak.Array([[1, 255], [3]]), np.uint8),
        "maybe": ak.Array([[1.0, None], [2.0]]),
        "maybe_list": ak.Array([[1.0], None]),
        "record": ak.Array([[{"x": 1.0}], []]),
        "pairs": ak.to_regular(ak.Array([[[1.0, 2.0]] * 2, [[3.0, 4.0]]]), axis=2),
    }
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mkrntuple("t", ak.zip(fields, depth_limit=1))
    with uproot.open(tmp_path / "a.root") as file:
        read = {name: file["t"][name].array() for name in fields}
    chunk = BranchArrays(read, "a.root", 0, 2)
    assert chunk.column("flag").values.tolist() == [True, False, True]
    assert chunk.column("byte").values.tolist() == [1, 255, 3]
    assert chunk.column("pairs[1]").values.tolist() == [2.0, 2.0, 4.0]
    assert chunk.column("sum(pairs)").values.tolist() == [3.0, 3.0, 7.0]
    for name, found in {
        "maybe": r"2 \* var \* \?float64, some of which are missing; it must hold one list",
        "maybe_list": r"2 \* option\[var \* float64\], some of which are missing; it must hold",
        "record": r"2 \* var \* \{x: float64\}; it must hold one list of numbers",
    }.items():
        with pytest.raises(InputError, match=f"{name} holds {found}"):
            chunk.column(name)
    first = BranchArrays({"l": read["maybe_list"][:1]}, "a.root", 0, 1)
    assert first.column("l").values.tolist() == [1.0]
    last = BranchArrays({"m": read["maybe"][1:], "none": ak.Array([[]])}, "a.root", 0, 1)
    assert (last.column("m").values.tolist(), last.column("m").offsets.tolist()) == ([2.0], [0, 1])
    assert last.column("none").values.tolist() == []
    deep = BranchArrays({"d": ak.Array([[[1.0, 2.0]], [[None]]])[:1]}, "a.root", 0, 1)
    assert deep.column("sum(d)").values.tolist() == [3.0]


def test_branches_of_names():
    present = {"FatJet.Tau[5]", "e", "a b[1]"}
    assert find_branch("FatJet.Tau[5][0]", present) == ("FatJet.Tau[5]", (0,))
    assert find_branch("FatJet.Tau[5]", present) == ("FatJet.Tau[5]", ())
    assert find_branch("e[3][1]", present) == ("e", (3, 1))
    assert find_branch("a b[1][0]", present) == ("a b[1]", (0,))
    assert find_branch("absent.Tau[5][0]", present) == ("absent.Tau[5]", (0,))
    assert find_branch("sum(FatJet.Tau[5][1:3])", present) == ("FatJet.Tau[5]", (slice(1, 3),))
    assert find_branch("sum(FatJet.Tau[5])", present) == ("FatJet.Tau[5]", (slice(None),))
    assert find_branch("sum(e[2])", present) == ("e", (2, slice(None)))
    assert find_branch("sum(a b[1][:2])", present) == ("a b[1]", (slice(2),))
    assert find_branch("sum(absent.Tau[5][2:])", present) == ("absent.Tau[5]", (slice(2, None),))
    assert names_in("sum('a b'[1:]) + sum(e) + sum(e[:])") == ("sum(a b[1:])", "sum(e)")
    assert names_in("'a b[1]'[0] + \"it's\" * e[3]") == ("a b[1][0]", "it's", "e[3]")


@pytest.mark.parametrize("kind", ["TTree", "RNTuple"])
@pytest.mark.parametrize(
    "name",
    [
        *(
            "cl-e",
            "AnalysisJetsAuxDyn:pt",
            "1x",
            "größe",
            "a.b",
            "a/b",
            "x[0]",
            "two words",
            "a;1",
            "x*y",
            "?",
            "class",
        ),
        *("it's", "sqrt(y)", "u\u0308", "\ufb01", "().__class__", "@size", "True"),
    ],
)
def test_names_in_quotes(tmp_path, name, kind):
    quote = "''" if "'" not in name else '"'
    values = {name: LISTS, "eta": LISTS, "e": LISTS * 100, "x0": LISTS * 100, "a": LISTS * 100}
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree(
            "t", dict.fromkeys(values, "var * float64")
        ) if kind == "TTree" else file.mkrntuple("t", values)
        if kind == "TTree":
            file["t"].extend(values)
    text = f"tree: t\ntowers: {{eta: eta, phi: eta, e: '{quote}{name}{quote} * 2'}}\n"
    (events,) = iterate_events(
        tmp_path / "a.root", schema=write_schema(tmp_path, text.replace("it's", "it''s"))
    )
    assert events.towers.e.tolist() == (LISTS * 2).tolist()


def test_name_without_quotes_that_it_needs(tmp_path):
    columns = COLUMNS | {"cl-e": LISTS}
    with pytest.raises(
        InputError,
        match=r"a.root: cl-e is the name of a branch, but is read as a formula; write it in q",
    ):
        energies(tmp_path, "cl-e", columns=columns)
    assert energies(tmp_path, "'cl-e'", columns=columns) == LISTS.tolist()
    with pytest.raises(
        InputError,
        match=r"schema.yaml, line 2: towers.e: .*stands in quotes of its own, as in 'jet:pt'",
    ):
        energies(tmp_path, "Jets:e")
    assert energies(tmp_path, "cl_e-scale", columns=COLUMNS | {"cl_e-scale": LISTS})[0] == [
        9.0,
        19.0,
        -4.0,
    ]


def test_index_table_in_quotes(tmp_path):
    columns = {
        "jet": ak.Array([[9.0, 8.0]]),
        "c": ak.Array([[1.0, 2.0, 3.0]]),
        "to-jet": ak.Array([[1, 0, 1]]),
    }
    text = "tree: t\njets: {pt: jet, eta: jet, phi: jet, mass: jet}\n"
    schema = write_schema(
        tmp_path, text + "constituents: {pt: c, eta: c, phi: c, jet_index: \"'to-jet'\"}\n"
    )
    (events,) = iterate_events(write_file(tmp_path / "a.root", t=columns), schema=schema)
    assert events.constituents.pt.tolist() == [[[2.0], [1.0, 3.0]]]


def test_branch_with_the_name_of_a_formula_of_python(tmp_path):
    """uproot runs names that it does not find; it is asked for paths that it finds."""
    assert energies(tmp_path, "'/().x'", columns=COLUMNS | {"/().x": LISTS}) == LISTS.tolist()


def test_two_branches_of_one_name(tmp_path, caplog):
    """uproot writes no such file: the name of the second branch is changed in its bytes."""
    with uproot.recreate(tmp_path / "a.root", compression=None) as file:
        file.mktree("t", dict.fromkeys(("cl_e", "e_aa", "e_bb", "f_aa"), "var * float64"))
        file["t"].extend({"cl_e": LISTS, "e_aa": LISTS, "e_bb": LISTS * 2, "f_aa": LISTS})
    raw = (tmp_path / "a.root").read_bytes()
    assert raw.count(b"e_bb") > 1
    (tmp_path / "a.root").write_bytes(raw.replace(b"e_bb", b"e_aa"))
    schema = write_schema(tmp_path, "tree: t\ntowers: {eta: cl_e, phi: cl_e, e: e_aa}\n")
    with caplog.at_level(logging.WARNING):
        (events,) = iterate_events(tmp_path / "a.root", schema=schema)
    assert events.towers.e.tolist() == LISTS.tolist()
    (message,) = [record.getMessage() for record in caplog.records]
    assert (
        "a.root: the tree 't' has the branch e_aa several times, of which the first one is read"
        in message
    )


@given(
    values=st.lists(st.lists(st.floats(-100, 100), max_size=4), min_size=1, max_size=6),
    threshold=st.floats(-100, 100),
)
def test_chunks_one_by_one_give_the_same(values, threshold):
    from calovision.ntuples.parts import read_part
    from calovision.ntuples.schemas.schema import Collection

    part = Collection(
        {"e": f"where(x > {threshold!r}, max(x, {threshold!r} / 2), clip(x, -50, 3.5) * s)"},
        cut="x > -90",
    )
    array = ak.values_astype(ak.Array([*values, [1.0]]), np.float64)[:-1]
    scale = np.arange(1.0, len(values) + 1)

    def energies_of(first, last):
        arrays = {"x": array[first:last], "s": ak.Array(scale[first:last])}
        return (
            read_part(BranchArrays(arrays, "", first, last - first), part, ["e"]).array().e.tolist()
        )

    whole = energies_of(0, len(values))
    assert whole == [energy for i in range(len(values)) for energy in energies_of(i, i + 1)]
