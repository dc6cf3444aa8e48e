"""NanoAOD of CMS, versions 5 to 15, PFNano and scouting; the fat jets are AK8.

Towers are the candidates of the file (`candidates`); where it has none, its jets and the
leptons outside of them (`jets`). A user chooses with names of collections:
``candidates: PFCands``, ``towers: [Jet, Electron]`` or ``towers: PFCands``.
"""

from collections.abc import Collection as Names
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from calovision.ntuples.schemas.cms_particles import (
    candidate_fields,
    is_electromagnetic,
    is_muon,
)
from calovision.ntuples.schemas.nanoaod.candidates import (
    Candidates,
    find_candidates,
    incomplete_candidates,
)
from calovision.ntuples.schemas.nanoaod.choice import read_choice, usual_towers
from calovision.ntuples.schemas.nanoaod.jets import (
    SCOUTING_JETS,
    has_momenta,
    jet_towers,
    lepton_tracks,
)
from calovision.ntuples.schemas.particles import particle_flow
from calovision.ntuples.schemas.schema import (
    SUBJETTINESS,
    Collection,
    Counters,
    Presence,
    Schema,
    TreeSchema,
)

if TYPE_CHECKING:
    from calovision.ntuples.content import FileContent

# With an underscore in the productions of 2016 to 2018 (NanoAOD v5 to v7).
_RUNS = Counters(
    "Runs", ("genEventCount", "genEventCount_"), ("genEventSumw", "genEventSumw_"), may_miss=True
)
_SCOUTING_FAT_JETS = ("ScoutingFatPFJetRecluster", "ScoutingFatJet")
_BASE = TreeSchema(
    tree="Events",
    event_number="event",
    run="run",
    lumi_block="luminosityBlock",
    weight="genWeight",
    weight_may_miss=True,  # collision data have none
    weight_factors=("LHEScaleWeight", "PSWeight"),
    counters=_RUNS,
)


def _find_versions(
    content: "FileContent", chosen: Mapping[str, tuple[str, ...]]
) -> tuple[TreeSchema, ...]:
    """The version of a file: candidates, else jets and leptons; none without the tree.

    Raises
    ------
    InputError
        If a collection is chosen that the file does not have, or that counts energy twice.
    """
    names = content.names(_BASE.tree)
    # uproot writes the number of objects of each branch: nPFCand_pt
    names = {name for name in names if not (name[:1] == "n" and name[1:] in names)}
    if not names:
        return ()
    choice = read_choice(chosen, names, content.path)
    candidates = find_candidates(names, choice.candidates)
    base = _BASE
    if candidates is not None:
        base = _with_candidates(base, candidates, names)
    if candidates is not None and not choice.towers:
        return (base,)
    return (_with_jets(base, choice.towers, names),)


def _with_candidates(base: TreeSchema, candidates: Candidates, names: Names[str]) -> TreeSchema:
    """Version whose collections are made of candidates."""
    prefix, link = candidates.prefix, candidates.link
    collections = particle_flow(
        candidate_fields(prefix, names),
        is_electromagnetic(f"{prefix}_pdgId"),
        is_muon(f"{prefix}_pdgId"),
        {"link": link, "presence": Presence.OPTIONAL},
    )
    if link is None:
        collections["constituents"] = ()
    return replace(
        base,
        **collections,
        **_fat_jets(names, scouting=prefix.startswith("Scouting")),
        # The second one leaves leptons as they are: for missing energy; jets are made with the
        # first.
        puppi_weights=tuple(f"{prefix}_{name}" for name in ("puppiWeight", "puppiWeightNoLep")),
        notes=_notes_of_candidates(candidates, names),
    )


def _notes_of_candidates(candidates: Candidates, names: Names[str]) -> tuple[str, ...]:
    prefix, link = candidates.prefix, candidates.link
    other = usual_towers(names)
    notes = []
    if candidates.others:
        notes.append(
            f"the candidates are {prefix}; the file also has {' and '.join(candidates.others)} "
            f"(choose: {{candidates: {candidates.others[0]}}})"
        )
    if prefix == "PFCand" or (link is not None and link.item_index is None):
        jets = "fat jets" + " with |eta| < 2.5" * (prefix == "PFCand")
        jets += " and of small-R jets" * ("JetPFCand_jetIdx" in names)
        notes.append(
            f"{prefix} holds the constituents of {jets} alone: an event without such a jet has an "
            "empty image" + (f" (choose: {{towers: [{', '.join(other)}]}})" if other else "")
        )
    return tuple(notes)


def _with_jets(base: TreeSchema, chosen: tuple[str, ...], names: Names[str]) -> TreeSchema:
    """Version whose towers are jets, and leptons outside of them.

    Where there are candidates, the other collections are theirs.
    """
    jets, *leptons = chosen or usual_towers(names) or ("Jet",)
    source = f"towers are {jets}"
    if leptons:
        source += f", and {', '.join(leptons)} outside of them"
    version = replace(base, towers=jet_towers(jets, leptons, names))
    if base.candidates:
        made_of = tuple(name for name in base.weighted_collections if name != "towers")
        return replace(version, weighted_collections=made_of, notes=(f"as chosen, {source}",))
    is_scouting = jets in SCOUTING_JETS
    tracks = {} if is_scouting else lepton_tracks(names)
    of_tracks = f"; tracks are {', '.join(tracks)}" if tracks else ""
    return replace(
        version,
        tracks=tuple(tracks.values()),
        **_fat_jets(names, scouting=is_scouting),
        weighted_collections=(),
        notes=(f"{_without_candidates(names)}: {source}{of_tracks}",),
    )


def _without_candidates(names: Names[str]) -> str:
    """Reason why the images are not made of candidates."""
    reasons = [
        f"{prefix} lacks {', '.join(lacking)}"
        for prefix, lacking in incomplete_candidates(names).items()
    ]
    shown = f" ({'; '.join(reasons)})" if reasons else ""
    return f"the file has no particle-flow candidates{shown}"


def _fat_jets(names: Names[str], *, scouting: bool) -> dict[str, object]:
    """Fat jets of the file."""
    prefixes = _SCOUTING_FAT_JETS if scouting else ("FatJet",)
    prefix = next((name for name in prefixes if has_momenta(name, names)), prefixes[0])
    fat_jets = Collection(
        {name: f"{prefix}_{name}" for name in ("pt", "eta", "phi", "mass")},
        extra={tau: f"{prefix}_{tau}" for tau in SUBJETTINESS},
        presence=Presence.ALL_OR_NONE,
    )
    return {
        "fat_jets": (fat_jets,),
        "uncalibrated_pt": f"{prefix}_pt * (1 - {prefix}_rawFactor)",
    }


NANOAOD = Schema(
    name="nanoaod",
    title="NanoAOD of CMS",
    trees=(_BASE.tree,),
    find_versions=_find_versions,
    fat_jet_radius=0.8,
)
