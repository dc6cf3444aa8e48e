"""Jet variables of many jets at once: from their constituents, and from the file's own jets."""

from collections.abc import Iterable

import awkward as ak
import numpy as np

from calovision.core.errors import InputError
from calovision.core.numeric import finite_number
from calovision.jets.clustering import checked_trimming
from calovision.jets.substructure.particles import JetParticles
from calovision.jets.substructure.variables import (
    JET_VARIABLES,
    JetVariable,
    is_of_file,
    ratio,
)

DEFAULT_TRIMMING = (0.2, 0.05)  # arXiv:1804.03568


def jet_substructure(
    constituents: ak.Array,
    names: Iterable[str],
    *,
    radius: float,
    trimming: tuple[float, float] = DEFAULT_TRIMMING,
) -> dict[str, np.ndarray]:
    """Compute variables of jets.

    Parameters
    ----------
    constituents
        ``n_jets * var`` records pt, eta, phi (GeV, rad), with e or mass where they have masses
        (NaN: none), and the charge where a variable needs it. Those without positive pT, or with
        an eta or phi that is not finite, take no part, and neither do missing ones.
    names
        Of `JET_VARIABLES`; only what these need is computed.
    radius
        Radius of the jets, the unit of angles in tau_N and the Les Houches angularity.
    trimming
        ``(r_sub, f_cut)`` of the trimmed mass.

    Returns
    -------
    Variables by name, ``(n_jets,)`` each: float64, int64 for counts. Where one is not defined
    (``undefined_for`` of the variable) it is NaN; a jet without constituents has counts and groomed
    masses of 0.

    Raises
    ------
    InputError
        If a name is unknown, a field that a variable needs is missing, or a parameter is out of
        range.
    EntryError
        If a pT or a needed charge is NaN, or one of these, an energy or a mass infinite or beyond
        1e12; its row is the jet.
    """
    variables = [JET_VARIABLES.find(name, "jet variables") for name in names]
    radius = finite_number(radius, "radius")
    if radius <= 0:
        raise InputError(f"radius must be positive, not {radius}")
    _require_fields(constituents, variables)
    fields = {field for variable in variables for field in variable.fields}
    jets = JetParticles(
        constituents, radius=radius, trimming=checked_trimming(trimming), fields=fields
    )
    return {variable.name: variable.compute(jets) for variable in variables}


def substructure_columns(
    jets: ak.Array,
    constituents: ak.Array,
    names: Iterable[str],
    *,
    radius: float,
    trimming: tuple[float, float] = DEFAULT_TRIMMING,
) -> dict[str, np.ndarray]:
    """Variables of jets, those of the file's own branches where it has them.

    Parameters
    ----------
    jets
        The jets, ``n_jets`` records, with tau1 to tau4 where the file has them.
    constituents, names, radius, trimming
        As in `jet_substructure`, aligned with the jets.

    Returns
    -------
    Variables by name, ``(n_jets,)`` each.

    Raises
    ------
    InputError, EntryError
        As `jet_substructure`.
    """
    names = list(names)
    own = {name: _own(jets, name) for name in names if is_of_file(name, jets.fields)}
    computed = [name for name in names if name not in own]
    if computed:
        own |= jet_substructure(constituents, computed, radius=radius, trimming=trimming)
    return {name: own[name] for name in names}


def _own(jets: ak.Array, name: str) -> np.ndarray:
    """A variable of the file's own: one of its fields, or the ratio of two."""
    values = [ak.to_numpy(jets[field]).astype(np.float64) for field in JET_VARIABLES[name].of_file]
    return values[0] if len(values) == 1 else ratio(*values)


def _require_fields(constituents: ak.Array, variables: Iterable[JetVariable]) -> None:
    """Raise InputError if the constituents lack a field that a variable needs."""
    has = getattr(constituents, "fields", ())
    for variable in variables:
        for field in variable.fields:
            if has and field not in has:
                raise InputError(
                    f"constituents have no field '{field}', which the jet variable "
                    f"'{variable.name}' needs: they have {', '.join(has)}"
                )
