"""Names of branches: full paths, unique ends, members of records, components of Lorentz vectors,
friends; names that may stand for several branches are refused."""

import logging
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
from fakes_ntuples import write_file

from calovision.core.errors import InputError
from calovision.ntuples import count_entries, describe_file, iterate_events, open_ntuple
from calovision.ntuples.friends import find_friend
from calovision.ntuples.root_file import find_tree, opened

LISTS = ak.Array([[1.0, 2.0], [], [3.0]])
POINTS = ak.Array([[0.5, -0.5], [], [0.25]])
CMS = "cms_ntuple_wjet.root"
LEPTON = "leadlep/fCoordinates/fCoordinates"


def write_schema(folder, text):
    path = folder / "schema.yaml"
    path.write_text(text)
    return path


def towers(path, schema):
    (events,) = iterate_events(path, schema=schema)
    return events.towers


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """RNTuple of lists of records with vectors in PtEtaPhiM, and of one vector an event."""
    path = tmp_path_factory.mktemp("records") / "n.root"
    vector = {"fPt": LISTS, "fEta": POINTS, "fPhi": POINTS + 1, "fM": LISTS * 0 + 0.1}
    one = {"fX": [3.0, 0.0, 1.0], "fY": [4.0, 0.0, 1.0], "fZ": [0.0, 7.0, -2.0]}
    with uproot.recreate(path) as file:
        columns = {
            "jets": ak.zip({"p4": ak.zip({"fCoordinates": ak.zip(vector)}), "q": LISTS}),
            "met": ak.zip({"fP": ak.zip(one), "fE": [5.0, 8.0, 1.0]}),
            "gen": ak.zip({"jets": ak.zip({"p4": LISTS}), "tags": ak.zip({"q": LISTS})}),
            "a:e": LISTS * 10,
            "w/d": LISTS * 100,
        }
        file.mkrntuple("t", columns)
    return path


def arrays_of(path, tree, names, stop=None):
    with opened(path) as file:
        return find_tree(file, tree, path).arrays(names, 0, stop)


def test_names_of_an_rntuple_are_those_of_uproot(records):
    with opened(records) as file:
        names = find_tree(file, "t", records).names
        assert set(names) == set(file["t"].keys())
        assert len(names) == len(file["t"].keys())


def test_fields_of_records_by_path_and_unique_end(records):
    names = ["jets.q", "tags.q", "jets.p4.fCoordinates.fPt", "fCoordinates.fPt", "a:e", "w/d"]
    found = arrays_of(records, "t", names)
    for name, values in zip(names, [LISTS] * 4 + [LISTS * 10, LISTS * 100], strict=True):
        assert found[name].tolist() == values.tolist(), name
    with opened(records) as file:
        names = find_tree(file, "t", records).names
    assert set(names.several("q")) == {"jets.q", "gen.tags.q"}
    assert set(names.several("p4")) == {"jets.p4", "gen.jets.p4"}
    assert names.several("jets.q") == names.several("none.q") == ()
    assert names.near("jets.p4.ptt") == ["jets.p4.pt"]
    assert names.near("jets.qq") == ["jets.q"]
    assert "p4.pt" in names  # only one of the two is a vector
    assert not {"q", "p4", "p4.fE", "none.pt"} & names


def test_components_of_vectors_in_collider_coordinates(records):
    """One list an event; what is not stored is computed in closed form."""
    names = [f"jets.p4.{name}" for name in ("pt", "phi", "px", "py", "pz", "e", "mass")]
    found = {name[8:]: ak.flatten(array) for name, array in arrays_of(records, "t", names).items()}
    pt, eta = (np.asarray(ak.flatten(array)) for array in (LISTS, POINTS))
    assert found["pt"].tolist() == pt.tolist()
    assert found["mass"].tolist() == [0.1] * 3
    np.testing.assert_allclose(found["px"], pt * np.cos(eta + 1))
    np.testing.assert_allclose(found["py"], pt * np.sin(eta + 1))
    np.testing.assert_allclose(found["pz"], pt * np.sinh(eta))
    np.testing.assert_allclose(found["e"], np.sqrt((pt * np.cosh(eta)) ** 2 + 0.01))


def test_components_of_one_vector_an_event(records):
    """Without transverse momentum eta is infinite; a mass squared below zero gives 0."""
    names = [f"met.{name}" for name in ("px", "pt", "eta", "phi", "mass", "e", "fP.fZ")]
    found = {name[4:]: array.tolist() for name, array in arrays_of(records, "t", names).items()}
    assert found["px"] == [3.0, 0.0, 1.0]
    assert found["pt"] == pytest.approx([5.0, 0.0, np.sqrt(2)])
    assert found["eta"] == pytest.approx([0.0, np.inf, -np.arcsinh(np.sqrt(2))])
    assert found["phi"] == pytest.approx([np.arctan2(4, 3), 0.0, np.pi / 4])
    assert found["mass"] == pytest.approx([0.0, np.sqrt(15), 0.0])
    assert found["e"] == [5.0, 8.0, 1.0]
    assert found["fP.fZ"] == [0.0, 7.0, -2.0]


def test_schema_of_quoted_paths_members_and_one_vector(records, tmp_path):
    schema = write_schema(
        tmp_path,
        "tree: t\n"
        "towers: {eta: jets.p4.eta, phi: 'jets.p4.phi', e: \"'a:e' + 0 * jets.q\"}\n"
        "jets: {pt: met.pt, eta: met.eta, phi: met.phi, mass: met.mass, one_per_entry: true}\n",
    )
    (events,) = iterate_events(records, schema=schema)
    assert events.towers.e.tolist() == (LISTS * 10).tolist()
    assert events.towers.phi.tolist() == (POINTS + 1).tolist()
    assert events.fat_jets.mass.tolist() == [[0.0], [np.sqrt(15)], [0.0]]
    assert open_ntuple(records, schema=schema).read_from["towers"]["eta"] == ("jets.p4.eta",)


def test_vectors_of_a_split_branch(real_dir):
    """GenVector in PtEtaPhiM4D, one an event and one list an event."""
    names = ["leadlep.px", "good_jets_p4.e", f"{LEPTON}.fPt", f"{LEPTON}.fPhi"]
    leaves = [f"good_jets_p4.fCoordinates.f{name}" for name in ("Pt", "Eta", "M")]
    found = arrays_of(real_dir / CMS, "variable", [*names, *leaves])
    px = found[f"{LEPTON}.fPt"] * np.cos(found[f"{LEPTON}.fPhi"])
    np.testing.assert_allclose(found["leadlep.px"], px, rtol=1e-6)
    pt, eta, mass = (ak.values_astype(found[leaf], np.float64) for leaf in leaves)
    energy = np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2)
    np.testing.assert_allclose(ak.ravel(found["good_jets_p4.e"]), ak.ravel(energy))
    assert found["good_jets_p4.e"].layout.purelist_depth == 2


def test_vectors_of_a_branch_that_is_not_split(delphes_dir):
    """Lists of arrays of five TLorentzVector; ``[0]`` before the component or behind it."""
    path = delphes_dir / "delphes_ATLASfat_qcd300_pythia8_10ev_slim.root"
    name = "FatJet.TrimmedP4[5]"
    found = arrays_of(path, "Delphes", [f"{name}.pt", f"FatJet/{name}.mass", f"{name}.fP.fX"])
    with uproot.open(path) as file:
        momenta = file["Delphes"][name].array()
    assert found[f"{name}.fP.fX"].tolist() == momenta.fP.fX.tolist()
    np.testing.assert_allclose(
        ak.ravel(found[f"{name}.pt"]), ak.ravel(np.hypot(momenta.fP.fX, momenta.fP.fY))
    )
    squared = momenta.fE**2 - momenta.fP.fX**2 - momenta.fP.fY**2 - momenta.fP.fZ**2
    masses = np.sqrt(np.maximum(ak.to_numpy(ak.ravel(squared)), 0))
    np.testing.assert_allclose(ak.ravel(found[f"FatJet/{name}.mass"]), masses, atol=0.1)


def test_element_of_an_array_of_vectors_in_a_schema(delphes_dir, tmp_path):
    path = delphes_dir / "delphes_ATLASfat_qcd300_pythia8_10ev_slim.root"
    jets = ", ".join(f"{name}: \"'FatJet.TrimmedP4[5][0].{name}'\"" for name in ("eta", "phi"))
    text = f"tree: Delphes\ntowers: {{{jets}, e: \"'FatJet.TrimmedP4[5].e'[0]\"}}\n"
    (events,) = iterate_events(path, schema=write_schema(tmp_path, text))
    (trimmed,) = iterate_events(path, trimmed=True, fields={"fat_jets": {"eta", "phi"}})
    np.testing.assert_allclose(ak.ravel(events.towers.phi), ak.ravel(trimmed.fat_jets.phi))
    np.testing.assert_allclose(ak.ravel(events.towers.eta), ak.ravel(trimmed.fat_jets.eta))


def test_name_of_several_branches_is_refused(real_dir, tmp_path):
    """The weight was the pT of the first of 36 vectors, with a warning."""
    text = "tree: variable\ncandidates: {pt: lep0.pt, eta: lep0.eta, phi: lep0.phi, charge: lep0ID"
    text += ", one_per_entry: true}\nweight: fCoordinates.fPt\n"
    schema = write_schema(tmp_path, text)
    message = (
        r"wjet.root: the tree 'variable' has several branches of the name fCoordinates.fPt "
        r"\(met_p4/fCoordinates/fCoordinates.fPt, gen_jet0/fCoordinates/fCoordinates.fPt, "
        r"gen_jet1/fCoordinates/fCoordinates.fPt and \d+ more\), and the schema "
        r"'.*schema.yaml' does not say in line 3 which; write the path of one of them in quotes"
    )
    with pytest.raises(InputError, match=message):
        open_ntuple(real_dir / CMS, schema=schema)
    quoted = text.replace("weight: fCoordinates.fPt", f"weight: \"'{LEPTON}.fPt'\"")
    (events,) = iterate_events(real_dir / CMS, schema=write_schema(tmp_path, quoted))
    with uproot.open(real_dir / CMS) as file:
        assert events.weight.tolist() == file["variable"][f"{LEPTON}.fPt"].array().tolist()
    assert describe_file(real_dir / CMS, tree="variable").schema is None


def test_branch_of_records_in_a_formula(records, real_dir, delphes_dir, tmp_path):
    """Split, not split, and fields of an RNTuple; the number of towers, which has branches below
    it, is a number."""
    delphes = delphes_dir / "delphes_ATLASfat_qcd300_pythia8_10ev_slim.root"
    files = [
        (real_dir / CMS, "variable", "good_jets_p4", "good_jets_p4.px, good_jets_p4.py, "),
        (delphes, "Delphes", "'FatJet.TrimmedP4[5]'", "FatJet.TrimmedP4[5].px, "),
        (records, "t", "jets.p4", "jets.p4.px, jets.p4.py, jets.p4.pz and 10 more"),
        (records, "t", "'gen'", "gen.jets, gen.jets.p4, gen.tags and 1 more"),
    ]
    for path, tree, name, members in files:
        text = f'tree: {tree}\ntowers: {{eta: "{name}", phi: "0", e: "1"}}\n'
        with pytest.raises(InputError) as caught:
            open_ntuple(path, schema=write_schema(tmp_path, text))
        found = str(caught.value)
        bare = name.strip("'")
        assert f"{bare} holds records, not numbers, and stands in the schema" in found
        assert f"name one of their members ({members}" in found
    text = "tree: Delphes\ntowers: {eta: Tower.Eta, phi: Tower.Phi, e: Tower + 0 * Tower.E}\n"
    (events,) = iterate_events(delphes, schema=write_schema(tmp_path, text))
    assert ak.all(events.towers.e == ak.num(events.towers.eta))


def test_path_without_quotes_is_no_division(delphes_dir, tmp_path):
    """``Tower`` is the number of towers."""
    path = delphes_dir / "delphes_ATLASfat_qcd300_pythia8_10ev_slim.root"
    text = "tree: Delphes\ntowers: {eta: Tower.Eta, phi: Tower.Phi, e: 2 * Tower/Tower.E}\n"
    with pytest.raises(
        InputError, match=r"root: Tower/Tower.E is the name of a branch, but is read as a formula"
    ):
        towers(path, write_schema(tmp_path, text))
    quoted = write_schema(tmp_path, text.replace("2 * Tower/Tower.E", "\"2 * 'Tower/Tower.E'\""))
    (plain,) = iterate_events(path, fields={"towers": {"e"}})
    assert towers(path, quoted).e.tolist() == (2 * plain.towers.e).tolist()


def test_two_collections_of_one_name(real_dir, tmp_path, caplog):
    """A file of Delphes has generated particles and jets of the name Particle: what both have is
    read from the first, with a warning; what only the second has, from the second."""
    path = real_dir / "uproot-issue513.root"
    with uproot.open(path) as file:
        second = next(b for b in reversed(file["Delphes"].branches) if b.name == "Particle")
        expected = second["Particle.DeltaEta"].array().tolist()
    found = arrays_of(path, "Delphes", ["Particle.DeltaEta", "Particle/Particle.PID"])
    assert found["Particle.DeltaEta"].tolist() == expected
    text = "tree: Delphes\ntowers: {eta: Particle.Eta, phi: Particle.Phi, e: Particle.E}\n"
    with caplog.at_level(logging.WARNING):
        next(iterate_events(path, schema=write_schema(tmp_path, text)))
    assert (
        "the tree 'Delphes' has the branch Particle/Particle.Eta several times, of which the first "
        "one is read" in caplog.text
    )


def test_pre_release_rntuple(real_dir, tmp_path):
    path = real_dir / "edm4hep_example_rntuple.root"
    message = (
        r"rntuple.root: the tree 'events' is a pre-release RNTuple .*written by a ROOT before "
        r"6.34, .*write it again with a newer ROOT, or as a TTree"
    )
    schema = write_schema(tmp_path, "tree: events\ntowers: {eta: a, phi: b, e: c}\n")
    for options in ({"schema": schema}, {}):
        with pytest.raises(InputError, match=message):
            open_ntuple(path, **options)
    description = describe_file(path)
    assert [(tree.name, tree.kind) for tree in description.trees] == [
        ("events", "pre-release RNTuple"),
        ("podio_metadata", "pre-release RNTuple"),
    ]
    assert description.trees[0].n_entries is None
    assert description.missing["calovision"] == ("the tree 'events' (a pre-release RNTuple)",)


def friend_files(folder):
    """Events in two files: towers in one; energies, weights and equal names in trees of both."""
    first = {"eta": POINTS, "phi": POINTS, "n": np.array([5, 6, 7])}
    inside = {"e": LISTS, "n": np.array([1, 2, 3]), "only": np.array([0.5, 1.5, 2.5])}
    path = write_file(folder / "run1.root", 3, events=first, more__inside=inside)
    beside = {"w": np.array([2.0, 3.0, 4.0]), "e": LISTS * 10, "n": np.array([9, 9, 9])}
    write_file(folder / "run1_weights.root", events=beside)
    return path


FRIENDS = 'tree: events\nfriends: [more/inside, "w = {stem}_weights.root:events"]\n'


def test_friends_of_the_file_and_of_one_beside_it(tmp_path):
    """Names that the tree has are its own; those of one friend need nothing in front."""
    path = friend_files(tmp_path)
    energy = "\"inside.e + 'w/e'\""
    text = f"towers: {{eta: eta, phi: phi, e: {energy}}}\nevent_number: n\nweight: w.w\n"
    schema = write_schema(tmp_path, FRIENDS + text)
    for options in ({}, {"chunk_size": 1}, {"chunk_size": 2}):
        chunks = list(iterate_events(path, schema=schema, **options))
        energies = [row for events in chunks for row in events.towers.e.tolist()]
        assert energies == (LISTS * 11).tolist()
        assert np.concatenate([events.weight for events in chunks]).tolist() == [2.0, 3.0, 4.0]
        assert [n for events in chunks for n in events.event_number] == [5, 6, 7]
    (last,) = iterate_events(path, schema=schema, entry_range=(2, None))
    assert (last.towers.e.tolist(), last.weight.tolist()) == ([[33.0]], [4.0])
    assert open_ntuple(path, schema=schema).sum_of_weights == 9.0
    assert count_entries(path, schema=schema) == 3
    unique = FRIENDS + "towers: {eta: eta, phi: phi, e: only * eta}\nweight: \"'more/inside/n'\"\n"
    (events,) = iterate_events(path, schema=write_schema(tmp_path, unique))
    assert events.towers.e.tolist() == [[0.25, -0.25], [], [0.625]]
    assert events.weight.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("friends", "energy", "message"),
    [
        ("more/inside, w = {stem}_weights.root:events", "e", "of the name e (inside/e, w/e), and"),
        (
            "more/none",
            "only",
            "run1.root has no TTree 'more/none' (it has: 'events', 'more/inside')",
        ),
        ("none.root:events", "w", "none.root: no such file"),
        ("run1_weights.root", "w", "is a file without a tree; write run1_weights.root:tree"),
        ("short.root:events", "w", "'short.root:events' has 2 entries, but the tree 'events' 3;"),
        ("more/inside", "onli", "lacks onli, which the schema"),
    ],
)
def test_friends_that_are_refused(tmp_path, friends, energy, message):
    path = friend_files(tmp_path)
    write_file(tmp_path / "short.root", events={"w": np.array([1.0, 2.0])})
    text = f'tree: events\nfriends: ["{friends.replace(", ", chr(34) + ", " + chr(34))}"]\n'
    schema = write_schema(tmp_path, text + f"towers: {{eta: eta, phi: phi, e: {energy}}}\n")
    with pytest.raises(InputError) as caught:
        open_ntuple(path, schema=schema)
    assert message in str(caught.value)


def test_friends_beside_an_address():
    friend = find_friend("{stem}.friend.root:t", "root://host//data/run.7.root?x=1")
    assert friend.file == "root://host//data/run.7.friend.root"
    assert find_friend("root://other//f.root:d/t", "root://host//run.root").prefixes == ("t", "d/t")
    assert find_friend("f.root:t", Path("/data/run.root")).file == Path("/data/f.root")
