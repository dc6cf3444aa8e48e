"""Choice of the collections of a NanoAOD file that its images are made of."""

from collections.abc import Collection as Names
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from calovision.core.errors import InputError
from calovision.core.registry import nearest
from calovision.ntuples.schemas.nanoaod.candidates import candidate_prefixes
from calovision.ntuples.schemas.nanoaod.jets import (
    SCOUTING_JETS,
    found_jets,
    found_leptons,
)

_KEYS = ("towers", "candidates")


@dataclass(frozen=True)
class Choice:
    """Collections that a user chose.

    Attributes
    ----------
    candidates
        Prefix of the candidates; None for the usual ones.
    towers
        Jets, then leptons; none if towers are candidates, or what is usual.
    """

    candidates: str | None = None
    towers: tuple[str, ...] = ()


def usual_towers(names: Names[str]) -> tuple[str, ...]:
    """Jets and leptons that towers are made of where there are no candidates; none without jets."""
    found = found_jets(names)
    if not found:
        return ()
    jets = found[0]
    return (jets,) if jets in SCOUTING_JETS else (jets, *found_leptons(names))


def read_choice(
    chosen: Mapping[str, tuple[str, ...]], names: Names[str], path: Path | str
) -> Choice:
    """Check a choice of collections.

    Raises
    ------
    InputError
        If the key or the collection is unknown, or if a choice would count energy twice.
    """
    candidates, jets, leptons = (
        candidate_prefixes(names),
        found_jets(names),
        found_leptons(names),
    )
    possible = {"towers": [*candidates, *jets, *leptons], "candidates": candidates}
    for key, given in chosen.items():
        _check_names(key, given, possible, path)
    towers = chosen.get("towers", ())
    prefixes = {*chosen.get("candidates", ()), *(set(towers) & set(candidates))}
    if len(prefixes) > 1:
        _refuse(path, f"candidates are {' and '.join(sorted(prefixes))}", "those of one name")
    others = tuple(name for name in towers if name not in prefixes)
    if others and len(others) < len(towers):
        _refuse(path, f"towers are {', '.join(towers)}", "either candidates or jets")
    if others and (others[0] not in jets or not set(others[1:]) <= set(leptons)):
        _refuse(path, f"towers are {', '.join(towers)}", "jets of one name, then leptons")
    if others and others[0] in SCOUTING_JETS and len(others) > 1:
        _refuse(path, f"towers are {', '.join(towers)}", "the jets of scouting alone")
    return Choice(next(iter(prefixes), None), others)


def _check_names(
    key: str, chosen: tuple[str, ...], possible: Mapping[str, list[str]], path: Path | str
) -> None:
    """Raise InputError unless a file has all collections of a choice."""
    if key not in possible:
        known = ", ".join(possible)
        given = "jets" if key == "fat_jets" else key
        raise InputError(
            f"{path}: {given} of NanoAOD cannot be chosen; choose those of {known}, or give the "
            f"fields of {given}"
        )
    for name in chosen:
        if name not in possible[key]:
            known = ", ".join(possible[key]) or "none"
            raise InputError(
                f"{path}: {key} are to be made of {name!r}, which the file does not have with all "
                f"that is needed; it has {known}{nearest(name, possible[key])}"
            )


def _refuse(path: Path | str, found: str, right: str) -> None:
    """Raise InputError for a choice that would count energy twice."""
    raise InputError(f"{path}: chosen {found}; choose {right}, so that no energy counts twice")
