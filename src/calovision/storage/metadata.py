"""Metadata of an image file: the attributes beside its arrays, written and read.

The specification, with what a file must and what it may have, is the page FORMAT.md beside this
module.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from importlib.metadata import version
from pathlib import Path

from calovision.core.depth import DepthAxis
from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.jets.variables import EVENT_COLUMNS
from calovision.storage.attributes import KNOWN, read_values
from calovision.storage.hdf5 import Checksums, OpenedFile, read_attributes

FORMAT = "calovision-images"
"""Name of the format, the attribute ``format`` of an image file."""
VERSION = 2
"""Newest version of the format, which is written; older ones are read."""
WITH_CHECKSUMS = 2
"""First version that has checksums."""
JET_COLUMNS = ("jet_index", "pt", "eta", "phi", "mass")
"""Columns that a file of jet images has besides, since its rows are jets."""

_JSON = (
    "grid",
    "channels",
    "units",
    "selection",
    "cut_flow",
    "source_files",
    "jet_recipe",
    "skipped_files",
    "source_ranges",
    "source_rows",
    "source_events",
    "definition",
    "warnings",
    "recipe",
    "classes",
    "class_cuts",
    "jet_selection",
    "jet_cut_flow",
    "depth_axis",
    "mask",
)
_OPTIONAL = (
    "kind",
    "jet_recipe",
    "skipped_files",
    "source_ranges",
    "source_rows",
    "source_events",
    "fat_jet_radius",
    "definition",
    "split_group",
    "warnings",
    "recipe",
    "classes",
    "class_cuts",
    "jet_selection",
    "jet_cut_flow",
    "depth_axis",
    "mask",
)
ATTRIBUTES = ("format", "version", *KNOWN)
"""Names of the attributes that readers know."""


@dataclass(frozen=True)
class ImageMetadata:
    """Attributes of an image file.

    ``cut_flow`` lists (cut, number of events, sum of generator weights), beginning with what was
    generated; ``source_files`` lists (path, UUID of the ROOT file). ``kind`` is "event" or "jet";
    the steps of jet images are in ``jet_recipe``. ``skipped_files`` lists (path, reason) of the
    files that could not be read; they do not count in ``n_generated`` and ``sum_of_weights``.
    ``source_ranges`` has for each source file the first entry whose event was looked at and the one
    behind the last, or None where all were; it is None if it would hold nothing else.
    ``n_generated`` and ``sum_of_weights`` then are shares. ``source_rows`` is the number of rows of
    each source file, in their order; None if it is not known. ``source_events`` has for each source
    file (number, sum of weights, sum of their sizes) of the entries that were read, before any cut;
    None if it is not known. ``fat_jet_radius`` is that of jets
    that were clustered from the towers (rad), None for those that the ROOT file brought along,
    whose radius it does not tell. ``definition`` says what the images and weights are made of,
    quantity -> source; files of a sample must agree in what they have of it. ``split_group`` is the
    name that the split was drawn with in place of the sample's. ``warnings`` lists (what it is
    about, sentence, number of ROOT files): what a reader of the images should know. ``recipe``
    holds all choices of the conversion (`calovision.conversion.stored`), None where they are not
    known. ``classes`` names the classes, whose positions are the labels, and ``label`` is -1 where
    they are those of the rows; without it, 0 is background and 1 signal. ``class_cuts`` then are
    the expressions on branches by which the rows got theirs, by class. ``jet_selection`` are the
    cuts on the jets of jet images, and ``jet_cut_flow`` lists (cut, number of jets, sum of
    generator weights), beginning with the leading jets of the events that pass. ``depth_axis``
    lists the layers of each quantity and the positions of their channels, as these are named; it is
    empty without channels by layer. ``mask`` says which cells are dead (``digest``, ``fill``,
    ``cells``) and what was taken out of them and put into them, None without one.

    Attributes
    ----------
    sample, label, grid, channels, units, selection, cross_section_pb
        Name and label of the sample, cells, channels and their units, preselection by name, and
        cross-section (pb; NaN if it is not known).
    configuration_hash, package_version
        Of the configuration and the package that made it.
    """

    sample: str
    label: int
    grid: EtaPhiGrid | JetGrid
    channels: tuple[str, ...]
    units: tuple[str, ...]
    selection: dict[str, str]
    cut_flow: list[tuple[str, int, float]]
    cross_section_pb: float
    n_generated: int
    sum_of_weights: float
    source_files: list[tuple[str, str]]
    configuration_hash: str = ""
    package_version: str = field(default_factory=lambda: version("calovision"))
    kind: str = "event"
    jet_recipe: dict | None = None
    skipped_files: list[tuple[str, str]] = field(default_factory=list)
    source_ranges: list[tuple[int, int] | None] | None = None
    source_rows: list[int] | None = None
    source_events: list[tuple[int, float, float]] | None = None
    fat_jet_radius: float | None = None
    definition: dict[str, str] = field(default_factory=dict)
    split_group: str = ""
    warnings: list[tuple[str, str, int]] = field(default_factory=list)
    recipe: dict | None = None
    classes: tuple[str, ...] = ()
    class_cuts: dict[str, str] = field(default_factory=dict)
    jet_selection: dict[str, str] = field(default_factory=dict)
    jet_cut_flow: list[tuple[str, int, float]] = field(default_factory=list)
    depth_axis: list[dict] = field(default_factory=list)
    mask: dict | None = None

    def __post_init__(self) -> None:
        axis = DepthAxis.of(self.channels)
        object.__setattr__(self, "depth_axis", [] if axis is None else axis.to_list())

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """``(n_channels, n_eta, n_phi)``."""
        return len(self.channels), self.grid.n_eta, self.grid.n_phi

    @property
    def required_columns(self) -> tuple[str, ...]:
        """Columns that a file of this kind must have."""
        return EVENT_COLUMNS + (JET_COLUMNS if self.kind == "jet" else ())

    def to_attributes(self) -> dict[str, str | int | float]:
        """HDF5 attributes: numbers and strings as they are, everything else as JSON.

        The optional ones are left out where they would say what their absence says.
        """
        attributes: dict[str, str | int | float] = {"format": FORMAT, "version": VERSION}
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in _OPTIONAL and _is_said_by_absence(value):
                continue
            if item.name == "grid":
                value = {
                    name: number for name, number in asdict(value).items() if number is not None
                }
            attributes[item.name] = json.dumps(value) if item.name in _JSON else value
        return attributes

    @classmethod
    def from_attributes(cls, attributes: Mapping) -> "ImageMetadata":
        """Inverse of ``to_attributes``.

        Raises
        ------
        KeyError
            If one that a file must have is missing.
        InputError
            If one is not what it must be.
        """
        missing = [
            item.name
            for item in fields(cls)
            if item.name not in attributes and not _is_optional(item)
        ]
        if missing:
            raise KeyError(missing[0])
        return cls(**read_values(attributes))


def read_metadata(path: Path, file: OpenedFile) -> tuple[ImageMetadata, Checksums | None]:
    """Metadata of an open image file, and the checksums of its arrays, which version 1 has not.

    Raises
    ------
    InputError
        If the file is no image file or of a newer version, or an attribute is missing, not what it
        must be, or not what was written.
    """
    values, checksums = read_attributes(path, file, (FORMAT, VERSION), known=ATTRIBUTES)
    if (checksums is None) != (values["version"] < WITH_CHECKSUMS):
        are = "no checksums" if checksums is None else "checksums"
        raise InputError(
            f"{path}: damaged image file (version {values['version']} with {are}); build it again"
        )
    try:
        return ImageMetadata.from_attributes(values), checksums
    except KeyError as error:
        raise InputError(
            f"{path}: incomplete image file (no {error.args[0]}); build it again"
        ) from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _is_said_by_absence(value: object) -> bool:
    """Tell whether a file that lacks the attribute means this value."""
    return value is None or (
        isinstance(value, str | list | tuple | dict) and value in ("event", "", [], (), {})
    )


def _is_optional(item: object) -> bool:
    """Tell whether a file may lack this attribute; what version 1 wrote from the start stays a
    must.
    """
    has_default = item.default is not MISSING or item.default_factory is not MISSING
    return has_default and item.name not in ("configuration_hash", "package_version")
