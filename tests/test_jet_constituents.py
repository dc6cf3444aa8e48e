"""Column of the hardest constituents of jets: by hand, by a loop, and in a file from towers."""

import awkward as ak
import numpy as np
import pytest
from fakes import make_events, write_ntuple
from fakes_ntuples import write_nanoaod

from calovision.conversion import ImageRecipe, Sample, convert_ntuple
from calovision.conversion.jet_constituents import CONSTITUENT_FIELDS, constituent_column
from calovision.core.errors import InputError
from calovision.images.grid import JetGrid
from calovision.images.jet_images import JetImageRecipe
from calovision.jets import FatJetDefinition, find_fat_jets_with_constituents
from calovision.ntuples import iterate_events
from calovision.storage import ImageFile

RECIPE = JetImageRecipe(JetGrid(8, 8, 2.0), ("et",))
AXES = np.array([[0.5, 3.0], [0.0, -3.0], [1.0, 0.0]])


def make_constituents(**fields):
    """Three jets: of three constituents, of none, of one."""
    columns = {
        "pt": [10.0, 30.0, 20.0, 5.0],
        "eta": [0.5, 0.6, 0.4, 1.5],
        "phi": [3.1, -3.1, 3.0, 0.25],
    }
    return ak.zip({name: ak.unflatten(of, [3, 0, 1]) for name, of in (columns | fields).items()})


def test_by_hand():
    fields = {
        "e": [12.0, 40.0, 25.0, 10.0],
        "e_em": [3.0, 40.0, 0.0, 2.0],
        "charge": [1, -1, 0, -2],
    }
    column = constituent_column(make_constituents(**fields), AXES, 2)
    expected = [
        [[30, 0.1, 2 * np.pi - 6.1, 40, -1, 1], [20, -0.1, 0, 25, 0, 0]],  # across pi
        np.zeros((2, 6)),
        [[5, 0.5, 0.25, 10, -2, 0.2], [0] * 6],
    ]
    assert column.dtype == np.float32
    assert CONSTITUENT_FIELDS[3:] == ("energy", "charge", "em_share")
    np.testing.assert_allclose(column, expected, rtol=1e-6, atol=1e-6)


def test_what_is_not_known():
    """Energy of massless particles, no charge and no share; nor are there any of what is NaN."""
    pt, eta = np.array([30.0, 20.0]), np.array([0.6, 0.4])
    plain = constituent_column(make_constituents(), AXES, 2)[0]
    np.testing.assert_allclose(plain[:, 3], pt * np.cosh(eta), rtol=1e-6)
    assert not plain[:, 4:].any()
    nothing = {name: [np.nan] * 4 for name in ("e", "e_em", "charge")}
    nan = constituent_column(make_constituents(**nothing), AXES, 2)[0]
    np.testing.assert_array_equal(nan, plain)


def test_share_has_bounds():
    e_em = [-1.0, 41.0, 5.0, 1.0]
    fields = {"e": [12.0, 40.0, 0.0, 10.0], "e_em": e_em}
    column = constituent_column(make_constituents(**fields), AXES, 3)
    np.testing.assert_allclose(column[0, :, 5], [1, 0, 0], rtol=1e-6)  # in falling pT


@pytest.mark.parametrize("bad", [{"pt": -1.0}, {"pt": 0.0}, {"eta": np.inf}, {"phi": np.nan}])
def test_constituents_without_momentum_or_place_are_left_out(bad):
    ((name, value),) = bad.items()
    values = ak.to_list(ak.flatten(make_constituents()[name]))
    changed = make_constituents(**{name: [values[0], value, *values[2:]]})
    expected = constituent_column(make_constituents(), AXES, 3)
    column = constituent_column(changed, AXES, 3)
    np.testing.assert_array_equal(column[0], [*expected[0, 1:], np.zeros(6)])
    np.testing.assert_array_equal(column[1:], expected[1:])


def test_of_equal_ones_the_first_and_no_jet_at_all():
    equal = make_constituents(pt=[7.0, 7.0, 7.0, 7.0])
    column = constituent_column(equal, AXES, 2)
    np.testing.assert_allclose(column[0, :, 1], [0.0, 0.1], atol=1e-6)
    assert constituent_column(equal[:0], AXES[:0], 2).shape == (0, 2, 6)


@pytest.fixture(scope="module")
def ntuple(tmp_path_factory):
    return write_ntuple(tmp_path_factory.mktemp("ntuple") / "a.root", *make_events(15))


def test_column_of_a_file_against_a_loop(tmp_path, ntuple):
    """Of the towers of clustered jets, which know their electromagnetic part."""
    definition = FatJetDefinition(pt_min=20.0)
    recipe = ImageRecipe(fat_jets=definition, jets=RECIPE, jets_per_event=2, jet_constituents=5)
    convert_ntuple(ntuple, tmp_path / "a.h5", recipe, sample="qcd", label=0)
    file = ImageFile(tmp_path / "a.h5")
    (events,) = iterate_events(ntuple)
    jets, constituents = find_fat_jets_with_constituents(events.towers, None, None, definition)
    expected = []
    for jet, towers in zip(
        ak.flatten(jets[:, :2]), ak.flatten(constituents[:, :2], axis=1), strict=True
    ):
        rows = np.zeros((5, 6))
        for place, tower in enumerate(sorted(towers.to_list(), key=lambda one: -one["pt"])[:5]):
            turned = (tower["phi"] - jet.phi + np.pi) % (2 * np.pi) - np.pi
            share = tower["e_em"] / tower["e"]
            rows[place] = tower["pt"], tower["eta"] - jet.eta, turned, tower["e"], 0, share
        expected.append(rows)
    np.testing.assert_allclose(file.events["constituents"], expected, rtol=1e-5, atol=1e-5)
    assert np.count_nonzero(file.events["constituents"][:, :, 0] == 0) > 0  # some are padding
    stored = ImageRecipe.from_dict(file.metadata.recipe["images"])
    assert stored.jet_constituents == 5


def test_candidates_have_a_charge(tmp_path):
    write_nanoaod(tmp_path / "a.root", n_events=8)
    definition = FatJetDefinition(pt_min=0.0, eta_max=9.0)
    recipe = ImageRecipe(fat_jets=definition, jets=RECIPE, jet_constituents=3)
    sample = Sample("qcd", 0, cross_section_required=False)
    convert_ntuple(tmp_path / "a.root", tmp_path / "a.h5", recipe, sample=sample)
    constituents = ImageFile(tmp_path / "a.h5").events["constituents"]
    assert set(np.unique(constituents[:, :, 4])) <= {-1, 0, 1}
    assert np.any(constituents[:, :, 4] != 0)
    assert np.all(np.diff(constituents[:, :, 0], axis=1) <= 0)


def test_files_without_the_column(tmp_path, ntuple):
    recipe = ImageRecipe(fat_jets=FatJetDefinition(pt_min=20.0), jets=RECIPE)
    convert_ntuple(ntuple, tmp_path / "a.h5", recipe, sample="qcd", label=0)
    assert "constituents" not in ImageFile(tmp_path / "a.h5").events


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"jets": RECIPE, "jet_constituents": -1}, "jet_constituents is -1: give 0 for none"),
        ({"jet_constituents": 3}, "jet_constituents is 3, but the images are of events"),
    ],
)
def test_impossible_numbers(tmp_path, ntuple, changes, sentence):
    with pytest.raises(InputError, match=sentence):
        convert_ntuple(ntuple, tmp_path / "a.h5", ImageRecipe(**changes), sample="qcd", label=0)
