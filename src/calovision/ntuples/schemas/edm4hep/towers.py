"""Towers of podio files: hits, clusters or particles, of which the same energy may be in all three,
so that one kind is taken.
"""

from collections.abc import Iterable

from calovision.ntuples.schemas.edm4hep.calorimeters import (
    calorimeter_of,
    is_elsewhere,
    is_of_simulation,
    without_copies,
)
from calovision.ntuples.schemas.edm4hep.cell_ids import part_of_identifier
from calovision.ntuples.schemas.edm4hep.particles import (
    candidate_fields,
    energy_fields,
    has_types,
)
from calovision.ntuples.schemas.edm4hep.podio import (
    CLUSTER,
    HIT,
    PARTICLE,
    POSITION,
    SIMULATED_HIT,
    PodioCollection,
    PodioEvents,
)
from calovision.ntuples.schemas.kinematics import direction
from calovision.ntuples.schemas.schema import Collection

TOWER_KINDS = (HIT, CLUSTER, PARTICLE, SIMULATED_HIT)
WORDS = {
    HIT: "calorimeter hits",
    SIMULATED_HIT: "simulated hits (deposited energy, not calibrated)",
    CLUSTER: "clusters",
    PARTICLE: "particles",
}


def towers_of(
    events: PodioEvents, candidates: PodioCollection | None
) -> tuple[PodioCollection, ...]:
    """Find the collections that towers are made of.

    The first of these that the file has, with objects in its first entries if there are any:
    calorimeter hits whose names tell the calorimeter, unless clusters are of more calorimeters;
    such clusters; particles with types; all hits; clusters without such names, else all; particles
    without types; simulated hits.
    """
    hits, clusters, simulated = (_usable(events, kind) for kind in (HIT, CLUSTER, SIMULATED_HIT))
    named_hits, named_clusters = map(_if_named, (hits, clusters))
    if (_calorimeters(named_clusters), len(named_clusters)) > (
        _calorimeters(named_hits),
        len(named_hits),
    ):
        named_hits = []
    flow = [candidates] if candidates is not None else []
    typed = [one for one in flow if has_types(events, one)]
    choices = [
        one
        for one in (
            named_hits,
            named_clusters,
            typed,
            hits,
            _unnamed(clusters) or clusters,
            flow,
            _if_named(simulated) or simulated,
        )
        if one
    ]
    filled = (one for one in choices if not all(map(events.is_empty, one)))
    return tuple(next(filled, choices[0] if choices else ()))


def _usable(events: PodioEvents, kind: str) -> list[PodioCollection]:
    """Collections of cells or clusters with positions and energies, each energy once."""
    found = {
        one.name: one
        for one in events.of_kind(kind)
        if not (is_elsewhere(one.name) or is_of_simulation(one.name))
        and not (kind == HIT and "Cluster" in one.name)  # the cells of clusters
        and not events.is_zero(one, *POSITION)
        and not events.is_zero(one, "energy")
    }
    return [found[name] for name in found if name in without_copies(found)]


def _if_named(collections: list[PodioCollection]) -> list[PodioCollection]:
    """Those whose name tells the calorimeter; none if others, of all calorimeters perhaps, stand
    beside those of one kind.
    """
    named = [one for one in collections if one not in _unnamed(collections)]
    return named if _calorimeters(named) == 2 or len(named) == len(collections) else []


def _unnamed(collections: list[PodioCollection]) -> list[PodioCollection]:
    """Those whose name does not tell the calorimeter."""
    return [one for one in collections if calorimeter_of(one.name) is None]


def _calorimeters(collections: Iterable[PodioCollection]) -> int:
    """Number of kinds of calorimeters."""
    return len({calorimeter_of(one.name) for one in collections})


def tower_parts(
    events: PodioEvents, collections: Iterable[PodioCollection]
) -> tuple[Collection, ...]:
    """Fields of towers: eta, phi, e, and the electromagnetic and hadronic energies where the names
    of the calorimeters, or the types of particles, tell them; the layer of hits.
    """
    return tuple(_part(events, one) for one in collections)


def _part(events: PodioEvents, collection: PodioCollection) -> Collection:
    if collection.kind == PARTICLE:
        fields = candidate_fields(collection)
        position = {name: fields[name] for name in ("eta", "phi")}
        typed = has_types(events, collection)
        return Collection(
            {**position, **energy_fields(collection, typed=typed)}, subset=collection.subset
        )
    energy = collection.formula("energy")
    energies = {
        "em": {"e_em": energy, "e_had": "0"},
        "had": {"e_em": "0", "e_had": energy},
        None: {},
    }[calorimeter_of(collection.source)]
    layer = _layer(events, collection)
    return Collection(
        {**direction(*map(collection.formula, POSITION)), "e": energy, **energies},
        extra={} if layer is None else {"layer": layer},
        subset=collection.subset,
    )


def _layer(events: PodioEvents, collection: PodioCollection) -> str | None:
    """Formula of the layer of hits, from the record or from the identifier of the cell."""
    if "layer" in collection.members:
        return collection.formula("layer")
    encoding = events.cell_encodings.get(collection.source)
    if encoding is None or "cellID" not in collection.members:
        return None
    return part_of_identifier(collection.formula("cellID"), encoding, "layer")
