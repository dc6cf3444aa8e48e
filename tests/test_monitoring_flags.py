"""Flags of runs: towers joined to objects, kinds, since when, known faults, what is not said."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calovision.core.errors import InputError
from calovision.monitoring.drawn_runs import good_runs_like
from calovision.monitoring.flag_tables import (
    flag_markdown,
    flag_text,
    listed_runs,
    newest_of_each,
    write_flag_csv,
)
from calovision.monitoring.flagging import FlagRules, _History, flag_runs
from calovision.monitoring.flags import MethodFlags, RunFlags
from calovision.monitoring.grouping import connected, deviations, kind_of
from calovision.monitoring.judging import judge_file, load_scorers
from calovision.monitoring.known import known_faults, read_known
from calovision.monitoring.methods import METHODS
from calovision.monitoring.reference import Reference
from calovision.monitoring.run_map_file import RunMapFile, write_run_maps
from calovision.monitoring.run_maps import RunMaps
from calovision.monitoring.toys import toy_detector

N_ETA, N_PHI, N_EVENTS = 8, 16, 1000


@pytest.fixture(scope="module")
def reference() -> Reference:
    detector = toy_detector(N_ETA, N_PHI)
    return Reference.of(detector.runs(10, 5 * N_EVENTS, np.random.default_rng(1)))


@pytest.fixture(scope="module")
def good(reference: Reference) -> RunMaps:
    return good_runs_like(reference, 6, N_EVENTS, np.random.default_rng(2))


def with_hits(maps: RunMaps, runs: list[int], cells: tuple, factor: float) -> RunMaps:
    """Maps with hits (and energies) of cells times a factor in some rows."""
    occupancy, total = maps.occupancy.copy(), maps.total.copy()
    for row in runs:
        occupancy[(row, 0, *cells)] = np.minimum(occupancy[(row, 0, *cells)] * factor, N_EVENTS)
        total[(row, 0, *cells)] *= factor
    return replace(maps, occupancy=occupancy, total=total)


def flags_of(maps: RunMaps, reference: Reference, size: int = 2, **rules: object) -> RunFlags:
    methods = {"poisson": MethodFlags("Poisson", 6.0, 0.01, True, "chosen")}
    blocks = maps.blocks(size)
    return flag_runs(blocks, reference, [METHODS["poisson"]], methods, FlagRules(**rules))


# -- objects --------------------------------------------------------------------------------------


def test_neighbours_are_one_object_also_across_phi_and_corners() -> None:
    flagged = np.zeros((4, 6), dtype=bool)
    flagged[0, 0] = flagged[1, 5] = flagged[3, 3] = True
    groups = [group.tolist() for group in connected(flagged)]
    assert groups == [[[0, 0], [1, 5]], [[3, 3]]]
    assert [len(group) for group in connected(np.ones((3, 4), dtype=bool))] == [12]
    assert not list(connected(np.zeros((3, 4), dtype=bool)))


def test_kinds_of_deviations() -> None:
    found = deviations(
        np.array([100, 100, 100, 100, 0, 100.0, 100]),
        np.array([0, 60, 140, 300, 9, 101, 99.0]),
        np.full(7, 2.0),
        np.array([0, 1, 3, 6, 1, 2.4, 1.6]),
    )
    assert found.tolist() == [0, 1, 3, 2, 2, 5, 4]


def test_kinds_of_objects() -> None:
    live = np.ones((4, 8), dtype=bool)
    ring = np.array([[1, phi] for phi in range(7)])
    assert kind_of(np.array([0]), ring[:1], live, 0) == "dead_tower"
    assert kind_of(np.array([2, 2, 3]), ring[:3], live, 2) == "hot_region"
    assert kind_of(np.full(7, 5), ring, live, 5) == "high_energy_ring"
    # no tower misses its hits with certainty, their sum does: 25 of 38 seven times
    one = deviations(np.array([38.0]), np.array([25.0]), np.array([2.0]), np.array([1.4]))
    total = deviations(np.float64(266.0), np.float64(175.0), np.float64(14.0), np.float64(9.8))
    assert kind_of(np.repeat(one, 7), ring, live, int(total)) == "low_ring"
    every = np.array([[eta, phi] for eta in range(4) for phi in range(8)])
    assert kind_of(np.full(32, 0), every, live, 0) == "dead_channel"


# -- flags of runs --------------------------------------------------------------------------------


def test_dead_board_is_one_alarm_with_its_towers(good: RunMaps, reference: Reference) -> None:
    """A region around phi = pi, dead in the last three of six runs."""
    cells = np.ix_(range(2, 4), [14, 15, 0])
    flags = flags_of(with_hits(good, [3, 4, 5], cells, 0), reference)
    assert [one.state for one in flags.runs] == ["good"] * 3 + ["alarm"] * 3
    assert [one.run for one in flags.alarms] == [4, 5, 6]
    last = flags.alarms[-1]
    assert (last.kind, last.since, len(last.towers)) == ("dead_region", 4, 6)
    edges = reference.grid.edges_in_eta
    assert last.eta == (edges[2], edges[4])
    assert last.phi == pytest.approx((np.pi * 6 / 8, -np.pi * 7 / 8))
    assert last.found_hits == 0
    assert last.expected_hits == pytest.approx(N_EVENTS * reference.rate[0][cells].sum(), rel=0.05)
    assert flags.n_alarms == 3
    assert newest_of_each(flags.alarms) == [last]


def test_flags_do_not_depend_on_the_blocks(good: RunMaps, reference: Reference) -> None:
    maps = with_hits(good, [1, 2, 4, 5], (3, 3), 2)
    assert flags_of(maps, reference, 1) == flags_of(maps, reference, 6)


def test_since_is_the_first_run_of_the_unbroken_sequence(
    good: RunMaps, reference: Reference
) -> None:
    """A run with too few events neither ends the sequence nor is judged; one without the fault ends
    it."""
    maps = with_hits(good, [0, 2, 3, 4, 5], (3, 3), 0)
    events = maps.n_events.copy()
    events[3] = 40
    few = np.minimum(maps.occupancy, events[:, None, None, None])
    flags = flags_of(replace(maps, n_events=events, occupancy=few), reference, min_events=100)
    states = ["alarm", "good", "alarm", "few_events", "alarm", "alarm"]
    assert [one.state for one in flags.runs] == states
    assert [(one.run, one.since) for one in flags.alarms] == [(1, 1), (3, 3), (5, 3), (6, 3)]
    text = flag_text(flags)
    assert text.startswith("6 runs: 1 without an alarm, 4 with an alarm, 1 with too few events")
    assert "Of fewer than 100 events nothing is said, good or bad." in text


def test_tower_of_which_nothing_can_be_said_keeps_its_sequence() -> None:
    history = _History((3,))
    for run, scores in enumerate([[5, 5, 0], [np.nan, 0, 5], [5, 5, 5]], start=1):
        history.add(run, np.array(scores), 3.0)
    assert history.since.tolist() == [1, 3, 2]
    assert history.length.tolist() == [2, 1, 2]


def test_alarm_waits_for_consecutive_runs(good: RunMaps, reference: Reference) -> None:
    flags = flags_of(with_hits(good, [1, 3, 4], (3, 3), 0), reference, consecutive_runs=2)
    assert [(one.run, one.since) for one in flags.alarms] == [(5, 4)]


def test_known_towers_raise_no_alarm(good: RunMaps, reference: Reference) -> None:
    maps = with_hits(good, [4, 5], (3, 3), 0)
    known = known_faults(flags_of(maps[:5], reference))
    assert known == {("channel_0", 3, 3, kind) for kind in ("dead", "low", "low_energy")}
    flags = flags_of(with_hits(maps, [5], (6, 9), 3), reference, known=known)
    assert [one.state for one in flags.runs[4:]] == ["known", "alarm"]
    kinds = {one.kind: one.is_known for one in flags.alarms[1:]}
    assert kinds == {"dead_tower": True, "hot_tower": False}
    assert (flags.runs[5].n_alarms, flags.runs[5].n_known) == (1, 1)


def test_a_new_fault_of_a_known_tower_is_an_alarm(good: RunMaps, reference: Reference) -> None:
    """Of a dead tower that is hot, of a low one that is dead, not of a dead one that is low."""
    of_factor = {x: with_hits(good, [5], (3, 3), x) for x in (0, 0.4, 3)}
    found = {}
    for before in of_factor:
        known = known_faults(flags_of(of_factor[before], reference))
        for now, maps in of_factor.items():
            found[before, now] = flags_of(maps, reference, known=known).runs[5].state
    is_known = {pair for pair, state in found.items() if state == "known"}
    assert is_known == {(0, 0), (0.4, 0.4), (3, 3), (0, 0.4)}
    assert set(found.values()) == {"known", "alarm"}


def test_known_faults_of_other_cells_are_refused(
    tmp_path: Path, good: RunMaps, reference: Reference
) -> None:
    flags = flags_of(with_hits(good, [5], (3, 3), 0), reference)
    path = tmp_path / "known.json"
    path.write_text(json.dumps(flags.to_json()))
    assert read_known([path], reference) == known_faults(flags)
    edges = [one / 2 for one in flags.grid["eta_edges"]]
    path.write_text(json.dumps(replace(flags, grid={**flags.grid, "eta_edges": edges}).to_json()))
    with pytest.raises(InputError, match=r"known\.json: the known faults are of 8x16 cells from"):
        read_known([path], reference)


def test_channel_of_few_hits_may_be_empty(good: RunMaps, reference: Reference) -> None:
    """99 hits are expected in a run: none of them is no alarm; of 101 it is one."""
    rare = replace(reference, rate=reference.rate / 1000, n_events=1000 * reference.n_events)
    events = np.round(np.array([99, 101]) / rare.rate.sum()).astype(int)
    empty = np.zeros((2, *good.occupancy.shape[1:]))
    flags = flags_of(replace(good[:2], n_events=events, occupancy=empty, total=empty), rare)
    assert [one.state for one in flags.runs] == ["good", "alarm"]
    assert [one.kind for one in flags.alarms] == ["dead_channel"]


def test_run_without_any_hit_is_one_alarm(good: RunMaps, reference: Reference) -> None:
    """Expected numbers are those of the reference, since the run itself cannot tell."""
    flags = flags_of(with_hits(good, [2], (slice(None), slice(None)), 0), reference)
    (alarm,) = flags.alarms
    assert (alarm.kind, len(alarm.towers)) == ("dead_channel", N_ETA * N_PHI)
    assert alarm.phi == (-np.pi, np.pi)
    assert alarm.expected_hits == pytest.approx(N_EVENTS * reference.rate.sum())


def test_run_that_comes_twice_is_refused(good: RunMaps, reference: Reference) -> None:
    twice = replace(good, run=np.array([1, 2, 2, 4, 5, 6]))
    with pytest.raises(InputError, match="run 2 comes twice: give maps that ascend"):
        flags_of(twice, reference)


# -- files ----------------------------------------------------------------------------------------


def test_files_of_flags(tmp_path: Path, good: RunMaps, reference: Reference) -> None:
    """The JSON gives the same object; a row of the CSV is a tower."""
    flags = flags_of(with_hits(good, [5], np.ix_([2, 3], [4, 5]), 0), reference)
    (tmp_path / "flags.json").write_text(json.dumps(flags.to_json()))
    assert RunFlags.read(tmp_path / "flags.json") == flags
    write_flag_csv(tmp_path / "flags.csv", flags.alarms)
    rows = list(csv.DictReader((tmp_path / "flags.csv").read_text().splitlines()))
    assert [(row["eta_index"], row["phi_index"]) for row in rows] == [
        ("2", "4"), ("2", "5"), ("3", "4"), ("3", "5"),
    ]  # fmt: skip
    assert {row["kind"] for row in rows} == {"dead_region"}
    assert "Dead region" in flag_markdown(flags)


def test_listed_runs() -> None:
    assert listed_runs([1, 2, 3, 7, 9, 10]) == "1-3, 7, 9-10"


def test_judged_file_has_about_the_wanted_false_alarms(
    tmp_path: Path, reference: Reference
) -> None:
    """A threshold that is computed, and one of runs drawn from the reference; 100 good runs."""
    maps = good_runs_like(reference, 100, N_EVENTS, np.random.default_rng(3))
    write_run_maps(tmp_path / "maps.h5", maps)
    names = ["poisson", "ring_median"]
    flags = judge_file(
        RunMapFile(tmp_path / "maps.h5"),
        reference,
        load_scorers(names, {}),
        FlagRules(),
        alarm=["poisson"],
        false_alarms=0.1,
    )
    for name in names:
        n = sum(one.n_towers[name] > 0 for one in flags.runs)
        assert n <= 20, name
    assert flags.methods["poisson"].basis == f"computed for {N_ETA * N_PHI} towers"
    assert "200 runs of 1000 events drawn" in flags.methods["ring_median"].basis


def test_maps_of_another_geometry_are_refused(tmp_path: Path, reference: Reference) -> None:
    other = toy_detector(4, 4).runs(2, 100, np.random.default_rng(1))
    write_run_maps(tmp_path / "maps.h5", other)
    with pytest.raises(InputError, match=r"maps\.h5: the cells are 4x4 .* but those of the ref"):
        judge_file(
            RunMapFile(tmp_path / "maps.h5"),
            reference,
            load_scorers(["poisson"], {}),
            FlagRules(),
            alarm=["poisson"],
            false_alarms=0.1,
        )
