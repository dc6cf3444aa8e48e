"""Images of jets in a configuration: the steps from constituents to cells, and which jets count."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.core.text import shown
from calovision.jets.substructure.variables import CONSTITUENTS, JET_MOMENTUM, JET_VARIABLES
from calovision.jets.variables import Variable
from calovision.workflow.channels import ByLayer, JetChannel
from calovision.workflow.keys import Choices, Name, Number, Section, Text, Unique, Whole, key

if TYPE_CHECKING:
    from calovision.images.jet_images import JetImageRecipe

JetVariableName = Annotated[str, Field(strict=True), Choices(*JET_VARIABLES)]
CELLS = (64, 64)
"""Cells where neither a published recipe nor a key says how many."""


def _check_recipe(value: Any) -> Any:
    is_named = isinstance(value, str) and value != ""
    if value is None or is_named or isinstance(value, Mapping):
        return value
    raise ValueError(f"{shown(value)} is neither the name of a recipe nor steps by their names")


Recipe = Annotated[
    str | dict[str, Any] | None,
    BeforeValidator(_check_recipe),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}, {"type": "null"}]}),
]


class JetImages(Section):
    """Images of fat jets, where the rows are jets."""

    recipe: Recipe = key(
        None,
        "Published recipe, or its steps; null: cells around the jet axis, no other step",
        details="`quark_gluon`, `top` or `w` (`calovision.JET_RECIPES`), or steps as `{center: "
        "centroid, rotate: principal_axis, flip: parity, normalize: l1}` (`pt_min`, `charge`, "
        "`trim`, `subjet_radius`, `center`, `rotate`, `flip`, `normalize`, `zero_center`, "
        "`standardize`).",
    )
    grid: tuple[Annotated[Whole, Field(ge=1)], Annotated[Whole, Field(ge=1)]] | None = key(
        None, "Number of cells in eta and in phi; null: those of the recipe, or 64 x 64"
    )
    width: Annotated[Number, Field(gt=0)] | None = key(
        None, "Width of the window; null: that of the recipe, or twice fat_jets.radius", unit="rad"
    )
    channels: Annotated[tuple[JetChannel, ...], ByLayer(), Unique(), Field(min_length=1)] | None = (
        key(
            None,
            "Channels, sums over the constituents; null: those of the recipe, or et",
            details="Of constituents with a `layer` also by layer, as `images.channels`.",
        )
    )
    per_event: Whole = key(1, "Leading fat jets of an event that are looked at", ge=1, le=1000)
    variables: Annotated[tuple[JetVariableName, ...], Unique()] = key(
        (),
        "Variables of jets that become columns",
        details="Those that `selection` names are added. Of the file's own jets they are taken "
        "from it, if it has them; else they are computed from the constituents.",
    )
    constituents: Whole = key(
        0, "Hardest constituents of each jet that are kept, for networks of points", ge=0, le=10_000
    )
    selection: dict[str, Text] = key(
        {},
        "Cuts on these jets by name, applied in this order",
        details="Expressions on `pt`, `eta`, `phi`, `mass`, the variables of jets and those of "
        "their events, such as `(pt > 500) & (tau21 < 0.6)`; of one's own `per: fat_jet` "
        "that of the jet. The files tell their cut flow.",
    )

    alternatives: dict[Name, Recipe] = key(
        {},
        "Further recipes by name, for models that say `recipe`",
        details="Each as `recipe`; `grid`, `width` and `channels` are the same for all that do not "
        "bring their own. Their images are of the same jets in the same order, so that the models "
        "can be compared jet by jet.",
    )

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of one number a jet: momentum, and the variables that are chosen or cut on."""
        from calovision.selection import variables_of

        named = variables_of(self.selection)
        more = [name for name in JET_VARIABLES if name in (*self.variables, *named)]
        return (*JET_MOMENTUM, *more)

    @property
    def numbers_kept(self) -> dict[str, int]:
        """Number of points, by their column."""
        return {CONSTITUENTS.name: self.constituents}

    def inputs(self) -> dict[str, Variable]:
        """Columns of jets that networks may take, by name."""
        of_jets = {**JET_MOMENTUM, **JET_VARIABLES}
        chosen = {name: of_jets[name] for name in self.columns}
        return {**chosen, CONSTITUENTS.name: CONSTITUENTS}

    def check_selection(self, *, with_content: bool, own: Mapping[str, Variable]) -> None:
        """Raise InputError unless each cut is readable, true or false, and uses known variables.

        Parameters
        ----------
        with_content, own
            As of `calovision.workflow.sections.Selection.check`.
        """
        from calovision.selection import check_configured_cut

        # of each jet a cut sees its own
        own = {name: replace(one, shape=()) if one.is_per_jet else one for name, one in own.items()}
        of_jets = ("jet_index", *JET_MOMENTUM, *JET_VARIABLES)
        for name, cut in self.selection.items():
            try:
                check_configured_cut(name, cut, further=of_jets, with_content=with_content, own=own)
            except InputError as error:
                raise InputError(
                    f"configuration key 'images.jets.selection.{name}': {error}"
                ) from error

    def image_recipe(self, radius: float, alternative: str | None = None) -> "JetImageRecipe":
        """Recipe of the images.

        Parameters
        ----------
        radius
            Of the fat jets, for the width of the window where nothing else says it.
        alternative
            One of `alternatives`; None for `recipe`.

        Raises
        ------
        InputError
            If there is no such recipe or step, or a value is none.
        """
        from calovision.images.jet_images import JetImageRecipe

        if alternative is None:
            where, recipe = "images.jets.recipe", self.recipe
        else:
            where = f"images.jets.alternatives.{alternative}"
            recipe = self.alternatives[alternative]
        plain = _plain_recipe(f"configuration key '{where}'", recipe, radius)
        if self.grid is not None:
            plain["grid"] |= dict(zip(("n_eta", "n_phi"), self.grid, strict=True))
        if self.width is not None:
            plain["grid"]["width"] = self.width
        if self.channels is not None:
            plain["channels"] = self.channels
        try:
            return JetImageRecipe.from_dict(plain)
        except InputError as error:
            key_name = "images.jets" if alternative is None else where
            raise InputError(f"configuration key '{key_name}': {error}") from error

    def check_alternatives(self, radius: float) -> None:
        """Raise InputError for an alternative that is no recipe; those of `image_recipe`."""
        for name in self.alternatives:
            self.image_recipe(radius, name)


def _plain_recipe(
    where: str, recipe: str | Mapping[str, Any] | None, radius: float
) -> dict[str, Any]:
    """Values of a recipe, before the keys beside it."""
    from calovision.images.jet_images import JET_RECIPES

    if isinstance(recipe, str):
        if recipe not in JET_RECIPES:
            raise InputError(
                f"{where}: there is no recipe '{recipe}'{nearest(recipe, JET_RECIPES)}; choose "
                f"from {', '.join(JET_RECIPES)}, or give steps by their names"
            )
        return JET_RECIPES[recipe].to_dict()
    _check_steps(where, recipe or {})
    grid = {"n_eta": CELLS[0], "n_phi": CELLS[1], "width": 2 * radius}
    return {"grid": grid, **(recipe or {})}


def _check_steps(where: str, steps: Mapping[str, Any]) -> None:
    """Raise InputError for a step that a recipe does not have, or that is a key beside it."""
    from calovision.images.jet_images import JetImageRecipe

    beside = ("grid", "channels")
    known = [name for name in JetImageRecipe.__dataclass_fields__ if name not in beside]
    for name in steps:
        if name in beside:
            raise InputError(f"{where}: '{name}' is a key of its own, images.jets.{name}")
        if name not in known:
            raise InputError(
                f"{where}: there is no step '{name}'{nearest(name, known)}; choose from "
                f"{', '.join(known)}"
            )
