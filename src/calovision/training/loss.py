"""Loss and answers of a batch: of one logit, or of a logit for each of several classes."""

from torch import Tensor, nn


def weighted_loss(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Mean of the weighted cross-entropies of the rows.

    Binary with one logit a row, ``(n,)``; of the softmax with one for each class,
    ``(n, n_classes)``. The weights ``(n,)`` multiply the loss of each row; the mean divides by the
    number of rows, not by the sum of their weights.
    """
    if logits.ndim == 1:
        return nn.functional.binary_cross_entropy_with_logits(logits, labels, weight=weights)
    losses = nn.functional.cross_entropy(logits, labels.long(), reduction="none")
    return (losses * weights).mean()


def right_answers(logits: Tensor, labels: Tensor) -> Tensor:
    """Rows whose likeliest class is their own, booleans ``(n,)``."""
    if logits.ndim == 1:
        return (logits > 0) == (labels > 0.5)
    return logits.argmax(dim=1) == labels.long()
