"""Number that a network learns in place of a class: from its output to the unit, and back.

The output of a network is a number of the order of 1. With the scale ``linear`` it is (target -
mean) / spread over the training rows; ``log`` takes the logarithms of the targets, so that a
difference is relative; ``relative`` has the output of ``linear``, and divides the residual of the
loss by the true value.
"""

import torch
from torch import nn

from calovision.models.scaling import ScalingStatistics, measured


class TargetScaling(nn.Module):
    """Last layer of a model with a target: outputs to predictions in its unit.

    Parameters
    ----------
    scale
        One of `calovision.models.specification.TARGET_SCALES`.
    """

    def __init__(self, scale: str) -> None:
        super().__init__()
        self.scale = scale
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("spread", torch.ones(()))

    def set_statistics(self, statistics: ScalingStatistics) -> None:
        """Take ``target_mean`` and ``target_spread``, of the logarithms with the scale ``log``."""
        for name in ("mean", "spread"):
            tensor = getattr(self, name)
            tensor.copy_(
                measured(statistics, f"target_{name}", tensor.shape, "a model of a target")
            )

    def forward(self, outputs: torch.Tensor) -> torch.Tensor:
        """Predictions in the unit of the target, ``(n,)`` of outputs ``(n,)``."""
        mean, spread = self._numbers(outputs)
        scaled = mean + spread * outputs
        return scaled.exp() if self.scale == "log" else scaled

    def residuals(self, outputs: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Numbers of the order of 1 that the loss makes small, ``(n,)`` of outputs and true values
        ``(n,)``.
        """
        if self.scale == "relative":
            return (self(outputs) - truth) / truth
        mean, spread = self._numbers(outputs)
        scaled = truth.log() if self.scale == "log" else truth
        return outputs - (scaled - mean) / spread

    def _numbers(self, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and spread where, and with the digits that, the outputs are."""
        return self.mean.to(like), self.spread.to(like)
