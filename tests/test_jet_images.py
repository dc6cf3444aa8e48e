"""Jet images against closed forms, a plain implementation jet by jet, and the numpy reference."""

import dataclasses
import json

import awkward as ak
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calovision.core.errors import InputError, NotFiniteError
from calovision.core.kinematics import delta_phi, wrap_phi
from calovision.images import CHANNELS, SparseImages
from calovision.images.grid import JetGrid
from calovision.images.jet_images import (
    CHOICES,
    JET_RECIPES,
    JetImageRecipe,
    build_dense_jet_images,
    build_jet_images,
)
from calovision.images.jet_images.builder import _images_of, _ranges
from calovision.images.jet_images.constituents import flat_jets
from calovision.images.jet_images.kernels import _ascending_cells
from calovision.images.jet_images.placement_kernels import _wrap
from calovision.images.jet_images.reference import fill_rows_numpy
from calovision.images.jet_images.steps import steps_of

PI = np.pi
GRID = JetGrid(21, 21, 2.1)  # cells of 0.1, the middle of cell 10 is 0
FIELDS = ("pt", "eta", "phi", "charge", "e", "e_em", "e_had")


def make_jets(jets, dtype=np.float64):
    """Constituents from lists of (pT, eta, phi) and possibly charge; a third of the energy is
    electromagnetic."""
    rows = [(*particle, 0)[:4] for jet in jets for particle in jet]
    pt, eta, phi, charge = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    e = pt * np.cosh(np.where(np.isfinite(eta), eta, 0))
    columns = (pt, eta, phi, charge, e, e / 3, 2 * e / 3)
    records = ak.zip(
        {name: column.astype(dtype) for name, column in zip(FIELDS, columns, strict=True)}
    )
    return ak.unflatten(records, np.array([len(jet) for jet in jets], dtype=np.int64))


def random_jets(n_jets, n_constituents=30, seed=1, spread=0.3):
    rng = np.random.default_rng(seed)
    axes = np.stack([rng.uniform(-2, 2, n_jets), rng.uniform(-PI, PI, n_jets)], axis=1)
    counts = rng.integers(1, 2 * n_constituents, n_jets)
    jets = []
    for (eta, phi), n in zip(axes, counts, strict=True):
        pt, charge = rng.exponential(10, n), rng.integers(-1, 2, n)
        positions = rng.normal((eta, phi), spread, (n, 2))
        jets.append(
            list(zip(pt, positions[:, 0], delta_phi(positions[:, 1], 0), charge, strict=True))
        )
    return jets, axes


def recipe(**switches):
    return JetImageRecipe(**{"grid": GRID, "center": None, **switches})


def image_of(jet, **switches):
    """Image of one jet and one channel, ``(n_eta, n_phi)``."""
    axes = switches.pop("axes", None)
    images, _ = build_jet_images(make_jets([jet]), recipe(**switches), axes=axes)
    return images.dense()[0, 0]


def filled(image):
    """{(row, column) relative to the middle cell: value} of the cells that are not zero."""
    rows, columns = np.nonzero(image)
    return {
        (int(r) - 10, int(c) - 10): pytest.approx(image[r, c])
        for r, c in zip(rows, columns, strict=True)
    }


def assert_same(actual, expected):
    for name in ("offsets", "cells", "values", "shape"):
        np.testing.assert_array_equal(getattr(actual[0], name), getattr(expected[0], name))
    np.testing.assert_array_equal(actual[1], expected[1])


# Pixelation and centers


def test_cells_of_a_jet_without_any_step():
    jet = [
        (3, 0.0, 0.0),
        (4, 0.31, -0.52),
        (5, 0.29, -0.48),
        (7, -1.05, 1.049),
        (1, 1.05, 0),
        (2, 0, -1.06),
    ]
    images, overflow = build_jet_images(make_jets([jet]), recipe())
    assert filled(images.dense()[0, 0]) == {(0, 0): 3, (3, -5): 9, (-10, 10): 7}
    assert overflow.tolist() == [[3]]


def test_axis_and_centroid_and_subjet_are_the_middle():
    jet = [(100, 0.5, 3.0), (50, 1.1, 3.0)]
    assert filled(image_of(jet, center="axis", axes=np.array([[0.5, 3.0]]))) == {
        (0, 0): 100,
        (6, 0): 50,
    }
    assert filled(image_of(jet, center="centroid")) == {(-2, 0): 100, (4, 0): 50}
    assert filled(image_of(jet, center="leading_subjet")) == {(0, 0): 100, (6, 0): 50}


def test_subjets_are_ordered_by_pt_and_not_by_energy():
    forward, central = (100, 1.6, 1.0), (110, 0.9, 1.0)
    for eta in (0.0, 1.5, -3.0):
        jet = [(pt, position + eta, phi) for pt, position, phi in (forward, central)]
        assert filled(image_of(jet, center="leading_subjet")) == {(0, 0): 110, (7, 0): 100}
    assert filled(image_of([(100, 2.4, 0), (80, 1.6, 0)], center="leading_subjet")) == {
        (0, 0): 100,
        (-8, 0): 80,
    }


def test_axes_may_be_jets():
    jets, axes = random_jets(5)
    records = ak.zip({"pt": axes[:, 0], "eta": axes[:, 0], "phi": axes[:, 1]})
    options = recipe(center="axis")
    expected = build_jet_images(make_jets(jets), options, axes=axes)
    assert_same(build_jet_images(make_jets(jets), options, axes=records), expected)


@pytest.mark.parametrize("name", JET_RECIPES)
def test_jet_astride_phi_pi_is_the_jet_elsewhere(name):
    jets, _ = random_jets(20, spread=0.15)
    centered = [
        [(pt, eta, phi - jet[0][2], charge) for pt, eta, phi, charge in jet] for jet in jets
    ]
    expected, expected_overflow = build_dense_jet_images(make_jets(centered), JET_RECIPES[name])
    assert np.all(np.any(expected, axis=(1, 2, 3)))
    for turn in (PI, PI - 0.1, -PI + 0.2, 3 * PI):
        turned = [
            [(pt, eta, float(delta_phi(phi + turn, 0)), c) for pt, eta, phi, c in jet]
            for jet in centered
        ]
        images, overflow = build_dense_jet_images(make_jets(turned), JET_RECIPES[name])
        np.testing.assert_allclose(images, expected, atol=1e-5)
        np.testing.assert_allclose(overflow, expected_overflow, atol=1e-8)


def test_window_of_the_axis_astride_phi_pi_keeps_everything():
    image = image_of(
        [(20, 0, PI - 0.05), (20, 0, -PI + 0.05), (1, 0, np.float32(PI))],
        center="axis",
        axes=[[0, PI]],
    )
    assert image.sum() == 41


def test_angles_are_wrapped_as_elsewhere():
    edges = np.concatenate([np.arange(-9, 10) * PI, [0.3, 1e6, -1e6, np.nan, np.inf, -np.inf]])
    angles = np.concatenate([edges, np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf)])
    with np.errstate(invalid="ignore"):
        expected = wrap_phi(angles)
    np.testing.assert_array_equal([_wrap(angle) for angle in angles], expected)


# Rotation


@pytest.mark.parametrize("angle", np.linspace(-PI, PI, 9) + 0.1)
def test_two_prongs_lie_on_the_fixed_direction(angle):
    far = (50, 0.3 + 0.9 * np.cos(angle), 3.1 + 0.9 * np.sin(angle))
    for rotate, center, at in (
        ("principal_axis", "centroid", {(0, 3): 100, (0, -6): 50}),
        ("second_subjet", "leading_subjet", {(0, 0): 100, (0, -9): 50}),
        ("second_subjet", "centroid", {(0, 3): 100, (0, -6): 50}),
    ):
        assert filled(image_of([(100, 0.3, 3.1), far], center=center, rotate=rotate)) == at


def test_a_jet_of_one_subjet_is_rotated_by_its_principal_axis():
    jet = [(100, 0.0, 0.0), (50, 0.12, 0.0)]
    assert filled(image_of(jet, rotate="second_subjet")) == {(0, 0): 100, (0, 1): 50}
    options = {"center": "leading_subjet", "rotate": "second_subjet"}
    assert filled(image_of(jet, **options)) == {(0, 0): 100, (0, -1): 50}
    assert filled(image_of(jet, subjet_radius=0.1, **options)) == {(0, 0): 100, (0, -1): 50}
    assert filled(image_of([*jet, (1, 0.0, -1.0)], **options)) != filled(image_of(jet, **options))


def test_rotated_jets_have_one_image():
    jets, _ = random_jets(30)
    options = recipe(grid=JetGrid(9, 9, 1.8), center="centroid", rotate="principal_axis")
    means = np.array(
        [np.average(np.array(jet)[:, 1:3], axis=0, weights=np.array(jet)[:, 0]) for jet in jets]
    )
    centered = [
        [(pt, eta - m[0], float(delta_phi(phi, jet[0][2])), c) for pt, eta, phi, c in jet]
        for jet, m in zip(jets, means, strict=True)
    ]
    expected, _ = build_dense_jet_images(make_jets(centered), options)
    for angle in (0.3, 1.7, 3.0, -2.2):
        c, s = np.cos(angle), np.sin(angle)
        turned = [
            [(pt, c * x - s * y, s * x + c * y, q) for pt, x, y, q in jet] for jet in centered
        ]
        np.testing.assert_allclose(
            build_dense_jet_images(make_jets(turned), options)[0], expected, atol=1e-4
        )


@pytest.mark.parametrize(
    "jet",
    [
        [(10, 0.4, 3.1)],
        [(10, 0.4, 3.1), (5, 0.4, 3.1), (1, 0.4, 3.1 - 2 * PI)],
        [(5, 0.4, 3.0), (5, 0.4, 3.2), (5, 0.5, 3.1), (5, 0.3, 3.1)],
        [
            (5, 0.4 + 0.3 * np.cos(a), 3.1 + 0.3 * np.sin(a))
            for a in 0.2 + 2 * PI / 5 * np.arange(5)
        ],
    ],
)
def test_no_principal_axis_means_no_rotation(jet):
    options = {"center": "centroid", "grid": JetGrid(7, 7, 0.7)}
    rotated = image_of(jet, rotate="principal_axis", **options)
    np.testing.assert_array_equal(rotated, image_of(jet, **options))
    assert rotated.sum() == sum(particle[0] for particle in jet)


# Flips


def test_parity_puts_the_heavier_half_right():
    jet = [(3, 0.5, 0.7), (4, -0.6, -0.8), (9, 0.0, -0.3)]
    assert filled(image_of(jet, flip="parity")) == {(-5, 7): 3, (6, -8): 4, (0, -3): 9}
    assert filled(image_of(jet, flip="quadrant")) == {(-5, -7): 3, (6, 8): 4, (0, 3): 9}
    light = [(5, 0.5, -0.7), (4, -0.6, -0.8)]
    assert filled(image_of(light, flip="parity")) == {(5, -7): 5, (-6, -8): 4}


def test_third_maximum_is_put_right_and_up():
    jet = [(9, 0.0, 0.0), (5, 0.3, 0.4), (1, 0.3, 0.4), (3, -0.5, -0.2), (2, 0.9, 0.9)]
    assert filled(image_of(jet, flip="third_maximum")) == {
        (0, 0): 9,
        (-3, -4): 6,
        (5, 2): 3,
        (-9, -9): 2,
    }
    assert filled(image_of(jet[:3], flip="third_maximum")) == {(0, 0): 9, (3, 4): 6}


@pytest.mark.parametrize("flip", CHOICES["flip"][1:])
def test_mirrored_jets_have_one_image_and_a_second_flip_does_nothing(flip):
    jets, axes = random_jets(40)
    keep = [len(jet) > 5 for jet in jets]  # an image of two cells has no third maximum
    jets, axes = [jet for jet, kept in zip(jets, keep, strict=True) if kept], axes[keep]
    even = JetGrid(20, 20, 2.0)  # no cell in the middle, for which right and left are the same
    options = recipe(grid=even, center="axis", flip=flip)
    images, _ = build_dense_jet_images(make_jets(jets), options, axes=axes)
    mirrored = [
        [
            (pt, 2 * a[0] - eta, phi if flip == "parity" else 2 * a[1] - phi, q)
            for pt, eta, phi, q in jet
        ]
        for jet, a in zip(jets, axes, strict=True)
    ]
    np.testing.assert_allclose(
        build_dense_jet_images(make_jets(mirrored), options, axes=axes)[0], images, rtol=1e-5
    )
    middles = even.edges_in_eta[:-1] + 0.05
    again = [
        [(float(v), middles[r], middles[c]) for (r, c), v in np.ndenumerate(i[0]) if v]
        for i in images
    ]
    np.testing.assert_array_equal(
        build_dense_jet_images(make_jets(again), recipe(grid=even, flip=flip))[0], images
    )


# Normalization and standardization


@pytest.mark.parametrize(
    "channels", [("et",), ("charged_pt", "neutral_pt"), ("em", "had", "towers")]
)
def test_l1_sums_to_one(channels):
    jets, axes = random_jets(20)
    grid = JetGrid(9, 9, 0.9)
    scaled = [CHANNELS[channel].of_jet.field is not None for channel in channels]
    options = {"grid": grid, "channels": channels, "center": "axis"}
    plain, _ = build_dense_jet_images(make_jets(jets), recipe(**options), axes=axes)
    images, overflow = build_dense_jet_images(
        make_jets(jets), recipe(normalize="l1", **options), axes=axes
    )
    np.testing.assert_allclose(images[:, scaled].sum(axis=(1, 2, 3)), 1, rtol=1e-5)
    np.testing.assert_array_equal(images[:, ~np.array(scaled)], plain[:, ~np.array(scaled)])
    ratio = plain[:, scaled].sum(axis=(1, 2, 3))
    np.testing.assert_allclose(
        images[:, scaled] * ratio[:, None, None, None], plain[:, scaled], rtol=1e-5
    )
    images, overflow = build_dense_jet_images(
        make_jets(jets), recipe(normalize="l1_jet", **options), axes=axes
    )
    total = images[:, scaled].sum(axis=(1, 2, 3)) + overflow[:, scaled].sum(axis=1)
    np.testing.assert_allclose(total, 1, rtol=1e-5)
    assert np.all(overflow[:, scaled].sum(axis=1) > 0)


# Channels and selection


def test_channels_closed_form():
    jet = [(3, 0.4, 0.0, 1), (4, 0.4, 0.0, 0), (5, 0.4, 0.0, -1)]
    values, _ = build_dense_jet_images(make_jets([jet]), recipe(channels=tuple(CHANNELS)))
    found = dict(zip(CHANNELS, values.sum(axis=(2, 3))[0], strict=True))
    e = 12 * np.cosh(0.4)
    counts = {"towers": 3, "tracks": 2, "track_pt": 8, "charged_pt": 8, "neutral_pt": 4, "et": 12}
    expected = counts | {"energy": e, "em": e / 3, "had": 2 * e / 3, "em_et": 4, "had_et": 8}
    assert found == pytest.approx(expected)


def test_counts_have_no_unit():
    for name, channel in CHANNELS.items():
        assert (channel.of_event.field is None) == (channel.unit == ""), name
        assert (channel.of_jet.field is None) == (channel.unit == ""), name


def test_selection_of_constituents():
    jet = [(3, 0.4, 0.0, 1), (0.5, 0.4, 0.5, 0), (5, 0.0, 0.0, -1), (8, 0.0, 0.5, 0)]
    assert filled(image_of(jet, pt_min=3)) == {(4, 0): 3, (0, 0): 5, (0, 5): 8}
    assert filled(image_of(jet, charge="charged")) == {(4, 0): 3, (0, 0): 5}
    assert filled(image_of(jet, charge="neutral", pt_min=1)) == {(0, 5): 8}


def test_trimming_drops_the_soft_subjets():
    jet = [
        (300, 0.0, 0.0),
        (100, 0.5, 0.0),
        (1, 0.0, 0.1),
        (10, 0.0, 0.6),
        (0, 0.5, 0.0),
        (2, np.nan, 0),
    ]
    images, overflow = build_jet_images(
        make_jets([jet]), recipe(trim=(0.2, 0.05), channels=("et", "towers"))
    )
    assert filled(images.dense()[0, 0]) == {(0, 0): 300, (5, 0): 100, (0, 1): 1}
    assert images.dense()[0, 1].sum() == 3
    assert overflow.tolist() == [[0, 0]]
    dropped = image_of(jet, trim=(0.2, 0.5))
    assert filled(dropped) == {(0, 0): 300, (0, 1): 1}


# Totals and invariances


@pytest.mark.parametrize("name", JET_RECIPES)
def test_image_and_overflow_are_the_total(name):
    jets, _ = random_jets(50, spread=0.5)
    options = dataclasses.replace(JET_RECIPES[name], normalize=None, trim=None)
    images, overflow = build_dense_jet_images(make_jets(jets), options)
    total = images.sum(axis=(2, 3), dtype=np.float64) + overflow
    charged = [[pt for pt, _, _, charge in jet if charge] for jet in jets]
    pt = np.array([sum(particle[0] for particle in jet) for jet in jets])
    expected = {
        "et": pt,
        "charged_pt": [sum(jet) for jet in charged],
        "neutral_pt": pt - [sum(jet) for jet in charged],
        "tracks": [len(jet) for jet in charged],
    }
    np.testing.assert_allclose(
        total, np.stack([expected[c] for c in options.channels], axis=1), rtol=1e-5
    )
    assert overflow.sum() > 0


@pytest.mark.parametrize("name", JET_RECIPES)
def test_order_and_full_turns_change_nothing(name):
    jets, _ = random_jets(20)
    rng = np.random.default_rng(3)
    changed = [
        [
            (pt, eta, phi + 2 * PI * rng.integers(-1, 2), q)
            for pt, eta, phi, q in rng.permutation(jet)
        ]
        for jet in jets
    ]
    expected, _ = build_dense_jet_images(make_jets(jets), JET_RECIPES[name])
    np.testing.assert_allclose(
        build_dense_jet_images(make_jets(changed), JET_RECIPES[name])[0], expected, atol=1e-4
    )


@pytest.mark.parametrize("name", JET_RECIPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constituents_are_not_modified(name, dtype):
    constituents = make_jets(random_jets(5)[0], dtype)
    before = ak.copy(constituents)
    images, _ = build_jet_images(constituents, JET_RECIPES[name])
    assert ak.array_equal(constituents, before)
    assert (images.values.dtype, images.cells.dtype, images.offsets.dtype) == (
        np.float32,
        np.uint16,
        np.int64,
    )


@pytest.mark.parametrize("name", JET_RECIPES)
def test_jets_do_not_influence_each_other(name):
    jets = [*random_jets(6)[0], [], [(1, 0, 0, 1)], *random_jets(3, seed=2)[0]]
    together = build_dense_jet_images(make_jets(jets), JET_RECIPES[name])
    alone = [build_dense_jet_images(make_jets([jet]), JET_RECIPES[name]) for jet in jets]
    for whole, parts in zip(together, zip(*alone, strict=True), strict=True):
        np.testing.assert_array_equal(whole, np.concatenate(parts))
    sliced = build_dense_jet_images(make_jets(jets)[3:], JET_RECIPES[name])[0]
    np.testing.assert_array_equal(sliced, together[0][3:])


@pytest.mark.parametrize("name", JET_RECIPES)
@pytest.mark.parametrize("jets", [[], [[]], [[], []]])
def test_no_jet_and_no_constituent(name, jets):
    images, overflow = build_jet_images(make_jets(jets), JET_RECIPES[name], threads=2)
    assert len(images) == len(jets)
    assert len(images.values) == 0
    assert overflow.tolist() == [[0] * len(JET_RECIPES[name].channels)] * len(jets)
    assert images.dense().shape == (len(jets), *images.shape)


@pytest.mark.parametrize("normalize", CHOICES["normalize"])
def test_jet_without_pt_is_empty(normalize):
    channels = ("et", "towers")
    options = recipe(
        center="centroid",
        rotate="principal_axis",
        flip="quadrant",
        normalize=normalize,
        channels=channels,
    )
    images, overflow = build_jet_images(
        make_jets([[(0, 0.1, 0.2), (0, 0.3, 0.4)], [(5, 1, 1)]]), options
    )
    assert images.dense().sum(axis=(2, 3)).tolist() == [[0, 0], [5 if normalize is None else 1, 1]]
    assert overflow.tolist() == [[0, 2], [0, 0]]
    images, overflow = build_jet_images(
        make_jets([[(0, 0.1, 0.2)]]), recipe(channels=channels, normalize=normalize)
    )
    assert (images.dense().sum(), overflow.sum()) == (1, 0)


# Bad values


def test_bad_coordinates_are_outside_and_have_no_say():
    good = [(5, 0.2, 0.1), (3, -0.4, 0.3), (1, 0.1, 0.7)]
    bad = [(100, np.nan, 0.1), (100, 0.1, np.nan), (100, np.inf, 0.1), (100, 0.1, -np.inf)]
    options = {
        "center": "centroid",
        "rotate": "principal_axis",
        "flip": "third_maximum",
        "channels": ("et", "em_et"),
    }
    images, overflow = build_dense_jet_images(make_jets([good, good + bad, bad]), recipe(**options))
    np.testing.assert_array_equal(images[1], images[0])
    assert not images[2].any()
    np.testing.assert_allclose(overflow[:, 0], [0, 400, 400])
    assert np.all(np.isfinite(overflow))


@pytest.mark.parametrize("center", ["leading_subjet", "centroid"])
def test_negative_pt_is_summed_and_has_no_say(center):
    jet = [(5, 0.2, 0.1), (-3, 0.5, 0.1)]
    assert filled(image_of(jet, center=center)) == {(0, 0): 5, (3, 0): -3}
    images = image_of([(5, 0.2, 0.1), (-5, 0.2, 0.1)], center=center)
    assert not images.any()
    assert filled(image_of(jet, center=center, normalize="l1")) == {(0, 0): 5 / 8, (3, 0): -3 / 8}


@pytest.mark.parametrize(
    ("field", "channel"), [("pt", "towers"), ("e_em", "em"), ("charge", "tracks")]
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_bad_contents_are_named(field, channel, value):
    constituents = make_jets(random_jets(4)[0])
    column = ak.to_numpy(ak.flatten(constituents[field])).copy()
    column[int(ak.num(constituents)[0]) + int(ak.num(constituents)[1])] = value
    bad = ak.with_field(constituents, ak.unflatten(column, ak.num(constituents)), field)
    with pytest.raises(NotFiniteError, match=rf"constituents\.{field} is not finite") as error:
        build_jet_images(bad, recipe(channels=(channel,)))
    assert error.value.row == 2


def test_missing_fields_are_named():
    constituents = make_jets(random_jets(2)[0])
    for field, channel in (("charge", "neutral_pt"), ("e_had", "had_et"), ("e", "energy")):
        lacking = constituents[[name for name in constituents.fields if name != field]]
        with pytest.raises(InputError, match=f"'{field}', which the channel '{channel}' needs"):
            build_jet_images(lacking, recipe(channels=("et", channel)))
    with pytest.raises(InputError, match="'charge', which the selection of charged"):
        build_jet_images(constituents[["pt", "eta", "phi"]], recipe(charge="charged"))
    with pytest.raises(InputError, match="they must be one list of records for each jet"):
        build_jet_images(constituents[0], recipe())


@pytest.mark.parametrize("axes", [None, [[0, 0]], [[0, 0], [np.nan, 0]], [0, 0]])
def test_missing_axes(axes):
    with pytest.raises(InputError, match="axes"):
        build_jet_images(make_jets(random_jets(2)[0]), recipe(center="axis"), axes=axes)


def test_bad_arguments():
    constituents = make_jets(random_jets(2)[0])
    with pytest.raises(InputError, match="threads"):
        build_jet_images(constituents, recipe(), threads=0)
    for out in (
        np.zeros((2, 1, 21, 20), np.float32),
        np.zeros((2, 1, 21, 21)),
        np.zeros((4, 1, 21, 21), "f4")[::2],
    ):
        with pytest.raises(InputError, match=r"out is .* it must be"):
            build_dense_jet_images(constituents, recipe(), out=out)


def test_out_is_overwritten():
    jets, _ = random_jets(4)
    expected, _ = build_dense_jet_images(make_jets(jets), recipe(center="centroid"))
    out = np.full((4, 1, 21, 21), np.nan, dtype=np.float32)
    assert build_dense_jet_images(make_jets(jets), recipe(center="centroid"), out=out)[0] is out
    np.testing.assert_array_equal(out, expected)


# The recipe


@pytest.mark.parametrize("name", JET_RECIPES)
def test_recipe_round_trip_through_json(name):
    text = json.dumps(JET_RECIPES[name].to_dict())
    assert JetImageRecipe.from_dict(json.loads(text)) == JET_RECIPES[name]


def test_published_recipes():
    assert {n: (r.grid.n_eta, r.grid.width) for n, r in JET_RECIPES.items()} == {
        "quark_gluon": (33, 0.8),
        "top": (37, 1.6),
        "w": (25, 2.5),
    }
    defaults = JetImageRecipe.from_dict({"grid": {"n_eta": 3, "n_phi": 4, "width": 1.0}})
    assert defaults == JetImageRecipe(JetGrid(3, 4, 1.0))


@pytest.mark.parametrize(
    "switches",
    [
        {"channels": ("et", "pt")},
        {"channels": ("et", "et")},
        {"channels": ()},
        {"center": "middle"},
        {"rotate": "axis"},
        {"flip": "up"},
        {"normalize": "l2"},
        {"charge": "positive"},
        {"trim": (0.2, 1.0)},
        {"trim": (0.0, 0.05)},
        {"trim": (0.2,)},
        {"pt_min": np.nan},
        {"subjet_radius": 0.0},
        {"standardize": -1.0},
    ],
)
def test_bad_recipes(switches):
    with pytest.raises(InputError, match="jet"):
        recipe(**switches)


def test_bad_recipe_dictionaries():
    with pytest.raises(InputError, match="unknown key 'centre'"):
        JetImageRecipe.from_dict({"grid": {"n_eta": 3, "n_phi": 4, "width": 1.0}, "centre": None})
    for plain in ({}, {"grid": [3, 4]}, {"grid": {"n_eta": 3, "n_phi": 4}}):
        with pytest.raises(InputError, match="grid"):
            JetImageRecipe.from_dict(plain)


# Second implementations


def plain_image(jet, axis, options):
    """One channel (pT) of one jet by histogram2d and eigh; angles in place of algebra, numpy's
    flips."""
    pt, eta, phi = np.array(jet)[:, :3].T
    if options.center == "centroid":
        x = (
            np.average(np.cos(phi - axis[1]), weights=pt),
            np.average(np.sin(phi - axis[1]), weights=pt),
        )
        near = axis[1] + np.arctan2(x[1], x[0])
        axis = (
            np.average(eta, weights=pt),
            near + np.average((phi - near + PI) % (2 * PI) - PI, weights=pt),
        )
    points = np.stack([eta - axis[0], (phi - axis[1] + PI) % (2 * PI) - PI])
    if options.rotate == "principal_axis":
        vector = np.linalg.eigh((pt * points) @ points.T)[1][:, -1]
        vector *= 1 if pt @ np.sign(vector @ points) >= 0 else -1
        angle = PI / 2 - np.arctan2(vector[1], vector[0])
        points = (
            np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ points
        )
    scale = pt.sum() if options.normalize == "l1_jet" else 1
    edges = options.grid.edges_in_eta
    image = np.histogram2d(*points, bins=(edges, edges), weights=pt / scale)[0]
    half = len(image) // 2
    if options.flip in ("parity", "quadrant") and image[:half].sum() > image[-half:].sum():
        image = image[::-1]
    if options.flip == "quadrant" and image[:, :half].sum() > image[:, -half:].sum():
        image = image[:, ::-1]
    if options.flip == "third_maximum" and np.count_nonzero(image) > 2:
        row, column = np.unravel_index(np.argsort(image, axis=None)[-3], image.shape)
        image = image[::-1] if row < (len(image) - 1) / 2 else image
        image = image[:, ::-1] if column < (len(image) - 1) / 2 else image
    return image / image.sum() if options.normalize == "l1" else image


@pytest.mark.parametrize("n", [8, 9])
@pytest.mark.parametrize("flip", CHOICES["flip"])
@pytest.mark.parametrize(
    ("center", "rotate", "normalize"),
    [("axis", None, None), ("centroid", None, "l1"), ("centroid", "principal_axis", "l1_jet")],
)
def test_agrees_with_a_plain_implementation(n, flip, center, rotate, normalize):
    jets, axes = random_jets(40, seed=n)
    options = recipe(
        grid=JetGrid(n, n, 1.2), center=center, rotate=rotate, flip=flip, normalize=normalize
    )
    images, _ = build_dense_jet_images(make_jets(jets), options, axes=axes)
    for jet, axis, image in zip(jets, axes, images, strict=True):
        if len(jet) > 2:  # two constituents balance exactly
            np.testing.assert_allclose(
                image[0], plain_image(jet, axis, options), atol=1e-5 * image.max()
            )


def assert_reference_agrees(jets, options, axes=None):
    flat, steps = flat_jets(make_jets(jets), options, axes), steps_of(options)
    images, overflow = _images_of(flat, steps)
    row_ends, *expected = fill_rows_numpy(flat, steps)
    np.testing.assert_array_equal(images.offsets, [0, *row_ends])
    for actual, wanted in zip((images.cells, images.values, overflow), expected, strict=True):
        np.testing.assert_array_equal(actual, wanted)


special = st.sampled_from(
    [0.0, 0.5, -0.5, 1.0, -1.0, PI, -PI, float(np.float32(PI)), 7.0, np.nan, np.inf, -np.inf]
)
coordinate = st.one_of(special, st.floats(-4, 4))
momentum = st.one_of(st.sampled_from([0.0, 1.0, 2.0, -1.0]), st.floats(0.01, 100))
one_jet = st.lists(st.tuples(momentum, coordinate, coordinate, st.integers(-1, 1)), max_size=8)


@given(
    jets=st.lists(one_jet, max_size=5),
    n=st.sampled_from([(1, 1), (2, 3), (5, 4)]),
    center=st.sampled_from([None, "axis", "centroid"]),
    rotate=st.sampled_from([None, "principal_axis"]),
    flip=st.sampled_from(CHOICES["flip"]),
    normalize=st.sampled_from(CHOICES["normalize"]),
)
def test_kernels_agree_with_the_reference(jets, n, center, rotate, flip, normalize):
    channels = ("charged_pt", "tracks", "et")
    switches = {
        "center": center,
        "rotate": rotate,
        "flip": flip,
        "normalize": normalize,
        "channels": channels,
    }
    axes = np.tile([0.5, PI], (len(jets), 1))
    assert_reference_agrees(jets, recipe(grid=JetGrid(*n, 2.0), **switches), axes)


@pytest.mark.parametrize("name", JET_RECIPES)
def test_kernels_agree_with_the_reference_on_published_recipes(name):
    assert_reference_agrees(random_jets(200)[0], JET_RECIPES[name])


@pytest.mark.parametrize("threads", [2, 3, 50])
def test_threads_change_nothing(threads):
    jets = [*random_jets(30)[0], [], []]
    assert_same(
        build_jet_images(make_jets(jets), JET_RECIPES["top"], threads=threads),
        build_jet_images(make_jets(jets), JET_RECIPES["top"]),
    )


def test_ranges_cover_all_jets():
    assert _ranges(np.array([0, 10, 20, 30, 40]), 2) == [(0, 2), (2, 4)]
    assert _ranges(np.array([0, 0, 0, 100, 100]), 3) == [(0, 3), (3, 4)]
    assert _ranges(np.array([0, 0, 0]), 4) == [(0, 2)]
    assert _ranges(np.array([0]), 2) == [(0, 0)]


def test_every_bit_is_found():
    bits = np.full(3, 2**64 - 1, dtype=np.uint64)
    assert _ascending_cells(bits, np.empty(192, dtype=np.int64)).tolist() == list(range(192))
    assert not bits.any()


def test_more_cells_than_uint16():
    images, _ = build_jet_images(
        make_jets([[(1, 1.04, 1.04)]]), recipe(grid=JetGrid(300, 300, 2.1))
    )
    assert isinstance(images, SparseImages)
    assert images.cells.dtype == np.uint32
    assert images.cells.tolist() == [298 * 300 + 298]


# arrays in which something is missing


def test_missing_jets_are_empty_and_missing_constituents_left_out():
    jets = make_jets(random_jets(4)[0])
    masked = ak.mask(jets, np.array([True, False, True, True]))
    images, overflow = build_jet_images(masked, recipe(center="centroid"))
    expected, expected_overflow = build_jet_images(jets, recipe(center="centroid"))
    assert np.diff(images.offsets).tolist() == [
        n if i != 1 else 0 for i, n in enumerate(np.diff(expected.offsets))
    ]
    assert (overflow[1], overflow[[0, 2, 3]].tolist()) == (
        0.0,
        expected_overflow[[0, 2, 3]].tolist(),
    )
    hard, _ = build_jet_images(ak.mask(jets, jets.pt > 20), recipe(center="centroid"))
    alone, _ = build_jet_images(jets[jets.pt > 20], recipe(center="centroid"))
    np.testing.assert_array_equal(hard.dense(), alone.dense())


@pytest.mark.parametrize("field", ["pt", "eta", "phi", "charge"])
def test_a_constituent_without_some_of_its_numbers_is_named(field):
    jets = make_jets(random_jets(3)[0])
    first = ak.local_index(jets.pt) == 0
    jets = ak.with_field(jets, ak.mask(jets[field], ~(first & (np.arange(3) == 2))), field)
    with pytest.raises(InputError, match=rf"jet 2: constituents\.{field} is missing \(None\)"):
        build_jet_images(jets, recipe(center="centroid", channels=("charged_pt",)))


def test_arguments_of_another_kind():
    jets = make_jets(random_jets(2)[0])
    for axes in (
        np.ma.array(np.zeros((2, 2)), mask=[[0, 1], [0, 0]]),
        [[0.0, None], [0.0, 0.0]],
        "axes",
        ak.Array([1]),
    ):
        with pytest.raises(InputError, match="axes"):
            build_jet_images(jets, recipe(center="axis"), axes=axes)
    with pytest.raises(InputError, match="recipe is 'top': give a JetImageRecipe"):
        build_jet_images(jets, "top")
    with pytest.raises(InputError, match=r"threads=2\.5: must be a whole number"):
        build_jet_images(jets, recipe(), threads=2.5)
    for changes in (
        {"trim": 0.3},
        {"pt_min": "1"},
        {"subjet_radius": None},
        {"channels": "et"},
        {"grid": 4},
    ):
        with pytest.raises(InputError, match=next(iter(changes))):
            recipe(**changes)


def test_a_window_of_impossible_width():
    """n_eta * (x + width / 2) would be infinite: its index is negative in the kernel, before the
    image."""
    with pytest.raises(
        InputError, match=r"width 1e\+308 must be positive and finite, at most 1000"
    ):
        JetGrid(100, 100, 1e308)
