"""Calorimeters by the names of their collections, which differ from experiment to experiment.

Names seen: ECALBarrel, HCALEndcap, HCALOther, MUON, LumiCalHits (CLD), EcalBarrelCollectionRec,
EcalBarrelCollectionGapHits, BCAL, LHCAL (ILD), ECalBarrelModuleThetaMergedPositioned,
HCalEndcapReadoutPositioned, EMBCaloClusters (ALLEGRO), EcalBarrelScFiRecHits, EcalEndcapNClusters,
LFHCALClusters, EcalEndcapNTruthClusters, HcalFarForwardZDCClusters (ePIC).
"""

import re
from collections.abc import Iterable

_ELECTROMAGNETIC = re.compile(
    r"E_?(?:Cal|CAL|cal)|(?:^|_)(?:e_?cal|EM_)|EM(?:B|EC|Fwd|Cal|CAL|cal)|SCEPCal|[Cc]rystal|LAr"
)
_HADRONIC = re.compile(
    r"H_?(?:Cal|CAL|cal)|(?:^|_)(?:h_?cal|HAD_)|Had(?:ronic)?Cal|(?:^|_)H(?:EC|Fwd)|[Tt]ile"
)
# What is no calorimeter, or one near the beam: muon systems, luminosity and beam monitors.
_ELSEWHERE = re.compile(
    r"(?i)muon|yoke|lumi|beamcal|farforward|zdc|b0ecal|romanpot|lowq2|tagger|"
    r"(?:^|_)(?:b|l|lh)cal(?:hits|clusters|collection|rec|_|$)"
)
_OF_SIMULATION = re.compile(r"Truth|MC|Gen(?:erated)?(?![a-z])")
# Words of a name that say nothing of the part of the detector.
_WORDS = re.compile(
    r"(?:Hits?|Rec(?:o|onstructed)?|Cells?|Positioned|Clusters?|Readout|Calibrated|Corrected|"
    r"Digi(?:tized)?|Topo|_|\d)+$"
)
_FIRST_WORDS = re.compile(r"^(?:Corrected|Augmented|Calibrated)")
_PART = re.compile(
    r"(?:Barrel|End[cC]aps?|Ring|Other|Gap|Insert|Plug|Forward|Backward|Pos|Neg|Plus|Minus|Inner|"
    r"Outer|_?[A-Z](?![a-z]))+"
)


def calorimeter_of(name: str) -> str | None:
    """Return "em" or "had" for the collection of a calorimeter; None if its name does not tell."""
    kinds = [
        kind
        for kind, pattern in (("em", _ELECTROMAGNETIC), ("had", _HADRONIC))
        if pattern.search(name)
    ]
    return kinds[0] if len(kinds) == 1 else None


def is_elsewhere(name: str) -> bool:
    """Return True for muon systems, and for monitors near the beam."""
    return _ELSEWHERE.search(name) is not None


def is_of_simulation(name: str) -> bool:
    """Return True for what was made with the knowledge of the simulation."""
    return _OF_SIMULATION.search(name) is not None


def without_copies(names: Iterable[str]) -> list[str]:
    """Drop collections with the same energy as others, as their names tell.

    Of two names one of which goes on where the other ends, the longer one is a copy, a selection or
    a part of the other (EcalBarrelImagingClusters of EcalBarrelClusters), unless what it adds is
    another part of the detector (HcalEndcapPInsert). Of names that differ in words as Cells and
    PositionedCells the one with Positioned counts, since the cells of the other may have no
    position. Hits of imaging layers are dropped beside those of the fibers between them (ePIC), as
    each are calibrated to the whole energy.
    """
    kept: list[str] = []
    for name in sorted(names, key=_rank):
        if not any(_is_copy(_stem(name), _stem(other)) for other in kept):
            kept.append(name)
    fibers = {_stem(name).removesuffix("ScFi") for name in kept if _stem(name).endswith("ScFi")}
    return [name for name in kept if _stem(name) not in {f"{one}Imaging" for one in fibers}]


def _rank(name: str) -> tuple[int, bool, bool, str]:
    """Order in which names are kept: the shortest stem first, with positions, without a number."""
    return len(_stem(name)), "Positioned" not in name, any(map(str.isdigit, name)), name


def _stem(name: str) -> str:
    return _WORDS.sub("", _FIRST_WORDS.sub("", name.replace("Collection", "")))


def _is_copy(stem: str, shorter: str) -> bool:
    if not (shorter and stem.startswith(shorter)):
        return False
    return stem == shorter or not _PART.fullmatch(stem.removeprefix(shorter))
