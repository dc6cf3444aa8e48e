"""Out of memory: which batch size would fit."""

import gc

import torch

from calovision.datasets import ImageBatch
from calovision.scoring import is_out_of_memory
from calovision.training.classifier import ImageClassifier


def largest_batch_size(classifier: ImageClassifier, device: torch.device, batch_size: int) -> int:
    """Half, a quarter, ... of a batch size: the first whose training step fits the device; 0 if
    none does.
    """
    while batch_size > 1:
        batch_size //= 2
        if _step_fits(classifier, device, batch_size):
            return batch_size
    return 0


def _step_fits(classifier: ImageClassifier, device: torch.device, batch_size: int) -> bool:
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    try:
        classifier.to(device)
        batch = _empty_batch(classifier, batch_size).to(device)
        # the second step has the optimizer's moments in memory
        optimizer = torch.optim.Adam(classifier.parameters())
        for _ in range(2):
            optimizer.zero_grad()
            classifier(batch).sum().backward()
            optimizer.step()
    except (torch.OutOfMemoryError, RuntimeError) as error:
        if is_out_of_memory(error):
            return False
        raise
    return True


def _empty_batch(classifier: ImageClassifier, n: int) -> ImageBatch:
    specification = classifier.model.specification
    return ImageBatch(
        indices=torch.zeros(n, dtype=torch.int64),
        offsets=torch.zeros(n + 1, dtype=torch.int64),
        cells=torch.zeros(0, dtype=torch.int32),
        values=torch.zeros(0),
        labels=torch.zeros(n),
        weights=torch.ones(n),
        variables=torch.zeros(n, specification.n_variables),
        elements=None,
        image_shape=specification.image_shape,
    )
