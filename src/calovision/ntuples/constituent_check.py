"""Check that the constituents of fat jets add up to their jets.

Weights that the momenta lack, wrong units, or an index table of other jets show in the sum.
"""

import logging
from pathlib import Path

import awkward as ak
import numpy as np

from calovision.ntuples.candidate_weights import pt_ratios

logger = logging.getLogger(__name__)

ENOUGH_JETS = 100  # after which no more are looked at
EVENTS_AT_A_TIME = 1000
# of the median from 1: the calibration of a jet is less, pile-up that is not removed is more
LARGEST_DEVIATION = 0.25


class ConstituentCheck:
    """Ratios of the vector sum of the constituents' pT to the pT of the first jets of a file.

    Parameters
    ----------
    pt_min
        Jets below it, in GeV, do not count: frameworks keep the constituents of hard jets only.
    """

    def __init__(self, pt_min: float = 0.0) -> None:
        self.pt_min = pt_min
        self._ratios: list[float] = []

    @property
    def is_complete(self) -> bool:
        """True once enough jets have been seen."""
        return len(self._ratios) >= ENOUGH_JETS

    @property
    def has_jets(self) -> bool:
        """True once a jet with constituents has been seen."""
        return bool(self._ratios)

    @property
    def median(self) -> float:
        """Median of the ratios; NaN without jets."""
        return float(np.median(self._ratios)) if self._ratios else float("nan")

    def add(self, fat_jets: ak.Array, constituents: ak.Array) -> None:
        """Add the jets of a chunk, as `pt_ratios` takes them, until there are enough."""
        for first in range(0, len(fat_jets), EVENTS_AT_A_TIME):
            if self.is_complete:
                return
            part = slice(first, first + EVENTS_AT_A_TIME)
            self._add(fat_jets[part], constituents[part])

    def _add(self, fat_jets: ak.Array, constituents: ak.Array) -> None:
        """Add the jets of some events."""
        ratios = pt_ratios(fat_jets, constituents)
        hard = ak.to_numpy(ak.flatten(fat_jets["pt"], axis=1)) > self.pt_min
        self._ratios += ratios[np.isfinite(ratios) & hard][
            : ENOUGH_JETS - len(self._ratios)
        ].tolist()

    def describe(self) -> str:
        """Median of the ratios, in words."""
        if not self._ratios:
            return "no jets with constituents"
        return f"{self.median:.3g} of the pT of their jets (median of {len(self._ratios)})"

    def warn(self, path: Path | str) -> None:
        """Warn if the median is far from 1."""
        if self._ratios and not abs(self.median - 1) <= LARGEST_DEVIATION:
            logger.warning(
                "%s: the constituents of fat jets have %s, more than %.0f %% off; look at units, "
                "index table and "
                "candidate_weight of the schema",
                path,
                self.describe(),
                100 * LARGEST_DEVIATION,
            )
