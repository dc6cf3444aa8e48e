"""Networks of an earlier run: what decides the cost of an image, and the images of each."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

SPECIFICATION = ("network", "image_shape", "variables", "n_variables", "classes", "options")
"""Keys of a specification that decide the memory of its network."""


class TrainedNetwork(NamedTuple):
    """A network of the run.

    Attributes
    ----------
    key
        Its `network_key`.
    multiply_adds
        For an image; None if not known.
    passes, rotations
        Image passes of its training, and passes of an image in its scores.
    device
        "cpu" or "gpu".
    specification
        Those of `SPECIFICATION`.
    batch_size, n_training, n_validation
        Images.
    """

    key: str
    multiply_adds: int | None
    passes: float
    rotations: int
    device: str
    specification: dict
    batch_size: int
    n_training: int
    n_validation: int


def read_networks(results: Path) -> dict[tuple[str, ...], TrainedNetwork]:
    """Networks by model, seed and, where there are folds, fold, from the ``model.json``, log and
    scores of each.
    """
    networks = {}
    for path in sorted((results / "models").glob("*/seed*/**/model.json")):
        key = path.parent.relative_to(results / "models").parts
        content = json.loads(path.read_text(encoding="utf-8"))
        specification = content["specification"]
        training = content["training"]
        epoch = epoch_passes(training["n_training"], training["n_validation"])
        log = results.joinpath("logs", "train_network", *key).with_suffix(".log")
        networks[key] = TrainedNetwork(
            key=network_key(specification),
            multiply_adds=content.get("multiply_adds"),
            passes=training["epochs"] * epoch,
            rotations=_read_rotations(results.joinpath("scores", *key).with_suffix(".h5")),
            device="gpu" if _was_on_gpu(log) else "cpu",
            specification={name: specification.get(name) for name in SPECIFICATION},
            batch_size=training.get("options", {}).get("batch_size", 64),
            n_training=training["n_training"],
            n_validation=training["n_validation"],
        )
    return networks


def _was_on_gpu(log: Path) -> bool:
    return log.exists() and "device cuda" in log.read_text(encoding="utf-8")


def _read_rotations(scores: Path) -> int:
    """Passes of an image; 1 where the file does not say."""
    if not scores.exists():
        return 1
    # h5py is loaded only where there are scores
    from calovision.storage.hdf5 import table_attributes

    found = table_attributes(scores, "n_rotations", what="score file")
    return max(4 * int(found["n_rotations"]), 1) if found else 1


def network_key(specification: Mapping) -> str:
    """Key of a network by what decides the cost of an image: its name, options and image shape."""
    shape = "x".join(map(str, specification["image_shape"]))
    options = json.dumps(specification.get("options") or {}, sort_keys=True)
    return " ".join([specification["network"], shape, *([options] if options != "{}" else [])])


def epoch_passes(n_training: float, n_validation: float) -> float:
    """Images of an epoch; those of the validation need no gradient, about a third of the work."""
    return n_training + n_validation / 3
