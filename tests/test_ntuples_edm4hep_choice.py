"""Collections of podio files: taken by rules of their names and of what they hold, or chosen."""

import re

import awkward as ak
import numpy as np
import pytest
from fakes_podio import ENCODING, IDENTIFIERS, podio_collections, references, write_podio

from calovision.core.errors import InputError
from calovision.ntuples import Ntuple, describe_file
from calovision.ntuples.schemas.edm4hep import find_versions
from calovision.ntuples.schemas.edm4hep.calorimeters import (
    calorimeter_of,
    is_elsewhere,
    without_copies,
)
from calovision.ntuples.schemas.edm4hep.cell_ids import part_of_identifier
from calovision.ntuples.schemas.edm4hep.podio import PodioEvents
from calovision.selection.expressions import parse

POSITIONED = ("cellID", "energy", "energyError", "position.x", "position.y", "position.z")
MEMBERS = {
    "CalorimeterHitData": (*POSITIONED, "time"),
    "SimCalorimeterHitData": POSITIONED,
    "ClusterData": POSITIONED[1:],
    "ReconstructedParticleData": (
        *("energy", "charge", "mass", "PDG", "type"),
        *(f"momentum.{i}" for i in "xyz"),
        *(f"{name}_{end}" for name in ("tracks", "particles") for end in ("begin", "end")),
    ),
    "TrackData": ("chi2", "ndf", "trackStates_begin", "trackStates_end"),
}


class Content:
    """Content of a file without entries: name -> class of each collection."""

    path = "fake.root"

    def __init__(self, collections):
        self.collections = collections

    def classes(self, tree):
        return {name: f"vector<{kind}>" for name, kind in self.collections.items()}

    types = classes

    def names(self, tree):
        return {
            f"{name}.{member}"
            for name, kind in self.collections.items()
            for member in MEMBERS[kind.split("::")[1]]
        }

    def has(self, tree, branch):
        return False

    def first_values(self, tree, branch, n_entries):
        return []

    def count(self, tree, branch, n_entries):
        return 0

    def is_zero(self, tree, branch, n_entries=None):
        return False


def found(collections, **chosen):
    (version,) = find_versions(Content(collections), chosen)
    return version


def taken(version, collection="towers"):
    """Names of the collections in the branches of the energies, or of the momenta."""
    texts = [part.fields.get("e", part.fields.get("pt")) for part in version.parts(collection)]
    return [re.search(r"\w+", text)[0] for text in texts]


EPIC = {
    **dict.fromkeys(
        (
            "B0ECalClusters",
            "EcalBarrelClusters",
            "EcalBarrelImagingClusters",
            "EcalBarrelScFiClusters",
            "EcalBarrelTruthClusters",
            "EcalEndcapNClusters",
            "EcalEndcapNSplitMergeClusters",
            "EcalEndcapPClusters",
            "EcalLumiSpecClusters",
            "HcalBarrelClusters",
            "HcalEndcapNClusters",
            "HcalEndcapPInsertClusters",
            "HcalFarForwardZDCClusters",
            "LFHCALClusters",
        ),
        "edm4eic::ClusterData",
    ),
    **dict.fromkeys(
        (
            "GeneratedParticles",
            "ReconstructedCentauroJets",
            "ReconstructedChargedJets",
            "ReconstructedChargedParticles",
            "ReconstructedJets",
            "ReconstructedParticles",
            "ReconstructedBreitFrameParticles",
            "GeneratedJets",
        ),
        "edm4eic::ReconstructedParticleData",
    ),
    **dict.fromkeys(("EcalBarrelScFiHits", "HcalEndcapNHits"), "edm4hep::SimCalorimeterHitData"),
}


def test_clusters_of_epic_without_copies_and_without_detectors_near_the_beam():
    version = found(EPIC)
    assert taken(version) == [
        "EcalBarrelClusters",
        "EcalEndcapNClusters",
        "EcalEndcapPClusters",
        "HcalBarrelClusters",
        "HcalEndcapNClusters",
        "HcalEndcapPInsertClusters",
        "LFHCALClusters",
    ]
    energies = [(part.fields["e_em"], part.fields["e_had"]) for part in version.towers]
    assert energies[0] == ("EcalBarrelClusters.energy", "0")
    assert energies[-1] == ("0", "LFHCALClusters.energy")
    assert taken(version, "candidates") == ["ReconstructedParticles"]
    assert taken(version, "fat_jets") == ["sqrt"]
    assert "ReconstructedJets" in version.notes[-1]


def test_hits_of_the_same_calorimeters_come_before_clusters_and_those_of_fewer_do_not():
    hits = dict.fromkeys(
        ("EcalBarrelScFiRecHits", "HcalBarrelRecHits"), "edm4eic::CalorimeterHitData"
    )
    assert taken(found(EPIC | hits))[0] == "EcalBarrelClusters"
    hits |= dict.fromkeys(
        (
            "EcalBarrelImagingRecHits",
            "EcalEndcapNRecHits",
            "EcalEndcapPRecHits",
            "HcalEndcapNRecHits",
            "HcalEndcapPInsertRecHits",
            "LFHCALRecHits",
        ),
        "edm4eic::CalorimeterHitData",
    )
    assert taken(found(EPIC | hits)) == [name for name in hits if "Imaging" not in name]


def test_hits_of_allegro_come_before_clusters_of_one_calorimeter_and_the_cells_in_them():
    hits = ("ECalBarrelModuleThetaMergedPositioned", "ECalBarrelModuleThetaMerged2Positioned",
            "ECalEndcapTurbinePositioned", "HCalBarrelReadoutPositioned")  # fmt: skip
    cells = ("CaloClusterCells", "EMBCaloClusterCells", "EMBCaloTopoClusterCells")
    clusters = dict.fromkeys(("CaloClusters", "EMBCaloClusters"), "edm4hep::ClusterData")
    collections = dict.fromkeys((*hits, *cells), "edm4hep::CalorimeterHitData")
    assert taken(found(collections | clusters)) == [hits[0], *hits[2:]]
    clusters |= dict.fromkeys(("CorrectedCaloClusters", "CaloTopoClusters"), "edm4hep::ClusterData")
    assert taken(found(clusters)) == ["CaloClusters"]


def test_order_of_what_towers_are_made_of():
    particles = {"PandoraPFOs": "edm4hep::ReconstructedParticleData"}
    clusters = {"CaloClusters": "edm4hep::ClusterData"}
    hits = {"CalorimeterHitCollection": "edm4hep::CalorimeterHitData"}
    simulated = {
        "HCalRing": "edm4hep::SimCalorimeterHitData",
        "MUON": "edm4hep::CalorimeterHitData",
    }
    assert taken(found({**simulated, **hits, **clusters, **particles})) == ["PandoraPFOs"]
    version = found({**simulated, **hits, **clusters})
    assert taken(version) == ["CalorimeterHitCollection"]
    assert "e_em" not in version.towers[0].fields
    assert "towers have energy alone" in version.notes[1]
    assert taken(found({**simulated, **clusters})) == ["CaloClusters"]
    assert taken(found(simulated)) == ["HCalRing"]
    assert "not calibrated" in found(simulated).notes[0]


def test_file_of_podio_without_content_has_a_reason():
    version = found({"Tracks": "edm4hep::TrackData"})
    assert version.parts("towers") == version.parts("tracks") == ()
    assert version.notes == (
        "no towers: there are no calorimeter hits, clusters or particles",
        "no tracks: there are no track states and no charged particles",
    )
    assert find_versions(Content({}), {}) == ()


@pytest.mark.parametrize(
    ("numbers", "names", "expected"),
    [
        ([[1, 2], [1, 3]], [["A", "B"], ["A", "B"]], {1: "A", 2: "B", 3: "B"}),
        ([[1, 2], [1]], [["A", "B"], ["B"]], {2: "B"}),
        ([[-1]], [["A"]], {2**32 - 1: "A"}),
    ],
)
def test_numbers_of_collections_of_merged_files(numbers, names, expected):
    """Each file has an entry of metadata; what a number means must be the same in all."""
    tables = {"events___idTable": numbers, "events_collectionNames": names}

    class Merged(Content):
        def has(self, tree, branch):
            return tree == "podio_metadata" and branch in tables

        def values(self, tree, branch):
            return ak.Array(tables[branch])

    assert PodioEvents(Merged({})).identifiers == expected


@pytest.mark.parametrize(
    ("name", "calorimeter"),
    [
        ("ECALBarrel", "em"), ("HCALOther", "had"), ("SiEcalHits", "em"), ("LFHCALClusters", "had"),
        ("EcalBarrelCollectionGapHits", "em"), ("EMBCaloClusters", "em"), ("FakeCalHits", None),
        ("HCalEndcapReadoutPositioned", "had"), ("SCEPCal_MainEdep", "em"), ("CaloClusters", None),
        ("EM_BARREL", "em"), ("HAD_ENDCAP", "had"), ("EMECPositionedCells", "em"),
        ("HECPositionedCells", "had"), ("HFwdCells", "had"), ("EMFwdCells", "em"),
        ("CalorimeterHits", None), ("PandoraClusters", None), ("DRcaloSiPM", None),
    ],
)  # fmt: skip
def test_names_of_calorimeters(name, calorimeter):
    assert calorimeter_of(name) == calorimeter
    assert not is_elsewhere(name)


@pytest.mark.parametrize(
    "name",
    [
        "MUON",
        "YokeBarrel",
        "LumiCalHits",
        "BCAL",
        "LHCAL",
        "LCAL",
        "BeamCalHits",
        "HcalFarForwardZDCRecHits",
        "B0ECalClusters",
    ],
)
def test_muon_systems_and_monitors_near_the_beam_are_no_calorimeters(name):
    assert is_elsewhere(name)


def test_copies_by_their_names():
    names = [
        "ECalBarrelCells", "ECalBarrelPositionedCells", "EcalBarrelCollectionRec",
        "EcalBarrelCollectionGapHits", "HcalBarrelRecHits", "HcalBarrelMergedHits",
        "HcalEndcapPHits", "HcalEndcapPInsertHits",
    ]  # fmt: skip
    kept = {"ECalBarrelPositionedCells", "EcalBarrelCollectionRec", "EcalBarrelCollectionGapHits",
            "HcalBarrelRecHits", "HcalEndcapPHits", "HcalEndcapPInsertHits"}  # fmt: skip
    assert set(without_copies(names)) == set(without_copies(names[::-1])) == kept


def test_parts_of_identifiers_against_shifts():
    cells = np.array([0, 2**64 - 1, 0b1011_0110_1101_1010_0101 << 40 | 0xABCDE], dtype=np.uint64)

    def evaluated(text, name):
        return parse(part_of_identifier("c", text, name), "").evaluate({"c": cells}, "").tolist()

    plain = [int(cell) for cell in cells]
    assert evaluated(ENCODING, "layer") == [cell >> 7 & 511 for cell in plain]
    assert evaluated("system:0:5,side:5:2,layer:19:9", "layer") == [c >> 19 & 511 for c in plain]
    signed = [(cell >> 48) - (2**16 if cell >> 63 else 0) for cell in plain]
    assert evaluated(ENCODING, "y") == signed
    assert evaluated(ENCODING, "side") == [
        (bits := cell >> 5 & 3) - (4 if bits > 1 else 0) for cell in plain
    ]
    for text in ("system:5", "layer", "layer:x", "layer:64", "layer:60:9", ""):
        assert part_of_identifier("c", text, "layer") is None


def with_changes(**changes):
    """Collections of a fake with members in place of others."""
    collections = podio_collections(6)
    for name, members in changes.items():
        collections[name] = collections[name] | members
    return collections


def read(path, collections, schema=None, **options):
    """Write an RNTuple, which takes less time than a TTree, and read it."""
    written = write_podio(path, collections, kind="RNTuple", **options)
    with Ntuple(written, schema=schema) as ntuple:
        (events,) = ntuple.iterate()
        return ntuple.info, events


def test_weights_and_numbers_that_were_not_set_are_not_taken(tmp_path):
    zeros = ak.from_regular(np.zeros((6, 1)))
    changed = with_changes(
        EventHeader={"weight": zeros, "eventNumber": ak.values_astype(zeros, int)}
    )
    info, events = read(tmp_path / "a.root", changed)
    assert events.weight.tolist() == [1.0] * 6
    assert events.event_number.tolist() == list(range(6))
    assert "EventHeader.weight is 0 in all events, so that each counts 1" in info.notes


def test_hits_without_positions_are_not_taken(tmp_path):
    collections = podio_collections(6)
    for name in ("ECALBarrel", "HCALBarrel"):
        position = {f"position.{i}": collections[name]["position.x"] * 0 for i in "xyz"}
        collections[name] = collections[name] | position
    info, events = read(tmp_path / "a.root", collections)
    assert info.notes[0] == "towers are the particles PandoraPFOs"
    assert ak.all(np.isfinite(events.towers.eta))


def test_objects_on_the_beam_axis_lie_outside_of_images(tmp_path):
    collections = podio_collections(6)
    hits = collections["ECALBarrel"]
    collections["ECALBarrel"] = hits | {f"position.{i}": hits["position.x"] * 0 for i in "xy"}
    _, events = read(tmp_path / "a.root", collections)
    n_hits = ak.num(hits["energy"])
    is_em = ak.local_index(events.towers.eta) < n_hits
    assert ak.all(np.isinf(events.towers.eta[is_em]))
    assert ak.all(np.isfinite(events.towers.eta[~is_em]))


def test_tracks_whose_field_is_not_known_are_the_charged_particles(tmp_path):
    collections = podio_collections(6)
    states = collections["_SiTracks_trackStates"]
    scattered = states["omega"] * (1 + 0.1 * ak.local_index(states["omega"]))
    collections["_SiTracks_trackStates"] = states | {"omega": scattered}
    info, events = read(tmp_path / "a.root", collections)
    flow = collections["PandoraPFOs"]
    charged = flow["charge"] != 0
    pt = np.hypot(flow["momentum.x"], flow["momentum.y"])[charged]
    np.testing.assert_allclose(ak.flatten(events.tracks.pt), ak.flatten(pt), rtol=1e-6)
    assert info.notes[1] == (
        "tracks are the charged PandoraPFOs; SiTracks have no pT, as the field is not known"
    )


@pytest.mark.parametrize(
    ("collection", "members"),
    [
        ("PandoraPFOs", ("tracks_begin",)),
        ("_PandoraPFOs_tracks", ("collectionID",)),
        ("SiTracks", ("trackStates_begin",)),
        ("_SiTracks_trackStates", ("location",)),
    ],
)
def test_tracks_of_a_slim_file(tmp_path, collection, members):
    collections = podio_collections(6)
    kept = {k: v for k, v in collections[collection].items() if k not in members}
    info, events = read(tmp_path / "a.root", collections | {collection: kept})
    assert "tracks are the charged PandoraPFOs" in info.notes[1]
    assert ak.sum(ak.num(events.tracks)) > 10


def test_particles_whose_relations_to_tracks_were_dropped_tell_no_field(tmp_path):
    collections = podio_collections(6)
    rows = collections["_PandoraPFOs_tracks"]
    cut = {member: values[:, :0] for member, values in rows.items()}
    info, _ = read(tmp_path / "a.root", collections | {"_PandoraPFOs_tracks": cut})
    assert "SiTracks have no pT, as the field is not known" in info.notes[1]
    cut = {member: values[:, :1] for member, values in rows.items()}
    info, _ = read(tmp_path / "b.root", collections | {"_PandoraPFOs_tracks": cut})
    assert "in a field of 3.5 T" in info.notes[1]


def test_tracks_without_particles_have_the_momentum_of_the_field_that_a_user_gives(tmp_path):
    collections = podio_collections(6)
    for name in ("PandoraPFOs", "TightPFOs", "_PandoraPFOs_tracks"):
        del collections[name]
    info, events = read(tmp_path / "a.root", collections)
    assert events.tracks is None
    assert info.notes[1] == (
        "no tracks: nothing tells the magnetic field of SiTracks; give pt of tracks as a formula, "
        "0.000299792 * B / abs(_SiTracks_trackStates.omega) with B in tesla"
    )
    states = "_SiTracks_trackStates"
    schema = schema_file(
        tmp_path,
        f"tracks: [{{pt: 0.000299792 * 3.5 / abs({states}.omega), phi: {states}.phi, "
        f"eta: arcsinh({states}.tanLambda), cut: {states}.location == 1}}]",
    )
    _, events = read(tmp_path / "a.root", collections, schema)
    flow = podio_collections(6)["PandoraPFOs"]
    pt = np.hypot(flow["momentum.x"], flow["momentum.y"])[flow["charge"] != 0]
    np.testing.assert_allclose(
        ak.flatten(ak.sort(events.tracks.pt)), ak.flatten(ak.sort(pt)), rtol=1e-5
    )


def test_constituents_in_a_collection_that_the_file_has_not(tmp_path):
    collections = podio_collections(6)
    del collections["TightPFOs"]
    info, events = read(tmp_path / "a.root", collections)
    assert events.constituents is None
    reason = "their particles are in TightPFOs, which the file has not"
    assert info.notes[2] == f"jets are RefinedJets, without constituents: {reason}"


def test_collections_of_a_slim_file_without_metadata_are_told_by_what_fits(tmp_path):
    """As of old files of FCC, whose numbers are not named."""
    collections = podio_collections(6)
    del collections["TightPFOs"], collections["_RefinedJets_particles"]
    flow, jets = collections["PandoraPFOs"], collections["RefinedJets"]
    n_particles = ak.num(flow["energy"])
    rows = ak.local_index(flow["energy"])
    collections["_RefinedJets_particles"] = {
        "index": ak.values_astype(rows, np.int32),
        "collectionID": ak.values_astype(rows * 0 + 15, np.int32),
    }
    ends = ak.concatenate([ak.Array([[2]] * 6), n_particles[:, np.newaxis]], axis=1)
    begins = ak.concatenate([ak.Array([[0]] * 6), ak.Array([[2]] * 6)], axis=1)
    collections["RefinedJets"] = jets | {
        "particles_begin": ak.values_astype(begins, np.uint32),
        "particles_end": ak.values_astype(ends, np.uint32),
    }
    info, events = read(tmp_path / "a.root", collections, metadata=False)
    assert "SiTracks" in info.notes[1]
    assert ak.sum(ak.sum(events.constituents.e, axis=2), axis=1).tolist() == pytest.approx(
        ak.sum(flow["energy"], axis=1).tolist()
    )
    assert "layer" not in events.towers.fields


def schema_file(tmp_path, text):
    path = tmp_path / "s.yaml"
    path.write_text(f"extends: edm4hep\n{text}\n")
    return path


def test_chosen_collections(tmp_path):
    collections = podio_collections(6)
    schema = schema_file(
        tmp_path, "choose: {towers: [MUON, TightPFOs], tracks: TightPFOs, candidates: TightPFOs}"
    )
    info, events = read(tmp_path / "a.root", collections, schema)
    tight = collections["TightPFOs"]
    energy = ak.concatenate([collections["MUON"]["energy"], tight["energy"]], axis=1)
    assert events.towers.e.tolist() == energy.tolist()
    assert events.candidates.e.tolist() == tight["energy"].tolist()
    assert ak.num(events.tracks).tolist() == ak.sum(tight["charge"] != 0, axis=1).tolist()
    assert "e_em" not in info.collections["towers"]
    assert "TightPFOs, which may hold the same energy: then it counts twice" in info.notes[0]
    assert info.choices["towers"] == (
        "ECALBarrel",
        "HCALBarrel",
        "MUON",
        "PandoraPFOs",
        "TightPFOs",
    )
    assert info.choices["jets"] == ("RefinedJets",)


@pytest.mark.parametrize(
    ("choose", "message"),
    [
        ("towers: ECALBarel", "ECALBarel is chosen for towers, which the file has not; choose "
                              r"from ECALBarrel, HCALBarrel, .*; did you mean 'ECALBarrel'\?$"),
        ("tracks: ECALBarrel", "ECALBarrel is chosen for tracks, which is of CalorimeterHits"),
        ("candidates: [PandoraPFOs, TightPFOs]", "choose names 2 collections for candidates; name"),
    ],
)  # fmt: skip
def test_wrong_choices(tmp_path, choose, message):
    schema = schema_file(tmp_path, f"choose: {{{choose}}}")
    with pytest.raises(InputError, match=message):
        read(tmp_path / "a.root", podio_collections(6), schema)


def with_subset(name="PandoraPFOs"):
    """Collections with a subset, out of order, one of whose events is empty."""
    rows = references(ak.Array([[2, 0], [], [1], [0, 1, 2], [2], [0]]), name)
    return podio_collections(6) | {"Selected_objIdx": rows}


def test_subsets(tmp_path):
    schema = schema_file(
        tmp_path, "choose: {candidates: Selected, tracks: Selected}\ntowers: {cut: e > 9}"
    )
    collections = with_subset()
    info, events = read(tmp_path / "a.root", collections, schema)
    index = collections["Selected_objIdx"]["index"]
    energy, charge = (collections["PandoraPFOs"][name][index] for name in ("energy", "charge"))
    assert events.candidates.e.tolist() == energy.tolist()
    assert ak.num(events.tracks).tolist() == ak.sum(charge != 0, axis=1).tolist()
    assert "Selected" in info.choices["candidates"]
    schema = schema_file(tmp_path, "choose: {towers: Selected}\ntowers: {cut: e > 9}")
    _, events = read(tmp_path / "b.root", collections, schema)
    assert events.towers.e.tolist() == energy[energy > 9].tolist()


def test_subsets_of_what_cannot_be_found(tmp_path):
    schema = schema_file(tmp_path, "choose: {candidates: Selected}")
    with pytest.raises(InputError, match="Selected, chosen for candidates, is a subset whose obj"):
        read(tmp_path / "a.root", with_subset("SiTracks"), schema)
    collections = with_subset()
    beyond = collections["Selected_objIdx"] | {"index": ak.Array([[99], [], [], [], [], []])}
    beyond["collectionID"] = ak.values_astype(beyond["index"] * 0, np.uint32) + np.uint32(
        IDENTIFIERS["PandoraPFOs"]
    )
    with pytest.raises(InputError, match=r"Selected_objIdx\.index is 99 in entry 0"):
        read(tmp_path / "b.root", collections | {"Selected_objIdx": beyond}, schema)


def test_file_without_entries(tmp_path):
    collections = {
        name: {member: values[:0] for member, values in members.items()}
        for name, members in podio_collections(2).items()
    }
    path = write_podio(tmp_path / "a.root", collections)
    assert describe_file(path).schema == "edm4hep"
    with Ntuple(path) as ntuple:
        assert ntuple.info.n_entries == 0
        assert list(ntuple.iterate()) == []


@pytest.fixture
def few_looked_at(monkeypatch):
    """Two entries tell what the collections hold."""
    monkeypatch.setattr("calovision.ntuples.schemas.edm4hep.podio.LOOKED_AT", 2)


def test_states_of_tracks_elsewhere_are_left_out_where_the_first_entries_have_none(
    tmp_path, few_looked_at
):
    collections = podio_collections(8)
    tracks, states = collections["SiTracks"], collections["_SiTracks_trackStates"]
    first = ak.local_index(states["omega"])[:2] % 2 == 0
    collections["_SiTracks_trackStates"] = {
        member: ak.concatenate([values[:2][first], values[2:]]) for member, values in states.items()
    }
    number = ak.values_astype(tracks["ndf"][:2], np.int64)
    for member, begin in (("trackStates_begin", number), ("trackStates_end", number + 1)):
        tracks = tracks | {member: ak.concatenate([begin, tracks[member][2:]])}
    collections["SiTracks"] = tracks
    info, events = read(tmp_path / "a.root", collections)
    assert "the track states of SiTracks" in info.notes[1]
    assert ak.num(events.tracks).tolist() == ak.num(tracks["ndf"]).tolist()


def test_constituents_and_subsets_of_collections_that_only_later_entries_point_to(
    tmp_path, few_looked_at
):
    collections = podio_collections(8)
    rows = collections["_RefinedJets_particles"]
    owners = ak.where(ak.local_index(rows["index"], axis=0) < 2, 4196981182, rows["collectionID"])
    owners = ak.values_astype(owners, np.uint32)
    collections["_RefinedJets_particles"] = rows | {"collectionID": owners}
    message = r"_RefinedJets_particles\.collectionID is 7 in entry 2, a collection that the first"
    with pytest.raises(InputError, match=message):
        read(tmp_path / "a.root", collections)
    schema = schema_file(tmp_path, "choose: {candidates: Selected}\nconstituents: none")
    index = ak.Array([[0], [1], [0]] * 2)
    other = references(index, "PandoraPFOs")
    owners = ak.Array([[IDENTIFIERS["PandoraPFOs"]]] * 3 + [[IDENTIFIERS["TightPFOs"]]] * 3)
    other["collectionID"] = ak.values_astype(owners, np.uint32)
    with pytest.raises(InputError, match=r"Selected_objIdx\.collectionID is 7 in entry 3"):
        read(tmp_path / "b.root", podio_collections(6) | {"Selected_objIdx": other}, schema)
