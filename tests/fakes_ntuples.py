"""Small ROOT files in the schemas nanoaod, treemaker and jetclass, and any other, seeded."""

from itertools import pairwise

import awkward as ak
import numpy as np
import uproot

from calovision.ntuples.branch_arrays import BranchArrays

# Three names each: of the candidates, of the index table and its column of candidates.
NANOAOD_NAMES = {
    "PFNano": ("PFCands", "FatJetPFCands", "pFCandsIdx"),
    "PFNano 10_6_X": ("JetPFCands", "JetPFCandsAK8", "candIdx"),
    "NanoAODv15": ("PFCand", "FatJetPFCand", "pfCandIdx"),
}
PDG_IDS = np.array([211, -211, 22, 130, 11, -11, 13, -13, 1, 2], dtype=np.int32)
CHARGES = np.array([1, -1, 0, 0, -1, 1, -1, 1, 0, 0], dtype=np.int32)


def branch_type(values):
    """Type of a branch, for mktree."""
    values = ak.Array(values)
    content = values.type.content
    return content.primitive if values.ndim == 1 else f"var * {content.content}"


def write_tree(file, name, columns, *, parts=1):
    """Write a TTree in ``parts`` baskets a branch."""
    tree = file.mktree(name, {key: branch_type(values) for key, values in columns.items()})
    n = len(next(iter(columns.values())))
    for start, stop in pairwise(np.linspace(0, n, parts + 1).astype(int)):
        tree.extend({key: values[start:stop] for key, values in columns.items()})


def write_file(path, parts=1, **trees):
    """Write several TTrees; ``__`` in a name stands for the slash after a folder."""
    with uproot.recreate(path) as file:
        for name, columns in trees.items():
            write_tree(file, name.replace("__", "/"), columns, parts=parts)
    return path


def write_uneven(path, lengths, *, parts=2, tree="events", **trees):
    """Write TTrees of ``parts`` baskets a branch; of ``tree`` each branch in ``lengths`` has only
    so many of them."""
    with uproot.recreate(path) as file:
        for name, columns in trees.items():
            write_tree(file, name, columns, parts=parts)
        cascade = file[tree]._cascading
        edges = np.linspace(0, len(next(iter(trees[tree].values()))), parts + 1).astype(int)
        for branch, n_baskets in lengths.items():
            _claim(file._file.sink, cascade, branch, n_baskets, int(edges[n_baskets]))
    return path


def _claim(sink, cascade, name, n_baskets, n_entries):
    """Say in the header of a branch that it has so many baskets and entries, as a writer that was
    killed leaves it."""
    datum = next(datum for datum in cascade._branch_data if datum.get("fName") == name)
    start = cascade._key.seek_location + cascade._key.num_bytes + datum["metadata_start"]
    heads = (0, datum["fBasketSize"], datum["fEntryOffsetLen"], n_baskets, n_entries)
    first, second = (
        getattr(uproot.models.TBranch, f"_tbranch13_format{number}") for number in (1, 2)
    )
    sink.write(start, first.pack(*heads))
    totals = [datum[name] for name in ("fFirstEntry", "fTotBytes", "fZipBytes")]
    numbers = (datum["fOffset"], cascade._basket_capacity, datum["fSplitLevel"], n_entries, *totals)
    sink.write(start + first.size + 11, second.pack(*numbers))


def floats(rng, counts, low, high):
    """Lists of float32, ``len(counts) * var``."""
    return ak.unflatten(rng.uniform(low, high, int(np.sum(counts))).astype(np.float32), counts)


def index_table(rng, n_jets, n_candidates):
    """Index table of each event: candidates of random jets, unsorted, some without a jet (-1)."""
    jets, candidates = [], []
    for jet_count, candidate_count in zip(n_jets, n_candidates, strict=True):
        n_rows = int(rng.integers(0, 2 * candidate_count + 1)) if candidate_count else 0
        jets.append(
            rng.integers(-1, jet_count, n_rows) if jet_count else -np.ones(n_rows, dtype=int)
        )
        candidates.append(
            rng.integers(0, candidate_count, n_rows) if candidate_count else np.zeros(0, dtype=int)
        )
    return tuple(ak.values_astype(ak.Array(rows), np.int32) for rows in (jets, candidates))


def nanoaod_columns(n_events=30, *, names="PFNano", seed=1):
    """Branches of the tree Events."""
    rng = np.random.default_rng(seed)
    candidates, table, item = NANOAOD_NAMES[names]
    n_candidates = rng.poisson(12, n_events) * (rng.random(n_events) > 0.1)
    n_jets = rng.integers(0, 4, n_events)
    kinds = rng.integers(0, len(PDG_IDS), n_candidates.sum())
    jet_index, item_index = index_table(rng, n_jets, n_candidates)
    columns = {
        "event": np.arange(1000, 1000 + n_events, dtype=np.uint64),
        "genWeight": rng.choice([-1.0, 1.0], n_events).astype(np.float32),
        f"{candidates}_pt": floats(rng, n_candidates, 0.5, 50),
        f"{candidates}_eta": floats(rng, n_candidates, -3, 3),
        f"{candidates}_phi": floats(rng, n_candidates, -3.1, 3.1),
        f"{candidates}_mass": floats(rng, n_candidates, 0, 0.5),
        f"{candidates}_pdgId": ak.unflatten(PDG_IDS[kinds], n_candidates),
        f"{table}_jetIdx": jet_index,
        f"{table}_{item}": item_index,
    }
    if names != "NanoAODv15":
        columns[f"{candidates}_charge"] = ak.unflatten(CHARGES[kinds], n_candidates)
    for name, high in {
        "pt": 900,
        "eta": 2,
        "phi": 3,
        "mass": 200,
        "tau1": 1,
        "tau2": 1,
        "tau3": 1,
    }.items():
        columns[f"FatJet_{name}"] = floats(
            rng, n_jets, 0 if name in ("mass", "tau1") else -high * (high < 9), high
        )
    return columns


def lepton_columns(n=6, seed=4, **more):
    """Branches of an Events tree with two jets and three of each lepton, of which the first is in a
    jet."""
    rng = np.random.default_rng(seed)
    columns = {"event": np.arange(n, dtype=np.uint64)}
    for name, count in {"Jet": 2, "Electron": 3, "Muon": 3, "Photon": 3, "IsoTrack": 1}.items():
        for of in ("pt", "eta", "phi", "mass"):
            columns[f"{name}_{of}"] = floats(rng, np.full(n, count), 1, 3)
        if count == 3:
            columns[f"{name}_jetIdx"] = ak.Array([[1, -1, -1]] * n)
    columns["Photon_electronIdx"] = ak.Array([[-1, -1, 2]] * n)
    for of in ("chEmEF", "neEmEF", "chHEF", "neHEF"):
        columns[f"Jet_{of}"] = floats(rng, np.full(n, 2), 0, 0.25)
    return columns | more


def runs_columns(counts=(70, 30), sums=(35.5, 14.5)):
    """Branches of the tree Runs."""
    return {
        "genEventCount": np.array(counts, dtype=np.int64),
        "genEventSumw": np.array(sums, dtype=np.float64),
    }


def write_nanoaod(path, *, names="PFNano", columns=None, runs=None, n_events=30, parts=1, **more):
    """Write the trees Events and Runs; ``more`` are further branches of Events."""
    columns = nanoaod_columns(n_events, names=names) if columns is None else columns
    runs = runs_columns() if runs is None else runs
    return write_file(path, parts, Events=columns | more, **({"Runs": runs} if runs else {}))


def jetclass_columns(n_jets=20, *, seed=1):
    """Branches of JetClass: particles around a jet whose momentum is their sum."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 30, n_jets)
    total = counts.sum()
    pt, kind = rng.uniform(1, 80, total), rng.integers(0, 5, total)
    eta = np.repeat(rng.uniform(-2, 2, n_jets), counts) + rng.normal(0, 0.3, total)
    phi = np.repeat(rng.uniform(-np.pi, np.pi, n_jets), counts) + rng.normal(0, 0.3, total)
    momenta = {"px": pt * np.cos(phi), "py": pt * np.sin(phi), "pz": pt * np.sinh(eta)}
    momenta["energy"] = np.sqrt(sum(p**2 for p in momenta.values()) + 0.14**2)
    columns = {
        f"part_{name}": ak.unflatten(v.astype(np.float32), counts) for name, v in momenta.items()
    }
    kinds = ("ChargedHadron", "NeutralHadron", "Photon", "Electron", "Muon")
    columns |= {
        f"part_is{name}": ak.unflatten((kind == i).astype(np.int32), counts)
        for i, name in enumerate(kinds)
    }
    charge = rng.choice([-1.0, 1.0], total) * np.isin(kind, (0, 3, 4))
    columns["part_charge"] = ak.unflatten(charge.astype(np.float32), counts)
    px, py, pz, e = (
        np.array(ak.sum(ak.unflatten(momenta[n], counts), axis=1))
        for n in ("px", "py", "pz", "energy")
    )
    columns |= {
        "jet_pt": np.hypot(px, py).astype(np.float32),
        "jet_eta": np.arcsinh(pz / np.hypot(px, py)).astype(np.float32),
        "jet_phi": np.arctan2(py, px).astype(np.float32),
        "jet_energy": e.astype(np.float32),
    }
    return columns | {
        f"jet_tau{i}": rng.uniform(0, 1, n_jets).astype(np.float32) for i in (1, 2, 3)
    }


# Variables of containers of ATLAS.
JET = ("pt", "eta", "phi", "m")
CLUSTER = ("calE", "calEta", "calPhi")
_RANGES = {
    **{"eta": (-2, 2), "calEta": (-2, 2), "phi": (-3, 3), "calPhi": (-3, 3), "charge": (-1, 1)},
    **{"theta": (0.3, 2.8), "qOverP": (-2e-4, -1e-5), "EMFrac": (0, 1)},
}


def container_columns(name, *variables, counts=(2, 0, 3), seed=1, aux="AuxDyn."):
    """Branches of a container of ATLAS; energies and momenta are 10 to 90 GeV, in MeV."""
    rng = np.random.default_rng(seed)
    return {
        f"{name}{aux}{variable}": floats(rng, counts, *_RANGES.get(variable, (1e4, 9e4)))
        for variable in variables
    }


def write_xaod(path, *containers, tree="CollectionTree", **more):
    """Write containers of ATLAS, and further trees; without containers, jets and tracks."""
    containers = containers or (
        container_columns("AnalysisJets", *JET),
        container_columns("InDetTrackParticles", "theta", "phi", "qOverP", counts=(5, 1, 0)),
    )
    columns = {name: values for one in containers for name, values in one.items()}
    return write_file(path, **{tree: columns}, **more)


def treemaker_columns(*, without=()):
    """Branches of TreeMaker with the constituents of jets, two events; no weights, as in data."""
    rng = np.random.default_rng(1)
    counts = {"Jets": [2, 1], "JetsAK8": [1, 2], "JetsConstituents": [3, 4], "Muons": [0, 1]}
    found = {
        f"{name}.fCoordinates.{of}": floats(rng, np.array(n), 1, 3)
        for name, n in counts.items()
        for of in ("fPt", "fEta", "fPhi", "fE")
    }
    lists = {
        "JetsConstituents_PdgId": [[211, 22, -11], [2, 1, 130, 13]],
        "JetsAK8_constituentsIndexCounts": [[2], [1, 2]],
        "JetsAK8_constituentsIndex": [[2, 0], [3, 1, 2]],
    }
    found |= {name: ak.values_astype(ak.Array(of), np.int32) for name, of in lists.items()}
    found["EvtNum"] = np.arange(2, dtype=np.uint64)
    return {name: of for name, of in found.items() if not name.startswith(tuple(without) or "-")}


def write_treemaker(path, **options):
    return write_file(path, TreeMaker2__PreSelection=treemaker_columns(**options))


def chunk_of(branches, start=0):
    """Branches of a chunk, given as arrays or as lists of Python."""
    arrays = {
        name: values if isinstance(values, ak.Array) else ak.Array(values)
        for name, values in branches.items()
    }
    n_events = len(next(iter(arrays.values())))
    return BranchArrays(arrays, "a.root", start, n_events)


def typed(rows, kind=np.int32):
    """Lists, also without any number in them, of a type."""
    counts = [len(row) for row in rows]
    flat = np.array([value for row in rows for value in row], dtype=kind)
    return ak.unflatten(flat, np.array(counts, dtype=np.int64))


def typed_nested(rows, kind=np.int32):
    """Lists in lists of a type."""
    inner = [len(jet) for row in rows for jet in row]
    flat = np.array([value for row in rows for jet in row for value in jet], dtype=kind)
    jets = ak.unflatten(flat, np.array(inner, dtype=np.int64))
    return ak.unflatten(jets, np.array([len(row) for row in rows], dtype=np.int64))
