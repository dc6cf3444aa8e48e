"""A trained network of monitoring in one file: the weights as safetensors, all else as JSON in its
header. Loading one runs no code from the file.

Since version 2 the description is sealed (`calovision.core.digests.sealed`), and the hash of the
weights, which it holds, is also of their names, types and shapes.
"""

import hashlib
import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from calovision.core.descriptions import DescriptionKind
from calovision.core.digests import sealed
from calovision.core.errors import InputError
from calovision.jobs.atomic import replaced
from calovision.monitoring.layout import MapLayout
from calovision.monitoring.map_attributes import layout_from

FORMAT = "calovision-monitoring-network"
VERSION = 2
DESCRIPTION = "description"
_KIND = DescriptionKind(
    what="network of monitoring",
    format=FORMAT,
    version=VERSION,
    sealed_since=2,
    keys={"options": dict, "history": list},
    beside="",
    again="copy it again",
)


def save_tensors(path: Path, description: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    """Write a network, complete or not at all.

    Parameters
    ----------
    path
        Its folder is created if needed.
    description
        What JSON can hold; the format, its version and that of the package are added.
    tensors
        On any device.
    """
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    full = {
        "format": FORMAT,
        "version": VERSION,
        "package_version": version("calovision"),
        "weights_sha256": _digest(plain, VERSION),
        **description,
    }
    with replaced(Path(path)) as temporary:
        temporary.write_bytes(save(plain, metadata={DESCRIPTION: json.dumps(sealed(full))}))


def load_tensors(path: Path, kind: str) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Description and weights of a network.

    Parameters
    ----------
    path
        The file.
    kind
        Value of ``kind`` that its description must have.

    Raises
    ------
    InputError
        If the file is missing, damaged, of something else or of a newer version.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; give that of a trained network")
    try:
        content = path.read_bytes()  # no map, which would change, or end, with the file
        tensors = {name: tensor.clone() for name, tensor in load(content).items()}
    except SafetensorError as error:
        raise InputError(f"{path}: no file of a network of monitoring ({error})") from error
    description = _KIND.read(path, _metadata(content).get(DESCRIPTION, ""))
    if description.get("kind") != kind:
        raise InputError(
            f"{path}: the network is '{description.get('kind')}', not '{kind}': give the file of "
            "that method"
        )
    if _digest(tensors, description["version"]) != description.get("weights_sha256"):
        raise InputError(
            f"{path}: damaged, its weights are others than were written: copy it again"
        )
    return description, tensors


def layout_of(path: Path, description: dict[str, Any]) -> MapLayout:
    """Cells, channels and thresholds of a description; InputError if they are none."""
    given = description.get("layout")
    if not isinstance(given, dict):
        raise InputError(f"{path}: damaged, it lacks 'layout': copy it again")
    return layout_from(path, {name: json.dumps(value) for name, value in given.items()})


def numbers_of(
    path: Path, description: dict[str, Any], name: str, shape: tuple[int, ...]
) -> np.ndarray:
    """Numbers of a description as float64 of this shape; InputError if they are none."""
    try:
        found = np.asarray(description[name], dtype=np.float64)
    except (KeyError, TypeError, ValueError):
        found = np.zeros(0)
    if found.shape != shape or not np.isfinite(found).all():
        raise InputError(
            f"{path}: damaged, '{name}' is not one number for each ring: copy it again"
        )
    return found


def filled(
    path: Path, make: Callable[[], torch.nn.Module], tensors: dict[str, torch.Tensor]
) -> torch.nn.Module:
    """A network with the weights of a file; InputError if they are those of another one, or none is
    made so.
    """
    try:
        module = make()
    except (KeyError, TypeError, ValueError, RuntimeError, OverflowError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: damaged, no network is made so ({reason})") from error
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise InputError(f"{path}: damaged, weights of another network ({reason})") from error
    return module


def _metadata(content: bytes) -> dict[str, str]:
    """Texts in the header of a safetensors file, which is JSON behind its own length."""
    size = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + size]).get("__metadata__") or {}


def _digest(tensors: dict[str, torch.Tensor], of_version: int) -> str:
    """Hash of weights; in the first version of names and bytes alone."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        if of_version > 1:
            digest.update(f" {tensors[name].dtype} {tuple(tensors[name].shape)} ".encode())
        digest.update(tensors[name].numpy().tobytes())
    return digest.hexdigest()
