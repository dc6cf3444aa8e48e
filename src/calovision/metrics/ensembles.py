"""Scores of several networks as one."""

import numpy as np
from scipy.special import log_expit, logsumexp

from calovision.core.errors import InputError
from calovision.metrics.events import event_table, numeric_array


def ensemble_scores(networks: np.ndarray) -> np.ndarray:
    """Scores of the mean probability of the networks of an ensemble.

    Logits ``(n, n_networks)`` become the logit of the mean, ``(n,)``; log-probabilities of classes
    ``(n, n_networks, n_classes)`` the logarithms of the means, ``(n, n_classes)``.

    Signal and background are averaged apart in logarithms, so that no digit is lost next to 0 and
    1.
    """
    if np.ndim(networks) == 3:
        return _of_classes(numeric_array(networks, "scores of the networks").astype(np.float64))
    networks = event_table(networks, "scores of the networks")
    if networks.shape[1] == 1:
        return networks[:, 0]
    return logsumexp(log_expit(networks), axis=1) - logsumexp(log_expit(-networks), axis=1)


def _of_classes(networks: np.ndarray) -> np.ndarray:
    if not np.isfinite(networks).all():
        raise InputError("scores of the networks: a log-probability is not finite")
    if networks.shape[1] == 1:
        return networks[:, 0]
    total = logsumexp(networks, axis=1)
    return total - logsumexp(total, axis=1, keepdims=True)
