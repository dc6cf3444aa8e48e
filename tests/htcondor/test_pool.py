"""What farms do to jobs, done to jobs of a real HTCondor: the results are those of a run to which
nothing was done.

`make test-htcondor` runs them, in the order of the file; see pool.sh for the pool.
"""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from comparison import require_equal_results, require_equal_runs, require_equal_tables
from farm import (
    IMAGES,
    PATIENCE,
    SUMMARY,
    WEIGHTS,
    WHOLE,
    Analysis,
    Farm,
    start_training,
    wait_for,
)
from pool import Pool, installed, reason_to_skip

pytestmark = pytest.mark.skipif(reason_to_skip() is not None, reason=str(reason_to_skip()))

pytest_plugins = ["farm_fixtures"]


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    folder = tmp_path_factory.mktemp("htcondor")
    with installed(folder / "root"):
        pool = Pool(folder / "pool")
        yield pool
        pool.stop()


@pytest.fixture(scope="module")
def farm(pool: Pool) -> Farm:
    return pool.farm


# -- one job is lost ----------------------------------------------------------------------------


def test_removed_job_is_submitted_again(
    analysis: Analysis, undisturbed: Analysis, pool: Pool
) -> None:
    before = pool.last()
    process = analysis.start(*IMAGES)
    (job, *_) = wait_for(lambda: pool.jobs("RUNNING", since=before), "a job that runs", process)
    pool.command("condor_rm", job.number)
    assert process.wait(PATIENCE) == 0, analysis.output()
    jobs = pool.jobs(since=before)
    assert {one.number for one in jobs if one.state == "REMOVED"} == {job.number}
    assert [one.state for one in jobs].count("COMPLETED") == len(jobs) - 1 == 2  # two files a job
    require_equal_results(analysis.results, undisturbed.results, "images")


def test_held_job_is_removed_and_submitted_again(
    analysis: Analysis, undisturbed: Analysis, pool: Pool
) -> None:
    """When nobody released it in time; later nobody can, and two jobs would write."""
    before = pool.last()
    process = analysis.start(*IMAGES, options=("--htcondor-held-timeout=3",))
    (job, *_) = wait_for(lambda: pool.jobs("RUNNING", since=before), "a job that runs", process)
    pool.command("condor_hold", job.number)
    assert process.wait(PATIENCE) == 0, analysis.output()
    assert "Hold reason: via condor_hold" in analysis.output()
    jobs = pool.jobs(since=before)
    assert {one.number for one in jobs if one.state == "REMOVED"} == {job.number}
    assert [one.state for one in jobs].count("COMPLETED") == len(jobs) - 1 == 2
    require_equal_results(analysis.results, undisturbed.results, "images")


def test_held_job_that_is_released_goes_on(
    analysis: Analysis, undisturbed: Analysis, pool: Pool
) -> None:
    before = pool.last()
    process = analysis.start(*IMAGES[:2])
    (job,) = wait_for(lambda: pool.jobs("RUNNING", since=before), "a job that runs", process)
    pool.command("condor_hold", job.number)
    wait_for(lambda: "is held: via condor_hold" in analysis.output(), "a word of it", process)
    pool.command("condor_release", job.number)
    assert process.wait(PATIENCE) == 0, analysis.output()
    (found,) = pool.jobs(since=before)
    assert (found.state, found.n_starts) == ("COMPLETED", 2)
    for name in IMAGES[:2]:
        path = Path(name).relative_to("results/drill")
        require_equal_tables(undisturbed.results / path, analysis.results / path)


def test_job_above_its_memory_gets_more(
    analysis: Analysis, undisturbed: Analysis, pool: Pool
) -> None:
    """HTCondor holds it."""
    before = pool.last()
    # one group of two jobs: they need between 200 MB, less than Python and the packages, and 1400
    # MB
    memory = ("--set-resources", "build_images:mem_mb=100 + 600 * (attempt - 1)")
    options = (*memory, "--htcondor-held-timeout=1")
    assert analysis.run(*IMAGES[:2], options=options) == 0, analysis.output()
    first, second = pool.jobs(since=before)
    assert (first.memory, second.memory) == (200, 1400)
    assert (first.state, second.state) == ("REMOVED", "COMPLETED")
    assert ": memory usage exceeded request_memory" in analysis.output()
    for name in IMAGES[:2]:
        path = Path(name).relative_to("results/drill")
        require_equal_tables(undisturbed.results / path, analysis.results / path)


def test_evicted_in_training(analysis: Analysis, undisturbed: Analysis, pool: Pool) -> None:
    """HTCondor starts the job once more; it goes on from its checkpoint."""
    before = pool.last()
    process = start_training(analysis)
    (job,) = pool.jobs("RUNNING", since=before)
    pool.command("condor_vacate_job", job.number)
    wait_for(lambda: pool.jobs(since=job.number - 1)[0].n_starts == 2, "a second start", process)
    (analysis.folder / "slow").unlink()
    assert process.wait(PATIENCE) == 0, analysis.output()
    log = (analysis.results / "logs/train_network/cnn/seed1.log").read_text()
    assert "going on from" in log
    require_equal_results(analysis.results, undisturbed.results, "images", "models")


# -- Snakemake or the queue is lost -------------------------------------------------------------


def test_killed_snakemake(analysis: Analysis, undisturbed: Analysis, pool: Pool) -> None:
    """Its lock stays, and the message says what to type; the next one removes its jobs."""
    before = pool.last()
    process = analysis.start(SUMMARY)
    wait_for(lambda: pool.jobs("RUNNING", since=before), "a job that runs", process)
    process.kill()
    process.wait()
    assert pool.jobs("RUNNING", "IDLE", since=before)
    assert analysis.run(SUMMARY) == 1
    assert "--unlock" in analysis.output()
    analysis.unlock()
    orphans = pool.jobs("RUNNING", "IDLE", since=before)
    assert analysis.run(SUMMARY) == 0, analysis.output()
    jobs = {job.number: job.state for job in pool.jobs(since=before)}
    assert all(jobs[orphan.number] in ("REMOVED", "COMPLETED") for orphan in orphans)
    require_equal_results(
        analysis.results, undisturbed.results, "images", "models", "scores", "metrics"
    )


def test_interrupted_snakemake_removes_its_jobs(analysis: Analysis, pool: Pool) -> None:
    before = pool.last()
    process = analysis.start(*IMAGES)
    wait_for(lambda: pool.jobs("RUNNING", since=before), "a job that runs", process)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 1
    wait_for(pool.is_empty, "an empty queue")
    assert {job.state for job in pool.jobs(since=before)} == {"REMOVED"}


def test_second_snakemake_is_refused(analysis: Analysis, undisturbed: Analysis, pool: Pool) -> None:
    """In the folder of one that runs, through HTCondor and here; it leaves the jobs alone."""
    before = pool.last()
    first = start_training(analysis)
    for run in (analysis.run, analysis.run_here):
        assert run(WEIGHTS) == 1
        assert "Directory cannot be locked" in analysis.output()
        assert "--unlock" in analysis.output()
    (analysis.folder / "slow").unlink()
    assert first.wait(PATIENCE) == 0
    assert {job.state for job in pool.jobs(since=before)} == {"COMPLETED"}
    require_equal_results(analysis.results, undisturbed.results, "images", "models")


def test_queue_that_is_away(analysis: Analysis, undisturbed: Analysis, pool: Pool) -> None:
    """When Snakemake starts, and once more while its jobs run."""
    before = pool.last()
    pool.command("condor_off", "-fast", "-schedd")
    process = analysis.start(*IMAGES)
    wait_for(lambda: "queue gives no answer" in analysis.output(), "a word of it", process)
    pool.command("condor_on", "-schedd")
    wait_for(lambda: pool.answers() and pool.jobs("RUNNING", since=before), "a job", process)
    pool.command("condor_restart", "-fast", "-schedd")
    assert process.wait(PATIENCE) == 0, analysis.output()
    require_equal_results(analysis.results, undisturbed.results, "images")


# -- the whole workflow -------------------------------------------------------------------------


def test_whole_workflow(farm: Farm, pool: Pool, tmp_path: Path) -> None:
    """config/test.yaml with and without HTCondor; there Snakemake is killed once it has a network.

    What was made by then stays as it is, and what comes later is the same.
    """
    local, analysis = (
        Analysis(tmp_path / name, farm, configfile=WHOLE) for name in ("local", "htcondor")
    )
    local.run_locally()
    before = pool.last()
    process = analysis.start()
    wait_for(lambda: list(analysis.results.glob("models/*/*/model.*")), "a network", process)
    process.kill()
    process.wait()
    made = times_of_images(analysis.results)
    assert len(made) == 3  # 650 events, 250 a file
    assert pool.jobs("RUNNING", since=before)
    analysis.unlock()
    assert analysis.run() == 0, analysis.output()
    assert "jobs of a Snakemake that was killed" in analysis.output()
    assert times_of_images(analysis.results) == made
    require_equal_runs(analysis.results, local.results)


def times_of_images(results: Path) -> dict[Path, int]:
    """When the image files that networks are trained with were written."""
    files = [
        path for name in ("qcd", "rpv_1400_850") for path in results.glob(f"images/{name}/*.h5")
    ]
    return {path: path.stat().st_mtime_ns for path in files}
