"""Particle-flow candidates of a NanoAOD file, and the table of those that belong to its fat jets.

| production | candidates | constituents of fat jets |
|---|---|---|
| PFNano (github.com/cms-jet/PFNano, addPFCands_cff.py) | PFCands | FatJetPFCands, pFCandsIdx |
| its release 10_6_X | JetPFCands | JetPFCandsAK8, candIdx |
| its release 10_2_X | FatJetPFCands, one row a constituent | the same, jetIdx |
| NanoAOD from version 15 on (jetConstituents_cff.py of CMSSW) | PFCand | FatJetPFCand, pfCandIdx |
| scouting (run3scouting_cff.py of CMSSW) | ScoutingPFCandidate, ScoutingParticle | none |

Other productions give them other names; candidates are found by ``PFCand`` in the name and by their
branches.
"""

import re
from collections.abc import Collection as Names
from dataclasses import dataclass

from calovision.ntuples.schemas.links import IndexTable

# Usual candidates, those to be taken first at the head -> their usual table of constituents, whose
# branches a file without it lacks. Between candidates of other names the shortest is taken.
_USUAL = {
    "PFCands": IndexTable("FatJetPFCands_jetIdx", "FatJetPFCands_pFCandsIdx"),
    "PFCand": IndexTable("FatJetPFCand_jetIdx", "FatJetPFCand_pfCandIdx"),
    "JetPFCands": IndexTable("JetPFCandsAK8_jetIdx", "JetPFCandsAK8_candIdx"),
    "ScoutingPFCandidate": None,
    "ScoutingParticle": None,
}
_CANDIDATES = re.compile(r"(?!Gen)\w*pf_?cand(s|idates?)?|ScoutingParticle", re.IGNORECASE)
_DEMANDED = ("pt", "eta", "phi", "pdgId")
_OF_FAT_JETS = re.compile(r"(?!Gen|\w*AK(?!8))\w*(FatJet|AK8)\w*", re.IGNORECASE)
_ITEM = re.compile(r"(?P<table>\w+)_(?P<item>\w*cand\w*idx)", re.IGNORECASE)


@dataclass(frozen=True)
class Candidates:
    """Names of the candidates of a file.

    Attributes
    ----------
    prefix
        As ``PFCands`` of ``PFCands_pt``.
    link
        Table of those that belong to fat jets; None if the production writes none.
    others
        Further candidates of the file, which are not read; none if a user chose.
    """

    prefix: str
    link: IndexTable | None
    others: tuple[str, ...] = ()


def find_candidates(names: Names[str], chosen: str | None = None) -> Candidates | None:
    """Candidates of a file with these branches, or those of its prefix ``chosen``; None if there
    are none with momentum and kind.
    """
    found = candidate_prefixes(names)
    if not found:
        return None
    prefix = found[0] if chosen is None else chosen
    others = tuple(name for name in found if name != prefix)
    link = _find_link(prefix, names, is_alone=not others)
    return Candidates(prefix, link, () if chosen else others)


def candidate_prefixes(names: Names[str]) -> list[str]:
    """Prefixes of all candidates with momentum and kind, those to be taken first."""
    prefixes = {name.rpartition("_")[0] for name in names if name.endswith("_pdgId")}
    found = [
        prefix
        for prefix in prefixes
        if _CANDIDATES.fullmatch(prefix) and all(f"{prefix}_{of}" in names for of in _DEMANDED)
    ]
    return sorted(found, key=lambda prefix: _rank(prefix, names))


def incomplete_candidates(names: Names[str]) -> dict[str, list[str]]:
    """Prefix -> branches that are lacking, of what looks like candidates but is not complete.

    Tables of constituents may repeat the momentum of candidates, but not their direction.
    """
    prefixes = {name.removesuffix("_eta") for name in names if name.endswith("_eta")}
    return {
        prefix: lacking
        for prefix in sorted(prefixes)
        if _CANDIDATES.fullmatch(prefix)
        and (lacking := [name for of in _DEMANDED if (name := f"{prefix}_{of}") not in names])
    }


def _rank(prefix: str, names: Names[str]) -> tuple[object, ...]:
    """Order of candidates: those of jets alone (one row a constituent) come last, among them those
    of fat jets first.
    """
    is_of_jets = f"{prefix}_jetIdx" in names
    return (
        is_of_jets,
        is_of_jets and not _OF_FAT_JETS.fullmatch(prefix),
        prefix.startswith("Scouting"),
        [*_USUAL, prefix].index(prefix),
        len(prefix),
        prefix,
    )


def _find_link(prefix: str, names: Names[str], *, is_alone: bool) -> IndexTable | None:
    """Table of the constituents of fat jets; of several kinds of candidates, that of their name."""
    if f"{prefix}_jetIdx" in names:
        is_of_fat_jets = _OF_FAT_JETS.fullmatch(prefix)
        return IndexTable(f"{prefix}_jetIdx") if is_of_fat_jets else None
    for name in sorted(names):
        match = _ITEM.fullmatch(name)
        if match is None or not _OF_FAT_JETS.fullmatch(table := match["table"]):
            continue
        is_theirs = is_alone or table.endswith(prefix) or table == f"{prefix}AK8"
        if is_theirs and f"{table}_jetIdx" in names:
            return IndexTable(f"{table}_jetIdx", name)
    return _USUAL.get(prefix)
