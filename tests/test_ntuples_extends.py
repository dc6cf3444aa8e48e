"""Schemas in YAML that change a known schema: one thing of it, or the collections of a file."""

import pickle

import awkward as ak
import numpy as np
import pytest
from fakes_ntuples import floats, nanoaod_columns, write_file, write_nanoaod
from test_ntuples_custom import read_all, write_schema

from calovision.core.errors import InputError
from calovision.ntuples import open_ntuple
from calovision.ntuples.content import FileContent
from calovision.ntuples.schemas import find_schema
from calovision.ntuples.schemas.custom import read_schema
from calovision.ntuples.schemas.schema import Collection, Presence, Schema, TreeSchema


@pytest.fixture(scope="module")
def events():
    rng = np.random.default_rng(4)
    counts = [3, 0, 5, 2]
    columns = {f"towers_{name}": floats(rng, counts, -2, 2) for name in ("eta", "phi")}
    columns |= {f"towers_{name}": floats(rng, counts, 0, 9) for name in ("e_em", "e_had")}
    columns |= {f"tracks_{name}": floats(rng, counts[::-1], 0, 3) for name in ("pt", "eta", "phi")}
    return columns | {"event_number": np.arange(4), "weight": np.array([2.0, 0.5, 1, 1])}


@pytest.fixture(scope="module")
def file(events, tmp_path_factory):
    """A file of the schema calovision."""
    generation = {"n_generated": np.array([7]), "sum_of_weights": np.array([9.0])}
    generation["cross_section_pb"] = np.array([3.0])
    path = tmp_path_factory.mktemp("extends") / "a.root"
    return write_file(path, events=events, generation=generation)


def changed(tmp_path, name, text=""):
    """Schema in YAML that extends another."""
    return write_schema(tmp_path, f"extends: {name}\n{text}")


def flat(array):
    return ak.to_numpy(ak.flatten(array)).astype(np.float64)


def test_one_field_and_a_cut(events, file, tmp_path):
    """The name of a field in its own formula is the field as the known schema has it."""
    text = "towers: {e: e * 1.5, cut: e > 6}\ntracks: none\nweight: none\n"
    read = read_all(file, changed(tmp_path, "calovision", text))
    em, had = flat(events["towers_e_em"]), flat(events["towers_e_had"])
    kept = 1.5 * (em + had) > 6
    assert 0 < kept.sum() < len(kept)
    np.testing.assert_array_equal(flat(read.towers.e), (1.5 * (em + had))[kept].astype(np.float32))
    np.testing.assert_array_equal(flat(read.towers.e_em), em[kept])
    assert read.tracks is None
    assert read.weight.tolist() == [1] * 4
    info = open_ntuple(file, schema=changed(tmp_path, "calovision", text))
    assert (info.n_generated, info.sum_of_weights, info.cross_section_pb) == (7, 7, 3)


@pytest.mark.parametrize(
    ("text", "section", "sum_of_weights"),
    [
        ("cross_section_pb: 5\n", 5.0, 9.0),
        ("cross_section_pb: weight * 8\n", 8.0, 9.0),  # of the last entry
        ("cross_section_pb: none\n", None, 9.0),
        ("weight: none\n", 3.0, 7.0),  # the number of events, as each weighs 1
    ],
)
def test_counters_of_the_known_schema_give_way(file, tmp_path, text, section, sum_of_weights):
    info = open_ntuple(file, schema=changed(tmp_path, "calovision", text))
    assert (info.cross_section_pb, info.sum_of_weights) == (section, sum_of_weights)
    assert info.n_generated == 7


def test_the_known_cut_stays(tmp_path):
    """Tracks of NanoAOD are the charged candidates; a cut is one more, ``none`` takes both away."""
    columns = nanoaod_columns(20)
    path = write_nanoaod(tmp_path / "a.root", columns=columns)
    charge, pt = flat(columns["PFCands_charge"]), flat(columns["PFCands_pt"])
    hard = read_all(path, changed(tmp_path, "nanoaod", "tracks: {cut: pt > 20}\n")).tracks
    np.testing.assert_array_equal(flat(hard.pt), pt[(charge != 0) & (pt > 20)])
    every = read_all(path, changed(tmp_path, "nanoaod", "tracks: {cut: none}\n")).tracks
    np.testing.assert_array_equal(flat(every.pt), pt)


def test_whole_collections(events, file, tmp_path):
    """A list takes the place of all parts; a collection that the schema lacks may be given."""
    text = """
towers: [{eta: tracks_eta, phi: tracks_phi, e: tracks_pt}, {eta: 0 * weight, phi: 0, e: weight,
  one_per_entry: true}]
jets: {pt: tracks_pt, eta: tracks_eta, phi: tracks_phi, mass: 0}
fat_jet_radius: 0.4
"""
    schema = changed(tmp_path, "calovision", text)
    read = read_all(file, schema)
    joined = ak.concatenate([events["tracks_pt"], events["weight"][:, np.newaxis]], axis=1)
    assert read.towers.e.tolist() == joined.tolist()
    assert read.towers.fields == ["eta", "phi", "e"]
    np.testing.assert_array_equal(flat(read.fat_jets.pt), flat(events["tracks_pt"]))
    assert open_ntuple(file, schema=schema).fat_jet_radius == 0.4


ENERGIES = {"e": "Tower.E", "e_em": "Tower.Eem"}
JETS = Collection(
    {"pt": "J.PT", "eta": "J.Eta", "phi": "J.Phi", "mass": "J.M"},
    extra={f"tau{i}": f"J.Tau[{i}]" for i in (1, 2, 3)},
    presence=Presence.ALL_OR_NONE,
)
WITH_TOWERS = TreeSchema(
    "t",
    towers=(Collection({"eta": "Tower.Eta", "phi": "Tower.Phi", **ENERGIES}),),
    fat_jets=(JETS,),
    trimmed_p4="J.TrimmedP4",
    notes=("jets are J", "towers are Tower"),
)
WITH_FLOW = TreeSchema(
    "t", towers=tuple(Collection({"eta": f"{a}.Eta", "phi": "0", "e": f"{a}.E"}) for a in "PN")
)
KNOWN = {
    "two": Schema("two", "Two versions", (WITH_TOWERS, WITH_FLOW), fat_jet_radius=0.8),
    "flow": Schema("flow", "One version", (WITH_FLOW,)),
}


def changed_two(tmp_path, text, name="two"):
    return read_schema(changed(tmp_path, name, text), KNOWN)


def test_versions_that_cannot_have_a_change_are_left_out(tmp_path):
    """A cut on a field is for one part and for several, the branch of a field is not."""
    first, second = changed_two(tmp_path, "towers: {cut: e > 1}\n").versions
    assert [part.cut for part in first.towers] == ["(Tower.E > 1)"]
    assert [part.cut for part in second.towers] == ["(P.E > 1)", "(N.E > 1)"]
    (version,) = changed_two(tmp_path, "towers: {e: Tower.E * 2}\n").versions
    assert version.towers[0].fields["e"] == "Tower.E * 2"
    assert version.towers[0].fields["e_em"] == "Tower.Eem"
    assert version.notes[2:] == (
        f"{tmp_path}/schema.yaml, line 2: towers: the new e and the known e_em are read side by "
        "side",
    )
    _, second = changed_two(tmp_path, "towers: {e: e * 2, phi: eta / e}\n").versions
    assert [dict(part.fields) for part in second.towers] == [
        {"eta": f"{a}.Eta", "phi": f"({a}.Eta / ({a}.E * 2))", "e": f"({a}.E * 2)"} for a in "PN"
    ]
    message = "line 2: towers.e is for one part, but 'flow' has 2 parts of towers, which only form"
    with pytest.raises(InputError, match=message):
        changed_two(tmp_path, "towers: {e: x}\n", "flow")
    with pytest.raises(InputError, match=r"line 2: towers.cut is for one part, but 'flow' has 2"):
        changed_two(tmp_path, "towers: {cut: P.E > 1}\n", "flow")


def test_other_jets_than_those_of_the_known_schema(tmp_path):
    """What belongs to the known jets goes: radius, trimmed jets, constituents."""
    text = "jets: {pt: Jet.PT, eta: Jet.Eta, phi: Jet.Phi, mass: Jet.Mass}\n"
    schema = changed_two(tmp_path, text)
    jets = schema.versions[0].fat_jets[0]
    assert list(jets.fields.values()) == ["Jet.PT", "Jet.Eta", "Jet.Phi", "Jet.Mass"]
    assert jets.extra == {}
    assert jets.presence is Presence.REQUIRED
    assert (schema.versions[0].trimmed_p4, schema.fat_jet_radius) == (None, None)
    assert schema.versions[0].notes == ("towers are Tower",)
    calibrated = changed_two(tmp_path, "jets: {pt: pt * 1.02, eta: eta, phi: phi, tau3: none}\n")
    assert list(calibrated.versions[0].fat_jets[0].extra) == ["tau1", "tau2"]
    assert calibrated.versions[0].fat_jets[0].fields["pt"] == "(J.PT * 1.02)"
    assert calibrated.fat_jet_radius == 0.8
    with pytest.raises(InputError, match="jets are other jets than those of 'jetclass', to which"):
        find_schema(changed(tmp_path, "jetclass", "jets: {px: a, py: b, pz: c, e: d}\n"))
    none = find_schema(changed(tmp_path, "jetclass", "jets: none\n"))
    assert none.fat_jet_radius is None
    assert none.versions[0].constituents == ()


def test_components_in_place_of_known_fields(tmp_path):
    text = "jets: {px: a, py: b, pz: c, e: d}\nconstituents: none\n"
    (version,) = find_schema(changed(tmp_path, "jetclass", text)).versions
    assert version.fat_jets[0].fields["phi"] == "arctan2(b, a)"
    assert "jet_energy" not in str(version.fat_jets[0])
    text = "constituents: {charge: 0, mass: m}\n"
    (version,) = find_schema(changed(tmp_path, "jetclass", text)).versions
    fields = version.constituents[0].fields
    assert fields["charge"] == "0"
    assert fields["e"].startswith("sqrt(((m ** 2) + ")
    assert fields["pt"].startswith("sqrt(part_px")
    assert version.notes[0].endswith(
        "line 2: constituents: the new e and the known e_em and e_had are read side by side"
    )


def find_mine(content, chosen):
    """Versions of a schema that finds collections by type."""
    names = chosen.get("towers", ("cells",))
    towers = tuple(
        Collection({"eta": f"{name}_eta", "phi": f"{name}_phi", "e": f"{name}_pt"})
        for name in names
    )
    return (TreeSchema("events", towers=towers),)


MINE = Schema("mine", "Mine", find_versions=find_mine, trees=("events",))


def test_chosen_collections(events, file, tmp_path):
    """The names go to the schema that finds collections by type; the changes, to what it finds."""
    text = "extends: mine\nchoose: {towers: tracks}\ntowers: {cut: e > 1}\nfriends: generation\n"
    schema = pickle.loads(pickle.dumps(read_schema(write_schema(tmp_path, text), {"mine": MINE})))
    assert dict(schema.chosen) == {"towers": ("tracks",)}
    content = FileContent(None, tmp_path)
    (version,) = schema.versions_in(content)
    assert version.towers[0].cut == "(tracks_pt > 1)"
    assert version.friends == ("generation",)
    text = "extends: mine\ntree: other\nchoose: {towers: [a, b], jets: c}\n"
    schema = read_schema(write_schema(tmp_path, text), {"mine": MINE})
    (version,) = schema.versions_in(content)
    assert (schema.trees, version.tree) == (("other",), "other")
    assert schema.chosen["fat_jets"] == ("c",)
    assert [part.fields["e"] for part in version.towers] == ["a_pt", "b_pt"]
    assert schema.with_changes(tree="third").versions_in(content)[0].tree == "third"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "extends: delphi\n",
            "line 1: extends is 'delphi' (did you mean 'delphes'?); choose one of delphes,",
        ),
        (
            "extends: jetclass\nchoose: {towers: Tower}\n",
            "line 2: choose belongs to schemas that find their collections by type, but 'jetclas",
        ),
        (
            "extends: physlite\nchoose: {tower: x}\n",
            "line 2: choose: unknown key 'tower' (did you mean 'towers'?); choose from towers, tra",
        ),
        (
            "extends: physlite\nchoose: {towers: [3]}\n",
            "line 2: choose.towers is [3]; it must be the name of a collection of the file, or a",
        ),
        (
            "extends: physlite\nchoose: towers\n",
            "line 2: choose is 'towers'; it must hold collections and their names in the file, as",
        ),
        (
            "extends: calovision\ntowers:\n  eta: none\n",
            "line 3: towers.eta is none, but towers must have it; give a branch or a formula",
        ),
        (
            "extends: calovision\njets: {pt: a, eta: b, phi: c}\n",
            "line 2: jets lacks the key 'mass'; it must be given, or e, or p4, or the constituent",
        ),
        (
            "extends: calovision\njets: none\nconstituents: {pt: a, eta: b, phi: c}\n",
            "line 3: constituents belong to jets; give the key jets, too",
        ),
        (
            "extends: calovision\ntowers: {cut: e}\n",
            "line 2: towers.cut: 'e' gives numbers; it must be a comparison, true or false",
        ),
        (
            "extends: calovision\nn_generated: none\n",
            "line 2: n_generated is 'none'; it must be a number or the name of an object in the f",
        ),
        (
            "extends: calovision\nlabel: none\n",
            "line 2: label is none; leave the key out (a branch of this name is written \"'none'",
        ),
    ],
)
def test_wrong_changes(tmp_path, text, message):
    with pytest.raises(InputError) as caught:
        find_schema(path := write_schema(tmp_path, text))
    assert str(caught.value).startswith(f"{path}, {message}")
