"""Containers of the xAOD, the event data model of ATLAS (doi:10.1088/1742-6596/664/7/072045).

The variables of a container ``AnalysisJets`` are branches of their own: ``AnalysisJetsAuxDyn.pt``,
or ``AnalysisJetsAux.pt`` where its class has the variable, in a TTree; ``AnalysisJetsAuxDyn:pt`` or
``AnalysisJetsAux:.pt`` in an RNTuple. Energies and momenta are in MeV.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

_VARIABLE = re.compile(r"(?P<container>\w+?)Aux(Dyn)?(\.|:\.?)(?P<variable>\w+)")
# Identifiers of the classes of containers (CLASS_DEF in the headers of athena, Event/xAOD).
_CLASS_IDS = {
    "CaloCluster": 1219821989,
    "FlowElement": 1158384067,
    "Jet": 1244316195,
    "PFO": 1177172577,
    "TrackCaloCluster": 1138314170,
    "TrackParticle": 1287425431,
    "TruthParticle": 1237340765,
}
LAYERS_OF_ENERGY = "e_sampl.layers"
NO_CONTAINER = 0  # in an element link that points to nothing
# Containers that jets are made of and that derivations leave out as a rule.
OFTEN_LEFT_OUT = (
    *("UFOCSSK", "UFO", "CaloCalTopoClusters", "TruthParticles", "TrackCaloClusters"),
    *(
        f"{start}{charge}ParticleFlowObjects"
        for start in ("Global", "JetETMiss", "CHSG", "CHS")
        for charge in ("Charged", "Neutral")
    ),
)


@dataclass(frozen=True)
class Container:
    """A container of the file: its name, and its variables -> their branches, in quotes."""

    name: str
    variables: Mapping[str, str]

    def has(self, *variables: str) -> bool:
        """Return True if the file has all these variables."""
        return set(variables) <= set(self.variables)

    def __getitem__(self, variable: str) -> str:
        return self.variables[variable]

    def branch(self, variable: str) -> str:
        """Name of the branch of a variable, without quotes."""
        return self.variables[variable][1:-1]


def find_containers(names: Collection[str]) -> dict[str, Container]:
    """Containers whose variables are among the branches of a tree, by name.

    Clusters have the variable `LAYERS_OF_ENERGY` where it can be computed
    (`calovision.ntuples.trees.samplings`).
    """
    found: dict[str, dict[str, str]] = {}
    present = set(names)
    for name in sorted(present):
        # uproot writes the counts of AnalysisJetsAuxDyn.pt as nAnalysisJetsAuxDyn.pt
        is_count = name.startswith("n") and name[1:] in present
        if (match := _VARIABLE.fullmatch(name)) and not is_count:
            variables = found.setdefault(match["container"], {})
            if match[2] or match["variable"] not in variables:
                variables[match["variable"]] = f"'{name}'"
    for variables in found.values():
        layers = f"{variables.get('e_sampl', '')[1:-1]}.layers"
        if layers in names:
            variables[LAYERS_OF_ENERGY] = f"'{layers}'"
    return {name: Container(name, variables) for name, variables in found.items()}


def names_of_keys(keys: Iterable[int], names: Iterable[str]) -> dict[int, str]:
    """Containers, among those of these names, that element links name by these numbers."""
    known = {container_key(name, of): name for name in names for of in _CLASS_IDS}
    return {key: known[key] for key in keys if key in known}


def container_key(name: str, of: str) -> int:
    """Number by which element links name a container, their ``m_persKey``.

    Parameters
    ----------
    name, of
        The container, and the class of its objects.

    Notes
    -----
    The lowest 30 bits of the CRC-64 of the name and of the identifier of the class
    (StringPool::stringToKey and crc64addint of athena).
    """
    crc = 2**64 - 1
    identifier = _CLASS_IDS[of]
    for byte in (*name.encode(), *identifier.to_bytes(4, "little")):
        crc = _remainders()[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc & (2**30 - 1)


@cache
def _remainders() -> tuple[int, ...]:
    """Remainders of each byte by the polynomial of the CRC-64, whose bits are reversed."""
    return tuple(_remainder(byte) for byte in range(256))


def _remainder(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ (0x95AC9329AC4BC9B5 if byte & 1 else 0)
    return byte
