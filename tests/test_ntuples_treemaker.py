"""TreeMaker and another ntuple of CMS with Lorentz vectors: the schema ``treemaker``, and schemas
in YAML, against plain sums of uproot's arrays in cells."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
from fakes_ntuples import treemaker_columns, write_file, write_treemaker
from plain_images import (
    GRID,
    JETS,
    energies,
    expected_images,
    expected_jet_image,
    images,
)

from calovision.conversion import ImageRecipe
from calovision.core.errors import InputError
from calovision.ntuples import Ntuple, iterate_events
from calovision.ntuples.schemas.links import NestedIndices

SCHEMAS = Path(__file__).parent / "schemas"
KINDS = ("charged", "neutral")


def members(tree, name, *wanted):
    """Members of a split branch of Lorentz vectors, float64 ``n_events * var``."""
    arrays = [tree[f"{name}/{name}.fCoordinates.f{member}"].array() for member in wanted]
    return [ak.values_astype(array, np.float64) for array in arrays]


@pytest.fixture(scope="module")
def treemaker(real_dir):
    """Path, and events of towers and tracks."""
    path = real_dir / "treemaker.root"
    with uproot.open(path) as file:
        tree = file["PreSelection"]
        eta, phi, e = members(tree, "Jets", "Eta", "Phi", "E")
        share = {
            of: sum(tree[f"Jets_{kind}{of}EnergyFraction"].array() for kind in KINDS)
            for of in ("Em", "Hadron")
        }
        x, y, z = members(tree, "Tracks", "X", "Y", "Z")
    pt = np.hypot(x, y)
    tracks = zip(np.arcsinh(z / pt), np.arctan2(y, x), strict=True)
    towers = zip(eta, phi, e, e * share["Em"], e * share["Hadron"], strict=True)
    return path, list(zip(towers, tracks, strict=True))


@pytest.mark.parametrize("schema", [None, SCHEMAS / "treemaker.yaml"])
def test_event_images_of_treemaker(treemaker, tmp_path, schema):
    path, events = treemaker
    found = images(path, tmp_path, schema=schema)
    assert found.sum() > 1000
    np.testing.assert_allclose(found, expected_images(events), rtol=1e-5, atol=1e-3)


def test_jet_images_of_subjets(treemaker, tmp_path):
    """Two subjets or none of each jet, which follow one another."""
    path, _ = treemaker
    schema = SCHEMAS / "treemaker.yaml"
    recipe = ImageRecipe(fat_jets=JETS.fat_jets, jets=JETS.jets.__class__(JETS.jets.grid))
    found = images(path, tmp_path, recipe, schema)[:, 0]
    with uproot.open(path) as file:
        tree = file["PreSelection"]
        jets = members(tree, "JetsAK8", "Pt", "Eta", "Phi")
        parts = members(tree, "JetsAK8_subjets", "Pt", "Eta", "Phi")
        counts = tree["JetsAK8_subjetsCounts"].array()
        (info,) = iterate_events(path, schema=schema)
        np.testing.assert_array_equal(info.weight, tree["Weight"].array())
        np.testing.assert_array_equal(info.event_number, tree["EvtNum"].array())
    expected = []
    for n, pt, *axis in zip(counts, *jets, strict=True):
        first = int(np.argmax(pt))
        begin = int(np.sum(n[:first]))
        of = [ak.to_numpy(part[len(expected)])[begin : begin + n[first]] for part in parts]
        position = (of[1] - axis[0][first], of[2] - axis[1][first])
        expected.append(expected_jet_image(*position, [of[0]])[0])
    assert found.sum() > 1000
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-3)


def test_images_where_one_name_stands_below_many_branches(real_dir, tmp_path):
    """The weight is that of the file, no momentum; the tracks are two scalar vectors."""
    path, schema = real_dir / "cms_ntuple_wjet.root", SCHEMAS / "cms_ntuple_wjet.yaml"
    with uproot.open(path) as file:
        tree = file["variable"]
        names = ("good_jets_p4", "good_leptons_p4")
        parts = [members(tree, name, "Pt", "Eta", "Phi", "M") for name in names]
        pt, eta, phi, mass = (ak.concatenate(of, axis=1) for of in zip(*parts, strict=True))
        where = [
            np.stack(
                [
                    tree[f"{name}/fCoordinates/fCoordinates.f{of}"].array().to_numpy()
                    for name in ("leadlep", "subllep")
                ],
                axis=1,
            )
            for of in ("Eta", "Phi")
        ]
        weight = np.prod([tree[name].array() for name in ("wgt", "lepsf", "btagsf")], axis=0)
    e = energies(pt, eta, mass)
    towers = zip(eta, phi, e, 0 * e, 0 * e, strict=True)
    expected = expected_images(list(zip(towers, zip(*where, strict=True), strict=True)))
    recipe = ImageRecipe(GRID, ("energy", "tracks"), cluster_jets=False)
    found = images(path, tmp_path, recipe, schema)
    assert found.sum() > 1000
    np.testing.assert_allclose(found, expected[:, [0, 3]], rtol=1e-5, atol=1e-3)
    with Ntuple(path, schema=schema) as ntuple:
        (events,) = ntuple.iterate()
        np.testing.assert_allclose(events.weight, weight, rtol=1e-6)
        assert ntuple.info.n_generated == 419
        np.testing.assert_allclose(ntuple.info.sum_of_weights, 20988.0119, rtol=1e-6)


def test_schemas_are_at_most_25_lines():
    lengths = {path.name: len(path.read_text().splitlines()) for path in SCHEMAS.glob("*.yaml")}
    assert {"treemaker.yaml", "cms_ntuple_wjet.yaml"} <= set(lengths)
    assert max(lengths.values()) <= 25


def test_constituents_of_treemaker(tmp_path):
    (events,) = iterate_events(write_treemaker(tmp_path / "a.root"))
    given = treemaker_columns()
    pt, e = (given[f"JetsConstituents.fCoordinates.f{of}"].tolist() for of in ("Pt", "E"))
    (first, second), (energy, other) = pt, e
    assert events.constituents.pt.tolist() == [
        [[first[2], first[0]]],
        [[second[3]], [second[1], second[2]]],
    ]
    assert events.candidates.charge.tolist() == [[1, 0, 1], [0, 0, 0, -1]]
    em = [[0.0, energy[1], energy[2]], [other[0], 0.0, 0.0, 0.0]]
    had = [[energy[0], 0.0, 0.0], [0.0, other[1], other[2], 0.0]]
    assert (events.towers.e_em.tolist(), events.towers.e_had.tolist()) == (em, had)
    assert events.weight.tolist() == [1.0, 1.0]


def test_weights_of_treemaker(tmp_path):
    """PUPPI weights, which the momenta lack, and weights of events that hold the cross-section."""
    puppi = [[0.5, 1, 0], [1, 1, 0.5, 1]]
    more = {
        "JetsConstituents_PuppiWeight": ak.Array(puppi),
        "Weight": np.array([3e-3, -3e-3]),
        "CrossSection": np.array([3.0, 3.0]),
    }
    given = treemaker_columns() | more
    path = write_file(tmp_path / "a.root", TreeMaker2__PreSelection=given)
    (events,) = iterate_events(path)
    pt = given["JetsConstituents.fCoordinates.fPt"]
    assert events.constituents.pt[0].tolist() == [[0.5 * pt[0, 0]]]
    assert events.constituents.pt[1].tolist() == [[pt[1, 3]], [pt[1, 1], 0.5 * pt[1, 2]]]
    assert events.weight.tolist() == [3e-3, -3e-3]
    with Ntuple(path) as ntuple:
        assert ntuple.info.cross_section_pb == 3.0
        assert ntuple.info.notes[1].startswith("Weight is the cross-section over the generated")


def test_treemaker_with_lists_in_lists_or_without_constituents(tmp_path):
    path = write_treemaker(tmp_path / "a.root", without=("JetsAK8_constituentsIndexCounts",))
    with Ntuple(path) as ntuple:
        _, version, _ = ntuple._find_tree()
    assert version.constituents[0].link == NestedIndices("JetsAK8_constituentsIndex")
    path = write_treemaker(tmp_path / "b.root", without=("JetsConstituents", "JetsAK8_"))
    with Ntuple(path) as ntuple:
        (events,) = ntuple.iterate()
        assert ntuple.info.notes == (
            "the file has no particle-flow candidates (JetsConstituents): towers are Jets",
            "tracks are Muons: the file has no other ones",
        )
    assert ak.num(events.towers).tolist() == [2, 1]
    assert (ak.num(events.tracks).tolist(), events.candidates) == ([0, 1], None)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("towers: Jet", "chosen are towers: Jet; of TreeMaker choose towers: Jets or towers: Jets"),
        ("tracks: Tracks", "chosen are tracks: Tracks; of TreeMaker choose towers: Jets or towers"),
    ],
)
def test_choice_of_treemaker(tmp_path, choice, message):
    path, schema = write_treemaker(tmp_path / "a.root"), tmp_path / "s.yaml"
    schema.write_text("extends: treemaker\nchoose: {towers: Jets}\n")
    (events,) = iterate_events(path, schema=schema)
    assert ak.num(events.towers).tolist() == [2, 1]
    assert ak.num(events.candidates).tolist() == [3, 4]
    schema.write_text(f"extends: treemaker\nchoose: {{{choice}}}\n")
    with pytest.raises(InputError, match=message):
        next(iterate_events(path, schema=schema))
