"""Selection of the constituents of jets, their contents, and the subjets that give an image its
middle and its direction.

Flat arrays throughout: ``columns`` holds the fields of all constituents as float64 ``(n,)``,
``offsets`` int64 ``(n_jets + 1,)`` says which belong to which jet.
"""

from collections.abc import Mapping, Sequence

import awkward as ak
import numpy as np

from calovision.core.depth import LAYER
from calovision.core.errors import InputError
from calovision.core.kinematics import massless_momenta
from calovision.core.numeric import float_array, same_shape
from calovision.core.records import flat_records, require_finite
from calovision.images.areas import SIZES, have_sizes, require_sizes
from calovision.images.channels import CHANNELS, is_of_charge
from calovision.images.jet_images.recipe import JetImageRecipe
from calovision.images.jet_images.steps import FlatJets
from calovision.images.layer_split import layer_numbers
from calovision.jets import hard_subjet_constituents, kt_subjets

LARGEST_ETA = 300.0  # cosh of it, and its square, are finite in float64


def flat_jets(
    constituents: ak.Array, recipe: JetImageRecipe, axes: np.ndarray | ak.Array | None
) -> FlatJets:
    """Select the constituents of a recipe and lay them out for the kernels.

    Parameters and errors are those of `build_jet_images`.
    """
    needed = needed_fields(recipe)
    if have_sizes(getattr(constituents, "fields", ()), "constituents"):
        needed |= dict.fromkeys(SIZES, "the division among the cells")
        _require_upright(recipe)
    columns, offsets = _flat_columns(constituents, needed)
    columns, offsets = _select(columns, offsets, recipe)
    n_jets = len(offsets) - 1
    centers = np.zeros((n_jets, 2))
    below = np.full((n_jets, 2), np.nan)
    if recipe.needs_subjets:
        subjets = _two_leading_subjets(columns, offsets, recipe.subjet_radius)
        centers = subjets[:, 0] if recipe.center == "leading_subjet" else centers
        below = subjets[:, 1] if recipe.rotate == "second_subjet" else below
    if recipe.center == "axis":
        centers = _checked_axes(axes, n_jets)
    return FlatJets(
        offsets=offsets,
        pt=columns["pt"],
        eta=columns["eta"],
        phi=columns["phi"],
        contents=channel_contents(columns, recipe.channels),
        centers=np.array(centers),  # a copy, which can be written, as all are: numba compiles once
        below=np.ascontiguousarray(below),
        sizes=np.stack([columns[name] for name in SIZES], axis=1)
        if SIZES[0] in needed
        else np.empty((0, 2)),
        scaled=np.array([CHANNELS[name].of_jet.field is not None for name in recipe.channels]),
    )


def _require_upright(recipe: JetImageRecipe) -> None:
    """Raise InputError for a rotation, which would tilt the sides of constituents."""
    if recipe.rotate is not None:
        raise InputError(
            f"jet recipe: rotate is '{recipe.rotate}', but the constituents have sizes, whose "
            "sides stay along eta and phi: leave rotate out, or the sizes (eta_size: none and "
            "phi_size: none in a schema)"
        )


def needed_fields(recipe: JetImageRecipe) -> dict[str, str]:
    """Map the fields that the constituents must have to what needs them."""
    needed = dict.fromkeys(("eta", "phi", "pt"), "every jet image")
    if recipe.charge is not None:
        needed["charge"] = f"the selection of {recipe.charge} constituents"
    for channel in recipe.channels:
        for field in CHANNELS[channel].of_jet.fields:
            needed.setdefault(field, f"the channel '{channel}'")
    return needed


def channel_contents(columns: Mapping[str, np.ndarray], channels: Sequence[str]) -> np.ndarray:
    """Contents that every constituent adds to every channel.

    Parameters
    ----------
    columns
        Fields of the constituents, flat, float64 ``(n,)``, eta and the fields that the channels
        need among them.
    channels
        Names out of ``CHANNELS``.

    Returns
    -------
    float64 ``(n_channels, n)``. Transverse energies are zero where eta is not finite.
    """
    contents = np.ones((len(channels), len(columns["eta"])))
    for content, summed in zip(contents, (CHANNELS[name].of_jet for name in channels), strict=True):
        if summed.field is not None:
            content[:] = columns[summed.field]
        if summed.transverse:
            content[:] = _transverse(content, columns["eta"])
        if summed.charge is not None:
            content[:] *= is_of_charge(columns["charge"], summed.charge)
        if summed.layer is not None:
            content[:] *= columns[LAYER] == summed.layer
    return contents


def _transverse(energy: np.ndarray, eta: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # beyond |eta| = 710 nothing is transverse in float64
        return energy / np.cosh(np.where(np.isfinite(eta), eta, np.inf))


def _flat_columns(
    constituents: ak.Array, needed: Mapping[str, str]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Fields of the constituents as flat float64 arrays, and the offsets of the jets from 0 on."""
    has = getattr(constituents, "fields", [])
    for field, purpose in needed.items():
        if has and field not in has:
            raise InputError(
                f"constituents have no field '{field}', which {purpose} needs: they have "
                f"{', '.join(has)}"
            )
    flat = flat_records(constituents, list(needed), "constituents", of="jet")
    require_finite(
        flat, [field for field in needed if field not in ("eta", "phi")], "constituents", of="jet"
    )
    flat = flat.packed()
    if SIZES[0] in needed:
        require_sizes(flat, "constituents", of="jet")
    if LAYER in needed:
        layer_numbers(flat, "constituents", of="jet")
    return {
        field: column.astype(np.float64) for field, column in flat.columns.items()
    }, flat.offsets[0]


def _select(
    columns: dict[str, np.ndarray], offsets: np.ndarray, recipe: JetImageRecipe
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Constituents that pass the recipe's pT, charge and trimming, in this order."""
    if recipe.pt_min is not None:
        columns, offsets = _keep(columns, offsets, columns["pt"] >= recipe.pt_min)
    if recipe.charge is not None:
        columns, offsets = _keep(columns, offsets, is_of_charge(columns["charge"], recipe.charge))
    if recipe.trim is not None:
        columns, offsets = _keep(columns, offsets, _in_hard_subjets(columns, offsets, *recipe.trim))
    return columns, offsets


def _keep(
    columns: Mapping[str, np.ndarray], offsets: np.ndarray, kept: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Columns and offsets without the constituents that are not kept."""
    n_before = np.concatenate([[0], np.cumsum(kept)])
    return {field: column[kept] for field, column in columns.items()}, n_before[offsets].astype(
        np.int64
    )


def _in_hard_subjets(
    columns: Mapping[str, np.ndarray], offsets: np.ndarray, r_sub: float, f_cut: float
) -> np.ndarray:
    """Constituents that trimming keeps, bool ``(n,)``."""
    particles, usable = _particles(columns, offsets)
    kept = np.zeros(len(usable), dtype=bool)
    kept[usable] = ak.to_numpy(
        ak.flatten(hard_subjet_constituents(particles, r_sub=r_sub, f_cut=f_cut))
    )
    return kept


def _two_leading_subjets(
    columns: Mapping[str, np.ndarray], offsets: np.ndarray, radius: float
) -> np.ndarray:
    """Give eta and phi of the two subjets of largest pT, ``(n_jets, 2, 2)``; NaN where there is
    none.
    """
    subjets = kt_subjets(_particles(columns, offsets)[0], radius)
    padded = ak.pad_none(ak.zip({"eta": subjets.eta, "phi": subjets.phi}), 2, axis=1, clip=True)
    filled = (
        ak.to_numpy(ak.fill_none(padded[name], np.nan), allow_missing=False)
        for name in ("eta", "phi")
    )
    return np.stack(list(filled), axis=-1)


def _particles(
    columns: Mapping[str, np.ndarray], offsets: np.ndarray
) -> tuple[ak.Array, np.ndarray]:
    """Massless momenta px, py, pz, E, ``n_jets * var``, of the constituents that can be clustered,
    and which can.
    """
    usable = (
        (columns["pt"] > 0) & (np.abs(columns["eta"]) < LARGEST_ETA) & np.isfinite(columns["phi"])
    )
    selected, offsets = _keep(columns, offsets, usable)
    momenta = massless_momenta(
        selected["pt"] * np.cosh(selected["eta"]), selected["eta"], selected["phi"]
    )
    return ak.unflatten(ak.zip(momenta, with_name="Momentum4D"), np.diff(offsets)), usable


def _checked_axes(axes: np.ndarray | ak.Array | None, n_jets: int) -> np.ndarray:
    """Give eta and phi of the axes, ``(n_jets, 2)``."""
    if axes is None:
        raise InputError("jet recipe: center 'axis' needs the axes of the jets")
    fields = (
        getattr(axes, "fields", None) or getattr(getattr(axes, "dtype", None), "names", None) or ()
    )
    if {"eta", "phi"} <= set(fields):
        columns = same_shape(**{f"axes.{name}": axes[name] for name in ("eta", "phi")})
        array = np.stack(columns, axis=-1)
    else:
        array = float_array(axes, "axes")
    if array.shape != (n_jets, 2) or not np.all(np.isfinite(array)):
        raise InputError(
            f"axes of shape {array.shape}: must be finite eta and phi of {n_jets} jets, ({n_jets}, "
            "2)"
        )
    return array
