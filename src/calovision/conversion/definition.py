"""Definition of an image file: its sources in words, which must be the same in all files of a
sample.
"""

from collections.abc import Mapping

from calovision.conversion.fields import fields_to_read
from calovision.conversion.recipe import ImageRecipe
from calovision.jets.substructure.variables import is_of_file
from calovision.ntuples import NtupleInfo
from calovision.storage.compatibility import JET_VARIABLES_OF_FILE


def definition_of(info: NtupleInfo, recipe: ImageRecipe) -> dict[str, str]:
    """Define the meaning of the images of a file and of their weights.

    Parameters
    ----------
    info
        Description of the ntuple.
    recipe
        Recipe of the images; quantities that it does not use are left out.

    Returns
    -------
    Quantity -> its source. A quantity of which the file has nothing is left out.

    Raises
    ------
    InputError
        As `fields_to_read`.
    """
    if info.n_entries == 0:
        return {}
    fields = fields_to_read(recipe, info)
    definition = {
        "layout": info.schema,  # the key of image files of before
        "generator weights": ", ".join(info.weights) or "all 1",
        "generated events": "its entries"
        if info.counted_from.startswith("entries")
        else "its counters",
        **_jets(info, recipe, fields),
    }
    if info.n_weights is not None:
        definition["weights of an event"] = str(info.n_weights)
    for collection in sorted(set(fields) & set(info.read_from) - {"fat_jets"}):
        names = {
            name
            for field in sorted(fields[collection])
            for name in _branches(info, collection, field)
        }
        definition[collection] = ", ".join(sorted(names))
    return definition


def _branches(info: NtupleInfo, collection: str, field: str) -> tuple[str, ...]:
    return info.read_from[collection].get(field, ())


def _jets(info: NtupleInfo, recipe: ImageRecipe, fields: Mapping[str, set[str]]) -> dict[str, str]:
    """Sources of the fat jets, of their fields and of their constituents."""
    if "fat_jets" in info.undecided:
        return {}
    if "fat_jets" not in fields:
        clustered = recipe.variation is not None or recipe.cluster_jets or recipe.jets is not None
        return {"fat jets": "clustered" if clustered else "none"}
    own = "the trimmed ones of the file" if recipe.fat_jets.groomed else "those of the file"
    if recipe.jets is None:
        return {"fat jets": own}
    constituents = "those of the file" if "constituents" in fields else "clustered"
    definition = {
        "fat jets": own,
        "fields of jets": ", ".join(sorted(fields["fat_jets"])),
        "constituents of jets": constituents,
    }
    if recipe.jet_variables:
        of_file = [name for name in recipe.jet_variables if is_of_file(name, fields["fat_jets"])]
        definition[JET_VARIABLES_OF_FILE] = ", ".join(of_file) or "none"
    return definition
