"""Taggers compared: rows of two or more classes, classifiers that give each row a probability of
each class.

Log-probabilities are ``(n, n_classes)``, natural logarithms; labels are positions of classes,
``(n,)``. Each class counts the same: the weights of its rows add up to 1 (`TaggedRows`).
"""

from calovision.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "comparison": ("compare_taggers",),
        "discriminants": ("Discriminant", "all_discriminants"),
        "rows": ("TaggedRows", "log_probabilities"),
    },
)
