"""Numbers as a physicist writes them, in text: 0.418, 2,150, 5.93 M, 3.62 × 10⁻⁴."""

from math import floor, isfinite, log10

SMALLEST, LARGEST = 1e-3, 1e6
"""Between these numbers are written out; outside with a power of ten or a letter."""

_LETTERS = ((1e12, "T"), (1e9, "G"), (1e6, "M"))
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def in_digits(value: float, digits: int = 3, *, zeros: bool = False) -> str:
    """A number with so many significant digits: 0.418, 2,150, 5.93 M, 3.62 × 10⁻⁴; with ``zeros``
    also those behind the decimal point that are zero: 0.410.
    """
    if not isfinite(value):
        return str(value)
    rounded = float(f"{value:.{digits}g}")
    size = abs(rounded)
    if size == 0 or SMALLEST <= size < 1000:
        return f"{rounded:#.{digits}g}".rstrip(".") if zeros and size else f"{rounded:.{digits}g}"
    if 1000 <= size < LARGEST:
        return f"{rounded:,.0f}"
    for unit, letter in _LETTERS:
        if unit <= size < 1000 * unit:
            return f"{rounded / unit:.{digits}g} {letter}"
    power = _power_of(rounded)
    return f"{rounded / 10.0**power:.{digits}g}{times_ten_to(power)}"


def events_in_digits(value: float) -> str:
    """A number of events, or of effective events: 8.3, 1,206, 5.93 M."""
    size = abs(value)  # weights of both signs may add up to less than nothing
    return f"{value:,.0f}" if 100 <= size < LARGEST else in_digits(value, 2 if size < 10 else 3)


def interval_in_digits(value: float, low: float, high: float, digits: int = 3) -> str:
    """``0.853 (0.840 to 0.862)``, or small ones ``3.62 (2.44 to 5.37) × 10⁻⁴``; whole numbers, as
    counts are, without decimals: ``6 (4 to 9)``.
    """
    ends = [value, low, high]
    power = 0
    if 0 < max(map(abs, ends)) < SMALLEST:
        power = _power_of(float(f"{value or high:.{digits}g}"))
        ends = [one / 10.0**power for one in ends]
    zeros = any(float(f"{one:.{digits}g}") % 1 for one in ends)
    if power:  # all of them, however small one is beside the others
        kept = f"#.{digits}g" if zeros else f".{digits}g"
        parts = [f"{one:{kept}}" if one else "0" for one in ends]
    else:
        parts = [in_digits(one, digits, zeros=zeros) for one in ends]
    return f"{parts[0]} ({parts[1]} to {parts[2]}){times_ten_to(power) if power else ''}"


def spread_in_digits(value: float, spread: float) -> str:
    """``0.8520 ± 0.0033``: two digits of the spread, and the value as far as these go."""
    if not (isfinite(value) and isfinite(spread) and spread > 0):
        return f"{in_digits(value)} ± {in_digits(spread, 2)}"
    decimals = max(1 - _power_of(float(f"{spread:.2g}")), 0)
    return f"{value:.{decimals}f} ± {spread:.{decimals}f}"


def times_ten_to(power: int) -> str:
    """`` × 10⁻⁴``."""
    return f" × 10{str(power).translate(_RAISED)}"


def _power_of(value: float) -> int:
    return floor(log10(abs(value)))
