"""Event images against numpy.histogram2d, fake events and genuine Delphes files; conservation and
symmetries."""

import awkward as ak
import numpy as np
import pytest
from fakes import histogram_images, make_candidates, make_events
from hypothesis import given, settings
from hypothesis import strategies as st

from calovision.core.errors import InputError
from calovision.images import (
    CHANNELS,
    SparseImages,
    build_images,
    build_sparse_images,
    builder,
    kernels,
)
from calovision.images.grid import EtaPhiGrid
from calovision.ntuples import iterate_events

ALL = tuple(
    name for name, channel in CHANNELS.items() if channel.of_event.collection != "candidates"
)


@pytest.fixture(params=["numba", "numpy"])
def implementation(request, monkeypatch):
    """Every test that asks for it runs with the kernels and with the fallback."""
    monkeypatch.setattr(
        builder, "_kernels", lambda: {"numba": kernels, "numpy": None}[request.param]
    )


def towers_of(events):
    """Towers of events given as lists of (eta, phi, e_em, e_had)."""
    columns = {
        name: [[tower[k] for tower in event] for event in events]
        for k, name in enumerate(("eta", "phi"))
    }
    columns |= {
        name: [[float(t[k]) for t in event] for event in events]
        for k, name in ((2, "e_em"), (3, "e_had"))
    }
    columns["e"] = [[float(tower[2] + tower[3]) for tower in event] for event in events]
    return ak.zip(
        {name: ak.values_astype(ak.Array(values), np.float64) for name, values in columns.items()}
    )


def tracks_of(events):
    """Tracks of events given as lists of (pt, eta, phi)."""
    columns = {
        name: [[t[k] for t in event] for event in events]
        for k, name in enumerate(("pt", "eta", "phi"))
    }
    return ak.zip(
        {name: ak.values_astype(ak.Array(values), np.float64) for name, values in columns.items()}
    )


def totals(towers, tracks, channels):
    """Sum of every channel over an event, wherever its entries lie."""
    one = {
        "towers": ak.num(towers.e),
        "tracks": ak.num(tracks.pt),
        "track_pt": ak.sum(tracks.pt, axis=1),
    }
    sums = {"energy": towers.e, "em": towers.e_em, "had": towers.e_had}
    sums |= {
        name: sums[name[:-3] or "energy"] / np.cosh(towers.eta) for name in ("em_et", "had_et")
    }
    sums["et"] = towers.e / np.cosh(towers.eta)
    one |= {name: ak.sum(values, axis=1) for name, values in sums.items()}
    return np.stack([ak.to_numpy(one[name]).astype(float) for name in channels], axis=1)


def assert_same(images, expected):
    np.testing.assert_array_equal(images != 0, expected != 0)
    np.testing.assert_allclose(images, expected, rtol=1e-6)  # one rounding to float32


def test_one_event_closed_form(implementation):
    grid = EtaPhiGrid(2, 4, (-2.0, 2.0))
    towers = towers_of(
        [
            [
                (-1.0, -3.0, 1.0, 2.0),
                (-1.0, -2.0, 4.0, 0.0),
                (1.0, 0.5, 0.0, 8.0),
                (3.0, 0.0, 16.0, 32.0),
            ]
        ]
    )
    tracks = tracks_of([[(5.0, 1.0, 0.1), (6.0, 1.0, 0.2), (7.0, -2.5, 0.0)]])
    channels = ("em", "had", "had_et", "towers", "tracks", "track_pt")
    images, overflow = build_sparse_images(towers, tracks, grid, channels)
    em, had, had_et, n_towers, n_tracks, track_pt = images.dense()[0]
    assert em.tolist() == [[5, 0, 0, 0], [0, 0, 0, 0]]
    assert had.tolist() == [[2, 0, 0, 0], [0, 0, 8, 0]]
    np.testing.assert_allclose(had_et, had / np.cosh(1.0), rtol=1e-6)
    assert n_towers.tolist() == [[2, 0, 0, 0], [0, 0, 1, 0]]
    assert n_tracks.tolist() == [[0, 0, 0, 0], [0, 0, 2, 0]]
    assert track_pt.tolist() == [[0, 0, 0, 0], [0, 0, 11, 0]]
    np.testing.assert_allclose(overflow, [[16, 32, 32 / np.cosh(3.0), 1, 1, 7]], rtol=1e-8)
    assert images.offsets.tolist() == [0, 9]
    assert images.cells.tolist() == [0, 8, 14, 16, 22, 24, 30, 38, 46]


@pytest.mark.parametrize("shape", [(64, 64), (7, 5), (34, 72)])
@pytest.mark.parametrize("n_events", [1, 40])
def test_agrees_with_histogram2d(shape, n_events, implementation):
    towers, tracks = make_events(n_events, seed=shape[0] + 1)
    candidates, channels = make_candidates(n_events), tuple(CHANNELS)
    grid = EtaPhiGrid(*shape)
    images, overflow = build_images(towers, tracks, grid, channels, candidates=candidates)
    expected, expected_overflow = histogram_images(towers, tracks, grid, channels, candidates)
    assert_same(images, expected)
    np.testing.assert_allclose(overflow, expected_overflow, rtol=1e-8)
    assert overflow.sum() > 0
    sparse, sparse_overflow = build_sparse_images(
        towers, tracks, grid, channels, candidates=candidates
    )
    assert np.array_equal(sparse.dense(), images)
    assert np.array_equal(sparse_overflow, overflow)


def test_cells_of_unequal_size_agree_with_histogram2d(implementation):
    towers, tracks = make_events(20)
    grid = EtaPhiGrid.with_eta_edges((-4.0, -2.5, -2.0, -0.3, 0.1, 0.15, 2.0, 3.9), 24)
    images, overflow = build_images(towers, tracks, grid, ALL)
    expected, expected_overflow = histogram_images(towers, tracks, grid, ALL)
    assert_same(images, expected)
    np.testing.assert_allclose(overflow, expected_overflow, rtol=1e-8)


def test_agrees_with_histogram2d_on_genuine_delphes_files(delphes_dir):
    paths = sorted(delphes_dir.glob("*.root"))
    assert len(paths) == 5
    grid, n_events = EtaPhiGrid(), 0
    for path in paths:
        for events in iterate_events(path, schema="delphes"):
            images, overflow = build_sparse_images(events.towers, events.tracks, grid, ALL)
            expected, expected_overflow = histogram_images(events.towers, events.tracks, grid, ALL)
            assert_same(images.dense(), expected)
            np.testing.assert_allclose(
                overflow, expected_overflow, rtol=1e-6
            )  # the reference sums in float32
            total = images.dense().sum(axis=(2, 3), dtype=np.float64) + overflow
            np.testing.assert_allclose(total, totals(events.towers, events.tracks, ALL), rtol=1e-6)
            n_events += len(images)
    assert n_events == 230


@settings(max_examples=30)
@given(st.integers(0, 8), st.integers(0, 10**6), st.integers(1, 20), st.integers(1, 20))
def test_image_and_overflow_are_the_total(n_events, seed, n_eta, n_phi):
    towers, tracks = make_events(n_events, seed=seed, mean_towers=8, mean_tracks=4)
    images, overflow = build_sparse_images(towers, tracks, EtaPhiGrid(n_eta, n_phi), ALL)
    total = images.dense().sum(axis=(2, 3), dtype=np.float64) + overflow
    np.testing.assert_allclose(total, totals(towers, tracks, ALL), rtol=1e-6, atol=1e-6)


def test_order_of_towers_and_tracks_changes_nothing():
    towers, tracks = make_events(10)
    images, overflow = build_sparse_images(towers, tracks, EtaPhiGrid(16, 16), ALL)
    turned, turned_overflow = build_sparse_images(
        towers[:, ::-1], tracks[:, ::-1], EtaPhiGrid(16, 16), ALL
    )
    assert np.array_equal(images.cells, turned.cells)
    np.testing.assert_allclose(images.values, turned.values, rtol=1e-6)
    np.testing.assert_allclose(overflow, turned_overflow, rtol=1e-12)


@pytest.mark.parametrize("turns", [-2, 1])
def test_full_turns_in_phi_change_nothing(turns):
    towers, tracks = make_events(10)
    images, _ = build_sparse_images(towers, tracks, EtaPhiGrid(), ALL)
    towers["phi"], tracks["phi"] = towers.phi + turns * 2 * np.pi, tracks.phi + turns * 2 * np.pi
    turned, _ = build_sparse_images(towers, tracks, EtaPhiGrid(), ALL)
    assert np.array_equal(images.cells, turned.cells)
    assert np.array_equal(images.values, turned.values)


def test_quarter_turn_in_phi_shifts_the_columns():
    towers, tracks = make_events(10)
    images, _ = build_sparse_images(towers, tracks, EtaPhiGrid(), ALL)
    towers["phi"], tracks["phi"] = towers.phi + np.pi / 2, tracks.phi + np.pi / 2
    turned, _ = build_sparse_images(towers, tracks, EtaPhiGrid(), ALL)
    np.testing.assert_allclose(turned.dense(), np.roll(images.dense(), 16, axis=3), rtol=1e-6)


def test_events_do_not_influence_each_other():
    towers, tracks = make_events(12)
    images, overflow = build_sparse_images(towers, tracks, EtaPhiGrid(8, 8), ALL)
    for event in range(12):
        alone, alone_overflow = build_sparse_images(
            towers[[event]], tracks[[event]], EtaPhiGrid(8, 8), ALL
        )
        assert np.array_equal(alone.dense()[0], images.dense()[event])
        assert np.array_equal(alone_overflow[0], overflow[event])


def test_inputs_stay_as_they_are():
    towers, tracks = make_events(5)
    before = towers.tolist(), tracks.tolist()
    build_sparse_images(towers, tracks, EtaPhiGrid(), ALL)
    assert (towers.tolist(), tracks.tolist()) == before


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_jet_astride_phi_pi_keeps_its_energy(dtype):
    """20 GeV in eight towers on both sides of phi = pi, one of them at float32(pi)."""
    phi = np.array([3.05, 3.1, 3.14, np.pi, -np.pi, -3.14, -3.1, -3.05], dtype=dtype)
    towers = towers_of([[(0.1, angle, 2.5, 0.0) for angle in phi]])
    images, overflow = build_sparse_images(towers, tracks_of([[]]), EtaPhiGrid(), ("em",))
    assert images.dense().sum() == 20.0
    assert overflow.tolist() == [[0.0]]
    assert images.dense()[0, 0].sum(axis=0)[[0, 1, 62, 63]].sum() == 20.0


def test_tower_without_transverse_part_warns_of_nothing():
    images, overflow = build_sparse_images(
        towers_of([[(999.9, 0.0, 5.0, 0.0)]]), tracks_of([[]]), EtaPhiGrid(), ("em_et", "em")
    )
    assert len(images.cells) == 0
    assert overflow.tolist() == [[0.0, 5.0]]


def test_cells_that_cancel_are_dropped():
    towers = towers_of([[(0.1, 0.1, 5.0, 0.0), (0.1, 0.1, -5.0, 1.0)]])
    images, _ = build_sparse_images(towers, tracks_of([[]]), EtaPhiGrid(), ("em", "had"))
    assert images.values.tolist() == [1.0]


def test_no_events():
    towers, tracks = make_events(3)
    images, overflow = build_sparse_images(towers[:0], tracks[:0], EtaPhiGrid(8, 8), ALL)
    assert len(images) == 0
    assert images.dense().shape == (0, 9, 8, 8)
    assert overflow.shape == (0, 9)


def test_events_without_towers_and_tracks():
    images, overflow = build_sparse_images(
        towers_of([[], []]), tracks_of([[], []]), EtaPhiGrid(8, 8), ALL
    )
    assert images.offsets.tolist() == [0, 0, 0]
    assert not images.dense().any()
    assert not overflow.any()


def test_sparse_rows_are_those_of_the_dense_images():
    towers, tracks = make_events(20)
    images, _ = build_sparse_images(towers, tracks, EtaPhiGrid(), ("em", "tracks"))
    dense = images.dense()
    assert dense.shape == (20, 2, 64, 64)
    assert dense.dtype == np.float32
    for event in range(20):
        row = slice(*images.offsets[event : event + 2])
        assert np.array_equal(images.cells[row], np.flatnonzero(dense[event]))
        assert np.array_equal(images.values[row], dense[event][dense[event] != 0])
    assert (images.offsets.dtype, images.values.dtype) == (np.int64, np.float32)


@pytest.mark.parametrize(
    ("n_eta", "dtype"), [(256, np.uint16), (257, np.uint32)], ids=["65536 cells", "more than 65536"]
)
def test_cells_are_as_small_as_possible(n_eta, dtype):
    grid = EtaPhiGrid(n_eta, 256)
    last = towers_of([[(2.4999, 3.1415, 1.0, 0.0)]])
    images, _ = build_sparse_images(last, tracks_of([[]]), grid, ("em",))
    assert images.cells.dtype == dtype
    assert images.cells.tolist() == [n_eta * 256 - 1]
    assert images.dense()[0, 0, -1, -1] == 1.0


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        (("em", "muons"), "unknown image channel 'muons': choose from energy, em, had"),
        (("em", "em"), "name at least one, and each only once"),
        ((), "name at least one"),
    ],
)
def test_channels_that_cannot_be_built(channels, message):
    with pytest.raises(InputError, match=message):
        build_sparse_images(*make_events(2), EtaPhiGrid(), channels)


def test_towers_and_tracks_of_different_events():
    towers, tracks = make_events(3)
    with pytest.raises(InputError, match="towers have 3 events but tracks 2"):
        build_sparse_images(towers, tracks[:2], EtaPhiGrid(), ("em",))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "grid", [EtaPhiGrid(), EtaPhiGrid(50, 63), EtaPhiGrid.with_eta_edges((-2.5, 0.1, 2.5), 7)]
)
def test_towers_on_the_edges_lie_where_the_grid_says(dtype, grid):
    """A tower on every crossing of edges and a rounding beside it, any number of turns away."""
    points = [np.concatenate([edges, np.nextafter(edges, -9), np.nextafter(edges, 9)]).astype(dtype)
              for edges in (grid.edges_in_eta, grid.edges_in_phi)]  # fmt: skip
    eta, phi = (axis.ravel() for axis in np.meshgrid(*points, indexing="ij"))
    for turn in (0, dtype(2 * np.pi), dtype(-4 * np.pi)):
        # neighbors are told apart by their event
        towers = ak.zip(
            {
                "eta": eta[:, None],
                "phi": (phi + turn).astype(dtype)[:, None],
                "e": np.ones((len(eta), 1), dtype),
            }
        )
        images, overflow = build_sparse_images(towers, None, grid, ("energy",))
        cells = grid.cell_index(eta, phi + turn)
        inside = cells >= 0
        assert np.array_equal(np.diff(images.offsets), inside)
        assert np.array_equal(images.cells, cells[inside])
        assert np.array_equal(overflow[:, 0], ~inside)


@pytest.mark.parametrize("threads", [2, 3, 50])
def test_threads_change_nothing(threads):
    towers, tracks = make_events(40)
    one, overflow = build_images(towers, tracks, EtaPhiGrid(), ALL)
    many, many_overflow = build_images(towers, tracks, EtaPhiGrid(), ALL, threads=threads)
    sparse, sparse_overflow = build_sparse_images(
        towers, tracks, EtaPhiGrid(), ALL, threads=threads
    )
    assert np.array_equal(one, many)
    assert np.array_equal(one, sparse.dense())
    assert np.array_equal(overflow, many_overflow)
    assert np.array_equal(overflow, sparse_overflow)
    with pytest.raises(InputError, match="threads=0: give at least 1"):
        build_images(towers, tracks, EtaPhiGrid(), ALL, threads=0)


def test_output_is_reused(implementation):
    towers, tracks = make_events(6)
    out = np.full((3, 2, 16, 16), 7, dtype=np.float32)
    first, _ = build_images(towers[:3], tracks[:3], EtaPhiGrid(16, 16), ("em", "tracks"), out=out)
    assert first is out
    build_images(towers[3:], tracks[3:], EtaPhiGrid(16, 16), ("em", "tracks"), out=out)
    assert_same(
        out, histogram_images(towers[3:], tracks[3:], EtaPhiGrid(16, 16), ("em", "tracks"))[0]
    )


@pytest.mark.parametrize(
    "out",
    [
        np.zeros((3, 2, 16, 16)),
        np.zeros((2, 2, 16, 16), np.float32),
        np.zeros((3, 2, 16, 32), np.float32)[..., ::2],
    ],
    ids=["float64", "too few events", "strided"],
)
def test_output_that_does_not_fit(out):
    towers, tracks = make_events(3)
    with pytest.raises(
        InputError, match=r"out is .* it must be float32 \(3, 2, 16, 16\), C-contiguous"
    ):
        build_images(towers, tracks, EtaPhiGrid(16, 16), ("em", "tracks"), out=out)


@pytest.mark.parametrize("build", [build_images, build_sparse_images])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_energies_that_are_not_finite(build, value, implementation):
    towers = towers_of([[(0.1, 0.1, 1.0, 1.0)], [(0.1, 0.1, 1.0, 1.0), (9.0, 0.0, 1.0, value)]])
    with pytest.raises(
        InputError, match=r"event 1: towers.e_had is not finite; give finite energies and momenta"
    ):
        build(towers, tracks_of([[], []]), EtaPhiGrid(), ("em", "had", "tracks"))


def test_coordinates_that_are_not_finite_are_overflow(implementation):
    bad = (np.nan, np.inf, -np.inf)
    towers = towers_of(
        [[(eta, 0.1, 2.0, 0.0) for eta in bad] + [(0.1, phi, 4.0, 0.0) for phi in bad]]
    )
    images, overflow = build_images(towers, None, EtaPhiGrid(), ("em", "em_et", "towers"))
    assert not images.any()
    # what has no finite eta has no transverse energy
    np.testing.assert_allclose(overflow, [[18.0, 12.0 / np.cosh(0.1), 6.0]], rtol=1e-8)


def test_negative_energies_are_summed(implementation):
    towers = towers_of([[(0.1, 0.1, -3.0, 0.0), (0.1, 0.1, 1.0, 0.0), (4.0, 0.1, -5.0, 0.0)]])
    images, overflow = build_images(towers, None, EtaPhiGrid(8, 8), ("em",))
    assert images.sum() == -2.0
    assert overflow.tolist() == [[-5.0]]


def test_candidates_by_charge():
    candidates = ak.zip(
        {
            "pt": [[1.0, 2.0, 4.0]],
            "eta": [[0.1, 0.1, 0.1]],
            "phi": [[0.1] * 3],
            "charge": [[1, 0, -1]],
        }
    )
    images, _ = build_images(
        None, None, EtaPhiGrid(1, 1), ("charged_pt", "neutral_pt"), candidates=candidates
    )
    assert images.ravel().tolist() == [5.0, 2.0]


@pytest.mark.parametrize(
    "wrap",
    [
        ak.to_packed,
        lambda a: a[np.arange(len(a))],
        lambda a: a[::-1][::-1],
        lambda a: a[ak.num(a.eta) >= 0],
    ],
)
def test_any_layout_of_the_arrays(wrap):
    """Arrays that are views, selections or of mixed types give the same images as plain ones."""
    towers, tracks = make_events(10)
    expected, _ = build_images(towers, tracks, EtaPhiGrid(), ALL)
    towers["eta"] = ak.values_astype(towers.eta, np.float64)
    images, _ = build_images(wrap(towers), wrap(tracks), EtaPhiGrid(), ALL)
    np.testing.assert_allclose(images, expected, rtol=1e-6)


def test_part_of_the_events():
    towers, tracks = make_events(10)
    whole, _ = build_images(towers, tracks, EtaPhiGrid(), ALL)
    part, _ = build_images(towers[3:7], tracks[3:7], EtaPhiGrid(), ALL)
    assert np.array_equal(whole[3:7], part)


@pytest.mark.parametrize(
    ("collections", "channels", "message"),
    [
        (
            {"towers": None},
            ("em",),
            "the image channel 'em' needs towers, of which there are none: leave it out",
        ),
        ({"tracks": None}, ("em", "track_pt"), "the image channel 'track_pt' needs tracks"),
        ({}, ("charged_pt",), "the image channel 'charged_pt' needs candidates"),
        (
            {"towers": ak.Array([[{"eta": 1.0, "phi": 0.0}]])},
            ("em",),
            "towers lack the field 'e_em': they have eta, phi",
        ),
        (
            {"towers": ak.Array([{"eta": 1.0, "phi": 0.0}])},
            ("em",),
            "they must be one list of records for each event",
        ),
    ],
)
def test_collections_that_do_not_fit(collections, channels, message):
    towers, tracks = make_events(1)
    given = {"towers": towers, "tracks": tracks} | collections
    with pytest.raises(InputError, match=message):
        build_images(given["towers"], given["tracks"], EtaPhiGrid(), channels)


# arrays in which something is missing, or whose layout is unusual


@pytest.mark.parametrize("build", [build_images, build_sparse_images])
def test_masked_events_keep_their_rows(build, implementation):
    """As many images as events: one whose towers are masked has none, and its neighbors keep
    theirs."""
    towers, tracks = make_events(4)
    keep = np.array([True, False, True, True])
    images, overflow = build(ak.mask(towers, keep), tracks, EtaPhiGrid(8, 8), ALL)
    images = images if isinstance(images, np.ndarray) else images.dense()
    expected, expected_overflow = histogram_images(towers, tracks, EtaPhiGrid(8, 8), ALL)
    of_towers = [CHANNELS[name].of_event.collection == "towers" for name in ALL]
    expected[np.ix_(~keep, of_towers)], expected_overflow[np.ix_(~keep, of_towers)] = 0, 0
    np.testing.assert_allclose(images, expected, rtol=1e-5)
    np.testing.assert_allclose(overflow, expected_overflow, rtol=1e-6)


def test_masked_tracks_of_many_events_read_nothing_foreign(implementation, request):
    """Formerly the kernels read past the end of the offsets: 52,680 tracks counted for 10."""
    n_events = 200_000 if "numba" in request.node.name else 20_000
    tracks = ak.mask(
        tracks_of([[(5.0, 0.1, 0.1)]] * n_events), np.arange(n_events) % (n_events // 10) == 0
    )
    towers = towers_of([[]])[np.zeros(n_events, dtype=int)]
    images, _ = build_sparse_images(towers, tracks, EtaPhiGrid(8, 8), ("em", "tracks"))
    assert len(images) == n_events
    assert images.values.sum() == 10.0


def test_missing_entries_are_left_out(implementation):
    towers = towers_of([[(0.1, 0.1, 5.0, 0.0), (0.1, 0.1, -2.0, 1.0)], []])
    images, _ = build_images(
        ak.mask(towers, towers.e_em > 0), None, EtaPhiGrid(1, 1), ("em", "had", "towers")
    )
    assert images[:, :, 0, 0].tolist() == [[5.0, 0.0, 1.0], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize("field", ["eta", "phi", "e_em"])
def test_an_entry_without_some_of_its_numbers_is_named(field):
    towers = towers_of([[], [(0.1, 0.1, 5.0, 0.0), (0.1, 0.2, 1.0, 1.0)]])
    towers = ak.with_field(towers, ak.mask(towers[field], towers.e_em > 2), field)
    with pytest.raises(
        InputError, match=rf"event 1: towers\.{field} is missing \(None\); give a number"
    ):
        build_images(towers, None, EtaPhiGrid(8, 8), ("em",))
    build_images(towers[:1], None, EtaPhiGrid(8, 8), ("em",))


def test_offsets_beyond_the_entries_are_refused(implementation):
    """Awkward makes such an array without a word."""
    content = ak.contents.RecordArray([ak.contents.NumpyArray(np.ones(4))] * 3, ["eta", "phi", "e"])
    for offsets in ([0, 2, 9], [0, 3, 2], [-1, 2, 4], [0, 2**40, 2**40]):
        index = ak.index.Index64(np.array(offsets))
        towers = ak.Array(ak.contents.ListOffsetArray(index, content))
        with pytest.raises(
            InputError, match="towers: the offsets of the lists must ascend within the 4 elements"
        ):
            build_images(towers, None, EtaPhiGrid(8, 8), ("energy",))
    stops, starts = ak.index.Index64(np.array([2, 5])), ak.index.Index64(np.array([0, 2]))
    with pytest.raises(
        InputError, match=r"towers: the array is damaged: .*stop\[i\] > len\(content\)"
    ):
        build_images(
            ak.Array(ak.contents.ListArray(starts, stops, content)),
            None,
            EtaPhiGrid(8, 8),
            ("energy",),
        )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0 + 1j], r"towers\.e are 1 \* var \* complex128: they must be numbers"),
        (["1.0"], r"towers\.e are 1 \* var \* string: they must be numbers"),
        ([[1.0]], r"towers\.e are .* they must be numbers|they must be one list of records"),
        ([1e30], r"event 0: towers\.e is 1e\+30 GeV, more than anything has"),
    ],
)
def test_numbers_that_are_none(values, message, implementation):
    towers = ak.Array([{"e": values, "eta": [0.0], "phi": [0.0]}])
    towers = ak.zip({name: towers[name] for name in towers.fields}, depth_limit=2)
    with pytest.raises(InputError, match=message):
        build_images(towers, None, EtaPhiGrid(8, 8), ("energy",))


def test_many_large_energies_of_one_event(implementation):
    """Each is possible, their sum would be infinite in float32 beyond 3e38: refused far before."""
    towers = towers_of([[(0.1, 0.1, 9e11, 0.0)] * 2])
    with pytest.raises(InputError, match=r"event 0: towers\.e_em sums to 1\.8e\+12 GeV"):
        build_images(towers, None, EtaPhiGrid(8, 8), ("em",))


def test_charges_that_are_no_number_are_not_taken_as_charged():
    candidates = ak.zip(
        {"pt": [[], [1.0]], "eta": [[], [0.1]], "phi": [[], [0.1]], "charge": [[], [np.nan]]}
    )
    with pytest.raises(InputError, match=r"event 1: candidates\.charge is not finite"):
        build_images(None, None, EtaPhiGrid(1, 1), ("charged_pt",), candidates=candidates)


def test_read_only_and_unaligned_arrays_beside_others(implementation):
    towers, tracks = make_events(5)
    expected, _ = build_images(towers, tracks, EtaPhiGrid(8, 8), ("em", "tracks"))
    n = int(ak.sum(ak.num(towers.eta)))
    eta = np.frombuffer(b"x" + ak.to_numpy(ak.flatten(towers.eta)).tobytes(), np.uint8)[1:].view(
        np.float64
    )
    assert (len(eta), eta.flags.aligned, eta.flags.writeable) == (n, False, False)
    towers["eta"] = ak.unflatten(ak.Array(ak.contents.NumpyArray(eta)), ak.num(towers.phi))
    images, _ = build_images(towers, tracks, EtaPhiGrid(8, 8), ("em", "tracks"))
    np.testing.assert_array_equal(images, expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"out": np.ma.zeros((3, 1, 8, 8), np.float32)},
            "out is MaskedArray: it must be a numpy array",
        ),
        ({"out": [[0.0]]}, "out is list"),
        ({"out": np.zeros((3, 1, 8, 8), ">f4")}, "out is >f4"),
        ({"out": np.broadcast_to(np.float32(0), (3, 1, 8, 8))}, "out is float32"),
        ({"out": np.frombuffer(bytes(768), np.float32).reshape(3, 1, 8, 8)}, "out is read-only"),
        ({"threads": 0}, "threads=0: give at least 1"),
        ({"threads": 1.5}, "threads=1.5: must be a whole number"),
        ({"threads": None}, "threads=None: must be a whole number"),
        ({"grid": (8, 8)}, r"grid is \(8, 8\): give an EtaPhiGrid"),
        ({"channels": "em"}, "image channels 'em': give a list of names"),
        ({"channels": [3]}, "unknown image channel '3'"),
        ({"channels": None}, "image channels None: give a list of names"),
    ],
)
def test_arguments_of_another_kind(changes, message):
    towers, tracks = make_events(3)
    arguments = {"grid": EtaPhiGrid(8, 8), "channels": ("em",)} | changes
    with pytest.raises(InputError, match=message):
        build_images(towers, tracks, **arguments)


@pytest.mark.parametrize(
    ("offsets", "cells", "message"),
    [
        ([0, 3], [0, 1], "offsets must ascend within the 2 cells"),
        ([0, 2, 1], [0, 1], "offsets must ascend"),
        ([-1, 2], [0, 1], "offsets must ascend"),
        ([0, 2], [0, 4], "cells beyond the 4 of an image"),
        ([0, 2], [-1, 1], "cells beyond the 4 of an image"),
    ],
)
def test_rows_that_are_none_are_not_made_dense(offsets, cells, message):
    images = SparseImages(np.array(offsets), np.array(cells), np.ones(2, np.float32), (1, 2, 2))
    with pytest.raises(InputError, match=message):
        images.dense()


def test_some_of_the_rows_are_made_dense():
    images = SparseImages(
        np.array([1, 2]), np.array([0, 3], np.uint16), np.ones(2, np.float32), (1, 2, 2)
    )
    assert images.dense().tolist() == [[[[0.0, 0.0], [0.0, 1.0]]]]
