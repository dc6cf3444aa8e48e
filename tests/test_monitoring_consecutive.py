"""Scores of consecutive runs combined, against loops over the runs."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid
from calovision.monitoring.consecutive import ConsecutiveMethod, ConsecutiveScores, combine
from calovision.monitoring.run_maps import WHOLE_RUN, RunMaps

NUMBERS = [3, 4, 5, 6, 8, 9, 10, 10, 11, 12]  # a gap after 6, and 10 twice


def maps_of(runs, blocks=None, n_phi=4):
    n = len(runs)
    cells = np.zeros((n, 1, 2, n_phi))
    return RunMaps(
        EtaPhiGrid(2, n_phi, (-1.0, 1.0)),
        ("energy",),
        ("GeV",),
        (0.0,),
        np.array(runs),
        np.full(n, WHOLE_RUN) if blocks is None else np.array(blocks),
        np.full(n, 100),
        cells,
        cells,
    )


def some_scores(n, n_phi=4):
    return np.random.default_rng(1).exponential(size=(n, 1, 2, n_phi))


def test_combinations_are_product_stouffer_and_sum():
    scores = np.array([[2.0, np.nan], [3.0, 1.0], [4.0, 1.0]])
    for name, expected in [("product", 24.0), ("stouffer", 9 / np.sqrt(3)), ("sum", 9.0)]:
        np.testing.assert_allclose(combine(scores, name), [expected, np.nan])
    with pytest.raises(InputError, match="scores are negative; choose 'stouffer'"):
        combine(-scores, "product")
    with pytest.raises(InputError, match="no combination 'stoufer'; did you mean 'stouffer'"):
        combine(scores, "stoufer")


def test_product_of_three_runs_ends_at_gaps_and_repeated_runs():
    scores = some_scores(len(NUMBERS))
    found = ConsecutiveScores(3).add(maps_of(NUMBERS), scores)
    complete = [2, 3, 6, 9]  # 3-5, 4-6, 8-10, and after the second 10
    for row in range(len(NUMBERS)):
        if row in complete:
            expected = scores[row - 2] * scores[row - 1] * scores[row]
            np.testing.assert_allclose(found[row], expected, rtol=1e-14)
        else:
            assert np.isnan(found[row]).all()


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_blocks_give_what_all_runs_at_once_give(size):
    maps, scores = maps_of(NUMBERS), some_scores(len(NUMBERS))
    whole = ConsecutiveScores(3, "sum", largest_step=2).add(maps, scores)
    assert np.isfinite(whole).all(axis=(1, 2, 3)).sum() == 6
    part = ConsecutiveScores(3, "sum", largest_step=2)
    rows = [slice(first, first + size) for first in range(0, len(NUMBERS), size)]
    found = np.concatenate([part.add(maps[r], scores[r]) for r in rows])
    np.testing.assert_array_equal(found, whole)


def test_lumi_blocks_follow_within_their_run_only():
    maps = maps_of([1, 1, 1, 2, 2, 3], [7, 8, 10, 11, 12, WHOLE_RUN])
    found = ConsecutiveScores(2, "sum").add(maps, some_scores(6))
    assert np.isfinite(found[:, 0, 0, 0]).tolist() == [False, True, False, False, True, False]


def test_other_cells_begin_a_sequence():
    consecutive = ConsecutiveScores(2, "sum")
    consecutive.add(maps_of([1, 2]), some_scores(2))
    found = consecutive.add(maps_of([3, 4], n_phi=5), some_scores(2, n_phi=5))
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()
    assert consecutive.add(maps_of([], n_phi=5), some_scores(0, n_phi=5)).shape == (0, 1, 2, 5)
    other = replace(maps_of([5, 6], n_phi=5), channels=("tracks",))
    assert np.isnan(consecutive.add(other, some_scores(2, n_phi=5))[0]).all()


def test_one_run_alone_keeps_its_scores():
    scores = some_scores(len(NUMBERS))
    for name in ("product", "stouffer", "sum"):
        found = ConsecutiveScores(1, name).add(maps_of(NUMBERS), scores)
        np.testing.assert_array_equal(found, scores)
    with pytest.raises(InputError, match="n_runs is 0, but must be whole and at least 1"):
        ConsecutiveScores(0)


def test_a_method_of_several_runs_is_a_method():
    scores = some_scores(4)
    rule = SimpleNamespace(name="poisson", title="Poisson", scores=lambda maps, reference: scores)
    method = ConsecutiveMethod(rule, 2, "stouffer")
    assert (method.name, method.title) == ("poisson_2_runs", "Poisson, 2 consecutive runs")
    found = method.scores(maps_of([1, 2, 3, 4]), None)
    np.testing.assert_allclose(found[1:], (scores[1:] + scores[:-1]) / np.sqrt(2), rtol=1e-14)
