"""Output of Delphes (classes Tower, Track, Jet, ParticleFlowCandidate, HepMCEvent), whichever
collections its card writes.

Towers are those of the calorimeter; without them the objects of the energy flow, particle-flow
candidates, tracks, or, as a last resort, jets and leptons. Constituents of jets are what the
references of the jets point to. Leaves are listed because the leaf fBits cannot be read: behind its
four bytes an object that is referenced has two more.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.ntuples.schemas.delphes.classes import (
    Collections,
    available,
    class_of,
    collections_of,
    energy_of_track,
    objects,
)
from calovision.ntuples.schemas.delphes.towers import (
    FLOW,
    calorimeter_towers,
    choose_candidates,
    choose_towers,
    choose_tracks,
    energy_flow,
    is_whole_flow,
    tracks,
    with_energy_twice,
)
from calovision.ntuples.schemas.links import References
from calovision.ntuples.schemas.schema import (
    SUBJETTINESS,
    Chosen,
    Collection,
    Constituents,
    Presence,
    Schema,
    TreeSchema,
)

if TYPE_CHECKING:
    from calovision.ntuples.content import FileContent

_TREE = "Delphes"
_ENERGIES = ("eta", "phi", "e", "e_em", "e_had")
_MOMENTUM = ("pt", "eta", "phi")
_CANDIDATE = (*_MOMENTUM, "charge", "e")
_JET = {"pt": "PT", "eta": "Eta", "phi": "Phi", "mass": "Mass"}
# Our collection -> classes of which it can be made.
_CHOICES = {
    "towers": ("Tower", "Track", "ParticleFlowCandidate", "Jet", "Electron", "Muon", "Photon"),
    "tracks": ("Track", "Electron", "Muon"),
    "fat_jets": ("Jet",),
    "candidates": ("ParticleFlowCandidate", "Track", "Tower"),
    "constituents": ("ParticleFlowCandidate", "Tower", "Track", "Muon", "GenParticle"),
}


def find_versions(content: "FileContent", chosen: Chosen) -> tuple[TreeSchema, ...]:
    """Find the version of a file; none if it has no tree of this name.

    Parameters
    ----------
    content
        Content of the file.
    chosen
        Our collections -> names of those of the file: towers, tracks, fat_jets, candidates, and
        constituents for what the references of jets are looked up in; the name of the tree.

    Raises
    ------
    InputError
        If a chosen collection is not in the file, or of a class of which it cannot be made.
    """
    tree = chosen.get("tree", (_TREE,))[0]
    if not content.has_tree(tree):
        return ()
    found = collections_of(content.names(tree), content.classes(tree))
    _check_chosen(found, chosen, content)
    towers, notes = choose_towers(found)
    if "towers" in chosen:
        towers, notes = chosen["towers"], with_energy_twice(found, chosen["towers"])
    own, more = (chosen["tracks"], ()) if "tracks" in chosen else choose_tracks(found)
    jets = chosen.get("fat_jets", ("FatJet",))[0]
    version = TreeSchema(
        tree=tree,
        # The usual names where there are none, so that what is missing can be named.
        towers=tuple(_part(found, name, _ENERGIES) for name in towers or ("Tower",)),
        tracks=tuple(
            _part(found, name, _MOMENTUM, Presence.ALL_OR_NONE) for name in own or ("Track",)
        ),
        fat_jets=(_fat_jets(found, jets),),
        candidates=_candidates(found, chosen.get("candidates")),
        constituents=_constituents(found, jets, chosen.get("constituents")),
        event_number="Event.Number" if found.has("Event", "Number") else None,
        weight="Event.Weight",
        weight_may_miss=True,
        cross_section_pb="Event.CrossSection",
        cross_section_may_miss=True,
        trimmed_p4=f"{jets}.TrimmedP4[5]",
        notes=(*notes, *more),
        choices=_choices(found),
    )
    return (version,)


def _choices(found: Collections) -> dict[str, tuple[str, ...]]:
    """Key of ``choose`` -> collections that it may name."""
    of = {ours: found.of(*classes) for ours, classes in _CHOICES.items()}
    choices = {"towers": of["towers"], "tracks": of["tracks"], "jets": of["fat_jets"]}
    return {key: names for key, names in choices.items() if names}


def _check_chosen(found: Collections, chosen: Chosen, content: "FileContent") -> None:
    """Raise InputError for a choice that the file does not have, or not of a class that fits."""
    for ours, classes in _CHOICES.items():
        possible = found.of(*classes)
        for name in chosen.get(ours, ()):
            if name not in possible:
                key = "jets" if ours == "fat_jets" else ours
                raise InputError(
                    f"{content.path}: {key} cannot be made of {name}; choose from "
                    f"{', '.join(possible) or 'nothing, as it has no such collection'}"
                    f"{nearest(name, possible)}"
                )
    if len(chosen.get("fat_jets", ())) > 1:
        raise InputError(
            f"{content.path}: jets cannot be made of {' and '.join(chosen['fat_jets'])} "
            "together; choose one"
        )


def _part(
    found: Collections,
    name: str,
    wanted: Iterable[str],
    presence: Presence = Presence.REQUIRED,
) -> Collection:
    """Wanted fields of a collection as a part of one of ours."""
    fields = objects(found, name)
    return Collection(
        {field: fields[field] for field in wanted if field in fields}, presence=presence
    )


def _fat_jets(found: Collections, name: str) -> Collection:
    """Jets with their N-subjettiness, which old releases have in leaves of its own."""
    of_leaves = found.has(name, *(tau.capitalize() for tau in SUBJETTINESS))
    return Collection(
        {field: f"{name}.{leaf}" for field, leaf in _JET.items()},
        extra={
            tau: f"{name}.{tau.capitalize()}" if of_leaves else f"{name}.Tau[5][{i}]"
            for i, tau in enumerate(SUBJETTINESS)
        },
        presence=Presence.ALL_OR_NONE,
    )


def _candidates(found: Collections, chosen: tuple[str, ...] | None) -> tuple[Collection, ...]:
    """Particle-flow candidates: the collection of this class where the energy flow is not whole."""
    of_class = () if is_whole_flow(found) else choose_candidates(found)[0]
    return tuple(_candidate(found, name) for name in chosen or of_class or FLOW)


def _candidate(found: Collections, name: str) -> Collection:
    """Candidates, whose energy is known where the mass of tracks is."""
    part = _part(found, name, _CANDIDATE, Presence.OPTIONAL)
    if class_of(found, name) != "Track":
        return part
    fields = {field: text for field, text in part.fields.items() if field != "e"}
    return replace(part, fields=fields, extra={"e": energy_of_track(name, f"{name}.Mass")})


def _constituents(
    found: Collections, jets: str, chosen: tuple[str, ...] | None
) -> tuple[Constituents, ...]:
    """Objects that the references of jets may point to, in the order in which they are looked up,
    each with the fields that the file gives.

    An object may stand in several collections under one number, as a muon among the towers.
    """
    if not found.has(jets, "Constituents"):
        return ()
    names = chosen or tuple(
        name for name in _referenced(found, jets) if found.has(name, "fUniqueID")
    )
    return tuple(
        Constituents(
            available(found, name),
            presence=Presence.OPTIONAL,
            link=References(f"{jets}.Constituents", f"{name}.fUniqueID"),
        )
        for name in names
    )


def _referenced(found: Collections, jets: str) -> tuple[str, ...]:
    """Collections of what jets are made of; jets of generated particles have these."""
    if jets.startswith("Gen"):
        return found.of("GenParticle")
    flow = (*energy_flow(found, "Track"), *energy_flow(found, "Tower"))
    others = (*found.of("ParticleFlowCandidate"), *calorimeter_towers(found), *tracks(found))
    return (*flow, *others, *found.of("Muon"))


DELPHES = Schema(name="delphes", title="Delphes 3", find_versions=find_versions, trees=(_TREE,))
