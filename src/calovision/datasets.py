"""Image files to batches of tensors, and what symmetry gives for free.

Images are ``(n, channels, eta, phi)`` float32; they stay sparse on disk until a batch is asked for.
"""

import numpy as np
import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, SequentialSampler

from calovision.errors import InputError
from calovision.storage import ImageCollection

WEIGHT_SCHEMES = ("balanced", "physical", "log1p")


class ImageDataset(Dataset):
    """Events of an image collection, fetched a batch at a time.

    Parameters
    ----------
    collection
        The image files.
    indices
        Which events of the collection, ``(n,)``.
    weights
        Training weight of each of them, ``(n,)``; 1 if None.
    """

    def __init__(self, collection: ImageCollection, indices: np.ndarray, weights: np.ndarray | None = None) -> None:
        self.collection = collection
        self.indices = np.asarray(indices)
        self.labels = collection.column("label")[self.indices].astype(np.float32)
        self.weights = np.ones(len(self)) if weights is None else np.asarray(weights)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, batch: list[int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Images ``(n, c, eta, phi)``, labels ``(n,)``, weights ``(n,)`` of a batch of positions."""
        batch = np.asarray(batch)
        images = torch.from_numpy(self.collection.dense(self.indices[batch]))
        labels, weights = self.labels[batch], self.weights[batch].astype(np.float32)
        return images, torch.from_numpy(labels), torch.from_numpy(weights)


def make_loader(dataset: ImageDataset, *, batch_size: int, shuffle: bool = False, seed: int = 0) -> DataLoader:
    """Loader whose items are whole batches; reading is fast enough to need no worker processes."""
    generator = torch.Generator().manual_seed(seed)
    order = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
    sampler = BatchSampler(order, batch_size=batch_size, drop_last=shuffle and len(dataset) > batch_size)
    return DataLoader(dataset, sampler=sampler, batch_size=None)


def training_weights(labels: np.ndarray, event_weights: np.ndarray, scheme: str) -> np.ndarray:
    """Weights of the training loss, both classes with the same sum, mean 1.

    Parameters
    ----------
    labels, event_weights
        ``(n,)`` each; expected events (``ImageCollection.event_weights``).
    scheme
        ``balanced``: every event of a class counts the same; ``physical``: within a class by the
        event weight; ``log1p``: by log(1 + event weight), as the case study does (arXiv:1711.03573).
        The last two give events of negative weight the weight 0.

    Raises
    ------
    InputError
        If a class has no event of positive weight.
    """
    within = {
        "balanced": np.ones(len(labels)),
        "physical": np.clip(event_weights, 0, None),
        "log1p": np.log1p(np.clip(event_weights, 0, None)),
    }[scheme]
    weights = np.empty(len(labels))
    for label in (0, 1):
        mine = labels == label
        total = within[mine].sum()
        if not total > 0:
            raise InputError(f"no event with label {label} has a positive weight: give events of both classes")
        weights[mine] = within[mine] / total * len(labels) / 2
    return weights


def random_symmetry(images: torch.Tensor) -> torch.Tensor:
    """Each image turned by a random number of cells in phi and mirrored at random in eta and in phi.

    Collisions of equal beams have no preferred phi and no preferred side, and neither has a detector
    that is symmetric in eta. Same shape as the input, ``(n, c, eta, phi)``; the input stays as it is.
    """
    n, _, n_eta, n_phi = images.shape
    device = images.device
    shift = torch.randint(n_phi, (n, 1), device=device)
    sign_phi, sign_eta = 1 - 2 * torch.randint(2, (2, n, 1), device=device)
    columns = (sign_phi * torch.arange(n_phi, device=device) + shift) % n_phi
    # counting backwards from -1: index -1 - i is row n - 1 - i
    rows = (sign_eta * torch.arange(n_eta, device=device) + torch.clamp(sign_eta, max=0)) % n_eta
    flat = (rows[:, :, None] * n_phi + columns[:, None, :]).view(n, 1, -1).expand(-1, images.shape[1], -1)
    return images.flatten(2).gather(2, flat).view_as(images)
