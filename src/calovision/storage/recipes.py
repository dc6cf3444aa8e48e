"""Recipe that image files have in common, by which others can be made of further ROOT files."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from calovision.jets.variables import Variable
from calovision.storage.metadata import ImageMetadata

READING = ("schema", "tree")
"""Parts of a recipe that say how ROOT files are read: those of other samples may differ."""


def with_variables(
    recipe: dict[str, Any] | None, variables: Mapping[str, Variable]
) -> dict[str, Any] | None:
    """Recipe that gives the variables of a user's own, too, which stand in files beside the images;
    None stays.
    """
    if recipe is None or not variables:
        return recipe
    images = recipe["images"]
    own = {name: json.loads(json.dumps(one.definition())) for name, one in variables.items()}
    return {**recipe, "images": {**images, "variables": {**images.get("variables", {}), **own}}}


def common_recipe(infos: Sequence[ImageMetadata]) -> dict[str, Any] | None:
    """Recipe of image files (at least one) as `ImageMetadata.recipe` holds that of one.

    Returns
    -------
    ``schema`` and ``tree`` where all agree; ``{"several": their names}`` for trees that differ, and
    for schemas of which one is a YAML file, since none is found in place of these; other schemas
    that differ are None. Of ``images`` what all agree in, and ``differing``, if it is not empty,
    names the rest. None if a file has no recipe.
    """
    recipes = [info.recipe for info in infos]
    if any(recipe is None for recipe in recipes):
        return None
    common = {
        name: _common_reading(name, [recipe.get(name) for recipe in recipes]) for name in READING
    }
    every = [recipe.get("images") or {} for recipe in recipes]
    names = dict.fromkeys(name for images in every for name in images)
    differing = [name for recipe in recipes for name in recipe.get("differing", ())]
    differing += [name for name in names if not _is_shared(name, every)]
    images = {name: every[0][name] for name in names if name not in differing}
    named = {"differing": list(dict.fromkeys(differing))} if differing else {}
    return {**common, "images": images, **named}


def _common_reading(
    name: str, values: Sequence[str | dict[str, Any] | None]
) -> str | dict[str, Any] | None:
    """Schema or tree of several recipes. Schemas of YAML files of one content are one."""
    first = values[0]
    contents = [one.get("text", one) if isinstance(one, dict) else one for one in values]
    if all(one == contents[0] for one in contents):
        return first
    if name == "schema" and not any(isinstance(one, dict) for one in values):
        return None
    none = "none given" if name == "schema" else "that of the schema"
    return {"several": ", ".join(dict.fromkeys(_name_of(one) or none for one in values))}


def _name_of(value: str | dict[str, Any] | None) -> str | None:
    """Name of a schema or tree, None if none was given."""
    if isinstance(value, dict):
        return value.get("several") or value.get("file", "a YAML file")
    return value


def _is_shared(name: str, every: Sequence[dict[str, Any]]) -> bool:
    """Tell whether all recipes have one value of a name; the order of cuts counts."""
    if not all(name in images for images in every):
        return False
    first, *others = [images[name] for images in every]
    return all(
        value == first and (not isinstance(value, dict) or list(value) == list(first))
        for value in others
    )
