"""Inputs of the reach, and its table."""

from dataclasses import replace

import numpy as np
import pytest
from fakes import make_columns, write_image_file
from fakes_results import NO_LIMIT, make_reach, make_selection

from calovision.core.errors import InputError
from calovision.evaluation.reach import ExpectedEvents
from calovision.evaluation.results import (
    Band,
    FoundBy,
    Gains,
    Interval,
    LimitInterval,
    LimitUnits,
    MassLimits,
    MassReach,
    PreselectedEvents,
    SampleNumbers,
)
from calovision.evaluation.signal_points import expected_events, nominal_point, signal_point
from calovision.storage import ImageCollection


def sample(label, cross_section_pb, expected):
    preselected = PreselectedEvents(10, 10.0, expected)
    return SampleNumbers(label, cross_section_pb, 20, (), preselected, None)


def test_expected_events_are_sums_over_the_samples_of_a_label():
    samples = {"a": sample(1, 0.5, 12.0), "b": sample(0, 100.0, 7.0), "c": sample(0, 30.0, 4.5)}
    assert expected_events(samples) == ExpectedEvents(12.0, 11.5, cross_section_pb=0.5)
    samples["d"] = sample(1, 0.25, 8.0)
    assert expected_events(samples) == ExpectedEvents(20.0, 11.5, cross_section_pb=0.75)


def write_signal(path, n_events=10, **changes):
    columns = make_columns(n_events, label=1, weights=np.linspace(0.5, 1.5, n_events))
    columns["mj_sum"] = np.where(np.arange(n_events) % 2 == 0, 600.0, 400.0)
    options = {"sample": "rpv_1800", "label": 1, "cross_section_pb": 0.02, "sum_of_weights": 40.0}
    return write_image_file(path, n_events, columns=columns, **(options | changes))


def test_signal_point_holds_all_events_of_a_sample(tmp_path):
    """Of all splits: nothing was trained on them."""
    collection = ImageCollection([write_signal(tmp_path / "a.h5")])
    scores = np.linspace(0, 1, 10)
    point = signal_point(collection, scores, signal_region="mj_sum > 500", luminosity_fb=30.0)
    assert point.cross_section_pb == 0.02
    weights = np.linspace(0.5, 1.5, 10) * 0.02 * 30_000 / 40.0
    np.testing.assert_allclose(point.events["weight"], weights)
    assert point.expected == pytest.approx(weights.sum())
    assert point.events["signal_region"].tolist() == [True, False] * 5
    assert point.events["label"].tolist() == [1] * 10
    assert np.array_equal(point.events["cnn"], scores)


def test_signal_point_of_two_files_is_normalized_to_both(tmp_path):
    paths = [write_signal(tmp_path / "a.h5"), write_signal(tmp_path / "b.h5", sum_of_weights=60.0)]
    point = signal_point(
        ImageCollection(paths), np.zeros(20), signal_region="mj_sum > 500", luminosity_fb=30.0
    )
    assert point.expected == pytest.approx(20 * 0.02 * 30_000 / 100.0)


def test_signal_point_is_one_sample_with_events(tmp_path):
    paths = [write_signal(tmp_path / "a.h5"), write_signal(tmp_path / "b.h5", sample="rpv_1600")]
    empty = write_signal(tmp_path / "c.h5", 0)
    for files, n in ((paths, 20), ([empty], 0)):
        with pytest.raises(InputError, match="one sample with preselected events"):
            signal_point(
                ImageCollection(files), np.zeros(n), signal_region="mj_sum > 500", luminosity_fb=1.0
            )


def test_nominal_point_takes_the_test_events():
    test = {
        "label": np.array([1, 0]),
        "weight": np.array([2.0, 3.0]),
        "signal_region": np.array([True, False]),
        "cnn": np.array([0.9, 0.1]),
        "ht": np.array([1.0, 2.0]),
    }
    point = nominal_point(test, sample(1, 0.5, 12.0))
    assert (point.cross_section_pb, point.expected) == (0.5, 12.0)
    assert set(point.events) == {"label", "weight", "signal_region", "cnn"}
    assert all(np.array_equal(values, test[name]) for name, values in point.events.items())


def record(signal=(3.0, 1.5), background=(20.0, 0.5), *, gain=None):
    limit = LimitInterval(value=0.0123, low=0.01, high=0.015, band_low=0.0, band_high=1.0)
    number = Interval(1.234, 1.1, 1.345)
    return make_selection(number, limit, signal=signal, background=background, gain=gain)


GAIN = Gains(significance=Interval(2.0, 1.5, 2.5), limit=Interval(None, None, None))
CUTS = record((2.0,), (10.0,))
BEST_CUT = record((4.0,), (7.0,), gain=GAIN)
BINNED = record(gain=GAIN)


def reach_of(*, cuts=CUTS, best_cut=BEST_CUT, binned=BINNED, against_mass=None):
    classifiers = {"cnn": {"best_cut": best_cut, "binned": binned}}
    return make_reach(cuts, classifiers, against_mass=against_mass)


def lines_of(**parts):
    return reach_of(**parts).to_markdown().splitlines()


def test_table_text():
    """Events of bins are summed, limits in fb, no gain of the cuts over themselves."""
    text, empty, *rows = lines_of()
    assert text.startswith("Expected at a background uncertainty of 20%")
    assert "No simulated background" not in text
    assert empty == ""
    numbers_of = "1.23 (1.10 to 1.34) | 12.3 (10.0 to 15.0)"
    assert rows == [
        "| selection | signal | background | effective background events | significance | limit "
        "[fb] "
        "| significance over the cuts | limit of the cuts over it |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        f"| cuts | 2 | 10 | 4.2 | {numbers_of} |  |  |",
        f"| cnn, best cut | 4 | 7 | 4.2 | {numbers_of} | 2.00 (1.50 to 2.50) | none |",
        f"| cnn, binned | 4.5 | 20.5 | 8.5 | {numbers_of} | 2.00 (1.50 to 2.50) | none |",
    ]


def test_numbers_without_background_are_bounds_and_those_of_counts_are_marked():
    parts = {
        "best_cut": replace(BEST_CUT, background_is_limit=(True,)),
        "binned": replace(BINNED, method=FoundBy("asymptotic", "toys")),
        "cuts": replace(CUTS, method=FoundBy("counting", "asymptotic")),
    }
    *_, cuts, best, binned, empty, meaning = lines_of(**parts)
    interval, limit, gain = "1.23 (1.10 to 1.34)", "12.3 (10.0 to 15.0)", "2.00 (1.50 to 2.50)"
    assert cuts == f"| cuts | 2 | 10 | 4.2 | {interval} ‡ | {limit} |  |  |"
    gains = f"above {gain} | none"
    assert (
        best
        == f"| cnn, best cut | 4 | below 7 | 4.2 | above {interval} | below {limit} | {gains} |"
    )
    assert binned == f"| cnn, binned | 4.5 | 20.5 | 8.5 | {interval} | {limit} ‡ | {gain} | none |"
    assert empty == ""
    assert meaning.startswith("‡ few events are expected")


def test_no_gain_over_cuts_that_no_background_event_passes():
    text, _, header, line, *rows = lines_of(cuts=replace(CUTS, background_is_limit=(True,)))
    assert "**No simulated background survives the cuts**" in text
    assert rows[0].startswith("| cuts | 2 | below 10 | 4.2 | above 1.23")
    assert "over" not in header
    for row in (header, line, *rows):
        assert row.count("|") == 7
    assert len(rows) == 3


def test_a_limit_that_does_not_exist():
    cuts = replace(CUTS, limit=LimitUnits(NO_LIMIT, NO_LIMIT))
    assert lines_of(cuts=cuts)[4].split(" | ")[5] == "none"
    cuts = replace(cuts, background_is_limit=(True,))
    assert lines_of(cuts=cuts)[4].split(" | ")[5].startswith("none")


def masses(value, excludes, *, limits=(0.01, None)):
    nothing = (None,) * len(limits)
    methods = ("asymptotic",) * len(limits)
    excluded = Band(value, None, None)
    return MassLimits(limits, nothing, nothing, methods, False, excludes, excluded)


def test_table_of_masses():
    against = MassReach(
        masses=(1400.0, 1800.0),
        theory_pb=(0.0253, 0.00276),
        cuts=masses(1446.4, "up to the mass", limits=(0.02052, 0.0137)),
        classifiers={
            "cnn": {"binned": masses(None, "none"), "best_cut": masses(1700.0, "up to the mass")}
        },
    )
    assert reach_of().with_masses(against) == reach_of(against_mass=against)
    *_, header, _, first, second, _, words = lines_of(against_mass=against)
    assert (
        header
        == "| mass [GeV] | theory [fb] | limit of the cuts [fb] | limit of the binned CNN [fb] |"
    )
    assert first == "| 1400 | 25.3 | 20.5 | 10 |"
    assert second == "| 1800 | 2.76 | 13.7 | none |"
    assert (
        words
        == "Expected excluded mass, cuts: 1446 GeV. The binned CNN excludes none of these masses."
    )
    cuts = replace(against.cuts, method=("counting", "asymptotic"), background_is_limit=True)
    lines = lines_of(against_mass=replace(against, cuts=cuts))
    assert "| 1400 | 25.3 | below 20.5 ‡ | 10 |" in lines
    assert "| 1800 | 2.76 | below 13.7 | none |" in lines
    everything = replace(against, cuts=masses(None, "all"))
    assert "The cuts exclude all of these masses." in "\n".join(lines_of(against_mass=everything))
