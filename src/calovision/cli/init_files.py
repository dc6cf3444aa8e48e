"""Content of the files of a new analysis: schema, cross-section, what their images are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from calovision.cli.event_display import fitting_channels
from calovision.cli.init_samples import GivenSample, classes_of
from calovision.conversion.fields import CONTENT_FIELDS, fields_to_read
from calovision.core.errors import InputError
from calovision.ntuples import Ntuple, NtupleInfo, expand_paths
from calovision.ntuples.suggestions.suggestion import suggest_schema
from calovision.stages.images import image_recipe
from calovision.workflow.analysis import Analysis
from calovision.workflow.new_analysis import NewAnalysis, NewSample
from calovision.workflow.parameters import image_recipe as recipe_of_analysis


@dataclass
class Found:
    """Analysis that fits some files, and what to tell of it.

    Attributes
    ----------
    analysis
        The analysis that fits.
    schemas
        Texts of schemas that are to be written, by their paths in its folder.
    remarks
        Sentences on what to look at.
    """

    analysis: NewAnalysis = field(default_factory=NewAnalysis)
    schemas: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Looked:
    """The first file of a sample, with a schema by which it can be read."""

    schema: str
    info: NtupleInfo


def look_at_files(
    samples: Mapping[str, GivenSample],
    directory: Path,
    *,
    are_jets: bool,
    schema: str | None,
    tree: str | None,
) -> Found:
    """Find the schema of each sample in its first file, and the images that all files can give.

    Parameters
    ----------
    samples
        Samples by name; none for the example.
    directory
        Folder of the new analysis.
    are_jets
        Images of jets.
    schema, tree
        Of all files; None to find them.

    Raises
    ------
    InputError
        If a file is not there or cannot be read, no schema fits and none can be suggested, or the
        files lack what the images need.
    """
    found = Found()
    if not samples:
        return found
    with TemporaryDirectory(prefix="calovision-") as scratch:
        reader = _Reader(schema, tree, Path(scratch), found)
        looked = {name: reader.look(name, one.paths) for name, one in samples.items()}
    infos = [one.info for one in looked.values()]
    made = {
        name: NewSample(
            one.label,
            one.paths,
            looked[name].schema,
            tree,
            one.cross_section_pb,
            lacks_cross_section=(
                one.label is not None
                and one.cross_section_pb is None
                and looked[name].info.cross_section_pb is None
            ),
        )
        for name, one in samples.items()
    }
    found.analysis = NewAnalysis(
        made,
        classes_of(samples),
        is_of_jets=are_jets,
        channels=() if are_jets else _channels(infos),
        has_content=all(_has_content(info) for info in infos),
        radius=_radius(infos),
    )
    _check_images(found.analysis, looked)
    found.analysis = replace(found.analysis, samples=_with_written(made, found, directory))
    return found


class _Reader:
    """Reads the first file of each sample; a schema that none of ours is, is suggested."""

    def __init__(self, schema: str | None, tree: str | None, scratch: Path, found: Found) -> None:
        self.schema, self.tree, self.scratch, self.found = schema, tree, scratch, found

    def look(self, name: str, paths: Sequence[str]) -> Looked:
        path = expand_paths(paths)[0]
        if self.schema is not None:
            return self._read(path, self.schema)
        with Ntuple(path, tree=self.tree) as ntuple:
            description = ntuple.description
        fitting = [one for one, missing in description.missing.items() if not missing]
        if len(fitting) > 1 and description.schema is None:
            raise InputError(f"{path}: several schemas fit; give --schema {' or '.join(fitting)}")
        if description.schema is not None:
            return self._read(path, description.schema)
        return self._read_by_suggestion(name, path)

    def _read(self, path: str, schema: str) -> Looked:
        with Ntuple(path, schema=schema, tree=self.tree) as ntuple:
            ntuple.check()
            return Looked(schema, ntuple.info)

    def _read_by_suggestion(self, name: str, path: str) -> Looked:
        """Read a file by a schema that was suggested for another one, or by one of its own."""
        for known in self.found.schemas:
            try:
                return replace(self._read(path, str(self.scratch / known)), schema=known)
            except InputError:
                continue
        suggestion = suggest_schema(path, tree=self.tree)
        if suggestion.text is None:
            raise InputError(
                f"{path}: no schema fits, and none can be suggested, as "
                f"{'; '.join(suggestion.reasons)}"
            )
        own = f"schema_{name}.yaml" if self.found.schemas else "schema.yaml"
        self.found.schemas[own] = suggestion.text
        self.found.remarks.append(
            f"{own} is a guess, since no schema of the package fits {path}: look at its comments"
        )
        (self.scratch / own).write_text(suggestion.text)
        return replace(self._read(path, str(self.scratch / own)), schema=own)


def _channels(infos: Sequence[NtupleInfo]) -> tuple[str, ...]:
    """Channels that all files can fill."""
    first, *others = (fitting_channels(info.collections) for info in infos)
    common = tuple(one for one in first if all(one in found for found in others))
    if not common:
        raise InputError(
            f"{infos[0].path}: the files have nothing in common that images of events are made of; "
            "give --jets for images of their jets, or look at them with calovision inspect"
        )
    return common


def _has_content(info: NtupleInfo) -> bool:
    """Small-R jets and event shapes can be computed."""
    return all(
        fields <= set(info.collections.get(name, ())) for name, fields in CONTENT_FIELDS.items()
    )


def _radius(infos: Sequence[NtupleInfo]) -> float | None:
    """Radius of the fat jets, where all files have the same."""
    radii = {info.fat_jet_radius for info in infos}
    return radii.pop() if len(radii) == 1 else None


def _check_images(analysis: NewAnalysis, looked: Mapping[str, Looked]) -> None:
    """Raise InputError unless the files have what the images need."""
    configuration = analysis.configuration()
    recipe = image_recipe(
        recipe_of_analysis(Analysis(configuration)),
        {"fractions": configuration.split.fractions},
    )
    for name in analysis.samples:
        fields_to_read(recipe, looked[name].info)


def _with_written(
    samples: Mapping[str, NewSample], found: Found, directory: Path
) -> dict[str, NewSample]:
    """Samples whose schemas, if they were suggested, lie in the folder."""
    return {
        name: replace(one, schema=str(directory / one.schema))
        if one.schema in found.schemas
        else one
        for name, one in samples.items()
    }
