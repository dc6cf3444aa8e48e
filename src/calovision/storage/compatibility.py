"""Check that image files may be read together.

They must have the same kind of images, compatible versions of the package and disjoint entry
ranges; the files of a sample must have one label, preselection and definition.
"""

import json
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.jets.substructure.variables import JET_VARIABLES
from calovision.jets.variables import VARIABLES
from calovision.storage.metadata import ImageMetadata
from calovision.storage.reader import ImageFile

logger = logging.getLogger(__name__)

COMMON_COLUMNS = {*VARIABLES, *JET_VARIABLES, "constituents", "weight_variations"}
"""Columns that all files of a sample have, or none: they follow from the ntuple and its jets."""


JET_VARIABLES_OF_FILE = "jet variables of the file"
"""Quantity of a definition: those that are not computed from constituents."""


def require_compatible(files: Sequence[ImageFile]) -> None:
    """Raise InputError unless image files (at least one) may be read together."""
    of_sample: dict[str, list[ImageFile]] = {}
    for file in files:
        of_sample.setdefault(file.metadata.sample, []).append(file)
        require_one_kind(file, files[0])
        require_one_set_of_classes(file, files[0])
        require_one_sample(file, of_sample[file.metadata.sample][0])
    require_one_version((file.path, file.metadata.package_version) for file in files)
    require_unshared_files((file.path, file.metadata) for file in files)
    warn_of_other_radii(file.metadata for file in files)
    warn_of_other_variables(file.metadata for file in files)
    for of_one in of_sample.values():
        require_distinct_entries((file.path, file.metadata) for file in of_one)
        require_one_definition((_with_source(file), file.metadata.definition) for file in of_one)
        # a file without events may lack columns, if its ntuple was skipped
        require_one_set_of_columns([(file.path, file.events) for file in of_one if len(file)])


def require_one_kind(file: ImageFile, first: ImageFile) -> None:
    """Raise InputError unless the images of two files are of one kind, grid, channels and jet
    recipe.
    """
    what = difference(file.metadata, first.metadata)
    if what == "mask":
        raise InputError(
            f"{file.path}: its dead cells (mask) differ from those of {first.path}, by which a "
            "network could tell the files apart: build both again with one mask"
        )
    if what in ("grid", "channels"):
        raise InputError(f"{file.path}: its grid or channels differ from those of {first.path}")
    if what:
        raise InputError(f"{file.path}: its {what} differs from that of {first.path}")


def require_one_set_of_classes(file: ImageFile, first: ImageFile) -> None:
    """Raise InputError unless the labels of two files mean the same classes."""
    if file.metadata.classes != first.metadata.classes:
        theirs, ours = (
            ", ".join(one.metadata.classes) or "signal and background" for one in (file, first)
        )
        raise InputError(
            f"{file.path}: its classes are {theirs}, but those of {first.path} {ours}: build both "
            "again with one list of classes"
        )


def require_one_sample(file: ImageFile, first: ImageFile) -> None:
    """Raise InputError unless two files of a sample have the same preselection and label."""
    for cuts, name in (
        ("selection", "preselection"),
        ("jet_selection", "selection of jets"),
        ("class_cuts", "class of rows"),
    ):
        found, expected = (list(getattr(one.metadata, cuts).items()) for one in (file, first))
        if found != expected:
            raise InputError(
                f"{file.path}: its {name} differs from that of {first.path}: build both again"
            )
    if file.metadata.label != first.metadata.label:
        raise InputError(
            f"{file.path}: sample '{file.metadata.sample}' has another label in another file"
        )


def require_one_version(versions: Iterable[tuple[Path, str]]) -> None:
    """Raise InputError unless files were written by versions of the package that give the same
    numbers.

    Versions that differ in their third part only are compatible, with a warning; those that differ
    before it, or that cannot be compared, are not.

    Parameters
    ----------
    versions
        Path and ``package_version`` of each file; an empty version, of files that others wrote, is
        not compared.
    """
    first_of: dict[str, Path] = {}
    for path, version in versions:
        if version:
            first_of.setdefault(version, path)
    (one, first), *others = first_of.items() or [("", None)]
    for version, path in others:
        if _compatible(one) != _compatible(version):
            raise InputError(
                f"{path} was written by calovision {version}, but {first} by {one}, whose images "
                "may differ: build the "
                "images again with one version"
            )
        logger.warning("%s was written by calovision %s, and %s by %s", path, version, first, one)


def warn_of_other_radii(infos: Iterable[ImageMetadata]) -> None:
    """Warn if fat jets of several radii are compared, as those of files with and without jets of
    their own.
    """
    samples: dict[float, list[str]] = {}
    for info in infos:
        if info.fat_jet_radius is not None:
            names = samples.setdefault(info.fat_jet_radius, [])
            names += [info.sample] * (info.sample not in names)
    if len(samples) > 1:
        found = ", ".join(f"{radius:g} of {', '.join(of)}" for radius, of in samples.items())
        logger.warning(
            "the fat jets have different radii (%s), by which cuts and jet variables tell the "
            "samples apart; set fat_jets.radius to that of the files, or cluster all with a schema "
            "that has jets: none",
            found,
        )


def warn_of_other_variables(infos: Iterable[ImageMetadata]) -> None:
    """Warn if variables of jets are those of the file in one sample, and computed in another."""
    samples: dict[str, list[str]] = {}
    for info in infos:
        if (found := info.definition.get(JET_VARIABLES_OF_FILE)) is not None:
            names = samples.setdefault(found, [])
            names += [info.sample] * (info.sample not in names)
    if len(samples) > 1:
        found = ", ".join(f"{variables} in {', '.join(of)}" for variables, of in samples.items())
        logger.warning(
            "jet variables are taken from the files' own jets in some samples and computed in "
            "others (of the file: %s), by which a classifier may tell the samples apart; take a "
            "schema without the branches (tau1: none) to compute all",
            found,
        )


def require_distinct_entries(files: Iterable[tuple[Path, ImageMetadata]]) -> None:
    """Raise InputError if entries of a ROOT file are in two image files of a sample, as after jobs
    were cut anew.

    Whole ROOT files are not compared with each other.
    """
    parts: dict[tuple[str, str], list[tuple[int, float, Path]]] = {}
    for path, info in files:
        ranges = info.source_ranges or [None] * len(info.source_files)
        for source, entries in zip(info.source_files, ranges, strict=True):
            first, end = (0, math.inf) if entries is None else entries
            parts.setdefault(source, []).append((first, end, path))
    for found in parts.values():
        found.sort()
        for (_, end, path), (first, other_end, other) in pairwise(found):
            is_part = math.isfinite(end) or math.isfinite(other_end)
            if is_part and first < min(end, other_end):
                raise InputError(
                    f"{other} has events that {path} has, too: remove both and build the images "
                    "again with one cut "
                    "into jobs"
                )


def require_one_definition(files: Iterable[tuple[Path | str, Mapping[str, str]]]) -> None:
    """Raise InputError, which names two files, if the images of a sample are not all made of the
    same things.

    Parameters
    ----------
    files
        Path and definition (`ImageMetadata.definition`) of each file; a quantity that a file does
        not have is not compared.
    """
    first_of: dict[str, tuple[Path | str, str]] = {}
    for path, definition in files:
        for quantity, value in definition.items():
            first, expected = first_of.setdefault(quantity, (path, value))
            if value != expected:
                raise InputError(
                    f"{first} and {path} are of one sample, but differ in {quantity}: {expected} "
                    f"in the first, {value} "
                    "in the second; make samples of files that are alike, or write them again"
                )


def require_one_set_of_columns(files: Iterable[tuple[Path, Iterable[str]]]) -> None:
    """Raise InputError, which names two files, if only one of a sample has a column out of
    `COMMON_COLUMNS`.
    """
    (first, expected), *others = files or [(None, ())]
    for path, names in others:
        if different := (set(names) ^ set(expected)) & COMMON_COLUMNS:
            raise InputError(
                f"{first} and {path} are of one sample, but only one of them has the column "
                f"{min(different)}; build "
                "both again from files that are alike"
            )


def require_unshared_files(files: Iterable[tuple[Path, ImageMetadata]]) -> None:
    """Raise InputError if events of one ROOT file are in several samples, or a file and its copy in
    one.

    Events of a file that is in two samples would train in one and test in the other. Samples with
    the same ``split_group`` may share files, since the group decides the split.
    """
    owners: dict[str, list[tuple[str, Path, ImageMetadata]]] = {}
    for path, info in files:
        for source, uuid in info.source_files:
            if uuid:
                owners.setdefault(uuid, []).append((source, path, info))
    for found in owners.values():
        (source, path, info), *others = found
        for other_source, other_path, other in others:
            if not _may_be_one_tree(source, other_source):
                continue
            if other.sample != info.sample and not (
                info.split_group and info.split_group == other.split_group
            ):
                raise InputError(
                    f"{path} and {other_path}: the samples {info.sample} and {other.sample} have "
                    "events of one ROOT "
                    f"file ({source}, {other_source}), which would train in one and test in the "
                    "other; give each file "
                    "to one sample, or both samples the same split_group and build the images again"
                )
            if other.sample == info.sample and other_source != source:
                raise InputError(
                    f"{path} and {other_path}: {source} and {other_source} are copies of one ROOT "
                    "file; give it once"
                )


def difference(one: ImageMetadata, other: ImageMetadata) -> str | None:
    """First property in which the images of two files differ, "kind", "grid", "channels", "jet
    recipe" or "mask"; None if they may be one data set.
    """
    for name in ("kind", "grid", "channels", "jet_recipe"):
        # through JSON, since a recipe that was read from a file has lists where the original may
        # have tuples
        if json.dumps(_plain(getattr(one, name))) != json.dumps(_plain(getattr(other, name))):
            return name.replace("_", " ")
    masks = [
        one_mask and (one_mask["digest"], one_mask["fill"]) for one_mask in (one.mask, other.mask)
    ]
    return "mask" if masks[0] != masks[1] else None


def _plain(value: object) -> object:
    return asdict(value) if isinstance(value, EtaPhiGrid | JetGrid) else value


def _with_source(file: ImageFile) -> str:
    """Path of an image file and of the (first) ROOT file behind it."""
    sources = [source for source, _ in file.metadata.source_files]
    return f"{sources[0]} ({file.path})" if sources else str(file.path)


def _may_be_one_tree(source: str, other: str) -> bool:
    """Tell whether two sources of one file, which may name their tree, can be the same tree."""
    trees = [name.rpartition(".root:")[2] for name in (source, other) if ".root:" in name]
    return len(set(trees)) < 2


def _compatible(version: str) -> tuple[str, ...]:
    """The parts of a version that must agree."""
    return tuple(version.split(".")[:2])
