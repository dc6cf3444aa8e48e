"""Labels of the classes of rows, and the names that they have."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from calovision.core.errors import InputError

if TYPE_CHECKING:
    import numpy as np

OF_ROWS = -1
"""Label of a sample or file whose rows are of several classes, each with a label of its own."""

TWO_CLASSES = ("background", "signal")
"""Names of the labels 0 and 1 where no others are given."""


def class_names(classes: Sequence[str]) -> tuple[str, ...]:
    """Names of the labels, in their order; none given means background and signal."""
    return tuple(classes) or TWO_CLASSES


def check_labels(classes: Sequence[str], labels: "np.ndarray", path: Path) -> None:
    """Raise InputError for a label, of one a row of a file, that is the position of no class."""
    n_classes = len(class_names(classes))
    is_known = (labels >= 0) & (labels < n_classes) & (labels % 1 == 0)
    if is_known.all():
        return
    entry = int(is_known.argmin())
    names = f"the classes {', '.join(classes)}" if classes else "background and signal"
    raise InputError(
        f"{path}: the label of entry {entry} is {labels[entry]}: {names} have the labels 0 to "
        f"{n_classes - 1}; name the classes in the order of their labels"
    )
