"""A pytest plugin for environments without the extras, `-p without_extras`: modules that need
a package of one are left out, tests skipped; every other error stays one.
"""

import importlib
from collections.abc import Generator
from functools import cache
from pathlib import Path

import pytest

from calovision.core.extras import MissingExtraError, explain_missing


class LeftOut(pytest.Module):
    """A module of which no test is run."""

    def collect(self) -> list[pytest.Item]:
        """Give no tests."""
        return []


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    """Leave a module out whose imports need an extra."""
    if module_path.stem.startswith("test_") and module_needs_extra(module_path.stem):
        return LeftOut.from_parent(parent, path=module_path)
    return None


@cache
def module_needs_extra(name: str) -> bool:
    """Tell whether importing a module fails for want of an extra."""
    try:
        importlib.import_module(name)
    except ImportError as error:
        return needs_extra(error)
    except Exception:  # pytest imports it again, and says what is wrong
        return False
    return False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    """Skip a test whose fixtures need an extra."""
    return (yield from skipped_without_extra())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """Skip a test that needs an extra."""
    return (yield from skipped_without_extra())


def skipped_without_extra() -> Generator[None, object, object]:
    """Run what is yielded to; an error for want of an extra becomes a skip."""
    try:
        return (yield)
    except ImportError as error:
        if not needs_extra(error):
            raise
        pytest.skip(str(error))


def needs_extra(error: ImportError) -> bool:
    """Tell whether an import failed for want of a package that an extra brings."""
    if isinstance(error, ModuleNotFoundError):
        error = explain_missing(error)
    return isinstance(error, MissingExtraError)
