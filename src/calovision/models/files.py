"""Models in files: the weights as safetensors, all else as JSON. Loading one runs no code from the
file.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from calovision.core.digests import sealed, sha256_of
from calovision.core.errors import InputError
from calovision.core.user_files import refuse_device
from calovision.jobs.atomic import replaced_together
from calovision.jobs.locks import locked_to_read
from calovision.models.description import (
    DESCRIPTION,
    FORMAT,
    VERSION,
    WEIGHTS,
    read_description,
)
from calovision.models.image_model import ImageModel
from calovision.models.mean_model import MeanModel, average_models
from calovision.models.specification import ModelSpecification
from calovision.models.table import count_multiply_adds, count_parameters

MOST_TRIES = 3


def save_model(
    folder: Path,
    model: ImageModel,
    *,
    training: dict[str, Any] | None = None,
    recipe: dict[str, Any] | None = None,
) -> None:
    """Write ``model.safetensors`` and ``model.json``, both complete or not at all, in place of
    older ones.

    Parameters
    ----------
    folder
        Created if needed.
    model
        On any device.
    training
        What is worth knowing of its training, for JSON; numbers may be numpy's.
    recipe
        Choices by which its images are made of ROOT files (`ImageCollection.recipe`); None for
        those that the model brings along (`ImageModel.recipe`).
    """
    folder = Path(folder)
    specification = model.specification
    # copies, since layers may share their weights, which safetensors does not store
    tensors = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in model.state_dict().items()
    }
    description = {
        "format": FORMAT,
        "version": VERSION,
        "package_version": version("calovision"),
        "specification": specification.to_dict(),
        **({"members": len(model.members)} if isinstance(model, MeanModel) else {}),
        "parameters": count_parameters(model),
        # a network of one's own is not run a second time just to be counted
        "multiply_adds": None if specification.is_imported else _multiply_adds(model),
        "training": training or {},
        "recipe": model.recipe if recipe is None else recipe,
    }
    # the description, which readers look for, comes last
    with replaced_together(folder / WEIGHTS, folder / DESCRIPTION) as (weights_path, json_path):
        content = save(tensors, metadata={"format": "pt"})  # save_file writes into a map of it
        weights_path.write_bytes(content)
        json_path.write_text(described(description, content), encoding="utf-8")


def described(description: Mapping[str, Any], weights: bytes) -> str:
    """Text of ``model.json`` beside these weights: both are tied by its seal."""
    plain = json.loads(json.dumps(description, default=_plain))
    content = sealed({**plain, "weights_sha256": sha256_of(weights)})
    return json.dumps(content, indent=2) + "\n"


def save_mean(
    folder: Path,
    models: Sequence[Path],
    *,
    folds: Mapping[str, Any] | None = None,
    allow_imports: bool = False,
) -> None:
    """Write the mean of stored networks: the model for events that none of them saw.

    Parameters
    ----------
    folder
        As of `save_model`.
    models
        ``model.json`` of each: the seeds, and the folds of each, ascending.
    folds
        Arguments of `calovision.core.splits.Folds`, with which `scoring.score_out_of_fold` scores
        the events that some of the members saw.
    allow_imports
        As of `load_model`.
    """
    members = [load_model(path, allow_imports=allow_imports) for path in models]
    runs = [dict(member.training_run) for member in members]
    sources = max((run.pop("sources", []) for run in runs), key=len)  # the same of all
    training = {
        "samples": runs[0].get("samples"),
        "sources": sources,
        "folds": folds,
        "members": runs,
    }
    save_model(folder, average_models(members), training=training)


def _multiply_adds(model: ImageModel) -> int:
    n_members = len(model.members) if isinstance(model, MeanModel) else 1
    return n_members * count_multiply_adds(model)


def load_model(path: Path, *, allow_imports: bool = False) -> ImageModel:
    """A stored model, on the CPU and in evaluation; its ``training_run`` and ``recipe`` are what
    `save_model` was told.

    Parameters
    ----------
    path
        The folder, or its ``model.json``.
    allow_imports
        Import a network that the file names by ``package.module:Class``. That runs code of whoever
        can put a module of this name on the Python path, so that it must be asked for.

    Raises
    ------
    InputError
        If a file is missing, damaged, changed, not a model's or of a newer version, the two do not
        belong together, or the weights are those of another architecture.
    """
    path = Path(path)
    path = path / DESCRIPTION if path.is_dir() else path
    description, content = _read_both(path)
    specification = _read_specification(path, description)
    if specification.is_imported and not allow_imports:
        raise InputError(
            f"{path}: its network '{specification.network}' is code outside calovision, which "
            "loading would run: allow "
            "imports if you trust it (allow_imports=True, --allow-imports)"
        )
    tensors = _tensors(path.with_name(WEIGHTS), content)
    model = _build(path, specification, _read_members(path, description, tensors))
    _check_tensors(path, model.state_dict(), tensors)
    model.load_state_dict(tensors, assign=True)
    model.training_run = description["training"]
    model.recipe = description.get("recipe")  # models of before have none
    return model.eval()


def _read_specification(path: Path, description: dict[str, Any]) -> ModelSpecification:
    try:
        return ModelSpecification.from_dict(description["specification"])
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _read_members(
    path: Path, description: dict[str, Any], tensors: dict[str, torch.Tensor]
) -> int | None:
    """Number of the networks whose mean the model is; None of a single one."""
    members = description.get("members")
    if members is None:
        return None
    stored = {name.split(".")[1] for name in tensors if name.startswith("members.")}
    if members != len(stored):
        raise InputError(
            f"{path}: damaged, 'members' is {members!r}, but the weights are those of "
            f"{len(stored)} networks: copy the folder again"
        )
    return len(stored)


def _read_both(path: Path) -> tuple[dict[str, Any], bytes]:
    """Description and weights that belong together, though another process may be replacing them.

    Raises
    ------
    InputError
        If one of the files is missing, damaged, changed or exchanged.
    """
    with locked_to_read(path.parent):
        for _ in range(MOST_TRIES):  # where there are no locks, one file may be newer
            description = read_description(path)
            content = _read_weights(path)
            if sha256_of(content) == description["weights_sha256"]:
                return description, content
    raise InputError(
        f"{path.with_name(WEIGHTS)}: damaged, or not the weights that {path.name} beside it "
        "describes: copy both files again"
    )


def _read_weights(path: Path) -> bytes:
    weights = path.with_name(WEIGHTS)
    refuse_device(weights, "file of weights")
    try:
        return weights.read_bytes()  # no map, which would change, or end, with the file
    except FileNotFoundError as error:
        raise InputError(
            f"{weights}: there is no such file; the weights belong beside {path.name}"
        ) from error
    except OSError as error:
        raise InputError(f"{weights}: cannot be read ({error.strerror})") from error


def _tensors(weights: Path, content: bytes) -> dict[str, torch.Tensor]:
    try:
        # copies: tensors of the bytes begin anywhere, and sums by MKL may depend on that in the
        # last digit
        return {name: tensor.clone() for name, tensor in load(content).items()}
    except SafetensorError as error:
        raise InputError(f"{weights}: no safetensors file ({error})") from error


def _build(path: Path, specification: ModelSpecification, n_members: int | None) -> ImageModel:
    """The model, or the mean of so many, without its weights: in no memory, unless it is a user's,
    which may have tensors not stored.
    """
    try:
        with (
            torch.random.fork_rng(devices=[]),
            torch.device("cpu" if specification.is_imported else "meta"),
        ):
            if n_members is not None:
                return MeanModel(specification, n_members)
            return ImageModel(specification)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except (TypeError, RuntimeError, OverflowError) as error:
        if specification.is_imported:  # a defect of the user's network
            raise
        raise InputError(
            f"{path}: damaged, no network is made so ({str(error).splitlines()[0]})"
        ) from error


def _check_tensors(
    path: Path, expected: dict[str, torch.Tensor], found: dict[str, torch.Tensor]
) -> None:
    """Raise InputError unless names, shapes and types of the tensors are those of the model."""
    problem = (
        f"{path.with_name(WEIGHTS)}: weights of another architecture than {path.name} describes:"
    )
    if different := sorted(set(expected) ^ set(found)):
        raise InputError(f"{problem} only one of the two has {different[0]}")
    for name, tensor in expected.items():
        pair = [
            (tuple(one.shape), str(one.dtype).removeprefix("torch."))
            for one in (found[name], tensor)
        ]
        if pair[0] != pair[1]:
            raise InputError(f"{problem} {name} is {pair[0]}, not {pair[1]}")


def _plain(value: Any) -> Any:
    """Values that JSON does not know as plain ones: numpy's numbers and arrays, and paths."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
