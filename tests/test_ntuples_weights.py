"""Generator weights, counters of generated events, and what follows from them."""

from types import SimpleNamespace

import awkward as ak
import numpy as np
import pytest
import uproot
from fakes_ntuples import nanoaod_columns, write_nanoaod, write_tree

from calovision.core.errors import InputError
from calovision.ntuples import iterate_events, open_ntuple
from calovision.ntuples.counters import read_counter

N = 6
TABLE = (
    np.array([[1.0, 2.0, -3.0]]) * np.arange(1, N + 1)[:, np.newaxis]
)  # weights of event i: i times (1, 2, -3)


def delphes_columns(weights=None):
    lists = ak.Array([[0.5, 1.5]] * N)
    names = [f"Tower.{leaf}" for leaf in ("Eta", "Phi", "E", "Eem", "Ehad")]
    columns = dict.fromkeys([*names, "Track.PT", "Track.Eta", "Track.Phi"], lists)
    columns["Event.Number"] = ak.Array([[i] for i in range(N)])
    return columns if weights is None else columns | {"Event.Weight": ak.Array(weights)}


def calovision_columns(weights):
    columns = dict.fromkeys(
        [f"towers_{name}" for name in ("eta", "phi", "e_em", "e_had")], ak.Array([[0.5, 1.5]] * N)
    )
    columns |= {f"tracks_{name}": columns["towers_eta"] for name in ("pt", "eta", "phi")}
    return columns | {"event_number": np.arange(N), "weight": np.asarray(weights, dtype=np.float64)}


def write(path, columns, *, tree="Delphes", **objects):
    """Write one tree, and objects such as histograms, whose names may have ``__`` for a slash."""
    with uproot.recreate(path) as file:
        write_tree(file, tree, columns)
        for name, value in objects.items():
            if isinstance(value, dict):
                write_tree(file, name, value)
            else:
                file[name.replace("__", "/")] = value
    return path


def write_calovision(path, weights, *, n_generated=10, total=20.0):
    counters = {"n_generated": np.array([n_generated]), "sum_of_weights": np.array([total])}
    counters["cross_section_pb"] = np.array([5.0])
    return write(path, calovision_columns(weights), tree="events", generation=counters)


def read_all(path, **options):
    (events,) = iterate_events(path, **options)
    return events


@pytest.mark.parametrize("index", [0, 1, 2])
def test_several_weights(tmp_path, index):
    path = write(tmp_path / "a.root", delphes_columns(TABLE.tolist()))
    events = read_all(path, weight_index=index)
    np.testing.assert_array_equal(events.weight, TABLE[:, index])
    np.testing.assert_array_equal(events.weight_variations, TABLE)
    assert events.weight_variations.dtype == events.weight.dtype == np.float64
    assert (
        open_ntuple(path, weight_index=index).sum_of_weights
        == TABLE[:, index].sum()
        == [21, 42, -63][index]
    )


@pytest.mark.parametrize("weights", [None, TABLE[:, :1].tolist()])
def test_a_single_weight_has_no_variations(tmp_path, weights):
    events = read_all(write(tmp_path / "a.root", delphes_columns(weights)))
    assert events.weight_variations is None
    assert events.weight.tolist() == ([1.0] * N if weights is None else [1, 2, 3, 4, 5, 6])


def test_weight_that_does_not_exist(tmp_path):
    path = write(tmp_path / "a.root", delphes_columns(TABLE.tolist()))
    with pytest.raises(
        InputError, match=r"there is no weight 3, as the events have 3; choose a weight from 0 to 2"
    ):
        read_all(path, weight_index=3)


def test_events_with_different_numbers_of_weights(tmp_path):
    weights = TABLE.tolist()
    weights[4] = weights[4][:2]
    path = write(tmp_path / "a.root", delphes_columns(weights))
    with pytest.raises(
        InputError,
        match=r"a.root, chunk from entry 0: Event.Weight has 2 values in entry 4, but 3 in",
    ):
        read_all(path)
    with pytest.raises(
        InputError,
        match=r"chunk from entry 3: Event.Weight has 2 values in entry 4, but 3 in entry 3",
    ):
        list(iterate_events(path, chunk_size=3))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weight_that_is_not_finite(tmp_path, value):
    path = write_calovision(tmp_path / "a.root", [1, 1, 1, 1, value, 1])
    with pytest.raises(
        InputError,
        match=f"a.root, chunk from entry 3: weight is {value} in entry 4; weights must be",
    ):
        list(iterate_events(path, chunk_size=3))


def test_nanoaod_factors_are_variations_of_the_nominal_weight(tmp_path):
    scale, shower = np.random.default_rng(1).uniform(0.5, 2, (2, 30, 4)).astype(np.float32)
    more = {
        "LHEScaleWeight": ak.from_regular(ak.Array(scale)),
        "PSWeight": ak.from_regular(ak.Array(shower)),
    }
    path = write_nanoaod(tmp_path / "a.root", **more)
    nominal = nanoaod_columns()["genWeight"].astype(np.float64)
    events = read_all(path)
    expected = np.concatenate(
        [nominal[:, None], nominal[:, None] * scale, nominal[:, None] * shower], axis=1
    )
    np.testing.assert_allclose(events.weight_variations, expected, rtol=1e-15)
    np.testing.assert_array_equal(
        read_all(path, weight_index=6, fields={}).weight, events.weight_variations[:, 6]
    )
    assert read_all(path, fields={"tracks": {"pt"}}).weight_variations is None
    assert read_all(path, fields={"weight_variations": ()}).weight_variations.shape == (30, 9)


def test_negative_weights_pass(tmp_path):
    path = write_calovision(tmp_path / "a.root", [-1, 1, -1, 1, 1, 1])
    assert read_all(path).weight.tolist() == [-1, 1, -1, 1, 1, 1]


def histogram(contents):
    """Counts with underflow 100 and overflow 1000, which must not be counted."""
    edges = np.arange(len(contents) + 1.0)
    values = np.concatenate([[100], contents, [1000]])
    return uproot.writing.identify.to_TH1x(
        None, "", values.astype(np.float64), values.sum(), 0, 0, 0, 0, values.astype(np.float64),
        uproot.writing.identify.to_TAxis("xaxis", "", len(contents), 0.0, edges[-1]),
    )  # fmt: skip


def test_counter_histograms(tmp_path):
    path = write(
        tmp_path / "a.root",
        delphes_columns(),
        cuts__total=histogram([40, 2, 9]),
        sums=histogram([12.5]),
    )
    options = {"schema": "delphes"}
    assert open_ntuple(path, n_generated="cuts/total", **options).n_generated == 51
    assert open_ntuple(path, n_generated="cuts/total[1]", **options).n_generated == 40
    assert open_ntuple(path, n_generated="cuts/total[3]", **options).n_generated == 9
    info = open_ntuple(path, n_generated="cuts/total", sum_of_weights="sums", **options)
    assert (info.n_generated, info.sum_of_weights) == (51, 12.5)


def test_counter_in_a_branch(tmp_path):
    path = write(
        tmp_path / "a.root",
        delphes_columns(),
        meta={"n": np.array([30, 12]), "w": np.array([1.5, 2.5])},
    )
    info = open_ntuple(path, n_generated="meta/n", sum_of_weights="meta/w")
    assert (info.n_generated, info.sum_of_weights) == (42, 4.0)


class Folder(dict):
    """A file without trees."""

    def classnames(self, *, cycle):
        return {}


def test_counter_in_a_parameter():
    """uproot writes no TParameter, therefore one is imitated."""
    parameter = SimpleNamespace(all_members={"fName": "n", "fVal": 17}, member={"fVal": 17}.get)
    assert read_counter(Folder(n=parameter), "n", "a.root", "n_generated") == 17.0


@pytest.mark.parametrize(
    ("counter", "message"),
    [
        ("cut", "has no object 'cut', which n_generated is read from .it has: .*'cuts'"),
        ("cuts[4]", r"the histogram 'cuts' has bins up to 1, not 4"),
        ("meta/m", "the tree 'meta' lacks m, which n_generated is read from"),
        (
            "note",
            "n_generated is read from 'note', a TObjString; it must be a histogram or a TParameter",
        ),
        (0, "n_generated is 0.0; it must be a positive whole number"),
        (1.5, "n_generated is 1.5; it must be a positive whole number"),
        (np.nan, "n_generated is nan; it must be a finite number"),
    ],
)
def test_counters_that_cannot_be_read(tmp_path, counter, message):
    objects = {"cuts": histogram([7]), "meta": {"n": np.array([3])}, "note": "seven"}
    path = write(tmp_path / "a.root", delphes_columns(), **objects)
    with pytest.raises(InputError, match=f"a.root.*{message}"):
        open_ntuple(path, n_generated=counter)


def test_n_generated_with_weights_of_one(tmp_path):
    """Each generated event counts 1, whether it is in the file or not."""
    info = open_ntuple(write(tmp_path / "a.root", delphes_columns([[1.0]] * N)), n_generated=100)
    assert (info.n_generated, info.sum_of_weights) == (100, 100.0)


def test_n_generated_of_a_complete_file(tmp_path):
    info = open_ntuple(write(tmp_path / "a.root", delphes_columns(TABLE.tolist())), n_generated=N)
    assert (info.n_generated, info.sum_of_weights) == (N, 21.0)


def test_n_generated_of_a_filtered_file_needs_the_sum(tmp_path):
    path = write(tmp_path / "a.root", delphes_columns(TABLE.tolist()))
    with pytest.raises(
        InputError,
        match=r"a.root: 9 events were generated, of which the file holds 6 .* give sum_of",
    ):
        open_ntuple(path, n_generated=9)
    assert open_ntuple(path, n_generated=9, sum_of_weights=33.0).sum_of_weights == 33.0


def test_given_numbers_and_the_counters_of_the_file(tmp_path):
    path = write_calovision(tmp_path / "a.root", [2.0] * N, n_generated=10, total=20.0)
    for options, expected in (
        ({}, (10, 20.0)),
        ({"n_generated": 10}, (10, 20.0)),
        ({"sum_of_weights": 7.0}, (10, 7.0)),
        ({"n_generated": N}, (N, 12.0)),
    ):
        info = open_ntuple(path, **options)
        assert (info.n_generated, info.sum_of_weights) == expected
        assert info.cross_section_pb == 5.0


def test_counters_hold_the_sum_of_the_first_weight_only(tmp_path):
    shower = ak.from_regular(ak.Array(np.full((30, 1), 0.5, dtype=np.float32)))
    path = write_nanoaod(tmp_path / "a.root", PSWeight=shower)
    assert open_ntuple(path).sum_of_weights == 50.0
    with pytest.raises(InputError, match=r"100 events were generated, of which the file holds 30"):
        open_ntuple(path, weight_index=1)
    total = 0.5 * nanoaod_columns()["genWeight"].sum()
    assert open_ntuple(path, weight_index=1, n_generated=30).sum_of_weights == total
