"""Drill of ROOT files with numbers that nothing has: not finite, beyond any energy, no angle.

A file has one such number, of one object in one event. A number that cannot be is refused by a
sentence that names the file and the entry; an object whose place is unknown or outside of the grid
is not in the image but counted as overflow; what is possible is taken. All other events are as they
were.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import awkward as ak
import numpy as np
from fakes import make_events
from fakes_ntuples import jetclass_columns, nanoaod_columns, runs_columns, write_file

from calovision.conversion import ImageRecipe, Sample, convert_ntuple
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.images.jet_images import JetImageRecipe
from calovision.jets import FatJetDefinition
from calovision.storage import ImageFile
from faults.cases import Case, Drill, Judgement, judge

N_EVENTS, N_JETS, N_CONSTITUENTS = 8, 2, 5
REFUSED, DROPPED, TAKEN = "refused", "dropped", "taken"
OUTSIDE = {"eta": 50.0, "pz": 1e6}
"""Numbers of an object in no grid: one that is dropped leaves the image that it leaves there."""
SAMPLE = Sample("qcd", 0, cross_section_pb=1.0)
EVENT_IMAGES = ImageRecipe(
    grid=EtaPhiGrid(8, 8),
    channels=("em", "had", "towers", "tracks", "track_pt"),
    variables={"v": "v"},
)
JET_IMAGES = ImageRecipe(
    jets=JetImageRecipe(JetGrid(6, 6, 1.2), channels=("et", "charged_pt")),
    jets_per_event=N_JETS,
    fat_jets=FatJetDefinition(pt_min=20.0),
)
NOT_FINITE = (np.nan, np.inf, -np.inf)
Numbers = dict[float, str]
_ENERGIES: Numbers = dict.fromkeys((*NOT_FINITE, 1e30, 1e13, -1e30), REFUSED) | {1e-40: TAKEN}
_ETAS: Numbers = dict.fromkeys((*NOT_FINITE, 1e9, -60.0), DROPPED)
_ABSURD_PHIS = dict.fromkeys((1e9, 360.0, -999.0), REFUSED)
_PHIS: Numbers = dict.fromkeys(NOT_FINITE, DROPPED) | _ABSURD_PHIS
_OF_JETS: Numbers = dict.fromkeys(NOT_FINITE, REFUSED)
_JETS = {
    "pt": _OF_JETS | {1e30: REFUSED, 0.0: DROPPED, -999.0: DROPPED, 1e-40: DROPPED},
    "eta": _OF_JETS | {1e9: DROPPED, -60.0: DROPPED},
    "phi": _OF_JETS | _ABSURD_PHIS,
    "mass": _OF_JETS | {1e30: REFUSED, -50.0: REFUSED, 1e-40: TAKEN},
}
_WEIGHTS = dict.fromkeys((*NOT_FINITE, 1e300, -1e300), REFUSED)
_SUMS = dict.fromkeys((*NOT_FINITE, 1e300), REFUSED)


@dataclass(frozen=True)
class Format:
    """A file of a format, and numbers that nothing has in its branches.

    Attributes
    ----------
    trees
        Good content: tree -> its branches; the first one has the events.
    recipe
        Of its images.
    numbers
        Branch -> number -> what becomes of it.
    jets
        Beginning of the names of the branches of jets.
    """

    name: str
    trees: Mapping[str, Mapping[str, ak.Array]]
    recipe: ImageRecipe
    numbers: Mapping[str, Numbers]
    jets: str
    made: dict[str, "Converted"] = field(default_factory=dict)

    def convert(
        self, folder: Path, branch: str = "", number: float = 0, at: int = 0
    ) -> "Converted":
        """Images of the file, or of one with another number in a branch."""
        trees = {
            tree: columns
            if branch not in columns
            else {**columns, branch: changed(columns[branch], number, at)}
            for tree, columns in self.trees.items()
        }
        path = write_file(folder / f"{self.name}.root", **trees)
        output = path.with_suffix(".h5")
        convert_ntuple(path, output, self.recipe, sample=SAMPLE)
        file = ImageFile(output)
        columns = {name: np.array(file.events[name]) for name in file.events}
        return Converted(file.dense(np.arange(len(file))), columns)

    @cached_property
    def good(self) -> "Converted":
        """Images of the good file."""
        with TemporaryDirectory() as folder:
            return self.convert(Path(folder))

    def without(self, branch: str, at: int) -> "Converted":
        """Images of the file in which the object of a branch is outside, or no jet."""
        beginning = branch.rpartition("_")[0]
        if beginning == self.jets:
            name, value = f"{beginning}_pt", 0.0
        else:
            every = {one for columns in self.trees.values() for one in columns}
            found = {f"{beginning}_{one}": number for one, number in OUTSIDE.items()}
            name, value = next((one, found[one]) for one in found if one in every)
        with TemporaryDirectory() as folder:
            return self.convert(Path(folder), name, value, at)

    def event_of(self, branch: str, at: int) -> int:
        """Event of an entry of a branch."""
        values = next(of[branch] for of in self.trees.values() if branch in of)
        if not isinstance(values, ak.Array) or values.ndim == 1:
            return at
        return int(np.searchsorted(np.cumsum(ak.to_numpy(ak.num(values))), at, side="right"))


@dataclass(frozen=True)
class Converted:
    """Images and columns of a conversion."""

    images: np.ndarray
    columns: dict[str, np.ndarray]

    def differences(self, other: "Converted", without: tuple[str, ...] = ()) -> list[str]:
        """Names of what differs."""
        if self.images.shape != other.images.shape:
            return ["number of rows"]
        found = [] if np.array_equal(self.images, other.images) else ["images"]
        return found + [
            name
            for name, values in self.columns.items()
            if name not in without
            and not np.array_equal(values, other.columns[name], equal_nan=True)
        ]

    def of_events(self, entries: np.ndarray) -> "Converted":
        """Rows of some events."""
        chosen = np.isin(self.columns["entry"], entries)
        columns = {name: values[chosen] for name, values in self.columns.items()}
        return Converted(self.images[chosen], columns)


def changed(values: ak.Array, number: float, at: int) -> ak.Array:
    """Branch with another number in one entry of its flat values."""
    if not isinstance(values, ak.Array) or values.ndim == 1:
        flat = np.array(values)
        flat[at] = number
        return flat
    flat = np.array(ak.flatten(values))
    flat[at] = number
    return ak.unflatten(flat, ak.num(values))


def events_of_file() -> dict[str, ak.Array]:
    """Branches of the tree of events: towers, tracks, jets with their constituents."""
    rng = np.random.default_rng(3)
    towers, tracks = make_events(N_EVENTS, seed=3, eta_max=2.4)
    columns = {f"towers_{name}": towers[name] for name in ("eta", "phi", "e_em", "e_had")}
    columns |= {f"tracks_{name}": tracks[name] for name in ("pt", "eta", "phi")}
    shape = (N_EVENTS, N_JETS)
    jets = {"pt": np.array([[400.0, 300.0]] * N_EVENTS), "eta": rng.uniform(-1.5, 1.5, shape)}
    jets |= {"phi": rng.uniform(-3, 3, shape), "mass": rng.uniform(50, 90, shape)}
    inside = (*shape, N_CONSTITUENTS)
    constituents = {
        "eta": jets["eta"][..., np.newaxis] + rng.normal(0, 0.2, inside),
        "phi": jets["phi"][..., np.newaxis] + rng.normal(0, 0.2, inside),
        "charge": rng.integers(-1, 2, inside).astype(float),
    }
    constituents |= {name: rng.uniform(20, 80, inside) for name in ("pt", "e_em", "e_had")}
    columns |= {f"fat_jets_{name}": ak.from_regular(values) for name, values in jets.items()}
    columns |= {
        f"constituents_{name}": ak.from_regular(values.reshape(N_EVENTS, -1))
        for name, values in constituents.items()
    }
    columns = {name: ak.values_astype(values, np.float32) for name, values in columns.items()}
    counts = np.full(shape, N_CONSTITUENTS, dtype=np.int32)
    columns["fat_jets_n_constituents"] = ak.from_regular(counts)
    return columns | {
        "event_number": np.arange(N_EVENTS),
        "weight": np.ones(N_EVENTS),
        "v": rng.uniform(0, 1, N_EVENTS),
    }


def _formats() -> tuple[Format, ...]:
    of_constituents = {
        "constituents_pt": _ENERGIES,
        "constituents_eta": _ETAS,
        "constituents_phi": _PHIS,
        "constituents_charge": _OF_JETS | {1e30: REFUSED},
        "fat_jets_n_constituents": dict.fromkeys((-1, 4, 6, 10**6, 2**31 - 1), REFUSED),
    }
    of_jets = {f"fat_jets_{name}": numbers for name, numbers in _JETS.items()}
    generation = {
        "n_generated": np.array([100]),
        "sum_of_weights": np.array([100.0]),
        "cross_section_pb": np.array([2.0]),
    }
    trees = {"events": events_of_file(), "generation": generation}
    of_events = {
        "towers_e_em": _ENERGIES | {-5.0: TAKEN},
        "towers_e_had": _ENERGIES | {-5.0: TAKEN},
        "towers_eta": _ETAS,
        "towers_phi": _PHIS,
        "tracks_pt": _ENERGIES,
        "tracks_eta": _ETAS,
        "tracks_phi": _PHIS,
        "weight": _WEIGHTS | {-2.5: TAKEN, 1e-310: TAKEN},
        "v": dict.fromkeys((*NOT_FINITE, 1e30, -1e300, 1e-310), TAKEN),
        "n_generated": dict.fromkeys((-1, 0, 3, 2**62), REFUSED),
        "sum_of_weights": _SUMS,
    }
    nanoaod = {f"FatJet_{name}": numbers for name, numbers in _JETS.items()}
    nanoaod |= {"PFCands_pt": _ENERGIES, "PFCands_eta": _ETAS, "PFCands_phi": _PHIS}
    nanoaod |= {"genWeight": _OF_JETS, "genEventSumw": _SUMS}
    nanoaod |= {f"FatJetPFCands_{name}": {10**6: REFUSED} for name in ("jetIdx", "pFCandsIdx")}
    of_particles = dict.fromkeys((*NOT_FINITE, 1e30), REFUSED)
    jetclass = {f"part_{name}": of_particles for name in ("px", "py")}
    jetclass |= {"part_pz": dict.fromkeys((*NOT_FINITE, 1e30), DROPPED)}
    jetclass |= {f"jet_{name}": _OF_JETS for name in ("pt", "eta", "phi", "energy")}
    of_nanoaod = {"Events": nanoaod_columns(N_EVENTS), "Runs": runs_columns()}
    return (
        Format("events", trees, EVENT_IMAGES, of_events | of_jets, "fat_jets"),
        Format("jets", trees, JET_IMAGES, of_jets | of_constituents, "fat_jets"),
        Format("nanoaod", of_nanoaod, JET_IMAGES, nanoaod, "FatJet"),
        Format("jetclass", {"tree": jetclass_columns(N_EVENTS)}, JET_IMAGES, jetclass, "jet"),
    )


def _is_right(of: Format, branch: str, number: float, at: int, found: Converted) -> bool:
    expected = of.numbers[branch][number]
    if expected == REFUSED:  # unless it is of no jet, so that nothing was made of it
        return not found.differences(of.good)
    if expected == DROPPED:
        return not found.differences(of.without(branch, at), ("overflow",))
    others = np.delete(np.arange(N_EVENTS), of.event_of(branch, at))
    same = not found.of_events(others).differences(of.good.of_events(others))
    if branch in found.columns:  # a column is what it was given
        return same and np.array_equal(
            found.columns[branch], changed(of.good.columns[branch], number, at), equal_nan=True
        )
    return same and np.isfinite(found.images).all() and _adds_up(of, branch, number, at, found)


def _adds_up(of: Format, branch: str, number: float, at: int, found: Converted) -> bool:
    """Test that the energy in image and overflow changed by that of the tower."""
    channels = {"towers_e_em": 0, "towers_e_had": 1, "tracks_pt": 4}
    if branch not in channels or of.name != "events":
        return True
    channel, before = channels[branch], np.array(ak.flatten(of.trees["events"][branch]))[at]
    sums = [
        one.images[:, channel].sum(dtype=np.float64) + one.columns["overflow"][:, channel].sum()
        for one in (found, of.good)
    ]
    return bool(np.isclose(sums[0] - sums[1], number - before, rtol=1e-4, atol=1e-2))


def _judge(of: Format, branch: str, number: float, at: int, folder: Path) -> Judgement:
    right = partial(_is_right, of, branch, number, at)
    return judge(
        lambda: of.convert(folder, branch, number, at), right, f"{of.name}.root, entry ", *_KEYS
    )


_KEYS = ("generation", "n_generated", "generator weights", "in entry ", "Runs")


def _cases(seed: int, n_cases: int | None) -> Iterator[Case]:
    rng = np.random.default_rng(seed)
    every = [
        (of, branch, number)
        for of in _formats()
        for branch, numbers in of.numbers.items()
        for number in numbers
    ]
    chosen = range(len(every)) if n_cases is None else rng.choice(len(every), n_cases)
    for one in chosen:
        of, branch, number = every[one]
        of.good  # noqa: B018  once, before the processes
        values = next(columns[branch] for columns in of.trees.values() if branch in columns)
        at = int(rng.integers(len(ak.flatten(values, axis=None))))
        case = f"{of.name}: {branch} {at} = {number:g}"
        yield Case(case, partial(_judge, of, branch, number, at))


ABSURD_NUMBERS = Drill("absurd_numbers", "Numbers that nothing has in ROOT files", _cases)
