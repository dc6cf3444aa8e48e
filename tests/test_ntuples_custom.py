"""Schemas described in YAML, and the formulas in them."""

import awkward as ak
import numpy as np
import pytest
from fakes_ntuples import floats, write_file
from hypothesis import given
from hypothesis import strategies as st

from calovision.core.errors import InputError
from calovision.ntuples import iterate_events, open_ntuple
from calovision.ntuples.expressions import evaluate, names_in
from calovision.ntuples.schemas import find_schema
from calovision.selection.expressions import parse

TOWERS = "tree: analysis/events\ntowers: {eta: cl_eta, phi: cl_phi, e: cl_e / 1000}\n"
EXAMPLE = """
tree: analysis/events
event_number: evt
weight: mc_weight * pileup_weight
towers:
  eta: cl_eta
  phi: cl_phi
  e_em: cl_em_e / 1000
  e_had: cl_had_e / 1000
  cut: cl_em_e + cl_had_e > 500
tracks:
  pt: sqrt(trk_px**2 + trk_py**2) / 1000
  eta: arcsinh(trk_pz / sqrt(trk_px**2 + trk_py**2))
  phi: arctan2(trk_py, trk_px)
  cut: pt > 0.5
jets: {pt: jet_pt / 1000, eta: jet_eta, phi: jet_phi, mass: jet_m / 1000}
n_generated: 1000
sum_of_weights: 1234.5
cross_section_pb: 41.4
"""


def columns(seed=1, n=12):
    rng = np.random.default_rng(seed)
    n_towers, n_tracks, n_jets = (rng.poisson(mean, n) for mean in (8, 5, 2))
    values = {
        "evt": np.arange(500, 500 + n),
        "mc_weight": rng.normal(1, 0.2, n),
        "pileup_weight": rng.uniform(0, 2, n),
    }
    values |= {f"cl_{name}": floats(rng, n_towers, -2, 2) for name in ("eta", "phi")}
    values |= {f"cl_{name}": floats(rng, n_towers, 0, 1000) for name in ("em_e", "had_e")}
    values |= {f"trk_{name}": floats(rng, n_tracks, -900, 900) for name in ("px", "py", "pz")}
    values |= {f"jet_{name}": floats(rng, n_jets, -1, 1) for name in ("eta", "phi")}
    return values | {f"jet_{name}": floats(rng, n_jets, 0, 9e5) for name in ("pt", "m")}


def write_schema(tmp_path, text):
    path = tmp_path / "schema.yaml"
    path.write_text(text)
    return path


def read_all(path, schema, **options):
    (events,) = iterate_events(path, schema=schema, **options)
    return events


def test_example_of_the_documentation(tmp_path):
    values = columns()
    path, schema = (
        write_file(tmp_path / "a.root", analysis__events=values),
        write_schema(tmp_path, EXAMPLE),
    )
    events, info = read_all(path, schema), open_ntuple(path, schema=str(schema))
    assert (info.n_generated, info.sum_of_weights, info.cross_section_pb) == (1000, 1234.5, 41.4)
    assert (info.tree, info.n_entries) == ("analysis/events", 12)
    np.testing.assert_array_equal(events.weight, values["mc_weight"] * values["pileup_weight"])
    assert events.event_number.tolist() == list(range(500, 512))
    for i in range(12):
        em, had = (np.array(values[f"cl_{kind}_e"][i], dtype=np.float64) for kind in ("em", "had"))
        kept = em + had > 500
        np.testing.assert_array_equal(events.towers.e_had[i], np.float32(had[kept] / 1000))
        np.testing.assert_array_equal(
            events.towers.e[i], np.float32(em[kept] / 1000 + had[kept] / 1000)
        )
        np.testing.assert_array_equal(events.towers.eta[i], np.array(values["cl_eta"][i])[kept])
        px, py, pz = (
            np.array(values[f"trk_{name}"][i], dtype=np.float64) for name in ("px", "py", "pz")
        )
        pt = np.hypot(px, py) / 1000
        hard = pt > 0.5
        np.testing.assert_allclose(events.tracks.pt[i], np.float32(pt[hard]), rtol=1e-7)
        np.testing.assert_allclose(
            events.tracks.eta[i], np.float32(np.arcsinh(pz / 1000 / pt)[hard]), rtol=1e-7
        )
        np.testing.assert_allclose(
            events.tracks.phi[i], np.float32(np.arctan2(py, px)[hard]), rtol=1e-7
        )
        np.testing.assert_allclose(
            events.fat_jets.mass[i], np.array(values["jet_m"][i], dtype=float) / 1000
        )
    assert 0 < ak.sum(ak.num(events.towers)) < ak.sum(ak.num(values["cl_eta"]))


def test_documentation_is_a_schema(tmp_path):
    """The example in the module's docstring can be read as it stands there."""
    from calovision.ntuples.schemas import custom

    text = "\n".join(line[4:] for line in custom.__doc__.splitlines() if line.startswith("    "))
    (schema,) = find_schema(write_schema(tmp_path, text)).versions
    assert (schema.tree, schema.n_generated, schema.constituents[0].link.jet_index) == (
        "analysis/events",
        "cutflow/total[1]",
        "link_jet",
    )
    assert schema.towers[0].cut == "(((cl_em_e / 1000) + (cl_had_e / 1000)) > 0.5)"


def nested(seed=3):
    """Jets with lists of constituents in lists, of float64."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 4, 10)
    inner = rng.integers(0, 6, counts.sum())
    lists = {
        name: ak.unflatten(ak.unflatten(rng.uniform(0, 9, inner.sum()), inner), counts)
        for name in ("a", "b")
    }
    return counts, lists, floats(rng, counts, 0, 900)


JETS = "jets: {pt: jet_pt, eta: jet_pt * 0, phi: jet_pt * 0, mass: jet_pt / 10%s}\n"


def test_constituents_in_an_index_table_with_cuts(tmp_path):
    """Cuts of jets and of constituents leave the two aligned."""
    rng = np.random.default_rng(5)
    jet_pt, item_pt = floats(rng, [2, 0, 3], 0, 100), floats(rng, [4, 3, 5], 0, 10)
    link_jet = ak.Array([[1, 0, 1, 0, 1], [], [2, 1, 0, 0]])
    link_item = ak.Array([[0, 1, 2, 3, 1], [], [4, 3, 2, 0]])
    path = write_file(
        tmp_path / "a.root",
        t={"jet_pt": jet_pt, "c_pt": item_pt, "link_jet": link_jet, "link_item": link_item},
    )
    text = "tree: t\n" + JETS % ", cut: jet_pt > 40"
    text += (
        "constituents: {pt: c_pt, eta: c_pt, phi: c_pt, cut: c_pt > 3, jet_index: link_jet, "
        "item_index: link_item}\n"
    )
    events = read_all(path, write_schema(tmp_path, text))
    expected = []
    for i in range(3):
        jets = [[] for _ in jet_pt[i]]
        for jet, item in zip(link_jet[i], link_item[i], strict=True):
            if item_pt[i, item] > 3:
                jets[jet].append(item_pt[i, item])
        expected.append([jet for jet, pt in zip(jets, jet_pt[i], strict=True) if pt > 40])
    assert events.constituents.pt.tolist() == expected
    assert events.fat_jets.pt.tolist() == [[pt for pt in row if pt > 40] for row in jet_pt.tolist()]
    assert 0 < sum(len(jets) for jets in expected) < 5


def test_constituents_with_the_jet_index_only(tmp_path):
    """Without item_index the rows of the table are the constituents."""
    path = write_file(
        tmp_path / "a.root",
        t={
            "jet_pt": ak.Array([[9.0, 8.0], [7.0]]),
            "c": ak.Array([[1.0, 2.0, 3.0], [4.0]]),
            "j": [[1, 0, 1], [0]],
        },
    )
    text = "tree: t\n" + JETS % "" + "constituents: {pt: c, eta: c, phi: c, jet_index: j}\n"
    events = read_all(path, write_schema(tmp_path, text))
    assert events.constituents.pt.tolist() == [[[2.0], [1.0, 3.0]], [[4.0]]]


def test_constituents_in_nested_lists():
    """uproot writes no lists of lists, therefore the columns of a chunk are given directly."""
    from calovision.ntuples.branch_arrays import BranchArrays
    from calovision.ntuples.constituents import read_constituents
    from calovision.ntuples.schemas.schema import Collection, Constituents, TreeSchema

    counts, lists, jet_pt = nested()
    jets = Collection({"pt": "jet_pt"}, cut="jet_pt > 300")
    items = Constituents({"pt": "a", "eta": "a + b"}, cut="b > 2")
    chunk = BranchArrays(lists | {"jet_pt": jet_pt}, "a.root", 0, len(counts))
    found = read_constituents(
        chunk, TreeSchema("t", fat_jets=(jets,), constituents=(items,)), ["pt", "eta"]
    )
    assert found.pt.tolist() == lists["a"][lists["b"] > 2][jet_pt > 300].tolist()
    assert found.eta.tolist() == (lists["a"] + lists["b"])[lists["b"] > 2][jet_pt > 300].tolist()
    shorter = BranchArrays(lists | {"jet_pt": jet_pt[:, :1]}, "a.root", 0, len(counts))
    entry = int(np.flatnonzero(counts > 1)[0])
    with pytest.raises(
        InputError, match=f"entry {entry} has constituents of {counts[entry]} jets, but 1 jets"
    ):
        read_constituents(shorter, TreeSchema("t", fat_jets=(jets,), constituents=(items,)), ["pt"])


def test_one_jet_an_entry(tmp_path):
    path = write_file(
        tmp_path / "a.root", t={"jet_pt": np.array([9.0, 8.0]), "c": ak.Array([[1.0, 2.0], []])}
    )
    text = (
        "tree: t\n"
        + JETS % ", one_per_entry: true"
        + "constituents: {pt: c, eta: c * jet_pt, phi: c}\n"
    )
    events = read_all(path, write_schema(tmp_path, text))
    assert events.fat_jets.mass.tolist() == [[0.9], [0.8]]
    assert events.constituents.eta.tolist() == [[[9.0, 18.0]], [[]]]
    assert events.event_number.tolist() == [0, 1]


def test_number_of_the_event_enters_formulas(tmp_path):
    path = write_file(
        tmp_path / "a.root",
        analysis__events={
            "c": ak.Array([[1.0, 2.0], [], [3.0]]),
            "scale": np.array([2.0, 3.0, 4.0]),
        },
    )
    text = "tree: analysis/events\ntowers: {eta: c, phi: c, e: c * scale}\n"
    assert read_all(path, write_schema(tmp_path, text)).towers.e.tolist() == [
        [2.0, 4.0],
        [],
        [12.0],
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            TOWERS + "trakcs: {pt: a, eta: b, phi: c}\n",
            r"line 3: unknown key 'trakcs' \(did you mean 'tracks'\?\); choose from tree, friends",
        ),
        ("towers: {eta: a, phi: b, e: c}\n", " lacks the key 'tree'"),
        ("tree: t\ntowers: {eta: a, phy: b, e: c}\n", "towers: unknown key 'phy'"),
        ("tree: t\ntowers: {eta: a, e: c}\n", "towers lacks the key 'phi'"),
        (
            "tree: t\ntowers: {eta: a, phi: b, e_em: c}\n",
            "towers has no energy; give e, or both e_em and e_had",
        ),
        (
            "tree: t\ntowers: {eta: a, phi: b, e: c / }\n",
            r"towers.e: the expression 'c /' cannot be read; write names",
        ),
        (
            "tree: t\ntowers: {eta: a, phi: b, e: sqr(c)}\n",
            r"towers.e: the expression 'sqr\(c\)' has the unknown function sqr; did you mean sqrt",
        ),
        (
            "tree: t\ntowers: {eta: a, phi: b, e: {f: g}}\n",
            "line 2: towers.e is {'f': 'g'}; it must be a branch",
        ),
        ("tree: t\ntowers: {eta: 1, phi: 2, e: 3}\n", "towers uses no branch"),
        ("tree: t\ntowers: cl\n", "towers is 'cl'; it must hold the keys eta, phi"),
        (
            "tree: [t]\ntowers: {eta: a, phi: b, e: c}\n",
            r"tree is \['t'\]; it must be the name of a tree",
        ),
        ("tree: t\n", "has no collection"),
        ("tree: t\nconstituents: {pt: a, eta: b, phi: c}\n", "constituents belong to jets"),
        (
            "tree: t\n" + JETS % "" + "constituents: {pt: a, eta: b, phi: c, item_index: d}\n",
            "item_index needs jet_index",
        ),
        (
            "tree: t\n" + JETS % "" + "constituents: {pt: a, eta: b, phi: c, jet_index: d + 1}\n",
            r"jet_index is 'd \+ 1'; it must be the name of a branch",
        ),
        (TOWERS + JETS % ", one_per_entry: 3", "one_per_entry is 3; it must be true or false"),
        (TOWERS + "n_generated: [3]\n", r"n_generated is \[3\]; it must be a number or the name"),
        ("- a\n", "holds no keys"),
        ("a: [\n", "line 2: no valid YAML"),
        ("tree: t\ntree: u\n" + TOWERS, "line 2: the key 'tree' is given twice, first in line 1"),
        (
            "tree: t\ntowers: {no: a}\n",
            "line 2: the key no below 'towers' is read as true or false",
        ),
    ],
)
def test_mistakes_in_the_file(tmp_path, text, message):
    with pytest.raises(InputError, match=f"schema.yaml.*{message}") as caught:
        find_schema(write_schema(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_missing_yaml_file(tmp_path):
    with pytest.raises(InputError, match=r"absent.yml: no such schema file"):
        open_ntuple(tmp_path / "a.root", schema=tmp_path / "absent.yml")


def test_branch_that_the_file_lacks(tmp_path):
    path = write_file(
        tmp_path / "a.root",
        analysis__events={"cl_eta": ak.Array([[1.0]]), "cl_phi": ak.Array([[1.0]])},
    )
    schema = write_schema(tmp_path, TOWERS)
    message = (
        r"a.root: the tree 'events' lacks cl_e, which the schema '.*schema.yaml' demands "
        r"in line 2 \(did you mean cl_eta\?\)"
    )
    with pytest.raises(InputError, match=message):
        open_ntuple(path, schema=schema)


def test_branch_of_the_cross_section(tmp_path):
    lists = ak.Array([[1.0], [2.0]])
    values = {"cl_eta": lists, "cl_phi": lists, "cl_e": lists, "xs": np.array([3.0, 4.0])}
    path = write_file(tmp_path / "a.root", analysis__events=values)
    info = open_ntuple(path, schema=write_schema(tmp_path, TOWERS + "cross_section_pb: xs\n"))
    assert (info.cross_section_pb, info.sum_of_weights) == (4.0, 2.0)
    with pytest.raises(
        InputError, match=r"'events' lacks sx, which the schema .* demands in line 3;"
    ):
        open_ntuple(path, schema=write_schema(tmp_path, TOWERS + "cross_section_pb: sx\n"))


@pytest.mark.parametrize(
    ("cut", "message"),
    [
        ("cl_e + 1", "schema.yaml, line 2: towers.cut: 'cl_e \\+ 1' gives numbers"),
        (
            "'e[0] > 3'",
            r"schema.yaml, line 2: towers.cut: e\[0\] is an element of the field e, which has one",
        ),
        (
            "cl_e & 1.5",
            "schema.yaml, line 2: towers.cut: .* joins 1.5, which is no condition, by and",
        ),
        ("cl_e", "a.root, chunk from entry 0: the cut 'cl_e' gives numbers"),
        (
            "cl_e & cl_phi",
            "a.root, chunk from entry 0: .* joins cl_e, which is no condition, by and",
        ),
    ],
)
def test_cut_that_is_none(tmp_path, cut, message):
    lists = ak.Array([[1.0, 2.0]])
    path = write_file(
        tmp_path / "a.root", analysis__events={"cl_eta": lists, "cl_phi": lists, "cl_e": lists}
    )
    schema = write_schema(tmp_path, TOWERS.replace("1000}", f"1000, cut: {cut}}}"))
    with pytest.raises(InputError, match=message):
        read_all(path, schema)


def test_names_of_an_expression():
    text = "sqrt(Tower.Eta**2 + 1e5 * a_1) + FatJet.Tau[5][0] / 2.5e-3 - arctan2 (b, a_1)"
    assert names_in(text) == ("Tower.Eta", "a_1", "FatJet.Tau[5][0]", "b")
    assert (
        parse("a + ab * a", "").substitute({"a": "x - 1"}, "").text == "((x - 1) + (ab * (x - 1)))"
    )
    assert parse(text, "here").substitute({"b": "'1 b'"}, "").names == (
        "Tower.Eta",
        "a_1",
        "FatJet.Tau[5][0]",
        "1 b",
    )


def test_numbers_in_formulas():
    whole, single = (
        np.array([1, 7, -3], dtype=np.int32),
        np.array([0.1, 0.2, 0.3], dtype=np.float32),
    )
    values = {"n": whole, "x.y": single, "flag": np.array([1, 0, 3], dtype=np.uint8)}
    np.testing.assert_array_equal(evaluate("n / 2", values, ""), [0.5, 3.5, -1.5])
    np.testing.assert_array_equal(evaluate("x.y + x.y", values, ""), 2 * single.astype(np.float64))
    np.testing.assert_array_equal(evaluate("(flag & 1) == 1", values, ""), [True, False, True])
    assert evaluate("x.y", values, "") is single


SINGLE = st.floats(width=32, allow_nan=False)
FORMULAS = {
    "a.x + b": lambda a, b: a + b,
    "a.x-b": lambda a, b: a - b,
    "a.x * b": lambda a, b: a * b,
    "a.x / b": lambda a, b: a / b,
    "a.x - b * b": lambda a, b: a - b * b,
}


@pytest.mark.parametrize("formula", FORMULAS)
@given(pairs=st.lists(st.tuples(SINGLE, SINGLE), min_size=1, max_size=50))
def test_formulas_of_float32_are_those_of_float64_rounded(formula, pairs):
    usual = np.random.default_rng(1).normal(size=(1000, 2))
    first, second = np.concatenate([pairs, usual]).astype(np.float32).T
    with np.errstate(all="ignore"):
        expected = FORMULAS[formula](first.astype(np.float64), second.astype(np.float64)).astype(
            np.float32
        )
        result = evaluate(formula, {"a.x": first, "b": second}, "")
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(
    "table", [np.array([0, 1]), ak.Array([[0.5, 0.0], [1.0]]), ak.Array([[0.0, np.nan], [1.0]])]
)
def test_index_table_of_other_numbers(tmp_path, table):
    lists = ak.Array([[1.0, 2.0], [3.0]])
    path = write_file(tmp_path / "a.root", t={"jet_pt": lists, "c": lists, "j": table})
    text = "tree: t\n" + JETS % "" + "constituents: {pt: c, eta: c, phi: c, jet_index: j}\n"
    with pytest.raises(
        InputError,
        match=r"a.root, chunk from entry 0: j (holds 2 \* .*|is (0.5|nan) in entry 0); "
        r"it must hold (one list of )?whole num",
    ):
        read_all(path, write_schema(tmp_path, text))
