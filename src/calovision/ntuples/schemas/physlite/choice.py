"""Containers that collections are made of: those that a user chooses, else by their names."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.ntuples.schemas.physlite.containers import Container
from calovision.ntuples.schemas.physlite.quantities import quantities
from calovision.ntuples.schemas.schema import Chosen

FIELDS = {
    "towers": ("eta", "phi", "e"),
    "tracks": ("pt", "eta", "phi"),
    "candidates": ("pt", "eta", "phi", "charge", "e"),
    "fat_jets": ("pt", "eta", "phi", "mass"),
    "constituents": ("pt", "eta", "phi"),
}
CHOOSABLE = ("towers", "tracks", "candidates", "fat_jets")
_KEYS = {"fat_jets": "jets"}  # of choose
TOPOCLUSTERS = "CaloCalTopoClusters"
TRACKS = "InDetTrackParticles"
JETS = ("AnalysisJets", "AntiKt4EMPFlow.*Jets.*", "AntiKt4EMTopo.*Jets.*", "AntiKt4.*Jets.*")
_LARGE_JETS = (
    "AnalysisLargeRJets",
    "AntiKt10.*(SoftDrop|Trimmed|Pruned|Filtered).*Jets.*",
    "AntiKt10.*Jets.*",
)
_RADII = {"AnalysisJets": 0.4, "AnalysisLargeRJets": 1.0}
_OTHER_JETS = re.compile("Truth|Track")  # of generated particles, of tracks
MUONS = ("AnalysisMuons", "Muons")
ELECTRONS = ("AnalysisElectrons", "Electrons")
_PARTICLE_FLOW = tuple(
    (f"{start}ChargedParticleFlowObjects", f"{start}NeutralParticleFlowObjects")
    for start in ("Global", "JetETMiss", "CHSG", "CHS")
)


def choose(
    containers: Mapping[str, Container], chosen: Chosen, path: Path | str
) -> dict[str, tuple[str, ...]]:
    """Containers of each collection.

    Parameters
    ----------
    containers
        Those of the file, by name.
    chosen
        Collection -> names that the user chose.
    path
        For the sentences of errors.

    Raises
    ------
    InputError
        If a container that is chosen is not there, or lacks variables for its collection.
    """
    for collection, names in chosen.items():
        _check(containers, collection, names, path)
    return {
        name: chosen[name] if name in chosen else _default(name, containers) for name in CHOOSABLE
    }


def possible_choices(containers: Mapping[str, Container]) -> dict[str, tuple[str, ...]]:
    """Key of ``choose`` -> containers that have the variables for it; for tracks those that are
    known to be charged.
    """
    found = {name: _fitting(containers, name) for name in CHOOSABLE}
    found["tracks"] = tuple(
        name
        for name in found["tracks"]
        if not {"charge", "qOverP"}.isdisjoint(containers[name].variables)
    )
    return {_KEYS.get(name, name): names for name, names in found.items() if names}


def _default(collection: str, containers: Mapping[str, Container]) -> tuple[str, ...]:
    """Containers that a collection is made of unless others are chosen."""
    if collection == "fat_jets":
        return first_of(containers, _LARGE_JETS, collection)
    if collection == "candidates":
        return next((of for of in _PARTICLE_FLOW if have_fields(containers, of, collection)), ())
    if collection == "tracks":
        return first_of(containers, (TRACKS,), collection) or (
            *first_of(containers, ELECTRONS, collection),
            *first_of(containers, MUONS, collection),
        )
    found = first_of(containers, (TOPOCLUSTERS,), collection) or _default("candidates", containers)
    if found:
        return found
    jets = first_of(containers, JETS, collection)
    return (*jets, *first_of(containers, MUONS, collection)) if jets else ()


def first_of(
    containers: Mapping[str, Container], patterns: Iterable[str], collection: str
) -> tuple[str, ...]:
    """The container that fits the first pattern possible, the shortest of several; or none."""
    for pattern in patterns:
        fitting = [
            name
            for name in containers
            if re.fullmatch(pattern, name)
            and not _OTHER_JETS.search(name.removesuffix("TrackParticles"))
            and have_fields(containers, (name,), collection)
        ]
        if fitting:
            return (min(fitting, key=lambda name: (len(name), name)),)
    return ()


def incomplete(containers: Mapping[str, Container]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Collection -> the container that it is first made of, and the fields for which the container
    lacks variables; only where the file has it so.
    """
    preferred = {"fat_jets": _LARGE_JETS[0], "towers": TOPOCLUSTERS, "tracks": TRACKS}
    found = {}
    for collection, name in preferred.items():
        given = set(quantities(containers[name])) if name in containers else set(FIELDS[collection])
        if lacking := tuple(field for field in FIELDS[collection] if field not in given):
            found[collection] = (name, lacking)
    return found


def have_fields(containers: Mapping[str, Container], names: Iterable[str], collection: str) -> bool:
    """Return True if the containers are there with the fields that a collection needs."""
    return all(
        name in containers and set(FIELDS[collection]) <= set(quantities(containers[name]))
        for name in names
    )


def _fitting(containers: Mapping[str, Container], collection: str) -> tuple[str, ...]:
    """Containers that have the variables for a collection."""
    return tuple(name for name in containers if have_fields(containers, (name,), collection))


def _check(
    containers: Mapping[str, Container], collection: str, wanted: Iterable[str], path: Path | str
) -> None:
    """Raise InputError unless the chosen containers are there and fit their collection."""
    if collection not in CHOOSABLE:
        raise InputError(
            f"{path}: the containers of {collection} cannot be chosen; choose those of "
            f"{', '.join(CHOOSABLE)}"
        )
    fitting = _fitting(containers, collection)
    for name in wanted:
        if name not in fitting:
            problem = "lacks variables for it" if name in containers else "is not in the file"
            raise InputError(
                f"{path}: {name}, which is chosen for {collection}, {problem}; "
                f"choose from {', '.join(fitting) or 'none'}{nearest(name, fitting)}"
            )


def radius_of(jets: tuple[str, ...]) -> float | None:
    """Radius that jets have by their names; None if it cannot be told or they differ."""
    radii = {
        int(match[1]) / 10 if (match := re.match(r"AntiKt(\d+)", name)) else _RADII.get(name)
        for name in jets
    }
    return radii.pop() if len(radii) == 1 else None
