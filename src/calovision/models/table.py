"""Table of the layers of a network in the order of their use, with parameters and
multiply-adds.
"""

from dataclasses import dataclass

import torch
from torch import nn

from calovision.models.image_model import ImageModel
from calovision.models.specification import ModelSpecification


@dataclass(frozen=True)
class LayerRow:
    """One use of a layer.

    Attributes
    ----------
    name, type
        Where it is in the model, and its class.
    output_shape
        Of one image; ``()`` for a single number.
    parameters
        That are trained in it; 0 where it is used again.
    multiply_adds
        Of convolutions and dense layers, for one image; other layers are not counted.
    """

    name: str
    type: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class NetworkTable:
    """Layers of a model, and what they sum up to.

    Attributes
    ----------
    rows
        The layers in their order.
    """

    rows: list[LayerRow]

    @property
    def parameters(self) -> int:
        """Parameters of all layers."""
        return sum(row.parameters for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of all layers for one image; training takes about three times as many."""
        return sum(row.multiply_adds for row in self.rows)


def network_table(specification: ModelSpecification) -> NetworkTable:
    """Layers of a model in the order of their use.

    The model is built and run without memory for its weights (on torch's device ``meta``), however
    large it is; only a network of one's own, which may not know that device, is really run, on an
    empty image.

    Raises
    ------
    InputError
        If the specification cannot be built.
    """
    with (
        torch.random.fork_rng(devices=[]),
        torch.device("cpu" if specification.is_imported else "meta"),
    ):
        model = ImageModel(specification).eval()
        rows = _record_rows(model)
        with torch.no_grad():
            images = torch.zeros(1, *specification.image_shape)
            n_variables = specification.n_variables
            model(images, torch.zeros(1, n_variables) if n_variables else None)
    return NetworkTable(rows)


def count_parameters(model: nn.Module) -> int:
    """Numbers that are trained.

    Parameters
    ----------
    model
        Any module.
    """
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def count_multiply_adds(model: ImageModel) -> int:
    """Multiply-adds of convolutions and dense layers for one image.

    Parameters
    ----------
    model
        Whose layers are counted; no image is needed.
    """
    return network_table(model.specification).multiply_adds


def _record_rows(model: nn.Module) -> list[LayerRow]:
    """A list that grows at every use of a layer: of a module without parts, or with parameters
    beside its parts.
    """
    rows: list[LayerRow] = []
    seen: set[nn.Module] = set()

    def record(name: str, module: nn.Module, output: object) -> None:
        own = sum(
            parameter.numel()
            for parameter in module.parameters(recurse=False)
            if parameter.requires_grad
        )
        shape = tuple(output.shape[1:]) if isinstance(output, torch.Tensor) else ()
        work = _multiply_adds(module, output)
        rows.append(
            LayerRow(name, type(module).__name__, shape, 0 if module in seen else own, work)
        )
        seen.add(module)

    for name, module in model.named_modules():
        if not list(module.children()) or list(module.parameters(recurse=False)):
            module.register_forward_hook(
                lambda module, inputs, output, name=name: record(name, module, output)
            )
    return rows


def _multiply_adds(module: nn.Module, output: object) -> int:
    """Multiply-adds of one use, for the images of its output."""
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        return output.numel() * module.weight[0].numel()  # each output sums over a kernel
    if isinstance(module, nn.Linear):
        return output.numel() * module.in_features
    return 0
