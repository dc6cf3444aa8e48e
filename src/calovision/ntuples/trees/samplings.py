"""Sampling layers of the calorimeter clusters of ATLAS.

``e_sampl`` and the like hold a number for each layer that a cluster has cells in, in the order of
the layers, and nothing for the others. The layers are those whose bits are set in the cluster's
sampling pattern (``sampVarIdx`` in CaloCluster_v1.h of athena). The pattern is the variable
``samplingPattern``, or in older files a member of the clusters themselves.

Layers, CaloSampling.def of athena: electromagnetic barrel 0-3 (the presampler first), end-cap 4-7;
hadronic end-cap 8-11; tile barrel 12-14, gap 15-17, extended barrel 18-20; forward calorimeter
21-23, of which 21 is electromagnetic; 24-27 mini forward calorimeter.
"""

import re

import awkward as ak
import numpy as np
import uproot

N_LAYERS = 32  # bits of the pattern
LAYERS = "layers"  # behind the name of a variable: an array of N_LAYERS a cluster
PATTERN_MEMBER = "m_samplingPattern"
_VARIABLE = re.compile(r"(?P<container>.+)(?P<store>Aux(Dyn)?(?:\.|:\.?))\w+_sampl")
_CLUSTERS = re.compile(r"DataVector<xAOD::CaloCluster_v\d+>")
# Bytes of an entry before the patterns, which are all that the class keeps: their number, version
# of the vector, version and checksum of the clusters, number of these.
_HEADER = 4 + 2 + 2 + 4 + 4
_VERSION, _MEMBERWISE = 4, 0x40  # the byte, and its bit


def pattern_names(variable: str) -> tuple[str, ...]:
    """Names that the sampling pattern of a variable may have; none for those without layers."""
    match = _VARIABLE.fullmatch(variable)
    if match is None:
        return ()
    return f"{match['container']}{match['store']}samplingPattern", (
        f"{match['container']}.{PATTERN_MEMBER}"
    )


def pattern_interpretation(branch: uproot.TBranch) -> uproot.AsJagged | None:
    """Interpretation of a branch of clusters in a TTree, which uproot does not read by itself where
    it is written member by member; None for others.
    """
    if not _CLUSTERS.fullmatch(branch.typename):
        return None
    if branch.num_entries > 0 and not _is_memberwise(branch.debug_array(0)):
        return None
    return uproot.AsJagged(uproot.AsDtype(">u4"), header_bytes=_HEADER)


def _is_memberwise(entry: np.ndarray) -> bool:
    """Return True if the bytes of an entry are a header and one pattern a cluster."""
    if len(entry) < _HEADER or not entry[_VERSION] & _MEMBERWISE:
        return False
    (count,) = entry[_HEADER - 4 : _HEADER].view(">u4")
    return len(entry) == _HEADER + 4 * count


def by_layer(values: ak.Array, patterns: ak.Array) -> ak.Array:
    """Put the numbers of each cluster at the places of their layers; the others are 0.

    Parameters
    ----------
    values
        ``n * var * var``, the numbers of the layers that each cluster has.
    patterns
        ``n * var``, whole numbers.

    Returns
    -------
    ``n * var * 32``, in the number type of ``values``.

    Raises
    ------
    ValueError
        If a cluster has more or fewer numbers than layers.
    """
    counts = ak.to_numpy(ak.flatten(ak.num(values, axis=2)))
    flat = ak.to_numpy(ak.flatten(values, axis=None))
    bits = ak.to_numpy(ak.flatten(patterns)).astype(np.int64)
    has_layer = (bits[:, np.newaxis] >> np.arange(N_LAYERS)) & 1 == 1
    if len(bits) != len(counts) or np.any(has_layer.sum(axis=1) != counts):
        raise ValueError("clusters have other numbers of layers than their sampling patterns say")
    found = np.zeros(has_layer.shape, flat.dtype)
    found[has_layer] = flat  # row by row, in the order of the layers
    return ak.unflatten(ak.Array(found), ak.num(values, axis=1))
