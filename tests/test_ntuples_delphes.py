"""Delphes files of any card: its collections are found by their class, or by names and leaves."""

import awkward as ak
import numpy as np
import pytest
from fakes_ntuples import write_file

from calovision.core.errors import InputError
from calovision.ntuples import iterate_events, open_ntuple
from calovision.ntuples.schemas.delphes import find_versions

N = 6
LEAVES = {
    "Tower": ("ET", "Eta", "Phi", "E", "Eem", "Ehad"),
    "Track": ("PT", "Eta", "Phi", "PID", "Charge", "Mass", "CtgTheta", "D0"),
    "ParticleFlowCandidate": ("PT", "Eta", "Phi", "E", "PID", "Charge", "Eem", "Ehad"),
    "Jet": ("PT", "Eta", "Phi", "Mass", "EhadOverEem", "BTag"),
    "Photon": ("PT", "Eta", "Phi", "E"),
    "Electron": ("PT", "Eta", "Phi", "Charge"),
    "Muon": ("PT", "Eta", "Phi", "Charge"),
    "GenParticle": ("PT", "Eta", "Phi", "E", "PID", "Charge"),
}
KINDS = np.array([211, 11, -13, 22, 0, 0], dtype=np.int32)


def collection(name, kind, seed=0):
    """Leaves of a collection with six objects an event: pion, electron, muon, photon, two neutral
    hadrons."""
    rng = np.random.default_rng([seed, len(name)])
    found = {
        leaf: rng.uniform(-2, 2, (N, 6)) if leaf in ("Eta", "Phi") else rng.uniform(1, 50, (N, 6))
        for leaf in LEAVES[kind]
    }
    if kind in ("Tower", "ParticleFlowCandidate"):
        found["E"] = found["Eem"] + found["Ehad"]
    found = {leaf: values.astype(np.float32) for leaf, values in found.items()}
    if "PID" in found:
        found["PID"] = np.tile(KINDS, (N, 1))
    if "Charge" in found:
        found["Charge"] = np.tile(np.int32([1, -1, 1, 0, 0, 0]), (N, 1))
    if kind == "Jet":
        found["EhadOverEem"][:, 0] = 999.9
    return {leaf: np.asarray(values) for leaf, values in found.items()}


def write(path, **kinds):
    """Write a file with collections of these classes; give back their leaves."""
    found = {name: collection(name, kind, seed) for seed, (name, kind) in enumerate(kinds.items())}
    columns = {
        f"{name}.{leaf}": ak.from_regular(ak.Array(values))
        for name, of in found.items()
        for leaf, values in of.items()
    }
    write_file(path, Delphes={"Event.Number": ak.Array([[i] for i in range(N)]), **columns})
    return found


def read(path, **options):
    (events,) = iterate_events(path, **options)
    return events


def summed(towers):
    return {name: ak.to_numpy(ak.sum(towers[name], axis=1)) for name in ("e", "e_em", "e_had")}


def energy(objects, mass=0.0):
    momentum = objects["PT"] * np.cosh(objects["Eta"])
    return np.sqrt(momentum**2 + mass**2)


def of_tower(leaves):
    return leaves["E"], leaves["Eem"], leaves["Ehad"]


def of_photon(leaves):
    return leaves["E"], leaves["E"], 0 * leaves["E"]


def of_hadron(leaves):
    return leaves["E"], 0 * leaves["E"], leaves["E"]


def of_track(leaves):
    e, kind = energy(leaves, leaves["Mass"]), abs(leaves["PID"])
    return e, e * (kind == 11), e * ((kind != 11) & (kind != 13))


def of_candidate(leaves):
    e, kind = leaves["E"], abs(leaves["PID"])
    em = np.where((kind == 11) | (kind == 22), e, np.where(kind == 0, leaves["Eem"], 0))
    return e, em, np.where(kind == 13, 0, e - em)


def of_jet(leaves):
    e, ratio = energy(leaves, leaves["Mass"]), leaves["EhadOverEem"].astype(float)
    em = np.where(ratio > 999, 0, e / (1 + ratio))
    return e, em, e - em


def of_electron(leaves):
    return energy(leaves), energy(leaves), 0 * leaves["PT"]


def of_muon(leaves):
    return energy(leaves, 0.1056584), 0 * leaves["PT"], 0 * leaves["PT"]


FLOW = {"EFlowPhoton": "Tower", "EFlowNeutralHadron": "Tower"}
TRIO = {"EFlowTrack": "Track", **FLOW}
# Collections of the file, those that the towers are made of with their energies, words of the note.
CARDS = {
    "another name": ({"CaloTower": "Tower", "Track": "Track"}, {"CaloTower": of_tower}, ""),
    "two calorimeters": (
        {"ECalTower": "Tower", "HCalTower": "Tower"},
        {"ECalTower": of_tower, "HCalTower": of_tower},
        "towers are those of ECalTower and HCalTower together",
    ),
    "the merged one": (
        {"ECalTower": "Tower", "HCalTower": "Tower", "Tower": "Tower"},
        {"Tower": of_tower},
        "",
    ),
    "photons and hadrons": (
        {"PhotonTower": "Tower", "HadronTower": "Tower"},
        {"PhotonTower": of_tower, "HadronTower": of_tower},
        "towers are those of HadronTower and PhotonTower together",
    ),
    "which tracks": (
        {"Tower": "Tower", "B": "Track", "A": "Track"},
        {"Tower": of_tower},
        "tracks are those of A; a schema with choose: {tracks: ...} takes those of B",
    ),
    "which candidates": (
        {"A": "ParticleFlowCandidate", "B": "ParticleFlowCandidate"},
        {"A": of_candidate},
        "towers are those of A; a schema with choose: {towers: ...} takes those of B",
    ),
    "which one": (
        {"PuppiTower": "Tower", "CaloTower": "Tower"},
        {"CaloTower": of_tower},
        "towers are those of CaloTower; a schema with choose: {towers: ...} takes those of "
        "PuppiTower",
    ),
    "energy flow and candidates": (
        {**TRIO, "ParticleFlowCandidate": "ParticleFlowCandidate"},
        {"EFlowTrack": of_track, "EFlowPhoton": of_photon, "EFlowNeutralHadron": of_hadron},
        "",
    ),
    "candidates": (
        {"ParticleFlowCandidate": "ParticleFlowCandidate", "Track": "Track", "EFlowTrack": "Track"},
        {"ParticleFlowCandidate": of_candidate},
        "",
    ),
    "no neutral hadrons": (
        {"EFlowTrack": "Track", "EFlowPhoton": "Tower"},
        {"EFlowTrack": of_track, "EFlowPhoton": of_photon},
        "towers are made of EFlowTrack and EFlowPhoton, without neutral hadrons, which the file "
        "has not",
    ),
    "tracks for the charged": (
        {"Track": "Track", **FLOW},
        {"Track": of_track, "EFlowPhoton": of_photon, "EFlowNeutralHadron": of_hadron},
        "towers are made of Track, EFlowPhoton and EFlowNeutralHadron",
    ),
    "neutral objects": (
        FLOW,
        {"EFlowPhoton": of_photon, "EFlowNeutralHadron": of_hadron},
        "towers are made of EFlowPhoton and EFlowNeutralHadron, without charged particles, which",
    ),
    "old energy flow": (
        {"EFlowTrack": "Track", "EFlowTower": "Tower"},
        {"EFlowTrack": of_track, "EFlowTower": of_tower},
        "towers are made of EFlowTrack and EFlowTower",
    ),
    "tracks": (
        {"Track": "Track", "Jet": "Jet"},
        {"Track": of_track},
        "towers are made of Track alone: the file has no neutral particles",
    ),
    "jets and leptons": (
        {"FatJet": "Jet", "Jet": "Jet", "Electron": "Electron", "Muon": "Muon", "Photon": "Photon"},
        {"Jet": of_jet, "Photon": of_photon, "Electron": of_electron, "Muon": of_muon},
        "towers are made of Jet, Photon, Electron and Muon: the file has nothing finer; what its "
        "card did not take out of the jets (UniqueObjectFinder) counts twice",
    ),
}


@pytest.mark.parametrize(("kinds", "parts", "note"), CARDS.values(), ids=CARDS)
def test_towers_of_a_card(tmp_path, kinds, parts, note):
    found = write(tmp_path / "a.root", **kinds)
    events, info = read(tmp_path / "a.root"), open_ntuple(tmp_path / "a.root")
    assert info.schema == "delphes"
    assert note in " ".join(info.notes)
    assert bool(note) == bool(info.notes)
    expected = np.array([of(found[name]) for name, of in parts.items()], dtype=np.float64)
    for values, total in zip(
        expected.sum(axis=(0, 3)), summed(events.towers).values(), strict=True
    ):
        np.testing.assert_allclose(total, values, rtol=1e-5)
    eta = np.concatenate([found[name]["Eta"] for name in parts], axis=1)
    assert np.array_equal(np.sort(ak.to_numpy(events.towers.eta)), np.sort(eta))


class Content:
    """A file whose branches tell the classes of what they hold."""

    path = "a.root"

    def __init__(self, **kinds):
        self._classes = {"Event": "HepMCEvent", **kinds}

    def has_tree(self, tree):
        return tree == "Delphes"

    def classes(self, tree):
        return self._classes

    def names(self, tree):
        leaves = {
            f"{name}.{leaf}"
            for name, kind in self._classes.items()
            for leaf in (*LEAVES.get(kind, ("Number",)), "fUniqueID", "Constituents")
        }
        return leaves | set(self._classes)


def names_of(parts):
    return [part.fields["eta"].removesuffix(".Eta") for part in parts]


def test_classes_of_a_file_count_more_than_names():
    """A card may give any name to a class, as that of another one."""
    content = Content(Tower="Track", Cells="Tower", Jet="Jet", Flow="ParticleFlowCandidate")
    (version,) = find_versions(content, {})
    assert names_of(version.towers) == ["Cells"]
    assert names_of(version.tracks) == ["Tower"]
    assert names_of(version.candidates) == ["Flow"]
    assert version.constituents == ()  # there are no fat jets
    (version,) = find_versions(content, {"fat_jets": ("Jet",)})
    assert names_of(version.constituents) == ["Flow", "Cells", "Tower"]
    links = [part.link for part in version.constituents]
    assert {link.references for link in links} == {"Jet.Constituents"}
    assert [link.after for link in links] == [
        (),
        ("Flow.fUniqueID",),
        ("Flow.fUniqueID", "Cells.fUniqueID"),
    ]


@pytest.mark.parametrize(
    ("towers", "twice"),
    [
        (("Tower", "EFlowTrack"), True),
        (("Jet", "FatJet"), True),
        (("Tower", "Jet"), True),
        (("Jet", "Electron"), False),
        (("EFlowTrack", "EFlowPhoton"), False),
        (("Tower",), False),
    ],
)
def test_chosen_towers_that_hold_the_same_energy_are_said(towers, twice):
    jets = {"Jet": "Jet", "FatJet": "Jet", "Electron": "Electron"}
    flow = {"EFlowTrack": "Track", "EFlowPhoton": "Tower"}
    (version,) = find_versions(Content(Tower="Tower", **jets, **flow), {"towers": towers})
    notes = [f"towers are {' and '.join(towers)}, which hold the same energy: it counts twice"]
    assert list(version.notes) == notes * twice


def test_generated_jets_are_made_of_generated_particles():
    content = Content(Tower="Tower", Particle="GenParticle", GenJet="Jet")
    (version,) = find_versions(content, {"fat_jets": ("GenJet",)})
    assert names_of(version.constituents) == ["Particle"]
    assert version.trimmed_p4 == "GenJet.TrimmedP4[5]"


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (
            {"fat_jets": ("FatJets",)},
            "a.root: jets cannot be made of FatJets; choose from Jet, FatJet; did you mean "
            "'FatJet'?",
        ),
        ({"towers": ("Tower", "Vertex")}, "towers cannot be made of Vertex; choose from Tower"),
        ({"tracks": ("Tower",)}, "tracks cannot be made of Tower; choose from nothing, as it has"),
        ({"fat_jets": ("Jet", "FatJet")}, "cannot be made of Jet and FatJet together; choose one"),
        ({"constituents": ("x",)}, "constituents cannot be made of x; choose from Tower"),
    ],
)
def test_choices_that_a_file_does_not_have(chosen, message):
    with pytest.raises(InputError) as raised:
        find_versions(Content(Tower="Tower", Jet="Jet", FatJet="Jet"), chosen)
    assert message in str(raised.value)


def test_choices():
    content = Content(Tower="Tower", Puppi="Tower", Track="Track", Jet="Jet", FatJet="Jet")
    chosen = {"towers": ("Puppi", "Jet"), "fat_jets": ("Jet",)}
    (version,) = find_versions(content, chosen)
    assert names_of(version.towers) == ["Puppi", "Jet"]
    assert names_of(version.fat_jets) == ["Jet"]
    assert version.choices == {
        "towers": ("Tower", "Puppi", "Track", "Jet", "FatJet"),
        "tracks": ("Track",),
        "jets": ("Jet", "FatJet"),
    }
    (version,) = find_versions(content, {"constituents": ("Puppi",), "candidates": ("Track",)})
    assert names_of(version.constituents) == ["Puppi"]
    assert version.candidates[0].extra["e"].startswith("sqrt(Track.Mass**2")


def test_a_tree_of_another_name(tmp_path):
    found = collection("Tower", "Tower")
    columns = {f"Tower.{leaf}": ak.from_regular(ak.Array(of)) for leaf, of in found.items()}
    write_file(tmp_path / "a.root", t={"Event.Number": ak.Array([[0]] * N), **columns})
    events = read(tmp_path / "a.root", tree="t")
    np.testing.assert_allclose(summed(events.towers)["e"], found["E"].sum(axis=1), rtol=1e-6)
    assert open_ntuple(tmp_path / "a.root", tree="t", schema="delphes").tree == "t"


def test_a_file_without_event_numbers_has_those_of_its_entries(tmp_path):
    found = collection("Tower", "Tower")
    columns = {f"Tower.{leaf}": ak.from_regular(ak.Array(of)) for leaf, of in found.items()}
    write_file(tmp_path / "a.root", Delphes=columns)
    assert read(tmp_path / "a.root").event_number.tolist() == list(range(N))
