"""The obvious loops over towers and tracks in numba, as a physicist writes them first; float64
cells, float32 sums."""

import numpy as np
from numba import njit


@njit(cache=True)
def add_towers(event, eta, phi, e, e_em, images):
    n = images.shape[2]
    for i in range(len(event)):
        if -2.5 <= eta[i] < 2.5:
            row = int((eta[i] + 2.5) / 5 * n)
            column = int((phi[i] + np.pi) / (2 * np.pi) * n) % n
            images[event[i], 0, row, column] += e[i]
            images[event[i], 1, row, column] += e_em[i]


@njit(cache=True)
def add_tracks(event, eta, phi, images):
    n = images.shape[2]
    for i in range(len(event)):
        if -2.5 <= eta[i] < 2.5:
            row = int((eta[i] + 2.5) / 5 * n)
            column = int((phi[i] + np.pi) / (2 * np.pi) * n) % n
            images[event[i], 2, row, column] += 1
