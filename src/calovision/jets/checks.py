"""Checks of jets that come from a file or a caller, as towers and tracks are checked where images
are built.

A jet without positive pT is none (padding of fixed-size arrays, as -999): its other numbers mean
nothing.
"""

import awkward as ak
import numpy as np

from calovision.core.errors import EntryError
from calovision.core.numeric import whole_number
from calovision.core.records import (
    FlatRecords,
    bad_number,
    flat_records,
    plain_records,
    require_finite,
)

JET_FIELDS = ("pt", "eta", "phi", "mass")
MASS_ROUNDING = 1e-3
"""Share of the energy: E^2 - p^2 of float32 numbers is right to some 2^-24 of E^2, so that a
massless jet may come with a mass (by ROOT's convention of the sign of the mass squared) of some
-5e-4 of its energy."""


def plain_jets(jets: ak.Array, name: str = "fat_jets") -> ak.Array:
    """Jets without missing ones, and with finite momenta.

    Raises
    ------
    EntryError
        If a number is missing; a pT is not finite or beyond 1e12 GeV; or the eta, phi or mass of a
        jet with positive pT is.
    """
    jets = plain_records(jets, JET_FIELDS, name)
    flat = flat_records(jets, JET_FIELDS, name)
    require_finite(flat, ["pt"], name)
    first, last = flat.span
    exists = flat.columns["pt"][first:last] > 0
    for field in ("eta", "phi", "mass"):
        column = flat.columns[field][first:last]
        _raise_for_first(
            flat, f"{name}.{field}", exists & ~(np.abs(column.astype(np.float64)) < np.inf)
        )
    return jets


def with_real_masses(jets: ak.Array, name: str = "fat_jets") -> ak.Array:
    """Jets whose masses are negative by no more than rounding, with 0 for these; the very array if
    there are none.

    Raises
    ------
    EntryError
        If a mass is further below zero, which no jet has, or beyond 1e12 GeV.
    """
    flat = flat_records(jets, JET_FIELDS, name)
    first, last = flat.span
    pt, eta, _, mass = (flat.columns[field][first:last].astype(np.float64) for field in JET_FIELDS)
    with np.errstate(over="ignore"):
        negative = (mass < 0) & (pt > 0)
        _raise_for_first(
            flat, f"{name}.mass", negative & (mass < -MASS_ROUNDING * pt * np.cosh(eta))
        )
    require_finite(flat, ["mass"], name)
    if not (mass < 0).any():
        return jets
    return ak.with_field(jets, np.maximum(jets["mass"], 0), "mass")


def checked_jets(jets: ak.Array, name: str = "fat_jets") -> ak.Array:
    """Jets in descending pT, as `plain_jets` and `with_real_masses` want them.

    Raises
    ------
    EntryError
        As these, and if a pT is larger than the one before it.
    """
    jets = with_real_masses(plain_jets(jets, name), name)
    flat = flat_records(jets, ("pt",), name).packed()
    ascends = ascending(flat)
    if ascends.any():
        raise EntryError(
            flat.row_of(int(np.argmax(ascends))),
            f"{name}.pt",
            "does not descend; sort the jets by pT",
        )
    return jets


def ascending(flat: FlatRecords) -> np.ndarray:
    """Test which jets have more pT than the one before them in their event, booleans
    ``(n_jets,)``, of packed records with pt.
    """
    pt, offsets = flat.columns["pt"], flat.offsets[0]
    found = np.zeros(len(pt), dtype=bool)
    found[1:] = pt[1:] > pt[:-1]
    found[offsets[:-1][offsets[:-1] < len(pt)]] = False  # the first of an event
    return found


def number_of_jets(n: int | None) -> int | None:
    """Check how many leading jets are wanted; None stands for all."""
    return None if n is None else whole_number(n, "n", at_least=0)


def _raise_for_first(flat: FlatRecords, field: str, wrong: np.ndarray) -> None:
    """Raise EntryError for the first of the entries in the span of the records that are wrong, if
    there is one.
    """
    if not wrong.any():
        return
    entry = flat.span[0] + int(np.argmax(wrong))
    row = flat.row_of(entry)
    value = float(flat.columns[field.split(".")[-1]][entry])
    if not np.isfinite(value):
        raise bad_number(row, field, value)
    problem = (
        f"is {value:.3g} GeV, below zero by more than rounding; give masses, which are not negative"
    )
    raise EntryError(row, field, problem)
