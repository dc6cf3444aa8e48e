"""Train, validation and test: shares, and that no event ever moves."""

import numpy as np
import pytest

from calovision.core.splits import SPLITS, Folds, assign_split

LAPTOP = (0.5, 0.15, 0.35)


def test_names_and_positions():
    assert SPLITS == ("train", "validation", "test")


# Golden numbers: image files and trained networks of every release must agree on which event tests.
@pytest.mark.parametrize(
    ("sample", "seed", "fractions", "expected"),
    [
        ("qcd", 1, LAPTOP, "100002000000002000112002102012"),
        ("rpv_1400_850", 1, (0.6, 0.2, 0.2), "010010202200021000000121020002"),
    ],
)
def test_first_thirty_events_never_move(sample, seed, fractions, expected):
    split = assign_split(sample, np.arange(30), seed=seed, fractions=fractions)
    assert "".join(map(str, split)) == expected
    assert split.dtype == np.uint8


def test_extreme_event_numbers_never_move():
    number = np.array([-1, 0, 2**40, 2**63 - 1])
    assert assign_split("qcd", number, seed=7, fractions=(1, 1, 1)).tolist() == [2, 1, 2, 0]


@pytest.mark.parametrize(
    "fractions", [(0.6, 0.2, 0.2), LAPTOP, (1, 1, 1), (0.0, 0.5, 0.5), (1.0, 0.0, 0.0)]
)
@pytest.mark.parametrize("stride", [1, 2, 1000, 2**32])
def test_shares(fractions, stride):
    n = 50_000
    split = assign_split("qcd", np.arange(n) * stride, seed=3, fractions=fractions)
    expected = np.array(fractions) / np.sum(fractions)
    four_sigma = 4 * np.sqrt(expected * (1 - expected) / n)
    assert np.all(np.abs(np.bincount(split, minlength=3) / n - expected) <= four_sigma)


def test_only_ratios_of_the_fractions_count():
    one, other = (
        assign_split("qcd", np.arange(1000), seed=1, fractions=fractions)
        for fractions in ((0.5, 0.25, 0.25), (2, 1, 1))
    )
    assert np.array_equal(one, other)


def test_chunks_and_order_change_nothing():
    number = np.arange(1000)
    whole = assign_split("qcd", number, seed=1, fractions=LAPTOP)
    chunks = [
        assign_split("qcd", chunk, seed=1, fractions=LAPTOP) for chunk in np.array_split(number, 7)
    ]
    assert np.array_equal(np.concatenate(chunks), whole)
    order = np.random.default_rng(1).permutation(1000)
    assert np.array_equal(
        assign_split("qcd", number[order], seed=1, fractions=LAPTOP), whole[order]
    )
    assert assign_split("qcd", number[:0], seed=1, fractions=LAPTOP).shape == (0,)


@pytest.mark.parametrize(("sample", "seed"), [("qcd", 2), ("rpv", 1), ("qcd2", 1)])
def test_another_seed_or_sample_is_independent(sample, seed):
    """Of two independent uniform splits a third of the events agree."""
    n = 30_000
    reference = assign_split("qcd", np.arange(n), seed=1, fractions=(1, 1, 1))
    other = assign_split(sample, np.arange(n), seed=seed, fractions=(1, 1, 1))
    counts = np.histogram2d(reference, other, bins=3)[0]
    assert np.all(np.abs(counts / n - 1 / 9) < 4 * np.sqrt(8 / 81 / n))


def test_neighbors_are_independent():
    n = 30_000
    split = assign_split("qcd", np.arange(n + 1), seed=1, fractions=(1, 1, 1))
    assert abs(np.mean(split[1:] == split[:-1]) - 1 / 3) < 4 * np.sqrt(2 / 9 / n)


def test_event_numbers_are_not_modified():
    number = np.arange(10)
    assign_split("qcd", number, seed=1, fractions=LAPTOP)
    assert np.array_equal(number, np.arange(10))


FOLDS = Folds(number=5, seed=1, validation_share=0.25)


def test_folds_cover_every_event_once():
    """Every event is tested by one network; of the others a quarter validates it."""
    n = 30_000
    number = np.arange(n)
    fold = FOLDS.assign("qcd", number)
    splits = np.stack([FOLDS.splits(k, "qcd", number) for k in range(5)])
    assert np.all((splits == SPLITS.index("test")).sum(axis=0) == 1)
    assert np.array_equal(np.argmax(splits == SPLITS.index("test"), axis=0), fold)
    assert np.all(np.abs(np.bincount(fold) / n - 1 / 5) < 4 * np.sqrt(0.16 / n))
    for of_network in splits:
        share = np.mean(of_network[of_network != SPLITS.index("test")] == 1)
        assert abs(share - 0.25) < 4 * np.sqrt(0.1875 / (0.8 * n))


def test_folds_are_independent_of_splits_and_of_each_other():
    n = 30_000
    number = np.arange(n)
    fold = FOLDS.assign("qcd", number)
    split = assign_split("qcd", number, seed=1, fractions=(1, 1, 1))
    counts = np.histogram2d(fold, split, bins=(5, 3))[0]
    assert np.all(np.abs(counts / n - 1 / 15) < 4 * np.sqrt(14 / 225 / n))
    one, other = (FOLDS.splits(k, "qcd", number)[fold > 1] == 1 for k in (0, 1))
    assert abs(np.mean(one & other) - 1 / 16) < 4 * np.sqrt(15 / 256 / (0.6 * n))
