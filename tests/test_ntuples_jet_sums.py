"""Fat jets whose momenta, or whose number, come from their constituents: against plain loops."""

import math
from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
import uproot
from fakes_ntuples import chunk_of, floats, typed, typed_nested, write_file

from calovision.core.errors import InputError
from calovision.ntuples import iterate_events, open_ntuple
from calovision.ntuples.chunk_events import read_collection
from calovision.ntuples.fat_jets import jet_fields
from calovision.ntuples.schemas.links import Counts, NestedIndices
from calovision.ntuples.schemas.schema import Collection, Constituents, TreeSchema

JETS = Collection({"pt": "jet"})
TWO = {  # two jets and one, of three objects and one
    "jet": ak.Array([[9.0, 8.0], [7.0]]),
    "c": ak.Array([[1.0, 2.0, 3.0], [4.0]]),
    "n": ak.Array([[2, 1], [1]]),
    "scalar": np.array([1, 1]),
}
MOMENTA = ("pt", "eta", "phi", "mass")
SUMMED = """\
tree: t
jets: {%s}
constituents:
  - {pt: a_pt, eta: a_eta, phi: a_phi, e: a_e, begin: a_begin, end: a_end}
  - {pt: b_pt, eta: b_eta, phi: b_phi, e: pt * cosh(eta), counts: b_n, cut: b_pt > 20}
"""
BEAM = {"pt": "c", "eta": "y", "phi": "y * 0", "e": "e"}


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
