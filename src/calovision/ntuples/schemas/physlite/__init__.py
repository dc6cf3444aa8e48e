"""Files of ATLAS in the xAOD: DAOD_PHYSLITE, DAOD_PHYS and other ones with ``CollectionTree`` or
``EventData``.

Collections are made of the containers that a file has, or of those that are chosen for it:

towers
    The topoclusters CaloCalTopoClusters; else the particle-flow objects; else, as a last resort,
    the jets of R = 0.4 and the muons. Electrons and photons are jets, too, and would count twice.
    Muons have e, but neither e_em nor e_had.
tracks
    InDetTrackParticles; else the electrons and muons.
candidates
    The charged and the neutral particle-flow objects.
fat_jets
    AnalysisLargeRJets; else jets of R = 1.0, groomed ones first.
constituents
    What the jets' ``constituentLinks`` point to, where the file holds it.

Jets of generated particles and of tracks are taken only if they are chosen. A share of the energy
of a jet that is electromagnetic is the variable EMFrac of the file, which is not bounded to [0, 1].
"""

from typing import TYPE_CHECKING

from calovision.ntuples.schemas.physlite.choice import (
    FIELDS,
    choose,
    possible_choices,
    radius_of,
)
from calovision.ntuples.schemas.physlite.constituents import find_constituents
from calovision.ntuples.schemas.physlite.containers import Container, find_containers
from calovision.ntuples.schemas.physlite.notes import notes_on
from calovision.ntuples.schemas.physlite.quantities import ENERGIES, quantities
from calovision.ntuples.schemas.schema import (
    SUBJETTINESS,
    Chosen,
    Collection,
    CounterRow,
    Counters,
    Schema,
    TreeSchema,
)

if TYPE_CHECKING:
    from calovision.ntuples.content import FileContent

TREES = ("CollectionTree", "EventData", "RNT:CollectionTree")  # the last in first RNTuples
# Of a derivation, which drops events: all those that the first job read of the stream StreamAOD.
_BOOKKEEPERS = Counters(
    "MetaData",
    ("CutBookkeepersAux.nAcceptedEvents",),
    ("CutBookkeepersAux.sumOfEventWeights",),
    may_miss=True,
    row=CounterRow(
        {
            "CutBookkeepersAux.name": "AllExecutedEvents",
            "CutBookkeepersAux.inputStream": "StreamAOD",
        },
        "CutBookkeepersAux.cycle",
    ),
)


def find_versions(content: "FileContent", chosen: Chosen) -> tuple[TreeSchema, ...]:
    """Versions of the schema with the containers of a file.

    Raises
    ------
    InputError
        If a container that is chosen is not there, or lacks variables for its collection.
    """
    wanted = {collection: names for collection, names in chosen.items() if collection != "tree"}
    found = (_version(content, tree, wanted) for tree in chosen.get("tree", TREES))
    return tuple(version for version in found if version is not None)


def _version(content: "FileContent", tree: str, chosen: Chosen) -> TreeSchema | None:
    """Version with the containers of a tree; None if it has none for images."""
    containers = find_containers(content.names(tree))
    if containers.keys() <= {"EventInfo"}:
        return None
    names = choose(containers, chosen, content.path)
    parts = {
        collection: tuple(_part(containers[name], collection) for name in of)
        for collection, of in names.items()
    }
    if not (parts["towers"] or parts["tracks"]):
        return None
    constituents, missing = find_constituents(content, tree, containers, names["fat_jets"])
    event = containers.get("EventInfo", Container("EventInfo", {}))
    return TreeSchema(
        tree=tree,
        **parts,
        constituents=constituents,
        event_number=next(
            (event[name] for name in ("eventNumber", "mcEventNumber") if event.has(name)), None
        ),
        run=event["runNumber"] if event.has("runNumber") else None,
        lumi_block=event["lumiBlock"] if event.has("lumiBlock") else None,
        weight=event["mcEventWeights"] if event.has("mcEventWeights") else "mcEventWeights",
        weight_may_miss=True,  # collision data have none
        counters=_BOOKKEEPERS,
        notes=(*notes_on(content, tree, containers, names), *missing),
        choices=possible_choices(containers),
        fat_jet_radius=radius_of(names["fat_jets"]),
    )


def _part(container: Container, collection: str) -> Collection:
    """Part of a collection."""
    given = quantities(container)
    names = FIELDS[collection]
    if collection == "towers" and set(ENERGIES) <= set(given):
        names = (*names, *ENERGIES)
    extra = {}
    if collection == "fat_jets":
        variables = {tau: f"T{tau[1:]}_wta" for tau in SUBJETTINESS}
        extra = {tau: container[name] for tau, name in variables.items() if container.has(name)}
    return Collection({name: given[name] for name in names}, extra=extra)


PHYSLITE = Schema(
    name="physlite",
    title="ATLAS DAOD",
    find_versions=find_versions,
    trees=TREES,
)
