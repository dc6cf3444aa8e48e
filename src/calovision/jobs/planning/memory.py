"""Memory of the jobs that hold dense images, in MB of 10^6 bytes.

A training or scoring holds its process, the outputs of all layers for the images at work, and the
weights. The factors are of trainings of one epoch on a CPU, of small (16 to 224 cells a side),
resnet (64, 128) and hep_cnn (64), batches of 64 and 256: each is met within 25 %, see
tests/test_planning_memory.py.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import prod

from calovision.core.errors import InputError

PROCESS_MB = 590.0
"""A process with torch and lightning."""
WITH_GRADIENT, WITHOUT_GRADIENT = 1.0, 0.7
"""Bytes held for an image, over those of the outputs of all layers in float32."""
VALIDATION_BATCH, SCORING_BATCH = 256, 256
"""Of calovision.training and calovision.scoring, which would load lightning."""
TRAINED_PARAMETER, STORED_PARAMETER = 16, 4
"""Bytes: weight, gradient and two moments of Adam; the weight alone."""
DENSE_IMAGES = ("plot_images", "plot_class_images", "plot_attributions", "plot_extreme_events")
"""Rules of one job whose memory grows with the cells of the images."""
PLOT_MB = 300.0
"""A process with numpy and matplotlib."""


@dataclass(frozen=True)
class NetworkSize:
    """Numbers of a network for one image: multiply-adds, outputs of all layers, parameters."""

    multiply_adds: int
    outputs: int
    parameters: int


def network_size(specification: Mapping) -> NetworkSize | None:
    """Size of a network ``{network, image_shape, variables, n_variables, classes, options}``; None
    where it cannot be counted.

    That is without the events, for a network of the user's own that wants more than images.
    """
    options = json.dumps(specification.get("options") or {}, sort_keys=True)
    shape, variables, classes = (
        tuple(specification.get(name) or ()) for name in ("image_shape", "variables", "classes")
    )
    try:
        return _count(
            specification["network"],
            shape,
            variables,
            specification.get("n_variables") or 0,
            classes,
            options,
        )
    except (InputError, ImportError, TypeError, RuntimeError):
        return None


@cache
def _count(
    network: str,
    shape: tuple,
    variables: tuple[str, ...],
    n_variables: int,
    classes: tuple[str, ...],
    options: str,
) -> NetworkSize:
    from calovision.models import (
        ModelSpecification,
        network_table,
    )  # torch is loaded only where it is needed

    named = {"variables": variables, "n_variables": n_variables, "classes": classes}
    named["options"] = json.loads(options)
    table = network_table(ModelSpecification(network, shape, **named))
    return NetworkSize(
        table.multiply_adds, sum(prod(row.output_shape) for row in table.rows), table.parameters
    )


def images_of_training(batch_size: int, n_validation: float) -> float:
    """Images whose layers are held at a time, as `memory_mb` takes them: the larger of training and
    validation.
    """
    return max(WITH_GRADIENT * batch_size, WITHOUT_GRADIENT * min(VALIDATION_BATCH, n_validation))


def images_of_scoring(n_images: float) -> float:
    """The same of scoring."""
    return WITHOUT_GRADIENT * min(SCORING_BATCH, n_images)


def memory_mb(
    size: NetworkSize, images: float, *, is_training: bool, loaded_bytes: float = 0.0
) -> float:
    """Memory of a job of a network.

    Parameters
    ----------
    size
        Of the network.
    images
        From `images_of_training` or `images_of_scoring`.
    loaded_bytes
        Sparse rows that are held in memory.
    """
    weights = size.parameters * (TRAINED_PARAMETER if is_training else STORED_PARAMETER)
    return PROCESS_MB + (4 * images * size.outputs + weights + loaded_bytes) / 1e6


def scaled_to_cells(memory: float, cells: int, measured_cells: int) -> float:
    """Memory of a job on dense images of another number of cells, from that of one that was
    measured.
    """
    if not cells or not measured_cells or memory <= PLOT_MB:
        return memory
    return PLOT_MB + (memory - PLOT_MB) * cells / measured_cells
