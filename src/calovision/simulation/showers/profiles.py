"""Longitudinal profiles: gamma distributions in depth, and the energy that they leave in layers.

A shower with shape ``a`` and slope ``b`` leaves dE/dt = E b (b t)^(a-1) exp(-b t) / Gamma(a) at the
depth t behind its start [RPP, "Passage of particles through matter"]. Its maximum is at
T = (a - 1) / b, its mean at a / b.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammainc


@dataclass(frozen=True)
class Profile:
    """Profiles of showers, ``(n,)`` each.

    Attributes
    ----------
    start
        Depth where they begin, in the length in which ``b`` counts.
    a, b
        Shape and slope.
    """

    start: np.ndarray
    a: np.ndarray
    b: np.ndarray

    def shares(self, edges: np.ndarray) -> np.ndarray:
        """Shares of the energy between depths, ``(n, n_edges - 1)``; what is missing to 1 leaks."""
        return np.diff(gammainc(self.a[:, np.newaxis], self._scaled(edges)), axis=1)

    def mean_depths(self, edges: np.ndarray) -> np.ndarray:
        """Mean depth behind the start of the energy of each layer, ``(n, n_edges - 1)``; 0 where
        there is none.
        """
        a = self.a[:, np.newaxis]
        moments = np.diff(gammainc(a + 1, self._scaled(edges)), axis=1) * a / self.b[:, np.newaxis]
        shares = self.shares(edges)
        return np.divide(moments, shares, out=np.zeros_like(moments), where=shares > 1e-12)

    def _scaled(self, edges: np.ndarray) -> np.ndarray:
        behind = np.maximum(edges - self.start[:, np.newaxis], 0.0)
        return self.b[:, np.newaxis] * behind
