"""Variations of the detector by name: what a robustness study changes.

A new one is an entry of `VARIATIONS` with its function. Towers are awkward records eta, phi and
energies, ``n_events * var``, GeV and radians; what is random depends on the seed and the event
number alone. Nothing heavy is imported here, since the configuration asks for the names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING, Any

from calovision.core.errors import InputError
from calovision.core.registry import Registry
from calovision.images.fills import FILLS

if TYPE_CHECKING:
    import awkward as ak
    import numpy as np

Resolution = tuple[tuple[float, float, float, float], ...]
"""One row a range of |eta|, ascending: its end, sampling term in sqrt(GeV), constant term, noise in
GeV."""
# The ATLAS card of Delphes 3.5 (arXiv:1307.6346), which is also what the simulation of this package
# smears with.
EM_RESOLUTION: Resolution = ((3.2, 0.101, 0.0017, 0.0), (4.9, 0.285, 0.035, 0.0))
HAD_RESOLUTION: Resolution = (
    (1.7, 0.5205, 0.0302, 1.59),
    (3.2, 0.706, 0.05, 0.0),
    (4.9, 1.0, 0.0942, 0.0),
)


@dataclass(frozen=True)
class VariationEntry:
    """Something that differs in another detector, told by one value.

    Attributes
    ----------
    name
        Key of ``robustness.variations.<name>``.
    doc
        Meaning of the value, in a few words.
    acts_on
        "towers": `apply` changes them, and jets are clustered anew. "fat_jets", "simulation": the
        value takes the place of this key in the section ``fat_jets``, or of the sample's
        ``simulate``; "images": of this key in the section ``images``.
    nominal
        Value that changes nothing; None where the configuration has it.
    bounds
        ``gt``, ``ge``, ``lt`` and ``le`` of a number; none for others.
    details
        Anything else to say of it.
    remedy
        Behind a value out of bounds in the message.
    is_random
        Needs a seed.
    is_path
        The value is the path of a file.
    choices
        Words that the value may be; none for numbers, paths, and true or false.
    apply
        From towers, the `Variation`, event numbers ``(n_events,)`` and the seed to new towers.
    """

    name: str
    doc: str
    acts_on: str
    nominal: float | None = None
    bounds: Mapping[str, float] = field(default_factory=dict)
    details: str | None = None
    remedy: str = ""
    is_random: bool = False
    is_path: bool = False
    choices: tuple[str, ...] = ()
    apply: Callable[[ak.Array, Variation, np.ndarray, int | None], ak.Array] | None = None

    @property
    def is_number(self) -> bool:
        """The value is a number, not true or false."""
        return bool(self.bounds)

    def check(self, value: Any) -> None:
        """Raise InputError unless it is a number within the bounds."""
        _require_number(f"variation: {self.name}", value)
        within = {
            "gt": value > self.bounds.get("gt", -inf),
            "ge": value >= self.bounds.get("ge", -inf),
            "lt": value < self.bounds.get("lt", inf),
            "le": value <= self.bounds.get("le", inf),
        }
        if not all(within.values()):
            raise InputError(f"variation: {self.name} {value} {self.remedy}")


def _scaled(towers: ak.Array, variation: Variation, *_: object) -> ak.Array:
    from calovision.conversion.varied_towers import energies, with_energies

    factor = variation["scale"]
    return with_energies(towers, {name: factor * e for name, e in energies(towers).items()})


def _smeared(
    towers: ak.Array, variation: Variation, event_number: np.ndarray, seed: int
) -> ak.Array:
    from calovision.conversion.varied_towers import smeared, with_energies

    return with_energies(towers, smeared(towers, variation, event_number, seed))


def _without_dead(towers: ak.Array, variation: Variation, _: np.ndarray, seed: int) -> ak.Array:
    from calovision.conversion.varied_towers import without_dead

    return without_dead(towers, variation["dead"], seed)


VARIATIONS: Registry[VariationEntry] = Registry(
    "variation",
    VariationEntry,
    [
        VariationEntry(
            "scale",
            "Factor on the energy of all towers",
            "towers",
            nominal=1.0,
            bounds={"gt": 0},
            remedy="leaves no energy; give a positive factor, such as 1.03",
            apply=_scaled,
        ),
        # each tower is smeared by sqrt((1 + smear)^2 - 1) of its nominal resolution, which added in
        # quadrature to the nominal smearing makes 1 + smear of it
        VariationEntry(
            "smear",
            "How much worse the resolution of the towers is; 0.1 for 10 %",
            "towers",
            nominal=0.0,
            bounds={"ge": 0},
            is_random=True,
            apply=_smeared,
        ),
        VariationEntry(
            "dead",
            "Share of the cells whose towers are dead",
            "towers",
            nominal=0.0,
            bounds={"ge": 0, "lt": 1},
            details="Cells of 0.1 x 0.1, the same in all events.",
            remedy="is no fraction below 1; give 0.01 for 1 % of the cells",
            is_random=True,
            apply=_without_dead,
        ),
        VariationEntry("groomed", "Trim the fat jets, or do not", "fat_jets"),
        VariationEntry(
            "pile_up",
            "Mean number of minimum-bias collisions, simulated again",
            "simulation",
            bounds={"gt": 0},
        ),
        VariationEntry(
            "mask",
            "Mask of dead cells, as of images.mask",
            "images",
            details="Jets, and all variables, stay as they are: what changes is what a network of "
            "images sees.",
            is_path=True,
        ),
        VariationEntry(
            "mask_fill",
            "Content of the dead cells, as of images.mask_fill",
            "images",
            choices=FILLS,
        ),
    ],
)
"""Variations by name, those of the towers in the order in which they are applied."""


def acting_on(changes: Mapping[str, Any], acts_on: str) -> dict[str, Any]:
    """The changes of a detector that act on "towers", "fat_jets", "images" or the "simulation"."""
    return {key: value for key, value in changes.items() if VARIATIONS[key].acts_on == acts_on}


@dataclass(frozen=True, init=False)
class Variation:
    """A detector whose towers differ from the nominal ones.

    Parameters
    ----------
    em_resolution, had_resolution
        Nominal resolution of the electromagnetic and of the hadronic calorimeter, as
        `varied_towers.resolution` takes it.
    **changes
        Values of `VARIATIONS` that act on the towers.

    Attributes
    ----------
    changes
        Name and value of those that are not nominal, in the order in which they are applied.

    Raises
    ------
    InputError
        If a name is unknown or a number is impossible.
    """

    changes: tuple[tuple[str, float], ...]
    em_resolution: Resolution
    had_resolution: Resolution

    def __init__(
        self,
        em_resolution: Resolution = EM_RESOLUTION,
        had_resolution: Resolution = HAD_RESOLUTION,
        **changes: float,
    ) -> None:
        resolutions = {"em_resolution": em_resolution, "had_resolution": had_resolution}
        of_towers = [name for name, entry in VARIATIONS.items() if entry.acts_on == "towers"]
        for name, value in changes.items():
            if name not in of_towers:
                known = ", ".join([*of_towers, *resolutions])
                raise InputError(f"variation: unknown key '{name}'; choose from {known}")
            VARIATIONS[name].check(value)
        differs = (
            (name, changes[name])
            for name in of_towers
            if name in changes and changes[name] != VARIATIONS[name].nominal
        )
        object.__setattr__(self, "changes", tuple(differs))
        for name, terms in resolutions.items():
            object.__setattr__(self, name, _checked_resolution(f"variation: {name}", terms))

    def __getitem__(self, name: str) -> float:
        """Value of a variation of the towers, the nominal one if it is unchanged."""
        return dict(self.changes).get(name, VARIATIONS[name].nominal)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Variation:
        """From the mapping of a configuration, such as ``{"scale": 1.03}``.

        Resolutions are lists of ``[end of |eta|, sampling term, constant term, noise]``.

        Raises
        ------
        InputError
            If a key is unknown or a value impossible.
        """
        if not isinstance(mapping, Mapping):
            raise InputError(f"variation {mapping!r}: give a mapping, such as {{scale: 1.03}}")
        return cls(**{str(key): value for key, value in mapping.items()})

    def to_mapping(self) -> dict[str, Any]:
        """Differences from the nominal detector, as `from_mapping` takes them."""
        nominal = {"em_resolution": EM_RESOLUTION, "had_resolution": HAD_RESOLUTION}
        rows = {
            name: [list(row) for row in getattr(self, name)]
            for name, terms in nominal.items()
            if getattr(self, name) != terms
        }
        return {**dict(self.changes), **rows}


def _require_number(name: str, value: Any) -> None:
    """Raise InputError unless a value is a number that is finite and not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < inf:
        raise InputError(
            f"{name} {value!r} is impossible; give a finite number that is not negative"
        )


def _checked_resolution(name: str, terms: Any) -> Resolution:
    """Terms as tuples; InputError if they are no resolution."""
    rows = terms if isinstance(terms, list | tuple) else ()
    if not rows or not all(isinstance(row, list | tuple) and len(row) == 4 for row in rows):
        raise InputError(
            f"{name} {terms!r}: give rows [end of |eta|, sampling term, constant term, noise]"
        )
    for number in (number for row in rows for number in row):
        _require_number(name, number)
    if any(first[0] >= second[0] for first, second in pairwise(rows)):
        raise InputError(f"{name}: the ends of |eta| {[row[0] for row in rows]} must ascend")
    return tuple(tuple(row) for row in rows)
