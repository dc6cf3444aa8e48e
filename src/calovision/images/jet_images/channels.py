"""What the channels of a jet image sum: quantities of the constituents of a jet.

The names, units and titles are those of ``calovision.images.CHANNELS``; here every quantity belongs
to a constituent, whatever collection it came from.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from calovision.images.channels import check_names


class JetChannel(NamedTuple):
    """What a channel sums: a field (None: the number) of the constituents, by charge, divided by
    cosh(eta) or not.
    """

    field: str | None
    charge: str | None = None
    transverse: bool = False

    @property
    def needed_fields(self) -> tuple[str, ...]:
        """Fields that the constituents must have, apart from eta and phi."""
        needed = (self.field, "charge" if self.charge else None)
        return tuple(name for name in needed if name is not None)

    @property
    def is_count(self) -> bool:
        """Whether the channel counts, so that it has no unit and no share in a normalization."""
        return self.field is None


JET_CHANNELS = {
    "energy": JetChannel("e"),
    "em": JetChannel("e_em"),
    "had": JetChannel("e_had"),
    "et": JetChannel("pt"),
    "em_et": JetChannel("e_em", transverse=True),
    "had_et": JetChannel("e_had", transverse=True),
    "towers": JetChannel(None),
    "tracks": JetChannel(None, charge="charged"),
    "track_pt": JetChannel("pt", charge="charged"),
    "charged_pt": JetChannel("pt", charge="charged"),
    "neutral_pt": JetChannel("pt", charge="neutral"),
}
"""Channels of jet images by name: ``towers`` counts all constituents, ``tracks`` the charged
ones."""


def check_jet_channels(channels: Sequence[str]) -> None:
    """Raise InputError if a channel is unknown or repeated, or there is none."""
    check_names(channels, JET_CHANNELS, "jet image channel")


def channel_contents(columns: Mapping[str, np.ndarray], channels: Sequence[str]) -> np.ndarray:
    """What every constituent adds to every channel.

    Parameters
    ----------
    columns
        Fields of the constituents, flat, float64 ``(n,)``, eta and the fields that the channels
        need among them.
    channels
        Names out of ``JET_CHANNELS``.

    Returns
    -------
    float64 ``(n_channels, n)``. Transverse energies are zero where eta is not finite.
    """
    contents = np.ones((len(channels), len(columns["eta"])))
    for content, channel in zip(contents, (JET_CHANNELS[name] for name in channels), strict=True):
        if channel.field is not None:
            content[:] = columns[channel.field]
        if channel.transverse:
            content[:] = _transverse(content, columns["eta"])
        if channel.charge is not None:
            content[:] *= is_of_charge(columns["charge"], channel.charge)
    return contents


def is_of_charge(charge: np.ndarray, wanted: str) -> np.ndarray:
    """Which constituents are ``"charged"`` or ``"neutral"``, bool like ``charge``."""
    return charge != 0 if wanted == "charged" else charge == 0


def _transverse(energy: np.ndarray, eta: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # beyond |eta| = 710 nothing is transverse in float64
        return energy / np.cosh(np.where(np.isfinite(eta), eta, np.inf))
