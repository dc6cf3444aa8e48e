"""What each module may import: directions inside the package, and light imports for other
analyses."""

import ast
import json
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "calovision"

# A room is a subpackage of calovision, or one inside it that others import apart. It is listed with
# the rooms that it may import: those below it only. Every room may import the core, and whole files
# (jobs).
ALLOWED = {
    "core": set(),
    "jobs": set(),
    "metrics": set(),
    "selection.expressions": set(),
    "images": set(),
    "jets": set(),
    "selection": {"jets", "selection.expressions"},
    "images.jet_images": {"images", "jets"},
    "ntuples": {"selection.expressions"},
    "simulation": {"jets"},
    "models": set(),
    "evaluation.baselines": {"jets", "metrics"},
    "evaluation.results": {"metrics"},
    "plotting": {"evaluation.baselines", "evaluation.results", "jets", "metrics"},
    "report": {"evaluation.results", "metrics"},
    "storage": {"images", "jets", "plotting", "selection"},
    "jobs.run_summary": set(),
    "jobs.planning": {"jets", "jobs.run_summary", "models", "storage", "workflow"},
    "accounting": {"conversion", "monitoring", "ntuples", "storage"},
    "conversion": {"images", "images.jet_images", "jets", "ntuples", "selection", "storage"},
    "datasets": {"images", "jets", "storage"},
    "monitoring": {
        "conversion",
        "evaluation.results",
        "images",
        "jets",
        "metrics",
        "ntuples",
        "selection",
        "storage",
    },
    "monitoring.networks": {"images", "models", "monitoring", "storage"},
    "plotting.monitoring": {"evaluation.results", "images", "monitoring", "plotting"},
    "scoring": {"conversion", "datasets", "images", "metrics", "models", "ntuples", "storage"},
    "training": {"datasets", "metrics", "models", "plotting", "scoring", "storage"},
    "evaluation.reach": {"evaluation.results", "metrics"},
    "evaluation": {
        "evaluation.baselines",
        "evaluation.reach",
        "evaluation.results",
        "jets",
        "metrics",
        "selection",
        "storage",
    },
    "workflow": {
        "conversion",
        "evaluation.baselines",
        "images",
        "images.jet_images",
        "jets",
        "models",
        "monitoring",
        "ntuples",
        "report",
        "selection",
        "selection.expressions",
        "storage",
        "training",
    },
    "stages": {
        "accounting",
        "conversion",
        "datasets",
        "evaluation",
        "evaluation.reach",
        "evaluation.results",
        "images",
        "jets",
        "jobs.run_summary",
        "metrics",
        "models",
        "monitoring",
        "monitoring.networks",
    }
    | {"plotting", "plotting.monitoring", "report", "scoring", "selection", "simulation"}
    | {"storage", "training"}
    | {"workflow"},
    "cli": {
        "accounting",
        "conversion",
        "datasets",
        "evaluation",
        "images",
        "images.jet_images",
        "jets",
        "jobs.planning",
        "jobs.run_summary",
        "models",
        "monitoring",
        "monitoring.networks",
        "ntuples",
    }
    | {"metrics", "plotting", "scoring", "stages", "storage", "training", "workflow"},
    "__init__": {
        "accounting",
        "conversion",
        "images",
        "images.jet_images",
        "jets",
        "models",
        "scoring",
        "storage",
    },
}
HEAVY = (
    "torch",
    "lightning",
    "matplotlib",
    "mplhep",
    "snakemake",
    "sklearn",
    "tensorboard",
    "pythia8mc",
    "numba",
)


def modules():
    """Files of each room: of a subpackage, without those of rooms inside it."""
    files = {"__init__": [PACKAGE / "__init__.py"]}
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.parent != PACKAGE:
            files.setdefault(room_of(path.parent.relative_to(PACKAGE).parts), []).append(path)
    return files


def room_of(parts):
    """The innermost room that holds a module, by the parts of its path or name in the package."""
    inner = ".".join(parts[:2])
    return inner if inner in ALLOWED else parts[0]


def imported_names(path):
    """Every module that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module
            if node.module == "calovision":
                yield from (f"calovision.{alias.name}" for alias in node.names)


def siblings(paths):
    names = {name for path in paths for name in imported_names(path)}
    return {room_of(name.split(".")[1:]) for name in names if name.startswith("calovision.")}


def test_every_module_is_in_a_room():
    assert set(modules()) == set(ALLOWED)
    assert [path.name for path in PACKAGE.glob("*.py")] == ["__init__.py"]
    assert len({room.split(".")[0] for room in ALLOWED} - {"__init__"}) <= 22


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_imports_run_downwards(name):
    assert siblings(modules()[name]) - {name, "core", "jobs"} <= ALLOWED[name]


def test_allowed_imports_have_no_cycle():
    done = set()
    while len(done) < len(ALLOWED):
        ready = {name for name, needs in ALLOWED.items() if name not in done and needs <= done}
        assert ready, f"a cycle among {sorted(set(ALLOWED) - done)}"
        done |= ready


def test_no_module_imports_snakemake():
    for paths in modules().values():
        for path in paths:
            assert not [
                name for name in imported_names(path) if name.split(".")[0] == "snakemake"
            ], path


def loaded_by(statement):
    program = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(json.loads(result.stdout))


@pytest.mark.parametrize(
    "statement",
    [
        "import calovision",
        "from calovision import EtaPhiGrid, build_images; import calovision.jobs.logs, "
        "calovision.metrics",
    ],
)
def test_image_builder_loads_no_heavy_package(statement):
    loaded = loaded_by(statement)
    assert ("calovision.images" in loaded) == ("build_images" in statement)
    assert not [name for name in HEAVY if name in loaded]


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("datasets, calovision.models", ("matplotlib", "lightning", "sklearn", "snakemake")),
        ("evaluation", ("torch", "lightning", "matplotlib", "snakemake")),
        ("plotting", ("torch", "lightning", "sklearn", "snakemake")),
        ("simulation", ("torch", "lightning", "matplotlib", "snakemake")),
        (
            "workflow.configuration, calovision.workflow.report_content",
            ("torch", "uproot", "awkward", "numpy", "matplotlib", "snakemake"),
        ),
    ],
)
def test_each_stage_loads_only_its_own_packages(module, absent):
    loaded = loaded_by(f"import calovision.{module}")
    assert f"calovision.{module.split(',')[0]}" in loaded
    assert not [name for name in absent if name in loaded]


def test_public_names():
    import calovision

    assert sorted(name for names in calovision._MODULES.values() for name in names) == sorted(
        calovision.__all__
    )
    for name in calovision.__all__:
        assert getattr(calovision, name) is not None
    assert set(calovision.__all__) <= set(dir(calovision))
    with pytest.raises(AttributeError, match="module 'calovision' has no attribute 'muons'"):
        _ = calovision.muons


def test_jobs_do_not_load_what_extends_numba():
    """The packages that are installed with entry points for numba, of which vector imports
    sympy."""
    start = "from calovision.jobs.compilation import skip_numba_extensions; skip_numba_extensions()"
    compiled = "import numba; numba.njit(lambda x: x + 1)(1)"
    extensions = [
        entry.value.split(":")[0] for entry in entry_points(group="numba_extensions", name="init")
    ]
    assert extensions  # awkward has one
    with_them, without = (loaded_by(f"{first}; {compiled}") for first in ("pass", start))
    assert set(extensions) <= with_them
    assert not set(extensions) & without
