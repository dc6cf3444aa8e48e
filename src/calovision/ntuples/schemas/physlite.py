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

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.ntuples.schemas.links import NestedIndices
from calovision.ntuples.schemas.schema import (
    SUBJETTINESS,
    Chosen,
    Collection,
    Constituents,
    CounterRow,
    Counters,
    Schema,
    TreeSchema,
)
from calovision.ntuples.schemas.xaod import (
    NO_CONTAINER,
    OFTEN_LEFT_OUT,
    Container,
    find_containers,
    names_of_keys,
)
from calovision.ntuples.schemas.xaod_objects import ENERGIES, quantities

if TYPE_CHECKING:
    from calovision.ntuples.content import FileContent

TREES = ("CollectionTree", "EventData")
ENTRIES_OF_LINKS = 1000  # that are looked at
ENTRIES_OF_CLUSTERS = 100
FEW_CLUSTERS = 50  # in an event on average; one of pp collisions has hundreds
_FIELDS = {
    "towers": ("eta", "phi", "e"),
    "tracks": ("pt", "eta", "phi"),
    "candidates": ("pt", "eta", "phi", "charge", "e"),
    "fat_jets": ("pt", "eta", "phi", "mass"),
    "constituents": ("pt", "eta", "phi"),
}
_CHOOSABLE = ("towers", "tracks", "candidates", "fat_jets")
_TOPOCLUSTERS = "CaloCalTopoClusters"
_JETS = ("AnalysisJets", "AntiKt4EMPFlow.*Jets.*", "AntiKt4EMTopo.*Jets.*", "AntiKt4.*Jets.*")
_LARGE_JETS = (
    "AnalysisLargeRJets",
    "AntiKt10.*(SoftDrop|Trimmed|Pruned|Filtered).*Jets.*",
    "AntiKt10.*Jets.*",
)
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
_RADII = {"AnalysisJets": 0.4, "AnalysisLargeRJets": 1.0}
_OTHER_JETS = re.compile("Truth|Track")  # of generated particles, of tracks
_MUONS = ("AnalysisMuons", "Muons")
_ELECTRONS = ("AnalysisElectrons", "Electrons")
_PARTICLE_FLOW = tuple(
    (f"{start}ChargedParticleFlowObjects", f"{start}NeutralParticleFlowObjects")
    for start in ("Global", "JetETMiss", "CHSG", "CHS")
)


def find_versions(content: "FileContent", chosen: Chosen) -> tuple[TreeSchema, ...]:
    """Versions of the schema with the containers of a file.

    Raises
    ------
    InputError
        If a container that is chosen is not there, or lacks the variables for its collection.
    """
    found = []
    wanted = {collection: names for collection, names in chosen.items() if collection != "tree"}
    for tree in chosen.get("tree", TREES):
        containers = find_containers(content.names(tree))
        if containers.keys() - {"EventInfo"} and (
            version := _version(content, tree, containers, wanted)
        ):
            found.append(version)
    return tuple(found)


def _version(
    content: "FileContent", tree: str, containers: Mapping[str, Container], chosen: Chosen
) -> TreeSchema | None:
    """Version with the containers of a tree; None if it has none for images."""
    names = {name: _default(name, containers) for name in _CHOOSABLE}
    for collection, wanted in chosen.items():
        _check_chosen(content, containers, collection, wanted)
        names[collection] = wanted
    parts = {
        collection: tuple(_part(containers[name], collection) for name in of)
        for collection, of in names.items()
    }
    if not (parts["towers"] or parts["tracks"]):
        return None
    constituents, missing = _constituents(content, tree, containers, names["fat_jets"])
    event = containers.get("EventInfo", Container("EventInfo", {}))
    return TreeSchema(
        tree=tree,
        **parts,
        constituents=constituents,
        event_number=next(
            (event[name] for name in ("eventNumber", "mcEventNumber") if event.has(name)), None
        ),
        weight=event["mcEventWeights"] if event.has("mcEventWeights") else "mcEventWeights",
        weight_may_miss=True,  # collision data have none
        counters=_BOOKKEEPERS,
        notes=(*_notes(content, tree, containers, names), *missing),
        fat_jet_radius=_radius(names["fat_jets"]),
    )


def _default(collection: str, containers: Mapping[str, Container]) -> tuple[str, ...]:
    """Containers that a collection is made of unless others are chosen."""
    if collection == "fat_jets":
        return _first(containers, _LARGE_JETS, collection)
    if collection == "candidates":
        return next((of for of in _PARTICLE_FLOW if _all_have(containers, of, collection)), ())
    if collection == "tracks":
        return _first(containers, ("InDetTrackParticles",), collection) or (
            *_first(containers, _ELECTRONS, collection),
            *_first(containers, _MUONS, collection),
        )
    found = _first(containers, (_TOPOCLUSTERS,), collection) or _default("candidates", containers)
    if found:
        return found
    jets = _first(containers, _JETS, collection)
    return (*jets, *_first(containers, _MUONS, collection)) if jets else ()


def _first(
    containers: Mapping[str, Container], patterns: Iterable[str], collection: str
) -> tuple[str, ...]:
    """The container that fits the first pattern possible, the shortest of several; or none."""
    for pattern in patterns:
        fitting = [
            name
            for name in containers
            if re.fullmatch(pattern, name)
            and not _OTHER_JETS.search(name.removesuffix("TrackParticles"))
            and _all_have(containers, (name,), collection)
        ]
        if fitting:
            return (min(fitting, key=lambda name: (len(name), name)),)
    return ()


def _all_have(containers: Mapping[str, Container], names: Iterable[str], collection: str) -> bool:
    """Return True if the containers are there with the fields that a collection needs."""
    return all(
        name in containers and set(_FIELDS[collection]) <= set(quantities(containers[name]))
        for name in names
    )


def _part(container: Container, collection: str) -> Collection:
    """Part of a collection."""
    given = quantities(container)
    names = _FIELDS[collection]
    if collection == "towers" and set(ENERGIES) <= set(given):
        names = (*names, *ENERGIES)
    extra = {}
    if collection == "fat_jets":
        variables = {tau: f"T{tau[1:]}_wta" for tau in SUBJETTINESS}
        extra = {tau: container[name] for tau, name in variables.items() if container.has(name)}
    return Collection({name: given[name] for name in names}, extra=extra)


def _check_chosen(
    content: "FileContent",
    containers: Mapping[str, Container],
    collection: str,
    wanted: Iterable[str],
) -> None:
    """Raise InputError unless the chosen containers are there and fit their collection."""
    if collection not in _CHOOSABLE:
        raise InputError(
            f"{content.path}: the containers of {collection} cannot be chosen; choose those of "
            f"{', '.join(_CHOOSABLE)}"
        )
    fitting = [name for name in containers if _all_have(containers, (name,), collection)]
    for name in wanted:
        if name not in fitting:
            problem = "lacks variables for it" if name in containers else "is not in the file"
            raise InputError(
                f"{content.path}: {name}, which is chosen for {collection}, {problem}; "
                f"choose from {', '.join(fitting) or 'none'}{nearest(name, fitting)}"
            )


def _constituents(
    content: "FileContent", tree: str, containers: Mapping[str, Container], jets: tuple[str, ...]
) -> tuple[tuple[Constituents, ...], tuple[str, ...]]:
    """Parts of the constituents, and what is to be said if the file does not hold all of them."""
    if len(jets) != 1 or not containers[jets[0]].has("constituentLinks"):
        return (), ()
    links = containers[jets[0]].branch("constituentLinks")
    events = content.first_values(tree, links, ENTRIES_OF_LINKS)
    keys = {link["m_persKey"] for jets in events for of in jets for link in of} - {NO_CONTAINER}
    names = names_of_keys(keys, (*containers, *OFTEN_LEFT_OUT))
    absent = [key for key in keys if names.get(key) not in containers]
    if absent or not keys:
        missing = ", ".join(names.get(key, f"the unknown number {key}") for key in absent)
        note = f"the constituents of {jets[0]} are in containers that the file lacks ({missing})"
        return (), (note,) if absent else ()
    if not all(_all_have(containers, (name,), "constituents") for name in names.values()):
        return (), ()
    return tuple(_linked(containers[name], links, key) for key, name in names.items()), ()


def _linked(container: Container, links: str, key: int) -> Constituents:
    """Part of the constituents, the objects of a container that the links of jets point to."""
    given = quantities(container)
    names = ("pt", "eta", "phi", "charge", "e", *ENERGIES)
    return Constituents(
        {name: given[name] for name in names if name in given},
        link=NestedIndices(f"{links}.m_persIndex", f"{links}.m_persKey", key),
    )


def _radius(jets: tuple[str, ...]) -> float | None:
    """Radius that jets have by their names; None if it cannot be told or they differ."""
    radii = {
        int(match[1]) / 10 if (match := re.match(r"AntiKt(\d+)", name)) else _RADII.get(name)
        for name in jets
    }
    return radii.pop() if len(radii) == 1 else None


def _notes(
    content: "FileContent",
    tree: str,
    containers: Mapping[str, Container],
    names: Mapping[str, tuple[str, ...]],
) -> tuple[str, ...]:
    """Sentences on what the images are made of, where it is less than one may think."""
    notes = []
    towers, jets = names["towers"], _first(containers, _JETS, "towers")
    if set(towers) & set(jets):
        notes.append(
            f"towers are {' and '.join(towers)}, whole jets and leptons: each is one point of an "
            "image"
        )
    elif towers == (_TOPOCLUSTERS,):
        energies = containers[_TOPOCLUSTERS]
        branch = energies.branch("calE" if energies.has("calE") else "rawE")
        numbers = [len(event) for event in content.first_values(tree, branch, ENTRIES_OF_CLUSTERS)]
        if numbers and (mean := sum(numbers) / len(numbers)) < FEW_CLUSTERS:
            notes.append(
                f"{_TOPOCLUSTERS} has {mean:.3g} clusters an event: the file keeps a few of them, "
                "and images do not show whole events"
            )
    if names["tracks"] and not set(names["tracks"]).isdisjoint((*_ELECTRONS, *_MUONS)):
        notes.append(f"tracks are {' and '.join(names['tracks'])}: the file has no other ones")
    for name in names["fat_jets"]:
        if not containers[name].has("pt"):
            notes.append(
                f"the momenta of {name} are those of its constituents: the calibrated ones are not "
                "in the file"
            )
    return tuple(notes)


PHYSLITE = Schema(
    name="physlite",
    title="ATLAS DAOD",
    find_versions=find_versions,
    trees=TREES,
)
