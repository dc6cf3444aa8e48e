"""Fields of an ntuple that the images of a recipe need, after a check that the file has them."""

from collections.abc import Iterable

from calovision.conversion.jet_constituents import OPTIONAL_FIELDS
from calovision.conversion.recipe import ImageRecipe
from calovision.core.depth import LAYER
from calovision.core.errors import InputError
from calovision.images import CHANNELS
from calovision.images.areas import SIZES
from calovision.images.channels import needed_fields
from calovision.jets import JET_VARIABLES
from calovision.jets.substructure.variables import (
    fields_of_constituents,
    is_of_file,
    names_of_columns,
)
from calovision.jets.variables import branches_of_jets
from calovision.ntuples import Events, NtupleInfo
from calovision.ntuples.event_variables import jet_field

CLUSTERED = {"eta", "phi", "e"}  # of the towers
CONTENT_FIELDS = {"towers": CLUSTERED | {"e_em"}, "tracks": {"pt", "eta", "phi"}}
SHOWN_BRANCHES = 6  # of those that a file lacks


def fields_to_read(recipe: ImageRecipe, info: NtupleInfo) -> dict[str, set[str]]:
    """Collection -> fields of the ntuple that the recipe needs.

    Raises
    ------
    InputError
        If the file has not what a channel, the fat jets, or what the small-R jets and shapes need.
    """
    if recipe.content is not None:
        for collection, needed in CONTENT_FIELDS.items():
            _require(info, collection, needed, "small-R jets and shapes need")
    fields = _of_jets(recipe, info) if recipe.jets is not None else _of_events(recipe, info)
    _check_jet_variables(recipe, info)
    if recipe.content is not None:
        for collection, needed in CONTENT_FIELDS.items():
            fields.setdefault(collection, set()).update(needed)
    if info.n_weights is not None and info.n_weights > 1:
        fields["weight_variations"] = set()
    return fields


def check_jet_options(recipe: ImageRecipe) -> None:
    """Raise InputError for less than one jet, unknown variables of jets, or anything that only jets
    have where the images are of events.
    """
    if recipe.jets_per_event < 1:
        raise InputError(f"jets_per_event is {recipe.jets_per_event}: give at least one")
    if recipe.jet_constituents < 0:
        raise InputError(f"jet_constituents is {recipe.jet_constituents}: give 0 for none, or more")
    for name in recipe.jet_variables:
        JET_VARIABLES.find(name, "jet_variables")
    for name in recipe.variables if recipe.jets is not None else ():
        if name in names_of_columns():
            raise InputError(
                f"variable '{name}': this is the name of a column of jets; choose another"
            )
    given = {
        "jet_selection": ", ".join(recipe.jet_selection),
        "jet_variables": ", ".join(recipe.jet_variables),
        "jet_constituents": recipe.jet_constituents,
    }
    for name, value in given.items():
        if value and recipe.jets is None:
            raise InputError(
                f"{name} is {value}, but the images are of events: give 'jets', a recipe of images "
                "of jets"
            )


def _of_events(recipe: ImageRecipe, info: NtupleInfo) -> dict[str, set[str]]:
    """Fields for images of whole events, and for their fat jets."""
    for channel in recipe.channels:
        (needed,) = needed_fields([channel]).values()
        collection = CHANNELS[channel].of_event.collection
        purpose = f"the image channel '{channel}' needs"
        _require(info, collection, needed, purpose, _possible_channels(info))
    fields = needed_fields(recipe.channels)
    if "towers" in fields:
        fields["towers"] |= sizes_of(info, "towers")
    if recipe.variation is not None:
        _require(info, "towers", CLUSTERED | {"e_em", "e_had"}, "another detector needs")
        fields.setdefault("towers", set()).update(CLUSTERED, {"e_em", "e_had"})
    elif "fat_jets" in info.collections:
        fields["fat_jets"] = {"pt", "eta", "phi", "mass", *jet_variables(recipe)}
    elif recipe.cluster_jets:
        _require(info, "towers", CLUSTERED, f"clustering {_described(recipe)} needs")
        fields.setdefault("towers", set()).update(CLUSTERED)
    return fields


def sizes_of(info: NtupleInfo, collection: str) -> set[str]:
    """Fields of the sizes by which a collection is divided among cells, if it has both."""
    sizes = {*SIZES}
    return sizes if sizes <= set(info.collections.get(collection, ())) else set()


def jet_variables(recipe: ImageRecipe) -> dict[str, str]:
    """Field of the fat jets -> variable of the user's own that it holds."""
    return {jet_field(name): name for name in branches_of_jets(recipe.own_variables)}


def _check_jet_variables(recipe: ImageRecipe, info: NtupleInfo) -> None:
    """Raise InputError for a variable of fat jets that the file has not."""
    own = info.collections.get("fat_jets", ())
    for field, name in jet_variables(recipe).items():
        if recipe.variation is not None or (field not in own and "fat_jets" not in info.undecided):
            raise InputError(f"{info.path}: {no_own_jets(name)}")


def no_own_jets(name: str) -> str:
    """Sentence on a variable of fat jets where these are not those of the file."""
    return (
        f"the variable '{name}' is one of each fat jet of the file (per: fat_jet), but the fat "
        "jets are clustered or trimmed here, so that no branch has its values; give one number an "
        "event, or take files with fat jets of their own (without fat_jets.groomed)"
    )


def _of_jets(recipe: ImageRecipe, info: NtupleInfo) -> dict[str, set[str]]:
    """Fields for images of fat jets: the file's own with their constituents, else what they are
    made of.
    """
    needed = of_constituents(recipe, info)
    is_own = recipe.variation is None and "fat_jets" in info.collections
    fields = {"fat_jets": set(info.collections["fat_jets"])} if is_own else {}
    if is_own and "constituents" in info.collections:
        _require(info, "constituents", needed, "the jet recipe needs", _of_variables(recipe, info))
        masses = {"e"} & set(info.collections["constituents"]) if recipe.jet_variables else set()
        optional = masses | _optional(recipe, info, "constituents")
        optional |= sizes_of(info, "constituents")
        return fields | {"constituents": needed | optional}
    towers = (
        CLUSTERED | (needed - {"pt"}) | (set() if recipe.variation is None else {"e_em", "e_had"})
    )
    purpose = f"clustering {_described(recipe)} needs"
    _require(info, "towers", towers, purpose, _of_variables(recipe, info))
    optional = _optional(recipe, info, "towers") | sizes_of(info, "towers")
    return fields | {"towers": towers | optional}


def of_constituents(recipe: ImageRecipe, info: NtupleInfo) -> set[str]:
    """Fields of the constituents without which there are no images of jets, or not the variables
    that are computed.
    """
    needed = {"eta", "phi", "pt"} | ({"charge"} if recipe.jets.charge is not None else set())
    needed.update(*(CHANNELS[channel].of_jet.fields for channel in recipe.jets.channels))
    return needed | fields_of_constituents(_computed(recipe, info))


def _computed(recipe: ImageRecipe, info: NtupleInfo) -> list[str]:
    """Variables of jets that are computed from the constituents."""
    own = info.collections.get("fat_jets", ()) if recipe.variation is None else ()
    return [name for name in recipe.jet_variables if not is_of_file(name, own)]


def _of_variables(recipe: ImageRecipe, info: NtupleInfo) -> str:
    """Advice: the variables of jets that need more than momenta."""
    names = [name for name in _computed(recipe, info) if fields_of_constituents([name])]
    fields = ", ".join(sorted(fields_of_constituents(names)))
    return f"; of the variables of jets {', '.join(names)} need {fields}" if names else ""


def _optional(recipe: ImageRecipe, info: NtupleInfo, collection: str) -> set[str]:
    """Fields that the column of constituents takes where there are such."""
    return OPTIONAL_FIELDS & set(info.collections[collection]) if recipe.jet_constituents else set()


def check_constituents(events: Events, recipe: ImageRecipe, info: NtupleInfo) -> None:
    """Raise InputError if constituents lack a wanted field, as those that are towers the charge:
    only the references of the jets tell what they are made of.
    """
    if events.constituents is None:
        return
    if absent := sorted(of_constituents(recipe, info) - set(events.constituents.fields)):
        raise InputError(
            f"{info.path}: the jet recipe needs constituents with {', '.join(absent)}, but the "
            "objects that the jets of the file refer to have only "
            f"{', '.join(events.constituents.fields)}{_of_variables(recipe, info)}"
        )


def _described(recipe: ImageRecipe) -> str:
    return "trimmed fat jets" if recipe.fat_jets.groomed else "fat jets"


def _possible_channels(info: NtupleInfo) -> str:
    """Advice: the channels of whole events that the file has all fields of."""
    possible = [
        name
        for name, channel in CHANNELS.items()
        if channel.of_event is not None
        and set(needed_fields([name])[channel.of_event.collection])
        <= set(info.collections.get(channel.of_event.collection, ()))
    ]
    return f"; choose channels of {', '.join(possible)}" if possible else ""


def _require(
    info: NtupleInfo, collection: str, needed: Iterable[str], purpose: str, advice: str = ""
) -> None:
    """Raise InputError, which names what is missing, unless the file has a collection with the
    fields.
    """
    lacking = list(info.missing.get(collection, ()))
    if collection not in info.collections:
        shown = ", ".join(lacking[:SHOWN_BRANCHES]) + (
            ", ..." if len(lacking) > SHOWN_BRANCHES else ""
        )
        reason = f" (it lacks {shown})" if lacking else ""
        raise InputError(
            f"{info.path}: {purpose} {collection}, which the file has not{reason}{advice}"
        )
    if absent := sorted(set(needed) - set(info.collections[collection])):
        if LAYER in absent:
            advice = "; a schema in YAML with layer or layer_edges tells it"
        raise InputError(
            f"{info.path}: {purpose} {collection} with {', '.join(absent)}, but those of the file "
            "have only "
            f"{', '.join(info.collections[collection])}{advice}"
        )
