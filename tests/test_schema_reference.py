"""The reference page of the schema language: each example read, each key and function explained."""

import re

import awkward as ak
import numpy as np
import pytest
import uproot
import yaml
from conftest import REPOSITORY
from fakes_ntuples import (
    container_columns,
    lepton_columns,
    nanoaod_columns,
    write_file,
    write_nanoaod,
    write_xaod,
)
from fakes_podio import podio_collections, write_podio
from test_ntuples_custom import read_all, write_schema

from calovision.ntuples import open_ntuple
from calovision.ntuples.schemas.custom.keys import COLLECTIONS, KEYS
from calovision.ntuples.schemas.custom.links import LINK_KEYS
from calovision.selection.expressions.functions import ALIASES, FUNCTIONS

PAGE = (REPOSITORY / "docs/schemas.md").read_text()
EXAMPLES = dict(re.findall(r"<!-- example: ([\w ]+) -->\n```yaml\n(.*?)```", PAGE, re.DOTALL))
TABLES = dict(re.findall(r"<!-- table: (\w+) -->\n(.*?)<!-- end -->", PAGE, re.DOTALL))
COUNTS = [3, 0, 5, 1]
N = len(COUNTS)


class Fake(dict):
    """Branches of random numbers, and the file that holds them."""

    def __init__(self, seed=11):
        self.rng = np.random.default_rng(seed)

    def lists(self, names, low=0.0, high=9.0, counts=COUNTS):
        for name in names.split():
            values = self.rng.uniform(low, high, sum(counts)).astype(np.float32)
            self[name] = ak.unflatten(values, counts)

    def directions(self, *prefixes, counts=COUNTS):
        for prefix in prefixes:
            self.lists(f"{prefix}_eta", -2, 2, counts)
            self.lists(f"{prefix}_phi", -3, 3, counts)

    def numbers(self, names, low=0.0, high=9.0):
        for name in names.split():
            self[name] = self.rng.uniform(low, high, N)

    def jets(self, prefix="jet", counts=(2, 0, 1, 2)):
        self.directions(prefix, counts=counts)
        self.lists(f"{prefix}_pt {prefix}_m", counts=counts)


def flat(values):
    return ak.to_numpy(ak.flatten(ak.Array(values), axis=None)).astype(np.float64)


def check(path, schema, expected, **options):
    """Compare collections, ``towers.e``, other attributes and those of the description."""
    events, info = read_all(path, schema, **options), open_ntuple(path, schema=schema)
    for name, values in expected.items():
        of, _, field = name.partition(".")
        found = getattr(info, field) if of == "info" else getattr(events, of)
        found = ak.Array([found] if of == "info" else found[field] if field else found)
        values = ak.Array([values] if of == "info" else values)
        for axis in range(1, values.ndim):
            assert ak.num(found, axis=axis).tolist() == ak.num(values, axis=axis).tolist(), name
        np.testing.assert_allclose(flat(found), flat(values), rtol=3e-6, atol=1e-6, err_msg=name)


def write_rntuple(path, name, columns):
    with uproot.recreate(path) as file:
        file.mkrntuple(name, columns)
    return path


def pt_of(px, py):
    return np.sqrt(px**2 + py**2)


def first(path):
    v = Fake()
    v.directions("cl", "trk")
    v.lists("cl_e trk_pt", 0, 2000)
    v.lists("cl_em_fraction", 0, 1)
    v.jets()
    v.numbers("mcWeight pileupWeight")
    v["eventNumber"] = np.arange(7, 7 + N)
    e = v["cl_e"] / 1000
    kept = e > 0.5
    return write_file(path, analysis__events=v), {
        "towers.eta": v["cl_eta"][kept],
        "towers.e_had": (e - e * v["cl_em_fraction"])[kept],
        "tracks.pt": v["trk_pt"] / 1000,
        "fat_jets.mass": v["jet_m"] / 1000,
        "weight": v["mcWeight"] * v["pileupWeight"],
        "event_number": v["eventNumber"],
        "info.fat_jet_radius": 1.0,
    }


def names(path):
    v = Fake()
    v.lists("cl-eta phi", -2, 2)
    v.lists("e", 0, 100)
    v.lists("fraction", 0, 1)
    v.numbers("scale")
    v["mc_weights"] = ak.Array([[1.0, 2.0, 5.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
    v["event:number"] = np.arange(N)
    kept = (v["e"] / 1000 > 0.02) & (abs(v["cl-eta"]) < 1.5)
    return write_file(path, t=v), {
        "towers.e_em": (v["e"] / 1000 * v["fraction"])[kept],
        "towers.e_had": (v["e"] / 1000 * (1 - v["fraction"]))[kept],
        "towers.phi": v["phi"][kept],
        "weight": np.array([2.0, 4, 6, 8]) * v["scale"],
        "event_number": np.arange(-1, N - 1),
    }


def layers(path):
    v = Fake()
    v.lists("eta phi", -2, 2)
    layers = v.rng.uniform(0, 9, (sum(COUNTS), 5))
    v["e_sampl"] = ak.unflatten(ak.from_regular(ak.Array(layers)), COUNTS)
    kept = v["e_sampl"][:, :, 1] > 5
    return write_rntuple(path, "clusters", v), {
        "towers.e": (ak.sum(v["e_sampl"], axis=2) / 1000)[kept],
        "towers.e_em": (ak.sum(v["e_sampl"][:, :, :3], axis=2) / 1000)[kept],
        "towers.e_had": (ak.sum(v["e_sampl"][:, :, 3:], axis=2) / 1000)[kept],
    }


def parts(path):
    v = Fake()
    v.directions("ecal", "trk")
    v.directions("hcal", "pho", counts=COUNTS[::-1])
    v.lists("ecal_e trk_pt trk_q", 0, 1)
    v.lists("hcal_e pho_et", 0, 1, COUNTS[::-1])
    ecal, hcal = v["ecal_e"] > 0.1, v["hcal_e"] > 0.5
    energy = np.sqrt(0.1396**2 + (v["trk_pt"] * np.cosh(v["trk_eta"])) ** 2)
    photon = v["pho_et"] * np.cosh(v["pho_eta"])
    return write_file(path, events=v), {
        "towers.e": ak.concatenate([v["ecal_e"][ecal], v["hcal_e"][hcal]], axis=1),
        "towers.e_em": ak.concatenate([v["ecal_e"][ecal], 0 * v["hcal_e"][hcal]], axis=1),
        "candidates.e": ak.concatenate([energy, photon], axis=1),
        "candidates.charge": ak.concatenate([v["trk_q"], 0 * photon], axis=1),
    }


def numbers(path):
    v = Fake()
    v.numbers("lep1_pt lep2_pt lep1_eta lep2_eta lep1_phi lep2_phi", 0, 2)
    v.numbers("jet_pt jet_eta jet_phi jet_m", 0, 3)
    v["lep2_pt"][1:3] = -999
    first, second = v["lep1_phi"], v["lep2_phi"]
    return write_file(path, events=v), {
        "tracks.phi": [[first[0], second[0]], [first[1]], [first[2]], [first[3], second[3]]],
        "fat_jets.mass": v["jet_m"][:, np.newaxis],
    }


def one_jet(path):
    v = Fake()
    v.numbers("jet_pt jet_eta jet_phi jet_m jet_tau1 jet_tau2 jet_tau3", 0, 3)
    v.lists("part_px part_py part_pz part_q", -9, 9)
    v.lists("part_e part_em", 0, 1)
    had = v["part_e"] * (1 - v["part_em"])
    return write_file(path, tree=v), {
        "fat_jets.tau3": v["jet_tau3"][:, np.newaxis],
        "constituents.pt": pt_of(v["part_px"], v["part_py"])[:, np.newaxis],
        "constituents.e_had": had[:, np.newaxis],
    }


def depth(path):
    v = Fake()
    v.lists("cell_x cell_y", -1600, 1600)
    v.lists("cell_z cell_e", -1, 1)
    edges = [1500, 1590, 1800, 1970, 2300]
    radius = pt_of(v["cell_x"], v["cell_y"])
    layers = [list(np.where(of < 2300, np.digitize(of, edges) - 1, -1)) for of in radius]
    sizes = [[[0.025, 0.0031, 0.025, 0.05, 0][layer] for layer in of] for of in layers]
    return write_file(path, showers=v), {"towers.layer": layers, "towers.eta_size": sizes}


def momenta(path):
    v = Fake()
    v.lists("cell_x cell_y cell_z trk_px trk_py trk_pz pf_px pf_py pf_pz pf_q", -1, 1)
    v.lists("jet_px jet_py jet_pz", -9, 9)
    v.lists("cell_e pf_m", 0, 0.1)
    p2 = v["jet_px"] ** 2 + v["jet_py"] ** 2 + v["jet_pz"] ** 2
    v["jet_e"] = ak.values_astype(np.sqrt(p2) + 20, np.float32)
    pt = pt_of(v["trk_px"], v["trk_py"])
    radius = pt_of(v["cell_x"], v["cell_y"])
    cells = v["cell_e"] > 0.01
    e2 = v["pf_m"] ** 2 + v["pf_px"] ** 2 + v["pf_py"] ** 2 + v["pf_pz"] ** 2
    return write_file(path, events=v), {
        "towers.eta": np.arcsinh(v["cell_z"] / radius)[cells],
        "towers.phi": np.arctan2(v["cell_y"], v["cell_x"])[cells],
        "tracks.eta": np.arcsinh(v["trk_pz"] / pt)[pt > 0.5],
        "candidates.e": np.sqrt(e2),
        "fat_jets.mass": np.sqrt(v["jet_e"] ** 2 - p2),
    }


def p4(path):
    v = Fake()
    for name in ("Jets", "Muons", "Clusters"):
        v.lists("pt eta phi mass e")
        members = ("pt", "eta", "phi", "mass", "e")
        v[name] = ak.zip({member: v.pop(member) for member in members})
    v.lists("Jets_softDropMass Clusters_emFraction")
    hard = v["Clusters"].pt > 2
    return write_rntuple(path, "events", v), {
        "fat_jets.pt": v["Jets"].pt,
        "fat_jets.mass": v["Jets_softDropMass"],
        "tracks.phi": v["Muons"].phi,
        "towers.e": v["Clusters"].e[hard],
        "towers.e_em": (v["Clusters"].e * v["Clusters_emFraction"])[hard],
    }


def nested_lists(path):
    v = Fake()
    v.jets()
    counts = [3, 0, 2, 1, 1]
    v.lists("jet_parts_pt jet_parts_eta jet_parts_phi jet_parts_e", counts=counts)
    inner = {name: v[name] for name in v if "parts" in name}
    v.update({name: ak.unflatten(of, [2, 0, 1, 2]) for name, of in inner.items()})
    return write_rntuple(path, "events", v), {
        f"constituents.{field}": v[f"jet_parts_{field}"] for field in ("pt", "eta", "phi", "e")
    }


def linked(v, prefix, jets="jet"):
    """Constituents 1 and 0 of the first jet of the first entry, 2 of its second, and so on."""
    v.jets(jets)
    v.lists(f"{prefix}pt {prefix}eta {prefix}phi")
    items = [[[1, 0], [2]], [], [[4, 2, 2]], [[], [0]]]
    expected = [
        [[v[f"{prefix}pt"][i, item] for item in jet] for jet in event]
        for i, event in enumerate(items)
    ]
    rows = [[item for jet in event for item in jet] for event in items]
    return items, rows, expected


def index_table(path):
    v = Fake()
    items, rows, expected = linked(v, "PFCands_", "FatJet")
    v["FatJet_mass"] = v.pop("FatJet_m")
    table = [[number for number, jet in enumerate(event) for _ in jet] for event in items]
    v["FatJetPFCands_jetIdx"], v["FatJetPFCands_pFCandsIdx"] = ak.Array(table), ak.Array(rows)
    return write_file(path, Events=v), {"constituents.pt": expected}


def ranges(path):
    """Some rows are of another collection (8), one of them in the middle of a jet."""
    v = Fake()
    v.jets()
    v.lists("px py pz energy")
    record = {"x": v.pop("px"), "y": v.pop("py"), "z": v.pop("pz")}
    pt = pt_of(record["x"], record["y"])
    v["Particles"] = ak.zip({"momentum": ak.zip(record), "energy": v.pop("energy")}, depth_limit=2)
    begin, end = [[0, 3], [], [1], [0, 0]], [[3, 4], [], [4], [0, 1]]
    v["Jets"] = ak.zip({"particles_begin": ak.Array(begin), "particles_end": ak.Array(end)})
    index = ak.Array([[1, 9, 0, 2], [], [3, 4, 2, 2], [0]])
    owner = ak.Array([[7, 8, 7, 7], [], [7, 7, 7, 7], [7]])
    v["_Jets_particles"] = ak.zip({"index": index, "collectionID": owner})
    expected = [
        [[pt[0, 1], pt[0, 0]], [pt[0, 2]]],
        [],
        [[pt[2, 4], pt[2, 2], pt[2, 2]]],
        [[], [pt[3, 0]]],
    ]
    return write_rntuple(path, "events", v), {"constituents.pt": expected}


def counts(path):
    v = Fake()
    items, rows, expected = linked(v, "pf_")
    numbers = [[len(jet) for jet in event] for event in items]
    v["JetsAK8_constituentsIndexCounts"] = ak.Array(numbers)
    v["JetsAK8_constituentsIndex"] = ak.Array(rows)
    return write_file(path, events=v), {"constituents.pt": expected}


def element_links(path):
    """The second link of the first jet is one into another container."""
    v = Fake()
    _, _, expected = linked(v, "clusters_")
    index = [[[1, 77, 0], [2]], [], [[4, 2, 2]], [[], [0]]]
    key = [[[481723, 5, 481723], [481723]], [], [[481723] * 3], [[], [481723]]]
    v["jet_links"] = ak.zip({"m_persIndex": ak.Array(index), "m_persKey": ak.Array(key)})
    return write_rntuple(path, "CollectionTree", v), {"constituents.pt": ak.Array(expected) / 1000}


def jets_of_constituents(path):
    """Jets of two collinear constituents and of one."""
    v = Fake()
    rows = {"pt": [[3.0, 4.0], [5.0]], "eta": [[0.5, 0.5], [-1.0]], "phi": [[1.0, 1.0], [2.0]]}
    v.update({f"pf_{name}": ak.Array(values) for name, values in rows.items()})
    v["jet_n"] = ak.Array([[2], [1]])
    return write_file(path, events=v), {
        "fat_jets.pt": [[7.0], [5.0]],
        "fat_jets.eta": [[eta] for eta in along_beam([7.0, 5.0], [3, 4], [0.5, -1.0])],
        "fat_jets.phi": [[1.0], [2.0]],
    }


def along_beam(pts, _, etas):
    """Pseudorapidity of jets whose constituents fly in the same direction."""
    return [np.arcsinh(pt * np.sinh(eta) / pt) for pt, eta in zip(pts, etas, strict=True)]


def extends(path):
    v = Fake()
    for name in ("Tower.Eta", "Tower.Phi", "Track.Eta", "Track.Phi"):
        v.lists(name, -2, 2)
    v.lists("Tower.E Tower.Eem Tower.Ehad Track.PT", 0, 3)
    v["Event.Number"] = np.arange(N)
    kept = v["Tower.E"] * 1.02 > 1
    return write_file(path, Delphes=v), {
        "towers.e": 1.02 * v["Tower.E"][kept],
        "towers.e_had": 1.02 * v["Tower.Ehad"][kept],
        "tracks.eta": v["Track.Eta"][v["Track.PT"] > 1],
        "weight": np.ones(N),
        "info.cross_section_pb": 0.0131,
    }


def extends_with_lists(path):
    v = Fake()
    v.lists("Jet_pt Jet_eta Jet_phi Jet_mass", 0, 3, counts=[1] * 30)
    energy = np.sqrt(v["Jet_mass"] ** 2 + (v["Jet_pt"] * np.cosh(v["Jet_eta"])) ** 2)
    return write_nanoaod(path, **v), {"towers.e": energy}


def sampling_layers(path):
    v = Fake()
    v.lists("rawEta rawPhi", -2, 2, [2, 1])
    v.lists("rawE", counts=[2, 1])
    # EMB1 and TileBar0; EME3, FCAL0 and FCAL1; HEC0 alone
    v["samplingPattern"] = ak.Array([[0b1000000000010, 1 << 7 | 1 << 21 | 1 << 22], [1 << 8]])
    v["e_sampl"] = ak.Array([[[3.0, 5.0], [10.0, 20.0, 40.0]], [[9.0]]])
    expected = {
        "towers.e": v["rawE"] / 1000,
        "towers.e_em": ak.Array([[0.003, 0.030], [0]]),
        "towers.eta": v["rawEta"],
    }
    clusters = ak.zip(dict(v), depth_limit=2)
    columns = {"CaloCalTopoClustersAuxDyn": clusters}
    return write_rntuple(path, "CollectionTree", columns), expected


def choose(path):
    containers = [
        container_columns(name, "pt", "eta", "phi", "m", counts=counts)
        for name, counts in (("AnalysisJets", (2, 0, 3)), ("AnalysisLargeRJets", (1, 1, 0)))
    ]
    muons = container_columns("AnalysisMuons", "pt", "eta", "phi", counts=(0, 2, 1))
    jets, large, pt = (
        containers[0]["AnalysisJetsAuxDyn.phi"],
        containers[1]["AnalysisLargeRJetsAuxDyn.pt"],
        muons["AnalysisMuonsAuxDyn.phi"],
    )
    return write_xaod(path, *containers, muons), {
        "towers.phi": ak.concatenate([jets, pt], axis=1),
        "fat_jets.pt": large / 1000,
    }


def jets_and_leptons(path):
    columns = lepton_columns() | nanoaod_columns(6)
    return write_file(path, Events=columns), {
        "towers.eta": ak.concatenate(
            [
                columns["Jet_eta"],
                *(columns[f"{name}_eta"][:, 1:] for name in ("Electron", "Muon")),
                columns["Photon_eta"][:, 1:2],
            ],
            axis=1,
        ),
        "candidates.pt": columns["PFCands_pt"],
    }


def podio(path):
    collections = podio_collections()
    hits = [collections[name] for name in ("ECALBarrel", "HCALBarrel")]
    energy, cell = (ak.concatenate([one[of] for one in hits], 1) for of in ("energy", "cellID"))
    flow, jets = collections["PandoraPFOs"], collections["RefinedJets"]
    pt = np.hypot(flow["momentum.x"], flow["momentum.y"])
    slope = (flow["momentum.z"] / pt)[flow["charge"] != 0]
    return write_podio(path, collections, kind="RNTuple"), {
        "towers.e": [
            [e for e, one in zip(*of_event, strict=True) if int(one) >> 7 & 511 < 20]
            for of_event in zip(energy, cell, strict=True)
        ],
        "candidates.e": flow["energy"],
        "fat_jets.pt": np.hypot(jets["momentum.x"], jets["momentum.y"]),
        "tracks.eta": np.arcsinh(slope)[:, ::-1],
    }


def delphes(path):
    v = Fake()
    for name in ("PhotonTower", "HadronTower", "Track", "Jet"):
        v.lists(f"{name}.Eta {name}.Phi", -2, 2)
    v.lists("PhotonTower.E PhotonTower.Eem PhotonTower.Ehad Jet.PT Jet.Mass Jet.BTag")
    v.lists("HadronTower.E HadronTower.Eem HadronTower.Ehad Track.PT")
    v["Event.Number"] = np.arange(N)
    return write_file(path, Delphes=v), {
        "towers.e_had": ak.concatenate([v["PhotonTower.Ehad"], v["HadronTower.Ehad"]], axis=1),
        "fat_jets.pt": v["Jet.PT"],
        "info.fat_jet_radius": 0.4,
    }


def friends(path):
    calo, v = Fake(), Fake(3)
    calo.directions("cell")
    calo.lists("cell_e")
    v.numbers("nominal")
    return write_file(path, events={"nominal": np.zeros(N)}, calo=calo, weights=v), {
        "towers.e": calo["cell_e"],
        "weight": v["nominal"],
    }


def event(path):
    v = Fake()
    v.directions("cell", "pf")
    v.lists("cell_e pf_pt pf_q")
    v.lists("pf_puppi", 0.1, 1)
    v["pf_puppi"] = v["pf_puppi"] * (v["pf_puppi"] > 0.4)
    v.numbers("mc_weight")
    v["is_signal"], v["dsid"] = np.arange(N) % 2, np.arange(N) + 410000
    v["xs"] = np.array([3.0, 4, 5, 6])
    meta = {"n_events": np.array([70, 30]), "sum_w": np.array([8.5, 1.5])}
    kept = v["pf_puppi"] > 0
    return write_file(path, events=v, meta=meta), {
        "candidates.pt": (v["pf_pt"] * v["pf_puppi"])[kept],
        "candidates.e": (v["pf_pt"] * np.cosh(v["pf_eta"]) * v["pf_puppi"])[kept],
        "weight": v["mc_weight"],
        "row_label": v["is_signal"],
        "process_id": v["dsid"],
        "info.n_generated": 100,
        "info.sum_of_weights": 10.0,
        "info.cross_section_pb": 6.0,
    }


FILES = {
    name.replace("_", " "): function
    for name, function in globals().items()
    if name.replace("_", " ") in EXAMPLES and callable(function)
}


@pytest.mark.parametrize("name", FILES)
def test_example(tmp_path, name):
    path, expected = FILES[name](tmp_path / "a.root")
    check(path, write_schema(tmp_path, EXAMPLES[name]), expected)


def test_example_of_references(tmp_path, delphes_dir):
    path = delphes_dir / "delphes_ATLASfat_qcd300_pythia8_10ev_slim.root"
    with uproot.open(path) as file:
        names = ("FatJet.Constituents", "Tower.fUniqueID", "Tower.E")
        jets, ids, energies = (file["Delphes"][name].array() for name in names)
    expected = []
    for of, own, energy in zip(jets.refs, ids, energies, strict=True):
        found = dict(zip(own.tolist(), energy.tolist(), strict=True))
        expected.append([[found[number] for number in jet] for jet in of])
    schema, wanted = write_schema(tmp_path, EXAMPLES["references"]), {"constituents": ("e",)}
    check(path, schema, {"constituents.e": expected}, fields=wanted)


def test_every_example_is_read():
    assert len(EXAMPLES) == PAGE.count("```yaml") == PAGE.count("<!-- example: ")
    assert set(EXAMPLES) - set(FILES) == {"references"}


def listed(table):
    """Names in the first column of a table."""
    rows = re.findall(r"^\| (`.*?) \|", TABLES[table], re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`(\w+)", row)]


def test_tables_list_exactly_the_keys():
    """Each is in its table once, and used in an example."""
    assert listed("keys") == [key.name for key in KEYS]
    for name, collection in COLLECTIONS.items():
        assert listed(name) == [key.name for key in collection.keys]
    assert sorted(set(re.findall(r"`(\w+)`", TABLES["links"]))) == sorted(
        {*LINK_KEYS, "begin", "end"}
    )
    contents = [yaml.safe_load(text) for text in EXAMPLES.values()]
    used = {key for content in contents for key in content}
    assert used == {key.name for key in KEYS}
    for name, collection in COLLECTIONS.items():
        of = [content[name] for content in contents if isinstance(content.get(name), dict)]
        of += [
            part
            for content in contents
            if isinstance(content.get(name), list)
            for part in content[name]
        ]
        in_examples = {key for one in of for key in one}
        assert in_examples <= {key.name for key in collection.keys}


def test_tables_list_exactly_the_functions():
    assert sorted(listed("functions")) == sorted({*FUNCTIONS, *ALIASES, "sum"})
