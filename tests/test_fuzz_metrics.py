"""Any scores, labels and weights in any layout: the same numbers, within bounds, or an
InputError."""

import numpy as np
import pytest
from fakes_arrays import laid_out
from fakes_events import KINDS, SPOILT, event_columns
from hypothesis import given
from hypothesis import strategies as st

from calovision.core.errors import InputError
from calovision.metrics import auc, efficiency, n_effective, region_point, roc, signal_efficiency_at


def numbers_of(scores, labels, weights, region, target=0.3):
    """Every public function of arrays."""
    curve = roc(scores, labels, weights)
    point = region_point(region, labels, weights)
    found = [signal_efficiency_at(scores, labels, weights, one) for one in (target, point)]
    found.append(efficiency(region, weights))
    for one in found:
        assert 0 <= one.low <= one.value <= one.high <= 1
        assert one.n_eff >= 0
    assert np.isfinite([curve.background_low, curve.background_high, curve.background_n_eff]).all()
    assert point.background_efficiency > 0
    return [auc(curve), n_effective(weights), point, *found]


def outcome(columns, *more):
    """Numbers, or the class of error."""
    try:
        return numbers_of(*columns, *more)
    except InputError:
        return InputError


@given(event_columns(), st.floats(0.001, 1.0), st.data())
def test_layout_and_kind_change_nothing(columns, target, data):
    expected = outcome(columns, target)
    laid = [data.draw(st.sampled_from(KINDS))(data.draw(laid_out(one))) for one in columns]
    assert str(outcome(laid, target)) == str(expected)


@given(event_columns(st.floats(-10, 10)), st.data())
def test_what_is_no_column_is_refused(columns, data):
    place, spoil = data.draw(st.integers(0, 3)), data.draw(st.sampled_from(SPOILT))
    n = len(columns[0])
    columns[place] = spoil(columns[place])
    if n > 1:
        assert outcome(columns) is InputError


@given(event_columns(st.floats(-10, 10)), st.floats())
def test_no_working_point_is_a_traceback(columns, target):
    found = outcome(columns, target)
    assert found is InputError or 0 < target <= 1


@given(event_columns(st.floats(2**-10, 2**10)), st.integers(-900, 900))
def test_scale_of_the_weights_changes_nothing(columns, power):
    expected = outcome(columns)
    columns[2] = columns[2].astype(np.float64) * 2.0**power
    assert str(outcome(columns)) == str(expected)


@given(event_columns(st.sampled_from([-2.0, -1.0, 0.5, 1.0, 3.0])))
def test_the_region_as_a_score_is_at_its_own_point(columns):
    _, labels, weights, region = columns
    try:
        point = region_point(region, labels, weights)
        found = signal_efficiency_at(region, labels, weights, point)
    except InputError:
        return
    signal, outside = labels == 1, weights[(labels == 0) & (region == 0)]
    if not point.is_limit and outside.sum() != 0:  # else all signal passes at the same background
        assert found.value == pytest.approx(
            efficiency(region[signal], weights[signal]).value, abs=1e-9
        )
