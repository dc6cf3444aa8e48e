"""Sentences for people on what images of a file of ATLAS are made of."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from calovision.ntuples.schemas.physlite.choice import (
    ELECTRONS,
    JETS,
    MUONS,
    TOPOCLUSTERS,
    first_of,
    incomplete,
)
from calovision.ntuples.schemas.physlite.containers import Container

if TYPE_CHECKING:
    from calovision.ntuples.content import FileContent

ENTRIES_OF_CLUSTERS = 100  # that are looked at
FEW_CLUSTERS = 50  # in an event on average; one of pp collisions has hundreds


def notes_on(
    content: "FileContent",
    tree: str,
    containers: Mapping[str, Container],
    names: Mapping[str, tuple[str, ...]],
) -> tuple[str, ...]:
    """Sentences on what the images are made of, where it is less than one may think."""
    notes = []
    towers, jets = names["towers"], first_of(containers, JETS, "towers")
    if set(towers) & set(jets):
        notes.append(
            f"towers are {' and '.join(towers)}, whole jets and leptons: each is one point of an "
            "image"
        )
    whole = [name for name in towers if name not in MUONS and "ParticleFlow" not in name]
    if len(whole) > 1:
        notes.append(
            f"{' and '.join(whole)} may hold the same energy, as electrons and photons are jets "
            "and clusters, too: then it counts twice"
        )
    elif towers == (TOPOCLUSTERS,):
        energies = containers[TOPOCLUSTERS]
        branch = energies.branch("calE" if energies.has("calE") else "rawE")
        numbers = [len(event) for event in content.first_values(tree, branch, ENTRIES_OF_CLUSTERS)]
        if numbers and (mean := sum(numbers) / len(numbers)) < FEW_CLUSTERS:
            notes.append(
                f"{TOPOCLUSTERS} has {mean:.3g} clusters an event: the file keeps a few of them, "
                "and images do not show whole events"
                + (f", which those of {' and '.join(jets)} would" if jets else "")
            )
    if names["tracks"] and not set(names["tracks"]).isdisjoint((*ELECTRONS, *MUONS)):
        notes.append(f"tracks are {' and '.join(names['tracks'])}: the file has no other ones")
    notes += [
        f"the momenta of {name} are those of its constituents: the calibrated ones are not in the "
        "file"
        for name, container in containers.items()
        if name in (*names["fat_jets"], *towers)
        and "Jets" in name
        and not container.has("pt", "eta", "phi")
    ]
    for collection, (name, lacking) in incomplete(containers).items():
        others = " and ".join(names[collection]) or "none"
        what = collection.replace("_", " ")
        notes.append(
            f"{name} lacks variables for {', '.join(lacking)}: {what} of the file are {others}"
        )
    return tuple(notes)
