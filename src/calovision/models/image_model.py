"""Scaling, network and head as one module: what is trained, stored and scored."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

from calovision.core.errors import InputError
from calovision.models.layers import FeatureNetwork
from calovision.models.networks import make_network
from calovision.models.scaling import ScalingStatistics, VariableScaling, make_scaling
from calovision.models.specification import ModelSpecification
from calovision.models.target import TargetScaling

FUSION_WIDTH = 64  # of the dense layer that sees features and variables


class FusionHead(nn.Module):
    """Features of the image and standardized variables to logits, through a dense layer that sees
    both.

    Parameters
    ----------
    n_features, n_variables, n_outputs
        Numbers of each, and of logits.
    """

    def __init__(self, n_features: int, n_variables: int, n_outputs: int = 1) -> None:
        super().__init__()
        self.scaling = VariableScaling(n_variables)
        self.dense = nn.Sequential(
            nn.Linear(n_features + n_variables, FUSION_WIDTH),
            nn.ReLU(),
            nn.Linear(FUSION_WIDTH, n_outputs),
        )

    def forward(self, features: torch.Tensor, variables: torch.Tensor) -> torch.Tensor:
        """``(n, n_features)`` and unscaled ``(n, n_variables)`` to ``(n, n_outputs)``."""
        return self.dense(torch.cat((features, self.scaling(variables)), dim=1))


class ImageModel(nn.Module):
    """A network with the scaling before it and the head behind it. Made by `make_model` and
    `load_model`.

    Parameters
    ----------
    specification
        What to build; scaling and variables have no statistics yet.

    Attributes
    ----------
    specification
        As given.
    training_run
        What is known of the training (`save_model`); empty before.
    recipe
        Choices by which its images are made of ROOT files (`calovision.conversion.stored`); None
        where they are not known.
    """

    def __init__(self, specification: ModelSpecification) -> None:
        super().__init__()
        self.specification = specification
        self.training_run: dict = {}
        self.recipe: dict | None = None
        self.scaling = make_scaling(specification.scaling, specification.image_shape)
        self.network = make_network(specification)
        self.head = _make_head(self.network, specification)
        scale = specification.target.get("scale")
        self.target = None if scale is None else TargetScaling(scale)

    def forward(
        self,
        images: torch.Tensor,
        variables: torch.Tensor | None = None,
        *,
        is_scaled: bool = False,
    ) -> torch.Tensor:
        """Logits of images, or outputs on the scale of the target (`in_unit`).

        Parameters
        ----------
        images
            ``(n, n_channels, n_eta, n_phi)`` float32, in the units of the training images.
        variables
            ``(n, n_variables)`` float32, unscaled, if the model takes variables.
        is_scaled
            The scaling was done already, on the contents of sparse images (`Scaling.of_cells`).

        Returns
        -------
        ``(n,)`` of two classes, else ``(n, n_classes)`` (`ModelSpecification.n_outputs`).

        Raises
        ------
        InputError
            If images or variables are not of the model's shape.
        """
        self._check(images, variables)
        scaled = images if is_scaled else self.scaling(images)
        if self.specification.seen_channels:
            scaled = scaled[:, self.specification.channel_positions]
        if self.head is None:
            return _checked_logits(self.network(scaled), self.specification)
        if self.takes_points:
            features = self.network.features(scaled, variables)
            variables = None
        else:
            features = self.network.features(scaled)
        with _full_precision(features):
            features = features.float()
            logits = self.head(features) if variables is None else self.head(features, variables)
        return logits.squeeze(1) if self.specification.n_outputs == 1 else logits

    def in_unit(self, outputs: torch.Tensor) -> torch.Tensor:
        """Scores of outputs of the model: logits as they are, of a target the predictions in its
        unit, ``(n,)``.
        """
        return outputs if self.target is None else self.target(outputs)

    @property
    def takes_points(self) -> bool:
        """The variables go into the network itself (`FeatureNetwork.takes_points`)."""
        return getattr(self.network, "takes_points", False)

    @property
    def memory_format(self) -> torch.memory_format:
        """Order in memory in which it is quickest; torch's usual one for a network of the user's,
        which may count on it.
        """
        is_last = getattr(self.network, "channels_last", True)
        if self.specification.is_imported or not is_last:
            return torch.contiguous_format
        return torch.channels_last

    def set_statistics(self, statistics: ScalingStatistics) -> None:
        """Take what scaling and variables need of the training split; InputError if it is not
        there.
        """
        self.scaling.set_statistics(statistics)
        if self.specification.n_variables and not self.takes_points:
            self.head.scaling.set_statistics(statistics)
        if self.target is not None:
            self.target.set_statistics(statistics)

    def _check(self, images: torch.Tensor, variables: torch.Tensor | None) -> None:
        shape, n_variables = self.specification.image_shape, self.specification.n_variables
        if tuple(images.shape[1:]) != shape:
            raise InputError(
                f"images of shape {tuple(images.shape)}, but the model takes (n, "
                f"{', '.join(map(str, shape))})"
            )
        if (0 if variables is None else variables.shape[1]) != n_variables:
            found = "none" if variables is None else variables.shape[1]
            names = ", ".join(self.specification.variables)
            raise InputError(
                f"variables: {found} given, but the model takes {n_variables} of each event "
                f"({names})"
            )


def make_model(
    specification: ModelSpecification, statistics: ScalingStatistics | None = None
) -> ImageModel:
    """A new model with random weights.

    Parameters
    ----------
    specification
        Network, images, variables, scaling.
    statistics
        Of the training split, as the scaling and the variables need them.

    Raises
    ------
    InputError
        If the network is unknown, does not take an option or is too large for the images, or a
        statistic is missing.
    """
    model = ImageModel(specification)
    model.set_statistics(statistics or ScalingStatistics())
    return model


def _make_head(network: nn.Module, specification: ModelSpecification) -> nn.Module | None:
    """A dense layer; with variables the one that takes these too; None for a user's network, which
    ends in the logits.
    """
    n_outputs = specification.n_outputs
    if getattr(network, "takes_points", False):
        network.check_variables(specification.n_variables)
        return nn.Linear(network.n_features, n_outputs)
    if specification.n_variables:
        if not (
            callable(getattr(network, "features", None))
            and isinstance(getattr(network, "n_features", None), int)
        ):
            raise InputError(
                f"network '{specification.network}' cannot take variables: it needs a method "
                "features(images) and the "
                "number n_features of what that returns"
            )
        return FusionHead(network.n_features, specification.n_variables, n_outputs)
    return nn.Linear(network.n_features, n_outputs) if isinstance(network, FeatureNetwork) else None


def _full_precision(features: torch.Tensor) -> AbstractContextManager:
    """Float32 for the head where the rest is mixed: in the eight bits of bfloat16 many events would
    have one score.
    """
    device = "cuda" if features.is_cuda else "cpu"
    return (
        torch.autocast(device, enabled=False)
        if torch.is_autocast_enabled(device)
        else nullcontext()
    )


def _checked_logits(logits: torch.Tensor, specification: ModelSpecification) -> torch.Tensor:
    """Logits of a user's network: ``(n,)`` from ``(n,)`` or ``(n, 1)``, or ``(n, n_classes)``."""
    n_outputs = specification.n_outputs
    if n_outputs == 1 and logits.ndim == 2 and logits.shape[1] == 1:
        return logits.squeeze(1)
    if logits.ndim == 1 if n_outputs == 1 else tuple(logits.shape[1:]) == (n_outputs,):
        return logits
    wanted = (
        "one logit an image, (n,) or (n, 1)"
        if n_outputs == 1
        else f"a logit for each of the {n_outputs} classes, (n, {n_outputs}): their number is what "
        "its class is given as n_outputs"
    )
    raise InputError(
        f"network '{specification.network}' gives {tuple(logits.shape)}, but must give {wanted}"
    )
