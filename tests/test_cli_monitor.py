"""``calovision monitor``: maps and a reference from the command line."""

import numpy as np
import pytest
from fakes import write_image_file
from fakes_cli import fail, fail_usage, stored, succeed, write_small
from fakes_maps import make_maps

from calovision.core.errors import InputError
from calovision.monitoring.reference import Reference
from calovision.monitoring.run_map_file import RunMapFile, write_run_maps


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("monitor")
    write_small(folder / "run_3.root", 20, seed=1)
    write_small(folder / "run_4.root", 15, seed=2)
    write_run_maps(folder / "good.h5", make_maps(8))
    return folder


def monitor(folder, *arguments):
    return succeed("monitor", "maps", folder / "run_*.root", *arguments)


def test_maps_of_files_of_runs(folder, tmp_path):
    output = tmp_path / "m.h5"
    cells = ("--grid", "8x4", "--channels", "em,tracks", "--threshold", "em=2.5")
    text = monitor(folder, "-o", output, *cells, "--run", "file")
    assert stored(text, "runs") == "2, 3 to 4"
    assert stored(text, "channels") == "em (at least 2.5 GeV), tracks"
    file = RunMapFile(output)
    assert (file.run.tolist(), file.n_events.tolist()) == ([3, 4], [20, 15])
    assert (file.layout.shape, file.thresholds) == ((2, 8, 4), (2.5, 0.0))
    n_hits = file[:].occupancy.sum()
    assert "exists already" in fail("monitor", "maps", folder / "run_3.root", "-o", output)
    for number in (3, 4):
        one = ("monitor", "maps", folder / f"run_{number}.root", "-o", tmp_path / f"{number}.h5")
        succeed(*one, *cells, "--run", "event_number - event_number + 7")
    parts = (tmp_path / "3.h5", tmp_path / "4.h5")
    text = succeed("monitor", "maps", *parts, "-o", output, "--force")
    assert stored(text, "runs") == "1, 7"
    assert RunMapFile(output)[:].occupancy.sum() == n_hits
    with pytest.raises(InputError, match="the file was replaced"):  # another one took its place
        file[:]
    assert "cannot be used with run maps" in fail_usage(
        *("monitor", "maps", *parts, "-o", output, "--force", "--grid", "8x8")
    )


def test_maps_of_image_files(tmp_path):
    write_image_file(tmp_path / "a.h5", n_events=10)
    output = tmp_path / "m.h5"
    text = succeed("monitor", "maps", tmp_path / "a.h5", "-o", output, "--run", "event_number")
    assert stored(text, "events") == "10"
    assert len(RunMapFile(output)) == 10
    assert "no column 'run'" in fail("monitor", "maps", tmp_path / "a.h5", "-o", tmp_path / "b.h5")


BAD = {
    "give one as run: a branch": (),
    "the tree 'events' has no branch runs": ("--run", "runs"),
    "the threshold of 'emm': the maps have no such channel; did you mean 'em'": (
        *("--channels", "em", "--threshold", "emm=1"),
    ),
}


@pytest.mark.parametrize("sentence", BAD)
def test_bad_input_is_one_sentence(folder, sentence, tmp_path):
    line = ("monitor", "maps", folder / "run_3.root", "-o", tmp_path / "no.h5", *BAD[sentence])
    assert sentence in fail(*line)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", [("em=a",), ("1", "em=2")])
def test_thresholds_that_are_none(folder, text, tmp_path):
    options = [part for one in text for part in ("--threshold", one)]
    line = ("monitor", "maps", folder / "run_3.root", "-o", tmp_path / "no.h5", *options)
    assert "--threshold" in fail_usage(*line)


def test_reference_of_the_good_runs(folder, tmp_path):
    (tmp_path / "good.txt").write_text("1-3  # quiet\n6\n")
    output = tmp_path / "r.h5"
    line = ("monitor", "reference", folder / "good.h5", "-o", output)
    text = succeed(*line, "--good", tmp_path / "good.txt", "--good", "8")
    assert stored(text, "runs") == "5"
    found = Reference.load(output)
    assert found.run.tolist() == [1, 2, 3, 6, 8]
    assert found.n_events == 2500
    assert np.isfinite(found.rate).all()
    text = fail(
        "monitor", "reference", folder / "good.h5", "-o", tmp_path / "n.h5", "--good", "20-"
    )
    assert "it has none of the good runs; its runs are 1 to 8" in text


def test_strict_reference_refuses_a_fault(tmp_path):
    maps = make_maps(4, 1000)
    maps.occupancy[:, 0, 1, 1] = maps.total[:, 0, 1, 1] = 0
    write_run_maps(tmp_path / "m.h5", maps)
    line = ("monitor", "reference", tmp_path / "m.h5", "-o", tmp_path / "r.h5")
    assert "the good runs hold a dead cell: channel em_et" in fail(*line, "--strict")
    assert not (tmp_path / "r.h5").exists()
    assert stored(succeed(*line), "dead or hot cells in it") == "1"
