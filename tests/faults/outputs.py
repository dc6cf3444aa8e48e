"""Outputs of each kind in two versions, to be written while something happens, and read again."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from fakes import make_images, write_two_samples

from calovision.core.errors import InputError
from calovision.jobs.atomic import write_json

VERSIONS = (1, 2)


@dataclass(frozen=True)
class Output:
    """What a job writes.

    Attributes
    ----------
    files
        Names within the folder of the output.
    write
        Is given the folder and a version.
    read
        Is given the folder; gives a value that tells the versions apart, or raises InputError.
    begin
        What a job does at its start, before it writes.
    """

    files: tuple[str, ...]
    write: Callable[[Path, int], object]
    read: Callable[[Path], object]
    begin: Callable[[Path], object] = lambda folder: None


def _images(path: Path, version: int, compression: str | None = None) -> None:
    from fakes import make_columns, make_metadata, to_sparse

    from calovision.storage import ImageFileWriter

    images = make_images(12, seed=version)
    with ImageFileWriter(path, (2, 8, 8), compression=compression) as writer:
        writer.append(to_sparse(images), make_columns(12, seed=version))
        writer.close(make_metadata())


def _read_images(path: Path) -> bytes:
    from calovision.storage import ImageFile

    file = ImageFile(path)
    return file[:].tobytes() + b"".join(file.events[name].tobytes() for name in sorted(file.events))


def _merged(path: Path, version: int) -> None:
    """Two files of events in two processes, whose parts are merged."""
    from fakes_cli import write_small

    from calovision.conversion import ImageRecipe, convert_ntuples
    from calovision.images.grid import EtaPhiGrid

    inputs = path.parents[1] / f"{path.parent.name}_inputs{version}"
    inputs.mkdir(exist_ok=True)
    ntuples = [inputs / f"{n}.root" for n in range(2)]
    for n, ntuple in enumerate(ntuples):
        write_small(ntuple, seed=10 * version + n)
    recipe = ImageRecipe(grid=EtaPhiGrid(8, 8), channels=("em", "tracks"))
    convert_ntuples(ntuples, path, recipe, sample="qcd", label=0, processes=2)


def _scores(folder: Path, version: int) -> None:
    from calovision.storage import ImageCollection, write_scores

    inputs = folder.parent / f"{folder.name}_inputs"
    if not inputs.is_dir():
        write_two_samples(inputs)
    collection = ImageCollection(sorted(inputs.glob("*.h5")))
    rows = np.arange(len(collection))
    write_scores(folder / "scores.h5", collection, rows, rows.astype(float) * version)


def _read_scores(folder: Path) -> bytes:
    from calovision.storage import read_table

    return b"".join(
        np.asarray(one).astype("S" if one.dtype == object else one.dtype).tobytes()
        for one in read_table(folder / "scores.h5").values()
    )


@cache
def _maps(version: int):
    from calovision.monitoring.toys import toy_detector

    return toy_detector(8, 8, 1).runs(3, 100, np.random.default_rng(version))


def _run_maps(path: Path, version: int) -> None:
    from calovision.monitoring.run_map_file import write_run_maps

    write_run_maps(path, _maps(version))


def _read_run_maps(path: Path) -> bytes:
    from calovision.monitoring.run_map_file import RunMapFile

    return b"".join(block.total.tobytes() for block in RunMapFile(path).blocks())


def _reference(path: Path, version: int) -> None:
    from fakes_monitoring import true_reference

    from calovision.monitoring.toys import toy_detector

    true_reference(toy_detector(8, 8, 1, seed=version)).save(path)


def _read_reference(path: Path) -> bytes:
    from calovision.monitoring.reference import Reference

    return Reference.load(path).rate.tobytes()


def _model(folder: Path, version: int) -> None:
    from fakes_models import make_trained

    from calovision.models import save_model

    save_model(folder, make_trained((2, 16, 16), seed=version), training={"epochs": version})


def _read_model(folder: Path) -> tuple:
    from calovision.models import load_model

    model = load_model(folder)
    tensors = b"".join(tensor.numpy().tobytes() for tensor in model.state_dict().values())
    return model.training_run["epochs"], tensors


def _checkpoint(folder: Path, version: int) -> None:
    import torch

    from calovision.training.checkpoints import FINGERPRINT, ResumeFolder, WholeCheckpoints

    resume = ResumeFolder(folder, "this run")
    content = {FINGERPRINT: "this run", "weights": torch.full((300,), float(version))}
    WholeCheckpoints().save_checkpoint(content, resume.path_at(version))
    resume.prune()


def _prepare(folder: Path) -> None:
    from calovision.training.checkpoints import ResumeFolder

    ResumeFolder(folder, "this run").prepare()


def _read_checkpoint(folder: Path) -> float:
    from calovision.training.checkpoints import ResumeFolder, read_checkpoint

    latest = ResumeFolder(folder, "this run").latest()
    if latest is None:
        raise InputError(f"{folder}: no checkpoint")
    return float(read_checkpoint(latest)["weights"].sum())


def _monitor(path: Path, version: int) -> None:
    import torch

    from calovision.monitoring.networks.files import save_tensors

    described = {"kind": "autoencoder", "options": {"version": version}, "history": []}
    save_tensors(path, described, {"a": torch.full((50,), float(version))})


def _read_monitor(path: Path) -> tuple:
    from calovision.monitoring.networks.files import load_tensors

    description, tensors = load_tensors(path, "autoencoder")
    return description["options"]["version"], float(tensors["a"].sum())


def _report(path: Path, version: int) -> None:
    from calovision.report.page import write_report

    write_report(path, [], title="Report", summary={"run": str(version)}, files={}, foot="end")


def _figure(stem: Path, version: int) -> None:
    from calovision.plotting import new_figure, save_figure

    figure, axes = new_figure()
    axes.plot([0, version])
    save_figure(figure, stem)


def _read_json(path: Path) -> object:
    return json.loads(path.read_text())


def of_one_file(name: str, write: Callable, read: Callable) -> Output:
    """Output that is one file, of functions of its path."""
    return Output(
        (name,), lambda folder, n: write(folder / name, n), lambda folder: read(folder / name)
    )


OUTPUTS: dict[str, Output] = {
    "images": of_one_file("a.h5", _images, _read_images),
    "compressed images": of_one_file(
        "a.h5", lambda path, n: _images(path, n, "blosc2"), _read_images
    ),
    "merged images": of_one_file("a.h5", _merged, _read_images),
    "scores": Output(("scores.h5",), _scores, _read_scores),
    "run maps": of_one_file("runs.h5", _run_maps, _read_run_maps),
    "reference": of_one_file("reference.h5", _reference, _read_reference),
    "model": Output(("model.safetensors", "model.json"), _model, _read_model),
    "checkpoint": Output(
        ("step0000000001.ckpt", "step0000000002.ckpt"), _checkpoint, _read_checkpoint, _prepare
    ),
    "network of monitoring": of_one_file("network.safetensors", _monitor, _read_monitor),
    "JSON": of_one_file(
        "a.json", lambda path, n: write_json(path, {"version": n, "rows": [n] * 300}), _read_json
    ),
    "report": of_one_file("report.html", _report, Path.read_text),
}
"""Kinds by name; the first version is written where nothing is, the second in its place."""
QUICK = ("images", "JSON")
