"""Image files of a stage, with the variables of the user's own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from calovision.jets.variables import own_variable
from calovision.storage import ImageCollection, read_file_list

Definitions = Mapping[str, Mapping[str, str]]
"""Variables of the user's own by name, as `own_variable` takes them."""


def open_list(
    images: Path, variables: Definitions | None = None, tables: Sequence[Path] = ()
) -> ImageCollection:
    """Open the image files of a list, with variables whose tables stand in a list, too.

    Parameters
    ----------
    images
        List of the image files.
    variables
        Definitions of the variables that the stage may use.
    tables
        List of the tables with variables of branches; none if there are none.
    """
    listed = [path for one in tables for path in read_file_list(one)]
    return open_files(read_file_list(images), variables, listed)


def own_variables(files: Any, parameters: Any) -> dict[str, Any]:
    """Arguments ``variables`` and ``tables`` of a stage, of the inputs and parameters of its rule;
    without the input ``variables`` there are no tables.
    """
    tables = getattr(files, "variables", ())
    tables = [tables] if isinstance(tables, str | Path) else list(tables)
    return {"variables": parameters.variables, "tables": tables}


def open_files(
    images: Sequence[Path], variables: Definitions | None = None, tables: Sequence[Path] = ()
) -> ImageCollection:
    """Open image files, with variables of the tables beside them, in the same order."""
    own = {name: own_variable(name, **one) for name, one in (variables or {}).items()}
    return ImageCollection(images, variables=own, tables=tables)
