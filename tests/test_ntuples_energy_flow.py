"""Delphes cards that write energy flow, whole or in part, with or without towers."""

import awkward as ak
import numpy as np
import pytest
import uproot
from fakes_cli import fail, succeed
from fakes_ntuples import write_file

from calovision.conversion import ImageRecipe, Sample, convert_ntuple
from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid
from calovision.ntuples import iterate_events, open_ntuple
from calovision.storage import ImageFile

TRACKS = ("PT", "Eta", "Phi")
N = 12
GRID = EtaPhiGrid(16, 16, (-5.0, 5.0))


def columns(*, towers=True, tracks=True, without=()):
    """Branches of a card with energy flow; charged objects are pions, electrons and muons in
    turn."""
    rng = np.random.default_rng(4)

    def some(n, low, high):
        return ak.unflatten(rng.uniform(low, high, n.sum()).astype(np.float32), n)

    def named(name, n, **leaves):
        found = {"Eta": some(n, -2, 2), "Phi": some(n, -3, 3)} | {
            leaf: some(n, 1, high) for leaf, high in leaves.items()
        }
        return {f"{name}.{leaf}": values for leaf, values in found.items()}

    charged, neutral = np.full(N, 6), np.full(N, 4)
    found = {"Event.Number": ak.Array([[i] for i in range(N)])}
    found |= named("EFlowTrack", charged, PT=40)
    kinds = np.tile([211, 11, -13], 2 * N).astype(np.int32)
    found["EFlowTrack.PID"] = ak.unflatten(kinds, charged)
    found["EFlowTrack.Charge"] = ak.unflatten(np.sign(kinds).astype(np.int32), charged)
    found["EFlowTrack.Mass"] = ak.unflatten(np.tile(np.float32([0.14, 0, 0.106]), 2 * N), charged)
    for name in ("EFlowPhoton", "EFlowNeutralHadron"):
        found |= named(name, neutral, E=90, ET=50)
    if tracks:
        found |= named("Track", np.full(N, 3), PT=9)
    if towers:
        found |= named("Tower", neutral, E=90, Eem=40, Ehad=40)
    return {
        name: values
        for name, values in found.items()
        if not name.startswith(tuple(without) or "nothing")
    }


def write(path, **options):
    return write_file(path, Delphes=columns(**options))


def read(path, **options):
    (events,) = iterate_events(path, **options)
    return events


def energy(found, mass):
    momentum = found["EFlowTrack.PT"] * np.cosh(found["EFlowTrack.Eta"])
    return np.sqrt(momentum**2 + found["EFlowTrack.Mass"] ** 2) if mass else momentum


@pytest.mark.parametrize("mass", [True, False], ids=["mass", "massless"])
@pytest.mark.parametrize("tracks", [True, False])
def test_energy_flow_makes_the_towers_of_a_card_without(tmp_path, tracks, mass):
    found = columns(towers=False, tracks=tracks)
    path = write(
        tmp_path / "a.root",
        towers=False,
        tracks=tracks,
        without=() if mass else ("EFlowTrack.Mass",),
    )
    events, info = read(path), open_ntuple(path)
    assert (info.schema, set(info.collections)) == ("delphes", {"towers", "tracks", "candidates"})
    kind, e = abs(found["EFlowTrack.PID"]), energy(found, mass)
    photons, hadrons = found["EFlowPhoton.E"], found["EFlowNeutralHadron.E"]
    em = ak.concatenate([ak.where(kind == 11, e, 0), photons, 0 * hadrons], axis=1)
    had = ak.concatenate([ak.where(kind == 211, e, 0), 0 * photons, hadrons], axis=1)
    np.testing.assert_allclose(
        events.towers.e, ak.concatenate([e, photons, hadrons], axis=1), rtol=1e-6
    )
    np.testing.assert_allclose(events.towers.e_em, em, rtol=1e-6)
    np.testing.assert_allclose(events.towers.e_had, had, rtol=1e-6)
    name = "Track" if tracks else "EFlowTrack"
    assert events.tracks.pt.tolist() == found[f"{name}.PT"].tolist()
    assert ("e" in events.candidates.fields) == mass


def test_images_of_energy_flow_alone(tmp_path):
    """The default channels, with jets clustered from it and trimmed."""
    path = write(tmp_path / "a.root", towers=False, tracks=False)
    convert_ntuple(
        path, tmp_path / "a.h5", ImageRecipe(grid=GRID), sample=Sample("a", 0, cross_section_pb=1.0)
    )
    file, events = ImageFile(tmp_path / "a.h5"), read(path)
    sums = file.dense(np.arange(N)).sum(axis=(2, 3))
    for channel, field in enumerate(("e_em", "e_had")):
        expected = ak.sum(events.towers[field] / np.cosh(events.towers.eta), axis=1)
        np.testing.assert_allclose(sums[:, channel], expected, rtol=1e-5)
    assert sums[:, 2].tolist() == [6.0] * N
    assert {"n_fat_jets", "mj_sum"} <= set(file.events)
    succeed(
        "images",
        path,
        "-o",
        tmp_path / "b.h5",
        "--trimmed",
        "--jets",
        "--pt-min",
        "20",
        "--grid",
        "8x8",
    )


def test_towers_count_where_both_are_there(tmp_path):
    events, found = read(write(tmp_path / "a.root")), columns()
    assert events.towers.e.tolist() == found["Tower.E"].tolist()
    assert events.tracks.pt.tolist() == found["Track.PT"].tolist()
    assert "e" in events.candidates.fields


def test_a_tower_branch_that_is_missing_is_named_although_energy_flow_is_there(tmp_path):
    path = write(tmp_path / "a.root", without=("Tower.Eem",))
    with pytest.raises(
        InputError, match=r"the tree 'Delphes' lacks Tower.Eem, which the schema 'delphes' demands"
    ):
        open_ntuple(path, schema="delphes")


def test_candidates_without_mass_have_no_energy(tmp_path):
    path = write(tmp_path / "a.root", without=("EFlowTrack.Mass",))
    assert open_ntuple(path).collections["candidates"] == ("pt", "eta", "phi", "charge")
    succeed("images", path, "-o", tmp_path / "a.h5", "--channels", "charged_pt,neutral_pt")
    sums = ImageFile(tmp_path / "a.h5").dense(np.arange(N)).sum(axis=(2, 3))
    np.testing.assert_allclose(sums[:, 0], ak.sum(columns()["EFlowTrack.PT"], axis=1), rtol=1e-5)


@pytest.mark.parametrize("towers", [True, False])
def test_a_part_of_the_energy_flow_that_is_missing_is_named(tmp_path, towers):
    path = write(tmp_path / "a.root", towers=towers, without=("EFlowNeutralHadron",))
    message = fail("images", path, "-o", tmp_path / "a.h5", "--channels", "neutral_pt")
    for leaf in ("ET", "Eta", "Phi") if towers else ("E", "Eta", "Phi"):
        assert f"EFlowNeutralHadron.{leaf}" in message
    assert "Tower" not in message
    if towers:
        assert (
            "the image channel 'neutral_pt' needs candidates, which the file has not (it lacks"
            in message
        )


def test_a_card_without_tracks_takes_those_of_its_energy_flow(tmp_path):
    path = write(tmp_path / "a.root", tracks=False)
    assert read(path).tracks.pt.tolist() == columns(tracks=False)["EFlowTrack.PT"].tolist()
    path = write(tmp_path / "b.root", tracks=False, without=("EFlowTrack",))
    assert read(path).tracks is None
    message = fail("images", path, "-o", tmp_path / "a.h5")
    assert (
        "'tracks' needs tracks, which the file has not (it lacks Track.PT, Track.Eta, Track.Phi)"
        in message
    )
    succeed("images", path, "-o", tmp_path / "a.h5", "--channels", "em_et,had_et")


def test_a_card_with_neither(tmp_path):
    path = write(tmp_path / "a.root", towers=False, without=("EFlow",))
    with pytest.raises(
        InputError, match=r"the tree 'Delphes' lacks Tower.E, Tower.Eem, Tower.Ehad, Tower.Eta"
    ):
        open_ntuple(path, schema="delphes")


def test_tracks_without_momentum_have_no_energy(tmp_path):
    """Delphes writes them with the pseudorapidity 999.9."""
    found = columns(towers=False)
    zeros = ak.zeros_like(found["EFlowTrack.PT"])
    found |= {
        "EFlowTrack.PT": zeros,
        "EFlowTrack.Mass": zeros,
        "EFlowTrack.Eta": zeros + np.float32(999.9),
    }
    events = read(write_file(tmp_path / "a.root", Delphes=found))
    assert ak.sum(events.towers.e[:, :6]) == 0
    assert ak.sum(events.candidates.e[:, :6]) == 0


def test_energy_flow_of_a_genuine_file(delphes_dir, tmp_path):
    """The file has both, so that the towers of the energy flow can be compared with its own."""
    source = delphes_dir / "delphes_ATLASfat_qcd300_pythia8_10ev_full.root"
    leaves = dict.fromkeys(("EFlowTrack",), (*TRACKS, "Charge", "Mass", "PID"))
    leaves |= dict.fromkeys(("EFlowPhoton", "EFlowNeutralHadron"), ("E", "ET", "Eta", "Phi"))
    with uproot.open(source) as file:
        tree = file["Delphes"]
        found = {
            f"{name}.{leaf}": tree[f"{name}.{leaf}"].array()
            for name, of in leaves.items()
            for leaf in of
        }
        found["Event.Number"] = tree["Event.Number"].array()
    events = read(write_file(tmp_path / "a.root", Delphes=found))
    own = read(source, schema="delphes")
    ratio = ak.sum(events.towers.e, axis=1) / ak.sum(own.towers.e, axis=1)
    assert 0.98 < ak.min(ratio) < ak.max(ratio) < 1.05  # tracks are measured better than towers
