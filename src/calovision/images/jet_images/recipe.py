"""Recipes of jet images, of independent switches, and three published ones.

Radians and GeV. In an image eta grows to the right and phi upwards; directions below are meant so.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from calovision.core.depth import expanded
from calovision.core.errors import InputError
from calovision.core.numeric import finite_number, float_array
from calovision.images.channels import check_jet_channels
from calovision.images.grid import JetGrid

CHOICES: dict[str, tuple[str | None, ...]] = {
    "charge": (None, "charged", "neutral"),
    "center": (None, "axis", "centroid", "leading_subjet"),
    "rotate": (None, "principal_axis", "second_subjet"),
    "flip": (None, "parity", "quadrant", "third_maximum"),
    "normalize": (None, "l1", "l1_jet"),
}
"""The values of each switch that takes a name."""


@dataclass(frozen=True)
class JetImageRecipe:
    """Switches in the order in which they act, whatever order they are given in.

    Parameters
    ----------
    grid
        The cells around the center of the image.
    channels
        Names out of ``CHANNELS``, in the order wanted; by layer as in `build_images`.
    pt_min
        Constituents below this pT (GeV) are dropped; None keeps all.
    charge
        ``"charged"`` or ``"neutral"`` drops the others.
    trim
        ``(r_sub, f_cut)``: constituents whose kt subjet of radius r_sub has less than the fraction
        f_cut of the jet's pT are dropped, and with them those that cannot be clustered (pT not
        positive, coordinates not finite).
    subjet_radius
        Radius of the kt subjets that `center` and `rotate` refer to; they are found after the
        selection above.
    center
        What becomes the middle of the image. ``"axis"``: the given axis of the jet. ``"centroid"``:
        the mean of eta and phi weighted with pT. ``"leading_subjet"``: the subjet of largest pT.
        None: eta and phi are relative to the middle already.
    rotate
        Rotation in the (eta, phi) plane around the middle. ``"principal_axis"``: the line through
        the middle along which pT spreads most is put along phi, with the half that has more pT up.
        ``"second_subjet"``: the second subjet is put straight below the middle (at -pi/2); a jet of
        one subjet is rotated by its principal axis.
    flip
        Mirroring, after pixelation, by the pT inside the image. ``"parity"``: the half in eta with
        more pT is put right. ``"quadrant"``: the same for right and up. ``"third_maximum"``: the
        cell with the third largest pT is put right and up; an image of fewer than three cells with
        pT stays.
    normalize
        All channels in GeV are divided by one number, so that their proportions stay; counts are
        left alone. ``"l1"``: after pixelation, by the sum of the absolute values of the cells, so
        that the image sums to 1. ``"l1_jet"``: before pixelation, by the sum over all constituents,
        so that image and overflow sum to 1.
    zero_center
        To be subtracted from dense batches: the mean of each pixel in the training split.
    standardize
        To divide dense batches by: the standard deviation of each pixel in the training split plus
        this number; None does not divide. These two are no part of the sparse image: see
        ``storage.ImageCollection.standardized``.

    Raises
    ------
    InputError
        If a channel or a choice is unknown, or a number is out of range.
    """

    grid: JetGrid
    channels: tuple[str, ...] = ("et",)
    pt_min: float | None = None
    charge: str | None = None
    trim: tuple[float, float] | None = None
    subjet_radius: float = 0.3
    center: str | None = "axis"
    rotate: str | None = None
    flip: str | None = None
    normalize: str | None = None
    zero_center: bool = False
    standardize: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.grid, JetGrid):
            raise InputError(f"jet recipe: grid is {self.grid!r}: give a JetGrid")
        object.__setattr__(self, "channels", expanded(self.channels))
        check_jet_channels(self.channels)
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                known = ", ".join(str(choice) for choice in choices)
                raise InputError(
                    f"jet recipe: {name} '{getattr(self, name)}' is unknown, choose from {known}"
                )
        if self.trim is not None:
            object.__setattr__(self, "trim", _checked_trimming(self.trim))
        for name in ("pt_min", "subjet_radius", "standardize"):
            if getattr(self, name) is not None or name == "subjet_radius":
                object.__setattr__(
                    self, name, finite_number(getattr(self, name), f"jet recipe: {name}")
                )
        if self.subjet_radius <= 0 or (self.standardize or 0) < 0:
            raise InputError(
                "jet recipe: subjet_radius must be positive and standardize not negative"
            )
        if not isinstance(self.zero_center, bool):
            raise InputError(f"jet recipe: zero_center is {self.zero_center!r}: give true or false")

    @property
    def needs_subjets(self) -> bool:
        """The center or the rotation refers to subjets."""
        return self.center == "leading_subjet" or self.rotate == "second_subjet"

    def to_dict(self) -> dict[str, Any]:
        """Give the recipe as what JSON holds: dictionaries, lists, strings, numbers, None."""
        plain = asdict(self) | {"channels": list(self.channels)}
        return plain | {"trim": None if self.trim is None else list(self.trim)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "JetImageRecipe":
        """Recipe that `to_dict` gave; switches that are not there take their defaults.

        Raises
        ------
        InputError
            If the grid is missing or a key is unknown, and as the recipe itself.
        """
        unknown = sorted(set(plain) - {field.name for field in fields(cls)})
        if unknown:
            raise InputError(f"jet recipe: unknown key '{unknown[0]}'")
        grid = plain.get("grid")
        if not isinstance(grid, Mapping) or set(grid) != {"n_eta", "n_phi", "width"}:
            raise InputError(
                f"jet recipe: grid must have the keys n_eta, n_phi and width, not {grid}"
            )
        return cls(**{**plain, "grid": JetGrid(**grid)})


def _checked_trimming(trim: tuple[float, float]) -> tuple[float, float]:
    """Return (r_sub, f_cut) as a tuple of numbers that trimming can use."""
    numbers = float_array(trim, "jet recipe: trim")
    if numbers.shape != (2,) or not (
        np.all(np.isfinite(numbers)) and numbers[0] > 0 and 0 <= numbers[1] < 1
    ):
        raise InputError(
            f"jet recipe: trim {numbers.tolist()} must be a positive radius and a fraction in [0, "
            "1)"
        )
    return float(numbers[0]), float(numbers[1])


JET_RECIPES = {
    "quark_gluon": JetImageRecipe(
        grid=JetGrid(33, 33, 0.8),
        channels=("charged_pt", "neutral_pt", "tracks"),
        center="centroid",
        normalize="l1",
        zero_center=True,
        standardize=1e-5,
    ),
    "top": JetImageRecipe(
        grid=JetGrid(37, 37, 1.6),
        channels=("et",),
        center="centroid",
        rotate="principal_axis",
        flip="third_maximum",
        normalize="l1_jet",
        standardize=0.02,
    ),
    "w": JetImageRecipe(
        grid=JetGrid(25, 25, 2.5),
        channels=("et",),
        trim=(0.3, 0.05),
        subjet_radius=0.3,
        center="leading_subjet",
        rotate="second_subjet",
        flip="parity",
    ),
}
"""Published recipes.

``quark_gluon``
    arXiv:1612.01551: R = 0.4 jets; pT of charged, pT of neutral particles and number of charged
    particles, as three channels; center, crop, L1, zero-center, standardize. Only the channels of
    pT are normalized, together, as in ``pixelate`` of the authors' package EnergyFlow, which
    however moves the centroid into the middle cell and not to its middle. The floor of the
    standardization, 1e-5, is quoted from memory.
``top``
    arXiv:1803.00107: R = 0.8 jets. L1 before pixelation and the floor 0.02 as in the public code of
    its author (SebastianMacaluso/Deep-learning_jet-images), which has the principal axis along eta
    instead, and mirrors by comparing halves: that is ``flip="quadrant"``. It divides only, without
    subtracting the mean.
``w``
    arXiv:1407.5675 and arXiv:1511.05190: anti-kt R = 1.0 jets. Trimming with kt subjets R = 0.3 and
    f_cut 0.05, the subjets and their fallback as in the public code (hep-lbdl/adversarial-jets),
    which rotates the pixels by a spline after pixelation where this recipe rotates the constituents
    before.
"""
