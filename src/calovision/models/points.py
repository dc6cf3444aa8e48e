"""Points of an event or a jet as networks take them: event columns, flattened side by side.

Of events ``leading_towers`` (ET, eta, phi, electromagnetic share) and ``leading_tracks`` (pT, eta,
phi); of jets ``constituents`` (pT, distance in eta and in phi from the jet axis, energy, charge,
electromagnetic share). GeV and rad, hardest first; a point without positive pT is padding.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from calovision.core.errors import InputError
from calovision.models.networks import POINTS_OF_EVENTS, POINTS_OF_JETS

FIELDS = {"leading_towers": 4, "leading_tracks": 3, "constituents": 6}
"""Column -> numbers of a point."""


@dataclass(frozen=True)
class PointColumns:
    """Columns of points that a network takes, and the number of points in each.

    Attributes
    ----------
    network
        Its name, for messages.
    sizes
        Column -> number of points, in the order of the columns.
    """

    network: str
    sizes: Mapping[str, int]

    @classmethod
    def of(
        cls, network: str, variables: Sequence[str], options: Mapping[str, int]
    ) -> "PointColumns":
        """Columns of a jet where they are among the variables, else those of an event.

        Parameters
        ----------
        network
            Its name.
        variables
            Event columns of the model.
        options
            Numbers of points: ``towers``, ``tracks``, ``constituents``.
        """
        columns = POINTS_OF_JETS if set(POINTS_OF_JETS) & set(variables) else POINTS_OF_EVENTS
        return cls(network, {name: options[option] for name, option in columns.items()})

    @property
    def is_of_jet(self) -> bool:
        """Constituents of jets."""
        return set(self.sizes) == set(POINTS_OF_JETS)

    @property
    def n_points(self) -> int:
        """Points of all columns."""
        return sum(self.sizes.values())

    @property
    def n_numbers(self) -> int:
        """Numbers of all points."""
        return sum(FIELDS[name] * n for name, n in self.sizes.items())

    def check(self, n_variables: int) -> None:
        """Raise InputError unless the variables are these columns."""
        if n_variables != self.n_numbers:
            options = POINTS_OF_EVENTS | POINTS_OF_JETS
            numbers = " and ".join(f"{n} {options[name]}" for name, n in self.sizes.items())
            source = "images.jets" if self.is_of_jet else "event_content"
            raise InputError(
                f"network '{self.network}' takes {self.n_numbers} variables, of {numbers}, not "
                f"{n_variables}: give it the variables {' and '.join(self.sizes)}, and as many of "
                f"them in {source} as in its options"
            )

    def split(self, variables: Tensor) -> list[Tensor]:
        """Points of each column, ``(n, points, fields)``, of ``(n, n_numbers)``."""
        parts = variables.split([FIELDS[name] * n for name, n in self.sizes.items()], dim=1)
        return [
            part.unflatten(1, (n, FIELDS[name]))
            for part, (name, n) in zip(parts, self.sizes.items(), strict=True)
        ]


def are_there(points: Tensor) -> Tensor:
    """Points that are no padding, bool ``(n, points)``."""
    return points[:, :, 0] > 0
