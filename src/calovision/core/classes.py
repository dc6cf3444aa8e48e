"""Labels of the classes of rows, and the names that they have."""

from collections.abc import Sequence

OF_ROWS = -1
"""Label of a sample or file whose rows are of several classes, each with a label of its own."""

TWO_CLASSES = ("background", "signal")
"""Names of the labels 0 and 1 where no others are given."""


def class_names(classes: Sequence[str]) -> tuple[str, ...]:
    """Names of the labels, in their order; none given means background and signal."""
    return tuple(classes) or TWO_CLASSES
