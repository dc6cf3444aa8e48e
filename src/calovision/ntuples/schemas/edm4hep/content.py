"""Collections of a podio file, and sentences that say what they are made of."""

from calovision.ntuples.schemas.edm4hep.choice import Choice
from calovision.ntuples.schemas.edm4hep.particles import (
    candidate_part,
    candidates_of,
    constituent_parts,
    jet_part,
    jets_of,
)
from calovision.ntuples.schemas.edm4hep.podio import (
    PARTICLE,
    TRACK,
    PodioCollection,
    PodioEvents,
)
from calovision.ntuples.schemas.edm4hep.towers import WORDS, tower_parts, towers_of
from calovision.ntuples.schemas.edm4hep.tracks import (
    GEV_PER_TESLA_MM,
    charged_part,
    magnetic_field,
    momentum_part,
    state_part,
    tracks_of,
)
from calovision.ntuples.schemas.schema import Collection

Found = tuple[dict[str, tuple[Collection, ...]], tuple[str, ...]]
"""Arguments of `TreeSchema`, and notes."""


def describe_content(events: PodioEvents, choice: Choice) -> Found:
    """Find towers, tracks, candidates, jets and their constituents."""
    candidates = choice.one("candidates") or candidates_of(events)
    flow = () if candidates is None else (candidate_part(candidates),)
    towers, about_towers = _towers(events, choice, candidates)
    tracks, about_tracks = _tracks(events, choice, candidates)
    jets, about_jets = _jets(events, choice, candidates)
    found = {"towers": towers, "tracks": tracks, "candidates": flow, **jets}
    return found, (*about_towers, *about_tracks, *about_jets)


def _towers(
    events: PodioEvents, choice: Choice, candidates: PodioCollection | None
) -> tuple[tuple[Collection, ...], tuple[str, ...]]:
    chosen = choice.of("towers")
    collections = towers_of(events, candidates) if chosen is None else chosen
    if not collections:
        return (), ("no towers: there are no calorimeter hits, clusters or particles",)
    parts = tower_parts(events, collections)
    words = " and ".join(kinds := dict.fromkeys(WORDS[one.kind] for one in collections))
    names = [one.name for one in collections]
    notes = [f"towers are the {words} {', '.join(names)}"]
    if len(kinds) > 1 or (len(names) > 1 and any("jet" in name.lower() for name in names)):
        notes[0] += ", which may hold the same energy: then it counts twice"
    if not all("e_em" in part.fields for part in parts):
        notes.append(
            "towers have energy alone (channels energy, et): nothing tells what is electromagnetic"
        )
    return parts, tuple(notes)


def _tracks(
    events: PodioEvents, choice: Choice, candidates: PodioCollection | None
) -> tuple[tuple[Collection, ...], tuple[str, ...]]:
    chosen = choice.one("tracks")
    if chosen is not None and chosen.kind == PARTICLE:
        return (charged_part(chosen),), (f"tracks are the charged {chosen.name}",)
    tracks = chosen or tracks_of(events, candidates)
    field = magnetic_field(events) if tracks is not None else None
    part = state_part(events, tracks, field[0]) if field is not None else None
    if part is not None:
        note = f"tracks are the track states of {tracks.name}, in a field of {field[0]:g} T as "
        return (part,), (f"{note}{field[1]} tell it",)
    if chosen is not None:
        return _chosen_tracks(events, chosen)
    if candidates is not None:
        reason = f"; {tracks.name} have no pT, as the field is not known" if tracks else ""
        return (charged_part(candidates),), (f"tracks are the charged {candidates.name}{reason}",)
    own = next((one for one in events.of_kind(TRACK) if momentum_part(events, one)), None)
    if own is not None:
        return (momentum_part(events, own),), (f"tracks are {own.name}",)
    return (), (_why_no_tracks(events, tracks),)


def _chosen_tracks(
    events: PodioEvents, tracks: PodioCollection
) -> tuple[tuple[Collection, ...], tuple[str, ...]]:
    """Tracks that the user chose, whose helix does not tell the momentum."""
    part = momentum_part(events, tracks)
    if part is not None:
        return (part,), (f"tracks are {tracks.name}",)
    return (), (_why_no_tracks(events, tracks),)


def _why_no_tracks(events: PodioEvents, tracks: PodioCollection | None) -> str:
    states = None if tracks is None else events.track_states(tracks)
    if states is None:
        return "no tracks: there are no track states and no charged particles"
    return (
        f"no tracks: nothing tells the magnetic field of {tracks.name}; give pt of tracks as a "
        f"formula, {GEV_PER_TESLA_MM:g} * B / abs({states.formula('omega')}) with B in tesla"
    )


def _jets(
    events: PodioEvents, choice: Choice, candidates: PodioCollection | None
) -> tuple[dict[str, tuple[Collection, ...]], tuple[str, ...]]:
    chosen = choice.one("fat_jets")
    jets = chosen or next(iter(jets_of(events)), None)
    if jets is None:
        return {}, ()
    constituents, reason = constituent_parts(events, jets, candidates)
    empty = " (the first entries have none)" if events.is_empty(jets) else ""
    made = "" if constituents else f", without constituents: {reason}"
    found = {"fat_jets": (jet_part(jets),), "constituents": constituents}
    return found, (f"jets are {jets.name}{empty}{made}",)
