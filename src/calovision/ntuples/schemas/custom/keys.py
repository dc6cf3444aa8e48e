"""Keys of the schema language.

This one table is what files are checked against, what the sentences of errors name, and what the
tables of ``docs/schemas.md`` are written from (``make reference``).
"""

from dataclasses import dataclass
from enum import Enum

from calovision.ntuples.schemas.schema import SUBJETTINESS


class Value(Enum):
    """Kinds of values, in the words of the reference page."""

    FORMULA = "formula"
    FORMULAS = "formula, or a list of them"
    CONDITION = "condition, or a list of them"
    VECTORS = "branch of four-momenta, or a list of them"
    BRANCH = "branch"
    WHOLE = "whole number"
    NUMBER = "number above 0"
    SWITCH = "`true`, `false`"
    TREE = "name of a tree"
    TREES = "name of a tree, or a list of them"
    COUNTER = "number, or object of the file"
    COLLECTION = "keys and values, or a list of parts"
    SCHEMA = "name of a schema"
    CHOICE = "collection: names"
    EDGES = "formula and ascending numbers"
    BY_LAYER = "formula, or one for each layer"


@dataclass(frozen=True)
class Key:
    """A key of the language.

    Attributes
    ----------
    name
        As it is written.
    meaning
        One line of the reference page.
    value
        Kind of its value.
    example
        A value, as it is written in YAML.
    unit
        Unit of the value.
    """

    name: str
    meaning: str
    value: Value
    example: str
    unit: str = ""


@dataclass(frozen=True)
class CollectionKeys:
    """Keys of a collection.

    Attributes
    ----------
    name, attribute
        Name in the file, and of the attribute of `TreeSchema`.
    meaning
        One line of the reference page.
    demanded, optional
        Fields that the package reads.
    inputs
        Keys in place of fields, which are computed from them.
    options
        Other keys.
    """

    name: str
    attribute: str
    meaning: str
    demanded: tuple[Key, ...]
    optional: tuple[Key, ...] = ()
    inputs: tuple[Key, ...] = ()
    options: tuple[Key, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields, the demanded ones first."""
        return tuple(key.name for key in (*self.demanded, *self.optional))

    @property
    def quantities(self) -> tuple[str, ...]:
        """Names that may have a formula each."""
        return (*self.fields, *(key.name for key in self.inputs))

    @property
    def keys(self) -> tuple[Key, ...]:
        """All of them."""
        return (*self.demanded, *self.optional, *self.inputs, *self.options)


_PT = Key("pt", "transverse momentum", Value.FORMULAS, "trk_pt / 1000", "GeV")
_ETA = Key("eta", "pseudorapidity", Value.FORMULAS, "trk_eta")
_PHI = Key("phi", "azimuth, any number of turns", Value.FORMULAS, "trk_phi", "rad")
_MASS = Key("mass", "mass", Value.FORMULAS, "jet_m / 1000", "GeV")
_CHARGE = Key("charge", "electric charge", Value.FORMULAS, "pf_charge")
_E = Key("e", "energy", Value.FORMULAS, "cl_e / 1000", "GeV")
_E_EM = Key("e_em", "its electromagnetic part", Value.FORMULAS, "cl_em_e / 1000", "GeV")
_E_HAD = Key("e_had", "its hadronic part", Value.FORMULAS, "cl_had_e / 1000", "GeV")
_LAYER = Key(
    "layer",
    "whole number of the layer of the calorimeter; below 0: in none",
    Value.FORMULAS,
    "cell_sampling",
)
_SIZES = (
    Key(
        "eta_size",
        "full width along eta: energies are divided among the cells of an image by area; without "
        "it, or where it is 0, all is in the middle",
        Value.BY_LAYER,
        "{by_layer: [0.0031, 0.025, 0.05]}",
    ),
    Key("phi_size", "full width along phi, likewise", Value.BY_LAYER, "0.0245", "rad"),
)
_LAYER_EDGES = Key(
    "layer_edges",
    "edges between the layers 0, 1, 2 ..., in place of `layer`; what is outside is in none",
    Value.EDGES,
    "{of: 'hypot(cell_x, cell_y)', edges: [1500, 1590, 1800]}",
)
_P4 = Key(
    "p4",
    "four-momenta: `pt`, `eta`, `phi`, `e` and `mass` that are not given are its members",
    Value.VECTORS,
    "Jets",
)
_MOMENTUM = (
    Key(
        "px",
        "component of the momentum, in place of `pt`, `phi`",
        Value.FORMULAS,
        "trk_px / 1000",
        "GeV",
    ),
    Key(
        "py",
        "component of the momentum, in place of `pt`, `phi`",
        Value.FORMULAS,
        "trk_py / 1000",
        "GeV",
    ),
    Key(
        "pz", "component of the momentum, in place of `eta`", Value.FORMULAS, "trk_pz / 1000", "GeV"
    ),
)
_POSITION = (
    Key(
        "x", "position seen from the collision, in place of `eta`, `phi`", Value.FORMULAS, "cell_x"
    ),
    Key("y", "position, in the unit of `x`", Value.FORMULAS, "cell_y"),
    Key("z", "position along the beam, in the unit of `x`", Value.FORMULAS, "cell_z"),
)
_MASS_FOR_ENERGY = Key("mass", "mass, in place of `e`", Value.FORMULAS, "pf_m", "GeV")
_ENERGY_FOR_MASS = Key("e", "energy, in place of `mass`", Value.FORMULAS, "jet_e / 1000", "GeV")
_CUT = Key("cut", "objects that are kept", Value.CONDITION, "pt > 0.5")
_ONE_PER_ENTRY = Key(
    "one_per_entry",
    "the branches hold numbers: one object an entry",
    Value.SWITCH,
    "true",
)
_LINKS = (
    Key(
        "jet_index",
        "number of the jet in its event, one row a constituent",
        Value.BRANCH,
        "FatJetPFCands_jetIdx",
    ),
    Key(
        "item_index",
        "position in the lists of the fields, one row a constituent",
        Value.BRANCH,
        "FatJetPFCands_pFCandsIdx",
    ),
    Key("begin", "first row of each jet", Value.BRANCH, "Jets.particles_begin"),
    Key("end", "row behind the last of each jet", Value.BRANCH, "Jets.particles_end"),
    Key("counts", "number of rows of each jet, one after another", Value.BRANCH, "Jets_n"),
    Key(
        "index",
        "position in the lists of the fields: of each row with `begin` or `counts`, else lists of "
        "each jet",
        Value.BRANCH,
        "_Jets_particles.index",
    ),
    Key(
        "owner",
        "number of the collection that each row points to",
        Value.BRANCH,
        "_Jets_particles.collectionID",
    ),
    Key("owner_id", "number of the collection of the fields", Value.WHOLE, "7"),
    Key("key", "number of the container that each `index` points to", Value.BRANCH, "links_key"),
    Key("key_value", "number of the container of the fields", Value.WHOLE, "123456789"),
    Key("references", "TRefArray of each jet", Value.BRANCH, "Jet.Constituents"),
    Key("ids", "unique number (fUniqueID) of each object", Value.BRANCH, "EFlowTrack.fUniqueID"),
)
_TAUS = tuple(
    Key(name, f"{number}-subjettiness", Value.FORMULAS, f"jet_{name}")
    for number, name in enumerate(SUBJETTINESS, 1)
)

COLLECTIONS = {
    one.name: one
    for one in (
        CollectionKeys(
            "towers",
            "towers",
            "Energies at a place: towers, cells or clusters of calorimeters. `e`, or both `e_em` "
            "and `e_had`, must be given; `e` is their sum unless it is given.",
            (_ETA, _PHI),
            (_E, _E_EM, _E_HAD, _LAYER, *_SIZES),
            (*_POSITION, *_MOMENTUM, _P4),
            (_LAYER_EDGES, _CUT, _ONE_PER_ENTRY),
        ),
        CollectionKeys(
            "tracks",
            "tracks",
            "Tracks, or any charged particles.",
            (_PT, _ETA, _PHI),
            (),
            (*_MOMENTUM, _P4),
            (_CUT, _ONE_PER_ENTRY),
        ),
        CollectionKeys(
            "candidates",
            "candidates",
            "Particle-flow candidates. Without `e` and `mass` they have no energy.",
            (_PT, _ETA, _PHI, _CHARGE),
            (_E,),
            (*_MOMENTUM, _MASS_FOR_ENERGY, _P4),
            (_CUT, _ONE_PER_ENTRY),
        ),
        CollectionKeys(
            "jets",
            "fat_jets",
            "Jets of the file. What is not given of `pt`, `eta`, `phi` and `mass` is computed "
            "from `constituents`.",
            (_PT, _ETA, _PHI, _MASS),
            _TAUS,
            (*_MOMENTUM, _ENERGY_FOR_MASS, _P4),
            (_CUT, _ONE_PER_ENTRY),
        ),
        CollectionKeys(
            "constituents",
            "constituents",
            "Constituents of the jets: lists in lists, the lists of the one jet of an entry, or "
            "objects with a link.",
            (_PT, _ETA, _PHI),
            (_CHARGE, _E, _E_EM, _E_HAD, _LAYER, *_SIZES),
            (*_MOMENTUM, _MASS_FOR_ENERGY, _P4),
            (_LAYER_EDGES, _CUT, _ONE_PER_ENTRY, *_LINKS),
        ),
    )
}

TREE = Key("tree", "tree of the events, with its folders", Value.TREE, "analysis/events")
FORMULAS = (
    Key("event_number", "event number; entries are numbered without it", Value.FORMULA, "evt"),
    Key("weight", "generator weight; 1 without it", Value.FORMULA, "mc_weight * pileup_weight"),
    Key(
        "label",
        "whole number of the class of each entry, as 1 for signal and 0 for background: the column "
        "`row_label` of the image file",
        Value.FORMULA,
        "is_signal",
    ),
    Key("run", "number of the run, for the maps of `calovision monitor`", Value.FORMULA, "run"),
    Key("lumi_block", "number of the lumi block, likewise", Value.FORMULA, "lumi"),
    Key(
        "process_id",
        "whole number of the process of each entry: the column `process_id`",
        Value.FORMULA,
        "dsid",
    ),
)
NUMBERS = (
    Key(
        "n_generated",
        "generated events before any selection: a number that holds for every file, a histogram, "
        "histogram[bin], or tree/branch of counters",
        Value.COUNTER,
        "cutflow/total[1]",
    ),
    Key("sum_of_weights", "sum of their weights, likewise", Value.COUNTER, "cutflow/weighted[1]"),
)
CROSS_SECTION = Key(
    "cross_section_pb",
    "cross-section: a number, or a branch or formula whose last entry counts",
    Value.FORMULA,
    "41.4",
    "pb",
)
FURTHER = (
    CROSS_SECTION,
    Key(
        "candidate_weight",
        "factor of the momenta of candidates and constituents, which are dropped where it is 0; "
        "`none` for no factor",
        Value.FORMULA,
        "pf_puppi",
    ),
    Key("fat_jet_radius", "radius of the jets of the file", Value.NUMBER, "0.8", "rad"),
)
FRIENDS = Key(
    "friends",
    "further trees whose entries are those of `tree`, of the file or as `other.root:tree`",
    Value.TREES,
    "[jets, weights]",
)
EXTENDS = Key("extends", "schema that the other keys change", Value.SCHEMA, "delphes")
CHOOSE = Key(
    "choose",
    "collections of the file that a schema which finds them by type is made of",
    Value.CHOICE,
    "{towers: [EcalBarrel, HcalBarrel], jets: AnalysisJets}",
)
KEYS = (
    TREE,
    FRIENDS,
    EXTENDS,
    CHOOSE,
    *(
        Key(one.name, one.meaning.split(". ")[0].rstrip("."), Value.COLLECTION, "{...}")
        for one in COLLECTIONS.values()
    ),
    *FORMULAS,
    *NUMBERS,
    *FURTHER,
)
