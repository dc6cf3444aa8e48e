"""A trained model as an ONNX file, for programs without torch: C++ of the experiments, onnxruntime,
triggers.

The file takes images as the image file has them, ``(n, n_channels, n_eta, n_phi)`` float32, any n:
the scaling is built in. Its outputs are ``logit``, which is the score (`calovision.scoring`), and
for people ``probability``, its sigmoid, float32 ``(n,)``; near 1 only the logit tells events apart.
Of more than two classes they are ``log_probability`` and ``probability``, ``(n, n_classes)``; of a
target there is one, ``prediction``, in its unit, ``(n,)``.
The metadata ``calovision`` of the file is the model's specification in JSON, with channels, units,
grid and the names of the classes in order.
"""

import copy
import importlib
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from calovision.core.errors import InputError
from calovision.datasets import apply_symmetry
from calovision.jobs.atomic import replaced
from calovision.models import ImageModel
from calovision.scoring import symmetry_elements

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
TOLERANCE = 1e-5  # of the score, relative where it exceeds 1
CHECKED_BATCHES = (1, 3, 7)
OCCUPANCY = 0.1  # share of the cells that are not empty in the images of the check
TYPICAL_CONTENT = 10.0  # GeV


def export_onnx(model: ImageModel, path: Path, *, n_rotations: int = 0) -> float:
    """Write a model as an ONNX file that is complete and agrees with torch, or not at all.

    Parameters
    ----------
    model
        As `load_model` gives it; it stays as it is.
    path
        The file to write; one file, the weights are inside.
    n_rotations
        Build the average over rotations and reflections in, as `score_images` takes it: that many
        times 4 the work and the memory.

    Returns
    -------
    The largest difference of a score from torch's that was seen, relative where the score exceeds
    1.

    Raises
    ------
    InputError
        If the packages for it are not installed, the network has an operation that ONNX does not
        know, or the file differs from torch by more than 1e-5.
    """
    _require_packages()
    model = copy.deepcopy(model).to("cpu", torch.float32, memory_format=torch.contiguous_format)
    scorer = _Scorer(model, n_rotations).eval()
    for parameter in scorer.parameters():
        parameter.requires_grad_(False)
    with replaced(Path(path)) as temporary:
        _write(scorer, temporary)
        difference = _largest_difference(scorer, temporary)
        if not difference <= TOLERANCE:
            raise InputError(
                f"{path}: not written, since it would differ from torch by {difference:.2g}, more "
                f"than {TOLERANCE:g}: "
                "the network has an operation that is not exported faithfully"
            )
    return difference


class _Scorer(nn.Module):
    """Computation of the file: images and variables to score and probability, averaged over the
    symmetry group.
    """

    def __init__(self, model: ImageModel, n_rotations: int) -> None:
        super().__init__()
        self.model = model
        elements = symmetry_elements(model.specification, n_rotations)
        self.n_elements = len(elements)
        if self.n_elements > 1:
            _, n_eta, n_phi = model.specification.image_shape
            # the images of the cells' numbers say where each cell of the transformed images comes
            # from
            numbers = torch.arange(n_eta * n_phi, dtype=torch.float64).view(1, 1, n_eta, n_phi)
            sources = apply_symmetry(
                numbers.repeat(self.n_elements, 1, 1, 1), torch.from_numpy(elements)
            )
            self.register_buffer("sources", sources.view(self.n_elements, n_eta * n_phi).long())

    def forward(self, images: Tensor, variables: Tensor | None = None) -> tuple[Tensor, ...]:
        """``(n, c, eta, phi)`` and ``(n, n_variables)`` to logits and probabilities, ``(n,)``
        each, or to log-probabilities and probabilities, ``(n, n_classes)``, or to predictions,
        ``(n,)``, alone.
        """
        logits = self._mean_logits(images, variables)
        if self.model.specification.target:
            return (logits,)
        if self.model.specification.n_outputs == 1:
            return logits, torch.sigmoid(logits)
        return logits.log_softmax(dim=1), logits.softmax(dim=1)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what `forward` gives."""
        if self.model.specification.target:
            return ("prediction",)
        of_one = self.model.specification.n_outputs == 1
        return "logit" if of_one else "log_probability", "probability"

    def _mean_logits(self, images: Tensor, variables: Tensor | None) -> Tensor:
        if self.n_elements == 1:
            return self._scores(images, variables)
        seen = images.flatten(2)[:, :, self.sources]  # (n, c, element, cell)
        seen = seen.transpose(1, 2).reshape(-1, *self.model.specification.image_shape)
        if variables is not None:
            variables = variables[:, None].expand(-1, self.n_elements, -1).flatten(0, 1)
        logits = self._scores(seen, variables)
        return logits.view(-1, self.n_elements, *logits.shape[1:]).mean(dim=1)

    def _scores(self, images: Tensor, variables: Tensor | None) -> Tensor:
        outputs = self.model(images, variables)
        return self.model.in_unit(outputs) if self.model.specification.target else outputs


def _require_packages() -> None:
    for name in PACKAGES:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise InputError(
                f"the ONNX export needs the package {name}: pip install 'calovision[onnx]'"
            ) from error


def _write(scorer: _Scorer, path: Path) -> None:
    inputs = _example(scorer, n_images=2)
    specification = scorer.model.specification
    with _quiet():
        try:
            program = torch.onnx.export(
                scorer,
                tuple(inputs.values()),
                dynamo=True,
                verbose=False,
                input_names=list(inputs),
                output_names=list(scorer.outputs),
                custom_translation_table=_translations(),
                dynamic_shapes={name: {0: torch.export.Dim("n")} for name in inputs},
            )
        except torch.onnx.OnnxExporterError as error:
            reason = str(error.__cause__ or error).strip().splitlines()[0]
            raise InputError(
                f"the network '{specification.network}' cannot be exported to ONNX: {reason}"
            ) from error
        program.model.metadata_props["calovision"] = json.dumps(specification.to_dict())
        program.save(path, external_data=False)


def _translations() -> dict[Callable, Callable]:
    """Operations of the networks that torch does not translate itself."""
    from onnxscript import opset18 as op

    def signbit(x: object) -> object:  # part of copysign
        return op.Less(x, op.CastLike(0.0, x))

    return {torch.ops.prims.signbit.default: signbit}


def _largest_difference(scorer: _Scorer, path: Path) -> float:
    """Largest difference of scores and probabilities between onnxruntime and torch."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    n_fixed = session.get_inputs()[0].shape[0]
    if isinstance(
        n_fixed, int
    ):  # the exporter takes for constant what the network turns into a number of Python
        network = scorer.model.specification.network
        raise InputError(
            f"the network '{network}' takes batches of {n_fixed} images only once it is exported "
            "to ONNX"
        )
    differences = []
    for n_images in CHECKED_BATCHES:
        inputs = _example(scorer, n_images=n_images)
        found = session.run(
            list(scorer.outputs), {name: values.numpy() for name, values in inputs.items()}
        )
        with torch.inference_mode():
            expected = [values.numpy() for values in scorer(**inputs)]
        differences += [
            np.abs(a - b) / np.maximum(1, np.abs(b)) for a, b in zip(found, expected, strict=True)
        ]
    return float(np.max(np.concatenate(differences)))


def _example(scorer: _Scorer, *, n_images: int) -> dict[str, Tensor]:
    """Images as sparse as real ones, always the same, and variables where the model takes some."""
    specification = scorer.model.specification
    generator = torch.Generator().manual_seed(n_images)
    shape = (n_images, *specification.image_shape)
    filled = torch.rand(shape, generator=generator) < OCCUPANCY
    content = -TYPICAL_CONTENT * torch.log1p(
        -torch.rand(shape, generator=generator)
    )  # exponentially distributed
    inputs = {"images": torch.where(filled, content, 0.0)}
    if specification.n_variables:
        inputs["variables"] = torch.randn(
            (n_images, specification.n_variables), generator=generator
        )
    return inputs


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide what the exporter says about itself: none of it asks anything of the user."""
    loggers = [
        logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")
    ]
    levels = [log.level for log in loggers]
    for log in loggers:
        log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for log, level in zip(loggers, levels, strict=True):
            log.setLevel(level)
