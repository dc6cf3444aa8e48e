"""The container definition is built, and the profile runs its jobs in it, on a real SLURM.

`make test-container` runs them, with Apptainer where it is installed, else with the stand-in beside
this file.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import SLURM, Cluster, reason_to_skip
from comparison import require_equal_results
from conftest import REPOSITORY
from farm import Analysis, write_samples

STAND_IN = Path(__file__).parent / "apptainer"
IMAGE = "workflow/container/calovision.sif"  # where the workflow looks for it
SUMMARY = "results/drill/metrics/summary.json"


def why_not() -> str | None:
    """Why no image can be built or run here; None if one can."""
    if os.environ.get("CALOVISION_TEST_CONTAINER") != "1":
        return "building the image takes minutes: `make test-container` runs this"
    missing = [program for program in ("bwrap", "mmdebstrap") if shutil.which(program) is None]
    if shutil.which("apptainer") is None and missing:
        return (
            f"neither Apptainer nor what its stand-in needs is installed: {', '.join(missing)} "
            "not found"
        )
    return reason_to_skip()


pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The image, built as `make container` builds it, and `apptainer` on the path."""
    folder = tmp_path_factory.mktemp("container")
    with pytest.MonkeyPatch.context() as patch:
        if shutil.which("apptainer") is None:
            (folder / "bin").mkdir()
            (folder / "bin/apptainer").symlink_to(STAND_IN)
            patch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
        image = folder / "calovision.sif"
        definition = REPOSITORY / "workflow/container/calovision.def"
        # what the definition copies is named relative to the repository
        built = subprocess.run(
            ["apptainer", "build", image, definition],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
        )
        assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
        yield image
        shutil.rmtree(image, ignore_errors=True)


def inside(image: Path, *command: str) -> subprocess.CompletedProcess:
    call = ["apptainer", "exec", image, *command]
    return subprocess.run(call, cwd=image.parent, capture_output=True, text=True)


def test_packages_are_the_tested_ones(container: Path) -> None:
    listed = json.loads(inside(container, "python", "-m", "pip", "list", "--format=json").stdout)
    found = {package["name"].lower().replace("_", "-"): package["version"] for package in listed}
    wanted = dict(
        re.findall(
            r"^([\w.-]+)==([\w.]+)", (REPOSITORY / "constraints.txt").read_text().lower(), re.M
        )
    )
    wanted = {name.replace("_", "-"): version for name, version in wanted.items()}
    assert {
        "calovision",
        "torch",
        "snakemake",
        "pythia8mc",
        "snakemake-executor-plugin-slurm",
    } <= set(found)
    # torch of a machine without GPU is 2.13.0+cpu
    different = {
        name: found[name]
        for name in wanted
        if name in found and found[name].split("+")[0] != wanted[name]
    }
    assert different == {}


def test_image_is_not_written_to(container: Path) -> None:
    copied = inside(container, "ls", "/opt/calovision").stdout.split()
    assert sorted(copied) == ["LICENSE", "README.md", "constraints.txt", "pyproject.toml", "src"]
    result = inside(container, "touch", "/opt/calovision/new")
    assert result.returncode == 1
    assert "Read-only file system" in result.stderr


def test_jobs_of_the_profile_run_in_it(container: Path, tmp_path: Path) -> None:
    """And give what jobs outside give."""
    ntuples = tmp_path / "ntuples"
    ntuples.mkdir()
    configuration = {
        "samples": write_samples(ntuples),
        "event_content": None,
        "selection": {"preselection": {"any": "n_fat_jets >= 0"}},
        "images": {"grid": [16, 16]},
        "models": {"cnn": {"network": "small"}},
        "train": {"epochs": 2},
        "baselines": ["logistic_regression"],
        "robustness": {"variations": {}},
    }
    local = Analysis(tmp_path / "local", configuration=configuration)
    local.run_locally(SUMMARY)
    analysis = Analysis(tmp_path / "farm", SLURM, configuration)
    # links into the repository lead nowhere inside, so that no job can take its package
    for name in ("workflow", "config"):
        (analysis.folder / name).unlink()
        shutil.copytree(
            REPOSITORY / name, analysis.folder / name, ignore=shutil.ignore_patterns("*.sif")
        )
    (analysis.folder / IMAGE).symlink_to(container)
    cluster = Cluster(tmp_path / "cluster")
    try:
        options = ("--software-deployment-method", "apptainer", "--slurm-keep-successful-logs")
        assert analysis.run(SUMMARY, options=options) == 0, analysis.output()
    finally:
        analysis.stop()
        cluster.stop()
    require_equal_results(analysis.results, local.results, "images", "models", "scores", "metrics")
    logs = "".join(
        path.read_text() for path in (analysis.folder / ".snakemake/slurm_logs").rglob("*.log")
    )
    assert logs.count(f"Activating singularity image {IMAGE}") > 5
