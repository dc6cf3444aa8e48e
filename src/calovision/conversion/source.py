"""ROOT files of a conversion, and one of them as it is read: its description and its events."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from calovision.conversion.definition import definition_of
from calovision.conversion.fields import check_constituents, fields_to_read
from calovision.conversion.recipe import ImageRecipe
from calovision.conversion.sample import WeightOptions
from calovision.core.errors import BadFileError, InputError
from calovision.jets.variables import branches_of_events, branches_of_jets
from calovision.ntuples import ConstituentCheck, Events, Ntuple, NtupleInfo, clipped
from calovision.ntuples.paths import with_tree
from calovision.ntuples.schemas.schema import Schema


@dataclass(frozen=True)
class Source:
    """ROOT files of a sample, or of one job, and how they are read.

    Attributes
    ----------
    files
        Paths, or addresses as ``root://...``, with ``:tree`` behind one to name its tree, in the
        order in which their events come; a single one may be given as it is.
    schema
        Schema of the ntuples: one of ``ntuples.SCHEMAS``, the path of a YAML file, a `Schema` or
        several; None finds the one that fits.
    tree
        Name of the tree, where it is not that of the schema.
    chunk_size
        Events in memory at a time; None takes as many as fit a bounded memory.
    retries
        How often an address that does not answer is tried again, with growing waits.
    entry_range
        First entry, and the one behind the last (None: the end of the file), of a part of the only
        file, which has its share of the generated events and of the sum of weights; None for all.
    n_entries
        Entries that each file must have, None where that is not known; None if it is of none.
    first_file, n_files
        Of a job: number of its first file in the list of the sample's, from 0, and the length of
        that list, for the shares of numbers that weights give for all files together. None: these
        are all.
    """

    files: Path | str | Sequence[Path | str]
    schema: str | Path | Schema | tuple[Schema, ...] | None = None
    tree: str | None = None
    chunk_size: int | None = None
    retries: int = 0
    entry_range: tuple[int, int | None] | None = None
    n_entries: Sequence[int | None] | None = None
    first_file: int = 0
    n_files: int | None = None

    @classmethod
    def of(cls, source: "Path | str | Sequence[Path | str] | Source") -> "Source":
        """Return the source, or that of files which need no options.

        Raises
        ------
        InputError
            If there is no file, or a part of several files is asked for.
        """
        given = source if isinstance(source, Source) else cls(source)
        files = (given.files,) if isinstance(given.files, Path | str) else tuple(given.files)
        if not files:
            raise InputError("no ROOT file given: name at least one")
        if given.entry_range is not None and len(files) > 1:
            raise InputError(f"entry_range is a part of one file, but {len(files)} are given")
        return replace(given, files=files)

    def open(
        self,
        recipe: ImageRecipe,
        weights: Sequence[WeightOptions],
        class_cuts: Mapping[str, str] | None = None,
    ) -> list["SourceFile"]:
        """Return the files, each to be opened when it is first asked.

        Parameters
        ----------
        recipe
            Says whether the fat jets are trimmed.
        weights
            Of each file.
        class_cuts
            Of their `Sample`.
        """
        n_entries = self.n_entries or [None] * len(self.files)
        return [
            SourceFile(path, self, self._ntuple(path, recipe, of_file, class_cuts), expected)
            for path, of_file, expected in zip(self.files, weights, n_entries, strict=True)
        ]

    def _ntuple(
        self,
        path: Path | str,
        recipe: ImageRecipe,
        weights: WeightOptions,
        class_cuts: Mapping[str, str] | None,
    ) -> Ntuple:
        return Ntuple(
            path,
            schema=self.schema,
            tree=self.tree,
            weight_index=weights.index,
            n_generated=weights.n_generated,
            sum_of_weights=weights.sum_of_weights,
            trimmed=recipe.fat_jets.groomed,
            retries=self.retries,
            variables=branches_of_events(recipe.own_variables),
            jet_variables=branches_of_jets(recipe.own_variables),
            class_cuts=class_cuts,
        )


@dataclass(frozen=True)
class SourceFile:
    """One ROOT file of a source, or the part of it that is converted.

    Attributes
    ----------
    path
        The path or address as given.
    source
        The source.
    ntuple
        The file, which is opened once.
    n_entries
        Entries that it must have; None if that is not known.
    """

    path: Path | str
    source: Source
    ntuple: Ntuple
    n_entries: int | None = None

    @property
    def name(self) -> str:
        """The path as given, with the tree that was named apart from it."""
        return with_tree(self.path, self.source.tree)

    @property
    def is_whole(self) -> bool:
        """True unless a part of the file is converted."""
        return self.source.entry_range is None

    @property
    def entries(self) -> tuple[int, int]:
        """First entry and the one behind the last, inside the file."""
        return clipped(*(self.source.entry_range or (0, None)), self.info.n_entries)

    @property
    def info(self) -> NtupleInfo:
        """Description of all events of the file; BadFileError if it cannot be read."""
        try:
            return self.ntuple.info
        except InputError as error:
            raise BadFileError(str(error)) from error

    def info_of_part(self) -> NtupleInfo:
        """Description of the entries that are converted: their share of the generated events and of
        the sum of weights.
        """
        first, end = self.source.entry_range or (0, None)
        share = partial(share_of_range, first=first, end=end, n_entries=self.info.n_entries)
        return replace(
            self.info,
            n_generated=share(self.info.n_generated),
            sum_of_weights=share(float(self.info.sum_of_weights)),
        )

    def definition(self, recipe: ImageRecipe) -> dict[str, str]:
        """Definition of the images of the file (`definition_of`); BadFileError if it lacks what the
        recipe needs.
        """
        info = self.info
        try:
            return definition_of(info, recipe)
        except InputError as error:
            raise BadFileError(str(error)) from error

    def check_entries(self) -> None:
        """Raise InputError if the file is not the one that was counted, since then its parts do not
        make a whole.
        """
        found = self.info.n_entries
        if self.n_entries not in (None, found):
            raise InputError(
                f"{self.info.path} has {found} entries, but {self.n_entries} when the jobs were "
                "made: start again, after a correction of the list of files if the number stands "
                "there, or without entry_counts.json in the results folder if the file is an "
                "address"
            )

    def events(self, recipe: ImageRecipe) -> Iterator[Events]:
        """Read the entries that are converted in chunks.

        Fat jets are compared with their constituents, if these are read.

        Raises
        ------
        BadFileError
            If the file cannot be read.
        """
        check = ConstituentCheck(recipe.fat_jets.pt_min)
        is_comparable = not recipe.fat_jets.groomed  # trimmed jets have fewer constituents
        try:
            fields = fields_to_read(recipe, self.info)
            for events in self.ntuple.iterate(
                fields, chunk_size=self.source.chunk_size, entry_range=self.entries
            ):
                check_constituents(events, recipe, self.info)
                if events.constituents is not None and is_comparable and not check.is_complete:
                    check.add(events.fat_jets, events.constituents)
                yield events
            check.warn(self.info.path)
        except InputError as error:
            raise BadFileError(str(error)) from error


def share_of_range(total: float, first: int, end: int | None, n_entries: int) -> float:
    """Share of the entries from ``first`` to before ``end`` (None: the last) in a number for all
    entries of a file.

    The shares of ranges that make up a file add up to the number exactly: they are multiples of its
    last digit, or of 1 if it is an integer, as they are then. If there are no entries, the range
    that begins at 0 has it all.
    """
    if n_entries == 0 or (first, end) == (0, None):
        return total if first == 0 else 0 * total
    step = 1 if isinstance(total, int) else math.ulp(total)
    n_steps = total if isinstance(total, int) else int(total / step)
    edges = (min(first, n_entries), n_entries if end is None else min(end, n_entries))
    before, behind = (n_steps * edge // n_entries for edge in edges)
    return step * (behind - before)
