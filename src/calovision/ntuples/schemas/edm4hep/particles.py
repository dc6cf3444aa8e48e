"""Reconstructed particles of podio files: candidates, towers and tracks made of them, jets."""

import re

from calovision.ntuples.schemas.edm4hep.calorimeters import is_elsewhere, is_of_simulation
from calovision.ntuples.schemas.edm4hep.podio import (
    MOMENTUM,
    PARTICLE,
    PodioCollection,
    PodioEvents,
)
from calovision.ntuples.schemas.kinematics import momentum
from calovision.ntuples.schemas.links import Ranges
from calovision.ntuples.schemas.particles import ELECTRON, MUON, PHOTON, energies, is_any
from calovision.ntuples.schemas.schema import Collection, Constituents

_JETS = re.compile(r"[Jj]et")
_OF_VERTICES = re.compile(r"_RP$|vtx|Vertices|V0")
# Particles that are made of others, or some of them: vertices, leptons, other frames.
_NO_FLOW = re.compile(
    r"[Jj]et|Missing|MET|Vert|Electron|Muon|Photon|Lepton|Isolated|Isolep|Tau|Breit|"
    r"Kinematics|HadronicFinalState|Primary"
)
_FLOW = (
    re.compile(r"PandoraPFOs|PandoraPFANewPFOs"),
    re.compile(r"ReconstructedParticles|ReconstructedParticle"),
    re.compile(r".*(?:PFO|PFlow|ParticleFlow|EFlow).*"),
    re.compile(r".*ReconstructedParticle.*"),
    re.compile(r".*Reconstructed.*"),
)
# A charged particle without a type is known by its mass (k4SimDelphes writes the true one), GeV.
_ELECTRON_MASS, _MUON_MASS = ("0.0004", "0.0006"), ("0.1", "0.11")


def candidates_of(events: PodioEvents) -> PodioCollection | None:
    """Find the particle flow: neither jets nor vertices nor some of the particles; collections with
    objects first.
    """
    choices = [
        one
        for one in events.of_kind(PARTICLE)
        if not any(
            is_other(one.name)
            for is_other in (
                _NO_FLOW.search,
                _OF_VERTICES.search,
                is_of_simulation,
                is_elsewhere,
            )
        )
    ]
    return min(choices, key=lambda one: (events.is_empty(one), _rank(one.name)), default=None)


def _rank(name: str) -> tuple[int, bool]:
    order = next((i for i, pattern in enumerate(_FLOW) if pattern.fullmatch(name)), len(_FLOW))
    return order, "Charged" in name


def jets_of(events: PodioEvents) -> list[PodioCollection]:
    """Collections of jets, the one that is taken by itself first: with jets, not of generated
    particles, refined, of all particles, with a short name.
    """
    return sorted(
        (
            one
            for one in events.of_kind(PARTICLE)
            if _JETS.search(one.name) and not _OF_VERTICES.search(one.name)
        ),
        key=lambda one: (
            is_of_simulation(one.name),
            events.is_empty(one),
            "Refined" not in one.name,
            "Charged" in one.name,
            len(one.name),
        ),
    )


def momentum_fields(particles: PodioCollection) -> dict[str, str]:
    """Fields pt, eta, phi."""
    return momentum(*map(particles.formula, MOMENTUM))


def candidate_fields(particles: PodioCollection) -> dict[str, str]:
    """Fields of candidates."""
    charge, energy = particles.formula("charge"), particles.formula("energy")
    return {**momentum_fields(particles), "charge": charge, "e": energy}


def candidate_part(particles: PodioCollection) -> Collection:
    """Candidates."""
    return Collection(candidate_fields(particles), subset=particles.subset)


def has_types(events: PodioEvents, particles: PodioCollection) -> bool:
    """Return True if neutral particles of the first entries have PDG numbers, from that of photons
    on; what has smaller ones is numbered otherwise.
    """
    member = _type_member(particles)
    numbers = [] if member is None else _of_neutral(events, particles, member)
    return member is not None and (not numbers or any(abs(one) >= PHOTON for one in numbers))


def _of_neutral(events: PodioEvents, particles: PodioCollection, member: str) -> list[float]:
    """Values of a member of the neutral particles of the first entries."""
    columns = (events.lists(particles, name) for name in (member, "charge"))
    return [
        value
        for of_event in zip(*columns, strict=True)
        for value, charge in zip(*of_event, strict=True)
        if charge == 0
    ]


def energy_fields(particles: PodioCollection, *, typed: bool) -> dict[str, str]:
    """Fields of energy; the whole alone for particles without types."""
    energy = particles.formula("energy")
    if not typed:
        return {"e": energy}
    electromagnetic = _is_particle(particles, (ELECTRON, PHOTON), _ELECTRON_MASS)
    return energies(energy, electromagnetic, _is_particle(particles, (MUON,), _MUON_MASS))


def _is_particle(
    particles: PodioCollection, numbers: tuple[int, ...], mass: tuple[str, str]
) -> str:
    """Condition for particles of some PDG numbers, or charged ones without number of a mass."""
    number = particles.formula(_type_member(particles))
    known = is_any(number, *numbers)
    if "mass" not in particles.members:
        return f"({known})"
    of_mass, charge = particles.formula("mass"), particles.formula("charge")
    low, high = mass
    return (
        f"({known} | (({number} == 0) & ({charge} != 0) & ({of_mass} > {low}) & "
        f"({of_mass} < {high})))"
    )


def _type_member(particles: PodioCollection) -> str | None:
    """Member with the PDG number: PDG, which before EDM4hep 0.99 was type."""
    return next((name for name in ("PDG", "type") if name in particles.members), None)


def jet_part(jets: PodioCollection) -> Collection:
    """Fields of jets; a record without mass has that of its energy and momentum."""
    energy, x, y, z = map(jets.formula, ("energy", *MOMENTUM))
    mass = f"sqrt(maximum({energy}**2 - {x}**2 - {y}**2 - {z}**2, 0))"
    return Collection(
        {
            **momentum_fields(jets),
            "mass": jets.formula("mass") if "mass" in jets.members else mass,
        }
    )


def constituent_parts(
    events: PodioEvents, jets: PodioCollection, candidates: PodioCollection | None
) -> tuple[tuple[Constituents, ...], str]:
    """Constituents of jets, one part for each collection that they come from (the candidates, if
    the first entries have no jets); else the reason why there are none.
    """
    rows = events.relation(jets, "particles", 2)
    if rows is None or not {"particles_begin", "particles_end"} <= jets.members:
        return (), "the file does not say which particles are in its jets"
    owners = {number for of_event in events.owners(rows) for number in of_event}
    if candidates is not None and not owners:
        owners = {
            number for number, name in events.identifiers.items() if name == candidates.source
        }
    found = {number: _owner(events, rows, number) for number in sorted(owners)}
    if not found:
        return (), f"{rows} is empty"
    if unknown := [number for number, one in found.items() if one is None]:
        numbers = ", ".join(map(str, unknown))
        if events.identifiers:
            names = (events.identifiers.get(one, f"number {one}") for one in unknown)
            return (), f"their particles are in {', '.join(names)}, which the file has not"
        return (), f"the file does not say which collection has the number {numbers}"
    return tuple(
        _constituents(events, jets, rows, (number, *(set(found) - {number})), one)
        for number, one in found.items()
    ), ""


def _owner(events: PodioEvents, rows: str, number: int) -> PodioCollection | None:
    """Collection of particles with a number; in a file without names of the numbers the only one
    that has all objects which the rows point to.
    """
    if events.identifiers:
        owner = events.identified(number)
        return owner if owner is not None and owner.kind == PARTICLE else None
    needed = [
        max((i for i, owner in zip(*pair, strict=True) if owner == number), default=-1)
        for pair in zip(events.lists(rows, "index"), events.owners(rows), strict=True)
    ]
    fitting = [
        one
        for one in events.of_kind(PARTICLE)
        if all(
            len(objects) > largest
            for objects, largest in zip(events.lists(one, "energy"), needed, strict=True)
        )
    ]
    return fitting[0] if len(fitting) == 1 else None


def _constituents(
    events: PodioEvents,
    jets: PodioCollection,
    rows: str,
    numbers: tuple[int, ...],
    particles: PodioCollection,
) -> Constituents:
    """Part of the constituents; the first of the numbers is that of the particles, the others are
    those of the other parts.
    """
    number, *others = numbers
    typed = has_types(events, particles)
    return Constituents(
        {**candidate_fields(particles), **energy_fields(particles, typed=typed)},
        link=Ranges(
            begin=jets.branch("particles_begin"),
            end=jets.branch("particles_end"),
            index=f"{rows}.index",
            owner=f"{rows}.collectionID",
            owner_id=number,
            other_ids=tuple(others),
        ),
    )
