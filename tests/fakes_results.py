"""Results of an evaluation with numbers by hand."""

from calovision.evaluation.results import (
    EventCount,
    EventCounts,
    FoundBy,
    Interval,
    LimitInterval,
    LimitUnits,
    Reach,
    RegionEfficiencies,
    RegionWorkingPoint,
    SelectionReach,
    Summary,
)
from calovision.metrics import Efficiency

NO_LIMIT = LimitInterval(None, None, None, None, None)
HALF = Efficiency(0.5, 0.4, 0.6, 3.0)


def make_selection(significance, limit, *, signal=(3.0,), background=(20.0,), **changes):
    """Reach of a selection with one limit for the signal strength and the cross-section."""
    n_bins = len(signal)
    values = {
        "column": "cnn",
        "edges": None,
        "signal": signal,
        "background": background,
        "background_error": (0.0,) * n_bins,
        "background_is_limit": (False,) * n_bins,
        "n_eff": (4.25,) * n_bins,
        "significance": significance,
        "limit": LimitUnits(limit, limit),
        "method": FoundBy("asymptotic", "asymptotic"),
    }
    return SelectionReach(**values | changes)


def scaled_selection(value, *, limit=0.05, **changes):
    """Significance ``value`` and limit ``limit`` / ``value`` pb, with intervals in proportion."""
    pb = limit / value
    return make_selection(
        Interval(value, 0.9 * value, 1.2 * value),
        LimitInterval(pb, band_low=0.7 * pb, band_high=1.4 * pb, low=0.9 * pb, high=1.2 * pb),
        **changes,
    )


def make_reach(cuts, classifiers, **changes):
    """Reach of the cuts and of classifiers (name -> method -> selection)."""
    values = {
        "expected_signal": 300.0,
        "expected_background": 3e4,
        "background_uncertainty": 0.2,
        "least_n_eff": 10.0,
        "cross_section_pb": 0.0253,
        "correlated": True,
        "seed": 1,
        "n_bootstrap": 20,
    }
    return Reach(**values | changes, cuts=cuts, classifiers=classifiers)


def make_summary(classifiers, *, signal=HALF, background=HALF, point=0.5, is_limit=False):
    """Summary of classifiers (name -> performance) and the signal region."""
    return Summary(
        calovision_version="0.1.0",
        skipped_files=(),
        preselection={},
        test_events=EventCounts(EventCount(4, 4.0), EventCount(4, 4.0)),
        signal_region=RegionEfficiencies(signal, background),
        region_point=RegionWorkingPoint(point, is_limit),
        classifiers=classifiers,
    )
