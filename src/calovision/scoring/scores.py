"""Scores of images in memory and of image files."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from calovision.datasets import ImageBatch, ImageLoader, Reading
from calovision.images import SparseImages
from calovision.metrics.events import numeric_array
from calovision.models import ImageModel
from calovision.scoring.evaluation import Batch, choose_device, mean_scores
from calovision.scoring.fit import (
    as_float32,
    check_files,
    check_images,
    check_indices,
    check_variables,
)
from calovision.storage import ImageCollection

SCORING_BATCH = 256  # images at a time where no gradient is needed
READ_AHEAD = 2  # batches that a thread reads while the network is busy


def score_images(
    model: ImageModel,
    images: np.ndarray | Tensor | SparseImages,
    variables: np.ndarray | Tensor | None = None,
    *,
    device: str = "auto",
    batch_size: int = SCORING_BATCH,
    n_rotations: int = 0,
    precision: str = "fp32",
) -> np.ndarray:
    """Scores of images in memory: logits, whose sigmoid (`scipy.special.expit`) is the probability
    of signal; of more than two classes the logarithm of the probability of each; of a target the
    predictions in its unit.

    Parameters
    ----------
    model
        As `load_model` gives it; afterwards it is in the mode and on the device that it was before.
    images
        Unscaled, in the units of the training images: sparse, or dense of shape ``(n, n_channels,
        n_eta, n_phi)`` and any type of numbers.
    variables
        ``(n, n_variables)``, unscaled, for a model that takes event variables beside the image.
    device
        ``auto`` (a GPU where there is one), ``cpu``, ``gpu``, or a name of torch's such as
        ``cuda:1``.
    batch_size
        Images at a time; it is halved, and a message logged, whenever the memory does not suffice.
    n_rotations
        0 scores the images as they are. Otherwise the logits are averaged over so many rotations in
        phi, evenly spaced where their number divides that of the columns, with the reflections in
        phi and, where the grid is symmetric, in eta of each: up to 4 ``n_rotations`` times the
        work. Variables stay as they are.
    precision
        ``fp32``; ``bf16`` multiplies in bfloat16, as most trainings do, and keeps three digits of
        the logit; ``auto`` does so where the device is quick in it.

    Returns
    -------
    Float64, in the order of the images: ``(n,)``, larger = more like signal, 0 where both are as
    likely; of more than two classes ``(n, n_classes)``, in the order of
    ``model.specification.classes``.

    Raises
    ------
    InputError
        If the images or variables do not fit the model or are not finite, the device does not
        exist, or a single image does not fit in its memory.
    """
    specification = model.specification
    images = (
        images if isinstance(images, SparseImages | Tensor) else numeric_array(images, "images")
    )
    check_images(images, specification)
    variables = check_variables(variables, len(images), specification)

    def batches(first: int, size: int) -> Iterator[Batch]:
        for start in range(first, len(images), size):
            part = slice(start, min(start + size, len(images)))
            yield _part_of(images, part), None if variables is None else variables[part]

    return mean_scores(
        model,
        batches,
        len(images),
        device=choose_device(device),
        batch_size=batch_size,
        n_rotations=n_rotations,
        precision=precision,
    )


def score_collection(
    model: ImageModel,
    collection: ImageCollection,
    indices: Sequence[int] | np.ndarray,
    *,
    device: str = "auto",
    batch_size: int = SCORING_BATCH,
    n_rotations: int = 0,
    precision: str = "fp32",
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Scores of the given events (or jets) of image files in the order given, float64
    ``(len(indices),)`` or ``(len(indices), n_classes)``.

    The images are read and sent to the device sparse, a batch at a time; the variables that the
    model takes come from the event columns. ``progress`` is called with the number of images just
    scored; all else as in `score_images`.

    Parameters
    ----------
    model, device, batch_size, n_rotations, precision
        As in `score_images`.
    collection, indices
        Image files, and the positions of the events in them.
    progress
        Called with the number of images just scored.

    Raises
    ------
    InputError
        As `score_images`, or if the kind, the grid, the channels (names, order and units) of the
        files are not those of the model, the files lack a variable that it takes, or an index is
        none of an event.
    """
    check_files(model.specification, collection)
    indices = check_indices(indices, len(collection))
    chosen = choose_device(device)

    def batches(first: int, size: int) -> Iterator[Batch]:
        loader = ImageLoader(
            collection,
            indices[first:],
            variables=model.specification.variables,
            batch_size=size,
            # each image is needed once
            reading=Reading(in_memory=False, prefetch=READ_AHEAD, pin_memory=chosen.type == "cuda"),
        )
        for batch in loader:
            yield batch, batch.variables if model.specification.n_variables else None

    return mean_scores(
        model,
        batches,
        len(indices),
        device=chosen,
        batch_size=batch_size,
        n_rotations=n_rotations,
        precision=precision,
        progress=progress,
    )


def _part_of(images: np.ndarray | Tensor | SparseImages, part: slice) -> ImageBatch | Tensor:
    """Some images as a batch: sparse ones stay sparse, dense ones become float32."""
    if isinstance(images, SparseImages):
        indices = torch.arange(part.start, part.stop)
        return ImageBatch.from_images(images.part(part.start, part.stop), indices)
    if isinstance(images, Tensor):
        return images[part].to(torch.float32)
    return as_float32(images[part])
