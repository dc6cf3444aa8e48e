"""Jet variables: closed forms, second implementations, and their columns in files of jets."""

import awkward as ak
import pytest

from calovision.jets import JET_VARIABLES, jet_substructure


def jets_of(*jets):
    """Constituents (pt, eta, phi) of each jet as records."""
    return ak.Array(
        [[dict(zip(("pt", "eta", "phi"), one, strict=True)) for one in jet] for jet in jets]
    )


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_a_jet_of_n_prongs_has_no_subjettiness_beyond(n):
    """Prongs a distance apart along phi: tau_k of the prongs is closed."""
    prongs = [(100.0, 0.3, 0.5 * i) for i in range(n)]
    found = jet_substructure(jets_of(prongs), ("tau1", "tau2", "tau3", "tau4"), radius=0.8)
    taus = [float(found[f"tau{k}"][0]) for k in (1, 2, 3, 4)]
    assert taus[n - 1 :] == [0.0] * (5 - n)
    assert all(tau > 0.1 for tau in taus[: n - 1])


def test_names_and_what_they_give():
    constituents = ak.with_field(jets_of([(3.0, 0.1, 0.2)], []), [[1], []], "charge")
    found = jet_substructure(constituents, JET_VARIABLES, radius=1.0)
    assert list(found) == list(JET_VARIABLES)
    assert all(values.shape == (2,) for values in found.values())
    assert found["n_constituents"].tolist() == [1, 0]
    assert found["soft_drop_mass"].tolist() == [0.0, 0.0]
