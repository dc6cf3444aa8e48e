"""References of good runs: closed forms, faulty runs among the good ones, faults in all of them."""

import logging
from dataclasses import replace

import numpy as np
import pytest
from fakes_checksums import edited_other
from fakes_maps import LAYOUT, make_maps

from calovision.core.errors import InputError
from calovision.images.grid import EtaPhiGrid
from calovision.monitoring import good_runs
from calovision.monitoring.layout import MapLayout
from calovision.monitoring.reference import CELLS, Reference
from calovision.monitoring.run_map_file import RunMapFile, write_run_maps
from calovision.monitoring.toys import toy_detector


def changed(maps, *changes):
    """Maps with factors in cells: (runs, cell, factor of the hits, factor of the values)."""
    occupancy, total = maps.occupancy.copy(), maps.total.copy()
    for runs, cell, of_hits, of_total in changes:
        occupancy[(runs, *cell)] *= of_hits
        total[(runs, *cell)] *= of_total
    occupancy = np.minimum(np.round(occupancy), maps.n_events[:, None, None, None])
    return replace(maps, occupancy=occupancy, total=total)


@pytest.fixture(scope="module")
def good():
    return make_maps(9, 1000, seed=2)


def test_equal_runs_give_their_rate_and_mean():
    maps = make_maps(4, 1000)
    maps = replace(maps, occupancy=np.full_like(maps.occupancy, 200.0))
    maps = replace(maps, total=np.full_like(maps.total, 500.0))
    reference = Reference.of(maps)
    np.testing.assert_allclose(reference.rate, 0.2, rtol=1e-9)
    np.testing.assert_allclose(reference.mean, 0.5, rtol=1e-9)
    assert not reference.rate_spread.any()
    assert not reference.n_left_out.any()
    assert (reference.n_runs, reference.n_events, reference.doubts) == (4, 4000, ())
    assert reference.run.tolist() == [1, 2, 3, 4]


def test_runs_count_by_their_events():
    parts = [make_maps(2, 900, first_run=1, seed=3), make_maps(1, 90_000, first_run=3, seed=4)]
    reference = Reference.of(parts)
    hits = sum(part.occupancy.sum(axis=0) for part in parts)
    np.testing.assert_allclose(reference.rate, hits / 91_800, rtol=1e-3)
    assert reference.n_events == 91_800


@pytest.mark.parametrize("of_cells", [0.0, 0.05])
def test_spread_beyond_counting_without_the_levels_of_runs(of_cells):
    detector = replace(toy_detector(8, 32), of_runs=0.3, of_cells=of_cells)
    maps = detector.runs(8, 20_000, np.random.default_rng(5))
    reference = Reference.of(maps)
    relative = reference.rate_spread / reference.rate
    # a share p of -log(1 - p) deposits: a change of these changes it less
    deposits = -np.log1p(-detector.rates)
    expected = of_cells * deposits * (1 - detector.rates) / detector.rates
    of_all = np.sqrt((relative**2).mean()), np.sqrt((expected**2).mean())
    assert of_all[0] == pytest.approx(of_all[1], rel=0.05, abs=0.005)
    np.testing.assert_allclose(reference.rate, detector.rates, rtol=0.2)
    assert reference.rate.mean() == pytest.approx(detector.rates.mean(), rel=0.1)


FAULTY = [
    (3, (0, 1, 5), 0, 0),
    (4, (1, 2, 7), 20, 1),
    (5, (0, 3), 1, 1.5),
]


def test_faulty_runs_among_the_good_ones_do_not_count(good):
    clean, found = Reference.of(good), Reference.of(changed(good, *FAULTY))
    for run, cell, _, _ in FAULTY:
        others = np.delete(good.occupancy[:, cell[0], cell[1]], run, axis=0).sum(axis=0) / 8000
        expected = others if len(cell) == 2 else others[cell[2]]
        np.testing.assert_allclose(found.rate[cell], expected, rtol=0.01)
        assert (found.n_left_out[cell] == 1).all()
    assert found.n_left_out.sum() == 1 + 1 + 16
    assert not clean.n_left_out.any()
    untouched = found.n_left_out == 0
    np.testing.assert_allclose(found.mean[untouched], clean.mean[untouched], rtol=0.02)
    left_out = found.mean[0, 3] / clean.mean[0, 3]
    assert abs(left_out - 1).max() < 0.03  # 1 + 0.5 / 9 with the faulty run
    assert [one.split(" differs")[0] for one in found.doubts] == ["run 6", "run 4", "run 5"]


def test_faults_of_all_good_runs_are_told(good, caplog):
    everywhere = slice(None)
    held = changed(good, (everywhere, (0, 1, 5), 0, 0), (everywhere, (1, 2, 7), 3, 3))
    with caplog.at_level(logging.WARNING):
        found = Reference.of(held)
    assert np.argwhere(found.is_faulty).tolist() == [[0, 1, 5], [1, 2, 7]]
    dead, hot = found.doubts
    assert dead.startswith(
        "the good runs hold a dead cell: channel em_et, eta -0.62, phi -0.98 (row 1, column 5) has "
        "no hit where the median of its ring has 1"
    )
    assert hot.startswith("the good runs hold a hot cell: channel tracks, eta 0.62, phi -0.20")
    assert [record.message for record in caplog.records] == [
        f"reference: {one}" for one in found.doubts
    ]
    with pytest.raises(InputError, match=r"a dead cell: .*\(and 1 more\); give other runs"):
        Reference.of(held, refuse_faults=True)
    assert Reference.of(good, refuse_faults=True).doubts == ()


def test_columns_without_a_tower_are_no_dead_cells(good):
    finer = changed(good, (slice(None), (slice(None), slice(None), slice(0, 16, 3)), 0, 0))
    assert Reference.of(finer).doubts == ()


def test_many_faults_are_a_few_sentences(good):
    region = changed(good, (slice(None), (0, slice(0, 4), slice(0, 4)), 0, 0))
    doubts = Reference.of(region).doubts
    assert (len(doubts), doubts[-1]) == (7, "10 more cells of this kind")


def test_file_and_blocks_give_the_same(good, tmp_path, monkeypatch):
    write_run_maps(tmp_path / "m.h5", good)
    expected = Reference.of(good)
    monkeypatch.setattr(good_runs, "OPEN_BYTES", 8 * 16 * 9)
    file = RunMapFile(tmp_path / "m.h5")
    for source in (file, good.blocks(2), file.select(slice(None))):
        found = Reference.of(source)
        for name in (*CELLS, "run"):
            np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-12)
    some = Reference.of(file.select(good.run > 4))
    assert some.run.tolist() == [5, 6, 7, 8, 9]


def test_too_little_is_said():
    one = Reference.of(make_maps(1, 500))
    assert not one.rate_spread.any()
    assert one.doubts[0].startswith("one good run does not tell")
    assert Reference.of(make_maps(2, 500)).doubts[0].startswith("of 2 good runs none")
    few = Reference.of(make_maps(4, 50, rate=0.01))
    assert few.doubts[0].startswith("half of the cells of channel em_et that are hit have fewer")
    with pytest.raises(InputError, match="the 3 good runs have 90 events: too few"):
        Reference.of(make_maps(3, 30))
    with pytest.raises(InputError, match="no good runs given"):
        Reference.of([])


def test_runs_that_make_no_reference(good):
    dead = changed(good, (slice(None), (1,), 0, 0))
    with pytest.raises(InputError, match="channel tracks has no hit in any of the 9 good runs"):
        Reference.of(dead)
    with pytest.raises(InputError, match="run 1 is given twice"):
        Reference.of([good, good])
    other = make_maps(layout=MapLayout.of_channels(EtaPhiGrid(4, 16), ("em_et", "tracks"), 1.0))
    with pytest.raises(InputError, match=r"run 1: the thresholds are 1, 1, but .* 0.5, 0"):
        Reference.of([good, other])
    with pytest.raises(InputError, match=r"runs.h5: the channels are em, but those of the refer"):
        Reference.of(good).require(
            make_maps(layout=MapLayout.of_channels(EtaPhiGrid(4, 16), ("em",))), "runs.h5"
        )
    empty = replace(good, n_events=np.where(good.run == 2, 0, good.n_events))
    occupancy = np.where(good.run[:, None, None, None] == 2, 0, good.occupancy)
    empty = replace(empty, occupancy=occupancy, total=np.where(occupancy > 0, good.total, 0))
    found = Reference.of(empty)
    assert (found.n_runs, found.run.tolist()) == (8, [1, 3, 4, 5, 6, 7, 8, 9])
    assert np.isfinite(found.rate).all()


def test_saved_and_read(good, tmp_path):
    reference = Reference.of(changed(good, *FAULTY))
    path = tmp_path / "reference.h5"
    reference.save(path)
    found = Reference.load(path)
    for name in (*CELLS, "run", "lumi_block"):
        assert np.array_equal(getattr(found, name), getattr(reference, name))
    assert MapLayout.of(found) == LAYOUT
    assert (found.doubts, found.n_runs) == (reference.doubts, 9)
    assert (found.n_events, found.is_faulty.dtype) == (9000, bool)


def no_rate(file):
    del file["cells/rate"]


def infinite(file):
    file["cells/mean"][0, 0, 0] = np.inf


@pytest.mark.parametrize(
    ("sentence", "change"),
    {
        "not a calovision-reference file": lambda f: f.attrs.update(format="calovision-run-maps"),
        "calovision-reference version 3 is newer": lambda f: f.attrs.update(version=3),
        r"incomplete reference file \(no cells/rate\)": no_rate,
        r"incomplete reference file \('cells/mean' is not a finite": infinite,
        r"incomplete reference file \(no number 'n_events'\)": lambda f: f.attrs.pop("n_events"),
    }.items(),
)
def test_reference_files_that_are_refused(good, sentence, change, tmp_path):
    path = tmp_path / "reference.h5"
    Reference.of(good).save(path)
    with edited_other(path) as file:
        change(file)
    with pytest.raises(InputError, match=f"reference.h5: {sentence}"):
        Reference.load(path)
