"""Roles of objects by the words of their names."""

import re
from collections.abc import Sequence
from enum import Enum


class Role(Enum):
    """Kind of objects, in the words of comments."""

    TOWER = "calorimeter towers, cells, clusters or hits"
    TRACK = "tracks"
    CANDIDATE = "particle-flow candidates"
    JET = "jets"
    LEPTON = "leptons or photons"
    GENERATOR = "generated particles"
    OTHER = "none of these"
    UNKNOWN = "objects whose name says nothing"


# Whole words, or beginnings (with *) or ends (with * in front) of words.
_WORDS = {
    Role.TOWER: (
        "tower* *tower *towers cluster* *cluster *clusters cell cells *cell *cells calo "
        "calorimeter calohit* hit hits ecal* hcal* emcal* lar tile topo clus clu cl twr tt emc "
        "lcal fcal"
    ),
    Role.TRACK: "track* *track *tracks trk* *trk *trks",
    Role.CANDIDATE: (
        "pf pfo pfos pfcand* *pfcand *pfcands cand cands candidate* *cand *cands flow eflow* "
        "particle particles constituent* const consts constit* part parts puppi"
    ),
    Role.JET: "jet* *jet *jets fj fjs ak ca antikt*",
    Role.LEPTON: (
        "electron* ele eles el els muon* mu mus photon* ph pho phos gamma gammas lepton* lep leps "
        "tau taus elec"
    ),
    Role.OTHER: "met missing* vertex vertices vtx vtxs pv sv ip beam* mht ht dijet mjj diphoton",
}
_GENERATED = re.compile(
    r"gen|genpart.*|genjet.*|gen[a-z]*jets?.*|gendressed.*|genvis.*|genmet|geniso.*|gent|truth.*"
    r"|mc|mcpart.*|lhe.*|hepmc|partons?|generator|generated|sim|simtrack.*|true|born"
)
_NO_MOMENTUM = re.compile(r"area\w*|error|point|endpoint|spin|delta|ip|scale|momentumat|vec")
_NO_CALORIMETER = ("tracker", "pixel", "strip", "muon", "vertex", "vtx", "vxd", "tpc", "sit", "ftd")
_TRIGGER = re.compile(r"hlt.*|trig.*|l1.*|online")


def role_of(words: Sequence[str]) -> Role:
    """Role of the objects whose name has these words, by the last one that says something.

    ``GenJet`` is generated, ``JetPFCands`` are candidates, ``TrackJet`` and ``AK4Puppi`` are jets.
    """
    if any(map(_PATTERNS[Role.JET].fullmatch, words)):
        words = [word for word in words if word != "puppi"]
    if any(map(_GENERATED.fullmatch, words)) or _is_generated(tuple(words)):
        return Role.GENERATOR
    if (
        "met" in words
        or any(map(_TRIGGER.fullmatch, words))
        or any(map(_NO_MOMENTUM.fullmatch, words[-2:]))
    ):
        return Role.OTHER
    for number, word in reversed(list(enumerate(words))):
        role = next((role for role, regex in _PATTERNS.items() if regex.fullmatch(word)), None)
        if role is not None:
            return _in_context(role, words, words[number - 1] if number else "")
    return Role.UNKNOWN


def _is_generated(words: tuple[str, ...]) -> bool:
    """Particles that are not said to be reconstructed are those of the generator."""
    return words[:1] in (("particle",), ("particles",)) or words[:2] == ("hard", "scatter")


def _in_context(role: Role, words: Sequence[str], before: str) -> Role:
    """Role of a word in the light of the others."""
    if role is Role.TOWER and any(one.startswith(_NO_CALORIMETER) for one in words):
        return Role.OTHER
    if role is Role.JET and before == "tau":
        return Role.LEPTON
    if role is Role.CANDIDATE and before.startswith(("track", "trk")):
        return Role.TRACK
    is_flow = any(one in ("flow", "eflow", "pf", "pfo") for one in words)
    return Role.CANDIDATE if role is Role.LEPTON and is_flow else role


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile("|".join(word.replace("*", "[a-z]*") for word in words.split()))


_PATTERNS = {role: _pattern(words) for role, words in _WORDS.items()}
