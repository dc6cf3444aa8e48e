"""Attributions: the share of each cell in the logit of an event, by integrated gradients; of more
than two classes, its share in the logarithm of the probability of one of them.

Integrated gradients (Sundararajan, Taly, Yan, arXiv:1703.01365) lead from an empty image to the
image and add up the gradient of the logit on the way, times the change of each cell. Their sum is
the difference of the two logits (completeness). The way is straight in the *scaled* image, which is
what the network is given: contents span five decades, and on a way straight in GeV log(1 + content)
would change within its first step.

Images and attributions are ``(n, n_channels, n_eta, n_phi)``; attributions are in units of the
logit, positive where a cell speaks for signal, or for the class.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from calovision.core.errors import InputError
from calovision.datasets import load_variables
from calovision.images.grid import EtaPhiGrid
from calovision.models import ImageModel, has_native_bf16
from calovision.scoring.evaluation import PRECISIONS, choose_device
from calovision.scoring.explained import check_label, explained_function
from calovision.scoring.fit import as_float32, check_files, check_images, check_variables
from calovision.storage import ImageCollection

BLOCK = 64  # images in memory at a time
N_STEPS = 32  # points of the Gauss-Legendre quadrature along the way
FEWEST_STEPS, MOST_STEPS = 4, 64  # of the mean over events
# largest gap in completeness of a batch, over the mean size of the differences of its logits
TOLERANCE = {"mean": 0.05, "root mean square": 0.2}

logger = logging.getLogger(__name__)


def integrated_gradients(
    model: ImageModel,
    images: np.ndarray | Tensor,
    variables: np.ndarray | Tensor | None = None,
    *,
    label: int | np.ndarray | None = None,
    n_steps: int = N_STEPS,
    batch_size: int = BLOCK,
    device: str = "cpu",
    precision: str = "fp32",
) -> np.ndarray:
    """Attribution of the logit to each cell, with the empty image as baseline.

    Parameters
    ----------
    model
        As `load_model` gives it; afterwards it is in the mode and on the device that it was before.
    images
        Dense and unscaled, ``(n, n_channels, n_eta, n_phi)``.
    variables
        ``(n, n_variables)``, unscaled, for a model that takes them; they stay those of the event
        along the whole way, so that nothing is attributed to them.
    label
        Number of the class whose log-probability is explained, or that of each image ``(n,)``, for
        a model of more than two classes.
    n_steps
        Points along the way; `completeness_gap` tells whether they suffice.
    batch_size
        Images that the network sees at a time.
    device, precision
        As in `score_images`.

    Returns
    -------
    Float32, of the shape of the images.

    Raises
    ------
    InputError
        If images or variables do not fit the model, there is no step or no image in a batch, or a
        label is not that of a class.
    """
    from captum.attr import IntegratedGradients

    if n_steps < 1 or batch_size < 1:
        raise InputError(
            f"{n_steps} steps and {batch_size} images in a batch: both must be at least 1"
        )
    parts = []
    with _in_evaluation(model, device, precision):
        method = IntegratedGradients(explained_function(model), multiply_by_inputs=True)
        for scaled, empty, given in _scaled_batches(model, images, variables, label, batch_size):
            part = method.attribute(
                scaled,
                baselines=empty,
                additional_forward_args=given,
                n_steps=n_steps,
                internal_batch_size=len(scaled),  # or captum would hold all steps at once
            )
            parts.append(part.detach().to("cpu", torch.float32).numpy())
    return np.concatenate(
        [np.zeros((0, *model.specification.image_shape), dtype=np.float32), *parts]
    )


def completeness_gap(
    model: ImageModel,
    images: np.ndarray | Tensor,
    attributions: np.ndarray,
    variables: np.ndarray | Tensor | None = None,
    *,
    label: int | np.ndarray | None = None,
    batch_size: int = BLOCK,
    device: str = "cpu",
) -> np.ndarray:
    """By how much the sum of the attributions misses the difference of the logits of image and
    empty image.

    Float64 ``(n,)``, in units of the logit; arguments and errors as in `integrated_gradients`.
    """
    differences = [np.zeros(0)]
    explained = explained_function(model)
    with _in_evaluation(model, device), torch.no_grad():
        for scaled, empty, given in _scaled_batches(model, images, variables, label, batch_size):
            start = (
                empty.expand_as(scaled) if given else empty
            )  # variables differ from event to event
            logits, base = (explained(x, *given) for x in (scaled, start))
            differences.append((logits - base).double().cpu().numpy())
    return attributions.sum(axis=(1, 2, 3), dtype=np.float64) - np.concatenate(differences)


def mean_attribution(
    model: ImageModel,
    collection: ImageCollection,
    indices_by_class: Mapping[str, Sequence[int] | np.ndarray],
    *,
    weights: np.ndarray | None = None,
    aligned: bool = True,
    n_steps: int | None = N_STEPS,
    batch_size: int = BLOCK,
    device: str = "cpu",
    precision: str = "fp32",
) -> dict[str, np.ndarray]:
    """Mean attribution of the events of each class; of more than two classes, that of the
    log-probability of the class of each event.

    Parameters
    ----------
    model
        As in `integrated_gradients`.
    collection
        Image files that fit the model; ``aligned`` needs their column ``fat_jets``.
    indices_by_class
        Title of a class -> its events in the collection; a few hundred suffice.
    weights
        Of all events of the collection, ``(len(collection),)``; 1 if None.
    aligned
        Turn every attribution so that the leading fat jet is at phi = 0 and positive eta
        (`align_images`), after the network has seen the event as it was; otherwise the mean over
        events is flat in phi.
    n_steps
        Points along the way; None: as many as a batch needs, `FEWEST_STEPS` doubled until its
        attributions miss the differences of the logits by at most `TOLERANCE` of their size, or
        `MOST_STEPS`. (From one set of events to the next their mean differs far more.)
    batch_size, device, precision
        As in `integrated_gradients`.

    Returns
    -------
    Class -> float64 ``(n_channels, n_eta, n_phi)``.

    Raises
    ------
    InputError
        If the files do not fit the model, a class has no event or no positive sum of weights, or
        images of jets shall be aligned.
    """
    check_files(model.specification, collection)
    if aligned and collection.metadata.kind != "event":
        raise InputError(
            "images of jets are aligned already; ask for their mean attribution with aligned=False"
        )
    weights = np.ones(len(collection)) if weights is None else np.asarray(weights, dtype=np.float64)
    options = {
        "n_steps": n_steps,
        "batch_size": batch_size,
        "device": device,
        "precision": precision,
    }
    means = {}
    for title, indices in indices_by_class.items():
        indices = np.asarray(indices, dtype=np.int64)
        if not (len(indices) and weights[indices].sum() > 0):
            raise InputError(
                f"class '{title}': {len(indices)} events without a positive sum of weights have no "
                "mean"
            )
        total = np.zeros(collection.metadata.image_shape)
        for start in range(0, len(indices), batch_size):
            block = indices[start : start + batch_size]
            total += np.tensordot(
                weights[block], _attributions(model, collection, block, aligned, options), axes=1
            )
        means[title] = total / weights[indices].sum()
    return means


def align_images(images: np.ndarray, fat_jets: np.ndarray, grid: EtaPhiGrid) -> np.ndarray:
    """Images turned so that the leading fat jet comes to phi = 0 and positive eta.

    By whole cells: the cell of the jet's phi becomes column ``n_phi // 2``, whose lower edge is phi
    = 0 where ``n_phi`` is even. Images are mirrored in eta where the jet's eta is negative, unless
    the grid is not symmetric.

    Parameters
    ----------
    images
        ``(n, n_channels, n_eta, n_phi)``; not modified.
    fat_jets
        pT, eta, phi, mass of the jets of each event, the leading first, ``(n, n_jets, 4)``; an
        event whose first pT is 0 stays as it is.
    grid
        The cells.
    """
    pt, eta, phi = fat_jets[:, 0, :3].T
    shift = np.where(pt > 0, grid.n_phi // 2 - grid.phi_index(phi), 0)
    is_symmetric = np.allclose(grid.edges_in_eta, -grid.edges_in_eta[::-1])
    rows, columns = np.arange(grid.n_eta), np.arange(grid.n_phi)
    rows = np.where(((pt > 0) & (eta < 0) & is_symmetric)[:, None], rows[::-1], rows)
    columns = (columns - shift[:, None]) % grid.n_phi
    event, channel = np.ogrid[: len(images), : images.shape[1]]
    return images[
        event[:, :, None, None],
        channel[:, :, None, None],
        rows[:, None, :, None],
        columns[:, None, None, :],
    ]


def _attributions(
    model: ImageModel,
    collection: ImageCollection,
    indices: np.ndarray,
    aligned: bool,
    options: Mapping,
) -> np.ndarray:
    """Attributions of some events of a collection, aligned or as they are."""
    names = model.specification.variables
    variables = load_variables(collection, indices, names) if names else None
    of_classes = model.specification.n_outputs > 1
    label = collection.column("label")[indices] if of_classes else None
    found = _complete_attributions(model, collection.dense(indices), variables, label, **options)
    return (
        align_images(found, collection.column("fat_jets")[indices], collection.metadata.grid)
        if aligned
        else found
    )


def _complete_attributions(
    model: ImageModel,
    images: np.ndarray,
    variables: np.ndarray | None,
    label: np.ndarray | None,
    *,
    n_steps: int | None,
    batch_size: int,
    device: str,
    precision: str,
) -> np.ndarray:
    """Attributions with the given number of steps or, without one, with as many as make them
    complete.
    """
    look = {"label": label, "batch_size": batch_size, "device": device}
    steps = n_steps or FEWEST_STEPS
    while True:
        found = integrated_gradients(
            model, images, variables, n_steps=steps, precision=precision, **look
        )
        if n_steps is not None:
            return found
        gap = completeness_gap(model, images, found, variables, **look)
        size = np.mean(np.abs(found.sum(axis=(1, 2, 3), dtype=np.float64) - gap))
        missed = {"mean": abs(np.mean(gap)), "root mean square": np.sqrt(np.mean(gap**2))}
        if all(missed[name] <= TOLERANCE[name] * size for name in TOLERANCE):
            return found
        if steps >= MOST_STEPS:
            logger.warning(
                "attributions of %d events miss their logits: %s of %.3g", len(images), missed, size
            )
            return found
        steps *= 2


def _scaled_batches(
    model: ImageModel,
    images: np.ndarray | Tensor,
    variables: np.ndarray | Tensor | None,
    label: int | np.ndarray | None,
    batch_size: int,
) -> Iterator[tuple[Tensor, Tensor, tuple[Tensor, ...]]]:
    """Scaled images, the scaled empty image ``(1, c, eta, phi)``, and the variables and labels, if
    any, a batch at a time.
    """
    check_images(images, model.specification)
    variables = check_variables(variables, len(images), model.specification)
    labels = check_label(label, len(images), model.specification)
    beside = [one for one in (variables, labels) if one is not None]
    device = next(
        (one.device for one in (*model.parameters(), *model.buffers())), torch.device("cpu")
    )
    order = model.memory_format  # as in the training
    empty = model.scaling(torch.zeros((1, *model.specification.image_shape), device=device))
    empty = empty.contiguous(memory_format=order)
    for start in range(0, len(images), batch_size):
        part = images[start : start + batch_size]
        part = part.to(torch.float32) if isinstance(part, Tensor) else as_float32(part)
        given = tuple(one[start : start + batch_size].to(device) for one in beside)
        yield model.scaling(part.to(device)).contiguous(memory_format=order), empty, given


@contextmanager
def _in_evaluation(model: ImageModel, device: str, precision: str = "fp32") -> Iterator[None]:
    """Evaluation mode on a device in a precision; afterwards as before."""
    if precision not in PRECISIONS:
        raise InputError(
            f"precision '{precision}' is unknown for attributions: choose from "
            f"{', '.join(PRECISIONS)}"
        )
    before = next((one.device for one in model.parameters()), torch.device("cpu"))
    modes = {module: module.training for module in model.modules()}
    chosen = choose_device(device)
    model.eval().to(chosen)
    try:
        native = precision == "auto" and has_native_bf16(on_gpu=chosen.type == "cuda")
        with torch.autocast(chosen.type, torch.bfloat16, enabled=native or precision == "bf16"):
            yield
    finally:
        model.to(before)
        for module, training in modes.items():
            module.training = training
