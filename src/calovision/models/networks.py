"""Networks by name, and those of a user by import path.

A new network is an entry of `NETWORKS` and its class. Nothing heavy is imported here, since the
configuration asks for names and options: an entry names its class, which is imported when a network
is made.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from calovision.core.errors import InputError
from calovision.core.registry import Registry, import_object, nearest

if TYPE_CHECKING:
    from torch import nn

    from calovision.models.specification import ModelSpecification


@dataclass(frozen=True)
class NetworkEntry:
    """A network.

    Attributes
    ----------
    name
        In the configuration and in the files of models.
    title
        What it is, in a few words.
    paper
        Where it comes from.
    class_name
        ``package.module:Class`` of the network, a `FeatureNetwork` for one that is to take
        variables.
    options
        Its options with their defaults, those of the constructor behind ``image_shape`` and
        ``circular``.
    smallest_image
        Cells in eta and in phi that it needs with these.
    sets_smallest_image
        Options that change how many it needs.
    points
        Columns of points that it takes, each with the option that says how many of them: those of
        events, and of jets. None for networks of images alone.
    is_of_images
        It looks at the images.
    needs_layers
        Channels by layer make its third axis, and it needs some.
    """

    name: str
    title: str
    paper: str
    class_name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    smallest_image: int = 1
    sets_smallest_image: tuple[str, ...] = ()
    points: Mapping[str, str] = field(default_factory=dict)
    is_of_images: bool = True
    needs_layers: bool = False

    @property
    def is_of_points(self) -> bool:
        """It takes points."""
        return bool(self.points)

    @property
    def constructor(self) -> Callable[..., nn.Module]:
        """Class of the network, imported now."""
        return import_object(self.class_name)

    def n_points(self, options: Mapping[str, Any], *, of_jets: bool = False) -> dict[str, int]:
        """Number of each of its `points` of events or of jets, with the options of a model."""
        return {
            variable: options.get(option, self.options[option])
            for variable, option in self.points.items()
            if (variable in POINTS_OF_JETS) == of_jets
        }


POINTS_OF_EVENTS = {"leading_towers": "towers", "leading_tracks": "tracks"}
"""Columns of points of an event -> option of a network that says how many they are."""
POINTS_OF_JETS = {"constituents": "constituents"}
"""The same of a jet."""

NETWORKS: Registry[NetworkEntry] = Registry(
    "network",
    NetworkEntry,
    [
        NetworkEntry(
            "small",
            "three blocks 16-32-64, for a laptop",
            "tutorials of arXiv:1711.03573",
            "calovision.models.small:SmallCNN",
            options={"width": 16, "dropout": 0.3},
            smallest_image=8,
        ),
        NetworkEntry(
            "hep_cnn",
            "convolutions 64-128-256-256 and dense 512",
            "arXiv:1711.03573",
            "calovision.models.case_study:HepCNN",
            options={"dense": 512, "dropout": 0.0},
            smallest_image=4,
        ),
        NetworkEntry(
            "nersc",
            "blocks of convolution 128, average over the image",
            "code of arXiv:1711.03573",
            "calovision.models.case_study:NerscCNN",
            options={"n_blocks": 4, "width": 128, "dropout": 0.5},
            smallest_image=16,
            sets_smallest_image=("n_blocks",),
        ),
        NetworkEntry(
            "resnet",
            "residual, averages over phi: the strong one",
            "arXiv:1512.03385, arXiv:2207.11710",
            "calovision.models.resnet:ResNet",
            options={"stem": 16, "widths": (32, 64, 128), "n_blocks": (2, 2, 2), "dropout": 0.3},
            smallest_image=16,
            sets_smallest_image=("widths",),
        ),
        NetworkEntry(
            "resnet3d",
            "residual, the layers of the calorimeter are a third axis",
            "arXiv:1512.03385, arXiv:1912.06794",
            "calovision.models.resnet3d:ResNet3D",
            options={
                "stem": 8,
                "widths": (16, 32),
                "n_blocks": (1, 1),
                "depths": None,
                "dropout": 0.3,
            },
            smallest_image=8,
            sets_smallest_image=("widths",),
            needs_layers=True,
        ),
        NetworkEntry(
            "jet_cnn",
            "4x4 convolutions and three dense layers, for jets",
            "arXiv:1803.00107",
            "calovision.models.jet_cnn:JetCNN",
            options={"widths": (128, 64, 64, 64), "dense": (64, 256, 256), "dropout": 0.0},
            smallest_image=8,
        ),
        NetworkEntry(
            "deep_sets",
            "sums over constituents, or hardest towers and tracks, no image",
            "arXiv:1810.05165",
            "calovision.models.deep_sets:DeepSets",
            options={
                "towers": 100,
                "tracks": 50,
                "constituents": 40,
                "width": 64,
                "dropout": 0.1,
            },
            points=POINTS_OF_EVENTS | POINTS_OF_JETS,
            is_of_images=False,
        ),
        NetworkEntry(
            "particle_transformer",
            "attention between constituents, or hardest towers and tracks, no image",
            "arXiv:2202.03772",
            "calovision.models.particle_transformer:ParticleTransformer",
            options={
                "towers": 100,
                "tracks": 50,
                "constituents": 40,
                "width": 64,
                "layers": 4,
                "class_layers": 1,
                "heads": 4,
                "pair_width": 16,
                "dropout": 0.0,
            },
            points=POINTS_OF_EVENTS | POINTS_OF_JETS,
            is_of_images=False,
        ),
        NetworkEntry(
            "image_and_points",
            "a network of images and one of points, side by side",
            "arXiv:2202.03772, arXiv:1512.03385",
            "calovision.models.image_and_points:ImageAndPoints",
            options={
                "image": "resnet",
                "image_options": None,
                "points": "particle_transformer",
                "point_options": None,
                "towers": 100,
                "tracks": 50,
                "constituents": 40,
                "width": 64,
                "dropout": 0.1,
            },
            smallest_image=16,
            sets_smallest_image=("image", "image_options"),
            points=POINTS_OF_EVENTS | POINTS_OF_JETS,
        ),
    ],
)
"""Networks by name."""


def make_network(specification: ModelSpecification) -> nn.Module:
    """The network of a specification, with random weights.

    A network of the user's that ends in logits is told their number by its parameter ``n_outputs``
    where there are more than two classes.

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
    if specification.n_outputs > 1 and "n_outputs" in taken and "n_outputs" not in options:
        arguments["n_outputs"] = specification.n_outputs
    if name in NETWORKS and "variables" in taken:
        arguments["variables"] = specification.variables
    if name in NETWORKS and "channels" in taken:
        arguments["channels"] = specification.network_channels
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
    if name not in NETWORKS:
        raise InputError(
            f"unknown network '{name}'{nearest(name, NETWORKS)}; choose from "
            f"{', '.join(NETWORKS)}, or give your own as package.module:Class"
        )
    return NETWORKS[name].constructor


def _import_class(name: str) -> type[nn.Module]:
    from torch import nn

    try:
        found = import_object(name)
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
    given = ("circular", "variables", "channels") if name in NETWORKS else ("circular",)
    own = [parameter for parameter in list(taken)[1:] if parameter not in given]
    if unknown := sorted(set(options) - set(own)):
        raise InputError(
            f"network '{name}' has no option {', '.join(unknown)}: it has "
            f"{', '.join(own) if own else 'none at all'}"
        )
