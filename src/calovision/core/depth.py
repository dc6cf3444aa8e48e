"""Channels by layer of the calorimeter: their names, and lists that mean several of them.

``energy_layer3`` is the channel ``energy`` of what has 3 in the field ``layer``. A list of channels
may name a range, ``energy_layer0-11``, or hold mappings ``{layers: [0, 1, 2], quantity: energy}``.
Nothing heavy is imported here, since the configuration asks for the names.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from calovision.core.errors import InputError

LAYER = "layer"
"""Field of towers and constituents with the number of their layer; below 0: in none."""
MOST_LAYERS = 1000
"""Layers that one entry of a list may mean."""
_NAME = re.compile(rf"(?P<quantity>\w+)_{LAYER}(?P<first>\d+)(-(?P<last>\d+))?", re.ASCII)
_KEYS = ("layers", "quantity")


class LayerOf(NamedTuple):
    """Channel whose sum is split, and the layer."""

    quantity: str
    layer: int

    @property
    def name(self) -> str:
        """Name of the channel."""
        return f"{self.quantity}_{LAYER}{self.layer}"


def split_name(name: object) -> LayerOf | None:
    """Quantity and layer of a name such as ``energy_layer3``; None for any other."""
    match = _NAME.fullmatch(name) if isinstance(name, str) else None
    if match is None or match["last"] is not None:
        return None
    found = LayerOf(match["quantity"], int(match["first"]))
    return found if found.name == name else None  # one name only: no layer03


def expanded(channels: Any) -> Any:
    """Names of channels, with ranges and mappings replaced by the names that they mean.

    Parameters
    ----------
    channels
        Names, ranges ``energy_layer0-11`` and mappings ``{layers: ..., quantity: ...}``; what is
        no list or tuple is given back as it is, and so is an entry that is none of these.

    Raises
    ------
    InputError
        If a range or a mapping is none.
    """
    if not isinstance(channels, list | tuple):
        return channels
    return tuple(name for one in channels for name in _names_of(one))


def _names_of(entry: Any) -> Sequence[Any]:
    """Names that one entry means."""
    if isinstance(entry, Mapping):
        return _names_of_mapping(entry)
    match = _NAME.fullmatch(entry) if isinstance(entry, str) else None
    if match is None or match["last"] is None:
        return [entry]
    first, last = int(match["first"]), int(match["last"])
    if not first <= last < first + MOST_LAYERS:
        raise InputError(
            f"channels '{entry}': the layers must ascend, at most {MOST_LAYERS}, as in "
            f"{match['quantity']}_{LAYER}0-11"
        )
    return [LayerOf(match["quantity"], layer).name for layer in range(first, last + 1)]


def _names_of_mapping(entry: Mapping[str, Any]) -> list[str]:
    unknown = [key for key in entry if key not in _KEYS]
    if unknown or "layers" not in entry:
        raise InputError(
            f"channels {dict(entry)}: a mapping has the keys layers and quantity, as "
            "{layers: [0, 1, 2], quantity: energy}"
        )
    quantity, layers = entry.get("quantity", "energy"), entry["layers"]
    if not isinstance(quantity, str):
        raise InputError(
            f"channels {dict(entry)}: quantity is {quantity!r}; give the name of a channel"
        )
    if not isinstance(layers, list | tuple) or not layers or not all(map(_is_layer, layers)):
        raise InputError(
            f"channels {dict(entry)}: layers must be a list of whole numbers from 0, as [0, 1, 2]"
        )
    return [LayerOf(quantity, layer).name for layer in layers]


def _is_layer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


class DepthAxis(NamedTuple):
    """Layers of images as an axis.

    Attributes
    ----------
    layers
        Numbers of the layers, ascending: those of any quantity.
    quantities
        Channels that are split by layer, in their order.
    positions
        Position among the channels of each quantity in each layer, ``(n_quantities, n_layers)``;
        None where there is no such channel.
    others
        Positions of the channels that are not split.
    """

    layers: tuple[int, ...]
    quantities: tuple[str, ...]
    positions: tuple[tuple[int | None, ...], ...]
    others: tuple[int, ...]

    @classmethod
    def of(cls, channels: Sequence[str]) -> "DepthAxis | None":
        """Axis that channels make by their names; None if none of them is one of a layer."""
        parts = [split_name(name) for name in channels]
        place = {part: at for at, part in enumerate(parts) if part is not None}
        if not place:
            return None
        layers = tuple(sorted({part.layer for part in place}))
        quantities = tuple(dict.fromkeys(part.quantity for part in place))
        return cls(
            layers,
            quantities,
            tuple(tuple(place.get(LayerOf(one, layer)) for layer in layers) for one in quantities),
            tuple(at for at, part in enumerate(parts) if part is None),
        )

    def to_list(self) -> list[dict[str, Any]]:
        """Layers of each quantity and the positions of their channels, as image files have it."""
        return [
            {
                "quantity": quantity,
                "layers": [layer for layer, at in self._placed(row)],
                "channels": [at for _, at in self._placed(row)],
            }
            for quantity, row in zip(self.quantities, self.positions, strict=True)
        ]

    def _placed(self, row: Sequence[int | None]) -> list[tuple[int, int]]:
        """Layers of a quantity that have a channel, and its position."""
        pairs = zip(self.layers, row, strict=True)
        return [(layer, at) for layer, at in pairs if at is not None]
