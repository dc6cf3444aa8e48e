"""Checks of a configuration by itself: keys, types, values, and what must fit together."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.workflow.configuration import schema_of_configuration
from calovision.workflow.samples import check_samples

TAKEN_NAMES = {
    *(
        "sample",
        "event_number",
        "label",
        "weight",
        "weight_variations",
        "split",
        "overflow",
        "signal_region",
    ),
    *("n_fat_jets", "leading_pt", "mj_sum", "ht", "delta_eta_12", "fat_jets"),
    *("n_jets", "jets_ht", "jet_pt", "sphericity", "aplanarity", "n_towers", "n_tracks"),
    *("leading_towers", "leading_tracks"),
}
"""Columns of the table of test events, and the classifiers that are no models."""


def check_configuration(configuration: Mapping[str, Any]) -> None:
    """Check a merged configuration against the schema and itself; no file is opened.

    Raises
    ------
    InputError
        One sentence that names the first key that is mistyped, missing, or has a wrong value.
    """
    _check_values(configuration, ())
    error = best_match(Draft202012Validator(schema_of_configuration()).iter_errors(configuration))
    if error is not None:
        raise InputError(_sentence_of(error))
    check_samples(configuration["samples"])
    _check_model_names(list(configuration["models"]), configuration["baselines"])
    _check_robustness(configuration)
    if configuration["event_content"] is None and "referee" in configuration["baselines"]:
        raise InputError(
            "configuration key 'baselines': 'referee' needs small-R jets; leave it out or set "
            "event_content"
        )


def _check_values(value: Any, path: tuple[str, ...]) -> None:
    """Raise InputError for keys that are no text (from Python) and numbers that are not finite."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            name = ".".join((*path, str(key)))
            if not isinstance(key, str):
                raise InputError(
                    f"configuration key '{name}': {key!r} is no text; write it in quotes, '{key}'"
                )
            _check_values(one, (*path, key))
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            _check_values(one, (*path, str(number)))
    elif isinstance(value, float) and not isfinite(value):
        raise InputError(
            f"configuration key '{'.'.join(path)}': {value} is no finite number; give one"
        )


def _sentence_of(error: ValidationError) -> str:
    """What the schema says against a value, with the nearest name where one is unknown."""
    key = ".".join(str(part) for part in error.absolute_path) or "(top level)"
    message, hint = error.message, ""
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        unknown = [name for name in error.instance if name not in known]
        hint = (
            f"{nearest(unknown[0], known)}; known here: {', '.join(known)}"
            if known and unknown
            else ""
        )
    elif error.validator == "enum" and isinstance(error.instance, str):
        hint = nearest(
            error.instance, [one for one in error.validator_value if isinstance(one, str)]
        )
    elif error.validator == "pattern":
        hint = nearest(str(error.instance), _names_in_pattern(error.validator_value))
    elif error.validator == "type" and error.instance is None:
        message = "it is empty; give it a value, or leave the key out"
        if "object" in str(error.validator_value):
            message = "it is empty; give keys below it, write {}, or leave it out"
    elif error.validator == "type" and error.validator_value == "string":
        message = f"{error.instance!r} is no text; write it in quotes, '{error.instance}'"
    return f"configuration key '{key}': {message}{hint}"


def _names_in_pattern(pattern: str) -> list[str]:
    """Names that a pattern of alternatives spells out, as those of networks and schemas."""
    return [one for one in pattern.strip("^()$").split("|") if one.isidentifier()]


def _check_robustness(configuration: Mapping[str, Any]) -> None:
    """Raise InputError for an unknown model, or pile-up in events that are not simulated."""
    robustness, models = configuration["robustness"], configuration["models"]
    for name in robustness["models"]:
        if name not in models:
            raise InputError(
                f"configuration key 'robustness.models': there is no model '{name}'; choose from "
                f"{', '.join(models)}"
            )
    samples = configuration["samples"]
    read = [
        name
        for name, sample in samples.items()
        if "files" in sample and sample.get("role") != "reach"
    ]
    for variation, changes in robustness["variations"].items():
        if "pile_up" in changes and read:
            raise InputError(
                f"configuration key 'robustness.variations.{variation}.pile_up': sample {read[0]} "
                "is read from files, "
                "and pile-up is simulated; leave it out"
            )


def _check_model_names(names: list[str], baselines: list[str]) -> None:
    """Raise InputError for a model with the name of something else in the results."""
    for position, name in enumerate(names):
        owner = None
        if name in baselines:
            owner = "that of a baseline"
        elif name == "cnn" and position > 0:
            owner = "that of the first model"
        elif name in TAKEN_NAMES:
            owner = "an event variable or column"
        if owner is not None:
            raise InputError(
                f"configuration key 'models.{name}': in the results this name is {owner}; choose "
                "another"
            )
