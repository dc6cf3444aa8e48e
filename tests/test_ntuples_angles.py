"""Azimuths, weights and energies that nothing has are refused where they are read."""

import awkward as ak
import numpy as np
import pytest
from fakes_cli import write_small
from test_ntuples_weights import write_calovision

from calovision.core.errors import InputError
from calovision.ntuples import iterate_events
from calovision.ntuples.angles import LARGEST, check_azimuths
from calovision.ntuples.expressions import evaluate
from calovision.ntuples.schemas.delphes.classes import energy_of_track
from calovision.ntuples.weights import LARGEST as LARGEST_WEIGHT


def objects(phi, **more):
    """Objects of two events, one and two."""
    return ak.unflatten(ak.zip({"phi": phi, "eta": [0.0, 1.0, 2.0], **more}), [1, 2])


@pytest.mark.parametrize("phi", [LARGEST, -LARGEST, 6.3, np.nan, np.inf])
def test_angle_of_any_convention_passes(phi):
    """What is not finite is an object without a place, which is counted elsewhere."""
    check_azimuths({"towers": objects([0.0, phi, 1.0]), "tracks": None}, "a.root", 0)


@pytest.mark.parametrize("phi", [100.001, -180.0, 359.9])
def test_degrees_are_told_with_their_entry(phi):
    with pytest.raises(
        InputError, match=rf"^a.root, entry 41: towers.phi is {phi:g}, no angle; give radians"
    ):
        check_azimuths({"towers": objects([0.0, np.nan, phi])}, "a.root", 40)


def test_degrees_of_constituents_of_a_jet():
    phi = ak.Array([[[0.1]], [[0.2, 0.3], [200.0]]])
    with pytest.raises(InputError, match=r"entry 1: constituents.phi is 200, no angle"):
        check_azimuths({"constituents": ak.zip({"phi": phi})}, "a.root", 0)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("towers", {"eta": [0.0, 0.0, LARGEST]}),
        ("towers", {"eta": [0.0, 0.0, np.nan]}),
        ("fat_jets", {"pt": [1.0, 1.0, 0.0]}),
    ],
)
def test_object_that_lies_nowhere_or_is_none_may_have_any(name, more):
    check_azimuths({name: objects([0.0, 0.0, -999.0], **more)}, "a.root", 0)
    with pytest.raises(InputError, match=f"{name}.phi is -999"):
        check_azimuths({name: objects([0.0, -999.0, 0.0], **more)}, "a.root", 0)


def test_degrees_in_a_file(tmp_path):
    """As its reader meets them."""
    path, towers, _ = write_small(tmp_path / "a.root", 5)
    events = next(iter(iterate_events(path)))
    assert abs(ak.max(abs(events.towers["phi"])) - ak.max(abs(towers["phi"]))) < 1e-6
    towers["phi"] = towers["phi"] * (180 / np.pi)
    from fakes import make_events, write_ntuple

    write_ntuple(path, towers, make_events(5)[1])
    with pytest.raises(InputError, match=r"a.root, entry \d: towers.phi is .*, no angle"):
        list(iterate_events(path))


@pytest.mark.parametrize("sign", [1, -1])
def test_largest_weight(tmp_path, sign):
    path = write_calovision(tmp_path / "a.root", [1, 1, sign * LARGEST_WEIGHT, 1, 1, 1])
    (events,) = iterate_events(path)
    assert events.weight[2] == sign * LARGEST_WEIGHT
    path = write_calovision(tmp_path / "b.root", [1, 1, sign * 1.001 * LARGEST_WEIGHT, 1, 1, 1])
    with pytest.raises(InputError, match=r"in entry 2; weights must be finite numbers of at most"):
        list(iterate_events(path))


@pytest.mark.parametrize("mass", [None, 0.1])
def test_track_of_delphes_without_a_number_has_no_energy(mass):
    """One without momentum has that of its mass; NaN stays one and is refused where it is summed,
    and was 0 in silence.
    """
    values = {"Track.PT": np.array([3.0, 0.0, np.nan]), "Track.Eta": np.array([1.0, 999.9, 1.0])}
    found = evaluate(energy_of_track("Track", mass), values, "a.root")
    momenta = np.array([3.0 * np.cosh(1.0), 0.0, np.nan])
    np.testing.assert_allclose(found, np.hypot(momenta, mass or 0.0), rtol=1e-14)
