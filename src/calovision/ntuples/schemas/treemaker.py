"""TreeMaker of CMS (github.com/TreeMaker/TreeMaker): Lorentz vectors, and properties beside them.

Its class ``JetsConstituents`` (Utils/src/JetsConstituents.cc) writes the candidates of all jets,
each once, their kinds and PUPPI weights, which their momenta lack, and the positions of those of
each jet: their numbers and one list an event, or lists in lists with the option nestedVectors.
Without them towers are the jets of radius 0.4, whose fractions of the energy sum up to 1 with that
of muons.

``Weight`` is the cross-section over the number of generated events of the whole sample, with the
sign of the generator weight (WeightProducer/src/WeightProducer.cc).
"""

from collections.abc import Container
from dataclasses import replace
from typing import TYPE_CHECKING

from calovision.core.errors import InputError
from calovision.ntuples.schemas.cms_particles import charge_of, is_electromagnetic, is_muon
from calovision.ntuples.schemas.kinematics import momentum
from calovision.ntuples.schemas.links import Counts, Link, NestedIndices
from calovision.ntuples.schemas.particles import particle_flow
from calovision.ntuples.schemas.schema import (
    Chosen,
    Collection,
    Presence,
    Schema,
    TreeSchema,
)

if TYPE_CHECKING:
    from calovision.ntuples.content import FileContent

TREES = ("TreeMaker2/PreSelection", "PreSelection")
_CANDIDATES, _KIND = "JetsConstituents", "JetsConstituents_PdgId"
_POSITION = ("eta", "phi")
_MOMENTUM = ("pt", *_POSITION)
_FAT_JETS = Collection(
    {name: f"JetsAK8.{name}" for name in (*_MOMENTUM, "mass")},
    extra={f"tau{n}": f"JetsAK8_NsubjettinessTau{n}" for n in (1, 2, 3, 4)},
    presence=Presence.ALL_OR_NONE,
)
_BASE = TreeSchema(
    tree=TREES[0],
    fat_jets=(_FAT_JETS,),
    event_number="EvtNum",
    run="RunNum",
    lumi_block="LumiBlockNum",
    weight="Weight",
    weight_may_miss=True,  # collision data have none
    cross_section_pb="CrossSection",
    cross_section_may_miss=True,
)
_NOTES = (
    "Weight is the cross-section over the generated events of the whole sample, NumEvents, for "
    "which the entries of the files are taken (where events were dropped give n_generated and as "
    "sum_of_weights the cross-section in pb)",
)


def _find_versions(content: "FileContent", chosen: Chosen) -> tuple[TreeSchema, ...]:
    """The version of a file: candidates of jets, else jets; none without the tree.

    Raises
    ------
    InputError
        If other towers than these are chosen.
    """
    tree = next((name for name in TREES if content.has_tree(name)), None)
    if tree is None:
        return ()
    names = content.names(tree)
    has_candidates = f"{_CANDIDATES}.pt" in names and _KIND in names
    possible = ("Jets", *([_CANDIDATES] * has_candidates))
    towers = chosen.get("towers", possible[-1:])
    if set(chosen) - {"towers"} or len(towers) > 1 or towers[0] not in possible:
        found = "; ".join(f"{key}: {', '.join(of)}" for key, of in chosen.items())
        raise InputError(
            f"{content.path}: chosen are {found}; of TreeMaker choose towers: "
            f"{' or towers: '.join(possible)}"
        )
    version = replace(_BASE, tree=tree, notes=_NOTES if "Weight" in names else ())
    if has_candidates:
        version = _with_candidates(version, names)
    return (version if towers[0] == _CANDIDATES else _with_jets(version, names),)


def _with_candidates(version: TreeSchema, names: Container[str]) -> TreeSchema:
    """Version whose collections are made of the constituents of jets."""
    item = {name: f"{_CANDIDATES}.{name}" for name in (*_MOMENTUM, "e")}
    item["charge"] = charge_of(_KIND)
    constituents = {"link": _link(names), "presence": Presence.OPTIONAL}
    return replace(
        version,
        **particle_flow(item, is_electromagnetic(_KIND), is_muon(_KIND), constituents),
        puppi_weights=(f"{_CANDIDATES}_PuppiWeight",),
        notes=(f"{_CANDIDATES} holds the constituents of jets alone", *version.notes),
    )


def _link(names: Container[str]) -> Link:
    """Positions of the constituents of fat jets."""
    index, counts = (f"JetsAK8_constituentsIndex{end}" for end in ("", "Counts"))
    return NestedIndices(index) if index in names and counts not in names else Counts(counts, index)


def _with_jets(version: TreeSchema, names: Container[str]) -> TreeSchema:
    """Version whose towers are jets; the other collections stay those of candidates."""
    e = "Jets.e"
    em, had = (
        " + ".join(f"Jets_{kind}{of}EnergyFraction" for kind in ("charged", "neutral"))
        for of in ("Em", "Hadron")
    )
    towers = Collection(
        {**{name: f"Jets.{name}" for name in _POSITION}, "e": e},
        extra={"e_em": f"({em}) * {e}", "e_had": f"({had}) * {e}"},
    )
    version = replace(version, towers=(towers,))
    if version.candidates:
        made_of = tuple(name for name in version.weighted_collections if name != "towers")
        notes = ("as chosen, towers are Jets", *version.notes[1:])
        return replace(version, weighted_collections=made_of, notes=notes)
    tracks = _tracks(names)
    notes = [f"the file has no particle-flow candidates ({_CANDIDATES}): towers are Jets"]
    if "Tracks" not in tracks:
        made_of = " and ".join(tracks)
        notes.append(
            f"tracks are {made_of}: the file has no other ones" if made_of else "no tracks"
        )
    return replace(
        version,
        tracks=tuple(tracks.values()),
        weighted_collections=(),
        notes=(*notes, *version.notes),
    )


def _tracks(names: Container[str]) -> dict[str, Collection]:
    """Name -> tracks of the file, which some productions write, else electrons and muons."""
    x, y, z = (f"Tracks.fCoordinates.f{axis}" for axis in "XYZ")
    if x in names:
        fields = momentum(x, y, z)
        return {"Tracks": Collection(fields, cut=f"{fields['pt']} > 0")}
    return {
        kind: Collection({of: f"{kind}.{of}" for of in _MOMENTUM})
        for kind in ("Electrons", "Muons")
        if f"{kind}.pt" in names
    }


TREEMAKER = Schema(
    name="treemaker",
    title="TreeMaker of CMS",
    trees=TREES,
    find_versions=_find_versions,
    fat_jet_radius=0.8,
)
