"""The schemas nanoaod and jetclass against loops over events and jets, energy flow and taus of
Delphes."""

import awkward as ak
import numpy as np
import pytest
import uproot
from fakes_ntuples import (
    CHARGES,
    NANOAOD_NAMES,
    PDG_IDS,
    index_table,
    jetclass_columns,
    nanoaod_columns,
    write_file,
    write_nanoaod,
)

from calovision.core.errors import InputError
from calovision.ntuples import iterate_events, open_ntuple

CONSTITUENT_FIELDS = ["pt", "eta", "phi", "charge", "e", "e_em", "e_had"]


def read_all(path, **options):
    """All events of a file that is read in one chunk."""
    (events,) = iterate_events(path, **options)
    return events


def energy(pt, eta, mass):
    return np.sqrt(mass**2 + (pt * np.cosh(eta)) ** 2)


@pytest.mark.parametrize("names", NANOAOD_NAMES)
def test_nanoaod_candidates_against_a_loop(tmp_path, names):
    columns, prefix = nanoaod_columns(names=names), NANOAOD_NAMES[names][0]
    events = read_all(write_nanoaod(tmp_path / "a.root", names=names, columns=columns))
    assert events.event_number.tolist() == list(range(1000, 1030))
    assert events.weight.tolist() == columns["genWeight"].tolist()
    charge_of = dict(zip(PDG_IDS.tolist(), CHARGES.tolist(), strict=True))
    tracks, n_particles = [], 0
    for i in range(30):
        row = {
            name: ak.to_list(columns[f"{prefix}_{name}"][i])
            for name in ("pt", "eta", "phi", "mass", "pdgId")
        }
        charges = [charge_of[pdg_id] for pdg_id in row["pdgId"]]
        assert events.candidates.charge[i].tolist() == charges
        tracks.append([pt for pt, charge in zip(row["pt"], charges, strict=True) if charge])
        for j, pdg_id in enumerate(row["pdgId"]):
            e = energy(row["pt"][j], row["eta"][j], row["mass"][j])
            tower = events.towers[i, j]
            assert (tower.eta, tower.phi) == (row["eta"][j], row["phi"][j])
            em, muon = abs(pdg_id) in (2, 11, 22), abs(pdg_id) == 13
            expected = (e, e if em else 0, 0 if em or muon else e)
            np.testing.assert_allclose(
                (tower.e, tower.e_em, tower.e_had), np.float32(expected), rtol=1e-7
            )
            n_particles += 1
    assert events.tracks.pt.tolist() == tracks
    assert n_particles > 200


@pytest.mark.parametrize("names", NANOAOD_NAMES)
@pytest.mark.parametrize("chunk_size", [None, 7])
def test_nanoaod_constituents_against_a_loop(tmp_path, names, chunk_size):
    columns = nanoaod_columns(names=names)
    prefix, table, item = NANOAOD_NAMES[names]
    path = write_nanoaod(tmp_path / "a.root", names=names, columns=columns, parts=3)
    chunks = list(iterate_events(path, schema="nanoaod", chunk_size=chunk_size))
    constituents = ak.concatenate([events.constituents for events in chunks])
    expected = []
    for i in range(30):
        jets = [[] for _ in columns["FatJet_pt"][i]]
        for jet, candidate in zip(
            columns[f"{table}_jetIdx"][i], columns[f"{table}_{item}"][i], strict=True
        ):
            if jet >= 0:
                jets[jet].append(columns[f"{prefix}_pt"][i][candidate])
        expected.append(jets)
    assert constituents.pt.tolist() == expected
    assert constituents.fields == CONSTITUENT_FIELDS
    fat_jets = ak.concatenate([events.fat_jets for events in chunks])
    assert ak.num(constituents, axis=1).tolist() == ak.num(fat_jets, axis=1).tolist()
    # Not fat_jets.tau2, which is the squared proper time of the vector.
    np.testing.assert_array_equal(ak.flatten(fat_jets["tau2"]), ak.flatten(columns["FatJet_tau2"]))
    assert str(fat_jets.type.content.content.content("tau2")) == "float64"


def test_nanoaod_counts_generated_events(tmp_path):
    info = open_ntuple(write_nanoaod(tmp_path / "a.root"), schema="nanoaod")
    assert (info.n_generated, info.sum_of_weights, info.cross_section_pb) == (100, 50.0, None)
    assert info.collections["fat_jets"] == ("pt", "eta", "phi", "mass", "tau1", "tau2", "tau3")


def test_nanoaod_of_collisions_counts_entries(tmp_path):
    columns = nanoaod_columns()
    del columns["genWeight"]
    runs = {"run": np.array([1], dtype=np.uint32)}
    path = write_nanoaod(tmp_path / "a.root", columns=columns, runs=runs)
    info = open_ntuple(path)
    assert (info.schema, info.n_generated, info.sum_of_weights) == ("nanoaod", 30, 30.0)
    assert read_all(path).weight.tolist() == [1.0] * 30


def test_nanoaod_without_index_table_has_no_constituents(tmp_path):
    columns = {
        name: values
        for name, values in nanoaod_columns().items()
        if not name.startswith("FatJetPFCands")
    }
    events = read_all(write_nanoaod(tmp_path / "a.root", columns=columns))
    assert events.constituents is None
    assert events.fat_jets is not None


def test_only_constituents_are_wanted(tmp_path):
    path = write_nanoaod(tmp_path / "a.root")
    events = read_all(path, fields={"constituents": {"eta", "pt"}})
    assert events.constituents.fields == ["pt", "eta"]
    assert events.constituents.pt.tolist() == read_all(path).constituents.pt.tolist()
    assert (events.towers, events.tracks, events.candidates, events.fat_jets) == (
        None,
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("branch", "limit"), [("jetIdx", "FatJet_pt"), ("pFCandsIdx", "PFCands_pt")]
)
def test_index_beyond_the_event(tmp_path, branch, limit):
    columns = nanoaod_columns()
    index = [list(rows) for rows in columns[f"FatJetPFCands_{branch}"]]
    entry = next(i for i in range(5, 30) if index[i] and len(columns[limit][i]))
    index[entry][0] = len(columns[limit][entry])
    columns[f"FatJetPFCands_{branch}"] = ak.values_astype(ak.Array(index), np.int32)
    path = write_nanoaod(tmp_path / "a.root", columns=columns)
    message = (
        f"FatJetPFCands_{branch} is {index[entry][0]} in entry {entry}, which has only "
        f"{index[entry][0]};"
    )
    with pytest.raises(InputError, match=message):
        read_all(path)


def test_index_columns_of_unequal_length(tmp_path):
    columns = nanoaod_columns()
    columns["FatJetPFCands_pFCandsIdx"] = columns["FatJetPFCands_pFCandsIdx"][:, :-1]
    short = next(i for i, rows in enumerate(columns["FatJetPFCands_jetIdx"]) if len(rows))
    path = write_nanoaod(tmp_path / "a.root", columns=columns)
    with pytest.raises(
        InputError, match=f"pFCandsIdx and FatJetPFCands_jetIdx differ in length at entry {short}"
    ):
        read_all(path)


def test_index_table_in_random_order_has_unsorted_jets():
    """The fake table is what the loop test needs: unsorted, with rows that belong to no jet."""
    jets, _ = index_table(np.random.default_rng(1), [3, 0, 2], [20, 5, 30])
    assert ak.any(jets[:, 1:] < jets[:, :-1])
    assert ak.any(jets == -1)


def test_jetclass_against_a_loop(tmp_path):
    columns = jetclass_columns()
    path = write_file(tmp_path / "a.root", tree=columns)
    events = read_all(path)
    assert open_ntuple(path).schema == "jetclass"
    assert events.event_number.tolist() == list(range(20))
    for i in range(20):
        px, py, pz, e = (
            np.array(columns[f"part_{name}"][i], dtype=float)
            for name in ("px", "py", "pz", "energy")
        )
        found = events.constituents[i, 0]
        np.testing.assert_allclose(found.pt, np.float32(np.hypot(px, py)), rtol=1e-7)
        np.testing.assert_allclose(
            found.eta, np.arctanh(pz / np.sqrt(px**2 + py**2 + pz**2)), rtol=1e-6, atol=1e-7
        )
        phi = [np.arctan2(y, x) for x, y in zip(px, py, strict=True)]
        np.testing.assert_allclose(found.phi, np.float32(phi), rtol=1e-7)
        np.testing.assert_array_equal(found.e, e)
        photon, electron, muon = (
            np.array(columns[f"part_is{kind}"][i]) > 0 for kind in ("Photon", "Electron", "Muon")
        )
        np.testing.assert_array_equal(found.e_em, np.where(photon | electron, e, 0))
        np.testing.assert_array_equal(found.e_had, np.where(photon | electron | muon, 0, e))
        mass = np.sqrt(e.sum() ** 2 - px.sum() ** 2 - py.sum() ** 2 - pz.sum() ** 2)
        np.testing.assert_allclose(events.fat_jets.mass[i, 0], mass, rtol=1e-4)
    assert ak.num(events.fat_jets).tolist() == [1] * 20
    assert events.tracks.pt.tolist() == events.candidates.pt[events.candidates.charge != 0].tolist()


def test_jetclass_jet_lighter_than_rounding_has_no_mass(tmp_path):
    columns = jetclass_columns(2)
    columns["jet_energy"] = (0.999 * columns["jet_pt"] * np.cosh(columns["jet_eta"])).astype(
        np.float32
    )
    events = read_all(write_file(tmp_path / "a.root", tree=columns))
    assert events.fat_jets.mass.tolist() == [[0.0], [0.0]]


def test_delphes_candidates_and_taus(delphes_dir):
    path = delphes_dir / "delphes_ATLASfat_qcd300_pythia8_10ev_full.root"
    events = read_all(path, schema="delphes")
    with uproot.open(path) as file:
        tree = file["Delphes"]
        parts = [
            tree[f"EFlow{name}"].array() for name in ("Track.PT", "Photon.ET", "NeutralHadron.ET")
        ]
        energies = [tree[f"EFlow{name}.E"].array() for name in ("Photon", "NeutralHadron")]
        momentum, charge = tree["EFlowTrack.P"].array(), tree["EFlowTrack.Charge"].array()
        mass = tree["EFlowTrack.Mass"].array()
        tau = tree["FatJet.Tau[5]"].array()
    assert events.candidates.pt.tolist() == ak.concatenate(parts, axis=1).tolist()
    n_tracks = ak.num(charge)
    for i in range(10):
        first = int(n_tracks[i])
        assert events.candidates.charge[i, :first].tolist() == charge[i].tolist()
        assert not ak.any(events.candidates.charge[i, first:])
        np.testing.assert_allclose(
            events.candidates.e[i, :first], np.hypot(momentum[i], mass[i]), rtol=1e-5
        )
        neutral = [*energies[0][i], *energies[1][i]]
        assert events.candidates.e[i, first:].tolist() == neutral
    assert events.fat_jets["tau1"].tolist() == tau[:, :, 0].tolist()
    assert events.fat_jets["tau3"].tolist() == tau[:, :, 2].tolist()
    assert events.constituents is None


def test_delphes_without_energy_flow_has_no_candidates(delphes_dir):
    path = delphes_dir / "delphes_ATLASfat_qcd300_pythia8_10ev_slim.root"
    assert read_all(path, schema="delphes").candidates is None
    assert "candidates" not in open_ntuple(path).collections


def test_single_field_of_a_collection_in_parts(delphes_dir):
    path = delphes_dir / "delphes_ATLASfat_qcd300_pythia8_10ev_full.root"
    charge = read_all(path, fields={"candidates": {"charge"}}).candidates.charge
    assert charge.tolist() == read_all(path).candidates.charge.tolist()
