"""What each module may import: directions inside the package, and light imports for other analyses."""

import ast
import json
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "calovision"

# Every module may import errors. A module is listed with the siblings that it may import: those above it only.
ALLOWED = {
    "errors": set(),
    "extras": set(),
    "atomic": set(),
    "user_files": set(),
    "logs": {"attempts", "submission", "text"},
    "numeric": set(),
    "records": set(),
    "kinematics": {"numeric"},
    "compilation": set(),
    "grid": {"kinematics", "numeric"},
    "metrics": set(),
    "splits": set(),
    "expressions": set(),
    "selection": {"expressions"},
    "text": set(),
    "markdown": {"text"},
    "titles": {"text"},
    "report": {"markdown", "text"},
    "attempts": set(),
    "submission": set(),
    "run_summary": {"attempts", "markdown"},
    "variations": {"grid", "records"},
    "models": set(),
    "baselines": {"metrics"},
    "simulation": {"kinematics"},
    "reach": {"metrics"},
    "hepdata": {"metrics", "text"},
    "images": {"grid", "numeric", "records"},
    "jet_images": {"grid", "images", "jets", "kinematics", "numeric", "records"},
    "jets": {"kinematics", "numeric", "records", "selection"},
    "ntuples": {"expressions", "kinematics", "user_files"},
    "storage": {"grid", "images", "plotting", "splits", "titles"},
    "plotting": {"metrics", "titles"},
    "conversion": {"compilation", "grid", "images", "jet_images", "jets", "ntuples", "selection", "splits", "storage"}
    | {"variations"},
    "datasets": {"images", "splits", "storage"},
    "scoring": {"datasets", "images", "metrics", "models", "storage"},
    "attribution": {"datasets", "grid", "models", "scoring", "storage"},
    "onnx_export": {"datasets", "models", "scoring"},
    "training": {"datasets", "metrics", "models", "plotting", "scoring", "splits", "storage"},
    "evaluation": {"baselines", "markdown", "metrics", "selection", "splits", "storage"},
    "planning": {"attempts", "models", "run_summary", "storage"},
    "workflow": {"grid", "ntuples", "selection", "titles", "user_files"},
    "cli": {"conversion", "grid", "images", "jet_images", "jets", "ntuples", "plotting", "splits", "storage"}
    | {"compilation", "extras", "models", "onnx_export", "planning", "run_summary", "scoring", "workflow", "text"},
    "__init__": {"conversion", "extras", "grid", "images", "jet_images", "models", "onnx_export", "scoring", "storage"},
}
HEAVY = ("torch", "lightning", "matplotlib", "mplhep", "snakemake", "sklearn", "tensorboard", "pythia8mc", "numba")


def modules():
    """Name of each module or subpackage of calovision -> its files."""
    files = {path.stem: [path] for path in PACKAGE.glob("*.py")}
    return files | {path.parent.name: sorted(path.parent.glob("*.py")) for path in PACKAGE.glob("*/__init__.py")}


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
    return {name.split(".")[1] for name in names if name.startswith("calovision.")}


def test_every_module_is_listed():
    assert set(modules()) == set(ALLOWED)


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_imports_run_downwards(name):
    assert siblings(modules()[name]) - {name, "errors", "atomic"} <= ALLOWED[name]


def test_allowed_imports_have_no_cycle():
    done = set()
    while len(done) < len(ALLOWED):
        ready = {name for name, needs in ALLOWED.items() if name not in done and needs <= done}
        assert ready, f"a cycle among {sorted(set(ALLOWED) - done)}"
        done |= ready


def test_no_module_imports_snakemake():
    for paths in modules().values():
        for path in paths:
            assert not [name for name in imported_names(path) if name.split(".")[0] == "snakemake"], path


def loaded_by(statement):
    program = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(result.stdout))


@pytest.mark.parametrize(
    "statement",
    [
        "import calovision",
        "from calovision import EtaPhiGrid, build_images; import calovision.logs, calovision.metrics",
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
        ("workflow", ("torch", "uproot", "awkward", "numpy", "matplotlib", "snakemake")),
    ],
)
def test_each_stage_loads_only_its_own_packages(module, absent):
    loaded = loaded_by(f"import calovision.{module}")
    assert f"calovision.{module.split(',')[0]}" in loaded
    assert not [name for name in absent if name in loaded]


def test_public_names():
    import calovision

    assert sorted(name for names in calovision._MODULES.values() for name in names) == sorted(calovision.__all__)
    for name in calovision.__all__:
        assert getattr(calovision, name) is not None
    assert set(calovision.__all__) <= set(dir(calovision))
    with pytest.raises(AttributeError, match="module 'calovision' has no attribute 'muons'"):
        _ = calovision.muons


def test_jobs_do_not_load_what_extends_numba():
    """The packages that are installed with entry points for numba, of which vector imports sympy."""
    start = "from calovision.compilation import skip_numba_extensions; skip_numba_extensions()"
    compiled = "import numba; numba.njit(lambda x: x + 1)(1)"
    extensions = [entry.value.split(":")[0] for entry in entry_points(group="numba_extensions", name="init")]
    assert extensions  # awkward has one
    with_them, without = (loaded_by(f"{first}; {compiled}") for first in ("pass", start))
    assert set(extensions) <= with_them
    assert not set(extensions) & without
