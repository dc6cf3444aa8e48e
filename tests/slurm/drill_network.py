"""A network whose training takes as long as a drill needs."""

import os
import time
from pathlib import Path

from torch import nn


class SlowNetwork(nn.Module):
    """Waits at every step of the training while the file ``slow`` is in the working folder of the drill."""

    def __init__(self, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        channels, eta, phi = image_shape
        self.layers = nn.Sequential(
            nn.Conv2d(channels, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.5),
            nn.Linear(4 * eta * phi, 1),
        )
        self.is_slow = Path(os.environ["CALOVISION_DRILL_FOLDER"], "slow").exists

    def forward(self, images):
        """One logit per image."""
        if self.training and self.is_slow():
            time.sleep(2)
        return self.layers(images)
