"""Fat jets against a plain anti-kt, closed forms, and the jets of genuine Delphes files."""

import subprocess
import sys

import awkward as ak
import numpy as np
import pytest

from calovision.core.errors import InputError
from calovision.core.kinematics import delta_phi, pt_eta_phi_mass
from calovision.jets import (
    FatJetDefinition,
    cluster_fat_jets,
    cluster_with_constituents,
    event_variables,
    find_fat_jets,
    find_fat_jets_with_constituents,
    hard_subjet_constituents,
    jet_columns,
    kt_subjets,
    leading,
    select_fat_jets,
    trim,
)
from calovision.jets.clustering import flat_towers, massless_particles
from calovision.ntuples import iterate_events

PI = np.pi
FIELDS = ("pt", "eta", "phi", "mass")


def make_towers(events):
    """Towers from lists of (pT, eta, phi)."""
    counts = np.array([len(event) for event in events], dtype=np.int64)
    pt, eta, phi = (
        np.array([tower for event in events for tower in event], dtype=float).reshape(-1, 3).T
    )
    return ak.unflatten(ak.zip({"e": pt * np.cosh(eta), "eta": eta, "phi": phi}), counts)


def make_jets(events):
    """Jets from lists of (pT, eta, phi, mass)."""
    counts = np.array([len(event) for event in events], dtype=np.int64)
    values = np.array([jet for event in events for jet in event], dtype=float).reshape(-1, 4).T
    return ak.unflatten(
        ak.zip(dict(zip(FIELDS, values, strict=True)), with_name="Momentum4D"), counts
    )


def random_events(n_events, n_towers, seed=1):
    rng = np.random.default_rng(seed)
    shape = (n_events, n_towers)
    pt, eta, phi = (
        rng.exponential(30, shape),
        rng.normal(0, 1.2, shape),
        rng.uniform(-PI, PI, shape),
    )
    return np.stack([pt, eta, phi], axis=-1).tolist()


def plain_anti_kt(towers, radius):
    """Sequential recombination as in arXiv:0802.1189, E scheme; returns (px, py, pz, E) of all
    jets."""
    particles = [
        np.array([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)])
        for pt, eta, phi in towers
    ]
    jets = []
    while particles:
        p = np.array(particles)
        weight = 1 / (p[:, 0] ** 2 + p[:, 1] ** 2)
        rapidity, phi = np.arctanh(p[:, 2] / p[:, 3]), np.arctan2(p[:, 1], p[:, 0])
        distance = (rapidity[:, None] - rapidity) ** 2 + delta_phi(phi[:, None], phi) ** 2
        d = np.minimum(weight[:, None], weight) * distance / radius**2
        np.fill_diagonal(d, weight)
        i, j = np.unravel_index(np.argmin(d), d.shape)
        if i == j:
            jets.append(particles.pop(i))
        else:
            merged = particles[i] + particles[j]
            particles = [q for k, q in enumerate(particles) if k not in (i, j)] + [merged]
    return np.array(jets)


def assert_same_jets(actual, expected, *, rtol=1e-9, mass_atol=1e-4):
    assert ak.num(actual).tolist() == ak.num(expected).tolist()
    a, b = (
        {name: ak.to_numpy(ak.flatten(jets[name])) for name in FIELDS}
        for jets in (actual, expected)
    )
    np.testing.assert_allclose(a["pt"], b["pt"], rtol=rtol)
    np.testing.assert_allclose(a["eta"], b["eta"], rtol=0, atol=rtol)
    np.testing.assert_allclose(delta_phi(a["phi"], b["phi"]), 0, atol=rtol)
    np.testing.assert_allclose(a["mass"], b["mass"], rtol=10 * rtol, atol=mass_atol)


def test_two_towers_in_one_jet_closed_form():
    (jets,) = cluster_fat_jets(make_towers([[(200, 0.3, 0.0), (100, -0.3, 0.0)]]))
    assert jets.tolist()[0]["pt"] == pytest.approx(300)
    assert jets.mass[0] == pytest.approx(np.sqrt(2 * 200 * 100 * (np.cosh(0.6) - 1)))
    assert jets.eta[0] == pytest.approx(np.arcsinh((200 * np.sinh(0.3) - 100 * np.sinh(0.3)) / 300))


def test_towers_farther_than_the_radius_are_two_jets():
    towers = make_towers([[(300, 0.0, 0.0), (250, 0.0, 1.1)]])
    assert cluster_fat_jets(towers).pt.tolist() == [pytest.approx([300, 250])]
    assert ak.num(cluster_fat_jets(towers, radius=1.2)).tolist() == [1]


@pytest.mark.parametrize("radius", [0.4, 1.0])
def test_agrees_with_a_plain_anti_kt(radius):
    events = random_events(10, 40)
    jets = cluster_fat_jets(make_towers(events), radius=radius, pt_min=50)
    for towers, found in zip(events, jets, strict=True):
        expected = plain_anti_kt(towers, radius)
        pt = np.hypot(expected[:, 0], expected[:, 1])
        order = np.argsort(-pt)[: np.sum(pt > 50)]
        mass_squared = expected[:, 3] ** 2 - np.sum(expected[:, :3] ** 2, axis=1)
        np.testing.assert_allclose(found.pt, pt[order], rtol=1e-9)
        np.testing.assert_allclose(found.eta, np.arcsinh(expected[order, 2] / pt[order]), rtol=1e-9)
        np.testing.assert_allclose(
            found.phi, np.arctan2(expected[order, 1], expected[order, 0]), rtol=1e-9
        )
        np.testing.assert_allclose(found.mass**2, mass_squared[order], rtol=1e-7, atol=1e-6)


@pytest.mark.parametrize("trimming", [None, (0.2, 0.05)])
def test_jet_astride_phi_pi_is_the_rotated_jet(trimming):
    event = [(200, 0.2, -0.4), (150, -0.1, 0.3), (120, 0.0, 0.0), (3, 0.5, 0.6)]
    options = {"pt_min": 200, "trimming": trimming}
    (jet,) = cluster_fat_jets(make_towers([event]), **options)[0]
    for turn in (PI, PI - 0.1, -PI + 0.2, 3 * PI):
        (turned,) = cluster_fat_jets(
            make_towers([[(pt, eta, phi + turn) for pt, eta, phi in event]]), **options
        )[0]
        assert [turned.pt, turned.eta, turned.mass] == pytest.approx([jet.pt, jet.eta, jet.mass])
        assert delta_phi(turned.phi, jet.phi + turn) == pytest.approx(0, abs=1e-9)
        assert -PI <= turned.phi < PI


@pytest.mark.parametrize("trimming", [None, (0.2, 0.05)])
def test_order_and_full_turns_of_the_towers_change_nothing(trimming):
    events = random_events(5, 60)
    rng = np.random.default_rng(3)
    changed = [
        [(pt, eta, phi + 2 * PI * rng.integers(-1, 2)) for pt, eta, phi in rng.permutation(event)]
        for event in events
    ]
    jets = cluster_fat_jets(make_towers(events), pt_min=100, trimming=trimming)
    assert ak.sum(ak.num(jets)) > 10
    assert_same_jets(cluster_fat_jets(make_towers(changed), pt_min=100, trimming=trimming), jets)


@pytest.mark.parametrize("trimming", [None, (0.2, 0.05)])
def test_events_do_not_influence_each_other(trimming):
    events = [*random_events(4, 50), [], *random_events(1, 3, seed=2)]
    together = cluster_fat_jets(make_towers(events), pt_min=100, trimming=trimming)
    alone = [
        cluster_fat_jets(make_towers([event]), pt_min=100, trimming=trimming)[0] for event in events
    ]
    assert together.tolist() == [jets.tolist() for jets in alone]
    sliced = cluster_fat_jets(make_towers(events)[2:], pt_min=100, trimming=trimming)
    assert sliced.tolist() == together[2:].tolist()


@pytest.mark.parametrize("trimming", [None, (0.2, 0.05)])
@pytest.mark.parametrize("events", [[], [[]], [[], []], [[(1, 0, 0)]], [[(500, 0, 0)]]])
def test_few_events_and_few_towers(events, trimming):
    jets = cluster_fat_jets(make_towers(events), trimming=trimming)
    assert len(jets) == len(events)
    assert jets.fields == list(FIELDS)
    assert ak.num(jets).tolist() == [sum(pt > 200 for pt, _, _ in event) for event in events]
    variables = event_variables(select_fat_jets(jets))
    assert variables["fat_jets"].shape == (len(events), 5, 4)


def test_jets_are_sorted_by_pt():
    for trimming in (None, (0.2, 0.05)):
        pt = cluster_fat_jets(make_towers(random_events(20, 80)), pt_min=30, trimming=trimming).pt
        assert ak.all(pt[:, 1:] <= pt[:, :-1])
        assert ak.sum(ak.num(pt)) > 60


def test_unusable_towers_take_no_part():
    good = [(300, 0.0, 0.0), (250, 0.4, 2.0)]
    towers = make_towers([[*good, *[(1, 0.1, 0.1)] * 6]])
    e, eta, phi = (ak.to_numpy(towers[name][0]).copy() for name in ("e", "eta", "phi"))
    e[2:4] = 0, -50
    eta[4], phi[5] = np.nan, np.inf
    eta[6], phi[7] = -np.inf, np.nan
    damaged = ak.unflatten(ak.zip({"e": e, "eta": eta, "phi": phi}), [8])
    assert ak.num(massless_particles(flat_towers(damaged))[0]).tolist() == [2]
    assert_same_jets(cluster_fat_jets(damaged), cluster_fat_jets(make_towers([good])))


def test_towers_are_not_modified():
    towers = make_towers(random_events(3, 50))
    before = ak.copy(towers)
    cluster_fat_jets(towers, trimming=(0.2, 0.05))
    assert ak.array_equal(towers, before)


def test_trimming_closed_form():
    hard, second, beside, soft = (300, 0.0, 0.0), (100, 0.5, 0.0), (1, 0.0, 0.1), (10, 0.0, 0.6)
    jets = cluster_fat_jets(make_towers([[hard, second, soft]]), trimming=(0.2, 0.05))
    assert jets.mass[0, 0] == pytest.approx(np.sqrt(2 * 300 * 100 * (np.cosh(0.5) - 1)))
    assert jets.pt[0, 0] == pytest.approx(400)
    # As soft as it is, a tower inside a hard subjet stays.
    jets = cluster_fat_jets(make_towers([[hard, beside, soft]]), trimming=(0.2, 0.05))
    assert jets.mass[0, 0] == pytest.approx(np.sqrt(2 * 300 * 1 * (1 - np.cos(0.1))))


def test_trimming_cut_is_a_fraction_of_the_jet():
    jet_pt = np.hypot(400 + 20 * np.cos(0.6), 20 * np.sin(0.6))
    towers = make_towers([[(400, 0.0, 0.0), (20, 0.0, 0.6)]])
    just_kept = cluster_fat_jets(towers, trimming=(0.2, 20 / jet_pt - 1e-9))
    just_dropped = cluster_fat_jets(towers, trimming=(0.2, 20 / jet_pt + 1e-9))
    assert just_kept.pt[0, 0] == pytest.approx(jet_pt)
    assert just_dropped.pt[0, 0] == pytest.approx(400)


def test_trimming_without_cut_changes_nothing():
    towers = make_towers(random_events(5, 60))
    assert_same_jets(cluster_fat_jets(towers, trimming=(0.2, 0.0)), cluster_fat_jets(towers))


def test_trim_keeps_the_order_of_its_input():
    constituents = [[[(100, 0, 0)], [(300, 0, 2), (200, 0.1, 2)]], [], [[(50, 1, 1)]]]
    flat = [p for event in constituents for jet in event for p in jet]
    pt, eta, phi = np.array(flat, dtype=float).T
    p4 = ak.zip({"pt": pt, "eta": eta, "phi": phi, "mass": 0 * pt}, with_name="Momentum4D")
    jets = trim(ak.unflatten(ak.unflatten(p4, [1, 2, 1]), [2, 0, 1]))
    assert jets.pt.tolist() == [pytest.approx([100, 500]), [], pytest.approx([50])]


@pytest.mark.parametrize("trimming", [(0.2, 1.0), (0.2, -0.1), (0.0, 0.05), (np.nan, 0.05)])
def test_trimming_out_of_range(trimming):
    with pytest.raises(ValueError, match="must be"):
        cluster_fat_jets(make_towers([[(300, 0, 0)]]), trimming=trimming)


def test_selection_is_strict_and_sorts():
    jets = make_jets(
        [
            [
                (200, 0, 0, 1),
                (201, -1.9, 0, 2),
                (400, 1.0, 0, 3),
                (900, 2.0, 0, 4),
                (900, -2.5, 0, 5),
            ],
            [],
        ]
    )
    assert select_fat_jets(jets).mass.tolist() == [[3, 2], []]
    assert select_fat_jets(jets, pt_min=300, eta_max=2.2).mass.tolist() == [[4, 3], []]


def test_event_variables_closed_form():
    six = [(600 - 50 * i, 0.1 * (-1) ** i * i, 0.2 * i, 10.0 * (i + 1)) for i in range(6)]
    values = event_variables(
        make_jets([six, [], [(300, -1.5, 0.4, 80)], [(500, -0.7, 0, 60), (300, 0.9, 1, 40)]])
    )
    assert values["n_fat_jets"].dtype == np.int64
    assert values["n_fat_jets"].tolist() == [6, 0, 1, 2]
    np.testing.assert_allclose(values["mj_sum"], [100, 0, 80, 100])
    np.testing.assert_allclose(values["ht"], [2850, 0, 300, 800])
    np.testing.assert_allclose(values["leading_pt"], [600, 0, 300, 500])
    np.testing.assert_allclose(values["delta_eta_12"], [0.1, np.inf, np.inf, 1.6])
    assert values["fat_jets"].shape == (4, 5, 4)
    np.testing.assert_allclose(values["fat_jets"][0], six[:5])
    np.testing.assert_allclose(
        values["fat_jets"][3], [(500, -0.7, 0, 60), (300, 0.9, 1, 40), *[(0, 0, 0, 0)] * 3]
    )
    assert all(
        column.dtype == np.float64 for name, column in values.items() if name != "n_fat_jets"
    )


def test_event_variables_wrap_the_phi_of_a_file():
    values = event_variables(make_jets([[(300, 0, np.float32(PI), 10)]]))
    assert -PI <= values["fat_jets"][0, 0, 2] < -PI + 1e-6


def test_own_jets_are_taken_else_towers_are_clustered():
    towers = make_towers([[(300, 0.0, 0.0), (120, 0.5, 0.0), (8, 0.0, 0.6), (150, 1.0, 2.5)]])
    own = make_jets([[(190, 0, 0, 5), (220, 0, 0, 6)]])
    assert find_fat_jets(towers, own, FatJetDefinition()).mass.tolist() == [[6]]
    ungroomed = find_fat_jets(towers, None, FatJetDefinition())
    assert ungroomed.pt.tolist() == [
        [pytest.approx(np.hypot(420 + 8 * np.cos(0.6), 8 * np.sin(0.6)))]
    ]
    assert find_fat_jets(towers, None, FatJetDefinition(groomed=True)).pt.tolist() == [
        [pytest.approx(420)]
    ]
    low = FatJetDefinition(groomed=True, pt_min=140, f_cut=0.3)
    assert find_fat_jets(towers, None, low).pt.tolist() == [pytest.approx([300, 150])]


def test_clustering_prints_no_banner():
    program = (
        "import awkward as ak; from calovision.jets import cluster_fat_jets; "
        "cluster_fat_jets(ak.zip({'e': [[300.0]], 'eta': [[0.0]], 'phi': [[0.0]]}))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout == ""


def delphes_events(delphes_dir, *, trimmed):
    """Events of the genuine files, one chunk a file."""
    paths = sorted(delphes_dir.glob("*.root"))
    assert paths
    for path in paths:
        yield path, next(iterate_events(path, schema="delphes", trimmed=trimmed))


def test_genuine_delphes_fat_jets_are_those_of_their_towers(delphes_dir):
    n_jets = 0
    for _, events in delphes_events(delphes_dir, trimmed=False):
        jets = cluster_fat_jets(events.towers)
        # Delphes gives a muon in a tower its mass, which the ntuple does not hold.
        has_muon = ak.any((events.towers.e_em == 0) & (events.towers.e_had == 0), axis=1)
        assert_same_jets(jets[~has_muon], events.fat_jets[~has_muon], rtol=1e-6)
        assert_same_jets(jets[has_muon], events.fat_jets[has_muon], rtol=1e-4, mass_atol=0.2)
        n_jets += ak.sum(ak.num(jets))
    assert n_jets > 0


def test_genuine_delphes_trimmed_jets_are_those_of_their_towers(delphes_dir):
    for _, events in delphes_events(delphes_dir, trimmed=True):
        jets = cluster_fat_jets(events.towers, trimming=(0.2, 0.05))
        expected = events.fat_jets[ak.argsort(events.fat_jets.pt, ascending=False)]
        assert ak.num(jets).tolist() == ak.num(expected).tolist()
        pt, mass = (ak.to_numpy(ak.flatten(jets[name])) for name in ("pt", "mass"))
        np.testing.assert_allclose(pt, ak.flatten(expected.pt), rtol=1e-4)
        close = np.isclose(mass, ak.to_numpy(ak.flatten(expected.mass)), rtol=0.01, atol=1e-3)
        assert close.mean() >= 0.998


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize(
    ("sample", "groomed", "n_passed"),
    [
        ("qcd300", False, 5),
        ("qcd300", True, 4),
        ("rpv_go1400_n850", False, 90),
        ("rpv_go1400_n850", True, 87),
    ],
)
def test_genuine_delphes_preselection(delphes_dir, sample, groomed, own, n_passed):
    (path,) = delphes_dir.glob(f"*{sample}*100ev_slim.root")
    (events,) = iterate_events(path, schema="delphes", trimmed=groomed)
    jets = find_fat_jets(
        events.towers, events.fat_jets if own else None, FatJetDefinition(groomed=groomed)
    )
    variables = event_variables(jets)
    assert np.sum((variables["n_fat_jets"] >= 3) & (variables["leading_pt"] > 440)) == n_passed


# Jets with their constituents


def rich_towers(events, dtype=np.float64):
    """Towers with electromagnetic and hadronic energy, a third and two thirds."""
    towers = make_towers(events)
    columns = {name: ak.values_astype(towers[name], dtype) for name in ("e", "eta", "phi")}
    return ak.zip(columns | {"e_em": columns["e"] / 3, "e_had": 2 * columns["e"] / 3})


def momentum_of(constituents):
    """px, py, pz, E of the sum of massless constituents, ``(n_jets,)`` each, of ``n_events * var *
    var``."""
    flat = ak.flatten(constituents, axis=1)
    pt, eta, phi = (ak.values_astype(flat[name], np.float64) for name in ("pt", "eta", "phi"))
    parts = (pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta))
    return [ak.to_numpy(ak.sum(part, axis=1)) for part in parts]


def assert_sum_of_constituents(jets, constituents, *, rtol, mass_atol=1e-2):
    assert ak.num(jets).tolist() == ak.num(constituents, axis=1).tolist()
    coordinates = pt_eta_phi_mass(*momentum_of(constituents))
    summed = ak.unflatten(ak.zip(coordinates, with_name="Momentum4D"), ak.num(jets))
    assert_same_jets(summed, jets, rtol=rtol, mass_atol=mass_atol)


@pytest.mark.parametrize("trimming", [None, (0.2, 0.05)])
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-9), (np.float32, 1e-5)])
def test_constituents_sum_to_their_jet(trimming, dtype, rtol):
    towers = rich_towers([*random_events(5, 60), [], *random_events(2, 5)], dtype)
    jets, constituents = cluster_with_constituents(towers, pt_min=50, trimming=trimming)
    assert_same_jets(jets, cluster_fat_jets(towers, pt_min=50, trimming=trimming))
    assert_sum_of_constituents(jets, constituents, rtol=rtol)
    assert constituents.fields == ["e", "eta", "phi", "e_em", "e_had", "pt"]
    assert ak.flatten(constituents.e, axis=None).layout.dtype == dtype
    np.testing.assert_allclose(
        ak.flatten(constituents.e_em, axis=None) * 3, ak.flatten(constituents.e, axis=None), rtol
    )


def test_constituents_are_the_towers_of_the_jet():
    event = [
        (3, 0.1, 3.0),
        (300, 0.0, -3.1),
        (120, 0.5, 3.1),
        (8, 0.0, -2.5),
        (250, 1.0, 0.0),
        (0.0, 0.0, 3.1),
    ]
    jets, constituents = cluster_with_constituents(rich_towers([event, []]))
    assert ak.num(jets).tolist() == [2, 0]
    assert [sorted(jet.tolist()) for jet in constituents.pt[0]] == [
        pytest.approx([3, 8, 120, 300]),
        pytest.approx([250]),
    ]
    _, trimmed = cluster_with_constituents(rich_towers([event]), trimming=(0.2, 0.05))
    assert [sorted(jet.tolist()) for jet in trimmed.pt[0]] == [
        pytest.approx([120, 300]),
        pytest.approx([250]),
    ]


def test_kt_subjets_closed_form():
    jet = make_towers(
        [[(100, 0.0, 0.0), (80, 0.5, 0.0), (30, 0.6, 0.0), (5, 0.0, 0.4)], [], [(2, 0, 0)]]
    )
    subjets = kt_subjets(massless_particles(flat_towers(jet))[0], 0.3)
    assert subjets.pt.tolist() == [pytest.approx([110, 100, 5]), [], pytest.approx([2])]
    kept = hard_subjet_constituents(massless_particles(flat_towers(jet))[0], r_sub=0.3, f_cut=0.1)
    assert kept.tolist() == [[True, True, True, False], [], [True]]


def test_own_constituents_are_selected_with_their_jets():
    own = make_jets(
        [[(190, 0, 0, 5), (220, 0, 0, 6), (250, 0, 1, 7), (900, 3, 0, 8)], [], [(300, 0, 0, 9)]]
    )
    constituents = ak.Array([[[1.0], [2.0, 3.0], [4.0], [5.0]], [], [[]]])
    records = ak.zip(
        {"pt": constituents, "eta": 0 * constituents, "phi": 0 * constituents}, depth_limit=3
    )
    jets, found = find_fat_jets_with_constituents(None, own, records, FatJetDefinition())
    assert jets.mass.tolist() == [[7, 6], [], [9]]
    assert found.pt.tolist() == [[[4], [2, 3]], [], [[]]]
    with pytest.raises(InputError, match="aligned"):
        find_fat_jets_with_constituents(None, own, records[:, :1], FatJetDefinition())


@pytest.mark.parametrize("pts", [([300.0, 500.0], [400.0]), ([500.0, 300.0], []), ([900.0],)])
def test_jets_that_all_pass_are_sorted_with_their_constituents(pts):
    own = make_jets([[(pt, 0, 0, 1) for pt in one] for one in pts])
    pt = own.pt[:, :, np.newaxis]
    records = ak.zip({"pt": pt, "eta": 0 * pt, "phi": 0 * pt}, depth_limit=3)
    found, constituents = find_fat_jets_with_constituents(None, own, records, FatJetDefinition())
    expected = [sorted(one, reverse=True) for one in pts]
    assert found.pt.to_list() == expected
    assert constituents.pt.to_list() == [[[pt] for pt in one] for one in expected]


@pytest.mark.parametrize("groomed", [True, False])
def test_own_jets_without_constituents_take_those_of_their_towers(groomed):
    towers = rich_towers(random_events(8, 60))
    definition = FatJetDefinition(pt_min=100, groomed=groomed)
    expected, constituents = find_fat_jets_with_constituents(towers, None, None, definition)
    assert_same_jets(expected, find_fat_jets(towers, None, definition))
    moved = ak.zip(
        {
            "pt": 1.05 * expected.pt,
            "eta": expected.eta + 0.1,
            "phi": expected.phi + 2 * PI - 0.1,
            "mass": expected.mass,
        },
        with_name="Momentum4D",
    )
    reverse = ak.concatenate([moved[:, ::-1], make_jets([[(500, 1.9, 0, 1)]] * 8)], axis=1)
    jets, found = find_fat_jets_with_constituents(towers, reverse, None, definition)
    extra = jets.pt == 500
    assert ak.sum(extra) == 8
    assert jets[~extra].pt.tolist() == moved.pt[moved.eta < 2.0].tolist()
    assert ak.sum(ak.num(found[extra], axis=2)) < ak.sum(ak.num(found, axis=2)) / 4
    kept = np.abs(moved.eta) < 2.0
    assert found[~extra].pt.tolist() == constituents[kept].pt.tolist()


def test_own_jets_far_from_all_towers_have_no_constituents():
    towers = rich_towers([[(300, 0.0, 0.0)], [(300, 0.0, 0.0)], []])
    own = make_jets([[(300, 0.0, 0.0, 0)], [(300, 0.0, 0.6, 0)], [(300, 0.0, 0.6, 0)]])
    _, constituents = find_fat_jets_with_constituents(towers, own, None, FatJetDefinition())
    assert ak.num(constituents, axis=2).tolist() == [[1], [0], [0]]


def test_constituents_need_towers():
    with pytest.raises(InputError, match="towers"):
        find_fat_jets_with_constituents(None, None, None, FatJetDefinition())


def test_jet_columns_closed_form():
    jets = make_jets(
        [
            [(300, 0.1, 1, 10), (200, 0.2, 2, 20), (100, 0.3, 3, 30)],
            [],
            [(50, 0.4, np.float32(PI), 40)],
        ]
    )
    taus = {
        "tau1": [[0.4, 0.0, 2.0], [], [0.5]],
        "tau2": [[0.1, 0.3, np.nan], [], [0.0]],
        "tau3": [[0.05, 0.6, 1], [], [0.0]],
    }
    columns = jet_columns(
        ak.zip(
            {**{name: jets[name] for name in FIELDS}, **{k: ak.Array(v) for k, v in taus.items()}}
        ),
        2,
    )
    assert columns["event_index"].tolist() == [0, 0, 2]
    assert columns["jet_index"].tolist() == [0, 1, 0]
    assert columns["mass"].tolist() == [10, 20, 40]
    assert -PI <= columns["phi"][2] < -PI + 1e-6
    np.testing.assert_allclose(columns["tau21"], [0.25, np.nan, 0])
    np.testing.assert_allclose(columns["tau32"], [0.5, 2, np.nan])
    everything = jet_columns(jets)
    assert list(everything) == ["event_index", "jet_index", *FIELDS]
    assert everything["pt"].tolist() == [300, 200, 100, 50]
    assert len(jet_columns(jets[:0])["pt"]) == len(jet_columns(jets, 0)["pt"]) == 0
    assert leading(jets, 1).pt.tolist() == [[300], [], [50]]
    assert leading(jets, None).pt.tolist() == jets.pt.tolist()


@pytest.mark.parametrize("trimmed", [False, True])
def test_genuine_delphes_jets_are_the_sum_of_their_constituents(delphes_dir, trimmed):
    definition = FatJetDefinition(groomed=trimmed)
    n_jets = 0
    for _, events in delphes_events(delphes_dir, trimmed=trimmed):
        jets, constituents = find_fat_jets_with_constituents(events.towers, None, None, definition)
        assert_sum_of_constituents(jets, constituents, rtol=1e-6, mass_atol=0.1)
        own, of_own = find_fat_jets_with_constituents(
            events.towers, events.fat_jets, None, definition
        )
        assert_same_jets(own, find_fat_jets(events.towers, events.fat_jets, definition))
        has_muon = ak.any((events.towers.e_em == 0) & (events.towers.e_had == 0), axis=1)
        if not trimmed:  # trimmed masses and pT differ a little, and so may their order
            assert of_own[~has_muon].pt.tolist() == constituents[~has_muon].pt.tolist()
        summed = momentum_of(of_own)
        np.testing.assert_allclose(np.hypot(summed[0], summed[1]), ak.flatten(own.pt), rtol=1e-4)
        n_jets += len(summed[0])
    assert n_jets > 400


# jets and towers in which something is missing or damaged


def test_missing_events_and_towers():
    events = random_events(4, 40)
    towers = make_towers(events)
    expected = cluster_fat_jets(towers, pt_min=50)
    masked = cluster_fat_jets(ak.mask(towers, np.array([True, False, True, True])), pt_min=50)
    assert masked.tolist() == [[] if i == 1 else jets for i, jets in enumerate(expected.tolist())]
    some = cluster_fat_jets(ak.mask(towers, towers.e > 20), pt_min=50)
    assert some.tolist() == cluster_fat_jets(towers[towers.e > 20], pt_min=50).tolist()
    rich = rich_towers(events)
    jets, constituents = cluster_with_constituents(ak.mask(rich, rich.e > 20), pt_min=50)
    expected, expected_constituents = cluster_with_constituents(rich[rich.e > 20], pt_min=50)
    assert jets.tolist() == expected.tolist()
    assert constituents.tolist() == expected_constituents.tolist()


@pytest.mark.parametrize("cluster", [cluster_fat_jets, cluster_with_constituents])
@pytest.mark.parametrize(
    ("value", "message"),
    [(np.nan, "not finite"), (np.inf, "not finite"), (1e300, "more than anything has")],
)
def test_energies_of_towers_are_checked(cluster, value, message):
    towers = make_towers([[(300, 0, 0)], [(200, 0, 0), (value, 0, 1)]])
    with pytest.raises(InputError, match=rf"event 1: towers\.e is .*{message}"):
        cluster(towers)
    lacking = ak.with_field(towers, ak.mask(towers.eta, towers.phi < 0.5), "eta")
    with pytest.raises(InputError, match=r"event 1: towers\.eta is missing \(None\)"):
        cluster(lacking)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"radius": 0}, "radius must be positive"),
        ({"radius": "1"}, "radius='1': must be a finite number"),
        ({"radius": np.inf}, "radius=inf"),
        ({"pt_min": np.nan}, "pt_min=nan"),
        ({"trimming": 0.2}, "trimming is 0.2"),
        ({"trimming": (0.2, None)}, "trimming: must be real numbers"),
    ],
)
def test_parameters_of_the_clustering(changes, message):
    with pytest.raises(InputError, match=message):
        cluster_fat_jets(make_towers([[(300, 0, 0)]]), **changes)


@pytest.mark.parametrize("function", [select_fat_jets, event_variables, jet_columns])
@pytest.mark.parametrize(
    ("jet", "field", "problem"),
    [
        ((np.nan, 0, 0, 10), "pt", "is not finite"),
        ((np.inf, 0, 0, 10), "pt", "is not finite"),
        ((1e30, 0, 0, 10), "pt", r"is 1e\+30 GeV, more than anything has"),
        ((300, np.nan, 0, 10), "eta", "is not finite"),
        ((300, -np.inf, 0, 10), "eta", "is not finite"),
        ((300, 0, np.nan, 10), "phi", "is not finite"),
        ((300, 0, 0, np.nan), "mass", "is not finite"),
        ((300, 0, 0, np.inf), "mass", "is not finite"),
        ((300, 0, 0, 1e30), "mass", r"is 1e\+30 GeV, more than anything has"),
        ((300, 0, 0, -1), "mass", "is -1 GeV, below zero by more than rounding"),
    ],
)
def test_jets_are_checked(function, jet, field, problem):
    with pytest.raises(InputError, match=rf"event 2: fat_jets\.{field} {problem}"):
        function(make_jets([[(400, 0, 0, 5)], [], [(500, 0, 0, 5), jet]]))


def test_masses_below_zero_by_rounding_are_zero():
    """ROOT gives a massless jet of float32 numbers the mass -sqrt(-m^2), some 1e-4 of its
    energy."""
    jets = make_jets([[(800, 0, 0, 90), (400, 1.0, 0, -0.2)], [(300, 0, 0, -1e-9)]])
    assert select_fat_jets(jets).mass.tolist() == [[90, 0], [0]]
    assert event_variables(jets)["mj_sum"].tolist() == [90, 0]
    assert jet_columns(jets)["mass"].tolist() == [90, 0, 0]


def test_padding_is_no_jet():
    jets = make_jets([[(300, 0, 0, 50), (-999, -999, -999, -999), (0, np.nan, np.inf, np.nan)]])
    assert select_fat_jets(jets).mass.tolist() == [[50]]
    assert select_fat_jets(jets, pt_min=-1000).mass.tolist() == [[50]]


def test_jets_out_of_order_are_refused():
    jets = make_jets(
        [[(300, 0, 0, 5), (200, 0, 0, 5)], [(300, 0, 0, 5)], [(200, 0, 0, 5), (300, 0, 0, 5)]]
    )
    for function in (event_variables, jet_columns):
        with pytest.raises(
            InputError, match=r"event 2: fat_jets\.pt does not descend; sort the jets by pT"
        ):
            function(jets)


def test_missing_jets():
    jets = make_jets([[(400, 0, 0, 5), (300, 0, 0, 6)], [(500, 0, 0, 7)], []])
    keep = np.array([True, False, True])
    values = event_variables(ak.mask(jets, keep))
    assert (values["n_fat_jets"].tolist(), values["mj_sum"].tolist()) == ([2, 0, 0], [11, 0, 0])
    heavy = ak.mask(jets, jets.mass > 5)
    assert event_variables(heavy)["mj_sum"].tolist() == [6, 7, 0]
    assert jet_columns(heavy)["event_index"].tolist() == [0, 1]
    constituents = ak.zip(
        {name: [[[1.0], [2.0, 3.0]], [[4.0]], []] for name in ("pt", "eta", "phi")}, depth_limit=3
    )
    for own, lists in (
        (heavy, constituents),
        (heavy, ak.mask(constituents, ~ak.is_none(heavy, axis=1))),
    ):
        found, of_jets = find_fat_jets_with_constituents(None, own, lists, FatJetDefinition())
        assert found.mass.tolist() == [[6], [7], []]
        assert of_jets.pt.tolist() == [[[2, 3]], [[4]], []]


def test_trim_of_missing_jets_and_damaged_constituents():
    p4 = make_jets([[(100, 0, 0, 0)], [(300, 0, 2, 0), (200, 0.1, 2, 0)], [(50, 1, 1, 0)]])
    per_event = ak.unflatten(p4, [2, 1])
    assert trim(per_event).pt.tolist() == [pytest.approx([100, 500]), pytest.approx([50])]
    without = ak.mask(per_event, ak.num(per_event, axis=2) > 1)
    assert trim(without).pt.tolist() == [pytest.approx([0, 500]), [0]]
    assert trim(ak.mask(per_event, np.array([False, True]))).pt.tolist() == [
        [],
        pytest.approx([50]),
    ]
    with pytest.raises(InputError, match=r"event 1: constituents\.pt is not finite"):
        trim(ak.with_field(per_event, ak.where(per_event.pt == 50, np.nan, per_event.pt), "pt"))
