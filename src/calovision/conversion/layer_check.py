"""Check of the layers that towers or constituents have against those that channels name."""

from collections import Counter
from collections.abc import Iterable, Sequence

import awkward as ak
import numpy as np

from calovision.core.depth import LAYER, DepthAxis
from calovision.ntuples import Events

MOST_SHOWN = 8  # layers in a sentence


class LayerCheck:
    """Numbers of towers or constituents by layer, of all events of a file.

    Parameters
    ----------
    channels
        Of the images; without one by layer nothing is counted.
    """

    def __init__(self, channels: Sequence[str]) -> None:
        axis = DepthAxis.of(channels)
        self.channels = channels
        self.named = () if axis is None else axis.layers
        self.found: Counter[int] = Counter()
        self.collection = "towers"

    def add(self, events: Events) -> None:
        """Count the members of the events."""
        if not self.named:
            return
        members = events.towers
        if events.constituents is not None:
            members, self.collection = events.constituents, "constituents"
        if members is None or LAYER not in members.fields:
            return
        layers = ak.to_numpy(ak.flatten(members[LAYER], axis=None)).astype(np.float64)
        numbers, counts = np.unique(layers[np.isfinite(layers)], return_counts=True)
        self.found.update(dict(zip(map(int, numbers), map(int, counts), strict=True)))

    def warnings(self) -> dict[str, str]:
        """Sentence on what no channel names, and on layers that are named and not there."""
        sentences = [text for text in (self._unnamed(), self._empty()) if text]
        return {"layers": "; ".join(sentences)} if sentences else {}

    def _unnamed(self) -> str:
        """Members in no channel by layer: outside of the edges, or of a layer that is left out."""
        others = {layer: n for layer, n in self.found.items() if layer not in self.named}
        if not others:
            return ""
        layers = _shown(layer for layer in others if layer >= 0)
        parts = [f"in the layers {layers}, which no channel names"] if layers else []
        parts += ["in none (below 0, as outside of layer_edges)"] if min(others) < 0 else []
        share = sum(others.values()) / self.found.total()
        return f"{share:.2g} of the {self.collection} are {' or '.join(parts)}"

    def _empty(self) -> str:
        missing = [layer for layer in self.named if layer not in self.found]
        if not missing or not self.found:
            return ""
        layers = _shown(layer for layer in self.found if layer >= 0) or "none"
        return (
            f"the channels of the layers {_shown(missing)} are empty, as the {self.collection} "
            f"have the layers {layers}"
        )


def _shown(layers: Iterable[int]) -> str:
    """Numbers in words; a range where none is missing."""
    numbers = sorted(layers)
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]} to {numbers[-1]}"
    more = ", ..." if len(numbers) > MOST_SHOWN else ""
    return ", ".join(map(str, numbers[:MOST_SHOWN])) + more
