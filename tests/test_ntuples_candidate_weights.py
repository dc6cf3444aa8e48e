"""PUPPI weights of candidates: applied where the momenta lack them, by a rule, and a switch of the
schema."""

import logging

import awkward as ak
import numpy as np
import pytest
from fakes_cli import succeed
from fakes_ntuples import write_file, write_nanoaod

from calovision.conversion import ImageRecipe, Sample, Source, convert_ntuple
from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.images.jet_images import JetImageRecipe
from calovision.jets import FatJetDefinition
from calovision.ntuples import ConstituentCheck, iterate_events, open_ntuple
from calovision.ntuples.candidate_weights import choose_candidate_weight, pt_ratios
from calovision.ntuples.schemas.schema import Collection, TreeSchema
from calovision.storage import ImageFile

N, N_CANDIDATES = 24, 60
NAMES = ("towers", "tracks", "candidates")
SAMPLE = {"sample": "qcd", "label": 0}
JETS = ImageRecipe(
    fat_jets=FatJetDefinition(pt_min=0.0, eta_max=5.0),
    jets=JetImageRecipe(JetGrid(8, 8, 20.0), channels=("et",)),
)
EVENTS = ImageRecipe(
    grid=EtaPhiGrid(8, 8, (-5.0, 5.0)), channels=("et", "tracks", "charged_pt"), cluster_jets=False
)


def columns(
    *, contained=False, calibration=None, names=("puppiWeight",), jets=True, pile_up=0.7, seed=5
):
    """One jet an event, of all candidates; a share of them is pile-up of weight 0, others have
    weights below 1.

    With ``contained`` the momenta are weighted already. The jet is made of weighted momenta, and
    calibrated by a factor if there is one, which FatJet_rawFactor says if it is not negative.
    """
    rng = np.random.default_rng(seed)
    shape = (N, N_CANDIDATES)
    weight = np.where(
        rng.random(shape) < pile_up,
        0,
        np.where(rng.random(shape) < 0.5, 1, rng.uniform(0.2, 1, shape)),
    )
    if pile_up == 0:
        weight = np.ones(shape)
    pt, phi = rng.exponential(8, shape), rng.normal(0.3, 0.2, shape)
    px, py = (np.sum(weight * pt * function(phi), axis=1) for function in (np.cos, np.sin))
    pdg_id = rng.choice([211, -211, 22, 130], shape)
    values = {
        "pt": pt * weight if contained else pt,
        "phi": phi,
        "eta": rng.normal(0, 0.2, shape),
        "mass": 0 * pt,
    }
    found = {
        f"PFCands_{name}": ak.from_regular(ak.Array(values[name].astype(np.float32)))
        for name in values
    }
    found |= {
        f"PFCands_{name}": ak.from_regular(ak.Array(weight.astype(np.float32))) for name in names
    }
    found["PFCands_pdgId"] = ak.from_regular(ak.Array(pdg_id.astype(np.int32)))
    found["PFCands_charge"] = ak.from_regular(
        ak.Array((np.sign(pdg_id) * (np.abs(pdg_id) == 211)).astype(np.int32))
    )
    found |= {"event": np.arange(N, dtype=np.uint64)}
    if jets:
        jet_pt = np.hypot(px, py) * (1 if calibration is None else abs(calibration))
        jet = {"pt": jet_pt, "eta": 0 * px, "phi": np.arctan2(py, px), "mass": 0 * px + 9}
        if calibration is not None and calibration > 0:
            jet["rawFactor"] = 0 * px + 1 - 1 / calibration
        found |= {
            f"FatJet_{name}": ak.Array(of[:, None].astype(np.float32).tolist())
            for name, of in jet.items()
        }
        found["FatJetPFCands_jetIdx"] = ak.from_regular(ak.Array(np.zeros(shape, dtype=np.int32)))
        index = np.broadcast_to(np.arange(N_CANDIDATES, dtype=np.int32), shape)
        found["FatJetPFCands_pFCandsIdx"] = ak.from_regular(ak.Array(index.copy()))
    return found


def write(path, **options):
    return write_nanoaod(path, columns=columns(**options), runs={"run": np.array([1])})


def read(path, **options):
    chunks = list(iterate_events(path, **options))
    return {
        name: ak.concatenate([getattr(chunk, name) for chunk in chunks])
        for name in ("towers", "tracks", "candidates")
    }


def assert_lists(found, expected):
    assert ak.num(found).tolist() == ak.num(expected).tolist()
    np.testing.assert_allclose(ak.flatten(found), ak.flatten(expected), rtol=1e-5)


@pytest.mark.parametrize(
    "calibration", [None, 1.1, -1.1], ids=["no calibration", "raw factor", "unknown calibration"]
)
def test_momenta_without_their_weights_are_weighted(tmp_path, calibration):
    """A jet image sums up to 1 / calibration of the jet's pT, not to 2.4 times."""
    path = write(tmp_path / "a.root", calibration=calibration)
    info = open_ntuple(path)
    assert info.candidate_weight == "PFCands_puppiWeight"
    convert_ntuple(path, tmp_path / "a.h5", JETS, sample=Sample("qcd", 0, cross_section_pb=1.0))
    file = ImageFile(tmp_path / "a.h5")
    found = file.dense(np.arange(len(file))).sum(axis=(1, 2, 3))
    of_events = columns(calibration=calibration)
    scalar = ak.sum(of_events["PFCands_pt"] * of_events["PFCands_puppiWeight"], axis=1)
    np.testing.assert_allclose(found, scalar, rtol=1e-5)
    ratios = pt_ratios(*weighted_jets(path))
    np.testing.assert_allclose(ratios, 1 / abs(calibration or 1), rtol=1e-5)


def weighted_jets(path):
    (events,) = iterate_events(path)
    return events.fat_jets, events.constituents


@pytest.mark.parametrize(
    "calibration", [None, 1.1, -1.1], ids=["no calibration", "raw factor", "unknown calibration"]
)
def test_momenta_with_their_weights_are_not_weighted_again(tmp_path, calibration):
    path = write(tmp_path / "a.root", contained=True, calibration=calibration)
    info = open_ntuple(path)
    assert info.candidate_weight is None
    assert info.candidate_weight_reason.startswith(
        "PFCands_puppiWeight is not applied: the constituents of jets have"
    )
    np.testing.assert_allclose(
        pt_ratios(*weighted_jets(path)), 1 / abs(calibration or 1), rtol=1e-5
    )


def test_energies_that_a_file_may_lack_are_weighted():
    part = Collection({"pt": "a", "eta": "b"}, extra={"e": "c", "tau1": "d"}, cut="a > 3")
    schema = TreeSchema("t", candidates=(part,), candidate_weight="w")
    (weighted,) = choose_candidate_weight(None, schema, "a.root")[0].candidates
    assert (weighted.fields, weighted.extra) == (
        {"pt": "(w) * (a)", "eta": "b"},
        {"e": "(w) * (c)", "tau1": "d"},
    )
    assert weighted.cut == "((w) != 0) & (a > 3)"


def test_what_is_made_of_candidates_is_weighted(tmp_path):
    """Towers, tracks, candidates and constituents; those of weight 0 are dropped, in every chunk
    alike."""
    path, given = write(tmp_path / "a.root"), columns()
    weight, pt = given["PFCands_puppiWeight"], given["PFCands_pt"]
    kept = weight > 0
    energy = pt * np.cosh(given["PFCands_eta"]) * weight
    photon, charged = given["PFCands_pdgId"] == 22, given["PFCands_charge"] != 0
    for options in (
        {},
        {"chunk_size": 5},
        {"entry_range": (0, N)},
        {"fields": {n: {"pt", "e", "e_em"} for n in NAMES}},
    ):
        found = read(path, **options)
        assert_lists(found["towers"].e, energy[kept])
        assert_lists(found["towers"].e_em, ak.where(photon, energy, 0)[kept])
        assert_lists(found["candidates"].pt, (pt * weight)[kept])
        assert_lists(found["tracks"].pt, (pt * weight)[kept & charged])


def test_event_images_are_weighted(tmp_path):
    path, given = write(tmp_path / "a.root"), columns()
    convert_ntuple(path, tmp_path / "a.h5", EVENTS, sample=Sample("qcd", 0, cross_section_pb=1.0))
    sums = ImageFile(tmp_path / "a.h5").dense(np.arange(N)).sum(axis=(2, 3))
    weighted = given["PFCands_pt"] * given["PFCands_puppiWeight"]
    charged = given["PFCands_charge"] != 0
    np.testing.assert_allclose(sums[:, 0], ak.sum(weighted, axis=1), rtol=1e-5)
    np.testing.assert_array_equal(sums[:, 1], ak.sum(charged & (weighted > 0), axis=1))
    np.testing.assert_allclose(sums[:, 2], ak.sum(weighted[charged], axis=1), rtol=1e-5)


def test_without_jets_the_weight_is_applied(tmp_path):
    info = open_ntuple(write(tmp_path / "a.root", jets=False))
    assert (info.candidate_weight, info.candidate_weight_reason) == (
        "PFCands_puppiWeight",
        "the file has no jets that could tell",
    )


@pytest.mark.parametrize("calibration", [None, 1.1, -1.1])
def test_weights_of_one_say_nothing_and_are_applied(tmp_path, calibration):
    """So that files without pile-up are read as those with it."""
    info = open_ntuple(write(tmp_path / "a.root", pile_up=0, calibration=calibration))
    assert info.candidate_weight == "PFCands_puppiWeight"


def test_weights_that_leave_leptons_are_the_second_choice(tmp_path):
    for names in (("puppiWeightNoLep", "puppiWeight"), ("puppiWeightNoLep",)):
        info = open_ntuple(write(tmp_path / "a.root", names=names))
        assert info.candidate_weight == f"PFCands_{names[-1]}"


def test_candidates_without_weights_are_as_they_are(tmp_path):
    info = open_ntuple(write(tmp_path / "a.root", names=()))
    assert (info.candidate_weight, info.candidate_weight_reason) == (None, "")


@pytest.mark.parametrize("value", ["none", "null", "PFCands_puppiWeightNoLep", "1"])
def test_the_switch_of_the_schema(tmp_path, value):
    path = write(tmp_path / "a.root", names=("puppiWeight", "puppiWeightNoLep"), contained=True)
    schema = tmp_path / "s.yaml"
    schema.write_text(f"extends: nanoaod\ncandidate_weight: {value}\n")
    info = open_ntuple(path, schema=schema)
    expected = None if value in ("none", "null") else value
    assert (info.candidate_weight, info.collections.keys()) == (
        expected,
        open_ntuple(path).collections.keys(),
    )
    found, given = read(path, schema=schema), columns(contained=True)
    weight = (
        given["PFCands_puppiWeight"]
        if value.startswith("PF")
        else ak.ones_like(given["PFCands_pt"])
    )
    expected = (given["PFCands_pt"] * weight)[weight != 0]
    assert_lists(found["candidates"].pt, expected)


def test_an_extended_schema_changes_weights_and_counts(tmp_path):
    path = write_nanoaod(tmp_path / "a.root", columns=columns() | {"w": np.full(N, 2.0)})
    schema = tmp_path / "s.yaml"
    schema.write_text(
        "extends: nanoaod\nweight: w * 3\nn_generated: 500\nsum_of_weights: "
        "3000\ncross_section_pb: 7\n"
    )
    info = open_ntuple(path, schema=schema)
    assert (info.n_generated, info.sum_of_weights, info.tree) == (500, 3000.0, "Events")
    assert next(iterate_events(path, schema=schema)).weight.tolist() == [6.0] * N


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "extends: pfnano\n",
            r"s.yaml, line 1: extends is 'pfnano' \(did you mean 'nanoaod'\?\); choose one of",
        ),
        (
            "extends: nanoaod\ntower: {eta: x}\n",
            r"s.yaml, line 2: unknown key 'tower' \(did you mean 'towers'\?\); choose from tree",
        ),
        (
            "extends: nanoaod\ncandidate_weight: {a: 1}\n",
            "candidate_weight is .* it must be a branch, a formula or",
        ),
        (
            "tree: t\ncandidate_weight: w\ntowers: {eta: x, phi: x, e: x}\n",
            "candidate_weight belongs to candidates or",
        ),
    ],
)
def test_wrong_schemas(tmp_path, text, message):
    path, schema = write(tmp_path / "a.root"), tmp_path / "s.yaml"
    schema.write_text(text)
    with pytest.raises(InputError, match=message):
        open_ntuple(path, schema=schema)


def own_schema(path, weight):
    fields = "pt: PFCands_pt, eta: PFCands_eta, phi: PFCands_phi"
    path.write_text(
        f"tree: Events\ncandidates: {{{fields}, charge: PFCands_charge}}\n"
        "jets: {pt: FatJet_pt, eta: FatJet_eta, phi: FatJet_phi, mass: FatJet_mass}\n"
        f"constituents: {{{fields}, jet_index: FatJetPFCands_jetIdx, item_index: "
        f"FatJetPFCands_pFCandsIdx}}\n{weight}"
    )
    return path


def test_a_schema_of_ones_own(tmp_path):
    path, given = write(tmp_path / "a.root"), columns()
    schema = own_schema(tmp_path / "s.yaml", "candidate_weight: PFCands_puppiWeight\n")
    (events,) = iterate_events(path, schema=schema)
    np.testing.assert_allclose(pt_ratios(events.fat_jets, events.constituents), 1, rtol=1e-5)
    weight = given["PFCands_puppiWeight"]
    assert_lists(events.candidates.pt, (given["PFCands_pt"] * weight)[weight > 0])


def test_constituents_that_do_not_add_up_to_their_jets_are_warned_of(tmp_path, caplog):
    path = write(tmp_path / "a.root")
    schema = own_schema(tmp_path / "s.yaml", "")
    with caplog.at_level(logging.WARNING):
        convert_ntuple(
            Source(path, schema=schema),
            tmp_path / "a.h5",
            JETS,
            sample=Sample("qcd", 0, cross_section_pb=1.0),
        )
    (events,) = iterate_events(path, schema=schema)
    median = np.median(pt_ratios(events.fat_jets, events.constituents))
    assert median > 2
    assert (
        f"constituents of fat jets have {median:.3g} of the pT of their jets (median of 24), more "
        "than" in caplog.text
    )
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        convert_ntuple(path, tmp_path / "b.h5", JETS, sample=Sample("qcd", 0, cross_section_pb=1.0))
    assert "constituents" not in caplog.text


def test_inspect_says_what_was_chosen(tmp_path):
    path = write(tmp_path / "a.root")
    text = " ".join(succeed("inspect", path).split())
    assert (
        "candidate weight PFCands_puppiWeight (the constituents of jets have 1 of their pT with "
        "it, " in text
    )
    assert "constituents 1 of the pT of their jets (median of 24)" in text
    assert (
        "pt, eta, phi, charge, e PFCands_pt, PFCands_puppiWeight, PFCands_eta, "
        "PFCands_phi, PFCands_charge" in text
    )


def test_ratios_of_jets_without_constituents_or_momentum():
    jets = ak.Array([[{"pt": 10.0}, {"pt": 0.0}], [], [{"pt": 5.0}]])
    inner = ak.Array(
        [
            [[{"pt": 3.0, "phi": 0.0}, {"pt": 4.0, "phi": np.pi / 2}], [{"pt": 1.0, "phi": 0.0}]],
            [],
            [[]],
        ]
    )
    np.testing.assert_allclose(pt_ratios(jets, inner), [0.5, np.nan, np.nan])
    check = ConstituentCheck(pt_min=10.0)
    check.add(jets, inner)
    assert check.describe() == "no jets with constituents"


def test_single_jets_of_an_entry(tmp_path):
    """Jets that hold numbers, as in JetClass, whose constituents are twice too hard."""
    schema = tmp_path / "s.yaml"
    schema.write_text(
        "tree: t\njets: {pt: j, eta: j, phi: j, mass: j, one_per_entry: true}\n"
        "constituents: {pt: c, eta: c * 0, phi: c * 0}\n"
    )
    path = write_file(
        tmp_path / "a.root", t={"j": np.array([4.0, 2.0]), "c": ak.Array([[4.0, 4.0], [1.0, 3.0]])}
    )
    (events,) = iterate_events(path, schema=schema)
    check = ConstituentCheck()
    check.add(events.fat_jets, events.constituents)
    assert check.describe() == "2 of the pT of their jets (median of 2)"
