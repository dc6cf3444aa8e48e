"""Suggested schemas: images by them of files of many styles are those of what was written."""

import awkward as ak
import numpy as np
import pytest
import uproot
from fakes_cli import fail, succeed
from fakes_ntuples import write_file, write_tree

from calovision.core.user_files import parse_yaml
from calovision.images import build_images
from calovision.images.grid import EtaPhiGrid
from calovision.ntuples import Ntuple
from calovision.ntuples.shapes import Shape
from calovision.ntuples.suggestions.event_keys import scalar_branches
from calovision.ntuples.suggestions.formulas import Formulas, jet_lines
from calovision.ntuples.suggestions.groups import Group
from calovision.ntuples.suggestions.measurements import Measured, unit_of
from calovision.ntuples.suggestions.quantities import NamedQuantity, named_quantities, words_of
from calovision.ntuples.suggestions.roles import Role, role_of
from calovision.ntuples.suggestions.suggestion import suggest_schema
from calovision.storage import ImageFile

N_EVENTS = 6
GRID = EtaPhiGrid(16, 16)
TURN = 2 * np.pi


def draw(seed, low=2, high=9):
    """Objects of each event: pt in GeV, eta, phi, charge, mass, energy, and their lists."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(low, high, N_EVENTS)
    n = int(counts.sum())
    flat = {
        "pt": rng.uniform(1, 60, n),
        "eta": rng.uniform(-2.4, 2.4, n),
        "phi": rng.uniform(-np.pi, np.pi, n),
        "charge": rng.integers(-1, 2, n).astype(np.int32),
        "mass": rng.uniform(0, 0.5, n),
    }
    flat["e"] = np.sqrt(flat["mass"] ** 2 + (flat["pt"] * np.cosh(flat["eta"])) ** 2)
    return ak.unflatten(ak.zip(flat), counts)


def components(objects, scale=1.0):
    """px, py, pz, times a scale."""
    pt = objects.pt * scale
    return {
        "px": pt * np.cos(objects.phi),
        "py": pt * np.sin(objects.phi),
        "pz": pt * np.sinh(objects.eta),
    }


def histogram(objects, values):
    """Sums of the values of the objects in the cells, ``(n, n_eta, n_phi)``, with plain numpy."""
    edges = (np.linspace(-2.5, 2.5, 17), np.linspace(-np.pi, np.pi, 17))
    return np.array(
        [
            np.histogram2d(
                ak.to_numpy(one.eta),
                (ak.to_numpy(one.phi) + np.pi) % TURN - np.pi,
                bins=edges,
                weights=ak.to_numpy(of),
            )[0]
            for one, of in zip(objects, values, strict=True)
        ]
    )


def numbers():
    """Event number and weight of each event."""
    return {
        "eventNumber": np.arange(N_EVENTS, dtype=np.int64) * 7 + 3,
        "mcWeight": np.linspace(-1, 2, N_EVENTS),
    }


TOWERS, TRACKS, PARTICLES = draw(1), draw(2), draw(3)


def clusters_in_mev():
    """Flat lists with underscores, MeV, generated particles beside them."""
    return {
        **numbers(),
        "cl_eta": TOWERS.eta,
        "cl_phi": TOWERS.phi,
        "cl_e": TOWERS.e * 1000,
        "trk_pt": TRACKS.pt * 1000,
        "trk_eta": TRACKS.eta,
        "trk_phi": TRACKS.phi,
        "truth_pt": PARTICLES.pt,
        "truth_eta": PARTICLES.eta,
        "truth_phi": PARTICLES.phi,
    }


def camel_case():
    """Upper case in between, phi in [0, 2 pi), transverse energy."""
    return {
        "EventID": np.arange(N_EVENTS, dtype=np.int32),
        "caloTowerEta": TOWERS.eta,
        "caloTowerPhi": TOWERS.phi % TURN,
        "caloTowerEt": TOWERS.e / np.cosh(TOWERS.eta),
    }


def odd_names():
    """Names with characters that mean something in YAML and in formulas, or to a terminal."""
    beginning = "cluster #1: {it's} - "
    return {f"{beginning}{name}": TOWERS[name] for name in ("eta", "phi", "e")} | {
        f"track\x1b[31m_{name}": TRACKS[name] for name in ("pt", "eta", "phi")
    }


def polar_angles():
    """Polar angles; tracks by their charge over momentum, in 1/MeV."""
    theta = 2 * np.arctan(np.exp(-TRACKS.eta))
    return {
        "hit_theta": 2 * np.arctan(np.exp(-TOWERS.eta)),
        "hit_phi": TOWERS.phi,
        "hit_E": TOWERS.e,
        "trk_theta": theta,
        "trk_phi": TRACKS.phi,
        "trk_qOverP": -np.sin(theta) / (1000 * TRACKS.pt),
    }


def arrays_of_fixed_size():
    """Arrays of 12 elements, filled up with zeros."""
    return {
        f"cell_{name}": ak.to_numpy(ak.fill_none(ak.pad_none(TOWERS[name], 12), 0.0))
        for name in ("eta", "phi", "e")
    }


def attached_names():
    """No separators, degrees."""
    return {
        "clustereta": TOWERS.eta,
        "clusterphi": TOWERS.phi * 180 / np.pi,
        "clusterE": TOWERS.e,
    }


def energies_in_two():
    """Electromagnetic and hadronic energies, names with a colon."""
    return {
        "Calo:eta": TOWERS.eta,
        "Calo:phi": TOWERS.phi,
        "Calo:e_em": TOWERS.e * 0.25,
        "Calo:e_had": TOWERS.e * 0.75,
    }


def hits():
    """Positions of hits in two calorimeters, mm."""
    return {
        f"{name}.position.{axis}": 1500 * values / np.cosh(TOWERS.eta)
        for name in ("ECalBarrelHits", "HCalBarrelHits")
        for axis, values in zip(
            "xyz",
            (np.cos(TOWERS.phi), np.sin(TOWERS.phi), np.sinh(TOWERS.eta)),
            strict=True,
        )
    } | {
        "ECalBarrelHits.energy": TOWERS.e * 0.25,
        "HCalBarrelHits.energy": TOWERS.e * 0.75,
    }


def components_of_candidates():
    """Candidates by px, py, pz and energy."""
    parts = components(PARTICLES)
    return {f"pfcand_{name}": values for name, values in parts.items()} | {
        "pfcand_E": PARTICLES.e,
        "pfcand_charge": PARTICLES.charge,
    }


def numbered_jets():
    """Scalars of three jets, -999 for none."""
    jets = ak.to_numpy(ak.fill_none(ak.pad_none(TOWERS.pt, 3, clip=True), -999.0))
    eta = ak.to_numpy(ak.fill_none(ak.pad_none(TOWERS.eta, 3, clip=True), -999.0))
    phi = ak.to_numpy(ak.fill_none(ak.pad_none(TOWERS.phi, 3, clip=True), -999.0))
    return {
        f"jet{n + 1}_{name}": values[:, n]
        for name, values in {"pt": jets, "eta": eta, "phi": phi}.items()
        for n in range(3)
    }


def names_without_objects():
    """Names of quantities alone, as those of the schema's keys."""
    return {"eta": TOWERS.eta, "phi": TOWERS.phi, "energy": TOWERS.e * 1000}


def names_that_say_nothing():
    """Objects of an unknown name, with a charge."""
    return {f"obj_{name}": PARTICLES[name] for name in ("pt", "eta", "phi", "mass", "charge")}


# Style -> columns, collection, its channels, the objects, the values of each channel.
ET = TOWERS.e / np.cosh(TOWERS.eta)
STYLES = {
    "clusters in MeV": (clusters_in_mev, ("et",), TOWERS, (ET,)),
    "odd names": (odd_names, ("et",), TOWERS, (ET,)),
    "fixed size": (arrays_of_fixed_size, ("et", "towers"), TOWERS, (ET, ET * 0 + 1)),
    "polar angles": (polar_angles, ("et",), TOWERS, (ET,)),
    "polar tracks": (polar_angles, ("track_pt",), TRACKS, (TRACKS.pt,)),
    "camel case": (camel_case, ("et",), TOWERS, (ET,)),
    "attached names": (attached_names, ("et",), TOWERS, (ET,)),
    "two energies": (energies_in_two, ("em_et", "had_et"), TOWERS, (ET * 0.25, ET * 0.75)),
    "hits": (hits, ("em_et", "had_et"), TOWERS, (ET * 0.25, ET * 0.75)),
    "candidates": (
        components_of_candidates,
        ("charged_pt", "neutral_pt"),
        PARTICLES,
        (PARTICLES.pt * (PARTICLES.charge != 0), PARTICLES.pt * (PARTICLES.charge == 0)),
    ),
    "no objects": (names_without_objects, ("et",), TOWERS, (ET,)),
    "unknown objects": (
        names_that_say_nothing,
        ("charged_pt", "neutral_pt"),
        PARTICLES,
        (PARTICLES.pt * (PARTICLES.charge != 0), PARTICLES.pt * (PARTICLES.charge == 0)),
    ),
    "numbered jets": (numbered_jets, ("et",), TOWERS[:, :3], (TOWERS.pt[:, :3],)),
}


def images(path, schema, channels):
    """Images of all events by a schema."""
    (events,) = Ntuple(path, schema=schema).iterate(chunk_size=N_EVENTS)
    collections = (events.towers, events.tracks, GRID, channels)
    return build_images(*collections, candidates=events.candidates, compiled=False)[0]


def suggested(path, folder):
    """Suggested schema of a file: the path of its YAML file, and its content."""
    suggestion = suggest_schema(path)
    assert suggestion.text is not None, suggestion.reasons
    schema = folder / "suggested.yaml"
    schema.write_text(suggestion.text)
    return schema, parse_yaml(suggestion.text, "suggested", "schema")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("kind", ["TTree", "RNTuple"])
def test_images_by_the_suggested_schema_are_those_of_what_was_written(tmp_path, style, kind):
    write, channels, objects, values = STYLES[style]
    path = tmp_path / "a.root"
    columns = write()
    with uproot.recreate(path) as file:
        if kind == "RNTuple":
            file.mkrntuple("ntuple", columns)
        elif style == "fixed size":
            types = {name: np.dtype((of.dtype, of.shape[1:])) for name, of in columns.items()}
            file.mktree("ntuple", types).extend(columns)
        else:
            write_tree(file, "ntuple", columns)
    schema, _ = suggested(path, tmp_path)
    found = images(path, schema, channels)
    expected = np.stack([histogram(objects, one) for one in values], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert found.sum() == pytest.approx(float(sum(ak.sum(one) for one in values)), rel=1e-5)


def test_every_choice_is_said(tmp_path):
    path = write_file(tmp_path / "a.root", ntuple=clusters_in_mev())
    text = succeed("inspect", path, "--suggest")
    energy, momentum = (
        f"{float(np.median(ak.to_numpy(ak.ravel(values)))) * 1000:,.0f}"
        for values in (TOWERS.e, TRACKS.pt)
    )
    assert text.splitlines()[:3] == [
        "# Schema of files like a.root, suggested by calovision inspect --suggest.",
        "# It is a start: look at each line; calovision inspect --branches lists the branches.",
        f"# Tried on the first 6 events; objects an event: towers "
        f"{ak.count(TOWERS.e) / 6:.3g}, tracks {ak.count(TRACKS.pt) / 6:.3g}.",
    ]
    assert text.endswith(
        "tree: ntuple\n"
        "event_number: eventNumber\n"
        "weight: mcWeight                    # -1 in the first entry\n"
        "\n"
        f"# cl: {ak.count(TOWERS.e) / 6:.3g} an event\n"
        "towers:\n"
        "  eta: cl_eta\n"
        "  phi: cl_phi\n"
        f"  e: cl_e / 1000                    # median e {energy}: MeV, hence / 1000\n"
        "\n"
        f"# trk: {ak.count(TRACKS.pt) / 6:.3g} an event\n"
        "tracks:\n"
        f"  pt: trk_pt / 1000                 # median pt {momentum}: MeV, hence / 1000\n"
        "  eta: trk_eta\n"
        "  phi: trk_phi\n"
        "\n"
        "# Generated, hence not what the detector saw: truth.\n"
    )
    with Ntuple(path, schema=suggested(path, tmp_path)[0]) as ntuple:
        (events,) = ntuple.iterate(chunk_size=N_EVENTS)
    assert events.event_number.tolist() == [3, 10, 17, 24, 31, 38]
    np.testing.assert_allclose(events.weight, np.linspace(-1, 2, N_EVENTS))
    np.testing.assert_allclose(ak.ravel(events.tracks.pt), ak.ravel(TRACKS.pt))


JETS, CONSTITUENTS = ak.Array([[300.0, 200.0], [], [250.0], [400.0, 90.0, 80.0], [75.0], [60.0]]), 4


def jets_and_parts():
    """Jets of four constituents each, as lists in lists of records; the jet is their sum in pT."""
    rng = np.random.default_rng(5)
    counts = ak.num(JETS)
    n = int(ak.sum(counts))
    eta, phi = rng.uniform(-1, 1, n), rng.uniform(-2, 2, n)
    parts = {
        "pt": np.repeat(ak.to_numpy(ak.ravel(JETS)) / CONSTITUENTS, CONSTITUENTS),
        "eta": np.repeat(eta, CONSTITUENTS) + rng.uniform(-0.01, 0.01, n * CONSTITUENTS),
        "phi": np.repeat(phi, CONSTITUENTS) + rng.uniform(-0.01, 0.01, n * CONSTITUENTS),
    }
    lists = ak.unflatten(ak.zip(parts), np.full(n, CONSTITUENTS))
    nested = ak.unflatten(lists, counts)
    jets = {
        "jet_pt": JETS,
        "jet_eta": ak.unflatten(eta, counts),
        "jet_phi": ak.unflatten(phi, counts),
    }
    return jets | {"jet_mass": JETS * 0.1}, nested


def nested_lists():
    """Constituents in lists of lists."""
    jets, parts = jets_and_parts()
    return jets | {f"jet_constituent_{name}": parts[name] for name in parts.fields}


def numbers_of_jets():
    """Flat candidates with the number of their jet."""
    jets, parts = jets_and_parts()
    flat = ak.flatten(parts, axis=2)
    number = ak.flatten(ak.local_index(parts, axis=1) + 0 * ak.local_index(parts, axis=2), axis=2)
    return (
        jets
        | {f"pf_{name}": flat[name] for name in flat.fields}
        | {"pf_jetIdx": ak.values_astype(number, np.int32), "pf_charge": flat.pt > 0}
    ) | {"pf_charge": ak.values_astype(flat.pt > 0, np.int32)}


def counts_of_constituents():
    """Flat constituents that follow one another."""
    jets, parts = jets_and_parts()
    flat = ak.flatten(parts, axis=2)
    return (
        jets
        | {f"constit_{name}": flat[name] for name in flat.fields}
        | {"jet_nConstituents": ak.values_astype(ak.num(parts, axis=2), np.int32)}
    )


def table_of_rows():
    """A table of jets and candidates beside unsorted candidates."""
    columns = numbers_of_jets()
    number = columns.pop("pf_jetIdx")
    order = ak.argsort(columns["pf_eta"], axis=1)
    place = ak.argsort(order, axis=1)  # of each candidate, before the sorting
    columns |= {
        f"pf_{name}": columns[f"pf_{name}"][order] for name in ("pt", "eta", "phi", "charge")
    }
    return columns | {
        "JetPF_jetIdx": number,
        "JetPF_pfIdx": ak.values_astype(place, np.int32),
    }


@pytest.mark.parametrize(
    ("write", "link"),
    [
        (nested_lists, {}),
        (numbers_of_jets, {"jet_index": "pf_jetIdx"}),
        (counts_of_constituents, {"counts": "jet_nConstituents"}),
        (table_of_rows, {"jet_index": "JetPF_jetIdx", "item_index": "JetPF_pfIdx"}),
    ],
)
def test_links_of_constituents_are_found(tmp_path, write, link):
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file.mkrntuple("ntuple", write())
    schema, content = suggested(path, tmp_path)
    given = content["constituents"]
    assert {key: given[key] for key in given if key not in ("pt", "eta", "phi", "charge")} == link
    (events,) = Ntuple(path, schema=schema).iterate(chunk_size=N_EVENTS)
    _, parts = jets_and_parts()
    np.testing.assert_allclose(events.fat_jets["pt"][3], JETS[3])
    for name in ("pt", "eta", "phi"):
        found = ak.sort(events.constituents[name], axis=-1)
        assert ak.all(np.isclose(found, ak.sort(parts[name], axis=-1)))
    assert "The constituents have 1 of the pT of their jets (median of 8)." in schema.read_text()


def test_a_link_to_other_objects_is_left_out(tmp_path):
    columns = numbers_of_jets() | {"pf_pt": numbers_of_jets()["pf_pt"] * 0.01}
    _, content = suggested(write_file(tmp_path / "a.root", ntuple=columns), tmp_path)
    assert "constituents" not in content
    assert "candidates" in content
    assert (
        "# Not used: constituents of pf: they have 0.01 of the pT of their jets (median of 8), "
        "hence belong\n# to other objects"
    ) in (tmp_path / "suggested.yaml").read_text()


def test_one_jet_an_entry(tmp_path):
    parts = {f"part_{name}": values for name, values in components(PARTICLES).items()}
    columns = {
        **parts,
        "part_energy": PARTICLES.e,
        "jet_pt": np.full(N_EVENTS, 500.0),
        "jet_eta": np.zeros(N_EVENTS),
        "jet_phi": np.ones(N_EVENTS),
        "jet_mass": np.full(N_EVENTS, 80.0),
    }
    columns |= {
        "jet_pt": ak.to_numpy(np.hypot(*(ak.sum(parts[f"part_{c}"], axis=1) for c in ("px", "py"))))
    }
    schema, content = suggested(write_file(tmp_path / "a.root", tree=columns), tmp_path)
    assert content["jets"]["one_per_entry"] is True
    (events,) = Ntuple(tmp_path / "a.root", schema=schema).iterate(chunk_size=N_EVENTS)
    assert ak.num(events.fat_jets["pt"]).tolist() == [1] * N_EVENTS
    np.testing.assert_allclose(ak.ravel(events.constituents.pt), ak.ravel(PARTICLES.pt))


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (
            {"met": np.ones(3), "njet": np.ones(3, dtype=np.int32)},
            "the tree t has no branch with a list of objects, and no numbered ones (jet1_pt, "
            "jet2_pt)",
        ),
        (
            {name: ak.Array([[1.0], []]) for name in ("gen_pt", "gen_eta", "gen_phi")},
            "the tree t has no lists of towers, tracks, candidates or jets with eta and phi, or "
            "px, py and pz, or x, y and z; gen: generated, hence not what the detector saw",
        ),
        (
            {name: ak.Array([[1.0], []]) for name in ("cl_eta", "cl_phi")},
            "the tree t has directions, but no energies or momenta beside them",
        ),
        (
            {
                "cl_eta": ak.Array([[1.0], []]),
                "cl_phi": ak.Array([[1.0], [2.0]]),
                "cl_e": ak.Array([[1.0], []]),
            },
            "cl: its lists differ in length, or cannot be read",
        ),
        (
            {name: ak.Array([[1.0]])[:0] for name in ("cl_eta", "cl_phi", "cl_e")},
            "the tree t has no entries, on which a schema could be tried",
        ),
        (
            {name: ak.Array([[0.0], [0.0]]) for name in ("cl_eta", "cl_phi", "cl_e")},
            "cl: all energies are 0",
        ),
    ],
)
def test_reasons_why_nothing_is_suggested(tmp_path, columns, reason):
    path = write_file(tmp_path / "a.root", t=columns)
    sentence = fail("inspect", path, "--suggest")
    assert sentence == f"calovision: {path}: no schema can be suggested, as {reason}\n"


def test_a_file_without_trees(tmp_path):
    with uproot.recreate(tmp_path / "a.root") as file:
        file["h"] = np.histogram(np.arange(3.0))
    sentence = fail("inspect", tmp_path / "a.root", "--suggest")
    assert sentence.endswith("suggested, as the file has no tree: it holds 1 TH1D\n")


def test_a_schema_is_not_overwritten(tmp_path):
    path = write_file(tmp_path / "a.root", ntuple=camel_case())
    schema = tmp_path / "my.yaml"
    text = succeed("inspect", path, "--suggest", schema)
    assert text.splitlines()[0] == str(schema)
    assert schema.read_text() == suggest_schema(path).text
    schema.write_text("mine")
    assert "exists already" in fail("inspect", path, "--suggest", schema)
    assert schema.read_text() == "mine"
    succeed("inspect", path, "--suggest", schema, "--force")
    assert schema.read_text() == suggest_schema(path).text
    assert "must end in .yaml or .yml" in fail("inspect", path, "--suggest", tmp_path / "my.txt")


@pytest.mark.parametrize(
    ("name", "quantity"),
    [
        ("jet_pt", NamedQuantity("pt", ("jet",))),
        ("Jet.PT", NamedQuantity("pt", ("jet",))),
        ("jet_pT", NamedQuantity("pt", ("jet",))),
        ("clusterEta", NamedQuantity("eta", ("cluster",))),
        ("jetphi", NamedQuantity("phi", ("jet",))),
        ("pt_jet", NamedQuantity("pt", ("jet",))),
        ("jet2_eta", NamedQuantity("eta", ("jet",), 2)),
        ("jet_eta2", NamedQuantity("eta", ("jet",), 2)),
        ("JetsAK8_pt", NamedQuantity("pt", ("jets", "ak", "8"))),
        ("jet_tau21", None),
        ("jet_tau2", NamedQuantity("tau2", ("jet",))),
        ("PFOs.momentum.x", NamedQuantity("px", ("pf", "os"))),
        ("Hits.position.z", NamedQuantity("z", ("hits",))),
        ("Jets.fCoordinates.fPt", NamedQuantity("pt", ("jets",))),
        ("Tower.Ehad", NamedQuantity("e_had", ("tower",))),
        ("jet_theta", NamedQuantity("theta", ("jet",))),
        ("jet_beta", None),
        ("run", None),
    ],
)
def test_quantities_in_names(name, quantity):
    assert next(named_quantities(name), None) == quantity


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("CaloCalTopoClusters", Role.TOWER),
        ("EFlowTrack", Role.TRACK),
        ("InDetTrackParticles", Role.TRACK),
        ("JetPFCands", Role.CANDIDATE),
        ("ReconstructedParticles", Role.CANDIDATE),
        ("EFlowPhoton", Role.CANDIDATE),
        ("Photon", Role.LEPTON),
        ("TauJets", Role.LEPTON),
        ("TrackJet", Role.JET),
        ("AK4Puppi", Role.JET),
        ("puppi", Role.CANDIDATE),
        ("GenJet", Role.GENERATOR),
        ("MCParticles", Role.GENERATOR),
        ("Particle", Role.GENERATOR),
        ("TrackerHits", Role.OTHER),
        ("HLTJets", Role.OTHER),
        ("PFOs.referencePoint", Role.OTHER),
        ("MET", Role.OTHER),
        ("blob", Role.UNKNOWN),
    ],
)
def test_roles_of_names(name, role):
    assert role_of(words_of(name)) is role


@pytest.mark.parametrize(
    ("median", "members"), [(500.0, {}), (5e5, {"pt": "j.pt / 1000", "mass": "j.mass / 1000"})]
)
def test_members_of_four_momenta_become_gev(median, members):
    """The comment alone said so: images were in MeV."""
    jets = Measured(
        Group("j", Role.JET, 1, {"p4": ("j",)}), np.array([1]), ranges={"pt": (1.0, 2.0, median)}
    )
    lines = jet_lines(Formulas(jets, unit_of(jets)), has_constituents=False)
    assert {line.key: line.value for line in lines} == {"p4": "j", **members}


@pytest.mark.parametrize(("name", "is_weight"), [("HLT_Ele17_Gsf", False), ("muonSF", True)])
def test_scale_factors_by_name(name, is_weight):
    found = scalar_branches({name: Shape(0, (), "float")})
    assert found == [name] * is_weight


@pytest.mark.parametrize(
    ("style", "option"),
    [
        ("clusters in MeV", " --channels et,tracks"),
        ("numbered jets", " --channels et"),
        ("two energies", " --channels em_et,had_et"),
    ],
)
def test_the_commands_that_are_shown_work(tmp_path, style, option):
    write, _, _, values = STYLES[style]
    path = write_file(tmp_path / "a.root", ntuple=write())
    *_, line = succeed("inspect", path, "--suggest", tmp_path / "my.yaml").splitlines()
    schema = tmp_path / "my.yaml"
    assert line == f"calovision images {path} --schema {schema} -o images.h5{option}"
    output = tmp_path / "images.h5"
    succeed(*line.split()[1:-3], output, *option.split(), "--grid", "16x16", "--cross-section", "1")
    file = ImageFile(output)
    n_energies = len(values)
    total = sum(file[row][:n_energies].sum() for row in range(len(file)))
    assert total == pytest.approx(float(sum(ak.sum(one) for one in values)), rel=1e-5)


def test_a_part_of_the_event_is_said(tmp_path):
    columns = {f"egammaClusters_{name}": TOWERS[name] for name in ("eta", "phi", "e")}
    columns |= {f"trk_{name}": TRACKS[name] for name in ("pt", "eta", "phi")}
    suggested(write_file(tmp_path / "a.root", t=columns), tmp_path)
    lines = (tmp_path / "suggested.yaml").read_text().splitlines()
    assert "# egammaClusters: 5 an event; by its name a part of the event, or a variation" in lines
    assert f"# trk: {ak.count(TRACKS.pt) / 6:.3g} an event" in lines


def test_a_file_that_is_known_is_said(delphes_dir):
    path = delphes_dir / "delphes_ATLASfat_qcd300_pythia8_10ev_slim.root"
    assert suggest_schema(path).known == ("delphes",)


REAL = {
    # file -> keys of the suggestion with their first values, objects an event
    "treemaker.root": (
        {
            "tracks": {"px": "Tracks.fCoordinates.fX"},
            "jets": {"p4": "JetsAK8"},
            "fat_jet_radius": 0.8,
            "constituents": {"p4": "JetsAK8_subjets", "counts": "JetsAK8_subjetsCounts"},
        },
        {"tracks": 2055, "fat_jets": 20, "constituents": 38},
    ),
    "uproot-issue-123a.root": (
        {"towers": {"e": "CaloCalTopoClustersAuxDyn.rawE / 1000"}},
        {"towers": 445, "fat_jets": 1005},
    ),
    "cms_ntuple_wjet.root": (
        {"towers": {"p4": "good_jets_p4"}, "jets": {"p4": "good_fatjets_p4"}, "weight": "wgt"},
        {"towers": 128, "fat_jets": 7},
    ),
}


@pytest.mark.parametrize("name", REAL)
def test_suggestions_for_published_files(real_dir, name):
    keys, counts = REAL[name]
    suggestion = suggest_schema(real_dir / name)
    content = parse_yaml(suggestion.text, name, "schema")
    for key, value in keys.items():
        found = content[key]
        part = {of: found[of] for of in value} if isinstance(value, dict) else found
        assert part == value
    assert {of: suggestion.trial.counts[of] for of in counts} == counts


def test_a_file_that_cannot_be_read_says_so(real_dir):
    path = real_dir / "edm4hep_example_rntuple.root"
    reason = "the tree 'events' is a pre-release RNTuple (ROOT::Experimental::RNTuple), written by"
    assert reason in fail("inspect", path, "--suggest")
    assert reason in fail("inspect", path, "--branches")
    output = succeed("inspect", path)
    assert f"No schema fits: {path}: {reason}" in output
    assert "Ways on" not in output  # there are none
