"""The networks by name, and those of a user by import path."""

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from calovision.core.errors import InputError
from calovision.models.case_study import HepCNN, NerscCNN
from calovision.models.deep_sets import DeepSets
from calovision.models.jet_cnn import JetCNN
from calovision.models.resnet import ResNet
from calovision.models.small import SmallCNN
from calovision.models.specification import ModelSpecification


@dataclass(frozen=True)
class NetworkEntry:
    """A network of the package.

    Attributes
    ----------
    title
        What it is, in a few words.
    paper
        Where it comes from.
    constructor
        Takes the image shape, ``circular`` and the network's options.
    """

    title: str
    paper: str
    constructor: Callable[..., nn.Module]


NETWORKS: dict[str, NetworkEntry] = {
    "small": NetworkEntry(
        "three blocks 16-32-64, for a laptop", "tutorials of arXiv:1711.03573", SmallCNN
    ),
    "hep_cnn": NetworkEntry(
        "convolutions 64-128-256-256 and dense 512", "arXiv:1711.03573", HepCNN
    ),
    "nersc": NetworkEntry(
        "blocks of convolution 128, average over the image", "code of arXiv:1711.03573", NerscCNN
    ),
    "resnet": NetworkEntry(
        "residual, averages over phi: the strong one", "arXiv:1512.03385, arXiv:2207.11710", ResNet
    ),
    "jet_cnn": NetworkEntry(
        "4x4 convolutions and three dense layers, for jets", "arXiv:1803.00107", JetCNN
    ),
}

POINT_NETWORKS: dict[str, NetworkEntry] = {
    "deep_sets": NetworkEntry(
        "sums over the hardest towers and tracks, no image", "arXiv:1810.05165", DeepSets
    ),
}


def make_network(specification: ModelSpecification) -> nn.Module:
    """The network of a specification, with random weights.

    Raises
    ------
    InputError
        If the network is unknown or cannot be imported, does not take an option, or the image is
        too small for it.
    """
    name, options = specification.network, specification.options
    constructor = _find_constructor(name)
    taken = inspect.signature(constructor).parameters
    _check_options(name, options, taken)
    # a network of a user need not know what wraps around
    arguments = {"circular": specification.circular} if "circular" in taken else {}
    try:
        return constructor(specification.network_shape, **arguments, **options)
    except InputError:
        raise
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()
        raise InputError(
            f"network '{name}' cannot be built for images {specification.network_shape} with "
            f"options {options}: "
            f"{reason[0] if reason else type(error).__name__}"
        ) from error


def _find_constructor(name: str) -> Callable[..., nn.Module]:
    if ":" in name:
        return _import_class(name)
    known = NETWORKS | POINT_NETWORKS
    if name not in known:
        raise InputError(
            f"unknown network '{name}': choose from {', '.join(known)}, or give your own as "
            "package.module:Class"
        )
    return known[name].constructor


def _import_class(name: str) -> type[nn.Module]:
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # the module is a user's: anything may be wrong with it
        raise InputError(
            f"network '{name}' cannot be imported ({type(error).__name__}: {error}): give "
            "package.module:Class, and "
            "its folder in PYTHONPATH"
        ) from error
    if not (inspect.isclass(found) and issubclass(found, nn.Module)):
        raise InputError(f"network '{name}' is no class derived from torch.nn.Module")
    return found


def _check_options(name: str, options: dict, taken: dict[str, inspect.Parameter]) -> None:
    """Raise InputError for options that a network does not have; what has a key of its own is
    none.
    """
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in taken.values()):
        return
    own = [parameter for parameter in list(taken)[1:] if parameter != "circular"]
    if unknown := sorted(set(options) - set(own)):
        raise InputError(
            f"network '{name}' has no option {', '.join(unknown)}: it has "
            f"{', '.join(own) if own else 'none at all'}"
        )
