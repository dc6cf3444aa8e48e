"""Networks of a user, one of which kills its process, and a training run in a process of its
own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from torch import nn

from calovision.training import TrainingOptions, train_network

TESTS = Path(__file__).parent


class NetworkWithoutState(nn.Module):
    """Two processes compute the same as one: no batch normalization, no dropout."""

    def __init__(self, image_shape, *, width=4):
        super().__init__()
        channels, eta, phi = image_shape
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(width * (eta - 2) * (phi - 2), 1),
        )

    def forward(self, images):
        return self.layers(
            images.view(-1).view(images.shape)
        )  # channels-last images do not allow it


class GreedyNetwork(NetworkWithoutState):
    """Has memory for three images at a time."""

    def forward(self, images):
        if len(images) > 3:
            raise RuntimeError(
                "[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory"
            )
        return super().forward(images)


class MortalNetwork(nn.Module):
    """Has everything that a resumed run must restore, and sends its process a signal when its time
    has come.

    SIGNAL is the name of the signal, AT the number of the batch, in training or (AT below 0) in
    validation.
    """

    def __init__(self, image_shape):
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
        self.batches = {True: 0, False: 0}

    def forward(self, images):
        self.batches[self.training] += 1
        number = self.batches[True] if self.training else -self.batches[False]
        if number == int(os.environ.get("AT", "0")):
            os.kill(os.getpid(), getattr(signal, os.environ["SIGNAL"]))
        return self.layers(images)


def train(collection, folder, defaults, **changes):
    """Train with some options changed, quietly."""
    options = TrainingOptions(**(vars(defaults) | changes))
    return train_network(collection, folder, options, luminosity_fb=1.0, progress_bar=False)


def train_apart(paths, folder, options, **environment):
    """The same in a process of its own; returns what became of it."""
    program = (
        "import logging, pathlib; from fakes_training import *; from calovision.storage import "
        "ImageCollection\n"
        "logging.basicConfig(level=logging.INFO)\n"
        f"train(ImageCollection({[str(path) for path in paths]}), pathlib.Path({str(folder)!r}), "
        f"{options!r})"
    )
    return subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])} | environment,
        capture_output=True,
        text=True,
    )
