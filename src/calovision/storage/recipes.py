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
    ``schema`` and ``tree`` are None unless all agree; of ``images`` what all agree in, and
    ``differing``, if it is not empty, names the rest. None if a file has no recipe.
    """
    recipes = [info.recipe for info in infos]
    first = recipes[0]
    if any(recipe is None for recipe in recipes):
        return None
    common = {name: first.get(name) for name in READING}
    common = {
        name: value if all(recipe.get(name) == value for recipe in recipes) else None
        for name, value in common.items()
    }
    every = [recipe.get("images") or {} for recipe in recipes]
    names = dict.fromkeys(name for images in every for name in images)
    differing = [name for recipe in recipes for name in recipe.get("differing", ())]
    differing += [name for name in names if not _is_shared(name, every)]
    images = {name: every[0][name] for name in names if name not in differing}
    named = {"differing": list(dict.fromkeys(differing))} if differing else {}
    return {**common, "images": images, **named}


def _is_shared(name: str, every: Sequence[dict[str, Any]]) -> bool:
    """Tell whether all recipes have one value of a name; the order of cuts counts."""
    if not all(name in images for images in every):
        return False
    first, *others = [images[name] for images in every]
    return all(
        value == first and (not isinstance(value, dict) or list(value) == list(first))
        for value in others
    )
