"""Recipe of an image file as it is stored with it: by it, others can be made of further files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from calovision.conversion.recipe import ImageRecipe
from calovision.core.errors import InputError
from calovision.core.user_files import read_text
from calovision.ntuples.schemas import YAML_SUFFIXES, find_schema, parse_schema
from calovision.ntuples.schemas.schema import Schema

LONGEST_SCHEMA = 40_000
"""Characters of a schema's file, as JSON, that are stored; an attribute of HDF5 holds 64 kB."""
OF_SPLIT = ("split_seed", "split_fractions", "split_group")
"""Parts of a recipe that decide no image."""


@dataclass(frozen=True)
class StoredRecipe:
    """Recipe of images, and how their ROOT files are read.

    Attributes
    ----------
    images
        The recipe.
    schema
        Schema of the files: a name; of a YAML file ``{"file": its path, "text": its content}``, of
        several ``{"several": their names}``; None finds the one that fits.
    tree
        Name of the tree, where it is not that of the schema; of several ``{"several": their
        names}``.
    """

    images: ImageRecipe
    schema: str | Mapping[str, str] | None = None
    tree: str | Mapping[str, str] | None = None

    @classmethod
    def of(
        cls,
        images: ImageRecipe,
        schema: str | Path | Schema | tuple[Schema, ...] | None,
        tree: str | None = None,
    ) -> Self:
        """Recipe with the content of the schema's YAML file, if it is one; of several schemas the
        one that fits is found again.

        Raises
        ------
        InputError
            If the file cannot be read.
        """
        if isinstance(schema, Schema):
            schema = schema.name
        elif isinstance(schema, tuple):
            schema = None
        if schema is None or Path(schema).suffix not in YAML_SUFFIXES:
            return cls(images, None if schema is None else str(schema), tree)
        text = read_text(Path(schema), "schema")
        stored = {"file": str(schema)} | (
            {"text": text} if len(json.dumps(text)) <= LONGEST_SCHEMA else {}
        )
        return cls(images, stored, tree)

    def to_dict(self) -> dict[str, Any]:
        """Give it as what JSON holds: ``schema``, ``tree`` and ``images``."""
        schema, tree = (
            dict(one) if isinstance(one, Mapping) else one for one in (self.schema, self.tree)
        )
        return {"schema": schema, "tree": tree, "images": self.images.to_dict()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Recipe that `to_dict` gave, or what files have in common of it (`common_recipe`).

        Raises
        ------
        InputError
            If something that decides images was not common, or a value is none of a recipe.
        """
        differing = [name for name in plain.get("differing", ()) if name not in OF_SPLIT]
        if differing:
            raise InputError(
                f"the image files of the training differ in {' and '.join(differing)}, so that "
                "there is no one recipe for further files"
            )
        images, schema, tree = (plain.get(name) for name in ("images", "schema", "tree"))
        if not isinstance(images, Mapping):
            raise InputError("the recipe has no 'images'")
        if not all(isinstance(one, str | Mapping | None) for one in (schema, tree)):
            raise InputError("the schema or tree of the recipe is none")
        return cls(ImageRecipe.from_dict(images), schema, tree)

    def find_tree(self) -> str | None:
        """Name of the tree; None for that of the schema.

        Raises
        ------
        InputError
            If there are several.
        """
        if self.tree is None or isinstance(self.tree, str):
            return self.tree
        raise InputError(
            f"the image files of the training are of several trees ({self.tree.get('several')}): "
            "give that of the files (--tree, or FILE:TREE)"
        )

    def find_schema(self) -> Schema | None:
        """Schema by its name or by the stored content of its file; None if it is to be found.

        Raises
        ------
        InputError
            If there is none of this name here, its file was too long to be stored, or there are
            several.
        """
        if self.schema is None:
            return None
        if isinstance(self.schema, str):
            return find_schema(self.schema)
        if several := self.schema.get("several"):
            raise InputError(
                f"the image files of the training are of several schemas ({several}): give that of "
                "the files (--schema)"
            )
        file = self.schema.get("file", "schema.yaml")
        if "text" not in self.schema:
            raise InputError(f"{file} was too long to be stored with the images: give the schema")
        return parse_schema(self.schema["text"], f"{file} (as stored)")
