"""Choices of one training run, and what each of them becomes for Lightning."""

import math
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

import torch

from calovision.core.errors import InputError
from calovision.datasets import WEIGHT_SCHEMES
from calovision.models import has_native_bf16

SCHEDULES = ("one_cycle", "cosine", "constant")
PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}
"""Name -> Lightning's; ``auto`` is one of them."""
DEVICES = ("auto", "cpu", "gpu")
COUNTS = {"epochs": 1, "patience": 0, "batch_size": 1, "n_devices": 1, "n_nodes": 1}
"""Whole numbers of the options, and the least of each."""
POSITIVE = ("learning_rate", "checkpoint_minutes", "gradient_clip")


@dataclass(frozen=True)
class TrainingOptions:
    """Choices of one training run.

    Attributes
    ----------
    network, options
        Name in ``models.NETWORKS`` or import path ``package.module:Class``, and the network's own
        options.
    scaling, circular, variables
        Scaling of the images, circular padding in phi, event columns beside the image
        (`models.ModelSpecification`).
    channels
        Channels of the images that the network looks at; empty for all.
    training_share
        Part of the training split that is used, for learning curves; smaller parts are in the
        larger ones.
    validation_share
        Part of the validation split that is looked at after every epoch; smaller parts are in the
        larger ones.
    epochs, patience
        Largest number of epochs, and how many without a lower validation loss end the run.
    batch_size
        Images in a step, over all processes.
    learning_rate, schedule
        Of Adam: the highest of ``one_cycle`` (Smith, Topin, arXiv:1708.07120) and ``cosine``, or
        ``constant``.
    weights
        One of ``datasets.WEIGHT_SCHEMES``.
    augmentation
        Turn training images in phi and mirror them in eta and phi at random.
    device, n_devices, n_nodes
        ``auto``, ``cpu`` or ``gpu``; processes a node (one GPU each) and nodes.
    precision
        ``fp32``, ``bf16``, ``fp16`` (GPU only) or ``auto``: bf16 where the device multiplies it in
        hardware.
    channels_last, compile
        Memory order of the images; torch.compile.
    gradient_clip
        Largest norm of the gradient; None does not clip.
    checkpoint_minutes
        A run that is killed loses at most this much of an epoch.
    """

    network: str = "small"
    options: dict[str, Any] = field(default_factory=dict)
    scaling: str = "log1p"
    circular: bool = True
    variables: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    training_share: float = 1.0
    validation_share: float = 1.0
    epochs: int = 20
    patience: int = 5
    batch_size: int = 64
    learning_rate: float = 1e-3
    schedule: str = "one_cycle"
    weights: str = "balanced"
    augmentation: bool = True
    device: str = "auto"
    n_devices: int = 1
    n_nodes: int = 1
    precision: str = "auto"
    channels_last: bool = True
    compile: bool = False
    gradient_clip: float | None = None
    checkpoint_minutes: float = 10.0
    seed: int = 1

    @property
    def n_processes(self) -> int:
        """Processes that train together."""
        return self.n_devices * self.n_nodes

    @property
    def on_gpu(self) -> bool:
        """The run will be on a GPU."""
        return self.device != "cpu" and torch.cuda.is_available()

    def check(self) -> None:
        """Raise InputError for an unknown or impossible choice."""
        choices = {
            "weights": WEIGHT_SCHEMES,
            "schedule": SCHEDULES,
            "precision": ("auto", *PRECISIONS),
            "device": DEVICES,
        }
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise InputError(
                    f"train.{name} '{getattr(self, name)}' is unknown: choose from "
                    f"{', '.join(known)}"
                )
        self._check_numbers()
        self._check_device()
        for name in ("training_share", "validation_share"):
            if not 0 < getattr(self, name) <= 1:
                raise InputError(
                    f"train.{name} is {getattr(self, name)}: give a part above 0, at most 1"
                )
        if self.batch_size % self.n_processes:
            raise InputError(
                f"train.batch_size {self.batch_size} cannot be divided among {self.n_processes} "
                "processes: choose a "
                f"multiple of {self.n_processes}"
            )

    def _check_numbers(self) -> None:
        for name, least in COUNTS.items():
            number = getattr(self, name)
            if not isinstance(number, Integral) or isinstance(number, bool) or number < least:
                raise InputError(f"train.{name} is {number}: give a whole number from {least} on")
        for name in POSITIVE:
            number = getattr(self, name)
            if not (number is None and name == "gradient_clip") and not 0 < number < math.inf:
                raise InputError(f"train.{name} is {number}: give a number above 0")

    def _check_device(self) -> None:
        if self.device == "gpu" and not torch.cuda.is_available():
            raise InputError(
                "train.device is 'gpu' but there is none on this machine: choose auto or cpu"
            )
        if self.on_gpu and self.n_devices > torch.cuda.device_count():
            raise InputError(
                f"train.n_devices is {self.n_devices} but this machine has "
                f"{torch.cuda.device_count()} GPU: choose less"
            )
        if self.precision == "fp16" and not self.on_gpu:
            raise InputError("train.precision 'fp16' needs a GPU: choose auto, bf16 or fp32")

    def lightning_precision(self) -> str:
        """Lightning's name of the precision."""
        if self.precision != "auto":
            return PRECISIONS[self.precision]
        return PRECISIONS["bf16" if has_native_bf16(on_gpu=self.on_gpu) else "fp32"]
