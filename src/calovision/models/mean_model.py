"""Mean of networks as one model: of the folds and seeds of a training.

The output is the logit of the mean probability, as of the ensembles of the comparison; of more than
two classes, the logarithm of the mean probability of each; of a target, the mean of the
predictions in its unit.
"""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import log_softmax, logsigmoid

from calovision.core.errors import InputError
from calovision.models.image_model import ImageModel
from calovision.models.specification import ModelSpecification


class MeanModel(ImageModel):
    """Mean of several models of one specification. Made by `average_models` and
    `load_model`.

    Parameters
    ----------
    specification
        Of each.
    n_members
        Number of models.

    Attributes
    ----------
    members
        The models, `torch.nn.ModuleList`.
    """

    def __init__(self, specification: ModelSpecification, n_members: int) -> None:
        nn.Module.__init__(self)
        self.specification = specification
        self.training_run = {}
        self.recipe = None
        self.members = nn.ModuleList(ImageModel(specification) for _ in range(n_members))

    def forward(
        self,
        images: torch.Tensor,
        variables: torch.Tensor | None = None,
        *,
        is_scaled: bool = False,
    ) -> torch.Tensor:
        """Logit of the mean probability, ``(n,)``, or of more than two classes the logarithms of
        the mean probabilities, ``(n, n_classes)``, or the mean prediction of a target, ``(n,)``;
        arguments as of `ImageModel`.

        Signal and background are averaged apart in logarithms, so that no digit is lost next to 0
        and 1.
        """
        members = [
            member.in_unit(member(images, variables, is_scaled=is_scaled))
            for member in self.members
        ]
        logits = torch.stack(members).float()
        if self.specification.target:
            return logits.mean(dim=0)
        if self.specification.n_outputs > 1:
            return log_softmax(log_softmax(logits, dim=2).logsumexp(dim=0), dim=1)
        signal, background = (logsigmoid(sign * logits).logsumexp(dim=0) for sign in (1, -1))
        return signal - background

    def in_unit(self, outputs: torch.Tensor) -> torch.Tensor:
        """Outputs as they are: the mean is one of scores."""
        return outputs

    @property
    def takes_points(self) -> bool:
        """As of its members."""
        return self.members[0].takes_points

    @property
    def memory_format(self) -> torch.memory_format:
        """As of its members."""
        return self.members[0].memory_format


def average_models(models: Sequence[ImageModel]) -> MeanModel:
    """Mean of models that were trained alike; it has their weights, and the recipe of the first.

    Raises
    ------
    InputError
        If there is none, or they are not of one specification.
    """
    if not models:
        raise InputError("mean of no model: give at least one")
    if any(model.specification != models[0].specification for model in models):
        raise InputError("the models take other images, or are other networks: no mean is made")
    mean = MeanModel(models[0].specification, 0)
    mean.members.extend(models)
    mean.recipe = models[0].recipe
    return mean.eval()
