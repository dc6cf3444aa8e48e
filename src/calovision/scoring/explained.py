"""Output of a network that attributions explain: its logit, or the log-probability of a class."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from calovision.core.errors import InputError
from calovision.models import ImageModel, ModelSpecification


def explained_function(model: ImageModel) -> Callable[..., Tensor]:
    """Function of scaled images, and of variables and labels where there are any, that gives what
    is explained, ``(n,)``.
    """

    def logit(scaled: Tensor, *variables: Tensor) -> Tensor:
        return model(scaled, *variables, is_scaled=True)

    def log_probability(scaled: Tensor, *given: Tensor) -> Tensor:
        *variables, label = given
        logits = model(scaled, *variables, is_scaled=True)
        return logits.log_softmax(dim=1).gather(1, label[:, None]).squeeze(1)

    return logit if model.specification.n_outputs == 1 else log_probability


def check_label(
    label: int | np.ndarray | None, n_images: int, specification: ModelSpecification
) -> Tensor | None:
    """Labels int64 ``(n_images,)``; None of a model with one logit."""
    if specification.n_outputs == 1:
        if label is not None:
            raise InputError("a model of two classes has one logit to explain: leave label out")
        return None
    known = ", ".join(f"{number} {name}" for number, name in enumerate(specification.classes))
    if label is None:
        raise InputError(f"label: give the number of the class that is explained, of {known}")
    labels = np.asarray(label)
    if labels.dtype.kind not in "iu" or labels.shape not in ((), (n_images,)):
        raise InputError(f"label is {labels.dtype} of shape {labels.shape}; give one of {known}")
    if labels.size and not (labels.min() >= 0 and labels.max() < specification.n_outputs):
        raise InputError(f"label {labels.min()} to {labels.max()}: the classes are {known}")
    return torch.from_numpy(np.broadcast_to(labels, n_images).astype(np.int64))
