"""Runs beside the reference: numbers that several methods need, computed once for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from calovision.monitoring.expectation import Expectation
from calovision.monitoring.run_maps import RunMaps
from calovision.monitoring.tails import deviation

if TYPE_CHECKING:
    import numpy as np

    from calovision.monitoring.reference import Reference


@dataclass(frozen=True)
class ComparedRuns:
    """Maps of runs, for which nothing is computed twice as long as they are compared.

    Attributes
    ----------
    maps
        The runs; their numbers stay as they are.
    reference
        What they are compared with.
    """

    maps: RunMaps
    reference: Reference

    @cached_property
    def expected(self) -> Expectation:
        """Hits that good runs with the same events would have."""
        return Expectation.of(self.maps, self.reference)

    @cached_property
    def deviations(self) -> np.ndarray:
        """-log10 of the two-sided chance of the hits of each cell, float64 ``(n_runs, n_channels,
        n_eta, n_phi)``, not to be written to; NaN in a run without events.
        """
        expected = self.expected
        found = deviation(self.maps.occupancy, expected.hits, expected.dispersion)
        found.flags.writeable = False
        return found
