"""Expected significance of one counting experiment, in closed form."""

import numpy as np

from calovision.core.errors import InputError
from calovision.metrics.events import numeric_array

SMALL_SIGNAL = 1e-7  # of the background: below, the logarithms cancel worse than the series errs


def is_number(value: object) -> bool:
    """True for one finite number."""
    return isinstance(value, int | float | np.number) and bool(np.isfinite(value))


def check_uncertainty(background_uncertainty: float) -> None:
    """Raise InputError unless the relative uncertainty is a number in [0, inf)."""
    if not (is_number(background_uncertainty) and background_uncertainty >= 0):
        raise InputError(
            f"background_uncertainty is {background_uncertainty}; give a relative uncertainty such "
            "as 0.2, "
            "not negative and finite"
        )


def asimov_significance(
    signal: np.ndarray, background: np.ndarray, background_uncertainty: np.ndarray = 0.0
) -> np.ndarray:
    """Median significance of a signal over a background that is known with an uncertainty, in
    standard deviations.

    Parameters
    ----------
    signal, background
        Expected events, of any shapes that broadcast. A negative signal counts as none.
    background_uncertainty
        Relative uncertainty of the background, sigma_b / b; broadcasts too.

    Raises
    ------
    InputError
        If a value is no number, a background is not positive, a signal is not finite, or an
        uncertainty is negative or not finite, or numbers are too large or small.

    Notes
    -----
    G. Cowan, "Discovery sensitivity for a counting experiment with background uncertainty" (2012),
    eq. 20; without uncertainty eq. 97 of Cowan, Cranmer, Gross, Vitells, arXiv:1007.1727. The
    background is that of an auxiliary measurement with 1 / background_uncertainty^2 events. Written
    with log1p, so that small signals and uncertainties keep their digits; the limit of both is s /
    sqrt(b + sigma_b^2).
    """
    named = {
        "signal": signal,
        "background": background,
        "background_uncertainty": background_uncertainty,
    }
    arrays = [
        np.asarray(numeric_array(values, f"values of {name}"), np.float64)
        for name, values in named.items()
    ]
    try:
        signal, background, relative = np.broadcast_arrays(*arrays)
    except ValueError as error:
        shapes = ", ".join(str(one.shape) for one in arrays)
        raise InputError(
            f"signal, background and its uncertainty have the shapes {shapes}; give equal ones"
        ) from error
    if not (np.isfinite(background) & (background > 0)).all():
        raise InputError(
            "the background must be positive; put an upper limit where no simulated event is left"
        )
    if not np.isfinite(signal).all():
        raise InputError("the signal must be finite; give expected events")
    for extreme in (np.min(relative, initial=0.0), np.max(relative, initial=0.0)):
        check_uncertainty(float(extreme))
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        found = _asimov(np.maximum(signal, 0.0), background, relative**2)
    if not np.isfinite(found).all():
        raise InputError(
            "the signal, the background or its uncertainty is too large or too small for a "
            "significance"
        )
    return found[()]


def _asimov(signal: np.ndarray, background: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Formula of `asimov_significance`; ``variance`` is relative."""
    first = np.log1p(signal / background / (1.0 + (signal + background) * variance))
    pull = signal / (1.0 + variance * background)
    known = variance < np.finfo(float).tiny
    second = np.where(known, pull, np.log1p(variance * pull) / np.where(known, 1.0, variance))
    exact = np.sqrt(np.maximum(2.0 * ((signal + background) * first - second), 0.0))
    series = signal / np.sqrt(background * (1.0 + variance * background))
    return np.where(signal < SMALL_SIGNAL * background, series, exact)
