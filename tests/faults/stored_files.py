"""Drills of the files between the stages: models, checkpoints, scores, maps of runs, references,
masks, results, counts. A bit is another one, or they end early.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from conftest import REPOSITORY
from fakes import make_events, write_image_file, write_ntuple
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
from calovision.storage import ImageCollection, read_scores, write_scores
from calovision.training.checkpoints import (
    FINGERPRINT,
    ResumeFolder,
    WholeCheckpoints,
    read_checkpoint,
)
from faults.cases import Case, Drill, Judgement, Outcome, judge
from faults.changed_bytes import Change, flips, truncations

_FIELDS = {
    field.name for kind in vars(results).values() if is_dataclass(kind) for field in fields(kind)
}
RESULTS = REPOSITORY / "tests" / "data" / "results"
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
    no_checksum
        Whether a value that is possible is taken, as of text that people may edit.
    """

    damaged: tuple[str, ...]
    write: Callable[[Path], object]
    read: Callable[[Path], Content]
    no_checksum: bool = False


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
        no_checksum=True,
    ),
    "results": Kind(
        tuple(f"{name}.json" for name in CLASSES), _copy_results, _read_results, no_checksum=True
    ),
    "counts": Kind(("counts.json",), _write_counts, _read_counts),
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
    may_change = judgement.outcome is Outcome.WRONG and KINDS[kind].no_checksum
    if may_change and _same_keys(files[name], change.of(files[name])):
        return Judgement(Outcome.UNAVOIDABLE, "a value in a text that has no checksum")
    return judgement


def _same_keys(before: bytes, after: bytes) -> bool:
    """Test that two JSON texts have the same keys, so that a value or a name, as that of a sample,
    is another one.
    """

    def keys(value: object) -> object:
        if isinstance(value, dict):
            return [(name if name in _FIELDS else "", keys(one)) for name, one in value.items()]
        return [keys(one) for one in value] if isinstance(value, list) else None

    return keys(json.loads(before)) == keys(json.loads(after))


def _cases(shares: Mapping[str, tuple[int, int]], seed: int, n_cases: int | None) -> Iterator[Case]:
    """Flips and truncations of some kinds."""
    total = sum(map(sum, shares.values()))
    for kind, numbers in shares.items():
        files, _ = _made(kind)
        names = KINDS[kind].damaged
        for place, name in enumerate(names):
            rng = np.random.default_rng([seed, place, len(kind)])
            n_flips, n_short = (
                -(-n // len(names)) if n_cases is None else round(n * n_cases / total / len(names))
                for n in numbers
            )
            changes = [
                *flips(rng, np.arange(len(files[name])), n_flips),
                *truncations(rng, len(files[name]), n_short),
            ]
            for change in changes:
                yield Case(f"{kind}, {name}: {change}", partial(_judge, kind, name, change))


MODELS = Drill("models", "Models, flips and truncations", partial(_cases, {"models": (340, 60)}))
CHECKPOINTS = Drill(
    "checkpoints",
    "Checkpoints, flips and truncations",
    partial(_cases, {"checkpoints": (40, 10)}),
)
OTHER_FILES = Drill(
    "other_files",
    "Scores, maps of runs, references, masks, networks of monitoring, results, counts",
    partial(
        _cases,
        {
            "scores": (60, 10),
            "maps of runs": (60, 10),
            "references": (60, 10),
            "networks of monitoring": (40, 10),
            "masks": (40, 10),
            "results": (84, 21),
            "counts": (30, 10),
        },
    ),
    note="masks and results are text that people may edit: another value in them is taken",
)
STORED_DRILLS = (MODELS, CHECKPOINTS, OTHER_FILES)
