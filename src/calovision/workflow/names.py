"""Names that a configuration uses: variables, channels, options, modules of the user, titles.

They are looked up before any job runs, since the job that needs them may start after hours.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.workflow.modules import check_class
from calovision.workflow.paths import SCHEMA_SUFFIXES

EVENT_COLUMNS = ("event_number", "label", "weight", "split")
"""Further numbers of an event in the image files, which the signal region may use."""

OPTIONS_OF_NETWORKS = {
    "small": ("width", "dropout"),
    "hep_cnn": ("dense", "dropout"),
    "nersc": ("n_blocks", "width", "dropout"),
    "resnet": ("stem", "widths", "n_blocks", "dropout"),
    "jet_cnn": ("widths", "dense", "dropout"),
    "deep_sets": ("towers", "tracks", "width", "dropout"),
}
"""Options that the constructor of each network takes; to import those would take seconds."""

SMALLEST_IMAGES = {"small": 8, "hep_cnn": 4, "nersc": 16, "resnet": 16, "jet_cnn": 8}
"""Cells in eta and in phi that networks need; `nersc` and `resnet` others with other options."""

_PARTICLES = ("leading_towers", "leading_tracks")


def check_names(configuration: Mapping[str, Any]) -> None:
    """Look up the names in a configuration that `check_configuration` has passed.

    Raises
    ------
    InputError
        One sentence that names the key of the first unknown name, and the nearest known one.
    """
    _check_titles(configuration)
    _check_cuts(configuration)
    _check_grid(configuration["images"])
    for name, changes in configuration["models"].items():
        _check_model(f"models.{name}", {**configuration["train"], **changes}, configuration)
    for name, sample in configuration["samples"].items():
        if sample.get("schema", "").endswith(SCHEMA_SUFFIXES):
            _check_schema(f"samples.{name}.schema", sample["schema"])


def _check_titles(configuration: Mapping[str, Any]) -> None:
    from calovision.core.titles import check_titles

    samples, cuts = configuration["samples"].items(), configuration["selection"]["preselection"]
    titles = {
        f"samples.{name}.title": sample["title"] for name, sample in samples if "title" in sample
    }
    try:
        check_titles(titles | {f"selection.preselection.{name}": name for name in cuts})
    except InputError as error:
        raise InputError(f"configuration key {error}") from error


def _check_cuts(configuration: Mapping[str, Any]) -> None:
    selection, has_content = configuration["selection"], configuration["event_content"] is not None
    for name, cut in selection["preselection"].items():
        _check_cut(f"preselection.{name}", name, cut, has_content)
    name = "signal_region"
    _check_cut(name, name, selection[name], has_content, further=EVENT_COLUMNS)


def _check_cut(
    key: str, name: str, cut: str, has_content: bool, further: tuple[str, ...] = ()
) -> None:
    """Raise InputError unless a cut is readable, true or false, and uses known variables."""
    from calovision.selection import check_configured_cut

    try:
        check_configured_cut(name, cut, with_content=has_content, further=further)
    except InputError as error:
        raise InputError(f"configuration key 'selection.{key}': {error}") from error


def _check_model(key: str, model: Mapping[str, Any], configuration: Mapping[str, Any]) -> None:
    network, options = model["network"], model["options"]
    if ":" in network:
        check_class(f"{key}.network", network, import_folders())
    else:
        known = OPTIONS_OF_NETWORKS[network]
        for name in options:
            if name not in known:
                raise InputError(
                    f"configuration key '{key}.options': network '{network}' has no option '{name}'"
                    f"{nearest(name, known)}; it has {', '.join(known)}"
                )
        _check_images(key, model, configuration["images"]["grid"])
    channels = configuration["images"]["channels"]
    for name in model["channels"]:
        if name not in channels:
            raise InputError(
                f"configuration key '{key}.channels': the images have no channel "
                f"'{name}'{nearest(name, channels)}; "
                f"images.channels are {', '.join(channels)}"
            )
    n_processes = model["n_devices"] * model["n_nodes"]
    if model["batch_size"] % n_processes:
        raise InputError(
            f"configuration key '{key}.batch_size': {model['batch_size']} cannot be divided among "
            f"the {n_processes} "
            f"processes of n_devices and n_nodes; choose a multiple of {n_processes}"
        )
    _check_variables(key, model, configuration["event_content"])


def _check_images(key: str, model: Mapping[str, Any], grid: list[int]) -> None:
    """Raise InputError for images too small for a network, or more rotations than columns."""
    network, n_eta, n_phi = model["network"], *grid
    smallest = SMALLEST_IMAGES.get(network, 1)
    if min(grid) < smallest and not {"n_blocks", "widths"} & set(model["options"]):
        raise InputError(
            f"configuration key '{key}.network': '{network}' needs images of at least "
            f"{smallest}x{smallest} cells, not "
            f"{n_eta}x{n_phi}; change images.grid, or take another network"
        )
    if model["test_rotations"] > n_phi:
        raise InputError(
            f"configuration key '{key}.test_rotations': {model['test_rotations']} rotations of "
            f"images with {n_phi} "
            f"columns in phi; give at most {n_phi}"
        )


def _check_variables(key: str, model: Mapping[str, Any], content: Mapping[str, Any] | None) -> None:
    """Raise InputError for variables without a column, or points that ``deep_sets`` does not
    take.
    """
    from calovision.selection import CONTENT_VARIABLES

    key = f"configuration key '{key}.variables'"
    for name in model["variables"]:
        of_content = name in (*CONTENT_VARIABLES, *_PARTICLES)
        if of_content and content is None:
            raise InputError(
                f"{key}: '{name}' needs event_content, which is null; set it, or leave the "
                "variable out"
            )
        if name in _PARTICLES and content[name] == 0:
            raise InputError(
                f"{key}: '{name}' needs event_content.{name}, which is 0; set how many are kept"
            )
    if model["network"] == "deep_sets":
        given = {name: content[name] if name in model["variables"] else 0 for name in _PARTICLES}
        taken = {"leading_towers": model["options"].get("towers", 100)}
        taken["leading_tracks"] = model["options"].get("tracks", 50)
        if given != taken or not set(model["variables"]) <= set(_PARTICLES):
            raise InputError(
                f"{key}: network 'deep_sets' takes {taken['leading_towers']} towers and "
                f"{taken['leading_tracks']} "
                "tracks (its options towers and tracks): give it the variables leading_towers and "
                "leading_tracks "
                "alone, and as many of them in event_content"
            )


def import_folders() -> list[str]:
    """Folders in which jobs find modules: those of this process without its working folder."""
    own = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [path for path in sys.path if path and (path in own or Path(path) != Path.cwd())]


def _check_grid(images: Mapping[str, Any]) -> None:
    from calovision.images.grid import EtaPhiGrid

    edges = images["eta_edges"]
    try:
        EtaPhiGrid(
            *images["grid"], tuple(images["eta_range"]), None if edges is None else tuple(edges)
        )
    except InputError as error:
        raise InputError(
            f"configuration key 'images.{'grid' if edges is None else 'eta_edges'}': {error}"
        ) from error


def _check_schema(key: str, path: str) -> None:
    from calovision.ntuples.custom import read_schema

    try:
        read_schema(Path(path))
    except InputError as error:
        raise InputError(f"configuration key '{key}': {error}") from error
