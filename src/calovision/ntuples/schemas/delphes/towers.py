"""Collections of a Delphes file that its towers are made of, the best that there are."""

from calovision.ntuples.schemas.delphes.classes import (
    TOWER_LEAVES,
    Collections,
    is_energy_flow,
)

# Names of the collections, and sentences on what is made of them.
Choice = tuple[tuple[str, ...], tuple[str, ...]]
_NOTHING: Choice = ((), ())
# Words in the names of the towers of a calorimeter.
_KINDS = (("electromagnetic", ("ecal", "photon")), ("hadronic", ("hcal", "hadron")))
FLOW = ("EFlowTrack", "EFlowPhoton", "EFlowNeutralHadron")


def choose_towers(found: Collections) -> Choice:
    """Towers of the calorimeter; without them the whole energy flow, particle-flow candidates, a
    part of the energy flow, tracks, or, as a last resort, jets and leptons; none of these is
    nothing.
    """
    searches = (_calorimeter, _flow, choose_candidates, _part_of_flow, _tracks, _jets_and_leptons)
    return next((choice for search in searches if (choice := search(found))[0]), _NOTHING)


def with_energy_twice(found: Collections, towers: tuple[str, ...]) -> tuple[str, ...]:
    """Sentence on chosen towers of several kinds, each of which holds the energy of the event.

    Leptons and photons are no such kind, since Delphes takes isolated ones out of the jets.
    """
    kinds = {
        "Jet": found.of("Jet"),
        "ParticleFlowCandidate": found.of("ParticleFlowCandidate"),
        "Tower": calorimeter_towers(found),
        "Track": (*found.of("Track"), *energy_flow(found, "Tower")),
    }
    of_kind = [names for one in kinds.values() if (names := [n for n in towers if n in one])]
    of_kind += [[name] for name in towers if name in kinds["Jet"]][1:]  # of another radius
    if len(of_kind) < 2:
        return ()
    names = [name for name in towers if any(name in names for names in of_kind)]
    return (f"towers are {_listed(names)}, which hold the same energy: it counts twice",)


def choose_candidates(found: Collections) -> Choice:
    """Collection of particle-flow candidates."""
    return _one_of("towers", "ParticleFlowCandidate", found.of("ParticleFlowCandidate"))


def choose_tracks(found: Collections) -> Choice:
    """Tracks, or those of the energy flow where there are no others."""
    return _one_of("tracks", "Track", tracks(found) or energy_flow(found, "Track")[:1])


def calorimeter_towers(found: Collections) -> tuple[str, ...]:
    """Collections of towers that are not of the energy flow."""
    names = (name for name in found.of("Tower") if not is_energy_flow(name))
    return found.with_any(names, TOWER_LEAVES)


def tracks(found: Collections) -> tuple[str, ...]:
    """Collections of tracks that are not of the energy flow, ``Track`` first."""
    names = [name for name in found.of("Track") if not is_energy_flow(name)]
    return found.with_any(_usual_first("Track", names), ("PT", "Eta", "Phi"))


def energy_flow(found: Collections, kind: str) -> tuple[str, ...]:
    """Collections of the energy flow of a class, by the names of Delphes' own cards if it has
    these.
    """
    names = [name for name in found.of(kind) if is_energy_flow(name)]
    return tuple(name for name in FLOW if name in names) or tuple(names)


def is_whole_flow(found: Collections) -> bool:
    """Return True if the file has the tracks and both kinds of neutral objects of the energy
    flow.
    """
    return set(FLOW) <= set(energy_flow(found, "Track")) | set(energy_flow(found, "Tower"))


def _calorimeter(found: Collections) -> Choice:
    """One collection, or one of each calorimeter."""
    names = calorimeter_towers(found)
    kinds = [next((kind for kind, words in _KINDS if _has(name, words)), "") for name in names]
    if "Tower" not in names and sorted(kinds) == ["electromagnetic", "hadronic"]:
        return names, (f"towers are those of {_listed(names)} together",)
    return _one_of("towers", "Tower", names)


def _flow(found: Collections) -> Choice:
    whole = (*energy_flow(found, "Track"), *energy_flow(found, "Tower"))
    return (whole, ()) if is_whole_flow(found) else _NOTHING


def _part_of_flow(found: Collections) -> Choice:
    """Neutral objects, with tracks in the place of the charged ones if these are missing."""
    neutral = energy_flow(found, "Tower")
    charged = energy_flow(found, "Track") or tracks(found)[:1]
    if not neutral:
        return _NOTHING
    kinds = {"photon": "photons", "hadron": "neutral hadrons"}
    of_kind = {kind: [name for name in neutral if kind in name.lower()] for kind in kinds}
    lacking = [] if charged else ["charged particles"]
    if len([name for names in of_kind.values() for name in names]) == len(neutral):
        lacking += [words for kind, words in kinds.items() if not of_kind[kind]]
    names = (*charged, *neutral)
    without = f", without {_listed(lacking)}, which the file has not" if lacking else ""
    return names, (f"towers are made of {_listed(names)}{without}",)


def _tracks(found: Collections) -> Choice:
    every = (*tracks(found), *energy_flow(found, "Track"))
    names = tuple(name for name in every if found.has(name, "PID"))[:1]
    return names, tuple(
        f"towers are made of {name} alone: the file has no neutral particles" for name in names
    )


def _jets_and_leptons(found: Collections) -> Choice:
    """The small-R jets, else others, and each kind of leptons and photons."""
    jets = [name for name in found.of("Jet") if not name.startswith("Gen")]
    chosen = _usual_first("Jet", jets)[:1]
    for kind in ("Photon", "Electron", "Muon"):
        chosen += _usual_first(kind, found.of(kind))[:1]
    if not chosen:
        return _NOTHING
    twice = ""
    if jets and len(chosen) > 1:
        twice = "; what its card did not take out of the jets (UniqueObjectFinder) counts twice"
    return chosen, (f"towers are made of {_listed(chosen)}: the file has nothing finer{twice}",)


def _one_of(ours: str, usual: str, names: tuple[str, ...]) -> Choice:
    """One of several collections: that of the usual name, else the first, which is then said."""
    if usual in names or len(names) < 2:
        return _usual_first(usual, names)[:1], ()
    return names[:1], (
        f"{ours} are those of {names[0]}; a schema with choose: {{{ours}: ...}} takes those of "
        f"{_listed(names[1:])}",
    )


def _has(name: str, words: tuple[str, ...]) -> bool:
    return any(word in name.lower() for word in words)


def _usual_first(usual: str, names: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Names with the usual one, if it is there, at the front."""
    return tuple(sorted(names, key=lambda name: name != usual))


def _listed(names: list[str] | tuple[str, ...]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
