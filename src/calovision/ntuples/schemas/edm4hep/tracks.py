"""Tracks of podio files.

A track is a helix in a magnetic field, pT = 0.299792458 GeV/(T m) B / |omega|, and the file does
not say which field that was. It is taken from particles that were made of one track, whose momentum
the reconstruction computed of this helix: if they agree, B is known. (EDM4hep: edm4hep.yaml,
TrackState; omega is in 1/mm.) Without it tracks are the charged particles: a pT of a wrong field
would look like any other.
"""

from collections.abc import Iterable, Iterator
from statistics import median

from calovision.ntuples.schemas.edm4hep.calorimeters import is_of_simulation
from calovision.ntuples.schemas.edm4hep.particles import momentum_fields
from calovision.ntuples.schemas.edm4hep.podio import (
    MOMENTUM,
    PARTICLE,
    TRACK,
    PodioCollection,
    PodioEvents,
)
from calovision.ntuples.schemas.schema import Collection

GEV_PER_TESLA_MM = 0.299792458e-3
AT_INTERACTION_POINT = 1  # location of a track state
_NEAR = (0, AT_INTERACTION_POINT)  # 0 is not said where: at the production in k4SimDelphes
_AGREEMENT = 0.01  # of the fields of half of the tracks
_ENOUGH_TRACKS = 5


def tracks_of(events: PodioEvents, candidates: PodioCollection | None) -> PodioCollection | None:
    """Find the tracks whose helix can be read, those that particles are made of first, those of
    generated particles last.
    """
    choices = [one for one in events.of_kind(TRACK) if state_part(events, one, 1.0) is not None]
    linked = linked_tracks(events, candidates) if candidates is not None else None
    return min(
        choices,
        key=lambda one: (events.is_empty(one), is_of_simulation(one.name), one is not linked),
        default=None,
    )


def linked_tracks(events: PodioEvents, particles: PodioCollection) -> PodioCollection | None:
    """Tracks that particles are made of: by the numbers of collections, else the only ones."""
    rows = events.relation(particles, "tracks", 1)
    if rows is None or not {"tracks_begin", "tracks_end"} <= particles.members:
        return None
    owners = {number for of_event in events.owners(rows) for number in of_event}
    found = [*map(events.identified, owners)] if events.identifiers else events.of_kind(TRACK)
    return found[0] if len(found) == 1 and len(owners) == 1 else None


def magnetic_field(events: PodioEvents) -> tuple[float, str] | None:
    """Field in tesla, with what tells it; None if nothing does.

    Each collection of particles is asked, since a file may hold several of which some have lost
    their tracks.
    """
    for particles in events.of_kind(PARTICLE):
        tracks = linked_tracks(events, particles)
        if tracks is None or state_part(events, tracks, 1.0) is None:
            continue
        fields = sorted(_fields(events, particles, tracks))
        if len(fields) < _ENOUGH_TRACKS:
            continue
        middle = median(fields)
        quarter = len(fields) // 4
        if fields[-1 - quarter] - fields[quarter] <= _AGREEMENT * middle:
            return round(middle, 3), f"the momenta of {particles.name} with a track"
    return None


def _fields(
    events: PodioEvents, particles: PodioCollection, tracks: PodioCollection
) -> Iterator[float]:
    """Field of each particle with one track."""
    states = events.track_states(tracks)
    rows = events.relation(particles, "tracks", 1)
    columns = [
        *(events.lists(particles, name) for name in ("tracks_begin", "tracks_end", *MOMENTUM[:2])),
        events.lists(rows, "index"),
        events.lists(tracks, "trackStates_begin"),
        events.lists(states, "omega"),
    ]
    for begins, ends, p_x, p_y, index, of_track, omega in zip(*columns, strict=True):
        for begin, end, x, y in zip(begins, ends, p_x, p_y, strict=True):
            if end - begin != 1 or end > len(index) or not 0 <= index[begin] < len(of_track):
                continue  # several, or lost where a file was slimmed
            state = of_track[index[begin]]
            if state < len(omega) and omega[state]:
                yield (x**2 + y**2) ** 0.5 * abs(omega[state]) / GEV_PER_TESLA_MM


def state_part(events: PodioEvents, tracks: PodioCollection, field: float) -> Collection | None:
    """Tracks as their states at the interaction point, or as their only ones; None if a track has
    neither. Those without curvature, whose momentum is not known, are left out, and so are states
    elsewhere, also where the first entries have none.
    """
    states = events.track_states(tracks)
    if states is None or not {"trackStates_begin", "trackStates_end"} <= tracks.members:
        return None
    n_states = [
        end - begin
        for begins, ends in zip(
            events.lists(tracks, "trackStates_begin"),
            events.lists(tracks, "trackStates_end"),
            strict=True,
        )
        for begin, end in zip(begins, ends, strict=True)
    ]
    locations = _flat(events.lists(states, "location"))
    allowed = _NEAR
    if any(number != 1 for number in n_states) or not set(locations) <= set(_NEAR):
        if locations.count(AT_INTERACTION_POINT) != len(n_states):
            return None
        allowed = (AT_INTERACTION_POINT,)
    is_near = " or ".join(f"{states.formula('location')} == {one}" for one in allowed)
    return Collection(
        {
            "pt": f"{GEV_PER_TESLA_MM * field!r} / abs({states.formula('omega')})",
            "eta": f"arcsinh({states.formula('tanLambda')})",
            "phi": states.formula("phi"),
        },
        cut=f"{states.formula('omega')} != 0 and ({is_near})",
    )


def _flat(lists: Iterable[Iterable[int]]) -> list[int]:
    return [value for of_event in lists for value in of_event]


def momentum_part(events: PodioEvents, tracks: PodioCollection) -> Collection | None:
    """Tracks whose record has the momentum (EDM4eic); None if it has none, or zeros."""
    if not set(MOMENTUM) <= tracks.members or events.is_zero(tracks, *MOMENTUM):
        return None
    return Collection(momentum_fields(tracks))


def charged_part(particles: PodioCollection) -> Collection:
    """Tracks as the charged particles."""
    cut = f"{particles.formula('charge')} != 0"
    return Collection(momentum_fields(particles), cut=cut, subset=particles.subset)
