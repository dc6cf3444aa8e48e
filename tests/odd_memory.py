"""Pytest plugin: dense layers find weights and inputs at other addresses in every call, which begin
anywhere.

    PYTHONPATH=tests python -m pytest -p odd_memory --numprocesses=0 tests/test_models*.py
    tests/test_scoring.py

Libraries choose instructions by the alignment of the memory, so that the last digits of a sum may
differ between two calls. Processors differ in how often that happens; this makes it happen on all
of them. What must be equal to the last bit then is what no sum goes into; two computations of a
network agree to a tolerance only.
"""

import itertools

import torch
from torch.nn import functional

_linear, _conv2d = functional.linear, functional.conv2d
_offsets = itertools.cycle(
    (1, 3, 6, 2, 7, 5, 9, 4)
)  # in floats, from an address that is a multiple of 64 bytes


def elsewhere(tensor: torch.Tensor | None) -> torch.Tensor | None:
    """The same numbers at another address; gradients find the tensor that was given."""
    if (
        tensor is None
        or tensor.device.type != "cpu"
        or tensor.is_meta
        or not tensor.is_floating_point()
    ):
        return tensor
    start = next(_offsets)
    memory = torch.empty(tensor.numel() + start, dtype=tensor.dtype)
    return memory[start:].view(tensor.shape).copy_(tensor) if tensor.numel() else tensor


def linear(images, weight, bias=None):
    """A sum that depends on the place of its inputs as MKL's may: in another order after every
    call."""
    order = torch.randperm(weight.shape[1], generator=torch.Generator().manual_seed(next(_offsets)))
    if weight.is_meta or weight.device.type != "cpu":
        return _linear(images, weight, bias)
    return _linear(elsewhere(images[..., order]), elsewhere(weight[:, order]), elsewhere(bias))


def conv2d(images, weight, *args, **kwargs):
    """The same of a convolution, whose sums torch promises no order of either."""
    return _conv2d(elsewhere(images), elsewhere(weight), *args, **kwargs)


functional.linear, functional.conv2d = linear, conv2d
