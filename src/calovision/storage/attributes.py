"""Conversion of the attributes of an image file to Python's values; each is checked, since others
may have written them.
"""

import json
import math
from collections.abc import Callable, Mapping

from calovision.core.classes import OF_ROWS
from calovision.core.depth import DepthAxis
from calovision.core.errors import InputError
from calovision.core.finite import is_number
from calovision.core.text import shortened
from calovision.images.grid import EtaPhiGrid, JetGrid

KINDS = ("event", "jet")
MOST_CELLS = 2**26
"""Cells of an image: a dense one of more would not fit into the memory of many machines."""
LARGEST = 2**63 - 1


def read_values(attributes: Mapping) -> dict:
    """Values of the known attributes that are there, by name, as `ImageMetadata` has them.

    Raises
    ------
    InputError
        If one is not what it must be, or two contradict each other; its name is in the message.
    """
    values = {}
    for name, read in _READ.items():
        if name in attributes:
            try:
                values[name] = read(attributes[name])
            except (
                ValueError,
                TypeError,
                KeyError,
                OverflowError,
                RecursionError,
                AttributeError,
            ) as error:
                shown = shortened(attributes[name])
                raise InputError(
                    f"the attribute '{name}' is {shown!r}: it must be {_MUST[name]}"
                ) from error
    if "grid" in values:
        values["grid"] = _grid(values["grid"], values.get("kind", "event"))
    _check_together(values)
    return values


def _check_together(values: dict) -> None:
    """Raise InputError if attributes contradict each other."""
    channels = values.get("channels", ())
    units = values.get("units", ())
    if "units" in values and len(channels) != len(units):
        raise InputError(
            f"the attribute 'units' has {len(units)} units for {len(channels)} channels"
        )
    if len(set(channels)) < len(channels):
        raise InputError(
            f"the attribute 'channels' names a channel twice: {shortened(', '.join(channels))}"
        )
    _check_label(values)
    axis = DepthAxis.of(channels)
    if "depth_axis" in values and values["depth_axis"] != (axis.to_list() if axis else []):
        raise InputError(
            f"the attribute 'depth_axis' is {shortened(values['depth_axis'])}: it must be that of "
            f"the channels {shortened(', '.join(channels))}"
        )
    grid = values.get("grid")
    if grid is not None and len(channels) * grid.n_eta * grid.n_phi > MOST_CELLS:
        raise InputError(
            "the attributes 'channels' and 'grid' are those of an image of "
            f"{len(channels)}x{grid.n_eta}x{grid.n_phi} "
            f"cells: there must be at most {MOST_CELLS}"
        )
    sources = values.get("source_files", [])
    for name, what in (
        ("source_ranges", "ranges"),
        ("source_rows", "numbers"),
        ("source_events", "counts"),
    ):
        of_files = values.get(name)
        if of_files is not None and len(of_files) != len(sources):
            raise InputError(
                f"the attribute '{name}' has {len(of_files)} {what} for {len(sources)} source files"
            )


def _check_label(values: dict) -> None:
    """Raise InputError unless the label is that of a class."""
    label, classes = values.get("label", 0), values.get("classes", ())
    if not (OF_ROWS if classes else 0) <= label < (len(classes) or 2):
        raise InputError(f"the attribute 'label' is {label}: it must be {_MUST['label']}")


def _grid(values: dict, kind: str) -> EtaPhiGrid | JetGrid:
    """The grid of an image of this kind; InputError if it is none."""
    try:
        n_eta = _whole(values["n_eta"])
        n_phi = _whole(values["n_phi"])
        if kind == "jet":
            return JetGrid(n_eta, n_phi, _number(values["width"]))
        edges = values.get("eta_edges")
        edges = None if edges is None else tuple(_list(edges, _number))
        return EtaPhiGrid(n_eta, n_phi, tuple(_list(values["eta_range"], _number)), edges)
    except InputError as error:
        raise InputError(f"the attribute 'grid': {error}") from error
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise InputError(
            f"the attribute 'grid' of kind '{kind}' is {shortened(values)}: it must be "
            f"{_MUST['grid']}"
        ) from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(value: object) -> int:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or value != int(value)
        or abs(value) > LARGEST
    ):
        raise TypeError
    return int(value)


def _count(value: object) -> int:
    if _whole(value) < 0:
        raise ValueError
    return int(value)


def _label(value: object) -> int:
    if _whole(value) < OF_ROWS:
        raise ValueError
    return int(value)


def _classes(value: object) -> tuple[str, ...]:
    names = _names(value)
    if len(names) < 2 or len(set(names)) < len(names) or not all(names):
        raise ValueError
    return names


def _kind(value: object) -> str:
    if value not in KINDS:
        raise ValueError
    return value


def _number(value: object) -> float:
    """A finite number."""
    if not is_number(value):
        raise TypeError
    return value


def _cross_section(value: object) -> float:
    """Number that is not negative; NaN where it is not known."""
    return float(value) if isinstance(value, float) and math.isnan(value) else float(_number(value))


def _radius(value: object) -> float:
    if not _number(value) > 0:
        raise ValueError
    return float(value)


def _json(value: object) -> object:
    return json.loads(_text(value))


def _list(value: object, read: Callable) -> list:
    if not isinstance(value, list | tuple):
        raise TypeError
    return [read(item) for item in value]


def _mapping(value: object) -> dict:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _texts(value: object) -> dict[str, str]:
    """Name -> text."""
    return {name: _text(one) for name, one in _mapping(_json(value)).items()}


def _row(*columns: Callable) -> Callable[[object], tuple]:
    """Reader of a list that has these columns."""

    def read(value: object) -> tuple:
        if not isinstance(value, list | tuple):
            raise TypeError
        return tuple(column(item) for column, item in zip(columns, value, strict=True))

    return read


def _entries(value: object) -> tuple[int, int] | None:
    """First entry and the one behind the last of a source file; None for all."""
    if value is None:
        return None
    first, end = _row(_count, _count)(value)
    if first > end:
        raise ValueError
    return first, end


def _recipe(value: object) -> dict:
    """Steps of jet images, of which readers take two numbers."""
    recipe = _mapping(_json(value))
    floor = recipe.get("standardize")
    if not isinstance(recipe.get("zero_center", False), bool) or (
        floor is not None and _number(floor) < 0
    ):
        raise ValueError
    return recipe


def _mask(value: object) -> dict:
    """Dead cells: hash and fill, and three numbers of each channel."""
    mask = _mapping(_json(value))
    found = {name: _text(mask[name]) for name in ("digest", "fill")}
    found["cells"] = _list(mask["cells"], _count)
    return found | {name: _list(mask[name], _number) for name in ("removed", "filled")}


def _names(value: object) -> tuple[str, ...]:
    return tuple(_list(_json(value), _text))


def _channels(value: object) -> tuple[str, ...]:
    if not _names(value):
        raise ValueError
    return _names(value)


def _depth(value: object) -> dict:
    """Layers of a quantity, and the positions of their channels."""
    entry = _mapping(value)
    return {
        "quantity": _text(entry["quantity"]),
        "layers": _list(entry["layers"], _count),
        "channels": _list(entry["channels"], _count),
    }


_READ: dict[str, Callable] = {
    "sample": _text,
    "label": _label,
    "kind": _kind,
    "grid": lambda value: _mapping(_json(value)),
    "channels": _channels,
    "units": _names,
    "selection": _texts,
    "cut_flow": lambda value: _list(_json(value), _row(_text, _count, _number)),
    "cross_section_pb": _cross_section,
    "n_generated": _count,
    "sum_of_weights": lambda value: float(_number(value)),
    "source_files": lambda value: _list(_json(value), _row(_text, _text)),
    "configuration_hash": _text,
    "package_version": _text,
    "jet_recipe": _recipe,
    "skipped_files": lambda value: _list(_json(value), _row(_text, _text)),
    "source_ranges": lambda value: _list(_json(value), _entries),
    "source_rows": lambda value: _list(_json(value), _count),
    "source_events": lambda value: _list(_json(value), _row(_count, _number, _number)),
    "fat_jet_radius": _radius,
    "definition": _texts,
    "split_group": _text,
    "warnings": lambda value: _list(_json(value), _row(_text, _text, _count)),
    "recipe": lambda value: _mapping(_json(value)),
    "classes": _classes,
    "class_cuts": _texts,
    "jet_selection": _texts,
    "jet_cut_flow": lambda value: _list(_json(value), _row(_text, _count, _number)),
    "depth_axis": lambda value: _list(_json(value), _depth),
    "mask": lambda value: _mask(value),
}
_MUST = {
    "sample": "a string",
    "label": "1 (signal) or 0 (background); with classes the number of one from 0, or -1 where it "
    "is that of the row",
    "kind": "event or jet",
    "grid": "a JSON object with n_eta, n_phi and eta_range, or width for jets",
    "channels": "a JSON list of names",
    "units": "a JSON list of strings",
    "selection": "a JSON object, name of a cut -> expression",
    "cut_flow": "a JSON list of [cut, number of events, sum of weights]",
    "cross_section_pb": "a number, NaN if it is not known",
    "n_generated": "a whole number that is not negative",
    "sum_of_weights": "a finite number",
    "source_files": "a JSON list of [path, UUID]",
    "configuration_hash": "a string",
    "package_version": "a string",
    "jet_recipe": "a JSON object, with a truth value as zero_center and a number or null as "
    "standardize",
    "skipped_files": "a JSON list of [path, reason]",
    "fat_jet_radius": "a positive number",
    "definition": "a JSON object, quantity -> what it is made of",
    "split_group": "a string",
    "warnings": "a JSON list of [what it is about, sentence, number of files]",
    "source_ranges": "a JSON list of [first entry, the one behind the last] or null",
    "recipe": "a JSON object",
    "classes": "a JSON list of two or more names, each once",
    "class_cuts": "a JSON object, class -> expression",
    "jet_selection": "a JSON object, name of a cut -> expression",
    "jet_cut_flow": "a JSON list of [cut, number of jets, sum of weights]",
    "depth_axis": "a JSON list of objects with quantity, layers and channels",
    "mask": "a JSON object with digest, fill, and lists cells, removed and filled, a number for "
    "each channel",
    "source_rows": "a JSON list of whole numbers that are not negative",
    "source_events": "a JSON list of [number of entries, sum of weights, sum of their sizes]",
}
KNOWN = tuple(_READ)
"""Names of the attributes, all but format and version."""
