"""Hashes of events against the published generator, and the numbers that follow from them."""

import numpy as np

from calovision.core.hashing import GOLDEN, mixed_bits


def test_states_in_steps_of_the_golden_ratio_give_splitmix64():
    """The first outputs for the seed 0 of the authors' splitmix64.c."""
    states = np.arange(1, 4, dtype=np.uint64) * GOLDEN
    expected = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert mixed_bits(states).tolist() == expected


def test_neighboring_states_share_no_more_bits_than_chance():
    states = np.arange(20_000, dtype=np.uint64)
    changed = np.bitwise_xor(*(mixed_bits(states + np.uint64(step)) for step in (0, 1)))
    bits = np.unpackbits(changed.view(np.uint8).reshape(-1, 8), axis=1)
    # 20,000 flips of a fair coin for each bit: a deviation of 0.0035
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 0.016
