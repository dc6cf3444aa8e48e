"""Constituents of jets as flat arrays, and the quantities that the jet variables are made of.

GeV and radians. Flat arrays throughout: those of all constituents are float64 ``(n,)``, and
``offsets`` int64 ``(n_jets + 1,)`` says which belong to which jet. Each quantity is computed once,
when it is first asked for.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property

import awkward as ak
import numpy as np

from calovision.core.kinematics import delta_phi, wrap_phi
from calovision.core.records import FlatRecords, flat_records, require_finite
from calovision.jets.substructure.variables import N_SUBJETTINESS, ratio

SOFT_DROP_CUT = 0.1  # z_cut; beta is 0
LARGEST_ETA = 50.0  # beyond it is no particle; squares of energies are finite in float64


class JetParticles:
    """Constituents of jets, as the functions of `JET_VARIABLES` take them.

    Constituents without positive pT, or with an eta or phi that is not finite or beyond 50,
    take no part.

    Parameters
    ----------
    constituents
        Records pt, eta, phi, ``n_jets * var``, with e or mass where these are known, and the
        further ``fields``. Constituents without both are massless, as are those with an energy
        below their momentum or NaN.
    radius
        Of the jets, the unit of angles.
    trimming
        ``(r_sub, f_cut)`` of the trimmed mass.
    fields
        Further fields that are wanted.

    Attributes
    ----------
    offsets, pt, mass
        Of the constituents.
    rapidity, phi
        Of the constituents, relative to the first one of the jet, so that no digits are lost to a
        boost.
    charge
        Their charges, in units of the elementary one; None where they are not wanted.

    Raises
    ------
    InputError
        If a field is missing.
    EntryError
        If a pT or a wanted field is NaN, or one of these, an energy or a mass infinite or beyond
        1e12; its row is the jet.
    """

    def __init__(
        self,
        constituents: ak.Array,
        *,
        radius: float,
        trimming: tuple[float, float],
        fields: Iterable[str] = (),
    ) -> None:
        flat = _usable(constituents, sorted(fields))
        columns = flat.columns
        self.radius, self.trimming = radius, trimming
        self.offsets = flat.offsets[0]
        self.pt, self.mass = columns["pt"], _masses(columns)
        self.rapidity = self._from_first(_rapidities(columns, self.mass))
        self.phi = delta_phi(self._from_first(wrap_phi(columns["phi"])), 0.0)
        self.charge = columns.get("charge")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def n(self) -> np.ndarray:
        """Number of constituents, int64 ``(n_jets,)``."""
        return np.diff(self.offsets)

    @cached_property
    def n_charged(self) -> np.ndarray:
        """Number of charged constituents, int64 ``(n_jets,)``."""
        return self._sum(self.charge != 0).astype(np.int64)

    @cached_property
    def scalar_sum(self) -> np.ndarray:
        """Sum of the pT, ``(n_jets,)``, GeV."""
        return self._sum(self.pt)

    @cached_property
    def pt_dispersion(self) -> np.ndarray:
        """Root of the sum of squared pT over the sum of pT, ``(n_jets,)``."""
        return ratio(np.sqrt(self._sum(self.pt**2)), self.scalar_sum)

    @cached_property
    def jet_charge(self) -> np.ndarray:
        """Charges weighted with the root of pT, over the root of the sum of pT, ``(n_jets,)``."""
        return ratio(self._sum(self.charge * np.sqrt(self.pt)), np.sqrt(self.scalar_sum))

    @cached_property
    def width(self) -> np.ndarray:
        """Mean distance to the axis of the jet, weighted with pT, ``(n_jets,)``, rad."""
        return ratio(self._sum(self.pt * self._distance(*self._axis)), self.scalar_sum)

    @cached_property
    def les_houches_angularity(self) -> np.ndarray:
        """Mean root of the distance to the winner-take-all axis in units of the radius, weighted
        with pT, ``(n_jets,)``.
        """
        distance = self._distance(*self._subjettiness[1].T)
        return ratio(self._sum(self.pt * np.sqrt(distance / self.radius)), self.scalar_sum)

    @cached_property
    def soft_drop_mass(self) -> np.ndarray:
        """Mass after soft drop with beta 0, ``(n_jets,)``, GeV."""
        from calovision.jets.substructure.grooming import soft_drop_masses

        return soft_drop_masses(self._particles, SOFT_DROP_CUT)

    @cached_property
    def trimmed_mass(self) -> np.ndarray:
        """Mass after trimming, ``(n_jets,)``, GeV."""
        from calovision.jets.substructure.grooming import trimmed_masses

        return trimmed_masses(self._particles, *self.trimming)

    @cached_property
    def correlations(self) -> tuple[np.ndarray, np.ndarray]:
        """Energy correlation functions e2 and e3 with beta 1, ``(n_jets,)`` each."""
        from calovision.jets.substructure.correlators import energy_correlations

        return energy_correlations(self.offsets, self.pt, self.rapidity, self.phi)

    def subjettiness(self, n: int) -> np.ndarray:
        """N-subjettiness, ``(n_jets,)``."""
        return self._subjettiness[0][:, n - 1]

    @cached_property
    def _subjettiness(self) -> tuple[np.ndarray, np.ndarray]:
        """tau_1 to tau_4, ``(n_jets, 4)``, and rapidity and phi of the winner-take-all axis,
        ``(n_jets, 2)``.
        """
        from calovision.jets.substructure.nsubjettiness import subjettiness

        return subjettiness(self._particles, N_SUBJETTINESS, self.radius)

    @property
    def _particles(self) -> tuple[np.ndarray, ...]:
        return self.offsets, self.pt, self.rapidity, self.phi, self.mass

    @cached_property
    def _axis(self) -> tuple[np.ndarray, np.ndarray]:
        """Rapidity and phi of the sum of the four-momenta, ``(n_jets,)`` each."""
        transverse = np.hypot(self.pt, self.mass)
        px, py = (self._sum(self.pt * turn(self.phi)) for turn in (np.cos, np.sin))
        forward, backward = (self._sum(transverse * np.exp(s * self.rapidity)) for s in (1, -1))
        return 0.5 * np.log(ratio(forward, backward)), np.arctan2(py, px)

    def _distance(self, rapidity: np.ndarray, phi: np.ndarray) -> np.ndarray:
        """Distance of the constituents to a direction of their jet, ``(n,)``."""
        return np.hypot(
            self.rapidity - np.repeat(rapidity, self.n),
            delta_phi(self.phi, np.repeat(phi, self.n)),
        )

    def _from_first(self, values: np.ndarray) -> np.ndarray:
        """Differences to the first constituent of the jet, ``(n,)``."""
        first = self.offsets[:-1][self.n > 0]
        return values - np.repeat(values[first], self.n[self.n > 0])

    def _sum(self, values: np.ndarray) -> np.ndarray:
        """Sum over the constituents of each jet, ``(n_jets,)``."""
        return np.bincount(np.repeat(np.arange(len(self)), self.n), values, len(self))


def _usable(constituents: ak.Array, further: Sequence[str]) -> FlatRecords:
    """Constituents that take part, float64 columns, with e or mass if there is one of them."""
    has = getattr(constituents, "fields", ())
    massive = [name for name in ("e", "mass") if name in has][:1]
    fields = ["pt", "eta", "phi", *massive, *further]
    flat = flat_records(constituents, fields, "constituents", of="jet").packed()
    columns = {name: column.astype(np.float64) for name, column in flat.columns.items()}
    for name in massive:
        columns[name] = np.where(np.isnan(columns[name]), 0.0, columns[name])
    flat = FlatRecords(flat.offsets, columns)
    require_finite(flat, ["pt", *massive, *further], "constituents", of="jet")
    usable = (
        (columns["pt"] > 0) & (np.abs(columns["eta"]) < LARGEST_ETA) & np.isfinite(columns["phi"])
    )
    return FlatRecords(flat.offsets, columns).keep(usable)


def _rapidities(columns: dict[str, np.ndarray], mass: np.ndarray) -> np.ndarray:
    """Rapidities of the constituents, ``(n,)``; the very pseudorapidity of massless ones."""
    pt, eta = columns["pt"], columns["eta"]
    return np.where(mass > 0, np.arcsinh(pt * np.sinh(eta) / np.hypot(pt, mass)), eta)


def _masses(columns: dict[str, np.ndarray]) -> np.ndarray:
    """Masses of the constituents, ``(n,)``, GeV."""
    if "e" not in columns:
        return np.maximum(columns.get("mass", np.zeros(len(columns["pt"]))), 0.0)
    momentum = columns["pt"] * np.cosh(columns["eta"])
    e = columns["e"]
    return np.sqrt(np.maximum((e - momentum) * (e + momentum), 0.0))
