"""environment.yml, pyproject.toml and constraints.txt describe one environment."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from calovision.core.extras import MissingExtraError, explain_missing

REPOSITORY = Path(__file__).parents[1]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
ENVIRONMENT = yaml.safe_load((REPOSITORY / "environment.yml").read_text())
# conda-forge splits these packages; their names on PyPI
PYPI_NAMES = {
    "pytorch": "torch",
    "matplotlib-base": "matplotlib",
    "python-isal": "isal",
    "python-xxhash": "xxhash",
}


def name_and_specifier(requirement):
    requirement = Requirement(requirement)
    return canonicalize_name(requirement.name), str(requirement.specifier)


def of_extra(extra):
    """Requirements of an extra, and of the extras that it includes."""
    for text in PROJECT["optional-dependencies"][extra]:
        requirement = Requirement(text)
        if requirement.name == PROJECT["name"]:
            for included in requirement.extras:
                yield from of_extra(included)
        else:
            yield text


def in_pyproject():
    """Requirements of the package and of the extras that environment.yml includes."""
    return dict(name_and_specifier(text) for text in [*PROJECT["dependencies"], *of_extra("test")])


def in_environment():
    """Requirements of environment.yml under their names on PyPI."""
    conda = [entry for entry in ENVIRONMENT["dependencies"] if isinstance(entry, str)]
    conda = [
        name_and_specifier(entry) for entry in conda if not re.match(r"(python|pip)(=|$)", entry)
    ]
    (pip,) = (entry["pip"] for entry in ENVIRONMENT["dependencies"] if isinstance(entry, dict))
    assert "--editable ." in pip
    both = conda + [name_and_specifier(entry) for entry in pip if not entry.startswith("--")]
    return {PYPI_NAMES.get(name, name): specifier for name, specifier in both}


def pins():
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    pinned = [line.split("==") for line in lines if line and not line.startswith("#")]
    assert all(len(pin) == 2 for pin in pinned)
    return {canonicalize_name(name): Version(version) for name, version in pinned}


def test_environment_and_pyproject_ask_for_the_same():
    environment, pyproject = in_environment(), in_pyproject()
    # the one exact pin: every environment of the project has the torch that the results were made
    # with
    assert environment.pop("torch") == "==2.13.0"
    pyproject.pop("torch")
    assert environment == pyproject


def test_torch_is_pinned():
    assert pins()["torch"] == Version("2.13.0")
    assert Requirement(
        next(r for r in of_extra("train") if r.startswith("torch"))
    ).specifier.contains("2.13.0")


def test_constraints_pin_each_package_once():
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    assert len([line for line in lines if line and not line.startswith("#")]) == len(pins())


@pytest.mark.parametrize("group", ["dependencies", *PROJECT["optional-dependencies"]])
def test_constraints_satisfy_every_requirement(group):
    requirements = (
        PROJECT["dependencies"]
        if group == "dependencies"
        else PROJECT["optional-dependencies"][group]
    )
    for text in requirements:
        requirement = Requirement(text)
        if requirement.name == PROJECT["name"]:
            assert requirement.extras <= set(PROJECT["optional-dependencies"])
            continue
        pinned = pins()[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(pinned), f"{text} but {pinned} in constraints.txt"


def test_build_requirements_are_not_contradicted():
    build = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["build-system"]["requires"]
    for text in build:
        requirement = Requirement(text)
        pinned = pins().get(canonicalize_name(requirement.name))
        assert pinned is None or requirement.specifier.contains(pinned)


def test_python_is_that_of_the_project():
    (python,) = (entry for entry in ENVIRONMENT["dependencies"] if str(entry).startswith("python="))
    assert python == "python=3.11"
    assert PROJECT["requires-python"] == ">=3.11"
    assert "Programming Language :: Python :: 3.11" in PROJECT["classifiers"]


def test_only_conda_forge():
    assert ENVIRONMENT["channels"] == ["conda-forge", "nodefaults"]
    assert ENVIRONMENT["name"] == PROJECT["name"] == "calovision"


def third_party(folder):
    """Packages on PyPI whose modules the files of a folder import."""
    distributions = packages_distributions()
    own = {path.stem for path in folder.rglob("*")} | {"calovision"}
    found = {}
    for path in sorted(
        set(folder.rglob("*.py")) - set(folder.glob("benchmarks/*"))
    ):  # benchmarks list theirs apart
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            else:
                continue
            for top in {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - own:
                # one that is not installed here has the name of its module
                found[canonicalize_name(distributions.get(top, [top])[0])] = path
    return found


@pytest.mark.parametrize("folder", ["src", "workflow/scripts", "tests"])
def test_what_is_imported_is_declared(folder):
    of_developers, of_fuzz = (
        dict(name_and_specifier(text) for text in of_extra(extra)) for extra in ("dev", "fuzz")
    )
    for name, path in third_party(REPOSITORY / folder).items():
        declared = in_pyproject() | (of_developers if path.parent.name == "mutants" else {})
        declared |= of_fuzz if path.name == "guided_fuzz.py" else {}
        assert name in declared, f"{path} imports {name}, which pyproject.toml does not list"


def test_version_is_the_same_everywhere():
    version = PROJECT["version"]
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
    assert str(citation["version"]) == version
    changelog = REPOSITORY / "CHANGELOG.md"
    if changelog.exists():
        headings = re.findall(
            r"^## \[?v?(\d+\.\d+\.\d+)", changelog.read_text(), flags=re.MULTILINE
        )
        assert headings[0] == version


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("torch", "train"),
        ("sklearn", "workflow"),
        ("hepdata_lib", "workflow"),
        ("matplotlib", "plot"),
        ("onnx", "onnx"),
    ],
)
def test_missing_package_is_explained_by_its_extra(module, extra):
    explained = explain_missing(
        ModuleNotFoundError(f"No module named '{module}'", name=f"{module}.part")
    )
    assert isinstance(explained, MissingExtraError)
    assert str(explained).endswith(f'pip install "calovision[{extra}]"')


def test_other_missing_modules_stay_as_they_are():
    error = ModuleNotFoundError("No module named 'mine'", name="mine")
    assert explain_missing(error) is error


def test_builder_is_what_a_plain_installation_brings():
    every = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]}
    assert not every & {
        "torch",
        "lightning",
        "snakemake",
        "pyhf",
        "captum",
        "hepdata-lib",
        "matplotlib",
        "scikit-learn",
    }
