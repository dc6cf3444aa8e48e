"""Small files of podio, seeded: TTree or RNTuple, with the names that versions of it gave."""

from functools import cache

import awkward as ak
import numpy as np
import uproot
from fakes_ntuples import write_tree

FIELD = 3.5  # tesla
ENCODING = "system:5,side:-2,layer:9,x:32:-16,y:48:-16"
IDENTIFIERS = {"PandoraPFOs": 4196981182, "TightPFOs": 7, "SiTracks": 2195150269}
GEV_PER_TESLA_MM = 0.299792458e-3


def podio_collections(n=12):
    """Collections of a full simulation: name -> member -> lists of each event."""
    return dict(_collections(n))


@cache
def _collections(n, seed=3):
    rng = np.random.default_rng(seed)
    found = {name: hits(rng, n, 1e3) for name in ("ECALBarrel", "HCALBarrel", "MUON")}
    found |= particle_flow(rng, n)
    found["TightPFOs"] = {member: values[:, :2] for member, values in found["PandoraPFOs"].items()}
    found |= jets(rng, found)
    numbers = {"eventNumber": np.arange(n) + 5, "runNumber": np.ones(n, int)}
    found["EventHeader"] = {
        member: ak.from_regular(ak.Array(values)[:, np.newaxis])
        for member, values in {
            **numbers,
            "timeStamp": np.ones(n, int),
            "weight": rng.uniform(0.5, 2, n),
        }.items()
    }
    return found


def lists(rng, counts, low, high, dtype=np.float32):
    return ak.unflatten(rng.uniform(low, high, counts.sum()).astype(dtype), counts)


def hits(rng, n, radius):
    """Hits with layers 0 to 40 in cells whose highest bit is set in half of them."""
    counts = rng.integers(2, 9, n)
    layer, high = rng.integers(0, 41, counts.sum()), rng.integers(0, 2, counts.sum())
    cell = (3 | layer.astype(np.uint64) << np.uint64(7)) | high.astype(np.uint64) << np.uint64(63)
    return {
        "cellID": ak.unflatten(cell, counts),
        "energy": lists(rng, counts, 0.1, 5),
        "time": lists(rng, counts, 0, 9),
        **{f"position.{i}": lists(rng, counts, -radius, radius) for i in "xyz"},
    }


def particle_flow(rng, n):
    """Particles, of which every second is charged and has a track of two states."""
    counts = rng.integers(3, 9, n)
    x, y, z = (lists(rng, counts, -20, 20) for _ in range(3))
    place = ak.local_index(x)
    charge = ak.values_astype(ak.where(place % 2 == 0, 1 - place % 4, 0), np.float32)
    is_track = charge != 0
    n_tracks = ak.sum(is_track, axis=1)
    begin = ak.values_astype((place + 1) // 2, np.uint32)
    omega = GEV_PER_TESLA_MM * FIELD * charge / np.sqrt(x**2 + y**2)
    order = np.arange(int(ak.max(n_tracks)))[::-1]  # of the tracks, other than of the particles
    track = ak.Array([order[-k:] if k else [] for k in n_tracks])

    def states(column, at_last_hit):
        """Two states of each track: at the interaction point, and another."""
        column = column[is_track][ak.argsort(track)]
        both = ak.concatenate([column[..., None], at_last_hit(column)[..., None]], axis=-1)
        return ak.values_astype(ak.flatten(both, axis=2), np.float32)

    number = ak.local_index(track)
    pdg = ak.where(is_track, ak.where(place % 4 == 0, -11, 211), ak.where(place % 3, 22, 130))
    return {
        "PandoraPFOs": {
            "energy": np.sqrt(x**2 + y**2 + z**2 + np.float32(0.01)),
            **{f"momentum.{i}": one for i, one in zip("xyz", (x, y, z), strict=True)},
            "charge": charge,
            "mass": ak.full_like(x, 0.1),
            "PDG": ak.values_astype(pdg, np.int32),
            "tracks_begin": begin,
            "tracks_end": begin + ak.values_astype(is_track, np.uint32),
        },
        "_PandoraPFOs_tracks": references(track, "SiTracks"),
        "SiTracks": {
            "chi2": number * 1.0,
            "ndf": number,
            "trackStates_begin": 2 * number,
            "trackStates_end": 2 * number + 2,
        },
        "_SiTracks_trackStates": {
            "location": ak.values_astype(
                ak.flatten(
                    ak.concatenate([number[..., None] * 0 + 1, number[..., None] * 0 + 3], axis=-1),
                    axis=2,
                ),
                np.int32,
            ),
            "phi": states(np.arctan2(y, x), lambda phi: phi + 1),
            "omega": states(omega, lambda omega: omega),
            "tanLambda": states(z / np.sqrt(x**2 + y**2), lambda slope: slope),
        },
    }


def references(index, name):
    """Rows of a relation to one collection."""
    index = ak.values_astype(index, np.int32)
    return {
        "index": index,
        "collectionID": ak.values_astype(ak.full_like(index, 0), np.uint32)
        + np.uint32(IDENTIFIERS[name]),
    }


def jets(rng, found):
    """Two jets an event, whose rows are those of two collections in turn, out of order."""
    rows, owners, ranges = [], [], []
    for of_flow, of_tight in zip(
        found["PandoraPFOs"]["energy"], found["TightPFOs"]["energy"], strict=True
    ):
        flow = [(i, "PandoraPFOs") for i in rng.permutation(len(of_flow))]
        pairs = [*flow[1:], *((i, "TightPFOs") for i in range(len(of_tight))), flow[0]]
        rows.append([int(i) for i, _ in pairs])
        owners.append([IDENTIFIERS[name] for _, name in pairs])
        ranges.append([(2, len(pairs)), (0, 2)])
    total = {
        member: ak.Array(
            [
                [
                    sum(
                        float(found[name][member][event][i])
                        for i, owner in zip(
                            *(one[event][slice(*pair)] for one in (rows, owners)), strict=True
                        )
                        for name, number in IDENTIFIERS.items()
                        if number == owner
                    )
                    for pair in of_event
                ]
                for event, of_event in enumerate(ranges)
            ]
        )
        for member in ("energy", "momentum.x", "momentum.y", "momentum.z")
    }
    ends = ak.Array(ranges)
    return {
        "RefinedJets": {
            **total,
            "charge": total["energy"] * 0,
            "mass": np.sqrt(
                np.maximum(
                    total["energy"] ** 2 - sum(total[f"momentum.{i}"] ** 2 for i in "xyz"), 0
                )
            ),
            "particles_begin": ak.values_astype(ends["0"], np.uint32),
            "particles_end": ak.values_astype(ends["1"], np.uint32),
        },
        "_RefinedJets_particles": {
            "index": ak.values_astype(ak.Array(rows), np.int32),
            "collectionID": ak.values_astype(ak.Array(owners), np.uint32),
        },
    }


OLD_NAMES = {  # before podio 0.17
    "_PandoraPFOs_tracks": "PandoraPFOs#1",
    "_SiTracks_trackStates": "SiTracks_1",
    "_RefinedJets_particles": "RefinedJets#2",
}


def with_old_names(collections):
    """Names before podio 0.17, and numbers of collections with a sign."""
    return {
        OLD_NAMES.get(name, name): {
            member: ak.values_astype(values, np.int32) if member == "collectionID" else values
            for member, values in members.items()
        }
        for name, members in collections.items()
    }


def write_podio(path, collections, *, kind="TTree", metadata=True):
    """Write a podio file, with its metadata (whose text uproot writes in an RNTuple alone)."""
    with uproot.recreate(path) as file:
        if kind == "TTree":
            columns = {
                f"{name}.{member}": values
                for name, members in collections.items()
                for member, values in members.items()
            }
            write_tree(file, "events", columns)
        else:
            file.mkrntuple("events", {name: record(one) for name, one in collections.items()})
        if metadata:
            _write_metadata(file, with_records=kind == "RNTuple")
    return path


def record(members):
    """Lists of records, with records inside for names with a dot."""
    outer = {}
    for member, values in members.items():
        first, _, rest = member.partition(".")
        outer.setdefault(first, {})[rest] = values
    return ak.zip(
        {name: inner[""] if "" in inner else record(inner) for name, inner in outer.items()},
        depth_limit=2,
    )


def _write_metadata(file, *, with_records):
    """Numbers and names of collections, in lists of their own until podio 1.1, and cells' bits."""
    numbers = ak.Array([np.array([*IDENTIFIERS.values()], dtype=np.uint32)])
    names = ak.Array([list(IDENTIFIERS)])
    tables = {"events___idTable": numbers, "events_collectionNames": names}
    if with_records:
        records = ak.zip({"collectionID": numbers, "name": names}, depth_limit=2)
        tables = {"events___CollectionTypeInfo": records}
    file.mkrntuple("podio_metadata", tables)
    keys = [f"{name}__CellIDEncoding" for name in ("ECALBarrel", "HCALBarrel")]
    file.mkrntuple(
        "metadata",
        {"GPStringKeys": ak.Array([keys]), "GPStringValues": ak.Array([[[ENCODING]] * len(keys)])},
    )
