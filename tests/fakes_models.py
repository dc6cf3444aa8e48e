"""Small models with logits known in closed form, or as trained ones."""

import torch
from torch import nn

from calovision.models import NETWORKS, ModelSpecification, make_model

IMAGE_NETWORKS = [
    name for name, entry in NETWORKS.items() if not (entry.points or entry.needs_layers)
]
CHANNELS, UNITS = ("em_et", "tracks", "had_et", "energy"), ("GeV", "", "GeV", "GeV")


def make_specification(shape=(2, 8, 8), **changes):
    """That of the images of `fakes.write_image_file`."""
    grid = {"n_eta": shape[1], "n_phi": shape[2], "eta_range": (-2.5, 2.5), "eta_edges": None}
    values = {"network": "small", "image_shape": shape, "grid": grid}
    values |= {"channels": CHANNELS[: shape[0]], "units": UNITS[: shape[0]]}
    return ModelSpecification(**(values | changes))


class WeightedSum(nn.Module):
    """Logit = sum of the contents times the weight of their cell, plus the sum of the variables."""

    memory_format = torch.channels_last

    def __init__(self, shape=(2, 8, 8), *, weights=None, **changes):
        super().__init__()
        self.specification = make_specification(shape, **changes)
        self.register_buffer("weights", torch.ones(shape) if weights is None else weights)

    def forward(self, images, variables=None):
        logits = (images * self.weights).sum(dim=(1, 2, 3))
        return logits if variables is None else logits + variables.sum(dim=1)


def make_trained(shape=(2, 8, 8), *, seed=1, statistics=None, **changes):
    """A network with random weights and batch normalization that has seen some images, in
    evaluation."""
    torch.manual_seed(seed)
    model = make_model(make_specification(shape, **changes), statistics)
    model.train()
    images = torch.where(torch.rand(16, *shape) < 0.1, 30 * torch.rand(16, *shape), 0.0)
    n_variables = model.specification.n_variables
    with torch.no_grad():
        for _ in range(20):
            model(images, torch.randn(16, n_variables) if n_variables else None)
    return model.eval()
