"""Files of ATLAS: published ones against histograms of their branches, and small fakes."""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
from fakes_ntuples import CLUSTER, JET, branch_type, container_columns, write_xaod

from calovision import EtaPhiGrid, build_images
from calovision.core.errors import InputError
from calovision.ntuples import Ntuple, describe_file, open_ntuple
from calovision.ntuples.content import FileContent
from calovision.ntuples.schemas import SCHEMAS
from calovision.ntuples.schemas.physlite.containers import (
    container_key,
    find_containers,
    names_of_keys,
)
from calovision.ntuples.schemas.physlite.notes import notes_on
from calovision.ntuples.trees.samplings import _is_memberwise

TTREE = "PHYSLITE_example.root"
RNTUPLE = "uproot-physlite-rntuple_v1-0-0-0.root"
CLUSTERS = "uproot-issue-123a.root"
SCHEMA_FILES = Path(__file__).parent / "schemas"
GRID = EtaPhiGrid(20, 24, (-2.5, 2.5))


def histograms(eta, phi, values, n_events):
    """Sums of values ``n * var`` in the cells of `GRID`, float64 ``(n, 20, 24)``."""
    edges = np.linspace(-2.5, 2.5, 21), np.linspace(-np.pi, np.pi, 25)
    found = [
        np.histogram2d(*(np.asarray(x, dtype=np.float64) for x in one[:2]), edges, weights=one[2])[
            0
        ]
        for one in zip(eta, phi, ak.values_astype(values, np.float64), strict=True)
    ]
    assert len(found) == n_events
    return np.array(found)


class Published:
    """Branches of a published file, read with uproot alone."""

    def __init__(self, path):
        self.file = uproot.open(path)
        name = "EventData" if "EventData" in self.file else "CollectionTree"
        self.tree, self.mark = self.file[name], ":" if name == "EventData" else "."

    def __call__(self, container, *variables):
        arrays = [self.tree[f"{container}AuxDyn{self.mark}{v}"].array() for v in variables]
        return arrays if len(arrays) > 1 else arrays[0]


@pytest.fixture(scope="module")
def reader(real_dir):
    """Gives the branches of a published file, which is opened once."""
    return cache(lambda name: Published(real_dir / name))


@pytest.fixture(scope="module", params=[TTREE, RNTUPLE, CLUSTERS])
def published(request, real_dir, reader):
    with Ntuple(real_dir / request.param) as ntuple:
        (events,) = ntuple.iterate(chunk_size=100)
        return request.param, reader(request.param), ntuple.info, events


def test_published_files_give_the_histograms_of_their_jets_or_clusters(published):
    name, read, info, events = published
    assert info.schema == "physlite"
    images, _ = build_images(events.towers, events.tracks, GRID, ["energy", "track_pt"])
    if name == CLUSTERS:
        e, eta, phi = read("CaloCalTopoClusters", "calE", "calEta", "calPhi")
        expected = histograms(eta, phi, e / 1000, 100)
    else:
        pt, eta, phi, mass = read("AnalysisJets", "pt", "eta", "phi", "m")
        e = np.hypot(mass, pt * np.cosh(eta)) / 1000
        expected = histograms(eta, phi, e, 100)
        pt, eta, phi = read("AnalysisMuons", "pt", "eta", "phi")
        expected += histograms(eta, phi, np.hypot(105.658, pt * np.cosh(eta)) / 1000, 100)
    assert expected.sum() > 1000
    np.testing.assert_allclose(images[:, 0], expected, rtol=1e-5, atol=1e-3)
    theta, q_over_p, phi = read("InDetTrackParticles", "theta", "qOverP", "phi")
    expected = histograms(
        -np.log(np.tan(theta / 2)), phi, np.sin(theta) / np.abs(q_over_p) / 1000, 100
    )
    np.testing.assert_allclose(images[:, 1], expected, rtol=1e-5, atol=1e-3)


def test_published_jets_events_and_weights(published):
    name, read, info, events = published
    jets = events.fat_jets
    prefix = "JetConstitScaleMomentum_" if name == CLUSTERS else ""
    variables = [f"{prefix}{name}" for name in ("pt", "eta", "phi", "m")]
    pt, eta, phi, mass = read("AnalysisLargeRJets", *variables)
    for got, expected in ((jets.pt, pt / 1000), (jets.eta, eta), (jets.phi, phi)):
        np.testing.assert_allclose(ak.flatten(got), ak.flatten(expected), rtol=1e-6)
    np.testing.assert_allclose(ak.flatten(jets["mass"]), ak.flatten(mass) / 1000, rtol=1e-6)
    tau = ak.flatten(read("AnalysisLargeRJets", "Tau2_wta"))
    np.testing.assert_allclose(ak.flatten(jets["tau2"]), tau)
    number = read("EventInfo", "mcEventNumber" if name == CLUSTERS else "eventNumber")
    assert events.event_number.tolist() == number.tolist()
    assert len(set(events.event_number.tolist())) == 100
    weights = read("EventInfo", "mcEventWeights")
    np.testing.assert_array_equal(events.weight, weights[:, 0])
    np.testing.assert_array_equal(events.weight_variations, weights)
    assert info.fat_jet_radius == 1.0
    assert info.n_weights == len(weights[0])


def test_published_files_count_by_their_bookkeepers_or_say_that_they_do_not(published):
    name, read, info, _ = published
    total = ak.sum(ak.values_astype(read("EventInfo", "mcEventWeights")[:, 0], np.float64))
    assert (info.n_generated, info.sum_of_weights) == (100, pytest.approx(total))
    if name == RNTUPLE:
        assert info.counted_from == "MetaData/CutBookkeepersAux.nAcceptedEvents"
        assert info.count_doubts == ()
    else:
        assert info.counted_from == "entries of CollectionTree"
        assert "which counts them, is not there" in info.count_doubts[0]


def test_energy_of_jets_is_electromagnetic_by_their_fraction_and_muons_are_neither(published):
    name, read, _, events = published
    if name == CLUSTERS:
        pytest.skip("its towers are clusters")
    images, _ = build_images(events.towers, None, GRID, ["em", "had"])
    pt, eta, phi, mass, share = read("AnalysisJets", "pt", "eta", "phi", "m", "EMFrac")
    e = np.hypot(mass, pt * np.cosh(eta)) / 1000
    for image, of_jets in zip(np.moveaxis(images, 1, 0), (share * e, e - share * e), strict=True):
        expected = histograms(eta, phi, of_jets, 100)
        np.testing.assert_allclose(image, expected, rtol=1e-4, atol=1e-2)


def patterns_of(read):
    """Sampling patterns of clusters, from the bytes of the branch behind 16 of a header."""
    branch = read.tree["CaloCalTopoClusters"]
    return [branch.debug_array(i)[16:].view(">u4").tolist() for i in range(100)]


def sums(energies, patterns):
    """Electromagnetic energies of the clusters of an event, and all of them, layer by layer."""
    em, every = [], []
    for of_layers, pattern in zip(energies, patterns, strict=True):
        layers = [layer for layer in range(32) if pattern >> layer & 1]
        pairs = list(zip(layers, of_layers, strict=True))
        em.append(sum(e for layer, e in pairs if layer < 8 or layer == 21))
        every.append(sum(of_layers))
    return em, every


def test_energy_of_clusters_is_split_as_that_of_their_layers(published):
    name, read, _, events = published
    if name != CLUSTERS:
        pytest.skip("its towers are jets")
    e, eta, phi, samples = read("CaloCalTopoClusters", "calE", "calEta", "calPhi", "e_sampl")
    both = [sums(*one) for one in zip(samples.tolist(), patterns_of(read), strict=True)]
    em, every = (ak.Array(list(of)) for of in zip(*both, strict=True))
    share = np.minimum(np.maximum(em / every, 0), 1)
    images, _ = build_images(events.towers, None, GRID, ["em", "had"])
    for i, factor in enumerate((share, 1 - share)):
        expected = histograms(eta, phi, factor * e / 1000, 100)
        assert expected.sum() > 100
        np.testing.assert_allclose(images[:, i], expected, rtol=1e-4, atol=1e-3)


def test_a_schema_in_yaml_takes_clusters_by_their_layers(real_dir, reader):
    """At the electromagnetic scale, which is the sum of the layers."""
    read = reader(CLUSTERS)
    with Ntuple(real_dir / CLUSTERS, schema=SCHEMA_FILES / "atlas_topoclusters.yaml") as ntuple:
        (events,) = ntuple.iterate(chunk_size=100)
    images, _ = build_images(events.towers, None, GRID, ["energy", "em", "had"])
    e, eta, phi = read("CaloCalTopoClusters", "rawE", "rawEta", "rawPhi")
    expected = histograms(eta, phi, e / 1000, 100)
    np.testing.assert_allclose(images[:, 0], expected, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(images[:, 1] + images[:, 2], expected, rtol=1e-4, atol=1e-3)
    samples = read("CaloCalTopoClusters", "e_sampl").tolist()
    em = [sums(*one)[0] for one in zip(samples, patterns_of(read), strict=True)]
    expected = histograms(eta, phi, ak.Array(em) / 1000, 100)
    np.testing.assert_allclose(images[:, 1], expected, rtol=1e-4, atol=1e-3)


def test_element_links_of_a_tree_give_the_clusters_of_electrons(real_dir, reader):
    read = reader(TTREE)
    with Ntuple(real_dir / TTREE, schema=SCHEMA_FILES / "atlas_electrons.yaml") as ntuple:
        (events,) = ntuple.iterate(chunk_size=100)
    links, e = read("AnalysisElectrons", "caloClusterLinks"), read("egammaClusters", "calE")
    expected = [
        [[of_event[link["m_persIndex"]] / 1000 for link in jet] for jet in jets]
        for of_event, jets in zip(e.tolist(), links.tolist(), strict=True)
    ]
    assert ak.num(events.constituents, axis=2).tolist() == ak.num(expected, axis=2).tolist()
    found = ak.flatten(events.constituents.e, axis=None)
    np.testing.assert_allclose(found, ak.flatten(expected, axis=None), rtol=1e-6)
    pt = ak.flatten(ak.sum(events.constituents.pt, axis=2))
    ratio = ak.to_numpy(pt / ak.flatten(events.fat_jets.pt))
    assert 0.98 < np.median(ratio) < 1.02


@pytest.mark.parametrize("pattern", ["AuxDyn:samplingPattern", ".m_samplingPattern"])
def test_layers_of_clusters_are_told_by_their_pattern(tmp_path, pattern):
    """The pattern is a variable, or a member of the clusters; FCAL0 is electromagnetic."""
    clusters = container_columns("egammaClusters", *CLUSTER, counts=(3, 0, 1), aux="AuxDyn:")
    patterns = ak.Array([[0b1001, 1 << 12, 1 << 7 | 1 << 8 | 1 << 21], [], [1 << 21 | 1 << 22]])
    energies = ak.Array([[[30, 50], [9], [2, 5, 3]], [], [[-1, 4]]])
    columns = {"egammaClustersAuxDyn:e_sampl": ak.values_astype(energies, np.float32)}
    patterns = ak.values_astype(patterns, np.uint32)
    if pattern[0] == ".":
        columns["egammaClusters"] = ak.zip({pattern[1:]: patterns})
    else:
        columns[f"egammaClusters{pattern}"] = patterns
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mkrntuple("EventData", clusters | columns)
    (tmp_path / "a.yaml").write_text("extends: physlite\nchoose: {towers: egammaClusters}\n")
    with Ntuple(tmp_path / "a.root", schema=tmp_path / "a.yaml") as ntuple:
        (events,) = ntuple.iterate()
    e = clusters["egammaClustersAuxDyn:calE"] / 1000
    expected = ak.Array([[1, 0, 0.5], [], [0]]) * e
    np.testing.assert_allclose(ak.flatten(events.towers.e_em), ak.flatten(expected), rtol=1e-6)
    total = events.towers.e_em + events.towers.e_had
    np.testing.assert_allclose(ak.flatten(total), ak.flatten(e), rtol=1e-6)


def test_clusters_are_read_by_their_bytes_only_if_these_are_as_expected(reader):
    entry = reader(CLUSTERS).tree["CaloCalTopoClusters"].debug_array(0)
    assert _is_memberwise(entry)
    objectwise = entry.copy()
    objectwise[4] = 0
    assert not _is_memberwise(objectwise)
    assert not _is_memberwise(entry[:-4])
    assert not _is_memberwise(entry[:10])


def test_layers_that_are_not_those_of_the_pattern_are_refused(tmp_path):
    clusters = container_columns("CaloCalTopoClusters", *CLUSTER, counts=(1,), aux="AuxDyn:")
    columns = {"CaloCalTopoClustersAuxDyn:e_sampl": ak.Array([[[1.0, 2.0]]])}
    columns["CaloCalTopoClustersAuxDyn:samplingPattern"] = ak.Array([[1]])
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mkrntuple("EventData", clusters | columns)
    with (
        Ntuple(tmp_path / "a.root") as ntuple,
        pytest.raises(InputError, match=r"CaloCalTopoClustersAuxDyn:e_sampl\.layers .* cannot be"),
    ):
        list(ntuple.iterate())


@pytest.mark.parametrize(
    ("name", "of", "key"),
    [
        ("egammaClusters", "CaloCluster", 360221983),
        ("CaloCalTopoClusters", "CaloCluster", 968116916),
        ("InDetTrackParticles", "TrackParticle", 490246363),
        ("AntiKt10UFOCSSKJets", "Jet", 114897897),
        ("UFOCSSK", "FlowElement", 1036585512),
        ("TruthParticles", "TruthParticle", 662974859),
    ],
)
def test_numbers_of_containers_are_those_of_element_links(name, of, key):
    """The numbers are those of links in the published files."""
    assert container_key(name, of) == key
    assert names_of_keys([key, 5], ["AnalysisJets", name]) == {key: name}


def test_containers_are_found_by_all_four_ways_to_write_a_variable():
    names = ["AAuxDyn.pt", "AAux.eta", "BAuxDyn:pt", "BAux:.eta", "CAux.", "DAux:", "index_ref"]
    found = find_containers([*names, "EAuxDyn.l/EAuxDyn.l.m_persKey", "FAux.pt", "FAuxDyn.pt"])
    assert {name: dict(of.variables) for name, of in found.items()} == {
        "A": {"pt": "'AAuxDyn.pt'", "eta": "'AAux.eta'"},
        "B": {"pt": "'BAuxDyn:pt'", "eta": "'BAux:.eta'"},
        "F": {"pt": "'FAuxDyn.pt'"},
    }


def version(path, **chosen):
    with uproot.open(path) as file:
        (found,) = replace(SCHEMAS["physlite"], chosen=chosen).versions_in(FileContent(file, path))
    return found


def branches(parts):
    return [part.fields["eta"].strip("'") for part in parts]


def test_containers_of_other_derivations_are_found_by_their_names(tmp_path):
    """DAOD_PHYS: jets of AntiKt4, several of R = 1.0, electrons without tracks, no truth."""
    large = "AntiKt10UFOCSSKSoftDropBeta100Zcut10Jets"
    path = write_xaod(
        tmp_path / "phys.root",
        container_columns("AntiKt4EMTopoJets", *JET),
        container_columns("AntiKt4EMPFlowJets", *JET, "EMFrac"),
        container_columns("AntiKt4EMPFlowJets_BTagging201903", *JET),
        container_columns("AntiKt4TruthJets", *JET),
        container_columns("AntiKt10UFOCSSKJets", *JET, aux="Aux."),
        container_columns(large, *JET, "Tau1_wta"),
        container_columns("AntiKt10TruthTrimmedPtFrac5SmallR20Jets", *JET),
        container_columns("Muons", "pt", "eta", "phi"),
        container_columns("Electrons", *JET, "charge"),
        container_columns("egammaClusters", *CLUSTER),
    )
    found = version(path)
    assert branches(found.towers) == ["AntiKt4EMPFlowJetsAuxDyn.eta", "MuonsAuxDyn.eta"]
    assert branches(found.tracks) == ["ElectronsAuxDyn.eta", "MuonsAuxDyn.eta"]
    assert branches(found.fat_jets) == [f"{large}AuxDyn.eta"]
    assert list(found.fat_jets[0].extra) == ["tau1"]
    assert (found.event_number, found.weight_may_miss) == (None, True)
    assert found.notes == (
        "towers are AntiKt4EMPFlowJets and Muons, whole jets and leptons: each is one point of an "
        "image",
        "tracks are Electrons and Muons: the file has no other ones",
    )


def test_containers_that_lack_variables_are_passed_over_with_a_word(tmp_path):
    path = write_xaod(
        tmp_path / "skim.root",
        container_columns("AnalysisJets", *JET),
        container_columns("AnalysisLargeRJets", "pt", "eta", "phi"),
        container_columns("AntiKt10EMTopoJets", *JET),
        container_columns("CaloCalTopoClusters", "calE", "calEta"),
        container_columns("InDetTrackParticles", "phi"),
    )
    found = version(path)
    assert branches(found.fat_jets) == ["AntiKt10EMTopoJetsAuxDyn.eta"]
    assert found.notes[1:] == (
        "AnalysisLargeRJets lacks variables for mass: fat jets of the file are AntiKt10EMTopoJets",
        "CaloCalTopoClusters lacks variables for eta, phi, e: towers of the file are AnalysisJets",
        "InDetTrackParticles lacks variables for pt, eta, phi: tracks of the file are none",
    )


def test_topoclusters_come_first_and_few_of_them_are_said(tmp_path):
    containers = [
        container_columns("CaloCalTopoClusters", *CLUSTER),
        container_columns("AnalysisJets", *JET),
    ]
    found = version(write_xaod(tmp_path / "few.root", *containers))
    assert branches(found.towers) == ["CaloCalTopoClustersAuxDyn.calEta"]
    assert found.notes == (
        "CaloCalTopoClusters has 1.67 clusters an event: the file keeps a few of them, and images "
        "do not show whole events, which those of AnalysisJets would",
    )
    many = container_columns("CaloCalTopoClusters", *CLUSTER, counts=(60, 0, 300))
    path = write_xaod(tmp_path / "many.root", many)
    assert version(path).notes == ()
    with Ntuple(path) as ntuple:
        (events,) = ntuple.iterate()
    for ours, theirs in (("e", "calE"), ("eta", "calEta"), ("phi", "calPhi")):
        expected = many[f"CaloCalTopoClustersAuxDyn.{theirs}"] / (1000 if ours == "e" else 1)
        np.testing.assert_allclose(ak.flatten(events.towers[ours]), ak.flatten(expected), rtol=1e-6)


def test_particle_flow_objects_are_candidates_and_towers(tmp_path):
    charged = container_columns("JetETMissChargedParticleFlowObjects", *JET, "charge", aux="Aux.")
    neutral = container_columns(
        "JetETMissNeutralParticleFlowObjects", *JET, seed=2, counts=(1, 4, 0)
    )
    with Ntuple(write_xaod(tmp_path / "flow.root", charged, neutral)) as ntuple:
        (events,) = ntuple.iterate()
    assert ak.num(events.candidates).tolist() == [3, 4, 3] == ak.num(events.towers).tolist()
    assert events.candidates.charge[1].tolist() == [0, 0, 0, 0]
    pt, eta, _, mass = (neutral[f"JetETMissNeutralParticleFlowObjectsAuxDyn.{v}"] for v in JET)
    e = np.hypot(mass, pt * np.cosh(eta)) / 1000
    np.testing.assert_allclose(events.candidates.e[1], e[1], rtol=1e-6)
    np.testing.assert_allclose(events.towers.e[1], e[1], rtol=1e-6)


def test_containers_are_chosen(tmp_path):
    large = "AntiKt10TruthTrimmedPtFrac5SmallR20Jets"
    path = write_xaod(
        tmp_path / "chosen.root",
        container_columns("egammaClusters", *CLUSTER),
        container_columns("AnalysisJets", *JET),
        container_columns("AnalysisElectrons", *JET, "charge"),
        container_columns(large, *JET),
    )
    found = version(path, towers=("egammaClusters", "AnalysisJets"))
    assert found.choices == {
        "towers": ("AnalysisElectrons", "AnalysisJets", large, "egammaClusters"),
        "candidates": ("AnalysisElectrons",),
        "tracks": ("AnalysisElectrons",),
        "jets": ("AnalysisElectrons", "AnalysisJets", large),
    }
    assert branches(found.towers) == ["egammaClustersAuxDyn.calEta", "AnalysisJetsAuxDyn.eta"]
    assert (found.fat_jets, found.fat_jet_radius) == ((), None)
    truth = version(path, fat_jets=(large,))
    assert branches(truth.fat_jets) == [f"{large}AuxDyn.eta"]
    assert truth.fat_jet_radius == 1.0
    assert version(path, fat_jets=("AnalysisJets",)).fat_jet_radius == 0.4


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (
            {"towers": ("AnalysisJet",)},
            "AnalysisJet, which is chosen for towers, is not in the file; choose from "
            "AnalysisJets, egammaClusters; did you mean 'AnalysisJets'?",
        ),
        (
            {"fat_jets": ("egammaClusters",)},
            "egammaClusters, which is chosen for fat_jets, lacks variables for it; choose from "
            "AnalysisJets",
        ),
        ({"candidates": ("Jets",)}, "is not in the file; choose from none"),
        ({"constituents": ("Jets",)}, "the containers of constituents cannot be chosen"),
    ],
)
def test_wrong_choices_are_refused_with_those_that_are_possible(tmp_path, chosen, message):
    path = write_xaod(
        tmp_path / "wrong.root",
        container_columns("egammaClusters", *CLUSTER),
        container_columns("AnalysisJets", *JET),
    )
    with pytest.raises(InputError, match=re.escape(f"{path}: ") + f".*{re.escape(message)}"):
        version(path, **chosen)


def test_a_tree_of_the_name_without_containers_is_of_another_kind(tmp_path):
    path = write_xaod(
        tmp_path / "other.root", {"x": np.arange(3.0), "EventInfoAuxDyn.lumi": np.ones(3)}
    )
    missing = describe_file(path).missing["physlite"]
    assert missing == ("collections of ATLAS DAOD",)
    with pytest.raises(InputError, match="collections of ATLAS DAOD"):
        open_ntuple(path, schema="physlite")


def test_a_schema_in_yaml_chooses_containers_and_changes_a_key(tmp_path):
    jets = container_columns("AnalysisJets", *JET)
    large = container_columns("AnalysisLargeRJets", *JET)
    path = write_xaod(tmp_path / "a.root", jets, large)
    schema = tmp_path / "mine.yaml"
    schema.write_text("extends: physlite\nchoose: {jets: AnalysisJets}\nn_generated: 50\n")
    with Ntuple(path, schema=schema) as ntuple:
        (events,) = ntuple.iterate()
        assert (ntuple.info.fat_jet_radius, ntuple.info.n_generated) == (0.4, 50)
    expected = jets["AnalysisJetsAuxDyn.pt"] / 1000
    np.testing.assert_allclose(ak.flatten(events.fat_jets.pt), ak.flatten(expected), rtol=1e-6)


def test_a_tree_of_another_name_is_given(tmp_path):
    path = write_xaod(tmp_path / "a.root", tree="slimmed")
    info = open_ntuple(path, tree="slimmed", schema="physlite")
    assert (info.tree, info.schema, info.n_entries) == ("slimmed", "physlite", 3)


def links_to(*jets_of_events):
    """Element links, (key, index) of each constituent of each jet of each event."""
    link = [
        [[dict(zip(LINK, one, strict=True)) for one in jet] for jet in jets]
        for jets in jets_of_events
    ]
    return ak.values_astype(ak.Array(link), np.uint32)


LINK = ("m_persKey", "m_persIndex")
UFO, NEUTRAL = container_key("UFOCSSK", "FlowElement"), container_key("UFO", "FlowElement")
NOTHING = (0, 2**32 - 1)
LINKS = links_to(
    [[(UFO, 2), NOTHING, (UFO, 0)], [(UFO, 1)]],
    [[(UFO, 0)], []],
)


def write_linked(path, links=LINKS, ufos="UFOCSSK"):
    """An RNTuple with jets of R = 1.0 and their constituents."""
    jets = container_columns("AnalysisLargeRJets", *JET, counts=(2, 2), aux="AuxDyn:")
    items = container_columns(ufos, *JET, "charge", counts=(3, 2), seed=2, aux="AuxDyn:")
    small = container_columns("AnalysisJets", *JET, counts=(1, 0), aux="AuxDyn:")
    columns = jets | items | small | {"AnalysisLargeRJetsAuxDyn:constituentLinks": links}
    with uproot.recreate(path) as file:
        file.mkrntuple("EventData", columns)
    return path, {name: items[f"{ufos}AuxDyn:{name}"] for name in (*JET, "charge")}


def test_constituents_are_what_the_links_of_their_container_point_to(tmp_path):
    path, items = write_linked(tmp_path / "linked.root")
    with Ntuple(path) as ntuple:
        (events,) = ntuple.iterate()
        assert ntuple.info.notes == version(path).notes
        assert not any("constituents" in note for note in ntuple.info.notes)
    assert ak.num(events.constituents, axis=2).tolist() == [[2, 1], [1, 0]]
    rows = [[[2, 0], [1]], [[0], []]]
    for field, values in (("pt", items["pt"] / 1000), ("eta", items["eta"]), ("phi", items["phi"])):
        expected = [
            [[of_event[i] for i in jet] for jet in jets]
            for of_event, jets in zip(values.tolist(), rows, strict=True)
        ]
        found = ak.flatten(events.constituents[field], axis=None)
        np.testing.assert_allclose(found, ak.flatten(ak.Array(expected), axis=None), rtol=1e-6)


@pytest.mark.parametrize(
    ("ufos", "links", "missing"),
    [
        ("GlobalUFO", LINKS, "UFOCSSK"),
        ("UFOCSSK", links_to([[(UFO, 0), (77, 1)], []], [[], []]), "the unknown number 77"),
        ("UFOCSSK", links_to([[(UFO, 0)], [(NEUTRAL, 1)]], [[], []]), "UFO"),
    ],
)
def test_jets_whose_constituents_are_not_all_in_the_file_have_none(tmp_path, ufos, links, missing):
    path, _ = write_linked(tmp_path / "thinned.root", links, ufos)
    found = version(path)
    assert found.constituents == ()
    assert found.notes[-1] == (
        f"the constituents of AnalysisLargeRJets are in containers that the file lacks ({missing})"
    )
    assert "constituents" not in open_ntuple(path).collections


def test_jets_without_calibrated_momenta_are_those_of_their_constituents_and_said_so(tmp_path):
    values = container_columns("AnalysisJets", *JET, seed=2)
    scale = {
        name.replace("AuxDyn.", "AuxDyn.JetConstitScaleMomentum_"): of
        for name, of in values.items()
    }
    for dropped in ("pt", "eta"):
        jets = container_columns("AnalysisJets", *(of for of in JET if of != dropped)) | scale
        path = write_xaod(tmp_path / f"{dropped}.root", jets)
        assert version(path).notes[-1] == (
            "the momenta of AnalysisJets are those of its constituents: the calibrated ones are "
            "not in the file"
        )
        (events,) = Ntuple(path).iterate()
        pt, eta, mass = (values[f"AnalysisJetsAuxDyn.{of}"] for of in ("pt", "eta", "m"))
        expected = np.sqrt(mass**2 + (pt * np.cosh(eta)) ** 2) / 1000
        np.testing.assert_allclose(ak.flatten(events.towers.e), ak.flatten(expected), rtol=1e-6)


def test_jets_whose_links_are_no_element_links_have_no_constituents(tmp_path):
    numbers = ak.values_astype(ak.Array([[[1], [2]], [[0], []]]), np.uint32)
    path, _ = write_linked(tmp_path / "numbers.root", numbers)
    found = version(path)
    assert found.constituents == ()
    assert found.notes[-1] == (
        "the constituents of AnalysisLargeRJets cannot be read from "
        "AnalysisLargeRJetsAuxDyn:constituentLinks"
    )
    assert open_ntuple(path).n_entries == 2


def test_constituents_in_a_container_that_only_later_entries_link_to(tmp_path, monkeypatch):
    monkeypatch.setattr("calovision.ntuples.schemas.physlite.constituents.ENTRIES_OF_LINKS", 1)
    links = links_to([[(UFO, 2), NOTHING], [(UFO, 1)]], [[(UFO, 0), (NEUTRAL, 1)], []])
    path, _ = write_linked(tmp_path / "later.root", links)
    message = rf"constituentLinks\.m_persKey is {NEUTRAL} in entry 1, a collection that the first"
    with pytest.raises(InputError, match=message):
        list(Ntuple(path).iterate())


def test_collision_data_have_weights_of_1_and_gaps_without_a_word(tmp_path):
    tracks = container_columns("InDetTrackParticles", "theta", "phi", "qOverP", counts=[1] * 40)
    numbers = np.arange(40, dtype=np.uint64) * 977 + 2**33
    path = write_xaod(tmp_path / "data.root", tracks, {"EventInfoAuxDyn.eventNumber": numbers})
    with Ntuple(path) as ntuple:
        (events,) = ntuple.iterate()
        info = ntuple.info
    assert events.event_number.tolist() == numbers.tolist()
    assert (events.weight.tolist(), info.sum_of_weights) == ([1.0] * 40, 40)
    assert (info.count_doubts, info.notes, list(info.collections)) == ((), (), ["tracks"])


def test_a_file_without_entries_is_known(tmp_path):
    columns = container_columns("CaloCalTopoClusters", *CLUSTER)
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("CollectionTree", {name: branch_type(of) for name, of in columns.items()})
    with Ntuple(tmp_path / "a.root") as ntuple:
        assert (ntuple.info.schema, ntuple.info.n_entries, ntuple.info.notes) == ("physlite", 0, ())
        assert list(ntuple.iterate()) == []


@pytest.mark.parametrize(
    ("towers", "twice"),
    [
        (("AnalysisJets", "AnalysisElectrons", "AnalysisMuons"), True),
        (("AnalysisJets", "AnalysisMuons"), False),
        (("CHSGChargedParticleFlowObjects", "CHSGNeutralParticleFlowObjects"), False),
    ],
)
def test_chosen_towers_that_may_hold_the_same_energy_are_said(towers, twice):
    found = notes_on(None, "t", {}, {"towers": towers, "tracks": (), "fat_jets": ()})
    assert [note.split(",")[0] for note in found] == [
        "AnalysisJets and AnalysisElectrons may hold the same energy"
    ] * twice
