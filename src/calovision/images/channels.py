"""Channels of images by name: what is summed in each cell, in event images and in jet images.

A new channel is an entry of `CHANNELS`. Nothing heavy is imported here, since the configuration
asks for the names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from calovision.core.depth import LAYER, LayerOf, split_name
from calovision.core.errors import InputError
from calovision.core.registry import Registry, nearest

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class CellSum:
    """Sum over the members of a collection that fall into a cell.

    Attributes
    ----------
    collection
        "towers", "tracks" or "candidates" of the event, or "constituents" of a jet.
    field
        Field that is summed; None counts the members.
    charge
        Only "charged" or only "neutral" members; None takes all.
    transverse
        Divide by cosh(eta).
    layer
        Only members of this layer; None takes all.
    """

    collection: str
    field: str | None = None
    charge: str | None = None
    transverse: bool = False
    layer: int | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields of the collection that are read, the coordinates first."""
        own = (
            self.field,
            "charge" if self.charge else None,
            None if self.layer is None else LAYER,
        )
        return "eta", "phi", *(name for name in own if name is not None)


@dataclass(frozen=True)
class Channel:
    """A channel of images.

    Attributes
    ----------
    name
        In the configuration and in the image file.
    title
        For axes and color bars, without the unit.
    unit
        "GeV", or "" for counts.
    doc
        What it sums, in a few words.
    of_event, of_jet
        Sum for images of whole events, and over the constituents for images of jets; None where
        there is no such image.
    """

    name: str
    title: str
    unit: str
    doc: str
    of_event: CellSum | None
    of_jet: CellSum | None

    @property
    def axis_title(self) -> str:
        """Title with the unit, for plots."""
        return f"{self.title} [{self.unit}]" if self.unit else self.title

    def in_layer(self, layer: int) -> Channel | None:
        """The channel of the members of one layer; None if neither image has such members.

        Towers, and the constituents of jets, have layers.
        """
        of_event, of_jet = (
            None if one is None or one.collection not in LAYERED else replace(one, layer=layer)
            for one in (self.of_event, self.of_jet)
        )
        if of_event is of_jet is None:
            return None
        return Channel(
            LayerOf(self.name, layer).name,
            f"{self.title}, layer {layer}",
            self.unit,
            f"{self.doc}, of layer {layer}",
            of_event,
            of_jet,
        )


LAYERED = ("towers", "constituents")
"""Collections whose members have a layer."""


class ChannelRegistry(Registry[Channel]):
    """Channels by name; ``energy_layer3`` is ``energy`` of layer 3, and stands in no list."""

    def __getitem__(self, name: str) -> Channel:
        if (found := self._by_layer(name)) is not None:
            return found
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        return self._by_layer(name) is not None or super().__contains__(name)

    def _by_layer(self, name: object) -> Channel | None:
        """Channel of one layer; None for another name."""
        parts = split_name(name)
        if parts is None or not super().__contains__(parts.quantity):
            return None
        return super().__getitem__(parts.quantity).in_layer(parts.layer)


def _of_constituents(field: str | None = None, **options: str | bool) -> CellSum:
    return CellSum("constituents", field, **options)


CHANNELS: ChannelRegistry = ChannelRegistry(
    "channel",
    Channel,
    [
        Channel(
            "energy",
            "$E$",
            "GeV",
            "energy of the towers",
            CellSum("towers", "e"),
            _of_constituents("e"),
        ),
        Channel(
            "em",
            "EM $E$",
            "GeV",
            "electromagnetic energy of the towers",
            CellSum("towers", "e_em"),
            _of_constituents("e_em"),
        ),
        Channel(
            "had",
            "hadronic $E$",
            "GeV",
            "hadronic energy of the towers",
            CellSum("towers", "e_had"),
            _of_constituents("e_had"),
        ),
        Channel(
            "et",
            r"$E_\mathrm{T}$",
            "GeV",
            "transverse energy of the towers; pT of the constituents of a jet",
            CellSum("towers", "e", transverse=True),
            _of_constituents("pt"),
        ),
        Channel(
            "em_et",
            r"EM $E_\mathrm{T}$",
            "GeV",
            "electromagnetic transverse energy of the towers",
            CellSum("towers", "e_em", transverse=True),
            _of_constituents("e_em", transverse=True),
        ),
        Channel(
            "had_et",
            r"hadronic $E_\mathrm{T}$",
            "GeV",
            "hadronic transverse energy of the towers",
            CellSum("towers", "e_had", transverse=True),
            _of_constituents("e_had", transverse=True),
        ),
        Channel(
            "towers",
            "number of towers",
            "",
            "number of towers, or of constituents of a jet",
            CellSum("towers"),
            _of_constituents(),
        ),
        Channel(
            "tracks",
            "number of tracks",
            "",
            "number of tracks, or of charged constituents of a jet",
            CellSum("tracks"),
            _of_constituents(charge="charged"),
        ),
        Channel(
            "track_pt",
            r"track $p_\mathrm{T}$",
            "GeV",
            "pT of the tracks",
            CellSum("tracks", "pt"),
            _of_constituents("pt", charge="charged"),
        ),
        Channel(
            "charged_pt",
            r"charged $p_\mathrm{T}$",
            "GeV",
            "pT of charged particle-flow candidates",
            CellSum("candidates", "pt", charge="charged"),
            _of_constituents("pt", charge="charged"),
        ),
        Channel(
            "neutral_pt",
            r"neutral $p_\mathrm{T}$",
            "GeV",
            "pT of neutral particle-flow candidates",
            CellSum("candidates", "pt", charge="neutral"),
            _of_constituents("pt", charge="neutral"),
        ),
    ],
)
"""Channels by name."""


def check_channels(channels: Sequence[str]) -> None:
    """Raise InputError if a channel of event images is unknown or repeated, or there is none.

    Parameters
    ----------
    channels
        Names, as `build_images` takes them.

    Raises
    ------
    InputError
        The sentence names the channel and those that there are.
    """
    _check_names(channels, event_channel_names(), is_of_events, "image channel")


def check_jet_channels(channels: Sequence[str]) -> None:
    """Raise InputError if a channel of jet images is unknown or repeated, or there is none."""
    _check_names(channels, jet_channel_names(), is_of_jets, "jet image channel")


def event_channel_names() -> tuple[str, ...]:
    """Names of the channels of event images, without those by layer."""
    return tuple(name for name, channel in CHANNELS.items() if channel.of_event is not None)


def jet_channel_names() -> tuple[str, ...]:
    """Names of the channels of jet images, without those by layer."""
    return tuple(name for name, channel in CHANNELS.items() if channel.of_jet is not None)


def is_of_events(name: object) -> bool:
    """Tell whether it is the name of a channel of event images."""
    return name in CHANNELS and CHANNELS[name].of_event is not None


def is_of_jets(name: object) -> bool:
    """Tell whether it is the name of a channel of jet images."""
    return name in CHANNELS and CHANNELS[name].of_jet is not None


def unknown_channel(name: object, known: Sequence[str]) -> str:
    """End of the sentence on a name that is none of the channels."""
    parts = split_name(name)
    if parts is None:
        hint = nearest(name, known) if isinstance(name, str) else ""
        return f": choose from {', '.join(known)}{hint}"
    if parts.quantity in known:
        return f": '{parts.quantity}' is no sum over towers, which have the layers"
    return f": there is no '{parts.quantity}'{nearest(parts.quantity, known)}"


def _check_names(
    names: Sequence[str], known: Sequence[str], is_known: Callable[[object], bool], what: str
) -> None:
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise InputError(f"{what}s {names!r}: give a list of names")
    unknown = [name for name in names if not isinstance(name, str) or not is_known(name)]
    if unknown:
        raise InputError(f"unknown {what} '{unknown[0]}'{unknown_channel(unknown[0], known)}")
    if not names or len(set(names)) != len(names):
        raise InputError(f"{what}s {list(names)}: name at least one, and each only once")


def needed_fields(channels: Sequence[str]) -> dict[str, set[str]]:
    """Collection of the event -> its fields that the channels need, of those that are needed at
    all.
    """
    needed: dict[str, set[str]] = {}
    for one in (CHANNELS[name].of_event for name in channels):
        needed.setdefault(one.collection, set()).update(one.fields)
    return needed


def is_of_charge(charge: np.ndarray, wanted: str) -> np.ndarray:
    """Members that are ``"charged"`` or ``"neutral"``, bool like ``charge``."""
    return charge != 0 if wanted == "charged" else charge == 0
