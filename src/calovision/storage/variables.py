"""Variables of the user's own in files beside image files, a row for each of theirs.

A table has a column for each variable, float64 ``(n, ...)``, and the columns ``event_number`` and
``entry`` of the image file, by which a table of other events is refused.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from calovision.core.errors import InputError
from calovision.jets.variables import ENTRY_COLUMN, Variable
from calovision.storage.hdf5 import read_table, write_table
from calovision.storage.reader import ImageFile

KEYS = ("event_number", ENTRY_COLUMN)


def write_variables(path: Path, file: ImageFile, columns: Mapping[str, np.ndarray]) -> None:
    """Write variables of the rows of an image file, ``(len(file), ...)`` each."""
    write_table(path, {**{name: file.events[name] for name in KEYS}, **columns})


def read_variable(path: Path, file: ImageFile, variable: Variable) -> np.ndarray:
    """Values of a variable for the rows of an image file, ``(len(file), *variable.shape)``.

    Raises
    ------
    InputError
        If the table cannot be read, lacks the variable, or is of other events.
    """
    table = read_table(path)
    if variable.name not in table:
        raise InputError(f"{path}: no column '{variable.name}': make the table of variables again")
    values = table[variable.name]
    is_of_file = all(
        name in file.events
        and name in table
        and np.array_equal(table[name], file.events.read(name))
        for name in KEYS
    )
    if values.shape != (len(file), *variable.shape) or not is_of_file:
        raise InputError(
            f"{path}: variables of other events than those of {file.path}: make the table again"
        )
    return values
