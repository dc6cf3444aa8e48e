"""Power cuts at every moment, by the recorded system calls: the drill, for two outputs."""

import pytest
from faults.cases import GOOD
from faults.outputs import QUICK
from faults.power_loss import BAD_OUTPUTS, Replay, cases_of, judge_calls, record_outputs
from faults.system_calls import STRACE

pytestmark = pytest.mark.skipif(STRACE is None, reason="needs strace")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    return record_outputs([*QUICK, *BAD_OUTPUTS], tmp_path_factory.mktemp("recorded"))


def test_bytes_are_on_the_disk_before_their_name(recordings):
    for name in QUICK:
        assert judge_calls(Replay(recordings[name])).seen == ""
    assert "named before its bytes are synced; a.txt: its name is not synced at the end" in (
        judge_calls(Replay(recordings["not synced"])).seen
    )
    assert "while it is written" in judge_calls(Replay(recordings["in place"])).seen


@pytest.mark.parametrize("name", QUICK)
def test_a_cut_leaves_the_old_or_the_new(recordings, tmp_path, name):
    cases = list(cases_of(name, recordings[name]))
    assert len(cases) > 4
    for number, case in enumerate(cases[:: max(len(cases) // 20, 1)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        judgement = case.run(folder)
        assert judgement.outcome in GOOD, (case.name, judgement)


def test_the_drill_finds_what_a_cut_destroys(recordings, tmp_path):
    (of_calls, *states) = cases_of("in place", recordings["in place"])
    assert of_calls.run(tmp_path).outcome not in GOOD
    bad = []
    for number, case in enumerate(states):
        (tmp_path / str(number)).mkdir()
        bad.append(case.run(tmp_path / str(number)).outcome not in GOOD)
    assert sum(bad) >= 3  # empty, zeros, half
