"""Everything that is needed to build a model again, in plain numbers and strings."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from calovision.core.errors import InputError

SCALINGS = ("log1p", "maximum", "image", "standardize", "none")
"""Scalings of the contents of the cells before the network, see `scaling`."""
TARGET_SCALES = ("linear", "log", "relative")
"""Scales of a number that a network learns, see `target`."""


@dataclass(frozen=True)
class ModelSpecification:
    """A network, the images and variables that it takes, and its options.

    Parameters
    ----------
    network
        Name in `NETWORKS`, or ``package.module:Class`` of a ``torch.nn.Module`` of one's own.
    image_shape
        ``(n_channels, n_eta, n_phi)``.
    channels, units
        Names of the channels and their units, in order; empty if unknown.
    kind
        "event" or "jet".
    grid
        The cells, ``dataclasses.asdict`` of an `EtaPhiGrid` or `JetGrid`; empty if unknown.
    variables
        Event columns that are given to the network beside the image, as the configuration names
        them.
    n_variables
        Numbers that these columns make.
    seen_channels
        Those that the network looks at, by name; empty for all.
    classes
        Names of the classes, whose positions are the labels; none for background (0) and signal
        (1). Of more than two the network gives a logit each, of two one logit, of the second.
    target
        Number that the network gives in place of logits: its ``name``, the column of the rows, its
        ``unit`` and ``scale``, one of `TARGET_SCALES`; empty where it tells classes apart.
    scaling
        One of `SCALINGS`.
    circular
        Let every convolution wrap around in phi; False pads zeros.
    options
        The network's own: width, dropout, ...

    Raises
    ------
    InputError
        If a value is of the wrong kind or does not fit the others.
    """

    network: str
    image_shape: tuple[int, int, int]
    channels: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    kind: str = "event"
    grid: dict[str, Any] = field(default_factory=dict)
    variables: tuple[str, ...] = ()
    n_variables: int = 0
    seen_channels: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    target: dict[str, str] = field(default_factory=dict)
    scaling: str = "log1p"
    circular: bool = True
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("image_shape", "channels", "units", "variables", "seen_channels", "classes"):
            value = getattr(self, name)
            _require(isinstance(value, list | tuple), name, value, "a list")
            object.__setattr__(self, name, tuple(value))
        for name in ("grid", "options", "target"):
            object.__setattr__(self, name, _as_read(name, getattr(self, name)))
        self._check_types()
        self._check_values()

    def _check_types(self) -> None:
        for name, kind, words in (
            ("network", str, "a name"),
            ("kind", str, "a name"),
            ("scaling", str, "a name"),
            ("circular", bool, "true or false"),
            ("grid", dict, "a mapping"),
            ("options", dict, "a mapping"),
            ("target", dict, "a mapping"),
        ):
            _require(isinstance(getattr(self, name), kind), name, getattr(self, name), words)
        for name in ("channels", "units", "variables", "seen_channels", "classes"):
            value = getattr(self, name)
            _require(all(isinstance(item, str) for item in value), name, value, "a list of names")

    def _check_values(self) -> None:
        shape = self.image_shape
        positive = len(shape) == 3 and all(_is_whole(n) and n >= 1 for n in shape)
        _require(
            positive, "image_shape", shape, "the numbers of channels, of cells in eta and in phi"
        )
        for name in ("channels", "units"):
            fits = len(getattr(self, name)) in (0, shape[0])
            _require(fits, name, getattr(self, name), f"one for each of the {shape[0]} channels")
        _require(
            _is_whole(self.n_variables) and self.n_variables >= 0,
            "n_variables",
            self.n_variables,
            "0 or more",
        )
        is_list = len(self.classes) != 1 and len(set(self.classes)) == len(self.classes)
        _require(is_list, "classes", self.classes, "none, or two or more names, each once")
        unknown = [name for name in self.seen_channels if name not in self.channels]
        if unknown:
            raise InputError(
                f"train.channels: the images have no channel '{unknown[0]}', but "
                f"{', '.join(self.channels) or 'none'}"
            )
        if self.target:
            is_whole = sorted(self.target) == ["name", "scale", "unit"]
            is_known = is_whole and self.target["scale"] in TARGET_SCALES
            words = f"a name, a unit and a scale, one of {', '.join(TARGET_SCALES)}"
            _require(is_known, "target", self.target, words)
        if self.scaling not in SCALINGS:
            raise InputError(f"unknown scaling '{self.scaling}': choose from {', '.join(SCALINGS)}")

    @property
    def channel_positions(self) -> list[int]:
        """Positions of the channels that the network looks at."""
        seen = self.seen_channels
        return (
            [self.channels.index(name) for name in seen]
            if seen
            else list(range(self.image_shape[0]))
        )

    @property
    def n_outputs(self) -> int:
        """Outputs for an image: 1 of two classes or of a target, else as many as classes."""
        return len(self.classes) if len(self.classes) > 2 and not self.target else 1

    @property
    def network_shape(self) -> tuple[int, int, int]:
        """Shape of the images that the network gets, ``(n_seen_channels, n_eta, n_phi)``."""
        return len(self.channel_positions), *self.image_shape[1:]

    @property
    def network_channels(self) -> tuple[str, ...]:
        """Names of the channels that the network gets; empty if unknown."""
        return self.seen_channels or self.channels

    @property
    def is_imported(self) -> bool:
        """The network is named by an import path, so that building it runs code of its
        author.
        """
        return ":" in self.network

    def to_dict(self) -> dict[str, Any]:
        """Values by name, as `from_dict` takes them and JSON writes them; without a target there
        is none in them, so that those of classes are as before.
        """
        values = asdict(self)
        if not self.target:
            del values["target"]
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ModelSpecification":
        """Inverse of `to_dict`, also after a round trip through JSON.

        Raises
        ------
        InputError
            If a key is unknown or missing, or a value is no specification's.
        """
        known = {item.name for item in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise InputError(
                f"specification of a model: unknown {', '.join(unknown)}; known are "
                f"{', '.join(sorted(known))}"
            )
        if missing := sorted({"network", "image_shape"} - set(values)):
            raise InputError(f"specification of a model: {' and '.join(missing)} must be given")
        return cls(**values)


def _as_read(name: str, value: object) -> object:
    """Value as JSON gives it back, so that a specification equals what is read from its file."""
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"specification of a model: {name} {value!r} cannot be written as JSON ({error})"
        ) from error


def _is_whole(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)


def _require(condition: bool, name: str, value: object, words: str) -> None:
    if not condition:
        raise InputError(f"specification of a model: {name} is {value!r}, but must be {words}")
