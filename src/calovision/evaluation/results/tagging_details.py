"""Taggers in bins, their probabilities, and what they do to the mass: ``tagging_bins.json`` and
``tagging_diagnostics.json``.
"""

from dataclasses import dataclass

from calovision.core.result import Result
from calovision.evaluation.results.diagnostics import Calibration, MassSculpting
from calovision.evaluation.results.numbers import Interval
from calovision.metrics import Efficiency


@dataclass(frozen=True)
class TaggerBin:
    """A discriminant in one bin of a variable; None where a side has too few rows.

    ``auc`` with its interval, ``rejection`` at `BinnedVariable.signal_efficiency` within the bin,
    and the efficiencies, in the bin, of the threshold that has this signal efficiency in all bins
    together.
    """

    auc: Interval
    rejection: Interval
    signal_efficiency: Efficiency | None
    background_efficiency: Efficiency | None


@dataclass(frozen=True)
class BinnedVariable:
    """Numbers in bins of a variable.

    Attributes
    ----------
    edges
        Of the bins; rows outside count for none.
    rows
        Class -> effective number of its rows in each bin.
    taggers
        Classifier -> discriminant -> numbers of each bin.
    """

    signal_efficiency: float
    edges: tuple[float, ...]
    rows: dict[str, tuple[float, ...]]
    taggers: dict[str, dict[str, tuple[TaggerBin, ...]]]


@dataclass(frozen=True)
class TaggingBins(Result):
    """Variable -> numbers in its bins."""

    variables: dict[str, BinnedVariable]


@dataclass(frozen=True)
class TaggingDiagnostics(Result):
    """Classifier -> class -> calibration of its probability, for classes of equal shares; and
    discriminant -> classifier -> mass of the background before and after cuts; none without a mass.
    """

    calibration: dict[str, dict[str, Calibration]]
    mass_sculpting: dict[str, dict[str, MassSculpting]]
