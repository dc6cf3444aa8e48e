"""Calibration, correlations and mass sculpting of scores: ``diagnostics.json``."""

from dataclasses import dataclass

from calovision.core.result import Result


@dataclass(frozen=True)
class CalibrationBin:
    """Bin of a reliability diagram.

    ``share`` is that of all weights, ``predicted`` the mean score, ``observed`` the fraction of
    signal with its 68.3 % interval; None where the weights do not add up to a positive number.
    """

    low: float
    high: float
    share: float
    n_eff: float
    predicted: float | None
    observed: float | None
    observed_low: float | None
    observed_high: float | None


@dataclass(frozen=True)
class ClassEvents:
    """Effective number of events of each class."""

    signal: float
    background: float


@dataclass(frozen=True)
class Calibration:
    """Reliability diagram, and what it comes to.

    ``expected_calibration_error`` is the mean of |observed - predicted| over the bins by their
    shares, ``brier_score`` the weighted mean of (score - label)^2.
    """

    bins: tuple[CalibrationBin, ...]
    expected_calibration_error: float
    brier_score: float
    n_eff: ClassEvents


@dataclass(frozen=True)
class Correlation:
    """Correlations of a score with a variable; None where one of the two does not vary."""

    pearson: float | None
    spearman: float | None
    n_eff: float


@dataclass(frozen=True)
class MassDistribution:
    """Normalized histogram with errors, mean (GeV) and effective number of events."""

    fraction: tuple[float, ...]
    error: tuple[float, ...]
    mean: float
    n_eff: float


@dataclass(frozen=True)
class SculptedMass(MassDistribution):
    """Distribution after a cut on a score.

    ``divergence`` is that of Jensen and Shannon from the distribution before in bits,
    ``divergence_by_chance`` its mean for so few events without any sculpting.
    """

    mean_shift: float
    mean_shift_error: float
    divergence: float
    divergence_by_chance: float


@dataclass(frozen=True)
class MassSculpting:
    """Distributions of the summed jet mass of the background before and after cuts on a score.

    Attributes
    ----------
    edges
        Of the bins in GeV; the last bin also holds what is beyond.
    cuts
        Background efficiency -> distribution.
    dropped
        Background efficiency -> effective number of events of the cuts that leave too few.
    """

    edges: tuple[float, ...]
    before: MassDistribution
    cuts: dict[str, SculptedMass]
    dropped: dict[str, float]


@dataclass(frozen=True)
class Diagnostics(Result):
    """Score -> calibration (of classifiers only), correlations (class -> variable -> numbers) and
    mass sculpting.
    """

    calibration: dict[str, Calibration]
    correlations: dict[str, dict[str, dict[str, Correlation]]]
    mass_sculpting: dict[str, MassSculpting]
