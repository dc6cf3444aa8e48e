"""Clustering, trimming, soft drop, N-subjettiness and correlators of random jets against loops in
Python: astride phi = pi, collinear, soft, forward, of either sign of energy."""

import awkward as ak
import numpy as np
import pytest
from plain_jets import (
    correlators,
    particle,
    recombine,
    soft_drop,
    subjettiness,
    trimmed,
)

from calovision.core.kinematics import delta_phi
from calovision.jets import cluster_fat_jets, jet_substructure, kt_subjets
from calovision.jets.clustering import cluster_with_constituents

RADIUS = 0.8
KINDS = ("seam", "collinear", "soft", "forward", "spread")
N_JETS = 8
MASS = 2e-7
"""Of the energy: rounding of E^2 - p^2."""


def random_jet(rng, kind):
    """pt, y, phi, mass of the particles of a jet, ``(n, 4)``."""
    n = int(rng.integers(1, 10))
    jet = np.stack(
        [rng.exponential(10, n) + 0.1, *rng.normal(0, 0.3, (2, n)), rng.choice([0, 0.14, 1], n)], 1
    )
    if kind == "seam":
        jet[:, 2] = (jet[:, 2] + np.pi + np.pi) % (2 * np.pi) - np.pi
        jet[rng.random(n) < 0.2, 2] = -np.pi
    elif kind == "collinear":
        jet[:, 1:3] = jet[rng.integers(0, n, n), 1:3] + rng.choice([0.0, 1e-9], (n, 1))
    elif kind == "soft":
        jet[:, 0] *= 10.0 ** rng.integers(-9, 3, n)
        jet[:, 3] = 0
    elif kind == "forward":
        jet[:, 1] += 4 * rng.choice([-1, 1])
    else:
        jet[:, 1:3] *= 4
    return jet


@pytest.fixture(scope="module", params=KINDS)
def jets(request):
    rng = np.random.default_rng(KINDS.index(request.param) + 1)
    return [random_jet(rng, request.param) for _ in range(N_JETS)]


def records_of(jets):
    """Constituents as records pt, eta, phi, e."""
    pt, y, phi, mass = np.concatenate(jets).T
    eta = np.arcsinh(np.hypot(pt, mass) * np.sinh(y) / pt)
    columns = {"pt": pt, "eta": eta, "phi": phi, "mass": mass}
    return ak.unflatten(ak.zip(columns), [len(jet) for jet in jets])


def particles_of(jet):
    return [particle(number, *one) for number, one in enumerate(jet.tolist())]


def test_variables_of_jets(jets):
    names = ["soft_drop_mass", "trimmed_mass", "tau1", "tau2", "tau3", "c2", "d2"]
    found = jet_substructure(records_of(jets), names, radius=RADIUS, trimming=(0.3, 0.05))
    for i, jet in enumerate(jets):
        particles = particles_of(jet)
        rounding = MASS * sum(one.momentum[3] for one in particles)
        mass = soft_drop(particles, 0.1).mass
        assert found["soft_drop_mass"][i] == pytest.approx(mass, rel=1e-6, abs=rounding)
        _, (px, py, pz, e) = trimmed(particles, 0.3, 0.05)
        mass = np.sqrt(max((e - pz) * (e + pz) - px**2 - py**2, 0))
        assert found["trimmed_mass"][i] == pytest.approx(mass, rel=1e-6, abs=rounding)
        for n in (1, 2, 3):
            tau = subjettiness(particles, n, RADIUS) if len(jet) > n else 0.0
            assert found[f"tau{n}"][i] == pytest.approx(tau, rel=1e-8, abs=1e-9)
        e2, e3 = correlators(particles)
        if e2 > 1e-6:
            assert found["c2"][i] == pytest.approx(e3 / e2**2, rel=1e-6)
            assert found["d2"][i] == pytest.approx(e3 / e2**3, rel=1e-6)


def momenta_of(jets):
    """Records px, py, pz, E of particles."""
    found = np.array([one.momentum for jet in jets for one in particles_of(jet)])
    columns = dict(zip(("px", "py", "pz", "E"), found.T, strict=True))
    return ak.unflatten(ak.zip(columns), [len(jet) for jet in jets])


def test_kt_subjets(jets):
    for jet, found in zip(jets, kt_subjets(momenta_of(jets), 0.3), strict=True):
        expected = sorted(recombine(particles_of(jet), 1, 0.3)[0], key=lambda one: -one.pt)
        assert found.pt.tolist() == pytest.approx([one.pt for one in expected], rel=1e-9)


@pytest.mark.parametrize("trimming", [None, (0.3, 0.05)])
def test_anti_kt_jets_and_their_towers(jets, trimming):
    """Signed towers: what has no energy is in no jet."""
    rng = np.random.default_rng(7)
    events = [
        np.concatenate([one, other]) for one, other in zip(jets[::2], jets[1::2], strict=True)
    ]
    for towers in events:
        towers[:, 3] = 0
    signs = [rng.choice([1, 1, 1, -1, 0], len(towers)) for towers in events]
    flat = np.concatenate(events)
    columns = {"e": flat[:, 0] * np.cosh(flat[:, 1]) * np.concatenate(signs)}
    columns |= {"eta": flat[:, 1], "phi": flat[:, 2], "number": np.arange(len(flat))}
    towers = ak.unflatten(ak.zip(columns), [len(one) for one in events])
    options = {"radius": RADIUS, "pt_min": 1.0, "trimming": trimming}
    found, members = cluster_with_constituents(towers, **options)
    assert found.tolist() == cluster_fat_jets(towers, **options).tolist()
    start = 0
    for event, sign, jets_of_event, of_jets in zip(events, signs, found, members, strict=True):
        usable = np.flatnonzero(sign > 0)
        particles = [particle(start + i, *event[i]) for i in usable]
        start += len(event)
        expected = [one for one in recombine(particles, -1, RADIUS)[0] if one.pt >= 1.0]
        rows = []
        for one in expected:
            momentum, kept = one.momentum, sorted(one.members)
            if trimming:
                own = [p for p in particles if p.members[0] in kept]
                kept, momentum = trimmed(own, *trimming)
            rows.append((np.hypot(*momentum[:2]), kept, momentum))
        rows.sort(key=lambda row: -row[0])
        assert jets_of_event.pt.tolist() == pytest.approx([row[0] for row in rows], rel=1e-9)
        assert [sorted(one) for one in of_jets.number.tolist()] == [row[1] for row in rows]
        phi = [np.arctan2(row[2][1], row[2][0]) for row in rows if row[0] > 0]
        turned = delta_phi(jets_of_event.phi.to_numpy()[: len(phi)], np.array(phi))
        assert turned == pytest.approx(0, abs=1e-8)
