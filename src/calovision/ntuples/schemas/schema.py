"""Schema of ntuples: the package's names of the quantities, and the branches or formulas that give
them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

from calovision.ntuples.schemas.links import Link, References, Subset

if TYPE_CHECKING:
    from calovision.ntuples.content import FileContent

SUBJETTINESS = ("tau1", "tau2", "tau3", "tau4")
COLLECTIONS = ("towers", "tracks", "fat_jets", "candidates", "constituents")


class Presence(Enum):
    """Meaning of missing branches of a collection."""

    REQUIRED = "each file has it"
    ALL_OR_NONE = "a file with one of the branches must have them all"
    OPTIONAL = "used where all branches exist"


@dataclass(frozen=True)
class Collection:
    """One list of objects an entry.

    Attributes
    ----------
    fields
        Name of the quantity -> branch or formula (`calovision.selection.expressions`).
    extra
        Further fields, each given where the file has its branches, and all parts of the collection
        have the field.
    cut
        Formula of branches; objects that fail it are dropped.
    one_per_entry
        The branches hold numbers instead of lists: the entry's one object.
    subset
        Which of the objects are taken; None takes all.
    """

    fields: Mapping[str, str]
    extra: Mapping[str, str] = field(default_factory=dict)
    cut: str | None = None
    one_per_entry: bool = False
    presence: Presence = Presence.REQUIRED
    subset: Subset | None = None


@dataclass(frozen=True)
class Constituents(Collection):
    """The constituents of the fat jets, or a part of them.

    Attributes
    ----------
    link
        Branches that say which objects of ``fields`` belong to which jet. None: the branches of
        ``fields`` hold lists in lists, or, if there is one fat jet an entry, the lists of this one.
    """

    link: Link | None = None


@dataclass(frozen=True)
class CounterRow:
    """The value that counts of counters that hold lists, as ATLAS keeps one for each selection.

    Attributes
    ----------
    where
        Branches of texts, in lists of the same lengths -> the text there.
    largest
        Branch of numbers; of several values the one with the largest number counts.
    """

    where: Mapping[str, str]
    largest: str


@dataclass(frozen=True)
class Counters:
    """A tree whose entries (several after hadd) count the generated events.

    Attributes
    ----------
    tree
        Its name.
    n_generated, sum_of_weights
        Branches by the names that productions gave them; of an entry that has several the first one
        that is not zero counts, since merging files of two productions fills what one of them lacks
        with zeros.
    cross_section_pb
        Branch.
    may_miss
        Tree and branches may be absent; then the entries are counted.
    row
        The value that counts, where the branches hold lists; None where they hold one number.
    """

    tree: str
    n_generated: tuple[str, ...]
    sum_of_weights: tuple[str, ...]
    cross_section_pb: str | None = None
    may_miss: bool = False
    row: CounterRow | None = None

    @property
    def branches(self) -> tuple[str, ...]:
        """Every name, once."""
        names = (
            *self.n_generated,
            *self.sum_of_weights,
            *([self.cross_section_pb] if self.cross_section_pb else []),
            *((*self.row.where, self.row.largest) if self.row else ()),
        )
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True)
class TreeSchema:
    """One version of a schema: the tree of the events and where it keeps each quantity.

    Attributes
    ----------
    tree
        Name of the TTree or RNTuple, with its folders.
    friends
        Names of further trees, joined to the first on their entries.
    towers, tracks, fat_jets, candidates, constituents
        Collections; what stands in several branches is given in parts, which are joined.
    event_number
        Branch or formula; None if the entries are numbered.
    weight, weight_may_miss
        Branch or formula, of one or several weights an event.
    weight_factors
        Branches of further weights, divided by the first; used where they exist.
    cross_section_pb, cross_section_may_miss
        A number, or a branch or formula whose last entry counts; pb.
    counters
        Tree of generated events; None if the entries are counted.
    n_generated, sum_of_weights
        In place of ``counters``: a number or an object of the file
        (`calovision.ntuples.counters.read_counter`).
    trimmed_p4
        Branch of TLorentzVector[5] a fat jet: the trimmed jet, then its leading subjets.
    uncalibrated_pt
        Formula of the pT of a fat jet before its calibration.
    candidate_weight
        Branch or formula by which the momenta of ``weighted_collections`` are multiplied; None
        multiplies by nothing.
    puppi_weights
        Branches of weights that the momenta of candidates may lack, the first one that exists is
        looked at (`calovision.ntuples.candidate_weights`).
    weighted_collections
        Made of candidates.
    without
        Branches of which a file of this version must have none.
    label, process_id
        Branch or formula of the label (1 signal, 0 background), or of the number of the process,
        of each entry; None if that of the sample counts.
    notes
        Sentences for people on what the images are made of.
    fat_jet_radius
        Radius of the fat jets that were found in a file, where that of the schema is None.
    choices
        Key of ``choose`` in a schema's file (`Schema.chosen`) -> names that it may give.
    no_counters
        Names of further trees that look as if they counted generated events, but do not.
    variables
        Variables of the user's own -> their branch or formula, one number an event.
    run, lumi_block
        Branch or formula of the number of the run and of the lumi block, which a file may lack.
    """

    tree: str
    friends: tuple[str, ...] = ()
    towers: tuple[Collection, ...] = ()
    tracks: tuple[Collection, ...] = ()
    fat_jets: tuple[Collection, ...] = ()
    candidates: tuple[Collection, ...] = ()
    constituents: tuple[Constituents, ...] = ()
    event_number: str | None = None
    weight: str | None = None
    weight_may_miss: bool = False
    weight_factors: tuple[str, ...] = ()
    cross_section_pb: str | float | None = None
    cross_section_may_miss: bool = False
    counters: Counters | None = None
    n_generated: str | int | None = None
    sum_of_weights: str | float | None = None
    trimmed_p4: str | None = None
    uncalibrated_pt: str | None = None
    candidate_weight: str | None = None
    puppi_weights: tuple[str, ...] = ()
    weighted_collections: tuple[str, ...] = ("towers", "tracks", "candidates", "constituents")
    without: tuple[str, ...] = ()
    label: str | None = None
    process_id: str | None = None
    notes: tuple[str, ...] = ()
    fat_jet_radius: float | None = None
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    no_counters: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    run: str | None = None
    lumi_block: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "constituents", _in_order(self.constituents))

    @property
    def row_numbers(self) -> dict[str, str]:
        """Column of whole numbers that each entry has -> its branch or formula."""
        texts = {"row_label": self.label, "process_id": self.process_id}
        return {name: text for name, text in texts.items() if text is not None}

    def parts(self, collection: str) -> tuple[Collection, ...]:
        """Parts of a collection, none if the schema does not have it."""
        return getattr(self, collection)


def _in_order(parts: tuple[Constituents, ...]) -> tuple[Constituents, ...]:
    """Parts whose references are looked up one after the other."""
    ids: dict[str, tuple[str, ...]] = {}
    found = []
    for part in parts:
        if isinstance(part.link, References):
            earlier = ids.get(part.link.references, ())
            ids[part.link.references] = (*earlier, part.link.ids)
            part = replace(part, link=replace(part.link, after=earlier))
        found.append(part)
    return tuple(found)


Chosen = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Schema:
    """Kind of ntuples with a name.

    Attributes
    ----------
    name
        The name by which configuration and command line choose it; the path of a YAML file.
    title
        The framework that writes it, for tables and help texts.
    versions
        Versions of the tree, most recent first; the first one that fits a file is taken.
    fat_jet_radius
        Radius of the fat jets; None if files differ in it (that of Delphes is in its card), or have
        none.
    find_versions
        Finds versions in the content of a file, where the names of collections differ from file to
        file; none if the file is of another kind. Its second argument is ``chosen``.
    trees
        Names that the tree of the events may have, where versions are found.
    chosen
        Collection -> names of the file's collections that it is to be made of, in place of those
        that ``find_versions`` chooses.
    changes
        Attributes of the versions that are found -> other values.
    """

    name: str
    title: str
    versions: tuple[TreeSchema, ...] = ()
    fat_jet_radius: float | None = None
    find_versions: "Callable[[FileContent, Chosen], tuple[TreeSchema, ...]] | None" = None
    trees: tuple[str, ...] = ()
    chosen: Chosen = field(default_factory=dict)
    changes: Mapping[str, object] = field(default_factory=dict)

    @property
    def tree_names(self) -> tuple[str, ...]:
        """Names that the tree of the events may have; that of a user if there is one."""
        if "tree" in self.changes:
            return (str(self.changes["tree"]),)
        return (*dict.fromkeys(version.tree for version in self.versions), *self.trees)

    def versions_in(self, content: "FileContent") -> tuple[TreeSchema, ...]:
        """Versions that a file may have; none if nothing of this kind was found in it."""
        if self.find_versions is None:
            return self.versions
        if "tree" in self.changes:
            content = content.renamed(str(self.changes["tree"]), self.trees)
        found = self.find_versions(content, self.chosen)
        return tuple(replace(version, **self.changes) for version in found)

    def with_changes(self, **changes: object) -> "Schema":
        """Return the schema with other attributes of its versions."""
        return replace(
            self,
            versions=tuple(replace(version, **changes) for version in self.versions),
            changes={**self.changes, **changes},
        )

    def without_generation(self) -> "Schema":
        """Return the schema without weights, labels and counts of generated events, which data and
        events that are only looked at need not have.
        """
        return self.with_changes(
            weight=None,
            weight_factors=(),
            cross_section_pb=None,
            counters=None,
            n_generated=None,
            sum_of_weights=None,
            label=None,
            process_id=None,
        )
