"""Weights of particle-flow candidates, as PUPPI gives them (arXiv:1407.6013), that their momenta
may lack.

A schema may name branches of such weights. Whether a file's momenta contain them is decided by its
fat jets, which are made of weighted candidates: of the first `ENOUGH_JETS` jets with constituents
(of all jets if there are fewer), the median of the vector sum of the constituents' pT over the pT
of the jet, before its calibration where the file has the factor, is formed with and without the
weight. The weight is applied unless the median without it is nearer to 1 by more than `MARGIN`
(`CALIBRATED_MARGIN` where the pT of the jet is calibrated, by an unknown factor). Without jets it
is applied, since the candidates that are stored with a weight are as a rule not weighted.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import awkward as ak
import numpy as np

from calovision.ntuples.branch_arrays import BranchArrays
from calovision.ntuples.chunks import read_chunks
from calovision.ntuples.constituents import read_constituents
from calovision.ntuples.fat_jets import (
    computed_fields,
    count_branches,
    jet_branches,
    read_fat_jets,
)
from calovision.ntuples.parts import branches_of, missing_branches
from calovision.ntuples.schemas.schema import Collection, TreeSchema
from calovision.ntuples.trees.event_tree import EventTree

ENOUGH_JETS = 100
ENTRIES_AT_A_TIME = 100
MARGIN, CALIBRATED_MARGIN = 0.01, 0.05  # of the logarithm of the ratio
TINY = 1e-9  # in place of a ratio of 0, whose logarithm would be infinite
WEIGHTED_FIELDS = ("pt", "e", "e_em", "e_had")
_MOMENTUM = ("pt", "phi")


@dataclass(frozen=True)
class CandidateWeight:
    """Weight of the candidates of a file.

    Attributes
    ----------
    branch
        The weight that is applied; None if none is.
    reason
        For people; empty if there was nothing to choose.
    """

    branch: str | None = None
    reason: str = ""


def choose_candidate_weight(
    tree: EventTree, schema: TreeSchema, path: Path | str
) -> tuple[TreeSchema, CandidateWeight]:
    """Choose the candidate weight of a file, and return its schema with the weight applied.

    Parameters
    ----------
    tree, schema
        The events and their schema.
    path
        For the sentences of errors.
    """
    if schema.candidate_weight is not None:
        return _weighted(schema, schema.candidate_weight), CandidateWeight(
            schema.candidate_weight, "by the schema"
        )
    present = tree.names
    weight = next((name for name in schema.puppi_weights if name in present), None)
    if weight is None:
        return schema, CandidateWeight()
    applied = _weighted(schema, weight)
    without, with_weight, is_raw = _median_ratios(tree, schema, applied, path)
    if np.isnan(without):
        return applied, CandidateWeight(weight, "the file has no jets that could tell")
    margin = MARGIN if is_raw else CALIBRATED_MARGIN
    found = (
        f"the constituents of jets have {with_weight:.3g} of their pT with it, {without:.3g} "
        "without"
    )
    deviations = np.abs(np.log(np.maximum([without, with_weight], TINY)))
    if deviations[0] + margin < deviations[1]:
        return schema, CandidateWeight(None, f"{weight} is not applied: {found}")
    return applied, CandidateWeight(weight, found)


def pt_ratios(fat_jets: ak.Array, constituents: ak.Array) -> np.ndarray:
    """Ratios of the vector sum of the constituents' pT to the pT of their jet.

    Parameters
    ----------
    fat_jets
        Records pt, ``n_events * var``.
    constituents
        Records pt, phi, ``n_events * var * var``, aligned with the jets.

    Returns
    -------
    float64 ``(n_jets,)``; NaN for jets without constituents or without pT.
    """
    px, py = (
        ak.sum(constituents["pt"] * function(constituents["phi"]), axis=2)
        for function in (np.cos, np.sin)
    )
    counts, total, pt = (
        ak.to_numpy(ak.flatten(values, axis=1)).astype(np.float64)
        for values in (ak.num(constituents, axis=2), np.hypot(px, py), fat_jets["pt"])
    )
    return np.divide(total, pt, out=np.full(len(pt), np.nan), where=(counts > 0) & (pt > 0))


def _weighted(schema: TreeSchema, weight: str) -> TreeSchema:
    """Schema whose candidates, and what is made of them, have weighted momenta; those of weight 0
    are dropped.
    """
    changed: dict[str, object] = {}
    for name in schema.weighted_collections:
        parts = tuple(_weighted_part(part, weight) for part in schema.parts(name))
        if parts:
            changed[name] = parts
    return replace(schema, **changed)


def _weighted_part(part: Collection, weight: str) -> Collection:
    fields, extra = (
        {
            name: f"({weight}) * ({text})" if name in WEIGHTED_FIELDS else text
            for name, text in texts.items()
        }
        for texts in (part.fields, part.extra)
    )
    cut = f"({weight}) != 0" if part.cut is None else f"(({weight}) != 0) & ({part.cut})"
    return replace(part, fields=fields, extra=extra, cut=cut)


def _median_ratios(
    tree: EventTree, schema: TreeSchema, weighted: TreeSchema, path: Path | str
) -> tuple[float, float, bool]:
    """Medians of `pt_ratios` without and with the weight, and whether the jets' pT is the one
    before calibration.

    The medians are NaN if no jet has constituents.
    """
    present = tree.names
    if not schema.constituents or missing_branches(
        [*schema.fat_jets, *schema.constituents], present
    ):
        return np.nan, np.nan, False
    jets = _with_pt_before_calibration(schema, present)
    if computed_fields(jets or schema, ("pt",)):  # which are what the constituents add up to
        return np.nan, np.nan, False
    branches = branches_of([*schema.constituents, *weighted.constituents], _MOMENTUM, present)
    branches |= count_branches(schema, present) | jet_branches(jets or schema, "pt", present)
    ratios = np.zeros((2, 0))
    for start, arrays in read_chunks(tree, branches, path, ENTRIES_AT_A_TIME):
        chunk = BranchArrays(arrays, path, start, len(next(iter(arrays.values()))))
        momenta = read_fat_jets(chunk, jets or schema, ("pt",))
        found = np.stack(
            [
                pt_ratios(momenta, read_constituents(chunk, of, _MOMENTUM))
                for of in (schema, weighted)
            ]
        )
        # a jet all of whose constituents have weight 0 has nothing left
        ratios = np.concatenate([ratios, np.nan_to_num(found[:, np.isfinite(found[0])])], axis=1)
        if ratios.shape[1] >= ENOUGH_JETS:
            break
    if ratios.shape[1] == 0:
        return np.nan, np.nan, jets is not None
    return *np.median(ratios, axis=1).tolist(), jets is not None


def _with_pt_before_calibration(schema: TreeSchema, present: set[str]) -> TreeSchema | None:
    """Schema whose fat jets have the pT before their calibration; None if the file has it not."""
    if schema.uncalibrated_pt is None or len(schema.fat_jets) != 1:
        return None
    jets = replace(schema.fat_jets[0], fields={"pt": schema.uncalibrated_pt}, extra={})
    return None if missing_branches([jets], present) else replace(schema, fat_jets=(jets,))
