"""Image files that the user gives in place of ROOT files: found, and checked in the dry run.

Messages begin with the key of the configuration. What opens files is imported when it is needed.
"""

import glob
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calovision.core.errors import InputError
from calovision.jets.variables import Variable
from calovision.workflow.configuration import Configuration
from calovision.workflow.samples import Sample

if TYPE_CHECKING:
    from calovision.storage import ImageMetadata


def find_image_files(name: str, sample: Sample) -> list[Path]:
    """Image files of a sample, each once.

    Raises
    ------
    InputError
        If a path or wildcard stands for no file.
    """
    found: dict[Path, None] = {}
    for pattern in sample.images or ():
        paths = [pattern] if Path(pattern).is_file() else sorted(glob.glob(pattern))  # noqa: PTH207
        if not paths:
            raise InputError(
                f"configuration key 'samples.{name}.images': {pattern}: no such file; make it by "
                "calovision import-toptag, import-particles or images"
            )
        found |= dict.fromkeys(map(Path, paths))
    return list(found)


def check_image_files(
    configuration: Configuration,
    files: Mapping[str, Iterable[Path]],
    image_variables: Iterable[Variable],
) -> None:
    """Raise InputError unless the image files of samples are what the configuration says.

    Parameters
    ----------
    configuration
        The configuration, with cells, channels and classes that the files must have.
    files
        Image files of samples by their names.
    image_variables
        Variables of the user's own, which must not be branches.
    """
    if not any(files.values()):
        return
    if branches := [one.name for one in image_variables if one.branch is not None]:
        raise InputError(
            f"configuration key 'variables.{branches[0]}': it is read from branches, which image "
            "files (samples with 'images') do not have: leave it out"
        )
    if alternatives := list(configuration.images.jets.alternatives):
        raise InputError(
            f"configuration key 'images.jets.alternatives.{alternatives[0]}': image files (samples "
            "with 'images') have one recipe: leave it out"
        )
    for name, paths in files.items():
        for path in paths:
            _check_file(f"configuration key 'samples.{name}.images'", name, path, configuration)


def _check_file(where: str, name: str, path: Path, configuration: Configuration) -> None:
    """Raise InputError unless an image file fits the configuration."""
    from calovision.storage import ImageFile

    try:
        file = ImageFile(path)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    for what, (found, expected, key) in _pairs(file.metadata, name, configuration).items():
        if found != expected:
            raise InputError(
                f"{where}: {path} has the {what} {found}, the configuration {expected}: change "
                f"'{key}', or make the file anew"
            )
    jets = configuration.images.jets
    for column in jets.variables if configuration.images.is_of_jets else ():
        if column not in file.events:
            raise InputError(
                f"{where}: {path} lacks the column '{column}' of 'images.jets.variables': make it "
                "anew with --jet-variables, or leave it out"
            )
    n_kept = ((file.metadata.recipe or {}).get("images") or {}).get("jet_constituents", 0)
    if jets.constituents not in (0, n_kept):
        raise InputError(
            f"{where}: {path} has the {n_kept} hardest constituents, the configuration "
            f"{jets.constituents}: change 'images.jets.constituents', or make the file anew with "
            "--jet-constituents"
        )


def _pairs(
    info: "ImageMetadata", name: str, configuration: Configuration
) -> dict[str, tuple[Any, Any, str]]:
    """Values that must be equal by name: of the file, of the configuration, and its key."""
    images = configuration.images
    cells, channels = images.cells_and_channels(configuration.fat_jets.radius)
    pairs: dict[str, tuple[Any, Any, str]] = {
        "sample": (info.sample, name, f"samples.{name}"),
        "kind": (info.kind, images.kind, "images.kind"),
        "classes": (list(info.classes), list(configuration.classes), "classes"),
        "cells": ([info.grid.n_eta, info.grid.n_phi], list(cells), "images.jets.grid"),
        "channels": (list(info.channels), list(channels), "images.jets.channels"),
    }
    if not images.is_of_jets or info.kind != "jet":
        return pairs
    cuts = [list(one.values()) for one in (info.jet_selection, images.jets.selection)]
    pairs["cuts on jets"] = (*cuts, "images.jets.selection")
    expected = images.jets.image_recipe(configuration.fat_jets.radius).to_dict()
    found = info.jet_recipe or {}
    steps = {step: (found.get(step), expected[step]) for step in expected}
    return pairs | {
        f"step '{step}'": (*both, "images.jets.recipe")
        for step, both in steps.items()
        if step != "channels"
    }
