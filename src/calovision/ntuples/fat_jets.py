"""Fat jets of a chunk: their own branches, and the vector sum of their constituents for what these
do not give.
"""

from collections.abc import Collection as Names

import awkward as ak
import numpy as np

from calovision.core.errors import InputError
from calovision.core.kinematics import pt_eta_phi_mass
from calovision.ntuples.branch_arrays import BranchArrays
from calovision.ntuples.constituents import check_references, linked_parts, read_jet_lists
from calovision.ntuples.indices import Objects
from calovision.ntuples.lists import Lists, joined
from calovision.ntuples.parts import (
    available_fields,
    branches_of,
    given_fields,
    has_own_lists,
    missing_branches,
    read_part,
)
from calovision.ntuples.schemas.schema import TreeSchema

MOMENTUM = ("pt", "eta", "phi", "mass")
_SUMMED = ("pt", "eta", "phi", "e")


def jet_fields(schema: TreeSchema, present: Names[str], where: object) -> tuple[str, ...]:
    """Fields of the fat jets that a file with these branches has, the computed ones among them.

    Raises
    ------
    InputError
        If the jets lack a part of their momentum and there are no constituents to compute it from,
        or the jets stand in several parts.
    """
    if not schema.fat_jets or missing_branches(schema.fat_jets, present):
        return ()
    own = available_fields(schema.fat_jets, present)
    lacking = [name for name in MOMENTUM if name not in own]
    if not lacking:
        return own
    if not schema.constituents or len(schema.fat_jets) > 1:
        raise InputError(
            f"{where}: the fat jets have no {', '.join(lacking)}; give them"
            + (", or constituents to compute them from" if not schema.constituents else "")
            + (" for each part of the jets" if len(schema.fat_jets) > 1 else "")
        )
    if missing_branches(schema.constituents, present):
        return ()
    return (*MOMENTUM, *(name for name in own if name not in MOMENTUM))


def computed_fields(schema: TreeSchema, names: Names[str]) -> list[str]:
    """Those of the named fields that the jets' own branches do not give."""
    return [
        name
        for name in MOMENTUM
        if name in names and any(name not in part.fields for part in schema.fat_jets)
    ]


def jet_branches(schema: TreeSchema, field: str, present: Names[str]) -> set[str]:
    """Branches that give one field of the fat jets."""
    if not computed_fields(schema, (field,)):
        return branches_of(schema.fat_jets, (field,), present)
    summed = (
        branches_of([part], given_fields(part, _SUMMED, present), present)
        for part in schema.constituents
    )
    return count_branches(schema, present).union(*summed)


def count_branches(schema: TreeSchema, present: Names[str]) -> set[str]:
    """Branches that tell the number of the fat jets, without which constituents cannot be read."""
    branches: set[str] = set()
    for part in schema.fat_jets:
        counted = (part,) if has_own_lists(part) else (part, *schema.constituents)
        branches = branches.union(
            *(branches_of([one], list(one.fields)[:1], present) for one in counted)
        )
    return branches


def read_fat_jets(chunk: BranchArrays, schema: TreeSchema, names: Names[str]) -> ak.Array:
    """Return the fat jets, Momentum4D records in float64, ``n * var``.

    What their own branches do not give is the vector sum of their constituents, in the E-scheme:
    the sum of the four-momenta, where constituents without energy are massless. A jet without
    constituents has pt, eta, phi and mass 0.
    """
    if not computed_fields(schema, names):
        return _momenta(joined([read_part(chunk, part, names) for part in schema.fat_jets]))
    (part,) = schema.fat_jets
    jets = read_jet_lists(chunk, schema)
    fields = _summed(chunk, schema, jets.objects)
    own = given_fields(part, names, chunk.arrays)
    if own:
        fields |= _own(chunk, schema, own, jets.objects)
    chosen = {name: fields[name] for name in (*MOMENTUM, *own) if name in names}
    if jets.kept is None:
        return _momenta(Lists(chosen, jets.objects.offsets))
    kept_before = np.concatenate([[0], np.cumsum(jets.kept)])
    kept = {name: values[jets.kept] for name, values in chosen.items()}
    return _momenta(Lists(kept, kept_before[jets.objects.offsets]))


def read_trimmed_jets(momenta: ak.Array) -> ak.Array:
    """Trimmed jets from the branch TrimmedP4 of Delphes."""
    trimmed = ak.flatten(momenta, axis=1)[:, 0]
    components = (ak.to_numpy(component) for component in (*ak.unzip(trimmed.fP), trimmed.fE))
    jets = ak.zip(pt_eta_phi_mass(*components), with_name="Momentum4D")
    return ak.unflatten(jets, ak.num(momenta, axis=1))


def _momenta(jets: Lists) -> ak.Array:
    """Jets in float64, as vectors."""
    fields = {name: values.astype(np.float64, copy=False) for name, values in jets.fields.items()}
    return Lists(fields, jets.offsets).array("Momentum4D")


def _own(
    chunk: BranchArrays, schema: TreeSchema, names: Names[str], jets: Objects
) -> dict[str, np.ndarray]:
    """Fields of the jets' own branches."""
    (part,) = schema.fat_jets
    lists = read_part(chunk, part, names, cut=False)
    if not np.array_equal(lists.offsets, jets.offsets):
        entry = chunk.entry_of_difference(lists.offsets, jets.offsets)
        i = entry - chunk.start
        raise InputError(
            f"{chunk.where}: {names[0]} of the fat jets is there for "
            f"{np.diff(lists.offsets)[i]} jets in entry {entry}, but the constituents are of "
            f"{jets.counts[i]}; the two must agree in every event"
        )
    return lists.fields


def _summed(chunk: BranchArrays, schema: TreeSchema, jets: Objects) -> dict[str, np.ndarray]:
    """Vector sum of the constituents of each jet of the chunk, float64.

    Raises
    ------
    InputError
        If a constituent has no finite momentum: its jet would pass no cut, without a word.
    """
    n_jets = int(jets.offsets[-1])
    total = np.zeros((4, n_jets))
    check_references(chunk, schema)
    for part in schema.constituents:
        names = given_fields(part, _SUMMED, chunk.arrays)
        (lists,) = linked_parts(chunk, (part,), names, jets)
        jet = np.repeat(np.arange(n_jets), np.diff(lists.offsets))
        for i, component in enumerate(_four_momenta(lists.fields)):
            total[i] += np.bincount(jet, component, n_jets)
    if len(wrong := np.flatnonzero(~np.isfinite(total).all(axis=0))):
        found = ", ".join(f"{value:.4g}" for value in total[:, wrong[0]])
        raise InputError(
            f"{chunk.where}: the constituents of a jet in entry "
            f"{chunk.start + jets.entries[wrong[0]]} add up to px, py, pz and e of {found}; all of "
            f"them must have finite {', '.join(_SUMMED)}"
        )
    return pt_eta_phi_mass(*total)


def _four_momenta(fields: dict[str, np.ndarray]) -> tuple[np.ndarray, ...]:
    """Components px, py, pz and E; what has no transverse momentum flies along the beam."""
    pt, eta, phi = (fields[name].astype(np.float64, copy=False) for name in ("pt", "eta", "phi"))
    with np.errstate(over="ignore", invalid="ignore"):
        e = fields["e"].astype(np.float64, copy=False) if "e" in fields else None
        along = 0.0 if e is None else np.where(e == 0, 0.0, e * np.tanh(eta))
        pz = np.where(pt == 0, along, pt * np.sinh(eta))
        if e is None:
            e = np.where(pt == 0, 0.0, pt * np.cosh(eta))
    return pt * np.cos(phi), pt * np.sin(phi), pz, e
