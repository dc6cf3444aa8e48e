"""What the channels of an image sum, by name."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from calovision.core.errors import InputError


class Channel(NamedTuple):
    """What a channel sums in each cell: the quantity of a collection, its unit, and a title for
    plots.

    A transverse channel sums the quantity divided by cosh(eta).
    """

    collection: str
    quantity: str
    unit: str
    title: str
    transverse: bool = False

    @property
    def axis_title(self) -> str:
        """Title with the unit, for plots."""
        return f"{self.title} [{self.unit}]" if self.unit else self.title

    @property
    def fields(self) -> set[str]:
        """Fields of the collection that the channel needs."""
        return {"eta", "phi"} | ({self.quantity} if self.quantity != "count" else set())


CHANNELS = {
    "energy": Channel("towers", "e", "GeV", "$E$"),
    "em": Channel("towers", "e_em", "GeV", "EM $E$"),
    "had": Channel("towers", "e_had", "GeV", "hadronic $E$"),
    "et": Channel("towers", "e", "GeV", r"$E_\mathrm{T}$", transverse=True),
    "em_et": Channel("towers", "e_em", "GeV", r"EM $E_\mathrm{T}$", transverse=True),
    "had_et": Channel("towers", "e_had", "GeV", r"hadronic $E_\mathrm{T}$", transverse=True),
    "towers": Channel("towers", "count", "", "number of towers"),
    "tracks": Channel("tracks", "count", "", "number of tracks"),
    "track_pt": Channel("tracks", "pt", "GeV", r"track $p_\mathrm{T}$"),
    "charged_pt": Channel("candidates", "charged_pt", "GeV", r"charged $p_\mathrm{T}$"),
    "neutral_pt": Channel("candidates", "neutral_pt", "GeV", r"neutral $p_\mathrm{T}$"),
}
"""Channels by name. ``charged_pt`` and ``neutral_pt`` sum the pT of particle-flow candidates by
their charge."""


def check_channels(channels: Sequence[str]) -> None:
    """Raise InputError if a channel is unknown or repeated, or there is none."""
    check_names(channels, CHANNELS, "image channel")


def check_names(names: Sequence[str], known: Iterable[str], what: str) -> None:
    """Raise InputError if the names of channels are no list of known ones, or one of them is
    repeated.
    """
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise InputError(f"{what}s {names!r}: give a list of names")
    unknown = [name for name in names if not isinstance(name, str) or name not in known]
    if unknown:
        raise InputError(f"unknown {what} '{unknown[0]}': choose from {', '.join(known)}")
    if not names or len(set(names)) != len(names):
        raise InputError(f"{what}s {list(names)}: name at least one, and each only once")


def needed_fields(channels: Sequence[str]) -> dict[str, set[str]]:
    """Collection -> its fields that the channels need, of those collections that are needed at
    all.
    """
    needed: dict[str, set[str]] = {}
    for name in channels:
        fields = CHANNELS[name].fields
        if CHANNELS[name].collection == "candidates":
            fields = {"eta", "phi", "pt", "charge"}
        needed.setdefault(CHANNELS[name].collection, set()).update(fields)
    return needed
