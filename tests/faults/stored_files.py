"""Drills of the files between the stages: models, checkpoints, scores, maps of runs, references,
tables, exported images, masks, results, counts. A bit or a stretch is another one, or they end
early.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache, partial
from itertools import islice
from pathlib import Path
from shutil import copy, rmtree
from tempfile import TemporaryDirectory

import h5py
import numpy as np
import torch
from conftest import REPOSITORY
from fakes import make_events, write_image_file, write_ntuple, write_two_samples
from fakes_maps import make_maps
from fakes_models import make_trained
from test_results import CLASSES

from calovision.evaluation import results
from calovision.images.mask_file import read_mask, write_mask
from calovision.images.masks import DeadRegion, Mask
from calovision.models import load_model, save_model
from calovision.monitoring.networks.files import load_tensors, save_tensors
from calovision.monitoring.reference import Reference
from calovision.monitoring.run_map_file import RunMapFile, write_run_maps
from calovision.ntuples import count_files
from calovision.scoring.score_files import COLUMNS, Contents, ScoredEntries, new_score_file
from calovision.storage import (
    ImageCollection,
    ImageFile,
    export_dense,
    import_dense,
    read_scores,
    read_table,
    verify_file,
    write_scores,
    write_table,
)
from calovision.storage.hdf5 import table_attributes
from calovision.training.checkpoints import (
    FINGERPRINT,
    ResumeFolder,
    WholeCheckpoints,
    read_checkpoint,
)
from faults.cases import Case, Drill, Judgement, Outcome, judge
from faults.changed_bytes import Change, flips, stretches, truncations

_FIELDS = {
    field.name for kind in vars(results).values() if is_dataclass(kind) for field in fields(kind)
}
DATA = REPOSITORY / "tests" / "data"
RESULTS = DATA / "results"
Content = Mapping[str, object]


@dataclass(frozen=True)
class Kind:
    """Files of a kind.

    Attributes
    ----------
    damaged
        Names of the files that are damaged, one at a time.
    write
        Writes good files into a folder.
    read
        What the package takes of them: name -> what two equal ones share.
    unavoidable
        Is given the bytes before and after a change that leads to other values, and says why nobody
        could notice; "" if somebody must.
    """

    damaged: tuple[str, ...]
    write: Callable[[Path], object]
    read: Callable[[Path], Content]
    unavoidable: Callable[[bytes, bytes], str] = lambda before, after: ""


def _write_model(folder: Path) -> None:
    save_model(folder, make_trained((1, 8, 8)), training={"seed": 1, "samples": ["a", "b"]})


def _read_model(folder: Path) -> Content:
    model = load_model(folder)
    found = {name: _bytes(tensor) for name, tensor in model.state_dict().items()}
    return found | {"@": repr((model.specification, model.training_run, model.recipe))}


def _bytes(tensor: torch.Tensor) -> bytes:
    return tensor.detach().cpu().numpy().tobytes()


def _write_checkpoints(folder: Path) -> None:
    runs = ResumeFolder(folder, "f")
    for step in (1, 2):
        weights = torch.arange(100.0) * step
        content = {FINGERPRINT: "f", "step": step, "weights": weights, "path": "w"}
        WholeCheckpoints().save_checkpoint(content, runs.path_at(step))


def _read_checkpoint(folder: Path) -> Content:
    """The newest is damaged, so that the run goes on from the one before."""
    path = ResumeFolder(folder, "f").latest()
    if path is None:
        return {}
    found = read_checkpoint(path)
    step = found["step"]
    return {
        "is whole": torch.equal(found["weights"], torch.arange(100.0) * step) and step in (1, 2)
    }


def _write_scores(folder: Path) -> None:
    collection = ImageCollection([write_image_file(folder / "images.h5")])
    rows = np.arange(len(collection))
    write_scores(folder / "scores.h5", collection, rows, np.linspace(-3, 3, len(rows)))


def _read_scores(folder: Path) -> Content:
    collection = ImageCollection([folder / "images.h5"])
    found = read_scores(folder / "scores.h5", collection, np.arange(len(collection)))
    return {"scores": found.tobytes()}


def _read_maps(folder: Path) -> Content:
    file = RunMapFile(folder / "maps.h5")
    found = {name: getattr(file, name).tobytes() for name in ("run", "lumi_block", "n_events")}
    maps = file[:]
    found |= {name: getattr(maps, name).tobytes() for name in ("occupancy", "total")}
    return found | {"@": repr((file.layout, file.origin))}


def _read_reference(folder: Path) -> Content:
    return {name: repr(value) for name, value in vars(Reference.load(folder / "r.h5")).items()}


def _write_tensors(folder: Path) -> None:
    save_tensors(
        folder / "n.st",
        {"kind": "k", "options": {"a": 3}, "history": []},
        {"w": torch.arange(50.0)},
    )


def _read_tensors(folder: Path) -> Content:
    description, tensors = load_tensors(folder / "n.st", "k")
    return {"@": repr(description)} | {name: _bytes(one) for name, one in tensors.items()}


def _write_counts(folder: Path) -> None:
    write_ntuple(folder / "a.root", *make_events(7))
    _read_counts(folder)


def _read_counts(folder: Path) -> Content:
    return {"n": count_files({str(folder / "a.root"): None}, folder / "counts.json")}


def _copy_results(folder: Path) -> None:
    for name in CLASSES:
        (folder / f"{name}.json").write_bytes((RESULTS / f"{name}.json").read_bytes())


def _read_results(folder: Path) -> Content:
    return {name: repr(one.read(folder / f"{name}.json")) for name, one in CLASSES.items()}


def _write_table(folder: Path) -> None:
    columns = {"name": np.array(["QCD", "tt̄", ""]), "x": np.arange(6.0).reshape(3, 2)}
    write_table(folder / "t.h5", columns, attributes={"scores": "logit", "n": 3})


def _read_table(folder: Path) -> Content:
    found = {name: one.tolist() for name, one in read_table(folder / "t.h5").items()}
    return found | table_attributes(folder / "t.h5", "scores", "n")


def _write_dense(folder: Path) -> None:
    export_dense(write_two_samples(folder / "images", n_events=5), folder / "dense.h5")
    rmtree(folder / "images")


def _read_dense(folder: Path) -> Content:
    found = {}
    for path in import_dense(folder / "dense.h5", folder / "imported"):
        file = ImageFile(path)
        found |= {f"{path.name} {name}": one.tobytes() for name, one in file.events.items()}
        found |= {
            path.name: file[:].tobytes(),
            f"{path.name}@": repr(file.metadata).replace(str(folder), ""),
        }
    return found


def _write_scored_entries(folder: Path) -> None:
    contents = Contents("tree", 2, {"model": "m", "n": 3})
    entries = ScoredEntries(
        np.arange(9) % 2 == 0,
        {name: np.arange(18, dtype=np.float32) for name in COLUMNS},
        np.full(9, 2),
    )
    with new_score_file(folder / "s.h5", "hdf5", contents) as append:
        append(entries)


def _read_scored_entries(folder: Path) -> Content:
    """Other programs read them; calovision verifies."""
    verify_file(folder / "s.h5")
    with h5py.File(folder / "s.h5") as file:
        return {name: one[()].tobytes() for name, one in file.items()} | dict(file.attrs)


def _in_text(before: bytes, after: bytes) -> str:
    return "a value in a text that has no checksum" if _same_keys(before, after) else ""


def _in_older(before: bytes, after: bytes) -> str:
    return "written before there were checksums"


def _same_keys(before: bytes, after: bytes) -> bool:
    """Test that two JSON texts have the same keys, so that a value or a name, as that of a sample,
    is another one.
    """

    def keys(value: object) -> object:
        if isinstance(value, dict):
            return [(name if name in _FIELDS else "", keys(one)) for name, one in value.items()]
        return [keys(one) for one in value] if isinstance(value, list) else None

    return keys(json.loads(before)) == keys(json.loads(after))


def _older(kind: str, name: str, read: Callable[[Path], Content]) -> Kind:
    """Files that were written before there were checksums."""
    old = DATA / "unsealed" / f"{kind}.h5"
    return Kind((name,), lambda folder: copy(old, folder / name), read, _in_older)


def _read_old_scores(folder: Path) -> Content:
    found = {name: one.tolist() for name, one in read_table(folder / "t.h5").items()}
    return found | table_attributes(folder / "t.h5", "scores", "model", "n_rotations")


KINDS: dict[str, Kind] = {
    "models": Kind(("model.json", "model.safetensors"), _write_model, _read_model),
    "checkpoints": Kind(("step0000000002.ckpt",), _write_checkpoints, _read_checkpoint),
    "networks of monitoring": Kind(("n.st",), _write_tensors, _read_tensors),
    "scores": Kind(("scores.h5",), _write_scores, _read_scores),
    "maps of runs": Kind(
        ("maps.h5",), lambda folder: write_run_maps(folder / "maps.h5", make_maps()), _read_maps
    ),
    "references": Kind(
        ("r.h5",), lambda folder: Reference.of(make_maps(40)).save(folder / "r.h5"), _read_reference
    ),
    "masks": Kind(
        ("mask.json",),
        lambda folder: write_mask(folder / "mask.json", Mask((DeadRegion((0.5, 1), (-1, 2)),))),
        lambda folder: {"mask": repr(read_mask(folder / "mask.json"))},
        _in_text,
    ),
    "results": Kind(
        tuple(f"{name}.json" for name in CLASSES), _copy_results, _read_results, _in_text
    ),
    "counts": Kind(("counts.json",), _write_counts, _read_counts),
    "tables": Kind(("t.h5",), _write_table, _read_table),
    "exported images": Kind(("dense.h5",), _write_dense, _read_dense),
    "scores of ROOT files": Kind(("s.h5",), _write_scored_entries, _read_scored_entries),
    "older scores": _older("scores", "t.h5", _read_old_scores),
    "older maps of runs": _older("run_maps", "maps.h5", _read_maps),
    "older references": _older("reference", "r.h5", _read_reference),
}


@cache
def _made(kind: str) -> tuple[dict[str, bytes], Content]:
    """Good files, name -> bytes, and what is read of them."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        KINDS[kind].write(folder)
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        return files, KINDS[kind].read(folder)


def _judge(kind: str, name: str, change: Change, folder: Path) -> Judgement:
    files, good = _made(kind)
    for other, content in files.items():
        (folder / other).write_bytes(change.of(content) if other == name else content)
    if kind == "counts":  # its file is the same one of another time
        _write_counts(folder)
        (folder / name).write_bytes(change.of((folder / name).read_bytes()))
    judgement = judge(lambda: KINDS[kind].read(folder), good.__eq__, *files)
    if judgement.outcome is Outcome.WRONG and (
        why := KINDS[kind].unavoidable(files[name], change.of(files[name]))
    ):
        return Judgement(Outcome.UNAVOIDABLE, why)
    return judgement


def _cases(
    shares: Mapping[str, tuple[int, int, int]], seed: int, n_cases: int | None
) -> Iterator[Case]:
    """Flips, other stretches and truncations of some kinds; at most the number that is wanted."""
    return islice(_all_cases(shares, seed, n_cases), n_cases)


def _all_cases(
    shares: Mapping[str, tuple[int, int, int]], seed: int, n_cases: int | None
) -> Iterator[Case]:
    total = sum(map(sum, shares.values()))
    for kind, numbers in shares.items():
        files, _ = _made(kind)
        names = KINDS[kind].damaged
        for place, name in enumerate(names):
            rng = np.random.default_rng([seed, place, len(kind)])
            n_flips, n_stretches, n_short = (
                -(-n // len(names)) if n_cases is None else round(n * n_cases / total / len(names))
                for n in numbers
            )
            changes = [
                *flips(rng, np.arange(len(files[name])), n_flips),
                *stretches(rng, files[name], n_stretches),
                *truncations(rng, len(files[name]), n_short),
            ]
            for change in changes:
                yield Case(f"{kind}, {name}: {change}", partial(_judge, kind, name, change))


MODELS = Drill(
    "models", "Models, flips and truncations", partial(_cases, {"models": (340, 20, 60)})
)
CHECKPOINTS = Drill(
    "checkpoints",
    "Checkpoints, flips and truncations",
    partial(_cases, {"checkpoints": (40, 10, 10)}),
)
OTHER_FILES = Drill(
    "other_files",
    "Masks, networks of monitoring, results, counts",
    partial(
        _cases,
        {
            "networks of monitoring": (40, 10, 10),
            "masks": (40, 0, 10),
            "results": (84, 0, 21),
            "counts": (30, 0, 10),
        },
    ),
    note="masks and results are text that people may edit: another value in them is taken",
)
HDF5_FILES = Drill(
    "hdf5_files",
    "Scores, tables, maps of runs, references, exports: flips, other stretches, truncations",
    partial(
        _cases,
        {
            "scores": (60, 30, 10),
            "tables": (60, 30, 10),
            "maps of runs": (60, 30, 10),
            "references": (60, 30, 10),
            "exported images": (60, 30, 10),
            "scores of ROOT files": (60, 30, 10),
        },
    ),
    seconds=20,
)
OLDER_FILES = Drill(
    "older_files",
    "Scores, maps of runs and references without checksums",
    partial(
        _cases,
        {
            "older scores": (60, 30, 10),
            "older maps of runs": (60, 30, 10),
            "older references": (60, 30, 10),
        },
    ),
    note="files that were written before there were checksums",
    seconds=20,
)
STORED_DRILLS = (MODELS, CHECKPOINTS, OTHER_FILES, HDF5_FILES, OLDER_FILES)
