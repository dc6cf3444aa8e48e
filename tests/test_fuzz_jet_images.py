"""Jet images of constituents in any layout, with missing and damaged ones: right, or an
InputError."""

import awkward as ak
import numpy as np
import pytest
from fakes_arrays import laid_out
from fakes_records import (
    charges,
    collections,
    damaged_momenta,
    etas,
    laid_out_records,
    momenta,
    phis,
    present,
)
from hypothesis import given
from hypothesis import strategies as st

from calovision.core.errors import InputError
from calovision.images import SparseImages
from calovision.images.grid import JetGrid
from calovision.images.jet_images import (
    CHOICES,
    JetImageRecipe,
    build_dense_jet_images,
    build_jet_images,
)
from calovision.images.jet_images.constituents import flat_jets
from calovision.images.jet_images.reference import fill_rows_numpy
from calovision.images.jet_images.steps import steps_of

FIELDS = {"pt": momenta, "eta": etas, "phi": phis, "charge": charges}
CHANNELS = ("et", "tracks", "neutral_pt")
TYPES = dict.fromkeys(FIELDS, np.float64)


@st.composite
def recipes(draw):
    choices = {name: draw(st.sampled_from(values)) for name, values in CHOICES.items()}
    trim = draw(st.none() | st.tuples(st.floats(0.1, 1.0), st.floats(0, 0.5)))
    grid = JetGrid(
        draw(st.integers(1, 9)), draw(st.integers(1, 9)), draw(st.sampled_from([0.8, 1000.0, 1e-3]))
    )
    return JetImageRecipe(
        grid, CHANNELS, trim=trim, pt_min=draw(st.none() | st.floats(-5, 50)), **choices
    )


@given(data=st.data(), recipe=recipes(), n_jets=st.integers(0, 4))
def test_any_layout_gives_the_images_of_the_reference(data, recipe, n_jets):
    plain = data.draw(collections(FIELDS, n_jets))
    array = data.draw(laid_out_records(plain, TYPES))
    axes = np.array(
        data.draw(
            st.lists(
                st.tuples(st.floats(-3, 3), st.floats(-7, 7)), min_size=n_jets, max_size=n_jets
            )
        )
    )
    axes = axes.reshape(n_jets, 2)
    given_axes = data.draw(laid_out(axes))
    counts = np.array([len(jet) for jet in present(plain)], dtype=np.int64)
    columns = {
        name: np.array([one[name] for jet in present(plain) for one in jet], dtype=float)
        for name in FIELDS
    }
    simple = ak.unflatten(ak.zip(columns), counts)
    ends, cells, values, expected_overflow = fill_rows_numpy(
        flat_jets(simple, recipe, axes), steps_of(recipe)
    )
    expected = SparseImages(
        np.concatenate([[0], ends]), cells, values, (3, recipe.grid.n_eta, recipe.grid.n_phi)
    )
    images, overflow = build_dense_jet_images(
        array, recipe, axes=given_axes, threads=data.draw(st.sampled_from([1, 3]))
    )
    np.testing.assert_array_equal(images, expected.dense())
    np.testing.assert_array_equal(overflow, expected_overflow)


@given(data=st.data(), recipe=recipes())
def test_wrong_constituents_are_named(data, recipe):
    plain = present(data.draw(collections(FIELDS, data.draw(st.integers(1, 3)))))
    plain[-1].append({"pt": 1.0, "eta": 0.1, "phi": 0.1, "charge": 1})
    field, how = (
        data.draw(st.sampled_from(sorted(FIELDS))),
        data.draw(st.sampled_from(["none", "number", "text", "field"])),
    )
    if how == "field":
        plain = [
            [{name: value for name, value in one.items() if name != field} for one in jet]
            for jet in plain
        ]
    else:
        field = "pt" if how == "number" else field
        plain[-1][-1][field] = {"none": None, "number": data.draw(damaged_momenta), "text": "1"}[
            how
        ]
    with pytest.raises(InputError, match=f"constituents.*{field}"):
        build_jet_images(ak.Array(plain), recipe, axes=np.zeros((len(plain), 2)))


@given(data=st.data())
def test_axes_that_are_none(data):
    wrong = st.sampled_from(
        [None, "axes", 3, np.zeros((2, 3)), np.zeros(2), [[0, None], [0, 0]], ak.Array([1])]
    )
    wrong |= st.lists(
        st.lists(st.floats() | st.none(), max_size=3), min_size=3, max_size=4
    )  # not two jets
    wrong |= st.sampled_from([np.nan, np.inf, None]).map(lambda value: [[0.0, 1.0], [value, 0.0]])
    simple = ak.zip({name: [[1.0], [2.0]] for name in FIELDS})
    recipe = JetImageRecipe(JetGrid(3, 3, 1.0), center="axis")
    with pytest.raises(InputError, match="axes"):
        build_jet_images(simple, recipe, axes=data.draw(wrong))
