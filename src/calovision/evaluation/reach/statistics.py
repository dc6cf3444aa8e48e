"""Expected limits and significance of a search, by pyhf.

The HistFactory model has one channel with the bins of the search. A common systematic uncertainty u
is the Poisson measurement of 1 / u^2 events in a control region which scales the background
everywhere, as in the closed form (`asimov_significance`); Monte Carlo uncertainties are Poisson
measurements per bin (``shapesys``). Both stay positive where uncertainties reach 100 %, where
Gaussian ones do not.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from calovision.evaluation.reach.bins import SearchBins
from calovision.evaluation.reach.few_events import (
    FEW_FOR_LIMITS,
    FEW_FOR_SIGNIFICANCE,
    counting_limit,
    counting_significance,
    effective_background,
    toy_limits,
    toy_significance,
)
from calovision.evaluation.reach.likelihood import asimov_limit, asimov_z
from calovision.evaluation.results.reach import ASYMPTOTIC, COUNTING, TOYS

if TYPE_CHECKING:
    import pyhf

CONFIDENCE = 0.95
AGREEMENT = 0.01  # of pyhf's significance with that of the profiled likelihood
BRACKET = 0.005  # distance of the two scanned signal strengths from the limit, relative
TOLERATED = 0.1  # relative error of an asymptotic formula; beyond, few events are counted instead
DEVIATIONS = (-1.0, 0.0, 1.0)  # of the data that a band is of


@dataclass(frozen=True)
class Limit:
    """Median upper limit on the signal strength expected without signal, and the band of +-1
    standard deviation.

    ``method`` is `ASYMPTOTIC`, or for few expected events `COUNTING` or `TOYS`.
    """

    value: float
    band_low: float
    band_high: float
    method: str = ASYMPTOTIC


@dataclass(frozen=True)
class Significance:
    """Median significance of a signal of strength 1, in standard deviations; ``method`` as in
    `Limit`.
    """

    value: float
    method: str = ASYMPTOTIC


def limit_roots(deviations: float) -> float:
    """Square root of the Asimov test statistic at the limit that data off by ``deviations`` give.

    CLs = (1 - Phi(root - N)) / Phi(N) = 1 - confidence; Cowan et al., arXiv:1007.1727, eq. 89, with
    CLs instead of CLs+b.
    """
    normal = NormalDist()
    return normal.inv_cdf(1.0 - (1.0 - CONFIDENCE) * normal.cdf(deviations)) + deviations


def expected_limit(bins: SearchBins) -> Limit:
    """Expected 95 % CL upper limit on the signal strength (CLs); everything is inf without signal.

    Where few background events are expected and the asymptotic limit or an edge of its band is off
    by more than 10 %, counts decide (`calovision.evaluation.reach.few_events`): without any
    background the limit is 3.00 events, not 1.92.
    """
    found = asymptotic_limit(bins)
    if not np.isfinite(found.value):
        return found
    if effective_background(bins.signal * found.value, bins.background) >= FEW_FOR_LIMITS:
        return found
    asymptotic = np.array([found.band_low, found.value, found.band_high])
    if bins.signal.size == 1:
        variance = bins.relative_variance()
        limits = [
            counting_limit(bins.background, variance, one, CONFIDENCE)[0] for one in DEVIATIONS
        ]
        counted = np.array(limits) / bins.signal[0]
        method = COUNTING
    else:
        model = bins.signal, bins.background, bins.trials(), bins.common_trials()
        counted = toy_limits(
            *model, around=asymptotic, deviations=DEVIATIONS, confidence=CONFIDENCE
        )
        method = TOYS
    is_off = np.abs(asymptotic - counted) > TOLERATED * counted
    if not np.isfinite(counted).all() or not is_off.any():
        return found
    return Limit(float(counted[1]), float(counted[0]), float(counted[2]), method)


def asymptotic_limit(bins: SearchBins) -> Limit:
    """Expected 95 % CL upper limit on the signal strength (CLs, asymptotic test statistic q-tilde,
    by pyhf).

    Signal strength 1 is the signal of ``bins``; everything is inf without signal. pyhf scans around
    the limit that the profiled likelihood of `calovision.evaluation.reach.likelihood` gives, with
    the signal scaled so that the limit is near 1: its minimizer fails for signal strengths of very
    different sizes. Where it fails nevertheless, or ends so early that its limit is not within 0.5
    % (seen where the background is known to 100 %), that limit stands.
    """
    import pyhf

    around = profiled_limits(bins, DEVIATIONS)
    if not np.isfinite(around).all():
        return Limit(np.inf, np.inf, np.inf)
    model = _model(bins, bins.signal * around[1])
    truth = _parameters(model, mu=0.0)  # where free fits end: starting there saves much time
    data = model.expected_data(truth)

    def log_cls(mu: float, position: int) -> float:
        return float(
            np.log(
                pyhf.infer.hypotest(mu, data, model, truth, return_expected_set=True)[1][position]
            )
        )

    found = []
    for position, limit in enumerate(around, start=1):  # pyhf gives -2, -1, 0, 1, 2
        bracket = limit / around[1] * np.array([1.0 - BRACKET, 1.0 + BRACKET])
        try:
            with _quiet():
                values = [log_cls(mu, position) for mu in bracket]
        except pyhf.exceptions.FailedMinimization:
            values = [np.nan, np.nan]
        crosses = (
            values[0] >= np.log(1.0 - CONFIDENCE) >= values[1]
        )  # not with nan, nor if a fit ended too early
        scanned = (
            np.interp(-np.log(1.0 - CONFIDENCE), -np.array(values), around[1] * bracket)
            if crosses
            else limit
        )
        found.append(float(scanned))
    return Limit(found[1], found[0], found[2])


def expected_significance(bins: SearchBins) -> float:
    """Median significance of a signal of strength 1, in standard deviations: the value of
    `counted_significance`.
    """
    return counted_significance(bins).value


def counted_significance(bins: SearchBins) -> Significance:
    """Median significance of a signal of strength 1, and how it was found.

    Where less than one background event is expected and the asymptotic number is off by more than
    10 %, counts decide (`calovision.evaluation.reach.few_events`): it is 0 if most experiments see
    nothing.
    """
    asymptotic = asymptotic_significance(bins)
    if (
        not bins.signal.any()
        or effective_background(bins.signal, bins.background) >= FEW_FOR_SIGNIFICANCE
    ):
        return Significance(asymptotic)
    if bins.signal.size == 1:
        counted = float(
            counting_significance(bins.signal, bins.background, bins.relative_variance())[0]
        )
        method = COUNTING
    else:
        counted = toy_significance(
            bins.signal, bins.background, bins.trials(), bins.common_trials()
        )
        method = TOYS
    is_off = abs(asymptotic - counted) > TOLERATED * counted
    return (
        Significance(counted, method)
        if np.isfinite(counted) and is_off
        else Significance(asymptotic)
    )


def asymptotic_significance(bins: SearchBins) -> float:
    """Median significance of a signal of strength 1, in standard deviations: pyhf's q0 of the
    Asimov data.

    Where its minimizer fails, or is not within 1 % of the profiled likelihood
    (`calovision.evaluation.reach.likelihood`), that of the latter stands: for a small signal q0 is
    the difference of two large numbers.
    """
    import pyhf

    if not bins.signal.any():
        return 0.0
    model = _model(bins, bins.signal)
    start = _parameters(model, mu=1.0)
    most = 10.0 + 2.0 * float(
        np.max(bins.signal / bins.background)
    )  # what the background may grow to without signal
    bounds = [
        (1e-10, most) if low > 0 or high > 1 else (low, high)
        for low, high in model.config.suggested_bounds()
    ]
    bounds[model.config.poi_index] = (0.0, 10.0)
    try:
        with _quiet():
            fixed = model.config.suggested_fixed()
            q0 = pyhf.infer.test_statistics.q0(
                0.0, model.expected_data(start), model, start, bounds, fixed
            )
    except pyhf.exceptions.FailedMinimization:
        q0 = np.nan
    profiled = float(asimov_z(bins.signal, bins.background, bins.trials(), bins.common_trials()))
    found = float(np.sqrt(max(q0, 0.0)))
    return (
        found if abs(found - profiled) <= AGREEMENT * profiled else profiled
    )  # also where it is nan


def profiled_limits(bins: SearchBins, deviations: Sequence[float]) -> np.ndarray:
    """Limits that data off by ``deviations`` give, ``(n_deviations,)``, by the profiled
    likelihood.
    """
    roots = np.array([limit_roots(one) for one in deviations])
    return asimov_limit(
        bins.signal, bins.background, bins.trials(), bins.common_trials(), root=roots
    )


def _model(bins: SearchBins, signal: np.ndarray) -> "pyhf.Model":
    """HistFactory model of the bins; an uncertainty that is 0 has no parameter."""
    import pyhf

    trials, common = bins.trials(), bins.common_trials()
    modifiers, channels = [], []
    if np.isfinite(common):
        scale = {"name": "background_scale", "type": "normfactor", "data": None}
        modifiers.append(scale)
        control = {"name": "background", "data": [common], "modifiers": [scale]}
        channels.append({"name": "control", "samples": [control]})
    if np.isfinite(trials).any():
        errors = [float(error) for error in bins.background / np.sqrt(trials)]
        modifiers.append({"name": "background_bins", "type": "shapesys", "data": errors})
    strength = {"name": "mu", "type": "normfactor", "data": None}
    samples = [
        {"name": "signal", "data": [float(value) for value in signal], "modifiers": [strength]},
        {
            "name": "background",
            "data": [float(value) for value in bins.background],
            "modifiers": modifiers,
        },
    ]
    channels.append({"name": "search", "samples": samples})
    # Without the check against the schema, which reads files and uses what jsonschema calls
    # deprecated.
    return pyhf.Model({"channels": channels}, poi_name="mu", validate=False)


def _parameters(model: "pyhf.Model", *, mu: float) -> list[float]:
    """Nominal parameters and a signal strength."""
    parameters = [1.0] * model.config.npars
    parameters[model.config.poi_index] = mu
    return parameters


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence warnings and messages of minimizers that step out of bounds or give up; both are
    handled.
    """
    import logging

    logger = logging.getLogger("pyhf.optimize")
    level = logger.level
    try:
        logger.setLevel(logging.CRITICAL)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)
            yield
    finally:
        logger.setLevel(level)
