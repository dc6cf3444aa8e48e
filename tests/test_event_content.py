"""Small-R jets, shapes, counts and hardest towers and tracks: closed forms, FastJet itself, and
through the files."""

from dataclasses import replace
from types import SimpleNamespace

import awkward as ak
import fastjet
import numpy as np
import pytest
from fakes import make_events, write_ntuple

from calovision.conversion import ImageRecipe, Source, convert_ntuple, rows
from calovision.conversion.fields import fields_to_read
from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid
from calovision.images.jet_images import JET_RECIPES
from calovision.jets import VARIABLES, EventContent, FatJetDefinition, event_content
from calovision.jets.content import shapes
from calovision.ntuples import iterate_events
from calovision.selection import variables_of
from calovision.storage import ImageFile

SMALL = EventContent(pt_min=10.0, leading_towers=6, leading_tracks=4)
ONE_ENTRY = ("n_jets", "jets_ht", "sphericity", "aplanarity", "n_towers", "n_tracks")


def records(fields, events):
    """Events of records from lists of tuples."""
    flat = np.array([entry for event in events for entry in event], dtype=float).reshape(
        -1, len(fields)
    )
    return ak.unflatten(
        ak.zip(dict(zip(fields, flat.T, strict=True))),
        np.array([len(e) for e in events], dtype=int),
    )


def jets_along(*directions):
    """One event of unit momenta, which must not lie along the beam, as records pt, eta, phi."""
    p = np.array(directions, dtype=float)
    p /= np.linalg.norm(p, axis=1, keepdims=True)
    pt = np.hypot(p[:, 0], p[:, 1])
    return list(zip(pt, np.arcsinh(p[:, 2] / pt), np.arctan2(p[:, 1], p[:, 0]), strict=True))


# shapes


ROTATION = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
AXES = np.concatenate([np.eye(3), -np.eye(3)]) @ ROTATION
THREE = (
    np.array([[np.cos(a), np.sin(a), 0.0] for a in (0.0, 2 * np.pi / 3, 4 * np.pi / 3)]) @ ROTATION
)


@pytest.mark.parametrize(
    ("directions", "sphericity", "aplanarity"),
    [
        ([[1.0, 0.5, 2.0]], 0.0, 0.0),  # one jet
        ([[1.0, 0.5, 2.0], [-1.0, -0.5, -2.0]], 0.0, 0.0),  # back to back
        (THREE, 0.75, 0.0),  # 120 degrees in a plane: eigenvalues 1/2, 1/2, 0
        ([[1, 1, 0], [1, -1, 0], [-1, 1, 0], [-1, -1, 0]], 0.75, 0.0),
        (AXES, 1.0, 0.5),  # eigenvalues 1/3
    ],
)
def test_shapes_in_closed_form(directions, sphericity, aplanarity):
    jets = records(("pt", "eta", "phi"), [jets_along(*directions), []])
    found = shapes(jets)
    np.testing.assert_allclose(found, [[sphericity, 0.0], [aplanarity, 0.0]], atol=1e-12)
    assert all(np.all(values >= 0) for values in found)


def test_shapes_against_the_definition_whatever_the_scale_and_rotation():
    """Eigenvalues of sum p p^T / sum p^2, event by event; a rotation in phi and the unit of energy
    change nothing."""
    rng = np.random.default_rng(3)
    events = [
        [(rng.exponential(90), rng.normal(), rng.uniform(-3, 3)) for _ in range(n)]
        for n in (2, 3, 0, 7, 12)
    ]
    jets = records(("pt", "eta", "phi"), events)
    found = np.array(shapes(jets))
    for number, event in enumerate(events):
        p = np.array(
            [(pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)) for pt, eta, phi in event]
        )
        if len(event):
            low, middle, _ = np.linalg.eigvalsh(p.T @ p / np.sum(p**2))
            np.testing.assert_allclose(
                found[:, number], [1.5 * (low + middle), 1.5 * max(low, 0)], atol=1e-12
            )
    turned = ak.zip({"pt": 1e3 * jets.pt, "eta": -jets.eta, "phi": jets.phi + 1.234})
    np.testing.assert_allclose(shapes(turned), found, atol=1e-12)
    assert np.all((found[0] >= found[1]) & (found[0] <= 1) & (found[1] <= 0.5))


# jets


def fastjet_jets(towers, content):
    """(pT, eta, phi) of the jets of one event, hardest first."""
    inputs = [
        fastjet.PseudoJet(
            t.e / np.cosh(t.eta) * np.cos(t.phi),
            t.e / np.cosh(t.eta) * np.sin(t.phi),
            t.e * np.tanh(t.eta),
            t.e,
        )
        for t in towers
    ]
    sequence = fastjet.ClusterSequence(
        inputs, fastjet.JetDefinition(fastjet.antikt_algorithm, content.radius)
    )
    jets = [(jet.pt(), jet.eta(), jet.phi()) for jet in sequence.inclusive_jets(content.pt_min)]
    return sorted((jet for jet in jets if abs(jet[1]) < content.eta_max), reverse=True)


@pytest.mark.parametrize("content", [SMALL, EventContent(radius=0.8, pt_min=25.0, eta_max=1.5)])
def test_jets_are_those_of_fastjet(content):
    towers, tracks = make_events(25, mean_towers=60)
    found = event_content(towers, tracks, content)
    expected = [fastjet_jets(event, content) for event in towers]
    assert found["n_jets"].tolist() == [len(jets) for jets in expected]
    assert found["n_jets"].dtype == np.int64
    assert max(found["n_jets"]) > 3
    assert min(found["n_jets"]) == 0
    np.testing.assert_allclose(
        found["jets_ht"], [sum(jet[0] for jet in jets) for jets in expected], rtol=1e-9
    )
    padded = np.array([([jet[0] for jet in jets] + [0.0] * 10)[:10] for jets in expected])
    np.testing.assert_allclose(found["jet_pt"], padded, rtol=1e-9)
    s, a = shapes(records(("pt", "eta", "phi"), expected))
    np.testing.assert_allclose([found["sphericity"], found["aplanarity"]], [s, a], atol=1e-7)


def test_more_than_ten_jets_count_and_the_ten_hardest_are_kept():
    event = [(100.0 + 5 * k, 0.0, 0.0, -2.7 + 0.45 * k) for k in range(13)]
    towers = records(("e", "e_em", "eta", "phi"), [event])
    found = event_content(towers, records(("pt", "eta", "phi"), [[]]), EventContent())
    assert found["n_jets"].tolist() == [13]
    assert found["jets_ht"] == pytest.approx(sum(tower[0] for tower in event))
    np.testing.assert_allclose(found["jet_pt"][0], [160.0 - 5 * k for k in range(10)])


# towers and tracks


def test_hardest_towers_and_tracks_in_descending_order_padded_with_zeros():
    """ET, not energy, decides; beyond the acceptance and without energy nothing counts."""
    towers = records(
        ("e", "e_em", "eta", "phi"),
        [
            [
                (10.0, 2.0, 0.0, 1.0),
                (30.0, 30.0, 2.4, -1.0),
                (20.0, 0.0, 0.0, 2.0),
                (500.0, 1.0, 2.6, 0.0),
            ],
            [],
            [(0.0, 0.0, 0.1, 0.1), (-3.0, 0.0, 0.2, 0.1), (5.0, 2.5, -1.0, np.float32(np.pi))],
        ],
    )
    tracks = records(
        ("pt", "eta", "phi"),
        [[(1.0, 0.5, 0.1), (9.0, -2.6, 0.2)], [], [(k, 0.0, k / 10) for k in (3, 5, 4)]],
    )
    found = event_content(towers, tracks, EventContent(leading_towers=3, leading_tracks=2))
    first = [(20.0, 0.0, 2.0, 0.0), (10.0, 0.0, 1.0, 0.2), (30.0 / np.cosh(2.4), 2.4, -1.0, 1.0)]
    third = [(5.0 / np.cosh(1.0), -1.0, np.float32(np.pi) - 2 * np.pi, 0.5), (0.0,) * 4, (0.0,) * 4]
    np.testing.assert_allclose(found["leading_towers"], [first, np.zeros((3, 4)), third], rtol=1e-6)
    expected = [[(1.0, 0.5, 0.1), (0.0,) * 3], np.zeros((2, 3)), [(5.0, 0.0, 0.5), (4.0, 0.0, 0.4)]]
    np.testing.assert_allclose(found["leading_tracks"], expected, rtol=1e-6)
    assert found["leading_towers"].dtype == found["leading_tracks"].dtype == np.float32
    assert found["n_towers"].tolist() == [3, 0, 1]
    assert found["n_tracks"].tolist() == [1, 0, 3]


def test_points_against_a_plain_loop():
    towers, tracks = make_events(30, mean_towers=12)  # with towers at float32(pi)
    found = event_content(towers, tracks, SMALL)
    for number, event in enumerate(towers):
        inside = [t for t in event if abs(t.eta) < 2.5]
        assert found["n_towers"][number] == len(inside)
        rows = sorted(
            ((t.e / np.cosh(t.eta), t.eta, t.phi, t.e_em / t.e) for t in inside), reverse=True
        )[:6]
        rows = np.array([*rows, *[(0.0,) * 4] * (6 - len(rows))])
        rows[:, 2] = np.where(rows[:, 2] >= np.pi, rows[:, 2] - 2 * np.pi, rows[:, 2])
        np.testing.assert_allclose(found["leading_towers"][number], rows, rtol=1e-6)
    phi = found["leading_towers"][..., 2]
    assert np.all((phi >= -np.pi) & (phi < np.pi))
    assert np.any(phi < -3.1415)


def test_nothing_is_kept_unless_asked():
    always = [name for name, one in VARIABLES.items() if one.needs_content and not one.asks_for]
    towers, tracks = make_events(3)
    assert tuple(event_content(towers, tracks, EventContent())) == tuple(always)
    assert set(event_content(towers, tracks, replace(SMALL, leading_tracks=0))) == {
        *always,
        "leading_towers",
    }


@pytest.mark.parametrize("n_events", [0, 1, 3])
def test_events_without_anything(n_events):
    towers = records(("e", "e_em", "eta", "phi"), [[]] * n_events)
    found = event_content(towers, records(("pt", "eta", "phi"), [[]] * n_events), SMALL)
    shapes_expected = {
        "jet_pt": (n_events, 10),
        "leading_towers": (n_events, 6, 4),
        "leading_tracks": (n_events, 4, 3),
    }
    shapes_expected |= dict.fromkeys(ONE_ENTRY, (n_events,))
    assert {name: values.shape for name, values in found.items()} == shapes_expected
    assert not any(values.any() for values in found.values())


def test_input_is_not_modified_and_the_order_of_towers_means_nothing():
    towers, tracks = make_events(10)
    before = towers.to_list(), tracks.to_list()
    found = event_content(towers, tracks, SMALL)
    assert (towers.to_list(), tracks.to_list()) == before
    again = event_content(towers[:, ::-1], tracks[:, ::-1], SMALL)
    for name, values in found.items():
        np.testing.assert_allclose(again[name], values, rtol=1e-9, atol=1e-12, err_msg=name)


# from the ntuple to the image file

RECIPE = ImageRecipe(grid=EtaPhiGrid(8, 8), fat_jets=FatJetDefinition(pt_min=20.0), content=SMALL)
FAT, SMALL_R = {"fat jets": "n_fat_jets >= 5"}, {"jets": "(n_jets >= 8) & (jets_ht > 150)"}


@pytest.fixture(scope="module")
def ntuple(tmp_path_factory):
    towers, tracks = make_events(40, mean_towers=30)
    return write_ntuple(
        tmp_path_factory.mktemp("ntuple") / "a.root", towers, tracks, weight=np.arange(1.0, 41.0)
    )


def convert(ntuple, output, **changes):
    convert_ntuple(
        Source(ntuple, schema="calovision", chunk_size=15),
        output,
        replace(RECIPE, **changes),
        sample="qcd",
        label=0,
    )
    return ImageFile(output)


def test_columns_of_the_file_are_those_of_the_events(ntuple, tmp_path):
    file = convert(ntuple, tmp_path / "a.h5")
    (events,) = iterate_events(ntuple, schema="calovision")
    for name, values in event_content(events.towers, events.tracks, SMALL).items():
        assert np.array_equal(file.events[name], values), name
        assert file.events[name].dtype == values.dtype
    assert "n_jets" not in convert(ntuple, tmp_path / "b.h5", content=None).events


@pytest.mark.parametrize("preselection", [SMALL_R, FAT | SMALL_R, FAT])
def test_a_cut_gives_what_filtering_afterwards_gives(ntuple, tmp_path, preselection):
    everything, selected = (
        convert(ntuple, tmp_path / "a.h5"),
        convert(ntuple, tmp_path / "b.h5", preselection=preselection),
    )
    passed = np.ones(40, dtype=bool)
    if "fat jets" in preselection:
        passed &= everything.events["n_fat_jets"] >= 5
    if "jets" in preselection:
        passed &= (everything.events["n_jets"] >= 8) & (everything.events["jets_ht"] > 150)
    assert 3 < passed.sum() < 37
    assert set(selected.events) == set(everything.events)
    for name, values in everything.events.items():
        assert np.array_equal(selected.events[name], values[passed]), name
    assert np.array_equal(
        selected.dense(np.arange(passed.sum())), everything.dense(np.flatnonzero(passed))
    )
    assert selected.metadata.cut_flow[-1][1:] == (
        passed.sum(),
        everything.events["weight"][passed].sum(),
    )


def test_a_cut_on_the_leading_small_jet(ntuple, tmp_path):
    leading = convert(ntuple, tmp_path / "a.h5").events["jet_pt"][:, 0]
    file = convert(
        ntuple, tmp_path / "b.h5", preselection={"hard": f"jet_pt[0] > {np.median(leading)}"}
    )
    assert file.events["jet_pt"][:, 0].tolist() == leading[leading > np.median(leading)].tolist()
    assert 3 < len(file.events["jet_pt"]) < 37


@pytest.mark.parametrize(
    ("preselection", "of_all"), [({}, True), (FAT, False), (SMALL_R, True), (FAT | SMALL_R, True)]
)
def test_jets_of_all_events_only_where_a_cut_needs_them(
    ntuple, tmp_path, monkeypatch, preselection, of_all
):
    clustered = []

    def counting(towers, tracks, content):
        clustered.append(len(towers))
        return event_content(towers, tracks, content)

    monkeypatch.setattr(rows, "event_content", counting)
    file = convert(ntuple, tmp_path / "a.h5", preselection=preselection)
    assert sum(clustered) == (40 if of_all else len(file.events["n_jets"]))
    assert len(clustered) == 3  # chunks


def test_no_event_passes(ntuple, tmp_path):
    file = convert(ntuple, tmp_path / "a.h5", preselection={"none": "n_fat_jets > 99"})
    assert file.events["jet_pt"].shape == (0, 10)
    assert file.events["leading_towers"].shape == (0, 6, 4)


def test_small_jets_without_asking_for_them(ntuple, tmp_path):
    with pytest.raises(InputError, match="unknown variable 'n_jets', which needs event_content"):
        convert(ntuple, tmp_path / "a.h5", content=None, preselection=SMALL_R)


@pytest.mark.parametrize("jets", [None, JET_RECIPES["quark_gluon"]])
@pytest.mark.parametrize("lacking", ["towers", "tracks"])
def test_files_without_towers_or_tracks_are_refused(lacking, jets):
    """Also where jets are imaged, which take all that there is."""
    names = ("pt", "eta", "phi", "e", "e_em")
    collections = {name: names for name in ("towers", "tracks", "fat_jets") if name != lacking}
    recipe = replace(RECIPE, jets=jets, channels=())
    with pytest.raises(
        InputError,
        match=rf"a\.root: small-R jets and shapes need {lacking}, which the file has not",
    ):
        fields_to_read(
            recipe, SimpleNamespace(path="a.root", collections=collections, missing={}, n_weights=1)
        )


# selection.variables_of


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        ({}, set()),
        ({"a": "n_jets >= 4"}, {"n_jets"}),
        (
            {"a": "(n_jets >= 4) & ((mj_sum > 800) | ~(ht < 3))", "b": "n_jets < 9"},
            {"n_jets", "mj_sum", "ht"},
        ),
        ({"a": "sqrt(abs(x)) > 2"}, {"x"}),  # functions are none
        ({"a": "n_jets >=", "b": "ht > 3"}, {"ht"}),  # apply_selection says what is wrong with it
        ({"a": "1 > 0"}, set()),
        ({"a": "f(x).y"}, set()),
    ],
)
def test_variables_of_cuts(selection, names):
    assert variables_of(selection) == names
