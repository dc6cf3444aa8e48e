"""Numbers in text, as a physicist writes them."""

import pytest

from calovision.core.digits import (
    events_in_digits,
    in_digits,
    interval_in_digits,
    spread_in_digits,
)

NUMBERS = {
    0.4181: "0.418",
    1.0: "1",
    999.96: "1,000",
    2147.3: "2,150",
    19843.0: "19,800",
    5.932e6: "5.93 M",
    999_999.0: "1 M",
    3.6e10: "36 G",
    2e15: "2 × 10¹⁵",
    0.000362: "3.62 × 10⁻⁴",
    -0.00002: "-2 × 10⁻⁵",
    0.001: "0.001",
    0: "0",
    float("nan"): "nan",
}


@pytest.mark.parametrize(("value", "text"), NUMBERS.items())
def test_digits(value, text):
    assert in_digits(value) == text


def test_numbers_of_events_are_whole_from_a_hundred_on():
    found = [events_in_digits(value) for value in (0.0, 8.34, 24.13, 123.4, 1206.0, 5.89e6)]
    assert found == ["0", "8.3", "24.1", "123", "1,206", "5.89 M"]
    assert [events_in_digits(value) for value in (-24.13, -1206.0)] == ["-24.1", "-1,206"]


def test_ends_of_an_interval_keep_their_zeros():
    assert interval_in_digits(0.284, 0.251, 0.32) == "0.284 (0.251 to 0.320)"
    assert interval_in_digits(46.7, 29.0, 131.6) == "46.7 (29.0 to 132)"
    assert interval_in_digits(-0.5, -0.6004, 0) == "-0.500 (-0.600 to 0)"
    assert interval_in_digits(6, 4, 9) == "6 (4 to 9)"  # counts


def test_intervals_share_the_power_of_ten():
    assert interval_in_digits(0.853, 0.841, 0.862) == "0.853 (0.841 to 0.862)"
    assert interval_in_digits(3.62e-4, 2.44e-4, 5.37e-4) == "3.62 (2.44 to 5.37) × 10⁻⁴"
    assert interval_in_digits(0, 0, 2e-5) == "0 (0 to 2) × 10⁻⁵"
    assert interval_in_digits(0, 0, 0.0141) == "0 (0 to 0.0141)"
    assert interval_in_digits(2.2e-4, 1e-4, 3.46e-4) == "2.20 (1.00 to 3.46) × 10⁻⁴"
    assert interval_in_digits(3.62e-4, 1e-8, 5e-4) == "3.62 (0.000100 to 5.00) × 10⁻⁴"


def test_a_value_goes_as_far_as_its_spread():
    assert spread_in_digits(0.852, 0.0033) == "0.8520 ± 0.0033"
    assert spread_in_digits(0.43812, 0.0381) == "0.438 ± 0.038"
    assert spread_in_digits(0.9, 0.0996) == "0.90 ± 0.10"
    assert spread_in_digits(123.4, 21.7) == "123 ± 22"
    assert spread_in_digits(0.5, 0) == "0.5 ± 0"
    assert spread_in_digits(0.5, float("nan")) == "0.5 ± nan"
