"""Files of podio: published ones against histograms of their branches."""

import awkward as ak
import numpy as np
import pytest
import uproot
from fakes_podio import podio_collections, with_old_names, write_podio

from calovision import EtaPhiGrid, build_images
from calovision.ntuples import Ntuple, describe_file

DELPHES = "test_FCC_Winter2023.root"
OLD = "edm4hep_266.root"
FULL = "edm4hep_ILD_mumuH_v01-00_podio_v01-07_10ev.root"
PARTICLES = {DELPHES: "ReconstructedParticles", OLD: "PandoraPFOs", FULL: "PandoraPFOs"}
STATES = {DELPHES: "EFlowTrack_1", FULL: "_SiTracks_Refitted_trackStates"}
GRID = EtaPhiGrid(20, 24, (-2.5, 2.5))


class Published:
    """Branches of a published file, read with uproot alone."""

    def __init__(self, path):
        self.name = path.name
        self.tree = uproot.open(path)["events"]

    def __call__(self, collection, *members):
        arrays = [self.tree[f"{collection}.{name}"].array() for name in members]
        return arrays if len(arrays) > 1 else arrays[0]

    def particles(self, *members):
        return self(PARTICLES[self.name], *members)

    def momenta(self, collection):
        """pT, eta and phi, float64."""
        x, y, z = (ak.values_astype(self(collection, f"momentum.{i}"), np.float64) for i in "xyz")
        pt = np.sqrt(x**2 + y**2)
        return pt, np.arcsinh(z / pt), np.arctan2(y, x)


@pytest.fixture(scope="module", params=list(PARTICLES))
def published(request, real_dir):
    path = real_dir / request.param
    with Ntuple(path) as ntuple:
        (events,) = ntuple.iterate()
        return Published(path), ntuple.info, events


def histograms(eta, phi, values):
    """Sums of values ``n * var`` in the cells of `GRID`, float64 ``(n, 20, 24)``."""
    event = np.repeat(np.arange(len(eta)), ak.num(eta))
    edges = np.arange(len(eta) + 1), np.linspace(-2.5, 2.5, 21), np.linspace(-np.pi, np.pi, 25)
    columns = [ak.to_numpy(ak.flatten(one)) for one in (eta, phi, values)]
    return np.histogramdd((event, *columns[:2]), edges, weights=columns[2])[0]


def test_cells_are_those_of_the_particles(published):
    read, info, events = published
    assert (info.schema, info.n_entries) == ("edm4hep", len(events.towers))
    channels = ["energy", "em", "had", "charged_pt", "neutral_pt"]
    images, _ = build_images(events.towers, None, GRID, channels, candidates=events.candidates)
    pt, eta, phi = read.momenta(PARTICLES[read.name])
    number = read.particles("PDG" if read.name == FULL else "type")
    e, charge, mass = (
        ak.values_astype(one, np.float64) for one in read.particles("energy", "charge", "mass")
    )
    if read.name == DELPHES:  # whose charged particles have no type
        number = ak.where(np.abs(mass - 0.000511) < 1e-4, ak.where(charge != 0, 11, number), number)
        number = ak.where(np.abs(mass - 0.10566) < 1e-3, ak.where(charge != 0, 13, number), number)
    is_em, is_muon = (abs(number) == 11) | (abs(number) == 22), abs(number) == 13
    assert ak.sum(is_muon) > 10
    assert ak.sum(is_em) > 100
    for image, values in zip(
        np.moveaxis(images, 1, 0),
        (e, e * is_em, e * ~(is_em | is_muon), pt * (charge != 0), pt * (charge == 0)),
        strict=True,
    ):
        expected = histograms(eta, phi, values)
        assert expected.sum() > 100
        np.testing.assert_allclose(image, expected, rtol=1e-5, atol=1e-4)


def test_tracks_are_the_track_states_at_the_interaction_point_in_the_field_of_2_tesla(published):
    read, _, events = published
    if read.name == OLD:
        pt, eta, phi = read.momenta("PandoraPFOs")
        charged = read.particles("charge") != 0
        expected = [column[charged] for column in (pt, eta, phi)]
    else:
        omega, tan_lambda, phi, location = read(
            STATES[read.name], "omega", "tanLambda", "phi", "location"
        )
        at = location == (1 if read.name == FULL else 0)
        pt = 0.299792458e-3 * 2.0 / np.abs(omega[at])
        expected = pt, np.arcsinh(tan_lambda[at]), phi[at]
    for name, column in zip(("pt", "eta", "phi"), expected, strict=True):
        np.testing.assert_allclose(ak.flatten(events.tracks[name]), ak.flatten(column), rtol=1e-5)
    images, _ = build_images(None, events.tracks, GRID, ["tracks"])
    np.testing.assert_array_equal(
        images[:, 0], histograms(*expected[1:], ak.ones_like(expected[0]))
    )


def test_momenta_of_tracks_are_those_of_the_particles_made_of_them(published):
    read, _, events = published
    if read.name == OLD:
        return
    rows = {DELPHES: "ReconstructedParticles#1", FULL: "_PandoraPFOs_tracks"}[read.name]
    begin, end = read.particles("tracks_begin", "tracks_end")
    assert ak.all(end - begin <= 1)
    track = read(rows, "index")[begin[end > begin]]
    for field, column in zip(("pt", "eta", "phi"), read.momenta(PARTICLES[read.name]), strict=True):
        found = ak.flatten(events.tracks[field][track])
        np.testing.assert_allclose(found, ak.flatten(column[end > begin]), rtol=1e-5, atol=1e-6)
        assert len(found) > 190


def test_subset_of_particles_that_is_chosen(real_dir, tmp_path):
    schema = tmp_path / "s.yaml"
    schema.write_text("extends: edm4hep\nchoose: {candidates: TightSelectedPandoraPFOs}\n")
    with Ntuple(real_dir / FULL, schema=schema) as ntuple:
        (events,) = ntuple.iterate({"candidates": ("e",), "towers": ("e",)})
    read = Published(real_dir / FULL)
    index = read("TightSelectedPandoraPFOs_objIdx", "index")
    expected = read("PandoraPFOs", "energy")[index].tolist()
    assert events.candidates.e.tolist() == events.towers.e.tolist() == expected
    assert ak.count(index) == 360


def test_jets_are_the_sums_of_their_constituents(published):
    read, _, events = published
    if read.name != DELPHES:
        return
    pt, eta, phi = read.momenta("Jet")
    for field, column in (("pt", pt), ("eta", eta), ("phi", phi), ("mass", read("Jet", "mass"))):
        np.testing.assert_allclose(
            ak.flatten(events.fat_jets[field]), ak.flatten(column), rtol=1e-5
        )
    begin, end = read("Jet", "particles_begin", "particles_end")
    assert ak.num(events.constituents, axis=2).tolist() == (end - begin).tolist()
    found = events.constituents
    for component, member in (
        (found.pt * np.cos(found.phi), "momentum.x"),
        (found.pt * np.sinh(found.eta), "momentum.z"),
        (found.e, "energy"),
    ):
        total = ak.flatten(ak.sum(component, axis=2))
        np.testing.assert_allclose(total, ak.flatten(read("Jet", member)), atol=1e-3)


def test_events_weights_and_notes(published):
    read, info, events = published
    n = info.n_entries
    assert events.weight.tolist() == [1.0] * n
    assert events.event_number.tolist() == list(range(1, 11) if read.name == OLD else range(n))
    assert info.count_doubts == ()
    notes = "; ".join(info.notes)
    assert f"towers are the particles {PARTICLES[read.name]};" in notes
    assert (
        "field of 2 T" in notes if read.name in STATES else "tracks are the charged Pand" in notes
    )
    assert ("EventHeader.weight is 0 in all events" in notes) == (read.name == FULL)


def test_pre_release_rntuple_is_of_no_schema(real_dir):
    assert describe_file(real_dir / "edm4hep_example_rntuple.root").schema is None


@pytest.fixture(scope="module")
def collections():
    return podio_collections()


@pytest.fixture(scope="module", params=["TTree", "RNTuple", "old names"])
def fake(request, collections, tmp_path_factory):
    """Collections and the events that are read of their file."""
    kind = "RNTuple" if request.param == "RNTuple" else "TTree"
    written = with_old_names(collections) if request.param == "old names" else collections
    path = tmp_path_factory.mktemp("podio") / "a.root"
    with Ntuple(write_podio(path, written, kind=kind)) as ntuple:
        (events,) = ntuple.iterate()
        return collections, ntuple.info, events


def test_hits_are_electromagnetic_or_hadronic_by_the_name_of_their_calorimeter(fake):
    collections, info, events = fake
    channels = ["energy", "em", "had"]
    images, _ = build_images(events.towers, None, GRID, channels)
    expected = []
    for name in ("ECALBarrel", "HCALBarrel"):
        x, y, z = (ak.values_astype(collections[name][f"position.{i}"], np.float64) for i in "xyz")
        energy = collections[name]["energy"]
        expected.append(histograms(np.arcsinh(z / np.hypot(x, y)), np.arctan2(y, x), energy))
    for image, sums in zip(np.moveaxis(images, 1, 0), (sum(expected), *expected), strict=True):
        assert sums.sum() > 50
        np.testing.assert_allclose(image, sums, rtol=1e-5)
    assert "MUON" not in info.notes[0]


def test_layers_are_taken_from_the_identifiers_of_cells(fake):
    collections, _, events = fake
    cells = ak.concatenate([collections[f"{name}Barrel"]["cellID"] for name in ("ECAL", "HCAL")], 1)
    expected = [[int(cell) >> 7 & 511 for cell in of_event] for of_event in cells]
    assert events.towers.layer.tolist() == expected
    assert max(max(of_event) for of_event in expected) > 30


def test_track_states_have_the_momenta_of_their_particles(fake):
    collections, info, events = fake
    flow = collections["PandoraPFOs"]
    pt = np.hypot(flow["momentum.x"], flow["momentum.y"])[flow["charge"] != 0]
    np.testing.assert_allclose(
        ak.flatten(ak.sort(events.tracks.pt)), ak.flatten(ak.sort(pt)), rtol=1e-5
    )
    assert "field of 3.5 T" in info.notes[1]


def test_constituents_of_two_collections_out_of_order_add_up_to_their_jets(fake):
    collections, _, events = fake
    jets = collections["RefinedJets"]
    found = events.constituents
    assert (
        ak.num(found, axis=2).tolist() == (jets["particles_end"] - jets["particles_begin"]).tolist()
    )
    for component, member in (
        (found.pt * np.cos(found.phi), "momentum.x"),
        (found.pt * np.sinh(found.eta), "momentum.z"),
        (found.e, "energy"),
        (found.e_em + found.e_had, "energy"),
    ):
        total = ak.flatten(ak.sum(component, axis=2))
        np.testing.assert_allclose(total, ak.flatten(jets[member]), atol=1e-3)
    np.testing.assert_allclose(ak.flatten(events.fat_jets["mass"]), ak.flatten(jets["mass"]))


def test_numbers_and_weights_are_those_of_the_header(fake):
    collections, _, events = fake
    header = collections["EventHeader"]
    assert events.event_number.tolist() == ak.flatten(header["eventNumber"]).tolist()
    assert events.weight.tolist() == ak.flatten(header["weight"]).tolist()
