"""``calovision status``: what it prints of a run that goes on, failed, or was killed."""

import json
import os

import pytest
from fakes_cli import fail, succeed
from fakes_runs import HERE, NOBODY, entry, set_run, start, write_attempts, write_outputs

from calovision.jobs.run_summary import end_run, read_run


@pytest.fixture
def folder(tmp_path):
    """One job done, one running, one failed, a training in its second epoch."""
    jobs = [
        entry("build_images", f"qcd/{number}", folder=tmp_path, outputs=[f"{number}.h5"])
        for number in range(3)
    ]
    train = entry(
        "train_network", "cnn/seed1", folder=tmp_path, outputs=["cnn/history.csv"], epochs=4
    )
    start(tmp_path, [*jobs, train])
    begun = read_run(tmp_path).started
    write_attempts(jobs[0], (begun, begun + 8, True, {"n_events": 1000}))
    write_outputs(jobs[0])
    write_attempts(jobs[1], (begun, None, None, {"pid": os.getpid()}))
    write_attempts(
        jobs[2], (begun, begun + 8, False, {"message": "a.root: truncated", "host": "node7"})
    )
    write_attempts(train, (begun, None, None, {"pid": os.getpid()}))
    (tmp_path / "cnn").mkdir()
    (tmp_path / "cnn/history.csv").write_text("epoch,images_per_s\n0,250\n")
    return tmp_path


def test_tables_of_a_run_that_goes_on(folder):
    lines = succeed("status", folder).splitlines()
    rows = {line.split()[0]: line.split() for line in lines if line}
    assert rows["run"][1] == "running,"
    assert " ".join(rows["jobs"][1:]) == "1 of 4 done, 2 running, 1 failed"
    assert rows["time"][2] == "about"
    stages = [line.split() for line in lines if line.startswith(("build_images", "train_network"))]
    assert stages[0] == ["build_images", "3", "1", "1", "1", "0", "8", "125"]
    assert stages[1] == ["train_network", "1", "0", "1", "0", "0", "-", "-"]
    training = next(
        line.split() for line in stages_of_running(lines) if line.startswith("train_network")
    )
    assert training[:3] == ["train_network", "cnn/seed1", HERE]
    assert training[-4:] == ["1", "of", "4", "250"]
    assert "failed: build_images qcd/2 on node7: a.root: truncated" in lines
    assert f"  log: {folder}/logs/build_images/qcd/2.log" in lines
    assert not any("\x1b" in line for line in lines)


def stages_of_running(lines):
    return lines[lines.index("running") :]


def test_json_holds_all_numbers(folder):
    found = json.loads(succeed("status", folder, "--json"))
    assert set(found) == {"run", "stages", "running", "failed"}
    assert found["stages"]["build_images"]["done"] == 1
    assert found["run"]["log"].endswith("snakemake.log")


def test_end_and_kill_are_told_apart(folder):
    set_run(folder, pid=NOBODY)
    assert "stopped without an end" in succeed("status", folder)
    assert "--unlock" in succeed("status", folder)
    set_run(folder, host="submit")
    assert "on another machine, on submit" in succeed("status", folder)
    end_run(folder, succeeded=False)
    assert "run      failed 2" in succeed("status", folder)
    end_run(folder, succeeded=True)
    text = succeed("status", folder)
    assert "run      done 2" in text
    assert "time left" not in text


def test_folder_without_a_run_is_one_sentence(tmp_path):
    assert "no such file" in fail("status", tmp_path)
    assert f"{tmp_path}/absent is no folder of results" in fail("status", tmp_path / "absent")


def test_default_folder_is_results(folder, tmp_path_factory, monkeypatch):
    place = tmp_path_factory.mktemp("place")
    (place / "results").symlink_to(folder)
    monkeypatch.chdir(place)
    assert "1 of 4 done, 2 running, 1 failed" in succeed("status")


def test_copy_without_times_is_told_from_the_run(tmp_path):
    """As by `cp -r`: the results of a finished run are older than what they were made of."""
    folder = tmp_path / "results"
    build = entry("build_images", folder=folder, inputs=["a.root"], outputs=["a.h5"])
    train = entry(
        "train_network", folder=folder, inputs=["a.h5"], outputs=["model.json", "tensorboard"]
    )
    (folder / "tensorboard").mkdir(parents=True)
    start(folder, [build, train])
    begun = read_run(folder).started
    for job in (build, train):
        write_attempts(job, (begun, begun + 1, True, {}))
    files = [
        folder / name
        for name in ("a.root", "a.h5", "model.json", "tensorboard/.snakemake_timestamp")
    ]
    for number, file in enumerate(files):
        file.touch()
        os.utime(file, (100 + number, 100 + number))
    end_run(folder, succeeded=True)
    text = succeed("status", folder)
    assert "outdated" not in text
    assert "copied" not in text
    folder.rename(tmp_path / "copy")
    os.utime(tmp_path / "copy/a.h5", (150, 150))
    text = " ".join(succeed("status", tmp_path / "copy").split())
    assert f"copied the run was in {folder}" in text
    assert "outdated 1 job would run again, since their inputs are newer" in text
    assert "--touch" in text
    found = json.loads(succeed("status", tmp_path / "copy", "--json"))["run"]
    assert (found["copied_from"], found["n_outdated"]) == (str(folder), 1)
    os.utime(tmp_path / "copy/tensorboard/.snakemake_timestamp", (160, 160))
    os.utime(tmp_path / "copy/model.json", (160, 160))
    assert "outdated" not in succeed("status", tmp_path / "copy")
