"""Image files against their ROOT files and their own cut flows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from itertools import pairwise
from operator import add
from pathlib import Path
from typing import NamedTuple

import numpy as np

from calovision.accounting.sources import BUILD_AGAIN, SampleSources, account_entries
from calovision.conversion import ImageRecipe
from calovision.conversion.stored import StoredRecipe
from calovision.core.account import Account, Count, total
from calovision.core.errors import InputError
from calovision.core.splits import SPLITS, assign_split
from calovision.storage import ImageFile, ImageMetadata

ENTRIES, ROWS = "entries", "rows"
EVENTS = "events that pass"
SKIPPED = "files skipped"
IMAGES, JETS, SPLIT = "images", "jets", "split"
"""Stages of image files."""


def account_images(
    paths: Iterable[Path], sources: Mapping[str, SampleSources | None] | None = None
) -> list[Account]:
    """Check image files against their ROOT files, their cut flows and the draw of their splits.

    Parameters
    ----------
    paths
        Image files of one or several samples; all files of each.
    sources
        ROOT files of the samples, by name; of others those that the image files name. None for a
        sample whose ROOT files are not looked for, as they may be elsewhere.

    Returns
    -------
    Accounts of each sample: ``images`` from the entries of the ROOT files to rows (of images of
    jets to the events that pass, and ``jets`` from their leading jets to rows), and ``split``.
    Image files that were not made of ROOT files are only compared with themselves.

    Raises
    ------
    InputError
        If an entry of a ROOT file was not read or was read twice, rows are not those of the cut
        flow, a weight changed, or an event is in another split than it was drawn for; if a file
        cannot be read.
    """
    of_sample: dict[str, list[_Checked]] = {}
    for path in paths:
        found = _check(ImageFile(Path(path)))
        of_sample.setdefault(found.info.sample, []).append(found)
    accounts = []
    for sample, files in of_sample.items():
        made = [(one.path, one.info) for one in files if is_of_root(one.info)]
        skipped = Count(absolute=0.0)
        given = (sources or {}).get(sample, SampleSources())
        if made and given is not None:
            skipped = account_entries(sample, made, _with_schema(given, [info for _, info in made]))
        columns = zip(*(one.accounts for one in files), strict=True)
        first, *others = (reduce(add, of_stage) for of_stage in columns)
        if skipped.n or any(info.skipped_files for _, info in made):
            dropped = {SKIPPED: skipped} | first.dropped
            first = Account(first.stage, sample, first.read + skipped, dropped, first.wrote)
        accounts += [first, *others]
    return accounts


def is_of_root(info: ImageMetadata) -> bool:
    """Tell whether an image file was converted from ROOT files, also if all of them were
    skipped.
    """
    return bool(info.skipped_files) or any(uuid for _, uuid in info.source_files)


def _with_schema(sources: SampleSources, infos: Sequence[ImageMetadata]) -> SampleSources:
    """ROOT files with the schema by which the image files were made of them, if they tell one."""
    stored = [schema for info in infos if (schema := (info.recipe or {}).get("schema"))]
    if sources.schema is not None or any(schema != stored[0] for schema in stored):
        return sources
    recipe = StoredRecipe(ImageRecipe(), stored[0] if stored else None)
    return replace(sources, schema=recipe.find_schema())


class _Checked(NamedTuple):
    """An image file, and its accounts."""

    path: Path
    info: ImageMetadata
    accounts: list[Account]


def _check(file: ImageFile) -> _Checked:
    """Accounts of one file, which balance."""
    info, where = file.metadata, str(file.path)
    weights = file.events.read("weight")
    rows = Count.of(weights)
    if info.source_rows is not None and sum(info.source_rows) != rows.n:
        raise InputError(
            f"sample '{info.sample}', images: {where}: it has {rows.n:,} rows, but "
            f"{sum(info.source_rows):,} were made of its source files; {BUILD_AGAIN}"
        )
    accounts = _of_flows(info, rows)
    for account in accounts:
        account.require_balance(where, BUILD_AGAIN)
    _check_jets(info, accounts, where)
    split = file.events.read("split")
    _check_split(file, split)
    parts = {name: Count.of(weights[split == number]) for number, name in enumerate(SPLITS)}
    by_split = Account(SPLIT, info.sample, rows, wrote=parts)
    by_split.require_balance(where, BUILD_AGAIN)
    return _Checked(file.path, info, [*accounts, by_split])


def _of_flows(info: ImageMetadata, rows: Count) -> list[Account]:
    """Accounts by the cut flows of a file; each ends with its rows, of images of jets that of
    events with the last step.
    """
    is_of_jets = info.kind == "jet"
    steps = [(name, Count(n, weight)) for name, n, weight in info.cut_flow]
    if info.source_events is not None:
        read = total(Count(*one) for one in info.source_events)
        steps = [(ENTRIES, read), *steps[1:]]
    elif is_of_root(info):  # skipped, or of an older version, which did not write what it read
        steps = steps[1:]
    steps = steps or [(ENTRIES, rows)]
    if not is_of_jets:
        return [_account(IMAGES, info.sample, steps, {ROWS: rows})]
    of_jets = [(name, Count(n, weight)) for name, n, weight in info.jet_cut_flow]
    of_jets = of_jets or [("leading jets", rows)]
    return [
        _account(IMAGES, info.sample, steps, {EVENTS: steps[-1][1]}),
        _account(JETS, info.sample, of_jets, {ROWS: rows}),
    ]


def _account(
    stage: str, sample: str, steps: list[tuple[str, Count]], wrote: dict[str, Count]
) -> Account:
    """Account of a cut flow."""
    dropped = {name: before - left for (_, before), (name, left) in pairwise(steps)}
    return Account(stage, sample, steps[0][1], dropped, wrote)


def _check_jets(info: ImageMetadata, accounts: list[Account], where: str) -> None:
    """Raise InputError if there are more leading jets than the events can have."""
    most = ((info.recipe or {}).get("images") or {}).get("jets_per_event")
    if info.kind != "jet" or most is None:
        return
    events, jets = accounts[0].output, accounts[1].read
    if jets.n > most * events.n:
        raise InputError(
            f"{accounts[1].title}: {where}: {jets.n:,} leading jets of {events.n:,} events, which "
            f"have at most {most} each; {BUILD_AGAIN}"
        )


def _check_split(file: ImageFile, split: np.ndarray) -> None:
    """Raise InputError if an event is in another split than that it is drawn for, where the file
    tells how it was drawn.
    """
    info = file.metadata
    images = (info.recipe or {}).get("images") or {}
    seed, fractions = images.get("split_seed"), images.get("split_fractions")
    if not is_of_root(info) or seed is None or fractions is None or len(file) == 0:
        return
    numbers = file.events.read("event_number")
    drawn = assign_split(info.split_group or info.sample, numbers, seed=seed, fractions=fractions)
    moved = np.flatnonzero(drawn != split)
    if len(moved):
        first = moved[0]
        raise InputError(
            f"sample '{info.sample}', split: {file.path}: {len(moved):,} of {len(split):,} rows "
            f"are in another split than they were drawn for, the first one, of the event "
            f"{numbers[first]}, in '{SPLITS[split[first]]}' instead of '{SPLITS[drawn[first]]}'; "
            f"{BUILD_AGAIN}"
        )
