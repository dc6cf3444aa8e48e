"""Scores of several networks as one."""

import numpy as np
from scipy.special import log_expit, logsumexp

from calovision.metrics.events import event_table


def ensemble_scores(networks: np.ndarray) -> np.ndarray:
    """Logit of the mean probability of the networks of an ensemble, ``(n, n_networks)`` logits to
    ``(n,)``.

    Signal and background are averaged apart in logarithms, so that no digit is lost next to 0 and
    1.
    """
    networks = event_table(networks, "scores of the networks")
    if networks.shape[1] == 1:
        return networks[:, 0]
    return logsumexp(log_expit(networks), axis=1) - logsumexp(log_expit(-networks), axis=1)
