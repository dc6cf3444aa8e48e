"""NanoAOD with and without candidates: images of published files against plain sums of uproot's
arrays in cells, and the choice of collections in files that are made here."""

import re
from functools import cache

import awkward as ak
import numpy as np
import pytest
import uproot
from fakes_ntuples import floats, lepton_columns, nanoaod_columns, write_file
from plain_images import (
    CHANNELS,
    GRID,
    JETS,
    energies,
    expected_images,
    expected_jet_image,
)

from calovision import build_images
from calovision.core.errors import InputError
from calovision.images.jet_images import build_dense_jet_images
from calovision.ntuples import Ntuple, iterate_events
from calovision.ntuples.schemas.nanoaod.candidates import candidate_prefixes

READ = re.compile(
    r"(PFCands?|FatJetPFCands?|FatJet|Jet|Electron|Muon|ScoutingJet)_"
    r"(pt|eta|phi|mass|pdgId|puppiWeight|jetIdx|p[fF]Cand\w*Idx|\w{2,4}EF)"
)


@cache
def arrays(path):
    """What is needed of a file, float64 or whole numbers, ``n_events * var``."""
    with uproot.open(path) as file:
        tree = file["Events"]
        found = {name: tree[name].array() for name in filter(READ.fullmatch, tree.keys())}
    return {
        name: ak.values_astype(of, np.float64 if "float" in str(of.type) else np.int64)
        for name, of in found.items()
    }


def branches(path, prefix, *names):
    return [arrays(path)[f"{prefix}_{name}"] for name in names]


def candidate_events(path, prefix, weight=None):
    """Towers and tracks of each event from particle-flow candidates."""
    pt, eta, phi, mass, kind = branches(path, prefix, "pt", "eta", "phi", "mass", "pdgId")
    scale = 1.0 if weight is None else branches(path, prefix, weight)[0]
    e, kind = energies(pt, eta, mass) * scale, abs(kind)
    em = (kind == 22) | (kind == 11) | (kind == 2)
    is_charged = ((kind == 211) | (kind == 11) | (kind == 13)) & (pt * scale > 0)
    had = ~em & (kind != 13)
    towers = zip(eta, phi, e, e * em, e * had, strict=True)
    return list(zip(towers, zip(eta[is_charged], phi[is_charged], strict=True), strict=True))


def jet_events(path, prefix, em_names, leptons=()):
    """Towers and tracks of each event from jets, and leptons outside of them."""
    pt, eta, phi, mass, *em = branches(path, prefix, "pt", "eta", "phi", "mass", *em_names)
    had = sum(branches(path, prefix, "chHEF", "neHEF"))
    e = energies(pt, eta, mass)
    towers, tracks = [[eta, phi, e, e * sum(em), e * had]], [[eta[pt < 0], phi[pt < 0]]]
    for name in leptons:
        pt, eta, phi, mass, jet = branches(path, name, "pt", "eta", "phi", "mass", "jetIdx")
        e = energies(pt, eta, mass)
        free = jet < 0
        towers.append([x[free] for x in (eta, phi, e, e * (name == "Electron"), 0 * e)])
        tracks.append([eta, phi])
    joined = [
        [ak.concatenate(parts, axis=1) for parts in zip(*of, strict=True)]
        for of in (towers, tracks)
    ]
    return list(zip(*(zip(*of, strict=True) for of in joined), strict=True))


def scouting_events(path):
    """Towers from the jets of scouting, which count muons among electrons."""
    pt, eta, phi, mass, *shares = branches(
        path, "ScoutingJet", "pt", "eta", "phi", "mass", "chEmEF", "neEmEF", "muEmEF"
    )
    had = sum(branches(path, "ScoutingJet", "chHEF", "neHEF"))
    e, (charged, neutral, muons) = energies(pt, eta, mass), shares
    assert ak.any(muons > 0.1)
    towers = zip(eta, phi, e, e * (charged + neutral - muons), e * had, strict=True)
    return [(tower, (np.zeros(0), np.zeros(0))) for tower in towers]


READINGS = {
    "pfnano.root": lambda path: candidate_events(path, "PFCands", "puppiWeight"),
    "nano_tt_v15.root": lambda path: candidate_events(path, "PFCand"),
    "nano_tt_v12.root": lambda path: jet_events(
        path, "Jet", ("chEmEF", "neEmEF"), ("Electron", "Muon")
    ),
    "scouting_nano.root": scouting_events,
}
TABLES = {
    "pfnano.root": ("PFCands", "FatJetPFCands", "pFCandsIdx", "puppiWeight"),
    "nano_tt_v15.root": ("PFCand", "FatJetPFCand", "pfCandIdx", None),
}


@pytest.fixture(scope="module")
def read(real_dir):
    """Reads a published file, once."""

    @cache
    def events(name):
        (found,) = iterate_events(real_dir / name)
        return found

    return events


@pytest.mark.parametrize("name", READINGS)
def test_event_images_of_published_files(real_dir, read, name):
    events = read(name)
    n_channels = 3 if events.tracks is None else 4
    assert (n_channels == 3) == name.startswith("scouting")
    found, _ = build_images(events.towers, events.tracks, GRID, CHANNELS[:n_channels])
    expected = expected_images(READINGS[name](real_dir / name))[:, :n_channels]
    assert found.sum() > 1000
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("name", TABLES)
def test_jet_images_of_published_files(real_dir, read, name):
    """The pT and the electromagnetic energy of the constituents of each fat jet, by a loop over the
    index table."""
    events = read(name)
    jets = events.fat_jets
    axes = np.stack([ak.to_numpy(ak.flatten(jets[of])) for of in ("eta", "phi")], axis=1)
    constituents = ak.flatten(events.constituents, axis=1)
    found, _ = build_dense_jet_images(constituents, JETS.jets, axes=axes)
    path, (prefix, table, item, weight) = real_dir / name, TABLES[name]
    values = branches(path, prefix, "pt", "eta", "phi", "mass", "pdgId")
    weights = ak.ones_like(values[0]) if weight is None else branches(path, prefix, weight)[0]
    expected = []
    for entry, (eta, phi, table_of, row) in enumerate(
        zip(
            *branches(path, "FatJet", "eta", "phi"),
            *branches(path, table, "jetIdx", item),
            strict=True,
        )
    ):
        if len(eta) == 0:
            continue
        own = np.stack([ak.to_numpy(of[entry]) for of in (*values, weights)])
        for number, axis in enumerate(zip(eta, phi, strict=True)):
            pt, *at, mass, kind, scale = own[:, ak.to_numpy(row)[table_of == number]]
            em = np.isin(np.abs(kind), (2, 11, 22)) * energies(pt, at[0], mass)
            sums = (pt * scale, em * scale)
            expected.append(expected_jet_image(at[0] - axis[0], at[1] - axis[1], sums))
    assert found.sum() > 1000
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-3)


def test_rntuple_of_pfnano_is_its_ttree(real_dir, read):
    tree = read("pfnano.root")
    with Ntuple(real_dir / "pfnano_rntuple.root") as ntuple:
        assert ntuple.info.schema == "nanoaod"
        (fields,) = ntuple.iterate()
    for name in ("towers", "tracks", "candidates", "constituents", "fat_jets"):
        one, other = getattr(tree, name), getattr(fields, name)
        assert ak.array_equal(one, other, dtype_exact=False), name
    assert tree.event_number.tolist() == fields.event_number.tolist()
    np.testing.assert_array_equal(tree.weight, fields.weight)


# Collections of other names, and choices


def version_of(path, **options):
    with Ntuple(path, **options) as ntuple:
        return ntuple.info


def with_candidates(*names, n=6, seed=3, **more):
    """Branches of an Events tree with candidates of each name, and jets with electrons."""
    rng = np.random.default_rng(seed)
    columns = {"event": np.arange(n, dtype=np.uint64)}
    for number, name in enumerate(names):
        counts = np.full(n, 3 + number)
        columns |= {f"{name}_{of}": floats(rng, counts, 1, 3) for of in ("pt", "eta", "phi")}
        columns[f"{name}_pdgId"] = ak.Array([[211, -13, 1, 2, 22, 130][: 3 + number]] * n)
    return columns | more


def write(path, columns, tree="Events"):
    return write_file(path, **{tree: columns})


def chosen(tmp_path, text):
    """Path of a schema that extends nanoaod."""
    schema = tmp_path / "chosen.yaml"
    schema.write_text(f"extends: nanoaod\n{text}\n")
    return schema


def test_no_energy_counts_twice(tmp_path):
    """Two jets, two electrons and two muons outside of them; of the photons one, since another is
    an electron."""
    columns = lepton_columns()
    path = write(tmp_path / "a.root", columns)
    (events,) = iterate_events(path)
    assert ak.num(events.towers).tolist() == [7] * 6
    jets, electrons, muons = (
        energies(*(columns[f"{name}_{of}"] for of in ("pt", "eta", "mass")))
        for name in ("Jet", "Electron", "Muon")
    )
    photons = columns["Photon_pt"] * np.cosh(columns["Photon_eta"])
    em, had = (jets * (columns[f"Jet_ch{of}"] + columns[f"Jet_ne{of}"]) for of in ("EmEF", "HEF"))
    expected = {
        "e": [jets, electrons[:, 1:], muons[:, 1:], photons[:, 1:2]],
        "e_em": [em, electrons[:, 1:], 0 * muons[:, 1:], photons[:, 1:2]],
        "e_had": [had, 0 * electrons[:, 1:], 0 * muons[:, 1:], 0 * photons[:, 1:2]],
    }
    for field, parts in expected.items():
        np.testing.assert_allclose(events.towers[field], ak.concatenate(parts, axis=1), rtol=1e-6)
    assert ak.num(events.tracks).tolist() == [7] * 6  # every charged lepton, and an isolated track
    assert (events.candidates, events.constituents, events.fat_jets) == (None, None, None)
    assert version_of(path).notes == (
        "the file has no particle-flow candidates: towers are Jet, and Electron, Muon, Photon "
        "outside of them; tracks are Electron, Muon, IsoTrack",
    )


def test_leptons_without_their_jets_are_left_out(tmp_path):
    columns = lepton_columns()
    for name in ("Muon_jetIdx", "Photon_electronIdx", "Jet_neEmEF"):
        del columns[name]
    info = version_of(write(tmp_path / "a.root", columns))
    assert "towers are Jet, and Electron outside of them" in info.notes[0]
    assert info.collections["towers"] == ("eta", "phi", "e", "e_had")


def test_candidates_without_kind_are_not_taken_and_it_is_said(tmp_path):
    columns = with_candidates("PFCands") | lepton_columns()
    del columns["PFCands_pdgId"]
    path = write(tmp_path / "a.root", columns)
    assert (
        version_of(path)
        .notes[0]
        .startswith(
            "the file has no particle-flow candidates (PFCands lacks PFCands_pdgId): towers are Jet"
        )
    )
    only = {name: values for name, values in columns.items() if not name.startswith("Jet")}
    with pytest.raises(InputError, match="nanoaod lacks Jet_eta, Jet_phi, Jet_mass"):
        version_of(write(tmp_path / "b.root", only))


def test_mass_and_charge_by_the_kind_of_a_candidate(tmp_path):
    """Scouting writes neither."""
    columns = with_candidates("ScoutingParticle")
    (events,) = iterate_events(write(tmp_path / "a.root", columns))
    pt, eta = (columns[f"ScoutingParticle_{of}"] for of in ("pt", "eta"))
    masses = np.array([[0.13957, 0.10566, 0.0]] * 6)
    np.testing.assert_allclose(events.towers.e, energies(pt, eta, masses), rtol=1e-5)
    assert events.candidates.charge.tolist() == [[1, 1, 0]] * 6
    assert events.constituents is None


@pytest.mark.parametrize(
    ("prefix", "table"), [("PuppiPFCandidates", "FatJetPuppi"), ("pfcands", "AK8")]
)
def test_candidates_and_table_of_other_names(tmp_path, prefix, table):
    renamed = {"PFCands": prefix, "FatJetPFCands": table}
    columns = {}
    for name, values in nanoaod_columns().items():
        owner, _, of = name.rpartition("_")
        columns[f"{renamed.get(owner, owner)}_{of}" if owner else name] = values
    (events,) = iterate_events(write(tmp_path / "a.root", columns))
    (usual,) = iterate_events(write(tmp_path / "b.root", nanoaod_columns()))
    assert ak.array_equal(events.constituents, usual.constituents)
    assert ak.array_equal(events.towers, usual.towers)


def test_candidates_that_are_rows_of_their_jets(tmp_path):
    """PFNano 10_2_X, which repeats what is in jets of two sizes."""
    jets = {
        "FatJetPFCands_jetIdx": ak.Array([[0, -1, 0]] * 6),
        "JetPFCands_jetIdx": ak.Array([[0, 1, 1, 1]] * 6),
        **{f"FatJet_{of}": ak.Array([[1.0]] * 6) for of in ("pt", "eta", "phi", "mass")},
    }
    columns = with_candidates("FatJetPFCands", "JetPFCands", **jets)
    path = write(tmp_path / "a.root", columns)
    (events,) = iterate_events(path)
    pt = columns["FatJetPFCands_pt"]
    assert events.constituents.pt.tolist() == ak.singletons(pt[:, [0, 2]], axis=0)[:, 0:1].tolist()
    assert ak.num(events.towers).tolist() == [3] * 6
    assert version_of(path).notes == (
        "the candidates are FatJetPFCands; the file also has JetPFCands "
        "(choose: {candidates: JetPFCands})",
        "FatJetPFCands holds the constituents of fat jets alone: an event without such a jet has "
        "an empty image",
    )


def test_table_is_that_of_the_candidates(tmp_path):
    """The fat jets of scouting do not get the constituents of others."""
    table = {f"FatJetPFCands_{of}": ak.Array([[0, 0]] * 6) for of in ("jetIdx", "pFCandsIdx")}
    fat_jets = {
        f"{name}_{of}": ak.Array([[50.0]] * 6)
        for name in ("FatJet", "ScoutingFatJet")
        for of in ("pt", "eta", "phi", "mass")
    }
    columns = with_candidates("PFCands", "ScoutingPFCandidate", **table, **fat_jets)
    path = write(tmp_path / "a.root", columns)
    (events,) = iterate_events(path, fields={"constituents": {"pt"}, "towers": {"e"}})
    first = columns["PFCands_pt"][:, :1].tolist()
    assert events.constituents.pt.tolist() == [[row * 2] for row in first]
    assert ak.num(events.towers).tolist() == [3] * 6
    schema = chosen(tmp_path, "choose: {candidates: ScoutingPFCandidate}")
    (events,) = iterate_events(path, schema=schema)
    assert (events.constituents, ak.num(events.fat_jets).tolist()) == (None, [1] * 6)


def test_candidates_of_whole_events_come_before_those_of_jets():
    whole, of_jets = (
        {f"{name}_{of}" for of in ("pt", "eta", "phi", "pdgId")}
        for name in ("UnusualPFCands", "FatJetPFCands")
    )
    names = whole | of_jets | {"FatJetPFCands_jetIdx"}
    assert candidate_prefixes(names) == ["UnusualPFCands", "FatJetPFCands"]
    names |= {"UnusualPFCands_jetIdx"}
    assert candidate_prefixes(names) == ["FatJetPFCands", "UnusualPFCands"]


def test_numbers_that_uproot_writes_are_no_candidates(tmp_path):
    path = write(tmp_path / "a.root", with_candidates("PFCand"))
    with uproot.open(path) as file:
        assert "nPFCand_pdgId" in file["Events"]
    assert len(version_of(path).notes) == 1


@pytest.mark.parametrize("named", ["option", "schema", "both"])
def test_tree_of_another_name(tmp_path, named):
    path = write(tmp_path / "a.root", with_candidates("PFCands"), tree="skim__Selected")
    with pytest.raises(InputError, match="fits no schema"):
        version_of(path)
    options = {"tree": "skim/Selected"} if named != "schema" else {}
    if named != "option":
        text = f"tree: {'skim/Selected' if named == 'schema' else 'Other'}"
        options["schema"] = chosen(tmp_path, text)
    info = version_of(path, **options)
    assert (info.tree, info.n_entries) == ("skim/Selected", 6)


def test_jets_are_towers_where_they_are_chosen(tmp_path):
    """The other collections stay those of the candidates, whose weight is not that of jets."""
    columns = lepton_columns() | nanoaod_columns(6)
    columns["PFCands_puppiWeight"] = ak.full_like(columns["PFCands_pt"], 0.5)
    path = write(tmp_path / "a.root", columns)
    weighted = "candidate_weight: PFCands_puppiWeight"
    schema = chosen(tmp_path, weighted)
    (usual,) = iterate_events(path, schema=schema)
    schema = chosen(tmp_path, f"choose: {{towers: [Jet, Muon]}}\n{weighted}")
    (events,) = iterate_events(path, schema=schema)
    assert usual.candidates.pt[0, 0] == 0.5 * columns["PFCands_pt"][0, 0]
    jets, muons = (
        energies(*(columns[f"{name}_{of}"] for of in ("pt", "eta", "mass")))
        for name in ("Jet", "Muon")
    )
    expected = ak.concatenate([jets, muons[:, 1:]], axis=1)
    np.testing.assert_allclose(ak.flatten(events.towers.e), ak.flatten(expected), rtol=1e-6)
    for name in ("tracks", "candidates", "constituents"):
        assert ak.array_equal(getattr(events, name), getattr(usual, name))
    notes = version_of(path, schema=schema).notes
    assert notes == ("as chosen, towers are Jet, and Muon outside of them",)


def test_jets_of_the_trigger_may_be_chosen(real_dir, tmp_path):
    """Their parts are energies, of which the forward calorimeter is contained in the hadronic one
    alone."""
    path = real_dir / "scouting_nano.root"
    schema = chosen(tmp_path, "choose: {towers: ScoutingPFJet}")
    (events,) = iterate_events(path, schema=schema, fields={"towers": {"e", "e_em", "e_had"}})
    with uproot.open(path) as file:
        muons = file["Events"]["ScoutingPFJet_muonEnergy"].array()
    towers = events.towers
    assert ak.count(towers.e) > 400
    assert ak.sum(towers.e_had) > ak.sum(towers.e_em) > 1000
    found, expected = ak.flatten(towers.e_em + towers.e_had + muons), ak.flatten(towers.e)
    np.testing.assert_allclose(found, expected, rtol=3e-3)


def test_candidates_may_be_chosen(tmp_path):
    columns = with_candidates("PFCands", "ScoutingPFCandidate")
    path = write(tmp_path / "a.root", columns)
    assert version_of(path).notes == (
        "the candidates are PFCands; the file also has ScoutingPFCandidate "
        "(choose: {candidates: ScoutingPFCandidate})",
    )
    for text in ("candidates: ScoutingPFCandidate", "towers: ScoutingPFCandidate"):
        schema = chosen(tmp_path, f"choose: {{{text}}}")
        (events,) = iterate_events(path, schema=schema)
        assert ak.num(events.towers).tolist() == [4] * 6
        assert version_of(path, schema=schema).notes == ()


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """File with candidates, and jets of two names."""
    columns = with_candidates("PFCands") | lepton_columns()
    columns |= {f"ScoutingJet_{of}": columns[f"Jet_{of}"] for of in ("pt", "eta", "phi", "mass")}
    return write(tmp_path_factory.mktemp("both") / "a.root", columns)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("towers: Jets", "towers are to be made of 'Jets', which the file does not have with all"),
        ("towers: Jets", "; it has PFCands, Jet, ScoutingJet, .*; did you mean 'Jet'.$"),
        ("candidates: Jet", "candidates are to be made of 'Jet', which .*; it has PFCands"),
        ("jets: FatJet", "jets of NanoAOD cannot be chosen; choose those of towers, candidates"),
        ("towers: [PFCands, Jet]", "chosen towers are PFCands, Jet; choose either candidates or"),
        ("towers: [Jet, ScoutingJet]", "choose jets of one name, then leptons, so that no energy"),
        ("towers: [Electron]", "chosen towers are Electron; choose jets of one name, then leptons"),
        ("towers: [ScoutingJet, Electron]", "choose the jets of scouting alone, so that no energy"),
    ],
)
def test_wrong_choices(both, tmp_path, choice, message):
    with pytest.raises(InputError, match=message):
        version_of(both, schema=chosen(tmp_path, f"choose: {{{choice}}}"))
