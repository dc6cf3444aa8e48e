"""Columns and tables of a HEPData submission."""

import html
import re
import warnings
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING

from calovision.core.text import printable
from calovision.evaluation.results.numbers import Interval, LimitInterval

if TYPE_CHECKING:
    from hepdata_lib import Table, Variable

ABSENT = "-"  # HEPData's sign for a number that does not exist
STATISTICAL = "stat"


def library() -> ModuleType:
    """hepdata_lib, without the warning about jsonschema that its import raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import hepdata_lib
    return hepdata_lib


def add_interval_variable(
    table: "Table", title: str, numbers: Sequence[Interval | LimitInterval], units: str = ""
) -> None:
    """Numbers with their statistical interval, and the band where they have one."""
    values = [number.value for number in numbers]
    edges = {STATISTICAL: ([one.low for one in numbers], [one.high for one in numbers])}
    if isinstance(numbers[0], LimitInterval):
        edges["expected"] = ([one.band_low for one in numbers], [one.band_high for one in numbers])
    variable = new_variable(title, values, units=units)
    for label, (low, high) in edges.items():
        _add_uncertainty(variable, label, values, low, high)
    table.add_variable(variable)


def new_table(name: str, description: str, keywords: Mapping[str, list[str]]) -> "Table":
    """Table without columns."""
    # Names become file names; HEPData allows 64 characters.
    table = library().Table(re.sub(r"[^A-Za-z0-9+_. -]", "_", name)[:64])
    table.description, table.location = description, "Made with calovision"
    table.keywords = dict(keywords)
    return table


def literal(text: str) -> str:
    """Text in which HEPData finds neither tags nor formulas."""
    return html.escape(printable(text), quote=False).replace("$", r"\$")


def new_variable(
    name: str,
    values: Sequence[float | str | None],
    edges: tuple[Sequence[float], Sequence[float]] | None = None,
    *,
    independent: bool = False,
    units: str = "",
) -> "Variable":
    """Column of a table with the 68.3 % interval; None becomes HEPData's dash."""
    shown = [
        ABSENT if value is None else literal(value) if isinstance(value, str) else float(value)
        for value in values
    ]
    variable = library().Variable(
        name,
        is_independent=independent,
        is_binned=False,
        units=units,
        values=shown,
        zero_uncertainties_warning=False,
    )
    if edges is not None:
        _add_uncertainty(variable, STATISTICAL, values, *edges)
    return variable


def _add_uncertainty(
    variable: "Variable",
    label: str,
    values: Sequence[float | None],
    low: Sequence[float | None],
    high: Sequence[float | None],
) -> None:
    """Distances to the interval, minus and plus; 0 where it does not exist."""
    uncertainty = library().Uncertainty(label, is_symmetric=False)
    distances = []
    for value, bottom, top in zip(values, low, high, strict=True):
        known = None not in (value, bottom, top)
        distances.append((float(bottom - value), float(top - value)) if known else (0.0, 0.0))
    uncertainty.values = distances
    variable.add_uncertainty(uncertainty)
