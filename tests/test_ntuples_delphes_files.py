"""Published Delphes files to images, compared cell by cell with histograms of what uproot reads."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
from fakes_cli import succeed
from test_ntuples_references import FULL, SLIM, looked_up

from calovision.conversion import ImageRecipe, Sample, Source, convert_ntuple
from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.images.jet_images import JetImageRecipe
from calovision.jets import FatJetDefinition, find_fat_jets_with_constituents
from calovision.ntuples import iterate_events
from calovision.storage import ImageFile

SCHEMAS = Path(__file__).parent / "schemas"
SAMPLE = Sample("a", 0, cross_section_pb=1.0)
FLOW = "uproot-issue513.root"
EIC = "d2eic_delphes.root"


def leaves(tree, collection, *names):
    """Leaves of a collection in float64: lists of arrays, one an event."""
    found = (tree[f"{collection}.{name}"].array(entry_stop=50) for name in names)
    return [[np.asarray(values, dtype=np.float64) for values in leaf] for leaf in found]


def towers(tree, collection):
    """(eta, phi, em ET, had ET) of each event."""
    eta, phi, em, had = leaves(tree, collection, "Eta", "Phi", "Eem", "Ehad")
    for one in zip(eta, phi, em, had, strict=True):
        yield one[0], one[1], one[2] / np.cosh(one[0]), one[3] / np.cosh(one[0])


def flow(tree):
    """(eta, phi, em ET, had ET) of the objects of the energy flow, whose tracks are massless."""
    tracks = zip(*leaves(tree, "EFlowTrack", "Eta", "Phi", "PT", "PID"), strict=True)
    photons = zip(*leaves(tree, "EFlowPhoton", "Eta", "Phi", "E"), strict=True)
    hadrons = zip(*leaves(tree, "EFlowNeutralHadron", "Eta", "Phi", "E"), strict=True)
    for track, photon, hadron in zip(tracks, photons, hadrons, strict=True):
        pt, kind = track[2], abs(track[3])
        em = [pt * (kind == 11), photon[2] / np.cosh(photon[0]), 0 * hadron[0]]
        had = [pt * ((kind != 11) & (kind != 13)), 0 * photon[0], hadron[2] / np.cosh(hadron[0])]
        position = ((track[i], photon[i], hadron[i]) for i in range(2))
        yield tuple(np.concatenate(parts) for parts in (*position, em, had))


def histogram(eta, phi, grid, weights=None):
    edges = (
        np.linspace(*grid.eta_range, grid.n_eta + 1),
        np.linspace(-np.pi, np.pi, grid.n_phi + 1),
    )
    wrapped = (np.asarray(phi) + np.pi) % (2 * np.pi) - np.pi
    inside = np.asarray(eta) < grid.eta_range[1]  # numpy counts the last edge in
    weights = None if weights is None else np.asarray(weights)[inside]
    return np.histogram2d(np.asarray(eta)[inside], wrapped[inside], edges, weights=weights)[0]


FILES = {
    "energy flow": (FLOW, flow, (-2.5, 2.5)),
    "towers and energy flow": (FULL, lambda tree: towers(tree, "Tower"), (-3.0, 3.0)),
}


@pytest.mark.parametrize(("name", "objects", "eta_range"), FILES.values(), ids=FILES)
def test_event_images_are_histograms(tmp_path, real_dir, delphes_dir, name, objects, eta_range):
    path = (delphes_dir if name == FULL else real_dir) / name
    grid = EtaPhiGrid(32, 32, eta_range)
    recipe = ImageRecipe(grid=grid, cluster_jets=False)
    convert_ntuple(path, tmp_path / "a.h5", recipe, sample=SAMPLE)
    file = ImageFile(tmp_path / "a.h5")
    images = file.dense(np.arange(len(file)))
    tree = uproot.open(path)["Delphes"]
    tracks = zip(*leaves(tree, "Track", "Eta", "Phi"), strict=True)
    for image, (eta, phi, em, had), track in zip(images, objects(tree), tracks, strict=True):
        for channel, weights in zip(image[:2], (em, had), strict=True):
            np.testing.assert_allclose(channel, histogram(eta, phi, grid, weights), rtol=2e-6)
        assert np.array_equal(image[2], histogram(*track, grid))
    assert images[:, 0].sum() > 1000
    assert images[:, 2].sum() > 300


def test_a_file_whose_collections_are_empty_in_every_event(tmp_path, real_dir):
    """The generated proton stays in the beam pipe."""
    source = Source(real_dir / EIC, entry_range=(0, 50))
    metadata = convert_ntuple(source, tmp_path / "a.h5", ImageRecipe(), sample=SAMPLE)
    tree = uproot.open(real_dir / EIC)["Delphes"]
    assert sum(map(len, leaves(tree, "Tower", "E")[0] + leaves(tree, "Track", "PT")[0])) == 0
    file = ImageFile(tmp_path / "a.h5")
    assert (len(file), file.dense(np.arange(50)).sum()) == (50, 0)
    assert any("all 50 images are empty" in sentence for _, sentence, _ in metadata.warnings)


def relative(values, axis):
    """Distance in phi, in [-pi, pi)."""
    return (values - axis + np.pi) % (2 * np.pi) - np.pi


JETS = {
    "energy flow": (
        FLOW,
        {"EFlowTrack": "PT", "EFlowPhoton": "ET", "EFlowNeutralHadron": "ET"},
        0.9,
    ),
    "towers": (FULL, {"Tower": "ET"}, 1.2),
}


@pytest.mark.parametrize(("name", "collections", "width"), JETS.values(), ids=JETS)
def test_jets_are_imaged_from_their_own_constituents(
    tmp_path, real_dir, delphes_dir, name, collections, width
):
    """Jets of R = 0.5 and 0.4, whatever radius the recipe has."""
    path = (delphes_dir if name == FULL else real_dir) / name
    grid = JetGrid(16, 16, width)
    recipe = ImageRecipe(
        fat_jets=FatJetDefinition(pt_min=25.0, eta_max=2.0),
        jets=JetImageRecipe(grid, channels=("et", "towers")),
        jets_per_event=3,
    )
    source = Source(path, schema=SCHEMAS / "delphes_jets.yaml")
    convert_ntuple(source, tmp_path / "a.h5", recipe, sample=SAMPLE)
    file = ImageFile(tmp_path / "a.h5")
    images = file.dense(np.arange(len(file)))
    tree = uproot.open(path)["Delphes"]
    jets = zip(*leaves(tree, "Jet", "PT", "Eta", "Phi"), strict=True)
    edges = np.linspace(-width / 2, width / 2, 17)
    row = 0
    for (pt, eta, phi), constituents in zip(jets, looked_up(path, "Jet", collections), strict=True):
        chosen = [i for i in np.argsort(-pt, kind="stable") if pt[i] > 25 and abs(eta[i]) < 2][:3]
        for i in chosen:
            of_pt, of_eta, of_phi = np.array(constituents[i]).T
            place = (of_eta - eta[i], relative(of_phi, phi[i]))
            expected = np.histogram2d(*place, (edges, edges), weights=of_pt)[0]
            np.testing.assert_allclose(images[row, 0], expected, rtol=2e-6)
            assert np.array_equal(images[row, 1], np.histogram2d(*place, (edges, edges))[0])
            assert file.events["pt"][row] == pytest.approx(pt[i])
            row += 1
    assert row == len(file) > 10


def test_energies_of_constituents(real_dir):
    """Those of the energy flow have shares of energy and a charge."""
    fields = ("pt", "eta", "phi", "charge", "e", "e_em", "e_had")
    wanted = {"fat_jets": ("pt",), "constituents": fields}
    schema = SCHEMAS / "delphes_jets.yaml"
    (events,) = iterate_events(real_dir / FLOW, schema=schema, fields=wanted)
    found = {name: ak.to_numpy(ak.flatten(events.constituents[name], axis=None)) for name in fields}
    charged = found["charge"] != 0
    assert np.count_nonzero(charged) == 241  # 239 of EFlowTrack alone, 2 that are a Track, too
    np.testing.assert_allclose(found["e"], found["pt"] * np.cosh(found["eta"]), rtol=1e-5)
    neutral_em = found["e_em"][~charged]
    assert np.array_equal(neutral_em + found["e_had"][~charged], found["e"][~charged])
    assert np.count_nonzero(neutral_em) == 267  # of EFlowPhoton


def test_constituents_that_are_towers_have_no_charge(tmp_path, delphes_dir):
    recipe = ImageRecipe(jets=JetImageRecipe(JetGrid(8, 8, 2.0), channels=("charged_pt",)))
    with pytest.raises(InputError) as raised:
        convert_ntuple(delphes_dir / FULL, tmp_path / "a.h5", recipe, sample=SAMPLE)
    assert (
        "the jet recipe needs constituents with charge, but the objects that the jets of the file "
        "refer to have only eta, phi, pt"
    ) in str(raised.value)
    assert not (tmp_path / "a.h5").exists()


def test_references_that_are_looked_up_in_the_wrong_collection(tmp_path, delphes_dir):
    schema = tmp_path / "s.yaml"
    schema.write_text("extends: delphes\nchoose: {constituents: EFlowPhoton}\n")
    recipe = ImageRecipe(jets=JetImageRecipe(JetGrid(8, 8, 2.0)))
    with pytest.raises(
        InputError,
        match=r"600 of 600 references in FatJet.Constituents point to objects that none of "
        r"EFlowPhoton has, the first in entry 0; images of these jets would lack energy",
    ):
        convert_ntuple(
            Source(delphes_dir / FULL, schema=schema), tmp_path / "a.h5", recipe, sample=SAMPLE
        )
    text = " ".join(succeed("inspect", delphes_dir / FULL, "--schema", schema).split())
    assert "constituents cannot be read: " in text
    assert "600 of 600 references" in text
    assert "fat jets of the file" in text
    schema.write_text("extends: delphes\nconstituents: none\n")
    convert_ntuple(
        Source(delphes_dir / FULL, schema=schema), tmp_path / "a.h5", recipe, sample=SAMPLE
    )
    convert_ntuple(delphes_dir / FULL, tmp_path / "b.h5", recipe, sample=SAMPLE)
    first, second = (ImageFile(tmp_path / name) for name in ("a.h5", "b.h5"))
    rows = np.arange(len(first))
    np.testing.assert_allclose(first.dense(rows), second.dense(rows), rtol=1e-5, atol=1e-5)


def test_trimmed_jets_have_the_constituents_that_trimming_keeps(delphes_dir):
    """Whose vector sum is the trimmed jet of the file."""
    fields = {"fat_jets": ("pt",), "constituents": ("pt", "eta", "phi")}
    (events,) = iterate_events(delphes_dir / SLIM, trimmed=True, fields=fields)
    definition = FatJetDefinition(groomed=True)
    own = (events.fat_jets, events.constituents)
    jets, found = find_fat_jets_with_constituents(None, *own, definition)
    px, py = (ak.sum(found.pt * of(found.phi), axis=2) for of in (np.cos, np.sin))
    np.testing.assert_allclose(ak.flatten(np.hypot(px, py)), ak.flatten(jets.pt), rtol=1e-4)
    assert ak.sum(ak.num(found, axis=2)) < 0.9 * ak.sum(ak.num(events.constituents, axis=2))


@pytest.mark.parametrize("r_sub", [0.2, 0.4])
def test_trimmed_jets_are_imaged_from_what_trimming_keeps(tmp_path, delphes_dir, caplog, r_sub):
    """A trimming other than that of the file is told."""
    recipe = ImageRecipe(
        fat_jets=FatJetDefinition(groomed=True, r_sub=r_sub),
        jets=JetImageRecipe(JetGrid(32, 32, 2.4)),
    )
    convert_ntuple(delphes_dir / FULL, tmp_path / "a.h5", recipe, sample=SAMPLE)
    told = "constituents, trimmed with r_sub = 0.4 and f_cut = 0.05, have 1" in caplog.text
    assert told == (r_sub == 0.4)
    file = ImageFile(tmp_path / "a.h5")
    ratio = file.dense(np.arange(len(file))).sum(axis=(1, 2, 3)) / file.events["pt"]
    assert len(file) > 5
    assert np.all((ratio > 0.999) & (ratio < 1.1))
