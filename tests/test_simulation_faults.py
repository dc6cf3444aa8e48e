"""Runs of simulated events, and faults of their calorimeter."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from calovision.core.errors import InputError
from calovision.core.run_lists import RunList
from calovision.simulation import DetectorFault, RunPeriod, ntuple
from calovision.simulation.faults import apply_faults
from calovision.simulation.pythia import GeneratedBatch
from calovision.stages.simulation import SimulationJob

WINDOW = {"eta": [0.0, 1.0], "phi": [0.0, 1.0]}


def jagged(values: np.ndarray) -> ak.Array:
    return ak.from_regular(ak.Array(values))


def towers(n_events: int = 400) -> ak.Array:
    """Four towers an event: electromagnetic and hadronic, inside the window and outside."""
    one = {
        "eta": np.float32([0.5, 0.5, -0.5, 0.5]),
        "phi": np.float32([0.5, 0.5, 0.5, -0.5]),
        "e_em": np.float32([4, 0, 4, 4]),
        "e_had": np.float32([0, 3, 0, 0]),
    }
    return ak.zip({name: jagged(np.tile(values, (n_events, 1))) for name, values in one.items()})


def faulty(kind: str, **more: object) -> ak.Array:
    fault = DetectorFault.of({"kind": kind, "runs": ["2-3"], **WINDOW, **more})
    run = 1 + np.arange(400) // 100
    return apply_faults(towers(), run, [fault], last_run=4, rng=np.random.default_rng(1))


def n_towers(found: ak.Array) -> list[int]:
    return [int(ak.sum(ak.num(found.eta[100 * i : 100 * i + 100]))) for i in range(4)]


def test_dead_window_has_no_towers_of_its_layer_in_its_runs() -> None:
    assert n_towers(faulty("dead")) == [400, 200, 200, 400]
    assert n_towers(faulty("dead", layer="em")) == [400, 300, 300, 400]
    assert ak.all(faulty("dead", layer="em")[100].e_em == [0, 4, 4])


def test_hot_window_has_noise_of_the_wanted_mean() -> None:
    found = faulty("hot", layer="had", strength=2.0)
    assert n_towers(found)[0] == n_towers(found)[3] == 400
    added = sum(n_towers(found)) - 1600
    assert abs(added - 400) < 4 * np.sqrt(400)
    new = found[100:300][:, 4:]
    assert ak.all((new.eta >= 0) & (new.eta < 1) & (new.phi >= 0) & (new.phi < 1))
    assert ak.all((new.e_had > 1) & (new.e_em == 0))
    assert str(found.e_had.type).endswith("float32")


def test_fading_window_loses_more_from_run_to_run() -> None:
    """Half of the towers in the first of two runs, all in the second."""
    numbers = n_towers(faulty("fading"))
    assert numbers[0] == numbers[3] == 400
    assert abs(numbers[1] - 300) < 4 * np.sqrt(200 / 4)
    assert numbers[2] == 200


def test_scaled_window_has_other_energies() -> None:
    found = faulty("scaled", strength=1.5)
    assert found[100].e_em.tolist() == [6, 0, 4, 4]
    assert found[100].e_had.tolist() == [0, 4.5, 0, 0]
    assert found[0].e_em.tolist() == [4, 0, 4, 4]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"kind": "cold"}, "kind: must be one of dead, hot, fading, scaled, not 'cold'"),
        ({"eta": [1.0, 0.0]}, r"eta: must be two ends, the lower one first, not \[1.0, 0.0\]"),
        ({"kind": "fading", "strength": 2}, "strength: must be a share"),
        ({"runs": ["5-2"]}, "the range '5-2' ends before it begins"),
    ],
)
def test_wrong_fault_is_refused(changes: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        DetectorFault.of({"kind": "dead", "runs": [1], **WINDOW, **changes})


def test_runs_share_the_events_of_a_sample_whatever_its_files() -> None:
    period = RunPeriod(3, 10)
    assert period.of_event(np.arange(10)).tolist() == [1, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert period.of_event(np.arange(6, 10)).tolist() == [2, 3, 3, 3]


def test_ntuple_has_runs_and_their_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = GeneratedBatch(ak.Array([]), np.ones(8), 8, 8.0, 1.0, 9, 8)
    monkeypatch.setattr(ntuple, "generate", lambda *_, **__: iter([batch]))
    tracks = ak.zip({name: jagged(np.zeros((8, 1))) for name in ("pt", "eta", "phi")})
    tracks["charge"] = ak.values_astype(tracks.pt, np.int8)
    monkeypatch.setattr(ntuple, "simulate_detector", lambda *_: (towers(8), tracks))
    dead = {"kind": "dead", "runs": [2], **WINDOW}
    job = SimulationJob("qcd", 8, runs={"n_runs": 2, "n_events": 8, "faults": [dead]})
    ntuple.write_ntuple(tmp_path / "a.root", "qcd", n_events=8, seed=1, runs=job.period)
    with uproot.open({tmp_path / "a.root": "events"}) as tree:
        assert tree["run"].array().tolist() == [1] * 4 + [2] * 4
        assert ak.num(tree["towers_eta"].array()).tolist() == [4] * 4 + [2] * 4


def test_list_of_runs(tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text("# good\n7\n10 - 12  # all of them\n\n30-\n")
    runs = RunList.read([3, str(tmp_path / "good.txt")], "good_runs")
    assert [run for run in range(40) if run in runs] == [3, 7, 10, 11, 12, *range(30, 40)]
    assert runs.mask(np.array([3, 4, 11])).tolist() == [True, False, True]
    assert runs.without([7, 11]) == ["3", "30-"]
    with pytest.raises(InputError, match=r"good_runs: the list of runs .*none\.txt cannot be read"):
        RunList.read([str(tmp_path / "none.txt")], "good_runs")
    with pytest.raises(InputError, match="good_runs: 'ten' is neither a run, nor a range"):
        RunList.read(["ten"], "good_runs")
