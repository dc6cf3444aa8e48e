"""Registries: our entries, entries of other packages, and what is said of those that are wrong."""

import sys
from dataclasses import dataclass

import pytest

from calovision.core.errors import InputError
from calovision.core.registry import Registry


@dataclass(frozen=True)
class Animal:
    name: str
    legs: int = 4


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a package with entry points of the group calovision.animals, as pip would leave
    it."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "zoo_of_test", raising=False)

    def write(points, code=""):
        info = tmp_path / "zoo-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in points.items()]
        (info / "entry_points.txt").write_text("\n".join(["[calovision.animals]", *lines, ""]))
        (tmp_path / "zoo_of_test.py").write_text(f"from test_registry import Animal\n{code}\n")

    return write


def animals():
    return Registry("animal", Animal, [Animal("zebra"), Animal("bird", 2)])


def test_own_entries_are_found_in_their_order():
    registry = animals()
    assert list(registry) == ["zebra", "bird"]
    assert registry["bird"].legs == 2
    assert registry.find("zebra", "key 'a'") is registry["zebra"]


def test_unknown_name_is_told_with_the_nearest():
    with pytest.raises(InputError) as info:
        animals().find("zebar", "configuration key 'a'")
    assert str(info.value) == (
        "configuration key 'a': there is no animal 'zebar'; did you mean 'zebra'?; choose from "
        "zebra, bird"
    )


def test_entry_of_another_package_is_added(install):
    install({"ant": "zoo_of_test:ANT"}, "ANT = Animal('ant', 6)")
    registry = animals()
    assert "ant" in registry
    assert registry["ant"].legs == 6
    assert list(registry) == ["zebra", "bird", "ant"]
    assert len(registry) == 3


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (
            {"bird": "zoo_of_test:BIRD"},
            "package zoo: it adds the animal 'bird', which there is already; give its entry point "
            "of calovision.animals "
            "another name",
        ),
        (
            {"ant": "zoo_of_test:ABSENT"},
            "package zoo: its animal 'ant' cannot be loaded from zoo_of_test:ABSENT "
            "(AttributeError: module "
            "'zoo_of_test' has no attribute 'ABSENT'); mend or remove that package",
        ),
        (
            {"ant": "zoo_of_test:BIRD"},
            "package zoo: zoo_of_test:BIRD is no test_registry.Animal with the name 'ant' of its "
            "entry point in "
            "calovision.animals",
        ),
        (
            {"ant": "zoo_of_test:NUMBER"},
            "package zoo: zoo_of_test:NUMBER is no test_registry.Animal with the name 'ant' of its "
            "entry point in "
            "calovision.animals",
        ),
    ],
    ids=["taken", "absent", "other name", "other type"],
)
def test_wrong_entry_of_another_package_is_named(install, points, message):
    install(points, "BIRD, NUMBER = Animal('bird'), 3")
    with pytest.raises(InputError) as info:
        list(animals())
    assert str(info.value) == message


def test_own_names_look_for_no_other_package(install):
    install({"ant": "zoo_of_test:ABSENT"})
    assert animals()["bird"].legs == 2
