"""What farms do to jobs, done to jobs of a real SLURM: the results are those of a run to which
nothing was done.

`make test-slurm` runs them, in the order of the file; see cluster.sh for the cluster.
"""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import SLURM, Cluster, reason_to_skip
from comparison import require_equal_results, require_equal_runs, require_equal_tables
from farm import (
    IMAGES,
    PATIENCE,
    SUMMARY,
    WHOLE,
    Analysis,
    Farm,
    command,
    processes_with_open,
    start_training,
    wait_for,
)

pytestmark = pytest.mark.skipif(reason_to_skip() is not None, reason=str(reason_to_skip()))

pytest_plugins = ["farm_fixtures"]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("slurm") / "cluster")
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def farm(cluster: Cluster) -> Farm:
    return SLURM


# -- one job is lost ----------------------------------------------------------------------------


def test_cancelled_job_is_submitted_again(
    analysis: Analysis, undisturbed: Analysis, cluster: Cluster
) -> None:
    before = cluster.last()
    process = analysis.start(*IMAGES)
    (job, *_) = wait_for(lambda: cluster.jobs("RUNNING", since=before), "a job that runs", process)
    command("scancel", job.number)
    assert process.wait(PATIENCE) == 0, analysis.output()
    jobs = cluster.jobs(since=before)
    assert {job.number for job in jobs if job.state == "CANCELLED"} == {job.number}
    assert [job.state for job in jobs].count("COMPLETED") == len(jobs) - 1 == 2  # two files a job
    require_equal_results(analysis.results, undisturbed.results, "images")


def test_job_above_its_memory_gets_more(
    analysis: Analysis, undisturbed: Analysis, cluster: Cluster
) -> None:
    before = cluster.last()
    # one group of two jobs: they need between 200 MB, less than Python and the packages, and 1400
    # MB
    target = IMAGES[:2]
    assert (
        analysis.run(
            *target, options=("--set-resources", "build_images:mem_mb=100 + 600 * (attempt - 1)")
        )
        == 0
    )
    first, second = cluster.jobs(since=before)
    assert (first.memory, second.memory) == (200, 1400)
    assert (first.state != "COMPLETED", second.state) == (True, "COMPLETED")
    for name in target:
        path = Path(name).relative_to("results/drill")
        require_equal_tables(undisturbed.results / path, analysis.results / path)


def test_job_killed_in_the_middle_of_writing(
    analysis: Analysis, undisturbed: Analysis, cluster: Cluster
) -> None:
    before = cluster.last()
    process = analysis.start(*IMAGES)

    def kill_a_writer() -> bool:
        for path in analysis.results.glob("images/*/.*.part*"):
            for number in processes_with_open(path):
                os.kill(number, signal.SIGKILL)
                return True
        return False

    wait_for(kill_a_writer, "a job that writes", process)
    assert process.wait(PATIENCE) == 0, analysis.output()
    assert [job.state for job in cluster.jobs(since=before)].count("FAILED") == 1
    require_equal_results(analysis.results, undisturbed.results, "images")


def test_full_disk(analysis: Analysis, undisturbed: Analysis, cluster: Cluster) -> None:
    """The disk of one sample has room for nothing; someone makes room after the first attempt."""
    disk = analysis.results / "images/signal"
    disk.mkdir(parents=True)
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "drill", disk],
        capture_output=True,
        text=True,
        check=False,
    )
    if mount.returncode:
        pytest.skip(f"no small disk can be mounted here: {mount.stderr.strip()}")
    try:
        before = cluster.last()
        process = analysis.start(*IMAGES)
        wait_for(lambda: cluster.jobs("FAILED", since=before), "a job that failed", process)
        command("mount", "-o", "remount,size=100M", str(disk))
        assert process.wait(PATIENCE) == 0, analysis.output()
        attempts = [
            path.read_text()
            for path in (analysis.results / "logs/build_images/signal").glob("*.attempts")
        ]
        # the group may begin with either file
        assert re.search(
            r"images/signal/000[01].h5 cannot be written, as the disk is full", "".join(attempts)
        )
        require_equal_results(analysis.results, undisturbed.results, "images")
    finally:
        command("umount", str(disk))


def test_time_limit_in_training(
    analysis: Analysis, undisturbed: Analysis, cluster: Cluster
) -> None:
    """SLURM ends the first job at its time limit; the second goes on from its checkpoint."""
    before = cluster.last()
    process = start_training(analysis)
    (job,) = cluster.jobs("RUNNING", since=before)
    # in a minute of time limit, the least that SLURM knows, the training might not have begun
    command("scontrol", "update", f"JobId={job.number}", "EndTime=now+2")
    wait_for(lambda: cluster.jobs("TIMEOUT", since=before), "a job that SLURM ended", process)
    (analysis.folder / "slow").unlink()
    assert process.wait(PATIENCE) == 0, analysis.output()
    log = (analysis.results / "logs/train_network/cnn/seed1.log").read_text()
    assert "going on from" in log
    require_equal_results(analysis.results, undisturbed.results, "images", "models")


# -- Snakemake is lost --------------------------------------------------------------------------


def test_killed_snakemake(analysis: Analysis, undisturbed: Analysis, cluster: Cluster) -> None:
    """Its job runs on, its lock stays, and the message says what to type."""
    before = cluster.last()
    process = analysis.start(SUMMARY)
    wait_for(lambda: cluster.jobs("RUNNING", since=before), "a job that runs", process)
    process.kill()
    process.wait()
    assert analysis.run(SUMMARY) == 1
    assert "--unlock" in analysis.output()
    orphans = command("squeue", "--me", "--noheader", "--format=%i %j").splitlines()
    assert orphans
    for orphan in orphans:
        number, name = orphan.split()
        assert name.startswith("calovision")
        command("scancel", number)
    analysis.unlock()
    assert analysis.run(SUMMARY) == 0, analysis.output()
    require_equal_results(
        analysis.results, undisturbed.results, "images", "models", "scores", "metrics"
    )


def test_missing_partition_is_named(analysis: Analysis, cluster: Cluster) -> None:
    before = cluster.last()
    options = ("--set-resources", "build_images:slurm_partition='nowhere'", "--retries", "0")
    assert analysis.run(IMAGES[0], options=options) == 1
    assert "SLURM has no partition 'nowhere'" in analysis.output()
    assert "one of drill" in analysis.output()
    assert cluster.jobs(since=before) == []
    assert not (analysis.folder / IMAGES[0]).exists()


# -- the whole workflow -------------------------------------------------------------------------


def test_whole_workflow(farm: Farm, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """config/test.yaml with and without SLURM, and what the one takes longer than the other."""
    local, analysis = (
        Analysis(tmp_path / name, farm, configfile=WHOLE) for name in ("local", "slurm")
    )
    start = time.monotonic()
    local.run_locally()
    middle = time.monotonic()
    assert analysis.run() == 0, analysis.output()
    times = middle - start, time.monotonic() - middle
    require_equal_runs(analysis.results, local.results)
    with capsys.disabled():
        print(
            f"\nconfig/test.yaml: {times[0]:.0f} s, through SLURM {times[1]:.0f} s, "
            f"{times[1] / times[0]:.2f} times"
        )
