"""A model applied batch by batch on a device, in as much memory as there is."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from calovision.core.errors import InputError
from calovision.datasets import (
    ImageBatch,
    apply_symmetry,
    group_elements,
    is_symmetric_in_eta,
)
from calovision.metrics import ensemble_scores
from calovision.models import ImageModel, ModelSpecification, has_native_bf16, keep_freed_memory

logger = logging.getLogger(__name__)

OUT_OF_MEMORY = (
    "DefaultCPUAllocator",
    "out of memory",
    "ALLOC_FAILED",
)  # in messages of torch and of CUDA's libraries
PRECISIONS = ("fp32", "bf16", "auto")
IDENTITY = 0  # the element of the symmetry group that leaves an image as it is

Batch = tuple[
    ImageBatch | Tensor, Tensor | None
]  # images and variables, not necessarily on the device
MakeBatches = Callable[[int, int], Iterator[Batch]]  # from a first image on, so many at a time


def choose_device(name: str = "auto") -> torch.device:
    """The device of a name, as `score_images` takes it; InputError if there is none of it here."""
    available = torch.cuda.is_available()
    if name == "gpu" and not available:
        raise InputError(
            "device 'gpu': there is no GPU on this machine that torch can use; choose auto or cpu"
        )
    if name in ("auto", "gpu"):
        return torch.device("cuda" if available else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:  # torch without CUDA says so by an assertion
        raise InputError(
            f"device '{name}' does not exist on this machine: choose auto, cpu or gpu"
        ) from error
    return device


def symmetry_elements(specification: ModelSpecification, n_rotations: int) -> np.ndarray:
    """Elements of the symmetry group to average over, int64; the identity alone for 0 rotations.

    Parameters
    ----------
    specification
        That of the model.
    n_rotations
        Rotations in phi, each with its reflections.

    Raises
    ------
    InputError
        If there are more rotations than columns, or the images are those of jets.
    """
    if n_rotations == 0:
        return np.array([IDENTITY])
    if specification.kind == "jet":  # and what their recipe turned or mirrored would be undone
        raise InputError(
            "jet images do not wrap around in phi: score them without an average over rotations"
        )
    edges = specification.grid.get("eta_edges") or specification.grid.get("eta_range") or (0.0,)
    return group_elements(
        specification.image_shape[2], n_rotations, mirror_eta=is_symmetric_in_eta(edges)
    )


def mean_scores(
    model: ImageModel,
    batches: MakeBatches,
    n_images: int,
    *,
    device: torch.device,
    batch_size: int,
    n_rotations: int,
    precision: str = "fp32",
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Scores of all batches, each averaged over the symmetry group.

    Float64: logits ``(n_images,)``, or of more than two classes log-probabilities
    ``(n_images, n_classes)``; of a target predictions in its unit, ``(n_images,)``.

    Raises
    ------
    InputError
        If a logit is not finite, or a single image does not fit in the memory.
    """
    elements = symmetry_elements(model.specification, n_rotations)
    evaluate = partial(_logits_of_batch, model, elements=elements, device=device)
    keep_freed_memory()
    n_outputs = model.specification.n_outputs
    logits = np.zeros(n_images if n_outputs == 1 else (n_images, n_outputs))
    done = 0
    with _evaluating(model, device), _arithmetic(precision, device):
        for part in _survive(evaluate, batches, n_images, batch_size):
            logits[done : done + len(part)] = part
            done += len(part)
            if progress is not None:
                progress(len(part))
    if not np.isfinite(logits).all():
        wrong = int(np.argmin(np.isfinite(logits.reshape(n_images, -1)).all(axis=1)))
        raise InputError(
            f"image {wrong} of {n_images}: its score is not finite; give images and variables that "
            "are"
        )
    return logits if n_outputs == 1 else log_softmax(logits)


def ensemble(scores: np.ndarray, specification: ModelSpecification) -> np.ndarray:
    """Score of several networks together: that of the mean probability
    (`calovision.metrics.ensemble_scores`), of a target the mean prediction.

    ``scores`` are ``(n, n_networks)``, or of more than two classes ``(n, n_networks, n_classes)``.
    """
    return scores.mean(axis=1) if specification.target else ensemble_scores(scores)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Log-probabilities of the classes, ``(..., n_classes)`` of logits of this shape."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _arithmetic(precision: str, device: torch.device) -> AbstractContextManager:
    """Float32, or for what the device is quick in bfloat16."""
    if precision not in PRECISIONS:
        raise InputError(
            f"precision '{precision}' is unknown for scores: choose from {', '.join(PRECISIONS)}"
        )
    on_gpu = device.type == "cuda"
    mixed = precision == "bf16" or (precision == "auto" and has_native_bf16(on_gpu=on_gpu))
    return torch.autocast(device.type, torch.bfloat16) if mixed else nullcontext()


@contextmanager
def _evaluating(model: ImageModel, device: torch.device) -> Iterator[None]:
    """The model on a device and in evaluation; afterwards it is where and what it was."""
    modes = [(module, module.training) for module in model.modules()]
    before = next((tensor.device for tensor in model.state_dict().values()), device)
    try:
        model.eval().to(device, memory_format=model.memory_format)
        yield
    finally:
        model.to(before)
        for module, training in modes:
            module.training = training


@torch.inference_mode()
def _logits_of_batch(
    model: ImageModel, batch: Batch, elements: np.ndarray, device: torch.device
) -> np.ndarray:
    """Logits, or predictions of a target, averaged over the elements, float64 ``(n,)`` or ``(n,
    n_classes)``.
    """
    images = batch[0].to(device, non_blocking=True)
    variables = None if batch[1] is None else batch[1].to(device, non_blocking=True)
    order = model.memory_format
    n_outputs = model.specification.n_outputs
    shape = (len(images),) if n_outputs == 1 else (len(images), n_outputs)
    total = torch.zeros(shape, dtype=torch.float64, device=device)
    dense = None
    for element in elements:
        dense = _dense(images, int(element), order, dense)
        outputs = model(dense, variables)
        total += (model.in_unit(outputs) if model.specification.target else outputs).double()
    return (total / len(elements)).cpu().numpy()


def _dense(
    images: ImageBatch | Tensor, element: int, order: torch.memory_format, out: Tensor | None
) -> Tensor:
    """Images after an element of the symmetry group; ``out`` is the memory of those of another
    one.
    """
    device = (images.values if isinstance(images, ImageBatch) else images).device
    elements = None if element == IDENTITY else torch.full((len(images),), element, device=device)
    if isinstance(images, ImageBatch):
        return replace(images, elements=elements).dense(out, memory_format=order)
    turned = images if elements is None else apply_symmetry(images, elements)
    return turned.contiguous(memory_format=order)


def _survive(
    evaluate: Callable[[Batch], np.ndarray], batches: MakeBatches, n_images: int, batch_size: int
) -> Iterator[np.ndarray]:
    """Results batch by batch; after lack of memory the rest in batches of half the size."""
    done = 0
    while done < n_images:
        try:
            for batch in batches(done, batch_size):
                result = evaluate(batch)
                done += len(result)
                yield result
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            batch_size = min(batch_size, n_images - done) // 2
            if batch_size == 0:
                raise InputError(
                    "out of memory for a single image: free memory on the device or choose another "
                    "one"
                ) from error
            logger.warning("out of memory: scoring goes on with batches of %d images", batch_size)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()  # pieces of the large batches do not fit the small ones


def is_out_of_memory(error: BaseException) -> bool:
    """Test whether an error says that memory did not suffice; torch has a class of its own for it
    on GPUs only.
    """
    if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in OUT_OF_MEMORY)
