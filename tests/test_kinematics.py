"""Angles and four-momenta against closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calovision.core.kinematics import delta_phi, massless_momenta, pt_eta_phi_mass, wrap_phi

PI = np.pi


@pytest.mark.parametrize(
    ("phi", "expected"),
    [
        (0.0, 0.0),
        (PI, -PI),
        (-PI, -PI),
        (np.float32(PI), float(np.float32(PI)) - 2 * PI),
        (np.nextafter(PI, 0), np.nextafter(PI, 0)),
        (np.nextafter(-PI, -4), np.nextafter(PI, 0)),
        (3.5 * PI, -0.5 * PI),
        (-7.25 * PI, 0.75 * PI),
    ],
)
def test_wrap_phi_closed_form(phi, expected):
    assert wrap_phi(phi) == pytest.approx(expected, abs=1e-14)


@given(st.floats(-1e4, 1e4))
def test_wrap_phi_stays_inside_and_keeps_the_direction(phi):
    wrapped = wrap_phi(phi)
    assert -PI <= wrapped < PI
    np.testing.assert_allclose(
        [np.cos(wrapped), np.sin(wrapped)], [np.cos(phi), np.sin(phi)], atol=1e-11
    )


@given(st.floats(-PI, PI, exclude_max=True))
def test_wrap_phi_keeps_what_is_inside_to_the_bit(phi):
    assert wrap_phi(phi) == phi


def test_wrap_phi_beside_the_edges():
    turns = 2 * PI * np.arange(-5000, 5001)[:, None]
    steps = np.arange(-20, 21) * 1e-15
    wrapped = wrap_phi(PI + turns + steps)
    assert wrapped.min() >= -PI
    assert wrapped.max() < PI
    np.testing.assert_allclose(np.abs(wrapped), PI, atol=1e-10)


def test_wrap_phi_is_float64_and_leaves_its_argument_alone():
    phi = np.array([4.0, -4.0], dtype=np.float32)
    wrapped = wrap_phi(phi)
    assert wrapped.dtype == np.float64
    np.testing.assert_array_equal(phi, np.array([4.0, -4.0], dtype=np.float32))
    np.testing.assert_allclose(wrapped, [4 - 2 * PI, 2 * PI - 4])


def test_delta_phi_takes_the_shorter_way_with_a_sign():
    phi = np.array([3.0, -3.0, 0.5, 0.2])
    reference = np.array([-3.0, 3.0, 0.2, 0.5])
    np.testing.assert_allclose(delta_phi(phi, reference), [6 - 2 * PI, 2 * PI - 6, 0.3, -0.3])


def test_massless_momenta_closed_form():
    e, eta, phi = np.array([10.0, 5.0]), np.array([0.0, np.arctanh(0.6)]), np.array([PI / 2, 0.0])
    p = massless_momenta(e, eta, phi)
    np.testing.assert_allclose(p["px"], [0, 4], atol=1e-14)
    np.testing.assert_allclose(p["py"], [10, 0], atol=1e-14)
    np.testing.assert_allclose(p["pz"], [0, 3], atol=1e-14)
    np.testing.assert_array_equal(p["E"], e)


def test_massless_momenta_at_absurd_eta_has_no_transverse_part():
    p = massless_momenta(np.array([1.0]), np.array([1000.0]), np.array([0.0]))
    assert (p["px"][0], p["pz"][0]) == (0.0, 1.0)


def test_pt_eta_phi_mass_closed_form():
    p = pt_eta_phi_mass(
        *np.array([[3.0, 0.0, 0.0], [4.0, -1.0, 0.0], [0.0, 1.0, 0.0], [13.0, np.sqrt(2), 0.0]])
    )
    np.testing.assert_allclose(p["pt"], [5, 1, 0])
    np.testing.assert_allclose(p["eta"], [0, np.arcsinh(1), 0])
    np.testing.assert_allclose(p["phi"], [np.arctan2(4, 3), -PI / 2, 0])
    np.testing.assert_allclose(p["mass"], [12, 0, 0], atol=1e-7)


def test_pt_eta_phi_mass_never_gives_a_negative_or_undefined_mass():
    p = pt_eta_phi_mass(*np.array([[3.0], [4.0], [0.0], [5.0 - 1e-12]]))
    assert p["mass"][0] == 0.0


def test_pt_eta_phi_mass_gives_phi_below_pi():
    p = pt_eta_phi_mass(*np.array([[-1.0], [0.0], [0.0], [2.0]]))
    assert p["phi"][0] == -PI


@given(st.floats(0.1, 1e4), st.floats(-5, 5), st.floats(-3.1, 3.1))
def test_massless_momenta_and_back(e, eta, phi):
    p = pt_eta_phi_mass(
        *(massless_momenta(np.array([e]), np.array([eta]), np.array([phi])).values())
    )
    np.testing.assert_allclose(
        [p["pt"][0], p["eta"][0], p["phi"][0]], [e / np.cosh(eta), eta, phi], rtol=1e-9, atol=1e-9
    )
    assert p["mass"][0] <= 1e-6 * e
