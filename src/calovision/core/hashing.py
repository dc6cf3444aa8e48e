"""Random numbers as hashes: what is random about an event depends on its own numbers and a seed
alone, neither on the size of the chunks nor on the number of processes.
"""

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2^64 / golden ratio, the step of the states of SplitMix64."""


def mixed_bits(state: np.ndarray) -> np.ndarray:
    """Hash of each of the states, uint64: the output function of SplitMix64.

    Notes
    -----
    Steele, Lea, Flood, OOPSLA 2014, doi:10.1145/2660193.2660195.
    """
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
