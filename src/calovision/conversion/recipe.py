"""Recipe of an image file: all that decides its content beside the ntuple."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from calovision.conversion.masking import ImageMask
from calovision.conversion.variations import Variation
from calovision.core.depth import expanded
from calovision.core.errors import InputError
from calovision.core.splits import SHARES
from calovision.images import CHANNELS
from calovision.images.grid import EtaPhiGrid, JetGrid
from calovision.images.jet_images import JetImageRecipe
from calovision.jets import JET_VARIABLES, EventContent, FatJetDefinition
from calovision.jets.variables import Variable, own_variable
from calovision.selection import variables_of


@dataclass(frozen=True)
class ImageRecipe:
    """Grid, channels, jets, selection and split.

    Attributes
    ----------
    grid, channels
        Of event images.
    fat_jets
        Which fat jets count.
    cluster_jets
        Cluster towers where the file has no fat jets of its own. Without both, files have no event
        variables.
    preselection
        Cut names to expressions (``selection.evaluate_cut``).
    split_seed, split_fractions
        Train, validation and test: seed of the hash and shares.
    split_group
        Name from which the split is drawn, in place of the sample's, for samples that share files;
        None: the sample's.
    content
        Small-R jets, shapes, counts, hardest towers and tracks as further columns; None leaves them
        out.
    variation
        Towers as another detector would have measured them; jets are then clustered from these.
        None: as they are.
    variables
        Further columns of the file by name: each a branch or formula of branches, or a variable as
        `calovision.jets.variables.own_variable` makes it. Cuts may use them.
    jets
        Recipe of jet images: the rows of the file are then the ``jets_per_event`` leading fat jets
        instead of events, and ``grid`` and ``channels`` those of the recipe.
    jet_variables
        Names of `calovision.jets.JET_VARIABLES` that become columns of a file of jets: those that
        the file's own jets have are taken from there, the others computed from the constituents.
        Those that the ``jet_selection`` names are added to them.
    jet_selection
        Cuts on these jets, names to expressions on their columns and those of their event.
    jet_constituents
        Hardest constituents of each jet that are kept in the column ``constituents``; 0: none.
    mask
        Dead cells of the images of events, emptied or filled; jets and variables do not feel them.
        None: none.
    """

    grid: EtaPhiGrid = field(default_factory=EtaPhiGrid)
    channels: tuple[str, ...] = ("em_et", "had_et", "tracks")
    fat_jets: FatJetDefinition = field(default_factory=FatJetDefinition)
    cluster_jets: bool = True
    preselection: Mapping[str, str] = field(default_factory=dict)
    split_seed: int = 1
    split_fractions: tuple[float, ...] = tuple(SHARES.values())
    split_group: str | None = None
    content: EventContent | None = None
    variation: Variation | None = None
    jets: JetImageRecipe | None = None
    jets_per_event: int = 1
    jet_variables: tuple[str, ...] = ()
    jet_selection: Mapping[str, str] = field(default_factory=dict)
    jet_constituents: int = 0
    variables: Mapping[str, str | Variable] = field(default_factory=dict)
    mask: ImageMask | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", expanded(self.channels))
        named = variables_of(self.jet_selection)
        more = [one for one in JET_VARIABLES if one in named and one not in self.jet_variables]
        object.__setattr__(self, "jet_variables", (*self.jet_variables, *more))

    @property
    def own_variables(self) -> dict[str, Variable]:
        """Variables of the user's own by name."""
        return {
            name: own_variable(name, one) if isinstance(one, str) else one
            for name, one in self.variables.items()
        }

    @property
    def image_grid(self) -> EtaPhiGrid | JetGrid:
        """Grid of the images of the file."""
        return self.grid if self.jets is None else self.jets.grid

    @property
    def image_channels(self) -> tuple[str, ...]:
        """Channels of the images of the file."""
        return tuple(self.channels if self.jets is None else self.jets.channels)

    @property
    def image_units(self) -> tuple[str, ...]:
        """Units of the channels; a normalized jet image has shares instead of GeV."""
        normalized = self.jets is not None and self.jets.normalize is not None
        return tuple("" if normalized else CHANNELS[name].unit for name in self.image_channels)

    @property
    def kind(self) -> str:
        """Rows of the file: ``event`` or ``jet``."""
        return "event" if self.jets is None else "jet"

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """``(n_channels, n_eta, n_phi)`` of the images of the file."""
        return len(self.image_channels), self.image_grid.n_eta, self.image_grid.n_phi

    def to_dict(self) -> dict[str, Any]:
        """Give the recipe as what JSON holds, every attribute by its name; without a mask there is
        none, as before there were masks.
        """
        plain = {
            one.name: _PLAIN.get(one.name, _same)(getattr(self, one.name))
            for one in fields(self)
            if one.name != "mask" or self.mask is not None
        }
        return json.loads(json.dumps(plain))

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Recipe that `to_dict` gave; attributes that are not there take their defaults.

        Raises
        ------
        InputError
            If a key is unknown, as one of a newer version, or a value is none of a recipe.
        """
        known = [one.name for one in fields(cls)]
        if unknown := [name for name in plain if name not in known]:
            raise InputError(
                f"image recipe: unknown key '{unknown[0]}'; a newer calovision may have written "
                f"it, known are {', '.join(known)}"
            )
        values = {}
        for name, value in plain.items():
            try:
                values[name] = _READ.get(name, _same)(value)
            except InputError as error:
                raise InputError(f"image recipe: {name}: {error}") from error
            except (TypeError, ValueError, AttributeError) as error:
                raise InputError(f"image recipe: {name} is {value!r}, which is none") from error
        return cls(**values)


def _same(value: Any) -> Any:
    return value


def _if_given(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Function that leaves None as it is."""
    return lambda value: None if value is None else function(value)


def _jet_variables(value: Any) -> tuple[str, ...]:
    """Names of jet variables; InputError for others."""
    if not isinstance(value, list | tuple):
        raise InputError(f"is {value!r}: give a list of names")
    return tuple(JET_VARIABLES.find(str(name), "jet variables").name for name in value)


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "grid": asdict,
    "fat_jets": asdict,
    "preselection": dict,
    "jet_selection": dict,
    "content": _if_given(asdict),
    "variation": _if_given(Variation.to_mapping),
    "jets": _if_given(JetImageRecipe.to_dict),
    "mask": _if_given(ImageMask.to_dict),
    "variables": lambda value: {
        name: {"branch": one} if isinstance(one, str) else one.definition()
        for name, one in value.items()
    },
}
"""Attributes that are no plain values -> function that makes them such."""

_READ: dict[str, Callable[[Any], Any]] = {
    "grid": lambda value: EtaPhiGrid(**value),
    "channels": tuple,
    "fat_jets": lambda value: FatJetDefinition(**value),
    "preselection": dict,
    "jet_selection": dict,
    "split_fractions": tuple,
    "content": _if_given(lambda value: EventContent(**value)),
    "variation": _if_given(Variation.from_mapping),
    "jets": _if_given(JetImageRecipe.from_dict),
    "mask": _if_given(ImageMask.from_dict),
    "jet_variables": _jet_variables,
    "variables": lambda value: {name: own_variable(name, **one) for name, one in value.items()},
}
"""Attributes that are no plain values -> inverse of that function."""


def _attributes(value: Any) -> dict[str, Any]:
    """Attributes of an object; a mask that is not there is left out, as before there were any."""
    return {name: one for name, one in vars(value).items() if (name, one) != ("mask", None)}


def configuration_hash(*choices: object) -> str:
    """Hash of everything that decides the content of a file beside the ntuple, so that two files
    can be compared.
    """
    text = json.dumps(choices, default=_attributes)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
