"""Classes of the user, ``package.module:Class``: found without an import, which would run code."""

import ast
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path

from calovision.core.errors import InputError
from calovision.core.registry import nearest


def check_class(key: str, name: str, folders: Sequence[str]) -> None:
    """Raise InputError unless a module is in one of the folders, or installed, and has the class.

    Parameters
    ----------
    key
        Key of the configuration that names it.
    name
        ``package.module:Class``.
    folders
        Where modules are looked for.
    """
    module, _, attribute = name.partition(":")
    spec = _find(module, folders)
    if spec is None:
        raise InputError(
            f"configuration key '{key}': there is no module {module}; give package.module:Class, "
            "and its folder in "
            "PYTHONPATH"
        )
    if spec.origin is None or not spec.origin.endswith(".py"):
        return
    try:
        names = _names_at_top(Path(spec.origin))
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(
            f"configuration key '{key}': the module {spec.origin} cannot be read ({error})"
        ) from error
    if names is not None and attribute not in names:
        raise InputError(
            f"configuration key '{key}': the module {spec.origin} has no class "
            f"'{attribute}'{nearest(attribute, names)}"
        )


def _find(module: str, folders: Sequence[str]) -> ModuleSpec | None:
    first, *others = module.split(".")
    spec = PathFinder.find_spec(first, list(folders)) or _installed(first)
    for position in range(len(others)):
        if spec is None or spec.submodule_search_locations is None:
            return None
        name = ".".join((first, *others[: position + 1]))
        spec = PathFinder.find_spec(name, list(spec.submodule_search_locations))
    return spec


def _installed(package: str) -> ModuleSpec | None:
    """Find a package by the import hooks, as of editable installations; not what only lies here."""
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        return None
    origin = Path(spec.origin or ".") if spec is not None else Path()
    return None if Path.cwd() in (origin.parent, origin.parent.parent) else spec


def _names_at_top(path: Path) -> set[str] | None:
    """Names that a module defines or imports; None if they cannot be told without running it."""
    names: set[str] = set()
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif not isinstance(node, ast.Expr | ast.AnnAssign):
            return None  # a condition or a loop may define anything
    return None if names & {"*", "__getattr__"} else names
