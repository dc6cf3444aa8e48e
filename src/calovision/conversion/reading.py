"""A ROOT file as the conversion reads it: what it says about itself, and its events."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from calovision.conversion.definition import definition_of
from calovision.conversion.fields import fields_to_read
from calovision.conversion.recipe import ImageRecipe, WeightOptions, share_of_range
from calovision.core.errors import BadFileError, InputError
from calovision.ntuples import ConstituentCheck, Events, NtupleInfo, iterate_events, open_ntuple


def open_file(
    path: Path | str,
    recipe: ImageRecipe,
    *,
    schema: str | Path | None,
    tree: str | None,
    weights: WeightOptions,
    retries: int,
) -> NtupleInfo:
    """Read what a file says about all its events; BadFileError if it cannot be read."""
    try:
        return open_ntuple(
            path,
            schema=schema,
            tree=tree,
            weight_index=weights.index,
            n_generated=weights.n_generated,
            sum_of_weights=weights.sum_of_weights,
            trimmed=recipe.fat_jets.groomed,
            retries=retries,
        )
    except InputError as error:
        raise BadFileError(str(error)) from error


def describe_file(info: NtupleInfo, recipe: ImageRecipe) -> dict[str, str]:
    """Say what the images of a file are made of (`definition_of`); BadFileError if it lacks what
    the recipe needs.
    """
    try:
        return definition_of(info, recipe)
    except InputError as error:
        raise BadFileError(str(error)) from error


def check_entries(info: NtupleInfo, n_entries: int | None) -> None:
    """Raise InputError if the file is not the one that was counted, since then its parts do not
    make a whole.
    """
    if n_entries not in (None, info.n_entries):
        raise InputError(
            f"{info.path} has {info.n_entries} entries, but {n_entries} when the jobs were made: "
            "start again, after "
            "a correction of the list of files if the number stands there, or without "
            "entry_counts.json in the results "
            "folder if the file is an address"
        )


def part_of(info: NtupleInfo, first: int, end: int | None) -> NtupleInfo:
    """What is said about some entries of a file: their share of the generated events and of the sum
    of weights.
    """
    share = partial(share_of_range, first=first, end=end, n_entries=info.n_entries)
    return replace(
        info, n_generated=share(info.n_generated), sum_of_weights=share(float(info.sum_of_weights))
    )


def read_events(
    info: NtupleInfo,
    recipe: ImageRecipe,
    weights: WeightOptions,
    chunk_size: int | None,
    entry_range: tuple[int, int],
    retries: int,
) -> Iterator[Events]:
    """Chunks of the entries, whose fat jets are compared with their constituents if they are
    read.
    """
    check = ConstituentCheck(recipe.fat_jets.pt_min)
    try:
        for events in iterate_events(
            info.path,
            schema=info.schema,
            tree=info.tree,
            chunk_size=chunk_size,
            trimmed=recipe.fat_jets.groomed,
            fields=fields_to_read(recipe, info),
            weight_index=weights.index,
            entry_range=entry_range,
            retries=retries,
        ):
            if events.constituents is not None and not check.is_complete:
                check.add(events.fat_jets, events.constituents)
            yield events
        check.warn(info.path)
    except InputError as error:
        raise BadFileError(str(error)) from error
