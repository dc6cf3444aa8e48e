"""What the image file holds beside its arrays: the attributes, their names and types.

Version 1 of the format::

    /images/offsets   int64 (n + 1,)          row i is cells[offsets[i]:offsets[i + 1]]
    /images/cells     uint16 | uint32 (nnz,)  flat index in (channel, eta, phi), ascending in a row
    /images/values    float32 (nnz,)
    /events/<name>    (n, ...)                event_number, label, weight, split, event variables
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from calovision.grid import EtaPhiGrid

FORMAT = "calovision-images"
VERSION = 1
EVENT_COLUMNS = (
    "event_number",
    "label",
    "weight",
    "split",
    "n_fat_jets",
    "mj_sum",
    "delta_eta_12",
    "ht",
    "fat_jets",
)
"""Columns that every file of version 1 has; a file may have more."""


@dataclass(frozen=True)
class ImageMetadata:
    """Attributes of an image file.

    ``cut_flow`` lists (cut, number of events, sum of generator weights), beginning with what was
    generated; ``source_files`` lists (path, UUID of the ROOT file).
    """

    sample: str
    label: int
    grid: EtaPhiGrid
    channels: tuple[str, ...]
    units: tuple[str, ...]
    selection: dict[str, str]
    cut_flow: list[tuple[str, int, float]]
    cross_section_pb: float
    n_generated: int
    sum_of_weights: float
    source_files: list[tuple[str, str]]
    configuration_hash: str
    package_version: str

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """``(n_channels, n_eta, n_phi)``."""
        return len(self.channels), self.grid.n_eta, self.grid.n_phi

    def to_attributes(self) -> dict[str, str | int | float]:
        """HDF5 attributes: numbers and strings as they are, everything else as JSON."""
        attributes: dict[str, str | int | float] = {"format": FORMAT, "version": VERSION}
        for field in fields(self):
            value = getattr(self, field.name)
            value = asdict(value) if field.name == "grid" else value
            attributes[field.name] = value if isinstance(value, str | int | float) else json.dumps(value)
        return attributes

    @classmethod
    def from_attributes(cls, attributes: Mapping) -> "ImageMetadata":
        """Inverse of ``to_attributes``; raises KeyError if one is missing."""
        values = {field.name: attributes[field.name] for field in fields(cls)}
        for name in ("grid", "channels", "units", "selection", "cut_flow", "source_files"):
            values[name] = json.loads(values[name])
        grid = values["grid"]
        values["grid"] = EtaPhiGrid(grid["n_eta"], grid["n_phi"], tuple(grid["eta_range"]))
        for name in ("channels", "units"):
            values[name] = tuple(values[name])
        for name in ("cut_flow", "source_files"):
            values[name] = [tuple(row) for row in values[name]]
        for name, kind in (
            ("label", int),
            ("n_generated", int),
            ("cross_section_pb", float),
            ("sum_of_weights", float),
        ):
            values[name] = kind(values[name])
        return cls(**values)
