"""Images of one ROOT file in memory, chunk by chunk, for a network that looks at them at once."""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from calovision.conversion.fields import fields_to_read
from calovision.conversion.files import FileConversion, check_options
from calovision.conversion.own_jets import SameJets, recipe_of_file
from calovision.conversion.parallel import read_ahead
from calovision.conversion.recipe import ImageRecipe
from calovision.conversion.rows import ImageRows
from calovision.conversion.sample import Sample, WeightOptions
from calovision.conversion.source import Source
from calovision.core.errors import BadFileError, InputError
from calovision.jets import VARIABLES
from calovision.ntuples import NtupleInfo
from calovision.ntuples.schemas import find_schemas
from calovision.ntuples.schemas.schema import Schema
from calovision.selection import variables_of
from calovision.selection.formulas import all_names

GIVEN = WeightOptions(n_generated=1, sum_of_weights=1.0)
"""Counts of generated events that matter to nobody, so that none are looked for."""
UNNAMED = Sample("unnamed", 0)


@dataclass(frozen=True)
class ImageStream:
    """Images of the events of a ROOT file, which may be sent to another process.

    Weights, labels and counts of generated events are not read: the file may lack them, as data do.

    Attributes
    ----------
    path
        Path or address, with ``:tree`` behind it where it names a tree.
    recipe
        Recipe of the images.
    schema, tree
        Of the file; None finds the schema that fits, and takes its tree.
    retries
        As in `Source`.
    """

    path: Path | str
    recipe: ImageRecipe
    schema: str | Path | Schema | None = None
    tree: str | None = None
    retries: int = 0

    def info(self) -> NtupleInfo:
        """Description of the file, after a check that it has what the recipe needs.

        Raises
        ------
        InputError
            If the file cannot be read, or lacks something; the sentence names file and tree.
        """
        with self._open() as (conversion, _):
            return conversion.file.info

    def __iter__(self) -> Iterator[tuple[int, ImageRows]]:
        """Number of events and rows of each chunk, in the order of the file; the next chunk is read
        meanwhile.

        Raises
        ------
        InputError
            As `info`; if an event holds a number that no image can be made of.
        """
        with self._open() as (conversion, recipe):
            chunks = read_ahead(conversion.file.events(recipe))
            same_jets = SameJets(recipe, conversion.file.info)
            first = 0
            with closing(chunks):
                for events in chunks:
                    rows = conversion.rows(events, recipe, first)
                    same_jets.add(rows.pt_ratios)
                    n_events = len(events.event_number)
                    first += n_events
                    yield n_events, rows
            same_jets.finish()

    @contextmanager
    def _open(self) -> Iterator[tuple[FileConversion, ImageRecipe]]:
        """Conversion of the open file, and the recipe with the radius of its jets."""
        check_options(self.recipe, "fail")
        schemas = find_schemas(self.schema)
        source = Source.of(
            Source(
                self.path,
                schema=tuple(schema.without_generation() for schema in schemas),
                tree=self.tree,
                retries=self.retries,
            )
        )
        (file,) = source.open(self.recipe, [GIVEN])
        with file.ntuple:
            try:
                fields_to_read(self.recipe, file.info)
            except BadFileError:
                raise
            except InputError as error:
                raise InputError(f"{error} (tree {file.info.tree!r})") from error
            yield FileConversion(file, self.recipe, UNNAMED), recipe_of_file(self.recipe, file.info)


def narrowed(recipe: ImageRecipe, variables: Iterable[str]) -> ImageRecipe:
    """Recipe without what neither a cut nor one of the named variables needs: variables of the
    user's own and of jets, and the event content, which take their time.
    """
    own = recipe.own_variables
    of_cuts = variables_of(recipe.preselection) | variables_of(recipe.jet_selection)
    needed = all_names({*variables, *of_cuts}, own)
    needs_content = any(name in VARIABLES and VARIABLES[name].needs_content for name in needed)
    return replace(
        recipe,
        variables={name: one for name, one in recipe.variables.items() if name in needed},
        jet_variables=tuple(name for name in recipe.jet_variables if name in needed),
        content=recipe.content if needs_content else None,
    )
