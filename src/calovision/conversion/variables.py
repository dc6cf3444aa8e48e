"""Variables of branches for the rows of an image file that is there, read from its ROOT files."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from calovision.conversion.fields import jet_variables, no_own_jets
from calovision.conversion.recipe import ImageRecipe
from calovision.conversion.sample import WeightOptions
from calovision.conversion.source import Source, SourceFile
from calovision.core.errors import InputError
from calovision.jets import find_fat_jets
from calovision.jets.columns import FatJets, padded
from calovision.jets.variables import ENTRY_COLUMN
from calovision.ntuples import Events
from calovision.storage import ImageFile
from calovision.storage.variables import write_variables

MOMENTUM = ("pt", "eta", "phi", "mass")


def tabulate_variables(
    source: Source,
    images: Path,
    output: Path,
    recipe: ImageRecipe,
    *,
    progress: Callable[[int], None] = lambda n_events: None,
) -> None:
    """Write the variables of branches of the events of an image file, a row for each of its rows.

    Only the branches of the variables are read, the numbers of the events and, for variables of
    the fat jets, their momenta; and only entries between the first and the last row of a ROOT file.

    Parameters
    ----------
    source
        The ROOT files that the image file is made of.
    images
        The image file.
    output
        The table (`calovision.storage.variables`).
    recipe
        Its ``variables`` and ``fat_jets`` count.
    progress
        Called with the number of events after each chunk.

    Raises
    ------
    InputError
        If a variable cannot be read, or the image file is of other ROOT files, or of an older
        calovision, so that nothing tells from which entries its rows are.
    """
    file = ImageFile(images)
    own = {name: one for name, one in recipe.own_variables.items() if one.branch is not None}
    columns = {name: np.zeros((len(file), *one.shape)) for name, one in own.items()}
    source = Source.of(source)
    opened = source.open(recipe, [WeightOptions()] * len(source.files))
    by_name = {one.name: one for one in opened}
    for (name, _), rows in zip(file.metadata.source_files, _rows_of_files(file), strict=True):
        if name not in by_name:
            raise InputError(f"{images}: it is made of {name}, which is not given; build it again")
        for place, values in _values(by_name[name], file, rows, recipe, progress):
            for variable, column in columns.items():
                column[place] = values[variable]
    write_variables(output, file, columns)


def _rows_of_files(file: ImageFile) -> list[slice]:
    """Rows of each ROOT file of an image file."""
    n_rows = file.metadata.source_rows
    if len(file) == 0:
        return [slice(0, 0)] * len(file.metadata.source_files)
    if ENTRY_COLUMN not in file.events or n_rows is None or sum(n_rows) != len(file):
        raise InputError(
            f"{file.path}: it does not say from which entries its rows are, as an older calovision "
            "wrote it; build it again"
        )
    return [slice(*edges) for edges in pairwise([0, *np.cumsum(n_rows).tolist()])]


def _values(
    source: SourceFile,
    file: ImageFile,
    rows: slice,
    recipe: ImageRecipe,
    progress: Callable[[int], None],
) -> Iterator[tuple[slice, dict[str, np.ndarray]]]:
    """Rows of the image file, and the variables there, chunk by chunk of a ROOT file."""
    entries = file.events[ENTRY_COLUMN][rows]
    if len(entries) == 0:
        return
    of_jets = jet_variables(recipe)
    fields = {"fat_jets": {*MOMENTUM, *of_jets}} if of_jets else {}
    bounds = int(entries[0]), int(entries[-1]) + 1
    size = source.source.chunk_size
    with source.ntuple as ntuple:
        for events in ntuple.iterate(fields, chunk_size=size, entry_range=bounds):
            n_events = len(events.event_number)
            begin, end = np.searchsorted(entries, events.first_entry + np.array([0, n_events]))
            place = slice(rows.start + int(begin), rows.start + int(end))
            chosen = entries[begin:end] - events.first_entry
            numbers = file.events["event_number"][place]
            if not np.array_equal(events.event_number[chosen], numbers):
                raise InputError(
                    f"{source.path}: its events are not those of {file.path}; build this again"
                )
            values = _of_events(events, recipe, source)
            yield place, {name: one[chosen] for name, one in values.items()}
            progress(n_events)


def _of_events(events: Events, recipe: ImageRecipe, source: SourceFile) -> dict[str, np.ndarray]:
    """Variables of a chunk."""
    of_jets = jet_variables(recipe)
    if not of_jets:
        return dict(events.variables)
    if events.fat_jets is None or not set(of_jets) <= set(events.fat_jets.fields):
        raise InputError(f"{source.path}: {no_own_jets(next(iter(of_jets.values())))}")
    jets = FatJets(find_fat_jets(None, events.fat_jets, recipe.fat_jets)).records
    return dict(events.variables) | {name: padded(jets[field]) for field, name in of_jets.items()}
