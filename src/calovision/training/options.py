"""Choices of one training run, and what each of them becomes for Lightning.

The configuration makes its keys of `TrainingOptions` (`calovision.workflow.training`); torch is
imported when a machine is looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from calovision.core.errors import InputError
from calovision.core.options import check_options, option, with_options_in_docstring
from calovision.core.registry import nearest
from calovision.datasets.weights import WEIGHT_SCHEMES
from calovision.models.specification import SCALINGS, TARGET_SCALES

SCHEDULES = ("one_cycle", "cosine", "constant")
PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}
"""Name -> Lightning's; ``auto`` is one of them."""
DEVICES = ("auto", "cpu", "gpu")
TARGET_LOSSES = ("huber", "mse", "log_cosh")
LOSS_OPTIONS = ("weights", "class_weights", "flat_in", "flat_like", "flat_bins")
"""Names of the options that decide the weights of the loss."""


@with_options_in_docstring
@dataclass(frozen=True)
class TrainingOptions:
    """Choices of one training run: the keys of ``train`` in the configuration, and a seed."""

    network: str = option(
        "small",
        "Network by name, or your own as package.module:Class",
        details="The networks are listed below; modules are found on `PYTHONPATH`.",
    )
    options: dict[str, Any] = option(
        dict,
        "Options of the network: width, dropout ...",
        details="Those of a model replace those of `train` as a whole.",
    )
    epochs: int = option(8, "Largest number of passes over the training split", ge=1)
    patience: int = option(5, "Epochs without a lower validation loss before it stops", ge=0)
    batch_size: int = option(64, "Events in a step, over all processes", ge=1)
    learning_rate: float = option(
        0.002,
        "Highest learning rate of the schedule",
        details="Of the optimizer Adam.",
        gt=0,
    )
    schedule: str = option(
        "one_cycle",
        "Schedule of the learning rate",
        details="`one_cycle` is that of arXiv:1708.07120.",
        choices=SCHEDULES,
    )
    weights: str = option(
        "balanced",
        "Event weights in the loss",
        details="Within a class: `balanced` (all the same), `log1p`, `raw` (expected events), with "
        "which all classes weigh the same in total; or `none`, every event 1.",
        choices=WEIGHT_SCHEMES,
    )
    class_weights: dict[str, float] = option(
        dict,
        "Weight of each class in the loss, by name; 1 for those that are left out",
        details="It multiplies `weights`. Without `classes` the names are background and signal.",
    )
    flat_in: tuple[str, ...] = option(
        (),
        "Variables whose spectrum is made the same for all classes by the weights of the loss",
        details="`[pt]`, or `[pt, mass]` for both together. Bins hold equally many rows of all "
        "classes together (each class weighing the same), and in each class every bin weighs the "
        "same; the model's file keeps them.",
    )
    flat_like: str | None = option(
        None, "Class whose spectrum of `flat_in` the others get; null: a flat one"
    )
    flat_bins: int = option(
        20,
        "Bins of each variable of `flat_in` at most",
        details="Fewer where the smallest class has less than 25 rows a bin.",
        ge=1,
        le=10_000,
    )
    target: str | None = option(
        None,
        "Column that the networks learn in place of the classes, such as an energy; null: classes",
        details="A variable of the package, or of `variables`, with one number a row. The results "
        "are then those of a regression: bias and resolution, and samples need no label.",
    )
    target_scale: str = option(
        "linear",
        "Scale on which the target is learned",
        details="`linear`: less its mean, divided by its standard deviation in the training "
        "split; `log`: the same of its logarithm; `relative`: linear, but the loss is that of the "
        "residual divided by the true value. The last two need a target above 0.",
        choices=TARGET_SCALES,
    )
    target_loss: str = option(
        "huber",
        "Loss of the residuals of a target",
        details="`huber` is quadratic up to 1, then linear (arXiv:1901.05512 uses it for jet "
        "energies); `mse`: half the square; `log_cosh`: the logarithm of the hyperbolic cosine.",
        choices=TARGET_LOSSES,
    )
    target_unit: str | None = option(None, "Unit of the target; null for that of the variable")
    scaling: str = option(
        "log1p",
        "Scaling of the cell contents",
        details="`log1p`, `maximum` (divided by that of the channel in the training split), "
        "`image` (by that of the channel in the same image), `standardize` (mean and standard "
        "deviation of each cell in the training split), `none`; stored with the model.",
        choices=SCALINGS,
    )
    variables: tuple[str, ...] = option(
        (),
        "Event variables that the network takes beside the image",
        details="`fat_jets` are pT, eta, phi, mass of the five leading ones.",
    )
    channels: tuple[str, ...] = option(
        (), "Channels that the network looks at; none: all of the images"
    )
    training_share: float = option(
        1.0,
        "Part of the training split that is used",
        details="For learning curves; smaller parts are in the larger ones.",
        gt=0,
        le=1,
    )
    validation_share: float = option(
        1.0,
        "Part of the validation split that is seen after every epoch",
        details="It decides when to stop; everything else uses all of the split. Smaller parts are "
        "in the larger ones.",
        gt=0,
        le=1,
    )
    circular: bool = option(True, "Convolutions wrap around in phi instead of padding zeros")
    augmentation: bool = option(True, "Turn training images in phi, mirror them in eta and phi")
    device: str = option(
        "auto",
        "Device of training and scoring",
        details="`auto` is a GPU if there is one.",
        choices=DEVICES,
    )
    n_devices: int = option(1, "GPUs (or processes) of a node that train together", ge=1)
    n_nodes: int = option(1, "Nodes that train together", ge=1)
    precision: str = option(
        "auto",
        "Arithmetic of the training",
        details="`auto` is bf16 where the processor has it; `fp16` is for GPUs only.",
        choices=("auto", *PRECISIONS),
    )
    channels_last: bool = option(
        True,
        "Memory order of the images: channels behind the cells",
        details="Faster on most devices.",
    )
    compile: bool = option(
        False, "Train with torch.compile", details="It is worth its minute for long runs."
    )
    gradient_clip: float | None = option(None, "Largest norm of the gradient; null: any", gt=0)
    checkpoint_minutes: float = option(
        10, "Largest part of an epoch that a killed training loses", unit="minutes", gt=0
    )
    seed: int = 1

    @property
    def n_processes(self) -> int:
        """Processes that train together."""
        return self.n_devices * self.n_nodes

    @property
    def on_gpu(self) -> bool:
        """The run will be on a GPU."""
        import torch

        return self.device != "cpu" and torch.cuda.is_available()

    def check(self) -> None:
        """Raise InputError for an unknown or impossible choice."""
        check_options(self, "train")
        check_class_weights("train.class_weights", self.class_weights)
        if self.target is not None:
            self._check_target()
        if self.flat_like is not None and not self.flat_in:
            raise InputError(
                "train.flat_like: it is the spectrum of no variable; give flat_in, too"
            )
        self._check_device()
        if self.batch_size % self.n_processes:
            raise InputError(
                f"train.batch_size {self.batch_size} cannot be divided among {self.n_processes} "
                "processes: choose a "
                f"multiple of {self.n_processes}"
            )

    def _check_target(self) -> None:
        """Raise InputError for what only classes have, and a target among the inputs."""
        for name in ("class_weights", "flat_like"):
            if getattr(self, name):
                raise InputError(
                    f"train.{name}: it is of classes, but the networks learn the target "
                    f"'{self.target}'; leave it out"
                )
        if len(self.flat_in) > 1:
            raise InputError(
                f"train.flat_in: {', '.join(self.flat_in)}; give one variable, as the target "
                f"'{self.target}', in which the weights of the loss are flat"
            )
        if self.target in self.variables:
            raise InputError(
                f"train.variables: '{self.target}' is the target, which the network would copy; "
                "leave it out"
            )

    def _check_device(self) -> None:
        import torch

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
        from calovision.models import has_native_bf16

        return PRECISIONS["bf16" if has_native_bf16(on_gpu=self.on_gpu) else "fp32"]


def check_class_weights(where: str, weights: Mapping[str, Any]) -> None:
    """Raise InputError unless each weight of a class is a positive number."""
    for name, weight in weights.items():
        is_number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not (is_number and 0 < weight < inf):
            raise InputError(f"{where}: '{name}' is {weight!r}; give a number above 0")


def check_classes(
    where: str,
    names: Sequence[str],
    class_weights: Mapping[str, float],
    like: str | None,
    *,
    end: str = "",
) -> None:
    """Raise InputError for a class of ``class_weights`` or ``flat_like`` that there is not.

    Parameters
    ----------
    where, end
        What messages call the options: ``"train"``, and what stands behind the name of one.
    names
        Those of the classes.
    class_weights, like
        The options.
    """
    named = [("class_weights", name) for name in class_weights]
    named += [("flat_like", like)] if like is not None else []
    for option_name, name in named:
        if name not in names:
            raise InputError(
                f"{where}.{option_name}{end}: there is no class '{name}'{nearest(name, names)}; "
                f"choose from {', '.join(names)}"
            )
